// SPDX-License-Identifier: GPL-2.0
/* KUnit suite of the table of streams: ids, limits, order. */
#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/prandom.h>

#include "core/deadline.h"
#include "core/proto.h"
#include "core/rec.h"
#include "core/streams.h"

#define MODEL_STREAMS	400U

static const struct tquic_stream_limits ours = {
	.data_bidi_local = 1001,
	.data_bidi_remote = 1002,
	.data_uni = 1003,
	.streams = { 10, 4 },
};

static const struct tquic_stream_limits theirs = {
	.data_bidi_local = 2001,
	.data_bidi_remote = 2002,
	.data_uni = 2003,
	.streams = { 3, 100 },
};

/* A server's table: 0 and 2 mod 4 are the peer's streams, 1 and 3 ours. */
static int streams_init(struct kunit *test)
{
	struct tquic_streams *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);

	if (!t)
		return -ENOMEM;
	tquic_streams_init(t, true, &ours, 8000, 1 << 20);
	tquic_streams_set_peer(t, &theirs);
	test->priv = t;
	return 0;
}

static void streams_exit(struct kunit *test)
{
	struct tquic_streams *t = test->priv;

	if (!t)
		return;
	tquic_streams_destroy(t);
	KUNIT_EXPECT_EQ(test, t->tx_mem.used, 0);
	KUNIT_EXPECT_EQ(test, t->rx_mem.used, 0);
}

static struct tquic_stream *open_stream(struct kunit *test, bool uni)
{
	struct tquic_stream *s = NULL;

	KUNIT_ASSERT_EQ(test, tquic_streams_open(test->priv, uni, 0, GFP_KERNEL, &s), 0);
	KUNIT_ASSERT_NOT_NULL(test, s);
	return s;
}

static int get(struct kunit *test, u64 id, enum tquic_stream_half half, struct tquic_stream **s)
{
	return tquic_streams_get(test->priv, id, half, 0, GFP_KERNEL, s);
}

static struct tquic_stream *get_ok(struct kunit *test, u64 id)
{
	struct tquic_stream *s;

	KUNIT_ASSERT_EQ(test, get(test, id, TQUIC_STREAM_RX, &s), 0);
	return s;
}

/* Bring both halves to their ends and remove the stream. */
static bool finish(struct kunit *test, struct tquic_stream *s)
{
	struct tquic_recv_delta d;

	tquic_send_reset(&s->tx, 0);
	tquic_send_reset_acked(&s->tx, 0);
	if (!tquic_recv_terminal(&s->rx)) {
		KUNIT_EXPECT_EQ(test, tquic_recv_reset(&s->rx, 0, 0, 0, &d), 0);
		tquic_recv_told(&s->rx);
	}
	return tquic_streams_reap(test->priv, s);
}

/* Give a stream something to send. */
static void fill(struct kunit *test, struct tquic_stream *s, u32 n)
{
	u8 *dst;
	int room;

	room = tquic_send_reserve(&s->tx, n, GFP_KERNEL, &dst);
	KUNIT_ASSERT_EQ(test, room, (int)n);
	memset(dst, 0, n);
	tquic_send_commit(&s->tx, n);
	tquic_streams_update_ready(test->priv, s);
}

/* The stream whose turn it is sends @n bytes; returns its id. */
static u64 send_some(struct kunit *test, u32 n)
{
	struct tquic_stream *s = tquic_streams_next_ready(test->priv, 0);
	struct tquic_send_seg seg;

	if (!s)
		return U64_MAX;
	KUNIT_ASSERT_TRUE(test, tquic_send_next(&s->tx, n, U64_MAX, &seg));
	tquic_send_sent(&s->tx, &seg);
	tquic_streams_sent(test->priv, s);
	return s->id;
}

static void streams_open_in_order(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, open_stream(test, false)->id, 1);
	KUNIT_EXPECT_EQ(test, open_stream(test, true)->id, 3);
	KUNIT_EXPECT_EQ(test, open_stream(test, false)->id, 5);
	KUNIT_EXPECT_EQ(test, open_stream(test, true)->id, 7);
}

/* A stream nothing was written to leaves no gap, unless another came after it. */
static void streams_unopen(struct kunit *test)
{
	struct tquic_streams *t = test->priv;
	struct tquic_stream *first = open_stream(test, false), *second = open_stream(test, false);

	KUNIT_EXPECT_FALSE(test, tquic_streams_unopen(t, first));
	KUNIT_EXPECT_TRUE(test, tquic_streams_unopen(t, second));
	KUNIT_EXPECT_EQ(test, t->count, 1);
	KUNIT_EXPECT_EQ(test, tquic_streams_opened(t, false), 1);
	second = open_stream(test, false);
	KUNIT_EXPECT_EQ(test, second->id, 5);
	/* Another thread is at it. */
	second->users = 2;
	KUNIT_EXPECT_FALSE(test, tquic_streams_unopen(t, second));
	second->users = 1;
	/* The peer was told of it, or has written to it. */
	list_add(&second->readable, &t->readable);
	KUNIT_EXPECT_FALSE(test, tquic_streams_unopen(t, second));
	list_del_init(&second->readable);
	second->tx.state = TQUIC_SEND_RESET_SENT;
	KUNIT_EXPECT_FALSE(test, tquic_streams_unopen(t, second));
	second->tx.state = TQUIC_SEND_READY;
	second->users = 0;
	KUNIT_ASSERT_EQ(test, tquic_send_finish(&second->tx), 0);
	KUNIT_EXPECT_FALSE(test, tquic_streams_unopen(t, second));
}

/* What a peer allowed that is to be forgotten: nothing may be opened, and that is told anew. */
static void streams_rewind(struct kunit *test)
{
	struct tquic_streams *t = test->priv;
	struct tquic_stream *s;
	int i;

	for (i = 0; i < 3; i++)
		open_stream(test, false);
	KUNIT_EXPECT_EQ(test, tquic_streams_open(t, false, 0, GFP_KERNEL, &s), -EAGAIN);
	KUNIT_EXPECT_EQ(test, t->blocked_due, BIT(0));
	tquic_streams_rewind(t);
	KUNIT_EXPECT_EQ(test, t->blocked_due, 0);
	KUNIT_EXPECT_EQ(test, tquic_streams_open(t, true, 0, GFP_KERNEL, &s), -EAGAIN);
	KUNIT_EXPECT_EQ(test, t->blocked_due, BIT(1));
	KUNIT_EXPECT_EQ(test, t->blocked_at[1], 0);
	KUNIT_EXPECT_EQ(test, t->blocked_at[0], U64_MAX);
}

static void streams_open_limit(struct kunit *test)
{
	struct tquic_streams *t = test->priv;
	struct tquic_stream *s;
	int i;

	for (i = 0; i < 3; i++)
		open_stream(test, false);
	KUNIT_EXPECT_EQ(test, t->blocked_due, 0);
	KUNIT_EXPECT_EQ(test, tquic_streams_open(t, false, 0, GFP_KERNEL, &s), -EAGAIN);
	KUNIT_EXPECT_EQ(test, t->blocked_due, 1);
	KUNIT_EXPECT_EQ(test, t->blocked_at[0], 3);
	/* Reported once per limit, unless the frame is lost. */
	t->blocked_due = 0;
	KUNIT_EXPECT_EQ(test, tquic_streams_open(t, false, 0, GFP_KERNEL, &s), -EAGAIN);
	KUNIT_EXPECT_EQ(test, t->blocked_due, 0);
	tquic_streams_blocked_lost(t, false, 2);
	KUNIT_EXPECT_EQ(test, t->blocked_due, 0);
	tquic_streams_blocked_lost(t, false, 3);
	KUNIT_EXPECT_EQ(test, t->blocked_due, 1);
	KUNIT_EXPECT_FALSE(test, tquic_streams_on_max(t, false, 3));
	KUNIT_EXPECT_TRUE(test, tquic_streams_on_max(t, false, 4));
	KUNIT_EXPECT_EQ(test, t->blocked_due, 0);
	tquic_streams_blocked_lost(t, false, 3);
	KUNIT_EXPECT_EQ(test, t->blocked_due, 0);
	KUNIT_EXPECT_EQ(test, open_stream(test, false)->id, 13);
	/* Closing does not give us more. */
	KUNIT_EXPECT_TRUE(test, finish(test, tquic_streams_find(t, 13)));
	KUNIT_EXPECT_EQ(test, tquic_streams_open(t, false, 0, GFP_KERNEL, &s), -EAGAIN);
	open_stream(test, true);
}

static void streams_initial_credit(struct kunit *test)
{
	struct tquic_stream *s;

	s = open_stream(test, false);
	KUNIT_EXPECT_EQ(test, s->tx.max_data, 2002);
	KUNIT_EXPECT_EQ(test, s->rx.flow.max, 1001);
	s = open_stream(test, true);
	KUNIT_EXPECT_EQ(test, s->tx.max_data, 2003);
	KUNIT_EXPECT_EQ(test, s->rx.state, TQUIC_RECV_NONE);
	s = get_ok(test, 0);
	KUNIT_EXPECT_EQ(test, s->tx.max_data, 2001);
	KUNIT_EXPECT_EQ(test, s->rx.flow.max, 1002);
	s = get_ok(test, 2);
	KUNIT_EXPECT_EQ(test, s->tx.state, TQUIC_SEND_NONE);
	KUNIT_EXPECT_EQ(test, s->rx.flow.max, 1003);
	KUNIT_EXPECT_EQ(test, s->rx.flow.window_max, 8000);
}

static void streams_late_parameters_give_credit(struct kunit *test)
{
	struct tquic_streams *t = test->priv;
	struct tquic_stream_limits none = { .streams = { 1, 0 } };
	struct tquic_stream *s;

	tquic_streams_destroy(t);
	tquic_streams_init(t, true, &ours, 8000, 1 << 20);
	KUNIT_EXPECT_EQ(test, tquic_streams_open(t, false, 0, GFP_KERNEL, &s), -EAGAIN);
	KUNIT_EXPECT_EQ(test, t->blocked_due, 1);
	/* Remembered from an earlier connection. */
	tquic_streams_set_peer(t, &none);
	s = open_stream(test, false);
	fill(test, s, 100);
	KUNIT_EXPECT_NULL(test, tquic_streams_next_ready(t, 0));
	tquic_streams_set_peer(t, &theirs);
	KUNIT_EXPECT_PTR_EQ(test, tquic_streams_next_ready(t, 0), s);
	KUNIT_EXPECT_EQ(test, s->tx.max_data, 2002);
	open_stream(test, true);
}

static void streams_direction_errors(struct kunit *test)
{
	struct tquic_stream *s;

	open_stream(test, false);
	open_stream(test, true);
	/* Ours. */
	KUNIT_EXPECT_EQ(test, get(test, 1, TQUIC_STREAM_RX, &s), 0);
	KUNIT_EXPECT_EQ(test, get(test, 1, TQUIC_STREAM_TX, &s), 0);
	KUNIT_EXPECT_EQ(test, s->id, 1);
	KUNIT_EXPECT_EQ(test, get(test, 3, TQUIC_STREAM_TX, &s), 0);
	KUNIT_EXPECT_EQ(test, get(test, 3, TQUIC_STREAM_RX, &s), TQUIC_ERR_STREAM_STATE);
	KUNIT_EXPECT_NULL(test, s);
	/* Ours, not opened. */
	KUNIT_EXPECT_EQ(test, get(test, 5, TQUIC_STREAM_RX, &s), TQUIC_ERR_STREAM_STATE);
	KUNIT_EXPECT_EQ(test, get(test, 7, TQUIC_STREAM_TX, &s), TQUIC_ERR_STREAM_STATE);
	/* The peer's. */
	KUNIT_EXPECT_EQ(test, get(test, 0, TQUIC_STREAM_TX, &s), 0);
	KUNIT_EXPECT_EQ(test, get(test, 2, TQUIC_STREAM_RX, &s), 0);
	KUNIT_EXPECT_EQ(test, get(test, 2, TQUIC_STREAM_TX, &s), TQUIC_ERR_STREAM_STATE);
}

static void streams_remote_limit(struct kunit *test)
{
	struct tquic_stream *s;

	KUNIT_EXPECT_EQ(test, get(test, 40, TQUIC_STREAM_RX, &s), TQUIC_ERR_STREAM_LIMIT);
	KUNIT_EXPECT_EQ(test, get(test, 18, TQUIC_STREAM_RX, &s), TQUIC_ERR_STREAM_LIMIT);
	KUNIT_EXPECT_EQ(test, get(test, TQUIC_VARINT_MAX - 3, TQUIC_STREAM_RX, &s),
			TQUIC_ERR_STREAM_LIMIT);
	KUNIT_EXPECT_EQ(test, get(test, 36, TQUIC_STREAM_RX, &s), 0);
	KUNIT_EXPECT_EQ(test, get(test, 14, TQUIC_STREAM_RX, &s), 0);
}

static void streams_lower_ids_are_lazy(struct kunit *test)
{
	struct tquic_streams *t = test->priv;
	struct tquic_stream *s;

	get_ok(test, 36);
	KUNIT_EXPECT_EQ(test, t->count, 1);
	KUNIT_EXPECT_NULL(test, tquic_streams_find(t, 32));
	s = get_ok(test, 16);
	KUNIT_ASSERT_NOT_NULL(test, s);
	KUNIT_EXPECT_EQ(test, t->count, 2);
	KUNIT_EXPECT_PTR_EQ(test, get_ok(test, 16), s);
	KUNIT_EXPECT_PTR_EQ(test, tquic_streams_find(t, 16), s);
	/* One that has ended never comes back. */
	KUNIT_EXPECT_TRUE(test, finish(test, s));
	KUNIT_EXPECT_NULL(test, get_ok(test, 16));
	KUNIT_EXPECT_NOT_NULL(test, get_ok(test, 12));
	KUNIT_EXPECT_NOT_NULL(test, get_ok(test, 20));
	KUNIT_EXPECT_TRUE(test, finish(test, get_ok(test, 36)));
	KUNIT_EXPECT_NULL(test, get_ok(test, 36));
	KUNIT_EXPECT_EQ(test, t->count, 2);
	/* The same for ours. */
	s = open_stream(test, false);
	KUNIT_EXPECT_TRUE(test, finish(test, s));
	KUNIT_EXPECT_NULL(test, get_ok(test, 1));
}

static void streams_end_needs_everyone(struct kunit *test)
{
	struct tquic_streams *t = test->priv;
	struct tquic_stream *s = get_ok(test, 0);

	KUNIT_EXPECT_FALSE(test, tquic_streams_reap(t, s));
	s->users = 1;
	KUNIT_EXPECT_FALSE(test, finish(test, s));
	s->users = 0;
	KUNIT_EXPECT_TRUE(test, tquic_streams_reap(t, s));
	KUNIT_EXPECT_EQ(test, t->count, 0);
	/* One that ends while it is among the senders. */
	s = open_stream(test, false);
	fill(test, s, 10);
	KUNIT_EXPECT_TRUE(test, finish(test, s));
	KUNIT_EXPECT_NULL(test, tquic_streams_next_ready(t, 0));
}

static void streams_credit_as_streams_end(struct kunit *test)
{
	struct tquic_streams *t = test->priv;
	struct tquic_stream *s;
	u64 i;

	/* Ten at a time, more at each half. */
	for (i = 0; i < 100; i++) {
		KUNIT_EXPECT_EQ(test, t->grant_due, 0);
		KUNIT_EXPECT_TRUE(test, finish(test, get_ok(test, 4 * i)));
		KUNIT_EXPECT_EQ(test, t->grant_due, i % 5 == 4);
		KUNIT_EXPECT_EQ(test, t->max_remote[0], 10 + (i + 1) / 5 * 5);
		t->grant_due = 0;
	}
	KUNIT_EXPECT_EQ(test, get(test, 4 * 110, TQUIC_STREAM_RX, &s), TQUIC_ERR_STREAM_LIMIT);
	KUNIT_EXPECT_EQ(test, get(test, 4 * 109, TQUIC_STREAM_RX, &s), 0);
	/* Unidirectional ones are counted for themselves. */
	KUNIT_EXPECT_TRUE(test, finish(test, get_ok(test, 6)));
	KUNIT_EXPECT_EQ(test, t->grant_due, 0);
	KUNIT_EXPECT_TRUE(test, finish(test, get_ok(test, 2)));
	KUNIT_EXPECT_EQ(test, t->grant_due, 2);
	KUNIT_EXPECT_EQ(test, t->max_remote[1], 6);
}

/* Deadlines come before turns and ids, within an urgency; a floor leaves the nearer ones out */
static void streams_deadlines(struct kunit *test)
{
	struct tquic_streams *t = test->priv;
	struct tquic_stream *s[4];
	int i;

	for (i = 0; i < 4; i++) {
		s[i] = open_stream(test, i == 1);
		fill(test, s[i], 100);
	}
	tquic_streams_set_priority(t, s[0], TQUIC_URGENCY_DEFAULT, false);
	KUNIT_EXPECT_EQ(test, send_some(test, 10), s[0]->id);
	tquic_streams_set_deadline(t, s[2], 200);
	tquic_streams_set_deadline(t, s[3], 100);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, send_some(test, 10), s[3]->id);
	tquic_streams_set_deadline(t, s[3], 200);
	KUNIT_EXPECT_EQ(test, send_some(test, 10), s[2]->id);
	tquic_streams_set_deadline(t, s[3], 201);
	KUNIT_EXPECT_PTR_EQ(test, tquic_streams_next_ready(t, 200), s[2]);
	KUNIT_EXPECT_PTR_EQ(test, tquic_streams_next_ready(t, 201), s[3]);
	/* The turn of those without is where it was. */
	KUNIT_EXPECT_PTR_EQ(test, tquic_streams_next_ready(t, 202), s[1]);
	/* One of a lower urgency comes when nothing of a higher one is left. */
	tquic_streams_set_priority(t, s[1], TQUIC_URGENCY_DEFAULT + 1, false);
	KUNIT_EXPECT_PTR_EQ(test, tquic_streams_next_ready(t, 202), s[0]);
	tquic_streams_set_deadline(t, s[0], 201);
	KUNIT_EXPECT_PTR_EQ(test, tquic_streams_next_ready(t, 202), s[1]);
	tquic_streams_set_deadline(t, s[1], 201);
	KUNIT_EXPECT_NULL(test, tquic_streams_next_ready(t, 202));
	/* Taken back, it shares again. */
	tquic_streams_set_deadline(t, s[2], TQUIC_DEADLINE_NONE);
	KUNIT_EXPECT_PTR_EQ(test, tquic_streams_next_ready(t, 202), s[2]);
	KUNIT_EXPECT_EQ(test, s[2]->queue, TQUIC_STREAM_SHARED);
}

/* Random ids of the window are opened and closed; a plain array knows what must happen. */
static void streams_match_model(struct kunit *test)
{
	enum { UNSEEN, LIVE, GONE };
	u8 *model = kunit_kzalloc(test, MODEL_STREAMS, GFP_KERNEL);
	struct tquic_streams *t = test->priv;
	struct tquic_stream *s;
	struct rnd_state rnd;
	u32 step, i, live = 0;
	int err;

	KUNIT_ASSERT_NOT_NULL(test, model);
	prandom_seed_state(&rnd, 0x57e4);
	for (step = 0; step < 20000; step++) {
		i = t->closed_remote[0] + prandom_u32_state(&rnd) % 24;
		i = i < 12 ? 0 : i - 12;
		if (i >= MODEL_STREAMS)
			break;
		err = get(test, 4 * i, TQUIC_STREAM_RX, &s);
		if (i >= t->max_remote[0]) {
			KUNIT_ASSERT_EQ(test, err, TQUIC_ERR_STREAM_LIMIT);
			continue;
		}
		KUNIT_ASSERT_EQ(test, err, 0);
		KUNIT_ASSERT_EQ(test, !s, model[i] == GONE);
		if (model[i] == UNSEEN) {
			model[i] = LIVE;
			live++;
		} else if (s && !(prandom_u32_state(&rnd) % 4)) {
			KUNIT_ASSERT_TRUE(test, finish(test, s));
			model[i] = GONE;
			live--;
		}
		KUNIT_ASSERT_EQ(test, t->count, live);
		KUNIT_ASSERT_LE(test, live, 10);
	}
	KUNIT_EXPECT_GE(test, t->closed_remote[0], MODEL_STREAMS - 30);
}

static void streams_urgency_then_turns(struct kunit *test)
{
	struct tquic_streams *t = test->priv;
	struct tquic_stream *a = open_stream(test, true), *b = open_stream(test, true);
	struct tquic_stream *c = open_stream(test, true), *u = open_stream(test, true);

	tquic_streams_set_priority(t, u, 0, true);
	fill(test, a, 300);
	fill(test, b, 200);
	fill(test, c, 300);
	fill(test, u, 150);
	KUNIT_EXPECT_EQ(test, send_some(test, 100), u->id);
	KUNIT_EXPECT_EQ(test, send_some(test, 100), u->id);
	KUNIT_EXPECT_EQ(test, send_some(test, 100), a->id);
	KUNIT_EXPECT_EQ(test, send_some(test, 100), b->id);
	KUNIT_EXPECT_EQ(test, send_some(test, 100), c->id);
	KUNIT_EXPECT_EQ(test, send_some(test, 100), a->id);
	/* Raised while it waits. */
	tquic_streams_set_priority(t, c, 2, true);
	KUNIT_EXPECT_EQ(test, send_some(test, 100), c->id);
	KUNIT_EXPECT_EQ(test, send_some(test, 100), c->id);
	KUNIT_EXPECT_EQ(test, send_some(test, 100), b->id);
	KUNIT_EXPECT_EQ(test, send_some(test, 100), a->id);
	KUNIT_EXPECT_EQ(test, send_some(test, 100), U64_MAX);
	tquic_streams_set_priority(t, a, 200, true);
	KUNIT_EXPECT_EQ(test, a->urgency, TQUIC_URGENCY_COUNT - 1);
}

static void streams_sequential_by_id(struct kunit *test)
{
	struct tquic_streams *t = test->priv;
	struct tquic_stream *s[4];
	int i;

	for (i = 0; i < 4; i++) {
		s[i] = open_stream(test, true);
		tquic_streams_set_priority(t, s[i], 3, false);
	}
	/* Ready in another order than they were opened. */
	fill(test, s[2], 200);
	fill(test, s[3], 100);
	fill(test, s[0], 100);
	fill(test, s[1], 200);
	KUNIT_EXPECT_EQ(test, send_some(test, 100), s[0]->id);
	KUNIT_EXPECT_EQ(test, send_some(test, 100), s[1]->id);
	KUNIT_EXPECT_EQ(test, send_some(test, 100), s[1]->id);
	KUNIT_EXPECT_EQ(test, send_some(test, 100), s[2]->id);
	fill(test, s[0], 100);
	KUNIT_EXPECT_EQ(test, send_some(test, 100), s[0]->id);
	KUNIT_EXPECT_EQ(test, send_some(test, 100), s[2]->id);
	KUNIT_EXPECT_EQ(test, send_some(test, 100), s[3]->id);
	KUNIT_EXPECT_EQ(test, send_some(test, 100), U64_MAX);
}

static void streams_mixed_kinds_alternate(struct kunit *test)
{
	struct tquic_streams *t = test->priv;
	struct tquic_stream *seq = open_stream(test, true), *a = open_stream(test, true);
	struct tquic_stream *b = open_stream(test, true);

	tquic_streams_set_priority(t, seq, 3, false);
	fill(test, a, 200);
	fill(test, b, 200);
	fill(test, seq, 400);
	KUNIT_EXPECT_EQ(test, send_some(test, 100), seq->id);
	KUNIT_EXPECT_EQ(test, send_some(test, 100), a->id);
	KUNIT_EXPECT_EQ(test, send_some(test, 100), seq->id);
	KUNIT_EXPECT_EQ(test, send_some(test, 100), b->id);
	KUNIT_EXPECT_EQ(test, send_some(test, 100), seq->id);
	KUNIT_EXPECT_EQ(test, send_some(test, 100), a->id);
	KUNIT_EXPECT_EQ(test, send_some(test, 100), seq->id);
	KUNIT_EXPECT_EQ(test, send_some(test, 100), b->id);
	KUNIT_EXPECT_EQ(test, send_some(test, 100), U64_MAX);
}

/* A stream of a higher urgency number gets nothing as long as one of a lower has something */
static void streams_less_urgent_waits(struct kunit *test)
{
	struct tquic_streams *t = test->priv;
	struct tquic_stream *first = open_stream(test, true), *low = open_stream(test, true);
	struct tquic_stream *high = open_stream(test, true);
	int i;

	tquic_streams_set_priority(t, first, 7, true);
	tquic_streams_set_priority(t, low, 6, false);
	tquic_streams_set_priority(t, high, 5, true);
	fill(test, first, 100);
	fill(test, low, 100);
	for (i = 0; i < 16; i++) {
		fill(test, high, 20);
		KUNIT_EXPECT_EQ(test, send_some(test, 100), high->id);
	}
	KUNIT_EXPECT_EQ(test, send_some(test, 100), low->id);
	KUNIT_EXPECT_EQ(test, send_some(test, 100), first->id);
}

/* What has the priority it is given keeps its turn; a change of kind moves what waits */
static void streams_priority_changes(struct kunit *test)
{
	struct tquic_streams *t = test->priv;
	struct tquic_stream *a = open_stream(test, true), *b = open_stream(test, true);
	struct tquic_stream *c = open_stream(test, true);

	fill(test, a, 300);
	fill(test, b, 300);
	fill(test, c, 300);
	KUNIT_EXPECT_EQ(test, send_some(test, 100), a->id);
	tquic_streams_set_priority(t, b, TQUIC_URGENCY_DEFAULT, true);
	KUNIT_EXPECT_EQ(test, send_some(test, 100), b->id);
	/* Out of the turns: c is the only one of its kind, and both kinds alternate. */
	tquic_streams_set_priority(t, c, TQUIC_URGENCY_DEFAULT, false);
	KUNIT_EXPECT_EQ(test, send_some(test, 100), c->id);
	KUNIT_EXPECT_EQ(test, send_some(test, 100), a->id);
	KUNIT_EXPECT_EQ(test, send_some(test, 100), c->id);
	/* Lowered while it waits. */
	tquic_streams_set_priority(t, b, TQUIC_URGENCY_DEFAULT + 1, true);
	KUNIT_EXPECT_EQ(test, send_some(test, 100), a->id);
	KUNIT_EXPECT_EQ(test, send_some(test, 100), c->id);
	KUNIT_EXPECT_EQ(test, send_some(test, 200), b->id);
	KUNIT_EXPECT_EQ(test, send_some(test, 100), U64_MAX);
	/* Nothing waits: there is nothing to move, and what comes has the new place. */
	tquic_streams_set_priority(t, a, TQUIC_URGENCY_DEFAULT + 2, true);
	KUNIT_EXPECT_EQ(test, a->queue, TQUIC_STREAM_IDLE);
	fill(test, a, 100);
	fill(test, b, 50);
	KUNIT_EXPECT_EQ(test, send_some(test, 100), b->id);
	/* Set aside for want of credit: it is told when that has come. */
	tquic_streams_park(t, a);
	tquic_streams_set_priority(t, a, 0, true);
	KUNIT_EXPECT_NULL(test, tquic_streams_next_ready(t, 0));
	fill(test, b, 50);
	tquic_streams_unpark(t);
	KUNIT_EXPECT_EQ(test, send_some(test, 100), a->id);
	KUNIT_EXPECT_EQ(test, send_some(test, 100), b->id);
}

/* The frame of @len bytes at @off was lost */
static void lose(struct kunit *test, struct tquic_stream *s, u64 off, u32 len)
{
	struct tquic_rec *rec = tquic_rec_alloc(GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, rec);
	rec->off = off;
	rec->len = len;
	tquic_send_on_lost(&s->tx, rec);
	tquic_streams_update_ready(test->priv, s);
}

/* What is sent again has the place of its stream, and no other */
static void streams_lost_keeps_the_place(struct kunit *test)
{
	struct tquic_streams *t = test->priv;
	struct tquic_stream *a = open_stream(test, true), *b = open_stream(test, true);
	struct tquic_stream *c = open_stream(test, true), *seq[2];
	int i;

	fill(test, a, 200);
	fill(test, b, 200);
	fill(test, c, 100);
	KUNIT_EXPECT_EQ(test, send_some(test, 100), a->id);
	KUNIT_EXPECT_EQ(test, send_some(test, 100), b->id);
	/* Neither ahead of those whose turn it is, nor behind those that come later. */
	lose(test, b, 0, 100);
	KUNIT_EXPECT_EQ(test, send_some(test, 100), c->id);
	KUNIT_EXPECT_EQ(test, send_some(test, 100), a->id);
	KUNIT_EXPECT_EQ(test, send_some(test, 100), b->id);
	/* Less urgent: behind new data of what is more urgent; more urgent: ahead of it. */
	for (i = 0; i < 2; i++) {
		seq[i] = open_stream(test, true);
		tquic_streams_set_priority(t, seq[i], 2, false);
		fill(test, seq[i], 200);
	}
	lose(test, a, 0, 100);
	for (i = 0; i < 2; i++)
		KUNIT_EXPECT_EQ(test, send_some(test, 100), seq[0]->id);
	KUNIT_EXPECT_EQ(test, send_some(test, 100), seq[1]->id);
	/* One after the other: the lower id is not done before it has arrived. */
	lose(test, seq[0], 100, 100);
	KUNIT_EXPECT_EQ(test, send_some(test, 100), seq[0]->id);
	KUNIT_EXPECT_EQ(test, send_some(test, 100), seq[1]->id);
	KUNIT_EXPECT_EQ(test, send_some(test, 100), b->id);
	KUNIT_EXPECT_EQ(test, send_some(test, 100), a->id);
	lose(test, seq[1], 0, 100);
	lose(test, b, 100, 100);
	KUNIT_EXPECT_EQ(test, send_some(test, 100), seq[1]->id);
	KUNIT_EXPECT_EQ(test, send_some(test, 100), b->id);
	KUNIT_EXPECT_EQ(test, send_some(test, 100), U64_MAX);
}

static void streams_parked_until_credit(struct kunit *test)
{
	struct tquic_streams *t = test->priv;
	struct tquic_stream *a = open_stream(test, true), *b = open_stream(test, true);
	struct tquic_rec *rec = tquic_rec_alloc(GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, rec);
	fill(test, a, 200);
	fill(test, b, 200);
	KUNIT_EXPECT_EQ(test, send_some(test, 100), a->id);
	tquic_streams_park(t, b);
	tquic_streams_park(t, a);
	KUNIT_EXPECT_NULL(test, tquic_streams_next_ready(t, 0));
	KUNIT_EXPECT_EQ(test, t->ready_mask, 0);
	tquic_streams_update_ready(t, a);
	KUNIT_EXPECT_NULL(test, tquic_streams_next_ready(t, 0));
	/* Lost data needs no credit. */
	rec->len = 100;
	tquic_send_on_lost(&a->tx, rec);
	tquic_streams_update_ready(t, a);
	KUNIT_EXPECT_PTR_EQ(test, tquic_streams_next_ready(t, 0), a);
	KUNIT_EXPECT_EQ(test, send_some(test, 100), a->id);
	tquic_streams_park(t, a);
	tquic_streams_unpark(t);
	KUNIT_EXPECT_EQ(test, send_some(test, 100), b->id);
	KUNIT_EXPECT_EQ(test, send_some(test, 100), a->id);
	KUNIT_EXPECT_EQ(test, send_some(test, 100), b->id);
	KUNIT_EXPECT_EQ(test, send_some(test, 100), U64_MAX);
	/* Nothing left to send while parked. */
	fill(test, a, 10);
	tquic_streams_park(t, a);
	tquic_send_reset(&a->tx, 1);
	tquic_streams_update_ready(t, a);
	tquic_streams_unpark(t);
	KUNIT_EXPECT_NULL(test, tquic_streams_next_ready(t, 0));
}

static void streams_readable_list(struct kunit *test)
{
	struct tquic_streams *t = test->priv;
	struct tquic_stream *a = get_ok(test, 0), *b = get_ok(test, 4);
	struct tquic_recv_in in = { .data = (const u8 *)"abc", .len = 3 };
	struct tquic_recv_delta d;

	tquic_streams_update_readable(t, a);
	KUNIT_EXPECT_NULL(test, tquic_streams_next_readable(t));
	KUNIT_EXPECT_EQ(test, tquic_recv_insert(&b->rx, &in, GFP_KERNEL, &d), 0);
	KUNIT_EXPECT_EQ(test, tquic_recv_insert(&a->rx, &in, GFP_KERNEL, &d), 0);
	tquic_streams_update_readable(t, b);
	tquic_streams_update_readable(t, a);
	tquic_streams_update_readable(t, b);
	KUNIT_EXPECT_PTR_EQ(test, tquic_streams_next_readable(t), b);
	tquic_recv_consume(&b->rx, 3, 0, 0);
	tquic_streams_update_readable(t, b);
	KUNIT_EXPECT_PTR_EQ(test, tquic_streams_next_readable(t), a);
	/* A stream that is removed leaves all lists. */
	tquic_streams_ctl_set(t, a, TQUIC_STREAM_CTL_MAX_DATA);
	KUNIT_EXPECT_EQ(test, tquic_recv_reset(&a->rx, 1, 3, 0, &d), 0);
	tquic_streams_update_readable(t, a);
	KUNIT_EXPECT_PTR_EQ(test, tquic_streams_next_readable(t), a);
	tquic_recv_told(&a->rx);
	KUNIT_EXPECT_TRUE(test, finish(test, a));
	KUNIT_EXPECT_NULL(test, tquic_streams_next_readable(t));
	KUNIT_EXPECT_NULL(test, tquic_streams_next_ctl(t));
	/* Data nobody reads goes with the table. */
	in.off = 3;
	KUNIT_EXPECT_EQ(test, tquic_recv_insert(&b->rx, &in, GFP_KERNEL, &d), 0);
	KUNIT_EXPECT_GT(test, t->rx_mem.used, 0);
}

/* Who was read and still has something lets others go first; an owner's place is its own */
static void streams_read_in_turn(struct kunit *test)
{
	struct tquic_streams *t = test->priv;
	struct tquic_stream *a = get_ok(test, 0), *b = get_ok(test, 4);
	struct tquic_recv_in in = { .data = (const u8 *)"abc", .len = 3 };
	struct tquic_recv_delta d;
	int owner;

	KUNIT_EXPECT_EQ(test, tquic_recv_insert(&a->rx, &in, GFP_KERNEL, &d), 0);
	KUNIT_EXPECT_EQ(test, tquic_recv_insert(&b->rx, &in, GFP_KERNEL, &d), 0);
	tquic_streams_update_readable(t, a);
	tquic_streams_update_readable(t, b);
	/* What is only looked at stays in front. */
	tquic_streams_update_readable(t, a);
	KUNIT_EXPECT_PTR_EQ(test, tquic_streams_next_readable(t), a);
	tquic_recv_consume(&a->rx, 1, 0, 0);
	tquic_streams_read(t, a);
	KUNIT_EXPECT_PTR_EQ(test, tquic_streams_next_readable(t), b);
	tquic_recv_consume(&b->rx, 1, 0, 0);
	tquic_streams_read(t, b);
	KUNIT_EXPECT_PTR_EQ(test, tquic_streams_next_readable(t), a);
	/* Read to the end */
	tquic_recv_consume(&a->rx, 2, 0, 0);
	tquic_streams_read(t, a);
	KUNIT_EXPECT_PTR_EQ(test, tquic_streams_next_readable(t), b);
	KUNIT_EXPECT_TRUE(test, list_empty(&a->readable));
	/* Alone it is next again. */
	tquic_recv_consume(&b->rx, 1, 0, 0);
	tquic_streams_read(t, b);
	KUNIT_EXPECT_PTR_EQ(test, tquic_streams_next_readable(t), b);
	tquic_streams_claim(t, b, &owner);
	tquic_streams_notify(t, b);
	tquic_streams_read(t, b);
	KUNIT_EXPECT_NULL(test, tquic_streams_next_readable(t));
	KUNIT_EXPECT_PTR_EQ(test, tquic_streams_next_owner(t), (void *)&owner);
	tquic_streams_release(t, b);
}

/* A stream with an owner is on no list of what anybody reads; its owner is told, once */
static void streams_owners(struct kunit *test)
{
	struct tquic_streams *t = test->priv;
	struct tquic_stream *a = get_ok(test, 0), *b = get_ok(test, 4);
	struct tquic_recv_in in = { .data = (const u8 *)"abc", .len = 3 };
	struct tquic_recv_delta d;
	int owner[2];

	KUNIT_EXPECT_EQ(test, tquic_recv_insert(&a->rx, &in, GFP_KERNEL, &d), 0);
	tquic_streams_update_readable(t, a);
	KUNIT_EXPECT_PTR_EQ(test, tquic_streams_next_readable(t), a);
	tquic_streams_claim(t, a, &owner[0]);
	KUNIT_EXPECT_NULL(test, tquic_streams_next_readable(t));
	tquic_streams_update_readable(t, a);
	KUNIT_EXPECT_NULL(test, tquic_streams_next_readable(t));
	KUNIT_EXPECT_NULL(test, tquic_streams_next_owner(t));
	tquic_streams_claim(t, b, &owner[1]);
	tquic_streams_notify(t, b);
	tquic_streams_notify(t, a);
	tquic_streams_notify(t, b);
	KUNIT_EXPECT_PTR_EQ(test, tquic_streams_next_owner(t), (void *)&owner[1]);
	KUNIT_EXPECT_PTR_EQ(test, tquic_streams_next_owner(t), (void *)&owner[0]);
	KUNIT_EXPECT_NULL(test, tquic_streams_next_owner(t));
	/* It lives as long as it has an owner. */
	KUNIT_EXPECT_FALSE(test, finish(test, b));
	tquic_streams_notify(t, b);
	tquic_streams_release(t, b);
	KUNIT_EXPECT_NULL(test, tquic_streams_find(t, 4));
	KUNIT_EXPECT_NULL(test, tquic_streams_next_owner(t));
	/* What was not read can be by others afterwards, and no owner is told any more. */
	tquic_streams_release(t, a);
	KUNIT_EXPECT_PTR_EQ(test, tquic_streams_next_readable(t), a);
	tquic_streams_notify(t, a);
	KUNIT_EXPECT_NULL(test, tquic_streams_next_owner(t));
}

static void streams_control_list(struct kunit *test)
{
	struct tquic_streams *t = test->priv;
	struct tquic_stream *a = get_ok(test, 0), *b = get_ok(test, 4);

	tquic_streams_ctl_set(t, a, 0);
	tquic_streams_ctl_clear(t, a, TQUIC_STREAM_CTL_STOP);
	KUNIT_EXPECT_NULL(test, tquic_streams_next_ctl(t));
	tquic_streams_ctl_set(t, b, TQUIC_STREAM_CTL_STOP);
	tquic_streams_ctl_set(t, a, TQUIC_STREAM_CTL_RESET);
	tquic_streams_ctl_set(t, b, TQUIC_STREAM_CTL_RESET);
	KUNIT_EXPECT_PTR_EQ(test, tquic_streams_next_ctl(t), b);
	tquic_streams_ctl_clear(t, b, TQUIC_STREAM_CTL_STOP);
	KUNIT_EXPECT_PTR_EQ(test, tquic_streams_next_ctl(t), b);
	tquic_streams_ctl_clear(t, b, TQUIC_STREAM_CTL_RESET);
	KUNIT_EXPECT_PTR_EQ(test, tquic_streams_next_ctl(t), a);
	tquic_streams_ctl_clear(t, a, 0xff);
	KUNIT_EXPECT_NULL(test, tquic_streams_next_ctl(t));
}

static void streams_limits_are_capped(struct kunit *test)
{
	struct tquic_stream_limits huge = { .streams = { U64_MAX, U64_MAX } };
	struct tquic_streams *t = test->priv;

	tquic_streams_destroy(t);
	tquic_streams_init(t, false, &huge, 0, 0);
	KUNIT_EXPECT_EQ(test, t->max_remote[0], min_t(u64, TQUIC_MAX_STREAMS, ULONG_MAX));
	tquic_streams_set_peer(t, &huge);
	KUNIT_EXPECT_EQ(test, t->peer.streams[1], min_t(u64, TQUIC_MAX_STREAMS, ULONG_MAX));
}

static int streams_suite_init(struct kunit_suite *suite)
{
	return tquic_rec_cache_init();
}

static void streams_suite_exit(struct kunit_suite *suite)
{
	tquic_rec_cache_exit();
}

static struct kunit_case streams_cases[] = {
	KUNIT_CASE(streams_open_in_order),
	KUNIT_CASE(streams_open_limit),
	KUNIT_CASE(streams_unopen),
	KUNIT_CASE(streams_rewind),
	KUNIT_CASE(streams_initial_credit),
	KUNIT_CASE(streams_late_parameters_give_credit),
	KUNIT_CASE(streams_direction_errors),
	KUNIT_CASE(streams_remote_limit),
	KUNIT_CASE(streams_lower_ids_are_lazy),
	KUNIT_CASE(streams_end_needs_everyone),
	KUNIT_CASE(streams_credit_as_streams_end),
	KUNIT_CASE(streams_deadlines),
	KUNIT_CASE(streams_match_model),
	KUNIT_CASE(streams_urgency_then_turns),
	KUNIT_CASE(streams_sequential_by_id),
	KUNIT_CASE(streams_mixed_kinds_alternate),
	KUNIT_CASE(streams_less_urgent_waits),
	KUNIT_CASE(streams_priority_changes),
	KUNIT_CASE(streams_lost_keeps_the_place),
	KUNIT_CASE(streams_parked_until_credit),
	KUNIT_CASE(streams_readable_list),
	KUNIT_CASE(streams_read_in_turn),
	KUNIT_CASE(streams_owners),
	KUNIT_CASE(streams_control_list),
	KUNIT_CASE(streams_limits_are_capped),
	{ }
};

static struct kunit_suite streams_suite = {
	.name = "tquic_streams",
	.suite_init = streams_suite_init,
	.suite_exit = streams_suite_exit,
	.init = streams_init,
	.exit = streams_exit,
	.test_cases = streams_cases,
};

kunit_test_suites(&streams_suite);
