/* SPDX-License-Identifier: GPL-2.0 */
/* Userspace stand-in for <linux/errno.h>: error numbers. */
#ifndef TQUIC_SHIM_LINUX_ERRNO_H
#define TQUIC_SHIM_LINUX_ERRNO_H

#include <asm/errno.h>

#ifndef ENOTSUPP
#define ENOTSUPP	524
#endif

#endif /* TQUIC_SHIM_LINUX_ERRNO_H */
