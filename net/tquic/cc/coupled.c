// SPDX-License-Identifier: GPL-2.0
/* Coupled congestion avoidance of the paths of a connection: LIA, OLIA, BALIA. */
#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/list.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/time64.h>

#include "cc/cc.h"

/*
 * The three differ in the gain g of a path: it grows by g packets for each
 * window acknowledged, where Reno grows by one. With w the window of a path in
 * bytes, x = w/rtt its rate and f = x / sum(x) its share of all rates,
 *
 *   LIA    g = min(1, f_m^2 * w/w_m), m the path with the largest w/rtt^2
 *   OLIA   g = f^2 + alpha, alpha within -1..1
 *   BALIA  g = (f + f_max) * (4f + f_max) / 10
 *
 * which are the formulas of RFC 6356 section 3, of Khalili et al. (CoNEXT 2012)
 * and of draft-walid-mptcp-congestion-control, rearranged so that all factors
 * are at most 1: fixed point with 16 bits for shares and 32 for gains does not
 * overflow, whatever windows and RTTs are. Slow start is that of a single path.
 */
#define TQUIC_SHARE_SHIFT	16
#define TQUIC_SHARE_ONE		BIT_ULL(TQUIC_SHARE_SHIFT)
#define TQUIC_GAIN_SHIFT	(2 * TQUIC_SHARE_SHIFT)
#define TQUIC_GAIN_ONE		((s64)BIT_ULL(TQUIC_GAIN_SHIFT))
#define TQUIC_COUPLED_RTT_MAX	(1000ULL * USEC_PER_SEC)
#define TQUIC_OLIA_RUN_MAX	BIT_ULL(31)

/**
 * struct tquic_coupled - private state of all three
 * @rest: change by less than a byte, in units of 2^-TQUIC_GAIN_SHIFT bytes
 * @run: OLIA: bytes acknowledged since the last loss
 * @run_last: OLIA: between the last two
 * @run_undo: @run_last before the last congestion event
 */
struct tquic_coupled {
	s64 rest;
	u64 run;
	u64 run_last;
	u64 run_undo;
};

/**
 * struct tquic_coupled_sum - the group as one of its paths sees it
 * @share: of the path itself, in 2^-TQUIC_SHARE_SHIFT
 * @share_max: of the fastest path
 * @share_best: of the path with the largest w/rtt^2
 * @cwnd_best: its window
 */
struct tquic_coupled_sum {
	u64 share;
	u64 share_max;
	u64 share_best;
	u64 cwnd_best;
};

/* What takes nothing of a bottleneck, as a path that is spared, counts for nothing. */
#define tquic_coupled_for_each(sib, cc) \
	list_for_each_entry(sib, &(cc)->group->members, sibling) \
		if ((sib) == (cc) || (sib)->in_flight)

static u64 tquic_coupled_rtt_us(const struct tquic_cc *cc)
{
	return clamp_t(u64, div_u64(cc->rtt->srtt_ns, NSEC_PER_USEC), 1,
		       TQUIC_COUPLED_RTT_MAX);
}

/* Bytes per second: a window of 2400 to 2^32 gives 2 to less than 2^52. */
static u64 tquic_coupled_rate(const struct tquic_cc *cc)
{
	return div64_u64(cc->cwnd * USEC_PER_SEC, tquic_coupled_rtt_us(cc));
}

static void tquic_coupled_sum(const struct tquic_cc *cc, struct tquic_coupled_sum *sum)
{
	u64 rate, all = 0, most = 0, best = 0, best_rate = 0, per_rtt;
	const struct tquic_cc *sib;

	sum->cwnd_best = cc->cwnd;
	tquic_coupled_for_each(sib, cc) {
		rate = tquic_coupled_rate(sib);
		/* At most 16 paths: below 2^56. */
		all += rate;
		most = max(most, rate);
		/* With eleven bits more to tell slow paths apart: below 2^63. */
		per_rtt = div64_u64(rate << 11, tquic_coupled_rtt_us(sib));
		if (per_rtt < best || (per_rtt == best && rate <= best_rate))
			continue;
		best = per_rtt;
		best_rate = rate;
		sum->cwnd_best = sib->cwnd;
	}
	all = max_t(u64, all, 1);
	sum->share = mul_u64_u64_div_u64(tquic_coupled_rate(cc), TQUIC_SHARE_ONE, all);
	sum->share_max = mul_u64_u64_div_u64(most, TQUIC_SHARE_ONE, all);
	sum->share_best = mul_u64_u64_div_u64(best_rate, TQUIC_SHARE_ONE, all);
}

/* Of a window at most is counted, with a gain of at most 1: that adds a packet. */
static void tquic_coupled_grow(struct tquic_cc *cc, u64 acked, s64 gain)
{
	struct tquic_coupled *c = tquic_cc_priv(cc);
	u64 bytes = min(acked, cc->cwnd) * cc->mss;
	s64 step;

	gain = clamp(gain, -TQUIC_GAIN_ONE, TQUIC_GAIN_ONE);
	step = mul_u64_u64_div_u64(bytes, abs(gain), cc->cwnd);
	c->rest += gain < 0 ? -step : step;
	step = c->rest >> TQUIC_GAIN_SHIFT;
	c->rest &= TQUIC_GAIN_ONE - 1;
	tquic_cc_set_cwnd(cc, max_t(s64, cc->cwnd + step, 0));
	/* A window that was given to another path is no reason for a slow start. */
	if (step < 0)
		cc->ssthresh = min(cc->ssthresh, cc->cwnd);
}

/* Growth is congestion avoidance's. A path in no group has none to regard. */
static bool tquic_coupled_avoids(struct tquic_cc *cc, const struct tquic_cc_ack *ack)
{
	if (tquic_cc_slow_start(cc, ack) || !ack->cwnd_limited)
		return false;
	if (cc->group)
		return true;
	tquic_coupled_grow(cc, ack->bytes, TQUIC_GAIN_ONE);
	return false;
}

static void tquic_coupled_init(struct tquic_cc *cc, u64 now)
{
	BUILD_BUG_ON(sizeof(struct tquic_coupled) > sizeof(cc->priv));
}

static void tquic_coupled_on_congestion(struct tquic_cc *cc, u64 now)
{
	struct tquic_coupled *c = tquic_cc_priv(cc);

	c->rest = 0;
	tquic_cc_set_cwnd(cc, cc->cwnd / 2);
	cc->ssthresh = cc->cwnd;
}

static void tquic_lia_on_ack(struct tquic_cc *cc, const struct tquic_cc_ack *ack)
{
	struct tquic_coupled_sum sum;
	u64 gain;

	if (!tquic_coupled_avoids(cc, ack))
		return;
	tquic_coupled_sum(cc, &sum);
	gain = mul_u64_u64_div_u64(sum.share_best * sum.share_best, cc->cwnd,
				   sum.cwnd_best);
	tquic_coupled_grow(cc, ack->bytes, gain);
}

/*
 * l/rtt^2 of a path, l the larger of what the last two losses let through: what makes
 * the square of the rate of a TCP flow there.
 */
static u64 tquic_olia_quality(struct tquic_cc *cc)
{
	const struct tquic_coupled *c = tquic_cc_priv(cc);
	u64 run = max_t(u64, c->run, c->run_last);
	u64 rtt_us = tquic_coupled_rtt_us(cc);

	return div64_u64(run << 32, rtt_us * rtt_us);
}

/*
 * Moves window from the paths that have the largest ones (M) to those that lose
 * least (B), if these are others. What all of M give up is what B \ M take.
 */
static s64 tquic_olia_alpha(struct tquic_cc *cc)
{
	u64 quality, best = 0, largest = 0;
	u32 paths = 0, max_paths = 0, poor = 0;
	struct tquic_cc *sib;

	tquic_coupled_for_each(sib, cc) {
		best = max(best, tquic_olia_quality(sib));
		largest = max(largest, sib->cwnd);
		paths++;
	}
	tquic_coupled_for_each(sib, cc) {
		if (sib->cwnd == largest)
			max_paths++;
		else if (tquic_olia_quality(sib) == best)
			poor++;
	}
	if (!poor)
		return 0;
	if (cc->cwnd == largest)
		return -div_s64(TQUIC_GAIN_ONE, paths * max_paths);
	quality = tquic_olia_quality(cc);
	return quality == best ? div_s64(TQUIC_GAIN_ONE, paths * poor) : 0;
}

static void tquic_olia_on_ack(struct tquic_cc *cc, const struct tquic_cc_ack *ack)
{
	struct tquic_coupled *c = tquic_cc_priv(cc);
	struct tquic_coupled_sum sum;

	c->run = min(c->run + ack->bytes, TQUIC_OLIA_RUN_MAX);
	if (!tquic_coupled_avoids(cc, ack))
		return;
	tquic_coupled_sum(cc, &sum);
	tquic_coupled_grow(cc, ack->bytes,
			   (s64)(sum.share * sum.share) + tquic_olia_alpha(cc));
}

static void tquic_olia_on_congestion(struct tquic_cc *cc, u64 now)
{
	struct tquic_coupled *c = tquic_cc_priv(cc);

	c->run_undo = c->run_last;
	c->run_last = c->run;
	c->run = 0;
	tquic_coupled_on_congestion(cc, now);
}

static void tquic_olia_on_spurious(struct tquic_cc *cc, u64 now)
{
	struct tquic_coupled *c = tquic_cc_priv(cc);

	c->run = min(c->run + c->run_last, TQUIC_OLIA_RUN_MAX);
	c->run_last = c->run_undo;
}

static void tquic_balia_on_ack(struct tquic_cc *cc, const struct tquic_cc_ack *ack)
{
	struct tquic_coupled_sum sum;

	if (!tquic_coupled_avoids(cc, ack))
		return;
	tquic_coupled_sum(cc, &sum);
	tquic_coupled_grow(cc, ack->bytes,
			   div_u64((sum.share + sum.share_max) *
				   (4 * sum.share + sum.share_max), 10));
}

/* By half on the fastest path, up to three quarters on slower ones. */
static void tquic_balia_on_congestion(struct tquic_cc *cc, u64 now)
{
	struct tquic_coupled *c = tquic_cc_priv(cc);
	struct tquic_coupled_sum sum = { .share = 1, .share_max = 1 };
	u64 half = cc->cwnd / 2;

	if (cc->group)
		tquic_coupled_sum(cc, &sum);
	if (2 * sum.share_max >= 3 * sum.share)
		half += half / 2;
	else
		half = mul_u64_u64_div_u64(half, sum.share_max, sum.share);
	c->rest = 0;
	tquic_cc_set_cwnd(cc, cc->cwnd - half);
	cc->ssthresh = cc->cwnd;
}

struct tquic_cc_ops tquic_cc_lia = {
	.entry.name	= "lia",
	.entry.owner	= THIS_MODULE,
	.gain_pct	= 125,
	.init		= tquic_coupled_init,
	.on_ack		= tquic_lia_on_ack,
	.on_congestion	= tquic_coupled_on_congestion,
};

struct tquic_cc_ops tquic_cc_olia = {
	.entry.name	= "olia",
	.entry.owner	= THIS_MODULE,
	.gain_pct	= 125,
	.init		= tquic_coupled_init,
	.on_ack		= tquic_olia_on_ack,
	.on_congestion	= tquic_olia_on_congestion,
	.on_spurious	= tquic_olia_on_spurious,
};

struct tquic_cc_ops tquic_cc_balia = {
	.entry.name	= "balia",
	.entry.owner	= THIS_MODULE,
	.gain_pct	= 125,
	.init		= tquic_coupled_init,
	.on_ack		= tquic_balia_on_ack,
	.on_congestion	= tquic_balia_on_congestion,
};
