// SPDX-License-Identifier: GPL-2.0
/* Suite of cc/hystart.c (RFC 9406). */
#include <kunit/test.h>
#include <linux/limits.h>
#include <linux/time64.h>

#include "cc/hystart.h"

#define MS	((u64)NSEC_PER_MSEC)
#define SEC	((u64)NSEC_PER_SEC)

/*
 * A round of @n samples of @rtt each: the first @n - 1 ACKs are for packets of
 * the round before, the last one for a packet of this round.
 */
static enum tquic_hystart_phase run_round(struct tquic_hystart *hs, u64 *now, u32 n, u64 rtt)
{
	enum tquic_hystart_phase phase = hs->phase;
	u64 start = hs->round_ns;

	for (; n; n--) {
		*now += MS;
		phase = tquic_hystart_on_ack(hs, *now, n > 1 ? start - 1 : start, rtt);
	}
	return phase;
}

static struct tquic_hystart begin(u64 *now)
{
	struct tquic_hystart hs;

	*now = 10 * SEC;
	tquic_hystart_init(&hs, *now);
	return hs;
}

static void steady_rtt_stays(struct kunit *test)
{
	u64 now;
	struct tquic_hystart hs = begin(&now);
	int i;

	for (i = 0; i < 20; i++)
		KUNIT_EXPECT_EQ(test, run_round(&hs, &now, 20, 50 * MS),
				TQUIC_HYSTART_SLOW_START);
}

static void round_ends_by_send_time(struct kunit *test)
{
	u64 now;
	struct tquic_hystart hs = begin(&now);

	tquic_hystart_on_ack(&hs, now + 5 * MS, now - 1, 30 * MS);
	KUNIT_EXPECT_EQ(test, hs.samples, 1);
	KUNIT_EXPECT_EQ(test, hs.last_min_ns, U64_MAX);
	tquic_hystart_on_ack(&hs, now + 6 * MS, now, 20 * MS);
	KUNIT_EXPECT_EQ(test, hs.samples, 0);
	KUNIT_EXPECT_EQ(test, hs.last_min_ns, 20 * MS);
	KUNIT_EXPECT_EQ(test, hs.cur_min_ns, U64_MAX);
	KUNIT_EXPECT_EQ(test, hs.round_ns, now + 6 * MS);
	/* An ACK without sample is none. */
	tquic_hystart_on_ack(&hs, now + 7 * MS, now, 0);
	KUNIT_EXPECT_EQ(test, hs.samples, 0);
	KUNIT_EXPECT_EQ(test, hs.cur_min_ns, U64_MAX);
}

/* The phase after a round at @base and eight samples at @rtt in the next. */
static enum tquic_hystart_phase after(u64 base, u64 rtt, u32 samples)
{
	u64 now;
	struct tquic_hystart hs = begin(&now);
	enum tquic_hystart_phase phase = TQUIC_HYSTART_SLOW_START;

	run_round(&hs, &now, 10, base);
	for (; samples; samples--)
		phase = tquic_hystart_on_ack(&hs, now, 1, rtt);
	return phase;
}

static void threshold(struct kunit *test)
{
	/* An eighth of 80 ms. */
	KUNIT_EXPECT_EQ(test, after(80 * MS, 90 * MS, 8), TQUIC_HYSTART_CSS);
	KUNIT_EXPECT_EQ(test, after(80 * MS, 90 * MS - 1, 8), TQUIC_HYSTART_SLOW_START);
	KUNIT_EXPECT_EQ(test, after(80 * MS, 90 * MS, 7), TQUIC_HYSTART_SLOW_START);
	/* Not below 4 ms. */
	KUNIT_EXPECT_EQ(test, after(8 * MS, 12 * MS - 1, 8), TQUIC_HYSTART_SLOW_START);
	KUNIT_EXPECT_EQ(test, after(8 * MS, 12 * MS, 8), TQUIC_HYSTART_CSS);
	/* Not above 16 ms. */
	KUNIT_EXPECT_EQ(test, after(400 * MS, 416 * MS - 1, 8), TQUIC_HYSTART_SLOW_START);
	KUNIT_EXPECT_EQ(test, after(400 * MS, 416 * MS, 8), TQUIC_HYSTART_CSS);
}

static void first_round_proves_nothing(struct kunit *test)
{
	u64 now;
	struct tquic_hystart hs = begin(&now);

	KUNIT_EXPECT_EQ(test, run_round(&hs, &now, 10, 900 * MS), TQUIC_HYSTART_SLOW_START);
}

static void css_lasts_five_rounds(struct kunit *test)
{
	u64 now;
	struct tquic_hystart hs = begin(&now);
	int i;

	run_round(&hs, &now, 10, 50 * MS);
	/* The round CSS begins in counts. */
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_EQ(test, run_round(&hs, &now, 10, 60 * MS), TQUIC_HYSTART_CSS);
	KUNIT_EXPECT_EQ(test, run_round(&hs, &now, 10, 60 * MS), TQUIC_HYSTART_DONE);
	KUNIT_EXPECT_EQ(test, run_round(&hs, &now, 10, 20 * MS), TQUIC_HYSTART_DONE);
}

static void css_resumes(struct kunit *test)
{
	u64 now;
	struct tquic_hystart hs = begin(&now);
	int i;

	run_round(&hs, &now, 10, 50 * MS);
	KUNIT_EXPECT_EQ(test, run_round(&hs, &now, 10, 60 * MS), TQUIC_HYSTART_CSS);
	/* At the baseline is not below it, and seven samples are too few. */
	KUNIT_EXPECT_EQ(test, run_round(&hs, &now, 10, 60 * MS), TQUIC_HYSTART_CSS);
	KUNIT_EXPECT_EQ(test, run_round(&hs, &now, 7, 59 * MS), TQUIC_HYSTART_CSS);
	KUNIT_EXPECT_EQ(test, run_round(&hs, &now, 8, 59 * MS), TQUIC_HYSTART_SLOW_START);
	/* The next CSS has its full five rounds. */
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_EQ(test, run_round(&hs, &now, 10, 80 * MS), TQUIC_HYSTART_CSS);
	KUNIT_EXPECT_EQ(test, run_round(&hs, &now, 10, 80 * MS), TQUIC_HYSTART_DONE);
}

static struct kunit_case hystart_cases[] = {
	KUNIT_CASE(steady_rtt_stays),
	KUNIT_CASE(round_ends_by_send_time),
	KUNIT_CASE(threshold),
	KUNIT_CASE(first_round_proves_nothing),
	KUNIT_CASE(css_lasts_five_rounds),
	KUNIT_CASE(css_resumes),
	{}
};

static struct kunit_suite hystart_suite = {
	.name = "tquic-hystart",
	.test_cases = hystart_cases,
};

kunit_test_suites(&hystart_suite);
