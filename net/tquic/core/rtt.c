// SPDX-License-Identifier: GPL-2.0
/* Round-trip time estimator of one path (RFC 9002 section 5). */
#include <linux/minmax.h>
#include <linux/string.h>

#include "core/rtt.h"

/**
 * tquic_rtt_init() - start without a sample
 * @rtt: estimator
 * @initial_ns: RTT to assume, normally TQUIC_RTT_INITIAL_NS
 */
void tquic_rtt_init(struct tquic_rtt *rtt, u64 initial_ns)
{
	memset(rtt, 0, sizeof(*rtt));
	rtt->srtt_ns = initial_ns;
	rtt->rttvar_ns = initial_ns / 2;
}

/**
 * tquic_rtt_update() - take a sample in
 * @rtt: estimator
 * @now: time, not 0
 * @sample_ns: time from sending the largest acknowledged packet to its ACK
 * @ack_delay_ns: delay the peer reports; 0 for Initial packets
 * @max_ack_delay_ns: limit of @ack_delay_ns; U64_MAX before the handshake is
 *	confirmed (RFC 9002 5.3)
 */
void tquic_rtt_update(struct tquic_rtt *rtt, u64 now, u64 sample_ns,
		      u64 ack_delay_ns, u64 max_ack_delay_ns)
{
	u64 adjusted_ns = sample_ns;
	u64 dev_ns;

	rtt->latest_ns = sample_ns;
	if (!rtt->first_sample_ns) {
		rtt->first_sample_ns = now;
		rtt->min_ns = sample_ns;
		rtt->srtt_ns = sample_ns;
		rtt->rttvar_ns = sample_ns / 2;
		return;
	}
	rtt->min_ns = min(rtt->min_ns, sample_ns);
	ack_delay_ns = min(ack_delay_ns, max_ack_delay_ns);
	if (sample_ns - rtt->min_ns >= ack_delay_ns)
		adjusted_ns -= ack_delay_ns;
	dev_ns = rtt->srtt_ns > adjusted_ns ? rtt->srtt_ns - adjusted_ns :
					      adjusted_ns - rtt->srtt_ns;
	rtt->rttvar_ns = (3 * rtt->rttvar_ns + dev_ns) / 4;
	rtt->srtt_ns = (7 * rtt->srtt_ns + adjusted_ns) / 8;
}

/**
 * tquic_rtt_reset_min() - forget the minimum after persistent congestion
 * @rtt: estimator
 */
void tquic_rtt_reset_min(struct tquic_rtt *rtt)
{
	rtt->min_ns = rtt->latest_ns;
}

/**
 * tquic_rtt_pto_ns() - probe timeout without backoff (RFC 9002 6.2.1)
 * @rtt: estimator
 * @max_ack_delay_ns: the peer's; 0 for Initial and Handshake packets
 *
 * Return: the period in ns.
 */
u64 tquic_rtt_pto_ns(const struct tquic_rtt *rtt, u64 max_ack_delay_ns)
{
	return rtt->srtt_ns + max_t(u64, 4 * rtt->rttvar_ns, TQUIC_RTT_GRANULARITY_NS) +
	       max_ack_delay_ns;
}
