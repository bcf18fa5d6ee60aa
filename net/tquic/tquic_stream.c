// SPDX-License-Identifier: GPL-2.0
/*
 * The socket of one stream: TQUIC_SOCKOPT_STREAM_FD
 *
 * It holds a reference on the connection's socket, which knows it by a list and
 * without one. All it does is done under the lock of the connection's socket.
 */
#include <linux/file.h>
#include <linux/poll.h>
#include <linux/security.h>
#include <net/tcp_states.h>
#include "core/early.h"
#include "tquic_sock.h"
#include "tquic_stream.h"

static struct tquic_stream_sock *tquic_stream_sk(const struct sock *who)
{
	return (struct tquic_stream_sock *)who;
}

/* May the program still write? */
static bool tquic_stream_sends(const struct tquic_stream *s)
{
	return (s->tx.state == TQUIC_SEND_READY || s->tx.state == TQUIC_SEND_SEND) && !s->tx.fin;
}

/* Will nothing more be read? */
static bool tquic_stream_heard(const struct tquic_stream *s)
{
	return s->rx.stopped || tquic_recv_terminal(&s->rx) || tquic_recv_eof(&s->rx) ||
	       tquic_recv_was_reset(&s->rx);
}

static bool tquic_stream_has_room(const struct tquic_stream_sock *ss)
{
	const struct sock *who = &ss->inet.sk;

	/* Who cannot write is told so at once. */
	if (!tquic_stream_sends(ss->stream))
		return true;
	if (who->sk_userlocks & SOCK_SNDBUF_LOCK &&
	    ss->stream->tx.buffered_bytes >= READ_ONCE(who->sk_sndbuf))
		return false;
	return tquic_sock_writable(ss->conn);
}

/**
 * tquic_stream_room() - may the program write without waiting?
 * @who: socket of a stream; when it may not, it is woken as soon as it may
 *
 * The send buffer is the connection's; SO_SNDBUF of a stream's socket bounds the
 * stream's part of it.
 *
 * Context: process or softirq, lock of the connection's socket held.
 * Return: true when it may, or learns at once that it never will.
 */
bool tquic_stream_room(struct sock *who)
{
	struct tquic_stream_sock *ss = tquic_stream_sk(who);

	if (tquic_stream_has_room(ss)) {
		list_del_init(&ss->room);
		return true;
	}
	if (list_empty(&ss->room))
		list_add_tail(&ss->room, &tquic_sk(ss->conn)->starved);
	return false;
}

/**
 * tquic_stream_wake() - wake the programs whose streams have news, or room
 * @sk: socket of the connection
 *
 * Context: lock held, softirq or process.
 */
void tquic_stream_wake(struct sock *sk)
{
	struct tquic_sock *tsk = tquic_sk(sk);
	struct tquic_stream_sock *ss, *next;
	struct sock *who;

	while ((who = tquic_streams_next_owner(&tsk->conn.streams))) {
		who->sk_data_ready(who);
		/* For writers: nothing can be written any more. */
		if (!tquic_stream_sends(tquic_stream_sk(who)->stream))
			who->sk_state_change(who);
	}
	list_for_each_entry_safe(ss, next, &tsk->starved, room) {
		who = &ss->inet.sk;
		if (tquic_stream_room(who))
			who->sk_write_space(who);
	}
}

/**
 * tquic_stream_wake_all() - the connection is over
 * @sk: its socket
 *
 * Context: lock held, softirq or process.
 */
void tquic_stream_wake_all(struct sock *sk)
{
	struct tquic_stream_sock *ss;

	list_for_each_entry(ss, &tquic_sk(sk)->claims, claims)
		ss->inet.sk.sk_state_change(&ss->inet.sk);
}

/* The socket goes: what was written is sent and ended, nothing more is read. */
static void tquic_stream_leave(struct tquic_stream_sock *ss)
{
	struct tquic_conn *conn = &tquic_sk(ss->conn)->conn;
	struct tquic_stream *s = ss->stream;
	struct sock *who = &ss->inet.sk;

	list_del_init(&ss->claims);
	list_del_init(&ss->room);
	if (sock_flag(who, SOCK_LINGER) && !who->sk_lingertime)
		tquic_conn_stream_reset(conn, s, 0);
	else
		tquic_conn_stream_finish(conn, s);
	tquic_conn_stream_stop(conn, s, 0, tquic_now_ns());
	tquic_streams_release(&conn->streams, s);
	if (sock_flag(ss->conn, SOCK_DEAD) && list_empty(&tquic_sk(ss->conn)->claims))
		tquic_sock_leave(ss->conn);
	tquic_sock_kick(ss->conn);
}

static int tquic_stream_release(struct socket *sock)
{
	struct sock *who = sock->sk;
	struct tquic_stream_sock *ss = tquic_stream_sk(who);

	if (!who)
		return 0;
	if (ss->stream) {
		lock_sock(ss->conn);
		tquic_stream_leave(ss);
		release_sock(ss->conn);
	}
	sock_orphan(who);
	sock->sk = NULL;
	sock_put(who);
	return 0;
}

static void tquic_stream_destruct(struct sock *who)
{
	sock_put(tquic_stream_sk(who)->conn);
}

static int tquic_stream_sendmsg(struct socket *sock, struct msghdr *msg, size_t len)
{
	struct tquic_stream_sock *ss = tquic_stream_sk(sock->sk);
	struct sock *sk = ss->conn;
	int ret = -EPIPE;

	if (msg->msg_flags & ~TQUIC_SEND_FLAGS)
		return -EOPNOTSUPP;
	if (msg->msg_controllen)
		return -EINVAL;
	lock_sock(sk);
	if (tquic_stream_sends(ss->stream))
		ret = tquic_send_data(sk, sock->sk, ss->stream, msg, len, false);
	release_sock(sk);
	return ret == -EPIPE ? sk_stream_error(sock->sk, msg->msg_flags, ret) : ret;
}

static int tquic_stream_recvmsg(struct socket *sock, struct msghdr *msg, size_t len,
				int flags)
{
	struct tquic_stream_sock *ss = tquic_stream_sk(sock->sk);
	struct sock *who = sock->sk, *sk = ss->conn;
	struct tquic_conn *conn = &tquic_sk(sk)->conn;
	struct tquic_stream *s = ss->stream;
	long timeo = sock_rcvtimeo(who, flags & MSG_DONTWAIT);
	int ret = 0, done = 0, target;

	if (flags & (MSG_OOB | MSG_ERRQUEUE))
		return -EOPNOTSUPP;
	if (s->rx.state == TQUIC_RECV_NONE)
		return -EOPNOTSUPP;
	target = flags & MSG_PEEK ? 1 : sock_rcvlowat(who, flags & MSG_WAITALL, len);
	lock_sock(sk);
	for (;;) {
		if (tquic_recv_ready(&s->rx)) {
			ret = tquic_recv_bytes(sk, s, msg, len - done, flags);
			if (ret <= 0)
				break;
			done += ret;
			if (done >= target)
				break;
			continue;
		}
		if (tquic_stream_heard(s)) {
			ret = 0;
			break;
		}
		if (conn->state > TQUIC_STATE_ESTABLISHED) {
			ret = tquic_recv_cut(conn, s);
			break;
		}
		ret = tquic_sock_wait(sk, who, &timeo);
		if (ret)
			break;
	}
	/* Credit for what was read */
	tquic_sock_kick(sk);
	release_sock(sk);
	return done ? done : ret;
}

static __poll_t tquic_stream_poll(struct file *file, struct socket *sock, poll_table *wait)
{
	struct tquic_stream_sock *ss = tquic_stream_sk(sock->sk);
	struct tquic_conn *conn = &tquic_sk(ss->conn)->conn;
	struct tquic_stream *s = ss->stream;
	bool over, ended, said;
	__poll_t mask = 0;

	sock_poll_wait(file, sock, wait);
	lock_sock(ss->conn);
	over = conn->state > TQUIC_STATE_ESTABLISHED;
	/* All has come, if it was read or not. */
	ended = over || tquic_stream_heard(s) || s->rx.state == TQUIC_RECV_DATA_RECVD;
	said = over || !tquic_stream_sends(s);
	if (ended && said)
		mask |= EPOLLHUP;
	if (s->rx.state != TQUIC_RECV_NONE) {
		if (ended)
			mask |= EPOLLRDHUP;
		if (ended || tquic_recv_ready(&s->rx))
			mask |= EPOLLIN | EPOLLRDNORM;
	}
	if (s->tx.state == TQUIC_SEND_RESET_SENT || s->tx.state == TQUIC_SEND_RESET_RECVD ||
	    (over && tquic_sock_errno(conn)))
		mask |= EPOLLERR;
	if (s->tx.state != TQUIC_SEND_NONE) {
		if (said || tquic_stream_room(sock->sk))
			mask |= EPOLLOUT | EPOLLWRNORM;
		else
			conn->tx_full |= tquic_poll_writes(wait);
	}
	release_sock(ss->conn);
	return mask;
}

static int tquic_stream_shutdown(struct socket *sock, int how)
{
	struct tquic_stream_sock *ss = tquic_stream_sk(sock->sk);
	struct tquic_conn *conn = &tquic_sk(ss->conn)->conn;
	struct tquic_stream *s = ss->stream;
	int ret = 0;

	if (how < SHUT_RD || how > SHUT_RDWR)
		return -EINVAL;
	lock_sock(ss->conn);
	if (!tquic_conn_is_open(conn)) {
		ret = -ENOTCONN;
		goto out;
	}
	if (how == SHUT_WR || (how == SHUT_RDWR && s->tx.state != TQUIC_SEND_NONE))
		ret = tquic_conn_stream_finish(conn, s);
	if (how != SHUT_WR)
		tquic_conn_stream_stop(conn, s, 0, tquic_now_ns());
	tquic_sock_kick(ss->conn);
	/* for who sleeps in a read or write that ends by this */
	sock->sk->sk_state_change(sock->sk);
out:
	release_sock(ss->conn);
	return ret;
}

static int tquic_stream_getname(struct socket *sock, struct sockaddr *uaddr, int peer)
{
	return tquic_sock_getname(tquic_stream_sk(sock->sk)->conn, uaddr, peer);
}

static int tquic_stream_setsockopt(struct socket *sock, int level, int optname,
				   sockptr_t optval, unsigned int optlen)
{
	struct tquic_stream_sock *ss = tquic_stream_sk(sock->sk);

	if (level != SOL_TQUIC)
		return -ENOPROTOOPT;
	return tquic_setsockopt_stream(ss->conn, ss->stream->id, optname, optval, optlen);
}

/* The one thing to ask for: who was given the file learns which stream it is */
static int tquic_stream_getsockopt(struct socket *sock, int level, int optname,
				   char __user *optval, int __user *optlen)
{
	struct tquic_stream_sock *ss = tquic_stream_sk(sock->sk);
	struct tquic_stream_priority p;
	int len;

	if (level != SOL_TQUIC || optname != TQUIC_SOCKOPT_STREAM_PRIORITY)
		return -ENOPROTOOPT;
	if (get_user(len, optlen))
		return -EFAULT;
	if (len < (int)sizeof(p))
		return -EINVAL;
	lock_sock(ss->conn);
	p.stream_id = ss->stream->id;
	p.urgency = ss->stream->urgency;
	p.incremental = ss->stream->incremental;
	release_sock(ss->conn);
	return put_user((int)sizeof(p), optlen) || copy_to_user(optval, &p, sizeof(p)) ?
	       -EFAULT : 0;
}

static const struct proto_ops tquic_stream_ops = {
	.family		= PF_INET,
	.owner		= THIS_MODULE,
	.release	= tquic_stream_release,
	.bind		= sock_no_bind,
	.connect	= sock_no_connect,
	.socketpair	= sock_no_socketpair,
	.accept		= sock_no_accept,
	.getname	= tquic_stream_getname,
	.poll		= tquic_stream_poll,
	.ioctl		= sock_no_ioctl,
	.listen		= sock_no_listen,
	.shutdown	= tquic_stream_shutdown,
	.setsockopt	= tquic_stream_setsockopt,
	.getsockopt	= tquic_stream_getsockopt,
	.sendmsg	= tquic_stream_sendmsg,
	.recvmsg	= tquic_stream_recvmsg,
	.mmap		= sock_no_mmap,
};

static struct proto tquic_stream_prot = {
	.name		= "TQUIC-STREAM",
	.owner		= THIS_MODULE,
	.obj_size	= sizeof(struct tquic_stream_sock),
};

/* A file without a stream yet; its release ends none */
static struct file *tquic_stream_file(struct sock *sk, u32 flags)
{
	struct tquic_stream_sock *ss;
	struct socket *sock;
	struct sock *who;

	sock = sock_alloc();
	if (!sock)
		return ERR_PTR(-ENFILE);
	sock->type = SOCK_STREAM;
	sock->ops = &tquic_stream_ops;
	__module_get(THIS_MODULE);
	who = sk_alloc(sock_net(sk), sk->sk_family, GFP_KERNEL, &tquic_stream_prot, 0);
	if (!who) {
		sock_release(sock);
		return ERR_PTR(-ENOMEM);
	}
	sock_init_data(sock, who);
	sock->state = SS_CONNECTED;
	who->sk_protocol = IPPROTO_TQUIC;
	who->sk_state = TCP_ESTABLISHED;
	who->sk_destruct = tquic_stream_destruct;
	security_sk_clone(sk, who);
	ss = tquic_stream_sk(who);
	sock_hold(sk);
	ss->conn = sk;
	INIT_LIST_HEAD(&ss->claims);
	INIT_LIST_HEAD(&ss->room);
	return sock_alloc_file(sock, flags & TQUIC_FD_NONBLOCK ? O_NONBLOCK : 0, NULL);
}

/* The stream becomes the file's, unless somebody uses it. */
static int tquic_stream_claim(struct sock *sk, struct file *file, u64 id)
{
	struct sock *who = sock_from_file(file)->sk;
	struct tquic_stream_sock *ss = tquic_stream_sk(who);
	struct tquic_sock *tsk = tquic_sk(sk);
	struct tquic_stream *s;
	int ret = 0;

	lock_sock(sk);
	s = tquic_conn_is_open(&tsk->conn) ? tquic_streams_find(&tsk->conn.streams, id) : NULL;
	if (!tquic_conn_is_open(&tsk->conn)) {
		ret = -ENOTCONN;
	} else if (!s) {
		ret = -ENOENT;
	} else if (s->users || (sk->sk_type == SOCK_STREAM && !id)) {
		ret = -EBUSY;
	} else {
		tquic_streams_claim(&tsk->conn.streams, s, who);
		ss->stream = s;
		list_add_tail(&ss->claims, &tsk->claims);
	}
	release_sock(sk);
	return ret;
}

/**
 * tquic_stream_open() - TQUIC_SOCKOPT_STREAM_FD
 * @sk: socket of the connection
 * @optval: struct tquic_stream_fd
 * @optlen: its size, as told to the program
 * @len: its size
 *
 * Context: process, lock not held.
 * Return: 0; -EINVAL; -ENOTCONN; -ENOENT; -EBUSY when it has a file, is that of a
 * SOCK_STREAM socket, or is being written to; or why there is no file.
 */
int tquic_stream_open(struct sock *sk, char __user *optval, int __user *optlen, int len)
{
	struct tquic_stream_fd arg;
	struct file *file;
	int fd, ret;

	if (len < (int)sizeof(arg))
		return -EINVAL;
	if (copy_from_user(&arg, optval, sizeof(arg)))
		return -EFAULT;
	if (arg.flags & ~(TQUIC_FD_CLOEXEC | TQUIC_FD_NONBLOCK))
		return -EINVAL;
	fd = get_unused_fd_flags(arg.flags & TQUIC_FD_CLOEXEC ? O_CLOEXEC : 0);
	if (fd < 0)
		return fd;
	file = tquic_stream_file(sk, arg.flags);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		return PTR_ERR(file);
	}
	arg.fd = fd;
	ret = put_user((int)sizeof(arg), optlen) || copy_to_user(optval, &arg, sizeof(arg)) ?
	      -EFAULT : tquic_stream_claim(sk, file, arg.stream_id);
	if (ret) {
		put_unused_fd(fd);
		fput(file);
		return ret;
	}
	fd_install(fd, file);
	return 0;
}

int tquic_stream_init(void)
{
	return proto_register(&tquic_stream_prot, 1);
}

void tquic_stream_exit(void)
{
	proto_unregister(&tquic_stream_prot);
}
