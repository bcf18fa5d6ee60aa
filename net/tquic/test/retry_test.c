// SPDX-License-Identifier: GPL-2.0
/* Retry integrity tags: RFC 9001 §A.4, RFC 9369 §A.4. */
#include "crypto/retry.h"
#include "test/crypto_test.h"
#include "test/crypto_vectors.h"

struct retry_vector {
	u32 version;
	const char *pkt;
};

static const struct retry_vector retry_vectors[] = {
	{
		TQUIC_VERSION_1,
		"ff000000010008f067a5502a4262b5746f6b656e04a265ba2eff4d829058fb3f0f2496ba",
	}, {
		TQUIC_VERSION_2,
		"cf6b3343cf0008f067a5502a4262b5746f6b656ec8646ce8bfe33952d955543665dcc7b6",
	},
};

#define RETRY_LEN	36

static void retry_odcid(struct kunit *test, struct tquic_cid *cid)
{
	cid->len = 8;
	memcpy(cid->id, tquic_test_hex(test, VEC_DCID), 8);
}

static void retry_test_vectors(struct kunit *test)
{
	const struct tquic_version *v;
	u8 tag[TQUIC_RETRY_TAG_LEN];
	struct tquic_cid odcid = {};
	u8 *pkt;
	int i;

	retry_odcid(test, &odcid);
	for (i = 0; i < ARRAY_SIZE(retry_vectors); i++) {
		v = tquic_version_find(retry_vectors[i].version);
		pkt = tquic_test_hex(test, retry_vectors[i].pkt);
		KUNIT_ASSERT_EQ(test, tquic_retry_tag(v, &odcid, pkt,
						      RETRY_LEN - 16, tag), 0);
		KUNIT_EXPECT_MEMEQ(test, tag, pkt + RETRY_LEN - 16, 16);
		KUNIT_EXPECT_EQ(test, tquic_retry_check(v, &odcid, pkt,
							RETRY_LEN), 0);
	}
}

static void retry_test_tamper(struct kunit *test)
{
	const struct tquic_version *v = tquic_version_find(TQUIC_VERSION_1);
	const struct tquic_version *v2 = tquic_version_find(TQUIC_VERSION_2);
	u8 *pkt = tquic_test_hex(test, retry_vectors[0].pkt);
	struct tquic_cid odcid = {};
	int i;

	retry_odcid(test, &odcid);
	for (i = 0; i < RETRY_LEN; i++) {
		pkt[i] ^= 1;
		KUNIT_EXPECT_EQ(test, tquic_retry_check(v, &odcid, pkt,
							RETRY_LEN), -EBADMSG);
		pkt[i] ^= 1;
	}
	for (i = 0; i < RETRY_LEN; i++)
		KUNIT_EXPECT_EQ(test, tquic_retry_check(v, &odcid, pkt, i),
				-EBADMSG);
	KUNIT_EXPECT_EQ(test, tquic_retry_check(v2, &odcid, pkt, RETRY_LEN),
			-EBADMSG);
	odcid.id[7] ^= 1;
	KUNIT_EXPECT_EQ(test, tquic_retry_check(v, &odcid, pkt, RETRY_LEN),
			-EBADMSG);
	odcid.id[7] ^= 1;
	odcid.len = 7;
	KUNIT_EXPECT_EQ(test, tquic_retry_check(v, &odcid, pkt, RETRY_LEN),
			-EBADMSG);
}

static void retry_test_bounds(struct kunit *test)
{
	const struct tquic_version *v = tquic_version_find(TQUIC_VERSION_1);
	struct tquic_cid odcid = { .len = TQUIC_CID_MAX_LEN };
	u8 tag[TQUIC_RETRY_TAG_LEN], byte = 0;

	KUNIT_EXPECT_EQ(test, tquic_retry_tag(v, &odcid, &byte, 1, tag), 0);
	KUNIT_EXPECT_EQ(test, tquic_retry_tag(v, &odcid, &byte,
					      TQUIC_MAX_UDP_PAYLOAD + 1, tag),
			-EINVAL);
	odcid.len = TQUIC_CID_MAX_LEN + 1;
	KUNIT_EXPECT_EQ(test, tquic_retry_tag(v, &odcid, &byte, 1, tag),
			-EINVAL);
}

static struct kunit_case retry_cases[] = {
	KUNIT_CASE(retry_test_vectors),
	KUNIT_CASE(retry_test_tamper),
	KUNIT_CASE(retry_test_bounds),
	{}
};

static struct kunit_suite retry_suite = {
	.name = "tquic_retry_tag",
	.test_cases = retry_cases,
};

kunit_test_suites(&retry_suite);
