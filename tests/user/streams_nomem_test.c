// SPDX-License-Identifier: GPL-2.0
/* Streams when allocations fail: errors are reported, nothing leaks, a later try works. */
#include <kunit/test.h>

#include <linux/skbuff.h>

#include "core/rec.h"
#include "core/streams.h"

static const struct tquic_stream_limits limits = {
	.data_bidi_local = 100000,
	.data_bidi_remote = 100000,
	.data_uni = 100000,
	.streams = { 100, 100 },
};

static void nomem_get_remote(struct kunit *test)
{
	struct tquic_streams t;
	struct tquic_stream *s;
	u64 id = 0;
	long n;
	int err;

	tquic_streams_init(&t, true, &limits, 0, 1 << 20);
	/* Upwards with gaps, then downwards into the gaps. */
	for (id = 0; id < 400; id += id < 300 ? 12 : 4) {
		for (n = 0; n < 10; n++) {
			tquic_shim_fail_after = n;
			err = tquic_streams_get(&t, id, TQUIC_STREAM_RX, 0, GFP_ATOMIC, &s);
			tquic_shim_fail_after = -1;
			if (!err)
				break;
			KUNIT_EXPECT_EQ(test, err, -ENOMEM);
			KUNIT_EXPECT_NULL(test, s);
			KUNIT_EXPECT_NULL(test, tquic_streams_find(&t, id));
		}
		KUNIT_ASSERT_NOT_NULL(test, s);
	}
	for (id = 4; id < 300; id += 4) {
		tquic_shim_fail_after = 1;
		err = tquic_streams_get(&t, id, TQUIC_STREAM_RX, 0, GFP_ATOMIC, &s);
		tquic_shim_fail_after = -1;
		err = tquic_streams_get(&t, id, TQUIC_STREAM_RX, 0, GFP_ATOMIC, &s);
		KUNIT_EXPECT_EQ(test, err, 0);
		KUNIT_ASSERT_NOT_NULL(test, s);
	}
	KUNIT_EXPECT_EQ(test, t.count, 100);
	tquic_streams_destroy(&t);
}

static void nomem_open(struct kunit *test)
{
	struct tquic_stream *s = NULL;
	struct tquic_streams t;

	tquic_streams_init(&t, false, &limits, 0, 1 << 20);
	tquic_streams_set_peer(&t, &limits);
	tquic_shim_fail_after = 0;
	KUNIT_EXPECT_EQ(test, tquic_streams_open(&t, false, 0, GFP_KERNEL, &s), -ENOMEM);
	tquic_shim_fail_after = 1;
	KUNIT_EXPECT_EQ(test, tquic_streams_open(&t, false, 0, GFP_KERNEL, &s), -ENOMEM);
	tquic_shim_fail_after = -1;
	KUNIT_EXPECT_EQ(test, tquic_streams_open(&t, false, 0, GFP_KERNEL, &s), 0);
	KUNIT_ASSERT_NOT_NULL(test, s);
	KUNIT_EXPECT_EQ(test, s->id, 0);
	KUNIT_EXPECT_EQ(test, t.count, 1);
	tquic_streams_destroy(&t);
}

static void nomem_reserve(struct kunit *test)
{
	struct tquic_mem mem = { };
	struct tquic_send s;
	u8 *dst;

	tquic_send_init(&s, 1000, &mem);
	tquic_shim_fail_after = 0;
	KUNIT_EXPECT_EQ(test, tquic_send_reserve(&s, 100000, GFP_KERNEL, &dst), -ENOMEM);
	tquic_shim_fail_after = -1;
	KUNIT_EXPECT_EQ(test, mem.used, 0);
	KUNIT_EXPECT_GT(test, tquic_send_reserve(&s, 100000, GFP_KERNEL, &dst), 16000);
	tquic_send_destroy(&s);
	KUNIT_EXPECT_EQ(test, mem.used, 0);
}

static void nomem_insert(struct kunit *test)
{
	static const u8 bytes[20000];
	struct tquic_recv_in in = { .data = bytes, .len = sizeof(bytes), .fin = true };
	struct tquic_recv_delta d;
	struct tquic_mem mem = { .max = 1 << 20 };
	struct tquic_recv r;
	u64 fresh = 0;
	int err, tries = 0;

	tquic_recv_init(&r, 100000, 100000, 0, &mem);
	do {
		/* Each try stores a little more; the credit is counted once. */
		tquic_shim_fail_after = 1;
		err = tquic_recv_insert(&r, &in, GFP_ATOMIC, &d);
		tquic_shim_fail_after = -1;
		fresh += d.fresh;
		tries++;
	} while (err == -ENOMEM && tries < 100);
	KUNIT_EXPECT_EQ(test, err, 0);
	KUNIT_EXPECT_GT(test, tries, 2);
	KUNIT_EXPECT_EQ(test, fresh, sizeof(bytes));
	KUNIT_EXPECT_EQ(test, tquic_recv_readable(&r), sizeof(bytes));
	tquic_recv_destroy(&r);
	KUNIT_EXPECT_EQ(test, mem.used, 0);
}

static int nomem_suite_init(struct kunit_suite *suite)
{
	return tquic_rec_cache_init();
}

static void nomem_suite_exit(struct kunit_suite *suite)
{
	tquic_rec_cache_exit();
}

static struct kunit_case nomem_cases[] = {
	KUNIT_CASE(nomem_get_remote),
	KUNIT_CASE(nomem_open),
	KUNIT_CASE(nomem_reserve),
	KUNIT_CASE(nomem_insert),
	{ }
};

static struct kunit_suite nomem_suite = {
	.name = "tquic_streams_nomem",
	.suite_init = nomem_suite_init,
	.suite_exit = nomem_suite_exit,
	.test_cases = nomem_cases,
};

kunit_test_suites(&nomem_suite);
