// SPDX-License-Identifier: GPL-2.0
/* Versions: what a client believes a Version Negotiation packet, and what TLS confirms. */
#include <kunit/test.h>
#include "core/header.h"
#include "core/negotiate.h"
#include "test/pair.h"

#define NEGOTIATE_VERSION_UNKNOWN	0xff00001dU

/* A Version Negotiation packet that offers @versions, and its parsed header */
struct negotiate_vn {
	u8 buf[128];
	struct tquic_hdr h;
};

static void negotiate_put_vn(struct kunit *test, struct negotiate_vn *vn,
			     const struct tquic_cid *dcid, const struct tquic_cid *scid,
			     u32 version)
{
	struct tquic_wbuf b = { .p = vn->buf, .end = vn->buf + sizeof(vn->buf) };

	KUNIT_ASSERT_TRUE(test, tquic_put_u8(&b, 0xc0) &&
			  tquic_put_u32(&b, TQUIC_VERSION_NEGOTIATION) &&
			  tquic_put_cid(&b, dcid) && tquic_put_cid(&b, scid) &&
			  tquic_put_u32(&b, 0x1a2a3a4a) && tquic_put_u32(&b, version));
	KUNIT_ASSERT_EQ(test, tquic_hdr_parse(vn->buf, b.p - vn->buf, TQUIC_LOCAL_CID_LEN,
					      &vn->h), 0);
	KUNIT_ASSERT_EQ(test, vn->h.type, TQUIC_PKT_VN);
}

static void negotiate_vn_ends_client(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_conn *c = &pair_client(p)->conn;
	struct negotiate_vn vn;

	KUNIT_ASSERT_TRUE(test, pair_start(p));
	negotiate_put_vn(test, &vn, &c->local.iscid, &c->odcid, NEGOTIATE_VERSION_UNKNOWN);
	KUNIT_EXPECT_TRUE(test, tquic_conn_on_vn(c, &vn.h));
	KUNIT_EXPECT_EQ(test, c->state, TQUIC_STATE_CLOSED);
	KUNIT_EXPECT_EQ(test, c->closed.error_code, TQUIC_ERR_VERSION_NEGOTIATION);
	KUNIT_EXPECT_EQ(test, pair_client(p)->events[TQUIC_EVENT_CLOSED], 1);
	KUNIT_EXPECT_TRUE(test, c->todo & TQUIC_TODO_STATE);
}

/* Offers the version that is tried, or does not know the ids: forged. */
static void negotiate_vn_forged(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_conn *c = &pair_client(p)->conn;
	struct tquic_cid other;
	struct negotiate_vn vn;

	KUNIT_ASSERT_TRUE(test, pair_start(p));
	negotiate_put_vn(test, &vn, &c->local.iscid, &c->odcid, c->version->version);
	KUNIT_EXPECT_FALSE(test, tquic_conn_on_vn(c, &vn.h));

	other = c->odcid;
	other.id[0] ^= 1;
	negotiate_put_vn(test, &vn, &c->local.iscid, &other, NEGOTIATE_VERSION_UNKNOWN);
	KUNIT_EXPECT_FALSE(test, tquic_conn_on_vn(c, &vn.h));
	other.len = 0;
	negotiate_put_vn(test, &vn, &c->local.iscid, &other, NEGOTIATE_VERSION_UNKNOWN);
	KUNIT_EXPECT_FALSE(test, tquic_conn_on_vn(c, &vn.h));
	other = c->local.iscid;
	other.id[7] ^= 1;
	negotiate_put_vn(test, &vn, &other, &c->odcid, NEGOTIATE_VERSION_UNKNOWN);
	KUNIT_EXPECT_FALSE(test, tquic_conn_on_vn(c, &vn.h));
	KUNIT_EXPECT_EQ(test, c->state, TQUIC_STATE_HANDSHAKE);
}

static void negotiate_vn_too_late(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_conn *c = &pair_client(p)->conn;
	struct tquic_conn *s = &pair_server(p)->conn;
	struct negotiate_vn vn;

	KUNIT_ASSERT_TRUE(test, pair_start(p));
	negotiate_put_vn(test, &vn, &c->local.iscid, &c->odcid, NEGOTIATE_VERSION_UNKNOWN);
	c->iscid_set = true;	/* a packet of the server was opened */
	KUNIT_EXPECT_FALSE(test, tquic_conn_on_vn(c, &vn.h));
	c->iscid_set = false;
	c->retry_seen = true;
	KUNIT_EXPECT_FALSE(test, tquic_conn_on_vn(c, &vn.h));
	c->retry_seen = false;
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	KUNIT_EXPECT_FALSE(test, tquic_conn_on_vn(c, &vn.h));
	negotiate_put_vn(test, &vn, &s->local.iscid, &s->odcid, NEGOTIATE_VERSION_UNKNOWN);
	KUNIT_EXPECT_FALSE(test, tquic_conn_on_vn(s, &vn.h));
	KUNIT_EXPECT_EQ(test, c->state, TQUIC_STATE_ESTABLISHED);
	KUNIT_EXPECT_EQ(test, s->state, TQUIC_STATE_ESTABLISHED);
}

/* Each side says what it speaks, and believes only who says the version in use */
static void negotiate_version_information(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_conn *c = &pair_client(p)->conn;
	struct tquic_conn *s = &pair_server(p)->conn;
	struct tquic_params *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, t);
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	KUNIT_EXPECT_TRUE(test, s->peer.has_version_info);
	KUNIT_EXPECT_EQ(test, s->peer.version_chosen, TQUIC_VERSION_1);
	KUNIT_EXPECT_EQ(test, s->peer.version_count, TQUIC_VERSION_COUNT);
	KUNIT_EXPECT_EQ(test, s->peer.versions[0], TQUIC_VERSION_1);
	KUNIT_EXPECT_TRUE(test, c->peer.has_version_info);
	KUNIT_EXPECT_EQ(test, c->peer.version_chosen, TQUIC_VERSION_1);
	KUNIT_EXPECT_EQ(test, c->peer.version_count, TQUIC_VERSION_COUNT);

	KUNIT_EXPECT_EQ(test, tquic_conn_check_versions(c, t), 0);
	t->has_version_info = true;
	t->version_chosen = TQUIC_VERSION_2;
	KUNIT_EXPECT_EQ(test, tquic_conn_check_versions(c, t), TQUIC_ERR_VERSION_NEGOTIATION);
	KUNIT_EXPECT_EQ(test, tquic_conn_check_versions(s, t), TQUIC_ERR_VERSION_NEGOTIATION);
	c->version = tquic_version_find(TQUIC_VERSION_2);
	KUNIT_EXPECT_EQ(test, tquic_conn_check_versions(c, t), 0);
	t->has_version_info = false;
	KUNIT_EXPECT_EQ(test, tquic_conn_check_versions(c, t), TQUIC_ERR_VERSION_NEGOTIATION);
}

/* A server whose parameters name another version than the client speaks */
static void negotiate_version_tampered(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_conn *c = &pair_client(p)->conn;

	KUNIT_ASSERT_TRUE(test, pair_start(p));
	c->version = tquic_version_find(TQUIC_VERSION_2);
	pair_run(p, PAIR_MS(500));
	KUNIT_EXPECT_FALSE(test, c->confirmed);
	KUNIT_EXPECT_EQ(test, c->closed.error_code, TQUIC_ERR_VERSION_NEGOTIATION);
	KUNIT_EXPECT_EQ(test, c->closed.flags, 0);
}

static u32 negotiate_initials[2];

/* Count a server's Initial packets, by version */
static bool negotiate_tap(struct pair *p, struct pair_end *from,
			  const struct tquic_tx_pkt *pkts, int n)
{
	while (n--)
		if (from->conn.server && pkts[n].level == TQUIC_LEVEL_INITIAL)
			negotiate_initials[from->conn.version->version != TQUIC_VERSION_1]++;
	return true;
}

/* A server that prefers version 2 goes on in it when the client can (RFC 9368 §2.3) */
static void negotiate_upgrade(struct kunit *test)
{
	const struct tquic_version *two = tquic_version_find(TQUIC_VERSION_2);
	struct pair *p = pair_create(test, 1);
	struct tquic_conn *c = &pair_client(p)->conn;
	struct tquic_conn *s = &pair_server(p)->conn;

	memset(negotiate_initials, 0, sizeof(negotiate_initials));
	p->tap = negotiate_tap;
	s->prefer = two;
	KUNIT_ASSERT_TRUE(test, pair_start(p));
	KUNIT_EXPECT_EQ(test, c->version->version, TQUIC_VERSION_1);
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	KUNIT_EXPECT_PTR_EQ(test, c->version, two);
	KUNIT_EXPECT_PTR_EQ(test, s->version, two);
	KUNIT_EXPECT_EQ(test, c->first_version->version, TQUIC_VERSION_1);
	KUNIT_EXPECT_EQ(test, c->peer.version_chosen, TQUIC_VERSION_2);
	/* Not even an acknowledgment is of the version it does not want. */
	KUNIT_EXPECT_EQ(test, negotiate_initials[0], 0);
	KUNIT_EXPECT_GE(test, negotiate_initials[1], 1);
	/* Only once */
	KUNIT_EXPECT_FALSE(test, tquic_conn_takes_version(c, &tquic_versions[0]));
	KUNIT_EXPECT_FALSE(test, tquic_conn_takes_version(s, &tquic_versions[0]));
}

/* One that prefers what it has, or what the client does not speak, stays with it */
static void negotiate_no_upgrade(struct kunit *test)
{
	struct tquic_params *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	struct pair *p = pair_create(test, 1);
	struct tquic_conn *c = &pair_client(p)->conn;
	struct tquic_conn *s = &pair_server(p)->conn;

	KUNIT_ASSERT_NOT_NULL(test, t);
	s->prefer = tquic_version_find(TQUIC_VERSION_1);
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	KUNIT_EXPECT_EQ(test, s->version->version, TQUIC_VERSION_1);
	s->prefer = tquic_version_find(TQUIC_VERSION_2);
	t->versions[0] = TQUIC_VERSION_1;
	t->version_count = 1;
	tquic_conn_upgrade(s, t);
	KUNIT_EXPECT_EQ(test, s->version->version, TQUIC_VERSION_1);
	c->prefer = s->prefer;
	t->versions[0] = TQUIC_VERSION_2;
	tquic_conn_upgrade(c, t);
	KUNIT_EXPECT_EQ(test, c->version->version, TQUIC_VERSION_1);
}

/* Once the server's handshake began in one version it is not another */
static void negotiate_switch_too_late(struct kunit *test)
{
	const struct tquic_version *two = tquic_version_find(TQUIC_VERSION_2);
	struct pair *p = pair_create(test, 1);
	struct tquic_conn *c = &pair_client(p)->conn;

	KUNIT_EXPECT_FALSE(test, tquic_conn_takes_version(c, two));
	KUNIT_ASSERT_TRUE(test, pair_start(p));
	KUNIT_EXPECT_TRUE(test, tquic_conn_takes_version(c, two));
	KUNIT_EXPECT_FALSE(test, tquic_conn_takes_version(c, c->version));
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	KUNIT_EXPECT_FALSE(test, tquic_conn_takes_version(c, two));
}

static struct kunit_case negotiate_cases[] = {
	KUNIT_CASE(negotiate_vn_ends_client),
	KUNIT_CASE(negotiate_vn_forged),
	KUNIT_CASE(negotiate_vn_too_late),
	KUNIT_CASE(negotiate_version_information),
	KUNIT_CASE(negotiate_version_tampered),
	KUNIT_CASE(negotiate_upgrade),
	KUNIT_CASE(negotiate_no_upgrade),
	KUNIT_CASE(negotiate_switch_too_late),
	{}
};

static struct kunit_suite negotiate_suite = {
	.name = "tquic-negotiate",
	.test_cases = negotiate_cases,
};

kunit_test_suites(&negotiate_suite);
