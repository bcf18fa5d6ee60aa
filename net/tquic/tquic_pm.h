/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel path manager: endpoints of a namespace, paths that follow interfaces */
#ifndef TQUIC_PM_H
#define TQUIC_PM_H

#include <linux/if.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/workqueue.h>
#include "pm/pm.h"
#include "tquic_addr.h"

struct net;
struct sock;
struct tquic_net;

/**
 * struct tquic_endpoint - a local address to open paths from
 * @node: in tquic_pm.endpoints
 * @rcu: freed after a grace period
 * @ep: what decisions need
 * @addr: the address; port 0: the kernel chooses
 * @ifindex: device to be bound to, or 0
 * @dev: its name, by which it is known again
 *
 * It is constant: another one takes its place when its device is made anew.
 */
struct tquic_endpoint {
	struct list_head node;
	struct rcu_head rcu;
	struct tquic_pm_endpoint ep;
	struct tquic_addr addr;
	int ifindex;
	char dev[IFNAMSIZ];
};

/**
 * struct tquic_pm_retry - when what failed for a connection is tried again
 * @due_ns: then; 0: nothing has failed
 * @pause_s: the pause before that, or before the last try; 0: there was none
 * @hold: a path that was opened has failed: none is opened before that
 */
struct tquic_pm_retry {
	u64 due_ns;
	u32 pause_s;
	bool hold;
};

/**
 * struct tquic_pm_sock - what the path manager knows of a connection
 * @retry: when it tries again what failed
 * @wishes: how paths that ended were to be used, or NULL
 */
struct tquic_pm_sock {
	struct tquic_pm_retry retry;
	struct tquic_pm_wishes *wishes;
};

/**
 * struct tquic_pm - path manager of a namespace
 * @lock: for writers of all but @work
 * @endpoints: by id; read under RCU
 * @ids: their ids
 * @next_key: key of the endpoint added next
 * @limits: read without the lock
 * @work: looks at all connections
 */
struct tquic_pm {
	struct mutex lock;	/* endpoints, ids, next_key, limits */
	struct list_head endpoints;
	struct tquic_pm_ids ids;
	u32 next_key;
	struct tquic_pm_limits limits;
	struct work_struct work;
};

int tquic_pm_init(void);
void tquic_pm_exit(void);
void tquic_pm_net_init(struct tquic_pm *pm);
void tquic_pm_net_exit(struct tquic_pm *pm);
void tquic_pm_changed(struct tquic_pm *pm);
void tquic_pm_wake(struct sock *sk);
void tquic_pm_run(struct sock *sk);
void tquic_pm_look_at(struct sock *sk);
void tquic_pm_abandoned(struct sock *sk, u32 path_id);
void tquic_pm_validated(struct sock *sk, u32 path_id);
void tquic_pm_on_timeout(struct sock *sk, u64 now);

#endif /* TQUIC_PM_H */
