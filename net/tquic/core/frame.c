// SPDX-License-Identifier: GPL-2.0
/* Parses frames and knows where each may appear (RFC 9000 §12.4, §19; RFC 10069 §4). */
#include <linux/string.h>

#include "core/frame.h"

#define FRAME_IN(pkt)		(1U << (pkt))
#define FRAME_IN_INITIAL	FRAME_IN(TQUIC_PKT_INITIAL)
#define FRAME_IN_0RTT		FRAME_IN(TQUIC_PKT_0RTT)
#define FRAME_IN_HANDSHAKE	FRAME_IN(TQUIC_PKT_HANDSHAKE)
#define FRAME_IN_1RTT		FRAME_IN(TQUIC_PKT_1RTT)
#define FRAME_IN_ALL		(FRAME_IN_INITIAL | FRAME_IN_0RTT | \
				 FRAME_IN_HANDSHAKE | FRAME_IN_1RTT)
#define FRAME_IN_APP		(FRAME_IN_0RTT | FRAME_IN_1RTT)
#define FRAME_IN_NOT_0RTT	(FRAME_IN_ALL & ~FRAME_IN_0RTT)
#define FRAME_ELICITING		0x40
#define FRAME_PROBING		0x80

/* RFC 9000 Table 3: packets that may carry each type, and what it does there; IMMEDIATE_ACK is
 * of draft-ietf-quic-ack-frequency.
 */
static const u8 frame_base_flags[] = {
	[TQUIC_FRAME_PADDING]		= FRAME_IN_ALL | FRAME_PROBING,
	[TQUIC_FRAME_PING]		= FRAME_IN_ALL | FRAME_ELICITING,
	[TQUIC_FRAME_ACK]		= FRAME_IN_NOT_0RTT,
	[TQUIC_FRAME_ACK_ECN]		= FRAME_IN_NOT_0RTT,
	[TQUIC_FRAME_RESET_STREAM]	= FRAME_IN_APP | FRAME_ELICITING,
	[TQUIC_FRAME_STOP_SENDING]	= FRAME_IN_APP | FRAME_ELICITING,
	[TQUIC_FRAME_CRYPTO]		= FRAME_IN_NOT_0RTT | FRAME_ELICITING,
	[TQUIC_FRAME_NEW_TOKEN]		= FRAME_IN_1RTT | FRAME_ELICITING,
	[TQUIC_FRAME_STREAM ... TQUIC_FRAME_STREAMS_BLOCKED_UNI] =
					  FRAME_IN_APP | FRAME_ELICITING,
	[TQUIC_FRAME_NEW_CONNECTION_ID]	= FRAME_IN_APP | FRAME_ELICITING |
					  FRAME_PROBING,
	[TQUIC_FRAME_RETIRE_CONNECTION_ID] = FRAME_IN_APP | FRAME_ELICITING,
	[TQUIC_FRAME_PATH_CHALLENGE]	= FRAME_IN_APP | FRAME_ELICITING |
					  FRAME_PROBING,
	[TQUIC_FRAME_PATH_RESPONSE]	= FRAME_IN_1RTT | FRAME_ELICITING |
					  FRAME_PROBING,
	[TQUIC_FRAME_CONNECTION_CLOSE]	= FRAME_IN_ALL,
	[TQUIC_FRAME_CONNECTION_CLOSE_APP] = FRAME_IN_APP,
	[TQUIC_FRAME_HANDSHAKE_DONE]	= FRAME_IN_1RTT | FRAME_ELICITING,
	[TQUIC_FRAME_IMMEDIATE_ACK]	= FRAME_IN_1RTT | FRAME_ELICITING,
};

static u8 frame_flags(u64 type)
{
	if (type < sizeof(frame_base_flags))
		return frame_base_flags[type];
	switch (type) {
	case TQUIC_FRAME_RESET_STREAM_AT:
	case TQUIC_FRAME_DATAGRAM:
	case TQUIC_FRAME_DATAGRAM_LEN:
		return FRAME_IN_APP | FRAME_ELICITING;
	case TQUIC_FRAME_PATH_ACK:
	case TQUIC_FRAME_PATH_ACK_ECN:
		return FRAME_IN_1RTT;
	case TQUIC_FRAME_ACK_FREQUENCY:
	case TQUIC_FRAME_PATH_ABANDON ... TQUIC_FRAME_PATH_CIDS_BLOCKED:
		return FRAME_IN_1RTT | FRAME_ELICITING;
	default:
		return 0;
	}
}

/**
 * tquic_frame_is_eliciting() - whether a frame asks for an acknowledgment
 * @type: frame type
 *
 * Return: true for all but PADDING, ACK, PATH_ACK and CONNECTION_CLOSE.
 */
bool tquic_frame_is_eliciting(u64 type)
{
	return frame_flags(type) & FRAME_ELICITING;
}

/**
 * tquic_frame_is_probing() - whether a frame is a probing frame
 * @type: frame type
 *
 * Return: true for those of RFC 9000 §9.1.
 */
bool tquic_frame_is_probing(u64 type)
{
	return frame_flags(type) & FRAME_PROBING;
}

/**
 * tquic_frame_allowed() - whether a packet may carry a frame
 * @type: frame type
 * @pkt: kind of packet
 *
 * Return: false if its receipt is a PROTOCOL_VIOLATION (RFC 9000 §12.4), and
 * for unknown types.
 */
bool tquic_frame_allowed(u64 type, enum tquic_pkt_type pkt)
{
	return frame_flags(type) & FRAME_IN_ALL & FRAME_IN(pkt);
}

/* A frame type must be encoded in the fewest bytes (RFC 9000 §12.4). */
static int frame_get_type(struct tquic_rbuf *b, u64 *type)
{
	const u8 *start = b->p;

	if (!tquic_get_varint(b, type))
		return TQUIC_ERR_FRAME_ENCODING;
	if (b->p - start != tquic_varint_len(*type))
		return TQUIC_ERR_PROTOCOL_VIOLATION;
	return 0;
}

/* Reads a value that must fit 32 bits: no limit on path IDs can be higher. */
static int frame_get_path_id(struct tquic_rbuf *b, u32 *path_id)
{
	u64 v;

	if (!tquic_get_varint(b, &v))
		return TQUIC_ERR_FRAME_ENCODING;
	if (v > TQUIC_MAX_PATH_ID)
		return TQUIC_ERR_PROTOCOL_VIOLATION;
	*path_id = v;
	return 0;
}

/* Reads a length and that many bytes. */
static bool frame_get_blob(struct tquic_rbuf *b, const u8 **data, u32 *len)
{
	u64 n;

	if (!tquic_get_varint(b, &n) || !tquic_get_view(b, data, n))
		return false;
	*len = n;
	return true;
}

/* Takes whatever is left in the packet. */
static void frame_get_rest(struct tquic_rbuf *b, const u8 **data, u32 *len)
{
	*data = b->p;
	*len = tquic_rbuf_left(b);
	b->p = b->end;
}

/* Walks all ranges once, so that no user of the frame has to check them. */
static int frame_parse_ranges(struct tquic_rbuf *b, struct tquic_frame_ack *ack)
{
	u64 i, gap, len, lo;

	if (ack->first_range > ack->largest)
		return TQUIC_ERR_FRAME_ENCODING;
	lo = ack->largest - ack->first_range;
	/* Each range takes two bytes at least; a huge count ends here. */
	if (ack->range_count > tquic_rbuf_left(b) / 2)
		return TQUIC_ERR_FRAME_ENCODING;
	ack->ranges = b->p;
	for (i = 0; i < ack->range_count; i++) {
		if (!tquic_get_varint(b, &gap) || !tquic_get_varint(b, &len))
			return TQUIC_ERR_FRAME_ENCODING;
		if (gap + len + 2 > lo)
			return TQUIC_ERR_FRAME_ENCODING;
		lo -= gap + len + 2;
	}
	ack->ranges_len = b->p - ack->ranges;
	return 0;
}

static int frame_parse_ack(struct tquic_rbuf *b, struct tquic_frame *f)
{
	struct tquic_frame_ack *ack = &f->ack;
	int err;

	ack->path_id = 0;
	if (f->type >= TQUIC_FRAME_PATH_ACK) {
		err = frame_get_path_id(b, &ack->path_id);
		if (err)
			return err;
	}
	if (!tquic_get_varint(b, &ack->largest) ||
	    !tquic_get_varint(b, &ack->delay) ||
	    !tquic_get_varint(b, &ack->range_count) ||
	    !tquic_get_varint(b, &ack->first_range))
		return TQUIC_ERR_FRAME_ENCODING;
	err = frame_parse_ranges(b, ack);
	if (err)
		return err;
	/* Both types with counts are odd. */
	ack->ecn = f->type & 1;
	memset(&ack->counts, 0, sizeof(ack->counts));
	if (ack->ecn && !(tquic_get_varint(b, &ack->counts.ect0) &&
			  tquic_get_varint(b, &ack->counts.ect1) &&
			  tquic_get_varint(b, &ack->counts.ce)))
		return TQUIC_ERR_FRAME_ENCODING;
	return 0;
}

static int frame_parse_stream(struct tquic_rbuf *b, struct tquic_frame *f)
{
	f->stream.off = 0;
	f->stream.fin = f->type & TQUIC_STREAM_BIT_FIN;
	if (!tquic_get_varint(b, &f->stream.id))
		return TQUIC_ERR_FRAME_ENCODING;
	if (f->type & TQUIC_STREAM_BIT_OFF &&
	    !tquic_get_varint(b, &f->stream.off))
		return TQUIC_ERR_FRAME_ENCODING;
	if (!(f->type & TQUIC_STREAM_BIT_LEN))
		frame_get_rest(b, &f->stream.data, &f->stream.len);
	else if (!frame_get_blob(b, &f->stream.data, &f->stream.len))
		return TQUIC_ERR_FRAME_ENCODING;
	if (f->stream.off + f->stream.len > TQUIC_VARINT_MAX)
		return TQUIC_ERR_FRAME_ENCODING;
	return 0;
}

static int frame_parse_crypto(struct tquic_rbuf *b, struct tquic_frame *f)
{
	if (!tquic_get_varint(b, &f->crypto.off) ||
	    !frame_get_blob(b, &f->crypto.data, &f->crypto.len) ||
	    f->crypto.off + f->crypto.len > TQUIC_VARINT_MAX)
		return TQUIC_ERR_FRAME_ENCODING;
	return 0;
}

static int frame_parse_new_cid(struct tquic_rbuf *b, struct tquic_frame *f)
{
	u8 len;
	int err;

	f->new_cid.path_id = 0;
	if (f->type == TQUIC_FRAME_PATH_NEW_CONNECTION_ID) {
		err = frame_get_path_id(b, &f->new_cid.path_id);
		if (err)
			return err;
	}
	if (!tquic_get_varint(b, &f->new_cid.seq) ||
	    !tquic_get_varint(b, &f->new_cid.retire_prior_to) ||
	    !tquic_get_u8(b, &len) || !len ||
	    !tquic_get_cid(b, &f->new_cid.cid, len) ||
	    !tquic_get_bytes(b, f->new_cid.token, sizeof(f->new_cid.token)) ||
	    f->new_cid.retire_prior_to > f->new_cid.seq)
		return TQUIC_ERR_FRAME_ENCODING;
	return 0;
}

static int frame_parse_retire_cid(struct tquic_rbuf *b, struct tquic_frame *f)
{
	int err;

	f->retire_cid.path_id = 0;
	if (f->type == TQUIC_FRAME_PATH_RETIRE_CONNECTION_ID) {
		err = frame_get_path_id(b, &f->retire_cid.path_id);
		if (err)
			return err;
	}
	if (!tquic_get_varint(b, &f->retire_cid.seq))
		return TQUIC_ERR_FRAME_ENCODING;
	return 0;
}

static int frame_parse_close(struct tquic_rbuf *b, struct tquic_frame *f)
{
	f->close.app = f->type == TQUIC_FRAME_CONNECTION_CLOSE_APP;
	f->close.frame_type = 0;
	if (!tquic_get_varint(b, &f->close.code))
		return TQUIC_ERR_FRAME_ENCODING;
	if (!f->close.app && !tquic_get_varint(b, &f->close.frame_type))
		return TQUIC_ERR_FRAME_ENCODING;
	if (!frame_get_blob(b, &f->close.reason, &f->close.reason_len))
		return TQUIC_ERR_FRAME_ENCODING;
	return 0;
}

/* MAX_DATA and its relatives: an optional stream ID and one value. */
static int frame_parse_max(struct tquic_rbuf *b, struct tquic_frame *f)
{
	u64 limit = TQUIC_VARINT_MAX;

	f->max.id = 0;
	switch (f->type) {
	case TQUIC_FRAME_MAX_STREAM_DATA:
	case TQUIC_FRAME_STREAM_DATA_BLOCKED:
		if (!tquic_get_varint(b, &f->max.id))
			return TQUIC_ERR_FRAME_ENCODING;
		break;
	case TQUIC_FRAME_MAX_STREAMS_BIDI:
	case TQUIC_FRAME_MAX_STREAMS_UNI:
	case TQUIC_FRAME_STREAMS_BLOCKED_BIDI:
	case TQUIC_FRAME_STREAMS_BLOCKED_UNI:
		limit = TQUIC_MAX_STREAMS;
		break;
	}
	if (!tquic_get_varint(b, &f->max.val) || f->max.val > limit)
		return TQUIC_ERR_FRAME_ENCODING;
	return 0;
}

static int frame_parse_path(struct tquic_rbuf *b, struct tquic_frame *f)
{
	int err;

	err = frame_get_path_id(b, &f->path.path_id);
	if (err)
		return err;
	f->path.val = f->path.path_id;
	if (f->type == TQUIC_FRAME_MAX_PATH_ID ||
	    f->type == TQUIC_FRAME_PATHS_BLOCKED)
		return 0;
	if (!tquic_get_varint(b, &f->path.val))
		return TQUIC_ERR_FRAME_ENCODING;
	return 0;
}

static int frame_parse_other(struct tquic_rbuf *b, struct tquic_frame *f)
{
	bool ok;

	switch (f->type) {
	case TQUIC_FRAME_PADDING:
		while (b->p < b->end && *b->p == TQUIC_FRAME_PADDING)
			b->p++;
		return 0;
	case TQUIC_FRAME_PING:
	case TQUIC_FRAME_HANDSHAKE_DONE:
	case TQUIC_FRAME_IMMEDIATE_ACK:
		return 0;
	case TQUIC_FRAME_RESET_STREAM:
	case TQUIC_FRAME_RESET_STREAM_AT:
		f->reset_stream.reliable = 0;
		ok = tquic_get_varint(b, &f->reset_stream.id) &&
		     tquic_get_varint(b, &f->reset_stream.code) &&
		     tquic_get_varint(b, &f->reset_stream.final_size) &&
		     (f->type == TQUIC_FRAME_RESET_STREAM ||
		      tquic_get_varint(b, &f->reset_stream.reliable)) &&
		     f->reset_stream.reliable <= f->reset_stream.final_size;
		break;
	case TQUIC_FRAME_STOP_SENDING:
		ok = tquic_get_varint(b, &f->stop_sending.id) &&
		     tquic_get_varint(b, &f->stop_sending.code);
		break;
	case TQUIC_FRAME_NEW_TOKEN:
		ok = frame_get_blob(b, &f->new_token.data, &f->new_token.len) &&
		     f->new_token.len;
		break;
	case TQUIC_FRAME_PATH_CHALLENGE:
	case TQUIC_FRAME_PATH_RESPONSE:
		ok = tquic_get_bytes(b, f->path_data.data,
				     sizeof(f->path_data.data));
		break;
	case TQUIC_FRAME_DATAGRAM:
		frame_get_rest(b, &f->datagram.data, &f->datagram.len);
		return 0;
	case TQUIC_FRAME_ACK_FREQUENCY:
		ok = tquic_get_varint(b, &f->ack_frequency.seq) &&
		     tquic_get_varint(b, &f->ack_frequency.threshold) &&
		     tquic_get_varint(b, &f->ack_frequency.delay_us) &&
		     tquic_get_varint(b, &f->ack_frequency.reorder);
		break;
	case TQUIC_FRAME_DATAGRAM_LEN:
		ok = frame_get_blob(b, &f->datagram.data, &f->datagram.len);
		break;
	default:
		ok = false;
	}
	return ok ? 0 : TQUIC_ERR_FRAME_ENCODING;
}

/**
 * tquic_frame_parse() - parse the next frame of a packet
 * @b: read cursor over at most one decrypted payload
 * @f: result; points into the payload
 *
 * A run of PADDING counts as one frame. Whether the packet may carry the frame
 * is for tquic_frame_allowed(); limits that depend on the connection are not
 * checked. After an error the cursor is of no use.
 *
 * Return: 0 or an error of &enum tquic_err.
 */
int tquic_frame_parse(struct tquic_rbuf *b, struct tquic_frame *f)
{
	int err;

	err = frame_get_type(b, &f->type);
	if (err)
		return err;
	switch (f->type) {
	case TQUIC_FRAME_STREAM ... TQUIC_FRAME_STREAM_LAST:
		return frame_parse_stream(b, f);
	case TQUIC_FRAME_ACK:
	case TQUIC_FRAME_ACK_ECN:
	case TQUIC_FRAME_PATH_ACK:
	case TQUIC_FRAME_PATH_ACK_ECN:
		return frame_parse_ack(b, f);
	case TQUIC_FRAME_CRYPTO:
		return frame_parse_crypto(b, f);
	case TQUIC_FRAME_MAX_DATA ... TQUIC_FRAME_STREAMS_BLOCKED_UNI:
		return frame_parse_max(b, f);
	case TQUIC_FRAME_NEW_CONNECTION_ID:
	case TQUIC_FRAME_PATH_NEW_CONNECTION_ID:
		return frame_parse_new_cid(b, f);
	case TQUIC_FRAME_RETIRE_CONNECTION_ID:
	case TQUIC_FRAME_PATH_RETIRE_CONNECTION_ID:
		return frame_parse_retire_cid(b, f);
	case TQUIC_FRAME_CONNECTION_CLOSE:
	case TQUIC_FRAME_CONNECTION_CLOSE_APP:
		return frame_parse_close(b, f);
	case TQUIC_FRAME_PATH_ABANDON:
	case TQUIC_FRAME_PATH_STATUS_BACKUP:
	case TQUIC_FRAME_PATH_STATUS_AVAILABLE:
	case TQUIC_FRAME_MAX_PATH_ID:
	case TQUIC_FRAME_PATHS_BLOCKED:
	case TQUIC_FRAME_PATH_CIDS_BLOCKED:
		return frame_parse_path(b, f);
	default:
		return frame_parse_other(b, f);
	}
}

/**
 * tquic_ack_iter_init() - start a walk over the ranges of an ACK
 * @it: iterator
 * @f: frame that tquic_frame_parse() accepted
 */
void tquic_ack_iter_init(struct tquic_ack_iter *it, const struct tquic_frame *f)
{
	it->rb.p = f->ack.ranges;
	it->rb.end = f->ack.ranges + f->ack.ranges_len;
	it->largest = f->ack.largest;
	it->first_range = f->ack.first_range;
	it->started = false;
}

/**
 * tquic_ack_iter_next() - next range of acknowledged packet numbers
 * @it: iterator
 * @lo: smallest number of the range
 * @hi: largest number of the range
 *
 * Return: false at the end.
 */
bool tquic_ack_iter_next(struct tquic_ack_iter *it, u64 *lo, u64 *hi)
{
	u64 gap, len;

	if (!it->started) {
		it->started = true;
		*hi = it->largest;
		len = it->first_range;
	} else {
		if (!tquic_get_varint(&it->rb, &gap) ||
		    !tquic_get_varint(&it->rb, &len))
			return false;
		*hi = it->lo - gap - 2;
	}
	*lo = *hi - len;
	it->lo = *lo;
	return true;
}
