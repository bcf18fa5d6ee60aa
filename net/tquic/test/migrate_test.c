// SPDX-License-Identifier: GPL-2.0
/* Migration: who is followed, who is not, and what is left of the path (RFC 9000 §9). */
#include <kunit/test.h>

#include "core/migrate.h"
#include "core/path.h"
#include "test/pair.h"

#define SEC	((u64)NSEC_PER_SEC)
#define MIB	(1024ULL * 1024)

/* Two links of which the handshake uses the first; the client may move to the other. */
static struct pair *migrate_pair(struct kunit *test)
{
	struct pair *p = pair_create(test, 2);
	u32 i;

	for (i = 0; i < 2; i++)
		pair_link_set(&p->link[i], 10000000, PAIR_MS(10), 50000);
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	return p;
}

static struct tquic_path *path_of(struct pair_end *e)
{
	return tquic_path_find(&e->conn, 0);
}

static void client_moves(struct pair *p, u32 link)
{
	path_of(pair_client(p))->link = &p->link[link];
	p->link[!link].cut = true;
	p->link[link].cut = false;
}

#define INJECT_BYTES	60

/* A packet with the number the peer would use next comes over link 1. */
static int inject(struct pair_end *to, const u8 *frames, u32 len, u64 pn_off,
		  const struct tquic_cid *dcid)
{
	struct tquic_path *path = path_of(to), *from = path_of(pair_peer(to));
	struct sk_buff *skb = alloc_skb(INJECT_BYTES, GFP_KERNEL);
	struct tquic_rx_pkt pkt = {
		.type = TQUIC_PKT_1RTT, .path = path, .skb = skb, .len = INJECT_BYTES,
		.dgram_bytes = INJECT_BYTES, .dcid = dcid, .moved = TQUIC_MOVED_ADDRESS,
	};
	int ret;

	if (!skb)
		return -ENOMEM;
	skb_put_data(skb, frames, len);
	memset(skb_put(skb, INJECT_BYTES - len), 0, INJECT_BYTES - len);
	pkt.payload = skb->data;
	pkt.pn = from->space.next_pn + pn_off;
	tquic_space_on_sent(&from->space, pkt.pn, INJECT_BYTES, 0, to->pair->now);
	to->rx_link = &to->pair->link[1];
	ret = tquic_conn_input(&to->conn, &pkt, to->pair->now);
	kfree_skb(skb);
	pair_kick(to);
	return ret;
}

static const u8 ping[] = { 0x01 };
static const u8 challenge_ping[] = { 0x1a, 1, 2, 3, 4, 5, 6, 7, 8, 0x01 };
static const u8 challenge[] = { 0x1a, 1, 2, 3, 4, 5, 6, 7, 8 };

/* In the middle of a transfer, either way; a new port changes nothing but the port. */
static void migrate_midway(struct kunit *test)
{
	struct tquic_path *path;
	struct pair_flow *f;
	struct pair *p;
	u32 i, ms;
	u64 cwnd;

	for (i = 0; i < 4; i++) {
		p = migrate_pair(test);
		p->nat = i & 1;
		path = path_of(pair_server(p));
		f = pair_flow_open(i & 2 ? pair_client(p) : pair_server(p), false, 2 * MIB);
		KUNIT_ASSERT_NOT_NULL(test, f);
		pair_run(p, PAIR_MS(500));
		KUNIT_EXPECT_GT(test, path->pmtu.bytes, TQUIC_MIN_UDP_PAYLOAD);
		cwnd = path->cc.cwnd;
		f->gap_ns = 0;
		client_moves(p, 1);
		pair_client(p)->conn.ctl |= TQUIC_CONN_CTL_PING;
		pair_kick(pair_client(p));
		/* Something has to come from there: an ACK, or a probe. */
		for (ms = 0; ms < 200 && path->link == &p->link[0]; ms++)
			pair_run(p, PAIR_MS(1));
		KUNIT_EXPECT_EQ(test, path->state, TQUIC_PATH_VALIDATING);
		KUNIT_EXPECT_FALSE(test, path->validated);
		KUNIT_EXPECT_PTR_EQ(test, path->link, (void *)&p->link[1]);
		pair_run(p, PAIR_MS(22));
		KUNIT_EXPECT_EQ(test, path->state, TQUIC_PATH_ACTIVE);
		KUNIT_EXPECT_EQ(test, pair_server(p)->events[TQUIC_EVENT_PATH_MIGRATED], 1);
		if (p->nat)
			KUNIT_EXPECT_GE(test, path->cc.cwnd, cwnd / 2);
		else
			KUNIT_EXPECT_LE(test, path->cc.cwnd, 20 * PAIR_MTU);
		KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 20 * SEC));
		kunit_info(test, "%s, %s sends: gap %llu us", p->nat ? "port" : "address",
			   i & 2 ? "client" : "server", f->gap_ns / 1000);
		KUNIT_EXPECT_LE(test, f->gap_ns, PAIR_MS(150));
		KUNIT_EXPECT_GT(test, path->pmtu.bytes, TQUIC_MIN_UDP_PAYLOAD);
		pair_check(p);
	}
}

/* Frames that only probe, and packets older than the newest, move nothing. */
static void migrate_not_followed(struct kunit *test)
{
	struct pair *p = migrate_pair(test);
	struct tquic_path *path = path_of(pair_server(p));

	pair_run(p, PAIR_MS(200));
	KUNIT_EXPECT_EQ(test, inject(pair_server(p), challenge, sizeof(challenge), 0, NULL), 0);
	KUNIT_EXPECT_PTR_EQ(test, path->link, (void *)&p->link[0]);
	/* One from the old address overtakes it. */
	KUNIT_EXPECT_EQ(test, pair_inject_next(pair_server(p), TQUIC_PKT_1RTT, 0, ping,
					       sizeof(ping)), 0);
	path_of(pair_client(p))->space.next_pn -= 2;
	path->space.largest_rx += 10;
	KUNIT_EXPECT_EQ(test, inject(pair_server(p), ping, sizeof(ping), 2, NULL), 0);
	KUNIT_EXPECT_PTR_EQ(test, path->link, (void *)&p->link[0]);
	KUNIT_EXPECT_EQ(test, path->state, TQUIC_PATH_ACTIVE);
	KUNIT_EXPECT_EQ(test, path->moving, TQUIC_MOVED_NOT);
}

/* A client may try an address before it moves there: it is answered there, and briefly. */
static void migrate_probed(struct kunit *test)
{
	struct pair *p = migrate_pair(test);
	struct tquic_path *path = path_of(pair_server(p));
	struct pair_pipe *there = &p->link[1].pipe[0];

	pair_run(p, PAIR_MS(200));
	KUNIT_EXPECT_EQ(test, inject(pair_server(p), challenge, sizeof(challenge), 0, NULL), 0);
	pair_run(p, PAIR_MS(30));
	KUNIT_EXPECT_EQ(test, there->delivered, 1);
	KUNIT_EXPECT_LE(test, there->bytes, 3 * INJECT_BYTES);
	KUNIT_EXPECT_PTR_EQ(test, path->link, (void *)&p->link[0]);
	KUNIT_EXPECT_EQ(test, path->responses, 0);
	/* With more than a probe it moves, and is answered all the same. */
	KUNIT_EXPECT_EQ(test, inject(pair_server(p), challenge_ping, sizeof(challenge_ping), 0,
				     NULL), 0);
	KUNIT_EXPECT_PTR_EQ(test, path->link, (void *)&p->link[1]);
	KUNIT_EXPECT_EQ(test, path->responses, 0);
	pair_run(p, PAIR_MS(15));
	KUNIT_EXPECT_GE(test, there->delivered, 2);
	/* While it moves nobody else is answered. */
	memset(path->other_response, 0, sizeof(path->other_response));
	KUNIT_EXPECT_EQ(test, inject(pair_server(p), challenge, sizeof(challenge), 0, NULL), 0);
	KUNIT_EXPECT_EQ(test, path->other_response[7], 0);
	KUNIT_EXPECT_FALSE(test, path->ctl & TQUIC_PATH_CTL_RESPONSE_OTHER);
}

/* The server's address does not change. */
static void migrate_client_stays(struct kunit *test)
{
	struct pair *p = migrate_pair(test);

	pair_run(p, PAIR_MS(200));
	KUNIT_EXPECT_EQ(test, inject(pair_client(p), ping, sizeof(ping), 0, NULL), 0);
	KUNIT_EXPECT_PTR_EQ(test, path_of(pair_client(p))->link, (void *)&p->link[0]);
}

/* Before the handshake is confirmed nobody moves. */
static void migrate_unconfirmed(struct kunit *test)
{
	struct pair *p = migrate_pair(test);

	pair_run(p, PAIR_MS(200));
	pair_server(p)->conn.confirmed = false;
	KUNIT_EXPECT_EQ(test, inject(pair_server(p), ping, sizeof(ping), 0, NULL), 0);
	KUNIT_EXPECT_PTR_EQ(test, path_of(pair_server(p))->link, (void *)&p->link[0]);
}

/*
 * Somebody sends the client's packet on from elsewhere. The client, asked at its old
 * address, answers with more than a probe: the path is back within a round trip.
 */
static void migrate_copied_packet(struct kunit *test)
{
	struct pair *p = migrate_pair(test);
	struct tquic_path *path = path_of(pair_server(p));
	struct pair_flow *f;
	u64 cwnd, srtt;

	f = pair_flow_open(pair_server(p), false, 2 * MIB);
	KUNIT_ASSERT_NOT_NULL(test, f);
	pair_run(p, PAIR_MS(500));
	/* Without traffic of its own the client says nothing by itself. */
	pair_client(p)->paused = true;
	pair_run(p, PAIR_MS(300));
	cwnd = path->cc.cwnd;
	srtt = path->rtt.srtt_ns;
	p->link[1].cut = true;
	KUNIT_EXPECT_EQ(test, inject(pair_server(p), ping, sizeof(ping), 0, NULL), 0);
	KUNIT_EXPECT_PTR_EQ(test, path->link, (void *)&p->link[1]);
	KUNIT_EXPECT_EQ(test, path->state, TQUIC_PATH_VALIDATING);
	pair_run(p, PAIR_MS(40));
	KUNIT_EXPECT_PTR_EQ(test, path->link, (void *)&p->link[0]);
	KUNIT_EXPECT_EQ(test, path->state, TQUIC_PATH_ACTIVE);
	KUNIT_EXPECT_TRUE(test, path->validated);
	KUNIT_EXPECT_EQ(test, pair_server(p)->events[TQUIC_EVENT_PATH_MIGRATED], 0);
	KUNIT_EXPECT_GE(test, path->cc.cwnd, cwnd);
	KUNIT_EXPECT_LE(test, path->rtt.srtt_ns, 2 * srtt);
	pair_resume(pair_client(p));
	KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 20 * SEC));
	pair_check(p);
}

/* Nobody answers: in the end the path is where it was. */
static void migrate_fails(struct kunit *test)
{
	struct pair *p = migrate_pair(test);
	struct tquic_path *path = path_of(pair_server(p));

	pair_run(p, PAIR_MS(200));
	p->link[0].cut = true;
	p->link[1].cut = true;
	KUNIT_EXPECT_EQ(test, inject(pair_server(p), ping, sizeof(ping), 0, NULL), 0);
	/* It moves on before that is over: still the old address counts. */
	pair_run(p, PAIR_MS(50));
	KUNIT_EXPECT_EQ(test, inject(pair_server(p), ping, sizeof(ping), 0, NULL), 0);
	KUNIT_EXPECT_PTR_EQ(test, path->link, (void *)&p->link[1]);
	pair_run(p, 3 * SEC);
	KUNIT_EXPECT_PTR_EQ(test, path->link, (void *)&p->link[0]);
	KUNIT_EXPECT_EQ(test, path->state, TQUIC_PATH_ACTIVE);
	KUNIT_EXPECT_EQ(test, pair_server(p)->events[TQUIC_EVENT_PATH_MIGRATED], 0);
	KUNIT_EXPECT_EQ(test, pair_server(p)->events[TQUIC_EVENT_PATH_ABANDONED], 0);
}

/* A client that takes a new id of ours for its new address gets a new one of its own. */
static void migrate_new_id(struct kunit *test)
{
	struct pair *p = migrate_pair(test);
	struct tquic_path *path = path_of(pair_server(p));
	struct tquic_cid before, other = path->rx_dcid;

	pair_run(p, PAIR_MS(200));
	KUNIT_ASSERT_GE(test, tquic_cidset_remote_spare(&path->remote), 1);
	before = *tquic_cidset_remote_current(&path->remote);
	KUNIT_EXPECT_EQ(test, inject(pair_server(p), ping, sizeof(ping), 0, &path->rx_dcid), 0);
	KUNIT_EXPECT_TRUE(test, tquic_cid_equal(&before,
						tquic_cidset_remote_current(&path->remote)));
	path->link = &p->link[0];
	other.id[0] ^= 1;
	KUNIT_EXPECT_EQ(test, inject(pair_server(p), ping, sizeof(ping), 0, &other), 0);
	KUNIT_EXPECT_FALSE(test, tquic_cid_equal(&before,
						 tquic_cidset_remote_current(&path->remote)));
}

/* The peer has one more id for the path than there were spare ones. */
static void id_from_peer(struct kunit *test, struct tquic_path *path)
{
	const u8 token[TQUIC_RESET_TOKEN_LEN] = { 0x77 };
	const struct tquic_cid cid = { .len = TQUIC_LOCAL_CID_LEN, .id = { 0x77 } };

	path->remote.limit++;
	KUNIT_ASSERT_EQ(test, tquic_cidset_remote_add(&path->remote, 100, 0, &cid, token), 0);
}

/* A trial by a new id of ours is answered by a new one of the client's, or not at all. */
static void migrate_probe_new_id(struct kunit *test)
{
	struct pair *p = migrate_pair(test);
	struct tquic_path *path = path_of(pair_server(p));
	struct tquic_cid other = path->rx_dcid, next;

	pair_run(p, PAIR_MS(200));
	other.id[0] ^= 1;
	next = *tquic_cidset_remote_next(&path->remote);
	KUNIT_EXPECT_EQ(test, inject(pair_server(p), challenge, sizeof(challenge), 0, &other), 0);
	KUNIT_EXPECT_TRUE(test, tquic_cid_equal(&path->other_dcid, &next));
	/* The same when it asks again there, another one elsewhere */
	KUNIT_EXPECT_EQ(test, inject(pair_server(p), challenge, sizeof(challenge), 0, &other), 0);
	KUNIT_EXPECT_TRUE(test, tquic_cid_equal(tquic_cidset_remote_next(&path->remote), &next));
	other.id[0] ^= 2;
	id_from_peer(test, path);
	KUNIT_EXPECT_EQ(test, inject(pair_server(p), challenge, sizeof(challenge), 0, &other), 0);
	KUNIT_EXPECT_FALSE(test, tquic_cid_equal(&path->other_dcid, &next));
	KUNIT_EXPECT_EQ(test, inject(pair_server(p), challenge, sizeof(challenge), 0,
				     &path->rx_dcid), 0);
	KUNIT_EXPECT_TRUE(test, tquic_cid_equal(&path->other_dcid,
						tquic_cidset_remote_current(&path->remote)));
	pair_run(p, PAIR_MS(30));
	/* A client that uses no ids has none to be told apart by. */
	path->remote.e[path->remote.cur].cid.len = 0;
	KUNIT_EXPECT_EQ(test, inject(pair_server(p), challenge, sizeof(challenge), 0, &other), 0);
	KUNIT_EXPECT_EQ(test, path->other_dcid.len, 0);
	path->remote.e[path->remote.cur].cid.len = TQUIC_LOCAL_CID_LEN;
	pair_run(p, PAIR_MS(30));
	pair_client(p)->paused = true;
	while (!tquic_cidset_remote_rotate(&path->remote))
		;
	KUNIT_EXPECT_EQ(test, inject(pair_server(p), challenge, sizeof(challenge), 0, &other), 0);
	KUNIT_EXPECT_FALSE(test, path->ctl & TQUIC_PATH_CTL_RESPONSE_OTHER);
}

/* The old address is asked by the id it was known by, even when the client moves twice. */
static void migrate_old_id(struct kunit *test)
{
	struct pair *p = migrate_pair(test);
	struct tquic_path *path = path_of(pair_server(p));
	struct tquic_cid before, moved, other = path->rx_dcid;

	pair_run(p, PAIR_MS(200));
	before = *tquic_cidset_remote_current(&path->remote);
	other.id[0] ^= 1;
	KUNIT_EXPECT_EQ(test, inject(pair_server(p), ping, sizeof(ping), 0, &other), 0);
	KUNIT_EXPECT_EQ(test, path->moving, TQUIC_MOVED_ADDRESS);
	KUNIT_EXPECT_TRUE(test, tquic_cid_equal(&path->other_dcid, &before));
	other.id[0] ^= 2;
	KUNIT_EXPECT_EQ(test, inject(pair_server(p), ping, sizeof(ping), 0, &other), 0);
	KUNIT_EXPECT_TRUE(test, tquic_cid_equal(&path->other_dcid, &before));
	/* Nobody is there: what it was asked by is not for the address it had. */
	moved = *tquic_cidset_remote_current(&path->remote);
	id_from_peer(test, path);
	KUNIT_EXPECT_TRUE(test, tquic_migrate_failed(&pair_server(p)->conn, path, p->now));
	KUNIT_EXPECT_FALSE(test, tquic_cid_equal(&moved,
						 tquic_cidset_remote_current(&path->remote)));
}

/* Silent before it seemed to move, and nobody is there either: still in doubt. */
static void migrate_fails_in_doubt(struct kunit *test)
{
	struct pair *p = pair_create(test, 2);
	struct tquic_path *path;

	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	KUNIT_ASSERT_TRUE(test, pair_open_paths(p));
	path = path_of(pair_server(p));
	tquic_path_link_down(&pair_server(p)->conn, path, p->now);
	path->down = false;
	KUNIT_ASSERT_EQ(test, path->state, TQUIC_PATH_SUSPECT);
	path->moving = TQUIC_MOVED_PORT;
	tquic_path_revalidate(&pair_server(p)->conn, path, p->now);
	KUNIT_EXPECT_TRUE(test, tquic_migrate_failed(&pair_server(p)->conn, path, p->now));
	KUNIT_EXPECT_EQ(test, path->state, TQUIC_PATH_SUSPECT);
	KUNIT_EXPECT_TRUE(test, path->validated);
	KUNIT_EXPECT_EQ(test, path->validate_end_ns, 0);
	/* With nothing else it is used. */
	pair_path(p, 1, 1)->state = TQUIC_PATH_VALIDATING;
	path->moving = TQUIC_MOVED_PORT;
	tquic_path_revalidate(&pair_server(p)->conn, path, p->now);
	KUNIT_EXPECT_TRUE(test, tquic_migrate_failed(&pair_server(p)->conn, path, p->now));
	KUNIT_EXPECT_EQ(test, path->state, TQUIC_PATH_ACTIVE);
	pair_path(p, 1, 1)->state = TQUIC_PATH_ACTIVE;
}

/* Two paths, and a third link for one of them to move to */
static struct pair *migrate_bond_pair(struct kunit *test)
{
	struct pair *p = pair_create(test, 3);
	u32 i;

	for (i = 0; i < 3; i++)
		pair_link_set(&p->link[i], 10000000, PAIR_MS(10), 50000);
	p->links = 2;
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	KUNIT_ASSERT_TRUE(test, pair_open_paths(p));
	p->links = 3;
	return p;
}

/* Of two paths one moves; the other carries on meanwhile. */
static void migrate_in_bond(struct kunit *test)
{
	struct pair *p = migrate_bond_pair(test);
	struct pair_flow *f;

	f = pair_flow_open(pair_server(p), false, 4 * MIB);
	KUNIT_ASSERT_NOT_NULL(test, f);
	pair_run(p, PAIR_MS(500));
	f->gap_ns = 0;
	p->link[0].cut = true;
	path_of(pair_client(p))->link = &p->link[2];
	pair_run(p, SEC);
	KUNIT_EXPECT_EQ(test, path_of(pair_server(p))->state, TQUIC_PATH_ACTIVE);
	KUNIT_EXPECT_PTR_EQ(test, path_of(pair_server(p))->link, (void *)&p->link[2]);
	KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 20 * SEC));
	KUNIT_EXPECT_LE(test, f->gap_ns, PAIR_MS(150));
	pair_check(p);
}

/* It moves and dies: the other does not wait for what went to the old address. */
static void migrate_to_nowhere(struct kunit *test)
{
	struct pair *p = migrate_bond_pair(test);
	struct tquic_rx_pkt pkt = {
		.type = TQUIC_PKT_1RTT, .payload = (u8 *)ping, .len = sizeof(ping), .dgram_bytes = 70,
	};
	struct pair_flow *f;

	pair_link_set(&p->link[1], 10000000, PAIR_MS(100), 300000);
	f = pair_flow_open(pair_server(p), false, 8 * MIB);
	KUNIT_ASSERT_NOT_NULL(test, f);
	pair_run(p, 2 * SEC);
	p->link[0].cut = true;
	p->link[2].cut = true;
	f->gap_ns = 0;
	pkt.path = path_of(pair_server(p));
	pkt.pn = path_of(pair_client(p))->space.next_pn;
	pkt.dcid = &pkt.path->rx_dcid;
	KUNIT_ASSERT_EQ(test, pair_inject_over(pair_server(p), 2, &pkt), 0);
	KUNIT_ASSERT_EQ(test, pkt.path->state, TQUIC_PATH_VALIDATING);
	pair_kick(pair_server(p));
	pair_run(p, 3 * SEC);
	/* A round trip over a full queue, or two where that loses one of them; it was 1078 ms. */
	KUNIT_EXPECT_LE(test, f->gap_ns, PAIR_MS(900));
	KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 60 * SEC));
	pair_check(p);
}

/* A path that was silent comes back from another address: the peer need not spare it any more. */
static void migrate_from_doubt(struct kunit *test)
{
	struct pair *p = migrate_bond_pair(test);

	KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(pair_server(p), false, 4 * MIB));
	pair_run(p, PAIR_MS(500));
	p->link[0].cut = true;
	pair_run(p, PAIR_MS(500));
	KUNIT_ASSERT_EQ(test, path_of(pair_server(p))->state, TQUIC_PATH_SUSPECT);
	KUNIT_EXPECT_TRUE(test, path_of(pair_client(p))->peer_backup);
	path_of(pair_client(p))->link = &p->link[2];
	pair_run(p, SEC);
	KUNIT_EXPECT_EQ(test, path_of(pair_server(p))->state, TQUIC_PATH_ACTIVE);
	KUNIT_EXPECT_FALSE(test, path_of(pair_client(p))->peer_backup);
	KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 20 * SEC));
	pair_check(p);
}

/* The client begins to move its path to @link. */
static int client_tries(struct pair *p, u32 link)
{
	struct pair_end *e = pair_client(p);
	int ret;

	e->other_link[path_of(e)->index] = &p->link[link];
	ret = tquic_migrate_try(&e->conn, path_of(e), p->now);
	pair_kick(e);
	return ret;
}

/* Ids that packets of each end to each link went to, the first of them */
static struct {
	struct tquic_cid id[8];
	u32 count;
} migrate_ids[2][2];

static bool migrate_tap(struct pair *p, struct pair_end *from, const struct tquic_tx_pkt *pkts,
			int n)
{
	const struct tquic_path *path = path_of(from);
	const void *link = pkts[0].other ? from->other_link[path->index] : path->link;
	struct tquic_cid cid = { .len = TQUIC_LOCAL_CID_LEN };
	u32 end = from == pair_server(p), to = link == &p->link[1], i;

	if (pkts[0].level != TQUIC_LEVEL_APP)
		return true;
	memcpy(cid.id, pkts[0].data + 1, cid.len);
	for (i = 0; i < migrate_ids[end][to].count; i++)
		if (tquic_cid_equal(&cid, &migrate_ids[end][to].id[i]))
			return true;
	if (i < ARRAY_SIZE(migrate_ids[0][0].id)) {
		migrate_ids[end][to].id[i] = cid;
		migrate_ids[end][to].count++;
	}
	return true;
}

static void migrate_watch(struct pair *p)
{
	memset(migrate_ids, 0, sizeof(migrate_ids));
	p->tap = migrate_tap;
}

/* Both ends were seen on both links, and none of their ids on more than one */
static bool migrate_unlinked(void)
{
	u32 end, i, j;

	for (end = 0; end < 2; end++) {
		if (!migrate_ids[end][0].count || !migrate_ids[end][1].count)
			return false;
		for (i = 0; i < migrate_ids[end][0].count; i++)
			for (j = 0; j < migrate_ids[end][1].count; j++)
				if (tquic_cid_equal(&migrate_ids[end][0].id[i],
						    &migrate_ids[end][1].id[j]))
					return false;
	}
	return true;
}

/* Data flows on, and no packet by the new way has an id that was seen on the old one. */
static void migrate_on_purpose(struct kunit *test)
{
	struct pair *p = migrate_pair(test);
	struct pair_flow *up = pair_flow_open(pair_client(p), true, 2 * MIB);
	struct pair_flow *down = pair_flow_open(pair_server(p), true, 2 * MIB);
	struct tquic_path *path = path_of(pair_client(p));

	migrate_watch(p);
	pair_run(p, SEC / 2);
	KUNIT_ASSERT_EQ(test, client_tries(p, 1), 0);
	KUNIT_EXPECT_PTR_EQ(test, path->link, (void *)&p->link[0]);
	KUNIT_EXPECT_EQ(test, client_tries(p, 1), -EALREADY);
	pair_run(p, PAIR_MS(200));
	KUNIT_EXPECT_PTR_EQ(test, path->link, (void *)&p->link[1]);
	KUNIT_EXPECT_PTR_EQ(test, path_of(pair_server(p))->link, (void *)&p->link[1]);
	KUNIT_EXPECT_EQ(test, path->state, TQUIC_PATH_ACTIVE);
	KUNIT_EXPECT_EQ(test, path->trial_end_ns, 0);
	KUNIT_EXPECT_TRUE(test, migrate_unlinked());
	KUNIT_EXPECT_EQ(test, pair_client(p)->events[TQUIC_EVENT_PATH_MIGRATED], 1);
	KUNIT_EXPECT_EQ(test, pair_server(p)->events[TQUIC_EVENT_PATH_MIGRATED], 1);
	KUNIT_ASSERT_TRUE(test, pair_until(p, pair_flows_done, 20 * SEC));
	KUNIT_EXPECT_LT(test, up->gap_ns, PAIR_MS(150));
	KUNIT_EXPECT_LT(test, down->gap_ns, PAIR_MS(150));
	pair_check(p);
}

/* There and back many times: ids never run out. */
static void migrate_again(struct kunit *test)
{
	struct pair *p = migrate_pair(test);
	u32 i;

	for (i = 0; i < 10; i++) {
		KUNIT_ASSERT_EQ(test, client_tries(p, !(i & 1)), 0);
		pair_run(p, SEC);
		KUNIT_ASSERT_PTR_EQ(test, path_of(pair_client(p))->link,
				    (void *)&p->link[!(i & 1)]);
		KUNIT_ASSERT_PTR_EQ(test, path_of(pair_server(p))->link,
				    (void *)&p->link[!(i & 1)]);
	}
}

/* Nobody answers there: nothing changes, and data never waited. */
static void migrate_stays(struct kunit *test)
{
	struct pair *p = migrate_pair(test);
	struct pair_flow *up = pair_flow_open(pair_client(p), true, 2 * MIB);
	struct tquic_path *path = path_of(pair_client(p));
	struct tquic_cid tried;
	u64 sent;

	p->link[1].cut = true;
	pair_run(p, SEC / 2);
	KUNIT_ASSERT_EQ(test, client_tries(p, 1), 0);
	sent = p->link[1].pipe[1].sent;
	pair_run(p, 5 * SEC);
	/* It asked more than once. */
	KUNIT_EXPECT_GT(test, p->link[1].pipe[1].sent, sent + 1);
	KUNIT_EXPECT_PTR_EQ(test, path->link, (void *)&p->link[0]);
	KUNIT_EXPECT_EQ(test, path->trial_end_ns, 0);
	KUNIT_EXPECT_EQ(test, pair_client(p)->events[TQUIC_EVENT_PATH_MIGRATED], 1);
	KUNIT_EXPECT_EQ(test, pair_server(p)->events[TQUIC_EVENT_PATH_MIGRATED], 0);
	KUNIT_ASSERT_TRUE(test, pair_until(p, pair_flows_done, 20 * SEC));
	KUNIT_EXPECT_LT(test, up->gap_ns, PAIR_MS(100));
	KUNIT_EXPECT_EQ(test, path->ctl, 0);
	/* A challenge or an answer that was still to be sent there is not. */
	KUNIT_EXPECT_EQ(test, client_tries(p, 1), 0);
	path->ctl |= TQUIC_PATH_CTL_CHALLENGE_OTHER | TQUIC_PATH_CTL_RESPONSE_OTHER;
	tried = *tquic_cidset_remote_next(&path->remote);
	tquic_conn_on_timeout(&pair_client(p)->conn, path->trial_end_ns);
	KUNIT_EXPECT_EQ(test, path->ctl & (TQUIC_PATH_CTL_CHALLENGE_OTHER |
					   TQUIC_PATH_CTL_RESPONSE_OTHER), 0);
	/* It may try again, by another id as soon as it has one (RFC 9000 §9.5). */
	pair_kick(pair_client(p));
	pair_run(p, PAIR_MS(100));
	KUNIT_EXPECT_FALSE(test, tquic_cid_equal(&tried,
						 tquic_cidset_remote_next(&path->remote)));
	p->link[1].cut = false;
	KUNIT_EXPECT_EQ(test, client_tries(p, 1), 0);
	pair_run(p, SEC);
	KUNIT_EXPECT_PTR_EQ(test, path->link, (void *)&p->link[1]);
}

/* The old way is dead already. */
static void migrate_from_a_dead_link(struct kunit *test)
{
	struct pair *p = migrate_pair(test);
	struct pair_flow *up = pair_flow_open(pair_client(p), true, MIB);

	pair_run(p, SEC / 4);
	p->link[0].cut = true;
	pair_run(p, SEC);
	KUNIT_ASSERT_EQ(test, client_tries(p, 1), 0);
	pair_run(p, PAIR_MS(100));
	KUNIT_EXPECT_EQ(test, path_of(pair_client(p))->state, TQUIC_PATH_ACTIVE);
	KUNIT_ASSERT_TRUE(test, pair_until(p, pair_flows_done, 20 * SEC));
	KUNIT_EXPECT_EQ(test, up->read, MIB);
}

static void migrate_lossy(struct kunit *test)
{
	struct pair *p = migrate_pair(test);
	struct tquic_path *path = path_of(pair_client(p));
	u32 i;

	p->link[1].loss_ppm = 300000;
	for (i = 0; i < 3 && path->link != &p->link[1]; i++) {
		KUNIT_ASSERT_EQ(test, client_tries(p, 1), 0);
		pair_run(p, 5 * SEC);
	}
	KUNIT_EXPECT_PTR_EQ(test, path->link, (void *)&p->link[1]);
}

static void migrate_try_refused(struct kunit *test)
{
	struct pair *p = pair_create(test, 2);
	struct tquic_path *path;

	KUNIT_ASSERT_TRUE(test, pair_start(p));
	KUNIT_EXPECT_EQ(test, client_tries(p, 1), -ENOTCONN);
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	KUNIT_EXPECT_EQ(test, tquic_migrate_try(&pair_server(p)->conn, path_of(pair_server(p)),
						p->now), -ENOTCONN);
	pair_run(p, SEC);
	path = path_of(pair_client(p));
	while (!tquic_cidset_remote_rotate(&path->remote))
		;
	KUNIT_EXPECT_EQ(test, client_tries(p, 1), -EAGAIN);
	KUNIT_EXPECT_EQ(test, path->trial_end_ns, 0);
	pair_client(p)->conn.iscid.len = 0;
	KUNIT_EXPECT_EQ(test, client_tries(p, 1), -EOPNOTSUPP);
}

/* The id that goes with a preferred address is the one the client uses there. */
static void migrate_preferred(struct kunit *test)
{
	struct pair *p = pair_create(test, 2);
	struct tquic_params *local = &pair_server(p)->conn.local;
	const struct tquic_cid *next;
	struct tquic_path *path;

	local->has_preferred_addr = true;
	local->preferred_addr.ipv4[0] = 192;
	local->preferred_addr.ipv4_port = 443;
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	path = path_of(pair_client(p));
	KUNIT_EXPECT_TRUE(test, pair_client(p)->conn.peer.has_preferred_addr);
	next = tquic_cidset_remote_next(&path->remote);
	KUNIT_ASSERT_NOT_NULL(test, next);
	KUNIT_EXPECT_TRUE(test, tquic_cid_equal(next, &local->preferred_addr.cid));
	pair_run(p, SEC);
	KUNIT_ASSERT_EQ(test, client_tries(p, 1), 0);
	pair_run(p, SEC);
	KUNIT_EXPECT_PTR_EQ(test, path->link, (void *)&p->link[1]);
	KUNIT_EXPECT_TRUE(test, tquic_cid_equal(tquic_cidset_remote_current(&path->remote),
						&local->preferred_addr.cid));
}

/* A packet of the client's on its path 1, with a ping, comes from a link */
static int ping_over(struct pair *p, u32 link)
{
	struct tquic_path *path = pair_path(p, 1, 1), *from = pair_path(p, 0, 1);
	struct tquic_rx_pkt pkt = {
		.type = TQUIC_PKT_1RTT, .path = path, .payload = ping, .len = sizeof(ping),
		.dgram_bytes = INJECT_BYTES, .pn = from->space.next_pn,
	};

	tquic_space_on_sent(&from->space, pkt.pn, INJECT_BYTES, 0, p->now);
	return pair_inject_over(pair_server(p), link, &pkt);
}

/*
 * The first address of a new path may be anybody's, and a client that can send from
 * another one as well must not have it taken for proved by coming back to it.
 */
static void migrate_not_before_validation(struct kunit *test)
{
	struct pair *p = migrate_pair(test);
	struct tquic_path *path;

	pair_run(p, PAIR_MS(200));
	p->link[1].cut = true;
	KUNIT_ASSERT_NOT_NULL(test, pair_open_path(p, 1, false));
	path = pair_path(p, 1, 1);
	KUNIT_ASSERT_NOT_NULL(test, path);
	KUNIT_ASSERT_EQ(test, ping_over(p, 1), 0);
	KUNIT_ASSERT_EQ(test, path->state, TQUIC_PATH_VALIDATING);
	KUNIT_EXPECT_EQ(test, ping_over(p, 0), 0);
	KUNIT_EXPECT_EQ(test, path->moving, TQUIC_MOVED_NOT);
	KUNIT_EXPECT_FALSE(test, path->ctl & TQUIC_PATH_CTL_CHALLENGE_OTHER);
	KUNIT_EXPECT_EQ(test, ping_over(p, 1), 0);
	KUNIT_EXPECT_FALSE(test, path->validated);
	KUNIT_EXPECT_EQ(test, path->state, TQUIC_PATH_VALIDATING);
	KUNIT_EXPECT_LE(test, path->tx_allowed_bytes, 2 * 3 * INJECT_BYTES);
}

/* The answer to a trial comes when its path has been given up: it stays given up. */
static void migrate_answer_after_abandon(struct kunit *test)
{
	u8 response[1 + TQUIC_PATH_DATA_LEN] = { 0x1b };
	struct pair *p = migrate_pair(test);
	struct tquic_conn *conn = &pair_client(p)->conn;
	struct tquic_path *path;

	KUNIT_ASSERT_NOT_NULL(test, pair_open_path(p, 1, false));
	pair_run(p, PAIR_MS(300));
	path = pair_path(p, 0, 1);
	KUNIT_ASSERT_EQ(test, path->state, TQUIC_PATH_ACTIVE);
	pair_client(p)->other_link[path->index] = &p->link[0];
	KUNIT_ASSERT_EQ(test, tquic_migrate_try(conn, path, p->now), 0);
	memcpy(response + 1, path->trial, TQUIC_PATH_DATA_LEN);
	KUNIT_ASSERT_EQ(test, tquic_path_close(conn, path, 0, p->now), 0);
	KUNIT_EXPECT_EQ(test, pair_inject_next(pair_client(p), TQUIC_PKT_1RTT, 0, response,
					       sizeof(response)), 0);
	KUNIT_EXPECT_EQ(test, path->state, TQUIC_PATH_ABANDONED);
	KUNIT_EXPECT_EQ(test, path->trial_end_ns, 0);
	KUNIT_EXPECT_NULL(test, path->cc.group);
}

static struct kunit_case migrate_cases[] = {
	KUNIT_CASE(migrate_midway),
	KUNIT_CASE(migrate_not_followed),
	KUNIT_CASE(migrate_probed),
	KUNIT_CASE(migrate_client_stays),
	KUNIT_CASE(migrate_unconfirmed),
	KUNIT_CASE(migrate_copied_packet),
	KUNIT_CASE(migrate_fails),
	KUNIT_CASE(migrate_new_id),
	KUNIT_CASE(migrate_probe_new_id),
	KUNIT_CASE(migrate_old_id),
	KUNIT_CASE(migrate_fails_in_doubt),
	KUNIT_CASE(migrate_in_bond),
	KUNIT_CASE(migrate_to_nowhere),
	KUNIT_CASE(migrate_from_doubt),
	KUNIT_CASE(migrate_on_purpose),
	KUNIT_CASE(migrate_again),
	KUNIT_CASE(migrate_stays),
	KUNIT_CASE(migrate_from_a_dead_link),
	KUNIT_CASE(migrate_lossy),
	KUNIT_CASE(migrate_try_refused),
	KUNIT_CASE(migrate_preferred),
	KUNIT_CASE(migrate_not_before_validation),
	KUNIT_CASE(migrate_answer_after_abandon),
	{}
};

static struct kunit_suite migrate_suite = {
	.name = "tquic-migrate",
	.test_cases = migrate_cases,
};

kunit_test_suites(&migrate_suite);
