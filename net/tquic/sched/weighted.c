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
	const struct tquic_path *path;

	tquic_for_each_slot(conn, slots, path)
		if (!path->weight)
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

/**
 * struct tquic_wrr_view - what the shares follow from
 * @slots: candidates
 * @fixed: the operator's weights count
 * @sum: of all weights
 */
struct tquic_wrr_view {
	u16 slots;
	bool fixed;
	u64 sum;
};

static struct tquic_wrr_view tquic_wrr_look(const struct tquic_conn *conn)
{
	struct tquic_wrr_view v = { .slots = tquic_sched_candidates(conn) };
	const struct tquic_path *path;

	v.fixed = tquic_wrr_fixed(conn, v.slots);
	tquic_for_each_slot(conn, v.slots, path)
		v.sum += tquic_wrr_weight(path, v.fixed);
	return v;
}

/*
 * A path's share of a round.  That of a light path may be less than a packet:
 * what it sends too much is held against it in the next rounds.
 */
static s32 tquic_wrr_share(const struct tquic_wrr_view *v,
			   const struct tquic_path *path)
{
	u64 weight = tquic_wrr_weight(path, v->fixed);

	return max_t(s32, 1, div64_u64(weight * TQUIC_WRR_ROUND_BYTES, v->sum));
}

/* What is left of the share; what a slot's former path left there is none */
static s32 tquic_wrr_left(const struct tquic_wrr *wrr,
			  const struct tquic_path *path)
{
	s32 left = wrr->end[path->index] - (u32)path->stats.tx_bytes;

	return abs(left) > TQUIC_WRR_ROUND_BYTES ? 0 : left;
}

/* Rounds until a path has something to send again; a share left over is lost */
static u32 tquic_wrr_rounds(s32 left, s32 share)
{
	return left > 0 ? 1 : -left / share + 1;
}

/* The path that has used the least part of its share, NULL when all is used */
static struct tquic_path *tquic_wrr_first(const struct tquic_conn *conn,
					  const struct tquic_wrr_view *v,
					  u16 ready)
{
	const struct tquic_wrr *wrr = (const void *)conn->sched_priv;
	struct tquic_path *path, *best = NULL;
	u64 part, best_part = 0;
	s32 left;

	tquic_for_each_slot(conn, ready, path) {
		left = tquic_wrr_left(wrr, path);
		if (left <= 0)
			continue;
		part = div_u64((u64)left * TQUIC_WRR_ROUND_BYTES,
			       tquic_wrr_share(v, path));
		if (part <= best_part)
			continue;
		best = path;
		best_part = part;
	}
	return best;
}

/*
 * As many rounds pass, in one step, as it takes until a path that is ready has
 * a share again.  A path that could not use its share loses it, lest it bursts
 * later.
 */
static void tquic_wrr_new_round(struct tquic_conn *conn,
				const struct tquic_wrr_view *v, u16 ready)
{
	struct tquic_wrr *wrr = (struct tquic_wrr *)conn->sched_priv;
	s32 left[TQUIC_PATHS_MAX], share[TQUIC_PATHS_MAX];
	const struct tquic_path *path;
	u32 rounds = U32_MAX;
	unsigned int i;

	tquic_for_each_slot(conn, v->slots, path) {
		i = path->index;
		left[i] = tquic_wrr_left(wrr, path);
		share[i] = tquic_wrr_share(v, path);
		if (ready & BIT(i))
			rounds = min(rounds, tquic_wrr_rounds(left[i], share[i]));
	}
	tquic_for_each_slot(conn, v->slots, path) {
		i = path->index;
		/* At most 2^16 below zero, and then at most a share above it */
		if (tquic_wrr_rounds(left[i], share[i]) < rounds)
			left[i] = share[i];
		else
			left[i] = min(left[i], 0) + (s32)rounds * share[i];
		wrr->end[i] = (u32)path->stats.tx_bytes + left[i];
	}
}

/*
 * Work-conserving: while the program has more to send than the heavy paths
 * take, rounds are cut short and the light ones take the rest.
 */
static struct tquic_path *tquic_wrr_get_path(struct tquic_conn *conn, u64 now)
{
	struct tquic_wrr_view v = tquic_wrr_look(conn);
	struct tquic_path *path;
	u16 ready = 0;

	BUILD_BUG_ON(sizeof(struct tquic_wrr) > sizeof(conn->sched_priv));
	tquic_for_each_slot(conn, v.slots, path) {
		if (tquic_sched_room(path) && !tquic_sched_paced(path, now))
			ready |= BIT(path->index);
	}
	if (!ready)
		return NULL;
	path = tquic_wrr_first(conn, &v, ready);
	if (path)
		return path;
	tquic_wrr_new_round(conn, &v, ready);
	return tquic_wrr_first(conn, &v, ready);
}

struct tquic_sched tquic_sched_weighted = {
	.entry.name	= "weighted",
	.entry.owner	= THIS_MODULE,
	.get_path	= tquic_wrr_get_path,
};
