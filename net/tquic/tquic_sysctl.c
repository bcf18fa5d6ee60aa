// SPDX-License-Identifier: GPL-2.0
/* Sysctls of a network namespace, and how connections come by their values */
#include <linux/errno.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysctl.h>
#include "cc/cc.h"
#include "core/conn.h"
#include "sched/sched.h"
#include "tquic_sysctl.h"

/* Room for the names of all schedulers or congestion controllers */
#define TQUIC_SYSCTL_NAMES_BYTES	512

static_assert(TQUIC_SYSCTL_NAME_MAX == TQUIC_NAME_LEN);

/**
 * tquic_sysctl_copy() - value of a sysctl that is a name
 * @tn: namespace
 * @value: one of the strings in @tn->sysctls
 * @name: destination of TQUIC_SYSCTL_NAME_MAX bytes
 *
 * Context: any but hard interrupts.
 * Return: the name's length.
 */
size_t tquic_sysctl_copy(struct tquic_net *tn, const char *value, char *name)
{
	size_t len;

	spin_lock_bh(&tn->lock);
	len = strscpy(name, value, TQUIC_SYSCTL_NAME_MAX);
	spin_unlock_bh(&tn->lock);
	return len;
}

/**
 * tquic_sysctl_socket() - what a new socket's options begin with
 * @tn: namespace
 * @conn: connection from tquic_conn_init()
 */
void tquic_sysctl_socket(struct tquic_net *tn, struct tquic_conn *conn)
{
	struct tquic_params *p = &conn->local;

	p->active_cid_limit = TQUIC_SYSCTL(tn, active_cid_limit);
	p->max_idle_timeout_ms = TQUIC_SYSCTL(tn, idle_timeout_ms);
	p->max_ack_delay_ms = TQUIC_SYSCTL(tn, max_ack_delay_ms);
	p->max_data = TQUIC_SYSCTL(tn, max_data);
	p->max_datagram_frame_size = TQUIC_SYSCTL(tn, max_datagram_bytes);
	p->max_stream_data_bidi_local = TQUIC_SYSCTL(tn, max_stream_data);
	p->max_stream_data_bidi_remote = p->max_stream_data_bidi_local;
	p->max_stream_data_uni = p->max_stream_data_bidi_local;
	p->max_streams_bidi = TQUIC_SYSCTL(tn, max_streams_bidi);
	p->max_streams_uni = TQUIC_SYSCTL(tn, max_streams_uni);
	p->has_max_path_id = TQUIC_SYSCTL(tn, multipath);
	p->max_path_id = p->has_max_path_id ? TQUIC_SYSCTL(tn, max_path_id) : 0;
	conn->keepalive_ns = TQUIC_SYSCTL_NS(tn, keepalive_ms);
}

/**
 * tquic_sysctl_start() - what a connection needs before it starts
 * @tn: namespace
 * @conn: connection; congestion controller and scheduler stay if they are set
 *
 * Return: 0, or -ENOENT when the congestion controller or the scheduler that
 * is the default now has been removed.
 */
int tquic_sysctl_start(struct tquic_net *tn, struct tquic_conn *conn)
{
	char name[TQUIC_SYSCTL_NAME_MAX];

	conn->tune = (struct tquic_tuning) {
		.rx_window_max_bytes = TQUIC_SYSCTL(tn, window_max_bytes),
		.rx_mem_max_bytes = TQUIC_SYSCTL(tn, rx_mem_max_bytes),
		.rtt_initial_ns = TQUIC_SYSCTL_NS(tn, initial_rtt_ms),
		.probe_max_ns = TQUIC_SYSCTL_NS(tn, path_probe_max_ms),
		.reinject_percent = TQUIC_SYSCTL(tn, reinject_percent),
		.min_legs = TQUIC_SYSCTL(tn, min_legs),
		.mtu_max_bytes = TQUIC_SYSCTL(tn, mtu_max_bytes),
		.dgram_rx_max_bytes = TQUIC_SYSCTL(tn, datagram_rx_max_bytes),
		.ecn = TQUIC_SYSCTL(tn, ecn),
		.pacing = TQUIC_SYSCTL(tn, pacing),
	};
	if (!conn->cc_ops) {
		tquic_sysctl_copy(tn, tn->sysctls.congestion_control, name);
		conn->cc_ops = tquic_cc_get(name);
	}
	if (!conn->sched) {
		tquic_sysctl_copy(tn, tn->sysctls.scheduler, name);
		conn->sched = tquic_sched_get(name);
	}
	return conn->cc_ops && conn->sched ? 0 : -ENOENT;
}

/*
 * A name out of a registry. It is copied whole under the lock, so that nobody
 * reads half of one. The registry's module is not held: the default would pin
 * it, and ours, as long as there is a namespace.
 */
static int tquic_sysctl_choice(struct tquic_net *tn, char *value,
			       bool (*known)(const char *name), int write,
			       void *buffer, size_t *lenp, loff_t *ppos)
{
	/* Longer than any name, so that what is too long is seen to be. */
	char name[2 * TQUIC_SYSCTL_NAME_MAX];
	const struct ctl_table table = { .data = name, .maxlen = sizeof(name) };
	int ret;

	tquic_sysctl_copy(tn, value, name);
	ret = proc_dostring(&table, write, buffer, lenp, ppos);
	if (ret || !write)
		return ret;
	if (!name[0] || strlen(name) >= TQUIC_SYSCTL_NAME_MAX)
		return -EINVAL;
	if (!known(name))
		return -ENOENT;
	spin_lock_bh(&tn->lock);
	strscpy(value, name, TQUIC_SYSCTL_NAME_MAX);
	spin_unlock_bh(&tn->lock);
	return 0;
}

static int tquic_sysctl_names(struct tquic_catalog *registry,
			      void *buffer, size_t *lenp, loff_t *ppos)
{
	char names[TQUIC_SYSCTL_NAMES_BYTES];
	const struct ctl_table table = { .data = names, .maxlen = sizeof(names) };

	tquic_catalog_names(registry, names, sizeof(names));
	return proc_dostring(&table, 0, buffer, lenp, ppos);
}

static bool tquic_sysctl_is_cc(const char *name)
{
	const struct tquic_cc_ops *ops = tquic_cc_get(name);

	tquic_cc_put(ops);
	return ops;
}

static bool tquic_sysctl_is_sched(const char *name)
{
	const struct tquic_sched *ops = tquic_sched_get(name);

	tquic_sched_put(ops);
	return ops;
}

/* net.tquic.congestion_control */
int tquic_sysctl_congestion_control(const struct ctl_table *table, int write,
				    void *buffer, size_t *lenp, loff_t *ppos)
{
	struct tquic_net *tn = table->extra1;

	return tquic_sysctl_choice(tn, tn->sysctls.congestion_control,
				   tquic_sysctl_is_cc, write, buffer, lenp, ppos);
}

/* net.tquic.scheduler */
int tquic_sysctl_scheduler(const struct ctl_table *table, int write,
			   void *buffer, size_t *lenp, loff_t *ppos)
{
	struct tquic_net *tn = table->extra1;

	return tquic_sysctl_choice(tn, tn->sysctls.scheduler,
				   tquic_sysctl_is_sched, write, buffer, lenp, ppos);
}

/* net.tquic.available_congestion_control */
int tquic_sysctl_available_congestion_control(const struct ctl_table *table,
					      int write, void *buffer,
					      size_t *lenp, loff_t *ppos)
{
	return tquic_sysctl_names(&tquic_cc_catalog, buffer, lenp, ppos);
}

/* net.tquic.available_schedulers */
int tquic_sysctl_available_schedulers(const struct ctl_table *table, int write,
				      void *buffer, size_t *lenp, loff_t *ppos)
{
	return tquic_sysctl_names(&tquic_sched_catalog, buffer, lenp, ppos);
}

/**
 * tquic_sysctl_net_init() - a new namespace has the defaults, and files for them
 * @tn: namespace, with tn->net set
 *
 * Return: 0 or -ENOMEM.
 */
int tquic_sysctl_net_init(struct tquic_net *tn)
{
	const void *defaults = &tquic_sysctls_default;
	struct ctl_table *table;
	unsigned int i;

	tn->sysctls = tquic_sysctls_default;
	if (!IS_ENABLED(CONFIG_SYSCTL))
		return 0;
	table = kmemdup(tquic_sysctl_table, sizeof(tquic_sysctl_table), GFP_KERNEL);
	if (!table)
		return -ENOMEM;
	for (i = 0; i < TQUIC_SYSCTL_COUNT; i++) {
		if (table[i].data)
			table[i].data = (void *)&tn->sysctls +
					(table[i].data - defaults);
		else
			table[i].extra1 = tn;
	}
	tn->sysctl_header = register_net_sysctl_sz(tn->net, TQUIC_SYSCTL_PATH,
						   table, TQUIC_SYSCTL_COUNT);
	if (!tn->sysctl_header) {
		kfree(table);
		return -ENOMEM;
	}
	return 0;
}

/**
 * tquic_sysctl_net_exit() - the files go; whoever is in one has left it then
 * @tn: namespace
 *
 * Context: process, may sleep.
 */
void tquic_sysctl_net_exit(struct tquic_net *tn)
{
	const struct ctl_table *table;

	if (!IS_ENABLED(CONFIG_SYSCTL))
		return;
	table = tn->sysctl_header->ctl_table_arg;
	unregister_net_sysctl_table(tn->sysctl_header);
	kfree(table);
}
