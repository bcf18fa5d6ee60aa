// SPDX-License-Identifier: GPL-2.0
/* Whole packets: published vectors, forgeries, limits, asynchronous ciphers. */
#include <crypto/aead.h>

#include "core/proto.h"
#include "crypto/hp.h"
#include "crypto/kdf.h"
#include "test/crypto_test.h"
#include "test/crypto_vectors.h"

/* draft-ietf-quic-multipath §2.4, kept in RFC 10069 */
static void seal_test_nonce(struct kunit *test)
{
	struct tquic_keys keys = {};
	u8 nonce[TQUIC_IV_LEN];

	memcpy(keys.iv, tquic_test_hex(test, "6b26114b9cba2b63a9e8dd4f"), 12);
	tquic_aead_nonce(&keys, 3, 54321, nonce);
	TQUIC_TEST_EXPECT_HEX(test, nonce, "6b2611489cba2b63a9e8097e");
	/* RFC 9001 §A.5: path 0 is plain QUIC */
	memcpy(keys.iv, tquic_test_hex(test, "e0459b3474bdd0e44a41c144"), 12);
	tquic_aead_nonce(&keys, 0, 654360564, nonce);
	TQUIC_TEST_EXPECT_HEX(test, nonce, "e0459b3474bdd0e46d417eb0");
	memset(keys.iv, 0, sizeof(keys.iv));
	tquic_aead_nonce(&keys, U32_MAX, TQUIC_PN_MAX, nonce);
	TQUIC_TEST_EXPECT_HEX(test, nonce, "ffffffff3fffffffffffffff");
}

struct seal_vector {
	u16 suite;
	u32 version;
	u32 path_id;
	const char *secret;
	const char *hdr;
	const char *plain;
	const char *pkt;
	u32 plain_len;		/* 0: as long as @plain */
	u8 pn_off;
	u8 pn_len;
	u64 pn;
};

#define SEAL_SECRET_384	"000102030405060708090a0b0c0d0e0f1011121314151617" \
			"18191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f"
#define SEAL_PLAIN_24	"000102030405060708090a0b0c0d0e0f1011121314151617"

static const struct seal_vector seal_vectors[] = {
	{	/* RFC 9001 §A.2 */
		TQUIC_SUITE_AES_128_GCM, TQUIC_VERSION_1, 0,
		"c00cf151ca5be075ed0ebfb5c80323c42d6b7db67881289af4008f1f6c357aea",
		VEC_V1_CLIENT_HDR, VEC_CLIENT_FRAME, VEC_V1_CLIENT_PKT,
		VEC_CLIENT_PLAIN_LEN, 18, 4, 2,
	}, {	/* RFC 9001 §A.3 */
		TQUIC_SUITE_AES_128_GCM, TQUIC_VERSION_1, 0,
		"3c199828fd139efd216c155ad844cc81fb82fa8d7446fa7d78be803acdda951b",
		VEC_V1_SERVER_HDR, VEC_SERVER_PLAIN, VEC_V1_SERVER_PKT,
		0, 18, 2, 1,
	}, {	/* RFC 9001 §A.5 */
		TQUIC_SUITE_CHACHA20_POLY1305, TQUIC_VERSION_1, 0,
		TQUIC_TEST_SECRET, "4200bff4", "01",
		"4cfe4189655e5cd55c41f69080575d7999c25a5bfb",
		0, 1, 3, 654360564,
	}, {	/* RFC 9369 §A.2 */
		TQUIC_SUITE_AES_128_GCM, TQUIC_VERSION_2, 0,
		"14ec9d6eb9fd7af83bf5a668bc17a7e283766aade7ecd0891f70f9ff7f4bf47b",
		VEC_V2_CLIENT_HDR, VEC_CLIENT_FRAME, VEC_V2_CLIENT_PKT,
		VEC_CLIENT_PLAIN_LEN, 18, 4, 2,
	}, {	/* RFC 9369 §A.3 */
		TQUIC_SUITE_AES_128_GCM, TQUIC_VERSION_2, 0,
		"0263db1782731bf4588e7e4d93b7463907cb8cd8200b5da55a8bd488eafc37c1",
		VEC_V2_SERVER_HDR, VEC_SERVER_PLAIN, VEC_V2_SERVER_PKT,
		0, 18, 2, 1,
	}, {	/* RFC 9369 §A.5 */
		TQUIC_SUITE_CHACHA20_POLY1305, TQUIC_VERSION_2, 0,
		TQUIC_TEST_SECRET, "4200bff4", "01",
		"5558b1c60ae7b6b932bc27d786f4bc2bb20f2162ba",
		0, 1, 3, 654360564,
	}, {	/* computed apart from this code */
		TQUIC_SUITE_AES_256_GCM, TQUIC_VERSION_1, 0,
		SEAL_SECRET_384, "4101020304050607080007", SEAL_PLAIN_24,
		"450102030405060708f668cff7a04aeec7ac1af5b2d34bd9afb0"
		"8d7a74517e208548b0fa545a11adf8c95a67cd1190cf757c8d",
		0, 9, 2, 7,
	}, {	/* the same on path 3 */
		TQUIC_SUITE_AES_256_GCM, TQUIC_VERSION_1, 3,
		SEAL_SECRET_384, "4101020304050607080007", SEAL_PLAIN_24,
		"4b0102030405060708a43bc4cc115355077cd5ea1056f7907f82"
		"eab0fd5b9f2132d93a05267ee0ea296a5d19d9a40ef407da11",
		0, 9, 2, 7,
	},
};

static void seal_expect_vector(struct kunit *test, const struct seal_vector *t)
{
	struct tquic_keys *keys = tquic_test_keys(test, t->suite, t->version,
						  t->secret);
	u32 plain_len = t->plain_len ?: strlen(t->plain) / 2;
	u32 hdr_len = strlen(t->hdr) / 2;
	u32 len = hdr_len + plain_len + TQUIC_AEAD_TAG_LEN;
	u8 *want = tquic_test_hex(test, t->pkt);
	u8 *pkt, *plain, first, pn_len;
	u64 pn;

	KUNIT_ASSERT_EQ(test, strlen(t->pkt) / 2, len);
	pkt = kunit_kzalloc(test, len, GFP_KERNEL);
	plain = kunit_kzalloc(test, plain_len, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, pkt);
	KUNIT_ASSERT_NOT_NULL(test, plain);
	memcpy(plain, tquic_test_hex(test, t->plain), strlen(t->plain) / 2);
	memcpy(pkt, tquic_test_hex(test, t->hdr), hdr_len);
	memcpy(pkt + hdr_len, plain, plain_len);

	KUNIT_ASSERT_EQ(test, tquic_test_seal(keys, t->path_id, t->pn, pkt,
					      hdr_len, plain_len), 0);
	KUNIT_EXPECT_MEMEQ(test, pkt, want, len);
	KUNIT_EXPECT_EQ(test, atomic64_read(&keys->sealed), 1LL);

	KUNIT_ASSERT_EQ(test, tquic_pkt_unprotect(keys, want, len, t->pn_off,
						  &first, &pn, &pn_len), 0);
	KUNIT_EXPECT_EQ(test, pn_len, t->pn_len);
	KUNIT_EXPECT_EQ(test, pn, t->pn & ((1ULL << 8 * pn_len) - 1));
	KUNIT_EXPECT_MEMEQ(test, want, tquic_test_hex(test, t->hdr), hdr_len);
	KUNIT_EXPECT_EQ(test, tquic_test_open(keys, t->path_id, t->pn, want,
					      hdr_len, len), 0);
	KUNIT_EXPECT_MEMEQ(test, want + hdr_len, plain, plain_len);
}

static void seal_test_vectors(struct kunit *test)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(seal_vectors); i++)
		seal_expect_vector(test, &seal_vectors[i]);
}

static const u16 seal_suites[] = {
	TQUIC_SUITE_AES_128_GCM,
	TQUIC_SUITE_AES_256_GCM,
	TQUIC_SUITE_CHACHA20_POLY1305,
};

static struct tquic_keys *seal_keys(struct kunit *test, u16 suite)
{
	return tquic_test_keys(test, suite, TQUIC_VERSION_1,
			       suite == TQUIC_SUITE_AES_256_GCM ?
			       SEAL_SECRET_384 : TQUIC_TEST_SECRET);
}

#define SEAL_HDR_LEN	11
#define SEAL_PLAIN_LEN	20
#define SEAL_PKT_LEN	(SEAL_HDR_LEN + SEAL_PLAIN_LEN + TQUIC_AEAD_TAG_LEN)

/* As a receiver does: take the header protection off */
static void seal_bare(struct kunit *test, struct tquic_keys *keys, u8 *pkt,
		      u32 len, u8 want_pn_len)
{
	u8 first, pn_len;
	u64 pn;

	KUNIT_ASSERT_EQ(test, tquic_pkt_unprotect(keys, pkt, len,
						  SEAL_HDR_LEN - want_pn_len,
						  &first, &pn, &pn_len), 0);
	KUNIT_EXPECT_EQ(test, pn_len, want_pn_len);
}

/* A sealed packet on path 1, number 5, without header protection. */
static void seal_make(struct kunit *test, struct tquic_keys *keys, u8 *pkt)
{
	memset(pkt, 0x42, SEAL_PKT_LEN);
	KUNIT_ASSERT_EQ(test, tquic_test_seal(keys, 1, 5, pkt, SEAL_HDR_LEN,
					      SEAL_PLAIN_LEN), 0);
	seal_bare(test, keys, pkt, SEAL_PKT_LEN, 3);
}

static u8 *seal_buffer(struct kunit *test)
{
	u8 *p = kunit_kzalloc(test, SEAL_PKT_LEN, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, p);
	return p;
}

/* No single byte can change, in header, ciphertext or tag. */
static void seal_test_tamper(struct kunit *test)
{
	u8 *pkt = seal_buffer(test), *bad = seal_buffer(test);
	struct tquic_keys *keys;
	int i, s;

	for (s = 0; s < ARRAY_SIZE(seal_suites); s++) {
		keys = seal_keys(test, seal_suites[s]);
		seal_make(test, keys, pkt);
		for (i = 0; i < SEAL_PKT_LEN; i++) {
			memcpy(bad, pkt, SEAL_PKT_LEN);
			bad[i] ^= 1 << (i & 7);
			KUNIT_EXPECT_EQ(test, tquic_test_open(keys, 1, 5, bad,
							      SEAL_HDR_LEN, SEAL_PKT_LEN), -EBADMSG);
		}
		KUNIT_EXPECT_EQ(test, tquic_test_open(keys, 1, 5, pkt,
						      SEAL_HDR_LEN, SEAL_PKT_LEN), 0);
	}
}

/* Number, path and keys all have to be the sender's. */
static void seal_test_context(struct kunit *test)
{
	struct tquic_keys *keys = seal_keys(test, TQUIC_SUITE_AES_128_GCM);
	u8 *pkt = seal_buffer(test), *bad = seal_buffer(test);
	struct tquic_keys *next;

	next = tquic_test_hold(test, tquic_keys_next(keys));
	seal_make(test, keys, pkt);
	memcpy(bad, pkt, SEAL_PKT_LEN);
	KUNIT_EXPECT_EQ(test, tquic_test_open(keys, 1, 6, bad, SEAL_HDR_LEN,
					      SEAL_PKT_LEN), -EBADMSG);
	memcpy(bad, pkt, SEAL_PKT_LEN);
	KUNIT_EXPECT_EQ(test, tquic_test_open(keys, 0, 5, bad, SEAL_HDR_LEN,
					      SEAL_PKT_LEN), -EBADMSG);
	memcpy(bad, pkt, SEAL_PKT_LEN);
	KUNIT_EXPECT_EQ(test, tquic_test_open(next, 1, 5, bad, SEAL_HDR_LEN,
					      SEAL_PKT_LEN), -EBADMSG);
	memcpy(bad, pkt, SEAL_PKT_LEN);
	KUNIT_EXPECT_EQ(test, tquic_test_open(keys, 1, 5, bad,
					      SEAL_HDR_LEN - 1, SEAL_PKT_LEN),
			-EBADMSG);
}

static void seal_test_truncated(struct kunit *test)
{
	struct tquic_keys *keys = seal_keys(test, TQUIC_SUITE_AES_128_GCM);
	u8 *pkt = seal_buffer(test);
	u8 *bad;
	u32 len;

	seal_make(test, keys, pkt);
	for (len = 0; len < SEAL_PKT_LEN; len++) {
		bad = kmemdup(pkt, len ?: 1, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, bad);
		KUNIT_EXPECT_EQ(test, tquic_test_open(keys, 1, 5, bad,
						      SEAL_HDR_LEN, len),
				-EBADMSG);
		kfree(bad);
	}
}

/* Number and plaintext together have to give a sample (RFC 9001 §5.4.2). */
static void seal_test_empty(struct kunit *test)
{
	u8 *pkt = seal_buffer(test);
	struct tquic_keys *keys;
	int s;

	for (s = 0; s < ARRAY_SIZE(seal_suites); s++) {
		keys = seal_keys(test, seal_suites[s]);
		memset(pkt, 0x42, SEAL_HDR_LEN);
		KUNIT_EXPECT_EQ(test, tquic_test_seal(keys, 0, 0, pkt,
						      SEAL_HDR_LEN, 0), -EINVAL);
		memset(pkt, 0x43, SEAL_HDR_LEN);
		KUNIT_EXPECT_EQ(test, tquic_test_seal(keys, 0, 0, pkt,
						      SEAL_HDR_LEN, 0), 0);
		seal_bare(test, keys, pkt, SEAL_HDR_LEN + 16, 4);
		KUNIT_EXPECT_EQ(test, tquic_test_open(keys, 0, 0, pkt,
						      SEAL_HDR_LEN,
						      SEAL_HDR_LEN + 16), 0);
	}
}

/* RFC 9001 §6.6: the packet after the last one allowed is not sealed. */
static void seal_test_limit(struct kunit *test)
{
	struct tquic_keys *keys = seal_keys(test, TQUIC_SUITE_AES_128_GCM);
	u8 *pkt = seal_buffer(test);

	atomic64_set(&keys->sealed, (1 << 23) - 1);
	KUNIT_EXPECT_EQ(test, tquic_test_seal(keys, 0, 1, pkt, SEAL_HDR_LEN,
					      SEAL_PLAIN_LEN), 0);
	memset(pkt, 0x42, SEAL_PKT_LEN);
	KUNIT_EXPECT_EQ(test, tquic_test_seal(keys, 0, 2, pkt, SEAL_HDR_LEN,
					      SEAL_PLAIN_LEN), -EKEYEXPIRED);
	KUNIT_EXPECT_NULL(test, memchr_inv(pkt, 0x42, SEAL_PKT_LEN));
	KUNIT_EXPECT_EQ(test, atomic64_read(&keys->sealed), 1LL << 23);

	keys = seal_keys(test, TQUIC_SUITE_CHACHA20_POLY1305);
	atomic64_set(&keys->sealed, 1LL << 62);
	KUNIT_EXPECT_EQ(test, tquic_test_seal(keys, 0, 1, pkt, SEAL_HDR_LEN,
					      SEAL_PLAIN_LEN), 0);
}

#define SEAL_ASYNC_AEAD	"cryptd(gcm_base(ctr(aes-generic),ghash-generic))"

/* Replaces the transform by one that always works later. */
static struct tquic_keys *seal_async_keys(struct kunit *test)
{
	struct tquic_keys *keys = seal_keys(test, TQUIC_SUITE_AES_128_GCM);
	struct crypto_aead *aead = crypto_alloc_aead(SEAL_ASYNC_AEAD, 0, 0);
	struct tquic_hkdf h;
	u8 key[16];

	if (IS_ERR(aead))
		kunit_skip(test, "no " SEAL_ASYNC_AEAD);
	crypto_free_aead(keys->aead);
	keys->aead = aead;
	KUNIT_ASSERT_EQ(test, tquic_hkdf_init(&h, keys->suite->hmac), 0);
	KUNIT_EXPECT_EQ(test, tquic_hkdf_expand_label(&h, keys->secret,
						      keys->version->label_key,
						      key, 16), 0);
	tquic_hkdf_destroy(&h);
	KUNIT_ASSERT_EQ(test, crypto_aead_setkey(aead, key, 16), 0);
	KUNIT_ASSERT_EQ(test, crypto_aead_setauthsize(aead, 16), 0);
	return keys;
}

static void seal_test_async(struct kunit *test)
{
	struct tquic_keys *sync = seal_keys(test, TQUIC_SUITE_AES_128_GCM);
	struct tquic_keys *keys = seal_async_keys(test);
	u8 *pkt = seal_buffer(test), *same = seal_buffer(test);
	struct tquic_test_wait w = {};

	init_completion(&w.done);
	memset(pkt, 0x42, SEAL_PKT_LEN);
	KUNIT_EXPECT_EQ(test, tquic_test_result(&w, tquic_pkt_seal(keys, 1, 5,
								   pkt, SEAL_HDR_LEN, SEAL_PLAIN_LEN, tquic_test_done,
			&w)), 0);
	KUNIT_EXPECT_EQ(test, w.async, 1);
	seal_bare(test, keys, pkt, SEAL_PKT_LEN, 3);
	seal_make(test, sync, same);
	KUNIT_EXPECT_MEMEQ(test, pkt, same, SEAL_PKT_LEN);

	KUNIT_EXPECT_EQ(test, tquic_test_result(&w, tquic_aead_open(keys, 1, 5,
								    pkt, SEAL_HDR_LEN, SEAL_PKT_LEN, tquic_test_done,
			&w)), 0);
	KUNIT_EXPECT_EQ(test, w.async, 2);
	KUNIT_EXPECT_NULL(test, memchr_inv(pkt, 0x42, SEAL_HDR_LEN +
					   SEAL_PLAIN_LEN));
	same[SEAL_PKT_LEN - 1] ^= 1;
	KUNIT_EXPECT_EQ(test, tquic_test_result(&w, tquic_aead_open(keys, 1, 5,
								    same, SEAL_HDR_LEN, SEAL_PKT_LEN, tquic_test_done,
			&w)), -EBADMSG);
	KUNIT_EXPECT_EQ(test, w.async, 3);
}

#define SEAL_FLOOD	3000

struct seal_flood {
	atomic_t left;
	atomic_t failed;
	struct completion done;
};

static void seal_flood_done(void *arg, int err)
{
	struct seal_flood *f = arg;

	if (err)
		atomic_inc(&f->failed);
	if (atomic_dec_and_test(&f->left))
		complete(&f->done);
}

/* A full queue says -EBUSY at once and calls nobody back. Keys outlive their
 * owner's reference while work is under way.
 */
static void seal_test_async_flood(struct kunit *test)
{
	struct tquic_keys *keys = seal_async_keys(test);
	struct seal_flood *f;
	int i, err, busy = 0, other = 0;
	u8 *pkts;

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	pkts = kunit_kzalloc(test, SEAL_FLOOD * SEAL_PKT_LEN, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	KUNIT_ASSERT_NOT_NULL(test, pkts);
	init_completion(&f->done);
	atomic_set(&f->left, 1);

	local_bh_disable();
	for (i = 0; i < SEAL_FLOOD; i++) {
		atomic_inc(&f->left);
		err = tquic_pkt_seal(keys, 0, i, pkts + i * SEAL_PKT_LEN,
				     SEAL_HDR_LEN, SEAL_PLAIN_LEN,
				     seal_flood_done, f);
		if (err == -EINPROGRESS)
			continue;
		if (err == -EBUSY)
			busy++;
		else
			other++;
		atomic_dec(&f->left);
	}
	local_bh_enable();
	/* the test's own reference goes now: the queue keeps the keys alive */
	kunit_release_action(test, tquic_test_put_keys, keys);
	seal_flood_done(f, 0);
	wait_for_completion(&f->done);
	KUNIT_EXPECT_EQ(test, atomic_read(&f->failed), 0);
	KUNIT_EXPECT_EQ(test, other, 0);
	kunit_info(test, "%d of %d refused", busy, SEAL_FLOOD);
}

static struct kunit_case seal_nonce_cases[] = {
	KUNIT_CASE(seal_test_nonce),
	{}
};

static struct kunit_suite seal_nonce_suite = {
	.name = "tquic_seal_nonce",
	.test_cases = seal_nonce_cases,
};

static struct kunit_case seal_packet_cases[] = {
	KUNIT_CASE(seal_test_vectors),
	KUNIT_CASE(seal_test_empty),
	KUNIT_CASE(seal_test_limit),
	{}
};

static struct kunit_suite seal_packet_suite = {
	.name = "tquic_seal_packet",
	.test_cases = seal_packet_cases,
};

static struct kunit_case seal_forgery_cases[] = {
	KUNIT_CASE(seal_test_tamper),
	KUNIT_CASE(seal_test_context),
	KUNIT_CASE(seal_test_truncated),
	{}
};

static struct kunit_suite seal_forgery_suite = {
	.name = "tquic_seal_forgery",
	.test_cases = seal_forgery_cases,
};

static struct kunit_case seal_async_cases[] = {
	KUNIT_CASE_SLOW(seal_test_async),
	KUNIT_CASE(seal_test_async_flood),
	{}
};

static struct kunit_suite seal_async_suite = {
	.name = "tquic_seal_async",
	.test_cases = seal_async_cases,
};

kunit_test_suites(&seal_nonce_suite, &seal_packet_suite, &seal_forgery_suite,
		  &seal_async_suite);
