// SPDX-License-Identifier: GPL-2.0
/* Receiving half of a stream or of a CRYPTO level: reassembly, states (RFC 9000 section 3.2). */
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "core/proto.h"
#include "core/recv.h"

/**
 * struct tquic_rchunk - consecutive bytes of a stream
 * @rb: place by offset
 * @off: stream offset of @data
 * @len: bytes at @data
 * @room: unused bytes behind them, for bytes that follow
 * @charge: true size, bytes
 * @data: in @skb or in @buf
 * @skb: referenced packet buffer, NULL when the bytes were copied
 * @buf: copied bytes
 */
struct tquic_rchunk {
	struct rb_node rb;
	u64 off;
	u32 len;
	u32 room;
	u32 charge;
	u8 *data;
	struct sk_buff *skb;
	u8 buf[];
};

/* Where a byte belongs in the tree. */
struct recv_place {
	struct tquic_rchunk *prev;
	struct tquic_rchunk *next;
	struct rb_node *parent;
	struct rb_node **link;
};

static struct tquic_rchunk *recv_chunk(struct rb_node *node)
{
	return rb_entry_safe(node, struct tquic_rchunk, rb);
}

static u64 recv_chunk_end(const struct tquic_rchunk *c)
{
	return c->off + c->len;
}

void tquic_recv_init(struct tquic_recv *r, u64 window, u64 window_max, u64 now,
		     struct tquic_mem *mem)
{
	*r = (struct tquic_recv) {
		.chunks = RB_ROOT,
		.mem = mem,
		.final_size = U64_MAX,
		.state = TQUIC_RECV_RECV,
	};
	tquic_flow_rx_init(&r->flow, window, window_max, now);
}

void tquic_recv_init_crypto(struct tquic_recv *r, struct tquic_mem *mem)
{
	tquic_recv_init(r, TQUIC_RECV_CRYPTO_WINDOW, TQUIC_RECV_CRYPTO_WINDOW, 0, mem);
	r->crypto = true;
}

static void recv_charge(struct tquic_recv *r, s64 bytes)
{
	r->charged += bytes;
	if (r->mem)
		r->mem->used += bytes;
}

static void recv_chunk_free(struct tquic_recv *r, struct tquic_rchunk *c)
{
	recv_charge(r, -(s64)c->charge);
	r->chunk_count--;
	if (c->skb)
		consume_skb(c->skb);
	kfree(c);
}

static void recv_drop(struct tquic_recv *r)
{
	struct tquic_rchunk *c, *next;

	rbtree_postorder_for_each_entry_safe(c, next, &r->chunks, rb)
		recv_chunk_free(r, c);
	r->chunks = RB_ROOT;
	r->tail = NULL;
}

void tquic_recv_destroy(struct tquic_recv *r)
{
	recv_drop(r);
}

/* Forget all bytes up to the highest offset; returns how many were never read. */
static u64 recv_discard(struct tquic_recv *r)
{
	/* What is behind the reliable bytes was counted when the reset came. */
	u64 end = r->reset_at ? max(r->reliable, r->flow.consumed) : r->flow.highest;
	u64 dropped = end - r->flow.consumed;

	recv_drop(r);
	r->flow.consumed = r->flow.highest;
	r->contig = r->flow.highest;
	return dropped;
}

/* RFC 9000 sections 4.1 and 4.5 */
static int recv_check(const struct tquic_recv *r, u64 end, bool final)
{
	if (r->final_size != U64_MAX) {
		if (end > r->final_size || (final && end != r->final_size))
			return TQUIC_ERR_FINAL_SIZE;
	} else if (final && end < r->flow.highest) {
		return TQUIC_ERR_FINAL_SIZE;
	}
	if (end > r->flow.max)
		return r->crypto ? TQUIC_ERR_CRYPTO_BUFFER_EXCEEDED : TQUIC_ERR_FLOW_CONTROL;
	return 0;
}

static void recv_place(struct tquic_recv *r, u64 off, struct recv_place *at)
{
	struct tquic_rchunk *c = r->tail;

	*at = (struct recv_place) { .link = &r->chunks.rb_node };
	if (c && c->off <= off) {
		at->prev = c;
		at->parent = &c->rb;
		at->link = &c->rb.rb_right;
		return;
	}
	while (*at->link) {
		at->parent = *at->link;
		c = recv_chunk(at->parent);
		if (c->off <= off) {
			at->prev = c;
			at->link = &c->rb.rb_right;
		} else {
			at->next = c;
			at->link = &c->rb.rb_left;
		}
	}
}

static bool recv_may_hold(const struct tquic_recv *r, const struct tquic_recv_in *in, u32 len)
{
	if (!in->skb || r->crypto || len < TQUIC_RECV_HOLD_MIN)
		return false;
	if ((u64)len * TQUIC_RECV_HOLD_RATIO < in->skb->truesize)
		return false;
	return !r->mem || r->mem->used + in->skb->truesize <= r->mem->max / 2;
}

/* Allocation for copied bytes; grows while a stream keeps filling them. */
static u32 recv_copy_size(const struct tquic_rchunk *prev, u64 off, u32 len)
{
	u32 size = TQUIC_RECV_COPY_MIN;

	if (prev && !prev->skb && recv_chunk_end(prev) == off)
		size = min(2 * prev->charge, TQUIC_RECV_COPY_MAX);
	while (size < TQUIC_RECV_COPY_MAX && size - sizeof(*prev) < len)
		size *= 2;
	return size;
}

static struct tquic_rchunk *recv_chunk_new(struct tquic_recv *r, const struct tquic_recv_in *in,
					   const struct tquic_rchunk *prev, u64 off, u32 len,
					   gfp_t gfp)
{
	u8 *data = (u8 *)in->data + (off - in->off);
	bool hold = recv_may_hold(r, in, len);
	struct tquic_rchunk *c;
	u32 size;

	size = hold ? sizeof(*c) : recv_copy_size(prev, off, len);
	c = kmalloc(size, gfp);
	if (!c)
		return NULL;
	c->off = off;
	if (hold) {
		c->skb = skb_get(in->skb);
		c->data = data;
		c->len = len;
		c->room = 0;
		c->charge = size + in->skb->truesize;
	} else {
		c->skb = NULL;
		c->data = c->buf;
		c->len = min_t(u32, len, size - sizeof(*c));
		c->room = size - sizeof(*c) - c->len;
		c->charge = size;
		memcpy(c->data, data, c->len);
	}
	recv_charge(r, c->charge);
	r->chunk_count++;
	return c;
}

/* Store bytes of [off, off + len), a gap, from its start. Returns how many, or -ENOMEM. */
static s64 recv_put(struct tquic_recv *r, const struct tquic_recv_in *in,
		    const struct recv_place *at, u64 off, u32 len, gfp_t gfp)
{
	struct tquic_rchunk *c = at->prev;

	if (c && c->room && recv_chunk_end(c) == off) {
		len = min(len, c->room);
		memcpy(c->data + c->len, in->data + (off - in->off), len);
		c->len += len;
		c->room -= len;
		return len;
	}
	c = recv_chunk_new(r, in, at->prev, off, len, gfp);
	if (!c)
		return -ENOMEM;
	rb_link_node(&c->rb, at->parent, at->link);
	rb_insert_color(&c->rb, &r->chunks);
	if (!at->next)
		r->tail = c;
	return c->len;
}

static bool recv_full(const struct tquic_recv *r)
{
	u32 chunks_max = r->crypto ? TQUIC_RECV_CRYPTO_CHUNKS_MAX : TQUIC_RECV_CHUNKS_MAX;

	return r->chunk_count >= chunks_max ||
	       (r->mem && r->mem->used >= r->mem->max);
}

/*
 * Is there no room for bytes at @lo? What continues a stream that has been read to the end is
 * always taken: without it its reader could not make room.
 */
static bool recv_refuses(const struct tquic_recv *r, u64 lo)
{
	if (lo > r->contig && recv_full(r))
		return true;
	return r->mem && r->mem->tight && !r->crypto &&
	       (lo > r->contig || r->contig > r->flow.consumed);
}

static int recv_store(struct tquic_recv *r, const struct tquic_recv_in *in, gfp_t gfp)
{
	u64 lo = max(in->off, r->contig), hi = in->off + in->len, stop;
	struct recv_place at;
	s64 n;

	if (lo < hi && recv_refuses(r, lo))
		return -ENOBUFS;
	while (lo < hi) {
		recv_place(r, lo, &at);
		if (at.prev && recv_chunk_end(at.prev) > lo) {
			lo = recv_chunk_end(at.prev);
			continue;
		}
		stop = at.next ? min(hi, at.next->off) : hi;
		n = recv_put(r, in, &at, lo, stop - lo, gfp);
		if (n < 0)
			return n;
		lo += n;
	}
	return 0;
}

/* What can be read now may have grown. */
static void recv_advance(struct tquic_recv *r)
{
	struct recv_place at;
	struct tquic_rchunk *c;

	recv_place(r, r->contig, &at);
	c = at.prev;
	while (c && c->off <= r->contig && recv_chunk_end(c) > r->contig) {
		r->contig = recv_chunk_end(c);
		c = recv_chunk(rb_next(&c->rb));
	}
	if (r->state == TQUIC_RECV_SIZE_KNOWN && !r->reset_at && r->contig == r->final_size)
		r->state = TQUIC_RECV_DATA_RECVD;
}

int tquic_recv_insert(struct tquic_recv *r, const struct tquic_recv_in *in, gfp_t gfp,
		      struct tquic_recv_delta *d)
{
	u64 end = in->off + in->len;
	struct tquic_recv_in part;
	int err;

	err = recv_check(r, end, in->fin);
	if (err)
		return err;
	*d = (struct tquic_recv_delta) { };
	if (r->state != TQUIC_RECV_RECV && r->state != TQUIC_RECV_SIZE_KNOWN)
		return 0;
	if (end > r->flow.highest) {
		d->fresh = end - r->flow.highest;
		r->flow.highest = end;
	}
	if (in->fin) {
		r->final_size = end;
		r->state = TQUIC_RECV_SIZE_KNOWN;
	}
	if (r->stopped) {
		d->dropped = recv_discard(r);
		if (in->fin)
			r->state = TQUIC_RECV_DATA_READ;
		return 0;
	}
	if (r->reset_at && end > r->reliable) {
		part = *in;
		part.len = r->reliable > in->off ? r->reliable - in->off : 0;
		in = &part;
	}
	err = recv_store(r, in, gfp);
	recv_advance(r);
	return err;
}

/* All that was to be read is; the reset is what is left. */
static u64 recv_reset_now(struct tquic_recv *r)
{
	u64 dropped = recv_discard(r);

	r->stop_pending = false;
	r->state = r->stopped ? TQUIC_RECV_RESET_READ : TQUIC_RECV_RESET_RECVD;
	return dropped;
}

/* Forget bytes behind the reliable ones. */
static void recv_trim(struct tquic_recv *r)
{
	struct tquic_rchunk *c = recv_chunk(rb_last(&r->chunks)), *prev;

	for (; c && recv_chunk_end(c) > r->reliable; c = prev) {
		prev = recv_chunk(rb_prev(&c->rb));
		c->room = 0;
		if (c->off < r->reliable) {
			c->len = r->reliable - c->off;
			break;
		}
		rb_erase(&c->rb, &r->chunks);
		recv_chunk_free(r, c);
	}
	r->tail = c;
	r->contig = min(r->contig, r->reliable);
}

int tquic_recv_reset(struct tquic_recv *r, u64 code, u64 final_size, u64 reliable,
		     struct tquic_recv_delta *d)
{
	u64 was_end;
	int err;

	err = recv_check(r, final_size, true);
	if (err)
		return err;
	if (r->reset_at && code != r->reset_code)
		return TQUIC_ERR_STREAM_STATE;
	*d = (struct tquic_recv_delta) { };
	if (r->state != TQUIC_RECV_RECV && r->state != TQUIC_RECV_SIZE_KNOWN)
		return 0;
	d->fresh = final_size - r->flow.highest;
	r->flow.highest = final_size;
	r->final_size = final_size;
	r->reset_code = code;
	if (r->stopped || reliable <= r->flow.consumed) {
		d->dropped = recv_reset_now(r);
		return 0;
	}
	was_end = r->reset_at ? r->reliable : final_size;
	if (r->reset_at && reliable >= was_end)
		return 0;
	r->reset_at = true;
	r->reliable = reliable;
	d->dropped = was_end - reliable;
	recv_trim(r);
	r->state = TQUIC_RECV_SIZE_KNOWN;
	return 0;
}

bool tquic_recv_stop(struct tquic_recv *r, u64 code, struct tquic_recv_delta *d)
{
	*d = (struct tquic_recv_delta) { };
	if (r->stopped || tquic_recv_terminal(r))
		return false;
	r->stopped = true;
	r->stop_code = code;
	if (r->state == TQUIC_RECV_RESET_RECVD) {
		r->state = TQUIC_RECV_RESET_READ;
		return false;
	}
	d->dropped = recv_discard(r);
	if (r->state == TQUIC_RECV_RECV) {
		r->stop_pending = true;
		return true;
	}
	/* The size is known: the peer has nothing more to send that matters. */
	r->state = TQUIC_RECV_DATA_READ;
	return false;
}

void tquic_recv_stop_sent(struct tquic_recv *r)
{
	r->stop_pending = false;
}

bool tquic_recv_stop_lost(struct tquic_recv *r)
{
	if (!r->stopped || r->state != TQUIC_RECV_RECV)
		return false;
	r->stop_pending = true;
	return true;
}

u32 tquic_recv_peek_at(const struct tquic_recv *r, u64 ahead, const u8 **p)
{
	u64 off = r->flow.consumed + ahead;
	struct rb_node *node = r->chunks.rb_node;
	const struct tquic_rchunk *c;

	if (ahead >= tquic_recv_readable(r))
		return 0;
	/* There is one with every byte that can be read. */
	for (c = recv_chunk(node); off < c->off || off >= recv_chunk_end(c); c = recv_chunk(node))
		node = off < c->off ? node->rb_left : node->rb_right;
	*p = c->data + (off - c->off);
	return recv_chunk_end(c) - off;
}

bool tquic_recv_consume(struct tquic_recv *r, u32 n, u64 now, u64 srtt_ns)
{
	struct tquic_rchunk *c;
	u32 left, part;

	n = min_t(u64, n, tquic_recv_readable(r));
	for (left = n; left; left -= part) {
		c = recv_chunk(rb_first(&r->chunks));
		part = min(left, c->len);
		c->off += part;
		c->data += part;
		c->len -= part;
		if (c->len)
			continue;
		if (r->tail == c)
			r->tail = NULL;
		rb_erase(&c->rb, &r->chunks);
		recv_chunk_free(r, c);
	}
	if (r->reset_at && r->state == TQUIC_RECV_SIZE_KNOWN &&
	    r->flow.consumed + n >= r->reliable) {
		r->flow.consumed += n;
		recv_reset_now(r);
		return false;
	}
	if (r->crypto) {
		r->flow.consumed += n;
		r->flow.max = min(r->flow.consumed + r->flow.window, TQUIC_VARINT_MAX);
		return false;
	}
	return tquic_flow_rx_consumed(&r->flow, n, now, srtt_ns) && tquic_recv_wants_credit(r);
}

void tquic_recv_told(struct tquic_recv *r)
{
	if (r->state == TQUIC_RECV_RESET_RECVD)
		r->state = TQUIC_RECV_RESET_READ;
	else if (r->state == TQUIC_RECV_DATA_RECVD && r->flow.consumed == r->final_size)
		r->state = TQUIC_RECV_DATA_READ;
}
