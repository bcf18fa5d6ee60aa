// SPDX-License-Identifier: GPL-2.0
/* The path manager's decisions: ids, which endpoint gets a path where to, when one is given up. */
#include <kunit/test.h>
#include <linux/tquic_netlink.h>

#include "pm/pm.h"

#define SUBFLOW		TQUIC_ENDPOINT_FLAG_SUBFLOW
#define FULLMESH	TQUIC_ENDPOINT_FLAG_FULLMESH
#define BACKUP		TQUIC_ENDPOINT_FLAG_BACKUP

static void pm_ids(struct kunit *test)
{
	struct tquic_pm_ids ids = {};
	u32 i;

	KUNIT_EXPECT_EQ(test, tquic_pm_id_get(&ids, 0, 0), -ENOSPC);
	KUNIT_EXPECT_EQ(test, tquic_pm_id_get(&ids, 2, 8), 2);
	KUNIT_EXPECT_EQ(test, tquic_pm_id_get(&ids, 2, 8), -EEXIST);
	KUNIT_EXPECT_EQ(test, tquic_pm_id_get(&ids, 0, 8), 1);
	KUNIT_EXPECT_EQ(test, tquic_pm_id_get(&ids, 0, 8), 3);
	KUNIT_EXPECT_EQ(test, ids.count, 3);
	KUNIT_EXPECT_EQ(test, tquic_pm_id_get(&ids, 0, 3), -ENOSPC);
	KUNIT_EXPECT_EQ(test, tquic_pm_id_get(&ids, 9, 3), -ENOSPC);
	tquic_pm_id_put(&ids, 2);
	KUNIT_EXPECT_EQ(test, ids.count, 2);
	KUNIT_EXPECT_EQ(test, tquic_pm_id_get(&ids, 0, 3), 2);
	for (i = ids.count; i < TQUIC_PM_ID_MAX; i++)
		KUNIT_EXPECT_EQ(test, tquic_pm_id_get(&ids, 0, TQUIC_PM_ID_MAX), i + 1);
	KUNIT_EXPECT_EQ(test, ids.count, TQUIC_PM_ID_MAX);
	/* Whatever the limit, there are no more ids than that. */
	KUNIT_EXPECT_EQ(test, tquic_pm_id_get(&ids, 0, U32_MAX), -ENOSPC);
	tquic_pm_id_put(&ids, TQUIC_PM_ID_MAX);
	KUNIT_EXPECT_EQ(test, tquic_pm_id_get(&ids, TQUIC_PM_ID_MAX, U32_MAX), TQUIC_PM_ID_MAX);
}

static void pm_flags(struct kunit *test)
{
	KUNIT_EXPECT_TRUE(test, tquic_pm_flags_ok(SUBFLOW));
	KUNIT_EXPECT_TRUE(test, tquic_pm_flags_ok(SUBFLOW | BACKUP | FULLMESH));
	KUNIT_EXPECT_FALSE(test, tquic_pm_flags_ok(0));
	KUNIT_EXPECT_FALSE(test, tquic_pm_flags_ok(BACKUP));
	KUNIT_EXPECT_FALSE(test, tquic_pm_flags_ok(FULLMESH));
}

/* A connection from endpoint @key, or from elsewhere, to a v4 address of the peer. */
static struct tquic_pm_view view_of(u32 key)
{
	return (struct tquic_pm_view) {
		.peers = 1, .legs = 1, .leg = { { .key = key } },
	};
}

static void view_add(struct tquic_pm_view *view, u32 key, u8 peer, bool ours)
{
	view->leg[view->legs++] = (struct tquic_pm_leg) {
		.key = key, .peer = peer, .ours = ours,
	};
}

static void pm_one_path_each(struct kunit *test)
{
	const struct tquic_pm_limits limits = { .extra_paths = 4 };
	struct tquic_pm_endpoint ep = { .key = 7, .flags = SUBFLOW };
	struct tquic_pm_view view = view_of(0);

	KUNIT_EXPECT_EQ(test, tquic_pm_next_peer(&view, &ep, &limits, 0), 0);
	ep.flags = BACKUP;
	KUNIT_EXPECT_EQ(test, tquic_pm_next_peer(&view, &ep, &limits, 0), -ENOENT);
	ep.flags = SUBFLOW;
	view_add(&view, 7, 0, true);
	KUNIT_EXPECT_EQ(test, tquic_pm_next_peer(&view, &ep, &limits, 0), -ENOENT);
	/* Another endpoint is another matter. */
	ep.key = 8;
	KUNIT_EXPECT_EQ(test, tquic_pm_next_peer(&view, &ep, &limits, 0), 0);
	/* connect() started there, or the program added such a path. */
	view = view_of(8);
	KUNIT_EXPECT_EQ(test, tquic_pm_next_peer(&view, &ep, &limits, 0), -ENOENT);
}

static void pm_families(struct kunit *test)
{
	const struct tquic_pm_limits limits = { .extra_paths = 4 };
	struct tquic_pm_endpoint ep = { .key = 7, .flags = SUBFLOW, .v6 = true };
	struct tquic_pm_view view = view_of(0);

	KUNIT_EXPECT_EQ(test, tquic_pm_next_peer(&view, &ep, &limits, 0), -ENOENT);
	view.peer_v6[0] = true;
	KUNIT_EXPECT_EQ(test, tquic_pm_next_peer(&view, &ep, &limits, 0), 0);
	/* Only the first address of the peer counts, unless it is to be all. */
	view.peer_v6[0] = false;
	view.peer_v6[1] = true;
	view.peers = 2;
	KUNIT_EXPECT_EQ(test, tquic_pm_next_peer(&view, &ep, &limits, 0), -ENOENT);
	ep.flags |= FULLMESH;
	KUNIT_EXPECT_EQ(test, tquic_pm_next_peer(&view, &ep, &limits, 0), 1);
	view.peers = 0;
	KUNIT_EXPECT_EQ(test, tquic_pm_next_peer(&view, &ep, &limits, 0), -ENOENT);
}

static void pm_fullmesh(struct kunit *test)
{
	const struct tquic_pm_limits limits = { .extra_paths = 4 };
	struct tquic_pm_endpoint ep = { .key = 7, .flags = SUBFLOW | FULLMESH };
	struct tquic_pm_view view = view_of(0);

	view.peers = 3;
	/* What failed is passed over, to the last. */
	KUNIT_EXPECT_EQ(test, tquic_pm_next_peer(&view, &ep, &limits, 1), 1);
	KUNIT_EXPECT_EQ(test, tquic_pm_next_peer(&view, &ep, &limits, 3), -ENOENT);
	view_add(&view, 7, 1, true);
	KUNIT_EXPECT_EQ(test, tquic_pm_next_peer(&view, &ep, &limits, 1), 2);
	KUNIT_EXPECT_EQ(test, tquic_pm_next_peer(&view, &ep, &limits, 0), 0);
	view_add(&view, 7, 0, true);
	KUNIT_EXPECT_EQ(test, tquic_pm_next_peer(&view, &ep, &limits, 0), 2);
	view_add(&view, 7, 2, true);
	KUNIT_EXPECT_EQ(test, tquic_pm_next_peer(&view, &ep, &limits, 0), -ENOENT);
}

static void pm_limits(struct kunit *test)
{
	struct tquic_pm_limits limits = { .extra_paths = 0 };
	struct tquic_pm_endpoint ep = { .key = 7, .flags = SUBFLOW };
	struct tquic_pm_view view = view_of(0);

	KUNIT_EXPECT_EQ(test, tquic_pm_next_peer(&view, &ep, &limits, 0), -ENOENT);
	limits.extra_paths = 2;
	view_add(&view, 1, 0, true);
	/* The program's own paths do not count. */
	view_add(&view, 0, 0, false);
	view_add(&view, 0, 0, false);
	KUNIT_EXPECT_EQ(test, tquic_pm_next_peer(&view, &ep, &limits, 0), 0);
	view_add(&view, 2, 0, true);
	KUNIT_EXPECT_EQ(test, tquic_pm_next_peer(&view, &ep, &limits, 0), -ENOENT);
}

static void pm_gone(struct kunit *test)
{
	/* Nothing is given up while the address is there. */
	KUNIT_EXPECT_FALSE(test, tquic_pm_gone_for_good(true, true, true));
	KUNIT_EXPECT_FALSE(test, tquic_pm_gone_for_good(true, true, false));
	/* Interfaces that are down lose their IPv6 addresses for that long. */
	KUNIT_EXPECT_FALSE(test, tquic_pm_gone_for_good(false, true, false));
	KUNIT_EXPECT_TRUE(test, tquic_pm_gone_for_good(false, true, true));
	KUNIT_EXPECT_TRUE(test, tquic_pm_gone_for_good(false, false, false));
}

/* What is wanted of an endpoint's path is kept, the newest, for so many endpoints. */
static void pm_wishes(struct kunit *test)
{
	struct tquic_pm_wishes wishes = {};
	struct tquic_pm_wish wish = {};
	u32 i;

	KUNIT_EXPECT_NULL(test, tquic_pm_wish_find(NULL, 1));
	for (i = 1; i <= TQUIC_PM_EXTRA_PATHS_MAX; i++) {
		wish.key = i;
		KUNIT_EXPECT_NULL(test, tquic_pm_wish_find(&wishes, i));
		wish.weight = 0;
		tquic_pm_wish_keep(&wishes, &wish);
		wish.weight = 10 + i;
		tquic_pm_wish_keep(&wishes, &wish);
	}
	for (i = 1; i <= TQUIC_PM_EXTRA_PATHS_MAX; i++) {
		KUNIT_ASSERT_NOT_NULL(test, tquic_pm_wish_find(&wishes, i));
		KUNIT_EXPECT_EQ(test, tquic_pm_wish_find(&wishes, i)->weight, 10 + i);
	}
	wish.key = 100;
	tquic_pm_wish_keep(&wishes, &wish);
	KUNIT_EXPECT_NOT_NULL(test, tquic_pm_wish_find(&wishes, 100));
	KUNIT_EXPECT_NULL(test, tquic_pm_wish_find(&wishes, 1));
	KUNIT_EXPECT_NOT_NULL(test, tquic_pm_wish_find(&wishes, 2));
}

static void pm_retry(struct kunit *test)
{
	static const u32 pauses[] = { 1, 2, 4, 8, 16, 32, 64, 64 };
	u32 i, s = 0;

	for (i = 0; i < ARRAY_SIZE(pauses); i++) {
		s = tquic_pm_retry_s(s);
		KUNIT_EXPECT_EQ(test, s, pauses[i]);
	}
}

static struct kunit_case pm_cases[] = {
	KUNIT_CASE(pm_ids),
	KUNIT_CASE(pm_flags),
	KUNIT_CASE(pm_one_path_each),
	KUNIT_CASE(pm_families),
	KUNIT_CASE(pm_fullmesh),
	KUNIT_CASE(pm_limits),
	KUNIT_CASE(pm_gone),
	KUNIT_CASE(pm_wishes),
	KUNIT_CASE(pm_retry),
	{}
};

static struct kunit_suite pm_suite = {
	.name = "tquic-pm",
	.test_cases = pm_cases,
};

kunit_test_suites(&pm_suite);
