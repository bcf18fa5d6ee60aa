// SPDX-License-Identifier: GPL-2.0
/* How often acknowledgments are sent as the peers ask each other (draft-ietf-quic-ack-frequency) */
#include <linux/limits.h>
#include <linux/log2.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include "core/ackfreq.h"
#include "core/build.h"
#include "core/conn.h"
#include "core/path.h"

/* As RFC 9000 §13.2.1 and §13.2.2 have it: every second packet, and what is out of order */
#define TQUIC_ACKFREQ_THRESHOLD		1
#define TQUIC_ACKFREQ_REORDER		1

/*
 * An acknowledgment for every 64th part of the smallest window in use, and never for
 * more packets than these. A share of a 16th saves some more and costs too much: fewer
 * acknowledgments leave in larger bursts, and datagrams wait behind them.
 */
#define TQUIC_ACKFREQ_WINDOW_SHARE	64
#define TQUIC_ACKFREQ_PKTS_MAX		16
#define TQUIC_ACKFREQ_PKTS_MIN		(TQUIC_ACKFREQ_THRESHOLD + 1)

/* What is left over waits for a quarter of the shortest round trip */
#define TQUIC_ACKFREQ_RTT_SHARE		4

/**
 * tquic_ackfreq_start() - acknowledge as RFC 9000 says until the peer asks otherwise
 * @conn: connection, its parameters set
 */
void tquic_ackfreq_start(struct tquic_conn *conn)
{
	struct tquic_ack_rule *rx = &conn->ackfreq.rx;
	struct tquic_params *p = &conn->local;

	rx->threshold = TQUIC_ACKFREQ_THRESHOLD;
	rx->reorder = TQUIC_ACKFREQ_REORDER;
	rx->delay_ns = p->max_ack_delay_ms * NSEC_PER_MSEC;
	p->min_ack_delay_us = min_t(u64, p->min_ack_delay_us,
				    p->max_ack_delay_ms * USEC_PER_MSEC);
}

/**
 * tquic_ackfreq_on_frame() - the peer asks for more or fewer acknowledgments
 * @conn: connection that offered to listen
 * @f: ACK_FREQUENCY
 *
 * One that was overtaken by another does nothing, but must be valid.
 *
 * Return: 0 or %TQUIC_ERR_PROTOCOL_VIOLATION.
 */
int tquic_ackfreq_on_frame(struct tquic_conn *conn, const struct tquic_frame *f)
{
	struct tquic_ackfreq *af = &conn->ackfreq;

	if (f->ack_frequency.delay_us < conn->local.min_ack_delay_us ||
	    f->ack_frequency.delay_us > TQUIC_MAX_ACK_DELAY_MS * USEC_PER_MSEC)
		return TQUIC_ERR_PROTOCOL_VIOLATION;
	if (f->ack_frequency.seq < af->rx_seq_next)
		return 0;
	af->rx_seq_next = f->ack_frequency.seq + 1;
	af->rx.threshold = f->ack_frequency.threshold;
	af->rx.reorder = f->ack_frequency.reorder;
	af->rx.delay_ns = f->ack_frequency.delay_us * NSEC_PER_USEC;
	return 0;
}

/**
 * tquic_ackfreq_peer_delay_ns() - how long the peer may hold acknowledgments back
 * @conn: connection
 *
 * Return: its max_ack_delay in ns, or what we asked for; the longer of both while
 * it is not known which of them holds.
 */
u64 tquic_ackfreq_peer_delay_ns(const struct tquic_conn *conn)
{
	const struct tquic_ackfreq *af = &conn->ackfreq;

	if (!af->seq_next)
		return conn->peer.max_ack_delay_ms * NSEC_PER_MSEC;
	return max(af->delay_ns, af->was_ns);
}

/**
 * tquic_ackfreq_peer_threshold() - packets that may come before the peer acknowledges them
 * @conn: connection
 *
 * Return: what RFC 9000 §13.2.2 recommends, or what we asked for.
 */
u64 tquic_ackfreq_peer_threshold(const struct tquic_conn *conn)
{
	return conn->ackfreq.seq_next ? conn->ackfreq.threshold : TQUIC_ACKFREQ_THRESHOLD;
}

/*
 * The smallest window and the shortest round trip of the paths that carry something:
 * the peer acknowledges on all of them by the same rule.
 */
static bool tquic_ackfreq_measure(const struct tquic_conn *conn, u64 *pkts, u64 *rtt_ns)
{
	const struct tquic_path *path;

	*pkts = U64_MAX;
	*rtt_ns = U64_MAX;
	tquic_for_each_path(conn, path) {
		if (path->state != TQUIC_PATH_ACTIVE || !path->cc.in_flight ||
		    !path->rtt.first_sample_ns)
			continue;
		*pkts = min(*pkts, div_u64(path->cc.cwnd, path->cc.mss));
		*rtt_ns = min(*rtt_ns, path->rtt.min_ns);
	}
	return *pkts != U64_MAX;
}

/* In powers of two, and down only when the window is half of what that takes */
static u64 tquic_ackfreq_threshold(u64 pkts, u64 now_threshold)
{
	u64 every = clamp_t(u64, pkts / TQUIC_ACKFREQ_WINDOW_SHARE,
			    TQUIC_ACKFREQ_PKTS_MIN, TQUIC_ACKFREQ_PKTS_MAX);

	every = rounddown_pow_of_two(every);
	if (2 * every == now_threshold + 1 && pkts >= TQUIC_ACKFREQ_WINDOW_SHARE * every)
		return now_threshold;
	return every - 1;
}

/* Never longer than the peer chose itself, nor shorter than it can */
static u64 tquic_ackfreq_delay_ns(const struct tquic_conn *conn, u64 rtt_ns)
{
	u64 delay_ns = max_t(u64, rtt_ns / TQUIC_ACKFREQ_RTT_SHARE, TQUIC_RTT_GRANULARITY_NS);

	delay_ns = min_t(u64, delay_ns, conn->peer.max_ack_delay_ms * NSEC_PER_MSEC);
	delay_ns = max_t(u64, delay_ns, conn->peer.min_ack_delay_us * NSEC_PER_USEC);
	return div_u64(delay_ns, NSEC_PER_USEC) * NSEC_PER_USEC;
}

/**
 * tquic_ackfreq_judge() - should the peer acknowledge more or less often?
 * @conn: connection of which something was acknowledged
 * @now: time in ns
 *
 * A peer is asked once it can listen, when the answer has changed by much, and not
 * again before it has acknowledged the last ACK_FREQUENCY.
 */
void tquic_ackfreq_judge(struct tquic_conn *conn, u64 now)
{
	u64 pkts, rtt_ns, threshold, was_threshold, delay_ns, was_ns;
	struct tquic_ackfreq *af = &conn->ackfreq;

	if (af->asking || now < af->was_end_ns)
		return;
	af->was_ns = 0;
	if (now < af->judge_ns || !conn->confirmed || !conn->peer.has_min_ack_delay ||
	    !tquic_ackfreq_measure(conn, &pkts, &rtt_ns))
		return;
	af->judge_ns = now + rtt_ns;
	was_threshold = tquic_ackfreq_peer_threshold(conn);
	was_ns = tquic_ackfreq_peer_delay_ns(conn);
	threshold = tquic_ackfreq_threshold(pkts, was_threshold);
	delay_ns = tquic_ackfreq_delay_ns(conn, rtt_ns);
	if (threshold == was_threshold && 4 * delay_ns >= 3 * was_ns &&
	    3 * delay_ns <= 4 * was_ns)
		return;
	af->threshold = threshold;
	af->delay_ns = delay_ns;
	af->was_ns = was_ns;
	af->asking = true;
	af->seq_next++;
	conn->ctl |= TQUIC_CONN_CTL_ACK_FREQUENCY;
}

/**
 * tquic_ackfreq_build() - put our ACK_FREQUENCY into a packet
 * @conn: connection with one to send
 * @bld: 1-RTT packet under construction; when it is full the next one is for it
 */
void tquic_ackfreq_build(struct tquic_conn *conn, struct tquic_build *bld)
{
	struct tquic_rec *rec = tquic_build_rec(bld, TQUIC_REC_ACK_FREQUENCY);
	const struct tquic_ackfreq *af = &conn->ackfreq;

	if (!rec)
		return;
	rec->off = af->seq_next - 1;
	if (!tquic_frame_put_ack_frequency(&bld->b, rec->off, af->threshold,
					   div_u64(af->delay_ns, NSEC_PER_USEC),
					   TQUIC_ACKFREQ_REORDER)) {
		tquic_build_undo(bld, rec);
		return;
	}
	tquic_build_commit(bld, rec);
	conn->ctl &= ~TQUIC_CONN_CTL_ACK_FREQUENCY;
}

/**
 * tquic_ackfreq_urge() - have a probe acknowledged at once, if the peer can listen
 * @conn: connection
 * @bld: 1-RTT packet under construction
 *
 * An IMMEDIATE_ACK is never sent again, so nothing is kept of it.
 */
void tquic_ackfreq_urge(struct tquic_conn *conn, struct tquic_build *bld)
{
	if (conn->peer.has_min_ack_delay && tquic_frame_put_immediate_ack(&bld->b))
		bld->eliciting = true;
}

/* Our ACK_FREQUENCY was lost: it goes again, for there is none newer on its way */
void tquic_ackfreq_lost(struct tquic_conn *conn, u64 seq)
{
	if (conn->ackfreq.asking && seq == conn->ackfreq.seq_next - 1)
		conn->ctl |= TQUIC_CONN_CTL_ACK_FREQUENCY;
}

/*
 * The peer does as it was asked last. What it received on other paths before may wait
 * for as long as it was allowed then, and the answer is on its way for a round trip.
 */
void tquic_ackfreq_acked(struct tquic_conn *conn, u64 seq, u64 now)
{
	struct tquic_ackfreq *af = &conn->ackfreq;

	if (!af->asking || seq != af->seq_next - 1)
		return;
	af->asking = false;
	af->was_end_ns = now + tquic_conn_pto_max_ns(conn);
	conn->ctl &= ~TQUIC_CONN_CTL_ACK_FREQUENCY;
}
