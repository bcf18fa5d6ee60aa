/* SPDX-License-Identifier: GPL-2.0 */
/* Userspace stand-in for <linux/mutex.h>: see spinlock.h. */
#ifndef TQUIC_SHIM_LINUX_MUTEX_H
#define TQUIC_SHIM_LINUX_MUTEX_H

#include <linux/spinlock.h>

struct mutex {
	bool held;
};

#define DEFINE_MUTEX(name)	struct mutex name = { false }
#define mutex_init(m)		((void)((m)->held = false))
#define mutex_lock(m)		spin_lock(m)
#define mutex_unlock(m)		spin_unlock(m)

#endif /* TQUIC_SHIM_LINUX_MUTEX_H */
