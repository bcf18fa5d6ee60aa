// SPDX-License-Identifier: GPL-2.0
/* sock_diag for protocol 253: what ss and its like ask for, and SOCK_DESTROY */
#include <linux/inet_diag.h>
#include <linux/module.h>
#include <linux/sock_diag.h>
#include <net/ipv6.h>
#include <net/netlink.h>
#include <net/sock.h>
#include <net/tquic.h>
#include <uapi/linux/tquic_diag.h>

static_assert(sizeof(struct tquic_sk_iter) <=
	      sizeof_field(struct netlink_callback, ctx));

/* Upper bound of what one socket takes */
static size_t tquic_diag_msg_bytes(void)
{
	return nlmsg_total_size(sizeof(struct inet_diag_msg)) +
	       inet_diag_msg_attrs_size() +
	       nla_total_size(sizeof(struct inet_diag_meminfo)) +
	       nla_total_size(sizeof(u32) * SK_MEMINFO_VARS) +
	       nla_total_size_64bit(sizeof(struct tquic_info)) +
	       nla_total_size(sizeof_field(struct tquic_info, congestion)) +
	       nla_total_size(TQUIC_SK_PATHS_MAX *
			      nla_total_size(sizeof(struct tquic_path_info)));
}

static bool tquic_diag_wants(const struct inet_diag_req_v2 *req, int ext)
{
	return req->idiag_ext & (1 << (ext - 1));
}

static int tquic_diag_put_mem(struct sk_buff *skb, struct sock *sk,
			      const struct inet_diag_req_v2 *req)
{
	struct inet_diag_meminfo mem = {
		.idiag_rmem	= sk_rmem_alloc_get(sk),
		.idiag_wmem	= READ_ONCE(sk->sk_wmem_queued),
		.idiag_fmem	= READ_ONCE(sk->sk_forward_alloc),
		.idiag_tmem	= sk_wmem_alloc_get(sk),
	};

	if (tquic_diag_wants(req, INET_DIAG_MEMINFO) &&
	    nla_put(skb, INET_DIAG_MEMINFO, sizeof(mem), &mem))
		return -EMSGSIZE;
	if (tquic_diag_wants(req, INET_DIAG_SKMEMINFO) &&
	    sock_diag_put_meminfo(sk, skb, INET_DIAG_SKMEMINFO))
		return -EMSGSIZE;
	return 0;
}

static int tquic_diag_put_paths(struct sk_buff *skb, const struct sock *sk)
{
	struct nlattr *nest = nla_nest_start(skb, TQUIC_DIAG_PATHS);
	struct tquic_path_info path;
	unsigned int i;

	if (!nest)
		return -EMSGSIZE;
	for (i = 0; i < TQUIC_SK_PATHS_MAX; i++)
		if (tquic_sk_path_info(sk, i, &path) &&
		    nla_put(skb, TQUIC_DIAG_PATH, sizeof(path), &path))
			return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int tquic_diag_put_info(struct sk_buff *skb, struct sock *sk,
			       const struct inet_diag_req_v2 *req)
{
	struct tquic_info info;

	tquic_sk_info(sk, &info);
	if (tquic_diag_wants(req, INET_DIAG_CONG) && info.congestion[0] &&
	    nla_put_string(skb, INET_DIAG_CONG, info.congestion))
		return -EMSGSIZE;
	if (!tquic_diag_wants(req, INET_DIAG_INFO))
		return 0;
	if (nla_put_64bit(skb, INET_DIAG_INFO, sizeof(info), &info,
			  INET_DIAG_PAD))
		return -EMSGSIZE;
	return sk->sk_state == TCP_LISTEN ? 0 : tquic_diag_put_paths(skb, sk);
}

/* One socket, its lock held. Return: 0 or -EMSGSIZE */
static int tquic_diag_fill(struct sk_buff *skb, struct netlink_callback *cb,
			   struct sock *sk, const struct inet_diag_req_v2 *req,
			   u16 flags)
{
	struct user_namespace *user_ns = sk_user_ns(NETLINK_CB(cb->skb).sk);
	bool net_admin = netlink_net_capable(cb->skb, CAP_NET_ADMIN);
	struct inet_diag_msg *r;
	struct nlmsghdr *nlh;

	nlh = nlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
			cb->nlh->nlmsg_type, sizeof(*r), flags);
	if (!nlh)
		return -EMSGSIZE;
	r = nlmsg_data(nlh);
	memset(r, 0, sizeof(*r));
	inet_diag_msg_common_fill(r, sk);
	r->idiag_state = sk->sk_state;
	tquic_sk_queues(sk, &r->idiag_rqueue, &r->idiag_wqueue);
	if (inet_diag_msg_attrs_fill(sk, skb, r, req->idiag_ext, user_ns,
				     net_admin) ||
	    tquic_diag_put_mem(skb, sk, req) ||
	    tquic_diag_put_info(skb, sk, req)) {
		nlmsg_cancel(skb, nlh);
		return -EMSGSIZE;
	}
	nlmsg_end(skb, nlh);
	return 0;
}

static bool tquic_diag_wanted(struct sock *sk, const struct inet_diag_req_v2 *req,
			      const struct inet_diag_dump_data *data)
{
	const struct inet_sock *inet = inet_sk(sk);

	if (!(req->idiag_states & (1 << sk->sk_state)))
		return false;
	if (req->sdiag_family != AF_UNSPEC && req->sdiag_family != sk->sk_family)
		return false;
	if (req->id.idiag_sport && req->id.idiag_sport != inet->inet_sport)
		return false;
	if (req->id.idiag_dport && req->id.idiag_dport != inet->inet_dport)
		return false;
	return inet_diag_bc_sk(data, sk);
}

static void tquic_diag_dump(struct sk_buff *skb, struct netlink_callback *cb,
			    const struct inet_diag_req_v2 *req)
{
	struct tquic_sk_iter *done = (void *)cb->ctx;
	struct tquic_sk_iter iter = *done;
	struct sock *sk;
	int ret = 0;

	while ((sk = tquic_sk_next(sock_net(skb->sk), &iter))) {
		if (tquic_diag_wanted(sk, req, cb->data))
			ret = tquic_diag_fill(skb, cb, sk, req, NLM_F_MULTI);
		tquic_sk_put(sk);
		if (ret)
			break;
		*done = iter;
	}
	/* Nothing fits: inet_diag asks again with more room. */
	if (ret && !skb->len)
		cb->min_dump_alloc = max_t(u32, cb->min_dump_alloc,
					   tquic_diag_msg_bytes());
}

static bool tquic_diag_same_addrs(const struct sock *sk,
				  const struct inet_diag_sockid *id)
{
	const struct inet_sock *inet = inet_sk(sk);

	if (id->idiag_sport != inet->inet_sport ||
	    id->idiag_dport != inet->inet_dport)
		return false;
	if (sk->sk_family == AF_INET6)
		return ipv6_addr_equal((const struct in6_addr *)id->idiag_src,
				       &sk->sk_v6_rcv_saddr) &&
		       ipv6_addr_equal((const struct in6_addr *)id->idiag_dst,
				       &sk->sk_v6_daddr);
	return id->idiag_src[0] == sk->sk_rcv_saddr &&
	       id->idiag_dst[0] == sk->sk_daddr;
}

/*
 * The socket a request names, its lock held, or an ERR_PTR. A cookie names it
 * alone: other connections may share the addresses, and its own change when
 * its paths do.
 */
static struct sock *tquic_diag_find(struct net *net,
				    const struct inet_diag_req_v2 *req)
{
	const struct inet_diag_sockid *id = &req->id;
	bool cookie = id->idiag_cookie[0] != INET_DIAG_NOCOOKIE ||
		      id->idiag_cookie[1] != INET_DIAG_NOCOOKIE;
	struct tquic_sk_iter iter = {};
	struct sock *sk;

	while ((sk = tquic_sk_next(net, &iter))) {
		if (req->sdiag_family == sk->sk_family &&
		    (cookie ? !sock_diag_check_cookie(sk, id->idiag_cookie) :
			      tquic_diag_same_addrs(sk, id)))
			return sk;
		tquic_sk_put(sk);
	}
	return ERR_PTR(-ENOENT);
}

static int tquic_diag_dump_one(struct netlink_callback *cb,
			       const struct inet_diag_req_v2 *req)
{
	struct net *net = sock_net(cb->skb->sk);
	struct sk_buff *rep;
	struct sock *sk;
	int ret;

	rep = nlmsg_new(tquic_diag_msg_bytes(), GFP_KERNEL);
	if (!rep)
		return -ENOMEM;
	sk = tquic_diag_find(net, req);
	if (IS_ERR(sk)) {
		ret = PTR_ERR(sk);
	} else {
		ret = tquic_diag_fill(rep, cb, sk, req, 0);
		tquic_sk_put(sk);
	}
	if (ret) {
		nlmsg_free(rep);
		return ret;
	}
	return nlmsg_unicast(net->diag_nlsk, rep, NETLINK_CB(cb->skb).portid);
}

/* SOCK_DESTROY; sock_diag_destroy() checks who asks */
static int tquic_diag_kill(struct sk_buff *in_skb,
			   const struct inet_diag_req_v2 *req)
{
	struct sock *sk = tquic_diag_find(sock_net(in_skb->sk), req);
	int ret;

	if (IS_ERR(sk))
		return PTR_ERR(sk);
	sock_hold(sk);
	tquic_sk_put(sk);
	ret = sock_diag_destroy(sk, ECONNABORTED);
	sock_put(sk);
	return ret;
}

static const struct inet_diag_handler tquic_diag_handler = {
	.owner		= THIS_MODULE,
	.dump		= tquic_diag_dump,
	.dump_one	= tquic_diag_dump_one,
	.destroy	= tquic_diag_kill,
	.idiag_type	= IPPROTO_TQUIC,
};

static int __init tquic_diag_init(void)
{
	return inet_diag_register(&tquic_diag_handler);
}

static void __exit tquic_diag_exit(void)
{
	inet_diag_unregister(&tquic_diag_handler);
}

module_init(tquic_diag_init);
module_exit(tquic_diag_exit);

MODULE_DESCRIPTION("sock_diag of TQUIC sockets");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS("TQUIC");
