/* SPDX-License-Identifier: GPL-2.0 */
/* Userspace stand-in for <linux/lockdep.h>: see spinlock.h. */
#ifndef TQUIC_SHIM_LINUX_LOCKDEP_H
#define TQUIC_SHIM_LINUX_LOCKDEP_H

#include <linux/spinlock.h>

#endif /* TQUIC_SHIM_LINUX_LOCKDEP_H */
