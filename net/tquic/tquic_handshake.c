// SPDX-License-Identifier: GPL-2.0
/* The handshake agent: who waits for it, and the sockets it works on */
#include <linux/file.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <net/genetlink.h>
#include <trace/events/tquic.h>
#include <uapi/linux/tquic_netlink.h>
#include "tquic-nl-gen.h"
#include "tquic_handshake.h"
#include "tquic_netlink.h"
#include "tquic_sock.h"
#include "tquic_sysctl.h"

/*
 * A socket of TQUIC_HANDSHAKE_AGENT waits in tn->handshakes, with a reference,
 * until an agent takes it.  The agent gets a socket of its own for the time of
 * the handshake: it can do TLS on it and nothing else, shares no file flags
 * with the program, works for connections that accept() has not returned yet,
 * and tells by its release that the agent is gone.
 */

/**
 * struct tquic_agent_sock - what an agent's file is about
 * @inet: must be first; only for what the socket layer looks at
 * @conn_sk: connection's socket, with a reference; set before the file is seen
 */
struct tquic_agent_sock {
	struct inet_sock inet;
	struct sock *conn_sk;
};

static struct sock *tquic_agent_conn(const struct socket *sock)
{
	return ((struct tquic_agent_sock *)sock->sk)->conn_sk;
}

/**
 * tquic_handshake_request() - let the agents know that a handshake waits
 * @sk: connection in its handshake
 *
 * Context: lock held, softirq or process.
 * Return: 0, or -ESRCH when there is no agent.
 */
int tquic_handshake_request(struct sock *sk)
{
	struct tquic_net *tn = tquic_sock_net(sk);
	struct tquic_sock *tsk = tquic_sk(sk);
	int ret;

	tsk->agent_asked = true;
	tsk->handshake_end_ns = tquic_now_ns() + TQUIC_SYSCTL_NS(tn, agent_timeout_ms);
	trace_tquic_handshake(&tsk->conn, TQUIC_STEP_AGENT_ASKED);
	sock_hold(sk);
	spin_lock_bh(&tn->lock);
	list_add_tail(&tsk->handshake, &tn->handshakes);
	spin_unlock_bh(&tn->lock);
	ret = tquic_netlink_handshake_ready(sock_net(sk), tsk->token);
	if (ret)
		tquic_handshake_over(sk);
	else
		tquic_timer_update(sk);
	return ret;
}

/* Close a connection nobody does TLS for; nothing if it needs none any more */
static void tquic_handshake_refuse(struct sock *sk)
{
	struct tquic_conn *conn = &tquic_sk(sk)->conn;

	if (conn->state != TQUIC_STATE_HANDSHAKE)
		return;
	TQUIC_INC(tquic_sock_net(sk), HS_FAILED);
	tquic_conn_close(conn, TQUIC_ERR_CONNECTION_REFUSED, 0, false, NULL, 0,
			 tquic_now_ns());
}

/**
 * tquic_handshake_child() - the first CRYPTO bytes of a listener's child came
 * @child: its socket
 *
 * Context: child's lock held, softirq or process.
 * Return: true when the connection was closed because no agent is there.
 */
bool tquic_handshake_child(struct sock *child)
{
	struct tquic_sock *tsk = tquic_sk(child);

	if (tsk->handshake_mode == TQUIC_HANDSHAKE_SELF) {
		tquic_listen_child_ready(child);
		return false;
	}
	if (tsk->conn.state != TQUIC_STATE_HANDSHAKE || tsk->agent_asked)
		return false;
	if (!tquic_handshake_request(child))
		return false;
	tquic_handshake_refuse(child);
	return true;
}

/* Wake the agent: something came, or the connection's state changed; lock held */
void tquic_handshake_wake(struct sock *sk)
{
	struct sock *agent = tquic_sk(sk)->agent;

	if (agent)
		agent->sk_data_ready(agent);
}

/* No agent is needed any more, or none is there; lock held */
void tquic_handshake_over(struct sock *sk)
{
	struct tquic_net *tn = tquic_sock_net(sk);
	struct tquic_sock *tsk = tquic_sk(sk);
	bool waited;

	if (!tsk->agent_asked)
		return;
	tsk->agent_asked = false;
	spin_lock_bh(&tn->lock);
	waited = !list_empty(&tsk->handshake);
	list_del_init(&tsk->handshake);
	spin_unlock_bh(&tn->lock);
	if (waited)
		__sock_put(sk);
	tquic_handshake_wake(sk);
}

static int tquic_agent_release(struct socket *sock)
{
	struct sock *agent = sock->sk;
	struct sock *sk;

	if (!agent)
		return 0;
	sk = tquic_agent_conn(sock);
	if (sk) {
		lock_sock(sk);
		tquic_sk(sk)->agent = NULL;
		tquic_handshake_refuse(sk);
		tquic_sock_kick(sk);
		release_sock(sk);
		sock_put(sk);
	}
	sock_orphan(agent);
	sock->sk = NULL;
	sock_put(agent);
	return 0;
}

static int tquic_agent_getname(struct socket *sock, struct sockaddr *uaddr,
			       int peer)
{
	return tquic_sock_getname(tquic_agent_conn(sock), uaddr, peer);
}

static __poll_t tquic_agent_poll(struct file *file, struct socket *sock,
				 poll_table *wait)
{
	struct sock *sk = tquic_agent_conn(sock);
	__poll_t mask = 0;

	sock_poll_wait(file, sock, wait);
	lock_sock(sk);
	if (tquic_sk(sk)->conn.state == TQUIC_STATE_HANDSHAKE)
		mask = EPOLLOUT | EPOLLWRNORM;
	else
		mask = EPOLLHUP | EPOLLRDHUP;
	if (mask & EPOLLHUP || tquic_recv_crypto_ready(sk))
		mask |= EPOLLIN | EPOLLRDNORM;
	release_sock(sk);
	return mask;
}

/* What TLS needs of a connection, and what it has to say about it */
static int tquic_agent_setsockopt(struct socket *sock, int level, int optname,
				  sockptr_t optval, unsigned int optlen)
{
	if (level != SOL_TQUIC)
		return -ENOPROTOOPT;
	switch (optname) {
	case TQUIC_SOCKOPT_PEER_PARAMS:
	case TQUIC_SOCKOPT_SECRET:
	case TQUIC_SOCKOPT_HANDSHAKE_END:
	case TQUIC_SOCKOPT_ALPN:
	case TQUIC_SOCKOPT_CLOSE:
		return tquic_setsockopt(tquic_agent_conn(sock), level, optname,
					optval, optlen);
	default:
		return -ENOPROTOOPT;
	}
}

static int tquic_agent_getsockopt(struct socket *sock, int level, int optname,
				  char __user *optval, int __user *optlen)
{
	if (level != SOL_TQUIC)
		return -ENOPROTOOPT;
	switch (optname) {
	case TQUIC_SOCKOPT_LOCAL_PARAMS:
	case TQUIC_SOCKOPT_ALPN:
	case TQUIC_SOCKOPT_SERVER_NAME:
	case TQUIC_SOCKOPT_CLOSE:
	case TQUIC_SOCKOPT_INFO:
		return tquic_getsockopt(tquic_agent_conn(sock), level, optname,
					optval, optlen);
	default:
		return -ENOPROTOOPT;
	}
}

static int tquic_agent_sendmsg(struct socket *sock, struct msghdr *msg, size_t len)
{
	return tquic_sendmsg_crypto(tquic_agent_conn(sock), msg, len);
}

static int tquic_agent_recvmsg(struct socket *sock, struct msghdr *msg,
			       size_t len, int flags)
{
	DEFINE_WAIT_FUNC(wait, woken_wake_function);
	struct sock *sk = tquic_agent_conn(sock);
	long timeo = sock_rcvtimeo(sock->sk, flags & MSG_DONTWAIT);
	int ret;

	if (flags & (MSG_OOB | MSG_ERRQUEUE | MSG_PEEK))
		return -EOPNOTSUPP;
	add_wait_queue(sk_sleep(sock->sk), &wait);
	for (;;) {
		ret = tquic_recvmsg_crypto(sk, msg, len);
		if (ret != -EAGAIN || !timeo)
			break;
		if (signal_pending(current)) {
			ret = sock_intr_errno(timeo);
			break;
		}
		timeo = wait_woken(&wait, TASK_INTERRUPTIBLE, timeo);
	}
	remove_wait_queue(sk_sleep(sock->sk), &wait);
	return ret;
}

static struct proto tquic_agent_prot = {
	.name		= "TQUIC-AGENT",
	.owner		= THIS_MODULE,
	.obj_size	= sizeof(struct tquic_agent_sock),
};

static const struct proto_ops tquic_agent_ops = {
	.family		= PF_INET,
	.owner		= THIS_MODULE,
	.release	= tquic_agent_release,
	.bind		= sock_no_bind,
	.connect	= sock_no_connect,
	.socketpair	= sock_no_socketpair,
	.accept		= sock_no_accept,
	.getname	= tquic_agent_getname,
	.poll		= tquic_agent_poll,
	.ioctl		= sock_no_ioctl,
	.listen		= sock_no_listen,
	.shutdown	= sock_no_shutdown,
	.setsockopt	= tquic_agent_setsockopt,
	.getsockopt	= tquic_agent_getsockopt,
	.sendmsg	= tquic_agent_sendmsg,
	.recvmsg	= tquic_agent_recvmsg,
	.mmap		= sock_no_mmap,
};

/* A file for an agent, of no connection yet */
static struct file *tquic_agent_file(struct net *net)
{
	struct socket *sock;
	struct sock *agent;
	int ret;

	ret = sock_create_lite(PF_INET, SOCK_DGRAM, IPPROTO_TQUIC, &sock);
	if (ret)
		return ERR_PTR(ret);
	agent = sk_alloc(net, PF_INET, GFP_KERNEL, &tquic_agent_prot, 0);
	if (!agent) {
		sock_release(sock);
		return ERR_PTR(-ENOMEM);
	}
	sock_init_data(sock, agent);
	agent->sk_protocol = IPPROTO_TQUIC;
	__module_get(THIS_MODULE);
	sock->ops = &tquic_agent_ops;
	sock->state = SS_CONNECTED;
	/* SOL_SOCKET options come to us too, and are refused. */
	set_bit(SOCK_CUSTOM_SOCKOPT, &sock->flags);
	/* Releases the socket when it fails. */
	return sock_alloc_file(sock, O_CLOEXEC, NULL);
}

/* The first handshake that waits and still has a connection, locked, or NULL */
static struct sock *tquic_handshake_next(struct tquic_net *tn)
{
	struct tquic_sock *tsk;
	struct sock *sk;

	for (;;) {
		spin_lock_bh(&tn->lock);
		tsk = list_first_entry_or_null(&tn->handshakes,
					       struct tquic_sock, handshake);
		if (tsk)
			list_del_init(&tsk->handshake);
		spin_unlock_bh(&tn->lock);
		if (!tsk)
			return NULL;
		sk = &tsk->inet.sk;
		lock_sock(sk);
		if (tsk->agent_asked)
			return sk;
		release_sock(sk);
		sock_put(sk);
	}
}

/* Not taken after all: it is the next one again. Consumes lock and reference */
static void tquic_handshake_back(struct tquic_net *tn, struct sock *sk)
{
	spin_lock_bh(&tn->lock);
	list_add(&tquic_sk(sk)->handshake, &tn->handshakes);
	spin_unlock_bh(&tn->lock);
	release_sock(sk);
}

static int tquic_handshake_put(struct sk_buff *skb, struct sock *sk, int fd)
{
	struct tquic_sock *tsk = tquic_sk(sk);
	u64 now = tquic_now_ns();
	u64 left = tsk->handshake_end_ns > now ? tsk->handshake_end_ns - now : 0;
	struct tquic_addr local;

	tquic_sock_addr(sk, &local, false);
	if (nla_put_u32(skb, TQUIC_A_HANDSHAKE_TOKEN, tsk->token) ||
	    nla_put_s32(skb, TQUIC_A_HANDSHAKE_FD, fd) ||
	    nla_put_u32(skb, TQUIC_A_HANDSHAKE_ROLE,
			tsk->conn.server ? TQUIC_ROLE_SERVER : TQUIC_ROLE_CLIENT) ||
	    tquic_netlink_put_addr(skb, TQUIC_A_HANDSHAKE_LOCAL, &local) ||
	    tquic_netlink_put_addr(skb, TQUIC_A_HANDSHAKE_PEER, &tsk->peer) ||
	    (tsk->server_name &&
	     nla_put_string(skb, TQUIC_A_HANDSHAKE_SERVER_NAME,
			    tsk->server_name)) ||
	    (tsk->alpn &&
	     nla_put_string(skb, TQUIC_A_HANDSHAKE_ALPN, tsk->alpn)) ||
	    nla_put_u32(skb, TQUIC_A_HANDSHAKE_UID,
			from_kuid_munged(current_user_ns(),
					 READ_ONCE(sk->sk_uid))) ||
	    nla_put_u32(skb, TQUIC_A_HANDSHAKE_TIMEOUT_MS,
			div_u64(left, NSEC_PER_MSEC)))
		return -EMSGSIZE;
	return 0;
}

/*
 * Reply with the next handshake and make @agent its socket.
 * Return: 0, -EAGAIN when none waits, or why there is no reply.
 */
static int tquic_handshake_give(struct genl_info *info, struct sock *agent,
				int fd)
{
	struct tquic_net *tn = tquic_pernet(genl_info_net(info));
	struct sk_buff *msg;
	struct sock *sk;
	int ret = -EMSGSIZE;
	void *hdr;

	msg = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!msg)
		return -ENOMEM;
	sk = tquic_handshake_next(tn);
	if (!sk) {
		nlmsg_free(msg);
		NL_SET_ERR_MSG(info->extack, "no handshake waits");
		return -EAGAIN;
	}
	hdr = genlmsg_iput(msg, info);
	if (hdr)
		ret = tquic_handshake_put(msg, sk, fd);
	if (ret) {
		nlmsg_free(msg);
	} else {
		genlmsg_end(msg, hdr);
		ret = genlmsg_reply(msg, info);
	}
	if (ret) {
		tquic_handshake_back(tn, sk);
		return ret;
	}
	/* The file takes over the reference. */
	((struct tquic_agent_sock *)agent)->conn_sk = sk;
	tquic_sk(sk)->agent = agent;
	trace_tquic_handshake(&tquic_sk(sk)->conn, TQUIC_STEP_AGENT_TOOK);
	release_sock(sk);
	return 0;
}

/* The agent, in whose context we run, takes a handshake */
int tquic_nl_handshake_accept_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct file *file;
	int fd, ret;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0) {
		NL_SET_ERR_MSG(info->extack, "no file descriptor is left");
		return fd;
	}
	file = tquic_agent_file(genl_info_net(info));
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		NL_SET_ERR_MSG(info->extack, "no socket can be made");
		return PTR_ERR(file);
	}
	ret = tquic_handshake_give(info, sock_from_file(file)->sk, fd);
	if (ret) {
		put_unused_fd(fd);
		fput(file);
		return ret;
	}
	fd_install(fd, file);
	return 0;
}

/**
 * tquic_handshake_init() - make agents' sockets known
 *
 * Return: 0 or what registration says.
 */
int __init tquic_handshake_init(void)
{
	return proto_register(&tquic_agent_prot, 0);
}

/* No agent's socket is left: each holds the module */
void tquic_handshake_exit(void)
{
	proto_unregister(&tquic_agent_prot);
}
