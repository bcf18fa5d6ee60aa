/* SPDX-License-Identifier: GPL-2.0 */
/* Userspace stand-in for <linux/ktime.h>: units of time only; L0 and L1 have no clock. */
#ifndef TQUIC_SHIM_LINUX_KTIME_H
#define TQUIC_SHIM_LINUX_KTIME_H

#include <linux/time64.h>

#endif /* TQUIC_SHIM_LINUX_KTIME_H */
