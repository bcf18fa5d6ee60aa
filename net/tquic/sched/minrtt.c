// SPDX-License-Identifier: GPL-2.0
/* Lowest-RTT-first scheduler: spills to the next path when the best is full */
#include "core/conn.h"
#include "sched/sched.h"

/*
 * Is @a a better choice than @b?  A path either side marked as backup loses
 * against any other (RFC 10069 §3.3); then the lower smoothed RTT wins.
 */
static bool tquic_minrtt_better(const struct tquic_path *a,
				const struct tquic_path *b)
{
	bool a_backup = a->backup || a->peer_backup;
	bool b_backup = b->backup || b->peer_backup;

	if (a_backup != b_backup)
		return b_backup;
	return a->rtt.srtt_ns < b->rtt.srtt_ns;
}

/*
 * The best path with room in its window.  When that path only waits for its
 * pacer the answer is "wait": the gap is far shorter than the difference of
 * the RTTs, and its window, not its pacer, says when it is full, unless its
 * congestion controller has it the other way round.  A backup
 * path is chosen only while no other path is usable, full or not.
 */
static struct tquic_path *tquic_minrtt_get_path(struct tquic_conn *conn,
						u64 now)
{
	struct tquic_path *best = NULL, *path;
	bool regular = false;
	unsigned int i;

	for (i = 0; i < TQUIC_PATHS_MAX; i++) {
		path = tquic_conn_path(conn, i);
		if (!path || !tquic_sched_usable(path))
			continue;
		if (!path->backup && !path->peer_backup)
			regular = true;
		if (tquic_sched_full(path, now))
			continue;
		if (!best || tquic_minrtt_better(path, best))
			best = path;
	}
	if (!best || (regular && (best->backup || best->peer_backup)))
		return NULL;
	return tquic_sched_paced(best, now) ? NULL : best;
}

struct tquic_sched_ops tquic_sched_minrtt = {
	.name		= "minrtt",
	.owner		= THIS_MODULE,
	.get_path	= tquic_minrtt_get_path,
};
