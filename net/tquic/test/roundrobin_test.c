// SPDX-License-Identifier: GPL-2.0
/* Round robin: whose turn it is, and when it ends. */
#include <kunit/test.h>

#include "test/sched.h"

static void roundrobin_turns(struct kunit *test)
{
	struct sched_fixture *x = sched_make(test, &tquic_sched_roundrobin);
	u32 i;

	/* A question is no packet. */
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, sched_pick(x), 0);
	for (i = 0; i < 9; i++)
		KUNIT_EXPECT_EQ(test, sched_send(x, SCHED_MTU), i % 3);
}

/* Who cannot send misses a turn and takes part again afterwards */
static void roundrobin_skips(struct kunit *test)
{
	struct sched_fixture *x = sched_make(test, &tquic_sched_roundrobin);

	sched_fill(&x->path[1]);
	KUNIT_EXPECT_EQ(test, sched_send(x, SCHED_MTU), 0);
	KUNIT_EXPECT_EQ(test, sched_send(x, SCHED_MTU), 2);
	KUNIT_EXPECT_EQ(test, sched_send(x, SCHED_MTU), 0);
	sched_empty(&x->path[1]);
	KUNIT_EXPECT_EQ(test, sched_send(x, SCHED_MTU), 1);
	sched_pace(&x->path[2]);
	KUNIT_EXPECT_EQ(test, sched_send(x, SCHED_MTU), 0);
	KUNIT_EXPECT_EQ(test, sched_send(x, SCHED_MTU), 1);
	x->path[0].state = TQUIC_PATH_SUSPECT;
	KUNIT_EXPECT_EQ(test, sched_send(x, SCHED_MTU), 1);
	RCU_INIT_POINTER(x->conn.paths[1], NULL);
	KUNIT_EXPECT_EQ(test, sched_pick(x), -1);
	KUNIT_EXPECT_EQ(test, sched_pick_at(x, SCHED_NOW + NSEC_PER_SEC), 2);
}

static void roundrobin_backup(struct kunit *test)
{
	struct sched_fixture *x = sched_make(test, &tquic_sched_roundrobin);

	x->path[1].peer_backup = true;
	KUNIT_EXPECT_EQ(test, sched_send(x, SCHED_MTU), 0);
	KUNIT_EXPECT_EQ(test, sched_send(x, SCHED_MTU), 2);
	sched_fill(&x->path[0]);
	sched_fill(&x->path[2]);
	KUNIT_EXPECT_EQ(test, sched_pick(x), -1);
	x->path[0].state = TQUIC_PATH_SUSPECT;
	x->path[2].state = TQUIC_PATH_SUSPECT;
	KUNIT_EXPECT_EQ(test, sched_pick(x), 1);
}

static struct kunit_case roundrobin_cases[] = {
	KUNIT_CASE(roundrobin_turns),
	KUNIT_CASE(roundrobin_skips),
	KUNIT_CASE(roundrobin_backup),
	{}
};

static struct kunit_suite roundrobin_suite = {
	.name = "tquic-roundrobin",
	.test_cases = roundrobin_cases,
};

kunit_test_suites(&roundrobin_suite);
