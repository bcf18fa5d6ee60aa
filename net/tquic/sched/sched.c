// SPDX-License-Identifier: GPL-2.0
/* Registry of packet schedulers, and what all of them ask about a path */
#include <linux/errno.h>
#include <linux/rculist.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include "core/conn.h"
#include "sched/sched.h"

static LIST_HEAD(tquic_sched_list);
static DEFINE_SPINLOCK(tquic_sched_lock);

static struct tquic_sched_ops *tquic_sched_find(const char *name)
{
	struct tquic_sched_ops *ops;

	list_for_each_entry_rcu(ops, &tquic_sched_list, list,
				lockdep_is_held(&tquic_sched_lock))
		if (!strcmp(ops->name, name))
			return ops;
	return NULL;
}

/**
 * tquic_sched_register() - offer a scheduler by its name
 * @ops: scheduler; must live until tquic_sched_unregister()
 *
 * Return: 0, or -EEXIST when the name is taken.
 */
int tquic_sched_register(struct tquic_sched_ops *ops)
{
	int ret = 0;

	spin_lock_bh(&tquic_sched_lock);
	if (tquic_sched_find(ops->name))
		ret = -EEXIST;
	else
		list_add_tail_rcu(&ops->list, &tquic_sched_list);
	spin_unlock_bh(&tquic_sched_lock);
	return ret;
}

/**
 * tquic_sched_unregister() - withdraw a scheduler
 * @ops: scheduler; users hold its module, so none are left
 *
 * Context: process, sleeps for a grace period.
 */
void tquic_sched_unregister(struct tquic_sched_ops *ops)
{
	spin_lock_bh(&tquic_sched_lock);
	list_del_rcu(&ops->list);
	spin_unlock_bh(&tquic_sched_lock);
	synchronize_rcu();
}

/**
 * tquic_sched_get() - find a scheduler and hold its module
 * @name: its name
 *
 * Return: the scheduler, to be given back with tquic_sched_put(), or NULL.
 */
const struct tquic_sched_ops *tquic_sched_get(const char *name)
{
	struct tquic_sched_ops *ops;

	rcu_read_lock();
	ops = tquic_sched_find(name);
	if (ops && !try_module_get(ops->owner))
		ops = NULL;
	rcu_read_unlock();
	return ops;
}

/**
 * tquic_sched_put() - give a scheduler back
 * @ops: what tquic_sched_get() returned
 */
void tquic_sched_put(const struct tquic_sched_ops *ops)
{
	module_put(ops->owner);
}

/**
 * tquic_sched_usable() - may data be put on a path at all
 * @path: path
 *
 * A suspect path carries probes only: what it swallows would have to be sent
 * again.
 *
 * Return: true for a validated path that is not failing.
 */
bool tquic_sched_usable(const struct tquic_path *path)
{
	return path->state == TQUIC_PATH_ACTIVE;
}

/**
 * tquic_sched_room() - does the congestion window take one more packet
 * @path: path
 */
bool tquic_sched_room(const struct tquic_path *path)
{
	return tquic_cc_can_send(&path->cc);
}

/**
 * tquic_sched_paced() - has the path to wait for its pacer
 * @path: path
 * @now: time in ns
 */
bool tquic_sched_paced(const struct tquic_path *path, u64 now)
{
	u64 rate = tquic_cc_pacing_rate(&path->cc, &path->rtt);

	return tquic_pacer_next_ns(&path->pacer, now, rate, path->mtu_bytes) > now;
}

/**
 * tquic_sched_full() - does the path carry what its controller allows
 * @path: path
 * @now: time in ns
 *
 * Most controllers say so by the window.  One with a pacing rate of its own
 * keeps the window far above what is in flight: its path is full while the
 * pacer has it wait.
 */
bool tquic_sched_full(const struct tquic_path *path, u64 now)
{
	return !tquic_sched_room(path) ||
	       (path->cc.ops->pacing_rate && tquic_sched_paced(path, now));
}
