// SPDX-License-Identifier: GPL-2.0
/* Interfaces that go down and come back: what the adapter tells is acted upon at once. */
#include <kunit/test.h>

#include "core/path.h"
#include "test/pair.h"

#define SEC	((u64)NSEC_PER_SEC)
#define MIB	(1024ULL * 1024)

static struct pair *busy_pair(struct kunit *test, u32 sender, struct pair_flow **f)
{
	struct pair *p = pair_create(test, 2);

	pair_link_set(&p->link[0], 10000000, PAIR_MS(10), 25000);
	pair_link_set(&p->link[1], 10000000, PAIR_MS(10), 25000);
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	KUNIT_ASSERT_TRUE(test, pair_open_paths(p));
	*f = pair_flow_open(&p->end[sender], false, 2 * MIB);
	KUNIT_ASSERT_NOT_NULL(test, *f);
	pair_run(p, PAIR_MS(400));
	KUNIT_ASSERT_EQ(test, pair_path(p, 0, 0)->state, TQUIC_PATH_ACTIVE);
	KUNIT_ASSERT_EQ(test, pair_path(p, 0, 1)->state, TQUIC_PATH_ACTIVE);
	return p;
}

/* Alone, a path keeps what it has; it answers as soon as it is back, not when the timer is due. */
static void link_down_alone(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_path *path;
	struct pair_flow *f;

	pair_link_set(&p->link[0], 20000000, PAIR_MS(10), 100000);
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	f = pair_flow_open(&p->end[0], false, 2 * MIB);
	KUNIT_ASSERT_NOT_NULL(test, f);
	pair_run(p, PAIR_MS(200));
	path = pair_path(p, 0, 0);
	pair_link_down(p, 0);
	KUNIT_EXPECT_EQ(test, path->state, TQUIC_PATH_ACTIVE);
	KUNIT_EXPECT_GT(test, path->cc.in_flight, 0);
	pair_run(p, 5 * SEC);
	KUNIT_EXPECT_GE(test, path->pto_count, 4);
	tquic_path_link_up(&p->end[0].conn, path, p->now);
	KUNIT_EXPECT_EQ(test, path->probes, 1);
	KUNIT_EXPECT_FALSE(test, path->down);
	pair_link_up(p, 0);
	KUNIT_EXPECT_EQ(test, path->pto_count, 0);
	f->gap_ns = 0;
	f->last_ns = p->now;
	pair_run(p, PAIR_MS(100));
	KUNIT_EXPECT_LE(test, f->gap_ns, PAIR_MS(30));
	KUNIT_EXPECT_EQ(test, p->end[0].events[TQUIC_EVENT_PATH_SUSPECT], 0);
	KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 60 * SEC));
	pair_check(p);
}

/* Both interfaces go down: whichever is back first takes over from the other. */
static void link_down_both(struct kunit *test)
{
	struct pair_flow *f;
	u32 first, ms;
	struct pair *p;
	u64 ptos;

	for (first = 0; first < 2; first++) {
		p = busy_pair(test, 0, &f);
		ptos = pair_path(p, 0, 1)->stats.ptos;
		pair_link_down(p, 0);
		pair_link_down(p, 1);
		KUNIT_EXPECT_EQ(test, pair_path(p, 0, 0)->state, TQUIC_PATH_SUSPECT);
		KUNIT_EXPECT_EQ(test, pair_path(p, 0, 1)->state, TQUIC_PATH_ACTIVE);
		pair_link_up(p, first);
		for (ms = 0; ms < 100 && pair_path(p, 0, 0)->state != TQUIC_PATH_ACTIVE && !first; ms++)
			pair_run(p, PAIR_MS(1));
		KUNIT_EXPECT_EQ(test, pair_path(p, 0, first)->state, TQUIC_PATH_ACTIVE);
		/* That it is down is enough: no timeout has passed on it. */
		if (!first) {
			KUNIT_EXPECT_EQ(test, pair_path(p, 0, 1)->stats.ptos, ptos);
			KUNIT_EXPECT_EQ(test, pair_path(p, 0, 1)->state, TQUIC_PATH_SUSPECT);
		}
		pair_link_up(p, !first);
		pair_run(p, PAIR_MS(300));
		KUNIT_EXPECT_EQ(test, pair_path(p, 0, !first)->state, TQUIC_PATH_ACTIVE);
		KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 60 * SEC));
		pair_check(p);
	}
}

/*
 * The interface that has the address may be down and packets come by another one, as
 * they may to a host with several: what is acknowledged there tells that it works.
 */
static void link_down_reached(struct kunit *test)
{
	struct pair_flow *f;
	struct pair *p = busy_pair(test, 0, &f);
	u64 seq = pair_path(p, 0, 1)->status_seq;
	u32 id, ms;

	for (id = 0; id < 2; id++)
		tquic_path_link_down(&p->end[0].conn, pair_path(p, 0, id), p->now);
	pair_kick(&p->end[0]);
	KUNIT_EXPECT_EQ(test, pair_path(p, 0, 0)->state, TQUIC_PATH_SUSPECT);
	/* The last one stays until another is back, and only then is the peer asked to spare it. */
	for (ms = 0; ms < 100 && pair_path(p, 0, 1)->state == TQUIC_PATH_ACTIVE; ms++)
		pair_run(p, PAIR_MS(1));
	KUNIT_EXPECT_EQ(test, pair_path(p, 0, 0)->state, TQUIC_PATH_ACTIVE);
	KUNIT_EXPECT_EQ(test, pair_path(p, 0, 1)->state, TQUIC_PATH_SUSPECT);
	KUNIT_EXPECT_EQ(test, pair_path(p, 0, 1)->status_seq, seq + 1);
	/* Not as long as the transfer takes: its last packet may be lost, and doubted again. */
	pair_run(p, PAIR_MS(150));
	for (id = 0; id < 2; id++) {
		KUNIT_EXPECT_EQ(test, pair_path(p, 0, id)->state, TQUIC_PATH_ACTIVE);
		KUNIT_EXPECT_FALSE(test, pair_path(p, 0, id)->down);
		KUNIT_EXPECT_FALSE(test, pair_path(p, 1, id)->peer_backup);
	}
	/* Each once: when it was told, and when the first one was back before it */
	KUNIT_EXPECT_EQ(test, p->end[0].events[TQUIC_EVENT_PATH_SUSPECT], 2);
	KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 60 * SEC));
	pair_check(p);
}

/* Down before the peer has answered: once it is up, the challenge goes out again. */
static void link_down_validating(struct kunit *test)
{
	struct pair *p = pair_create(test, 2);
	struct tquic_path *path;

	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	pair_run(p, PAIR_MS(200));
	p->link[1].cut = true;
	path = pair_open_path(p, 1, false);
	KUNIT_ASSERT_NOT_NULL(test, path);
	pair_link_down(p, 1);
	KUNIT_EXPECT_EQ(test, path->state, TQUIC_PATH_VALIDATING);
	pair_run(p, PAIR_MS(20));
	pair_link_up(p, 1);
	pair_run(p, PAIR_MS(60));
	KUNIT_EXPECT_EQ(test, path->state, TQUIC_PATH_ACTIVE);
	KUNIT_EXPECT_EQ(test, p->end[0].events[TQUIC_EVENT_PATH_SUSPECT], 0);
	pair_check(p);
}

/* A path that is spared anyway: the peer is told nothing, and nothing is repeated. */
static void link_down_backup(struct kunit *test)
{
	struct pair *p = pair_create(test, 2);
	struct tquic_path *path;
	u64 seq;

	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	pair_run(p, PAIR_MS(200));
	path = pair_open_path(p, 1, true);
	KUNIT_ASSERT_NOT_NULL(test, path);
	pair_run(p, PAIR_MS(300));
	seq = path->status_seq;
	pair_link_down(p, 1);
	pair_run(p, PAIR_MS(100));
	pair_link_up(p, 1);
	pair_run(p, PAIR_MS(100));
	KUNIT_EXPECT_EQ(test, path->status_seq, seq);
	KUNIT_EXPECT_TRUE(test, pair_path(p, 1, 1)->peer_backup);
	KUNIT_EXPECT_EQ(test, path->state, TQUIC_PATH_ACTIVE);
}

/*
 * The path that data was on goes, and a backup takes over: the peer is told of both at once,
 * whichever is the first in a packet, and of both again when the path is back.
 */
static void link_down_before_backup(struct kunit *test)
{
	struct tquic_path *backup;
	struct pair_flow *f;
	struct pair *p;
	u32 id;

	for (id = 0; id < 2; id++) {
		p = busy_pair(test, 1, &f);
		backup = pair_path(p, 0, id);
		tquic_path_set_flags(&p->end[0].conn, backup, TQUIC_PATH_BACKUP);
		pair_kick(&p->end[0]);
		pair_run(p, PAIR_MS(200));
		KUNIT_ASSERT_EQ(test, pair_path(p, 1, id)->cc.in_flight, 0);
		f->gap_ns = 0;
		pair_link_down(p, !id);
		pair_run(p, PAIR_MS(100));
		KUNIT_EXPECT_LE(test, f->gap_ns, PAIR_MS(30));
		KUNIT_EXPECT_FALSE(test, pair_path(p, 1, id)->peer_backup);
		KUNIT_EXPECT_TRUE(test, pair_path(p, 1, !id)->peer_backup);
		KUNIT_EXPECT_LT(test, pair_path(p, 1, !id)->cc.in_flight, 1000);
		/* It stays what it is. */
		KUNIT_EXPECT_TRUE(test, backup->backup);
		pair_link_up(p, !id);
		pair_run(p, PAIR_MS(300));
		KUNIT_EXPECT_TRUE(test, pair_path(p, 1, id)->peer_backup);
		KUNIT_EXPECT_FALSE(test, pair_path(p, 1, !id)->peer_backup);
		KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 60 * SEC));
		pair_check(p);
	}
}

static u32 link_losses[2];

/* The next of the client's, and of what the server sends once it knows, are lost */
static bool link_lossy(struct pair *p, struct pair_end *from, const struct tquic_tx_pkt *pkts,
		       int n)
{
	bool server = from == &p->end[1];

	if (!link_losses[server] || pkts[0].path->id != 1 ||
	    (server && !pair_path(p, 1, 0)->peer_backup))
		return true;
	link_losses[server]--;
	return false;
}

/* Of the news that a path has failed, and of what is sent again, the first is lost: nobody waits */
static void link_down_lossy(struct kunit *test)
{
	struct pair_flow *f;
	struct pair *p;
	u64 srtt_ns;
	u32 i;

	for (i = 0; i < 2; i++) {
		p = busy_pair(test, 1, &f);
		p->link[1].queue_bytes = 50000;
		srtt_ns = pair_path(p, 1, 1)->rtt.srtt_ns;
		link_losses[0] = i ? 0 : 2;
		link_losses[1] = i;
		p->tap = link_lossy;
		f->gap_ns = 0;
		pair_link_down(p, 0);
		pair_run(p, 2 * srtt_ns);
		KUNIT_EXPECT_EQ(test, link_losses[0] + link_losses[1], 0);
		KUNIT_EXPECT_GT(test, f->gap_ns, 0);
		KUNIT_EXPECT_LE(test, f->gap_ns, srtt_ns + PAIR_MS(4));
		KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 60 * SEC));
		pair_check(p);
	}
}

/* Of two that are spared the peer is to use the one that costs nothing, and none it need not. */
static void link_offers(struct kunit *test)
{
	struct pair *p = pair_bonded(test, 3);
	struct tquic_conn *conn = &p->end[0].conn;
	u32 id;

	tquic_path_set_flags(conn, pair_path(p, 0, 1), TQUIC_PATH_METERED);
	tquic_path_set_flags(conn, pair_path(p, 0, 2), TQUIC_PATH_BACKUP);
	pair_kick(&p->end[0]);
	pair_run(p, PAIR_MS(100));
	for (id = 0; id < 3; id++)
		KUNIT_EXPECT_EQ(test, pair_path(p, 1, id)->peer_backup, id > 0);
	pair_link_down(p, 0);
	pair_run(p, PAIR_MS(100));
	for (id = 0; id < 3; id++)
		KUNIT_EXPECT_EQ(test, pair_path(p, 1, id)->peer_backup, id < 2);
	pair_link_down(p, 2);
	pair_run(p, PAIR_MS(100));
	for (id = 0; id < 3; id++)
		KUNIT_EXPECT_EQ(test, pair_path(p, 1, id)->peer_backup, id != 1);
	/* Two are wanted. */
	pair_link_up(p, 2);
	pair_link_up(p, 0);
	conn->tune.min_legs = 2;
	pair_run(p, PAIR_MS(500));
	for (id = 0; id < 3; id++)
		KUNIT_EXPECT_EQ(test, pair_path(p, 1, id)->peer_backup, id == 1);
	pair_check(p);
}

/*
 * With only spared paths left, asking to spare one more moves nothing, unless another
 * need not be spared any more: whoever asks says so next.
 */
static void link_status_last(struct kunit *test)
{
	struct pair_flow *f;
	struct pair *p = busy_pair(test, 1, &f);
	struct tquic_conn *conn = &p->end[1].conn;
	u64 in_flight;

	pair_path(p, 1, 1)->peer_backup = true;
	in_flight = pair_path(p, 1, 0)->cc.in_flight;
	KUNIT_ASSERT_GT(test, in_flight, 0);
	tquic_path_on_status(conn, pair_path(p, 1, 0), true, p->now);
	KUNIT_EXPECT_EQ(test, pair_path(p, 1, 0)->cc.in_flight, in_flight);
	tquic_path_on_status(conn, pair_path(p, 1, 0), false, p->now);
	tquic_path_on_status(conn, pair_path(p, 1, 1), false, p->now);
	KUNIT_EXPECT_EQ(test, pair_path(p, 1, 0)->cc.in_flight, in_flight);
	pair_path(p, 1, 1)->peer_backup = true;
	tquic_path_on_status(conn, pair_path(p, 1, 0), true, p->now);
	KUNIT_EXPECT_EQ(test, pair_path(p, 1, 0)->cc.in_flight, in_flight);
	tquic_path_on_status(conn, pair_path(p, 1, 1), false, p->now);
	KUNIT_EXPECT_EQ(test, pair_path(p, 1, 0)->cc.in_flight, 0);
	KUNIT_EXPECT_EQ(test, pair_path(p, 1, 0)->state, TQUIC_PATH_ACTIVE);
	/* Not as often as the peer likes */
	tquic_path_on_status(conn, pair_path(p, 1, 0), false, p->now);
	pair_kick(&p->end[1]);
	pair_run(p, PAIR_MS(5));
	in_flight = pair_path(p, 1, 0)->cc.in_flight;
	KUNIT_ASSERT_GT(test, in_flight, 0);
	tquic_path_on_status(conn, pair_path(p, 1, 0), true, p->now);
	KUNIT_EXPECT_EQ(test, pair_path(p, 1, 0)->cc.in_flight, in_flight);
	tquic_path_on_status(conn, pair_path(p, 1, 0), false, p->now);
	pair_run(p, PAIR_MS(200));
	tquic_path_on_status(conn, pair_path(p, 1, 0), true, p->now);
	KUNIT_EXPECT_EQ(test, pair_path(p, 1, 0)->cc.in_flight, 0);
	KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 60 * SEC));
	pair_check(p);
}

/*
 * Who only receives times a round trip now and then, and the sender's queue
 * grows in between: no reason to think that the path has failed.
 */
static void link_quiet_receiver(struct kunit *test)
{
	struct pair *p = pair_create(test, 2);

	pair_link_set(&p->link[0], 5000000, PAIR_MS(10), 12500);
	pair_link_set(&p->link[1], 3000000, PAIR_MS(100), 300000);
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	KUNIT_ASSERT_TRUE(test, pair_open_paths(p));
	KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(&p->end[1], false, 64 * MIB));
	pair_run(p, 6 * SEC);
	KUNIT_EXPECT_GE(test, pair_path(p, 1, 1)->rtt.srtt_ns, PAIR_MS(400));
	KUNIT_EXPECT_EQ(test, p->end[0].events[TQUIC_EVENT_PATH_SUSPECT], 0);
	/* When nothing comes any more it has. */
	p->link[1].cut = true;
	pair_run(p, 3 * SEC);
	KUNIT_EXPECT_EQ(test, pair_path(p, 1, 1)->state, TQUIC_PATH_SUSPECT);
	pair_check(p);
}

static struct kunit_case path_link_cases[] = {
	KUNIT_CASE(link_down_alone),
	KUNIT_CASE(link_down_both),
	KUNIT_CASE(link_down_reached),
	KUNIT_CASE(link_down_validating),
	KUNIT_CASE(link_down_backup),
	KUNIT_CASE(link_down_before_backup),
	KUNIT_CASE(link_down_lossy),
	KUNIT_CASE(link_offers),
	KUNIT_CASE(link_status_last),
	KUNIT_CASE(link_quiet_receiver),
	{}
};

static struct kunit_suite path_link_suite = {
	.name = "tquic-path-link",
	.test_cases = path_link_cases,
};

kunit_test_suites(&path_link_suite);
