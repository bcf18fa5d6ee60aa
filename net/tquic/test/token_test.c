// SPDX-License-Identifier: GPL-2.0
/* Tokens as bytes, and what a client does with a Retry. */
#include <kunit/test.h>
#include "core/header.h"
#include "core/path.h"
#include "core/token.h"
#include "test/pair.h"

static void token_roundtrip(struct kunit *test)
{
	struct tquic_token in = {
		.kind = TQUIC_TOKEN_RETRY, .gen = 7, .time_s = 0x123456789aULL,
		.odcid = { .len = TQUIC_CID_MAX_LEN, .id = { 1, 2, 3 } },
	};
	u8 buf[TQUIC_TOKEN_OWN_MAX_LEN] = {};
	struct tquic_token out;
	struct tquic_wbuf b;
	size_t len, i;
	int kind;

	for (kind = 0; kind < 2; kind++) {
		in.kind = kind ? TQUIC_TOKEN_NEW : TQUIC_TOKEN_RETRY;
		b = (struct tquic_wbuf) { .p = buf, .end = buf + sizeof(buf) };
		KUNIT_ASSERT_TRUE(test, tquic_token_put(&b, &in));
		len = b.p - buf + TQUIC_TOKEN_MAC_LEN;
		KUNIT_ASSERT_LE(test, len, sizeof(buf));
		KUNIT_ASSERT_TRUE(test, tquic_token_get(buf, len, &out));
		KUNIT_EXPECT_EQ(test, out.kind, in.kind);
		KUNIT_EXPECT_EQ(test, out.gen, in.gen);
		KUNIT_EXPECT_EQ(test, out.time_s, in.time_s);
		if (!kind)
			KUNIT_EXPECT_TRUE(test, tquic_cid_equal(&out.odcid, &in.odcid));
		for (i = 0; i < len; i++)
			KUNIT_EXPECT_FALSE(test, tquic_token_get(buf, i, &out));
		KUNIT_EXPECT_FALSE(test, tquic_token_get(buf, len + 1, &out));
	}
}

static void token_not_ours(struct kunit *test)
{
	u8 buf[TQUIC_TOKEN_OWN_MAX_LEN + 1] = { 'x' };
	struct tquic_token t;
	size_t len;

	for (len = 0; len <= sizeof(buf); len++)
		KUNIT_EXPECT_FALSE(test, tquic_token_get(buf, len, &t));
	/* An id longer than there are */
	buf[0] = TQUIC_TOKEN_RETRY;
	buf[10] = TQUIC_CID_MAX_LEN + 1;
	for (len = 0; len <= sizeof(buf); len++)
		KUNIT_EXPECT_FALSE(test, tquic_token_get(buf, len, &t));
}

static void token_replaced(struct kunit *test)
{
	u8 bytes[TQUIC_TOKEN_MAX_LEN + 1] = "token", *token = NULL;
	u16 len = 0;

	KUNIT_EXPECT_EQ(test, tquic_conn_set_token(&token, &len, bytes, 5, GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test, len, 5);
	KUNIT_EXPECT_EQ(test, tquic_conn_set_token(&token, &len, bytes, sizeof(bytes), GFP_KERNEL),
			-EMSGSIZE);
	KUNIT_EXPECT_EQ(test, len, 5);
	KUNIT_EXPECT_MEMEQ(test, token, "token", 5);
	KUNIT_EXPECT_EQ(test, tquic_conn_set_token(&token, &len, bytes, TQUIC_TOKEN_MAX_LEN,
						   GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test, tquic_conn_set_token(&token, &len, NULL, 0, GFP_KERNEL), 0);
	KUNIT_EXPECT_NULL(test, token);
	KUNIT_EXPECT_EQ(test, len, 0);
}

/* The header of a Retry as it comes to a client */
static struct tquic_hdr token_retry_hdr(const struct tquic_conn *c)
{
	return (struct tquic_hdr) {
		.type = TQUIC_PKT_RETRY, .ver = c->version, .dcid = c->local.iscid,
		.scid = { .len = 5, .id = "retry" }, .token = "the token", .token_len = 9,
	};
}

static u64 token_test_pn;
static struct tquic_hdr token_test_sent;

/* Parse the Initial a client sends, and swallow it */
static bool token_tap(struct pair *p, struct pair_end *from, const struct tquic_tx_pkt *pkts,
		      int n)
{
	if (from->conn.server)
		return true;
	token_test_pn = pkts[0].pn;
	KUNIT_EXPECT_EQ(p->test, tquic_hdr_parse(pkts[0].data, pkts[0].len + TQUIC_AEAD_TAG_LEN,
						 TQUIC_LOCAL_CID_LEN, &token_test_sent), 0);
	KUNIT_EXPECT_EQ(p->test, token_test_sent.token_len, from->conn.token_len);
	if (token_test_sent.token_len)
		KUNIT_EXPECT_MEMEQ(p->test, token_test_sent.token, from->conn.token,
				   token_test_sent.token_len);
	return false;
}

static void token_client_takes_retry(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_conn *c = &pair_client(p)->conn;
	struct tquic_hdr h;
	u64 first;

	p->tap = token_tap;
	KUNIT_ASSERT_TRUE(test, pair_start(p));
	KUNIT_EXPECT_TRUE(test, tquic_cid_equal(&token_test_sent.dcid, &c->odcid));
	KUNIT_EXPECT_EQ(test, token_test_sent.token_len, 0);
	first = token_test_pn;

	h = token_retry_hdr(c);
	KUNIT_ASSERT_TRUE(test, tquic_conn_wants_retry(c, &h));
	KUNIT_ASSERT_EQ(test, tquic_conn_on_retry(c, &h, p->now), 0);
	KUNIT_EXPECT_FALSE(test, tquic_conn_wants_retry(c, &h));
	KUNIT_EXPECT_EQ(test, tquic_conn_path(c, 0)->cc.in_flight, 0);
	pair_kick(pair_client(p));
	/* At once, with the token, to the new id; the numbers go on. */
	KUNIT_EXPECT_EQ(test, token_test_sent.token_len, 9);
	KUNIT_EXPECT_TRUE(test, tquic_cid_equal(&token_test_sent.dcid, &h.scid));
	KUNIT_EXPECT_GT(test, token_test_pn, first);
	KUNIT_EXPECT_GT(test, tquic_conn_path(c, 0)->cc.in_flight, 0);
}

static void token_client_refuses_retry(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_conn *c = &pair_client(p)->conn;
	struct tquic_conn *s = &pair_server(p)->conn;
	struct tquic_hdr h;

	p->tap = token_tap;
	KUNIT_ASSERT_TRUE(test, pair_start(p));
	h = token_retry_hdr(c);
	h.scid = c->odcid;
	KUNIT_EXPECT_FALSE(test, tquic_conn_wants_retry(c, &h));
	h = token_retry_hdr(c);
	h.ver = tquic_version_find(TQUIC_VERSION_2);
	KUNIT_EXPECT_FALSE(test, tquic_conn_wants_retry(c, &h));
	h = token_retry_hdr(c);
	h.token_len = TQUIC_TOKEN_MAX_LEN + 1;
	KUNIT_EXPECT_FALSE(test, tquic_conn_wants_retry(c, &h));
	h = token_retry_hdr(c);
	c->iscid_set = true;
	KUNIT_EXPECT_FALSE(test, tquic_conn_wants_retry(c, &h));
	c->iscid_set = false;
	KUNIT_EXPECT_TRUE(test, tquic_conn_wants_retry(c, &h));
	p->tap = NULL;
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	KUNIT_EXPECT_FALSE(test, tquic_conn_wants_retry(c, &h));
	h = token_retry_hdr(s);
	KUNIT_EXPECT_FALSE(test, tquic_conn_wants_retry(s, &h));
}

/* A Retry that the server knows nothing of, or another one: the client sees it (RFC 9000 §7.3) */
static void token_retry_is_authenticated(struct kunit *test)
{
	const struct tquic_cid one = { .len = 3, .id = "one" };
	struct tquic_conn *c, *s;
	struct pair *p;
	u32 i;

	for (i = 0; i < 5; i++) {
		p = pair_create(test, 1);
		KUNIT_ASSERT_TRUE(test, pair_start(p));
		c = &pair_client(p)->conn;
		c->retry_seen = i & 1;
		c->local.rscid = one;
		/* The client's first flight is there, the server's not yet encoded. */
		s = &pair_server(p)->conn;
		s->local.rscid = one;
		s->local.has_rscid = i == 1 || i == 2 || i == 4;
		if (i == 4) {
			c->retry_seen = true;
			s->local.rscid.id[2] = 'o';
		}
		pair_run(p, PAIR_MS(500));
		KUNIT_EXPECT_EQ(test, c->closed.error_code,
				i < 2 ? 0 : TQUIC_ERR_TRANSPORT_PARAMETER);
		KUNIT_EXPECT_EQ(test, c->confirmed, i < 2);
	}
}

/* The server's token reaches the client, also when it has to be sent twice */
static void token_new_token(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_conn *c = &pair_client(p)->conn;
	struct tquic_conn *s = &pair_server(p)->conn;

	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	pair_run(p, PAIR_MS(200));
	KUNIT_EXPECT_EQ(test, c->new_token_len, 0);
	KUNIT_ASSERT_EQ(test, tquic_conn_set_token(&s->new_token, &s->new_token_len, "later", 5,
						   GFP_KERNEL), 0);
	s->ctl |= TQUIC_CONN_CTL_NEW_TOKEN;
	p->link[0].drop_next[0] = 1;
	pair_kick(pair_server(p));
	pair_run(p, PAIR_MS(2000));
	KUNIT_ASSERT_EQ(test, c->new_token_len, 5);
	KUNIT_EXPECT_MEMEQ(test, c->new_token, "later", 5);
	KUNIT_EXPECT_EQ(test, c->token_len, 0);
	pair_check(p);
}

static void token_new_token_to_server(struct kunit *test)
{
	static const u8 frame[] = { 0x07, 3, 't', 'o', 'k' };
	struct pair *p = pair_create(test, 1);

	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	p->hostile = true;
	pair_inject_next(pair_server(p), TQUIC_PKT_1RTT, 0, frame, sizeof(frame));
	KUNIT_EXPECT_EQ(test, pair_server(p)->conn.closed.error_code,
			TQUIC_ERR_PROTOCOL_VIOLATION);
}

static struct kunit_case token_cases[] = {
	KUNIT_CASE(token_roundtrip),
	KUNIT_CASE(token_not_ours),
	KUNIT_CASE(token_replaced),
	KUNIT_CASE(token_client_takes_retry),
	KUNIT_CASE(token_client_refuses_retry),
	KUNIT_CASE(token_retry_is_authenticated),
	KUNIT_CASE(token_new_token),
	KUNIT_CASE(token_new_token_to_server),
	{}
};

static struct kunit_suite token_suite = {
	.name = "tquic-token",
	.test_cases = token_cases,
};

kunit_test_suites(&token_suite);
