// SPDX-License-Identifier: GPL-2.0
/* KUnit suite of the connection id sets. */
#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/prandom.h>

#include "core/cidset.h"

#define LIMIT	4U

/* The id and token that belong to a sequence number here. */
static struct tquic_cid cid_of(u64 seq)
{
	struct tquic_cid cid = { .len = 8 };

	memcpy(cid.id, &seq, sizeof(seq));
	return cid;
}

static int add_as(struct tquic_cidset_remote *c, u64 seq, u64 retire_prior_to, u64 cid_seq,
		  u64 token_seq)
{
	struct tquic_cid cid = cid_of(cid_seq);
	u8 token[TQUIC_RESET_TOKEN_LEN];

	memset(token, 0x80 + (u8)token_seq, sizeof(token));
	return tquic_cidset_remote_add(c, seq, retire_prior_to, &cid, token);
}

static int add(struct tquic_cidset_remote *c, u64 seq, u64 retire_prior_to)
{
	return add_as(c, seq, retire_prior_to, seq, seq);
}

/* A set as after the handshake: the id with number 0 is in use. */
static void remote_init(struct tquic_cidset_remote *c)
{
	struct tquic_cid cid = cid_of(0);

	tquic_cidset_remote_init(c, LIMIT);
	tquic_cidset_remote_set_initial(c, &cid);
}

static void expect_current(struct kunit *test, const struct tquic_cidset_remote *c, u64 seq)
{
	const struct tquic_cid *cid = tquic_cidset_remote_current(c);
	struct tquic_cid want = cid_of(seq);

	KUNIT_ASSERT_NOT_NULL(test, cid);
	KUNIT_EXPECT_TRUE(test, tquic_cid_equal(cid, &want));
}

static void expect_retire(struct kunit *test, struct tquic_cidset_remote *c, u64 seq)
{
	u64 got = U64_MAX;

	KUNIT_ASSERT_TRUE(test, tquic_cidset_remote_next_retire(c, &got));
	KUNIT_EXPECT_EQ(test, got, seq);
	tquic_cidset_remote_retire_sent(c, seq);
}

static void expect_no_retire(struct kunit *test, struct tquic_cidset_remote *c)
{
	u64 seq;

	KUNIT_EXPECT_FALSE(test, tquic_cidset_remote_next_retire(c, &seq));
}

static void cidset_local_issue_and_retire(struct kunit *test)
{
	struct tquic_cid cid, gone, other = cid_of(99);
	struct tquic_cidset_local c;
	struct tquic_cid_local *e;
	u64 seq;

	tquic_cidset_local_init(&c);
	KUNIT_EXPECT_EQ(test, tquic_cidset_local_room(&c), 2);
	tquic_cidset_local_set_limit(&c, LIMIT);
	for (seq = 0; seq < LIMIT; seq++) {
		cid = cid_of(seq);
		e = tquic_cidset_local_add(&c, &cid, seq > 0);
		KUNIT_ASSERT_NOT_NULL(test, e);
		KUNIT_EXPECT_EQ(test, e->seq, seq);
	}
	KUNIT_EXPECT_EQ(test, tquic_cidset_local_room(&c), 0);
	KUNIT_EXPECT_NULL(test, tquic_cidset_local_add(&c, &other, true));
	/* All but the handshake's have to be announced, in order. */
	for (seq = 1; seq < LIMIT; seq++) {
		e = tquic_cidset_local_next_unsent(&c);
		KUNIT_ASSERT_NOT_NULL(test, e);
		KUNIT_EXPECT_EQ(test, e->seq, seq);
		KUNIT_EXPECT_EQ(test, tquic_cidset_local_retire(&c, seq, &other, &gone),
				TQUIC_ERR_PROTOCOL_VIOLATION);
		e->unsent = false;
		e->told = true;
	}
	KUNIT_EXPECT_NULL(test, tquic_cidset_local_next_unsent(&c));
	KUNIT_EXPECT_TRUE(test, tquic_cidset_local_lost(&c, 2));
	e = tquic_cidset_local_next_unsent(&c);
	KUNIT_ASSERT_NOT_NULL(test, e);
	KUNIT_EXPECT_EQ(test, e->seq, 2);

	cid = cid_of(1);
	KUNIT_EXPECT_EQ(test, tquic_cidset_local_retire(&c, LIMIT, &other, &gone),
			TQUIC_ERR_PROTOCOL_VIOLATION);
	KUNIT_EXPECT_EQ(test, tquic_cidset_local_retire(&c, 1, &cid, &gone),
			TQUIC_ERR_PROTOCOL_VIOLATION);
	KUNIT_EXPECT_EQ(test, tquic_cidset_local_retire(&c, 1, &other, &gone), 0);
	KUNIT_EXPECT_TRUE(test, tquic_cid_equal(&gone, &cid));
	KUNIT_EXPECT_EQ(test, tquic_cidset_local_retire(&c, 1, NULL, &gone), 0);
	KUNIT_EXPECT_EQ(test, gone.len, 0);
	KUNIT_EXPECT_FALSE(test, tquic_cidset_local_lost(&c, 1));
	KUNIT_EXPECT_EQ(test, tquic_cidset_local_room(&c), 1);
	cid = cid_of(LIMIT);
	e = tquic_cidset_local_add(&c, &cid, true);
	KUNIT_ASSERT_NOT_NULL(test, e);
	KUNIT_EXPECT_EQ(test, e->seq, LIMIT);
	e->told = true;
	/* The last one of the array is gone as well as any other. */
	KUNIT_EXPECT_EQ(test, tquic_cidset_local_retire(&c, LIMIT, NULL, &gone), 0);
	KUNIT_EXPECT_FALSE(test, tquic_cidset_local_lost(&c, LIMIT));
	KUNIT_EXPECT_EQ(test, tquic_cidset_local_retire(&c, LIMIT, NULL, &gone), 0);
	KUNIT_EXPECT_EQ(test, gone.len, 0);
}

static void cidset_local_bounds(struct kunit *test)
{
	struct tquic_cidset_local c;
	struct tquic_cid gone;

	tquic_cidset_local_init(&c);
	tquic_cidset_local_set_limit(&c, U64_MAX);
	KUNIT_EXPECT_EQ(test, tquic_cidset_local_room(&c), TQUIC_CID_ISSUED_MAX);
	c.zero_len = true;
	KUNIT_EXPECT_EQ(test, tquic_cidset_local_room(&c), 0);
	c.next_seq = 1;
	KUNIT_EXPECT_EQ(test, tquic_cidset_local_retire(&c, 0, NULL, &gone),
			TQUIC_ERR_PROTOCOL_VIOLATION);
}

static void cidset_remote_initial(struct kunit *test)
{
	struct tquic_cidset_remote c;
	struct tquic_cid cid;

	tquic_cidset_remote_init(&c, 1000);
	KUNIT_EXPECT_EQ(test, c.limit, TQUIC_CID_ACTIVE_MAX);
	tquic_cidset_remote_init(&c, 0);
	KUNIT_EXPECT_EQ(test, c.limit, 2);
	KUNIT_EXPECT_NULL(test, tquic_cidset_remote_current(&c));
	/* A client's own choice first, then the server's. */
	cid = cid_of(77);
	tquic_cidset_remote_set_initial(&c, &cid);
	expect_current(test, &c, 77);
	cid = cid_of(0);
	tquic_cidset_remote_set_initial(&c, &cid);
	expect_current(test, &c, 0);
	KUNIT_EXPECT_EQ(test, c.count, 1);
	/* Its number is taken. */
	KUNIT_EXPECT_EQ(test, add_as(&c, 0, 0, 5, 5), TQUIC_ERR_PROTOCOL_VIOLATION);
	/* Once it was retired it does not come back. */
	KUNIT_EXPECT_EQ(test, add(&c, 1, 1), 0);
	tquic_cidset_remote_set_initial(&c, &cid);
	KUNIT_EXPECT_EQ(test, c.count, 1);
	expect_current(test, &c, 1);
}

/* Others may have taken all the room before it comes. */
static void cidset_remote_initial_no_room(struct kunit *test)
{
	struct tquic_cid cid = cid_of(0);
	struct tquic_cidset_remote c;
	u64 seq;

	tquic_cidset_remote_init(&c, TQUIC_CID_ACTIVE_MAX);
	for (seq = 1; seq <= TQUIC_CID_ACTIVE_MAX; seq++)
		KUNIT_ASSERT_EQ(test, add(&c, seq, 0), 0);
	tquic_cidset_remote_set_initial(&c, &cid);
	KUNIT_EXPECT_EQ(test, c.count, TQUIC_CID_ACTIVE_MAX);
	KUNIT_EXPECT_EQ(test, c.retired_count, 0);
}

static void cidset_remote_limit(struct kunit *test)
{
	struct tquic_cidset_remote c;
	u64 seq;

	remote_init(&c);
	for (seq = 1; seq < LIMIT; seq++)
		KUNIT_EXPECT_EQ(test, add(&c, seq, 0), 0);
	KUNIT_EXPECT_EQ(test, tquic_cidset_remote_spare(&c), LIMIT - 1);
	KUNIT_EXPECT_EQ(test, add(&c, 2, 0), 0);
	KUNIT_EXPECT_EQ(test, c.count, LIMIT);
	KUNIT_EXPECT_EQ(test, add(&c, LIMIT, 0), TQUIC_ERR_CONNECTION_ID_LIMIT);

	/* Room made by the same frame counts. */
	remote_init(&c);
	for (seq = 1; seq < LIMIT; seq++)
		KUNIT_EXPECT_EQ(test, add(&c, seq, 0), 0);
	KUNIT_EXPECT_EQ(test, add(&c, LIMIT, 1), 0);
	KUNIT_EXPECT_EQ(test, c.count, LIMIT);
	expect_current(test, &c, 1);
	expect_retire(test, &c, 0);
	expect_no_retire(test, &c);
}

static void cidset_remote_contradictions(struct kunit *test)
{
	struct tquic_cidset_remote c;

	remote_init(&c);
	KUNIT_EXPECT_EQ(test, add(&c, 1, 0), 0);
	KUNIT_EXPECT_EQ(test, add(&c, 1, 0), 0);
	KUNIT_EXPECT_EQ(test, add_as(&c, 1, 0, 2, 1), TQUIC_ERR_PROTOCOL_VIOLATION);
	KUNIT_EXPECT_EQ(test, add_as(&c, 2, 0, 1, 1), TQUIC_ERR_PROTOCOL_VIOLATION);
	KUNIT_EXPECT_EQ(test, add_as(&c, 1, 0, 1, 3), TQUIC_ERR_PROTOCOL_VIOLATION);
	KUNIT_EXPECT_EQ(test, c.count, 2);
}

static void cidset_remote_zero_length(struct kunit *test)
{
	struct tquic_cid none = { };
	struct tquic_cidset_remote c;

	tquic_cidset_remote_init(&c, LIMIT);
	tquic_cidset_remote_set_initial(&c, &none);
	KUNIT_EXPECT_EQ(test, add(&c, 1, 0), TQUIC_ERR_PROTOCOL_VIOLATION);
	KUNIT_EXPECT_EQ(test, tquic_cidset_remote_rotate(&c), -ENOENT);
}

static void cidset_remote_late_frames(struct kunit *test)
{
	struct tquic_cidset_remote c;

	remote_init(&c);
	KUNIT_EXPECT_EQ(test, add(&c, 3, 3), 0);
	expect_current(test, &c, 3);
	expect_retire(test, &c, 0);
	/* Numbers below that come later are retired at once, and only once. */
	KUNIT_EXPECT_EQ(test, add(&c, 1, 0), 0);
	expect_retire(test, &c, 1);
	KUNIT_EXPECT_EQ(test, add(&c, 1, 0), 0);
	expect_no_retire(test, &c);
	tquic_cidset_remote_retire_acked(&c, 1);
	KUNIT_EXPECT_EQ(test, add(&c, 1, 0), 0);
	expect_no_retire(test, &c);
	KUNIT_EXPECT_EQ(test, c.count, 1);
	tquic_cidset_remote_retire_lost(&c, 0);
	expect_retire(test, &c, 0);
	tquic_cidset_remote_retire_lost(&c, 0);
	tquic_cidset_remote_retire_acked(&c, 0);
	expect_no_retire(test, &c);
	tquic_cidset_remote_retire_lost(&c, 0);
	expect_no_retire(test, &c);
	KUNIT_EXPECT_EQ(test, c.retired_count, 0);
}

static void cidset_remote_rotation(struct kunit *test)
{
	struct tquic_cidset_remote c;

	remote_init(&c);
	KUNIT_EXPECT_EQ(test, tquic_cidset_remote_rotate(&c), -ENOENT);
	expect_current(test, &c, 0);
	KUNIT_EXPECT_EQ(test, add(&c, 2, 0), 0);
	KUNIT_EXPECT_EQ(test, add(&c, 1, 0), 0);
	KUNIT_EXPECT_EQ(test, tquic_cidset_remote_rotate(&c), 0);
	expect_current(test, &c, 1);
	KUNIT_EXPECT_EQ(test, tquic_cidset_remote_spare(&c), 1);
	expect_retire(test, &c, 0);
	tquic_cidset_remote_retire_acked(&c, 0);
	/* A late copy of the frame does not bring a retired id back. */
	KUNIT_EXPECT_EQ(test, tquic_cidset_remote_rotate(&c), 0);
	expect_current(test, &c, 2);
	KUNIT_EXPECT_EQ(test, add(&c, 1, 0), 0);
	KUNIT_EXPECT_EQ(test, tquic_cidset_remote_spare(&c), 0);
	expect_retire(test, &c, 1);
	expect_no_retire(test, &c);
}

static void cidset_remote_unopened_path(struct kunit *test)
{
	struct tquic_cidset_remote c;

	tquic_cidset_remote_init(&c, LIMIT);
	KUNIT_EXPECT_EQ(test, add(&c, 1, 0), 0);
	KUNIT_EXPECT_EQ(test, add(&c, 0, 0), 0);
	KUNIT_EXPECT_NULL(test, tquic_cidset_remote_current(&c));
	KUNIT_EXPECT_EQ(test, tquic_cidset_remote_rotate(&c), 0);
	expect_current(test, &c, 0);
	expect_no_retire(test, &c);
}

static void cidset_remote_retire_flood(struct kunit *test)
{
	struct tquic_cidset_remote c;
	u64 seq;
	int err = 0;

	/* Each frame retires the id of the one before; we never hear of an ack. */
	remote_init(&c);
	for (seq = 1; seq < 100 && !err; seq++)
		err = add(&c, seq, seq);
	KUNIT_EXPECT_EQ(test, err, TQUIC_ERR_CONNECTION_ID_LIMIT);
	KUNIT_EXPECT_EQ(test, c.retired_count, 2 * LIMIT);

	/* With acks it may go on for ever. */
	remote_init(&c);
	for (seq = 1; seq < 1000; seq++) {
		KUNIT_ASSERT_EQ(test, add(&c, seq, seq), 0);
		expect_current(test, &c, seq);
		expect_retire(test, &c, seq - 1);
		tquic_cidset_remote_retire_acked(&c, seq - 1);
	}

	/* Our own rotation respects the bound, too. */
	remote_init(&c);
	for (seq = 1; seq <= 2 * LIMIT; seq++) {
		KUNIT_ASSERT_EQ(test, add(&c, seq, 0), 0);
		KUNIT_ASSERT_EQ(test, tquic_cidset_remote_rotate(&c), 0);
	}
	KUNIT_ASSERT_EQ(test, add(&c, seq, 0), 0);
	KUNIT_EXPECT_EQ(test, tquic_cidset_remote_rotate(&c), -ENOBUFS);
	expect_current(test, &c, seq - 1);
}

static void cidset_remote_last_id_stays(struct kunit *test)
{
	struct tquic_cidset_remote c;

	remote_init(&c);
	KUNIT_EXPECT_EQ(test, add(&c, 2, 0), 0);
	KUNIT_EXPECT_EQ(test, tquic_cidset_remote_rotate(&c), 0);
	KUNIT_EXPECT_EQ(test, add(&c, 1, 0), 0);
	KUNIT_EXPECT_EQ(test, tquic_cidset_remote_rotate(&c), 0);
	expect_current(test, &c, 1);
	/* A repeated frame, changed so that it retires everything we have. */
	KUNIT_EXPECT_EQ(test, add(&c, 2, 2), TQUIC_ERR_PROTOCOL_VIOLATION);
}

static void cidset_remote_far_sequence_numbers(struct kunit *test)
{
	struct tquic_cidset_remote c;
	u64 far = TQUIC_VARINT_MAX;

	remote_init(&c);
	KUNIT_EXPECT_EQ(test, add(&c, far, far), 0);
	expect_current(test, &c, far);
	/* Too old to know whether it was seen: taken as seen. */
	KUNIT_EXPECT_EQ(test, add(&c, 5, 0), 0);
	expect_retire(test, &c, 0);
	expect_no_retire(test, &c);
	/* Recent enough. */
	KUNIT_EXPECT_EQ(test, add(&c, far - 3, 0), 0);
	expect_retire(test, &c, far - 3);
	/* Ahead by just so much that nothing is left of what was seen: 3 was, 67 was not. */
	remote_init(&c);
	KUNIT_EXPECT_EQ(test, add(&c, 3, 0), 0);
	KUNIT_EXPECT_EQ(test, add(&c, 128, 128), 0);
	expect_retire(test, &c, 0);
	expect_retire(test, &c, 3);
	KUNIT_EXPECT_EQ(test, add(&c, 67, 0), 0);
	expect_retire(test, &c, 67);
	expect_no_retire(test, &c);
}

static void cidset_remote_reset_tokens(struct kunit *test)
{
	struct tquic_cidset_remote c;
	u8 token[TQUIC_RESET_TOKEN_LEN] = { };

	remote_init(&c);
	KUNIT_EXPECT_FALSE(test, tquic_cidset_remote_is_reset(&c, token));
	memset(token, 0x11, sizeof(token));
	tquic_cidset_remote_set_token(&c, token);
	KUNIT_EXPECT_TRUE(test, tquic_cidset_remote_is_reset(&c, token));
	token[15] ^= 1;
	KUNIT_EXPECT_FALSE(test, tquic_cidset_remote_is_reset(&c, token));
	token[15] ^= 1;
	/* Not those of ids not used yet, nor of retired ones. */
	KUNIT_EXPECT_EQ(test, add(&c, 1, 0), 0);
	memset(token, 0x81, sizeof(token));
	KUNIT_EXPECT_FALSE(test, tquic_cidset_remote_is_reset(&c, token));
	KUNIT_EXPECT_EQ(test, tquic_cidset_remote_rotate(&c), 0);
	KUNIT_EXPECT_TRUE(test, tquic_cidset_remote_is_reset(&c, token));
	memset(token, 0x11, sizeof(token));
	KUNIT_EXPECT_FALSE(test, tquic_cidset_remote_is_reset(&c, token));
}

/* Every number is announced several times in any order; each is used or retired once. */
static void cidset_remote_random_order(struct kunit *test)
{
	u8 *retired = kunit_kzalloc(test, 512, GFP_KERNEL);
	struct tquic_cidset_remote c;
	struct rnd_state rnd;
	u64 next = 1, seq, got;
	u32 step;

	KUNIT_ASSERT_NOT_NULL(test, retired);
	prandom_seed_state(&rnd, 0xc1d5);
	remote_init(&c);
	for (step = 0; step < 5000; step++) {
		/* The peer issues as we retire, and repeats old frames. */
		seq = next;
		if (prandom_u32_state(&rnd) % 2 || c.count == LIMIT || next == 511)
			seq = next - 1 - prandom_u32_state(&rnd) % min_t(u64, next, 20);
		else
			next++;
		if (seq)
			KUNIT_ASSERT_EQ(test, add(&c, seq, 0), 0);
		if (!(prandom_u32_state(&rnd) % 4))
			tquic_cidset_remote_rotate(&c);
		while (tquic_cidset_remote_next_retire(&c, &got)) {
			tquic_cidset_remote_retire_sent(&c, got);
			KUNIT_ASSERT_EQ(test, retired[got]++, 0);
			tquic_cidset_remote_retire_acked(&c, got);
		}
	}
	KUNIT_EXPECT_EQ(test, next, 511);
}

/* An id that moved into the place of one that is gone can be the next. */
static void cidset_remote_next_in_first_place(struct kunit *test)
{
	struct tquic_cid want = cid_of(2);
	struct tquic_cidset_remote c;

	remote_init(&c);
	KUNIT_EXPECT_NULL(test, tquic_cidset_remote_next(&c));
	KUNIT_ASSERT_EQ(test, add(&c, 1, 0), 0);
	KUNIT_ASSERT_EQ(test, add(&c, 2, 0), 0);
	KUNIT_ASSERT_EQ(test, tquic_cidset_remote_rotate(&c), 0);
	KUNIT_ASSERT_NOT_NULL(test, tquic_cidset_remote_next(&c));
	KUNIT_EXPECT_TRUE(test, tquic_cid_equal(tquic_cidset_remote_next(&c), &want));
}

static struct kunit_case cidset_cases[] = {
	KUNIT_CASE(cidset_local_issue_and_retire),
	KUNIT_CASE(cidset_local_bounds),
	KUNIT_CASE(cidset_remote_initial),
	KUNIT_CASE(cidset_remote_initial_no_room),
	KUNIT_CASE(cidset_remote_limit),
	KUNIT_CASE(cidset_remote_contradictions),
	KUNIT_CASE(cidset_remote_zero_length),
	KUNIT_CASE(cidset_remote_late_frames),
	KUNIT_CASE(cidset_remote_rotation),
	KUNIT_CASE(cidset_remote_unopened_path),
	KUNIT_CASE(cidset_remote_retire_flood),
	KUNIT_CASE(cidset_remote_last_id_stays),
	KUNIT_CASE(cidset_remote_far_sequence_numbers),
	KUNIT_CASE(cidset_remote_reset_tokens),
	KUNIT_CASE(cidset_remote_random_order),
	KUNIT_CASE(cidset_remote_next_in_first_place),
	{ }
};

static struct kunit_suite cidset_suite = {
	.name = "tquic_cidset",
	.test_cases = cidset_cases,
};

kunit_test_suites(&cidset_suite);
