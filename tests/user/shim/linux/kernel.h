/* SPDX-License-Identifier: GPL-2.0 */
/* Userspace stand-in for <linux/kernel.h>: the usual includes. */
#ifndef TQUIC_SHIM_LINUX_KERNEL_H
#define TQUIC_SHIM_LINUX_KERNEL_H

#include <stdarg.h>
#include <stdio.h>

#include <linux/array_size.h>
#include <linux/bitops.h>
#include <linux/bug.h>
#include <linux/compiler.h>
#include <linux/container_of.h>
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/log2.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/printk.h>
#include <linux/stddef.h>
#include <linux/types.h>

int scnprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);

#endif /* TQUIC_SHIM_LINUX_KERNEL_H */
