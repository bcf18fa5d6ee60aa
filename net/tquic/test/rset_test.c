// SPDX-License-Identifier: GPL-2.0
/* KUnit suite of the range sets. */
#include <kunit/test.h>
#include <linux/limits.h>
#include <linux/prandom.h>

#include "core/rec.h"
#include "core/rset.h"

#define MODEL_SIZE	256U
#define MODEL_STEPS	4000U

static void add(struct kunit *test, struct rb_root *root, u64 lo, u64 hi)
{
	struct tquic_rec *rec = tquic_rec_alloc(GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, rec);
	tquic_rset_add(root, rec, lo, hi);
}

static bool cut(struct kunit *test, struct rb_root *root, u64 lo, u64 hi)
{
	struct tquic_rec *rec = tquic_rec_alloc(GFP_KERNEL);
	bool done;

	KUNIT_ASSERT_NOT_NULL(test, rec);
	done = tquic_rset_cut(root, lo, hi, &rec);
	tquic_rec_free(rec);
	return done;
}

static void expect_next(struct kunit *test, struct rb_root *root, u64 from, u64 lo, u64 hi)
{
	u64 got_lo, got_hi;

	KUNIT_ASSERT_TRUE(test, tquic_rset_next(root, from, &got_lo, &got_hi));
	KUNIT_EXPECT_EQ(test, got_lo, lo);
	KUNIT_EXPECT_EQ(test, got_hi, hi);
}

static void rset_merges_neighbours(struct kunit *test)
{
	struct rb_root root = RB_ROOT;
	u64 lo, hi;

	add(test, &root, 10, 20);
	add(test, &root, 30, 40);
	expect_next(test, &root, 0, 10, 20);
	expect_next(test, &root, 19, 10, 20);
	expect_next(test, &root, 20, 30, 40);
	add(test, &root, 20, 30);
	expect_next(test, &root, 0, 10, 40);
	KUNIT_EXPECT_FALSE(test, tquic_rset_next(&root, 40, &lo, &hi));
	add(test, &root, 5, 100);
	expect_next(test, &root, 0, 5, 100);
	add(test, &root, 7, 7);
	add(test, &root, 50, 60);
	expect_next(test, &root, 0, 5, 100);
	tquic_rset_free(&root);
	KUNIT_EXPECT_TRUE(test, RB_EMPTY_ROOT(&root));
}

static void rset_merge_swallows_many(struct kunit *test)
{
	struct rb_root root = RB_ROOT;
	u64 i;

	for (i = 0; i < 50; i++)
		add(test, &root, 10 * i, 10 * i + 5);
	add(test, &root, 3, 402);
	expect_next(test, &root, 0, 0, 405);
	expect_next(test, &root, 405, 410, 415);
	tquic_rset_free(&root);
}

static void rset_ranges_are_64_bits(struct kunit *test)
{
	struct rb_root root = RB_ROOT;
	u64 big = 1ULL << 61, lo, hi;

	add(test, &root, 0, big);
	add(test, &root, big, big + 5);
	expect_next(test, &root, 1ULL << 40, 0, big + 5);
	add(test, &root, U64_MAX - 1, U64_MAX);
	expect_next(test, &root, U64_MAX - 1, U64_MAX - 1, U64_MAX);
	KUNIT_EXPECT_FALSE(test, tquic_rset_next(&root, U64_MAX, &lo, &hi));
	KUNIT_EXPECT_EQ(test, tquic_rset_contig(&root, 7), big + 5);
	tquic_rset_free(&root);
}

static void rset_cut_splits_with_spare_only(struct kunit *test)
{
	struct rb_root root = RB_ROOT;
	struct tquic_rec *none = NULL;

	add(test, &root, 0, 100);
	KUNIT_EXPECT_FALSE(test, tquic_rset_cut(&root, 40, 60, &none));
	expect_next(test, &root, 0, 0, 100);
	/* An empty hole splits as well, but not where a range ends, or behind all. */
	KUNIT_EXPECT_FALSE(test, tquic_rset_cut(&root, 50, 50, &none));
	KUNIT_EXPECT_TRUE(test, tquic_rset_cut(&root, 0, 0, &none));
	KUNIT_EXPECT_TRUE(test, tquic_rset_cut(&root, 100, 100, &none));
	KUNIT_EXPECT_TRUE(test, tquic_rset_cut(&root, 200, 200, &none));
	KUNIT_EXPECT_TRUE(test, cut(test, &root, 50, 50));
	expect_next(test, &root, 0, 0, 50);
	expect_next(test, &root, 50, 50, 100);
	KUNIT_EXPECT_TRUE(test, cut(test, &root, 40, 60));
	expect_next(test, &root, 0, 0, 40);
	expect_next(test, &root, 40, 60, 100);
	KUNIT_EXPECT_TRUE(test, tquic_rset_cut(&root, 30, 70, &none));
	expect_next(test, &root, 0, 0, 30);
	expect_next(test, &root, 30, 70, 100);
	KUNIT_EXPECT_TRUE(test, tquic_rset_cut(&root, 0, 1000, &none));
	KUNIT_EXPECT_TRUE(test, RB_EMPTY_ROOT(&root));
}

static void rset_trim_and_cover(struct kunit *test)
{
	struct rb_root root = RB_ROOT;

	add(test, &root, 10, 20);
	add(test, &root, 30, 40);
	KUNIT_EXPECT_TRUE(test, tquic_rset_covers(&root, 10, 20));
	KUNIT_EXPECT_TRUE(test, tquic_rset_covers(&root, 25, 25));
	KUNIT_EXPECT_FALSE(test, tquic_rset_covers(&root, 10, 21));
	KUNIT_EXPECT_FALSE(test, tquic_rset_covers(&root, 9, 20));
	KUNIT_EXPECT_FALSE(test, tquic_rset_covers(&root, 15, 35));
	KUNIT_EXPECT_EQ(test, tquic_rset_contig(&root, 10), 20);
	KUNIT_EXPECT_EQ(test, tquic_rset_contig(&root, 20), 20);
	tquic_rset_trim_below(&root, 15);
	expect_next(test, &root, 0, 15, 20);
	tquic_rset_trim_below(&root, 30);
	expect_next(test, &root, 0, 30, 40);
	tquic_rset_trim_below(&root, 40);
	KUNIT_EXPECT_TRUE(test, RB_EMPTY_ROOT(&root));
}

/* Length of the run of equal values at @from. */
static u64 model_run(const u8 *model, u64 from)
{
	u64 to = from;

	while (to < MODEL_SIZE && model[to] == model[from])
		to++;
	return to;
}

static void model_compare(struct kunit *test, struct rb_root *root, const u8 *model)
{
	u64 at = 0, lo, hi;

	while (at < MODEL_SIZE) {
		if (!model[at]) {
			at = model_run(model, at);
			continue;
		}
		KUNIT_ASSERT_TRUE(test, tquic_rset_next(root, at, &lo, &hi));
		KUNIT_ASSERT_EQ(test, lo, at);
		KUNIT_ASSERT_EQ(test, hi, model_run(model, at));
		KUNIT_ASSERT_EQ(test, tquic_rset_contig(root, (lo + hi) / 2), hi);
		at = hi;
	}
	KUNIT_ASSERT_FALSE(test, tquic_rset_next(root, MODEL_SIZE, &lo, &hi));
}

static void rset_matches_model(struct kunit *test)
{
	u8 *model = kunit_kzalloc(test, MODEL_SIZE, GFP_KERNEL);
	struct rb_root root = RB_ROOT;
	struct rnd_state rnd;
	u32 step, lo, hi;

	KUNIT_ASSERT_NOT_NULL(test, model);
	prandom_seed_state(&rnd, 0x7157);
	for (step = 0; step < MODEL_STEPS; step++) {
		lo = prandom_u32_state(&rnd) % MODEL_SIZE;
		hi = min(lo + 1 + prandom_u32_state(&rnd) % 24, MODEL_SIZE);
		switch (prandom_u32_state(&rnd) % 16) {
		case 0:
			tquic_rset_trim_below(&root, lo / 4);
			memset(model, 0, lo / 4);
			break;
		case 1 ... 6:
			KUNIT_ASSERT_TRUE(test, cut(test, &root, lo, hi));
			memset(model + lo, 0, hi - lo);
			break;
		default:
			add(test, &root, lo, hi);
			memset(model + lo, 1, hi - lo);
		}
		model_compare(test, &root, model);
	}
	tquic_rset_free(&root);
}

static int rset_suite_init(struct kunit_suite *suite)
{
	return tquic_rec_cache_init();
}

static void rset_suite_exit(struct kunit_suite *suite)
{
	tquic_rec_cache_exit();
}

static struct kunit_case rset_cases[] = {
	KUNIT_CASE(rset_merges_neighbours),
	KUNIT_CASE(rset_merge_swallows_many),
	KUNIT_CASE(rset_ranges_are_64_bits),
	KUNIT_CASE(rset_cut_splits_with_spare_only),
	KUNIT_CASE(rset_trim_and_cover),
	KUNIT_CASE(rset_matches_model),
	{ }
};

static struct kunit_suite rset_suite = {
	.name = "tquic_rset",
	.suite_init = rset_suite_init,
	.suite_exit = rset_suite_exit,
	.test_cases = rset_cases,
};

kunit_test_suites(&rset_suite);
