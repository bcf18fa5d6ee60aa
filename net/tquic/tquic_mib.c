// SPDX-License-Identifier: GPL-2.0
/* Counters of a network namespace, shown in /proc/net/tquic/snmp. */
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/seq_file_net.h>
#include "tquic_mib.h"
#include "tquic_net.h"

#define TQUIC_MIB_NAME(id, name) [TQUIC_MIB_##id] = name,
static const char * const tquic_mib_names[TQUIC_MIB_COUNT] = {
	TQUIC_MIB_LIST(TQUIC_MIB_NAME)
};

/**
 * tquic_mib_alloc() - a set of zeroed counters
 *
 * Context: process, may sleep.
 * Return: the counters, NULL without memory.
 */
struct tquic_mib __percpu *tquic_mib_alloc(void)
{
	return alloc_percpu(struct tquic_mib);
}

/**
 * tquic_mib_free() - the end of a set of counters
 * @mib: counters or NULL
 */
void tquic_mib_free(struct tquic_mib __percpu *mib)
{
	free_percpu(mib);
}

/**
 * tquic_mib_sum() - value of one counter
 * @mib: counters
 * @id: which
 *
 * Return: sum over all CPUs, not a snapshot.
 */
u64 tquic_mib_sum(const struct tquic_mib __percpu *mib, enum tquic_mib_id id)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu_ptr(mib, cpu)->c[id]);
	return sum;
}

/**
 * tquic_mib_show() - print all counters, one "name value" line each
 * @seq: where to
 * @mib: counters
 */
void tquic_mib_show(struct seq_file *seq, const struct tquic_mib __percpu *mib)
{
	int i;

	for (i = 0; i < TQUIC_MIB_COUNT; i++)
		seq_printf(seq, "%-32s%llu\n", tquic_mib_names[i], tquic_mib_sum(mib, i));
}

static int tquic_mib_proc_show(struct seq_file *seq, void *unused)
{
	struct tquic_net *tn = tquic_pernet(seq_file_single_net(seq));

	tquic_mib_show(seq, tn->mib);
	return 0;
}

/**
 * tquic_mib_net_init() - counters and proc files of a new namespace
 * @tn: namespace, with tn->net set
 *
 * Return: 0 or -ENOMEM.
 */
int tquic_mib_net_init(struct tquic_net *tn)
{
	tn->mib = tquic_mib_alloc();
	if (!tn->mib)
		return -ENOMEM;
	if (!IS_ENABLED(CONFIG_PROC_FS))
		return 0;
	tn->proc_dir = proc_net_mkdir(tn->net, "tquic", tn->net->proc_net);
	if (!tn->proc_dir)
		goto err_free;
	if (!proc_create_net_single("snmp", 0444, tn->proc_dir, tquic_mib_proc_show, NULL) ||
	    !tquic_proc_conns_create(tn))
		goto err_proc;
	return 0;

err_proc:
	proc_remove(tn->proc_dir);
err_free:
	tquic_mib_free(tn->mib);
	return -ENOMEM;
}

/**
 * tquic_mib_net_exit() - the end of a namespace's counters
 * @tn: namespace; nothing counts any more
 */
void tquic_mib_net_exit(struct tquic_net *tn)
{
	proc_remove(tn->proc_dir);
	tquic_mib_free(tn->mib);
}
