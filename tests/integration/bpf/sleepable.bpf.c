// SPDX-License-Identifier: GPL-2.0
/* Refused by the verifier: it might sleep, where nothing may */
#include "tquic_sched.bpf.h"

SEC("struct_ops.s/sleepable_get_path")
__s32 BPF_PROG(sleepable_get_path, struct tquic_conn *conn, __u64 now)
{
	return TQUIC_WAIT;
}

SEC(".struct_ops")
struct tquic_sched_ops sleepable = {
	.name = "bpf_sleepable",
	.get_path = (void *)sleepable_get_path,
};

char _license[] SEC("license") = "GPL";
