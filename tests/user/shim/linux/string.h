/* SPDX-License-Identifier: GPL-2.0 */
/* Userspace stand-in for <linux/string.h>: memory and strings. */
#ifndef TQUIC_SHIM_LINUX_STRING_H
#define TQUIC_SHIM_LINUX_STRING_H

#include <string.h>

#include <linux/types.h>

ssize_t strscpy(char *dst, const char *src, size_t size);
void *memchr_inv(const void *p, int c, size_t n);

static inline void memzero_explicit(void *p, size_t n)
{
	memset(p, 0, n);
	__asm__ __volatile__("" : : "r"(p) : "memory");
}

#endif /* TQUIC_SHIM_LINUX_STRING_H */
