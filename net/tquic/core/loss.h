/* SPDX-License-Identifier: GPL-2.0 */
/* Loss detection, persistent congestion and probe timeout (RFC 9002 section 6, 7.6). */
#ifndef TQUIC_CORE_LOSS_H
#define TQUIC_CORE_LOSS_H

#include <linux/types.h>

#include "core/rtt.h"
#include "core/space.h"

#define TQUIC_LOSS_PERSISTENT_PTOS	3
#define TQUIC_LOSS_PTO_MAX_NS		(60ULL * NSEC_PER_SEC)

/**
 * struct tquic_loss_result - packets just declared lost
 * @lost: their frames; the caller owns the list
 * @bytes: in-flight bytes lost, MTU probes not counted
 * @largest_sent_ns: newest send time among @pkts
 * @large_sent_ns: newest send time among large ones with none arrived after them; 0:
 *	there are none
 * @rate_pkt: what the newest of @pkts remembers of the delivery, if @sampled
 * @mtu_probe_bytes: in-flight bytes of lost MTU probes: no congestion signal
 * @pkts: in-flight packets lost, MTU probes not counted
 * @mtu_probe_pkts: MTU probes lost
 * @sampled: rates are sampled
 * @persistent: the losses establish persistent congestion
 */
struct tquic_loss_result {
	struct tquic_rec *lost;
	u64 bytes;
	u64 largest_sent_ns;
	u64 large_sent_ns;
	struct tquic_rate_pkt rate_pkt;
	u64 mtu_probe_bytes;
	u32 pkts;
	u32 mtu_probe_pkts;
	bool sampled;
	bool persistent;
};

bool tquic_loss_is_lost(const struct tquic_space *space, u64 pn, s64 largest,
			const struct tquic_sent_pkt *pkt, u64 delay_ns, u64 now);
u64 tquic_loss_delay_ns(const struct tquic_space *space, const struct tquic_rtt *rtt);
void tquic_loss_on_spurious(struct tquic_space *space, const struct tquic_rtt *rtt, u64 now);
void tquic_loss_forget(struct tquic_space *space, u64 pto_ns, u64 now);
void tquic_loss_detect(struct tquic_space *space, const struct tquic_rtt *rtt,
		       u64 max_ack_delay_ns, u64 now, struct tquic_loss_result *res);
u64 tquic_loss_pto_period_ns(const struct tquic_rtt *rtt, u64 max_ack_delay_ns,
			     u32 pto_count);
u64 tquic_loss_pto_deadline_ns(const struct tquic_space *space,
			       const struct tquic_rtt *rtt,
			       u64 max_ack_delay_ns, u32 pto_count);

#endif /* TQUIC_CORE_LOSS_H */
