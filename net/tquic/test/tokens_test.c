// SPDX-License-Identifier: GPL-2.0
/* Tokens and their keys: bound to the client, fresh, under keys that change. */
#include <kunit/test.h>
#include "crypto/token.h"

#define TOKENS_NOW_S	1000000ULL

struct tokens_test {
	struct tquic_tokens ts;
	struct tquic_token_bind bind;
	struct tquic_cid odcid;
	u8 token[TQUIC_TOKEN_OWN_MAX_LEN];
	int len;
};

static int tokens_init(struct kunit *test)
{
	struct tokens_test *tt = kunit_kzalloc(test, sizeof(*tt), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, tt);
	KUNIT_ASSERT_EQ(test, tquic_tokens_init(&tt->ts), 0);
	tt->bind.ip[15] = 9;
	tt->bind.port = htons(4433);
	tt->bind.rscid = (struct tquic_cid) { .len = 8, .id = "retryscid" };
	tt->odcid = (struct tquic_cid) { .len = 20, .id = "original destination" };
	test->priv = tt;
	return 0;
}

static void tokens_exit(struct kunit *test)
{
	struct tokens_test *tt = test->priv;

	if (tt)
		tquic_tokens_destroy(&tt->ts);
}

static void tokens_make(struct kunit *test, enum tquic_token_kind kind, u64 now_s)
{
	struct tokens_test *tt = test->priv;

	tt->len = tquic_tokens_make(&tt->ts, kind, &tt->odcid, &tt->bind, now_s, tt->token);
	KUNIT_ASSERT_GT(test, tt->len, 0);
}

static int tokens_check(struct kunit *test, u64 now_s)
{
	struct tokens_test *tt = test->priv;
	struct tquic_token t;
	int ret;

	ret = tquic_tokens_check(&tt->ts, tt->token, tt->len, &tt->bind, now_s, &t);
	if (!ret && t.kind == TQUIC_TOKEN_RETRY)
		KUNIT_EXPECT_TRUE(test, tquic_cid_equal(&t.odcid, &tt->odcid));
	return ret;
}

static void tokens_every_bit_counts(struct kunit *test)
{
	struct tokens_test *tt = test->priv;
	int kind, i;

	for (kind = 0; kind < 2; kind++) {
		tokens_make(test, kind ? TQUIC_TOKEN_NEW : TQUIC_TOKEN_RETRY, TOKENS_NOW_S);
		KUNIT_EXPECT_EQ(test, tokens_check(test, TOKENS_NOW_S), 0);
		for (i = 0; i < tt->len * 8; i++) {
			tt->token[i / 8] ^= 1 << i % 8;
			KUNIT_EXPECT_NE(test, tokens_check(test, TOKENS_NOW_S), 0);
			tt->token[i / 8] ^= 1 << i % 8;
		}
		tt->token[tt->len - 1] ^= 1;
		KUNIT_EXPECT_EQ(test, tokens_check(test, TOKENS_NOW_S), -EBADMSG);
		tt->len--;
		KUNIT_EXPECT_EQ(test, tokens_check(test, TOKENS_NOW_S), -ENOENT);
	}
}

static void tokens_are_bound(struct kunit *test)
{
	struct tokens_test *tt = test->priv;
	int new;

	for (new = 0; new < 2; new++) {
		tokens_make(test, new ? TQUIC_TOKEN_NEW : TQUIC_TOKEN_RETRY, TOKENS_NOW_S);
		tt->bind.ip[0] ^= 1;
		KUNIT_EXPECT_EQ(test, tokens_check(test, TOKENS_NOW_S), -EBADMSG);
		tt->bind.ip[0] ^= 1;
		tt->bind.version ^= 1;
		KUNIT_EXPECT_EQ(test, tokens_check(test, TOKENS_NOW_S), -EBADMSG);
		tt->bind.version ^= 1;
		/* A later connection comes from another port, to an id of its own. */
		tt->bind.port ^= htons(1);
		KUNIT_EXPECT_EQ(test, tokens_check(test, TOKENS_NOW_S), new ? 0 : -EBADMSG);
		tt->bind.port ^= htons(1);
		tt->bind.rscid.id[7] ^= 1;
		KUNIT_EXPECT_EQ(test, tokens_check(test, TOKENS_NOW_S), new ? 0 : -EBADMSG);
		tt->bind.rscid.id[7] ^= 1;
		KUNIT_EXPECT_EQ(test, tokens_check(test, TOKENS_NOW_S), 0);
	}
}

static void tokens_expire(struct kunit *test)
{
	tokens_make(test, TQUIC_TOKEN_RETRY, TOKENS_NOW_S);
	KUNIT_EXPECT_EQ(test, tokens_check(test, TOKENS_NOW_S + TQUIC_TOKEN_RETRY_S), 0);
	KUNIT_EXPECT_EQ(test, tokens_check(test, TOKENS_NOW_S + TQUIC_TOKEN_RETRY_S + 1), -ETIME);
	/* One from the future was made by another clock. */
	KUNIT_EXPECT_EQ(test, tokens_check(test, TOKENS_NOW_S - 1), -ETIME);
	tokens_make(test, TQUIC_TOKEN_NEW, TOKENS_NOW_S);
	KUNIT_EXPECT_EQ(test, tokens_check(test, TOKENS_NOW_S + TQUIC_TOKEN_NEW_S), 0);
	KUNIT_EXPECT_EQ(test, tokens_check(test, TOKENS_NOW_S + TQUIC_TOKEN_NEW_S + 1), -ETIME);
}

static void tokens_keys_rotate(struct kunit *test)
{
	struct tokens_test *tt = test->priv;
	u64 now = TOKENS_NOW_S;
	u8 gen;

	tokens_make(test, TQUIC_TOKEN_NEW, now);
	gen = tt->ts.gen;
	/* Under the second key the first is still good, under the third not. */
	now += TQUIC_TOKEN_NEW_S;
	KUNIT_EXPECT_EQ(test, tokens_check(test, now), 0);
	KUNIT_EXPECT_EQ(test, tt->ts.gen, (u8)(gen + 1));
	now += TQUIC_TOKEN_NEW_S;
	KUNIT_EXPECT_EQ(test, tokens_check(test, now), -ETIME);
	KUNIT_EXPECT_EQ(test, tt->ts.gen, (u8)(gen + 2));
	/* After a long silence both keys are new. */
	tokens_make(test, TQUIC_TOKEN_NEW, now);
	KUNIT_EXPECT_EQ(test, tokens_check(test, now + 3 * TQUIC_TOKEN_NEW_S), -EBADMSG);
}

static void tokens_of_another_namespace(struct kunit *test)
{
	struct tokens_test *tt = test->priv;
	struct tquic_tokens other;
	struct tquic_token t;

	KUNIT_ASSERT_EQ(test, tquic_tokens_init(&other), 0);
	tokens_make(test, TQUIC_TOKEN_NEW, TOKENS_NOW_S);
	KUNIT_EXPECT_EQ(test, tquic_tokens_check(&other, tt->token, tt->len, &tt->bind,
						 TOKENS_NOW_S, &t), -EBADMSG);
	tquic_tokens_destroy(&other);
}

static struct kunit_case tokens_cases[] = {
	KUNIT_CASE(tokens_every_bit_counts),
	KUNIT_CASE(tokens_are_bound),
	KUNIT_CASE(tokens_expire),
	KUNIT_CASE(tokens_keys_rotate),
	KUNIT_CASE(tokens_of_another_namespace),
	{}
};

static struct kunit_suite tokens_suite = {
	.name = "tquic-tokens",
	.init = tokens_init,
	.exit = tokens_exit,
	.test_cases = tokens_cases,
};

kunit_test_suites(&tokens_suite);
