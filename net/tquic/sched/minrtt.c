// SPDX-License-Identifier: GPL-2.0
/* Lowest-RTT-first scheduler: spills to the next path when the best is full */
#include "core/conn.h"
#include "sched/sched.h"

/**
 * tquic_minrtt_get_path() - the fastest path that is not full
 * @conn: connection
 * @now: time in ns
 *
 * When it only waits for its pacer the answer is "wait": the gap is far shorter
 * than the difference of the RTTs, and its window, not its pacer, says when it is
 * full, unless its congestion controller has it the other way round.
 *
 * Return: the path, NULL to wait.
 */
struct tquic_path *tquic_minrtt_get_path(struct tquic_conn *conn, u64 now)
{
	u16 slots = tquic_sched_candidates(conn);
	struct tquic_path *best = tquic_sched_fastest(conn, slots, true, now);

	return best && !tquic_sched_paced(best, now) ? best : NULL;
}

struct tquic_sched tquic_sched_minrtt = {
	.entry.name	= "minrtt",
	.entry.owner	= THIS_MODULE,
	.get_path	= tquic_minrtt_get_path,
};
