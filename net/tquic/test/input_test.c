// SPDX-License-Identifier: GPL-2.0
/* What received frames do, and which error answers those a peer may not send. */
#include <kunit/test.h>
#include <linux/string.h>

#include "core/path.h"
#include "test/pair.h"

#define SEC	((u64)NSEC_PER_SEC)

/* 0x3e75 and the like as a varint */
#define MP(n)	0x7e, (n)

static struct pair *input_pair(struct kunit *test)
{
	struct pair *p = pair_create(test, 2);

	p->hostile = true;
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	pair_run(p, PAIR_MS(300));
	return p;
}

struct input_case {
	const char *name;
	u8 to;			/* 0: client, 1: server */
	u8 type;		/* enum tquic_pkt_type */
	u8 len;
	u8 bytes[40];
	u64 error;
	u64 frame;
};

#define CASE(n, t, ty, e, fr, ...)					\
	{ n, t, ty, sizeof((u8[]) { __VA_ARGS__ }), { __VA_ARGS__ }, e, fr }

/* Stream 0 is the client's first, 1 the server's, 2 and 3 the unidirectional ones. */
static const struct input_case input_cases_1rtt[] = {
	CASE("ack of a number never sent", 0, TQUIC_PKT_1RTT,
	     TQUIC_ERR_PROTOCOL_VIOLATION, 2, 0x02, 0x40, 200, 0, 0, 0),
	CASE("path ack of a number never sent", 1, TQUIC_PKT_1RTT,
	     TQUIC_ERR_PROTOCOL_VIOLATION, 0x3e, 0x3e, 1, 0, 0, 0, 0),
	CASE("ack below zero", 1, TQUIC_PKT_1RTT,
	     TQUIC_ERR_FRAME_ENCODING, 0, 0x02, 1, 0, 0, 2),
	CASE("unknown frame", 1, TQUIC_PKT_1RTT,
	     TQUIC_ERR_FRAME_ENCODING, 0, 0x20),
	CASE("cut frame", 1, TQUIC_PKT_1RTT,
	     TQUIC_ERR_FRAME_ENCODING, 0, 0x04, 0, 1),
	CASE("stream of ours never opened", 0, TQUIC_PKT_1RTT,
	     TQUIC_ERR_STREAM_STATE, 0x0a, 0x0a, 0, 1, 'x'),
	CASE("data on a stream we only send on", 1, TQUIC_PKT_1RTT,
	     TQUIC_ERR_STREAM_STATE, 0x0a, 0x0a, 3, 1, 'x'),
	CASE("reset of a stream we only send on", 1, TQUIC_PKT_1RTT,
	     TQUIC_ERR_STREAM_STATE, 0x04, 0x04, 3, 0, 0),
	CASE("reset behind bytes of a stream we only send on", 1, TQUIC_PKT_1RTT,
	     TQUIC_ERR_STREAM_STATE, 0x24, 0x24, 3, 0, 0, 0),
	CASE("reset with another code", 1, TQUIC_PKT_1RTT,
	     TQUIC_ERR_STREAM_STATE, 0x24, 0x24, 0, 7, 9, 5, 0x24, 0, 8, 9, 5),
	CASE("reset with another size", 1, TQUIC_PKT_1RTT,
	     TQUIC_ERR_FINAL_SIZE, 0x04, 0x24, 0, 7, 9, 5, 0x04, 0, 7, 8),
	CASE("reset that promises more than there is", 1, TQUIC_PKT_1RTT,
	     TQUIC_ERR_FRAME_ENCODING, 0, 0x24, 0, 7, 9, 10),
	CASE("reset of more than the credit", 1, TQUIC_PKT_1RTT,
	     TQUIC_ERR_FLOW_CONTROL, 0x24, 0x24, 0, 7, 0xbf, 0xff, 0xff, 0xff, 5),
	CASE("stop of a stream we only receive on", 1, TQUIC_PKT_1RTT,
	     TQUIC_ERR_STREAM_STATE, 0x05, 0x05, 2, 0),
	CASE("credit for a stream we only receive on", 1, TQUIC_PKT_1RTT,
	     TQUIC_ERR_STREAM_STATE, 0x11, 0x11, 2, 9),
	CASE("blocked on a stream we only send on", 1, TQUIC_PKT_1RTT,
	     TQUIC_ERR_STREAM_STATE, 0x15, 0x15, 3, 9),
	CASE("too many streams", 1, TQUIC_PKT_1RTT,
	     TQUIC_ERR_STREAM_LIMIT, 0x0a, 0x0a, 0x42, 0x00, 1, 'x'),
	CASE("beyond the stream's credit", 1, TQUIC_PKT_1RTT,
	     TQUIC_ERR_FLOW_CONTROL, 0x0e, 0x0e, 0, 0x80, 0x40, 0, 0, 1, 'x'),
	CASE("reset beyond the stream's credit", 1, TQUIC_PKT_1RTT,
	     TQUIC_ERR_FLOW_CONTROL, 0x04, 0x04, 0, 0, 0x80, 0x40, 0, 1),
	CASE("data behind the end", 1, TQUIC_PKT_1RTT,
	     TQUIC_ERR_FINAL_SIZE, 0x0e, 0x0f, 0, 5, 1, 'x', 0x0e, 0, 6, 1, 'x'),
	CASE("another end", 1, TQUIC_PKT_1RTT,
	     TQUIC_ERR_FINAL_SIZE, 0x0f, 0x0f, 0, 5, 1, 'x', 0x0f, 0, 4, 1, 'x'),
	CASE("reset with another end", 1, TQUIC_PKT_1RTT,
	     TQUIC_ERR_FINAL_SIZE, 0x04, 0x0f, 0, 5, 1, 'x', 0x04, 0, 0, 5),
	CASE("too many streams allowed", 1, TQUIC_PKT_1RTT,
	     TQUIC_ERR_FRAME_ENCODING, 0, 0x12, 0xd0, 0, 0, 0, 0, 0, 0, 1),
	CASE("HANDSHAKE_DONE to a server", 1, TQUIC_PKT_1RTT,
	     TQUIC_ERR_PROTOCOL_VIOLATION, 0x1e, 0x1e),
	CASE("NEW_TOKEN to a server", 1, TQUIC_PKT_1RTT,
	     TQUIC_ERR_PROTOCOL_VIOLATION, 0x07, 0x07, 1, 1),
	CASE("retirement of an id never given out", 1, TQUIC_PKT_1RTT,
	     TQUIC_ERR_PROTOCOL_VIOLATION, 0x19, 0x19, 9),
	CASE("retirement of the id in use", 1, TQUIC_PKT_1RTT,
	     TQUIC_ERR_PROTOCOL_VIOLATION, 0x19, 0x19, 0),
	CASE("retirement on a path without ids", 1, TQUIC_PKT_1RTT,
	     TQUIC_ERR_PROTOCOL_VIOLATION, 0x3e79, MP(0x79), 7, 0),
	CASE("path id above the limit: ack", 1, TQUIC_PKT_1RTT,
	     TQUIC_ERR_PROTOCOL_VIOLATION, 0x3e, 0x3e, 8, 0, 0, 0, 0),
	CASE("path id above the limit: abandon", 0, TQUIC_PKT_1RTT,
	     TQUIC_ERR_PROTOCOL_VIOLATION, 0x3e75, MP(0x75), 8, 0),
	CASE("path id above the limit: status", 0, TQUIC_PKT_1RTT,
	     TQUIC_ERR_PROTOCOL_VIOLATION, 0x3e76, MP(0x76), 8, 0),
	CASE("path id above the limit: new id", 0, TQUIC_PKT_1RTT,
	     TQUIC_ERR_PROTOCOL_VIOLATION, 0x3e78, MP(0x78), 8, 0, 0, 8,
	     1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
	CASE("path id above the limit: ids blocked", 0, TQUIC_PKT_1RTT,
	     TQUIC_ERR_PROTOCOL_VIOLATION, 0x3e7c, MP(0x7c), 8, 0),
	CASE("ids blocked at one never given out", 0, TQUIC_PKT_1RTT,
	     TQUIC_ERR_PROTOCOL_VIOLATION, 0x3e7c, MP(0x7c), 0, 60),
	CASE("blocked at more paths than allowed", 0, TQUIC_PKT_1RTT,
	     TQUIC_ERR_PROTOCOL_VIOLATION, 0x3e7b, MP(0x7b), 8),
	CASE("fewer paths than at first", 0, TQUIC_PKT_1RTT,
	     TQUIC_ERR_PROTOCOL_VIOLATION, 0x3e7a, MP(0x7a), 6),
	CASE("the last path abandoned", 1, TQUIC_PKT_1RTT,
	     TQUIC_ERR_NO_VIABLE_PATH, 0x3e75, MP(0x75), 0, 0),
	CASE("CRYPTO far ahead", 0, TQUIC_PKT_1RTT,
	     TQUIC_ERR_CRYPTO_BUFFER_EXCEEDED, 0x06, 0x06, 0x80, 2, 0, 0, 1, 0),
	CASE("an id given out twice", 0, TQUIC_PKT_1RTT,
	     TQUIC_ERR_PROTOCOL_VIOLATION, 0x18, 0x18, 0, 0, 8,
	     1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
};

static void input_violations(struct kunit *test)
{
	const struct input_case *c;
	struct tquic_conn *conn;
	struct pair *p;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(input_cases_1rtt); i++) {
		c = &input_cases_1rtt[i];
		p = input_pair(test);
		conn = &p->end[c->to].conn;
		KUNIT_EXPECT_EQ(test, pair_inject(&p->end[c->to], c->type, 0, 1000,
						  c->bytes, c->len), 0);
		KUNIT_EXPECT_EQ_MSG(test, conn->state, TQUIC_STATE_CLOSING, "%s", c->name);
		KUNIT_EXPECT_EQ_MSG(test, conn->closed.error_code, c->error, "%s", c->name);
		KUNIT_EXPECT_EQ_MSG(test, conn->closed.frame_type, c->frame, "%s", c->name);
		KUNIT_EXPECT_EQ_MSG(test, conn->closed.flags, 0, "%s", c->name);
		pair_kick(&p->end[c->to]);
		pair_run(p, PAIR_MS(15));
		/* The peer is told. */
		conn = &p->end[!c->to].conn;
		KUNIT_EXPECT_EQ_MSG(test, conn->state, TQUIC_STATE_DRAINING, "%s", c->name);
		KUNIT_EXPECT_EQ_MSG(test, conn->closed.error_code, c->error, "%s", c->name);
	}
}

static void input_empty_packet(struct kunit *test)
{
	struct pair *p = input_pair(test);

	pair_inject(&p->end[0], TQUIC_PKT_1RTT, 0, 1000, (const u8 *)"", 0);
	KUNIT_EXPECT_EQ(test, p->end[0].conn.closed.error_code, TQUIC_ERR_PROTOCOL_VIOLATION);
}

/* Frames that have no place in handshake packets */
static void input_wrong_packet(struct kunit *test)
{
	static const u8 frames[][9] = {
		{ 0x0a, 0, 1, 'x' }, { 0x10, 9 }, { 0x1a }, { 0x1e }, { 0x1d, 1, 0 },
		{ 0x05, 0, 0 }, { 0x30, 1 }, { MP(0x75), 0, 0 }, { 0x3e, 0, 0, 0, 0, 0 },
		{ 0x1f }, { 0x40, 0xaf, 0, 1, 0x4f, 0xff, 1 },
	};
	static const u8 len[] = { 4, 2, 9, 1, 3, 3, 2, 4, 6, 1, 7 };
	struct tquic_conn *conn;
	struct pair *p;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(frames); i++) {
		p = pair_create(test, 1);
		p->hostile = true;
		KUNIT_ASSERT_TRUE(test, pair_start(p));
		pair_run(p, PAIR_MS(12));
		conn = &p->end[1].conn;
		pair_inject(&p->end[1], TQUIC_PKT_INITIAL, 0, 100, frames[i], len[i]);
		KUNIT_EXPECT_EQ_MSG(test, conn->state, TQUIC_STATE_CLOSING, "frame 0x%x", frames[i][0]);
		KUNIT_EXPECT_EQ(test, conn->closed.error_code, TQUIC_ERR_PROTOCOL_VIOLATION);
	}
}

/* Multipath was not negotiated: its frames are unknown ones */
static void input_multipath_not_negotiated(struct kunit *test)
{
	static const u8 frames[][6] = {
		{ 0x3e, 0, 0, 0, 0, 0 }, { MP(0x75), 0, 0 }, { MP(0x76), 0, 0 }, { MP(0x79), 0, 0 },
		{ MP(0x7a), 9 }, { MP(0x7b), 0 }, { MP(0x7c), 0, 0 }, { MP(0x79), 1, 0 },
	};
	static const u8 len[] = { 6, 4, 4, 4, 3, 3, 4, 4 };
	struct tquic_conn *conn;
	struct pair *p;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(frames); i++) {
		p = pair_create(test, 1);
		p->end[0].conn.local.has_max_path_id = false;
		KUNIT_ASSERT_TRUE(test, pair_handshake(p));
		conn = &p->end[1].conn;
		pair_inject(&p->end[1], TQUIC_PKT_1RTT, 0, 100, frames[i], len[i]);
		KUNIT_EXPECT_EQ(test, conn->state, TQUIC_STATE_CLOSING);
		KUNIT_EXPECT_EQ(test, conn->closed.error_code, TQUIC_ERR_FRAME_ENCODING);
	}
}

/* A number left out on purpose is acknowledged: the peer makes its ACKs up */
static void input_ack_of_skipped(struct kunit *test)
{
	struct pair *p = input_pair(test);
	struct tquic_conn *conn = &p->end[0].conn;
	struct tquic_space *space = &tquic_conn_path(conn, 0)->space;
	u8 ack[] = { 0x02, 0x40, 0, 0, 0, 1 };
	u64 pn = space->next_pn;

	KUNIT_ASSERT_LT(test, pn, 60);
	KUNIT_ASSERT_NOT_NULL(test, tquic_space_on_sent(space, pn + 1, 100, 0, p->now));
	ack[2] = pn + 1;
	pair_inject(&p->end[0], TQUIC_PKT_1RTT, 0, 1000, ack, sizeof(ack));
	KUNIT_EXPECT_EQ(test, conn->closed.error_code, TQUIC_ERR_PROTOCOL_VIOLATION);
}

/* Each packet counts once, whatever is in it */
static void input_duplicates(struct kunit *test)
{
	static const u8 frame[] = { 0x0a, 0, 1, 'x' };
	struct pair *p = input_pair(test);
	struct tquic_conn *conn = &p->end[1].conn;

	KUNIT_EXPECT_EQ(test, pair_inject(&p->end[1], TQUIC_PKT_1RTT, 0, 1000, frame, 4), 0);
	KUNIT_EXPECT_EQ(test, pair_inject(&p->end[1], TQUIC_PKT_1RTT, 0, 1000, frame, 4), -EALREADY);
	KUNIT_EXPECT_EQ(test, pair_inject(&p->end[1], TQUIC_PKT_1RTT, 0, 1001, frame, 4), 0);
	KUNIT_EXPECT_EQ(test, conn->flow_rx.highest, 1);
	KUNIT_EXPECT_EQ(test, conn->streams.count, 1);
}

/* Datagrams: delivered, bounded by memory and by the limit we announced */
/* What is refused for want of memory shows that the peer is there, and so does the answer. */
static void input_refused(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_conn *conn = &p->end[1].conn;
	u64 sent;

	conn->local.max_idle_timeout_ms = 2000;
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	pair_run(p, PAIR_MS(500));
	p->end[1].paused = true;
	conn->streams.rx_mem.tight = true;
	KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(&p->end[0], true, 100000));
	sent = tquic_conn_path(conn, 0)->stats.tx_packets;
	pair_run(p, 10 * SEC);
	KUNIT_EXPECT_EQ(test, p->end[1].rx_err, -ENOBUFS);
	KUNIT_EXPECT_EQ(test, p->end[0].conn.state, TQUIC_STATE_ESTABLISHED);
	KUNIT_EXPECT_EQ(test, conn->state, TQUIC_STATE_ESTABLISHED);
	/* Not more often than the longest delay of an acknowledgment has it, which is 25 ms */
	KUNIT_EXPECT_LE(test, tquic_conn_path(conn, 0)->stats.tx_packets - sent, 10000 / 25);
	conn->streams.rx_mem.tight = false;
	pair_resume(&p->end[1]);
	KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 3 * SEC));
}

/* Other frames of a packet that cannot all be taken count, but for what may not come twice. */
static void input_refused_in_part(struct kunit *test)
{
	/* Behind what is refused: MAX_DATA, DATAGRAM, another stream's bytes */
	static const u8 frames[] = {
		0x0e, 0, 5, 1, 'y', 0x10, 0xbf, 0xff, 0xff, 0xff, 0x31, 1, 'd', 0x0a, 4, 1, 'z',
	};
	struct pair *p = input_pair(test);
	struct tquic_conn *conn = &p->end[1].conn;
	u64 max = conn->streams.rx_mem.max;
	struct tquic_path *path;

	path = pair_path(p, 1, 0);
	conn->streams.rx_mem.max = 0;
	KUNIT_EXPECT_EQ(test, pair_inject(&p->end[1], TQUIC_PKT_1RTT, 0, 1000, frames,
					  sizeof(frames)), -ENOBUFS);
	KUNIT_EXPECT_FALSE(test, tquic_ranges_has(&path->space.rx, 1000));
	KUNIT_EXPECT_EQ(test, conn->flow_tx.max, 0x3fffffff);
	KUNIT_EXPECT_EQ(test, conn->stats.datagrams_received, 0);
	KUNIT_EXPECT_EQ(test, conn->stats.bytes_received, 7);
	conn->streams.rx_mem.max = max;
	KUNIT_EXPECT_EQ(test, pair_inject(&p->end[1], TQUIC_PKT_1RTT, 0, 1000, frames,
					  sizeof(frames)), 0);
	KUNIT_EXPECT_TRUE(test, tquic_ranges_has(&path->space.rx, 1000));
	KUNIT_EXPECT_EQ(test, conn->stats.datagrams_received, 1);
	KUNIT_EXPECT_EQ(test, conn->stats.bytes_received, 7);
	/* What breaks a rule does so behind what is refused, too. */
	conn->streams.rx_mem.max = 0;
	KUNIT_EXPECT_EQ(test, pair_inject(&p->end[1], TQUIC_PKT_1RTT, 0, 1001,
					  (const u8 *)"\x0e\0\x09\1y\x1e", 6), 0);
	KUNIT_EXPECT_EQ(test, conn->closed.error_code, TQUIC_ERR_PROTOCOL_VIOLATION);
	KUNIT_EXPECT_EQ(test, conn->closed.frame_type, 0x1e);
}

static void input_datagrams(struct kunit *test)
{
	static const u8 frame[] = { 0x31, 2, 'h', 'i', 0x30, 'x', 'y', 'z' };
	struct pair *p = pair_create(test, 1);
	struct tquic_conn *conn = &p->end[1].conn;
	struct sk_buff *skb;
	u32 i;

	conn->local.max_datagram_frame_size = 4;
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	pair_inject(&p->end[1], TQUIC_PKT_1RTT, 0, 1000, frame, sizeof(frame));
	KUNIT_ASSERT_EQ(test, conn->state, TQUIC_STATE_ESTABLISHED);
	KUNIT_EXPECT_EQ(test, conn->stats.datagrams_received, 2);
	skb = skb_peek(&conn->dgram_rx);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	KUNIT_EXPECT_EQ(test, skb->len, 2);
	KUNIT_EXPECT_MEMEQ(test, skb->data, "hi", 2);
	for (i = 0; i < 5000; i++)
		pair_inject(&p->end[1], TQUIC_PKT_1RTT, 0, 1001 + i, frame, 4);
	KUNIT_EXPECT_LE(test, conn->dgram_rx_bytes, conn->tune.dgram_rx_max_bytes);
	KUNIT_EXPECT_GT(test, conn->stats.datagrams_dropped, 0);
	KUNIT_EXPECT_EQ(test, conn->stats.datagrams_dropped + conn->stats.datagrams_received, 5002);
	/* Type, length and three bytes are five. */
	pair_inject(&p->end[1], TQUIC_PKT_1RTT, 0, 9000, (const u8 *)"\x31\3abc", 5);
	KUNIT_EXPECT_EQ(test, conn->closed.error_code, TQUIC_ERR_PROTOCOL_VIOLATION);
}

static void input_no_datagrams(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);

	p->end[1].conn.local.max_datagram_frame_size = 0;
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	pair_inject(&p->end[1], TQUIC_PKT_1RTT, 0, 1000, (const u8 *)"\x30", 1);
	KUNIT_EXPECT_EQ(test, p->end[1].conn.closed.error_code, TQUIC_ERR_PROTOCOL_VIOLATION);
}

/* Frames about a path that is gone are none of our business any more */
static void input_forgotten_path(struct kunit *test)
{
	static const u8 frames[] = {
		0x3e, 1, 0x40, 99, 0, 0, 0, MP(0x75), 1, 0, MP(0x76), 1, 9, MP(0x79), 1, 50,
		MP(0x7c), 1, 50, MP(0x78), 1, 9, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8,
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	};
	struct pair *p = pair_create(test, 2);
	struct tquic_conn *conn = &p->end[1].conn;

	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	KUNIT_ASSERT_TRUE(test, pair_open_paths(p));
	KUNIT_ASSERT_EQ(test, tquic_path_close(&p->end[0].conn, tquic_path_find(&p->end[0].conn, 1),
					       0, p->now), 0);
	pair_kick(&p->end[0]);
	pair_run(p, 5 * SEC);
	KUNIT_ASSERT_NULL(test, tquic_path_find(conn, 1));
	pair_inject(&p->end[1], TQUIC_PKT_1RTT, 0, 1000, frames, sizeof(frames));
	KUNIT_EXPECT_EQ(test, conn->state, TQUIC_STATE_ESTABLISHED);
}

/* The peer names a path id we have not met: it gets its ids from us */
static void input_new_path_id(struct kunit *test)
{
	static const u8 frame[] = {
		MP(0x78), 6, 0, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8,
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	};
	struct pair *p = input_pair(test);
	struct tquic_conn *conn = &p->end[0].conn;

	KUNIT_ASSERT_NULL(test, tquic_path_find(conn, 6));
	pair_inject(&p->end[0], TQUIC_PKT_1RTT, 0, 1000, frame, sizeof(frame));
	KUNIT_ASSERT_EQ(test, conn->state, TQUIC_STATE_ESTABLISHED);
	KUNIT_ASSERT_NOT_NULL(test, tquic_path_find(conn, 6));
	KUNIT_EXPECT_EQ(test, tquic_cidset_remote_spare(&tquic_path_find(conn, 6)->remote), 1);
	KUNIT_EXPECT_EQ(test, tquic_path_find(conn, 6)->local.count, TQUIC_PATH_CIDS);
}

/* ECN-CE marks on what arrives are reported and taken for congestion */
static void input_ecn(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_path *path;

	p->link[0].ecn = PAIR_ECN_KEEP;
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	path = tquic_conn_path(&p->end[0].conn, 0);
	KUNIT_EXPECT_TRUE(test, path->ecn);
	p->link[0].ecn = 3;
	KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(&p->end[0], false, 20000));
	KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 5 * SEC));
	KUNIT_EXPECT_GT(test, tquic_conn_path(&p->end[1].conn, 0)->space.rx_ecn.ce, 10);
	KUNIT_EXPECT_TRUE(test, path->ecn);
	KUNIT_EXPECT_GT(test, path->stats.ce_marks, 10);
	KUNIT_EXPECT_TRUE(test, path->cc.ssthresh != U64_MAX);
}

/* Marks that vanish on the way: no more of them, and nothing else changes */
static void input_ecn_bleached(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_path *path;
	u64 marked;

	p->link[0].ecn = PAIR_ECN_KEEP;
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	path = tquic_conn_path(&p->end[0].conn, 0);
	KUNIT_EXPECT_TRUE(test, path->ecn);
	p->link[0].ecn = 0;
	KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(&p->end[0], false, 20000));
	KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 5 * SEC));
	KUNIT_EXPECT_FALSE(test, path->ecn);
	marked = path->space.tx_ect0;
	KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(&p->end[0], false, 20000));
	KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 5 * SEC));
	KUNIT_EXPECT_EQ(test, path->space.tx_ect0, marked);
	KUNIT_EXPECT_EQ(test, path->stats.ce_marks, 0);
	KUNIT_EXPECT_TRUE(test, path->cc.ssthresh == U64_MAX);
}

/* Marks nobody can have made: more than were sent as ECT(0) */
static void input_ecn_invented(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_path *path;

	p->link[0].ecn = PAIR_ECN_KEEP;
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	path = tquic_conn_path(&p->end[0].conn, 0);
	path->ecn = false;
	p->link[0].ecn = 3;
	KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(&p->end[0], false, 20000));
	KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 5 * SEC));
	KUNIT_EXPECT_LT(test, path->stats.ce_marks, 10);
	KUNIT_EXPECT_FALSE(test, path->ecn);
}

/* The newest status counts, in whatever order they come */
static void input_status_order(struct kunit *test)
{
	static const struct {
		u8 type, seq;
		bool backup;
	} steps[] = {
		{ 0x76, 5, true }, { 0x77, 4, true }, { 0x77, 5, true }, { 0x77, 6, false },
		{ 0x76, 6, false }, { 0x76, 7, true },
	};
	struct pair *p = input_pair(test);
	u8 frame[] = { MP(0), 0, 0 };
	u32 i;

	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		frame[1] = steps[i].type;
		frame[3] = steps[i].seq;
		pair_inject_next(&p->end[0], TQUIC_PKT_1RTT, 0, frame, sizeof(frame));
		KUNIT_EXPECT_EQ(test, tquic_conn_path(&p->end[0].conn, 0)->peer_backup, steps[i].backup);
	}
	KUNIT_EXPECT_EQ(test, p->end[0].events[TQUIC_EVENT_PATH_STATUS], 3);
}

/* Values at the limits are legal */
static void input_limits_reached(struct kunit *test)
{
	static const u8 frames[] = {
		MP(0x7a), 7, MP(0x7b), 7, MP(0x7c), 0, 2, MP(0x76), 7, 0, 0x14, 9, 0x16, 9,
	};
	struct pair *p = input_pair(test);
	struct tquic_conn *conn = &p->end[0].conn;

	pair_inject_next(&p->end[0], TQUIC_PKT_1RTT, 0, frames, sizeof(frames));
	KUNIT_EXPECT_EQ(test, conn->state, TQUIC_STATE_ESTABLISHED);
	KUNIT_EXPECT_EQ(test, conn->max_path_id_peer, 7);
	/* An old MAX_PATH_ID after a newer one changes nothing. */
	pair_inject_next(&p->end[0], TQUIC_PKT_1RTT, 0, (const u8 *)"\x7e\x7a\x09\x7e\x7a\x08", 6);
	KUNIT_EXPECT_EQ(test, conn->state, TQUIC_STATE_ESTABLISHED);
	KUNIT_EXPECT_EQ(test, conn->max_path_id_peer, 9);
}

/* A program that waits to write is woken by credit and by streams, and by nothing that is old. */
static void input_credit_wakes(struct kunit *test)
{
	static const u8 frames[][5] = {
		{ 0x10, 0xbf, 0xff, 0xff, 0xff },	/* MAX_DATA */
		{ 0x12, 0x7f, 0xff, 0 },		/* MAX_STREAMS */
		{ 0x13, 0x7f, 0xff, 0 },
	};
	struct pair *p = input_pair(test);
	struct tquic_conn *conn = &p->end[0].conn;
	u32 i, again;

	for (i = 0; i < 2 * ARRAY_SIZE(frames); i++) {
		again = i & 1;
		conn->todo = 0;
		p->end[0].todo = 0;
		pair_inject_next(&p->end[0], TQUIC_PKT_1RTT, 0, frames[i / 2], 5);
		KUNIT_EXPECT_EQ_MSG(test, !((conn->todo | p->end[0].todo) & TQUIC_TODO_WRITE), again,
				    "%u", i);
	}
}

/* What the peer says of its delay is taken off the sample, up to its promise (RFC 9002 5.3) */
static void input_ack_delay(struct kunit *test)
{
	static const u32 delay_ms[] = { 0, 20, 100 }, off_ms[] = { 0, 20, 25 };
	u8 ack[] = { 0x02, 0, 0x80, 0, 0, 0, 0, 0 };
	struct tquic_path *path;
	struct tquic_conn *conn;
	struct pair *p;
	u64 srtt, pn;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(delay_ms); i++) {
		p = input_pair(test);
		conn = &p->end[0].conn;
		path = tquic_conn_path(conn, 0);
		p->link[0].cut = true;
		conn->ctl |= TQUIC_CONN_CTL_PING;
		pair_kick(&p->end[0]);
		srtt = path->rtt.srtt_ns;
		pn = path->space.next_pn - 1;
		KUNIT_ASSERT_LT(test, pn, 64);
		ack[1] = pn;
		ack[4] = (delay_ms[i] * 1000 / 8) >> 8;
		ack[5] = (delay_ms[i] * 1000 / 8) & 0xff;
		p->now += PAIR_MS(60);
		pair_inject_next(&p->end[0], TQUIC_PKT_1RTT, 0, ack, sizeof(ack));
		KUNIT_EXPECT_EQ(test, path->rtt.latest_ns, PAIR_MS(60));
		KUNIT_EXPECT_EQ(test, path->rtt.srtt_ns, (7 * srtt + PAIR_MS(60 - off_ms[i])) / 8);
	}
}

/* Packets that were only late are known for what they are */
static void input_spurious(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_path *path;

	pair_link_set(&p->link[0], 20000000, PAIR_MS(20), 100000);
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	p->link[0].reorder_ppm = 50000;
	KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(&p->end[0], true, 200000));
	KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 10 * SEC));
	pair_run(p, SEC);
	path = tquic_conn_path(&p->end[0].conn, 0);
	KUNIT_EXPECT_GT(test, path->stats.spurious_packets, 0);
	KUNIT_EXPECT_EQ(test, path->stats.spurious_packets, path->stats.lost_packets);
	/* No congestion was seen: the window is as if nothing had been. */
	KUNIT_EXPECT_EQ(test, path->cc.ssthresh, U64_MAX);
}

/* Handshake packets are of path 0, whatever id they came to: so is what their ACK tells. */
static void input_hs_ack_is_of_path_0(struct kunit *test)
{
	u8 ack[] = { 0x02, 0, 0, 0, 0 };
	struct pair *p = pair_create(test, 2);
	struct tquic_conn *c = &p->end[0].conn;
	struct tquic_path *path;

	KUNIT_ASSERT_TRUE(test, pair_start(p));
	pair_run(p, PAIR_MS(25));
	path = tquic_path_find(c, 1);
	KUNIT_ASSERT_NOT_NULL(test, path);
	KUNIT_ASSERT_TRUE(test, c->keys_rx & BIT(TQUIC_LEVEL_HANDSHAKE));
	KUNIT_ASSERT_GT(test, tquic_conn_hs(c)->space[1].eliciting_in_flight, 0);
	ack[1] = tquic_conn_hs(c)->space[1].next_pn - 1;
	ack[4] = ack[1];
	KUNIT_ASSERT_EQ(test, pair_inject(&p->end[0], TQUIC_PKT_HANDSHAKE, 1, 90, ack,
					  sizeof(ack)), 0);
	KUNIT_EXPECT_EQ(test, tquic_conn_hs(c)->space[1].eliciting_in_flight, 0);
	KUNIT_EXPECT_EQ(test, path->rtt.first_sample_ns, 0);
	KUNIT_EXPECT_EQ(test, tquic_conn_path(c, 0)->rtt.latest_ns, PAIR_MS(5));
}

/* A window counts as used up when two packets more would have filled it (RFC 9002 §7.8). */
static void input_window_used_up(struct kunit *test)
{
	u8 ack[] = { 0x02, 0x40, 0, 0, 0, 0 };
	struct tquic_conn *conn;
	struct tquic_path *path;
	struct pair *p;
	u64 cwnd;
	u32 less, bytes, mss;

	for (less = 0; less < 2; less++) {
		p = input_pair(test);
		conn = &p->end[0].conn;
		path = tquic_conn_path(conn, 0);
		mss = path->cc.mss;
		cwnd = 10 * mss;
		path->cc.cwnd = cwnd;
		path->cc.ssthresh = cwnd;
		KUNIT_ASSERT_EQ(test, path->cc.in_flight, 0);
		bytes = cwnd - 2 * mss - less;
		ack[2] = path->space.next_pn;
		KUNIT_ASSERT_NOT_NULL(test, tquic_space_on_sent(&path->space, ack[2], bytes,
								TQUIC_SENT_F_ELICITING |
								TQUIC_SENT_F_IN_FLIGHT, p->now));
		tquic_cc_on_sent(&path->cc, bytes, p->now);
		KUNIT_ASSERT_EQ(test, pair_inject(&p->end[0], TQUIC_PKT_1RTT, 0, 1000, ack,
						  sizeof(ack)), 0);
		KUNIT_EXPECT_EQ(test, path->cc.in_flight, 0);
		if (less)
			KUNIT_EXPECT_EQ(test, path->cc.cwnd, cwnd);
		else
			KUNIT_EXPECT_GT(test, path->cc.cwnd, cwnd);
	}
}

/* Frames about a stream that has ended at both sides come late, and mean nothing. */
static void input_forgotten_stream(struct kunit *test)
{
	static const u8 frames[2][13] = {
		{ 0x05, 2, 7, 0x11, 2, 0x7f, 0xff },
		{ 0x15, 2, 9, 0x04, 2, 7, 0x40, 100, 0x0a, 2, 1, 'x' },
	};
	struct pair *p = pair_create(test, 1);
	struct pair_flow *f;
	u32 i;

	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	f = pair_flow_open(&p->end[0], true, 100);
	KUNIT_ASSERT_NOT_NULL(test, f);
	KUNIT_ASSERT_EQ(test, f->id, 2);
	KUNIT_ASSERT_TRUE(test, pair_until(p, pair_flows_done, 5 * SEC));
	pair_run(p, SEC);
	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_EQ(test, p->end[i].conn.streams.count, 0);
		KUNIT_EXPECT_EQ(test, pair_inject(&p->end[i], TQUIC_PKT_1RTT, 0, 1000, frames[i],
						  sizeof(frames[i])), 0);
		KUNIT_EXPECT_EQ(test, p->end[i].conn.state, TQUIC_STATE_ESTABLISHED);
		KUNIT_EXPECT_EQ(test, p->end[i].conn.streams.count, 0);
	}
}

/* Between the peer's PATH_ABANDON and the end of the path its frames are not looked into. */
static void input_abandoned_path(struct kunit *test)
{
	static const u8 ack[] = { 0x3e, 1, 0x40, 99, 0, 0, 0 };
	struct pair *p = pair_create(test, 2);
	struct tquic_conn *conn = &p->end[1].conn;

	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	KUNIT_ASSERT_TRUE(test, pair_open_paths(p));
	pair_run(p, PAIR_MS(100));
	KUNIT_ASSERT_EQ(test, tquic_path_close(&p->end[0].conn, tquic_path_find(&p->end[0].conn, 1),
					       0, p->now), 0);
	pair_kick(&p->end[0]);
	pair_run(p, PAIR_MS(30));
	KUNIT_ASSERT_NOT_NULL(test, tquic_path_find(conn, 1));
	KUNIT_ASSERT_EQ(test, tquic_path_find(conn, 1)->state, TQUIC_PATH_ABANDONED);
	pair_inject(&p->end[1], TQUIC_PKT_1RTT, 0, 1000, ack, sizeof(ack));
	KUNIT_EXPECT_EQ(test, conn->state, TQUIC_STATE_ESTABLISHED);
}

/* A higher limit of path ids is a chance to open paths; one between old and new is old news. */
static void input_more_path_ids(struct kunit *test)
{
	static const u8 nine[] = { MP(0x7a), 9 }, eight[] = { MP(0x7a), 8 };
	struct pair *p = input_pair(test);
	struct tquic_conn *conn = &p->end[0].conn;

	KUNIT_ASSERT_EQ(test, conn->max_path_id_peer, 7);
	conn->todo = 0;
	pair_inject(&p->end[0], TQUIC_PKT_1RTT, 0, 1000, nine, sizeof(nine));
	KUNIT_EXPECT_EQ(test, conn->max_path_id_peer, 9);
	KUNIT_EXPECT_TRUE(test, conn->todo & TQUIC_TODO_PATHS);
	conn->todo = 0;
	pair_inject(&p->end[0], TQUIC_PKT_1RTT, 0, 1001, eight, sizeof(eight));
	pair_inject(&p->end[0], TQUIC_PKT_1RTT, 0, 1002, nine, sizeof(nine));
	KUNIT_EXPECT_EQ(test, conn->max_path_id_peer, 9);
	KUNIT_EXPECT_FALSE(test, conn->todo & TQUIC_TODO_PATHS);
	KUNIT_EXPECT_EQ(test, conn->state, TQUIC_STATE_ESTABLISHED);
}

/* Keys are judged by what this very frame acknowledges, not by what others have. */
static void input_ack_largest(struct kunit *test)
{
	u8 ack[] = { 0x02, 0, 0, 0, 0 };
	struct pair *p = input_pair(test);
	struct tquic_conn *conn = &p->end[1].conn;
	struct tquic_space *space = &tquic_conn_path(conn, 0)->space;
	u64 pn = space->next_pn;

	KUNIT_ASSERT_LT(test, pn + 1, 60);
	p->link[0].cut = true;
	conn->ctl |= TQUIC_CONN_CTL_PING;
	pair_kick(&p->end[1]);
	conn->ctl |= TQUIC_CONN_CTL_PING;
	pair_kick(&p->end[1]);
	KUNIT_ASSERT_EQ(test, space->next_pn, pn + 2);
	ack[1] = pn + 1;
	KUNIT_EXPECT_EQ(test, pair_inject(&p->end[1], TQUIC_PKT_1RTT, 0, 1001, ack, 5), 0);
	KUNIT_EXPECT_EQ(test, p->end[1].acked, pn + 1);
	ack[1] = pn;
	KUNIT_EXPECT_EQ(test, pair_inject(&p->end[1], TQUIC_PKT_1RTT, 0, 1000, ack, 5), 0);
	KUNIT_EXPECT_EQ(test, p->end[1].acked, pn);
	KUNIT_EXPECT_EQ(test, space->largest_acked, pn + 1);
}

/* A reset that comes again is none that a program has to be told of again. */
static void input_reset_told_once(struct kunit *test)
{
	static const u8 reset[] = { 0x04, 0, 7, 5 }, data[] = { 0x08, 0, 'x' };
	struct pair *p = input_pair(test);
	u32 i;

	pair_inject(&p->end[1], TQUIC_PKT_1RTT, 0, 1000, data, sizeof(data));
	for (i = 1; i < 4; i++)
		pair_inject(&p->end[1], TQUIC_PKT_1RTT, 0, 1000 + i, reset, sizeof(reset));
	KUNIT_EXPECT_EQ(test, p->end[1].conn.state, TQUIC_STATE_ESTABLISHED);
	KUNIT_EXPECT_EQ(test, p->end[1].events[TQUIC_EVENT_STREAM_RESET], 1);
}

static struct kunit_case input_cases[] = {
	KUNIT_CASE(input_status_order),
	KUNIT_CASE(input_limits_reached),
	KUNIT_CASE(input_credit_wakes),
	KUNIT_CASE(input_ack_delay),
	KUNIT_CASE(input_spurious),
	KUNIT_CASE(input_violations),
	KUNIT_CASE(input_empty_packet),
	KUNIT_CASE(input_wrong_packet),
	KUNIT_CASE(input_multipath_not_negotiated),
	KUNIT_CASE(input_ack_of_skipped),
	KUNIT_CASE(input_duplicates),
	KUNIT_CASE(input_refused),
	KUNIT_CASE(input_refused_in_part),
	KUNIT_CASE(input_datagrams),
	KUNIT_CASE(input_no_datagrams),
	KUNIT_CASE(input_forgotten_path),
	KUNIT_CASE(input_new_path_id),
	KUNIT_CASE(input_ecn),
	KUNIT_CASE(input_ecn_bleached),
	KUNIT_CASE(input_ecn_invented),
	KUNIT_CASE(input_hs_ack_is_of_path_0),
	KUNIT_CASE(input_window_used_up),
	KUNIT_CASE(input_forgotten_stream),
	KUNIT_CASE(input_abandoned_path),
	KUNIT_CASE(input_more_path_ids),
	KUNIT_CASE(input_ack_largest),
	KUNIT_CASE(input_reset_told_once),
	{}
};

static struct kunit_suite input_suite = {
	.name = "tquic-input",
	.test_cases = input_cases,
};

kunit_test_suites(&input_suite);
