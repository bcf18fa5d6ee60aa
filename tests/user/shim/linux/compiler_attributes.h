/* SPDX-License-Identifier: GPL-2.0 */
/* Userspace stand-in for <linux/compiler_attributes.h>: see compiler.h. */
#ifndef TQUIC_SHIM_LINUX_COMPILER_ATTRIBUTES_H
#define TQUIC_SHIM_LINUX_COMPILER_ATTRIBUTES_H

#include <linux/compiler.h>

#endif /* TQUIC_SHIM_LINUX_COMPILER_ATTRIBUTES_H */
