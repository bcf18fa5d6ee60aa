// SPDX-License-Identifier: GPL-2.0
/*
 * Low latency by duplicates: when what waits is little, a command or a message, it
 * goes on all paths, so that neither loss nor a slow link delays it. Bulk data goes
 * once, and what looks like messages all the time does so when the budget is spent.
 */
#include "tquic_sched.bpf.h"

#define MESSAGE_BYTES	16384
#define BUDGET_PACKETS	64
#define BUDGET_NS	100000000ULL

/* What bpf_tquic_sched_area() holds: packets copied since a time */
struct budget {
	__u64 since_ns;
	__u64 packets;
};

static int worth_a_copy(struct tquic_conn *conn, __u64 now)
{
	struct budget *b = (void *)bpf_tquic_sched_area(conn, sizeof(*b));

	if (!b || bpf_tquic_unsent_bytes(conn) > MESSAGE_BYTES)
		return 0;
	if (now - b->since_ns > BUDGET_NS) {
		b->since_ns = now;
		b->packets = 0;
	}
	return b->packets++ < BUDGET_PACKETS;
}

SEC("struct_ops/duplicate_get_path")
__s32 BPF_PROG(duplicate_get_path, struct tquic_conn *conn, __u64 now)
{
	struct bpf_iter_tquic_path it;
	__u64 srtt_ns, least_ns = 0;
	struct tquic_path *path;
	__s32 best = TQUIC_WAIT;
	__u64 wait_ns = 0;

	bpf_iter_tquic_path_new(&it, conn);
	while ((path = bpf_iter_tquic_path_next(&it))) {
		srtt_ns = bpf_tquic_path_srtt_ns(path);
		if (!bpf_tquic_path_room_bytes(path) || (best != TQUIC_WAIT && srtt_ns >= least_ns))
			continue;
		least_ns = srtt_ns;
		best = bpf_tquic_path_slot(path);
		wait_ns = bpf_tquic_path_wait_ns(path, now);
	}
	bpf_iter_tquic_path_destroy(&it);
	if (wait_ns)
		return TQUIC_WAIT;
	if (worth_a_copy(conn, now))
		bpf_tquic_copy(conn);
	return best;
}

SEC(".struct_ops")
struct tquic_sched_ops duplicate = {
	.name = "bpf_duplicate",
	.copies = 1,
	.get_path = (void *)duplicate_get_path,
};

char _license[] SEC("license") = "GPL";
