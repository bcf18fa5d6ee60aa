/* SPDX-License-Identifier: GPL-2.0 */
/* Paths on the ground: UDP sockets, addresses, routes */
#ifndef TQUIC_LINK_H
#define TQUIC_LINK_H

#include <linux/types.h>
#include "core/pkt.h"
#include "tquic_addr.h"
#include "tquic_udp.h"

struct net;
struct sk_buff;
struct sock;
struct tquic_path;

/**
 * struct tquic_link - where the packets of a path go; path->link
 * @udp: socket they leave from, with a reference
 * @route: addresses and cached route
 * @other: the one before the peer moved, while the new address is not validated;
 *	else where a client that probes is answered
 * @oif: device packets leave by, as last looked up; 0: not known
 * @endpoint: key of the endpoint the path manager opened it for, 0: it did not
 * @works: interface and address are there, as the engine was told
 * @tuple: key in tn->cids
 */
struct tquic_link {
	struct tquic_udp *udp;
	struct tquic_route route;
	struct tquic_route other;
	int oif;
	u32 endpoint;
	bool works;
	struct tquic_cid tuple;
};

int tquic_link_open(struct sock *sk, struct tquic_path *path,
		    const struct tquic_addr *local,
		    const struct tquic_addr *peer, int ifindex);
int tquic_link_accept(struct sock *sk, struct tquic_path *path,
		      struct tquic_udp *udp, const struct tquic_addr *local,
		      const struct tquic_addr *peer);
enum tquic_moved tquic_link_moved(const struct tquic_path *path,
				  const struct sk_buff *skb);
int tquic_link_move(struct sock *sk, struct tquic_path *path,
		    const struct sk_buff *skb);
void tquic_link_probed(struct tquic_path *path, const struct sk_buff *skb);
void tquic_link_back(struct sock *sk, struct tquic_path *path);
bool tquic_link_has_addr(struct net *net, const struct tquic_addr *addr);
bool tquic_link_dev_works(struct net *net, int ifindex);
void tquic_link_check(struct sock *sk, struct tquic_path *path);
void tquic_link_free(struct sock *sk, struct tquic_path *path);
void tquic_link_tuple(struct tquic_cid *key, const struct tquic_udp *udp,
		      const struct tquic_addr *peer);
int tquic_link_add_path(struct sock *sk, const struct tquic_addr *local,
			const struct tquic_addr *peer, int ifindex, u32 flags,
			u32 *path_id);

#endif /* TQUIC_LINK_H */
