// SPDX-License-Identifier: GPL-2.0
/* Life of a path: ids, validation, failure and return, abandonment (RFC 10069 §3) */
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/random.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <trace/events/tquic.h>
#include "core/conn.h"
#include "core/ctrl.h"
#include "core/loss.h"
#include "core/migrate.h"
#include "core/path.h"
#include "core/reinject.h"
#include "sched/sched.h"

#define TQUIC_PATH_TELLS	2	/* packets more that say that a path has failed */
#define TQUIC_PATH_HEIR_PROBES	2	/* through a full window, of who takes over */
#define TQUIC_PATH_REPEAT_RISK	16	/* a loss in so many hand-overs is worth a repetition */

static struct kmem_cache *tquic_path_cache;
static unsigned int tquic_path_users;

/**
 * tquic_path_cache_init() - create the slab cache of paths
 *
 * The module and each pair of a test call it; the first one creates the cache.
 *
 * Context: module or test setup, one at a time.
 * Return: 0 or -ENOMEM.
 */
int tquic_path_cache_init(void)
{
	if (!tquic_path_users) {
		tquic_path_cache = kmem_cache_create("tquic_path", sizeof(struct tquic_path),
						     0, SLAB_ACCOUNT, NULL);
		if (!tquic_path_cache)
			return -ENOMEM;
	}
	tquic_path_users++;
	return 0;
}

/**
 * tquic_path_cache_exit() - undo one tquic_path_cache_init()
 *
 * The last one destroys the cache, once grace periods are over.
 */
void tquic_path_cache_exit(void)
{
	tquic_path_users--;
	if (tquic_path_users)
		return;
	kmem_cache_destroy(tquic_path_cache);
	tquic_path_cache = NULL;
}

/**
 * tquic_path_create() - make the state of a path id
 * @conn: connection
 * @id: path id, not used before
 * @now: time in ns
 *
 * Return: the path in state UNUSED, or NULL without memory or a free slot.
 */
struct tquic_path *tquic_path_create(struct tquic_conn *conn, u32 id, u64 now)
{
	struct tquic_path *path;
	unsigned int i;

	for (i = 0; i < TQUIC_PATHS_MAX; i++)
		if (!tquic_conn_path(conn, i))
			break;
	if (i == TQUIC_PATHS_MAX)
		return NULL;
	path = kmem_cache_zalloc(tquic_path_cache, GFP_ATOMIC);
	if (!path)
		return NULL;

	path->id = id;
	path->index = i;
	path->state = TQUIC_PATH_UNUSED;
	path->ecn = conn->tune.ecn;
	path->pacing = conn->tune.pacing;
	tquic_pmtu_init(&path->pmtu);
	tquic_space_init(&path->space, TQUIC_LEVEL_APP);
	tquic_phase_init(&path->phase);
	path->space.path_id = id;
	path->space.trace_id = conn->trace_id;
	tquic_rtt_init(&path->rtt, conn->tune.rtt_initial_ns);
	tquic_cc_init(&path->cc, conn->cc_ops, path->pmtu.bytes, now);
	path->space.sent.rated = conn->cc_ops->sampled;
	tquic_pacer_init(&path->pacer);
	tquic_cidset_local_init(&path->local);
	tquic_cidset_local_set_limit(&path->local, conn->peer.active_cid_limit);
	tquic_cidset_remote_init(&path->remote, conn->local.active_cid_limit);

	rcu_assign_pointer(conn->paths[i], path);
	if (id >= conn->next_path_id)
		conn->next_path_id = id + 1;
	return path;
}

/**
 * tquic_path_set_state() - a path enters a state
 * @conn: connection
 * @path: path
 * @state: the new one
 */
void tquic_path_set_state(struct tquic_conn *conn, struct tquic_path *path,
			  enum tquic_path_state state)
{
	u8 from = path->state;

	path->state = state;
	trace_tquic_path_state(conn, path, from);
}

/* No answer to an earlier PATH_CHALLENGE counts any more */
static void tquic_path_forget_challenges(struct tquic_path *path)
{
	kfree(path->challenge);
	path->challenge = NULL;
}

/**
 * tquic_path_destroy() - forget a path, its connection ids and its packets
 * @conn: connection
 * @path: path; freed after a grace period
 */
void tquic_path_destroy(struct tquic_conn *conn, struct tquic_path *path)
{
	unsigned int i;

	rcu_assign_pointer(conn->paths[path->index], NULL);
	for (i = 0; i < path->local.count; i++)
		conn->ops->cid_del(conn, &path->local.e[i].cid);
	conn->ops->path_free(conn, path);
	tquic_cc_part(&path->cc);
	tquic_copies_drop(path);
	tquic_path_forget_challenges(path);
	tquic_space_destroy(&path->space);
	kfree_rcu(path, rcu);
}

/**
 * tquic_path_find() - path with an id
 * @conn: connection
 * @id: path id
 *
 * Return: the path, or NULL when it never was or is gone.
 */
struct tquic_path *tquic_path_find(const struct tquic_conn *conn, u32 id)
{
	struct tquic_path *path;

	tquic_for_each_path(conn, path) {
		if (path->id == id)
			return path;
	}
	return NULL;
}

/**
 * tquic_path_spare() - unused path that can be opened now
 * @conn: connection
 *
 * Both sides must have given out connection ids for it (RFC 10069 §3.1).
 *
 * Return: the one with the lowest id, or NULL.
 */
struct tquic_path *tquic_path_spare(const struct tquic_conn *conn)
{
	struct tquic_path *path, *best = NULL;

	tquic_for_each_path(conn, path) {
		if (path->state != TQUIC_PATH_UNUSED ||
		    path->id > conn->max_path_id_peer ||
		    !path->local.count || !tquic_cidset_remote_spare(&path->remote))
			continue;
		if (!best || path->id < best->id)
			best = path;
	}
	return best;
}

/* Unused path with the lowest id that the peer gave no connection id for */
static struct tquic_path *tquic_path_without_cid(const struct tquic_conn *conn)
{
	struct tquic_path *path, *best = NULL;

	tquic_for_each_path(conn, path) {
		if (path->state == TQUIC_PATH_UNUSED &&
		    path->id <= conn->max_path_id_peer && !path->remote.count &&
		    (!best || path->id < best->id))
			best = path;
	}
	return best;
}

/**
 * tquic_path_ask() - tell the peer that it is what keeps us from another path
 * @conn: connection for which tquic_path_spare() found none
 *
 * Connection ids are missing, or all path ids allowed are in use (RFC 10069
 * §4.7, §4.8).  Each limit is named once, and again if that was lost.
 */
void tquic_path_ask(struct tquic_conn *conn)
{
	struct tquic_path *path = tquic_path_without_cid(conn);

	if (path) {
		if (!path->cids_blocked)
			path->ctl |= TQUIC_PATH_CTL_CIDS_BLOCKED;
		path->cids_blocked = true;
	} else if (conn->next_path_id > conn->max_path_id_peer &&
		   conn->paths_blocked != conn->max_path_id_peer + 1) {
		conn->paths_blocked = conn->max_path_id_peer + 1;
		conn->ctl |= TQUIC_CONN_CTL_PATHS_BLOCKED;
	}
}

/* It may take over what either side wants to spare another */
static bool tquic_path_is_regular(const struct tquic_path *path)
{
	return path->state == TQUIC_PATH_ACTIVE &&
	       !path->backup && !path->metered && !path->peer_backup;
}

/* Works, as far as this side knows */
static bool tquic_path_works(const struct tquic_path *path)
{
	return path->state == TQUIC_PATH_ACTIVE && !path->down;
}

/* Nothing says that it does not */
static bool tquic_path_is_reliable(const struct tquic_path *path)
{
	return tquic_path_works(path) && !path->pto_count;
}

/* Is any path but @path as @fits says? */
static __always_inline bool tquic_path_another(const struct tquic_conn *conn,
					       const struct tquic_path *path,
					       bool (*fits)(const struct tquic_path *other))
{
	const struct tquic_path *other;

	tquic_for_each_path(conn, other) {
		if (other != path && fits(other))
			return true;
	}
	return false;
}

/* Is any path but @path fit to carry data? */
bool tquic_path_others(const struct tquic_conn *conn, const struct tquic_path *path)
{
	return tquic_path_another(conn, path, tquic_sched_usable);
}

/* May packets travel on any path but @path? */
bool tquic_path_open_others(const struct tquic_conn *conn, const struct tquic_path *path)
{
	return tquic_path_another(conn, path, tquic_path_is_open);
}

/**
 * tquic_path_issue_cid() - give the peer one more connection id for a path
 * @conn: connection
 * @path: path
 * @announce: send it in a frame; false for the handshake's own
 *
 * Return: 0, -ENOSPC at the peer's limit, or what tquic_cidtab_add() returns.
 */
int tquic_path_issue_cid(struct tquic_conn *conn, struct tquic_path *path,
			 bool announce)
{
	struct tquic_cid cid = { .len = TQUIC_LOCAL_CID_LEN };
	int ret, tries = 4;

	if (!tquic_cidset_local_room(&path->local))
		return -ENOSPC;
	do {
		get_random_bytes(cid.id, cid.len);
		ret = conn->ops->cid_add(conn, &cid, path->id);
	} while (ret == -EEXIST && --tries);
	if (ret)
		return ret;
	tquic_cidset_local_add(&path->local, &cid, announce);
	return 0;
}

/**
 * tquic_path_replenish() - keep connection ids and path ids in supply
 * @conn: connection
 * @now: time in ns
 *
 * Called when the handshake ends and whenever ids were used up.  Path ids are
 * given out in order and a few ahead, one while only one path is open, so that
 * state stays small.  Without memory the connection's timer tries again.
 */
void tquic_path_replenish(struct tquic_conn *conn, u64 now)
{
	struct tquic_path *path;
	u32 limit, spares, unused = 0, open = 0;
	int ret = 0;

	conn->replenish_ns = 0;
	if (!conn->tls_done)
		return;
	limit = min(conn->max_path_id_local, conn->max_path_id_peer);
	tquic_for_each_path(conn, path) {
		if (path->state == TQUIC_PATH_UNUSED)
			unused++;
		else if (tquic_path_is_open(path))
			open++;
	}
	spares = open > 1 ? TQUIC_PATH_SPARE_IDS : TQUIC_PATH_SPARE_IDS_LONE;
	while (conn->multipath && unused < spares &&
	       conn->next_path_id <= limit) {
		if (!tquic_path_create(conn, conn->next_path_id, now)) {
			conn->replenish_ns = now + TQUIC_PATH_RETRY_NS;
			break;
		}
		unused++;
	}
	tquic_for_each_path(conn, path) {
		if (path->state == TQUIC_PATH_ABANDONED ||
		    (path->id && path->id > limit))
			continue;
		while (path->local.count < TQUIC_PATH_CIDS && !ret)
			ret = tquic_path_issue_cid(conn, path, true);
		if (ret && ret != -ENOSPC)
			conn->replenish_ns = now + TQUIC_PATH_RETRY_NS;
		ret = 0;
	}
}

/* Our order of need; the peer's wishes are no matter of what we ask it for. */
static u32 tquic_path_need(const struct tquic_path *path)
{
	return path->metered ? 2 : path->backup;
}

/*
 * Do we ask the peer to spare it?  One that is silent may be so in both directions, and
 * one that is not needed while there is better is to be used when there is not.
 */
static bool tquic_path_spared(const struct tquic_conn *conn, const struct tquic_path *path)
{
	const struct tquic_path *other;
	u32 better = 0;

	if (path->down || path->state == TQUIC_PATH_SUSPECT)
		return true;
	tquic_for_each_path(conn, other)
		better += tquic_path_works(other) &&
			  tquic_path_need(other) < tquic_path_need(path);
	return better >= conn->tune.min_legs;
}

/* Tell the peer what has changed of that: it has the same choice (RFC 10069 §3.3). */
static void tquic_path_offer(struct tquic_conn *conn)
{
	struct tquic_path *path;
	bool spared;

	if (!conn->multipath)
		return;
	tquic_for_each_path(conn, path) {
		spared = tquic_path_spared(conn, path);
		if (!tquic_path_is_open(path) || spared == path->told_backup)
			continue;
		path->told_backup = spared;
		path->status_seq++;
		path->ctl |= TQUIC_PATH_CTL_STATUS;
	}
}

/**
 * tquic_path_bond() - a path was opened or closed, or changed its state: what of the bond?
 * @conn: connection
 * @now: time in ns
 *
 * Context: connection lock held.
 */
void tquic_path_bond(struct tquic_conn *conn, u64 now)
{
	struct tquic_bond_legs legs = { .min = conn->tune.min_legs };
	const struct tquic_path *path;
	u8 before = conn->bond.state;

	tquic_for_each_path(conn, path) {
		legs.active += path->state == TQUIC_PATH_ACTIVE;
		legs.validating += path->state == TQUIC_PATH_VALIDATING;
		legs.lost += path->state == TQUIC_PATH_SUSPECT;
	}
	if (tquic_bond_update(&conn->bond, &legs, now))
		tquic_conn_event(conn, TQUIC_EVENT_BOND, conn->bond.state, before);
	tquic_path_offer(conn);
}

/* Give what is under way on a path back, to be sent again elsewhere; it is out of use */
void tquic_path_drain(struct tquic_conn *conn, struct tquic_path *path, u64 now)
{
	u64 ack_delay_ns = tquic_ackfreq_peer_delay_ns(conn);
	struct tquic_drain_result dr = {};

	tquic_cc_part(&path->cc);
	tquic_copies_drop(path);
	tquic_space_give_up(&path->space, now, &dr);
	tquic_loss_forget(&path->space, tquic_rtt_pto_ns(&path->rtt, ack_delay_ns), now);
	tquic_cc_on_discard(&path->cc, dr.bytes, now);
	tquic_ctrl_on_lost(conn, dr.recs);
}

/*
 * How many of @pkts go twice on the path that takes over: what a reader waits for, all that
 * there is where one of it may well be lost, for then it would wait a round trip more.
 */
static u32 tquic_path_repeat(const struct tquic_path *heir, u32 pkts)
{
	u64 most = div_u64(heir->cc.cwnd, 2 * heir->cc.mss);

	if ((u64)heir->space.loss_share * pkts < TQUIC_LOSS_ALL / TQUIC_PATH_REPEAT_RISK)
		return 1;
	return clamp_t(u64, pkts, 1, max_t(u64, most, 1));
}

/*
 * Others take over from a path that is out of use.  What was given back is waited for: the
 * first packet of it goes at once, though the window may be full there, and once more, for
 * it may be lost or late: as many as after a timeout (RFC 9002 §6.2.4).
 */
static void tquic_path_hand_over(struct tquic_conn *conn, struct tquic_path *path, u64 now)
{
	u16 slots = tquic_sched_candidates(conn) & ~BIT(path->index);
	struct tquic_path *heir = tquic_sched_fastest(conn, slots, false, now);
	u32 owes = path->space.eliciting_in_flight;

	tquic_path_drain(conn, path, now);
	if (!owes || !heir)
		return;
	heir->probes = max_t(u8, heir->probes, TQUIC_PATH_HEIR_PROBES);
	if (conn->sched->copies)
		return;
	/* What it owes is among what was given back. */
	tquic_copies_drop(heir);
	heir->copies.again = tquic_path_repeat(heir, owes);
	heir->copies.again_end_ns = now + heir->rtt.srtt_ns;
}

/* How long an answer from a path's address is waited for */
static u64 tquic_path_validate_ns(const struct tquic_conn *conn, const struct tquic_path *path)
{
	return 3 * max(tquic_conn_pto_max_ns(conn), tquic_rtt_pto_ns(&path->rtt, 0));
}

/**
 * tquic_path_revalidate() - no data before the peer has answered from its address
 * @conn: connection
 * @path: path, its link set
 * @now: time in ns
 *
 * Others do not wait for that: what went to the address of before may be lost.
 */
void tquic_path_revalidate(struct tquic_conn *conn, struct tquic_path *path, u64 now)
{
	if (tquic_path_others(conn, path))
		tquic_path_hand_over(conn, path, now);
	tquic_path_set_state(conn, path, TQUIC_PATH_VALIDATING);
	/* The client checked the server's address in the handshake already;
	 * only the server is bound by the limit of RFC 9000 §8.
	 */
	path->validated = !conn->server;
	tquic_path_forget_challenges(path);
	path->validate_end_ns = now + tquic_path_validate_ns(conn, path);
	path->ctl |= TQUIC_PATH_CTL_CHALLENGE;
}

/**
 * tquic_path_start() - open a path: its first packet is coming or going
 * @conn: connection
 * @path: path in state UNUSED with its link set
 * @now: time in ns
 *
 * Return: 0, or -ENOENT when the peer left no connection id for it.
 */
int tquic_path_start(struct tquic_conn *conn, struct tquic_path *path, u64 now)
{
	int ret;

	if (!tquic_cidset_remote_current(&path->remote)) {
		ret = tquic_cidset_remote_rotate(&path->remote);
		if (ret)
			return ret;
	}
	tquic_path_revalidate(conn, path, now);
	tquic_path_replenish(conn, now);
	tquic_path_bond(conn, now);
	return 0;
}

/* Probes stay under way, for a round trip may be longer than the time between them: so many */
static void tquic_path_bound_probes(struct tquic_conn *conn, struct tquic_path *path, u64 now)
{
	if (path->space.eliciting_in_flight >= TQUIC_PATH_PROBES_MAX)
		tquic_path_drain(conn, path, now);
}

/*
 * Nothing comes back: others take over, and the peer, which may not know yet, is
 * asked to do without it too.
 */
static void tquic_path_suspect(struct tquic_conn *conn, struct tquic_path *path,
			       u64 now)
{
	if (path->state == TQUIC_PATH_ACTIVE) {
		/* What has arrived on it need not be sent again. */
		if (path->down && tquic_ranges_largest(&path->space.rx) >= 0)
			path->space.ack_now = true;
		path->tells = TQUIC_PATH_TELLS;
		tquic_path_set_state(conn, path, TQUIC_PATH_SUSPECT);
		if (!path->suspect_ns || now - path->suspect_ns > TQUIC_PATH_RELAPSE_NS)
			path->relapses = 0;
		else if (!path->late && !path->down)
			path->relapses = min(path->relapses + 1, TQUIC_PATH_RELAPSES_MAX);
		path->suspect_ns = now;
		path->late = false;
		conn->todo |= TQUIC_TODO_PATHS;
		tquic_conn_event(conn, TQUIC_EVENT_PATH_SUSPECT, path->id, 0);
		tquic_path_bond(conn, now);
		tquic_path_hand_over(conn, path, now);
	} else {
		tquic_path_bound_probes(conn, path, now);
	}
	path->good_ns = 0;
	path->probes = 1;
}

/* Out of use since @since_ns: after an outage window and rate say nothing about the link */
static void tquic_path_reuse(struct tquic_conn *conn, struct tquic_path *path, u64 since_ns,
			     u64 now)
{
	tquic_cc_join(&path->cc, &conn->cc_group, &path->rtt);
	if (now - since_ns <= 3 * path->rtt.srtt_ns)
		return;
	tquic_cc_reset(&path->cc, now);
	tquic_pacer_init(&path->pacer);
}

/*
 * A path can be used (again).  Those that went silent, or whose interface went
 * down, while nothing could stand in for them hand over now, and those in doubt
 * give back what went with their probes while no path was better.
 */
static void tquic_path_activate(struct tquic_conn *conn, struct tquic_path *path,
				u64 since_ns, u64 now)
{
	struct tquic_path *other;

	tquic_path_set_state(conn, path, TQUIC_PATH_ACTIVE);
	tquic_path_reuse(conn, path, since_ns, now);
	/* Datagrams may have had to wait for any. */
	conn->todo |= TQUIC_TODO_PATHS | TQUIC_TODO_DGRAM;
	tquic_for_each_path(conn, other) {
		if (other == path)
			continue;
		if (other->state == TQUIC_PATH_ACTIVE && (other->pto_count || other->down)) {
			tquic_path_suspect(conn, other, now);
		} else if (other->state == TQUIC_PATH_SUSPECT && other->space.eliciting_in_flight) {
			tquic_path_drain(conn, other, now);
			other->probes = 1;
		}
	}
}

/* The peer's address answered: the path may carry data */
void tquic_path_set_validated(struct tquic_conn *conn, struct tquic_path *path,
			      u64 now)
{
	path->validated = true;
	tquic_path_forget_challenges(path);
	path->challenge_due_ns = 0;
	path->validate_end_ns = 0;
	path->ctl &= ~TQUIC_PATH_CTL_CHALLENGE;
	if (path->state != TQUIC_PATH_VALIDATING)
		return;
	path->pto_count = 0;
	if (path->moving)
		tquic_migrate_done(conn, path, now);
	tquic_path_activate(conn, path, now, now);
	tquic_conn_event(conn, TQUIC_EVENT_PATH_VALIDATED, path->id, 0);
	tquic_path_bond(conn, now);
}

/*
 * Back at the address from before it seemed to move: in doubt as it was, when nothing had
 * come to what went there
 */
void tquic_path_stay(struct tquic_conn *conn, struct tquic_path *path, u64 now)
{
	if (path->progress_ns < path->suspect_ns && tquic_path_others(conn, path)) {
		tquic_path_set_state(conn, path, TQUIC_PATH_SUSPECT);
		path->probes = 1;
		tquic_path_bond(conn, now);
	}
	tquic_path_set_validated(conn, path, now);
}

/**
 * tquic_path_abandon() - stop using a path for good
 * @conn: connection
 * @path: open or unused path
 * @error: code for PATH_ABANDON
 * @now: time in ns
 *
 * What was under way on it is sent again elsewhere.  The peer's connection
 * ids of the path are retired by this alone (RFC 10069 §3.4); ours stay known
 * for three PTO, so that stragglers are still acknowledged.
 */
void tquic_path_abandon(struct tquic_conn *conn, struct tquic_path *path,
			u64 error, u64 now)
{
	if (path->state == TQUIC_PATH_ABANDONED)
		return;
	tquic_path_set_state(conn, path, TQUIC_PATH_ABANDONED);
	path->ctl = TQUIC_PATH_CTL_ABANDON;
	path->abandon_error = error;
	path->responses = 0;
	tquic_path_forget_challenges(path);
	path->validate_end_ns = 0;
	path->trial_end_ns = 0;
	path->trial_due_ns = 0;
	path->probes = 0;
	path->gone_ns = now + 3 * tquic_conn_pto_max_ns(conn);
	tquic_path_drain(conn, path, now);
	tquic_sent_clear(&path->space.sent);
	conn->todo |= TQUIC_TODO_PATHS;
	tquic_conn_event(conn, TQUIC_EVENT_PATH_ABANDONED, path->id, error);
	tquic_path_bond(conn, now);
}

/**
 * tquic_path_close() - abandon a path at the operator's wish
 * @conn: connection
 * @path: path
 * @error: code for PATH_ABANDON
 * @now: time in ns
 *
 * Return: 0; -EOPNOTSUPP without multipath; -EBUSY for the last path that is open,
 * or the last that is usable; -EALREADY when it is being abandoned.
 */
int tquic_path_close(struct tquic_conn *conn, struct tquic_path *path,
		     u64 error, u64 now)
{
	if (!conn->multipath)
		return -EOPNOTSUPP;
	if (path->state == TQUIC_PATH_ABANDONED)
		return -EALREADY;
	if (!tquic_path_open_others(conn, path) ||
	    (tquic_sched_usable(path) && !tquic_path_others(conn, path)))
		return -EBUSY;
	tquic_path_abandon(conn, path, error, now);
	return 0;
}

/**
 * tquic_path_set_rate_cap() - limit what we send on a path
 * @path: path
 * @rate: bytes per second, 0: no limit; more than %TQUIC_PATH_RATE_MAX is taken as that,
 *	so that products with times do not overflow
 *
 * What the pacer waits for was reckoned at the old rate: at a byte per second a single packet
 * would hold the path up for half an hour after the limit is gone.
 */
void tquic_path_set_rate_cap(struct tquic_path *path, u64 rate)
{
	path->rate_cap = min(rate, TQUIC_PATH_RATE_MAX);
	tquic_pacer_init(&path->pacer);
}

/**
 * tquic_path_set_flags() - spare a path from now on, or no longer
 * @conn: connection
 * @path: path
 * @flags: TQUIC_PATH_*
 *
 * The peer is asked to do the same.
 */
void tquic_path_set_flags(struct tquic_conn *conn, struct tquic_path *path, u32 flags)
{
	path->backup = flags & TQUIC_PATH_BACKUP;
	path->metered = flags & TQUIC_PATH_METERED;
	tquic_path_offer(conn);
}

/**
 * tquic_path_link_down() - the adapter knows that nothing can come or go
 * @conn: connection
 * @path: path
 * @now: time in ns
 *
 * What is under way goes to the other paths in this call and not after a
 * timeout.  Alone, the path keeps it until another becomes usable.  The peer,
 * who sees only silence, is asked to spare the path and told what has arrived:
 * it need not wait for its own timeout, nor send that again.
 */
void tquic_path_link_down(struct tquic_conn *conn, struct tquic_path *path,
			  u64 now)
{
	path->down = true;
	if (!tquic_path_is_open(path) || !tquic_path_others(conn, path))
		return;
	if (path->state == TQUIC_PATH_ACTIVE)
		tquic_path_suspect(conn, path, now);
	else
		tquic_path_offer(conn);
}

/**
 * tquic_path_link_up() - interface and address are back
 * @conn: connection
 * @path: path that tquic_path_link_down() was called for
 * @now: time in ns
 *
 * Whether the path works is found out at once: what was sent meanwhile went
 * nowhere, and the timers have backed off.
 */
void tquic_path_link_up(struct tquic_conn *conn, struct tquic_path *path,
			u64 now)
{
	path->down = false;
	if (!tquic_path_is_open(path))
		return;
	tquic_path_offer(conn);
	path->pto_count = 0;
	if (!path->id)
		tquic_conn_hs_again(conn, now);
	if (path->state == TQUIC_PATH_VALIDATING) {
		path->ctl |= TQUIC_PATH_CTL_CHALLENGE;
		return;
	}
	tquic_path_drain(conn, path, now);
	if (path->state == TQUIC_PATH_ACTIVE)
		tquic_path_reuse(conn, path, path->progress_ns, now);
	path->probes = 1;
}

/**
 * tquic_path_told() - a packet says whether the peer is to spare a path
 * @path: path
 *
 * That one has failed is said by more than one, each with what has arrived there: a reader
 * would wait a round trip more for one that is lost.
 *
 * Return: true when the next one is to say so, too.
 */
bool tquic_path_told(struct tquic_path *path)
{
	if (!path->tells) {
		path->ctl &= ~TQUIC_PATH_CTL_STATUS;
		return false;
	}
	path->tells--;
	if (tquic_ranges_largest(&path->space.rx) >= 0)
		path->space.ack_now = true;
	return true;
}

/* The peer wants to be spared what goes there, and there is another path now */
static void tquic_path_relieve(struct tquic_conn *conn, struct tquic_path *path, u64 now)
{
	if (!path->spare_due || !tquic_path_another(conn, path, tquic_path_is_regular))
		return;
	path->spare_due = false;
	if (path->state != TQUIC_PATH_ACTIVE)
		return;
	path->spared_ns = now;
	tquic_path_hand_over(conn, path, now);
	/* Does it answer at all?  With nothing under way that would not be known. */
	path->probes = 1;
}

/**
 * tquic_path_on_status() - the peer says whether it wants to be sent data there
 * @conn: connection
 * @path: path
 * @backup: spare it
 * @now: time in ns
 *
 * A peer whose interface went down says so too (tquic_path_link_down()).  What
 * is under way may be lost then, so it is sent again on the others: at worst
 * one window's worth of it arrives twice, and once in a round trip, however
 * often a peer changes its mind.  Where the others were to be spared as well it
 * says next which of them is not any more.
 */
void tquic_path_on_status(struct tquic_conn *conn, struct tquic_path *path,
			  bool backup, u64 now)
{
	struct tquic_path *other;

	if (!backup && !path->cc.group && path->state == TQUIC_PATH_ACTIVE)
		tquic_path_reuse(conn, path, path->spared_ns, now);
	path->peer_backup = backup;
	path->spare_due = backup && path->state == TQUIC_PATH_ACTIVE &&
			  now - path->spared_ns >= path->rtt.srtt_ns;
	conn->todo |= TQUIC_TODO_PATHS;
	tquic_conn_event(conn, TQUIC_EVENT_PATH_STATUS, path->id,
			 backup ? TQUIC_PATH_BACKUP : 0);
	tquic_for_each_path(conn, other)
		tquic_path_relieve(conn, other, now);
}

/**
 * tquic_path_set_mtu() - the adapter learnt what the route carries
 * @conn: connection
 * @path: path
 * @mtu_max_bytes: largest UDP payload of the route
 *
 * A larger size is used after a probe of it was acknowledged, a smaller one
 * at once, but never less than QUIC requires.
 */
void tquic_path_set_mtu(struct tquic_conn *conn, struct tquic_path *path,
			u32 mtu_max_bytes)
{
	u64 cap = min_t(u64, mtu_max_bytes, conn->peer.max_udp_payload_size);

	tquic_pmtu_set_max(&path->pmtu, min_t(u64, cap, conn->tune.mtu_max_bytes));
	tquic_cc_set_mss(&path->cc, path->pmtu.bytes);
}

/**
 * tquic_path_mtu_probe() - size of the probe the path may send now
 * @conn: connection
 * @path: path
 * @now: time in ns
 *
 * Return: UDP payload, 0 when none is wanted or the time is not right for one.
 */
u32 tquic_path_mtu_probe(const struct tquic_conn *conn,
			 const struct tquic_path *path, u64 now)
{
	if (!conn->confirmed || path->state != TQUIC_PATH_ACTIVE ||
	    path->pto_count || !tquic_sched_room(path))
		return 0;
	return tquic_pmtu_wanted(&path->pmtu, now);
}

void tquic_path_mtu_probe_lost(struct tquic_path *path, u32 bytes)
{
	path->stats.mtu_probes_lost++;
	tquic_pmtu_on_probe_lost(&path->pmtu, bytes);
}

void tquic_path_mtu_probe_acked(struct tquic_path *path, u32 bytes)
{
	tquic_pmtu_on_probe_acked(&path->pmtu, bytes);
	tquic_cc_set_mss(&path->cc, path->pmtu.bytes);
}

/* RFC 9002 §6.2.4: a probe, with the oldest data that is still without an answer */
static void tquic_path_probe(struct tquic_conn *conn, struct tquic_path *path, u8 probes)
{
	path->probes = probes;
	tquic_ctrl_on_lost(conn, tquic_space_take_oldest(&path->space));
}

/*
 * A packet was opened.  After an outage it says that the link may be back: find
 * out now and not when the next probe is due, for the timeouts have backed off.
 * Where packets come but none arrives the probes' time never runs out.
 */
void tquic_path_on_packet(struct tquic_conn *conn, struct tquic_path *path, u64 now)
{
	path->stats.rx_packets++;
	if (!tquic_path_is_open(path) || path->probes ||
	    now - path->space.last_eliciting_ns < path->rtt.srtt_ns)
		return;
	if (path->state == TQUIC_PATH_SUSPECT)
		tquic_path_bound_probes(conn, path, now);
	else if (path->pto_count <= 1 || !conn->confirmed)
		return;
	tquic_path_probe(conn, path, 1);
}

/* Datagrams came in: raises the anti-amplification limit */
void tquic_path_on_rx(struct tquic_path *path, u32 bytes)
{
	if (!path->validated)
		path->tx_allowed_bytes += 3 * (u64)bytes;
	path->stats.rx_bytes += bytes;
}

/* Queue the answer to a PATH_CHALLENGE; when too many wait the oldest goes */
void tquic_path_on_challenge(struct tquic_path *path, const u8 *data)
{
	if (!tquic_path_is_open(path))
		return;
	if (path->responses == TQUIC_PATH_RESPONSES) {
		memmove(path->response[0], path->response[1],
			sizeof(path->response) - TQUIC_PATH_DATA_LEN);
		path->responses--;
	}
	memcpy(path->response[path->responses++], data, TQUIC_PATH_DATA_LEN);
}

/* A PATH_RESPONSE may come on any path: find whose challenge it answers */
void tquic_path_on_response(struct tquic_conn *conn, const u8 *data, u64 now)
{
	struct tquic_path *path;
	unsigned int k;

	tquic_for_each_path(conn, path) {
		if (path->trial_end_ns &&
		    !memcmp(path->trial, data, TQUIC_PATH_DATA_LEN)) {
			tquic_migrate_on_answer(conn, path, now);
			return;
		}
		for (k = 0; path->challenge && k < path->challenge->count; k++) {
			if (memcmp(path->challenge->data[k], data, TQUIC_PATH_DATA_LEN))
				continue;
			tquic_path_set_validated(conn, path, now);
			return;
		}
	}
}

/* Fresh data for the PATH_CHALLENGE about to be sent; NULL: no memory to remember it */
const u8 *tquic_path_new_challenge(struct tquic_path *path, u64 now)
{
	if (!path->challenge)
		path->challenge = kzalloc(sizeof(*path->challenge),
					  GFP_ATOMIC | __GFP_NOWARN | __GFP_ACCOUNT);
	if (!path->challenge)
		return NULL;
	if (path->challenge->count < TQUIC_PATH_CHALLENGES)
		path->challenge->count++;
	memmove(path->challenge->data[1], path->challenge->data[0],
		(path->challenge->count - 1) * TQUIC_PATH_DATA_LEN);
	get_random_bytes(path->challenge->data[0], TQUIC_PATH_DATA_LEN);
	path->challenge_due_ns = now + TQUIC_RTT_INITIAL_NS;
	path->ctl &= ~TQUIC_PATH_CTL_CHALLENGE;
	return path->challenge->data[0];
}

/*
 * Is a suspect path that answers as good as any?  One that comes and goes has to
 * answer for longer each time, as long as another can be relied on; one that was
 * slow only has never been gone.
 */
static bool tquic_path_is_back(const struct tquic_conn *conn, struct tquic_path *path, u64 now)
{
	if (!path->good_ns)
		path->good_ns = now;
	if (path->late || now - path->good_ns >= path->relapses * path->rtt.srtt_ns)
		return true;
	return !tquic_path_another(conn, path, tquic_path_is_reliable);
}

/*
 * A packet sent at @sent_ns was acknowledged that had been given up: is the path slow, and
 * not gone?  What another path tells may be what arrived before the end, and waited for
 * the moment to be told: then it is a round trip older than the doubt, or nearly so.
 */
void tquic_path_on_late(struct tquic_path *path, u64 sent_ns, bool itself)
{
	if (path->state == TQUIC_PATH_SUSPECT && sent_ns <= path->suspect_ns &&
	    (itself || sent_ns + path->rtt.srtt_ns > path->suspect_ns))
		path->late = true;
}

/* An acknowledgment for the path's packets came that was due at @due: it works (again) */
void tquic_path_on_progress(struct tquic_conn *conn, struct tquic_path *path, u64 due, u64 now)
{
	path->progress_ns = max(path->progress_ns, min(due, now));
	path->pto_count = 0;
	path->probes = 0;
	path->overdue = false;
	if (now - path->suspect_ns > TQUIC_PATH_PATIENCE_NS)
		path->patience = 0;
	if (path->state != TQUIC_PATH_SUSPECT)
		return;
	if (!tquic_path_is_back(conn, path, now)) {
		path->probes = 1;
		return;
	}
	if (path->late)
		path->patience = min(path->patience + 1, TQUIC_PATH_PATIENCE_MAX);
	/* Its interface or address seemed to be gone, but there is another way. */
	path->down = false;
	/* Probes lost meanwhile say nothing about congestion now. */
	tquic_path_drain(conn, path, now);
	tquic_path_activate(conn, path, path->suspect_ns, now);
	tquic_conn_event(conn, TQUIC_EVENT_PATH_RECOVERED, path->id, 0);
	tquic_path_bond(conn, now);
}

/* Nothing is known of the size it carries any more */
void tquic_path_restart_mtu(struct tquic_path *path)
{
	tquic_pmtu_restart(&path->pmtu);
	tquic_cc_set_mss(&path->cc, path->pmtu.bytes);
}

/* A router said what fits; it knows a packet of the path (RFC 9000 §14.2.1) */
void tquic_path_too_big(struct tquic_path *path, u32 fits_bytes)
{
	tquic_pmtu_on_too_big(&path->pmtu, fits_bytes);
	tquic_cc_set_mss(&path->cc, path->pmtu.bytes);
}

/**
 * tquic_path_doubt_mtu() - large packets are missing and none after them has arrived
 * @path: path
 * @sent_ns: when the newest of them was sent
 * @now: time in ns
 */
void tquic_path_doubt_mtu(struct tquic_path *path, u64 sent_ns, u64 now)
{
	if (!tquic_pmtu_doubt(&path->pmtu, path->space.large_acked, sent_ns, now))
		return;
	path->stats.mtu_black_holes++;
	tquic_cc_set_mss(&path->cc, path->pmtu.bytes);
}

/* Perhaps the path swallows what is marked: it never said otherwise */
static void tquic_path_doubt_ecn(struct tquic_path *path)
{
	if (path->pto_count >= TQUIC_PATH_ECN_PTOS && !path->space.peer_ecn.ect0)
		path->ecn = false;
}

/*
 * Nothing came back for a whole PTO.  With other paths at hand the data under
 * way moves there at once, and this one gets probes until it answers; alone,
 * the oldest data is probed with, as RFC 9002 §6.2.4 has it.
 */
static void tquic_path_on_pto(struct tquic_conn *conn, struct tquic_path *path,
			      u64 now)
{
	u64 large_ns;

	path->pto_count = min(path->pto_count + 1, 16);
	path->stats.ptos++;
	large_ns = tquic_space_large_out_ns(&path->space);
	if (large_ns)
		tquic_path_doubt_mtu(path, large_ns, now);
	tquic_path_doubt_ecn(path);
	if (tquic_path_others(conn, path)) {
		tquic_path_suspect(conn, path, now);
		return;
	}
	tquic_path_probe(conn, path, 2);
}

/*
 * When silence alone makes a path suspect.  RFC 9002 restarts the probe timeout
 * with every packet sent, for a connection with one path can only wait.  Where
 * others can take over, the oldest packet's acknowledgment being overdue is
 * enough, if nothing else was acknowledged for half a round trip either.  How
 * much a round trip varies is not known before there were some, so that as much
 * again as it takes is granted at most.
 *
 * Who mostly receives has little under way, and the sender's queue may have
 * grown since that was last timed: what arrives shows that the path works.
 */
static u64 tquic_path_silence_ns(struct tquic_path *path, u64 ack_delay_ns)
{
	const struct tquic_sent_pkt *pkt = tquic_sent_oldest_eliciting(&path->space.sent);
	u64 slack = max_t(u64, min(4 * path->rtt.rttvar_ns, path->rtt.srtt_ns),
			  TQUIC_RTT_GRANULARITY_NS) << path->patience;
	u64 progress_ns = path->progress_ns;

	if (!pkt)
		return U64_MAX;
	if (2 * path->cc.in_flight < path->cc.cwnd)
		progress_ns = max(progress_ns, path->space.largest_rx_ns);
	return max(pkt->sent_ns + path->rtt.srtt_ns + slack,
		   progress_ns + max(path->rtt.srtt_ns / 2, slack)) + ack_delay_ns;
}

/**
 * tquic_path_pto_deadline_ns() - when the path's probe timeout expires
 * @conn: connection
 * @path: path
 *
 * A path that others stand in for is probed at least every
 * conn->tune.probe_max_ns, so that its return is seen soon; nothing else depends
 * on those probes.
 *
 * Return: time in ns, 0 when not armed.
 */
u64 tquic_path_pto_deadline_ns(const struct tquic_conn *conn,
			       struct tquic_path *path)
{
	u64 ack_delay_ns = tquic_ackfreq_peer_delay_ns(conn);
	u64 own_ns = conn->peer.max_ack_delay_ms * NSEC_PER_MSEC;
	u64 deadline;

	if (!tquic_path_is_open(path) || !conn->confirmed ||
	    tquic_path_tx_room(path) < TQUIC_RECORD_ROOM_MIN)
		return 0;
	if (path->state == TQUIC_PATH_SUSPECT) {
		deadline = tquic_loss_pto_period_ns(&path->rtt, ack_delay_ns,
						    path->pto_count);
		return path->space.last_eliciting_ns +
		       min(deadline, conn->tune.probe_max_ns);
	}
	deadline = tquic_loss_pto_deadline_ns(&path->space, &path->rtt,
					      ack_delay_ns, path->pto_count);
	if (!deadline || path->state != TQUIC_PATH_ACTIVE || !tquic_path_others(conn, path))
		return deadline;
	/* Our wish for early acknowledgments makes silence tell no more than before. */
	return tquic_path_silence_ns(path, !path->overdue ? ack_delay_ns :
				     max(ack_delay_ns, own_ns));
}

/**
 * tquic_path_deadline_ns() - next time a path wants to be looked at
 * @conn: connection
 * @path: path
 *
 * Return: time in ns, 0 for none.
 */
u64 tquic_path_deadline_ns(const struct tquic_conn *conn,
			   struct tquic_path *path)
{
	u64 t;

	if (path->state == TQUIC_PATH_ABANDONED)
		return path->gone_ns;
	t = path->space.loss_time_ns;
	if (!t && !path->probes)
		t = tquic_path_pto_deadline_ns(conn, path);
	if (conn->keys_tx & BIT(TQUIC_LEVEL_APP) &&
	    tquic_path_tx_room(path) >= TQUIC_RECORD_ROOM_MIN)
		t = min_not_zero(t, path->space.ack_deadline_ns);
	t = min_not_zero(t, path->validate_end_ns);
	t = min_not_zero(t, tquic_migrate_deadline_ns(path));
	if (!(path->ctl & TQUIC_PATH_CTL_CHALLENGE))
		t = min_not_zero(t, path->challenge_due_ns);
	return t;
}

/* Validation ran out of time (RFC 10069 §3.1: the path id is used up) */
static void tquic_path_validation_failed(struct tquic_conn *conn,
					 struct tquic_path *path, u64 now)
{
	if (tquic_migrate_failed(conn, path, now))
		return;
	if (tquic_path_open_others(conn, path) && conn->multipath) {
		tquic_path_abandon(conn, path,
				   TQUIC_ERR_PATH_UNSTABLE_OR_POOR, now);
		return;
	}
	/* There is no other: it is asked as long as the connection lives, or until there is. */
	path->validate_end_ns = now + tquic_path_validate_ns(conn, path);
	path->ctl |= TQUIC_PATH_CTL_CHALLENGE;
}

/* An abandoned path's time is over; the peer may open another in its place */
static void tquic_path_gone(struct tquic_conn *conn, struct tquic_path *path,
			    u64 now)
{
	/* Who never heard of it would go on sending. */
	if (!path->abandon_acked) {
		path->gone_ns = now + tquic_conn_pto_max_ns(conn);
		return;
	}
	tquic_path_destroy(conn, path);
	if (conn->max_path_id_local < TQUIC_MAX_PATH_ID) {
		conn->max_path_id_local++;
		conn->ctl |= TQUIC_CONN_CTL_MAX_PATH_ID;
	}
	tquic_path_replenish(conn, now);
}

/**
 * tquic_path_on_timeout() - do what is due on a path
 * @conn: connection
 * @path: path; may be freed
 * @now: time in ns
 */
void tquic_path_on_timeout(struct tquic_conn *conn, struct tquic_path *path,
			   u64 now)
{
	u64 pto;

	if (path->state == TQUIC_PATH_ABANDONED) {
		if (now >= path->gone_ns)
			tquic_path_gone(conn, path, now);
		return;
	}
	tquic_migrate_on_timeout(conn, path, now);
	if (path->validate_end_ns && now >= path->validate_end_ns) {
		tquic_path_validation_failed(conn, path, now);
		return;
	}
	if (path->challenge_due_ns && now >= path->challenge_due_ns) {
		path->challenge_due_ns = 0;
		path->ctl |= TQUIC_PATH_CTL_CHALLENGE;
	}
	if (path->space.loss_time_ns) {
		if (now >= path->space.loss_time_ns)
			tquic_conn_detect_loss(conn, path, now);
		return;
	}
	pto = tquic_path_pto_deadline_ns(conn, path);
	if (!pto || now < pto || path->probes)
		return;
	if (!path->overdue && path->state == TQUIC_PATH_ACTIVE && tquic_path_others(conn, path)) {
		path->overdue = true;
		if (now < tquic_path_pto_deadline_ns(conn, path)) {
			tquic_reinject_overdue(conn, path, now);
			return;
		}
	}
	tquic_path_on_pto(conn, path, now);
}
