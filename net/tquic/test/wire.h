/* SPDX-License-Identifier: GPL-2.0 */
/* Helpers of the wire suites: hex strings, buffers of exactly the size in use. */
#ifndef TQUIC_TEST_WIRE_H
#define TQUIC_TEST_WIRE_H

#include <kunit/test.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "core/varint.h"

static inline u8 wire_nibble(char c)
{
	return c <= '9' ? c - '0' : c - 'a' + 10;
}

/* Bytes of a lower-case hex string, in a heap buffer without slack. */
static inline struct tquic_rbuf wire_hex(struct kunit *test, const char *hex)
{
	size_t i, n = strlen(hex) / 2;
	u8 *p = kunit_kmalloc(test, n, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, p);
	for (i = 0; i < n; i++)
		p[i] = wire_nibble(hex[2 * i]) << 4 | wire_nibble(hex[2 * i + 1]);
	return (struct tquic_rbuf){ .p = p, .end = p + n };
}

/* A copy of the first @n bytes of @src, without slack; kfree() its p. */
static inline struct tquic_rbuf wire_copy(struct kunit *test, const u8 *src,
					  size_t n)
{
	u8 *p = kmalloc(n, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, p);
	if (n)
		memcpy(p, src, n);
	return (struct tquic_rbuf){ .p = p, .end = p + n };
}

static inline struct tquic_cid wire_cid(const void *id, u8 len)
{
	struct tquic_cid cid = { .len = len };

	memcpy(cid.id, id, len);
	return cid;
}

#endif /* TQUIC_TEST_WIRE_H */
