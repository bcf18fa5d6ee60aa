// SPDX-License-Identifier: GPL-2.0
/* Loaded, and of no use: has every connection wait, or names paths there are none of */
#include "tquic_sched.bpf.h"

SEC("struct_ops/stuck_get_path")
__s32 BPF_PROG(stuck_get_path, struct tquic_conn *conn, __u64 now)
{
	__u64 *asked = bpf_tquic_sched_area(conn, 64);

	/* More than there is. */
	if (!asked || bpf_tquic_sched_area(conn, 65))
		return 0;
	switch (asked[7]++ & 3) {
	case 0:
		return 16;
	case 1:
		return 0x7fffffff;
	case 2:
		return 5;
	default:
		return TQUIC_WAIT;
	}
}

SEC(".struct_ops")
struct tquic_sched_ops stuck = {
	.name = "bpf_stuck",
	.get_path = (void *)stuck_get_path,
};

char _license[] SEC("license") = "GPL";
