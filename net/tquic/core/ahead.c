// SPDX-License-Identifier: GPL-2.0
/*
 * Working ahead: slow paths carry later bytes, so that all arrive in their order
 *
 * What leaves on a slow path is there later than what leaves on a fast one at the
 * same time.  If it were the next bytes of a stream, all that the fast path brings
 * meanwhile would have to wait for them, in the receiver's memory and under its
 * window.  So a slow path leaves out as many bytes as all paths together carry in
 * the difference of the delays; they stay with the stream as pending, and the
 * fastest path, which sends pending bytes in order, gets there just in time.
 * When that path fails the gap is there for the others to send.
 */
#include <linux/bits.h>
#include <linux/gfp.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include "core/ahead.h"
#include "core/conn.h"
#include "core/path.h"
#include "core/rec.h"
#include "core/rset.h"
#include "sched/sched.h"

/* A gap is made in one piece when it is this part of its size too small */
#define TQUIC_AHEAD_PIECES	4
/* Ranges that are looked at to see how much waits */
#define TQUIC_AHEAD_RANGES	64

/**
 * tquic_ahead_plan() - how far ahead of the fastest path another one works
 * @conn: connection
 * @path: path about to send stream data
 * @a: where the answer goes; its bytes are 0 on the fastest path
 */
void tquic_ahead_plan(const struct tquic_conn *conn, const struct tquic_path *path,
		      struct tquic_ahead *a)
{
	u64 rate = 0, mine_ns = tquic_path_one_way_ns(path), soonest_ns = mine_ns, ns;
	u16 slots = tquic_sched_candidates(conn);
	const struct tquic_path *other;

	*a = (struct tquic_ahead){};
	/* None or one */
	if (!(slots & (slots - 1)))
		return;
	tquic_for_each_slot(conn, slots, other) {
		ns = tquic_path_one_way_ns(other);
		rate += tquic_path_rate(other);
		soonest_ns = min(soonest_ns, ns);
		if (ns < mine_ns)
			a->filled += mul_u64_u64_div_u64(tquic_path_rate(other), mine_ns - ns,
							 NSEC_PER_SEC);
	}
	if (mine_ns > soonest_ns)
		a->bytes = mul_u64_u64_div_u64(rate, mine_ns - soonest_ns, NSEC_PER_SEC);
}

/**
 * tquic_ahead_from() - what of the pending bytes of a stream a path begins with
 * @s: stream about to be sent on it
 * @a: from tquic_ahead_plan()
 * @mtu_bytes: smaller pieces are not made
 *
 * It is behind as much as the faster paths bring until its own is there, and up to half
 * as much again, so that there are few pieces: what is there too soon waits, for what is
 * late all the others do.  When less is pending the path sends new data.  More there is
 * of it where a still slower path works further ahead, after a loss of much, and when
 * the fastest path has become a narrow one.
 *
 * Return: offset for tquic_send_next_from(), U64_MAX for new data.
 */
u64 tquic_ahead_from(struct tquic_stream *s, const struct tquic_ahead *a, u32 mtu_bytes)
{
	u64 most = a->filled + a->filled / 2;
	u64 pending = 0, lo, hi, at = s->tx.una;
	struct tquic_rec *rec;
	unsigned int i;

	for (i = 0; i < TQUIC_AHEAD_RANGES; i++) {
		if (!tquic_rset_next(&s->tx.lost, at, &lo, &hi))
			return U64_MAX;
		lo = max(lo, at);
		if (pending >= a->filled)
			return lo;
		if (pending + hi - lo >= most + mtu_bytes) {
			rec = tquic_rec_alloc(GFP_ATOMIC);
			return rec ? tquic_send_split(&s->tx, rec, lo + most - pending) : lo;
		}
		pending += hi - lo;
		at = hi;
	}
	return at;
}

/**
 * tquic_ahead_skip() - leave the next bytes of a stream to the fastest path
 * @conn: connection
 * @s: stream about to be sent on another path
 * @ahead_bytes: how far ahead, from tquic_ahead_plan()
 * @mtu_bytes: what is left for the packet at hand when the end of what is written,
 *	or of the window, is nearer than that
 *
 * Without memory nothing is left out.
 */
void tquic_ahead_skip(struct tquic_conn *conn, struct tquic_stream *s, u64 ahead_bytes,
		      u32 mtu_bytes)
{
	u64 gap = tquic_send_gap(&s->tx), room, bytes;
	struct tquic_rec *rec;

	if (gap + ahead_bytes / TQUIC_AHEAD_PIECES >= ahead_bytes)
		return;
	room = min3(s->tx.end, s->tx.max_data, s->tx.nxt + tquic_flow_tx_credit(&conn->flow_tx));
	if (room <= s->tx.nxt + mtu_bytes)
		return;
	bytes = min(ahead_bytes - gap, room - s->tx.nxt - mtu_bytes);
	rec = tquic_rec_alloc(GFP_ATOMIC);
	if (!rec)
		return;
	tquic_send_skip(&s->tx, rec, bytes);
	tquic_flow_tx_use(&conn->flow_tx, bytes);
	conn->stats.bytes_sent += bytes;
}
