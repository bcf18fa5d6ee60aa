/* SPDX-License-Identifier: GPL-2.0 */
/* How often something may happen: a bucket that refills at a steady rate */
#ifndef TQUIC_CORE_BUCKET_H
#define TQUIC_CORE_BUCKET_H

#include <linux/types.h>

/**
 * struct tquic_bucket - a rate limit
 * @full_ns: when the bucket will be full again
 *
 * A zeroed one is full. The owner serialises all use.
 */
struct tquic_bucket {
	u64 full_ns;
};

bool tquic_bucket_take(struct tquic_bucket *b, u64 interval_ns, u32 burst, u64 now);

#endif /* TQUIC_CORE_BUCKET_H */
