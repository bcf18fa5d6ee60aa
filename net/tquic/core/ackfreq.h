/* SPDX-License-Identifier: GPL-2.0 */
/* How often acknowledgments are sent as the peers ask each other (draft-ietf-quic-ack-frequency) */
#ifndef TQUIC_CORE_ACKFREQ_H
#define TQUIC_CORE_ACKFREQ_H

#include <linux/types.h>
#include "core/space.h"

struct tquic_build;
struct tquic_conn;
struct tquic_frame;

/**
 * struct tquic_ackfreq - what the peer asked of us and what we asked of it
 * @rx: how we acknowledge 1-RTT packets, on every path
 * @rx_seq_next: lowest sequence number of an ACK_FREQUENCY that counts
 * @seq_next: sequence number of our next one, 0: the peer was never asked
 * @threshold: packets that may come before the peer acknowledges them, as asked
 * @delay_ns: longest time it may wait, as asked
 * @was_ns: what that was before, which may hold as long as @asking and until
 *	@was_end_ns; 0 then
 * @was_end_ns: all packets that came while it held are acknowledged
 * @judge_ns: when it is time to think about it again
 * @asking: the peer has not acknowledged our ACK_FREQUENCY yet
 */
struct tquic_ackfreq {
	struct tquic_ack_rule rx;
	u64 rx_seq_next;
	u64 seq_next;
	u64 threshold;
	u64 delay_ns;
	u64 was_ns;
	u64 was_end_ns;
	u64 judge_ns;
	bool asking;
};

void tquic_ackfreq_start(struct tquic_conn *conn);
int tquic_ackfreq_on_frame(struct tquic_conn *conn, const struct tquic_frame *f);
u64 tquic_ackfreq_peer_delay_ns(const struct tquic_conn *conn);
u64 tquic_ackfreq_peer_threshold(const struct tquic_conn *conn);
void tquic_ackfreq_judge(struct tquic_conn *conn, u64 now);
void tquic_ackfreq_build(struct tquic_conn *conn, struct tquic_build *bld);
void tquic_ackfreq_urge(struct tquic_conn *conn, struct tquic_build *bld);
void tquic_ackfreq_lost(struct tquic_conn *conn, u64 seq);
void tquic_ackfreq_acked(struct tquic_conn *conn, u64 seq, u64 now);

#endif /* TQUIC_CORE_ACKFREQ_H */
