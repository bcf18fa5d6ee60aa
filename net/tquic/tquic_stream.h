/* SPDX-License-Identifier: GPL-2.0 */
/* The socket of one stream: TQUIC_SOCKOPT_STREAM_FD */
#ifndef TQUIC_STREAM_H
#define TQUIC_STREAM_H

#include <linux/poll.h>
#include <net/inet_sock.h>

struct tquic_stream;

/**
 * struct tquic_stream_sock - a stream with a file of its own
 * @inet: must be first; of its lock only the socket layer makes use
 * @conn: the connection's socket, with a reference; its lock protects the rest
 * @stream: the stream, claimed; NULL before that
 * @claims: in tquic_sk(@conn)->claims
 * @room: in tquic_sk(@conn)->starved while it waits for room in the send buffer
 */
struct tquic_stream_sock {
	struct inet_sock inet;
	struct sock *conn;
	struct tquic_stream *stream;
	struct list_head claims;
	struct list_head room;
};

/* Does who polls want to write? */
static inline bool tquic_poll_writes(const poll_table *wait)
{
	return poll_requested_events(wait) & (EPOLLOUT | EPOLLWRNORM);
}

int tquic_stream_open(struct sock *sk, char __user *optval, int __user *optlen, int len);
bool tquic_stream_room(struct sock *who);
void tquic_stream_wake(struct sock *sk);
void tquic_stream_wake_all(struct sock *sk);
int tquic_stream_init(void);
void tquic_stream_exit(void);

#endif /* TQUIC_STREAM_H */
