/* SPDX-License-Identifier: GPL-2.0 */
/* Userspace stand-in for <linux/skbuff.h>: linear packet buffers with references. */
#ifndef TQUIC_SHIM_LINUX_SKBUFF_H
#define TQUIC_SHIM_LINUX_SKBUFF_H

#include <linux/bug.h>
#include <linux/gfp.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/types.h>

#define SKB_DATA_ALIGN(x)	(((x) + 63UL) & ~63UL)
#define SKB_TRUESIZE(x)		(SKB_DATA_ALIGN(x) + SKB_DATA_ALIGN(sizeof(struct sk_buff)) + 320UL)

struct sk_buff {
	struct sk_buff *next;
	struct sk_buff *prev;
	char cb[48];
	unsigned int len;
	unsigned int data_len;
	unsigned int truesize;
	refcount_t users;
	unsigned char *head;
	unsigned char *data;
	unsigned char *tail;
	unsigned char *end;
};

struct sk_buff_head {
	struct sk_buff *next;
	struct sk_buff *prev;
	u32 qlen;
};

static inline struct sk_buff *alloc_skb(unsigned int size, gfp_t gfp)
{
	struct sk_buff *skb = kzalloc(sizeof(*skb), gfp);

	if (!skb)
		return NULL;
	skb->head = kmalloc(size ? size : 1, gfp);
	if (!skb->head) {
		kfree(skb);
		return NULL;
	}
	skb->data = skb->head;
	skb->tail = skb->head;
	skb->end = skb->head + size;
	skb->truesize = SKB_TRUESIZE(size);
	refcount_set(&skb->users, 1);
	return skb;
}

static inline struct sk_buff *skb_get(struct sk_buff *skb)
{
	refcount_inc(&skb->users);
	return skb;
}

static inline void kfree_skb(struct sk_buff *skb)
{
	if (!skb || !refcount_dec_and_test(&skb->users))
		return;
	kfree(skb->head);
	kfree(skb);
}

#define consume_skb	kfree_skb

static inline bool skb_shared(const struct sk_buff *skb)
{
	return refcount_read(&skb->users) != 1;
}

static inline unsigned int skb_headlen(const struct sk_buff *skb)
{
	return skb->len - skb->data_len;
}

static inline int skb_tailroom(const struct sk_buff *skb)
{
	return skb->end - skb->tail;
}

static inline unsigned int skb_headroom(const struct sk_buff *skb)
{
	return skb->data - skb->head;
}

static inline void skb_reserve(struct sk_buff *skb, int len)
{
	skb->data += len;
	skb->tail += len;
}

static inline void *skb_put(struct sk_buff *skb, unsigned int len)
{
	void *p = skb->tail;

	BUG_ON(len > (unsigned int)skb_tailroom(skb));
	skb->tail += len;
	skb->len += len;
	return p;
}

static inline void *skb_put_data(struct sk_buff *skb, const void *data, unsigned int len)
{
	return memcpy(skb_put(skb, len), data, len);
}

static inline void *skb_push(struct sk_buff *skb, unsigned int len)
{
	BUG_ON(len > skb_headroom(skb));
	skb->data -= len;
	skb->len += len;
	return skb->data;
}

static inline void *skb_pull(struct sk_buff *skb, unsigned int len)
{
	if (len > skb->len)
		return NULL;
	skb->len -= len;
	skb->data += len;
	return skb->data;
}

static inline void skb_trim(struct sk_buff *skb, unsigned int len)
{
	if (skb->len <= len)
		return;
	skb->len = len;
	skb->tail = skb->data + len;
}

static inline void __skb_queue_head_init(struct sk_buff_head *q)
{
	q->next = (struct sk_buff *)q;
	q->prev = (struct sk_buff *)q;
	q->qlen = 0;
}

#define skb_queue_head_init	__skb_queue_head_init

static inline bool skb_queue_empty(const struct sk_buff_head *q)
{
	return q->next == (const struct sk_buff *)q;
}

static inline u32 skb_queue_len(const struct sk_buff_head *q)
{
	return q->qlen;
}

static inline struct sk_buff *skb_peek(const struct sk_buff_head *q)
{
	return skb_queue_empty(q) ? NULL : q->next;
}

static inline struct sk_buff *skb_peek_tail(const struct sk_buff_head *q)
{
	return skb_queue_empty(q) ? NULL : q->prev;
}

static inline void __skb_queue_after(struct sk_buff_head *q, struct sk_buff *prev,
				     struct sk_buff *skb)
{
	skb->prev = prev;
	skb->next = prev->next;
	prev->next->prev = skb;
	prev->next = skb;
	q->qlen++;
}

static inline void __skb_queue_head(struct sk_buff_head *q, struct sk_buff *skb)
{
	__skb_queue_after(q, (struct sk_buff *)q, skb);
}

#define skb_queue_walk_safe(q, skb, tmp)					\
	for (skb = (q)->next, tmp = skb->next; skb != (struct sk_buff *)(q);	\
	     skb = tmp, tmp = skb->next)

#define skb_queue_reverse_walk(q, skb)						\
	for (skb = (q)->prev; skb != (struct sk_buff *)(q); skb = skb->prev)

static inline void __skb_queue_tail(struct sk_buff_head *q, struct sk_buff *skb)
{
	skb->next = (struct sk_buff *)q;
	skb->prev = q->prev;
	q->prev->next = skb;
	q->prev = skb;
	q->qlen++;
}

static inline void __skb_unlink(struct sk_buff *skb, struct sk_buff_head *q)
{
	skb->next->prev = skb->prev;
	skb->prev->next = skb->next;
	skb->next = NULL;
	skb->prev = NULL;
	q->qlen--;
}

static inline struct sk_buff *__skb_dequeue(struct sk_buff_head *q)
{
	struct sk_buff *skb = skb_peek(q);

	if (skb)
		__skb_unlink(skb, q);
	return skb;
}

static inline void __skb_queue_purge(struct sk_buff_head *q)
{
	struct sk_buff *skb;

	while ((skb = __skb_dequeue(q)))
		kfree_skb(skb);
}

#define skb_queue_tail		__skb_queue_tail
#define skb_unlink		__skb_unlink
#define skb_dequeue		__skb_dequeue
#define skb_queue_purge		__skb_queue_purge

#endif /* TQUIC_SHIM_LINUX_SKBUFF_H */
