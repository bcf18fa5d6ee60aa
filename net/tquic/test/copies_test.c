// SPDX-License-Identifier: GPL-2.0
/* Copies: every path owes what the others sent, once, and only while somebody waits for it. */
#include <kunit/test.h>

#include "core/copies.h"
#include "core/path.h"
#include "core/rec.h"
#include "sched/sched.h"
#include "test/pair.h"

#define SEC	((u64)NSEC_PER_SEC)
#define KIB	1024ULL
#define MIB	(1024 * KIB)

/* Three links, the last one for backup; with both ends' scheduler */
static struct pair *copies_pair(struct kunit *test)
{
	struct pair *p = pair_create(test, 3);
	u32 i;

	for (i = 0; i < 3; i++)
		pair_link_set(&p->link[i], 10000000, PAIR_MS(10 + 10 * i), 50000);
	for (i = 0; i < 2; i++)
		p->end[i].conn.sched = &tquic_sched_redundant;
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	KUNIT_ASSERT_NOT_NULL(test, pair_open_path(p, 1, false));
	pair_run(p, PAIR_MS(500));
	KUNIT_ASSERT_NOT_NULL(test, pair_open_path(p, 2, true));
	pair_run(p, PAIR_MS(500));
	return p;
}

static void transfer(struct kunit *test, struct pair *p, u64 bytes)
{
	KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(pair_server(p), false, bytes));
	KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 60 * SEC));
	pair_check(p);
}

/* Little enough for all windows: each byte goes once on each path, none on the backup. */
static void copies_everywhere(struct kunit *test)
{
	struct pair *p = copies_pair(test);
	u64 before[3];
	u32 i;

	for (i = 0; i < 3; i++)
		before[i] = p->link[i].pipe[0].bytes;
	transfer(test, p, 10 * KIB);
	pair_run(p, PAIR_MS(200));
	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_GE(test, p->link[i].pipe[0].bytes - before[i], 10 * KIB);
		KUNIT_EXPECT_LE(test, p->link[i].pipe[0].bytes - before[i], 12 * KIB);
	}
	KUNIT_EXPECT_LE(test, p->link[2].pipe[0].bytes - before[2], KIB);
	KUNIT_EXPECT_EQ(test, pair_server(p)->conn.stats.bytes_reinjected, 10 * KIB);
}

/* A path that is much slower passes over what was acknowledged, and holds nothing up. */
static void copies_passed_over(struct kunit *test)
{
	struct pair *p = copies_pair(test);
	u64 before;

	pair_link_rate(p, &p->link[1], 1000000);
	before = p->link[1].pipe[0].bytes;
	transfer(test, p, 1024 * KIB);
	KUNIT_EXPECT_LE(test, p->now - p->flow[0].start_ns, 2 * SEC);
	pair_run(p, SEC);
	KUNIT_EXPECT_LE(test, p->link[1].pipe[0].bytes - before, 400 * KIB);
	KUNIT_EXPECT_EQ(test, pair_path(p, 1, 1)->copies.count, 0);
}

/* A path of smaller packets cuts copies to size; both ends are lossy. */
static void copies_cut(struct kunit *test)
{
	struct pair *p = copies_pair(test);
	u32 i;

	KUNIT_EXPECT_GT(test, pair_path(p, 1, 0)->pmtu.bytes, TQUIC_MIN_UDP_PAYLOAD);
	pair_path(p, 1, 1)->pmtu.max_bytes = TQUIC_MIN_UDP_PAYLOAD;
	pair_path(p, 1, 1)->pmtu.bytes = TQUIC_MIN_UDP_PAYLOAD;
	for (i = 0; i < 2; i++)
		p->link[i].loss_ppm = 100000;
	transfer(test, p, 300 * KIB);
	KUNIT_EXPECT_GT(test, pair_server(p)->conn.stats.bytes_reinjected, 0);
}

/* What waits is bounded, and forgotten with the path's use or the scheduler. */
static void copies_bounded(struct kunit *test)
{
	struct pair *p = copies_pair(test);
	struct tquic_conn *conn = &pair_server(p)->conn;
	struct tquic_rec rec = { .kind = TQUIC_REC_STREAM, .id = 1, .len = 100 };
	bool owed = false;
	u32 i;

	for (i = 0; i < TQUIC_COPIES_MAX + 10; i++)
		tquic_copies_add(conn, pair_path(p, 1, 0), &rec);
	KUNIT_EXPECT_EQ(test, pair_path(p, 1, 0)->copies.count, 0);
	KUNIT_EXPECT_EQ(test, pair_path(p, 1, 1)->copies.count, TQUIC_COPIES_MAX);
	KUNIT_EXPECT_EQ(test, pair_path(p, 1, 2)->copies.count, 0);
	/* Nobody has a stream of that id. */
	KUNIT_EXPECT_NULL(test, tquic_copies_path(conn, &owed, p->now));
	KUNIT_EXPECT_FALSE(test, owed);
	KUNIT_EXPECT_EQ(test, pair_path(p, 1, 1)->copies.count, 0);
	tquic_copies_add(conn, pair_path(p, 1, 0), &rec);
	tquic_path_drain(conn, pair_path(p, 1, 1), p->now);
	KUNIT_EXPECT_EQ(test, pair_path(p, 1, 1)->copies.count, 0);
	tquic_copies_add(conn, pair_path(p, 1, 0), &rec);
	KUNIT_EXPECT_EQ(test, pair_path(p, 1, 1)->copies.count, 1);
	/* The reference that goes with what is replaced */
	KUNIT_ASSERT_TRUE(test, try_module_get(tquic_sched_redundant.entry.owner));
	tquic_sched_assign(conn, &tquic_sched_minrtt);
	KUNIT_EXPECT_EQ(test, pair_path(p, 1, 1)->copies.count, 0);
}

/* What a path owed goes with it. */
static void copies_end_with_path(struct kunit *test)
{
	struct pair *p = copies_pair(test);
	struct tquic_conn *conn = &pair_server(p)->conn;
	struct tquic_rec rec = { .kind = TQUIC_REC_STREAM, .id = 1, .len = 100 };

	tquic_copies_add(conn, pair_path(p, 1, 0), &rec);
	KUNIT_ASSERT_EQ(test, pair_path(p, 1, 1)->copies.count, 1);
	tquic_path_destroy(conn, pair_path(p, 1, 1));
}

/* A stream is reset behind bytes that have to arrive: their copy is cut there, and is whole. */
static void copies_of_reset(struct kunit *test)
{
	struct pair *p = copies_pair(test);
	struct tquic_conn *conn = &pair_server(p)->conn;
	struct tquic_stream *s;
	struct pair_flow *f;
	u64 before;

	f = pair_flow_open(pair_server(p), true, 6 * KIB);
	KUNIT_ASSERT_NOT_NULL(test, f);
	s = tquic_streams_find(&conn->streams, f->id);
	KUNIT_ASSERT_NOT_NULL(test, s);
	/* The second path may not send yet. */
	KUNIT_ASSERT_GT(test, s->tx.nxt, 0);
	tquic_cc_on_sent(&pair_path(p, 1, 1)->cc, 10 * MIB, p->now);
	tquic_copies_drop(pair_path(p, 1, 1));
	tquic_copies_add(conn, pair_path(p, 1, 0), &(struct tquic_rec) {
		.kind = TQUIC_REC_STREAM, .id = f->id, .len = 1200,
	});
	KUNIT_ASSERT_EQ(test, tquic_conn_stream_reset_at(conn, s, 1, 8), 0);
	tquic_cc_on_discard(&pair_path(p, 1, 1)->cc, 10 * MIB, p->now);
	before = conn->stats.bytes_reinjected;
	pair_kick(pair_server(p));
	KUNIT_EXPECT_EQ(test, conn->stats.bytes_reinjected, before + 8);
	KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 10 * SEC));
	KUNIT_EXPECT_EQ(test, conn->state, TQUIC_STATE_ESTABLISHED);
	KUNIT_EXPECT_EQ(test, pair_client(p)->conn.state, TQUIC_STATE_ESTABLISHED);
	KUNIT_EXPECT_GE(test, f->read, 8);
}

/* A copy that only a pacer holds up is a reason to come back when that lets it go. */
static void copies_paced(struct kunit *test)
{
	struct pair *p = copies_pair(test);
	struct tquic_conn *conn = &pair_server(p)->conn;
	struct tquic_path *path = pair_path(p, 1, 1);
	bool owed = false;
	struct pair_flow *f;

	p->link[0].cut = true;
	p->link[1].cut = true;
	f = pair_flow_open(pair_server(p), true, KIB);
	KUNIT_ASSERT_NOT_NULL(test, f);
	tquic_copies_drop(path);
	tquic_copies_add(conn, pair_path(p, 1, 0), &(struct tquic_rec) {
		.kind = TQUIC_REC_STREAM, .id = f->id, .len = 100,
	});
	KUNIT_ASSERT_EQ(test, path->copies.count, 1);
	path->pacer.next_ns = p->now + PAIR_MS(50);
	KUNIT_EXPECT_NULL(test, tquic_copies_path(conn, &owed, p->now));
	KUNIT_EXPECT_TRUE(test, owed);
	conn->pace_due_ns = 0;
	pair_kick(pair_server(p));
	KUNIT_EXPECT_GT(test, conn->pace_due_ns, p->now);
	KUNIT_EXPECT_LE(test, conn->pace_due_ns, p->now + PAIR_MS(50));
}

/* Asks for copies of some packets only, as a program may: those of the first so many bytes */
static u64 copies_until;

static struct tquic_path *copies_get_path(struct tquic_conn *conn, u64 now)
{
	conn->tx_copy = conn->stats.bytes_sent < copies_until;
	return tquic_minrtt_get_path(conn, now);
}

static struct tquic_sched copies_of_first = {
	.copies		= true,
	.get_path	= copies_get_path,
};

/* What was not asked for is not copied, though it would fill up packets with what was. */
static void copies_on_demand(struct kunit *test)
{
	struct pair *p = copies_pair(test);
	struct tquic_conn *conn = &pair_server(p)->conn;

	copies_until = 0;
	conn->sched = &copies_of_first;
	transfer(test, p, 200 * KIB);
	KUNIT_EXPECT_EQ(test, conn->stats.bytes_reinjected, 0);
	copies_until = conn->stats.bytes_sent + KIB;
	transfer(test, p, 40 * KIB);
	KUNIT_EXPECT_GE(test, conn->stats.bytes_reinjected, KIB);
	KUNIT_EXPECT_LE(test, conn->stats.bytes_reinjected, PAIR_MTU);
	conn->sched = &tquic_sched_redundant;
}

/* What was lost as a repetition, and holds a reader up, goes on all paths that are in use. */
static void copies_lost_again(struct kunit *test)
{
	struct pair *p = copies_pair(test);
	struct tquic_conn *conn = &pair_server(p)->conn;
	struct tquic_rec first = {}, rec, good = {
		.kind = TQUIC_REC_STREAM, .len = 100, .again = true, .next = NULL,
	};
	struct tquic_stream *s;
	struct pair_flow *f;
	u32 i, k;

	conn->sched = &tquic_sched_minrtt;
	f = pair_flow_open(pair_server(p), false, 8 * MIB);
	KUNIT_ASSERT_NOT_NULL(test, f);
	pair_run(p, PAIR_MS(300));
	s = tquic_streams_find(&conn->streams, f->id);
	KUNIT_ASSERT_NOT_NULL(test, s);
	KUNIT_ASSERT_GT(test, s->tx.una, 0);
	good.id = f->id;
	good.off = s->tx.una;
	for (i = 0; i < 7; i++) {
		rec = good;
		if (i == 1)
			rec.again = false;
		else if (i == 2)
			rec.off++;
		else if (i == 3)
			rec.id += 400;
		else if (i == 4)
			rec.kind = TQUIC_REC_CRYPTO;
		else if (i == 5)
			conn->sched = &tquic_sched_redundant;
		else if (i == 6)
			conn->sched = &tquic_sched_minrtt;
		first.next = &rec;
		tquic_copies_on_lost(conn, &first);
		for (k = 0; k < 3; k++) {
			KUNIT_EXPECT_EQ_MSG(test, pair_path(p, 1, k)->copies.count,
					    (i == 0 || i == 6) && k < 2, "case %u path %u", i, k);
			if (pair_path(p, 1, k)->copies.head)
				KUNIT_EXPECT_FALSE(test, pair_path(p, 1, k)->copies.head->again);
			tquic_copies_drop(pair_path(p, 1, k));
		}
	}
}

/* Alone, too, a path sends once more what was lost the second time, and no more than that. */
static void copies_lost_in_turn(struct kunit *test)
{
	struct tquic_sent_pkt *pkt;
	struct tquic_path *path;
	struct pair *p;
	u64 again, lost;
	u32 i, ms, len;
	s64 pn;

	for (i = 0; i < 2; i++) {
		p = pair_create(test, 1);
		pair_link_set(&p->link[0], 10000000, PAIR_MS(20), 50000);
		KUNIT_ASSERT_TRUE(test, pair_handshake(p));
		KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(pair_server(p), false, 8 * MIB));
		pair_run(p, PAIR_MS(100));
		path = pair_path(p, 1, 0);
		KUNIT_ASSERT_EQ(test, path->stats.lost_packets, 0);
		pn = path->space.next_pn;
		p->link[0].drop_next[0] = 1;
		pair_run(p, PAIR_MS(10));
		pkt = tquic_sent_get(&path->space.sent, pn);
		if (pkt->state == TQUIC_SENT_SKIPPED)
			pkt = tquic_sent_get(&path->space.sent, pn + 1);
		KUNIT_ASSERT_EQ(test, pkt->state, TQUIC_SENT_OUTSTANDING);
		KUNIT_ASSERT_EQ(test, pkt->recs->kind, TQUIC_REC_STREAM);
		KUNIT_EXPECT_FALSE(test, pkt->recs->again);
		len = pkt->recs->len;
		pkt->recs->again = i;
		again = pair_server(p)->conn.stats.bytes_reinjected;
		lost = path->stats.lost_packets;
		for (ms = 0; ms < 200 && path->stats.lost_packets == lost; ms++)
			pair_run(p, PAIR_MS(1));
		KUNIT_ASSERT_EQ(test, path->stats.lost_packets, lost + 1);
		/* As soon as there is room in the window */
		pair_run(p, PAIR_MS(30));
		again = pair_server(p)->conn.stats.bytes_reinjected - again;
		KUNIT_EXPECT_EQ(test, again, i ? len : 0);
		/* What went again is known as such. */
		for (pn = path->space.next_pn - 1; pn > path->space.largest_acked; pn--) {
			pkt = tquic_sent_get(&path->space.sent, pn);
			if (pkt->state == TQUIC_SENT_OUTSTANDING && pkt->recs &&
			    pkt->recs->again)
				break;
		}
		KUNIT_EXPECT_GT(test, pn, path->space.largest_acked);
		pair_run(p, PAIR_MS(100));
		pair_check(p);
	}
}

static struct kunit_case copies_cases[] = {
	KUNIT_CASE(copies_everywhere),
	KUNIT_CASE(copies_passed_over),
	KUNIT_CASE(copies_cut),
	KUNIT_CASE(copies_bounded),
	KUNIT_CASE(copies_end_with_path),
	KUNIT_CASE(copies_of_reset),
	KUNIT_CASE(copies_paced),
	KUNIT_CASE(copies_on_demand),
	KUNIT_CASE(copies_lost_again),
	KUNIT_CASE(copies_lost_in_turn),
	{}
};

static struct kunit_suite copies_suite = {
	.name = "tquic-copies",
	.test_cases = copies_cases,
};

kunit_test_suites(&copies_suite);
