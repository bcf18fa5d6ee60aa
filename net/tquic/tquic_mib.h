/* SPDX-License-Identifier: GPL-2.0 */
/* Counters of a network namespace, shown in /proc/net/tquic/snmp. */
#ifndef TQUIC_MIB_H
#define TQUIC_MIB_H

#include <linux/percpu.h>
#include <linux/types.h>
#include "tquic-mib-gen.h"

struct seq_file;

#define TQUIC_MIB_ENUM(id, name) TQUIC_MIB_##id,
enum tquic_mib_id {
	TQUIC_MIB_LIST(TQUIC_MIB_ENUM)
	TQUIC_MIB_COUNT
};
#undef TQUIC_MIB_ENUM

/**
 * struct tquic_mib - one CPU's share of the counters
 * @c: indexed by enum tquic_mib_id
 */
struct tquic_mib {
	unsigned long c[TQUIC_MIB_COUNT];
};

/* @tn: struct tquic_net; @id: the constant without its TQUIC_MIB_ prefix. Any context. */
#define TQUIC_INC(tn, id)	this_cpu_inc((tn)->mib->c[TQUIC_MIB_##id])
#define TQUIC_ADD(tn, id, n)	this_cpu_add((tn)->mib->c[TQUIC_MIB_##id], n)

struct tquic_mib __percpu *tquic_mib_alloc(void);
void tquic_mib_free(struct tquic_mib __percpu *mib);
u64 tquic_mib_sum(const struct tquic_mib __percpu *mib, enum tquic_mib_id id);
void tquic_mib_show(struct seq_file *seq, const struct tquic_mib __percpu *mib);

#endif /* TQUIC_MIB_H */
