/* SPDX-License-Identifier: GPL-2.0 */
/* Bounded read and write cursors, and variable-length integers (RFC 9000 §16). */
#ifndef TQUIC_CORE_VARINT_H
#define TQUIC_CORE_VARINT_H

#include <linux/string.h>
#include <linux/types.h>
#include <linux/unaligned.h>

#include "core/proto.h"

/**
 * struct tquic_rbuf - read cursor over bytes that the caller keeps alive
 * @p: next byte to read
 * @end: one past the last byte
 *
 * Every tquic_get_*() returns false, and leaves the cursor where it was, when
 * too few bytes are left.
 */
struct tquic_rbuf {
	const u8 *p;
	const u8 *end;
};

/**
 * struct tquic_wbuf - write cursor
 * @p: next byte to write
 * @end: one past the last byte that may be written
 *
 * Every tquic_put_*() returns false, and writes nothing, when the value does
 * not fit.
 */
struct tquic_wbuf {
	u8 *p;
	u8 *end;
};

static inline size_t tquic_rbuf_left(const struct tquic_rbuf *b)
{
	return b->end - b->p;
}

static inline size_t tquic_wbuf_left(const struct tquic_wbuf *b)
{
	return b->end - b->p;
}

/**
 * tquic_varint_len() - shortest encoding of a value
 * @v: value, at most %TQUIC_VARINT_MAX
 *
 * Return: 1, 2, 4 or 8 bytes.
 */
static inline unsigned int tquic_varint_len(u64 v)
{
	if (v < (1ULL << 6))
		return 1;
	if (v < (1ULL << 14))
		return 2;
	if (v < (1ULL << 30))
		return 4;
	return 8;
}

static inline bool tquic_get_view(struct tquic_rbuf *b, const u8 **p, u64 n)
{
	if (tquic_rbuf_left(b) < n)
		return false;
	*p = b->p;
	b->p += n;
	return true;
}

static inline bool tquic_get_bytes(struct tquic_rbuf *b, void *dst, size_t n)
{
	const u8 *p;

	if (!tquic_get_view(b, &p, n))
		return false;
	if (n)
		memcpy(dst, p, n);
	return true;
}

static inline bool tquic_get_u8(struct tquic_rbuf *b, u8 *v)
{
	const u8 *p;

	if (!tquic_get_view(b, &p, 1))
		return false;
	*v = *p;
	return true;
}

static inline bool tquic_get_u16(struct tquic_rbuf *b, u16 *v)
{
	const u8 *p;

	if (!tquic_get_view(b, &p, 2))
		return false;
	*v = get_unaligned_be16(p);
	return true;
}

static inline bool tquic_get_u32(struct tquic_rbuf *b, u32 *v)
{
	const u8 *p;

	if (!tquic_get_view(b, &p, 4))
		return false;
	*v = get_unaligned_be32(p);
	return true;
}

static inline bool tquic_get_u64(struct tquic_rbuf *b, u64 *v)
{
	const u8 *p;

	if (!tquic_get_view(b, &p, 8))
		return false;
	*v = get_unaligned_be64(p);
	return true;
}

/**
 * tquic_get_varint() - read one variable-length integer of any encoding length
 * @b: read cursor
 * @v: where the value goes
 *
 * Return: false if the encoding is cut short.
 */
static inline bool tquic_get_varint(struct tquic_rbuf *b, u64 *v)
{
	const u8 *p = b->p;

	if (p == b->end || !tquic_get_view(b, &p, 1U << (*p >> 6)))
		return false;
	switch (*p >> 6) {
	case 0:
		*v = *p;
		break;
	case 1:
		*v = get_unaligned_be16(p) & 0x3fff;
		break;
	case 2:
		*v = get_unaligned_be32(p) & 0x3fffffff;
		break;
	default:
		*v = get_unaligned_be64(p) & TQUIC_VARINT_MAX;
		break;
	}
	return true;
}

/* Reads a connection ID of @len bytes; more than TQUIC_CID_MAX_LEN is refused. */
static inline bool tquic_get_cid(struct tquic_rbuf *b, struct tquic_cid *cid,
				 u64 len)
{
	if (len > TQUIC_CID_MAX_LEN || !tquic_get_bytes(b, cid->id, len))
		return false;
	cid->len = len;
	return true;
}

static inline bool tquic_put_bytes(struct tquic_wbuf *b, const void *src,
				   size_t n)
{
	if (tquic_wbuf_left(b) < n)
		return false;
	if (n)
		memcpy(b->p, src, n);
	b->p += n;
	return true;
}

static inline bool tquic_put_u8(struct tquic_wbuf *b, u8 v)
{
	return tquic_put_bytes(b, &v, sizeof(v));
}

static inline bool tquic_put_u16(struct tquic_wbuf *b, u16 v)
{
	__be16 be = cpu_to_be16(v);

	return tquic_put_bytes(b, &be, sizeof(be));
}

static inline bool tquic_put_u32(struct tquic_wbuf *b, u32 v)
{
	__be32 be = cpu_to_be32(v);

	return tquic_put_bytes(b, &be, sizeof(be));
}

static inline bool tquic_put_u64(struct tquic_wbuf *b, u64 v)
{
	__be64 be = cpu_to_be64(v);

	return tquic_put_bytes(b, &be, sizeof(be));
}

/**
 * tquic_put_varint_n() - write a variable-length integer in a fixed width
 * @b: write cursor
 * @v: value
 * @width: 1, 2, 4 or 8 bytes
 *
 * Return: false if the bytes do not fit the buffer, or @v not the width.
 */
static inline bool tquic_put_varint_n(struct tquic_wbuf *b, u64 v,
				      unsigned int width)
{
	if (v > TQUIC_VARINT_MAX || width < tquic_varint_len(v))
		return false;
	switch (width) {
	case 1:
		return tquic_put_u8(b, v & 0x3f);
	case 2:
		return tquic_put_u16(b, (v & 0x3fff) | 0x4000);
	case 4:
		return tquic_put_u32(b, (v & 0x3fffffff) | 0x80000000);
	case 8:
		return tquic_put_u64(b, v | 0xc000000000000000ULL);
	default:
		return false;
	}
}

/* Writes @v in its shortest encoding. */
static inline bool tquic_put_varint(struct tquic_wbuf *b, u64 v)
{
	return tquic_put_varint_n(b, v, tquic_varint_len(v));
}

/* Writes the length byte and the bytes of @cid, as in a long header. */
static inline bool tquic_put_cid(struct tquic_wbuf *b,
				 const struct tquic_cid *cid)
{
	if (tquic_wbuf_left(b) < 1U + cid->len)
		return false;
	return tquic_put_u8(b, cid->len) && tquic_put_bytes(b, cid->id, cid->len);
}

#endif /* TQUIC_CORE_VARINT_H */
