/* SPDX-License-Identifier: GPL-2.0 */
/* Userspace stand-in for <linux/cache.h>: nothing to align or fetch. */
#ifndef TQUIC_SHIM_LINUX_CACHE_H
#define TQUIC_SHIM_LINUX_CACHE_H

#include <linux/compiler.h>

#endif /* TQUIC_SHIM_LINUX_CACHE_H */
