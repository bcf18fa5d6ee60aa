/* SPDX-License-Identifier: GPL-2.0 */
/* Sets of disjoint ranges whose nodes are records of sent frames. */
#ifndef TQUIC_CORE_RSET_H
#define TQUIC_CORE_RSET_H

#include <linux/rbtree.h>
#include <linux/types.h>

struct tquic_rec;

/**
 * tquic_rset_add() - add a range to the set
 * @root: the set
 * @rec: unused record; belongs to the set from now on
 * @lo: first value
 * @hi: first value behind the range
 *
 * In a set, rec->off and rec->id are the two ends of a range. Touching and
 * overlapping ranges become one node and absorbed nodes are freed: this never
 * allocates.
 */
void tquic_rset_add(struct rb_root *root, struct tquic_rec *rec, u64 lo, u64 hi);

/**
 * tquic_rset_cut() - remove [lo, hi) from the set
 * @root: the set
 * @lo: first removed value
 * @hi: first value kept behind the hole
 * @spare: unused record; taken and set to NULL when a range has to be split
 *
 * An empty hole splits the range around it into two that touch.
 *
 * Return: false when a split was needed and *@spare was NULL; set unchanged.
 */
bool tquic_rset_cut(struct rb_root *root, u64 lo, u64 hi, struct tquic_rec **spare);

/* First range that ends above @from, as [*lo, *hi); false when there is none. */
bool tquic_rset_next(const struct rb_root *root, u64 from, u64 *lo, u64 *hi);

/* End of the covered run that holds @from; @from itself when not covered. */
u64 tquic_rset_contig(const struct rb_root *root, u64 from);

/* Is every value of [lo, hi) in the set? An empty range always is. */
bool tquic_rset_covers(const struct rb_root *root, u64 lo, u64 hi);

/* Remove everything below @off. */
void tquic_rset_trim_below(struct rb_root *root, u64 off);

/* Free every node. */
void tquic_rset_free(struct rb_root *root);

#endif
