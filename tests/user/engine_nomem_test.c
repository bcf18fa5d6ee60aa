// SPDX-License-Identifier: GPL-2.0
/* The engine when allocations fail: nothing crashes, leaks or gets lost. */
#include <kunit/test.h>

#include "core/build.h"
#include "core/copies.h"
#include "core/path.h"
#include "core/rec.h"
#include "sched/sched.h"
#include "test/pair.h"

#define SEC	((u64)NSEC_PER_SEC)

static bool nomem_all;
static u32 nomem_every;
static u32 nomem_calls;

/* Every so many calls of the engine one of its first allocations fails, and all after it. */
static void nomem_engine(struct pair *p, bool enter)
{
	tquic_shim_fail_after = -1;
	if (enter && nomem_all)
		tquic_shim_fail_after = 0;
	else if (enter && nomem_every && !(++nomem_calls % nomem_every))
		tquic_shim_fail_after = nomem_calls / nomem_every % 7;
}

static void nomem_transfer(struct kunit *test)
{
	static const u32 every[] = { 2, 3, 5, 11, 50 };
	struct pair *p;
	u32 i, k, seed;

	for (i = 0; i < ARRAY_SIZE(every); i++) {
		for (seed = 1; seed <= 4; seed++) {
			p = pair_create(test, 2);
			p->rnd *= 2 * seed + 1;
			nomem_every = every[i];
			nomem_calls = seed;
			p->engine = nomem_engine;
			pair_link_set(&p->link[0], 20000000, PAIR_MS(5), 40000);
			pair_link_set(&p->link[1], 10000000, PAIR_MS(15), 40000);
			KUNIT_ASSERT_TRUE(test, pair_handshake(p));
			KUNIT_ASSERT_TRUE(test, pair_open_paths(p));
			for (k = 0; k < 6; k++)
				KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(&p->end[k & 1], k & 2, 150000));
			KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 300 * SEC));
			pair_check(p);
			kunit_info(test, "every %u, seed %u: %llu ms", every[i], seed,
				   (p->now - PAIR_START_NS) / NSEC_PER_MSEC);
		}
	}
}

/* No memory at all for a while: the connection waits and goes on. */
static void nomem_drought(struct kunit *test)
{
	struct pair *p = pair_create(test, 2);
	u32 i;

	p->engine = nomem_engine;
	nomem_every = 0;
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	KUNIT_ASSERT_TRUE(test, pair_open_paths(p));
	for (i = 0; i < 2; i++)
		KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(&p->end[i], false, 1 << 20));
	for (i = 0; i < 10; i++) {
		pair_run(p, PAIR_MS(7));
		nomem_all = true;
		pair_run(p, PAIR_MS(50 * i));
		nomem_all = false;
	}
	KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 300 * SEC));
	pair_check(p);
}

/* A connection that is closed without memory is closed all the same. */
static void nomem_close(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);

	p->engine = nomem_engine;
	nomem_every = 0;
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	pair_run(p, PAIR_MS(200));
	/* Fill the ring so that the next packet needs a chunk. */
	nomem_all = true;
	tquic_conn_close(&p->end[0].conn, 9, 0, true, NULL, 0, p->now);
	pair_kick(&p->end[0]);
	pair_run(p, PAIR_MS(20));
	nomem_all = false;
	pair_run(p, PAIR_MS(40));
	KUNIT_EXPECT_EQ(test, p->end[1].conn.state, TQUIC_STATE_DRAINING);
	KUNIT_EXPECT_EQ(test, p->end[1].conn.closed.error_code, 9);
}

static void nomem_start(struct kunit *test)
{
	struct tquic_cid cid = { .len = 8 };
	struct pair *p;
	long n;
	int ret;

	for (n = 0; n < 8; n++) {
		p = pair_create(test, 1);
		p->end[0].started = true;
		tquic_shim_fail_after = n;
		ret = tquic_conn_start(&p->end[0].conn, false, &tquic_versions[0], &cid,
				       NULL, p->now);
		tquic_shim_fail_after = -1;
		if (!ret)
			break;
		KUNIT_EXPECT_EQ(test, ret, -ENOMEM);
	}
	KUNIT_EXPECT_EQ(test, ret, 0);
}

/* Without memory for new ids the timer tries again after a while, not at once. */
static void nomem_ids(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_conn *conn = &p->end[0].conn;
	u64 due;
	u32 id;

	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	pair_run(p, PAIR_MS(200));
	id = conn->next_path_id;
	tquic_path_destroy(conn, tquic_path_find(conn, id - 1));
	tquic_shim_fail_after = 0;
	tquic_path_replenish(conn, p->now);
	tquic_shim_fail_after = -1;
	due = p->now + TQUIC_PATH_RETRY_NS;
	KUNIT_EXPECT_EQ(test, tquic_conn_deadline_ns(conn), due);
	tquic_conn_on_timeout(conn, due - 1);
	KUNIT_EXPECT_NULL(test, tquic_path_find(conn, id));
	tquic_conn_on_timeout(conn, due);
	KUNIT_EXPECT_NOT_NULL(test, tquic_path_find(conn, id));
	KUNIT_EXPECT_EQ(test, conn->replenish_ns, 0);
}

/* Nothing leaves without memory, and the timer is what tries again */
static void nomem_waits(struct kunit *test, struct tquic_conn *conn, u64 now)
{
	struct tquic_tx_pkt pkts[TQUIC_LEVEL_COUNT];
	u64 sent = tquic_conn_path(conn, 0)->stats.tx_packets;
	static u8 buf[2048];

	tquic_shim_fail_after = 0;
	KUNIT_EXPECT_EQ(test, tquic_conn_output(conn, buf, sizeof(buf), now, pkts), 0);
	tquic_shim_fail_after = -1;
	KUNIT_EXPECT_EQ(test, tquic_conn_path(conn, 0)->stats.tx_packets, sent);
	KUNIT_EXPECT_EQ(test, tquic_conn_deadline_ns(conn), now + TQUIC_TX_RETRY_NS);
	KUNIT_EXPECT_EQ(test, tquic_conn_output(conn, buf, sizeof(buf), now, pkts), 1);
	KUNIT_EXPECT_EQ(test, tquic_conn_path(conn, 0)->stats.tx_packets, sent + 1);
	KUNIT_EXPECT_FALSE(test, conn->tx_nomem);
}

static void nomem_output(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_conn *conn = &p->end[0].conn;

	KUNIT_ASSERT_TRUE(test, pair_start(p));
	conn->hs_probes[0] = 1;
	nomem_waits(test, conn, p->now);
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	pair_run(p, PAIR_MS(500));
	conn->ctl |= TQUIC_CONN_CTL_PING;
	nomem_waits(test, conn, p->now);
	pair_run(p, PAIR_MS(100));
	/* A probe of the size */
	tquic_path_restart_mtu(tquic_conn_path(conn, 0));
	nomem_waits(test, conn, p->now);
	tquic_conn_path(conn, 0)->probes = 0;
	/* A challenge */
	tquic_conn_path(conn, 0)->ctl |= TQUIC_PATH_CTL_CHALLENGE;
	nomem_waits(test, conn, p->now);
}

/* A copy that there is no memory to cut to size waits, and whoever sends is told why. */
static void nomem_copies(struct kunit *test)
{
	struct pair *p = pair_create(test, 2);
	struct tquic_conn *conn = &p->end[1].conn;
	struct tquic_build bld = {};
	struct tquic_path *path;
	struct pair_flow *f;
	u8 buf[100];

	conn->sched = &tquic_sched_redundant;
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	KUNIT_ASSERT_TRUE(test, pair_open_paths(p));
	f = pair_flow_open(&p->end[1], true, 3000);
	KUNIT_ASSERT_NOT_NULL(test, f);
	path = pair_path(p, 1, 1);
	tquic_copies_drop(path);
	tquic_copies_add(conn, pair_path(p, 1, 0), &(struct tquic_rec) {
		.kind = TQUIC_REC_STREAM, .id = f->id, .len = 1200,
	});
	bld.path = path;
	bld.b.p = buf;
	bld.b.end = buf + sizeof(buf);
	tquic_shim_fail_after = 0;
	tquic_copies_build(conn, &bld);
	tquic_shim_fail_after = -1;
	KUNIT_EXPECT_TRUE(test, bld.nomem);
	KUNIT_EXPECT_FALSE(test, bld.eliciting);
	KUNIT_EXPECT_PTR_EQ(test, bld.b.p, buf);
	KUNIT_EXPECT_EQ(test, path->copies.count, 1);
	/* That there is no room is no lack of memory. */
	bld.nomem = false;
	tquic_copies_build(conn, &bld);
	KUNIT_EXPECT_FALSE(test, bld.nomem);
	KUNIT_EXPECT_TRUE(test, bld.eliciting);
	KUNIT_EXPECT_EQ(test, path->copies.count, 1);
	tquic_rec_free_list(bld.recs);
}

static struct kunit_case nomem_cases[] = {
	KUNIT_CASE(nomem_start),
	KUNIT_CASE(nomem_transfer),
	KUNIT_CASE(nomem_drought),
	KUNIT_CASE(nomem_close),
	KUNIT_CASE(nomem_ids),
	KUNIT_CASE(nomem_output),
	KUNIT_CASE(nomem_copies),
	{}
};

static struct kunit_suite nomem_suite = {
	.name = "tquic-engine-nomem",
	.test_cases = nomem_cases,
};

kunit_test_suites(&nomem_suite);
