// SPDX-License-Identifier: GPL-2.0
/* One packet number space: what was sent, what arrived, what to acknowledge. */
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <trace/events/tquic.h>

#include "core/proto.h"
#include "core/space.h"

#define TQUIC_SPACE_QUIET_MAX	16	/* packets without an ack-eliciting frame */

/* ECN field of the IP header (RFC 3168 section 5). */
enum {
	TQUIC_ECN_NOT_ECT,
	TQUIC_ECN_ECT1,
	TQUIC_ECN_ECT0,
	TQUIC_ECN_CE,
};

/**
 * tquic_space_init() - start numbering at 0
 * @space: packet number space
 * @level: keys of its packets
 */
void tquic_space_init(struct tquic_space *space, enum tquic_level level)
{
	memset(space, 0, sizeof(*space));
	space->level = level;
	space->largest_acked = -1;
	space->large_acked = -1;
	space->largest_rx = -1;
	space->largest_told = -1;
	tquic_sent_init(&space->sent);
	tquic_ranges_init(&space->rx);
}

/**
 * tquic_space_destroy() - free all memory
 * @space: packet number space, not used any more
 */
void tquic_space_destroy(struct tquic_space *space)
{
	tquic_sent_clear(&space->sent);
	tquic_ranges_destroy(&space->rx);
}

/**
 * tquic_space_on_sent() - enter a packet that is being sent
 * @space: packet number space
 * @pn: its number, not below &tquic_space.next_pn; a gap marks skipped numbers
 * @bytes: its size
 * @flags: TQUIC_SENT_F_*
 * @now: time
 *
 * Cannot fail after tquic_sent_reserve() for the same number.
 *
 * Return: the packet, to which the caller adds the records of its frames, or
 * NULL when it must not be sent.
 */
struct tquic_sent_pkt *tquic_space_on_sent(struct tquic_space *space, u64 pn,
					   u32 bytes, u8 flags, u64 now)
{
	struct tquic_sent_pkt *pkt = tquic_sent_add(&space->sent, pn);

	if (!pkt)
		return NULL;
	pkt->sent_ns = now;
	pkt->bytes = bytes;
	pkt->flags = flags;
	space->next_pn = pn + 1;
	if (flags & TQUIC_SENT_F_ECT0)
		space->tx_ect0++;
	if (flags & TQUIC_SENT_F_ELICITING) {
		space->last_eliciting_ns = now;
		/* From now on an acknowledgment of its own may be expected. */
		if (!space->eliciting_in_flight++)
			space->own_ack_ns = now;
		space->tx_quiet = 0;
	} else {
		space->tx_quiet++;
	}
	return pkt;
}

/* A packet declared lost has arrived after all. */
static void tquic_space_ack_lost(struct tquic_space *space, u64 pn,
				 const struct tquic_sent_pkt *pkt,
				 struct tquic_ack_result *res)
{
	trace_tquic_packet_spurious(space, pn, pkt);
	if (pkt->sent_ns >= space->persist_ns)
		space->persist_ns = 0;
	if (!(pkt->flags & TQUIC_SENT_F_IN_FLIGHT) ||
	    (pkt->flags & TQUIC_SENT_F_MTU_PROBE))
		return;
	/* The walk goes from new to old. */
	res->spurious_oldest_ns = pkt->sent_ns;
	res->spurious_pkts++;
}

static void tquic_space_ack_pkt(struct tquic_space *space, u64 pn,
				struct tquic_sent_pkt *pkt,
				struct tquic_ack_result *res, u64 *ect0)
{
	if (!res->pkts)
		res->largest_sent_ns = pkt->sent_ns;
	res->pkts++;
	if (pkt->flags & TQUIC_SENT_F_ELICITING) {
		res->eliciting = true;
		space->eliciting_in_flight--;
	}
	if (pkt->flags & TQUIC_SENT_F_IN_FLIGHT) {
		if (!res->bytes) {
			res->rate_pkt = tquic_sent_rate(&space->sent, pn);
			res->rate_sent_ns = pkt->sent_ns;
		}
		res->bytes += pkt->bytes;
		space->loss_share -= DIV_ROUND_UP(space->loss_share, 1 << TQUIC_LOSS_SHARE_SHIFT);
		if (pkt->bytes > TQUIC_MIN_UDP_PAYLOAD)
			space->large_acked = max_t(s64, space->large_acked, pn);
	}
	if (pkt->flags & TQUIC_SENT_F_ECT0)
		(*ect0)++;
	tquic_rec_splice(&res->acked, &pkt->recs);
}

/*
 * Walks one range downwards. Every acked packet knows how far down the run of
 * acked packets it belongs to reaches, so that a range repeated by each ACK
 * frame is jumped over and not walked again. It ends at packets forgotten.
 */
static int tquic_space_ack_range(struct tquic_space *space, u64 lo, u64 hi,
				 struct tquic_ack_result *res, u64 *ect0)
{
	struct tquic_sent_pkt *pkt;
	u64 pn = hi;
	u64 down;

	while (pn >= lo) {
		pkt = tquic_sent_get(&space->sent, pn);
		if (!pkt)
			return 0;
		down = pn;
		switch (pkt->state) {
		case TQUIC_SENT_OUTSTANDING:
			tquic_space_ack_pkt(space, pn, pkt, res, ect0);
			break;
		case TQUIC_SENT_LOST:
			tquic_space_ack_lost(space, pn, pkt, res);
			break;
		case TQUIC_SENT_GIVEN_UP:
			res->eliciting |= pkt->flags & TQUIC_SENT_F_ELICITING;
			if (pkt->flags & TQUIC_SENT_F_KEPT)
				tquic_rec_splice(&res->acked, &pkt->recs);
			pkt->flags &= ~TQUIC_SENT_F_KEPT;
			break;
		case TQUIC_SENT_ACKED:
			down = pkt->run_lo;
			break;
		default:
			return TQUIC_ERR_PROTOCOL_VIOLATION;
		}
		pkt->state = TQUIC_SENT_ACKED;
		pkt->run_lo = min(lo, down);
		if (!down)
			return 0;
		pn = down - 1;
	}
	return 0;
}

/* RFC 9000 13.4.2.1: are the peer's counts possible, and how many are new. */
static void tquic_space_check_ecn(struct tquic_space *space,
				  const struct tquic_frame_ack *ack, u64 ect0,
				  struct tquic_ack_result *res)
{
	const struct tquic_ecn_counts *new = &ack->counts;
	struct tquic_ecn_counts *old = &space->peer_ecn;

	if (!ack->ecn) {
		res->ecn_failed = ect0 > 0;
		return;
	}
	if (new->ect0 < old->ect0 || new->ce < old->ce || new->ect1 ||
	    new->ect0 + new->ce > space->tx_ect0 ||
	    new->ect0 - old->ect0 + new->ce - old->ce < ect0) {
		res->ecn_failed = true;
		return;
	}
	res->ce_pkts = new->ce - old->ce;
	*old = *new;
}

/**
 * tquic_space_on_ack() - take in an ACK frame
 * @space: packet number space it is about
 * @ack: parsed ACK or PATH_ACK frame
 * @now: time
 * @res: what it changed; overwritten
 *
 * Every packet is credited once. tquic_loss_detect() has to follow. In
 * @res->acked no order is kept.
 *
 * Return: 0, or TQUIC_ERR_PROTOCOL_VIOLATION when a packet is acknowledged that
 * was never sent; @res then holds nothing to free.
 */
int tquic_space_on_ack(struct tquic_space *space, const struct tquic_frame *ack,
		       u64 now, struct tquic_ack_result *res)
{
	const struct tquic_sent_pkt *pkt;
	struct tquic_ack_iter it;
	u64 lo, hi, largest_ns = 0;
	u64 ect0 = 0;
	int err;

	memset(res, 0, sizeof(*res));
	if (ack->ack.largest >= space->next_pn)
		return TQUIC_ERR_PROTOCOL_VIOLATION;
	pkt = tquic_sent_get(&space->sent, ack->ack.largest);
	if (pkt && (pkt->state == TQUIC_SENT_OUTSTANDING || pkt->state == TQUIC_SENT_GIVEN_UP))
		largest_ns = pkt->sent_ns;
	if (pkt && pkt->state == TQUIC_SENT_GIVEN_UP)
		res->late_ns = pkt->sent_ns;

	tquic_ack_iter_init(&it, ack);
	while (tquic_ack_iter_next(&it, &lo, &hi)) {
		err = tquic_space_ack_range(space, lo, hi, res, &ect0);
		if (err) {
			tquic_rec_free_list(res->acked);
			res->acked = NULL;
			return err;
		}
	}
	if (largest_ns && res->eliciting)
		res->rtt_ns = max_t(u64, now - largest_ns, 1);
	if ((s64)ack->ack.largest > space->largest_acked) {
		space->largest_acked = ack->ack.largest;
		tquic_space_check_ecn(space, &ack->ack, ect0, res);
	}
	return 0;
}

/**
 * tquic_space_take_oldest() - frames to send again in a probe (RFC 9002 6.2.4)
 * @space: packet number space
 *
 * Takes the records of the oldest outstanding packet that still has some. The
 * packet stays outstanding: a probe timeout declares nothing lost.
 *
 * Return: the records, owned by the caller, or NULL.
 */
struct tquic_rec *tquic_space_take_oldest(struct tquic_space *space)
{
	struct tquic_sent_pkt *pkt;
	struct tquic_rec *recs;
	u64 pn;

	for (pn = space->sent.head; pn < space->sent.next; pn++) {
		pkt = tquic_sent_get(&space->sent, pn);
		if (pkt->state != TQUIC_SENT_OUTSTANDING || !pkt->recs ||
		    !(pkt->flags & TQUIC_SENT_F_ELICITING))
			continue;
		recs = pkt->recs;
		pkt->recs = NULL;
		return recs;
	}
	return NULL;
}

/**
 * tquic_space_large_out_ns() - are large packets missing and none after them has arrived
 * @space: packet number space
 *
 * Probes of the size are none of them.
 *
 * Return: when the newest of them was sent, 0: there are none.
 */
u64 tquic_space_large_out_ns(const struct tquic_space *space)
{
	const struct tquic_sent *s = &space->sent;
	const struct tquic_sent_pkt *pkt;
	u64 pn;

	for (pn = s->next; pn > s->head && (s64)pn - 1 > space->large_acked; pn--) {
		pkt = tquic_sent_get(s, pn - 1);
		if (pkt->state == TQUIC_SENT_OUTSTANDING &&
		    pkt->bytes > TQUIC_MIN_UDP_PAYLOAD &&
		    !(pkt->flags & TQUIC_SENT_F_MTU_PROBE))
			return pkt->sent_ns;
	}
	return 0;
}

/* Does a part of a stream follow on what was given up before it?  One record tells of both. */
static bool tquic_space_join(struct tquic_rec *last, const struct tquic_rec *rec)
{
	if (!last || last->kind != TQUIC_REC_STREAM || last->id != rec->id || last->fin ||
	    last->off + last->len != rec->off || rec->len > U32_MAX - last->len)
		return false;
	last->len += rec->len;
	last->fin = rec->fin;
	last->again = false;
	return true;
}

/*
 * What a packet held goes to @list: of streams as copies, for as many as there is memory,
 * and the packet keeps its own.  Return: whether it kept any.
 */
static bool tquic_space_keep(struct tquic_sent_pkt *pkt, struct tquic_rec **list)
{
	struct tquic_rec *rec, *copy, *recs = pkt->recs;

	pkt->recs = NULL;
	while ((rec = tquic_rec_pop(&recs))) {
		if (rec->kind == TQUIC_REC_STREAM && tquic_space_join(*list, rec)) {
			tquic_rec_push(&pkt->recs, rec);
			continue;
		}
		copy = rec->kind == TQUIC_REC_STREAM ?
		       tquic_rec_alloc(GFP_ATOMIC | __GFP_NOWARN) : NULL;
		if (copy) {
			*copy = *rec;
			tquic_rec_push(&pkt->recs, copy);
		}
		tquic_rec_push(list, rec);
	}
	return pkt->recs;
}

static void tquic_space_take(struct tquic_space *space, bool keep, u64 now,
			     struct tquic_drain_result *res)
{
	struct tquic_sent *s = &space->sent;
	struct tquic_sent_pkt *pkt;
	u64 pn;

	memset(res, 0, sizeof(*res));
	for (pn = s->head; pn < s->next; pn++) {
		pkt = tquic_sent_get(s, pn);
		if (pkt->state != TQUIC_SENT_OUTSTANDING)
			continue;
		if (keep && tquic_space_keep(pkt, &res->recs)) {
			pkt->flags |= TQUIC_SENT_F_KEPT;
			s->kept_ns = now;
		} else {
			tquic_rec_splice(&res->recs, &pkt->recs);
			pkt->lost_ns = now;
		}
		if (pkt->flags & TQUIC_SENT_F_IN_FLIGHT)
			res->bytes += pkt->bytes;
		pkt->state = TQUIC_SENT_GIVEN_UP;
	}
	s->head = s->next;
	space->eliciting_in_flight = 0;
	space->loss_time_ns = 0;
	space->persist_ns = 0;
}

/**
 * tquic_space_give_up() - all that is under way is to be sent elsewhere
 * @space: packet number space; what it received is kept
 * @now: time
 * @res: what the packets held; overwritten
 *
 * What is acknowledged of it later need not be sent again, unless it has been, and
 * still tells the round trip time: one that is longer than was thought would never be
 * measured otherwise, and packets be given up too soon again and again.
 */
void tquic_space_give_up(struct tquic_space *space, u64 now, struct tquic_drain_result *res)
{
	tquic_space_take(space, true, now, res);
}

/**
 * tquic_space_drain() - give all sent packets up, and forget them
 * @space: packet number space; what it received is kept
 * @res: what they held; overwritten
 *
 * For discarded keys and where packets went another way than the next ones will.
 * ACK frames for them may still come in and do nothing.
 */
void tquic_space_drain(struct tquic_space *space, struct tquic_drain_result *res)
{
	tquic_space_take(space, false, 0, res);
	tquic_sent_clear(&space->sent);
}

static void tquic_space_count_ecn(struct tquic_ecn_counts *counts, u8 ecn)
{
	switch (ecn) {
	case TQUIC_ECN_ECT0:
		counts->ect0++;
		break;
	case TQUIC_ECN_ECT1:
		counts->ect1++;
		break;
	case TQUIC_ECN_CE:
		counts->ce++;
		break;
	}
}

/*
 * Is a packet out of order, or missing, in a way that the peer wants to know of?
 * What is older by @reorder than the largest number told can have been declared
 * lost by now; of what is younger the oldest one missing counts.
 */
static bool tquic_space_reordered(const struct tquic_space *space, u64 pn, bool in_order,
				  u64 reorder)
{
	const struct tquic_ranges *rx = &space->rx;
	u64 told = space->largest_told + 1, missing;
	unsigned int i;

	if (reorder <= 1)
		return reorder && !in_order;
	/* The lowest number that was not reported. */
	told = told > reorder ? told - reorder : 0;
	if (pn < told)
		return true;
	missing = max(told, rx->floor);
	for (i = rx->n; i-- && missing >= rx->r[i].lo;)
		missing = max(missing, rx->r[i].hi + 1);
	return (s64)missing < space->largest_rx && space->largest_rx - missing >= reorder;
}

/* Must a packet be acknowledged at once? */
static bool tquic_space_urgent(const struct tquic_space *space, u64 pn, bool in_order, u8 ecn,
			       const struct tquic_ack_rule *rule)
{
	if (space->level == TQUIC_LEVEL_INITIAL || space->level == TQUIC_LEVEL_HANDSHAKE)
		return true;
	if (ecn == TQUIC_ECN_CE && (rule->threshold <= 1 || !space->rx_ce))
		return true;
	return space->rx_eliciting > rule->threshold ||
	       tquic_space_reordered(space, pn, in_order, rule->reorder);
}

/* Is the packet before the newest ones lost, as the peer will take it, and nobody said so yet? */
static void tquic_space_find_hole(struct tquic_space *space)
{
	const struct tquic_range *newest = space->rx.r;

	if (space->rx.n < 2 || newest->lo <= space->hole_end ||
	    newest->hi - newest->lo + 1 < TQUIC_LOSS_PKT_THRESHOLD)
		return;
	space->hole_end = newest->lo;
	space->hole_due = true;
}

/**
 * tquic_space_on_rx() - note a received packet and decide when to acknowledge
 * @space: packet number space
 * @pn: its number
 * @eliciting: it held an ack-eliciting frame
 * @ecn: ECN field of its IP header
 * @now: time
 * @rule: what is wanted of acknowledgments of 1-RTT packets
 *
 * RFC 9000 13.2.1 and 13.2.2: at once in Initial and Handshake, when a packet
 * is out of order or leaves a gap, when it was marked CE, and for every second
 * ack-eliciting packet; otherwise within the delay. @rule may say otherwise of how
 * many, which gaps, and, when it does, of all but the first mark in a row.
 *
 * Return: false for a duplicate, which changes nothing.
 */
bool tquic_space_on_rx(struct tquic_space *space, u64 pn, bool eliciting, u8 ecn,
		       u64 now, const struct tquic_ack_rule *rule)
{
	bool in_order = (s64)pn == space->largest_rx + 1;

	if (!tquic_ranges_add(&space->rx, pn))
		return false;
	if ((s64)pn > space->largest_rx) {
		space->largest_rx = pn;
		space->largest_rx_ns = now;
	}
	tquic_space_count_ecn(&space->rx_ecn, ecn);
	if (eliciting) {
		tquic_space_find_hole(space);
		space->rx_eliciting++;
		space->ack_now |= tquic_space_urgent(space, pn, in_order, ecn, rule);
		if (!space->ack_deadline_ns)
			space->ack_deadline_ns = now + rule->delay_ns;
	}
	space->rx_ce = ecn == TQUIC_ECN_CE;
	return true;
}

/**
 * tquic_space_ack_due() - must an ACK be sent even if nothing else is
 * @space: packet number space
 * @now: time
 *
 * Return: true when it must.
 */
bool tquic_space_ack_due(const struct tquic_space *space, u64 now)
{
	return space->ack_now ||
	       (space->ack_deadline_ns && now >= space->ack_deadline_ns);
}

/**
 * tquic_space_ack_sent() - an ACK of everything received is on its way
 * @space: packet number space
 */
void tquic_space_ack_sent(struct tquic_space *space)
{
	space->ack_now = false;
	space->ack_deadline_ns = 0;
	space->rx_eliciting = 0;
	space->largest_told = space->largest_rx;
}

/**
 * tquic_space_wants_ping() - should the next ACK carry a PING
 * @space: packet number space
 * @now: time
 * @srtt_ns: smoothed RTT
 *
 * An endpoint that only receives never learns which of its ACKs arrived, and
 * could forget neither them nor the ranges in them (RFC 9000 13.2.4).
 *
 * Return: true at most once per RTT, after a run of packets that elicit nothing.
 */
bool tquic_space_wants_ping(const struct tquic_space *space, u64 now, u64 srtt_ns)
{
	return space->tx_quiet >= TQUIC_SPACE_QUIET_MAX &&
	       now - space->last_eliciting_ns >= srtt_ns;
}
