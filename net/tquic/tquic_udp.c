// SPDX-License-Identifier: GPL-2.0
/* UDP sockets that carry QUIC packets: receive, send, ICMP errors. */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/security.h>
#include <linux/slab.h>
#include <net/inet_dscp.h>
#include <net/inet_ecn.h>
#include <net/ip.h>
#include <net/ip6_checksum.h>
#include <net/ip6_route.h>
#include <net/ipv6.h>
#include <net/lwtunnel.h>
#include <net/route.h>
#include <net/udp.h>
#include <net/xfrm.h>
#include "tquic_cgroup.h"
#include "tquic_net.h"
#include "tquic_sysctl.h"
#include "tquic_udp.h"

/* Any value but 0 makes the kernel's UDP call encap_err_rcv. */
#define TQUIC_UDP_ENCAP_TYPE	253

#define TQUIC_UDP_SEND_MAX_BYTES	65535

/**
 * tquic_skb_addrs() - addresses of a received datagram
 * @skb: as given to tquic_udp_ops.rx
 * @local: where it was sent to
 * @peer: where it came from
 */
void tquic_skb_addrs(const struct sk_buff *skb, struct tquic_addr *local,
		     struct tquic_addr *peer)
{
	int ifindex = TQUIC_SKB_CB(skb)->ifindex;
	const struct udphdr *uh = udp_hdr(skb);

	if (skb->protocol == htons(ETH_P_IP)) {
		tquic_addr_set_v4(local, ip_hdr(skb)->daddr, uh->dest);
		tquic_addr_set_v4(peer, ip_hdr(skb)->saddr, uh->source);
		return;
	}
	tquic_addr_set_v6(local, &ipv6_hdr(skb)->daddr, uh->dest, ifindex);
	tquic_addr_set_v6(peer, &ipv6_hdr(skb)->saddr, uh->source, ifindex);
}

static u8 tquic_udp_ecn(const struct sk_buff *skb)
{
	if (skb->protocol == htons(ETH_P_IP))
		return ip_hdr(skb)->tos & INET_ECN_MASK;
	return ipv6_get_dsfield(ipv6_hdr(skb)) & INET_ECN_MASK;
}

/* RFC 9000 asks for unicast on both sides; a reply needs a port to go to. */
static bool tquic_udp_is_unicast(const struct sk_buff *skb)
{
	return skb->pkt_type == PACKET_HOST && udp_hdr(skb)->source;
}

/* A linear datagram of its own for bytes [off, off + len) of a GRO skb. */
static struct sk_buff *tquic_udp_window(const struct sk_buff *skb, u32 off, u32 len)
{
	u32 hdr_len = -skb_network_offset(skb);
	struct sk_buff *seg;

	seg = alloc_skb(hdr_len + len, GFP_ATOMIC);
	if (!seg)
		return NULL;
	skb_reserve(seg, hdr_len);
	memcpy(seg->data - hdr_len, skb->data - hdr_len, hdr_len);
	skb_set_network_header(seg, -(int)hdr_len);
	skb_set_transport_header(seg, -(int)sizeof(struct udphdr));
	if (skb_copy_bits(skb, off, skb_put(seg, len), len)) {
		kfree_skb(seg);
		return NULL;
	}
	seg->protocol = skb->protocol;
	seg->tstamp = skb->tstamp;
	seg->mark = skb->mark;
	*TQUIC_SKB_CB(seg) = *TQUIC_SKB_CB(skb);
	return seg;
}

static void tquic_udp_rx_batch(struct tquic_net *tn, struct tquic_udp *udp,
			       struct sk_buff *skb, struct tquic_udp_burst *burst)
{
	u32 size = skb_shinfo(skb)->gso_size;
	u32 dgrams = 0;
	u32 off;

	/* more than GRO makes: from a guest's device that invents sizes */
	if (skb->len > size * UDP_MAX_SEGMENTS) {
		TQUIC_INC(tn, RX_TOO_SHORT);
		kfree_skb(skb);
		return;
	}
	for (off = 0; off < skb->len; off += size, dgrams++) {
		u32 len = min(size, skb->len - off);
		struct sk_buff *seg;

		seg = tquic_udp_window(skb, off, len);
		if (!seg) {
			TQUIC_INC(tn, RX_NO_MEM);
			continue;
		}
		tn->udp_ops->rx(tn, udp, seg, burst);
	}
	TQUIC_INC(tn, RX_GRO);
	TQUIC_ADD(tn, RX_DGRAMS, dgrams);
	consume_skb(skb);
}

static void tquic_udp_rx_one(struct tquic_net *tn, struct tquic_udp *udp,
			     struct sk_buff *skb, struct tquic_udp_burst *burst)
{
	TQUIC_INC(tn, RX_DGRAMS);
	skb = skb_unshare(skb, GFP_ATOMIC);
	if (!skb) {
		TQUIC_INC(tn, RX_NO_MEM);
		return;
	}
	if (skb_linearize(skb)) {
		TQUIC_INC(tn, RX_NO_MEM);
		kfree_skb(skb);
		return;
	}
	tn->udp_ops->rx(tn, udp, skb, burst);
}

/* Each datagram tells how many the socket's full buffer had cost before it. */
static void tquic_udp_count_drops(struct tquic_udp *udp, u32 drops)
{
	u32 seen = READ_ONCE(udp->drops_seen);

	while ((s32)(drops - seen) > 0) {
		if (try_cmpxchg(&udp->drops_seen, &seen, drops)) {
			TQUIC_ADD(udp->tn, RX_RCVBUF_ERR, drops - seen);
			return;
		}
	}
}

static void tquic_udp_rx(struct tquic_net *tn, struct tquic_udp *udp, struct sk_buff *skb,
			 struct tquic_udp_burst *burst)
{
	/* the queue kept its own notes in these */
	skb->dev = NULL;
	skb_dst_drop(skb);
	skb_orphan(skb);
	tquic_udp_count_drops(udp, SOCK_SKB_CB(skb)->dropcount);

	if (udp_lib_checksum_complete(skb)) {
		TQUIC_INC(tn, RX_CSUM_ERR);
		goto drop;
	}
	if (!tquic_udp_is_unicast(skb)) {
		TQUIC_INC(tn, RX_NOT_UNICAST);
		goto drop;
	}
	TQUIC_ADD(tn, RX_BYTES, skb->len);
	memset(skb->cb, 0, sizeof(skb->cb));
	TQUIC_SKB_CB(skb)->ifindex = skb->skb_iif;
	TQUIC_SKB_CB(skb)->ecn = tquic_udp_ecn(skb);
	if (skb_is_gso(skb))
		tquic_udp_rx_batch(tn, udp, skb, burst);
	else
		tquic_udp_rx_one(tn, udp, skb, burst);
	return;

drop:
	kfree_skb(skb);
}

/*
 * An encap_rcv would see every GRO batch taken apart again, so datagrams are
 * fetched from the queue of an ordinary socket right when they are put there.
 */
static void tquic_udp_data_ready(struct sock *sk)
{
	struct tquic_udp_burst burst = {};
	struct tquic_udp *udp;
	struct sk_buff *skb;
	int err;

	local_bh_disable();
	rcu_read_lock();
	udp = rcu_dereference_sk_user_data(sk);
	while (udp) {
		skb = skb_recv_udp(sk, MSG_DONTWAIT, &err);
		if (skb)
			tquic_udp_rx(udp->tn, udp, skb, &burst);
		else if (skb_queue_empty_lockless(&sk->sk_receive_queue))
			break;
	}
	if (udp)
		udp->tn->udp_ops->rx_end(&burst);
	rcu_read_unlock();
	local_bh_enable();
}

static void tquic_udp_err_v4(const struct sk_buff *skb, const struct udphdr *uh, u32 info,
			     struct tquic_udp_err *e)
{
	const struct iphdr *iph = (const struct iphdr *)skb->data;

	tquic_addr_set_v4(&e->local, iph->saddr, uh->source);
	tquic_addr_set_v4(&e->peer, iph->daddr, uh->dest);
	e->type = icmp_hdr(skb)->type;
	e->code = icmp_hdr(skb)->code;
	if (e->type == ICMP_DEST_UNREACH && e->code == ICMP_FRAG_NEEDED)
		e->mtu_bytes = info;
}

static void tquic_udp_err_v6(const struct sk_buff *skb, const struct udphdr *uh, u32 info,
			     struct tquic_udp_err *e)
{
	const struct ipv6hdr *iph = (const struct ipv6hdr *)skb->data;

	tquic_addr_set_v6(&e->local, &iph->saddr, uh->source, skb->skb_iif);
	tquic_addr_set_v6(&e->peer, &iph->daddr, uh->dest, skb->skb_iif);
	e->type = icmp6_hdr(skb)->icmp6_type;
	e->code = icmp6_hdr(skb)->icmp6_code;
	if (e->type == ICMPV6_PKT_TOOBIG)
		e->mtu_bytes = info;
}

/* skb->data is the quoted IP header; the quoted UDP header is linear too. */
static void tquic_udp_err_rcv(struct sock *sk, struct sk_buff *skb, int err, __be16 port,
			      u32 info, u8 *payload)
{
	const struct udphdr *uh = (const struct udphdr *)payload - 1;
	struct tquic_udp_err e = { .err = err, .payload = payload };
	struct tquic_udp *udp;
	struct tquic_net *tn;

	e.payload_len = max_t(int, skb_tail_pointer(skb) - payload, 0);
	if (skb->protocol == htons(ETH_P_IP))
		tquic_udp_err_v4(skb, uh, info, &e);
	else
		tquic_udp_err_v6(skb, uh, info, &e);

	rcu_read_lock();
	udp = rcu_dereference_sk_user_data(sk);
	if (udp) {
		tn = udp->tn;
		if (e.mtu_bytes)
			TQUIC_INC(tn, ICMP_TOO_BIG);
		else if (err == ECONNREFUSED || err == EHOSTUNREACH || err == ENETUNREACH)
			TQUIC_INC(tn, ICMP_UNREACH);
		else
			TQUIC_INC(tn, ICMP_OTHER);
		tn->udp_ops->err(tn, udp, &e);
	}
	rcu_read_unlock();
}

/*
 * Everything that has to be in place before the first datagram can come.  It stays in the
 * queue until the socket has its user data: bind() may fail when the port is known already.
 */
static int tquic_udp_sock_setup(struct tquic_udp *udp)
{
	struct socket *sock = udp->sock;
	struct sock *sk = sock->sk;
	int zero = 0;
	int one = 1;
	int err;

	/* the queue is read in softirq; fails only where there is no such poll */
	sock_setsockopt(sock, SOL_SOCKET, SO_BUSY_POLL, KERNEL_SOCKPTR(&zero), sizeof(zero));
	err = READ_ONCE(sock->ops)->setsockopt(sock, SOL_UDP, UDP_GRO, KERNEL_SOCKPTR(&one),
					       sizeof(one));
	if (err)
		return err;
	if (udp->ifindex) {
		err = sock_bindtoindex(sk, udp->ifindex, true);
		if (err)
			return err;
	}

	lock_sock(sk);
	/* we set DF ourselves and look after the MTU, see tquic_udp_mtu_v4() */
	WRITE_ONCE(inet_sk(sk)->pmtudisc, IP_PMTUDISC_INTERFACE);
	if (udp->local.sa.sa_family == AF_INET6) {
		WRITE_ONCE(inet6_sk(sk)->pmtudisc, IPV6_PMTUDISC_PROBE);
		sk->sk_ipv6only = udp->v6only;
	}
	sock_set_flag(sk, SOCK_RXQ_OVFL);
	/* datagrams are taken off the queue as they come, so the buffer bounds
	 * what the CPUs have in their hands at one time
	 */
	sk->sk_userlocks |= SOCK_RCVBUF_LOCK;
	WRITE_ONCE(sk->sk_rcvbuf, TQUIC_SYSCTL(udp->tn, udp_rcvbuf_bytes));
	udp_sk(sk)->encap_err_rcv = tquic_udp_err_rcv;
	WRITE_ONCE(udp_sk(sk)->encap_type, TQUIC_UDP_ENCAP_TYPE);
	WRITE_ONCE(sk->sk_data_ready, tquic_udp_data_ready);
	release_sock(sk);
	return 0;
}

static struct tquic_udp *tquic_udp_create(struct tquic_net *tn,
					  const struct tquic_addr *local, int ifindex,
					  bool v6only)
{
	struct tquic_addr addr = *local;
	struct tquic_udp *udp;
	int err;

	udp = kzalloc(sizeof(*udp), GFP_KERNEL);
	if (!udp)
		return ERR_PTR(-ENOMEM);
	refcount_set(&udp->refs, 1);
	udp->tn = tn;
	udp->local = *local;
	udp->uid = current_fsuid();
	udp->ifindex = ifindex;
	udp->v6only = v6only;
	udp->ephemeral = !tquic_addr_port(local);

	err = sock_create_kern(tn->net, local->sa.sa_family, SOCK_DGRAM, IPPROTO_UDP,
			       &udp->sock);
	if (err)
		goto err_free;
	tquic_cgroup_leave(udp->sock->sk);
	err = tquic_udp_sock_setup(udp);
	if (!err)
		err = kernel_bind(udp->sock, (struct sockaddr_unsized *)&addr,
				  tquic_addr_len(&addr));
	if (err)
		goto err_sock;
	tquic_addr_set_port(&udp->local, inet_sk(udp->sock->sk)->inet_sport);
	rcu_assign_sk_user_data(udp->sock->sk, udp);
	tquic_udp_data_ready(udp->sock->sk);
	return udp;

err_sock:
	sock_release(udp->sock);
err_free:
	kfree(udp);
	return ERR_PTR(err);
}

/* Take a socket out of service; it is freed after a grace period. */
static void __tquic_udp_close(struct tquic_udp *udp, struct list_head *closed)
{
	struct sock *sk = udp->sock->sk;

	lockdep_assert_held(&udp->tn->udp_lock);
	udp->tn->udp_ephemeral -= udp->ephemeral;
	rcu_assign_sk_user_data(sk, NULL);
	sock_release(udp->sock);
	list_move(&udp->node, closed);
}

static void tquic_udp_free_closed(struct list_head *closed)
{
	struct tquic_udp *udp, *next;

	if (list_empty(closed))
		return;
	/* callbacks may still run in other CPUs' softirqs */
	synchronize_rcu();
	list_for_each_entry_safe(udp, next, closed, node)
		kfree(udp);
}

static void tquic_udp_gc(struct work_struct *work)
{
	struct tquic_net *tn = container_of(work, struct tquic_net, udp_gc);
	struct tquic_udp *udp, *next;
	LIST_HEAD(closed);

	mutex_lock(&tn->udp_lock);
	list_for_each_entry_safe(udp, next, &tn->udps, node)
		if (!refcount_read(&udp->refs))
			__tquic_udp_close(udp, &closed);
	mutex_unlock(&tn->udp_lock);
	tquic_udp_free_closed(&closed);
}

/* A socket that waits for the worker is brought back to life. */
static struct tquic_udp *__tquic_udp_reuse(struct tquic_udp *udp)
{
	lockdep_assert_held(&udp->tn->udp_lock);
	if (!refcount_inc_not_zero(&udp->refs)) {
		refcount_set(&udp->refs, 1);
		udp->uid = current_fsuid();
	}
	return udp;
}

/* As with SO_REUSEPORT a user's port is not another's, who could listen there one day. */
static bool tquic_udp_may_share(const struct tquic_udp *udp)
{
	return !refcount_read(&udp->refs) || uid_eq(udp->uid, current_fsuid()) ||
	       ns_capable(udp->tn->net->user_ns, CAP_NET_ADMIN);
}

static struct tquic_udp *__tquic_udp_find(struct tquic_net *tn,
					  const struct tquic_addr *local, int ifindex,
					  bool v6only)
{
	bool any_port = !tquic_addr_port(local);
	struct tquic_udp *udp;

	lockdep_assert_held(&tn->udp_lock);
	list_for_each_entry(udp, &tn->udps, node) {
		if (udp->ifindex != ifindex || udp->v6only != v6only ||
		    !tquic_addr_equal_ip(&udp->local, local))
			continue;
		if (any_port ? udp->ephemeral :
			       tquic_addr_port(&udp->local) == tquic_addr_port(local))
			return udp;
	}
	return NULL;
}

/* The kernel checks this for the first user of a port only. */
static bool tquic_udp_port_allowed(struct net *net, __be16 port)
{
	return !port || !inet_port_requires_bind_service(net, ntohs(port)) ||
	       ns_capable(net->user_ns, CAP_NET_BIND_SERVICE);
}

static struct tquic_udp *__tquic_udp_get(struct tquic_net *tn,
					 const struct tquic_addr *local, int ifindex,
					 bool v6only)
{
	bool any_port = !tquic_addr_port(local);
	struct tquic_udp *udp = NULL;
	struct tquic_udp *created;

	lockdep_assert_held(&tn->udp_lock);
	if (!any_port || tn->udp_ephemeral >= TQUIC_SYSCTL(tn, udp_ephemeral_max))
		udp = __tquic_udp_find(tn, local, ifindex, v6only);
	if (!udp) {
		created = tquic_udp_create(tn, local, ifindex, v6only);
		if (!IS_ERR(created)) {
			tn->udp_ephemeral += created->ephemeral;
			list_add_tail(&created->node, &tn->udps);
			return created;
		}
		if (!any_port || PTR_ERR(created) != -EADDRINUSE)
			return created;
		/* all ports are taken */
		udp = __tquic_udp_find(tn, local, ifindex, v6only);
		if (!udp)
			return created;
	}
	if (!any_port && !tquic_udp_may_share(udp))
		return ERR_PTR(-EADDRINUSE);
	/* the next one who shares gets another */
	list_move_tail(&udp->node, &tn->udps);
	return __tquic_udp_reuse(udp);
}

/**
 * tquic_udp_get() - a socket bound to an address and port
 * @net: namespace; the socket holds no reference on it
 * @local: address, maybe the wildcard, and port. Port 0: one that the kernel
 *	chooses, shared only when there are net.tquic.udp_ephemeral_max already.
 *	A wildcard IPv6 address takes IPv4 too, unless %TQUIC_UDP_V6ONLY
 * @ifindex: device to be bound to, or 0
 * @flags: TQUIC_UDP_*
 *
 * Context: process, may sleep. A socket lock of ours may be held.
 * Return: the socket with a reference; udp->local tells where it is bound. Or
 *	an ERR_PTR: -EADDRINUSE, -EADDRNOTAVAIL, -EACCES, -ENODEV, -ENOMEM, ...
 */
struct tquic_udp *tquic_udp_get(struct net *net, const struct tquic_addr *local,
				int ifindex, unsigned int flags)
{
	struct tquic_net *tn = tquic_pernet(net);
	struct tquic_addr addr = *local;
	struct tquic_udp *udp;
	bool v6only = false;

	if (addr.sa.sa_family == AF_INET6) {
		v6only = !tquic_addr_is_any(&addr) || (flags & TQUIC_UDP_V6ONLY);
		if (!ifindex)
			ifindex = addr.v6.sin6_scope_id;
	} else if (addr.sa.sa_family != AF_INET) {
		return ERR_PTR(-EAFNOSUPPORT);
	}
	if (!tquic_udp_port_allowed(net, tquic_addr_port(&addr)))
		return ERR_PTR(-EACCES);

	mutex_lock(&tn->udp_lock);
	udp = __tquic_udp_get(tn, &addr, ifindex, v6only);
	mutex_unlock(&tn->udp_lock);
	return udp;
}

/**
 * tquic_udp_put() - give back a reference
 * @udp: socket
 *
 * Context: any.
 */
void tquic_udp_put(struct tquic_udp *udp)
{
	struct tquic_net *tn = udp->tn;

	if (refcount_dec_and_test(&udp->refs))
		schedule_work(&tn->udp_gc);
}

/**
 * tquic_udp_net_init() - UDP part of a new namespace
 * @tn: namespace
 * @ops: who takes what is received
 */
void tquic_udp_net_init(struct tquic_net *tn, const struct tquic_udp_ops *ops)
{
	BUILD_BUG_ON(sizeof(struct tquic_skb_cb) > sizeof_field(struct sk_buff, cb));

	tn->udp_ops = ops;
	mutex_init(&tn->udp_lock);
	INIT_LIST_HEAD(&tn->udps);
	INIT_WORK(&tn->udp_gc, tquic_udp_gc);
}

/**
 * tquic_udp_net_exit() - close the sockets of a namespace
 * @tn: namespace; every tquic_udp_put() has returned
 *
 * When it returns no callback runs any more.
 *
 * Context: process, may sleep.
 */
void tquic_udp_net_exit(struct tquic_net *tn)
{
	struct tquic_udp *udp, *next;
	LIST_HEAD(closed);

	cancel_work_sync(&tn->udp_gc);
	mutex_lock(&tn->udp_lock);
	list_for_each_entry_safe(udp, next, &tn->udps, node)
		__tquic_udp_close(udp, &closed);
	mutex_unlock(&tn->udp_lock);
	tquic_udp_free_closed(&closed);
}

/**
 * tquic_udp_route_release() - drop the cached route
 * @rt: route; may be used again
 */
void tquic_udp_route_release(struct tquic_route *rt)
{
	dst_release(rt->dst);
	rt->dst = NULL;
}

/*
 * What the device or the administrator's route says. The routing cache also
 * believes any "fragmentation needed" that comes along: such reports reach the
 * engine, which checks the packet they quote (RFC 9000 §14.2.1).
 */
static u32 tquic_udp_mtu_v4(const struct dst_entry *dst)
{
	u32 mtu;

	if (dst_xfrm(dst))
		return dst_mtu(dst);
	mtu = min3(dst_metric_raw(dst, RTAX_MTU) ?: U32_MAX, READ_ONCE(dst_dev(dst)->mtu),
		   IP_MAX_MTU);
	return mtu - lwtunnel_headroom(dst->lwtstate, mtu);
}

/* DSCP of a route's packets: what their owner has set for their family */
static u8 tquic_udp_tclass(const struct tquic_route *rt)
{
	const struct ipv6_pinfo *np;

	if (!rt->sk)
		return 0;
	np = rt->peer.sa.sa_family == AF_INET6 ? inet6_sk(rt->sk) : NULL;
	return (np ? READ_ONCE(np->tclass) : READ_ONCE(inet_sk(rt->sk)->tos)) &
	       ~INET_ECN_MASK;
}

/* What the socket says, or the route; IPv6 paths of an IPv4 socket know the route's only */
static u8 tquic_udp_hops(const struct tquic_route *rt)
{
	bool v4 = rt->peer.sa.sa_family == AF_INET;
	const struct ipv6_pinfo *np;
	int hops = -1;

	if (rt->sk && v4) {
		hops = READ_ONCE(inet_sk(rt->sk)->uc_ttl);
	} else if (rt->sk) {
		np = inet6_sk(rt->sk);
		hops = np ? READ_ONCE(np->hop_limit) : -1;
	}
	if (hops >= 0)
		return hops;
	return v4 ? ip4_dst_hoplimit(rt->dst) : ip6_dst_hoplimit(rt->dst);
}

static u32 tquic_udp_mark(const struct tquic_route *rt)
{
	return rt->sk ? READ_ONCE(rt->sk->sk_mark) : 0;
}

static int tquic_udp_route_v4(struct tquic_udp *udp, struct tquic_route *rt)
{
	const struct sock *sk = rt->sk ?: udp->sock->sk;
	struct flowi4 fl4 = {
		.flowi4_oif = udp->ifindex ?: rt->ifindex,
		.flowi4_mark = rt->mark,
		.flowi4_proto = IPPROTO_UDP,
		.flowi4_dscp = inet_dsfield_to_dscp(rt->tclass),
		.flowi4_uid = sock_net_uid(udp->tn->net, rt->sk),
		.daddr = rt->peer.v4.sin_addr.s_addr,
		.saddr = rt->local.v4.sin_addr.s_addr,
		.fl4_dport = rt->peer.v4.sin_port,
		.fl4_sport = tquic_addr_port(&udp->local),
	};
	struct rtable *rth;

	security_sk_classify_flow(sk, flowi4_to_flowi_common(&fl4));
	rth = ip_route_output_flow(udp->tn->net, &fl4, sk);
	if (IS_ERR(rth))
		return PTR_ERR(rth) == -EINVAL ? -EADDRNOTAVAIL : PTR_ERR(rth);
	if (rth->rt_flags & (RTCF_BROADCAST | RTCF_MULTICAST)) {
		ip_rt_put(rth);
		return -ENETUNREACH;
	}
	tquic_addr_set_v4(&rt->local, fl4.saddr, tquic_addr_port(&udp->local));
	rt->dst = &rth->dst;
	rt->cookie = 0;
	rt->hdr_bytes = sizeof(struct iphdr) + sizeof(struct udphdr);
	rt->mtu_bytes = max(tquic_udp_mtu_v4(rt->dst), rt->hdr_bytes);
	return 0;
}

static int tquic_udp_route_v6(struct tquic_udp *udp, struct tquic_route *rt)
{
	/* an IPv4 socket may have IPv6 paths, and has no settings for them */
	const struct sock *sk = rt->sk && inet6_sk(rt->sk) ? rt->sk : udp->sock->sk;
	struct flowi6 fl6 = {
		.flowi6_oif = udp->ifindex ?: rt->ifindex ?: rt->peer.v6.sin6_scope_id,
		.flowi6_mark = rt->mark,
		.flowi6_proto = IPPROTO_UDP,
		.flowlabel = ip6_make_flowinfo(rt->tclass, 0),
		.flowi6_uid = sock_net_uid(udp->tn->net, rt->sk),
		.daddr = rt->peer.v6.sin6_addr,
		.saddr = rt->local.v6.sin6_addr,
		.fl6_dport = rt->peer.v6.sin6_port,
		.fl6_sport = tquic_addr_port(&udp->local),
	};
	struct net *net = udp->tn->net;
	struct dst_entry *dst;

	security_sk_classify_flow(sk, flowi6_to_flowi_common(&fl6));
	dst = ip6_dst_lookup_flow(net, sk, &fl6, NULL);
	if (IS_ERR(dst))
		return PTR_ERR(dst);
	tquic_addr_set_v6(&rt->local, &fl6.saddr, tquic_addr_port(&udp->local),
			  fl6.flowi6_oif);
	rt->dst = dst;
	rt->cookie = rt6_get_cookie(dst_rt6_info(dst));
	rt->hdr_bytes = sizeof(struct ipv6hdr) + sizeof(struct udphdr);
	rt->mtu_bytes = max_t(u32, dst_mtu(dst), IPV6_MIN_MTU);
	return 0;
}

/* May a packet of this family leave by this socket, and from which address? */
static int tquic_udp_route_source(const struct tquic_udp *udp, struct tquic_route *rt)
{
	int family = rt->peer.sa.sa_family;

	if (family != AF_INET && family != AF_INET6)
		return -EAFNOSUPPORT;
	if (tquic_addr_is_multicast(&rt->peer) || tquic_addr_is_any(&rt->peer) ||
	    !tquic_addr_port(&rt->peer))
		return -ENETUNREACH;
	if (udp->local.sa.sa_family != family &&
	    (udp->local.sa.sa_family != AF_INET6 || udp->v6only))
		return -EAFNOSUPPORT;
	if (!tquic_addr_is_any(&udp->local)) {
		rt->local = udp->local;
	} else if (tquic_addr_is_any(&rt->local)) {
		memset(&rt->local, 0, sizeof(rt->local));
		rt->local.sa.sa_family = family;
	}
	return rt->local.sa.sa_family == family ? 0 : -EAFNOSUPPORT;
}

/**
 * tquic_udp_route() - look up the way to a peer, anew
 * @udp: socket
 * @rt: in: sk, local, peer, ifindex; out: local, mtu_bytes, hdr_bytes and the
 *	cached route
 *
 * Context: process or softirq.
 * Return: 0, -EAFNOSUPPORT, -EADDRNOTAVAIL, -ENETUNREACH, -EHOSTUNREACH or
 *	what else the routing layer says.
 */
int tquic_udp_route(struct tquic_udp *udp, struct tquic_route *rt)
{
	int err;

	tquic_udp_route_release(rt);
	err = tquic_udp_route_source(udp, rt);
	if (err)
		return err;
	if (!rt->txhash)
		rt->txhash = get_random_u32() | 1;
	rt->mark = tquic_udp_mark(rt);
	rt->tclass = tquic_udp_tclass(rt);
	if (rt->peer.sa.sa_family == AF_INET)
		return tquic_udp_route_v4(udp, rt);
	if (!IS_ENABLED(CONFIG_IPV6))
		return -EAFNOSUPPORT;
	return tquic_udp_route_v6(udp, rt);
}

/* UDP header with everything a device or the GSO code fills the checksum in from. */
static void tquic_udp_push_header(struct sk_buff *skb, const struct tquic_udp *udp,
				  const struct tquic_route *rt)
{
	u32 len = skb->len + sizeof(struct udphdr);
	struct udphdr *uh;

	uh = skb_push(skb, sizeof(*uh));
	skb_reset_transport_header(skb);
	uh->source = tquic_addr_port(&udp->local);
	uh->dest = tquic_addr_port(&rt->peer);
	uh->len = htons(len);
	if (rt->peer.sa.sa_family == AF_INET)
		uh->check = ~udp_v4_check(len, rt->local.v4.sin_addr.s_addr,
					  rt->peer.v4.sin_addr.s_addr, 0);
	else
		uh->check = ~udp_v6_check(len, &rt->local.v6.sin6_addr,
					  &rt->peer.v6.sin6_addr, 0);
	skb->ip_summed = CHECKSUM_PARTIAL;
	skb->csum_start = skb_transport_header(skb) - skb->head;
	skb->csum_offset = offsetof(struct udphdr, check);
}

static int tquic_udp_xmit_v4(const struct tquic_udp *udp, const struct tquic_route *rt,
			     struct sk_buff *skb, u8 tos, u16 segs)
{
	struct sock *sk = skb->sk ?: udp->sock->sk;
	struct net *net = udp->tn->net;
	struct iphdr *iph;

	iph = skb_push(skb, sizeof(*iph));
	skb_reset_network_header(skb);
	iph->version = 4;
	iph->ihl = sizeof(*iph) / 4;
	iph->tos = tos;
	iph->frag_off = htons(IP_DF);
	iph->ttl = tquic_udp_hops(rt);
	iph->protocol = IPPROTO_UDP;
	iph->saddr = rt->local.v4.sin_addr.s_addr;
	iph->daddr = rt->peer.v4.sin_addr.s_addr;
	ip_select_ident_segs(net, skb, sk, segs);
	return ip_local_out(net, sk, skb);
}

static int tquic_udp_xmit_v6(const struct tquic_udp *udp, const struct tquic_route *rt,
			     struct sk_buff *skb, u8 tclass)
{
	struct net *net = udp->tn->net;
	struct ipv6hdr *iph;

	iph = skb_push(skb, sizeof(*iph));
	skb_reset_network_header(skb);
	/* the flow label comes from the packet hash set above */
	ip6_flow_hdr(iph, tclass, ip6_make_flowlabel(net, skb, 0, true, NULL));
	iph->nexthdr = IPPROTO_UDP;
	iph->hop_limit = tquic_udp_hops(rt);
	iph->saddr = rt->local.v6.sin6_addr;
	iph->daddr = rt->peer.v6.sin6_addr;
	return ip6_local_out(net, skb->sk ?: udp->sock->sk, skb);
}

/* Headers and out; the route is valid and the packet fits it. */
static int __tquic_udp_xmit(const struct tquic_udp *udp, const struct tquic_route *rt,
			    struct sk_buff *skb, u8 tclass, u16 gso_size)
{
	struct dst_entry *dst = rt->dst;
	u16 segs = 1;
	int err;

	err = skb_cow_head(skb, LL_RESERVED_SPACE(dst_dev(dst)) + dst->header_len +
			   rt->hdr_bytes);
	if (err) {
		kfree_skb(skb);
		return err;
	}
	if (gso_size) {
		segs = DIV_ROUND_UP(skb->len, gso_size);
		skb_shinfo(skb)->gso_size = gso_size;
		skb_shinfo(skb)->gso_segs = segs;
		skb_shinfo(skb)->gso_type = SKB_GSO_UDP_L4;
	}
	memset(skb->cb, 0, sizeof(skb->cb));
	skb_dst_set_noref(skb, dst);
	skb->ignore_df = 0;
	/* what the socket has said, and the programs of its cgroup, see the packet as its own */
	if (rt->sk) {
		skb_set_owner_w(skb, rt->sk);
		skb->priority = READ_ONCE(rt->sk->sk_priority);
	}
	skb->mark = rt->mark;
	__skb_set_sw_hash(skb, rt->txhash, true);
	tquic_udp_push_header(skb, udp, rt);
	if (rt->peer.sa.sa_family == AF_INET)
		err = tquic_udp_xmit_v4(udp, rt, skb, tclass, segs);
	else if (IS_ENABLED(CONFIG_IPV6))
		err = tquic_udp_xmit_v6(udp, rt, skb, tclass);
	return err > 0 ? net_xmit_errno(err) : err;
}

/* IPsec does not take UDP GSO batches: send their segments one by one. */
static int tquic_udp_xmit_split(const struct tquic_udp *udp, const struct tquic_route *rt,
				struct sk_buff *skb, u8 tclass, u16 gso_size)
{
	struct sk_buff *seg;
	int err = 0;
	u32 off, len;

	for (off = 0; off < skb->len && !err; off += gso_size) {
		len = min_t(u32, gso_size, skb->len - off);
		seg = alloc_skb(TQUIC_UDP_HEADROOM + len, GFP_ATOMIC);
		if (!seg) {
			err = -ENOBUFS;
			break;
		}
		skb_reserve(seg, TQUIC_UDP_HEADROOM);
		err = skb_copy_bits(skb, off, skb_put(seg, len), len);
		if (err) {
			kfree_skb(seg);
			break;
		}
		err = __tquic_udp_xmit(udp, rt, seg, tclass, 0);
	}
	consume_skb(skb);
	return err;
}

static int tquic_udp_xmit_check(struct tquic_udp *udp, struct tquic_route *rt,
				const struct sk_buff *skb, u16 gso_size)
{
	u32 dgram = gso_size ?: skb->len;
	int err;

	if (!rt->dst || !dst_check(rt->dst, rt->cookie) || rt->mark != tquic_udp_mark(rt) ||
	    rt->tclass != tquic_udp_tclass(rt)) {
		err = tquic_udp_route(udp, rt);
		if (err) {
			TQUIC_INC(udp->tn, TX_NO_ROUTE);
			return err;
		}
	}
	if (dgram + rt->hdr_bytes > rt->mtu_bytes ||
	    skb->len + rt->hdr_bytes > TQUIC_UDP_SEND_MAX_BYTES) {
		TQUIC_INC(udp->tn, TX_TOO_BIG);
		return -EMSGSIZE;
	}
	if (gso_size && DIV_ROUND_UP(skb->len, gso_size) > TQUIC_UDP_GSO_SEGS_MAX)
		return -EINVAL;
	return 0;
}

/**
 * tquic_udp_xmit() - send one datagram, or a batch of equal ones
 * @udp: socket
 * @rt: where to; looked up again when the cached route is stale, which may
 *	change rt->mtu_bytes
 * @skb: payload, with %TQUIC_UDP_HEADROOM in front; always consumed. It is the
 *	route's socket's until it has left the host
 * @ecn: ECN bits, INET_ECN_*
 * @gso_size: bytes of each datagram but the last of a batch, 0 for a single one
 *
 * Context: softirq, or process with BH disabled. @rt is serialised.
 * Return: 0, -EMSGSIZE if it is larger than rt->mtu_bytes now is, -ENOBUFS if a
 *	queue dropped it, -EPERM if a filter did, -ENOMEM, or the errors of
 *	tquic_udp_route().
 */
int tquic_udp_xmit(struct tquic_udp *udp, struct tquic_route *rt, struct sk_buff *skb,
		   u8 ecn, u16 gso_size)
{
	struct tquic_net *tn = udp->tn;
	u32 bytes = skb->len;
	int err;

	if (gso_size >= bytes)
		gso_size = 0;
	rcu_read_lock();
	err = tquic_udp_xmit_check(udp, rt, skb, gso_size);
	if (err)
		kfree_skb(skb);
	else if (gso_size && dst_xfrm(rt->dst))
		err = tquic_udp_xmit_split(udp, rt, skb, rt->tclass | ecn, gso_size);
	else
		err = __tquic_udp_xmit(udp, rt, skb, rt->tclass | ecn, gso_size);
	rcu_read_unlock();

	if (err) {
		TQUIC_INC(tn, TX_ERR);
		return err;
	}
	if (gso_size)
		TQUIC_INC(tn, TX_GSO);
	TQUIC_ADD(tn, TX_DGRAMS, gso_size ? DIV_ROUND_UP(bytes, gso_size) : 1);
	TQUIC_ADD(tn, TX_BYTES, bytes);
	return 0;
}
