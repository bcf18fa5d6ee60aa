// SPDX-License-Identifier: GPL-2.0
/* Packet schedulers by name, and what all of them ask about a path */
#include <linux/array_size.h>
#include <linux/bitops.h>
#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include "core/conn.h"
#include "core/copies.h"
#include "core/path.h"
#include "sched/sched.h"

TQUIC_CATALOG(tquic_sched_catalog);

/**
 * tquic_sched_register() - offer a scheduler by its name
 * @ops: scheduler; must live until tquic_sched_unregister()
 *
 * Return: 0, -EINVAL without a name or a function, -EEXIST when the name is taken.
 */
int tquic_sched_register(struct tquic_sched *ops)
{
	return ops->get_path ? tquic_catalog_add(&tquic_sched_catalog, &ops->entry) : -EINVAL;
}

/**
 * tquic_sched_unregister() - withdraw a scheduler
 * @ops: scheduler; users hold its module, so none are left
 *
 * Context: process, sleeps for a grace period.
 */
void tquic_sched_unregister(struct tquic_sched *ops)
{
	tquic_catalog_del(&tquic_sched_catalog, &ops->entry);
}

/* What every kernel has; other modules may register more */
static struct tquic_entry *const tquic_scheds[] = {
	&tquic_sched_blest.entry,
	&tquic_sched_deadline.entry,
	&tquic_sched_ecf.entry,
	&tquic_sched_minrtt.entry,
	&tquic_sched_redundant.entry,
	&tquic_sched_roundrobin.entry,
	&tquic_sched_weighted.entry,
};

/**
 * tquic_scheds_init() - offer the schedulers of the module
 *
 * Context: process.
 * Return: 0 or -EEXIST.
 */
int tquic_scheds_init(void)
{
	return tquic_catalog_fill(&tquic_sched_catalog, tquic_scheds, ARRAY_SIZE(tquic_scheds));
}

/**
 * tquic_scheds_exit() - withdraw them
 *
 * Context: process, sleeps for grace periods.
 */
void tquic_scheds_exit(void)
{
	tquic_catalog_empty(&tquic_sched_catalog, tquic_scheds, ARRAY_SIZE(tquic_scheds));
}

/**
 * tquic_sched_get() - find a scheduler and hold its module
 * @name: its name
 *
 * Return: the scheduler, to be given back with tquic_sched_put(), or NULL.
 */
const struct tquic_sched *tquic_sched_get(const char *name)
{
	struct tquic_entry *e = tquic_catalog_get(&tquic_sched_catalog, name);

	return e ? container_of(e, struct tquic_sched, entry) : NULL;
}

/**
 * tquic_sched_put() - give a scheduler back
 * @ops: what tquic_sched_get() returned, or NULL
 */
void tquic_sched_put(const struct tquic_sched *ops)
{
	if (ops)
		tquic_catalog_put(&ops->entry);
}

/**
 * tquic_sched_assign() - hand a connection over to a scheduler
 * @conn: connection, at any time of its life
 * @ops: what tquic_sched_get() returned; the reference goes with it
 *
 * The new one finds its memory empty; the old one's module is let go of.
 *
 * Context: connection lock held.
 */
void tquic_sched_assign(struct tquic_conn *conn,
			const struct tquic_sched *ops)
{
	const struct tquic_sched *old = conn->sched;
	struct tquic_path *path;

	tquic_for_each_path(conn, path)
		tquic_copies_drop(path);
	memset(conn->sched_priv, 0, sizeof(conn->sched_priv));
	conn->sched = ops;
	tquic_sched_put(old);
}

/**
 * tquic_sched_usable() - may data be put on a path at all
 * @path: path
 *
 * A suspect path carries probes only: what it swallows would have to be sent
 * again.
 *
 * Return: true for a validated path that is not failing.
 */
bool tquic_sched_usable(const struct tquic_path *path)
{
	return path->state == TQUIC_PATH_ACTIVE;
}

/**
 * tquic_sched_room() - does the congestion window take one more packet
 * @path: path
 *
 * Nor do so many packets wait for their fate that the probes which would tell it, or
 * acknowledgments, would find no place among them.
 */
bool tquic_sched_room(const struct tquic_path *path)
{
	return tquic_cc_can_send(&path->cc) && !tquic_sent_crowded(&path->space.sent);
}

/**
 * tquic_sched_next_ns() - when its pacer lets the path send
 * @path: path
 * @now: time in ns
 *
 * Return: @now, or a later time.
 */
u64 tquic_sched_next_ns(const struct tquic_path *path, u64 now)
{
	return tquic_pacer_next_ns(&path->pacer, now, tquic_path_pacing_rate(path),
				   path->pmtu.bytes);
}

/**
 * tquic_sched_paced() - has the path to wait for its pacer
 * @path: path
 * @now: time in ns
 */
bool tquic_sched_paced(const struct tquic_path *path, u64 now)
{
	return tquic_sched_next_ns(path, now) > now;
}

/**
 * tquic_sched_soon() - may the fast path send before the slow one would be there
 * @fast: path that is full
 * @slow: path that could send now
 * @now: time in ns
 *
 * A window opens within a round trip; a pacer may have a path wait for longer,
 * when its rate has collapsed.
 */
bool tquic_sched_soon(const struct tquic_path *fast, const struct tquic_path *slow, u64 now)
{
	return tquic_sched_next_ns(fast, now) <= now + slow->rtt.srtt_ns;
}

/**
 * tquic_sched_full() - does the path carry what its controller and operator allow
 * @path: path
 * @now: time in ns
 */
bool tquic_sched_full(const struct tquic_path *path, u64 now)
{
	return !tquic_sched_room(path) ||
	       (tquic_path_rated(path) && tquic_sched_paced(path, now));
}

/* Paths in the order in which they are needed */
enum tquic_sched_tier {
	TQUIC_TIER_REGULAR,
	TQUIC_TIER_BACKUP,	/* either side asked to spare it (RFC 10069 §3.3) */
	TQUIC_TIER_METERED,
	TQUIC_TIERS,
};

static enum tquic_sched_tier tquic_sched_tier(const struct tquic_path *path)
{
	if (path->metered)
		return TQUIC_TIER_METERED;
	return path->backup || path->peer_backup ? TQUIC_TIER_BACKUP : TQUIC_TIER_REGULAR;
}

/**
 * tquic_sched_candidates() - paths that may be chosen as far as the sides agreed
 * @conn: connection
 *
 * A path to be spared is one only while fewer than the operator's minimum of others
 * are usable, full or not: first those that are only backups.
 *
 * Return: bit per slot of conn->paths.
 */
u16 tquic_sched_candidates(const struct tquic_conn *conn)
{
	const struct tquic_path *path;
	u16 tier[TQUIC_TIERS] = {};
	unsigned int i;
	u16 slots = 0;

	BUILD_BUG_ON(TQUIC_PATHS_MAX > 16);
	tquic_for_each_path(conn, path) {
		if (tquic_sched_usable(path))
			tier[tquic_sched_tier(path)] |= BIT(path->index);
	}
	for (i = 0; i < TQUIC_TIERS && hweight16(slots) < conn->tune.min_legs; i++)
		slots |= tier[i];
	return slots;
}

/**
 * tquic_sched_fastest() - path with the lowest smoothed RTT
 * @conn: connection
 * @slots: which ones to look at, from tquic_sched_candidates()
 * @room: only those that are not full
 * @now: time in ns
 *
 * Return: the path, or NULL when there is none.
 */
struct tquic_path *tquic_sched_fastest(const struct tquic_conn *conn,
				       u16 slots, bool room, u64 now)
{
	struct tquic_path *best = NULL, *path;

	tquic_for_each_slot(conn, slots, path) {
		if (room && tquic_sched_full(path, now))
			continue;
		if (!best || path->rtt.srtt_ns < best->rtt.srtt_ns)
			best = path;
	}
	return best;
}

/**
 * tquic_sched_unless() - the fastest path with room, unless a faster one is worth waiting for
 * @conn: connection
 * @now: time in ns
 * @wait: is it?  It has no room, but will before what the slow one carries would be there
 *
 * Return: the path, NULL to wait.
 */
struct tquic_path *tquic_sched_unless(struct tquic_conn *conn, u64 now,
				      bool (*wait)(struct tquic_conn *conn,
						   const struct tquic_path *fast,
						   const struct tquic_path *slow, u64 now))
{
	u16 slots = tquic_sched_candidates(conn);
	struct tquic_path *fast = tquic_sched_fastest(conn, slots, false, now);
	struct tquic_path *slow = tquic_sched_fastest(conn, slots, true, now);

	if (!slow || (slow != fast && tquic_sched_soon(fast, slow, now) &&
		      wait(conn, fast, slow, now)))
		return NULL;
	return tquic_sched_paced(slow, now) ? NULL : slow;
}
