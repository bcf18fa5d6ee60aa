/* SPDX-License-Identifier: GPL-2.0 */
/* Userspace stand-in for <linux/array_size.h>: entries of an array. */
#ifndef TQUIC_SHIM_LINUX_ARRAY_SIZE_H
#define TQUIC_SHIM_LINUX_ARRAY_SIZE_H

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#endif /* TQUIC_SHIM_LINUX_ARRAY_SIZE_H */
