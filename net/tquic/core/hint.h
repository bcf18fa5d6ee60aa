/* SPDX-License-Identifier: GPL-2.0 */
/* Hints: what a faster path says of the packets of a slower one */
#ifndef TQUIC_CORE_HINT_H
#define TQUIC_CORE_HINT_H

#include <linux/types.h>

#include "core/path.h"

struct tquic_conn;
struct tquic_frame;

/* A hint is sent where the other path's round trip is at most so many tenths of the slow one's */
#define TQUIC_HINT_TENTHS_SENT	4
/* And taken for one where it is so many, as the other end has measured it */
#define TQUIC_HINT_TENTHS_TAKEN	5

static inline bool tquic_hint_is_faster(const struct tquic_path *fast,
					const struct tquic_path *slow, u32 tenths)
{
	return 10 * fast->rtt.srtt_ns < tenths * slow->rtt.srtt_ns;
}

bool tquic_hint_is_one(const struct tquic_path *on, const struct tquic_path *path, u64 now);
int tquic_hint_on_ack(struct tquic_conn *conn, struct tquic_path *path,
		      const struct tquic_frame *f, u64 now);

#endif /* TQUIC_CORE_HINT_H */
