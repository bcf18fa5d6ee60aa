// SPDX-License-Identifier: GPL-2.0
/* Sysctls: the table's ranges, what connections get from it, names that are refused. */
#include <kunit/test.h>
#include <linux/string.h>
#include <linux/sysctl.h>

#include "cc/cc.h"
#include "core/conn.h"
#include "sched/sched.h"
#include "tquic_sysctl.h"

struct sysctl_fixture {
	struct tquic_net tn;
	struct tquic_conn plain;	/* by the engine's own defaults */
	struct tquic_conn conn;
};

static int sysctl_test_init(struct kunit *test)
{
	struct sysctl_fixture *x = kunit_kzalloc(test, sizeof(*x), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, x);
	spin_lock_init(&x->tn.lock);
	x->tn.sysctls = tquic_sysctls_default;
	tquic_conn_init(&x->plain, NULL);
	tquic_conn_init(&x->conn, NULL);
	test->priv = x;
	return 0;
}

static void sysctl_test_exit(struct kunit *test)
{
	struct sysctl_fixture *x = test->priv;

	if (!x)
		return;
	tquic_cc_put(x->conn.cc_ops);
	if (x->conn.sched)
		tquic_sched_put(x->conn.sched);
}

/* The defaults are told twice, to the engine and in the spec: they are the same */
static void sysctl_defaults(struct kunit *test)
{
	struct sysctl_fixture *x = test->priv;
	const struct tquic_tuning *a = &x->plain.tune, *b = &x->conn.tune;

	tquic_sysctl_socket(&x->tn, &x->conn);
	KUNIT_EXPECT_MEMEQ(test, &x->conn.local, &x->plain.local, sizeof(x->plain.local));
	KUNIT_EXPECT_EQ(test, x->conn.keepalive_ns, x->plain.keepalive_ns);
	memset(&x->conn.tune, 0xff, sizeof(x->conn.tune));
	KUNIT_ASSERT_EQ(test, tquic_sysctl_start(&x->tn, &x->conn), 0);
	KUNIT_EXPECT_EQ(test, b->rx_window_max_bytes, a->rx_window_max_bytes);
	KUNIT_EXPECT_EQ(test, b->rx_mem_max_bytes, a->rx_mem_max_bytes);
	KUNIT_EXPECT_EQ(test, b->rtt_initial_ns, a->rtt_initial_ns);
	KUNIT_EXPECT_EQ(test, b->probe_max_ns, a->probe_max_ns);
	KUNIT_EXPECT_EQ(test, b->reinject_percent, a->reinject_percent);
	KUNIT_EXPECT_EQ(test, b->mtu_max_bytes, a->mtu_max_bytes);
	KUNIT_EXPECT_EQ(test, b->dgram_rx_max_bytes, a->dgram_rx_max_bytes);
	KUNIT_EXPECT_EQ(test, b->ecn, a->ecn);
	KUNIT_EXPECT_EQ(test, b->pacing, a->pacing);
}

static void sysctl_start(struct kunit *test)
{
	struct sysctl_fixture *x = test->priv;

	strscpy(x->tn.sysctls.congestion_control, "newreno");
	KUNIT_ASSERT_EQ(test, tquic_sysctl_start(&x->tn, &x->conn), 0);
	KUNIT_EXPECT_STREQ(test, x->conn.cc_ops->entry.name, "newreno");
	KUNIT_EXPECT_STREQ(test, x->conn.sched->entry.name, "ecf");
	/* What the program chose stays. */
	strscpy(x->tn.sysctls.congestion_control, "cubic");
	KUNIT_ASSERT_EQ(test, tquic_sysctl_start(&x->tn, &x->conn), 0);
	KUNIT_EXPECT_STREQ(test, x->conn.cc_ops->entry.name, "newreno");
	/* The default's module has gone. */
	strscpy(x->tn.sysctls.scheduler, "gone");
	KUNIT_EXPECT_EQ(test, tquic_sysctl_start(&x->tn, &x->plain), -ENOENT);
	tquic_cc_put(x->plain.cc_ops);
}

static void sysctl_table(struct kunit *test)
{
	const void *defaults = &tquic_sysctls_default;
	unsigned int i, numbers = 0;

	for (i = 0; i < TQUIC_SYSCTL_COUNT; i++) {
		const struct ctl_table *t = &tquic_sysctl_table[i];

		KUNIT_ASSERT_NOT_NULL(test, t->procname);
		if (i)
			KUNIT_EXPECT_LT(test, strcmp(t[-1].procname, t->procname), 0);
		if (!t->data)
			continue;
		numbers++;
		KUNIT_EXPECT_LT(test, (size_t)(t->data - defaults),
				sizeof(struct tquic_sysctls));
		KUNIT_EXPECT_LE(test, *(u32 *)t->extra1, *(u32 *)t->data);
		KUNIT_EXPECT_LE(test, *(u32 *)t->data, *(u32 *)t->extra2);
	}
	KUNIT_EXPECT_GT(test, numbers, 20);
}

static int sysctl_write(struct sysctl_fixture *x, const char *text)
{
	const struct ctl_table table = { .extra1 = &x->tn };
	size_t len = strlen(text);
	char buf[64] = {};
	loff_t pos = 0;

	memcpy(buf, text, len);
	return tquic_sysctl_scheduler(&table, 1, buf, &len, &pos);
}

static struct tquic_path *sysctl_no_path(struct tquic_conn *conn, u64 now)
{
	return NULL;
}

static void sysctl_choice(struct kunit *test)
{
	static struct tquic_sched other = {
		.entry.name = "sysctl-other-15", .get_path = sysctl_no_path,
	};
	struct sysctl_fixture *x = test->priv;
	const char *value = x->tn.sysctls.scheduler;

	KUNIT_ASSERT_EQ(test, tquic_sched_register(&other), 0);
	KUNIT_EXPECT_EQ(test, sysctl_write(x, "nobody\n"), -ENOENT);
	KUNIT_EXPECT_EQ(test, sysctl_write(x, "\n"), -EINVAL);
	/* Cut to its length it would be a name. */
	KUNIT_EXPECT_EQ(test, sysctl_write(x, "sysctl-other-15x\n"), -EINVAL);
	KUNIT_EXPECT_STREQ(test, value, "ecf");
	KUNIT_EXPECT_EQ(test, sysctl_write(x, "sysctl-other-15\n"), 0);
	KUNIT_EXPECT_STREQ(test, value, "sysctl-other-15");
	tquic_sched_unregister(&other);
	KUNIT_EXPECT_EQ(test, sysctl_write(x, "sysctl-other-15\n"), -ENOENT);
	KUNIT_EXPECT_EQ(test, sysctl_write(x, "minrtt\n"), 0);
	KUNIT_EXPECT_STREQ(test, value, "minrtt");
}

static struct kunit_case sysctl_cases[] = {
	KUNIT_CASE(sysctl_defaults),
	KUNIT_CASE(sysctl_start),
	KUNIT_CASE(sysctl_table),
	KUNIT_CASE(sysctl_choice),
	{}
};

static struct kunit_suite sysctl_suite = {
	.name = "tquic-sysctl",
	.init = sysctl_test_init,
	.exit = sysctl_test_exit,
	.test_cases = sysctl_cases,
};

kunit_test_suites(&sysctl_suite);
