/* SPDX-License-Identifier: GPL-2.0 */
/* Userspace stand-in for <linux/bitmap.h>: arrays of bits. */
#ifndef TQUIC_SHIM_LINUX_BITMAP_H
#define TQUIC_SHIM_LINUX_BITMAP_H

#include <linux/bitops.h>
#include <linux/string.h>

#define DECLARE_BITMAP(name, bits)	unsigned long name[BITS_TO_LONGS(bits)]

static inline void bitmap_zero(unsigned long *p, unsigned int nbits)
{
	memset(p, 0, BITS_TO_LONGS(nbits) * sizeof(*p));
}

static inline bool bitmap_empty(const unsigned long *p, unsigned int nbits)
{
	return find_first_bit(p, nbits) == nbits;
}

static inline bool bitmap_full(const unsigned long *p, unsigned int nbits)
{
	return find_first_zero_bit(p, nbits) == nbits;
}

static inline unsigned int bitmap_weight(const unsigned long *p,
					 unsigned int nbits)
{
	unsigned int i, n = 0;

	for (i = 0; i < nbits; i++)
		n += test_bit(i, p);
	return n;
}

#endif /* TQUIC_SHIM_LINUX_BITMAP_H */
