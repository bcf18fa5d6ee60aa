// SPDX-License-Identifier: GPL-2.0
/* The protocol towards the socket layer: protosw 253, proto and proto_ops */
#include <linux/poll.h>
#include <linux/sysctl.h>
#include <net/inet_common.h>
#include <net/protocol.h>
#include <net/tcp_states.h>
#include <net/transp_v6.h>
#include "tquic_cgroup.h"
#include "tquic_handshake.h"
#include "tquic_netlink.h"
#include "tquic_sock.h"
#include "tquic_stream.h"

static atomic_long_t tquic_memory_allocated;
static DEFINE_PER_CPU(int, tquic_memory_per_cpu_fw_alloc);
static unsigned long tquic_memory_pressure;
static struct percpu_counter tquic_sockets_allocated;
static long tquic_mem[3];
static int tquic_wmem[3] = { 4096, 212992, 32 * 1024 * 1024 };
static int tquic_rmem[3] = { 4096, 212992, 64 * 1024 * 1024 };

/* net.tquic.mem is the machine's and not a namespace's, in pages, as net.ipv4.tcp_mem */
static struct ctl_table tquic_mem_table[] = {
	{
		.procname	= "mem",
		.data		= &tquic_mem,
		.maxlen		= sizeof(tquic_mem),
		.mode		= 0644,
		.proc_handler	= proc_doulongvec_minmax,
	},
};
static struct ctl_table_header *tquic_mem_header;

static void tquic_enter_memory_pressure(struct sock *sk)
{
	WRITE_ONCE(tquic_memory_pressure, 1);
}

/* close(2), or the end of a socket that never got a file; lock not held */
static void tquic_close(struct sock *sk, long timeout)
{
	struct tquic_sock *tsk = tquic_sk(sk);
	struct tquic_conn *conn = &tsk->conn;

	lock_sock(sk);
	if (tsk->listener)
		tquic_listen_stop(sk);
	if (tsk->udp) {
		tquic_udp_put(tsk->udp);
		tsk->udp = NULL;
	}
	sock_orphan(sk);
	/* The last of its streams' sockets ends the connection, unless all is to end now. */
	if (!list_empty(&tsk->claims) && conn->state == TQUIC_STATE_ESTABLISHED &&
	    !(sock_flag(sk, SOCK_LINGER) && !sk->sk_lingertime))
		tquic_sock_abandon(sk);
	else
		tquic_sock_leave(sk);
	tquic_sock_kick(sk);
	release_sock(sk);
	sock_put(sk);
}

static int tquic_bind(struct sock *sk, struct sockaddr_unsized *uaddr, int addr_len)
{
	struct tquic_sock *tsk = tquic_sk(sk);
	struct tquic_addr addr;
	struct tquic_udp *udp;
	int ret;

	ret = tquic_addr_from_sa(&addr, uaddr, addr_len);
	if (ret)
		return ret;
	if (sk->sk_family == AF_INET && tquic_addr_family(&addr) != AF_INET)
		return -EAFNOSUPPORT;
	lock_sock(sk);
	ret = -EINVAL;
	if (tsk->udp || tsk->conn.state != TQUIC_STATE_IDLE)
		goto out;
	ret = tquic_cgroup_bind(sk, uaddr, addr_len) ?:
	      tquic_addr_from_sa(&addr, uaddr, addr_len);
	if (ret)
		goto out;
	udp = tquic_udp_get(sock_net(sk), &addr, sk->sk_bound_dev_if,
			    ipv6_only_sock(sk) ? TQUIC_UDP_V6ONLY : 0);
	ret = PTR_ERR_OR_ZERO(udp);
	if (ret)
		goto out;
	tsk->udp = udp;
	tsk->local = udp->local;
	tquic_sock_mirror(sk);
out:
	release_sock(sk);
	return ret;
}

/* A client's connection begins; TLS follows. Context: lock held */
static int tquic_connect_start(struct sock *sk, const struct tquic_addr *peer)
{
	struct tquic_sock *tsk = tquic_sk(sk);
	struct tquic_params params = tsk->conn.local;
	struct tquic_addr local = tsk->local;
	struct tquic_cid odcid;
	int ret;

	if (!tquic_addr_family(&local))
		local.sa.sa_family = tquic_addr_family(peer);
	tsk->peer = *peer;
	tquic_cid_generate(&odcid);
	ret = tquic_sock_start(sk, false, tsk->version, &odcid, NULL, NULL);
	if (!ret)
		ret = tquic_link_open(sk, tquic_conn_path(&tsk->conn, 0), &local,
				      peer, sk->sk_bound_dev_if);
	if (ret) {
		tquic_sock_renew(sk, &params);
		return ret;
	}
	tquic_sock_mirror(sk);
	inet_sk_set_state(sk, TCP_SYN_SENT);
	tquic_timer_update(sk);
	TQUIC_INC(tquic_sock_net(sk), CONNS_ACTIVE);
	return 0;
}

/* An agent does TLS; how it ended is what connect() says. Context: lock held */
static int tquic_connect_wait(struct socket *sock, int flags, int busy)
{
	DEFINE_WAIT_FUNC(wait, woken_wake_function);
	struct sock *sk = sock->sk;
	struct tquic_conn *conn = &tquic_sk(sk)->conn;
	long timeo = sock_sndtimeo(sk, flags & O_NONBLOCK);

	if (conn->state == TQUIC_STATE_HANDSHAKE && !timeo)
		return busy;
	add_wait_queue(sk_sleep(sk), &wait);
	while (conn->state == TQUIC_STATE_HANDSHAKE && timeo &&
	       !signal_pending(current))
		sk_wait_event(sk, &timeo, conn->state != TQUIC_STATE_HANDSHAKE,
			      &wait);
	remove_wait_queue(sk_sleep(sk), &wait);
	if (conn->state == TQUIC_STATE_HANDSHAKE)
		return timeo ? sock_intr_errno(timeo) : -EINPROGRESS;
	if (conn->tls_done) {
		sock->state = SS_CONNECTED;
		return 0;
	}
	sock->state = SS_UNCONNECTED;
	return sock_error(sk) ?: -ECONNABORTED;
}

/* connect() of a socket whose TLS somebody else does. Context: lock held */
static int tquic_connect_agent(struct socket *sock, const struct tquic_addr *peer,
			       int flags)
{
	struct sock *sk = sock->sk;
	struct tquic_params params = tquic_sk(sk)->conn.local;
	int ret;

	ret = tquic_connect_start(sk, peer);
	if (ret)
		return ret;
	if (tquic_handshake_request(sk)) {
		/* Nothing was sent yet. */
		tquic_sock_renew(sk, &params);
		return -EPROTONOSUPPORT;
	}
	sock->state = SS_CONNECTING;
	return tquic_connect_wait(sock, flags, -EINPROGRESS);
}

/*
 * Programs of the cgroup say whether, and where to; with bpf_bind(), from where: that is
 * written where other protocols read it. Context: lock held
 */
static int tquic_connect_asks(struct sock *sk, struct sockaddr_unsized *uaddr, int addr_len)
{
	const struct inet_sock *inet = inet_sk(sk);
	struct tquic_sock *tsk = tquic_sk(sk);
	int ret;

	tquic_sock_mirror(sk);
	ret = tquic_cgroup_connect(sk, uaddr, addr_len);
	if (ret || tsk->udp)
		return ret;
	if (sk->sk_family == AF_INET && inet->inet_rcv_saddr)
		tquic_addr_set_v4(&tsk->local, inet->inet_rcv_saddr, 0);
	if (sk->sk_family == AF_INET6 && !ipv6_addr_any(&sk->sk_v6_rcv_saddr))
		tquic_addr_set_v6(&tsk->local, &sk->sk_v6_rcv_saddr, 0, sk->sk_bound_dev_if);
	return 0;
}

/* Whom a program wants to speak with. Context: lock held */
static int tquic_connect_peer(struct sock *sk, struct tquic_addr *peer,
			      struct sockaddr_unsized *uaddr, int addr_len)
{
	int ret;

	ret = tquic_addr_from_sa(peer, uaddr, addr_len);
	if (!ret && tquic_sk(sk)->conn.state == TQUIC_STATE_IDLE)
		ret = tquic_connect_asks(sk, uaddr, addr_len) ?:
		      tquic_addr_from_sa(peer, uaddr, addr_len);
	if (ret)
		return ret;
	if (sk->sk_family == AF_INET && tquic_addr_family(peer) != AF_INET)
		return -EAFNOSUPPORT;
	if (!tquic_addr_port(peer) || tquic_addr_is_any(peer) ||
	    tquic_addr_is_multicast(peer))
		return -EINVAL;
	return 0;
}

static int tquic_ops_connect(struct socket *sock, struct sockaddr_unsized *uaddr,
			     int addr_len, int flags)
{
	struct sock *sk = sock->sk;
	struct tquic_sock *tsk = tquic_sk(sk);
	struct tquic_addr peer;
	int ret;

	lock_sock(sk);
	ret = tquic_connect_peer(sk, &peer, uaddr, addr_len);
	if (ret)
		goto out;
	if (tsk->conn.state == TQUIC_STATE_LISTEN)
		ret = -EOPNOTSUPP;
	else if (sock->state == SS_CONNECTING)
		ret = tquic_connect_wait(sock, flags, -EALREADY);
	else if (tsk->conn.state != TQUIC_STATE_IDLE)
		ret = tsk->conn.state == TQUIC_STATE_HANDSHAKE ? -EALREADY : -EISCONN;
	else if (tsk->handshake_mode == TQUIC_HANDSHAKE_AGENT)
		ret = tquic_connect_agent(sock, &peer, flags);
	else
		ret = tquic_connect_start(sk, &peer);
	if (!ret)
		sock->state = SS_CONNECTED;
out:
	release_sock(sk);
	return ret;
}

/* bpf_bind() wants a port, before anybody has asked for one */
static int tquic_get_port(struct sock *sk, unsigned short port)
{
	return -EOPNOTSUPP;
}

static int tquic_ops_listen(struct socket *sock, int backlog)
{
	struct sock *sk = sock->sk;
	int ret = 0;

	lock_sock(sk);
	if (tquic_sk(sk)->handshake_mode == TQUIC_HANDSHAKE_AGENT)
		ret = tquic_netlink_handshake_ready(sock_net(sk), 0);
	if (!ret)
		ret = tquic_listen_start(sk, backlog);
	else if (ret == -ESRCH)
		ret = -EPROTONOSUPPORT;
	release_sock(sk);
	return ret;
}

static int tquic_ops_shutdown(struct socket *sock, int how)
{
	struct sock *sk = sock->sk;
	struct tquic_conn *conn = &tquic_sk(sk)->conn;
	int ret = 0;

	if (how < SHUT_RD || how > SHUT_RDWR)
		return -EINVAL;
	lock_sock(sk);
	if (conn->state == TQUIC_STATE_LISTEN) {
		if (how != SHUT_WR)
			tquic_listen_stop(sk);
	} else if (conn->state != TQUIC_STATE_ESTABLISHED &&
		   conn->state != TQUIC_STATE_HANDSHAKE) {
		ret = -ENOTCONN;
	} else if (conn->state == TQUIC_STATE_ESTABLISHED && sk->sk_type == SOCK_STREAM) {
		ret = tquic_socket_shutdown(sk, how);
	} else if (how != SHUT_RDWR && sk->sk_type != SOCK_STREAM) {
		/* Streams end one by one; the whole only as a whole. */
		ret = -EOPNOTSUPP;
	} else {
		tquic_conn_close(conn, 0, 0, true, NULL, 0, tquic_now_ns());
	}
	tquic_sock_kick(sk);
	/* for who sleeps in a call that ends by this */
	sk->sk_state_change(sk);
	release_sock(sk);
	return ret;
}

static __poll_t tquic_ops_poll(struct file *file, struct socket *sock,
			       poll_table *wait)
{
	struct sock *sk = sock->sk;
	struct tquic_sock *tsk = tquic_sk(sk);
	__poll_t mask = 0;
	bool room;

	sock_poll_wait(file, sock, wait);
	lock_sock(sk);
	if (tsk->listener) {
		mask = tquic_listen_readable(sk) ? EPOLLIN | EPOLLRDNORM : 0;
		if (sk->sk_state != TCP_LISTEN)
			mask |= EPOLLHUP;
		goto out;
	}
	if (sk->sk_err)
		mask |= EPOLLERR;
	if (tsk->conn.state > TQUIC_STATE_ESTABLISHED)
		mask |= EPOLLHUP | EPOLLRDHUP | EPOLLIN | EPOLLRDNORM | EPOLLOUT;
	if (sk->sk_shutdown & RCV_SHUTDOWN)
		mask |= EPOLLRDHUP | EPOLLIN | EPOLLRDNORM;
	if (tquic_sock_readable(sk))
		mask |= EPOLLIN | EPOLLRDNORM;
	room = tquic_sock_writable(sk) && tquic_sock_dgram_room(sk);
	if (room && tquic_socket_has_stream(sk))
		mask |= EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND;
	else
		set_bit(SOCK_NOSPACE, &sock->flags);
	tsk->conn.tx_full |= !room && tquic_poll_writes(wait);
out:
	release_sock(sk);
	return mask;
}

/* An IPv4 address as an IPv6 socket tells it, for programs only */
static void tquic_addr_map_v6(struct tquic_addr *addr)
{
	struct sockaddr_in v4 = addr->v4;

	memset(addr, 0, sizeof(*addr));
	addr->v6.sin6_family = AF_INET6;
	addr->v6.sin6_port = v4.sin_port;
	ipv6_addr_set_v4mapped(v4.sin_addr.s_addr, &addr->v6.sin6_addr);
}

/**
 * tquic_sock_addr() - address of one end, on the first path
 * @sk: socket, lock held
 * @addr: destination; AF_UNSPEC when there is none yet
 * @peer: the peer's, else ours
 */
void tquic_sock_addr(struct sock *sk, struct tquic_addr *addr, bool peer)
{
	struct tquic_sock *tsk = tquic_sk(sk);
	struct tquic_path *path;
	struct tquic_link *link;

	*addr = peer ? tsk->peer : tsk->local;
	path = tsk->conn.version ? tquic_conn_path(&tsk->conn, 0) : NULL;
	link = path ? path->link : NULL;
	if (peer || !link)
		return;
	*addr = link->route.local;
	tquic_addr_set_port(addr, tquic_addr_port(&link->udp->local));
}

/**
 * tquic_sock_mirror() - keep struct inet_sock in step with tquic_sock_addr()
 * @sk: socket, lock held
 *
 * No packet is found or sent by these fields. They are what tracepoints, BPF
 * and the filters of sock_diag look at.
 */
void tquic_sock_mirror(struct sock *sk)
{
	struct inet_sock *inet = inet_sk(sk);
	struct tquic_addr local, peer;

	tquic_sock_addr(sk, &local, false);
	tquic_sock_addr(sk, &peer, true);
	inet->inet_sport = tquic_addr_port(&local);
	WRITE_ONCE(inet->inet_num, ntohs(inet->inet_sport));
	WRITE_ONCE(inet->inet_dport, tquic_addr_port(&peer));
	if (sk->sk_family == AF_INET) {
		inet->inet_rcv_saddr = local.v4.sin_addr.s_addr;
		inet->inet_saddr = local.v4.sin_addr.s_addr;
		inet->inet_daddr = peer.v4.sin_addr.s_addr;
		return;
	}
	if (tquic_addr_family(&local) == AF_INET)
		tquic_addr_map_v6(&local);
	if (tquic_addr_family(&peer) == AF_INET)
		tquic_addr_map_v6(&peer);
	sk->sk_v6_rcv_saddr = local.v6.sin6_addr;
	sk->sk_v6_daddr = peer.v6.sin6_addr;
}

/**
 * tquic_sock_getname() - getsockname() and getpeername()
 * @sk: socket, lock not held
 * @uaddr: destination
 * @peer: the peer's, else ours
 *
 * Return: bytes of the address, or -ENOTCONN.
 */
int tquic_sock_getname(struct sock *sk, struct sockaddr *uaddr, bool peer)
{
	struct tquic_addr addr;
	int ret;

	lock_sock(sk);
	tquic_sock_addr(sk, &addr, peer);
	release_sock(sk);
	if (peer && !tquic_addr_family(&addr))
		return -ENOTCONN;
	if (!tquic_addr_family(&addr))
		addr.sa.sa_family = sk->sk_family;
	if (sk->sk_family == AF_INET6 && tquic_addr_family(&addr) == AF_INET)
		tquic_addr_map_v6(&addr);
	ret = tquic_addr_len(&addr);
	memcpy(uaddr, &addr, ret);
	return ret;
}

static int tquic_ops_getname(struct socket *sock, struct sockaddr *uaddr,
			     int peer)
{
	return tquic_sock_getname(sock->sk, uaddr, peer);
}

/*
 * SOCK_DESTROY: an administrator ends a connection, and its program is told
 * @err. The peer has to see that nothing ended as it should.
 */
static int tquic_abort(struct sock *sk, int err)
{
	static const u8 reason[] = "ended by the administrator";
	struct tquic_sock *tsk = tquic_sk(sk);
	struct tquic_conn *conn = &tsk->conn;
	int ret = 0;

	lock_sock(sk);
	if (tsk->listener) {
		ret = -EOPNOTSUPP;
	} else if (!tsk->alive || conn->state > TQUIC_STATE_ESTABLISHED) {
		ret = -ENOENT;
	} else {
		tsk->abort_errno = err;
		tsk->lingering = false;
		tquic_conn_close(conn, TQUIC_ERR_INTERNAL, 0, false, reason,
				 sizeof(reason) - 1, tquic_now_ns());
		tquic_sock_kick(sk);
		TQUIC_INC(tquic_sock_net(sk), CONNS_ABORTED);
	}
	release_sock(sk);
	return ret;
}

static int tquic_ops_sendmsg(struct socket *sock, struct msghdr *msg, size_t len)
{
	return tquic_sendmsg(sock->sk, msg, len);
}

static int tquic_ops_recvmsg(struct socket *sock, struct msghdr *msg, size_t len,
			     int flags)
{
	int addr_len = 0;

	return tquic_recvmsg(sock->sk, msg, len, flags, &addr_len);
}

/* inet_create() calls it when a program of the cgroup says no; there is no table to leave */
static void tquic_unhash(struct sock *sk)
{
}

struct proto tquic_prot = {
	.name			= "TQUIC",
	.owner			= THIS_MODULE,
	.init			= tquic_sock_init,
	.close			= tquic_close,
	.bind			= tquic_bind,
	.get_port		= tquic_get_port,
	.accept			= tquic_listen_accept,
	.unhash			= tquic_unhash,
	.setsockopt		= tquic_setsockopt,
	.getsockopt		= tquic_getsockopt,
	.sendmsg		= tquic_sendmsg,
	.recvmsg		= tquic_recvmsg,
	.diag_destroy		= tquic_abort,
	.backlog_rcv		= tquic_rx_backlog,
	.release_cb		= tquic_sock_release_cb,
	.no_autobind		= true,
	.obj_size		= sizeof(struct tquic_sock),
	.sockets_allocated	= &tquic_sockets_allocated,
	.memory_allocated	= &tquic_memory_allocated,
	.per_cpu_fw_alloc	= &tquic_memory_per_cpu_fw_alloc,
	.memory_pressure	= &tquic_memory_pressure,
	.enter_memory_pressure	= tquic_enter_memory_pressure,
	.sysctl_mem		= tquic_mem,
	.sysctl_wmem		= tquic_wmem,
	.sysctl_rmem		= tquic_rmem,
};

struct proto tquicv6_prot;

static const struct proto_ops tquic_ops = {
	.family		= PF_INET,
	.owner		= THIS_MODULE,
	.release	= inet_release,
	.bind		= inet_bind,
	.connect	= tquic_ops_connect,
	.socketpair	= sock_no_socketpair,
	.accept		= inet_accept,
	.getname	= tquic_ops_getname,
	.poll		= tquic_ops_poll,
	.ioctl		= inet_ioctl,
	.gettstamp	= sock_gettstamp,
	.listen		= tquic_ops_listen,
	.shutdown	= tquic_ops_shutdown,
	.setsockopt	= sock_common_setsockopt,
	.getsockopt	= sock_common_getsockopt,
	.sendmsg	= tquic_ops_sendmsg,
	.recvmsg	= tquic_ops_recvmsg,
	.mmap		= sock_no_mmap,
};

static struct proto_ops tquicv6_ops;

static struct inet_protosw tquic_protosw[] = {
	{
		.type		= SOCK_STREAM,
		.protocol	= IPPROTO_TQUIC,
		.prot		= &tquic_prot,
		.ops		= &tquic_ops,
	},
	{
		.type		= SOCK_DGRAM,
		.protocol	= IPPROTO_TQUIC,
		.prot		= &tquic_prot,
		.ops		= &tquic_ops,
	},
};

static struct inet_protosw tquicv6_protosw[] = {
	{
		.type		= SOCK_STREAM,
		.protocol	= IPPROTO_TQUIC,
		.prot		= &tquicv6_prot,
		.ops		= &tquicv6_ops,
	},
	{
		.type		= SOCK_DGRAM,
		.protocol	= IPPROTO_TQUIC,
		.prot		= &tquicv6_prot,
		.ops		= &tquicv6_ops,
	},
};

/* The IPv6 side differs in its name, its object and three calls */
static void tquic_proto_v6_setup(void)
{
	tquicv6_prot = tquic_prot;
	strscpy(tquicv6_prot.name, "TQUICv6");
	tquicv6_prot.obj_size = sizeof(struct tquic6_sock);
	tquicv6_prot.ipv6_pinfo_offset = offsetof(struct tquic6_sock, inet6);

	tquicv6_ops = tquic_ops;
	tquicv6_ops.family = PF_INET6;
	tquicv6_ops.release = inet6_release;
	tquicv6_ops.bind = inet6_bind;
	tquicv6_ops.ioctl = inet6_ioctl;
}

/**
 * tquic_proto_init() - offer protocol 253 to socket()
 *
 * Return: 0 or what registration says.
 */
int tquic_proto_init(void)
{
	unsigned long limit = nr_free_buffer_pages() / 8;
	unsigned int i;
	int ret;

	limit = max(limit, 128UL);
	tquic_mem[0] = limit / 4 * 3;
	tquic_mem[1] = limit;
	tquic_mem[2] = tquic_mem[0] * 2;
	tquic_proto_v6_setup();
	tquic_mem_header = register_net_sysctl_sz(&init_net, TQUIC_SYSCTL_PATH, tquic_mem_table,
						  ARRAY_SIZE(tquic_mem_table));
	if (IS_ENABLED(CONFIG_SYSCTL) && !tquic_mem_header)
		return -ENOMEM;
	ret = percpu_counter_init(&tquic_sockets_allocated, 0, GFP_KERNEL);
	if (ret)
		goto err_sysctl;
	ret = proto_register(&tquic_prot, 1);
	if (ret)
		goto err_counter;
	ret = proto_register(&tquicv6_prot, 1);
	if (ret)
		goto err_v4;
	ret = tquic_stream_init();
	if (ret)
		goto err_v6;
	for (i = 0; i < ARRAY_SIZE(tquic_protosw); i++)
		inet_register_protosw(&tquic_protosw[i]);
	for (i = 0; i < ARRAY_SIZE(tquicv6_protosw); i++) {
		ret = inet6_register_protosw(&tquicv6_protosw[i]);
		if (ret)
			goto err_protosw;
	}
	return 0;

err_protosw:
	while (i--)
		inet6_unregister_protosw(&tquicv6_protosw[i]);
	for (i = 0; i < ARRAY_SIZE(tquic_protosw); i++)
		inet_unregister_protosw(&tquic_protosw[i]);
	tquic_stream_exit();
err_v6:
	proto_unregister(&tquicv6_prot);
err_v4:
	proto_unregister(&tquic_prot);
err_counter:
	percpu_counter_destroy(&tquic_sockets_allocated);
err_sysctl:
	unregister_net_sysctl_table(tquic_mem_header);
	return ret;
}

/* No socket is left: each holds the module */
void tquic_proto_exit(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tquicv6_protosw); i++)
		inet6_unregister_protosw(&tquicv6_protosw[i]);
	for (i = 0; i < ARRAY_SIZE(tquic_protosw); i++)
		inet_unregister_protosw(&tquic_protosw[i]);
	tquic_stream_exit();
	proto_unregister(&tquicv6_prot);
	proto_unregister(&tquic_prot);
	percpu_counter_destroy(&tquic_sockets_allocated);
	unregister_net_sysctl_table(tquic_mem_header);
}
