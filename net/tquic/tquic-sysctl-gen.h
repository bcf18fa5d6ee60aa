/* SPDX-License-Identifier: GPL-2.0 */
/* Do not edit: `make gen` makes this from Documentation/networking/specs/tquic-sysctl.yaml */
#ifndef TQUIC_SYSCTL_GEN_H
#define TQUIC_SYSCTL_GEN_H

#include <linux/sysctl.h>
#include <linux/types.h>

#define TQUIC_SYSCTL_PATH	"net/tquic"
#define TQUIC_SYSCTL_COUNT	36
#define TQUIC_SYSCTL_NAME_MAX	16	/* a name's bytes, with its end */

/**
 * struct tquic_sysctls - values of the sysctls
 * @active_cid_limit: connection ids the peer may give for each path
 * @agent_timeout_ms: time an agent has for a handshake
 * @congestion_control: congestion controller of each path
 * @datagram_queue_max: datagrams (RFC 9221) that wait to be sent, per
 *	connection
 * @datagram_rx_max_bytes: memory of received datagrams (RFC 9221) that nobody
 *	has read
 * @ecn: mark packets as ECN-capable, ECT(0)
 * @handshake_timeout_ms: how long a server's handshake may take, whatever the
 *	client sends meanwhile
 * @idle_timeout_ms: silence after which a connection ends; 0 is never
 * @initial_rtt_ms: round-trip time to assume of a path before it is known
 * @initials_max: first packets a listener keeps for connections to be made; 0
 *	refuses all
 * @keepalive_ms: silence after which a PING is sent; 0 is never
 * @linger_max_ms: how long a closed socket goes on delivering at most; 0 is
 *	not at all
 * @linger_stall_ms: how long a closed socket waits for the peer to take
 *	something
 * @max_ack_delay_ms: how long acknowledgments may be held back
 * @max_data: credit a connection begins with, for all streams together
 * @max_datagram_bytes: largest datagram frame (RFC 9221) accepted; 0 is none
 * @max_path_id: highest path id the peer may use at first (RFC 10069)
 * @max_stream_data: credit each stream begins with
 * @max_streams_bidi: bidirectional streams the peer may have open
 * @max_streams_uni: unidirectional streams the peer may have open
 * @min_legs: paths that carry data at least
 * @mtu_max_bytes: largest UDP payload to probe for; 1200 turns probing off
 * @multipath: offer multipath (RFC 10069) to the peer
 * @pacing: spread packets over the round-trip time
 * @path_probe_max_ms: longest interval between probes of a failed path
 * @reinject_percent: copies of what a slow path has under way, as share of the
 *	data sent
 * @retry_threshold: handshakes under way from which on servers ask clients to
 *	prove their address
 * @rx_mem_max_bytes: memory of received stream data above which nothing out of
 *	order is taken
 * @scheduler: packet scheduler
 * @sndbuf_max_bytes: how far a send buffer grows with the congestion windows
 * @udp_ephemeral_max: UDP ports of the kernel's choice in use before
 *	connections share them
 * @udp_rcvbuf_bytes: receive buffer of UDP sockets made afterwards
 * @undecryptable_max: packets a connection keeps until the keys for them come
 * @window_max_bytes: how far the receive windows of a connection and its
 *	streams grow
 */
struct tquic_sysctls {
	u32 active_cid_limit;
	u32 agent_timeout_ms;
	char congestion_control[TQUIC_SYSCTL_NAME_MAX];
	u32 datagram_queue_max;
	u32 datagram_rx_max_bytes;
	u32 ecn;
	u32 handshake_timeout_ms;
	u32 idle_timeout_ms;
	u32 initial_rtt_ms;
	u32 initials_max;
	u32 keepalive_ms;
	u32 linger_max_ms;
	u32 linger_stall_ms;
	u32 max_ack_delay_ms;
	u32 max_data;
	u32 max_datagram_bytes;
	u32 max_path_id;
	u32 max_stream_data;
	u32 max_streams_bidi;
	u32 max_streams_uni;
	u32 min_legs;
	u32 mtu_max_bytes;
	u32 multipath;
	u32 pacing;
	u32 path_probe_max_ms;
	u32 reinject_percent;
	u32 retry_threshold;
	u32 rx_mem_max_bytes;
	char scheduler[TQUIC_SYSCTL_NAME_MAX];
	u32 sndbuf_max_bytes;
	u32 udp_ephemeral_max;
	u32 udp_rcvbuf_bytes;
	u32 undecryptable_max;
	u32 window_max_bytes;
};

extern const struct tquic_sysctls tquic_sysctls_default;
extern const struct ctl_table tquic_sysctl_table[TQUIC_SYSCTL_COUNT];

int tquic_sysctl_available_congestion_control(const struct ctl_table *table,
					      int write, void *buffer,
					      size_t *lenp, loff_t *ppos);
int tquic_sysctl_available_schedulers(const struct ctl_table *table, int write,
				      void *buffer, size_t *lenp, loff_t *ppos);
int tquic_sysctl_congestion_control(const struct ctl_table *table, int write,
				    void *buffer, size_t *lenp, loff_t *ppos);
int tquic_sysctl_scheduler(const struct ctl_table *table, int write,
			   void *buffer, size_t *lenp, loff_t *ppos);

#endif /* TQUIC_SYSCTL_GEN_H */
