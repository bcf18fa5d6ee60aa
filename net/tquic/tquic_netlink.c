// SPDX-License-Identifier: GPL-2.0
/* The generic netlink family: dumps, path management, events */
#include <net/genetlink.h>
#include <uapi/linux/tquic_netlink.h>
#include "sched/sched.h"
#include "tquic-nl-gen.h"
#include "tquic_netlink.h"
#include "tquic_sock.h"

/* One token attribute serves the operations on connections and on paths. */
static_assert((int)TQUIC_A_CONN_TOKEN == (int)TQUIC_A_PATH_TOKEN);

/*
 * The spec cannot tell who may listen, so the groups are described here too:
 * peers' addresses are for the administrator of the namespace, and so is
 * handling other users' handshakes.
 */
static const struct genl_multicast_group tquic_nl_groups[] = {
	[TQUIC_NLGRP_EVENTS] = {
		.name	= TQUIC_MCGRP_EVENTS,
		.flags	= GENL_MCAST_CAP_NET_ADMIN,
	},
	[TQUIC_NLGRP_HANDSHAKE] = {
		.name	= TQUIC_MCGRP_HANDSHAKE,
		.flags	= GENL_MCAST_CAP_NET_ADMIN,
	},
};

/* Where a dump goes on: the first token, and of its connection the first slot */
struct tquic_nl_cursor {
	unsigned long token;
	unsigned int slot;
	bool begun;
};

static_assert(sizeof(struct tquic_nl_cursor) <=
	      sizeof_field(struct netlink_callback, ctx));

/* Put an address, unless it is AF_UNSPEC. Return: 0 or -EMSGSIZE */
int tquic_netlink_put_addr(struct sk_buff *skb, int attr,
			   const struct tquic_addr *addr)
{
	struct nlattr *nest;
	bool full;

	if (!tquic_addr_family(addr))
		return 0;
	nest = nla_nest_start(skb, attr);
	if (!nest)
		return -EMSGSIZE;
	if (tquic_addr_family(addr) == AF_INET)
		full = nla_put_in_addr(skb, TQUIC_A_ADDR_IP4,
				       addr->v4.sin_addr.s_addr);
	else
		full = nla_put_in6_addr(skb, TQUIC_A_ADDR_IP6,
					&addr->v6.sin6_addr) ||
		       (addr->v6.sin6_scope_id &&
			nla_put_u32(skb, TQUIC_A_ADDR_SCOPE_ID,
				    addr->v6.sin6_scope_id));
	if (full || nla_put_be16(skb, TQUIC_A_ADDR_PORT, tquic_addr_port(addr)))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/**
 * tquic_netlink_get_addr() - read an address attribute
 * @info: request; the policy has checked the lengths
 * @attr: which attribute, it is there
 * @addr: destination
 *
 * Return: 0 or -EINVAL, explained in the extended ack.
 */
int tquic_netlink_get_addr(struct genl_info *info, int attr,
			   struct tquic_addr *addr)
{
	struct nlattr *tb[TQUIC_A_ADDR_MAX + 1];
	__be16 port = 0;
	int ret;

	ret = nla_parse_nested(tb, TQUIC_A_ADDR_MAX, info->attrs[attr],
			       tquic_addr_nl_policy, info->extack);
	if (ret)
		return ret;
	if (!tb[TQUIC_A_ADDR_IP4] == !tb[TQUIC_A_ADDR_IP6]) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[attr],
				    "an address is either ip4 or ip6");
		return -EINVAL;
	}
	if (tb[TQUIC_A_ADDR_PORT])
		port = nla_get_be16(tb[TQUIC_A_ADDR_PORT]);
	if (tb[TQUIC_A_ADDR_IP4]) {
		tquic_addr_set_v4(addr, nla_get_in_addr(tb[TQUIC_A_ADDR_IP4]),
				  port);
	} else {
		struct in6_addr ip = nla_get_in6_addr(tb[TQUIC_A_ADDR_IP6]);
		u32 scope = tb[TQUIC_A_ADDR_SCOPE_ID] ?
			    nla_get_u32(tb[TQUIC_A_ADDR_SCOPE_ID]) : 0;

		tquic_addr_set_v6(addr, &ip, port, scope);
	}
	if (tquic_addr_is_multicast(addr)) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[attr],
				    "a multicast address cannot be an end of a path");
		return -EINVAL;
	}
	return 0;
}

static const struct tquic_path *tquic_nl_first_path(const struct tquic_conn *conn)
{
	const struct tquic_path *path;

	tquic_for_each_path(conn, path) {
		if (path->link && tquic_path_is_open(path))
			return path;
	}
	return NULL;
}

static int tquic_nl_put_conn_addrs(struct sk_buff *skb, struct sock *sk)
{
	const struct tquic_path *path = tquic_nl_first_path(&tquic_sk(sk)->conn);
	struct tquic_path_info info;

	if (!path)
		return tquic_netlink_put_addr(skb, TQUIC_A_CONN_PEER,
					      &tquic_sk(sk)->peer);
	tquic_path_info_fill(path, &info);
	return tquic_netlink_put_addr(skb, TQUIC_A_CONN_LOCAL,
				      (void *)&info.local) ?:
	       tquic_netlink_put_addr(skb, TQUIC_A_CONN_PEER,
				      (void *)&info.peer);
}

static u32 tquic_nl_conn_flags(const struct tquic_info *info)
{
	return (info->server ? TQUIC_CONN_FLAG_SERVER : 0) |
	       (info->confirmed ? TQUIC_CONN_FLAG_CONFIRMED : 0) |
	       (info->verified ? TQUIC_CONN_FLAG_VERIFIED : 0) |
	       (info->multipath ? TQUIC_CONN_FLAG_MULTIPATH : 0);
}

/* What a connection is: in replies and in the event of its beginning */
static int tquic_nl_put_conn_head(struct sk_buff *skb, struct sock *sk,
				  const struct tquic_info *info)
{
	const struct tquic_sock *tsk = tquic_sk(sk);

	if (nla_put_u32(skb, TQUIC_A_CONN_TOKEN, info->token) ||
	    nla_put_u32(skb, TQUIC_A_CONN_STATE, info->state) ||
	    nla_put_u32(skb, TQUIC_A_CONN_FLAGS, tquic_nl_conn_flags(info)) ||
	    nla_put_u32(skb, TQUIC_A_CONN_VERSION, info->version) ||
	    nla_put_u32(skb, TQUIC_A_CONN_CIPHER, info->cipher) ||
	    tquic_nl_put_conn_addrs(skb, sk) ||
	    (tsk->server_name &&
	     nla_put_string(skb, TQUIC_A_CONN_SERVER_NAME, tsk->server_name)) ||
	    (tsk->alpn && nla_put_string(skb, TQUIC_A_CONN_ALPN, tsk->alpn)) ||
	    nla_put_string(skb, TQUIC_A_CONN_CONGESTION, info->congestion) ||
	    nla_put_string(skb, TQUIC_A_CONN_SCHEDULER, info->scheduler) ||
	    nla_put_u32(skb, TQUIC_A_CONN_PATHS, info->paths))
		return -EMSGSIZE;
	return 0;
}

/* @previous: for events the state before, else negative */
static int tquic_nl_put_bond(struct sk_buff *skb, const struct tquic_info *info,
			     s64 previous)
{
	struct nlattr *nest = nla_nest_start(skb, TQUIC_A_CONN_BOND);
	unsigned int i;

	if (!nest || nla_put_u32(skb, TQUIC_A_BOND_STATE, info->bond_state) ||
	    (previous >= 0 &&
	     nla_put_u32(skb, TQUIC_A_BOND_PREVIOUS, previous)))
		return -EMSGSIZE;
	for (i = 0; i < TQUIC_BOND_STATES; i++)
		if (nla_put_uint(skb, TQUIC_A_BOND_SINGLE_PATH_NS + i,
				 info->bond_time_ns[i]) ||
		    nla_put_u32(skb, TQUIC_A_BOND_SINGLE_PATH_ENTERED + i,
				info->bond_entered[i]))
			return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int tquic_nl_put_conn(struct sk_buff *skb, struct sock *sk)
{
	struct tquic_info info;

	tquic_info_fill(sk, &info);
	if (tquic_nl_put_conn_head(skb, sk, &info) ||
	    nla_put_u32(skb, TQUIC_A_CONN_UID,
			from_kuid_munged(current_user_ns(),
					 READ_ONCE(sk->sk_uid))) ||
	    nla_put_uint(skb, TQUIC_A_CONN_BYTES_SENT, info.bytes_sent) ||
	    nla_put_uint(skb, TQUIC_A_CONN_BYTES_RECEIVED, info.bytes_received) ||
	    nla_put_uint(skb, TQUIC_A_CONN_BYTES_RETRANSMITTED,
			 info.bytes_retransmitted) ||
	    nla_put_uint(skb, TQUIC_A_CONN_BYTES_REINJECTED,
			 info.bytes_reinjected) ||
	    nla_put_uint(skb, TQUIC_A_CONN_BYTES_DELIVERED,
			 info.bytes_delivered) ||
	    nla_put_uint(skb, TQUIC_A_CONN_STREAMS_OPENED, info.streams_opened) ||
	    nla_put_uint(skb, TQUIC_A_CONN_DATAGRAMS_SENT, info.datagrams_sent) ||
	    nla_put_uint(skb, TQUIC_A_CONN_DATAGRAMS_RECEIVED,
			 info.datagrams_received) ||
	    nla_put_uint(skb, TQUIC_A_CONN_DATAGRAMS_DROPPED,
			 info.datagrams_dropped) ||
	    nla_put_uint(skb, TQUIC_A_CONN_DEADLINES_MISSED,
			 info.deadlines_missed) ||
	    nla_put_uint(skb, TQUIC_A_CONN_MAX_DATA_LOCAL, info.max_data_local) ||
	    nla_put_uint(skb, TQUIC_A_CONN_MAX_DATA_PEER, info.max_data_peer) ||
	    nla_put_uint(skb, TQUIC_A_CONN_SEND_QUEUE_BYTES,
			 info.send_queue_bytes) ||
	    nla_put_uint(skb, TQUIC_A_CONN_RECV_QUEUE_BYTES,
			 info.recv_queue_bytes) ||
	    nla_put_u32(skb, TQUIC_A_CONN_KEY_UPDATES, info.key_updates) ||
	    tquic_nl_put_bond(skb, &info, -1))
		return -EMSGSIZE;
	return 0;
}

static int tquic_nl_put_conn_closed(struct sk_buff *skb, struct sock *sk)
{
	const struct tquic_close *c = &tquic_sk(sk)->conn.closed;
	struct tquic_info info;

	tquic_info_fill(sk, &info);
	if (nla_put_u32(skb, TQUIC_A_CONN_TOKEN, info.token) ||
	    nla_put_u32(skb, TQUIC_A_CONN_STATE, info.state) ||
	    nla_put_u32(skb, TQUIC_A_CONN_FLAGS, tquic_nl_conn_flags(&info)) ||
	    tquic_nl_put_conn_addrs(skb, sk) ||
	    nla_put_uint(skb, TQUIC_A_CONN_ERROR_CODE, c->error_code) ||
	    nla_put_u32(skb, TQUIC_A_CONN_CLOSE_FLAGS, c->flags) ||
	    nla_put_uint(skb, TQUIC_A_CONN_FRAME_TYPE, c->frame_type) ||
	    nla_put(skb, TQUIC_A_CONN_REASON, c->reason_len, c->reason))
		return -EMSGSIZE;
	return 0;
}

/* What a path is: in replies and in events */
static int tquic_nl_put_path_head(struct sk_buff *skb, struct sock *sk,
				  const struct tquic_path_info *info)
{
	if (nla_put_u32(skb, TQUIC_A_PATH_TOKEN, tquic_sk(sk)->token) ||
	    nla_put_u32(skb, TQUIC_A_PATH_PATH_ID, info->path_id) ||
	    nla_put_u32(skb, TQUIC_A_PATH_STATE, info->state) ||
	    nla_put_u32(skb, TQUIC_A_PATH_FLAGS, info->flags) ||
	    nla_put_u32(skb, TQUIC_A_PATH_PEER_FLAGS, info->peer_flags) ||
	    nla_put_u32(skb, TQUIC_A_PATH_IFINDEX, info->ifindex) ||
	    tquic_netlink_put_addr(skb, TQUIC_A_PATH_LOCAL,
				   (void *)&info->local) ||
	    tquic_netlink_put_addr(skb, TQUIC_A_PATH_PEER,
				   (void *)&info->peer))
		return -EMSGSIZE;
	return 0;
}

static int tquic_nl_put_path(struct sk_buff *skb, struct sock *sk,
			     const struct tquic_path *path)
{
	struct tquic_path_info info;

	tquic_path_info_fill(path, &info);
	if (tquic_nl_put_path_head(skb, sk, &info) ||
	    nla_put_u32(skb, TQUIC_A_PATH_MTU_BYTES, info.mtu_bytes) ||
	    nla_put_uint(skb, TQUIC_A_PATH_SRTT_NS, info.srtt_ns) ||
	    nla_put_uint(skb, TQUIC_A_PATH_RTTVAR_NS, info.rttvar_ns) ||
	    nla_put_uint(skb, TQUIC_A_PATH_MIN_RTT_NS, info.min_rtt_ns) ||
	    nla_put_uint(skb, TQUIC_A_PATH_CWND_BYTES, info.cwnd_bytes) ||
	    nla_put_uint(skb, TQUIC_A_PATH_SSTHRESH_BYTES,
			 info.ssthresh_bytes) ||
	    nla_put_uint(skb, TQUIC_A_PATH_IN_FLIGHT_BYTES,
			 info.in_flight_bytes) ||
	    nla_put_uint(skb, TQUIC_A_PATH_PACING_RATE, info.pacing_rate) ||
	    nla_put_uint(skb, TQUIC_A_PATH_PACKETS_SENT, info.packets_sent) ||
	    nla_put_uint(skb, TQUIC_A_PATH_PACKETS_RECEIVED,
			 info.packets_received) ||
	    nla_put_uint(skb, TQUIC_A_PATH_PACKETS_LOST, info.packets_lost) ||
	    nla_put_uint(skb, TQUIC_A_PATH_PACKETS_SPURIOUS,
			 info.packets_spurious) ||
	    nla_put_uint(skb, TQUIC_A_PATH_BYTES_SENT, info.bytes_sent) ||
	    nla_put_uint(skb, TQUIC_A_PATH_BYTES_RECEIVED,
			 info.bytes_received) ||
	    nla_put_uint(skb, TQUIC_A_PATH_PTOS, info.ptos) ||
	    nla_put_uint(skb, TQUIC_A_PATH_CE_MARKS, info.ce_marks) ||
	    nla_put_u32(skb, TQUIC_A_PATH_WEIGHT, path->weight) ||
	    nla_put_uint(skb, TQUIC_A_PATH_RATE_CAP, path->rate_cap))
		return -EMSGSIZE;
	return 0;
}

static void tquic_nl_put_sock(struct sock *sk)
{
	release_sock(sk);
	sock_put(sk);
}

/**
 * tquic_nl_pre_doit() - find the connection every operation is about
 * @ops: operation
 * @skb: request
 * @info: request; user_ptr[0] becomes the socket
 *
 * Context: process. Leaves the socket locked, for tquic_nl_post_doit().
 * Return: 0, -EINVAL without a token, -ENOENT when no connection has it.
 */
int tquic_nl_pre_doit(const struct genl_split_ops *ops, struct sk_buff *skb,
		      struct genl_info *info)
{
	struct nlattr *attr = info->attrs[TQUIC_A_CONN_TOKEN];
	unsigned long token;
	struct sock *sk;

	if (GENL_REQ_ATTR_CHECK(info, TQUIC_A_CONN_TOKEN)) {
		NL_SET_ERR_MSG(info->extack, "the connection's token is missing");
		return -EINVAL;
	}
	token = nla_get_u32(attr);
	sk = tquic_sock_next(tquic_pernet(genl_info_net(info)), &token, token);
	if (!sk) {
		NL_SET_ERR_MSG_ATTR(info->extack, attr,
				    "no connection has this token");
		return -ENOENT;
	}
	info->user_ptr[0] = sk;
	return 0;
}

/**
 * tquic_nl_post_doit() - let go of the connection
 * @ops: operation
 * @skb: request
 * @info: request
 */
void tquic_nl_post_doit(const struct genl_split_ops *ops, struct sk_buff *skb,
			struct genl_info *info)
{
	tquic_nl_put_sock(info->user_ptr[0]);
}

/* The path a request names, or an ERR_PTR */
static struct tquic_path *tquic_nl_path(struct genl_info *info)
{
	struct tquic_conn *conn = &tquic_sk(info->user_ptr[0])->conn;
	struct nlattr *attr = info->attrs[TQUIC_A_PATH_PATH_ID];
	struct tquic_path *path;

	if (GENL_REQ_ATTR_CHECK(info, TQUIC_A_PATH_PATH_ID)) {
		NL_SET_ERR_MSG(info->extack, "the path's id is missing");
		return ERR_PTR(-EINVAL);
	}
	path = tquic_path_find(conn, nla_get_u32(attr));
	if (!path || path->state == TQUIC_PATH_UNUSED) {
		NL_SET_ERR_MSG_ATTR(info->extack, attr,
				    "the connection has no such path");
		return ERR_PTR(-ENOENT);
	}
	return path;
}

/**
 * tquic_netlink_reply_new() - begin the reply to a request
 * @info: request
 * @hdr: where the header goes, for tquic_netlink_reply()
 *
 * Return: the message, or NULL without memory.
 */
struct sk_buff *tquic_netlink_reply_new(struct genl_info *info, void **hdr)
{
	struct sk_buff *msg = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);

	if (!msg)
		return NULL;
	*hdr = genlmsg_iput(msg, info);
	if (!*hdr) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

/**
 * tquic_netlink_reply() - send a reply, or free it
 * @info: request
 * @msg: message
 * @hdr: its header
 * @err: what came of filling it in
 *
 * Return: @err, or what sending says.
 */
int tquic_netlink_reply(struct genl_info *info, struct sk_buff *msg, void *hdr,
			int err)
{
	if (err) {
		nlmsg_free(msg);
		return err;
	}
	genlmsg_end(msg, hdr);
	return genlmsg_reply(msg, info);
}

int tquic_nl_conn_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct sk_buff *msg;
	void *hdr;

	msg = tquic_netlink_reply_new(info, &hdr);
	if (!msg)
		return -ENOMEM;
	return tquic_netlink_reply(info, msg, hdr,
			      tquic_nl_put_conn(msg, info->user_ptr[0]));
}

int tquic_nl_path_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct tquic_path *path = tquic_nl_path(info);
	struct sk_buff *msg;
	void *hdr;

	if (IS_ERR(path))
		return PTR_ERR(path);
	msg = tquic_netlink_reply_new(info, &hdr);
	if (!msg)
		return -ENOMEM;
	return tquic_netlink_reply(info, msg, hdr,
			      tquic_nl_put_path(msg, info->user_ptr[0], path));
}

/* Begin one more message of a dump. Return: its header, or NULL without room */
void *tquic_netlink_dump_hdr(struct sk_buff *skb, struct netlink_callback *cb)
{
	const struct genl_info *info = genl_info_dump(cb);

	return genlmsg_put(skb, info->snd_portid, info->snd_seq,
			   &tquic_nl_family, NLM_F_MULTI, info->genlhdr->cmd);
}

int tquic_nl_conn_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct tquic_net *tn = tquic_pernet(sock_net(skb->sk));
	struct tquic_nl_cursor *ctx = (void *)cb->ctx;
	struct sock *sk;
	void *hdr;
	int ret;

	while ((sk = tquic_sock_next(tn, &ctx->token, U32_MAX))) {
		hdr = tquic_netlink_dump_hdr(skb, cb);
		ret = hdr ? tquic_nl_put_conn(skb, sk) : -EMSGSIZE;
		tquic_nl_put_sock(sk);
		if (ret) {
			if (hdr)
				genlmsg_cancel(skb, hdr);
			return ret;
		}
		genlmsg_end(skb, hdr);
		ctx->token++;
	}
	return 0;
}

/* Paths of one connection from ctx->slot on; -EMSGSIZE when the skb is full */
static int tquic_nl_dump_paths(struct sk_buff *skb, struct netlink_callback *cb,
			       struct sock *sk)
{
	struct tquic_nl_cursor *ctx = (void *)cb->ctx;
	void *hdr;

	for (; ctx->slot < TQUIC_PATHS_MAX; ctx->slot++) {
		const struct tquic_path *path =
			tquic_conn_path(&tquic_sk(sk)->conn, ctx->slot);

		if (!path || path->state == TQUIC_PATH_UNUSED)
			continue;
		hdr = tquic_netlink_dump_hdr(skb, cb);
		if (!hdr)
			return -EMSGSIZE;
		if (tquic_nl_put_path(skb, sk, path)) {
			genlmsg_cancel(skb, hdr);
			return -EMSGSIZE;
		}
		genlmsg_end(skb, hdr);
	}
	ctx->slot = 0;
	return 0;
}

int tquic_nl_path_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct tquic_net *tn = tquic_pernet(sock_net(skb->sk));
	const struct genl_info *info = genl_info_dump(cb);
	struct nlattr *attr = info->attrs[TQUIC_A_PATH_TOKEN];
	struct tquic_nl_cursor *ctx = (void *)cb->ctx;
	unsigned long token, last = U32_MAX;
	struct sock *sk;
	int ret;

	if (attr) {
		last = nla_get_u32(attr);
		ctx->token = max(ctx->token, last);
	}
	while (ctx->token <= last) {
		token = ctx->token;
		sk = tquic_sock_next(tn, &ctx->token, last);
		if (!sk && attr && !ctx->begun) {
			NL_SET_ERR_MSG_ATTR(cb->extack, attr,
					    "no connection has this token");
			return -ENOENT;
		}
		if (!sk)
			break;
		ctx->begun = true;
		/* Slots of a connection that is gone are not the next one's. */
		if (token != ctx->token)
			ctx->slot = 0;
		ret = tquic_nl_dump_paths(skb, cb, sk);
		tquic_nl_put_sock(sk);
		if (ret)
			return ret;
		ctx->token++;
	}
	return 0;
}

/* Why a path could not be opened, for whoever asked */
static int tquic_nl_path_add_error(struct genl_info *info, int err)
{
	struct nlattr *local = info->attrs[TQUIC_A_PATH_LOCAL];
	struct netlink_ext_ack *extack = info->extack;

	switch (err) {
	case -ENOTCONN:
		NL_SET_ERR_MSG(extack, "the connection is not established");
		break;
	case -EOPNOTSUPP:
		NL_SET_ERR_MSG(extack, "only a client whose peer supports multipath adds paths");
		break;
	case -EPERM:
		NL_SET_ERR_MSG(extack, "the server has asked its clients not to");
		break;
	case -EAGAIN:
		NL_SET_ERR_MSG(extack, "not confirmed yet, or the peer allows no more paths now");
		break;
	case -EAFNOSUPPORT:
		NL_SET_ERR_MSG_ATTR(extack, info->attrs[TQUIC_A_PATH_PEER] ?: local,
				    "not of the same family as the other end");
		break;
	case -EADDRNOTAVAIL:
		NL_SET_ERR_MSG_ATTR(extack, local, "not an address of this host");
		break;
	case -EADDRINUSE:
		NL_SET_ERR_MSG_ATTR(extack, local, "the port is in use");
		break;
	case -ENODEV:
		/* Without a device of its own, the one a link-local address names. */
		NL_SET_ERR_MSG_ATTR(extack, info->attrs[TQUIC_A_PATH_IFINDEX] ?: local,
				    "no such device");
		break;
	case -ENETUNREACH:
	case -EHOSTUNREACH:
		NL_SET_ERR_MSG_ATTR(extack, local, "no route from there to the peer");
		break;
	default:
		NL_SET_ERR_MSG_ATTR(extack, local, "no socket could be opened there");
	}
	return err;
}

int tquic_nl_path_add_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct tquic_addr local, peer = {};
	struct sock *sk = info->user_ptr[0];
	u32 path_id, ifindex = 0, flags = 0;
	struct sk_buff *msg;
	void *hdr;
	int ret;

	if (GENL_REQ_ATTR_CHECK(info, TQUIC_A_PATH_LOCAL)) {
		NL_SET_ERR_MSG(info->extack, "the local address is missing");
		return -EINVAL;
	}
	ret = tquic_netlink_get_addr(info, TQUIC_A_PATH_LOCAL, &local);
	if (!ret && info->attrs[TQUIC_A_PATH_PEER])
		ret = tquic_netlink_get_addr(info, TQUIC_A_PATH_PEER, &peer);
	if (ret)
		return ret;
	if (info->attrs[TQUIC_A_PATH_IFINDEX])
		ifindex = nla_get_u32(info->attrs[TQUIC_A_PATH_IFINDEX]);
	if (info->attrs[TQUIC_A_PATH_FLAGS])
		flags = nla_get_u32(info->attrs[TQUIC_A_PATH_FLAGS]);

	/* Nothing that can fail comes after the path. */
	msg = tquic_netlink_reply_new(info, &hdr);
	if (!msg)
		return -ENOMEM;
	ret = tquic_link_add_path(sk, &local, &peer, ifindex, flags, &path_id);
	if (ret) {
		nlmsg_free(msg);
		return tquic_nl_path_add_error(info, ret);
	}
	ret = nla_put_u32(msg, TQUIC_A_PATH_TOKEN, tquic_sk(sk)->token) ?:
	      nla_put_u32(msg, TQUIC_A_PATH_PATH_ID, path_id);
	return tquic_netlink_reply(info, msg, hdr, ret);
}

/* Paths come and go only while the connection lives. Return: 0 or -ENOTCONN */
static int tquic_nl_established(struct genl_info *info)
{
	if (tquic_sk(info->user_ptr[0])->conn.state == TQUIC_STATE_ESTABLISHED)
		return 0;
	NL_SET_ERR_MSG(info->extack, "the connection is not established");
	return -ENOTCONN;
}

int tquic_nl_path_del_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct tquic_path *path = tquic_nl_path(info);
	struct sock *sk = info->user_ptr[0];
	u64 error = 0;
	int ret;

	if (IS_ERR(path))
		return PTR_ERR(path);
	ret = tquic_nl_established(info);
	if (ret)
		return ret;
	if (info->attrs[TQUIC_A_PATH_ERROR_CODE])
		error = nla_get_uint(info->attrs[TQUIC_A_PATH_ERROR_CODE]);
	ret = tquic_path_close(&tquic_sk(sk)->conn, path, error, tquic_now_ns());
	switch (ret) {
	case -EOPNOTSUPP:
		NL_SET_ERR_MSG(info->extack, "the peer does not support multipath");
		break;
	case -EBUSY:
		NL_SET_ERR_MSG_ATTR(info->extack,
				    info->attrs[TQUIC_A_PATH_PATH_ID],
				    "the last path that works cannot be removed");
		break;
	case -EALREADY:
		NL_SET_ERR_MSG_ATTR(info->extack,
				    info->attrs[TQUIC_A_PATH_PATH_ID],
				    "the path is being abandoned already");
		break;
	}
	tquic_sock_kick(sk);
	return ret;
}

/* May the flags of a path be changed now? The peer is told of them. */
static int tquic_nl_path_flags_check(struct genl_info *info,
				     const struct tquic_path *path)
{
	if (!tquic_sk(info->user_ptr[0])->conn.multipath) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[TQUIC_A_PATH_FLAGS],
				    "the peer does not support multipath");
		return -EOPNOTSUPP;
	}
	if (!tquic_path_is_open(path)) {
		NL_SET_ERR_MSG_ATTR(info->extack,
				    info->attrs[TQUIC_A_PATH_PATH_ID],
				    "the path is being abandoned");
		return -EALREADY;
	}
	return 0;
}

int tquic_nl_path_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *rate_cap = info->attrs[TQUIC_A_PATH_RATE_CAP];
	struct nlattr *weight = info->attrs[TQUIC_A_PATH_WEIGHT];
	struct nlattr *flags = info->attrs[TQUIC_A_PATH_FLAGS];
	struct tquic_path *path = tquic_nl_path(info);
	struct sock *sk = info->user_ptr[0];
	int ret;

	if (IS_ERR(path))
		return PTR_ERR(path);
	if (!flags && !weight && !rate_cap) {
		NL_SET_ERR_MSG(info->extack, "neither flags nor a weight or a rate to set");
		return -EINVAL;
	}
	ret = tquic_nl_established(info);
	if (!ret && flags)
		ret = tquic_nl_path_flags_check(info, path);
	if (ret)
		return ret;
	if (flags)
		tquic_path_set_flags(&tquic_sk(sk)->conn, path, nla_get_u32(flags));
	if (weight)
		path->weight = nla_get_u32(weight);
	if (rate_cap)
		tquic_path_set_rate_cap(path, nla_get_uint(rate_cap));
	tquic_sock_kick(sk);
	return 0;
}

/* Both names are looked up before anything changes */
int tquic_nl_conn_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *sched_attr = info->attrs[TQUIC_A_CONN_SCHEDULER];
	struct nlattr *cc_attr = info->attrs[TQUIC_A_CONN_CONGESTION];
	const struct tquic_sched *sched = NULL;
	const struct tquic_cc_ops *cc_ops = NULL;
	struct sock *sk = info->user_ptr[0];

	sock_owned_by_me(sk);
	if (!sched_attr && !cc_attr) {
		NL_SET_ERR_MSG(info->extack,
			       "neither a scheduler nor a congestion control to set");
		return -EINVAL;
	}
	if (cc_attr) {
		cc_ops = tquic_cc_get(nla_data(cc_attr));
		if (!cc_ops) {
			NL_SET_ERR_MSG_ATTR(info->extack, cc_attr,
					    "no congestion control has this name");
			return -ENOENT;
		}
	}
	if (sched_attr) {
		sched = tquic_sched_get(nla_data(sched_attr));
		if (!sched) {
			tquic_cc_put(cc_ops);
			NL_SET_ERR_MSG_ATTR(info->extack, sched_attr,
					    "no scheduler has this name");
			return -ENOENT;
		}
	}
	if (cc_ops)
		tquic_conn_assign_cc(&tquic_sk(sk)->conn, cc_ops, tquic_now_ns());
	if (sched)
		tquic_sched_assign(&tquic_sk(sk)->conn, sched);
	tquic_sock_kick(sk);
	return 0;
}

/* Name number @i of a registry; false behind the last one */
static bool tquic_nl_registry_name(u32 kind, unsigned int i,
				   char name[TQUIC_NAME_LEN])
{
	return tquic_catalog_name(kind == TQUIC_REGISTRY_SCHEDULER ?
				   &tquic_sched_catalog : &tquic_cc_catalog, i, name);
}

int tquic_nl_registry_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct tquic_nl_cursor *ctx = (void *)cb->ctx;
	char name[TQUIC_NAME_LEN];
	void *hdr;

	/* The cursor's token is the registry here. */
	for (; ctx->token <= TQUIC_REGISTRY_CONGESTION; ctx->token++, ctx->slot = 0) {
		for (; tquic_nl_registry_name(ctx->token, ctx->slot, name); ctx->slot++) {
			hdr = tquic_netlink_dump_hdr(skb, cb);
			if (!hdr)
				return -EMSGSIZE;
			if (nla_put_u32(skb, TQUIC_A_REGISTRY_KIND, ctx->token) ||
			    nla_put_string(skb, TQUIC_A_REGISTRY_NAME, name)) {
				genlmsg_cancel(skb, hdr);
				return -EMSGSIZE;
			}
			genlmsg_end(skb, hdr);
		}
	}
	return 0;
}

static struct sk_buff *tquic_nl_event_new(struct net *net, unsigned int group,
					  u8 cmd, void **hdr)
{
	struct sk_buff *msg;

	/* In any namespace: a quick no, but not a yes. */
	if (!genl_has_listeners(&tquic_nl_family, net, group))
		return NULL;
	msg = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_ATOMIC);
	if (!msg)
		return NULL;
	*hdr = genlmsg_put(msg, 0, 0, &tquic_nl_family, 0, cmd);
	if (!*hdr) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

/* Return: @err, 0, or -ESRCH when nobody listens */
static int tquic_nl_event_send(struct net *net, unsigned int group,
			       struct sk_buff *msg, void *hdr, int err)
{
	if (err) {
		nlmsg_free(msg);
		return err;
	}
	genlmsg_end(msg, hdr);
	return genlmsg_multicast_netns(&tquic_nl_family, net, msg, 0, group,
				       GFP_ATOMIC);
}

/**
 * tquic_netlink_conn_event() - tell listeners about a connection
 * @sk: its socket
 * @cmd: TQUIC_CMD_CONN_ESTABLISHED or TQUIC_CMD_CONN_CLOSED
 *
 * Context: lock held, softirq or process.
 */
void tquic_netlink_conn_event(struct sock *sk, u8 cmd)
{
	struct tquic_info info;
	struct sk_buff *msg;
	void *hdr;
	int ret;

	msg = tquic_nl_event_new(sock_net(sk), TQUIC_NLGRP_EVENTS, cmd, &hdr);
	if (!msg)
		return;
	if (cmd == TQUIC_CMD_CONN_CLOSED) {
		ret = tquic_nl_put_conn_closed(msg, sk);
	} else {
		tquic_info_fill(sk, &info);
		ret = tquic_nl_put_conn_head(msg, sk, &info);
	}
	tquic_nl_event_send(sock_net(sk), TQUIC_NLGRP_EVENTS, msg, hdr, ret);
}

/**
 * tquic_netlink_bond_event() - tell listeners that a bond changed its state
 * @sk: its connection's socket
 * @previous: the state before, enum tquic_bond_state
 *
 * Context: lock held, softirq or process.
 */
void tquic_netlink_bond_event(struct sock *sk, u32 previous)
{
	struct tquic_info info;
	struct sk_buff *msg;
	void *hdr;
	int ret;

	msg = tquic_nl_event_new(sock_net(sk), TQUIC_NLGRP_EVENTS,
				 TQUIC_CMD_BOND_CHANGED, &hdr);
	if (!msg)
		return;
	tquic_info_fill(sk, &info);
	ret = nla_put_u32(msg, TQUIC_A_CONN_TOKEN, info.token) ?:
	      nla_put_u32(msg, TQUIC_A_CONN_STATE, info.state) ?:
	      nla_put_u32(msg, TQUIC_A_CONN_FLAGS, tquic_nl_conn_flags(&info)) ?:
	      tquic_nl_put_conn_addrs(msg, sk) ?:
	      nla_put_u32(msg, TQUIC_A_CONN_PATHS, info.paths) ?:
	      tquic_nl_put_bond(msg, &info, previous);
	tquic_nl_event_send(sock_net(sk), TQUIC_NLGRP_EVENTS, msg, hdr, ret);
}

/**
 * tquic_netlink_path_event() - tell listeners about a path
 * @sk: its connection's socket
 * @cmd: TQUIC_CMD_PATH_VALIDATED, _SUSPECT, _RECOVERED or _ABANDONED
 * @path_id: which path
 *
 * Context: lock held, softirq or process.
 */
void tquic_netlink_path_event(struct sock *sk, u8 cmd, u32 path_id)
{
	struct tquic_path *path = tquic_path_find(&tquic_sk(sk)->conn, path_id);
	struct tquic_path_info info;
	struct sk_buff *msg;
	void *hdr;
	int ret;

	if (!path)
		return;
	msg = tquic_nl_event_new(sock_net(sk), TQUIC_NLGRP_EVENTS, cmd, &hdr);
	if (!msg)
		return;
	tquic_path_info_fill(path, &info);
	ret = tquic_nl_put_path_head(msg, sk, &info);
	if (!ret && cmd == TQUIC_CMD_PATH_ABANDONED)
		ret = nla_put_uint(msg, TQUIC_A_PATH_ERROR_CODE,
				   path->abandon_error);
	tquic_nl_event_send(sock_net(sk), TQUIC_NLGRP_EVENTS, msg, hdr, ret);
}

/**
 * tquic_netlink_handshake_ready() - tell the agents that a handshake waits
 * @net: namespace they serve
 * @token: its connection; 0 only finds out whether there is an agent
 *
 * An agent that does not keep up looks for handshakes by itself.
 *
 * Context: softirq or process.
 * Return: 0, -ESRCH when there is no agent; -ENOMEM when that could not be found out.
 */
int tquic_netlink_handshake_ready(struct net *net, u32 token)
{
	struct sk_buff *msg;
	int ret = 0;
	void *hdr;

	if (!genl_has_listeners(&tquic_nl_family, net, TQUIC_NLGRP_HANDSHAKE))
		return -ESRCH;
	msg = tquic_nl_event_new(net, TQUIC_NLGRP_HANDSHAKE,
				 TQUIC_CMD_HANDSHAKE_READY, &hdr);
	if (!msg)
		return token ? 0 : -ENOMEM;
	if (token)
		ret = nla_put_u32(msg, TQUIC_A_HANDSHAKE_TOKEN, token);
	ret = tquic_nl_event_send(net, TQUIC_NLGRP_HANDSHAKE, msg, hdr, ret);
	return ret == -ENOBUFS ? 0 : ret;
}

/**
 * tquic_netlink_init() - register the family
 *
 * Return: 0 or what registration says.
 */
int __init tquic_netlink_init(void)
{
	BUILD_BUG_ON(ARRAY_SIZE(tquic_nl_groups) != TQUIC_NLGRP_HANDSHAKE + 1);
	tquic_nl_family.mcgrps = tquic_nl_groups;
	return genl_register_family(&tquic_nl_family);
}

/* Unregister the family; no event comes after the last socket */
void tquic_netlink_exit(void)
{
	genl_unregister_family(&tquic_nl_family);
}
