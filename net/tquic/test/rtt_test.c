// SPDX-License-Identifier: GPL-2.0
/* Suite of core/rtt.c: the numbers are worked out from RFC 9002 section 5. */
#include <kunit/test.h>
#include <linux/limits.h>

#include "core/rtt.h"

#define MS	((u64)NSEC_PER_MSEC)

static void rtt_initial(struct kunit *test)
{
	struct tquic_rtt rtt;

	tquic_rtt_init(&rtt, TQUIC_RTT_INITIAL_NS);
	KUNIT_EXPECT_EQ(test, rtt.srtt_ns, 333 * MS);
	KUNIT_EXPECT_EQ(test, rtt.rttvar_ns, 166500000);
	KUNIT_EXPECT_EQ(test, rtt.first_sample_ns, 0);
	/* 333 + 4 * 166.5 */
	KUNIT_EXPECT_EQ(test, tquic_rtt_pto_ns(&rtt, 0), 999 * MS);
	KUNIT_EXPECT_EQ(test, tquic_rtt_pto_ns(&rtt, 25 * MS), 1024 * MS);
}

static void rtt_first_sample(struct kunit *test)
{
	struct tquic_rtt rtt;

	tquic_rtt_init(&rtt, TQUIC_RTT_INITIAL_NS);
	/* The delay does not count in the first sample. */
	tquic_rtt_update(&rtt, 77, 100 * MS, 30 * MS, U64_MAX);
	KUNIT_EXPECT_EQ(test, rtt.latest_ns, 100 * MS);
	KUNIT_EXPECT_EQ(test, rtt.min_ns, 100 * MS);
	KUNIT_EXPECT_EQ(test, rtt.srtt_ns, 100 * MS);
	KUNIT_EXPECT_EQ(test, rtt.rttvar_ns, 50 * MS);
	KUNIT_EXPECT_EQ(test, rtt.first_sample_ns, 77);
}

static void rtt_second_sample(struct kunit *test)
{
	struct tquic_rtt rtt;

	tquic_rtt_init(&rtt, TQUIC_RTT_INITIAL_NS);
	tquic_rtt_update(&rtt, 1, 100 * MS, 0, U64_MAX);
	tquic_rtt_update(&rtt, 2, 180 * MS, 20 * MS, U64_MAX);
	/* adjusted 160; rttvar = (3 * 50 + 60) / 4, srtt = (7 * 100 + 160) / 8 */
	KUNIT_EXPECT_EQ(test, rtt.rttvar_ns, 52500000);
	KUNIT_EXPECT_EQ(test, rtt.srtt_ns, 107500000);
	KUNIT_EXPECT_EQ(test, rtt.min_ns, 100 * MS);
	KUNIT_EXPECT_EQ(test, rtt.latest_ns, 180 * MS);
	KUNIT_EXPECT_EQ(test, rtt.first_sample_ns, 1);
	/* Below the average: |100 - 92|, and a new minimum. */
	tquic_rtt_init(&rtt, TQUIC_RTT_INITIAL_NS);
	tquic_rtt_update(&rtt, 1, 100 * MS, 0, U64_MAX);
	tquic_rtt_update(&rtt, 2, 92 * MS, 20 * MS, U64_MAX);
	KUNIT_EXPECT_EQ(test, rtt.rttvar_ns, 39500000);
	KUNIT_EXPECT_EQ(test, rtt.srtt_ns, 99 * MS);
	KUNIT_EXPECT_EQ(test, rtt.min_ns, 92 * MS);
}

static void rtt_ack_delay(struct kunit *test)
{
	struct tquic_rtt rtt;

	/* Capped by max_ack_delay: 180 - 25. */
	tquic_rtt_init(&rtt, TQUIC_RTT_INITIAL_NS);
	tquic_rtt_update(&rtt, 1, 100 * MS, 0, 25 * MS);
	tquic_rtt_update(&rtt, 2, 180 * MS, 60 * MS, 25 * MS);
	KUNIT_EXPECT_EQ(test, rtt.srtt_ns, (7 * 100 + 155) * MS / 8);
	/* Subtracted down to the minimum exactly, but not below. */
	tquic_rtt_init(&rtt, TQUIC_RTT_INITIAL_NS);
	tquic_rtt_update(&rtt, 1, 100 * MS, 0, U64_MAX);
	tquic_rtt_update(&rtt, 2, 180 * MS, 80 * MS, U64_MAX);
	KUNIT_EXPECT_EQ(test, rtt.srtt_ns, 100 * MS);
	tquic_rtt_init(&rtt, TQUIC_RTT_INITIAL_NS);
	tquic_rtt_update(&rtt, 1, 100 * MS, 0, U64_MAX);
	tquic_rtt_update(&rtt, 2, 180 * MS, 80 * MS + 1, U64_MAX);
	KUNIT_EXPECT_EQ(test, rtt.srtt_ns, 110 * MS);
	/* A hostile delay does not wrap around. */
	tquic_rtt_update(&rtt, 3, 180 * MS, U64_MAX, U64_MAX);
	KUNIT_EXPECT_GE(test, rtt.srtt_ns, 100 * MS);
	KUNIT_EXPECT_LE(test, rtt.srtt_ns, 180 * MS);
}

static void rtt_granularity(struct kunit *test)
{
	struct tquic_rtt rtt;

	tquic_rtt_init(&rtt, 0);
	tquic_rtt_update(&rtt, 1, 400000, 0, 0);
	/* 4 * 0.2 ms is less than 1 ms. */
	KUNIT_EXPECT_EQ(test, tquic_rtt_pto_ns(&rtt, 0), 1400000);
	tquic_rtt_init(&rtt, 0);
	tquic_rtt_update(&rtt, 1, 600000, 0, 0);
	KUNIT_EXPECT_EQ(test, tquic_rtt_pto_ns(&rtt, 0), 1800000);
}

static void rtt_min_reset(struct kunit *test)
{
	struct tquic_rtt rtt;

	tquic_rtt_init(&rtt, TQUIC_RTT_INITIAL_NS);
	tquic_rtt_update(&rtt, 1, 10 * MS, 0, 0);
	tquic_rtt_update(&rtt, 2, 50 * MS, 0, 0);
	KUNIT_EXPECT_EQ(test, rtt.min_ns, 10 * MS);
	tquic_rtt_reset_min(&rtt);
	KUNIT_EXPECT_EQ(test, rtt.min_ns, 50 * MS);
}

static struct kunit_case rtt_cases[] = {
	KUNIT_CASE(rtt_initial),
	KUNIT_CASE(rtt_first_sample),
	KUNIT_CASE(rtt_second_sample),
	KUNIT_CASE(rtt_ack_delay),
	KUNIT_CASE(rtt_granularity),
	KUNIT_CASE(rtt_min_reset),
	{}
};

static struct kunit_suite rtt_suite = {
	.name = "tquic-rtt",
	.test_cases = rtt_cases,
};

kunit_test_suites(&rtt_suite);
