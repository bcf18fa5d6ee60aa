// SPDX-License-Identifier: GPL-2.0
/* Reinjection: a slow path does not hold up what a fast one could carry, at a bounded price. */
#include <kunit/test.h>

#include "core/copies.h"
#include "core/path.h"
#include "core/reinject.h"
#include "sched/sched.h"
#include "test/pair.h"

#define SEC	((u64)NSEC_PER_SEC)
#define KIB	1024ULL

static void no_copies(struct pair *p)
{
	pair_server(p)->conn.tune.reinject_percent = 0;
}

/*
 * 50 Mbit/s at 30 ms, and 30 Mbit/s at 300 ms unless @single.  minrtt uses both for
 * anything; what waits for the fast path would leave nothing to be sent again.
 */
static struct pair *reinject_pair(struct kunit *test, bool single, void (*set)(struct pair *p))
{
	struct pair *p = pair_create(test, single ? 1 : 2);

	pair_server(p)->conn.sched = &tquic_sched_minrtt;
	pair_link_set(&p->link[0], 50000000, PAIR_MS(15), 187500);
	pair_link_set(&p->link[1], 30000000, PAIR_MS(150), 1125000);
	if (set)
		set(p);
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	if (!single)
		KUNIT_ASSERT_TRUE(test, pair_open_paths(p));
	pair_run(p, PAIR_MS(700));
	return p;
}

static u64 reinjected(struct pair *p)
{
	return pair_server(p)->conn.stats.bytes_reinjected;
}

/* How long @bytes take from server to client */
static u64 transfer_ns(struct kunit *test, struct pair *p, u64 bytes)
{
	struct pair_flow *f = pair_flow_open(pair_server(p), false, bytes);

	KUNIT_ASSERT_NOT_NULL(test, f);
	KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 60 * SEC));
	pair_check(p);
	return f->end_ns - f->start_ns;
}

/* An object is never later for being spread over a slow path as well. */
static void reinject_short_object(struct kunit *test)
{
	struct pair *p = reinject_pair(test, false, NULL);
	u64 one, both, plain;

	both = transfer_ns(test, p, 64 * KIB);
	KUNIT_EXPECT_GT(test, reinjected(p), 0);
	KUNIT_EXPECT_LE(test, reinjected(p), 64 * KIB);
	/* Copies are among what was sent again. */
	KUNIT_EXPECT_EQ(test, pair_server(p)->conn.stats.bytes_retransmitted, reinjected(p));
	one = transfer_ns(test, reinject_pair(test, true, NULL), 64 * KIB);
	p = reinject_pair(test, false, no_copies);
	plain = transfer_ns(test, p, 64 * KIB);
	KUNIT_EXPECT_EQ(test, reinjected(p), 0);
	kunit_info(test, "one path %llu us, both %llu us, without copies %llu us",
		   one / 1000, both / 1000, plain / 1000);
	KUNIT_EXPECT_LE(test, both * 100, one * 105);
	KUNIT_EXPECT_GE(test, plain * 100, one * 150);
}

/* Whatever becomes of copy and original, every byte arrives. */
static void reinject_lost_copies(struct kunit *test)
{
	u32 i, with_copies = 0;
	struct pair *p;

	for (i = 0; i < 20; i++) {
		p = reinject_pair(test, false, NULL);
		p->link[0].loss_ppm = 10000 * i;
		p->link[1].loss_ppm = 10000 * i;
		transfer_ns(test, p, 40 * KIB);
		with_copies += reinjected(p) > 0;
	}
	KUNIT_EXPECT_GE(test, with_copies, 10);
}

static void small_window(struct pair *p)
{
	struct tquic_conn *conn = &pair_client(p)->conn;

	conn->tune.rx_window_max_bytes = 128 * KIB;
	conn->local.max_data = 128 * KIB;
	conn->local.max_stream_data_bidi_remote = 128 * KIB;
}

static void small_window_no_copies(struct pair *p)
{
	small_window(p);
	no_copies(p);
}

/* The window is full of what waits for the slow path: that goes on the fast one. */
static void reinject_full_window(struct kunit *test)
{
	struct pair *p = reinject_pair(test, false, small_window);
	u64 with, without, one;

	with = transfer_ns(test, p, 256 * KIB);
	KUNIT_EXPECT_GT(test, reinjected(p), 0);
	without = transfer_ns(test, reinject_pair(test, false, small_window_no_copies),
			      256 * KIB);
	one = transfer_ns(test, reinject_pair(test, true, small_window), 256 * KIB);
	kunit_info(test, "one path %llu us, both %llu us, without copies %llu us",
		   one / 1000, with / 1000, without / 1000);
	/* That it is full shows a round trip of the fast path later. */
	KUNIT_EXPECT_LE(test, with, one + PAIR_MS(35));
	KUNIT_EXPECT_GE(test, without, one + PAIR_MS(40));
}

/* Copies are at most the share the operator set, and a burst. */
static void reinject_budget(struct kunit *test)
{
	struct pair *p = reinject_pair(test, false, NULL);
	struct tquic_conn *conn = &pair_server(p)->conn;
	u64 copies;

	conn->stats.bytes_reinjected = TQUIC_REINJECT_BURST_BYTES;
	transfer_ns(test, p, 64 * KIB);
	copies = reinjected(p) - TQUIC_REINJECT_BURST_BYTES;
	KUNIT_EXPECT_GT(test, copies, 0);
	KUNIT_EXPECT_LE(test, copies, conn->stats.bytes_sent / 10 + PAIR_MTU);
}

/* A program that waits for room in its buffer will fill the path: copies would be in its way. */
static void reinject_full_buffer(struct kunit *test)
{
	struct pair *p = reinject_pair(test, false, NULL);

	p->sndbuf = 100 * KIB;
	KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(pair_server(p), false, 4096 * KIB));
	pair_run(p, SEC);
	KUNIT_EXPECT_GT(test, p->link[1].pipe[0].bytes, 10 * KIB);
	KUNIT_EXPECT_EQ(test, reinjected(p), 0);
}

/* A backup path is spared, however fast it is. */
static void reinject_backup(struct kunit *test)
{
	struct pair *p = reinject_pair(test, false, NULL);
	u64 before;

	tquic_path_set_flags(&pair_server(p)->conn, pair_path(p, 1, 0), TQUIC_PATH_BACKUP);
	pair_kick(pair_server(p));
	pair_run(p, PAIR_MS(700));
	before = p->link[0].pipe[0].bytes;
	transfer_ns(test, p, 64 * KIB);
	KUNIT_EXPECT_EQ(test, reinjected(p), 0);
	KUNIT_EXPECT_LE(test, p->link[0].pipe[0].bytes - before, 4 * PAIR_MTU);
}

/* Longest wait of a reader when the slow link dies in the middle of a transfer */
static u64 slow_cut_gap_ns(struct kunit *test, void (*set)(struct pair *p))
{
	struct pair *p = pair_create(test, 2);
	struct pair_flow *f;
	u32 i;

	pair_link_set(&p->link[0], 2000000, PAIR_MS(15), 15000);
	pair_link_set(&p->link[1], 1000000, PAIR_MS(20), 200000);
	if (set)
		set(p);
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	KUNIT_ASSERT_TRUE(test, pair_open_paths(p));
	f = pair_flow_open(pair_server(p), false, 16384 * KIB);
	KUNIT_ASSERT_NOT_NULL(test, f);
	pair_run(p, 5 * SEC);
	for (i = 0; i < 2; i++)
		KUNIT_EXPECT_EQ(test, pair_path(p, 1, i)->state, TQUIC_PATH_ACTIVE);
	f->gap_ns = 0;
	p->link[1].cut = true;
	pair_run(p, 2 * SEC);
	kunit_info(test, "gap %llu us, reinjected %llu", f->gap_ns / NSEC_PER_USEC, reinjected(p));
	KUNIT_EXPECT_GT(test, f->read, 1024 * KIB);
	return f->gap_ns;
}

/* What a slow path held goes again long before its probe timeout tells that it is dead. */
static void reinject_stalled(struct kunit *test)
{
	u64 gap_ns = slow_cut_gap_ns(test, NULL);

	KUNIT_EXPECT_LT(test, gap_ns, 320ULL * NSEC_PER_MSEC);
	KUNIT_EXPECT_LT(test, gap_ns, slow_cut_gap_ns(test, no_copies));
}

/* The packet of a path sent first, or last, of those that carry bytes of a stream */
static struct tquic_sent_pkt *reinject_carrier(struct tquic_path *path, bool last)
{
	struct tquic_sent *sent = &path->space.sent;
	struct tquic_sent_pkt *pkt, *found = NULL;
	u64 pn;

	for (pn = sent->head; pn < sent->next && (last || !found); pn++) {
		pkt = tquic_sent_get(sent, pn);
		if (pkt->state == TQUIC_SENT_OUTSTANDING && pkt->recs &&
		    pkt->recs->kind == TQUIC_REC_STREAM)
			found = pkt;
	}
	return found;
}

/* At the end the packet that comes last goes again; under a full window the oldest does. */
static void reinject_order(struct kunit *test)
{
	struct pair *p = reinject_pair(test, false, no_copies);
	struct tquic_conn *conn = &pair_server(p)->conn;
	struct tquic_path *slow = pair_path(p, 1, 1);
	struct tquic_sent_pkt *first, *last;
	struct tquic_stream *s;
	struct pair_flow *f;
	u64 una;

	f = pair_flow_open(pair_server(p), false, 64 * KIB);
	KUNIT_ASSERT_NOT_NULL(test, f);
	pair_run(p, PAIR_MS(90));
	first = reinject_carrier(slow, false);
	last = reinject_carrier(slow, true);
	KUNIT_ASSERT_NOT_NULL(test, first);
	KUNIT_ASSERT_PTR_NE(test, first, last);
	KUNIT_ASSERT_EQ(test, conn->streams.tx_mem.unsent, 0);
	conn->tune.reinject_percent = 10;
	/* Nobody waits for bytes that have come another way, nor for an end that has. */
	s = tquic_streams_find(&conn->streams, f->id);
	KUNIT_ASSERT_NOT_NULL(test, s);
	una = s->tx.una;
	s->tx.una = s->tx.end;
	s->tx.fin_acked = true;
	KUNIT_EXPECT_NULL(test, tquic_reinject(conn, p->now));
	s->tx.una = una;
	s->tx.fin_acked = false;
	slow->reinject_top = 0;
	KUNIT_EXPECT_PTR_EQ(test, tquic_reinject(conn, p->now), pair_path(p, 1, 0));
	KUNIT_EXPECT_NULL(test, last->recs);
	KUNIT_EXPECT_NOT_NULL(test, first->recs);
	conn->streams.tx_mem.unsent = 1;
	KUNIT_EXPECT_PTR_EQ(test, tquic_reinject(conn, p->now), pair_path(p, 1, 0));
	KUNIT_EXPECT_NULL(test, first->recs);
	conn->streams.tx_mem.unsent = 0;
	KUNIT_EXPECT_PTR_NE(test, first, reinject_carrier(slow, true));
	/* Nor does anybody wait for what was reset. */
	first = reinject_carrier(slow, true);
	KUNIT_ASSERT_NOT_NULL(test, first);
	slow->reinject_lo = 0;
	slow->reinject_top = 0;
	KUNIT_ASSERT_EQ(test, tquic_conn_stream_reset(conn, s, 1), 0);
	KUNIT_EXPECT_NULL(test, tquic_reinject(conn, p->now));
	KUNIT_EXPECT_NOT_NULL(test, first->recs);
}

/* Too late: all of it arrives before a copy could, unless its time varies by more. */
static void reinject_too_late(struct kunit *test)
{
	struct pair *p = reinject_pair(test, false, no_copies);
	struct tquic_conn *conn = &pair_server(p)->conn;
	struct tquic_path *slow = pair_path(p, 1, 1);

	KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(pair_server(p), false, 64 * KIB));
	pair_run(p, PAIR_MS(90));
	conn->tune.reinject_percent = 10;
	slow->rtt.rttvar_ns = 0;
	KUNIT_EXPECT_NULL(test, tquic_reinject(conn, p->now + PAIR_MS(140)));
	slow->rtt.rttvar_ns = PAIR_MS(100);
	KUNIT_EXPECT_PTR_EQ(test, tquic_reinject(conn, p->now + PAIR_MS(140)), pair_path(p, 1, 0));
}

/* Has the server's first stream a gap, and the slow path something of it? */
static bool reinject_waits(struct pair *p)
{
	struct tquic_stream *s = tquic_streams_next_ready(&pair_server(p)->conn.streams, 0);

	return s && !RB_EMPTY_ROOT(&s->tx.acked) && reinject_carrier(pair_path(p, 1, 1), false);
}

/* What a reader waits for goes again when it is overdue, not while it may be on its way. */
static void reinject_overdue(struct kunit *test)
{
	struct pair *p = reinject_pair(test, false, no_copies);
	struct tquic_conn *conn = &pair_server(p)->conn;
	struct tquic_path *fast = pair_path(p, 1, 0), *slow = pair_path(p, 1, 1);
	struct tquic_sent_pkt *first;
	struct tquic_stream *s;
	struct pair_flow *f;
	u64 una, now;

	f = pair_flow_open(pair_server(p), false, 4096 * KIB);
	KUNIT_ASSERT_NOT_NULL(test, f);
	s = tquic_streams_find(&conn->streams, f->id);
	KUNIT_ASSERT_NOT_NULL(test, s);
	KUNIT_ASSERT_TRUE(test, pair_until(p, reinject_waits, SEC));
	first = reinject_carrier(slow, false);
	KUNIT_ASSERT_NOT_NULL(test, first);
	KUNIT_ASSERT_PTR_EQ(test, tquic_streams_next_ready(&conn->streams, 0), s);
	conn->tune.reinject_percent = 10;
	una = s->tx.una;
	s->tx.una = first->recs->off;
	s->head_ns = 0;
	now = first->sent_ns + tquic_path_one_way_ns(slow);
	tquic_reinject_stalled(conn, fast, now);
	KUNIT_EXPECT_NOT_NULL(test, first->recs);
	s->head_ns = 0;
	now = first->sent_ns + slow->rtt.srtt_ns + 1;
	tquic_reinject_stalled(conn, fast, now);
	KUNIT_EXPECT_NULL(test, first->recs);
	KUNIT_EXPECT_EQ(test, s->head_ns, now);
	s->tx.una = una;
}

/*
 * Long before silence is enough for doubt the oldest packets go elsewhere, too: once, as many
 * as may have arrived without an acknowledgment, and one more.
 */
static void reinject_silence(struct kunit *test)
{
	struct tquic_path *fast, *slow;
	struct tquic_conn *conn;
	struct pair_flow *f;
	struct pair *p;
	u64 again, left, since;
	u32 i;

	for (i = 0; i < 2; i++) {
		p = pair_create(test, 2);
		conn = &pair_server(p)->conn;
		pair_link_set(&p->link[0], 50000000, PAIR_MS(5), 60000);
		pair_link_set(&p->link[1], 20000000, PAIR_MS(30), 150000);
		KUNIT_ASSERT_TRUE(test, pair_handshake(p));
		KUNIT_ASSERT_TRUE(test, pair_open_paths(p));
		fast = pair_path(p, 1, 0);
		slow = pair_path(p, 1, 1);
		f = pair_flow_open(pair_server(p), false, 16384 * KIB);
		KUNIT_ASSERT_NOT_NULL(test, f);
		pair_run(p, PAIR_MS(900));
		KUNIT_EXPECT_FALSE(test, fast->overdue);
		KUNIT_ASSERT_GT(test, conn->ackfreq.seq_next, 0);
		/* A peer that cannot be asked may take so long. */
		if (i)
			conn->ackfreq.delay_ns = conn->peer.max_ack_delay_ms * NSEC_PER_MSEC;
		p->link[0].cut = true;
		again = reinjected(p);
		since = p->now;
		f->gap_ns = 0;
		while (!fast->overdue && p->now < since + SEC)
			pair_run(p, PAIR_MS(1));
		KUNIT_ASSERT_EQ(test, fast->state, i ? TQUIC_PATH_SUSPECT : TQUIC_PATH_ACTIVE);
		if (i)
			continue;
		/* They go when there is room in the window. */
		pair_run(p, PAIR_MS(5));
		left = reinjected(p) - again;
		KUNIT_EXPECT_GT(test, left, conn->ackfreq.threshold * 1200);
		KUNIT_EXPECT_LE(test, left, (conn->ackfreq.threshold + 1) * 1500);
		KUNIT_EXPECT_EQ(test, slow->probes, 0);
		while (fast->state == TQUIC_PATH_ACTIVE && p->now < since + SEC)
			pair_run(p, PAIR_MS(1));
		KUNIT_EXPECT_EQ(test, fast->state, TQUIC_PATH_SUSPECT);
		/* The budget for copies holds here, too. */
		tquic_copies_drop(slow);
		no_copies(p);
		again = reinjected(p);
		tquic_reinject_overdue(conn, slow, p->now);
		KUNIT_EXPECT_EQ(test, reinjected(p), again);
		KUNIT_EXPECT_NULL(test, slow->copies.head);
		pair_check(p);
	}
}

/* A path that answers after all is doubted no longer, and its silence counts anew. */
static void reinject_silence_again(struct kunit *test)
{
	struct pair *p = pair_create(test, 2);
	struct tquic_path *path;
	struct pair_flow *f;
	u64 again, since;
	u32 i;

	pair_link_set(&p->link[0], 50000000, PAIR_MS(5), 60000);
	pair_link_set(&p->link[1], 20000000, PAIR_MS(30), 150000);
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	KUNIT_ASSERT_TRUE(test, pair_open_paths(p));
	path = pair_path(p, 1, 0);
	f = pair_flow_open(pair_server(p), false, 16384 * KIB);
	KUNIT_ASSERT_NOT_NULL(test, f);
	pair_run(p, PAIR_MS(900));
	for (i = 0; i < 2; i++) {
		again = reinjected(p);
		since = p->now;
		p->link[0].cut = true;
		while (!path->overdue && p->now < since + SEC)
			pair_run(p, PAIR_MS(1));
		KUNIT_ASSERT_TRUE(test, path->overdue);
		KUNIT_ASSERT_EQ(test, path->state, TQUIC_PATH_ACTIVE);
		p->link[0].cut = false;
		pair_run(p, PAIR_MS(100));
		KUNIT_EXPECT_FALSE(test, path->overdue);
		KUNIT_EXPECT_GT(test, reinjected(p), again);
	}
	pair_check(p);
}

/* Where the reader waits for what was sent again that goes first, and the oldest packet then. */
static void reinject_awaited(struct kunit *test)
{
	struct pair *p = pair_bonded(test, 2);
	struct tquic_conn *conn = &pair_server(p)->conn;
	struct tquic_path *path = pair_path(p, 1, 0), *other = pair_path(p, 1, 1);
	struct tquic_sent_pkt *first, *last;
	struct tquic_stream *s;
	struct pair_flow *f;
	struct tquic_rec *rec;

	f = pair_flow_open(pair_server(p), false, 8192 * KIB);
	KUNIT_ASSERT_NOT_NULL(test, f);
	pair_run(p, PAIR_MS(300));
	s = tquic_streams_find(&conn->streams, f->id);
	first = reinject_carrier(path, false);
	last = reinject_carrier(path, true);
	KUNIT_ASSERT_NOT_NULL(test, s);
	KUNIT_ASSERT_PTR_NE(test, first, last);
	if (first->recs->off < last->recs->off)
		swap(first->recs, last->recs);
	rec = last->recs;
	s->tx.una = rec->off;
	tquic_copies_drop(other);
	tquic_reinject_overdue(conn, path, p->now);
	/* A packet may hold two frames. */
	KUNIT_EXPECT_GE(test, other->copies.count, conn->ackfreq.threshold + 1);
	KUNIT_EXPECT_LE(test, other->copies.count, 2 * (conn->ackfreq.threshold + 1));
	KUNIT_ASSERT_NOT_NULL(test, other->copies.head);
	KUNIT_EXPECT_EQ(test, other->copies.head->off, rec->off);
	for (rec = other->copies.head; rec && rec->off != first->recs->off; rec = rec->next)
		;
	KUNIT_EXPECT_NOT_NULL(test, rec);
	/* There are no copies of copies. */
	tquic_copies_drop(other);
	conn->sched = &tquic_sched_redundant;
	tquic_reinject_overdue(conn, path, p->now);
	KUNIT_EXPECT_NULL(test, other->copies.head);
}

static struct kunit_case reinject_cases[] = {
	KUNIT_CASE(reinject_short_object),
	KUNIT_CASE(reinject_lost_copies),
	KUNIT_CASE(reinject_full_window),
	KUNIT_CASE(reinject_budget),
	KUNIT_CASE(reinject_full_buffer),
	KUNIT_CASE(reinject_backup),
	KUNIT_CASE(reinject_stalled),
	KUNIT_CASE(reinject_order),
	KUNIT_CASE(reinject_too_late),
	KUNIT_CASE(reinject_overdue),
	KUNIT_CASE(reinject_silence),
	KUNIT_CASE(reinject_silence_again),
	KUNIT_CASE(reinject_awaited),
	{}
};

static struct kunit_suite reinject_suite = {
	.name = "tquic-reinject",
	.test_cases = reinject_cases,
};

kunit_test_suites(&reinject_suite);
