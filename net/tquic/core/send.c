// SPDX-License-Identifier: GPL-2.0
/* Sending half of a stream or of a CRYPTO level: buffer, ranges, states (RFC 9000 section 3.1). */
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "core/rec.h"
#include "core/rset.h"
#include "core/send.h"

/* Larger allocations are tried without effort, so that they cannot stall a writer. */
#define SEND_CHUNK_EASY		4096U

void tquic_send_init(struct tquic_send *s, u64 max_data, struct tquic_mem *mem)
{
	*s = (struct tquic_send) {
		.mem = mem,
		.acked = RB_ROOT,
		.lost = RB_ROOT,
		.max_data = max_data,
		.blocked_at = U64_MAX,
		.state = TQUIC_SEND_READY,
	};
	INIT_LIST_HEAD(&s->chunks);
}

static void send_charge(struct tquic_send *s, s64 bytes)
{
	s->buffered_bytes += bytes;
	if (s->mem)
		s->mem->used += bytes;
}

static void send_unsent(struct tquic_send *s, s64 bytes)
{
	if (s->mem)
		s->mem->unsent += bytes;
}

static void send_chunk_free(struct tquic_send *s, struct tquic_chunk *chunk)
{
	if (s->cursor[0] == chunk)
		s->cursor[0] = NULL;
	if (s->cursor[1] == chunk)
		s->cursor[1] = NULL;
	send_charge(s, -(s64)(sizeof(*chunk) + chunk->cap));
	list_del(&chunk->list);
	kfree(chunk);
}

static void send_drop(struct tquic_send *s)
{
	struct tquic_chunk *chunk, *next;

	list_for_each_entry_safe(chunk, next, &s->chunks, list)
		send_chunk_free(s, chunk);
	send_unsent(s, -(s64)(s->end - s->nxt));
	s->end = s->nxt;
	tquic_rset_free(&s->acked);
	tquic_rset_free(&s->lost);
}

void tquic_send_destroy(struct tquic_send *s)
{
	send_drop(s);
}

static struct tquic_chunk *send_chunk_alloc(struct tquic_send *s, u32 want, gfp_t gfp)
{
	u32 size = TQUIC_SEND_CHUNK_MIN;
	struct tquic_chunk *chunk;

	while (size < TQUIC_SEND_CHUNK_MAX && size - sizeof(*chunk) < want)
		size *= 2;
	for (chunk = NULL; !chunk && size > SEND_CHUNK_EASY; size /= 2) {
		chunk = kmalloc(size, GFP_NOWAIT | __GFP_NOWARN | (gfp & __GFP_ACCOUNT));
		if (chunk)
			break;
	}
	for (; !chunk && size >= TQUIC_SEND_CHUNK_MIN; size /= 2) {
		chunk = kmalloc(size, gfp);
		if (chunk)
			break;
	}
	if (!chunk)
		return NULL;
	chunk->len = 0;
	chunk->cap = size - sizeof(*chunk);
	list_add_tail(&chunk->list, &s->chunks);
	send_charge(s, size);
	return chunk;
}

static bool send_writable(const struct tquic_send *s)
{
	return (s->state == TQUIC_SEND_READY || s->state == TQUIC_SEND_SEND) && !s->fin;
}

static struct tquic_chunk *send_chunk_last(struct tquic_send *s)
{
	return list_empty(&s->chunks) ? NULL :
	       list_last_entry(&s->chunks, struct tquic_chunk, list);
}

int tquic_send_reserve(struct tquic_send *s, u32 want, gfp_t gfp, u8 **dst)
{
	struct tquic_chunk *chunk = send_chunk_last(s);

	if (!send_writable(s))
		return -EPIPE;
	if (!want)
		return 0;
	if (!chunk || chunk->len == chunk->cap)
		chunk = send_chunk_alloc(s, want, gfp);
	if (!chunk)
		return -ENOMEM;
	if (!chunk->len)
		chunk->off = s->end;
	*dst = chunk->data + chunk->len;
	return min(want, chunk->cap - chunk->len);
}

void tquic_send_commit(struct tquic_send *s, u32 n)
{
	struct tquic_chunk *chunk = send_chunk_last(s);

	if (!chunk)
		return;
	n = min(n, chunk->cap - chunk->len);
	chunk->len += n;
	s->end += n;
	send_unsent(s, n);
}

int tquic_send_finish(struct tquic_send *s)
{
	if (s->fin && s->state != TQUIC_SEND_RESET_SENT && s->state != TQUIC_SEND_RESET_RECVD)
		return 0;
	if (!send_writable(s))
		return -EPIPE;
	s->fin = true;
	return 0;
}

/* Bytes that may be sent; after a reset those that have to arrive nevertheless. */
static bool send_alive(const struct tquic_send *s)
{
	if (s->state == TQUIC_SEND_RESET_SENT)
		return s->una < s->reliable;
	return s->state == TQUIC_SEND_READY || s->state == TQUIC_SEND_SEND ||
	       s->state == TQUIC_SEND_DATA_SENT;
}

/* The last byte of a range in @lost is never in @acked: see where both are changed. */
static bool send_next_lost(const struct tquic_send *s, u64 from, u32 room,
			   struct tquic_send_seg *seg)
{
	u64 lo, hi, acked_lo, acked_hi;

	if (!room || !tquic_rset_next(&s->lost, max(from, s->una), &lo, &hi))
		return false;
	lo = tquic_rset_contig(&s->acked, lo);
	if (tquic_rset_next(&s->acked, lo, &acked_lo, &acked_hi))
		hi = min(hi, acked_lo);
	seg->off = lo;
	seg->len = min_t(u64, hi - lo, room);
	seg->retx = true;
	return true;
}

static bool send_next_new(const struct tquic_send *s, u32 room, u64 conn_credit,
			  struct tquic_send_seg *seg)
{
	u64 credit;

	if (s->nxt >= s->max_data)
		return false;
	credit = min(s->max_data - s->nxt, conn_credit);
	seg->off = s->nxt;
	seg->len = min3(s->end - s->nxt, credit, (u64)room);
	seg->retx = false;
	return seg->len > 0;
}

bool tquic_send_next_from(const struct tquic_send *s, u64 from, u32 room, u64 conn_credit,
			  struct tquic_send_seg *seg)
{
	if (!send_alive(s))
		return false;
	if (send_next_lost(s, from, room, seg) || send_next_new(s, room, conn_credit, seg) ||
	    (from && send_next_lost(s, 0, room, seg))) {
		seg->fin = s->fin && !s->fin_acked && seg->off + seg->len == s->end;
		return true;
	}
	if (!s->fin || s->fin_sent || s->fin_acked || s->nxt != s->end)
		return false;
	*seg = (struct tquic_send_seg) { .off = s->end, .fin = true };
	return true;
}

bool tquic_send_next(const struct tquic_send *s, u32 room, u64 conn_credit,
		     struct tquic_send_seg *seg)
{
	return tquic_send_next_from(s, 0, room, conn_credit, seg);
}

u64 tquic_send_split(struct tquic_send *s, struct tquic_rec *rec, u64 at)
{
	u64 acked_lo, acked_hi;

	if (at && tquic_rset_next(&s->acked, at - 1, &acked_lo, &acked_hi))
		at = min(at, acked_lo);
	tquic_rset_cut(&s->lost, at, at, &rec);
	tquic_rec_free(rec);
	return at;
}

u64 tquic_send_gap(const struct tquic_send *s)
{
	u64 lo, hi;

	if (!tquic_rset_next(&s->lost, s->una, &lo, &hi))
		return 0;
	return s->nxt - max(lo, s->una);
}

u64 tquic_send_frontier(const struct tquic_send *s)
{
	u64 lo, hi;

	return tquic_rset_next(&s->lost, s->una, &lo, &hi) ? max(lo, s->una) : s->nxt;
}

void tquic_send_skip(struct tquic_send *s, struct tquic_rec *rec, u64 bytes)
{
	if (!send_alive(s) || !bytes || bytes > min(s->end, s->max_data) - s->nxt) {
		tquic_rec_free(rec);
		return;
	}
	tquic_rset_add(&s->lost, rec, s->nxt, s->nxt + bytes);
	s->nxt += bytes;
	send_unsent(s, -(s64)bytes);
}

void tquic_send_sent(struct tquic_send *s, const struct tquic_send_seg *seg)
{
	u64 end = seg->off + seg->len, lo, hi;
	struct tquic_rec *none = NULL;

	if (!send_alive(s))
		return;
	/* With what is acknowledged in front of it */
	if (seg->retx && tquic_rset_next(&s->lost, seg->off, &lo, &hi))
		tquic_rset_cut(&s->lost, lo, end, &none);
	if (end > s->nxt) {
		send_unsent(s, -(s64)(end - s->nxt));
		s->nxt = end;
	}
	if (s->state == TQUIC_SEND_RESET_SENT && !s->reset_told && s->nxt == s->end)
		s->reset_pending = true;
	if (s->state == TQUIC_SEND_READY)
		s->state = TQUIC_SEND_SEND;
	if (seg->fin) {
		s->fin_sent = true;
		s->state = TQUIC_SEND_DATA_SENT;
	}
}

static struct tquic_chunk *send_chunk_at(struct tquic_send *s, struct tquic_chunk *chunk, u64 off)
{
	if (!chunk || chunk->off > off)
		chunk = list_first_entry_or_null(&s->chunks, struct tquic_chunk, list);
	if (!chunk || chunk->off > off)
		return NULL;
	while (off - chunk->off >= chunk->len) {
		if (list_is_last(&chunk->list, &s->chunks))
			return NULL;
		chunk = list_next_entry(chunk, list);
	}
	return chunk;
}

bool tquic_send_copy(struct tquic_send *s, u64 off, u8 *dst, u32 len)
{
	struct tquic_chunk **cursor = &s->cursor[off >= s->nxt], *chunk;
	u32 at, n;

	while (len) {
		chunk = send_chunk_at(s, *cursor, off);
		if (!chunk)
			return false;
		*cursor = chunk;
		at = off - chunk->off;
		n = min(len, chunk->len - at);
		memcpy(dst, chunk->data + at, n);
		off += n;
		dst += n;
		len -= n;
	}
	return true;
}

/* Everything below @una is acknowledged: forget it. */
static void send_advance(struct tquic_send *s, u64 una)
{
	struct tquic_chunk *chunk, *next;

	s->una = una;
	tquic_rset_trim_below(&s->acked, una);
	tquic_rset_trim_below(&s->lost, una);
	list_for_each_entry_safe(chunk, next, &s->chunks, list) {
		if (chunk->off + chunk->len > una)
			break;
		send_chunk_free(s, chunk);
	}
}

/* After a reset: is all done that has to be? */
static void send_reset_settle(struct tquic_send *s)
{
	if (s->state != TQUIC_SEND_RESET_SENT || s->una < s->reliable)
		return;
	send_drop(s);
	if (s->reset_acked)
		s->state = TQUIC_SEND_RESET_RECVD;
}

void tquic_send_on_acked(struct tquic_send *s, struct tquic_rec *rec)
{
	u64 lo = rec->off, hi = rec->off + rec->len;
	struct tquic_rec *none = NULL;

	if (!send_alive(s)) {
		tquic_rec_free(rec);
		return;
	}
	if (rec->fin)
		s->fin_acked = true;
	tquic_rset_add(&s->acked, rec, max(lo, s->una), hi);
	if (hi > s->una && tquic_rset_next(&s->acked, max(lo, s->una), &lo, &hi)) {
		/* A range lost around the acknowledged one stays as it is. */
		tquic_rset_cut(&s->lost, lo, hi, &none);
		if (lo == s->una)
			send_advance(s, hi);
	}
	if (s->fin_acked && s->una == s->end)
		s->state = TQUIC_SEND_DATA_RECVD;
	send_reset_settle(s);
}

/* Bytes of a frame that still have to arrive end here. */
static u64 send_wanted_end(const struct tquic_send *s, const struct tquic_rec *rec)
{
	u64 end = rec->off + rec->len;

	return s->state == TQUIC_SEND_RESET_SENT ? min(end, s->reliable) : end;
}

void tquic_send_on_lost(struct tquic_send *s, struct tquic_rec *rec)
{
	u64 lo = max(rec->off, s->una), hi = send_wanted_end(s, rec);
	u64 acked_lo, acked_hi;

	if (!send_alive(s)) {
		tquic_rec_free(rec);
		return;
	}
	if (rec->fin && !s->fin_acked)
		s->fin_sent = false;
	lo = tquic_rset_contig(&s->acked, lo);
	if (lo < hi && tquic_rset_next(&s->acked, hi - 1, &acked_lo, &acked_hi))
		hi = min(hi, acked_lo);
	tquic_rset_add(&s->lost, rec, lo, hi);
}

bool tquic_send_wants(const struct tquic_send *s, const struct tquic_rec *rec)
{
	u64 lo = max(rec->off, s->una), hi = send_wanted_end(s, rec);

	if (!send_alive(s))
		return false;
	return (lo < hi && !tquic_rset_covers(&s->acked, lo, hi)) ||
	       (rec->fin && s->fin && !s->fin_acked);
}

bool tquic_send_cut(const struct tquic_send *s, struct tquic_rec *rec)
{
	u64 end = send_wanted_end(s, rec), gone = s->una - min(s->una, rec->off);

	if (end < rec->off + rec->len) {
		rec->len = end - min(end, rec->off);
		rec->fin = false;
	}
	rec->off += gone;
	rec->len -= min_t(u64, gone, rec->len);
	return rec->len || rec->fin;
}

bool tquic_send_pending(const struct tquic_send *s)
{
	struct tquic_send_seg seg;

	return tquic_send_next(s, 1, U64_MAX, &seg);
}

bool tquic_send_set_max(struct tquic_send *s, u64 max_data)
{
	if (max_data <= s->max_data)
		return false;
	s->max_data = max_data;
	return true;
}

bool tquic_send_blocked_report(struct tquic_send *s)
{
	if (!send_alive(s) || s->nxt < s->max_data || s->end == s->nxt ||
	    s->blocked_at == s->max_data)
		return false;
	s->blocked_at = s->max_data;
	if (s->state == TQUIC_SEND_READY)
		s->state = TQUIC_SEND_SEND;
	return true;
}

void tquic_send_blocked_lost(struct tquic_send *s, u64 limit)
{
	if (s->blocked_at == limit)
		s->blocked_at = U64_MAX;
}

bool tquic_send_reset(struct tquic_send *s, u64 code)
{
	if (!send_alive(s))
		return false;
	send_drop(s);
	if (s->state != TQUIC_SEND_RESET_SENT)
		s->reset_code = code;
	s->reliable = 0;
	s->reset_pending = true;
	s->reset_acked = false;
	s->state = TQUIC_SEND_RESET_SENT;
	return true;
}

/* Drop what is behind the reliable bytes; the last byte of a range in @lost is not in @acked. */
static void send_trim(struct tquic_send *s, u64 reliable)
{
	struct tquic_rec *none = NULL;
	struct tquic_chunk *chunk;
	u64 lo, hi;

	while ((chunk = send_chunk_last(s)) && chunk->off >= reliable)
		send_chunk_free(s, chunk);
	tquic_rset_cut(&s->lost, reliable, U64_MAX, &none);
	if (tquic_rset_next(&s->acked, reliable - 1, &lo, &hi) && lo < reliable)
		tquic_rset_cut(&s->lost, lo, U64_MAX, &none);
}

int tquic_send_reset_at(struct tquic_send *s, u64 code, u64 reliable)
{
	u64 end = max(s->nxt, reliable);

	if (!send_alive(s) || s->state == TQUIC_SEND_RESET_SENT)
		return -EPIPE;
	if (reliable > s->end)
		return -EINVAL;
	if (s->una >= reliable) {
		tquic_send_reset(s, code);
		s->reliable = reliable;
		return 0;
	}
	send_unsent(s, -(s64)(s->end - end));
	s->end = end;
	send_trim(s, reliable);
	s->fin = false;
	s->reset_code = code;
	s->reliable = reliable;
	s->reset_pending = s->nxt == end;
	s->state = TQUIC_SEND_RESET_SENT;
	return 0;
}

bool tquic_send_on_stop(struct tquic_send *s, u64 code)
{
	if (!s->stopped) {
		s->stopped = true;
		s->stop_code = code;
	}
	return tquic_send_reset(s, code);
}

void tquic_send_rewind(struct tquic_send *s)
{
	tquic_rset_free(&s->lost);
	if (s->state == TQUIC_SEND_RESET_SENT)
		s->end = 0;
	else
		send_unsent(s, s->nxt);
	s->nxt = 0;
	s->max_data = 0;
	s->blocked_at = U64_MAX;
	s->fin_sent = false;
}

void tquic_send_reset_sent(struct tquic_send *s)
{
	s->reset_pending = false;
	s->reset_told = true;
}

void tquic_send_reset_acked(struct tquic_send *s, u64 reliable)
{
	if (s->state != TQUIC_SEND_RESET_SENT || reliable != s->reliable)
		return;
	s->reset_pending = false;
	s->reset_acked = true;
	send_reset_settle(s);
}

void tquic_send_reset_lost(struct tquic_send *s, u64 reliable)
{
	if (s->state == TQUIC_SEND_RESET_SENT && reliable == s->reliable && !s->reset_acked)
		s->reset_pending = true;
}
