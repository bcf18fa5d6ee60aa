// SPDX-License-Identifier: GPL-2.0
/* Delivery rate of a path, measured packet by packet (draft-ietf-ccwg-bbr section 4.1). */
#include <linux/limits.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <linux/time64.h>

#include "cc/cc.h"
#include "cc/rate.h"

/**
 * tquic_rate_on_sent() - an in-flight packet leaves
 * @r: state
 * @pkt: its memory; NULL when it has none, as those of the handshake
 * @in_flight: bytes in flight, the packet included
 * @bytes: its size
 * @now: time
 */
void tquic_rate_on_sent(struct tquic_rate *r, struct tquic_rate_pkt *pkt, u64 in_flight,
			u32 bytes, u64 now)
{
	/* The time in which nothing was under way does not count. */
	if (in_flight <= bytes) {
		r->first_sent_ns = now;
		r->delivered_ns = now;
	}
	if (!pkt)
		return;
	pkt->delivered = r->delivered;
	pkt->delivered_ns = r->delivered_ns;
	pkt->first_sent_ns = r->first_sent_ns;
	pkt->lost = r->lost;
	pkt->in_flight = min_t(u64, in_flight, S32_MAX);
	pkt->app_limited = r->app_limited > 0;
}

/*
 * The rate is taken over the longer of the times in which the data was sent and
 * in which it was acknowledged, so that neither a burst of packets nor one of
 * ACKs makes it look too high. Less than the shortest RTT is neither.
 */
static u64 tquic_rate_of(const struct tquic_rate *r, const struct tquic_cc_ack *ack,
			 u64 delivered)
{
	const struct tquic_rate_pkt *pkt = ack->rate_pkt;
	u64 send_ns = ack->rate_sent_ns - pkt->first_sent_ns;
	u64 ack_ns = r->delivered_ns - pkt->delivered_ns;
	u64 ns = max(send_ns, ack_ns);

	if (!ns || ns < ack->rtt->min_ns)
		return 0;
	/* At most 2^32 bytes, which is all that fits in flight, times 10^9 ns: fits. */
	delivered = min(delivered, TQUIC_CC_CWND_MAX);
	return min(div64_u64(delivered * NSEC_PER_SEC, ns), TQUIC_RATE_MAX);
}

/**
 * tquic_rate_on_ack() - in-flight packets were acknowledged
 * @r: state
 * @ack: which
 * @rs: what it tells; overwritten
 */
void tquic_rate_on_ack(struct tquic_rate *r, const struct tquic_cc_ack *ack,
		       struct tquic_rate_sample *rs)
{
	const struct tquic_rate_pkt *pkt = ack->rate_pkt;

	memset(rs, 0, sizeof(*rs));
	rs->acked = ack->bytes;
	r->delivered += ack->bytes;
	r->delivered_ns = ack->now;
	if (r->app_limited && r->delivered > r->app_limited)
		r->app_limited = 0;
	if (!pkt || !pkt->delivered_ns)
		return;
	rs->prior_delivered = pkt->delivered;
	rs->delivered = r->delivered - pkt->delivered;
	rs->lost = r->lost - pkt->lost;
	rs->in_flight = pkt->in_flight;
	rs->app_limited = pkt->app_limited;
	rs->rate = tquic_rate_of(r, ack, rs->delivered);
	r->first_sent_ns = ack->rate_sent_ns;
}

/**
 * tquic_rate_app_limited() - what is in flight is all there was to send
 * @r: state
 * @in_flight: bytes in flight
 *
 * Until all of it is delivered, samples are marked.
 */
void tquic_rate_app_limited(struct tquic_rate *r, u64 in_flight)
{
	r->app_limited = max_t(u64, 1, r->delivered + in_flight);
}
