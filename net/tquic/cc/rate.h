/* SPDX-License-Identifier: GPL-2.0 */
/* Delivery rate of a path, measured packet by packet (draft-ietf-ccwg-bbr section 4.1). */
#ifndef TQUIC_CC_RATE_H
#define TQUIC_CC_RATE_H

#include <linux/bits.h>
#include <linux/types.h>

#define TQUIC_RATE_MAX		BIT_ULL(40)	/* bytes per second */

struct tquic_cc_ack;

/**
 * struct tquic_rate - what a path has delivered; kept while rates are sampled
 * @delivered: bytes acknowledged
 * @delivered_ns: when @delivered last grew, or when sending began anew
 * @first_sent_ns: send time of the packet the last sample came from
 * @app_limited: until @delivered exceeds it, packets tell of the application and
 *	not of the path; 0 for never
 * @lost: bytes declared lost; wraps around
 */
struct tquic_rate {
	u64 delivered;
	u64 delivered_ns;
	u64 first_sent_ns;
	u64 app_limited;
	u32 lost;
};

/**
 * struct tquic_rate_pkt - what a packet remembers of the path when it left
 * @delivered: &tquic_rate.delivered
 * @delivered_ns: &tquic_rate.delivered_ns; 0: nothing was noted
 * @first_sent_ns: &tquic_rate.first_sent_ns
 * @lost: &tquic_rate.lost
 * @in_flight: bytes in flight, the packet included
 * @app_limited: a path with room had nothing to send
 */
struct tquic_rate_pkt {
	u64 delivered;
	u64 delivered_ns;
	u64 first_sent_ns;
	u32 lost;
	u32 in_flight:31;
	u32 app_limited:1;
};

/**
 * struct tquic_rate_sample - what one ACK tells
 * @rate: bytes per second, 0 for unknown
 * @delivered: bytes delivered since the packet left, 0: nothing is known
 * @prior_delivered: &tquic_rate.delivered when the packet left
 * @lost: bytes lost since
 * @in_flight: bytes in flight when the packet left
 * @acked: bytes this ACK acknowledged
 * @app_limited: the rate is at most a lower bound
 */
struct tquic_rate_sample {
	u64 rate;
	u64 delivered;
	u64 prior_delivered;
	u64 acked;
	u32 lost;
	u32 in_flight;
	bool app_limited;
};

void tquic_rate_on_sent(struct tquic_rate *r, struct tquic_rate_pkt *pkt, u64 in_flight,
			u32 bytes, u64 now);
void tquic_rate_on_ack(struct tquic_rate *r, const struct tquic_cc_ack *ack,
		       struct tquic_rate_sample *rs);
void tquic_rate_app_limited(struct tquic_rate *r, u64 in_flight);

#endif /* TQUIC_CC_RATE_H */
