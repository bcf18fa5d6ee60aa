/* SPDX-License-Identifier: GPL-2.0 */
/* Userspace stand-in for <linux/log2.h>: logarithms. */
#ifndef TQUIC_SHIM_LINUX_LOG2_H
#define TQUIC_SHIM_LINUX_LOG2_H

#include <linux/types.h>

#define ilog2(n)		((int)(63 - __builtin_clzll(n)))
#define is_power_of_2(n)	((n) != 0 && !((n) & ((n) - 1)))

static inline unsigned long roundup_pow_of_two(unsigned long n)
{
	return n <= 1 ? 1 : 1UL << (64 - __builtin_clzl(n - 1));
}

static inline unsigned long rounddown_pow_of_two(unsigned long n)
{
	return 1UL << (63 - __builtin_clzl(n));
}

#endif /* TQUIC_SHIM_LINUX_LOG2_H */
