// SPDX-License-Identifier: GPL-2.0
/* Packet numbers received in one space, kept in the shape of an ACK frame. */
#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "core/ranges.h"

#define TQUIC_RANGES_GFP	(GFP_ATOMIC | __GFP_NOWARN | __GFP_ACCOUNT)

/**
 * tquic_ranges_init() - make an empty set
 * @r: the set, which holds no memory
 */
void tquic_ranges_init(struct tquic_ranges *r)
{
	r->floor = 0;
	r->n = 0;
	r->room = TQUIC_RANGES_FEW;
	r->r = r->few;
}

/**
 * tquic_ranges_destroy() - free all memory
 * @r: the set, which is empty afterwards
 */
void tquic_ranges_destroy(struct tquic_ranges *r)
{
	if (r->r != r->few)
		kfree(r->r);
	tquic_ranges_init(r);
}

/* More room, unless it is as much as can be or there is no memory. */
static void tquic_ranges_grow(struct tquic_ranges *r)
{
	u16 room = min(4 * r->room, TQUIC_RANGES_MAX);
	struct tquic_range *more;

	if (room == r->room)
		return;
	more = kmalloc_array(room, sizeof(*more), TQUIC_RANGES_GFP);
	if (!more)
		return;
	memcpy(more, r->r, r->n * sizeof(*more));
	if (r->r != r->few)
		kfree(r->r);
	r->r = more;
	r->room = room;
}

/* The holes are filled or forgotten: what was allocated for them goes back. */
static void tquic_ranges_shrink(struct tquic_ranges *r)
{
	struct tquic_range *more = r->r;

	if (more == r->few || r->n > 1)
		return;
	memcpy(r->few, more, r->n * sizeof(*more));
	r->r = r->few;
	r->room = TQUIC_RANGES_FEW;
	kfree(more);
}

/* Index of the newest range that does not lie wholly above @pn. */
static u16 tquic_ranges_find(const struct tquic_ranges *r, u64 pn)
{
	u16 i = 0;

	while (i < r->n && r->r[i].lo > pn)
		i++;
	return i;
}

/**
 * tquic_ranges_has() - was a packet number received already
 * @r: the set
 * @pn: packet number
 *
 * Return: true when @pn is in the set or too old to tell.
 */
bool tquic_ranges_has(const struct tquic_ranges *r, u64 pn)
{
	u16 i;

	if (pn < r->floor)
		return true;
	i = tquic_ranges_find(r, pn);
	return i < r->n && pn <= r->r[i].hi;
}

static void tquic_ranges_remove(struct tquic_ranges *r, u16 i)
{
	r->n--;
	memmove(&r->r[i], &r->r[i + 1], (r->n - i) * sizeof(r->r[0]));
	tquic_ranges_shrink(r);
}

/*
 * Opens a new range at @i, at the cost of the oldest one when there is no room.  One that
 * would be the oldest itself is not reported, but never taken again either.
 */
static bool tquic_ranges_insert(struct tquic_ranges *r, u16 i, u64 pn)
{
	if (r->n == r->room)
		tquic_ranges_grow(r);
	if (r->n == r->room) {
		if (i == r->n) {
			r->floor = pn + 1;
			return false;
		}
		r->n--;
		r->floor = r->r[r->n].hi + 1;
	}
	memmove(&r->r[i + 1], &r->r[i], (r->n - i) * sizeof(r->r[0]));
	r->r[i].lo = pn;
	r->r[i].hi = pn;
	r->n++;
	return true;
}

/**
 * tquic_ranges_add() - note a received packet number
 * @r: the set
 * @pn: packet number
 *
 * When all ranges are in use, or there is no memory for more, the oldest one is
 * forgotten, and everything up to it counts as received from then on.
 *
 * Return: false when @pn is a duplicate or too old to tell: drop the packet.
 */
bool tquic_ranges_add(struct tquic_ranges *r, u64 pn)
{
	bool joins_newer, joins_older;
	u16 i;

	if (tquic_ranges_has(r, pn))
		return false;
	i = tquic_ranges_find(r, pn);
	joins_newer = i > 0 && r->r[i - 1].lo == pn + 1;
	joins_older = i < r->n && r->r[i].hi + 1 == pn;
	if (joins_newer && joins_older) {
		r->r[i - 1].lo = r->r[i].lo;
		tquic_ranges_remove(r, i);
	} else if (joins_newer) {
		r->r[i - 1].lo = pn;
	} else if (joins_older) {
		r->r[i].hi = pn;
	} else {
		return tquic_ranges_insert(r, i, pn);
	}
	return true;
}

/**
 * tquic_ranges_drop_below() - stop reporting old packet numbers
 * @r: the set
 * @pn: lowest packet number still of interest
 *
 * Call it with the largest number of an ACK frame the peer has received
 * (RFC 9000 13.2.4). Numbers below @pn count as received from then on.
 */
void tquic_ranges_drop_below(struct tquic_ranges *r, u64 pn)
{
	if (pn <= r->floor)
		return;
	r->floor = pn;
	while (r->n && r->r[r->n - 1].hi < pn)
		r->n--;
	if (r->n && r->r[r->n - 1].lo < pn)
		r->r[r->n - 1].lo = pn;
	tquic_ranges_shrink(r);
}
