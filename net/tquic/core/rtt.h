/* SPDX-License-Identifier: GPL-2.0 */
/* Round-trip time estimator of one path (RFC 9002 section 5). */
#ifndef TQUIC_CORE_RTT_H
#define TQUIC_CORE_RTT_H

#include <linux/time64.h>
#include <linux/types.h>

#define TQUIC_RTT_INITIAL_NS		(333 * NSEC_PER_MSEC)
#define TQUIC_RTT_GRANULARITY_NS	NSEC_PER_MSEC

/**
 * struct tquic_rtt - estimator state
 * @latest_ns: newest raw sample
 * @min_ns: smallest raw sample since the start or the last reset
 * @srtt_ns: smoothed value; before the first sample the assumed initial one
 * @rttvar_ns: smoothed mean deviation
 * @first_sample_ns: time of the first sample, 0 before it
 */
struct tquic_rtt {
	u64 latest_ns;
	u64 min_ns;
	u64 srtt_ns;
	u64 rttvar_ns;
	u64 first_sample_ns;
};

void tquic_rtt_init(struct tquic_rtt *rtt, u64 initial_ns);
void tquic_rtt_update(struct tquic_rtt *rtt, u64 now, u64 sample_ns,
		      u64 ack_delay_ns, u64 max_ack_delay_ns);
void tquic_rtt_reset_min(struct tquic_rtt *rtt);
u64 tquic_rtt_pto_ns(const struct tquic_rtt *rtt, u64 max_ack_delay_ns);

#endif /* TQUIC_CORE_RTT_H */
