// SPDX-License-Identifier: GPL-2.0
/* What the next datagram carries: packets of the handshake, then of the paths */
#include <linux/array_size.h>
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/random.h>
#include <linux/string.h>
#include <trace/events/tquic.h>
#include "core/ahead.h"
#include "core/build.h"
#include "core/conn.h"
#include "core/copies.h"
#include "core/ctrl.h"
#include "core/deadline.h"
#include "core/dgram.h"
#include "core/early.h"
#include "core/hint.h"
#include "core/path.h"
#include "core/reinject.h"
#include "sched/sched.h"

/* A packet of the datagram being put together */
struct tquic_out {
	struct tquic_build bld;
	struct tquic_space *space;
	struct tquic_tx_pkt *pkt;
	u8 *len_field;		/* long header: Length, to be patched */
	u8 *payload;
	bool padded;
	bool other;		/* to or from the path's other address */
	u8 flags;
};

/* The mean distance between packet numbers left out on purpose */
#define TQUIC_OUTPUT_SKIP_MEAN	512

/*
 * Packet number for the next packet.  Now and then one is left out: a peer
 * that acknowledges it has not seen what it claims (RFC 9000 §21.4).
 */
static u64 tquic_output_pn(const struct tquic_space *space)
{
	u64 pn = space->next_pn;

	if (space->level == TQUIC_LEVEL_APP && pn &&
	    !get_random_u32_below(TQUIC_OUTPUT_SKIP_MEAN))
		pn++;
	return pn;
}

/* Another address has an id of its own: the next one where a client tries (RFC 9000 §9.5) */
static const struct tquic_cid *tquic_output_dcid(const struct tquic_conn *conn,
						 const struct tquic_path *path, bool other)
{
	if (!other)
		return tquic_cidset_remote_current(&path->remote);
	return conn->server ? &path->other_dcid : tquic_cidset_remote_next(&path->remote);
}

/*
 * Start a packet at @buf.  Room for its tag is kept.  False: no room, no
 * memory, or the numbers of the space ran out of slots.
 */
static bool tquic_output_begin(struct tquic_conn *conn, struct tquic_path *path,
			       enum tquic_level level, u8 *buf, u32 room,
			       struct tquic_out *o, u64 now)
{
	const struct tquic_cid *dcid = tquic_output_dcid(conn, path, o->other);
	static const u8 types[TQUIC_LEVEL_APP] = {
		[TQUIC_LEVEL_INITIAL] = TQUIC_PKT_INITIAL,
		[TQUIC_LEVEL_EARLY] = TQUIC_PKT_0RTT,
		[TQUIC_LEVEL_HANDSHAKE] = TQUIC_PKT_HANDSHAKE,
	};
	struct tquic_wbuf *b = &o->bld.b;
	struct tquic_tx_pkt *pkt = o->pkt;
	bool put;

	o->space = tquic_conn_space(conn, path, level);
	pkt->level = level;
	pkt->path = path;
	pkt->other = o->other;
	pkt->data = buf;
	pkt->pn = tquic_output_pn(o->space);
	/* Rarely more than two: what fills a packet of one path fills one of another. */
	pkt->pn_len = max_t(u8, 2, tquic_pn_len(pkt->pn, o->space->largest_acked));
	if (!dcid || room < TQUIC_RECORD_ROOM_MIN)
		return false;
	if (tquic_sent_reserve(&o->space->sent, pkt->pn)) {
		conn->tx_nomem = true;
		return false;
	}

	o->bld.path = path;
	o->bld.now = now;
	b->p = buf;
	b->end = buf + room - TQUIC_AEAD_TAG_LEN;
	if (level == TQUIC_LEVEL_APP)
		put = tquic_hdr_put_short(b, dcid, false, conn->tx_phase,
					  pkt->pn_len);
	else
		put = tquic_hdr_put_long(b, conn->version, types[level], dcid,
					 &conn->local.iscid,
					 level == TQUIC_LEVEL_INITIAL ? conn->token : NULL,
					 level == TQUIC_LEVEL_INITIAL ? conn->token_len : 0,
					 pkt->pn_len, &o->len_field);
	pkt->pn_off = b->p - buf;
	if (!put || !tquic_hdr_put_pn(b, pkt->pn, pkt->pn_len))
		return false;
	pkt->hdr_len = b->p - buf;
	o->payload = b->p;
	return true;
}

/* Append PADDING so that the whole datagram part reaches @bytes with its tag */
static void tquic_output_pad(struct tquic_out *o, u32 bytes)
{
	u8 *target = o->pkt->data + bytes - TQUIC_AEAD_TAG_LEN;

	if (target > o->bld.b.end)
		target = o->bld.b.end;
	if (target <= o->bld.b.p)
		return;
	tquic_frame_put_padding(&o->bld.b, target - o->bld.b.p);
	o->padded = true;
}

/* Tell tracers what is in a packet by reading it as its receiver will */
static void tquic_output_trace_frames(const struct tquic_conn *conn,
				      const struct tquic_out *o)
{
	struct tquic_rbuf b = { .p = o->payload, .end = o->bld.b.p };
	const u8 *start = b.p;
	struct tquic_frame f;

	while (tquic_rbuf_left(&b) && !tquic_frame_parse(&b, &f)) {
		trace_tquic_frame(conn, o->pkt->path, o->pkt->level, true,
				  &f, b.p - start);
		start = b.p;
	}
}

/*
 * The header protection sample needs four bytes after the start of the packet number
 * (RFC 9001 §5.4.2).  To be called before another packet begins behind this one.
 */
static void tquic_output_fill(struct tquic_out *o)
{
	u32 bytes = o->bld.b.p - o->payload + o->pkt->pn_len;

	if (bytes < TQUIC_PN_MAX_LEN)
		tquic_frame_put_padding(&o->bld.b, TQUIC_PN_MAX_LEN - bytes);
}

/* Seal the books on a packet: it counts as sent from here on */
static void tquic_output_end(struct tquic_conn *conn, struct tquic_out *o,
			     u64 now)
{
	struct tquic_path *path = o->pkt->path;
	struct tquic_tx_pkt *pkt = o->pkt;
	struct tquic_sent_pkt *sent;
	u8 flags = o->flags;
	u32 bytes;

	tquic_output_fill(o);
	pkt->len = o->bld.b.p - pkt->data;
	bytes = pkt->len + TQUIC_AEAD_TAG_LEN;
	if (o->len_field)
		tquic_hdr_patch_len(o->len_field,
				    bytes - pkt->pn_off);

	if (o->bld.eliciting)
		flags |= TQUIC_SENT_F_ELICITING | TQUIC_SENT_F_IN_FLIGHT;
	else if (o->padded)
		flags |= TQUIC_SENT_F_IN_FLIGHT;
	pkt->ect0 = path->ecn;
	if (pkt->ect0)
		flags |= TQUIC_SENT_F_ECT0;
	sent = tquic_space_on_sent(o->space, pkt->pn, bytes, flags, now);
	if (sent)
		sent->recs = o->bld.recs;
	else
		tquic_rec_free_list(o->bld.recs);
	if (flags & TQUIC_SENT_F_IN_FLIGHT) {
		tquic_cc_on_sent(&path->cc, bytes, now);
		if (path->cc.ops->sampled)
			tquic_rate_on_sent(&path->cc.rate,
					   tquic_sent_rate(&o->space->sent, pkt->pn),
					   path->cc.in_flight, bytes, now);
		tquic_pacer_on_sent(&path->pacer, bytes, now,
				    tquic_path_pacing_rate(path), path->pmtu.bytes);
	}
	if (!path->validated && !pkt->other)
		path->tx_allowed_bytes -= min_t(u64, bytes, path->tx_allowed_bytes);
	path->stats.tx_packets++;
	path->stats.tx_bytes += bytes;
	if (trace_tquic_frame_enabled())
		tquic_output_trace_frames(conn, o);
	trace_tquic_packet_sent(conn, pkt, flags);
	if (o->bld.eliciting)
		tquic_conn_touch_idle(conn, false, now);
}

/* An ACK or PATH_ACK; true when it is in the packet */
static bool tquic_output_put_ack(struct tquic_conn *conn, struct tquic_out *o,
				 const struct tquic_space *space, s64 path_id)
{
	u64 exponent = space->level == TQUIC_LEVEL_APP ?
		       conn->local.ack_delay_exponent :
		       TQUIC_DEFAULT_ACK_DELAY_EXPONENT;
	u64 delay_us = (o->bld.now - space->largest_rx_ns) / NSEC_PER_USEC;
	const struct tquic_ecn_counts *ecn = NULL;

	if (space->rx_ecn.ect0 || space->rx_ecn.ect1 || space->rx_ecn.ce)
		ecn = &space->rx_ecn;
	return tquic_frame_put_ack(&o->bld.b, &space->rx, delay_us >> exponent, ecn, path_id);
}

/* One that is followed to trim the ranges, though it elicits nothing; true: in the packet */
static bool tquic_output_ack(struct tquic_conn *conn, struct tquic_out *o,
			     struct tquic_space *space, s64 path_id)
{
	struct tquic_rec *rec = tquic_build_rec(&o->bld, TQUIC_REC_ACK);

	if (!rec)
		return false;
	if (!tquic_output_put_ack(conn, o, space, path_id)) {
		tquic_build_undo(&o->bld, rec);
		return false;
	}
	rec->id = path_id < 0 ? 0 : path_id;
	rec->off = tquic_ranges_largest(&space->rx);
	rec->level = space->level;
	tquic_rec_push(&o->bld.recs, rec);
	return true;
}

static void tquic_output_crypto(struct tquic_conn *conn, struct tquic_out *o,
				enum tquic_level level)
{
	struct tquic_send *tx = &tquic_conn_crypto(conn, level)->tx;
	struct tquic_send_seg seg;
	struct tquic_rec *rec;

	while (!o->bld.full &&
	       tquic_send_next(tx, tquic_wbuf_left(&o->bld.b), U64_MAX, &seg)) {
		u32 room = tquic_frame_crypto_room(tquic_wbuf_left(&o->bld.b),
						   seg.off);

		if (!tquic_send_seg_clip(&seg, room) || !seg.len)
			return;
		rec = tquic_build_rec(&o->bld, TQUIC_REC_CRYPTO);
		if (!rec)
			return;
		rec->level = level;
		rec->off = seg.off;
		rec->len = seg.len;
		if (!tquic_frame_put_crypto(&o->bld.b, seg.off, seg.len) ||
		    !tquic_send_copy(tx, seg.off, o->bld.b.p, seg.len)) {
			tquic_build_undo(&o->bld, rec);
			return;
		}
		o->bld.b.p += seg.len;
		tquic_build_commit(&o->bld, rec);
		tquic_send_sent(tx, &seg);
	}
}

static void tquic_output_ping(struct tquic_out *o, u8 kind, u64 off)
{
	struct tquic_rec *rec = tquic_build_rec(&o->bld, kind);

	if (!rec)
		return;
	rec->id = o->bld.path->id;
	rec->off = off;
	if (tquic_frame_put_ping(&o->bld.b))
		tquic_build_commit(&o->bld, rec);
	else
		tquic_build_undo(&o->bld, rec);
}

/* Does the packet-number space of a handshake level have something to say? */
static bool tquic_output_hs_wants(struct tquic_conn *conn,
				  enum tquic_level level, u64 now)
{
	if (!(conn->keys_tx & BIT(level)))
		return false;
	/* What may go on in another version does not begin in this one. */
	if (conn->server && conn->prefer && !conn->peer_params_set)
		return false;
	return conn->hs_probes[tquic_hs_index(level)] ||
	       tquic_send_pending(&tquic_conn_crypto(conn, level)->tx) ||
	       tquic_space_ack_due(tquic_conn_space(conn, NULL, level), now);
}

static bool tquic_output_hs_packet(struct tquic_conn *conn,
				   struct tquic_path *path,
				   enum tquic_level level, u8 *buf, u32 room,
				   struct tquic_out *o, u64 now)
{
	unsigned int i = tquic_hs_index(level);

	if (!tquic_output_begin(conn, path, level, buf, room, o, now))
		return false;
	if (tquic_ranges_largest(&o->space->rx) >= 0 &&
	    (o->space->rx_eliciting || o->space->ack_now) &&
	    tquic_output_ack(conn, o, o->space, TQUIC_PATH_ID_NONE))
		tquic_space_ack_sent(o->space);
	/* A probe repeats what waits longest for an acknowledgment, and the
	 * next one goes on from there: either may be the only one to arrive.
	 */
	if (conn->hs_probes[i] &&
	    !tquic_send_pending(&tquic_conn_crypto(conn, level)->tx))
		tquic_ctrl_on_lost(conn, tquic_space_take_oldest(o->space));
	tquic_output_crypto(conn, o, level);
	if (conn->hs_probes[i]) {
		if (!o->bld.eliciting)
			tquic_output_ping(o, TQUIC_REC_PING, 0);
		if (o->bld.eliciting)
			conn->hs_probes[i]--;
	}
	conn->tx_nomem |= o->bld.nomem;
	return o->bld.b.p > o->payload;
}

static void tquic_output_path_frames(struct tquic_conn *conn,
				     struct tquic_path *path,
				     struct tquic_out *o)
{
	struct tquic_rec *rec;
	const u8 *data;

	while (path->responses) {
		if (!tquic_frame_put_path_response(&o->bld.b, path->response[0]))
			return;
		o->bld.eliciting = true;
		path->responses--;
		memmove(path->response[0], path->response[1],
			path->responses * TQUIC_PATH_DATA_LEN);
		/* More than probing frames: we have not moved (RFC 9000 §9.3.3). */
		if (path->state == TQUIC_PATH_ACTIVE)
			tquic_output_ping(o, TQUIC_REC_PING, 0);
	}
	if (!(path->ctl & TQUIC_PATH_CTL_CHALLENGE))
		return;
	rec = tquic_build_rec(&o->bld, TQUIC_REC_PATH_CHALLENGE);
	if (!rec)
		return;
	data = tquic_path_new_challenge(path, o->bld.now);
	o->bld.nomem |= !data;
	rec->id = path->id;
	if (data && tquic_frame_put_path_challenge(&o->bld.b, data))
		tquic_build_commit(&o->bld, rec);
	else
		tquic_build_undo(&o->bld, rec);
}

/* One STREAM frame of @s; false: the packet is full */
static bool tquic_output_stream(struct tquic_conn *conn, struct tquic_out *o,
				struct tquic_stream *s,
				struct tquic_send_seg *seg)
{
	struct tquic_wbuf *b = &o->bld.b;
	struct tquic_rec *rec;
	bool last;
	u32 room;

	/* A frame that fills the packet needs no length. */
	room = tquic_frame_stream_room(tquic_wbuf_left(b), s->id, seg->off, true);
	last = seg->len && seg->len >= room;
	if (!last)
		room = tquic_frame_stream_room(tquic_wbuf_left(b), s->id,
					       seg->off, false);
	if (!tquic_send_seg_clip(seg, room) || (!seg->len && !seg->fin))
		return false;
	rec = tquic_build_rec(&o->bld, TQUIC_REC_STREAM);
	if (!rec)
		return false;
	rec->id = s->id;
	rec->off = seg->off;
	rec->len = seg->len;
	rec->fin = seg->fin;
	rec->again = seg->retx;
	if (!tquic_frame_put_stream(b, s->id, seg->off, seg->len, seg->fin, last)) {
		tquic_build_undo(&o->bld, rec);
		return false;
	}
	if (!tquic_send_copy(&s->tx, seg->off, b->p, seg->len)) {
		tquic_build_undo(&o->bld, rec);
		return false;
	}
	b->p += seg->len;
	tquic_build_commit(&o->bld, rec);
	tquic_send_sent(&s->tx, seg);
	/* A reset waited for the last bytes in front of it. */
	if (s->tx.reset_pending)
		tquic_streams_ctl_set(&conn->streams, s, TQUIC_STREAM_CTL_RESET);
	if (conn->tx_copy && !seg->retx)
		tquic_copies_add(conn, o->bld.path, rec);
	else if (seg->retx)
		tquic_copies_repeat(o->bld.path, rec, o->bld.now);
	if (!seg->retx) {
		tquic_flow_tx_use(&conn->flow_tx, seg->len);
		conn->stats.bytes_sent += seg->len;
	}
	tquic_streams_sent(&conn->streams, s);
	if (tquic_send_blocked_report(&s->tx))
		tquic_streams_ctl_set(&conn->streams, s,
				      TQUIC_STREAM_CTL_BLOCKED);
	if (last)
		o->bld.full = true;
	return !last;
}

/* What of @s goes into the packet next */
static bool tquic_output_seg(struct tquic_conn *conn, struct tquic_out *o,
			     struct tquic_stream *s, const struct tquic_ahead *plan,
			     struct tquic_send_seg *seg)
{
	u32 mtu_bytes = o->bld.path->pmtu.bytes;
	u64 from = 0;

	if (plan->bytes)
		from = tquic_ahead_from(s, plan, mtu_bytes);
	if (from == U64_MAX)
		tquic_ahead_skip(conn, s, plan->bytes, mtu_bytes);
	return tquic_send_next_from(&s->tx, from, tquic_wbuf_left(&o->bld.b),
				    tquic_flow_tx_credit(&conn->flow_tx), seg);
}

/* Streams that are due before @floor_ns are left to another path */
static void tquic_output_streams(struct tquic_conn *conn, struct tquic_out *o, u64 floor_ns)
{
	struct tquic_send_seg seg;
	struct tquic_ahead plan = {};
	struct tquic_stream *s;

	if (!tquic_streams_next_ready(&conn->streams, floor_ns))
		return;
	if (!conn->sched->copies)
		tquic_ahead_plan(conn, o->bld.path, &plan);
	while (!o->bld.full &&
	       (s = tquic_streams_next_ready(&conn->streams, floor_ns))) {
		if (tquic_deadline_reset(conn, s, o->bld.now))
			continue;
		if (!tquic_output_seg(conn, o, s, &plan, &seg)) {
			if (!tquic_wbuf_left(&o->bld.b))
				return;
			if (!tquic_send_pending(&s->tx)) {
				tquic_streams_update_ready(&conn->streams, s);
				continue;
			}
			tquic_streams_park(&conn->streams, s);
			if (tquic_flow_tx_report(&conn->flow_tx))
				conn->ctl |= TQUIC_CONN_CTL_DATA_BLOCKED;
			continue;
		}
		if (!tquic_output_stream(conn, o, s, &seg))
			return;
	}
}

/**
 * tquic_output_has_data() - is anything but acknowledgments and path frames waiting
 * @conn: connection
 * @floor_ns: not counting what is due before
 */
bool tquic_output_has_data(const struct tquic_conn *conn, u64 floor_ns)
{
	return tquic_ctrl_pending(conn) ||
	       (!skb_queue_empty(&conn->dgram_tx) &&
		tquic_dgram_last_due_ns(conn) >= floor_ns) ||
	       tquic_streams_next_ready(&conn->streams, floor_ns) ||
	       tquic_send_pending(&conn->crypto.tx);
}

/*
 * Path that carries the acknowledgments of @path: itself, so that RTT samples
 * mean one path, unless nothing may come through it; then the fastest other.
 */
static struct tquic_path *tquic_output_ack_carrier(const struct tquic_conn *conn,
						   struct tquic_path *path)
{
	struct tquic_path *other, *best = NULL;

	if (path->state == TQUIC_PATH_ACTIVE ||
	    path->state == TQUIC_PATH_VALIDATING)
		return path;
	tquic_for_each_path(conn, other) {
		if (other->state == TQUIC_PATH_ACTIVE &&
		    (!best || other->rtt.srtt_ns < best->rtt.srtt_ns))
			best = other;
	}
	return best || !tquic_path_is_open(path) ? best : path;
}

/* Where the acknowledgment of @path that is due is sent next; nothing leaves where it is down */
static struct tquic_path *tquic_output_ack_path(const struct tquic_conn *conn,
						struct tquic_path *path)
{
	if (path->state == TQUIC_PATH_SUSPECT && !path->acked_here && !path->down &&
	    tquic_path_tx_room(path) >= TQUIC_RECORD_ROOM_MIN)
		return path;
	return tquic_output_ack_carrier(conn, path);
}

/*
 * When the link of a path dies the last acknowledgments on it die as well, and the peer
 * would send again what has arrived.  So a slower path tells about it, too, at times when
 * it acknowledges packets of its own: in general that is no news to the peer, whose
 * measure of the round trip remains that of the path alone.  A failing path tells about
 * all others each time, for what one packet told may not have arrived.
 */
static void tquic_output_tell(struct tquic_conn *conn, struct tquic_path *path,
			      struct tquic_out *o)
{
	bool all = path->state == TQUIC_PATH_SUSPECT;
	struct tquic_path *other;

	tquic_for_each_path(conn, other) {
		if (other->state != TQUIC_PATH_ACTIVE ||
		    tquic_ranges_largest(&other->space.rx) < 0)
			continue;
		if (!all && (other->rtt.srtt_ns >= path->rtt.srtt_ns ||
			     (u32)other->space.largest_rx == other->told_pn))
			continue;
		if (tquic_hint_is_faster(path, other, TQUIC_HINT_TENTHS_TAKEN) ?
		    tquic_output_put_ack(conn, o, &other->space, other->id) :
		    tquic_output_ack(conn, o, &other->space, other->id))
			other->told_pn = other->space.largest_rx;
	}
}

/*
 * Path that is to say what is missing on @path, whose own word takes longer, or NULL.  None is
 * that is spared; and of one that the peer is asked to spare it takes any word as it is.
 */
static struct tquic_path *tquic_output_hint_path(const struct tquic_conn *conn,
						 const struct tquic_path *path, u64 now)
{
	struct tquic_path *fast;

	if (!path->space.hole_due || !conn->multipath || path->state != TQUIC_PATH_ACTIVE ||
	    path->told_backup)
		return NULL;
	fast = tquic_sched_fastest(conn, tquic_sched_candidates(conn) & ~BIT(path->index),
				   false, now);
	return fast && tquic_hint_is_faster(fast, path, TQUIC_HINT_TENTHS_SENT) ? fast : NULL;
}

/*
 * What is missing on slower paths.  The peer may take it for a hint only, so that our own
 * ranges are kept until it has the word of the path.
 */
static void tquic_output_hints(struct tquic_conn *conn, struct tquic_path *path,
			       struct tquic_out *o)
{
	struct tquic_path *other;

	tquic_for_each_path(conn, other)
		if (tquic_output_hint_path(conn, other, o->bld.now) == path &&
		    tquic_output_put_ack(conn, o, &other->space, other->id))
			other->space.hole_due = false;
}

/*
 * A failing path acknowledges what it receives itself, for it may be the only one
 * that works, and once more with its carrier.
 */
static void tquic_output_acks(struct tquic_conn *conn, struct tquic_path *path,
			      struct tquic_out *o)
{
	struct tquic_path *other;
	bool due, carried;

	tquic_for_each_path(conn, other) {
		if (tquic_ranges_largest(&other->space.rx) < 0)
			continue;
		due = tquic_space_ack_due(&other->space, o->bld.now);
		if (other == path)
			due |= other->space.rx_eliciting > 0;
		carried = tquic_output_ack_carrier(conn, other) == path;
		if (!due || (!carried && other != path))
			continue;
		if (!tquic_output_ack(conn, o, &other->space, conn->multipath ?
				      other->id : TQUIC_PATH_ID_NONE))
			continue;
		if (other == path)
			tquic_output_tell(conn, path, o);
		other->acked_here = !carried;
		if (carried)
			tquic_space_ack_sent(&other->space);
	}
	tquic_output_hints(conn, path, o);
}

/* Size of a probe for which there is @room; less than what is wanted proves nothing */
static u32 tquic_output_mtu_probe(const struct tquic_conn *conn,
				  const struct tquic_path *path, u32 room, u64 now)
{
	u32 bytes = tquic_path_mtu_probe(conn, path, now);

	return bytes <= room ? bytes : 0;
}

/* Both are to be probed: does what a reader waits for go with the probe of @path alone? */
static bool tquic_output_probe_first(const struct tquic_conn *conn,
				     const struct tquic_path *path,
				     const struct tquic_path *other)
{
	u16 slots = tquic_sched_candidates(conn);

	return slots & BIT(path->index) && !(slots & BIT(other->index));
}

/*
 * Which path the next 1-RTT packet goes out on, and why; the most urgent
 * reason wins.
 */
static struct tquic_path *tquic_output_pick(struct tquic_conn *conn, u32 room,
					    u8 *why, u64 now)
{
	struct tquic_path *path, *best = NULL;
	bool owes = false, owed = false, due;
	u8 w, best_w = 0;

	tquic_for_each_path(conn, path) {
		struct tquic_path *on;

		if (path->state == TQUIC_PATH_UNUSED)
			continue;
		owes |= !!path->copies.head;
		on = tquic_output_hint_path(conn, path, now);
		path->space.hole_due &= !!on;
		if (on && tquic_path_tx_room(on) >= TQUIC_RECORD_ROOM_MIN &&
		    (!best || best_w > TQUIC_WHY_ACK)) {
			best = on;
			best_w = TQUIC_WHY_ACK;
		}
		on = path;
		due = tquic_space_ack_due(&path->space, now);
		w = 0;
		if (path->responses || (path->ctl & TQUIC_PATH_CTL_CHALLENGE))
			w = TQUIC_WHY_PATH;
		else if (path->probes && !(path->down && due))
			w = TQUIC_WHY_PROBE;
		else if (due)
			w = TQUIC_WHY_ACK;
		else if (tquic_output_mtu_probe(conn, path, room, now))
			w = TQUIC_WHY_MTU;
		if (w == TQUIC_WHY_ACK)
			on = tquic_output_ack_path(conn, path);
		else if (!tquic_path_is_open(path))
			on = NULL;
		if (!w || !on || tquic_path_tx_room(on) < TQUIC_RECORD_ROOM_MIN)
			continue;
		if (!best || w < best_w ||
		    (w == TQUIC_WHY_PROBE && w == best_w &&
		     tquic_output_probe_first(conn, on, best))) {
			best = on;
			best_w = w;
		}
	}
	if (best_w) {
		*why = best_w;
		return best;
	}
	path = owes ? tquic_copies_path(conn, &owed, now) : NULL;
	if (!path && tquic_output_has_data(conn, 0)) {
		*why = TQUIC_WHY_DATA;
		path = conn->sched->get_path(conn, now);
		if (path && !conn->sched->copies)
			tquic_reinject_stalled(conn, path, now);
		return path;
	}
	if (!path && !conn->sched->copies)
		path = tquic_reinject(conn, now);
	if (path || owed)
		*why = TQUIC_WHY_REINJECT;
	return path;
}

/* Tell tracers what the scheduler could choose from, then what it chose */
static void tquic_output_trace_pick(const struct tquic_conn *conn,
				    const struct tquic_path *chosen, u8 why,
				    u64 now)
{
	struct tquic_path *path;

	if (why == TQUIC_WHY_DATA)
		tquic_for_each_path(conn, path)
			if (tquic_sched_usable(path))
				trace_tquic_sched_candidate(conn, path, tquic_sched_room(path),
							    tquic_sched_paced(path, now));
	trace_tquic_sched_decision(conn, chosen, why);
}

/* When the earliest path with room in its window may send again; 0: none */
static u64 tquic_output_pace_due(const struct tquic_conn *conn, u64 now)
{
	struct tquic_path *path;
	u64 t, due = 0;

	tquic_for_each_path(conn, path) {
		if (!tquic_sched_usable(path) || !tquic_sched_room(path))
			continue;
		t = tquic_sched_next_ns(path, now);
		if (t > now)
			due = min_not_zero(due, t);
	}
	return due;
}

static void tquic_output_app_frames(struct tquic_conn *conn,
				    struct tquic_path *path,
				    struct tquic_out *o, u8 why, u32 room)
{
	bool data, probe = why == TQUIC_WHY_PROBE;
	u64 now = o->bld.now, floor_ns = 0;

	/* However much there is to acknowledge, a probe has to elicit an answer. */
	o->bld.b.end -= probe;
	tquic_output_acks(conn, path, o);
	o->bld.b.end += probe;
	if (probe)
		tquic_ackfreq_urge(conn, &o->bld);
	if (why == TQUIC_WHY_PATH) {
		tquic_output_path_frames(conn, path, o);
		if (o->bld.eliciting)
			tquic_output_pad(o, min_t(u32, room, TQUIC_MIN_UDP_PAYLOAD));
		return;
	}
	data = why == TQUIC_WHY_DATA || why == TQUIC_WHY_REINJECT || probe;
	if (!data && tquic_output_has_data(conn, 0))
		data = conn->sched->get_path(conn, now) == path;
	/* Where it may be lost, and the peer may know why, nothing goes that is waited for. */
	if ((path->state != TQUIC_PATH_ACTIVE || (probe && path->peer_backup)) &&
	    tquic_path_others(conn, path))
		data = false;
	if (data && conn->sched->floor_ns)
		floor_ns = conn->sched->floor_ns(conn, path, now);
	if (why == TQUIC_WHY_REINJECT && conn->sched->copies) {
		tquic_copies_build(conn, &o->bld);
		/* New data fills the packet up if the scheduler wants that, and is copied if so. */
		data = data && !o->bld.full &&
		       (conn->sched->get_path(conn, now) == path || conn->tx_copy);
	}
	if (data && !conn->sched->copies)
		tquic_copies_build(conn, &o->bld);
	if (data && !o->bld.full)
		tquic_ctrl_build(conn, &o->bld);
	if (data && !o->bld.full)
		tquic_output_crypto(conn, o, TQUIC_LEVEL_APP);
	if (data && !o->bld.full)
		tquic_dgram_build(conn, &o->bld, path->pmtu.bytes - o->pkt->hdr_len -
				  TQUIC_AEAD_TAG_LEN - 1, o->bld.b.end - o->payload - 1,
				  floor_ns);
	if (data && !o->bld.full)
		tquic_output_streams(conn, o, floor_ns);
	/* Streams may have found that they are blocked. */
	if (data && !o->bld.full && tquic_ctrl_pending(conn))
		tquic_ctrl_build(conn, &o->bld);
	if (probe) {
		if (!o->bld.eliciting)
			tquic_output_ping(o, TQUIC_REC_PING, 0);
		if (o->bld.eliciting)
			path->probes--;
	} else if (!o->bld.eliciting && tquic_cc_can_send(&path->cc) &&
		   tquic_space_wants_ping(&path->space, now, path->rtt.srtt_ns)) {
		tquic_output_ping(o, TQUIC_REC_PING, 0);
	}
}

/* One 1-RTT packet at @buf; false: nothing came of it */
static bool tquic_output_app_packet(struct tquic_conn *conn,
				    struct tquic_path *path, u8 why, u8 *buf,
				    u32 room, struct tquic_out *o, u64 now)
{
	if (!tquic_output_begin(conn, path, TQUIC_LEVEL_APP, buf, room, o, now))
		return false;
	if (why == TQUIC_WHY_MTU) {
		tquic_output_ping(o, TQUIC_REC_MTU_PROBE, room);
		conn->tx_nomem |= o->bld.nomem;
		if (!o->bld.eliciting)
			return false;
		tquic_output_pad(o, room);
		o->flags |= TQUIC_SENT_F_MTU_PROBE;
		path->stats.mtu_probes++;
		tquic_pmtu_on_probe(&path->pmtu, room, now);
		/* The ACK of a packet behind it tells whether it is lost: have one. */
		if (path->cc.in_flight + room < path->cc.cwnd)
			path->probes = max_t(u8, path->probes, 1);
		return true;
	}
	tquic_output_app_frames(conn, path, o, why, room);
	conn->tx_nomem |= o->bld.nomem;
	return o->bld.b.p > o->payload;
}

/*
 * Probing frames for the other address of a path.  The answer to a server's challenge
 * there does not matter: a client that is still at its old address sends other frames
 * along with it, and the path moves back.
 */
static bool tquic_output_other_frames(struct tquic_path *path, struct tquic_out *o)
{
	u8 data[TQUIC_PATH_DATA_LEN];

	if (path->ctl & TQUIC_PATH_CTL_RESPONSE_OTHER) {
		path->ctl &= ~TQUIC_PATH_CTL_RESPONSE_OTHER;
		return tquic_frame_put_path_response(&o->bld.b, path->other_response);
	}
	path->ctl &= ~TQUIC_PATH_CTL_CHALLENGE_OTHER;
	if (path->trial_end_ns) {
		path->trial_due_ns = o->bld.now + TQUIC_RTT_INITIAL_NS;
		return tquic_frame_put_path_challenge(&o->bld.b, path->trial);
	}
	get_random_bytes(data, sizeof(data));
	return tquic_frame_put_path_challenge(&o->bld.b, data);
}

static int tquic_output_other(struct tquic_conn *conn, u8 *buf, u32 room, u64 now,
			      struct tquic_tx_pkt *pkt)
{
	const u8 any = TQUIC_PATH_CTL_RESPONSE_OTHER | TQUIC_PATH_CTL_CHALLENGE_OTHER;
	struct tquic_out o = { .pkt = pkt, .other = true };
	struct tquic_path *path;
	u32 fits;

	tquic_for_each_path(conn, path) {
		if (!(path->ctl & any))
			continue;
		fits = min_t(u32, room, TQUIC_MIN_UDP_PAYLOAD);
		if (path->ctl & TQUIC_PATH_CTL_RESPONSE_OTHER)
			fits = min(fits, path->other_room_bytes);
		if (!tquic_output_begin(conn, path, TQUIC_LEVEL_APP, buf, fits, &o, now) ||
		    !tquic_output_other_frames(path, &o)) {
			path->ctl &= ~any;
			/* A client asks again. */
			if (path->trial_end_ns)
				path->trial_due_ns = now + TQUIC_RTT_INITIAL_NS;
			continue;
		}
		o.bld.eliciting = true;
		tquic_output_pad(&o, fits);
		tquic_output_end(conn, &o, now);
		return 1;
	}
	return 0;
}

static int tquic_output_app(struct tquic_conn *conn, u8 *buf, u32 room, u64 now,
			    struct tquic_tx_pkt *pkt)
{
	struct tquic_out o = { .pkt = pkt };
	struct tquic_path *path;
	u32 buf_bytes = room;
	u8 why = 0;

	if (!(conn->keys_tx & BIT(TQUIC_LEVEL_APP)) || !conn->peer_params_set)
		return 0;
	if (tquic_output_other(conn, buf, room, now, pkt))
		return 1;
	conn->tx_copy = conn->sched->copies;
	path = tquic_output_pick(conn, room, &why, now);
	if (why && trace_tquic_sched_decision_enabled())
		tquic_output_trace_pick(conn, path, why, now);
	if (!path) {
		if (why)
			conn->pace_due_ns = tquic_output_pace_due(conn, now);
		return 0;
	}
	room = why == TQUIC_WHY_MTU ? tquic_output_mtu_probe(conn, path, room, now) :
				      min(room, path->pmtu.bytes);
	room = min_t(u64, room, tquic_path_tx_room(path));
	if (!tquic_output_app_packet(conn, path, why, buf, room, &o, now)) {
		tquic_rec_free_list(o.bld.recs);
		/* There was no memory for more, and what waits may need that. */
		conn->tx_nomem |= buf_bytes < min_t(u64, path->pmtu.bytes,
						    tquic_path_tx_room(path));
		return 0;
	}
	tquic_output_end(conn, &o, now);
	return 1;
}

/* Handshake packets of path 0: those of both levels share a datagram */
static int tquic_output_handshake(struct tquic_conn *conn, u8 *buf, u32 room,
				  u64 now, struct tquic_tx_pkt *pkts)
{
	static const enum tquic_level levels[] = {
		TQUIC_LEVEL_INITIAL, TQUIC_LEVEL_HANDSHAKE,
	};
	struct tquic_path *path = tquic_conn_path(conn, 0);
	struct tquic_out o[ARRAY_SIZE(levels)] = {};
	bool pad = false;
	u32 used = 0;
	int i, n = 0;

	if (!path || (!tquic_output_hs_wants(conn, levels[0], now) &&
		      !tquic_output_hs_wants(conn, levels[1], now)))
		return 0;
	room = min(room, path->pmtu.bytes);
	room = min_t(u64, room, tquic_path_tx_room(path));
	for (i = 0; i < ARRAY_SIZE(levels); i++) {
		if (!tquic_output_hs_wants(conn, levels[i], now))
			continue;
		/* Initial packets are padded; with less allowed, wait. */
		if (levels[i] == TQUIC_LEVEL_INITIAL &&
		    room < TQUIC_MIN_UDP_PAYLOAD)
			break;
		o[n].pkt = &pkts[n];
		if (!tquic_output_hs_packet(conn, path, levels[i], buf + used,
					    room - used, &o[n], now)) {
			tquic_rec_free_list(o[n].bld.recs);
			memset(&o[n], 0, sizeof(o[n]));
			continue;
		}
		if (levels[i] == TQUIC_LEVEL_INITIAL)
			pad |= !conn->server || o[n].bld.eliciting;
		tquic_output_fill(&o[n]);
		used = o[n].bld.b.p + TQUIC_AEAD_TAG_LEN - buf;
		n++;
	}
	/* RFC 9000 §14.1: the last packet carries the padding of all. */
	if (n && pad)
		tquic_output_pad(&o[n - 1], TQUIC_MIN_UDP_PAYLOAD -
				 (pkts[n - 1].data - buf));
	for (i = 0; i < n; i++) {
		tquic_output_end(conn, &o[i], now);
		/* RFC 9001 §4.9.1; the packet in hand is still to be sealed. */
		if (!conn->server && pkts[i].level == TQUIC_LEVEL_HANDSHAKE)
			conn->drop_initial = true;
	}
	return n;
}

/*
 * A 0-RTT packet: what the program wrote, on the only path there is.  Nothing that
 * is about ids or paths, and no acknowledgment, may be in it.
 */
static int tquic_output_early(struct tquic_conn *conn, u8 *buf, u32 room, u64 now,
			      struct tquic_tx_pkt *pkt)
{
	struct tquic_path *path = tquic_conn_path(conn, 0);
	struct tquic_out o = { .pkt = pkt };

	if (!tquic_early_can_send(conn) || !path || !tquic_sched_room(path))
		return 0;
	if (tquic_sched_paced(path, now)) {
		conn->pace_due_ns = tquic_output_pace_due(conn, now);
		return 0;
	}
	room = min(room, path->pmtu.bytes);
	if (!tquic_output_begin(conn, path, TQUIC_LEVEL_EARLY, buf, room, &o, now))
		return 0;
	conn->tx_copy = false;
	tquic_ctrl_build_early(conn, &o.bld);
	if (!o.bld.full)
		tquic_dgram_build(conn, &o.bld, o.bld.b.end - o.payload - 1,
				  o.bld.b.end - o.payload - 1, 0);
	if (!o.bld.full)
		tquic_output_streams(conn, &o, 0);
	conn->tx_nomem |= o.bld.nomem;
	if (o.bld.b.p == o.payload) {
		tquic_rec_free_list(o.bld.recs);
		return 0;
	}
	tquic_output_end(conn, &o, now);
	return 1;
}

static bool tquic_output_close_frame(struct tquic_conn *conn,
				     struct tquic_out *o,
				     enum tquic_level level)
{
	const struct tquic_close *c = &conn->closed;
	bool app = c->flags & TQUIC_CLOSE_APP;

	/* RFC 9000 §10.2.3: no application words before 1-RTT. */
	if (app && level != TQUIC_LEVEL_APP)
		return tquic_frame_put_close(&o->bld.b, false,
					     TQUIC_ERR_APPLICATION, 0, NULL, 0);
	return tquic_frame_put_close(&o->bld.b, app, c->error_code,
				     c->frame_type, c->reason, c->reason_len);
}

/* The next path that is to carry the CONNECTION_CLOSE */
static struct tquic_path *tquic_output_close_path(struct tquic_conn *conn)
{
	struct tquic_path *path;
	unsigned int i;

	for (i = 0; i < TQUIC_PATHS_MAX; i++) {
		path = tquic_conn_path(conn, i);
		if (conn->close_paths & BIT(i) && path && tquic_path_is_open(path) &&
		    tquic_path_tx_room(path))
			return path;
		conn->close_paths &= ~BIT(i);
	}
	return NULL;
}

/* CONNECTION_CLOSE, in one packet of every level the peer may have keys for */
static int tquic_output_close_on(struct tquic_conn *conn, struct tquic_path *path, u8 *buf,
				 u32 room, u64 now, struct tquic_tx_pkt *pkts)
{
	struct tquic_out o[TQUIC_LEVEL_COUNT] = {};
	enum tquic_level level;
	int i, n = 0;
	u32 used = 0;

	room = min(room, path->pmtu.bytes);
	room = min_t(u64, room, tquic_path_tx_room(path));
	for (level = 0; level < TQUIC_LEVEL_COUNT; level++) {
		if (!(conn->close_levels & conn->keys_tx & BIT(level)))
			continue;
		o[n].pkt = &pkts[n];
		if (!tquic_output_begin(conn, path, level, buf + used,
					room - used, &o[n], now) ||
		    !tquic_output_close_frame(conn, &o[n], level)) {
			memset(&o[n], 0, sizeof(o[n]));
			continue;
		}
		used = o[n].bld.b.p + TQUIC_AEAD_TAG_LEN - buf;
		n++;
	}
	if (n && pkts[0].level == TQUIC_LEVEL_INITIAL && !conn->server)
		tquic_output_pad(&o[n - 1], TQUIC_MIN_UDP_PAYLOAD -
				 (pkts[n - 1].data - buf));
	for (i = 0; i < n; i++)
		tquic_output_end(conn, &o[i], now);
	return n;
}

/* It is not repeated before the peer asks, so it leaves on each path: some may be dead. */
static int tquic_output_close(struct tquic_conn *conn, u8 *buf, u32 room, u64 now,
			      struct tquic_tx_pkt *pkts)
{
	struct tquic_path *path;
	int n;

	while ((path = tquic_output_close_path(conn))) {
		n = tquic_output_close_on(conn, path, buf, room, now, pkts);
		if (!n && conn->tx_nomem)
			return 0;
		conn->close_paths &= ~BIT(path->index);
		if (n)
			return n;
	}
	conn->close_levels = 0;
	return 0;
}

/*
 * Nothing is left to be sent. Rates measured while a path could have taken more
 * tell what was offered to it and not what it carries.
 */
static void tquic_output_unused(struct tquic_conn *conn, u64 now)
{
	struct tquic_path *path;

	tquic_for_each_path(conn, path) {
		if (tquic_sched_usable(path) && tquic_sched_room(path) &&
		    !tquic_sched_paced(path, now))
			tquic_rate_app_limited(&path->cc.rate, path->cc.in_flight);
	}
}

/**
 * tquic_conn_output() - build the next datagram
 * @conn: connection
 * @buf: where it goes; a tag's room is left behind every packet
 * @room: bytes at @buf, at least the largest payload of any path
 * @now: time in ns
 * @pkts: the packets in it, to be sealed; all leave on pkts[0].path
 *
 * The packets count as sent when this returns.  The caller repeats the call
 * until it returns 0.
 *
 * Return: number of packets, 0: nothing to send now.
 */
int tquic_conn_output(struct tquic_conn *conn, u8 *buf, u32 room, u64 now,
		      struct tquic_tx_pkt pkts[TQUIC_LEVEL_COUNT])
{
	int n;

	conn->tx_nomem = false;
	conn->pace_due_ns = 0;
	if (conn->drop_initial) {
		conn->drop_initial = false;
		tquic_conn_discard_level(conn, TQUIC_LEVEL_INITIAL, now);
	}
	switch (conn->state) {
	case TQUIC_STATE_CLOSING:
		n = tquic_output_close(conn, buf, room, now, pkts);
		break;
	case TQUIC_STATE_HANDSHAKE:
	case TQUIC_STATE_ESTABLISHED:
		n = tquic_output_handshake(conn, buf, room, now, pkts);
		if (!n)
			n = tquic_output_early(conn, buf, room, now, pkts);
		if (!n)
			n = tquic_output_app(conn, buf, room, now, pkts);
		break;
	default:
		return 0;
	}
	if (!n && conn->tx_nomem)
		conn->pace_due_ns = now + TQUIC_TX_RETRY_NS;
	if (!n && conn->cc_ops->sampled)
		tquic_output_unused(conn, now);
	return n;
}
