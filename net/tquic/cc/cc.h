/* SPDX-License-Identifier: GPL-2.0 */
/* Congestion control of one path: common accounting and the registry of algorithms. */
#ifndef TQUIC_CC_CC_H
#define TQUIC_CC_CC_H

#include <linux/bits.h>
#include <linux/list.h>
#include <linux/types.h>

#include "cc/hystart.h"
#include "cc/rate.h"
#include "core/catalog.h"
#include "core/rtt.h"

struct module;
struct tquic_cc;

#define TQUIC_CC_PRIV_WORDS	33
#define TQUIC_CC_MSS_MIN	1200
#define TQUIC_CC_INITIAL_BYTES	14720	/* RFC 9002 7.2 */
#define TQUIC_CC_CWND_MAX	BIT_ULL(32)

/**
 * struct tquic_cc_ack - packets acknowledged by one ACK frame
 * @now: time
 * @bytes: in-flight bytes acknowledged
 * @sent_ns: send time of the largest newly acknowledged packet
 * @rtt_ns: RTT sample, 0 for none
 * @rtt: estimator of the path, the sample included
 * @rate_pkt: what the newest in-flight packet acknowledged remembers of the
 *	delivery when it left; NULL when rates are not sampled
 * @rate_sent_ns: its send time
 * @cwnd_limited: the window, not the application, held sending back
 */
struct tquic_cc_ack {
	u64 now;
	u64 bytes;
	u64 sent_ns;
	u64 rtt_ns;
	const struct tquic_rtt *rtt;
	const struct tquic_rate_pkt *rate_pkt;
	u64 rate_sent_ns;
	bool cwnd_limited;
};

/**
 * struct tquic_cc_loss - packets declared lost at once
 * @now: time
 * @bytes: in-flight bytes lost
 * @sent_ns: newest send time among them
 * @rate_pkt: what the newest remembers of the delivery, valid with @sampled
 * @pkts: how many
 * @sampled: rates are sampled
 * @persistent: they establish persistent congestion
 */
struct tquic_cc_loss {
	u64 now;
	u64 bytes;
	u64 sent_ns;
	struct tquic_rate_pkt rate_pkt;
	u32 pkts;
	bool sampled;
	bool persistent;
};

/**
 * struct tquic_cc_group - paths of a connection that grow together
 * @members: &tquic_cc.sibling of the paths in use
 *
 * Under the connection's lock. A path that fails leaves it, so that its stale
 * window does not hold the others back.
 */
struct tquic_cc_group {
	struct list_head members;
};

/**
 * struct tquic_cc_ops - a congestion control algorithm
 * @entry: its name and its module
 * @init: set up &tquic_cc.priv
 * @on_ack: grow the window; not called for packets sent before recovery began,
 *	unless @sampled
 * @on_congestion: a new recovery period: set ssthresh and cwnd
 * @on_lost: every batch of losses, after @on_congestion (optional)
 * @on_ecn: the new recovery period began with CE marks, after @on_congestion
 *	(optional)
 * @on_persistent: cwnd has been set to the minimum (optional)
 * @on_spurious: cwnd and ssthresh from before the last congestion event have been
 *               restored; restore the private state as well (optional)
 * @on_idle: sending resumes after @gap_ns with nothing in flight (optional)
 * @pacing_rate: bytes per second, instead of cwnd/srtt (optional); the pacer and
 *	not the window then says when the path is full
 * @gain_pct: pacing rate as percentage of cwnd/srtt in congestion avoidance
 * @sampled: packets are to remember what rates are computed from
 *
 * Context: all callbacks run under the connection's lock and must not sleep.
 */
struct tquic_cc_ops {
	struct tquic_entry entry;
	u16 gain_pct;
	bool sampled;
	void (*init)(struct tquic_cc *cc, u64 now);
	void (*on_ack)(struct tquic_cc *cc, const struct tquic_cc_ack *ack);
	void (*on_congestion)(struct tquic_cc *cc, u64 now);
	void (*on_lost)(struct tquic_cc *cc, const struct tquic_cc_loss *loss);
	void (*on_ecn)(struct tquic_cc *cc, u64 now);
	void (*on_persistent)(struct tquic_cc *cc, u64 now);
	void (*on_spurious)(struct tquic_cc *cc, u64 now);
	void (*on_idle)(struct tquic_cc *cc, u64 gap_ns);
	u64 (*pacing_rate)(const struct tquic_cc *cc, const struct tquic_rtt *rtt);
};

/**
 * struct tquic_cc - congestion state of one path
 * @ops: algorithm; must outlive the path
 * @mss: largest datagram the path takes
 * @recovery_lost: packets the current recovery period declared lost and that
 *                 have not turned up
 * @cwnd: congestion window in bytes
 * @ssthresh: slow start threshold in bytes, U64_MAX before the first event
 * @in_flight: bytes sent and neither acked, lost nor discarded
 * @used_bytes: most of them since @used_since_ns
 * @used_prev_bytes: most of them in the round before
 * @used_since_ns: start of a round, which ends when a packet sent in it is acked
 * @recovery_start_ns: start of the newest recovery period, 0 before
 * @recovery_prev_ns: start of the one before
 * @idle_since_ns: when @in_flight last fell to 0, 0 before
 * @undo_cwnd: window before the newest congestion event, 0: not to come back
 * @undo_ssthresh: threshold before the newest congestion event
 * @hystart: slow start exit
 * @rate: delivery, kept when the algorithm changes: packets refer to it
 * @group: paths this one grows with, NULL for none
 * @sibling: link in @group
 * @rtt: estimator of the path, valid in a group
 * @priv: algorithm's own state, see tquic_cc_priv()
 */
struct tquic_cc {
	const struct tquic_cc_ops *ops;
	u32 mss;
	u32 recovery_lost;
	u64 cwnd;
	u64 ssthresh;
	u64 in_flight;
	u64 used_bytes;
	u64 used_prev_bytes;
	u64 used_since_ns;
	u64 recovery_start_ns;
	u64 recovery_prev_ns;
	u64 idle_since_ns;
	u64 undo_cwnd;
	u64 undo_ssthresh;
	struct tquic_hystart hystart;
	struct tquic_rate rate;
	struct tquic_cc_group *group;
	struct list_head sibling;
	const struct tquic_rtt *rtt;
	u64 priv[TQUIC_CC_PRIV_WORDS];
};

/* Algorithms check their size against TQUIC_CC_PRIV_WORDS with BUILD_BUG_ON(). */
static inline void *tquic_cc_priv(struct tquic_cc *cc)
{
	return cc->priv;
}

static inline const void *tquic_cc_priv_const(const struct tquic_cc *cc)
{
	return cc->priv;
}

/**
 * tquic_cc_room_bytes() - bytes the window has left
 * @cc: congestion state
 *
 * Return: cwnd less bytes in flight, 0 when full.
 */
static inline u64 tquic_cc_room_bytes(const struct tquic_cc *cc)
{
	return cc->cwnd > cc->in_flight ? cc->cwnd - cc->in_flight : 0;
}

/* A full-sized packet fits the window (RFC 9002 section 7). */
static inline bool tquic_cc_can_send(const struct tquic_cc *cc)
{
	return tquic_cc_room_bytes(cc) >= cc->mss;
}

/* Window not below the slow start threshold. */
static inline bool tquic_cc_in_slow_start(const struct tquic_cc *cc)
{
	return cc->cwnd < cc->ssthresh;
}

static inline u64 tquic_cc_min_window(const struct tquic_cc *cc)
{
	return 2 * (u64)cc->mss;
}

u64 tquic_cc_initial_window(u32 mss);
void tquic_cc_init(struct tquic_cc *cc, const struct tquic_cc_ops *ops, u32 mss, u64 now);
void tquic_cc_reset(struct tquic_cc *cc, u64 now);
void tquic_cc_switch(struct tquic_cc *cc, const struct tquic_cc_ops *ops, u64 now);
void tquic_cc_group_init(struct tquic_cc_group *group);
void tquic_cc_join(struct tquic_cc *cc, struct tquic_cc_group *group,
		   const struct tquic_rtt *rtt);
void tquic_cc_part(struct tquic_cc *cc);
void tquic_cc_set_mss(struct tquic_cc *cc, u32 mss);
void tquic_cc_on_sent(struct tquic_cc *cc, u32 bytes, u64 now);
bool tquic_cc_limited(const struct tquic_cc *cc);
void tquic_cc_on_ack(struct tquic_cc *cc, const struct tquic_cc_ack *ack);
void tquic_cc_on_lost(struct tquic_cc *cc, const struct tquic_cc_loss *loss);
void tquic_cc_on_ecn(struct tquic_cc *cc, u64 sent_ns, u64 now);
void tquic_cc_on_discard(struct tquic_cc *cc, u64 bytes, u64 now);
void tquic_cc_on_spurious(struct tquic_cc *cc, u32 pkts, u64 oldest_sent_ns, u64 now);
u64 tquic_cc_pacing_rate(const struct tquic_cc *cc, const struct tquic_rtt *rtt);

/* For algorithms. */
bool tquic_cc_slow_start(struct tquic_cc *cc, const struct tquic_cc_ack *ack);
void tquic_cc_set_cwnd(struct tquic_cc *cc, u64 cwnd);

/* Registry. */
extern struct tquic_catalog tquic_cc_catalog;

int tquic_ccs_init(void);
void tquic_ccs_exit(void);
const struct tquic_cc_ops *tquic_cc_get(const char *name);
void tquic_cc_put(const struct tquic_cc_ops *ops);

extern struct tquic_cc_ops tquic_cc_balia;
extern struct tquic_cc_ops tquic_cc_bbr;
extern struct tquic_cc_ops tquic_cc_cubic;
extern struct tquic_cc_ops tquic_cc_lia;
extern struct tquic_cc_ops tquic_cc_newreno;
extern struct tquic_cc_ops tquic_cc_olia;

#endif /* TQUIC_CC_CC_H */
