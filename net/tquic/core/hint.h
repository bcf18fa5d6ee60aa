/* SPDX-License-Identifier: GPL-2.0 */
/* Hints: what a faster path says of the packets of a slower one */
#ifndef TQUIC_CORE_HINT_H
#define TQUIC_CORE_HINT_H

#include <linux/types.h>

#include "core/path.h"

struct tquic_conn;
struct tquic_frame;

/* Is the word of @fast about @slow there so much sooner than the word of @slow itself? */
static inline bool tquic_hint_is_faster(const struct tquic_path *fast,
					const struct tquic_path *slow)
{
	return 2 * fast->rtt.srtt_ns < slow->rtt.srtt_ns;
}

bool tquic_hint_is_one(const struct tquic_path *on, const struct tquic_path *path, u64 now);
int tquic_hint_on_ack(struct tquic_conn *conn, struct tquic_path *path,
		      const struct tquic_frame *f, u64 now);

#endif /* TQUIC_CORE_HINT_H */
