/* SPDX-License-Identifier: GPL-2.0 */
/* Datagrams to send (RFC 9221): the one due first goes first */
#ifndef TQUIC_CORE_DGRAM_H
#define TQUIC_CORE_DGRAM_H

#include <linux/types.h>

struct sk_buff;
struct tquic_build;
struct tquic_conn;

u64 tquic_dgram_peer_bytes(const struct tquic_conn *conn);
void tquic_dgram_queue(struct tquic_conn *conn, struct sk_buff *skb, u64 deadline_ns,
		       bool drop);
u64 tquic_dgram_last_due_ns(const struct tquic_conn *conn);
void tquic_dgram_build(struct tquic_conn *conn, struct tquic_build *bld, u32 max_bytes,
		       u32 fits_bytes, u64 floor_ns);

#endif /* TQUIC_CORE_DGRAM_H */
