/* SPDX-License-Identifier: GPL-2.0 */
/* Control frames, and what becomes of every frame once its packet is acked or lost */
#ifndef TQUIC_CORE_CTRL_H
#define TQUIC_CORE_CTRL_H

#include <linux/types.h>

struct tquic_build;
struct tquic_conn;
struct tquic_rec;

bool tquic_ctrl_pending(const struct tquic_conn *conn);
void tquic_ctrl_build_early(struct tquic_conn *conn, struct tquic_build *bld);
void tquic_ctrl_build(struct tquic_conn *conn, struct tquic_build *bld);
void tquic_ctrl_on_lost(struct tquic_conn *conn, struct tquic_rec *list);
void tquic_ctrl_on_acked(struct tquic_conn *conn, struct tquic_rec *list, u64 now);

#endif /* TQUIC_CORE_CTRL_H */
