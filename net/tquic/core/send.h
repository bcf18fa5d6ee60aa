/* SPDX-License-Identifier: GPL-2.0 */
/* Sending half of a stream or of a CRYPTO level: buffer, ranges, states (RFC 9000 section 3.1). */
#ifndef TQUIC_CORE_SEND_H
#define TQUIC_CORE_SEND_H

#include <linux/gfp.h>
#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/types.h>

#include "core/flow.h"

struct tquic_rec;

/* Largest allocation of one chunk, bookkeeping included. */
#define TQUIC_SEND_CHUNK_MAX	16384U
#define TQUIC_SEND_CHUNK_MIN	512U

enum tquic_send_state {
	TQUIC_SEND_NONE,	/* we cannot send on this stream */
	TQUIC_SEND_READY,
	TQUIC_SEND_SEND,
	TQUIC_SEND_DATA_SENT,
	TQUIC_SEND_DATA_RECVD,	/* terminal */
	TQUIC_SEND_RESET_SENT,	/* from the decision on, see reset_pending */
	TQUIC_SEND_RESET_RECVD,	/* terminal */
};

struct tquic_chunk {
	struct list_head list;
	u64 off;
	u32 len;
	u32 cap;
	u8 data[];
};

/**
 * struct tquic_send - sending half
 * @chunks: data from @una (or a little below) to @end
 * @cursor: chunks of the last copies: of pending data, and of new data
 * @mem: budget charged with the chunks' true size, may be NULL
 * @acked: acknowledged ranges above @una
 * @lost: ranges to send, again or because they were left out; parts of them may
 *	be in @acked
 * @una: everything below is acknowledged
 * @nxt: next offset neither sent nor left out
 * @end: end of what the application wrote
 * @max_data: the peer's MAX_STREAM_DATA
 * @blocked_at: limit last reported by STREAM_DATA_BLOCKED, U64_MAX for none
 * @buffered_bytes: true size of the chunks
 * @reset_code: application error code of our RESET_STREAM
 * @stop_code: application error code of the peer's STOP_SENDING
 * @reliable: bytes that have to arrive in spite of our reset
 * @state: enum tquic_send_state
 * @fin: the application finished the stream at @end
 * @fin_sent: a FIN is under way
 * @fin_acked: a FIN was acknowledged
 * @stopped: the peer sent STOP_SENDING
 * @reset_pending: a RESET_STREAM(_AT) frame has to be sent
 * @reset_told: one was sent
 * @reset_acked: one was acknowledged that says the same of @reliable
 */
struct tquic_send {
	struct list_head chunks;
	struct tquic_chunk *cursor[2];
	struct tquic_mem *mem;
	struct rb_root acked;
	struct rb_root lost;
	u64 una;
	u64 nxt;
	u64 end;
	u64 max_data;
	u64 blocked_at;
	u64 buffered_bytes;
	u64 reset_code;
	u64 stop_code;
	u64 reliable;
	u8 state;
	u8 fin:1;
	u8 fin_sent:1;
	u8 fin_acked:1;
	u8 stopped:1;
	u8 reset_pending:1;
	u8 reset_told:1;
	u8 reset_acked:1;
};

/**
 * struct tquic_send_seg - what one STREAM or CRYPTO frame can carry
 * @off: offset of the first byte
 * @len: bytes, 0 for a FIN alone
 * @fin: the frame ends the stream
 * @retx: was sent before: costs no connection credit
 */
struct tquic_send_seg {
	u64 off;
	u32 len;
	bool fin;
	bool retx;
};

/* @max_data: U64_MAX for CRYPTO, which is not flow controlled. */
void tquic_send_init(struct tquic_send *s, u64 max_data, struct tquic_mem *mem);
void tquic_send_destroy(struct tquic_send *s);

/**
 * tquic_send_reserve() - buffer space to write into
 * @s: sending half
 * @want: bytes the caller would like to write
 * @gfp: allocation context
 * @dst: where to write
 *
 * Return: bytes that fit at *@dst (1 to @want), 0 for @want 0, -ENOMEM, or
 * -EPIPE when the stream is finished, stopped or reset. Nothing counts before
 * tquic_send_commit(); no other call of the half may come between.
 */
int tquic_send_reserve(struct tquic_send *s, u32 want, gfp_t gfp, u8 **dst);

/* @n: bytes written into the last reservation, at most its size. */
void tquic_send_commit(struct tquic_send *s, u32 n);

/* The application ends the stream. Return: 0 (also when repeated) or -EPIPE after a reset. */
int tquic_send_finish(struct tquic_send *s);

/**
 * tquic_send_next() - next frame to send; changes nothing
 * @s: sending half
 * @room: payload bytes that fit into the packet
 * @conn_credit: connection-level credit for data never sent before
 * @seg: the answer
 *
 * Lost data comes first, then new data, then a FIN alone.
 *
 * Return: false when there is nothing to send now.
 */
bool tquic_send_next(const struct tquic_send *s, u32 room, u64 conn_credit,
		     struct tquic_send_seg *seg);

/* The same, but what is pending in front of @from comes last, after new data. */
bool tquic_send_next_from(const struct tquic_send *s, u64 from, u32 room, u64 conn_credit,
			  struct tquic_send_seg *seg);

/**
 * tquic_send_split() - have a pending range begin within another
 * @s: sending half
 * @rec: unused record; consumed
 * @at: where; in front of what is acknowledged if that is there
 *
 * Return: where the range begins, for tquic_send_next_from().
 */
u64 tquic_send_split(struct tquic_send *s, struct tquic_rec *rec, u64 at);

/* How far the next new byte is behind the first pending one. */
u64 tquic_send_gap(const struct tquic_send *s);

/* Offset of the first byte that is to be sent next, lost ones included. */
u64 tquic_send_frontier(const struct tquic_send *s);

/**
 * tquic_send_skip() - leave out bytes never sent; they become pending like lost ones
 * @s: sending half
 * @rec: unused record; consumed
 * @bytes: at most what is written, and allowed by all limits
 */
void tquic_send_skip(struct tquic_send *s, struct tquic_rec *rec, u64 bytes);

/* Shorten @seg to @room payload bytes. Return: false when nothing useful is left of it. */
static inline bool tquic_send_seg_clip(struct tquic_send_seg *seg, u32 room)
{
	if (seg->len <= room)
		return true;
	seg->len = room;
	seg->fin = false;
	return room > 0;
}

/* @seg (perhaps clipped) went into a packet. Connection credit used: !retx ? len : 0. */
void tquic_send_sent(struct tquic_send *s, const struct tquic_send_seg *seg);

/* Copy buffered bytes. Return: false when [off, off + len) is not all in the buffer. */
bool tquic_send_copy(struct tquic_send *s, u64 off, u8 *dst, u32 len);

/* The frame of @rec was acknowledged. Consumes @rec; @s->una may advance and memory be freed. */
void tquic_send_on_acked(struct tquic_send *s, struct tquic_rec *rec);

/* The frame of @rec was lost. Consumes @rec. */
void tquic_send_on_lost(struct tquic_send *s, struct tquic_rec *rec);

/* Is anything of a frame sent before not acknowledged yet? */
bool tquic_send_wants(const struct tquic_send *s, const struct tquic_rec *rec);

/*
 * Leave of a frame that is wanted what is still in the buffer and has to arrive, from the
 * first byte missing on; false: that is nothing.
 */
bool tquic_send_cut(const struct tquic_send *s, struct tquic_rec *rec);

/* Is anything sendable, given unlimited connection credit? */
bool tquic_send_pending(const struct tquic_send *s);

/* MAX_STREAM_DATA or a transport parameter. Return: true when the limit rose. */
bool tquic_send_set_max(struct tquic_send *s, u64 max_data);

/* Should STREAM_DATA_BLOCKED with @s->max_data be sent? True once per limit. */
bool tquic_send_blocked_report(struct tquic_send *s);

/* STREAM_DATA_BLOCKED was lost: report again if @limit still blocks. */
void tquic_send_blocked_lost(struct tquic_send *s, u64 limit);

/**
 * tquic_send_reset() - abandon the stream, drop its data
 * @s: sending half
 * @code: application error code
 *
 * After tquic_send_reset_at() the code stays what it was.
 *
 * Return: true when a RESET_STREAM frame with final size tquic_send_final_size()
 * must be sent; false when the half was already reset or complete.
 */
bool tquic_send_reset(struct tquic_send *s, u64 code);

/**
 * tquic_send_reset_at() - abandon the stream behind its first bytes
 * @s: sending half
 * @code: application error code
 * @reliable: bytes that shall be delivered
 *
 * The frame is pending at once, or as soon as all these bytes were sent: then the
 * final size is known, and the peer's limits allow it.
 *
 * Return: 0; -EPIPE when already reset or complete; -EINVAL when less was written.
 */
int tquic_send_reset_at(struct tquic_send *s, u64 code, u64 reliable);

/* The peer's STOP_SENDING. Return: as tquic_send_reset(). */
bool tquic_send_on_stop(struct tquic_send *s, u64 code);

/* Nothing that was sent counts, and there is no credit: start over. None may be acked. */
void tquic_send_rewind(struct tquic_send *s);

void tquic_send_reset_sent(struct tquic_send *s);
/* @reliable: what the frame said, 0 for a RESET_STREAM */
void tquic_send_reset_acked(struct tquic_send *s, u64 reliable);
void tquic_send_reset_lost(struct tquic_send *s, u64 reliable);

/* Final size of a RESET_STREAM(_AT) frame: everything that was ever sent. */
static inline u64 tquic_send_final_size(const struct tquic_send *s)
{
	return s->nxt;
}

static inline bool tquic_send_terminal(const struct tquic_send *s)
{
	return s->state == TQUIC_SEND_NONE || s->state == TQUIC_SEND_DATA_RECVD ||
	       s->state == TQUIC_SEND_RESET_RECVD;
}

#endif
