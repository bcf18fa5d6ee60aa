// SPDX-License-Identifier: GPL-2.0
/* The bond's states: which paths make which, how long and how often, and what is told. */
#include <kunit/test.h>

#include "bond/bond.h"
#include "core/path.h"
#include "test/pair.h"

#define SEC	((u64)NSEC_PER_SEC)

/* Paths that make each state, by the smallest number of them */
static const struct tquic_bond_legs bond_legs[TQUIC_BOND_STATES] = {
	[TQUIC_BOND_SINGLE_PATH]	= { .active = 1 },
	[TQUIC_BOND_PENDING]		= { .active = 1, .validating = 1 },
	[TQUIC_BOND_BONDED]		= { .active = 2 },
	[TQUIC_BOND_DEGRADED]		= { .active = 1, .lost = 1 },
};

static const struct {
	struct tquic_bond_legs legs;
	enum tquic_bond_state state;
} bond_cases[] = {
	/* No more than one: there is nothing to bond, whatever it does. */
	{ { 0, 0, 0 }, TQUIC_BOND_SINGLE_PATH },
	{ { 0, 1, 0 }, TQUIC_BOND_SINGLE_PATH },
	{ { 0, 0, 1 }, TQUIC_BOND_SINGLE_PATH },
	{ { 0, 2, 0 }, TQUIC_BOND_PENDING },
	{ { 1, 2, 0 }, TQUIC_BOND_PENDING },
	/* Two do; a third that is being tried takes nothing away. */
	{ { 2, 1, 0 }, TQUIC_BOND_BONDED },
	{ { 15, 0, 0 }, TQUIC_BOND_BONDED },
	/* A lost one counts however many there are. */
	{ { 2, 0, 1 }, TQUIC_BOND_DEGRADED },
	{ { 0, 1, 1 }, TQUIC_BOND_DEGRADED },
	{ { 0, 0, 2 }, TQUIC_BOND_DEGRADED },
	{ { 14, 1, 1 }, TQUIC_BOND_DEGRADED },
	/* One is as good as no minimum. */
	{ { 0, 0, 0, 1 }, TQUIC_BOND_SINGLE_PATH },
	{ { 0, 0, 1, 1 }, TQUIC_BOND_SINGLE_PATH },
	{ { 2, 0, 0, 1 }, TQUIC_BOND_BONDED },
	/* Too few are too few, lost or never there; those that are being tried may do. */
	{ { 1, 0, 0, 2 }, TQUIC_BOND_DEGRADED },
	{ { 0, 1, 0, 2 }, TQUIC_BOND_DEGRADED },
	{ { 1, 1, 0, 2 }, TQUIC_BOND_PENDING },
	{ { 2, 0, 0, 2 }, TQUIC_BOND_BONDED },
	{ { 2, 0, 0, 3 }, TQUIC_BOND_DEGRADED },
	{ { 2, 1, 0, 3 }, TQUIC_BOND_PENDING },
	{ { 3, 0, 0, 3 }, TQUIC_BOND_BONDED },
	{ { 3, 1, 0, 3 }, TQUIC_BOND_BONDED },
	/* Enough are left, and one was lost all the same. */
	{ { 3, 0, 1, 2 }, TQUIC_BOND_DEGRADED },
};

static void bond_judgement(struct kunit *test)
{
	struct tquic_bond bond;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(bond_cases); i++) {
		tquic_bond_init(&bond, 1);
		KUNIT_EXPECT_EQ(test, tquic_bond_update(&bond, &bond_cases[i].legs, 2),
				bond_cases[i].state != TQUIC_BOND_SINGLE_PATH);
		KUNIT_EXPECT_EQ_MSG(test, bond.state, bond_cases[i].state, "case %u", i);
	}
}

/* From each state to each other one and back, with the books kept */
static void bond_transitions(struct kunit *test)
{
	struct tquic_bond bond;
	u32 from, to, i;

	for (from = 0; from < TQUIC_BOND_STATES; from++) {
		for (to = 0; to < TQUIC_BOND_STATES; to++) {
			tquic_bond_init(&bond, 100);
			KUNIT_EXPECT_EQ(test, tquic_bond_update(&bond, &bond_legs[from], 110),
					from != TQUIC_BOND_SINGLE_PATH);
			KUNIT_ASSERT_EQ(test, bond.state, from);
			KUNIT_EXPECT_EQ(test, bond.entered[from], from != TQUIC_BOND_SINGLE_PATH);
			KUNIT_EXPECT_EQ(test, tquic_bond_update(&bond, &bond_legs[to], 150), from != to);
			KUNIT_ASSERT_EQ(test, bond.state, to);
			/* Once more is no transition. */
			KUNIT_EXPECT_FALSE(test, tquic_bond_update(&bond, &bond_legs[to], 160));
			KUNIT_EXPECT_EQ(test, bond.entered[to],
					(from != to) + (from == to && to != TQUIC_BOND_SINGLE_PATH));
			if (from == to)
				continue;
			KUNIT_EXPECT_EQ(test, bond.since_ns, 150);
			KUNIT_EXPECT_EQ(test, tquic_bond_time_ns(&bond, to, 175),
					to == TQUIC_BOND_SINGLE_PATH ? 25 + 10 : 25);
			KUNIT_EXPECT_EQ(test, tquic_bond_time_ns(&bond, from, 175),
					from == TQUIC_BOND_SINGLE_PATH ? 50 : 40);
			for (i = 0; i < TQUIC_BOND_STATES; i++)
				if (i != from && i != to && i != TQUIC_BOND_SINGLE_PATH)
					KUNIT_EXPECT_EQ(test, tquic_bond_time_ns(&bond, i, 175), 0);
			KUNIT_EXPECT_TRUE(test, tquic_bond_update(&bond, &bond_legs[from], 200));
			KUNIT_EXPECT_EQ(test, bond.entered[from],
					1 + (from != TQUIC_BOND_SINGLE_PATH));
		}
	}
}

static void bond_expect(struct kunit *test, struct pair *p, u32 end, u32 state, u32 events)
{
	KUNIT_EXPECT_EQ(test, p->end[end].conn.bond.state, state);
	KUNIT_EXPECT_EQ(test, p->end[end].events[TQUIC_EVENT_BOND], events);
	if (events)
		KUNIT_EXPECT_EQ(test, p->end[end].event_id[TQUIC_EVENT_BOND], state);
}

/* A connection's life: both ends come to the same view of it, and tell. */
static void bond_of_a_connection(struct kunit *test)
{
	struct pair *p = pair_create(test, 2);
	struct tquic_conn *conn = &p->end[0].conn;
	struct tquic_path *path;
	u64 sum = 0;
	u32 i;

	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	pair_run(p, PAIR_MS(200));
	bond_expect(test, p, 0, TQUIC_BOND_SINGLE_PATH, 0);
	path = pair_open_path(p, 1, false);
	KUNIT_ASSERT_NOT_NULL(test, path);
	bond_expect(test, p, 0, TQUIC_BOND_PENDING, 1);
	pair_run(p, PAIR_MS(300));
	for (i = 0; i < 2; i++)
		bond_expect(test, p, i, TQUIC_BOND_BONDED, 2);
	p->link[1].cut = true;
	tquic_path_link_down(conn, path, p->now);
	bond_expect(test, p, 0, TQUIC_BOND_DEGRADED, 3);
	pair_kick(&p->end[0]);
	/* For as long as it is neither back nor removed */
	pair_run(p, 5 * SEC);
	bond_expect(test, p, 0, TQUIC_BOND_DEGRADED, 3);
	KUNIT_EXPECT_GE(test, tquic_bond_time_ns(&conn->bond, TQUIC_BOND_DEGRADED, p->now), 5 * SEC);
	p->link[1].cut = false;
	tquic_path_link_up(conn, path, p->now);
	pair_kick(&p->end[0]);
	pair_run(p, PAIR_MS(300));
	bond_expect(test, p, 0, TQUIC_BOND_BONDED, 4);
	tquic_path_link_down(conn, path, p->now);
	bond_expect(test, p, 0, TQUIC_BOND_DEGRADED, 5);
	KUNIT_EXPECT_EQ(test, tquic_path_close(conn, path, 0, p->now), 0);
	bond_expect(test, p, 0, TQUIC_BOND_SINGLE_PATH, 6);
	pair_kick(&p->end[0]);
	pair_run(p, 5 * SEC);
	for (i = 0; i < 2; i++)
		KUNIT_EXPECT_EQ(test, p->end[i].conn.bond.state, TQUIC_BOND_SINGLE_PATH);
	for (i = 0; i < TQUIC_BOND_STATES; i++)
		sum += tquic_bond_time_ns(&conn->bond, i, p->now);
	KUNIT_EXPECT_EQ(test, sum, p->now - PAIR_START_NS);
	KUNIT_EXPECT_EQ(test, conn->bond.entered[TQUIC_BOND_BONDED], 2);
	KUNIT_EXPECT_EQ(test, conn->bond.entered[TQUIC_BOND_DEGRADED], 2);
	pair_check(p);
}

/* A path that never answers was never part of it. */
static void bond_never_answered(struct kunit *test)
{
	struct pair *p = pair_create(test, 2);

	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	pair_run(p, PAIR_MS(200));
	p->link[1].cut = true;
	KUNIT_ASSERT_NOT_NULL(test, pair_open_path(p, 1, false));
	pair_run(p, 5 * SEC);
	bond_expect(test, p, 0, TQUIC_BOND_SINGLE_PATH, 2);
	KUNIT_EXPECT_EQ(test, p->end[0].conn.bond.entered[TQUIC_BOND_PENDING], 1);
	KUNIT_EXPECT_EQ(test, p->end[0].conn.bond.entered[TQUIC_BOND_DEGRADED], 0);
}

/* The operator wants two: one is too few, from the time the connection is there. */
static void bond_minimum(struct kunit *test)
{
	struct pair *p = pair_create(test, 2);
	struct tquic_path *path;

	p->end[0].conn.tune.min_legs = 2;
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	bond_expect(test, p, 0, TQUIC_BOND_DEGRADED, 1);
	pair_run(p, PAIR_MS(200));
	bond_expect(test, p, 0, TQUIC_BOND_DEGRADED, 1);
	/* The other end has no minimum. */
	bond_expect(test, p, 1, TQUIC_BOND_SINGLE_PATH, 0);
	path = pair_open_path(p, 1, false);
	KUNIT_ASSERT_NOT_NULL(test, path);
	bond_expect(test, p, 0, TQUIC_BOND_PENDING, 2);
	pair_run(p, PAIR_MS(300));
	bond_expect(test, p, 0, TQUIC_BOND_BONDED, 3);
	KUNIT_EXPECT_EQ(test, tquic_path_close(&p->end[0].conn, path, 0, p->now), 0);
	bond_expect(test, p, 0, TQUIC_BOND_DEGRADED, 4);
	pair_check(p);
}

static struct kunit_case bond_test_cases[] = {
	KUNIT_CASE(bond_judgement),
	KUNIT_CASE(bond_transitions),
	KUNIT_CASE(bond_of_a_connection),
	KUNIT_CASE(bond_never_answered),
	KUNIT_CASE(bond_minimum),
	{}
};

static struct kunit_suite bond_suite = {
	.name = "tquic-bond",
	.test_cases = bond_test_cases,
};

kunit_test_suites(&bond_suite);
