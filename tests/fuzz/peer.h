/* SPDX-License-Identifier: GPL-2.0 */
/* A peer that says whatever it is told to, with valid keys, to one connection under test. */
#ifndef TQUIC_TESTS_FUZZ_PEER_H
#define TQUIC_TESTS_FUZZ_PEER_H

#include "core/path.h"
#include "core/varint.h"
#include "test/pair.h"

#define PEER_PACKET_MAX		1400
#define PEER_CID_LEN		8

/**
 * struct peer_set - how packets of the peer are sent, until told otherwise
 * @type: kind of packet
 * @link: over which link
 * @ecn: ECN field it arrives with
 * @hold: frames wait to share a packet
 */
struct peer_set {
	enum tquic_pkt_type type;
	u8 link;
	u8 ecn;
	bool hold;
};

/**
 * struct peer - the peer
 * @p: pair of which only one end is started
 * @e: that end, the connection under test
 * @params: what it announces
 * @set: how it sends
 * @buf: packet under construction
 * @b: its write cursor
 * @path_id: path of that packet
 * @dcid: which of the connection's ids it goes to
 * @pn: next packet number by path
 * @hs_pn: of Initial and Handshake packets
 * @crypto_off: bytes of TLS said by level
 * @tls_step: handshake messages said
 * @cid_seq: next sequence number of its ids by path
 * @state: of the connection, at the last look
 * @closed: how it was closed, at the last look
 * @sent_bytes: what left the connection, all packets
 * @nomem: an allocation may have failed
 * @bad: the connection has sent what it must not
 */
struct peer {
	struct pair *p;
	struct pair_end *e;
	struct tquic_params params;
	struct peer_set set;
	u8 buf[PEER_PACKET_MAX];
	struct tquic_wbuf b;
	u32 path_id;
	u8 dcid;
	u64 pn[TQUIC_PATHS_MAX];
	u64 hs_pn[2];
	u64 crypto_off[TQUIC_LEVEL_COUNT];
	u8 tls_step;
	u64 cid_seq[TQUIC_PATHS_MAX];
	u8 state;
	struct tquic_close closed;
	u64 sent_bytes;
	bool nomem;
	const char *bad;
};

bool peer_start(struct peer *peer, struct pair *p, bool server);
void peer_flush(struct peer *peer);
void peer_frames(struct peer *peer, u32 path_id, const u8 *data, u32 len);
void peer_stream(struct peer *peer, u32 path_id, u64 id, u64 off, u32 len, bool fin);
void peer_ack(struct peer *peer, u32 path_id, u32 skip, u32 nth, bool ecn);
void peer_tls(struct peer *peer);
void peer_response(struct peer *peer, u32 path_id, u32 of_path, u32 which);
void peer_new_cid(struct peer *peer, u32 path_id, u32 for_path, u64 retire_prior_to);
void peer_handshake(struct peer *peer);
void peer_check(struct peer *peer);

#endif /* TQUIC_TESTS_FUZZ_PEER_H */
