// SPDX-License-Identifier: GPL-2.0
/* Suite of core/space.c; the random case drives core/loss.c as well. */
#include <kunit/test.h>
#include <linux/limits.h>
#include <linux/prandom.h>
#include <linux/time64.h>

#include "core/loss.h"
#include "core/space.h"
#include "test/ack.h"

#define MS		((u64)NSEC_PER_MSEC)
#define DATA		(TQUIC_SENT_F_ELICITING | TQUIC_SENT_F_IN_FLIGHT)
#define NOT_ECT		0
#define ECT0		2
#define CE		3

struct space_ctx {
	struct tquic_space space;
	struct tquic_ack_result res;
	struct tquic_test_ack *ack;
	struct tquic_ack_rule rule;
};

static int space_suite_init(struct kunit_suite *suite)
{
	return tquic_rec_cache_init();
}

static void space_suite_exit(struct kunit_suite *suite)
{
	tquic_rec_cache_exit();
}

static void space_destroy_action(void *space)
{
	tquic_space_destroy(space);
}

static int space_init(struct kunit *test)
{
	struct space_ctx *c = kunit_kzalloc(test, sizeof(*c), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, c);
	test->priv = c;
	tquic_space_init(&c->space, TQUIC_LEVEL_APP);
	c->ack = tquic_test_ack_new(test);
	c->rule = (struct tquic_ack_rule) { .threshold = 1, .reorder = 1, .delay_ns = 25 * MS };
	return kunit_add_action_or_reset(test, space_destroy_action, &c->space);
}

/* Sends packet @pn at @now with one record that names it. */
static void send(struct kunit *test, u64 pn, u8 flags, u64 now)
{
	struct space_ctx *c = test->priv;
	struct tquic_sent_pkt *pkt;
	struct tquic_rec *rec;

	pkt = tquic_space_on_sent(&c->space, pn, 1000 + pn % 100, flags, now);
	KUNIT_ASSERT_NOT_NULL(test, pkt);
	rec = tquic_rec_alloc(GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, rec);
	rec->off = pn;
	tquic_rec_push(&pkt->recs, rec);
}

/* Packets 0 to @n - 1, one per ms from 1 ms on. */
static void send_many(struct kunit *test, u64 n)
{
	u64 pn;

	for (pn = 0; pn < n; pn++)
		send(test, pn, DATA, (pn + 1) * MS);
}

static int ack(struct kunit *test, u64 lo, u64 hi, u64 now)
{
	struct space_ctx *c = test->priv;

	return tquic_space_on_ack(&c->space, tquic_test_ack_one(test, c->ack, lo, hi), now,
				  &c->res);
}

static u32 free_count(struct tquic_rec **list)
{
	struct tquic_rec *rec;
	u32 n = 0;

	while ((rec = tquic_rec_pop(list))) {
		tquic_rec_free(rec);
		n++;
	}
	return n;
}

static void ack_result(struct kunit *test)
{
	struct space_ctx *c = test->priv;

	send_many(test, 10);
	KUNIT_EXPECT_EQ(test, c->space.eliciting_in_flight, 10);
	KUNIT_EXPECT_EQ(test, c->space.next_pn, 10);
	KUNIT_EXPECT_EQ(test, c->space.last_eliciting_ns, 10 * MS);
	KUNIT_ASSERT_EQ(test, ack(test, 2, 4, 30 * MS), 0);
	KUNIT_EXPECT_EQ(test, c->res.pkts, 3);
	KUNIT_EXPECT_EQ(test, c->res.bytes, 1002 + 1003 + 1004);
	KUNIT_EXPECT_EQ(test, c->res.largest_sent_ns, 5 * MS);
	KUNIT_EXPECT_EQ(test, c->res.rtt_ns, 25 * MS);
	KUNIT_EXPECT_TRUE(test, c->res.eliciting);
	KUNIT_EXPECT_EQ(test, c->space.eliciting_in_flight, 7);
	KUNIT_EXPECT_EQ(test, c->space.largest_acked, 4);
	KUNIT_EXPECT_EQ(test, free_count(&c->res.acked), 3);
}

static void ack_credits_once(struct kunit *test)
{
	struct space_ctx *c = test->priv;

	send_many(test, 10);
	KUNIT_ASSERT_EQ(test, ack(test, 3, 5, 30 * MS), 0);
	KUNIT_EXPECT_EQ(test, free_count(&c->res.acked), 3);
	KUNIT_ASSERT_EQ(test, ack(test, 3, 5, 31 * MS), 0);
	KUNIT_EXPECT_EQ(test, c->res.pkts, 0);
	KUNIT_EXPECT_EQ(test, c->res.bytes, 0);
	KUNIT_EXPECT_EQ(test, c->res.rtt_ns, 0);
	KUNIT_EXPECT_FALSE(test, c->res.eliciting);
	/* Around the old range: it is jumped over, both its neighbours are not. */
	KUNIT_ASSERT_EQ(test, ack(test, 1, 7, 32 * MS), 0);
	KUNIT_EXPECT_EQ(test, c->res.pkts, 4);
	KUNIT_EXPECT_EQ(test, c->res.bytes, 1001 + 1002 + 1006 + 1007);
	KUNIT_EXPECT_EQ(test, free_count(&c->res.acked), 4);
	KUNIT_ASSERT_EQ(test, ack(test, 0, 9, 33 * MS), 0);
	KUNIT_EXPECT_EQ(test, c->res.pkts, 3);
	KUNIT_EXPECT_EQ(test, free_count(&c->res.acked), 3);
	KUNIT_EXPECT_EQ(test, c->space.eliciting_in_flight, 0);
}

/* A range acknowledged before is not looked at again, in whatever frame it comes. */
static void ack_jumps(struct kunit *test)
{
	struct space_ctx *c = test->priv;
	struct tquic_sent *s = &c->space.sent;

	send_many(test, 20);
	ack(test, 5, 9, 30 * MS);
	free_count(&c->res.acked);
	KUNIT_EXPECT_EQ(test, tquic_sent_get(s, 9)->run_lo, 5);
	KUNIT_EXPECT_EQ(test, tquic_sent_get(s, 7)->run_lo, 5);
	/* What would be an error is not seen. */
	tquic_sent_get(s, 6)->state = TQUIC_SENT_SKIPPED;
	KUNIT_EXPECT_EQ(test, ack(test, 3, 12, 31 * MS), 0);
	KUNIT_EXPECT_EQ(test, free_count(&c->res.acked), 5);
	KUNIT_EXPECT_EQ(test, tquic_sent_get(s, 12)->run_lo, 3);
	KUNIT_EXPECT_EQ(test, tquic_sent_get(s, 9)->run_lo, 3);
	/* A shorter range makes nothing forgotten. */
	KUNIT_EXPECT_EQ(test, ack(test, 8, 12, 32 * MS), 0);
	KUNIT_EXPECT_EQ(test, tquic_sent_get(s, 12)->run_lo, 3);
	tquic_sent_get(s, 6)->state = TQUIC_SENT_ACKED;
}

static void ack_of_unsent(struct kunit *test)
{
	struct space_ctx *c = test->priv;

	send_many(test, 5);
	KUNIT_EXPECT_EQ(test, ack(test, 5, 5, 30 * MS), TQUIC_ERR_PROTOCOL_VIOLATION);
	KUNIT_EXPECT_EQ(test, ack(test, 0, 5, 30 * MS), TQUIC_ERR_PROTOCOL_VIOLATION);
	KUNIT_EXPECT_NULL(test, c->res.acked);
	KUNIT_EXPECT_EQ(test, c->space.eliciting_in_flight, 5);
	KUNIT_EXPECT_EQ(test, ack(test, 0, 4, 30 * MS), 0);
	KUNIT_EXPECT_EQ(test, free_count(&c->res.acked), 5);
}

static void ack_of_skipped(struct kunit *test)
{
	struct space_ctx *c = test->priv;

	send(test, 0, DATA, 1 * MS);
	send(test, 1, DATA, 2 * MS);
	send(test, 3, DATA, 3 * MS);
	KUNIT_EXPECT_EQ(test, ack(test, 0, 1, 30 * MS), 0);
	KUNIT_EXPECT_EQ(test, free_count(&c->res.acked), 2);
	/* The records of packet 3, walked first, must not leak. */
	KUNIT_EXPECT_EQ(test, ack(test, 0, 3, 31 * MS), TQUIC_ERR_PROTOCOL_VIOLATION);
	KUNIT_EXPECT_NULL(test, c->res.acked);
}

static void ack_no_rtt_sample(struct kunit *test)
{
	struct space_ctx *c = test->priv;

	send(test, 0, DATA, 1 * MS);
	send(test, 1, 0, 2 * MS);
	send(test, 2, DATA, 3 * MS);
	/* Nothing newly acknowledged elicited the ACK. */
	KUNIT_ASSERT_EQ(test, ack(test, 1, 1, 30 * MS), 0);
	KUNIT_EXPECT_EQ(test, c->res.rtt_ns, 0);
	KUNIT_EXPECT_EQ(test, c->res.bytes, 0);
	KUNIT_EXPECT_FALSE(test, c->res.eliciting);
	free_count(&c->res.acked);
	/* The largest was acknowledged before. */
	KUNIT_ASSERT_EQ(test, ack(test, 0, 1, 40 * MS), 0);
	KUNIT_EXPECT_TRUE(test, c->res.eliciting);
	KUNIT_EXPECT_EQ(test, c->res.rtt_ns, 0);
	KUNIT_EXPECT_EQ(test, c->res.largest_sent_ns, 1 * MS);
	free_count(&c->res.acked);
	/* In no time at all is still a sample. */
	KUNIT_ASSERT_EQ(test, ack(test, 2, 2, 3 * MS), 0);
	KUNIT_EXPECT_EQ(test, c->res.rtt_ns, 1);
	free_count(&c->res.acked);
}

static void ack_late(struct kunit *test)
{
	struct space_ctx *c = test->priv;
	struct tquic_loss_result loss;
	struct tquic_rtt rtt;

	tquic_rtt_init(&rtt, 100 * MS);
	send(test, 0, DATA, 1 * MS);
	send(test, 1, DATA | TQUIC_SENT_F_MTU_PROBE, 2 * MS);
	send(test, 2, 0, 3 * MS);
	send(test, 3, DATA, 4 * MS);
	send(test, 4, DATA, 5 * MS);
	send(test, 5, DATA, 6 * MS);
	send(test, 6, DATA, 7 * MS);
	ack(test, 6, 6, 30 * MS);
	free_count(&c->res.acked);
	tquic_loss_detect(&c->space, &rtt, 0, 30 * MS, &loss);
	KUNIT_EXPECT_EQ(test, free_count(&loss.lost), 4);
	/* Neither the probe nor the packet out of flight had counted as lost. */
	KUNIT_ASSERT_EQ(test, ack(test, 0, 3, 40 * MS), 0);
	KUNIT_EXPECT_EQ(test, c->res.spurious_pkts, 2);
	KUNIT_EXPECT_EQ(test, c->res.spurious_oldest_ns, 1 * MS);
	KUNIT_EXPECT_EQ(test, c->res.pkts, 0);
	KUNIT_EXPECT_EQ(test, c->res.bytes, 0);
	KUNIT_EXPECT_EQ(test, c->res.rtt_ns, 0);
	KUNIT_EXPECT_NULL(test, c->res.acked);
	KUNIT_EXPECT_EQ(test, c->space.eliciting_in_flight, 2);
	KUNIT_ASSERT_EQ(test, ack(test, 0, 3, 41 * MS), 0);
	KUNIT_EXPECT_EQ(test, c->res.spurious_pkts, 0);
}

static int ack_ecn(struct kunit *test, u64 hi, u64 ect0, u64 ect1, u64 ce)
{
	struct space_ctx *c = test->priv;
	struct tquic_ecn_counts counts = { .ect0 = ect0, .ect1 = ect1, .ce = ce };
	int err;

	tquic_ranges_destroy(&c->ack->ranges);
	tquic_test_ack_add(c->ack, 0, hi);
	err = tquic_space_on_ack(&c->space, tquic_test_ack_frame(test, c->ack, &counts),
				 100 * MS, &c->res);
	free_count(&c->res.acked);
	return err;
}

static void ecn_counts(struct kunit *test)
{
	struct space_ctx *c = test->priv;
	u64 pn;

	for (pn = 0; pn < 20; pn++)
		send(test, pn, DATA | TQUIC_SENT_F_ECT0, (pn + 1) * MS);
	KUNIT_EXPECT_EQ(test, ack_ecn(test, 3, 3, 0, 1), 0);
	KUNIT_EXPECT_FALSE(test, c->res.ecn_failed);
	KUNIT_EXPECT_EQ(test, c->res.ce_pkts, 1);
	KUNIT_EXPECT_EQ(test, ack_ecn(test, 5, 4, 0, 2), 0);
	KUNIT_EXPECT_FALSE(test, c->res.ecn_failed);
	KUNIT_EXPECT_EQ(test, c->res.ce_pkts, 1);
	/* An older ACK that comes late proves nothing, nor does one of the same age. */
	KUNIT_EXPECT_EQ(test, ack_ecn(test, 4, 4, 0, 1), 0);
	KUNIT_EXPECT_FALSE(test, c->res.ecn_failed);
	KUNIT_EXPECT_EQ(test, ack_ecn(test, 5, 3, 0, 1), 0);
	KUNIT_EXPECT_FALSE(test, c->res.ecn_failed);
	KUNIT_EXPECT_EQ(test, c->res.ce_pkts, 0);
	/* Two more packets, one more mark. */
	KUNIT_EXPECT_EQ(test, ack_ecn(test, 7, 5, 0, 2), 0);
	KUNIT_EXPECT_TRUE(test, c->res.ecn_failed);
	KUNIT_EXPECT_EQ(test, c->res.ce_pkts, 0);
	/* CE count went down; ECT(1) was never sent; more marks than packets. */
	KUNIT_EXPECT_EQ(test, ack_ecn(test, 8, 8, 0, 1), 0);
	KUNIT_EXPECT_TRUE(test, c->res.ecn_failed);
	KUNIT_EXPECT_EQ(test, ack_ecn(test, 9, 7, 1, 2), 0);
	KUNIT_EXPECT_TRUE(test, c->res.ecn_failed);
	KUNIT_EXPECT_EQ(test, ack_ecn(test, 10, 18, 0, 3), 0);
	KUNIT_EXPECT_TRUE(test, c->res.ecn_failed);
	KUNIT_EXPECT_EQ(test, ack_ecn(test, 11, 17, 0, 3), 0);
	KUNIT_EXPECT_FALSE(test, c->res.ecn_failed);
	/* ECT(0) count went down, by what CE rose. */
	KUNIT_EXPECT_EQ(test, ack_ecn(test, 12, 10, 0, 10), 0);
	KUNIT_EXPECT_TRUE(test, c->res.ecn_failed);
	/* No counts at all. */
	KUNIT_EXPECT_EQ(test, ack(test, 13, 13, 110 * MS), 0);
	KUNIT_EXPECT_TRUE(test, c->res.ecn_failed);
	free_count(&c->res.acked);
}

/* All new packets marked, or none: one count stands still. */
static void ecn_one_count_grows(struct kunit *test)
{
	struct space_ctx *c = test->priv;
	u64 pn;

	for (pn = 0; pn < 6; pn++)
		send(test, pn, DATA | TQUIC_SENT_F_ECT0, (pn + 1) * MS);
	KUNIT_EXPECT_EQ(test, ack_ecn(test, 1, 1, 0, 1), 0);
	KUNIT_EXPECT_EQ(test, ack_ecn(test, 3, 1, 0, 3), 0);
	KUNIT_EXPECT_FALSE(test, c->res.ecn_failed);
	KUNIT_EXPECT_EQ(test, c->res.ce_pkts, 2);
	KUNIT_EXPECT_EQ(test, ack_ecn(test, 5, 3, 0, 3), 0);
	KUNIT_EXPECT_FALSE(test, c->res.ecn_failed);
	KUNIT_EXPECT_EQ(test, c->res.ce_pkts, 0);
}

static void ecn_not_sent(struct kunit *test)
{
	struct space_ctx *c = test->priv;

	send_many(test, 2);
	KUNIT_EXPECT_EQ(test, ack(test, 0, 1, 10 * MS), 0);
	KUNIT_EXPECT_FALSE(test, c->res.ecn_failed);
	free_count(&c->res.acked);
}

static void probe_takes_oldest(struct kunit *test)
{
	struct space_ctx *c = test->priv;
	struct tquic_rec *recs;

	send(test, 0, 0, 1 * MS);
	send(test, 1, DATA, 2 * MS);
	send(test, 2, DATA, 3 * MS);
	recs = tquic_space_take_oldest(&c->space);
	KUNIT_ASSERT_NOT_NULL(test, recs);
	KUNIT_EXPECT_EQ(test, recs->off, 1);
	tquic_rec_free_list(recs);
	KUNIT_EXPECT_EQ(test, c->space.eliciting_in_flight, 2);
	recs = tquic_space_take_oldest(&c->space);
	KUNIT_ASSERT_NOT_NULL(test, recs);
	KUNIT_EXPECT_EQ(test, recs->off, 2);
	tquic_rec_free_list(recs);
	KUNIT_EXPECT_NULL(test, tquic_space_take_oldest(&c->space));
	/* The packets still count when acknowledged. */
	KUNIT_EXPECT_EQ(test, ack(test, 1, 2, 30 * MS), 0);
	KUNIT_EXPECT_EQ(test, c->res.bytes, 1001 + 1002);
	KUNIT_EXPECT_NULL(test, c->res.acked);
}

static void drain(struct kunit *test)
{
	struct space_ctx *c = test->priv;
	struct tquic_drain_result d;

	send_many(test, 100);
	send(test, 100, 0, 200 * MS);
	ack(test, 0, 9, 300 * MS);
	free_count(&c->res.acked);
	c->space.loss_time_ns = 301 * MS;
	c->space.persist_ns = 1 * MS;
	tquic_space_drain(&c->space, &d);
	/* 90 packets of 1010 to 1099 bytes; the last one was not in flight. */
	KUNIT_EXPECT_EQ(test, d.bytes, 90 * 1054 + 45);
	KUNIT_EXPECT_EQ(test, free_count(&d.recs), 91);
	KUNIT_EXPECT_EQ(test, c->space.loss_time_ns, 0);
	KUNIT_EXPECT_EQ(test, c->space.persist_ns, 0);
	KUNIT_EXPECT_EQ(test, c->space.eliciting_in_flight, 0);
	/* Late ACKs do nothing, made up ones are still refused. */
	KUNIT_EXPECT_EQ(test, ack(test, 0, 100, 400 * MS), 0);
	KUNIT_EXPECT_EQ(test, c->res.pkts, 0);
	KUNIT_EXPECT_EQ(test, ack(test, 0, 101, 400 * MS), TQUIC_ERR_PROTOCOL_VIOLATION);
}

/* Parts of a stream that follow on each other are given up as one, and kept as they were. */
static void give_up_joins(struct kunit *test)
{
	static const struct tquic_rec parts[] = {
		{ .off = 0, .len = 100, .again = true }, { .off = 100, .len = 100 },
		{ .off = 300, .len = 100 }, { .off = 400, .len = 50, .fin = true },
		{ .off = 450, .id = 4, .len = 10, .again = true },
		{ .off = 460, .id = 4, .len = 5, .kind = TQUIC_REC_PING },
		{ .off = 460, .id = 4, .len = 5 },
		{ .off = 465, .id = 4, .len = U32_MAX - 5 },
		{ .off = 460 + (u64)U32_MAX, .id = 4, .len = 1 },
	};
	static const struct { u64 off; u32 len; } given[] = {
		{ 460 + (u64)U32_MAX, 1 }, { 460, U32_MAX }, { 460, 5 }, { 450, 10 },
		{ 300, 150 }, { 0, 200 },
	};
	struct space_ctx *c = test->priv;
	struct tquic_drain_result d;
	struct tquic_rec *rec;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		send(test, i, DATA, MS);
		rec = tquic_sent_get(&c->space.sent, i)->recs;
		*rec = parts[i];
	}
	tquic_space_give_up(&c->space, 20 * MS, &d);
	for (i = 0, rec = d.recs; rec; i++, rec = rec->next) {
		KUNIT_ASSERT_LT(test, i, ARRAY_SIZE(given));
		KUNIT_EXPECT_EQ(test, rec->off, given[i].off);
		KUNIT_EXPECT_EQ(test, rec->len, given[i].len);
		KUNIT_EXPECT_EQ(test, rec->fin, given[i].off == 300);
		KUNIT_EXPECT_EQ(test, rec->again, given[i].off == 450);
	}
	KUNIT_EXPECT_EQ(test, free_count(&d.recs), ARRAY_SIZE(given));
	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		KUNIT_ASSERT_EQ(test, ack(test, i, i, 32 * MS), 0);
		rec = c->res.acked;
		KUNIT_ASSERT_EQ(test, !rec, parts[i].kind != TQUIC_REC_STREAM);
		if (!rec)
			continue;
		KUNIT_EXPECT_EQ(test, rec->off, parts[i].off);
		KUNIT_EXPECT_EQ(test, rec->len, parts[i].len);
		KUNIT_EXPECT_EQ(test, rec->fin, parts[i].fin);
		KUNIT_EXPECT_EQ(test, free_count(&c->res.acked), 1);
	}
}

/* What went elsewhere is of no account any more, but its round trip is one. */
static void give_up(struct kunit *test)
{
	struct space_ctx *c = test->priv;
	struct tquic_drain_result d;

	send(test, 0, DATA, 1 * MS);
	send(test, 1, DATA, 2 * MS);
	send(test, 2, 0, 3 * MS);
	tquic_space_give_up(&c->space, 20 * MS, &d);
	KUNIT_EXPECT_EQ(test, d.bytes, 1000 + 1001);
	KUNIT_EXPECT_EQ(test, free_count(&d.recs), 3);
	KUNIT_EXPECT_EQ(test, c->space.eliciting_in_flight, 0);
	tquic_space_give_up(&c->space, 21 * MS, &d);
	KUNIT_EXPECT_EQ(test, d.bytes, 0);
	KUNIT_EXPECT_NULL(test, d.recs);
	KUNIT_EXPECT_EQ(test, ack(test, 0, 1, 32 * MS), 0);
	KUNIT_EXPECT_EQ(test, c->res.rtt_ns, 30 * MS);
	KUNIT_EXPECT_EQ(test, c->res.late_ns, 2 * MS);
	KUNIT_EXPECT_EQ(test, c->res.pkts, 0);
	KUNIT_EXPECT_EQ(test, c->res.spurious_pkts, 0);
	KUNIT_EXPECT_EQ(test, c->res.bytes, 0);
	/* What they held need not be sent again. */
	KUNIT_EXPECT_EQ(test, free_count(&c->res.acked), 2);
	/* Once each; and alone the last one, which wanted no answer, says nothing. */
	KUNIT_EXPECT_EQ(test, ack(test, 0, 2, 33 * MS), 0);
	KUNIT_EXPECT_EQ(test, c->res.rtt_ns, 0);
	KUNIT_EXPECT_EQ(test, c->res.late_ns, 3 * MS);
	KUNIT_EXPECT_EQ(test, free_count(&c->res.acked), 1);
	KUNIT_EXPECT_EQ(test, ack(test, 0, 2, 34 * MS), 0);
	KUNIT_EXPECT_EQ(test, c->res.late_ns, 0);
	KUNIT_EXPECT_NULL(test, c->res.acked);
	/* What arrived before an outage is told of after it, with what came since. */
	send(test, 3, DATA, 35 * MS);
	tquic_space_give_up(&c->space, 40 * MS, &d);
	KUNIT_EXPECT_EQ(test, free_count(&d.recs), 1);
	send(test, 4, DATA, 50 * MS);
	KUNIT_EXPECT_EQ(test, ack(test, 3, 4, 60 * MS), 0);
	KUNIT_EXPECT_EQ(test, c->res.late_ns, 0);
	KUNIT_EXPECT_EQ(test, c->res.rtt_ns, 10 * MS);
	KUNIT_EXPECT_EQ(test, free_count(&c->res.acked), 2);
	/* What is never acknowledged is forgotten with all it held. */
	send(test, 5, DATA, 70 * MS);
	send(test, 6, DATA, 71 * MS);
	tquic_space_give_up(&c->space, 80 * MS, &d);
	KUNIT_EXPECT_EQ(test, free_count(&d.recs), 2);
	tquic_sent_advance(&c->space.sent, 80 * MS);
	KUNIT_EXPECT_NOT_NULL(test, tquic_sent_get(&c->space.sent, 5));
	tquic_sent_advance(&c->space.sent, 80 * MS + 1);
	KUNIT_EXPECT_NULL(test, tquic_sent_get(&c->space.sent, 6));
}

static bool rx(struct kunit *test, u64 pn, bool eliciting, u8 ecn, u64 now)
{
	struct space_ctx *c = test->priv;

	return tquic_space_on_rx(&c->space, pn, eliciting, ecn, now, &c->rule);
}

static void rx_delays_ack(struct kunit *test)
{
	struct space_ctx *c = test->priv;
	struct tquic_space *space = &c->space;

	KUNIT_EXPECT_TRUE(test, rx(test, 0, false, NOT_ECT, 1 * MS));
	KUNIT_EXPECT_EQ(test, space->ack_deadline_ns, 0);
	KUNIT_EXPECT_TRUE(test, rx(test, 1, true, NOT_ECT, 2 * MS));
	KUNIT_EXPECT_FALSE(test, space->ack_now);
	KUNIT_EXPECT_EQ(test, space->ack_deadline_ns, 27 * MS);
	KUNIT_EXPECT_FALSE(test, tquic_space_ack_due(space, 27 * MS - 1));
	KUNIT_EXPECT_TRUE(test, tquic_space_ack_due(space, 27 * MS));
	/* The second one does not wait, and does not move the deadline. */
	KUNIT_EXPECT_TRUE(test, rx(test, 2, true, NOT_ECT, 3 * MS));
	KUNIT_EXPECT_TRUE(test, space->ack_now);
	KUNIT_EXPECT_TRUE(test, tquic_space_ack_due(space, 3 * MS));
	KUNIT_EXPECT_EQ(test, space->ack_deadline_ns, 27 * MS);
	KUNIT_EXPECT_EQ(test, space->largest_rx, 2);
	KUNIT_EXPECT_EQ(test, space->largest_rx_ns, 3 * MS);
	tquic_space_ack_sent(space);
	KUNIT_EXPECT_FALSE(test, tquic_space_ack_due(space, U64_MAX));
	KUNIT_EXPECT_TRUE(test, rx(test, 3, true, NOT_ECT, 4 * MS));
	KUNIT_EXPECT_FALSE(test, space->ack_now);
}

static void rx_acks_at_once(struct kunit *test)
{
	struct space_ctx *c = test->priv;
	struct tquic_space *space = &c->space;

	/* A gap. */
	KUNIT_EXPECT_TRUE(test, rx(test, 1, true, NOT_ECT, 1 * MS));
	KUNIT_EXPECT_TRUE(test, space->ack_now);
	tquic_space_ack_sent(space);
	/* Out of order. */
	KUNIT_EXPECT_TRUE(test, rx(test, 0, true, NOT_ECT, 2 * MS));
	KUNIT_EXPECT_TRUE(test, space->ack_now);
	KUNIT_EXPECT_EQ(test, space->largest_rx_ns, 1 * MS);
	tquic_space_ack_sent(space);
	/* CE. */
	KUNIT_EXPECT_TRUE(test, rx(test, 2, true, CE, 3 * MS));
	KUNIT_EXPECT_TRUE(test, space->ack_now);
	tquic_space_ack_sent(space);
	/* Nothing to acknowledge, whatever the order. */
	KUNIT_EXPECT_TRUE(test, rx(test, 9, false, CE, 4 * MS));
	KUNIT_EXPECT_FALSE(test, space->ack_now);
	KUNIT_EXPECT_FALSE(test, tquic_space_ack_due(space, U64_MAX));
	/* The levels of the handshake. */
	space->level = TQUIC_LEVEL_INITIAL;
	KUNIT_EXPECT_TRUE(test, rx(test, 10, true, NOT_ECT, 5 * MS));
	KUNIT_EXPECT_TRUE(test, space->ack_now);
	tquic_space_ack_sent(space);
	space->level = TQUIC_LEVEL_HANDSHAKE;
	KUNIT_EXPECT_TRUE(test, rx(test, 11, true, NOT_ECT, 6 * MS));
	KUNIT_EXPECT_TRUE(test, space->ack_now);
}

/* A rule of the peer's: how many, and every one at once with none allowed to wait */
static void rx_threshold(struct kunit *test)
{
	struct space_ctx *c = test->priv;
	struct tquic_space *space = &c->space;
	u64 pn;

	c->rule.threshold = 9;
	c->rule.delay_ns = 4 * MS;
	for (pn = 0; pn < 9; pn++)
		rx(test, pn, true, NOT_ECT, pn * MS + 1);
	KUNIT_EXPECT_FALSE(test, space->ack_now);
	KUNIT_EXPECT_EQ(test, space->ack_deadline_ns, 4 * MS + 1);
	/* What needs no acknowledgment does not count. */
	rx(test, pn++, false, NOT_ECT, 9 * MS);
	KUNIT_EXPECT_FALSE(test, space->ack_now);
	rx(test, pn++, true, NOT_ECT, 9 * MS);
	KUNIT_EXPECT_TRUE(test, space->ack_now);
	tquic_space_ack_sent(space);
	c->rule.threshold = 0;
	rx(test, pn++, true, NOT_ECT, 10 * MS);
	KUNIT_EXPECT_TRUE(test, space->ack_now);
}

/* The first mark in a row, when acknowledgments are few */
static void rx_ce_in_a_row(struct kunit *test)
{
	static const u8 ecn[] = { ECT0, CE, CE, CE, ECT0, CE };
	static const bool now[][6] = {
		{ false, true, true, true, false, true },
		{ false, true, false, false, false, true },
	};
	struct space_ctx *c = test->priv;
	u64 i, pn = 0, k;

	for (i = 0; i < 2; i++) {
		c->rule.threshold = i ? 9 : 1;
		for (k = 0; k < ARRAY_SIZE(ecn); k++) {
			rx(test, pn++, true, ecn[k], MS);
			KUNIT_EXPECT_EQ_MSG(test, c->space.ack_now, now[i][k], "%llu %llu", i, k);
			tquic_space_ack_sent(&c->space);
		}
		/* A row ends with what was sent without a mark. */
		rx(test, pn++, false, ECT0, MS);
	}
}

/* What is missing counts by how much older it is, and only until it was told */
static void rx_reorder(struct kunit *test)
{
	static const struct {
		u8 reorder, pn;
		bool now;
	} steps[] = {
		{ 0, 0, false }, { 0, 2, false }, { 0, 1, false },
		{ 1, 4, true }, { 1, 3, true }, { 1, 5, false },
		/* 6 is missing, then 7: the gap to the oldest one decides. */
		{ 3, 8, false }, { 3, 9, true },
		/* 6 was told of with 9, 7 has not been; then it comes in time. */
		{ 3, 10, true }, { 3, 7, true }, { 3, 11, false },
		/* 12 is missing and comes before it matters. */
		{ 3, 13, false }, { 3, 14, false }, { 3, 12, false }, { 3, 15, false },
		/* Older than what can be lost by now: it was declared lost wrongly. */
		{ 3, 6, true },
	};
	struct space_ctx *c = test->priv;
	u32 i;

	c->rule.threshold = 100;
	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		c->rule.reorder = steps[i].reorder;
		rx(test, steps[i].pn, true, NOT_ECT, MS);
		KUNIT_EXPECT_EQ_MSG(test, c->space.ack_now, steps[i].now, "step %u", i);
		if (c->space.ack_now)
			tquic_space_ack_sent(&c->space);
	}
	/* What was dropped from the ranges is not missing. */
	tquic_ranges_drop_below(&c->space.rx, 20);
	c->rule.reorder = 9;
	rx(test, 20, true, NOT_ECT, MS);
	KUNIT_EXPECT_FALSE(test, c->space.ack_now);
	rx(test, 29, true, NOT_ECT, MS);
	KUNIT_EXPECT_FALSE(test, c->space.ack_now);
	rx(test, 30, true, NOT_ECT, MS);
	KUNIT_EXPECT_TRUE(test, c->space.ack_now);
}

/* What the peer may take for lost is found once, and not when it is late only. */
static void rx_hole(struct kunit *test)
{
	static const struct {
		u8 pn;
		bool due;
	} steps[] = {
		{ 0, false }, { 1, false }, { 2, false }, { 3, false },
		/* 4 is missing: three newer ones make it lost, which is said once. */
		{ 5, false }, { 6, false }, { 7, true }, { 8, false }, { 9, false },
		/* 10 comes in time, 4 too late. */
		{ 11, false }, { 12, false }, { 10, false }, { 13, false }, { 4, false },
		{ 14, false },
		/* 15 and 17 are missing: what is said of 17 says it of 15. */
		{ 16, false }, { 18, false }, { 19, false }, { 20, true }, { 21, false },
	};
	struct space_ctx *c = test->priv;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		rx(test, steps[i].pn, true, NOT_ECT, MS);
		KUNIT_EXPECT_EQ_MSG(test, c->space.hole_due, steps[i].due, "step %u", i);
		c->space.hole_due = false;
	}
	/* Packets that elicit nothing are not answered (RFC 9000 13.2.1). */
	for (i = 0; i < 3; i++)
		rx(test, 30 + i, false, NOT_ECT, MS);
	KUNIT_EXPECT_FALSE(test, c->space.hole_due);
	rx(test, 33, true, NOT_ECT, MS);
	KUNIT_EXPECT_TRUE(test, c->space.hole_due);
}

/*
 * One in a hundred is lost: so it is seen after a while, and forgotten when none is.  Probes
 * that were too large for the path say nothing of it (RFC 9000 §14.4).
 */
static void ack_loss_share(struct kunit *test)
{
	struct space_ctx *c = test->priv;
	struct tquic_rtt rtt = { .srtt_ns = 10 * MS, .latest_ns = 10 * MS, .min_ns = 10 * MS };
	struct tquic_loss_result lost;
	bool drops, probe;
	u64 pn;

	for (pn = 0; pn < 12000; pn++) {
		drops = pn % 100 == 50;
		probe = drops && pn >= 6000;
		send(test, pn, DATA | (probe ? TQUIC_SENT_F_MTU_PROBE : 0), (pn + 1) * MS);
		if (drops)
			continue;
		KUNIT_ASSERT_EQ(test, ack(test, pn, pn, (pn + 2) * MS), 0);
		tquic_rec_free_list(c->res.acked);
		tquic_loss_detect(&c->space, &rtt, 0, (pn + 2) * MS, &lost);
		tquic_rec_free_list(lost.lost);
		if (pn == 5990) {
			KUNIT_EXPECT_GT(test, c->space.loss_share, TQUIC_LOSS_ALL / 125);
			KUNIT_EXPECT_LT(test, c->space.loss_share, TQUIC_LOSS_ALL / 80);
		}
	}
	KUNIT_EXPECT_LT(test, c->space.loss_share, TQUIC_LOSS_ALL / 10000);
}

static void rx_duplicate_changes_nothing(struct kunit *test)
{
	struct space_ctx *c = test->priv;
	struct tquic_space *space = &c->space;

	rx(test, 0, true, ECT0, 1 * MS);
	KUNIT_EXPECT_EQ(test, space->rx_ecn.ect0, 1);
	KUNIT_EXPECT_FALSE(test, rx(test, 0, true, ECT0, 2 * MS));
	KUNIT_EXPECT_EQ(test, space->rx_ecn.ect0, 1);
	KUNIT_EXPECT_EQ(test, space->rx_eliciting, 1);
	KUNIT_EXPECT_FALSE(test, space->ack_now);
	rx(test, 1, false, CE, 2 * MS);
	rx(test, 2, false, 1, 2 * MS);
	rx(test, 3, false, NOT_ECT, 2 * MS);
	KUNIT_EXPECT_EQ(test, space->rx_ecn.ect0, 1);
	KUNIT_EXPECT_EQ(test, space->rx_ecn.ect1, 1);
	KUNIT_EXPECT_EQ(test, space->rx_ecn.ce, 1);
}

static void quiet_wants_ping(struct kunit *test)
{
	struct space_ctx *c = test->priv;
	u64 pn;

	send(test, 0, DATA, 100 * MS);
	for (pn = 1; pn <= 15; pn++)
		send(test, pn, 0, 100 * MS + pn);
	KUNIT_EXPECT_FALSE(test, tquic_space_wants_ping(&c->space, 900 * MS, 50 * MS));
	send(test, 16, 0, 101 * MS);
	KUNIT_EXPECT_TRUE(test, tquic_space_wants_ping(&c->space, 150 * MS, 50 * MS));
	KUNIT_EXPECT_FALSE(test, tquic_space_wants_ping(&c->space, 150 * MS - 1, 50 * MS));
	send(test, 17, DATA, 150 * MS);
	KUNIT_EXPECT_FALSE(test, tquic_space_wants_ping(&c->space, 900 * MS, 50 * MS));
}

#define MODEL	1500

struct model {
	u8 state[MODEL];	/* enum tquic_sent_state */
	u64 sent_ns[MODEL];
	u32 outstanding;
};

/* What an ACK of @lo to @hi must credit. */
static u32 model_ack(struct model *m, u64 lo, u64 hi, u64 base, u32 *spurious)
{
	u32 n = 0;
	u64 pn;

	for (pn = lo; pn <= hi; pn++) {
		if (m->state[pn] == TQUIC_SENT_OUTSTANDING)
			n++;
		else if (m->state[pn] == TQUIC_SENT_LOST && pn >= base)
			(*spurious)++;
		m->state[pn] = TQUIC_SENT_ACKED;
	}
	m->outstanding -= n;
	return n;
}

/* RFC 9002 6.1, packet by packet. */
static u32 model_detect(struct model *m, s64 largest, u64 delay, u64 now, u64 *timer)
{
	u32 n = 0;
	s64 pn;

	*timer = 0;
	for (pn = 0; pn <= largest; pn++) {
		if (m->state[pn] != TQUIC_SENT_OUTSTANDING)
			continue;
		if (largest >= pn + 3 || now >= m->sent_ns[pn] + delay) {
			m->state[pn] = TQUIC_SENT_LOST;
			n++;
		} else if (!*timer) {
			*timer = m->sent_ns[pn] + delay;
		}
	}
	m->outstanding -= n;
	return n;
}

/* Random ACKs, in and out of order, against the model. */
static void random_round(struct kunit *test, struct rnd_state *rnd, struct model *m)
{
	struct space_ctx *c = test->priv;
	struct tquic_space *space = &c->space;
	struct tquic_loss_result loss;
	struct tquic_rtt rtt;
	u64 now = MS, timer;
	u64 pn = 0;

	tquic_rtt_init(&rtt, 20 * MS);
	while (pn < MODEL - 64) {
		u32 burst = prandom_u32_state(rnd) % 12;
		u32 want, spurious = 0;
		u64 lo, hi, first;

		for (; burst; burst--, pn++) {
			if (prandom_u32_state(rnd) % 40 == 0)
				m->state[pn++] = TQUIC_SENT_SKIPPED;
			now += prandom_u32_state(rnd) % (2 * MS);
			send(test, pn, DATA, now);
			m->state[pn] = TQUIC_SENT_OUTSTANDING;
			m->sent_ns[pn] = now;
			m->outstanding++;
		}
		now += prandom_u32_state(rnd) % (8 * MS);
		if (!pn)
			continue;
		hi = pn - 1 - prandom_u32_state(rnd) % min_t(u64, pn, 30);
		lo = hi - prandom_u32_state(rnd) % min_t(u64, hi + 1, 25);
		if (m->state[hi] == TQUIC_SENT_SKIPPED)
			continue;
		for (first = hi; first > lo; first--)
			if (m->state[first - 1] == TQUIC_SENT_SKIPPED)
				break;
		lo = first;
		want = model_ack(m, lo, hi, space->sent.base, &spurious);
		KUNIT_ASSERT_EQ(test, ack(test, lo, hi, now), 0);
		KUNIT_ASSERT_EQ(test, c->res.pkts, want);
		KUNIT_ASSERT_EQ(test, c->res.spurious_pkts, spurious);
		KUNIT_ASSERT_EQ(test, free_count(&c->res.acked), want);
		want = model_detect(m, space->largest_acked, tquic_loss_delay_ns(space, &rtt), now,
				    &timer);
		tquic_loss_detect(space, &rtt, 0, now, &loss);
		KUNIT_ASSERT_EQ(test, loss.pkts, want);
		KUNIT_ASSERT_EQ(test, free_count(&loss.lost), want);
		KUNIT_ASSERT_EQ(test, space->loss_time_ns, timer);
		KUNIT_ASSERT_EQ(test, space->eliciting_in_flight, m->outstanding);
	}
}

static void random_against_model(struct kunit *test)
{
	struct space_ctx *c = test->priv;
	struct rnd_state rnd;
	struct model *m;
	int i;

	m = kunit_kzalloc(test, sizeof(*m), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, m);
	prandom_seed_state(&rnd, 9438);
	for (i = 0; i < 8; i++) {
		memset(m, 0, sizeof(*m));
		random_round(test, &rnd, m);
		tquic_space_destroy(&c->space);
		tquic_space_init(&c->space, TQUIC_LEVEL_APP);
	}
}

/* The newest in-flight packet acknowledged is the one rates are computed from. */
static void ack_rate(struct kunit *test)
{
	struct space_ctx *c = test->priv;
	u64 pn;

	c->space.sent.rated = true;
	for (pn = 0; pn < 6; pn++) {
		send(test, pn, pn == 4 ? 0 : DATA, (pn + 1) * MS);
		tquic_sent_rate(&c->space.sent, pn)->delivered = 100 * pn;
	}
	KUNIT_ASSERT_EQ(test, ack(test, 1, 4, 30 * MS), 0);
	KUNIT_ASSERT_NOT_NULL(test, c->res.rate_pkt);
	KUNIT_EXPECT_EQ(test, c->res.rate_pkt->delivered, 300);
	KUNIT_EXPECT_EQ(test, c->res.rate_sent_ns, 4 * MS);
	free_count(&c->res.acked);
	/* Nothing new: no sample */
	KUNIT_ASSERT_EQ(test, ack(test, 1, 4, 30 * MS), 0);
	KUNIT_EXPECT_NULL(test, c->res.rate_pkt);
	KUNIT_ASSERT_EQ(test, ack(test, 0, 0, 30 * MS), 0);
	KUNIT_ASSERT_NOT_NULL(test, c->res.rate_pkt);
	KUNIT_EXPECT_EQ(test, c->res.rate_pkt->delivered, 0);
	free_count(&c->res.acked);
}

static struct kunit_case space_cases[] = {
	KUNIT_CASE(ack_result),
	KUNIT_CASE(ack_credits_once),
	KUNIT_CASE(ack_jumps),
	KUNIT_CASE(ack_of_unsent),
	KUNIT_CASE(ack_of_skipped),
	KUNIT_CASE(ack_no_rtt_sample),
	KUNIT_CASE(ack_late),
	KUNIT_CASE(ack_rate),
	KUNIT_CASE(ecn_counts),
	KUNIT_CASE(ecn_one_count_grows),
	KUNIT_CASE(ecn_not_sent),
	KUNIT_CASE(probe_takes_oldest),
	KUNIT_CASE(drain),
	KUNIT_CASE(give_up),
	KUNIT_CASE(give_up_joins),
	KUNIT_CASE(rx_delays_ack),
	KUNIT_CASE(rx_acks_at_once),
	KUNIT_CASE(rx_threshold),
	KUNIT_CASE(rx_ce_in_a_row),
	KUNIT_CASE(rx_reorder),
	KUNIT_CASE(rx_hole),
	KUNIT_CASE(ack_loss_share),
	KUNIT_CASE(rx_duplicate_changes_nothing),
	KUNIT_CASE(quiet_wants_ping),
	KUNIT_CASE(random_against_model),
	{}
};

static struct kunit_suite space_suite = {
	.name = "tquic-space",
	.suite_init = space_suite_init,
	.suite_exit = space_suite_exit,
	.init = space_init,
	.test_cases = space_cases,
};

kunit_test_suites(&space_suite);
