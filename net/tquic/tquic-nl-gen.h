/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/tquic.yaml */
/* YNL-GEN kernel header */

#ifndef _LINUX_TQUIC_GEN_H
#define _LINUX_TQUIC_GEN_H

#include <net/netlink.h>
#include <net/genetlink.h>

#include <uapi/linux/tquic_netlink.h>
#include <linux/tquic.h>
#include <linux/tquic.h>
#include <linux/tquic.h>
#include <linux/tquic.h>
#include <linux/tquic.h>

/* Common nested types */
extern const struct nla_policy tquic_addr_nl_policy[TQUIC_A_ADDR_SCOPE_ID + 1];

int tquic_nl_pre_doit(const struct genl_split_ops *ops, struct sk_buff *skb,
		      struct genl_info *info);
void
tquic_nl_post_doit(const struct genl_split_ops *ops, struct sk_buff *skb,
		   struct genl_info *info);

int tquic_nl_conn_get_doit(struct sk_buff *skb, struct genl_info *info);
int tquic_nl_conn_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int tquic_nl_path_get_doit(struct sk_buff *skb, struct genl_info *info);
int tquic_nl_path_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int tquic_nl_path_add_doit(struct sk_buff *skb, struct genl_info *info);
int tquic_nl_path_del_doit(struct sk_buff *skb, struct genl_info *info);
int tquic_nl_path_set_doit(struct sk_buff *skb, struct genl_info *info);
int tquic_nl_handshake_accept_doit(struct sk_buff *skb, struct genl_info *info);
int tquic_nl_endpoint_add_doit(struct sk_buff *skb, struct genl_info *info);
int tquic_nl_endpoint_del_doit(struct sk_buff *skb, struct genl_info *info);
int tquic_nl_endpoint_get_doit(struct sk_buff *skb, struct genl_info *info);
int tquic_nl_endpoint_get_dumpit(struct sk_buff *skb,
				 struct netlink_callback *cb);
int tquic_nl_endpoint_flush_doit(struct sk_buff *skb, struct genl_info *info);
int tquic_nl_limits_get_doit(struct sk_buff *skb, struct genl_info *info);
int tquic_nl_limits_set_doit(struct sk_buff *skb, struct genl_info *info);
int tquic_nl_conn_set_doit(struct sk_buff *skb, struct genl_info *info);
int tquic_nl_registry_get_dumpit(struct sk_buff *skb,
				 struct netlink_callback *cb);

enum {
	TQUIC_NLGRP_EVENTS,
	TQUIC_NLGRP_HANDSHAKE,
};

extern struct genl_family tquic_nl_family;

#endif /* _LINUX_TQUIC_GEN_H */
