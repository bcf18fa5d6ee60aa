/* SPDX-License-Identifier: GPL-2.0 */
/* Userspace stand-in for <linux/container_of.h>: from a member to its structure. */
#ifndef TQUIC_SHIM_LINUX_CONTAINER_OF_H
#define TQUIC_SHIM_LINUX_CONTAINER_OF_H

#include <stddef.h>

#define container_of(ptr, type, member) \
	((type *)((char *)(ptr) - offsetof(type, member)))
#define container_of_const(ptr, type, member)	container_of(ptr, type, member)

#endif /* TQUIC_SHIM_LINUX_CONTAINER_OF_H */
