/* SPDX-License-Identifier: GPL-2.0 */
/* What an operator may set otherwise about the engine; fixed once a connection has started */
#ifndef TQUIC_CORE_TUNING_H
#define TQUIC_CORE_TUNING_H

#include <linux/types.h>

/**
 * struct tquic_tuning - settings of a connection that neither peer nor program sees
 * @rx_window_max_bytes: receive windows grow no further; windows that begin
 *	larger stay as they are
 * @rx_mem_max_bytes: memory for received stream data, above which pieces that
 *	are out of order are refused
 * @rtt_initial_ns: RTT of a path before its first sample
 * @probe_max_ns: longest interval between probes of a path that others stand in for
 * @mtu_max_bytes: UDP payload, whatever route and peer allow
 * @dgram_rx_max_bytes: memory for received datagrams nobody has read
 * @reinject_percent: share of the bytes sent that may be copies of what a slower
 *	path has under way; 0: no copies
 * @min_legs: paths in use at least, as long as there are so many
 * @ecn: paths begin by marking their packets ECT(0)
 * @pacing: packets are spread over time
 */
struct tquic_tuning {
	u64 rx_window_max_bytes;
	u64 rx_mem_max_bytes;
	u64 rtt_initial_ns;
	u64 probe_max_ns;
	u32 mtu_max_bytes;
	u32 dgram_rx_max_bytes;
	u32 reinject_percent;
	u32 min_legs;
	bool ecn;
	bool pacing;
};

#endif /* TQUIC_CORE_TUNING_H */
