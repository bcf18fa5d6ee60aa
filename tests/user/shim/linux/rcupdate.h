/* SPDX-License-Identifier: GPL-2.0 */
/* Userspace stand-in for <linux/rcupdate.h>: one thread needs no grace period. */
#ifndef TQUIC_SHIM_LINUX_RCUPDATE_H
#define TQUIC_SHIM_LINUX_RCUPDATE_H

#include <linux/compiler.h>
#include <linux/slab.h>
#include <linux/types.h>

#define rcu_read_lock()			do { } while (0)
#define rcu_read_unlock()		do { } while (0)
#define synchronize_rcu()		do { } while (0)
#define rcu_barrier()			do { } while (0)
#define rcu_dereference(p)		(p)
#define rcu_dereference_bh(p)		(p)
#define rcu_dereference_raw(p)		(p)
#define rcu_dereference_protected(p, c)	(p)
#define rcu_dereference_check(p, c)	(p)
#define rcu_access_pointer(p)		(p)
#define rcu_assign_pointer(p, v)	((p) = (v))
#define RCU_INIT_POINTER(p, v)		((p) = (v))
#define rcu_replace_pointer(p, v, c) \
	({ typeof(p) __rcu_old = (p); (p) = (v); __rcu_old; })
#define call_rcu(head, fn)		((fn)(head))
#define kfree_rcu(p, member)		kfree(p)
#define kfree_rcu_mightsleep(p)		kfree(p)

#endif /* TQUIC_SHIM_LINUX_RCUPDATE_H */
