/* SPDX-License-Identifier: GPL-2.0 */
/* Deadlines: until when what a program sends has to be at the peer */
#ifndef TQUIC_CORE_DEADLINE_H
#define TQUIC_CORE_DEADLINE_H

#include <linux/limits.h>
#include <linux/types.h>

struct tquic_conn;
struct tquic_path;
struct tquic_stream;

/* It may take any time: due after all that has a deadline */
#define TQUIC_DEADLINE_NONE	U64_MAX

u64 tquic_deadline_arrival_ns(const struct tquic_path *path, u64 now);
bool tquic_deadline_missed(struct tquic_conn *conn, u64 deadline_ns, u64 now);
bool tquic_deadline_reset(struct tquic_conn *conn, struct tquic_stream *s, u64 now);

#endif /* TQUIC_CORE_DEADLINE_H */
