// SPDX-License-Identifier: GPL-2.0
/* ECF: when to wait for the fast path, by the inequalities of the paper. */
#include <kunit/test.h>
#include <linux/string.h>

#include "test/sched.h"

/*
 * Fast path: 20 ms, full. Slow path: 100 ms. Both windows 14720 bytes. Without
 * jitter the first inequality holds below 58880 bytes, the second one for any.
 */
static struct sched_fixture *ecf_make(struct kunit *test)
{
	struct sched_fixture *x = sched_make(test, &tquic_sched_ecf);

	KUNIT_ASSERT_EQ(test, x->path[0].cc.cwnd, 14720);
	sched_fill(&x->path[0]);
	x->path[1].rtt.srtt_ns = 100 * NSEC_PER_MSEC;
	x->path[2].state = TQUIC_PATH_SUSPECT;
	return x;
}

/* What is chosen with @unsent bytes to send */
static int ecf_pick(struct sched_fixture *x, u64 unsent)
{
	x->conn.streams.tx_mem.unsent = unsent;
	return sched_pick(x);
}

static int ecf_pick_anew(struct sched_fixture *x, u64 unsent)
{
	memset(x->conn.sched_priv, 0, sizeof(x->conn.sched_priv));
	return ecf_pick(x, unsent);
}

static void ecf_fast_first(struct kunit *test)
{
	struct sched_fixture *x = sched_make(test, &tquic_sched_ecf);

	KUNIT_EXPECT_EQ(test, ecf_pick(x, 1 << 20), 0);
	sched_pace(&x->path[0]);
	KUNIT_EXPECT_EQ(test, ecf_pick(x, 1 << 20), -1);
	sched_fill(&x->path[0]);
	KUNIT_EXPECT_EQ(test, ecf_pick(x, 1 << 20), 1);
	sched_pace(&x->path[1]);
	KUNIT_EXPECT_EQ(test, ecf_pick(x, 1 << 20), -1);
}

static void ecf_inequalities(struct kunit *test)
{
	struct sched_fixture *x = ecf_make(test);

	KUNIT_EXPECT_EQ(test, ecf_pick_anew(x, 0), -1);
	/* The fast path alone would need as long as the slow one does. */
	KUNIT_EXPECT_EQ(test, ecf_pick_anew(x, 58879), -1);
	KUNIT_EXPECT_EQ(test, ecf_pick_anew(x, 58880), 1);
	/* There is more than that as long as the send buffer is full. */
	x->conn.tx_full = true;
	KUNIT_EXPECT_EQ(test, ecf_pick_anew(x, 58879), 1);
	x->conn.tx_full = false;
	/* What datagrams take counts as well. */
	x->conn.dgram_tx_bytes = 58880 - 10000;
	KUNIT_EXPECT_EQ(test, ecf_pick_anew(x, 9999), -1);
	KUNIT_EXPECT_EQ(test, ecf_pick_anew(x, 10000), 1);
	x->conn.dgram_tx_bytes = 0;
	/* The slow path would be done within two round trips of the fast one. */
	x->path[1].rtt.srtt_ns = 39 * NSEC_PER_MSEC;
	x->path[1].cc.cwnd = 7360;
	KUNIT_EXPECT_EQ(test, ecf_pick_anew(x, 0), 1);
	KUNIT_EXPECT_EQ(test, ecf_pick_anew(x, 7548), 1);
	KUNIT_EXPECT_EQ(test, ecf_pick_anew(x, 7549), -1);
	/* However little there is, one of its own is what it needs. */
	x->path[1].rtt.srtt_ns = 40 * NSEC_PER_MSEC;
	KUNIT_EXPECT_EQ(test, ecf_pick_anew(x, 0), -1);
}

/* A fast path whose pacer holds it back for longer than a round trip of the slow one */
static void ecf_not_for_ever(struct kunit *test)
{
	struct sched_fixture *x = ecf_make(test);

	KUNIT_EXPECT_EQ(test, ecf_pick_anew(x, 20000), -1);
	x->path[0].pacer.next_ns = SCHED_NOW + x->path[1].rtt.srtt_ns;
	KUNIT_EXPECT_EQ(test, ecf_pick_anew(x, 20000), -1);
	x->path[0].pacer.next_ns++;
	KUNIT_EXPECT_EQ(test, ecf_pick_anew(x, 20000), 1);
}

/* The larger deviation of the two counts, on both sides */
static void ecf_jitter(struct kunit *test)
{
	struct sched_fixture *x = ecf_make(test);
	u32 i;

	x->path[1].rtt.srtt_ns = 89 * NSEC_PER_MSEC;
	for (i = 0; i < 2; i++) {
		x->path[i].rtt.rttvar_ns = 50 * NSEC_PER_MSEC;
		x->path[!i].rtt.rttvar_ns = 10 * NSEC_PER_MSEC;
		KUNIT_EXPECT_EQ(test, ecf_pick_anew(x, 14885), 1);
		KUNIT_EXPECT_EQ(test, ecf_pick_anew(x, 14886), -1);
		KUNIT_EXPECT_EQ(test, ecf_pick_anew(x, 87583), -1);
		KUNIT_EXPECT_EQ(test, ecf_pick_anew(x, 87584), 1);
	}
}

/* Where the operator allows less than the window does, that is how fast it will be done. */
static void ecf_rates(struct kunit *test)
{
	struct sched_fixture *x = ecf_make(test);

	/* A tenth of what the window allows: the 480 ms that are left are 35328 bytes. */
	x->path[0].rate_cap = 73600;
	KUNIT_ASSERT_TRUE(test, tquic_path_rated(&x->path[0]));
	x->path[1].rtt.srtt_ns = 500 * NSEC_PER_MSEC;
	KUNIT_EXPECT_EQ(test, ecf_pick_anew(x, 20000), -1);
	KUNIT_EXPECT_EQ(test, ecf_pick_anew(x, 35327), -1);
	KUNIT_EXPECT_EQ(test, ecf_pick_anew(x, 35328), 1);
	/* The slow one: not done with 2944 bytes in two round trips of the fast path */
	x->path[0].rate_cap = 0;
	x->path[1].rtt.srtt_ns = 39 * NSEC_PER_MSEC;
	x->path[1].rate_cap = 73600;
	KUNIT_EXPECT_EQ(test, ecf_pick_anew(x, 2943), 1);
	KUNIT_EXPECT_EQ(test, ecf_pick_anew(x, 2944), -1);
}

/* Having waited, it goes on waiting up to a quarter more */
static void ecf_hysteresis(struct kunit *test)
{
	struct sched_fixture *x = ecf_make(test);

	KUNIT_EXPECT_EQ(test, ecf_pick(x, 60000), 1);
	KUNIT_EXPECT_EQ(test, ecf_pick(x, 20000), -1);
	KUNIT_EXPECT_EQ(test, ecf_pick(x, 60000), -1);
	KUNIT_EXPECT_EQ(test, ecf_pick(x, 77279), -1);
	/* The second inequality does not end the waiting. */
	x->path[1].rtt.srtt_ns = 39 * NSEC_PER_MSEC;
	KUNIT_EXPECT_EQ(test, ecf_pick(x, 100), 1);
	x->path[1].rtt.srtt_ns = 100 * NSEC_PER_MSEC;
	KUNIT_EXPECT_EQ(test, ecf_pick(x, 60000), -1);
	KUNIT_EXPECT_EQ(test, ecf_pick(x, 77280), 1);
	KUNIT_EXPECT_EQ(test, ecf_pick(x, 60000), 1);
}

static struct kunit_case ecf_cases[] = {
	KUNIT_CASE(ecf_fast_first),
	KUNIT_CASE(ecf_inequalities),
	KUNIT_CASE(ecf_not_for_ever),
	KUNIT_CASE(ecf_jitter),
	KUNIT_CASE(ecf_rates),
	KUNIT_CASE(ecf_hysteresis),
	{}
};

static struct kunit_suite ecf_suite = {
	.name = "tquic-ecf",
	.test_cases = ecf_cases,
};

kunit_test_suites(&ecf_suite);
