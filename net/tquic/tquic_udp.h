/* SPDX-License-Identifier: GPL-2.0 */
/* UDP sockets that carry QUIC packets: receive, send, ICMP errors. */
#ifndef TQUIC_UDP_H
#define TQUIC_UDP_H

#include <linux/cache.h>
#include <linux/ipv6.h>
#include <linux/netdevice.h>
#include <linux/refcount.h>
#include <linux/skbuff.h>
#include <linux/udp.h>
#include "tquic_addr.h"

struct net;
struct sock;
struct tquic_net;

/* Bytes that tquic_udp_xmit() wants free in front of the payload. */
#define TQUIC_UDP_HEADROOM \
	ALIGN(LL_MAX_HEADER + sizeof(struct ipv6hdr) + sizeof(struct udphdr), 16)

/* Most segments in one transmitted skb (kernel limit UDP_MAX_SEGMENTS is 64 or more). */
#define TQUIC_UDP_GSO_SEGS_MAX	64

/* tquic_udp_get() flags */
#define TQUIC_UDP_V6ONLY	BIT(0)	/* :: does not take IPv4 */

/**
 * struct tquic_udp - a UDP socket, shared by connections
 * @node: link in tn->udps, under tn->udp_lock
 * @tn: namespace
 * @sock: the kernel socket
 * @refs: users; at 0 a worker closes the socket
 * @local: address and port it is bound to; the address may be a wildcard
 * @uid: whose it is; others may not ask for its port
 * @ifindex: device it is bound to, or 0
 * @v6only: see TQUIC_UDP_V6ONLY
 * @ephemeral: the kernel chose the port
 * @drops_seen: how much of the socket's drop counter is in the MIB; atomic
 *
 * All but @node, @refs and @drops_seen is constant, and @uid while there are users.
 */
struct tquic_udp {
	struct list_head node;
	struct tquic_net *tn;
	struct socket *sock;
	refcount_t refs;
	struct tquic_addr local;
	kuid_t uid;
	int ifindex;
	bool v6only;
	bool ephemeral;
	u32 drops_seen;
};

/**
 * struct tquic_skb_cb - what is known of a received datagram, in skb->cb
 * @ifindex: device it came in on
 * @ecn: ECN bits of the IP header, 0 to 3 (INET_ECN_*)
 *
 * Addresses are read from the headers with tquic_skb_addrs(). The engine may
 * make this the first member of a control block of its own.
 */
struct tquic_skb_cb {
	int ifindex;
	u8 ecn;
};

#define TQUIC_SKB_CB(skb) ((struct tquic_skb_cb *)(skb)->cb)

/**
 * struct tquic_udp_err - an ICMP error about a datagram we sent
 * @local: address it was sent from
 * @peer: address it was sent to
 * @err: positive errno, as the kernel's UDP reports it
 * @type: ICMP or ICMPv6 type, by the family of @peer
 * @code: ICMP code
 * @mtu_bytes: for a packet-too-big, IP packet size that fits; else 0
 * @payload: start of the quoted UDP payload; only for the call
 * @payload_len: how much of it was quoted
 *
 * All of it may be forged: check the quoted connection ID before use.
 */
struct tquic_udp_err {
	struct tquic_addr local;
	struct tquic_addr peer;
	int err;
	u8 type;
	u8 code;
	u32 mtu_bytes;
	const u8 *payload;
	u32 payload_len;
};

/**
 * struct tquic_udp_burst - datagrams that came together
 * @sk: for the layer above: whose connection the last of them was for, or NULL
 */
struct tquic_udp_burst {
	struct sock *sk;
};

/**
 * struct tquic_udp_ops - the layer above
 * @rx: takes one datagram and frees it. The skb is linear, not shared, and its
 *	buffer may be written; data is the QUIC packet, len the UDP payload
 * @rx_end: no more datagrams of a burst follow
 * @err: an ICMP error
 *
 * Context: softirq or BH disabled, under rcu_read_lock(); several CPUs at once.
 */
struct tquic_udp_ops {
	void (*rx)(struct tquic_net *tn, struct tquic_udp *udp, struct sk_buff *skb,
		   struct tquic_udp_burst *burst);
	void (*rx_end)(struct tquic_udp_burst *burst);
	void (*err)(struct tquic_net *tn, struct tquic_udp *udp,
		    const struct tquic_udp_err *e);
};

/**
 * struct tquic_route - how one path's packets leave; zero it, then fill in
 * @sk: whose packets they are, NULL: nobody's. Its mark, DSCP, priority, user and
 *	IPsec policies are theirs
 * @local: source address; a wildcard is replaced by the kernel's choice.
 *	The port is ignored, that of the socket is used
 * @peer: destination
 * @ifindex: device to leave by, or 0; the socket's own binding wins
 * @dst: cached route, NULL until looked up
 * @mark: fwmark it was looked up for
 * @tclass: DSCP it was looked up for, in the upper six bits
 * @cookie: to check @dst with
 * @txhash: packet hash, for transmit queues and the IPv6 flow label
 * @mtu_bytes: largest IP packet, set by tquic_udp_route()
 * @hdr_bytes: IP and UDP header, set by tquic_udp_route()
 *
 * The owner serialises all use of one route (connection lock).
 */
struct tquic_route {
	struct sock *sk;
	struct tquic_addr local;
	struct tquic_addr peer;
	int ifindex;
	u32 mark;
	struct dst_entry *dst;
	u32 cookie;
	u32 txhash;
	u32 mtu_bytes;
	u8 hdr_bytes;
	u8 tclass;
};

struct tquic_udp *tquic_udp_get(struct net *net, const struct tquic_addr *local,
				int ifindex, unsigned int flags);
void tquic_udp_put(struct tquic_udp *udp);

/* The caller has a reference already, or is inside ops->rx or ops->err. */
static inline bool tquic_udp_hold(struct tquic_udp *udp)
{
	return refcount_inc_not_zero(&udp->refs);
}

int tquic_udp_route(struct tquic_udp *udp, struct tquic_route *rt);
void tquic_udp_route_release(struct tquic_route *rt);
int tquic_udp_xmit(struct tquic_udp *udp, struct tquic_route *rt, struct sk_buff *skb,
		   u8 ecn, u16 gso_size);
void tquic_skb_addrs(const struct sk_buff *skb, struct tquic_addr *local,
		     struct tquic_addr *peer);

/* Largest UDP payload that leaves unfragmented by a looked-up route. */
static inline u32 tquic_udp_route_payload(const struct tquic_route *rt)
{
	return rt->mtu_bytes - rt->hdr_bytes;
}

#endif /* TQUIC_UDP_H */
