// SPDX-License-Identifier: GPL-2.0
/* KUnit suite of the flow-control credit. */
#include <kunit/test.h>
#include <linux/limits.h>

#include "core/flow.h"
#include "core/proto.h"

#define RTT_NS	(50 * 1000 * 1000ULL)

static void flow_rx_refuses_excess(struct kunit *test)
{
	struct tquic_flow_rx f;

	tquic_flow_rx_init(&f, 1000, 8000, 0);
	KUNIT_EXPECT_EQ(test, f.max, 1000);
	KUNIT_EXPECT_EQ(test, tquic_flow_rx_received(&f, 999), 0);
	KUNIT_EXPECT_EQ(test, tquic_flow_rx_received(&f, 2), TQUIC_ERR_FLOW_CONTROL);
	KUNIT_EXPECT_EQ(test, f.highest, 999);
	KUNIT_EXPECT_EQ(test, tquic_flow_rx_received(&f, U64_MAX), TQUIC_ERR_FLOW_CONTROL);
	KUNIT_EXPECT_EQ(test, tquic_flow_rx_received(&f, 1), 0);
	KUNIT_EXPECT_EQ(test, tquic_flow_rx_received(&f, 0), 0);
	KUNIT_EXPECT_EQ(test, tquic_flow_rx_received(&f, 1), TQUIC_ERR_FLOW_CONTROL);
}

static void flow_rx_grants_at_half_window(struct kunit *test)
{
	struct tquic_flow_rx f;

	tquic_flow_rx_init(&f, 1000, 1000, 0);
	KUNIT_EXPECT_FALSE(test, tquic_flow_rx_consumed(&f, 499, 1, RTT_NS));
	KUNIT_EXPECT_EQ(test, f.max, 1000);
	KUNIT_EXPECT_TRUE(test, tquic_flow_rx_consumed(&f, 1, 2, RTT_NS));
	KUNIT_EXPECT_EQ(test, f.max, 1500);
	KUNIT_EXPECT_EQ(test, f.window, 1000);
	KUNIT_EXPECT_FALSE(test, tquic_flow_rx_consumed(&f, 499, 3, RTT_NS));
	KUNIT_EXPECT_TRUE(test, tquic_flow_rx_consumed(&f, 401, 4, RTT_NS));
	KUNIT_EXPECT_EQ(test, f.max, 2400);
}

static void flow_rx_window_follows_speed(struct kunit *test)
{
	struct tquic_flow_rx f;
	u64 now = 0;

	/* Half the window in less than one round trip: too small. */
	tquic_flow_rx_init(&f, 1000, 3000, now);
	now += RTT_NS / 2;
	KUNIT_EXPECT_TRUE(test, tquic_flow_rx_consumed(&f, 500, now, RTT_NS));
	KUNIT_EXPECT_EQ(test, f.window, 2000);
	KUNIT_EXPECT_EQ(test, f.max, 2500);
	/* Half the window in a round trip or more: large enough. */
	now += RTT_NS;
	KUNIT_EXPECT_TRUE(test, tquic_flow_rx_consumed(&f, 1000, now, RTT_NS));
	KUNIT_EXPECT_EQ(test, f.window, 2000);
	/* All of it at once: two round trips count. */
	now += 2 * RTT_NS;
	KUNIT_EXPECT_TRUE(test, tquic_flow_rx_consumed(&f, 2000, now, RTT_NS));
	KUNIT_EXPECT_EQ(test, f.window, 2000);
	now += 2 * RTT_NS - 1;
	KUNIT_EXPECT_TRUE(test, tquic_flow_rx_consumed(&f, 2000, now, RTT_NS));
	KUNIT_EXPECT_EQ(test, f.window, 3000);
	/* The bound holds. */
	KUNIT_EXPECT_TRUE(test, tquic_flow_rx_consumed(&f, 3000, now, RTT_NS));
	KUNIT_EXPECT_EQ(test, f.window, 3000);
	/* Without an RTT nothing is tuned. */
	tquic_flow_rx_init(&f, 1000, 3000, 0);
	KUNIT_EXPECT_TRUE(test, tquic_flow_rx_consumed(&f, 600, 0, 0));
	KUNIT_EXPECT_EQ(test, f.window, 1000);
}

static void flow_rx_cap_never_takes_back(struct kunit *test)
{
	struct tquic_flow_rx f;

	tquic_flow_rx_init(&f, 1000, 1000, 0);
	tquic_flow_rx_set_cap(&f, 100);
	KUNIT_EXPECT_EQ(test, f.window, 100);
	KUNIT_EXPECT_EQ(test, f.max, 1000);
	KUNIT_EXPECT_FALSE(test, tquic_flow_rx_consumed(&f, 900, 1, 0));
	KUNIT_EXPECT_EQ(test, f.max, 1000);
	KUNIT_EXPECT_TRUE(test, tquic_flow_rx_consumed(&f, 50, 1, 0));
	KUNIT_EXPECT_EQ(test, f.max, 1050);
}

static void flow_rx_limit_is_a_varint(struct kunit *test)
{
	struct tquic_flow_rx f;

	tquic_flow_rx_init(&f, TQUIC_VARINT_MAX, TQUIC_VARINT_MAX, 0);
	KUNIT_EXPECT_EQ(test, f.max, TQUIC_VARINT_MAX);
	KUNIT_EXPECT_FALSE(test, tquic_flow_rx_consumed(&f, TQUIC_VARINT_MAX, 1, RTT_NS));
	KUNIT_EXPECT_EQ(test, f.max, TQUIC_VARINT_MAX);
}

static void flow_tx_reports_once_per_limit(struct kunit *test)
{
	struct tquic_flow_tx f;

	tquic_flow_tx_init(&f, 100);
	KUNIT_EXPECT_FALSE(test, tquic_flow_tx_report(&f));
	tquic_flow_tx_use(&f, 60);
	KUNIT_EXPECT_EQ(test, tquic_flow_tx_credit(&f), 40);
	KUNIT_EXPECT_FALSE(test, tquic_flow_tx_report(&f));
	tquic_flow_tx_use(&f, 40);
	KUNIT_EXPECT_EQ(test, tquic_flow_tx_credit(&f), 0);
	KUNIT_EXPECT_TRUE(test, tquic_flow_tx_report(&f));
	KUNIT_EXPECT_FALSE(test, tquic_flow_tx_report(&f));
	tquic_flow_tx_report_lost(&f, 99);
	KUNIT_EXPECT_FALSE(test, tquic_flow_tx_report(&f));
	tquic_flow_tx_report_lost(&f, 100);
	KUNIT_EXPECT_TRUE(test, tquic_flow_tx_report(&f));
	KUNIT_EXPECT_FALSE(test, tquic_flow_tx_raise(&f, 100));
	KUNIT_EXPECT_FALSE(test, tquic_flow_tx_raise(&f, 5));
	KUNIT_EXPECT_TRUE(test, tquic_flow_tx_raise(&f, 101));
	KUNIT_EXPECT_EQ(test, tquic_flow_tx_credit(&f), 1);
	KUNIT_EXPECT_FALSE(test, tquic_flow_tx_report(&f));
	tquic_flow_tx_use(&f, 1);
	KUNIT_EXPECT_TRUE(test, tquic_flow_tx_report(&f));
}

static struct kunit_case flow_cases[] = {
	KUNIT_CASE(flow_rx_refuses_excess),
	KUNIT_CASE(flow_rx_grants_at_half_window),
	KUNIT_CASE(flow_rx_window_follows_speed),
	KUNIT_CASE(flow_rx_cap_never_takes_back),
	KUNIT_CASE(flow_rx_limit_is_a_varint),
	KUNIT_CASE(flow_tx_reports_once_per_limit),
	{ }
};

static struct kunit_suite flow_suite = {
	.name = "tquic_flow",
	.test_cases = flow_cases,
};

kunit_test_suites(&flow_suite);
