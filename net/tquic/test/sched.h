/* SPDX-License-Identifier: GPL-2.0 */
/* A connection of three paths that only a scheduler looks at, for the suites of schedulers. */
#ifndef TQUIC_TEST_SCHED_H
#define TQUIC_TEST_SCHED_H

#include <kunit/test.h>

#include "core/conn.h"
#include "core/path.h"
#include "sched/sched.h"

#define SCHED_NOW	((u64)NSEC_PER_SEC)
#define SCHED_PATHS	3
#define SCHED_MTU	1472

struct sched_fixture {
	const struct tquic_sched *ops;
	struct tquic_conn conn;
	struct tquic_path path[SCHED_PATHS];
};

/* RTTs of 20, 40 and 60 ms without jitter, windows of ten packets in slow start */
static inline struct sched_fixture *sched_make(struct kunit *test,
					       const struct tquic_sched *ops)
{
	struct sched_fixture *x = kunit_kzalloc(test, sizeof(*x), GFP_KERNEL);
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, x);
	x->ops = ops;
	x->conn.tune.min_legs = 1;
	for (i = 0; i < SCHED_PATHS; i++) {
		x->path[i].id = i;
		x->path[i].index = i;
		x->path[i].state = TQUIC_PATH_ACTIVE;
		x->path[i].validated = true;
		x->path[i].pmtu.bytes = SCHED_MTU;
		x->path[i].pacing = true;
		tquic_rtt_init(&x->path[i].rtt, TQUIC_RTT_INITIAL_NS);
		tquic_rtt_update(&x->path[i].rtt, SCHED_NOW, (i + 1) * 20 * NSEC_PER_MSEC, 0, 0);
		x->path[i].rtt.rttvar_ns = 0;
		tquic_cc_init(&x->path[i].cc, &tquic_cc_newreno, SCHED_MTU, SCHED_NOW);
		tquic_pacer_init(&x->path[i].pacer);
		RCU_INIT_POINTER(x->conn.paths[i], &x->path[i]);
	}
	return x;
}

/* Id of the path chosen, -1 for none */
static inline int sched_pick_at(struct sched_fixture *x, u64 now)
{
	const struct tquic_path *path = x->ops->get_path(&x->conn, now);

	return path ? path->id : -1;
}

static inline int sched_pick(struct sched_fixture *x)
{
	return sched_pick_at(x, SCHED_NOW);
}

static inline void sched_fill(struct tquic_path *path)
{
	tquic_cc_on_sent(&path->cc, tquic_cc_room_bytes(&path->cc), SCHED_NOW);
}

static inline void sched_empty(struct tquic_path *path)
{
	tquic_cc_on_discard(&path->cc, path->cc.in_flight, SCHED_NOW);
}

/* A packet of @bytes leaves on the path chosen, and its window does not mind */
static inline int sched_send(struct sched_fixture *x, u32 bytes)
{
	int i = sched_pick(x);

	if (i >= 0) {
		x->path[i].stats.tx_packets++;
		x->path[i].stats.tx_bytes += bytes;
	}
	return i;
}

/* The path's pacer has sent all it lets go at once */
static inline void sched_pace(struct tquic_path *path)
{
	u64 rate = tquic_cc_pacing_rate(&path->cc, &path->rtt);
	int i;

	for (i = 0; i < 12; i++)
		tquic_pacer_on_sent(&path->pacer, SCHED_MTU, SCHED_NOW, rate, SCHED_MTU);
}

#endif /* TQUIC_TEST_SCHED_H */
