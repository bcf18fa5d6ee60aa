// SPDX-License-Identifier: GPL-2.0
/* Congestion control of one path: common accounting and the registry of algorithms. */
#include <linux/array_size.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/string.h>
#include <linux/time64.h>

#include "cc/cc.h"

#define TQUIC_CC_INITIAL_PKTS		10
#define TQUIC_CC_SLOW_START_GAIN_PCT	200
#define TQUIC_CC_IDLE_NS		NSEC_PER_SEC
#define TQUIC_CC_CSS_GROWTH_DIVISOR	4	/* RFC 9406 4.3 */

TQUIC_CATALOG(tquic_cc_catalog);

/**
 * tquic_cc_initial_window() - what a path begins with (RFC 9002 section 7.2)
 * @mss: largest datagram
 *
 * Return: bytes.
 */
u64 tquic_cc_initial_window(u32 mss)
{
	return min_t(u64, TQUIC_CC_INITIAL_PKTS * (u64)mss,
		     max_t(u64, TQUIC_CC_INITIAL_BYTES, 2 * (u64)mss));
}

/**
 * tquic_cc_set_cwnd() - set the window within its bounds
 * @cc: congestion state
 * @cwnd: bytes; kept between two packets and TQUIC_CC_CWND_MAX
 */
void tquic_cc_set_cwnd(struct tquic_cc *cc, u64 cwnd)
{
	cc->cwnd = clamp_t(u64, cwnd, tquic_cc_min_window(cc), TQUIC_CC_CWND_MAX);
}

/**
 * tquic_cc_reset() - begin anew on a path that changed (RFC 9000 9.4)
 * @cc: congestion state
 * @now: time
 *
 * Algorithm, packet size, bytes in flight, delivery and group are kept.
 */
void tquic_cc_reset(struct tquic_cc *cc, u64 now)
{
	tquic_cc_set_cwnd(cc, tquic_cc_initial_window(cc->mss));
	cc->ssthresh = U64_MAX;
	cc->recovery_start_ns = 0;
	cc->undo_cwnd = 0;
	memset(cc->priv, 0, sizeof(cc->priv));
	tquic_hystart_init(&cc->hystart, now);
	cc->ops->init(cc, now);
}

/**
 * tquic_cc_init() - start congestion control on a new path
 * @cc: congestion state
 * @ops: algorithm
 * @mss: largest datagram
 * @now: time, not 0
 */
void tquic_cc_init(struct tquic_cc *cc, const struct tquic_cc_ops *ops, u32 mss, u64 now)
{
	memset(cc, 0, sizeof(*cc));
	cc->ops = ops;
	cc->mss = max_t(u32, mss, TQUIC_CC_MSS_MIN);
	tquic_cc_reset(cc, now);
}

/**
 * tquic_cc_switch() - hand a path over to another algorithm
 * @cc: congestion state
 * @ops: algorithm; must outlive the path
 * @now: time
 *
 * Window, threshold and bytes in flight are what the path can carry, whoever
 * found out, and are kept. Undoing a reduction of the old algorithm's is not
 * the new one's business.
 */
void tquic_cc_switch(struct tquic_cc *cc, const struct tquic_cc_ops *ops, u64 now)
{
	cc->ops = ops;
	cc->undo_cwnd = 0;
	memset(cc->priv, 0, sizeof(cc->priv));
	ops->init(cc, now);
}

/**
 * tquic_cc_group_init() - make a group without members
 * @group: the group; outlives its members
 */
void tquic_cc_group_init(struct tquic_cc_group *group)
{
	INIT_LIST_HEAD(&group->members);
}

/**
 * tquic_cc_join() - a path came into use: it grows with its siblings
 * @cc: congestion state; nothing happens to one that is in the group
 * @group: the connection's; all members run the same algorithm
 * @rtt: estimator of the path; outlives the membership
 */
void tquic_cc_join(struct tquic_cc *cc, struct tquic_cc_group *group,
		   const struct tquic_rtt *rtt)
{
	if (cc->group)
		return;
	cc->group = group;
	cc->rtt = rtt;
	list_add_tail(&cc->sibling, &group->members);
}

/**
 * tquic_cc_part() - a path failed or is given up: it leaves its group, if any
 * @cc: congestion state
 */
void tquic_cc_part(struct tquic_cc *cc)
{
	if (!cc->group)
		return;
	list_del(&cc->sibling);
	cc->group = NULL;
}

/**
 * tquic_cc_set_mss() - the path takes larger or only smaller datagrams
 * @cc: congestion state
 * @mss: largest datagram
 *
 * The initial window follows (RFC 9002 7.2), and when it grows, what the first slow start has made
 * of it grows in proportion: path MTU discovery on a long path ends in the middle of that.
 */
void tquic_cc_set_mss(struct tquic_cc *cc, u32 mss)
{
	u64 before = tquic_cc_initial_window(cc->mss);
	u64 cwnd = cc->cwnd;
	u64 after;

	cc->mss = max_t(u32, mss, TQUIC_CC_MSS_MIN);
	after = tquic_cc_initial_window(cc->mss);
	if (cc->ssthresh == U64_MAX && (after > before || cwnd == before))
		cwnd = mul_u64_u64_div_u64(cwnd, after, before);
	tquic_cc_set_cwnd(cc, cwnd);
}

/* Takes bytes out of flight. */
static void tquic_cc_leave(struct tquic_cc *cc, u64 bytes, u64 now)
{
	if (!bytes)
		return;
	cc->in_flight -= min(cc->in_flight, bytes);
	if (!cc->in_flight)
		cc->idle_since_ns = now;
}

/*
 * What a path could carry before nothing was sent for a while may be more than it can now, and
 * the whole window at once would fill its queue with what the other paths wait for. Slow start
 * goes back to three quarters of it, as after RFC 2861 3.1, but not from the initial window: a
 * third of that is what two halvings leave, and it is paced.
 */
static void tquic_cc_resume(struct tquic_cc *cc)
{
	u64 cwnd;

	if (cc->ops->sampled || cc->ssthresh == U64_MAX)
		return;
	cc->ssthresh = max(cc->ssthresh, cc->cwnd / 4 * 3);
	cwnd = max(tquic_cc_initial_window(cc->mss), div_u64(cc->ssthresh, 3));
	tquic_cc_set_cwnd(cc, min(cc->cwnd, cwnd));
}

/**
 * tquic_cc_on_sent() - an in-flight packet leaves
 * @cc: congestion state
 * @bytes: its size
 * @now: time
 *
 * Time in which nothing was in flight does not count as time spent growing.
 */
void tquic_cc_on_sent(struct tquic_cc *cc, u32 bytes, u64 now)
{
	u64 idle_ns;

	if (!cc->in_flight) {
		idle_ns = cc->idle_since_ns ? now - cc->idle_since_ns : 0;
		if (idle_ns && cc->ops->on_idle)
			cc->ops->on_idle(cc, idle_ns);
		if (idle_ns >= TQUIC_CC_IDLE_NS)
			tquic_cc_resume(cc);
		cc->used_bytes = 0;
		cc->used_prev_bytes = 0;
	}
	cc->in_flight += bytes;
	cc->used_bytes = max(cc->used_bytes, cc->in_flight);
}

/**
 * tquic_cc_limited() - did the window, and not the application, hold sending back
 * @cc: congestion state, before an ACK is handled
 *
 * A window that is not used does not grow (RFC 9002 7.8). Used it was when it was nearly
 * full at some time since what is acknowledged now was sent: what is in flight when the
 * ACK comes tells less, as those just before it made room that nobody could fill yet. In
 * slow start half of it will do, as it doubles within a round.
 */
bool tquic_cc_limited(const struct tquic_cc *cc)
{
	u64 used = max(cc->used_bytes, cc->used_prev_bytes);

	return used + 2 * (u64)cc->mss >= cc->cwnd ||
	       (tquic_cc_in_slow_start(cc) && 2 * used >= cc->cwnd);
}

static void tquic_cc_end_round(struct tquic_cc *cc, u64 now)
{
	cc->used_prev_bytes = cc->used_bytes;
	cc->used_bytes = cc->in_flight;
	cc->used_since_ns = now;
}

/**
 * tquic_cc_on_ack() - in-flight packets were acknowledged
 * @cc: congestion state
 * @ack: which
 *
 * Packets sent before recovery began do not grow the window (RFC 9002 7.3.2).
 */
void tquic_cc_on_ack(struct tquic_cc *cc, const struct tquic_cc_ack *ack)
{
	if (!ack->bytes)
		return;
	tquic_cc_leave(cc, ack->bytes, ack->now);
	if (ack->sent_ns >= cc->used_since_ns)
		tquic_cc_end_round(cc, ack->now);
	if (cc->ops->sampled || ack->sent_ns > cc->recovery_start_ns)
		cc->ops->on_ack(cc, ack);
}

/* Opens a recovery period unless the packet was sent before one began. */
static bool tquic_cc_congestion(struct tquic_cc *cc, u64 sent_ns, u64 now)
{
	if (sent_ns <= cc->recovery_start_ns)
		return false;
	cc->recovery_prev_ns = cc->recovery_start_ns;
	cc->recovery_start_ns = now;
	cc->recovery_lost = 0;
	cc->undo_cwnd = cc->cwnd;
	cc->undo_ssthresh = cc->ssthresh;
	cc->ops->on_congestion(cc, now);
	return true;
}

/*
 * RFC 9002 7.6.2. Its pseudocode also forgets the recovery period; it is begun
 * anew here instead, so that stragglers from before the outage, declared lost
 * one by one, do not bring the threshold down to the minimum as well.
 */
static void tquic_cc_persistent(struct tquic_cc *cc, u64 now)
{
	tquic_cc_set_cwnd(cc, 0);
	cc->recovery_start_ns = now;
	cc->undo_cwnd = 0;
	if (cc->ops->on_persistent)
		cc->ops->on_persistent(cc, now);
}

/**
 * tquic_cc_on_lost() - in-flight packets were declared lost
 * @cc: congestion state
 * @loss: which; MTU probes are none of them: tquic_cc_on_discard()
 */
void tquic_cc_on_lost(struct tquic_cc *cc, const struct tquic_cc_loss *loss)
{
	if (!loss->pkts)
		return;
	tquic_cc_leave(cc, loss->bytes, loss->now);
	tquic_cc_congestion(cc, loss->sent_ns, loss->now);
	cc->recovery_lost += loss->pkts;
	if (cc->ops->on_lost)
		cc->ops->on_lost(cc, loss);
	if (loss->persistent)
		tquic_cc_persistent(cc, loss->now);
}

/**
 * tquic_cc_on_ecn() - the peer reports new ECN-CE marks (RFC 9002 7.1)
 * @cc: congestion state
 * @sent_ns: send time of the largest packet acknowledged with them
 * @now: time
 */
void tquic_cc_on_ecn(struct tquic_cc *cc, u64 sent_ns, u64 now)
{
	if (tquic_cc_congestion(cc, sent_ns, now) && cc->ops->on_ecn)
		cc->ops->on_ecn(cc, now);
	cc->undo_cwnd = 0;
}

/**
 * tquic_cc_on_discard() - bytes leave flight without a verdict
 * @cc: congestion state
 * @bytes: discarded keys, abandoned path, lost MTU probe
 * @now: time
 */
void tquic_cc_on_discard(struct tquic_cc *cc, u64 bytes, u64 now)
{
	tquic_cc_leave(cc, bytes, now);
}

/**
 * tquic_cc_on_spurious() - packets declared lost were acknowledged after all
 * @cc: congestion state
 * @pkts: how many
 * @oldest_sent_ns: oldest send time among them
 * @now: time
 *
 * Once all losses of the newest congestion event have turned out wrong, the
 * state from before it comes back (RFC 9438 4.9). Packets of an earlier event
 * prove nothing about this one.
 */
void tquic_cc_on_spurious(struct tquic_cc *cc, u32 pkts, u64 oldest_sent_ns, u64 now)
{
	if (!cc->undo_cwnd || oldest_sent_ns <= cc->recovery_prev_ns)
		return;
	cc->recovery_lost -= min(cc->recovery_lost, pkts);
	if (cc->recovery_lost)
		return;
	cc->recovery_start_ns = cc->recovery_prev_ns;
	tquic_cc_set_cwnd(cc, max(cc->cwnd, cc->undo_cwnd));
	cc->undo_cwnd = 0;
	cc->ssthresh = max(cc->ssthresh, cc->undo_ssthresh);
	if (cc->ops->on_spurious)
		cc->ops->on_spurious(cc, now);
}

/**
 * tquic_cc_pacing_rate() - rate to spread packets at
 * @cc: congestion state
 * @rtt: estimator of the path
 *
 * RFC 9002 7.7 wants a factor N above 1 on cwnd/srtt, so that variations of the
 * RTT do not leave the window unused: the algorithm's in congestion avoidance,
 * 2 in slow start, where the window doubles within the RTT being spread over.
 * An algorithm that models the path says itself how fast it is.
 *
 * Return: bytes per second, never 0.
 */
u64 tquic_cc_pacing_rate(const struct tquic_cc *cc, const struct tquic_rtt *rtt)
{
	u32 gain_pct = tquic_cc_in_slow_start(cc) ? TQUIC_CC_SLOW_START_GAIN_PCT :
						    cc->ops->gain_pct;
	u64 bytes = div_u64(cc->cwnd * gain_pct, 100);

	if (cc->ops->pacing_rate)
		return max_t(u64, 1, cc->ops->pacing_rate(cc, rtt));
	/* At most 2^33 bytes times 10^9 ns: fits. */
	return max_t(u64, 1, div64_u64(bytes * NSEC_PER_SEC, max_t(u64, 1, rtt->srtt_ns)));
}

/**
 * tquic_cc_slow_start() - grow the window if it is below the threshold
 * @cc: congestion state
 * @ack: packets acknowledged
 *
 * The first slow start ends by HyStart++ or by a congestion event, later ones
 * at the threshold (RFC 9406 4.3). Sending is paced, so there is no limit L.
 *
 * Return: false when the ACK is congestion avoidance's to handle.
 */
bool tquic_cc_slow_start(struct tquic_cc *cc, const struct tquic_cc_ack *ack)
{
	enum tquic_hystart_phase phase;
	u64 grow = ack->bytes;

	if (!tquic_cc_in_slow_start(cc))
		return false;
	if (cc->ssthresh == U64_MAX) {
		phase = tquic_hystart_on_ack(&cc->hystart, ack->now, ack->sent_ns,
					     ack->rtt_ns);
		if (phase == TQUIC_HYSTART_DONE) {
			cc->ssthresh = cc->cwnd;
			return false;
		}
		if (phase == TQUIC_HYSTART_CSS)
			grow /= TQUIC_CC_CSS_GROWTH_DIVISOR;
	}
	if (ack->cwnd_limited)
		tquic_cc_set_cwnd(cc, cc->cwnd + grow);
	return true;
}

/* What connections may choose from */
static struct tquic_entry *const tquic_ccs[] = {
	&tquic_cc_balia.entry,
	&tquic_cc_bbr.entry,
	&tquic_cc_cubic.entry,
	&tquic_cc_lia.entry,
	&tquic_cc_newreno.entry,
	&tquic_cc_olia.entry,
};

/**
 * tquic_ccs_init() - offer the congestion controls of the module
 *
 * Context: process.
 * Return: 0 or -EEXIST.
 */
int tquic_ccs_init(void)
{
	return tquic_catalog_fill(&tquic_cc_catalog, tquic_ccs, ARRAY_SIZE(tquic_ccs));
}

/**
 * tquic_ccs_exit() - withdraw them
 *
 * Context: process, sleeps for grace periods.
 */
void tquic_ccs_exit(void)
{
	tquic_catalog_empty(&tquic_cc_catalog, tquic_ccs, ARRAY_SIZE(tquic_ccs));
}

/**
 * tquic_cc_get() - look an algorithm up and keep its module loaded
 * @name: what the user asked for
 *
 * Context: any.
 * Return: the algorithm, to be given back with tquic_cc_put(), or NULL.
 */
const struct tquic_cc_ops *tquic_cc_get(const char *name)
{
	struct tquic_entry *e = tquic_catalog_get(&tquic_cc_catalog, name);

	return e ? container_of(e, struct tquic_cc_ops, entry) : NULL;
}

/**
 * tquic_cc_put() - give back what tquic_cc_get() returned
 * @ops: algorithm or NULL
 */
void tquic_cc_put(const struct tquic_cc_ops *ops)
{
	if (ops)
		tquic_catalog_put(&ops->entry);
}
