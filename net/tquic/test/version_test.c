// SPDX-License-Identifier: GPL-2.0
/* Tests of the version table. */
#include "core/header.h"
#include "test/wire.h"

static void version_finds_only_its_own(struct kunit *test)
{
	const struct tquic_version *v1 = tquic_version_find(0x00000001);
	const struct tquic_version *v2 = tquic_version_find(0x6b3343cf);

	KUNIT_ASSERT_NOT_NULL(test, v1);
	KUNIT_ASSERT_NOT_NULL(test, v2);
	KUNIT_EXPECT_EQ(test, v1->version, 0x00000001);
	KUNIT_EXPECT_EQ(test, v2->version, 0x6b3343cf);
	KUNIT_EXPECT_NULL(test, tquic_version_find(0));
	KUNIT_EXPECT_NULL(test, tquic_version_find(2));
	KUNIT_EXPECT_NULL(test, tquic_version_find(0x709a50c4));
	KUNIT_EXPECT_NULL(test, tquic_version_find(0xff00001d));
	KUNIT_EXPECT_NULL(test, tquic_version_find(0x1a2a3a4a));
}

static void version_type_bits_are_permutations(struct kunit *test)
{
	/* RFC 9000 Table 5, RFC 9369 §3.2: Initial, 0-RTT, Handshake, Retry */
	static const u8 want[TQUIC_VERSION_COUNT][4] = {
		{ 0, 1, 2, 3 },
		{ 1, 2, 3, 0 },
	};
	unsigned int i, type, seen;

	for (i = 0; i < TQUIC_VERSION_COUNT; i++) {
		seen = 0;
		for (type = TQUIC_PKT_INITIAL; type <= TQUIC_PKT_RETRY; type++) {
			KUNIT_EXPECT_EQ(test, tquic_versions[i].type_bits[type],
					want[i][type]);
			seen |= 1U << tquic_versions[i].type_bits[type];
		}
		KUNIT_EXPECT_EQ(test, seen, 0xf);
	}
}

static void version_check(struct kunit *test, u32 version, const char *salt,
			  const char *key, const char *nonce)
{
	const struct tquic_version *v = tquic_version_find(version);
	struct tquic_rbuf want;

	KUNIT_ASSERT_NOT_NULL(test, v);
	want = wire_hex(test, salt);
	KUNIT_EXPECT_MEMEQ(test, v->salt, want.p, sizeof(v->salt));
	want = wire_hex(test, key);
	KUNIT_EXPECT_MEMEQ(test, v->retry_key, want.p, sizeof(v->retry_key));
	want = wire_hex(test, nonce);
	KUNIT_EXPECT_MEMEQ(test, v->retry_nonce, want.p, sizeof(v->retry_nonce));
}

static void version_1_constants(struct kunit *test)
{
	const struct tquic_version *v = tquic_version_find(TQUIC_VERSION_1);

	version_check(test, TQUIC_VERSION_1,
		      "38762cf7f55934b34d179ae6a4c80cadccbb7f0a",
		      "be0c690b9f66575a1d766b54e368c84e",
		      "461599d35d632bf2239825bb");
	KUNIT_EXPECT_STREQ(test, v->label_key, "quic key");
	KUNIT_EXPECT_STREQ(test, v->label_iv, "quic iv");
	KUNIT_EXPECT_STREQ(test, v->label_hp, "quic hp");
	KUNIT_EXPECT_STREQ(test, v->label_ku, "quic ku");
}

static void version_2_constants(struct kunit *test)
{
	const struct tquic_version *v = tquic_version_find(TQUIC_VERSION_2);

	version_check(test, TQUIC_VERSION_2,
		      "0dede3def700a6db819381be6e269dcbf9bd2ed9",
		      "8fb4b01b56ac48e260fbcbcead7ccc92",
		      "d86969bc2d7c6d9990efb04a");
	KUNIT_EXPECT_STREQ(test, v->label_key, "quicv2 key");
	KUNIT_EXPECT_STREQ(test, v->label_iv, "quicv2 iv");
	KUNIT_EXPECT_STREQ(test, v->label_hp, "quicv2 hp");
	KUNIT_EXPECT_STREQ(test, v->label_ku, "quicv2 ku");
}

static struct kunit_case version_cases[] = {
	KUNIT_CASE(version_finds_only_its_own),
	KUNIT_CASE(version_type_bits_are_permutations),
	KUNIT_CASE(version_1_constants),
	KUNIT_CASE(version_2_constants),
	{}
};

static struct kunit_suite version_suite = {
	.name = "tquic-version",
	.test_cases = version_cases,
};

kunit_test_suites(&version_suite);
