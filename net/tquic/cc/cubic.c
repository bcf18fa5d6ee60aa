// SPDX-License-Identifier: GPL-2.0
/* CUBIC (RFC 9438), in bytes and integers. */
#include <linux/build_bug.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/time64.h>

#include "cc/cc.h"

/*
 * Time is counted in ticks of 2^-10 s, so that a cube of seconds is a shift by
 * 30 bits: C * mss * (t - K)^3 is mss * 4/10 * ticks^3 / 2^30 bytes. 2^21 ticks,
 * over half an hour, bound the cube to 63 bits; at C = 0.4 segments/s^3 the
 * largest window is reached long before.
 */
#define TQUIC_CUBIC_TICK_SHIFT	10
#define TQUIC_CUBIC_TICKS_MAX	((1ULL << 21) - 1)
#define TQUIC_CUBIC_C_NUM	4ULL
#define TQUIC_CUBIC_C_DEN	(10ULL << (3 * TQUIC_CUBIC_TICK_SHIFT))
#define TQUIC_CUBIC_BETA_NUM	7
#define TQUIC_CUBIC_BETA_DEN	10
#define TQUIC_CUBIC_ALPHA_NUM	9	/* 3 * (1 - beta) / (1 + beta) = 9/17 */
#define TQUIC_CUBIC_ALPHA_DEN	17

/**
 * struct tquic_cubic_state - the part a spurious loss restores
 * @epoch_ns: start of the congestion avoidance stage plus the time in which the
 *	window was not used or below the threshold; 0 before the first ACK of it
 * @k_ticks: when the curve reaches @w_max
 * @w_max: window at which the plateau lies, in bytes; 0 for unknown
 * @cwnd_prior: window before the last reduction
 * @w_est: window Reno would have
 * @est_rest: remainder of the division that grows @w_est
 */
struct tquic_cubic_state {
	u64 epoch_ns;
	u64 k_ticks;
	u64 w_max;
	u64 cwnd_prior;
	u64 w_est;
	u64 est_rest;
};

/**
 * struct tquic_cubic - private state
 * @s: running state
 * @undo: state before the last congestion event
 * @unused_ns: since when the application has left the window unused, or it is below
 *	the threshold; or 0
 */
struct tquic_cubic {
	struct tquic_cubic_state s;
	struct tquic_cubic_state undo;
	u64 unused_ns;
};

static u64 tquic_cubic_ticks(u64 ns)
{
	u64 secs = div_u64(ns, NSEC_PER_SEC);

	if (secs >= TQUIC_CUBIC_TICKS_MAX >> TQUIC_CUBIC_TICK_SHIFT)
		return TQUIC_CUBIC_TICKS_MAX;
	return div_u64(ns << TQUIC_CUBIC_TICK_SHIFT, NSEC_PER_SEC);
}

/* Largest integer whose cube does not exceed @x, bit by bit. */
static u64 tquic_cubic_cbrt(u64 x)
{
	u64 root = 0;
	u64 step;
	int bit;

	for (bit = 20; bit >= 0; bit--) {
		step = root | (1ULL << bit);
		if (step * step * step <= x)
			root = step;
	}
	return root;
}

/* W_cubic(t), RFC 9438 4.2. */
static u64 tquic_cubic_w(const struct tquic_cubic_state *s, u32 mss, u64 t_ns)
{
	u64 ticks = tquic_cubic_ticks(t_ns);
	u64 dist, delta;

	dist = ticks > s->k_ticks ? ticks - s->k_ticks : s->k_ticks - ticks;
	delta = mul_u64_u64_div_u64(dist * dist * dist, TQUIC_CUBIC_C_NUM * mss,
				    TQUIC_CUBIC_C_DEN);
	if (ticks > s->k_ticks)
		return s->w_max + delta;
	return s->w_max > delta ? s->w_max - delta : 0;
}

/* A congestion avoidance stage begins; without a known plateau it begins there. */
static void tquic_cubic_start(struct tquic_cc *cc, u64 now)
{
	struct tquic_cubic *cu = tquic_cc_priv(cc);
	struct tquic_cubic_state *s = &cu->s;

	s->epoch_ns = now;
	s->w_est = cc->cwnd;
	s->est_rest = 0;
	s->w_max = max(s->w_max, cc->cwnd);
	s->k_ticks = tquic_cubic_cbrt(mul_u64_u64_div_u64(s->w_max - cc->cwnd,
							  TQUIC_CUBIC_C_DEN,
							  TQUIC_CUBIC_C_NUM * cc->mss));
}

/* W_est of RFC 9438 4.3; all divisions keep their remainder. */
static void tquic_cubic_grow_est(struct tquic_cc *cc, struct tquic_cubic_state *s,
				 u64 bytes)
{
	u64 alpha = s->w_est < s->cwnd_prior ? TQUIC_CUBIC_ALPHA_NUM :
					       TQUIC_CUBIC_ALPHA_DEN;
	u64 den = cc->cwnd * TQUIC_CUBIC_ALPHA_DEN;
	u64 num = s->est_rest + bytes * cc->mss * alpha;
	u64 grow = div64_u64(num, den);

	s->est_rest = num - grow * den;
	s->w_est = min(s->w_est + grow, TQUIC_CC_CWND_MAX);
}

static void tquic_cubic_avoid(struct tquic_cc *cc, const struct tquic_cc_ack *ack)
{
	struct tquic_cubic *cu = tquic_cc_priv(cc);
	u64 bytes = min(ack->bytes, cc->cwnd);
	u64 t_ns = ack->now - cu->s.epoch_ns;
	u64 target;

	tquic_cubic_grow_est(cc, &cu->s, bytes);
	if (tquic_cubic_w(&cu->s, cc->mss, t_ns) < cu->s.w_est) {
		tquic_cc_set_cwnd(cc, max(cc->cwnd, cu->s.w_est));
		return;
	}
	target = tquic_cubic_w(&cu->s, cc->mss, t_ns + ack->rtt->srtt_ns);
	target = clamp(target, cc->cwnd, cc->cwnd + cc->cwnd / 2);
	tquic_cc_set_cwnd(cc, cc->cwnd + mul_u64_u64_div_u64(target - cc->cwnd, bytes,
							     cc->cwnd));
}

static void tquic_cubic_init(struct tquic_cc *cc, u64 now)
{
	BUILD_BUG_ON(sizeof(struct tquic_cubic) > sizeof(cc->priv));
}

static void tquic_cubic_on_ack(struct tquic_cc *cc, const struct tquic_cc_ack *ack)
{
	struct tquic_cubic *cu = tquic_cc_priv(cc);

	/* Nor does the curve go on in a slow start back to the window of before. */
	if (tquic_cc_slow_start(cc, ack) || !ack->cwnd_limited) {
		if (!cu->unused_ns)
			cu->unused_ns = ack->now;
		return;
	}
	if (!cu->s.epoch_ns)
		tquic_cubic_start(cc, ack->now);
	else if (cu->unused_ns)
		cu->s.epoch_ns += ack->now - cu->unused_ns;
	cu->unused_ns = 0;
	tquic_cubic_avoid(cc, ack);
}

static void tquic_cubic_on_congestion(struct tquic_cc *cc, u64 now)
{
	struct tquic_cubic *cu = tquic_cc_priv(cc);
	struct tquic_cubic_state *s = &cu->s;

	cu->undo = *s;
	/* Fast convergence, RFC 9438 4.7: leave room for a new flow. */
	if (cc->cwnd < s->w_max)
		s->w_max = div_u64(cc->cwnd * (TQUIC_CUBIC_BETA_DEN + TQUIC_CUBIC_BETA_NUM),
				   2 * TQUIC_CUBIC_BETA_DEN);
	else
		s->w_max = cc->cwnd;
	s->cwnd_prior = cc->cwnd;
	s->epoch_ns = 0;
	tquic_cc_set_cwnd(cc, div_u64(cc->cwnd * TQUIC_CUBIC_BETA_NUM, TQUIC_CUBIC_BETA_DEN));
	cc->ssthresh = cc->cwnd;
}

/* RFC 9438 4.8: the next stage takes its plateau from where it begins. */
static void tquic_cubic_on_persistent(struct tquic_cc *cc, u64 now)
{
	struct tquic_cubic *cu = tquic_cc_priv(cc);

	cu->s.epoch_ns = 0;
	cu->s.w_max = 0;
}

static void tquic_cubic_on_spurious(struct tquic_cc *cc, u64 now)
{
	struct tquic_cubic *cu = tquic_cc_priv(cc);

	cu->s = cu->undo;
}

/* While nothing is in flight the curve stands still (RFC 9438 5.8). */
static void tquic_cubic_on_idle(struct tquic_cc *cc, u64 gap_ns)
{
	struct tquic_cubic *cu = tquic_cc_priv(cc);

	if (cu->s.epoch_ns && !cu->unused_ns)
		cu->s.epoch_ns += gap_ns;
}

struct tquic_cc_ops tquic_cc_cubic = {
	.entry.name	= "cubic",
	.entry.owner	= THIS_MODULE,
	.gain_pct	= 120,
	.init		= tquic_cubic_init,
	.on_ack		= tquic_cubic_on_ack,
	.on_congestion	= tquic_cubic_on_congestion,
	.on_persistent	= tquic_cubic_on_persistent,
	.on_spurious	= tquic_cubic_on_spurious,
	.on_idle	= tquic_cubic_on_idle,
};
