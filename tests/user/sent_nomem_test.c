// SPDX-License-Identifier: GPL-2.0
/* The sent ring when memory runs out; needs the shim's failure injection. */
#include <kunit/test.h>
#include <linux/errno.h>

#include "core/sent.h"

/* Whichever allocation fails, nothing changes and the next try succeeds. */
static void sent_nomem(struct kunit *test)
{
	struct tquic_sent s;
	long allowed;
	u64 pn;

	for (allowed = 0; allowed <= 8; allowed++) {
		tquic_sent_init(&s);
		KUNIT_ASSERT_NOT_NULL(test, tquic_sent_add(&s, 0));
		tquic_shim_fail_after = allowed;
		/* A larger directory and eight chunks. */
		KUNIT_EXPECT_EQ(test, tquic_sent_reserve(&s, 8 * TQUIC_SENT_CHUNK),
				-ENOMEM);
		KUNIT_EXPECT_NULL(test, tquic_sent_add(&s, 8 * TQUIC_SENT_CHUNK));
		KUNIT_EXPECT_EQ(test, s.next, 1);
		KUNIT_EXPECT_EQ(test, tquic_sent_get(&s, 0)->state, TQUIC_SENT_OUTSTANDING);
		tquic_shim_fail_after = -1;
		KUNIT_EXPECT_EQ(test, tquic_sent_reserve(&s, 8 * TQUIC_SENT_CHUNK), 0);
		/* What was reserved needs no memory any more. */
		tquic_shim_fail_after = 0;
		for (pn = 1; pn <= 8 * TQUIC_SENT_CHUNK; pn++)
			KUNIT_EXPECT_NOT_NULL(test, tquic_sent_add(&s, pn));
		tquic_shim_fail_after = -1;
		tquic_sent_clear(&s);
	}
}

static struct kunit_case sent_nomem_cases[] = {
	KUNIT_CASE(sent_nomem),
	{}
};

static struct kunit_suite sent_nomem_suite = {
	.name = "tquic-sent-nomem",
	.test_cases = sent_nomem_cases,
};

kunit_test_suites(&sent_nomem_suite);
