// SPDX-License-Identifier: GPL-2.0
/* Priorities of streams (RFC 9218), from one connection to another over a slow link. */
#include <kunit/test.h>

#include "core/streams.h"
#include "test/pair.h"

#define BULK_BYTES	300000
#define BRIEF_BYTES	60000

/* One link of 1 MB/s, 10 ms each way */
static struct pair *priority_pair(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);

	pair_link_set(&p->link[0], 8000000, PAIR_MS(10), 30000);
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	return p;
}

/* The server begins to send @bytes */
static struct tquic_stream *priority_send(struct kunit *test, struct pair *p, u64 bytes,
					  struct pair_flow **flow)
{
	struct tquic_streams *t = &pair_server(p)->conn.streams;
	struct tquic_stream *s;

	*flow = pair_flow_open(pair_server(p), true, bytes);
	KUNIT_ASSERT_NOT_NULL(test, *flow);
	s = tquic_streams_find(t, (*flow)->id);
	KUNIT_ASSERT_NOT_NULL(test, s);
	return s;
}

static void priority_set(struct pair *p, struct tquic_stream *s, u8 urgency, bool incremental)
{
	tquic_streams_set_priority(&pair_server(p)->conn.streams, s, urgency, incremental);
}

/* A stream that comes later and is more urgent stops the other until all of it was sent */
static void priority_urgent_first(struct kunit *test)
{
	struct pair *p = priority_pair(test);
	struct pair_flow *low, *high;
	struct tquic_stream *bulk, *urgent;
	u64 sent;

	bulk = priority_send(test, p, BULK_BYTES, &low);
	pair_run(p, PAIR_MS(50));
	KUNIT_ASSERT_LT(test, bulk->tx.nxt, BULK_BYTES / 2);
	urgent = priority_send(test, p, BRIEF_BYTES, &high);
	priority_set(p, urgent, 1, true);
	sent = bulk->tx.nxt;
	while (urgent->tx.nxt < BRIEF_BYTES) {
		KUNIT_ASSERT_EQ(test, bulk->tx.nxt, sent);
		KUNIT_ASSERT_TRUE(test, pair_step(p, p->now + NSEC_PER_SEC));
	}
	KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 2ULL * NSEC_PER_SEC));
	KUNIT_EXPECT_LT(test, high->end_ns, low->end_ns);
	KUNIT_EXPECT_LT(test, high->end_ns - high->start_ns, PAIR_MS(150));
}

/* What of the urgent stream was lost goes before new data of the other */
static void priority_lost_first(struct kunit *test)
{
	struct pair *p = priority_pair(test);
	struct tquic_stream *bulk, *urgent;
	struct pair_flow *low, *high;
	u64 sent, seen = 0;

	bulk = priority_send(test, p, BULK_BYTES, &low);
	priority_set(p, bulk, 7, true);
	pair_run(p, PAIR_MS(50));
	urgent = priority_send(test, p, BRIEF_BYTES, &high);
	pair_run(p, PAIR_MS(5));
	p->link[0].drop_next[0] = 5;
	while (urgent->tx.una < BRIEF_BYTES && !high->ended) {
		sent = bulk->tx.nxt;
		KUNIT_ASSERT_TRUE(test, pair_step(p, p->now + NSEC_PER_SEC));
		if (RB_EMPTY_ROOT(&urgent->tx.lost))
			continue;
		/* The window was full: it goes first when there is room again. */
		KUNIT_ASSERT_EQ(test, bulk->tx.nxt, sent);
		seen++;
	}
	KUNIT_EXPECT_GT(test, seen, 0);
	KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 2ULL * NSEC_PER_SEC));
	KUNIT_EXPECT_GT(test, pair_server(p)->conn.stats.bytes_retransmitted, 1000);
	KUNIT_EXPECT_LT(test, high->end_ns, low->end_ns);
}

static struct kunit_case priority_cases[] = {
	KUNIT_CASE(priority_urgent_first),
	KUNIT_CASE(priority_lost_first),
	{}
};

static struct kunit_suite priority_suite = {
	.name = "tquic-priority",
	.test_cases = priority_cases,
};

kunit_test_suites(&priority_suite);
