// SPDX-License-Identifier: GPL-2.0
/* Counters: names, sums over CPUs, what the proc file prints. */
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

static void mib_test_names(struct kunit *test)
{
	const char *name;
	int i, j;

	KUNIT_EXPECT_STREQ(test, tquic_mib_name(TQUIC_MIB_RX_DGRAMS), "RxDatagrams");
	KUNIT_EXPECT_STREQ(test, tquic_mib_name(TQUIC_MIB_COUNT - 1), "BytesRetransmitted");
	for (i = 0; i < TQUIC_MIB_COUNT; i++) {
		name = tquic_mib_name(i);
		KUNIT_ASSERT_NOT_NULL(test, name);
		/* one column of the proc file, with a blank behind it */
		KUNIT_EXPECT_LT(test, strlen(name), 32);
		for (j = 0; j < i; j++)
			KUNIT_EXPECT_NE(test, strcmp(name, tquic_mib_name(j)), 0);
	}
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

static void mib_test_show(struct kunit *test)
{
	struct tquic_net *tn = test->priv;
	struct seq_file seq = { .size = 64 * TQUIC_MIB_COUNT };
	char *line, *end;
	char name[64];
	u64 value;
	int i;

	seq.buf = kunit_kzalloc(test, seq.size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, seq.buf);
	TQUIC_ADD(tn, PKTS_LOST, 41);
	tquic_mib_show(&seq, tn->mib);
	KUNIT_ASSERT_FALSE(test, seq_has_overflowed(&seq));
	line = seq.buf;
	for (i = 0; i < TQUIC_MIB_COUNT; i++) {
		end = strchr(line, '\n');
		KUNIT_ASSERT_NOT_NULL(test, end);
		*end = '\0';
		KUNIT_ASSERT_EQ(test, sscanf(line, "%63s %llu", name, &value), 2);
		KUNIT_EXPECT_STREQ(test, name, tquic_mib_name(i));
		KUNIT_EXPECT_EQ(test, value, i == TQUIC_MIB_PKTS_LOST ? 41 : 0);
		line = end + 1;
	}
	KUNIT_EXPECT_PTR_EQ(test, line, seq.buf + seq.count);
}

static struct kunit_case mib_test_cases[] = {
	KUNIT_CASE(mib_test_names),
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
