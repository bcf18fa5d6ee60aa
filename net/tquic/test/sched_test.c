// SPDX-License-Identifier: GPL-2.0
/* Schedulers: the registry, and what minrtt chooses. */
#include <kunit/test.h>
#include <linux/errno.h>

#include "core/conn.h"
#include "core/path.h"
#include "core/rec.h"
#include "sched/sched.h"

#define SCHED_NOW	((u64)NSEC_PER_SEC)

/* A connection of three paths that only a scheduler looks at */
struct sched_fixture {
	struct tquic_conn conn;
	struct tquic_path path[3];
};

static struct sched_fixture *sched_make(struct kunit *test)
{
	struct sched_fixture *x = kunit_kzalloc(test, sizeof(*x), GFP_KERNEL);
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, x);
	for (i = 0; i < 3; i++) {
		x->path[i].id = i;
		x->path[i].index = i;
		x->path[i].state = TQUIC_PATH_ACTIVE;
		x->path[i].validated = true;
		x->path[i].mtu_bytes = 1472;
		tquic_rtt_init(&x->path[i].rtt, TQUIC_RTT_INITIAL_NS);
		tquic_rtt_update(&x->path[i].rtt, SCHED_NOW, (i + 1) * 20 * NSEC_PER_MSEC, 0, 0);
		tquic_cc_init(&x->path[i].cc, &tquic_cc_newreno, 1472, SCHED_NOW);
		tquic_pacer_init(&x->path[i].pacer);
		RCU_INIT_POINTER(x->conn.paths[i], &x->path[i]);
	}
	return x;
}

/* Path id minrtt chooses, -1 for none */
static int sched_pick(struct sched_fixture *x)
{
	const struct tquic_path *path = tquic_sched_minrtt.get_path(&x->conn, SCHED_NOW);

	return path ? path->id : -1;
}

static void sched_fill(struct tquic_path *path)
{
	tquic_cc_on_sent(&path->cc, path->cc.cwnd, SCHED_NOW);
}

static void sched_minrtt_order(struct kunit *test)
{
	struct sched_fixture *x = sched_make(test);

	KUNIT_EXPECT_EQ(test, sched_pick(x), 0);
	x->path[0].rtt.srtt_ns = 50 * NSEC_PER_MSEC;
	KUNIT_EXPECT_EQ(test, sched_pick(x), 1);
	/* Less than a packet of room is none. */
	tquic_cc_on_sent(&x->path[1].cc, x->path[1].cc.cwnd - 1471, SCHED_NOW);
	KUNIT_EXPECT_EQ(test, sched_pick(x), 0);
	sched_fill(&x->path[0]);
	KUNIT_EXPECT_EQ(test, sched_pick(x), 2);
	sched_fill(&x->path[2]);
	KUNIT_EXPECT_EQ(test, sched_pick(x), -1);
	tquic_cc_on_discard(&x->path[1].cc, 1, SCHED_NOW);
	KUNIT_EXPECT_EQ(test, sched_pick(x), 1);
}

static void sched_minrtt_states(struct kunit *test)
{
	static const u8 unfit[] = {
		TQUIC_PATH_UNUSED, TQUIC_PATH_VALIDATING, TQUIC_PATH_SUSPECT,
		TQUIC_PATH_ABANDONED,
	};
	struct sched_fixture *x = sched_make(test);
	u32 i;

	for (i = 0; i < ARRAY_SIZE(unfit); i++) {
		x->path[0].state = unfit[i];
		KUNIT_EXPECT_EQ(test, sched_pick(x), 1);
	}
	x->path[1].state = TQUIC_PATH_SUSPECT;
	x->path[2].state = TQUIC_PATH_SUSPECT;
	KUNIT_EXPECT_EQ(test, sched_pick(x), -1);
}

/* Backup paths wait while any other can be used, full or not */
static void sched_minrtt_backup(struct kunit *test)
{
	struct sched_fixture *x = sched_make(test);

	x->path[0].backup = true;
	KUNIT_EXPECT_EQ(test, sched_pick(x), 1);
	x->path[1].peer_backup = true;
	KUNIT_EXPECT_EQ(test, sched_pick(x), 2);
	sched_fill(&x->path[2]);
	KUNIT_EXPECT_EQ(test, sched_pick(x), -1);
	x->path[2].state = TQUIC_PATH_SUSPECT;
	KUNIT_EXPECT_EQ(test, sched_pick(x), 0);
	/* All are backup: no guidance. */
	x->path[2].state = TQUIC_PATH_ACTIVE;
	x->path[2].backup = true;
	KUNIT_EXPECT_EQ(test, sched_pick(x), 0);
	sched_fill(&x->path[0]);
	KUNIT_EXPECT_EQ(test, sched_pick(x), 1);
}

static int sched_suite_init(struct kunit_suite *suite)
{
	return tquic_rec_cache_init();
}

static void sched_suite_exit(struct kunit_suite *suite)
{
	tquic_rec_cache_exit();
}

/* A path that waits for its pacer is waited for: the gap is short */
static void sched_minrtt_paced(struct kunit *test)
{
	struct sched_fixture *x = sched_make(test);
	struct tquic_path *path = &x->path[0];
	u64 rate;
	int i;

	rate = tquic_cc_pacing_rate(&path->cc, &path->rtt);
	for (i = 0; i < 9; i++)
		tquic_pacer_on_sent(&path->pacer, 1472, SCHED_NOW, rate, 1472);
	KUNIT_EXPECT_FALSE(test, tquic_sched_paced(path, SCHED_NOW));
	KUNIT_EXPECT_EQ(test, sched_pick(x), 0);
	for (i = 0; i < 3; i++)
		tquic_pacer_on_sent(&path->pacer, 1472, SCHED_NOW, rate, 1472);
	KUNIT_EXPECT_TRUE(test, tquic_sched_paced(path, SCHED_NOW));
	KUNIT_EXPECT_EQ(test, sched_pick(x), -1);
	sched_fill(path);
	KUNIT_EXPECT_EQ(test, sched_pick(x), 1);
}

/* With a pacing rate of its own the window is never used up: the pacer says who is full */
static void sched_minrtt_rate_full(struct kunit *test)
{
	struct sched_fixture *x = sched_make(test);
	struct tquic_path *path = &x->path[0];
	u64 rate;
	int i;

	tquic_cc_switch(&path->cc, &tquic_cc_bbr, SCHED_NOW);
	rate = tquic_cc_pacing_rate(&path->cc, &path->rtt);
	KUNIT_EXPECT_FALSE(test, tquic_sched_full(path, SCHED_NOW));
	KUNIT_EXPECT_EQ(test, sched_pick(x), 0);
	for (i = 0; i < 12; i++)
		tquic_pacer_on_sent(&path->pacer, 1472, SCHED_NOW, rate, 1472);
	KUNIT_EXPECT_TRUE(test, tquic_sched_room(path));
	KUNIT_EXPECT_TRUE(test, tquic_sched_full(path, SCHED_NOW));
	KUNIT_EXPECT_EQ(test, sched_pick(x), 1);
	tquic_cc_switch(&path->cc, &tquic_cc_newreno, SCHED_NOW);
	KUNIT_EXPECT_FALSE(test, tquic_sched_full(path, SCHED_NOW));
	sched_fill(path);
	KUNIT_EXPECT_TRUE(test, tquic_sched_full(path, SCHED_NOW));
}

static struct tquic_path *sched_none(struct tquic_conn *conn, u64 now)
{
	return NULL;
}

static void sched_registry(struct kunit *test)
{
	static struct tquic_sched_ops one = {
		.name = "test-one", .owner = THIS_MODULE, .get_path = sched_none,
	};
	static struct tquic_sched_ops same = {
		.name = "test-one", .owner = THIS_MODULE, .get_path = sched_none,
	};
	const struct tquic_sched_ops *found;

	KUNIT_EXPECT_NULL(test, tquic_sched_get("test-one"));
	KUNIT_ASSERT_EQ(test, tquic_sched_register(&one), 0);
	KUNIT_EXPECT_EQ(test, tquic_sched_register(&same), -EEXIST);
	KUNIT_EXPECT_NULL(test, tquic_sched_get("test"));
	found = tquic_sched_get("test-one");
	KUNIT_EXPECT_PTR_EQ(test, found, &one);
	if (found)
		tquic_sched_put(found);
	tquic_sched_unregister(&one);
	KUNIT_EXPECT_NULL(test, tquic_sched_get("test-one"));
}

static struct kunit_case sched_cases[] = {
	KUNIT_CASE(sched_minrtt_order),
	KUNIT_CASE(sched_minrtt_states),
	KUNIT_CASE(sched_minrtt_backup),
	KUNIT_CASE(sched_minrtt_paced),
	KUNIT_CASE(sched_minrtt_rate_full),
	KUNIT_CASE(sched_registry),
	{}
};

static struct kunit_suite sched_suite = {
	.name = "tquic-sched",
	.suite_init = sched_suite_init,
	.suite_exit = sched_suite_exit,
	.test_cases = sched_cases,
};

kunit_test_suites(&sched_suite);
