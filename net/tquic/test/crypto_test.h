/* SPDX-License-Identifier: GPL-2.0 */
/* What the suites of the crypto layer share. */
#ifndef TQUIC_TEST_CRYPTO_TEST_H
#define TQUIC_TEST_CRYPTO_TEST_H

#include <kunit/resource.h>
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/hex.h>
#include <linux/string.h>

#include "core/version.h"
#include "crypto/keys.h"
#include "crypto/seal.h"

/* Room behind the bytes of a vector, enough for a tag. */
#define TQUIC_TEST_ROOM	64

/* Secret of RFC 9001 §A.5, good for any test with a 32-byte secret. */
#define TQUIC_TEST_SECRET \
	"9ac312a7f877468ebe69422748ad00a15443f18203a07d6060f688f30f21632b"

/* Bytes of a hexadecimal string, in memory that ends with the test. */
static inline u8 *tquic_test_hex(struct kunit *test, const char *hex)
{
	size_t len = strlen(hex) / 2;
	u8 *p = kunit_kzalloc(test, len + TQUIC_TEST_ROOM, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_ASSERT_EQ(test, hex2bin(p, hex, len), 0);
	return p;
}

#define TQUIC_TEST_EXPECT_HEX(test, p, hex) \
	KUNIT_EXPECT_MEMEQ(test, p, tquic_test_hex(test, hex), \
			   strlen(hex) / 2)

static inline void tquic_test_put_keys(void *keys)
{
	tquic_keys_put(keys);
}

/* Keeps a reference until the test ends. */
static inline struct tquic_keys *tquic_test_hold(struct kunit *test,
						 struct tquic_keys *keys)
{
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, keys);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test,
							tquic_test_put_keys, keys), 0);
	return keys;
}

static inline struct tquic_keys *tquic_test_keys(struct kunit *test, u16 suite,
						 u32 version,
						 const char *secret)
{
	const struct tquic_suite *s = tquic_suite_find(suite);

	KUNIT_ASSERT_NOT_NULL(test, s);
	KUNIT_ASSERT_EQ(test, strlen(secret) / 2, s->hash_len);
	return tquic_test_hold(test,
			       tquic_keys_create(s, tquic_version_find(version),
						 tquic_test_hex(test, secret)));
}

/**
 * struct tquic_test_wait - turns an asynchronous operation into a call
 * @done: signalled at its end
 * @err: result
 * @async: operations that ended later
 */
struct tquic_test_wait {
	struct completion done;
	int err;
	int async;
};

static inline void tquic_test_done(void *arg, int err)
{
	struct tquic_test_wait *w = arg;

	w->err = err;
	complete(&w->done);
}

static inline int tquic_test_result(struct tquic_test_wait *w, int err)
{
	if (err != -EINPROGRESS)
		return err;
	w->async++;
	wait_for_completion(&w->done);
	return w->err;
}

static inline int tquic_test_open(struct tquic_keys *keys, u32 path_id, u64 pn,
				  u8 *pkt, u32 hdr_len, u32 pkt_len)
{
	struct tquic_test_wait w = {};

	init_completion(&w.done);
	return tquic_test_result(&w, tquic_aead_open(keys, path_id, pn, pkt,
						     hdr_len, pkt_len,
						     tquic_test_done, &w));
}

static inline int tquic_test_seal(struct tquic_keys *keys, u32 path_id, u64 pn,
				  u8 *pkt, u32 hdr_len, u32 plain_len)
{
	struct tquic_test_wait w = {};

	init_completion(&w.done);
	return tquic_test_result(&w, tquic_pkt_seal(keys, path_id, pn, pkt,
						    hdr_len, plain_len,
						    tquic_test_done, &w));
}

#endif /* TQUIC_TEST_CRYPTO_TEST_H */
