// SPDX-License-Identifier: GPL-2.0
/*
 * Reinjection: what a slow path still has under way goes again on an idle faster one
 *
 * A bond is as late as its slowest path in three places: at the end of what a
 * program has to say, where the peer's window is used up while the oldest bytes
 * travel on the slow path, and where that has become slower since it was given
 * bytes far ahead of the others.  In the first two nothing new may be sent, so
 * that a fast path has room to spare.  At the end the packet that would come last
 * goes first, so that both paths are done at the same time; under a full window
 * the oldest is in the way of all others.  In the third the reader sees nothing
 * while the fast path brings what comes later: there what the slow path holds of
 * the bytes before goes first.
 *
 * A record moves from the packet that carried it to its stream, as if it were
 * lost, and leaves at once on the fast path.  The packet stays under way: its
 * path's window and losses are as they were.  Nothing of that goes twice on the
 * same path, and a copy goes again only where that is faster still.
 *
 * A path whose acknowledgments are overdue keeps its records, for it may be well:
 * others are given copies of the first of them.
 */
#include <linux/bits.h>
#include <linux/limits.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include "core/ackfreq.h"
#include "core/conn.h"
#include "core/copies.h"
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

/*
 * Stream of the first frame in a packet with bytes that are still to arrive: any, or those
 * that a reader waits for now
 */
static struct tquic_stream *tquic_reinject_stream(const struct tquic_conn *conn,
						  const struct tquic_sent_pkt *pkt, bool awaited)
{
	struct tquic_stream *s;
	struct tquic_rec *rec;

	if (pkt->state != TQUIC_SENT_OUTSTANDING)
		return NULL;
	for (rec = pkt->recs; rec; rec = rec->next) {
		if (rec->kind != TQUIC_REC_STREAM)
			continue;
		s = tquic_streams_find(&conn->streams, rec->id);
		if (s && tquic_send_wants(&s->tx, rec) && (!awaited || rec->off <= s->tx.una))
			return s;
	}
	return NULL;
}

/* Move the stream frames of a packet to their streams, to be sent next */
static void tquic_reinject_take(struct tquic_conn *conn, struct tquic_sent_pkt *pkt)
{
	struct tquic_rec *again = NULL;
	u64 before = conn->stats.bytes_retransmitted;

	tquic_rec_take_stream(&again, &pkt->recs);
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
		if (tquic_reinject_stream(conn, pkt, false) && pkt->sent_ns > sent_after_ns)
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
		if (tquic_reinject_stream(conn, pkt, false))
			return pkt;
	}
	return NULL;
}

/* What jitter may make late counts as late: the fast path has nothing else to do. */
static bool tquic_reinject_from(struct tquic_conn *conn, struct tquic_path *path,
				u64 arrival_ns)
{
	u64 one_way_ns = tquic_path_one_way_ns(path) + path->rtt.rttvar_ns;
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
	tquic_for_each_path(conn, path) {
		if (path != fast && tquic_path_is_open(path) &&
		    path->space.eliciting_in_flight &&
		    tquic_reinject_from(conn, path, arrival_ns))
			return fast;
	}
	return NULL;
}

/* Does a packet under way carry bytes of the stream before @end that are still to arrive? */
static bool tquic_reinject_before(const struct tquic_sent_pkt *pkt,
				  const struct tquic_stream *s, u64 end)
{
	const struct tquic_rec *rec;

	if (pkt->state != TQUIC_SENT_OUTSTANDING)
		return false;
	for (rec = pkt->recs; rec; rec = rec->next)
		if (rec->kind == TQUIC_REC_STREAM && rec->id == s->id && rec->off < end &&
		    tquic_send_wants(&s->tx, rec))
			return true;
	return false;
}

/*
 * If @path holds the oldest bytes of the stream: take what it holds of all those the
 * fast path has come past, where the acknowledgment is overdue or it would be there
 * later than if it left on the fast path now.  True when there was something.
 */
static bool tquic_reinject_held(struct tquic_conn *conn, struct tquic_path *path,
				const struct tquic_stream *s, u64 arrival_ns, u64 now)
{
	u64 one_way_ns = tquic_path_one_way_ns(path), end = s->tx.una + 1;
	struct tquic_sent *sent = &path->space.sent;
	struct tquic_sent_pkt *pkt;
	bool taken = false;
	u64 pn;

	for (pn = sent->head; pn < sent->next && tquic_reinject_allowed(conn); pn++) {
		pkt = tquic_sent_get(sent, pn);
		if (!tquic_reinject_before(pkt, s, end)) {
			/* Its oldest of the stream is not the stream's oldest. */
			if (tquic_reinject_before(pkt, s, U64_MAX) && !taken)
				break;
			continue;
		}
		if (end == s->tx.una + 1)
			end = tquic_send_frontier(&s->tx);
		if (pkt->sent_ns + path->rtt.srtt_ns < now ||
		    pkt->sent_ns + one_way_ns > arrival_ns) {
			tquic_reinject_take(conn, pkt);
			taken = true;
		}
	}
	return taken;
}

/**
 * tquic_reinject_stalled() - the reader of the next stream waits for a slow path
 * @conn: connection with data to send
 * @fast: path it is about to be sent on
 * @now: time in ns
 *
 * It waits when later bytes have arrived and nothing came to the oldest for two
 * round trips of the fast path.
 */
void tquic_reinject_stalled(struct tquic_conn *conn, struct tquic_path *fast, u64 now)
{
	struct tquic_stream *s = tquic_streams_next_ready(&conn->streams, 0);
	u64 wait_ns = 2 * fast->rtt.srtt_ns, arrival_ns;
	struct tquic_path *path;
	bool taken = false;

	if (!s || RB_EMPTY_ROOT(&s->tx.acked) || now < s->head_ns + wait_ns)
		return;
	arrival_ns = now + tquic_path_one_way_ns(fast) + TQUIC_RTT_GRANULARITY_NS;
	tquic_for_each_path(conn, path) {
		taken = path != fast && tquic_path_is_open(path) &&
			path->space.eliciting_in_flight &&
			tquic_reinject_held(conn, path, s, arrival_ns, now);
		if (taken)
			break;
	}
	/* Where it is not late yet, look again soon. */
	s->head_ns = taken ? now : now - wait_ns + wait_ns / 8;
}

/*
 * @to is to send copies of the data in so many of @path's oldest packets: in those that a
 * reader waits for, or in the others.  How many there were.
 */
static u32 tquic_reinject_copy(struct tquic_conn *conn, const struct tquic_path *path,
			       struct tquic_path *to, u32 pkts, bool awaited)
{
	const struct tquic_sent *sent = &path->space.sent;
	const struct tquic_sent_pkt *pkt;
	const struct tquic_rec *rec;
	u32 done = 0;
	u64 pn;

	for (pn = sent->head; pn < sent->next && done < pkts; pn++) {
		pkt = tquic_sent_get(sent, pn);
		if (!tquic_reinject_stream(conn, pkt, false) ||
		    !!tquic_reinject_stream(conn, pkt, true) != awaited)
			continue;
		for (rec = pkt->recs; rec; rec = rec->next)
			if (rec->kind == TQUIC_REC_STREAM)
				tquic_copies_owe(to, rec);
		done++;
	}
	return done;
}

/**
 * tquic_reinject_overdue() - a path may have failed: its oldest data goes elsewhere, too
 * @conn: connection with other paths
 * @path: path whose acknowledgments are overdue
 * @now: time in ns
 *
 * What readers wait for goes first.  What came last may have arrived, and there was not
 * enough for an acknowledgment: so many packets go, and the one after them.
 */
void tquic_reinject_overdue(struct tquic_conn *conn, struct tquic_path *path, u64 now)
{
	u16 slots = tquic_sched_candidates(conn) & ~BIT(path->index);
	struct tquic_path *other = tquic_sched_fastest(conn, slots, false, now);
	u32 pkts = tquic_ackfreq_peer_threshold(conn) + 1;

	if (!other || conn->sched->copies || !tquic_reinject_allowed(conn))
		return;
	pkts -= tquic_reinject_copy(conn, path, other, pkts, true);
	tquic_reinject_copy(conn, path, other, pkts, false);
}
