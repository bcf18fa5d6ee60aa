/* SPDX-License-Identifier: GPL-2.0 */
/* Working ahead: slow paths carry later bytes, so that all arrive in their order */
#ifndef TQUIC_CORE_AHEAD_H
#define TQUIC_CORE_AHEAD_H

#include <linux/types.h>

struct tquic_conn;
struct tquic_path;
struct tquic_stream;

/**
 * struct tquic_ahead - how a path works ahead
 * @bytes: so many are left out before what it sends
 * @filled: so many of them the faster paths bring until that is there
 */
struct tquic_ahead {
	u64 bytes;
	u64 filled;
};

void tquic_ahead_plan(const struct tquic_conn *conn, const struct tquic_path *path,
		      struct tquic_ahead *a);
u64 tquic_ahead_from(struct tquic_stream *s, const struct tquic_ahead *a, u32 mtu_bytes);
void tquic_ahead_skip(struct tquic_conn *conn, struct tquic_stream *s, u64 ahead_bytes,
		      u32 mtu_bytes);

#endif /* TQUIC_CORE_AHEAD_H */
