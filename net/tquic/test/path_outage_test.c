// SPDX-License-Identifier: GPL-2.0
/* Paths whose link dies and returns: silence, probes, what an outage leaves. */
#include <kunit/test.h>

#include "core/path.h"
#include "sched/sched.h"
#include "test/pair.h"

#define SEC	((u64)NSEC_PER_SEC)

/* What went with the probe of a path in doubt while none was better goes again on one that is. */
static void outage_on_probe(struct kunit *test)
{
	struct pair *p = pair_bonded(test, 2);
	struct tquic_conn *conn = &p->end[1].conn;
	struct tquic_path *dead = pair_path(p, 1, 0), *path = pair_path(p, 1, 1);
	u32 ms;

	p->link[0].cut = true;
	p->link[1].cut = true;
	tquic_path_link_down(conn, dead, p->now);
	KUNIT_ASSERT_EQ(test, dead->state, TQUIC_PATH_SUSPECT);
	tquic_path_revalidate(conn, path, p->now);
	KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(&p->end[1], false, 1000));
	for (ms = 0; ms < 300 && !conn->stats.bytes_sent; ms++)
		pair_run(p, PAIR_MS(1));
	KUNIT_ASSERT_EQ(test, conn->stats.bytes_sent, 1000);
	KUNIT_ASSERT_EQ(test, path->state, TQUIC_PATH_VALIDATING);
	KUNIT_EXPECT_GT(test, dead->space.eliciting_in_flight, 0);
	p->link[1].cut = false;
	KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, SEC));
	KUNIT_EXPECT_EQ(test, dead->state, TQUIC_PATH_SUSPECT);
	/* It is asked further on whether it works. */
	p->link[0].cut = false;
	pair_run(p, SEC);
	KUNIT_EXPECT_EQ(test, dead->state, TQUIC_PATH_ACTIVE);
	pair_check(p);
}

/* The link of one path dies in a transfer and returns */
static void outage_cut(struct kunit *test)
{
	struct pair *p = pair_bonded(test, 2);
	struct pair_flow *f;
	u64 before;

	f = pair_flow_open(&p->end[1], false, 1500000);
	KUNIT_ASSERT_NOT_NULL(test, f);
	pair_run(p, PAIR_MS(150));
	f->gap_ns = 0;
	p->link[0].cut = true;
	/* Nothing is said for half a round trip, and the oldest answer is overdue. */
	pair_run(p, PAIR_MS(35));
	KUNIT_EXPECT_EQ(test, pair_path(p, 1, 0)->state, TQUIC_PATH_ACTIVE);
	pair_run(p, PAIR_MS(65));
	KUNIT_EXPECT_LT(test, pair_path(p, 1, 0)->cc.in_flight, 100);
	pair_run(p, PAIR_MS(150));
	KUNIT_EXPECT_LE(test, f->gap_ns, PAIR_MS(300));
	KUNIT_EXPECT_EQ(test, pair_path(p, 1, 0)->state, TQUIC_PATH_SUSPECT);
	KUNIT_EXPECT_EQ(test, p->end[1].events[TQUIC_EVENT_PATH_SUSPECT], 1);
	/* Nothing but probes is under way on it, and the other grows without regard to it. */
	KUNIT_EXPECT_LT(test, pair_path(p, 1, 0)->cc.in_flight, 100);
	KUNIT_EXPECT_NULL(test, pair_path(p, 1, 0)->cc.group);
	KUNIT_EXPECT_TRUE(test, list_is_singular(&p->end[1].conn.cc_group.members));
	p->link[0].cut = false;
	pair_run(p, PAIR_MS(700));
	KUNIT_EXPECT_EQ(test, pair_path(p, 1, 0)->state, TQUIC_PATH_ACTIVE);
	KUNIT_EXPECT_EQ(test, p->end[1].events[TQUIC_EVENT_PATH_RECOVERED], 1);
	KUNIT_EXPECT_PTR_EQ(test, pair_path(p, 1, 0)->cc.group, &p->end[1].conn.cc_group);
	/* What the window was before says nothing about the link now. */
	KUNIT_EXPECT_LE(test, pair_path(p, 1, 0)->cc.cwnd, 30000);
	before = pair_path(p, 1, 0)->stats.tx_bytes;
	KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(&p->end[1], false, 200000));
	KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 5 * SEC));
	KUNIT_EXPECT_GT(test, pair_path(p, 1, 0)->stats.tx_bytes - before, 20000);
	pair_check(p);
}

/* What a path's last acknowledgments on itself would have told is told by a slower one. */
static void outage_told(struct kunit *test)
{
	struct pair *p = pair_create(test, 2);
	struct tquic_path *path, *slow, *sender;

	pair_link_set(&p->link[0], 100000000, PAIR_MS(5), 100000);
	pair_link_set(&p->link[1], 10000000, PAIR_MS(30), 50000);
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	KUNIT_ASSERT_TRUE(test, pair_open_paths(p));
	KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(&p->end[1], false, 8 << 20));
	pair_run(p, PAIR_MS(500));
	path = pair_path(p, 0, 0);
	slow = pair_path(p, 0, 1);
	sender = pair_path(p, 1, 0);
	/* In general that is no news, and of the slower one the faster does not tell. */
	KUNIT_EXPECT_GT(test, path->told_pn, 0);
	KUNIT_EXPECT_EQ(test, slow->told_pn, 0);
	KUNIT_EXPECT_LE(test, sender->rtt.min_ns, PAIR_MS(11));
	p->link[0].cut = true;
	pair_run(p, PAIR_MS(40));
	KUNIT_EXPECT_LT(test, path->space.largest_rx - sender->space.largest_acked, 10);
	KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 30 * SEC));
	pair_check(p);
}

static bool outage_is_over(struct pair *p)
{
	return pair_path(p, 1, 0)->state == TQUIC_PATH_ACTIVE;
}

static bool outage_unheard(struct pair *p, struct pair_end *from,
			   const struct tquic_tx_pkt *pkts, int n)
{
	return from != &p->end[0];
}

static bool outage_probed(struct pair *p)
{
	return p->end[0].rx_bytes[0] > 0;
}

/* What arrived before the last link died is told until a packet of the first arrives */
static void outage_told_again(struct kunit *test)
{
	struct pair *p = pair_create(test, 2);
	struct pair_flow *f;
	u64 arrived;

	pair_link_set(&p->link[0], 10000000, PAIR_MS(150), 300000);
	pair_link_set(&p->link[1], 50000000, PAIR_MS(10), 100000);
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	KUNIT_ASSERT_TRUE(test, pair_open_paths(p));
	f = pair_flow_open(&p->end[1], false, 20 << 20);
	KUNIT_ASSERT_NOT_NULL(test, f);
	pair_run(p, SEC);
	p->link[0].cut = true;
	pair_run(p, SEC);
	KUNIT_ASSERT_EQ(test, pair_path(p, 1, 0)->state, TQUIC_PATH_SUSPECT);
	p->tap = outage_unheard;
	arrived = p->end[0].rx_bytes[1];
	pair_run(p, PAIR_MS(15));
	arrived = p->end[0].rx_bytes[1] - arrived;
	p->link[0].cut = false;
	p->link[1].cut = true;
	p->end[0].rx_bytes[0] = 0;
	/* The first time it is not heard. */
	KUNIT_ASSERT_TRUE(test, pair_until(p, outage_probed, 2 * SEC));
	p->tap = NULL;
	f->gap_ns = 0;
	KUNIT_EXPECT_TRUE(test, pair_until(p, outage_is_over, SEC));
	/* That it is told so late does not make the other path slow. */
	KUNIT_EXPECT_LE(test, pair_path(p, 1, 1)->rtt.srtt_ns, PAIR_MS(60));
	pair_run(p, 2 * SEC);
	/* Sent again it is what slow start sends in two round trips, before anything new. */
	KUNIT_EXPECT_GT(test, arrived, 80000);
	KUNIT_EXPECT_LE(test, f->gap_ns, PAIR_MS(1300));
	KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 60 * SEC));
	pair_check(p);
}

static bool outage_mute(struct pair *p, struct pair_end *from, const struct tquic_tx_pkt *pkts,
			int n)
{
	return from != &p->end[0] || pkts[0].path->id != 1;
}

/*
 * A link brings what the server sends and takes nothing: the client, who gets no answer to
 * its probes, keeps few of them, and what it sends on the other path arrives.
 */
static void outage_one_way(struct kunit *test)
{
	struct pair *p = pair_bonded(test, 2);

	/* No more than what makes the client acknowledge all the time. */
	pair_link_set(&p->link[0], 2000000, PAIR_MS(10), 20000);
	pair_link_set(&p->link[1], 2000000, PAIR_MS(20), 20000);
	p->end[1].conn.tune.min_legs = 2;
	p->tap = outage_mute;
	KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(&p->end[1], false, 6 << 20));
	pair_run(p, 10 * SEC);
	KUNIT_EXPECT_EQ(test, pair_path(p, 0, 1)->state, TQUIC_PATH_SUSPECT);
	KUNIT_EXPECT_LE(test, pair_path(p, 0, 1)->space.eliciting_in_flight, 16);
	KUNIT_EXPECT_LT(test, pair_path(p, 0, 1)->space.sent.next -
			pair_path(p, 0, 1)->space.sent.base, 512);
	p->tap = NULL;
	KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 60 * SEC));
	pair_check(p);
}

/* Both links die one after the other; the first to return takes all over */
static void outage_cut_all(struct kunit *test)
{
	struct pair *p = pair_bonded(test, 2);
	struct pair_flow *f;

	f = pair_flow_open(&p->end[1], false, 1500000);
	KUNIT_ASSERT_NOT_NULL(test, f);
	pair_run(p, PAIR_MS(80));
	p->link[0].cut = true;
	pair_run(p, PAIR_MS(300));
	KUNIT_ASSERT_FALSE(test, f->ended);
	p->link[1].cut = true;
	pair_run(p, 5 * SEC);
	/* Somebody has to try: the last one stays in use. */
	KUNIT_EXPECT_EQ(test, pair_path(p, 1, 0)->state, TQUIC_PATH_SUSPECT);
	KUNIT_EXPECT_EQ(test, pair_path(p, 1, 1)->state, TQUIC_PATH_ACTIVE);
	p->link[0].cut = false;
	KUNIT_EXPECT_TRUE(test, pair_until(p, outage_is_over, SEC));
	/* At once, and not when the other's next probe is due. */
	KUNIT_EXPECT_EQ(test, pair_path(p, 1, 1)->state, TQUIC_PATH_SUSPECT);
	KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 2 * SEC));
	KUNIT_EXPECT_EQ(test, pair_path(p, 1, 0)->state, TQUIC_PATH_ACTIVE);
	KUNIT_EXPECT_EQ(test, pair_path(p, 1, 1)->state, TQUIC_PATH_SUSPECT);
	pair_check(p);
}

/*
 * Both ends probe at the same moment, and what each takes for the path that works
 * is dead: the answers have to come by the path they are about.
 */
static void outage_probes_cross(struct kunit *test)
{
	struct pair *p = pair_bonded(test, 2);
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(&p->end[1], false, 1500000));
	pair_run(p, PAIR_MS(80));
	p->link[0].cut = true;
	pair_run(p, PAIR_MS(300));
	p->link[1].cut = true;
	pair_run(p, 5 * SEC);
	for (i = 0; i < 2; i++) {
		KUNIT_ASSERT_EQ(test, pair_path(p, i, 0)->state, TQUIC_PATH_SUSPECT);
		pair_path(p, i, 0)->space.last_eliciting_ns = p->now;
	}
	p->link[0].cut = false;
	KUNIT_EXPECT_TRUE(test, pair_until(p, outage_is_over, PAIR_MS(550)));
	KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 2 * SEC));
	pair_check(p);
}

/* Both ends use the path and have seen how long its round trip is. */
static bool outage_settled(struct pair *p)
{
	const struct tquic_path *path;
	u32 i;

	for (i = 0; i < 2; i++) {
		path = pair_path(p, i, 0);
		if (path->state != TQUIC_PATH_ACTIVE || path->rtt.srtt_ns < PAIR_MS(600))
			return false;
	}
	return true;
}

/* A satellite's round trip is longer than the time between two probes. */
static void outage_cut_long_rtt(struct kunit *test)
{
	struct pair *p = pair_bonded(test, 2);
	u32 relapses;

	KUNIT_ASSERT_GT(test, PAIR_MS(700), p->end[1].conn.tune.probe_max_ns);
	pair_link_set(&p->link[0], 1000000, PAIR_MS(350), 20000);
	pair_link_set(&p->link[1], 1000000, PAIR_MS(10), 20000);
	KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(&p->end[1], false, 6000000));
	KUNIT_ASSERT_TRUE(test, pair_until(p, outage_settled, 12 * SEC));
	p->link[0].cut = true;
	pair_run(p, 12 * SEC);
	KUNIT_ASSERT_EQ(test, pair_path(p, 1, 0)->state, TQUIC_PATH_SUSPECT);
	KUNIT_EXPECT_LE(test, pair_path(p, 1, 0)->space.eliciting_in_flight,
			TQUIC_PATH_PROBES_MAX);
	p->link[0].cut = false;
	/* The longest pause, a round trip, and as many of answers as it has relapsed. */
	relapses = pair_path(p, 1, 0)->relapses;
	KUNIT_EXPECT_TRUE(test, pair_until(p, outage_is_over, PAIR_MS(1250 + 700 * relapses)));
	pair_check(p);
}

/* A path alone: probes with doubling intervals, data among them, and no failure */
static void outage_pto_alone(struct kunit *test)
{
	struct pair *p = pair_bonded(test, 1);
	struct tquic_path *path = pair_path(p, 1, 0);
	struct pair_flow *f;
	u64 sent;

	f = pair_flow_open(&p->end[1], false, 30000);
	KUNIT_ASSERT_NOT_NULL(test, f);
	p->link[0].cut = true;
	pair_run(p, PAIR_MS(30));
	sent = path->stats.tx_packets;
	pair_run(p, 3 * SEC);
	KUNIT_EXPECT_EQ(test, path->state, TQUIC_PATH_ACTIVE);
	KUNIT_EXPECT_GE(test, path->pto_count, 4);
	KUNIT_EXPECT_LE(test, path->pto_count, 6);
	KUNIT_EXPECT_EQ(test, path->stats.ptos, path->pto_count);
	KUNIT_EXPECT_EQ(test, path->stats.tx_packets - sent, 2 * path->pto_count);
	/* The size came under suspicion. */
	KUNIT_EXPECT_EQ(test, path->pmtu.bytes, TQUIC_MIN_UDP_PAYLOAD);
	p->link[0].cut = false;
	KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 5 * SEC));
	KUNIT_EXPECT_EQ(test, path->pto_count, 0);
	pair_run(p, SEC);
	KUNIT_EXPECT_EQ(test, path->pmtu.bytes, PAIR_MTU);
	pair_check(p);
}

/* The last path is back from an outage: it is of the group again, with a new window. */
static void outage_cc_group(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_conn *conn = &p->end[0].conn;
	struct tquic_path *path;

	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	pair_run(p, PAIR_MS(300));
	path = pair_path(p, 0, 0);
	path->cc.cwnd *= 10;
	tquic_path_link_down(conn, path, p->now);
	KUNIT_EXPECT_EQ(test, path->state, TQUIC_PATH_ACTIVE);
	pair_run(p, 2 * SEC);
	tquic_path_link_up(conn, path, p->now);
	KUNIT_EXPECT_PTR_EQ(test, path->cc.group, &conn->cc_group);
	KUNIT_EXPECT_LE(test, path->cc.cwnd, 10 * PAIR_MTU);
}

/* After an outage of more than three round trips the window says nothing about the link. */
static void outage_window(struct kunit *test)
{
	struct pair *p = pair_bonded(test, 2);
	struct tquic_conn *conn = &p->end[0].conn;
	struct tquic_path *path = pair_path(p, 0, 1);
	u64 now = p->now;

	path->cc.cwnd = 100000;
	path->pacer.next_ns = now + SEC;
	tquic_path_link_down(conn, path, now);
	KUNIT_ASSERT_EQ(test, path->state, TQUIC_PATH_SUSPECT);
	now += 3 * path->rtt.srtt_ns;
	conn->todo = TQUIC_TODO_READ;
	tquic_path_on_progress(conn, path, now, now);
	KUNIT_EXPECT_EQ(test, path->state, TQUIC_PATH_ACTIVE);
	KUNIT_EXPECT_EQ(test, conn->todo,
			TQUIC_TODO_READ | TQUIC_TODO_PATHS | TQUIC_TODO_DGRAM);
	KUNIT_EXPECT_EQ(test, path->cc.cwnd, 100000);
	KUNIT_EXPECT_EQ(test, path->pacer.next_ns, p->now + SEC);
	tquic_path_link_down(conn, path, now);
	now += 3 * path->rtt.srtt_ns + 1;
	tquic_path_on_progress(conn, path, now, now);
	KUNIT_EXPECT_EQ(test, path->state, TQUIC_PATH_ACTIVE);
	KUNIT_EXPECT_LT(test, path->cc.cwnd, 20000);
	/* Nor does the rate of before. */
	KUNIT_EXPECT_LE(test, path->pacer.next_ns, now);
}

/* However long nobody answers, the count of timeouts stops somewhere. */
static void outage_pto_count(struct kunit *test)
{
	struct pair *p = pair_bonded(test, 1);
	struct tquic_path *path = pair_path(p, 0, 0);
	struct tquic_conn *conn = &p->end[0].conn;
	u32 i;

	p->link[0].cut = true;
	conn->ctl |= TQUIC_CONN_CTL_PING;
	pair_kick(&p->end[0]);
	path->ecn = true;
	path->space.peer_ecn.ect0 = 0;
	for (i = 1; i <= 20; i++) {
		path->probes = 0;
		tquic_path_on_timeout(conn, path, tquic_path_pto_deadline_ns(conn, path));
		KUNIT_EXPECT_EQ(test, path->pto_count, min_t(u32, i, 16));
		KUNIT_EXPECT_EQ(test, path->probes, 2);
		/* Perhaps it is the marks that nobody lets pass. */
		KUNIT_EXPECT_EQ(test, path->ecn, i < TQUIC_PATH_ECN_PTOS);
		conn->ctl |= TQUIC_CONN_CTL_PING;
		pair_kick(&p->end[0]);
	}
}

/* What a path has under way decides what its silence means. */
static void outage_silence(struct kunit *test)
{
	struct pair *p = pair_bonded(test, 2);
	struct tquic_conn *conn = &p->end[0].conn;
	struct tquic_path *path = pair_path(p, 0, 0);
	u64 sent = p->now, srtt = PAIR_MS(100), slack = PAIR_MS(8);

	path->rtt.srtt_ns = srtt;
	path->rtt.rttvar_ns = slack / 4;
	path->progress_ns = sent;
	path->space.largest_rx_ns = sent;
	KUNIT_EXPECT_EQ(test, tquic_path_pto_deadline_ns(conn, path), 0);
	KUNIT_ASSERT_NOT_NULL(test, tquic_space_on_sent(&path->space, path->space.next_pn, 1000,
							TQUIC_SENT_F_ELICITING |
							TQUIC_SENT_F_IN_FLIGHT, sent));
	tquic_cc_on_sent(&path->cc, 1000, sent);
	/* An acknowledgment is overdue, with the peer's 25 ms for it. */
	KUNIT_EXPECT_EQ(test, tquic_path_pto_deadline_ns(conn, path),
			sent + srtt + slack + PAIR_MS(25));
	/* Later packets restart the timeout of RFC 9002, and not this one. */
	tquic_space_on_sent(&path->space, path->space.next_pn, 1000,
			    TQUIC_SENT_F_ELICITING | TQUIC_SENT_F_IN_FLIGHT, sent + PAIR_MS(60));
	KUNIT_EXPECT_EQ(test, tquic_path_pto_deadline_ns(conn, path),
			sent + srtt + slack + PAIR_MS(25));
	/* Others were acknowledged since: half a round trip from there */
	path->progress_ns = sent + PAIR_MS(70);
	KUNIT_EXPECT_EQ(test, tquic_path_pto_deadline_ns(conn, path),
			path->progress_ns + srtt / 2 + PAIR_MS(25));
	/* Whoever has little under way is content with anything that comes. */
	path->space.largest_rx_ns = sent + PAIR_MS(75);
	KUNIT_EXPECT_EQ(test, tquic_path_pto_deadline_ns(conn, path),
			path->space.largest_rx_ns + srtt / 2 + PAIR_MS(25));
	path->cc.cwnd = 2000;
	KUNIT_EXPECT_EQ(test, tquic_path_pto_deadline_ns(conn, path),
			path->progress_ns + srtt / 2 + PAIR_MS(25));
	/* Alone, the timeout of RFC 9002 counts. */
	pair_path(p, 0, 1)->state = TQUIC_PATH_SUSPECT;
	KUNIT_EXPECT_EQ(test, tquic_path_pto_deadline_ns(conn, path),
			sent + PAIR_MS(60) + srtt + slack + PAIR_MS(25));
	pair_path(p, 0, 1)->state = TQUIC_PATH_ACTIVE;
	/* A suspect path is probed as its timeout says, but at least so often. */
	path->state = TQUIC_PATH_SUSPECT;
	KUNIT_EXPECT_EQ(test, tquic_path_pto_deadline_ns(conn, path),
			path->space.last_eliciting_ns + srtt + slack + PAIR_MS(25));
	path->pto_count = 3;
	KUNIT_EXPECT_EQ(test, tquic_path_pto_deadline_ns(conn, path),
			path->space.last_eliciting_ns + conn->tune.probe_max_ns);
	path->pto_count = 0;
	path->state = TQUIC_PATH_ACTIVE;
}

/* What comes on a failed path has it probed at once, but not more than once in a round trip. */
static void outage_packet_revives(struct kunit *test)
{
	struct pair *p = pair_bonded(test, 2);
	struct tquic_path *path = pair_path(p, 0, 1);
	u64 srtt = path->rtt.srtt_ns, rx = path->stats.rx_packets;

	path->space.last_eliciting_ns = p->now;
	tquic_path_on_packet(&p->end[0].conn, path, p->now + srtt);
	KUNIT_EXPECT_EQ(test, path->probes, 0);
	path->state = TQUIC_PATH_SUSPECT;
	tquic_path_on_packet(&p->end[0].conn, path, p->now + srtt - 1);
	KUNIT_EXPECT_EQ(test, path->probes, 0);
	tquic_path_on_packet(&p->end[0].conn, path, p->now + srtt);
	KUNIT_EXPECT_EQ(test, path->probes, 1);
	path->probes = 2;
	tquic_path_on_packet(&p->end[0].conn, path, p->now + srtt);
	KUNIT_EXPECT_EQ(test, path->probes, 2);
	KUNIT_EXPECT_EQ(test, path->stats.rx_packets, rx + 4);
	path->probes = 0;
	path->state = TQUIC_PATH_ACTIVE;
}

/*
 * A connection whose only path was never answered ends, with or without keep-alive: at the latest
 * an idle timeout after the peer has given up, whose probes on the path that was left still come.
 */
static void outage_last_unanswered(struct kunit *test)
{
	struct tquic_path *path;
	struct tquic_conn *conn;
	struct pair *p;
	u32 alive;

	for (alive = 0; alive < 2; alive++) {
		p = pair_create(test, 2);
		conn = &p->end[0].conn;
		conn->keepalive_ns = alive * SEC;
		KUNIT_ASSERT_TRUE(test, pair_handshake(p));
		pair_run(p, PAIR_MS(200));
		p->link[1].cut = true;
		path = pair_open_path(p, 1, false);
		KUNIT_ASSERT_NOT_NULL(test, path);
		tquic_path_abandon(conn, pair_path(p, 0, 0), 0, p->now);
		pair_kick(&p->end[0]);
		KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(&p->end[0], false, 20000));
		pair_run(p, 70 * SEC);
		KUNIT_EXPECT_EQ(test, conn->state, TQUIC_STATE_CLOSED);
		KUNIT_EXPECT_EQ(test, p->end[1].conn.state, TQUIC_STATE_CLOSED);
	}
}

/* However many packets are missing on the only path, probes and acknowledgments still leave. */
static void outage_many_packets(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_space *space;
	struct tquic_path *path;
	u64 acks;

	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	pair_run(p, PAIR_MS(500));
	p->link[0].cut = true;
	path = pair_path(p, 0, 0);
	space = &path->space;
	/* As if a program sent small packets through a large window */
	path->cc.cwnd = 4 << 20;
	while (tquic_sched_room(path) && !tquic_sent_reserve(&space->sent, space->next_pn)) {
		KUNIT_ASSERT_NOT_NULL(test, tquic_space_on_sent(space, space->next_pn, 40,
								TQUIC_SENT_F_ELICITING |
								TQUIC_SENT_F_IN_FLIGHT, p->now));
		tquic_cc_on_sent(&path->cc, 40, p->now);
	}
	KUNIT_EXPECT_GT(test, space->sent.next - space->sent.base, 30000);
	KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(&p->end[0], false, 3000));
	KUNIT_EXPECT_EQ(test, tquic_flow_tx_credit(&p->end[0].conn.flow_tx),
			p->end[0].conn.flow_tx.max);
	acks = path->stats.tx_packets;
	pair_inject_next(&p->end[0], TQUIC_PKT_1RTT, 0, (const u8 *)"\1", 1);
	pair_inject_next(&p->end[0], TQUIC_PKT_1RTT, 0, (const u8 *)"\1", 1);
	pair_kick(&p->end[0]);
	KUNIT_EXPECT_GT(test, path->stats.tx_packets, acks);
	pair_run(p, SEC);
	KUNIT_EXPECT_FALSE(test, p->end[0].conn.tx_nomem);
	p->link[0].cut = false;
	KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 10 * SEC));
	pair_run(p, SEC);
	KUNIT_EXPECT_TRUE(test, tquic_sched_room(path));
	KUNIT_EXPECT_EQ(test, path->cc.in_flight, 0);
	pair_check(p);
}

static struct kunit_case outage_cases[] = {
	KUNIT_CASE(outage_on_probe),
	KUNIT_CASE(outage_cut),
	KUNIT_CASE(outage_told),
	KUNIT_CASE(outage_told_again),
	KUNIT_CASE(outage_one_way),
	KUNIT_CASE(outage_cut_all),
	KUNIT_CASE(outage_probes_cross),
	KUNIT_CASE(outage_cut_long_rtt),
	KUNIT_CASE(outage_pto_alone),
	KUNIT_CASE(outage_cc_group),
	KUNIT_CASE(outage_window),
	KUNIT_CASE(outage_pto_count),
	KUNIT_CASE(outage_silence),
	KUNIT_CASE(outage_packet_revives),
	KUNIT_CASE(outage_last_unanswered),
	KUNIT_CASE(outage_many_packets),
	{}
};

static struct kunit_suite outage_suite = {
	.name = "tquic-path-outage",
	.test_cases = outage_cases,
};

kunit_test_suites(&outage_suite);
