// SPDX-License-Identifier: GPL-2.0
/* BBRv3 (draft-ietf-ccwg-bbr): a model of the path instead of a reaction to loss. */
#include <linux/build_bug.h>
#include <linux/limits.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/time64.h>

#include "cc/bbr.h"
#include "cc/cc.h"

/*
 * Rates are at most TQUIC_RATE_MAX, 2^40, and amounts TQUIC_CC_CWND_MAX, 2^32:
 * times a percentage both are far from overflow. Section numbers are the draft's.
 */
#define TQUIC_BBR_STARTUP_PACING_PCT	277	/* 4 ln 2 */
#define TQUIC_BBR_DRAIN_PACING_PCT	50
#define TQUIC_BBR_DOWN_PACING_PCT	90
#define TQUIC_BBR_UP_PACING_PCT		125
#define TQUIC_BBR_MARGIN_PCT		99
#define TQUIC_BBR_CWND_PCT		200
#define TQUIC_BBR_UP_CWND_PCT		225
#define TQUIC_BBR_PROBE_RTT_CWND_PCT	50
#define TQUIC_BBR_LOSS_PCT		2
#define TQUIC_BBR_BETA_PCT		70
#define TQUIC_BBR_HEADROOM_PCT		15
#define TQUIC_BBR_FULL_BW_PCT		125
#define TQUIC_BBR_FULL_BW_ROUNDS	3
#define TQUIC_BBR_FULL_LOSSES		6
#define TQUIC_BBR_LOST_PKTS		4
#define TQUIC_BBR_JUDGED_PKTS		300	/* FULL_LOSSES are LOSS_PCT of them */
#define TQUIC_BBR_DRAIN_ROUNDS		3
#define TQUIC_BBR_RENO_ROUNDS		63
#define TQUIC_BBR_EXTRA_ROUNDS		5	/* of each of two windows */
#define TQUIC_BBR_MIN_PKTS		4
#define TQUIC_BBR_QUANTUM_MAX		65536
#define TQUIC_BBR_QUANTA		3
#define TQUIC_BBR_UP_ROUNDS_MAX		30
#define TQUIC_BBR_PROBE_WAIT_NS		(2 * (u64)NSEC_PER_SEC)
#define TQUIC_BBR_PROBE_RTT_NS		(200 * (u64)NSEC_PER_MSEC)
#define TQUIC_BBR_PROBE_RTT_EVERY_NS	(5 * (u64)NSEC_PER_SEC)
#define TQUIC_BBR_NEAR_MIN_PART	64	/* of the minimum: no queue to speak of */
#define TQUIC_BBR_MIN_RTT_NS		(10 * (u64)NSEC_PER_SEC)

static u64 tquic_bbr_pct(u64 value, u32 pct)
{
	return div_u64(value * pct, 100);
}

static u64 tquic_bbr_min_cwnd(const struct tquic_cc *cc)
{
	return TQUIC_BBR_MIN_PKTS * (u64)cc->mss;
}

static u64 tquic_bbr_max_bw(const struct tquic_bbr *b)
{
	return max(b->bw_max[0], b->bw_max[1]);
}

/* The rate to send at: what was measured, less what losses forbid. */
static u64 tquic_bbr_bw(const struct tquic_bbr *b)
{
	return min(tquic_bbr_max_bw(b), b->bw_short);
}

static bool tquic_bbr_in_probe_bw(const struct tquic_bbr *b)
{
	return b->state >= TQUIC_BBR_DOWN && b->state <= TQUIC_BBR_UP;
}

/* Losses of these states are what probing for bandwidth costs. */
static bool tquic_bbr_probes_bw(const struct tquic_bbr *b)
{
	return b->state == TQUIC_BBR_STARTUP || b->state == TQUIC_BBR_REFILL ||
	       b->state == TQUIC_BBR_UP;
}

static u32 tquic_bbr_pacing_pct(const struct tquic_bbr *b)
{
	switch (b->state) {
	case TQUIC_BBR_STARTUP:
		return TQUIC_BBR_STARTUP_PACING_PCT;
	case TQUIC_BBR_DRAIN:
		return TQUIC_BBR_DRAIN_PACING_PCT;
	case TQUIC_BBR_DOWN:
		return TQUIC_BBR_DOWN_PACING_PCT;
	case TQUIC_BBR_UP:
		return TQUIC_BBR_UP_PACING_PCT;
	default:
		return 100;
	}
}

static u32 tquic_bbr_cwnd_pct(const struct tquic_bbr *b)
{
	switch (b->state) {
	case TQUIC_BBR_UP:
		return TQUIC_BBR_UP_CWND_PCT;
	case TQUIC_BBR_PROBE_RTT:
		return TQUIC_BBR_PROBE_RTT_CWND_PCT;
	default:
		return TQUIC_BBR_CWND_PCT;
	}
}

/* @pct of the bandwidth-delay product; without a model, the window there is. */
static u64 tquic_bbr_bdp(const struct tquic_cc *cc, u64 bw, u32 pct)
{
	const struct tquic_bbr *b = tquic_cc_priv_const(cc);
	u64 bdp;

	if (b->min_rtt_ns == U64_MAX || !bw)
		return cc->cwnd;
	bdp = mul_u64_u64_div_u64(bw, b->min_rtt_ns, NSEC_PER_SEC);
	return tquic_bbr_pct(min(bdp, TQUIC_CC_CWND_MAX), pct);
}

/* Section 5.6.4.2: bursts, delayed ACKs and a few packets have to fit too. */
static u64 tquic_bbr_quantize(const struct tquic_cc *cc, u64 bytes)
{
	const struct tquic_bbr *b = tquic_cc_priv_const(cc);
	u64 quantum = clamp_t(u64, div_u64(b->pacing_rate, MSEC_PER_SEC),
			      2 * (u64)cc->mss, TQUIC_BBR_QUANTUM_MAX);

	bytes = max3(bytes, TQUIC_BBR_QUANTA * quantum, tquic_bbr_min_cwnd(cc));
	if (b->state == TQUIC_BBR_UP)
		bytes += 2 * (u64)cc->mss;
	return bytes;
}

static u64 tquic_bbr_inflight(const struct tquic_cc *cc, u64 bw, u32 pct)
{
	return tquic_bbr_quantize(cc, tquic_bbr_bdp(cc, bw, pct));
}

/* Leaves others room to come in (section 5.3.3.2). */
static u64 tquic_bbr_with_headroom(const struct tquic_cc *cc)
{
	const struct tquic_bbr *b = tquic_cc_priv_const(cc);
	u64 room;

	if (b->inflight_long == U64_MAX)
		return U64_MAX;
	room = max_t(u64, cc->mss, tquic_bbr_pct(b->inflight_long, TQUIC_BBR_HEADROOM_PCT));
	return max(b->inflight_long - min(b->inflight_long, room), tquic_bbr_min_cwnd(cc));
}

/* States and what entering them sets */

static void tquic_bbr_start_round(struct tquic_cc *cc)
{
	struct tquic_bbr *b = tquic_cc_priv(cc);

	b->next_round_delivered = cc->rate.delivered;
}

static void tquic_bbr_reset_short(struct tquic_bbr *b)
{
	b->bw_short = U64_MAX;
	b->inflight_short = U64_MAX;
}

static void tquic_bbr_judge_anew(struct tquic_cc *cc)
{
	struct tquic_bbr *b = tquic_cc_priv(cc);

	b->judged_delivered = cc->rate.delivered;
	b->judged_lost = cc->rate.lost;
	b->marked = false;
}

static void tquic_bbr_reset_full_bw(struct tquic_bbr *b, u64 bw)
{
	b->full_bw = bw;
	b->full_bw_count = 0;
	b->full_bw_now = false;
}

static void tquic_bbr_down(struct tquic_cc *cc, u64 now)
{
	struct tquic_bbr *b = tquic_cc_priv(cc);

	tquic_bbr_judge_anew(cc);
	b->bw_latest = 0;
	b->inflight_latest = 0;
	/* Flows that started together are not to probe together. */
	b->rounds_since_probe = get_random_u32_below(2);
	b->probe_wait_ns = TQUIC_BBR_PROBE_WAIT_NS + get_random_u32_below(NSEC_PER_SEC);
	b->cycle_ns = now;
	b->probe_ended = true;
	b->state = TQUIC_BBR_DOWN;
	tquic_bbr_start_round(cc);
}

static void tquic_bbr_refill(struct tquic_cc *cc)
{
	struct tquic_bbr *b = tquic_cc_priv(cc);

	tquic_bbr_reset_short(b);
	b->probe_up_rounds = 0;
	b->probe_up_acked = 0;
	b->probe_ended = false;
	b->state = TQUIC_BBR_REFILL;
	tquic_bbr_start_round(cc);
}

/* The upper bound grows by one packet in the first round, by two in the next, by four. */
static void tquic_bbr_raise_slope(struct tquic_cc *cc)
{
	struct tquic_bbr *b = tquic_cc_priv(cc);
	u64 growth = (u64)cc->mss << b->probe_up_rounds;

	b->probe_up_rounds = min(b->probe_up_rounds + 1, TQUIC_BBR_UP_ROUNDS_MAX);
	b->probe_up_bytes = max_t(u64, mul_u64_u64_div_u64(cc->cwnd, cc->mss, growth), 1);
}

static void tquic_bbr_up(struct tquic_cc *cc, u64 bw)
{
	struct tquic_bbr *b = tquic_cc_priv(cc);

	b->probe_ended = false;
	tquic_bbr_reset_full_bw(b, bw);
	b->state = TQUIC_BBR_UP;
	tquic_bbr_start_round(cc);
	tquic_bbr_raise_slope(cc);
}

static void tquic_bbr_exit_probe_rtt(struct tquic_cc *cc, u64 now)
{
	struct tquic_bbr *b = tquic_cc_priv(cc);

	b->probe_rtt_min_at_ns = now;
	tquic_cc_set_cwnd(cc, max(cc->cwnd, b->saved_cwnd));
	tquic_bbr_reset_short(b);
	if (b->full_bw_reached) {
		tquic_bbr_down(cc, now);
		b->state = TQUIC_BBR_CRUISE;
	} else {
		b->state = TQUIC_BBR_STARTUP;
	}
}

/* The model */

static void tquic_bbr_update_round(struct tquic_cc *cc, const struct tquic_rate_sample *rs)
{
	struct tquic_bbr *b = tquic_cc_priv(cc);

	b->loss_round_start = rs->delivered && rs->prior_delivered >= b->loss_round_delivered;
	if (b->loss_round_start)
		b->loss_round_delivered = cc->rate.delivered;
	b->round_start = rs->delivered && rs->prior_delivered >= b->next_round_delivered;
	if (!b->round_start)
		return;
	tquic_bbr_start_round(cc);
	b->rounds++;
	b->rounds_since_probe++;
}

static void tquic_bbr_update_bw(struct tquic_bbr *b, const struct tquic_rate_sample *rs)
{
	b->bw_latest = max(b->bw_latest, rs->rate);
	b->inflight_latest = max(b->inflight_latest, rs->delivered);
	if (rs->rate >= tquic_bbr_max_bw(b) || !rs->app_limited)
		b->bw_max[1] = max(b->bw_max[1], rs->rate);
}

/* Two probe cycles are remembered; one that measured nothing does not count. */
static void tquic_bbr_advance_max_bw(struct tquic_bbr *b)
{
	if (!b->bw_max[1])
		return;
	b->bw_max[0] = b->bw_max[1];
	b->bw_max[1] = 0;
}

static bool tquic_bbr_too_high(u64 lost, u64 in_flight)
{
	return lost * 100 > in_flight * TQUIC_BBR_LOSS_PCT;
}

/* A probe went too far. Two losses in a hundred packets are chance: not less than four. */
static bool tquic_bbr_too_costly(const struct tquic_cc *cc, u64 lost, u64 in_flight)
{
	return lost >= TQUIC_BBR_LOST_PKTS * (u64)cc->mss && tquic_bbr_too_high(lost, in_flight);
}

/*
 * The draft takes any loss for a sign that the path became slower, and comes
 * down by the pacing margin and the lost share in each round that has one. A
 * link that loses one packet in a hundred whatever it carries would be left
 * half empty. Losses have to exceed the threshold that the probes go by, and
 * that over so many packets that chance does not.
 */
static bool tquic_bbr_congested(struct tquic_cc *cc)
{
	const struct tquic_bbr *b = tquic_cc_priv(cc);
	u64 delivered = cc->rate.delivered - b->judged_delivered;
	u32 lost = cc->rate.lost - b->judged_lost;
	bool congested = b->marked;

	congested |= lost >= TQUIC_BBR_FULL_LOSSES * cc->mss &&
		     tquic_bbr_too_high(lost, delivered + lost);
	if (congested || delivered >= TQUIC_BBR_JUDGED_PKTS * (u64)cc->mss)
		tquic_bbr_judge_anew(cc);
	return congested;
}

/* Section 5.5.10.3: a congested round bounds the model by what it delivered. */
static void tquic_bbr_adapt_short(struct tquic_cc *cc)
{
	struct tquic_bbr *b = tquic_cc_priv(cc);

	if (tquic_bbr_probes_bw(b)) {
		tquic_bbr_judge_anew(cc);
		return;
	}
	if (!tquic_bbr_congested(cc))
		return;
	if (b->bw_short == U64_MAX)
		b->bw_short = tquic_bbr_max_bw(b);
	if (b->inflight_short == U64_MAX)
		b->inflight_short = cc->cwnd;
	b->bw_short = max(b->bw_latest, tquic_bbr_pct(b->bw_short, TQUIC_BBR_BETA_PCT));
	b->inflight_short = max(b->inflight_latest,
				tquic_bbr_pct(b->inflight_short, TQUIC_BBR_BETA_PCT));
}

/* Section 5.5.9: links that gather ACKs need a window for the time in between. */
static void tquic_bbr_update_extra(struct tquic_cc *cc, const struct tquic_rate_sample *rs,
				   u64 now)
{
	struct tquic_bbr *b = tquic_cc_priv(cc);
	u8 rounds = b->full_bw_reached ? TQUIC_BBR_EXTRA_ROUNDS : 1;
	u64 expected;

	if (b->round_start && ++b->extra_rounds >= rounds) {
		b->extra_rounds = 0;
		b->extra_acked[0] = b->extra_acked[1];
		b->extra_acked[1] = 0;
	}
	expected = mul_u64_u64_div_u64(tquic_bbr_bw(b), now - b->extra_from_ns, NSEC_PER_SEC);
	if (b->extra_delivered <= expected) {
		b->extra_delivered = 0;
		b->extra_from_ns = now;
		expected = 0;
	}
	b->extra_delivered = min(b->extra_delivered + rs->acked, TQUIC_CC_CWND_MAX);
	expected = b->extra_delivered - min(b->extra_delivered, expected);
	b->extra_acked[1] = max(b->extra_acked[1], min(expected, cc->cwnd));
}

/* Section 5.3.1.2: three rounds in which the rate did not grow by a quarter. */
static void tquic_bbr_check_full_bw(struct tquic_bbr *b, const struct tquic_rate_sample *rs)
{
	if (b->full_bw_now || rs->app_limited || !rs->rate)
		return;
	if (rs->rate >= tquic_bbr_pct(b->full_bw, TQUIC_BBR_FULL_BW_PCT)) {
		tquic_bbr_reset_full_bw(b, rs->rate);
		return;
	}
	if (!b->round_start)
		return;
	b->full_bw_count++;
	b->full_bw_now = b->full_bw_count >= TQUIC_BBR_FULL_BW_ROUNDS;
	b->full_bw_reached |= b->full_bw_now;
}

/* Section 5.3.1.3: a queue that overflows ends Startup as well. */
static void tquic_bbr_check_startup(struct tquic_cc *cc, const struct tquic_rate_sample *rs)
{
	struct tquic_bbr *b = tquic_cc_priv(cc);

	if (b->state != TQUIC_BBR_STARTUP)
		return;
	if (b->loss_round_start && b->loss_events >= TQUIC_BBR_FULL_LOSSES &&
	    tquic_bbr_too_high(rs->lost, rs->in_flight)) {
		b->full_bw_reached = true;
		b->inflight_long = max(tquic_bbr_bdp(cc, tquic_bbr_max_bw(b), 100),
				       b->inflight_latest);
	}
	if (b->full_bw_reached) {
		b->state = TQUIC_BBR_DRAIN;
		b->drain_round = b->rounds;
	}
}

static void tquic_bbr_check_drain(struct tquic_cc *cc, u64 now)
{
	struct tquic_bbr *b = tquic_cc_priv(cc);

	if (b->state == TQUIC_BBR_DRAIN &&
	    (cc->in_flight <= tquic_bbr_inflight(cc, tquic_bbr_max_bw(b), 100) ||
	     b->rounds - b->drain_round > TQUIC_BBR_DRAIN_ROUNDS))
		tquic_bbr_down(cc, now);
}

/* The window, not the application, kept more from being sent. */
static bool tquic_bbr_cwnd_limited(const struct tquic_cc *cc, u64 acked)
{
	return cc->in_flight + acked + 2 * (u64)cc->mss >= cc->cwnd;
}

static void tquic_bbr_grow_long(struct tquic_cc *cc, const struct tquic_rate_sample *rs)
{
	struct tquic_bbr *b = tquic_cc_priv(cc);
	u64 pkts;

	if (!tquic_bbr_cwnd_limited(cc, rs->acked) || cc->cwnd < b->inflight_long)
		return;
	b->probe_up_acked += rs->acked;
	pkts = div64_u64(b->probe_up_acked, b->probe_up_bytes);
	b->probe_up_acked -= pkts * b->probe_up_bytes;
	b->inflight_long = min(b->inflight_long + pkts * cc->mss, TQUIC_CC_CWND_MAX);
	if (b->round_start)
		tquic_bbr_raise_slope(cc);
}

/* Section 5.3.3.6, adaptation of the upper bound. */
static void tquic_bbr_adapt_long(struct tquic_cc *cc, const struct tquic_rate_sample *rs)
{
	struct tquic_bbr *b = tquic_cc_priv(cc);

	if (b->round_start && b->probe_ended) {
		b->probe_samples = false;
		b->probe_ended = false;
		if (tquic_bbr_in_probe_bw(b) && !rs->app_limited)
			tquic_bbr_advance_max_bw(b);
	}
	if (b->inflight_long == U64_MAX || !rs->in_flight ||
	    tquic_bbr_too_costly(cc, rs->lost, rs->in_flight))
		return;
	b->inflight_long = max_t(u64, b->inflight_long, rs->in_flight);
	if (b->state == TQUIC_BBR_UP)
		tquic_bbr_grow_long(cc, rs);
}

/* Too much was in flight: remember where it began, once per probe. */
static void tquic_bbr_cut_long(struct tquic_cc *cc, u64 in_flight, bool app_limited, u64 now)
{
	struct tquic_bbr *b = tquic_cc_priv(cc);
	u64 target = min(tquic_bbr_bdp(cc, tquic_bbr_bw(b), 100), cc->cwnd);

	b->probe_samples = false;
	if (!app_limited)
		b->inflight_long = max(in_flight, tquic_bbr_pct(target, TQUIC_BBR_BETA_PCT));
	if (b->state == TQUIC_BBR_UP)
		tquic_bbr_down(cc, now);
}

/* Time for the next probe, also as often as a Reno flow would fill the pipe. */
static bool tquic_bbr_probe_due(const struct tquic_cc *cc, u64 now)
{
	const struct tquic_bbr *b = tquic_cc_priv_const(cc);
	u64 target = min(tquic_bbr_bdp(cc, tquic_bbr_bw(b), 100), cc->cwnd);
	u64 rounds = min_t(u64, div_u64(target, cc->mss), TQUIC_BBR_RENO_ROUNDS);

	return now - b->cycle_ns > b->probe_wait_ns || b->rounds_since_probe >= rounds;
}

static void tquic_bbr_update_cycle(struct tquic_cc *cc, const struct tquic_rate_sample *rs,
				   u64 now)
{
	struct tquic_bbr *b = tquic_cc_priv(cc);

	if (!b->full_bw_reached)
		return;
	tquic_bbr_adapt_long(cc, rs);
	switch (b->state) {
	case TQUIC_BBR_DOWN:
	case TQUIC_BBR_CRUISE:
		if (tquic_bbr_probe_due(cc, now))
			tquic_bbr_refill(cc);
		else if (b->state == TQUIC_BBR_DOWN &&
			 cc->in_flight <= min(tquic_bbr_with_headroom(cc),
					      tquic_bbr_inflight(cc, tquic_bbr_max_bw(b), 100)))
			b->state = TQUIC_BBR_CRUISE;
		break;
	case TQUIC_BBR_REFILL:
		if (!b->round_start)
			break;
		b->probe_samples = true;
		tquic_bbr_up(cc, rs->rate);
		break;
	case TQUIC_BBR_UP:
		if (tquic_bbr_cwnd_limited(cc, rs->acked) && cc->cwnd >= b->inflight_long)
			tquic_bbr_reset_full_bw(b, rs->rate);
		else if (b->full_bw_now)
			tquic_bbr_down(cc, now);
		break;
	}
}

/*
 * The draft asks for ProbeRTT when no sample was below the minimum for five
 * seconds. One that is hardly above it tells as much: cruising had emptied the
 * queue, and a window made small on purpose would show nothing new.
 */
static void tquic_bbr_update_min_rtt(struct tquic_bbr *b, u64 rtt_ns, u64 now)
{
	if (rtt_ns && rtt_ns >= b->probe_rtt_min_ns &&
	    rtt_ns - b->probe_rtt_min_ns <= b->probe_rtt_min_ns / TQUIC_BBR_NEAR_MIN_PART)
		b->probe_rtt_min_at_ns = now;
	b->probe_rtt_expired = now > b->probe_rtt_min_at_ns + TQUIC_BBR_PROBE_RTT_EVERY_NS;
	if (rtt_ns && (rtt_ns < b->probe_rtt_min_ns || b->probe_rtt_expired)) {
		b->probe_rtt_min_ns = rtt_ns;
		b->probe_rtt_min_at_ns = now;
	}
	if (b->probe_rtt_min_ns < b->min_rtt_ns ||
	    now > b->min_rtt_at_ns + TQUIC_BBR_MIN_RTT_NS) {
		b->min_rtt_ns = b->probe_rtt_min_ns;
		b->min_rtt_at_ns = b->probe_rtt_min_at_ns;
	}
}

static u64 tquic_bbr_probe_rtt_cwnd(const struct tquic_cc *cc)
{
	const struct tquic_bbr *b = tquic_cc_priv_const(cc);

	return max(tquic_bbr_bdp(cc, tquic_bbr_bw(b), TQUIC_BBR_PROBE_RTT_CWND_PCT),
		   tquic_bbr_min_cwnd(cc));
}

/* Section 5.3.4: a short time with a small window shows the delay without a queue. */
static void tquic_bbr_check_probe_rtt(struct tquic_cc *cc,
				      const struct tquic_rate_sample *rs, u64 now)
{
	struct tquic_bbr *b = tquic_cc_priv(cc);

	if (b->state != TQUIC_BBR_PROBE_RTT && b->probe_rtt_expired && !b->idle_restart) {
		b->state = TQUIC_BBR_PROBE_RTT;
		b->saved_cwnd = cc->cwnd;
		b->probe_rtt_done_ns = 0;
		b->probe_ended = true;
		tquic_bbr_start_round(cc);
	}
	if (rs->delivered)
		b->idle_restart = false;
	if (b->state != TQUIC_BBR_PROBE_RTT)
		return;
	/* What it delivers is no measure of the path. */
	tquic_rate_app_limited(&cc->rate, cc->in_flight);
	if (!b->probe_rtt_done_ns) {
		if (cc->in_flight > tquic_bbr_probe_rtt_cwnd(cc))
			return;
		b->probe_rtt_done_ns = now + TQUIC_BBR_PROBE_RTT_NS;
		b->probe_rtt_round_done = false;
		tquic_bbr_start_round(cc);
		return;
	}
	b->probe_rtt_round_done |= b->round_start;
	if (b->probe_rtt_round_done && now > b->probe_rtt_done_ns)
		tquic_bbr_exit_probe_rtt(cc, now);
}

static void tquic_bbr_end_loss_round(struct tquic_bbr *b, const struct tquic_rate_sample *rs)
{
	if (!b->loss_round_start)
		return;
	b->bw_latest = rs->rate;
	b->inflight_latest = rs->delivered;
	b->loss_events = 0;
}

/* What follows from the model */

static void tquic_bbr_set_pacing(struct tquic_bbr *b, u32 pct)
{
	u64 bw = tquic_bbr_bw(b);
	u64 rate = tquic_bbr_pct(tquic_bbr_pct(bw, pct), TQUIC_BBR_MARGIN_PCT);

	if (bw && (b->full_bw_reached || rate > b->pacing_rate))
		b->pacing_rate = rate;
}

static void tquic_bbr_set_cwnd(struct tquic_cc *cc, u64 acked)
{
	struct tquic_bbr *b = tquic_cc_priv(cc);
	u64 extra = max(b->extra_acked[0], b->extra_acked[1]);
	u64 most, cap = U64_MAX, cwnd = cc->cwnd;

	most = tquic_bbr_quantize(cc, tquic_bbr_bdp(cc, tquic_bbr_bw(b),
						    tquic_bbr_cwnd_pct(b)) + extra);
	if (b->full_bw_reached)
		cwnd = min(cwnd + acked, most);
	else if (cwnd < most || cc->rate.delivered < TQUIC_CC_INITIAL_BYTES)
		cwnd += acked;
	cwnd = max(cwnd, tquic_bbr_min_cwnd(cc));
	if (b->state == TQUIC_BBR_PROBE_RTT)
		cwnd = min(cwnd, tquic_bbr_probe_rtt_cwnd(cc));
	if (b->state == TQUIC_BBR_CRUISE || b->state == TQUIC_BBR_PROBE_RTT)
		cap = tquic_bbr_with_headroom(cc);
	else if (tquic_bbr_in_probe_bw(b))
		cap = b->inflight_long;
	cap = max(min(cap, b->inflight_short), tquic_bbr_min_cwnd(cc));
	tquic_cc_set_cwnd(cc, min(cwnd, cap));
}

/* What cc.c calls */

static void tquic_bbr_init(struct tquic_cc *cc, u64 now)
{
	struct tquic_bbr *b = tquic_cc_priv(cc);

	BUILD_BUG_ON(sizeof(struct tquic_bbr) > sizeof(cc->priv));
	tquic_bbr_reset_short(b);
	b->inflight_long = U64_MAX;
	b->min_rtt_ns = U64_MAX;
	b->probe_rtt_min_ns = U64_MAX;
	b->min_rtt_at_ns = now;
	b->probe_rtt_min_at_ns = now;
	b->extra_from_ns = now;
	b->next_round_delivered = cc->rate.delivered;
	b->loss_round_delivered = cc->rate.delivered;
	tquic_bbr_judge_anew(cc);
	b->state = TQUIC_BBR_STARTUP;
}

static void tquic_bbr_on_ack(struct tquic_cc *cc, const struct tquic_cc_ack *ack)
{
	struct tquic_bbr *b = tquic_cc_priv(cc);
	struct tquic_rate_sample rs;

	tquic_rate_on_ack(&cc->rate, ack, &rs);
	tquic_bbr_update_round(cc, &rs);
	tquic_bbr_update_bw(b, &rs);
	if (b->loss_round_start)
		tquic_bbr_adapt_short(cc);
	tquic_bbr_update_extra(cc, &rs, ack->now);
	tquic_bbr_check_full_bw(b, &rs);
	tquic_bbr_check_startup(cc, &rs);
	tquic_bbr_check_drain(cc, ack->now);
	tquic_bbr_update_cycle(cc, &rs, ack->now);
	tquic_bbr_update_min_rtt(b, ack->rtt_ns, ack->now);
	tquic_bbr_check_probe_rtt(cc, &rs, ack->now);
	tquic_bbr_end_loss_round(b, &rs);
	tquic_bbr_set_pacing(b, tquic_bbr_pacing_pct(b));
	tquic_bbr_set_cwnd(cc, ack->bytes);
}

/* A recovery period begins: losses may yet turn out wrong (section 5.5.10.4). */
static void tquic_bbr_on_congestion(struct tquic_cc *cc, u64 now)
{
	struct tquic_bbr *b = tquic_cc_priv(cc);

	b->undo_state = b->state;
	b->undo_bw_short = b->bw_short;
	b->undo_inflight_short = b->inflight_short;
	b->undo_inflight_long = b->inflight_long;
}

/*
 * The batch is taken for one large packet: if with it the share of losses since
 * the newest of it left is too high, the bound lies where that share was reached.
 */
static void tquic_bbr_on_lost(struct tquic_cc *cc, const struct tquic_cc_loss *loss)
{
	struct tquic_bbr *b = tquic_cc_priv(cc);
	const struct tquic_rate_pkt *pkt = &loss->rate_pkt;
	u64 lost, before, lost_before, at_limit;

	cc->rate.lost += loss->bytes;
	b->loss_events++;
	if (!b->probe_samples || !loss->sampled || !pkt->delivered_ns)
		return;
	lost = cc->rate.lost - pkt->lost;
	if (!tquic_bbr_too_costly(cc, lost, pkt->in_flight))
		return;
	before = pkt->in_flight - min_t(u64, pkt->in_flight, loss->bytes);
	lost_before = lost - min(lost, loss->bytes);
	at_limit = before * TQUIC_BBR_LOSS_PCT;
	at_limit -= min(at_limit, lost_before * 100);
	tquic_bbr_cut_long(cc, before + div_u64(at_limit, 100 - TQUIC_BBR_LOSS_PCT),
			   pkt->app_limited, loss->now);
}

/* Marks of a queue that is too long count as much as its overflow. */
static void tquic_bbr_on_ecn(struct tquic_cc *cc, u64 now)
{
	struct tquic_bbr *b = tquic_cc_priv(cc);

	b->marked = true;
	if (b->state == TQUIC_BBR_STARTUP) {
		b->full_bw_reached = true;
		b->inflight_long = max(tquic_bbr_bdp(cc, tquic_bbr_max_bw(b), 100),
				       b->inflight_latest);
	} else if (b->probe_samples) {
		tquic_bbr_cut_long(cc, cc->in_flight, false, now);
	}
}

static void tquic_bbr_on_spurious(struct tquic_cc *cc, u64 now)
{
	struct tquic_bbr *b = tquic_cc_priv(cc);

	tquic_bbr_judge_anew(cc);
	tquic_bbr_reset_full_bw(b, 0);
	b->bw_short = max(b->bw_short, b->undo_bw_short);
	b->inflight_short = max(b->inflight_short, b->undo_inflight_short);
	b->inflight_long = max(b->inflight_long, b->undo_inflight_long);
	if (b->state == TQUIC_BBR_PROBE_RTT || b->state == b->undo_state)
		return;
	if (b->undo_state == TQUIC_BBR_STARTUP) {
		b->full_bw_reached = false;
		b->state = TQUIC_BBR_STARTUP;
	} else if (b->undo_state == TQUIC_BBR_UP) {
		b->probe_samples = true;
		tquic_bbr_up(cc, 0);
	}
}

/* Section 5.4.1: what was idle begins at the known rate, not with a probe. */
static void tquic_bbr_on_idle(struct tquic_cc *cc, u64 gap_ns)
{
	struct tquic_bbr *b = tquic_cc_priv(cc);
	u64 now = cc->idle_since_ns + gap_ns;

	b->idle_restart = true;
	b->extra_from_ns = now;
	b->extra_delivered = 0;
	if (tquic_bbr_in_probe_bw(b))
		tquic_bbr_set_pacing(b, 100);
	else if (b->state == TQUIC_BBR_PROBE_RTT && b->probe_rtt_done_ns &&
		 now > b->probe_rtt_done_ns)
		tquic_bbr_exit_probe_rtt(cc, now);
}

/*
 * Until the rate is known, what little there was to send says nothing: not less than
 * the initial window over the RTT, as fast as Startup goes.
 */
static u64 tquic_bbr_pacing_rate(const struct tquic_cc *cc, const struct tquic_rtt *rtt)
{
	u64 bytes = tquic_bbr_pct(tquic_cc_initial_window(cc->mss), TQUIC_BBR_STARTUP_PACING_PCT);
	const struct tquic_bbr *b = tquic_cc_priv_const(cc);

	if (b->full_bw_reached && b->pacing_rate)
		return b->pacing_rate;
	return max(b->pacing_rate, mul_u64_u64_div_u64(bytes, NSEC_PER_SEC,
						       max_t(u64, 1, rtt->srtt_ns)));
}

struct tquic_cc_ops tquic_cc_bbr = {
	.entry.name	= "bbr",
	.entry.owner	= THIS_MODULE,
	.gain_pct	= 100,
	.sampled	= true,
	.init		= tquic_bbr_init,
	.on_ack		= tquic_bbr_on_ack,
	.on_congestion	= tquic_bbr_on_congestion,
	.on_lost	= tquic_bbr_on_lost,
	.on_ecn		= tquic_bbr_on_ecn,
	.on_spurious	= tquic_bbr_on_spurious,
	.on_idle	= tquic_bbr_on_idle,
	.pacing_rate	= tquic_bbr_pacing_rate,
};
