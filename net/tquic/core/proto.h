/* SPDX-License-Identifier: GPL-2.0 */
/* Wire constants: versions, frame types, error codes, transport parameters, limits. */
#ifndef TQUIC_CORE_PROTO_H
#define TQUIC_CORE_PROTO_H

#include <linux/bits.h>
#include <linux/string.h>
#include <linux/types.h>

/* Versions: RFC 9000 §15, RFC 9369 §3.1; 0 marks Version Negotiation (RFC 8999 §6). */
#define TQUIC_VERSION_NEGOTIATION	0x00000000U
#define TQUIC_VERSION_1			0x00000001U
#define TQUIC_VERSION_2			0x6b3343cfU

/* Sizes in bytes and other limits of the wire. */
#define TQUIC_CID_MAX_LEN		20	/* RFC 9000 §17.2 */
#define TQUIC_CID_MAX_LEN_ANY		255	/* RFC 8999 §5.1 */
#define TQUIC_FIRST_DCID_MIN_LEN	8	/* RFC 9000 §7.2 */
#define TQUIC_RESET_TOKEN_LEN		16	/* RFC 9000 §10.3 */
#define TQUIC_RETRY_TAG_LEN		16	/* RFC 9001 §5.8 */
#define TQUIC_AEAD_TAG_LEN		16	/* every suite of RFC 9001 §5.3 */
#define TQUIC_HP_SAMPLE_LEN		16	/* RFC 9001 §5.4.2 */
#define TQUIC_PN_MAX_LEN		4	/* RFC 9000 §17.1 */
#define TQUIC_PATH_DATA_LEN		8	/* RFC 9000 §19.17 */
#define TQUIC_LOCAL_CID_LEN		8	/* of ours, which short headers do not say */
#define TQUIC_MIN_UDP_PAYLOAD		1200	/* RFC 9000 §14 */
#define TQUIC_MAX_UDP_PAYLOAD		65527	/* RFC 9000 §18.2 */
#define TQUIC_VARINT_MAX		((1ULL << 62) - 1)	/* RFC 9000 §16 */
#define TQUIC_PN_MAX			TQUIC_VARINT_MAX	/* RFC 9000 §12.3 */
#define TQUIC_MAX_STREAMS		BIT_ULL(60)	/* RFC 9000 §4.6 */
#define TQUIC_MAX_PATH_ID		0xffffffffU	/* RFC 10069 §4.6 */
#define TQUIC_MAX_ACK_DELAY_EXPONENT	20	/* RFC 9000 §18.2 */
#define TQUIC_MAX_ACK_DELAY_MS		((1 << 14) - 1)	/* RFC 9000 §18.2 */
#define TQUIC_MIN_ACTIVE_CID_LIMIT	2	/* RFC 9000 §18.2 */
#define TQUIC_DEFAULT_ACK_DELAY_EXPONENT	3	/* RFC 9000 §18.2 */
#define TQUIC_DEFAULT_MAX_ACK_DELAY_MS	25	/* RFC 9000 §18.2 */

/* First byte of a packet: RFC 9000 §17.2, §17.3. */
#define TQUIC_HDR_LONG			0x80
#define TQUIC_HDR_FIXED			0x40
#define TQUIC_HDR_LONG_TYPE_SHIFT	4
#define TQUIC_HDR_LONG_TYPE_MASK	0x30
#define TQUIC_HDR_LONG_RESERVED		0x0c
#define TQUIC_HDR_LONG_PROTECTED	0x0f	/* bits under header protection */
#define TQUIC_HDR_SPIN			0x20
#define TQUIC_HDR_SHORT_RESERVED	0x18
#define TQUIC_HDR_KEY_PHASE		0x04
#define TQUIC_HDR_SHORT_PROTECTED	0x1f	/* bits under header protection */
#define TQUIC_HDR_PN_LEN_MASK		0x03	/* packet number length - 1 */

/* Frame types: RFC 9000 §19, RFC 9221 §4, RFC 10069 §4, draft-ietf-quic-ack-frequency,
 * draft-ietf-quic-reliable-stream-reset.
 */
enum tquic_frame_type {
	TQUIC_FRAME_PADDING			= 0x00,
	TQUIC_FRAME_PING			= 0x01,
	TQUIC_FRAME_ACK				= 0x02,
	TQUIC_FRAME_ACK_ECN			= 0x03,
	TQUIC_FRAME_RESET_STREAM		= 0x04,
	TQUIC_FRAME_STOP_SENDING		= 0x05,
	TQUIC_FRAME_CRYPTO			= 0x06,
	TQUIC_FRAME_NEW_TOKEN			= 0x07,
	TQUIC_FRAME_STREAM			= 0x08,	/* to 0x0f, see bits below */
	TQUIC_FRAME_STREAM_LAST			= 0x0f,
	TQUIC_FRAME_MAX_DATA			= 0x10,
	TQUIC_FRAME_MAX_STREAM_DATA		= 0x11,
	TQUIC_FRAME_MAX_STREAMS_BIDI		= 0x12,
	TQUIC_FRAME_MAX_STREAMS_UNI		= 0x13,
	TQUIC_FRAME_DATA_BLOCKED		= 0x14,
	TQUIC_FRAME_STREAM_DATA_BLOCKED		= 0x15,
	TQUIC_FRAME_STREAMS_BLOCKED_BIDI	= 0x16,
	TQUIC_FRAME_STREAMS_BLOCKED_UNI		= 0x17,
	TQUIC_FRAME_NEW_CONNECTION_ID		= 0x18,
	TQUIC_FRAME_RETIRE_CONNECTION_ID	= 0x19,
	TQUIC_FRAME_PATH_CHALLENGE		= 0x1a,
	TQUIC_FRAME_PATH_RESPONSE		= 0x1b,
	TQUIC_FRAME_CONNECTION_CLOSE		= 0x1c,
	TQUIC_FRAME_CONNECTION_CLOSE_APP	= 0x1d,
	TQUIC_FRAME_HANDSHAKE_DONE		= 0x1e,
	TQUIC_FRAME_IMMEDIATE_ACK		= 0x1f,
	TQUIC_FRAME_RESET_STREAM_AT		= 0x24,
	TQUIC_FRAME_DATAGRAM			= 0x30,
	TQUIC_FRAME_DATAGRAM_LEN		= 0x31,
	TQUIC_FRAME_PATH_ACK			= 0x3e,
	TQUIC_FRAME_PATH_ACK_ECN		= 0x3f,
	TQUIC_FRAME_ACK_FREQUENCY		= 0xaf,
	TQUIC_FRAME_PATH_ABANDON		= 0x3e75,
	TQUIC_FRAME_PATH_STATUS_BACKUP		= 0x3e76,
	TQUIC_FRAME_PATH_STATUS_AVAILABLE	= 0x3e77,
	TQUIC_FRAME_PATH_NEW_CONNECTION_ID	= 0x3e78,
	TQUIC_FRAME_PATH_RETIRE_CONNECTION_ID	= 0x3e79,
	TQUIC_FRAME_MAX_PATH_ID			= 0x3e7a,
	TQUIC_FRAME_PATHS_BLOCKED		= 0x3e7b,
	TQUIC_FRAME_PATH_CIDS_BLOCKED		= 0x3e7c,
};

/* Low bits of a STREAM frame type: RFC 9000 §19.8. */
#define TQUIC_STREAM_BIT_FIN		0x01
#define TQUIC_STREAM_BIT_LEN		0x02
#define TQUIC_STREAM_BIT_OFF		0x04

/* Transport error codes: RFC 9000 §20.1, RFC 9368 §10, RFC 10069 §4.
 * Every function that judges peer input returns one of these when it is > 0.
 */
enum tquic_err {
	TQUIC_ERR_NO_ERROR			= 0x00,
	TQUIC_ERR_INTERNAL			= 0x01,
	TQUIC_ERR_CONNECTION_REFUSED		= 0x02,
	TQUIC_ERR_FLOW_CONTROL			= 0x03,
	TQUIC_ERR_STREAM_LIMIT			= 0x04,
	TQUIC_ERR_STREAM_STATE			= 0x05,
	TQUIC_ERR_FINAL_SIZE			= 0x06,
	TQUIC_ERR_FRAME_ENCODING		= 0x07,
	TQUIC_ERR_TRANSPORT_PARAMETER		= 0x08,
	TQUIC_ERR_CONNECTION_ID_LIMIT		= 0x09,
	TQUIC_ERR_PROTOCOL_VIOLATION		= 0x0a,
	TQUIC_ERR_INVALID_TOKEN			= 0x0b,
	TQUIC_ERR_APPLICATION			= 0x0c,
	TQUIC_ERR_CRYPTO_BUFFER_EXCEEDED	= 0x0d,
	TQUIC_ERR_KEY_UPDATE			= 0x0e,
	TQUIC_ERR_AEAD_LIMIT_REACHED		= 0x0f,
	TQUIC_ERR_NO_VIABLE_PATH		= 0x10,
	TQUIC_ERR_VERSION_NEGOTIATION		= 0x11,
	TQUIC_ERR_APPLICATION_ABANDON_PATH	= 0x3e,
	TQUIC_ERR_CRYPTO			= 0x0100, /* + TLS alert, to 0x01ff */
	TQUIC_ERR_CRYPTO_UNEXPECTED_MESSAGE	= 0x010a,
	TQUIC_ERR_CRYPTO_MISSING_EXTENSION	= 0x016d,
	TQUIC_ERR_CRYPTO_NO_ALPN		= 0x0178,
	TQUIC_ERR_PATH_RESOURCE_LIMIT_REACHED	= 0x3e75,
	TQUIC_ERR_PATH_UNSTABLE_OR_POOR		= 0x3e76,
	TQUIC_ERR_NO_CID_AVAILABLE_FOR_PATH	= 0x3e77,
};

/* Transport parameter ids: RFC 9000 §18.2, RFC 9221 §3, RFC 9287 §3,
 * RFC 9368 §3, RFC 10069 §2.1, draft-ietf-quic-ack-frequency,
 * draft-ietf-quic-reliable-stream-reset.
 */
enum tquic_tp_id {
	TQUIC_TP_ORIGINAL_DCID			= 0x00,
	TQUIC_TP_MAX_IDLE_TIMEOUT		= 0x01,
	TQUIC_TP_STATELESS_RESET_TOKEN		= 0x02,
	TQUIC_TP_MAX_UDP_PAYLOAD_SIZE		= 0x03,
	TQUIC_TP_MAX_DATA			= 0x04,
	TQUIC_TP_MAX_STREAM_DATA_BIDI_LOCAL	= 0x05,
	TQUIC_TP_MAX_STREAM_DATA_BIDI_REMOTE	= 0x06,
	TQUIC_TP_MAX_STREAM_DATA_UNI		= 0x07,
	TQUIC_TP_MAX_STREAMS_BIDI		= 0x08,
	TQUIC_TP_MAX_STREAMS_UNI		= 0x09,
	TQUIC_TP_ACK_DELAY_EXPONENT		= 0x0a,
	TQUIC_TP_MAX_ACK_DELAY			= 0x0b,
	TQUIC_TP_DISABLE_ACTIVE_MIGRATION	= 0x0c,
	TQUIC_TP_PREFERRED_ADDRESS		= 0x0d,
	TQUIC_TP_ACTIVE_CID_LIMIT		= 0x0e,
	TQUIC_TP_INITIAL_SCID			= 0x0f,
	TQUIC_TP_RETRY_SCID			= 0x10,
	TQUIC_TP_VERSION_INFORMATION		= 0x11,
	TQUIC_TP_RESET_STREAM_AT		= 0x1d,
	TQUIC_TP_MAX_DATAGRAM_FRAME_SIZE	= 0x20,
	TQUIC_TP_INITIAL_MAX_PATH_ID		= 0x3e,
	TQUIC_TP_GREASE_QUIC_BIT		= 0x2ab2,
	TQUIC_TP_MIN_ACK_DELAY			= 0xff04de1b,
};

/**
 * enum tquic_level - encryption levels, in the order their keys appear
 * @TQUIC_LEVEL_INITIAL: Initial packets
 * @TQUIC_LEVEL_EARLY: 0-RTT packets
 * @TQUIC_LEVEL_HANDSHAKE: Handshake packets
 * @TQUIC_LEVEL_APP: 1-RTT packets
 * @TQUIC_LEVEL_COUNT: number of levels
 */
enum tquic_level {
	TQUIC_LEVEL_INITIAL,
	TQUIC_LEVEL_EARLY,
	TQUIC_LEVEL_HANDSHAKE,
	TQUIC_LEVEL_APP,
	TQUIC_LEVEL_COUNT,
};

/**
 * struct tquic_cid - a connection ID of QUIC version 1 or 2
 * @len: length in bytes, 0 to %TQUIC_CID_MAX_LEN
 * @id: the bytes
 */
struct tquic_cid {
	u8 len;
	u8 id[TQUIC_CID_MAX_LEN];
};

/**
 * struct tquic_ecn_counts - cumulative ECN counts of one packet number space
 * @ect0: packets received with ECT(0)
 * @ect1: packets received with ECT(1)
 * @ce: packets received with ECN-CE
 */
struct tquic_ecn_counts {
	u64 ect0;
	u64 ect1;
	u64 ce;
};

/**
 * tquic_cid_equal() - compare two connection IDs
 * @a: one connection ID
 * @b: the other
 *
 * Return: true if length and bytes are the same.
 */
static inline bool tquic_cid_equal(const struct tquic_cid *a,
				   const struct tquic_cid *b)
{
	return a->len == b->len && !memcmp(a->id, b->id, a->len);
}

#endif /* TQUIC_CORE_PROTO_H */
