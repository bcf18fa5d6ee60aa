// SPDX-License-Identifier: GPL-2.0
/* Suite of core/pacer.c. */
#include <kunit/test.h>
#include <linux/limits.h>
#include <linux/time64.h>

#include "core/pacer.h"

#define MSS	1200
#define SEC	((u64)NSEC_PER_SEC)

/* Sends full packets while allowed; returns their bytes. */
static u64 pacer_drain(struct tquic_pacer *p, u64 now, u64 rate)
{
	u64 bytes = 0;

	while (tquic_pacer_budget_bytes(p, now, rate, MSS)) {
		tquic_pacer_on_sent(p, MSS, now, rate, MSS);
		bytes += MSS;
	}
	return bytes;
}

static void pacer_off(struct kunit *test)
{
	struct tquic_pacer p;

	tquic_pacer_init(&p);
	KUNIT_EXPECT_EQ(test, tquic_pacer_budget_bytes(&p, 1, 0, MSS), U64_MAX);
	tquic_pacer_on_sent(&p, 1 << 20, 1, 0, MSS);
	KUNIT_EXPECT_EQ(test, tquic_pacer_next_ns(&p, 1, 0, MSS), 1);
	KUNIT_EXPECT_EQ(test, p.next_ns, 0);
}

/* 120 kB/s: a packet each 10 ms after a burst of ten. */
static void pacer_slow_path(struct kunit *test)
{
	struct tquic_pacer p;
	u64 now = 5 * SEC;

	tquic_pacer_init(&p);
	KUNIT_EXPECT_EQ(test, tquic_pacer_budget_bytes(&p, now, 120000, MSS), 10 * MSS);
	/* The burst, and one packet the pacer is then in debt for. */
	KUNIT_EXPECT_EQ(test, pacer_drain(&p, now, 120000), 11 * MSS);
	KUNIT_EXPECT_EQ(test, tquic_pacer_budget_bytes(&p, now, 120000, MSS), 0);
	KUNIT_EXPECT_EQ(test, tquic_pacer_next_ns(&p, now, 120000, MSS), now + 10000000);
	KUNIT_EXPECT_EQ(test, pacer_drain(&p, now + 9999999, 120000), 0);
	KUNIT_EXPECT_EQ(test, pacer_drain(&p, now + 10000000, 120000), MSS);
	/* Long silence saves one burst, not more. */
	KUNIT_EXPECT_EQ(test, pacer_drain(&p, now + 100 * SEC, 120000), 11 * MSS);
}

/* 125 MB/s: a millisecond's worth of burst, then batches of a quantum. */
static void pacer_fast_path(struct kunit *test)
{
	struct tquic_pacer p;
	u64 rate = 125000000;
	u64 now = 5 * SEC;
	u64 next;

	tquic_pacer_init(&p);
	KUNIT_EXPECT_EQ(test, tquic_pacer_budget_bytes(&p, now, rate, MSS), 125000);
	pacer_drain(&p, now, rate);
	next = tquic_pacer_next_ns(&p, now, rate, MSS);
	KUNIT_EXPECT_GE(test, next, now + 250000);
	KUNIT_EXPECT_LT(test, next, now + 270000);
	/* 250 us at 125 bytes per us, and the packet of debt */
	KUNIT_EXPECT_EQ(test, tquic_pacer_budget_bytes(&p, next, rate, MSS), 31250);
}

static void pacer_burst_cap(struct kunit *test)
{
	struct tquic_pacer p;

	/* 10 GB/s would be 10 MB in a millisecond. */
	tquic_pacer_init(&p);
	KUNIT_EXPECT_LE(test, tquic_pacer_budget_bytes(&p, SEC, 10000000000ULL, MSS),
			256 * 1024);
	KUNIT_EXPECT_GE(test, tquic_pacer_budget_bytes(&p, SEC, 10000000000ULL, MSS),
			255 * 1024);
}

/* Over ten seconds the rate is kept, whatever it is. */
static void pacer_long_run(struct kunit *test)
{
	static const u64 rates[] = { 3000, 125000, 1250000, 31250000, 1250000000 };
	struct tquic_pacer p;
	u64 now, sent;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rates); i++) {
		u64 span = rates[i] > 100000000 ? SEC / 10 : 10 * SEC;
		u64 want = rates[i] / 1000 * (span / 1000000);
		u64 start = SEC;

		tquic_pacer_init(&p);
		pacer_drain(&p, start, rates[i]);
		sent = 0;
		for (now = start; now < start + span;) {
			now = tquic_pacer_next_ns(&p, now, rates[i], MSS);
			if (now < start + span)
				sent += pacer_drain(&p, now, rates[i]);
		}
		KUNIT_EXPECT_LE(test, sent, want + 2 * MSS);
		KUNIT_EXPECT_GE(test, sent + 2 * MSS + want / 200, want);
	}
}

static struct kunit_case pacer_cases[] = {
	KUNIT_CASE(pacer_off),
	KUNIT_CASE(pacer_slow_path),
	KUNIT_CASE(pacer_fast_path),
	KUNIT_CASE(pacer_burst_cap),
	KUNIT_CASE(pacer_long_run),
	{}
};

static struct kunit_suite pacer_suite = {
	.name = "tquic-pacer",
	.test_cases = pacer_cases,
};

kunit_test_suites(&pacer_suite);
