// SPDX-License-Identifier: GPL-2.0
/* Tests of frame parsing and of the rules on where frames may appear. */
#include <linux/prandom.h>

#include "core/frame.h"
#include "test/wire.h"

#define RESET_TOKEN	"000102030405060708090a0b0c0d0e0f"

/* One well-formed frame of every type and shape. */
static const struct frame_sample {
	const char *hex;
	u16 type;
	bool open;	/* runs to the end of the packet: may be cut */
} frame_samples[] = {
	{ "000000", TQUIC_FRAME_PADDING, true },
	{ "01", TQUIC_FRAME_PING },
	{ "0240640a020900010200", TQUIC_FRAME_ACK },
	{ "0300000000010203", TQUIC_FRAME_ACK_ECN },
	{ "04040580010001", TQUIC_FRAME_RESET_STREAM },
	{ "05044005", TQUIC_FRAME_STOP_SENDING },
	{ "064100036a6b6c", TQUIC_FRAME_CRYPTO },
	{ "0703746f6b", TQUIC_FRAME_NEW_TOKEN },
	{ "08046162", 0x08, true },
	{ "09046162", 0x09, true },
	{ "0a04026162", 0x0a },
	{ "0b04026162", 0x0b },
	{ "0c0441006162", 0x0c, true },
	{ "0d0441006162", 0x0d, true },
	{ "0e044100026162", 0x0e },
	{ "0f044100026162", 0x0f },
	{ "1080010000", TQUIC_FRAME_MAX_DATA },
	{ "110880010000", TQUIC_FRAME_MAX_STREAM_DATA },
	{ "124064", TQUIC_FRAME_MAX_STREAMS_BIDI },
	{ "134064", TQUIC_FRAME_MAX_STREAMS_UNI },
	{ "144064", TQUIC_FRAME_DATA_BLOCKED },
	{ "15084064", TQUIC_FRAME_STREAM_DATA_BLOCKED },
	{ "164064", TQUIC_FRAME_STREAMS_BLOCKED_BIDI },
	{ "174064", TQUIC_FRAME_STREAMS_BLOCKED_UNI },
	{ "18050304aabbccdd" RESET_TOKEN, TQUIC_FRAME_NEW_CONNECTION_ID },
	{ "1905", TQUIC_FRAME_RETIRE_CONNECTION_ID },
	{ "1a0102030405060708", TQUIC_FRAME_PATH_CHALLENGE },
	{ "1b0102030405060708", TQUIC_FRAME_PATH_RESPONSE },
	{ "1c0a0603626164", TQUIC_FRAME_CONNECTION_CLOSE },
	{ "1d410003627965", TQUIC_FRAME_CONNECTION_CLOSE_APP },
	{ "1e", TQUIC_FRAME_HANDSHAKE_DONE },
	{ "1f", TQUIC_FRAME_IMMEDIATE_ACK },
	{ "240405800100014100", TQUIC_FRAME_RESET_STREAM_AT },
	{ "306162", TQUIC_FRAME_DATAGRAM, true },
	{ "31026162", TQUIC_FRAME_DATAGRAM_LEN },
	{ "3e0340640a020900010200", TQUIC_FRAME_PATH_ACK },
	{ "3f0300000000010203", TQUIC_FRAME_PATH_ACK_ECN },
	{ "40af050c520903", TQUIC_FRAME_ACK_FREQUENCY },
	{ "7e75037e77", TQUIC_FRAME_PATH_ABANDON },
	{ "7e760307", TQUIC_FRAME_PATH_STATUS_BACKUP },
	{ "7e770308", TQUIC_FRAME_PATH_STATUS_AVAILABLE },
	{ "7e7803050314000102030405060708090a0b0c0d0e0f10111213" RESET_TOKEN,
	  TQUIC_FRAME_PATH_NEW_CONNECTION_ID },
	{ "7e790305", TQUIC_FRAME_PATH_RETIRE_CONNECTION_ID },
	{ "7e7a09", TQUIC_FRAME_MAX_PATH_ID },
	{ "7e7b09", TQUIC_FRAME_PATHS_BLOCKED },
	{ "7e7c0304", TQUIC_FRAME_PATH_CIDS_BLOCKED },
};

static int frame_parse_hex(struct kunit *test, const char *hex,
			   struct tquic_frame *f)
{
	struct tquic_rbuf b = wire_hex(test, hex);

	return tquic_frame_parse(&b, f);
}

static void frame_takes_exactly_its_bytes(struct kunit *test)
{
	const struct frame_sample *s;
	struct tquic_frame f;
	struct tquic_rbuf b;

	for (s = frame_samples; s < frame_samples + ARRAY_SIZE(frame_samples); s++) {
		b = wire_hex(test, s->hex);
		KUNIT_EXPECT_EQ_MSG(test, tquic_frame_parse(&b, &f), 0, "%s",
				    s->hex);
		KUNIT_EXPECT_EQ(test, f.type, s->type);
		KUNIT_EXPECT_EQ(test, tquic_rbuf_left(&b), 0);
	}
}

static void frame_leaves_the_next_one(struct kunit *test)
{
	const struct frame_sample *s;
	struct tquic_frame f;
	struct tquic_rbuf b;
	size_t n;
	u8 *p;

	for (s = frame_samples; s < frame_samples + ARRAY_SIZE(frame_samples); s++) {
		if (s->open)
			continue;
		b = wire_hex(test, s->hex);
		n = tquic_rbuf_left(&b);
		p = kunit_kzalloc(test, n + 1, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, p);
		memcpy(p, b.p, n);
		p[n] = TQUIC_FRAME_PING;
		b = (struct tquic_rbuf){ p, p + n + 1 };
		KUNIT_EXPECT_EQ(test, tquic_frame_parse(&b, &f), 0);
		KUNIT_EXPECT_EQ(test, tquic_rbuf_left(&b), 1);
		KUNIT_EXPECT_EQ(test, tquic_frame_parse(&b, &f), 0);
		KUNIT_EXPECT_EQ(test, f.type, TQUIC_FRAME_PING);
	}
}

static void frame_refuses_every_truncation(struct kunit *test)
{
	const struct frame_sample *s;
	struct tquic_rbuf full, b;
	struct tquic_frame f;
	const u8 *start;
	size_t n;
	int err;

	for (s = frame_samples; s < frame_samples + ARRAY_SIZE(frame_samples); s++) {
		full = wire_hex(test, s->hex);
		for (n = 0; n < tquic_rbuf_left(&full); n++) {
			b = wire_copy(test, full.p, n);
			start = b.p;
			err = tquic_frame_parse(&b, &f);
			if (s->open && !err)
				KUNIT_EXPECT_PTR_EQ(test, b.p, b.end);
			else
				KUNIT_EXPECT_EQ_MSG(test, err,
						    TQUIC_ERR_FRAME_ENCODING,
						    "%s cut to %zu", s->hex, n);
			kfree(start);
		}
	}
}

static void frame_type_must_be_minimal(struct kunit *test)
{
	struct tquic_frame f;

	KUNIT_EXPECT_EQ(test, frame_parse_hex(test, "4001", &f),
			TQUIC_ERR_PROTOCOL_VIOLATION);
	KUNIT_EXPECT_EQ(test, frame_parse_hex(test, "80000001", &f),
			TQUIC_ERR_PROTOCOL_VIOLATION);
	KUNIT_EXPECT_EQ(test, frame_parse_hex(test, "c000000000000000", &f),
			TQUIC_ERR_PROTOCOL_VIOLATION);
	KUNIT_EXPECT_EQ(test, frame_parse_hex(test, "403e00000000", &f),
			TQUIC_ERR_PROTOCOL_VIOLATION);
	KUNIT_EXPECT_EQ(test, frame_parse_hex(test, "80003e7a05", &f),
			TQUIC_ERR_PROTOCOL_VIOLATION);
	/* other fields need not be */
	KUNIT_EXPECT_EQ(test, frame_parse_hex(test, "10c000000000000005", &f), 0);
	KUNIT_EXPECT_EQ(test, f.max.val, 5);
}

static bool frame_type_known(u64 type)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(frame_samples); i++)
		if (frame_samples[i].type == type)
			return true;
	return false;
}

static void frame_refuses_unknown_types(struct kunit *test)
{
	u8 *p = kunit_kzalloc(test, 64, GFP_KERNEL);
	enum tquic_pkt_type pkt;
	struct tquic_rbuf b;
	struct tquic_wbuf w;
	struct tquic_frame f;
	u64 type;

	KUNIT_ASSERT_NOT_NULL(test, p);
	for (type = 0; type < 0x4100; type++) {
		if (frame_type_known(type))
			continue;
		w = (struct tquic_wbuf){ p, p + 64 };
		tquic_put_varint(&w, type);
		b = (struct tquic_rbuf){ p, p + 64 };
		KUNIT_ASSERT_EQ(test, tquic_frame_parse(&b, &f),
				TQUIC_ERR_FRAME_ENCODING);
		for (pkt = TQUIC_PKT_INITIAL; pkt <= TQUIC_PKT_VN; pkt++)
			KUNIT_ASSERT_FALSE(test, tquic_frame_allowed(type, pkt));
	}
	KUNIT_EXPECT_EQ(test, frame_parse_hex(test, "ffffffffffffffff", &f),
			TQUIC_ERR_FRAME_ENCODING);
}

static void frame_padding_run_is_one_frame(struct kunit *test)
{
	struct tquic_rbuf b = wire_hex(test, "0000000001000000");
	struct tquic_frame f;

	KUNIT_EXPECT_EQ(test, tquic_frame_parse(&b, &f), 0);
	KUNIT_EXPECT_EQ(test, f.type, TQUIC_FRAME_PADDING);
	KUNIT_EXPECT_EQ(test, tquic_rbuf_left(&b), 4);
	KUNIT_EXPECT_EQ(test, tquic_frame_parse(&b, &f), 0);
	KUNIT_EXPECT_EQ(test, f.type, TQUIC_FRAME_PING);
	KUNIT_EXPECT_EQ(test, tquic_frame_parse(&b, &f), 0);
	KUNIT_EXPECT_EQ(test, tquic_rbuf_left(&b), 0);
}

static void frame_stream_fields(struct kunit *test)
{
	struct tquic_frame f;

	KUNIT_ASSERT_EQ(test, frame_parse_hex(test, "0f044100026162", &f), 0);
	KUNIT_EXPECT_EQ(test, f.stream.id, 4);
	KUNIT_EXPECT_EQ(test, f.stream.off, 0x100);
	KUNIT_EXPECT_EQ(test, f.stream.len, 2);
	KUNIT_EXPECT_MEMEQ(test, f.stream.data, "ab", 2);
	KUNIT_EXPECT_TRUE(test, f.stream.fin);
	KUNIT_ASSERT_EQ(test, frame_parse_hex(test, "0804616263", &f), 0);
	KUNIT_EXPECT_EQ(test, f.stream.off, 0);
	KUNIT_EXPECT_EQ(test, f.stream.len, 3);
	KUNIT_EXPECT_FALSE(test, f.stream.fin);
	/* an empty frame with FIN at the very end of the packet */
	KUNIT_ASSERT_EQ(test, frame_parse_hex(test, "0904", &f), 0);
	KUNIT_EXPECT_EQ(test, f.stream.len, 0);
	KUNIT_EXPECT_TRUE(test, f.stream.fin);
}

static void frame_stream_ends_below_2_to_62(struct kunit *test)
{
	struct tquic_frame f;

	KUNIT_EXPECT_EQ(test, frame_parse_hex(test, "0c04fffffffffffffffe61", &f), 0);
	KUNIT_EXPECT_EQ(test, f.stream.off, TQUIC_VARINT_MAX - 1);
	KUNIT_EXPECT_EQ(test, frame_parse_hex(test, "0c04ffffffffffffffff", &f), 0);
	KUNIT_EXPECT_EQ(test, frame_parse_hex(test, "0c04ffffffffffffffff61", &f),
			TQUIC_ERR_FRAME_ENCODING);
	KUNIT_EXPECT_EQ(test,
			frame_parse_hex(test, "0e04fffffffffffffffe026162", &f),
			TQUIC_ERR_FRAME_ENCODING);
	KUNIT_EXPECT_EQ(test, frame_parse_hex(test, "06fffffffffffffffe0161", &f), 0);
	KUNIT_EXPECT_EQ(test,
			frame_parse_hex(test, "06fffffffffffffffe026162", &f),
			TQUIC_ERR_FRAME_ENCODING);
}

static void frame_lengths_stay_in_the_packet(struct kunit *test)
{
	/* a length one too large, and one of 2^62-1, in each frame with data */
	static const char * const bad[] = {
		"06000361", "0600ffffffffffffffff61", "070261",
		"07ffffffffffffffff61", "0a040261", "0a04ffffffffffffffff61",
		"1c00000262", "1c0000ffffffffffffffff62", "1d000262",
		"1d00ffffffffffffffff62", "310261", "31ffffffffffffffff61",
	};
	struct tquic_frame f;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		KUNIT_EXPECT_EQ_MSG(test, frame_parse_hex(test, bad[i], &f),
				    TQUIC_ERR_FRAME_ENCODING, "%s", bad[i]);
}

static void frame_crypto_from_rfc(struct kunit *test)
{
	/* start of the payload of RFC 9001 App. A.3: ACK, then CRYPTO */
	struct tquic_rbuf b = wire_hex(test,
		"02000000000600405a020000560303eefce7f7b37ba1d1632e96677825ddf73988cfc79825df566dc5430b9a045a1200130100002e00330024001d00209d3c940d89690b84d08a60993c144eca684d1081287c834d5311bcf32bb9da1a002b00020304");
	struct tquic_frame f;

	KUNIT_ASSERT_EQ(test, tquic_frame_parse(&b, &f), 0);
	KUNIT_EXPECT_EQ(test, f.type, TQUIC_FRAME_ACK);
	KUNIT_EXPECT_EQ(test, f.ack.largest, 0);
	KUNIT_EXPECT_EQ(test, f.ack.range_count, 0);
	KUNIT_ASSERT_EQ(test, tquic_frame_parse(&b, &f), 0);
	KUNIT_EXPECT_EQ(test, f.type, TQUIC_FRAME_CRYPTO);
	KUNIT_EXPECT_EQ(test, f.crypto.off, 0);
	KUNIT_EXPECT_EQ(test, f.crypto.len, 90);
	KUNIT_EXPECT_EQ(test, f.crypto.data[0], 0x02);
	KUNIT_EXPECT_PTR_EQ(test, f.crypto.data + 90, b.end);
	KUNIT_EXPECT_EQ(test, tquic_rbuf_left(&b), 0);
}

static void frame_max_fields(struct kunit *test)
{
	static const char * const streams[] = { "12", "13", "16", "17" };
	struct tquic_frame f;
	char hex[20];
	size_t i;

	KUNIT_ASSERT_EQ(test, frame_parse_hex(test, "110880010000", &f), 0);
	KUNIT_EXPECT_EQ(test, f.max.id, 8);
	KUNIT_EXPECT_EQ(test, f.max.val, 0x10000);
	KUNIT_ASSERT_EQ(test, frame_parse_hex(test, "14ffffffffffffffff", &f), 0);
	KUNIT_EXPECT_EQ(test, f.max.id, 0);
	KUNIT_EXPECT_EQ(test, f.max.val, TQUIC_VARINT_MAX);
	KUNIT_ASSERT_EQ(test, frame_parse_hex(test, "1108ffffffffffffffff", &f), 0);
	KUNIT_EXPECT_EQ(test, f.max.val, TQUIC_VARINT_MAX);
	KUNIT_ASSERT_EQ(test, frame_parse_hex(test, "1508ffffffffffffffff", &f), 0);
	KUNIT_EXPECT_EQ(test, f.max.val, TQUIC_VARINT_MAX);
	for (i = 0; i < ARRAY_SIZE(streams); i++) {
		scnprintf(hex, sizeof(hex), "%sd000000000000000", streams[i]);
		KUNIT_EXPECT_EQ(test, frame_parse_hex(test, hex, &f), 0);
		KUNIT_EXPECT_EQ(test, f.max.val, TQUIC_MAX_STREAMS);
		scnprintf(hex, sizeof(hex), "%sd000000000000001", streams[i]);
		KUNIT_EXPECT_EQ(test, frame_parse_hex(test, hex, &f),
				TQUIC_ERR_FRAME_ENCODING);
	}
}

static void frame_reset_and_stop_fields(struct kunit *test)
{
	struct tquic_frame f;

	KUNIT_ASSERT_EQ(test, frame_parse_hex(test, "04040580010001", &f),
			0);
	KUNIT_EXPECT_EQ(test, f.reset_stream.id, 4);
	KUNIT_EXPECT_EQ(test, f.reset_stream.code, 5);
	KUNIT_EXPECT_EQ(test, f.reset_stream.final_size, 0x10001);
	KUNIT_ASSERT_EQ(test, frame_parse_hex(test, "05044005", &f), 0);
	KUNIT_EXPECT_EQ(test, f.stop_sending.id, 4);
	KUNIT_EXPECT_EQ(test, f.stop_sending.code, 5);
}

static void frame_new_cid_fields(struct kunit *test)
{
	struct tquic_rbuf token = wire_hex(test, RESET_TOKEN);
	struct tquic_frame f;

	KUNIT_ASSERT_EQ(test,
			frame_parse_hex(test, "18050304aabbccdd" RESET_TOKEN, &f),
			0);
	KUNIT_EXPECT_EQ(test, f.new_cid.path_id, 0);
	KUNIT_EXPECT_EQ(test, f.new_cid.seq, 5);
	KUNIT_EXPECT_EQ(test, f.new_cid.retire_prior_to, 3);
	KUNIT_EXPECT_EQ(test, f.new_cid.cid.len, 4);
	KUNIT_EXPECT_MEMEQ(test, f.new_cid.cid.id, "\xaa\xbb\xcc\xdd", 4);
	KUNIT_EXPECT_MEMEQ(test, f.new_cid.token, token.p, 16);
	KUNIT_ASSERT_EQ(test,
			frame_parse_hex(test, "7e7809050501aa" RESET_TOKEN, &f), 0);
	KUNIT_EXPECT_EQ(test, f.new_cid.path_id, 9);
	KUNIT_EXPECT_EQ(test, f.new_cid.retire_prior_to, 5);
}

static void frame_new_cid_rules(struct kunit *test)
{
	static const char * const bad[] = {
		/* length 0, length 21, retire prior to 6 of sequence 5 */
		"18050300" RESET_TOKEN RESET_TOKEN,
		"18050315" RESET_TOKEN RESET_TOKEN RESET_TOKEN,
		"18050604aabbccdd" RESET_TOKEN,
		"7e7802050300" RESET_TOKEN RESET_TOKEN,
		"7e7802050315" RESET_TOKEN RESET_TOKEN RESET_TOKEN,
		"7e7802050604aabbccdd" RESET_TOKEN,
	};
	struct tquic_frame f;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		KUNIT_EXPECT_EQ_MSG(test, frame_parse_hex(test, bad[i], &f),
				    TQUIC_ERR_FRAME_ENCODING, "%s", bad[i]);
}

static void frame_new_token_is_never_empty(struct kunit *test)
{
	struct tquic_frame f;

	KUNIT_EXPECT_EQ(test, frame_parse_hex(test, "0700", &f),
			TQUIC_ERR_FRAME_ENCODING);
	KUNIT_EXPECT_EQ(test, frame_parse_hex(test, "0703746f6b", &f), 0);
	KUNIT_EXPECT_EQ(test, f.new_token.len, 3);
	KUNIT_EXPECT_MEMEQ(test, f.new_token.data, "tok", 3);
}

static void frame_close_fields(struct kunit *test)
{
	struct tquic_frame f;

	KUNIT_ASSERT_EQ(test, frame_parse_hex(test, "1c0a0603626164", &f), 0);
	KUNIT_EXPECT_FALSE(test, f.close.app);
	KUNIT_EXPECT_EQ(test, f.close.code, 0x0a);
	KUNIT_EXPECT_EQ(test, f.close.frame_type, 0x06);
	KUNIT_EXPECT_EQ(test, f.close.reason_len, 3);
	KUNIT_EXPECT_MEMEQ(test, f.close.reason, "bad", 3);
	KUNIT_ASSERT_EQ(test, frame_parse_hex(test, "1d410003627965", &f), 0);
	KUNIT_EXPECT_TRUE(test, f.close.app);
	KUNIT_EXPECT_EQ(test, f.close.code, 0x100);
	KUNIT_EXPECT_EQ(test, f.close.frame_type, 0);
	KUNIT_EXPECT_MEMEQ(test, f.close.reason, "bye", 3);
}

static void frame_path_fields(struct kunit *test)
{
	struct tquic_frame f;

	KUNIT_ASSERT_EQ(test, frame_parse_hex(test, "7e75037e77", &f), 0);
	KUNIT_EXPECT_EQ(test, f.path.path_id, 3);
	KUNIT_EXPECT_EQ(test, f.path.val, TQUIC_ERR_NO_CID_AVAILABLE_FOR_PATH);
	KUNIT_ASSERT_EQ(test, frame_parse_hex(test, "7e76030b", &f), 0);
	KUNIT_EXPECT_EQ(test, f.path.path_id, 3);
	KUNIT_EXPECT_EQ(test, f.path.val, 11);
	KUNIT_ASSERT_EQ(test, frame_parse_hex(test, "7e7a09", &f), 0);
	KUNIT_EXPECT_EQ(test, f.path.path_id, 9);
	KUNIT_EXPECT_EQ(test, f.path.val, 9);
	KUNIT_ASSERT_EQ(test, frame_parse_hex(test, "7e7bc0000000ffffffff", &f), 0);
	KUNIT_EXPECT_EQ(test, f.path.val, 0xffffffffU);
	KUNIT_ASSERT_EQ(test, frame_parse_hex(test, "7e7c0304", &f), 0);
	KUNIT_EXPECT_EQ(test, f.path.val, 4);
	KUNIT_ASSERT_EQ(test, frame_parse_hex(test, "7e790305", &f), 0);
	KUNIT_EXPECT_EQ(test, f.retire_cid.path_id, 3);
	KUNIT_EXPECT_EQ(test, f.retire_cid.seq, 5);
	KUNIT_ASSERT_EQ(test, frame_parse_hex(test, "1905", &f), 0);
	KUNIT_EXPECT_EQ(test, f.retire_cid.path_id, 0);
}

static void frame_path_id_fits_32_bits(struct kunit *test)
{
	static const char * const after[][2] = {
		{ "3e", "00000000" },
		{ "3f", "00000000000000" },
		{ "7e75", "00" },
		{ "7e76", "00" },
		{ "7e77", "00" },
		{ "7e78", "050304aabbccdd" RESET_TOKEN },
		{ "7e79", "00" },
		{ "7e7a", "" },
		{ "7e7b", "" },
		{ "7e7c", "00" },
	};
	struct tquic_frame f;
	char hex[128];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(after); i++) {
		scnprintf(hex, sizeof(hex), "%sc0000000ffffffff%s", after[i][0],
			  after[i][1]);
		KUNIT_EXPECT_EQ_MSG(test, frame_parse_hex(test, hex, &f), 0, "%s",
				    hex);
		scnprintf(hex, sizeof(hex), "%sc000000100000000%s", after[i][0],
			  after[i][1]);
		KUNIT_EXPECT_EQ_MSG(test, frame_parse_hex(test, hex, &f),
				    TQUIC_ERR_PROTOCOL_VIOLATION, "%s", hex);
		scnprintf(hex, sizeof(hex), "%sffffffffffffffff%s", after[i][0],
			  after[i][1]);
		KUNIT_EXPECT_EQ_MSG(test, frame_parse_hex(test, hex, &f),
				    TQUIC_ERR_PROTOCOL_VIOLATION, "%s", hex);
	}
}

static void frame_path_data_and_datagram_fields(struct kunit *test)
{
	struct tquic_frame f;

	KUNIT_ASSERT_EQ(test, frame_parse_hex(test, "1a0102030405060708", &f), 0);
	KUNIT_EXPECT_MEMEQ(test, f.path_data.data, "\1\2\3\4\5\6\7\10", 8);
	KUNIT_ASSERT_EQ(test, frame_parse_hex(test, "30616263", &f), 0);
	KUNIT_EXPECT_EQ(test, f.datagram.len, 3);
	KUNIT_ASSERT_EQ(test, frame_parse_hex(test, "31026162", &f), 0);
	KUNIT_EXPECT_EQ(test, f.datagram.len, 2);
	KUNIT_EXPECT_MEMEQ(test, f.datagram.data, "ab", 2);
	KUNIT_ASSERT_EQ(test, frame_parse_hex(test, "3100", &f), 0);
	KUNIT_EXPECT_EQ(test, f.datagram.len, 0);
}

static void ack_ranges_are_walked_newest_first(struct kunit *test)
{
	struct tquic_ack_iter it;
	struct tquic_frame f;
	u64 lo, hi;

	/* 100..91, gap of one packet, 89..87, gap of three, 83 */
	KUNIT_ASSERT_EQ(test, frame_parse_hex(test, "0240640a020900020200", &f), 0);
	KUNIT_EXPECT_EQ(test, f.ack.largest, 100);
	KUNIT_EXPECT_EQ(test, f.ack.delay, 10);
	KUNIT_EXPECT_EQ(test, f.ack.range_count, 2);
	KUNIT_EXPECT_FALSE(test, f.ack.ecn);
	tquic_ack_iter_init(&it, &f);
	KUNIT_ASSERT_TRUE(test, tquic_ack_iter_next(&it, &lo, &hi));
	KUNIT_EXPECT_EQ(test, hi, 100);
	KUNIT_EXPECT_EQ(test, lo, 91);
	KUNIT_ASSERT_TRUE(test, tquic_ack_iter_next(&it, &lo, &hi));
	KUNIT_EXPECT_EQ(test, hi, 89);
	KUNIT_EXPECT_EQ(test, lo, 87);
	KUNIT_ASSERT_TRUE(test, tquic_ack_iter_next(&it, &lo, &hi));
	KUNIT_EXPECT_EQ(test, hi, 83);
	KUNIT_EXPECT_EQ(test, lo, 83);
	KUNIT_EXPECT_FALSE(test, tquic_ack_iter_next(&it, &lo, &hi));
	KUNIT_EXPECT_FALSE(test, tquic_ack_iter_next(&it, &lo, &hi));
}

static void ack_ecn_counts_and_path_id(struct kunit *test)
{
	struct tquic_frame f;

	KUNIT_ASSERT_EQ(test, frame_parse_hex(test, "030500000040644a6503", &f), 0);
	KUNIT_EXPECT_TRUE(test, f.ack.ecn);
	KUNIT_EXPECT_EQ(test, f.ack.path_id, 0);
	KUNIT_EXPECT_EQ(test, f.ack.counts.ect0, 100);
	KUNIT_EXPECT_EQ(test, f.ack.counts.ect1, 0xa65);
	KUNIT_EXPECT_EQ(test, f.ack.counts.ce, 3);
	KUNIT_ASSERT_EQ(test, frame_parse_hex(test, "3f0705000000010203", &f), 0);
	KUNIT_EXPECT_TRUE(test, f.ack.ecn);
	KUNIT_EXPECT_EQ(test, f.ack.path_id, 7);
	KUNIT_EXPECT_EQ(test, f.ack.largest, 5);
	KUNIT_EXPECT_EQ(test, f.ack.counts.ce, 3);
	KUNIT_ASSERT_EQ(test, frame_parse_hex(test, "3e0705000000", &f), 0);
	KUNIT_EXPECT_FALSE(test, f.ack.ecn);
	KUNIT_EXPECT_EQ(test, f.ack.counts.ce, 0);
}

static void frame_reset_at_fields(struct kunit *test)
{
	struct tquic_frame f;

	KUNIT_ASSERT_EQ(test, frame_parse_hex(test, "240405800100014100", &f), 0);
	KUNIT_EXPECT_EQ(test, f.reset_stream.id, 4);
	KUNIT_EXPECT_EQ(test, f.reset_stream.code, 5);
	KUNIT_EXPECT_EQ(test, f.reset_stream.final_size, 0x10001);
	KUNIT_EXPECT_EQ(test, f.reset_stream.reliable, 0x100);
	/* All of it, and not a byte more. */
	KUNIT_EXPECT_EQ(test, frame_parse_hex(test, "2404051010", &f), 0);
	KUNIT_EXPECT_EQ(test, frame_parse_hex(test, "2404051011", &f), TQUIC_ERR_FRAME_ENCODING);
	/* The other one leaves nothing behind. */
	KUNIT_EXPECT_EQ(test, frame_parse_hex(test, "04040510", &f), 0);
	KUNIT_EXPECT_EQ(test, f.reset_stream.reliable, 0);
}

static void frame_ack_frequency_fields(struct kunit *test)
{
	struct tquic_frame f;

	KUNIT_ASSERT_EQ(test, frame_parse_hex(test, "40af050c800186a003", &f), 0);
	KUNIT_EXPECT_EQ(test, f.type, TQUIC_FRAME_ACK_FREQUENCY);
	KUNIT_EXPECT_EQ(test, f.ack_frequency.seq, 5);
	KUNIT_EXPECT_EQ(test, f.ack_frequency.threshold, 12);
	KUNIT_EXPECT_EQ(test, f.ack_frequency.delay_us, 100000);
	KUNIT_EXPECT_EQ(test, f.ack_frequency.reorder, 3);
	/* The type in more bytes than it takes */
	KUNIT_EXPECT_EQ(test, frame_parse_hex(test, "800000af050c0103", &f),
			TQUIC_ERR_PROTOCOL_VIOLATION);
}

static void ack_ranges_stay_above_zero(struct kunit *test)
{
	static const char * const bad[] = {
		"0205000006",			/* first range below 0 */
		"020500000601020304",
		"02050001050000",		/* gap below 0 */
		"02050001040000",
		"02050001020002",		/* second range below 0 */
		"0205000100ffffffffffffffffffffffffffffffff",
		"020500ffffffffffffffff0000000000",	/* count of 2^62-1 */
		"02050003000000",		/* fewer ranges than counted */
		"3e0105000006",
		"3f0105000006010203",
	};
	struct tquic_frame f;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		KUNIT_EXPECT_EQ_MSG(test, frame_parse_hex(test, bad[i], &f),
				    TQUIC_ERR_FRAME_ENCODING, "%s", bad[i]);
	/* down to 0 exactly */
	KUNIT_EXPECT_EQ(test, frame_parse_hex(test, "0205000005", &f), 0);
	KUNIT_EXPECT_EQ(test, frame_parse_hex(test, "02050001030000", &f), 0);
	KUNIT_EXPECT_EQ(test, frame_parse_hex(test, "02050001020001", &f), 0);
	KUNIT_EXPECT_EQ(test, frame_parse_hex(test, "02050001030100", &f),
			TQUIC_ERR_FRAME_ENCODING);
}

/* RFC 9000 Table 3, RFC 9221 §4, RFC 10069 §4, draft-ietf-quic-ack-frequency. */
static void frame_packets_and_properties(struct kunit *test)
{
	static const struct {
		u16 first, last;
		const char *in;
		bool eliciting, probing;
	} table[] = {
		{ 0x00, 0x00, "IH01", false, true },
		{ 0x01, 0x01, "IH01", true, false },
		{ 0x02, 0x03, "IH1", false, false },
		{ 0x04, 0x05, "01", true, false },
		{ 0x06, 0x06, "IH1", true, false },
		{ 0x07, 0x07, "1", true, false },
		{ 0x08, 0x17, "01", true, false },
		{ 0x18, 0x18, "01", true, true },
		{ 0x19, 0x19, "01", true, false },
		{ 0x1a, 0x1a, "01", true, true },
		{ 0x1b, 0x1b, "1", true, true },
		{ 0x1c, 0x1c, "IH01", false, false },
		{ 0x1d, 0x1d, "01", false, false },
		{ 0x1e, 0x1f, "1", true, false },
		{ 0x24, 0x24, "01", true, false },
		{ 0x30, 0x31, "01", true, false },
		{ 0x3e, 0x3f, "1", false, false },
		{ 0xaf, 0xaf, "1", true, false },
		{ 0x3e75, 0x3e7c, "1", true, false },
	};
	static const struct {
		enum tquic_pkt_type pkt;
		char letter;
	} pkts[] = {
		{ TQUIC_PKT_INITIAL, 'I' }, { TQUIC_PKT_0RTT, '0' },
		{ TQUIC_PKT_HANDSHAKE, 'H' }, { TQUIC_PKT_1RTT, '1' },
		{ TQUIC_PKT_RETRY, 'R' }, { TQUIC_PKT_VN, 'V' },
	};
	size_t i, k;
	u64 type;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		for (type = table[i].first; type <= table[i].last; type++) {
			KUNIT_EXPECT_EQ_MSG(test, tquic_frame_is_eliciting(type),
					    table[i].eliciting, "type 0x%llx", type);
			KUNIT_EXPECT_EQ_MSG(test, tquic_frame_is_probing(type),
					    table[i].probing, "type 0x%llx", type);
			for (k = 0; k < ARRAY_SIZE(pkts); k++)
				KUNIT_EXPECT_EQ_MSG(test,
						    tquic_frame_allowed(type, pkts[k].pkt),
						    !!strchr(table[i].in, pkts[k].letter),
						    "type 0x%llx in %c", type,
						    pkts[k].letter);
		}
	}
}

/* Parses a payload to its end or first error; data must lie inside it. */
static void frame_walk(struct kunit *test, struct tquic_rbuf b)
{
	struct tquic_ack_iter it;
	struct tquic_frame f;
	u64 lo, hi, ranges, below;
	const u8 *before;

	while (tquic_rbuf_left(&b)) {
		before = b.p;
		if (tquic_frame_parse(&b, &f))
			return;
		KUNIT_ASSERT_TRUE(test, b.p > before && b.p <= b.end);
		if ((f.type | 1) != TQUIC_FRAME_ACK_ECN &&
		    (f.type | 1) != TQUIC_FRAME_PATH_ACK_ECN)
			continue;
		tquic_ack_iter_init(&it, &f);
		below = f.ack.largest + 2;
		for (ranges = 0; tquic_ack_iter_next(&it, &lo, &hi); ranges++) {
			KUNIT_ASSERT_LE(test, lo, hi);
			KUNIT_ASSERT_LT(test, hi + 1, below);
			below = lo;
		}
		KUNIT_ASSERT_EQ(test, ranges, f.ack.range_count + 1);
	}
}

static void frame_survives_random_bytes(struct kunit *test)
{
	struct tquic_rbuf b, sample;
	struct rnd_state rnd;
	size_t len, k;
	int i;
	u8 *p;

	prandom_seed_state(&rnd, 4);
	for (i = 0; i < 30000; i++) {
		len = prandom_u32_state(&rnd) % 64;
		p = kmalloc(len, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, p);
		for (k = 0; k < len; k++)
			p[k] = prandom_u32_state(&rnd) >> prandom_u32_state(&rnd) % 32;
		b = (struct tquic_rbuf){ p, p + len };
		frame_walk(test, b);
		kfree(p);
	}
	/* every byte of every sample set to every value */
	for (i = 0; i < ARRAY_SIZE(frame_samples) * 256; i++) {
		sample = wire_hex(test, frame_samples[i / 256].hex);
		for (k = 0; k < tquic_rbuf_left(&sample); k++) {
			b = wire_copy(test, sample.p, tquic_rbuf_left(&sample));
			((u8 *)b.p)[k] = i;
			frame_walk(test, b);
			kfree(b.p);
		}
	}
}

static struct kunit_case frame_parse_cases[] = {
	KUNIT_CASE(frame_takes_exactly_its_bytes),
	KUNIT_CASE(frame_leaves_the_next_one),
	KUNIT_CASE(frame_refuses_every_truncation),
	KUNIT_CASE(frame_type_must_be_minimal),
	KUNIT_CASE(frame_refuses_unknown_types),
	KUNIT_CASE(frame_padding_run_is_one_frame),
	KUNIT_CASE(frame_survives_random_bytes),
	{}
};

static struct kunit_case frame_field_cases[] = {
	KUNIT_CASE(frame_stream_fields),
	KUNIT_CASE(frame_stream_ends_below_2_to_62),
	KUNIT_CASE(frame_lengths_stay_in_the_packet),
	KUNIT_CASE(frame_crypto_from_rfc),
	KUNIT_CASE(frame_max_fields),
	KUNIT_CASE(frame_reset_and_stop_fields),
	KUNIT_CASE(frame_new_cid_fields),
	KUNIT_CASE(frame_new_cid_rules),
	KUNIT_CASE(frame_new_token_is_never_empty),
	KUNIT_CASE(frame_close_fields),
	KUNIT_CASE(frame_path_fields),
	KUNIT_CASE(frame_reset_at_fields),
	KUNIT_CASE(frame_ack_frequency_fields),
	KUNIT_CASE(frame_path_id_fits_32_bits),
	KUNIT_CASE(frame_path_data_and_datagram_fields),
	{}
};

static struct kunit_case frame_ack_cases[] = {
	KUNIT_CASE(ack_ranges_are_walked_newest_first),
	KUNIT_CASE(ack_ecn_counts_and_path_id),
	KUNIT_CASE(ack_ranges_stay_above_zero),
	{}
};

static struct kunit_case frame_rule_cases[] = {
	KUNIT_CASE(frame_packets_and_properties),
	{}
};

static struct kunit_suite frame_parse_suite = {
	.name = "tquic-frame-parse",
	.test_cases = frame_parse_cases,
};

static struct kunit_suite frame_field_suite = {
	.name = "tquic-frame-fields",
	.test_cases = frame_field_cases,
};

static struct kunit_suite frame_ack_suite = {
	.name = "tquic-frame-ack",
	.test_cases = frame_ack_cases,
};

static struct kunit_suite frame_rule_suite = {
	.name = "tquic-frame-rules",
	.test_cases = frame_rule_cases,
};

kunit_test_suites(&frame_parse_suite, &frame_field_suite, &frame_ack_suite,
		  &frame_rule_suite);
