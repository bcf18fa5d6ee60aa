/* SPDX-License-Identifier: GPL-2.0 */
/* Packets between the engine and whoever seals, sends, receives and opens them */
#ifndef TQUIC_CORE_PKT_H
#define TQUIC_CORE_PKT_H

#include <linux/types.h>
#include "core/header.h"
#include "core/proto.h"

struct sk_buff;
struct tquic_cid;
struct tquic_path;

/**
 * enum tquic_moved - does a packet come from where its path leads to
 * @TQUIC_MOVED_NOT: it does
 * @TQUIC_MOVED_PORT: from another port of that address
 * @TQUIC_MOVED_ADDRESS: from another address
 */
enum tquic_moved {
	TQUIC_MOVED_NOT,
	TQUIC_MOVED_PORT,
	TQUIC_MOVED_ADDRESS,
};

/**
 * struct tquic_rx_pkt - one opened packet on its way into the engine
 * @type: kind of packet
 * @path: path its DCID belongs to
 * @pn: full packet number
 * @skb: buffer that holds it
 * @dcid: id it was addressed to, NULL for the client's first choice
 * @payload: plaintext frames, inside @skb
 * @len: bytes of @payload
 * @dgram_bytes: UDP payload this packet is accounted with
 * @ecn: two ECN bits of the IP header
 * @moved: enum tquic_moved
 */
struct tquic_rx_pkt {
	enum tquic_pkt_type type;
	struct tquic_path *path;
	struct sk_buff *skb;
	const struct tquic_cid *dcid;
	const u8 *payload;
	u32 len;
	u32 dgram_bytes;
	u64 pn;
	u8 ecn;
	u8 moved;
};

/**
 * struct tquic_tx_pkt - one built packet, ready to be sealed
 * @level: whose keys
 * @path: where it goes
 * @pn: its packet number
 * @hdr_len: header with packet number
 * @pn_off: where the packet number starts
 * @len: header and plaintext, without the tag
 * @ect0: its datagram is to be marked ECT(0), as all packets in it say
 * @other: to the path's other address: that before it moved, or one that probes
 */
struct tquic_tx_pkt {
	enum tquic_level level;
	struct tquic_path *path;
	u64 pn;
	u8 *data;
	u32 hdr_len;
	u32 pn_off;
	u32 len;
	u8 pn_len;
	bool ect0;
	bool other;
};

#endif /* TQUIC_CORE_PKT_H */
