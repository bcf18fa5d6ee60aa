// SPDX-License-Identifier: GPL-2.0
/* Paths on the ground: UDP sockets, addresses, routes */
#include <linux/capability.h>
#include <linux/inetdevice.h>
#include <linux/ipv6.h>
#include <linux/netdevice.h>
#include <linux/slab.h>
#include <net/addrconf.h>
#include <net/l3mdev.h>
#include "core/migrate.h"
#include "tquic_sock.h"

static struct tquic_link *tquic_link_alloc(struct sock *sk, struct tquic_udp *udp,
					   const struct tquic_addr *local,
					   const struct tquic_addr *peer,
					   int ifindex, gfp_t gfp)
{
	struct tquic_link *link = kzalloc(sizeof(*link), gfp);

	if (!link)
		return NULL;
	link->udp = udp;
	link->route.sk = sk;
	link->route.local = *local;
	link->route.peer = *peer;
	link->route.ifindex = ifindex;
	return link;
}

/**
 * tquic_link_has_addr() - is an address one of this host's
 * @net: namespace
 * @addr: address; link-local ones with their scope
 *
 * Whether its interface is up does not matter, nor whether a new IPv6 address
 * is still under test for duplicates: nothing tells of the end of that.
 *
 * Context: any.
 * Return: true if it is.
 */
bool tquic_link_has_addr(struct net *net, const struct tquic_addr *addr)
{
	struct net_device *dev = NULL;
	bool has = false;

	rcu_read_lock();
	if (tquic_addr_family(addr) == AF_INET) {
		has = __ip_dev_find(net, addr->v4.sin_addr.s_addr, false);
	} else if (IS_ENABLED(CONFIG_IPV6)) {
		if (addr->v6.sin6_scope_id)
			dev = dev_get_by_index_rcu(net, addr->v6.sin6_scope_id);
		has = ipv6_chk_addr_and_flags(net, &addr->v6.sin6_addr, dev,
					      !dev, 0, 0);
	}
	rcu_read_unlock();
	return has;
}

/**
 * tquic_link_dev_works() - is a device up, and does it have a carrier
 * @net: namespace
 * @ifindex: which
 *
 * The carrier is there up to a second before its queues take packets; when they do
 * the operational state says so, and its change is told.
 *
 * Context: any.
 * Return: true if packets can leave by it.
 */
bool tquic_link_dev_works(struct net *net, int ifindex)
{
	struct net_device *dev;
	bool works;

	rcu_read_lock();
	dev = dev_get_by_index_rcu(net, ifindex);
	works = dev && netif_running(dev) && netif_carrier_ok(dev) && netif_oper_up(dev);
	rcu_read_unlock();
	return works;
}

/* An IPv4 address stays when its interface goes down, but nothing reaches it */
static bool tquic_link_addr_reached(struct net *net, const struct tquic_addr *addr)
{
	struct net_device *dev;
	bool reached;

	if (tquic_addr_family(addr) != AF_INET)
		return tquic_link_has_addr(net, addr);
	rcu_read_lock();
	dev = __ip_dev_find(net, addr->v4.sin_addr.s_addr, false);
	reached = dev && netif_running(dev);
	rcu_read_unlock();
	return reached;
}

/* Are the interface and the address there?  No route may only mean "not yet". */
static bool tquic_link_works(const struct tquic_link *link)
{
	struct net *net = link->udp->tn->net;

	if (!tquic_addr_is_any(&link->route.local) &&
	    !tquic_link_addr_reached(net, &link->route.local))
		return false;
	return !link->oif || tquic_link_dev_works(net, link->oif);
}

/*
 * Look the route up and tell the engine what it carries.  Without one the device of the
 * last one counts.  Context: lock held, BH off
 */
static void tquic_link_route(struct sock *sk, struct tquic_path *path)
{
	struct tquic_link *link = path->link;

	if (tquic_udp_route(link->udp, &link->route))
		return;
	link->oif = dst_dev(link->route.dst)->ifindex;
	tquic_path_set_mtu(&tquic_sk(sk)->conn, path, tquic_udp_route_payload(&link->route));
}

/**
 * tquic_link_check() - interfaces or addresses changed: tell the engine
 * @sk: socket
 * @path: open path
 *
 * The caller calls tquic_sock_kick().
 *
 * Context: process, lock held.
 */
void tquic_link_check(struct sock *sk, struct tquic_path *path)
{
	struct tquic_conn *conn = &tquic_sk(sk)->conn;
	struct tquic_link *link = path->link;
	bool works;

	local_bh_disable();
	tquic_link_route(sk, path);
	local_bh_enable();
	works = tquic_link_works(link);
	if (works == link->works)
		return;
	link->works = works;
	if (works)
		tquic_path_link_up(conn, path, tquic_now_ns());
	else
		tquic_path_link_down(conn, path, tquic_now_ns());
}

/**
 * tquic_link_tuple() - key of a port of ours and an address of the peer
 * @key: destination
 * @udp: socket with the port
 * @peer: the address
 */
void tquic_link_tuple(struct tquic_cid *key, const struct tquic_udp *udp,
		      const struct tquic_addr *peer)
{
	__be16 ports[] = {
		tquic_addr_port(&udp->local), tquic_addr_port(peer),
	};
	struct in6_addr ip;

	BUILD_BUG_ON(sizeof(ports) + sizeof(ip) > sizeof(key->id));
	if (tquic_addr_family(peer) == AF_INET)
		ipv6_addr_set_v4mapped(peer->v4.sin_addr.s_addr, &ip);
	else
		ip = peer->v6.sin6_addr;
	key->len = sizeof(ports) + sizeof(ip);
	memcpy(key->id, ports, sizeof(ports));
	memcpy(key->id + sizeof(ports), &ip, sizeof(ip));
}

static void tquic_link_drop(struct tquic_link *link)
{
	if (!link)
		return;
	tquic_udp_route_release(&link->route);
	tquic_udp_route_release(&link->other);
	tquic_udp_put(link->udp);
	kfree(link);
}

/* The path goes another way: no longer found by the addresses of this one */
static void tquic_link_leave(struct sock *sk, const struct tquic_path *path)
{
	struct tquic_cidtab *cids = &tquic_sock_net(sk)->cids;
	const struct tquic_link *link = path->link;
	const struct tquic_cid_entry *e;
	bool ours;

	/* Where paths share a port and the peer's address, it is the first one's. */
	rcu_read_lock();
	e = tquic_cidtab_lookup(cids, TQUIC_CID_TUPLE, &link->tuple);
	ours = e && e->owner == sk && e->path_id == path->id;
	rcu_read_unlock();
	if (ours)
		tquic_cidtab_del(cids, TQUIC_CID_TUPLE, &link->tuple, sk);
}

/* Release path->link; the last packet is out or will not go out */
void tquic_link_free(struct sock *sk, struct tquic_path *path)
{
	struct tquic_link *link = path->link;

	if (!link)
		return;
	tquic_link_leave(sk, path);
	path->link = NULL;
	tquic_link_drop(link->next);
	tquic_link_drop(link->last);
	tquic_link_drop(link);
}

/*
 * The path goes by its link from now on: look the route up, be found by its addresses.
 * Of connections that share both ends, the first learns of resets; the others find out
 * when nothing is answered.
 *
 * Context: lock held, BH off.
 */
static void tquic_link_enter(struct sock *sk, struct tquic_path *path)
{
	struct tquic_cidtab *cids = &tquic_sock_net(sk)->cids;
	struct tquic_link *link = path->link;

	tquic_link_tuple(&link->tuple, link->udp, &link->route.peer);
	tquic_cidtab_add(cids, TQUIC_CID_TUPLE, &link->tuple, sk, path->id, GFP_ATOMIC);
	tquic_link_route(sk, path);
}

/* Is a way between these addresses? Any address of ours will do if it has none. */
static bool tquic_link_leads(const struct tquic_link *link, const struct tquic_addr *local,
			     const struct tquic_addr *peer)
{
	return link && tquic_addr_equal(peer, &link->route.peer) &&
	       tquic_addr_port(local) == tquic_addr_port(&link->udp->local) &&
	       (tquic_addr_is_any(&link->route.local) ||
		tquic_addr_equal_ip(local, &link->route.local));
}

/* Did a client get the datagram by the way it tries? */
bool tquic_link_tried(const struct tquic_path *path, const struct sk_buff *skb)
{
	const struct tquic_link *link = path->link;
	struct tquic_addr local, peer;

	if (likely(!link->next))
		return false;
	tquic_skb_addrs(skb, &local, &peer);
	return tquic_link_leads(link->next, &local, &peer);
}

/* Did it by the way it went before it moved? */
bool tquic_link_was(const struct tquic_path *path, const struct sk_buff *skb)
{
	const struct tquic_link *link = path->link;
	struct tquic_addr local, peer;

	if (!link->last)
		return false;
	tquic_skb_addrs(skb, &local, &peer);
	return tquic_link_leads(link->last, &local, &peer);
}

/**
 * tquic_link_moved() - does a datagram come from where its path leads to
 * @path: path with a link
 * @skb: as received
 *
 * The address of ours it was sent to counts too: a client may have moved to another
 * one, the preferred address.
 *
 * Context: lock held.
 * Return: how far from it; another family does not count, as no answer could go there.
 */
enum tquic_moved tquic_link_moved(const struct tquic_path *path, const struct sk_buff *skb)
{
	const struct tquic_link *link = path->link;
	struct tquic_addr local, peer;

	tquic_skb_addrs(skb, &local, &peer);
	if (tquic_addr_family(&peer) != tquic_addr_family(&link->route.peer))
		return TQUIC_MOVED_NOT;
	if (!tquic_addr_is_any(&link->route.local) &&
	    !tquic_addr_equal_ip(&local, &link->route.local))
		return TQUIC_MOVED_ADDRESS;
	if (likely(tquic_addr_equal(&peer, &link->route.peer)))
		return TQUIC_MOVED_NOT;
	return tquic_addr_equal_ip(&peer, &link->route.peer) ? TQUIC_MOVED_PORT :
							       TQUIC_MOVED_ADDRESS;
}

/**
 * tquic_link_move() - lead a path to where a datagram came from
 * @sk: server's socket
 * @path: path with a link
 * @skb: the datagram
 *
 * Context: lock held, softirq or process.
 * Return: 0, or 1 when the path is back at the address it had before.
 */
int tquic_link_move(struct sock *sk, struct tquic_path *path, const struct sk_buff *skb)
{
	struct tquic_link *link = path->link;
	struct tquic_addr local, peer;

	tquic_skb_addrs(skb, &local, &peer);
	if (path->moving && tquic_addr_equal(&peer, &link->other.peer) &&
	    tquic_addr_equal_ip(&local, &link->other.local)) {
		tquic_link_back(sk, path);
		return 1;
	}
	local_bh_disable();
	tquic_udp_route_release(path->moving ? &link->route : &link->other);
	if (!path->moving)
		link->other = link->route;
	link->route.local = local;
	link->route.peer = peer;
	link->route.dst = NULL;
	link->route.txhash = 0;
	tquic_link_leave(sk, path);
	tquic_link_enter(sk, path);
	local_bh_enable();
	return 0;
}

/**
 * tquic_link_probed() - somewhere else a client tries whether we answer
 * @path: path that is not moving
 * @skb: datagram from there
 *
 * Context: lock held, softirq or process.
 */
void tquic_link_probed(struct tquic_path *path, const struct sk_buff *skb)
{
	struct tquic_link *link = path->link;

	local_bh_disable();
	tquic_udp_route_release(&link->other);
	link->other = link->route;
	link->other.dst = NULL;
	link->other.txhash = 0;
	tquic_skb_addrs(skb, &link->other.local, &link->other.peer);
	local_bh_enable();
}

/**
 * tquic_link_back() - lead a path to where it did before it moved
 * @sk: server's socket
 * @path: path that moved
 *
 * Context: lock held, softirq or process.
 */
void tquic_link_back(struct sock *sk, struct tquic_path *path)
{
	struct tquic_link *link = path->link;

	local_bh_disable();
	tquic_udp_route_release(&link->route);
	link->route = link->other;
	link->other.dst = NULL;
	tquic_link_leave(sk, path);
	tquic_link_enter(sk, path);
	local_bh_enable();
}

/* Give the path its link and tell the engine what the route carries */
static void tquic_link_attach(struct sock *sk, struct tquic_path *path,
			      struct tquic_link *link)
{
	path->link = link;
	local_bh_disable();
	tquic_link_enter(sk, path);
	local_bh_enable();
	link->works = tquic_link_works(link);
}

/* A UDP socket of its own choosing and a route. Context: process, may sleep */
static struct tquic_link *tquic_link_make(struct sock *sk, const struct tquic_addr *local,
					  const struct tquic_addr *peer, int ifindex)
{
	struct tquic_sock *tsk = tquic_sk(sk);
	struct tquic_link *link;
	struct tquic_udp *udp;
	int ret;

	if (ipv6_only_sock(sk) && tquic_addr_family(peer) == AF_INET)
		return ERR_PTR(-EAFNOSUPPORT);
	if (tsk->udp && tsk->udp->ifindex == ifindex &&
	    tquic_addr_equal(local, &tsk->local) && tquic_udp_hold(tsk->udp))
		udp = tsk->udp;
	else
		udp = tquic_udp_get(sock_net(sk), local, ifindex, 0);
	if (IS_ERR(udp))
		return ERR_CAST(udp);
	link = tquic_link_alloc(sk, udp, local, peer, ifindex, GFP_KERNEL);
	if (!link) {
		tquic_udp_put(udp);
		return ERR_PTR(-ENOMEM);
	}
	local_bh_disable();
	ret = tquic_udp_route(udp, &link->route);
	local_bh_enable();
	if (ret) {
		tquic_link_drop(link);
		return ERR_PTR(ret);
	}
	return link;
}

/**
 * tquic_link_open() - give a path a UDP socket of its own choosing
 * @sk: socket
 * @path: path without a link
 * @local: address to send from; wildcard and port 0 leave it to the kernel,
 *	that of bind() means the UDP socket made there
 * @peer: address to send to
 * @ifindex: device to be bound to, or 0
 *
 * Context: process, lock held, may sleep.
 * Return: 0 or an errno of tquic_udp_get() or of the route lookup.
 */
int tquic_link_open(struct sock *sk, struct tquic_path *path,
		    const struct tquic_addr *local,
		    const struct tquic_addr *peer, int ifindex)
{
	struct tquic_link *link = tquic_link_make(sk, local, peer, ifindex);

	if (IS_ERR(link))
		return PTR_ERR(link);
	tquic_link_attach(sk, path, link);
	return 0;
}

/* Does the server forbid a client new ways to it? (RFC 9000 §18.2, RFC 10069 §2.1) */
static bool tquic_link_forbidden(const struct tquic_sock *tsk, const struct tquic_addr *peer)
{
	return tsk->conn.peer.disable_active_migration && tquic_addr_equal(peer, &tsk->peer);
}

/**
 * tquic_link_within() - may paths of a socket use a device
 * @sk: socket
 * @ifindex: the device, 0: whichever the routes say
 *
 * Return: false for one outside the device or VRF that the socket is bound to.
 */
bool tquic_link_within(const struct sock *sk, int ifindex)
{
	int bound = READ_ONCE(sk->sk_bound_dev_if);

	return !bound || ifindex == bound ||
	       l3mdev_master_ifindex_by_index(sock_net(sk), ifindex) == bound;
}

/* Only who could bind the socket elsewhere may have a path elsewhere. Context: process */
static int tquic_link_device(const struct sock *sk, int *ifindex)
{
	if (!*ifindex)
		*ifindex = READ_ONCE(sk->sk_bound_dev_if);
	if (tquic_link_within(sk, *ifindex) || ns_capable(sock_net(sk)->user_ns, CAP_NET_RAW))
		return 0;
	return -EPERM;
}

/**
 * tquic_link_try() - find out whether a path could go another way, and take it then
 * @sk: client's socket
 * @path: path with a link
 * @local: address to send from, as for tquic_link_open(); AF_UNSPEC: as now
 * @peer: address to send to; AF_UNSPEC: as now
 * @ifindex: device to be bound to, or 0
 *
 * Context: process, lock held, may sleep.
 * Return: 0; -EINVAL when it is the way it goes now; -EPERM when the server does
 * not want it or the socket is bound to another device; -EAFNOSUPPORT; an errno of
 * tquic_link_open() or tquic_migrate_try().
 */
int tquic_link_try(struct sock *sk, struct tquic_path *path,
		   const struct tquic_addr *local, const struct tquic_addr *peer,
		   int ifindex)
{
	struct tquic_sock *tsk = tquic_sk(sk);
	struct tquic_link *link = path->link, *next;
	struct tquic_addr here;
	int ret;

	if (!link)
		return -ENOTCONN;
	if (!tquic_addr_family(peer))
		peer = &link->route.peer;
	if (!tquic_addr_family(local)) {
		here = link->route.local;
		if (!tquic_addr_family(&here))
			return -EINVAL;
		tquic_addr_set_port(&here, 0);
		local = &here;
		ifindex = link->route.ifindex;
	}
	if (tquic_link_forbidden(tsk, peer))
		return -EPERM;
	if (link->next)
		return -EALREADY;
	ret = tquic_link_device(sk, &ifindex);
	if (ret)
		return ret;
	next = tquic_link_make(sk, local, peer, ifindex);
	if (IS_ERR(next))
		return PTR_ERR(next);
	link->next = next;
	ret = tquic_migrate_try(&tsk->conn, path, tquic_now_ns());
	if (ret)
		tquic_link_forsake(path);
	else
		tquic_sock_kick(sk);
	return ret;
}

/* A client stays where it is. Context: lock held, softirq or process */
void tquic_link_forsake(struct tquic_path *path)
{
	struct tquic_link *link = path->link;

	tquic_link_drop(link->next);
	link->next = NULL;
}

/**
 * tquic_link_switch() - a client's path goes the way that was tried
 * @sk: client's socket
 * @path: path that tried one
 *
 * What is on its way by the old one may still come.
 *
 * Context: lock held, softirq or process.
 */
void tquic_link_switch(struct sock *sk, struct tquic_path *path)
{
	struct tquic_link *was = path->link, *link = was->next;

	was->next = NULL;
	tquic_link_drop(was->last);
	was->last = NULL;
	tquic_link_leave(sk, path);
	link->last = was;
	link->works = true;
	link->endpoint = was->endpoint;
	link->spared_for = was->spared_for;
	path->link = link;
	local_bh_disable();
	tquic_link_enter(sk, path);
	local_bh_enable();
}

/* The server's preferred address of the family in use; false: it has none */
static bool tquic_link_preferred(const struct tquic_conn *conn, struct tquic_addr *peer)
{
	const struct tquic_preferred_addr *a = &conn->peer.preferred_addr;

	if (!conn->peer.has_preferred_addr)
		return false;
	if (tquic_addr_family(peer) == AF_INET) {
		memcpy(&peer->v4.sin_addr, a->ipv4, sizeof(a->ipv4));
		peer->v4.sin_port = htons(a->ipv4_port);
		return a->ipv4_port && !ipv4_is_zeronet(peer->v4.sin_addr.s_addr);
	}
	memcpy(&peer->v6.sin6_addr, a->ipv6, sizeof(a->ipv6));
	peer->v6.sin6_port = htons(a->ipv6_port);
	return a->ipv6_port && !ipv6_addr_any(&peer->v6.sin6_addr);
}

/* Is a server's wish to be reached elsewhere still to be followed? (RFC 9000 §9.6) */
bool tquic_link_prefers(const struct sock *sk)
{
	const struct tquic_sock *tsk = tquic_sk(sk);

	return !tsk->conn.server && tsk->conn.confirmed && !tsk->preferred_done &&
	       tsk->conn.peer.has_preferred_addr;
}

/* Follow it, if it works: the first path goes there. Context: process, lock held */
void tquic_link_prefer(struct sock *sk)
{
	struct tquic_path *path = tquic_path_find(&tquic_sk(sk)->conn, 0);
	const struct tquic_addr same = {};
	struct tquic_link *link;
	struct tquic_addr peer;

	if (!tquic_link_prefers(sk))
		return;
	tquic_sk(sk)->preferred_done = true;
	link = path ? path->link : NULL;
	if (!link)
		return;
	peer = link->route.peer;
	if (tquic_link_preferred(&tquic_sk(sk)->conn, &peer) &&
	    !tquic_addr_equal(&peer, &link->route.peer))
		tquic_link_try(sk, path, &same, &peer, 0);
}

/**
 * tquic_link_accept() - answer a path where its first packet came from
 * @sk: socket
 * @path: path without a link
 * @udp: socket the packet came to
 * @local: address it came to
 * @peer: address it came from
 *
 * Context: lock held, softirq or process.
 * Return: 0, -ENOMEM, or -ENODEV when the socket is being closed.
 */
int tquic_link_accept(struct sock *sk, struct tquic_path *path,
		      struct tquic_udp *udp, const struct tquic_addr *local,
		      const struct tquic_addr *peer)
{
	struct tquic_link *link;

	if (!tquic_udp_hold(udp))
		return -ENODEV;
	link = tquic_link_alloc(sk, udp, local, peer, 0, GFP_ATOMIC);
	if (!link) {
		tquic_udp_put(udp);
		return -ENOMEM;
	}
	tquic_link_attach(sk, path, link);
	return 0;
}

/**
 * tquic_link_add_path() - open one more path of an established connection
 * @sk: client's socket
 * @local: address to send from
 * @peer: address to send to; AF_UNSPEC: that of the first path
 * @ifindex: device to be bound to, or 0
 * @flags: TQUIC_PATH_*, for both sides
 * @path_id: where its id goes
 *
 * Context: process, lock held, may sleep.
 * Return: 0; -ENOTCONN before the handshake is confirmed; -EOPNOTSUPP without
 * multipath or on a server; -EPERM when the server does not want it or the socket
 * is bound to another device; -EAGAIN while the peer has left no ids for another
 * path; or an errno of tquic_link_open().
 */
int tquic_link_add_path(struct sock *sk, const struct tquic_addr *local,
			const struct tquic_addr *peer, int ifindex, u32 flags,
			u32 *path_id)
{
	struct tquic_sock *tsk = tquic_sk(sk);
	struct tquic_conn *conn = &tsk->conn;
	struct tquic_path *path;
	int ret;

	if (conn->state != TQUIC_STATE_ESTABLISHED)
		return -ENOTCONN;
	if (!conn->multipath || conn->server)
		return -EOPNOTSUPP;
	if (!conn->confirmed)
		return -EAGAIN;
	path = tquic_path_spare(conn);
	if (!path) {
		tquic_path_ask(conn);
		tquic_sock_kick(sk);
		return -EAGAIN;
	}
	if (!tquic_addr_family(peer))
		peer = &tsk->peer;
	if (tquic_link_forbidden(tsk, peer))
		return -EPERM;
	ret = tquic_link_device(sk, &ifindex);
	if (ret)
		return ret;
	ret = tquic_link_open(sk, path, local, peer, ifindex);
	if (ret)
		return ret;
	path->backup = flags & TQUIC_PATH_BACKUP;
	path->metered = flags & TQUIC_PATH_METERED;
	ret = tquic_path_start(conn, path, tquic_now_ns());
	if (ret) {
		tquic_link_free(sk, path);
		return -EAGAIN;
	}
	*path_id = path->id;
	tquic_sock_kick(sk);
	return 0;
}
