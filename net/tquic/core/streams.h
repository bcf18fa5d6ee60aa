/* SPDX-License-Identifier: GPL-2.0 */
/* All streams of a connection: lookup, limits both ways, order of sending. */
#ifndef TQUIC_CORE_STREAMS_H
#define TQUIC_CORE_STREAMS_H

#include <linux/bits.h>
#include <linux/gfp.h>
#include <linux/array_size.h>
#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/types.h>
#include <linux/xarray.h>

#include "core/stream.h"

/* Every stream there is; @i, an unsigned int, and @index are of the walk. */
#define tquic_for_each_stream(t, i, index, s)				\
	for ((i) = 0; (i) < ARRAY_SIZE((t)->by_type); (i)++)		\
		xa_for_each(&(t)->by_type[i], index, s)

/**
 * struct tquic_stream_limits - stream limits one side declares (RFC 9000 section 18.2)
 * @data_bidi_local: credit on bidirectional streams the declaring side opens
 * @data_bidi_remote: credit on bidirectional streams the other side opens
 * @data_uni: credit on unidirectional streams the other side opens
 * @streams: how many streams the other side may open, [0] bidi, [1] uni
 */
struct tquic_stream_limits {
	u64 data_bidi_local;
	u64 data_bidi_remote;
	u64 data_uni;
	u64 streams[2];
};

/* The half of a stream that a received frame is about. */
enum tquic_stream_half {
	TQUIC_STREAM_RX,	/* STREAM, RESET_STREAM, STREAM_DATA_BLOCKED */
	TQUIC_STREAM_TX,	/* STOP_SENDING, MAX_STREAM_DATA */
};

/**
 * struct tquic_streams - all streams of a connection
 * @by_type: live streams by id & 3, keyed id >> 2
 * @opened: by id & 3: indices below this are open or were
 * @untouched: by id & 3: indices the peer opened implicitly; no object yet
 * @local: our limits; streams[] is also the size of the window of open streams
 * @peer: the peer's limits
 * @max_remote: streams the peer may open, value of the next MAX_STREAMS; by direction
 * @closed_remote: the peer's streams that have ended; by direction
 * @blocked_at: limit reported by STREAMS_BLOCKED, U64_MAX for none; by direction
 * @grant_due: bit per direction: MAX_STREAMS has to be sent
 * @blocked_due: bit per direction: STREAMS_BLOCKED has to be sent
 * @rx_window_max: bound of a stream's auto-tuned window
 * @tx_mem: budget of the sending halves
 * @rx_mem: budget of the receiving halves
 * @sequential: ready streams that go one after the other, by urgency: those with a
 *	deadline first, the earliest of them before the others
 * @shared: ready streams that take turns, by urgency
 * @parked: streams that wait for connection credit
 * @readable: streams with something for the application
 * @owners: claimed streams whose owners have to look at them, by struct tquic_stream.readable
 * @ctl: streams with control frames to send
 * @count: live streams
 * @ready_mask: bit per urgency with ready streams
 * @turn: bit per urgency: the shared streams are next
 * @is_server: our role
 */
struct tquic_streams {
	struct xarray by_type[4];
	u64 opened[4];
	struct rb_root untouched[4];
	struct tquic_stream_limits local;
	struct tquic_stream_limits peer;
	u64 max_remote[2];
	u64 closed_remote[2];
	u64 blocked_at[2];
	u8 grant_due;
	u8 blocked_due;
	u64 rx_window_max;
	struct tquic_mem tx_mem;
	struct tquic_mem rx_mem;
	struct rb_root sequential[TQUIC_URGENCY_COUNT];
	struct list_head shared[TQUIC_URGENCY_COUNT];
	struct list_head parked;
	struct list_head readable;
	struct list_head owners;
	struct list_head ctl;
	u32 count;
	u8 ready_mask;
	u8 turn;
	bool is_server;
};

/* @rx_window_max: bound of a stream's window; @mem_max: bound of the receive budget. */
void tquic_streams_init(struct tquic_streams *t, bool is_server,
			const struct tquic_stream_limits *local, u64 rx_window_max, u64 mem_max);
void tquic_streams_destroy(struct tquic_streams *t);

/* The peer's transport parameters; streams opened before get their credit too. */
void tquic_streams_set_peer(struct tquic_streams *t, const struct tquic_stream_limits *peer);

/* The peer has seen nothing and takes its limits back: new ones follow. */
void tquic_streams_rewind(struct tquic_streams *t);

/* Streams of our own opened so far. */
static inline u64 tquic_streams_opened(const struct tquic_streams *t, bool uni)
{
	return t->opened[uni << 1 | t->is_server];
}

/* MAX_STREAMS. Return: true when the limit rose. */
bool tquic_streams_on_max(struct tquic_streams *t, bool uni, u64 max);

/* STREAMS_BLOCKED was lost: send it again if @limit still blocks. */
void tquic_streams_blocked_lost(struct tquic_streams *t, bool uni, u64 limit);

/*
 * A stream of our own was not used after all.  Return: true when it is gone, as if it had not
 * been opened: nothing was written to it and no other of its kind came after it.
 */
bool tquic_streams_unopen(struct tquic_streams *t, struct tquic_stream *s);

/**
 * tquic_streams_open() - open a stream of our own
 * @t: the table
 * @uni: unidirectional
 * @now: in ns
 * @gfp: allocation context
 * @out: the stream
 *
 * Return: 0, -EAGAIN when the peer's limit is reached (STREAMS_BLOCKED becomes
 * due), -ENOMEM.
 */
int tquic_streams_open(struct tquic_streams *t, bool uni, u64 now, gfp_t gfp,
		       struct tquic_stream **out);

/* Live stream or NULL. */
struct tquic_stream *tquic_streams_find(const struct tquic_streams *t, u64 id);

/**
 * tquic_streams_get() - stream that a received frame names; the peer's are created
 * @t: the table
 * @id: stream id from the frame
 * @half: which half the frame is about
 * @now: in ns
 * @gfp: allocation context
 * @out: the stream, NULL when it has ended (ignore the frame)
 *
 * Lower ids that become open this way get an object when they are first named.
 *
 * Return: 0, TQUIC_ERR_STREAM_STATE, TQUIC_ERR_STREAM_LIMIT, -ENOMEM.
 */
int tquic_streams_get(struct tquic_streams *t, u64 id, enum tquic_stream_half half, u64 now,
		      gfp_t gfp, struct tquic_stream **out);

/**
 * tquic_streams_reap() - remove and free a stream if it is done
 * @t: the table
 * @s: the stream; gone when this returns true
 *
 * May make MAX_STREAMS due (grant_due).
 */
bool tquic_streams_reap(struct tquic_streams *t, struct tquic_stream *s);

/*
 * Change the priority of a stream (RFC 9218 section 4), also of what waits to be sent:
 * lower urgencies first; within one the streams that are not incremental one after the
 * other by id, the others by turns, and both kinds alternate, which section 10 leaves
 * open. @urgency above 7 counts as 7.
 */
void tquic_streams_set_priority(struct tquic_streams *t, struct tquic_stream *s, u8 urgency,
				bool incremental);

/* Put @s among the ready senders if it has something to send, or take it out if not. */
void tquic_streams_update_ready(struct tquic_streams *t, struct tquic_stream *s);

/* @s has only new data and the connection has no credit: set aside. */
void tquic_streams_park(struct tquic_streams *t, struct tquic_stream *s);

/* Connection credit rose: all parked streams are ready again. */
void tquic_streams_unpark(struct tquic_streams *t);

/* A time in ns by which all of @s from now on is due, or TQUIC_DEADLINE_NONE. */
void tquic_streams_set_deadline(struct tquic_streams *t, struct tquic_stream *s,
				u64 deadline_ns);

/* The stream that should send next, of those due at @floor_ns or later; or NULL. */
struct tquic_stream *tquic_streams_next_ready(const struct tquic_streams *t, u64 floor_ns);

/* @s has sent a frame: update its place, and let others of its urgency have their turn. */
void tquic_streams_sent(struct tquic_streams *t, struct tquic_stream *s);

/**
 * tquic_streams_claim() - a stream gets an owner, who alone reads it
 * @t: the table
 * @s: the stream; it lives until the owner lets go of it
 * @user: the owner, for tquic_streams_next_owner()
 */
void tquic_streams_claim(struct tquic_streams *t, struct tquic_stream *s, void *user);

/* The owner lets go of @s, which may be freed by this. */
void tquic_streams_release(struct tquic_streams *t, struct tquic_stream *s);

/* Something has happened to @s: have its owner look, if it has one. */
void tquic_streams_notify(struct tquic_streams *t, struct tquic_stream *s);

/* Takes the next owner that has to look at its stream off the list; or NULL. */
void *tquic_streams_next_owner(struct tquic_streams *t);

/*
 * Put @s at the end of the readable list, or take it out, as it has news or not.
 * One with an owner is never there.
 */
void tquic_streams_update_readable(struct tquic_streams *t, struct tquic_stream *s);

/* Bytes of @s were read: if it has more, others have their turn first. */
void tquic_streams_read(struct tquic_streams *t, struct tquic_stream *s);
struct tquic_stream *tquic_streams_next_readable(const struct tquic_streams *t);

/* Control frames to send: add or clear enum tquic_stream_ctl bits. */
void tquic_streams_ctl_set(struct tquic_streams *t, struct tquic_stream *s, u8 bits);
void tquic_streams_ctl_clear(struct tquic_streams *t, struct tquic_stream *s, u8 bits);
struct tquic_stream *tquic_streams_next_ctl(const struct tquic_streams *t);

#endif
