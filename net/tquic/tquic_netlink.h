/* SPDX-License-Identifier: GPL-2.0 */
/* The generic netlink family: connections and paths to see and change */
#ifndef TQUIC_NETLINK_H
#define TQUIC_NETLINK_H

#include <linux/types.h>

struct genl_info;
struct net;
struct netlink_callback;
struct sk_buff;
struct sock;
struct tquic_addr;

int tquic_netlink_init(void);
void tquic_netlink_exit(void);
void tquic_netlink_conn_event(struct sock *sk, u8 cmd);
void tquic_netlink_bond_event(struct sock *sk, u32 previous);
void tquic_netlink_path_event(struct sock *sk, u8 cmd, u32 path_id);
int tquic_netlink_get_addr(struct genl_info *info, int attr,
			   struct tquic_addr *addr);
int tquic_netlink_put_addr(struct sk_buff *skb, int attr,
			   const struct tquic_addr *addr);
struct sk_buff *tquic_netlink_reply_new(struct genl_info *info, void **hdr);
int tquic_netlink_reply(struct genl_info *info, struct sk_buff *msg, void *hdr,
			int err);
void *tquic_netlink_dump_hdr(struct sk_buff *skb, struct netlink_callback *cb);

int tquic_netlink_handshake_ready(struct net *net, u32 token);

#endif /* TQUIC_NETLINK_H */
