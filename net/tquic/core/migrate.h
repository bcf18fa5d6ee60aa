/* SPDX-License-Identifier: GPL-2.0 */
/* Migration: the peer's address on a path changes (RFC 9000 §9) */
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

#endif /* TQUIC_CORE_MIGRATE_H */
