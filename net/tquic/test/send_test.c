// SPDX-License-Identifier: GPL-2.0
/* KUnit suite of the sending half of streams. */
#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/prandom.h>

#include "core/rec.h"
#include "core/send.h"

#define MODEL_BYTES	60000U
#define MODEL_FLIGHT	64U

static u8 pattern(u64 off)
{
	return off * 31 + (off >> 8);
}

/* Write @n bytes of the pattern. */
static void write_bytes(struct kunit *test, struct tquic_send *s, u32 n)
{
	u8 *dst;
	int room, i;

	while (n) {
		room = tquic_send_reserve(s, n, GFP_KERNEL, &dst);
		KUNIT_ASSERT_GT(test, room, 0);
		KUNIT_ASSERT_LE(test, (u32)room, n);
		for (i = 0; i < room; i++)
			dst[i] = pattern(s->end + i);
		tquic_send_commit(s, room);
		n -= room;
	}
}

static struct tquic_rec *record(struct kunit *test, u64 off, u32 len, bool fin)
{
	struct tquic_rec *rec = tquic_rec_alloc(GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, rec);
	rec->off = off;
	rec->len = len;
	rec->fin = fin;
	return rec;
}

static void acked(struct kunit *test, struct tquic_send *s, u64 off, u32 len, bool fin)
{
	tquic_send_on_acked(s, record(test, off, len, fin));
}

static void lost(struct kunit *test, struct tquic_send *s, u64 off, u32 len, bool fin)
{
	tquic_send_on_lost(s, record(test, off, len, fin));
}

/* Send one frame and expect it to be this one. */
static void expect_send(struct kunit *test, struct tquic_send *s, u32 room, u64 off, u32 len,
			bool fin, bool retx)
{
	struct tquic_send_seg seg;

	KUNIT_ASSERT_TRUE(test, tquic_send_next(s, room, U64_MAX, &seg));
	KUNIT_EXPECT_EQ(test, seg.off, off);
	KUNIT_EXPECT_EQ(test, seg.len, len);
	KUNIT_EXPECT_EQ(test, seg.fin, fin);
	KUNIT_EXPECT_EQ(test, seg.retx, retx);
	tquic_send_sent(s, &seg);
}

static void expect_idle(struct kunit *test, struct tquic_send *s)
{
	struct tquic_send_seg seg;

	KUNIT_EXPECT_FALSE(test, tquic_send_next(s, 1000, U64_MAX, &seg));
	KUNIT_EXPECT_FALSE(test, tquic_send_pending(s));
}

static void send_simple_life(struct kunit *test)
{
	struct tquic_mem mem = { };
	struct tquic_send s;

	tquic_send_init(&s, U64_MAX, &mem);
	KUNIT_EXPECT_EQ(test, s.state, TQUIC_SEND_READY);
	expect_idle(test, &s);
	write_bytes(test, &s, 250);
	KUNIT_EXPECT_EQ(test, mem.used, TQUIC_SEND_CHUNK_MIN);
	KUNIT_EXPECT_EQ(test, mem.unsent, 250);
	expect_send(test, &s, 100, 0, 100, false, false);
	KUNIT_EXPECT_EQ(test, mem.unsent, 150);
	KUNIT_EXPECT_EQ(test, s.state, TQUIC_SEND_SEND);
	KUNIT_EXPECT_EQ(test, tquic_send_finish(&s), 0);
	KUNIT_EXPECT_EQ(test, tquic_send_finish(&s), 0);
	expect_send(test, &s, 100, 100, 100, false, false);
	expect_send(test, &s, 100, 200, 50, true, false);
	KUNIT_EXPECT_EQ(test, s.state, TQUIC_SEND_DATA_SENT);
	expect_idle(test, &s);
	acked(test, &s, 200, 50, true);
	acked(test, &s, 0, 100, false);
	KUNIT_EXPECT_EQ(test, s.una, 100);
	KUNIT_EXPECT_FALSE(test, tquic_send_terminal(&s));
	acked(test, &s, 100, 100, false);
	KUNIT_EXPECT_EQ(test, s.state, TQUIC_SEND_DATA_RECVD);
	KUNIT_EXPECT_TRUE(test, tquic_send_terminal(&s));
	KUNIT_EXPECT_EQ(test, mem.used, 0);
	KUNIT_EXPECT_EQ(test, s.buffered_bytes, 0);
	KUNIT_EXPECT_EQ(test, tquic_send_finish(&s), 0);
	KUNIT_EXPECT_FALSE(test, tquic_send_reset(&s, 1));
	tquic_send_destroy(&s);
}

static void send_chunks_fit_the_write(struct kunit *test)
{
	struct tquic_send s;
	u64 before;
	u8 *dst;

	tquic_send_init(&s, U64_MAX, NULL);
	KUNIT_EXPECT_EQ(test, tquic_send_reserve(&s, 0, GFP_KERNEL, &dst), 0);
	/* A reservation that was not used costs nothing but its chunk. */
	KUNIT_EXPECT_EQ(test, tquic_send_reserve(&s, 10, GFP_KERNEL, &dst), 10);
	tquic_send_commit(&s, 0);
	KUNIT_EXPECT_EQ(test, s.end, 0);
	write_bytes(test, &s, 10);
	KUNIT_EXPECT_EQ(test, s.buffered_bytes, TQUIC_SEND_CHUNK_MIN);
	write_bytes(test, &s, 1);
	KUNIT_EXPECT_EQ(test, s.buffered_bytes, TQUIC_SEND_CHUNK_MIN);
	/* More than one chunk holds. */
	before = s.buffered_bytes;
	write_bytes(test, &s, 3 * TQUIC_SEND_CHUNK_MAX);
	KUNIT_EXPECT_GE(test, s.buffered_bytes, before + 3 * TQUIC_SEND_CHUNK_MAX);
	KUNIT_EXPECT_LE(test, s.buffered_bytes, before + 5 * TQUIC_SEND_CHUNK_MAX);
	/* A commit of more than was reserved is cut down. */
	KUNIT_ASSERT_GT(test, tquic_send_reserve(&s, 1, GFP_KERNEL, &dst), 0);
	before = s.end;
	tquic_send_commit(&s, U32_MAX);
	KUNIT_EXPECT_LE(test, s.end, before + TQUIC_SEND_CHUNK_MAX);
	tquic_send_destroy(&s);
	KUNIT_EXPECT_EQ(test, s.buffered_bytes, 0);
}

static void send_copy_crosses_chunks(struct kunit *test)
{
	u8 *buf = kunit_kzalloc(test, 2000, GFP_KERNEL);
	struct tquic_send s;
	u64 off;
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, buf);
	tquic_send_init(&s, U64_MAX, NULL);
	KUNIT_EXPECT_FALSE(test, tquic_send_copy(&s, 0, buf, 1));
	for (i = 0; i < 40; i++)
		write_bytes(test, &s, 997);
	for (off = 0; off + 2000 <= s.end; off += 1713) {
		KUNIT_ASSERT_TRUE(test, tquic_send_copy(&s, off, buf, 2000));
		for (i = 0; i < 2000; i++)
			KUNIT_ASSERT_EQ(test, buf[i], pattern(off + i));
	}
	/* Backwards, and over the end. */
	KUNIT_EXPECT_TRUE(test, tquic_send_copy(&s, 5, buf, 1));
	KUNIT_EXPECT_EQ(test, buf[0], pattern(5));
	KUNIT_EXPECT_TRUE(test, tquic_send_copy(&s, s.end - 1, buf, 1));
	KUNIT_EXPECT_FALSE(test, tquic_send_copy(&s, s.end - 1, buf, 2));
	KUNIT_EXPECT_FALSE(test, tquic_send_copy(&s, s.end, buf, 1));
	/* What is acknowledged is gone. */
	expect_send(test, &s, 30000, 0, 30000, false, false);
	acked(test, &s, 0, 30000, false);
	KUNIT_EXPECT_FALSE(test, tquic_send_copy(&s, 0, buf, 1));
	KUNIT_EXPECT_TRUE(test, tquic_send_copy(&s, 30000, buf, 1));
	tquic_send_destroy(&s);
}

static void send_obeys_credit(struct kunit *test)
{
	struct tquic_send_seg seg;
	struct tquic_send s;

	tquic_send_init(&s, 100, NULL);
	write_bytes(test, &s, 300);
	KUNIT_EXPECT_FALSE(test, tquic_send_blocked_report(&s));
	KUNIT_ASSERT_TRUE(test, tquic_send_next(&s, 1000, 30, &seg));
	KUNIT_EXPECT_EQ(test, seg.len, 30);
	KUNIT_EXPECT_FALSE(test, tquic_send_next(&s, 1000, 0, &seg));
	KUNIT_EXPECT_FALSE(test, tquic_send_next(&s, 0, 1000, &seg));
	expect_send(test, &s, 1000, 0, 100, false, false);
	expect_idle(test, &s);
	KUNIT_EXPECT_TRUE(test, tquic_send_blocked_report(&s));
	KUNIT_EXPECT_FALSE(test, tquic_send_blocked_report(&s));
	tquic_send_blocked_lost(&s, 99);
	KUNIT_EXPECT_FALSE(test, tquic_send_blocked_report(&s));
	tquic_send_blocked_lost(&s, 100);
	KUNIT_EXPECT_TRUE(test, tquic_send_blocked_report(&s));
	/* Sending again needs no credit. */
	lost(test, &s, 0, 100, false);
	KUNIT_ASSERT_TRUE(test, tquic_send_next(&s, 1000, 0, &seg));
	KUNIT_EXPECT_TRUE(test, seg.retx);
	KUNIT_EXPECT_FALSE(test, tquic_send_set_max(&s, 100));
	KUNIT_EXPECT_FALSE(test, tquic_send_set_max(&s, 50));
	KUNIT_EXPECT_TRUE(test, tquic_send_set_max(&s, 1000));
	expect_send(test, &s, 1000, 0, 100, false, true);
	expect_send(test, &s, 1000, 100, 200, false, false);
	/* All written is sent: that is not being blocked. */
	KUNIT_EXPECT_FALSE(test, tquic_send_blocked_report(&s));
	tquic_send_destroy(&s);
	/* The peer knows of a stream that was blocked from the beginning (RFC 9000 §3.1). */
	tquic_send_init(&s, 0, NULL);
	write_bytes(test, &s, 10);
	KUNIT_EXPECT_EQ(test, s.state, TQUIC_SEND_READY);
	KUNIT_EXPECT_TRUE(test, tquic_send_blocked_report(&s));
	KUNIT_EXPECT_EQ(test, s.state, TQUIC_SEND_SEND);
	tquic_send_destroy(&s);
}

static void send_fin_alone_and_again(struct kunit *test)
{
	struct tquic_send_seg seg;
	struct tquic_send s;

	tquic_send_init(&s, 0, NULL);
	KUNIT_EXPECT_EQ(test, tquic_send_finish(&s), 0);
	/* Needs neither room for data nor credit. */
	KUNIT_ASSERT_TRUE(test, tquic_send_next(&s, 0, 0, &seg));
	KUNIT_EXPECT_TRUE(test, seg.fin && !seg.len && !seg.off);
	tquic_send_sent(&s, &seg);
	expect_idle(test, &s);
	lost(test, &s, 0, 0, true);
	KUNIT_EXPECT_EQ(test, s.state, TQUIC_SEND_DATA_SENT);
	expect_send(test, &s, 0, 0, 0, true, false);
	acked(test, &s, 0, 0, true);
	KUNIT_EXPECT_EQ(test, s.state, TQUIC_SEND_DATA_RECVD);
	/* The first one is declared lost late. */
	lost(test, &s, 0, 0, true);
	expect_idle(test, &s);
	tquic_send_destroy(&s);
}

/* A stream of 100 bytes, all of which have left in one frame, with the end */
static void send_all(struct kunit *test, struct tquic_send *s, struct tquic_mem *mem)
{
	tquic_send_init(s, U64_MAX, mem);
	write_bytes(test, s, 100);
	KUNIT_ASSERT_EQ(test, tquic_send_finish(s), 0);
	expect_send(test, s, 1000, 0, 100, true, false);
}

/* The end was given up with its packet, and acknowledged after all: it is not sent again. */
static void send_fin_acked_late(struct kunit *test)
{
	struct tquic_send s;

	tquic_send_init(&s, U64_MAX, NULL);
	write_bytes(test, &s, 100);
	tquic_send_finish(&s);
	expect_send(test, &s, 50, 0, 50, false, false);
	expect_send(test, &s, 1000, 50, 50, true, false);
	lost(test, &s, 50, 50, true);
	acked(test, &s, 50, 50, true);
	expect_idle(test, &s);
	tquic_send_destroy(&s);
}

/* What is left of a frame: from the first byte missing to the last that has to arrive */
static void send_cut(struct kunit *test)
{
	struct tquic_rec *rec = record(test, 0, 100, true);
	struct tquic_mem mem = { };
	struct tquic_send s;

	send_all(test, &s, &mem);
	KUNIT_EXPECT_TRUE(test, tquic_send_cut(&s, rec));
	KUNIT_EXPECT_TRUE(test, rec->off == 0 && rec->len == 100 && rec->fin);
	acked(test, &s, 0, 30, false);
	KUNIT_EXPECT_TRUE(test, tquic_send_cut(&s, rec));
	KUNIT_EXPECT_TRUE(test, rec->off == 30 && rec->len == 70 && rec->fin);
	KUNIT_ASSERT_EQ(test, tquic_send_reset_at(&s, 1, 40), 0);
	KUNIT_EXPECT_TRUE(test, tquic_send_cut(&s, rec));
	KUNIT_EXPECT_TRUE(test, rec->off == 30 && rec->len == 10 && !rec->fin);
	rec->off = 50;
	KUNIT_EXPECT_FALSE(test, tquic_send_cut(&s, rec));
	tquic_send_destroy(&s);
	tquic_rec_free(rec);
}

static void send_fin_travels_with_lost_tail(struct kunit *test)
{
	struct tquic_send_seg seg;
	struct tquic_send s;

	tquic_send_init(&s, U64_MAX, NULL);
	write_bytes(test, &s, 100);
	tquic_send_finish(&s);
	expect_send(test, &s, 1000, 0, 100, true, false);
	lost(test, &s, 0, 100, true);
	KUNIT_ASSERT_TRUE(test, tquic_send_next(&s, 1000, 0, &seg));
	KUNIT_EXPECT_TRUE(test, seg.fin);
	/* A frame that is cut short does not end the stream. */
	KUNIT_EXPECT_TRUE(test, tquic_send_seg_clip(&seg, 60));
	KUNIT_EXPECT_FALSE(test, seg.fin);
	tquic_send_sent(&s, &seg);
	expect_send(test, &s, 1000, 60, 40, true, true);
	expect_idle(test, &s);
	KUNIT_EXPECT_TRUE(test, tquic_send_seg_clip(&seg, 60));
	KUNIT_EXPECT_FALSE(test, tquic_send_seg_clip(&seg, 0));
	/* Only the FIN is missing. */
	acked(test, &s, 0, 60, false);
	acked(test, &s, 60, 40, false);
	KUNIT_EXPECT_EQ(test, s.state, TQUIC_SEND_DATA_SENT);
	lost(test, &s, 60, 40, true);
	expect_send(test, &s, 1000, 100, 0, true, false);
	acked(test, &s, 100, 0, true);
	KUNIT_EXPECT_EQ(test, s.state, TQUIC_SEND_DATA_RECVD);
	tquic_send_destroy(&s);
}

static void send_skips_what_was_acked(struct kunit *test)
{
	struct tquic_send s;

	tquic_send_init(&s, U64_MAX, NULL);
	write_bytes(test, &s, 1000);
	expect_send(test, &s, 1000, 0, 1000, false, false);
	lost(test, &s, 100, 400, false);
	acked(test, &s, 200, 100, false);
	expect_send(test, &s, 1000, 100, 100, false, true);
	expect_send(test, &s, 1000, 300, 200, false, true);
	expect_idle(test, &s);
	/* Lost again while the copy is already acknowledged, in front and behind. */
	acked(test, &s, 400, 100, false);
	lost(test, &s, 200, 300, false);
	expect_send(test, &s, 1000, 300, 100, false, true);
	expect_idle(test, &s);
	lost(test, &s, 400, 50, false);
	expect_idle(test, &s);
	/* Acknowledged after it was declared lost: a spurious loss. */
	lost(test, &s, 600, 100, false);
	acked(test, &s, 600, 100, false);
	expect_idle(test, &s);
	/* Below everything acknowledged. */
	acked(test, &s, 0, 200, false);
	KUNIT_EXPECT_EQ(test, s.una, 300);
	lost(test, &s, 0, 300, false);
	expect_idle(test, &s);
	lost(test, &s, 250, 100, false);
	expect_send(test, &s, 1000, 300, 50, false, true);
	tquic_send_destroy(&s);
}

static void send_reset_states(struct kunit *test)
{
	struct tquic_mem mem = { };
	struct tquic_send s;
	u8 *dst;

	tquic_send_init(&s, U64_MAX, &mem);
	write_bytes(test, &s, 500);
	expect_send(test, &s, 300, 0, 300, false, false);
	lost(test, &s, 0, 100, false);
	/* What is sent again does not count, what is thrown away does not either. */
	expect_send(test, &s, 100, 0, 100, false, true);
	KUNIT_EXPECT_EQ(test, mem.unsent, 200);
	acked(test, &s, 200, 50, false);
	KUNIT_EXPECT_TRUE(test, tquic_send_reset(&s, 77));
	KUNIT_EXPECT_FALSE(test, tquic_send_reset(&s, 78));
	KUNIT_EXPECT_EQ(test, s.state, TQUIC_SEND_RESET_SENT);
	KUNIT_EXPECT_EQ(test, s.reset_code, 77);
	KUNIT_EXPECT_EQ(test, tquic_send_final_size(&s), 300);
	KUNIT_EXPECT_TRUE(test, s.reset_pending);
	KUNIT_EXPECT_EQ(test, mem.used, 0);
	KUNIT_EXPECT_EQ(test, mem.unsent, 0);
	expect_idle(test, &s);
	KUNIT_EXPECT_EQ(test, tquic_send_reserve(&s, 1, GFP_KERNEL, &dst), -EPIPE);
	KUNIT_EXPECT_EQ(test, tquic_send_finish(&s), -EPIPE);
	KUNIT_EXPECT_FALSE(test, tquic_send_blocked_report(&s));
	tquic_send_reset_sent(&s);
	KUNIT_EXPECT_FALSE(test, s.reset_pending);
	tquic_send_reset_lost(&s, 0);
	KUNIT_EXPECT_TRUE(test, s.reset_pending);
	/* Late news of the data changes nothing. */
	acked(test, &s, 0, 300, false);
	lost(test, &s, 0, 300, false);
	expect_idle(test, &s);
	tquic_send_reset_acked(&s, 0);
	KUNIT_EXPECT_EQ(test, s.state, TQUIC_SEND_RESET_RECVD);
	KUNIT_EXPECT_FALSE(test, s.reset_pending);
	tquic_send_reset_lost(&s, 0);
	KUNIT_EXPECT_FALSE(test, s.reset_pending);
	KUNIT_EXPECT_EQ(test, tquic_send_finish(&s), -EPIPE);
	tquic_send_destroy(&s);
}

/* Bytes in front of a reset go on being sent, those behind are dropped. */
static void send_reset_at(struct kunit *test)
{
	struct tquic_mem mem = { };
	struct tquic_send s;
	u8 *dst;

	tquic_send_init(&s, U64_MAX, &mem);
	write_bytes(test, &s, 500);
	expect_send(test, &s, 300, 0, 300, false, false);
	acked(test, &s, 150, 100, false);
	lost(test, &s, 0, 300, false);
	KUNIT_EXPECT_EQ(test, tquic_send_reset_at(&s, 77, 501), -EINVAL);
	/* The boundary lies in what was acknowledged out of order. */
	KUNIT_EXPECT_EQ(test, tquic_send_reset_at(&s, 77, 200), 0);
	KUNIT_EXPECT_EQ(test, tquic_send_reset_at(&s, 77, 100), -EPIPE);
	KUNIT_EXPECT_TRUE(test, s.reset_pending);
	KUNIT_EXPECT_EQ(test, tquic_send_final_size(&s), 300);
	KUNIT_EXPECT_EQ(test, mem.unsent, 0);
	KUNIT_EXPECT_EQ(test, tquic_send_reserve(&s, 1, GFP_KERNEL, &dst), -EPIPE);
	KUNIT_EXPECT_EQ(test, tquic_send_finish(&s), -EPIPE);
	expect_send(test, &s, 1000, 0, 150, false, true);
	expect_idle(test, &s);
	tquic_send_reset_sent(&s);
	/* Lost once more, with some that nobody needs. */
	lost(test, &s, 100, 200, false);
	expect_send(test, &s, 1000, 100, 50, false, true);
	expect_idle(test, &s);
	tquic_send_reset_lost(&s, 0);
	KUNIT_EXPECT_FALSE(test, s.reset_pending);
	tquic_send_reset_lost(&s, 200);
	KUNIT_EXPECT_TRUE(test, s.reset_pending);
	tquic_send_reset_sent(&s);
	tquic_send_reset_acked(&s, 200);
	KUNIT_EXPECT_EQ(test, s.state, TQUIC_SEND_RESET_SENT);
	tquic_send_reset_lost(&s, 200);
	KUNIT_EXPECT_FALSE(test, s.reset_pending);
	acked(test, &s, 0, 150, false);
	KUNIT_EXPECT_EQ(test, s.state, TQUIC_SEND_RESET_RECVD);
	KUNIT_EXPECT_EQ(test, mem.used, 0);
	KUNIT_EXPECT_FALSE(test, tquic_send_reset(&s, 77));
	tquic_send_destroy(&s);
}

/* Bytes never sent come first: the frame tells a size that is final. */
static void send_reset_at_unsent(struct kunit *test)
{
	struct tquic_mem mem = { };
	struct tquic_rec rec = { .len = 300, .fin = true };
	struct tquic_send s;

	tquic_send_init(&s, 250, &mem);
	write_bytes(test, &s, 500);
	KUNIT_EXPECT_EQ(test, tquic_send_finish(&s), 0);
	expect_send(test, &s, 100, 0, 100, false, false);
	KUNIT_EXPECT_EQ(test, tquic_send_reset_at(&s, 7, 300), 0);
	KUNIT_EXPECT_FALSE(test, s.reset_pending);
	KUNIT_EXPECT_EQ(test, mem.unsent, 200);
	expect_send(test, &s, 1000, 100, 150, false, false);
	KUNIT_EXPECT_FALSE(test, s.reset_pending);
	/* The peer's limit holds. */
	expect_idle(test, &s);
	tquic_send_set_max(&s, 1000);
	expect_send(test, &s, 1000, 250, 50, false, false);
	KUNIT_EXPECT_TRUE(test, s.reset_pending);
	KUNIT_EXPECT_EQ(test, tquic_send_final_size(&s), 300);
	KUNIT_EXPECT_EQ(test, mem.unsent, 0);
	/* No FIN any more. */
	expect_idle(test, &s);
	KUNIT_EXPECT_TRUE(test, tquic_send_wants(&s, &rec));
	acked(test, &s, 0, 300, false);
	KUNIT_EXPECT_FALSE(test, tquic_send_wants(&s, &rec));
	KUNIT_EXPECT_EQ(test, s.state, TQUIC_SEND_RESET_SENT);
	KUNIT_EXPECT_EQ(test, mem.used, 0);
	tquic_send_reset_sent(&s);
	tquic_send_reset_acked(&s, 300);
	KUNIT_EXPECT_EQ(test, s.state, TQUIC_SEND_RESET_RECVD);
	tquic_send_destroy(&s);
}

/* Then all is given up: only a frame that says so counts. */
static void send_reset_at_lowered(struct kunit *test)
{
	struct tquic_mem mem = { };
	struct tquic_send s;

	tquic_send_init(&s, U64_MAX, &mem);
	write_bytes(test, &s, 500);
	expect_send(test, &s, 300, 0, 300, false, false);
	KUNIT_EXPECT_EQ(test, tquic_send_reset_at(&s, 7, 300), 0);
	tquic_send_reset_sent(&s);
	tquic_send_reset_acked(&s, 300);
	KUNIT_EXPECT_TRUE(test, tquic_send_on_stop(&s, 8));
	KUNIT_EXPECT_EQ(test, s.reset_code, 7);
	KUNIT_EXPECT_EQ(test, s.stop_code, 8);
	KUNIT_EXPECT_TRUE(test, s.reset_pending);
	KUNIT_EXPECT_EQ(test, mem.used, 0);
	KUNIT_EXPECT_EQ(test, tquic_send_final_size(&s), 300);
	expect_idle(test, &s);
	tquic_send_reset_sent(&s);
	tquic_send_reset_acked(&s, 300);
	KUNIT_EXPECT_EQ(test, s.state, TQUIC_SEND_RESET_SENT);
	tquic_send_reset_acked(&s, 0);
	KUNIT_EXPECT_EQ(test, s.state, TQUIC_SEND_RESET_RECVD);
	tquic_send_destroy(&s);
}

/* What is left out for another path is pending, and not new any more. */
static void send_left_out(struct kunit *test)
{
	struct tquic_mem mem = { };
	struct tquic_send_seg seg;
	struct tquic_send s;

	tquic_send_init(&s, 900, &mem);
	write_bytes(test, &s, 1000);
	tquic_send_finish(&s);
	KUNIT_EXPECT_EQ(test, tquic_send_gap(&s), 0);
	/* Not beyond the limit, not nothing */
	tquic_send_skip(&s, record(test, 0, 0, false), 901);
	tquic_send_skip(&s, record(test, 0, 0, false), 0);
	KUNIT_EXPECT_EQ(test, s.nxt, 0);
	tquic_send_skip(&s, record(test, 0, 0, false), 300);
	KUNIT_EXPECT_EQ(test, s.nxt, 300);
	KUNIT_EXPECT_EQ(test, mem.unsent, 700);
	KUNIT_EXPECT_EQ(test, tquic_send_gap(&s), 300);
	KUNIT_ASSERT_TRUE(test, tquic_send_next_from(&s, U64_MAX, 100, U64_MAX, &seg));
	KUNIT_EXPECT_EQ(test, seg.off, 300);
	KUNIT_EXPECT_FALSE(test, seg.retx);
	tquic_send_sent(&s, &seg);
	KUNIT_EXPECT_EQ(test, tquic_send_gap(&s), 400);
	/* The others begin where it was left out, which costs no credit. */
	expect_send(test, &s, 200, 0, 200, false, true);
	KUNIT_EXPECT_EQ(test, tquic_send_gap(&s), 200);
	expect_send(test, &s, 200, 200, 100, false, true);
	KUNIT_EXPECT_EQ(test, tquic_send_gap(&s), 0);
	expect_send(test, &s, 1000, 400, 500, false, false);
	/* Nothing new is allowed: who works ahead takes what is pending. */
	lost(test, &s, 100, 50, false);
	KUNIT_ASSERT_TRUE(test, tquic_send_next_from(&s, U64_MAX, 100, U64_MAX, &seg));
	KUNIT_EXPECT_EQ(test, seg.off, 100);
	KUNIT_EXPECT_EQ(test, seg.len, 50);
	/* A reset tells the final size with it. */
	tquic_send_set_max(&s, 2000);
	tquic_send_skip(&s, record(test, 0, 0, false), 50);
	KUNIT_EXPECT_TRUE(test, tquic_send_reset(&s, 1));
	KUNIT_EXPECT_EQ(test, tquic_send_final_size(&s), 950);
	tquic_send_skip(&s, record(test, 0, 0, false), 10);
	KUNIT_EXPECT_EQ(test, mem.used, 0);
	KUNIT_EXPECT_EQ(test, mem.unsent, 0);
	tquic_send_destroy(&s);
}

static void expect_from(struct kunit *test, struct tquic_send *s, u64 from, u64 off, u32 len)
{
	struct tquic_send_seg seg;

	KUNIT_ASSERT_TRUE(test, tquic_send_next_from(s, from, 1000, 0, &seg));
	KUNIT_EXPECT_EQ(test, seg.off, off);
	KUNIT_EXPECT_EQ(test, seg.len, len);
	KUNIT_EXPECT_TRUE(test, seg.retx);
	tquic_send_sent(s, &seg);
}

/* A range that is pending is sent from its middle on; the rest of it stays. */
static void send_from_within(struct kunit *test)
{
	struct tquic_send s;
	u32 i;

	tquic_send_init(&s, U64_MAX, NULL);
	write_bytes(test, &s, 1000);
	expect_send(test, &s, 1000, 0, 1000, false, false);
	lost(test, &s, 0, 400, false);
	lost(test, &s, 500, 500, false);
	KUNIT_EXPECT_EQ(test, tquic_send_split(&s, record(test, 0, 0, false), 300), 300);
	expect_from(test, &s, 300, 300, 100);
	/* Nothing there: the next one; and behind all of them the first. */
	expect_from(test, &s, 450, 500, 500);
	expect_from(test, &s, U64_MAX, 0, 300);
	expect_idle(test, &s);
	/* The ends of a range are no middle. */
	lost(test, &s, 100, 200, false);
	KUNIT_EXPECT_EQ(test, tquic_send_split(&s, record(test, 0, 0, false), 100), 100);
	KUNIT_EXPECT_EQ(test, tquic_send_split(&s, record(test, 0, 0, false), 300), 300);
	KUNIT_EXPECT_EQ(test, tquic_send_split(&s, record(test, 0, 0, false), 0), 0);
	expect_send(test, &s, 1000, 100, 200, false, true);
	expect_idle(test, &s);
	/* A cut within what is acknowledged would leave a range that ends with that. */
	for (i = 0; i < 2; i++) {
		lost(test, &s, 600, 300, false);
		if (!i)
			acked(test, &s, 700, 100, false);
		KUNIT_EXPECT_EQ(test, tquic_send_split(&s, record(test, 0, 0, false), 750), 700);
		expect_from(test, &s, 700, 800, 100);
		expect_send(test, &s, 1000, 600, 100, false, true);
		expect_idle(test, &s);
	}
	/* Two that touch are one when something is lost at their border. */
	lost(test, &s, 0, 400, false);
	tquic_send_split(&s, record(test, 0, 0, false), 200);
	lost(test, &s, 199, 1, false);
	expect_send(test, &s, 1000, 0, 400, false, true);
	expect_idle(test, &s);
	tquic_send_destroy(&s);
}

static void send_stop_makes_reset(struct kunit *test)
{
	struct tquic_send s;
	u8 *dst;

	tquic_send_init(&s, U64_MAX, NULL);
	KUNIT_EXPECT_TRUE(test, tquic_send_on_stop(&s, 5));
	KUNIT_EXPECT_FALSE(test, tquic_send_on_stop(&s, 6));
	KUNIT_EXPECT_EQ(test, s.stop_code, 5);
	KUNIT_EXPECT_EQ(test, s.reset_code, 5);
	KUNIT_EXPECT_EQ(test, tquic_send_final_size(&s), 0);
	KUNIT_EXPECT_EQ(test, tquic_send_reserve(&s, 1, GFP_KERNEL, &dst), -EPIPE);
	tquic_send_destroy(&s);

	/* After the FIN, too. */
	tquic_send_init(&s, U64_MAX, NULL);
	write_bytes(test, &s, 10);
	tquic_send_finish(&s);
	KUNIT_EXPECT_EQ(test, tquic_send_reserve(&s, 1, GFP_KERNEL, &dst), -EPIPE);
	expect_send(test, &s, 100, 0, 10, true, false);
	KUNIT_EXPECT_TRUE(test, tquic_send_on_stop(&s, 5));
	KUNIT_EXPECT_EQ(test, tquic_send_final_size(&s), 10);
	KUNIT_EXPECT_EQ(test, tquic_send_finish(&s), -EPIPE);
	tquic_send_destroy(&s);
}

struct model {
	struct tquic_send s;
	struct rnd_state rnd;
	struct tquic_rec *flight[MODEL_FLIGHT];
	u32 in_flight;
	u64 credit_used;
	u8 delivered[MODEL_BYTES];
	u8 frame[1500];
};

static void model_send(struct kunit *test, struct model *m)
{
	struct tquic_send_seg seg;
	u32 i;

	u32 room = 1 + prandom_u32_state(&m->rnd) % 1400;
	u64 left = m->s.end - m->s.nxt, from = 0;

	switch (prandom_u32_state(&m->rnd) % 6) {
	case 0:
		from = U64_MAX;
		if (left <= 5000)
			break;
		m->credit_used += 5000;
		tquic_send_skip(&m->s, record(test, 0, 0, false), 5000);
		break;
	case 1:
		from = m->s.una + prandom_u32_state(&m->rnd) % 8000;
		from = tquic_send_split(&m->s, record(test, 0, 0, false), from);
		break;
	}
	if (!tquic_send_next_from(&m->s, from, room, U64_MAX, &seg)) {
		KUNIT_EXPECT_FALSE(test, tquic_send_pending(&m->s));
		return;
	}
	KUNIT_ASSERT_LE(test, seg.off + seg.len, (u64)MODEL_BYTES);
	KUNIT_ASSERT_TRUE(test, tquic_send_copy(&m->s, seg.off, m->frame, seg.len));
	for (i = 0; i < seg.len; i++)
		KUNIT_ASSERT_EQ(test, m->frame[i], pattern(seg.off + i));
	if (!seg.retx)
		m->credit_used += seg.len;
	tquic_send_sent(&m->s, &seg);
	m->flight[m->in_flight++] = record(test, seg.off, seg.len, seg.fin);
}

/* One frame in flight, not always the oldest, is acknowledged or lost. */
static void model_report(struct model *m)
{
	u32 i = prandom_u32_state(&m->rnd) % m->in_flight;
	struct tquic_rec *rec = m->flight[i];

	m->flight[i] = m->flight[--m->in_flight];
	if (prandom_u32_state(&m->rnd) % 3) {
		memset(m->delivered + rec->off, 1, rec->len);
		tquic_send_on_acked(&m->s, rec);
	} else {
		tquic_send_on_lost(&m->s, rec);
	}
}

static void send_survives_random_loss(struct kunit *test)
{
	struct model *m = kunit_kzalloc(test, sizeof(*m), GFP_KERNEL);
	struct tquic_mem mem = { };
	u32 written = 0, n, step;

	KUNIT_ASSERT_NOT_NULL(test, m);
	prandom_seed_state(&m->rnd, 0x5e4d);
	tquic_send_init(&m->s, U64_MAX, &mem);
	for (step = 0; step < 100000 && !tquic_send_terminal(&m->s); step++) {
		if (written < MODEL_BYTES && !(prandom_u32_state(&m->rnd) % 4)) {
			n = min(prandom_u32_state(&m->rnd) % 3000, MODEL_BYTES - written);
			write_bytes(test, &m->s, n);
			written += n;
			if (written == MODEL_BYTES)
				tquic_send_finish(&m->s);
		}
		if (m->in_flight < MODEL_FLIGHT && prandom_u32_state(&m->rnd) % 2)
			model_send(test, m);
		else if (m->in_flight)
			model_report(m);
	}
	KUNIT_EXPECT_EQ(test, m->s.state, TQUIC_SEND_DATA_RECVD);
	KUNIT_EXPECT_EQ(test, m->credit_used, MODEL_BYTES);
	KUNIT_EXPECT_NULL(test, memchr_inv(m->delivered, 1, MODEL_BYTES));
	KUNIT_EXPECT_EQ(test, mem.used, 0);
	KUNIT_EXPECT_EQ(test, mem.unsent, 0);
	while (m->in_flight)
		model_report(m);
	tquic_send_destroy(&m->s);
}

static int send_suite_init(struct kunit_suite *suite)
{
	return tquic_rec_cache_init();
}

static void send_suite_exit(struct kunit_suite *suite)
{
	tquic_rec_cache_exit();
}

/* The smallest piece of memory that holds all that was asked for */
static void send_reserve_sizes(struct kunit *test)
{
	static const u32 sizes[] = { TQUIC_SEND_CHUNK_MIN, 2 * TQUIC_SEND_CHUNK_MIN,
				     TQUIC_SEND_CHUNK_MAX };
	struct tquic_mem mem = { };
	struct tquic_send s;
	u32 i, want;
	u8 *dst;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		want = sizes[i] - sizeof(struct tquic_chunk);
		tquic_send_init(&s, U64_MAX, &mem);
		KUNIT_EXPECT_EQ(test, tquic_send_reserve(&s, want, GFP_KERNEL, &dst), want);
		KUNIT_EXPECT_EQ(test, mem.used, sizes[i]);
		tquic_send_destroy(&s);
		tquic_send_init(&s, U64_MAX, &mem);
		KUNIT_EXPECT_EQ(test, tquic_send_reserve(&s, want + 1, GFP_KERNEL, &dst),
				sizes[i] == TQUIC_SEND_CHUNK_MAX ? want : want + 1);
		KUNIT_EXPECT_EQ(test, mem.used, min_t(u32, 2 * sizes[i], TQUIC_SEND_CHUNK_MAX));
		tquic_send_destroy(&s);
	}
	KUNIT_EXPECT_EQ(test, mem.used, 0);
}

/* Who a copy is of use to: a reader that still waits for some of it, or for the end */
static void send_wants_copies(struct kunit *test)
{
	struct tquic_rec *all = record(test, 0, 100, false), *end = record(test, 100, 0, true);
	struct tquic_rec *both = record(test, 50, 50, true);
	struct tquic_mem mem = { };
	struct tquic_send s;

	send_all(test, &s, &mem);
	KUNIT_EXPECT_TRUE(test, tquic_send_wants(&s, all));
	KUNIT_EXPECT_TRUE(test, tquic_send_wants(&s, end));
	/* The last of them is missing. */
	acked(test, &s, 0, 99, false);
	KUNIT_EXPECT_TRUE(test, tquic_send_wants(&s, all));
	acked(test, &s, 99, 1, false);
	KUNIT_EXPECT_FALSE(test, tquic_send_wants(&s, all));
	KUNIT_EXPECT_TRUE(test, tquic_send_wants(&s, end));
	KUNIT_EXPECT_TRUE(test, tquic_send_wants(&s, both));
	acked(test, &s, 100, 0, true);
	KUNIT_EXPECT_FALSE(test, tquic_send_wants(&s, end));
	KUNIT_EXPECT_FALSE(test, tquic_send_wants(&s, both));
	tquic_send_destroy(&s);
	/* Nor does anybody wait for what was reset. */
	tquic_send_init(&s, U64_MAX, &mem);
	write_bytes(test, &s, 100);
	expect_send(test, &s, 1000, 0, 100, false, false);
	KUNIT_EXPECT_TRUE(test, tquic_send_wants(&s, all));
	KUNIT_ASSERT_TRUE(test, tquic_send_reset(&s, 1));
	KUNIT_EXPECT_FALSE(test, tquic_send_wants(&s, all));
	/* What is left to others is nothing then. */
	tquic_send_skip(&s, record(test, 0, 0, false), 1);
	KUNIT_EXPECT_EQ(test, s.nxt, 100);
	KUNIT_EXPECT_TRUE(test, RB_EMPTY_ROOT(&s.lost));
	tquic_send_destroy(&s);
	tquic_rec_free(all);
	tquic_rec_free(end);
	tquic_rec_free(both);
}

/* All was acknowledged and is gone; what is written after a pause is read from where it lies. */
static void send_copies_after_pause(struct kunit *test)
{
	static const u32 lens[] = { 100, 3000, 50 };
	static u8 buf[3000];
	struct tquic_mem mem = { };
	struct tquic_send s;
	u64 off = 0;
	u32 i, k;

	tquic_send_init(&s, U64_MAX, &mem);
	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		write_bytes(test, &s, lens[i]);
		KUNIT_ASSERT_TRUE(test, tquic_send_copy(&s, off, buf, lens[i]));
		for (k = 0; k < lens[i]; k++)
			KUNIT_ASSERT_EQ(test, buf[k], pattern(off + k));
		expect_send(test, &s, lens[i], off, lens[i], false, false);
		/* Once more, as if it had been lost */
		KUNIT_ASSERT_TRUE(test, tquic_send_copy(&s, off, buf, lens[i]));
		acked(test, &s, off, lens[i], false);
		KUNIT_EXPECT_EQ(test, mem.used, 0);
		off += lens[i];
	}
	tquic_send_destroy(&s);
}

static struct kunit_case send_cases[] = {
	KUNIT_CASE(send_simple_life),
	KUNIT_CASE(send_chunks_fit_the_write),
	KUNIT_CASE(send_copy_crosses_chunks),
	KUNIT_CASE(send_obeys_credit),
	KUNIT_CASE(send_fin_alone_and_again),
	KUNIT_CASE(send_fin_acked_late),
	KUNIT_CASE(send_cut),
	KUNIT_CASE(send_fin_travels_with_lost_tail),
	KUNIT_CASE(send_skips_what_was_acked),
	KUNIT_CASE(send_reset_states),
	KUNIT_CASE(send_reset_at),
	KUNIT_CASE(send_reset_at_unsent),
	KUNIT_CASE(send_reset_at_lowered),
	KUNIT_CASE(send_left_out),
	KUNIT_CASE(send_from_within),
	KUNIT_CASE(send_stop_makes_reset),
	KUNIT_CASE(send_survives_random_loss),
	KUNIT_CASE(send_reserve_sizes),
	KUNIT_CASE(send_wants_copies),
	KUNIT_CASE(send_copies_after_pause),
	{ }
};

static struct kunit_suite send_suite = {
	.name = "tquic_send",
	.suite_init = send_suite_init,
	.suite_exit = send_suite_exit,
	.test_cases = send_cases,
};

kunit_test_suites(&send_suite);
