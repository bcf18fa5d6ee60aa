// SPDX-License-Identifier: GPL-2.0
/* KUnit suite of the receiving half of streams. */
#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/prandom.h>
#include <linux/skbuff.h>

#include "core/proto.h"
#include "core/recv.h"

#define WINDOW		100000U
#define MODEL_BYTES	40000U

/* What all cases need; the budget never runs out unless a case lowers it. */
struct fixture {
	struct tquic_recv r;
	struct tquic_mem mem;
	struct tquic_recv_delta d;
	struct rnd_state rnd;
	u8 bytes[MODEL_BYTES];
	u8 seen[MODEL_BYTES];
};

static u8 pattern(u64 off)
{
	return off * 29 + (off >> 7);
}

static int recv_init(struct kunit *test)
{
	struct fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	u32 i;

	if (!f)
		return -ENOMEM;
	for (i = 0; i < MODEL_BYTES; i++)
		f->bytes[i] = pattern(i);
	f->mem.max = 1 << 30;
	tquic_recv_init(&f->r, WINDOW, WINDOW, 0, &f->mem);
	prandom_seed_state(&f->rnd, 0x4ec5);
	test->priv = f;
	return 0;
}

static void recv_exit(struct kunit *test)
{
	struct fixture *f = test->priv;

	if (!f)
		return;
	tquic_recv_destroy(&f->r);
	KUNIT_EXPECT_EQ(test, f->mem.used, 0);
	KUNIT_EXPECT_EQ(test, f->r.charged, 0);
	KUNIT_EXPECT_EQ(test, f->r.chunk_count, 0);
}

/* Bytes [off, off + len) of the pattern arrive. */
static int arrive(struct fixture *f, u64 off, u32 len, bool fin)
{
	struct tquic_recv_in in = {
		.off = off,
		.data = f->bytes + off % MODEL_BYTES,
		.len = len,
		.fin = fin,
	};

	return tquic_recv_insert(&f->r, &in, GFP_KERNEL, &f->d);
}

/* Read up to @n bytes and check them. Returns how many there were. */
static u32 read_bytes(struct kunit *test, struct fixture *f, u32 n)
{
	u32 done = 0, len, i;
	const u8 *p;

	while (done < n && (len = tquic_recv_peek(&f->r, &p))) {
		len = min(len, n - done);
		for (i = 0; i < len; i++)
			KUNIT_ASSERT_EQ(test, p[i], pattern(f->r.flow.consumed + i));
		tquic_recv_consume(&f->r, len, 0, 0);
		done += len;
	}
	return done;
}

static void recv_in_order_to_the_end(struct kunit *test)
{
	struct fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, read_bytes(test, f, 10), 0);
	KUNIT_EXPECT_EQ(test, arrive(f, 0, 100, false), 0);
	KUNIT_EXPECT_EQ(test, f->d.fresh, 100);
	KUNIT_EXPECT_EQ(test, f->d.dropped, 0);
	KUNIT_EXPECT_EQ(test, arrive(f, 0, 100, false), 0);
	KUNIT_EXPECT_EQ(test, f->d.fresh, 0);
	KUNIT_EXPECT_EQ(test, tquic_recv_readable(&f->r), 100);
	KUNIT_EXPECT_EQ(test, read_bytes(test, f, 30), 30);
	KUNIT_EXPECT_EQ(test, arrive(f, 100, 50, true), 0);
	KUNIT_EXPECT_EQ(test, f->d.fresh, 50);
	KUNIT_EXPECT_EQ(test, f->r.state, TQUIC_RECV_DATA_RECVD);
	KUNIT_EXPECT_FALSE(test, tquic_recv_eof(&f->r));
	tquic_recv_told(&f->r);
	KUNIT_EXPECT_EQ(test, f->r.state, TQUIC_RECV_DATA_RECVD);
	KUNIT_EXPECT_EQ(test, read_bytes(test, f, 1000), 120);
	KUNIT_EXPECT_TRUE(test, tquic_recv_eof(&f->r));
	KUNIT_EXPECT_EQ(test, f->mem.used, 0);
	tquic_recv_told(&f->r);
	KUNIT_EXPECT_TRUE(test, tquic_recv_terminal(&f->r));
	KUNIT_EXPECT_TRUE(test, tquic_recv_eof(&f->r));
	/* Late copies are harmless. */
	KUNIT_EXPECT_EQ(test, arrive(f, 100, 50, true), 0);
	KUNIT_EXPECT_EQ(test, f->d.fresh, 0);
	KUNIT_EXPECT_EQ(test, f->mem.used, 0);
}

/* Whoever looks ahead sees what is read later, piece by piece, up to the first gap. */
static void recv_peek_ahead(struct kunit *test)
{
	struct fixture *f = test->priv;
	u32 seen = 0, pieces = 0, len, i;
	const u8 *p;

	KUNIT_EXPECT_EQ(test, tquic_recv_peek_at(&f->r, 0, &p), 0);
	for (i = 0; i < 5; i++)
		KUNIT_ASSERT_EQ(test, arrive(f, i * 1200, i == 4 ? 0 : 1200, false), 0);
	KUNIT_ASSERT_EQ(test, arrive(f, 6000, 1200, false), 0);
	KUNIT_EXPECT_EQ(test, read_bytes(test, f, 100), 100);
	for (; (len = tquic_recv_peek_at(&f->r, seen, &p)); seen += len, pieces++)
		for (i = 0; i < len; i++)
			KUNIT_ASSERT_EQ(test, p[i], pattern(100 + seen + i));
	KUNIT_EXPECT_EQ(test, seen, 4700);
	KUNIT_EXPECT_GT(test, pieces, 1);
	KUNIT_EXPECT_EQ(test, tquic_recv_peek_at(&f->r, 4699, &p), 1);
	KUNIT_EXPECT_EQ(test, tquic_recv_peek_at(&f->r, U64_MAX, &p), 0);
	KUNIT_EXPECT_EQ(test, read_bytes(test, f, 1 << 20), 4700);
}

static void recv_gaps_and_overlaps(struct kunit *test)
{
	struct fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, arrive(f, 1000, 100, false), 0);
	KUNIT_EXPECT_EQ(test, f->d.fresh, 1100);
	KUNIT_EXPECT_EQ(test, arrive(f, 1200, 100, false), 0);
	KUNIT_EXPECT_EQ(test, f->d.fresh, 200);
	KUNIT_EXPECT_EQ(test, tquic_recv_readable(&f->r), 0);
	KUNIT_EXPECT_EQ(test, arrive(f, 900, 500, false), 0);
	KUNIT_EXPECT_EQ(test, f->d.fresh, 100);
	KUNIT_EXPECT_EQ(test, arrive(f, 1050, 10, false), 0);
	KUNIT_EXPECT_EQ(test, arrive(f, 0, 950, false), 0);
	KUNIT_EXPECT_EQ(test, tquic_recv_readable(&f->r), 1400);
	KUNIT_EXPECT_EQ(test, read_bytes(test, f, 1 << 20), 1400);
	KUNIT_EXPECT_EQ(test, f->mem.used, 0);
	/* Partly behind the reader. */
	KUNIT_EXPECT_EQ(test, arrive(f, 1300, 200, false), 0);
	KUNIT_EXPECT_EQ(test, read_bytes(test, f, 1 << 20), 100);
}

static void recv_fin_first_and_alone(struct kunit *test)
{
	struct fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, arrive(f, 50, 0, true), 0);
	KUNIT_EXPECT_EQ(test, f->d.fresh, 50);
	KUNIT_EXPECT_EQ(test, f->r.state, TQUIC_RECV_SIZE_KNOWN);
	KUNIT_EXPECT_FALSE(test, tquic_recv_wants_credit(&f->r));
	KUNIT_EXPECT_EQ(test, arrive(f, 0, 50, false), 0);
	KUNIT_EXPECT_EQ(test, f->r.state, TQUIC_RECV_DATA_RECVD);
	KUNIT_EXPECT_EQ(test, read_bytes(test, f, 100), 50);
	KUNIT_EXPECT_TRUE(test, tquic_recv_eof(&f->r));
}

static void recv_empty_stream(struct kunit *test)
{
	struct fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, arrive(f, 0, 0, true), 0);
	KUNIT_EXPECT_EQ(test, f->r.state, TQUIC_RECV_DATA_RECVD);
	KUNIT_EXPECT_TRUE(test, tquic_recv_eof(&f->r));
}

static void recv_final_size_rules(struct kunit *test)
{
	struct fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, arrive(f, 100, 100, false), 0);
	/* Less than was received. */
	KUNIT_EXPECT_EQ(test, arrive(f, 0, 199, true), TQUIC_ERR_FINAL_SIZE);
	KUNIT_EXPECT_EQ(test, tquic_recv_reset(&f->r, 1, 199, 0, &f->d), TQUIC_ERR_FINAL_SIZE);
	KUNIT_EXPECT_EQ(test, arrive(f, 200, 100, true), 0);
	/* Other values, and data behind the end. */
	KUNIT_EXPECT_EQ(test, arrive(f, 0, 299, true), TQUIC_ERR_FINAL_SIZE);
	KUNIT_EXPECT_EQ(test, arrive(f, 300, 1, true), TQUIC_ERR_FINAL_SIZE);
	KUNIT_EXPECT_EQ(test, arrive(f, 250, 51, false), TQUIC_ERR_FINAL_SIZE);
	KUNIT_EXPECT_EQ(test, tquic_recv_reset(&f->r, 1, 301, 0, &f->d), TQUIC_ERR_FINAL_SIZE);
	KUNIT_EXPECT_EQ(test, tquic_recv_reset(&f->r, 1, 299, 0, &f->d), TQUIC_ERR_FINAL_SIZE);
	KUNIT_EXPECT_EQ(test, arrive(f, 200, 100, true), 0);
	KUNIT_EXPECT_EQ(test, arrive(f, 0, 100, false), 0);
	KUNIT_EXPECT_EQ(test, f->r.state, TQUIC_RECV_DATA_RECVD);
	/* Also when all is here, and after it was read. */
	KUNIT_EXPECT_EQ(test, arrive(f, 300, 1, false), TQUIC_ERR_FINAL_SIZE);
	KUNIT_EXPECT_EQ(test, read_bytes(test, f, 1000), 300);
	tquic_recv_told(&f->r);
	KUNIT_EXPECT_EQ(test, arrive(f, 0, 1, true), TQUIC_ERR_FINAL_SIZE);
}

static void recv_stream_credit(struct kunit *test)
{
	struct fixture *f = test->priv;
	u32 n = WINDOW - 1;

	KUNIT_EXPECT_EQ(test, arrive(f, n, 2, false), TQUIC_ERR_FLOW_CONTROL);
	KUNIT_EXPECT_EQ(test, arrive(f, WINDOW, 1, true), TQUIC_ERR_FLOW_CONTROL);
	KUNIT_EXPECT_EQ(test, tquic_recv_reset(&f->r, 1, WINDOW + 1, 0, &f->d),
			TQUIC_ERR_FLOW_CONTROL);
	KUNIT_EXPECT_EQ(test, f->r.flow.highest, 0);
	/* One byte far ahead earns no credit and takes little memory. */
	KUNIT_EXPECT_EQ(test, arrive(f, n, 1, false), 0);
	KUNIT_EXPECT_EQ(test, f->d.fresh, WINDOW);
	KUNIT_EXPECT_LE(test, f->mem.used, TQUIC_RECV_COPY_MIN);
	KUNIT_EXPECT_EQ(test, f->r.flow.max, WINDOW);
}

static void recv_reading_gives_credit(struct kunit *test)
{
	struct fixture *f = test->priv;
	bool due = false;
	u32 at;

	for (at = 0; at < WINDOW / 2; at += 1000) {
		KUNIT_ASSERT_EQ(test, arrive(f, at, 1000, false), 0);
		KUNIT_EXPECT_FALSE(test, due);
		due = tquic_recv_consume(&f->r, 1000, 0, 0);
	}
	KUNIT_EXPECT_TRUE(test, due);
	KUNIT_EXPECT_EQ(test, f->r.flow.max, WINDOW + WINDOW / 2);
	/* Nothing to read: nothing is consumed. */
	KUNIT_EXPECT_FALSE(test, tquic_recv_consume(&f->r, 1000, 0, 0));
	KUNIT_EXPECT_EQ(test, f->r.flow.consumed, WINDOW / 2);
}

static void recv_no_credit_once_size_is_known(struct kunit *test)
{
	struct fixture *f = test->priv;

	KUNIT_ASSERT_EQ(test, arrive(f, 0, 30000, false), 0);
	KUNIT_ASSERT_EQ(test, arrive(f, 30000, 10000, false), 0);
	KUNIT_ASSERT_EQ(test, arrive(f, 40000, 30000, true), 0);
	KUNIT_EXPECT_FALSE(test, tquic_recv_consume(&f->r, 60000, 0, 0));
	KUNIT_EXPECT_EQ(test, tquic_recv_readable(&f->r), 10000);
}

static void recv_crypto_window(struct kunit *test)
{
	struct fixture *f = test->priv;

	tquic_recv_init_crypto(&f->r, &f->mem);
	KUNIT_EXPECT_EQ(test, arrive(f, TQUIC_RECV_CRYPTO_WINDOW, 1, false),
			TQUIC_ERR_CRYPTO_BUFFER_EXCEEDED);
	KUNIT_EXPECT_EQ(test, arrive(f, TQUIC_VARINT_MAX - 1, 1, false),
			TQUIC_ERR_CRYPTO_BUFFER_EXCEEDED);
	KUNIT_EXPECT_EQ(test, arrive(f, TQUIC_RECV_CRYPTO_WINDOW - 1, 1, false), 0);
	KUNIT_EXPECT_EQ(test, arrive(f, 0, 1000, false), 0);
	KUNIT_EXPECT_FALSE(test, tquic_recv_consume(&f->r, 10, 0, 0));
	/* The window slides with each byte read. */
	KUNIT_EXPECT_EQ(test, arrive(f, TQUIC_RECV_CRYPTO_WINDOW + 9, 1, false), 0);
	KUNIT_EXPECT_EQ(test, arrive(f, TQUIC_RECV_CRYPTO_WINDOW + 10, 1, false),
			TQUIC_ERR_CRYPTO_BUFFER_EXCEEDED);
}

static void recv_reset_drops_data(struct kunit *test)
{
	struct fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, arrive(f, 0, 1000, false), 0);
	KUNIT_EXPECT_EQ(test, arrive(f, 2000, 1000, false), 0);
	KUNIT_EXPECT_EQ(test, read_bytes(test, f, 300), 300);
	KUNIT_EXPECT_EQ(test, tquic_recv_reset(&f->r, 9, 5000, 0, &f->d), 0);
	KUNIT_EXPECT_EQ(test, f->d.fresh, 2000);
	KUNIT_EXPECT_EQ(test, f->d.dropped, 4700);
	KUNIT_EXPECT_EQ(test, f->mem.used, 0);
	KUNIT_EXPECT_EQ(test, f->r.state, TQUIC_RECV_RESET_RECVD);
	KUNIT_EXPECT_EQ(test, f->r.reset_code, 9);
	KUNIT_EXPECT_EQ(test, tquic_recv_readable(&f->r), 0);
	KUNIT_EXPECT_FALSE(test, tquic_recv_eof(&f->r));
	/* Again, and data that comes later: accounted once. */
	KUNIT_EXPECT_EQ(test, tquic_recv_reset(&f->r, 10, 5000, 0, &f->d), 0);
	KUNIT_EXPECT_EQ(test, f->d.fresh + f->d.dropped, 0);
	KUNIT_EXPECT_EQ(test, arrive(f, 1000, 1000, false), 0);
	KUNIT_EXPECT_EQ(test, f->d.fresh + f->d.dropped, 0);
	KUNIT_EXPECT_EQ(test, arrive(f, 4999, 2, false), TQUIC_ERR_FINAL_SIZE);
	KUNIT_EXPECT_EQ(test, f->mem.used, 0);
	KUNIT_EXPECT_EQ(test, f->r.reset_code, 9);
	tquic_recv_told(&f->r);
	KUNIT_EXPECT_EQ(test, f->r.state, TQUIC_RECV_RESET_READ);
	KUNIT_EXPECT_TRUE(test, tquic_recv_was_reset(&f->r));
}

static void recv_reset_after_all_data(struct kunit *test)
{
	struct fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, arrive(f, 0, 100, true), 0);
	KUNIT_EXPECT_EQ(test, tquic_recv_reset(&f->r, 9, 100, 0, &f->d), 0);
	KUNIT_EXPECT_EQ(test, f->d.fresh + f->d.dropped, 0);
	KUNIT_EXPECT_EQ(test, f->r.state, TQUIC_RECV_DATA_RECVD);
	KUNIT_EXPECT_EQ(test, read_bytes(test, f, 200), 100);
}

/* What is promised is read first, whatever comes when. */
static void recv_reset_at(struct kunit *test)
{
	struct fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, arrive(f, 0, 1000, false), 0);
	KUNIT_EXPECT_EQ(test, arrive(f, 2000, 1500, false), 0);
	KUNIT_EXPECT_EQ(test, read_bytes(test, f, 300), 300);
	KUNIT_EXPECT_EQ(test, tquic_recv_reset(&f->r, 9, 5000, 3000, &f->d), 0);
	KUNIT_EXPECT_EQ(test, f->d.fresh, 1500);
	KUNIT_EXPECT_EQ(test, f->d.dropped, 2000);
	KUNIT_EXPECT_FALSE(test, tquic_recv_was_reset(&f->r));
	KUNIT_EXPECT_FALSE(test, tquic_recv_wants_credit(&f->r));
	/* Again, with more and with another code or size. */
	KUNIT_EXPECT_EQ(test, tquic_recv_reset(&f->r, 9, 5000, 3500, &f->d), 0);
	KUNIT_EXPECT_EQ(test, f->d.fresh + f->d.dropped, 0);
	KUNIT_EXPECT_EQ(test, tquic_recv_reset(&f->r, 8, 5000, 3000, &f->d),
			TQUIC_ERR_STREAM_STATE);
	KUNIT_EXPECT_EQ(test, tquic_recv_reset(&f->r, 9, 5001, 3000, &f->d),
			TQUIC_ERR_FINAL_SIZE);
	KUNIT_EXPECT_EQ(test, tquic_recv_reset(&f->r, 9, 4999, 3000, &f->d),
			TQUIC_ERR_FINAL_SIZE);
	KUNIT_EXPECT_EQ(test, arrive(f, 5000, 1, false), TQUIC_ERR_FINAL_SIZE);
	/* Less, which is in the middle of what came. */
	KUNIT_EXPECT_EQ(test, tquic_recv_reset(&f->r, 9, 5000, 2500, &f->d), 0);
	KUNIT_EXPECT_EQ(test, f->d.dropped, 500);
	KUNIT_EXPECT_EQ(test, read_bytes(test, f, 5000), 700);
	/* Bytes behind are not kept, bytes in front are. */
	KUNIT_EXPECT_EQ(test, arrive(f, 2400, 2000, false), 0);
	KUNIT_EXPECT_EQ(test, f->d.fresh + f->d.dropped, 0);
	KUNIT_EXPECT_EQ(test, arrive(f, 4500, 500, true), 0);
	KUNIT_EXPECT_EQ(test, arrive(f, 1000, 999, false), 0);
	KUNIT_EXPECT_EQ(test, read_bytes(test, f, 5000), 999);
	KUNIT_EXPECT_FALSE(test, tquic_recv_was_reset(&f->r));
	KUNIT_EXPECT_EQ(test, arrive(f, 1999, 1, false), 0);
	KUNIT_EXPECT_FALSE(test, tquic_recv_was_reset(&f->r));
	KUNIT_EXPECT_EQ(test, read_bytes(test, f, 5000), 501);
	KUNIT_EXPECT_EQ(test, f->r.state, TQUIC_RECV_RESET_RECVD);
	KUNIT_EXPECT_EQ(test, f->r.reset_code, 9);
	KUNIT_EXPECT_EQ(test, f->mem.used, 0);
	KUNIT_EXPECT_FALSE(test, tquic_recv_eof(&f->r));
	KUNIT_EXPECT_EQ(test, arrive(f, 2000, 1000, false), 0);
	KUNIT_EXPECT_EQ(test, f->mem.used, 0);
	tquic_recv_told(&f->r);
	KUNIT_EXPECT_TRUE(test, tquic_recv_terminal(&f->r));
}

/* All of it is promised: still a reset and no end of the stream. */
static void recv_reset_at_end(struct kunit *test)
{
	struct fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, tquic_recv_reset(&f->r, 9, 500, 500, &f->d), 0);
	KUNIT_EXPECT_EQ(test, f->d.dropped, 0);
	KUNIT_EXPECT_EQ(test, arrive(f, 0, 500, true), 0);
	KUNIT_EXPECT_EQ(test, f->d.fresh, 0);
	KUNIT_EXPECT_EQ(test, f->r.state, TQUIC_RECV_SIZE_KNOWN);
	KUNIT_EXPECT_EQ(test, read_bytes(test, f, 500), 500);
	KUNIT_EXPECT_FALSE(test, tquic_recv_eof(&f->r));
	KUNIT_EXPECT_EQ(test, f->r.state, TQUIC_RECV_RESET_RECVD);
}

/* The credit of each byte comes back once, however a reset goes on. */
static void recv_reset_at_credit(struct kunit *test)
{
	struct fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, tquic_recv_reset(&f->r, 9, WINDOW + 1, 10, &f->d),
			TQUIC_ERR_FLOW_CONTROL);
	KUNIT_EXPECT_EQ(test, arrive(f, 0, 1000, false), 0);
	KUNIT_EXPECT_EQ(test, read_bytes(test, f, 100), 100);
	KUNIT_EXPECT_EQ(test, tquic_recv_reset(&f->r, 9, 5000, 600, &f->d), 0);
	KUNIT_EXPECT_EQ(test, f->d.dropped, 4400);
	KUNIT_EXPECT_EQ(test, tquic_recv_reset(&f->r, 9, 5000, 0, &f->d), 0);
	KUNIT_EXPECT_EQ(test, f->d.dropped, 500);
	KUNIT_EXPECT_EQ(test, f->r.state, TQUIC_RECV_RESET_RECVD);
	KUNIT_EXPECT_EQ(test, f->mem.used, 0);
	/* Whose reader goes away, and who had read more than was promised */
	tquic_recv_init(&f->r, WINDOW, WINDOW, 0, &f->mem);
	KUNIT_EXPECT_EQ(test, arrive(f, 0, 1000, false), 0);
	KUNIT_EXPECT_EQ(test, tquic_recv_reset(&f->r, 9, 5000, 600, &f->d), 0);
	KUNIT_EXPECT_FALSE(test, tquic_recv_stop(&f->r, 1, &f->d));
	KUNIT_EXPECT_EQ(test, f->d.dropped, 600);
	KUNIT_EXPECT_TRUE(test, tquic_recv_terminal(&f->r));
	tquic_recv_init(&f->r, WINDOW, WINDOW, 0, &f->mem);
	KUNIT_EXPECT_EQ(test, arrive(f, 0, 1000, false), 0);
	KUNIT_EXPECT_EQ(test, read_bytes(test, f, 700), 700);
	KUNIT_EXPECT_EQ(test, tquic_recv_reset(&f->r, 9, 5000, 600, &f->d), 0);
	KUNIT_EXPECT_EQ(test, f->d.dropped, 4300);
	KUNIT_EXPECT_EQ(test, f->r.state, TQUIC_RECV_RESET_RECVD);
}

static void recv_stop_discards(struct kunit *test)
{
	struct fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, arrive(f, 0, 100, false), 0);
	KUNIT_EXPECT_EQ(test, arrive(f, 500, 100, false), 0);
	KUNIT_EXPECT_EQ(test, read_bytes(test, f, 40), 40);
	KUNIT_EXPECT_TRUE(test, tquic_recv_stop(&f->r, 3, &f->d));
	KUNIT_EXPECT_EQ(test, f->d.dropped, 560);
	KUNIT_EXPECT_FALSE(test, tquic_recv_stop(&f->r, 4, &f->d));
	KUNIT_EXPECT_EQ(test, f->d.dropped, 0);
	KUNIT_EXPECT_EQ(test, f->r.stop_code, 3);
	KUNIT_EXPECT_TRUE(test, f->r.stop_pending);
	KUNIT_EXPECT_FALSE(test, tquic_recv_wants_credit(&f->r));
	tquic_recv_stop_sent(&f->r);
	KUNIT_EXPECT_FALSE(test, f->r.stop_pending);
	KUNIT_EXPECT_TRUE(test, tquic_recv_stop_lost(&f->r));
	KUNIT_EXPECT_TRUE(test, f->r.stop_pending);
	/* More data is counted and thrown away. */
	KUNIT_EXPECT_EQ(test, arrive(f, 600, 50, false), 0);
	KUNIT_EXPECT_EQ(test, f->d.fresh, 50);
	KUNIT_EXPECT_EQ(test, f->d.dropped, 50);
	KUNIT_EXPECT_EQ(test, f->mem.used, 0);
	KUNIT_EXPECT_EQ(test, tquic_recv_readable(&f->r), 0);
	KUNIT_EXPECT_EQ(test, tquic_recv_reset(&f->r, 3, 700, 0, &f->d), 0);
	KUNIT_EXPECT_EQ(test, f->d.fresh, 50);
	KUNIT_EXPECT_EQ(test, f->d.dropped, 50);
	KUNIT_EXPECT_TRUE(test, tquic_recv_terminal(&f->r));
	KUNIT_EXPECT_FALSE(test, f->r.stop_pending);
	KUNIT_EXPECT_FALSE(test, tquic_recv_stop_lost(&f->r));
	KUNIT_EXPECT_FALSE(test, f->r.stop_pending);
}

static void recv_stop_then_fin(struct kunit *test)
{
	struct fixture *f = test->priv;

	KUNIT_EXPECT_TRUE(test, tquic_recv_stop(&f->r, 3, &f->d));
	KUNIT_EXPECT_EQ(test, arrive(f, 90, 10, true), 0);
	KUNIT_EXPECT_EQ(test, f->d.fresh, 100);
	KUNIT_EXPECT_EQ(test, f->d.dropped, 100);
	KUNIT_EXPECT_TRUE(test, tquic_recv_terminal(&f->r));
}

static void recv_stop_in_later_states(struct kunit *test)
{
	struct fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, arrive(f, 90, 10, true), 0);
	KUNIT_EXPECT_FALSE(test, tquic_recv_stop(&f->r, 3, &f->d));
	KUNIT_EXPECT_EQ(test, f->d.dropped, 100);
	KUNIT_EXPECT_TRUE(test, tquic_recv_terminal(&f->r));
	tquic_recv_destroy(&f->r);

	tquic_recv_init(&f->r, WINDOW, WINDOW, 0, &f->mem);
	KUNIT_EXPECT_EQ(test, tquic_recv_reset(&f->r, 3, 700, 0, &f->d), 0);
	KUNIT_EXPECT_FALSE(test, tquic_recv_stop(&f->r, 3, &f->d));
	KUNIT_EXPECT_EQ(test, f->r.state, TQUIC_RECV_RESET_READ);
}

static struct sk_buff *packet(struct kunit *test, struct fixture *f, u32 len)
{
	struct sk_buff *skb = alloc_skb(len, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, skb);
	skb_put_data(skb, f->bytes, len);
	return skb;
}

/* The first @len bytes of @skb arrive as stream bytes from 0 on. */
static int arrive_in(struct fixture *f, struct sk_buff *skb, u32 len)
{
	struct tquic_recv_in in = { .data = skb->data, .len = len, .skb = skb };

	return tquic_recv_insert(&f->r, &in, GFP_KERNEL, &f->d);
}

static void recv_holds_large_pieces(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct sk_buff *skb = packet(test, f, 1200);

	KUNIT_EXPECT_EQ(test, arrive_in(f, skb, 1200), 0);
	KUNIT_EXPECT_TRUE(test, skb_shared(skb));
	KUNIT_EXPECT_GE(test, f->mem.used, (u64)skb->truesize);
	KUNIT_EXPECT_LE(test, f->mem.used, (u64)skb->truesize + TQUIC_RECV_COPY_MIN);
	KUNIT_EXPECT_EQ(test, read_bytes(test, f, 1199), 1199);
	KUNIT_EXPECT_TRUE(test, skb_shared(skb));
	KUNIT_EXPECT_EQ(test, read_bytes(test, f, 1), 1);
	KUNIT_EXPECT_FALSE(test, skb_shared(skb));
	kfree_skb(skb);
}

static void recv_copies_small_pieces(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct sk_buff *skb = packet(test, f, 1200), *big = packet(test, f, 20000);

	/* Too short; a small part of a large buffer; memory is short. */
	KUNIT_EXPECT_EQ(test, arrive_in(f, skb, TQUIC_RECV_HOLD_MIN - 1), 0);
	KUNIT_EXPECT_FALSE(test, skb_shared(skb));
	KUNIT_EXPECT_EQ(test, arrive_in(f, big, 1700), 0);
	KUNIT_EXPECT_FALSE(test, skb_shared(big));
	KUNIT_EXPECT_EQ(test, read_bytes(test, f, 5000), 1700);
	f->mem.max = 2 * f->mem.used + skb->truesize;
	KUNIT_EXPECT_EQ(test, arrive_in(f, big, 10000), 0);
	KUNIT_EXPECT_FALSE(test, skb_shared(big));
	KUNIT_EXPECT_EQ(test, read_bytes(test, f, 20000), 8300);
	kfree_skb(skb);
	kfree_skb(big);
}

static void recv_tiny_pieces_share_memory(struct kunit *test)
{
	struct fixture *f = test->priv;
	u32 i;

	for (i = 0; i < 20000; i++)
		KUNIT_ASSERT_EQ(test, arrive(f, i, 1, false), 0);
	KUNIT_EXPECT_LE(test, f->mem.used, 2 * 20000);
	KUNIT_EXPECT_LE(test, f->r.chunk_count, 12);
	KUNIT_EXPECT_EQ(test, read_bytes(test, f, 1 << 20), 20000);
}

static void recv_bounds_out_of_order_memory(struct kunit *test)
{
	struct fixture *f = test->priv;
	u32 off = 10;

	f->mem.max = 10000;
	while (!arrive(f, off, 1, false))
		off += 2;
	KUNIT_EXPECT_EQ(test, arrive(f, off, 1, false), -ENOBUFS);
	KUNIT_EXPECT_EQ(test, f->d.dropped, 0);
	KUNIT_EXPECT_LE(test, f->mem.used, f->mem.max + TQUIC_RECV_COPY_MAX);
	/* The highest offset counts, although the bytes have to come again. */
	KUNIT_EXPECT_EQ(test, f->r.flow.highest, off + 1);
	KUNIT_EXPECT_EQ(test, arrive(f, off + 2, 3, false), -ENOBUFS);
	KUNIT_EXPECT_EQ(test, f->d.fresh, 4);
	/* What continues the stream is taken: it lets the reader make room. */
	KUNIT_EXPECT_EQ(test, arrive(f, 0, 1000, false), 0);
	KUNIT_EXPECT_EQ(test, read_bytes(test, f, 1000), 1000);
	KUNIT_EXPECT_EQ(test, f->mem.used, 0);
	KUNIT_EXPECT_EQ(test, arrive(f, 1100, 1, false), 0);
}

static void recv_without_memory(struct kunit *test)
{
	struct fixture *f = test->priv;

	KUNIT_ASSERT_EQ(test, arrive(f, 200, 100, false), 0);
	f->mem.tight = true;
	/* What a reader waits for is taken, */
	KUNIT_EXPECT_EQ(test, arrive(f, 300, 100, false), -ENOBUFS);
	KUNIT_EXPECT_EQ(test, arrive(f, 0, 100, false), 0);
	/* and nothing that could wait until it has read that. */
	KUNIT_EXPECT_EQ(test, arrive(f, 100, 100, false), -ENOBUFS);
	KUNIT_EXPECT_EQ(test, f->r.contig, 100);
	/* Bytes that are there already need none. */
	KUNIT_EXPECT_EQ(test, arrive(f, 0, 100, false), 0);
	KUNIT_EXPECT_EQ(test, read_bytes(test, f, 50), 50);
	KUNIT_EXPECT_EQ(test, arrive(f, 100, 100, false), -ENOBUFS);
	KUNIT_EXPECT_EQ(test, read_bytes(test, f, 50), 50);
	KUNIT_EXPECT_EQ(test, arrive(f, 100, 100, false), 0);
	KUNIT_EXPECT_EQ(test, read_bytes(test, f, 1000), 200);
	f->mem.tight = false;
	KUNIT_EXPECT_EQ(test, arrive(f, 310, 100, false), 0);
	KUNIT_EXPECT_EQ(test, arrive(f, 300, 10, true), TQUIC_ERR_FINAL_SIZE);
	KUNIT_EXPECT_EQ(test, arrive(f, 300, 10, false), 0);
	KUNIT_EXPECT_EQ(test, read_bytes(test, f, 1000), 110);
}

static void recv_bounds_number_of_pieces(struct kunit *test)
{
	struct fixture *f = test->priv;
	u32 i;

	for (i = 0; i < TQUIC_RECV_CHUNKS_MAX; i++)
		KUNIT_ASSERT_EQ(test, arrive(f, 2 * i + 1, 1, false), 0);
	KUNIT_EXPECT_EQ(test, arrive(f, 2 * i + 1, 1, false), -ENOBUFS);
	KUNIT_EXPECT_EQ(test, f->r.chunk_count, TQUIC_RECV_CHUNKS_MAX);
	KUNIT_EXPECT_EQ(test, arrive(f, 0, 30000, false), 0);
	KUNIT_EXPECT_EQ(test, read_bytes(test, f, 30000), 30000);
}

static void recv_matches_model(struct kunit *test)
{
	struct fixture *f = test->priv;
	u64 read = 0, highest = 0, fresh = 0;
	u32 step, off, len;

	f->mem.max = 60000;
	for (step = 0; step < 20000 && !tquic_recv_eof(&f->r); step++) {
		off = prandom_u32_state(&f->rnd) % MODEL_BYTES;
		/* Mostly around the reader. */
		if (prandom_u32_state(&f->rnd) % 4)
			off = min_t(u32, read + off % 6000, MODEL_BYTES - 1);
		/* What the reader waits for comes now and then, whatever the seed. */
		if (step % 16 == 15)
			off = min_t(u32, read, MODEL_BYTES - 1);
		len = min(prandom_u32_state(&f->rnd) % 1500, MODEL_BYTES - off);
		if (!arrive(f, off, len, off + len == MODEL_BYTES))
			memset(f->seen + off, 1, len);
		fresh += f->d.fresh;
		highest = max_t(u64, highest, off + len);
		KUNIT_ASSERT_EQ(test, fresh, highest);
		off = read;
		while (off < MODEL_BYTES && f->seen[off])
			off++;
		KUNIT_ASSERT_EQ(test, tquic_recv_readable(&f->r), off - read);
		read += read_bytes(test, f, prandom_u32_state(&f->rnd) % 2000);
	}
	KUNIT_EXPECT_EQ(test, read, MODEL_BYTES);
	KUNIT_EXPECT_TRUE(test, tquic_recv_eof(&f->r));
}

/* A packet that is held may be somebody else's too: nothing is written behind its bytes. */
static void recv_held_is_not_extended(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct sk_buff *skb = packet(test, f, 1200);

	KUNIT_ASSERT_EQ(test, arrive_in(f, skb, 1000), 0);
	KUNIT_ASSERT_TRUE(test, skb_shared(skb));
	skb->data[1000] = ~f->bytes[1000];
	KUNIT_ASSERT_EQ(test, arrive(f, 1000, 1, false), 0);
	KUNIT_EXPECT_EQ(test, skb->data[1000], (u8)~f->bytes[1000]);
	KUNIT_EXPECT_EQ(test, read_bytes(test, f, 1001), 1001);
	kfree_skb(skb);
}

/* Nobody has proved who he is: pieces are few, and packets are not held for them. */
static void recv_crypto_bounded(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct sk_buff *skb = packet(test, f, 1200);
	u32 i;

	tquic_recv_init_crypto(&f->r, &f->mem);
	KUNIT_EXPECT_EQ(test, arrive_in(f, skb, 1200), 0);
	KUNIT_EXPECT_FALSE(test, skb_shared(skb));
	KUNIT_EXPECT_EQ(test, read_bytes(test, f, 1200), 1200);
	kfree_skb(skb);
	tquic_recv_destroy(&f->r);
	tquic_recv_init_crypto(&f->r, &f->mem);
	for (i = 0; i < TQUIC_RECV_CRYPTO_CHUNKS_MAX; i++)
		KUNIT_ASSERT_EQ(test, arrive(f, 2 * i + 1, 1, false), 0);
	KUNIT_EXPECT_EQ(test, arrive(f, 2 * i + 1, 1, false), -ENOBUFS);
	KUNIT_EXPECT_LE(test, f->mem.used, 64 * 1024);
	KUNIT_EXPECT_EQ(test, arrive(f, 0, 600, false), 0);
	KUNIT_EXPECT_EQ(test, tquic_recv_readable(&f->r), 600);
}

static struct kunit_case recv_cases[] = {
	KUNIT_CASE(recv_in_order_to_the_end),
	KUNIT_CASE(recv_peek_ahead),
	KUNIT_CASE(recv_gaps_and_overlaps),
	KUNIT_CASE(recv_fin_first_and_alone),
	KUNIT_CASE(recv_empty_stream),
	KUNIT_CASE(recv_final_size_rules),
	KUNIT_CASE(recv_stream_credit),
	KUNIT_CASE(recv_reading_gives_credit),
	KUNIT_CASE(recv_no_credit_once_size_is_known),
	KUNIT_CASE(recv_crypto_window),
	KUNIT_CASE(recv_reset_drops_data),
	KUNIT_CASE(recv_reset_after_all_data),
	KUNIT_CASE(recv_reset_at),
	KUNIT_CASE(recv_reset_at_end),
	KUNIT_CASE(recv_reset_at_credit),
	KUNIT_CASE(recv_stop_discards),
	KUNIT_CASE(recv_stop_then_fin),
	KUNIT_CASE(recv_stop_in_later_states),
	KUNIT_CASE(recv_holds_large_pieces),
	KUNIT_CASE(recv_copies_small_pieces),
	KUNIT_CASE(recv_tiny_pieces_share_memory),
	KUNIT_CASE(recv_bounds_out_of_order_memory),
	KUNIT_CASE(recv_without_memory),
	KUNIT_CASE(recv_bounds_number_of_pieces),
	KUNIT_CASE(recv_matches_model),
	KUNIT_CASE(recv_held_is_not_extended),
	KUNIT_CASE(recv_crypto_bounded),
	{ }
};

static struct kunit_suite recv_suite = {
	.name = "tquic_recv",
	.init = recv_init,
	.exit = recv_exit,
	.test_cases = recv_cases,
};

kunit_test_suites(&recv_suite);
