// SPDX-License-Identifier: GPL-2.0
/* Ring of the packets sent in one packet number space, indexed by number. */
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "core/sent.h"

#define TQUIC_SENT_GFP		(GFP_ATOMIC | __GFP_NOWARN | __GFP_ACCOUNT)
#define TQUIC_SENT_DIR_MIN	4

/* Only those who sample rates pay for it: @rate has no or TQUIC_SENT_CHUNK elements. */
struct tquic_sent_chunk {
	struct tquic_sent_pkt pkt[TQUIC_SENT_CHUNK];
	u32 rates;
	struct tquic_rate_pkt rate[] __counted_by(rates);
};

/**
 * tquic_sent_init() - make an empty ring; nothing is allocated yet
 * @s: the ring
 */
void tquic_sent_init(struct tquic_sent *s)
{
	memset(s, 0, sizeof(*s));
}

static struct tquic_sent_chunk **tquic_sent_chunk(const struct tquic_sent *s, u64 pn)
{
	return &s->dir[(pn / TQUIC_SENT_CHUNK) & s->dir_mask];
}

/* Chunks between the ones of @from and @to, both included. */
static u64 tquic_sent_chunks(u64 from, u64 to)
{
	return to / TQUIC_SENT_CHUNK - from / TQUIC_SENT_CHUNK + 1;
}

/**
 * tquic_sent_get() - look a packet up
 * @s: the ring
 * @pn: packet number
 *
 * Return: the packet, valid until the ring changes, or NULL when @pn was
 * forgotten or not sent yet.
 */
struct tquic_sent_pkt *tquic_sent_get(const struct tquic_sent *s, u64 pn)
{
	if (pn < s->base || pn >= s->next)
		return NULL;
	return &(*tquic_sent_chunk(s, pn))->pkt[pn % TQUIC_SENT_CHUNK];
}

/**
 * tquic_sent_oldest_eliciting() - the oldest packet whose acknowledgment may be waited for
 * @s: the ring
 *
 * No packet comes to be outstanding later, so that the search goes on where the last one
 * ended: who receives much sends many packets that are never acknowledged.
 *
 * Return: the packet, valid until the ring changes, or NULL.
 */
struct tquic_sent_pkt *tquic_sent_oldest_eliciting(struct tquic_sent *s)
{
	struct tquic_sent_pkt *pkt;

	for (s->eliciting = max(s->eliciting, s->head); s->eliciting < s->next; s->eliciting++) {
		pkt = tquic_sent_get(s, s->eliciting);
		if (pkt->state == TQUIC_SENT_OUTSTANDING &&
		    pkt->flags & TQUIC_SENT_F_ELICITING)
			return pkt;
	}
	return NULL;
}

/**
 * tquic_sent_rate() - what a packet remembers of the delivery
 * @s: the ring
 * @pn: packet number
 *
 * Return: all 0 when no rates were sampled as it left, valid as long as the
 * packet, or NULL when there is none.
 */
struct tquic_rate_pkt *tquic_sent_rate(const struct tquic_sent *s, u64 pn)
{
	struct tquic_sent_chunk *chunk;

	if (pn < s->base || pn >= s->next)
		return NULL;
	chunk = *tquic_sent_chunk(s, pn);
	return chunk->rates ? &chunk->rate[pn % TQUIC_SENT_CHUNK] : NULL;
}

/**
 * tquic_sent_clear() - forget every packet and free all memory
 * @s: the ring; numbering goes on where it stood
 */
void tquic_sent_clear(struct tquic_sent *s)
{
	struct tquic_sent_pkt *pkt;
	u32 i;
	u64 pn;

	for (pn = s->base; pn < s->next; pn++) {
		pkt = tquic_sent_get(s, pn);
		if (pkt->state == TQUIC_SENT_OUTSTANDING || pkt->flags & TQUIC_SENT_F_KEPT)
			tquic_rec_free_list(pkt->recs);
	}
	for (i = 0; s->dir && i <= s->dir_mask; i++)
		kfree(s->dir[i]);
	kfree(s->dir);
	s->dir = NULL;
	s->base = s->next;
	s->head = s->next;
}

/* Makes the directory large enough for all chunks up to the one of @pn. */
static int tquic_sent_grow(struct tquic_sent *s, u64 pn)
{
	u64 need = tquic_sent_chunks(s->base, pn);
	struct tquic_sent_chunk **dir, **old = s->dir;
	u32 old_mask = s->dir_mask;
	u32 size, i;
	u64 c;

	size = old ? old_mask + 1 : TQUIC_SENT_DIR_MIN;
	if (old && need <= size)
		return 0;
	while (size < need)
		size *= 2;
	dir = kcalloc(size, sizeof(*dir), TQUIC_SENT_GFP);
	if (!dir)
		return -ENOMEM;
	c = s->base / TQUIC_SENT_CHUNK;
	for (i = 0; old && i <= old_mask; i++)
		dir[(c + i) & (size - 1)] = old[(c + i) & old_mask];
	kfree(old);
	s->dir = dir;
	s->dir_mask = size - 1;
	return 0;
}

static bool tquic_sent_fits(const struct tquic_sent *s, u64 pn)
{
	return tquic_sent_chunks(s->base, pn) <= TQUIC_SENT_MAX / TQUIC_SENT_CHUNK;
}

/**
 * tquic_sent_reserve() - make sure that tquic_sent_add() cannot fail
 * @s: the ring
 * @pn: number the next packet will have
 *
 * Context: any; allocates atomically, no more than a page at a time until more
 * than a quarter of TQUIC_SENT_MAX packets wait.
 * Return: 0, -EINVAL for a number used before, -ENOBUFS when too many packets
 * wait for their fate, -ENOMEM.
 */
int tquic_sent_reserve(struct tquic_sent *s, u64 pn)
{
	u32 rates = s->rated ? TQUIC_SENT_CHUNK : 0;
	struct tquic_sent_chunk **slot;
	int err;
	u64 c;

	if (pn < s->next)
		return -EINVAL;
	if (!tquic_sent_fits(s, pn))
		tquic_sent_advance(s, U64_MAX);
	if (!tquic_sent_fits(s, pn))
		return -ENOBUFS;
	err = tquic_sent_grow(s, pn);
	if (err)
		return err;
	for (c = s->next / TQUIC_SENT_CHUNK; c <= pn / TQUIC_SENT_CHUNK; c++) {
		slot = tquic_sent_chunk(s, c * TQUIC_SENT_CHUNK);
		if (*slot)
			continue;
		*slot = kzalloc(struct_size(*slot, rate, rates), TQUIC_SENT_GFP);
		if (!*slot)
			return -ENOMEM;
		(*slot)->rates = rates;
	}
	return 0;
}

/**
 * tquic_sent_add() - enter a packet
 * @s: the ring
 * @pn: its number; numbers left out since the last one become SKIPPED
 *
 * Return: the packet, OUTSTANDING and otherwise empty, or NULL for the reasons
 * tquic_sent_reserve() gives.
 */
struct tquic_sent_pkt *tquic_sent_add(struct tquic_sent *s, u64 pn)
{
	struct tquic_sent_pkt *pkt;

	if (tquic_sent_reserve(s, pn))
		return NULL;
	do {
		s->next++;
		pkt = tquic_sent_get(s, s->next - 1);
		pkt->state = TQUIC_SENT_SKIPPED;
	} while (s->next <= pn);
	pkt->state = TQUIC_SENT_OUTSTANDING;
	return pkt;
}

static void tquic_sent_free_chunk(struct tquic_sent *s, u64 c)
{
	struct tquic_sent_chunk **slot = tquic_sent_chunk(s, c * TQUIC_SENT_CHUNK);

	kfree(*slot);
	*slot = NULL;
}

static void tquic_sent_set_base(struct tquic_sent *s, u64 base)
{
	u64 c;

	if (base == s->base)
		return;
	for (c = s->base / TQUIC_SENT_CHUNK; c < base / TQUIC_SENT_CHUNK; c++)
		tquic_sent_free_chunk(s, c);
	/* A connection at rest keeps none. */
	if (base == s->next)
		tquic_sent_free_chunk(s, c);
	s->base = base;
	s->head = max(s->head, base);
}

/**
 * tquic_sent_advance() - forget packets whose fate is settled
 * @s: the ring
 * @horizon_ns: packets lost or given up before are not awaited any more
 *
 * A skipped number is kept until a later packet is settled, for an
 * acknowledgment of it proves that the peer makes its ACKs up.
 */
void tquic_sent_advance(struct tquic_sent *s, u64 horizon_ns)
{
	struct tquic_sent_pkt *pkt;
	u64 base = s->base;
	u64 pn;

	for (pn = s->base; pn < s->next; pn++) {
		pkt = tquic_sent_get(s, pn);
		if (pkt->state == TQUIC_SENT_SKIPPED)
			continue;
		if (pkt->state == TQUIC_SENT_OUTSTANDING)
			break;
		if (pkt->state != TQUIC_SENT_ACKED &&
		    (pkt->flags & TQUIC_SENT_F_KEPT ? s->kept_ns : pkt->lost_ns) >= horizon_ns)
			break;
		if (pkt->flags & TQUIC_SENT_F_KEPT) {
			tquic_rec_free_list(pkt->recs);
			pkt->flags &= ~TQUIC_SENT_F_KEPT;
		}
		base = pn + 1;
	}
	tquic_sent_set_base(s, base);
}
