// SPDX-License-Identifier: GPL-2.0
/* Tests of packet headers and packet numbers. */
#include <linux/prandom.h>

#include "core/header.h"
#include "test/wire.h"

/* RFC 9001 App. A.3 and RFC 9369 App. A.3: server Initial, 135 bytes. */
static const char server_initial_v1[] =
	"cf000000010008f067a5502a4262b5004075c0d95a482cd0991cd25b0aac406a5816b6394100f37a1c69797554780bb38cc5a99f5ede4cf73c3ec2493a1839b3dbcba3f6ea46c5b7684df3548e7ddeb9c3bf9c73cc3f3bded74b562bfb19fb84022f8ef4cdd93795d77d06edbb7aaf2f58891850abbdca3d20398c276456cbc42158407dd074ee";
static const char server_initial_v2[] =
	"dc6b3343cf0008f067a5502a4262b5004075d92faaf16f05d8a4398c47089698baeea26b91eb761d9b89237bbf87263017915358230035f7fd3945d88965cf17f9af6e16886c61bfc703106fbaf3cb4cfa52382dd16a393e42757507698075b2c984c707f0a0812d8cd5a6881eaf21ceda98f4bd23f6fe1a3e2c43edd9ce7ca84bed8521e2e140";
/* RFC 9001 App. A.4 and RFC 9369 App. A.4: Retry with the token "token". */
static const char retry_v1[] =
	"ff000000010008f067a5502a4262b5746f6b656e04a265ba2eff4d829058fb3f0f2496ba";
static const char retry_v2[] =
	"cf6b3343cf0008f067a5502a4262b5746f6b656ec8646ce8bfe33952d955543665dcc7b6";

static const u8 client_dcid[] = {
	0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08
};

static const u8 server_scid[] = {
	0xf0, 0x67, 0xa5, 0x50, 0x2a, 0x42, 0x62, 0xb5
};

static int header_parse(struct tquic_rbuf b, u8 short_len, struct tquic_hdr *h)
{
	return tquic_hdr_parse(b.p, tquic_rbuf_left(&b), short_len, h);
}

/* Every truncation of a packet that announces its own length is malformed. */
static void header_check_truncations(struct kunit *test, struct tquic_rbuf b,
				     size_t from)
{
	struct tquic_rbuf cut;
	struct tquic_hdr h;
	size_t n;

	for (n = 0; n < from; n++) {
		cut = wire_copy(test, b.p, n);
		KUNIT_EXPECT_EQ(test, header_parse(cut, 8, &h), -EINVAL);
		kfree(cut.p);
	}
}

/* RFC 9001 App. A.2, RFC 9369 App. A.2: headers of the 1200-byte Initials. */
static void header_client_initial(struct kunit *test)
{
	static const struct {
		const char *hex;
		u32 version;
	} vectors[] = {
		{ "c000000001088394c8f03e5157080000449e7b9aec34",
		  TQUIC_VERSION_1 },
		{ "d76b3343cf088394c8f03e5157080000449ea0c95e82",
		  TQUIC_VERSION_2 },
	};
	struct tquic_rbuf hdr, b;
	struct tquic_hdr h;
	size_t i;
	u8 *pkt;

	for (i = 0; i < ARRAY_SIZE(vectors); i++) {
		hdr = wire_hex(test, vectors[i].hex);
		pkt = kunit_kzalloc(test, 1200, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, pkt);
		memcpy(pkt, hdr.p, tquic_rbuf_left(&hdr));
		b = (struct tquic_rbuf){ pkt, pkt + 1200 };
		KUNIT_ASSERT_EQ(test, header_parse(b, 8, &h), 0);
		KUNIT_EXPECT_EQ(test, h.type, TQUIC_PKT_INITIAL);
		KUNIT_EXPECT_EQ(test, h.version, vectors[i].version);
		KUNIT_EXPECT_PTR_EQ(test, h.ver,
				    tquic_version_find(vectors[i].version));
		KUNIT_EXPECT_EQ(test, h.dcid.len, 8);
		KUNIT_EXPECT_MEMEQ(test, h.dcid.id, client_dcid, 8);
		KUNIT_EXPECT_EQ(test, h.scid.len, 0);
		KUNIT_EXPECT_EQ(test, h.token_len, 0);
		KUNIT_EXPECT_EQ(test, h.pn_off, 18);
		KUNIT_EXPECT_EQ(test, h.pkt_len, 1200);
		KUNIT_EXPECT_PTR_EQ(test, h.body, b.p + 18);
		KUNIT_EXPECT_EQ(test, h.body_len, 1182);
		header_check_truncations(test, b, 1200);
	}
}

static void header_server_initial(struct kunit *test)
{
	static const char * const vectors[] = {
		server_initial_v1, server_initial_v2
	};
	struct tquic_rbuf b;
	struct tquic_hdr h;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(vectors); i++) {
		b = wire_hex(test, vectors[i]);
		KUNIT_ASSERT_EQ(test, header_parse(b, 8, &h), 0);
		KUNIT_EXPECT_EQ(test, h.type, TQUIC_PKT_INITIAL);
		KUNIT_EXPECT_EQ(test, h.dcid.len, 0);
		KUNIT_EXPECT_EQ(test, h.scid.len, 8);
		KUNIT_EXPECT_MEMEQ(test, h.scid.id, server_scid, 8);
		KUNIT_EXPECT_EQ(test, h.pn_off, 18);
		KUNIT_EXPECT_EQ(test, h.pkt_len, 135);
		header_check_truncations(test, b, 135);
	}
}

static void header_retry(struct kunit *test)
{
	static const char * const vectors[] = { retry_v1, retry_v2 };
	struct tquic_rbuf b;
	struct tquic_hdr h;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(vectors); i++) {
		b = wire_hex(test, vectors[i]);
		KUNIT_ASSERT_EQ(test, header_parse(b, 8, &h), 0);
		KUNIT_EXPECT_EQ(test, h.type, TQUIC_PKT_RETRY);
		KUNIT_EXPECT_MEMEQ(test, h.scid.id, server_scid, 8);
		KUNIT_EXPECT_EQ(test, h.pn_off, 0);
		KUNIT_EXPECT_EQ(test, h.pkt_len, 36);
		KUNIT_EXPECT_EQ(test, h.token_len, 5);
		KUNIT_EXPECT_MEMEQ(test, h.token, "token", 5);
		KUNIT_EXPECT_EQ(test, h.body_len, 21);
		KUNIT_EXPECT_PTR_EQ(test, h.body + h.body_len, b.end);
		/* 31 bytes leave room for the tag, but not for a token. */
		header_check_truncations(test, b, 32);
	}
}

static void header_short(struct kunit *test)
{
	/* RFC 9001 App. A.5 has no connection ID. */
	struct tquic_rbuf b = wire_hex(test,
		"4cfe4189655e5cd55c41f69080575d7999c25a5bfb");
	struct tquic_hdr h;

	KUNIT_ASSERT_EQ(test, header_parse(b, 0, &h), 0);
	KUNIT_EXPECT_EQ(test, h.type, TQUIC_PKT_1RTT);
	KUNIT_EXPECT_EQ(test, h.version, 0);
	KUNIT_EXPECT_EQ(test, h.first, 0x4c);
	KUNIT_EXPECT_EQ(test, h.dcid.len, 0);
	KUNIT_EXPECT_EQ(test, h.pn_off, 1);
	KUNIT_EXPECT_EQ(test, h.pkt_len, 21);
	KUNIT_ASSERT_EQ(test, header_parse(b, 8, &h), 0);
	KUNIT_EXPECT_EQ(test, h.dcid.len, 8);
	KUNIT_EXPECT_MEMEQ(test, h.dcid.id, b.p + 1, 8);
	KUNIT_EXPECT_EQ(test, h.pn_off, 9);
	KUNIT_EXPECT_EQ(test, h.body_len, 12);
	header_check_truncations(test, b, 10);
	KUNIT_EXPECT_EQ(test, header_parse(b, 21, &h), -EINVAL);
	KUNIT_EXPECT_EQ(test, header_parse(b, 20, &h), -EINVAL);
}

static void header_type_bits_follow_the_version(struct kunit *test)
{
	static const enum tquic_pkt_type want[2][4] = {
		{ TQUIC_PKT_INITIAL, TQUIC_PKT_0RTT, TQUIC_PKT_HANDSHAKE,
		  TQUIC_PKT_RETRY },
		{ TQUIC_PKT_RETRY, TQUIC_PKT_INITIAL, TQUIC_PKT_0RTT,
		  TQUIC_PKT_HANDSHAKE },
	};
	struct tquic_hdr h;
	unsigned int v, bits;
	u8 pkt[64] = {};

	for (v = 0; v < 2; v++) {
		put_unaligned_be32(tquic_versions[v].version, pkt + 1);
		/* no CIDs; the same bytes are a token or a length: both fit */
		pkt[7] = 0x04;
		pkt[12] = 0x04;
		for (bits = 0; bits < 4; bits++) {
			pkt[0] = 0xc0 | bits << 4;
			KUNIT_EXPECT_EQ(test, tquic_hdr_parse(pkt, 64, 8, &h), 0);
			KUNIT_EXPECT_EQ(test, h.type, want[v][bits]);
		}
	}
}

static void header_fixed_bit_is_required(struct kunit *test)
{
	struct tquic_rbuf b = wire_hex(test, server_initial_v1);
	u8 *first = (u8 *)b.p;
	struct tquic_hdr h;

	*first &= ~TQUIC_HDR_FIXED;
	KUNIT_EXPECT_EQ(test, header_parse(b, 8, &h), -EINVAL);
	*first = 0x00;
	KUNIT_EXPECT_EQ(test, header_parse(b, 8, &h), -EINVAL);
	*first = 0x40;
	KUNIT_EXPECT_EQ(test, header_parse(b, 8, &h), 0);
}

static void header_length_ends_the_packet(struct kunit *test)
{
	struct tquic_rbuf one = wire_hex(test, server_initial_v1);
	struct tquic_hdr h;
	u8 *p = kunit_kzalloc(test, 135 + 40, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, p);
	memcpy(p, one.p, 135);
	KUNIT_EXPECT_EQ(test, tquic_hdr_parse(p, 175, 8, &h), 0);
	KUNIT_EXPECT_EQ(test, h.pkt_len, 135);
	/* Length 0, a token beyond the end, a length of 2^62-1 */
	p[16] = 0x40;
	p[17] = 0x00;
	KUNIT_EXPECT_EQ(test, tquic_hdr_parse(p, 175, 8, &h), -EINVAL);
	p[15] = 0x3f;
	KUNIT_EXPECT_EQ(test, tquic_hdr_parse(p, 70, 8, &h), -EINVAL);
	p[15] = 0x00;
	memset(p + 16, 0xff, 8);
	KUNIT_EXPECT_EQ(test, tquic_hdr_parse(p, 175, 8, &h), -EINVAL);
	memset(p + 15, 0xff, 8);
	KUNIT_EXPECT_EQ(test, tquic_hdr_parse(p, 175, 8, &h), -EINVAL);
}

/* A long header with connection IDs of the given lengths and 40 bytes after. */
static struct tquic_rbuf header_with_cids(struct kunit *test, u32 version,
					  u8 dlen, u8 slen)
{
	size_t n = 7 + dlen + slen + 40;
	u8 *p = kunit_kzalloc(test, n, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, p);
	p[0] = 0xc0;
	put_unaligned_be32(version, p + 1);
	p[5] = dlen;
	memset(p + 6, 0xdd, dlen);
	p[6 + dlen] = slen;
	memset(p + 7 + dlen, 0x55, slen);
	p[7 + dlen + slen + 1] = 38;
	return (struct tquic_rbuf){ p, p + n };
}

static void header_long_cids_only_in_unknown_versions(struct kunit *test)
{
	static const u8 lens[][2] = { { 21, 0 }, { 0, 21 }, { 255, 255 } };
	struct tquic_rbuf b;
	struct tquic_hdr h;
	size_t i;

	b = header_with_cids(test, TQUIC_VERSION_1, 20, 20);
	KUNIT_EXPECT_EQ(test, header_parse(b, 8, &h), 0);
	KUNIT_EXPECT_EQ(test, h.dcid.len, 20);
	KUNIT_EXPECT_EQ(test, h.scid.len, 20);
	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		b = header_with_cids(test, TQUIC_VERSION_1, lens[i][0], lens[i][1]);
		KUNIT_EXPECT_EQ(test, header_parse(b, 8, &h), -EINVAL);
		b = header_with_cids(test, TQUIC_VERSION_2, lens[i][0], lens[i][1]);
		KUNIT_EXPECT_EQ(test, header_parse(b, 8, &h), -EINVAL);
		b = header_with_cids(test, 0x1a2a3a4a, lens[i][0], lens[i][1]);
		KUNIT_EXPECT_EQ(test, header_parse(b, 8, &h), -EPROTONOSUPPORT);
		KUNIT_EXPECT_EQ(test, h.version, 0x1a2a3a4a);
		KUNIT_EXPECT_NULL(test, h.ver);
		KUNIT_EXPECT_EQ(test, h.dcid_view_len, lens[i][0]);
		KUNIT_EXPECT_EQ(test, h.scid_view_len, lens[i][1]);
		KUNIT_EXPECT_PTR_EQ(test, h.dcid_view, b.p + 6);
		KUNIT_EXPECT_PTR_EQ(test, h.scid_view, b.p + 7 + lens[i][0]);
		header_check_truncations(test, b, 7 + lens[i][0] + lens[i][1]);
	}
}

static void header_vn_answers_an_unknown_version(struct kunit *test)
{
	struct tquic_rbuf b = header_with_cids(test, 0x1a2a3a4a, 255, 30);
	struct tquic_hdr rx, h;
	size_t n, want = 1 + 4 + 1 + 30 + 1 + 255 + 4 * 3;
	u8 *out = kunit_kzalloc(test, want, GFP_KERNEL);
	struct tquic_wbuf w = { out, out + want };

	KUNIT_ASSERT_NOT_NULL(test, out);
	KUNIT_ASSERT_EQ(test, header_parse(b, 8, &rx), -EPROTONOSUPPORT);
	for (n = 0; n < want; n++) {
		w.end = out + n;
		KUNIT_EXPECT_EQ(test, tquic_hdr_put_vn(&w, &rx, 0), 0);
		KUNIT_EXPECT_PTR_EQ(test, w.p, out);
	}
	w.end = out + want;
	/* These random bits would offer the very version the client tried. */
	KUNIT_EXPECT_EQ(test, tquic_hdr_put_vn(&w, &rx, 0x10203040), want);
	KUNIT_ASSERT_EQ(test, tquic_hdr_parse(out, want, 8, &h), 0);
	KUNIT_EXPECT_EQ(test, h.type, TQUIC_PKT_VN);
	KUNIT_EXPECT_EQ(test, h.first, 0xc0);
	KUNIT_EXPECT_EQ(test, h.dcid_view_len, 30);
	KUNIT_EXPECT_EQ(test, h.scid_view_len, 255);
	KUNIT_EXPECT_MEMEQ(test, h.dcid_view, rx.scid_view, 30);
	KUNIT_EXPECT_MEMEQ(test, h.scid_view, rx.dcid_view, 255);
	KUNIT_EXPECT_EQ(test, h.body_len, 12);
	KUNIT_EXPECT_EQ(test, get_unaligned_be32(h.body), 0x1a2a3a5a);
	KUNIT_EXPECT_EQ(test, get_unaligned_be32(h.body + 4), TQUIC_VERSION_1);
	KUNIT_EXPECT_EQ(test, get_unaligned_be32(h.body + 8), TQUIC_VERSION_2);
}

static void header_vn_lists_whole_versions(struct kunit *test)
{
	/* the fixed bit means nothing in VN */
	struct tquic_rbuf b = wire_hex(test,
		"80000000000101020304000000016b3343cf");
	struct tquic_rbuf cut;
	struct tquic_hdr h;
	size_t n;

	for (n = 0; n <= tquic_rbuf_left(&b); n++) {
		cut = wire_copy(test, b.p, n);
		KUNIT_EXPECT_EQ(test, header_parse(cut, 8, &h),
				n == 14 || n == 18 ? 0 : -EINVAL);
		kfree(cut.p);
	}
}

static void header_put_initial_matches_rfc(struct kunit *test)
{
	struct tquic_rbuf want = wire_hex(test,
		"c300000001088394c8f03e5157080000449e00000002");
	struct tquic_cid dcid = wire_cid(client_dcid, 8), scid = {};
	u8 buf[22], *len_field;
	struct tquic_wbuf w = { buf, buf + sizeof(buf) };

	KUNIT_EXPECT_TRUE(test,
			  tquic_hdr_put_long(&w, tquic_version_find(1),
					     TQUIC_PKT_INITIAL, &dcid, &scid,
					     NULL, 0, 4, &len_field));
	KUNIT_EXPECT_PTR_EQ(test, len_field, w.p - 2);
	tquic_hdr_patch_len(len_field, 4 + 1162 + 16);
	KUNIT_EXPECT_TRUE(test, tquic_hdr_put_pn(&w, 2, 4));
	KUNIT_EXPECT_MEMEQ(test, buf, want.p, sizeof(buf));
}

static void header_put_long_round_trips(struct kunit *test)
{
	struct tquic_cid dcid = wire_cid("dddddddddddddddddddd", 20);
	struct tquic_cid scid = wire_cid("sssss", 5);
	enum tquic_pkt_type type;
	unsigned int v, n, full;
	struct tquic_hdr h;
	struct tquic_wbuf w;
	u8 buf[128], *len_field;
	bool ok;
	u8 *p;

	for (v = 0; v < TQUIC_VERSION_COUNT; v++) {
		for (type = TQUIC_PKT_INITIAL; type <= TQUIC_PKT_HANDSHAKE; type++) {
			full = 1 + 4 + 21 + 6 + 2;
			if (type == TQUIC_PKT_INITIAL)
				full += 1 + 7;
			for (n = 0; n < full; n++) {
				p = kmalloc(n, GFP_KERNEL);
				w = (struct tquic_wbuf){ p, p + n };
				ok = tquic_hdr_put_long(&w, &tquic_versions[v], type,
							&dcid, &scid, "address", 7, 2,
							&len_field);
				KUNIT_EXPECT_FALSE(test, ok);
				KUNIT_EXPECT_PTR_EQ(test, w.p, p);
				kfree(p);
			}
			w = (struct tquic_wbuf){ buf, buf + sizeof(buf) };
			ok = tquic_hdr_put_long(&w, &tquic_versions[v], type, &dcid,
						&scid, "address", 7, 2, &len_field);
			KUNIT_ASSERT_TRUE(test, ok);
			KUNIT_EXPECT_EQ(test, w.p - buf, full);
			tquic_hdr_patch_len(len_field, 50);
			KUNIT_EXPECT_EQ(test, tquic_hdr_parse(buf, full + 60, 8, &h), 0);
			KUNIT_EXPECT_EQ(test, h.type, type);
			KUNIT_EXPECT_EQ(test, h.first & 0x0f, 1);
			KUNIT_EXPECT_PTR_EQ(test, h.ver, &tquic_versions[v]);
			KUNIT_EXPECT_TRUE(test, tquic_cid_equal(&h.dcid, &dcid));
			KUNIT_EXPECT_TRUE(test, tquic_cid_equal(&h.scid, &scid));
			KUNIT_EXPECT_EQ(test, h.token_len,
					type == TQUIC_PKT_INITIAL ? 7 : 0);
			KUNIT_EXPECT_EQ(test, h.pn_off, full);
			KUNIT_EXPECT_EQ(test, h.pkt_len, full + 50);
		}
	}
}

static void header_put_retry_matches_rfc(struct kunit *test)
{
	struct tquic_cid scid = wire_cid(server_scid, 8), dcid = {};
	struct tquic_rbuf want;
	struct tquic_wbuf w;
	u8 buf[20];
	size_t n;

	want = wire_hex(test, retry_v1);
	w = (struct tquic_wbuf){ buf, buf + sizeof(buf) };
	KUNIT_EXPECT_EQ(test, tquic_hdr_put_retry(&w, tquic_version_find(1),
						  &dcid, &scid, "token", 5, 0xff),
			20);
	KUNIT_EXPECT_MEMEQ(test, buf, want.p, 20);
	KUNIT_EXPECT_PTR_EQ(test, w.p, buf + 20);
	want = wire_hex(test, retry_v2);
	w.p = buf;
	KUNIT_EXPECT_EQ(test,
			tquic_hdr_put_retry(&w, tquic_version_find(TQUIC_VERSION_2),
					    &dcid, &scid, "token", 5, 0x0f), 20);
	KUNIT_EXPECT_MEMEQ(test, buf, want.p, 20);
	/* The low bits are random, and no others. */
	w.p = buf;
	KUNIT_EXPECT_EQ(test, tquic_hdr_put_retry(&w, tquic_version_find(1), &dcid, &scid,
						  "token", 5, 0x35), 20);
	KUNIT_EXPECT_EQ(test, buf[0], 0xf5);
	for (n = 0; n < 20; n++) {
		w = (struct tquic_wbuf){ buf, buf + n };
		KUNIT_EXPECT_EQ(test,
				tquic_hdr_put_retry(&w, tquic_version_find(1),
						    &dcid, &scid, "token", 5, 0), 0);
		KUNIT_EXPECT_PTR_EQ(test, w.p, (u8 *)buf);
	}
}

static void header_put_short_sets_its_bits(struct kunit *test)
{
	struct tquic_cid dcid = wire_cid(server_scid, 8);
	struct tquic_wbuf w;
	u8 buf[13];

	w = (struct tquic_wbuf){ buf, buf + 8 };
	KUNIT_EXPECT_FALSE(test, tquic_hdr_put_short(&w, &dcid, true, true, 4));
	KUNIT_EXPECT_PTR_EQ(test, w.p, (u8 *)buf);
	w.end = buf + 9;
	KUNIT_EXPECT_TRUE(test, tquic_hdr_put_short(&w, &dcid, true, true, 4));
	w.end = buf + sizeof(buf);
	KUNIT_EXPECT_EQ(test, buf[0], 0x67);
	KUNIT_EXPECT_MEMEQ(test, buf + 1, server_scid, 8);
	KUNIT_EXPECT_TRUE(test, tquic_hdr_put_pn(&w, 0x1234567890ULL, 4));
	KUNIT_EXPECT_EQ(test, get_unaligned_be32(buf + 9), 0x34567890);
	w.p = buf;
	KUNIT_EXPECT_TRUE(test, tquic_hdr_put_short(&w, &dcid, false, false, 1));
	KUNIT_EXPECT_EQ(test, buf[0], 0x40);
	w.p = buf;
	KUNIT_EXPECT_TRUE(test, tquic_hdr_put_short(&w, &dcid, true, false, 2));
	KUNIT_EXPECT_EQ(test, buf[0], 0x61);
}

static void header_put_pn_refuses_bad_lengths(struct kunit *test)
{
	u8 buf[8];
	struct tquic_wbuf w = { buf, buf + 3 };

	KUNIT_EXPECT_FALSE(test, tquic_hdr_put_pn(&w, 1, 0));
	KUNIT_EXPECT_FALSE(test, tquic_hdr_put_pn(&w, 1, 4));
	KUNIT_EXPECT_PTR_EQ(test, w.p, (u8 *)buf);
	KUNIT_EXPECT_TRUE(test, tquic_hdr_put_pn(&w, 0xbff4, 3));
	KUNIT_EXPECT_MEMEQ(test, buf, "\x00\xbf\xf4", 3);
	w.end = buf + sizeof(buf);
	KUNIT_EXPECT_FALSE(test, tquic_hdr_put_pn(&w, 1, 5));
}

static void header_survives_random_bytes(struct kunit *test)
{
	struct rnd_state rnd;
	struct tquic_hdr h;
	size_t len, k;
	int i, err;
	u8 *p;

	prandom_seed_state(&rnd, 2);
	for (i = 0; i < 20000; i++) {
		len = prandom_u32_state(&rnd) % 80;
		p = kmalloc(len, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, p);
		for (k = 0; k < len; k++)
			p[k] = prandom_u32_state(&rnd);
		if (len > 16 && i % 4) {
			p[0] |= 0xc0;
			put_unaligned_be32(tquic_versions[i & 1].version, p + 1);
			p[5] %= 21;
		}
		err = tquic_hdr_parse(p, len, 8, &h);
		if (!err) {
			KUNIT_EXPECT_LE(test, h.pkt_len, len);
			KUNIT_EXPECT_PTR_EQ(test, h.body + h.body_len,
					    (const u8 *)p + h.pkt_len);
			KUNIT_EXPECT_LE(test, h.token_len, len);
		}
		kfree(p);
	}
}

static void pn_encodes_vectors(struct kunit *test)
{
	/* RFC 9000 App. A.2 */
	KUNIT_EXPECT_EQ(test, tquic_pn_len(0xac5c02, 0xabe8b3), 2);
	KUNIT_EXPECT_EQ(test, tquic_pn_len(0xace8fe, 0xabe8b3), 3);
	/* nothing acknowledged yet */
	KUNIT_EXPECT_EQ(test, tquic_pn_len(0, -1), 1);
	KUNIT_EXPECT_EQ(test, tquic_pn_len(126, -1), 1);
	KUNIT_EXPECT_EQ(test, tquic_pn_len(127, -1), 2);
	/* more than twice the numbers in flight, at every step */
	KUNIT_EXPECT_EQ(test, tquic_pn_len(1000 + 127, 1000), 1);
	KUNIT_EXPECT_EQ(test, tquic_pn_len(1000 + 128, 1000), 2);
	KUNIT_EXPECT_EQ(test, tquic_pn_len(1000 + 0x7fff, 1000), 2);
	KUNIT_EXPECT_EQ(test, tquic_pn_len(1000 + 0x8000, 1000), 3);
	KUNIT_EXPECT_EQ(test, tquic_pn_len(1000 + 0x7fffff, 1000), 3);
	KUNIT_EXPECT_EQ(test, tquic_pn_len(1000 + 0x800000, 1000), 4);
	KUNIT_EXPECT_EQ(test, tquic_pn_len(TQUIC_PN_MAX, -1), 4);
}

static void pn_decodes_vectors(struct kunit *test)
{
	/* RFC 9000 App. A.3 */
	KUNIT_EXPECT_EQ(test, tquic_pn_decode(0x9b32, 2, 0xa82f30ea), 0xa82f9b32);
	KUNIT_EXPECT_EQ(test, tquic_pn_decode(0, 1, -1), 0);
	KUNIT_EXPECT_EQ(test, tquic_pn_decode(255, 1, -1), 255);
	/* the window reaches over a wrap in both directions */
	KUNIT_EXPECT_EQ(test, tquic_pn_decode(0x01, 1, 0xff), 0x101);
	KUNIT_EXPECT_EQ(test, tquic_pn_decode(0xff, 1, 0x100), 0xff);
	/* exactly half a window away */
	KUNIT_EXPECT_EQ(test, tquic_pn_decode(0x00, 1, 0x7f), 0x100);
	KUNIT_EXPECT_EQ(test, tquic_pn_decode(0x00, 1, 0x17e), 0x100);
	KUNIT_EXPECT_EQ(test, tquic_pn_decode(0x80, 1, 0xff), 0x180);
	KUNIT_EXPECT_EQ(test, tquic_pn_decode(0x81, 1, 0xff), 0x81);
	/* no number below 0 or above the largest */
	KUNIT_EXPECT_EQ(test, tquic_pn_decode(0xffffffff, 4, 0), 0xffffffff);
	KUNIT_EXPECT_EQ(test, tquic_pn_decode(0x00, 1, TQUIC_PN_MAX - 1),
			TQUIC_PN_MAX - 0xff);
}

static void pn_round_trips(struct kunit *test)
{
	u64 acked, rx, pn, in_flight;
	struct rnd_state rnd;
	u8 n;
	int i;

	prandom_seed_state(&rnd, 3);
	for (i = 0; i < 50000; i++) {
		acked = (u64)prandom_u32_state(&rnd) << 32 |
			prandom_u32_state(&rnd);
		acked = (acked & (TQUIC_PN_MAX >> 1)) >> prandom_u32_state(&rnd) % 60;
		in_flight = 1 + (prandom_u32_state(&rnd) >> 1 >>
				 prandom_u32_state(&rnd) % 30);
		pn = acked + in_flight;
		/* The receiver has seen what it acknowledged, perhaps more. */
		rx = acked + prandom_u32_state(&rnd) % in_flight;
		n = tquic_pn_len(pn, acked);
		KUNIT_ASSERT_LE(test, n, 4);
		KUNIT_ASSERT_EQ(test,
				tquic_pn_decode(pn & ((1ULL << 8 * n) - 1), n, rx),
				pn);
	}
}

static struct kunit_case header_parse_cases[] = {
	KUNIT_CASE(header_client_initial),
	KUNIT_CASE(header_server_initial),
	KUNIT_CASE(header_retry),
	KUNIT_CASE(header_short),
	KUNIT_CASE(header_type_bits_follow_the_version),
	KUNIT_CASE(header_fixed_bit_is_required),
	KUNIT_CASE(header_length_ends_the_packet),
	KUNIT_CASE(header_long_cids_only_in_unknown_versions),
	KUNIT_CASE(header_vn_lists_whole_versions),
	KUNIT_CASE(header_survives_random_bytes),
	{}
};

static struct kunit_case header_put_cases[] = {
	KUNIT_CASE(header_vn_answers_an_unknown_version),
	KUNIT_CASE(header_put_initial_matches_rfc),
	KUNIT_CASE(header_put_long_round_trips),
	KUNIT_CASE(header_put_retry_matches_rfc),
	KUNIT_CASE(header_put_short_sets_its_bits),
	KUNIT_CASE(header_put_pn_refuses_bad_lengths),
	{}
};

static struct kunit_case pn_cases[] = {
	KUNIT_CASE(pn_encodes_vectors),
	KUNIT_CASE(pn_decodes_vectors),
	KUNIT_CASE(pn_round_trips),
	{}
};

static struct kunit_suite header_parse_suite = {
	.name = "tquic-header-parse",
	.test_cases = header_parse_cases,
};

static struct kunit_suite header_put_suite = {
	.name = "tquic-header-put",
	.test_cases = header_put_cases,
};

static struct kunit_suite pn_suite = {
	.name = "tquic-packet-number",
	.test_cases = pn_cases,
};

kunit_test_suites(&header_parse_suite, &header_put_suite, &pn_suite);
