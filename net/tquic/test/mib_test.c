// SPDX-License-Identifier: GPL-2.0
/* Counters: sums over CPUs, what the proc file prints. */
#include <kunit/test.h>
#include <linux/seq_file.h>
#include "tquic_mib.h"
#include "tquic_net.h"

static int mib_test_init(struct kunit *test)
{
	struct tquic_net *tn = kunit_kzalloc(test, sizeof(*tn), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, tn);
	tn->mib = tquic_mib_alloc();
	KUNIT_ASSERT_NOT_NULL(test, (__force void *)tn->mib);
	test->priv = tn;
	return 0;
}

static void mib_test_exit(struct kunit *test)
{
	struct tquic_net *tn = test->priv;

	if (tn)
		tquic_mib_free(tn->mib);
}

static void mib_test_count(struct kunit *test)
{
	struct tquic_net *tn = test->priv;
	int cpu, i;

	for (i = 0; i < TQUIC_MIB_COUNT; i++)
		KUNIT_EXPECT_EQ(test, tquic_mib_sum(tn->mib, i), 0);
	TQUIC_INC(tn, RX_DUP);
	TQUIC_INC(tn, RX_DUP);
	TQUIC_ADD(tn, TX_BYTES, 1200);
	KUNIT_EXPECT_EQ(test, tquic_mib_sum(tn->mib, TQUIC_MIB_RX_DUP), 2);
	KUNIT_EXPECT_EQ(test, tquic_mib_sum(tn->mib, TQUIC_MIB_TX_BYTES), 1200);
	KUNIT_EXPECT_EQ(test, tquic_mib_sum(tn->mib, TQUIC_MIB_RX_BYTES), 0);

	/* every CPU's share counts */
	for_each_possible_cpu(cpu)
		per_cpu_ptr(tn->mib, cpu)->c[TQUIC_MIB_PTOS] = 3;
	KUNIT_EXPECT_EQ(test, tquic_mib_sum(tn->mib, TQUIC_MIB_PTOS), 3 * num_possible_cpus());
}

/* A line for each, in order; no name twice, and each with a blank behind it */
static void mib_test_show(struct kunit *test)
{
	struct tquic_net *tn = test->priv;
	struct seq_file seq = { .size = 64 * TQUIC_MIB_COUNT };
	char (*names)[32];
	char *line, *end;
	u64 value;
	int i, j;

	seq.buf = kunit_kzalloc(test, seq.size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, seq.buf);
	names = kunit_kcalloc(test, TQUIC_MIB_COUNT, sizeof(*names), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, names);
	TQUIC_ADD(tn, PKTS_LOST, 41);
	tquic_mib_show(&seq, tn->mib);
	KUNIT_ASSERT_FALSE(test, seq_has_overflowed(&seq));
	line = seq.buf;
	for (i = 0; i < TQUIC_MIB_COUNT; i++) {
		end = strchr(line, '\n');
		KUNIT_ASSERT_NOT_NULL(test, end);
		*end = '\0';
		KUNIT_ASSERT_EQ(test, sscanf(line, "%31s %llu", names[i], &value), 2);
		KUNIT_EXPECT_EQ(test, value, i == TQUIC_MIB_PKTS_LOST ? 41 : 0);
		for (j = 0; j < i; j++)
			KUNIT_EXPECT_NE(test, strcmp(names[i], names[j]), 0);
		line = end + 1;
	}
	KUNIT_EXPECT_PTR_EQ(test, line, seq.buf + seq.count);
	KUNIT_EXPECT_STREQ(test, names[TQUIC_MIB_RX_DGRAMS], "RxDatagrams");
	KUNIT_EXPECT_STREQ(test, names[TQUIC_MIB_COUNT - 1], "BytesRetransmitted");
}

static struct kunit_case mib_test_cases[] = {
	KUNIT_CASE(mib_test_count),
	KUNIT_CASE(mib_test_show),
	{}
};

static struct kunit_suite mib_test_suite = {
	.name = "tquic-mib",
	.init = mib_test_init,
	.exit = mib_test_exit,
	.test_cases = mib_test_cases,
};

kunit_test_suites(&mib_test_suite);
