// SPDX-License-Identifier: GPL-2.0
/*
 * Deadlines first: what is due soon waits for a path that is there in time, and
 * the rest takes the others meanwhile
 */
#include <linux/bits.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include "core/conn.h"
#include "core/deadline.h"
#include "sched/sched.h"

/*
 * The path that brings a packet there first counts even while its window is full,
 * for that opens within its round trip.  When it is this one, or when its pacer
 * holds it for longer than that, nothing is left to it.
 */
static u64 tquic_edf_floor_ns(const struct tquic_conn *conn, const struct tquic_path *path,
			      u64 now)
{
	u64 arrival_ns = tquic_deadline_arrival_ns(path, now);
	u16 slots = tquic_sched_candidates(conn);
	const struct tquic_path *other;

	tquic_for_each_slot(conn, slots, other) {
		if (other == path)
			continue;
		if (tquic_deadline_arrival_ns(other, now) < arrival_ns &&
		    tquic_sched_soon(other, path, now))
			/* What jitter may make late is not for this path. */
			return arrival_ns + path->rtt.rttvar_ns;
	}
	return 0;
}

/*
 * The path that is not full and brings a packet there first: whatever would bring it
 * sooner is full, so that an acknowledgment or a pacer has the question asked again.
 */
static struct tquic_path *tquic_edf_first(const struct tquic_conn *conn, u64 now)
{
	u16 slots = tquic_sched_candidates(conn);
	struct tquic_path *path, *first = NULL;
	u64 arrival_ns, first_ns = U64_MAX;

	tquic_for_each_slot(conn, slots, path) {
		arrival_ns = tquic_deadline_arrival_ns(path, now);
		if (arrival_ns >= first_ns || tquic_sched_full(path, now))
			continue;
		first_ns = arrival_ns;
		first = path;
	}
	return first;
}

/*
 * That path, unless all that waits is due before it would be there.  Nothing may wait:
 * then it is for copies, which have no deadline.
 */
static struct tquic_path *tquic_edf_get_path(struct tquic_conn *conn, u64 now)
{
	struct tquic_path *path = tquic_edf_first(conn, now);

	if (!path || tquic_sched_paced(path, now))
		return NULL;
	if (tquic_output_has_data(conn, 0) &&
	    !tquic_output_has_data(conn, tquic_edf_floor_ns(conn, path, now)))
		return NULL;
	return path;
}

struct tquic_sched tquic_sched_deadline = {
	.entry.name	= "deadline",
	.entry.owner	= THIS_MODULE,
	.get_path	= tquic_edf_get_path,
	.floor_ns	= tquic_edf_floor_ns,
};
