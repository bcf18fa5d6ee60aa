// SPDX-License-Identifier: GPL-2.0
/* Writes frames (RFC 9000 §19, RFC 9221 §4, RFC 10069 §4, draft-ietf-quic-ack-frequency,
 * draft-ietf-quic-reliable-stream-reset).
 */
#include <linux/array_size.h>
#include <linux/build_bug.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "core/frame.h"
#include "core/ranges.h"

/* Writes @n varints, or nothing. */
static bool frame_put_varints(struct tquic_wbuf *b, const u64 *v, unsigned int n)
{
	struct tquic_wbuf w = *b;

	while (n--)
		if (!tquic_put_varint(&w, *v++))
			return false;
	b->p = w.p;
	return true;
}

#define FRAME_PUT(b, ...) ({						\
	const u64 __fields[] = { __VA_ARGS__ };				\
									\
	frame_put_varints(b, __fields, ARRAY_SIZE(__fields));		\
})

/* Writes a type, and a Path ID if there is one. */
static bool frame_put_path_type(struct tquic_wbuf *b, s64 path_id, u64 type,
				u64 path_type)
{
	if (path_id == TQUIC_PATH_ID_NONE)
		return tquic_put_varint(b, type);
	return FRAME_PUT(b, path_type, path_id);
}

/* How many ranges fit @left bytes, and the smallest number of the last one. */
static u64 frame_ack_count(const struct tquic_ranges *r, size_t left)
{
	unsigned int i;
	size_t need;

	for (i = 1; i < r->n; i++) {
		need = tquic_varint_len(r->r[i - 1].lo - r->r[i].hi - 2) +
		       tquic_varint_len(r->r[i].hi - r->r[i].lo);
		if (need > left)
			break;
		left -= need;
	}
	return i - 1;
}

/**
 * tquic_frame_put_ack() - write an ACK or PATH_ACK
 * @b: write cursor
 * @r: packet numbers received; as many ranges as fit go in, newest first
 * @delay_encoded: ACK Delay, scaled by our ack_delay_exponent
 * @ecn: ECN counts, or NULL
 * @path_id: Path ID, or %TQUIC_PATH_ID_NONE for a plain ACK
 *
 * Return: false if nothing was received or not even the first range fits; the
 * cursor has not moved.
 */
bool tquic_frame_put_ack(struct tquic_wbuf *b, const struct tquic_ranges *r,
			 u64 delay_encoded, const struct tquic_ecn_counts *ecn,
			 s64 path_id)
{
	struct tquic_wbuf w = *b;
	size_t tail;
	u64 i, count;

	/* The count takes one byte: see below. */
	BUILD_BUG_ON(TQUIC_RANGES_MAX > 64);
	if (!r->n ||
	    !frame_put_path_type(&w, path_id, TQUIC_FRAME_ACK + !!ecn,
				 TQUIC_FRAME_PATH_ACK + !!ecn) ||
	    !FRAME_PUT(&w, r->r[0].hi, delay_encoded))
		return false;
	tail = 1 + tquic_varint_len(r->r[0].hi - r->r[0].lo);
	if (ecn)
		tail += tquic_varint_len(ecn->ect0) +
			tquic_varint_len(ecn->ect1) + tquic_varint_len(ecn->ce);
	if (tquic_wbuf_left(&w) < tail)
		return false;
	count = frame_ack_count(r, tquic_wbuf_left(&w) - tail);
	if (!FRAME_PUT(&w, count, r->r[0].hi - r->r[0].lo))
		return false;
	for (i = 1; i <= count; i++)
		if (!FRAME_PUT(&w, r->r[i - 1].lo - r->r[i].hi - 2,
			       r->r[i].hi - r->r[i].lo))
			return false;
	if (ecn && !FRAME_PUT(&w, ecn->ect0, ecn->ect1, ecn->ce))
		return false;
	b->p = w.p;
	return true;
}

/**
 * tquic_frame_put_stream() - write the header of a STREAM frame
 * @b: write cursor
 * @id: stream ID
 * @off: offset of the data
 * @len: bytes of data, which the caller puts behind the header
 * @fin: whether the stream ends with this data
 * @last: leave the length out; the data must then end the packet
 *
 * Return: false if header and data do not fit; the cursor has not moved.
 */
bool tquic_frame_put_stream(struct tquic_wbuf *b, u64 id, u64 off, u32 len,
			    bool fin, bool last)
{
	u64 type = TQUIC_FRAME_STREAM;
	struct tquic_wbuf w = *b;

	if (fin)
		type |= TQUIC_STREAM_BIT_FIN;
	if (off)
		type |= TQUIC_STREAM_BIT_OFF;
	if (!last)
		type |= TQUIC_STREAM_BIT_LEN;
	if (off + len > TQUIC_VARINT_MAX || !FRAME_PUT(&w, type, id) ||
	    (off && !tquic_put_varint(&w, off)) ||
	    (!last && !tquic_put_varint(&w, len)) ||
	    tquic_wbuf_left(&w) < len)
		return false;
	b->p = w.p;
	return true;
}

/* Bytes that fit @left behind their own length. */
static u32 frame_blob_room(size_t left)
{
	if (left <= 1 + 63)
		return left ? left - 1 : 0;
	if (left <= 2 + 16383)
		return left - 2;
	return max_t(u32, left - 4, 16383);
}

/**
 * tquic_frame_stream_room() - payload of a STREAM frame that fits
 * @left: bytes left in the packet
 * @id: stream ID
 * @off: offset of the data
 * @last: whether the length is left out
 *
 * Return: bytes; 0 if not even the header fits, or the header alone.
 */
u32 tquic_frame_stream_room(size_t left, u64 id, u64 off, bool last)
{
	size_t hdr = 1 + tquic_varint_len(id);

	if (off)
		hdr += tquic_varint_len(off);
	if (left <= hdr)
		return 0;
	return last ? left - hdr : frame_blob_room(left - hdr);
}

/**
 * tquic_frame_put_crypto() - write the header of a CRYPTO frame
 * @b: write cursor
 * @off: offset of the data
 * @len: bytes of data, which the caller puts behind the header
 *
 * Return: false if header and data do not fit; the cursor has not moved.
 */
bool tquic_frame_put_crypto(struct tquic_wbuf *b, u64 off, u32 len)
{
	struct tquic_wbuf w = *b;

	if (off + len > TQUIC_VARINT_MAX ||
	    !FRAME_PUT(&w, TQUIC_FRAME_CRYPTO, off, len) ||
	    tquic_wbuf_left(&w) < len)
		return false;
	b->p = w.p;
	return true;
}

/**
 * tquic_frame_crypto_room() - payload of a CRYPTO frame that fits
 * @left: bytes left in the packet
 * @off: offset of the data
 *
 * Return: bytes, 0 if none.
 */
u32 tquic_frame_crypto_room(size_t left, u64 off)
{
	size_t hdr = 1 + tquic_varint_len(off);

	return left <= hdr ? 0 : frame_blob_room(left - hdr);
}

/**
 * tquic_frame_put_datagram_hdr() - write the header of a DATAGRAM frame
 * @b: write cursor
 * @len: bytes of data, which the caller puts behind the header
 * @last: leave the length out; the data must then end the packet
 *
 * Return: false if header and data do not fit; the cursor has not moved.
 */
bool tquic_frame_put_datagram_hdr(struct tquic_wbuf *b, u32 len, bool last)
{
	struct tquic_wbuf w = *b;
	bool ok;

	ok = last ? tquic_put_varint(&w, TQUIC_FRAME_DATAGRAM) :
		    FRAME_PUT(&w, TQUIC_FRAME_DATAGRAM_LEN, len);
	if (!ok || tquic_wbuf_left(&w) < len)
		return false;
	b->p = w.p;
	return true;
}

bool tquic_frame_put_reset_stream(struct tquic_wbuf *b, u64 id, u64 code,
				  u64 final_size)
{
	return FRAME_PUT(b, TQUIC_FRAME_RESET_STREAM, id, code, final_size);
}

/* @reliable must not be more than @final_size. */
bool tquic_frame_put_reset_stream_at(struct tquic_wbuf *b, u64 id, u64 code,
				     u64 final_size, u64 reliable)
{
	return reliable <= final_size &&
	       FRAME_PUT(b, TQUIC_FRAME_RESET_STREAM_AT, id, code, final_size, reliable);
}

bool tquic_frame_put_stop_sending(struct tquic_wbuf *b, u64 id, u64 code)
{
	return FRAME_PUT(b, TQUIC_FRAME_STOP_SENDING, id, code);
}

/* @len must not be 0. */
bool tquic_frame_put_new_token(struct tquic_wbuf *b, const u8 *data, u32 len)
{
	struct tquic_wbuf w = *b;

	if (!len || !FRAME_PUT(&w, TQUIC_FRAME_NEW_TOKEN, len) ||
	    !tquic_put_bytes(&w, data, len))
		return false;
	b->p = w.p;
	return true;
}

bool tquic_frame_put_max_data(struct tquic_wbuf *b, u64 max)
{
	return FRAME_PUT(b, TQUIC_FRAME_MAX_DATA, max);
}

bool tquic_frame_put_max_stream_data(struct tquic_wbuf *b, u64 id, u64 max)
{
	return FRAME_PUT(b, TQUIC_FRAME_MAX_STREAM_DATA, id, max);
}

bool tquic_frame_put_max_streams(struct tquic_wbuf *b, u64 max, bool bidi)
{
	return max <= TQUIC_MAX_STREAMS &&
	       FRAME_PUT(b, bidi ? TQUIC_FRAME_MAX_STREAMS_BIDI :
				   TQUIC_FRAME_MAX_STREAMS_UNI, max);
}

bool tquic_frame_put_data_blocked(struct tquic_wbuf *b, u64 limit)
{
	return FRAME_PUT(b, TQUIC_FRAME_DATA_BLOCKED, limit);
}

bool tquic_frame_put_stream_data_blocked(struct tquic_wbuf *b, u64 id,
					 u64 limit)
{
	return FRAME_PUT(b, TQUIC_FRAME_STREAM_DATA_BLOCKED, id, limit);
}

bool tquic_frame_put_streams_blocked(struct tquic_wbuf *b, u64 limit,
				     bool bidi)
{
	return limit <= TQUIC_MAX_STREAMS &&
	       FRAME_PUT(b, bidi ? TQUIC_FRAME_STREAMS_BLOCKED_BIDI :
				   TQUIC_FRAME_STREAMS_BLOCKED_UNI, limit);
}

/**
 * tquic_frame_put_new_cid() - write (PATH_)NEW_CONNECTION_ID
 * @b: write cursor
 * @path_id: Path ID, or %TQUIC_PATH_ID_NONE
 * @seq: sequence number
 * @retire_prior_to: at most @seq
 * @cid: connection ID, not empty
 * @token: stateless reset token, %TQUIC_RESET_TOKEN_LEN bytes
 *
 * Return: false if it does not fit; the cursor has not moved.
 */
bool tquic_frame_put_new_cid(struct tquic_wbuf *b, s64 path_id, u64 seq,
			     u64 retire_prior_to, const struct tquic_cid *cid,
			     const u8 *token)
{
	struct tquic_wbuf w = *b;

	if (!cid->len || retire_prior_to > seq ||
	    !frame_put_path_type(&w, path_id, TQUIC_FRAME_NEW_CONNECTION_ID,
				 TQUIC_FRAME_PATH_NEW_CONNECTION_ID) ||
	    !FRAME_PUT(&w, seq, retire_prior_to) || !tquic_put_cid(&w, cid) ||
	    !tquic_put_bytes(&w, token, TQUIC_RESET_TOKEN_LEN))
		return false;
	b->p = w.p;
	return true;
}

bool tquic_frame_put_retire_cid(struct tquic_wbuf *b, s64 path_id, u64 seq)
{
	if (path_id == TQUIC_PATH_ID_NONE)
		return FRAME_PUT(b, TQUIC_FRAME_RETIRE_CONNECTION_ID, seq);
	return FRAME_PUT(b, TQUIC_FRAME_PATH_RETIRE_CONNECTION_ID, path_id,
			 seq);
}

static bool frame_put_path_data(struct tquic_wbuf *b, u8 type, const u8 *data)
{
	if (tquic_wbuf_left(b) < 1 + TQUIC_PATH_DATA_LEN)
		return false;
	return tquic_put_u8(b, type) &&
	       tquic_put_bytes(b, data, TQUIC_PATH_DATA_LEN);
}

bool tquic_frame_put_path_challenge(struct tquic_wbuf *b, const u8 *data)
{
	return frame_put_path_data(b, TQUIC_FRAME_PATH_CHALLENGE, data);
}

bool tquic_frame_put_path_response(struct tquic_wbuf *b, const u8 *data)
{
	return frame_put_path_data(b, TQUIC_FRAME_PATH_RESPONSE, data);
}

/**
 * tquic_frame_put_close() - write CONNECTION_CLOSE
 * @b: write cursor
 * @app: whether @code is the application's (type 0x1d)
 * @code: error code
 * @frame_type: type of the frame at fault, 0 if unknown; unused when @app
 * @reason: UTF-8 text, or NULL
 * @reason_len: bytes at @reason; cut to what fits
 *
 * Return: false if it does not fit without any reason; the cursor has not moved.
 */
bool tquic_frame_put_close(struct tquic_wbuf *b, bool app, u64 code,
			   u64 frame_type, const u8 *reason, u32 reason_len)
{
	struct tquic_wbuf w = *b;
	bool ok;
	u32 len;

	ok = app ? FRAME_PUT(&w, TQUIC_FRAME_CONNECTION_CLOSE_APP, code) :
		   FRAME_PUT(&w, TQUIC_FRAME_CONNECTION_CLOSE, code, frame_type);
	len = min(reason_len, frame_blob_room(tquic_wbuf_left(&w)));
	if (!ok || !tquic_put_varint(&w, len) ||
	    !tquic_put_bytes(&w, reason, len))
		return false;
	b->p = w.p;
	return true;
}

bool tquic_frame_put_handshake_done(struct tquic_wbuf *b)
{
	return tquic_put_u8(b, TQUIC_FRAME_HANDSHAKE_DONE);
}

bool tquic_frame_put_ping(struct tquic_wbuf *b)
{
	return tquic_put_u8(b, TQUIC_FRAME_PING);
}

bool tquic_frame_put_immediate_ack(struct tquic_wbuf *b)
{
	return tquic_put_u8(b, TQUIC_FRAME_IMMEDIATE_ACK);
}

bool tquic_frame_put_ack_frequency(struct tquic_wbuf *b, u64 seq, u64 threshold,
				   u64 delay_us, u64 reorder)
{
	return FRAME_PUT(b, TQUIC_FRAME_ACK_FREQUENCY, seq, threshold, delay_us, reorder);
}

bool tquic_frame_put_padding(struct tquic_wbuf *b, size_t n)
{
	if (tquic_wbuf_left(b) < n)
		return false;
	if (n)
		memset(b->p, TQUIC_FRAME_PADDING, n);
	b->p += n;
	return true;
}

bool tquic_frame_put_path_abandon(struct tquic_wbuf *b, u32 path_id, u64 code)
{
	return FRAME_PUT(b, TQUIC_FRAME_PATH_ABANDON, path_id, code);
}

bool tquic_frame_put_path_status(struct tquic_wbuf *b, u32 path_id, u64 seq,
				 bool backup)
{
	return FRAME_PUT(b, backup ? TQUIC_FRAME_PATH_STATUS_BACKUP :
				     TQUIC_FRAME_PATH_STATUS_AVAILABLE,
			 path_id, seq);
}

bool tquic_frame_put_max_path_id(struct tquic_wbuf *b, u32 max)
{
	return FRAME_PUT(b, TQUIC_FRAME_MAX_PATH_ID, max);
}

bool tquic_frame_put_paths_blocked(struct tquic_wbuf *b, u32 max)
{
	return FRAME_PUT(b, TQUIC_FRAME_PATHS_BLOCKED, max);
}

bool tquic_frame_put_path_cids_blocked(struct tquic_wbuf *b, u32 path_id,
				       u64 next_seq)
{
	return FRAME_PUT(b, TQUIC_FRAME_PATH_CIDS_BLOCKED, path_id, next_seq);
}
