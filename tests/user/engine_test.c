// SPDX-License-Identifier: GPL-2.0
/* The engine under load: long transfers, unequal links, outages. Too heavy for KUnit in a VM. */
#include <kunit/test.h>
#include <linux/math64.h>

#include "core/path.h"
#include "test/pair.h"

#define SEC	((u64)NSEC_PER_SEC)
#define MIB	(1024ULL * 1024)

/* Mbit/s of payload from opening to the end of a flow */
static u64 goodput_kbps(const struct pair_flow *f)
{
	return div64_u64(f->total * 8 * 1000000, f->end_ns - f->start_ns);
}

static void report(struct kunit *test, struct pair *p)
{
	const struct tquic_path *path;
	u32 i, k;

	for (k = 0; k < 2; k++) {
		for (i = 0; i < TQUIC_PATHS_MAX; i++) {
			path = tquic_conn_path(&p->end[k].conn, i);
			if (!path || path->state == TQUIC_PATH_UNUSED)
				continue;
			kunit_info(test, "%s path %u: state %u tx %llu MB lost %llu spurious %llu ptos %llu mtu %u srtt %llu us min %llu cwnd %llu ssthresh %lld full %llu",
				   k ? "server" : "client", path->id, path->state,
				   path->stats.tx_bytes / 1000000ULL,
				   path->stats.lost_packets,
				   path->stats.spurious_packets, path->stats.ptos,
				   path->pmtu.bytes, path->rtt.srtt_ns / 1000,
				   path->rtt.min_ns / 1000,
				   path->cc.cwnd, (s64)path->cc.ssthresh,
				   p->link[pair_link_index(p, path)].pipe[!k].full);
		}
	}
}

static void engine_bulk_both_ways(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct pair_flow *f[2];
	u32 i;

	pair_link_set(&p->link[0], 50000000, PAIR_MS(20), 250000);
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	for (i = 0; i < 2; i++) {
		f[i] = pair_flow_open(&p->end[i], false, 8 * MIB);
		KUNIT_ASSERT_NOT_NULL(test, f[i]);
	}
	KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 60 * SEC));
	for (i = 0; i < 2; i++)
		kunit_info(test, "%llu kbit/s, gap %llu us", goodput_kbps(f[i]),
			   f[i]->gap_ns / 1000);
	report(test, p);
	pair_check(p);
}

static void two_links(struct pair *p)
{
	pair_link_set(&p->link[0], 50000000, PAIR_MS(10), 125000);
	pair_link_set(&p->link[1], 30000000, PAIR_MS(30), 225000);
}

static void engine_two_links(struct kunit *test)
{
	struct pair *p = pair_create(test, 2);
	struct pair_flow *f;

	two_links(p);
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	KUNIT_ASSERT_TRUE(test, pair_open_paths(p));
	f = pair_flow_open(pair_server(p), false, 20 * MIB);
	KUNIT_ASSERT_NOT_NULL(test, f);
	KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 60 * SEC));
	kunit_info(test, "%llu kbit/s, gap %llu us", goodput_kbps(f), f->gap_ns / 1000);
	report(test, p);
	pair_check(p);
}

/* Both links carry at least a third of their rate. */
static bool both_busy(struct pair *p, u64 window_ns)
{
	u64 before[2], i;

	for (i = 0; i < 2; i++)
		before[i] = p->link[i].pipe[0].bytes;
	pair_run(p, window_ns);
	for (i = 0; i < 2; i++)
		if ((p->link[i].pipe[0].bytes - before[i]) * 24 <
		    div64_u64(p->link[i].rate_bps * window_ns, SEC))
			return false;
	return true;
}

/* Each link is cut in turn in the middle of a transfer and comes back later. */
static void engine_cut(struct kunit *test)
{
	struct pair_flow *f;
	struct pair *p;
	u32 cut;
	u64 t;

	for (cut = 0; cut < 2; cut++) {
		p = pair_create(test, 2);
		two_links(p);
		KUNIT_ASSERT_TRUE(test, pair_handshake(p));
		KUNIT_ASSERT_TRUE(test, pair_open_paths(p));
		f = pair_flow_open(pair_server(p), false, 64 * MIB);
		KUNIT_ASSERT_NOT_NULL(test, f);
		pair_run(p, PAIR_MS(1500));
		KUNIT_EXPECT_TRUE(test, both_busy(p, PAIR_MS(100)));
		f->gap_ns = 0;
		p->link[cut].cut = true;
		pair_run(p, PAIR_MS(3000));
		kunit_info(test, "link %u cut: gap %llu us", cut, f->gap_ns / 1000);
		KUNIT_EXPECT_LE(test, f->gap_ns, PAIR_MS(300));
		p->link[cut].cut = false;
		t = p->now;
		while (!p->broken && p->now - t < 10 * SEC && !both_busy(p, PAIR_MS(50)))
			;
		kunit_info(test, "both links in use again after %llu us",
			   (p->now - t) / 1000);
		KUNIT_EXPECT_LE(test, p->now - t, PAIR_MS(1500));
		KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 60 * SEC));
		kunit_info(test, "%llu kbit/s, gap %llu us", goodput_kbps(f), f->gap_ns / 1000);
		report(test, p);
		pair_check(p);
	}
}

/* Losses, reordering and duplicates on both links: all arrives, whatever happens. */
static void engine_bad_links(struct kunit *test)
{
	static const u32 loss_ppm[] = { 10000, 50000, 200000 };
	struct pair *p;
	u32 i, k, seed;

	for (i = 0; i < ARRAY_SIZE(loss_ppm); i++) {
		for (seed = 1; seed < 6; seed++) {
			p = pair_create(test, 2);
			p->rnd += 0x9e3779b97f4a7c15ULL * seed;
			two_links(p);
			for (k = 0; k < 2; k++) {
				p->link[k].loss_ppm = loss_ppm[i];
				p->link[k].reorder_ppm = 100000;
				p->link[k].dup_ppm = 10000;
			}
			KUNIT_ASSERT_TRUE(test, pair_handshake(p));
			KUNIT_ASSERT_TRUE(test, pair_open_paths(p));
			for (k = 0; k < 4; k++)
				KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(&p->end[k & 1], k & 2, MIB / 2));
			KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 300 * SEC));
			kunit_info(test, "loss %u ppm, seed %u: %llu ms", loss_ppm[i], seed,
				   (p->now - p->flow[0].start_ns) / NSEC_PER_MSEC);
			pair_check(p);
		}
	}
	report(test, p);
}

static bool client_done(struct pair *p)
{
	return p->end[0].conn.state == TQUIC_STATE_ESTABLISHED;
}

/* With three of ten datagrams lost either way, not one handshake of many is given up. */
static void engine_handshakes_lossy(struct kunit *test)
{
	u64 ms, worst_ms = 0, sum_ms = 0;
	struct pair *p;
	u32 seed;

	for (seed = 1; seed <= 1000; seed++) {
		p = pair_create(test, 1);
		p->rnd += 0x9e3779b97f4a7c15ULL * seed;
		p->link[0].loss_ppm = 300000;
		KUNIT_ASSERT_TRUE(test, pair_start(p));
		KUNIT_EXPECT_TRUE(test, pair_until(p, client_done, 60 * SEC));
		ms = div_u64(p->now - PAIR_START_NS, NSEC_PER_MSEC);
		worst_ms = max(worst_ms, ms);
		sum_ms += ms;
	}
	kunit_info(test, "mean %llu ms, longest %llu ms", div_u64(sum_ms, 1000), worst_ms);
}

static const struct {
	const char *name;
	u32 kbps[2];
	u32 rtt_ms[2];
	u32 queue_ms[2];
	u32 mib;
	u32 percent;
} engine_links[] = {
	{ "equal",		{ 50000, 50000 }, { 30, 30 }, { 30, 30 }, 60, 93 },
	{ "equal, short",	{ 50000, 50000 }, { 30, 30 }, { 30, 30 }, 20, 90 },
	{ "50 + 30",		{ 50000, 30000 }, { 20, 60 }, { 20, 60 }, 60, 95 },
	{ "fast is slow",	{ 20000, 80000 }, { 20, 80 }, { 20, 80 }, 60, 86 },
	{ "fast and slow",	{ 100000, 10000 }, { 10, 100 }, { 50, 100 }, 60, 93 },
	{ "deep queues",	{ 50000, 30000 }, { 20, 60 }, { 300, 300 }, 60, 93 },
	{ "shallow queues",	{ 50000, 30000 }, { 20, 60 }, { 7, 7 }, 60, 85 },
	{ "satellite",		{ 40000, 40000 }, { 30, 500 }, { 30, 250 }, 60, 65 },
	{ "gigabit",		{ 500000, 500000 }, { 5, 10 }, { 10, 10 }, 200, 90 },
};

static void engine_matrix(struct kunit *test)
{
	u64 sum_kbps, percent;
	struct pair_flow *f;
	struct pair *p;
	u32 i, k;

	for (i = 0; i < ARRAY_SIZE(engine_links); i++) {
		p = pair_create(test, 2);
		sum_kbps = 0;
		for (k = 0; k < 2; k++) {
			pair_link_set(&p->link[k], engine_links[i].kbps[k] * 1000ULL,
				      PAIR_MS(engine_links[i].rtt_ms[k]) / 2,
				      engine_links[i].kbps[k] / 8 * engine_links[i].queue_ms[k]);
			sum_kbps += engine_links[i].kbps[k];
		}
		KUNIT_ASSERT_TRUE(test, pair_handshake(p));
		KUNIT_ASSERT_TRUE(test, pair_open_paths(p));
		f = pair_flow_open(pair_server(p), false, engine_links[i].mib * MIB);
		KUNIT_ASSERT_NOT_NULL(test, f);
		KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 200 * SEC));
		/* What a full datagram of 1472 bytes carries: 1435 */
		percent = div64_u64(goodput_kbps(f) * 100 * 1472, sum_kbps * 1435);
		kunit_info(test, "%s: %llu kbit/s, %llu %%, gap %llu us",
			   engine_links[i].name, goodput_kbps(f), percent, f->gap_ns / 1000);
		if (percent < engine_links[i].percent)
			report(test, p);
		KUNIT_EXPECT_GE(test, percent, engine_links[i].percent);
		pair_check(p);
	}
}

static struct kunit_case engine_cases[] = {
	KUNIT_CASE(engine_handshakes_lossy),
	KUNIT_CASE(engine_matrix),
	KUNIT_CASE(engine_bad_links),
	KUNIT_CASE(engine_cut),
	KUNIT_CASE(engine_bulk_both_ways),
	KUNIT_CASE(engine_two_links),
	{}
};

static struct kunit_suite engine_suite = {
	.name = "tquic-engine",
	.test_cases = engine_cases,
};

kunit_test_suites(&engine_suite);
