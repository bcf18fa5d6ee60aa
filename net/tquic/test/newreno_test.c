// SPDX-License-Identifier: GPL-2.0
/* Suite of cc/newreno.c (RFC 9002 section 7). */
#include <kunit/test.h>
#include <linux/limits.h>
#include <linux/time64.h>

#include "cc/cc.h"

#define MSS	1200
#define SEC	((u64)NSEC_PER_SEC)

static void ack(struct tquic_cc *cc, u64 bytes, u64 sent_ns, bool limited)
{
	struct tquic_rtt rtt = { .srtt_ns = NSEC_PER_MSEC };
	struct tquic_cc_ack a = {
		.now = sent_ns + 1,
		.bytes = bytes,
		.sent_ns = sent_ns,
		.rtt = &rtt,
		.cwnd_limited = limited,
	};

	tquic_cc_on_ack(cc, &a);
}

static void lost(struct tquic_cc *cc, u64 sent_ns, u64 now)
{
	struct tquic_cc_loss l = {
		.now = now, .bytes = MSS, .sent_ns = sent_ns, .pkts = 1,
	};

	tquic_cc_on_lost(cc, &l);
}

static struct tquic_cc *begin(struct kunit *test)
{
	struct tquic_cc *cc = kunit_kzalloc(test, sizeof(*cc), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, cc);
	tquic_cc_init(cc, &tquic_cc_newreno, MSS, SEC);
	tquic_cc_on_sent(cc, 1 << 20, SEC);
	return cc;
}

static void newreno_slow_start(struct kunit *test)
{
	struct tquic_cc *cc = begin(test);

	ack(cc, 3 * MSS, 2 * SEC, true);
	KUNIT_EXPECT_EQ(test, cc->cwnd, 13 * MSS);
	ack(cc, 3 * MSS, 2 * SEC, false);
	KUNIT_EXPECT_EQ(test, cc->cwnd, 13 * MSS);
}

static void newreno_avoidance(struct kunit *test)
{
	struct tquic_cc *cc = begin(test);
	int i;

	cc->cwnd = 20 * MSS;
	cc->ssthresh = 20 * MSS;
	/* One packet per window, at its end, and what is left over counts on. */
	for (i = 0; i < 9; i++)
		ack(cc, 2 * MSS, 2 * SEC, true);
	KUNIT_EXPECT_EQ(test, cc->cwnd, 20 * MSS);
	ack(cc, 3 * MSS, 2 * SEC, true);
	KUNIT_EXPECT_EQ(test, cc->cwnd, 21 * MSS);
	ack(cc, 19 * MSS, 2 * SEC, true);
	KUNIT_EXPECT_EQ(test, cc->cwnd, 21 * MSS);
	ack(cc, MSS, 2 * SEC, true);
	KUNIT_EXPECT_EQ(test, cc->cwnd, 22 * MSS);
	for (i = 0; i < 50; i++)
		ack(cc, 20 * MSS, 2 * SEC, false);
	KUNIT_EXPECT_EQ(test, cc->cwnd, 22 * MSS);
	/* However much an ACK covers, it is one window at most. */
	ack(cc, 1000 * MSS, 2 * SEC, true);
	KUNIT_EXPECT_EQ(test, cc->cwnd, 23 * MSS);
}

static void newreno_halves(struct kunit *test)
{
	struct tquic_cc *cc = begin(test);

	cc->cwnd = 20 * MSS;
	lost(cc, 2 * SEC, 3 * SEC);
	KUNIT_EXPECT_EQ(test, cc->cwnd, 10 * MSS);
	KUNIT_EXPECT_EQ(test, cc->ssthresh, 10 * MSS);
	/* Growth begins afresh after each event. */
	ack(cc, 9 * MSS, 4 * SEC, true);
	lost(cc, 4 * SEC, 5 * SEC);
	KUNIT_EXPECT_EQ(test, cc->cwnd, 5 * MSS);
	ack(cc, 4 * MSS, 6 * SEC, true);
	KUNIT_EXPECT_EQ(test, cc->cwnd, 5 * MSS);
	ack(cc, 1 * MSS, 6 * SEC, true);
	KUNIT_EXPECT_EQ(test, cc->cwnd, 6 * MSS);
	/* Two packets are the least. */
	cc->cwnd = 3 * MSS;
	lost(cc, 7 * SEC, 8 * SEC);
	KUNIT_EXPECT_EQ(test, cc->cwnd, 2 * MSS);
	KUNIT_EXPECT_EQ(test, cc->ssthresh, 2 * MSS);
}

static void newreno_pacing(struct kunit *test)
{
	struct tquic_cc *cc = begin(test);
	struct tquic_rtt rtt = { .srtt_ns = SEC };

	cc->ssthresh = cc->cwnd;
	KUNIT_EXPECT_EQ(test, tquic_cc_pacing_rate(cc, &rtt), 15000);
}

static struct kunit_case newreno_cases[] = {
	KUNIT_CASE(newreno_slow_start),
	KUNIT_CASE(newreno_avoidance),
	KUNIT_CASE(newreno_halves),
	KUNIT_CASE(newreno_pacing),
	{}
};

static struct kunit_suite newreno_suite = {
	.name = "tquic-newreno",
	.test_cases = newreno_cases,
};

kunit_test_suites(&newreno_suite);
