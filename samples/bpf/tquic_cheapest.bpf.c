// SPDX-License-Identifier: GPL-2.0
/*
 * Cheapest link first: the operator's weights say which path is preferred, whatever
 * its round trip time; a path of less weight is used when all others are full.
 */
#include "tquic_sched.bpf.h"

SEC("struct_ops/cheapest_get_path")
__s32 BPF_PROG(cheapest_get_path, struct tquic_conn *conn, __u64 now)
{
	struct bpf_iter_tquic_path it;
	struct tquic_path *path;
	__u32 weight, most = 0;
	__s32 best = TQUIC_WAIT;
	__u64 wait_ns = 0;

	bpf_iter_tquic_path_new(&it, conn);
	while ((path = bpf_iter_tquic_path_next(&it))) {
		weight = bpf_tquic_path_weight(path);
		if (!bpf_tquic_path_room_bytes(path) || (best != TQUIC_WAIT && weight <= most))
			continue;
		most = weight;
		best = bpf_tquic_path_slot(path);
		wait_ns = bpf_tquic_path_wait_ns(path, now);
	}
	bpf_iter_tquic_path_destroy(&it);
	/* Its pacer has it wait: that is shorter than the way around. */
	return wait_ns ? TQUIC_WAIT : best;
}

SEC(".struct_ops")
struct tquic_sched_ops cheapest = {
	.name = "bpf_cheapest",
	.get_path = (void *)cheapest_get_path,
};

char _license[] SEC("license") = "GPL";
