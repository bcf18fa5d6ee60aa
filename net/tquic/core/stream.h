/* SPDX-License-Identifier: GPL-2.0 */
/* One stream: identifier, two halves, places in the connection's lists. */
#ifndef TQUIC_CORE_STREAM_H
#define TQUIC_CORE_STREAM_H

#include <linux/gfp.h>
#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/types.h>

#include "core/recv.h"
#include "core/send.h"

/* Low bits of a stream id (RFC 9000 section 2.1). */
#define TQUIC_STREAM_ID_SERVER	0x1U
#define TQUIC_STREAM_ID_UNI	0x2U

/* RFC 9218 section 4.1 */
#define TQUIC_URGENCY_COUNT	8U
#define TQUIC_URGENCY_DEFAULT	3U

/* Control frames a stream has to send. */
enum tquic_stream_ctl {
	TQUIC_STREAM_CTL_RESET = 1,		/* RESET_STREAM */
	TQUIC_STREAM_CTL_STOP = 2,		/* STOP_SENDING */
	TQUIC_STREAM_CTL_MAX_DATA = 4,		/* MAX_STREAM_DATA */
	TQUIC_STREAM_CTL_BLOCKED = 8,		/* STREAM_DATA_BLOCKED */
};

/* Which of the lists of data senders a stream is in. */
enum tquic_stream_queue {
	TQUIC_STREAM_IDLE,
	TQUIC_STREAM_SEQUENTIAL,	/* ready, not incremental: by deadline, then id */
	TQUIC_STREAM_SHARED,		/* ready, incremental: takes turns */
	TQUIC_STREAM_PARKED,		/* waits for connection credit */
};

/**
 * struct tquic_stream - one stream
 * @id: stream id
 * @tx: sending half
 * @rx: receiving half
 * @ready: place among the shared or parked senders
 * @ready_rb: place among the sequential senders
 * @readable: place in the list of streams with something for the application, or of
 *	those whose owners have to look at them
 * @ctl_list: place in the list of streams with control frames to send
 * @user: who alone reads it, an object of the adapter, or NULL
 * @users: references of adapters; the stream lives while there are any
 * @urgency: 0 (first) to 7
 * @incremental: shares its urgency's bandwidth with others, unless it has a deadline
 * @head_ns: when the oldest byte under way became that, or was sent again for being
 *	late; 0: nothing was acknowledged yet
 * @deadline_ns: when what it sends is due, or TQUIC_DEADLINE_NONE
 * @deadline_error: code it is reset with when it would be late
 * @deadline_drop: it is to be reset then
 * @queue: enum tquic_stream_queue
 * @ctl: enum tquic_stream_ctl bits
 */
struct tquic_stream {
	u64 id;
	struct tquic_send tx;
	struct tquic_recv rx;
	union {
		struct list_head ready;
		struct rb_node ready_rb;
	};
	struct list_head readable;
	struct list_head ctl_list;
	void *user;
	u64 head_ns;
	u64 deadline_ns;
	u64 deadline_error;
	u32 users;
	bool deadline_drop;
	u8 urgency;
	bool incremental;
	u8 queue;
	u8 ctl;
};

/* A stream without halves, in no list; NULL without memory. */
struct tquic_stream *tquic_stream_alloc(u64 id, gfp_t gfp);
void tquic_stream_free(struct tquic_stream *s);

/* Both halves have ended, the application knows it and holds no reference. */
bool tquic_stream_done(const struct tquic_stream *s);

/* Is there data, an end or a reset that the application has not been told of? */
bool tquic_stream_has_news(const struct tquic_stream *s);

/* Is it among those that have something to send, and may? */
static inline bool tquic_stream_is_ready(const struct tquic_stream *s)
{
	return s->queue == TQUIC_STREAM_SEQUENTIAL || s->queue == TQUIC_STREAM_SHARED;
}

static inline bool tquic_stream_id_uni(u64 id)
{
	return id & TQUIC_STREAM_ID_UNI;
}

/* Did the side described by @is_server open this stream? */
static inline bool tquic_stream_id_local(u64 id, bool is_server)
{
	return !!(id & TQUIC_STREAM_ID_SERVER) == is_server;
}

#endif
