/* SPDX-License-Identifier: GPL-2.0 */
/* Receiving half of a stream or of a CRYPTO level: reassembly, states (RFC 9000 section 3.2). */
#ifndef TQUIC_CORE_RECV_H
#define TQUIC_CORE_RECV_H

#include <linux/gfp.h>
#include <linux/limits.h>
#include <linux/rbtree.h>
#include <linux/types.h>

#include "core/flow.h"

struct sk_buff;

/* Out-of-order pieces of one stream; data that continues the stream is always taken. */
#define TQUIC_RECV_CHUNKS_MAX	16384U
/* The same for a CRYPTO level, which fills up before anybody has proved who it is. */
#define TQUIC_RECV_CRYPTO_CHUNKS_MAX 256U
/* Shorter pieces are copied: they must not keep a whole packet alive. */
#define TQUIC_RECV_HOLD_MIN	512U
/* So are pieces of less than 1/8 of the packet's true size. */
#define TQUIC_RECV_HOLD_RATIO	8U
/* Size of an allocation for copied bytes, bookkeeping included. */
#define TQUIC_RECV_COPY_MIN	256U
#define TQUIC_RECV_COPY_MAX	4096U
/* CRYPTO bytes that may be buffered per level (RFC 9000 section 7.5 asks for 4096). */
#define TQUIC_RECV_CRYPTO_WINDOW 65536U

enum tquic_recv_state {
	TQUIC_RECV_NONE,	/* the peer cannot send on this stream */
	TQUIC_RECV_RECV,
	TQUIC_RECV_SIZE_KNOWN,
	TQUIC_RECV_DATA_RECVD,
	TQUIC_RECV_DATA_READ,	/* terminal */
	TQUIC_RECV_RESET_RECVD,
	TQUIC_RECV_RESET_READ,	/* terminal */
};

struct tquic_rchunk;

/**
 * struct tquic_recv - receiving half
 * @chunks: pieces by offset, disjoint
 * @tail: the piece with the highest offset
 * @mem: budget charged with the pieces' true size
 * @flow: stream credit; flow.highest is the highest offset seen,
 *	flow.consumed the next offset the application reads
 * @contig: end of what can be read
 * @final_size: length of the stream, U64_MAX while unknown
 * @charged: this half's part of @mem
 * @reset_code: application error code of the peer's RESET_STREAM
 * @reliable: bytes the reader gets before it is told of the reset
 * @stop_code: application error code of our STOP_SENDING
 * @chunk_count: pieces held
 * @state: enum tquic_recv_state
 * @crypto: a CRYPTO level: the window slides with every read
 * @stopped: nobody will read: data is dropped on arrival
 * @stop_pending: a STOP_SENDING frame has to be sent
 * @reset_at: the peer sent RESET_STREAM_AT; bytes are taken until there are @reliable
 */
struct tquic_recv {
	struct rb_root chunks;
	struct tquic_rchunk *tail;
	struct tquic_mem *mem;
	struct tquic_flow_rx flow;
	u64 contig;
	u64 final_size;
	u64 charged;
	u64 reset_code;
	u64 stop_code;
	u64 reliable;
	u32 chunk_count;
	u8 state;
	u8 crypto:1;
	u8 stopped:1;
	u8 stop_pending:1;
	u8 reset_at:1;
};

/**
 * struct tquic_recv_in - bytes of one STREAM or CRYPTO frame
 * @off: stream offset; off + len does not overflow (checked by the frame parser)
 * @data: the bytes, inside @skb when that is set
 * @len: number of bytes
 * @fin: the frame ends the stream
 * @skb: packet buffer that may be referenced instead of copied, or NULL
 */
struct tquic_recv_in {
	u64 off;
	const u8 *data;
	u32 len;
	bool fin;
	struct sk_buff *skb;
};

/**
 * struct tquic_recv_delta - what the connection's credit has to account
 * @fresh: growth of the highest offset, for tquic_flow_rx_received()
 * @dropped: bytes nobody will read, for tquic_flow_rx_consumed()
 */
struct tquic_recv_delta {
	u64 fresh;
	u64 dropped;
};

void tquic_recv_init(struct tquic_recv *r, u64 window, u64 window_max, u64 now,
		     struct tquic_mem *mem);
/* The receiving half of a CRYPTO level. */
void tquic_recv_init_crypto(struct tquic_recv *r, struct tquic_mem *mem);
void tquic_recv_destroy(struct tquic_recv *r);

/**
 * tquic_recv_insert() - take the bytes of one frame
 * @r: receiving half
 * @in: the bytes
 * @gfp: allocation context
 * @d: filled when the result is not positive; to be accounted even if negative
 *
 * Return: 0; TQUIC_ERR_FINAL_SIZE, TQUIC_ERR_FLOW_CONTROL or (CRYPTO)
 * TQUIC_ERR_CRYPTO_BUFFER_EXCEEDED; -ENOMEM, or -ENOBUFS when the piece is out
 * of order and a bound is reached: the packet must then not be acknowledged,
 * so that the peer sends the bytes again.
 */
int tquic_recv_insert(struct tquic_recv *r, const struct tquic_recv_in *in, gfp_t gfp,
		      struct tquic_recv_delta *d);

/**
 * tquic_recv_reset() - the peer's RESET_STREAM or RESET_STREAM_AT
 * @r: receiving half
 * @code: application error code
 * @final_size: length of the stream
 * @reliable: bytes that are delivered before the reset is told, at most @final_size; 0 of a
 *	RESET_STREAM. Of several frames the smallest value counts
 * @d: filled when the result is 0; what is behind @reliable counts as dropped now
 *
 * Buffered data behind @reliable is dropped, unless all of it had arrived.
 *
 * Return: 0, TQUIC_ERR_FINAL_SIZE, TQUIC_ERR_FLOW_CONTROL, or TQUIC_ERR_STREAM_STATE when
 * the code has changed.
 */
int tquic_recv_reset(struct tquic_recv *r, u64 code, u64 final_size, u64 reliable,
		     struct tquic_recv_delta *d);

/**
 * tquic_recv_stop() - the application does not want to read (any more)
 * @r: receiving half
 * @code: application error code
 * @d: filled with what was thrown away
 *
 * Return: true when a STOP_SENDING frame must be sent.
 */
bool tquic_recv_stop(struct tquic_recv *r, u64 code, struct tquic_recv_delta *d);

/* STOP_SENDING went out, or was lost and is needed again if this returns true. */
void tquic_recv_stop_sent(struct tquic_recv *r);
bool tquic_recv_stop_lost(struct tquic_recv *r);

/**
 * tquic_recv_peek_at() - bytes in order
 * @r: receiving half
 * @ahead: bytes to pass over
 * @p: where they are
 *
 * Return: number of bytes at *@p, 0 when there are none now.
 */
u32 tquic_recv_peek_at(const struct tquic_recv *r, u64 ahead, const u8 **p);

static inline u32 tquic_recv_peek(const struct tquic_recv *r, const u8 **p)
{
	return tquic_recv_peek_at(r, 0, p);
}

/**
 * tquic_recv_consume() - the application has read
 * @r: receiving half
 * @n: bytes, at most the readable ones (more is cut down)
 * @now: in ns
 * @srtt_ns: smoothed RTT for the window's tuning
 *
 * The same @n goes to the connection's tquic_flow_rx_consumed().
 *
 * Return: true when MAX_STREAM_DATA (flow.max) should be sent.
 */
bool tquic_recv_consume(struct tquic_recv *r, u32 n, u64 now, u64 srtt_ns);

/* The application was told of the end (read all) or of the reset: to the terminal state. */
void tquic_recv_told(struct tquic_recv *r);

/* May MAX_STREAM_DATA still be sent (RFC 9000 section 13.3)? */
static inline bool tquic_recv_wants_credit(const struct tquic_recv *r)
{
	return r->state == TQUIC_RECV_RECV && !r->stopped;
}

static inline u64 tquic_recv_readable(const struct tquic_recv *r)
{
	return r->contig - r->flow.consumed;
}

/* Everything was read and the stream is complete. */
static inline bool tquic_recv_eof(const struct tquic_recv *r)
{
	return r->final_size != U64_MAX && r->flow.consumed == r->final_size &&
	       (r->state == TQUIC_RECV_DATA_RECVD || r->state == TQUIC_RECV_DATA_READ);
}

static inline bool tquic_recv_was_reset(const struct tquic_recv *r)
{
	return r->state == TQUIC_RECV_RESET_RECVD || r->state == TQUIC_RECV_RESET_READ;
}

/* Would a read return at once: bytes, the end, or that it was reset? */
static inline bool tquic_recv_ready(const struct tquic_recv *r)
{
	return tquic_recv_readable(r) || tquic_recv_eof(r) || tquic_recv_was_reset(r);
}

static inline bool tquic_recv_terminal(const struct tquic_recv *r)
{
	return r->state == TQUIC_RECV_NONE || r->state == TQUIC_RECV_DATA_READ ||
	       r->state == TQUIC_RECV_RESET_READ;
}

#endif
