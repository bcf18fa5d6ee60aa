/* SPDX-License-Identifier: GPL-2.0 */
/* Migration: an address of a path changes, the peer's or our own (RFC 9000 §9) */
#ifndef TQUIC_CORE_MIGRATE_H
#define TQUIC_CORE_MIGRATE_H

#include <linux/types.h>

struct tquic_conn;
struct tquic_path;
struct tquic_rx_pkt;

void tquic_migrate_on_packet(struct tquic_conn *conn, const struct tquic_rx_pkt *pkt,
			     u64 now);
void tquic_migrate_on_probe(struct tquic_conn *conn, const struct tquic_rx_pkt *pkt,
			    const u8 *data);
void tquic_migrate_done(struct tquic_conn *conn, struct tquic_path *path, u64 now);
bool tquic_migrate_failed(struct tquic_conn *conn, struct tquic_path *path, u64 now);
int tquic_migrate_try(struct tquic_conn *conn, struct tquic_path *path, u64 now);
void tquic_migrate_on_answer(struct tquic_conn *conn, struct tquic_path *path, u64 now);
u64 tquic_migrate_deadline_ns(const struct tquic_path *path);
void tquic_migrate_on_timeout(struct tquic_conn *conn, struct tquic_path *path, u64 now);

#endif /* TQUIC_CORE_MIGRATE_H */
