/* SPDX-License-Identifier: GPL-2.0 */
/* Packet schedulers: which path carries the next packet of data */
#ifndef TQUIC_SCHED_SCHED_H
#define TQUIC_SCHED_SCHED_H

#include <linux/types.h>
#include "core/catalog.h"

struct tquic_conn;
struct tquic_path;

/**
 * struct tquic_sched - one scheduler
 * @entry: its name and its module
 * @copies: what one path sends goes on all others too
 * @get_path: path for the next packet with data, or NULL to wait; asked
 *	before every packet, and for packets that turn out to carry something
 *	else, so it may not take a question for a packet sent. Its memory is
 *	conn->sched_priv, which is all zero at first.
 * @floor_ns: what is due before this time is not put on @path but left to another;
 *	0: all may go.  NULL: deadlines do not matter.
 *
 * Context: connection lock held, softirq.
 */
struct tquic_sched {
	struct tquic_entry entry;
	bool copies;
	struct tquic_path *(*get_path)(struct tquic_conn *conn, u64 now);
	u64 (*floor_ns)(const struct tquic_conn *conn, const struct tquic_path *path, u64 now);
};

extern struct tquic_catalog tquic_sched_catalog;

extern struct tquic_sched tquic_sched_blest;
extern struct tquic_sched tquic_sched_deadline;
extern struct tquic_sched tquic_sched_ecf;
extern struct tquic_sched tquic_sched_minrtt;
extern struct tquic_sched tquic_sched_redundant;
extern struct tquic_sched tquic_sched_roundrobin;
extern struct tquic_sched tquic_sched_weighted;

int tquic_scheds_init(void);
void tquic_scheds_exit(void);
int tquic_sched_register(struct tquic_sched *ops);
void tquic_sched_unregister(struct tquic_sched *ops);
const struct tquic_sched *tquic_sched_get(const char *name);
void tquic_sched_put(const struct tquic_sched *ops);
void tquic_sched_assign(struct tquic_conn *conn,
			const struct tquic_sched *ops);

bool tquic_sched_usable(const struct tquic_path *path);
bool tquic_sched_room(const struct tquic_path *path);
u64 tquic_sched_next_ns(const struct tquic_path *path, u64 now);
bool tquic_sched_paced(const struct tquic_path *path, u64 now);
u16 tquic_sched_candidates(const struct tquic_conn *conn);
struct tquic_path *tquic_sched_fastest(const struct tquic_conn *conn,
				       u16 slots, bool room, u64 now);
bool tquic_sched_soon(const struct tquic_path *fast, const struct tquic_path *slow, u64 now);
bool tquic_sched_full(const struct tquic_path *path, u64 now);
struct tquic_path *tquic_sched_unless(struct tquic_conn *conn, u64 now,
				      bool (*wait)(struct tquic_conn *conn,
						   const struct tquic_path *fast,
						   const struct tquic_path *slow, u64 now));
struct tquic_path *tquic_minrtt_get_path(struct tquic_conn *conn, u64 now);

#endif /* TQUIC_SCHED_SCHED_H */
