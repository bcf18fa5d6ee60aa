// SPDX-License-Identifier: GPL-2.0
/* Accounts of the two connections that have to agree at any time. */
#include <linux/minmax.h>

#include "core/path.h"
#include "test/pair.h"
#include "test/pair_parts.h"

static void pair_sum(const struct tquic_space *space, u64 *bytes, u32 *eliciting)
{
	const struct tquic_sent_pkt *pkt;
	u64 pn;

	for (pn = space->sent.base; pn < space->sent.next; pn++) {
		pkt = tquic_sent_get(&space->sent, pn);
		if (pkt->state != TQUIC_SENT_OUTSTANDING)
			continue;
		if (pkt->flags & TQUIC_SENT_F_IN_FLIGHT)
			*bytes += pkt->bytes;
		if (pkt->flags & TQUIC_SENT_F_ELICITING)
			(*eliciting)++;
	}
}

/* What a stream holds of the connection's credit; a reset gives back what is behind its bytes */
static u64 pair_unread(const struct tquic_recv *r)
{
	u64 end = r->reset_at ? max(r->reliable, r->flow.consumed) : r->flow.highest;

	return end - r->flow.consumed;
}

/* What streams used of their credit and of memory, against what the connection counts */
static void pair_check_streams(struct pair_end *e)
{
	struct tquic_streams *t = &e->conn.streams;
	const struct tquic_flow_rx *flow = &e->conn.flow_rx;
	const struct tquic_hs *hs = tquic_conn_hs(&e->conn);
	u64 unread = 0, sent = 0, unsent = 0, tx = 0, rx = 0;
	struct tquic_stream *s;
	unsigned long index;
	u32 i, count = 0;

	for (i = 0; i < ARRAY_SIZE(t->by_type); i++) {
		xa_for_each(&t->by_type[i], index, s) {
			count++;
			unread += pair_unread(&s->rx);
			sent += s->tx.nxt;
			unsent += s->tx.end - s->tx.nxt;
			tx += s->tx.buffered_bytes;
			rx += s->rx.charged;
			if (s->rx.contig > s->rx.flow.highest ||
			    s->rx.flow.consumed > s->rx.contig ||
			    s->rx.flow.highest > s->rx.flow.max)
				pair_fail(e->pair, "a stream received what nobody allowed");
		}
	}
	rx += e->conn.crypto.rx.charged;
	for (i = 0; hs && i < ARRAY_SIZE(hs->crypto); i++)
		rx += hs->crypto[i].rx.charged;
	if (count != t->count)
		pair_fail(e->pair, "streams are miscounted");
	if (tx != t->tx_mem.used || rx != t->rx_mem.used)
		pair_fail(e->pair, "memory of streams is miscounted");
	if (unsent != t->tx_mem.unsent)
		pair_fail(e->pair, "bytes not yet sent are miscounted");
	if (e->conn.state > TQUIC_STATE_ESTABLISHED)
		return;
	if (unread != flow->highest - flow->consumed || flow->highest > flow->max)
		pair_fail(e->pair, "credit given to the peer is miscounted");
	if (sent > e->conn.flow_tx.used || e->conn.flow_tx.used > e->conn.flow_tx.max)
		pair_fail(e->pair, "credit of the peer is miscounted");
}

static void pair_check_end(struct pair_end *e)
{
	const struct tquic_hs *hs = tquic_conn_hs(&e->conn);
	const struct tquic_path *path;
	u32 i, k, eliciting;
	u64 bytes;

	for (i = 0; i < TQUIC_PATHS_MAX; i++) {
		path = tquic_conn_path(&e->conn, i);
		if (!path)
			continue;
		bytes = 0;
		eliciting = 0;
		pair_sum(&path->space, &bytes, &eliciting);
		if (eliciting != path->space.eliciting_in_flight)
			pair_fail(e->pair, "ack-eliciting packets are miscounted");
		for (k = 0; hs && !path->id && k < ARRAY_SIZE(hs->space); k++)
			pair_sum(&hs->space[k], &bytes, &eliciting);
		if (bytes != path->cc.in_flight)
			pair_fail(e->pair, "bytes in flight are miscounted");
	}
	pair_check_streams(e);
}

void pair_check(struct pair *p)
{
	u32 i;

	for (i = 0; i < 2; i++)
		if (p->end[i].started)
			pair_check_end(&p->end[i]);
}
