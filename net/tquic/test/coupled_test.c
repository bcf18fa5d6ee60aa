// SPDX-License-Identifier: GPL-2.0
/* Suite of cc/coupled.c: LIA, OLIA and BALIA on cases computed by hand, and their bounds. */
#include <kunit/test.h>
#include <linux/limits.h>
#include <linux/prandom.h>
#include <linux/string.h>
#include <linux/time64.h>

#include "cc/cc.h"

#define MSS	1200
#define MS	((u64)NSEC_PER_MSEC)
#define SEC	((u64)NSEC_PER_SEC)
#define PATHS	3

static const struct tquic_cc_ops *const coupled_ops[] = {
	&tquic_cc_lia, &tquic_cc_olia, &tquic_cc_balia,
};

struct coupled {
	struct tquic_cc_group group;
	struct tquic_cc cc[PATHS];
	struct tquic_rtt rtt[PATHS];
};

static struct coupled *begin(struct kunit *test, const struct tquic_cc_ops *ops)
{
	struct coupled *x = kunit_kzalloc(test, sizeof(*x), GFP_KERNEL);
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, x);
	tquic_cc_group_init(&x->group);
	for (i = 0; i < PATHS; i++)
		tquic_cc_init(&x->cc[i], ops, MSS, SEC);
	return x;
}

/* A path in congestion avoidance that carries more than any case acknowledges */
static void path(struct coupled *x, u32 i, u64 cwnd, u64 srtt_ns)
{
	x->cc[i].in_flight = 1ULL << 40;
	x->cc[i].cwnd = cwnd;
	x->cc[i].ssthresh = 0;
	x->rtt[i].srtt_ns = srtt_ns;
	tquic_cc_join(&x->cc[i], &x->group, &x->rtt[i]);
}

static void ack(struct coupled *x, u32 i, u64 bytes)
{
	struct tquic_cc_ack a = {
		.now = 3 * SEC,
		.bytes = bytes,
		.sent_ns = 2 * SEC,
		.rtt = &x->rtt[i],
		.cwnd_limited = true,
	};

	tquic_cc_on_ack(&x->cc[i], &a);
}

/* What a window's worth of ACKs adds; the state is put back */
static s64 growth(struct coupled *x, u32 i)
{
	struct tquic_cc before = x->cc[i];
	s64 grown;

	ack(x, i, before.cwnd);
	grown = (s64)(x->cc[i].cwnd - before.cwnd);
	x->cc[i].cwnd = before.cwnd;
	memcpy(x->cc[i].priv, before.priv, sizeof(before.priv));
	return grown;
}

static void lost(struct coupled *x, u32 i, u64 sent_ns)
{
	struct tquic_cc_loss l = {
		.now = sent_ns + 1, .bytes = MSS, .sent_ns = sent_ns, .pkts = 1,
	};

	tquic_cc_on_lost(&x->cc[i], &l);
	/* The next ACK is one of the time after recovery. */
	x->cc[i].recovery_start_ns = 0;
}

static void lia_values(struct kunit *test)
{
	struct coupled *x = begin(test, &tquic_cc_lia);

	/* Two equal ones: alpha is 1/2, each grows by a quarter packet. */
	path(x, 0, 12000, 100 * MS);
	path(x, 1, 12000, 100 * MS);
	KUNIT_EXPECT_EQ(test, growth(x, 0), 300);
	KUNIT_EXPECT_EQ(test, growth(x, 1), 300);
	/* Equal rates at RTTs of 1 to 3: the shorter one is the best path. */
	path(x, 0, 20000, 100 * MS);
	path(x, 1, 60000, 300 * MS);
	KUNIT_EXPECT_EQ(test, growth(x, 0), 300);
	KUNIT_EXPECT_EQ(test, growth(x, 1), 900);
	/* At 1 to 10 the formula gives 2.5 packets: Reno's one is the limit. */
	path(x, 1, 200000, 1000 * MS);
	KUNIT_EXPECT_EQ(test, growth(x, 1), MSS);
	/* Windows of 2 to 1 at the same RTT: 2/3 and 1/3 of 2/3 */
	path(x, 0, 24000, 100 * MS);
	path(x, 1, 12000, 100 * MS);
	KUNIT_EXPECT_EQ(test, growth(x, 0), 533);
	KUNIT_EXPECT_EQ(test, growth(x, 1), 266);
	lost(x, 0, 4 * SEC);
	KUNIT_EXPECT_EQ(test, x->cc[0].cwnd, 12000);
	KUNIT_EXPECT_EQ(test, x->cc[0].ssthresh, 12000);
}

static void olia_values(struct kunit *test)
{
	struct coupled *x = begin(test, &tquic_cc_olia);
	s64 taken;

	path(x, 0, 12000, 100 * MS);
	path(x, 1, 12000, 100 * MS);
	KUNIT_EXPECT_EQ(test, growth(x, 0), 300);
	KUNIT_EXPECT_EQ(test, growth(x, 1), 300);
	/*
	 * The second now has the better record, the first the larger window:
	 * 4/9 - 1/2 and 1/9 + 1/2 packets.
	 */
	path(x, 0, 24000, 100 * MS);
	path(x, 1, 12000, 100 * MS);
	ack(x, 1, 12000);
	ack(x, 1, 12000);
	x->cc[1].cwnd = 12000;
	taken = growth(x, 1);
	KUNIT_EXPECT_GE(test, taken, 733);
	KUNIT_EXPECT_LE(test, taken, 734);
	taken = growth(x, 0);
	KUNIT_EXPECT_LE(test, taken, -66);
	KUNIT_EXPECT_GE(test, taken, -67);
	/* Three paths; the one that is neither keeps to its share: 1/4 of 1/4. */
	path(x, 2, 12000, 100 * MS);
	KUNIT_EXPECT_EQ(test, growth(x, 2), 75);
	/* What was let through before the last loss still counts ... */
	lost(x, 1, 4 * SEC);
	x->cc[1].cwnd = 12000;
	x->cc[1].ssthresh = 0;
	KUNIT_EXPECT_GT(test, growth(x, 1), growth(x, 2));
	/* ... but not what was before the last two. */
	lost(x, 1, 5 * SEC);
	lost(x, 1, 6 * SEC);
	x->cc[1].cwnd = 12000;
	x->cc[1].ssthresh = 0;
	ack(x, 0, 24000);
	x->cc[0].cwnd = 24000;
	KUNIT_EXPECT_GT(test, growth(x, 0), 0);
}

/* A record counts as the rate that TCP would have: here five times as much on the first */
static void olia_best_path(struct kunit *test)
{
	struct coupled *x = begin(test, &tquic_cc_olia);

	path(x, 0, 24000, 10 * MS);
	path(x, 1, 12000, 100 * MS);
	ack(x, 0, 1000000);
	ack(x, 1, 4000000);
	path(x, 0, 24000, 10 * MS);
	path(x, 1, 12000, 100 * MS);
	/* (20/21)^2 packets and nothing taken off: the largest window is the best path's. */
	KUNIT_EXPECT_EQ(test, growth(x, 0), 1088);
	/* Four times as many bytes at twice the round trip are as good; here more. */
	x->rtt[1].srtt_ns = 20 * MS;
	ack(x, 1, 400000);
	x->cc[1].cwnd = 12000;
	KUNIT_EXPECT_LT(test, growth(x, 0), 300);
}

/* What OLIA moves elsewhere right after a loss does not come back by slow start. */
static void olia_no_slow_start(struct kunit *test)
{
	struct coupled *x = begin(test, &tquic_cc_olia);
	u32 i;

	path(x, 0, 24000, 100 * MS);
	path(x, 1, 12000, 100 * MS);
	ack(x, 1, 1 << 30);
	x->cc[1].cwnd = 12000;
	x->cc[0].ssthresh = 24000;
	for (i = 0; i < 100; i++)
		ack(x, 0, 2 * MSS);
	KUNIT_EXPECT_LT(test, x->cc[0].cwnd, 24000);
	KUNIT_EXPECT_LE(test, x->cc[0].ssthresh, x->cc[0].cwnd);
}

/* A loss that was none gives the record back. */
static void olia_undo(struct kunit *test)
{
	struct coupled *x = begin(test, &tquic_cc_olia);
	s64 before;

	path(x, 0, 24000, 100 * MS);
	path(x, 1, 12000, 100 * MS);
	ack(x, 1, 12000);
	ack(x, 1, 12000);
	x->cc[1].cwnd = 12000;
	before = growth(x, 1);
	lost(x, 1, 4 * SEC);
	lost(x, 1, 5 * SEC);
	tquic_cc_on_spurious(&x->cc[1], 1, 5 * SEC, 6 * SEC);
	x->cc[1].cwnd = 12000;
	x->cc[1].ssthresh = 0;
	KUNIT_EXPECT_GE(test, growth(x, 1), before - 1);
}

static void balia_values(struct kunit *test)
{
	struct coupled *x = begin(test, &tquic_cc_balia);

	path(x, 0, 24000, 100 * MS);
	path(x, 1, 12000, 100 * MS);
	/* (2/3 + 2/3)(8/3 + 2/3)/10 and (1/3 + 2/3)(4/3 + 2/3)/10 packets */
	KUNIT_EXPECT_EQ(test, growth(x, 0), 533);
	KUNIT_EXPECT_EQ(test, growth(x, 1), 239);
	lost(x, 0, 4 * SEC);
	KUNIT_EXPECT_EQ(test, x->cc[0].cwnd, 12000);
	/* Twice as slow as the fastest: by 3/4 */
	path(x, 0, 24000, 100 * MS);
	lost(x, 1, 4 * SEC);
	KUNIT_EXPECT_EQ(test, x->cc[1].cwnd, 3000);
	KUNIT_EXPECT_EQ(test, x->cc[1].ssthresh, 3000);
	/* By 6/5 of a half */
	path(x, 0, 24000, 100 * MS);
	path(x, 1, 20000, 100 * MS);
	lost(x, 1, 5 * SEC);
	KUNIT_EXPECT_GE(test, x->cc[1].cwnd, 7999);
	KUNIT_EXPECT_LE(test, x->cc[1].cwnd, 8001);
	/* In no group: as Reno */
	tquic_cc_part(&x->cc[0]);
	x->cc[0].cwnd = 24000;
	lost(x, 0, 6 * SEC);
	KUNIT_EXPECT_EQ(test, x->cc[0].cwnd, 12000);
}

/* A single path of a connection is a Reno flow, and so is one that left its group. */
static void coupled_alone(struct kunit *test)
{
	struct coupled *x;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(coupled_ops); i++) {
		x = begin(test, coupled_ops[i]);
		path(x, 0, 12000, 100 * MS);
		KUNIT_EXPECT_EQ(test, growth(x, 0), MSS);
		path(x, 1, 12000, 100 * MS);
		KUNIT_EXPECT_EQ(test, growth(x, 0), 300);
		/* The sibling fails: what it had is free. */
		tquic_cc_part(&x->cc[1]);
		KUNIT_EXPECT_EQ(test, growth(x, 0), MSS);
		KUNIT_EXPECT_EQ(test, growth(x, 1), MSS);
	}
}

/* A path that is spared has a window, but takes nothing. */
static void coupled_spared(struct kunit *test)
{
	struct coupled *x;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(coupled_ops); i++) {
		x = begin(test, coupled_ops[i]);
		path(x, 0, 480000, 10 * MS);
		ack(x, 0, 480000);
		path(x, 0, 480000, 10 * MS);
		path(x, 1, 48000, 50 * MS);
		KUNIT_EXPECT_LT(test, growth(x, 1), MSS / 2);
		x->cc[0].in_flight = 0;
		KUNIT_EXPECT_EQ(test, growth(x, 1), MSS);
		lost(x, 1, 4 * SEC);
		KUNIT_EXPECT_EQ(test, x->cc[1].cwnd, 24000);
		/* It carries something again: as two */
		KUNIT_EXPECT_LT(test, growth(x, 0), MSS);
	}
}

/* Many small ACKs add up to what one large one gives. */
static void coupled_rest_kept(struct kunit *test)
{
	struct coupled *x;
	u32 i, k;

	for (i = 0; i < ARRAY_SIZE(coupled_ops); i++) {
		x = begin(test, coupled_ops[i]);
		path(x, 0, 1200000, 100 * MS);
		path(x, 1, 1200000, 100 * MS);
		for (k = 0; k < 1000; k++)
			ack(x, 0, MSS);
		KUNIT_EXPECT_GE(test, x->cc[0].cwnd, 1200000 + 290);
		KUNIT_EXPECT_LE(test, x->cc[0].cwnd, 1200000 + 310);
	}
}

/* So do those that take a little each, where OLIA moves a window elsewhere. */
static void olia_rest_kept(struct kunit *test)
{
	struct coupled *x = begin(test, &tquic_cc_olia);
	u32 k;

	path(x, 0, 2400000, 100 * MS);
	path(x, 1, 1200000, 100 * MS);
	for (k = 0; k < 1000; k++)
		ack(x, 1, 2 * MSS);
	for (k = 0; k < 1000; k++)
		ack(x, 0, MSS);
	KUNIT_EXPECT_LE(test, x->cc[0].cwnd, 2400000 - 31);
	KUNIT_EXPECT_GE(test, x->cc[0].cwnd, 2400000 - 35);
}

/* RFC 6356 section 3: slow start is each path's own. */
static void coupled_slow_start(struct kunit *test)
{
	struct coupled *x;
	struct tquic_cc_ack idle = { .now = 3 * SEC, .bytes = MSS, .sent_ns = 2 * SEC };
	u32 i;

	for (i = 0; i < ARRAY_SIZE(coupled_ops); i++) {
		x = begin(test, coupled_ops[i]);
		path(x, 0, 120000, 100 * MS);
		path(x, 1, 12000, 100 * MS);
		x->cc[1].ssthresh = U64_MAX;
		ack(x, 1, 3 * MSS);
		KUNIT_EXPECT_EQ(test, x->cc[1].cwnd, 13 * MSS);
		/* A window that is not used does not grow. */
		idle.rtt = &x->rtt[0];
		tquic_cc_on_ack(&x->cc[0], &idle);
		KUNIT_EXPECT_EQ(test, x->cc[0].cwnd, 120000);
	}
}

/*
 * On paths of the same RTT all together grow by no more than one flow, a packet
 * per RTT. BALIA grants each small path beside a large one a tenth of that.
 */
static void coupled_as_one(struct kunit *test)
{
	struct rnd_state rnd;
	struct coupled *x;
	s64 sum, best, most;
	u32 i, k, n;

	prandom_seed_state(&rnd, 6356);
	for (i = 0; i < ARRAY_SIZE(coupled_ops); i++) {
		x = begin(test, coupled_ops[i]);
		most = MSS + PATHS;
		if (coupled_ops[i] == &tquic_cc_balia)
			most += (PATHS - 1) * MSS / 10;
		/* Records of OLIA that are as good as they get */
		for (k = 0; k < PATHS; k++) {
			path(x, k, 12000, 50 * MS);
			ack(x, k, 1ULL << 32);
		}
		for (n = 0; n < 1000; n++) {
			for (k = 0; k < PATHS; k++)
				x->cc[k].cwnd = 2 * MSS + prandom_u32_state(&rnd) % 10000000;
			for (k = 0, sum = 0; k < PATHS; k++)
				sum += growth(x, k);
			KUNIT_EXPECT_LE(test, sum, most);
			/* A larger window never lets a path of LIA grow less. */
			best = growth(x, 0);
			x->cc[1].cwnd = x->cc[0].cwnd + MSS;
			if (coupled_ops[i] == &tquic_cc_lia)
				KUNIT_EXPECT_GE(test, growth(x, 1) + 1, growth(x, 0));
			KUNIT_EXPECT_LE(test, best, MSS);
		}
	}
}

/* Whatever RTT a peer pretends, no path is faster than Reno, and nothing divides by zero. */
static void coupled_hostile(struct kunit *test)
{
	static const u64 rtts[] = { 0, 1, 999, MS, SEC, 100000 * SEC, U64_MAX };
	static const u64 cwnds[] = { 2 * MSS, 1000000, TQUIC_CC_CWND_MAX };
	struct coupled *x;
	u32 i, a, b, v, w, k;
	s64 grown;

	for (i = 0; i < ARRAY_SIZE(coupled_ops); i++) {
		x = begin(test, coupled_ops[i]);
		for (a = 0; a < ARRAY_SIZE(rtts) * ARRAY_SIZE(cwnds); a++) {
			for (b = 0; b < ARRAY_SIZE(rtts) * ARRAY_SIZE(cwnds); b++) {
				v = a / ARRAY_SIZE(rtts);
				w = b / ARRAY_SIZE(rtts);
				path(x, 0, cwnds[v], rtts[a % ARRAY_SIZE(rtts)]);
				path(x, 1, cwnds[w], rtts[b % ARRAY_SIZE(rtts)]);
				for (k = 0; k < 2; k++) {
					grown = growth(x, k);
					KUNIT_EXPECT_LE(test, grown, MSS);
					KUNIT_EXPECT_GE(test, grown, -MSS);
				}
				lost(x, 0, 4 * SEC + (a * 1000 + b) * MS);
				KUNIT_EXPECT_GE(test, x->cc[0].cwnd, 2 * MSS);
				KUNIT_EXPECT_LE(test, x->cc[0].cwnd, max(cwnds[v] / 2, 2ULL * MSS));
			}
		}
	}
}

static struct kunit_case coupled_cases[] = {
	KUNIT_CASE(lia_values),
	KUNIT_CASE(olia_values),
	KUNIT_CASE(olia_best_path),
	KUNIT_CASE(olia_no_slow_start),
	KUNIT_CASE(olia_undo),
	KUNIT_CASE(balia_values),
	KUNIT_CASE(coupled_alone),
	KUNIT_CASE(coupled_spared),
	KUNIT_CASE(coupled_rest_kept),
	KUNIT_CASE(olia_rest_kept),
	KUNIT_CASE(coupled_slow_start),
	KUNIT_CASE(coupled_as_one),
	KUNIT_CASE(coupled_hostile),
	{}
};

static struct kunit_suite coupled_suite = {
	.name = "tquic-coupled",
	.test_cases = coupled_cases,
};

kunit_test_suites(&coupled_suite);
