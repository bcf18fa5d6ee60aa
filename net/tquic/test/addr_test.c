// SPDX-License-Identifier: GPL-2.0
/* Addresses: normal form, comparison, hostile lengths. */
#include <kunit/test.h>
#include "tquic_addr.h"

static const struct in6_addr addr_test_global = {
	.s6_addr = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 }
};

static const struct in6_addr addr_test_link = { .s6_addr = { 0xfe, 0x80, [15] = 2 } };

static const struct in6_addr addr_test_mapped = {
	.s6_addr = { [10] = 0xff, [11] = 0xff, [12] = 192, [13] = 0, [14] = 2, [15] = 7 }
};

static void addr_test_from_v4(struct kunit *test)
{
	struct sockaddr_in in = {
		.sin_family = AF_INET,
		.sin_port = htons(443),
		.sin_addr.s_addr = htonl(0xc0000207),
		.__pad = { 1, 2, 3 },
	};
	struct tquic_addr a, b;

	KUNIT_ASSERT_EQ(test, tquic_addr_from_sa(&a, &in, sizeof(in)), 0);
	KUNIT_EXPECT_EQ(test, tquic_addr_family(&a), AF_INET);
	KUNIT_EXPECT_EQ(test, ntohs(tquic_addr_port(&a)), 443);
	KUNIT_EXPECT_EQ(test, a.v4.sin_addr.s_addr, htonl(0xc0000207));
	KUNIT_EXPECT_EQ(test, tquic_addr_len(&a), (int)sizeof(struct sockaddr_in));
	tquic_addr_set_v4(&b, htonl(0xc0000207), htons(443));
	KUNIT_EXPECT_MEMEQ(test, &a, &b, sizeof(a));
}

static void addr_test_from_v6(struct kunit *test)
{
	struct sockaddr_in6 in = {
		.sin6_family = AF_INET6,
		.sin6_port = htons(4433),
		.sin6_addr = addr_test_global,
		.sin6_flowinfo = htonl(0x12345),
		.sin6_scope_id = 3,
	};
	struct tquic_addr a;

	KUNIT_ASSERT_EQ(test, tquic_addr_from_sa(&a, &in, sizeof(in)), 0);
	KUNIT_EXPECT_EQ(test, tquic_addr_family(&a), AF_INET6);
	KUNIT_EXPECT_EQ(test, ntohs(tquic_addr_port(&a)), 4433);
	KUNIT_EXPECT_MEMEQ(test, &a.v6.sin6_addr, &addr_test_global, sizeof(struct in6_addr));
	KUNIT_EXPECT_EQ(test, tquic_addr_len(&a), (int)sizeof(struct sockaddr_in6));
	/* no scope where none is needed, and no flow label */
	KUNIT_EXPECT_EQ(test, a.v6.sin6_scope_id, 0U);
	KUNIT_EXPECT_EQ(test, a.v6.sin6_flowinfo, htonl(0));

	in.sin6_addr = addr_test_link;
	KUNIT_ASSERT_EQ(test, tquic_addr_from_sa(&a, &in, sizeof(in)), 0);
	KUNIT_EXPECT_EQ(test, a.v6.sin6_scope_id, 3U);
	/* the old form ends before the scope */
	KUNIT_ASSERT_EQ(test, tquic_addr_from_sa(&a, &in, SIN6_LEN_RFC2133), 0);
	KUNIT_EXPECT_EQ(test, a.v6.sin6_scope_id, 0U);
}

static void addr_test_mapped_is_v4(struct kunit *test)
{
	struct sockaddr_in6 in = {
		.sin6_family = AF_INET6,
		.sin6_port = htons(80),
		.sin6_addr = addr_test_mapped,
	};
	struct tquic_addr a, b;

	KUNIT_ASSERT_EQ(test, tquic_addr_from_sa(&a, &in, sizeof(in)), 0);
	KUNIT_EXPECT_EQ(test, tquic_addr_family(&a), AF_INET);
	tquic_addr_set_v4(&b, htonl(0xc0000207), htons(80));
	KUNIT_EXPECT_TRUE(test, tquic_addr_equal(&a, &b));

	/* the wildcard is not v4-mapped */
	in.sin6_addr = in6addr_any;
	KUNIT_ASSERT_EQ(test, tquic_addr_from_sa(&a, &in, sizeof(in)), 0);
	KUNIT_EXPECT_EQ(test, tquic_addr_family(&a), AF_INET6);
	KUNIT_EXPECT_TRUE(test, tquic_addr_is_any(&a));
}

static void addr_test_bad_input(struct kunit *test)
{
	struct sockaddr_in6 in = { .sin6_family = AF_INET6 };
	struct sockaddr_in in4 = { .sin_family = AF_INET };
	struct tquic_addr a;

	KUNIT_EXPECT_EQ(test, tquic_addr_from_sa(&a, &in, -1), -EINVAL);
	KUNIT_EXPECT_EQ(test, tquic_addr_from_sa(&a, &in, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, tquic_addr_from_sa(&a, &in, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, tquic_addr_from_sa(&a, &in, 2), -EINVAL);
	KUNIT_EXPECT_EQ(test, tquic_addr_from_sa(&a, &in, SIN6_LEN_RFC2133 - 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, tquic_addr_from_sa(&a, &in4, sizeof(in4) - 1), -EINVAL);
	in4.sin_family = AF_UNIX;
	KUNIT_EXPECT_EQ(test, tquic_addr_from_sa(&a, &in4, sizeof(in4)), -EAFNOSUPPORT);
	in4.sin_family = AF_UNSPEC;
	KUNIT_EXPECT_EQ(test, tquic_addr_from_sa(&a, &in4, sizeof(in4)), -EAFNOSUPPORT);
}

static void addr_test_equal(struct kunit *test)
{
	struct tquic_addr a, b;

	tquic_addr_set_v6(&a, &addr_test_global, htons(1), 0);
	tquic_addr_set_v6(&b, &addr_test_global, htons(1), 5);
	KUNIT_EXPECT_TRUE(test, tquic_addr_equal(&a, &b));
	tquic_addr_set_port(&b, htons(2));
	KUNIT_EXPECT_FALSE(test, tquic_addr_equal(&a, &b));
	KUNIT_EXPECT_TRUE(test, tquic_addr_equal_ip(&a, &b));

	tquic_addr_set_v6(&a, &addr_test_link, htons(1), 4);
	tquic_addr_set_v6(&b, &addr_test_link, htons(1), 5);
	KUNIT_EXPECT_FALSE(test, tquic_addr_equal(&a, &b));

	tquic_addr_set_v4(&a, htonl(1), htons(1));
	tquic_addr_set_v4(&b, htonl(2), htons(1));
	KUNIT_EXPECT_FALSE(test, tquic_addr_equal(&a, &b));
	tquic_addr_set_v6(&b, &addr_test_link, htons(1), 0);
	KUNIT_EXPECT_FALSE(test, tquic_addr_equal(&a, &b));
	tquic_addr_set_port(&a, htons(9));
	KUNIT_EXPECT_EQ(test, ntohs(a.v4.sin_port), 9);
}

static void addr_test_kinds(struct kunit *test)
{
	static const struct in6_addr mcast = { .s6_addr = { 0xff, 0x02, [15] = 1 } };
	struct tquic_addr a;

	memset(&a, 0, sizeof(a));
	KUNIT_EXPECT_TRUE(test, tquic_addr_is_any(&a));
	tquic_addr_set_v4(&a, htonl(INADDR_ANY), htons(1));
	KUNIT_EXPECT_TRUE(test, tquic_addr_is_any(&a));
	tquic_addr_set_v4(&a, htonl(INADDR_LOOPBACK), 0);
	KUNIT_EXPECT_FALSE(test, tquic_addr_is_any(&a));
	KUNIT_EXPECT_TRUE(test, tquic_addr_is_loopback(&a));
	KUNIT_EXPECT_FALSE(test, tquic_addr_is_multicast(&a));
	tquic_addr_set_v4(&a, htonl(INADDR_BROADCAST), 0);
	KUNIT_EXPECT_TRUE(test, tquic_addr_is_multicast(&a));
	tquic_addr_set_v4(&a, htonl(0xe0000001), 0);
	KUNIT_EXPECT_TRUE(test, tquic_addr_is_multicast(&a));
	KUNIT_EXPECT_FALSE(test, tquic_addr_is_loopback(&a));
	tquic_addr_set_v6(&a, &mcast, 0, 1);
	KUNIT_EXPECT_TRUE(test, tquic_addr_is_multicast(&a));
	KUNIT_EXPECT_EQ(test, a.v6.sin6_scope_id, 1U);
	tquic_addr_set_v6(&a, &in6addr_loopback, 0, 1);
	KUNIT_EXPECT_TRUE(test, tquic_addr_is_loopback(&a));
	KUNIT_EXPECT_FALSE(test, tquic_addr_is_any(&a));
	KUNIT_EXPECT_FALSE(test, tquic_addr_is_multicast(&a));
}

static struct kunit_case addr_test_cases[] = {
	KUNIT_CASE(addr_test_from_v4),
	KUNIT_CASE(addr_test_from_v6),
	KUNIT_CASE(addr_test_mapped_is_v4),
	KUNIT_CASE(addr_test_bad_input),
	KUNIT_CASE(addr_test_equal),
	KUNIT_CASE(addr_test_kinds),
	{}
};

static struct kunit_suite addr_test_suite = {
	.name = "tquic-addr",
	.test_cases = addr_test_cases,
};

kunit_test_suites(&addr_test_suite);
