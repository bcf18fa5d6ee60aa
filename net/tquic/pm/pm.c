// SPDX-License-Identifier: GPL-2.0
/* What the kernel path manager wants: which endpoints get paths, and where to */
#include <linux/array_size.h>
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/tquic_netlink.h>

#include "pm/pm.h"

#define TQUIC_PM_RETRY_MIN_S	1
#define TQUIC_PM_RETRY_MAX_S	64

/**
 * tquic_pm_id_get() - take an id
 * @ids: ids of the namespace
 * @id: the id wanted, at most TQUIC_PM_ID_MAX; 0: the lowest free one
 * @max: how many endpoints there may be
 *
 * Return: the id; -ENOSPC when there are enough; -EEXIST when it is taken.
 */
int tquic_pm_id_get(struct tquic_pm_ids *ids, u32 id, u32 max)
{
	if (ids->count >= min_t(u32, max, TQUIC_PM_ID_MAX))
		return -ENOSPC;
	if (!id)
		id = find_next_zero_bit(ids->used, TQUIC_PM_ID_MAX + 1, 1);
	if (test_bit(id, ids->used))
		return -EEXIST;
	__set_bit(id, ids->used);
	ids->count++;
	return id;
}

/* Give an id back that tquic_pm_id_get() returned */
void tquic_pm_id_put(struct tquic_pm_ids *ids, u32 id)
{
	__clear_bit(id, ids->used);
	ids->count--;
}

/* Paths come from endpoints with "subflow" alone; the others say how */
bool tquic_pm_flags_ok(u32 flags)
{
	return flags & TQUIC_ENDPOINT_FLAG_SUBFLOW;
}

/* TQUIC_PATH_* of a path from an endpoint */
u32 tquic_pm_path_flags(u32 flags)
{
	return (flags & TQUIC_ENDPOINT_FLAG_BACKUP ? TQUIC_PATH_BACKUP : 0) |
	       (flags & TQUIC_ENDPOINT_FLAG_METERED ? TQUIC_PATH_METERED : 0);
}

static bool tquic_pm_has_leg(const struct tquic_pm_view *view, u32 key,
			     unsigned int peer)
{
	unsigned int i;

	for (i = 0; i < view->legs; i++)
		if (view->leg[i].key == key && view->leg[i].peer == peer)
			return true;
	return false;
}

/**
 * tquic_pm_next_peer() - where an endpoint's next path goes to
 * @view: connection
 * @ep: endpoint
 * @limits: what is allowed
 * @first: peer's address to begin with; those before have been tried
 *
 * An endpoint gets one path, to the address the program connected to; with
 * "fullmesh" one to each address of the peer.  A path that starts there
 * already, whoever opened it, is as good.
 *
 * Return: index of the peer's address, or -ENOENT when it needs no path now.
 */
int tquic_pm_next_peer(const struct tquic_pm_view *view,
		       const struct tquic_pm_endpoint *ep,
		       const struct tquic_pm_limits *limits, unsigned int first)
{
	unsigned int i, ours = 0;
	unsigned int peers = ep->flags & TQUIC_ENDPOINT_FLAG_FULLMESH ?
			     view->peers : min_t(unsigned int, view->peers, 1);

	if (!(ep->flags & TQUIC_ENDPOINT_FLAG_SUBFLOW))
		return -ENOENT;
	for (i = 0; i < view->legs; i++)
		ours += view->leg[i].ours;
	if (ours >= limits->extra_paths)
		return -ENOENT;
	for (i = first; i < peers; i++)
		if (view->peer_v6[i] == ep->v6 &&
		    !tquic_pm_has_leg(view, ep->key, i))
			return i;
	return -ENOENT;
}

/**
 * tquic_pm_wish_find() - how an endpoint's last path was to be used
 * @wishes: of a connection; NULL: there are none
 * @key: of the endpoint
 *
 * Return: that, or NULL when it had none.
 */
const struct tquic_pm_wish *tquic_pm_wish_find(const struct tquic_pm_wishes *wishes, u32 key)
{
	u32 i;

	for (i = 0; wishes && i < ARRAY_SIZE(wishes->wish); i++)
		if (wishes->wish[i].key == key)
			return &wishes->wish[i];
	return NULL;
}

/**
 * tquic_pm_wish_keep() - keep it for the endpoint's next path
 * @wishes: of a connection
 * @wish: how a path that ends was to be used
 */
void tquic_pm_wish_keep(struct tquic_pm_wishes *wishes, const struct tquic_pm_wish *wish)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(wishes->wish); i++) {
		if (wishes->wish[i].key == wish->key)
			break;
	}
	if (i == ARRAY_SIZE(wishes->wish)) {
		i = wishes->next;
		wishes->next = (i + 1) % ARRAY_SIZE(wishes->wish);
	}
	wishes->wish[i] = *wish;
}

/**
 * tquic_pm_gone_for_good() - is a path to be given up whose address is missing
 * @has_address: the host has its local address
 * @has_device: the device it left by exists
 * @device_up: and is up
 *
 * While an interface is down it may have lost its addresses (IPv6), and they
 * come back with it: then the path only rests.
 *
 * Return: true to give it up.
 */
bool tquic_pm_gone_for_good(bool has_address, bool has_device, bool device_up)
{
	return !has_address && (device_up || !has_device);
}

/* How long to wait before trying again what failed; 0: for the first time */
u32 tquic_pm_retry_s(u32 last_s)
{
	return clamp_t(u32, 2 * last_s, TQUIC_PM_RETRY_MIN_S,
		       TQUIC_PM_RETRY_MAX_S);
}
