// SPDX-License-Identifier: GPL-2.0
/* How often acknowledgments are sent: what is asked for, by whom, and what comes of it. */
#include <kunit/test.h>
#include <linux/string.h>

#include "core/ackfreq.h"
#include "core/path.h"
#include "test/pair.h"

#define SEC	((u64)NSEC_PER_SEC)
#define ROOM	2048

/* What left each end, and how many datagrams with an ACK_FREQUENCY still vanish */
static u32 af_asked[2], af_urged[2], af_acks[2], af_drop;
static u64 af_seq[2];

static bool af_tap(struct pair *p, struct pair_end *from, const struct tquic_tx_pkt *pkts, int n)
{
	struct tquic_rbuf b = { pkts[0].data + pkts[0].hdr_len, pkts[0].data + pkts[0].len };
	bool server = from->conn.server, asks = false;
	struct tquic_frame f;

	while (tquic_rbuf_left(&b)) {
		KUNIT_ASSERT_EQ(p->test, tquic_frame_parse(&b, &f), 0);
		af_urged[server] += f.type == TQUIC_FRAME_IMMEDIATE_ACK;
		af_acks[server] += (f.type | 1) == TQUIC_FRAME_PATH_ACK_ECN;
		if (f.type != TQUIC_FRAME_ACK_FREQUENCY)
			continue;
		asks = true;
		af_asked[server]++;
		af_seq[server] = f.ack_frequency.seq;
	}
	if (!asks || !af_drop)
		return true;
	af_drop--;
	return false;
}

static struct pair *af_pair(struct kunit *test, u32 links)
{
	struct pair *p = pair_create(test, links);
	u32 i;

	memset(af_asked, 0, sizeof(af_asked));
	memset(af_urged, 0, sizeof(af_urged));
	memset(af_acks, 0, sizeof(af_acks));
	af_drop = 0;
	p->tap = af_tap;
	for (i = 0; i < links; i++)
		pair_link_set(&p->link[i], 100000000, PAIR_MS(20), 600000);
	return p;
}

static void af_inject(struct pair_end *to, u8 seq, u8 threshold, u32 delay_us, u8 reorder)
{
	u8 frame[] = {
		0x40, 0xaf, seq, threshold, 0x80 | delay_us >> 24, delay_us >> 16, delay_us >> 8,
		delay_us, reorder,
	};

	pair_inject_next(to, TQUIC_PKT_1RTT, 0, frame, sizeof(frame));
}

/* The newest one counts, in whatever order they come */
static void ackfreq_order(struct kunit *test)
{
	struct pair *p = af_pair(test, 1);
	struct tquic_conn *conn = &p->end[0].conn;
	const struct tquic_ack_rule *rx = &conn->ackfreq.rx;

	p->hostile = true;
	/* The server never asks by itself. */
	conn->local.min_ack_delay_us = 2000;
	pair_server(p)->conn.confirmed = false;
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	pair_run(p, PAIR_MS(500));
	af_inject(&p->end[0], 40, 7, 3000, 0);
	KUNIT_EXPECT_EQ(test, rx->threshold, 7);
	KUNIT_EXPECT_EQ(test, rx->delay_ns, PAIR_MS(3));
	KUNIT_EXPECT_EQ(test, rx->reorder, 0);
	af_inject(&p->end[0], 40, 8, 4000, 1);
	af_inject(&p->end[0], 39, 8, 4000, 1);
	KUNIT_EXPECT_EQ(test, rx->threshold, 7);
	af_inject(&p->end[0], 41, 0, 2000, 5);
	KUNIT_EXPECT_EQ(test, rx->threshold, 0);
	KUNIT_EXPECT_EQ(test, rx->delay_ns, PAIR_MS(2));
	KUNIT_EXPECT_EQ(test, rx->reorder, 5);
	KUNIT_EXPECT_EQ(test, conn->state, TQUIC_STATE_ESTABLISHED);
}

/* Delays no one may ask for, even in a frame that is too old to count */
static void ackfreq_refused(struct kunit *test)
{
	static const struct {
		u32 delay_us;
		bool old, ok;
	} table[] = {
		{ 999, false, false }, { 999, true, false }, { 0, false, false },
		{ 1000, false, true }, { 16383000, false, true },
		{ 16383001, false, false }, { 16384000, false, false },
	};
	struct tquic_conn *conn;
	struct pair *p;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		p = af_pair(test, 1);
		p->hostile = true;
		conn = &p->end[1].conn;
		KUNIT_ASSERT_TRUE(test, pair_handshake(p));
		pair_run(p, PAIR_MS(300));
		if (table[i].old)
			af_inject(&p->end[1], 50, 1, 5000, 1);
		af_inject(&p->end[1], 40, 1, table[i].delay_us, 1);
		KUNIT_EXPECT_EQ_MSG(test, conn->state == TQUIC_STATE_ESTABLISHED, table[i].ok,
				    "%u", i);
		if (table[i].ok)
			continue;
		KUNIT_EXPECT_EQ(test, conn->closed.error_code, TQUIC_ERR_PROTOCOL_VIOLATION);
		KUNIT_EXPECT_EQ(test, conn->closed.frame_type, TQUIC_FRAME_ACK_FREQUENCY);
	}
}

/* Frames of what was not offered are unknown; who did not offer is not asked */
static void ackfreq_not_offered(struct kunit *test)
{
	struct tquic_conn *conn;
	struct pair *p;
	u32 i;

	for (i = 0; i < 2; i++) {
		p = af_pair(test, 1);
		p->hostile = true;
		conn = &p->end[1].conn;
		conn->local.has_min_ack_delay = false;
		KUNIT_ASSERT_TRUE(test, pair_handshake(p));
		KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(&p->end[0], true, 1000000));
		pair_run(p, PAIR_MS(300));
		p->link[0].cut = true;
		pair_run(p, PAIR_MS(500));
		KUNIT_EXPECT_EQ(test, af_asked[0], 0);
		KUNIT_EXPECT_EQ(test, af_urged[0], 0);
		/* It may ask itself: that the other listens is all it needs. */
		KUNIT_EXPECT_GT(test, af_asked[1], 0);
		if (i)
			af_inject(&p->end[1], 0, 1, 5000, 1);
		else
			pair_inject_next(&p->end[1], TQUIC_PKT_1RTT, 0, (const u8 *)"\x1f", 1);
		KUNIT_EXPECT_EQ(test, conn->closed.error_code, TQUIC_ERR_FRAME_ENCODING);
	}
}

/* As asked: so many packets, or so long; and at once when that is asked for */
static void ackfreq_obeyed(struct kunit *test)
{
	struct pair *p = af_pair(test, 1);
	struct tquic_tx_pkt pkts[TQUIC_LEVEL_COUNT];
	u8 *buf = kunit_kzalloc(test, ROOM, GFP_KERNEL);
	struct tquic_conn *conn = &p->end[1].conn;
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, buf);
	p->hostile = true;
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	pair_run(p, PAIR_MS(500));
	af_inject(&p->end[1], 9, 3, 40000, 1);
	/* It is one of those it speaks of. */
	for (i = 0; i < 2; i++)
		pair_inject_next(&p->end[1], TQUIC_PKT_1RTT, 0, (const u8 *)"\1", 1);
	KUNIT_EXPECT_EQ(test, tquic_conn_output(conn, buf, ROOM, p->now, pkts), 0);
	KUNIT_EXPECT_EQ(test, tquic_conn_path(conn, 0)->space.ack_deadline_ns, p->now + PAIR_MS(40));
	pair_inject_next(&p->end[1], TQUIC_PKT_1RTT, 0, (const u8 *)"\1", 1);
	KUNIT_EXPECT_EQ(test, tquic_conn_output(conn, buf, ROOM, p->now, pkts), 1);
	pair_inject_next(&p->end[1], TQUIC_PKT_1RTT, 0, (const u8 *)"\1", 1);
	KUNIT_EXPECT_EQ(test, tquic_conn_output(conn, buf, ROOM, p->now, pkts), 0);
	pair_inject_next(&p->end[1], TQUIC_PKT_1RTT, 0, (const u8 *)"\x1f", 1);
	KUNIT_EXPECT_EQ(test, tquic_conn_output(conn, buf, ROOM, p->now, pkts), 1);
}

/* In bulk the receiver acknowledges less often and not as late; both sides know it */
static void ackfreq_bulk(struct kunit *test)
{
	const struct tquic_ackfreq *tx, *rx;
	struct pair *p;
	u32 from;

	for (from = 0; from < 2; from++) {
		p = af_pair(test, 1);
		KUNIT_ASSERT_TRUE(test, pair_handshake(p));
		KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(&p->end[from], true, 4000000));
		KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 10 * SEC));
		tx = &p->end[from].conn.ackfreq;
		rx = &p->end[!from].conn.ackfreq;
		KUNIT_EXPECT_GE(test, tx->threshold, 3);
		KUNIT_EXPECT_LE(test, tx->threshold, 15);
		KUNIT_EXPECT_EQ(test, rx->rx.threshold, tx->threshold);
		KUNIT_EXPECT_EQ(test, rx->rx.delay_ns, tx->delay_ns);
		KUNIT_EXPECT_EQ(test, rx->rx.reorder, 1);
		KUNIT_EXPECT_EQ(test, rx->rx_seq_next, tx->seq_next);
		/* A quarter of the round trip, which is a little more than 40 ms */
		KUNIT_EXPECT_GE(test, tx->delay_ns, PAIR_MS(10));
		KUNIT_EXPECT_LE(test, tx->delay_ns, PAIR_MS(12));
		/* One for every second of some 2900 packets it would be else. */
		KUNIT_EXPECT_LT(test, af_acks[!from], 1100);
		KUNIT_EXPECT_LE(test, af_asked[from], 8);
		pair_check(p);
	}
}

/* Until the peer is known to have got it, and what it held back meanwhile is there,
 * it may wait as long as before.
 */
static void ackfreq_lost(struct kunit *test)
{
	struct pair *p = af_pair(test, 1);
	struct tquic_conn *conn = &p->end[0].conn;
	const struct tquic_ackfreq *af = &conn->ackfreq;

	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	af_drop = 3;
	KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(&p->end[0], true, 400000));
	while (!af_asked[0] && pair_step(p, p->now + SEC))
		;
	KUNIT_ASSERT_EQ(test, af_asked[0], 1);
	KUNIT_EXPECT_LT(test, af->delay_ns, PAIR_MS(12));
	KUNIT_EXPECT_EQ(test, tquic_ackfreq_peer_delay_ns(conn), PAIR_MS(25));
	KUNIT_EXPECT_EQ(test, conn->ctl & TQUIC_CONN_CTL_ACK_FREQUENCY, 0);
	while (af->asking && pair_step(p, p->now + 5 * SEC))
		;
	KUNIT_EXPECT_EQ(test, af_drop, 0);
	/* The same one again, not another */
	KUNIT_EXPECT_EQ(test, af_asked[0], 4);
	KUNIT_EXPECT_EQ(test, af_seq[0], 0);
	KUNIT_EXPECT_EQ(test, p->end[1].conn.ackfreq.rx_seq_next, 1);
	KUNIT_EXPECT_EQ(test, tquic_ackfreq_peer_delay_ns(conn), PAIR_MS(25));
	KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 10 * SEC));
	pair_run(p, SEC);
	conn->ctl |= TQUIC_CONN_CTL_PING;
	pair_kick(&p->end[0]);
	pair_run(p, SEC);
	KUNIT_EXPECT_LT(test, tquic_ackfreq_peer_delay_ns(conn), PAIR_MS(12));
	pair_check(p);
}

/* What is lost of an ACK_FREQUENCY that was acknowledged in another packet is not sent again */
static void ackfreq_settled(struct kunit *test)
{
	struct pair *p = af_pair(test, 1);
	struct tquic_conn *conn = &p->end[0].conn;

	conn->ackfreq.seq_next = 3;
	conn->ackfreq.asking = true;
	tquic_ackfreq_lost(conn, 1);
	KUNIT_EXPECT_EQ(test, conn->ctl, 0);
	tquic_ackfreq_acked(conn, 1, p->now);
	KUNIT_EXPECT_TRUE(test, conn->ackfreq.asking);
	tquic_ackfreq_lost(conn, 2);
	KUNIT_EXPECT_EQ(test, conn->ctl, TQUIC_CONN_CTL_ACK_FREQUENCY);
	tquic_ackfreq_acked(conn, 2, p->now);
	KUNIT_EXPECT_FALSE(test, conn->ackfreq.asking);
	KUNIT_EXPECT_EQ(test, conn->ctl, 0);
	tquic_ackfreq_lost(conn, 2);
	KUNIT_EXPECT_EQ(test, conn->ctl, 0);
}

/* A probe after a timeout is urgent, whatever else is in it */
static void ackfreq_probe(struct kunit *test)
{
	struct pair *p = af_pair(test, 1);

	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	pair_run(p, SEC);
	memset(af_urged, 0, sizeof(af_urged));
	p->link[0].drop_next[1] = 1;
	p->end[0].conn.ctl |= TQUIC_CONN_CTL_PING;
	pair_kick(&p->end[0]);
	KUNIT_EXPECT_EQ(test, af_urged[0], 0);
	pair_run(p, PAIR_MS(150));
	KUNIT_EXPECT_EQ(test, af_urged[0], 2);
	pair_run(p, SEC);
	/* Never again by itself */
	KUNIT_EXPECT_EQ(test, af_urged[0], 2);
	KUNIT_EXPECT_EQ(test, af_urged[1], 0);
	KUNIT_EXPECT_EQ(test, tquic_conn_path(&p->end[0].conn, 0)->space.eliciting_in_flight, 0);
}

static void af_judge(struct pair *p, struct tquic_conn *conn)
{
	struct tquic_ackfreq *af = &conn->ackfreq;

	if (af->asking)
		tquic_ackfreq_acked(conn, af->seq_next - 1, p->now);
	p->now += 10 * SEC;
	tquic_ackfreq_judge(conn, p->now);
}

/* What the windows and round trips of the paths in use come to */
static void ackfreq_judged(struct kunit *test)
{
	static const struct {
		u32 pkts[2];
		u32 rtt_ms[2], delay_us;
		u8 threshold;
		bool asks;
	} steps[] = {
		{ { 10, 10 }, { 40, 80 }, 10000, 1, true },
		/* Neither a little change nor time alone makes it speak. */
		{ { 255, 2000 }, { 45, 80 }, 10000, 1, false },
		{ { 256, 2000 }, { 40, 80 }, 10000, 3, true },
		{ { 2000, 2000 }, { 40, 80 }, 10000, 15, true },
		/* Half of it is still enough. */
		{ { 512, 2000 }, { 40, 80 }, 10000, 15, false },
		{ { 511, 2000 }, { 40, 80 }, 10000, 3, true },
		{ { 2000, 128 }, { 40, 80 }, 10000, 3, false },
		{ { 2000, 127 }, { 40, 80 }, 10000, 1, true },
		/* A path that carries nothing is not asked. */
		{ { 2000, 0 }, { 40, 8 }, 10000, 15, true },
		{ { 2000, 2000 }, { 40, 8 }, 2000, 15, true },
		/* Not shorter than the peer can, nor than our timers are exact; not longer than it does. */
		{ { 2000, 2000 }, { 1, 8 }, 1400, 15, true },
		{ { 2000, 2000 }, { 400, 900 }, 25000, 15, true },
	};
	struct pair *p = af_pair(test, 2);
	struct tquic_conn *conn = &p->end[0].conn;
	struct tquic_ackfreq *af = &conn->ackfreq;
	struct tquic_path *path;
	u32 i, k;
	u64 seq;

	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	KUNIT_ASSERT_TRUE(test, pair_open_paths(p));
	conn->peer.min_ack_delay_us = 1400;
	memset(af, 0, sizeof(*af));
	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		for (k = 0; k < 2; k++) {
			path = tquic_path_find(conn, k);
			path->cc.cwnd = (u64)steps[i].pkts[k] * path->cc.mss;
			path->cc.in_flight = steps[i].pkts[k];
			path->rtt.min_ns = PAIR_MS(steps[i].rtt_ms[k]);
		}
		seq = af->seq_next;
		af_judge(p, conn);
		KUNIT_EXPECT_EQ_MSG(test, af->seq_next, seq + steps[i].asks, "%u", i);
		KUNIT_EXPECT_EQ_MSG(test, af->asking, steps[i].asks, "%u", i);
		KUNIT_EXPECT_EQ_MSG(test, af->threshold, steps[i].threshold, "%u", i);
		KUNIT_EXPECT_EQ_MSG(test, af->delay_ns, steps[i].delay_us * NSEC_PER_USEC, "%u", i);
	}
	/* Not again before the last one arrived, and what was before has run out. */
	af_judge(p, conn);
	path->cc.cwnd = 10 * path->cc.mss;
	seq = af->seq_next;
	af->asking = true;
	tquic_ackfreq_judge(conn, p->now + 10 * SEC);
	KUNIT_EXPECT_EQ(test, af->seq_next, seq);
	tquic_ackfreq_acked(conn, seq - 1, p->now + 10 * SEC);
	tquic_ackfreq_judge(conn, p->now + 10 * SEC);
	KUNIT_EXPECT_EQ(test, af->seq_next, seq);
	tquic_ackfreq_judge(conn, p->now + 20 * SEC);
	KUNIT_EXPECT_EQ(test, af->seq_next, seq + 1);
}

/* More than what the peer waits for at most cannot be offered as its least */
static void ackfreq_offer(struct kunit *test)
{
	struct pair *p = af_pair(test, 1);

	p->end[0].conn.local.max_ack_delay_ms = 0;
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	KUNIT_EXPECT_TRUE(test, p->end[1].conn.peer.has_min_ack_delay);
	KUNIT_EXPECT_EQ(test, p->end[1].conn.peer.min_ack_delay_us, 0);
	KUNIT_EXPECT_EQ(test, p->end[0].conn.peer.min_ack_delay_us, 1000);
}

static struct kunit_case ackfreq_cases[] = {
	KUNIT_CASE(ackfreq_order),
	KUNIT_CASE(ackfreq_refused),
	KUNIT_CASE(ackfreq_not_offered),
	KUNIT_CASE(ackfreq_obeyed),
	KUNIT_CASE(ackfreq_bulk),
	KUNIT_CASE(ackfreq_lost),
	KUNIT_CASE(ackfreq_settled),
	KUNIT_CASE(ackfreq_probe),
	KUNIT_CASE(ackfreq_judged),
	KUNIT_CASE(ackfreq_offer),
	{}
};

static int ackfreq_suite_init(struct kunit_suite *suite)
{
	return tquic_rec_cache_init();
}

static void ackfreq_suite_exit(struct kunit_suite *suite)
{
	tquic_rec_cache_exit();
}

static struct kunit_suite ackfreq_suite = {
	.name = "tquic-ackfreq",
	.suite_init = ackfreq_suite_init,
	.suite_exit = ackfreq_suite_exit,
	.test_cases = ackfreq_cases,
};

kunit_test_suites(&ackfreq_suite);
