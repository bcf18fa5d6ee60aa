// SPDX-License-Identifier: GPL-2.0
/* Rate limit: burst, refill, never more than full. */
#include <kunit/test.h>
#include "core/bucket.h"

#define BUCKET_START_NS	1000000ULL

static u32 bucket_test_drain(struct tquic_bucket *b, u64 now)
{
	u32 n = 0;

	while (n < 1000 && tquic_bucket_take(b, 100, 5, now))
		n++;
	return n;
}

static void bucket_test_burst(struct kunit *test)
{
	struct tquic_bucket b = {};

	KUNIT_EXPECT_EQ(test, bucket_test_drain(&b, BUCKET_START_NS), 5);
	KUNIT_EXPECT_EQ(test, bucket_test_drain(&b, BUCKET_START_NS), 0);
	KUNIT_EXPECT_EQ(test, bucket_test_drain(&b, BUCKET_START_NS + 99), 0);
	KUNIT_EXPECT_EQ(test, bucket_test_drain(&b, BUCKET_START_NS + 100), 1);
	KUNIT_EXPECT_EQ(test, bucket_test_drain(&b, BUCKET_START_NS + 399), 2);
	KUNIT_EXPECT_EQ(test, bucket_test_drain(&b, BUCKET_START_NS + 400), 1);
}

static void bucket_test_not_overfull(struct kunit *test)
{
	struct tquic_bucket b = {};

	KUNIT_EXPECT_TRUE(test, tquic_bucket_take(&b, 100, 5, BUCKET_START_NS));
	KUNIT_EXPECT_EQ(test, bucket_test_drain(&b, 1000 * BUCKET_START_NS), 5);
}

static struct kunit_case bucket_test_cases[] = {
	KUNIT_CASE(bucket_test_burst),
	KUNIT_CASE(bucket_test_not_overfull),
	{}
};

static struct kunit_suite bucket_test_suite = {
	.name = "tquic-bucket",
	.test_cases = bucket_test_cases,
};

kunit_test_suites(&bucket_test_suite);
