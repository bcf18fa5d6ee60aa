// SPDX-License-Identifier: GPL-2.0
/* What leaves: packets of a datagram, padding, numbers, acknowledgments, pacing. */
#include <kunit/test.h>
#include <linux/math.h>

#include "core/deadline.h"
#include "core/dgram.h"
#include "core/path.h"
#include "core/reinject.h"
#include "sched/sched.h"
#include "test/pair.h"

#define SEC	((u64)NSEC_PER_SEC)
#define OUT_ROOM	2048

/* The next datagram of @e, as the adapter would get it */
static int out_next(struct kunit *test, struct pair_end *e, struct tquic_tx_pkt *pkts,
		    u32 *len)
{
	u8 *buf = kunit_kzalloc(test, OUT_ROOM, GFP_KERNEL);
	int n;

	KUNIT_ASSERT_NOT_NULL(test, buf);
	n = tquic_conn_output(&e->conn, buf, OUT_ROOM, e->pair->now, pkts);
	*len = n ? pkts[n - 1].data + pkts[n - 1].len + TQUIC_AEAD_TAG_LEN - buf : 0;
	return n;
}

/* Types of the frames in a packet, PADDING once for a run of it, ACKs without their ECN bit */
static u32 out_frames(struct kunit *test, const struct tquic_tx_pkt *pkt, u64 *types, u32 max)
{
	struct tquic_rbuf b = { pkt->data + pkt->hdr_len, pkt->data + pkt->len };
	struct tquic_frame f;
	u32 n = 0;

	while (tquic_rbuf_left(&b)) {
		KUNIT_ASSERT_EQ(test, tquic_frame_parse(&b, &f), 0);
		if (n && types[n - 1] == TQUIC_FRAME_PADDING && f.type == TQUIC_FRAME_PADDING)
			continue;
		KUNIT_ASSERT_LT(test, n, max);
		if (f.type == TQUIC_FRAME_ACK_ECN || f.type == TQUIC_FRAME_PATH_ACK_ECN)
			f.type--;
		types[n++] = f.type;
	}
	return n;
}

/* Is a frame of that type in a packet? */
static bool out_has(struct kunit *test, const struct tquic_tx_pkt *pkt, u64 type)
{
	u64 types[16];
	u32 i, n = out_frames(test, pkt, types, ARRAY_SIZE(types));

	for (i = 0; i < n && types[i] != type; i++)
		;
	return i < n;
}

static bool out_stop(struct pair *p, struct pair_end *from,
		     const struct tquic_tx_pkt *pkts, int n)
{
	return false;
}

static void output_first_flight(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_tx_pkt pkts[TQUIC_LEVEL_COUNT];
	struct pair_end *c = pair_client(p);
	struct tquic_hdr h;
	u64 types[4];
	u32 len;

	p->tap = out_stop;
	c->flight_bytes = 300;
	KUNIT_ASSERT_TRUE(test, pair_start(p));
	/* All is out: nothing more until something happens. */
	KUNIT_EXPECT_EQ(test, out_next(test, c, pkts, &len), 0);
	KUNIT_EXPECT_EQ(test, tquic_conn_deadline_ns(&c->conn),
			p->now + 999 * NSEC_PER_MSEC);
	pair_run(p, PAIR_MS(990));
	tquic_conn_on_timeout(&c->conn, p->now + PAIR_MS(9));
	KUNIT_ASSERT_EQ(test, out_next(test, c, pkts, &len), 1);
	KUNIT_EXPECT_EQ(test, len, TQUIC_MIN_UDP_PAYLOAD);
	KUNIT_EXPECT_EQ(test, pkts[0].level, TQUIC_LEVEL_INITIAL);
	KUNIT_EXPECT_EQ(test, pkts[0].pn, 1);
	KUNIT_ASSERT_EQ(test, tquic_hdr_parse(pkts[0].data, len, 8, &h), 0);
	KUNIT_EXPECT_EQ(test, h.type, TQUIC_PKT_INITIAL);
	KUNIT_EXPECT_EQ(test, h.pkt_len, len);
	KUNIT_EXPECT_EQ(test, h.pn_off, pkts[0].pn_off);
	KUNIT_EXPECT_TRUE(test, tquic_cid_equal(&h.dcid, &c->conn.odcid));
	KUNIT_EXPECT_TRUE(test, tquic_cid_equal(&h.scid, &c->conn.local.iscid));
	KUNIT_ASSERT_EQ(test, out_frames(test, &pkts[0], types, 4), 2);
	KUNIT_EXPECT_EQ(test, types[0], TQUIC_FRAME_CRYPTO);
	KUNIT_EXPECT_EQ(test, types[1], TQUIC_FRAME_PADDING);
}

/* The server's answer: Initial and Handshake packets share datagrams of full size */
static void output_coalesced(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_tx_pkt pkts[TQUIC_LEVEL_COUNT];
	struct pair_end *s = pair_server(p);
	u64 types[4];
	u32 len;

	/* What the server is given to say does not leave by itself. */
	s->flight_bytes = 400;
	KUNIT_ASSERT_TRUE(test, pair_start(p));
	p->tap = out_stop;
	pair_run(p, PAIR_MS(11));
	s->conn.hs_probes[0] = 1;
	s->conn.hs_probes[1] = 1;
	KUNIT_ASSERT_EQ(test, out_next(test, s, pkts, &len), 2);
	KUNIT_EXPECT_EQ(test, len, TQUIC_MIN_UDP_PAYLOAD);
	KUNIT_EXPECT_EQ(test, pkts[0].level, TQUIC_LEVEL_INITIAL);
	KUNIT_EXPECT_EQ(test, pkts[1].level, TQUIC_LEVEL_HANDSHAKE);
	KUNIT_EXPECT_PTR_EQ(test, pkts[1].data, pkts[0].data + pkts[0].len + TQUIC_AEAD_TAG_LEN);
	KUNIT_ASSERT_EQ(test, out_frames(test, &pkts[1], types, 4), 2);
	KUNIT_EXPECT_EQ(test, types[0], TQUIC_FRAME_CRYPTO);
	KUNIT_EXPECT_EQ(test, types[1], TQUIC_FRAME_PADDING);
	KUNIT_EXPECT_EQ(test, out_frames(test, &pkts[0], types, 4), 1);
}

/* An Initial with nothing but a PING is complete before the Handshake packet begins behind it */
static void output_coalesced_ping(struct kunit *test)
{
	static const u8 ack[] = { TQUIC_FRAME_ACK, 1, 0, 0, 1 };
	struct pair *p = pair_create(test, 1);
	struct tquic_tx_pkt pkts[TQUIC_LEVEL_COUNT];
	struct pair_end *s = pair_server(p);
	struct tquic_hdr h;
	u64 types[4];
	u32 len;

	s->flight_bytes = 400;
	KUNIT_ASSERT_TRUE(test, pair_start(p));
	p->tap = out_stop;
	pair_run(p, PAIR_MS(11));
	KUNIT_ASSERT_EQ(test, pair_inject(s, TQUIC_PKT_INITIAL, 0, 9, ack, sizeof(ack)), 0);
	s->conn.hs_probes[0] = 1;
	s->conn.hs_probes[1] = 1;
	KUNIT_ASSERT_EQ(test, out_next(test, s, pkts, &len), 2);
	KUNIT_ASSERT_EQ(test, out_frames(test, &pkts[0], types, 4), 2);
	KUNIT_EXPECT_EQ(test, types[0], TQUIC_FRAME_PING);
	KUNIT_EXPECT_EQ(test, types[1], TQUIC_FRAME_PADDING);
	KUNIT_EXPECT_PTR_EQ(test, pkts[1].data, pkts[0].data + pkts[0].len + TQUIC_AEAD_TAG_LEN);
	KUNIT_ASSERT_EQ(test, tquic_hdr_parse(pkts[1].data, len - (pkts[1].data - pkts[0].data),
					      TQUIC_LOCAL_CID_LEN, &h), 0);
	KUNIT_EXPECT_EQ(test, h.type, TQUIC_PKT_HANDSHAKE);
}

/* A probe timeout of the handshake sends all that is missing twice, not PINGs */
static void output_probes(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_tx_pkt pkts[TQUIC_LEVEL_COUNT];
	struct pair_end *c = pair_client(p);
	u64 types[4];
	u32 i, len;

	p->tap = out_stop;
	KUNIT_ASSERT_TRUE(test, pair_start(p));
	p->now = tquic_conn_deadline_ns(&c->conn);
	tquic_conn_on_timeout(&c->conn, p->now);
	for (i = 0; i < 2; i++) {
		KUNIT_ASSERT_EQ(test, out_next(test, c, pkts, &len), 1);
		KUNIT_EXPECT_EQ(test, pkts[0].pn, 1 + i);
		KUNIT_ASSERT_EQ(test, out_frames(test, &pkts[0], types, 4), 2);
		KUNIT_EXPECT_EQ(test, types[0], TQUIC_FRAME_CRYPTO);
		KUNIT_EXPECT_EQ(test, types[1], TQUIC_FRAME_PADDING);
	}
	KUNIT_EXPECT_EQ(test, out_next(test, c, pkts, &len), 0);
	pair_check(p);
}

/* A lone Handshake packet is as long as its content */
static void output_no_needless_padding(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_tx_pkt pkts[TQUIC_LEVEL_COUNT];
	u32 len;

	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	pair_run(p, PAIR_MS(500));
	p->end[0].conn.ctl |= TQUIC_CONN_CTL_PING;
	KUNIT_ASSERT_EQ(test, out_next(test, &p->end[0], pkts, &len), 1);
	/* First byte, id, number; PING; two bytes for the sample, one less with a number of 2 */
	KUNIT_EXPECT_EQ(test, len, 1 + 8 + 4 + TQUIC_AEAD_TAG_LEN);
	KUNIT_EXPECT_EQ(test, pkts[0].pn_off, 9);
	KUNIT_EXPECT_EQ(test, pkts[0].hdr_len, 9 + pkts[0].pn_len);
}

/* Every second ack-eliciting packet is acknowledged at once, the odd one within the delay */
static void output_ack_policy(struct kunit *test)
{
	static const u8 ping[] = { 0x01 };
	struct pair *p = pair_create(test, 1);
	struct tquic_tx_pkt pkts[TQUIC_LEVEL_COUNT];
	struct pair_end *s = pair_server(p);
	struct tquic_rbuf b;
	struct tquic_frame f;
	u64 types[4], pn;
	u32 len;

	s->conn.local.ack_delay_exponent = 5;
	/* Neither asks the other for anything else. */
	pair_client(p)->conn.local.has_min_ack_delay = false;
	s->conn.local.has_min_ack_delay = false;
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	pair_run(p, PAIR_MS(500));
	pn = tquic_conn_path(&s->conn, 0)->space.largest_rx + 1;
	pair_inject(s, TQUIC_PKT_1RTT, 0, pn, ping, 1);
	KUNIT_EXPECT_EQ(test, out_next(test, s, pkts, &len), 0);
	KUNIT_EXPECT_EQ(test, tquic_conn_deadline_ns(&s->conn), p->now + PAIR_MS(25));
	pair_inject(s, TQUIC_PKT_1RTT, 0, pn + 1, ping, 1);
	KUNIT_ASSERT_EQ(test, out_next(test, s, pkts, &len), 1);
	KUNIT_ASSERT_EQ(test, out_frames(test, &pkts[0], types, 4), 1);
	KUNIT_EXPECT_EQ(test, types[0], TQUIC_FRAME_PATH_ACK);
	KUNIT_EXPECT_EQ(test, out_next(test, s, pkts, &len), 0);
	/* The odd one; the delay is told in units of 2^5 us */
	pair_inject(s, TQUIC_PKT_1RTT, 0, pn + 2, ping, 1);
	p->now += PAIR_MS(25);
	tquic_conn_on_timeout(&s->conn, p->now);
	KUNIT_ASSERT_EQ(test, out_next(test, s, pkts, &len), 1);
	b.p = pkts[0].data + pkts[0].hdr_len;
	b.end = pkts[0].data + pkts[0].len;
	KUNIT_ASSERT_EQ(test, tquic_frame_parse(&b, &f), 0);
	KUNIT_EXPECT_EQ(test, f.ack.delay, 25000 >> 5);
	KUNIT_EXPECT_EQ(test, f.ack.largest, pn + 2);
	/* A gap */
	pair_inject(s, TQUIC_PKT_1RTT, 0, pn + 4, ping, 1);
	KUNIT_EXPECT_EQ(test, out_next(test, s, pkts, &len), 1);
	/* What elicits no ACK gets none. */
	pair_inject(s, TQUIC_PKT_1RTT, 0, pn + 5, (const u8 *)"\0", 1);
	pair_inject(s, TQUIC_PKT_1RTT, 0, pn + 6, (const u8 *)"\0", 1);
	KUNIT_EXPECT_EQ(test, out_next(test, s, pkts, &len), 0);
}

/* Acknowledgments of a path go back on it; when it fails, on another */
static void output_ack_carrier(struct kunit *test)
{
	static const u8 ping[] = { 0x01 };
	struct pair *p = pair_create(test, 2);
	struct tquic_tx_pkt pkts[TQUIC_LEVEL_COUNT];
	struct pair_end *s = pair_server(p);
	struct tquic_path *path;
	u64 types[4], pn;
	u32 len;

	/* Neither asks the other for anything else. */
	pair_client(p)->conn.local.has_min_ack_delay = false;
	s->conn.local.has_min_ack_delay = false;
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	KUNIT_ASSERT_TRUE(test, pair_open_paths(p));
	pair_run(p, SEC);
	path = tquic_path_find(&s->conn, 1);
	pn = path->space.largest_rx + 1;
	pair_inject(s, TQUIC_PKT_1RTT, 1, pn, ping, 1);
	pair_inject(s, TQUIC_PKT_1RTT, 1, pn + 1, ping, 1);
	KUNIT_ASSERT_EQ(test, out_next(test, s, pkts, &len), 1);
	KUNIT_EXPECT_EQ(test, pkts[0].path->id, 1);
	path->state = TQUIC_PATH_SUSPECT;
	pair_inject(s, TQUIC_PKT_1RTT, 1, pn + 2, ping, 1);
	pair_inject(s, TQUIC_PKT_1RTT, 1, pn + 3, ping, 1);
	/* Something came: a probe goes out and tells all, but the ACK takes the sure way too. */
	KUNIT_ASSERT_EQ(test, out_next(test, s, pkts, &len), 1);
	KUNIT_EXPECT_EQ(test, pkts[0].path->id, 1);
	KUNIT_ASSERT_EQ(test, out_frames(test, &pkts[0], types, 4), 3);
	KUNIT_EXPECT_EQ(test, types[0], TQUIC_FRAME_PATH_ACK);
	KUNIT_EXPECT_EQ(test, types[1], TQUIC_FRAME_PATH_ACK);
	KUNIT_EXPECT_EQ(test, types[2], TQUIC_FRAME_PING);
	KUNIT_ASSERT_EQ(test, out_next(test, s, pkts, &len), 1);
	KUNIT_EXPECT_EQ(test, pkts[0].path->id, 0);
	KUNIT_ASSERT_EQ(test, out_frames(test, &pkts[0], types, 4), 1);
	KUNIT_EXPECT_EQ(test, types[0], TQUIC_FRAME_PATH_ACK);
	KUNIT_EXPECT_EQ(test, out_next(test, s, pkts, &len), 0);
	path->state = TQUIC_PATH_ACTIVE;
}

/* However much there is to acknowledge, a probe asks for an answer and is one packet. */
static void output_probe_elicits(struct kunit *test)
{
	struct tquic_tx_pkt pkts[TQUIC_LEVEL_COUNT];
	struct pair *p = pair_bonded(test, 3);
	struct pair_end *c = pair_client(p);
	u8 *buf = kunit_kzalloc(test, OUT_ROOM, GFP_KERNEL);
	struct tquic_path *path;
	u32 i, k, room;
	u64 pn;

	KUNIT_ASSERT_NOT_NULL(test, buf);
	/* What a peer can do that leaves numbers out */
	for (i = 0; i < 3; i++) {
		for (k = 0, pn = 1 << 20; k < 60; k++, pn += 1ULL << 32)
			tquic_ranges_add(&pair_path(p, 0, i)->space.rx, pn);
	}
	path = pair_path(p, 0, 2);
	path->state = TQUIC_PATH_SUSPECT;
	for (room = TQUIC_MIN_UDP_PAYLOAD; room < TQUIC_MIN_UDP_PAYLOAD + 100; room++) {
		path->space.rx_eliciting = 1;
		path->probes = 1;
		KUNIT_ASSERT_EQ(test, tquic_conn_output(&c->conn, buf, room, p->now, pkts), 1);
		KUNIT_EXPECT_PTR_EQ(test, pkts[0].path, path);
		KUNIT_ASSERT_EQ(test, path->probes, 0);
	}
	path->state = TQUIC_PATH_ACTIVE;
}

/* The first packet of what a path held goes at once, twice, though the others' windows are full */
static void output_hand_over(struct kunit *test)
{
	struct tquic_tx_pkt pkts[TQUIC_LEVEL_COUNT];
	struct pair *p = pair_bonded(test, 2);
	struct pair_end *c = pair_client(p);
	u64 types[8], again;
	u32 len, n;

	KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(c, false, 8 << 20));
	pair_run(p, PAIR_MS(300));
	KUNIT_ASSERT_EQ(test, out_next(test, c, pkts, &len), 0);
	KUNIT_ASSERT_FALSE(test, tquic_sched_room(pair_path(p, 0, 1)));
	pair_path(p, 0, 1)->space.loss_share = 0;
	/* Copies made before when there was doubt only are among what is given back. */
	tquic_reinject_overdue(&c->conn, pair_path(p, 0, 0), p->now);
	KUNIT_ASSERT_NOT_NULL(test, pair_path(p, 0, 1)->copies.head);
	tquic_path_on_status(&c->conn, pair_path(p, 0, 0), true, p->now);
	KUNIT_EXPECT_NULL(test, pair_path(p, 0, 1)->copies.head);
	KUNIT_ASSERT_EQ(test, out_next(test, c, pkts, &len), 1);
	KUNIT_EXPECT_EQ(test, pkts[0].path->id, 1);
	n = out_frames(test, &pkts[0], types, ARRAY_SIZE(types));
	KUNIT_EXPECT_EQ(test, types[n - 1] & ~7ULL, TQUIC_FRAME_STREAM);
	again = c->conn.stats.bytes_reinjected;
	KUNIT_ASSERT_EQ(test, out_next(test, c, pkts, &len), 1);
	KUNIT_EXPECT_EQ(test, pkts[0].path->id, 1);
	KUNIT_EXPECT_GT(test, c->conn.stats.bytes_reinjected - again, 1200);
	/* Whether the other one works is not what a reader waits for. */
	KUNIT_ASSERT_EQ(test, out_next(test, c, pkts, &len), 1);
	KUNIT_EXPECT_EQ(test, pkts[0].path->id, 0);
	KUNIT_EXPECT_EQ(test, out_next(test, c, pkts, &len), 0);
}

/* The news that a link is down goes before all else, and nothing is acknowledged there any more */
static void output_link_down(struct kunit *test)
{
	struct tquic_tx_pkt pkts[TQUIC_LEVEL_COUNT];
	struct pair *p = pair_bonded(test, 2);
	struct pair_end *c = pair_client(p);
	u32 i, len;
	bool asks;

	KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(pair_server(p), false, 8 << 20));
	pair_run(p, PAIR_MS(300));
	KUNIT_ASSERT_EQ(test, out_next(test, c, pkts, &len), 0);
	tquic_path_link_down(&c->conn, pair_path(p, 0, 0), p->now);
	for (i = 0; i < 3; i++) {
		KUNIT_ASSERT_EQ(test, out_next(test, c, pkts, &len), 1);
		KUNIT_EXPECT_EQ(test, pkts[0].path->id, 1);
		KUNIT_EXPECT_TRUE(test, out_has(test, &pkts[0], TQUIC_FRAME_PATH_STATUS_BACKUP));
		KUNIT_EXPECT_TRUE(test, out_has(test, &pkts[0], TQUIC_FRAME_PATH_ACK));
	}
	while (out_next(test, c, pkts, &len)) {
		asks = out_has(test, &pkts[0], TQUIC_FRAME_IMMEDIATE_ACK);
		KUNIT_EXPECT_TRUE(test, asks || pkts[0].path->id);
	}
}

/* Where some of it may well be lost all goes twice, but no more than half a window of it. */
static void output_hand_over_lossy(struct kunit *test)
{
	struct tquic_path *gone, *heir;
	struct pair *p;
	u32 most, i;
	u64 again;

	for (i = 0; i < 3; i++) {
		p = pair_bonded(test, 2);
		gone = pair_path(p, 0, 0);
		heir = pair_path(p, 0, 1);
		KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(&p->end[0], false, 8 << 20));
		pair_run(p, PAIR_MS(300));
		KUNIT_ASSERT_GT(test, gone->space.eliciting_in_flight, 16);
		/* A loss in as many packets as there are, or a bit less; a narrow window */
		heir->space.loss_share = DIV_ROUND_UP(TQUIC_LOSS_ALL / 16,
						      gone->space.eliciting_in_flight);
		heir->space.loss_share -= i == 1;
		if (i == 2)
			heir->cc.cwnd = 10 * heir->cc.mss;
		most = min_t(u32, gone->space.eliciting_in_flight, heir->cc.cwnd / heir->cc.mss / 2);
		again = p->end[0].conn.stats.bytes_reinjected;
		tquic_path_on_status(&p->end[0].conn, gone, true, p->now);
		KUNIT_EXPECT_EQ(test, heir->copies.again, i == 1 ? 1 : most);
		most = heir->copies.again;
		pair_kick(&p->end[0]);
		pair_run(p, PAIR_MS(150));
		KUNIT_EXPECT_EQ(test, heir->copies.again, 0);
		again = p->end[0].conn.stats.bytes_reinjected - again;
		KUNIT_EXPECT_LE(test, again, most * heir->cc.mss);
		KUNIT_EXPECT_GE(test, again, most * (heir->cc.mss - 100) / 2);
		pair_check(p);
	}
}

/* Too little room for a packet, or an id to send to that is gone: nothing */
static void output_no_room(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_conn *conn = &p->end[0].conn;
	struct tquic_tx_pkt pkts[TQUIC_LEVEL_COUNT];
	u8 *buf = kunit_kzalloc(test, OUT_ROOM, GFP_KERNEL);
	s8 cur;

	KUNIT_ASSERT_NOT_NULL(test, buf);
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	pair_run(p, PAIR_MS(500));
	conn->ctl |= TQUIC_CONN_CTL_PING;
	KUNIT_EXPECT_EQ(test, tquic_conn_output(conn, buf, TQUIC_RECORD_ROOM_MIN - 1, p->now, pkts), 0);
	cur = tquic_conn_path(conn, 0)->remote.cur;
	tquic_conn_path(conn, 0)->remote.cur = -1;
	KUNIT_EXPECT_EQ(test, tquic_conn_output(conn, buf, OUT_ROOM, p->now, pkts), 0);
	tquic_conn_path(conn, 0)->remote.cur = cur;
	KUNIT_EXPECT_EQ(test, tquic_conn_output(conn, buf, TQUIC_RECORD_ROOM_MIN, p->now, pkts), 1);
}

/* A token goes into every Initial of the client */
static void output_token(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_tx_pkt pkts[TQUIC_LEVEL_COUNT];
	struct tquic_conn *conn = &p->end[0].conn;
	struct tquic_hdr h;
	u32 len;

	p->tap = out_stop;
	KUNIT_ASSERT_TRUE(test, pair_start(p));
	conn->token = kmalloc(5, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, conn->token);
	memcpy(conn->token, "token", 5);
	conn->token_len = 5;
	conn->hs_probes[0] = 1;
	KUNIT_ASSERT_EQ(test, out_next(test, &p->end[0], pkts, &len), 1);
	KUNIT_ASSERT_EQ(test, tquic_hdr_parse(pkts[0].data, len, 8, &h), 0);
	KUNIT_ASSERT_EQ(test, h.token_len, 5);
	KUNIT_EXPECT_MEMEQ(test, h.token, "token", 5);
}

/* The client's Initial that only acknowledges is padded and counts, for it is large */
static void output_padding_counts(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_tx_pkt pkts[TQUIC_LEVEL_COUNT];
	struct pair_end *c = pair_client(p);
	u64 before, types[4];
	u32 len;

	p->tap = out_stop;
	KUNIT_ASSERT_TRUE(test, pair_start(p));
	before = tquic_conn_path(&c->conn, 0)->cc.in_flight;
	KUNIT_EXPECT_EQ(test, before, TQUIC_MIN_UDP_PAYLOAD);
	pair_inject(c, TQUIC_PKT_INITIAL, 0, 0, (const u8 *)"\1", 1);
	KUNIT_ASSERT_EQ(test, out_next(test, c, pkts, &len), 1);
	KUNIT_EXPECT_EQ(test, len, TQUIC_MIN_UDP_PAYLOAD);
	KUNIT_ASSERT_EQ(test, out_frames(test, &pkts[0], types, 4), 2);
	KUNIT_EXPECT_EQ(test, types[0], TQUIC_FRAME_ACK);
	KUNIT_EXPECT_EQ(test, tquic_conn_path(&c->conn, 0)->cc.in_flight, before + len);
	KUNIT_EXPECT_EQ(test, tquic_conn_hs(&c->conn)->space[0].eliciting_in_flight, 1);
	pair_check(p);
}

/* A PATH_CHALLENGE is padded only as far as the peer's address is trusted */
static void output_challenge_limited(struct kunit *test)
{
	struct pair *p = pair_create(test, 2);
	struct tquic_tx_pkt pkts[TQUIC_LEVEL_COUNT];
	struct pair_end *s = pair_server(p);
	struct tquic_path *path;
	u32 len;

	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	pair_run(p, PAIR_MS(200));
	path = tquic_path_find(&s->conn, 1);
	KUNIT_ASSERT_NOT_NULL(test, path);
	path->link = &p->link[1];
	KUNIT_ASSERT_EQ(test, tquic_path_start(&s->conn, path, p->now), 0);
	/* Ids for the next path go out on the first one; this one has to wait. */
	while (out_next(test, s, pkts, &len))
		KUNIT_ASSERT_EQ(test, pkts[0].path->id, 0);
	tquic_path_on_rx(path, 100);
	KUNIT_ASSERT_EQ(test, out_next(test, s, pkts, &len), 1);
	KUNIT_EXPECT_PTR_EQ(test, pkts[0].path, path);
	KUNIT_EXPECT_EQ(test, len, 300);
	KUNIT_EXPECT_EQ(test, path->tx_allowed_bytes, 0);
	path->ctl |= TQUIC_PATH_CTL_CHALLENGE;
	path->probes = 1;
	path->space.ack_now = true;
	KUNIT_EXPECT_EQ(test, out_next(test, s, pkts, &len), 0);
	path->probes = 0;
	path->space.ack_now = false;
}

/* A number is left out now and then, in 1-RTT packets only */
static void output_skips(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_conn *conn = &p->end[0].conn;
	struct tquic_tx_pkt pkts[TQUIC_LEVEL_COUNT];
	u8 *buf = kunit_kzalloc(test, OUT_ROOM, GFP_KERNEL);
	u64 pn, last = 0;
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, buf);
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	pair_run(p, PAIR_MS(500));
	for (i = 0; i < 20000; i++) {
		conn->ctl |= TQUIC_CONN_CTL_PING;
		KUNIT_ASSERT_EQ(test, tquic_conn_output(conn, buf, OUT_ROOM, p->now, pkts), 1);
		pn = pkts[0].pn;
		KUNIT_ASSERT_TRUE(test, !last || pn == last + 1 || pn == last + 2);
		if (last && pn == last + 2)
			break;
		last = pn;
		p->now += NSEC_PER_MSEC;
		tquic_cc_on_discard(&tquic_conn_path(conn, 0)->cc, 1000, p->now);
	}
	KUNIT_EXPECT_LT(test, i, 20000);
}

/* Numbers left out do not disturb the peer */
static void output_skipped_numbers(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_path *path;

	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(&p->end[0], true, 1500000));
	KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 10 * SEC));
	path = tquic_conn_path(&p->end[0].conn, 0);
	KUNIT_EXPECT_GT(test, path->space.next_pn, path->stats.tx_packets - 10);
	KUNIT_EXPECT_LT(test, path->space.next_pn, path->stats.tx_packets + 40);
	KUNIT_EXPECT_EQ(test, path->stats.lost_packets, 0);
}

/* An ACK that could wait goes along with data that leaves anyway */
static void output_ack_piggybacked(struct kunit *test)
{
	struct pair *p = pair_create(test, 2);
	struct tquic_tx_pkt pkts[TQUIC_LEVEL_COUNT];
	struct pair_end *s = pair_server(p);
	u64 types[4];
	u32 len;

	/* Neither asks the other for anything else. */
	pair_client(p)->conn.local.has_min_ack_delay = false;
	s->conn.local.has_min_ack_delay = false;
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	KUNIT_ASSERT_TRUE(test, pair_open_paths(p));
	pair_run(p, SEC);
	/* One packet on each path; the fastest path is the first. */
	tquic_conn_path(&s->conn, 0)->rtt.srtt_ns = PAIR_MS(5);
	/* It gives no hint of a number that was left out. */
	tquic_path_find(&s->conn, 1)->space.hole_end = U64_MAX;
	pair_inject_next(s, TQUIC_PKT_1RTT, 0, (const u8 *)"\1", 1);
	pair_inject_next(s, TQUIC_PKT_1RTT, 1, (const u8 *)"\1", 1);
	KUNIT_EXPECT_EQ(test, out_next(test, s, pkts, &len), 0);
	s->conn.ctl |= TQUIC_CONN_CTL_PING;
	KUNIT_ASSERT_EQ(test, out_next(test, s, pkts, &len), 1);
	KUNIT_EXPECT_EQ(test, pkts[0].path->id, 0);
	/* The other path's ACK stays with its path, and can wait. */
	KUNIT_ASSERT_EQ(test, out_frames(test, &pkts[0], types, 4), 2);
	KUNIT_EXPECT_EQ(test, types[0], TQUIC_FRAME_PATH_ACK);
	KUNIT_EXPECT_EQ(test, types[1], TQUIC_FRAME_PING);
	KUNIT_EXPECT_EQ(test, tquic_conn_path(&s->conn, 0)->space.ack_deadline_ns, 0);
	KUNIT_EXPECT_EQ(test, tquic_path_find(&s->conn, 1)->space.ack_deadline_ns, p->now + PAIR_MS(25));
}

/* The window is not exceeded, and what it allows is spread over the round trip */
static u64 out_burst_ns, out_burst;
static u32 out_burst_max, out_full;

static bool out_bursts(struct pair *p, struct pair_end *from,
		       const struct tquic_tx_pkt *pkts, int n)
{
	const struct tquic_path *path = pkts[0].path;

	if (from != pair_client(p))
		return true;
	if (p->now != out_burst_ns)
		out_burst = 0;
	out_burst_ns = p->now;
	out_burst_max = max_t(u32, out_burst_max, ++out_burst);
	out_full += pkts[0].len + TQUIC_AEAD_TAG_LEN == path->pmtu.bytes;
	KUNIT_EXPECT_LE(p->test, path->cc.in_flight, path->cc.cwnd);
	return true;
}

static void output_paced(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);

	pair_link_set(&p->link[0], 20000000, PAIR_MS(25), 200000);
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	pair_run(p, SEC);
	out_burst_max = 0;
	out_full = 0;
	p->tap = out_bursts;
	KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(&p->end[0], true, 600000));
	KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 10 * SEC));
	KUNIT_EXPECT_GE(test, out_burst_max, 9);
	KUNIT_EXPECT_LE(test, out_burst_max, 12);
	/* Packets are filled to the last byte. */
	KUNIT_EXPECT_GE(test, out_full, 600000 / PAIR_MTU);
	KUNIT_EXPECT_LE(test, p->end[0].conn.stats.bytes_retransmitted, 100000);
}

/* Retransmissions are new packets, and may go another way than the first time */
static void output_retransmits_elsewhere(struct kunit *test)
{
	struct pair *p = pair_create(test, 2);
	struct tquic_conn *s = &p->end[1].conn;
	struct tquic_path *path;
	struct pair_flow *f;

	pair_link_set(&p->link[0], 20000000, PAIR_MS(10), 200000);
	pair_link_set(&p->link[1], 20000000, PAIR_MS(11), 200000);
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	KUNIT_ASSERT_TRUE(test, pair_open_paths(p));
	f = pair_flow_open(&p->end[1], true, 200000);
	KUNIT_ASSERT_NOT_NULL(test, f);
	pair_run(p, PAIR_MS(30));
	path = tquic_path_find(s, 1);
	KUNIT_ASSERT_GT(test, path->cc.in_flight, 0);
	p->link[1].cut = true;
	KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 3 * SEC));
	KUNIT_EXPECT_GT(test, s->stats.bytes_retransmitted, 1000);
	KUNIT_EXPECT_EQ(test, s->stats.bytes_sent, 200000);
	KUNIT_EXPECT_EQ(test, p->end[0].conn.stats.bytes_received, 200000);
	KUNIT_EXPECT_EQ(test, p->end[0].conn.stats.bytes_delivered, 200000);
}

/* What filled a packet fills one of another path too, whatever is under way on either. */
static void output_same_room(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_tx_pkt pkts[TQUIC_LEVEL_COUNT];
	struct pair_end *s = pair_server(p);
	u8 data[TQUIC_PATH_DATA_LEN] = {};
	u32 i, len, hdr_len[2];
	struct tquic_path *path;

	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	pair_run(p, PAIR_MS(500));
	path = pair_path(p, 1, 0);
	for (i = 0; i < 2; i++) {
		/* One number in flight, then many */
		path->space.largest_acked = (s64)path->space.sent.next - (i ? 10000 : 1);
		tquic_path_on_challenge(path, data);
		KUNIT_ASSERT_EQ(test, out_next(test, s, pkts, &len), 1);
		hdr_len[i] = pkts[0].hdr_len;
	}
	KUNIT_EXPECT_EQ(test, hdr_len[0], 1 + TQUIC_LOCAL_CID_LEN + 2);
	KUNIT_EXPECT_EQ(test, hdr_len[1], hdr_len[0]);
}

/* Challenges that came before anything could leave are answered in their order. */
static void output_responses(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_tx_pkt pkts[TQUIC_LEVEL_COUNT];
	struct pair_end *s = pair_server(p);
	u8 data[TQUIC_PATH_DATA_LEN] = {};
	struct tquic_path *path;
	struct tquic_frame f;
	struct tquic_rbuf b;
	u32 i, len, seen = 0;

	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	pair_run(p, PAIR_MS(500));
	path = pair_path(p, 1, 0);
	for (i = 1; i <= 3; i++) {
		memset(data, i, sizeof(data));
		tquic_path_on_challenge(path, data);
	}
	KUNIT_ASSERT_EQ(test, path->responses, 3);
	KUNIT_ASSERT_EQ(test, out_next(test, s, pkts, &len), 1);
	b.p = pkts[0].data + pkts[0].hdr_len;
	b.end = pkts[0].data + pkts[0].len;
	while (tquic_rbuf_left(&b)) {
		KUNIT_ASSERT_EQ(test, tquic_frame_parse(&b, &f), 0);
		if (f.type != TQUIC_FRAME_PATH_RESPONSE)
			continue;
		memset(data, ++seen, sizeof(data));
		KUNIT_EXPECT_MEMEQ(test, f.path_data.data, data, sizeof(data));
	}
	KUNIT_EXPECT_EQ(test, seen, 3);
	KUNIT_EXPECT_EQ(test, path->responses, 0);
}

/* With nothing to send, BBR is told that its samples do not show what a path carries. */
static void output_unused_noted(struct kunit *test)
{
	struct pair *p = pair_create(test, 2);
	struct tquic_tx_pkt pkts[TQUIC_LEVEL_COUNT];
	struct tquic_conn *conn = &p->end[0].conn;
	u32 i, len;

	conn->cc_ops = &tquic_cc_bbr;
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	KUNIT_ASSERT_TRUE(test, pair_open_paths(p));
	pair_run(p, PAIR_MS(500));
	for (i = 0; i < 2; i++)
		pair_path(p, 0, i)->cc.rate.app_limited = 0;
	KUNIT_EXPECT_EQ(test, out_next(test, &p->end[0], pkts, &len), 0);
	for (i = 0; i < 2; i++)
		KUNIT_EXPECT_GT(test, pair_path(p, 0, i)->cc.rate.app_limited, 0);
}

/* How much of the reason is in a CONNECTION_CLOSE, which is all of the packet */
static u32 out_close_reason(struct kunit *test, const struct tquic_tx_pkt *pkt)
{
	struct tquic_rbuf b = { pkt->data + pkt->hdr_len, pkt->data + pkt->len };
	struct tquic_frame f;

	KUNIT_ASSERT_EQ(test, tquic_frame_parse(&b, &f), 0);
	KUNIT_EXPECT_EQ(test, f.type, TQUIC_FRAME_CONNECTION_CLOSE);
	KUNIT_EXPECT_EQ(test, f.close.code, 9);
	KUNIT_EXPECT_EQ(test, tquic_rbuf_left(&b), 0);
	return f.close.reason_len;
}

/* CONNECTION_CLOSE of all levels in a datagram; words are cut and levels left out for lack of room */
static void output_close_room(struct kunit *test)
{
	static const u8 why[50] = "what went wrong";
	struct pair *p = pair_create(test, 1);
	struct tquic_tx_pkt pkts[TQUIC_LEVEL_COUNT] = {};
	struct pair_end *s = pair_server(p);
	u8 *buf = kunit_kzalloc(test, OUT_ROOM, GFP_KERNEL);
	u32 first, i;

	KUNIT_ASSERT_NOT_NULL(test, buf);
	KUNIT_ASSERT_TRUE(test, pair_start(p));
	pair_run(p, PAIR_MS(11));
	KUNIT_ASSERT_EQ(test, s->conn.keys_tx, BIT(TQUIC_LEVEL_INITIAL) |
			BIT(TQUIC_LEVEL_HANDSHAKE) | BIT(TQUIC_LEVEL_APP));
	p->tap = out_stop;
	tquic_conn_close(&s->conn, 9, 0, false, why, sizeof(why), p->now);
	KUNIT_ASSERT_EQ(test, tquic_conn_output(&s->conn, buf, OUT_ROOM, p->now, pkts), 3);
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_EQ(test, out_close_reason(test, &pkts[i]), sizeof(why));
		if (i)
			KUNIT_EXPECT_PTR_EQ(test, pkts[i].data, pkts[i - 1].data +
					    pkts[i - 1].len + TQUIC_AEAD_TAG_LEN);
	}
	KUNIT_EXPECT_EQ(test, tquic_conn_output(&s->conn, buf, OUT_ROOM, p->now, pkts), 0);

	first = pkts[0].len + TQUIC_AEAD_TAG_LEN;
	s->conn.close_levels = s->conn.keys_tx;
	s->conn.close_paths = BIT(0);
	KUNIT_ASSERT_EQ(test, tquic_conn_output(&s->conn, buf, first + TQUIC_RECORD_ROOM_MIN,
						p->now, pkts), 2);
	KUNIT_EXPECT_EQ(test, pkts[1].level, TQUIC_LEVEL_HANDSHAKE);
	KUNIT_EXPECT_LT(test, out_close_reason(test, &pkts[1]), sizeof(why));
	s->conn.close_levels = s->conn.keys_tx;
	s->conn.close_paths = BIT(0);
	KUNIT_ASSERT_EQ(test, tquic_conn_output(&s->conn, buf, first + TQUIC_RECORD_ROOM_MIN - 1,
						p->now, pkts), 1);
	KUNIT_EXPECT_EQ(test, out_close_reason(test, &pkts[0]), sizeof(why));
}

/* Without keys for it nothing goes into a 0-RTT packet, however much it waits. */
static void output_no_early(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_tx_pkt pkts[TQUIC_LEVEL_COUNT];
	u32 i, len;

	KUNIT_ASSERT_TRUE(test, pair_start(p));
	p->tap = out_stop;
	pair_run(p, PAIR_MS(11));
	for (i = 0; i < 2; i++) {
		p->end[i].conn.hs_probes[0] = 0;
		p->end[i].conn.hs_probes[1] = 0;
		p->end[i].conn.ctl |= TQUIC_CONN_CTL_MAX_DATA;
	}
	KUNIT_EXPECT_EQ(test, out_next(test, &p->end[0], pkts, &len), 0);
	while (out_next(test, &p->end[1], pkts, &len))
		KUNIT_EXPECT_NE(test, pkts[0].level, TQUIC_LEVEL_EARLY);
}

/* A path that may not say what it wants to keeps nobody else from sending. */
static void output_blocked_path(struct kunit *test)
{
	struct pair *p = pair_create(test, 2);
	struct tquic_tx_pkt pkts[TQUIC_LEVEL_COUNT];
	struct pair_end *s = pair_server(p);
	struct tquic_path *path;
	u32 len;

	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	KUNIT_ASSERT_TRUE(test, pair_open_paths(p));
	pair_run(p, SEC);
	p->tap = out_stop;
	path = pair_path(p, 1, 0);
	path->state = TQUIC_PATH_VALIDATING;
	path->validated = false;
	path->tx_allowed_bytes = TQUIC_RECORD_ROOM_MIN - 1;
	path->ctl |= TQUIC_PATH_CTL_CHALLENGE;
	s->conn.ctl |= TQUIC_CONN_CTL_PING;
	KUNIT_ASSERT_EQ(test, out_next(test, s, pkts, &len), 1);
	KUNIT_EXPECT_EQ(test, pkts[0].path->id, 1);
	KUNIT_EXPECT_EQ(test, s->conn.ctl, 0);
	KUNIT_EXPECT_EQ(test, out_next(test, s, pkts, &len), 0);
	path->tx_allowed_bytes = TQUIC_RECORD_ROOM_MIN;
	KUNIT_ASSERT_EQ(test, out_next(test, s, pkts, &len), 1);
	KUNIT_EXPECT_EQ(test, pkts[0].path->id, 0);
	KUNIT_EXPECT_EQ(test, len, TQUIC_RECORD_ROOM_MIN);
}

/* While all are paced the timer is that of the first path that will have room. */
static void output_pace_timer(struct kunit *test)
{
	struct pair *p = pair_create(test, 3);
	struct tquic_tx_pkt pkts[TQUIC_LEVEL_COUNT];
	struct tquic_conn *c = &p->end[0].conn;
	struct tquic_path *path[3];
	u64 due[3];
	u32 i, k, len;

	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	KUNIT_ASSERT_TRUE(test, pair_open_paths(p));
	pair_run(p, SEC);
	p->tap = out_stop;
	for (i = 0; i < 3; i++) {
		path[i] = pair_path(p, 0, i);
		while (!tquic_sched_paced(path[i], p->now))
			tquic_pacer_on_sent(&path[i]->pacer, 1472, p->now,
					    tquic_path_pacing_rate(path[i]), 1472);
		for (k = 0; k < 3 * i; k++)
			tquic_pacer_on_sent(&path[i]->pacer, 1472, p->now,
					    tquic_path_pacing_rate(path[i]), 1472);
		due[i] = tquic_pacer_next_ns(&path[i]->pacer, p->now,
					     tquic_path_pacing_rate(path[i]), path[i]->pmtu.bytes);
	}
	KUNIT_ASSERT_GT(test, due[0], p->now);
	KUNIT_ASSERT_GT(test, due[1], due[0]);
	KUNIT_ASSERT_GT(test, due[2], due[1]);
	c->ctl |= TQUIC_CONN_CTL_PING;
	KUNIT_EXPECT_EQ(test, out_next(test, &p->end[0], pkts, &len), 0);
	KUNIT_EXPECT_EQ(test, tquic_conn_deadline_ns(c), due[0]);
	/* Neither a full window nor a path that is suspect will send then. */
	tquic_cc_on_sent(&path[0]->cc, tquic_cc_room_bytes(&path[0]->cc), p->now);
	KUNIT_EXPECT_EQ(test, out_next(test, &p->end[0], pkts, &len), 0);
	KUNIT_EXPECT_EQ(test, tquic_conn_deadline_ns(c), due[1]);
	path[1]->state = TQUIC_PATH_SUSPECT;
	path[1]->space.last_eliciting_ns = p->now;
	KUNIT_EXPECT_EQ(test, out_next(test, &p->end[0], pkts, &len), 0);
	KUNIT_EXPECT_EQ(test, tquic_conn_deadline_ns(c), due[2]);
	path[1]->state = TQUIC_PATH_ACTIVE;
}

/* A way that is to be tried without an id for it is not tried. */
static void output_trial_without_id(struct kunit *test)
{
	struct pair *p = pair_create(test, 2);
	struct tquic_tx_pkt pkts[TQUIC_LEVEL_COUNT];
	struct tquic_path *path;
	u32 i, len;
	u64 sent;

	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	pair_run(p, SEC);
	path = pair_path(p, 0, 0);
	sent = path->stats.tx_packets;
	for (i = 0; i < path->remote.count; i++)
		path->remote.e[i].used = true;
	path->ctl |= TQUIC_PATH_CTL_CHALLENGE_OTHER;
	KUNIT_EXPECT_EQ(test, out_next(test, pair_client(p), pkts, &len), 0);
	KUNIT_EXPECT_EQ(test, path->ctl, 0);
	KUNIT_EXPECT_EQ(test, path->stats.tx_packets, sent);
}

/* Datagrams with an Initial have the size that RFC 9000 §14.1 asks for, and no more. */
static void output_close_padded(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_tx_pkt pkts[TQUIC_LEVEL_COUNT] = {};
	struct pair_end *c = pair_client(p);
	u32 len;

	KUNIT_ASSERT_TRUE(test, pair_start(p));
	p->tap = out_stop;
	tquic_conn_path(&c->conn, 0)->pmtu.bytes = 1400;
	c->conn.keys_tx |= BIT(TQUIC_LEVEL_HANDSHAKE);
	c->conn.hs_probes[0] = 1;
	c->conn.hs_probes[1] = 1;
	KUNIT_ASSERT_EQ(test, out_next(test, c, pkts, &len), 2);
	KUNIT_EXPECT_EQ(test, len, TQUIC_MIN_UDP_PAYLOAD);
	/* Whoever has sent a Handshake packet needs no Initial ones (RFC 9001 §4.9.1). */
	KUNIT_EXPECT_TRUE(test, c->conn.keys_tx & BIT(TQUIC_LEVEL_INITIAL));
	KUNIT_EXPECT_EQ(test, out_next(test, c, pkts, &len), 0);
	KUNIT_EXPECT_FALSE(test, c->conn.keys_tx & BIT(TQUIC_LEVEL_INITIAL));

	p = pair_create(test, 1);
	c = pair_client(p);
	KUNIT_ASSERT_TRUE(test, pair_start(p));
	p->tap = out_stop;
	tquic_conn_path(&c->conn, 0)->pmtu.bytes = 1400;
	c->conn.keys_tx |= BIT(TQUIC_LEVEL_HANDSHAKE);
	tquic_conn_close(&c->conn, 9, 0, false, NULL, 0, p->now);
	KUNIT_ASSERT_EQ(test, out_next(test, c, pkts, &len), 2);
	KUNIT_EXPECT_EQ(test, len, TQUIC_MIN_UDP_PAYLOAD);
}

/* A probe of the size has company only if the window has room for that. */
static void output_mtu_company(struct kunit *test)
{
	struct pair *p;
	struct tquic_tx_pkt pkts[TQUIC_LEVEL_COUNT];
	struct tquic_path *path;
	u32 i, len, bytes;

	for (i = 0; i < 2; i++) {
		p = pair_create(test, 1);
		KUNIT_ASSERT_TRUE(test, pair_handshake(p));
		pair_run(p, PAIR_MS(500));
		p->tap = out_stop;
		path = pair_path(p, 0, 0);
		tquic_path_restart_mtu(path);
		bytes = tquic_path_mtu_probe(&p->end[0].conn, path, p->now);
		KUNIT_ASSERT_GT(test, bytes, TQUIC_MIN_UDP_PAYLOAD);
		KUNIT_ASSERT_EQ(test, path->cc.in_flight, 0);
		path->cc.cwnd = bytes + i;
		KUNIT_ASSERT_EQ(test, out_next(test, &p->end[0], pkts, &len), 1);
		KUNIT_EXPECT_EQ(test, len, bytes);
		KUNIT_EXPECT_EQ(test, path->probes, i);
	}
}

/* Any path may have something for its other address. */
static void output_other_of_second(struct kunit *test)
{
	struct pair *p = pair_create(test, 2);
	struct tquic_tx_pkt pkts[TQUIC_LEVEL_COUNT];
	struct pair_end *s = pair_server(p);
	u64 types[4];
	u32 len;

	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	KUNIT_ASSERT_TRUE(test, pair_open_paths(p));
	pair_run(p, SEC);
	pair_path(p, 1, 1)->ctl |= TQUIC_PATH_CTL_CHALLENGE_OTHER;
	KUNIT_ASSERT_EQ(test, out_next(test, s, pkts, &len), 1);
	KUNIT_EXPECT_EQ(test, pkts[0].path->id, 1);
	KUNIT_EXPECT_TRUE(test, pkts[0].other);
	KUNIT_EXPECT_EQ(test, len, TQUIC_MIN_UDP_PAYLOAD);
	KUNIT_ASSERT_EQ(test, out_frames(test, &pkts[0], types, 4), 2);
	KUNIT_EXPECT_EQ(test, types[0], TQUIC_FRAME_PATH_CHALLENGE);
	KUNIT_EXPECT_EQ(test, pair_path(p, 1, 1)->ctl, 0);
}

/* A server says no more to an address that is not proven, not even that it closes. */
static void output_close_limited(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_tx_pkt pkts[TQUIC_LEVEL_COUNT] = {};
	struct pair_end *s = pair_server(p);
	struct tquic_path *path;
	u32 len;

	KUNIT_ASSERT_TRUE(test, pair_start(p));
	pair_run(p, PAIR_MS(11));
	p->tap = out_stop;
	path = tquic_conn_path(&s->conn, 0);
	KUNIT_ASSERT_FALSE(test, path->validated);
	path->tx_allowed_bytes = 100;
	tquic_conn_close(&s->conn, 9, 0, false, NULL, 0, p->now);
	KUNIT_ASSERT_EQ(test, out_next(test, s, pkts, &len), 1);
	KUNIT_EXPECT_LE(test, len, 100);
	KUNIT_EXPECT_EQ(test, pkts[0].level, TQUIC_LEVEL_INITIAL);
	KUNIT_EXPECT_EQ(test, path->tx_allowed_bytes, 100 - len);
}

/* Memory for a smaller datagram than the path carries only: what fits goes, the rest soon. */
static void output_little_memory(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_conn *conn = &p->end[0].conn;
	struct tquic_tx_pkt pkts[TQUIC_LEVEL_COUNT];
	u8 *buf = kunit_kzalloc(test, OUT_ROOM, GFP_KERNEL);
	struct sk_buff *skb = alloc_skb(1400, GFP_KERNEL);
	u64 types[4], n;

	KUNIT_ASSERT_NOT_NULL(test, buf);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	memset(skb_put(skb, 1400), 'd', 1400);
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	pair_run(p, PAIR_MS(500));
	KUNIT_ASSERT_EQ(test, tquic_conn_path(conn, 0)->pmtu.bytes, PAIR_MTU);
	p->tap = out_stop;
	tquic_dgram_queue(conn, skb, TQUIC_DEADLINE_NONE, false);
	/* The harness asks with room for all: have the stream wait until the test asks. */
	conn->keys_tx &= ~BIT(TQUIC_LEVEL_APP);
	KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(&p->end[0], true, 100));
	conn->keys_tx |= BIT(TQUIC_LEVEL_APP);
	KUNIT_ASSERT_EQ(test, tquic_conn_output(conn, buf, TQUIC_MIN_UDP_PAYLOAD, p->now, pkts), 1);
	n = out_frames(test, &pkts[0], types, ARRAY_SIZE(types));
	KUNIT_EXPECT_EQ(test, types[n - 1] & ~7ULL, TQUIC_FRAME_STREAM);
	KUNIT_EXPECT_EQ(test, conn->dgram_tx.qlen, 1);
	KUNIT_EXPECT_EQ(test, tquic_conn_output(conn, buf, TQUIC_MIN_UDP_PAYLOAD, p->now, pkts), 0);
	KUNIT_EXPECT_EQ(test, conn->dgram_tx.qlen, 1);
	KUNIT_EXPECT_EQ(test, tquic_conn_deadline_ns(conn), p->now + TQUIC_TX_RETRY_NS);
	KUNIT_ASSERT_EQ(test, tquic_conn_output(conn, buf, OUT_ROOM, p->now, pkts), 1);
	KUNIT_EXPECT_EQ(test, conn->dgram_tx.qlen, 0);
	KUNIT_EXPECT_EQ(test, conn->stats.datagrams_sent, 1);
	KUNIT_EXPECT_EQ(test, tquic_conn_output(conn, buf, OUT_ROOM, p->now, pkts), 0);
	KUNIT_EXPECT_GT(test, tquic_conn_deadline_ns(conn), p->now + TQUIC_TX_RETRY_NS);
}

/* What the limit of an address that is not proven keeps back no timer can send. */
static void output_little_allowed(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_conn *conn = &p->end[1].conn;
	struct tquic_tx_pkt pkts[TQUIC_LEVEL_COUNT];
	struct sk_buff *skb = alloc_skb(1000, GFP_KERNEL);
	struct tquic_path *path;
	u32 len;

	KUNIT_ASSERT_NOT_NULL(test, skb);
	memset(skb_put(skb, 1000), 'd', 1000);
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	pair_run(p, PAIR_MS(500));
	p->tap = out_stop;
	path = pair_path(p, 1, 0);
	path->validated = false;
	path->tx_allowed_bytes = 500;
	tquic_dgram_queue(conn, skb, TQUIC_DEADLINE_NONE, false);
	KUNIT_EXPECT_EQ(test, out_next(test, &p->end[1], pkts, &len), 0);
	KUNIT_EXPECT_EQ(test, conn->dgram_tx.qlen, 1);
	KUNIT_EXPECT_GT(test, tquic_conn_deadline_ns(conn), p->now + TQUIC_TX_RETRY_NS);
	conn->ctl |= TQUIC_CONN_CTL_PING;
	KUNIT_EXPECT_EQ(test, out_next(test, &p->end[1], pkts, &len), 1);
	KUNIT_EXPECT_EQ(test, conn->dgram_tx.qlen, 1);
}

static struct kunit_case output_cases[] = {
	KUNIT_CASE(output_first_flight),
	KUNIT_CASE(output_coalesced),
	KUNIT_CASE(output_coalesced_ping),
	KUNIT_CASE(output_probes),
	KUNIT_CASE(output_no_needless_padding),
	KUNIT_CASE(output_ack_policy),
	KUNIT_CASE(output_ack_carrier),
	KUNIT_CASE(output_probe_elicits),
	KUNIT_CASE(output_hand_over),
	KUNIT_CASE(output_link_down),
	KUNIT_CASE(output_hand_over_lossy),
	KUNIT_CASE(output_no_room),
	KUNIT_CASE(output_token),
	KUNIT_CASE(output_padding_counts),
	KUNIT_CASE(output_challenge_limited),
	KUNIT_CASE(output_skips),
	KUNIT_CASE(output_skipped_numbers),
	KUNIT_CASE(output_ack_piggybacked),
	KUNIT_CASE(output_paced),
	KUNIT_CASE(output_retransmits_elsewhere),
	KUNIT_CASE(output_same_room),
	KUNIT_CASE(output_responses),
	KUNIT_CASE(output_unused_noted),
	KUNIT_CASE(output_close_room),
	KUNIT_CASE(output_no_early),
	KUNIT_CASE(output_blocked_path),
	KUNIT_CASE(output_pace_timer),
	KUNIT_CASE(output_trial_without_id),
	KUNIT_CASE(output_close_padded),
	KUNIT_CASE(output_mtu_company),
	KUNIT_CASE(output_other_of_second),
	KUNIT_CASE(output_close_limited),
	KUNIT_CASE(output_little_memory),
	KUNIT_CASE(output_little_allowed),
	{}
};

static struct kunit_suite output_suite = {
	.name = "tquic-output",
	.test_cases = output_cases,
};

kunit_test_suites(&output_suite);
