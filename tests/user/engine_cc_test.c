// SPDX-License-Identifier: GPL-2.0
/* Congestion controllers over whole connections: what they make of links of all kinds. */
#include <kunit/test.h>
#include <linux/math64.h>

#include "cc/bbr.h"
#include "core/path.h"
#include "test/pair.h"

#define SEC	((u64)NSEC_PER_SEC)
#define MIB	(1024ULL * 1024)

static const struct tquic_cc_ops *const all_ccs[] = {
	&tquic_cc_balia, &tquic_cc_bbr, &tquic_cc_cubic,
	&tquic_cc_lia, &tquic_cc_newreno, &tquic_cc_olia,
};

static struct pair *create(struct kunit *test, u32 links, const struct tquic_cc_ops *cc)
{
	struct pair *p = pair_create(test, links);
	u32 i;

	for (i = 0; i < 2; i++)
		p->end[i].conn.cc_ops = cc;
	return p;
}

/* Handshake, a path over each link, and a transfer that outlasts the test */
static struct pair_flow *begin(struct kunit *test, struct pair *p, u64 bytes)
{
	struct pair_flow *f;

	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	KUNIT_ASSERT_TRUE(test, pair_open_paths(p));
	f = pair_flow_open(pair_server(p), false, bytes);
	KUNIT_ASSERT_NOT_NULL(test, f);
	return f;
}

static struct tquic_path *path_of(struct pair *p, u32 i)
{
	return tquic_conn_path(&pair_server(p)->conn, i);
}

static struct tquic_bbr *bbr_of(struct pair *p, u32 i)
{
	return tquic_cc_priv(&path_of(p, i)->cc);
}

/* kbit/s of UDP payload that arrived over all links in @ns */
static u64 run_kbps(struct pair *p, u64 ns)
{
	u64 bytes = 0;
	u32 i;

	for (i = 0; i < p->links; i++)
		bytes -= p->link[i].pipe[0].bytes;
	pair_run(p, ns);
	for (i = 0; i < p->links; i++)
		bytes += p->link[i].pipe[0].bytes;
	return div64_u64(bytes * 8 * 1000000, ns);
}

/* Smoothed RTT of a path, averaged over so many milliseconds */
static u64 mean_srtt_us(struct pair *p, u32 i, u32 ms)
{
	u64 sum = 0;
	u32 k;

	for (k = 0; k < ms; k++) {
		pair_run(p, PAIR_MS(1));
		sum += div_u64(path_of(p, i)->rtt.srtt_ns, 1000);
	}
	return div_u64(sum, ms);
}

static void tell(struct kunit *test, struct pair *p, const char *what, u64 kbps)
{
	const struct tquic_path *path;
	u32 i;

	kunit_info(test, "%s: %llu kbit/s", what, kbps);
	for (i = 0; i < p->links; i++) {
		path = path_of(p, i);
		kunit_info(test, "  path %u: srtt %llu us min %llu cwnd %llu in flight %llu lost %llu of %llu, rate %llu",
			   path->id, path->rtt.srtt_ns / 1000, path->rtt.min_ns / 1000,
			   path->cc.cwnd, path->cc.in_flight, path->stats.lost_packets,
			   path->stats.tx_packets,
			   tquic_cc_pacing_rate(&path->cc, &path->rtt));
	}
}

/* One in a hundred lost for no reason: loss is no sign of congestion. */
static void cc_random_loss(struct kunit *test)
{
	static const struct tquic_cc_ops *const ccs[] = { &tquic_cc_bbr, &tquic_cc_cubic };
	struct pair *p;
	u64 kbps[2];
	u32 i;

	for (i = 0; i < 2; i++) {
		p = create(test, 1, ccs[i]);
		pair_link_set(&p->link[0], 50000000, PAIR_MS(10), 250000);
		p->link[0].loss_ppm = 10000;
		begin(test, p, 200 * MIB);
		kbps[i] = run_kbps(p, 15 * SEC);
		tell(test, p, ccs[i]->entry.name, kbps[i]);
		pair_check(p);
	}
	KUNIT_EXPECT_GE(test, kbps[0], 45000);
	KUNIT_EXPECT_LE(test, kbps[1], 25000);
}

/* A link that reorders all the time is as good as one that does not. */
static void cc_reordering(struct kunit *test)
{
	static const struct tquic_cc_ops *const ccs[] = { &tquic_cc_bbr, &tquic_cc_cubic };
	struct pair *p;
	u64 kbps;
	u32 i;

	for (i = 0; i < 2; i++) {
		p = create(test, 1, ccs[i]);
		pair_link_set(&p->link[0], 40000000, PAIR_MS(30), 300000);
		p->link[0].reorder_ppm = 100000;
		begin(test, p, 200 * MIB);
		pair_run(p, SEC);
		kbps = run_kbps(p, 10 * SEC);
		tell(test, p, ccs[i]->entry.name, kbps);
		KUNIT_EXPECT_GE(test, kbps, 37000);
		KUNIT_EXPECT_GT(test, path_of(p, 0)->stats.spurious_packets, 0);
		pair_check(p);
	}
}

/* A queue of 400 ms stays empty, where a controller that waits for loss fills it. */
static void cc_bufferbloat(struct kunit *test)
{
	static const struct tquic_cc_ops *const ccs[] = { &tquic_cc_bbr, &tquic_cc_cubic };
	u64 kbps, srtt_us[2];
	struct pair *p;
	u32 i;

	for (i = 0; i < 2; i++) {
		p = create(test, 1, ccs[i]);
		pair_link_set(&p->link[0], 50000000, PAIR_MS(10), 2500000);
		begin(test, p, 200 * MIB);
		pair_run(p, 2 * SEC);
		kbps = run_kbps(p, 8 * SEC);
		srtt_us[i] = mean_srtt_us(p, 0, 5000);
		tell(test, p, ccs[i]->entry.name, kbps);
		kunit_info(test, "mean srtt %llu us", srtt_us[i]);
		KUNIT_EXPECT_GE(test, kbps, 46500);
		pair_check(p);
	}
	KUNIT_EXPECT_LE(test, srtt_us[0], 25000);
	KUNIT_EXPECT_GE(test, srtt_us[1], 100000);
}

/* Queues from a quarter of the delay-bandwidth product to two */
static void cc_bbr_queues(struct kunit *test)
{
	static const u32 queue[] = { 30000, 60000, 125000, 250000 };
	const struct tquic_path *path;
	struct pair *p;
	u64 kbps;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(queue); i++) {
		p = create(test, 1, &tquic_cc_bbr);
		pair_link_set(&p->link[0], 50000000, PAIR_MS(10), queue[i]);
		begin(test, p, 200 * MIB);
		kbps = run_kbps(p, 10 * SEC);
		tell(test, p, "bbr", kbps);
		path = path_of(p, 0);
		KUNIT_EXPECT_GE(test, kbps, 47000);
		KUNIT_EXPECT_LE(test, path->stats.lost_packets * 100, path->stats.tx_packets);
		pair_check(p);
	}
}

static void two_links(struct pair *p)
{
	pair_link_set(&p->link[0], 50000000, PAIR_MS(10), 125000);
	pair_link_set(&p->link[1], 30000000, PAIR_MS(30), 225000);
}

static void cc_bbr_bond(struct kunit *test)
{
	struct pair *p = create(test, 2, &tquic_cc_bbr);
	u64 kbps;

	two_links(p);
	begin(test, p, 400 * MIB);
	kbps = run_kbps(p, 10 * SEC);
	tell(test, p, "bbr", kbps);
	KUNIT_EXPECT_GE(test, kbps, 74000);
	pair_check(p);
}

/* Where the queue is empty anyway it is not needed; where the path became longer, once. */
static void cc_bbr_probe_rtt(struct kunit *test)
{
	struct pair *p = create(test, 1, &tquic_cc_bbr);
	u32 ms, in_probe = 0, entered = 0, lowest = U32_MAX;
	bool was = false, is;

	pair_link_set(&p->link[0], 50000000, PAIR_MS(10), 250000);
	begin(test, p, 200 * MIB);
	for (ms = 0; ms < 30000; ms++) {
		pair_run(p, PAIR_MS(1));
		is = bbr_of(p, 0)->state == TQUIC_BBR_PROBE_RTT;
		entered += is && !was;
		in_probe += is;
		if (is)
			lowest = min_t(u32, lowest, path_of(p, 0)->cc.in_flight);
		was = is;
		if (ms == 10000) {
			KUNIT_EXPECT_EQ(test, entered, 0);
			p->link[0].delay_ns += PAIR_MS(2);
		}
	}
	kunit_info(test, "%u times, %u ms, at least %u bytes in flight", entered, in_probe, lowest);
	KUNIT_EXPECT_EQ(test, entered, 1);
	KUNIT_EXPECT_GE(test, in_probe, 200);
	KUNIT_EXPECT_LE(test, in_probe, 300);
	KUNIT_EXPECT_GE(test, bbr_of(p, 0)->min_rtt_ns, PAIR_MS(24));
	/* Half the delay-bandwidth product */
	KUNIT_EXPECT_LE(test, lowest, 66000);
	KUNIT_EXPECT_GE(test, lowest, 30000);
	pair_check(p);
}

/*
 * The link becomes five times slower: losses bring what is in flight down to
 * what the link and its queue hold within a few round trips. The old rate is
 * forgotten after two probe cycles, and the queue with it.
 */
static void cc_bbr_rate_drop(struct kunit *test)
{
	const u64 rate_bps = 10000000, queue_bytes = 60000;
	struct pair *p;
	u64 kbps, lost;
	u32 ms, at;

	for (at = 0; at < 5; at++) {
		p = create(test, 1, &tquic_cc_bbr);
		pair_link_set(&p->link[0], 50000000, PAIR_MS(10), queue_bytes);
		begin(test, p, 400 * MIB);
		pair_run(p, 3 * SEC + PAIR_MS(270 * at));
		pair_link_rate(p, &p->link[0], rate_bps);
		lost = path_of(p, 0)->stats.lost_packets;
		/* The RTT with a full queue is 68 ms. */
		for (ms = 0; ms < 2000; ms++) {
			pair_run(p, PAIR_MS(1));
			if (ms > 68 && path_of(p, 0)->cc.cwnd <= queue_bytes + rate_bps / 8 / 50 * 6 / 5)
				break;
		}
		kunit_info(test, "followed after %u ms, %llu lost", ms,
			   path_of(p, 0)->stats.lost_packets - lost);
		KUNIT_EXPECT_LE(test, ms, 10 * 68);
		KUNIT_EXPECT_LE(test, path_of(p, 0)->stats.lost_packets - lost, 400);
		kbps = run_kbps(p, 6 * SEC);
		tell(test, p, "slow", kbps);
		KUNIT_EXPECT_GE(test, kbps, 9000);
		KUNIT_EXPECT_LE(test, bbr_of(p, 0)->pacing_rate, rate_bps / 8 * 5 / 4);
		KUNIT_EXPECT_LE(test, mean_srtt_us(p, 0, 1000), 40000);
		pair_link_rate(p, &p->link[0], 50000000);
		pair_run(p, 4 * SEC);
		kbps = run_kbps(p, 2 * SEC);
		tell(test, p, "fast again", kbps);
		KUNIT_EXPECT_GE(test, kbps, 40000);
		pair_check(p);
	}
}

/* A link is away for longer than its state is good for and comes back. */
static void cc_return(struct kunit *test)
{
	struct tquic_cc_group *group;
	struct pair *p;
	u64 kbps;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(all_ccs); i++) {
		p = create(test, 2, all_ccs[i]);
		two_links(p);
		begin(test, p, 400 * MIB);
		group = &pair_server(p)->conn.cc_group;
		KUNIT_EXPECT_FALSE(test, list_is_singular(&group->members));
		pair_run(p, 2 * SEC);
		p->link[0].cut = true;
		pair_run(p, 2 * SEC);
		KUNIT_EXPECT_NULL(test, path_of(p, 0)->cc.group);
		KUNIT_EXPECT_TRUE(test, list_is_singular(&group->members));
		/* A probe at most */
		KUNIT_EXPECT_LE(test, path_of(p, 0)->cc.in_flight, PAIR_MTU);
		p->link[0].cut = false;
		pair_run(p, pair_server(p)->conn.tune.probe_max_ns + PAIR_MS(100));
		KUNIT_EXPECT_PTR_EQ(test, path_of(p, 0)->cc.group, group);
		pair_run(p, PAIR_MS(400));
		kbps = run_kbps(p, 2 * SEC);
		tell(test, p, all_ccs[i]->entry.name, kbps);
		KUNIT_EXPECT_GE(test, kbps, 50000);
		pair_check(p);
	}
}

/* Both paths gone for a while: the whole connection stands, and goes on. */
static void cc_outage(struct kunit *test)
{
	struct pair *p;
	u32 i, k;
	u64 kbps;

	for (i = 0; i < ARRAY_SIZE(all_ccs); i++) {
		p = create(test, 1, all_ccs[i]);
		pair_link_set(&p->link[0], 50000000, PAIR_MS(10), 125000);
		begin(test, p, 400 * MIB);
		for (k = 0; k < 2; k++) {
			pair_run(p, 2 * SEC);
			p->link[0].cut = true;
			pair_run(p, k ? 5 * SEC : PAIR_MS(200));
			p->link[0].cut = false;
		}
		pair_run(p, 6 * SEC);
		kbps = run_kbps(p, 2 * SEC);
		tell(test, p, all_ccs[i]->entry.name, kbps);
		KUNIT_EXPECT_GE(test, kbps, 20000);
		pair_check(p);
	}
}

static u64 lost_packets(struct pair *p)
{
	u64 lost = 0;
	u32 i;

	for (i = 0; i < p->links; i++)
		lost += path_of(p, i)->stats.lost_packets;
	return lost;
}

struct share {
	u64 kbps;
	u64 lost;
};

/* One minute of @links paths through one bottleneck, or with losses by chance alone */
static struct share share(struct kunit *test, const struct tquic_cc_ops *cc, u32 links,
			  u64 rate_bps, u32 loss_ppm)
{
	struct pair *p = create(test, links, cc);
	struct share s;
	u32 i;

	for (i = 0; i < links; i++) {
		pair_link_set(&p->link[i], rate_bps, PAIR_MS(20), 50000);
		p->link[i].neck = &p->link[0];
		p->link[i].loss_ppm = loss_ppm;
	}
	begin(test, p, 400 * MIB);
	pair_run(p, 5 * SEC);
	s.lost = lost_packets(p);
	s.kbps = run_kbps(p, 60 * SEC);
	s.lost = lost_packets(p) - s.lost;
	tell(test, p, cc->entry.name, s.kbps);
	kunit_info(test, "  lost %llu", s.lost);
	pair_check(p);
	return s;
}

static const struct tquic_cc_ops *const coupled[] = {
	&tquic_cc_lia, &tquic_cc_olia, &tquic_cc_balia,
};

/*
 * Through one bottleneck, n flows of a controller that grows by a packet per
 * round trip overflow the queue about n^2 times as often as one. Coupled paths
 * do so as often as one.
 */
static void cc_shared_bottleneck(struct kunit *test)
{
	struct share one = share(test, &tquic_cc_newreno, 1, 20000000, 0);
	struct share two = share(test, &tquic_cc_newreno, 2, 20000000, 0);
	struct share s;
	u32 i;

	KUNIT_EXPECT_GE(test, two.lost, 2 * one.lost);
	for (i = 0; i < ARRAY_SIZE(coupled); i++) {
		s = share(test, coupled[i], 2, 20000000, 0);
		KUNIT_EXPECT_LE(test, s.lost * 2, one.lost * 3);
		KUNIT_EXPECT_GE(test, s.kbps, 18000);
	}
}

/*
 * At a given rate of losses the windows together are one flow's, not two. Some
 * 50 losses a minute leave a tenth of each figure to chance.
 */
static void cc_one_flow(struct kunit *test)
{
	struct share one = share(test, &tquic_cc_newreno, 1, 0, 1000);
	struct share two = share(test, &tquic_cc_newreno, 2, 0, 1000);
	struct share s;
	u32 i;

	KUNIT_EXPECT_GE(test, two.kbps * 2, one.kbps * 3);
	for (i = 0; i < ARRAY_SIZE(coupled); i++) {
		s = share(test, coupled[i], 2, 0, 1000);
		KUNIT_EXPECT_LE(test, s.kbps * 2, one.kbps + two.kbps);
		KUNIT_EXPECT_GE(test, s.kbps * 4, one.kbps * 3);
	}
}

static struct kunit_case engine_cc_cases[] = {
	KUNIT_CASE(cc_random_loss),
	KUNIT_CASE(cc_reordering),
	KUNIT_CASE(cc_bufferbloat),
	KUNIT_CASE(cc_bbr_queues),
	KUNIT_CASE(cc_bbr_bond),
	KUNIT_CASE(cc_bbr_probe_rtt),
	KUNIT_CASE(cc_bbr_rate_drop),
	KUNIT_CASE(cc_return),
	KUNIT_CASE(cc_outage),
	KUNIT_CASE(cc_shared_bottleneck),
	KUNIT_CASE(cc_one_flow),
	{}
};

static struct kunit_suite engine_cc_suite = {
	.name = "tquic-engine-cc",
	.test_cases = engine_cc_cases,
};

kunit_test_suites(&engine_cc_suite);
