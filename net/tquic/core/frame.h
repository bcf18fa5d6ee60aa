/* SPDX-License-Identifier: GPL-2.0 */
/* Frames: RFC 9000 §19, RFC 9221 §4, RFC 10069 §4, draft-ietf-quic-ack-frequency,
 * draft-ietf-quic-reliable-stream-reset.
 */
#ifndef TQUIC_CORE_FRAME_H
#define TQUIC_CORE_FRAME_H

#include <linux/types.h>

#include "core/header.h"
#include "core/proto.h"
#include "core/varint.h"

struct tquic_ranges;

/* @path_id of an encoder that shall write the frame without a Path ID. */
#define TQUIC_PATH_ID_NONE	(-1LL)

/**
 * struct tquic_frame_ack - ACK and PATH_ACK
 * @largest: largest packet number acknowledged
 * @delay: ACK Delay as on the wire, not yet scaled by the exponent
 * @range_count: ranges after the first one
 * @first_range: packets before @largest in the first range
 * @ranges: encoded Gap and Range Length pairs
 * @ranges_len: bytes at @ranges
 * @path_id: Path ID, 0 for a plain ACK
 * @ecn: whether @counts was present
 * @counts: ECN counts
 */
struct tquic_frame_ack {
	u64 largest;
	u64 delay;
	u64 range_count;
	u64 first_range;
	const u8 *ranges;
	u32 ranges_len;
	u32 path_id;
	bool ecn;
	struct tquic_ecn_counts counts;
};

/**
 * struct tquic_frame - one parsed frame; pointers lie in the packet
 * @type: type on the wire: STREAM with its bits, DATAGRAM 0x30 or 0x31, and so on
 * @ack: ACK, PATH_ACK, with or without ECN
 * @stream: STREAM; @off + @len never exceeds 2^62-1
 * @crypto: CRYPTO; likewise
 * @reset_stream: RESET_STREAM (@reliable 0), RESET_STREAM_AT; @reliable is never more than
 *	@final_size
 * @stop_sending: STOP_SENDING
 * @new_token: NEW_TOKEN, never empty
 * @max: MAX_DATA, MAX_STREAM_DATA, MAX_STREAMS, DATA_BLOCKED,
 *	STREAM_DATA_BLOCKED, STREAMS_BLOCKED; @id 0 where the frame has none
 * @new_cid: NEW_CONNECTION_ID (@path_id 0), PATH_NEW_CONNECTION_ID
 * @retire_cid: RETIRE_CONNECTION_ID (@path_id 0), PATH_RETIRE_CONNECTION_ID
 * @path_data: PATH_CHALLENGE, PATH_RESPONSE
 * @close: CONNECTION_CLOSE; @frame_type 0 when @app
 * @datagram: DATAGRAM
 * @ack_frequency: ACK_FREQUENCY
 * @path: PATH_ABANDON (@val is the error code), PATH_STATUS_* (@val is the
 *	sequence number), PATH_CIDS_BLOCKED (@val is the next sequence number);
 *	MAX_PATH_ID and PATHS_BLOCKED: @path_id and @val both hold the maximum
 */
struct tquic_frame {
	u64 type;
	union {
		struct tquic_frame_ack ack;
		struct {
			u64 id;
			u64 off;
			const u8 *data;
			u32 len;
			bool fin;
		} stream;
		struct {
			u64 off;
			const u8 *data;
			u32 len;
		} crypto;
		struct {
			u64 id;
			u64 code;
			u64 final_size;
			u64 reliable;
		} reset_stream;
		struct {
			u64 id;
			u64 code;
		} stop_sending;
		struct {
			const u8 *data;
			u32 len;
		} new_token;
		struct {
			u64 id;
			u64 val;
		} max;
		struct {
			u32 path_id;
			u64 seq;
			u64 retire_prior_to;
			struct tquic_cid cid;
			u8 token[TQUIC_RESET_TOKEN_LEN];
		} new_cid;
		struct {
			u32 path_id;
			u64 seq;
		} retire_cid;
		struct {
			u8 data[TQUIC_PATH_DATA_LEN];
		} path_data;
		struct {
			u64 code;
			u64 frame_type;
			const u8 *reason;
			u32 reason_len;
			bool app;
		} close;
		struct {
			const u8 *data;
			u32 len;
		} datagram;
		struct {
			u64 seq;
			u64 threshold;
			u64 delay_us;
			u64 reorder;
		} ack_frequency;
		struct {
			u32 path_id;
			u64 val;
		} path;
	};
};

/**
 * struct tquic_ack_iter - walks the ranges of a parsed ACK, newest first
 * @rb: what is left of the encoded ranges
 * @lo: smallest packet number of the range given last
 * @largest: largest packet number of the first range
 * @first_range: length of the first range, less one
 * @started: whether the first range has been given
 */
struct tquic_ack_iter {
	struct tquic_rbuf rb;
	u64 lo;
	u64 largest;
	u64 first_range;
	bool started;
};

int tquic_frame_parse(struct tquic_rbuf *b, struct tquic_frame *f);
bool tquic_frame_is_eliciting(u64 type);
bool tquic_frame_is_probing(u64 type);
bool tquic_frame_allowed(u64 type, enum tquic_pkt_type pkt);
void tquic_ack_iter_init(struct tquic_ack_iter *it, const struct tquic_frame *f);
bool tquic_ack_iter_next(struct tquic_ack_iter *it, u64 *lo, u64 *hi);

/* Encoders (frame_put.c). False: does not fit, or a value is not encodable;
 * the cursor has not moved. A @path_id of TQUIC_PATH_ID_NONE writes the frame
 * of RFC 9000 instead of that of RFC 10069.
 */
bool tquic_frame_put_ack(struct tquic_wbuf *b, const struct tquic_ranges *r,
			 u64 delay_encoded, const struct tquic_ecn_counts *ecn,
			 s64 path_id);
bool tquic_frame_put_stream(struct tquic_wbuf *b, u64 id, u64 off, u32 len,
			    bool fin, bool last);
u32 tquic_frame_stream_room(size_t left, u64 id, u64 off, bool last);
bool tquic_frame_put_crypto(struct tquic_wbuf *b, u64 off, u32 len);
u32 tquic_frame_crypto_room(size_t left, u64 off);
bool tquic_frame_put_datagram_hdr(struct tquic_wbuf *b, u32 len, bool last);
bool tquic_frame_put_reset_stream(struct tquic_wbuf *b, u64 id, u64 code,
				  u64 final_size);
bool tquic_frame_put_reset_stream_at(struct tquic_wbuf *b, u64 id, u64 code,
				     u64 final_size, u64 reliable);
bool tquic_frame_put_stop_sending(struct tquic_wbuf *b, u64 id, u64 code);
bool tquic_frame_put_new_token(struct tquic_wbuf *b, const u8 *data, u32 len);
bool tquic_frame_put_max_data(struct tquic_wbuf *b, u64 max);
bool tquic_frame_put_max_stream_data(struct tquic_wbuf *b, u64 id, u64 max);
bool tquic_frame_put_max_streams(struct tquic_wbuf *b, u64 max, bool bidi);
bool tquic_frame_put_data_blocked(struct tquic_wbuf *b, u64 limit);
bool tquic_frame_put_stream_data_blocked(struct tquic_wbuf *b, u64 id,
					 u64 limit);
bool tquic_frame_put_streams_blocked(struct tquic_wbuf *b, u64 limit,
				     bool bidi);
bool tquic_frame_put_new_cid(struct tquic_wbuf *b, s64 path_id, u64 seq,
			     u64 retire_prior_to, const struct tquic_cid *cid,
			     const u8 *token);
bool tquic_frame_put_retire_cid(struct tquic_wbuf *b, s64 path_id, u64 seq);
bool tquic_frame_put_path_challenge(struct tquic_wbuf *b, const u8 *data);
bool tquic_frame_put_path_response(struct tquic_wbuf *b, const u8 *data);
bool tquic_frame_put_close(struct tquic_wbuf *b, bool app, u64 code,
			   u64 frame_type, const u8 *reason, u32 reason_len);
bool tquic_frame_put_handshake_done(struct tquic_wbuf *b);
bool tquic_frame_put_ping(struct tquic_wbuf *b);
bool tquic_frame_put_immediate_ack(struct tquic_wbuf *b);
bool tquic_frame_put_ack_frequency(struct tquic_wbuf *b, u64 seq, u64 threshold,
				   u64 delay_us, u64 reorder);
bool tquic_frame_put_padding(struct tquic_wbuf *b, size_t n);
bool tquic_frame_put_path_abandon(struct tquic_wbuf *b, u32 path_id, u64 code);
bool tquic_frame_put_path_status(struct tquic_wbuf *b, u32 path_id, u64 seq,
				 bool backup);
bool tquic_frame_put_max_path_id(struct tquic_wbuf *b, u32 max);
bool tquic_frame_put_paths_blocked(struct tquic_wbuf *b, u32 max);
bool tquic_frame_put_path_cids_blocked(struct tquic_wbuf *b, u32 path_id,
				       u64 next_seq);

#endif /* TQUIC_CORE_FRAME_H */
