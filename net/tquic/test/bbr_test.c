// SPDX-License-Identifier: GPL-2.0
/* Suite of cc/bbr.c: states and what leads from one to the next, filters, bounds. */
#include <kunit/test.h>
#include <linux/limits.h>
#include <linux/time64.h>

#include "cc/bbr.h"
#include "cc/cc.h"

#define MSS	1200
#define MS	((u64)NSEC_PER_MSEC)
#define SEC	((u64)NSEC_PER_SEC)
#define RTT	(20 * MS)
#define BDP	(100 * (u64)MSS)		/* of the link most tests pretend */
#define BW	(BDP * 50)			/* BDP per RTT */

struct bbr {
	struct tquic_cc cc;
	struct tquic_bbr *b;
	struct tquic_rtt rtt;
	u64 now;
};

static struct bbr *begin(struct kunit *test)
{
	struct bbr *x = kunit_kzalloc(test, sizeof(*x), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, x);
	x->now = SEC;
	tquic_cc_init(&x->cc, &tquic_cc_bbr, MSS, x->now);
	x->b = tquic_cc_priv(&x->cc);
	tquic_rtt_init(&x->rtt, 100 * MS);
	/* Something is always under way, so that the path is never idle. */
	tquic_cc_on_sent(&x->cc, MSS, x->now);
	tquic_rate_on_sent(&x->cc.rate, NULL, MSS, MSS, x->now);
	return x;
}

static void send(struct bbr *x, struct tquic_rate_pkt *pkt, u64 bytes)
{
	tquic_cc_on_sent(&x->cc, bytes, x->now);
	tquic_rate_on_sent(&x->cc.rate, pkt, x->cc.in_flight, bytes, x->now);
}

static void acked(struct bbr *x, const struct tquic_rate_pkt *pkt, u64 bytes, u64 sent_ns)
{
	struct tquic_cc_ack a = {
		.now = x->now,
		.bytes = bytes,
		.sent_ns = sent_ns,
		.rtt_ns = x->now - sent_ns,
		.rtt = &x->rtt,
		.rate_pkt = pkt,
		.rate_sent_ns = sent_ns,
	};

	tquic_rtt_update(&x->rtt, x->now, a.rtt_ns, 0, 0);
	tquic_cc_on_ack(&x->cc, &a);
}

/* A round trip: @bytes leave and are acknowledged after @rtt_ns */
static void round_of(struct bbr *x, u64 bytes, u64 rtt_ns)
{
	struct tquic_rate_pkt pkt;
	u64 sent_ns = x->now;

	send(x, &pkt, bytes);
	x->now += rtt_ns;
	acked(x, &pkt, bytes, sent_ns);
}

static void rounds(struct bbr *x, u32 n)
{
	while (n--)
		round_of(x, BDP, RTT);
}

/* A round in which so many of @pkts are lost one by one */
static void lossy_round(struct bbr *x, u32 pkts, u32 lost)
{
	struct tquic_rate_pkt pkt;
	struct tquic_cc_loss l = {
		.bytes = MSS, .sent_ns = x->now, .pkts = 1, .sampled = true,
	};
	u64 sent_ns = x->now;
	u32 i;

	send(x, &pkt, pkts * (u64)MSS);
	x->now += RTT;
	l.now = x->now;
	l.rate_pkt = pkt;
	for (i = 0; i < lost; i++)
		tquic_cc_on_lost(&x->cc, &l);
	acked(x, &pkt, (pkts - lost) * (u64)MSS, sent_ns);
}

/* Startup until the link is full, then on to a steady state */
static struct bbr *cruising(struct kunit *test)
{
	struct bbr *x = begin(test);

	rounds(x, 8);
	KUNIT_ASSERT_EQ(test, x->b->state, TQUIC_BBR_CRUISE);
	return x;
}

/* On to the next bandwidth probe */
static void to_up(struct kunit *test, struct bbr *x)
{
	u32 i;

	for (i = 0; i < 100 && x->b->state != TQUIC_BBR_UP; i++)
		rounds(x, 1);
	KUNIT_ASSERT_EQ(test, x->b->state, TQUIC_BBR_UP);
}

static void bbr_before_samples(struct kunit *test)
{
	struct bbr *x = begin(test);

	KUNIT_EXPECT_EQ(test, x->b->state, TQUIC_BBR_STARTUP);
	KUNIT_EXPECT_EQ(test, x->cc.cwnd, 12000);
	/* 2.77 initial windows per RTT */
	KUNIT_EXPECT_EQ(test, tquic_cc_pacing_rate(&x->cc, &x->rtt), 332400);
	/* A hundred bytes in a round trip were all there was to send. */
	x->b->pacing_rate = 1000;
	KUNIT_EXPECT_EQ(test, tquic_cc_pacing_rate(&x->cc, &x->rtt), 332400);
	x->b->full_bw_reached = true;
	KUNIT_EXPECT_EQ(test, tquic_cc_pacing_rate(&x->cc, &x->rtt), 1000);
	x->b->full_bw_reached = false;
	x->b->pacing_rate = 0;
	x->rtt.srtt_ns = 0;
	KUNIT_EXPECT_GT(test, tquic_cc_pacing_rate(&x->cc, &x->rtt), 0);
	/* A packet that remembers nothing, as one of the handshake, opens the window only. */
	x->now += RTT;
	acked(x, NULL, MSS, SEC);
	KUNIT_EXPECT_EQ(test, x->cc.cwnd, 13200);
	KUNIT_EXPECT_EQ(test, x->b->bw_max[1], 0);
	KUNIT_EXPECT_EQ(test, x->b->rounds, 0);
}

static void bbr_startup(struct kunit *test)
{
	struct bbr *x = begin(test);
	u64 bytes = 10 * MSS;

	for (; bytes < BDP; bytes *= 2) {
		round_of(x, bytes, RTT);
		KUNIT_EXPECT_EQ(test, x->b->state, TQUIC_BBR_STARTUP);
		KUNIT_EXPECT_EQ(test, x->b->bw_max[1], bytes * 50);
		KUNIT_EXPECT_EQ(test, x->b->full_bw_count, 0);
		KUNIT_EXPECT_EQ(test, x->b->pacing_rate, bytes * 50 * 277 / 100 * 99 / 100);
	}
	/* What the application limits says nothing about the link. */
	tquic_rate_app_limited(&x->cc.rate, 4 * BDP);
	rounds(x, 3);
	KUNIT_EXPECT_EQ(test, x->b->full_bw_count, 0);
	rounds(x, 4);
	/* A growth by a quarter counts, less does not. */
	round_of(x, BDP * 124 / 100, RTT);
	KUNIT_EXPECT_GT(test, x->b->full_bw_count, 0);
}

static void bbr_startup_full(struct kunit *test)
{
	struct bbr *x = begin(test);
	struct tquic_rate_pkt pkt;

	rounds(x, 3);
	KUNIT_EXPECT_EQ(test, x->b->full_bw_count, 2);
	KUNIT_EXPECT_EQ(test, x->b->state, TQUIC_BBR_STARTUP);
	/* The queue that Startup built is still there: it has to be drained. */
	send(x, &pkt, 3 * BDP);
	rounds(x, 1);
	KUNIT_EXPECT_TRUE(test, x->b->full_bw_reached);
	KUNIT_EXPECT_EQ(test, x->b->state, TQUIC_BBR_DRAIN);
	KUNIT_EXPECT_EQ(test, x->b->pacing_rate, BW / 2 * 99 / 100);
	/* For three rounds at most */
	rounds(x, 3);
	KUNIT_EXPECT_EQ(test, x->b->state, TQUIC_BBR_DRAIN);
	rounds(x, 1);
	KUNIT_EXPECT_EQ(test, x->b->state, TQUIC_BBR_DOWN);
	KUNIT_EXPECT_EQ(test, x->b->pacing_rate, BW * 90 / 100 * 99 / 100);
	/* And DOWN lasts until the pipe is not more than full. */
	rounds(x, 2);
	KUNIT_EXPECT_EQ(test, x->b->state, TQUIC_BBR_DOWN);
	tquic_cc_on_discard(&x->cc, 3 * BDP, x->now);
	tquic_cc_on_sent(&x->cc, MSS, x->now);
	rounds(x, 1);
	KUNIT_EXPECT_EQ(test, x->b->state, TQUIC_BBR_CRUISE);
	KUNIT_EXPECT_EQ(test, x->b->pacing_rate, BW * 99 / 100);
}

static void bbr_startup_losses(struct kunit *test)
{
	struct bbr *x = begin(test);

	/* Five losses are not enough, and six of many are not either. */
	round_of(x, 20 * MSS, RTT);
	lossy_round(x, 40, 5);
	KUNIT_EXPECT_EQ(test, x->b->state, TQUIC_BBR_STARTUP);
	lossy_round(x, 400, 6);
	KUNIT_EXPECT_FALSE(test, x->b->full_bw_reached);
	lossy_round(x, 1000, 30);
	KUNIT_EXPECT_TRUE(test, x->b->full_bw_reached);
	KUNIT_EXPECT_NE(test, x->b->state, TQUIC_BBR_STARTUP);
	KUNIT_EXPECT_EQ(test, x->b->inflight_long, 970 * MSS);
}

static void bbr_startup_ecn(struct kunit *test)
{
	struct bbr *x = begin(test);

	round_of(x, 50 * MSS, RTT);
	tquic_cc_on_ecn(&x->cc, x->now - 1, x->now);
	KUNIT_EXPECT_TRUE(test, x->b->full_bw_reached);
	KUNIT_EXPECT_EQ(test, x->b->inflight_long, 50 * MSS);
	round_of(x, 50 * MSS, RTT);
	KUNIT_EXPECT_NE(test, x->b->state, TQUIC_BBR_STARTUP);
}

/* DOWN and CRUISE for some seconds, a round of REFILL, UP */
static void bbr_cycle_by_time(struct kunit *test)
{
	struct bbr *x = cruising(test);
	u64 since = x->b->cycle_ns;

	x->b->rounds_since_probe = 0;
	/* Few, long rounds */
	while (x->b->state == TQUIC_BBR_CRUISE && x->now < since + 10 * SEC)
		round_of(x, BDP * 10, 10 * RTT);
	KUNIT_EXPECT_EQ(test, x->b->state, TQUIC_BBR_REFILL);
	KUNIT_EXPECT_GT(test, x->now - since, 2 * SEC);
	KUNIT_EXPECT_LE(test, x->now - since, 3 * SEC + 10 * RTT);
	KUNIT_EXPECT_EQ(test, x->b->pacing_rate, BW * 99 / 100);
	rounds(x, 1);
	KUNIT_EXPECT_EQ(test, x->b->state, TQUIC_BBR_UP);
	KUNIT_EXPECT_TRUE(test, x->b->probe_samples);
	KUNIT_EXPECT_EQ(test, x->b->probe_up_rounds, 1);
	KUNIT_EXPECT_EQ(test, x->b->pacing_rate, BW * 125 / 100 * 99 / 100);
}

/* As often as a Reno flow would take to fill the pipe, but at least every 63 rounds */
static void bbr_cycle_by_rounds(struct kunit *test)
{
	struct bbr *x = cruising(test);
	u32 n = 0;

	x->b->rounds_since_probe = 0;
	x->b->probe_wait_ns = 100 * SEC;
	while (x->b->state == TQUIC_BBR_CRUISE && n++ < 100)
		rounds(x, 1);
	KUNIT_EXPECT_EQ(test, n, 63);
	/* With ten packets in the pipe: ten rounds */
	x = begin(test);
	for (n = 0; n < 8; n++)
		round_of(x, 10 * MSS, RTT);
	KUNIT_ASSERT_EQ(test, x->b->state, TQUIC_BBR_CRUISE);
	x->b->rounds_since_probe = 0;
	x->b->probe_wait_ns = 100 * SEC;
	for (n = 0; x->b->state == TQUIC_BBR_CRUISE && n < 100; n++)
		round_of(x, 10 * MSS, RTT);
	KUNIT_EXPECT_EQ(test, n, 10);
}

static void bbr_up_finds_more(struct kunit *test)
{
	struct bbr *x = cruising(test);

	to_up(test, x);
	/* The link became faster: UP goes on while the rate grows by a quarter. */
	round_of(x, BDP * 2, RTT);
	round_of(x, BDP * 3, RTT);
	KUNIT_EXPECT_EQ(test, x->b->state, TQUIC_BBR_UP);
	KUNIT_EXPECT_EQ(test, x->b->bw_max[1], 3 * BW);
	round_of(x, BDP * 3, RTT);
	round_of(x, BDP * 3, RTT);
	KUNIT_EXPECT_EQ(test, x->b->state, TQUIC_BBR_UP);
	round_of(x, BDP * 3, RTT);
	KUNIT_EXPECT_EQ(test, x->b->state, TQUIC_BBR_DOWN);
}

/* The largest rate counts for the cycle it was measured in and for the next. */
static void bbr_max_bw_filter(struct kunit *test)
{
	struct bbr *x = cruising(test);
	u32 cycle;

	for (cycle = 0; cycle < 3; cycle++) {
		if (cycle == 1)
			KUNIT_EXPECT_EQ(test, max(x->b->bw_max[0], x->b->bw_max[1]), BW);
		while (x->b->state != TQUIC_BBR_UP)
			round_of(x, BDP / 2, RTT);
		while (x->b->state == TQUIC_BBR_UP)
			round_of(x, BDP / 2, RTT);
		round_of(x, BDP / 2, RTT);
	}
	KUNIT_EXPECT_EQ(test, max(x->b->bw_max[0], x->b->bw_max[1]), BW / 2);
	/* A larger one counts at once, even if the application limits it. */
	tquic_rate_app_limited(&x->cc.rate, 10 * BDP);
	round_of(x, BDP / 4, RTT);
	KUNIT_EXPECT_EQ(test, max(x->b->bw_max[0], x->b->bw_max[1]), BW / 2);
	round_of(x, BDP, RTT);
	KUNIT_EXPECT_EQ(test, x->b->bw_max[1], BW);
}

static void bbr_up_losses(struct kunit *test)
{
	struct bbr *x = cruising(test);

	to_up(test, x);
	/* Three of a hundred are chance. */
	lossy_round(x, 100, 3);
	KUNIT_EXPECT_EQ(test, x->b->state, TQUIC_BBR_UP);
	KUNIT_EXPECT_EQ(test, x->b->inflight_long, U64_MAX);
	lossy_round(x, 130, 20);
	KUNIT_EXPECT_NE(test, x->b->state, TQUIC_BBR_UP);
	KUNIT_EXPECT_FALSE(test, x->b->probe_samples);
	/* 131 packets were in flight; with the fourth loss it was too much. */
	KUNIT_EXPECT_EQ(test, x->b->inflight_long, 130 * MSS);
	/* CRUISE leaves 15 % of that to others. */
	rounds(x, 3);
	KUNIT_EXPECT_EQ(test, x->b->state, TQUIC_BBR_CRUISE);
	KUNIT_EXPECT_EQ(test, x->cc.cwnd, 130 * MSS - 130 * MSS * 15 / 100);
}

/* The bound is where two of a hundred would have been lost, to the byte. */
static void bbr_cut_is_exact(struct kunit *test)
{
	struct bbr *x = cruising(test);

	to_up(test, x);
	lossy_round(x, 1040, 40);
	/* 2 % of 1040 are 0.8 more than the 20 lost before. */
	KUNIT_EXPECT_EQ(test, x->b->inflight_long, 1040 * MSS + 80 * MSS / 98);
}

/* However early the losses come, the bound is not cut by more than 30 %. */
static void bbr_cut_is_bounded(struct kunit *test)
{
	struct bbr *x = cruising(test);

	to_up(test, x);
	lossy_round(x, 20, 10);
	KUNIT_EXPECT_NE(test, x->b->state, TQUIC_BBR_UP);
	KUNIT_EXPECT_EQ(test, x->b->inflight_long, BDP * 70 / 100);
}

static void bbr_long_grows(struct kunit *test)
{
	struct bbr *x = cruising(test);
	u64 bound;

	to_up(test, x);
	lossy_round(x, 130, 20);
	to_up(test, x);
	/* What went well in flight is the least ... */
	round_of(x, 150 * MSS, RTT);
	KUNIT_EXPECT_EQ(test, x->b->inflight_long, 151 * MSS);
	/* ... and a window that is used up pushes the bound, faster each round. */
	bound = x->b->inflight_long;
	x->cc.cwnd = bound;
	round_of(x, bound - MSS, RTT);
	KUNIT_EXPECT_GT(test, x->b->inflight_long, bound);
	KUNIT_EXPECT_GE(test, x->b->probe_up_rounds, 2);
	/* One that is not used does not. */
	bound = x->b->inflight_long;
	round_of(x, bound / 2, RTT);
	KUNIT_EXPECT_EQ(test, x->b->inflight_long, bound);
}

static void bbr_up_ecn(struct kunit *test)
{
	struct bbr *x = cruising(test);
	struct tquic_rate_pkt pkt;

	to_up(test, x);
	send(x, &pkt, 120 * MSS);
	x->now += RTT;
	tquic_cc_on_ecn(&x->cc, x->now - 1, x->now);
	KUNIT_EXPECT_EQ(test, x->b->state, TQUIC_BBR_DOWN);
	KUNIT_EXPECT_EQ(test, x->b->inflight_long, 121 * MSS);
}

/* The short-term bounds: what losses beyond chance leave, forgotten before the next probe */
static void bbr_short_bounds(struct kunit *test)
{
	struct bbr *x = cruising(test);

	/* One in a hundred */
	lossy_round(x, 100, 1);
	lossy_round(x, 100, 1);
	KUNIT_EXPECT_EQ(test, x->b->bw_short, U64_MAX);
	rounds(x, 4);
	/* The link carries half of what it did: 30 % less per round, not below what came through. */
	lossy_round(x, 100, 50);
	KUNIT_EXPECT_EQ(test, x->b->bw_short, BW);
	lossy_round(x, 100, 50);
	KUNIT_EXPECT_EQ(test, x->b->bw_short, BW * 70 / 100);
	KUNIT_EXPECT_EQ(test, x->b->pacing_rate, BW * 70 / 100 * 99 / 100);
	lossy_round(x, 100, 50);
	KUNIT_EXPECT_EQ(test, x->b->bw_short, BW / 2);
	KUNIT_EXPECT_LT(test, x->b->inflight_short, 2 * BDP);
	KUNIT_EXPECT_LE(test, x->cc.cwnd, x->b->inflight_short);
	while (x->b->state != TQUIC_BBR_REFILL)
		round_of(x, BDP / 2, RTT);
	KUNIT_EXPECT_EQ(test, x->b->bw_short, U64_MAX);
	KUNIT_EXPECT_EQ(test, x->b->inflight_short, U64_MAX);
}

static void bbr_short_ecn(struct kunit *test)
{
	struct bbr *x = cruising(test);

	tquic_cc_on_ecn(&x->cc, x->now, x->now + 1);
	KUNIT_EXPECT_TRUE(test, x->b->marked);
	round_of(x, BDP / 2, RTT);
	KUNIT_EXPECT_NE(test, x->b->bw_short, U64_MAX);
	KUNIT_EXPECT_FALSE(test, x->b->marked);
}

static void bbr_probe_rtt(struct kunit *test)
{
	struct bbr *x = cruising(test);
	struct tquic_rate_pkt pkt;
	u64 cwnd, end;

	KUNIT_EXPECT_EQ(test, x->b->min_rtt_ns, RTT);
	x->b->probe_wait_ns = 100 * SEC;
	x->b->rounds_since_probe = 0;
	/* Five seconds without a smaller RTT */
	x->b->probe_rtt_min_at_ns = x->now;
	x->b->min_rtt_at_ns = x->now;
	x->now += 5 * SEC - 2 * RTT;
	round_of(x, BDP, RTT + MS);
	KUNIT_EXPECT_EQ(test, x->b->state, TQUIC_BBR_CRUISE);
	/* One that is hardly above it will do: another five seconds. */
	round_of(x, BDP, RTT + RTT / 64);
	KUNIT_EXPECT_EQ(test, x->b->min_rtt_ns, RTT);
	x->b->min_rtt_at_ns = x->now;
	x->now += 5 * SEC - 2 * RTT;
	round_of(x, BDP, RTT + RTT / 64 + 1);
	KUNIT_EXPECT_EQ(test, x->b->state, TQUIC_BBR_CRUISE);
	send(x, &pkt, BDP);
	x->now += RTT;
	cwnd = x->cc.cwnd;
	round_of(x, BDP + 1, RTT + MS);
	KUNIT_EXPECT_EQ(test, x->b->state, TQUIC_BBR_PROBE_RTT);
	KUNIT_EXPECT_EQ(test, x->b->saved_cwnd, cwnd);
	KUNIT_EXPECT_EQ(test, x->cc.cwnd, BDP / 2);
	KUNIT_EXPECT_NE(test, x->cc.rate.app_limited, 0);
	/* The time counts from when in-flight is down to the window. */
	KUNIT_EXPECT_EQ(test, x->b->probe_rtt_done_ns, 0);
	tquic_cc_on_discard(&x->cc, BDP, x->now);
	round_of(x, 10 * MSS, RTT + MS);
	end = x->now + 200 * MS;
	KUNIT_EXPECT_EQ(test, x->b->probe_rtt_done_ns, end);
	while (x->b->state == TQUIC_BBR_PROBE_RTT && x->now < 2 * end)
		round_of(x, BDP / 2, RTT + MS);
	KUNIT_EXPECT_GT(test, x->now, end);
	KUNIT_EXPECT_LE(test, x->now, end + RTT + MS);
	KUNIT_EXPECT_EQ(test, x->b->state, TQUIC_BBR_CRUISE);
	KUNIT_EXPECT_GE(test, x->cc.cwnd, 2 * BDP);
	/* What it delivered did not spoil the estimate. */
	KUNIT_EXPECT_GE(test, max(x->b->bw_max[0], x->b->bw_max[1]), BW);
}

/* The smallest RTT counts for ten seconds. */
static void bbr_min_rtt_filter(struct kunit *test)
{
	struct bbr *x = cruising(test);
	u64 at = x->b->min_rtt_at_ns;

	while (x->now < at + 9 * SEC)
		round_of(x, 2 * BDP, 2 * RTT);
	KUNIT_EXPECT_EQ(test, x->b->min_rtt_ns, RTT);
	while (x->now <= at + 10 * SEC + 2 * RTT)
		round_of(x, 2 * BDP, 2 * RTT);
	KUNIT_EXPECT_EQ(test, x->b->min_rtt_ns, 2 * RTT);
	round_of(x, BDP / 2, RTT / 2);
	KUNIT_EXPECT_EQ(test, x->b->min_rtt_ns, RTT / 2);
}

/* What was idle drained its queue by itself: no ProbeRTT, and no gain but 1. */
static void bbr_idle(struct kunit *test)
{
	struct bbr *x = cruising(test);

	to_up(test, x);
	KUNIT_EXPECT_GT(test, x->b->pacing_rate, BW);
	tquic_cc_on_discard(&x->cc, x->cc.in_flight, x->now);
	x->now += 6 * SEC;
	tquic_cc_on_sent(&x->cc, MSS, x->now);
	KUNIT_EXPECT_TRUE(test, x->b->idle_restart);
	KUNIT_EXPECT_EQ(test, x->b->pacing_rate, BW * 99 / 100);
	tquic_rate_on_sent(&x->cc.rate, NULL, MSS, MSS, x->now);
	round_of(x, BDP, RTT);
	KUNIT_EXPECT_FALSE(test, x->b->idle_restart);
	KUNIT_EXPECT_NE(test, x->b->state, TQUIC_BBR_PROBE_RTT);
}

static void spurious(struct bbr *x, u32 pkts)
{
	tquic_cc_on_spurious(&x->cc, pkts, x->now, x->now);
}

static void bbr_undo(struct kunit *test)
{
	struct bbr *x = cruising(test);
	struct tquic_rate_pkt pkt;
	struct tquic_cc_loss l = { .bytes = 20 * MSS, .pkts = 20, .sampled = true };

	to_up(test, x);
	send(x, &pkt, 130 * MSS);
	l.rate_pkt = pkt;
	l.sent_ns = x->now;
	l.now = x->now + RTT;
	tquic_cc_on_lost(&x->cc, &l);
	KUNIT_EXPECT_EQ(test, x->b->state, TQUIC_BBR_DOWN);
	KUNIT_EXPECT_NE(test, x->b->inflight_long, U64_MAX);
	spurious(x, 19);
	KUNIT_EXPECT_EQ(test, x->b->state, TQUIC_BBR_DOWN);
	spurious(x, 1);
	KUNIT_EXPECT_EQ(test, x->b->state, TQUIC_BBR_UP);
	KUNIT_EXPECT_TRUE(test, x->b->probe_samples);
	KUNIT_EXPECT_FALSE(test, x->b->probe_ended);
	KUNIT_EXPECT_EQ(test, x->b->inflight_long, U64_MAX);
	/* And the short-term bounds */
	x = cruising(test);
	x->b->bw_short = BW;
	x->b->inflight_short = BDP;
	l.sent_ns = x->now;
	l.now = x->now + 1;
	tquic_cc_on_lost(&x->cc, &l);
	x->b->bw_short = BW / 2;
	x->b->inflight_short = BDP / 2;
	spurious(x, 20);
	KUNIT_EXPECT_EQ(test, x->b->bw_short, BW);
	KUNIT_EXPECT_EQ(test, x->b->inflight_short, BDP);
	KUNIT_EXPECT_EQ(test, x->b->state, TQUIC_BBR_CRUISE);
}

/* Startup ended by losses that were none goes on. */
static void bbr_undo_startup(struct kunit *test)
{
	struct bbr *x = begin(test);

	round_of(x, 20 * MSS, RTT);
	x->now += MS;
	lossy_round(x, 100, 30);
	KUNIT_ASSERT_NE(test, x->b->state, TQUIC_BBR_STARTUP);
	spurious(x, 30);
	KUNIT_EXPECT_EQ(test, x->b->state, TQUIC_BBR_STARTUP);
	KUNIT_EXPECT_FALSE(test, x->b->full_bw_reached);
}

static void bbr_persistent(struct kunit *test)
{
	struct bbr *x = cruising(test);
	struct tquic_cc_loss l = {
		.now = x->now + 1, .sent_ns = x->now, .bytes = MSS, .pkts = 1, .persistent = true,
	};

	tquic_cc_on_lost(&x->cc, &l);
	KUNIT_EXPECT_EQ(test, x->cc.cwnd, 2 * MSS);
	/* It doubles each round, as in slow start. */
	x->now += MS;
	round_of(x, 10 * MSS, RTT);
	KUNIT_EXPECT_EQ(test, x->cc.cwnd, 12 * MSS);
	round_of(x, 12 * MSS, RTT);
	KUNIT_EXPECT_EQ(test, x->cc.cwnd, 24 * MSS);
}

/* A path that was away begins at Startup with the initial window. */
static void bbr_reset(struct kunit *test)
{
	struct bbr *x = cruising(test);

	tquic_cc_reset(&x->cc, x->now);
	KUNIT_EXPECT_EQ(test, x->b->state, TQUIC_BBR_STARTUP);
	KUNIT_EXPECT_EQ(test, x->cc.cwnd, 12000);
	KUNIT_EXPECT_EQ(test, x->b->pacing_rate, 0);
	round_of(x, 10 * MSS, 2 * RTT);
	KUNIT_EXPECT_EQ(test, x->b->rounds, 1);
	KUNIT_EXPECT_EQ(test, x->b->min_rtt_ns, 2 * RTT);
	rounds(x, 8);
	KUNIT_EXPECT_EQ(test, x->b->state, TQUIC_BBR_CRUISE);
}

static u64 extra(const struct bbr *x)
{
	return max(x->b->extra_acked[0], x->b->extra_acked[1]);
}

static void bbr_window(struct kunit *test)
{
	struct bbr *x = begin(test);
	u32 i;

	/* Two delay-bandwidth products and what ACKs gather, not more */
	rounds(x, 30);
	KUNIT_EXPECT_GE(test, x->cc.cwnd, 2 * BDP);
	KUNIT_EXPECT_LE(test, x->cc.cwnd, 3 * BDP);
	/* A quarter of one more, and two packets, while it probes */
	to_up(test, x);
	x->cc.cwnd = 100 * BDP;
	rounds(x, 1);
	KUNIT_ASSERT_EQ(test, x->b->state, TQUIC_BBR_UP);
	KUNIT_EXPECT_EQ(test, x->cc.cwnd, BDP * 225 / 100 + extra(x) + 2 * MSS);
	/* A packet per round trip: three quanta of two packets each */
	x = begin(test);
	for (i = 0; i < 100 && x->b->state != TQUIC_BBR_DOWN; i++)
		round_of(x, MSS, RTT);
	KUNIT_ASSERT_TRUE(test, x->b->full_bw_reached);
	KUNIT_ASSERT_EQ(test, x->b->state, TQUIC_BBR_DOWN);
	x->cc.cwnd = 100 * MSS;
	round_of(x, MSS, RTT);
	KUNIT_EXPECT_EQ(test, x->cc.cwnd, 6 * MSS);
	/* Four packets are the least, whatever was lost. */
	x = cruising(test);
	x->b->inflight_short = MSS;
	rounds(x, 1);
	KUNIT_EXPECT_EQ(test, x->cc.cwnd, 4 * MSS);
	x = cruising(test);
	x->cc.cwnd = MSS;
	round_of(x, MSS, RTT);
	KUNIT_EXPECT_EQ(test, x->cc.cwnd, 4 * MSS);
}

/* What ACKs gathered counts for ten rounds, more or less. */
static void bbr_extra_acked(struct kunit *test)
{
	struct bbr *x = cruising(test);

	x->b->extra_acked[1] = 50 * BDP;
	rounds(x, 4);
	KUNIT_EXPECT_EQ(test, extra(x), 50 * BDP);
	rounds(x, 6);
	KUNIT_EXPECT_LT(test, extra(x), 2 * BDP);
	/* Either half of the ten rounds makes room. */
	x = cruising(test);
	to_up(test, x);
	x->b->extra_acked[0] = 50 * BDP;
	x->b->extra_rounds = 0;
	x->cc.cwnd = 40 * BDP;
	rounds(x, 1);
	KUNIT_EXPECT_GE(test, x->cc.cwnd, 40 * BDP);
}

/* Losses are judged over some hundred packets, not over all there ever were. */
static void bbr_losses_forgotten(struct kunit *test)
{
	struct bbr *x = cruising(test);
	u32 i;

	for (i = 0; i < 3; i++) {
		lossy_round(x, 100, 5);
		rounds(x, 3);
	}
	KUNIT_EXPECT_EQ(test, x->b->bw_short, U64_MAX);
	lossy_round(x, 100, 5);
	lossy_round(x, 100, 5);
	rounds(x, 1);
	KUNIT_EXPECT_NE(test, x->b->bw_short, U64_MAX);
}

/* Whatever is acknowledged when: bounds hold and nothing overflows. */
static void bbr_hostile(struct kunit *test)
{
	static const u64 rtts[] = { 0, 1, MS, 100 * SEC };
	static const u64 sizes[] = { 1, MSS, 1ULL << 31 };
	struct bbr *x = begin(test);
	u32 i;

	for (i = 0; i < 3000; i++) {
		round_of(x, sizes[i % 3], rtts[i / 3 % 4]);
		if (!(i % 7))
			lossy_round(x, 200, i % 100);
		if (!(i % 11))
			tquic_cc_on_ecn(&x->cc, x->now, x->now + 1);
		KUNIT_EXPECT_GE(test, x->cc.cwnd, 2 * MSS);
		KUNIT_EXPECT_LE(test, x->cc.cwnd, TQUIC_CC_CWND_MAX);
		KUNIT_EXPECT_GE(test, tquic_cc_pacing_rate(&x->cc, &x->rtt), 1);
	}
}

/* Flows that started together do not probe together: rounds and time differ by chance. */
static void bbr_down_by_chance(struct kunit *test)
{
	struct bbr *x = cruising(test);
	u64 wait_min = U64_MAX, wait_max = 0;
	u32 i, seen = 0;

	for (i = 0; i < 100; i++) {
		x->now += SEC;
		x->b->state = TQUIC_BBR_UP;
		x->b->probe_samples = true;
		tquic_cc_on_ecn(&x->cc, x->now - 1, x->now);
		KUNIT_ASSERT_EQ(test, x->b->state, TQUIC_BBR_DOWN);
		KUNIT_ASSERT_LE(test, x->b->rounds_since_probe, 1);
		seen |= BIT(x->b->rounds_since_probe);
		wait_min = min(wait_min, x->b->probe_wait_ns);
		wait_max = max(wait_max, x->b->probe_wait_ns);
		KUNIT_EXPECT_EQ(test, x->b->cycle_ns, x->now);
	}
	KUNIT_EXPECT_EQ(test, seen, 3);
	KUNIT_EXPECT_GE(test, wait_min, 2 * SEC);
	KUNIT_EXPECT_LT(test, wait_max, 3 * SEC);
	KUNIT_EXPECT_GT(test, wait_max, wait_min + SEC / 2);
}

/* Two packets more would have filled the window: that much is no lack of data. */
static void bbr_window_used_up(struct kunit *test)
{
	struct bbr *x = cruising(test);
	u64 bound = 200 * MSS;

	to_up(test, x);
	x->b->inflight_long = bound;
	x->b->probe_up_bytes = MSS;
	x->cc.cwnd = bound;
	/* One packet is under way all the time. */
	round_of(x, bound - 3 * MSS - 1, RTT);
	KUNIT_EXPECT_EQ(test, x->b->inflight_long, bound);
	KUNIT_ASSERT_EQ(test, x->b->state, TQUIC_BBR_UP);
	x->cc.cwnd = bound;
	round_of(x, bound - 3 * MSS, RTT);
	KUNIT_EXPECT_GT(test, x->b->inflight_long, bound);
}

/* A minimum is believed for ten seconds to the end. */
static void bbr_min_rtt_ends(struct kunit *test)
{
	struct bbr *x = cruising(test);

	x->b->probe_rtt_min_ns = 2 * RTT;
	x->b->probe_rtt_min_at_ns = x->now;
	x->b->min_rtt_at_ns = x->now + 2 * RTT - 10 * SEC;
	round_of(x, BDP, 2 * RTT);
	KUNIT_EXPECT_EQ(test, x->b->min_rtt_ns, RTT);
	x->b->min_rtt_at_ns = x->now + 2 * RTT - 10 * SEC - 1;
	round_of(x, BDP, 2 * RTT);
	KUNIT_EXPECT_EQ(test, x->b->min_rtt_ns, 2 * RTT);
}

/* Six losses are enough to end Startup, if they are more than two in a hundred. */
static void bbr_startup_six_losses(struct kunit *test)
{
	struct bbr *x = begin(test);

	round_of(x, 100 * MSS, RTT);
	lossy_round(x, 200, 6);
	KUNIT_EXPECT_TRUE(test, x->b->full_bw_reached);
	KUNIT_EXPECT_NE(test, x->b->state, TQUIC_BBR_STARTUP);
}

/* A round ends with the first ACK of what was sent after the ACK that began it. */
static void bbr_rounds_begin(struct kunit *test)
{
	struct bbr *x = begin(test);
	struct tquic_rate_pkt a, b, c;
	u64 sent_ns = x->now, rounds;

	send(x, &a, 10 * MSS);
	send(x, &b, 10 * MSS);
	x->now += RTT;
	acked(x, &a, 10 * MSS, sent_ns);
	rounds = x->b->rounds;
	KUNIT_EXPECT_TRUE(test, x->b->round_start);
	KUNIT_EXPECT_TRUE(test, x->b->loss_round_start);
	send(x, &c, 10 * MSS);
	x->now += MS;
	acked(x, &b, 10 * MSS, sent_ns);
	KUNIT_EXPECT_FALSE(test, x->b->round_start);
	KUNIT_EXPECT_FALSE(test, x->b->loss_round_start);
	KUNIT_EXPECT_EQ(test, x->b->rounds, rounds);
	x->now += RTT;
	acked(x, &c, 10 * MSS, x->now - RTT - MS);
	KUNIT_EXPECT_TRUE(test, x->b->round_start);
	KUNIT_EXPECT_TRUE(test, x->b->loss_round_start);
	KUNIT_EXPECT_EQ(test, x->b->rounds, rounds + 1);
}

/* How far the pacing rate follows what is measured, by state */
static void bbr_pacing_by_state(struct kunit *test)
{
	static const struct {
		u8 state;
		u32 pct;
	} gains[] = {
		{ TQUIC_BBR_CRUISE, 100 }, { TQUIC_BBR_REFILL, 100 }, { TQUIC_BBR_PROBE_RTT, 100 },
	};
	struct bbr *x = cruising(test);
	u32 i;

	x->b->probe_wait_ns = 1000 * SEC;
	for (i = 0; i < ARRAY_SIZE(gains); i++) {
		x->b->rounds_since_probe = 0;
		x->b->probe_rtt_done_ns = x->now + SEC;
		x->b->state = gains[i].state;
		/* The round goes on, so that no state ends. */
		x->b->next_round_delivered = U64_MAX;
		x->b->loss_round_delivered = U64_MAX;
		round_of(x, BDP, RTT);
		KUNIT_EXPECT_EQ(test, x->b->state, gains[i].state);
		KUNIT_EXPECT_EQ(test, x->b->pacing_rate, BW * gains[i].pct / 100 * 99 / 100);
	}
}

static struct kunit_case bbr_cases[] = {
	KUNIT_CASE(bbr_before_samples),
	KUNIT_CASE(bbr_startup),
	KUNIT_CASE(bbr_startup_full),
	KUNIT_CASE(bbr_startup_losses),
	KUNIT_CASE(bbr_startup_ecn),
	KUNIT_CASE(bbr_cycle_by_time),
	KUNIT_CASE(bbr_cycle_by_rounds),
	KUNIT_CASE(bbr_up_finds_more),
	KUNIT_CASE(bbr_max_bw_filter),
	KUNIT_CASE(bbr_up_losses),
	KUNIT_CASE(bbr_cut_is_exact),
	KUNIT_CASE(bbr_cut_is_bounded),
	KUNIT_CASE(bbr_long_grows),
	KUNIT_CASE(bbr_up_ecn),
	KUNIT_CASE(bbr_short_bounds),
	KUNIT_CASE(bbr_short_ecn),
	KUNIT_CASE(bbr_probe_rtt),
	KUNIT_CASE(bbr_min_rtt_filter),
	KUNIT_CASE(bbr_idle),
	KUNIT_CASE(bbr_undo),
	KUNIT_CASE(bbr_undo_startup),
	KUNIT_CASE(bbr_persistent),
	KUNIT_CASE(bbr_reset),
	KUNIT_CASE(bbr_window),
	KUNIT_CASE(bbr_extra_acked),
	KUNIT_CASE(bbr_losses_forgotten),
	KUNIT_CASE(bbr_hostile),
	KUNIT_CASE(bbr_down_by_chance),
	KUNIT_CASE(bbr_window_used_up),
	KUNIT_CASE(bbr_min_rtt_ends),
	KUNIT_CASE(bbr_startup_six_losses),
	KUNIT_CASE(bbr_rounds_begin),
	KUNIT_CASE(bbr_pacing_by_state),
	{}
};

static struct kunit_suite bbr_suite = {
	.name = "tquic-bbr",
	.test_cases = bbr_cases,
};

kunit_test_suites(&bbr_suite);
