/* SPDX-License-Identifier: GPL-2.0 */
/* Packet numbers received in one space, kept in the shape of an ACK frame. */
#ifndef TQUIC_CORE_RANGES_H
#define TQUIC_CORE_RANGES_H

#include <linux/types.h>

#define TQUIC_RANGES_MAX	64
#define TQUIC_RANGES_FEW	4	/* room without an allocation */

/**
 * struct tquic_range - a run of consecutive packet numbers
 * @lo: smallest packet number of the run
 * @hi: largest packet number of the run (inclusive)
 */
struct tquic_range {
	u64 lo;
	u64 hi;
};

/**
 * struct tquic_ranges - bounded set of received packet numbers
 * @floor: every packet number below counts as received (RFC 9000 13.2.3)
 * @n: ranges in use
 * @room: how many there is room for at @r
 * @r: disjoint, never adjacent, newest first; @few or allocated
 * @few: enough for a path that neither loses nor reorders packets
 */
struct tquic_ranges {
	u64 floor;
	u16 n;
	u16 room;
	struct tquic_range *r;
	struct tquic_range few[TQUIC_RANGES_FEW];
};

void tquic_ranges_init(struct tquic_ranges *r);
void tquic_ranges_destroy(struct tquic_ranges *r);
bool tquic_ranges_add(struct tquic_ranges *r, u64 pn);
bool tquic_ranges_has(const struct tquic_ranges *r, u64 pn);
void tquic_ranges_drop_below(struct tquic_ranges *r, u64 pn);

/**
 * tquic_ranges_largest() - largest packet number held
 * @r: the set
 *
 * Return: the packet number, or -1 when the set is empty.
 */
static inline s64 tquic_ranges_largest(const struct tquic_ranges *r)
{
	return r->n ? (s64)r->r[0].hi : -1;
}

#endif /* TQUIC_CORE_RANGES_H */
