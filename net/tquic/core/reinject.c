// SPDX-License-Identifier: GPL-2.0
/*
 * Reinjection: what a slow path still has under way goes again on an idle faster one
 *
 * A bond is as late as its slowest path in two places: at the end of what a
 * program has to say, and where the peer's window is used up while the oldest
 * bytes travel on the slow path.  In both nothing new may be sent, so that a
 * fast path has room to spare.  At the end the packet that would come last goes
 * first, so that both paths are done at the same time; under a full window the
 * oldest is in the way of all others.
 *
 * A record moves from the packet that carried it to its stream, as if it were
 * lost, and leaves at once on the fast path.  The packet stays under way: its
 * path's window and losses are as they were.  Nothing goes twice on the same
 * path, and a copy goes again only where that is faster still.
 */
#include <linux/limits.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include "core/conn.h"
#include "core/ctrl.h"
#include "core/path.h"
#include "core/reinject.h"
#include "sched/sched.h"

static bool tquic_reinject_allowed(const struct tquic_conn *conn)
{
	u64 share = div_u64(conn->stats.bytes_sent, 100) * conn->tune.reinject_percent;

	return conn->tune.reinject_percent &&
	       conn->stats.bytes_reinjected < share + TQUIC_REINJECT_BURST_BYTES;
}

/* First frame in a packet that carries bytes some reader waits for */
static struct tquic_stream *tquic_reinject_stream(const struct tquic_conn *conn,
						  const struct tquic_sent_pkt *pkt)
{
	struct tquic_stream *s;
	struct tquic_rec *rec;

	if (pkt->state != TQUIC_SENT_OUTSTANDING)
		return NULL;
	for (rec = pkt->recs; rec; rec = rec->next) {
		if (rec->kind != TQUIC_REC_STREAM)
			continue;
		s = tquic_streams_find(&conn->streams, rec->id);
		if (s && rec->off + rec->len >= s->tx.una)
			return s;
	}
	return NULL;
}

/* Move the stream frames of a packet to their streams, to be sent next */
static void tquic_reinject_take(struct tquic_conn *conn, struct tquic_sent_pkt *pkt)
{
	struct tquic_rec *rec, *again = NULL, *list = pkt->recs;
	u64 before = conn->stats.bytes_retransmitted;

	pkt->recs = NULL;
	while ((rec = tquic_rec_pop(&list)))
		tquic_rec_push(rec->kind == TQUIC_REC_STREAM ? &again : &pkt->recs,
			       rec);
	tquic_ctrl_on_lost(conn, again);
	conn->stats.bytes_reinjected += conn->stats.bytes_retransmitted - before;
}

/*
 * The oldest packet of @path that would be sooner there if it left on the fast
 * path now.  Those passed over are never looked at again: as time goes on the
 * answer can only become "no".
 */
static struct tquic_sent_pkt *tquic_reinject_oldest(const struct tquic_conn *conn,
						    struct tquic_path *path,
						    u64 sent_after_ns)
{
	struct tquic_sent *sent = &path->space.sent;
	struct tquic_sent_pkt *pkt;

	path->reinject_lo = max(path->reinject_lo, sent->head);
	for (; path->reinject_lo < sent->next; path->reinject_lo++) {
		pkt = tquic_sent_get(sent, path->reinject_lo);
		if (tquic_reinject_stream(conn, pkt) && pkt->sent_ns > sent_after_ns)
			return pkt;
	}
	return NULL;
}

/* The same for the newest packet: those above @reinject_hi have been taken */
static struct tquic_sent_pkt *tquic_reinject_newest(const struct tquic_conn *conn,
						    struct tquic_path *path,
						    u64 sent_after_ns)
{
	struct tquic_sent *sent = &path->space.sent;
	struct tquic_sent_pkt *pkt;

	if (path->reinject_top != sent->next) {
		path->reinject_top = sent->next;
		path->reinject_hi = sent->next;
	}
	for (; path->reinject_hi > sent->head; path->reinject_hi--) {
		pkt = tquic_sent_get(sent, path->reinject_hi - 1);
		if (pkt->state == TQUIC_SENT_OUTSTANDING && pkt->sent_ns <= sent_after_ns)
			break;
		if (tquic_reinject_stream(conn, pkt))
			return pkt;
	}
	return NULL;
}

static bool tquic_reinject_from(struct tquic_conn *conn, struct tquic_path *path,
				u64 arrival_ns)
{
	u64 one_way_ns = tquic_path_one_way_ns(path);
	u64 sent_after_ns = arrival_ns - min(arrival_ns, one_way_ns);
	struct tquic_sent_pkt *pkt;

	if (conn->streams.tx_mem.unsent)
		pkt = tquic_reinject_oldest(conn, path, sent_after_ns);
	else
		pkt = tquic_reinject_newest(conn, path, sent_after_ns);
	if (pkt)
		tquic_reinject_take(conn, pkt);
	return pkt;
}

/**
 * tquic_reinject() - find something that another path should carry again
 * @conn: connection without anything to send, or without credit to send it
 * @now: time in ns
 *
 * Return: path to send on now what has become pending, NULL when nothing has.
 */
struct tquic_path *tquic_reinject(struct tquic_conn *conn, u64 now)
{
	struct tquic_path *fast, *path;
	u64 arrival_ns;
	unsigned int i;

	/* Where only the send buffer is in the way more comes soon. */
	if (conn->tx_full && !conn->streams.tx_mem.unsent)
		return NULL;
	if (!tquic_reinject_allowed(conn))
		return NULL;
	/* The scheduler's rules hold for copies too. */
	fast = conn->sched->get_path(conn, now);
	if (!fast)
		return NULL;
	arrival_ns = now + tquic_path_one_way_ns(fast) + TQUIC_RTT_GRANULARITY_NS;
	for (i = 0; i < TQUIC_PATHS_MAX; i++) {
		path = tquic_conn_path(conn, i);
		if (path && path != fast && tquic_path_is_open(path) &&
		    path->space.eliciting_in_flight &&
		    tquic_reinject_from(conn, path, arrival_ns))
			return fast;
	}
	return NULL;
}
