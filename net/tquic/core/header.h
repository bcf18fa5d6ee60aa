/* SPDX-License-Identifier: GPL-2.0 */
/* Packet headers and packet numbers: RFC 8999, RFC 9000 §17, RFC 9369 §3.2. */
#ifndef TQUIC_CORE_HEADER_H
#define TQUIC_CORE_HEADER_H

#include <linux/types.h>

#include "core/proto.h"
#include "core/varint.h"
#include "core/version.h"

/**
 * enum tquic_pkt_type - kinds of packets, whatever their bits in a version
 * @TQUIC_PKT_INITIAL: Initial
 * @TQUIC_PKT_0RTT: 0-RTT
 * @TQUIC_PKT_HANDSHAKE: Handshake
 * @TQUIC_PKT_RETRY: Retry
 * @TQUIC_PKT_1RTT: 1-RTT, the only one with a short header
 * @TQUIC_PKT_VN: Version Negotiation
 */
enum tquic_pkt_type {
	TQUIC_PKT_INITIAL,
	TQUIC_PKT_0RTT,
	TQUIC_PKT_HANDSHAKE,
	TQUIC_PKT_RETRY,
	TQUIC_PKT_1RTT,
	TQUIC_PKT_VN,
};

/**
 * struct tquic_hdr - a parsed packet header; all pointers lie in the packet
 * @type: kind of packet; not set when the version is unknown
 * @version: version field, 0 for a short header
 * @ver: constants of @version; NULL for short header, VN and unknown versions
 * @dcid: destination connection ID; length 0 if longer than 20 bytes
 * @scid: source connection ID; likewise; length 0 in a short header
 * @dcid_view: destination connection ID of any length (long headers)
 * @scid_view: source connection ID of any length (long headers)
 * @dcid_view_len: bytes at @dcid_view, 0 to 255
 * @scid_view_len: bytes at @scid_view, 0 to 255
 * @first: first byte, as received
 * @token: token of an Initial or Retry
 * @token_len: bytes at @token
 * @pn_off: offset of the packet number from the start of the packet; 0 if none
 * @pkt_len: bytes of this packet, header included; a coalesced one may follow
 * @body: bytes after the header: packet number and payload; VN: the versions;
 *	Retry: token, then integrity tag
 * @body_len: bytes at @body
 */
struct tquic_hdr {
	enum tquic_pkt_type type;
	u32 version;
	const struct tquic_version *ver;
	struct tquic_cid dcid;
	struct tquic_cid scid;
	const u8 *dcid_view;
	const u8 *scid_view;
	u8 dcid_view_len;
	u8 scid_view_len;
	u8 first;
	const u8 *token;
	u32 token_len;
	u32 pn_off;
	u32 pkt_len;
	const u8 *body;
	u32 body_len;
};

int tquic_hdr_parse(const u8 *p, size_t len, u8 short_dcid_len,
		    struct tquic_hdr *h);

bool tquic_hdr_put_long(struct tquic_wbuf *b, const struct tquic_version *v,
			enum tquic_pkt_type type, const struct tquic_cid *dcid,
			const struct tquic_cid *scid, const u8 *token,
			u32 token_len, u8 pn_len, u8 **len_field);
void tquic_hdr_patch_len(u8 *len_field, u16 n);
bool tquic_hdr_put_short(struct tquic_wbuf *b, const struct tquic_cid *dcid,
			 bool spin, bool key_phase, u8 pn_len);
bool tquic_hdr_put_pn(struct tquic_wbuf *b, u64 pn, u8 pn_len);
size_t tquic_hdr_put_vn(struct tquic_wbuf *b, const struct tquic_hdr *rx,
			u32 random);
size_t tquic_hdr_put_retry(struct tquic_wbuf *b, const struct tquic_version *v,
			   const struct tquic_cid *dcid,
			   const struct tquic_cid *scid, const u8 *token,
			   u32 token_len, u8 random);

enum tquic_level tquic_hdr_level(enum tquic_pkt_type type);

u8 tquic_pn_len(u64 pn, s64 largest_acked);
u64 tquic_pn_decode(u64 trunc, u8 pn_len, s64 largest_rx);

#endif /* TQUIC_CORE_HEADER_H */
