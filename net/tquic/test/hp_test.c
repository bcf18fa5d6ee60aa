// SPDX-License-Identifier: GPL-2.0
/* Header protection: masks, packet number lengths, short packets. */
#include "core/proto.h"
#include "crypto/hp.h"
#include "test/crypto_test.h"

struct hp_vector {
	u16 suite;
	const char *key;
	const char *sample;
	const char *mask;
};

static const struct hp_vector hp_vectors[] = {
	{	/* RFC 9001 §A.2 */
		TQUIC_SUITE_AES_128_GCM, "9f50449e04a0e810283a1e9933adedd2",
		"d1b1c98dd7689fb8ec11d242b123dc9b", "437b9aec36",
	}, {	/* RFC 9001 §A.3 */
		TQUIC_SUITE_AES_128_GCM, "c206b8d9b9f0f37644430b490eeaa314",
		"2cd0991cd25b0aac406a5816b6394100", "2ec0d8356a",
	}, {	/* RFC 9001 §A.5 */
		TQUIC_SUITE_CHACHA20_POLY1305,
		"25a282b9e82f06f21f488917a4fc8f1b73573685608597d0efcb076b0ab7a7a4",
		"5e5cd55c41f69080575d7999c25a5bfb", "aefefe7d03",
	}, {	/* RFC 9369 §A.2 */
		TQUIC_SUITE_AES_128_GCM, "45b95e15235d6f45a6b19cbcb0294ba9",
		"ffe67b6abcdb4298b485dd04de806071", "94a0c95e80",
	}, {	/* RFC 9369 §A.5 */
		TQUIC_SUITE_CHACHA20_POLY1305,
		"d659760d2ba434a226fd37b35c69e2da8211d10c4f12538787d65645d5d1b8e2",
		"e7b6b932bc27d786f4bc2bb20f2162ba", "97580e32bf",
	},
};

static void hp_test_masks(struct kunit *test)
{
	u8 mask[TQUIC_HP_MASK_LEN];
	const struct hp_vector *t;
	struct tquic_hp *hp;
	int i;

	for (i = 0; i < ARRAY_SIZE(hp_vectors); i++) {
		t = &hp_vectors[i];
		hp = tquic_hp_create(tquic_suite_find(t->suite),
				     tquic_test_hex(test, t->key));
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, hp);
		tquic_hp_mask(hp, tquic_test_hex(test, t->sample), mask);
		TQUIC_TEST_EXPECT_HEX(test, mask, t->mask);
		tquic_hp_put(hp);
	}
}

static struct tquic_keys *hp_keys(struct kunit *test)
{
	return tquic_test_keys(test, TQUIC_SUITE_AES_128_GCM, TQUIC_VERSION_1,
			       TQUIC_TEST_SECRET);
}

/* Every length of packet number, with both forms of header. */
static void hp_test_round_trip(struct kunit *test)
{
	struct tquic_keys *keys = hp_keys(test);
	static const u8 forms[] = { 0xc0, 0x40 };
	u8 orig[64], pkt[64], first, n, pn_len;
	const u32 pn_off = 11;
	u64 pn, want;
	int f, i;

	for (f = 0; f < ARRAY_SIZE(forms); f++) {
		for (n = 1; n <= TQUIC_PN_MAX_LEN; n++) {
			for (i = 0; i < sizeof(pkt); i++)
				orig[i] = 3 * i + n;
			orig[0] = forms[f] | (n - 1);
			memcpy(pkt, orig, sizeof(pkt));
			KUNIT_ASSERT_EQ(test, tquic_pkt_protect(keys, pkt,
								sizeof(pkt), pn_off, n), 0);
			/* only the first byte and the number change */
			KUNIT_EXPECT_MEMEQ(test, pkt + 1, orig + 1, pn_off - 1);
			KUNIT_EXPECT_MEMEQ(test, pkt + pn_off + n,
					   orig + pn_off + n,
					   sizeof(pkt) - pn_off - n);
			KUNIT_EXPECT_NE(test, memcmp(pkt, orig, sizeof(pkt)), 0);
			KUNIT_ASSERT_EQ(test, tquic_pkt_unprotect(keys, pkt,
								  sizeof(pkt), pn_off, &first, &pn,
					&pn_len), 0);
			KUNIT_EXPECT_MEMEQ(test, pkt, orig, sizeof(pkt));
			for (want = 0, i = 0; i < n; i++)
				want = want << 8 | orig[pn_off + i];
			KUNIT_EXPECT_EQ(test, pn, want);
			KUNIT_EXPECT_EQ(test, pn_len, n);
			KUNIT_EXPECT_EQ(test, first, orig[0]);
		}
	}
}

/* Form, fixed and spin bit or packet type stay readable: RFC 9001 §5.4.1. */
static void hp_test_first_bits(struct kunit *test)
{
	struct tquic_keys *keys = hp_keys(test);
	u8 pkt[40], first, pn_len;
	bool low_bits = false;
	bool bit4 = false;
	int i, byte;
	u64 pn;

	for (i = 0; i < 64; i++) {
		for (byte = 0; byte < 256; byte += 5) {
			memset(pkt, i, sizeof(pkt));
			pkt[0] = byte;
			KUNIT_ASSERT_EQ(test, tquic_pkt_unprotect(keys, pkt,
								  sizeof(pkt), 1, &first, &pn,
					&pn_len), 0);
			if (byte & 0x80)
				KUNIT_EXPECT_EQ(test, first & 0xf0,
						byte & 0xf0);
			else
				KUNIT_EXPECT_EQ(test, first & 0xe0,
						byte & 0xe0);
			bit4 |= !(byte & 0x80) && ((first ^ byte) & 0x10);
			low_bits |= (first ^ byte) & 0x08;
		}
	}
	KUNIT_EXPECT_TRUE(test, bit4);
	KUNIT_EXPECT_TRUE(test, low_bits);
}

/* A packet without room for a sample is refused untouched, never overread. */
static void hp_test_short(struct kunit *test)
{
	struct tquic_keys *keys = hp_keys(test);
	const u32 pn_off = 9;
	u8 first, pn_len, *pkt;
	u64 pn;
	u32 len;

	for (len = 1; len <= pn_off + 20; len++) {
		pkt = kmalloc(len, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, pkt);
		memset(pkt, 0x5a, len);
		KUNIT_EXPECT_EQ(test, tquic_pkt_unprotect(keys, pkt, len,
							  pn_off, &first, &pn, &pn_len),
				len < pn_off + 20 ? -EBADMSG : 0);
		if (len < pn_off + 20)
			KUNIT_EXPECT_NULL(test, memchr_inv(pkt, 0x5a, len));
		memset(pkt, 0x5a, len);
		KUNIT_EXPECT_EQ(test, tquic_pkt_protect(keys, pkt, len, pn_off,
							1),
				len < pn_off + 20 ? -EINVAL : 0);
		kfree(pkt);
	}
}

static void hp_test_bad_offset(struct kunit *test)
{
	struct tquic_keys *keys = hp_keys(test);
	u8 pkt[40] = { 0x40 }, first, pn_len;
	u64 pn;

	KUNIT_EXPECT_EQ(test, tquic_pkt_unprotect(keys, pkt, sizeof(pkt), 0,
						  &first, &pn, &pn_len),
			-EBADMSG);
	KUNIT_EXPECT_EQ(test, tquic_pkt_unprotect(keys, pkt, sizeof(pkt),
						  U32_MAX, &first, &pn,
						  &pn_len), -EBADMSG);
	KUNIT_EXPECT_EQ(test, tquic_pkt_protect(keys, pkt, sizeof(pkt),
						U32_MAX - 3, 4), -EINVAL);
	KUNIT_EXPECT_EQ(test, tquic_pkt_protect(keys, pkt, sizeof(pkt), 1, 5),
			-EINVAL);
}

static struct kunit_case hp_mask_cases[] = {
	KUNIT_CASE(hp_test_masks),
	{}
};

static struct kunit_suite hp_mask_suite = {
	.name = "tquic_hp_mask",
	.test_cases = hp_mask_cases,
};

static struct kunit_case hp_packet_cases[] = {
	KUNIT_CASE(hp_test_round_trip),
	KUNIT_CASE(hp_test_first_bits),
	KUNIT_CASE(hp_test_short),
	KUNIT_CASE(hp_test_bad_offset),
	{}
};

static struct kunit_suite hp_packet_suite = {
	.name = "tquic_hp_packet",
	.test_cases = hp_packet_cases,
};

kunit_test_suites(&hp_mask_suite, &hp_packet_suite);
