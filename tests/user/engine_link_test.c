// SPDX-License-Identifier: GPL-2.0
/* How long a reader waits when an interface goes down. Too heavy for KUnit in a VM. */
#include <kunit/test.h>

#include "core/path.h"
#include "test/pair.h"

#define SEC	((u64)NSEC_PER_SEC)
#define MIB	(1024ULL * 1024)

/* 50 Mbit/s; a queue that holds 20 ms of it; the round trip when that is full, and some datagrams */
#define RATE_BPS	50000000
#define DELAY_NS	PAIR_MS(10)
#define QUEUE_BYTES	125000
#define FULL_RTT_NS	PAIR_MS(43)

static struct pair *busy_pair(struct kunit *test, u32 sender, struct pair_flow **f)
{
	struct pair *p = pair_create(test, 2);

	pair_link_set(&p->link[0], RATE_BPS, DELAY_NS, QUEUE_BYTES);
	pair_link_set(&p->link[1], RATE_BPS, DELAY_NS, QUEUE_BYTES);
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	KUNIT_ASSERT_TRUE(test, pair_open_paths(p));
	*f = pair_flow_open(&p->end[sender], false, 32 * MIB);
	KUNIT_ASSERT_NOT_NULL(test, *f);
	pair_run(p, PAIR_MS(1500));
	KUNIT_ASSERT_EQ(test, pair_path(p, 0, 0)->state, TQUIC_PATH_ACTIVE);
	KUNIT_ASSERT_EQ(test, pair_path(p, 0, 1)->state, TQUIC_PATH_ACTIVE);
	return p;
}

/* Whichever end sends: reading goes on after no more than the survivor's round trip. */
static void link_down_stall(struct kunit *test)
{
	struct pair_flow *f;
	u32 sender, link;
	struct pair *p;

	for (sender = 0; sender < 2; sender++) {
		for (link = 0; link < 2; link++) {
			p = busy_pair(test, sender, &f);
			f->gap_ns = 0;
			f->last_ns = p->now;
			pair_link_down(p, link);
			KUNIT_EXPECT_EQ(test, pair_path(p, 0, link)->state, TQUIC_PATH_SUSPECT);
			/* All is given back but the probe. */
			KUNIT_EXPECT_LE(test, pair_path(p, 0, link)->space.eliciting_in_flight, 1);
			pair_run(p, 2 * SEC);
			kunit_info(test, "end %u sends, link %u down: gap %llu us", sender, link,
				   f->gap_ns / 1000);
			KUNIT_EXPECT_LE(test, f->gap_ns, FULL_RTT_NS);
			KUNIT_EXPECT_EQ(test, p->end[0].events[TQUIC_EVENT_PATH_SUSPECT], 1);
			KUNIT_EXPECT_EQ(test, p->end[0].events[TQUIC_EVENT_PATH_RECOVERED], 0);
			KUNIT_EXPECT_TRUE(test, pair_path(p, 1, link)->peer_backup);
			pair_link_up(p, link);
			pair_run(p, PAIR_MS(200));
			KUNIT_EXPECT_EQ(test, pair_path(p, 0, link)->state, TQUIC_PATH_ACTIVE);
			KUNIT_EXPECT_FALSE(test, pair_path(p, 1, link)->peer_backup);
			KUNIT_EXPECT_EQ(test, p->end[0].events[TQUIC_EVENT_PATH_RECOVERED], 1);
			KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 60 * SEC));
			pair_check(p);
		}
	}
}

static struct kunit_case engine_link_cases[] = {
	KUNIT_CASE(link_down_stall),
	{}
};

static struct kunit_suite engine_link_suite = {
	.name = "tquic-engine-link",
	.test_cases = engine_link_cases,
};

kunit_test_suites(&engine_link_suite);
