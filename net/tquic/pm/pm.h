/* SPDX-License-Identifier: GPL-2.0 */
/* What the kernel path manager wants: which endpoints get paths, and where to */
#ifndef TQUIC_PM_PM_H
#define TQUIC_PM_PM_H

#include <linux/bitmap.h>
#include <linux/types.h>

#include "core/path.h"

#define TQUIC_PM_ID_MAX			255
#define TQUIC_PM_EXTRA_PATHS_MAX	(TQUIC_PATHS_MAX - 1)
#define TQUIC_PM_EXTRA_PATHS		4	/* unless set */
#define TQUIC_PM_ENDPOINTS		8	/* unless set */

/* Peer addresses of a connection: one for each path, and the program's first */
#define TQUIC_PM_PEERS_MAX		(TQUIC_PATHS_MAX + 1)

/**
 * struct tquic_pm_limits - what the administrator allows
 * @extra_paths: paths the path manager opens per connection
 * @endpoints: endpoints of the namespace
 */
struct tquic_pm_limits {
	u32 extra_paths;
	u32 endpoints;
};

/**
 * struct tquic_pm_ids - the endpoint ids of a namespace
 * @used: bit per id
 * @count: bits set
 */
struct tquic_pm_ids {
	DECLARE_BITMAP(used, TQUIC_PM_ID_MAX + 1);
	u32 count;
};

/**
 * struct tquic_pm_endpoint - an endpoint as far as decisions go
 * @key: names it; never used again, unlike @id
 * @flags: TQUIC_ENDPOINT_FLAG_*
 * @id: the administrator's name for it, 1 to 255
 * @v6: family of its address
 */
struct tquic_pm_endpoint {
	u32 key;
	u32 flags;
	u8 id;
	bool v6;
};

/**
 * struct tquic_pm_leg - an open path of a connection
 * @key: endpoint whose address it starts from, 0: none
 * @peer: index of the address it goes to
 * @ours: the path manager opened it
 */
struct tquic_pm_leg {
	u32 key;
	u8 peer;
	bool ours;
};

/**
 * struct tquic_pm_view - a connection as far as decisions go
 * @legs: entries of @leg
 * @peers: entries of @peer_v6; the first is where the program connected to
 * @leg: open paths
 * @peer_v6: families of the peer's known addresses
 */
struct tquic_pm_view {
	u8 legs;
	u8 peers;
	struct tquic_pm_leg leg[TQUIC_PATHS_MAX];
	bool peer_v6[TQUIC_PM_PEERS_MAX];
};

/**
 * struct tquic_pm_wish - how an endpoint's last path was to be used
 * @key: of the endpoint, 0: of none
 * @flags: TQUIC_PATH_*
 * @weight: as in struct tquic_path
 * @rate_cap: as in struct tquic_path
 */
struct tquic_pm_wish {
	u32 key;
	u32 flags;
	u16 weight;
	u64 rate_cap;
};

/**
 * struct tquic_pm_wishes - what is kept of paths for those that take their place
 * @wish: by endpoint
 * @next: entry that the next endpoint takes; the oldest falls out
 */
struct tquic_pm_wishes {
	struct tquic_pm_wish wish[TQUIC_PM_EXTRA_PATHS_MAX];
	u8 next;
};

int tquic_pm_id_get(struct tquic_pm_ids *ids, u32 id, u32 max);
void tquic_pm_id_put(struct tquic_pm_ids *ids, u32 id);
bool tquic_pm_flags_ok(u32 flags);
u32 tquic_pm_path_flags(u32 flags);
int tquic_pm_next_peer(const struct tquic_pm_view *view,
		       const struct tquic_pm_endpoint *ep,
		       const struct tquic_pm_limits *limits, unsigned int first);
const struct tquic_pm_wish *tquic_pm_wish_find(const struct tquic_pm_wishes *wishes, u32 key);
void tquic_pm_wish_keep(struct tquic_pm_wishes *wishes, const struct tquic_pm_wish *wish);
bool tquic_pm_gone_for_good(bool has_address, bool has_device, bool device_up);
u32 tquic_pm_retry_s(u32 last_s);

#endif /* TQUIC_PM_PM_H */
