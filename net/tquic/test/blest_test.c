// SPDX-License-Identifier: GPL-2.0
/* BLEST: when the slow path would block the send window, by the formula of the paper. */
#include <kunit/test.h>

#include "test/sched.h"

#define BLEST_CWND	14720ULL

/* The fast path is full and the slow one is not; @window bytes may be under way */
static struct sched_fixture *blest_make(struct kunit *test)
{
	struct sched_fixture *x = sched_make(test, &tquic_sched_blest);

	KUNIT_ASSERT_EQ(test, x->path[0].cc.cwnd, BLEST_CWND);
	sched_fill(&x->path[0]);
	return x;
}

/* The smallest send window that lets the slow path be used is @window */
static void blest_expect(struct kunit *test, struct sched_fixture *x, u64 window)
{
	u64 in_flight = x->path[0].cc.in_flight + x->path[1].cc.in_flight +
			x->path[2].cc.in_flight;

	x->conn.flow_tx.max = window - in_flight - 1;
	KUNIT_EXPECT_EQ(test, sched_pick(x), -1);
	x->conn.flow_tx.max++;
	KUNIT_EXPECT_EQ(test, sched_pick(x), 1);
}

/* While the fast path has room the window does not matter */
static void blest_fast_first(struct kunit *test)
{
	struct sched_fixture *x = sched_make(test, &tquic_sched_blest);

	KUNIT_EXPECT_EQ(test, sched_pick(x), 0);
	sched_pace(&x->path[0]);
	KUNIT_EXPECT_EQ(test, sched_pick(x), -1);
	sched_fill(&x->path[0]);
	sched_fill(&x->path[1]);
	sched_fill(&x->path[2]);
	KUNIT_EXPECT_EQ(test, sched_pick(x), -1);
}

/* X = MSS * (cwnd + (rtts - 1) / 2) * rtts, in bytes, with rtts = 2 and lambda = 1.2 */
static void blest_avoidance(struct kunit *test)
{
	struct sched_fixture *x = blest_make(test);

	x->path[0].cc.ssthresh = BLEST_CWND;
	blest_expect(test, x, (BLEST_CWND + SCHED_MTU / 2) * 2 * 12 / 10 + SCHED_MTU);
	/* What is in flight on the slow path takes from the window as well. */
	tquic_cc_on_sent(&x->path[1].cc, 5000, SCHED_NOW);
	blest_expect(test, x, (BLEST_CWND + SCHED_MTU / 2) * 2 * 12 / 10 + 5000 + SCHED_MTU);
}

static u64 blest_rate(const struct tquic_cc *cc, const struct tquic_rtt *rtt)
{
	return 1000000;
}

/* A controller that says how fast it sends: that, for a round trip of the slow path */
static void blest_paced(struct kunit *test)
{
	struct sched_fixture *x = blest_make(test);
	struct tquic_cc_ops ops = *x->path[0].cc.ops;

	ops.pacing_rate = blest_rate;
	x->path[0].cc.ops = &ops;
	x->path[0].pacing = true;
	blest_expect(test, x, div_u64(1000000 * x->path[1].rtt.srtt_ns, NSEC_PER_SEC) * 12 / 10 +
			      SCHED_MTU);
}

/* A fast path whose pacer holds it back for longer than a round trip of the slow one */
static void blest_not_for_ever(struct kunit *test)
{
	struct sched_fixture *x = blest_make(test);

	x->conn.flow_tx.max = 1;
	x->path[0].pacer.next_ns = SCHED_NOW + x->path[1].rtt.srtt_ns;
	KUNIT_EXPECT_EQ(test, sched_pick(x), -1);
	x->path[0].pacer.next_ns++;
	KUNIT_EXPECT_EQ(test, sched_pick(x), 1);
}

/* In slow start the window doubles: cwnd * (2^rtts - 1), for 16 round trips at most */
static void blest_slow_start(struct kunit *test)
{
	struct sched_fixture *x = blest_make(test);

	blest_expect(test, x, BLEST_CWND * 3 * 12 / 10 + SCHED_MTU);
	x->path[1].rtt.srtt_ns = 100 * NSEC_PER_MSEC;
	x->path[2].state = TQUIC_PATH_SUSPECT;
	blest_expect(test, x, BLEST_CWND * 31 * 12 / 10 + SCHED_MTU);
	x->path[1].rtt.srtt_ns = 100ULL * NSEC_PER_SEC;
	blest_expect(test, x, BLEST_CWND * 65535 * 12 / 10 + SCHED_MTU);
}

/* The window of the stream that is next counts as well */
static void blest_stream_window(struct kunit *test)
{
	struct sched_fixture *x = blest_make(test);
	struct tquic_stream s = { .tx = { .una = 1000 }, .incremental = true };
	struct tquic_streams *t = &x->conn.streams;
	u64 window = BLEST_CWND * 3 * 12 / 10 + SCHED_MTU;

	x->conn.flow_tx.max = 1ULL << 40;
	INIT_LIST_HEAD(&t->shared[0]);
	list_add_tail(&s.ready, &t->shared[0]);
	t->sequential[0] = RB_ROOT;
	t->ready_mask = 1;
	s.tx.max_data = 1000 + window - 1;
	KUNIT_EXPECT_EQ(test, sched_pick(x), -1);
	s.tx.max_data++;
	KUNIT_EXPECT_EQ(test, sched_pick(x), 1);
}

/* Once per round trip: up by 0.04 with retransmissions, down by 0.01 without, 1.0 to 1.3 */
static void blest_lambda(struct kunit *test)
{
	struct sched_fixture *x = blest_make(test);
	u64 now = SCHED_NOW, lambda;
	u32 i;

	for (i = 0, lambda = 1200; i < 30; i++) {
		x->conn.flow_tx.max = BLEST_CWND * 3 * lambda / 1000 + SCHED_MTU - BLEST_CWND - 1;
		KUNIT_EXPECT_EQ(test, sched_pick_at(x, now), -1);
		x->conn.flow_tx.max += 2;
		KUNIT_EXPECT_EQ(test, sched_pick_at(x, now), 1);
		/* Not twice in a round trip */
		x->conn.stats.bytes_retransmitted += i < 8;
		KUNIT_EXPECT_EQ(test, sched_pick_at(x, now + 20 * NSEC_PER_MSEC - 1), 1);
		now += 20 * NSEC_PER_MSEC;
		lambda = i < 8 ? min(lambda + 40, 1300ULL) : lambda - 10;
	}
	for (i = 0; i < 40; i++, now += NSEC_PER_SEC)
		sched_pick_at(x, now);
	blest_expect(test, x, BLEST_CWND * 3 + SCHED_MTU);
}

static struct kunit_case blest_cases[] = {
	KUNIT_CASE(blest_fast_first),
	KUNIT_CASE(blest_avoidance),
	KUNIT_CASE(blest_paced),
	KUNIT_CASE(blest_not_for_ever),
	KUNIT_CASE(blest_slow_start),
	KUNIT_CASE(blest_stream_window),
	KUNIT_CASE(blest_lambda),
	{}
};

static struct kunit_suite blest_suite = {
	.name = "tquic-blest",
	.test_cases = blest_cases,
};

kunit_test_suites(&blest_suite);
