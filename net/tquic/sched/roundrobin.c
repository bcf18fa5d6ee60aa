// SPDX-License-Identifier: GPL-2.0
/* Round robin: packet by packet, whoever has room */
#include <linux/bits.h>
#include <linux/build_bug.h>
#include "core/conn.h"
#include "sched/sched.h"

/**
 * struct tquic_rr - private state
 * @slot: whose turn it is
 * @tx_packets: what that path had sent when its turn came
 */
struct tquic_rr {
	u64 slot;
	u64 tx_packets;
};

/*
 * The turn ends with a packet sent, not with the question which path is next.
 * A path without room, or one that waits for its pacer, misses its turn.
 */
static struct tquic_path *tquic_rr_get_path(struct tquic_conn *conn, u64 now)
{
	struct tquic_rr *rr = (struct tquic_rr *)conn->sched_priv;
	u16 slots = tquic_sched_candidates(conn);
	struct tquic_path *path;
	unsigned int i, slot;

	BUILD_BUG_ON(sizeof(*rr) > sizeof(conn->sched_priv));
	path = tquic_conn_path(conn, rr->slot);
	if (path && path->stats.tx_packets != rr->tx_packets)
		rr->slot = (rr->slot + 1) % TQUIC_PATHS_MAX;
	for (i = 0; i < TQUIC_PATHS_MAX; i++) {
		slot = (rr->slot + i) % TQUIC_PATHS_MAX;
		if (!(slots & BIT(slot)))
			continue;
		path = tquic_conn_path(conn, slot);
		if (!tquic_sched_room(path) || tquic_sched_paced(path, now))
			continue;
		rr->slot = slot;
		rr->tx_packets = path->stats.tx_packets;
		return path;
	}
	return NULL;
}

struct tquic_sched tquic_sched_roundrobin = {
	.entry.name	= "roundrobin",
	.entry.owner	= THIS_MODULE,
	.get_path	= tquic_rr_get_path,
};
