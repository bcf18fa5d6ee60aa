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
 * @next: of a client that moves: the way it tries
 * @last: of a client that moved: the way it came from, which the server may still use
 * @oif: device packets leave by, as last looked up; 0: not known
 * @endpoint: key of the endpoint the path manager opened it for, 0: it did not
 * @spared_for: of the first path: key of the endpoint whose flags it was given, 0: of none
 * @works: interface and address are there, as the engine was told
 * @tuple: key in tn->cids
 */
struct tquic_link {
	struct tquic_udp *udp;
	struct tquic_route route;
	struct tquic_route other;
	struct tquic_link *next;
	struct tquic_link *last;
	int oif;
	u32 endpoint;
	u32 spared_for;
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
bool tquic_link_tried(const struct tquic_path *path, const struct sk_buff *skb);
bool tquic_link_was(const struct tquic_path *path, const struct sk_buff *skb);
int tquic_link_try(struct sock *sk, struct tquic_path *path,
		   const struct tquic_addr *local, const struct tquic_addr *peer,
		   int ifindex);
void tquic_link_forsake(struct tquic_path *path);
void tquic_link_switch(struct sock *sk, struct tquic_path *path);
bool tquic_link_prefers(const struct sock *sk);
void tquic_link_prefer(struct sock *sk);
bool tquic_link_has_addr(struct net *net, const struct tquic_addr *addr);
bool tquic_link_dev_works(struct net *net, int ifindex);
void tquic_link_check(struct sock *sk, struct tquic_path *path);
void tquic_link_free(struct sock *sk, struct tquic_path *path);
void tquic_link_tuple(struct tquic_cid *key, const struct tquic_udp *udp,
		      const struct tquic_addr *peer);
bool tquic_link_within(const struct sock *sk, int ifindex);
int tquic_link_add_path(struct sock *sk, const struct tquic_addr *local,
			const struct tquic_addr *peer, int ifindex, u32 flags,
			u32 *path_id);

#endif /* TQUIC_LINK_H */
