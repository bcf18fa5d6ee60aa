/* SPDX-License-Identifier: GPL-2.0 */
/* One packet number space: what was sent, what arrived, what to acknowledge. */
#ifndef TQUIC_CORE_SPACE_H
#define TQUIC_CORE_SPACE_H

#include <linux/types.h>

#include "core/frame.h"
#include "core/proto.h"
#include "core/ranges.h"
#include "core/sent.h"

/* A packet is lost when so many newer ones have arrived (RFC 9002 §6.1.1) */
#define TQUIC_LOSS_PKT_THRESHOLD	3
#define TQUIC_LOSS_ALL			(1 << 24) /* &tquic_space.loss_share when all is lost */
#define TQUIC_LOSS_SHARE_SHIFT		10	/* it is that of the last thousand packets */

/**
 * struct tquic_ack_rule - when what was received is acknowledged
 * @threshold: ack-eliciting packets that may come without
 * @reorder: an acknowledgment is due at once when a packet is missing that is older by
 *	so much than the newest; 1: for every one out of order, 0: for none
 * @delay_ns: longest time it may wait
 */
struct tquic_ack_rule {
	u64 threshold;
	u64 reorder;
	u64 delay_ns;
};

/**
 * struct tquic_space - packet number space of a level or of a path
 * @level: which keys protect it; INITIAL and HANDSHAKE acknowledge at once
 * @path_id: path whose packets these are, for tracepoints
 * @trace_id: connection, for tracepoints
 * @sent: packets sent and not forgotten
 * @rx: packet numbers received
 * @next_pn: lowest number the next packet may use
 * @largest_acked: largest number the peer acknowledged, -1 before
 * @large_acked: largest number acknowledged of a packet larger than what every
 *	path carries, -1 before
 * @largest_rx: largest number received, -1 before
 * @largest_rx_ns: when it arrived (ACK Delay counts from here)
 * @largest_told: largest number in an ACK of ours, -1 before
 * @hole_end: the packets before are missing, as a faster path has said or is to say
 * @hint_pn: of all before, a faster path has said whether they have arrived
 * @own_ack_ns: when the path itself last acknowledged anything, or began to have to
 * @loss_time_ns: when the time threshold declares the next loss, 0 for never
 * @last_eliciting_ns: when the newest ack-eliciting packet was sent
 * @persist_ns: send time of the first packet of an unbroken run of losses, or 0
 * @reorder_ns: when @reorder or @reorder_rounds was changed
 * @ack_deadline_ns: when an ACK is due at the latest, 0 for none
 * @rx_ecn: ECN marks counted on received packets (for our ACKs)
 * @peer_ecn: ECN counts last reported by the peer
 * @tx_ect0: packets sent with ECT(0)
 * @eliciting_in_flight: outstanding ack-eliciting packets
 * @loss_share: what part of the packets was lost lately, of TQUIC_LOSS_ALL
 * @tx_quiet: packets sent since the last ack-eliciting one
 * @rx_eliciting: ack-eliciting packets received since our last ACK
 * @reorder: eighths of a round trip that losses are waited for longer, as the
 *	path was seen to reorder; 0: it was not
 * @reorder_rounds: rounds with losses until it is forgotten
 * @ack_now: an ACK is due at the next chance to send
 * @hole_due: a faster path may say what is missing
 * @rx_ce: the last packet received was marked CE
 */
struct tquic_space {
	enum tquic_level level;
	u32 path_id;
	u64 trace_id;
	struct tquic_sent sent;
	struct tquic_ranges rx;
	u64 next_pn;
	s64 largest_acked;
	s64 large_acked;
	s64 largest_rx;
	u64 largest_rx_ns;
	s64 largest_told;
	u64 hole_end;
	u64 hint_pn;
	u64 own_ack_ns;
	u64 loss_time_ns;
	u64 last_eliciting_ns;
	u64 persist_ns;
	u64 reorder_ns;
	u64 ack_deadline_ns;
	struct tquic_ecn_counts rx_ecn;
	struct tquic_ecn_counts peer_ecn;
	u64 tx_ect0;
	u32 eliciting_in_flight;
	u32 loss_share;
	u32 tx_quiet;
	u32 rx_eliciting;
	u8 reorder;
	u8 reorder_rounds;
	bool ack_now;
	bool hole_due;
	bool rx_ce;
};

/**
 * struct tquic_ack_result - what an ACK frame changed
 * @acked: frames now acknowledged; the caller owns the list
 * @bytes: in-flight bytes acknowledged
 * @pkts: packets newly acknowledged
 * @largest_sent_ns: send time of the largest newly acknowledged packet
 * @rtt_ns: RTT sample, 0 when the frame gives none (RFC 9002 5.1)
 * @rate_pkt: what the newest in-flight packet among them remembers of the
 *	delivery, valid until tquic_loss_detect(); NULL for none
 * @rate_sent_ns: its send time
 * @ce_pkts: growth of the peer's ECN-CE count; act on it only if !@ecn_failed
 * @spurious_oldest_ns: oldest send time among @spurious_pkts
 * @spurious_pkts: packets declared lost earlier that did arrive
 * @late_ns: when the largest one was sent, if it had been given up and is new, or 0
 * @eliciting: some newly acknowledged packet was ack-eliciting
 * @ecn_failed: the ECN counts do not add up: stop marking (RFC 9000 13.4.2)
 */
struct tquic_ack_result {
	struct tquic_rec *acked;
	u64 bytes;
	u32 pkts;
	u64 largest_sent_ns;
	u64 rtt_ns;
	const struct tquic_rate_pkt *rate_pkt;
	u64 rate_sent_ns;
	u64 ce_pkts;
	u64 spurious_oldest_ns;
	u32 spurious_pkts;
	u64 late_ns;
	bool eliciting;
	bool ecn_failed;
};

/**
 * struct tquic_drain_result - what a space held when it was given up
 * @recs: frames of all outstanding packets; the caller owns the list
 * @bytes: in-flight bytes to take off congestion control
 */
struct tquic_drain_result {
	struct tquic_rec *recs;
	u64 bytes;
};

void tquic_space_init(struct tquic_space *space, enum tquic_level level);
void tquic_space_destroy(struct tquic_space *space);
struct tquic_sent_pkt *tquic_space_on_sent(struct tquic_space *space, u64 pn,
					   u32 bytes, u8 flags, u64 now);
int tquic_space_on_ack(struct tquic_space *space, const struct tquic_frame *ack,
		       u64 now, struct tquic_ack_result *res);
struct tquic_rec *tquic_space_take_oldest(struct tquic_space *space);
u64 tquic_space_large_out_ns(const struct tquic_space *space);
void tquic_space_give_up(struct tquic_space *space, u64 now, struct tquic_drain_result *res);
void tquic_space_drain(struct tquic_space *space, struct tquic_drain_result *res);

bool tquic_space_on_rx(struct tquic_space *space, u64 pn, bool eliciting, u8 ecn,
		       u64 now, const struct tquic_ack_rule *rule);
bool tquic_space_ack_due(const struct tquic_space *space, u64 now);
void tquic_space_ack_sent(struct tquic_space *space);
bool tquic_space_wants_ping(const struct tquic_space *space, u64 now, u64 srtt_ns);

#endif /* TQUIC_CORE_SPACE_H */
