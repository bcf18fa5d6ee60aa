/* SPDX-License-Identifier: GPL-2.0 */
/* Userspace stand-in for <linux/bitops.h>: bits in words and arrays. */
#ifndef TQUIC_SHIM_LINUX_BITOPS_H
#define TQUIC_SHIM_LINUX_BITOPS_H

#include <linux/bits.h>
#include <linux/types.h>

#define BITS_TO_LONGS(n)	(((n) + BITS_PER_LONG - 1) / BITS_PER_LONG)

static inline void __set_bit(unsigned long n, unsigned long *p)
{
	p[n / BITS_PER_LONG] |= BIT(n % BITS_PER_LONG);
}

static inline void __clear_bit(unsigned long n, unsigned long *p)
{
	p[n / BITS_PER_LONG] &= ~BIT(n % BITS_PER_LONG);
}

static inline bool test_bit(unsigned long n, const unsigned long *p)
{
	return p[n / BITS_PER_LONG] >> (n % BITS_PER_LONG) & 1;
}

static inline bool __test_and_set_bit(unsigned long n, unsigned long *p)
{
	bool was = test_bit(n, p);

	__set_bit(n, p);
	return was;
}

static inline bool __test_and_clear_bit(unsigned long n, unsigned long *p)
{
	bool was = test_bit(n, p);

	__clear_bit(n, p);
	return was;
}

#define set_bit(n, p)			__set_bit(n, p)
#define clear_bit(n, p)			__clear_bit(n, p)
#define test_and_set_bit(n, p)		__test_and_set_bit(n, p)
#define test_and_clear_bit(n, p)	__test_and_clear_bit(n, p)

static inline unsigned long find_next_bit(const unsigned long *p,
					  unsigned long size, unsigned long n)
{
	while (n < size && !test_bit(n, p))
		n++;
	return n < size ? n : size;
}

static inline unsigned long find_next_zero_bit(const unsigned long *p,
					       unsigned long size,
					       unsigned long n)
{
	while (n < size && test_bit(n, p))
		n++;
	return n < size ? n : size;
}

#define find_first_bit(p, size)		find_next_bit(p, size, 0)
#define find_first_zero_bit(p, size)	find_next_zero_bit(p, size, 0)
#define for_each_set_bit(n, p, size) \
	for ((n) = find_first_bit(p, size); (n) < (size); \
	     (n) = find_next_bit(p, size, (n) + 1))

#define __ffs(x)	((unsigned long)__builtin_ctzl(x))
#define __fls(x)	((unsigned long)(63 - __builtin_clzl(x)))

static inline int ffs64(u64 x)
{
	return x ? __builtin_ctzll(x) + 1 : 0;
}

static inline int fls(unsigned int x)
{
	return x ? 32 - __builtin_clz(x) : 0;
}

static inline int fls64(u64 x)
{
	return x ? 64 - __builtin_clzll(x) : 0;
}

#define hweight8(x)	((unsigned int)__builtin_popcount((u8)(x)))
#define hweight16(x)	((unsigned int)__builtin_popcount((u16)(x)))
#define hweight32(x)	((unsigned int)__builtin_popcount(x))
#define hweight64(x)	((unsigned int)__builtin_popcountll(x))
#define hweight_long(x)	((unsigned int)__builtin_popcountl(x))

#endif /* TQUIC_SHIM_LINUX_BITOPS_H */
