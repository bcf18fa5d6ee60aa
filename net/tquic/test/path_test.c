// SPDX-License-Identifier: GPL-2.0
/* Paths: opening, validation, abandonment, ids in supply. */
#include <kunit/test.h>

#include "core/path.h"
#include "test/pair.h"

#define SEC	((u64)NSEC_PER_SEC)

static void path_create(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_conn *conn = &p->end[0].conn;
	struct tquic_path *path;
	u32 i;

	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	pair_run(p, PAIR_MS(100));
	i = conn->next_path_id;
	KUNIT_EXPECT_EQ(test, i, 1 + TQUIC_PATH_SPARE_IDS_LONE);
	for (; i < TQUIC_PATHS_MAX; i++) {
		path = tquic_path_create(conn, i, p->now);
		KUNIT_ASSERT_NOT_NULL(test, path);
		KUNIT_EXPECT_EQ(test, path->state, TQUIC_PATH_UNUSED);
		KUNIT_EXPECT_EQ(test, path->pmtu.bytes, TQUIC_MIN_UDP_PAYLOAD);
		KUNIT_EXPECT_EQ(test, path->pmtu.max_bytes, TQUIC_MIN_UDP_PAYLOAD);
		KUNIT_EXPECT_PTR_EQ(test, tquic_path_find(conn, i), path);
		KUNIT_EXPECT_EQ(test, conn->next_path_id, i + 1);
	}
	/* All places are taken. */
	KUNIT_EXPECT_NULL(test, tquic_path_create(conn, i, p->now));
	tquic_path_destroy(conn, tquic_path_find(conn, 9));
	KUNIT_EXPECT_NOT_NULL(test, tquic_path_create(conn, i, p->now));
}

/* The highest id both sides allow can be used, and none above */
static void path_highest_id(struct kunit *test)
{
	struct pair *p = pair_create(test, 2);

	p->end[1].conn.local.max_path_id = 1;
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	pair_run(p, PAIR_MS(100));
	KUNIT_EXPECT_EQ(test, p->end[0].conn.next_path_id, 2);
	KUNIT_ASSERT_NOT_NULL(test, pair_open_path(p, 1, false));
	pair_run(p, PAIR_MS(300));
	KUNIT_EXPECT_NULL(test, pair_open_path(p, 1, false));
	KUNIT_EXPECT_EQ(test, pair_path(p, 1, 1)->state, TQUIC_PATH_ACTIVE);
}

/* Ids of the peer reached us but not ours it, or the other way round: no path yet */
static void path_spare_needs_both(struct kunit *test)
{
	struct pair *p = pair_bonded(test, 2);
	struct tquic_conn *conn = &p->end[0].conn;
	struct tquic_path *path;
	u8 count;

	path = tquic_path_spare(conn);
	KUNIT_ASSERT_NOT_NULL(test, path);
	KUNIT_EXPECT_EQ(test, path->id, 2);
	count = path->local.count;
	path->local.count = 0;
	KUNIT_EXPECT_EQ(test, tquic_path_spare(conn)->id, 3);
	path->local.count = count;
	count = path->remote.count;
	path->remote.count = 0;
	KUNIT_EXPECT_EQ(test, tquic_path_spare(conn)->id, 3);
	path->remote.count = count;
	KUNIT_EXPECT_EQ(test, tquic_path_spare(conn)->id, 2);
}

static void path_open(struct kunit *test)
{
	struct pair *p = pair_bonded(test, 3);
	u32 i, k;

	for (i = 0; i < 2; i++) {
		for (k = 0; k < 3; k++) {
			KUNIT_ASSERT_NOT_NULL(test, pair_path(p, i, k));
			KUNIT_EXPECT_EQ(test, pair_path(p, i, k)->state, TQUIC_PATH_ACTIVE);
			KUNIT_EXPECT_TRUE(test, pair_path(p, i, k)->validated);
			KUNIT_EXPECT_EQ(test, pair_path(p, i, k)->pmtu.bytes, PAIR_MTU);
			KUNIT_EXPECT_EQ(test, pair_path(p, i, k)->cc.in_flight, 0);
		}
		KUNIT_EXPECT_EQ(test, p->end[i].events[TQUIC_EVENT_PATH_VALIDATED], 2);
		KUNIT_EXPECT_TRUE(test, p->end[i].todo & TQUIC_TODO_PATHS);
	}
	for (k = 0; k < 3; k++) {
		KUNIT_EXPECT_EQ(test, pair_path(p, 1, k)->stats.rx_bytes,
				p->link[k].pipe[1].bytes);
		KUNIT_EXPECT_EQ(test, pair_path(p, 0, k)->stats.tx_bytes,
				pair_path(p, 1, k)->stats.rx_bytes);
		KUNIT_EXPECT_EQ(test, pair_path(p, 0, k)->stats.tx_packets,
				pair_path(p, 1, k)->stats.rx_packets);
		KUNIT_EXPECT_EQ(test, pair_path(p, 0, k)->challenge_due_ns, 0);
		KUNIT_EXPECT_EQ(test, pair_path(p, 0, k)->validate_end_ns, 0);
	}
	pair_check(p);
}

/* Before the peer has answered nothing but the limit of RFC 9000 §8 may be sent */
static void path_challenges_lost(struct kunit *test)
{
	struct pair *p = pair_create(test, 2);
	struct tquic_path *path;

	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	pair_run(p, PAIR_MS(200));
	p->link[1].drop_next[1] = 3;
	p->link[1].drop_next[0] = 2;
	path = pair_open_path(p, 1, false);
	KUNIT_ASSERT_NOT_NULL(test, path);
	KUNIT_EXPECT_EQ(test, path->state, TQUIC_PATH_VALIDATING);
	pair_run(p, 4 * SEC);
	KUNIT_EXPECT_EQ(test, path->state, TQUIC_PATH_ACTIVE);
	KUNIT_ASSERT_NOT_NULL(test, pair_path(p, 1, 1));
	KUNIT_EXPECT_EQ(test, pair_path(p, 1, 1)->state, TQUIC_PATH_ACTIVE);
}

/* The answer to the first challenge comes after four more have been sent. */
static void path_validates_slowly(struct kunit *test)
{
	struct pair *p = pair_create(test, 2);
	struct tquic_path *path;

	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	pair_run(p, PAIR_MS(200));
	p->link[1].delay_ns = PAIR_MS(750);
	path = pair_open_path(p, 1, false);
	KUNIT_ASSERT_NOT_NULL(test, path);
	pair_run(p, PAIR_MS(1600));
	KUNIT_EXPECT_EQ(test, path->state, TQUIC_PATH_ACTIVE);
	pair_run(p, PAIR_MS(800));
	KUNIT_EXPECT_EQ(test, pair_path(p, 1, 1)->state, TQUIC_PATH_ACTIVE);
}

/* Nobody answers: the id is used up, and another one takes its place */
static void path_validation_fails(struct kunit *test)
{
	struct pair *p = pair_create(test, 2);
	struct tquic_path *path;

	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	pair_run(p, PAIR_MS(200));
	p->link[1].cut = true;
	path = pair_open_path(p, 1, false);
	KUNIT_ASSERT_NOT_NULL(test, path);
	pair_run(p, 3 * SEC + PAIR_MS(500));
	KUNIT_EXPECT_EQ(test, p->end[0].events[TQUIC_EVENT_PATH_ABANDONED], 1);
	KUNIT_EXPECT_EQ(test, p->end[1].events[TQUIC_EVENT_PATH_ABANDONED], 1);
	pair_run(p, 5 * SEC);
	KUNIT_EXPECT_NULL(test, pair_path(p, 0, 1));
	KUNIT_EXPECT_NULL(test, pair_path(p, 1, 1));
	KUNIT_EXPECT_EQ(test, p->end[0].conn.state, TQUIC_STATE_ESTABLISHED);
	p->link[1].cut = false;
	path = pair_open_path(p, 1, false);
	KUNIT_ASSERT_NOT_NULL(test, path);
	KUNIT_EXPECT_EQ(test, path->id, 2);
	pair_run(p, SEC);
	KUNIT_EXPECT_EQ(test, path->state, TQUIC_PATH_ACTIVE);
}

/* The last PATH_CHALLENGEs may be answered, and on any path; nothing else counts */
static void path_responses(struct kunit *test)
{
	struct pair *p = pair_create(test, 2);
	struct tquic_conn *conn = &p->end[0].conn;
	u8 old[TQUIC_PATH_DATA_LEN], bad[TQUIC_PATH_DATA_LEN];
	struct tquic_path *path;

	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	pair_run(p, PAIR_MS(200));
	p->link[1].cut = true;
	path = pair_open_path(p, 1, false);
	KUNIT_ASSERT_NOT_NULL(test, path);
	memcpy(old, path->challenge->data[0], sizeof(old));
	pair_run(p, PAIR_MS(700));
	KUNIT_EXPECT_EQ(test, path->challenge->count, 3);
	KUNIT_EXPECT_MEMEQ(test, path->challenge->data[2], old, sizeof(old));
	KUNIT_EXPECT_NE(test, memcmp(path->challenge->data[1], old, sizeof(old)), 0);
	KUNIT_EXPECT_NE(test, memcmp(path->challenge->data[0], path->challenge->data[1],
				     sizeof(old)), 0);
	memcpy(bad, old, sizeof(bad));
	bad[7] ^= 1;
	tquic_path_on_response(conn, bad, p->now);
	KUNIT_EXPECT_EQ(test, path->state, TQUIC_PATH_VALIDATING);
	tquic_path_on_response(conn, old, p->now);
	KUNIT_EXPECT_EQ(test, path->state, TQUIC_PATH_ACTIVE);
	KUNIT_EXPECT_NULL(test, path->challenge);
}

/* An answer to a challenge fills a datagram, also where nothing else goes (RFC 9000 §8.2.2). */
static void path_response_padded(struct kunit *test)
{
	struct pair *p = pair_bonded(test, 2);
	struct tquic_conn *conn = &p->end[0].conn;
	struct tquic_tx_pkt pkts[TQUIC_LEVEL_COUNT];
	struct tquic_path *path = pair_path(p, 0, 1);
	static u8 buf[2048];

	path->state = TQUIC_PATH_SUSPECT;
	tquic_path_on_challenge(path, "response");
	KUNIT_ASSERT_EQ(test, tquic_conn_output(conn, buf, sizeof(buf), p->now, pkts), 1);
	KUNIT_EXPECT_PTR_EQ(test, pkts[0].path, path);
	KUNIT_EXPECT_GE(test, pkts[0].len + TQUIC_AEAD_TAG_LEN, TQUIC_MIN_UDP_PAYLOAD);
}

/* A flood of PATH_CHALLENGEs is answered as far as memory for it goes: the newest */
static void path_challenge_flood(struct kunit *test)
{
	struct tquic_path *path = kunit_kzalloc(test, sizeof(*path), GFP_KERNEL);
	u8 data[TQUIC_PATH_DATA_LEN] = {};
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, path);
	/* On a path that is none the answer could not be sent. */
	path->state = TQUIC_PATH_ABANDONED;
	tquic_path_on_challenge(path, data);
	KUNIT_EXPECT_EQ(test, path->responses, 0);
	path->state = TQUIC_PATH_ACTIVE;
	for (i = 0; i < 10; i++) {
		data[0] = i;
		tquic_path_on_challenge(path, data);
	}
	KUNIT_EXPECT_EQ(test, path->responses, TQUIC_PATH_RESPONSES);
	for (i = 0; i < TQUIC_PATH_RESPONSES; i++)
		KUNIT_EXPECT_EQ(test, path->response[i][0], 10 - TQUIC_PATH_RESPONSES + i);
}

static void path_abandon(struct kunit *test)
{
	struct pair_flow *f;
	struct pair *p;
	u32 who, which;

	for (who = 0; who < 2; who++) {
		for (which = 0; which < 2; which++) {
			p = pair_bonded(test, 2);
			f = pair_flow_open(&p->end[1], false, 300000);
			KUNIT_ASSERT_NOT_NULL(test, f);
			pair_run(p, PAIR_MS(40));
			KUNIT_ASSERT_EQ(test, tquic_path_close(&p->end[who].conn, pair_path(p, who, which),
							       TQUIC_ERR_APPLICATION_ABANDON_PATH, p->now), 0);
			KUNIT_EXPECT_EQ(test, tquic_path_close(&p->end[who].conn, pair_path(p, who, which),
							       0, p->now), -EALREADY);
			KUNIT_EXPECT_EQ(test, tquic_path_close(&p->end[who].conn, pair_path(p, who, !which),
							       0, p->now), -EBUSY);
			pair_kick(&p->end[who]);
			pair_check(p);
			/* Kept for stragglers, without anything of its own to do */
			pair_run(p, PAIR_MS(100));
			KUNIT_ASSERT_NOT_NULL(test, pair_path(p, who, which));
			KUNIT_EXPECT_TRUE(test, pair_path(p, who, which)->abandon_acked);
			KUNIT_EXPECT_EQ(test, pair_path(p, who, which)->ctl, 0);
			KUNIT_EXPECT_EQ(test, pair_path(p, who, which)->probes, 0);
			KUNIT_EXPECT_NULL(test, pair_path(p, who, which)->challenge);
			KUNIT_EXPECT_EQ(test, pair_path(p, who, which)->responses, 0);
			KUNIT_EXPECT_EQ(test, p->end[who].freed, 0);
			KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 10 * SEC));
			KUNIT_EXPECT_EQ(test, p->end[0].events[TQUIC_EVENT_PATH_ABANDONED], 1);
			KUNIT_EXPECT_EQ(test, p->end[1].events[TQUIC_EVENT_PATH_ABANDONED], 1);
			pair_run(p, 3 * SEC);
			KUNIT_EXPECT_NULL(test, pair_path(p, 0, which));
			KUNIT_EXPECT_NULL(test, pair_path(p, 1, which));
			KUNIT_EXPECT_EQ(test, p->end[0].freed, 1);
			KUNIT_EXPECT_EQ(test, p->end[1].freed, 1);
			KUNIT_EXPECT_EQ(test, p->end[!who].event_id[TQUIC_EVENT_PATH_ABANDONED], which);
		}
	}
}

/* The last path that works stays, on both sides, whatever others have yet to answer. */
static void path_abandon_last(struct kunit *test)
{
	struct pair *p = pair_bonded(test, 2);
	struct tquic_conn *conn;
	u32 who;

	p->link[1].cut = true;
	KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(&p->end[0], false, 300000));
	KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(&p->end[1], false, 300000));
	pair_run(p, SEC);
	for (who = 0; who < 2; who++) {
		conn = &p->end[who].conn;
		KUNIT_ASSERT_EQ(test, pair_path(p, who, 1)->state, TQUIC_PATH_SUSPECT);
		KUNIT_ASSERT_EQ(test, tquic_path_close(conn, pair_path(p, who, 0), 0, p->now), -EBUSY);
	}
	conn = &p->end[0].conn;
	KUNIT_ASSERT_EQ(test, tquic_path_close(conn, pair_path(p, 0, 1), 0, p->now), 0);
	pair_kick(&p->end[0]);
	pair_run(p, 2 * SEC);
	KUNIT_ASSERT_NOT_NULL(test, pair_open_path(p, 1, false));
	KUNIT_ASSERT_EQ(test, tquic_path_close(conn, pair_path(p, 0, 0), 0, p->now), -EBUSY);
	p->link[1].cut = false;
	pair_run(p, 2 * SEC);
	KUNIT_ASSERT_EQ(test, tquic_path_close(conn, pair_path(p, 0, 0), 0, p->now), 0);
	pair_kick(&p->end[0]);
	KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 10 * SEC));
}

/* PATH_ABANDON is lost for longer than the state would be kept: it is not forgotten */
static void path_abandon_lost(struct kunit *test)
{
	struct pair *p = pair_bonded(test, 2);

	p->link[0].cut = true;
	p->link[1].cut = true;
	tquic_path_close(&p->end[0].conn, pair_path(p, 0, 1), 0, p->now);
	pair_kick(&p->end[0]);
	pair_run(p, 4 * SEC);
	KUNIT_EXPECT_NOT_NULL(test, pair_path(p, 0, 1));
	p->link[0].cut = false;
	pair_run(p, 10 * SEC);
	KUNIT_EXPECT_NULL(test, pair_path(p, 0, 1));
	KUNIT_EXPECT_NULL(test, pair_path(p, 1, 1));
	KUNIT_EXPECT_EQ(test, p->end[1].events[TQUIC_EVENT_PATH_ABANDONED], 1);
	KUNIT_EXPECT_EQ(test, p->end[0].conn.state, TQUIC_STATE_ESTABLISHED);
}

/* Paths come and go; there is always another id */
static void path_many_in_a_row(struct kunit *test)
{
	struct pair *p = pair_create(test, 2);
	struct tquic_path *path;
	u32 i;

	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	for (i = 1; i <= 40; i++) {
		pair_run(p, PAIR_MS(600));
		path = pair_open_path(p, 1, false);
		KUNIT_ASSERT_NOT_NULL_MSG(test, path, "path %u", i);
		KUNIT_EXPECT_EQ(test, path->id, i);
		pair_run(p, PAIR_MS(300));
		KUNIT_EXPECT_EQ(test, path->state, TQUIC_PATH_ACTIVE);
		KUNIT_ASSERT_NOT_NULL(test, pair_path(p, 1, i));
		KUNIT_EXPECT_EQ(test, pair_path(p, 1, i)->state, TQUIC_PATH_ACTIVE);
		KUNIT_EXPECT_EQ(test, tquic_path_close(&p->end[i & 1].conn, pair_path(p, i & 1, i), 0, p->now), 0);
		pair_kick(&p->end[i & 1]);
	}
	pair_run(p, 5 * SEC);
	KUNIT_EXPECT_EQ(test, p->end[0].conn.max_path_id_local, 7 + 40);
	KUNIT_EXPECT_EQ(test, p->end[1].conn.max_path_id_peer, 7 + 40);
	KUNIT_EXPECT_EQ(test, p->end[0].conn.next_path_id, 41 + TQUIC_PATH_SPARE_IDS);
}

static u64 path_tx(struct pair *p, u32 id)
{
	return pair_path(p, 1, id)->stats.tx_bytes;
}

/* A backup path carries data only when no other path can */
static void path_backup(struct kunit *test)
{
	struct pair *p = pair_create(test, 2);
	struct pair_flow *f;
	u64 before;

	pair_link_set(&p->link[0], 20000000, PAIR_MS(20), 100000);
	pair_link_set(&p->link[1], 20000000, PAIR_MS(5), 100000);
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	pair_run(p, PAIR_MS(100));
	KUNIT_ASSERT_NOT_NULL(test, pair_open_path(p, 1, true));
	pair_run(p, PAIR_MS(500));
	KUNIT_EXPECT_TRUE(test, pair_path(p, 1, 1)->peer_backup);
	KUNIT_EXPECT_EQ(test, p->end[1].events[TQUIC_EVENT_PATH_STATUS], 1);
	before = path_tx(p, 1);
	f = pair_flow_open(&p->end[1], false, 200000);
	KUNIT_ASSERT_NOT_NULL(test, f);
	pair_run(p, PAIR_MS(60));
	KUNIT_EXPECT_LT(test, path_tx(p, 1) - before, 1000);
	p->link[0].cut = true;
	KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 5 * SEC));
	KUNIT_EXPECT_GT(test, path_tx(p, 1) - before, 50000);
	KUNIT_EXPECT_EQ(test, pair_path(p, 1, 0)->state, TQUIC_PATH_SUSPECT);
	/* The other way round: path 1 becomes the regular one. */
	p->link[0].cut = false;
	pair_run(p, SEC);
	tquic_path_set_flags(&p->end[0].conn, pair_path(p, 0, 1), 0);
	tquic_path_set_flags(&p->end[0].conn, pair_path(p, 0, 0), TQUIC_PATH_BACKUP);
	pair_kick(&p->end[0]);
	pair_run(p, PAIR_MS(100));
	KUNIT_EXPECT_FALSE(test, pair_path(p, 1, 1)->peer_backup);
	KUNIT_EXPECT_TRUE(test, pair_path(p, 1, 0)->peer_backup);
	before = path_tx(p, 0);
	KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(&p->end[1], false, 100000));
	KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 5 * SEC));
	KUNIT_EXPECT_LT(test, path_tx(p, 0) - before, 1000);
}

/* The link comes to carry less than it did */
static void path_mtu_shrinks(struct kunit *test)
{
	struct pair *p;
	u32 links;

	for (links = 1; links <= 2; links++) {
		p = pair_bonded(test, links);
		KUNIT_ASSERT_EQ(test, pair_path(p, 1, 0)->pmtu.bytes, PAIR_MTU);
		p->link[0].mtu_bytes = 1300;
		KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(&p->end[1], false, 100000));
		KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 20 * SEC));
		pair_check(p);
	}
}

/* A link that never carried more: probes are lost, and nothing else */
static void path_mtu_small(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_path *path;

	p->link[0].mtu_bytes = 1300;
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(&p->end[1], false, 200000));
	KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 5 * SEC));
	pair_run(p, 5 * SEC);
	path = pair_path(p, 1, 0);
	KUNIT_EXPECT_EQ(test, path->pmtu.bytes, 1252);
	KUNIT_EXPECT_EQ(test, path->pmtu.test_bytes, 0);
	KUNIT_EXPECT_EQ(test, path->stats.lost_packets, path->stats.mtu_probes_lost);
	KUNIT_EXPECT_EQ(test, path->stats.mtu_probes_lost % TQUIC_PMTU_TRIES, 0);
	KUNIT_EXPECT_EQ(test, (s64)path->cc.ssthresh, -1);
	/* The adapter learns of it and of better times. */
	tquic_path_set_mtu(&p->end[1].conn, path, 1250);
	p->link[0].mtu_bytes = 1400;
	tquic_path_set_mtu(&p->end[1].conn, path, 1400);
	pair_kick(&p->end[1]);
	pair_run(p, SEC);
	KUNIT_EXPECT_EQ(test, path->pmtu.bytes, 1400);
	KUNIT_EXPECT_EQ(test, path->cc.mss, 1400);
	KUNIT_EXPECT_EQ(test, path->pmtu.test_bytes, 0);
	/* Nothing to find out */
	tquic_path_set_mtu(&p->end[1].conn, path, 1400);
	KUNIT_EXPECT_EQ(test, path->pmtu.test_bytes, 0);
	tquic_path_set_mtu(&p->end[1].conn, path, 1250);
	KUNIT_EXPECT_EQ(test, path->pmtu.bytes, 1250);
	tquic_path_set_mtu(&p->end[1].conn, path, 500);
	KUNIT_EXPECT_EQ(test, path->pmtu.bytes, TQUIC_MIN_UDP_PAYLOAD);
}

/* The peer retires an id and gets another one */
static void path_cids_replaced(struct kunit *test)
{
	struct pair *p = pair_bonded(test, 2);
	struct tquic_path *c = pair_path(p, 0, 1), *s = pair_path(p, 1, 1);
	struct tquic_cid first = *tquic_cidset_remote_current(&c->remote);
	u32 i;

	for (i = 0; i < 30; i++) {
		KUNIT_ASSERT_EQ(test, tquic_cidset_remote_rotate(&c->remote), 0);
		pair_kick(&p->end[0]);
		pair_run(p, PAIR_MS(150));
		KUNIT_EXPECT_EQ(test, s->local.count, TQUIC_PATH_CIDS);
	}
	KUNIT_EXPECT_EQ(test, s->local.next_seq, TQUIC_PATH_CIDS + 30);
	KUNIT_EXPECT_FALSE(test, tquic_cid_equal(&first, tquic_cidset_remote_current(&c->remote)));
	KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(&p->end[0], false, 50000));
	KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 5 * SEC));
}

/* Who grows with whom: all paths that carry data, from validation to abandonment */
static void path_cc_group(struct kunit *test)
{
	struct pair *p = pair_bonded(test, 2);
	struct tquic_conn *conn = &p->end[0].conn;
	struct tquic_path *path;
	u32 i, n = 0;

	for (i = 0; i < TQUIC_PATHS_MAX; i++) {
		path = tquic_conn_path(conn, i);
		if (!path)
			continue;
		KUNIT_EXPECT_EQ(test, !!path->cc.group, path->state == TQUIC_PATH_ACTIVE);
		n += !!path->cc.group;
	}
	KUNIT_EXPECT_EQ(test, n, 2);
	KUNIT_EXPECT_EQ(test, tquic_path_close(conn, pair_path(p, 0, 1), 0, p->now), 0);
	KUNIT_EXPECT_NULL(test, pair_path(p, 0, 1)->cc.group);
	KUNIT_EXPECT_TRUE(test, list_is_singular(&conn->cc_group.members));
	tquic_path_destroy(conn, pair_path(p, 0, 0));
	KUNIT_EXPECT_TRUE(test, list_empty(&conn->cc_group.members));
}

static u64 path_pto_ns(struct pair *p, u32 id)
{
	return tquic_rtt_pto_ns(&pair_path(p, 0, id)->rtt, PAIR_MS(25));
}

/* Stragglers of an abandoned path are known for three PTO of the slowest one. */
static void path_abandon_kept(struct kunit *test)
{
	struct pair *p = pair_bonded(test, 2);
	struct tquic_conn *conn = &p->end[0].conn;
	u64 end = p->now + 3 * path_pto_ns(p, 1);

	KUNIT_ASSERT_GT(test, path_pto_ns(p, 1), path_pto_ns(p, 0));
	KUNIT_ASSERT_EQ(test, tquic_path_close(conn, pair_path(p, 0, 1), 0, p->now), 0);
	KUNIT_EXPECT_EQ(test, tquic_path_deadline_ns(conn, pair_path(p, 0, 1)), end);
	pair_kick(&p->end[0]);
	pair_run(p, end - p->now - 1);
	KUNIT_EXPECT_NOT_NULL(test, pair_path(p, 0, 1));
	pair_run(p, 1);
	KUNIT_EXPECT_NULL(test, pair_path(p, 0, 1));
	KUNIT_EXPECT_EQ(test, p->end[0].freed, 1);
}

/* As long as the peer has not heard of it, one more PTO is waited. */
static void path_abandon_unheard(struct kunit *test)
{
	struct pair *p = pair_bonded(test, 2);
	struct tquic_conn *conn = &p->end[0].conn;
	struct tquic_path *path = pair_path(p, 0, 1);
	u64 end = p->now + 3 * path_pto_ns(p, 1);

	p->link[0].cut = true;
	p->link[1].cut = true;
	KUNIT_ASSERT_EQ(test, tquic_path_close(conn, path, 0, p->now), 0);
	pair_kick(&p->end[0]);
	pair_run(p, end - p->now);
	KUNIT_ASSERT_PTR_EQ(test, pair_path(p, 0, 1), path);
	KUNIT_EXPECT_EQ(test, tquic_path_deadline_ns(conn, path), end + path_pto_ns(p, 1));
}

static void path_expect_status(struct kunit *test, struct tquic_conn *conn, u64 flags)
{
	struct tquic_event ev;

	KUNIT_ASSERT_TRUE(test, tquic_conn_event_pop(conn, &ev));
	KUNIT_EXPECT_EQ(test, ev.type, TQUIC_EVENT_PATH_STATUS);
	KUNIT_EXPECT_EQ(test, ev.id, 1);
	KUNIT_EXPECT_EQ(test, ev.error_code, flags);
	KUNIT_EXPECT_FALSE(test, tquic_conn_event_pop(conn, &ev));
}

/* The program hears of the peer's wish, and of its end */
static void path_status_told(struct kunit *test)
{
	struct pair *p = pair_bonded(test, 2);
	struct tquic_conn *conn = &p->end[1].conn;

	conn->want_events = true;
	tquic_path_set_flags(&p->end[0].conn, pair_path(p, 0, 1), TQUIC_PATH_BACKUP);
	pair_kick(&p->end[0]);
	pair_run(p, PAIR_MS(100));
	path_expect_status(test, conn, TQUIC_PATH_BACKUP);
	conn->todo = 0;
	tquic_path_on_status(conn, pair_path(p, 1, 1), false, p->now);
	path_expect_status(test, conn, 0);
	KUNIT_EXPECT_TRUE(test, conn->todo & TQUIC_TODO_PATHS);
	KUNIT_EXPECT_FALSE(test, pair_path(p, 1, 1)->peer_backup);
}

/*
 * What is under way on a path the peer spares is sent again on another, once in a
 * round trip, and only if there is one that nobody spares.
 */
static void path_status_drains(struct kunit *test)
{
	struct pair *p = pair_bonded(test, 2);
	struct tquic_path *other = pair_path(p, 1, 0), *path = pair_path(p, 1, 1);
	struct tquic_conn *conn = &p->end[1].conn;
	u64 in_flight, drained;

	KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(&p->end[1], false, 1 << 20));
	pair_run(p, PAIR_MS(60));
	in_flight = path->cc.in_flight;
	KUNIT_ASSERT_GT(test, in_flight, 0);
	tquic_path_on_status(conn, path, false, p->now);
	other->backup = true;
	tquic_path_on_status(conn, path, true, p->now);
	other->backup = false;
	other->metered = true;
	tquic_path_on_status(conn, path, true, p->now);
	other->metered = false;
	other->peer_backup = true;
	tquic_path_on_status(conn, path, true, p->now);
	other->peer_backup = false;
	KUNIT_EXPECT_EQ(test, path->cc.in_flight, in_flight);
	drained = p->now;
	tquic_path_on_status(conn, path, true, drained);
	KUNIT_EXPECT_EQ(test, path->cc.in_flight, 0);

	tquic_path_on_status(conn, path, false, p->now);
	pair_kick(&p->end[1]);
	in_flight = path->cc.in_flight;
	KUNIT_ASSERT_GT(test, in_flight, 0);
	tquic_path_on_status(conn, path, true, drained + path->rtt.srtt_ns - 1);
	KUNIT_EXPECT_EQ(test, path->cc.in_flight, in_flight);
	tquic_path_on_status(conn, path, true, drained + path->rtt.srtt_ns);
	KUNIT_EXPECT_EQ(test, path->cc.in_flight, 0);
}

static u32 path_cid_calls;
static u32 path_cid_fails;
static int path_cid_answer;
static int (*path_cid_plain)(struct tquic_conn *conn, const struct tquic_cid *cid, u32 path_id);

static int path_cid_add(struct tquic_conn *conn, const struct tquic_cid *cid, u32 path_id)
{
	return path_cid_calls++ < path_cid_fails ? path_cid_answer :
						   path_cid_plain(conn, cid, path_id);
}

/* Neither ids that are taken nor lack of memory ends the supply: the timer tries again. */
static void path_cids_wait(struct kunit *test)
{
	static const int answers[] = { -ENOMEM, -EEXIST };
	static const u32 calls[] = { 1, 4 };
	const struct tquic_conn_ops *plain;
	struct tquic_conn_ops ops;
	struct tquic_conn *conn;
	struct pair *p;
	u32 i, id;

	for (i = 0; i < 2; i++) {
		p = pair_create(test, 1);
		conn = &p->end[0].conn;
		KUNIT_ASSERT_TRUE(test, pair_handshake(p));
		pair_run(p, PAIR_MS(200));
		id = conn->next_path_id;
		tquic_path_destroy(conn, tquic_path_find(conn, id - 1));
		plain = conn->ops;
		ops = *plain;
		ops.cid_add = path_cid_add;
		conn->ops = &ops;
		path_cid_plain = plain->cid_add;
		path_cid_answer = answers[i];
		path_cid_fails = U32_MAX;
		path_cid_calls = 0;
		tquic_path_replenish(conn, p->now);
		conn->ops = plain;
		KUNIT_EXPECT_EQ(test, path_cid_calls, calls[i]);
		KUNIT_ASSERT_NOT_NULL(test, tquic_path_find(conn, id));
		KUNIT_EXPECT_EQ(test, tquic_path_find(conn, id)->local.count, 0);
		KUNIT_ASSERT_EQ(test, tquic_conn_deadline_ns(conn), p->now + TQUIC_PATH_RETRY_NS);
		tquic_conn_on_timeout(conn, p->now + TQUIC_PATH_RETRY_NS);
		KUNIT_EXPECT_EQ(test, tquic_path_find(conn, id)->local.count, TQUIC_PATH_CIDS);
		KUNIT_EXPECT_EQ(test, conn->replenish_ns, 0);
	}
}

/* A path abandoned while it is validated challenges no more, though its challenge is lost. */
static void path_abandon_validating(struct kunit *test)
{
	struct pair *p = pair_create(test, 2);
	struct tquic_conn *conn = &p->end[0].conn;
	struct tquic_path *path;

	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	pair_run(p, PAIR_MS(200));
	p->link[1].cut = true;
	path = pair_open_path(p, 1, false);
	KUNIT_ASSERT_NOT_NULL(test, path);
	KUNIT_ASSERT_EQ(test, path->state, TQUIC_PATH_VALIDATING);
	conn->todo = TQUIC_TODO_READ;
	KUNIT_ASSERT_EQ(test, tquic_path_close(conn, path, 0, p->now), 0);
	KUNIT_EXPECT_EQ(test, conn->todo, TQUIC_TODO_READ | TQUIC_TODO_PATHS);
	KUNIT_EXPECT_EQ(test, path->ctl, TQUIC_PATH_CTL_ABANDON);
	KUNIT_EXPECT_NULL(test, path->challenge);
}

/* Challenges are remembered, the newest first, as many as there is room for. */
static void path_challenges_kept(struct kunit *test)
{
	struct tquic_path *path = kunit_kzalloc(test, sizeof(*path), GFP_KERNEL);
	u8 sent[TQUIC_PATH_CHALLENGES + 3][TQUIC_PATH_DATA_LEN];
	const u8 *data;
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, path);
	for (i = 0; i < ARRAY_SIZE(sent); i++) {
		data = tquic_path_new_challenge(path, SEC + i);
		KUNIT_ASSERT_NOT_NULL(test, data);
		memcpy(sent[i], data, TQUIC_PATH_DATA_LEN);
		KUNIT_EXPECT_EQ(test, path->challenge->count,
				min_t(u32, i + 1, TQUIC_PATH_CHALLENGES));
		KUNIT_EXPECT_EQ(test, path->challenge_due_ns, SEC + i + TQUIC_RTT_INITIAL_NS);
	}
	for (i = 0; i < TQUIC_PATH_CHALLENGES; i++)
		KUNIT_EXPECT_MEMEQ(test, path->challenge->data[i], sent[ARRAY_SIZE(sent) - 1 - i],
				   TQUIC_PATH_DATA_LEN);
	kfree(path->challenge);
}

/* One path that gets no id leaves the others theirs. */
static void path_cids_one_fails(struct kunit *test)
{
	struct pair *p = pair_bonded(test, 2);
	struct tquic_conn *conn = &p->end[0].conn;
	const struct tquic_conn_ops *plain = conn->ops;
	struct tquic_conn_ops ops = *plain;
	u32 id;

	id = conn->next_path_id;
	tquic_path_destroy(conn, tquic_path_find(conn, id - 1));
	tquic_path_destroy(conn, tquic_path_find(conn, id - 2));
	ops.cid_add = path_cid_add;
	path_cid_plain = plain->cid_add;
	path_cid_answer = -ENOMEM;
	path_cid_fails = 1;
	path_cid_calls = 0;
	conn->ops = &ops;
	tquic_path_replenish(conn, p->now);
	conn->ops = plain;
	KUNIT_ASSERT_NOT_NULL(test, tquic_path_find(conn, id));
	KUNIT_ASSERT_NOT_NULL(test, tquic_path_find(conn, id + 1));
	KUNIT_EXPECT_EQ(test, tquic_path_find(conn, id)->local.count +
			tquic_path_find(conn, id + 1)->local.count, TQUIC_PATH_CIDS);
	KUNIT_EXPECT_EQ(test, conn->replenish_ns, p->now + TQUIC_PATH_RETRY_NS);
}

/* When a larger size is probed for, and what a new beginning of that means */
static void path_mtu_probe_time(struct kunit *test)
{
	struct pair *p = pair_bonded(test, 1);
	struct tquic_conn *conn = &p->end[0].conn;
	struct tquic_path *path = pair_path(p, 0, 0);

	KUNIT_ASSERT_EQ(test, path->pmtu.bytes, PAIR_MTU);
	KUNIT_EXPECT_EQ(test, tquic_path_mtu_probe(conn, path, p->now), 0);
	tquic_path_restart_mtu(path);
	KUNIT_EXPECT_EQ(test, path->pmtu.bytes, TQUIC_MIN_UDP_PAYLOAD);
	KUNIT_EXPECT_EQ(test, path->cc.mss, TQUIC_MIN_UDP_PAYLOAD);
	KUNIT_EXPECT_EQ(test, tquic_path_mtu_probe(conn, path, p->now), PAIR_MTU);
	conn->confirmed = false;
	KUNIT_EXPECT_EQ(test, tquic_path_mtu_probe(conn, path, p->now), 0);
	conn->confirmed = true;
	path->state = TQUIC_PATH_SUSPECT;
	KUNIT_EXPECT_EQ(test, tquic_path_mtu_probe(conn, path, p->now), 0);
	path->state = TQUIC_PATH_ACTIVE;
	path->pto_count = 1;
	KUNIT_EXPECT_EQ(test, tquic_path_mtu_probe(conn, path, p->now), 0);
	path->pto_count = 0;
	tquic_cc_on_sent(&path->cc, tquic_cc_room_bytes(&path->cc), p->now);
	KUNIT_EXPECT_EQ(test, tquic_path_mtu_probe(conn, path, p->now), 0);
}

/* Ids that the peer was never told it cannot retire, one after the other in a packet. */
static void path_retire_untold(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_conn *conn = &p->end[0].conn;
	u8 frames[] = { 0x19, 0, 0x19, 0 };

	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	pair_run(p, PAIR_MS(200));
	frames[1] = pair_path(p, 0, 0)->local.next_seq - 1;
	frames[3] = frames[1] + 1;
	KUNIT_EXPECT_EQ(test, pair_inject(&p->end[0], TQUIC_PKT_1RTT, 0, 1000, frames, 2), 0);
	KUNIT_EXPECT_EQ(test, pair_path(p, 0, 0)->local.next_seq, frames[3] + 1);
	KUNIT_EXPECT_EQ(test, conn->state, TQUIC_STATE_ESTABLISHED);
	/* The next one was made meanwhile, and nobody knows of it yet. */
	pair_inject(&p->end[0], TQUIC_PKT_1RTT, 0, 1001, frames + 2, 2);
	KUNIT_EXPECT_EQ(test, conn->closed.error_code, TQUIC_ERR_PROTOCOL_VIOLATION);
	KUNIT_EXPECT_EQ(test, pair_path(p, 0, 0)->local.next_seq, frames[3] + 1);
}

/* The only path there was is given up at last when another has come into use. */
static void path_validation_of_last(struct kunit *test)
{
	struct pair *p = pair_create(test, 2);
	struct tquic_conn *conn = &p->end[0].conn;
	struct tquic_path *path;

	p->links = 1;
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	pair_run(p, PAIR_MS(200));
	path = pair_path(p, 0, 0);
	p->link[0].cut = true;
	tquic_path_revalidate(conn, path, p->now);
	pair_kick(&p->end[0]);
	pair_run(p, 5 * SEC);
	KUNIT_ASSERT_EQ(test, path->state, TQUIC_PATH_VALIDATING);
	p->links = 2;
	KUNIT_ASSERT_TRUE(test, pair_open_path(p, 1, false));
	pair_run(p, 10 * SEC);
	KUNIT_EXPECT_EQ(test, pair_path(p, 0, 1)->state, TQUIC_PATH_ACTIVE);
	path = pair_path(p, 0, 0);
	KUNIT_EXPECT_TRUE(test, !path || path->state == TQUIC_PATH_ABANDONED);
}

/* A validation takes three PTO of a path nothing is known of; the last path outlives it. */
static void path_validation_time(struct kunit *test)
{
	struct pair *p = pair_create(test, 2);
	struct tquic_conn *conn = &p->end[0].conn;
	struct tquic_path *path;
	u64 end;

	p->end[1].conn.local.has_max_path_id = false;
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	pair_run(p, PAIR_MS(200));
	path = pair_path(p, 0, 0);
	p->link[0].cut = true;
	tquic_rtt_init(&path->rtt, TQUIC_RTT_INITIAL_NS);
	tquic_path_revalidate(conn, path, p->now);
	KUNIT_EXPECT_EQ(test, path->state, TQUIC_PATH_VALIDATING);
	KUNIT_EXPECT_TRUE(test, path->validated);
	/* Without the peer's delay a PTO is 999 ms. */
	end = p->now + 3 * (PAIR_MS(999) + PAIR_MS(25));
	KUNIT_EXPECT_EQ(test, path->validate_end_ns, end);
	pair_kick(&p->end[0]);
	KUNIT_EXPECT_EQ(test, path->challenge_due_ns, p->now + TQUIC_RTT_INITIAL_NS);
	tquic_path_on_timeout(conn, path, end - 1);
	KUNIT_EXPECT_EQ(test, path->validate_end_ns, end);
	pair_kick(&p->end[0]);
	KUNIT_EXPECT_FALSE(test, path->ctl & TQUIC_PATH_CTL_CHALLENGE);
	tquic_path_on_timeout(conn, path, end);
	KUNIT_EXPECT_EQ(test, path->validate_end_ns, end + 3 * (PAIR_MS(999) + PAIR_MS(25)));
	KUNIT_EXPECT_EQ(test, conn->state, TQUIC_STATE_ESTABLISHED);
	/* There is no other: it is asked until it answers. */
	pair_kick(&p->end[0]);
	pair_run(p, SEC);
	KUNIT_EXPECT_EQ(test, path->state, TQUIC_PATH_VALIDATING);
	p->link[0].cut = false;
	pair_run(p, PAIR_MS(400));
	KUNIT_EXPECT_EQ(test, path->state, TQUIC_PATH_ACTIVE);
}

/* What a path has to wait for; 0 is nothing */
static void path_deadlines(struct kunit *test)
{
	struct pair *p = pair_bonded(test, 2);
	struct tquic_conn *conn = &p->end[0].conn;
	struct tquic_path *path = pair_path(p, 0, 1);
	u64 now = p->now;

	path->space.ack_deadline_ns = 0;
	KUNIT_ASSERT_EQ(test, tquic_path_deadline_ns(conn, path), 0);
	path->challenge_due_ns = now + 9;
	KUNIT_EXPECT_EQ(test, tquic_path_deadline_ns(conn, path), now + 9);
	/* It is about to be sent anyway. */
	path->ctl |= TQUIC_PATH_CTL_CHALLENGE;
	KUNIT_EXPECT_EQ(test, tquic_path_deadline_ns(conn, path), 0);
	path->ctl = 0;
	path->validate_end_ns = now + 8;
	KUNIT_EXPECT_EQ(test, tquic_path_deadline_ns(conn, path), now + 8);
	path->space.ack_deadline_ns = now + 7;
	KUNIT_EXPECT_EQ(test, tquic_path_deadline_ns(conn, path), now + 7);
	path->space.loss_time_ns = now + 6;
	KUNIT_EXPECT_EQ(test, tquic_path_deadline_ns(conn, path), now + 6);
	path->trial_end_ns = now + 5;
	KUNIT_EXPECT_EQ(test, tquic_path_deadline_ns(conn, path), now + 5);
	path->trial_end_ns = 0;
	path->space.loss_time_ns = 0;
	/* An acknowledgment that may not be sent is not waited for. */
	path->validated = false;
	path->tx_allowed_bytes = TQUIC_RECORD_ROOM_MIN - 1;
	KUNIT_EXPECT_EQ(test, tquic_path_deadline_ns(conn, path), now + 8);
	path->tx_allowed_bytes = TQUIC_RECORD_ROOM_MIN;
	KUNIT_EXPECT_EQ(test, tquic_path_deadline_ns(conn, path), now + 7);
	path->validated = true;
	/* A packet under way has its timeout, unless it is probed for already. */
	path->space.ack_deadline_ns = 0;
	path->validate_end_ns = 0;
	path->challenge_due_ns = 0;
	KUNIT_ASSERT_NOT_NULL(test, tquic_space_on_sent(&path->space, path->space.next_pn, 1000,
							TQUIC_SENT_F_ELICITING |
							TQUIC_SENT_F_IN_FLIGHT, now));
	KUNIT_EXPECT_EQ(test, tquic_path_deadline_ns(conn, path),
			tquic_path_pto_deadline_ns(conn, path));
	KUNIT_EXPECT_NE(test, tquic_path_deadline_ns(conn, path), 0);
	path->probes = 1;
	KUNIT_EXPECT_EQ(test, tquic_path_deadline_ns(conn, path), 0);
	path->probes = 0;
	/* Before the handshake is confirmed it has none. */
	conn->confirmed = false;
	KUNIT_EXPECT_EQ(test, tquic_path_deadline_ns(conn, path), 0);
	conn->confirmed = true;
}

/* A limit next to nothing holds a path up no longer than it stands. */
static void path_rate_cap_lifted(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_path *path;

	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	pair_run(p, PAIR_MS(200));
	path = pair_path(p, 0, 0);
	tquic_path_set_rate_cap(path, 1);
	KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(&p->end[0], false, 100000));
	KUNIT_EXPECT_FALSE(test, pair_until(p, pair_flows_done, 5ULL * NSEC_PER_SEC));
	tquic_path_set_rate_cap(path, 0);
	pair_kick(&p->end[0]);
	KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 5ULL * NSEC_PER_SEC));
	pair_check(p);
}

static struct kunit_case path_cases[] = {
	KUNIT_CASE(path_create),
	KUNIT_CASE(path_highest_id),
	KUNIT_CASE(path_spare_needs_both),
	KUNIT_CASE(path_open),
	KUNIT_CASE(path_challenges_lost),
	KUNIT_CASE(path_validates_slowly),
	KUNIT_CASE(path_validation_fails),
	KUNIT_CASE(path_responses),
	KUNIT_CASE(path_challenge_flood),
	KUNIT_CASE(path_response_padded),
	KUNIT_CASE(path_abandon),
	KUNIT_CASE(path_abandon_last),
	KUNIT_CASE(path_abandon_lost),
	KUNIT_CASE(path_many_in_a_row),
	KUNIT_CASE(path_backup),
	KUNIT_CASE(path_mtu_shrinks),
	KUNIT_CASE(path_mtu_small),
	KUNIT_CASE(path_cids_replaced),
	KUNIT_CASE(path_cc_group),
	KUNIT_CASE(path_abandon_kept),
	KUNIT_CASE(path_abandon_unheard),
	KUNIT_CASE(path_status_told),
	KUNIT_CASE(path_status_drains),
	KUNIT_CASE(path_cids_wait),
	KUNIT_CASE(path_abandon_validating),
	KUNIT_CASE(path_challenges_kept),
	KUNIT_CASE(path_cids_one_fails),
	KUNIT_CASE(path_mtu_probe_time),
	KUNIT_CASE(path_retire_untold),
	KUNIT_CASE(path_validation_of_last),
	KUNIT_CASE(path_validation_time),
	KUNIT_CASE(path_deadlines),
	KUNIT_CASE(path_rate_cap_lifted),
	{}
};

static struct kunit_suite path_suite = {
	.name = "tquic-path",
	.test_cases = path_cases,
};

kunit_test_suites(&path_suite);
