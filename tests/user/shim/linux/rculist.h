/* SPDX-License-Identifier: GPL-2.0 */
/* Userspace stand-in for <linux/rculist.h>: see list.h and rcupdate.h. */
#ifndef TQUIC_SHIM_LINUX_RCULIST_H
#define TQUIC_SHIM_LINUX_RCULIST_H

#include <linux/list.h>
#include <linux/rcupdate.h>

#define list_add_rcu(n, h)		list_add(n, h)
#define list_add_tail_rcu(n, h)		list_add_tail(n, h)
#define list_del_rcu(n)			__list_del_entry(n)
#define list_for_each_entry_rcu(p, h, member, ...) \
	list_for_each_entry(p, h, member)

#endif /* TQUIC_SHIM_LINUX_RCULIST_H */
