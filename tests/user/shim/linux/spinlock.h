/* SPDX-License-Identifier: GPL-2.0 */
/* Userspace stand-in for <linux/spinlock.h>: locks that know whether they are held. */
#ifndef TQUIC_SHIM_LINUX_SPINLOCK_H
#define TQUIC_SHIM_LINUX_SPINLOCK_H

#include <linux/bug.h>
#include <linux/types.h>

typedef struct {
	bool held;
} spinlock_t;

#define __SPIN_LOCK_UNLOCKED(name)	{ false }
#define DEFINE_SPINLOCK(name)	spinlock_t name = { false }
#define spin_lock_init(l)	((void)((l)->held = false))
#define spin_lock(l)		do { BUG_ON((l)->held); (l)->held = true; } while (0)
#define spin_unlock(l)		do { BUG_ON(!(l)->held); (l)->held = false; } while (0)
#define spin_lock_bh(l)		spin_lock(l)
#define spin_unlock_bh(l)	spin_unlock(l)
#define lockdep_assert_held(l)	BUG_ON(!(l)->held)

#endif /* TQUIC_SHIM_LINUX_SPINLOCK_H */
