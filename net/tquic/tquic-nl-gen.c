// SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause)
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/tquic.yaml */
/* YNL-GEN kernel source */

#include <net/netlink.h>
#include <net/genetlink.h>

#include "tquic-nl-gen.h"

#include <uapi/linux/tquic_netlink.h>
#include <linux/tquic.h>
#include <linux/tquic.h>
#include <linux/tquic.h>
#include <linux/tquic.h>
#include <linux/tquic.h>

/* Integer value ranges */
static const struct netlink_range_validation tquic_a_path_ifindex_range = {
	.max	= S32_MAX,
};

static const struct netlink_range_validation tquic_a_path_error_code_range = {
	.max	= 4611686018427387903ULL,
};

static const struct netlink_range_validation tquic_a_path_rate_cap_range = {
	.max	= 1000000000000ULL,
};

/* Common nested types */
const struct nla_policy tquic_addr_nl_policy[TQUIC_A_ADDR_SCOPE_ID + 1] = {
	[TQUIC_A_ADDR_IP4] = { .type = NLA_U32, },
	[TQUIC_A_ADDR_IP6] = NLA_POLICY_EXACT_LEN(16),
	[TQUIC_A_ADDR_PORT] = { .type = NLA_U16, },
	[TQUIC_A_ADDR_SCOPE_ID] = { .type = NLA_U32, },
};

/* TQUIC_CMD_CONN_GET - do */
static const struct nla_policy tquic_conn_get_nl_policy[TQUIC_A_CONN_TOKEN + 1] = {
	[TQUIC_A_CONN_TOKEN] = NLA_POLICY_MIN(NLA_U32, 1),
};

/* TQUIC_CMD_PATH_GET - do */
static const struct nla_policy tquic_path_get_do_nl_policy[TQUIC_A_PATH_PATH_ID + 1] = {
	[TQUIC_A_PATH_TOKEN] = NLA_POLICY_MIN(NLA_U32, 1),
	[TQUIC_A_PATH_PATH_ID] = { .type = NLA_U32, },
};

/* TQUIC_CMD_PATH_GET - dump */
static const struct nla_policy tquic_path_get_dump_nl_policy[TQUIC_A_PATH_TOKEN + 1] = {
	[TQUIC_A_PATH_TOKEN] = NLA_POLICY_MIN(NLA_U32, 1),
};

/* TQUIC_CMD_PATH_ADD - do */
static const struct nla_policy tquic_path_add_nl_policy[TQUIC_A_PATH_PEER + 1] = {
	[TQUIC_A_PATH_TOKEN] = NLA_POLICY_MIN(NLA_U32, 1),
	[TQUIC_A_PATH_LOCAL] = NLA_POLICY_NESTED(tquic_addr_nl_policy),
	[TQUIC_A_PATH_PEER] = NLA_POLICY_NESTED(tquic_addr_nl_policy),
	[TQUIC_A_PATH_IFINDEX] = NLA_POLICY_FULL_RANGE(NLA_U32, &tquic_a_path_ifindex_range),
	[TQUIC_A_PATH_FLAGS] = NLA_POLICY_MASK(NLA_U32, 0x3),
};

/* TQUIC_CMD_PATH_DEL - do */
static const struct nla_policy tquic_path_del_nl_policy[TQUIC_A_PATH_ERROR_CODE + 1] = {
	[TQUIC_A_PATH_TOKEN] = NLA_POLICY_MIN(NLA_U32, 1),
	[TQUIC_A_PATH_PATH_ID] = { .type = NLA_U32, },
	[TQUIC_A_PATH_ERROR_CODE] = NLA_POLICY_FULL_RANGE(NLA_UINT, &tquic_a_path_error_code_range),
};

/* TQUIC_CMD_PATH_SET - do */
static const struct nla_policy tquic_path_set_nl_policy[TQUIC_A_PATH_RATE_CAP + 1] = {
	[TQUIC_A_PATH_TOKEN] = NLA_POLICY_MIN(NLA_U32, 1),
	[TQUIC_A_PATH_PATH_ID] = { .type = NLA_U32, },
	[TQUIC_A_PATH_FLAGS] = NLA_POLICY_MASK(NLA_U32, 0x3),
	[TQUIC_A_PATH_WEIGHT] = NLA_POLICY_MAX(NLA_U32, 1000),
	[TQUIC_A_PATH_RATE_CAP] = NLA_POLICY_FULL_RANGE(NLA_UINT, &tquic_a_path_rate_cap_range),
};

/* TQUIC_CMD_ENDPOINT_ADD - do */
static const struct nla_policy tquic_endpoint_add_nl_policy[TQUIC_A_ENDPOINT_IFINDEX + 1] = {
	[TQUIC_A_ENDPOINT_ID] = NLA_POLICY_RANGE(NLA_U32, 1, 255),
	[TQUIC_A_ENDPOINT_FLAGS] = NLA_POLICY_MASK(NLA_U32, 0xf),
	[TQUIC_A_ENDPOINT_ADDR] = NLA_POLICY_NESTED(tquic_addr_nl_policy),
	[TQUIC_A_ENDPOINT_IFINDEX] = NLA_POLICY_MIN(NLA_S32, 0),
};

/* TQUIC_CMD_ENDPOINT_DEL - do */
static const struct nla_policy tquic_endpoint_del_nl_policy[TQUIC_A_ENDPOINT_ID + 1] = {
	[TQUIC_A_ENDPOINT_ID] = NLA_POLICY_RANGE(NLA_U32, 1, 255),
};

/* TQUIC_CMD_ENDPOINT_GET - do */
static const struct nla_policy tquic_endpoint_get_nl_policy[TQUIC_A_ENDPOINT_ID + 1] = {
	[TQUIC_A_ENDPOINT_ID] = NLA_POLICY_RANGE(NLA_U32, 1, 255),
};

/* TQUIC_CMD_LIMITS_SET - do */
static const struct nla_policy tquic_limits_set_nl_policy[TQUIC_A_LIMITS_ENDPOINTS + 1] = {
	[TQUIC_A_LIMITS_EXTRA_PATHS] = NLA_POLICY_MAX(NLA_U32, 15),
	[TQUIC_A_LIMITS_ENDPOINTS] = NLA_POLICY_MAX(NLA_U32, 255),
};

/* TQUIC_CMD_CONN_SET - do */
static const struct nla_policy tquic_conn_set_nl_policy[TQUIC_A_CONN_SCHEDULER + 1] = {
	[TQUIC_A_CONN_TOKEN] = NLA_POLICY_MIN(NLA_U32, 1),
	[TQUIC_A_CONN_CONGESTION] = { .type = NLA_NUL_STRING, .len = 15, },
	[TQUIC_A_CONN_SCHEDULER] = { .type = NLA_NUL_STRING, .len = 15, },
};

/* Ops table for tquic */
static const struct genl_split_ops tquic_nl_ops[] = {
	{
		.cmd		= TQUIC_CMD_CONN_GET,
		.pre_doit	= tquic_nl_pre_doit,
		.doit		= tquic_nl_conn_get_doit,
		.post_doit	= tquic_nl_post_doit,
		.policy		= tquic_conn_get_nl_policy,
		.maxattr	= TQUIC_A_CONN_TOKEN,
		.flags		= GENL_UNS_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd	= TQUIC_CMD_CONN_GET,
		.dumpit	= tquic_nl_conn_get_dumpit,
		.flags	= GENL_UNS_ADMIN_PERM | GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= TQUIC_CMD_PATH_GET,
		.pre_doit	= tquic_nl_pre_doit,
		.doit		= tquic_nl_path_get_doit,
		.post_doit	= tquic_nl_post_doit,
		.policy		= tquic_path_get_do_nl_policy,
		.maxattr	= TQUIC_A_PATH_PATH_ID,
		.flags		= GENL_UNS_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= TQUIC_CMD_PATH_GET,
		.dumpit		= tquic_nl_path_get_dumpit,
		.policy		= tquic_path_get_dump_nl_policy,
		.maxattr	= TQUIC_A_PATH_TOKEN,
		.flags		= GENL_UNS_ADMIN_PERM | GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= TQUIC_CMD_PATH_ADD,
		.pre_doit	= tquic_nl_pre_doit,
		.doit		= tquic_nl_path_add_doit,
		.post_doit	= tquic_nl_post_doit,
		.policy		= tquic_path_add_nl_policy,
		.maxattr	= TQUIC_A_PATH_PEER,
		.flags		= GENL_UNS_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= TQUIC_CMD_PATH_DEL,
		.pre_doit	= tquic_nl_pre_doit,
		.doit		= tquic_nl_path_del_doit,
		.post_doit	= tquic_nl_post_doit,
		.policy		= tquic_path_del_nl_policy,
		.maxattr	= TQUIC_A_PATH_ERROR_CODE,
		.flags		= GENL_UNS_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= TQUIC_CMD_PATH_SET,
		.pre_doit	= tquic_nl_pre_doit,
		.doit		= tquic_nl_path_set_doit,
		.post_doit	= tquic_nl_post_doit,
		.policy		= tquic_path_set_nl_policy,
		.maxattr	= TQUIC_A_PATH_RATE_CAP,
		.flags		= GENL_UNS_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd	= TQUIC_CMD_HANDSHAKE_ACCEPT,
		.doit	= tquic_nl_handshake_accept_doit,
		.flags	= GENL_UNS_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= TQUIC_CMD_ENDPOINT_ADD,
		.doit		= tquic_nl_endpoint_add_doit,
		.policy		= tquic_endpoint_add_nl_policy,
		.maxattr	= TQUIC_A_ENDPOINT_IFINDEX,
		.flags		= GENL_UNS_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= TQUIC_CMD_ENDPOINT_DEL,
		.doit		= tquic_nl_endpoint_del_doit,
		.policy		= tquic_endpoint_del_nl_policy,
		.maxattr	= TQUIC_A_ENDPOINT_ID,
		.flags		= GENL_UNS_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= TQUIC_CMD_ENDPOINT_GET,
		.doit		= tquic_nl_endpoint_get_doit,
		.policy		= tquic_endpoint_get_nl_policy,
		.maxattr	= TQUIC_A_ENDPOINT_ID,
		.flags		= GENL_UNS_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd	= TQUIC_CMD_ENDPOINT_GET,
		.dumpit	= tquic_nl_endpoint_get_dumpit,
		.flags	= GENL_UNS_ADMIN_PERM | GENL_CMD_CAP_DUMP,
	},
	{
		.cmd	= TQUIC_CMD_ENDPOINT_FLUSH,
		.doit	= tquic_nl_endpoint_flush_doit,
		.flags	= GENL_UNS_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd	= TQUIC_CMD_LIMITS_GET,
		.doit	= tquic_nl_limits_get_doit,
		.flags	= GENL_UNS_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= TQUIC_CMD_LIMITS_SET,
		.doit		= tquic_nl_limits_set_doit,
		.policy		= tquic_limits_set_nl_policy,
		.maxattr	= TQUIC_A_LIMITS_ENDPOINTS,
		.flags		= GENL_UNS_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= TQUIC_CMD_CONN_SET,
		.pre_doit	= tquic_nl_pre_doit,
		.doit		= tquic_nl_conn_set_doit,
		.post_doit	= tquic_nl_post_doit,
		.policy		= tquic_conn_set_nl_policy,
		.maxattr	= TQUIC_A_CONN_SCHEDULER,
		.flags		= GENL_UNS_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd	= TQUIC_CMD_REGISTRY_GET,
		.dumpit	= tquic_nl_registry_get_dumpit,
		.flags	= GENL_UNS_ADMIN_PERM | GENL_CMD_CAP_DUMP,
	},
};

static const struct genl_multicast_group tquic_nl_mcgrps[] = {
	[TQUIC_NLGRP_EVENTS] = { "events", },
	[TQUIC_NLGRP_HANDSHAKE] = { "handshake", },
};

struct genl_family tquic_nl_family __ro_after_init = {
	.name		= TQUIC_FAMILY_NAME,
	.version	= TQUIC_FAMILY_VERSION,
	.netnsok	= true,
	.parallel_ops	= true,
	.module		= THIS_MODULE,
	.split_ops	= tquic_nl_ops,
	.n_split_ops	= ARRAY_SIZE(tquic_nl_ops),
	.mcgrps		= tquic_nl_mcgrps,
	.n_mcgrps	= ARRAY_SIZE(tquic_nl_mcgrps),
};
