// SPDX-License-Identifier: GPL-2.0
/*
 * BLEST: leaves a slow path alone where it would block the send window
 * (Ferlin, Alay, Mehani, Boreli, IFIP Networking 2016)
 */
#include <linux/build_bug.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include "core/conn.h"
#include "core/path.h"
#include "sched/sched.h"

/* The factor on the estimate, in thousandths */
#define TQUIC_BLEST_LAMBDA_INIT	1200
#define TQUIC_BLEST_LAMBDA_MIN	1000
#define TQUIC_BLEST_LAMBDA_MAX	1300
#define TQUIC_BLEST_LAMBDA_UP	40
#define TQUIC_BLEST_LAMBDA_DOWN	10
#define TQUIC_BLEST_ROUNDS_MAX	16

/**
 * struct tquic_blest - private state
 * @lambda: factor on the estimate, 0 before the first one
 * @update_ns: when it was last looked at
 * @retransmitted: stats.bytes_retransmitted then
 */
struct tquic_blest {
	u64 lambda;
	u64 update_ns;
	u64 retransmitted;
};

/*
 * Once a round trip of the fast path: what had to be sent again blocked the
 * window, so be more careful; else a little less.
 */
static u64 tquic_blest_lambda(struct tquic_conn *conn, u64 round_ns, u64 now)
{
	struct tquic_blest *b = (struct tquic_blest *)conn->sched_priv;
	u64 resent = conn->stats.bytes_retransmitted;

	BUILD_BUG_ON(sizeof(*b) > sizeof(conn->sched_priv));
	if (b->lambda && now - b->update_ns < round_ns)
		return b->lambda;
	if (!b->lambda)
		b->lambda = TQUIC_BLEST_LAMBDA_INIT;
	else if (resent != b->retransmitted)
		b->lambda = min_t(u64, b->lambda + TQUIC_BLEST_LAMBDA_UP,
				  TQUIC_BLEST_LAMBDA_MAX);
	else
		b->lambda = max_t(u64, b->lambda - TQUIC_BLEST_LAMBDA_DOWN,
				  TQUIC_BLEST_LAMBDA_MIN);
	b->update_ns = now;
	b->retransmitted = resent;
	return b->lambda;
}

/*
 * Bytes the fast path could send within a round trip of the slow one.  The paper
 * knows windows that grow; where a rate is what limits the path the window is far
 * above what it sends, and the rate is asked for.
 */
static u64 tquic_blest_estimate(const struct tquic_path *fast,
				const struct tquic_path *slow)
{
	u64 rtt = max_t(u64, 1, fast->rtt.srtt_ns);
	u64 rounds = clamp_t(u64, div64_u64(slow->rtt.srtt_ns, rtt), 1,
			     TQUIC_BLEST_ROUNDS_MAX);

	if (tquic_path_rated(fast))
		return mul_u64_u64_div_u64(tquic_path_pacing_rate(fast), slow->rtt.srtt_ns,
					   NSEC_PER_SEC);
	if (tquic_cc_in_slow_start(&fast->cc))
		return fast->cc.cwnd * (BIT_ULL(rounds) - 1);
	return (fast->cc.cwnd + fast->cc.mss * (rounds - 1) / 2) * rounds;
}

/*
 * What may be under way at once: of the connection, and of the stream that is
 * next.  QUIC's credit counts from the start, so what is in flight adds to
 * what is left of it.
 */
static u64 tquic_blest_window(const struct tquic_conn *conn)
{
	const struct tquic_stream *s = tquic_streams_next_ready(&conn->streams, 0);
	u64 window = tquic_flow_tx_credit(&conn->flow_tx);
	const struct tquic_path *path;

	tquic_for_each_path(conn, path)
		window += path->cc.in_flight;
	return s ? min(window, s->tx.max_data - s->tx.una) : window;
}

/* Would the slow path's packet be in the way of what the fast one could send meanwhile? */
static bool tquic_blest_wait(struct tquic_conn *conn, const struct tquic_path *fast,
			     const struct tquic_path *slow, u64 now)
{
	u64 need = div_u64(tquic_blest_estimate(fast, slow) *
			   tquic_blest_lambda(conn, fast->rtt.srtt_ns, now), 1000);

	return need + slow->cc.in_flight + slow->cc.mss > tquic_blest_window(conn);
}

static struct tquic_path *tquic_blest_get_path(struct tquic_conn *conn, u64 now)
{
	return tquic_sched_unless(conn, now, tquic_blest_wait);
}

struct tquic_sched tquic_sched_blest = {
	.entry.name	= "blest",
	.entry.owner	= THIS_MODULE,
	.get_path	= tquic_blest_get_path,
};
