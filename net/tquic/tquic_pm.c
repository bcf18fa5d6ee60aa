// SPDX-License-Identifier: GPL-2.0
/* The kernel path manager: opens paths from endpoints, follows interfaces and addresses */
#include <linux/inetdevice.h>
#include <linux/netdevice.h>
#include <net/addrconf.h>
#include <net/l3mdev.h>
#include <uapi/linux/tquic_netlink.h>
#include "tquic_sock.h"

static struct tquic_pm *tquic_pm_of(const struct sock *sk)
{
	return &tquic_sock_net(sk)->pm;
}

/* Does it manage this connection at all? */
static bool tquic_pm_applies(const struct sock *sk)
{
	const struct tquic_conn *conn = &tquic_sk(sk)->conn;

	return tquic_sk(sk)->alive && !tquic_sk(sk)->own_paths &&
	       conn->state == TQUIC_STATE_ESTABLISHED && !conn->server &&
	       conn->multipath && conn->confirmed;
}

/**
 * tquic_pm_changed() - endpoints, interfaces or addresses are other ones now
 * @pm: path manager
 *
 * One work item looks at all connections, however often it is asked to.
 *
 * Context: any.
 */
void tquic_pm_changed(struct tquic_pm *pm)
{
	queue_work(tquic_urgent_wq, &pm->work);
}

/* Did it open one of these paths?  The last that works outlives its endpoint. */
static bool tquic_pm_has_paths(const struct tquic_conn *conn)
{
	const struct tquic_link *link;
	const struct tquic_path *path;

	tquic_for_each_path(conn, path) {
		link = path->link;
		if (link && link->endpoint)
			return true;
	}
	return false;
}

/**
 * tquic_pm_wake() - paths of a connection came, went, or became possible
 * @sk: its socket
 *
 * Context: lock held, softirq or process.
 */
void tquic_pm_wake(struct sock *sk)
{
	if (!tquic_pm_applies(sk))
		return;
	if (!READ_ONCE(tquic_pm_of(sk)->ids.count) &&
	    !tquic_pm_has_paths(&tquic_sk(sk)->conn))
		return;
	tquic_sk(sk)->pm_due = true;
	tquic_sock_queue_work(sk);
}

/* A path that it opened, or NULL */
static const struct tquic_path *tquic_pm_own_path(const struct sock *sk, u32 path_id)
{
	const struct tquic_path *path = tquic_path_find(&tquic_sk(sk)->conn, path_id);
	const struct tquic_link *link = path ? path->link : NULL;

	return link && link->endpoint ? path : NULL;
}

/* Something failed: it is tried again, after a longer pause than the last time */
static void tquic_pm_try_again(struct sock *sk)
{
	struct tquic_pm_retry *retry = &tquic_sk(sk)->pm.retry;

	if (retry->due_ns)
		return;
	retry->pause_s = tquic_pm_retry_s(retry->pause_s);
	retry->due_ns = tquic_now_ns() + retry->pause_s * (u64)NSEC_PER_SEC;
}

/*
 * A path of an endpoint ends: the next one is to be used as it was, whoever wanted that.
 * Without memory it is used as the endpoint says.
 */
static void tquic_pm_remember(struct sock *sk, const struct tquic_path *path)
{
	struct tquic_sock *tsk = tquic_sk(sk);
	const struct tquic_link *link = path->link;
	struct tquic_pm_wish wish = {
		.key = link->endpoint,
		.flags = (path->backup ? TQUIC_PATH_BACKUP : 0) |
			 (path->metered ? TQUIC_PATH_METERED : 0),
		.weight = path->weight,
		.rate_cap = path->rate_cap,
	};

	if (!tsk->pm.wishes)
		tsk->pm.wishes = kzalloc(sizeof(*tsk->pm.wishes), GFP_ATOMIC | __GFP_ACCOUNT);
	if (tsk->pm.wishes)
		tquic_pm_wish_keep(tsk->pm.wishes, &wish);
}

/**
 * tquic_pm_abandoned() - a path was given up, by the peer or by the engine
 * @sk: socket
 * @path_id: which
 *
 * Opened again at once it would be given up again: its endpoint waits.
 *
 * Context: lock held, softirq or process.
 */
void tquic_pm_abandoned(struct sock *sk, u32 path_id)
{
	const struct tquic_path *path = tquic_pm_own_path(sk, path_id);

	if (!path)
		return;
	tquic_pm_remember(sk, path);
	tquic_sk(sk)->pm.retry.hold = true;
	tquic_pm_try_again(sk);
}

/**
 * tquic_pm_validated() - a path works: what fails next is tried again soon
 * @sk: socket
 * @path_id: which
 *
 * Context: lock held, softirq or process.
 */
void tquic_pm_validated(struct sock *sk, u32 path_id)
{
	if (tquic_pm_own_path(sk, path_id))
		tquic_sk(sk)->pm.retry.pause_s = 0;
}

/**
 * tquic_pm_on_timeout() - try again what failed, if it is time
 * @sk: socket
 * @now: time in ns
 *
 * Context: lock held, softirq or process.
 */
void tquic_pm_on_timeout(struct sock *sk, u64 now)
{
	struct tquic_pm_retry *retry = &tquic_sk(sk)->pm.retry;

	if (!retry->due_ns || now < retry->due_ns)
		return;
	retry->due_ns = 0;
	retry->hold = false;
	tquic_pm_wake(sk);
}

static const struct tquic_endpoint *tquic_pm_find_key(const struct tquic_pm *pm,
						      u32 key)
{
	const struct tquic_endpoint *e;

	list_for_each_entry_rcu(e, &pm->endpoints, node)
		if (e->ep.key == key)
			return e;
	return NULL;
}

/* Does a path leave by this device, or by one of this VRF? */
static bool tquic_pm_leaves_by(struct net *net, const struct tquic_link *link, int ifindex)
{
	return link->oif == ifindex ||
	       l3mdev_master_ifindex_by_index(net, link->oif) == ifindex;
}

/*
 * The endpoint a path of others starts from too, or NULL.  Where it leaves by counts only
 * while it works: after an outage the routes of its interface may be back last.
 */
static const struct tquic_endpoint *tquic_pm_endpoint_of(const struct sock *sk,
							 const struct tquic_path *path)
{
	bool active = path->state == TQUIC_PATH_ACTIVE;
	const struct tquic_link *link = path->link;
	const struct tquic_endpoint *e;

	list_for_each_entry_rcu(e, &tquic_pm_of(sk)->endpoints, node)
		if (tquic_addr_equal_ip(&e->addr, &link->route.local) &&
		    (!e->ifindex || !active ||
		     tquic_pm_leaves_by(sock_net(sk), link, e->ifindex)))
			return e;
	return NULL;
}

/* Its key, or 0 */
static u32 tquic_pm_key_of(const struct sock *sk, const struct tquic_path *path)
{
	const struct tquic_endpoint *e = tquic_pm_endpoint_of(sk, path);

	return e ? e->ep.key : 0;
}

/* Index of an address of the peer, which is added when it is new */
static u8 tquic_pm_peer(struct tquic_pm_view *view, struct tquic_addr *peers,
			const struct tquic_addr *peer)
{
	u8 i;

	for (i = 0; i < view->peers; i++)
		if (tquic_addr_equal(&peers[i], peer))
			return i;
	peers[i] = *peer;
	view->peer_v6[i] = tquic_addr_family(peer) == AF_INET6;
	view->peers++;
	return i;
}

/* Is a path bound to a device that is gone?  One made anew has another index.  RCU read side */
static bool tquic_pm_device_gone(const struct sock *sk, const struct tquic_link *link)
{
	int ifindex = link->route.ifindex;

	return ifindex && !dev_get_by_index_rcu(sock_net(sk), ifindex);
}

/* Fill in what decisions need; RCU read side */
static void tquic_pm_look(const struct sock *sk, struct tquic_pm_view *view,
			  struct tquic_addr *peers)
{
	const struct tquic_path *path;
	const struct tquic_link *link;

	memset(view, 0, sizeof(*view));
	tquic_pm_peer(view, peers, &tquic_sk(sk)->peer);
	tquic_for_each_path(&tquic_sk(sk)->conn, path) {
		struct tquic_pm_leg *leg = &view->leg[view->legs];

		link = path->link;
		if (!link || !tquic_path_is_open(path) || tquic_pm_device_gone(sk, link))
			continue;
		leg->peer = tquic_pm_peer(view, peers, &link->route.peer);
		leg->ours = link->endpoint;
		leg->key = link->endpoint ?: tquic_pm_key_of(sk, path);
		view->legs++;
	}
}

/* Can a path be opened from there now, as far as this host knows? */
static bool tquic_pm_ready(struct net *net, const struct tquic_endpoint *e)
{
	return tquic_link_has_addr(net, &e->addr) &&
	       (!e->ifindex || tquic_link_dev_works(net, e->ifindex));
}

/*
 * The next endpoint with an id of @id or more that is to get a path, and where
 * to: for this one from the peer's address @first on.  They are copied, since
 * opening it sleeps.  Return: index of that address, or -ENOENT.
 */
static int tquic_pm_next(const struct sock *sk, u32 id, unsigned int first,
			 struct tquic_endpoint *next, struct tquic_addr *peer)
{
	struct tquic_addr peers[TQUIC_PM_PEERS_MAX];
	const struct tquic_pm *pm = tquic_pm_of(sk);
	const struct tquic_endpoint *e;
	struct tquic_pm_limits limits;
	struct tquic_pm_view view;
	int i = -ENOENT;

	limits.extra_paths = READ_ONCE(pm->limits.extra_paths);
	rcu_read_lock();
	tquic_pm_look(sk, &view, peers);
	list_for_each_entry_rcu(e, &pm->endpoints, node) {
		if (e->ep.id < id || !tquic_link_within(sk, e->ifindex) ||
		    !tquic_pm_ready(sock_net(sk), e))
			continue;
		i = tquic_pm_next_peer(&view, &e->ep, &limits, e->ep.id == id ? first : 0);
		if (i < 0)
			continue;
		*next = *e;
		*peer = peers[i];
		break;
	}
	rcu_read_unlock();
	return i;
}

static int tquic_pm_open_path(struct sock *sk, const struct tquic_endpoint *e,
			      const struct tquic_addr *peer)
{
	const struct tquic_pm_wish *wish;
	struct tquic_path *path;
	struct tquic_link *link;
	u32 path_id;
	int ret;

	wish = tquic_pm_wish_find(tquic_sk(sk)->pm.wishes, e->ep.key);
	ret = tquic_link_add_path(sk, &e->addr, peer, e->ifindex,
				  wish ? wish->flags : tquic_pm_path_flags(e->ep.flags),
				  &path_id);
	if (ret)
		return ret;
	path = tquic_path_find(&tquic_sk(sk)->conn, path_id);
	link = path ? path->link : NULL;
	if (!link)
		return 0;
	link->endpoint = e->ep.key;
	if (wish) {
		path->weight = wish->weight;
		tquic_path_set_rate_cap(path, wish->rate_cap);
	}
	return 0;
}

/* Open what is missing. Return: false when something has to be tried again */
static bool tquic_pm_open(struct sock *sk)
{
	struct tquic_endpoint e;
	struct tquic_addr peer;
	bool done = true;
	int first = 0;
	u32 id = 0;
	int i, ret;

	while ((i = tquic_pm_next(sk, id, first, &e, &peer)) >= 0) {
		if (tquic_sk(sk)->pm.retry.hold)
			return false;
		ret = tquic_pm_open_path(sk, &e, &peer);
		/* More ids of the peer wake us. */
		if (ret == -EAGAIN || ret == -ENOTCONN)
			break;
		if (!ret)
			continue;
		/* No route yet, or a new address under test (RFC 4862): on with what is next */
		id = e.ep.id;
		first = i + 1;
		done = false;
	}
	return done;
}

/*
 * Is it for the path manager to give the path up: its own, and the one the program began
 * with, where an endpoint has another one opened in its place
 */
static bool tquic_pm_keeps(const struct sock *sk, const struct tquic_path *path)
{
	const struct tquic_link *link = path->link;
	bool keeps;

	if (!link || !tquic_path_is_open(path))
		return false;
	if (link->endpoint)
		return true;
	if (path->id || !tquic_path_others(&tquic_sk(sk)->conn, path))
		return false;
	rcu_read_lock();
	keeps = tquic_pm_endpoint_of(sk, path);
	rcu_read_unlock();
	return keeps;
}

/* Why a path is to be given up: a code of PATH_ABANDON; 0: it is not */
static u64 tquic_pm_stale(const struct sock *sk, const struct tquic_link *link)
{
	struct net *net = sock_net(sk);
	bool wanted, known, gone;

	rcu_read_lock();
	wanted = !link->endpoint || tquic_pm_find_key(tquic_pm_of(sk), link->endpoint);
	known = dev_get_by_index_rcu(net, link->oif);
	gone = tquic_pm_device_gone(sk, link);
	rcu_read_unlock();
	if (!wanted)
		return TQUIC_ERR_APPLICATION_ABANDON_PATH;
	if (gone ||
	    tquic_pm_gone_for_good(tquic_link_has_addr(net, &link->route.local),
				   known, tquic_link_dev_works(net, link->oif)))
		return TQUIC_ERR_PATH_UNSTABLE_OR_POOR;
	return 0;
}

/*
 * Give up the paths whose endpoint or address has gone; the last one stays for now.
 * An endpoint at that address has another one opened when it is back.
 */
static void tquic_pm_close(struct sock *sk)
{
	struct tquic_pm_retry retry = tquic_sk(sk)->pm.retry;
	struct tquic_conn *conn = &tquic_sk(sk)->conn;
	struct tquic_path *path;
	u64 error;

	tquic_for_each_path(conn, path) {
		if (!tquic_pm_keeps(sk, path))
			continue;
		error = tquic_pm_stale(sk, path->link);
		if (error)
			tquic_path_close(conn, path, error, tquic_now_ns());
	}
	/* These are not failures. */
	tquic_sk(sk)->pm.retry = retry;
}

/*
 * connect() may have started from an endpoint that is to be spared: so is its path then.
 * Once for each endpoint, and not where somebody wants it otherwise.  Context: lock held
 */
static void tquic_pm_spare_first(struct sock *sk)
{
	struct tquic_conn *conn = &tquic_sk(sk)->conn;
	struct tquic_path *path = tquic_path_find(conn, 0);
	const struct tquic_endpoint *e;
	struct tquic_link *link;
	u32 flags = 0;

	link = path && tquic_path_is_open(path) ? path->link : NULL;
	if (!link)
		return;
	rcu_read_lock();
	e = tquic_pm_endpoint_of(sk, path);
	if (e && e->ep.key != link->spared_for) {
		link->spared_for = e->ep.key;
		flags = tquic_pm_path_flags(e->ep.flags);
	}
	rcu_read_unlock();
	if (flags && !path->backup && !path->metered)
		tquic_path_set_flags(conn, path, flags);
}

/* Where do the paths leave by now, and do they work, as far as this host knows? */
static void tquic_pm_check_links(struct sock *sk)
{
	struct tquic_conn *conn = &tquic_sk(sk)->conn;
	struct tquic_path *path;

	tquic_for_each_path(conn, path) {
		if (path->link && tquic_path_is_open(path))
			tquic_link_check(sk, path);
	}
}

/**
 * tquic_pm_run() - have a connection's paths be as the endpoints want
 * @sk: socket
 *
 * Context: process, lock held, may sleep. The caller calls tquic_sock_kick().
 */
void tquic_pm_run(struct sock *sk)
{
	/* Nothing tells of routes that came. */
	tquic_pm_check_links(sk);
	if (!tquic_pm_applies(sk))
		return;
	tquic_pm_spare_first(sk);
	tquic_pm_close(sk);
	if (!tquic_pm_open(sk))
		tquic_pm_try_again(sk);
}

/**
 * tquic_pm_look_at() - interfaces, addresses or endpoints changed
 * @sk: socket of a connection
 *
 * Context: process, lock held, may sleep.
 */
void tquic_pm_look_at(struct sock *sk)
{
	tquic_sk(sk)->pm.retry = (struct tquic_pm_retry) {};
	tquic_pm_run(sk);
	tquic_sock_kick(sk);
}

/*
 * A program may sleep with the lock, as on a page of its data, for as long as it likes:
 * the others do not wait for that.
 */
static bool tquic_pm_defer(struct sock *sk)
{
	bool owned;

	local_bh_disable();
	bh_lock_sock(sk);
	owned = sock_owned_by_user(sk);
	if (owned)
		set_bit(TQUIC_DEFER_PM, &tquic_sk(sk)->deferred);
	bh_unlock_sock(sk);
	local_bh_enable();
	return owned;
}

static void tquic_pm_work(struct work_struct *work)
{
	struct tquic_pm *pm = container_of(work, struct tquic_pm, work);
	struct tquic_net *tn = container_of(pm, struct tquic_net, pm);
	unsigned long token = 0;
	struct sock *sk;

	while ((sk = tquic_sock_find_next(tn, &token, U32_MAX))) {
		if (!tquic_pm_defer(sk)) {
			lock_sock(sk);
			if (tquic_sk(sk)->alive)
				tquic_pm_look_at(sk);
			release_sock(sk);
		}
		sock_put(sk);
		token++;
		cond_resched();
	}
}

/* Without connections there is nothing that would have to know */
static void tquic_pm_notify(struct net *net)
{
	struct tquic_net *tn = tquic_pernet(net);

	if (!xa_empty(&tn->conns))
		tquic_pm_changed(&tn->pm);
}

/* Is it an endpoint's device: under a new name, or made anew under the old one? */
static bool tquic_pm_meets(const struct tquic_endpoint *e, struct net_device *dev)
{
	bool named = !strcmp(e->dev, dev->name);

	if (e->ifindex == dev->ifindex)
		return !named;
	return named && !__dev_get_by_index(dev_net(dev), e->ifindex);
}

/*
 * Devices of PPP, of USB and of tunnels come back with another index.  It is the same
 * endpoint, and its paths stay its own.  Without memory it goes on waiting for what it had.
 *
 * Context: process, RTNL held, may sleep.
 */
static void tquic_pm_follow(struct net_device *dev)
{
	struct tquic_pm *pm = &tquic_pernet(dev_net(dev))->pm;
	struct tquic_endpoint *e, *next, *anew;
	bool met = false;

	mutex_lock(&pm->lock);
	list_for_each_entry_safe(e, next, &pm->endpoints, node) {
		if (!e->ifindex || !tquic_pm_meets(e, dev))
			continue;
		anew = kmemdup(e, sizeof(*e), GFP_KERNEL_ACCOUNT);
		if (!anew)
			continue;
		if (tquic_addr_family(&e->addr) == AF_INET6 &&
		    e->addr.v6.sin6_scope_id == e->ifindex)
			anew->addr.v6.sin6_scope_id = dev->ifindex;
		anew->ifindex = dev->ifindex;
		strscpy(anew->dev, dev->name, sizeof(anew->dev));
		list_replace_rcu(&e->node, &anew->node);
		kfree_rcu(e, rcu);
		met = true;
	}
	mutex_unlock(&pm->lock);
	if (met)
		tquic_pm_notify(dev_net(dev));
}

static int tquic_pm_netdev_event(struct notifier_block *nb, unsigned long event,
				 void *ptr)
{
	switch (event) {
	case NETDEV_REGISTER:
	case NETDEV_CHANGENAME:
		tquic_pm_follow(netdev_notifier_info_to_dev(ptr));
		break;
	case NETDEV_UP:
	/* Its queues take nothing from here on, a grace period and more before NETDEV_DOWN. */
	case NETDEV_GOING_DOWN:
	case NETDEV_DOWN:
	case NETDEV_CHANGE:
	case NETDEV_CHANGEMTU:
	case NETDEV_UNREGISTER:
		tquic_pm_notify(dev_net(netdev_notifier_info_to_dev(ptr)));
	}
	return NOTIFY_DONE;
}

static int tquic_pm_inetaddr_event(struct notifier_block *nb,
				   unsigned long event, void *ptr)
{
	const struct in_ifaddr *ifa = ptr;

	tquic_pm_notify(dev_net(ifa->ifa_dev->dev));
	return NOTIFY_DONE;
}

/* Context: softirq or process, RCU; atomic */
static int tquic_pm_inet6addr_event(struct notifier_block *nb,
				    unsigned long event, void *ptr)
{
	const struct inet6_ifaddr *ifa = ptr;

	tquic_pm_notify(dev_net(ifa->idev->dev));
	return NOTIFY_DONE;
}

static struct notifier_block tquic_pm_netdev_nb = {
	.notifier_call = tquic_pm_netdev_event,
};

static struct notifier_block tquic_pm_inetaddr_nb = {
	.notifier_call = tquic_pm_inetaddr_event,
};

static struct notifier_block tquic_pm_inet6addr_nb = {
	.notifier_call = tquic_pm_inet6addr_event,
};

void tquic_pm_net_init(struct tquic_pm *pm)
{
	mutex_init(&pm->lock);
	INIT_LIST_HEAD(&pm->endpoints);
	pm->next_key = 1;
	pm->limits.extra_paths = TQUIC_PM_EXTRA_PATHS;
	pm->limits.endpoints = TQUIC_PM_ENDPOINTS;
	INIT_WORK(&pm->work, tquic_pm_work);
}

/* The namespace has no connections, devices and netlink sockets any more */
void tquic_pm_net_exit(struct tquic_pm *pm)
{
	struct tquic_endpoint *e, *next;

	cancel_work_sync(&pm->work);
	list_for_each_entry_safe(e, next, &pm->endpoints, node)
		kfree_rcu(e, rcu);
}

/**
 * tquic_pm_init() - begin to follow interfaces and addresses
 *
 * Return: 0 or an errno of the registrations.
 */
int __init tquic_pm_init(void)
{
	int ret;

	ret = register_netdevice_notifier(&tquic_pm_netdev_nb);
	if (ret)
		return ret;
	ret = register_inetaddr_notifier(&tquic_pm_inetaddr_nb);
	if (ret)
		goto err_netdev;
	ret = register_inet6addr_notifier(&tquic_pm_inet6addr_nb);
	if (ret)
		goto err_inetaddr;
	return 0;

err_inetaddr:
	unregister_inetaddr_notifier(&tquic_pm_inetaddr_nb);
err_netdev:
	unregister_netdevice_notifier(&tquic_pm_netdev_nb);
	return ret;
}

void tquic_pm_exit(void)
{
	unregister_inet6addr_notifier(&tquic_pm_inet6addr_nb);
	unregister_inetaddr_notifier(&tquic_pm_inetaddr_nb);
	unregister_netdevice_notifier(&tquic_pm_netdev_nb);
}
