// SPDX-License-Identifier: GPL-2.0
/* What tracepoints tell about a frame */
#include <kunit/test.h>
#include "core/frame.h"
#include "core/trace.h"

static void expect_operands(struct kunit *test, const struct tquic_frame *f,
			    u64 id, u64 value)
{
	u64 got_id = 99, got_value = 99;

	tquic_trace_operands(f, &got_id, &got_value);
	KUNIT_EXPECT_EQ(test, got_id, id);
	KUNIT_EXPECT_EQ(test, got_value, value);
}

static void operands_of_each_kind(struct kunit *test)
{
	struct tquic_frame f = { .type = TQUIC_FRAME_PATH_ACK };

	f.ack.path_id = 3;
	f.ack.largest = 70;
	expect_operands(test, &f, 3, 70);

	f = (struct tquic_frame){ .type = TQUIC_FRAME_STREAM_LAST };
	f.stream.id = 4;
	f.stream.off = 1000;
	expect_operands(test, &f, 4, 1000);

	f = (struct tquic_frame){ .type = TQUIC_FRAME_CRYPTO };
	f.crypto.off = 17;
	expect_operands(test, &f, 0, 17);

	f = (struct tquic_frame){ .type = TQUIC_FRAME_RESET_STREAM };
	f.reset_stream.id = 8;
	f.reset_stream.code = 5;
	f.reset_stream.final_size = 6;
	expect_operands(test, &f, 8, 5);

	f = (struct tquic_frame){ .type = TQUIC_FRAME_STREAM_DATA_BLOCKED };
	f.max.id = 12;
	f.max.val = 4096;
	expect_operands(test, &f, 12, 4096);

	f = (struct tquic_frame){ .type = TQUIC_FRAME_PATH_NEW_CONNECTION_ID };
	f.new_cid.path_id = 2;
	f.new_cid.seq = 1;
	expect_operands(test, &f, 2, 1);

	f = (struct tquic_frame){ .type = TQUIC_FRAME_PATH_RETIRE_CONNECTION_ID };
	f.retire_cid.path_id = 2;
	f.retire_cid.seq = 9;
	expect_operands(test, &f, 2, 9);

	f = (struct tquic_frame){ .type = TQUIC_FRAME_CONNECTION_CLOSE_APP };
	f.close.code = 7;
	expect_operands(test, &f, 0, 7);

	f = (struct tquic_frame){ .type = TQUIC_FRAME_PATH_CIDS_BLOCKED };
	f.path.path_id = 1;
	f.path.val = 2;
	expect_operands(test, &f, 1, 2);
}

/* A frame without operands leaves nothing of the one before it behind. */
static void no_operands(struct kunit *test)
{
	struct tquic_frame f = { .type = TQUIC_FRAME_PING };

	f.max.id = 1;
	f.max.val = 2;
	expect_operands(test, &f, 0, 0);
	f.type = TQUIC_FRAME_DATAGRAM;
	expect_operands(test, &f, 0, 0);
}

static struct kunit_case trace_cases[] = {
	KUNIT_CASE(operands_of_each_kind),
	KUNIT_CASE(no_operands),
	{}
};

static struct kunit_suite trace_suite = {
	.name = "tquic-trace",
	.test_cases = trace_cases,
};

kunit_test_suite(trace_suite);
