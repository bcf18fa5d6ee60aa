// SPDX-License-Identifier: GPL-2.0
/*
 * Migration: an address of a path changes, the peer's or our own (RFC 9000 §9)
 *
 * The client's NAT gave its flow another port or address, or it moved.  The server
 * follows the newest packet with more than probing frames in it, but no data goes
 * to the new address before that has answered a challenge.  Until then the old
 * one is kept: a packet from there moves the path back at once, and the challenge
 * sent there too makes a client that never moved send one (§9.3.3).  When nobody
 * answers, the path goes back by itself (§9.3.2).
 *
 * A client that moves on purpose tries the new way first, with an id of its own,
 * and takes it when the server has answered (§9.1, §9.2): its data never waits.
 */
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/random.h>
#include <linux/string.h>
#include "core/conn.h"
#include "core/migrate.h"
#include "core/path.h"

/*
 * May a path be followed? Before the handshake is confirmed addresses do not change (§9).
 * Where a path comes back to has to have answered once: the first address of a new one
 * may be anybody's.
 */
static bool tquic_migrate_open(const struct tquic_conn *conn, const struct tquic_path *path)
{
	return conn->server && conn->confirmed && (path->validated || path->moving) &&
	       conn->state == TQUIC_STATE_ESTABLISHED && tquic_path_is_open(path);
}

/*
 * Whoever watches both addresses is not to see the same id at both: a client that has
 * taken a new one of ours for the new address gets a new one of its own there, and
 * the one before is for the old address (RFC 9000 §9.5).
 */
static bool tquic_migrate_new_dcid(const struct tquic_path *path, const struct tquic_cid *dcid)
{
	return dcid && !tquic_cid_equal(dcid, &path->rx_dcid);
}

static void tquic_migrate_cid(struct tquic_path *path, const struct tquic_cid *dcid)
{
	if (tquic_migrate_new_dcid(path, dcid))
		tquic_cidset_remote_rotate(&path->remote);
}

/*
 * The id for an answer to where a client tries to move to; NULL: it left us none.  One
 * that was seen where the client tried before, with another of our ids, is for there
 * only (§9.5).
 */
static const struct tquic_cid *tquic_migrate_answer_cid(struct tquic_path *path,
							const struct tquic_cid *dcid)
{
	const struct tquic_cid *used = tquic_cidset_remote_current(&path->remote), *next;

	if (!used || !used->len || !tquic_migrate_new_dcid(path, dcid))
		return used;
	next = tquic_cidset_remote_next(&path->remote);
	if (next && tquic_cid_equal(next, &path->other_dcid) &&
	    !tquic_cid_equal(dcid, &path->probe_dcid)) {
		tquic_cidset_remote_spend(&path->remote);
		next = tquic_cidset_remote_next(&path->remote);
	}
	path->probe_dcid = *dcid;
	return next;
}

/**
 * tquic_migrate_on_probe() - a challenge came from elsewhere
 * @conn: connection
 * @pkt: the packet it was in
 * @data: what to answer with
 *
 * The answer goes there, so that the client can try an address before it moves to
 * it (§9.1), but not while the path is moving: then there is another other address.
 * A client is asked where it tries to move to.
 */
void tquic_migrate_on_probe(struct tquic_conn *conn, const struct tquic_rx_pkt *pkt,
			    const u8 *data)
{
	struct tquic_path *path = pkt->path;
	const struct tquic_cid *dcid;

	if (!path->trial_end_ns) {
		if (!tquic_migrate_open(conn, path) || path->moving)
			return;
		dcid = tquic_migrate_answer_cid(path, pkt->dcid);
		if (!dcid)
			return;
		path->other_dcid = *dcid;
		conn->ops->path_other(conn, path, pkt->skb);
	}
	memcpy(path->other_response, data, TQUIC_PATH_DATA_LEN);
	path->other_room_bytes = 3 * pkt->dgram_bytes;
	path->ctl |= TQUIC_PATH_CTL_RESPONSE_OTHER;
}

/**
 * tquic_migrate_on_packet() - the newest packet of a path came with data and the like
 * @conn: connection
 * @pkt: the packet, the highest number so far, with a non-probing frame in it
 * @now: time in ns
 */
void tquic_migrate_on_packet(struct tquic_conn *conn, const struct tquic_rx_pkt *pkt,
			     u64 now)
{
	struct tquic_path *path = pkt->path;
	const struct tquic_cid *before;
	int ret;

	if (pkt->moved && tquic_migrate_open(conn, path)) {
		/* While it moves, the other address is the first one, with the id it had. */
		before = path->moving ? NULL : tquic_cidset_remote_current(&path->remote);
		ret = conn->ops->path_move(conn, path, pkt->skb);
		if (ret < 0)
			return;
		/* What was asked along with moving is answered there. */
		if (path->ctl & TQUIC_PATH_CTL_RESPONSE_OTHER)
			tquic_path_on_challenge(path, path->other_response);
		path->ctl &= ~TQUIC_PATH_CTL_RESPONSE_OTHER;
		if (before)
			path->other_dcid = *before;
		tquic_migrate_cid(path, pkt->dcid);
		if (ret) {
			path->moving = TQUIC_MOVED_NOT;
			tquic_path_set_validated(conn, path, now);
		} else {
			path->moving = max_t(u8, path->moving, pkt->moved);
			tquic_path_revalidate(conn, path, now);
			path->tx_allowed_bytes = 3 * (u64)pkt->dgram_bytes;
			if (before)
				path->ctl |= TQUIC_PATH_CTL_CHALLENGE_OTHER;
		}
	}
	if (pkt->dcid)
		path->rx_dcid = *pkt->dcid;
}

/**
 * tquic_migrate_done() - the new address has answered
 * @conn: connection
 * @path: path that moved
 * @now: time in ns
 *
 * What went to the old address is sent again.  A new address is a new way through
 * the network, of which nothing is known; a new port is not (§9.4).
 */
void tquic_migrate_done(struct tquic_conn *conn, struct tquic_path *path, u64 now)
{
	u8 moved = path->moving;

	path->moving = TQUIC_MOVED_NOT;
	path->ctl &= ~TQUIC_PATH_CTL_CHALLENGE_OTHER;
	tquic_path_drain(conn, path, now);
	/* How long answers to those take says nothing of the new way (RFC 9000 §9.4). */
	tquic_sent_clear(&path->space.sent);
	if (moved == TQUIC_MOVED_ADDRESS) {
		tquic_cc_reset(&path->cc, now);
		tquic_rtt_init(&path->rtt, conn->tune.rtt_initial_ns);
		tquic_path_restart_mtu(path);
		path->ecn = conn->tune.ecn;
	}
	tquic_conn_event(conn, TQUIC_EVENT_PATH_MIGRATED, path->id,
			 moved == TQUIC_MOVED_ADDRESS ? TQUIC_MIGRATED_ADDRESS :
							TQUIC_MIGRATED_PORT);
}

/**
 * tquic_migrate_failed() - the new address did not answer in time
 * @conn: connection
 * @path: path whose validation failed
 * @now: time in ns
 *
 * Return: true when it is back at its old address and goes on as before, which may
 * have been silent.
 */
bool tquic_migrate_failed(struct tquic_conn *conn, struct tquic_path *path, u64 now)
{
	const struct tquic_cid *used = tquic_cidset_remote_current(&path->remote);

	if (!path->moving)
		return false;
	path->moving = TQUIC_MOVED_NOT;
	path->ctl &= ~TQUIC_PATH_CTL_CHALLENGE_OTHER;
	conn->ops->path_back(conn, path);
	/* The id that the new address was asked by is not for the old one (§9.5). */
	if (used && !tquic_cid_equal(used, &path->other_dcid))
		tquic_cidset_remote_rotate(&path->remote);
	tquic_path_stay(conn, path, now);
	return true;
}

/**
 * tquic_migrate_try() - a client is about to move: does the new way work?
 * @conn: connection
 * @path: path whose other address the adapter has set
 * @now: time in ns
 *
 * Return: 0; -ENOTCONN when addresses may not change yet or any more; -EALREADY
 * while it tries another; -EOPNOTSUPP when the server uses no ids to tell it by;
 * -EAGAIN while the server has left none for the new way.
 */
int tquic_migrate_try(struct tquic_conn *conn, struct tquic_path *path, u64 now)
{
	u64 pto;

	if (conn->server || !conn->confirmed || conn->state != TQUIC_STATE_ESTABLISHED ||
	    !tquic_path_is_open(path))
		return -ENOTCONN;
	if (path->trial_end_ns)
		return -EALREADY;
	if (!conn->iscid.len)
		return -EOPNOTSUPP;
	if (!tquic_cidset_remote_next(&path->remote))
		return -EAGAIN;
	/* RFC 9000 §8.2.4: of a way of which nothing is known */
	pto = max(tquic_conn_pto_max_ns(conn), 3 * conn->tune.rtt_initial_ns);
	get_random_bytes(path->trial, sizeof(path->trial));
	path->trial_end_ns = now + 3 * pto;
	path->ctl |= TQUIC_PATH_CTL_CHALLENGE_OTHER;
	return 0;
}

static void tquic_migrate_trial_over(struct tquic_path *path)
{
	path->trial_end_ns = 0;
	path->trial_due_ns = 0;
	path->ctl &= ~(TQUIC_PATH_CTL_CHALLENGE_OTHER | TQUIC_PATH_CTL_RESPONSE_OTHER);
}

static void tquic_migrate_stay(struct tquic_conn *conn, struct tquic_path *path)
{
	tquic_migrate_trial_over(path);
	/* Its id was seen there, and is for no other way (RFC 9000 §9.5). */
	tquic_cidset_remote_spend(&path->remote);
	conn->ops->path_back(conn, path);
	tquic_conn_event(conn, TQUIC_EVENT_PATH_MIGRATED, path->id, TQUIC_MIGRATED_STAYED);
}

/**
 * tquic_migrate_on_answer() - the server has answered where the client tried
 * @conn: connection
 * @path: path that moves
 * @now: time in ns
 *
 * The next packet, which is due at once, has the server follow.
 */
void tquic_migrate_on_answer(struct tquic_conn *conn, struct tquic_path *path, u64 now)
{
	bool asked = path->ctl & TQUIC_PATH_CTL_RESPONSE_OTHER;

	if (tquic_cidset_remote_rotate(&path->remote)) {
		tquic_migrate_stay(conn, path);
		return;
	}
	tquic_migrate_trial_over(path);
	conn->ops->path_switch(conn, path);
	if (asked)
		tquic_path_on_challenge(path, path->other_response);
	path->down = false;
	path->moving = TQUIC_MOVED_ADDRESS;
	tquic_path_set_state(conn, path, TQUIC_PATH_VALIDATING);
	tquic_path_set_validated(conn, path, now);
	path->probes = max_t(u8, path->probes, 1);
}

/* When a client that tries another way has to be looked at; 0: it does not */
u64 tquic_migrate_deadline_ns(const struct tquic_path *path)
{
	if (!path->trial_due_ns || path->ctl & TQUIC_PATH_CTL_CHALLENGE_OTHER)
		return path->trial_end_ns;
	return min(path->trial_due_ns, path->trial_end_ns);
}

/* Ask again, or stay */
void tquic_migrate_on_timeout(struct tquic_conn *conn, struct tquic_path *path, u64 now)
{
	if (!path->trial_end_ns)
		return;
	if (now >= path->trial_end_ns) {
		tquic_migrate_stay(conn, path);
	} else if (path->trial_due_ns && now >= path->trial_due_ns) {
		path->trial_due_ns = 0;
		path->ctl |= TQUIC_PATH_CTL_CHALLENGE_OTHER;
	}
}
