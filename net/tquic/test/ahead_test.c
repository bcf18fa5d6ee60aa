// SPDX-License-Identifier: GPL-2.0
/* Working ahead: what slow and fast paths carry arrives in the order of the stream. */
#include <kunit/test.h>

#include "core/ahead.h"
#include "core/path.h"
#include "test/pair.h"

#define SEC	((u64)NSEC_PER_SEC)
#define MIB	(1024ULL * 1024)

/* 16 Mbit/s at 20 ms and 8 Mbit/s at 200 ms, with short queues */
static struct pair *ahead_pair(struct kunit *test)
{
	struct pair *p = pair_create(test, 2);

	pair_link_set(&p->link[0], 16000000, PAIR_MS(10), 40000);
	pair_link_set(&p->link[1], 8000000, PAIR_MS(100), 50000);
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	KUNIT_ASSERT_TRUE(test, pair_open_paths(p));
	return p;
}

/*
 * In the 90 ms that the slow path is later the fast one brings 180 KB. They would
 * wait for it in the receiver's memory; nearly nothing does.
 */
static void ahead_in_order(struct kunit *test)
{
	struct pair *p = ahead_pair(test);
	u64 waiting = 0, before;
	struct pair_flow *f;
	u32 ms;

	f = pair_flow_open(pair_server(p), false, 64 * MIB);
	KUNIT_ASSERT_NOT_NULL(test, f);
	pair_run(p, 3 * SEC);
	before = p->link[1].pipe[0].bytes;
	f->gap_ns = 0;
	for (ms = 0; ms < 1000; ms++) {
		pair_run(p, PAIR_MS(1));
		waiting += pair_client(p)->conn.streams.rx_mem.used / 1000;
	}
	kunit_info(test, "%llu bytes wait on average, %llu us without any", waiting,
		   f->gap_ns / 1000);
	KUNIT_EXPECT_GE(test, p->link[1].pipe[0].bytes - before, 600000);
	KUNIT_EXPECT_LE(test, waiting, 160000);
	pair_check(p);
}

static bool ahead_gap_open(struct pair *p)
{
	struct tquic_conn *conn = &pair_server(p)->conn;
	struct tquic_stream *s = tquic_streams_find(&conn->streams, p->flow[0].id);

	return s && tquic_send_gap(&s->tx) >= 10000;
}

/* The fast path dies while the slow one is ahead: the slow one fills the gap. */
static void ahead_gap_filled(struct kunit *test)
{
	struct pair *p = ahead_pair(test);

	KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(pair_server(p), false, 4 * MIB));
	pair_run(p, SEC / 2);
	KUNIT_ASSERT_TRUE(test, pair_until(p, ahead_gap_open, SEC));
	p->link[0].cut = true;
	KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 30 * SEC));
	pair_check(p);
}

/* Only paths that may carry data count, and alone or as the fastest none is ahead. */
static void ahead_of_whom(struct kunit *test)
{
	struct pair *p = ahead_pair(test);
	struct tquic_conn *conn = &pair_server(p)->conn;
	struct tquic_ahead a;

	pair_flow_open(pair_server(p), false, 64 * MIB);
	pair_run(p, SEC);
	tquic_ahead_plan(conn, pair_path(p, 1, 0), &a);
	KUNIT_EXPECT_EQ(test, a.bytes, 0);
	KUNIT_EXPECT_EQ(test, a.filled, 0);
	tquic_ahead_plan(conn, pair_path(p, 1, 1), &a);
	KUNIT_EXPECT_GE(test, a.bytes, 150000);
	KUNIT_EXPECT_LE(test, a.bytes, 600000);
	/* Some of it the slow path has sent itself. */
	KUNIT_EXPECT_GT(test, a.filled, a.bytes / 4);
	KUNIT_EXPECT_LT(test, a.filled, a.bytes);
	/* The peer wants it spared. */
	pair_path(p, 1, 0)->peer_backup = true;
	tquic_ahead_plan(conn, pair_path(p, 1, 1), &a);
	KUNIT_EXPECT_EQ(test, a.bytes, 0);
}

static struct tquic_stream *ahead_stream(struct kunit *test, struct pair *p, u64 bytes)
{
	struct tquic_stream *s;
	u8 *dst;
	int n;

	KUNIT_ASSERT_EQ(test, tquic_streams_open(&pair_server(p)->conn.streams, false, p->now,
						 GFP_KERNEL, &s), 0);
	while (s->tx.end < bytes) {
		n = tquic_send_reserve(&s->tx, bytes - s->tx.end, GFP_KERNEL, &dst);
		KUNIT_ASSERT_GT(test, n, 0);
		memset(dst, 0, n);
		tquic_send_commit(&s->tx, n);
	}
	return s;
}

static void ahead_send(struct kunit *test, struct tquic_stream *s, u64 from, u64 off, u32 len)
{
	struct tquic_send_seg seg;

	KUNIT_ASSERT_TRUE(test, tquic_send_next_from(&s->tx, from, len, U64_MAX, &seg));
	KUNIT_EXPECT_EQ(test, seg.off, off);
	KUNIT_EXPECT_EQ(test, seg.len, len);
	tquic_send_sent(&s->tx, &seg);
}

/* A slow path begins behind as much as the faster ones bring, or half as much again. */
static void ahead_begins(struct kunit *test)
{
	const struct tquic_ahead a = { .bytes = 50000, .filled = 20000 };
	struct tquic_stream *s = ahead_stream(test, ahead_pair(test), 100000);
	u32 i;

	KUNIT_EXPECT_EQ(test, tquic_ahead_from(s, &a, 1200), U64_MAX);
	/* Less than a packet behind that is not worth one. */
	tquic_send_skip(&s->tx, tquic_rec_alloc(GFP_KERNEL), 31199);
	KUNIT_EXPECT_EQ(test, tquic_ahead_from(s, &a, 1200), U64_MAX);
	tquic_send_skip(&s->tx, tquic_rec_alloc(GFP_KERNEL), 8801);
	for (i = 0; i < 5; i++) {
		/* The others send 2,000 bytes meanwhile. */
		KUNIT_EXPECT_EQ(test, tquic_ahead_from(s, &a, 1200), 30000 + 1200 * i);
		ahead_send(test, s, 30000 + 1200 * i, 30000 + 1200 * i, 1200);
		ahead_send(test, s, 0, 2000 * i, 2000);
	}
	/* With a byte less in front of it this is too near, and behind is no room for a piece. */
	KUNIT_EXPECT_EQ(test, tquic_ahead_from(s, &a, 1200), 36000);
	ahead_send(test, s, 0, 10000, 1);
	KUNIT_EXPECT_EQ(test, tquic_ahead_from(s, &a, 1200), U64_MAX);
	tquic_send_skip(&s->tx, tquic_rec_alloc(GFP_KERNEL), 20000);
	KUNIT_EXPECT_EQ(test, tquic_ahead_from(s, &a, 1200), 46001);
	ahead_send(test, s, 46001, 46001, 1200);
	/* Paths as fast as this one bring nothing. */
	KUNIT_EXPECT_EQ(test, tquic_ahead_from(s, &(struct tquic_ahead){ .bytes = 1 }, 1200), 10001);
	/* More ranges than so many are not looked at. */
	ahead_send(test, s, 36000, 36000, 10001);
	ahead_send(test, s, 47201, 47201, 12799);
	for (i = 0; i < 70; i++) {
		ahead_send(test, s, U64_MAX, 60000 + 2 * i, 1);
		tquic_send_skip(&s->tx, tquic_rec_alloc(GFP_KERNEL), 1);
	}
	KUNIT_EXPECT_EQ(test, tquic_ahead_from(s, &(struct tquic_ahead){ .filled = 50000 }, 1200),
			60000 + 2 * 63);
}

/* The end of what is written and the limits are not passed. */
static void ahead_bounds(struct kunit *test)
{
	struct pair *p = ahead_pair(test);
	struct tquic_conn *conn = &pair_server(p)->conn;
	struct tquic_stream *s = ahead_stream(test, p, 40000);
	u64 credit = tquic_flow_tx_credit(&conn->flow_tx);

	tquic_ahead_skip(conn, s, 10000, 1200);
	KUNIT_EXPECT_EQ(test, s->tx.nxt, 10000);
	KUNIT_EXPECT_EQ(test, tquic_flow_tx_credit(&conn->flow_tx), credit - 10000);
	/* Not again for a packet's worth, but for a quarter */
	tquic_ahead_skip(conn, s, 12000, 1200);
	KUNIT_EXPECT_EQ(test, s->tx.nxt, 10000);
	tquic_ahead_skip(conn, s, 16000, 1200);
	KUNIT_EXPECT_EQ(test, s->tx.nxt, 16000);
	/* The stream's limit, then the connection's, then the end */
	s->tx.max_data = 20000;
	tquic_ahead_skip(conn, s, 100000, 1200);
	KUNIT_EXPECT_EQ(test, s->tx.nxt, 18800);
	s->tx.max_data = U64_MAX;
	conn->flow_tx.max -= credit - 18800 - 3000;
	tquic_ahead_skip(conn, s, 100000, 1200);
	KUNIT_EXPECT_EQ(test, s->tx.nxt, 20600);
	conn->flow_tx.max += credit;
	tquic_ahead_skip(conn, s, 100000, 1200);
	KUNIT_EXPECT_EQ(test, s->tx.nxt, 38800);
	tquic_ahead_skip(conn, s, 100000, 1200);
	KUNIT_EXPECT_EQ(test, s->tx.nxt, 38800);
}

static struct kunit_case ahead_cases[] = {
	KUNIT_CASE(ahead_in_order),
	KUNIT_CASE(ahead_gap_filled),
	KUNIT_CASE(ahead_of_whom),
	KUNIT_CASE(ahead_begins),
	KUNIT_CASE(ahead_bounds),
	{}
};

static struct kunit_suite ahead_suite = {
	.name = "tquic-ahead",
	.test_cases = ahead_cases,
};

kunit_test_suites(&ahead_suite);
