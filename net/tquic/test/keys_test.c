// SPDX-License-Identifier: GPL-2.0
/* Cipher suites and generations of keys. */
#include "crypto/keys.h"
#include "crypto/suite.h"
#include "test/crypto_test.h"

static void suite_test_find(struct kunit *test)
{
	const struct tquic_suite *s;

	s = tquic_suite_find(TQUIC_SUITE_AES_128_GCM);
	KUNIT_ASSERT_NOT_NULL(test, s);
	KUNIT_EXPECT_EQ(test, s->key_len, 16);
	KUNIT_EXPECT_EQ(test, s->hash_len, 32);
	s = tquic_suite_find(TQUIC_SUITE_AES_256_GCM);
	KUNIT_ASSERT_NOT_NULL(test, s);
	KUNIT_EXPECT_EQ(test, s->key_len, 32);
	KUNIT_EXPECT_EQ(test, s->hash_len, 48);
	s = tquic_suite_find(TQUIC_SUITE_CHACHA20_POLY1305);
	KUNIT_ASSERT_NOT_NULL(test, s);
	KUNIT_EXPECT_EQ(test, s->key_len, 32);
	KUNIT_EXPECT_EQ(test, s->hash_len, 32);
	/* AES-CCM is not spoken, AES-CCM-8 is forbidden */
	KUNIT_EXPECT_NULL(test, tquic_suite_find(0x1304));
	KUNIT_EXPECT_NULL(test, tquic_suite_find(0x1305));
	KUNIT_EXPECT_NULL(test, tquic_suite_find(0));
}

/* RFC 9001 §6.6 */
static void suite_test_limits(struct kunit *test)
{
	const struct tquic_suite *s;

	s = tquic_suite_find(TQUIC_SUITE_AES_128_GCM);
	KUNIT_EXPECT_EQ(test, s->seal_limit, 8388608ULL);
	KUNIT_EXPECT_EQ(test, s->fail_limit, 4503599627370496ULL);
	s = tquic_suite_find(TQUIC_SUITE_AES_256_GCM);
	KUNIT_EXPECT_EQ(test, s->seal_limit, 8388608ULL);
	KUNIT_EXPECT_EQ(test, s->fail_limit, 4503599627370496ULL);
	s = tquic_suite_find(TQUIC_SUITE_CHACHA20_POLY1305);
	KUNIT_EXPECT_GE(test, s->seal_limit, 1ULL << 62);
	KUNIT_EXPECT_EQ(test, s->fail_limit, 68719476736ULL);
}

/* RFC 9001 §A.1, §A.5 and RFC 9369 §A.5 */
static void keys_test_create(struct kunit *test)
{
	struct tquic_keys *keys;

	keys = tquic_test_keys(test, TQUIC_SUITE_AES_128_GCM, TQUIC_VERSION_1,
			       "c00cf151ca5be075ed0ebfb5c80323c42d6b7db67881289af4008f1f6c357aea");
	TQUIC_TEST_EXPECT_HEX(test, keys->iv, "fa044b2f42a3fd3b46fb255c");
	KUNIT_EXPECT_EQ(test, keys->gen, 0U);
	KUNIT_EXPECT_FALSE(test, tquic_keys_phase(keys));
	KUNIT_EXPECT_EQ(test, atomic64_read(&keys->sealed), 0LL);

	keys = tquic_test_keys(test, TQUIC_SUITE_CHACHA20_POLY1305,
			       TQUIC_VERSION_1, TQUIC_TEST_SECRET);
	TQUIC_TEST_EXPECT_HEX(test, keys->iv, "e0459b3474bdd0e44a41c144");

	keys = tquic_test_keys(test, TQUIC_SUITE_CHACHA20_POLY1305,
			       TQUIC_VERSION_2, TQUIC_TEST_SECRET);
	TQUIC_TEST_EXPECT_HEX(test, keys->iv, "a6b5bc6ab7dafce30ffff5dd");
}

static void keys_expect_ku(struct kunit *test, u32 version, const char *ku)
{
	struct tquic_keys *keys, *next, *after;

	keys = tquic_test_keys(test, TQUIC_SUITE_CHACHA20_POLY1305, version,
			       TQUIC_TEST_SECRET);
	next = tquic_test_hold(test, tquic_keys_next(keys));
	TQUIC_TEST_EXPECT_HEX(test, next->secret, ku);
	KUNIT_EXPECT_EQ(test, next->gen, 1U);
	KUNIT_EXPECT_TRUE(test, tquic_keys_phase(next));
	KUNIT_EXPECT_PTR_EQ(test, next->hp, keys->hp);
	KUNIT_EXPECT_NE(test, memcmp(next->iv, keys->iv, TQUIC_IV_LEN), 0);

	after = tquic_test_hold(test, tquic_keys_next(next));
	KUNIT_EXPECT_EQ(test, after->gen, 2U);
	KUNIT_EXPECT_FALSE(test, tquic_keys_phase(after));
	KUNIT_EXPECT_PTR_EQ(test, after->hp, keys->hp);
	KUNIT_EXPECT_NE(test, memcmp(after->secret, next->secret, 32), 0);
}

static void keys_test_next(struct kunit *test)
{
	keys_expect_ku(test, TQUIC_VERSION_1,
		       "1223504755036d556342ee9361d253421a826c9ecdf3c7148684b36b714881f9");
	keys_expect_ku(test, TQUIC_VERSION_2,
		       "c69374c49e3d2a9466fa689e49d476db5d0dfbc87d32ceeaa6343fd0ae4c7d88");
}

static void keys_test_update_due(struct kunit *test)
{
	struct tquic_keys *keys;

	keys = tquic_test_keys(test, TQUIC_SUITE_AES_128_GCM, TQUIC_VERSION_1,
			       TQUIC_TEST_SECRET);
	KUNIT_EXPECT_FALSE(test, tquic_keys_update_due(keys));
	atomic64_set(&keys->sealed, (1 << 23) - (1 << 20) - 1);
	KUNIT_EXPECT_FALSE(test, tquic_keys_update_due(keys));
	atomic64_inc(&keys->sealed);
	KUNIT_EXPECT_TRUE(test, tquic_keys_update_due(keys));

	keys = tquic_test_keys(test, TQUIC_SUITE_CHACHA20_POLY1305,
			       TQUIC_VERSION_1, TQUIC_TEST_SECRET);
	atomic64_set(&keys->sealed, 1LL << 62);
	KUNIT_EXPECT_FALSE(test, tquic_keys_update_due(keys));
}

static void keys_test_refs(struct kunit *test)
{
	const struct tquic_suite *s =
		tquic_suite_find(TQUIC_SUITE_AES_128_GCM);
	const u8 *secret = tquic_test_hex(test, TQUIC_TEST_SECRET);
	struct tquic_keys *keys;

	keys = tquic_keys_create(s, tquic_version_find(TQUIC_VERSION_1),
				 secret);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, keys);
	KUNIT_EXPECT_TRUE(test, tquic_keys_get(keys));
	tquic_keys_put(keys);
	/* a reader that found the keys just before they went gets none */
	rcu_read_lock();
	tquic_keys_put(keys);
	KUNIT_EXPECT_FALSE(test, tquic_keys_get(keys));
	rcu_read_unlock();
	tquic_keys_put(NULL);
}

static struct kunit_case suite_cases[] = {
	KUNIT_CASE(suite_test_find),
	KUNIT_CASE(suite_test_limits),
	{}
};

static struct kunit_suite suite_suite = {
	.name = "tquic_suite",
	.test_cases = suite_cases,
};

static struct kunit_case keys_cases[] = {
	KUNIT_CASE(keys_test_create),
	KUNIT_CASE(keys_test_next),
	KUNIT_CASE(keys_test_update_due),
	KUNIT_CASE(keys_test_refs),
	{}
};

static struct kunit_suite keys_suite = {
	.name = "tquic_keys",
	.test_cases = keys_cases,
};

kunit_test_suites(&suite_suite, &keys_suite);
