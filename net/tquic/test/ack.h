/* SPDX-License-Identifier: GPL-2.0 */
/* Builds ACK frames for suites, through the encoder and the parser. */
#ifndef TQUIC_TEST_ACK_H
#define TQUIC_TEST_ACK_H

#include <kunit/test.h>

#include "core/frame.h"
#include "core/ranges.h"

/**
 * struct tquic_test_ack - an ACK frame under construction
 * @ranges: packet numbers to acknowledge
 * @frame: the result; points into @buf
 * @buf: the encoded frame
 */
struct tquic_test_ack {
	struct tquic_ranges ranges;
	struct tquic_frame frame;
	u8 buf[1200];
};

static inline void tquic_test_ack_free(void *ranges)
{
	tquic_ranges_destroy(ranges);
}

static inline struct tquic_test_ack *tquic_test_ack_new(struct kunit *test)
{
	struct tquic_test_ack *a = kunit_kzalloc(test, sizeof(*a), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, a);
	tquic_ranges_init(&a->ranges);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, tquic_test_ack_free,
						  &a->ranges));
	return a;
}

static inline void tquic_test_ack_add(struct tquic_test_ack *a, u64 lo, u64 hi)
{
	for (; lo <= hi; lo++)
		tquic_ranges_add(&a->ranges, lo);
}

static inline const struct tquic_frame *
tquic_test_ack_frame(struct kunit *test, struct tquic_test_ack *a,
		     const struct tquic_ecn_counts *ecn)
{
	struct tquic_wbuf w = { .p = a->buf, .end = a->buf + sizeof(a->buf) };
	struct tquic_rbuf r = { .p = a->buf };

	KUNIT_ASSERT_TRUE(test, tquic_frame_put_ack(&w, &a->ranges, 0, ecn,
						    TQUIC_PATH_ID_NONE));
	r.end = w.p;
	KUNIT_ASSERT_EQ(test, tquic_frame_parse(&r, &a->frame), 0);
	return &a->frame;
}

/* The frame that acknowledges @lo to @hi and nothing else. */
static inline const struct tquic_frame *
tquic_test_ack_one(struct kunit *test, struct tquic_test_ack *a, u64 lo, u64 hi)
{
	tquic_ranges_destroy(&a->ranges);
	tquic_test_ack_add(a, lo, hi);
	return tquic_test_ack_frame(test, a, NULL);
}

#endif /* TQUIC_TEST_ACK_H */
