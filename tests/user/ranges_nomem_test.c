// SPDX-License-Identifier: GPL-2.0
/* Received packet numbers when memory runs out; needs the shim's failure injection. */
#include <kunit/test.h>

#include "core/ranges.h"

/* Without memory the set is full early: the oldest goes, what is held stays true. */
static void ranges_nomem(struct kunit *test)
{
	struct tquic_ranges r;
	u64 pn;

	tquic_ranges_init(&r);
	for (pn = 1; pn <= TQUIC_RANGES_FEW; pn++)
		KUNIT_EXPECT_TRUE(test, tquic_ranges_add(&r, 10 * pn));
	tquic_shim_fail_after = 0;
	KUNIT_EXPECT_FALSE(test, tquic_ranges_add(&r, 1));
	KUNIT_EXPECT_EQ(test, r.floor, 2);
	KUNIT_EXPECT_TRUE(test, tquic_ranges_add(&r, 10 * pn));
	KUNIT_EXPECT_EQ(test, r.n, TQUIC_RANGES_FEW);
	KUNIT_EXPECT_EQ(test, r.floor, 11);
	KUNIT_EXPECT_EQ(test, r.r[0].lo, 10 * pn);
	KUNIT_EXPECT_EQ(test, r.r[TQUIC_RANGES_FEW - 1].lo, 20);
	/* Merging needs none. */
	KUNIT_EXPECT_TRUE(test, tquic_ranges_add(&r, 10 * pn + 1));
	tquic_shim_fail_after = -1;
	KUNIT_EXPECT_TRUE(test, tquic_ranges_add(&r, 10 * pn + 3));
	KUNIT_EXPECT_EQ(test, r.n, TQUIC_RANGES_FEW + 1);
	tquic_ranges_destroy(&r);
}

static struct kunit_case ranges_nomem_cases[] = {
	KUNIT_CASE(ranges_nomem),
	{}
};

static struct kunit_suite ranges_nomem_suite = {
	.name = "tquic-ranges-nomem",
	.test_cases = ranges_nomem_cases,
};

kunit_test_suites(&ranges_nomem_suite);
