// SPDX-License-Identifier: GPL-2.0
/* Deadlines: which path what is due soon waits for, and what becomes of a late stream. */
#include <kunit/test.h>

#include "core/deadline.h"
#include "core/dgram.h"
#include "core/streams.h"
#include "test/pair.h"
#include "test/sched.h"

#define MS		((u64)NSEC_PER_MSEC)

/* One way takes 10, 20 and 30 ms; only the first two paths are used, the first is full */
static struct sched_fixture *deadline_make(struct kunit *test)
{
	const struct tquic_stream_limits none = {};
	struct sched_fixture *x = sched_make(test, &tquic_sched_deadline);

	skb_queue_head_init(&x->conn.dgram_tx);
	tquic_streams_init(&x->conn.streams, true, &none, 0, 0);
	x->path[2].state = TQUIC_PATH_SUSPECT;
	sched_fill(&x->path[0]);
	return x;
}

static void deadline_add(struct kunit *test, struct sched_fixture *x, u64 deadline_ns)
{
	struct sk_buff *skb = alloc_skb(8, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, skb);
	memset(skb_put(skb, 8), 0, 8);
	tquic_dgram_queue(&x->conn, skb, deadline_ns, false);
}

static void deadline_clear(struct sched_fixture *x)
{
	__skb_queue_purge(&x->conn.dgram_tx);
}

/* Without deadlines: the fastest path that is not full, and its pacer is waited for */
static void deadline_none(struct kunit *test)
{
	struct sched_fixture *x = deadline_make(test);

	deadline_add(test, x, TQUIC_DEADLINE_NONE);
	KUNIT_EXPECT_EQ(test, sched_pick(x), 1);
	sched_empty(&x->path[0]);
	KUNIT_EXPECT_EQ(test, sched_pick(x), 0);
	sched_pace(&x->path[0]);
	KUNIT_EXPECT_EQ(test, sched_pick(x), -1);
	sched_fill(&x->path[0]);
	sched_fill(&x->path[1]);
	KUNIT_EXPECT_EQ(test, sched_pick(x), -1);
	deadline_clear(x);
	/* With nothing to send it is asked for the sake of copies. */
	sched_empty(&x->path[1]);
	KUNIT_EXPECT_EQ(test, sched_pick(x), 1);
}

/* What the second path would bring late waits for the first */
static void deadline_waits(struct kunit *test)
{
	struct sched_fixture *x = deadline_make(test);
	u64 there = SCHED_NOW + 20 * MS;

	KUNIT_EXPECT_EQ(test, tquic_deadline_arrival_ns(&x->path[1], SCHED_NOW), there);
	deadline_add(test, x, there);
	KUNIT_EXPECT_EQ(test, sched_pick(x), 1);
	deadline_clear(x);
	deadline_add(test, x, there - 1);
	KUNIT_EXPECT_EQ(test, sched_pick(x), -1);
	/* One that has time takes the path meanwhile. */
	deadline_add(test, x, there);
	KUNIT_EXPECT_EQ(test, sched_pick(x), 1);
	KUNIT_EXPECT_EQ(test, x->ops->floor_ns(&x->conn, &x->path[1], SCHED_NOW), there);
	/* Nothing is faster than the first path. */
	KUNIT_EXPECT_EQ(test, x->ops->floor_ns(&x->conn, &x->path[0], SCHED_NOW), 0);
	/* What jitter may make late is late. */
	x->path[1].rtt.rttvar_ns = 1;
	KUNIT_EXPECT_EQ(test, sched_pick(x), -1);
	deadline_clear(x);
}

/* A first path that is not to be had soon, or at all, is not waited for */
static void deadline_not_for_ever(struct kunit *test)
{
	struct sched_fixture *x = deadline_make(test);

	deadline_add(test, x, SCHED_NOW + 15 * MS);
	KUNIT_EXPECT_EQ(test, sched_pick(x), -1);
	/* By its pacer it would be there no sooner. */
	x->path[0].pacer.next_ns = SCHED_NOW + 10 * MS;
	KUNIT_EXPECT_EQ(test, sched_pick(x), 1);
	x->path[0].pacer.next_ns = SCHED_NOW + 10 * MS - 1;
	KUNIT_EXPECT_EQ(test, sched_pick(x), -1);
	x->path[0].state = TQUIC_PATH_SUSPECT;
	KUNIT_EXPECT_EQ(test, sched_pick(x), 1);
	x->path[0].state = TQUIC_PATH_ACTIVE;
	x->path[0].backup = true;
	KUNIT_EXPECT_EQ(test, sched_pick(x), 1);
	deadline_clear(x);
}

/*
 * A queue on the way there makes the round trips of the two paths come in another order
 * than their arrivals: then it is the arrival that counts, and nobody waits for a path
 * that could send at once.
 */
static void deadline_first_arrival(struct kunit *test)
{
	struct sched_fixture *x = deadline_make(test);

	sched_empty(&x->path[0]);
	x->path[0].rtt.srtt_ns = 35 * MS;
	x->path[0].rtt.min_ns = 10 * MS;
	x->path[1].rtt.srtt_ns = 40 * MS;
	x->path[1].rtt.min_ns = 40 * MS;
	deadline_add(test, x, SCHED_NOW + 25 * MS);
	KUNIT_EXPECT_EQ(test, sched_pick(x), 1);
	/* It is late on both: the one that is there sooner has it all the same. */
	deadline_clear(x);
	deadline_add(test, x, SCHED_NOW + 1);
	KUNIT_EXPECT_EQ(test, sched_pick(x), 1);
	deadline_clear(x);
}

/* A connection over one link of 1 MB/s, 10 ms each way */
static struct pair *deadline_pair(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);

	pair_link_set(&p->link[0], 8000000, 10 * MS, 30000);
	pair_server(p)->conn.sched = &tquic_sched_deadline;
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	return p;
}

/* The server sends @bytes, due @after_ns from now */
static struct pair_flow *deadline_flow(struct kunit *test, struct pair *p, u64 bytes,
				       u64 after_ns, bool drop)
{
	struct pair_flow *f = pair_flow_open(pair_server(p), true, bytes);
	struct tquic_streams *t = &pair_server(p)->conn.streams;
	struct tquic_stream *s;

	KUNIT_ASSERT_NOT_NULL(test, f);
	s = tquic_streams_find(t, f->id);
	KUNIT_ASSERT_NOT_NULL(test, s);
	s->deadline_error = 7;
	s->deadline_drop = drop;
	tquic_streams_set_deadline(t, s, p->now + after_ns);
	return f;
}

/* What would be late is not sent: the stream is reset, and both programs know */
static void deadline_reset(struct kunit *test)
{
	struct pair *p = deadline_pair(test);
	struct pair_flow *f = deadline_flow(test, p, 400000, 200 * MS, true);
	struct tquic_conn *conn = &pair_server(p)->conn;

	KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, NSEC_PER_SEC));
	KUNIT_EXPECT_TRUE(test, f->was_reset);
	KUNIT_EXPECT_GT(test, f->read, 50000);
	KUNIT_EXPECT_LT(test, f->end_ns - f->start_ns, 250 * MS);
	KUNIT_EXPECT_EQ(test, conn->stats.deadlines_missed, 1);
	KUNIT_EXPECT_EQ(test, conn->stats.streams_reset, 1);
	KUNIT_EXPECT_EQ(test, pair_server(p)->events[TQUIC_EVENT_STREAM_LATE], 1);
	KUNIT_EXPECT_EQ(test, pair_server(p)->event_id[TQUIC_EVENT_STREAM_LATE], f->id);
	KUNIT_EXPECT_EQ(test, pair_client(p)->events[TQUIC_EVENT_STREAM_RESET], 1);
}

/* Without the wish to drop it, or with time enough, it is sent */
static void deadline_kept(struct kunit *test)
{
	struct pair *p = deadline_pair(test);
	struct pair_flow *late = deadline_flow(test, p, 100000, 50 * MS, false), *f;

	KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 2ULL * NSEC_PER_SEC));
	KUNIT_EXPECT_EQ(test, late->read, 100000);
	f = deadline_flow(test, p, 100000, NSEC_PER_SEC, true);
	KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 2ULL * NSEC_PER_SEC));
	KUNIT_EXPECT_EQ(test, f->read, 100000);
	KUNIT_EXPECT_EQ(test, pair_server(p)->conn.stats.deadlines_missed, 0);
	KUNIT_EXPECT_EQ(test, pair_server(p)->events[TQUIC_EVENT_STREAM_LATE], 0);
}

/* How long 100 KB take beside a longer transfer */
static u64 deadline_beside_ns(struct kunit *test, bool hurry)
{
	struct pair *p = deadline_pair(test);
	struct pair_flow *f;

	KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(pair_server(p), true, 400000));
	pair_run(p, 50 * MS);
	f = hurry ? deadline_flow(test, p, 100000, NSEC_PER_SEC, false) :
		    pair_flow_open(pair_server(p), true, 100000);
	KUNIT_ASSERT_NOT_NULL(test, f);
	KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 2ULL * NSEC_PER_SEC));
	return f->end_ns - f->start_ns;
}

/* What has a deadline does not take turns with what has none */
static void deadline_first(struct kunit *test)
{
	u64 hurried_ns = deadline_beside_ns(test, true);
	u64 shared_ns = deadline_beside_ns(test, false);

	KUNIT_EXPECT_LT(test, hurried_ns * 10, shared_ns * 9);
}

static struct kunit_case deadline_cases[] = {
	KUNIT_CASE(deadline_none),
	KUNIT_CASE(deadline_waits),
	KUNIT_CASE(deadline_first_arrival),
	KUNIT_CASE(deadline_not_for_ever),
	KUNIT_CASE(deadline_reset),
	KUNIT_CASE(deadline_kept),
	KUNIT_CASE(deadline_first),
	{}
};

static struct kunit_suite deadline_suite = {
	.name = "tquic-deadline",
	.test_cases = deadline_cases,
};

kunit_test_suites(&deadline_suite);
