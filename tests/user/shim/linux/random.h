/* SPDX-License-Identifier: GPL-2.0 */
/* Userspace stand-in for <linux/random.h>: a generator that repeats; TQUIC_SEED in the environment changes it. */
#ifndef TQUIC_SHIM_LINUX_RANDOM_H
#define TQUIC_SHIM_LINUX_RANDOM_H

#include <linux/types.h>

/* State of the generator; 0: begin anew. */
extern u64 tquic_shim_random;

u64 get_random_u64(void);
void get_random_bytes(void *buf, size_t len);

static inline u32 get_random_u32(void)
{
	return get_random_u64() >> 32;
}

static inline u16 get_random_u16(void)
{
	return get_random_u64() >> 48;
}

static inline u8 get_random_u8(void)
{
	return get_random_u64() >> 56;
}

static inline u32 get_random_u32_below(u32 ceil)
{
	return ceil ? get_random_u32() % ceil : 0;
}

static inline u32 get_random_u32_inclusive(u32 lo, u32 hi)
{
	return lo + get_random_u64() % ((u64)hi - lo + 1);
}

#endif /* TQUIC_SHIM_LINUX_RANDOM_H */
