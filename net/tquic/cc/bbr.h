/* SPDX-License-Identifier: GPL-2.0 */
/* State of BBRv3 (draft-ietf-ccwg-bbr), seen by bbr.c and its suite only. */
#ifndef TQUIC_CC_BBR_H
#define TQUIC_CC_BBR_H

#include <linux/types.h>

enum tquic_bbr_state {
	TQUIC_BBR_STARTUP,
	TQUIC_BBR_DRAIN,
	TQUIC_BBR_DOWN,		/* ProbeBW: give back what probing queued */
	TQUIC_BBR_CRUISE,	/* ProbeBW: at the estimated rate */
	TQUIC_BBR_REFILL,	/* ProbeBW: fill the pipe, a round before going up */
	TQUIC_BBR_UP,		/* ProbeBW: ask for more */
	TQUIC_BBR_PROBE_RTT,
};

/**
 * struct tquic_bbr - private state; rates in bytes per second
 * @pacing_rate: 0 before the first sample
 * @bw_max: largest rate of the probe cycle before and of this one
 * @bw_short: bound learnt from loss since the last probe, U64_MAX for none
 * @bw_latest: largest rate of the last round trip
 * @inflight_short: as @bw_short, in bytes
 * @inflight_long: bytes in flight that cost too many losses, U64_MAX for unknown
 * @inflight_latest: largest amount delivered in the last round trip
 * @undo_bw_short: @bw_short before the last congestion event
 * @undo_inflight_short: @inflight_short before it
 * @undo_inflight_long: @inflight_long before it
 * @full_bw: rate that growth is judged by
 * @next_round_delivered: a packet sent from here on ends the round
 * @loss_round_delivered: same for the round of the latest signals
 * @min_rtt_ns: propagation delay, U64_MAX for unknown
 * @min_rtt_at_ns: when it was measured
 * @probe_rtt_min_ns: smallest RTT since ProbeRTT was last due
 * @probe_rtt_min_at_ns: when it was measured
 * @probe_rtt_done_ns: when ProbeRTT may end, 0: in-flight is still too high
 * @cycle_ns: when the probe cycle began
 * @probe_wait_ns: when to probe again, counted from there
 * @extra_acked: most bytes acknowledged beyond the expected, of two windows
 * @extra_from_ns: start of the running aggregation interval
 * @extra_delivered: bytes acknowledged in it
 * @saved_cwnd: window to return to after ProbeRTT
 * @probe_up_acked: bytes acknowledged towards growth of @inflight_long
 * @probe_up_bytes: how many let it grow by a packet
 * @judged_delivered: &tquic_rate.delivered since when losses are judged
 * @judged_lost: &tquic_rate.lost then
 * @loss_events: losses detected in this round
 * @rounds: round trips so far
 * @rounds_since_probe: since the last bandwidth probe
 * @drain_round: @rounds when Drain began
 * @extra_rounds: rounds the running window of @extra_acked has seen
 * @state: enum tquic_bbr_state
 * @undo_state: @state before the last congestion event
 * @full_bw_count: rounds without growth
 * @probe_up_rounds: rounds spent in UP
 * @round_start: this ACK began a round
 * @loss_round_start: this ACK began a round of the latest signals
 * @marked: a packet of it was marked CE
 * @full_bw_now: the rate grows no more
 * @full_bw_reached: it did so once, or losses said so
 * @probe_samples: losses tell about a bandwidth probe
 * @probe_ended: it is over, and ACKs of what it sent still come (section 5.3.3.6)
 * @probe_rtt_round_done: a round passed at ProbeRTT's window
 * @probe_rtt_expired: ProbeRTT is due
 * @idle_restart: sending began anew, nothing acknowledged since
 */
struct tquic_bbr {
	u64 pacing_rate;
	u64 bw_max[2];
	u64 bw_short;
	u64 bw_latest;
	u64 inflight_short;
	u64 inflight_long;
	u64 inflight_latest;
	u64 undo_bw_short;
	u64 undo_inflight_short;
	u64 undo_inflight_long;
	u64 full_bw;
	u64 next_round_delivered;
	u64 loss_round_delivered;
	u64 min_rtt_ns;
	u64 min_rtt_at_ns;
	u64 probe_rtt_min_ns;
	u64 probe_rtt_min_at_ns;
	u64 probe_rtt_done_ns;
	u64 cycle_ns;
	u64 probe_wait_ns;
	u64 extra_acked[2];
	u64 extra_from_ns;
	u64 extra_delivered;
	u64 saved_cwnd;
	u64 probe_up_acked;
	u64 probe_up_bytes;
	u64 judged_delivered;
	u32 judged_lost;
	u32 loss_events;
	u32 rounds;
	u32 rounds_since_probe;
	u32 drain_round;
	u8 extra_rounds;
	u8 state;
	u8 undo_state;
	u8 full_bw_count;
	u8 probe_up_rounds;
	bool round_start : 1;
	bool loss_round_start : 1;
	bool marked : 1;
	bool full_bw_now : 1;
	bool full_bw_reached : 1;
	bool probe_samples : 1;
	bool probe_ended : 1;
	bool probe_rtt_round_done : 1;
	bool probe_rtt_expired : 1;
	bool idle_restart : 1;
};

#endif /* TQUIC_CC_BBR_H */
