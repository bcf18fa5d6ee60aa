// SPDX-License-Identifier: GPL-2.0
/* Suite of cc/cubic.c; expected windows are worked out by hand from RFC 9438. */
#include <kunit/test.h>
#include <linux/limits.h>
#include <linux/time64.h>

#include "cc/cc.h"

#define MSS	1200
#define MS	((u64)NSEC_PER_MSEC)
#define SEC	((u64)NSEC_PER_SEC)

/* The epoch of most cases begins here, right after a loss. */
#define T0	(100 * SEC)

struct cubic_ctx {
	struct tquic_cc cc;
	struct tquic_rtt rtt;
};

static void ack_some(struct cubic_ctx *c, u64 bytes, u64 now, bool limited)
{
	struct tquic_cc_ack a = {
		.now = now,
		.bytes = bytes,
		.sent_ns = now - 1,
		.rtt = &c->rtt,
		.cwnd_limited = limited,
	};

	tquic_cc_on_ack(&c->cc, &a);
}

/* Acknowledges a whole window, which brings cwnd to its target at once. */
static void ack(struct cubic_ctx *c, u64 now)
{
	ack_some(c, c->cc.cwnd, now, true);
}

static void lose(struct cubic_ctx *c, u32 pkts, u64 sent_ns, u64 now, bool persistent)
{
	struct tquic_cc_loss l = {
		.now = now,
		.bytes = pkts * (u64)MSS,
		.sent_ns = sent_ns,
		.pkts = pkts,
		.persistent = persistent,
	};

	tquic_cc_on_lost(&c->cc, &l);
}

static int cubic_init(struct kunit *test)
{
	struct cubic_ctx *c = kunit_kzalloc(test, sizeof(*c), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, c);
	test->priv = c;
	tquic_cc_init(&c->cc, &tquic_cc_cubic, MSS, SEC);
	tquic_rtt_init(&c->rtt, 100 * MS);
	tquic_cc_on_sent(&c->cc, 1 << 30, SEC);
	return 0;
}

/* A window of @segs packets is lost into just before T0. */
static void reduced_from(struct cubic_ctx *c, u64 segs)
{
	c->cc.cwnd = segs * MSS;
	lose(c, 1, T0 - 3, T0 - 2, false);
}

/* Within @tol bytes: time is counted in 2^-10 s. */
static void expect_cwnd(struct kunit *test, u64 want, u64 tol)
{
	struct cubic_ctx *c = test->priv;

	KUNIT_EXPECT_GE(test, c->cc.cwnd, want - tol);
	KUNIT_EXPECT_LE(test, c->cc.cwnd, want + tol);
}

static void cubic_reduction(struct kunit *test)
{
	struct cubic_ctx *c = test->priv;

	reduced_from(c, 100);
	KUNIT_EXPECT_EQ(test, c->cc.cwnd, 70 * MSS);
	KUNIT_EXPECT_EQ(test, c->cc.ssthresh, 70 * MSS);
	c->cc.cwnd = 2 * MSS + 1;
	lose(c, 1, T0, T0, false);
	KUNIT_EXPECT_EQ(test, c->cc.cwnd, 2 * MSS);
	KUNIT_EXPECT_EQ(test, c->cc.ssthresh, 2 * MSS);
}

/*
 * From 100 segments down to 70: K = cbrt(30 / 0.4) = 4.2172 s. The window at t is
 * W_cubic(t + 0.1 s) = 100 + 0.4 * (t + 0.1 - K)^3 segments. The first window is
 * Reno's, 9/17 of a packet larger: W_cubic(0) is still 70 segments.
 */
static void cubic_curve(struct kunit *test)
{
	struct cubic_ctx *c = test->priv;

	reduced_from(c, 100);
	ack(c, T0);
	KUNIT_EXPECT_EQ(test, c->cc.cwnd, 84635);
	ack(c, T0 + 1 * SEC);
	expect_cwnd(test, 105461, 30);
	ack(c, T0 + 2 * SEC);
	expect_cwnd(test, 115445, 20);
	/* The plateau... */
	ack(c, T0 + 4200 * MS);
	expect_cwnd(test, 120000, 2);
	/* ...and beyond. */
	ack(c, T0 + 6 * SEC);
	expect_cwnd(test, 123204, 20);
}

/* A part of a window brings that part of the way to the target. */
static void cubic_partial_ack(struct kunit *test)
{
	struct cubic_ctx *c = test->priv;

	reduced_from(c, 100);
	ack_some(c, 1, T0, true);
	KUNIT_EXPECT_EQ(test, c->cc.cwnd, 84000);
	/* (105461 - 84000) / 4 */
	ack_some(c, 21000, T0 + 1 * SEC, true);
	expect_cwnd(test, 84000 + 5365, 10);
}

static void cubic_growth_is_limited(struct kunit *test)
{
	struct cubic_ctx *c = test->priv;

	/* W_cubic(19.9) is over 1500 segments; half as much again is the limit. */
	reduced_from(c, 100);
	ack_some(c, 1, T0, true);
	ack(c, T0 + 20 * SEC);
	KUNIT_EXPECT_EQ(test, c->cc.cwnd, 126000);
	/* An ACK for more than the window does not overshoot the target. */
	ack_some(c, 1000000, T0 + 20 * SEC, true);
	KUNIT_EXPECT_EQ(test, c->cc.cwnd, 189000);
}

/* Ten segments and 1 ms: Reno grows faster. 635.29 bytes a window up to 12000. */
static void cubic_reno_friendly(struct kunit *test)
{
	struct cubic_ctx *c = test->priv;
	int i;

	c->rtt.srtt_ns = 1 * MS;
	reduced_from(c, 10);
	KUNIT_EXPECT_EQ(test, c->cc.cwnd, 8400);
	ack(c, T0);
	KUNIT_EXPECT_EQ(test, c->cc.cwnd, 9035);
	for (i = 1; i < 5; i++)
		ack(c, T0 + i * MS);
	expect_cwnd(test, 8400 + 3176, 3);
	ack(c, T0 + 5 * MS);
	expect_cwnd(test, 8400 + 3811, 3);
	/* As fast as Reno from where the loss was. */
	ack(c, T0 + 6 * MS);
	expect_cwnd(test, 8400 + 3811 + 1200, 3);
	ack(c, T0 + 7 * MS);
	expect_cwnd(test, 8400 + 3811 + 2400, 3);
}

/* Small ACKs of a large window: what each adds is a fraction of a byte. */
static void cubic_reno_fractions(struct kunit *test)
{
	struct cubic_ctx *c = test->priv;
	int i;

	c->rtt.srtt_ns = 1;
	reduced_from(c, 10000);
	for (i = 0; i < 140000; i++)
		ack_some(c, MSS, T0, true);
	/* Twenty windows; a little less, for the window grows meanwhile. */
	expect_cwnd(test, 8400000 + 12697, 15);
}

/*
 * A second loss below the old maximum: W_max = 70 * 0.85 = 59.5 segments, reached
 * from 49 after cbrt(10.5 / 0.4) = 2.972 s, which is 3043 ticks. After 1152 of them
 * the window is 59.5 - 0.4 * (1891 / 1024)^3 = 56.981 segments.
 */
static void cubic_fast_convergence(struct kunit *test)
{
	struct cubic_ctx *c = test->priv;

	reduced_from(c, 100);
	ack_some(c, 1, T0, true);
	lose(c, 1, T0, T0 + 1, false);
	KUNIT_EXPECT_EQ(test, c->cc.cwnd, 49 * MSS);
	ack_some(c, 1, T0 + 10 * SEC, true);
	ack(c, T0 + 11025 * MS);
	expect_cwnd(test, 68377, 2);
	ack(c, T0 + 12872 * MS);
	expect_cwnd(test, 71400, 3);
}

/* At or above the old maximum there is none: W_max = 100, K = 4.2172 s. */
static void cubic_no_fast_convergence(struct kunit *test)
{
	struct cubic_ctx *c = test->priv;

	reduced_from(c, 100);
	c->cc.cwnd = 100 * MSS;
	lose(c, 1, T0, T0 + 1, false);
	ack_some(c, 1, T0 + 10 * SEC, true);
	ack(c, T0 + 11 * SEC);
	expect_cwnd(test, 105461, 30);
}

/* Slow start without a loss: the curve begins with its plateau, K = 0. */
static void cubic_after_slow_start(struct kunit *test)
{
	struct cubic_ctx *c = test->priv;

	c->cc.cwnd = 100 * MSS;
	c->cc.ssthresh = 100 * MSS;
	c->rtt.srtt_ns = 1;
	ack_some(c, 1, T0, true);
	ack(c, T0 + 3 * SEC);
	/* 100 + 0.4 * 27 segments */
	expect_cwnd(test, 132960, 1);
}

/* The same after persistent congestion, in spite of the maximum known before. */
static void cubic_persistent(struct kunit *test)
{
	struct cubic_ctx *c = test->priv;

	reduced_from(c, 100);
	ack_some(c, 1, T0, true);
	lose(c, 5, T0 - 3, T0 + 1, true);
	KUNIT_EXPECT_EQ(test, c->cc.cwnd, 2 * MSS);
	KUNIT_EXPECT_EQ(test, c->cc.ssthresh, 70 * MSS);
	/* Slow start to the threshold. */
	ack_some(c, 68 * MSS, T0 + 3, true);
	KUNIT_EXPECT_EQ(test, c->cc.cwnd, 70 * MSS);
	c->rtt.srtt_ns = 1;
	ack_some(c, 1, T0 + 10 * SEC, true);
	ack(c, T0 + 13 * SEC);
	expect_cwnd(test, 84000 + 12960, 1);
}

static void cubic_app_limited(struct kunit *test)
{
	struct cubic_ctx *c = test->priv;

	reduced_from(c, 100);
	ack(c, T0);
	ack_some(c, 50 * MSS, T0 + 500 * MS, false);
	ack_some(c, 50 * MSS, T0 + 5 * SEC, false);
	KUNIT_EXPECT_EQ(test, c->cc.cwnd, 84635);
	/* Ten seconds without use are not seen: as at T0 + 1 s. */
	ack(c, T0 + 10500 * MS);
	expect_cwnd(test, 97282, 30);
	ack(c, T0 + 11 * SEC);
	expect_cwnd(test, 105461, 30);
}

static void cubic_idle(struct kunit *test)
{
	struct cubic_ctx *c = test->priv;

	reduced_from(c, 100);
	ack(c, T0);
	tquic_cc_on_discard(&c->cc, 1 << 30, T0 + 500 * MS);
	tquic_cc_on_sent(&c->cc, 1 << 30, T0 + 1400 * MS);
	ack(c, T0 + 1900 * MS);
	expect_cwnd(test, 105461, 30);
}

/* Idle time within application-limited time counts once. */
static void cubic_idle_and_app_limited(struct kunit *test)
{
	struct cubic_ctx *c = test->priv;

	reduced_from(c, 100);
	ack(c, T0);
	ack_some(c, MSS, T0 + 500 * MS, false);
	tquic_cc_on_discard(&c->cc, 1 << 30, T0 + 500 * MS);
	tquic_cc_on_sent(&c->cc, 1 << 30, T0 + 1400 * MS);
	ack(c, T0 + 10500 * MS);
	ack(c, T0 + 11 * SEC);
	expect_cwnd(test, 105461, 30);
}

/*
 * After a second of silence slow start goes back to three quarters of the window. However
 * long that takes with little to send, the plateau is where it was.
 */
static void cubic_slow_start_after_idle(struct kunit *test)
{
	struct cubic_ctx *c = test->priv;
	u32 i;

	reduced_from(c, 100);
	ack(c, T0);
	ack(c, T0 + 4200 * MS);
	tquic_cc_on_discard(&c->cc, 1 << 30, T0 + 4200 * MS);
	tquic_cc_on_sent(&c->cc, 1 << 30, T0 + 5200 * MS);
	KUNIT_EXPECT_EQ(test, c->cc.cwnd, 30000);
	for (i = 0; i < 60; i++)
		ack_some(c, MSS, T0 + 5200 * MS + i * SEC, false);
	ack_some(c, 60000, T0 + 65 * SEC, true);
	KUNIT_EXPECT_EQ(test, c->cc.cwnd, 90000);
	for (i = 1; i < 3; i++) {
		ack(c, T0 + 65 * SEC + i * 100 * MS);
		expect_cwnd(test, 120000, 5);
	}
}

static void cubic_undo(struct kunit *test)
{
	struct cubic_ctx *c = test->priv;

	reduced_from(c, 100);
	ack(c, T0);
	ack(c, T0 + 1 * SEC);
	expect_cwnd(test, 105461, 30);
	lose(c, 2, T0 + 1 * SEC, T0 + 1500 * MS, false);
	expect_cwnd(test, 73823, 30);
	tquic_cc_on_spurious(&c->cc, 2, T0 + 1 * SEC, T0 + 1600 * MS);
	expect_cwnd(test, 105461, 30);
	KUNIT_EXPECT_EQ(test, c->cc.ssthresh, 70 * MSS);
	/* The curve goes on as if nothing had happened. */
	ack(c, T0 + 2 * SEC);
	expect_cwnd(test, 115445, 20);
}

static void cubic_large_windows(struct kunit *test)
{
	struct cubic_ctx *c = test->priv;
	u64 last;
	int i;

	/* The largest window and ages of hours neither overflow nor shrink. */
	c->cc.cwnd = TQUIC_CC_CWND_MAX;
	lose(c, 1, T0 - 3, T0 - 2, false);
	last = c->cc.cwnd;
	for (i = 0; i < 64; i++) {
		ack(c, T0 + i * 1000 * SEC);
		KUNIT_EXPECT_GE(test, c->cc.cwnd, last);
		KUNIT_EXPECT_LE(test, c->cc.cwnd, TQUIC_CC_CWND_MAX);
		last = c->cc.cwnd;
		tquic_cc_on_sent(&c->cc, U32_MAX, T0 + i * 1000 * SEC);
	}
	KUNIT_EXPECT_EQ(test, last, TQUIC_CC_CWND_MAX);
	KUNIT_EXPECT_GT(test, tquic_cc_pacing_rate(&c->cc, &c->rtt), 0);
}

static void cubic_slow_start(struct kunit *test)
{
	struct cubic_ctx *c = test->priv;

	ack_some(c, 5 * MSS, 2 * SEC, true);
	KUNIT_EXPECT_EQ(test, c->cc.cwnd, 15 * MSS);
	/* 18000 bytes in 100 ms, twice; then six fifths. */
	KUNIT_EXPECT_EQ(test, tquic_cc_pacing_rate(&c->cc, &c->rtt), 360000);
	c->cc.ssthresh = c->cc.cwnd;
	KUNIT_EXPECT_EQ(test, tquic_cc_pacing_rate(&c->cc, &c->rtt), 216000);
}

static struct kunit_case cubic_cases[] = {
	KUNIT_CASE(cubic_reduction),
	KUNIT_CASE(cubic_curve),
	KUNIT_CASE(cubic_partial_ack),
	KUNIT_CASE(cubic_growth_is_limited),
	KUNIT_CASE(cubic_reno_friendly),
	KUNIT_CASE(cubic_reno_fractions),
	KUNIT_CASE(cubic_fast_convergence),
	KUNIT_CASE(cubic_no_fast_convergence),
	KUNIT_CASE(cubic_after_slow_start),
	KUNIT_CASE(cubic_persistent),
	KUNIT_CASE(cubic_app_limited),
	KUNIT_CASE(cubic_idle),
	KUNIT_CASE(cubic_idle_and_app_limited),
	KUNIT_CASE(cubic_slow_start_after_idle),
	KUNIT_CASE(cubic_undo),
	KUNIT_CASE(cubic_large_windows),
	KUNIT_CASE(cubic_slow_start),
	{}
};

static struct kunit_suite cubic_suite = {
	.name = "tquic-cubic",
	.init = cubic_init,
	.test_cases = cubic_cases,
};

kunit_test_suites(&cubic_suite);
