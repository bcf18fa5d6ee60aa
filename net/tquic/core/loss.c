// SPDX-License-Identifier: GPL-2.0
/* Loss detection, persistent congestion and probe timeout (RFC 9002 section 6, 7.6). */
#include <linux/minmax.h>
#include <linux/string.h>
#include <trace/events/tquic.h>

#include "core/loss.h"
#include "core/proto.h"

/* Lost packets are remembered for this many PTOs, to recognise late ACKs. */
#define TQUIC_LOSS_KEEP_PTOS	3

/* Reordering seen is believed in for so many rounds with losses after the last */
#define TQUIC_LOSS_REORDER_ROUNDS	16
#define TQUIC_LOSS_REORDER_MAX		7	/* waits for two round trips at most */

/**
 * tquic_loss_delay_ns() - age at which an overtaken packet is lost
 * @space: packet number space
 * @rtt: estimator of the path
 *
 * Return: the time threshold of RFC 9002 6.1.2 in ns, and an eighth of a round
 * trip more for each time it was too short.
 */
u64 tquic_loss_delay_ns(const struct tquic_space *space, const struct tquic_rtt *rtt)
{
	u64 ns = max(rtt->srtt_ns, rtt->latest_ns);

	return max_t(u64, ns + ns / 8 * (1 + space->reorder), TQUIC_RTT_GRANULARITY_NS);
}

/**
 * tquic_loss_on_spurious() - packets declared lost arrived after all
 * @space: packet number space
 * @rtt: estimator of the path
 * @now: time
 *
 * The path reorders by more than either threshold allows for. How many packets
 * are overtaken depends on the rate, so from now on time alone counts, and more
 * of it once per round trip (RFC 9002 6.1.1 and RFC 8985 section 6.2).
 */
void tquic_loss_on_spurious(struct tquic_space *space, const struct tquic_rtt *rtt, u64 now)
{
	space->reorder_rounds = TQUIC_LOSS_REORDER_ROUNDS;
	if (space->reorder && now - space->reorder_ns < rtt->srtt_ns)
		return;
	space->reorder = min(space->reorder + 1, TQUIC_LOSS_REORDER_MAX);
	space->reorder_ns = now;
}

/* A round with losses that proved right: after many of them, forget. */
static void tquic_loss_reorder_round(struct tquic_space *space, const struct tquic_rtt *rtt,
				     u64 now)
{
	if (!space->reorder || now - space->reorder_ns < rtt->srtt_ns)
		return;
	space->reorder_ns = now;
	if (!--space->reorder_rounds)
		space->reorder = 0;
}

/*
 * RFC 9002 7.6.2. Only this space's packets are looked at, which the section
 * allows. A run of losses begins with a packet sent after the first RTT sample
 * and ends with the first packet that was acknowledged.
 */
static void tquic_loss_persist(struct tquic_space *space, u64 sent_ns,
			       const struct tquic_rtt *rtt, u64 period_ns,
			       struct tquic_loss_result *res)
{
	if (!rtt->first_sample_ns || sent_ns <= rtt->first_sample_ns)
		return;
	if (!space->persist_ns) {
		space->persist_ns = sent_ns;
	} else if (sent_ns - space->persist_ns > period_ns) {
		res->persistent = true;
		space->persist_ns = sent_ns;
	}
}

static void tquic_loss_declare(struct tquic_space *space, u64 pn,
			       struct tquic_sent_pkt *pkt, u64 now,
			       struct tquic_loss_result *res)
{
	const struct tquic_rate_pkt *rate;
	struct tquic_rec *rec;

	trace_tquic_packet_lost(space, pn, pkt, now);
	while ((rec = tquic_rec_pop(&pkt->recs)))
		tquic_rec_push(&res->lost, rec);
	pkt->state = TQUIC_SENT_LOST;
	pkt->lost_ns = now;
	if (pkt->flags & TQUIC_SENT_F_ELICITING)
		space->eliciting_in_flight--;
	if (!(pkt->flags & TQUIC_SENT_F_IN_FLIGHT))
		return;
	if (pkt->flags & TQUIC_SENT_F_MTU_PROBE) {
		res->mtu_probe_bytes += pkt->bytes;
		res->mtu_probe_pkts++;
		return;
	}
	res->bytes += pkt->bytes;
	space->loss_share += (TQUIC_LOSS_ALL - space->loss_share) >> TQUIC_LOSS_SHARE_SHIFT;
	res->largest_sent_ns = pkt->sent_ns;
	if (pkt->bytes > TQUIC_MIN_UDP_PAYLOAD && (s64)pn > space->large_acked)
		res->large_sent_ns = pkt->sent_ns;
	res->pkts++;
	rate = tquic_sent_rate(&space->sent, pn);
	if (rate) {
		res->rate_pkt = *rate;
		res->sampled = true;
	}
}

/**
 * tquic_loss_is_lost() - is a packet lost by either threshold
 * @space: packet number space
 * @pn: its number
 * @largest: largest number that has arrived, at least @pn
 * @pkt: what is remembered of it
 * @delay_ns: from tquic_loss_delay_ns()
 * @now: time
 *
 * Both thresholds fall with the number: none above one that is not lost is.
 *
 * Return: true when it is.
 */
bool tquic_loss_is_lost(const struct tquic_space *space, u64 pn, s64 largest,
			const struct tquic_sent_pkt *pkt, u64 delay_ns, u64 now)
{
	return now - pkt->sent_ns >= delay_ns ||
	       (!space->reorder && largest >= (s64)(pn + TQUIC_LOSS_PKT_THRESHOLD));
}

/**
 * tquic_loss_forget() - packets whose acknowledgment is not awaited any more
 * @space: packet number space
 * @pto_ns: probe timeout
 * @now: time
 *
 * Call it where packets are declared lost or given up.
 */
void tquic_loss_forget(struct tquic_space *space, u64 pto_ns, u64 now)
{
	u64 keep_ns = TQUIC_LOSS_KEEP_PTOS * pto_ns;

	tquic_sent_advance(&space->sent, now > keep_ns ? now - keep_ns : 0);
}

/**
 * tquic_loss_detect() - declare packets lost
 * @space: packet number space
 * @rtt: estimator of the path
 * @max_ack_delay_ns: the peer's, whatever the space (RFC 9002 7.6.1)
 * @now: time
 * @res: what was lost; overwritten
 *
 * Call it after each ACK and when &tquic_space.loss_time_ns has come. A packet
 * is looked at once, not once per call.
 */
void tquic_loss_detect(struct tquic_space *space, const struct tquic_rtt *rtt,
		       u64 max_ack_delay_ns, u64 now, struct tquic_loss_result *res)
{
	const u8 elicits = TQUIC_SENT_F_ELICITING | TQUIC_SENT_F_IN_FLIGHT;
	u64 pto_ns = tquic_rtt_pto_ns(rtt, max_ack_delay_ns);
	u64 delay_ns = tquic_loss_delay_ns(space, rtt);
	struct tquic_sent *s = &space->sent;
	struct tquic_sent_pkt *pkt;

	memset(res, 0, sizeof(*res));
	space->loss_time_ns = 0;
	for (; (s64)s->head <= space->largest_acked; s->head++) {
		pkt = tquic_sent_get(s, s->head);
		if (!pkt)
			break;
		if (pkt->state == TQUIC_SENT_ACKED)
			space->persist_ns = 0;
		if (pkt->state != TQUIC_SENT_OUTSTANDING)
			continue;
		if (!tquic_loss_is_lost(space, s->head, space->largest_acked, pkt, delay_ns, now)) {
			space->loss_time_ns = pkt->sent_ns + delay_ns;
			break;
		}
		tquic_loss_declare(space, s->head, pkt, now, res);
		if ((pkt->flags & (elicits | TQUIC_SENT_F_MTU_PROBE)) == elicits)
			tquic_loss_persist(space, pkt->sent_ns, rtt,
					   pto_ns * TQUIC_LOSS_PERSISTENT_PTOS, res);
	}
	if (res->pkts)
		tquic_loss_reorder_round(space, rtt, now);
	tquic_loss_forget(space, pto_ns, now);
}

/**
 * tquic_loss_pto_period_ns() - probe timeout with backoff
 * @rtt: estimator of the path
 * @max_ack_delay_ns: the peer's; 0 for Initial and Handshake packets
 * @pto_count: probe timeouts in a row
 *
 * Return: the period in ns, at most TQUIC_LOSS_PTO_MAX_NS.
 */
u64 tquic_loss_pto_period_ns(const struct tquic_rtt *rtt, u64 max_ack_delay_ns,
			     u32 pto_count)
{
	u64 pto_ns = tquic_rtt_pto_ns(rtt, max_ack_delay_ns);

	/* The granularity keeps a PTO above 1 ms: 2^16 of them exceed the cap. */
	pto_count = min(pto_count, 16U);
	if (pto_ns > TQUIC_LOSS_PTO_MAX_NS >> pto_count)
		return TQUIC_LOSS_PTO_MAX_NS;
	return pto_ns << pto_count;
}

/**
 * tquic_loss_pto_deadline_ns() - when a space's probe timeout expires
 * @space: packet number space
 * @rtt: estimator of the path
 * @max_ack_delay_ns: the peer's; 0 for Initial and Handshake packets
 * @pto_count: probe timeouts in a row
 *
 * Return: the time, or 0 when nothing ack-eliciting is outstanding.
 */
u64 tquic_loss_pto_deadline_ns(const struct tquic_space *space,
			       const struct tquic_rtt *rtt,
			       u64 max_ack_delay_ns, u32 pto_count)
{
	if (!space->eliciting_in_flight)
		return 0;
	return space->last_eliciting_ns +
	       tquic_loss_pto_period_ns(rtt, max_ack_delay_ns, pto_count);
}
