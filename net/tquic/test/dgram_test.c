// SPDX-License-Identifier: GPL-2.0
/* Datagrams that wait: their order, what is left to another path, what is dropped. */
#include <kunit/test.h>

#include "core/build.h"
#include "core/deadline.h"
#include "core/dgram.h"
#include "core/frame.h"
#include "test/sched.h"

#define DGRAM_BYTES	100
/* When a packet sent now on the first path is at the peer */
#define DGRAM_SOONEST	(SCHED_NOW + 10 * NSEC_PER_MSEC)

struct dgram_fixture {
	struct sched_fixture *x;
	u8 buf[SCHED_MTU];
};

static struct dgram_fixture *dgram_make(struct kunit *test)
{
	struct dgram_fixture *d = kunit_kzalloc(test, sizeof(*d), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, d);
	d->x = sched_make(test, &tquic_sched_deadline);
	skb_queue_head_init(&d->x->conn.dgram_tx);
	return d;
}

/* A datagram whose bytes are all @name */
static void dgram_add(struct kunit *test, struct dgram_fixture *d, char name, u64 deadline_ns,
		      bool drop)
{
	struct sk_buff *skb = alloc_skb(DGRAM_BYTES, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, skb);
	memset(skb_put(skb, DGRAM_BYTES), name, DGRAM_BYTES);
	tquic_dgram_queue(&d->x->conn, skb, deadline_ns, drop);
}

/* The names of those that a packet with @room takes, in their order */
static void dgram_expect(struct kunit *test, struct dgram_fixture *d, u32 room, u32 max_bytes,
			 u64 floor_ns, const char *names)
{
	struct tquic_build bld = { .path = &d->x->path[0], .now = SCHED_NOW };
	struct tquic_frame f;
	struct tquic_rbuf b;
	u32 n = 0;

	bld.b.p = d->buf;
	bld.b.end = d->buf + room;
	tquic_dgram_build(&d->x->conn, &bld, max_bytes, room - 1, floor_ns);
	b.p = d->buf;
	b.end = bld.b.p;
	while (tquic_rbuf_left(&b) && names[n]) {
		KUNIT_ASSERT_EQ(test, tquic_frame_parse(&b, &f), 0);
		KUNIT_EXPECT_EQ(test, f.datagram.len, DGRAM_BYTES);
		KUNIT_EXPECT_EQ(test, f.datagram.data[DGRAM_BYTES - 1], names[n]);
		n++;
	}
	KUNIT_EXPECT_EQ(test, names[n], 0);
	KUNIT_EXPECT_EQ(test, tquic_rbuf_left(&b), 0);
	KUNIT_EXPECT_EQ(test, bld.eliciting, n > 0);
	tquic_rec_free_list(bld.recs);
}

/* What is due first goes first, equals as they came, what is never due last */
static void dgram_order(struct kunit *test)
{
	struct dgram_fixture *d = dgram_make(test);
	u64 due = DGRAM_SOONEST;

	KUNIT_EXPECT_EQ(test, tquic_dgram_last_due_ns(&d->x->conn), 0);
	dgram_add(test, d, 'd', due + 5, false);
	KUNIT_EXPECT_EQ(test, tquic_dgram_last_due_ns(&d->x->conn), due + 5);
	dgram_add(test, d, 'f', TQUIC_DEADLINE_NONE, false);
	dgram_add(test, d, 'b', due + 3, false);
	dgram_add(test, d, 'g', TQUIC_DEADLINE_NONE, false);
	dgram_add(test, d, 'e', due + 5, false);
	dgram_add(test, d, 'c', due + 4, true);
	dgram_add(test, d, 'a', due, true);
	KUNIT_EXPECT_EQ(test, tquic_dgram_last_due_ns(&d->x->conn), TQUIC_DEADLINE_NONE);
	dgram_expect(test, d, SCHED_MTU, SCHED_MTU, 0, "abcdefg");
	KUNIT_EXPECT_TRUE(test, skb_queue_empty(&d->x->conn.dgram_tx));
	KUNIT_EXPECT_EQ(test, d->x->conn.stats.datagrams_sent, 7);
	KUNIT_EXPECT_EQ(test, d->x->conn.todo, TQUIC_TODO_DGRAM);
}

/* What does not fit waits, the last one needs no length */
static void dgram_full(struct kunit *test)
{
	struct dgram_fixture *d = dgram_make(test);
	char name;

	for (name = 'a'; name < 'e'; name++)
		dgram_add(test, d, name, TQUIC_DEADLINE_NONE, false);
	dgram_expect(test, d, DGRAM_BYTES, SCHED_MTU, 0, "");
	KUNIT_EXPECT_EQ(test, d->x->conn.todo, 0);
	dgram_expect(test, d, 2 * DGRAM_BYTES + 4, SCHED_MTU, 0, "ab");
	dgram_expect(test, d, SCHED_MTU, SCHED_MTU, 0, "cd");
}

/* What is due before the floor is for another path, what is due then is not */
static void dgram_floor(struct kunit *test)
{
	struct dgram_fixture *d = dgram_make(test);
	u64 due = DGRAM_SOONEST;

	dgram_add(test, d, 'a', due + 1, true);
	dgram_add(test, d, 'b', due + 2, false);
	dgram_add(test, d, 'c', due + 3, true);
	dgram_add(test, d, 'd', TQUIC_DEADLINE_NONE, false);
	dgram_expect(test, d, SCHED_MTU, SCHED_MTU, due + 3, "cd");
	dgram_expect(test, d, SCHED_MTU, SCHED_MTU, due + 3, "");
	dgram_expect(test, d, SCHED_MTU, SCHED_MTU, 0, "ab");
	KUNIT_EXPECT_EQ(test, d->x->conn.stats.datagrams_dropped, 0);
}

/* Too late for every path: dropped if that was asked for, floor or not, and only then */
static void dgram_late(struct kunit *test)
{
	struct dgram_fixture *d = dgram_make(test);
	struct tquic_conn *conn = &d->x->conn;
	u64 due = DGRAM_SOONEST;

	dgram_add(test, d, 'a', due - 1, true);
	dgram_add(test, d, 'b', due - 1, false);
	dgram_add(test, d, 'c', due, true);
	dgram_expect(test, d, SCHED_MTU, SCHED_MTU, 0, "bc");
	KUNIT_EXPECT_EQ(test, conn->stats.datagrams_dropped, 1);
	KUNIT_EXPECT_EQ(test, conn->stats.deadlines_missed, 1);
	dgram_add(test, d, 'd', due - 1, true);
	dgram_expect(test, d, SCHED_MTU, SCHED_MTU, due, "");
	KUNIT_EXPECT_EQ(test, conn->stats.deadlines_missed, 2);
	KUNIT_EXPECT_TRUE(test, skb_queue_empty(&conn->dgram_tx));
	/* A path that fails cannot bring it in time, the next one would. */
	d->x->path[0].state = TQUIC_PATH_SUSPECT;
	dgram_add(test, d, 'e', SCHED_NOW + 20 * NSEC_PER_MSEC - 1, true);
	dgram_add(test, d, 'f', SCHED_NOW + 20 * NSEC_PER_MSEC, true);
	dgram_expect(test, d, SCHED_MTU, SCHED_MTU, 0, "f");
	/* With no path at all only what is over is. */
	d->x->path[1].state = TQUIC_PATH_SUSPECT;
	d->x->path[2].state = TQUIC_PATH_SUSPECT;
	dgram_add(test, d, 'g', SCHED_NOW - 1, true);
	dgram_add(test, d, 'h', SCHED_NOW, true);
	dgram_expect(test, d, SCHED_MTU, SCHED_MTU, 0, "h");
	KUNIT_EXPECT_EQ(test, conn->stats.deadlines_missed, 4);
}

/* The path got narrower since: what no packet can carry is not in the way of others */
static void dgram_too_wide(struct kunit *test)
{
	struct dgram_fixture *d = dgram_make(test);

	dgram_add(test, d, 'a', TQUIC_DEADLINE_NONE, false);
	dgram_expect(test, d, SCHED_MTU, DGRAM_BYTES - 1, 0, "");
	KUNIT_EXPECT_EQ(test, d->x->conn.stats.datagrams_dropped, 1);
	KUNIT_EXPECT_EQ(test, d->x->conn.stats.deadlines_missed, 0);
	dgram_add(test, d, 'b', TQUIC_DEADLINE_NONE, false);
	dgram_expect(test, d, SCHED_MTU, DGRAM_BYTES, 0, "b");
}

static int dgram_suite_init(struct kunit_suite *suite)
{
	return tquic_rec_cache_init();
}

static void dgram_suite_exit(struct kunit_suite *suite)
{
	tquic_rec_cache_exit();
}

static struct kunit_case dgram_cases[] = {
	KUNIT_CASE(dgram_order),
	KUNIT_CASE(dgram_full),
	KUNIT_CASE(dgram_floor),
	KUNIT_CASE(dgram_late),
	KUNIT_CASE(dgram_too_wide),
	{}
};

static struct kunit_suite dgram_suite = {
	.name = "tquic-dgram",
	.suite_init = dgram_suite_init,
	.suite_exit = dgram_suite_exit,
	.test_cases = dgram_cases,
};

kunit_test_suites(&dgram_suite);
