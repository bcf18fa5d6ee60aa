/* SPDX-License-Identifier: GPL-2.0 */
/* Userspace stand-in for <linux/compiler_types.h>: see compiler.h. */
#ifndef TQUIC_SHIM_LINUX_COMPILER_TYPES_H
#define TQUIC_SHIM_LINUX_COMPILER_TYPES_H

#include <linux/compiler.h>

#endif /* TQUIC_SHIM_LINUX_COMPILER_TYPES_H */
