/* SPDX-License-Identifier: GPL-2.0 */
/* Userspace stand-in for <linux/math64.h>: 64-bit division. */
#ifndef TQUIC_SHIM_LINUX_MATH64_H
#define TQUIC_SHIM_LINUX_MATH64_H

#include <linux/math.h>
#include <linux/types.h>

static inline u64 div_u64(u64 a, u32 b)
{
	return a / b;
}

static inline s64 div_s64(s64 a, s32 b)
{
	return a / b;
}

static inline u64 div64_u64(u64 a, u64 b)
{
	return a / b;
}

static inline s64 div64_s64(s64 a, s64 b)
{
	return a / b;
}

static inline u64 div_u64_rem(u64 a, u32 b, u32 *rem)
{
	*rem = a % b;
	return a / b;
}

static inline u64 div64_u64_rem(u64 a, u64 b, u64 *rem)
{
	*rem = a % b;
	return a / b;
}

static inline u64 mul_u64_u32_div(u64 a, u32 mul, u32 div)
{
	return (unsigned __int128)a * mul / div;
}

static inline u64 mul_u64_u64_div_u64(u64 a, u64 mul, u64 div)
{
	return (unsigned __int128)a * mul / div;
}

static inline u64 mul_u64_u32_shr(u64 a, u32 mul, unsigned int shift)
{
	return ((unsigned __int128)a * mul) >> shift;
}

static inline u64 mul_u64_u64_shr(u64 a, u64 mul, unsigned int shift)
{
	return ((unsigned __int128)a * mul) >> shift;
}

#define do_div(n, base) ({ \
	u32 __rem = (n) % (u32)(base); \
	(n) /= (u32)(base); \
	__rem; })
#define DIV64_U64_ROUND_UP(a, b)	(((a) + (b) - 1) / (b))
#define DIV_U64_ROUND_CLOSEST(a, b)	(((a) + (b) / 2) / (b))

#endif /* TQUIC_SHIM_LINUX_MATH64_H */
