// SPDX-License-Identifier: GPL-2.0
/* Suite of cc/rate.c: what packets remember, and what ACKs tell of the delivery rate. */
#include <kunit/test.h>
#include <linux/limits.h>
#include <linux/time64.h>

#include "cc/cc.h"

#define MS	((u64)NSEC_PER_MSEC)
#define SEC	((u64)NSEC_PER_SEC)

static void ack(struct tquic_rate *r, const struct tquic_rate_pkt *pkt, u64 bytes,
		u64 sent_ns, u64 now, struct tquic_rate_sample *rs)
{
	struct tquic_rtt rtt = { .min_ns = 10 * MS };
	struct tquic_cc_ack a = {
		.now = now,
		.bytes = bytes,
		.rtt = &rtt,
		.rate_pkt = pkt,
		.rate_sent_ns = sent_ns,
	};

	tquic_rate_on_ack(r, &a, rs);
}

/* The same on a path whose RTT was once a nanosecond */
static void ack_min(struct tquic_rate *r, const struct tquic_rate_pkt *pkt,
		    u64 sent_ns, u64 now, struct tquic_rate_sample *rs)
{
	struct tquic_rtt rtt = { .min_ns = 1 };
	struct tquic_cc_ack a = {
		.now = now,
		.rtt = &rtt,
		.rate_pkt = pkt,
		.rate_sent_ns = sent_ns,
	};

	tquic_rate_on_ack(r, &a, rs);
}

static void rate_snapshot(struct kunit *test)
{
	struct tquic_rate r = {
		.delivered = 5000, .delivered_ns = SEC, .first_sent_ns = 7, .lost = 300,
	};
	struct tquic_rate_pkt pkt;

	/* Something else is in flight: the clocks run on. */
	tquic_rate_on_sent(&r, &pkt, 2400, 1200, 2 * SEC);
	KUNIT_EXPECT_EQ(test, pkt.delivered, 5000);
	KUNIT_EXPECT_EQ(test, pkt.delivered_ns, SEC);
	KUNIT_EXPECT_EQ(test, pkt.first_sent_ns, 7);
	KUNIT_EXPECT_EQ(test, pkt.lost, 300);
	KUNIT_EXPECT_EQ(test, (u32)pkt.in_flight, 2400);
	KUNIT_EXPECT_EQ(test, (u32)pkt.app_limited, 0);
	/* The only packet: they begin anew. */
	tquic_rate_app_limited(&r, 0);
	tquic_rate_on_sent(&r, &pkt, 1200, 1200, 3 * SEC);
	KUNIT_EXPECT_EQ(test, pkt.delivered_ns, 3 * SEC);
	KUNIT_EXPECT_EQ(test, pkt.first_sent_ns, 3 * SEC);
	KUNIT_EXPECT_EQ(test, (u32)pkt.app_limited, 1);
	/* A field of 31 bits does not wrap around. */
	tquic_rate_on_sent(&r, &pkt, 1ULL << 33, 1200, 4 * SEC);
	KUNIT_EXPECT_EQ(test, (u32)pkt.in_flight, S32_MAX);
	KUNIT_EXPECT_EQ(test, (u32)pkt.app_limited, 1);
	/* Packets of the handshake remember nothing. */
	tquic_rate_on_sent(&r, NULL, 1200, 1200, 5 * SEC);
	KUNIT_EXPECT_EQ(test, r.first_sent_ns, 5 * SEC);
}

static void rate_longer_interval(struct kunit *test)
{
	struct tquic_rate_pkt pkt = {
		.delivered = 1000, .delivered_ns = SEC, .first_sent_ns = SEC, .in_flight = 9000,
	};
	struct tquic_rate r = { .delivered = 8000, .lost = 50 };
	struct tquic_rate_sample rs;

	/* Sent within 20 ms, acknowledged within 100 ms */
	ack(&r, &pkt, 3000, SEC + 20 * MS, SEC + 100 * MS, &rs);
	KUNIT_EXPECT_EQ(test, rs.delivered, 10000);
	KUNIT_EXPECT_EQ(test, rs.prior_delivered, 1000);
	KUNIT_EXPECT_EQ(test, rs.acked, 3000);
	KUNIT_EXPECT_EQ(test, rs.lost, 50);
	KUNIT_EXPECT_EQ(test, rs.in_flight, 9000);
	KUNIT_EXPECT_EQ(test, rs.rate, 100000);
	KUNIT_EXPECT_EQ(test, r.delivered, 11000);
	KUNIT_EXPECT_EQ(test, r.delivered_ns, SEC + 100 * MS);
	KUNIT_EXPECT_EQ(test, r.first_sent_ns, SEC + 20 * MS);
	/* A burst of ACKs: the time of sending is the longer one. */
	pkt.delivered_ns = SEC + 180 * MS;
	ack(&r, &pkt, 0, SEC + 200 * MS, SEC + 200 * MS, &rs);
	KUNIT_EXPECT_EQ(test, rs.rate, 50000);
}

static void rate_implausible(struct kunit *test)
{
	struct tquic_rate_pkt pkt = { .delivered_ns = SEC, .first_sent_ns = SEC };
	struct tquic_rate r = {};
	struct tquic_rate_sample rs;

	/* Less than the shortest RTT */
	ack(&r, &pkt, 1200, SEC, SEC + 9 * MS, &rs);
	KUNIT_EXPECT_EQ(test, rs.rate, 0);
	KUNIT_EXPECT_EQ(test, rs.delivered, 1200);
	ack(&r, &pkt, 1200, SEC, SEC + 10 * MS, &rs);
	KUNIT_EXPECT_EQ(test, rs.rate, 240000);
	/* Bounded, whatever was delivered */
	r.delivered = U64_MAX / 2;
	ack(&r, &pkt, 1200, SEC, SEC + 10 * MS, &rs);
	KUNIT_EXPECT_EQ(test, rs.rate, TQUIC_CC_CWND_MAX * 100);
	pkt.delivered_ns = SEC + 10 * MS - 1;
	ack_min(&r, &pkt, SEC, SEC + 10 * MS, &rs);
	KUNIT_EXPECT_EQ(test, rs.rate, TQUIC_RATE_MAX);
	/* Nothing remembered, or no memory at all: only delivery counts. */
	r.delivered = 100;
	pkt.delivered_ns = 0;
	ack(&r, &pkt, 1200, SEC, 2 * SEC, &rs);
	KUNIT_EXPECT_EQ(test, rs.delivered, 0);
	KUNIT_EXPECT_EQ(test, rs.rate, 0);
	ack(&r, NULL, 1200, SEC, 2 * SEC, &rs);
	KUNIT_EXPECT_EQ(test, rs.delivered, 0);
	KUNIT_EXPECT_EQ(test, rs.acked, 1200);
	KUNIT_EXPECT_EQ(test, r.delivered, 2500);
}

static void rate_app_limited(struct kunit *test)
{
	struct tquic_rate_pkt pkt;
	struct tquic_rate_sample rs;
	struct tquic_rate r = {};

	tquic_rate_on_sent(&r, &pkt, 2400, 1200, SEC);
	KUNIT_EXPECT_EQ(test, (u32)pkt.app_limited, 0);
	tquic_rate_app_limited(&r, 2400);
	tquic_rate_on_sent(&r, &pkt, 3600, 1200, SEC);
	pkt.delivered_ns = SEC;
	/* As long as only what was in flight then is delivered */
	ack(&r, &pkt, 2400, SEC, 2 * SEC, &rs);
	KUNIT_EXPECT_TRUE(test, rs.app_limited);
	KUNIT_EXPECT_EQ(test, r.app_limited, 2400);
	ack(&r, &pkt, 1, SEC, 2 * SEC, &rs);
	KUNIT_EXPECT_EQ(test, r.app_limited, 0);
	tquic_rate_on_sent(&r, &pkt, 3600, 1200, SEC);
	KUNIT_EXPECT_EQ(test, (u32)pkt.app_limited, 0);
	/* At the very beginning too */
	r.delivered = 0;
	tquic_rate_app_limited(&r, 0);
	KUNIT_EXPECT_NE(test, r.app_limited, 0);
}

static void rate_lost_wraps(struct kunit *test)
{
	struct tquic_rate_pkt pkt = { .delivered_ns = SEC, .lost = U32_MAX - 99 };
	struct tquic_rate r = { .lost = 50 };
	struct tquic_rate_sample rs;

	ack(&r, &pkt, 1200, SEC, 2 * SEC, &rs);
	KUNIT_EXPECT_EQ(test, rs.lost, 150);
}

static struct kunit_case rate_cases[] = {
	KUNIT_CASE(rate_snapshot),
	KUNIT_CASE(rate_longer_interval),
	KUNIT_CASE(rate_implausible),
	KUNIT_CASE(rate_app_limited),
	KUNIT_CASE(rate_lost_wraps),
	{}
};

static struct kunit_suite rate_suite = {
	.name = "tquic-rate",
	.test_cases = rate_cases,
};

kunit_test_suites(&rate_suite);
