// SPDX-License-Identifier: GPL-2.0
/* Reads and writes packet headers and packet numbers (RFC 9000 §17, App. A). */
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/string.h>

#include "core/header.h"

/* A reserved version of RFC 9000 §15, which no peer may choose. */
#define TQUIC_VERSION_GREASE(r)	(((r) & 0xf0f0f0f0U) | 0x0a0a0a0aU)

static bool hdr_get_cid_view(struct tquic_rbuf *b, const u8 **view, u8 *len,
			     struct tquic_cid *cid)
{
	if (!tquic_get_u8(b, len) || !tquic_get_view(b, view, *len))
		return false;
	if (*len > TQUIC_CID_MAX_LEN)
		return true;
	cid->len = *len;
	memcpy(cid->id, *view, *len);
	return true;
}

static void hdr_set_body(struct tquic_hdr *h, const u8 *p,
			 const struct tquic_rbuf *b, u32 body_len)
{
	h->body = b->p;
	h->body_len = body_len;
	h->pkt_len = b->p - p + body_len;
}

static int hdr_parse_short(const u8 *p, struct tquic_rbuf *b,
			   u8 short_dcid_len, struct tquic_hdr *h)
{
	if (!(h->first & TQUIC_HDR_FIXED))
		return -EINVAL;
	if (!tquic_get_cid(b, &h->dcid, short_dcid_len) || !tquic_rbuf_left(b))
		return -EINVAL;
	h->type = TQUIC_PKT_1RTT;
	h->pn_off = b->p - p;
	hdr_set_body(h, p, b, tquic_rbuf_left(b));
	return 0;
}

static int hdr_parse_vn(const u8 *p, struct tquic_rbuf *b, struct tquic_hdr *h)
{
	size_t left = tquic_rbuf_left(b);

	if (!left || left % sizeof(u32))
		return -EINVAL;
	h->type = TQUIC_PKT_VN;
	hdr_set_body(h, p, b, left);
	return 0;
}

static int hdr_parse_retry(const u8 *p, struct tquic_rbuf *b,
			   struct tquic_hdr *h)
{
	size_t left = tquic_rbuf_left(b);

	/* RFC 9000 §17.2.5.2: a Retry without a token is discarded. */
	if (left <= TQUIC_RETRY_TAG_LEN)
		return -EINVAL;
	hdr_set_body(h, p, b, left);
	h->token = h->body;
	h->token_len = left - TQUIC_RETRY_TAG_LEN;
	return 0;
}

static int hdr_parse_numbered(const u8 *p, struct tquic_rbuf *b,
			      struct tquic_hdr *h)
{
	u64 len;

	if (h->type == TQUIC_PKT_INITIAL) {
		if (!tquic_get_varint(b, &len) ||
		    !tquic_get_view(b, &h->token, len))
			return -EINVAL;
		h->token_len = len;
	}
	if (!tquic_get_varint(b, &len) || !len || len > tquic_rbuf_left(b))
		return -EINVAL;
	h->pn_off = b->p - p;
	hdr_set_body(h, p, b, len);
	return 0;
}

static int hdr_parse_long(const u8 *p, struct tquic_rbuf *b,
			  struct tquic_hdr *h)
{
	u8 bits = (h->first & TQUIC_HDR_LONG_TYPE_MASK) >>
		  TQUIC_HDR_LONG_TYPE_SHIFT;

	if (!tquic_get_u32(b, &h->version) ||
	    !hdr_get_cid_view(b, &h->dcid_view, &h->dcid_view_len, &h->dcid) ||
	    !hdr_get_cid_view(b, &h->scid_view, &h->scid_view_len, &h->scid))
		return -EINVAL;
	if (h->version == TQUIC_VERSION_NEGOTIATION)
		return hdr_parse_vn(p, b, h);
	h->ver = tquic_version_find(h->version);
	if (!h->ver)
		return -EPROTONOSUPPORT;
	if (!(h->first & TQUIC_HDR_FIXED) ||
	    h->dcid_view_len > TQUIC_CID_MAX_LEN ||
	    h->scid_view_len > TQUIC_CID_MAX_LEN)
		return -EINVAL;
	h->type = TQUIC_PKT_INITIAL;
	while (h->ver->type_bits[h->type] != bits)
		h->type++;
	if (h->type == TQUIC_PKT_RETRY)
		return hdr_parse_retry(p, b, h);
	return hdr_parse_numbered(p, b, h);
}

/**
 * tquic_hdr_parse() - parse the header of the packet at the start of a buffer
 * @p: packet, header protection still applied
 * @len: bytes from @p to the end of the datagram
 * @short_dcid_len: connection ID length of short headers, at most 20
 * @h: result; points into @p
 *
 * Bits under header protection (reserved bits, key phase, packet number) are
 * not judged. A body shorter than the header protection sample is accepted.
 *
 * Return: 0; -EINVAL if malformed or to be dropped unread; -EPROTONOSUPPORT for
 * a long header of an unknown version: then only @first, @version and the
 * connection IDs are set.
 */
int tquic_hdr_parse(const u8 *p, size_t len, u8 short_dcid_len,
		    struct tquic_hdr *h)
{
	struct tquic_rbuf b = { .p = p, .end = p + len };

	memset(h, 0, sizeof(*h));
	if (len > U16_MAX || !tquic_get_u8(&b, &h->first))
		return -EINVAL;
	if (h->first & TQUIC_HDR_LONG)
		return hdr_parse_long(p, &b, h);
	return hdr_parse_short(p, &b, short_dcid_len, h);
}

static bool hdr_put_long_start(struct tquic_wbuf *b,
			       const struct tquic_version *v,
			       enum tquic_pkt_type type, u8 low_bits,
			       const struct tquic_cid *dcid,
			       const struct tquic_cid *scid)
{
	return tquic_put_u8(b, TQUIC_HDR_LONG | TQUIC_HDR_FIXED | low_bits |
			       v->type_bits[type] << TQUIC_HDR_LONG_TYPE_SHIFT) &&
	       tquic_put_u32(b, v->version) &&
	       tquic_put_cid(b, dcid) && tquic_put_cid(b, scid);
}

/**
 * tquic_hdr_put_long() - write a long header up to the packet number
 * @b: write cursor
 * @v: version
 * @type: %TQUIC_PKT_INITIAL, %TQUIC_PKT_0RTT or %TQUIC_PKT_HANDSHAKE
 * @dcid: destination connection ID
 * @scid: source connection ID
 * @token: token of an Initial, or NULL
 * @token_len: bytes at @token; 0 unless @type is Initial
 * @pn_len: length of the packet number that follows, 1 to 4
 * @len_field: where the 2-byte Length field is, for tquic_hdr_patch_len()
 *
 * Return: false if it does not fit; the cursor has not moved.
 */
bool tquic_hdr_put_long(struct tquic_wbuf *b, const struct tquic_version *v,
			enum tquic_pkt_type type, const struct tquic_cid *dcid,
			const struct tquic_cid *scid, const u8 *token,
			u32 token_len, u8 pn_len, u8 **len_field)
{
	struct tquic_wbuf w = *b;

	if (!hdr_put_long_start(&w, v, type, pn_len - 1, dcid, scid))
		return false;
	if (type == TQUIC_PKT_INITIAL &&
	    !(tquic_put_varint(&w, token_len) &&
	      tquic_put_bytes(&w, token, token_len)))
		return false;
	*len_field = w.p;
	if (!tquic_put_varint_n(&w, 0, 2))
		return false;
	b->p = w.p;
	return true;
}

/**
 * tquic_hdr_patch_len() - set the Length field of a long header
 * @len_field: place given by tquic_hdr_put_long()
 * @n: bytes of packet number, payload and AEAD tag, less than 2^14
 */
void tquic_hdr_patch_len(u8 *len_field, u16 n)
{
	put_unaligned_be16(n | 0x4000, len_field);
}

/**
 * tquic_hdr_put_short() - write a short header up to the packet number
 * @b: write cursor
 * @dcid: destination connection ID
 * @spin: spin bit
 * @key_phase: key phase bit
 * @pn_len: length of the packet number that follows, 1 to 4
 *
 * Return: false if it does not fit; the cursor has not moved.
 */
bool tquic_hdr_put_short(struct tquic_wbuf *b, const struct tquic_cid *dcid,
			 bool spin, bool key_phase, u8 pn_len)
{
	u8 first = TQUIC_HDR_FIXED | (pn_len - 1);

	if (tquic_wbuf_left(b) < 1U + dcid->len)
		return false;
	if (spin)
		first |= TQUIC_HDR_SPIN;
	if (key_phase)
		first |= TQUIC_HDR_KEY_PHASE;
	return tquic_put_u8(b, first) &&
	       tquic_put_bytes(b, dcid->id, dcid->len);
}

/**
 * tquic_hdr_put_pn() - write the low bytes of a packet number
 * @b: write cursor
 * @pn: packet number
 * @pn_len: 1 to 4 bytes
 *
 * Return: false if it does not fit; the cursor has not moved.
 */
bool tquic_hdr_put_pn(struct tquic_wbuf *b, u64 pn, u8 pn_len)
{
	u8 bytes[TQUIC_PN_MAX_LEN];

	if (!pn_len || pn_len > TQUIC_PN_MAX_LEN)
		return false;
	put_unaligned_be32(pn, bytes);
	return tquic_put_bytes(b, bytes + sizeof(bytes) - pn_len, pn_len);
}

/**
 * tquic_hdr_put_vn() - write a Version Negotiation packet
 * @b: write cursor
 * @rx: header of the packet that is answered
 * @random: random bits for the unused bits and a reserved version
 *
 * Offers every version of tquic_versions and one reserved version, which is
 * never the one the client tried.
 *
 * Return: bytes written; 0 if it does not fit, the cursor has not moved.
 */
size_t tquic_hdr_put_vn(struct tquic_wbuf *b, const struct tquic_hdr *rx,
			u32 random)
{
	u32 grease = TQUIC_VERSION_GREASE(random);
	struct tquic_wbuf w = *b;
	unsigned int i;
	size_t n;

	if (grease == rx->version)
		grease ^= 0x10;
	if (!tquic_put_u8(&w, TQUIC_HDR_LONG | TQUIC_HDR_FIXED | (random & 0x3f)) ||
	    !tquic_put_u32(&w, TQUIC_VERSION_NEGOTIATION) ||
	    !tquic_put_u8(&w, rx->scid_view_len) ||
	    !tquic_put_bytes(&w, rx->scid_view, rx->scid_view_len) ||
	    !tquic_put_u8(&w, rx->dcid_view_len) ||
	    !tquic_put_bytes(&w, rx->dcid_view, rx->dcid_view_len) ||
	    !tquic_put_u32(&w, grease))
		return 0;
	for (i = 0; i < TQUIC_VERSION_COUNT; i++)
		if (!tquic_put_u32(&w, tquic_versions[i].version))
			return 0;
	n = w.p - b->p;
	b->p = w.p;
	return n;
}

/**
 * tquic_hdr_put_retry() - write a Retry packet without its integrity tag
 * @b: write cursor
 * @v: version
 * @dcid: source connection ID of the client's Initial
 * @scid: connection ID that the client shall use from now on
 * @token: Retry token, not empty
 * @token_len: bytes at @token
 * @random: its low 4 bits fill the unused bits
 *
 * Return: bytes written; 0 if it does not fit, the cursor has not moved.
 */
size_t tquic_hdr_put_retry(struct tquic_wbuf *b, const struct tquic_version *v,
			   const struct tquic_cid *dcid,
			   const struct tquic_cid *scid, const u8 *token,
			   u32 token_len, u8 random)
{
	struct tquic_wbuf w = *b;
	size_t n;

	if (!hdr_put_long_start(&w, v, TQUIC_PKT_RETRY, random & 0x0f, dcid,
				scid) ||
	    !tquic_put_bytes(&w, token, token_len))
		return 0;
	n = w.p - b->p;
	b->p = w.p;
	return n;
}

/**
 * tquic_hdr_level() - whose keys protect a packet
 * @type: kind of packet, one that has a packet number
 *
 * Return: encryption level.
 */
enum tquic_level tquic_hdr_level(enum tquic_pkt_type type)
{
	switch (type) {
	case TQUIC_PKT_INITIAL:
		return TQUIC_LEVEL_INITIAL;
	case TQUIC_PKT_0RTT:
		return TQUIC_LEVEL_EARLY;
	case TQUIC_PKT_HANDSHAKE:
		return TQUIC_LEVEL_HANDSHAKE;
	default:
		return TQUIC_LEVEL_APP;
	}
}

/**
 * tquic_pn_len() - bytes needed to send a packet number
 * @pn: packet number to send
 * @largest_acked: largest one acknowledged in this space, -1 if none
 *
 * The bytes cover more than twice the numbers in flight (RFC 9000 §17.1).
 *
 * Return: 1 to 4.
 */
u8 tquic_pn_len(u64 pn, s64 largest_acked)
{
	u64 range = (pn - (u64)largest_acked) * 2;
	u8 n = 1;

	while (n < TQUIC_PN_MAX_LEN && range >= 1ULL << (8 * n))
		n++;
	return n;
}

/**
 * tquic_pn_decode() - restore a packet number (RFC 9000 App. A.3)
 * @trunc: bytes on the wire
 * @pn_len: how many, 1 to 4
 * @largest_rx: largest packet number received in this space, -1 if none
 *
 * Return: the packet number.
 */
u64 tquic_pn_decode(u64 trunc, u8 pn_len, s64 largest_rx)
{
	u64 expected = largest_rx + 1;
	u64 win = 1ULL << (8 * pn_len);
	u64 half = win / 2;
	u64 pn = (expected & ~(win - 1)) | trunc;

	if (pn + half <= expected && pn < TQUIC_PN_MAX + 1 - win)
		return pn + win;
	if (pn > expected + half && pn >= win)
		return pn - win;
	return pn;
}
