// SPDX-License-Identifier: GPL-2.0
/* Links between the two connections: rate, delay, queue and what goes wrong on them. */
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/slab.h>

#include "test/pair.h"
#include "test/pair_parts.h"

/* A datagram on its way */
struct pair_dgram {
	struct list_head list;
	struct sk_buff *skb;
	u64 at_ns;
};

static u32 pair_random(struct pair *p)
{
	p->rnd ^= p->rnd << 13;
	p->rnd ^= p->rnd >> 7;
	p->rnd ^= p->rnd << 17;
	return p->rnd >> 24;
}

static bool pair_chance(struct pair *p, u32 ppm)
{
	return ppm && pair_random(p) % 1000000 < ppm;
}

void pair_link_set(struct pair_link *link, u64 rate_bps, u64 delay_ns,
		   u32 queue_bytes)
{
	link->rate_bps = rate_bps;
	link->delay_ns = delay_ns;
	link->queue_bytes = queue_bytes;
}

/* A link becomes slower or faster: what waits in its queues leaves at the new rate */
void pair_link_rate(struct pair *p, struct pair_link *link, u64 rate_bps)
{
	u64 old_bps = link->rate_bps, leaves_ns;
	struct pair_pipe *pipe;
	struct pair_dgram *d;
	u32 k;

	link->rate_bps = rate_bps;
	for (k = 0; k < 2; k++) {
		pipe = &link->pipe[k];
		if (pipe->free_ns <= p->now)
			continue;
		pipe->free_ns = p->now + mul_u64_u64_div_u64(pipe->free_ns - p->now,
							      old_bps, rate_bps);
		list_for_each_entry(d, &pipe->queue, list) {
			if (d->at_ns <= p->now + link->delay_ns)
				continue;
			leaves_ns = d->at_ns - link->delay_ns - p->now;
			d->at_ns = p->now + link->delay_ns +
				   mul_u64_u64_div_u64(leaves_ns, old_bps, rate_bps);
		}
	}
}

static void pair_pipe_put(struct pair_pipe *pipe, struct sk_buff *skb, u64 at_ns)
{
	struct pair_dgram *d = kzalloc(sizeof(*d), GFP_KERNEL), *other;

	if (!d) {
		kfree_skb(skb);
		return;
	}
	d->skb = skb;
	d->at_ns = at_ns;
	list_for_each_entry_reverse(other, &pipe->queue, list) {
		if (other->at_ns <= at_ns) {
			list_add(&d->list, &other->list);
			return;
		}
	}
	list_add(&d->list, &pipe->queue);
}

static struct sk_buff *pair_copy(const struct sk_buff *skb)
{
	struct sk_buff *copy = alloc_skb(skb->len, GFP_KERNEL);

	if (!copy)
		return NULL;
	skb_put_data(copy, skb->data, skb->len);
	PAIR_ECN(copy) = PAIR_ECN(skb);
	return copy;
}

/* When a datagram arrives; 0: the queue of the link's bottleneck is full */
static u64 pair_pipe_at(struct pair *p, struct pair_link *link, u32 to, u32 len)
{
	struct pair_link *neck = link->neck ?: link;
	struct pair_pipe *pipe = &neck->pipe[to];
	u64 start = max(p->now, pipe->free_ns), backlog;

	if (!neck->rate_bps)
		return p->now + link->delay_ns;
	backlog = div_u64((start - p->now) * div_u64(neck->rate_bps, 1000), 8000000);
	if (neck->queue_bytes && backlog + len > neck->queue_bytes) {
		link->pipe[to].full++;
		return 0;
	}
	pipe->free_ns = start + div64_u64((u64)len * 8 * NSEC_PER_SEC, neck->rate_bps);
	return pipe->free_ns + link->delay_ns;
}

/* A datagram leaves for end @to over a link, or is lost */
void pair_link_send(struct pair *p, u32 i, u32 to, struct sk_buff *skb)
{
	struct pair_link *link = &p->link[i];
	struct pair_pipe *pipe = &link->pipe[to];
	struct sk_buff *copy;
	u64 at;

	pipe->sent++;
	if (link->drop_next[to]) {
		link->drop_next[to]--;
		goto drop;
	}
	if (link->cut || skb->len > link->mtu_bytes ||
	    pair_chance(p, link->loss_ppm))
		goto drop;
	at = pair_pipe_at(p, link, to, skb->len);
	if (!at)
		goto drop;
	if (pair_chance(p, link->reorder_ppm))
		at += link->delay_ns / 4;
	if (pair_chance(p, link->dup_ppm)) {
		copy = pair_copy(skb);
		if (copy)
			pair_pipe_put(pipe, copy, at + NSEC_PER_USEC);
	}
	pair_pipe_put(pipe, skb, at);
	return;

drop:
	kfree_skb(skb);
}

/* When and where the next datagram arrives, 0: none is on its way */
u64 pair_link_arrival(const struct pair *p, u32 *link, u32 *to)
{
	struct pair_dgram *d;
	u64 best = 0;
	u32 i, k;

	for (i = 0; i < p->links; i++) {
		for (k = 0; k < 2; k++) {
			if (list_empty(&p->link[i].pipe[k].queue))
				continue;
			d = list_first_entry(&p->link[i].pipe[k].queue,
					     struct pair_dgram, list);
			if (best && d->at_ns >= best)
				continue;
			best = d->at_ns;
			*link = i;
			*to = k;
		}
	}
	return best;
}

/* The datagram of a pipe that arrives first, NULL: none is on its way */
struct sk_buff *pair_link_take(struct pair_link *link, u32 to)
{
	struct pair_pipe *pipe = &link->pipe[to];
	struct pair_dgram *d = list_first_entry_or_null(&pipe->queue, struct pair_dgram, list);
	struct sk_buff *skb;

	if (!d)
		return NULL;
	skb = d->skb;
	list_del(&d->list);
	kfree(d);
	return skb;
}
