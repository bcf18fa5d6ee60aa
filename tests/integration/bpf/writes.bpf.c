// SPDX-License-Identifier: GPL-2.0
/* Refused by the verifier: writes into the connection */
#include "tquic_sched.bpf.h"

SEC("struct_ops/writes_get_path")
__s32 BPF_PROG(writes_get_path, struct tquic_conn *conn, __u64 now)
{
	*(volatile __u64 *)conn = now;
	return 0;
}

SEC(".struct_ops")
struct tquic_sched_ops writes = {
	.name = "bpf_writes",
	.get_path = (void *)writes_get_path,
};

char _license[] SEC("license") = "GPL";
