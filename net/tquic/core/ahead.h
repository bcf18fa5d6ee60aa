/* SPDX-License-Identifier: GPL-2.0 */
/* Working ahead: slow paths carry later bytes, so that all arrive in their order */
#ifndef TQUIC_CORE_AHEAD_H
#define TQUIC_CORE_AHEAD_H

#include <linux/types.h>

struct tquic_conn;
struct tquic_path;
struct tquic_stream;

u64 tquic_ahead_bytes(const struct tquic_conn *conn, const struct tquic_path *path);
void tquic_ahead_skip(struct tquic_conn *conn, struct tquic_stream *s, u64 ahead_bytes,
		      u32 mtu_bytes);

#endif /* TQUIC_CORE_AHEAD_H */
