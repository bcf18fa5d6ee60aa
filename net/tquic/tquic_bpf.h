/* SPDX-License-Identifier: GPL-2.0 */
/* Schedulers in BPF: what such a program implements and what it may call */
#ifndef TQUIC_BPF_H
#define TQUIC_BPF_H

#include <linux/kconfig.h>
#include <linux/types.h>
#include "core/catalog.h"

struct tquic_conn;
struct tquic_path;

/* What bpf_tquic_sched_area() gives at most */
#define TQUIC_BPF_AREA_BYTES	64

/**
 * struct tquic_sched_ops - a scheduler in BPF (struct_ops)
 * @name: what users ask for
 * @copies: it calls bpf_tquic_copy(); the other paths then carry what they owe
 *	before anything new, and nothing is reinjected
 * @get_path: number of the path for the next packet, from bpf_tquic_path_slot();
 *	negative: wait. It is asked before every packet, and for packets that turn
 *	out to carry something else, so a question is no packet sent.
 *
 * A path that cannot send counts as "wait", and waiting while nothing is under way
 * as "do as minrtt does": a program cannot stop a connection.
 */
struct tquic_sched_ops {
	char name[TQUIC_NAME_LEN];
	u32 copies;
	s32 (*get_path)(struct tquic_conn *conn, u64 now);
};

/* Walks the paths that may be chosen: backups are none while another path works */
struct bpf_iter_tquic_path {
	u64 opaque[2];
} __aligned(8);

int bpf_iter_tquic_path_new(struct bpf_iter_tquic_path *it, struct tquic_conn *conn);
struct tquic_path *bpf_iter_tquic_path_next(struct bpf_iter_tquic_path *it);
void bpf_iter_tquic_path_destroy(struct bpf_iter_tquic_path *it);

s32 bpf_tquic_path_slot(struct tquic_path *path);
u32 bpf_tquic_path_id(struct tquic_path *path);
u32 bpf_tquic_path_weight(struct tquic_path *path);
u64 bpf_tquic_path_srtt_ns(struct tquic_path *path);
u64 bpf_tquic_path_room_bytes(struct tquic_path *path);
u64 bpf_tquic_path_wait_ns(struct tquic_path *path, u64 now);
u64 bpf_tquic_unsent_bytes(struct tquic_conn *conn);
void bpf_tquic_copy(struct tquic_conn *conn);
u64 *bpf_tquic_sched_area(struct tquic_conn *conn, u32 rdwr_buf_size);

#if IS_ENABLED(CONFIG_TQUIC_BPF)
int tquic_bpf_init(void);
#else
static inline int tquic_bpf_init(void)
{
	return 0;
}
#endif

#endif /* TQUIC_BPF_H */
