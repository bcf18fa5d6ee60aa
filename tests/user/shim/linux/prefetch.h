/* SPDX-License-Identifier: GPL-2.0 */
/* Userspace stand-in for <linux/prefetch.h>: nothing to align or fetch. */
#ifndef TQUIC_SHIM_LINUX_PREFETCH_H
#define TQUIC_SHIM_LINUX_PREFETCH_H

#include <linux/compiler.h>

#endif /* TQUIC_SHIM_LINUX_PREFETCH_H */
