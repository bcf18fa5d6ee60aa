// SPDX-License-Identifier: GPL-2.0
/* How often something may happen: a bucket that refills at a steady rate */
#include <linux/minmax.h>
#include "core/bucket.h"

/**
 * tquic_bucket_take() - may it happen once more?
 * @b: bucket
 * @interval_ns: time in which one unit comes in
 * @burst: units the bucket holds
 * @now: time in ns
 *
 * Return: true when a unit was there and is taken.
 */
bool tquic_bucket_take(struct tquic_bucket *b, u64 interval_ns, u32 burst, u64 now)
{
	u64 full_ns = max(b->full_ns, now) + interval_ns;

	if (full_ns - now > interval_ns * burst)
		return false;
	b->full_ns = full_ns;
	return true;
}
