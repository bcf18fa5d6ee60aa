/* SPDX-License-Identifier: GPL-2.0 */
/* Userspace stand-in for <linux/list.h>: doubly linked lists. */
#ifndef TQUIC_SHIM_LINUX_LIST_H
#define TQUIC_SHIM_LINUX_LIST_H

#include <linux/container_of.h>
#include <linux/compiler.h>
#include <linux/poison.h>
#include <linux/types.h>

#define LIST_HEAD_INIT(name)	{ &(name), &(name) }
#define LIST_HEAD(name)		struct list_head name = LIST_HEAD_INIT(name)

static inline void INIT_LIST_HEAD(struct list_head *h)
{
	h->next = h;
	h->prev = h;
}

static inline void __list_add(struct list_head *n, struct list_head *prev,
			      struct list_head *next)
{
	n->prev = prev;
	n->next = next;
	prev->next = n;
	next->prev = n;
}

static inline void list_add(struct list_head *n, struct list_head *h)
{
	__list_add(n, h, h->next);
}

static inline void list_add_tail(struct list_head *n, struct list_head *h)
{
	__list_add(n, h->prev, h);
}

static inline void __list_del_entry(struct list_head *n)
{
	n->prev->next = n->next;
	n->next->prev = n->prev;
}

static inline void list_del(struct list_head *n)
{
	__list_del_entry(n);
	n->next = LIST_POISON1;
	n->prev = LIST_POISON2;
}

static inline void list_del_init(struct list_head *n)
{
	__list_del_entry(n);
	INIT_LIST_HEAD(n);
}

static inline bool list_empty(const struct list_head *h)
{
	return h->next == h;
}

static inline bool list_is_singular(const struct list_head *h)
{
	return !list_empty(h) && h->next == h->prev;
}

static inline bool list_is_first(const struct list_head *n,
				 const struct list_head *h)
{
	return n->prev == h;
}

static inline bool list_is_last(const struct list_head *n,
				const struct list_head *h)
{
	return n->next == h;
}

static inline bool list_is_head(const struct list_head *n,
				const struct list_head *h)
{
	return n == h;
}

static inline void list_move(struct list_head *n, struct list_head *h)
{
	__list_del_entry(n);
	list_add(n, h);
}

static inline void list_move_tail(struct list_head *n, struct list_head *h)
{
	__list_del_entry(n);
	list_add_tail(n, h);
}

static inline void __list_splice(struct list_head *l, struct list_head *prev,
				 struct list_head *next)
{
	if (list_empty(l))
		return;
	l->next->prev = prev;
	prev->next = l->next;
	l->prev->next = next;
	next->prev = l->prev;
}

static inline void list_splice(struct list_head *l, struct list_head *h)
{
	__list_splice(l, h, h->next);
}

static inline void list_splice_tail(struct list_head *l, struct list_head *h)
{
	__list_splice(l, h->prev, h);
}

static inline void list_splice_init(struct list_head *l, struct list_head *h)
{
	list_splice(l, h);
	INIT_LIST_HEAD(l);
}

static inline void list_splice_tail_init(struct list_head *l,
					 struct list_head *h)
{
	list_splice_tail(l, h);
	INIT_LIST_HEAD(l);
}

static inline void list_replace(struct list_head *old, struct list_head *n)
{
	__list_add(n, old->prev, old->next);
}

#define list_entry(p, type, member)	container_of(p, type, member)
#define list_first_entry(h, type, member)	list_entry((h)->next, type, member)
#define list_last_entry(h, type, member)	list_entry((h)->prev, type, member)
#define list_first_entry_or_null(h, type, member) \
	(list_empty(h) ? NULL : list_first_entry(h, type, member))
#define list_last_entry_or_null(h, type, member) \
	(list_empty(h) ? NULL : list_last_entry(h, type, member))
#define list_next_entry(p, member) \
	list_entry((p)->member.next, typeof(*(p)), member)
#define list_prev_entry(p, member) \
	list_entry((p)->member.prev, typeof(*(p)), member)
#define list_entry_is_head(p, h, member)	(&(p)->member == (h))
#define list_for_each(p, h)	for (p = (h)->next; p != (h); p = p->next)
#define list_for_each_safe(p, n, h) \
	for (p = (h)->next, n = p->next; p != (h); p = n, n = p->next)
#define list_for_each_entry(p, h, member) \
	for (p = list_first_entry(h, typeof(*p), member); \
	     !list_entry_is_head(p, h, member); \
	     p = list_next_entry(p, member))
#define list_for_each_entry_reverse(p, h, member) \
	for (p = list_last_entry(h, typeof(*p), member); \
	     !list_entry_is_head(p, h, member); \
	     p = list_prev_entry(p, member))
#define list_for_each_entry_safe(p, n, h, member) \
	for (p = list_first_entry(h, typeof(*p), member), \
	     n = list_next_entry(p, member); \
	     !list_entry_is_head(p, h, member); \
	     p = n, n = list_next_entry(n, member))

#define HLIST_HEAD_INIT		{ NULL }
#define INIT_HLIST_HEAD(h)	((h)->first = NULL)

static inline void INIT_HLIST_NODE(struct hlist_node *n)
{
	n->next = NULL;
	n->pprev = NULL;
}

static inline bool hlist_unhashed(const struct hlist_node *n)
{
	return !n->pprev;
}

static inline bool hlist_empty(const struct hlist_head *h)
{
	return !h->first;
}

static inline void hlist_add_head(struct hlist_node *n, struct hlist_head *h)
{
	n->next = h->first;
	if (n->next)
		n->next->pprev = &n->next;
	h->first = n;
	n->pprev = &h->first;
}

static inline void hlist_del_init(struct hlist_node *n)
{
	if (hlist_unhashed(n))
		return;
	*n->pprev = n->next;
	if (n->next)
		n->next->pprev = n->pprev;
	INIT_HLIST_NODE(n);
}

#define hlist_del(n)		hlist_del_init(n)
#define hlist_entry_safe(p, type, member) ({ \
	typeof(p) __hl_p = (p); \
	__hl_p ? container_of(__hl_p, type, member) : NULL; })
#define hlist_for_each_entry(p, h, member) \
	for (p = hlist_entry_safe((h)->first, typeof(*p), member); p; \
	     p = hlist_entry_safe(p->member.next, typeof(*p), member))
#define hlist_for_each_entry_safe(p, n, h, member) \
	for (p = hlist_entry_safe((h)->first, typeof(*p), member); \
	     p && ({ n = p->member.next; 1; }); \
	     p = hlist_entry_safe(n, typeof(*p), member))

#endif /* TQUIC_SHIM_LINUX_LIST_H */
