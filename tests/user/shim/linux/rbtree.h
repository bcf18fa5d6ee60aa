/* SPDX-License-Identifier: GPL-2.0 */
/* Userspace stand-in for <linux/rbtree.h>: a treap, balanced by the hash of the nodes' addresses. */
#ifndef TQUIC_SHIM_LINUX_RBTREE_H
#define TQUIC_SHIM_LINUX_RBTREE_H

#include <linux/container_of.h>
#include <linux/stddef.h>
#include <linux/types.h>

struct rb_node {
	struct rb_node *rb_parent;
	struct rb_node *rb_left;
	struct rb_node *rb_right;
};

struct rb_root {
	struct rb_node *rb_node;
};

#define RB_ROOT			((struct rb_root) { NULL })
#define RB_EMPTY_ROOT(root)	(!(root)->rb_node)
#define RB_CLEAR_NODE(node)	((node)->rb_parent = (node))
#define RB_EMPTY_NODE(node)	((node)->rb_parent == (node))
#define rb_parent(node)		((node)->rb_parent)
#define rb_entry(ptr, type, member)	container_of(ptr, type, member)
#define rb_entry_safe(ptr, type, member) ({				\
	typeof(ptr) __rb_ptr = (ptr);					\
	__rb_ptr ? rb_entry(__rb_ptr, type, member) : NULL;		\
})

static inline u64 tquic_shim_rb_rank(const struct rb_node *n)
{
	u64 z = (u64)(unsigned long)n;

	z = (z ^ (z >> 33)) * 0xff51afd7ed558ccdULL;
	return z ^ (z >> 29);
}

static inline void tquic_shim_rb_replace(struct rb_root *root, struct rb_node *old,
					 struct rb_node *new)
{
	struct rb_node *parent = old->rb_parent;

	if (!parent)
		root->rb_node = new;
	else if (parent->rb_left == old)
		parent->rb_left = new;
	else
		parent->rb_right = new;
	if (new)
		new->rb_parent = parent;
}

/* Put @n above its parent. */
static inline void tquic_shim_rb_lift(struct rb_root *root, struct rb_node *n)
{
	struct rb_node *parent = n->rb_parent, *child;

	tquic_shim_rb_replace(root, parent, n);
	if (parent->rb_left == n) {
		child = n->rb_right;
		parent->rb_left = child;
		n->rb_right = parent;
	} else {
		child = n->rb_left;
		parent->rb_right = child;
		n->rb_left = parent;
	}
	parent->rb_parent = n;
	if (child)
		child->rb_parent = parent;
}

static inline void rb_link_node(struct rb_node *n, struct rb_node *parent, struct rb_node **link)
{
	n->rb_parent = parent;
	n->rb_left = NULL;
	n->rb_right = NULL;
	*link = n;
}

static inline void rb_insert_color(struct rb_node *n, struct rb_root *root)
{
	while (n->rb_parent && tquic_shim_rb_rank(n->rb_parent) < tquic_shim_rb_rank(n))
		tquic_shim_rb_lift(root, n);
}

static inline void rb_erase(struct rb_node *n, struct rb_root *root)
{
	struct rb_node *l, *r;

	while ((l = n->rb_left) && (r = n->rb_right))
		tquic_shim_rb_lift(root, tquic_shim_rb_rank(l) > tquic_shim_rb_rank(r) ? l : r);
	tquic_shim_rb_replace(root, n, n->rb_left ? n->rb_left : n->rb_right);
}

static inline void rb_replace_node(struct rb_node *old, struct rb_node *new, struct rb_root *root)
{
	*new = *old;
	tquic_shim_rb_replace(root, old, new);
	if (new->rb_left)
		new->rb_left->rb_parent = new;
	if (new->rb_right)
		new->rb_right->rb_parent = new;
}

static inline struct rb_node *tquic_shim_rb_leftmost(struct rb_node *n)
{
	while (n && n->rb_left)
		n = n->rb_left;
	return n;
}

static inline struct rb_node *tquic_shim_rb_rightmost(struct rb_node *n)
{
	while (n && n->rb_right)
		n = n->rb_right;
	return n;
}

static inline struct rb_node *rb_first(const struct rb_root *root)
{
	return tquic_shim_rb_leftmost(root->rb_node);
}

static inline struct rb_node *rb_last(const struct rb_root *root)
{
	return tquic_shim_rb_rightmost(root->rb_node);
}

static inline struct rb_node *rb_next(const struct rb_node *n)
{
	if (n->rb_right)
		return tquic_shim_rb_leftmost(n->rb_right);
	while (n->rb_parent && n->rb_parent->rb_right == n)
		n = n->rb_parent;
	return n->rb_parent;
}

static inline struct rb_node *rb_prev(const struct rb_node *n)
{
	if (n->rb_left)
		return tquic_shim_rb_rightmost(n->rb_left);
	while (n->rb_parent && n->rb_parent->rb_left == n)
		n = n->rb_parent;
	return n->rb_parent;
}

static inline struct rb_node *tquic_shim_rb_deepest(struct rb_node *n)
{
	while (n && (n->rb_left || n->rb_right))
		n = n->rb_left ? n->rb_left : n->rb_right;
	return n;
}

static inline struct rb_node *rb_first_postorder(const struct rb_root *root)
{
	return tquic_shim_rb_deepest(root->rb_node);
}

static inline struct rb_node *rb_next_postorder(const struct rb_node *n)
{
	struct rb_node *parent = n ? n->rb_parent : NULL;

	if (parent && n == parent->rb_left && parent->rb_right)
		return tquic_shim_rb_deepest(parent->rb_right);
	return parent;
}

#define rbtree_postorder_for_each_entry_safe(pos, n, root, field)		\
	for (pos = rb_entry_safe(rb_first_postorder(root), typeof(*pos), field); \
	     pos && ({ n = rb_entry_safe(rb_next_postorder(&pos->field),	\
					 typeof(*pos), field); 1; });		\
	     pos = n)

static inline void rb_add(struct rb_node *node, struct rb_root *tree,
			  bool (*less)(struct rb_node *a, const struct rb_node *b))
{
	struct rb_node **link = &tree->rb_node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = less(node, parent) ? &parent->rb_left : &parent->rb_right;
	}
	rb_link_node(node, parent, link);
	rb_insert_color(node, tree);
}

static inline struct rb_node *rb_find(const void *key, const struct rb_root *tree,
				      int (*cmp)(const void *key, const struct rb_node *n))
{
	struct rb_node *n = tree->rb_node;
	int c;

	while (n) {
		c = cmp(key, n);
		if (!c)
			return n;
		n = c < 0 ? n->rb_left : n->rb_right;
	}
	return NULL;
}

#endif /* TQUIC_SHIM_LINUX_RBTREE_H */
