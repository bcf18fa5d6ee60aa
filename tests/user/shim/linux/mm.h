/* SPDX-License-Identifier: GPL-2.0 */
/* Userspace stand-in for <linux/mm.h>: large allocations. */
#ifndef TQUIC_SHIM_LINUX_MM_H
#define TQUIC_SHIM_LINUX_MM_H

#include <linux/slab.h>

#define PAGE_SHIFT	12
#define PAGE_SIZE	(1UL << PAGE_SHIFT)

#endif /* TQUIC_SHIM_LINUX_MM_H */
