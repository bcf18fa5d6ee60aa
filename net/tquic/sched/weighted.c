// SPDX-License-Identifier: GPL-2.0
/* Deficit-weighted round robin: bytes by the paths' weights */
#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include "core/conn.h"
#include "sched/sched.h"

#define TQUIC_WRR_ROUND_BYTES	(64 * 1024)	/* of all paths together */

/**
 * struct tquic_wrr - private state
 * @end: by slot: value of stats.tx_bytes, modulo 2^32, at which the path has
 *	used up its share of the round
 */
struct tquic_wrr {
	u32 end[TQUIC_PATHS_MAX];
};

/* Weights of the operator count once all candidates have one */
static bool tquic_wrr_fixed(const struct tquic_conn *conn, u16 slots)
{
	unsigned int i;

	for (i = 0; i < TQUIC_PATHS_MAX; i++)
		if ((slots & BIT(i)) && !tquic_conn_path(conn, i)->weight)
			return false;
	return true;
}

/* Without: what the path can carry, in kilobytes per second; below 2^42 */
static u64 tquic_wrr_weight(const struct tquic_path *path, bool fixed)
{
	if (fixed)
		return path->weight;
	return max_t(u64, 1, div64_u64(path->cc.cwnd * NSEC_PER_USEC,
				       max_t(u64, 1, path->rtt.srtt_ns / NSEC_PER_USEC)));
}

/*
 * A path's share of a round.  That of a light path may be less than a packet:
 * what it sends too much is held against it in the next rounds.
 */
static s32 tquic_wrr_share(const struct tquic_conn *conn, u16 slots,
			   const struct tquic_path *path)
{
	bool fixed = tquic_wrr_fixed(conn, slots);
	u64 sum = 0, share;
	unsigned int i;

	for (i = 0; i < TQUIC_PATHS_MAX; i++)
		if (slots & BIT(i))
			sum += tquic_wrr_weight(tquic_conn_path(conn, i), fixed);
	share = div64_u64(tquic_wrr_weight(path, fixed) * TQUIC_WRR_ROUND_BYTES,
			  sum);
	return max_t(s32, 1, share);
}

/* What is left of the share; what a slot's former path left there is none */
static s32 tquic_wrr_left(const struct tquic_wrr *wrr,
			  const struct tquic_path *path)
{
	s32 left = wrr->end[path->index] - (u32)path->stats.tx_bytes;

	return abs(left) > TQUIC_WRR_ROUND_BYTES ? 0 : left;
}

/* The path that has used the least part of its share, NULL when all is used */
static struct tquic_path *tquic_wrr_first(const struct tquic_conn *conn,
					  u16 slots, u16 ready)
{
	const struct tquic_wrr *wrr = (const void *)conn->sched_priv;
	struct tquic_path *path, *best = NULL;
	u64 part, best_part = 0;
	unsigned int i;
	s32 left;

	for (i = 0; i < TQUIC_PATHS_MAX; i++) {
		if (!(ready & BIT(i)))
			continue;
		path = tquic_conn_path(conn, i);
		left = tquic_wrr_left(wrr, path);
		if (left <= 0)
			continue;
		part = div_u64((u64)left * TQUIC_WRR_ROUND_BYTES,
			       tquic_wrr_share(conn, slots, path));
		if (part <= best_part)
			continue;
		best = path;
		best_part = part;
	}
	return best;
}

/* A path that could not use its share loses it, lest it bursts later */
static void tquic_wrr_new_round(struct tquic_conn *conn, u16 slots)
{
	struct tquic_wrr *wrr = (struct tquic_wrr *)conn->sched_priv;
	const struct tquic_path *path;
	unsigned int i;

	for (i = 0; i < TQUIC_PATHS_MAX; i++) {
		if (!(slots & BIT(i)))
			continue;
		path = tquic_conn_path(conn, i);
		wrr->end[i] = (u32)path->stats.tx_bytes +
			      min(tquic_wrr_left(wrr, path), 0) +
			      tquic_wrr_share(conn, slots, path);
	}
}

/*
 * Work-conserving: while the program has more to send than the heavy paths
 * take, rounds are cut short and the light ones take the rest.
 */
static struct tquic_path *tquic_wrr_get_path(struct tquic_conn *conn, u64 now)
{
	u16 slots = tquic_sched_candidates(conn), ready = 0;
	struct tquic_path *path;
	unsigned int i;

	BUILD_BUG_ON(sizeof(struct tquic_wrr) > sizeof(conn->sched_priv));
	for (i = 0; i < TQUIC_PATHS_MAX; i++) {
		if (!(slots & BIT(i)))
			continue;
		path = tquic_conn_path(conn, i);
		if (tquic_sched_room(path) && !tquic_sched_paced(path, now))
			ready |= BIT(i);
	}
	if (!ready)
		return NULL;
	path = tquic_wrr_first(conn, slots, ready);
	while (!path) {
		tquic_wrr_new_round(conn, slots);
		path = tquic_wrr_first(conn, slots, ready);
	}
	return path;
}

struct tquic_sched_ops tquic_sched_weighted = {
	.name		= "weighted",
	.owner		= THIS_MODULE,
	.get_path	= tquic_wrr_get_path,
};
