// SPDX-License-Identifier: GPL-2.0
/* Weighted round robin: bytes go by the weights, whatever the packets are. */
#include <kunit/test.h>
#include <linux/math64.h>

#include "test/sched.h"

/* Per mille of the bytes that went over each path; the first has small packets */
static void weighted_run(struct kunit *test, struct sched_fixture *x, u32 packets,
			 u32 permille[SCHED_PATHS])
{
	u64 before[SCHED_PATHS], sum = 0;
	u32 i;
	int at;

	for (i = 0; i < SCHED_PATHS; i++)
		before[i] = x->path[i].stats.tx_bytes;
	for (i = 0; i < packets; i++) {
		at = sched_pick(x);
		KUNIT_ASSERT_GE(test, at, 0);
		/* A question is no packet. */
		KUNIT_EXPECT_EQ(test, sched_send(x, at ? SCHED_MTU : 500), at);
	}
	for (i = 0; i < SCHED_PATHS; i++)
		sum += x->path[i].stats.tx_bytes - before[i];
	for (i = 0; i < SCHED_PATHS; i++)
		permille[i] = div64_u64((x->path[i].stats.tx_bytes - before[i]) * 1000 + sum / 2,
					sum);
}

static void weighted_set(struct sched_fixture *x, u32 a, u32 b, u32 c)
{
	x->path[0].weight = a;
	x->path[1].weight = b;
	x->path[2].weight = c;
}

static void weighted_operator(struct kunit *test)
{
	struct sched_fixture *x = sched_make(test, &tquic_sched_weighted);
	u32 permille[SCHED_PATHS];

	weighted_set(x, 10, 60, 30);
	weighted_run(test, x, 20000, permille);
	KUNIT_EXPECT_LE(test, abs((int)permille[0] - 100), 3);
	KUNIT_EXPECT_LE(test, abs((int)permille[1] - 600), 3);
	KUNIT_EXPECT_LE(test, abs((int)permille[2] - 300), 3);
	/* A share of less than a packet a round is a share. */
	weighted_set(x, 500, 495, 5);
	weighted_run(test, x, 20000, permille);
	KUNIT_EXPECT_LE(test, abs((int)permille[2] - 5), 1);
}

/* Within a round, too: next is the path that has used the least part of its share. */
static void weighted_turns(struct kunit *test)
{
	struct sched_fixture *x = sched_make(test, &tquic_sched_weighted);
	int i;

	weighted_set(x, 10, 10, 10);
	for (i = 0; i < 6; i++)
		KUNIT_EXPECT_EQ(test, sched_send(x, SCHED_MTU), i % 3);
}

/* Three windows of ten packets in 20, 40 and 60 ms: 6 to 3 to 2 */
static void weighted_capacity(struct kunit *test)
{
	struct sched_fixture *x = sched_make(test, &tquic_sched_weighted);
	u32 permille[SCHED_PATHS];

	/* As long as one path has no weight, weights mean nothing. */
	weighted_set(x, 0, 1000, 1);
	weighted_run(test, x, 20000, permille);
	KUNIT_EXPECT_LE(test, abs((int)permille[0] - 545), 4);
	KUNIT_EXPECT_LE(test, abs((int)permille[1] - 273), 4);
	KUNIT_EXPECT_LE(test, abs((int)permille[2] - 182), 4);
	/* That path is no candidate any more. */
	x->path[0].state = TQUIC_PATH_SUSPECT;
	weighted_run(test, x, 20000, permille);
	KUNIT_EXPECT_GE(test, permille[1], 995);
}

/* Full or waiting for its pacer, a path leaves its share to the others and does not catch up */
static void weighted_work_conserving(struct kunit *test)
{
	struct sched_fixture *x = sched_make(test, &tquic_sched_weighted);
	u32 permille[SCHED_PATHS];

	weighted_set(x, 1, 1, 2);
	sched_fill(&x->path[2]);
	weighted_run(test, x, 5000, permille);
	KUNIT_EXPECT_LE(test, abs((int)permille[0] - 500), 4);
	sched_empty(&x->path[2]);
	weighted_run(test, x, 5000, permille);
	KUNIT_EXPECT_LE(test, abs((int)permille[2] - 500), 15);
	sched_fill(&x->path[0]);
	sched_fill(&x->path[1]);
	sched_pace(&x->path[2]);
	KUNIT_EXPECT_EQ(test, sched_pick(x), -1);
	sched_empty(&x->path[1]);
	KUNIT_EXPECT_EQ(test, sched_pick(x), 1);
}

/* A new path in a slot does not inherit the old one's account */
static void weighted_slot_reused(struct kunit *test)
{
	struct sched_fixture *x = sched_make(test, &tquic_sched_weighted);
	u32 permille[SCHED_PATHS];

	weighted_set(x, 1, 1, 1);
	weighted_run(test, x, 20000, permille);
	x->path[1].stats.tx_bytes = 0;
	weighted_run(test, x, 300, permille);
	KUNIT_EXPECT_GE(test, permille[1], 280);
	KUNIT_EXPECT_LE(test, permille[1], 390);
	x->path[2].backup = true;
	weighted_run(test, x, 3000, permille);
	KUNIT_EXPECT_EQ(test, permille[2], 0);
}

/*
 * The heavy paths are full, and the light one's share is a fraction of a byte:
 * it goes on in spite of thousands of rounds of debt, and is made up for later.
 */
static void weighted_light_alone(struct kunit *test)
{
	struct sched_fixture *x = sched_make(test, &tquic_sched_weighted);
	u32 permille[SCHED_PATHS];
	u32 i;

	x->path[2].cc.cwnd = 2 * SCHED_MTU;
	x->path[2].rtt.srtt_ns = 60 * (u64)NSEC_PER_SEC;
	for (i = 0; i < 2; i++) {
		x->path[i].cc.cwnd = 1000000000;
		x->path[i].rtt.srtt_ns = NSEC_PER_MSEC;
		sched_fill(&x->path[i]);
	}
	for (i = 0; i < 10000; i++)
		KUNIT_ASSERT_EQ(test, sched_send(x, SCHED_MTU), 2);
	sched_empty(&x->path[0]);
	sched_empty(&x->path[1]);
	weighted_run(test, x, 1000, permille);
	KUNIT_EXPECT_EQ(test, permille[2], 0);
}

static struct kunit_case weighted_cases[] = {
	KUNIT_CASE(weighted_operator),
	KUNIT_CASE(weighted_turns),
	KUNIT_CASE(weighted_capacity),
	KUNIT_CASE(weighted_work_conserving),
	KUNIT_CASE(weighted_slot_reused),
	KUNIT_CASE(weighted_light_alone),
	{}
};

static struct kunit_suite weighted_suite = {
	.name = "tquic-weighted",
	.test_cases = weighted_cases,
};

kunit_test_suites(&weighted_suite);
