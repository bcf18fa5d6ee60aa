// SPDX-License-Identifier: GPL-2.0
/* What an operator may set otherwise about the engine acts, and is the default when nobody does */
#include <kunit/test.h>
#include <linux/string.h>

#include "cc/cc.h"
#include "core/path.h"
#include "sched/sched.h"
#include "test/pair.h"

#define MIB	(1024 * 1024ULL)

static void tuning_set(struct pair *p, void (*set)(struct tquic_tuning *tune))
{
	set(&p->end[0].conn.tune);
	set(&p->end[1].conn.tune);
}

static struct tquic_path *tuning_first(struct pair *p)
{
	return tquic_conn_path(&p->end[0].conn, 0);
}

static void tuning_defaults(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	const struct tquic_tuning *t = &p->end[0].conn.tune;

	KUNIT_EXPECT_EQ(test, t->rx_window_max_bytes, 16 * MIB);
	KUNIT_EXPECT_EQ(test, t->rx_mem_max_bytes, 64 * MIB);
	KUNIT_EXPECT_EQ(test, t->rtt_initial_ns, PAIR_MS(333));
	KUNIT_EXPECT_EQ(test, t->probe_max_ns, PAIR_MS(500));
	KUNIT_EXPECT_EQ(test, t->mtu_max_bytes, 65527);
	KUNIT_EXPECT_EQ(test, t->dgram_rx_max_bytes, MIB);
	KUNIT_EXPECT_TRUE(test, t->ecn);
	KUNIT_EXPECT_TRUE(test, t->pacing);
}

static void set_rtt(struct tquic_tuning *tune)
{
	tune->rtt_initial_ns = PAIR_MS(50);
}

static void tuning_rtt(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);

	tuning_set(p, set_rtt);
	KUNIT_ASSERT_TRUE(test, pair_start(p));
	KUNIT_EXPECT_EQ(test, tuning_first(p)->rtt.srtt_ns, PAIR_MS(50));
	KUNIT_EXPECT_EQ(test, tuning_first(p)->rtt.rttvar_ns, PAIR_MS(25));
}

static void set_windows(struct tquic_tuning *tune)
{
	tune->rx_window_max_bytes = 128 * 1024;
	tune->rx_mem_max_bytes = 256 * 1024;
}

static void tuning_windows(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_conn *server = &p->end[1].conn;
	u32 i;

	for (i = 0; i < 2; i++) {
		p->end[i].conn.local.max_data = 64 * 1024;
		p->end[i].conn.local.max_stream_data_bidi_remote = 64 * 1024;
	}
	tuning_set(p, set_windows);
	pair_link_set(&p->link[0], 100000000, PAIR_MS(20), 400000);
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	KUNIT_EXPECT_EQ(test, server->streams.rx_mem.max, 256 * 1024);
	KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(&p->end[0], false, 2 * MIB));
	KUNIT_ASSERT_TRUE(test, pair_until(p, pair_flows_done, PAIR_MS(20000)));
	/* It did grow, and no further. */
	KUNIT_EXPECT_EQ(test, server->flow_rx.window, 128 * 1024);
}

static void set_mtu(struct tquic_tuning *tune)
{
	tune->mtu_max_bytes = 1300;
}

static void tuning_mtu(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_path *path;

	tuning_set(p, set_mtu);
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	path = tuning_first(p);
	tquic_path_set_mtu(&p->end[0].conn, path, 1472);
	KUNIT_EXPECT_EQ(test, path->pmtu.max_bytes, 1300);
	pair_kick(&p->end[0]);
	pair_run(p, PAIR_MS(1000));
	KUNIT_EXPECT_EQ(test, path->pmtu.bytes, 1300);
	p->end[0].conn.tune.mtu_max_bytes = TQUIC_MIN_UDP_PAYLOAD;
	tquic_path_set_mtu(&p->end[0].conn, path, 1472);
	KUNIT_EXPECT_EQ(test, path->pmtu.bytes, TQUIC_MIN_UDP_PAYLOAD);
	KUNIT_EXPECT_EQ(test, tquic_pmtu_wanted(&path->pmtu, p->now), 0);
}

static void set_plain(struct tquic_tuning *tune)
{
	tune->ecn = false;
	tune->pacing = false;
}

static u32 tuning_marked;

static bool tuning_tap(struct pair *p, struct pair_end *from,
		       const struct tquic_tx_pkt *pkts, int n)
{
	tuning_marked += pkts[0].ect0;
	return true;
}

static void tuning_plain(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_path *path;

	tuning_marked = 0;
	p->tap = tuning_tap;
	tuning_set(p, set_plain);
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	path = tuning_first(p);
	KUNIT_EXPECT_EQ(test, tquic_path_pacing_rate(path), 0);
	KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(&p->end[0], false, MIB));
	KUNIT_ASSERT_TRUE(test, pair_until(p, pair_flows_done, PAIR_MS(20000)));
	KUNIT_EXPECT_FALSE(test, tquic_sched_paced(path, p->now));
	KUNIT_EXPECT_EQ(test, path->pacer.next_ns, 0);
	KUNIT_EXPECT_EQ(test, tuning_marked, 0);
}

/* The same with the defaults, so that the test above says something */
static void tuning_marked_and_paced(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_path *path;

	tuning_marked = 0;
	p->tap = tuning_tap;
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	path = tuning_first(p);
	KUNIT_EXPECT_EQ(test, tquic_path_pacing_rate(path),
			tquic_cc_pacing_rate(&path->cc, &path->rtt));
	KUNIT_EXPECT_NE(test, path->pacer.next_ns, 0);
	KUNIT_EXPECT_GT(test, tuning_marked, 0);
}

/* Interval between the last probes of a path that has been cut for a while */
static u64 tuning_probe_gap(struct kunit *test, u64 probe_max_ns)
{
	struct pair *p = pair_create(test, 2);
	struct tquic_path *path;

	p->end[0].conn.tune.probe_max_ns = probe_max_ns;
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	KUNIT_ASSERT_TRUE(test, pair_open_paths(p));
	path = tquic_path_find(&p->end[0].conn, 1);
	KUNIT_ASSERT_NOT_NULL(test, path);
	p->link[1].cut = true;
	path->probes = 1;
	pair_kick(&p->end[0]);
	pair_run(p, PAIR_MS(3000));
	KUNIT_ASSERT_EQ(test, path->state, TQUIC_PATH_SUSPECT);
	return tquic_path_pto_deadline_ns(&p->end[0].conn, path) -
	       path->space.last_eliciting_ns;
}

static void tuning_probes(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, tuning_probe_gap(test, PAIR_MS(500)), PAIR_MS(500));
	KUNIT_EXPECT_EQ(test, tuning_probe_gap(test, PAIR_MS(20)), PAIR_MS(20));
	KUNIT_EXPECT_GT(test, tuning_probe_gap(test, PAIR_MS(60000)), PAIR_MS(800));
}

static void set_datagrams(struct tquic_tuning *tune)
{
	tune->dgram_rx_max_bytes = 4096;
}

static void tuning_datagrams(struct kunit *test)
{
	static const u8 frame[] = { 0x31, 1, 'h' };
	struct pair *p = pair_create(test, 1);
	struct tquic_conn *conn = &p->end[1].conn;
	u32 i;

	tuning_set(p, set_datagrams);
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	for (i = 0; i < 50; i++)
		pair_inject(&p->end[1], TQUIC_PKT_1RTT, 0, 1000 + i, frame, sizeof(frame));
	KUNIT_EXPECT_GT(test, conn->stats.datagrams_received, 0);
	KUNIT_EXPECT_GT(test, conn->stats.datagrams_dropped, 0);
	KUNIT_EXPECT_LE(test, conn->dgram_rx_bytes, 4096);
}

static struct tquic_path *tuning_no_path(struct tquic_conn *conn, u64 now)
{
	return NULL;
}

static void tuning_names(struct kunit *test)
{
	static struct tquic_sched other = {
		.entry.name = "tuning-other", .get_path = tuning_no_path,
	};
	struct tquic_catalog *c = &tquic_sched_catalog;
	char buf[128], tiny[4];

	KUNIT_ASSERT_EQ(test, tquic_sched_register(&other), 0);
	KUNIT_EXPECT_EQ(test, tquic_catalog_names(c, buf, sizeof(buf)), strlen(buf));
	KUNIT_EXPECT_NOT_NULL(test, strstr(buf, "tuning-other"));
	KUNIT_EXPECT_EQ(test, tquic_catalog_names(c, tiny, sizeof(tiny)), 3);
	KUNIT_EXPECT_EQ(test, strlen(tiny), 3);
	tquic_sched_unregister(&other);
	tquic_catalog_names(c, buf, sizeof(buf));
	KUNIT_EXPECT_NULL(test, strstr(buf, "tuning-other"));
}

static struct kunit_case tuning_cases[] = {
	KUNIT_CASE(tuning_defaults),
	KUNIT_CASE(tuning_rtt),
	KUNIT_CASE(tuning_windows),
	KUNIT_CASE(tuning_mtu),
	KUNIT_CASE(tuning_plain),
	KUNIT_CASE(tuning_marked_and_paced),
	KUNIT_CASE(tuning_probes),
	KUNIT_CASE(tuning_datagrams),
	KUNIT_CASE(tuning_names),
	{}
};

static struct kunit_suite tuning_suite = {
	.name = "tquic-tuning",
	.test_cases = tuning_cases,
};

kunit_test_suites(&tuning_suite);
