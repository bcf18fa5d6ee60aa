// SPDX-License-Identifier: GPL-2.0
/* Refused by the verifier: writes behind the area it asked for */
#include "tquic_sched.bpf.h"

SEC("struct_ops/area_get_path")
__s32 BPF_PROG(area_get_path, struct tquic_conn *conn, __u64 now)
{
	__u64 *area = bpf_tquic_sched_area(conn, 8);

	if (area)
		area[1] = now;
	return 0;
}

SEC(".struct_ops")
struct tquic_sched_ops area = {
	.name = "bpf_area",
	.get_path = (void *)area_get_path,
};

char _license[] SEC("license") = "GPL";
