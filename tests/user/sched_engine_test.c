// SPDX-License-Identifier: GPL-2.0
/* Every scheduler in the engine: nothing is lost or starved, and each is best at what it is for. */
#include <kunit/test.h>
#include <linux/array_size.h>
#include <linux/math64.h>

#include "core/dgram.h"
#include "core/path.h"
#include "sched/sched.h"
#include "test/pair.h"

#define SEC	((u64)NSEC_PER_SEC)
#define MIB	(1024ULL * 1024)
#define KIB	1024ULL

static struct tquic_sched *const scheds[] = {
	&tquic_sched_blest,
	&tquic_sched_deadline,
	&tquic_sched_ecf,
	&tquic_sched_minrtt,
	&tquic_sched_redundant,
	&tquic_sched_roundrobin,
	&tquic_sched_weighted,
};

static struct pair *sched_pair(struct kunit *test, u32 links, const struct tquic_sched *ops)
{
	struct pair *p = pair_create(test, links);
	u32 i;

	for (i = 0; i < 2; i++)
		p->end[i].conn.sched = ops;
	return p;
}

/* Links of 20 and 10 Mbit/s, 20 and 60 ms */
static void two_links(struct pair *p)
{
	pair_link_set(&p->link[0], 20000000, PAIR_MS(10), 50000);
	pair_link_set(&p->link[1], 10000000, PAIR_MS(30), 75000);
}

static void start(struct kunit *test, struct pair *p)
{
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	KUNIT_ASSERT_TRUE(test, pair_open_paths(p));
}

/* Losses, reordering and duplicates: every byte of every stream arrives, both ways */
static void sched_bad_links(struct kunit *test)
{
	struct pair *p;
	u32 i, k;

	for (i = 0; i < ARRAY_SIZE(scheds); i++) {
		p = sched_pair(test, 2, scheds[i]);
		two_links(p);
		for (k = 0; k < 2; k++) {
			p->link[k].loss_ppm = 50000;
			p->link[k].reorder_ppm = 100000;
			p->link[k].dup_ppm = 10000;
		}
		start(test, p);
		for (k = 0; k < 6; k++)
			KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(&p->end[k & 1], k & 2, MIB / 2));
		KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 300 * SEC));
		kunit_info(test, "%s: %llu ms", scheds[i]->entry.name,
			   (p->now - p->flow[0].start_ns) / NSEC_PER_MSEC);
		pair_check(p);
	}
}

/* One path is a path like any other, and no stream waits for long while others are served */
static void sched_one_path(struct kunit *test)
{
	struct pair *p;
	u32 i, k;

	for (i = 0; i < ARRAY_SIZE(scheds); i++) {
		p = sched_pair(test, 1, scheds[i]);
		pair_link_set(&p->link[0], 20000000, PAIR_MS(10), 50000);
		start(test, p);
		for (k = 0; k < 4; k++)
			KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(pair_server(p), true, MIB));
		KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 2 * SEC + SEC / 2));
		for (k = 0; k < 4; k++)
			KUNIT_EXPECT_LE(test, p->flow[k].end_ns - p->flow[k].start_ns, 2 * SEC + SEC / 2);
		pair_check(p);
	}
}

/* No data on a backup path until the regular one dies, which it does midway */
static void sched_backup(struct kunit *test)
{
	struct pair_flow *f;
	struct pair *p;
	u64 before;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(scheds); i++) {
		p = sched_pair(test, 2, scheds[i]);
		two_links(p);
		start(test, p);
		tquic_path_set_flags(&pair_client(p)->conn, pair_path(p, 0, 1), TQUIC_PATH_BACKUP);
		pair_kick(pair_client(p));
		pair_run(p, PAIR_MS(500));
		before = p->link[1].pipe[0].bytes;
		f = pair_flow_open(pair_server(p), false, 4 * MIB);
		KUNIT_ASSERT_NOT_NULL(test, f);
		pair_run(p, PAIR_MS(800));
		KUNIT_EXPECT_LE(test, p->link[1].pipe[0].bytes - before, 10 * PAIR_MTU);
		f->gap_ns = 0;
		p->link[0].cut = true;
		KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 20 * SEC));
		kunit_info(test, "%s: gap %llu us", scheds[i]->entry.name, f->gap_ns / 1000);
		KUNIT_EXPECT_LE(test, f->gap_ns, PAIR_MS(500));
		pair_check(p);
	}
}

/* Either path dies midway and returns; the other one carries on */
static void sched_cut(struct kunit *test)
{
	struct pair_flow *f;
	struct pair *p;
	u32 i, cut;

	for (i = 0; i < 2 * ARRAY_SIZE(scheds); i++) {
		p = sched_pair(test, 2, scheds[i / 2]);
		cut = i % 2;
		two_links(p);
		start(test, p);
		f = pair_flow_open(pair_server(p), false, 16 * MIB);
		KUNIT_ASSERT_NOT_NULL(test, f);
		pair_run(p, SEC);
		f->gap_ns = 0;
		p->link[cut].cut = true;
		pair_run(p, 2 * SEC);
		kunit_info(test, "%s: link %u cut: gap %llu us", scheds[i / 2]->entry.name, cut,
			   f->gap_ns / 1000);
		KUNIT_EXPECT_LE(test, f->gap_ns, PAIR_MS(500));
		p->link[cut].cut = false;
		KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 60 * SEC));
		pair_check(p);
	}
}

/* Bulk over both links fills them, whoever schedules */
static void sched_bulk(struct kunit *test)
{
	struct pair_flow *f;
	struct pair *p;
	u64 percent;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(scheds); i++) {
		p = sched_pair(test, 2, scheds[i]);
		two_links(p);
		start(test, p);
		f = pair_flow_open(pair_server(p), false, 24 * MIB);
		KUNIT_ASSERT_NOT_NULL(test, f);
		KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 60 * SEC));
		/* What full datagrams carry of 30 Mbit/s */
		percent = div64_u64(f->total * 8 * 100 * 1472 / 1435,
				    div_u64(f->end_ns - f->start_ns, 1000) * 30);
		kunit_info(test, "%s: %llu percent of the links", scheds[i]->entry.name, percent);
		/* With copies, as much as the better link alone: two thirds */
		KUNIT_EXPECT_GE(test, percent, scheds[i]->copies ? 63 : 88);
		pair_check(p);
	}
}

/* Mean time of @count objects, one after the other, over the links as they are, in us */
static u64 objects_us(struct kunit *test, struct pair *p, u32 count, u64 bytes)
{
	struct pair_flow *f;
	u64 sum = 0;
	u32 i;

	for (i = 0; i < count; i++) {
		f = pair_flow_open(pair_server(p), true, bytes);
		KUNIT_ASSERT_NOT_NULL(test, f);
		KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 60 * SEC));
		sum += f->end_ns - f->start_ns;
		/* The next one finds the windows open. */
		pair_run(p, PAIR_MS(500));
		f->from = NULL;
	}
	pair_check(p);
	return div_u64(sum, count * 1000);
}

/* 50 Mbit/s at 10 ms beside 5 Mbit/s at 100 ms, and objects of a few windows */
static u64 very_unequal_us(struct kunit *test, const struct tquic_sched *ops, u64 bytes)
{
	struct pair *p = sched_pair(test, 2, ops);

	pair_link_set(&p->link[0], 50000000, PAIR_MS(5), 160000);
	pair_link_set(&p->link[1], 5000000, PAIR_MS(50), 160000);
	start(test, p);
	objects_us(test, p, 4, bytes);
	return objects_us(test, p, 20, bytes);
}

static void sched_ecf_completes_earlier(struct kunit *test)
{
	static const u64 bytes[] = { 256 * KIB, MIB, 2 * MIB };
	u64 ecf_us, minrtt_us, sum_ecf = 0, sum_minrtt = 0;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(bytes); i++) {
		ecf_us = very_unequal_us(test, &tquic_sched_ecf, bytes[i]);
		minrtt_us = very_unequal_us(test, &tquic_sched_minrtt, bytes[i]);
		kunit_info(test, "%llu KiB: ecf %llu us, minrtt %llu us", bytes[i] / KIB, ecf_us,
			   minrtt_us);
		sum_ecf += ecf_us;
		sum_minrtt += minrtt_us;
	}
	KUNIT_EXPECT_LT(test, sum_ecf, sum_minrtt);
}

/* A receiver that buffers 256 KiB: what the slow path carries late blocks the window */
static u64 small_window_us(struct kunit *test, const struct tquic_sched *ops)
{
	struct pair *p = sched_pair(test, 2, ops);
	struct pair_flow *f;

	p->end[0].conn.local.max_data = 256 * KIB;
	p->end[0].conn.local.max_stream_data_bidi_remote = 256 * KIB;
	p->end[0].conn.streams.rx_window_max = 256 * KIB;
	pair_link_set(&p->link[0], 50000000, PAIR_MS(15), 190000);
	pair_link_set(&p->link[1], 5000000, PAIR_MS(200), 250000);
	start(test, p);
	tquic_flow_rx_set_cap(&p->end[0].conn.flow_rx, 256 * KIB);
	f = pair_flow_open(pair_server(p), false, 16 * MIB);
	KUNIT_ASSERT_NOT_NULL(test, f);
	KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 120 * SEC));
	pair_check(p);
	return div_u64(f->end_ns - f->start_ns, 1000);
}

static void sched_blest_spares_the_window(struct kunit *test)
{
	u64 blest_us = small_window_us(test, &tquic_sched_blest);
	u64 minrtt_us = small_window_us(test, &tquic_sched_minrtt);

	kunit_info(test, "blest %llu us, minrtt %llu us", blest_us, minrtt_us);
	KUNIT_EXPECT_LT(test, blest_us, minrtt_us);
}

/* Of 300 messages of 2 KiB over two links of 20 ms that lose 5 % each: later than 40 ms */
static u32 late_messages(struct kunit *test, const struct tquic_sched *ops)
{
	struct pair *p = sched_pair(test, 2, ops);
	u32 i, late = 0;

	for (i = 0; i < 2; i++) {
		pair_link_set(&p->link[i], 20000000, PAIR_MS(10), 50000);
		p->link[i].loss_ppm = 50000;
	}
	start(test, p);
	for (i = 0; i < 300; i++)
		late += objects_us(test, p, 1, 2 * KIB) > 40000;
	return late;
}

static void sched_redundant_hides_loss(struct kunit *test)
{
	u32 redundant = late_messages(test, &tquic_sched_redundant);
	u32 minrtt = late_messages(test, &tquic_sched_minrtt);

	kunit_info(test, "late of 300: redundant %u, minrtt %u", redundant, minrtt);
	KUNIT_EXPECT_LT(test, 3 * redundant, minrtt);
}

/* Of 200 datagrams of a call beside a transfer, over 15 and 150 ms: later than 100 ms or never */
static u32 late_datagrams(struct kunit *test, const struct tquic_sched *ops)
{
	struct pair *p = sched_pair(test, 2, ops);
	struct sk_buff *skb;
	u32 i, in_time = 0;
	u64 sent_ns;

	pair_link_set(&p->link[0], 20000000, PAIR_MS(15), 50000);
	pair_link_set(&p->link[1], 20000000, PAIR_MS(150), 500000);
	start(test, p);
	KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(pair_server(p), true, 16 * MIB));
	pair_run(p, SEC);
	for (i = 0; i < 200; i++) {
		skb = alloc_skb(sizeof(p->now), GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, skb);
		memcpy(skb_put(skb, sizeof(p->now)), &p->now, sizeof(p->now));
		tquic_dgram_queue(&pair_server(p)->conn, skb, p->now + PAIR_MS(100), true);
		pair_kick(pair_server(p));
		pair_run(p, PAIR_MS(20));
		while ((skb = __skb_dequeue(&pair_client(p)->conn.dgram_rx))) {
			memcpy(&sent_ns, skb->data, sizeof(sent_ns));
			in_time += p->now - sent_ns <= PAIR_MS(100);
			kfree_skb(skb);
		}
	}
	return 200 - in_time;
}

static void sched_deadline_in_time(struct kunit *test)
{
	u32 deadline = late_datagrams(test, &tquic_sched_deadline);
	u32 minrtt = late_datagrams(test, &tquic_sched_minrtt);

	kunit_info(test, "late of 200: deadline %u, minrtt %u", deadline, minrtt);
	KUNIT_EXPECT_LT(test, 4 * deadline, minrtt);
}

/* A limit of 1 MB/s on a link that carries 2.5: the rest goes over the other one */
static void sched_rate_cap_holds(struct kunit *test)
{
	const struct tquic_sched *const ops[] = {
		&tquic_sched_minrtt, &tquic_sched_blest, &tquic_sched_weighted,
	};
	struct pair *p;
	u64 start_ns;
	u32 i, k;

	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		p = sched_pair(test, 2, ops[i]);
		two_links(p);
		start(test, p);
		for (k = 0; k < 2; k++)
			if (pair_link_index(p, pair_path(p, 1, k)) == 0)
				pair_path(p, 1, k)->rate_cap = 1000000;
		KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(pair_server(p), true, 8 * MIB));
		start_ns = p->now;
		p->link[0].pipe[0].bytes = 0;
		p->link[1].pipe[0].bytes = 0;
		pair_run(p, 3 * SEC);
		kunit_info(test, "%s: %llu and %llu bytes", ops[i]->entry.name,
			   p->link[0].pipe[0].bytes, p->link[1].pipe[0].bytes);
		KUNIT_EXPECT_LT(test, p->link[0].pipe[0].bytes, 3100000);
		KUNIT_EXPECT_GT(test, p->link[0].pipe[0].bytes, 2700000);
		KUNIT_EXPECT_GT(test, p->link[1].pipe[0].bytes, 3000000);
		KUNIT_EXPECT_EQ(test, p->now - start_ns, 3 * SEC);
	}
}

/* Percent of the bytes to the client that went over the first link, in small objects */
static u64 share(struct kunit *test, const struct tquic_sched *ops, u32 weight0, u32 weight1)
{
	struct pair *p = sched_pair(test, 2, ops);
	u64 before[2];
	u32 i;

	for (i = 0; i < 2; i++)
		pair_link_set(&p->link[i], 50000000, PAIR_MS(10 + 10 * i), 125000);
	start(test, p);
	tquic_path_find(&pair_server(p)->conn, 0)->weight = weight0;
	tquic_path_find(&pair_server(p)->conn, 1)->weight = weight1;
	for (i = 0; i < 2; i++)
		before[i] = p->link[i].pipe[0].bytes;
	objects_us(test, p, 200, 10 * KIB);
	for (i = 0; i < 2; i++)
		before[i] = p->link[i].pipe[0].bytes - before[i];
	return div64_u64(before[0] * 100, before[0] + before[1]);
}

/* Where minrtt loads one link, these spread what the program sends over both */
static void sched_shares(struct kunit *test)
{
	u64 minrtt = share(test, &tquic_sched_minrtt, 0, 0);
	u64 rr = share(test, &tquic_sched_roundrobin, 0, 0);
	u64 one_to_three = share(test, &tquic_sched_weighted, 1, 3);

	kunit_info(test, "minrtt %llu, roundrobin %llu, weighted 1:3 %llu percent", minrtt, rr,
		   one_to_three);
	KUNIT_EXPECT_GE(test, minrtt, 95);
	KUNIT_EXPECT_GE(test, rr, 40);
	KUNIT_EXPECT_LE(test, rr, 60);
	KUNIT_EXPECT_GE(test, one_to_three, 22);
	KUNIT_EXPECT_LE(test, one_to_three, 28);
}

/* Handed from one to the next every 100 ms in mid-transfer: nothing stalls, nothing is lost */
static void sched_handover(struct kunit *test)
{
	struct pair *p = sched_pair(test, 2, &tquic_sched_minrtt);
	struct tquic_conn *conn = &pair_server(p)->conn;
	struct pair_flow *f;
	u32 i = 0;

	two_links(p);
	start(test, p);
	f = pair_flow_open(pair_server(p), false, 16 * MIB);
	KUNIT_ASSERT_NOT_NULL(test, f);
	pair_run(p, SEC);
	f->gap_ns = 0;
	while (!pair_flows_done(p) && i < 1000) {
		tquic_sched_assign(conn, scheds[i++ % ARRAY_SIZE(scheds)]);
		pair_kick(pair_server(p));
		pair_run(p, PAIR_MS(100));
	}
	KUNIT_EXPECT_TRUE(test, f->ended);
	KUNIT_EXPECT_GE(test, i, 30);
	KUNIT_EXPECT_LE(test, f->gap_ns, PAIR_MS(200));
	pair_check(p);
}

static struct kunit_case sched_engine_cases[] = {
	KUNIT_CASE(sched_bad_links),
	KUNIT_CASE(sched_one_path),
	KUNIT_CASE(sched_backup),
	KUNIT_CASE(sched_cut),
	KUNIT_CASE(sched_bulk),
	KUNIT_CASE(sched_ecf_completes_earlier),
	KUNIT_CASE(sched_blest_spares_the_window),
	KUNIT_CASE(sched_redundant_hides_loss),
	KUNIT_CASE(sched_deadline_in_time),
	KUNIT_CASE(sched_rate_cap_holds),
	KUNIT_CASE(sched_shares),
	KUNIT_CASE(sched_handover),
	{}
};

static struct kunit_suite sched_engine_suite = {
	.name = "tquic-sched-engine",
	.test_cases = sched_engine_cases,
};

kunit_test_suites(&sched_engine_suite);
