/* SPDX-License-Identifier: GPL-2.0 */
/* Userspace stand-in for <linux/byteorder.h>: byte order. */
#ifndef TQUIC_SHIM_LINUX_BYTEORDER_H
#define TQUIC_SHIM_LINUX_BYTEORDER_H

#include <asm/byteorder.h>

#endif /* TQUIC_SHIM_LINUX_BYTEORDER_H */
