// SPDX-License-Identifier: GPL-2.0
/* Control frames between two connections: credit, resets, what is repeated and what is not. */
#include <kunit/test.h>

#include "core/build.h"
#include "core/ctrl.h"
#include "core/deadline.h"
#include "core/dgram.h"
#include "core/path.h"
#include "core/rec.h"
#include "test/pair.h"

#define SEC	((u64)NSEC_PER_SEC)

static struct pair *ctrl_pair(struct kunit *test, u64 data, u64 stream_data)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_params *local;
	u32 i;

	for (i = 0; i < 2; i++) {
		local = &p->end[i].conn.local;
		local->max_data = data;
		local->max_stream_data_bidi_local = stream_data;
		local->max_stream_data_bidi_remote = stream_data;
		local->max_stream_data_uni = stream_data;
	}
	return p;
}

static struct tquic_stream *ctrl_stream(struct pair *p, u32 end, u64 id)
{
	return tquic_streams_find(&p->end[end].conn.streams, id);
}

/* A frame that did not fit leaves nothing behind, nor do others come after it. */
static void ctrl_undo(struct kunit *test)
{
	u8 buf[8];
	struct tquic_build bld = { .b = { .p = buf, .end = buf + sizeof(buf) } };
	struct tquic_rec *rec;

	KUNIT_ASSERT_EQ(test, tquic_rec_cache_init(), 0);
	rec = tquic_build_rec(&bld, TQUIC_REC_PING);
	KUNIT_ASSERT_NOT_NULL(test, rec);
	KUNIT_ASSERT_TRUE(test, tquic_frame_put_ping(&bld.b));
	tquic_build_commit(&bld, rec);
	rec = tquic_build_rec(&bld, TQUIC_REC_STREAM);
	KUNIT_ASSERT_NOT_NULL(test, rec);
	KUNIT_ASSERT_TRUE(test, tquic_frame_put_stream(&bld.b, 0, 0, 2, false, false));
	tquic_build_undo(&bld, rec);
	KUNIT_EXPECT_PTR_EQ(test, bld.b.p, &buf[1]);
	KUNIT_EXPECT_TRUE(test, bld.full);
	tquic_rec_free_list(bld.recs);
	tquic_rec_cache_exit();
}

/*
 * How often frames of a type left @end; the tap sees every packet in the clear.
 * Those of multipath have a row of their own.
 */
static u32 ctrl_seen[2][256];
static u32 ctrl_seen_mp[2][TQUIC_FRAME_PATH_CIDS_BLOCKED - TQUIC_FRAME_PATH_ABANDON + 1];

#define CTRL_SEEN_MP(end, type)	ctrl_seen_mp[end][(type) - TQUIC_FRAME_PATH_ABANDON]

static bool ctrl_tap(struct pair *p, struct pair_end *from,
		     const struct tquic_tx_pkt *pkts, int n)
{
	struct tquic_rbuf b;
	struct tquic_frame f;
	int i;

	for (i = 0; i < n; i++) {
		b.p = pkts[i].data + pkts[i].hdr_len;
		b.end = pkts[i].data + pkts[i].len;
		while (tquic_rbuf_left(&b)) {
			if (tquic_frame_parse(&b, &f)) {
				KUNIT_FAIL(p->test, "a frame cannot be parsed");
				return false;
			}
			if (!tquic_frame_allowed(f.type, pkts[i].level == TQUIC_LEVEL_INITIAL ?
						 TQUIC_PKT_INITIAL :
						 pkts[i].level == TQUIC_LEVEL_HANDSHAKE ?
						 TQUIC_PKT_HANDSHAKE : TQUIC_PKT_1RTT))
				KUNIT_FAIL(p->test, "frame 0x%llx is out of place", f.type);
			if (f.type < ARRAY_SIZE(ctrl_seen[0]))
				ctrl_seen[from == pair_server(p)][f.type]++;
			else
				CTRL_SEEN_MP(from == pair_server(p), f.type)++;
		}
	}
	return true;
}

static void ctrl_watch(struct pair *p)
{
	memset(ctrl_seen, 0, sizeof(ctrl_seen));
	memset(ctrl_seen_mp, 0, sizeof(ctrl_seen_mp));
	p->tap = ctrl_tap;
}

/* Windows of a few packets: slow, but it ends, and the sender says that it waits */
static void ctrl_tiny_windows(struct kunit *test)
{
	static const u64 windows[][2] = { { 3000, 3000 }, { 1000, 5000 }, { 5000, 700 } };
	struct pair *p;
	u32 i, k;

	for (i = 0; i < ARRAY_SIZE(windows); i++) {
		p = ctrl_pair(test, windows[i][0], windows[i][1]);
		ctrl_watch(p);
		KUNIT_ASSERT_TRUE(test, pair_handshake(p));
		/* No tuning: the windows stay as they are. */
		for (k = 0; k < 2; k++) {
			tquic_flow_rx_set_cap(&p->end[k].conn.flow_rx, windows[i][0]);
			p->end[k].conn.streams.rx_window_max = windows[i][1];
			KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(&p->end[k], false, 40000));
		}
		KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 60 * SEC));
		if (windows[i][0] < windows[i][1]) {
			KUNIT_EXPECT_GT(test, ctrl_seen[0][TQUIC_FRAME_DATA_BLOCKED], 3);
			KUNIT_EXPECT_GT(test, ctrl_seen[1][TQUIC_FRAME_MAX_DATA], 3);
		}
		if (windows[i][1] <= windows[i][0]) {
			KUNIT_EXPECT_GT(test, ctrl_seen[0][TQUIC_FRAME_STREAM_DATA_BLOCKED], 3);
			KUNIT_EXPECT_GT(test, ctrl_seen[1][TQUIC_FRAME_MAX_STREAM_DATA], 3);
		}
		pair_check(p);
	}
}

/* A window too small for the path grows until it is not */
static void ctrl_autotuning(struct kunit *test)
{
	struct pair *p = ctrl_pair(test, 16384, 16384);

	pair_link_set(&p->link[0], 50000000, PAIR_MS(10), 200000);
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(&p->end[0], true, 1000000));
	KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 10 * SEC));
	KUNIT_EXPECT_GE(test, p->end[1].conn.flow_rx.window, 262144);
	/* 16 KiB per round trip would take 1.2 s. */
	KUNIT_EXPECT_LE(test, p->now - p->flow[0].start_ns, PAIR_MS(700));
}

/* Who has no credit says so at once, and once */
static void ctrl_blocked_at_once(struct kunit *test)
{
	struct pair *p = ctrl_pair(test, 0, 10000);
	struct tquic_conn *conn = &p->end[0].conn;

	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	pair_run(p, PAIR_MS(200));
	ctrl_watch(p);
	KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(&p->end[0], false, 5000));
	KUNIT_EXPECT_EQ(test, ctrl_seen[0][TQUIC_FRAME_DATA_BLOCKED], 1);
	KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(&p->end[0], true, 5000));
	pair_run(p, SEC);
	KUNIT_EXPECT_EQ(test, ctrl_seen[0][TQUIC_FRAME_DATA_BLOCKED], 1);
	KUNIT_EXPECT_EQ(test, conn->flow_tx.used, 0);
	KUNIT_EXPECT_EQ(test, conn->ctl, 0);
	/* One byte of credit is used by one byte of data. */
	pair_inject_next(&p->end[0], TQUIC_PKT_1RTT, 0, (const u8 *)"\x10\1", 2);
	pair_kick(&p->end[0]);
	KUNIT_EXPECT_EQ(test, conn->flow_tx.used, 1);
	KUNIT_EXPECT_EQ(test, ctrl_seen[0][TQUIC_FRAME_DATA_BLOCKED], 2);
	tquic_flow_rx_init(&p->end[1].conn.flow_rx, 20000, 20000, p->now);
	pair_inject_next(&p->end[0], TQUIC_PKT_1RTT, 0, (const u8 *)"\x10\x80\0\x4e\x20", 5);
	pair_kick(&p->end[0]);
	KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 5 * SEC));
}

/* A program that does not read stops the sender, and lets it go on later */
static void ctrl_reader_pauses(struct kunit *test)
{
	struct pair *p = ctrl_pair(test, 50000, 30000);
	struct tquic_conn *c;
	struct pair_flow *f;

	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	p->end[1].paused = true;
	f = pair_flow_open(&p->end[0], false, 100000);
	KUNIT_ASSERT_NOT_NULL(test, f);
	KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(&p->end[0], false, 100000));
	KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(&p->end[0], false, 100000));
	pair_run(p, 3 * SEC);
	c = &p->end[1].conn;
	KUNIT_EXPECT_EQ(test, c->flow_rx.highest, 50000);
	KUNIT_EXPECT_EQ(test, c->flow_rx.consumed, 0);
	KUNIT_EXPECT_EQ(test, tquic_flow_tx_credit(&p->end[0].conn.flow_tx), 0);
	pair_resume(&p->end[1]);
	KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 10 * SEC));
	/* All are gone on both sides, and the sum of their credit is right. */
	KUNIT_EXPECT_EQ(test, c->flow_rx.highest, 300000);
	KUNIT_EXPECT_EQ(test, c->flow_rx.consumed, 300000);
	pair_run(p, SEC);
}

/* Streams come and go: the limit moves on, and who has to wait says so */
static void ctrl_many_streams(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	u32 i, round, opened = 0;

	p->end[1].conn.local.max_streams_bidi = 5;
	p->end[1].conn.local.max_streams_uni = 3;
	ctrl_watch(p);
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	for (round = 0; round < 10; round++) {
		memset(p->flow, 0, sizeof(p->flow));
		for (i = 0; i < 20; i++)
			opened += !!pair_flow_open(&p->end[0], i & 1, 3000);
		KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 5 * SEC));
		/* The answering halves of bidirectional ones */
		for (i = 0; i < 64; i++) {
			struct tquic_stream *s = ctrl_stream(p, 1, 4 * i);

			if (s && !tquic_send_finish(&s->tx))
				tquic_streams_update_ready(&p->end[1].conn.streams, s);
		}
		pair_kick(&p->end[1]);
		pair_run(p, PAIR_MS(200));
		for (i = 0; i < 64; i++) {
			struct tquic_stream *s = ctrl_stream(p, 0, 4 * i);

			if (!s || !tquic_recv_eof(&s->rx))
				continue;
			tquic_recv_told(&s->rx);
			tquic_streams_update_readable(&p->end[0].conn.streams, s);
			tquic_streams_reap(&p->end[0].conn.streams, s);
		}
	}
	/* One bidirectional stream's credit waits for another's: it is given by twos. */
	KUNIT_EXPECT_EQ(test, opened, 8 + 9 * 7);
	KUNIT_EXPECT_EQ(test, p->end[0].conn.streams.count, 0);
	KUNIT_EXPECT_EQ(test, p->end[1].conn.streams.count, 0);
	KUNIT_EXPECT_GE(test, ctrl_seen[0][TQUIC_FRAME_STREAMS_BLOCKED_BIDI], 10);
	KUNIT_EXPECT_GE(test, ctrl_seen[0][TQUIC_FRAME_STREAMS_BLOCKED_UNI], 10);
	KUNIT_EXPECT_GE(test, ctrl_seen[1][TQUIC_FRAME_MAX_STREAMS_BIDI], 10);
	KUNIT_EXPECT_GE(test, ctrl_seen[1][TQUIC_FRAME_MAX_STREAMS_UNI], 10);
	KUNIT_EXPECT_EQ(test, p->end[0].conn.streams.tx_mem.used, 0);
	KUNIT_EXPECT_EQ(test, p->end[1].conn.streams.rx_mem.used, 0);
}

/* RESET_STREAM, lost a few times: data is dropped, credit comes back, the reader learns of it */
static void ctrl_reset(struct kunit *test)
{
	struct pair *p = ctrl_pair(test, 200000, 100000);
	struct tquic_conn *conn = &p->end[0].conn;
	struct pair_flow *f;
	u64 used;

	pair_link_set(&p->link[0], 10000000, PAIR_MS(10), 100000);
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	f = pair_flow_open(&p->end[0], true, 5000000);
	KUNIT_ASSERT_NOT_NULL(test, f);
	pair_run(p, PAIR_MS(100));
	KUNIT_EXPECT_EQ(test, tquic_conn_stream_reset(conn, ctrl_stream(p, 0, f->id), 42), 0);
	KUNIT_EXPECT_EQ(test, tquic_conn_stream_reset(conn, ctrl_stream(p, 0, f->id), 43), -EPIPE);
	used = conn->flow_tx.used;
	p->link[0].drop_next[1] = 3;
	pair_kick(&p->end[0]);
	KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 5 * SEC));
	KUNIT_EXPECT_TRUE(test, f->was_reset);
	KUNIT_EXPECT_EQ(test, p->end[1].events[TQUIC_EVENT_STREAM_RESET], 1);
	pair_run(p, SEC);
	KUNIT_EXPECT_NULL(test, ctrl_stream(p, 0, f->id));
	KUNIT_EXPECT_NULL(test, ctrl_stream(p, 1, f->id));
	KUNIT_EXPECT_EQ(test, p->end[1].conn.flow_rx.highest, used);
	KUNIT_EXPECT_EQ(test, p->end[1].conn.flow_rx.consumed, used);
	KUNIT_EXPECT_EQ(test, conn->streams.tx_mem.used, 0);
}

/* STOP_SENDING, lost a few times: the sender resets */
static void ctrl_stop(struct kunit *test)
{
	struct pair *p = ctrl_pair(test, 200000, 100000);
	struct tquic_conn *conn = &p->end[1].conn;
	struct pair_flow *f;

	pair_link_set(&p->link[0], 10000000, PAIR_MS(10), 100000);
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	f = pair_flow_open(&p->end[0], true, 5000000);
	KUNIT_ASSERT_NOT_NULL(test, f);
	pair_run(p, PAIR_MS(100));
	/* The flow's reader is the test now. */
	f->ended = true;
	KUNIT_EXPECT_EQ(test, tquic_conn_stream_stop(conn, ctrl_stream(p, 1, f->id), 17, p->now), 0);
	p->link[0].drop_next[0] = 3;
	ctrl_watch(p);
	pair_kick(&p->end[1]);
	KUNIT_EXPECT_EQ(test, ctrl_seen[1][TQUIC_FRAME_STOP_SENDING], 1);
	pair_run(p, 2 * SEC);
	/* More of it is not wanted. */
	KUNIT_EXPECT_EQ(test, ctrl_seen[1][TQUIC_FRAME_MAX_STREAM_DATA], 0);
	KUNIT_EXPECT_TRUE(test, p->end[0].todo & TQUIC_TODO_WRITE);
	KUNIT_EXPECT_EQ(test, p->end[0].events[TQUIC_EVENT_STREAM_STOP], 1);
	KUNIT_EXPECT_NULL(test, ctrl_stream(p, 0, f->id));
	KUNIT_EXPECT_NULL(test, ctrl_stream(p, 1, f->id));
	KUNIT_EXPECT_EQ(test, conn->flow_rx.consumed, conn->flow_rx.highest);
	KUNIT_EXPECT_EQ(test, p->end[0].conn.flow_tx.used, conn->flow_rx.highest);
}

/* Everything at once over a bad link: what has to arrive arrives */
static void ctrl_all_lossy(struct kunit *test)
{
	struct pair *p;
	u32 i, seed;

	for (seed = 1; seed <= 6; seed++) {
		p = ctrl_pair(test, 20000, 7000);
		p->rnd *= 2 * seed + 1;
		p->link[0].loss_ppm = 150000;
		p->link[0].reorder_ppm = 100000;
		p->link[0].dup_ppm = 20000;
		ctrl_watch(p);
		KUNIT_ASSERT_TRUE(test, pair_handshake(p));
		for (i = 0; i < 12; i++)
			KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(&p->end[i & 1], i & 2, 8000));
		pair_run(p, PAIR_MS(100));
		/* Two of them end early, if they have not ended yet. */
		for (i = 0; i < 2; i++) {
			struct tquic_stream *s = ctrl_stream(p, i, p->flow[i].id);

			if (s && !p->flow[i].ended)
				tquic_conn_stream_reset(&p->end[i].conn, s, 1);
		}
		KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 120 * SEC));
		p->link[0].loss_ppm = 0;
		pair_run(p, 10 * SEC);
		for (i = 0; i < 2; i++) {
			KUNIT_EXPECT_EQ(test, p->end[i].conn.flow_rx.highest,
					p->end[!i].conn.flow_tx.used);
			KUNIT_EXPECT_EQ(test, p->end[i].conn.flow_rx.consumed,
					p->end[i].conn.flow_rx.highest);
			KUNIT_EXPECT_FALSE(test, tquic_ctrl_pending(&p->end[i].conn));
			KUNIT_EXPECT_EQ(test, tquic_conn_path(&p->end[i].conn, 0)->cc.in_flight, 0);
		}
		pair_check(p);
	}
}

/* Datagrams are sent once, in order, and dropped when the path is too narrow */
static void ctrl_datagrams(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_conn *conn = &p->end[0].conn;
	struct sk_buff *skb;
	u32 i, got = 0, last = 0;

	pair_link_set(&p->link[0], 20000000, PAIR_MS(10), 200000);
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	pair_run(p, PAIR_MS(100));
	p->link[0].loss_ppm = 100000;
	KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(&p->end[0], false, 20000));
	for (i = 0; i < 100; i++) {
		skb = alloc_skb(2000, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, skb);
		memset(skb_put(skb, i % 10 == 9 ? 1600 : 1 + 12 * i), i, 1);
		tquic_dgram_queue(conn, skb, TQUIC_DEADLINE_NONE, false);
	}
	pair_kick(&p->end[0]);
	KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 5 * SEC));
	pair_run(p, SEC);
	while ((skb = __skb_dequeue(&p->end[1].conn.dgram_rx))) {
		KUNIT_EXPECT_TRUE(test, !got || skb->data[0] > last);
		KUNIT_EXPECT_EQ(test, skb->len, 1 + 12 * skb->data[0]);
		last = skb->data[0];
		got++;
		kfree_skb(skb);
	}
	KUNIT_EXPECT_GE(test, got, 70);
	KUNIT_EXPECT_LT(test, got, 90);
	KUNIT_EXPECT_EQ(test, conn->stats.datagrams_sent, 90);
	KUNIT_EXPECT_EQ(test, conn->stats.datagrams_dropped, 100 - got);
	KUNIT_EXPECT_TRUE(test, skb_queue_empty(&conn->dgram_tx));
}

/* An ACK of our ACK lets go of old ranges, though only one side sends data */
static void ctrl_ack_ranges_trimmed(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_ranges *rx;

	pair_link_set(&p->link[0], 20000000, PAIR_MS(10), 100000);
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	p->link[0].loss_ppm = 50000;
	ctrl_watch(p);
	KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(&p->end[0], true, 1000000));
	KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 30 * SEC));
	rx = &tquic_conn_path(&p->end[1].conn, 0)->space.rx;
	KUNIT_EXPECT_GT(test, rx->floor, 500);
	KUNIT_EXPECT_LT(test, rx->n, TQUIC_RANGES_MAX / 2);
	/* The server asks for acknowledgments of its ACKs, but rarely. */
	KUNIT_EXPECT_GT(test, ctrl_seen[1][TQUIC_FRAME_PING], 3);
	KUNIT_EXPECT_LT(test, ctrl_seen[1][TQUIC_FRAME_PING], 100);
}

/* A frame of @conn was lost */
static void ctrl_lose(struct kunit *test, struct tquic_conn *conn, u8 kind, u64 id, u64 off)
{
	struct tquic_rec *rec = tquic_rec_alloc(GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, rec);
	rec->kind = kind;
	rec->id = id;
	rec->off = off;
	tquic_ctrl_on_lost(conn, rec);
}

/* All path ids are in use: the peer hears of it once per limit, and of no more */
static void ctrl_paths_blocked(struct kunit *test)
{
	struct pair *p = pair_create(test, 2);
	struct tquic_conn *conn = &p->end[0].conn;

	p->end[1].conn.local.max_path_id = 1;
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	KUNIT_ASSERT_TRUE(test, pair_open_paths(p));
	ctrl_watch(p);
	KUNIT_ASSERT_NULL(test, tquic_path_spare(conn));
	tquic_path_ask(conn);
	KUNIT_EXPECT_EQ(test, conn->ctl, TQUIC_CONN_CTL_PATHS_BLOCKED);
	pair_kick(&p->end[0]);
	tquic_path_ask(conn);
	pair_kick(&p->end[0]);
	pair_run(p, PAIR_MS(100));
	KUNIT_EXPECT_EQ(test, CTRL_SEEN_MP(0, TQUIC_FRAME_PATHS_BLOCKED), 1);
	KUNIT_EXPECT_EQ(test, CTRL_SEEN_MP(0, TQUIC_FRAME_PATH_CIDS_BLOCKED), 0);
	KUNIT_EXPECT_EQ(test, p->end[1].conn.state, TQUIC_STATE_ESTABLISHED);
	ctrl_lose(test, conn, TQUIC_REC_PATHS_BLOCKED, 0, 0);
	KUNIT_EXPECT_EQ(test, conn->ctl, 0);
	ctrl_lose(test, conn, TQUIC_REC_PATHS_BLOCKED, 0, 1);
	KUNIT_EXPECT_EQ(test, conn->ctl, TQUIC_CONN_CTL_PATHS_BLOCKED);
	pair_kick(&p->end[0]);
	/* A higher limit can be too low as well. */
	conn->max_path_id_peer = 0;
	tquic_path_ask(conn);
	KUNIT_EXPECT_EQ(test, conn->ctl, TQUIC_CONN_CTL_PATHS_BLOCKED);
}

/* A path id is free, but the peer gave no connection id for it */
static void ctrl_path_cids_blocked(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_conn *conn = &p->end[0].conn;
	struct tquic_path *path;
	u32 max;

	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	pair_run(p, PAIR_MS(300));
	path = tquic_path_spare(conn);
	KUNIT_ASSERT_NOT_NULL(test, path);
	tquic_path_ask(conn);
	KUNIT_EXPECT_EQ(test, path->ctl, 0);
	/* As if none had come, for the last path id that is allowed */
	tquic_cidset_remote_init(&path->remote, conn->local.active_cid_limit);
	max = conn->max_path_id_peer;
	conn->max_path_id_peer = path->id;
	ctrl_watch(p);
	tquic_path_ask(conn);
	tquic_path_ask(conn);
	conn->max_path_id_peer = max;
	KUNIT_EXPECT_EQ(test, path->ctl, TQUIC_PATH_CTL_CIDS_BLOCKED);
	KUNIT_EXPECT_TRUE(test, tquic_ctrl_pending(conn));
	pair_kick(&p->end[0]);
	tquic_path_ask(conn);
	pair_run(p, PAIR_MS(100));
	KUNIT_EXPECT_EQ(test, CTRL_SEEN_MP(0, TQUIC_FRAME_PATH_CIDS_BLOCKED), 1);
	KUNIT_EXPECT_EQ(test, CTRL_SEEN_MP(0, TQUIC_FRAME_PATHS_BLOCKED), 0);
	KUNIT_EXPECT_EQ(test, p->end[1].conn.state, TQUIC_STATE_ESTABLISHED);
	/* Once more, and the packet is lost: it is repeated about the same path. */
	path->ctl |= TQUIC_PATH_CTL_CIDS_BLOCKED;
	p->link[0].drop_next[1] = 1;
	pair_kick(&p->end[0]);
	KUNIT_EXPECT_EQ(test, path->ctl, 0);
	pair_run(p, SEC);
	KUNIT_EXPECT_EQ(test, CTRL_SEEN_MP(0, TQUIC_FRAME_PATH_CIDS_BLOCKED), 3);
	ctrl_lose(test, conn, TQUIC_REC_PATH_CIDS_BLOCKED, path->id, 0);
	KUNIT_EXPECT_EQ(test, path->ctl, TQUIC_PATH_CTL_CIDS_BLOCKED);
}

/* RFC 9000 §13.3: limits are repeated while they are the newest, other frames if still true */
static void ctrl_lost_limits(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_conn *conn = &p->end[1].conn;
	struct tquic_streams *t = &conn->streams;

	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	pair_run(p, PAIR_MS(300));
	KUNIT_ASSERT_EQ(test, conn->ctl, 0);
	ctrl_lose(test, conn, TQUIC_REC_MAX_DATA, 0, conn->flow_rx.max - 1);
	ctrl_lose(test, conn, TQUIC_REC_MAX_PATH_ID, 0, conn->max_path_id_local - 1);
	ctrl_lose(test, conn, TQUIC_REC_PING, 0, 0);
	ctrl_lose(test, conn, TQUIC_REC_ACK, 0, 3);
	KUNIT_EXPECT_EQ(test, conn->ctl, 0);
	ctrl_lose(test, conn, TQUIC_REC_MAX_DATA, 0, conn->flow_rx.max);
	KUNIT_EXPECT_EQ(test, conn->ctl, TQUIC_CONN_CTL_MAX_DATA);
	ctrl_lose(test, conn, TQUIC_REC_MAX_PATH_ID, 0, conn->max_path_id_local);
	KUNIT_EXPECT_EQ(test, conn->ctl, TQUIC_CONN_CTL_MAX_DATA | TQUIC_CONN_CTL_MAX_PATH_ID);
	conn->ctl = TQUIC_CONN_CTL_PING;
	ctrl_lose(test, conn, TQUIC_REC_HANDSHAKE_DONE, 0, 0);
	KUNIT_EXPECT_EQ(test, conn->ctl, TQUIC_CONN_CTL_PING | TQUIC_CONN_CTL_HANDSHAKE_DONE);
	ctrl_lose(test, conn, TQUIC_REC_MAX_DATA, 0, conn->flow_rx.max);
	ctrl_lose(test, conn, TQUIC_REC_MAX_PATH_ID, 0, conn->max_path_id_local);
	KUNIT_EXPECT_EQ(test, conn->ctl, TQUIC_CONN_CTL_PING | TQUIC_CONN_CTL_HANDSHAKE_DONE |
			TQUIC_CONN_CTL_MAX_DATA | TQUIC_CONN_CTL_MAX_PATH_ID);

	t->max_remote[0] += 10;
	ctrl_lose(test, conn, TQUIC_REC_MAX_STREAMS_BIDI, 0, t->max_remote[1]);
	ctrl_lose(test, conn, TQUIC_REC_MAX_STREAMS_UNI, 0, t->max_remote[0]);
	ctrl_lose(test, conn, TQUIC_REC_MAX_STREAMS_BIDI, 0, t->max_remote[0] - 1);
	ctrl_lose(test, conn, TQUIC_REC_MAX_STREAMS_UNI, 0, t->max_remote[1] - 1);
	KUNIT_EXPECT_EQ(test, t->grant_due, 0);
	ctrl_lose(test, conn, TQUIC_REC_MAX_STREAMS_BIDI, 0, t->max_remote[0]);
	KUNIT_EXPECT_EQ(test, t->grant_due, BIT(0));
	ctrl_lose(test, conn, TQUIC_REC_MAX_STREAMS_UNI, 0, t->max_remote[1]);
	KUNIT_EXPECT_EQ(test, t->grant_due, BIT(0) | BIT(1));

	t->peer.streams[0] += 10;
	t->blocked_at[0] = t->peer.streams[0];
	t->blocked_at[1] = t->peer.streams[1];
	ctrl_lose(test, conn, TQUIC_REC_STREAMS_BLOCKED_BIDI, 0, t->peer.streams[0] - 1);
	KUNIT_EXPECT_EQ(test, t->blocked_due, 0);
	ctrl_lose(test, conn, TQUIC_REC_STREAMS_BLOCKED_BIDI, 0, t->peer.streams[0]);
	KUNIT_EXPECT_EQ(test, t->blocked_due, BIT(0));
	ctrl_lose(test, conn, TQUIC_REC_STREAMS_BLOCKED_UNI, 0, t->peer.streams[1]);
	KUNIT_EXPECT_EQ(test, t->blocked_due, BIT(0) | BIT(1));

	conn->flow_tx.blocked_at = 77;
	ctrl_lose(test, conn, TQUIC_REC_DATA_BLOCKED, 0, 76);
	KUNIT_EXPECT_EQ(test, conn->flow_tx.blocked_at, 77);
	ctrl_lose(test, conn, TQUIC_REC_DATA_BLOCKED, 0, 77);
	KUNIT_EXPECT_EQ(test, conn->flow_tx.blocked_at, U64_MAX);
	ctrl_lose(test, conn, TQUIC_REC_DATAGRAM, 0, 0);
	KUNIT_EXPECT_EQ(test, conn->stats.datagrams_dropped, 1);
}

static void ctrl_lost_of_streams(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_conn *conn = &p->end[0].conn;
	struct tquic_stream *s;

	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	pair_run(p, PAIR_MS(300));
	KUNIT_ASSERT_EQ(test, tquic_streams_open(&conn->streams, false, p->now, GFP_KERNEL, &s), 0);
	ctrl_lose(test, conn, TQUIC_REC_MAX_STREAM_DATA, s->id, s->rx.flow.max - 1);
	ctrl_lose(test, conn, TQUIC_REC_RESET_STREAM, s->id, 0);
	ctrl_lose(test, conn, TQUIC_REC_STOP_SENDING, s->id, 0);
	/* Streams that have ended are nobody's business. */
	ctrl_lose(test, conn, TQUIC_REC_MAX_STREAM_DATA, 400, 0);
	KUNIT_EXPECT_EQ(test, s->ctl, 0);
	ctrl_lose(test, conn, TQUIC_REC_MAX_STREAM_DATA, s->id, s->rx.flow.max);
	KUNIT_EXPECT_EQ(test, s->ctl, TQUIC_STREAM_CTL_MAX_DATA);
	s->tx.blocked_at = 5;
	ctrl_lose(test, conn, TQUIC_REC_STREAM_DATA_BLOCKED, s->id, 4);
	KUNIT_EXPECT_EQ(test, s->tx.blocked_at, 5);
	ctrl_lose(test, conn, TQUIC_REC_STREAM_DATA_BLOCKED, s->id, 5);
	KUNIT_EXPECT_EQ(test, s->tx.blocked_at, U64_MAX);
	/* A stream that is stopped needs no credit; one that was reset neither. */
	tquic_conn_stream_stop(conn, s, 1, p->now);
	pair_kick(&p->end[0]);
	KUNIT_EXPECT_EQ(test, s->ctl, 0);
	KUNIT_EXPECT_FALSE(test, s->rx.stop_pending);
	ctrl_lose(test, conn, TQUIC_REC_MAX_STREAM_DATA, s->id, s->rx.flow.max);
	KUNIT_EXPECT_EQ(test, s->ctl, 0);
	ctrl_lose(test, conn, TQUIC_REC_STOP_SENDING, s->id, 0);
	KUNIT_EXPECT_EQ(test, s->ctl, TQUIC_STREAM_CTL_STOP);
	tquic_conn_stream_reset(conn, s, 1);
	pair_kick(&p->end[0]);
	KUNIT_EXPECT_EQ(test, s->ctl, 0);
	KUNIT_EXPECT_FALSE(test, s->tx.reset_pending);
	ctrl_lose(test, conn, TQUIC_REC_RESET_STREAM, s->id, 0);
	KUNIT_EXPECT_EQ(test, s->ctl, TQUIC_STREAM_CTL_RESET);
	KUNIT_EXPECT_TRUE(test, s->tx.reset_pending);
}

static void ctrl_lost_of_paths(struct kunit *test)
{
	struct pair *p = pair_create(test, 2);
	struct tquic_conn *conn = &p->end[0].conn;
	struct tquic_path *path;
	u64 seq;

	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	KUNIT_ASSERT_TRUE(test, pair_open_paths(p));
	pair_run(p, SEC);
	path = tquic_path_find(conn, 1);
	/* Ids: ours that are still in use, and retirements not acknowledged */
	ctrl_lose(test, conn, TQUIC_REC_NEW_CID, 1, 99);
	KUNIT_EXPECT_NULL(test, tquic_cidset_local_next_unsent(&path->local));
	ctrl_lose(test, conn, TQUIC_REC_NEW_CID, 1, path->local.e[1].seq);
	KUNIT_EXPECT_PTR_EQ(test, tquic_cidset_local_next_unsent(&path->local), &path->local.e[1]);
	KUNIT_ASSERT_EQ(test, tquic_cidset_remote_rotate(&path->remote), 0);
	pair_kick(&p->end[0]);
	KUNIT_EXPECT_NULL(test, tquic_cidset_local_next_unsent(&path->local));
	KUNIT_EXPECT_FALSE(test, tquic_cidset_remote_next_retire(&path->remote, &seq));
	ctrl_lose(test, conn, TQUIC_REC_RETIRE_CID, 1, 0);
	KUNIT_EXPECT_TRUE(test, tquic_cidset_remote_next_retire(&path->remote, &seq));
	KUNIT_EXPECT_EQ(test, seq, 0);

	ctrl_lose(test, conn, TQUIC_REC_PATH_CHALLENGE, 1, 0);
	KUNIT_EXPECT_EQ(test, path->ctl, 0);
	path->validate_end_ns = p->now + SEC;
	ctrl_lose(test, conn, TQUIC_REC_PATH_CHALLENGE, 1, 0);
	KUNIT_EXPECT_EQ(test, path->ctl, TQUIC_PATH_CTL_CHALLENGE);
	path->validate_end_ns = 0;
	path->ctl = TQUIC_PATH_CTL_CIDS_BLOCKED;
	path->status_seq = 4;
	ctrl_lose(test, conn, TQUIC_REC_PATH_STATUS, 1, 3);
	KUNIT_EXPECT_EQ(test, path->ctl, TQUIC_PATH_CTL_CIDS_BLOCKED);
	ctrl_lose(test, conn, TQUIC_REC_PATH_STATUS, 1, 4);
	KUNIT_EXPECT_EQ(test, path->ctl, TQUIC_PATH_CTL_CIDS_BLOCKED | TQUIC_PATH_CTL_STATUS);
	ctrl_lose(test, conn, TQUIC_REC_PATH_ABANDON, 1, 0);
	KUNIT_EXPECT_EQ(test, path->ctl, TQUIC_PATH_CTL_CIDS_BLOCKED | TQUIC_PATH_CTL_STATUS |
			TQUIC_PATH_CTL_ABANDON);
	path->ctl = 0;
	tquic_path_set_mtu(conn, path, 1480);
	tquic_pmtu_on_probe(&path->pmtu, 1480, p->now);
	ctrl_lose(test, conn, TQUIC_REC_MTU_PROBE, 1, 1479);
	KUNIT_EXPECT_EQ(test, path->pmtu.tries, 0);
	ctrl_lose(test, conn, TQUIC_REC_MTU_PROBE, 1, 1480);
	KUNIT_EXPECT_EQ(test, path->pmtu.tries, 1);
	KUNIT_EXPECT_EQ(test, path->stats.mtu_probes_lost, 2);
	path->ctl = 0;
	path->state = TQUIC_PATH_ABANDONED;
	ctrl_lose(test, conn, TQUIC_REC_PATH_STATUS, 1, 4);
	KUNIT_EXPECT_EQ(test, path->ctl, 0);
	path->state = TQUIC_PATH_ACTIVE;
	ctrl_lose(test, conn, TQUIC_REC_PATH_ABANDON, 50, 0);
}

/* The first ids for other paths are lost on their way: they come again, the same ones */
static void ctrl_new_cids_lost(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	u32 i;

	KUNIT_ASSERT_TRUE(test, pair_start(p));
	pair_run(p, PAIR_MS(25));
	p->link[0].drop_next[0] = 2;
	p->link[0].drop_next[1] = 2;
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	pair_run(p, 2 * SEC);
	for (i = 1; i <= TQUIC_PATH_SPARE_IDS_LONE; i++) {
		KUNIT_ASSERT_NOT_NULL(test, tquic_path_find(&p->end[0].conn, i));
		KUNIT_EXPECT_EQ(test, tquic_cidset_remote_spare(&tquic_path_find(&p->end[0].conn, i)->remote),
				TQUIC_PATH_CIDS);
		KUNIT_EXPECT_EQ(test, tquic_cidset_remote_spare(&tquic_path_find(&p->end[1].conn, i)->remote),
				TQUIC_PATH_CIDS);
		KUNIT_EXPECT_EQ(test, tquic_path_find(&p->end[1].conn, i)->local.next_seq,
				TQUIC_PATH_CIDS);
	}
}

/* That streams are wanted is said once for each limit. */
static void ctrl_streams_blocked_once(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_conn *conn = &p->end[0].conn;
	u32 i;

	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	pair_run(p, PAIR_MS(200));
	ctrl_watch(p);
	conn->streams.blocked_due = BIT(0) | BIT(1);
	for (i = 0; i < 3; i++) {
		conn->ctl |= TQUIC_CONN_CTL_PING;
		pair_kick(&p->end[0]);
	}
	KUNIT_EXPECT_EQ(test, ctrl_seen[0][TQUIC_FRAME_STREAMS_BLOCKED_BIDI], 1);
	KUNIT_EXPECT_EQ(test, ctrl_seen[0][TQUIC_FRAME_STREAMS_BLOCKED_UNI], 1);
	KUNIT_EXPECT_EQ(test, conn->streams.blocked_due, 0);
}

/* A token is given once, and again when it was lost. */
static void ctrl_token_once(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_conn *conn = &p->end[1].conn;
	u32 i;

	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	pair_run(p, PAIR_MS(200));
	kfree(conn->new_token);
	conn->new_token = kmalloc(5, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, conn->new_token);
	memcpy(conn->new_token, "token", 5);
	conn->new_token_len = 5;
	ctrl_watch(p);
	conn->ctl |= TQUIC_CONN_CTL_NEW_TOKEN;
	p->link[0].drop_next[0] = 1;
	for (i = 0; i < 3; i++) {
		conn->ctl |= TQUIC_CONN_CTL_PING;
		pair_kick(&p->end[1]);
		KUNIT_EXPECT_EQ(test, ctrl_seen[1][TQUIC_FRAME_NEW_TOKEN], 1);
	}
	pair_run(p, SEC);
	KUNIT_EXPECT_EQ(test, ctrl_seen[1][TQUIC_FRAME_NEW_TOKEN], 2);
	KUNIT_EXPECT_EQ(test, conn->ctl, 0);
}

/* A limit of streams that is lost is told again, for the same kind of streams. */
static void ctrl_grants_lost(struct kunit *test)
{
	static const u8 types[] = { TQUIC_FRAME_MAX_STREAMS_BIDI, TQUIC_FRAME_MAX_STREAMS_UNI };
	struct tquic_conn *conn;
	struct pair *p;
	u32 uni;

	for (uni = 0; uni < 2; uni++) {
		p = pair_create(test, 1);
		conn = &p->end[1].conn;
		KUNIT_ASSERT_TRUE(test, pair_handshake(p));
		pair_run(p, PAIR_MS(200));
		ctrl_watch(p);
		conn->streams.max_remote[uni] += 10;
		conn->streams.grant_due = BIT(uni);
		p->link[0].drop_next[0] = 1;
		pair_kick(&p->end[1]);
		KUNIT_EXPECT_EQ(test, ctrl_seen[1][types[uni]], 1);
		KUNIT_EXPECT_EQ(test, conn->streams.grant_due, 0);
		pair_run(p, SEC);
		KUNIT_EXPECT_EQ(test, ctrl_seen[1][types[uni]], 2);
		KUNIT_EXPECT_EQ(test, ctrl_seen[1][types[!uni]], 0);
		KUNIT_EXPECT_EQ(test, p->end[0].conn.streams.peer.streams[uni], 138);
		KUNIT_EXPECT_EQ(test, p->end[0].conn.streams.peer.streams[!uni], 128);
	}
}

/* The same of what is missing: streams of the one kind, or of the other */
static void ctrl_blocked_lost(struct kunit *test)
{
	static const u8 types[] = {
		TQUIC_FRAME_STREAMS_BLOCKED_BIDI, TQUIC_FRAME_STREAMS_BLOCKED_UNI,
	};
	struct tquic_stream *s;
	struct tquic_conn *conn;
	struct pair *p;
	u32 uni;

	for (uni = 0; uni < 2; uni++) {
		p = pair_create(test, 1);
		conn = &p->end[0].conn;
		p->end[1].conn.local.max_streams_bidi = 0;
		p->end[1].conn.local.max_streams_uni = 0;
		KUNIT_ASSERT_TRUE(test, pair_handshake(p));
		pair_run(p, PAIR_MS(200));
		ctrl_watch(p);
		KUNIT_ASSERT_EQ(test, tquic_streams_open(&conn->streams, uni, p->now, GFP_KERNEL, &s),
				-EAGAIN);
		p->link[0].drop_next[1] = 1;
		pair_kick(&p->end[0]);
		KUNIT_EXPECT_EQ(test, ctrl_seen[0][types[uni]], 1);
		pair_run(p, SEC);
		KUNIT_EXPECT_EQ(test, ctrl_seen[0][types[uni]], 2);
		KUNIT_EXPECT_EQ(test, ctrl_seen[0][types[!uni]], 0);
		KUNIT_EXPECT_EQ(test, conn->streams.blocked_due, 0);
	}
}

/* The frame that tells of too little credit is lost: it comes again as long as that is so */
static void ctrl_data_blocked_lost(struct kunit *test)
{
	static const u8 types[] = { TQUIC_FRAME_DATA_BLOCKED, TQUIC_FRAME_STREAM_DATA_BLOCKED };
	struct tquic_stream *s;
	struct tquic_conn *conn;
	struct pair *p;
	u32 i;

	for (i = 0; i < 2; i++) {
		p = i ? ctrl_pair(test, 10000, 0) : ctrl_pair(test, 0, 10000);
		conn = &p->end[0].conn;
		KUNIT_ASSERT_TRUE(test, pair_handshake(p));
		pair_run(p, PAIR_MS(200));
		ctrl_watch(p);
		p->link[0].drop_next[1] = 1;
		KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(&p->end[0], false, 5000));
		s = ctrl_stream(p, 0, p->flow[0].id);
		/* A stream tells when it has used its credit up. */
		if (i) {
			KUNIT_EXPECT_TRUE(test, tquic_send_blocked_report(&s->tx));
			tquic_streams_ctl_set(&conn->streams, s, TQUIC_STREAM_CTL_BLOCKED);
			pair_kick(&p->end[0]);
		}
		KUNIT_EXPECT_EQ(test, ctrl_seen[0][types[i]], 1);
		pair_run(p, SEC);
		KUNIT_EXPECT_EQ(test, ctrl_seen[0][types[i]], 2);
		KUNIT_EXPECT_EQ(test, ctrl_seen[0][types[!i]], 0);
		/* Of a limit that has been raised meanwhile nothing is said. */
		ctrl_lose(test, conn, TQUIC_REC_DATA_BLOCKED, 0, 1);
		ctrl_lose(test, conn, TQUIC_REC_STREAM_DATA_BLOCKED, s->id, 1);
		KUNIT_EXPECT_EQ(test, conn->ctl, 0);
		KUNIT_EXPECT_EQ(test, s->ctl, 0);
		tquic_flow_tx_raise(&conn->flow_tx, 20000);
		tquic_streams_unpark(&conn->streams);
		tquic_send_set_max(&s->tx, 20000);
		ctrl_lose(test, conn, TQUIC_REC_DATA_BLOCKED, 0, 0);
		ctrl_lose(test, conn, TQUIC_REC_STREAM_DATA_BLOCKED, s->id, 0);
		KUNIT_EXPECT_EQ(test, conn->ctl, 0);
		KUNIT_EXPECT_EQ(test, s->ctl, 0);
	}
}

/* What an ACK said need not be said again once it has arrived, in each space on its own. */
static void ctrl_acks_arrive(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_conn *conn = &p->end[0].conn;
	struct tquic_path *path;
	struct tquic_ranges *rx[3];
	struct tquic_rec *rec;
	u32 i, k;

	KUNIT_ASSERT_TRUE(test, pair_start(p));
	path = tquic_path_create(conn, 1, p->now);
	KUNIT_ASSERT_NOT_NULL(test, path);
	rx[0] = &tquic_conn_hs(conn)->space[0].rx;
	rx[1] = &tquic_conn_hs(conn)->space[1].rx;
	rx[2] = &path->space.rx;
	for (i = 0; i < 3; i++)
		tquic_ranges_drop_below(rx[i], 100);
	for (i = 0; i < 3; i++) {
		rec = tquic_rec_alloc(GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, rec);
		rec->kind = TQUIC_REC_ACK;
		rec->level = i == 0 ? TQUIC_LEVEL_INITIAL :
			     i == 1 ? TQUIC_LEVEL_HANDSHAKE : TQUIC_LEVEL_APP;
		rec->id = i == 2;
		rec->off = 200;
		tquic_ctrl_on_acked(conn, rec, p->now);
		for (k = 0; k < 3; k++)
			KUNIT_EXPECT_EQ(test, rx[k]->floor, k <= i ? 200 : 100);
	}
}

/* A reset behind the first bytes, over links that lose: these arrive, and nothing else need */
static void ctrl_reset_at(struct kunit *test)
{
	struct tquic_stream *s;
	struct pair_flow *f;
	struct pair *p;
	u32 from;

	for (from = 0; from < 2; from++) {
		p = pair_create(test, 1);
		pair_link_set(&p->link[0], 2000000, PAIR_MS(10), 0);
		ctrl_watch(p);
		KUNIT_ASSERT_TRUE(test, pair_handshake(p));
		f = pair_flow_open(&p->end[from], false, 200000);
		KUNIT_ASSERT_NOT_NULL(test, f);
		pair_run(p, PAIR_MS(30));
		s = ctrl_stream(p, from, f->id);
		KUNIT_ASSERT_LT(test, s->tx.nxt, 60000);
		KUNIT_EXPECT_EQ(test, tquic_conn_stream_reset_at(&p->end[from].conn, s, 42, 300000),
				-EINVAL);
		KUNIT_EXPECT_EQ(test, tquic_conn_stream_reset_at(&p->end[from].conn, s, 42, 60000), 0);
		/* Not before the bytes in front of it were sent. */
		KUNIT_EXPECT_EQ(test, ctrl_seen[from][TQUIC_FRAME_RESET_STREAM_AT], 0);
		KUNIT_EXPECT_EQ(test, tquic_conn_stream_reset_at(&p->end[from].conn, s, 42, 60000),
				-EPIPE);
		p->link[0].loss_ppm = 200000;
		pair_kick(&p->end[from]);
		KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 60 * SEC));
		KUNIT_EXPECT_TRUE(test, f->was_reset);
		KUNIT_EXPECT_EQ(test, f->read, 60000);
		KUNIT_EXPECT_GE(test, ctrl_seen[from][TQUIC_FRAME_RESET_STREAM_AT], 1);
		KUNIT_EXPECT_EQ(test, ctrl_seen[from][TQUIC_FRAME_RESET_STREAM], 0);
		p->link[0].loss_ppm = 0;
		pair_run(p, 5 * SEC);
		s = ctrl_stream(p, from, f->id);
		KUNIT_EXPECT_TRUE(test, !s || tquic_send_terminal(&s->tx));
		KUNIT_EXPECT_EQ(test, p->end[!from].conn.flow_rx.consumed,
				p->end[!from].conn.flow_rx.highest);
		pair_check(p);
	}
}

/* Who did not offer it is not told so, and does not know the frame */
static void ctrl_reset_at_not_offered(struct kunit *test)
{
	static const u8 frame[] = { 0x24, 0, 7, 9, 5 };
	struct pair *p = pair_create(test, 1);
	struct pair_flow *f;

	p->hostile = true;
	p->end[1].conn.local.reset_stream_at = false;
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	f = pair_flow_open(&p->end[0], false, 1000);
	KUNIT_ASSERT_NOT_NULL(test, f);
	KUNIT_EXPECT_EQ(test, tquic_conn_stream_reset_at(&p->end[0].conn, ctrl_stream(p, 0, f->id),
							 42, 10), -EOPNOTSUPP);
	KUNIT_EXPECT_FALSE(test, ctrl_stream(p, 0, f->id)->tx.reset_pending);
	pair_inject_next(&p->end[1], TQUIC_PKT_1RTT, 0, frame, sizeof(frame));
	KUNIT_EXPECT_EQ(test, p->end[1].conn.closed.error_code, TQUIC_ERR_FRAME_ENCODING);
}

static struct kunit_case ctrl_cases[] = {
	KUNIT_CASE(ctrl_undo),
	KUNIT_CASE(ctrl_reset_at),
	KUNIT_CASE(ctrl_reset_at_not_offered),
	KUNIT_CASE(ctrl_paths_blocked),
	KUNIT_CASE(ctrl_path_cids_blocked),
	KUNIT_CASE(ctrl_lost_limits),
	KUNIT_CASE(ctrl_lost_of_streams),
	KUNIT_CASE(ctrl_lost_of_paths),
	KUNIT_CASE(ctrl_new_cids_lost),
	KUNIT_CASE(ctrl_tiny_windows),
	KUNIT_CASE(ctrl_autotuning),
	KUNIT_CASE(ctrl_blocked_at_once),
	KUNIT_CASE(ctrl_reader_pauses),
	KUNIT_CASE(ctrl_many_streams),
	KUNIT_CASE(ctrl_reset),
	KUNIT_CASE(ctrl_stop),
	KUNIT_CASE(ctrl_all_lossy),
	KUNIT_CASE(ctrl_datagrams),
	KUNIT_CASE(ctrl_ack_ranges_trimmed),
	KUNIT_CASE(ctrl_streams_blocked_once),
	KUNIT_CASE(ctrl_token_once),
	KUNIT_CASE(ctrl_grants_lost),
	KUNIT_CASE(ctrl_blocked_lost),
	KUNIT_CASE(ctrl_data_blocked_lost),
	KUNIT_CASE(ctrl_acks_arrive),
	{}
};

static struct kunit_suite ctrl_suite = {
	.name = "tquic-ctrl",
	.test_cases = ctrl_cases,
};

kunit_test_suites(&ctrl_suite);
