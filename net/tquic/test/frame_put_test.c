// SPDX-License-Identifier: GPL-2.0
/* Tests of the frame encoders: exact bytes, room, and what does not fit. */
#include <linux/prandom.h>

#include "core/frame.h"
#include "core/ranges.h"
#include "test/wire.h"

#define RESET_TOKEN	"000102030405060708090a0b0c0d0e0f"
#define PATH_DATA	"\1\2\3\4\5\6\7\10"

static const struct tquic_cid put_cid = { .len = 4, .id = { 0xaa, 0xbb, 0xcc, 0xdd } };
static const u8 put_token[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };

#define PUT(name, call) \
	static bool put_##name(struct tquic_wbuf *b) { return tquic_frame_put_##call; }

PUT(reset_stream, reset_stream(b, 4, 5, 0x10001))
PUT(reset_stream_at, reset_stream_at(b, 4, 5, 0x10001, 0x100))
PUT(stop_sending, stop_sending(b, 4, 5))
PUT(new_token, new_token(b, "tok", 3))
PUT(max_data, max_data(b, 0x10000))
PUT(max_stream_data, max_stream_data(b, 8, 0x10000))
PUT(max_streams_bidi, max_streams(b, 100, true))
PUT(max_streams_uni, max_streams(b, 100, false))
PUT(data_blocked, data_blocked(b, 100))
PUT(stream_data_blocked, stream_data_blocked(b, 8, 100))
PUT(streams_blocked_bidi, streams_blocked(b, 100, true))
PUT(streams_blocked_uni, streams_blocked(b, 100, false))
PUT(new_cid, new_cid(b, TQUIC_PATH_ID_NONE, 5, 3, &put_cid, put_token))
PUT(path_new_cid, new_cid(b, 0, 5, 3, &put_cid, put_token))
PUT(retire_cid, retire_cid(b, TQUIC_PATH_ID_NONE, 5))
PUT(path_retire_cid, retire_cid(b, 3, 5))
PUT(path_challenge, path_challenge(b, PATH_DATA))
PUT(path_response, path_response(b, PATH_DATA))
PUT(handshake_done, handshake_done(b))
PUT(ping, ping(b))
PUT(immediate_ack, immediate_ack(b))
PUT(ack_frequency, ack_frequency(b, 5, 12, 100000, 3))
PUT(padding, padding(b, 5))
PUT(path_abandon, path_abandon(b, 3, TQUIC_ERR_APPLICATION_ABANDON_PATH))
PUT(path_backup, path_status(b, 3, 7, true))
PUT(path_available, path_status(b, 3, 8, false))
PUT(max_path_id, max_path_id(b, 9))
PUT(paths_blocked, paths_blocked(b, 0xffffffff))
PUT(path_cids_blocked, path_cids_blocked(b, 3, 4))
PUT(close, close(b, false, 0x0a, 0x06, NULL, 0))
PUT(close_app, close(b, true, 0x100, 0x06, NULL, 0))
PUT(datagram, datagram_hdr(b, 0, false))
PUT(datagram_last, datagram_hdr(b, 0, true))
PUT(stream, stream(b, 4, 0x100, 0, false, false))
PUT(stream_fin, stream(b, 4, 0, 0, true, false))
PUT(stream_last, stream(b, 4, 0x100, 0, true, true))
PUT(stream_plain, stream(b, 4, 0, 0, false, true))
PUT(crypto, crypto(b, 0x100, 0))

static const struct {
	bool (*put)(struct tquic_wbuf *b);
	const char *hex;
} put_table[] = {
	{ put_reset_stream, "04040580010001" },
	{ put_reset_stream_at, "240405800100014100" },
	{ put_stop_sending, "050405" },
	{ put_new_token, "0703746f6b" },
	{ put_max_data, "1080010000" },
	{ put_max_stream_data, "110880010000" },
	{ put_max_streams_bidi, "124064" },
	{ put_max_streams_uni, "134064" },
	{ put_data_blocked, "144064" },
	{ put_stream_data_blocked, "15084064" },
	{ put_streams_blocked_bidi, "164064" },
	{ put_streams_blocked_uni, "174064" },
	{ put_new_cid, "18050304aabbccdd" RESET_TOKEN },
	{ put_path_new_cid, "7e7800050304aabbccdd" RESET_TOKEN },
	{ put_retire_cid, "1905" },
	{ put_path_retire_cid, "7e790305" },
	{ put_path_challenge, "1a0102030405060708" },
	{ put_path_response, "1b0102030405060708" },
	{ put_handshake_done, "1e" },
	{ put_ping, "01" },
	{ put_immediate_ack, "1f" },
	{ put_ack_frequency, "40af050c800186a003" },
	{ put_padding, "0000000000" },
	{ put_path_abandon, "7e75033e" },
	{ put_path_backup, "7e760307" },
	{ put_path_available, "7e770308" },
	{ put_max_path_id, "7e7a09" },
	{ put_paths_blocked, "7e7bc0000000ffffffff" },
	{ put_path_cids_blocked, "7e7c0304" },
	{ put_close, "1c0a0600" },
	{ put_close_app, "1d410000" },
	{ put_datagram, "3100" },
	{ put_datagram_last, "30" },
	{ put_stream, "0e04410000" },
	{ put_stream_fin, "0b0400" },
	{ put_stream_last, "0d044100" },
	{ put_stream_plain, "0804" },
	{ put_crypto, "06410000" },
};

static void put_writes_exact_bytes_or_none(struct kunit *test)
{
	struct tquic_rbuf want;
	struct tquic_wbuf w;
	size_t i, n, full;
	u8 *p;

	for (i = 0; i < ARRAY_SIZE(put_table); i++) {
		want = wire_hex(test, put_table[i].hex);
		full = tquic_rbuf_left(&want);
		for (n = 0; n <= full; n++) {
			p = kmalloc(n, GFP_KERNEL);
			KUNIT_ASSERT_NOT_NULL(test, p);
			w = (struct tquic_wbuf){ p, p + n };
			KUNIT_EXPECT_EQ_MSG(test, put_table[i].put(&w), n == full,
					    "%s in %zu", put_table[i].hex, n);
			KUNIT_EXPECT_EQ(test, w.p - p, n == full ? n : 0);
			if (n == full)
				KUNIT_EXPECT_MEMEQ(test, p, want.p, n);
			kfree(p);
		}
	}
}

static void put_is_read_back(struct kunit *test)
{
	struct tquic_frame f;
	struct tquic_wbuf w;
	struct tquic_rbuf b;
	u8 buf[64];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(put_table); i++) {
		w = (struct tquic_wbuf){ buf, buf + sizeof(buf) };
		KUNIT_ASSERT_TRUE(test, put_table[i].put(&w));
		b = (struct tquic_rbuf){ buf, w.p };
		KUNIT_EXPECT_EQ_MSG(test, tquic_frame_parse(&b, &f), 0, "%s",
				    put_table[i].hex);
		KUNIT_EXPECT_EQ(test, tquic_rbuf_left(&b), 0);
	}
}

static void put_refuses_invalid_values(struct kunit *test)
{
	static const struct tquic_cid none;
	u8 buf[64];
	struct tquic_wbuf w = { buf, buf + sizeof(buf) };
	const u64 big = TQUIC_VARINT_MAX + 1;

	KUNIT_EXPECT_FALSE(test, tquic_frame_put_max_data(&w, big));
	KUNIT_EXPECT_FALSE(test, tquic_frame_put_reset_stream(&w, 0, 0, big));
	KUNIT_EXPECT_FALSE(test, tquic_frame_put_max_streams(&w, TQUIC_MAX_STREAMS + 1, true));
	KUNIT_EXPECT_FALSE(test, tquic_frame_put_streams_blocked(&w, TQUIC_MAX_STREAMS + 1, false));
	KUNIT_EXPECT_TRUE(test, tquic_frame_put_max_streams(&w, TQUIC_MAX_STREAMS, true));
	w.p = buf;
	KUNIT_EXPECT_FALSE(test, tquic_frame_put_new_token(&w, buf, 0));
	KUNIT_EXPECT_FALSE(test, tquic_frame_put_new_cid(&w, 1, 5, 6, &put_cid, put_token));
	KUNIT_EXPECT_FALSE(test, tquic_frame_put_new_cid(&w, 1, 5, 5, &none, put_token));
	KUNIT_EXPECT_FALSE(test, tquic_frame_put_stream(&w, 4, TQUIC_VARINT_MAX, 1, false, false));
	KUNIT_EXPECT_FALSE(test, tquic_frame_put_stream(&w, 4, ~0ULL, 1, false, false));
	KUNIT_EXPECT_FALSE(test, tquic_frame_put_stream(&w, big, 0, 1, false, false));
	KUNIT_EXPECT_FALSE(test, tquic_frame_put_crypto(&w, TQUIC_VARINT_MAX, 1));
	KUNIT_EXPECT_FALSE(test, tquic_frame_put_crypto(&w, ~0ULL, 1));
	KUNIT_EXPECT_PTR_EQ(test, w.p, (u8 *)buf);
	/* the last offsets that exist */
	KUNIT_EXPECT_TRUE(test, tquic_frame_put_stream(&w, 4, TQUIC_VARINT_MAX - 1, 1, true, false));
	w.p = buf;
	KUNIT_EXPECT_TRUE(test, tquic_frame_put_crypto(&w, TQUIC_VARINT_MAX - 1, 1));
	w.p = buf;
	KUNIT_EXPECT_TRUE(test, tquic_frame_put_streams_blocked(&w, TQUIC_MAX_STREAMS, false));
	KUNIT_EXPECT_TRUE(test, tquic_frame_put_new_cid(&w, 1, 5, 5, &put_cid, put_token));
}

/* The room is what put() accepts, and one byte more does not fit. */
static void put_check_room(struct kunit *test, u8 *p, size_t left, u64 off,
			   bool last)
{
	u32 room = tquic_frame_stream_room(left, 400, off, last);
	struct tquic_wbuf w = { p, p + left };
	bool ok;

	ok = tquic_frame_put_stream(&w, 400, off, room + 1, false, last);
	KUNIT_ASSERT_FALSE(test, ok);
	if (room) {
		ok = tquic_frame_put_stream(&w, 400, off, room, false, last);
		KUNIT_ASSERT_TRUE(test, ok);
		KUNIT_ASSERT_TRUE(test, w.p + room <= w.end);
		if (last)
			KUNIT_ASSERT_PTR_EQ(test, w.p + room, w.end);
	}
	room = tquic_frame_crypto_room(left, off);
	w.p = p;
	KUNIT_ASSERT_FALSE(test, tquic_frame_put_crypto(&w, off, room + 1));
	if (room)
		KUNIT_ASSERT_TRUE(test, tquic_frame_put_crypto(&w, off, room));
}

static void put_room_is_tight(struct kunit *test)
{
	static const u64 offs[] = { 0, 1, 63, 64, 16383, 16384, 1ULL << 30 };
	u8 *p = kunit_kzalloc(test, 17000, GFP_KERNEL);
	size_t left, i;

	KUNIT_ASSERT_NOT_NULL(test, p);
	for (left = 0; left <= 17000; left += left < 300 ? 1 : 23) {
		for (i = 0; i < ARRAY_SIZE(offs); i++) {
			put_check_room(test, p, left, offs[i], false);
			put_check_room(test, p, left, offs[i], true);
		}
	}
}

static void put_room_at_length_limits(struct kunit *test)
{
	/* header of three bytes: type, stream 4, offset 1 */
	KUNIT_EXPECT_EQ(test, tquic_frame_stream_room(3, 4, 1, true), 0);
	KUNIT_EXPECT_EQ(test, tquic_frame_stream_room(4, 4, 1, true), 1);
	KUNIT_EXPECT_EQ(test, tquic_frame_stream_room(4, 4, 1, false), 0);
	KUNIT_EXPECT_EQ(test, tquic_frame_stream_room(3 + 64, 4, 1, false), 63);
	KUNIT_EXPECT_EQ(test, tquic_frame_stream_room(3 + 65, 4, 1, false), 63);
	KUNIT_EXPECT_EQ(test, tquic_frame_stream_room(3 + 66, 4, 1, false), 64);
	KUNIT_EXPECT_EQ(test, tquic_frame_stream_room(3 + 16385, 4, 1, false), 16383);
	KUNIT_EXPECT_EQ(test, tquic_frame_stream_room(3 + 16387, 4, 1, false), 16383);
	KUNIT_EXPECT_EQ(test, tquic_frame_stream_room(3 + 16388, 4, 1, false), 16384);
	KUNIT_EXPECT_EQ(test, tquic_frame_crypto_room(2, 0), 0);
	KUNIT_EXPECT_EQ(test, tquic_frame_crypto_room(4, 0), 1);
}

static void put_data_header_reserves_the_data(struct kunit *test)
{
	u8 buf[32];
	struct tquic_wbuf w = { buf, buf + sizeof(buf) };

	KUNIT_EXPECT_FALSE(test, tquic_frame_put_datagram_hdr(&w, 31, false));
	KUNIT_EXPECT_FALSE(test, tquic_frame_put_datagram_hdr(&w, 32, true));
	KUNIT_EXPECT_FALSE(test, tquic_frame_put_stream(&w, 0, 0, 30, false, false));
	KUNIT_EXPECT_FALSE(test, tquic_frame_put_crypto(&w, 0, 30));
	KUNIT_EXPECT_PTR_EQ(test, w.p, (u8 *)buf);
	KUNIT_EXPECT_TRUE(test, tquic_frame_put_datagram_hdr(&w, 30, false));
	KUNIT_EXPECT_EQ(test, w.p - buf, 2);
	w.p = buf;
	KUNIT_EXPECT_TRUE(test, tquic_frame_put_datagram_hdr(&w, 31, true));
	KUNIT_EXPECT_EQ(test, w.p - buf, 1);
}

static void put_close_cuts_the_reason(struct kunit *test)
{
	static const char reason[] = "the quick brown fox jumps over the lazy dog";
	const u32 len = sizeof(reason) - 1;
	struct tquic_frame f;
	struct tquic_rbuf b;
	struct tquic_wbuf w;
	size_t n;
	u8 *p;

	for (n = 4; n < 4 + len + 10; n++) {
		p = kmalloc(n, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, p);
		w = (struct tquic_wbuf){ p, p + n };
		KUNIT_EXPECT_TRUE(test, tquic_frame_put_close(&w, false, 1, 2,
							      reason, len));
		b = (struct tquic_rbuf){ p, w.p };
		KUNIT_ASSERT_EQ(test, tquic_frame_parse(&b, &f), 0);
		KUNIT_EXPECT_EQ(test, f.close.reason_len, min_t(u32, len, n - 4));
		KUNIT_EXPECT_MEMEQ(test, f.close.reason, reason,
				   f.close.reason_len);
		kfree(p);
	}
}

/* Random received packets, newest first. */
static struct tquic_ranges *put_ranges(struct kunit *test, struct rnd_state *rnd,
				       u16 n)
{
	struct tquic_ranges *r = kunit_kzalloc(test, sizeof(*r), GFP_KERNEL);
	u64 pn = 1ULL << 40;
	u16 i;

	KUNIT_ASSERT_NOT_NULL(test, r);
	r->r = kunit_kzalloc(test, n * sizeof(*r->r), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, r->r);
	r->n = n;
	for (i = 0; i < n; i++) {
		r->r[i].hi = pn;
		pn -= (prandom_u32_state(rnd) & 0xffff) >> prandom_u32_state(rnd) % 16;
		r->r[i].lo = pn;
		pn -= 2 + ((prandom_u32_state(rnd) & 0xffff) >>
			   prandom_u32_state(rnd) % 16);
	}
	return r;
}

/* Every range given back is the one that went in. */
static u64 put_check_ack(struct kunit *test, struct tquic_rbuf b,
			 const struct tquic_ranges *r, bool ecn, u32 path_id)
{
	struct tquic_ack_iter it;
	struct tquic_frame f;
	u64 lo, hi, i;

	KUNIT_ASSERT_EQ(test, tquic_frame_parse(&b, &f), 0);
	KUNIT_ASSERT_EQ(test, tquic_rbuf_left(&b), 0);
	KUNIT_ASSERT_EQ(test, f.ack.ecn, ecn);
	KUNIT_ASSERT_EQ(test, f.ack.path_id, path_id);
	KUNIT_ASSERT_EQ(test, f.ack.delay, 1234);
	KUNIT_ASSERT_LT(test, f.ack.range_count, r->n);
	tquic_ack_iter_init(&it, &f);
	for (i = 0; tquic_ack_iter_next(&it, &lo, &hi); i++) {
		KUNIT_ASSERT_EQ(test, lo, r->r[i].lo);
		KUNIT_ASSERT_EQ(test, hi, r->r[i].hi);
	}
	KUNIT_ASSERT_EQ(test, i, f.ack.range_count + 1);
	return i;
}

/* Bytes that range @i takes in an ACK; very many if there is none. */
static size_t put_next_range_len(const struct tquic_ranges *r, u64 i)
{
	if (i >= r->n)
		return SIZE_MAX;
	return tquic_varint_len(r->r[i - 1].lo - r->r[i].hi - 2) +
	       tquic_varint_len(r->r[i].hi - r->r[i].lo);
}

static void put_ack_round_trips_at_every_size(struct kunit *test)
{
	static const struct tquic_ecn_counts ecn = { 100, 20000, 3 };
	struct tquic_ranges *r;
	struct rnd_state rnd;
	struct tquic_wbuf w;
	u64 ranges, most;
	size_t size;
	u8 *p;
	int i;

	prandom_seed_state(&rnd, 5);
	for (i = 0; i < 40; i++) {
		r = put_ranges(test, &rnd, 1 + prandom_u32_state(&rnd) % TQUIC_RANGES_MAX);
		most = 0;
		for (size = 0; size < 420; size++) {
			p = kmalloc(size, GFP_KERNEL);
			KUNIT_ASSERT_NOT_NULL(test, p);
			w = (struct tquic_wbuf){ p, p + size };
			if (tquic_frame_put_ack(&w, r, 1234, i & 1 ? &ecn : NULL,
						i & 2 ? 70000 : TQUIC_PATH_ID_NONE)) {
				ranges = put_check_ack(test,
						       (struct tquic_rbuf){ p, w.p },
						       r, i & 1, i & 2 ? 70000 : 0);
				KUNIT_EXPECT_GE(test, ranges, most);
				most = ranges;
				KUNIT_EXPECT_LT(test, tquic_wbuf_left(&w),
						put_next_range_len(r, ranges));
			} else {
				KUNIT_EXPECT_EQ(test, most, 0);
				KUNIT_EXPECT_PTR_EQ(test, w.p, p);
			}
			kfree(p);
		}
		KUNIT_EXPECT_EQ(test, most, r->n);
	}
}

static void put_ack_exact_bytes(struct kunit *test)
{
	static const struct tquic_ecn_counts ecn = { 1, 2, 3 };
	struct tquic_ranges *r = kunit_kzalloc(test, sizeof(*r), GFP_KERNEL);
	struct tquic_rbuf want;
	struct tquic_wbuf w;
	u8 buf[32];

	KUNIT_ASSERT_NOT_NULL(test, r);
	tquic_ranges_init(r);
	w = (struct tquic_wbuf){ buf, buf + sizeof(buf) };
	KUNIT_EXPECT_FALSE(test, tquic_frame_put_ack(&w, r, 0, NULL, TQUIC_PATH_ID_NONE));
	r->n = 3;
	r->r[0] = (struct tquic_range){ 91, 100 };
	r->r[1] = (struct tquic_range){ 87, 89 };
	r->r[2] = (struct tquic_range){ 83, 83 };
	want = wire_hex(test, "0240640a020900020200");
	KUNIT_EXPECT_TRUE(test, tquic_frame_put_ack(&w, r, 10, NULL, TQUIC_PATH_ID_NONE));
	KUNIT_ASSERT_EQ(test, w.p - buf, tquic_rbuf_left(&want));
	KUNIT_EXPECT_MEMEQ(test, buf, want.p, tquic_rbuf_left(&want));
	want = wire_hex(test, "3f0040640a020900020200010203");
	w.p = buf;
	KUNIT_EXPECT_TRUE(test, tquic_frame_put_ack(&w, r, 10, &ecn, 0));
	KUNIT_ASSERT_EQ(test, w.p - buf, tquic_rbuf_left(&want));
	KUNIT_EXPECT_MEMEQ(test, buf, want.p, tquic_rbuf_left(&want));
	/* the same in exactly as many bytes */
	w = (struct tquic_wbuf){ buf, buf + 14 };
	KUNIT_EXPECT_TRUE(test, tquic_frame_put_ack(&w, r, 10, &ecn, 0));
	KUNIT_EXPECT_PTR_EQ(test, w.p, w.end);
	KUNIT_EXPECT_MEMEQ(test, buf, want.p, tquic_rbuf_left(&want));
	/* one byte short: the oldest range goes */
	want = wire_hex(test, "3f0040640a01090002010203");
	w = (struct tquic_wbuf){ buf, buf + 13 };
	KUNIT_EXPECT_TRUE(test, tquic_frame_put_ack(&w, r, 10, &ecn, 0));
	KUNIT_ASSERT_EQ(test, w.p - buf, tquic_rbuf_left(&want));
	KUNIT_EXPECT_MEMEQ(test, buf, want.p, tquic_rbuf_left(&want));
}

static struct kunit_case put_cases[] = {
	KUNIT_CASE(put_writes_exact_bytes_or_none),
	KUNIT_CASE(put_is_read_back),
	KUNIT_CASE(put_refuses_invalid_values),
	KUNIT_CASE(put_close_cuts_the_reason),
	{}
};

static struct kunit_case put_room_cases[] = {
	KUNIT_CASE(put_room_is_tight),
	KUNIT_CASE(put_room_at_length_limits),
	KUNIT_CASE(put_data_header_reserves_the_data),
	{}
};

static struct kunit_case put_ack_cases[] = {
	KUNIT_CASE(put_ack_exact_bytes),
	KUNIT_CASE(put_ack_round_trips_at_every_size),
	{}
};

static struct kunit_suite put_suite = {
	.name = "tquic-frame-put",
	.test_cases = put_cases,
};

static struct kunit_suite put_room_suite = {
	.name = "tquic-frame-room",
	.test_cases = put_room_cases,
};

static struct kunit_suite put_ack_suite = {
	.name = "tquic-frame-put-ack",
	.test_cases = put_ack_cases,
};

kunit_test_suites(&put_suite, &put_room_suite, &put_ack_suite);
