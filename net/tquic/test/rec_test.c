// SPDX-License-Identifier: GPL-2.0
/* Records of sent frames: lists, blank state, a cache that several users share. */
#include <kunit/test.h>
#include <linux/string.h>

#include "core/rec.h"

static void rec_list(struct kunit *test)
{
	struct tquic_rec *list = NULL, *rec[3];
	int i;

	KUNIT_EXPECT_NULL(test, tquic_rec_pop(&list));
	for (i = 0; i < 3; i++) {
		rec[i] = tquic_rec_alloc(GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, rec[i]);
		tquic_rec_push(&list, rec[i]);
	}
	for (i = 2; i >= 0; i--) {
		KUNIT_EXPECT_PTR_EQ(test, tquic_rec_pop(&list), rec[i]);
		tquic_rec_free(rec[i]);
	}
	KUNIT_EXPECT_NULL(test, tquic_rec_pop(&list));
}

/* What the last user left in a record is not seen by the next. */
static void rec_is_blank(struct kunit *test)
{
	struct tquic_rec *list = NULL, *rec;
	int i, round;

	for (round = 0; round < 2; round++) {
		for (i = 0; i < 8; i++) {
			rec = tquic_rec_alloc(GFP_KERNEL);
			KUNIT_ASSERT_NOT_NULL(test, rec);
			KUNIT_EXPECT_NULL(test, memchr_inv(rec, 0, sizeof(*rec)));
			memset(rec, 0x5a, sizeof(*rec));
			tquic_rec_push(&list, rec);
		}
		tquic_rec_free_list(list);
		list = NULL;
	}
	tquic_rec_free_list(NULL);
	tquic_rec_free(NULL);
}

/* The cache lasts until the last of its users is gone. */
static void rec_cache_is_shared(struct kunit *test)
{
	struct tquic_rec *rec = tquic_rec_alloc(GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, rec);
	KUNIT_ASSERT_EQ(test, tquic_rec_cache_init(), 0);
	tquic_rec_cache_exit();
	tquic_rec_free(rec);
	rec = tquic_rec_alloc(GFP_KERNEL);
	KUNIT_EXPECT_NOT_NULL(test, rec);
	tquic_rec_free(rec);
}

static int rec_test_init(struct kunit *test)
{
	return tquic_rec_cache_init();
}

static void rec_test_exit(struct kunit *test)
{
	tquic_rec_cache_exit();
}

static struct kunit_case rec_cases[] = {
	KUNIT_CASE(rec_list),
	KUNIT_CASE(rec_is_blank),
	KUNIT_CASE(rec_cache_is_shared),
	{}
};

static struct kunit_suite rec_suite = {
	.name = "tquic-rec",
	.init = rec_test_init,
	.exit = rec_test_exit,
	.test_cases = rec_cases,
};

kunit_test_suites(&rec_suite);
