// SPDX-License-Identifier: GPL-2.0
/* Tests of the cursors and variable-length integers. */
#include <linux/prandom.h>

#include "test/wire.h"

static const struct {
	const char *hex;
	u64 v;
} varint_vectors[] = {
	/* RFC 9000 App. A.1 */
	{ "c2197c5eff14e88c", 151288809941952652ULL },
	{ "9d7f3e7d", 494878333 },
	{ "7bbd", 15293 },
	{ "25", 37 },
	{ "4025", 37 },
	/* first and last value of each length */
	{ "00", 0 },
	{ "3f", 63 },
	{ "4040", 64 },
	{ "7fff", 16383 },
	{ "80004000", 16384 },
	{ "bfffffff", 1073741823 },
	{ "c000000040000000", 1073741824 },
	{ "ffffffffffffffff", TQUIC_VARINT_MAX },
	/* not minimal */
	{ "c000000000000000", 0 },
	{ "80000001", 1 },
};

static void varint_decodes_vectors(struct kunit *test)
{
	struct tquic_rbuf b;
	size_t i;
	u64 v;

	for (i = 0; i < ARRAY_SIZE(varint_vectors); i++) {
		b = wire_hex(test, varint_vectors[i].hex);
		v = ~0ULL;
		KUNIT_EXPECT_TRUE(test, tquic_get_varint(&b, &v));
		KUNIT_EXPECT_EQ(test, v, varint_vectors[i].v);
		KUNIT_EXPECT_EQ(test, tquic_rbuf_left(&b), 0);
	}
}

static void varint_refuses_truncation(struct kunit *test)
{
	struct tquic_rbuf full, b;
	const u8 *start;
	size_t i, n;
	u64 v;

	for (i = 0; i < ARRAY_SIZE(varint_vectors); i++) {
		full = wire_hex(test, varint_vectors[i].hex);
		for (n = 0; n < tquic_rbuf_left(&full); n++) {
			b = wire_copy(test, full.p, n);
			start = b.p;
			v = 4711;
			KUNIT_EXPECT_FALSE(test, tquic_get_varint(&b, &v));
			KUNIT_EXPECT_PTR_EQ(test, b.p, start);
			KUNIT_EXPECT_EQ(test, v, 4711);
			kfree(start);
		}
	}
}

static void varint_encodes_shortest(struct kunit *test)
{
	struct tquic_rbuf want;
	struct tquic_wbuf b;
	size_t i, n;
	u8 buf[8];

	for (i = 0; i < ARRAY_SIZE(varint_vectors); i++) {
		want = wire_hex(test, varint_vectors[i].hex);
		n = tquic_rbuf_left(&want);
		if (tquic_varint_len(varint_vectors[i].v) != n)
			continue;
		b = (struct tquic_wbuf){ buf, buf + n };
		KUNIT_EXPECT_TRUE(test, tquic_put_varint(&b, varint_vectors[i].v));
		KUNIT_EXPECT_PTR_EQ(test, b.p, b.end);
		KUNIT_EXPECT_MEMEQ(test, buf, want.p, n);
		b = (struct tquic_wbuf){ buf, buf + n - 1 };
		KUNIT_EXPECT_FALSE(test, tquic_put_varint(&b, varint_vectors[i].v));
		KUNIT_EXPECT_PTR_EQ(test, b.p, (u8 *)buf);
	}
}

static void varint_length_changes_at_limits(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, tquic_varint_len(0), 1);
	KUNIT_EXPECT_EQ(test, tquic_varint_len(63), 1);
	KUNIT_EXPECT_EQ(test, tquic_varint_len(64), 2);
	KUNIT_EXPECT_EQ(test, tquic_varint_len(16383), 2);
	KUNIT_EXPECT_EQ(test, tquic_varint_len(16384), 4);
	KUNIT_EXPECT_EQ(test, tquic_varint_len(1073741823), 4);
	KUNIT_EXPECT_EQ(test, tquic_varint_len(1073741824), 8);
	KUNIT_EXPECT_EQ(test, tquic_varint_len(TQUIC_VARINT_MAX), 8);
}

static void varint_put_refuses_what_has_no_encoding(struct kunit *test)
{
	u8 buf[16];
	struct tquic_wbuf b = { buf, buf + sizeof(buf) };

	KUNIT_EXPECT_FALSE(test, tquic_put_varint(&b, TQUIC_VARINT_MAX + 1));
	KUNIT_EXPECT_FALSE(test, tquic_put_varint(&b, ~0ULL));
	KUNIT_EXPECT_FALSE(test, tquic_put_varint_n(&b, 64, 1));
	KUNIT_EXPECT_FALSE(test, tquic_put_varint_n(&b, 16384, 2));
	KUNIT_EXPECT_FALSE(test, tquic_put_varint_n(&b, 1073741824, 4));
	KUNIT_EXPECT_FALSE(test, tquic_put_varint_n(&b, 1, 3));
	KUNIT_EXPECT_FALSE(test, tquic_put_varint_n(&b, 1, 16));
	KUNIT_EXPECT_PTR_EQ(test, b.p, (u8 *)buf);
}

static void varint_fixed_width_round_trips(struct kunit *test)
{
	unsigned int width;
	struct tquic_wbuf w;
	struct tquic_rbuf r;
	u8 buf[8];
	u64 v;

	for (width = 1; width <= 8; width *= 2) {
		w = (struct tquic_wbuf){ buf, buf + sizeof(buf) };
		KUNIT_EXPECT_TRUE(test, tquic_put_varint_n(&w, 37, width));
		KUNIT_EXPECT_EQ(test, w.p - buf, width);
		r = (struct tquic_rbuf){ buf, w.p };
		KUNIT_EXPECT_TRUE(test, tquic_get_varint(&r, &v));
		KUNIT_EXPECT_EQ(test, v, 37);
		KUNIT_EXPECT_EQ(test, tquic_rbuf_left(&r), 0);
	}
}

static void varint_random_values_round_trip(struct kunit *test)
{
	struct rnd_state rnd;
	struct tquic_wbuf w;
	struct tquic_rbuf r;
	u64 v, got;
	u8 buf[8];
	int i;

	prandom_seed_state(&rnd, 1);
	for (i = 0; i < 20000; i++) {
		v = (u64)prandom_u32_state(&rnd) << 32 | prandom_u32_state(&rnd);
		v = (v & TQUIC_VARINT_MAX) >> prandom_u32_state(&rnd) % 62;
		w = (struct tquic_wbuf){ buf, buf + sizeof(buf) };
		KUNIT_ASSERT_TRUE(test, tquic_put_varint(&w, v));
		KUNIT_ASSERT_EQ(test, w.p - buf, tquic_varint_len(v));
		r = (struct tquic_rbuf){ buf, w.p };
		KUNIT_ASSERT_TRUE(test, tquic_get_varint(&r, &got));
		KUNIT_ASSERT_EQ(test, got, v);
	}
}

static void cursor_integers_are_big_endian(struct kunit *test)
{
	struct tquic_rbuf r;
	u8 buf[15], a;
	struct tquic_wbuf w = { buf, buf + sizeof(buf) };
	u16 b;
	u32 c;
	u64 d;

	KUNIT_EXPECT_TRUE(test, tquic_put_u8(&w, 0x01));
	KUNIT_EXPECT_TRUE(test, tquic_put_u16(&w, 0x0203));
	KUNIT_EXPECT_TRUE(test, tquic_put_u32(&w, 0x04050607));
	KUNIT_EXPECT_TRUE(test, tquic_put_u64(&w, 0x08090a0b0c0d0e0fULL));
	KUNIT_EXPECT_EQ(test, tquic_wbuf_left(&w), 0);
	r = wire_hex(test, "0102030405060708090a0b0c0d0e0f");
	KUNIT_EXPECT_MEMEQ(test, buf, r.p, sizeof(buf));
	KUNIT_EXPECT_TRUE(test, tquic_get_u8(&r, &a));
	KUNIT_EXPECT_TRUE(test, tquic_get_u16(&r, &b));
	KUNIT_EXPECT_TRUE(test, tquic_get_u32(&r, &c));
	KUNIT_EXPECT_TRUE(test, tquic_get_u64(&r, &d));
	KUNIT_EXPECT_EQ(test, a, 0x01);
	KUNIT_EXPECT_EQ(test, b, 0x0203);
	KUNIT_EXPECT_EQ(test, c, 0x04050607);
	KUNIT_EXPECT_EQ(test, d, 0x08090a0b0c0d0e0fULL);
	KUNIT_EXPECT_EQ(test, tquic_rbuf_left(&r), 0);
}

static void cursor_refuses_one_byte_too_few(struct kunit *test)
{
	struct tquic_rbuf r = wire_hex(test, "01020304050607");
	struct tquic_wbuf w = { (u8 *)r.p, (u8 *)r.end };
	const u8 *start = r.p, *view;
	u8 dst[8];
	u64 d;

	KUNIT_EXPECT_FALSE(test, tquic_get_u64(&r, &d));
	KUNIT_EXPECT_FALSE(test, tquic_get_bytes(&r, dst, 8));
	KUNIT_EXPECT_FALSE(test, tquic_get_view(&r, &view, 8));
	KUNIT_EXPECT_FALSE(test, tquic_get_view(&r, &view, ~0ULL));
	KUNIT_EXPECT_FALSE(test, tquic_put_u64(&w, 1));
	KUNIT_EXPECT_FALSE(test, tquic_put_bytes(&w, dst, 8));
	KUNIT_EXPECT_PTR_EQ(test, r.p, start);
	KUNIT_EXPECT_PTR_EQ(test, (const u8 *)w.p, start);
	KUNIT_EXPECT_TRUE(test, tquic_get_view(&r, &view, 7));
	KUNIT_EXPECT_PTR_EQ(test, view, start);
	KUNIT_EXPECT_FALSE(test, tquic_get_u8(&r, dst));
}

static void cursor_connection_ids(struct kunit *test)
{
	struct tquic_rbuf r = wire_hex(test,
		"000102030405060708090a0b0c0d0e0f1011121314");
	struct tquic_rbuf b = r;
	struct tquic_cid cid, same;
	struct tquic_wbuf w;
	u8 buf[21];

	KUNIT_EXPECT_FALSE(test, tquic_get_cid(&b, &cid, 21));
	KUNIT_EXPECT_PTR_EQ(test, b.p, r.p);
	KUNIT_EXPECT_TRUE(test, tquic_get_cid(&b, &cid, 20));
	KUNIT_EXPECT_EQ(test, cid.len, 20);
	KUNIT_EXPECT_MEMEQ(test, cid.id, r.p, 20);
	KUNIT_EXPECT_FALSE(test, tquic_get_cid(&b, &same, 2));
	same = cid;
	KUNIT_EXPECT_TRUE(test, tquic_cid_equal(&cid, &same));
	same.id[19] ^= 1;
	KUNIT_EXPECT_FALSE(test, tquic_cid_equal(&cid, &same));
	same.len = 19;
	KUNIT_EXPECT_FALSE(test, tquic_cid_equal(&cid, &same));
	cid.len = 19;
	KUNIT_EXPECT_TRUE(test, tquic_cid_equal(&cid, &same));
	w = (struct tquic_wbuf){ buf, buf + 19 };
	KUNIT_EXPECT_FALSE(test, tquic_put_cid(&w, &cid));
	KUNIT_EXPECT_PTR_EQ(test, w.p, (u8 *)buf);
	w.end = buf + 20;
	KUNIT_EXPECT_TRUE(test, tquic_put_cid(&w, &cid));
	KUNIT_EXPECT_EQ(test, buf[0], 19);
	KUNIT_EXPECT_MEMEQ(test, buf + 1, cid.id, 19);
}

static struct kunit_case varint_cases[] = {
	KUNIT_CASE(varint_decodes_vectors),
	KUNIT_CASE(varint_refuses_truncation),
	KUNIT_CASE(varint_encodes_shortest),
	KUNIT_CASE(varint_length_changes_at_limits),
	KUNIT_CASE(varint_put_refuses_what_has_no_encoding),
	KUNIT_CASE(varint_fixed_width_round_trips),
	KUNIT_CASE(varint_random_values_round_trip),
	{}
};

static struct kunit_case cursor_cases[] = {
	KUNIT_CASE(cursor_integers_are_big_endian),
	KUNIT_CASE(cursor_refuses_one_byte_too_few),
	KUNIT_CASE(cursor_connection_ids),
	{}
};

static struct kunit_suite varint_suite = {
	.name = "tquic-varint",
	.test_cases = varint_cases,
};

static struct kunit_suite cursor_suite = {
	.name = "tquic-cursor",
	.test_cases = cursor_cases,
};

kunit_test_suites(&varint_suite, &cursor_suite);
