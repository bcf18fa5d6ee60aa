/* SPDX-License-Identifier: GPL-2.0 */
/* 0-RTT: data before the handshake, under what an earlier connection was told */
#ifndef TQUIC_CORE_EARLY_H
#define TQUIC_CORE_EARLY_H

#include <linux/types.h>
#include <linux/tquic.h>

struct tquic_conn;
struct tquic_params;

int tquic_early_remember(struct tquic_conn *conn, const u8 *buf, size_t len);
bool tquic_early_takes_keys(const struct tquic_conn *conn, bool tx);
void tquic_early_begin(struct tquic_conn *conn);
int tquic_early_accept(struct tquic_conn *conn);
int tquic_early_settle(struct tquic_conn *conn, const struct tquic_params *fresh,
		       u64 now);
void tquic_early_over(struct tquic_conn *conn);
void tquic_early_give_up(struct tquic_conn *conn, u64 now);
bool tquic_early_can_send(const struct tquic_conn *conn);
bool tquic_conn_is_open(const struct tquic_conn *conn);

#endif /* TQUIC_CORE_EARLY_H */
