// SPDX-License-Identifier: GPL-2.0
/* Suite of core/ranges.c. */
#include <kunit/test.h>
#include <linux/prandom.h>

#include "core/ranges.h"

static void ranges_free(void *r)
{
	tquic_ranges_destroy(r);
}

static struct tquic_ranges *ranges_new(struct kunit *test)
{
	struct tquic_ranges *r = kunit_kzalloc(test, sizeof(*r), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, r);
	tquic_ranges_init(r);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, ranges_free, r), 0);
	return r;
}

static void ranges_merge(struct kunit *test)
{
	struct tquic_ranges *r = ranges_new(test);

	KUNIT_EXPECT_EQ(test, tquic_ranges_largest(r), -1);
	KUNIT_EXPECT_FALSE(test, tquic_ranges_has(r, 0));
	KUNIT_EXPECT_TRUE(test, tquic_ranges_add(r, 5));
	KUNIT_EXPECT_TRUE(test, tquic_ranges_add(r, 7));
	KUNIT_EXPECT_TRUE(test, tquic_ranges_add(r, 9));
	KUNIT_EXPECT_EQ(test, r->n, 3);
	KUNIT_EXPECT_EQ(test, r->r[0].hi, 9);
	KUNIT_EXPECT_EQ(test, r->r[2].lo, 5);
	/* Upwards, downwards, and both at once. */
	KUNIT_EXPECT_TRUE(test, tquic_ranges_add(r, 10));
	KUNIT_EXPECT_EQ(test, r->r[0].hi, 10);
	KUNIT_EXPECT_EQ(test, r->r[0].lo, 9);
	KUNIT_EXPECT_TRUE(test, tquic_ranges_add(r, 4));
	KUNIT_EXPECT_EQ(test, r->r[2].lo, 4);
	KUNIT_EXPECT_EQ(test, r->n, 3);
	KUNIT_EXPECT_TRUE(test, tquic_ranges_add(r, 8));
	KUNIT_EXPECT_EQ(test, r->n, 2);
	KUNIT_EXPECT_EQ(test, r->r[0].lo, 7);
	KUNIT_EXPECT_TRUE(test, tquic_ranges_add(r, 6));
	KUNIT_EXPECT_EQ(test, r->n, 1);
	KUNIT_EXPECT_EQ(test, r->r[0].lo, 4);
	KUNIT_EXPECT_EQ(test, r->r[0].hi, 10);
	KUNIT_EXPECT_EQ(test, tquic_ranges_largest(r), 10);
}

static void ranges_duplicates(struct kunit *test)
{
	struct tquic_ranges *r = ranges_new(test);

	tquic_ranges_add(r, 0);
	tquic_ranges_add(r, 1);
	tquic_ranges_add(r, 3);
	KUNIT_EXPECT_FALSE(test, tquic_ranges_add(r, 0));
	KUNIT_EXPECT_FALSE(test, tquic_ranges_add(r, 1));
	KUNIT_EXPECT_FALSE(test, tquic_ranges_add(r, 3));
	KUNIT_EXPECT_FALSE(test, tquic_ranges_has(r, 2));
	KUNIT_EXPECT_TRUE(test, tquic_ranges_add(r, 2));
	KUNIT_EXPECT_EQ(test, r->n, 1);
}

static void ranges_bounded(struct kunit *test)
{
	struct tquic_ranges *r = ranges_new(test);
	u64 pn;

	for (pn = 0; pn < TQUIC_RANGES_MAX; pn++)
		KUNIT_EXPECT_TRUE(test, tquic_ranges_add(r, 10 + 2 * pn));
	KUNIT_EXPECT_EQ(test, r->n, TQUIC_RANGES_MAX);
	KUNIT_EXPECT_EQ(test, r->floor, 0);
	/* Older than all that fits: not reported, nothing is lost for it, but it counts. */
	KUNIT_EXPECT_FALSE(test, tquic_ranges_has(r, 5));
	KUNIT_EXPECT_FALSE(test, tquic_ranges_add(r, 5));
	KUNIT_EXPECT_TRUE(test, tquic_ranges_has(r, 5));
	KUNIT_EXPECT_FALSE(test, tquic_ranges_has(r, 6));
	KUNIT_EXPECT_EQ(test, r->floor, 6);
	KUNIT_EXPECT_EQ(test, r->r[TQUIC_RANGES_MAX - 1].lo, 10);
	/* Newer: the oldest range goes and the floor rises above it. */
	KUNIT_EXPECT_TRUE(test, tquic_ranges_add(r, 1000));
	KUNIT_EXPECT_EQ(test, r->n, TQUIC_RANGES_MAX);
	KUNIT_EXPECT_EQ(test, r->floor, 11);
	KUNIT_EXPECT_EQ(test, r->r[TQUIC_RANGES_MAX - 1].lo, 12);
	KUNIT_EXPECT_TRUE(test, tquic_ranges_has(r, 10));
	KUNIT_EXPECT_FALSE(test, tquic_ranges_has(r, 11));
	/* Merging needs no room. */
	KUNIT_EXPECT_TRUE(test, tquic_ranges_add(r, 13));
	KUNIT_EXPECT_EQ(test, r->n, TQUIC_RANGES_MAX - 1);
}

static void ranges_drop(struct kunit *test)
{
	struct tquic_ranges *r = ranges_new(test);
	u64 pn;

	for (pn = 0; pn < 30; pn++)
		if (pn % 10 != 9)
			tquic_ranges_add(r, pn);
	tquic_ranges_drop_below(r, 13);
	KUNIT_EXPECT_EQ(test, r->n, 2);
	KUNIT_EXPECT_EQ(test, r->r[1].lo, 13);
	KUNIT_EXPECT_EQ(test, r->r[1].hi, 18);
	KUNIT_EXPECT_TRUE(test, tquic_ranges_has(r, 9));
	KUNIT_EXPECT_FALSE(test, tquic_ranges_add(r, 9));
	KUNIT_EXPECT_FALSE(test, tquic_ranges_has(r, 19));
	/* Never backwards. */
	tquic_ranges_drop_below(r, 5);
	KUNIT_EXPECT_EQ(test, r->floor, 13);
	tquic_ranges_drop_below(r, 100);
	KUNIT_EXPECT_EQ(test, r->n, 0);
	KUNIT_EXPECT_EQ(test, tquic_ranges_largest(r), -1);
	KUNIT_EXPECT_TRUE(test, tquic_ranges_add(r, 100));
	tquic_ranges_destroy(r);
	KUNIT_EXPECT_TRUE(test, tquic_ranges_add(r, 0));
}

/* Memory is taken for holes only, and goes back when they are filled or forgotten. */
static void ranges_memory(struct kunit *test)
{
	struct tquic_ranges *r = ranges_new(test);
	u64 pn;

	for (pn = 0; pn < TQUIC_RANGES_FEW; pn++)
		tquic_ranges_add(r, 2 * pn);
	KUNIT_EXPECT_PTR_EQ(test, r->r, &r->few[0]);
	tquic_ranges_add(r, 2 * pn);
	KUNIT_EXPECT_PTR_NE(test, r->r, &r->few[0]);
	KUNIT_EXPECT_EQ(test, r->n, TQUIC_RANGES_FEW + 1);
	for (pn = 0; pn < TQUIC_RANGES_FEW; pn++)
		tquic_ranges_add(r, 2 * pn + 1);
	KUNIT_EXPECT_EQ(test, r->n, 1);
	KUNIT_EXPECT_PTR_EQ(test, r->r, &r->few[0]);
	KUNIT_EXPECT_EQ(test, r->r[0].lo, 0);
	KUNIT_EXPECT_EQ(test, r->r[0].hi, 2 * TQUIC_RANGES_FEW);

	for (pn = 50; pn < 50 + TQUIC_RANGES_MAX; pn++)
		tquic_ranges_add(r, 2 * pn);
	KUNIT_EXPECT_PTR_NE(test, r->r, &r->few[0]);
	tquic_ranges_drop_below(r, 2 * pn - 2);
	KUNIT_EXPECT_PTR_EQ(test, r->r, &r->few[0]);
	KUNIT_EXPECT_EQ(test, r->n, 1);
	KUNIT_EXPECT_EQ(test, r->r[0].lo, 2 * pn - 2);
}

#define MODEL	512

static void ranges_check_shape(struct kunit *test, const struct tquic_ranges *r)
{
	u16 i;

	KUNIT_ASSERT_LE(test, r->n, TQUIC_RANGES_MAX);
	for (i = 0; i < r->n; i++) {
		KUNIT_ASSERT_LE(test, r->r[i].lo, r->r[i].hi);
		KUNIT_ASSERT_GE(test, r->r[i].lo, r->floor);
		if (i)
			KUNIT_ASSERT_LT(test, r->r[i].hi + 1, r->r[i - 1].lo);
	}
}

/* Against one bit per number; the floor is the model's too. */
static void ranges_random(struct kunit *test)
{
	struct tquic_ranges *r = ranges_new(test);
	u8 *seen = kunit_kzalloc(test, MODEL, GFP_KERNEL);
	struct rnd_state rnd;
	int round, i;
	u64 pn;

	KUNIT_ASSERT_NOT_NULL(test, seen);
	prandom_seed_state(&rnd, 9000);
	for (round = 0; round < 60; round++) {
		tquic_ranges_destroy(r);
		memset(seen, 0, MODEL);
		for (i = 0; i < 700; i++) {
			bool fresh;

			pn = prandom_u32_state(&rnd) % (round % 2 ? MODEL : 100);
			if (prandom_u32_state(&rnd) % 128 == 0)
				tquic_ranges_drop_below(r, pn / 4);
			fresh = pn >= r->floor && !seen[pn];
			/* Full, and older than anything held. */
			if (fresh && r->n == TQUIC_RANGES_MAX &&
			    pn + 1 < r->r[TQUIC_RANGES_MAX - 1].lo)
				fresh = false;
			KUNIT_ASSERT_EQ(test, tquic_ranges_add(r, pn), fresh);
			if (fresh)
				seen[pn] = 1;
			ranges_check_shape(test, r);
		}
		for (pn = r->floor; pn < MODEL; pn++)
			KUNIT_ASSERT_EQ(test, tquic_ranges_has(r, pn), seen[pn]);
	}
}

static struct kunit_case ranges_cases[] = {
	KUNIT_CASE(ranges_merge),
	KUNIT_CASE(ranges_duplicates),
	KUNIT_CASE(ranges_bounded),
	KUNIT_CASE(ranges_drop),
	KUNIT_CASE(ranges_memory),
	KUNIT_CASE(ranges_random),
	{}
};

static struct kunit_suite ranges_suite = {
	.name = "tquic-ranges",
	.test_cases = ranges_cases,
};

kunit_test_suites(&ranges_suite);
