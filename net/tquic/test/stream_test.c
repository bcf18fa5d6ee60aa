// SPDX-License-Identifier: GPL-2.0
/* KUnit suite of stream objects, and of both halves working with each other. */
#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/prandom.h>
#include <linux/skbuff.h>

#include "core/rec.h"
#include "core/stream.h"

#define LINK_BYTES	150000U
#define LINK_FRAMES	48U
#define LINK_WINDOW	20000U

static void stream_starts_without_halves(struct kunit *test)
{
	struct tquic_stream *s = tquic_stream_alloc(4, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, s);
	KUNIT_EXPECT_EQ(test, s->id, 4);
	KUNIT_EXPECT_EQ(test, s->urgency, TQUIC_URGENCY_DEFAULT);
	KUNIT_EXPECT_TRUE(test, s->incremental);
	KUNIT_EXPECT_TRUE(test, tquic_stream_done(s));
	KUNIT_EXPECT_FALSE(test, tquic_stream_has_news(s));
	KUNIT_EXPECT_FALSE(test, tquic_send_pending(&s->tx));
	KUNIT_EXPECT_FALSE(test, tquic_send_on_stop(&s->tx, 1));
	s->users = 1;
	KUNIT_EXPECT_FALSE(test, tquic_stream_done(s));
	tquic_stream_free(s);
}

static void stream_done_needs_both_halves(struct kunit *test)
{
	struct tquic_stream *s = tquic_stream_alloc(4, GFP_KERNEL);
	struct tquic_recv_in fin = { .fin = true };
	struct tquic_recv_delta d;

	KUNIT_ASSERT_NOT_NULL(test, s);
	tquic_send_init(&s->tx, 100, NULL);
	tquic_recv_init(&s->rx, 100, 100, 0, NULL);
	KUNIT_EXPECT_FALSE(test, tquic_stream_done(s));
	tquic_send_reset(&s->tx, 1);
	tquic_send_reset_acked(&s->tx, 0);
	KUNIT_EXPECT_FALSE(test, tquic_stream_done(s));
	KUNIT_EXPECT_EQ(test, tquic_recv_insert(&s->rx, &fin, GFP_KERNEL, &d), 0);
	KUNIT_EXPECT_TRUE(test, tquic_stream_has_news(s));
	KUNIT_EXPECT_FALSE(test, tquic_stream_done(s));
	tquic_recv_told(&s->rx);
	KUNIT_EXPECT_FALSE(test, tquic_stream_has_news(s));
	KUNIT_EXPECT_TRUE(test, tquic_stream_done(s));
	tquic_stream_free(s);
}

static void stream_ids_tell_kind_and_side(struct kunit *test)
{
	KUNIT_EXPECT_FALSE(test, tquic_stream_id_uni(4));
	KUNIT_EXPECT_FALSE(test, tquic_stream_id_uni(5));
	KUNIT_EXPECT_TRUE(test, tquic_stream_id_uni(6));
	KUNIT_EXPECT_TRUE(test, tquic_stream_id_uni(7));
	KUNIT_EXPECT_TRUE(test, tquic_stream_id_local(4, false));
	KUNIT_EXPECT_FALSE(test, tquic_stream_id_local(4, true));
	KUNIT_EXPECT_TRUE(test, tquic_stream_id_local(7, true));
	KUNIT_EXPECT_FALSE(test, tquic_stream_id_local(7, false));
}

/* A link that reorders, repeats and loses frames, and reports late. */
struct link_frame {
	struct tquic_rec *rec;
	struct sk_buff *skb;
	bool arrived;
};

struct link {
	struct tquic_send tx;
	struct tquic_recv rx;
	struct tquic_mem tx_mem;
	struct tquic_mem rx_mem;
	struct rnd_state rnd;
	struct link_frame frames[LINK_FRAMES];
	u32 count;
	u32 written;
	u32 read;
	u64 fresh;
	u32 refused;
};

static u8 pattern(u64 off)
{
	return off * 37 + (off >> 9);
}

static u32 chance(struct link *l, u32 n)
{
	return prandom_u32_state(&l->rnd) % n;
}

static void link_write(struct kunit *test, struct link *l)
{
	u32 want = min(1 + chance(l, 5000), LINK_BYTES - l->written);
	u8 *dst;
	int n, i;

	if (!want)
		return;
	n = tquic_send_reserve(&l->tx, want, GFP_KERNEL, &dst);
	KUNIT_ASSERT_GT(test, n, 0);
	for (i = 0; i < n; i++)
		dst[i] = pattern(l->written + i);
	tquic_send_commit(&l->tx, n);
	l->written += n;
	if (l->written == LINK_BYTES)
		tquic_send_finish(&l->tx);
}

static void link_send(struct kunit *test, struct link *l)
{
	struct link_frame *f = &l->frames[l->count];
	struct tquic_send_seg seg;

	if (!tquic_send_next(&l->tx, 1 + chance(l, 1400), U64_MAX, &seg))
		return;
	f->rec = tquic_rec_alloc(GFP_KERNEL);
	f->skb = alloc_skb(seg.len + 1, GFP_KERNEL);
	f->arrived = false;
	KUNIT_ASSERT_TRUE(test, f->rec && f->skb);
	KUNIT_ASSERT_TRUE(test, tquic_send_copy(&l->tx, seg.off, skb_put(f->skb, seg.len),
						seg.len));
	f->rec->off = seg.off;
	f->rec->len = seg.len;
	f->rec->fin = seg.fin;
	tquic_send_sent(&l->tx, &seg);
	l->count++;
}

static void link_arrive(struct kunit *test, struct link *l, struct link_frame *f)
{
	struct tquic_recv_in in = {
		.off = f->rec->off,
		.data = f->skb->data,
		.len = f->rec->len,
		.fin = f->rec->fin,
		.skb = f->skb,
	};
	struct tquic_recv_delta d;
	int err;

	err = tquic_recv_insert(&l->rx, &in, GFP_KERNEL, &d);
	KUNIT_ASSERT_LE(test, err, 0);
	l->fresh += d.fresh;
	l->refused += err == -ENOBUFS;
	f->arrived |= !err;
}

/* The sender hears of a frame: acknowledged if it arrived, lost if not, perhaps wrongly. */
static void link_report(struct link *l, u32 i)
{
	struct link_frame f = l->frames[i];

	l->frames[i] = l->frames[--l->count];
	if (f.arrived && chance(l, 16))
		tquic_send_on_acked(&l->tx, f.rec);
	else
		tquic_send_on_lost(&l->tx, f.rec);
	kfree_skb(f.skb);
}

static void link_read(struct kunit *test, struct link *l)
{
	u32 n = chance(l, 3000), len, i;
	const u8 *p;

	while (n && (len = tquic_recv_peek(&l->rx, &p))) {
		len = min(len, n);
		for (i = 0; i < len; i++)
			KUNIT_ASSERT_EQ(test, p[i], pattern(l->read + i));
		if (tquic_recv_consume(&l->rx, len, 0, 0))
			tquic_send_set_max(&l->tx, l->rx.flow.max);
		l->read += len;
		n -= len;
	}
}

static void link_step(struct kunit *test, struct link *l)
{
	switch (chance(l, 6)) {
	case 0:
		link_write(test, l);
		break;
	case 1:
		if (l->count < LINK_FRAMES)
			link_send(test, l);
		break;
	case 2:
	case 3:
		if (l->count)
			link_arrive(test, l, &l->frames[chance(l, l->count)]);
		break;
	case 4:
		if (l->count)
			link_report(l, chance(l, l->count));
		break;
	default:
		link_read(test, l);
	}
}

static void stream_halves_deliver_everything(struct kunit *test)
{
	struct link *l = kunit_kzalloc(test, sizeof(*l), GFP_KERNEL);
	u32 step;

	KUNIT_ASSERT_NOT_NULL(test, l);
	prandom_seed_state(&l->rnd, 0x11f7);
	l->rx_mem.max = 6000;
	tquic_send_init(&l->tx, LINK_WINDOW, &l->tx_mem);
	tquic_recv_init(&l->rx, LINK_WINDOW, LINK_WINDOW, 0, &l->rx_mem);
	for (step = 0; step < 200000; step++) {
		link_step(test, l);
		if (tquic_recv_eof(&l->rx) && tquic_send_terminal(&l->tx))
			break;
	}
	KUNIT_EXPECT_EQ(test, l->read, LINK_BYTES);
	KUNIT_EXPECT_EQ(test, l->fresh, LINK_BYTES);
	KUNIT_EXPECT_TRUE(test, tquic_recv_eof(&l->rx));
	KUNIT_EXPECT_EQ(test, l->tx.state, TQUIC_SEND_DATA_RECVD);
	KUNIT_EXPECT_GT(test, l->refused, 0);
	while (l->count)
		link_report(l, 0);
	tquic_send_destroy(&l->tx);
	tquic_recv_destroy(&l->rx);
	KUNIT_EXPECT_EQ(test, l->tx_mem.used, 0);
	KUNIT_EXPECT_EQ(test, l->rx_mem.used, 0);
}

static int stream_suite_init(struct kunit_suite *suite)
{
	return tquic_rec_cache_init();
}

static void stream_suite_exit(struct kunit_suite *suite)
{
	tquic_rec_cache_exit();
}

static struct kunit_case stream_cases[] = {
	KUNIT_CASE(stream_starts_without_halves),
	KUNIT_CASE(stream_done_needs_both_halves),
	KUNIT_CASE(stream_ids_tell_kind_and_side),
	KUNIT_CASE(stream_halves_deliver_everything),
	{ }
};

static struct kunit_suite stream_suite = {
	.name = "tquic_stream",
	.suite_init = stream_suite_init,
	.suite_exit = stream_suite_exit,
	.test_cases = stream_cases,
};

kunit_test_suites(&stream_suite);
