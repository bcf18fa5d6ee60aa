// SPDX-License-Identifier: GPL-2.0
/* All streams of a connection: lookup, limits both ways, order of sending. */
#include <linux/bitops.h>
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/minmax.h>

#include "core/deadline.h"
#include "core/proto.h"
#include "core/rec.h"
#include "core/rset.h"
#include "core/streams.h"

/* Larger indices have no place in an xarray of a 32-bit machine. */
static u64 streams_cap(u64 streams)
{
	return min3(streams, TQUIC_MAX_STREAMS, (u64)ULONG_MAX);
}

void tquic_streams_init(struct tquic_streams *t, bool is_server,
			const struct tquic_stream_limits *local, u64 rx_window_max, u64 mem_max)
{
	int i;

	*t = (struct tquic_streams) {
		.local = *local,
		.rx_window_max = rx_window_max,
		.rx_mem.max = mem_max,
		.is_server = is_server,
	};
	for (i = 0; i < 4; i++) {
		/* Used in softirq and, with the connection locked, in process context. */
		xa_init_flags(&t->by_type[i], XA_FLAGS_LOCK_BH);
		t->untouched[i] = RB_ROOT;
	}
	for (i = 0; i < 2; i++) {
		t->max_remote[i] = streams_cap(local->streams[i]);
		t->blocked_at[i] = U64_MAX;
	}
	for (i = 0; i < TQUIC_URGENCY_COUNT; i++) {
		t->sequential[i] = RB_ROOT;
		INIT_LIST_HEAD(&t->shared[i]);
	}
	INIT_LIST_HEAD(&t->parked);
	INIT_LIST_HEAD(&t->readable);
	INIT_LIST_HEAD(&t->owners);
	INIT_LIST_HEAD(&t->ctl);
}

void tquic_streams_destroy(struct tquic_streams *t)
{
	struct tquic_stream *s;
	unsigned long index;
	int i;

	for (i = 0; i < 4; i++) {
		xa_for_each(&t->by_type[i], index, s)
			tquic_stream_free(s);
		xa_destroy(&t->by_type[i]);
		tquic_rset_free(&t->untouched[i]);
	}
}

/* Credit the peer gives on stream @id. */
static u64 streams_peer_credit(const struct tquic_streams *t, u64 id)
{
	if (tquic_stream_id_uni(id))
		return t->peer.data_uni;
	return tquic_stream_id_local(id, t->is_server) ? t->peer.data_bidi_remote :
							 t->peer.data_bidi_local;
}

/* Credit we give on stream @id. */
static u64 streams_own_credit(const struct tquic_streams *t, u64 id)
{
	if (tquic_stream_id_uni(id))
		return t->local.data_uni;
	return tquic_stream_id_local(id, t->is_server) ? t->local.data_bidi_local :
							 t->local.data_bidi_remote;
}

void tquic_streams_set_peer(struct tquic_streams *t, const struct tquic_stream_limits *peer)
{
	struct tquic_stream *s;
	unsigned long index;
	unsigned int i;

	t->peer.data_bidi_local = peer->data_bidi_local;
	t->peer.data_bidi_remote = peer->data_bidi_remote;
	t->peer.data_uni = peer->data_uni;
	tquic_streams_on_max(t, false, peer->streams[0]);
	tquic_streams_on_max(t, true, peer->streams[1]);
	tquic_for_each_stream(t, i, index, s)
		if (tquic_send_set_max(&s->tx, streams_peer_credit(t, s->id)))
			tquic_streams_update_ready(t, s);
}

void tquic_streams_rewind(struct tquic_streams *t)
{
	struct tquic_stream *s;
	unsigned long index;
	unsigned int i;

	memset(&t->peer, 0, sizeof(t->peer));
	t->blocked_due = 0;
	for (i = 0; i < 2; i++)
		t->blocked_at[i] = U64_MAX;
	tquic_for_each_stream(t, i, index, s) {
		tquic_send_rewind(&s->tx);
		tquic_streams_update_ready(t, s);
	}
}

bool tquic_streams_on_max(struct tquic_streams *t, bool uni, u64 max)
{
	max = streams_cap(max);
	if (max <= t->peer.streams[uni])
		return false;
	t->peer.streams[uni] = max;
	t->blocked_due &= ~BIT(uni);
	return true;
}

void tquic_streams_blocked_lost(struct tquic_streams *t, bool uni, u64 limit)
{
	if (t->blocked_at[uni] == limit && t->peer.streams[uni] == limit)
		t->blocked_due |= BIT(uni);
}

static struct tquic_stream *streams_create(struct tquic_streams *t, u64 id, u64 now, gfp_t gfp)
{
	bool local = tquic_stream_id_local(id, t->is_server);
	bool uni = tquic_stream_id_uni(id);
	struct tquic_stream *s;

	s = tquic_stream_alloc(id, gfp);
	if (!s)
		return NULL;
	if (local || !uni)
		tquic_send_init(&s->tx, streams_peer_credit(t, id), &t->tx_mem);
	if (!local || !uni)
		tquic_recv_init(&s->rx, streams_own_credit(t, id), t->rx_window_max, now,
				&t->rx_mem);
	if (xa_is_err(xa_store_bh(&t->by_type[id & 3], id >> 2, s, gfp))) {
		tquic_stream_free(s);
		return NULL;
	}
	t->count++;
	return s;
}

static void streams_forget(struct tquic_streams *t, struct tquic_stream *s)
{
	xa_erase_bh(&t->by_type[s->id & 3], s->id >> 2);
	t->count--;
	tquic_stream_free(s);
}

int tquic_streams_open(struct tquic_streams *t, bool uni, u64 now, gfp_t gfp,
		       struct tquic_stream **out)
{
	u8 type = (uni ? TQUIC_STREAM_ID_UNI : 0) | (t->is_server ? TQUIC_STREAM_ID_SERVER : 0);
	u64 limit = t->peer.streams[uni];

	if (t->opened[type] >= limit) {
		if (t->blocked_at[uni] != limit) {
			t->blocked_at[uni] = limit;
			t->blocked_due |= BIT(uni);
		}
		return -EAGAIN;
	}
	*out = streams_create(t, t->opened[type] << 2 | type, now, gfp);
	if (!*out)
		return -ENOMEM;
	t->opened[type]++;
	return 0;
}

bool tquic_streams_unopen(struct tquic_streams *t, struct tquic_stream *s)
{
	u8 type = s->id & 3;

	if (s->id >> 2 != t->opened[type] - 1 || s->tx.end || s->tx.fin)
		return false;
	/* Others may have found it meanwhile, the peer among them. */
	if (s->users > 1 || s->user || s->ctl || s->tx.state != TQUIC_SEND_READY ||
	    !list_empty(&s->readable))
		return false;
	streams_forget(t, s);
	t->opened[type]--;
	return true;
}

struct tquic_stream *tquic_streams_find(const struct tquic_streams *t, u64 id)
{
	u64 index = id >> 2;

	if (index >= t->opened[id & 3])
		return NULL;
	return xa_load((struct xarray *)&t->by_type[id & 3], index);
}

/* Index @index gets an object: it is no longer untouched, lower ones may become so. */
static int streams_touch(struct tquic_streams *t, u8 type, u64 index, gfp_t gfp)
{
	struct rb_root *untouched = &t->untouched[type];
	struct tquic_rec *rec;

	if (index == t->opened[type]) {
		t->opened[type]++;
		return 0;
	}
	rec = tquic_rec_alloc(gfp);
	if (!rec)
		return -ENOMEM;
	if (index > t->opened[type]) {
		tquic_rset_add(untouched, rec, t->opened[type], index);
		t->opened[type] = index + 1;
		return 0;
	}
	tquic_rset_cut(untouched, index, index + 1, &rec);
	if (rec)
		tquic_rec_free(rec);
	return 0;
}

static int streams_get_remote(struct tquic_streams *t, u64 id, u64 now, gfp_t gfp,
			      struct tquic_stream **out)
{
	u64 index = id >> 2;
	struct tquic_stream *s;
	u8 type = id & 3;

	if (index >= t->max_remote[tquic_stream_id_uni(id)])
		return TQUIC_ERR_STREAM_LIMIT;
	*out = tquic_streams_find(t, id);
	if (*out)
		return 0;
	if (index < t->opened[type] && !tquic_rset_covers(&t->untouched[type], index, index + 1))
		return 0;
	s = streams_create(t, id, now, gfp);
	if (!s)
		return -ENOMEM;
	if (streams_touch(t, type, index, gfp)) {
		streams_forget(t, s);
		return -ENOMEM;
	}
	*out = s;
	return 0;
}

int tquic_streams_get(struct tquic_streams *t, u64 id, enum tquic_stream_half half, u64 now,
		      gfp_t gfp, struct tquic_stream **out)
{
	bool local = tquic_stream_id_local(id, t->is_server);

	*out = NULL;
	if (tquic_stream_id_uni(id) && local == (half == TQUIC_STREAM_RX))
		return TQUIC_ERR_STREAM_STATE;
	if (!local)
		return streams_get_remote(t, id, now, gfp, out);
	if (id >> 2 >= t->opened[id & 3])
		return TQUIC_ERR_STREAM_STATE;
	*out = tquic_streams_find(t, id);
	return 0;
}

static void streams_closed_remote(struct tquic_streams *t, bool uni)
{
	u64 window = t->local.streams[uni], max;

	t->closed_remote[uni]++;
	max = streams_cap(t->closed_remote[uni] + window);
	if (max <= t->max_remote[uni] || max - t->max_remote[uni] < window / 2)
		return;
	t->max_remote[uni] = max;
	t->grant_due |= BIT(uni);
}

static void streams_dequeue(struct tquic_streams *t, struct tquic_stream *s)
{
	u8 u = s->urgency;

	if (s->queue == TQUIC_STREAM_SEQUENTIAL)
		rb_erase(&s->ready_rb, &t->sequential[u]);
	else if (s->queue != TQUIC_STREAM_IDLE)
		list_del(&s->ready);
	s->queue = TQUIC_STREAM_IDLE;
	if (RB_EMPTY_ROOT(&t->sequential[u]) && list_empty(&t->shared[u]))
		t->ready_mask &= ~BIT(u);
}

static struct tquic_stream *streams_of_rb(struct rb_node *node)
{
	return rb_entry_safe(node, struct tquic_stream, ready_rb);
}

static bool streams_before(const struct tquic_stream *a, const struct tquic_stream *b)
{
	return a->deadline_ns == b->deadline_ns ? a->id < b->id :
						  a->deadline_ns < b->deadline_ns;
}

static void streams_enqueue(struct tquic_streams *t, struct tquic_stream *s)
{
	struct rb_node **link = &t->sequential[s->urgency].rb_node, *parent = NULL;

	t->ready_mask |= BIT(s->urgency);
	if (s->incremental && s->deadline_ns == TQUIC_DEADLINE_NONE) {
		list_add_tail(&s->ready, &t->shared[s->urgency]);
		s->queue = TQUIC_STREAM_SHARED;
		return;
	}
	while (*link) {
		parent = *link;
		link = streams_before(s, streams_of_rb(parent)) ? &parent->rb_left :
								  &parent->rb_right;
	}
	rb_link_node(&s->ready_rb, parent, link);
	rb_insert_color(&s->ready_rb, &t->sequential[s->urgency]);
	s->queue = TQUIC_STREAM_SEQUENTIAL;
}

bool tquic_streams_reap(struct tquic_streams *t, struct tquic_stream *s)
{
	if (!tquic_stream_done(s))
		return false;
	streams_dequeue(t, s);
	list_del(&s->readable);
	list_del(&s->ctl_list);
	if (!tquic_stream_id_local(s->id, t->is_server))
		streams_closed_remote(t, tquic_stream_id_uni(s->id));
	streams_forget(t, s);
	return true;
}

/* Take @s out of its place among those ready; true: it had one, streams_enqueue() it again. */
static bool streams_lift(struct tquic_streams *t, struct tquic_stream *s)
{
	bool ready = tquic_stream_is_ready(s);

	if (ready)
		streams_dequeue(t, s);
	return ready;
}

void tquic_streams_set_priority(struct tquic_streams *t, struct tquic_stream *s, u8 urgency,
				bool incremental)
{
	bool ready;

	urgency = min_t(u8, urgency, TQUIC_URGENCY_COUNT - 1);
	/* Who asks for what it has keeps its turn. */
	if (s->urgency == urgency && s->incremental == incremental)
		return;
	ready = streams_lift(t, s);
	s->urgency = urgency;
	s->incremental = incremental;
	if (ready)
		streams_enqueue(t, s);
}

void tquic_streams_set_deadline(struct tquic_streams *t, struct tquic_stream *s,
				u64 deadline_ns)
{
	bool ready = streams_lift(t, s);

	s->deadline_ns = deadline_ns;
	if (ready)
		streams_enqueue(t, s);
}

void tquic_streams_update_ready(struct tquic_streams *t, struct tquic_stream *s)
{
	struct tquic_send_seg seg;

	if (!tquic_send_pending(&s->tx)) {
		streams_dequeue(t, s);
		return;
	}
	if (s->queue == TQUIC_STREAM_PARKED) {
		if (!tquic_send_next(&s->tx, 1, 0, &seg))
			return;
		streams_dequeue(t, s);
	}
	if (s->queue == TQUIC_STREAM_IDLE)
		streams_enqueue(t, s);
}

void tquic_streams_park(struct tquic_streams *t, struct tquic_stream *s)
{
	streams_dequeue(t, s);
	list_add_tail(&s->ready, &t->parked);
	s->queue = TQUIC_STREAM_PARKED;
}

void tquic_streams_unpark(struct tquic_streams *t)
{
	struct tquic_stream *s;

	while ((s = list_first_entry_or_null(&t->parked, struct tquic_stream, ready))) {
		streams_dequeue(t, s);
		streams_enqueue(t, s);
	}
}

/* The first sequential stream of an urgency that is due at @floor_ns or later */
static struct tquic_stream *streams_first(const struct tquic_streams *t, u8 u, u64 floor_ns)
{
	struct rb_node *node = t->sequential[u].rb_node;
	struct tquic_stream *s, *first = NULL;

	while (node) {
		s = streams_of_rb(node);
		if (s->deadline_ns >= floor_ns) {
			first = s;
			node = node->rb_left;
		} else {
			node = node->rb_right;
		}
	}
	return first;
}

struct tquic_stream *tquic_streams_next_ready(const struct tquic_streams *t, u64 floor_ns)
{
	struct tquic_stream *first, *turn;
	unsigned long mask = t->ready_mask;
	u8 u;

	for_each_set_bit(u, &mask, TQUIC_URGENCY_COUNT) {
		first = streams_first(t, u, floor_ns);
		turn = list_empty(&t->shared[u]) ? NULL :
		       list_first_entry(&t->shared[u], struct tquic_stream, ready);
		if (!first || (turn && first->deadline_ns == TQUIC_DEADLINE_NONE &&
			       t->turn & BIT(u)))
			first = turn;
		if (first)
			return first;
	}
	return NULL;
}

void tquic_streams_sent(struct tquic_streams *t, struct tquic_stream *s)
{
	if (s->queue == TQUIC_STREAM_SHARED) {
		list_move_tail(&s->ready, &t->shared[s->urgency]);
		t->turn &= ~BIT(s->urgency);
	} else if (s->queue == TQUIC_STREAM_SEQUENTIAL &&
		   s->deadline_ns == TQUIC_DEADLINE_NONE) {
		t->turn |= BIT(s->urgency);
	}
	tquic_streams_update_ready(t, s);
}

void tquic_streams_claim(struct tquic_streams *t, struct tquic_stream *s, void *user)
{
	list_del_init(&s->readable);
	s->user = user;
	s->users++;
}

void tquic_streams_release(struct tquic_streams *t, struct tquic_stream *s)
{
	list_del_init(&s->readable);
	s->user = NULL;
	s->users--;
	tquic_streams_update_readable(t, s);
	tquic_streams_reap(t, s);
}

void tquic_streams_notify(struct tquic_streams *t, struct tquic_stream *s)
{
	if (s->user && list_empty(&s->readable))
		list_add_tail(&s->readable, &t->owners);
}

void *tquic_streams_next_owner(struct tquic_streams *t)
{
	struct tquic_stream *s = list_first_entry_or_null(&t->owners, struct tquic_stream,
							  readable);

	if (!s)
		return NULL;
	list_del_init(&s->readable);
	return s->user;
}

void tquic_streams_update_readable(struct tquic_streams *t, struct tquic_stream *s)
{
	if (s->user)
		return;
	if (!tquic_stream_has_news(s))
		list_del_init(&s->readable);
	else if (list_empty(&s->readable))
		list_add_tail(&s->readable, &t->readable);
}

void tquic_streams_read(struct tquic_streams *t, struct tquic_stream *s)
{
	if (!s->user)
		list_del_init(&s->readable);
	tquic_streams_update_readable(t, s);
}

struct tquic_stream *tquic_streams_next_readable(const struct tquic_streams *t)
{
	return list_empty(&t->readable) ? NULL :
	       list_first_entry(&t->readable, struct tquic_stream, readable);
}

void tquic_streams_ctl_set(struct tquic_streams *t, struct tquic_stream *s, u8 bits)
{
	if (bits && !s->ctl)
		list_add_tail(&s->ctl_list, &t->ctl);
	s->ctl |= bits;
}

void tquic_streams_ctl_clear(struct tquic_streams *t, struct tquic_stream *s, u8 bits)
{
	s->ctl &= ~bits;
	if (!s->ctl)
		list_del_init(&s->ctl_list);
}

struct tquic_stream *tquic_streams_next_ctl(const struct tquic_streams *t)
{
	return list_empty(&t->ctl) ? NULL :
	       list_first_entry(&t->ctl, struct tquic_stream, ctl_list);
}
