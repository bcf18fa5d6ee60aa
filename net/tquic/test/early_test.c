// SPDX-License-Identifier: GPL-2.0
/* 0-RTT: what is sent early, what the server's answer makes of it, what is refused. */
#include <kunit/test.h>
#include <linux/string.h>
#include "core/early.h"
#include "core/path.h"
#include "core/token.h"
#include "test/pair.h"

/* Where the packets of a run were counted, by level and sender */
static u32 early_sent[2][TQUIC_LEVEL_COUNT];
/* Datagrams of the client with 0-RTT packets that still vanish */
static u32 early_drop;

static bool early_tap(struct pair *p, struct pair_end *from,
		      const struct tquic_tx_pkt *pkts, int n)
{
	bool vanishes = false;

	while (n--) {
		early_sent[from->conn.server][pkts[n].level]++;
		vanishes |= pkts[n].level == TQUIC_LEVEL_EARLY && early_drop;
	}
	early_drop -= vanishes;
	return !vanishes;
}

static struct pair *early_pair(struct kunit *test, enum pair_early early)
{
	struct pair *p = pair_create(test, 1);

	memset(early_sent, 0, sizeof(early_sent));
	early_drop = 0;
	p->early = early;
	p->tap = early_tap;
	return p;
}

static u8 early_state(struct pair_end *e)
{
	return e->conn.early;
}

/* A request of @bytes before anything came back, and its way to the end */
static struct pair_flow *early_request(struct kunit *test, struct pair *p, u64 bytes)
{
	struct pair_flow *f;

	KUNIT_ASSERT_TRUE(test, pair_start(p));
	f = pair_flow_open(pair_client(p), false, bytes);
	KUNIT_ASSERT_NOT_NULL(test, f);
	return f;
}

static void early_accepted(struct kunit *test)
{
	struct pair *p = early_pair(test, PAIR_EARLY_TAKEN);
	struct pair_flow *f = early_request(test, p, 5000);

	KUNIT_EXPECT_EQ(test, early_sent[0][TQUIC_LEVEL_EARLY], 5);
	KUNIT_EXPECT_EQ(test, early_state(pair_client(p)), TQUIC_EARLY_OFFERED);
	KUNIT_ASSERT_TRUE(test, pair_until(p, pair_flows_done, NSEC_PER_SEC));
	/* The server's program has it all after half a round trip. */
	KUNIT_EXPECT_LE(test, f->end_ns - f->start_ns, PAIR_MS(11));
	KUNIT_EXPECT_EQ(test, pair_server(p)->conn.state, TQUIC_STATE_HANDSHAKE);
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	pair_run(p, NSEC_PER_SEC);
	KUNIT_EXPECT_EQ(test, early_sent[0][TQUIC_LEVEL_EARLY], 5);
	KUNIT_EXPECT_EQ(test, early_state(pair_client(p)), TQUIC_EARLY_ACCEPTED);
	KUNIT_EXPECT_EQ(test, early_state(pair_server(p)), TQUIC_EARLY_ACCEPTED);
	KUNIT_EXPECT_EQ(test, pair_client(p)->conn.stats.bytes_retransmitted, 0);
	KUNIT_EXPECT_EQ(test, pair_client(p)->conn.stats.bytes_sent, 5000);
	KUNIT_EXPECT_TRUE(test, pair_client(p)->discarded & BIT(TQUIC_LEVEL_EARLY));
	KUNIT_EXPECT_TRUE(test, pair_server(p)->discarded & BIT(TQUIC_LEVEL_EARLY));
	KUNIT_EXPECT_EQ(test, pair_path(p, 0, 0)->space.eliciting_in_flight, 0);
	pair_check(p);
}

/* The server answers before it has heard that the handshake is complete */
static void early_answer(struct kunit *test)
{
	struct pair *p = early_pair(test, PAIR_EARLY_TAKEN);
	struct pair_flow *f;

	early_request(test, p, 1000);
	KUNIT_ASSERT_TRUE(test, pair_until(p, pair_flows_done, NSEC_PER_SEC));
	f = pair_flow_open(pair_server(p), true, 1000);
	KUNIT_ASSERT_NOT_NULL(test, f);
	KUNIT_ASSERT_TRUE(test, pair_until(p, pair_flows_done, NSEC_PER_SEC));
	KUNIT_EXPECT_EQ(test, p->now, PAIR_START_NS + PAIR_MS(20));
}

static void early_rejected(struct kunit *test)
{
	struct pair *p = early_pair(test, PAIR_EARLY_REFUSED);
	struct pair_flow *f = early_request(test, p, 5000);
	struct tquic_conn *c = &pair_client(p)->conn;

	KUNIT_EXPECT_EQ(test, c->flow_tx.used, 5000);
	KUNIT_ASSERT_TRUE(test, pair_until(p, pair_flows_done, NSEC_PER_SEC));
	KUNIT_EXPECT_EQ(test, early_state(pair_client(p)), TQUIC_EARLY_REJECTED);
	KUNIT_EXPECT_EQ(test, early_state(pair_server(p)), TQUIC_EARLY_NONE);
	KUNIT_EXPECT_EQ(test, f->read, 5000);
	KUNIT_EXPECT_EQ(test, c->flow_tx.used, 5000);
	KUNIT_EXPECT_EQ(test, c->stats.bytes_sent, 5000);
	KUNIT_EXPECT_GE(test, f->end_ns - f->start_ns, PAIR_MS(30));
	KUNIT_EXPECT_EQ(test, pair_path(p, 0, 0)->stats.lost_packets, 0);
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	pair_run(p, NSEC_PER_SEC);
	KUNIT_EXPECT_EQ(test, pair_path(p, 0, 0)->cc.in_flight, 0);
	pair_check(p);
}

/* The fresh limits are lower than what was sent under those remembered */
static void early_rejected_and_lowered(struct kunit *test)
{
	struct pair *p = early_pair(test, PAIR_EARLY_REFUSED);
	struct pair_flow *f;

	pair_server(p)->conn.local.max_data = 3000;
	pair_server(p)->conn.local.max_stream_data_bidi_remote = 2000;
	pair_server(p)->paused = true;
	f = early_request(test, p, 5000);
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	pair_run(p, NSEC_PER_SEC);
	KUNIT_EXPECT_EQ(test, pair_client(p)->conn.flow_tx.used, 2000);
	KUNIT_EXPECT_EQ(test, pair_server(p)->conn.stats.bytes_received, 2000);
	pair_resume(pair_server(p));
	KUNIT_ASSERT_TRUE(test, pair_until(p, pair_flows_done, 10 * (u64)NSEC_PER_SEC));
	KUNIT_EXPECT_EQ(test, f->read, 5000);
}

/* A stream that the fresh parameters have no place for ends the connection, not the bytes */
static void early_rejected_without_streams(struct kunit *test)
{
	struct pair *p = early_pair(test, PAIR_EARLY_REFUSED);

	pair_server(p)->conn.local.max_streams_bidi = 0;
	early_request(test, p, 1000);
	pair_run(p, NSEC_PER_SEC);
	KUNIT_EXPECT_EQ(test, pair_client(p)->conn.closed.error_code, TQUIC_ERR_INTERNAL);
	KUNIT_EXPECT_EQ(test, pair_server(p)->conn.stats.bytes_received, 0);
}

static void early_reset_and_rejected(struct kunit *test)
{
	struct pair *p = early_pair(test, PAIR_EARLY_REFUSED);
	struct pair_flow *f = early_request(test, p, 20000);
	struct tquic_conn *c = &pair_client(p)->conn;

	/* Whether the server will know it is not known yet. */
	KUNIT_EXPECT_EQ(test,
			tquic_conn_stream_reset_at(c, tquic_streams_find(&c->streams, f->id),
						   7, 10), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, tquic_conn_stream_reset(c, tquic_streams_find(&c->streams, f->id),
						      7), 0);
	pair_kick(pair_client(p));
	KUNIT_ASSERT_TRUE(test, pair_until(p, pair_flows_done, NSEC_PER_SEC));
	KUNIT_EXPECT_TRUE(test, f->was_reset);
	KUNIT_EXPECT_EQ(test, pair_server(p)->conn.flow_rx.highest, 0);
}

/* What the server remembers it may raise and nothing else */
static void early_limits(struct kunit *test)
{
	static const size_t fields[] = {
		offsetof(struct tquic_params, max_data),
		offsetof(struct tquic_params, max_stream_data_bidi_local),
		offsetof(struct tquic_params, max_stream_data_bidi_remote),
		offsetof(struct tquic_params, max_stream_data_uni),
		offsetof(struct tquic_params, max_streams_bidi),
		offsetof(struct tquic_params, max_streams_uni),
		offsetof(struct tquic_params, active_cid_limit),
		offsetof(struct tquic_params, max_datagram_frame_size),
	};
	struct tquic_params fresh;
	struct tquic_conn *c;
	struct pair *p;
	u64 *field;
	int i;

	p = early_pair(test, PAIR_EARLY_TAKEN);
	p->remembered.reset_stream_at = true;
	KUNIT_ASSERT_TRUE(test, pair_start(p));
	c = &pair_client(p)->conn;
	KUNIT_ASSERT_EQ(test, tquic_early_accept(c), 0);
	for (i = 0; i < ARRAY_SIZE(fields); i++) {
		fresh = p->remembered;
		field = (u64 *)((u8 *)&fresh + fields[i]);
		++*field;
		KUNIT_EXPECT_EQ(test, tquic_early_settle(c, &fresh, p->now), 0);
		*field -= 2;
		KUNIT_EXPECT_EQ(test, tquic_early_settle(c, &fresh, p->now),
				TQUIC_ERR_PROTOCOL_VIOLATION);
	}
	fresh = p->remembered;
	fresh.reset_stream_at = false;
	KUNIT_EXPECT_EQ(test, tquic_early_settle(c, &fresh, p->now), TQUIC_ERR_PROTOCOL_VIOLATION);
}

/* It keeps to what is remembered, and to the congestion window */
static void early_is_limited(struct kunit *test)
{
	struct pair *p = early_pair(test, PAIR_EARLY_TAKEN);
	struct tquic_conn *c = &pair_client(p)->conn;
	struct pair_flow *f;

	p->remembered.max_stream_data_bidi_remote = 1500;
	p->remembered.max_streams_bidi = 2;
	early_request(test, p, 100000);
	KUNIT_EXPECT_EQ(test, c->flow_tx.used, 1500);
	f = pair_flow_open(pair_client(p), false, 100);
	KUNIT_ASSERT_NOT_NULL(test, f);
	KUNIT_EXPECT_NULL(test, pair_flow_open(pair_client(p), false, 100));
	KUNIT_EXPECT_EQ(test, c->flow_tx.used, 1600);
	KUNIT_ASSERT_TRUE(test, pair_until(p, pair_flows_done, NSEC_PER_SEC));

	p = early_pair(test, PAIR_EARLY_TAKEN);
	early_request(test, p, 100000);
	KUNIT_EXPECT_LE(test, pair_path(p, 0, 0)->cc.in_flight, pair_path(p, 0, 0)->cc.cwnd);
	KUNIT_EXPECT_LT(test, pair_client(p)->conn.flow_tx.used, 30000);
	KUNIT_ASSERT_TRUE(test, pair_until(p, pair_flows_done, NSEC_PER_SEC));
}

/* Lost 0-RTT packets are repaired by 1-RTT packets, once those are there */
static void early_lost(struct kunit *test)
{
	struct pair *p = early_pair(test, PAIR_EARLY_TAKEN);
	struct pair_flow *f;

	early_drop = 100;
	f = early_request(test, p, 5000);
	KUNIT_ASSERT_TRUE(test, pair_until(p, pair_flows_done, 5 * (u64)NSEC_PER_SEC));
	KUNIT_EXPECT_EQ(test, f->read, 5000);
	KUNIT_EXPECT_EQ(test, pair_client(p)->conn.stats.bytes_sent, 5000);
	KUNIT_EXPECT_EQ(test, early_sent[0][TQUIC_LEVEL_EARLY], 5);
	pair_check(p);
}

/* RFC 9000 §17.2.5.3: early data goes out once more, its packet numbers go on */
static void early_after_retry(struct kunit *test)
{
	struct pair *p = early_pair(test, PAIR_EARLY_TAKEN);
	struct tquic_conn *c = &pair_client(p)->conn;
	struct tquic_hdr h;
	u64 pn;

	p->link[0].cut = true;
	early_request(test, p, 5000);
	pn = pair_path(p, 0, 0)->space.next_pn;
	h = (struct tquic_hdr) {
		.type = TQUIC_PKT_RETRY, .ver = c->version, .dcid = c->local.iscid,
		.scid = { .len = 8, .id = "retried" }, .token = "t", .token_len = 1,
	};
	KUNIT_ASSERT_TRUE(test, tquic_conn_wants_retry(c, &h));
	KUNIT_ASSERT_EQ(test, tquic_conn_on_retry(c, &h, p->now), 0);
	KUNIT_EXPECT_EQ(test, pair_path(p, 0, 0)->cc.in_flight, 0);
	pair_kick(pair_client(p));
	/* The pacer lets go of the last one a little later. */
	pair_run(p, PAIR_MS(100));
	KUNIT_EXPECT_EQ(test, early_sent[0][TQUIC_LEVEL_EARLY], 10);
	/* One may have been left out for who makes its ACKs up. */
	KUNIT_EXPECT_GE(test, pair_path(p, 0, 0)->space.next_pn, pn + 5);
	KUNIT_EXPECT_LE(test, pair_path(p, 0, 0)->space.next_pn, pn + 6);
	KUNIT_EXPECT_EQ(test, c->flow_tx.used, 5000);
	pair_check(p);
}

/* No frame is in a 0-RTT packet that must not be (RFC 9000 §12.5) */
static void early_frames(struct kunit *test)
{
	struct pair *p = early_pair(test, PAIR_EARLY_TAKEN);
	static const u8 ack[] = { 0x02, 0, 0, 0, 0 }, ping[] = { 0x01, 0, 0, 0 };

	early_request(test, p, 1000);
	KUNIT_ASSERT_TRUE(test, pair_until(p, pair_flows_done, NSEC_PER_SEC));
	KUNIT_EXPECT_EQ(test, pair_inject(pair_server(p), TQUIC_PKT_0RTT, 0, 50, ping,
					  sizeof(ping)), 0);
	KUNIT_EXPECT_EQ(test, pair_server(p)->conn.state, TQUIC_STATE_HANDSHAKE);
	KUNIT_EXPECT_EQ(test, pair_inject(pair_server(p), TQUIC_PKT_0RTT, 0, 51, ack,
					  sizeof(ack)), 0);
	KUNIT_EXPECT_EQ(test, pair_server(p)->conn.closed.error_code,
			TQUIC_ERR_PROTOCOL_VIOLATION);
}

static void early_refused_settings(struct kunit *test)
{
	struct pair *p = early_pair(test, PAIR_EARLY_NONE);
	struct tquic_conn *c = &pair_client(p)->conn, *s = &pair_server(p)->conn;
	static const u8 broken[] = { 0x04, 0x08, 0xff };
	u8 buf[512];
	ssize_t n;

	/* As a server tells them, with what only a server may tell */
	p->remembered.has_reset_token = true;
	n = tquic_params_encode(&p->remembered, true, buf, sizeof(buf), 0);
	KUNIT_ASSERT_GT(test, n, 0);
	KUNIT_ASSERT_TRUE(test, pair_start(p));
	/* Keys alone do not tell what may be sent. */
	KUNIT_EXPECT_FALSE(test, tquic_early_takes_keys(c, true));
	KUNIT_EXPECT_FALSE(test, tquic_early_takes_keys(c, false));
	KUNIT_EXPECT_EQ(test, tquic_early_accept(c), -EINVAL);
	KUNIT_EXPECT_EQ(test, tquic_early_remember(c, broken, sizeof(broken)), -EPROTO);
	KUNIT_EXPECT_EQ(test, tquic_early_remember(c, buf, n), 0);
	KUNIT_EXPECT_EQ(test, tquic_early_remember(c, buf, n), -EALREADY);
	KUNIT_EXPECT_TRUE(test, tquic_early_takes_keys(c, true));
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	KUNIT_EXPECT_EQ(test, early_state(pair_client(p)), TQUIC_EARLY_NONE);
	KUNIT_EXPECT_FALSE(test, tquic_early_takes_keys(c, true));
	KUNIT_EXPECT_FALSE(test, tquic_early_takes_keys(s, false));
	KUNIT_EXPECT_EQ(test, tquic_early_remember(s, buf, n), -EINVAL);
	KUNIT_EXPECT_EQ(test, early_sent[0][TQUIC_LEVEL_EARLY], 0);
	/* What was remembered and never used did not stay in the way. */
	KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(pair_client(p), false, 1000));
	KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, NSEC_PER_SEC));
}

/* A close before the handshake's end is no 0-RTT packet */
static void early_closed(struct kunit *test)
{
	struct pair *p = early_pair(test, PAIR_EARLY_TAKEN);
	struct tquic_conn *c = &pair_client(p)->conn;

	early_request(test, p, 1000);
	tquic_conn_close(c, 5, 0, true, NULL, 0, p->now);
	pair_kick(pair_client(p));
	KUNIT_EXPECT_EQ(test, early_sent[0][TQUIC_LEVEL_EARLY], 1);
	KUNIT_EXPECT_EQ(test, early_sent[0][TQUIC_LEVEL_INITIAL], 2);
}

/* A stream that is reset before the handshake is over is reset in a 0-RTT packet. */
static void early_reset(struct kunit *test)
{
	struct pair *p = early_pair(test, PAIR_EARLY_TAKEN);
	struct pair_flow *f = early_request(test, p, 5000);
	struct tquic_conn *c = &pair_client(p)->conn;
	u32 sent = early_sent[0][TQUIC_LEVEL_EARLY];

	KUNIT_EXPECT_EQ(test, tquic_conn_stream_reset(c, tquic_streams_find(&c->streams, f->id),
						      7), 0);
	pair_kick(pair_client(p));
	KUNIT_EXPECT_EQ(test, early_sent[0][TQUIC_LEVEL_EARLY], sent + 1);
	KUNIT_ASSERT_TRUE(test, pair_until(p, pair_flows_done, NSEC_PER_SEC));
	pair_check(p);
}

/* More early data than the server allowed before, which allows more now: it goes on. */
static void early_allowed_more(struct kunit *test)
{
	struct pair *p = early_pair(test, PAIR_EARLY_TAKEN);
	struct pair_flow *f;

	p->remembered.max_data = 3000;
	f = early_request(test, p, 9000);
	KUNIT_EXPECT_EQ(test, pair_client(p)->conn.flow_tx.used, 3000);
	KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, NSEC_PER_SEC));
	KUNIT_EXPECT_EQ(test, f->read, 9000);
	KUNIT_EXPECT_EQ(test, early_state(pair_client(p)), TQUIC_EARLY_ACCEPTED);
}

static struct kunit_case early_cases[] = {
	KUNIT_CASE(early_accepted),
	KUNIT_CASE(early_answer),
	KUNIT_CASE(early_rejected),
	KUNIT_CASE(early_rejected_and_lowered),
	KUNIT_CASE(early_rejected_without_streams),
	KUNIT_CASE(early_reset_and_rejected),
	KUNIT_CASE(early_limits),
	KUNIT_CASE(early_is_limited),
	KUNIT_CASE(early_lost),
	KUNIT_CASE(early_after_retry),
	KUNIT_CASE(early_frames),
	KUNIT_CASE(early_refused_settings),
	KUNIT_CASE(early_closed),
	KUNIT_CASE(early_reset),
	KUNIT_CASE(early_allowed_more),
	{}
};

static struct kunit_suite early_suite = {
	.name = "tquic-early",
	.test_cases = early_cases,
};

kunit_test_suites(&early_suite);
MODULE_LICENSE("GPL");
