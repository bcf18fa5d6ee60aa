// SPDX-License-Identifier: GPL-2.0
/* sendmsg() and recvmsg(): streams, datagrams, CRYPTO bytes, events */
#include <linux/sched/signal.h>
#include <linux/uio.h>
#include <net/tcp_states.h>
#include "core/deadline.h"
#include "core/dgram.h"
#include "core/early.h"
#include "tquic_sock.h"
#include "tquic_stream.h"
#include "tquic_sysctl.h"

/* CRYPTO bytes of one level a program may have waiting */
#define TQUIC_CRYPTO_SEND_MAX	(256 * 1024)
/* Written data is sent in pieces of this size while more is copied */
#define TQUIC_SEND_PIECE	(64 * 1024)
/* How long MSG_MORE keeps data back */
#define TQUIC_SEND_MORE_NS	(200 * NSEC_PER_MSEC)

/**
 * tquic_sock_sleep() - sleep until one who is in a wait queue already is woken
 * @sk: socket
 * @wait: entry of the queue
 * @timeo: jiffies left, updated
 *
 * Context: process, lock held, which is released meanwhile.
 * Return: as tquic_sock_wait().
 */
int tquic_sock_sleep(struct sock *sk, struct wait_queue_entry *wait, long *timeo)
{
	if (!*timeo)
		return -EAGAIN;
	if (signal_pending(current))
		return sock_intr_errno(*timeo);
	release_sock(sk);
	*timeo = wait_woken(wait, TASK_INTERRUPTIBLE, *timeo);
	lock_sock(sk);
	return 0;
}

/**
 * tquic_sock_wait() - sleep until something has happened to the socket
 * @sk: socket
 * @who: the socket whose program waits: @sk or that of one of its streams
 * @timeo: jiffies left, updated
 *
 * The lock is released meanwhile, so the caller looks at everything again.
 * What happens after the call began ends the sleep.
 *
 * Context: process, lock held.
 * Return: 0 to look again, -EAGAIN when the time is over, -EINTR or
 * -ERESTARTSYS for a signal.
 */
int tquic_sock_wait(struct sock *sk, struct sock *who, long *timeo)
{
	DEFINE_WAIT_FUNC(wait, woken_wake_function);
	int ret;

	add_wait_queue(sk_sleep(who), &wait);
	ret = tquic_sock_sleep(sk, &wait, timeo);
	remove_wait_queue(sk_sleep(who), &wait);
	return ret;
}

/* What the control messages of a sendmsg() say */
struct tquic_send_args {
	struct tquic_stream_info stream;
	struct tquic_deadline deadline;
	u8 level;
	bool has_stream;
	bool has_crypto;
	bool has_datagram;
	bool has_deadline;
};

/* Longest deadline: no sum with a time overflows, none is TQUIC_DEADLINE_NONE */
#define TQUIC_DEADLINE_AFTER_MAX_NS	S64_MAX

static bool tquic_send_deadline_ok(const struct tquic_send_args *a)
{
	const struct tquic_deadline *d = &a->deadline;
	bool drop = d->flags & TQUIC_DEADLINE_DROP;

	if (!a->has_deadline)
		return true;
	if (a->has_crypto || d->reserved || d->flags & ~TQUIC_DEADLINE_DROP ||
	    d->after_ns > TQUIC_DEADLINE_AFTER_MAX_NS || d->error_code > TQUIC_VARINT_MAX)
		return false;
	if (a->has_datagram)
		return d->after_ns && !d->error_code;
	return d->after_ns || !drop;
}

static u64 tquic_send_deadline_ns(const struct tquic_send_args *a)
{
	return a->deadline.after_ns ? tquic_now_ns() + a->deadline.after_ns :
				      TQUIC_DEADLINE_NONE;
}

static int tquic_send_parse(struct msghdr *msg, struct tquic_send_args *a)
{
	const struct tquic_handshake_info *hi;
	struct cmsghdr *c;

	memset(a, 0, sizeof(*a));
	for_each_cmsghdr(c, msg) {
		if (!CMSG_OK(msg, c))
			return -EINVAL;
		if (c->cmsg_level != SOL_TQUIC)
			continue;
		switch (c->cmsg_type) {
		case TQUIC_CMSG_STREAM:
			if (c->cmsg_len != CMSG_LEN(sizeof(a->stream)))
				return -EINVAL;
			memcpy(&a->stream, CMSG_DATA(c), sizeof(a->stream));
			if (a->stream.reserved || a->stream.error_code ||
			    a->stream.flags & ~(TQUIC_MSG_FIN | TQUIC_MSG_NEW |
						TQUIC_MSG_UNI))
				return -EINVAL;
			a->has_stream = true;
			break;
		case TQUIC_CMSG_HANDSHAKE:
			if (c->cmsg_len != CMSG_LEN(sizeof(*hi)))
				return -EINVAL;
			hi = CMSG_DATA(c);
			if (hi->level >= TQUIC_LEVEL_COUNT ||
			    hi->level == TQUIC_LEVEL_EARLY ||
			    memchr_inv(hi->reserved, 0, sizeof(hi->reserved)))
				return -EINVAL;
			a->level = hi->level;
			a->has_crypto = true;
			break;
		case TQUIC_CMSG_DATAGRAM:
			if (c->cmsg_len != CMSG_LEN(0))
				return -EINVAL;
			a->has_datagram = true;
			break;
		case TQUIC_CMSG_DEADLINE:
			if (c->cmsg_len != CMSG_LEN(sizeof(a->deadline)))
				return -EINVAL;
			memcpy(&a->deadline, CMSG_DATA(c), sizeof(a->deadline));
			a->has_deadline = true;
			break;
		default:
			return -EINVAL;
		}
	}
	if (a->has_stream + a->has_crypto + a->has_datagram > 1)
		return -EINVAL;
	return tquic_send_deadline_ok(a) ? 0 : -EINVAL;
}

/* Errno for a program that writes to a connection that cannot carry data */
static int tquic_send_refused(struct sock *sk, struct sock *who)
{
	const struct tquic_conn *conn = &tquic_sk(sk)->conn;
	int err;

	if (tquic_conn_is_open(conn))
		return 0;
	/* Each of the streams' programs is told, and takes it from no other. */
	err = who == sk ? sock_error(sk) : -tquic_sock_errno(conn);
	if (err)
		return err;
	return conn->state > TQUIC_STATE_ESTABLISHED ? -EPIPE : -ENOTCONN;
}

/* May stream data be written without waiting? */
bool tquic_sock_writable(struct sock *sk)
{
	const struct tquic_conn *conn = &tquic_sk(sk)->conn;

	return tquic_conn_is_open(conn) &&
	       conn->streams.tx_mem.used < tquic_sock_send_limit(sk);
}

/* And a datagram, as far as those are concerned that wait? */
bool tquic_sock_dgram_room(struct sock *sk)
{
	const struct tquic_conn *conn = &tquic_sk(sk)->conn;

	if (tquic_sock_mem_full(sk) && !skb_queue_empty(&conn->dgram_tx))
		return false;
	return skb_queue_len(&conn->dgram_tx) <
	       TQUIC_SYSCTL(tquic_sock_net(sk), datagram_queue_max);
}

static int tquic_send_crypto(struct sock *sk, struct msghdr *msg, size_t len,
			     u8 level)
{
	struct tquic_conn *conn = &tquic_sk(sk)->conn;
	struct tquic_send *tx;
	size_t done = 0;
	int ret = 0, n;
	u8 *dst;

	if (conn->state != TQUIC_STATE_HANDSHAKE &&
	    conn->state != TQUIC_STATE_ESTABLISHED)
		return -ENOTCONN;
	if (!(conn->keys_tx & BIT(level)))
		return -ENOKEY;
	tx = &tquic_conn_crypto(conn, level)->tx;
	if (len > TQUIC_CRYPTO_SEND_MAX ||
	    tx->buffered_bytes + len > TQUIC_CRYPTO_SEND_MAX)
		return -EMSGSIZE;
	while (done < len) {
		n = tquic_send_reserve(tx, len - done, GFP_KERNEL, &dst);
		if (n < 0) {
			ret = n;
			break;
		}
		if (!copy_from_iter_full(dst, n, &msg->msg_iter)) {
			ret = -EFAULT;
			break;
		}
		tquic_send_commit(tx, n);
		done += n;
	}
	tquic_sock_kick(sk);
	return done ? done : ret;
}

static int tquic_send_datagram(struct sock *sk, struct msghdr *msg, size_t len,
			       const struct tquic_send_args *a)
{
	long timeo = sock_sndtimeo(sk, msg->msg_flags & MSG_DONTWAIT);
	u64 deadline_ns = tquic_send_deadline_ns(a);
	struct tquic_conn *conn = &tquic_sk(sk)->conn;
	struct sk_buff *skb;
	u32 max_bytes;
	int ret;

	for (;;) {
		bool room = tquic_sock_dgram_room(sk);

		ret = tquic_send_refused(sk, sk);
		if (ret)
			return ret;
		if (!tquic_dgram_peer_bytes(conn))
			return -EOPNOTSUPP;
		/* 0 while all paths are asked whether the peer is there */
		max_bytes = tquic_info_datagram_bytes(conn);
		if (max_bytes && len > max_bytes)
			return -EMSGSIZE;
		if (max_bytes && room)
			break;
		conn->tx_full |= !room;
		ret = tquic_sock_wait(sk, sk, &timeo);
		if (ret)
			return ret;
	}
	skb = alloc_skb(len, GFP_KERNEL);
	if (!skb)
		return -ENOMEM;
	if (!copy_from_iter_full(skb_put(skb, len), len, &msg->msg_iter)) {
		kfree_skb(skb);
		return -EFAULT;
	}
	tquic_dgram_queue(conn, skb, deadline_ns, a->deadline.flags & TQUIC_DEADLINE_DROP);
	conn->tx_full = false;
	tquic_sock_kick(sk);
	return len;
}

/* What shutdown() asked for happens to the stream of a SOCK_STREAM socket */
static int tquic_socket_shut(struct sock *sk)
{
	struct tquic_sock *tsk = tquic_sk(sk);
	struct tquic_stream *s = tsk->stream;
	int ret = 0;

	if (sk->sk_shutdown & SEND_SHUTDOWN)
		ret = tquic_conn_stream_finish(&tsk->conn, s);
	if (sk->sk_shutdown & RCV_SHUTDOWN)
		tquic_conn_stream_stop(&tsk->conn, s, 0, tquic_now_ns());
	return ret;
}

/* May a program write?  A server's SOCK_STREAM has no stream before the client wrote. */
bool tquic_socket_has_stream(struct sock *sk)
{
	struct tquic_sock *tsk = tquic_sk(sk);

	return sk->sk_type != SOCK_STREAM || !tsk->conn.server || tsk->stream ||
	       tquic_streams_find(&tsk->conn.streams, 0);
}

/*
 * The stream a SOCK_STREAM socket is about: the client's first bidirectional
 * one.  The client opens it by writing; the server has to wait for that.
 */
static int tquic_socket_stream(struct sock *sk, struct tquic_stream **out)
{
	struct tquic_sock *tsk = tquic_sk(sk);
	struct tquic_streams *t = &tsk->conn.streams;
	int ret;

	if (!tsk->stream) {
		tsk->stream = tquic_streams_find(t, 0);
		if (!tsk->stream && !tsk->conn.server) {
			ret = tquic_streams_open(t, false, tquic_now_ns(),
						 GFP_KERNEL_ACCOUNT, &tsk->stream);
			if (ret)
				return ret;
			tsk->conn.stats.streams_opened++;
		}
		if (!tsk->stream)
			return -EAGAIN;
		tsk->stream->users++;
		if (tsk->conn.state == TQUIC_STATE_ESTABLISHED)
			tquic_socket_shut(sk);
	}
	*out = tsk->stream;
	return 0;
}

/**
 * tquic_socket_shutdown() - shutdown(2) of a SOCK_STREAM socket
 * @sk: socket of an established connection
 * @how: SHUT_*
 *
 * Context: process, lock held.
 * Return: 0, also when the stream is not there yet and ends as soon as it is;
 * -EPIPE when it was reset; -ENOMEM.
 */
int tquic_socket_shutdown(struct sock *sk, int how)
{
	struct tquic_stream *s;
	int ret;

	sk->sk_shutdown |= how + 1;	/* SHUT_* to *_SHUTDOWN */
	ret = tquic_socket_stream(sk, &s);
	if (ret)
		return ret == -EAGAIN ? 0 : ret;
	return tquic_socket_shut(sk);
}

/* The stream a sendmsg() names or opens, with one more user */
static int tquic_send_stream_get(struct sock *sk, const struct tquic_send_args *a,
				 struct tquic_stream **out)
{
	struct tquic_conn *conn = &tquic_sk(sk)->conn;
	bool uni = a->stream.flags & TQUIC_MSG_UNI;
	struct tquic_stream *s = NULL;
	int ret;

	if (!a->has_stream) {
		if (sk->sk_type != SOCK_STREAM)
			return -EDESTADDRREQ;
		ret = tquic_socket_stream(sk, &s);
	} else if (a->stream.flags & TQUIC_MSG_NEW) {
		ret = tquic_streams_open(&conn->streams, uni, tquic_now_ns(),
					 GFP_KERNEL_ACCOUNT, &s);
		if (!ret)
			conn->stats.streams_opened++;
	} else {
		s = tquic_streams_find(&conn->streams, a->stream.stream_id);
		ret = !s ? -ENOENT : s->user ? -EBUSY : 0;
	}
	if (ret)
		return ret;
	if (s->tx.state == TQUIC_SEND_NONE)
		return -EPIPE;
	s->users++;
	*out = s;
	return 0;
}

static void tquic_stream_put(struct sock *sk, struct tquic_stream *s)
{
	s->users--;
	tquic_streams_reap(&tquic_sk(sk)->conn.streams, s);
}

/* Is there room for what @who writes?  If not, who is a stream's socket is told when there is. */
static bool tquic_send_room(struct sock *sk, struct sock *who)
{
	return who == sk ? tquic_sock_writable(sk) : tquic_stream_room(who);
}

/* Send what there is, and wait if that makes no room. Return: 0 or an errno: no waiting any more */
static int tquic_send_wait(struct sock *sk, struct sock *who, long *timeo)
{
	tquic_sock_kick(sk);
	if (tquic_send_room(sk, who))
		return 0;
	set_bit(SOCK_NOSPACE, &who->sk_socket->flags);
	tquic_sk(sk)->conn.tx_full = true;
	return tquic_sock_wait(sk, who, timeo);
}

/**
 * tquic_send_data() - copy and send
 * @sk: socket of the connection
 * @who: the socket that is written to: @sk or that of the stream
 * @s: stream, with a user
 * @msg: data and flags
 * @len: bytes
 * @fin: they are the last
 *
 * Context: process, lock of @sk held; may wait.
 * Return: bytes taken or an errno when none were.
 */
int tquic_send_data(struct sock *sk, struct sock *who, struct tquic_stream *s,
		    struct msghdr *msg, size_t len, bool fin)
{
	struct tquic_conn *conn = &tquic_sk(sk)->conn;
	long timeo = sock_sndtimeo(who, msg->msg_flags & MSG_DONTWAIT);
	size_t done = 0, pushed = 0;
	int ret = 0, n;
	u8 *dst;

	while (done < len) {
		/* The error is for the next call when this one has something to tell. */
		ret = done && !tquic_conn_is_open(conn) ? -EPIPE : tquic_send_refused(sk, who);
		if (ret)
			break;
		if (!tquic_send_room(sk, who)) {
			ret = tquic_send_wait(sk, who, &timeo);
			if (ret)
				break;
			continue;
		}
		n = tquic_send_reserve(&s->tx, min_t(size_t, len - done, INT_MAX),
				       GFP_KERNEL, &dst);
		if (n < 0) {
			ret = n;
			break;
		}
		if (!copy_from_iter_full(dst, n, &msg->msg_iter)) {
			ret = -EFAULT;
			break;
		}
		tquic_send_commit(&s->tx, n);
		conn->tx_full = false;
		done += n;
		tquic_streams_update_ready(&conn->streams, s);
		if (done - pushed >= TQUIC_SEND_PIECE) {
			pushed = done;
			tquic_sock_kick(sk);
		}
	}
	if (fin && done == len)
		ret = tquic_conn_stream_finish(conn, s);
	if ((msg->msg_flags & MSG_MORE) && !ret) {
		/* The timer sends it if nobody does before. */
		if (!conn->pace_due_ns)
			conn->pace_due_ns = tquic_now_ns() + TQUIC_SEND_MORE_NS;
		tquic_sock_actions(sk);
	} else {
		tquic_sock_kick(sk);
	}
	return done ? done : ret;
}

/*
 * Data for the stream it names, opens or is about.  A stream is opened when there is room
 * for the data, and a call that sends none leaves none behind.
 *
 * Context: process, lock held; may wait.
 * Return: bytes taken or an errno.
 */
static int tquic_send_stream(struct sock *sk, struct msghdr *msg, size_t len,
			     const struct tquic_send_args *a)
{
	long timeo = sock_sndtimeo(sk, msg->msg_flags & MSG_DONTWAIT);
	struct tquic_conn *conn = &tquic_sk(sk)->conn;
	bool opens = a->stream.flags & TQUIC_MSG_NEW;
	struct tquic_stream *s = NULL;
	int ret;

	do {
		ret = tquic_send_refused(sk, sk);
		if (ret)
			return ret;
		if (opens && len && !tquic_sock_writable(sk)) {
			ret = tquic_send_wait(sk, sk, &timeo);
			continue;
		}
		ret = tquic_send_stream_get(sk, a, &s);
		if (!ret)
			break;
		/* STREAMS_BLOCKED may be due */
		tquic_sock_kick(sk);
		if (ret != -EAGAIN || a->has_stream)
			return ret;
		/* A server's SOCK_STREAM has no stream before the client wrote. */
		ret = tquic_sock_wait(sk, sk, &timeo);
	} while (!ret);
	if (ret)
		return ret;
	if (a->has_deadline) {
		s->deadline_error = a->deadline.error_code;
		s->deadline_drop = a->deadline.flags & TQUIC_DEADLINE_DROP;
		tquic_streams_set_deadline(&conn->streams, s, tquic_send_deadline_ns(a));
	}
	ret = tquic_send_data(sk, sk, s, msg, len, a->stream.flags & TQUIC_MSG_FIN);
	if (ret < 0 && opens && tquic_streams_unopen(&conn->streams, s))
		conn->stats.streams_opened--;
	else
		tquic_stream_put(sk, s);
	return ret;
}

int tquic_sendmsg(struct sock *sk, struct msghdr *msg, size_t len)
{
	struct tquic_send_args a;
	int ret;

	if (msg->msg_flags & ~TQUIC_SEND_FLAGS)
		return -EOPNOTSUPP;
	ret = tquic_send_parse(msg, &a);
	if (ret)
		return ret;
	lock_sock(sk);
	if (a.has_crypto)
		ret = tquic_send_crypto(sk, msg, len, a.level);
	else if (a.has_datagram)
		ret = tquic_send_datagram(sk, msg, len, &a);
	else
		ret = tquic_send_stream(sk, msg, len, &a);
	release_sock(sk);
	if (ret == -EPIPE)
		ret = sk_stream_error(sk, msg->msg_flags, ret);
	return ret;
}

/* CRYPTO bytes to read, whoever is to get them */
static struct tquic_recv *__tquic_recv_crypto(struct sock *sk, u8 *level)
{
	struct tquic_conn *conn = &tquic_sk(sk)->conn;
	struct tquic_crypto_stream *c;
	u8 i;

	if (!conn->version)
		return NULL;
	for (i = 0; i < TQUIC_LEVEL_COUNT; i++) {
		c = tquic_conn_crypto(conn, i);
		if (!c || !tquic_recv_readable(&c->rx))
			continue;
		*level = i;
		return &c->rx;
	}
	return NULL;
}

static struct tquic_recv *tquic_recv_crypto(struct sock *sk, u8 *level)
{
	if (!(tquic_sk(sk)->recv_mask & TQUIC_RECV_CRYPTO))
		return NULL;
	return __tquic_recv_crypto(sk, level);
}

/* Would tquic_recvmsg_crypto() find something? */
bool tquic_recv_crypto_ready(struct sock *sk)
{
	u8 level;

	return __tquic_recv_crypto(sk, &level);
}

/* Does the stream of a SOCK_STREAM socket have something to say? */
static bool tquic_socket_stream_news(struct sock *sk)
{
	struct tquic_stream *s = tquic_sk(sk)->stream;

	if (!s)
		s = tquic_streams_find(&tquic_sk(sk)->conn.streams, 0);
	return s && tquic_recv_ready(&s->rx);
}

/* Would recvmsg() return without waiting? */
bool tquic_sock_readable(struct sock *sk)
{
	struct tquic_sock *tsk = tquic_sk(sk);
	struct tquic_conn *conn = &tsk->conn;
	u8 level;

	if (!conn->version)
		return false;
	if (tquic_recv_crypto(sk, &level))
		return true;
	if ((tsk->recv_mask & TQUIC_RECV_EVENT) &&
	    (conn->event_count || conn->event_lost))
		return true;
	if ((tsk->recv_mask & TQUIC_RECV_DATAGRAM) &&
	    !skb_queue_empty(&conn->dgram_rx))
		return true;
	if (sk->sk_type == SOCK_STREAM)
		return tquic_socket_stream_news(sk);
	return tquic_streams_next_readable(&conn->streams);
}

static int tquic_recv_take_crypto(struct msghdr *msg, size_t len, int flags,
				  struct tquic_recv *rx, u8 level)
{
	struct tquic_handshake_info hi = { .level = level };
	const u8 *p;
	u32 n;

	n = min_t(size_t, tquic_recv_peek(rx, &p), len);
	if (copy_to_iter(p, n, &msg->msg_iter) != n)
		return -EFAULT;
	if (!(flags & MSG_PEEK))
		tquic_recv_consume(rx, n, tquic_now_ns(), 0);
	put_cmsg(msg, SOL_TQUIC, TQUIC_CMSG_HANDSHAKE, sizeof(hi), &hi);
	return n;
}

/**
 * tquic_sendmsg_crypto() - an agent sends TLS bytes
 * @sk: connection
 * @msg: data, with a TQUIC_CMSG_HANDSHAKE
 * @len: bytes
 *
 * Context: process, lock not held.
 * Return: bytes taken; -EOPNOTSUPP for anything but TLS bytes; or an errno.
 */
int tquic_sendmsg_crypto(struct sock *sk, struct msghdr *msg, size_t len)
{
	struct tquic_send_args a;
	int ret;

	ret = tquic_send_parse(msg, &a);
	if (ret)
		return ret;
	if (!a.has_crypto)
		return -EOPNOTSUPP;
	lock_sock(sk);
	ret = tquic_send_crypto(sk, msg, len, a.level);
	release_sock(sk);
	return ret;
}

/**
 * tquic_recvmsg_crypto() - an agent takes TLS bytes
 * @sk: connection
 * @msg: destination
 * @len: bytes at most
 *
 * Context: process, lock not held; does not wait.
 * Return: bytes, 0 when the handshake is over, -EAGAIN or another errno.
 */
int tquic_recvmsg_crypto(struct sock *sk, struct msghdr *msg, size_t len)
{
	struct tquic_recv *rx;
	int ret = -EAGAIN;
	u8 level;

	lock_sock(sk);
	rx = __tquic_recv_crypto(sk, &level);
	if (rx)
		ret = tquic_recv_take_crypto(msg, len, 0, rx, level);
	else if (tquic_sk(sk)->conn.state != TQUIC_STATE_HANDSHAKE)
		ret = 0;
	tquic_sock_kick(sk);
	release_sock(sk);
	return ret;
}

static int tquic_recv_take_event(struct sock *sk, struct msghdr *msg, size_t len,
				 int flags)
{
	struct tquic_conn *conn = &tquic_sk(sk)->conn;
	u8 head = conn->event_head, count = conn->event_count;
	u32 lost = conn->event_lost;
	struct tquic_event ev;
	bool copied;

	if (len < sizeof(ev))
		return -EMSGSIZE;
	tquic_conn_event_pop(conn, &ev);
	copied = copy_to_iter(&ev, sizeof(ev), &msg->msg_iter) == sizeof(ev);
	if (!copied || flags & MSG_PEEK) {
		conn->event_head = head;
		conn->event_count = count;
		conn->event_lost = lost;
	}
	if (!copied)
		return -EFAULT;
	put_cmsg(msg, SOL_TQUIC, TQUIC_CMSG_EVENT, 0, NULL);
	return sizeof(ev);
}

static int tquic_recv_take_datagram(struct sock *sk, struct msghdr *msg,
				    size_t len, int flags)
{
	struct tquic_conn *conn = &tquic_sk(sk)->conn;
	struct sk_buff *skb = skb_peek(&conn->dgram_rx);
	size_t n = min_t(size_t, len, skb->len);
	int ret = n;

	if (copy_to_iter(skb->data, n, &msg->msg_iter) != n)
		return -EFAULT;
	if (n < skb->len) {
		msg->msg_flags |= MSG_TRUNC;
		if (flags & MSG_TRUNC)
			ret = skb->len;
	}
	put_cmsg(msg, SOL_TQUIC, TQUIC_CMSG_DATAGRAM, 0, NULL);
	if (flags & MSG_PEEK)
		return ret;
	__skb_unlink(skb, &conn->dgram_rx);
	conn->dgram_rx_bytes -= skb->truesize;
	consume_skb(skb);
	return ret;
}

/* Bytes of one stream, as many as are there and fit */
static int tquic_recv_copy(struct sock *sk, struct tquic_stream *s,
			   struct msghdr *msg, size_t len, int flags)
{
	struct tquic_conn *conn = &tquic_sk(sk)->conn;
	size_t done = 0;
	const u8 *p;
	u32 n;

	while (done < len) {
		n = tquic_recv_peek_at(&s->rx, flags & MSG_PEEK ? done : 0, &p);
		n = min_t(size_t, n, len - done);
		if (!n)
			break;
		if (copy_to_iter(p, n, &msg->msg_iter) != n)
			return done ? done : -EFAULT;
		done += n;
		if (!(flags & MSG_PEEK))
			tquic_conn_read_done(conn, s, n, tquic_now_ns());
	}
	return done;
}

/* The next readable stream of a SOCK_DGRAM socket, with its id and end */
static int tquic_recv_take_stream(struct sock *sk, struct msghdr *msg, size_t len,
				  int flags)
{
	struct tquic_streams *t = &tquic_sk(sk)->conn.streams;
	struct tquic_stream *s = tquic_streams_next_readable(t);
	struct tquic_stream_info info = { .stream_id = s->id };
	int ret;

	s->users++;
	ret = tquic_recv_copy(sk, s, msg, len, flags);
	if (ret >= 0) {
		if (tquic_recv_was_reset(&s->rx)) {
			info.flags = TQUIC_MSG_RESET;
			info.error_code = s->rx.reset_code;
		} else if (tquic_recv_eof(&s->rx)) {
			info.flags = TQUIC_MSG_FIN;
		}
		put_cmsg(msg, SOL_TQUIC, TQUIC_CMSG_STREAM, sizeof(info), &info);
		if (info.flags && !(flags & MSG_PEEK))
			tquic_recv_told(&s->rx);
	}
	tquic_streams_update_readable(t, s);
	tquic_stream_put(sk, s);
	return ret;
}

/**
 * tquic_recv_bytes() - bytes of a stream until its FIN
 * @sk: socket of the connection
 * @s: stream with news, and a user
 * @msg: destination
 * @len: bytes at most
 * @flags: MSG_PEEK
 *
 * Context: process, lock held; does not wait.
 * Return: bytes; 0 at the end; -ECONNRESET when the peer reset it; -EFAULT.
 */
int tquic_recv_bytes(struct sock *sk, struct tquic_stream *s, struct msghdr *msg,
		     size_t len, int flags)
{
	int ret;

	ret = tquic_recv_copy(sk, s, msg, len, flags);
	if (ret)
		return ret;
	/* The answer to our own STOP_SENDING is no news to who shut it down. */
	if (tquic_recv_was_reset(&s->rx) && !s->rx.stopped)
		ret = -ECONNRESET;
	if (flags & MSG_PEEK)
		return ret;
	tquic_recv_told(&s->rx);
	tquic_streams_update_readable(&tquic_sk(sk)->conn.streams, s);
	return ret;
}

/* A SOCK_STREAM socket reads its stream */
static int tquic_recv_take_bytes(struct sock *sk, struct msghdr *msg, size_t len,
				 int flags)
{
	struct tquic_stream *s;
	int ret;

	ret = tquic_socket_stream(sk, &s);
	return ret ?: tquic_recv_bytes(sk, s, msg, len, flags);
}

/**
 * tquic_recv_cut() - what a read returns of a stream that nothing more will come on
 * @conn: connection that is over
 * @s: stream, NULL when it never was
 *
 * Return: 0 when it had ended, or nobody wanted to know; else an errno.
 */
int tquic_recv_cut(const struct tquic_conn *conn, const struct tquic_stream *s)
{
	int err;

	if (!s || tquic_recv_terminal(&s->rx) || s->rx.stopped)
		return 0;
	/* A stream that was cut off is not one that ended. */
	err = tquic_sock_errno(conn);
	if (!err && conn->closed.flags & TQUIC_CLOSE_PEER)
		err = ECONNRESET;
	return -err;
}

/* What a read returns when nothing is left and nothing more will come */
static int tquic_recv_ended(struct sock *sk)
{
	struct tquic_sock *tsk = tquic_sk(sk);
	const struct tquic_conn *conn = &tsk->conn;
	const struct tquic_stream *s = tsk->stream;
	int err = sock_error(sk);

	if (err || sk->sk_type != SOCK_STREAM)
		return err;
	return tquic_recv_cut(conn, s ?: tquic_streams_find(&conn->streams, 0));
}

/* What is no byte of a stream; -ENODATA: there is none of it */
static int tquic_recv_take_other(struct sock *sk, struct msghdr *msg, size_t len,
				 int flags)
{
	struct tquic_sock *tsk = tquic_sk(sk);
	struct tquic_conn *conn = &tsk->conn;
	struct tquic_recv *rx;
	u8 level;

	rx = tquic_recv_crypto(sk, &level);
	if (rx)
		return tquic_recv_take_crypto(msg, len, flags, rx, level);
	if ((tsk->recv_mask & TQUIC_RECV_EVENT) &&
	    (conn->event_count || conn->event_lost))
		return tquic_recv_take_event(sk, msg, len, flags);
	if ((tsk->recv_mask & TQUIC_RECV_DATAGRAM) &&
	    !skb_queue_empty(&conn->dgram_rx))
		return tquic_recv_take_datagram(sk, msg, len, flags);
	return -ENODATA;
}

int tquic_recvmsg(struct sock *sk, struct msghdr *msg, size_t len, int flags,
		  int *addr_len)
{
	struct tquic_conn *conn = &tquic_sk(sk)->conn;
	bool stream = sk->sk_type == SOCK_STREAM;
	int ret, done = 0, target;
	long timeo;

	if (flags & (MSG_OOB | MSG_ERRQUEUE))
		return -EOPNOTSUPP;
	lock_sock(sk);
	timeo = sock_rcvtimeo(sk, flags & MSG_DONTWAIT);
	target = stream && !(flags & MSG_PEEK) ?
		 sock_rcvlowat(sk, flags & MSG_WAITALL, len) : 1;
	for (;;) {
		if (conn->state == TQUIC_STATE_IDLE ||
		    conn->state == TQUIC_STATE_LISTEN) {
			ret = -ENOTCONN;
			break;
		}
		/* A message holds data of one kind. */
		ret = done ? -ENODATA : tquic_recv_take_other(sk, msg, len, flags);
		if (ret != -ENODATA)
			break;
		if (stream && tquic_socket_stream_news(sk)) {
			ret = tquic_recv_take_bytes(sk, msg, len - done, flags);
			if (ret <= 0)
				break;
			done += ret;
			if (done >= target)
				break;
			continue;
		}
		if (!stream && tquic_streams_next_readable(&conn->streams)) {
			ret = tquic_recv_take_stream(sk, msg, len, flags);
			break;
		}
		if (conn->state > TQUIC_STATE_ESTABLISHED) {
			ret = done ? 0 : tquic_recv_ended(sk);
			break;
		}
		if (stream && sk->sk_shutdown & RCV_SHUTDOWN) {
			ret = 0;
			break;
		}
		ret = tquic_sock_wait(sk, sk, &timeo);
		if (ret)
			break;
	}
	/* Credit for what was read */
	tquic_sock_kick(sk);
	release_sock(sk);
	return done ? done : ret;
}
