/* SPDX-License-Identifier: GPL-2.0 */
/* Transport parameters: RFC 9000 §18, RFC 9221 §3, RFC 9368 §3, RFC 10069 §2.1,
 * draft-ietf-quic-ack-frequency, draft-ietf-quic-reliable-stream-reset.
 */
#ifndef TQUIC_CORE_PARAMS_H
#define TQUIC_CORE_PARAMS_H

#include <linux/types.h>

#include "core/proto.h"
#include "core/version.h"

/* No encoding of tquic_params_encode() is longer. */
#define TQUIC_PARAMS_MAX_LEN	512

/**
 * struct tquic_preferred_addr - preferred_address of a server
 * @ipv4: IPv4 address, network order; all zero if none
 * @ipv4_port: port, host order; 0 if none
 * @ipv6: IPv6 address; all zero if none
 * @ipv6_port: port, host order; 0 if none
 * @cid: connection ID with sequence number 1, never empty
 * @reset_token: its stateless reset token
 */
struct tquic_preferred_addr {
	u8 ipv4[4];
	u16 ipv4_port;
	u8 ipv6[16];
	u16 ipv6_port;
	struct tquic_cid cid;
	u8 reset_token[TQUIC_RESET_TOKEN_LEN];
};

/**
 * struct tquic_params - the transport parameters of one endpoint
 * @max_idle_timeout_ms: 0: off; a parsed value is capped at 2^32-1
 * @max_udp_payload_size: bytes, at least 1200
 * @max_data: connection credit in bytes
 * @max_stream_data_bidi_local: credit on streams opened by the parameter's sender
 * @max_stream_data_bidi_remote: credit on streams opened by its receiver
 * @max_stream_data_uni: credit on unidirectional streams opened by its receiver
 * @max_streams_bidi: streams, at most 2^60
 * @max_streams_uni: streams, at most 2^60
 * @ack_delay_exponent: at most 20
 * @max_ack_delay_ms: less than 2^14
 * @active_cid_limit: at least 2
 * @max_datagram_frame_size: bytes, 0: datagrams are not supported
 * @min_ack_delay_us: shortest delay of acknowledgments that can be asked for, at most
 *	@max_ack_delay_ms; meaningful with @has_min_ack_delay
 * @max_path_id: initial_max_path_id, meaningful with @has_max_path_id
 * @version_chosen: Chosen Version, meaningful with @has_version_info
 * @versions: Available Versions that are spoken here, in the peer's order
 * @version_count: entries of @versions
 * @has_min_ack_delay: ACK_FREQUENCY and IMMEDIATE_ACK are listened to
 * @has_max_path_id: multipath is supported
 * @has_version_info: version_information is present
 * @has_odcid: @odcid is present
 * @has_iscid: @iscid is present
 * @has_rscid: @rscid is present
 * @has_reset_token: @reset_token is present
 * @has_preferred_addr: @preferred_addr is present
 * @disable_active_migration: the endpoint does not want migration
 * @reset_stream_at: RESET_STREAM_AT is listened to
 * @grease_quic_bit: the peer accepts a cleared fixed bit; never sent, because
 *	tquic_hdr_parse() drops such packets
 * @odcid: original_destination_connection_id (server)
 * @iscid: initial_source_connection_id
 * @rscid: retry_source_connection_id (server)
 * @reset_token: stateless_reset_token (server)
 * @preferred_addr: preferred_address (server)
 */
struct tquic_params {
	u64 max_idle_timeout_ms;
	u64 max_udp_payload_size;
	u64 max_data;
	u64 max_stream_data_bidi_local;
	u64 max_stream_data_bidi_remote;
	u64 max_stream_data_uni;
	u64 max_streams_bidi;
	u64 max_streams_uni;
	u64 ack_delay_exponent;
	u64 max_ack_delay_ms;
	u64 active_cid_limit;
	u64 max_datagram_frame_size;
	u64 min_ack_delay_us;
	u32 max_path_id;
	u32 version_chosen;
	u32 versions[TQUIC_VERSION_COUNT];
	u8 version_count;
	bool has_min_ack_delay;
	bool has_max_path_id;
	bool has_version_info;
	bool has_odcid;
	bool has_iscid;
	bool has_rscid;
	bool has_reset_token;
	bool has_preferred_addr;
	bool disable_active_migration;
	bool reset_stream_at;
	bool grease_quic_bit;
	struct tquic_cid odcid;
	struct tquic_cid iscid;
	struct tquic_cid rscid;
	u8 reset_token[TQUIC_RESET_TOKEN_LEN];
	struct tquic_preferred_addr preferred_addr;
};

void tquic_params_default(struct tquic_params *p);
int tquic_params_parse(const u8 *p, size_t len, bool from_server,
		       struct tquic_params *out);
ssize_t tquic_params_encode(const struct tquic_params *p, bool as_server,
			    u8 *buf, size_t len, u64 grease);
int tquic_params_check_cids(const struct tquic_params *p, bool from_server,
			    const struct tquic_cid *odcid,
			    const struct tquic_cid *iscid,
			    const struct tquic_cid *rscid);

#endif /* TQUIC_CORE_PARAMS_H */
