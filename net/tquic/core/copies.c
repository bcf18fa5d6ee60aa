// SPDX-License-Identifier: GPL-2.0
/*
 * Copies: stream data that goes on every path, for schedulers that want it so
 *
 * Each path has a queue of what others have sent and it has not, or what it is to
 * send twice because a path that had it has failed, or may have.  What was
 * acknowledged meanwhile is passed over, so that a slow path keeps up by leaving
 * out what the fast one has delivered.  A copy is a frame of its own with its own
 * record: either's acknowledgment is enough, and either's loss is made good.
 */
#include <linux/bits.h>
#include <linux/gfp.h>
#include <linux/minmax.h>
#include "core/build.h"
#include "core/conn.h"
#include "core/copies.h"
#include "core/path.h"
#include "core/rec.h"
#include "sched/sched.h"

static struct tquic_rec *tquic_copies_pop(struct tquic_copies *c)
{
	struct tquic_rec *rec = tquic_rec_pop(&c->head);

	if (rec)
		c->count--;
	return rec;
}

/**
 * tquic_copies_owe() - a frame that left is to go on a path, too, or once more
 * @path: path
 * @rec: its record, of kind STREAM
 *
 * Where too many wait, or memory is short, the path leaves it out.
 */
void tquic_copies_owe(struct tquic_path *path, const struct tquic_rec *rec)
{
	struct tquic_copies *c = &path->copies;
	struct tquic_rec *copy = c->count < TQUIC_COPIES_MAX ? tquic_rec_alloc(GFP_ATOMIC) : NULL;

	if (!copy)
		return;
	*copy = *rec;
	copy->next = NULL;
	/* Its loss asks for no more of them. */
	copy->again = false;
	if (c->head)
		c->tail->next = copy;
	else
		c->head = copy;
	c->tail = copy;
	c->count++;
}

/**
 * tquic_copies_repeat() - what was lost, or given back, leaves on a path: once more, perhaps
 * @path: path
 * @rec: record of the frame, of kind STREAM
 * @now: time in ns
 */
void tquic_copies_repeat(struct tquic_path *path, const struct tquic_rec *rec, u64 now)
{
	struct tquic_copies *c = &path->copies;

	if (!c->again || now > c->again_end_ns)
		return;
	c->again--;
	tquic_copies_owe(path, rec);
}

/**
 * tquic_copies_add() - a frame leaves on a path: the others owe it
 * @conn: connection
 * @path: path it leaves on, NULL: all owe it
 * @rec: its record, of kind STREAM
 */
void tquic_copies_add(struct tquic_conn *conn, const struct tquic_path *path,
		      const struct tquic_rec *rec)
{
	u16 slots = tquic_sched_candidates(conn);
	struct tquic_path *other;

	tquic_for_each_slot(conn, slots, other)
		if (other != path)
			tquic_copies_owe(other, rec);
}

/**
 * tquic_copies_on_lost() - packets were lost: what a reader waits for may go on all paths
 * @conn: connection
 * @rec: records of their frames, which go again as they are
 *
 * Where a queue is full what is sent again is likely to be lost as well, at the same place
 * in the next round trip.  So what was lost as a repetition, and holds a reader up, goes on
 * all paths, and once more as it would have.
 */
void tquic_copies_on_lost(struct tquic_conn *conn, const struct tquic_rec *rec)
{
	const struct tquic_stream *s;

	for (; rec && !conn->sched->copies; rec = rec->next) {
		if (rec->kind != TQUIC_REC_STREAM || !rec->again)
			continue;
		s = tquic_streams_find(&conn->streams, rec->id);
		if (s && rec->off <= s->tx.una)
			tquic_copies_add(conn, NULL, rec);
	}
}

/* The stream a copy belongs to; NULL: nobody waits for it any more */
static struct tquic_stream *tquic_copies_wanted(const struct tquic_conn *conn,
						const struct tquic_rec *rec)
{
	struct tquic_stream *s = tquic_streams_find(&conn->streams, rec->id);

	return s && tquic_send_wants(&s->tx, rec) ? s : NULL;
}

/**
 * tquic_copies_path() - path that owes a copy and may send
 * @conn: connection
 * @owed: set to true when a copy waits for no more than a pacer
 * @now: time in ns
 *
 * Return: the path, its oldest copy is still wanted; or NULL.
 */
struct tquic_path *tquic_copies_path(struct tquic_conn *conn, bool *owed, u64 now)
{
	u16 slots = tquic_sched_candidates(conn);
	struct tquic_path *path;

	tquic_for_each_slot(conn, slots, path) {
		while (path->copies.head && !tquic_copies_wanted(conn, path->copies.head))
			tquic_rec_free(tquic_copies_pop(&path->copies));
		if (!path->copies.head || !tquic_sched_room(path))
			continue;
		if (!tquic_sched_paced(path, now))
			return path;
		*owed = true;
	}
	return NULL;
}

/* Part of @rec that fits, as a record of its own; @rec itself when all of it does */
static struct tquic_rec *tquic_copies_clip(struct tquic_copies *c, u32 room)
{
	struct tquic_rec *rec = c->head, *part;

	if (rec->len <= room)
		return tquic_copies_pop(c);
	part = room ? tquic_rec_alloc(GFP_ATOMIC) : NULL;
	if (!part)
		return NULL;
	*part = *rec;
	part->len = room;
	part->fin = false;
	rec->off += room;
	rec->len -= room;
	return part;
}

/**
 * tquic_copies_build() - put what the packet's path owes into the packet
 * @conn: connection
 * @bld: packet under construction
 */
void tquic_copies_build(struct tquic_conn *conn, struct tquic_build *bld)
{
	struct tquic_copies *c = &bld->path->copies;
	struct tquic_stream *s;
	struct tquic_rec *rec;
	u32 room;

	while (c->head) {
		s = tquic_copies_wanted(conn, c->head);
		if (!s || !tquic_send_cut(&s->tx, c->head)) {
			tquic_rec_free(tquic_copies_pop(c));
			continue;
		}
		bld->frame = bld->b.p;
		room = tquic_frame_stream_room(tquic_wbuf_left(&bld->b), s->id,
					       c->head->off, false);
		rec = tquic_copies_clip(c, room);
		bld->nomem |= room && !rec;
		if (!rec)
			return;
		if (!tquic_frame_put_stream(&bld->b, s->id, rec->off, rec->len, rec->fin,
					    false) ||
		    !tquic_send_copy(&s->tx, rec->off, bld->b.p, rec->len)) {
			tquic_build_undo(bld, rec);
			return;
		}
		bld->b.p += rec->len;
		conn->stats.bytes_retransmitted += rec->len;
		conn->stats.bytes_reinjected += rec->len;
		tquic_build_commit(bld, rec);
	}
}

/* The path is out of use, or its scheduler wants none: it owes nothing */
void tquic_copies_drop(struct tquic_path *path)
{
	tquic_rec_free_list(path->copies.head);
	path->copies = (struct tquic_copies){};
}
