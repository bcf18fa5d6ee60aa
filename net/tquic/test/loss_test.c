// SPDX-License-Identifier: GPL-2.0
/* Suite of core/loss.c: thresholds, persistent congestion, probe timeout. */
#include <kunit/test.h>
#include <linux/array_size.h>
#include <linux/limits.h>
#include <linux/time64.h>

#include "core/loss.h"
#include "test/ack.h"

#define MS		((u64)NSEC_PER_MSEC)
#define DATA		(TQUIC_SENT_F_ELICITING | TQUIC_SENT_F_IN_FLIGHT)

/*
 * The path of most cases: srtt = latest = 80 ms, rttvar = 5 ms, max_ack_delay
 * 25 ms. Loss delay 90 ms, PTO 125 ms, persistent congestion above 375 ms.
 */
#define ACK_DELAY	(25 * MS)

struct loss_ctx {
	struct tquic_space space;
	struct tquic_rtt rtt;
	struct tquic_loss_result res;
	struct tquic_test_ack *ack;
};

static void loss_destroy_action(void *space)
{
	tquic_space_destroy(space);
}

static int loss_init(struct kunit *test)
{
	struct loss_ctx *c = kunit_kzalloc(test, sizeof(*c), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, c);
	test->priv = c;
	tquic_space_init(&c->space, TQUIC_LEVEL_APP);
	tquic_rtt_init(&c->rtt, 80 * MS);
	c->rtt.latest_ns = 80 * MS;
	c->rtt.rttvar_ns = 5 * MS;
	c->rtt.first_sample_ns = 1;
	c->ack = tquic_test_ack_new(test);
	return kunit_add_action_or_reset(test, loss_destroy_action, &c->space);
}

static void send(struct kunit *test, u64 pn, u8 flags, u64 now)
{
	struct loss_ctx *c = test->priv;

	KUNIT_ASSERT_NOT_NULL(test, tquic_space_on_sent(&c->space, pn, 1200, flags, now));
}

static void ack(struct kunit *test, u64 lo, u64 hi, u64 now)
{
	struct tquic_ack_result res;
	struct loss_ctx *c = test->priv;

	KUNIT_ASSERT_EQ(test, tquic_space_on_ack(&c->space,
						 tquic_test_ack_one(test, c->ack, lo, hi),
						 now, &res), 0);
}

static const struct tquic_loss_result *detect(struct kunit *test, u64 now)
{
	struct loss_ctx *c = test->priv;

	tquic_loss_detect(&c->space, &c->rtt, ACK_DELAY, now, &c->res);
	return &c->res;
}

static u8 state(struct kunit *test, u64 pn)
{
	struct loss_ctx *c = test->priv;

	return tquic_sent_get(&c->space.sent, pn)->state;
}

static void delay_rounding(struct kunit *test)
{
	struct loss_ctx *c = test->priv;

	KUNIT_EXPECT_EQ(test, tquic_loss_delay_ns(&c->space, &c->rtt), 90 * MS);
	/* The larger of both counts. */
	c->rtt.latest_ns = 88 * MS;
	KUNIT_EXPECT_EQ(test, tquic_loss_delay_ns(&c->space, &c->rtt), 99 * MS);
	c->rtt.latest_ns = 10 * MS;
	KUNIT_EXPECT_EQ(test, tquic_loss_delay_ns(&c->space, &c->rtt), 90 * MS);
	/* 9/8 of 1000007 ns is 1125007.875; never below a millisecond. */
	c->rtt.srtt_ns = 1000007;
	c->rtt.latest_ns = 0;
	KUNIT_EXPECT_EQ(test, tquic_loss_delay_ns(&c->space, &c->rtt), 1125007);
	c->rtt.srtt_ns = 800000;
	KUNIT_EXPECT_EQ(test, tquic_loss_delay_ns(&c->space, &c->rtt), 1 * MS);
}

static void packet_threshold(struct kunit *test)
{
	struct loss_ctx *c = test->priv;
	const struct tquic_loss_result *res;
	u64 pn;

	for (pn = 0; pn < 6; pn++)
		send(test, pn, DATA, 10 * MS + pn);
	/* Before any ACK nothing is lost, however old. */
	res = detect(test, 9000 * MS);
	KUNIT_EXPECT_EQ(test, res->pkts, 0);
	KUNIT_EXPECT_EQ(test, c->space.loss_time_ns, 0);
	ack(test, 2, 2, 20 * MS);
	res = detect(test, 20 * MS);
	KUNIT_EXPECT_EQ(test, res->pkts, 0);
	ack(test, 3, 3, 21 * MS);
	res = detect(test, 21 * MS);
	KUNIT_EXPECT_EQ(test, res->pkts, 1);
	KUNIT_EXPECT_EQ(test, res->bytes, 1200);
	KUNIT_EXPECT_EQ(test, res->largest_sent_ns, 10 * MS);
	KUNIT_EXPECT_FALSE(test, res->persistent);
	KUNIT_EXPECT_EQ(test, state(test, 0), TQUIC_SENT_LOST);
	KUNIT_EXPECT_EQ(test, state(test, 1), TQUIC_SENT_OUTSTANDING);
	KUNIT_EXPECT_EQ(test, c->space.eliciting_in_flight, 3);
	/* Once. */
	KUNIT_EXPECT_EQ(test, detect(test, 22 * MS)->pkts, 0);
}

/* A path that was seen to reorder: the count of later packets means nothing there. */
static void reorder_learned(struct kunit *test)
{
	struct loss_ctx *c = test->priv;
	u64 pn;
	u32 i;

	for (pn = 0; pn < 20; pn++)
		send(test, pn, DATA, 10 * MS);
	tquic_loss_on_spurious(&c->space, &c->rtt, 15 * MS);
	KUNIT_EXPECT_EQ(test, tquic_loss_delay_ns(&c->space, &c->rtt), 100 * MS);
	ack(test, 19, 19, 20 * MS);
	KUNIT_EXPECT_EQ(test, detect(test, 20 * MS)->pkts, 0);
	KUNIT_EXPECT_EQ(test, c->space.loss_time_ns, 110 * MS);
	KUNIT_EXPECT_EQ(test, detect(test, 110 * MS - 1)->pkts, 0);
	KUNIT_EXPECT_EQ(test, detect(test, 110 * MS)->pkts, 19);
	/* Once per round trip, and two round trips at most */
	tquic_loss_on_spurious(&c->space, &c->rtt, 120 * MS);
	tquic_loss_on_spurious(&c->space, &c->rtt, 199 * MS);
	KUNIT_EXPECT_EQ(test, tquic_loss_delay_ns(&c->space, &c->rtt), 110 * MS);
	for (i = 0; i < 20; i++)
		tquic_loss_on_spurious(&c->space, &c->rtt, (200 + 80 * i) * MS);
	KUNIT_EXPECT_EQ(test, tquic_loss_delay_ns(&c->space, &c->rtt), 160 * MS);
}

/* One packet lost per round trip, @rounds times from @pn on; the time it ends at */
static u64 lose_rounds(struct kunit *test, u64 pn, u32 rounds, u64 now)
{
	u32 i;

	for (i = 0; i < rounds; i++, pn += 2) {
		send(test, pn, DATA, now);
		send(test, pn + 1, DATA, now);
		now += 200 * MS;
		ack(test, pn + 1, pn + 1, now);
		KUNIT_EXPECT_EQ(test, detect(test, now)->pkts, 1);
	}
	return now;
}

static void reorder_forgotten(struct kunit *test)
{
	struct loss_ctx *c = test->priv;
	u64 now = 1000 * MS;

	tquic_loss_on_spurious(&c->space, &c->rtt, now);
	now = lose_rounds(test, 0, 15, now);
	KUNIT_EXPECT_EQ(test, c->space.reorder, 1);
	/* Seen again: another sixteen */
	now += 100 * MS;
	tquic_loss_on_spurious(&c->space, &c->rtt, now);
	KUNIT_EXPECT_EQ(test, c->space.reorder, 2);
	now = lose_rounds(test, 30, 15, now);
	KUNIT_EXPECT_EQ(test, c->space.reorder, 2);
	/* Another loss of the same round does not count. */
	send(test, 60, DATA, now - 200 * MS);
	send(test, 61, DATA, now - 200 * MS);
	now += 79 * MS;
	ack(test, 61, 61, now);
	KUNIT_EXPECT_EQ(test, detect(test, now)->pkts, 1);
	KUNIT_EXPECT_EQ(test, c->space.reorder, 2);
	/* A round trip after the last one counts, to the nanosecond. */
	now = c->space.reorder_ns + 80 * MS;
	send(test, 62, DATA, now - 200 * MS);
	send(test, 63, DATA, now - 200 * MS);
	ack(test, 63, 63, now);
	KUNIT_EXPECT_EQ(test, detect(test, now)->pkts, 1);
	KUNIT_EXPECT_EQ(test, c->space.reorder, 0);
	KUNIT_EXPECT_EQ(test, tquic_loss_delay_ns(&c->space, &c->rtt), 90 * MS);
}

static void time_threshold(struct kunit *test)
{
	struct loss_ctx *c = test->priv;
	const struct tquic_loss_result *res;

	send(test, 0, DATA, 10 * MS);
	send(test, 1, DATA, 15 * MS);
	send(test, 2, DATA, 20 * MS);
	send(test, 3, DATA, 21 * MS);
	ack(test, 2, 2, 50 * MS);
	KUNIT_EXPECT_EQ(test, detect(test, 50 * MS)->pkts, 0);
	KUNIT_EXPECT_EQ(test, c->space.loss_time_ns, 100 * MS);
	KUNIT_EXPECT_EQ(test, detect(test, 100 * MS - 1)->pkts, 0);
	res = detect(test, 100 * MS);
	KUNIT_EXPECT_EQ(test, res->pkts, 1);
	KUNIT_EXPECT_EQ(test, c->space.loss_time_ns, 105 * MS);
	KUNIT_EXPECT_EQ(test, detect(test, 105 * MS)->pkts, 1);
	/* Packet 3 was sent after the newest acknowledged one: PTO's business. */
	KUNIT_EXPECT_EQ(test, c->space.loss_time_ns, 0);
	KUNIT_EXPECT_EQ(test, detect(test, 9000 * MS)->pkts, 0);
	KUNIT_EXPECT_EQ(test, c->space.eliciting_in_flight, 1);
}

static void kinds_of_packets(struct kunit *test)
{
	struct loss_ctx *c = test->priv;
	const struct tquic_loss_result *res;

	send(test, 0, DATA, 10 * MS);
	send(test, 1, 0, 11 * MS);
	send(test, 2, TQUIC_SENT_F_IN_FLIGHT, 12 * MS);
	send(test, 3, DATA | TQUIC_SENT_F_MTU_PROBE, 13 * MS);
	/* 4 is skipped. */
	send(test, 5, DATA, 14 * MS);
	send(test, 6, DATA | TQUIC_SENT_F_MTU_PROBE, 14 * MS + 1);
	send(test, 9, DATA, 15 * MS);
	ack(test, 9, 9, 30 * MS);
	res = detect(test, 30 * MS);
	KUNIT_EXPECT_EQ(test, res->pkts, 3);
	KUNIT_EXPECT_EQ(test, res->bytes, 3600);
	KUNIT_EXPECT_EQ(test, res->largest_sent_ns, 14 * MS);
	KUNIT_EXPECT_EQ(test, res->mtu_probe_pkts, 2);
	KUNIT_EXPECT_EQ(test, res->mtu_probe_bytes, 2400);
	KUNIT_EXPECT_EQ(test, c->space.eliciting_in_flight, 0);
	KUNIT_EXPECT_EQ(test, state(test, 1), TQUIC_SENT_LOST);
	KUNIT_EXPECT_EQ(test, state(test, 4), TQUIC_SENT_SKIPPED);
}

/* Large packets count as swallowed if they were lost, or are missing, and none after them arrived. */
static void large_packets(struct kunit *test)
{
	static const struct {
		u32 bytes;
		u8 flags;
	} sent[] = {
		{ 1400, DATA }, { 1400, DATA }, { 1400, DATA }, { 1200, DATA }, { 1400, DATA },
		{ 1201, DATA }, { 1400, DATA | TQUIC_SENT_F_MTU_PROBE }, { 1200, DATA },
		{ 1200, DATA }, { 1200, DATA }, { 1200, DATA },
	};
	struct loss_ctx *c = test->priv;
	u64 pn;

	for (pn = 0; pn < ARRAY_SIZE(sent); pn++)
		KUNIT_ASSERT_NOT_NULL(test, tquic_space_on_sent(&c->space, pn, sent[pn].bytes,
								sent[pn].flags, (pn + 1) * MS));
	KUNIT_EXPECT_EQ(test, c->space.large_acked, -1);
	KUNIT_EXPECT_EQ(test, tquic_space_large_out_ns(&c->space), 6 * MS);
	/* Another large one, sent later, has arrived; what is small says nothing. */
	ack(test, 4, 4, 30 * MS);
	ack(test, 3, 3, 30 * MS);
	KUNIT_EXPECT_EQ(test, c->space.large_acked, 4);
	KUNIT_EXPECT_EQ(test, detect(test, 30 * MS)->pkts, 2);
	KUNIT_EXPECT_EQ(test, c->res.large_sent_ns, 0);
	KUNIT_EXPECT_EQ(test, tquic_space_large_out_ns(&c->space), 6 * MS);
	ack(test, 10, 10, 31 * MS);
	KUNIT_EXPECT_EQ(test, c->space.large_acked, 4);
	KUNIT_EXPECT_EQ(test, detect(test, 31 * MS)->pkts, 3);
	KUNIT_EXPECT_EQ(test, c->res.mtu_probe_pkts, 1);
	KUNIT_EXPECT_EQ(test, c->res.large_sent_ns, 6 * MS);
	KUNIT_EXPECT_EQ(test, tquic_space_large_out_ns(&c->space), 0);
}

/* Packets at 100 ms and at 100 + @gap, both lost; 1 to 3 more acknowledge that. */
static bool persists(struct kunit *test, u64 gap, u8 first_flags, u8 last_flags)
{
	struct loss_ctx *c = test->priv;

	tquic_space_destroy(&c->space);
	tquic_space_init(&c->space, TQUIC_LEVEL_APP);
	send(test, 0, first_flags, 100 * MS);
	send(test, 1, last_flags, 100 * MS + gap);
	send(test, 2, DATA, 101 * MS + gap);
	send(test, 3, DATA, 102 * MS + gap);
	send(test, 4, DATA, 103 * MS + gap);
	ack(test, 4, 4, 150 * MS + gap);
	return detect(test, 150 * MS + gap)->persistent;
}

static void persistent_duration(struct kunit *test)
{
	struct loss_ctx *c = test->priv;

	KUNIT_EXPECT_FALSE(test, persists(test, 375 * MS, DATA, DATA));
	KUNIT_EXPECT_TRUE(test, persists(test, 375 * MS + 1, DATA, DATA));
	KUNIT_EXPECT_EQ(test, c->res.pkts, 2);
	/* Only packets that ask for an ACK count, and no MTU probes. */
	KUNIT_EXPECT_FALSE(test, persists(test, 999 * MS, TQUIC_SENT_F_IN_FLIGHT, DATA));
	KUNIT_EXPECT_FALSE(test, persists(test, 999 * MS, DATA, TQUIC_SENT_F_IN_FLIGHT));
	KUNIT_EXPECT_FALSE(test, persists(test, 999 * MS, DATA | TQUIC_SENT_F_MTU_PROBE,
					  DATA));
	/* Only after the first RTT sample. */
	c->rtt.first_sample_ns = 100 * MS;
	KUNIT_EXPECT_FALSE(test, persists(test, 999 * MS, DATA, DATA));
	c->rtt.first_sample_ns = 100 * MS - 1;
	KUNIT_EXPECT_TRUE(test, persists(test, 999 * MS, DATA, DATA));
	c->rtt.first_sample_ns = 0;
	KUNIT_EXPECT_FALSE(test, persists(test, 999 * MS, DATA, DATA));
}

/* Packets 0 to 9 at 100 ms to 1 s; 4 and 9 arrive: 900 ms, but in two runs of 300. */
static void persistent_broken_by_ack(struct kunit *test)
{
	u64 pn;

	for (pn = 0; pn < 10; pn++)
		send(test, pn, DATA, (pn + 1) * 100 * MS);
	ack(test, 4, 4, 1010 * MS);
	ack(test, 9, 9, 1050 * MS);
	KUNIT_EXPECT_FALSE(test, detect(test, 1200 * MS)->persistent);
}

/* The same, with a look at the losses in between. */
static void persistent_broken_between_calls(struct kunit *test)
{
	struct loss_ctx *c = test->priv;
	u64 pn;

	for (pn = 0; pn < 10; pn++)
		send(test, pn, DATA, (pn + 1) * 100 * MS);
	ack(test, 4, 4, 1010 * MS);
	KUNIT_EXPECT_FALSE(test, detect(test, 1010 * MS)->persistent);
	KUNIT_EXPECT_EQ(test, c->res.pkts, 4);
	ack(test, 9, 9, 1050 * MS);
	KUNIT_EXPECT_FALSE(test, detect(test, 1050 * MS)->persistent);
	KUNIT_EXPECT_EQ(test, c->res.pkts, 4);
}

/* The run goes on over several calls as long as nothing in it was received. */
static void persistent_piecemeal(struct kunit *test)
{
	struct loss_ctx *c = test->priv;

	c->rtt.srtt_ns = 800 * MS;
	send(test, 0, DATA, 100 * MS);
	send(test, 1, DATA, 1000 * MS);
	send(test, 2, DATA, 3000 * MS);
	send(test, 3, DATA, 3050 * MS);
	send(test, 4, DATA, 3100 * MS);
	/* PTO 845 ms, persistent congestion above 2535 ms, loss delay 900 ms. */
	ack(test, 4, 4, 3200 * MS);
	KUNIT_EXPECT_FALSE(test, detect(test, 3200 * MS)->persistent);
	KUNIT_EXPECT_EQ(test, c->res.pkts, 2);
	KUNIT_EXPECT_EQ(test, c->space.loss_time_ns, 3900 * MS);
	KUNIT_EXPECT_TRUE(test, detect(test, 3900 * MS)->persistent);
	KUNIT_EXPECT_EQ(test, c->res.pkts, 1);
	/* Said once; the next period begins where this one ended. */
	KUNIT_EXPECT_FALSE(test, detect(test, 3950 * MS)->persistent);
	KUNIT_EXPECT_EQ(test, c->res.pkts, 1);
}

/* As above, but packet 0 turns up before packet 2 is given up. */
static void persistent_not_if_spurious(struct kunit *test)
{
	struct loss_ctx *c = test->priv;

	c->rtt.srtt_ns = 800 * MS;
	send(test, 0, DATA, 100 * MS);
	send(test, 1, DATA, 1000 * MS);
	send(test, 2, DATA, 3000 * MS);
	send(test, 3, DATA, 3100 * MS);
	ack(test, 3, 3, 3200 * MS);
	detect(test, 3200 * MS);
	ack(test, 0, 0, 3300 * MS);
	KUNIT_EXPECT_FALSE(test, detect(test, 3900 * MS)->persistent);
	KUNIT_EXPECT_EQ(test, c->res.pkts, 1);
}

/* Lost packets are kept for three PTOs after they were declared so. */
static void lost_are_remembered(struct kunit *test)
{
	struct loss_ctx *c = test->priv;
	u64 pn;

	for (pn = 0; pn < 4; pn++)
		send(test, pn, DATA, 10 * MS);
	ack(test, 1, 3, 2000 * MS);
	detect(test, 2000 * MS);
	detect(test, 2375 * MS);
	KUNIT_EXPECT_EQ(test, c->space.sent.base, 0);
	KUNIT_EXPECT_EQ(test, state(test, 0), TQUIC_SENT_LOST);
	detect(test, 2375 * MS + 1);
	KUNIT_EXPECT_EQ(test, c->space.sent.base, 4);
}

static void pto_period(struct kunit *test)
{
	struct loss_ctx *c = test->priv;

	KUNIT_EXPECT_EQ(test, tquic_loss_pto_period_ns(&c->rtt, 0, 0), 100 * MS);
	KUNIT_EXPECT_EQ(test, tquic_loss_pto_period_ns(&c->rtt, ACK_DELAY, 0), 125 * MS);
	KUNIT_EXPECT_EQ(test, tquic_loss_pto_period_ns(&c->rtt, ACK_DELAY, 3), 1000 * MS);
	KUNIT_EXPECT_EQ(test, tquic_loss_pto_period_ns(&c->rtt, ACK_DELAY, 8), 32000 * MS);
	KUNIT_EXPECT_EQ(test, tquic_loss_pto_period_ns(&c->rtt, ACK_DELAY, 9), 60000 * MS);
	KUNIT_EXPECT_EQ(test, tquic_loss_pto_period_ns(&c->rtt, ACK_DELAY, U32_MAX),
			60000 * MS);
	c->rtt.srtt_ns = 0;
	c->rtt.rttvar_ns = 0;
	KUNIT_EXPECT_EQ(test, tquic_loss_pto_period_ns(&c->rtt, 0, 15), 32768 * MS);
	KUNIT_EXPECT_EQ(test, tquic_loss_pto_period_ns(&c->rtt, 0, 16), 60000 * MS);
}

static void pto_deadline(struct kunit *test)
{
	struct loss_ctx *c = test->priv;
	struct tquic_space *space = &c->space;

	KUNIT_EXPECT_EQ(test, tquic_loss_pto_deadline_ns(space, &c->rtt, 0, 0), 0);
	send(test, 0, 0, 5 * MS);
	KUNIT_EXPECT_EQ(test, tquic_loss_pto_deadline_ns(space, &c->rtt, 0, 0), 0);
	send(test, 1, DATA, 10 * MS);
	KUNIT_EXPECT_EQ(test, tquic_loss_pto_deadline_ns(space, &c->rtt, 0, 0), 110 * MS);
	/* Restarted by each ack-eliciting packet and by no other. */
	send(test, 2, DATA, 20 * MS);
	send(test, 3, 0, 30 * MS);
	KUNIT_EXPECT_EQ(test, tquic_loss_pto_deadline_ns(space, &c->rtt, ACK_DELAY, 1),
			270 * MS);
	ack(test, 1, 2, 90 * MS);
	KUNIT_EXPECT_EQ(test, tquic_loss_pto_deadline_ns(space, &c->rtt, 0, 0), 0);
}

/* With the losses goes what the newest of them remembers of the delivery. */
static void lost_rate(struct kunit *test)
{
	const u8 flags = TQUIC_SENT_F_ELICITING | TQUIC_SENT_F_IN_FLIGHT;
	struct loss_ctx *c = test->priv;
	const struct tquic_loss_result *res;
	u64 pn;

	c->space.sent.rated = true;
	for (pn = 0; pn < 8; pn++) {
		send(test, pn, flags, 1000 * MS + pn);
		tquic_sent_rate(&c->space.sent, pn)->delivered = 100 * pn;
	}
	ack(test, 5, 5, 1080 * MS);
	res = detect(test, 1080 * MS);
	KUNIT_EXPECT_EQ(test, res->pkts, 3);
	KUNIT_EXPECT_TRUE(test, res->sampled);
	KUNIT_EXPECT_EQ(test, res->rate_pkt.delivered, 200);
	KUNIT_EXPECT_FALSE(test, detect(test, 1080 * MS)->sampled);
}

static struct kunit_case loss_cases[] = {
	KUNIT_CASE(delay_rounding),
	KUNIT_CASE(packet_threshold),
	KUNIT_CASE(reorder_learned),
	KUNIT_CASE(reorder_forgotten),
	KUNIT_CASE(time_threshold),
	KUNIT_CASE(kinds_of_packets),
	KUNIT_CASE(large_packets),
	KUNIT_CASE(persistent_duration),
	KUNIT_CASE(persistent_broken_by_ack),
	KUNIT_CASE(persistent_broken_between_calls),
	KUNIT_CASE(persistent_piecemeal),
	KUNIT_CASE(persistent_not_if_spurious),
	KUNIT_CASE(lost_are_remembered),
	KUNIT_CASE(lost_rate),
	KUNIT_CASE(pto_period),
	KUNIT_CASE(pto_deadline),
	{}
};

static struct kunit_suite loss_suite = {
	.name = "tquic-loss",
	.init = loss_init,
	.test_cases = loss_cases,
};

kunit_test_suites(&loss_suite);
