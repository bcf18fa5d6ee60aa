// SPDX-License-Identifier: GPL-2.0
/* Refused when it is registered: the name has no end */
#include "tquic_sched.bpf.h"

SEC("struct_ops/nameless_get_path")
__s32 BPF_PROG(nameless_get_path, struct tquic_conn *conn, __u64 now)
{
	return TQUIC_WAIT;
}

SEC(".struct_ops")
struct tquic_sched_ops nameless = {
	.name = { 'b', 'p', 'f', '_', 'n', 'a', 'm', 'e', 'l', 'e', 's', 's', '_', '_', '_', '_' },
	.get_path = (void *)nameless_get_path,
};

char _license[] SEC("license") = "GPL";
