// SPDX-License-Identifier: GPL-2.0
/* Suite of core/hint.c: a fast path says sooner what a slow one has lost, and no more than that. */
#include <kunit/test.h>

#include "core/hint.h"
#include "core/path.h"
#include "test/pair.h"

#define MIB	(1024ULL * 1024)

/* A server sends over two links, the first with a delay of @ms, the other with one of 60 ms */
static struct pair *hint_pair(struct kunit *test, u32 ms, struct pair_flow **f)
{
	struct pair *p = pair_create(test, 2);

	pair_link_set(&p->link[0], 50000000, PAIR_MS(ms), 125000);
	pair_link_set(&p->link[1], 20000000, PAIR_MS(60), 300000);
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	KUNIT_ASSERT_TRUE(test, pair_open_paths(p));
	*f = pair_flow_open(&p->end[1], false, 16 * MIB);
	KUNIT_ASSERT_NOT_NULL(test, *f);
	pair_run(p, PAIR_MS(700));
	KUNIT_ASSERT_FALSE(test, (*f)->ended);
	return p;
}

/* The PATH_ACK that the client could send about path 1 now, to the server on path 0 */
static int hint_inject(struct pair *p, const struct tquic_ranges *rx)
{
	u8 buf[1000];
	struct tquic_wbuf b = { buf, buf + sizeof(buf) };

	if (!tquic_frame_put_ack(&b, rx, 0, NULL, 1))
		return -ENOSPC;
	return pair_inject_next(&p->end[1], TQUIC_PKT_1RTT, 0, buf, b.p - buf);
}

/* What a slow path lost is there again before its own acknowledgment is. */
static void hint_repairs(struct kunit *test)
{
	struct tquic_path *slow;
	struct pair_flow *f;
	struct pair *p = hint_pair(test, 5, &f);
	u64 lost, hinted;
	u32 ms;

	slow = pair_path(p, 1, 1);
	lost = slow->stats.lost_packets;
	hinted = slow->space.hint_pn;
	f->gap_ns = 0;
	p->link[1].drop_next[0] = 1;
	for (ms = 0; ms < 300 && slow->space.hint_pn == hinted; ms++)
		pair_run(p, PAIR_MS(1));
	KUNIT_EXPECT_GT(test, slow->space.hint_pn, hinted);
	/* The path knows no sooner, and of no shorter round trip. */
	KUNIT_EXPECT_EQ(test, slow->stats.lost_packets, lost);
	/* The first hint may have been of a number left out. */
	for (ms = 0; ms < 400 && slow->stats.lost_packets == lost; ms++)
		pair_run(p, PAIR_MS(1));
	pair_run(p, PAIR_MS(50));
	kunit_info(test, "gap %llu us", f->gap_ns / NSEC_PER_USEC);
	KUNIT_EXPECT_LT(test, f->gap_ns, PAIR_MS(40));
	KUNIT_EXPECT_EQ(test, slow->stats.lost_packets, lost + 1);
	KUNIT_EXPECT_GE(test, slow->rtt.min_ns, PAIR_MS(120));
	pair_check(p);
}

/* Where the path itself says it as soon, nothing is said twice. */
static void hint_not_faster(struct kunit *test)
{
	struct pair_flow *f;
	struct pair *p = hint_pair(test, 55, &f);
	u64 lost;

	lost = pair_path(p, 1, 1)->stats.lost_packets;
	p->link[1].drop_next[0] = 1;
	pair_run(p, PAIR_MS(200));
	KUNIT_EXPECT_GT(test, pair_path(p, 1, 1)->stats.lost_packets, lost);
	KUNIT_EXPECT_EQ(test, pair_path(p, 1, 1)->space.hint_pn, 0);
	KUNIT_EXPECT_FALSE(test, pair_path(p, 0, 1)->space.hole_due);
	pair_check(p);
}

/* Data that has arrived counts; of the path nothing does, for its own word is on its way. */
static void hint_counts(struct kunit *test)
{
	struct pair_flow *f;
	struct pair *p = hint_pair(test, 5, &f);
	struct tquic_path *slow = pair_path(p, 1, 1);
	const struct tquic_ranges *rx = &pair_path(p, 0, 1)->space.rx;
	struct tquic_rtt rtt = slow->rtt;
	struct tquic_cc cc = slow->cc;
	struct tquic_sent_pkt *pkt;
	struct tquic_stream *s;
	s64 newest = tquic_ranges_largest(rx), acked = slow->space.largest_acked;
	u64 una;

	KUNIT_ASSERT_GT(test, newest, acked + 10);
	pkt = tquic_sent_get(&slow->space.sent, newest);
	KUNIT_ASSERT_NOT_NULL(test, pkt);
	KUNIT_ASSERT_NOT_NULL(test, pkt->recs);
	s = tquic_streams_find(&p->end[1].conn.streams, f->id);
	KUNIT_ASSERT_NOT_NULL(test, s);
	una = s->tx.una;
	KUNIT_ASSERT_EQ(test, hint_inject(p, rx), 0);
	KUNIT_EXPECT_NULL(test, pkt->recs);
	KUNIT_EXPECT_EQ(test, pkt->state, TQUIC_SENT_OUTSTANDING);
	/* Nobody waits for what follows before the path's own word of this is due. */
	KUNIT_EXPECT_GT(test, s->tx.una, una);
	KUNIT_EXPECT_GT(test, pkt->sent_ns + rtt.srtt_ns, p->now);
	KUNIT_EXPECT_EQ(test, s->head_ns, pkt->sent_ns + rtt.srtt_ns);
	KUNIT_EXPECT_EQ(test, slow->space.hint_pn, newest - 2);
	KUNIT_EXPECT_EQ(test, slow->space.largest_acked, acked);
	KUNIT_EXPECT_EQ(test, slow->cc.in_flight, cc.in_flight);
	KUNIT_EXPECT_EQ(test, slow->cc.cwnd, cc.cwnd);
	KUNIT_EXPECT_EQ(test, slow->rtt.latest_ns, rtt.latest_ns);
	KUNIT_EXPECT_EQ(test, slow->rtt.srtt_ns, rtt.srtt_ns);
	/* It works, then. */
	KUNIT_EXPECT_EQ(test, slow->progress_ns, min(pkt->sent_ns + rtt.srtt_ns, p->now));
	pair_run(p, PAIR_MS(80));
	KUNIT_EXPECT_GE(test, slow->space.largest_acked, newest);
	pair_check(p);
}

/* A peer that acknowledges on the fastest path only, or has given the slow one up, or we have */
static void hint_is_all_there_is(struct kunit *test)
{
	struct tquic_path *slow;
	struct pair_flow *f;
	struct pair *p;
	u64 hinted, age_ns;
	s64 newest;
	u32 i;

	for (i = 0; i < 4; i++) {
		p = hint_pair(test, 5, &f);
		slow = pair_path(p, 1, 1);
		hinted = slow->space.hint_pn;
		newest = tquic_ranges_largest(&pair_path(p, 0, 1)->space.rx);
		age_ns = 2 * slow->rtt.srtt_ns;
		slow->space.own_ack_ns = p->now - age_ns + !!i;
		slow->peer_backup = i == 1;
		if (i == 2)
			tquic_path_link_down(&p->end[1].conn, slow, p->now);
		KUNIT_ASSERT_EQ(test, hint_inject(p, &pair_path(p, 0, 1)->space.rx), 0);
		if (i < 3) {
			KUNIT_EXPECT_EQ(test, slow->space.largest_acked, newest);
			KUNIT_EXPECT_EQ(test, slow->space.hint_pn, hinted);
		} else {
			KUNIT_EXPECT_LT(test, slow->space.largest_acked, newest);
			KUNIT_EXPECT_EQ(test, slow->space.hint_pn, newest - 2);
		}
	}
}

/* A path that rested: what comes first is a hint all the same, and its round trip its own. */
static void hint_after_rest(struct kunit *test)
{
	struct pair *p = pair_create(test, 2);
	struct tquic_path *slow;
	struct pair_flow *f;
	s64 acked, newest;
	u32 ms;

	pair_link_set(&p->link[0], 50000000, PAIR_MS(5), 125000);
	pair_link_set(&p->link[1], 20000000, PAIR_MS(60), 300000);
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	KUNIT_ASSERT_TRUE(test, pair_open_paths(p));
	pair_run(p, 5 * (u64)NSEC_PER_SEC);
	slow = pair_path(p, 1, 1);
	slow->space.own_ack_ns = 0;
	f = pair_flow_open(&p->end[1], false, 4 * MIB);
	KUNIT_ASSERT_NOT_NULL(test, f);
	for (ms = 0; ms < 500 && slow->space.eliciting_in_flight < 2; ms++)
		pair_run(p, PAIR_MS(1));
	KUNIT_ASSERT_GE(test, slow->space.eliciting_in_flight, 2);
	pair_run(p, PAIR_MS(70));
	acked = slow->space.largest_acked;
	newest = tquic_ranges_largest(&pair_path(p, 0, 1)->space.rx);
	KUNIT_ASSERT_GT(test, newest, acked);
	KUNIT_EXPECT_EQ(test, hint_inject(p, &pair_path(p, 0, 1)->space.rx), 0);
	KUNIT_EXPECT_EQ(test, slow->space.largest_acked, acked);
	KUNIT_EXPECT_EQ(test, slow->space.hint_pn, newest - 2);
	KUNIT_EXPECT_GE(test, slow->rtt.min_ns, PAIR_MS(120));
	pair_check(p);
}

/* Of what is missing only stream data goes again; the rest is decided when it is lost. */
static void hint_streams_only(struct kunit *test)
{
	struct tquic_sent_pkt *pkt;
	struct tquic_ranges rx;
	struct tquic_path *slow;
	struct pair_flow *f;
	struct pair *p = hint_pair(test, 5, &f);
	s64 pn = tquic_ranges_largest(&pair_path(p, 0, 1)->space.rx);
	u32 i;

	slow = pair_path(p, 1, 1);
	tquic_ranges_init(&rx);
	for (i = 0; i < 3; i++)
		KUNIT_ASSERT_TRUE(test, tquic_ranges_add(&rx, pn - i));
	KUNIT_ASSERT_TRUE(test, tquic_ranges_add(&rx, pn - 4));
	pkt = tquic_sent_get(&slow->space.sent, pn - 3);
	KUNIT_ASSERT_NOT_NULL(test, pkt->recs);
	KUNIT_ASSERT_EQ(test, pkt->recs->kind, TQUIC_REC_STREAM);
	pkt->recs->kind = TQUIC_REC_PING;
	KUNIT_EXPECT_EQ(test, hint_inject(p, &rx), 0);
	KUNIT_ASSERT_NOT_NULL(test, pkt->recs);
	pkt->recs->kind = TQUIC_REC_STREAM;
	/* An older hint that comes late takes nothing back. */
	tquic_ranges_destroy(&rx);
	tquic_ranges_init(&rx);
	KUNIT_ASSERT_TRUE(test, tquic_ranges_add(&rx, pn - 9));
	KUNIT_EXPECT_EQ(test, hint_inject(p, &rx), 0);
	KUNIT_EXPECT_EQ(test, slow->space.hint_pn, pn - 2);
	tquic_ranges_destroy(&rx);
}

/* Who says it keeps the ranges: the peer may not have taken them in. */
static void hint_keeps_ranges(struct kunit *test)
{
	struct pair_flow *f;
	struct pair *p = hint_pair(test, 5, &f);
	struct tquic_path *slow = pair_path(p, 0, 1), *fast = pair_path(p, 0, 0);
	struct tquic_tx_pkt pkts[TQUIC_LEVEL_COUNT];
	u8 *buf = kunit_kzalloc(test, 2048, GFP_KERNEL);
	const struct tquic_rec *rec;
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, buf);
	for (i = 0; i < 3; i++) {
		slow->space.hole_due = true;
		slow->space.ack_now = false;
		fast->space.ack_now = false;
		slow->told_backup = i == 1;
		fast->peer_backup = i == 2;
		if (!tquic_conn_output(&p->end[0].conn, buf, 2048, p->now, pkts)) {
			KUNIT_EXPECT_NE(test, i, 0);
			KUNIT_EXPECT_FALSE(test, slow->space.hole_due);
			continue;
		}
		KUNIT_EXPECT_EQ(test, i, 0);
		KUNIT_EXPECT_PTR_EQ(test, pkts[0].path, fast);
		rec = tquic_sent_get(&fast->space.sent, pkts[0].pn)->recs;
		for (; rec; rec = rec->next)
			KUNIT_EXPECT_NE(test, rec->id, slow->id);
		KUNIT_EXPECT_FALSE(test, slow->space.hole_due);
	}
}

/* Packets may be late only: a path that was seen to reorder them, and the newest */
static void hint_waits(struct kunit *test)
{
	struct tquic_sent_pkt *pkt;
	struct tquic_ranges rx = {};
	struct tquic_path *slow;
	struct pair_flow *f;
	struct pair *p;
	u32 i, late;
	u64 again;
	s64 pn;

	for (i = 0; i < 3; i++) {
		/* Overtaken by two, by three, by three where they are known to be late. */
		late = i ? 3 : 2;
		p = hint_pair(test, 5, &f);
		slow = pair_path(p, 1, 1);
		slow->space.reorder = i == 2;
		pn = tquic_ranges_largest(&pair_path(p, 0, 1)->space.rx);
		tquic_ranges_init(&rx);
		KUNIT_ASSERT_TRUE(test, tquic_ranges_add(&rx, pn));
		while (--late)
			KUNIT_ASSERT_TRUE(test, tquic_ranges_add(&rx, pn - late));
		late = i ? 3 : 2;
		KUNIT_ASSERT_TRUE(test, tquic_ranges_add(&rx, pn - late - 1));
		pkt = tquic_sent_get(&slow->space.sent, pn - late);
		KUNIT_ASSERT_NOT_NULL(test, pkt->recs);
		again = p->end[1].conn.stats.bytes_retransmitted;
		KUNIT_EXPECT_EQ(test, hint_inject(p, &rx), 0);
		KUNIT_EXPECT_EQ(test, !pkt->recs, i == 1);
		/* Those around it have arrived. */
		again = p->end[1].conn.stats.bytes_retransmitted - again;
		KUNIT_EXPECT_EQ(test, again / 1000, i == 1);
		KUNIT_EXPECT_EQ(test, pkt->state, TQUIC_SENT_OUTSTANDING);
		tquic_ranges_destroy(&rx);
		/* It has arrived, as its own acknowledgment says: what went again was not needed. */
		pair_run(p, PAIR_MS(100));
		KUNIT_EXPECT_EQ(test, slow->stats.lost_packets, 0);
		pair_check(p);
	}
}

/* What is lost already has nothing left to tell. */
static void hint_after_loss(struct kunit *test)
{
	struct tquic_sent_pkt *pkt;
	struct tquic_ranges rx;
	struct tquic_path *slow;
	struct pair_flow *f;
	struct pair *p = hint_pair(test, 5, &f);
	u64 progress_ns;

	slow = pair_path(p, 1, 1);
	pkt = tquic_sent_get(&slow->space.sent, slow->space.sent.next - 1);
	KUNIT_ASSERT_NOT_NULL(test, pkt);
	tquic_rec_free_list(pkt->recs);
	pkt->state = TQUIC_SENT_LOST;
	pkt->lost_ns = p->now;
	progress_ns = slow->progress_ns;
	tquic_ranges_init(&rx);
	KUNIT_ASSERT_TRUE(test, tquic_ranges_add(&rx, slow->space.sent.next - 1));
	KUNIT_EXPECT_EQ(test, hint_inject(p, &rx), 0);
	KUNIT_EXPECT_EQ(test, pkt->lost_ns, p->now);
	KUNIT_EXPECT_EQ(test, slow->progress_ns, progress_ns);
	tquic_ranges_destroy(&rx);
}

/* Nobody can know of packets that were never sent (RFC 9000 §21.4), the newest or an older one. */
static void hint_lies(struct kunit *test)
{
	struct tquic_sent_pkt *pkt;
	struct tquic_ranges rx;
	struct tquic_path *slow;
	struct pair_flow *f;
	struct pair *p;
	u64 last;
	u32 i;

	for (i = 0; i < 3; i++) {
		p = hint_pair(test, 5, &f);
		slow = pair_path(p, 1, 1);
		last = slow->space.sent.next - 1;
		pkt = tquic_sent_get(&slow->space.sent, i < 2 ? last : last - 4);
		KUNIT_ASSERT_NOT_NULL(test, pkt);
		tquic_rec_free_list(pkt->recs);
		pkt->recs = NULL;
		pkt->state = TQUIC_SENT_SKIPPED;
		tquic_ranges_init(&rx);
		if (i == 2) {
			KUNIT_ASSERT_TRUE(test, tquic_ranges_add(&rx, last - 4));
			KUNIT_ASSERT_TRUE(test, tquic_ranges_add(&rx, last));
		} else {
			KUNIT_ASSERT_TRUE(test, tquic_ranges_add(&rx, last + i));
		}
		KUNIT_EXPECT_EQ(test, hint_inject(p, &rx), 0);
		KUNIT_EXPECT_EQ(test, p->end[1].conn.closed.error_code,
				TQUIC_ERR_PROTOCOL_VIOLATION);
		tquic_ranges_destroy(&rx);
	}
}

static struct kunit_case hint_cases[] = {
	KUNIT_CASE(hint_repairs),
	KUNIT_CASE(hint_not_faster),
	KUNIT_CASE(hint_counts),
	KUNIT_CASE(hint_is_all_there_is),
	KUNIT_CASE(hint_after_rest),
	KUNIT_CASE(hint_streams_only),
	KUNIT_CASE(hint_keeps_ranges),
	KUNIT_CASE(hint_waits),
	KUNIT_CASE(hint_after_loss),
	KUNIT_CASE(hint_lies),
	{}
};

static struct kunit_suite hint_suite = {
	.name = "tquic-hint",
	.test_cases = hint_cases,
};
kunit_test_suites(&hint_suite);
