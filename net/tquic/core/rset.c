// SPDX-License-Identifier: GPL-2.0
/* Sets of disjoint ranges whose nodes are records of sent frames. */
#include <linux/limits.h>
#include <linux/minmax.h>

#include "core/rec.h"
#include "core/rset.h"

static struct tquic_rec *rset_rec(struct rb_node *node)
{
	return rb_entry_safe(node, struct tquic_rec, rb);
}

/* First range that ends at or above @at. */
static struct tquic_rec *rset_seek(const struct rb_root *root, u64 at)
{
	struct rb_node *node = root->rb_node;
	struct tquic_rec *best = NULL, *rec;

	while (node) {
		rec = rset_rec(node);
		if (rec->id >= at) {
			best = rec;
			node = node->rb_left;
		} else {
			node = node->rb_right;
		}
	}
	return best;
}

/* First range that ends above @at. */
static struct tquic_rec *rset_seek_above(const struct rb_root *root, u64 at)
{
	return at == U64_MAX ? NULL : rset_seek(root, at + 1);
}

static void rset_link(struct rb_root *root, struct tquic_rec *rec)
{
	struct rb_node **link = &root->rb_node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = rec->off < rset_rec(parent)->off ? &parent->rb_left : &parent->rb_right;
	}
	rb_link_node(&rec->rb, parent, link);
	rb_insert_color(&rec->rb, root);
}

static void rset_drop(struct rb_root *root, struct tquic_rec *rec)
{
	rb_erase(&rec->rb, root);
	tquic_rec_free(rec);
}

void tquic_rset_add(struct rb_root *root, struct tquic_rec *rec, u64 lo, u64 hi)
{
	struct tquic_rec *old, *next;

	if (lo >= hi) {
		tquic_rec_free(rec);
		return;
	}
	old = rset_seek(root, lo);
	if (!old || old->off > hi) {
		rec->off = lo;
		rec->id = hi;
		rset_link(root, rec);
		return;
	}
	tquic_rec_free(rec);
	old->off = min(old->off, lo);
	old->id = max(old->id, hi);
	while ((next = rset_rec(rb_next(&old->rb))) && next->off <= old->id) {
		old->id = max(old->id, next->id);
		rset_drop(root, next);
	}
}

bool tquic_rset_cut(struct rb_root *root, u64 lo, u64 hi, struct tquic_rec **spare)
{
	struct tquic_rec *rec, *next;

	if (lo > hi)
		return true;
	rec = rset_seek_above(root, lo);
	if (rec && rec->off < lo && rec->id > hi) {
		next = *spare;
		if (!next)
			return false;
		*spare = NULL;
		next->off = hi;
		next->id = rec->id;
		rec->id = lo;
		rset_link(root, next);
		return true;
	}
	for (; rec && rec->off < hi; rec = next) {
		next = rset_rec(rb_next(&rec->rb));
		if (rec->off < lo)
			rec->id = lo;
		else if (rec->id > hi)
			rec->off = hi;
		else
			rset_drop(root, rec);
	}
	return true;
}

bool tquic_rset_next(const struct rb_root *root, u64 from, u64 *lo, u64 *hi)
{
	const struct tquic_rec *rec = rset_seek_above(root, from);

	if (!rec)
		return false;
	*lo = rec->off;
	*hi = rec->id;
	return true;
}

u64 tquic_rset_contig(const struct rb_root *root, u64 from)
{
	const struct tquic_rec *rec = rset_seek_above(root, from);

	return rec && rec->off <= from ? rec->id : from;
}

bool tquic_rset_covers(const struct rb_root *root, u64 lo, u64 hi)
{
	return lo >= hi || tquic_rset_contig(root, lo) >= hi;
}

void tquic_rset_trim_below(struct rb_root *root, u64 off)
{
	struct tquic_rec *rec;

	while ((rec = rset_rec(rb_first(root))) && rec->off < off) {
		if (rec->id > off) {
			rec->off = off;
			return;
		}
		rset_drop(root, rec);
	}
}

void tquic_rset_free(struct rb_root *root)
{
	struct tquic_rec *rec, *next;

	rbtree_postorder_for_each_entry_safe(rec, next, root, rb)
		tquic_rec_free(rec);
	*root = RB_ROOT;
}
