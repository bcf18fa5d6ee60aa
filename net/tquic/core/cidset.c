// SPDX-License-Identifier: GPL-2.0
/* Connection ids of one path id: ours and the peer's (RFC 9000 section 5.1). */
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "core/cidset.h"

/* Sequence numbers that can be told apart above the first one not seen. */
#define CIDSET_SEEN_BITS	64U

void tquic_cidset_local_init(struct tquic_cidset_local *c)
{
	/* Until the peer says more, RFC 9000 section 18.2. */
	*c = (struct tquic_cidset_local) { .limit = 2 };
}

void tquic_cidset_local_set_limit(struct tquic_cidset_local *c, u64 limit)
{
	c->limit = min_t(u64, limit, TQUIC_CID_ISSUED_MAX);
}

u32 tquic_cidset_local_room(const struct tquic_cidset_local *c)
{
	return !c->zero_len && c->limit > c->count ? c->limit - c->count : 0;
}

struct tquic_cid_local *tquic_cidset_local_add(struct tquic_cidset_local *c,
					       const struct tquic_cid *cid, bool unsent)
{
	struct tquic_cid_local *e;

	if (!tquic_cidset_local_room(c))
		return NULL;
	e = &c->e[c->count++];
	*e = (struct tquic_cid_local) {
		.seq = c->next_seq++,
		.cid = *cid,
		.unsent = unsent,
		.told = !unsent,
	};
	return e;
}

static struct tquic_cid_local *cidset_local_find(struct tquic_cidset_local *c, u64 seq)
{
	u8 i;

	for (i = 0; i < c->count; i++)
		if (c->e[i].seq == seq)
			return &c->e[i];
	return NULL;
}

struct tquic_cid_local *tquic_cidset_local_next_unsent(struct tquic_cidset_local *c)
{
	u8 i;

	for (i = 0; i < c->count; i++)
		if (c->e[i].unsent)
			return &c->e[i];
	return NULL;
}

bool tquic_cidset_local_lost(struct tquic_cidset_local *c, u64 seq)
{
	struct tquic_cid_local *e = cidset_local_find(c, seq);

	if (!e)
		return false;
	e->unsent = true;
	return true;
}

int tquic_cidset_local_retire(struct tquic_cidset_local *c, u64 seq, const struct tquic_cid *dcid,
			      struct tquic_cid *gone)
{
	struct tquic_cid_local *e = cidset_local_find(c, seq);

	gone->len = 0;
	if (c->zero_len || seq >= c->next_seq)
		return TQUIC_ERR_PROTOCOL_VIOLATION;
	if (!e)
		return 0;
	/* RFC 9000 §19.16; else each would make room for the next, at once */
	if (!e->told)
		return TQUIC_ERR_PROTOCOL_VIOLATION;
	if (dcid && tquic_cid_equal(&e->cid, dcid))
		return TQUIC_ERR_PROTOCOL_VIOLATION;
	*gone = e->cid;
	c->count--;
	memmove(e, e + 1, (u8 *)&c->e[c->count] - (u8 *)e);
	return 0;
}

void tquic_cidset_remote_init(struct tquic_cidset_remote *c, u64 limit)
{
	*c = (struct tquic_cidset_remote) {
		.limit = clamp_t(u64, limit, 2, TQUIC_CID_ACTIVE_MAX),
		.cur = -1,
	};
}

static struct tquic_cid_remote *cidset_remote_find(struct tquic_cidset_remote *c, u64 seq)
{
	u8 i;

	for (i = 0; i < c->count; i++)
		if (c->e[i].seq == seq)
			return &c->e[i];
	return NULL;
}

/* Note @seq as seen. Returns false when it had been before. */
static bool cidset_remote_see(struct tquic_cidset_remote *c, u64 seq)
{
	u64 shift, bit;

	if (seq < c->seen_base)
		return false;
	if (seq - c->seen_base >= CIDSET_SEEN_BITS) {
		/* Too far ahead: those that fall out below count as seen. */
		shift = seq - c->seen_base - CIDSET_SEEN_BITS + 1;
		c->seen = shift < CIDSET_SEEN_BITS ? c->seen >> shift : 0;
		c->seen_base += shift;
	}
	bit = 1ULL << (seq - c->seen_base);
	if (c->seen & bit)
		return false;
	c->seen |= bit;
	while (c->seen & 1) {
		c->seen >>= 1;
		c->seen_base++;
	}
	return true;
}

void tquic_cidset_remote_set_initial(struct tquic_cidset_remote *c, const struct tquic_cid *cid)
{
	struct tquic_cid_remote *e = cidset_remote_find(c, 0);

	if (!e) {
		if (!cidset_remote_see(c, 0) || c->count == TQUIC_CID_ACTIVE_MAX)
			return;
		e = &c->e[c->count++];
		*e = (struct tquic_cid_remote) { .used = true };
		c->cur = e - c->e;
	}
	e->cid = *cid;
}

void tquic_cidset_remote_set_token(struct tquic_cidset_remote *c, const u8 *token)
{
	struct tquic_cid_remote *e = cidset_remote_find(c, 0);

	if (!e)
		return;
	memcpy(e->token, token, sizeof(e->token));
	e->has_token = true;
}

static bool cidset_remote_zero_len(const struct tquic_cidset_remote *c)
{
	return c->cur >= 0 && !c->e[c->cur].cid.len;
}

/* RFC 9000 section 19.15: the same number and the same id belong together. */
static bool cidset_remote_contradicts(const struct tquic_cidset_remote *c, u64 seq,
				      const struct tquic_cid *cid, const u8 *token)
{
	const struct tquic_cid_remote *e;
	bool same_cid;
	u8 i;

	for (i = 0; i < c->count; i++) {
		e = &c->e[i];
		same_cid = tquic_cid_equal(&e->cid, cid);
		if (same_cid != (e->seq == seq))
			return true;
		if (same_cid && e->has_token && memcmp(e->token, token, sizeof(e->token)))
			return true;
	}
	return false;
}

static bool cidset_remote_queue_retire(struct tquic_cidset_remote *c, u64 seq)
{
	if (c->retired_count >= 2 * c->limit)
		return false;
	c->retired[c->retired_count++] = (struct tquic_cid_retired) { seq, true };
	return true;
}

static void cidset_remote_drop(struct tquic_cidset_remote *c, u8 i)
{
	if (c->cur == i)
		c->cur = -1;
	c->count--;
	if (i == c->count)
		return;
	c->e[i] = c->e[c->count];
	if (c->cur == c->count)
		c->cur = i;
}

static bool cidset_remote_retire_below(struct tquic_cidset_remote *c, u64 seq)
{
	u8 i = 0;

	while (i < c->count) {
		if (c->e[i].seq >= seq) {
			i++;
			continue;
		}
		if (!cidset_remote_queue_retire(c, c->e[i].seq))
			return false;
		cidset_remote_drop(c, i);
	}
	return true;
}

/* Index of the unused id with the lowest sequence number, -1 for none. */
static s8 cidset_remote_unused(const struct tquic_cidset_remote *c)
{
	s8 best = -1;
	u8 i;

	for (i = 0; i < c->count; i++)
		if (!c->e[i].used && (best < 0 || c->e[i].seq < c->e[best].seq))
			best = i;
	return best;
}

static bool cidset_remote_use_next(struct tquic_cidset_remote *c)
{
	s8 next = cidset_remote_unused(c);

	if (next < 0)
		return false;
	c->cur = next;
	c->e[next].used = true;
	return true;
}

int tquic_cidset_remote_add(struct tquic_cidset_remote *c, u64 seq, u64 retire_prior_to,
			    const struct tquic_cid *cid, const u8 *token)
{
	bool in_use = c->cur >= 0, fresh;

	if (cidset_remote_zero_len(c) || cidset_remote_contradicts(c, seq, cid, token))
		return TQUIC_ERR_PROTOCOL_VIOLATION;
	fresh = cidset_remote_see(c, seq);
	c->retire_prior_to = max(c->retire_prior_to, retire_prior_to);
	if (!cidset_remote_retire_below(c, c->retire_prior_to))
		return TQUIC_ERR_CONNECTION_ID_LIMIT;
	if (fresh && seq < c->retire_prior_to) {
		if (!cidset_remote_queue_retire(c, seq))
			return TQUIC_ERR_CONNECTION_ID_LIMIT;
	} else if (fresh) {
		if (c->count >= c->limit)
			return TQUIC_ERR_CONNECTION_ID_LIMIT;
		c->e[c->count] = (struct tquic_cid_remote) {
			.seq = seq,
			.cid = *cid,
			.has_token = true,
		};
		memcpy(c->e[c->count++].token, token, TQUIC_RESET_TOKEN_LEN);
	}
	/* Nobody may take our last id away. */
	if (in_use && c->cur < 0 && !cidset_remote_use_next(c))
		return TQUIC_ERR_PROTOCOL_VIOLATION;
	return 0;
}

const struct tquic_cid *tquic_cidset_remote_current(const struct tquic_cidset_remote *c)
{
	return c->cur < 0 ? NULL : &c->e[c->cur].cid;
}

const struct tquic_cid *tquic_cidset_remote_next(const struct tquic_cidset_remote *c)
{
	int i = cidset_remote_unused(c);

	return i < 0 ? NULL : &c->e[i].cid;
}

u32 tquic_cidset_remote_spare(const struct tquic_cidset_remote *c)
{
	u32 n = 0;
	u8 i;

	for (i = 0; i < c->count; i++)
		n += !c->e[i].used;
	return n;
}

int tquic_cidset_remote_rotate(struct tquic_cidset_remote *c)
{
	u8 old = c->cur;

	if (cidset_remote_unused(c) < 0)
		return -ENOENT;
	if (c->cur >= 0) {
		if (!cidset_remote_queue_retire(c, c->e[old].seq))
			return -ENOBUFS;
		cidset_remote_drop(c, old);
	}
	cidset_remote_use_next(c);
	return 0;
}

void tquic_cidset_remote_spend(struct tquic_cidset_remote *c)
{
	s8 next = cidset_remote_unused(c);

	if (next >= 0 && cidset_remote_queue_retire(c, c->e[next].seq))
		cidset_remote_drop(c, next);
}

static struct tquic_cid_retired *cidset_remote_retired(struct tquic_cidset_remote *c, u64 seq)
{
	u8 i;

	for (i = 0; i < c->retired_count; i++)
		if (c->retired[i].seq == seq)
			return &c->retired[i];
	return NULL;
}

bool tquic_cidset_remote_next_retire(const struct tquic_cidset_remote *c, u64 *seq)
{
	u8 i;

	for (i = 0; i < c->retired_count; i++) {
		if (c->retired[i].unsent) {
			*seq = c->retired[i].seq;
			return true;
		}
	}
	return false;
}

void tquic_cidset_remote_retire_sent(struct tquic_cidset_remote *c, u64 seq)
{
	struct tquic_cid_retired *r = cidset_remote_retired(c, seq);

	if (r)
		r->unsent = false;
}

void tquic_cidset_remote_retire_acked(struct tquic_cidset_remote *c, u64 seq)
{
	struct tquic_cid_retired *r = cidset_remote_retired(c, seq);

	if (r)
		*r = c->retired[--c->retired_count];
}

void tquic_cidset_remote_retire_lost(struct tquic_cidset_remote *c, u64 seq)
{
	struct tquic_cid_retired *r = cidset_remote_retired(c, seq);

	if (r)
		r->unsent = true;
}

bool tquic_cidset_remote_is_reset(const struct tquic_cidset_remote *c, const u8 *token)
{
	bool found = false;
	u8 i, j, diff;

	for (i = 0; i < c->count; i++) {
		diff = !c->e[i].used || !c->e[i].has_token;
		for (j = 0; j < TQUIC_RESET_TOKEN_LEN; j++)
			diff |= c->e[i].token[j] ^ token[j];
		found |= !diff;
	}
	return found;
}
