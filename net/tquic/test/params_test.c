// SPDX-License-Identifier: GPL-2.0
/* Tests of transport parameters. */
#include <linux/prandom.h>

#include "core/params.h"
#include "test/wire.h"

#define RESET_TOKEN	"000102030405060708090a0b0c0d0e0f"
/* IPv4, port, IPv6, port, connection ID of 4 bytes, reset token */
#define PREFERRED_ADDR	"c000020101bb20010db8000000000000000000000001" \
			"115c04aabbccdd" RESET_TOKEN

static int params_parse_hex(struct kunit *test, const char *hex,
			    bool from_server, struct tquic_params *p)
{
	struct tquic_rbuf b = wire_hex(test, hex);

	return tquic_params_parse(b.p, tquic_rbuf_left(&b), from_server, p);
}

/* One valid parameter of every kind. */
static const struct {
	const char *hex;
	bool server_only;
} params_samples[] = {
	{ "00088394c8f03e515708", true },
	{ "010480007530", false },
	{ "0210" RESET_TOKEN, true },
	{ "030245c8", false },
	{ "040480010000", false },
	{ "050480010001", false },
	{ "060480010002", false },
	{ "070480010003", false },
	{ "080108", false },
	{ "090109", false },
	{ "0a0105", false },
	{ "0b011a", false },
	{ "0c00", false },
	{ "0d2d" PREFERRED_ADDR, true },
	{ "0e0108", false },
	{ "0f04aabbccdd", false },
	{ "1003010203", true },
	{ "110c00000001000000016b3343cf", false },
	{ "20048000ffff", false },
	{ "3e0103", false },
	{ "6ab200", false },
};

static void params_defaults(struct kunit *test)
{
	struct tquic_params p;

	/* RFC 9000 §18.2 */
	KUNIT_EXPECT_EQ(test, tquic_params_parse(NULL, 0, false, &p), 0);
	KUNIT_EXPECT_EQ(test, p.max_idle_timeout_ms, 0);
	KUNIT_EXPECT_EQ(test, p.max_udp_payload_size, 65527);
	KUNIT_EXPECT_EQ(test, p.max_data, 0);
	KUNIT_EXPECT_EQ(test, p.max_streams_bidi, 0);
	KUNIT_EXPECT_EQ(test, p.ack_delay_exponent, 3);
	KUNIT_EXPECT_EQ(test, p.max_ack_delay_ms, 25);
	KUNIT_EXPECT_EQ(test, p.active_cid_limit, 2);
	KUNIT_EXPECT_EQ(test, p.max_datagram_frame_size, 0);
	KUNIT_EXPECT_FALSE(test, p.has_max_path_id);
	KUNIT_EXPECT_FALSE(test, p.has_iscid);
	KUNIT_EXPECT_FALSE(test, p.has_version_info);
	KUNIT_EXPECT_FALSE(test, p.disable_active_migration);
}

static void params_from_rfc_client_hello(struct kunit *test)
{
	struct tquic_params p;

	/* quic_transport_parameters of RFC 9001 App. A.2 */
	KUNIT_ASSERT_EQ(test,
			params_parse_hex(test,
					 "0408ffffffffffffffff05048000ffff07048000ffff0801100104800075300901100f088394c8f03e51570806048000ffff", false, &p), 0);
	KUNIT_EXPECT_EQ(test, p.max_data, TQUIC_VARINT_MAX);
	KUNIT_EXPECT_EQ(test, p.max_stream_data_bidi_local, 65535);
	KUNIT_EXPECT_EQ(test, p.max_stream_data_bidi_remote, 65535);
	KUNIT_EXPECT_EQ(test, p.max_stream_data_uni, 65535);
	KUNIT_EXPECT_EQ(test, p.max_streams_bidi, 16);
	KUNIT_EXPECT_EQ(test, p.max_streams_uni, 16);
	KUNIT_EXPECT_EQ(test, p.max_idle_timeout_ms, 30000);
	KUNIT_EXPECT_TRUE(test, p.has_iscid);
	KUNIT_EXPECT_EQ(test, p.iscid.len, 8);
	KUNIT_EXPECT_EQ(test, p.iscid.id[0], 0x83);
}

static void params_every_kind_alone(struct kunit *test)
{
	struct tquic_params p;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(params_samples); i++) {
		KUNIT_EXPECT_EQ_MSG(test,
				    params_parse_hex(test, params_samples[i].hex,
						     true, &p), 0, "%s",
				    params_samples[i].hex);
		KUNIT_EXPECT_EQ_MSG(test,
				    params_parse_hex(test, params_samples[i].hex,
						     false, &p),
				    params_samples[i].server_only ?
				    TQUIC_ERR_TRANSPORT_PARAMETER : 0, "%s",
				    params_samples[i].hex);
	}
}

static void params_refuse_every_truncation(struct kunit *test)
{
	struct tquic_rbuf full, b;
	struct tquic_params p;
	size_t i, n;

	for (i = 0; i < ARRAY_SIZE(params_samples); i++) {
		full = wire_hex(test, params_samples[i].hex);
		for (n = 1; n < tquic_rbuf_left(&full); n++) {
			b = wire_copy(test, full.p, n);
			KUNIT_EXPECT_EQ_MSG(test, tquic_params_parse(b.p, n, true, &p),
					    TQUIC_ERR_TRANSPORT_PARAMETER,
					    "%s cut to %zu", params_samples[i].hex, n);
			kfree(b.p);
		}
	}
}

/* Values whose stated length is one less or one more than they need. */
static void params_refuse_wrong_lengths(struct kunit *test)
{
	struct tquic_rbuf full;
	struct tquic_params p;
	size_t i, n, len_at;
	u8 *buf;
	int err;

	for (i = 0; i < ARRAY_SIZE(params_samples); i++) {
		full = wire_hex(test, params_samples[i].hex);
		n = tquic_rbuf_left(&full);
		len_at = full.p[0] >> 6 ? 2 : 1;
		/* a connection ID may have any length up to 20 */
		if (full.p[0] == 0x00 || full.p[0] == 0x0f || full.p[0] == 0x10)
			continue;
		buf = kunit_kzalloc(test, n + 1, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, buf);
		memcpy(buf, full.p, n);
		buf[len_at]++;
		KUNIT_EXPECT_EQ_MSG(test, tquic_params_parse(buf, n + 1, true, &p),
				    TQUIC_ERR_TRANSPORT_PARAMETER, "%s, longer",
				    params_samples[i].hex);
		if (full.p[len_at] < 2)
			continue;
		buf[len_at] -= 2;
		err = tquic_params_parse(buf, n - 1, true, &p);
		KUNIT_EXPECT_EQ_MSG(test, err, TQUIC_ERR_TRANSPORT_PARAMETER,
				    "%s, shorter", params_samples[i].hex);
	}
}

static void params_refuse_duplicates(struct kunit *test)
{
	struct tquic_params p;
	char hex[512];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(params_samples); i++) {
		/* with another parameter in between, and an id of 8 bytes */
		scnprintf(hex, sizeof(hex), "%s1b00%s", params_samples[i].hex,
			  params_samples[i].hex);
		KUNIT_EXPECT_EQ_MSG(test, params_parse_hex(test, hex, true, &p),
				    TQUIC_ERR_TRANSPORT_PARAMETER, "%s", hex);
	}
	KUNIT_EXPECT_EQ(test,
			params_parse_hex(test, "040104c0000000000000040104", true, &p),
			TQUIC_ERR_TRANSPORT_PARAMETER);
}

static void params_skip_unknown_ids(struct kunit *test)
{
	struct tquic_params p;

	/* reserved, private and 62-bit ids, twice each, with values of any kind */
	KUNIT_EXPECT_EQ(test,
			params_parse_hex(test,
					 "1b001b02abcd7fff030102037fff00ffffffffffffffff01ffffffffffffffffff0021080102030405060708040109", false, &p),
			0);
	KUNIT_EXPECT_EQ(test, p.max_data, 9);
	/* but their length must be inside the extension */
	KUNIT_EXPECT_EQ(test, params_parse_hex(test, "1b03abcd", false, &p),
			TQUIC_ERR_TRANSPORT_PARAMETER);
	KUNIT_EXPECT_EQ(test,
			params_parse_hex(test, "1bffffffffffffffff", false, &p),
			TQUIC_ERR_TRANSPORT_PARAMETER);
}

static void params_integer_limits(struct kunit *test)
{
	static const struct {
		const char *good, *bad;
	} limits[] = {
		{ "030244b0", "030244af" },		/* payload 1200 */
		{ "0808d000000000000000", "0808d000000000000001" },
		{ "0908d000000000000000", "0908d000000000000001" },
		{ "0a0114", "0a0115" },			/* exponent 20 */
		{ "0b027fff", "0b0480004000" },		/* delay 2^14 - 1 */
		{ "0e0102", "0e0101" },
		{ "3e08c0000000ffffffff", "3e08c000000100000000" },
		{ "010100", "0101" },
		{ "040100", "0401" },
		{ "050100", "0501" },
		{ "060100", "0601" },
		{ "070100", "0701" },
		{ "080100", "0801" },
		{ "090100", "0901" },
		{ "0a0100", "0a01" },
		{ "0b0100", "0b01" },
		{ "200100", "2001" },
		{ "3e0100", "3e01" },
		{ "0c00", "0c0100" },
		{ "6ab200", "6ab20100" },
		{ "0f14" RESET_TOKEN "00000000", "0f15" RESET_TOKEN "0000000000" },
		{ "0f00", "0f" },
	};
	struct tquic_params p;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(limits); i++) {
		KUNIT_EXPECT_EQ_MSG(test,
				    params_parse_hex(test, limits[i].good, false, &p),
				    0, "%s", limits[i].good);
		KUNIT_EXPECT_EQ_MSG(test,
				    params_parse_hex(test, limits[i].bad, false, &p),
				    TQUIC_ERR_TRANSPORT_PARAMETER, "%s",
				    limits[i].bad);
	}
	KUNIT_EXPECT_EQ(test, params_parse_hex(test, "0108ffffffffffffffff",
					       false, &p), 0);
	KUNIT_EXPECT_EQ(test, p.max_idle_timeout_ms, 0xffffffffU);
}

static void params_preferred_address(struct kunit *test)
{
	struct tquic_rbuf token = wire_hex(test, RESET_TOKEN);
	struct tquic_params p;

	KUNIT_ASSERT_EQ(test, params_parse_hex(test, "0d2d" PREFERRED_ADDR
					       "0f0101", true, &p), 0);
	KUNIT_EXPECT_TRUE(test, p.has_preferred_addr);
	KUNIT_EXPECT_MEMEQ(test, p.preferred_addr.ipv4, "\xc0\x00\x02\x01", 4);
	KUNIT_EXPECT_EQ(test, p.preferred_addr.ipv4_port, 443);
	KUNIT_EXPECT_EQ(test, p.preferred_addr.ipv6[15], 1);
	KUNIT_EXPECT_EQ(test, p.preferred_addr.ipv6_port, 4444);
	KUNIT_EXPECT_EQ(test, p.preferred_addr.cid.len, 4);
	KUNIT_EXPECT_EQ(test, p.preferred_addr.cid.id[3], 0xdd);
	KUNIT_EXPECT_MEMEQ(test, p.preferred_addr.reset_token, token.p, 16);
	/* a connection ID of no bytes, and a server that uses none */
	KUNIT_EXPECT_EQ(test,
			params_parse_hex(test,
					 "0d29c000020101bb20010db8000000000000000000000001115c00" RESET_TOKEN, true, &p),
			TQUIC_ERR_TRANSPORT_PARAMETER);
	KUNIT_EXPECT_EQ(test, params_parse_hex(test, "0f000d2d" PREFERRED_ADDR,
					       true, &p),
			TQUIC_ERR_TRANSPORT_PARAMETER);
}

static void params_multipath_needs_connection_ids(struct kunit *test)
{
	struct tquic_params p;

	KUNIT_EXPECT_EQ(test, params_parse_hex(test, "0f01013e0107", true, &p), 0);
	KUNIT_EXPECT_TRUE(test, p.has_max_path_id);
	KUNIT_EXPECT_EQ(test, p.max_path_id, 7);
	KUNIT_EXPECT_EQ(test, params_parse_hex(test, "3e01000f0101", true, &p), 0);
	KUNIT_EXPECT_TRUE(test, p.has_max_path_id);
	KUNIT_EXPECT_EQ(test, p.max_path_id, 0);
	KUNIT_EXPECT_EQ(test, params_parse_hex(test, "3e01070f00", true, &p),
			TQUIC_ERR_PROTOCOL_VIOLATION);
}

static void params_version_information(struct kunit *test)
{
	static const char * const bad[] = {
		"1100", "1103000000", "110400000000",
		"110800000001000000", "11050000000100", "11080000000100000000",
	};
	struct tquic_params p;
	size_t i;

	/* unknown and repeated versions are not kept */
	KUNIT_ASSERT_EQ(test,
			params_parse_hex(test,
					 "11186b3343cf1a2a3a4a6b3343cf000000016b3343cfff00001d", false, &p),
			0);
	KUNIT_EXPECT_TRUE(test, p.has_version_info);
	KUNIT_EXPECT_EQ(test, p.version_chosen, TQUIC_VERSION_2);
	KUNIT_EXPECT_EQ(test, p.version_count, 2);
	KUNIT_EXPECT_EQ(test, p.versions[0], TQUIC_VERSION_2);
	KUNIT_EXPECT_EQ(test, p.versions[1], TQUIC_VERSION_1);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		KUNIT_EXPECT_EQ_MSG(test, params_parse_hex(test, bad[i], true, &p),
				    TQUIC_ERR_TRANSPORT_PARAMETER, "%s", bad[i]);
	/* only a client has to list what it chose */
	KUNIT_EXPECT_EQ(test, params_parse_hex(test, "11086b3343cf00000001", true,
					       &p), 0);
	KUNIT_EXPECT_EQ(test, params_parse_hex(test, "11086b3343cf00000001", false,
					       &p), TQUIC_ERR_TRANSPORT_PARAMETER);
	KUNIT_EXPECT_EQ(test, params_parse_hex(test, "11046b3343cf", true, &p), 0);
	KUNIT_EXPECT_EQ(test, p.version_count, 0);
}

static void params_reset_stream_at(struct kunit *test)
{
	struct tquic_params p;

	KUNIT_EXPECT_EQ(test, params_parse_hex(test, "1d00", false, &p), 0);
	KUNIT_EXPECT_TRUE(test, p.reset_stream_at);
	KUNIT_EXPECT_EQ(test, params_parse_hex(test, "1d0100", false, &p),
			TQUIC_ERR_TRANSPORT_PARAMETER);
	KUNIT_EXPECT_EQ(test, params_parse_hex(test, "", false, &p), 0);
	KUNIT_EXPECT_FALSE(test, p.reset_stream_at);
}

/* min_ack_delay, in us, is at most max_ack_delay, in ms, in whatever order they come. */
static void params_min_ack_delay(struct kunit *test)
{
	static const struct {
		const char *hex;
		u64 us;
		int err;
	} table[] = {
		{ "c0000000ff04de1b0243e8", 1000, 0 },
		{ "c0000000ff04de1b0100", 0, 0 },
		{ "c0000000ff04de1b04800061a8", 25000, 0 },
		{ "c0000000ff04de1b04800061a9", 0, TQUIC_ERR_TRANSPORT_PARAMETER },
		{ "c0000000ff04de1b0243e80b0101", 1000, 0 },
		{ "c0000000ff04de1b0243e90b0101", 0, TQUIC_ERR_TRANSPORT_PARAMETER },
		{ "0b0101c0000000ff04de1b0243e9", 0, TQUIC_ERR_TRANSPORT_PARAMETER },
		{ "c0000000ff04de1b00", 0, TQUIC_ERR_TRANSPORT_PARAMETER },
		{ "c0000000ff04de1b0343e800", 0, TQUIC_ERR_TRANSPORT_PARAMETER },
		/* more than any max_ack_delay can be */
		{ "c0000000ff04de1b08ffffffffffffffff", 0, TQUIC_ERR_TRANSPORT_PARAMETER },
	};
	struct tquic_params p;
	u8 buf[64];
	ssize_t n;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		KUNIT_EXPECT_EQ_MSG(test, params_parse_hex(test, table[i].hex, false, &p),
				    table[i].err, "%s", table[i].hex);
		if (table[i].err)
			continue;
		KUNIT_EXPECT_TRUE(test, p.has_min_ack_delay);
		KUNIT_EXPECT_EQ_MSG(test, p.min_ack_delay_us, table[i].us, "%s", table[i].hex);
		/* Told even when it is 0, for it says that we listen. */
		n = tquic_params_encode(&p, false, buf, sizeof(buf), 0);
		KUNIT_ASSERT_GT(test, n, 0);
		memset(&p, 0, sizeof(p));
		KUNIT_ASSERT_EQ(test, tquic_params_parse(buf, n, false, &p), 0);
		KUNIT_EXPECT_TRUE(test, p.has_min_ack_delay);
		KUNIT_EXPECT_EQ(test, p.min_ack_delay_us, table[i].us);
	}
	KUNIT_EXPECT_EQ(test, params_parse_hex(test, "0b0101", false, &p), 0);
	KUNIT_EXPECT_FALSE(test, p.has_min_ack_delay);
}

/* Parameters with every field set, none at its default. */
static void params_fill(struct tquic_params *p)
{
	static const struct tquic_cid longest = {
		.len = 20, .id = { 1, 2, 3, [19] = 0xff }
	};

	tquic_params_default(p);
	p->max_idle_timeout_ms = 30000;
	p->max_udp_payload_size = 1500;
	p->max_data = TQUIC_VARINT_MAX;
	p->max_stream_data_bidi_local = 1ULL << 40;
	p->max_stream_data_bidi_remote = 1ULL << 41;
	p->max_stream_data_uni = 1ULL << 42;
	p->max_streams_bidi = TQUIC_MAX_STREAMS;
	p->max_streams_uni = TQUIC_MAX_STREAMS - 1;
	p->ack_delay_exponent = 10;
	p->max_ack_delay_ms = 16383;
	p->active_cid_limit = 1ULL << 33;
	p->max_datagram_frame_size = 65535;
	p->reset_stream_at = true;
	p->has_min_ack_delay = true;
	p->min_ack_delay_us = 16383000;
	p->has_max_path_id = true;
	p->max_path_id = 0xffffffffU;
	p->disable_active_migration = true;
	p->has_version_info = true;
	p->version_chosen = TQUIC_VERSION_2;
	p->version_count = 2;
	p->versions[0] = TQUIC_VERSION_2;
	p->versions[1] = TQUIC_VERSION_1;
	p->has_odcid = true;
	p->has_iscid = true;
	p->has_rscid = true;
	p->odcid = longest;
	p->iscid = longest;
	p->iscid.id[5] = 5;
	p->rscid = longest;
	p->rscid.len = 19;
	p->rscid.id[19] = 0;
	p->has_reset_token = true;
	memset(p->reset_token, 0x77, sizeof(p->reset_token));
	p->has_preferred_addr = true;
	memset(p->preferred_addr.ipv4, 4, 4);
	p->preferred_addr.ipv4_port = 4433;
	memset(p->preferred_addr.ipv6, 6, 16);
	p->preferred_addr.ipv6_port = 4434;
	p->preferred_addr.cid = longest;
	memset(p->preferred_addr.reset_token, 0x88, TQUIC_RESET_TOKEN_LEN);
}

static void params_round_trip_server(struct kunit *test)
{
	u8 *buf = kunit_kzalloc(test, TQUIC_PARAMS_MAX_LEN, GFP_KERNEL);
	struct tquic_params *in, *out;
	ssize_t n;

	in = kunit_kzalloc(test, sizeof(*in), GFP_KERNEL);
	out = kunit_kzalloc(test, sizeof(*out), GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, buf && in && out);
	params_fill(in);
	n = tquic_params_encode(in, true, buf, TQUIC_PARAMS_MAX_LEN, 0);
	KUNIT_ASSERT_GT(test, n, 0);
	KUNIT_ASSERT_EQ(test, tquic_params_parse(buf, n, true, out), 0);
	/* both were zeroed as a whole, so padding bytes agree */
	KUNIT_EXPECT_MEMEQ(test, out, in, sizeof(*in));
}

static void params_client_sends_no_server_parameters(struct kunit *test)
{
	u8 *buf = kunit_kzalloc(test, TQUIC_PARAMS_MAX_LEN, GFP_KERNEL);
	struct tquic_params *p;
	ssize_t n;

	p = kunit_kzalloc(test, sizeof(*p), GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, buf && p);
	params_fill(p);
	n = tquic_params_encode(p, false, buf, TQUIC_PARAMS_MAX_LEN, 7);
	KUNIT_ASSERT_GT(test, n, 0);
	KUNIT_ASSERT_EQ(test, tquic_params_parse(buf, n, false, p), 0);
	KUNIT_EXPECT_FALSE(test, p->has_odcid);
	KUNIT_EXPECT_FALSE(test, p->has_rscid);
	KUNIT_EXPECT_FALSE(test, p->has_reset_token);
	KUNIT_EXPECT_FALSE(test, p->has_preferred_addr);
	KUNIT_EXPECT_TRUE(test, p->has_iscid);
	KUNIT_EXPECT_EQ(test, p->max_path_id, 0xffffffffU);
}

static void params_encode_needs_all_its_room(struct kunit *test)
{
	struct tquic_params *p = kunit_kzalloc(test, sizeof(*p), GFP_KERNEL);
	u8 *buf = kunit_kzalloc(test, TQUIC_PARAMS_MAX_LEN, GFP_KERNEL);
	/* the longest grease: an id of 8 bytes and 8 bytes of value */
	const u64 grease = 9 * (1ULL << 50) + 8;
	ssize_t full, len;
	u8 *cut;

	KUNIT_ASSERT_TRUE(test, buf && p);
	params_fill(p);
	full = tquic_params_encode(p, true, buf, TQUIC_PARAMS_MAX_LEN,
				   grease);
	KUNIT_ASSERT_GT(test, full, 0);
	for (len = 0; len < full; len++) {
		cut = kmalloc(len, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, cut);
		KUNIT_EXPECT_EQ(test,
				tquic_params_encode(p, true, cut, len,
						    grease),
				-ENOSPC);
		kfree(cut);
	}
	/* The last parameter and a grease of two bytes: none stands in for the other. */
	tquic_params_default(p);
	p->has_version_info = true;
	p->version_count = TQUIC_VERSION_COUNT;
	full = tquic_params_encode(p, false, buf, TQUIC_PARAMS_MAX_LEN, 0);
	KUNIT_ASSERT_EQ(test, full, 2 + 12 + 2);
	for (len = 0; len < full; len++)
		KUNIT_EXPECT_EQ(test, tquic_params_encode(p, false, buf, len, 0),
				-ENOSPC);
}

static void params_grease_is_reserved_and_varies(struct kunit *test)
{
	struct tquic_params *p = kunit_kzalloc(test, sizeof(*p), GFP_KERNEL);
	struct tquic_rbuf b;
	struct rnd_state rnd;
	u64 id, len, grease;
	u8 buf[64];
	ssize_t n;
	int i;

	KUNIT_ASSERT_NOT_NULL(test, p);
	prandom_seed_state(&rnd, 6);
	tquic_params_default(p);
	p->grease_quic_bit = true;
	for (i = 0; i < 1000; i++) {
		grease = (u64)prandom_u32_state(&rnd) << 32 |
			 prandom_u32_state(&rnd);
		if (!i)
			grease = ~0ULL;
		/* with all values at the default, nothing else is sent */
		n = tquic_params_encode(p, i & 1, buf, sizeof(buf), grease);
		KUNIT_ASSERT_GT(test, n, 0);
		b = (struct tquic_rbuf){ buf, buf + n };
		KUNIT_ASSERT_TRUE(test, tquic_get_varint(&b, &id));
		KUNIT_ASSERT_TRUE(test, tquic_get_varint(&b, &len));
		KUNIT_EXPECT_EQ(test, id % 31, 27);
		KUNIT_EXPECT_EQ(test, tquic_rbuf_left(&b), len);
		KUNIT_EXPECT_LE(test, len, 8);
	}
}

static void params_connection_ids_are_checked(struct kunit *test)
{
	struct tquic_params *p = kunit_kzalloc(test, sizeof(*p), GFP_KERNEL);
	const struct tquic_cid o = wire_cid("oooooooo", 8);
	const struct tquic_cid s = wire_cid("ssss", 4);
	const struct tquic_cid r = wire_cid("rrrr", 4);
	const int bad = TQUIC_ERR_TRANSPORT_PARAMETER;

	KUNIT_ASSERT_NOT_NULL(test, p);
	/* client to server */
	KUNIT_EXPECT_EQ(test, tquic_params_check_cids(p, false, &o, &s, NULL), bad);
	p->has_iscid = true;
	p->iscid = r;
	KUNIT_EXPECT_EQ(test, tquic_params_check_cids(p, false, &o, &s, NULL), bad);
	p->iscid = s;
	KUNIT_EXPECT_EQ(test, tquic_params_check_cids(p, false, &o, &s, NULL), 0);
	/* server to client, without and with Retry */
	KUNIT_EXPECT_EQ(test, tquic_params_check_cids(p, true, &o, &s, NULL), bad);
	p->has_odcid = true;
	p->odcid = s;
	KUNIT_EXPECT_EQ(test, tquic_params_check_cids(p, true, &o, &s, NULL), bad);
	p->odcid = o;
	KUNIT_EXPECT_EQ(test, tquic_params_check_cids(p, true, &o, &s, NULL), 0);
	KUNIT_EXPECT_EQ(test, tquic_params_check_cids(p, true, &o, &s, &r), bad);
	p->has_rscid = true;
	p->rscid = s;
	KUNIT_EXPECT_EQ(test, tquic_params_check_cids(p, true, &o, &s, &r), bad);
	p->rscid = r;
	KUNIT_EXPECT_EQ(test, tquic_params_check_cids(p, true, &o, &s, &r), 0);
	KUNIT_EXPECT_EQ(test, tquic_params_check_cids(p, true, &o, &s, NULL), bad);
}

static void params_survive_random_bytes(struct kunit *test)
{
	struct tquic_params *p = kunit_kzalloc(test, sizeof(*p), GFP_KERNEL);
	struct rnd_state rnd;
	size_t len, k, i;
	int err;
	u8 *buf;

	KUNIT_ASSERT_NOT_NULL(test, p);
	prandom_seed_state(&rnd, 7);
	for (i = 0; i < 20000; i++) {
		len = prandom_u32_state(&rnd) % 64;
		buf = kmalloc(len, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, buf);
		for (k = 0; k < len; k++)
			buf[k] = prandom_u32_state(&rnd) >> prandom_u32_state(&rnd) % 32;
		err = tquic_params_parse(buf, len, i & 1, p);
		KUNIT_ASSERT_GE(test, err, 0);
		KUNIT_ASSERT_LE(test, p->version_count, TQUIC_VERSION_COUNT);
		kfree(buf);
	}
}

static struct kunit_case params_parse_cases[] = {
	KUNIT_CASE(params_defaults),
	KUNIT_CASE(params_from_rfc_client_hello),
	KUNIT_CASE(params_every_kind_alone),
	KUNIT_CASE(params_refuse_every_truncation),
	KUNIT_CASE(params_refuse_wrong_lengths),
	KUNIT_CASE(params_refuse_duplicates),
	KUNIT_CASE(params_skip_unknown_ids),
	KUNIT_CASE(params_survive_random_bytes),
	{}
};

static struct kunit_case params_rule_cases[] = {
	KUNIT_CASE(params_integer_limits),
	KUNIT_CASE(params_preferred_address),
	KUNIT_CASE(params_multipath_needs_connection_ids),
	KUNIT_CASE(params_version_information),
	KUNIT_CASE(params_connection_ids_are_checked),
	{}
};

static struct kunit_case params_encode_cases[] = {
	KUNIT_CASE(params_reset_stream_at),
	KUNIT_CASE(params_min_ack_delay),
	KUNIT_CASE(params_round_trip_server),
	KUNIT_CASE(params_client_sends_no_server_parameters),
	KUNIT_CASE(params_encode_needs_all_its_room),
	KUNIT_CASE(params_grease_is_reserved_and_varies),
	{}
};

static struct kunit_suite params_parse_suite = {
	.name = "tquic-params-parse",
	.test_cases = params_parse_cases,
};

static struct kunit_suite params_rule_suite = {
	.name = "tquic-params-rules",
	.test_cases = params_rule_cases,
};

static struct kunit_suite params_encode_suite = {
	.name = "tquic-params-encode",
	.test_cases = params_encode_cases,
};

kunit_test_suites(&params_parse_suite, &params_rule_suite, &params_encode_suite);
