// SPDX-License-Identifier: GPL-2.0
/* Paths that go silent and are not gone: doubt must not come back again and again. */
#include <kunit/test.h>

#include "core/path.h"
#include "test/pair.h"

#define SEC	((u64)NSEC_PER_SEC)

static u64 doubts(struct pair *p, u32 end)
{
	return p->end[end].events[TQUIC_EVENT_PATH_SUSPECT];
}

/*
 * Queues fill in less than a round trip, in both directions.  What a path is taken
 * for gone by is too short a time then, once; the answers that come late tell.
 */
static void doubt_queue(struct kunit *test)
{
	static const u32 kbits[] = { 300, 1000, 4000 };
	static const u32 delay_ms[] = { 5, 40, 100, 300 };
	struct pair *p;
	u32 i, k;

	for (i = 0; i < ARRAY_SIZE(kbits); i++) {
		for (k = 0; k < ARRAY_SIZE(delay_ms); k++) {
			p = pair_create(test, 2);
			pair_link_set(&p->link[0], 2000000, PAIR_MS(5), 50000);
			pair_link_set(&p->link[1], 1000 * kbits[i], PAIR_MS(delay_ms[k]),
				      max(24000, kbits[i] * 25));
			KUNIT_ASSERT_TRUE(test, pair_handshake(p));
			KUNIT_ASSERT_TRUE(test, pair_open_paths(p));
			KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(&p->end[0], false, 200000));
			KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(&p->end[1], false, 200000));
			KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 60 * SEC));
			KUNIT_EXPECT_LE(test, doubts(p, 0) + doubts(p, 1), 5);
			pair_check(p);
		}
	}
}

/* Two paths over links that are as they come */
static struct pair *doubt_pair(struct kunit *test)
{
	struct pair *p = pair_create(test, 2);

	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	KUNIT_ASSERT_TRUE(test, pair_open_paths(p));
	return p;
}

static void doubt_answer(struct pair *p, struct tquic_path *path, u64 now)
{
	tquic_path_on_progress(&p->end[0].conn, path, now, now);
}

/* Doubt that was wrong has the next come later; some time without any ends that. */
static void doubt_patience(struct kunit *test)
{
	struct pair *p = doubt_pair(test);
	struct tquic_path *path = pair_path(p, 0, 0);
	u32 i;

	for (i = 0; i < 4; i++) {
		KUNIT_EXPECT_EQ(test, path->patience, min(i, 2));
		path->state = TQUIC_PATH_SUSPECT;
		path->suspect_ns = p->now;
		path->late = true;
		doubt_answer(p, path, p->now + PAIR_MS(10));
	}
	/* Gone, and not slow: nothing was learnt. */
	path->patience = 1;
	path->state = TQUIC_PATH_SUSPECT;
	path->late = false;
	doubt_answer(p, path, p->now + PAIR_MS(10));
	KUNIT_EXPECT_EQ(test, path->patience, 1);
	doubt_answer(p, path, path->suspect_ns + 3 * SEC);
	KUNIT_EXPECT_EQ(test, path->patience, 1);
	doubt_answer(p, path, path->suspect_ns + 3 * SEC + 1);
	KUNIT_EXPECT_EQ(test, path->patience, 0);
}

/*
 * What was given up and arrived after all is a sign that the path is only slow; but not
 * when another one tells of it, and it may have arrived before the path fell silent.
 */
static void doubt_hearsay(struct kunit *test)
{
	struct pair *p = doubt_pair(test);
	struct tquic_path *path = pair_path(p, 0, 0);
	u64 srtt = path->rtt.srtt_ns;

	path->suspect_ns = p->now;
	tquic_path_on_late(path, p->now, true);
	KUNIT_EXPECT_FALSE(test, path->late);
	path->state = TQUIC_PATH_SUSPECT;
	tquic_path_on_late(path, p->now - srtt, false);
	KUNIT_EXPECT_FALSE(test, path->late);
	tquic_path_on_late(path, p->now - srtt + 1, false);
	KUNIT_EXPECT_TRUE(test, path->late);
	path->late = false;
	tquic_path_on_late(path, p->now - srtt, true);
	KUNIT_EXPECT_TRUE(test, path->late);
	/* A probe of the time of silence */
	path->late = false;
	tquic_path_on_late(path, p->now + 1, true);
	KUNIT_EXPECT_FALSE(test, path->late);
	tquic_path_on_late(path, p->now, true);
	KUNIT_EXPECT_TRUE(test, path->late);
	path->state = TQUIC_PATH_ACTIVE;
}

/* A link that comes and goes is used again after more and more answers. */
static void doubt_relapse(struct kunit *test)
{
	struct pair *p = pair_create(test, 2);
	struct tquic_path *path, *other;
	struct pair_flow *f;
	u64 srtt;
	u32 i;

	pair_link_set(&p->link[0], 10000000, PAIR_MS(10), 50000);
	pair_link_set(&p->link[1], 10000000, PAIR_MS(10), 50000);
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	KUNIT_ASSERT_TRUE(test, pair_open_paths(p));
	f = pair_flow_open(&p->end[0], false, 8 << 20);
	KUNIT_ASSERT_NOT_NULL(test, f);
	pair_run(p, PAIR_MS(300));
	path = pair_path(p, 0, 0);
	other = pair_path(p, 0, 1);
	path->suspect_ns = 0;
	for (i = 0; i < 3; i++) {
		p->link[0].cut = true;
		pair_run(p, PAIR_MS(400));
		KUNIT_ASSERT_EQ(test, path->state, TQUIC_PATH_SUSPECT);
		KUNIT_EXPECT_EQ(test, path->relapses, i);
		p->link[0].cut = false;
		pair_run(p, PAIR_MS(900));
		KUNIT_ASSERT_EQ(test, path->state, TQUIC_PATH_ACTIVE);
	}
	KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 10 * SEC));
	pair_check(p);

	srtt = path->rtt.srtt_ns;
	path->state = TQUIC_PATH_SUSPECT;
	path->good_ns = 0;
	path->late = false;
	doubt_answer(p, path, p->now);
	KUNIT_EXPECT_EQ(test, path->probes, 1);
	doubt_answer(p, path, p->now + 2 * srtt - 1);
	KUNIT_EXPECT_EQ(test, path->state, TQUIC_PATH_SUSPECT);
	doubt_answer(p, path, p->now + 2 * srtt);
	KUNIT_EXPECT_EQ(test, path->state, TQUIC_PATH_ACTIVE);
	for (i = 0; i < 3; i++) {
		path->state = TQUIC_PATH_SUSPECT;
		path->good_ns = 0;
		path->late = i == 0;
		other->pto_count = i == 1;
		other->down = i == 2;
		doubt_answer(p, path, p->now);
		KUNIT_EXPECT_EQ(test, path->state, TQUIC_PATH_ACTIVE);
		other->state = TQUIC_PATH_ACTIVE;
		other->down = false;
	}
}

/* Probes of an outage that lasts are forgotten: a packet number can always be had. */
static void doubt_for_long(struct kunit *test)
{
	struct pair *p = pair_create(test, 2);
	struct tquic_path *path;
	u64 pn;

	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	KUNIT_ASSERT_TRUE(test, pair_open_paths(p));
	p->end[0].conn.keepalive_ns = SEC;
	p->link[0].cut = true;
	path = pair_path(p, 0, 0);
	tquic_path_link_down(&p->end[0].conn, path, p->now);
	pn = path->space.next_pn;
	pair_run(p, 120 * SEC);
	KUNIT_EXPECT_EQ(test, path->state, TQUIC_PATH_SUSPECT);
	KUNIT_EXPECT_GE(test, path->space.next_pn - pn, 200);
	KUNIT_EXPECT_LE(test, path->space.sent.next - path->space.sent.base, 40);
	p->link[0].cut = false;
	pair_run(p, SEC);
	KUNIT_EXPECT_EQ(test, path->state, TQUIC_PATH_ACTIVE);
	pair_check(p);
}

/* What one end found out the other need not find out again, by waiting for as long. */
static void doubt_told(struct kunit *test)
{
	struct pair *p = pair_create(test, 2);
	struct pair_flow *up, *down;
	u64 sent;

	pair_link_set(&p->link[0], 10000000, PAIR_MS(10), 50000);
	pair_link_set(&p->link[1], 10000000, PAIR_MS(40), 50000);
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	KUNIT_ASSERT_TRUE(test, pair_open_paths(p));
	pair_run(p, PAIR_MS(500));
	p->link[0].cut = true;
	up = pair_flow_open(&p->end[0], false, 1000);
	KUNIT_ASSERT_NOT_NULL(test, up);
	KUNIT_ASSERT_TRUE(test, pair_until(p, pair_flows_done, SEC));
	KUNIT_EXPECT_EQ(test, doubts(p, 0), 1);
	KUNIT_EXPECT_TRUE(test, pair_path(p, 1, 0)->peer_backup);
	KUNIT_EXPECT_EQ(test, pair_path(p, 1, 0)->state, TQUIC_PATH_ACTIVE);
	sent = p->end[1].tx_bytes[0];
	down = pair_flow_open(&p->end[1], false, 1000);
	KUNIT_ASSERT_NOT_NULL(test, down);
	pair_run(p, PAIR_MS(60));
	KUNIT_EXPECT_TRUE(test, down->ended);
	KUNIT_EXPECT_LT(test, p->end[1].tx_bytes[0] - sent, 500);
	p->link[0].cut = false;
	pair_run(p, SEC);
	KUNIT_EXPECT_EQ(test, pair_path(p, 0, 0)->state, TQUIC_PATH_ACTIVE);
	KUNIT_EXPECT_FALSE(test, pair_path(p, 1, 0)->peer_backup);
	pair_check(p);
}

/* The only path was out for long; the end that is not due for hours hears from the other. */
static void doubt_heard(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct pair_flow *down, *up;
	u64 ptos;

	pair_link_set(&p->link[0], 10000000, PAIR_MS(10), 50000);
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	pair_run(p, PAIR_MS(100));
	down = pair_flow_open(&p->end[1], false, 20000);
	KUNIT_ASSERT_NOT_NULL(test, down);
	p->link[0].cut = true;
	pair_run(p, 4 * SEC);
	ptos = pair_path(p, 1, 0)->stats.ptos;
	KUNIT_ASSERT_GE(test, pair_path(p, 1, 0)->pto_count, 3);
	p->link[0].cut = false;
	up = pair_flow_open(&p->end[0], false, 100);
	KUNIT_ASSERT_NOT_NULL(test, up);
	pair_run(p, PAIR_MS(150));
	KUNIT_EXPECT_TRUE(test, down->ended);
	KUNIT_EXPECT_TRUE(test, up->ended);
	KUNIT_EXPECT_EQ(test, pair_path(p, 1, 0)->stats.ptos, ptos);
	pair_check(p);
}

static struct kunit_case doubt_cases[] = {
	KUNIT_CASE(doubt_queue),
	KUNIT_CASE(doubt_patience),
	KUNIT_CASE(doubt_hearsay),
	KUNIT_CASE(doubt_relapse),
	KUNIT_CASE(doubt_for_long),
	KUNIT_CASE(doubt_told),
	KUNIT_CASE(doubt_heard),
	{}
};

static struct kunit_suite doubt_suite = {
	.name = "tquic-path-doubt",
	.test_cases = doubt_cases,
};
kunit_test_suite(doubt_suite);
