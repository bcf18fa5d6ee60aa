// SPDX-License-Identifier: GPL-2.0
/* Suite of cc/cc.c: accounting, recovery periods, undo, slow start, registry. */
#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/list.h>
#include <linux/string.h>
#include <linux/time64.h>

#include "cc/cc.h"

#define MSS	1200
#define MS	((u64)NSEC_PER_MSEC)
#define SEC	((u64)NSEC_PER_SEC)

/* An algorithm that halves, grows by what is acked, and counts its calls. */
struct fake {
	u32 init, ack, congestion, persistent, spurious, idle;
	u64 gap_ns;
};

static void fake_init(struct tquic_cc *cc, u64 now)
{
	struct fake *f = tquic_cc_priv(cc);

	f->init++;
}

static void fake_on_ack(struct tquic_cc *cc, const struct tquic_cc_ack *ack)
{
	struct fake *f = tquic_cc_priv(cc);

	f->ack++;
	tquic_cc_slow_start(cc, ack);
}

static void fake_on_congestion(struct tquic_cc *cc, u64 now)
{
	struct fake *f = tquic_cc_priv(cc);

	f->congestion++;
	tquic_cc_set_cwnd(cc, cc->cwnd / 2);
	cc->ssthresh = cc->cwnd;
}

static void fake_on_persistent(struct tquic_cc *cc, u64 now)
{
	struct fake *f = tquic_cc_priv(cc);

	f->persistent++;
}

static void fake_on_spurious(struct tquic_cc *cc, u64 now)
{
	struct fake *f = tquic_cc_priv(cc);

	f->spurious++;
}

static void fake_on_idle(struct tquic_cc *cc, u64 gap_ns)
{
	struct fake *f = tquic_cc_priv(cc);

	f->idle++;
	f->gap_ns = gap_ns;
}

static struct tquic_cc_ops fake_ops = {
	.entry.name	= "fake",
	.gain_pct	= 110,
	.init		= fake_init,
	.on_ack		= fake_on_ack,
	.on_congestion	= fake_on_congestion,
	.on_persistent	= fake_on_persistent,
	.on_spurious	= fake_on_spurious,
	.on_idle	= fake_on_idle,
};

struct cc_ctx {
	struct tquic_cc cc;
	struct fake *f;
	struct tquic_rtt rtt;
};

static int cc_init(struct kunit *test)
{
	struct cc_ctx *c = kunit_kzalloc(test, sizeof(*c), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, c);
	test->priv = c;
	tquic_cc_init(&c->cc, &fake_ops, MSS, SEC);
	c->f = tquic_cc_priv(&c->cc);
	tquic_rtt_init(&c->rtt, 100 * MS);
	return 0;
}

static void ack(struct cc_ctx *c, u64 bytes, u64 sent_ns, u64 now)
{
	struct tquic_cc_ack a = {
		.now = now,
		.bytes = bytes,
		.sent_ns = sent_ns,
		.rtt = &c->rtt,
		.cwnd_limited = true,
	};

	tquic_cc_on_ack(&c->cc, &a);
}

static void lost(struct cc_ctx *c, u32 pkts, u64 sent_ns, u64 now, bool persistent)
{
	struct tquic_cc_loss l = {
		.now = now,
		.bytes = pkts * (u64)MSS,
		.sent_ns = sent_ns,
		.pkts = pkts,
		.persistent = persistent,
	};

	tquic_cc_on_lost(&c->cc, &l);
}

static void initial_window(struct kunit *test)
{
	struct cc_ctx *c = test->priv;
	struct tquic_cc *cc = &c->cc;

	KUNIT_EXPECT_EQ(test, c->f->init, 1);
	KUNIT_EXPECT_EQ(test, cc->cwnd, 12000);
	KUNIT_EXPECT_EQ(test, cc->ssthresh, U64_MAX);
	tquic_cc_init(cc, &fake_ops, 1472, SEC);
	KUNIT_EXPECT_EQ(test, cc->cwnd, 14720);
	tquic_cc_init(cc, &fake_ops, 1500, SEC);
	KUNIT_EXPECT_EQ(test, cc->cwnd, 14720);
	tquic_cc_init(cc, &fake_ops, 9000, SEC);
	KUNIT_EXPECT_EQ(test, cc->cwnd, 18000);
	cc->in_flight = 1;
	tquic_cc_init(cc, &fake_ops, 500, SEC);
	KUNIT_EXPECT_EQ(test, cc->mss, 1200);
	KUNIT_EXPECT_EQ(test, cc->in_flight, 0);
}

static void mss_change(struct kunit *test)
{
	struct cc_ctx *c = test->priv;
	struct tquic_cc *cc = &c->cc;

	tquic_cc_set_mss(cc, 1400);
	KUNIT_EXPECT_EQ(test, cc->cwnd, 14000);
	tquic_cc_on_sent(cc, 14000, SEC);
	ack(c, 1400, SEC, 2 * SEC);
	KUNIT_EXPECT_EQ(test, cc->cwnd, 15400);
	/* What slow start has made of the initial window is in proportion to it. */
	tquic_cc_set_mss(cc, 1450);
	KUNIT_EXPECT_EQ(test, cc->cwnd, 15950);
	/* Once the path has shown its limit, that does not depend on the size of packets. */
	cc->ssthresh = 20000;
	tquic_cc_set_mss(cc, 1400);
	KUNIT_EXPECT_EQ(test, cc->cwnd, 15950);
	cc->ssthresh = U64_MAX;
	/* The minimum follows. */
	cc->cwnd = 2800;
	tquic_cc_set_mss(cc, 9000);
	KUNIT_EXPECT_EQ(test, cc->cwnd, 18000);
	/* And so does an initial window of two large packets. */
	tquic_cc_set_mss(cc, 8000);
	KUNIT_EXPECT_EQ(test, cc->cwnd, 16000);
}

/* What is known of the path stays, what is known to the old algorithm does not */
static void switched(struct kunit *test)
{
	struct cc_ctx *c = test->priv;
	struct tquic_cc *cc = &c->cc;

	tquic_cc_switch(cc, &tquic_cc_newreno, SEC);
	tquic_cc_on_sent(cc, 3 * MSS, 2 * SEC);
	lost(c, 1, 2 * SEC, 3 * SEC, false);
	KUNIT_EXPECT_NE(test, cc->undo_cwnd, 0);
	cc->cwnd = 50 * MSS;
	cc->ssthresh = 40 * MSS;
	cc->priv[0] = ~0ULL;
	tquic_cc_switch(cc, &tquic_cc_cubic, 4 * SEC);
	KUNIT_EXPECT_PTR_EQ(test, cc->ops, &tquic_cc_cubic);
	KUNIT_EXPECT_EQ(test, cc->cwnd, 50 * MSS);
	KUNIT_EXPECT_EQ(test, cc->ssthresh, 40 * MSS);
	KUNIT_EXPECT_EQ(test, cc->in_flight, 2 * MSS);
	KUNIT_EXPECT_EQ(test, cc->recovery_start_ns, 3 * SEC);
	KUNIT_EXPECT_EQ(test, cc->priv[0], 0);
	KUNIT_EXPECT_EQ(test, cc->undo_cwnd, 0);
	tquic_cc_switch(cc, &fake_ops, 5 * SEC);
	KUNIT_EXPECT_EQ(test, c->f->init, 1);
}

static void in_flight(struct kunit *test)
{
	struct cc_ctx *c = test->priv;
	struct tquic_cc *cc = &c->cc;
	int i;

	for (i = 0; i < 9; i++)
		tquic_cc_on_sent(cc, MSS, 2 * SEC);
	KUNIT_EXPECT_EQ(test, cc->in_flight, 9 * MSS);
	KUNIT_EXPECT_EQ(test, tquic_cc_room_bytes(cc), MSS);
	KUNIT_EXPECT_TRUE(test, tquic_cc_can_send(cc));
	tquic_cc_on_sent(cc, 1, 2 * SEC);
	KUNIT_EXPECT_FALSE(test, tquic_cc_can_send(cc));
	/* A probe may exceed the window; the room does not wrap around. */
	tquic_cc_on_sent(cc, 2 * MSS, 2 * SEC);
	KUNIT_EXPECT_EQ(test, tquic_cc_room_bytes(cc), 0);
	KUNIT_EXPECT_FALSE(test, tquic_cc_can_send(cc));
	tquic_cc_on_discard(cc, MSS, 2 * SEC);
	lost(c, 2, 2 * SEC, 3 * SEC, false);
	KUNIT_EXPECT_EQ(test, cc->in_flight, 8 * MSS + 1);
	tquic_cc_on_discard(cc, 100 * MSS, 3 * SEC);
	KUNIT_EXPECT_EQ(test, cc->in_flight, 0);
}

static void recovery_once(struct kunit *test)
{
	struct cc_ctx *c = test->priv;
	struct tquic_cc *cc = &c->cc;

	cc->cwnd = 100 * MSS;
	tquic_cc_on_sent(cc, 100 * MSS, 2 * SEC);
	lost(c, 1, 2 * SEC, 3 * SEC, false);
	KUNIT_EXPECT_EQ(test, c->f->congestion, 1);
	KUNIT_EXPECT_EQ(test, cc->recovery_start_ns, 3 * SEC);
	/* Sent before, or just as, recovery began. */
	lost(c, 3, 3 * SEC, 4 * SEC, false);
	KUNIT_EXPECT_EQ(test, c->f->congestion, 1);
	KUNIT_EXPECT_EQ(test, cc->cwnd, 50 * MSS);
	KUNIT_EXPECT_EQ(test, cc->in_flight, 96 * MSS);
	tquic_cc_on_ecn(cc, 3 * SEC, 4 * SEC);
	KUNIT_EXPECT_EQ(test, c->f->congestion, 1);
	/* Their ACKs do not grow the window either. */
	ack(c, MSS, 3 * SEC, 4 * SEC);
	KUNIT_EXPECT_EQ(test, c->f->ack, 0);
	KUNIT_EXPECT_EQ(test, cc->in_flight, 95 * MSS);
	ack(c, MSS, 3 * SEC + 1, 5 * SEC);
	KUNIT_EXPECT_EQ(test, c->f->ack, 1);
	lost(c, 1, 3 * SEC + 1, 5 * SEC, false);
	KUNIT_EXPECT_EQ(test, c->f->congestion, 2);
	tquic_cc_on_ecn(cc, 5 * SEC + 1, 6 * SEC);
	KUNIT_EXPECT_EQ(test, c->f->congestion, 3);
	/* An ACK of packets outside the window is nobody's business. */
	ack(c, 0, 7 * SEC, 8 * SEC);
	KUNIT_EXPECT_EQ(test, c->f->ack, 1);
}

static void no_packets_no_event(struct kunit *test)
{
	struct cc_ctx *c = test->priv;

	lost(c, 0, 2 * SEC, 3 * SEC, false);
	KUNIT_EXPECT_EQ(test, c->f->congestion, 0);
}

static void persistent(struct kunit *test)
{
	struct cc_ctx *c = test->priv;
	struct tquic_cc *cc = &c->cc;

	cc->cwnd = 100 * MSS;
	tquic_cc_on_sent(cc, 100 * MSS, 2 * SEC);
	lost(c, 10, 2 * SEC, 9 * SEC, true);
	KUNIT_EXPECT_EQ(test, c->f->persistent, 1);
	KUNIT_EXPECT_EQ(test, cc->cwnd, 2 * MSS);
	KUNIT_EXPECT_EQ(test, cc->ssthresh, 50 * MSS);
	/* Stragglers do not lower the threshold. */
	lost(c, 10, 8 * SEC, 10 * SEC, false);
	KUNIT_EXPECT_EQ(test, c->f->congestion, 1);
	KUNIT_EXPECT_EQ(test, cc->ssthresh, 50 * MSS);
	/* No undo, even if all of them come in. */
	tquic_cc_on_spurious(cc, 20, 2 * SEC, 11 * SEC);
	KUNIT_EXPECT_EQ(test, cc->cwnd, 2 * MSS);
	/* Slow start again. */
	ack(c, 5 * MSS, 10 * SEC, 11 * SEC);
	KUNIT_EXPECT_EQ(test, cc->cwnd, 7 * MSS);
}

/* Found within a recovery period, it begins a new one. */
static void persistent_in_recovery(struct kunit *test)
{
	struct cc_ctx *c = test->priv;
	struct tquic_cc *cc = &c->cc;

	cc->cwnd = 100 * MSS;
	tquic_cc_on_sent(cc, 100 * MSS, 2 * SEC);
	lost(c, 1, 2 * SEC, 3 * SEC, false);
	lost(c, 1, 2 * SEC, 9 * SEC, true);
	lost(c, 1, 8 * SEC, 10 * SEC, false);
	KUNIT_EXPECT_EQ(test, c->f->congestion, 1);
	KUNIT_EXPECT_EQ(test, cc->ssthresh, 50 * MSS);
}

static void undo(struct kunit *test)
{
	struct cc_ctx *c = test->priv;
	struct tquic_cc *cc = &c->cc;

	cc->cwnd = 100 * MSS;
	cc->ssthresh = 80 * MSS;
	tquic_cc_on_sent(cc, 100 * MSS, 2 * SEC);
	lost(c, 2, 2 * SEC, 3 * SEC, false);
	lost(c, 1, 2 * SEC + 1, 4 * SEC, false);
	tquic_cc_on_spurious(cc, 2, 2 * SEC, 5 * SEC);
	KUNIT_EXPECT_EQ(test, cc->cwnd, 50 * MSS);
	KUNIT_EXPECT_EQ(test, c->f->spurious, 0);
	tquic_cc_on_spurious(cc, 1, 2 * SEC, 5 * SEC);
	KUNIT_EXPECT_EQ(test, cc->cwnd, 100 * MSS);
	KUNIT_EXPECT_EQ(test, cc->ssthresh, 80 * MSS);
	KUNIT_EXPECT_EQ(test, cc->recovery_start_ns, 0);
	KUNIT_EXPECT_EQ(test, c->f->spurious, 1);
	/* Once. */
	cc->cwnd = 10 * MSS;
	tquic_cc_on_spurious(cc, 1, 2 * SEC, 5 * SEC);
	KUNIT_EXPECT_EQ(test, cc->cwnd, 10 * MSS);
	KUNIT_EXPECT_EQ(test, c->f->spurious, 1);
}

/* Undo never takes away what was gained since. */
static void undo_keeps_larger(struct kunit *test)
{
	struct cc_ctx *c = test->priv;
	struct tquic_cc *cc = &c->cc;

	cc->cwnd = 100 * MSS;
	tquic_cc_on_sent(cc, 100 * MSS, 2 * SEC);
	lost(c, 1, 2 * SEC, 3 * SEC, false);
	cc->cwnd = 120 * MSS;
	tquic_cc_on_spurious(cc, 1, 2 * SEC, 5 * SEC);
	KUNIT_EXPECT_EQ(test, cc->cwnd, 120 * MSS);
	KUNIT_EXPECT_EQ(test, cc->ssthresh, U64_MAX);
}

static void no_undo(struct kunit *test)
{
	struct cc_ctx *c = test->priv;
	struct tquic_cc *cc = &c->cc;

	/* Packets of an earlier event do not count for this one. */
	cc->cwnd = 100 * MSS;
	tquic_cc_on_sent(cc, 100 * MSS, 2 * SEC);
	lost(c, 1, 2 * SEC, 3 * SEC, false);
	lost(c, 1, 4 * SEC, 5 * SEC, false);
	KUNIT_EXPECT_EQ(test, cc->cwnd, 25 * MSS);
	tquic_cc_on_spurious(cc, 1, 3 * SEC, 6 * SEC);
	KUNIT_EXPECT_EQ(test, cc->cwnd, 25 * MSS);
	tquic_cc_on_spurious(cc, 1, 3 * SEC + 1, 6 * SEC);
	KUNIT_EXPECT_EQ(test, cc->cwnd, 50 * MSS);
	KUNIT_EXPECT_EQ(test, cc->recovery_start_ns, 3 * SEC);
	/* A mark is no mistake, whether it opens the period or falls into it. */
	tquic_cc_on_ecn(cc, 6 * SEC, 7 * SEC);
	lost(c, 1, 7 * SEC, 8 * SEC, false);
	tquic_cc_on_spurious(cc, 1, 7 * SEC, 9 * SEC);
	KUNIT_EXPECT_EQ(test, cc->cwnd, 25 * MSS);
	lost(c, 1, 8 * SEC, 9 * SEC, false);
	tquic_cc_on_ecn(cc, 8 * SEC, 9 * SEC);
	tquic_cc_on_spurious(cc, 1, 8 * SEC, 9 * SEC);
	KUNIT_EXPECT_EQ(test, cc->cwnd, 12 * MSS + MSS / 2);
}

static void idle(struct kunit *test)
{
	struct cc_ctx *c = test->priv;
	struct tquic_cc *cc = &c->cc;

	/* The first packet ends no idle time. */
	tquic_cc_on_sent(cc, MSS, 2 * SEC);
	tquic_cc_on_sent(cc, MSS, 3 * SEC);
	KUNIT_EXPECT_EQ(test, c->f->idle, 0);
	ack(c, MSS, 2 * SEC, 4 * SEC);
	tquic_cc_on_sent(cc, MSS, 5 * SEC);
	KUNIT_EXPECT_EQ(test, c->f->idle, 0);
	ack(c, 2 * MSS, 5 * SEC, 6 * SEC);
	tquic_cc_on_sent(cc, MSS, 10 * SEC);
	KUNIT_EXPECT_EQ(test, c->f->idle, 1);
	KUNIT_EXPECT_EQ(test, c->f->gap_ns, 4 * SEC);
	tquic_cc_on_sent(cc, MSS, 11 * SEC);
	KUNIT_EXPECT_EQ(test, c->f->idle, 1);
}

/* A packet that is acknowledged at once leaves, when nothing has been sent for @idle_ns. */
static u64 resume(struct cc_ctx *c, u64 idle_ns, u64 now)
{
	tquic_cc_on_sent(&c->cc, MSS, now - idle_ns);
	tquic_cc_on_discard(&c->cc, MSS, now - idle_ns);
	tquic_cc_on_sent(&c->cc, MSS, now);
	tquic_cc_on_discard(&c->cc, MSS, now);
	return c->cc.cwnd;
}

static void idle_window(struct kunit *test)
{
	struct cc_ctx *c = test->priv;
	struct tquic_cc *cc = &c->cc;

	/* Slow start that never met its end stays where it is. */
	cc->cwnd = 100 * MSS;
	KUNIT_EXPECT_EQ(test, resume(c, 100 * SEC, 200 * SEC), 100 * MSS);
	cc->ssthresh = 60 * MSS;
	KUNIT_EXPECT_EQ(test, resume(c, SEC - 1, 200 * SEC + SEC), 100 * MSS);
	KUNIT_EXPECT_EQ(test, cc->ssthresh, 60 * MSS);
	/* Two halvings, and slow start to three quarters, however often it is idle */
	KUNIT_EXPECT_EQ(test, resume(c, SEC, 300 * SEC), 25 * MSS);
	KUNIT_EXPECT_EQ(test, cc->ssthresh, 75 * MSS);
	KUNIT_EXPECT_TRUE(test, tquic_cc_in_slow_start(cc));
	KUNIT_EXPECT_EQ(test, resume(c, 50 * SEC, 400 * SEC), 25 * MSS);
	KUNIT_EXPECT_EQ(test, cc->ssthresh, 75 * MSS);
	/* What it was is not forgotten by a window that was still small */
	cc->cwnd = 50 * MSS;
	KUNIT_EXPECT_EQ(test, resume(c, SEC, 500 * SEC), 25 * MSS);
	KUNIT_EXPECT_EQ(test, cc->ssthresh, 75 * MSS);
	/* and never grows by resting; the initial window is always fine. */
	cc->cwnd = 12 * MSS;
	cc->ssthresh = 12 * MSS;
	KUNIT_EXPECT_EQ(test, resume(c, SEC, 600 * SEC), 10 * MSS);
	cc->cwnd = 4 * MSS;
	KUNIT_EXPECT_EQ(test, resume(c, SEC, 700 * SEC), 4 * MSS);
}

static void reset(struct kunit *test)
{
	struct cc_ctx *c = test->priv;
	struct tquic_cc *cc = &c->cc;

	cc->cwnd = 100 * MSS;
	tquic_cc_on_sent(cc, 100 * MSS, 2 * SEC);
	lost(c, 1, 2 * SEC, 3 * SEC, false);
	cc->hystart.phase = TQUIC_HYSTART_DONE;
	tquic_cc_reset(cc, 4 * SEC);
	KUNIT_EXPECT_EQ(test, cc->hystart.phase, TQUIC_HYSTART_SLOW_START);
	KUNIT_EXPECT_EQ(test, cc->cwnd, 10 * MSS);
	KUNIT_EXPECT_EQ(test, cc->ssthresh, U64_MAX);
	KUNIT_EXPECT_EQ(test, cc->in_flight, 99 * MSS);
	KUNIT_EXPECT_EQ(test, cc->recovery_start_ns, 0);
	KUNIT_EXPECT_EQ(test, cc->hystart.round_ns, 4 * SEC);
	KUNIT_EXPECT_EQ(test, c->f->congestion, 0);
	KUNIT_EXPECT_EQ(test, c->f->init, 1);
	tquic_cc_on_spurious(cc, 1, 2 * SEC, 5 * SEC);
	KUNIT_EXPECT_EQ(test, cc->cwnd, 10 * MSS);
}

static bool slow_start(struct cc_ctx *c, u64 rtt_ns, u64 sent_ns, u64 now, bool limited)
{
	struct tquic_cc_ack a = {
		.now = now,
		.bytes = 4 * MSS,
		.sent_ns = sent_ns,
		.rtt_ns = rtt_ns,
		.rtt = &c->rtt,
		.cwnd_limited = limited,
	};

	return tquic_cc_slow_start(&c->cc, &a);
}

/* The window grows by what it let through, also after others' ACKs made room that is not filled. */
static void limited_by_window(struct kunit *test)
{
	struct cc_ctx *c = test->priv;
	struct tquic_cc *cc = &c->cc;
	int i;

	KUNIT_EXPECT_FALSE(test, tquic_cc_limited(cc));
	for (i = 0; i < 5; i++)
		tquic_cc_on_sent(cc, MSS, 2 * SEC);
	/* Half of it is used: enough in slow start, and until it has doubled. */
	KUNIT_EXPECT_TRUE(test, tquic_cc_limited(cc));
	for (i = 0; i < 4; i++)
		ack(c, MSS, 2 * SEC - 1, 3 * SEC);
	KUNIT_EXPECT_EQ(test, cc->in_flight, 1 * MSS);
	cc->cwnd = 10 * MSS;
	KUNIT_EXPECT_TRUE(test, tquic_cc_limited(cc));
	cc->cwnd++;
	KUNIT_EXPECT_FALSE(test, tquic_cc_limited(cc));
	/* In congestion avoidance all of it but two packets. */
	cc->cwnd = 7 * MSS;
	cc->ssthresh = cc->cwnd;
	KUNIT_EXPECT_TRUE(test, tquic_cc_limited(cc));
	cc->cwnd++;
	KUNIT_EXPECT_FALSE(test, tquic_cc_limited(cc));
}

/* What was used counts for two rounds at most, and not once all of it has been acknowledged. */
static void limited_lately(struct kunit *test)
{
	struct cc_ctx *c = test->priv;
	struct tquic_cc *cc = &c->cc;

	tquic_cc_on_sent(cc, 5 * MSS, 2 * SEC);
	ack(c, 4 * MSS, 2 * SEC, 3 * SEC);
	tquic_cc_on_sent(cc, MSS, 4 * SEC);
	ack(c, MSS, 3 * SEC - 1, 4 * SEC);
	cc->cwnd = 10 * MSS;
	KUNIT_EXPECT_TRUE(test, tquic_cc_limited(cc));
	tquic_cc_on_sent(cc, MSS, 4 * SEC);
	ack(c, MSS, 3 * SEC, 5 * SEC);
	cc->cwnd = 10 * MSS;
	KUNIT_EXPECT_FALSE(test, tquic_cc_limited(cc));

	tquic_cc_on_sent(cc, 9 * MSS, 5 * SEC);
	KUNIT_EXPECT_TRUE(test, tquic_cc_limited(cc));
	ack(c, 10 * MSS, 5 * SEC, 6 * SEC);
	tquic_cc_on_sent(cc, MSS, 7 * SEC);
	cc->cwnd = 10 * MSS;
	KUNIT_EXPECT_FALSE(test, tquic_cc_limited(cc));
}

static void slow_start_growth(struct kunit *test)
{
	struct cc_ctx *c = test->priv;
	struct tquic_cc *cc = &c->cc;

	KUNIT_EXPECT_TRUE(test, slow_start(c, 0, 1, 2 * SEC, true));
	KUNIT_EXPECT_EQ(test, cc->cwnd, 14 * MSS);
	/* The window was not what held sending back. */
	KUNIT_EXPECT_TRUE(test, slow_start(c, 0, 1, 2 * SEC, false));
	KUNIT_EXPECT_EQ(test, cc->cwnd, 14 * MSS);
	cc->ssthresh = 14 * MSS;
	KUNIT_EXPECT_FALSE(test, slow_start(c, 0, 1, 2 * SEC, true));
	KUNIT_EXPECT_EQ(test, cc->cwnd, 14 * MSS);
	/* Never beyond the limit. */
	cc->ssthresh = U64_MAX;
	cc->cwnd = TQUIC_CC_CWND_MAX - 1;
	KUNIT_EXPECT_TRUE(test, slow_start(c, 0, 1, 2 * SEC, true));
	KUNIT_EXPECT_EQ(test, cc->cwnd, TQUIC_CC_CWND_MAX);
}

static void slow_start_css(struct kunit *test)
{
	struct cc_ctx *c = test->priv;
	struct tquic_cc *cc = &c->cc;

	cc->hystart.phase = TQUIC_HYSTART_CSS;
	KUNIT_EXPECT_TRUE(test, slow_start(c, 0, 1, 2 * SEC, true));
	KUNIT_EXPECT_EQ(test, cc->cwnd, 11 * MSS);
	/* The fifth round ends. */
	cc->hystart.css_rounds = 4;
	KUNIT_EXPECT_FALSE(test, slow_start(c, 0, 2 * SEC, 2 * SEC, true));
	KUNIT_EXPECT_EQ(test, cc->ssthresh, 11 * MSS);
	KUNIT_EXPECT_EQ(test, cc->cwnd, 11 * MSS);
	/* A later slow start has a threshold and takes no notice. */
	cc->ssthresh = 50 * MSS;
	KUNIT_EXPECT_TRUE(test, slow_start(c, 0, 3 * SEC, 4 * SEC, true));
	KUNIT_EXPECT_EQ(test, cc->cwnd, 15 * MSS);
}

static void pacing_rate(struct kunit *test)
{
	struct cc_ctx *c = test->priv;
	struct tquic_cc *cc = &c->cc;

	/* 12000 bytes per 100 ms, twice that in slow start. */
	KUNIT_EXPECT_EQ(test, tquic_cc_pacing_rate(cc, &c->rtt), 240000);
	cc->ssthresh = cc->cwnd;
	KUNIT_EXPECT_EQ(test, tquic_cc_pacing_rate(cc, &c->rtt), 132000);
	c->rtt.srtt_ns = 0;
	cc->ssthresh = U64_MAX;
	cc->cwnd = TQUIC_CC_CWND_MAX;
	KUNIT_EXPECT_EQ(test, tquic_cc_pacing_rate(cc, &c->rtt),
			2 * TQUIC_CC_CWND_MAX * SEC);
	c->rtt.srtt_ns = U64_MAX / 2;
	KUNIT_EXPECT_EQ(test, tquic_cc_pacing_rate(cc, &c->rtt), 1);
}

static void registry(struct kunit *test)
{
	struct tquic_cc_ops bad = fake_ops;

	KUNIT_EXPECT_NULL(test, tquic_cc_get("fake"));
	KUNIT_EXPECT_EQ(test, tquic_catalog_add(&tquic_cc_catalog, &fake_ops.entry), 0);
	KUNIT_EXPECT_PTR_EQ(test, tquic_cc_get("fake"),
			    (const struct tquic_cc_ops *)&fake_ops);
	KUNIT_EXPECT_NULL(test, tquic_cc_get("fak"));
	KUNIT_EXPECT_EQ(test, tquic_catalog_add(&tquic_cc_catalog, &bad.entry), -EEXIST);
	tquic_cc_put(tquic_cc_get("fake"));
	tquic_cc_put(NULL);
	tquic_catalog_del(&tquic_cc_catalog, &fake_ops.entry);
	KUNIT_EXPECT_NULL(test, tquic_cc_get("fake"));
}

/* All of them are offered, or none. */
static void registry_filled(struct kunit *test)
{
	static TQUIC_CATALOG(catalog);
	struct tquic_entry one = { .name = "one" }, two = { .name = "two" }, same = one;
	struct tquic_entry *const both[] = { &one, &two }, *const bad[] = { &one, &two, &same };

	KUNIT_ASSERT_EQ(test, tquic_catalog_fill(&catalog, both, 2), 0);
	KUNIT_EXPECT_PTR_EQ(test, tquic_catalog_get(&catalog, "one"), &one);
	KUNIT_EXPECT_PTR_EQ(test, tquic_catalog_get(&catalog, "two"), &two);
	tquic_catalog_empty(&catalog, both, 2);
	KUNIT_EXPECT_TRUE(test, list_empty(&catalog.list));
	KUNIT_EXPECT_EQ(test, tquic_catalog_fill(&catalog, bad, 3), -EEXIST);
	KUNIT_EXPECT_TRUE(test, list_empty(&catalog.list));
}

/* What nobody asks before it is called or reckoned with */
static void all_are_whole(struct kunit *test)
{
	static const struct tquic_cc_ops *const all[] = {
		&tquic_cc_balia, &tquic_cc_bbr, &tquic_cc_cubic,
		&tquic_cc_lia, &tquic_cc_newreno, &tquic_cc_olia,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(all); i++) {
		KUNIT_EXPECT_NOT_NULL(test, all[i]->init);
		KUNIT_EXPECT_NOT_NULL(test, all[i]->on_ack);
		KUNIT_EXPECT_NOT_NULL(test, all[i]->on_congestion);
		KUNIT_EXPECT_GE(test, all[i]->gain_pct, 100);
		KUNIT_EXPECT_LE(test, all[i]->gain_pct, 200);
	}
}

/* What a model-based algorithm is told and asked beyond the others */
struct model {
	u32 lost_calls, ecn_calls, congestion_before_lost;
	u64 lost_bytes;
	u32 ack;
};

static void model_on_ack(struct tquic_cc *cc, const struct tquic_cc_ack *ack)
{
	struct model *m = tquic_cc_priv(cc);

	m->ack++;
}

static void model_on_congestion(struct tquic_cc *cc, u64 now)
{
	struct model *m = tquic_cc_priv(cc);

	m->congestion_before_lost += !m->lost_calls;
}

static void model_on_lost(struct tquic_cc *cc, const struct tquic_cc_loss *loss)
{
	struct model *m = tquic_cc_priv(cc);

	m->lost_calls++;
	m->lost_bytes += loss->bytes;
}

static void model_on_ecn(struct tquic_cc *cc, u64 now)
{
	struct model *m = tquic_cc_priv(cc);

	m->ecn_calls++;
}

static u64 model_pacing_rate(const struct tquic_cc *cc, const struct tquic_rtt *rtt)
{
	return cc->cwnd == 2 * MSS ? 0 : 123456;
}

static struct tquic_cc_ops model_ops = {
	.entry.name	= "model",
	.gain_pct	= 100,
	.sampled	= true,
	.init		= fake_init,
	.on_ack		= model_on_ack,
	.on_congestion	= model_on_congestion,
	.on_lost	= model_on_lost,
	.on_ecn		= model_on_ecn,
	.pacing_rate	= model_pacing_rate,
};

static void model_based(struct kunit *test)
{
	struct cc_ctx *c = test->priv;
	struct tquic_cc *cc = &c->cc;
	struct model *m;

	tquic_cc_init(cc, &model_ops, MSS, SEC);
	m = tquic_cc_priv(cc);
	memset(m, 0, sizeof(*m));
	tquic_cc_on_sent(cc, 100 * MSS, 2 * SEC);
	KUNIT_EXPECT_EQ(test, tquic_cc_pacing_rate(cc, &c->rtt), 123456);
	/* Every batch of losses, not just the first of a period */
	lost(c, 2, 2 * SEC, 3 * SEC, false);
	lost(c, 3, 2 * SEC, 3 * SEC, false);
	KUNIT_EXPECT_EQ(test, m->lost_calls, 2);
	KUNIT_EXPECT_EQ(test, m->lost_bytes, 5 * MSS);
	KUNIT_EXPECT_EQ(test, m->congestion_before_lost, 1);
	/* And every ACK, of packets sent before recovery too */
	ack(c, MSS, 2 * SEC, 4 * SEC);
	KUNIT_EXPECT_EQ(test, m->ack, 1);
	/* Marks: once per period, told apart from losses */
	tquic_cc_on_ecn(cc, 2 * SEC, 4 * SEC);
	KUNIT_EXPECT_EQ(test, m->ecn_calls, 0);
	tquic_cc_on_ecn(cc, 3 * SEC + 1, 4 * SEC);
	KUNIT_EXPECT_EQ(test, m->ecn_calls, 1);
	KUNIT_EXPECT_EQ(test, m->lost_calls, 2);
	/* It knows itself what a path that was idle can carry. */
	cc->cwnd = 100 * MSS;
	cc->ssthresh = 50 * MSS;
	KUNIT_EXPECT_EQ(test, resume(c, SEC, 20 * SEC), 100 * MSS);
	/* A rate of 0 would stop the pacer's clock. */
	tquic_cc_set_cwnd(cc, 0);
	KUNIT_EXPECT_EQ(test, tquic_cc_pacing_rate(cc, &c->rtt), 1);
}

static void group(struct kunit *test)
{
	struct cc_ctx *c = test->priv;
	struct tquic_cc_group g, other;

	tquic_cc_group_init(&g);
	tquic_cc_group_init(&other);
	KUNIT_EXPECT_NULL(test, c->cc.group);
	tquic_cc_part(&c->cc);
	tquic_cc_join(&c->cc, &g, &c->rtt);
	KUNIT_EXPECT_PTR_EQ(test, c->cc.group, &g);
	KUNIT_EXPECT_PTR_EQ(test, c->cc.rtt, &c->rtt);
	KUNIT_EXPECT_TRUE(test, list_is_singular(&g.members));
	/* Joining twice is joining once. */
	tquic_cc_join(&c->cc, &g, &c->rtt);
	tquic_cc_join(&c->cc, &other, &c->rtt);
	KUNIT_EXPECT_TRUE(test, list_is_singular(&g.members));
	KUNIT_EXPECT_TRUE(test, list_empty(&other.members));
	/* Neither a return nor another algorithm ends it. */
	tquic_cc_reset(&c->cc, 2 * SEC);
	tquic_cc_on_sent(&c->cc, MSS, 2 * SEC);
	c->cc.cwnd = 50 * MSS;
	c->cc.rate.delivered = 77;
	tquic_cc_switch(&c->cc, &model_ops, 3 * SEC);
	KUNIT_EXPECT_PTR_EQ(test, c->cc.group, &g);
	KUNIT_EXPECT_PTR_EQ(test, c->cc.ops, &model_ops);
	KUNIT_EXPECT_EQ(test, c->cc.in_flight, MSS);
	KUNIT_EXPECT_EQ(test, c->cc.cwnd, 50 * MSS);
	KUNIT_EXPECT_EQ(test, c->cc.rate.delivered, 77);
	KUNIT_EXPECT_EQ(test, c->f->init, 1);
	tquic_cc_part(&c->cc);
	KUNIT_EXPECT_NULL(test, c->cc.group);
	KUNIT_EXPECT_TRUE(test, list_empty(&g.members));
}

static struct kunit_case cc_cases[] = {
	KUNIT_CASE(initial_window),
	KUNIT_CASE(mss_change),
	KUNIT_CASE(in_flight),
	KUNIT_CASE(recovery_once),
	KUNIT_CASE(no_packets_no_event),
	KUNIT_CASE(persistent),
	KUNIT_CASE(persistent_in_recovery),
	KUNIT_CASE(undo),
	KUNIT_CASE(undo_keeps_larger),
	KUNIT_CASE(no_undo),
	KUNIT_CASE(idle),
	KUNIT_CASE(idle_window),
	KUNIT_CASE(reset),
	KUNIT_CASE(limited_by_window),
	KUNIT_CASE(limited_lately),
	KUNIT_CASE(slow_start_growth),
	KUNIT_CASE(slow_start_css),
	KUNIT_CASE(pacing_rate),
	KUNIT_CASE(model_based),
	KUNIT_CASE(group),
	KUNIT_CASE(switched),
	KUNIT_CASE(registry),
	KUNIT_CASE(registry_filled),
	KUNIT_CASE(all_are_whole),
	{}
};

static struct kunit_suite cc_suite = {
	.name = "tquic-cc",
	.init = cc_init,
	.test_cases = cc_cases,
};

kunit_test_suites(&cc_suite);
