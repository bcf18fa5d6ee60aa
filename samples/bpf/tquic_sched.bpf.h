/* SPDX-License-Identifier: GPL-2.0 */
/* What a scheduler in BPF needs to know: Documentation/networking/tquic-bonding.rst */
#ifndef TQUIC_SCHED_BPF_H
#define TQUIC_SCHED_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define TQUIC_WAIT	(-1)

/* Their members are the kernel's own: look at them through the functions below. */
struct tquic_conn {};
struct tquic_path {};

struct tquic_sched_ops {
	char name[16];
	__u32 copies;
	__s32 (*get_path)(struct tquic_conn *conn, __u64 now);
};

struct bpf_iter_tquic_path {
	__u64 opaque[2];
} __attribute__((aligned(8)));

int bpf_iter_tquic_path_new(struct bpf_iter_tquic_path *it, struct tquic_conn *conn) __ksym;
struct tquic_path *bpf_iter_tquic_path_next(struct bpf_iter_tquic_path *it) __ksym;
void bpf_iter_tquic_path_destroy(struct bpf_iter_tquic_path *it) __ksym;

__s32 bpf_tquic_path_slot(struct tquic_path *path) __ksym;
__u32 bpf_tquic_path_id(struct tquic_path *path) __ksym;
__u32 bpf_tquic_path_weight(struct tquic_path *path) __ksym;
__u64 bpf_tquic_path_srtt_ns(struct tquic_path *path) __ksym;
__u64 bpf_tquic_path_room_bytes(struct tquic_path *path) __ksym;
__u64 bpf_tquic_path_wait_ns(struct tquic_path *path, __u64 now) __ksym;
__u64 bpf_tquic_unsent_bytes(struct tquic_conn *conn) __ksym;
void bpf_tquic_copy(struct tquic_conn *conn) __ksym;
__u64 *bpf_tquic_sched_area(struct tquic_conn *conn, __u32 rdwr_buf_size) __ksym;

#endif /* TQUIC_SCHED_BPF_H */
