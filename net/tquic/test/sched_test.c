// SPDX-License-Identifier: GPL-2.0
/* Schedulers: the registry, handing over, and what minrtt chooses. */
#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/string.h>

#include "core/conn.h"
#include "core/path.h"
#include "core/rec.h"
#include "sched/sched.h"
#include "test/sched.h"

static void sched_minrtt_order(struct kunit *test)
{
	struct sched_fixture *x = sched_make(test, &tquic_sched_minrtt);

	KUNIT_EXPECT_EQ(test, sched_pick(x), 0);
	x->path[0].rtt.srtt_ns = 50 * NSEC_PER_MSEC;
	KUNIT_EXPECT_EQ(test, sched_pick(x), 1);
	/* Less than a packet of room is none. */
	tquic_cc_on_sent(&x->path[1].cc, x->path[1].cc.cwnd - SCHED_MTU + 1, SCHED_NOW);
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
	struct sched_fixture *x = sched_make(test, &tquic_sched_minrtt);
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
	struct sched_fixture *x = sched_make(test, &tquic_sched_minrtt);

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
	struct sched_fixture *x = sched_make(test, &tquic_sched_minrtt);
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
	struct sched_fixture *x = sched_make(test, &tquic_sched_minrtt);
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
	static struct tquic_sched one = {
		.entry.name = "test-one", .entry.owner = THIS_MODULE, .get_path = sched_none,
	};
	static struct tquic_sched same = {
		.entry.name = "test-one", .entry.owner = THIS_MODULE, .get_path = sched_none,
	};
	const struct tquic_sched *found;

	same.get_path = NULL;
	KUNIT_EXPECT_EQ(test, tquic_sched_register(&same), -EINVAL);
	same.get_path = sched_none;
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

/* The list has every name once, and an end */
static void sched_names(struct kunit *test)
{
	static struct tquic_sched one = {
		.entry.name = "test-one", .entry.owner = THIS_MODULE, .get_path = sched_none,
	};
	char name[TQUIC_NAME_LEN];
	u32 i, before = 0, found = 0;

	while (tquic_catalog_name(&tquic_sched_catalog, before, name))
		before++;
	KUNIT_ASSERT_EQ(test, tquic_sched_register(&one), 0);
	for (i = 0; tquic_catalog_name(&tquic_sched_catalog, i, name); i++)
		found += !strcmp(name, "test-one");
	KUNIT_EXPECT_EQ(test, i, before + 1);
	KUNIT_EXPECT_EQ(test, found, 1);
	tquic_sched_unregister(&one);
}

/* What one scheduler remembers is not the next one's */
static void sched_assign(struct kunit *test)
{
	static struct tquic_sched one = {
		.entry.name = "test-one", .entry.owner = THIS_MODULE, .get_path = sched_none,
	};
	struct sched_fixture *x = sched_make(test, &one);
	const struct tquic_sched *ops;
	u32 i;

	KUNIT_ASSERT_EQ(test, tquic_sched_register(&one), 0);
	for (i = 0; i < 2; i++) {
		ops = tquic_sched_get("test-one");
		KUNIT_ASSERT_NOT_NULL(test, ops);
		memset(x->conn.sched_priv, 0xff, sizeof(x->conn.sched_priv));
		tquic_sched_assign(&x->conn, ops);
		KUNIT_EXPECT_PTR_EQ(test, x->conn.sched, ops);
		KUNIT_EXPECT_NULL(test, memchr_inv(x->conn.sched_priv, 0,
						   sizeof(x->conn.sched_priv)));
	}
	tquic_sched_put(x->conn.sched);
	tquic_sched_unregister(&one);
}

/* Backups come when too few others work, metered paths when too few of both do */
static void sched_tiers(struct kunit *test)
{
	struct sched_fixture *x = sched_make(test, &tquic_sched_minrtt);

	x->path[1].backup = true;
	x->path[2].metered = true;
	KUNIT_EXPECT_EQ(test, tquic_sched_candidates(&x->conn), BIT(0));
	x->conn.tune.min_legs = 2;
	KUNIT_EXPECT_EQ(test, tquic_sched_candidates(&x->conn), BIT(0) | BIT(1));
	x->conn.tune.min_legs = 3;
	KUNIT_EXPECT_EQ(test, tquic_sched_candidates(&x->conn), BIT(0) | BIT(1) | BIT(2));
	x->conn.tune.min_legs = 16;
	KUNIT_EXPECT_EQ(test, tquic_sched_candidates(&x->conn), BIT(0) | BIT(1) | BIT(2));
	x->conn.tune.min_legs = 1;
	x->path[0].state = TQUIC_PATH_SUSPECT;
	KUNIT_EXPECT_EQ(test, tquic_sched_candidates(&x->conn), BIT(1));
	/* Metered counts, whatever else is said of the path. */
	x->path[2].backup = true;
	x->path[2].peer_backup = true;
	KUNIT_EXPECT_EQ(test, tquic_sched_candidates(&x->conn), BIT(1));
	x->path[1].state = TQUIC_PATH_SUSPECT;
	KUNIT_EXPECT_EQ(test, tquic_sched_candidates(&x->conn), BIT(2));
	x->path[2].state = TQUIC_PATH_SUSPECT;
	KUNIT_EXPECT_EQ(test, tquic_sched_candidates(&x->conn), 0);
}

/* A path with a limit below what its window allows is full when its pacer says so */
static void sched_rate_cap(struct kunit *test)
{
	struct sched_fixture *x = sched_make(test, &tquic_sched_minrtt);
	struct tquic_path *path = &x->path[0];
	u64 free = tquic_path_pacing_rate(path);
	int i;

	path->rate_cap = free + 1;
	KUNIT_EXPECT_EQ(test, tquic_path_pacing_rate(path), free);
	KUNIT_EXPECT_FALSE(test, tquic_path_rated(path));
	path->rate_cap = free / 4;
	KUNIT_EXPECT_EQ(test, tquic_path_pacing_rate(path), free / 4);
	KUNIT_EXPECT_EQ(test, tquic_path_rate(path), free / 4);
	KUNIT_EXPECT_TRUE(test, tquic_path_rated(path));
	KUNIT_EXPECT_EQ(test, sched_pick(x), 0);
	for (i = 0; i < 12; i++)
		tquic_pacer_on_sent(&path->pacer, SCHED_MTU, SCHED_NOW, free / 4, SCHED_MTU);
	KUNIT_EXPECT_TRUE(test, tquic_sched_room(path));
	KUNIT_EXPECT_TRUE(test, tquic_sched_full(path, SCHED_NOW));
	KUNIT_EXPECT_EQ(test, sched_pick(x), 1);
	/* Without pacing the limit holds as well. */
	path->pacing = false;
	KUNIT_EXPECT_EQ(test, tquic_path_pacing_rate(path), free / 4);
	KUNIT_EXPECT_EQ(test, sched_pick(x), 1);
	path->rate_cap = 0;
	KUNIT_EXPECT_EQ(test, sched_pick(x), 0);
}

/* What is not paced is not limited by a rate, whatever its controller reckons. */
static void sched_not_rated(struct kunit *test)
{
	struct sched_fixture *x = sched_make(test, &tquic_sched_minrtt);
	struct tquic_path *path = &x->path[0];

	tquic_cc_init(&path->cc, &tquic_cc_bbr, SCHED_MTU, SCHED_NOW);
	KUNIT_EXPECT_TRUE(test, tquic_path_rated(path));
	path->pacing = false;
	KUNIT_EXPECT_EQ(test, tquic_path_pacing_rate(path), 0);
	KUNIT_EXPECT_FALSE(test, tquic_path_rated(path));
}

/* No limit is so large that what it allows in the longest round trip overflows. */
static void sched_rate_cap_bounded(struct kunit *test)
{
	struct sched_fixture *x = sched_make(test, &tquic_sched_blest);

	x->path[0].pacing = false;
	x->path[1].rtt.srtt_ns = 3600ULL * NSEC_PER_SEC;
	tquic_path_set_rate_cap(&x->path[0], U64_MAX);
	KUNIT_EXPECT_EQ(test, x->path[0].rate_cap, TQUIC_PATH_RATE_MAX);
	KUNIT_EXPECT_TRUE(test, tquic_path_rated(&x->path[0]));
	sched_fill(&x->path[0]);
	x->path[2].state = TQUIC_PATH_SUSPECT;
	KUNIT_EXPECT_EQ(test, sched_pick(x), -1);
}

static int sched_freed;

static void sched_free(struct tquic_entry *e)
{
	sched_freed++;
}

/* One that may go before its module does: its last user frees it */
static void sched_outlived(struct kunit *test)
{
	static struct tquic_sched one = {
		.entry.name = "test-one", .entry.owner = THIS_MODULE, .entry.free = sched_free,
		.get_path = sched_none,
	};
	const struct tquic_sched *held;

	sched_freed = 0;
	refcount_set(&one.entry.users, 1);
	KUNIT_ASSERT_EQ(test, tquic_sched_register(&one), 0);
	held = tquic_sched_get("test-one");
	KUNIT_ASSERT_PTR_EQ(test, held, &one);
	KUNIT_EXPECT_EQ(test, refcount_read(&one.entry.users), 2);
	tquic_sched_unregister(&one);
	KUNIT_EXPECT_FALSE(test, refcount_dec_and_test(&one.entry.users));
	tquic_sched_put(held);
	KUNIT_EXPECT_EQ(test, sched_freed, 1);
	/* On its way out it is not to be had. */
	KUNIT_ASSERT_EQ(test, tquic_sched_register(&one), 0);
	KUNIT_EXPECT_NULL(test, tquic_sched_get("test-one"));
	tquic_sched_unregister(&one);
	KUNIT_EXPECT_EQ(test, sched_freed, 1);
}

/* Whom the sides agreed on, and who is the fastest of them */
static void sched_candidates(struct kunit *test)
{
	struct sched_fixture *x = sched_make(test, &tquic_sched_minrtt);

	KUNIT_EXPECT_EQ(test, tquic_sched_candidates(&x->conn), 7);
	x->path[0].peer_backup = true;
	KUNIT_EXPECT_EQ(test, tquic_sched_candidates(&x->conn), 6);
	KUNIT_EXPECT_PTR_EQ(test, tquic_sched_fastest(&x->conn, 6, true, SCHED_NOW), &x->path[1]);
	sched_fill(&x->path[1]);
	KUNIT_EXPECT_PTR_EQ(test, tquic_sched_fastest(&x->conn, 6, true, SCHED_NOW), &x->path[2]);
	KUNIT_EXPECT_PTR_EQ(test, tquic_sched_fastest(&x->conn, 6, false, SCHED_NOW), &x->path[1]);
	KUNIT_EXPECT_NULL(test, tquic_sched_fastest(&x->conn, 2, true, SCHED_NOW));
	x->path[1].state = TQUIC_PATH_SUSPECT;
	x->path[2].backup = true;
	KUNIT_EXPECT_EQ(test, tquic_sched_candidates(&x->conn), 5);
	x->path[0].state = TQUIC_PATH_ABANDONED;
	x->path[2].state = TQUIC_PATH_SUSPECT;
	KUNIT_EXPECT_EQ(test, tquic_sched_candidates(&x->conn), 0);
}

static struct kunit_case sched_cases[] = {
	KUNIT_CASE(sched_minrtt_order),
	KUNIT_CASE(sched_minrtt_states),
	KUNIT_CASE(sched_minrtt_backup),
	KUNIT_CASE(sched_minrtt_paced),
	KUNIT_CASE(sched_minrtt_rate_full),
	KUNIT_CASE(sched_registry),
	KUNIT_CASE(sched_names),
	KUNIT_CASE(sched_assign),
	KUNIT_CASE(sched_tiers),
	KUNIT_CASE(sched_rate_cap),
	KUNIT_CASE(sched_not_rated),
	KUNIT_CASE(sched_rate_cap_bounded),
	KUNIT_CASE(sched_outlived),
	KUNIT_CASE(sched_candidates),
	{}
};

static struct kunit_suite sched_suite = {
	.name = "tquic-sched",
	.suite_init = sched_suite_init,
	.suite_exit = sched_suite_exit,
	.test_cases = sched_cases,
};

kunit_test_suites(&sched_suite);
