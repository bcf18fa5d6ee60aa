// SPDX-License-Identifier: GPL-2.0
/* NewReno (RFC 9002 section 7 and appendix B). */
#include <linux/build_bug.h>
#include <linux/minmax.h>
#include <linux/module.h>

#include "cc/cc.h"

/**
 * struct tquic_newreno - private state
 * @acked: bytes acknowledged towards the next packet of growth
 */
struct tquic_newreno {
	u64 acked;
};

static void tquic_newreno_init(struct tquic_cc *cc, u64 now)
{
	BUILD_BUG_ON(sizeof(struct tquic_newreno) > sizeof(cc->priv));
}

/* One packet per window acknowledged, whatever the sizes of the ACKs. */
static void tquic_newreno_on_ack(struct tquic_cc *cc, const struct tquic_cc_ack *ack)
{
	struct tquic_newreno *nr = tquic_cc_priv(cc);

	if (tquic_cc_slow_start(cc, ack) || !ack->cwnd_limited)
		return;
	nr->acked += min(ack->bytes, cc->cwnd);
	if (nr->acked >= cc->cwnd) {
		nr->acked -= cc->cwnd;
		tquic_cc_set_cwnd(cc, cc->cwnd + cc->mss);
	}
}

static void tquic_newreno_on_congestion(struct tquic_cc *cc, u64 now)
{
	struct tquic_newreno *nr = tquic_cc_priv(cc);

	nr->acked = 0;
	tquic_cc_set_cwnd(cc, cc->cwnd / 2);
	cc->ssthresh = cc->cwnd;
}

struct tquic_cc_ops tquic_cc_newreno = {
	.entry.name	= "newreno",
	.entry.owner	= THIS_MODULE,
	.gain_pct	= 125,
	.init		= tquic_newreno_init,
	.on_ack		= tquic_newreno_on_ack,
	.on_congestion	= tquic_newreno_on_congestion,
};
