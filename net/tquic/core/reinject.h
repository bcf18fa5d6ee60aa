/* SPDX-License-Identifier: GPL-2.0 */
/* Reinjection: what a slow path still has under way goes again on an idle faster one */
#ifndef TQUIC_CORE_REINJECT_H
#define TQUIC_CORE_REINJECT_H

#include <linux/types.h>

struct tquic_conn;
struct tquic_path;

#define TQUIC_REINJECT_PERCENT		10	/* unless told otherwise */

/* Besides the operator's share of what was sent; short objects need it */
#define TQUIC_REINJECT_BURST_BYTES	(256 * 1024)

struct tquic_path *tquic_reinject(struct tquic_conn *conn, u64 now);
void tquic_reinject_overdue(struct tquic_conn *conn, struct tquic_path *path, u64 now);
void tquic_reinject_stalled(struct tquic_conn *conn, struct tquic_path *fast, u64 now);

#endif /* TQUIC_CORE_REINJECT_H */
