// SPDX-License-Identifier: GPL-2.0
/* Key derivation against the vectors of RFC 9001, RFC 9369 and SHA-384 ones. */
#include "crypto/kdf.h"
#include "crypto/suite.h"
#include "test/crypto_test.h"
#include "test/crypto_vectors.h"

struct kdf_initial {
	u32 version;
	const char *initial;
	const char *client;
	const char *server;
};

/* RFC 9001 §A.1, RFC 9369 §A.1 */
static const struct kdf_initial kdf_initials[] = {
	{
		TQUIC_VERSION_1,
		"7db5df06e7a69e432496adedb00851923595221596ae2ae9fb8115c1e9ed0a44",
		"c00cf151ca5be075ed0ebfb5c80323c42d6b7db67881289af4008f1f6c357aea",
		"3c199828fd139efd216c155ad844cc81fb82fa8d7446fa7d78be803acdda951b",
	}, {
		TQUIC_VERSION_2,
		"2062e8b3cd8d52092614b8071d0aa1fb7c2e3ac193f78b280e72d8f5751f6aba",
		"14ec9d6eb9fd7af83bf5a668bc17a7e283766aade7ecd0891f70f9ff7f4bf47b",
		"0263db1782731bf4588e7e4d93b7463907cb8cd8200b5da55a8bd488eafc37c1",
	},
};

struct kdf_label {
	u32 version;
	const char *hmac;
	const char *secret;
	const char *key;
	const char *iv;
	const char *hp;
	const char *ku;
};

static const struct kdf_label kdf_labels[] = {
	{	/* RFC 9001 §A.5 */
		TQUIC_VERSION_1, "hmac(sha256)", TQUIC_TEST_SECRET,
		"c6d98ff3441c3fe1b2182094f69caa2ed4b716b65488960a7a984979fb23e1c8",
		"e0459b3474bdd0e44a41c144",
		"25a282b9e82f06f21f488917a4fc8f1b73573685608597d0efcb076b0ab7a7a4",
		"1223504755036d556342ee9361d253421a826c9ecdf3c7148684b36b714881f9",
	}, {	/* RFC 9369 §A.5 */
		TQUIC_VERSION_2, "hmac(sha256)", TQUIC_TEST_SECRET,
		"3bfcddd72bcf02541d7fa0dd1f5f9eeea817e09a6963a0e6c7df0f9a1bab90f2",
		"a6b5bc6ab7dafce30ffff5dd",
		"d659760d2ba434a226fd37b35c69e2da8211d10c4f12538787d65645d5d1b8e2",
		"c69374c49e3d2a9466fa689e49d476db5d0dfbc87d32ceeaa6343fd0ae4c7d88",
	}, {	/* computed apart from this code: bytes 0 to 47 as the secret */
		TQUIC_VERSION_1, "hmac(sha384)",
		"000102030405060708090a0b0c0d0e0f1011121314151617"
		"18191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f",
		"95c517eea81b6469ff8f27a065fd04c1a27b3023591b93e273a9df5f921d1f68",
		"a8d8316bf5bb0bbfa74cbf17",
		"307135de335efef95873468a03d3dfa1e38050df7cc6ab7f22fd7aced73b66e5",
		"d21f524277390ba96b86484d9c687f850f1e4d1f997033bb"
		"a06051129179a762a94067d065f3f715e83d65a7bf8c79b9",
	},
};

static void kdf_init_hkdf(struct kunit *test, struct tquic_hkdf *h,
			  const char *hmac)
{
	KUNIT_ASSERT_EQ(test, tquic_hkdf_init(h, hmac), 0);
}

static void kdf_test_extract(struct kunit *test)
{
	const u8 *dcid = tquic_test_hex(test, VEC_DCID);
	const struct tquic_version *v;
	const struct kdf_initial *t;
	struct tquic_hkdf h;
	u8 initial[32];
	u8 out[32];
	int i;

	kdf_init_hkdf(test, &h, "hmac(sha256)");
	KUNIT_EXPECT_EQ(test, h.hash_len, 32);
	for (i = 0; i < ARRAY_SIZE(kdf_initials); i++) {
		t = &kdf_initials[i];
		v = tquic_version_find(t->version);
		KUNIT_EXPECT_EQ(test, tquic_hkdf_extract(&h, v->salt,
							 sizeof(v->salt), dcid, 8, initial), 0);
		TQUIC_TEST_EXPECT_HEX(test, initial, t->initial);
		KUNIT_EXPECT_EQ(test, tquic_hkdf_expand_label(&h, initial,
							      "client in", out, sizeof(out)), 0);
		TQUIC_TEST_EXPECT_HEX(test, out, t->client);
		KUNIT_EXPECT_EQ(test, tquic_hkdf_expand_label(&h, initial,
							      "server in", out, sizeof(out)), 0);
		TQUIC_TEST_EXPECT_HEX(test, out, t->server);
	}
	tquic_hkdf_destroy(&h);
}

static void kdf_expect(struct kunit *test, struct tquic_hkdf *h,
		       const u8 *secret, const char *label, const char *hex)
{
	u8 out[TQUIC_HASH_MAX_LEN];

	KUNIT_EXPECT_EQ(test, tquic_hkdf_expand_label(h, secret, label, out,
						      strlen(hex) / 2), 0);
	TQUIC_TEST_EXPECT_HEX(test, out, hex);
}

static void kdf_test_labels(struct kunit *test)
{
	const struct tquic_version *v;
	const struct kdf_label *t;
	struct tquic_hkdf h;
	const u8 *secret;
	int i;

	for (i = 0; i < ARRAY_SIZE(kdf_labels); i++) {
		t = &kdf_labels[i];
		v = tquic_version_find(t->version);
		secret = tquic_test_hex(test, t->secret);
		kdf_init_hkdf(test, &h, t->hmac);
		KUNIT_EXPECT_EQ(test, h.hash_len, strlen(t->secret) / 2);
		kdf_expect(test, &h, secret, v->label_key, t->key);
		kdf_expect(test, &h, secret, v->label_iv, t->iv);
		kdf_expect(test, &h, secret, v->label_hp, t->hp);
		kdf_expect(test, &h, secret, v->label_ku, t->ku);
		tquic_hkdf_destroy(&h);
	}
}

static void kdf_test_bounds(struct kunit *test)
{
	/* 26 characters: the longest label that fits behind "tls13 " */
	static const char longest[] = "abcdefghijklmnopqrstuvwxyz";
	static const char too_long[] = "abcdefghijklmnopqrstuvwxyz0";
	u8 secret[32] = {}, out[34] = {};
	struct tquic_hkdf h;

	kdf_init_hkdf(test, &h, "hmac(sha256)");
	out[32] = 0xa5;
	KUNIT_EXPECT_EQ(test, tquic_hkdf_expand_label(&h, secret, longest, out,
						      32), 0);
	KUNIT_EXPECT_EQ(test, out[32], 0xa5);
	KUNIT_EXPECT_EQ(test, tquic_hkdf_expand_label(&h, secret, too_long,
						      out, 32), -EINVAL);
	KUNIT_EXPECT_EQ(test, tquic_hkdf_expand_label(&h, secret, longest, out,
						      33), -EINVAL);
	tquic_hkdf_destroy(&h);
	KUNIT_EXPECT_LT(test, tquic_hkdf_init(&h, "hmac(no-such-hash)"), 0);
	/* a hash whose output would not fit is refused, not overrun */
	KUNIT_EXPECT_EQ(test, tquic_hkdf_init(&h, "hmac(sha512)"), -EINVAL);
}

static struct kunit_case kdf_cases[] = {
	KUNIT_CASE(kdf_test_extract),
	KUNIT_CASE(kdf_test_labels),
	KUNIT_CASE(kdf_test_bounds),
	{}
};

static struct kunit_suite kdf_suite = {
	.name = "tquic_kdf",
	.test_cases = kdf_cases,
};

kunit_test_suites(&kdf_suite);
