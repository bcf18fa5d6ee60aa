/* SPDX-License-Identifier: GPL-2.0 */
/* Userspace stand-in for <linux/gfp.h>: allocation flags. */
#ifndef TQUIC_SHIM_LINUX_GFP_H
#define TQUIC_SHIM_LINUX_GFP_H

#include <linux/types.h>

#define GFP_KERNEL	0x01U
#define GFP_ATOMIC	0x02U
#define GFP_NOWAIT	0x04U
#define __GFP_ZERO	0x08U
#define __GFP_NOWARN	0x10U
#define __GFP_ACCOUNT	0x20U
#define GFP_KERNEL_ACCOUNT	(GFP_KERNEL | __GFP_ACCOUNT)

#endif /* TQUIC_SHIM_LINUX_GFP_H */
