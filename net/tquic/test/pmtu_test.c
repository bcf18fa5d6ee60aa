// SPDX-License-Identifier: GPL-2.0
/* The search for the size a path carries: alone, and between two engines over links. */
#include <kunit/test.h>

#include "core/path.h"
#include "test/pair.h"

#define SEC	((u64)NSEC_PER_SEC)
#define MIB	(1024ULL * 1024)
#define BASE	TQUIC_MIN_UDP_PAYLOAD

/* Answer probes as a path of a size would, until none is wanted; how many there were */
static u32 pmtu_walk(struct tquic_pmtu *m, u32 carries, u64 now)
{
	u32 bytes, n = 0;

	for (; (bytes = tquic_pmtu_wanted(m, now)) && n < 100; n++) {
		tquic_pmtu_on_probe(m, bytes, now);
		if (bytes <= carries)
			tquic_pmtu_on_probe_acked(m, bytes);
		else
			tquic_pmtu_on_probe_lost(m, bytes);
	}
	return n;
}

/* Whatever the path carries, few probes come close to it and none above the limit. */
static void pmtu_search(struct kunit *test)
{
	static const struct {
		u32 max, carries, finds, probes;
	} is[] = {
		{ 1472, 1472, 1472, 1 },	/* what the route says */
		{ 1400, 65535, 1400, 1 },	/* never above */
		{ 1472, 1372, 1372, 10 },
		{ 1472, 1444, 1444, 11 },
		{ 1472, BASE, BASE, 15 },
		{ 8972, 8972, 8972, 1 },
		{ 8972, 8868, 8868, 11 },
		{ 8972, 1472, 1472, 14 },
		{ 8972, 1372, 1372, 16 },
		{ 65508, 8972, 8972, 12 },
		{ BASE, 1472, BASE, 0 },
		{ 500, 1472, BASE, 0 },
	};
	struct tquic_pmtu m;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(is); i++) {
		tquic_pmtu_init(&m);
		KUNIT_EXPECT_EQ(test, tquic_pmtu_wanted(&m, SEC), 0);
		tquic_pmtu_set_max(&m, is[i].max);
		KUNIT_EXPECT_EQ(test, m.bytes, BASE);
		KUNIT_EXPECT_LE(test, pmtu_walk(&m, is[i].carries, SEC), is[i].probes);
		KUNIT_EXPECT_EQ(test, m.bytes, is[i].finds);
	}
	/* Every size: below what is carried, and not by much */
	for (i = BASE; i <= 9000; i++) {
		tquic_pmtu_init(&m);
		tquic_pmtu_set_max(&m, 8972);
		KUNIT_ASSERT_LE(test, pmtu_walk(&m, i, SEC), 6 * TQUIC_PMTU_TRIES);
		KUNIT_ASSERT_LE(test, m.bytes, i);
		if (i <= 1472)
			KUNIT_ASSERT_GE(test, m.bytes + 80, i);
	}
}

/* One probe at a time; a size has failed after three, and then only. */
static void pmtu_tries(struct kunit *test)
{
	struct tquic_pmtu m;
	u32 i;

	tquic_pmtu_init(&m);
	tquic_pmtu_set_max(&m, 1472);
	for (i = 0; i < TQUIC_PMTU_TRIES; i++) {
		KUNIT_EXPECT_EQ(test, tquic_pmtu_wanted(&m, SEC), 1472);
		tquic_pmtu_on_probe(&m, 1472, SEC);
		KUNIT_EXPECT_EQ(test, tquic_pmtu_wanted(&m, SEC), 0);
		/* Somebody else's */
		tquic_pmtu_on_probe_lost(&m, 1471);
		KUNIT_EXPECT_EQ(test, m.probe_bytes, 1472);
		tquic_pmtu_on_probe_lost(&m, 1472);
		/* Once */
		tquic_pmtu_on_probe_lost(&m, 1472);
	}
	KUNIT_EXPECT_EQ(test, m.fails_bytes, 1472);
	KUNIT_EXPECT_EQ(test, m.tries, 0);
	KUNIT_EXPECT_LT(test, tquic_pmtu_wanted(&m, SEC), 1472);
	KUNIT_EXPECT_GT(test, tquic_pmtu_wanted(&m, SEC), BASE);
	KUNIT_EXPECT_EQ(test, m.bytes, BASE);
	/* One that comes in after its size has failed */
	tquic_pmtu_on_probe_acked(&m, 1472);
	KUNIT_EXPECT_EQ(test, m.bytes, BASE);
	/* A loss before one arrives is forgotten. */
	i = m.test_bytes;
	tquic_pmtu_on_probe(&m, i, SEC);
	tquic_pmtu_on_probe_lost(&m, i);
	KUNIT_EXPECT_EQ(test, m.tries, 1);
	tquic_pmtu_on_probe(&m, i, SEC);
	tquic_pmtu_on_probe_acked(&m, i);
	KUNIT_EXPECT_EQ(test, m.bytes, i);
	KUNIT_EXPECT_EQ(test, m.tries, 0);
}

/* What was found is tried to be raised after ten minutes, unless it is all that is allowed. */
static void pmtu_raise(struct kunit *test)
{
	struct tquic_pmtu m;

	tquic_pmtu_init(&m);
	tquic_pmtu_set_max(&m, 1472);
	pmtu_walk(&m, 1372, SEC);
	KUNIT_EXPECT_EQ(test, tquic_pmtu_wanted(&m, SEC + TQUIC_PMTU_RAISE_NS - 1), 0);
	KUNIT_EXPECT_EQ(test, tquic_pmtu_wanted(&m, SEC + TQUIC_PMTU_RAISE_NS), 1472);
	/* A router that says what is known changes nothing. */
	tquic_pmtu_on_too_big(&m, m.fails_bytes - 1);
	KUNIT_EXPECT_EQ(test, tquic_pmtu_wanted(&m, SEC + TQUIC_PMTU_RAISE_NS - 1), 0);
	/* In vain, and again */
	pmtu_walk(&m, 1372, SEC + TQUIC_PMTU_RAISE_NS);
	KUNIT_EXPECT_EQ(test, m.bytes, 1372);
	KUNIT_EXPECT_EQ(test, tquic_pmtu_wanted(&m, SEC + 2 * TQUIC_PMTU_RAISE_NS - 1), 0);
	pmtu_walk(&m, 1472, SEC + 2 * TQUIC_PMTU_RAISE_NS);
	KUNIT_EXPECT_EQ(test, m.bytes, 1472);
	KUNIT_EXPECT_EQ(test, tquic_pmtu_wanted(&m, SEC + 9 * TQUIC_PMTU_RAISE_NS), 0);
}

static void pmtu_max(struct kunit *test)
{
	struct tquic_pmtu m;

	tquic_pmtu_init(&m);
	tquic_pmtu_set_max(&m, 1472);
	pmtu_walk(&m, 1472, SEC);
	/* Less at once */
	tquic_pmtu_set_max(&m, 1400);
	KUNIT_EXPECT_EQ(test, m.bytes, 1400);
	KUNIT_EXPECT_EQ(test, tquic_pmtu_wanted(&m, SEC), 0);
	/* More after a probe */
	tquic_pmtu_set_max(&m, 1500);
	KUNIT_EXPECT_EQ(test, m.bytes, 1400);
	KUNIT_EXPECT_EQ(test, tquic_pmtu_wanted(&m, SEC), 1500);
	pmtu_walk(&m, 1472, SEC);
	KUNIT_EXPECT_EQ(test, m.bytes, 1472);
	/* The same again tells nothing new. */
	tquic_pmtu_set_max(&m, 1500);
	KUNIT_EXPECT_EQ(test, tquic_pmtu_wanted(&m, SEC), 0);
	tquic_pmtu_set_max(&m, 68);
	KUNIT_EXPECT_EQ(test, m.bytes, BASE);
}

/* What a router says is probed for, never believed, and nothing comes of more. */
static void pmtu_too_big(struct kunit *test)
{
	struct tquic_pmtu m;

	tquic_pmtu_init(&m);
	tquic_pmtu_set_max(&m, 1472);
	tquic_pmtu_on_probe(&m, 1472, SEC);
	tquic_pmtu_on_too_big(&m, 1472);
	tquic_pmtu_on_too_big(&m, 9000);
	KUNIT_EXPECT_EQ(test, m.probe_bytes, 1472);
	KUNIT_EXPECT_EQ(test, m.test_bytes, 1472);
	/* The probe was what was too big: the next one at once, and three tries for it */
	tquic_pmtu_on_too_big(&m, 1333);
	KUNIT_EXPECT_EQ(test, m.bytes, BASE);
	KUNIT_EXPECT_EQ(test, tquic_pmtu_wanted(&m, SEC), 1333);
	tquic_pmtu_on_probe(&m, 1333, SEC);
	tquic_pmtu_on_probe_lost(&m, 1472);
	KUNIT_EXPECT_EQ(test, m.probe_bytes, 1333);
	tquic_pmtu_on_probe_acked(&m, 1333);
	KUNIT_EXPECT_EQ(test, m.bytes, 1333);
	KUNIT_EXPECT_EQ(test, tquic_pmtu_wanted(&m, SEC), 0);
	/* Less than what is sent: the least until a probe has arrived */
	tquic_pmtu_on_too_big(&m, 1300);
	KUNIT_EXPECT_EQ(test, m.bytes, BASE);
	KUNIT_EXPECT_EQ(test, tquic_pmtu_wanted(&m, SEC), 1300);
	tquic_pmtu_on_too_big(&m, BASE);
	KUNIT_EXPECT_EQ(test, m.bytes, BASE);
	KUNIT_EXPECT_EQ(test, tquic_pmtu_wanted(&m, SEC), 0);
	/* A liar's harm ends. */
	KUNIT_EXPECT_EQ(test, pmtu_walk(&m, 1472, SEC + TQUIC_PMTU_RAISE_NS), 1);
	KUNIT_EXPECT_EQ(test, m.bytes, 1472);
}

/* Three flights lost in a row; one large packet that arrives, and all is well. */
static void pmtu_doubt(struct kunit *test)
{
	struct tquic_pmtu m;

	tquic_pmtu_init(&m);
	KUNIT_EXPECT_FALSE(test, tquic_pmtu_doubt(&m, -1, 1, 2));
	KUNIT_EXPECT_EQ(test, m.doubts, 0);
	tquic_pmtu_set_max(&m, 1472);
	pmtu_walk(&m, 1472, SEC);
	KUNIT_EXPECT_FALSE(test, tquic_pmtu_doubt(&m, 5, 10, 20));
	/* The same flight */
	KUNIT_EXPECT_FALSE(test, tquic_pmtu_doubt(&m, 5, 19, 30));
	KUNIT_EXPECT_FALSE(test, tquic_pmtu_doubt(&m, 5, 19, 40));
	KUNIT_EXPECT_EQ(test, m.doubts, 1);
	KUNIT_EXPECT_FALSE(test, tquic_pmtu_doubt(&m, 5, 20, 50));
	KUNIT_EXPECT_EQ(test, m.doubts, 2);
	/* Something came through meanwhile. */
	KUNIT_EXPECT_FALSE(test, tquic_pmtu_doubt(&m, 6, 51, 60));
	KUNIT_EXPECT_EQ(test, m.doubts, 1);
	KUNIT_EXPECT_FALSE(test, tquic_pmtu_doubt(&m, 6, 61, 70));
	KUNIT_EXPECT_EQ(test, m.bytes, 1472);
	KUNIT_EXPECT_TRUE(test, tquic_pmtu_doubt(&m, 6, 71, 80));
	KUNIT_EXPECT_EQ(test, m.bytes, BASE);
	KUNIT_EXPECT_EQ(test, m.doubts, 0);
	KUNIT_EXPECT_EQ(test, tquic_pmtu_wanted(&m, SEC), 1472);
}

/* Two ends over links of a size; the routes claim more. */
static struct pair *pmtu_pair(struct kunit *test, u32 links, u64 rate_bps, u32 route,
			      u32 carries)
{
	struct pair *p = pair_create(test, links);
	u32 i;

	for (i = 0; i < links; i++)
		pair_link_set(&p->link[i], rate_bps, PAIR_MS(10), 100000);
	p->link[0].mtu_bytes = carries;
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	for (i = 0; i < 2; i++)
		tquic_path_set_mtu(&p->end[i].conn, pair_path(p, i, 0), route);
	if (links > 1)
		KUNIT_ASSERT_TRUE(test, pair_open_paths(p));
	return p;
}

static u32 pmtu_under_way;

/* No probe while another is under way, and none before the handshake is confirmed */
static bool pmtu_tap(struct pair *p, struct pair_end *from,
		     const struct tquic_tx_pkt *pkts, int n)
{
	const struct tquic_path *path = pkts[0].path;
	const struct tquic_sent *sent = &path->space.sent;
	const struct tquic_sent_pkt *pkt;
	u32 probes = 0;
	u64 pn;

	for (pn = sent->head; pn < sent->next; pn++) {
		pkt = tquic_sent_get(sent, pn);
		probes += pkt->state == TQUIC_SENT_OUTSTANDING &&
			  pkt->flags & TQUIC_SENT_F_MTU_PROBE;
	}
	pmtu_under_way = max(pmtu_under_way, probes);
	if (pkts[0].len + TQUIC_AEAD_TAG_LEN > path->pmtu.bytes)
		KUNIT_EXPECT_TRUE(p->test, from->conn.confirmed);
	return true;
}

/* Idle paths and busy ones find it; its probes are no congestion and put no path under suspicion. */
static void pmtu_finds(struct kunit *test)
{
	static const struct {
		u32 route, carries, finds;
	} is[] = {
		{ 1472, 1472, 1472 }, { 1472, 1372, 1372 }, { 8972, 8972, 8972 },
		{ 8972, 8900, 8868 }, { 8972, 1472, 1472 }, { 1472, BASE, BASE },
	};
	struct tquic_path *path;
	struct pair *p;
	u32 i, k;

	for (i = 0; i < 2 * ARRAY_SIZE(is); i++) {
		p = pmtu_pair(test, 2, 0, is[i / 2].route, is[i / 2].carries);
		pmtu_under_way = 0;
		p->tap = pmtu_tap;
		if (i & 1)
			KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(&p->end[0], false, MIB));
		pair_run(p, 10 * SEC);
		for (k = 0; k < 2; k++) {
			path = pair_path(p, k, 0);
			KUNIT_EXPECT_EQ(test, path->pmtu.bytes, is[i / 2].finds);
			KUNIT_EXPECT_EQ(test, path->cc.mss, is[i / 2].finds);
			KUNIT_EXPECT_LE(test, path->stats.mtu_probes, 5 * TQUIC_PMTU_TRIES);
			KUNIT_EXPECT_EQ(test, path->stats.mtu_black_holes, 0);
			KUNIT_EXPECT_EQ(test, path->stats.lost_packets,
					path->stats.mtu_probes_lost);
			KUNIT_EXPECT_EQ(test, (s64)path->cc.ssthresh, -1);
			KUNIT_EXPECT_EQ(test, p->end[k].events[TQUIC_EVENT_PATH_SUSPECT], 0);
		}
		KUNIT_EXPECT_LE(test, pmtu_under_way, 1);
		/* Complete: no more of them */
		path = pair_path(p, 0, 0);
		k = path->stats.mtu_probes;
		KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(&p->end[0], false, MIB));
		KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 20 * SEC));
		KUNIT_EXPECT_EQ(test, path->stats.mtu_probes, k);
		pair_check(p);
	}
}

/* In the middle of a transfer the path comes to swallow what is large, and says nothing. */
static void pmtu_black_hole(struct kunit *test)
{
	struct tquic_path *path;
	struct pair_flow *f;
	struct pair *p;
	u32 links, sender;
	u64 pto;

	for (links = 1; links <= 2; links++) {
		for (sender = 0; sender < 2; sender++) {
			p = pmtu_pair(test, links, 5000000, 1472, 1472);
			f = pair_flow_open(&p->end[sender], false, 2 * MIB);
			KUNIT_ASSERT_NOT_NULL(test, f);
			pair_run(p, SEC);
			path = pair_path(p, sender, 0);
			KUNIT_EXPECT_EQ(test, path->pmtu.bytes, 1472);
			pto = tquic_rtt_pto_ns(&path->rtt, 25 * NSEC_PER_MSEC);
			f->gap_ns = 0;
			p->link[0].mtu_bytes = 1372;
			pair_run(p, 4 * SEC);
			/* Backed off: 1 + 2 + 4, and the round trip of what is small then */
			KUNIT_EXPECT_LE(test, f->gap_ns, (links == 1 ? 8 : 3) * pto);
			KUNIT_EXPECT_EQ(test, path->pmtu.bytes, 1372);
			KUNIT_EXPECT_EQ(test, path->stats.mtu_black_holes, 1);
			KUNIT_EXPECT_EQ(test, path->state, TQUIC_PATH_ACTIVE);
			KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 60 * SEC));
			KUNIT_EXPECT_EQ(test, f->read, 2 * MIB);
			KUNIT_EXPECT_EQ(test, path->stats.mtu_black_holes, 1);
			pair_check(p);
		}
	}
}

/* Losses for other reasons, however many, are no black hole. */
static void pmtu_lossy(struct kunit *test)
{
	struct pair *p = pmtu_pair(test, 1, 20000000, 1472, 1472);
	struct tquic_path *path = pair_path(p, 0, 0);

	pair_run(p, SEC);
	p->link[0].loss_ppm = 50000;
	KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(&p->end[0], false, 2 * MIB));
	KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 120 * SEC));
	KUNIT_EXPECT_GT(test, path->stats.lost_packets, 20);
	KUNIT_EXPECT_EQ(test, path->stats.mtu_black_holes, 0);
	KUNIT_EXPECT_EQ(test, path->pmtu.bytes, 1472);
	pair_check(p);
}

/* The peer's max_udp_payload_size caps it, the route's 65535 notwithstanding. */
static void pmtu_peer_limit(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_path *path;

	p->end[1].conn.local.max_udp_payload_size = 1300;
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	pair_run(p, SEC);
	path = pair_path(p, 0, 0);
	KUNIT_EXPECT_EQ(test, path->pmtu.bytes, 1300);
	tquic_path_set_mtu(&p->end[0].conn, path, 65535);
	KUNIT_EXPECT_EQ(test, path->pmtu.max_bytes, 1300);
	KUNIT_EXPECT_EQ(test, pair_path(p, 1, 0)->pmtu.bytes, PAIR_MTU);
	pair_check(p);
}

static struct kunit_case pmtu_cases[] = {
	KUNIT_CASE(pmtu_search),
	KUNIT_CASE(pmtu_tries),
	KUNIT_CASE(pmtu_raise),
	KUNIT_CASE(pmtu_max),
	KUNIT_CASE(pmtu_too_big),
	KUNIT_CASE(pmtu_doubt),
	KUNIT_CASE(pmtu_finds),
	KUNIT_CASE(pmtu_black_hole),
	KUNIT_CASE(pmtu_lossy),
	KUNIT_CASE(pmtu_peer_limit),
	{}
};

static struct kunit_suite pmtu_suite = {
	.name = "tquic-pmtu",
	.test_cases = pmtu_cases,
};

kunit_test_suite(pmtu_suite);
