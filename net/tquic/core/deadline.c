// SPDX-License-Identifier: GPL-2.0
/* Deadlines: until when what a program sends has to be at the peer */
#include <linux/bits.h>
#include <linux/minmax.h>
#include "core/conn.h"
#include "core/deadline.h"
#include "core/path.h"
#include "sched/sched.h"

/**
 * tquic_deadline_arrival_ns() - when a packet sent next on a path is at the peer
 * @path: path
 * @now: time in ns
 *
 * Its pacer is asked and its window is not: when that opens nobody knows.
 */
u64 tquic_deadline_arrival_ns(const struct tquic_path *path, u64 now)
{
	return tquic_sched_next_ns(path, now) + tquic_path_one_way_ns(path);
}

/**
 * tquic_deadline_missed() - is it too late on every path
 * @conn: connection
 * @deadline_ns: when the data is due, or TQUIC_DEADLINE_NONE
 * @now: time in ns
 *
 * Without a usable path the clock alone decides.  Counts a miss: ask only to act
 * on the answer.
 */
bool tquic_deadline_missed(struct tquic_conn *conn, u64 deadline_ns, u64 now)
{
	u16 slots = tquic_sched_candidates(conn);
	u64 soonest_ns = slots ? U64_MAX : now;
	const struct tquic_path *path;

	if (deadline_ns == TQUIC_DEADLINE_NONE)
		return false;
	tquic_for_each_slot(conn, slots, path)
		soonest_ns = min(soonest_ns, tquic_deadline_arrival_ns(path, now));
	if (soonest_ns <= deadline_ns)
		return false;
	conn->stats.deadlines_missed++;
	return true;
}

/**
 * tquic_deadline_reset() - give a stream up whose data would be late
 * @conn: connection
 * @s: stream that is about to send
 * @now: time in ns
 *
 * Return: true when it was reset.
 */
bool tquic_deadline_reset(struct tquic_conn *conn, struct tquic_stream *s, u64 now)
{
	if (!s->deadline_drop || !tquic_deadline_missed(conn, s->deadline_ns, now))
		return false;
	if (tquic_conn_stream_reset(conn, s, s->deadline_error))
		return false;
	tquic_conn_event(conn, TQUIC_EVENT_STREAM_LATE, s->id, s->deadline_error);
	return true;
}
