// SPDX-License-Identifier: GPL-2.0
/* Endpoints and limits of the kernel path manager on netlink */
#include <linux/netdevice.h>
#include <net/genetlink.h>
#include <uapi/linux/tquic_netlink.h>
#include "tquic-nl-gen.h"
#include "tquic_net.h"
#include "tquic_netlink.h"

static struct tquic_pm *tquic_nl_pm(const struct genl_info *info)
{
	return &tquic_pernet(genl_info_net(info))->pm;
}

/* Insert by id; readers see it whole */
static void __tquic_pm_insert(struct tquic_pm *pm, struct tquic_endpoint *e)
{
	struct tquic_endpoint *pos;

	lockdep_assert_held(&pm->lock);
	list_for_each_entry(pos, &pm->endpoints, node)
		if (pos->ep.id > e->ep.id)
			break;
	list_add_tail_rcu(&e->node, &pos->node);
}

static void __tquic_pm_remove(struct tquic_pm *pm, struct tquic_endpoint *e)
{
	lockdep_assert_held(&pm->lock);
	list_del_rcu(&e->node);
	tquic_pm_id_put(&pm->ids, e->ep.id);
	kfree_rcu(e, rcu);
}

/* The first endpoint with this id or a higher one, or NULL */
static struct tquic_endpoint *__tquic_pm_from(struct tquic_pm *pm, u32 id)
{
	struct tquic_endpoint *e;

	lockdep_assert_held(&pm->lock);
	list_for_each_entry(e, &pm->endpoints, node)
		if (e->ep.id >= id)
			return e;
	return NULL;
}

/* The endpoint a request names, or an ERR_PTR */
static struct tquic_endpoint *__tquic_nl_endpoint(struct tquic_pm *pm,
						  struct genl_info *info)
{
	struct nlattr *attr = info->attrs[TQUIC_A_ENDPOINT_ID];
	struct tquic_endpoint *e;

	if (GENL_REQ_ATTR_CHECK(info, TQUIC_A_ENDPOINT_ID)) {
		NL_SET_ERR_MSG(info->extack, "the endpoint's id is missing");
		return ERR_PTR(-EINVAL);
	}
	e = __tquic_pm_from(pm, nla_get_u32(attr));
	if (!e || e->ep.id != nla_get_u32(attr)) {
		NL_SET_ERR_MSG_ATTR(info->extack, attr, "no endpoint has this id");
		return ERR_PTR(-ENOENT);
	}
	return e;
}

static int tquic_nl_endpoint_addr(struct genl_info *info, struct tquic_endpoint *e)
{
	struct nlattr *attr = info->attrs[TQUIC_A_ENDPOINT_ADDR];
	int ret;

	if (GENL_REQ_ATTR_CHECK(info, TQUIC_A_ENDPOINT_ADDR)) {
		NL_SET_ERR_MSG(info->extack, "the endpoint's address is missing");
		return -EINVAL;
	}
	ret = tquic_netlink_get_addr(info, TQUIC_A_ENDPOINT_ADDR, &e->addr);
	if (ret)
		return ret;
	if (tquic_addr_is_any(&e->addr)) {
		NL_SET_ERR_MSG_ATTR(info->extack, attr,
				    "the wildcard address is no place to start from");
		return -EINVAL;
	}
	e->ep.v6 = tquic_addr_family(&e->addr) == AF_INET6;
	if (!e->ep.v6 ||
	    !(ipv6_addr_type(&e->addr.v6.sin6_addr) & IPV6_ADDR_LINKLOCAL))
		return 0;
	if (!e->addr.v6.sin6_scope_id)
		e->addr.v6.sin6_scope_id = e->ifindex;
	if (!e->addr.v6.sin6_scope_id) {
		NL_SET_ERR_MSG_ATTR(info->extack, attr,
				    "a link-local address needs its device");
		return -EINVAL;
	}
	return 0;
}

/* Read all but the id of a new endpoint */
static int tquic_nl_endpoint_parse(struct genl_info *info, struct tquic_endpoint *e)
{
	struct nlattr *flags = info->attrs[TQUIC_A_ENDPOINT_FLAGS];
	struct nlattr *ifindex = info->attrs[TQUIC_A_ENDPOINT_IFINDEX];
	const struct net_device *dev;
	bool known = true;

	e->ep.flags = flags ? nla_get_u32(flags) : TQUIC_ENDPOINT_FLAG_SUBFLOW;
	if (!tquic_pm_flags_ok(e->ep.flags)) {
		NL_SET_ERR_MSG_ATTR(info->extack, flags,
				    "nothing is done with an endpoint that is not for subflows");
		return -EINVAL;
	}
	if (ifindex && nla_get_s32(ifindex)) {
		e->ifindex = nla_get_s32(ifindex);
		rcu_read_lock();
		dev = dev_get_by_index_rcu(genl_info_net(info), e->ifindex);
		known = dev;
		if (known)
			strscpy(e->dev, dev->name, sizeof(e->dev));
		rcu_read_unlock();
	}
	if (!known) {
		NL_SET_ERR_MSG_ATTR(info->extack, ifindex, "no such device");
		return -ENODEV;
	}
	return tquic_nl_endpoint_addr(info, e);
}

/* Give a new endpoint its id and its place; explains what is against it */
static int __tquic_nl_endpoint_add(struct tquic_pm *pm, struct genl_info *info,
				   struct tquic_endpoint *e)
{
	struct nlattr *attr = info->attrs[TQUIC_A_ENDPOINT_ID];
	struct tquic_endpoint *pos;
	int id;

	list_for_each_entry(pos, &pm->endpoints, node) {
		if (pos->ifindex != e->ifindex ||
		    !tquic_addr_equal(&pos->addr, &e->addr))
			continue;
		NL_SET_ERR_MSG_ATTR(info->extack,
				    info->attrs[TQUIC_A_ENDPOINT_ADDR],
				    "there is such an endpoint already");
		return -EEXIST;
	}
	id = tquic_pm_id_get(&pm->ids, attr ? nla_get_u32(attr) : 0,
			     pm->limits.endpoints);
	if (id == -ENOSPC)
		NL_SET_ERR_MSG(info->extack,
			       "there are as many endpoints as the limit allows");
	else if (id == -EEXIST)
		NL_SET_ERR_MSG_ATTR(info->extack, attr, "the id is taken");
	if (id < 0)
		return id;
	e->ep.id = id;
	e->ep.key = pm->next_key++;
	/* 0 means none. */
	if (!pm->next_key)
		pm->next_key = 1;
	__tquic_pm_insert(pm, e);
	return 0;
}

int tquic_nl_endpoint_add_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct tquic_pm *pm = tquic_nl_pm(info);
	struct tquic_endpoint *e;
	struct sk_buff *msg;
	void *hdr;
	u32 id;
	int ret;

	e = kzalloc(sizeof(*e), GFP_KERNEL_ACCOUNT);
	if (!e)
		return -ENOMEM;
	ret = tquic_nl_endpoint_parse(info, e);
	if (ret)
		goto err_free;
	/* Nothing that can fail comes after the endpoint. */
	msg = tquic_netlink_reply_new(info, &hdr);
	if (!msg) {
		ret = -ENOMEM;
		goto err_free;
	}
	mutex_lock(&pm->lock);
	ret = __tquic_nl_endpoint_add(pm, info, e);
	id = e->ep.id;
	mutex_unlock(&pm->lock);
	if (ret) {
		nlmsg_free(msg);
		goto err_free;
	}
	tquic_pm_changed(pm);
	return tquic_netlink_reply(info, msg, hdr,
				   nla_put_u32(msg, TQUIC_A_ENDPOINT_ID, id));

err_free:
	kfree(e);
	return ret;
}

int tquic_nl_endpoint_del_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct tquic_pm *pm = tquic_nl_pm(info);
	struct tquic_endpoint *e;

	mutex_lock(&pm->lock);
	e = __tquic_nl_endpoint(pm, info);
	if (!IS_ERR(e))
		__tquic_pm_remove(pm, e);
	mutex_unlock(&pm->lock);
	if (IS_ERR(e))
		return PTR_ERR(e);
	tquic_pm_changed(pm);
	return 0;
}

int tquic_nl_endpoint_flush_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct tquic_pm *pm = tquic_nl_pm(info);
	struct tquic_endpoint *e, *next;

	mutex_lock(&pm->lock);
	list_for_each_entry_safe(e, next, &pm->endpoints, node)
		__tquic_pm_remove(pm, e);
	mutex_unlock(&pm->lock);
	tquic_pm_changed(pm);
	return 0;
}

static int tquic_nl_put_endpoint(struct sk_buff *skb,
				 const struct tquic_endpoint *e)
{
	if (nla_put_u32(skb, TQUIC_A_ENDPOINT_ID, e->ep.id) ||
	    nla_put_u32(skb, TQUIC_A_ENDPOINT_FLAGS, e->ep.flags) ||
	    tquic_netlink_put_addr(skb, TQUIC_A_ENDPOINT_ADDR, &e->addr) ||
	    nla_put_s32(skb, TQUIC_A_ENDPOINT_IFINDEX, e->ifindex))
		return -EMSGSIZE;
	return 0;
}

int tquic_nl_endpoint_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct tquic_pm *pm = tquic_nl_pm(info);
	struct tquic_endpoint *e;
	struct sk_buff *msg;
	void *hdr;
	int ret;

	msg = tquic_netlink_reply_new(info, &hdr);
	if (!msg)
		return -ENOMEM;
	mutex_lock(&pm->lock);
	e = __tquic_nl_endpoint(pm, info);
	ret = IS_ERR(e) ? PTR_ERR(e) : tquic_nl_put_endpoint(msg, e);
	mutex_unlock(&pm->lock);
	return tquic_netlink_reply(info, msg, hdr, ret);
}

int tquic_nl_endpoint_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct tquic_pm *pm = &tquic_pernet(sock_net(skb->sk))->pm;
	unsigned long *id = (void *)cb->ctx;
	struct tquic_endpoint *e;
	int ret = 0;
	void *hdr;

	mutex_lock(&pm->lock);
	while ((e = __tquic_pm_from(pm, *id))) {
		hdr = tquic_netlink_dump_hdr(skb, cb);
		ret = hdr ? tquic_nl_put_endpoint(skb, e) : -EMSGSIZE;
		if (ret) {
			if (hdr)
				genlmsg_cancel(skb, hdr);
			break;
		}
		genlmsg_end(skb, hdr);
		*id = e->ep.id + 1;
	}
	mutex_unlock(&pm->lock);
	return ret;
}

int tquic_nl_limits_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct tquic_pm *pm = tquic_nl_pm(info);
	struct sk_buff *msg;
	void *hdr;
	int ret;

	msg = tquic_netlink_reply_new(info, &hdr);
	if (!msg)
		return -ENOMEM;
	mutex_lock(&pm->lock);
	ret = nla_put_u32(msg, TQUIC_A_LIMITS_EXTRA_PATHS, pm->limits.extra_paths) ?:
	      nla_put_u32(msg, TQUIC_A_LIMITS_ENDPOINTS, pm->limits.endpoints);
	mutex_unlock(&pm->lock);
	return tquic_netlink_reply(info, msg, hdr, ret);
}

int tquic_nl_limits_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *extra = info->attrs[TQUIC_A_LIMITS_EXTRA_PATHS];
	struct nlattr *endpoints = info->attrs[TQUIC_A_LIMITS_ENDPOINTS];
	struct tquic_pm *pm = tquic_nl_pm(info);
	int ret = 0;

	mutex_lock(&pm->lock);
	if (endpoints && nla_get_u32(endpoints) < pm->ids.count) {
		NL_SET_ERR_MSG_ATTR(info->extack, endpoints,
				    "there are more endpoints than that");
		ret = -EBUSY;
	} else {
		if (endpoints)
			pm->limits.endpoints = nla_get_u32(endpoints);
		if (extra)
			WRITE_ONCE(pm->limits.extra_paths, nla_get_u32(extra));
	}
	mutex_unlock(&pm->lock);
	if (!ret)
		tquic_pm_changed(pm);
	return ret;
}
