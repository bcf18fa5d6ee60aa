// SPDX-License-Identifier: GPL-2.0
/*
 * ECF, earliest completion first: waits for the fast path where that ends
 * sooner (Lim, Nahum, Towsley, Gibbens, CoNEXT 2017)
 */
#include <linux/build_bug.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include "core/conn.h"
#include "core/path.h"
#include "sched/sched.h"

/**
 * struct tquic_ecf - private state
 * @waiting: the last decision was to wait for the fast path
 */
struct tquic_ecf {
	bool waiting;
};

/*
 * Time in which a path sends so many bytes: a window in each round trip.  Where a
 * rate is what limits the path the window is far above what it sends.
 */
static u64 tquic_ecf_time_ns(const struct tquic_path *path, u64 bytes)
{
	if (tquic_path_rated(path))
		return mul_u64_u64_div_u64(bytes, NSEC_PER_SEC,
					   max_t(u64, 1, tquic_path_pacing_rate(path)));
	return mul_u64_u64_div_u64(bytes, path->rtt.srtt_ns, path->cc.cwnd);
}

/*
 * With k bytes to send, the fast path (full now) ends after 1 + k/cwnd of its
 * round trips.  It is waited for when that is sooner than one round trip of
 * the slow path, and when the slow path would not be done with all of it in
 * two round trips of the fast one: for however little it needs one of its own.
 * Both with a margin for jitter; having waited once, a quarter more is asked for
 * to change the mind.  A program that waits for room in the send buffer has more
 * than k: its end is not in sight.  Datagrams count as the memory that they take.
 */
static bool tquic_ecf_wait(struct tquic_conn *conn, const struct tquic_path *fast,
			   const struct tquic_path *slow, u64 now)
{
	struct tquic_ecf *ecf = (struct tquic_ecf *)conn->sched_priv;
	u64 margin_ns = max(fast->rtt.rttvar_ns, slow->rtt.rttvar_ns);
	u64 fast_ns = fast->rtt.srtt_ns, slow_ns = slow->rtt.srtt_ns;
	u64 k = conn->streams.tx_mem.unsent + conn->dgram_tx_bytes;
	u64 bound_ns = slow_ns + margin_ns;

	BUILD_BUG_ON(sizeof(*ecf) > sizeof(conn->sched_priv));
	if (ecf->waiting)
		bound_ns += bound_ns / 4;
	if (conn->tx_full || fast_ns + tquic_ecf_time_ns(fast, k) >= bound_ns) {
		ecf->waiting = false;
		return false;
	}
	if (max(slow_ns, tquic_ecf_time_ns(slow, k)) < 2 * fast_ns + margin_ns)
		return false;
	ecf->waiting = true;
	return true;
}

static struct tquic_path *tquic_ecf_get_path(struct tquic_conn *conn, u64 now)
{
	return tquic_sched_unless(conn, now, tquic_ecf_wait);
}

struct tquic_sched tquic_sched_ecf = {
	.entry.name	= "ecf",
	.entry.owner	= THIS_MODULE,
	.get_path	= tquic_ecf_get_path,
};
