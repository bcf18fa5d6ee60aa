// SPDX-License-Identifier: GPL-2.0
/* Suite of core/sent.c and core/rec.c. */
#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/prandom.h>

#include "core/sent.h"

static int sent_suite_init(struct kunit_suite *suite)
{
	return tquic_rec_cache_init();
}

static void sent_suite_exit(struct kunit_suite *suite)
{
	tquic_rec_cache_exit();
}

static void sent_clear_action(void *s)
{
	tquic_sent_clear(s);
}

static struct tquic_sent *sent_new(struct kunit *test)
{
	struct tquic_sent *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, s);
	tquic_sent_init(s);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, sent_clear_action, s), 0);
	return s;
}

static void sent_settle(struct tquic_sent *s, u64 pn, u8 state)
{
	tquic_sent_get(s, pn)->state = state;
}

static void sent_gaps_are_skipped(struct kunit *test)
{
	struct tquic_sent *s = sent_new(test);
	struct tquic_sent_pkt *pkt;

	KUNIT_EXPECT_NULL(test, tquic_sent_get(s, 0));
	pkt = tquic_sent_add(s, 2);
	KUNIT_ASSERT_NOT_NULL(test, pkt);
	KUNIT_EXPECT_EQ(test, pkt->state, TQUIC_SENT_OUTSTANDING);
	KUNIT_EXPECT_PTR_EQ(test, pkt, tquic_sent_get(s, 2));
	KUNIT_EXPECT_EQ(test, tquic_sent_get(s, 0)->state, TQUIC_SENT_SKIPPED);
	KUNIT_EXPECT_EQ(test, tquic_sent_get(s, 1)->state, TQUIC_SENT_SKIPPED);
	KUNIT_EXPECT_NULL(test, tquic_sent_get(s, 3));
	KUNIT_EXPECT_EQ(test, tquic_sent_reserve(s, 2), -EINVAL);
	KUNIT_EXPECT_NULL(test, tquic_sent_add(s, 1));
	KUNIT_EXPECT_NOT_NULL(test, tquic_sent_add(s, 3));
	KUNIT_EXPECT_EQ(test, s->next, 4);
}

static void sent_advance_rules(struct kunit *test)
{
	struct tquic_sent *s = sent_new(test);
	u64 pn;

	for (pn = 0; pn < 5; pn++)
		tquic_sent_add(s, pn);
	tquic_sent_add(s, 6);
	sent_settle(s, 0, TQUIC_SENT_ACKED);
	sent_settle(s, 1, TQUIC_SENT_LOST);
	tquic_sent_get(s, 1)->lost_ns = 100;
	sent_settle(s, 2, TQUIC_SENT_ACKED);
	tquic_sent_advance(s, 100);
	KUNIT_EXPECT_EQ(test, s->base, 1);
	tquic_sent_advance(s, 101);
	KUNIT_EXPECT_EQ(test, s->base, 3);
	KUNIT_EXPECT_GE(test, s->head, s->base);
	sent_settle(s, 3, TQUIC_SENT_ACKED);
	sent_settle(s, 4, TQUIC_SENT_ACKED);
	tquic_sent_advance(s, 101);
	/* The skipped number 5 stays as a trap until 6 is settled. */
	KUNIT_EXPECT_EQ(test, s->base, 5);
	KUNIT_EXPECT_EQ(test, tquic_sent_get(s, 5)->state, TQUIC_SENT_SKIPPED);
	sent_settle(s, 6, TQUIC_SENT_ACKED);
	tquic_sent_advance(s, 101);
	KUNIT_EXPECT_EQ(test, s->base, 7);
	KUNIT_EXPECT_EQ(test, s->base, s->next);
}

/* Memory goes with the packets. */
/* The search goes on where it ended, and neither settled nor silent packets stop it. */
static void sent_oldest_eliciting(struct kunit *test)
{
	struct tquic_sent *s = sent_new(test);
	u64 pn;

	KUNIT_EXPECT_NULL(test, tquic_sent_oldest_eliciting(s));
	for (pn = 0; pn < 8; pn++) {
		struct tquic_sent_pkt *pkt = tquic_sent_add(s, pn);

		KUNIT_ASSERT_NOT_NULL(test, pkt);
		pkt->flags = pn % 3 == 2 ? TQUIC_SENT_F_ELICITING : 0;
	}
	KUNIT_EXPECT_PTR_EQ(test, tquic_sent_oldest_eliciting(s), tquic_sent_get(s, 2));
	KUNIT_EXPECT_EQ(test, s->eliciting, 2);
	sent_settle(s, 2, TQUIC_SENT_LOST);
	KUNIT_EXPECT_PTR_EQ(test, tquic_sent_oldest_eliciting(s), tquic_sent_get(s, 5));
	sent_settle(s, 5, TQUIC_SENT_ACKED);
	KUNIT_EXPECT_NULL(test, tquic_sent_oldest_eliciting(s));
	KUNIT_EXPECT_EQ(test, s->eliciting, 8);
	KUNIT_ASSERT_NOT_NULL(test, tquic_sent_add(s, 9));
	tquic_sent_get(s, 9)->flags = TQUIC_SENT_F_ELICITING;
	KUNIT_EXPECT_PTR_EQ(test, tquic_sent_oldest_eliciting(s), tquic_sent_get(s, 9));
	tquic_sent_clear(s);
	KUNIT_EXPECT_NULL(test, tquic_sent_oldest_eliciting(s));
}

static void sent_frees_chunks(struct kunit *test)
{
	struct tquic_sent *s = sent_new(test);
	u64 pn;

	for (pn = 0; pn <= 2 * TQUIC_SENT_CHUNK; pn++)
		tquic_sent_add(s, pn);
	for (pn = 0; pn < 2 * TQUIC_SENT_CHUNK - 1; pn++)
		sent_settle(s, pn, TQUIC_SENT_ACKED);
	tquic_sent_advance(s, 0);
	KUNIT_EXPECT_NULL(test, s->dir[0]);
	KUNIT_EXPECT_NOT_NULL(test, s->dir[1]);
	sent_settle(s, pn, TQUIC_SENT_ACKED);
	tquic_sent_advance(s, 0);
	KUNIT_EXPECT_NULL(test, s->dir[1]);
	KUNIT_EXPECT_NOT_NULL(test, s->dir[2]);
	/* at rest there is none, and the next packet brings one along */
	sent_settle(s, ++pn, TQUIC_SENT_ACKED);
	tquic_sent_advance(s, 0);
	KUNIT_EXPECT_NULL(test, s->dir[2]);
	KUNIT_ASSERT_NOT_NULL(test, tquic_sent_add(s, ++pn));
	KUNIT_EXPECT_NOT_NULL(test, s->dir[2]);
	KUNIT_EXPECT_EQ(test, tquic_sent_get(s, pn)->state, TQUIC_SENT_OUTSTANDING);
	KUNIT_EXPECT_NULL(test, tquic_sent_get(s, pn - 1));
}

static void sent_bounded(struct kunit *test)
{
	struct tquic_sent *s = sent_new(test);
	u64 pn;

	for (pn = 0; pn < TQUIC_SENT_MAX; pn++)
		KUNIT_ASSERT_NOT_NULL(test, tquic_sent_add(s, pn));
	KUNIT_EXPECT_EQ(test, tquic_sent_reserve(s, pn), -ENOBUFS);
	KUNIT_EXPECT_NULL(test, tquic_sent_add(s, pn));
	KUNIT_EXPECT_EQ(test, s->next, pn);
	/* The directory has doubled up to just what is needed. */
	KUNIT_EXPECT_EQ(test, s->dir_mask + 1, TQUIC_SENT_MAX / TQUIC_SENT_CHUNK);
	/* Room is made at the cost of losses still remembered. */
	for (pn = 0; pn < TQUIC_SENT_CHUNK; pn++) {
		sent_settle(s, pn, TQUIC_SENT_LOST);
		tquic_sent_get(s, pn)->lost_ns = 1000;
	}
	tquic_sent_advance(s, 1000);
	KUNIT_EXPECT_EQ(test, s->base, 0);
	KUNIT_EXPECT_NOT_NULL(test, tquic_sent_add(s, TQUIC_SENT_MAX));
	KUNIT_EXPECT_EQ(test, s->base, TQUIC_SENT_CHUNK);
	KUNIT_EXPECT_EQ(test, tquic_sent_reserve(s, U64_MAX), -ENOBUFS);
}

static void sent_reserve(struct kunit *test)
{
	struct tquic_sent *s = sent_new(test);

	/* A gap so large that several chunks are needed at once. */
	KUNIT_EXPECT_EQ(test, tquic_sent_reserve(s, 3 * TQUIC_SENT_CHUNK), 0);
	KUNIT_EXPECT_EQ(test, s->next, 0);
	KUNIT_EXPECT_NOT_NULL(test, tquic_sent_add(s, 0));
	KUNIT_EXPECT_NOT_NULL(test, tquic_sent_add(s, 3 * TQUIC_SENT_CHUNK));
	KUNIT_EXPECT_EQ(test, tquic_sent_get(s, 1)->state, TQUIC_SENT_SKIPPED);
	KUNIT_EXPECT_EQ(test, tquic_sent_get(s, 3 * TQUIC_SENT_CHUNK - 1)->state,
			TQUIC_SENT_SKIPPED);
}

static void sent_clear_frees_records(struct kunit *test)
{
	struct tquic_sent *s = sent_new(test);
	struct tquic_sent_pkt *pkt;
	struct tquic_rec *rec;
	u64 pn;

	for (pn = 0; pn < 100; pn++) {
		pkt = tquic_sent_add(s, pn);
		KUNIT_ASSERT_NOT_NULL(test, pkt);
		rec = tquic_rec_alloc(GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, rec);
		tquic_rec_push(&pkt->recs, rec);
	}
	/* A lost packet has no records; its word holds a time. */
	pkt = tquic_sent_get(s, 50);
	tquic_rec_free_list(pkt->recs);
	pkt->state = TQUIC_SENT_LOST;
	pkt->lost_ns = 12345;
	tquic_sent_clear(s);
	KUNIT_EXPECT_EQ(test, s->base, 100);
	KUNIT_EXPECT_EQ(test, s->head, 100);
	KUNIT_EXPECT_NULL(test, tquic_sent_get(s, 99));
	/* Numbering goes on. */
	KUNIT_EXPECT_NULL(test, tquic_sent_add(s, 99));
	KUNIT_EXPECT_NOT_NULL(test, tquic_sent_add(s, 100));
}

/* Fills, settles and forgets at random; every slot must keep what was put in. */
static void sent_random(struct kunit *test)
{
	struct tquic_sent *s = sent_new(test);
	struct tquic_sent_pkt *pkt;
	struct rnd_state rnd;
	u64 pn, next = 0;
	u64 base = 0;
	int i, n;

	prandom_seed_state(&rnd, 9002);
	for (i = 0; i < 400; i++) {
		for (n = prandom_u32_state(&rnd) % 200; n; n--) {
			next += prandom_u32_state(&rnd) % 50 ? 0 : 3;
			pkt = tquic_sent_add(s, next);
			KUNIT_ASSERT_NOT_NULL(test, pkt);
			pkt->sent_ns = next + 1;
			pkt->bytes = (u32)next * 3;
			next++;
		}
		for (n = prandom_u32_state(&rnd) % 200; n && base < next; n--) {
			pkt = tquic_sent_get(s, base++);
			if (pkt && pkt->state == TQUIC_SENT_OUTSTANDING)
				pkt->state = TQUIC_SENT_ACKED;
		}
		tquic_sent_advance(s, 0);
		KUNIT_ASSERT_LE(test, s->base, base);
		KUNIT_ASSERT_LE(test, base - s->base, 3);
		for (pn = s->base; pn < next; pn++) {
			pkt = tquic_sent_get(s, pn);
			KUNIT_ASSERT_NOT_NULL(test, pkt);
			if (pkt->state == TQUIC_SENT_SKIPPED)
				continue;
			KUNIT_ASSERT_EQ(test, pkt->sent_ns, pn + 1);
			KUNIT_ASSERT_EQ(test, pkt->bytes, (u32)pn * 3);
		}
	}
	KUNIT_EXPECT_GT(test, next, 20000);
}

/* Who samples rates has a memory per packet, from the next chunk on; others have none. */
static void sent_rates(struct kunit *test)
{
	struct tquic_sent *s = sent_new(test);
	struct tquic_rate_pkt *first, *last;
	u64 pn;

	KUNIT_ASSERT_NOT_NULL(test, tquic_sent_add(s, 0));
	KUNIT_EXPECT_NULL(test, tquic_sent_rate(s, 0));
	s->rated = true;
	for (pn = 1; pn <= 2 * TQUIC_SENT_CHUNK; pn++)
		KUNIT_ASSERT_NOT_NULL(test, tquic_sent_add(s, pn));
	KUNIT_EXPECT_NULL(test, tquic_sent_rate(s, TQUIC_SENT_CHUNK - 1));
	first = tquic_sent_rate(s, TQUIC_SENT_CHUNK);
	last = tquic_sent_rate(s, 2 * TQUIC_SENT_CHUNK - 1);
	KUNIT_ASSERT_NOT_NULL(test, first);
	KUNIT_ASSERT_NOT_NULL(test, last);
	KUNIT_EXPECT_EQ(test, first->delivered_ns, 0);
	KUNIT_EXPECT_PTR_EQ(test, first + TQUIC_SENT_CHUNK - 1, last);
	last->delivered = 5;
	KUNIT_EXPECT_EQ(test, tquic_sent_rate(s, 2 * TQUIC_SENT_CHUNK - 1)->delivered, 5);
	/* Neither what was forgotten nor what was not sent */
	KUNIT_EXPECT_NULL(test, tquic_sent_rate(s, 2 * TQUIC_SENT_CHUNK + 1));
	for (pn = 0; pn <= 2 * TQUIC_SENT_CHUNK; pn++)
		sent_settle(s, pn, TQUIC_SENT_ACKED);
	tquic_sent_advance(s, U64_MAX);
	KUNIT_EXPECT_NULL(test, tquic_sent_rate(s, TQUIC_SENT_CHUNK));
}

static struct kunit_case sent_cases[] = {
	KUNIT_CASE(sent_gaps_are_skipped),
	KUNIT_CASE(sent_advance_rules),
	KUNIT_CASE(sent_oldest_eliciting),
	KUNIT_CASE(sent_frees_chunks),
	KUNIT_CASE(sent_bounded),
	KUNIT_CASE(sent_reserve),
	KUNIT_CASE(sent_clear_frees_records),
	KUNIT_CASE(sent_random),
	KUNIT_CASE(sent_rates),
	{}
};

static struct kunit_suite sent_suite = {
	.name = "tquic-sent",
	.suite_init = sent_suite_init,
	.suite_exit = sent_suite_exit,
	.test_cases = sent_cases,
};

kunit_test_suites(&sent_suite);
