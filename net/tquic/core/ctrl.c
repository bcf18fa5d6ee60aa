// SPDX-License-Identifier: GPL-2.0
/* Control frames, and what becomes of every frame once its packet is acked or lost */
#include <linux/array_size.h>
#include <linux/bits.h>
#include <linux/minmax.h>
#include "core/build.h"
#include "core/conn.h"
#include "core/ctrl.h"
#include "core/path.h"

/**
 * tquic_build_rec() - record for the next frame
 * @bld: packet under construction
 * @kind: enum tquic_rec_kind
 *
 * Return: the record, to be given to tquic_build_commit() or
 * tquic_build_undo(), or NULL without memory: no more frames then.
 */
struct tquic_rec *tquic_build_rec(struct tquic_build *bld, u8 kind)
{
	struct tquic_rec *rec = tquic_rec_alloc(GFP_ATOMIC);

	if (!rec) {
		bld->full = true;
		bld->nomem = true;
		return NULL;
	}
	rec->kind = kind;
	bld->frame = bld->b.p;
	return rec;
}

/* The frame of @rec is in the packet, and the peer has to acknowledge it */
void tquic_build_commit(struct tquic_build *bld, struct tquic_rec *rec)
{
	tquic_rec_push(&bld->recs, rec);
	bld->eliciting = true;
}

/* The frame of @rec did not fit: nothing of it stays in the packet */
void tquic_build_undo(struct tquic_build *bld, struct tquic_rec *rec)
{
	tquic_rec_free(rec);
	bld->b.p = bld->frame;
	bld->full = true;
}

/* Finish a frame: @put says whether it fitted */
static bool tquic_ctrl_finish(struct tquic_build *bld, struct tquic_rec *rec,
			      bool put)
{
	if (put)
		tquic_build_commit(bld, rec);
	else
		tquic_build_undo(bld, rec);
	return put;
}

/* Path id operand: frames of RFC 9000 while multipath is not negotiated */
static s64 tquic_ctrl_path_id(const struct tquic_conn *conn,
			      const struct tquic_path *path)
{
	return conn->multipath ? path->id : TQUIC_PATH_ID_NONE;
}

/* Frames of the connection, in the order in which they are written */
static const struct {
	u8 bit;			/* enum tquic_conn_ctl */
	u8 kind;		/* enum tquic_rec_kind */
} tquic_ctrl_conn_frames[] = {
	{ TQUIC_CONN_CTL_HANDSHAKE_DONE, TQUIC_REC_HANDSHAKE_DONE },
	{ TQUIC_CONN_CTL_NEW_TOKEN, TQUIC_REC_NEW_TOKEN },
	{ TQUIC_CONN_CTL_MAX_DATA, TQUIC_REC_MAX_DATA },
	{ TQUIC_CONN_CTL_DATA_BLOCKED, TQUIC_REC_DATA_BLOCKED },
	{ TQUIC_CONN_CTL_MAX_PATH_ID, TQUIC_REC_MAX_PATH_ID },
	{ TQUIC_CONN_CTL_PATHS_BLOCKED, TQUIC_REC_PATHS_BLOCKED },
	{ TQUIC_CONN_CTL_PING, TQUIC_REC_PING },
};

static bool tquic_ctrl_put_conn(const struct tquic_conn *conn, struct tquic_wbuf *b,
				struct tquic_rec *rec)
{
	switch (rec->kind) {
	case TQUIC_REC_HANDSHAKE_DONE:
		return tquic_frame_put_handshake_done(b);
	case TQUIC_REC_NEW_TOKEN:
		return tquic_frame_put_new_token(b, conn->new_token, conn->new_token_len);
	case TQUIC_REC_MAX_DATA:
		rec->off = conn->flow_rx.max;
		return tquic_frame_put_max_data(b, rec->off);
	case TQUIC_REC_DATA_BLOCKED:
		rec->off = conn->flow_tx.max;
		return tquic_frame_put_data_blocked(b, rec->off);
	case TQUIC_REC_MAX_PATH_ID:
		rec->off = conn->max_path_id_local;
		return tquic_frame_put_max_path_id(b, rec->off);
	case TQUIC_REC_PATHS_BLOCKED:
		rec->off = conn->max_path_id_peer;
		return tquic_frame_put_paths_blocked(b, rec->off);
	default:
		return tquic_frame_put_ping(b);
	}
}

static void tquic_ctrl_build_conn(struct tquic_conn *conn,
				  struct tquic_build *bld)
{
	struct tquic_rec *rec;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tquic_ctrl_conn_frames); i++) {
		if (!(conn->ctl & tquic_ctrl_conn_frames[i].bit))
			continue;
		rec = tquic_build_rec(bld, tquic_ctrl_conn_frames[i].kind);
		if (!rec || !tquic_ctrl_finish(bld, rec, tquic_ctrl_put_conn(conn, &bld->b, rec)))
			return;
		conn->ctl &= ~tquic_ctrl_conn_frames[i].bit;
	}
	if (conn->ctl & TQUIC_CONN_CTL_ACK_FREQUENCY)
		tquic_ackfreq_build(conn, bld);
}

static void tquic_ctrl_build_max_streams(struct tquic_conn *conn,
					 struct tquic_build *bld)
{
	struct tquic_streams *t = &conn->streams;
	struct tquic_rec *rec;
	unsigned int uni;
	bool put;

	for (uni = 0; uni < 2; uni++) {
		if (t->grant_due & BIT(uni)) {
			rec = tquic_build_rec(bld, uni ? TQUIC_REC_MAX_STREAMS_UNI :
					      TQUIC_REC_MAX_STREAMS_BIDI);
			if (!rec)
				return;
			rec->off = t->max_remote[uni];
			put = tquic_frame_put_max_streams(&bld->b, rec->off, !uni);
			if (!tquic_ctrl_finish(bld, rec, put))
				return;
			t->grant_due &= ~BIT(uni);
		}
		if (t->blocked_due & BIT(uni)) {
			rec = tquic_build_rec(bld, uni ? TQUIC_REC_STREAMS_BLOCKED_UNI :
					      TQUIC_REC_STREAMS_BLOCKED_BIDI);
			if (!rec)
				return;
			rec->off = t->peer.streams[uni];
			put = tquic_frame_put_streams_blocked(&bld->b, rec->off, !uni);
			if (!tquic_ctrl_finish(bld, rec, put))
				return;
			t->blocked_due &= ~BIT(uni);
		}
	}
}

static bool tquic_ctrl_build_one_stream(struct tquic_build *bld,
					struct tquic_streams *t,
					struct tquic_stream *s, u8 bit)
{
	static const u8 kinds[] = {
		[TQUIC_STREAM_CTL_RESET] = TQUIC_REC_RESET_STREAM,
		[TQUIC_STREAM_CTL_STOP] = TQUIC_REC_STOP_SENDING,
		[TQUIC_STREAM_CTL_MAX_DATA] = TQUIC_REC_MAX_STREAM_DATA,
		[TQUIC_STREAM_CTL_BLOCKED] = TQUIC_REC_STREAM_DATA_BLOCKED,
	};
	struct tquic_rec *rec = tquic_build_rec(bld, kinds[bit]);
	bool put = false;

	if (!rec)
		return false;
	rec->id = s->id;
	switch (bit) {
	case TQUIC_STREAM_CTL_RESET:
		rec->off = s->tx.reliable;
		put = rec->off ?
		      tquic_frame_put_reset_stream_at(&bld->b, s->id, s->tx.reset_code,
						      tquic_send_final_size(&s->tx),
						      rec->off) :
		      tquic_frame_put_reset_stream(&bld->b, s->id, s->tx.reset_code,
						   tquic_send_final_size(&s->tx));
		break;
	case TQUIC_STREAM_CTL_STOP:
		put = tquic_frame_put_stop_sending(&bld->b, s->id,
						   s->rx.stop_code);
		break;
	case TQUIC_STREAM_CTL_MAX_DATA:
		rec->off = s->rx.flow.max;
		put = tquic_frame_put_max_stream_data(&bld->b, s->id, rec->off);
		break;
	case TQUIC_STREAM_CTL_BLOCKED:
		rec->off = s->tx.max_data;
		put = tquic_frame_put_stream_data_blocked(&bld->b, s->id,
							  rec->off);
		break;
	}
	if (!tquic_ctrl_finish(bld, rec, put))
		return false;
	if (bit == TQUIC_STREAM_CTL_RESET)
		tquic_send_reset_sent(&s->tx);
	if (bit == TQUIC_STREAM_CTL_STOP)
		tquic_recv_stop_sent(&s->rx);
	tquic_streams_ctl_clear(t, s, bit);
	return true;
}

static void tquic_ctrl_build_streams(struct tquic_conn *conn,
				     struct tquic_build *bld)
{
	struct tquic_stream *s;
	u8 bit;

	while ((s = tquic_streams_next_ctl(&conn->streams))) {
		if (!tquic_recv_wants_credit(&s->rx))
			tquic_streams_ctl_clear(&conn->streams, s,
						TQUIC_STREAM_CTL_MAX_DATA);
		for (bit = 1; bit <= TQUIC_STREAM_CTL_BLOCKED; bit <<= 1)
			if ((s->ctl & bit) &&
			    !tquic_ctrl_build_one_stream(bld, &conn->streams, s, bit))
				return;
	}
}

/* PATH_ABANDON and the like of @path, which may travel on any path */
static void tquic_ctrl_build_path(struct tquic_conn *conn,
				  struct tquic_path *path,
				  struct tquic_build *bld)
{
	struct tquic_rec *rec;

	if (path->ctl & TQUIC_PATH_CTL_ABANDON) {
		rec = tquic_build_rec(bld, TQUIC_REC_PATH_ABANDON);
		if (!rec)
			return;
		rec->id = path->id;
		if (!tquic_ctrl_finish(bld, rec,
				       tquic_frame_put_path_abandon(&bld->b, path->id,
								    path->abandon_error)))
			return;
		path->ctl &= ~TQUIC_PATH_CTL_ABANDON;
	}
	if ((path->ctl & TQUIC_PATH_CTL_STATUS) && conn->multipath &&
	    !(bld->told & BIT(path->index))) {
		rec = tquic_build_rec(bld, TQUIC_REC_PATH_STATUS);
		if (!rec)
			return;
		rec->id = path->id;
		rec->off = path->status_seq;
		if (!tquic_ctrl_finish(bld, rec,
				       tquic_frame_put_path_status(&bld->b, path->id,
								   rec->off,
								   path->told_backup)))
			return;
		if (tquic_path_told(path))
			bld->told |= BIT(path->index);
	}
	if (path->ctl & TQUIC_PATH_CTL_CIDS_BLOCKED) {
		rec = tquic_build_rec(bld, TQUIC_REC_PATH_CIDS_BLOCKED);
		if (!rec)
			return;
		rec->id = path->id;
		rec->off = path->remote.seen_base;
		if (!tquic_ctrl_finish(bld, rec,
				       tquic_frame_put_path_cids_blocked(&bld->b, path->id,
									 rec->off)))
			return;
		path->ctl &= ~TQUIC_PATH_CTL_CIDS_BLOCKED;
	}
}

/* New and retired connection ids of @path */
static void tquic_ctrl_build_cids(struct tquic_conn *conn,
				  struct tquic_path *path,
				  struct tquic_build *bld)
{
	s64 path_id = tquic_ctrl_path_id(conn, path);
	u8 token[TQUIC_RESET_TOKEN_LEN];
	struct tquic_cid_local *e;
	struct tquic_rec *rec;
	u64 seq;

	while ((e = tquic_cidset_local_next_unsent(&path->local))) {
		rec = tquic_build_rec(bld, TQUIC_REC_NEW_CID);
		if (!rec)
			return;
		rec->id = path->id;
		rec->off = e->seq;
		conn->ops->reset_token(conn, &e->cid, token);
		if (!tquic_ctrl_finish(bld, rec,
				       tquic_frame_put_new_cid(&bld->b, path_id, e->seq, 0,
							       &e->cid, token)))
			return;
		e->unsent = false;
		e->told = true;
	}
	while (tquic_cidset_remote_next_retire(&path->remote, &seq)) {
		rec = tquic_build_rec(bld, TQUIC_REC_RETIRE_CID);
		if (!rec)
			return;
		rec->id = path->id;
		rec->off = seq;
		if (!tquic_ctrl_finish(bld, rec,
				       tquic_frame_put_retire_cid(&bld->b, path_id, seq)))
			return;
		tquic_cidset_remote_retire_sent(&path->remote, seq);
	}
}

/**
 * tquic_ctrl_pending() - is any control frame waiting that can go on any path
 * @conn: connection
 */
bool tquic_ctrl_pending(const struct tquic_conn *conn)
{
	struct tquic_path *path;
	u64 seq;

	if (conn->ctl || conn->streams.grant_due || conn->streams.blocked_due ||
	    tquic_streams_next_ctl(&conn->streams))
		return true;
	tquic_for_each_path(conn, path) {
		if (path->ctl & (TQUIC_PATH_CTL_ABANDON |
				 TQUIC_PATH_CTL_CIDS_BLOCKED))
			return true;
		if ((path->ctl & TQUIC_PATH_CTL_STATUS) && conn->multipath)
			return true;
		if (path->state == TQUIC_PATH_ABANDONED)
			continue;
		if (tquic_cidset_local_next_unsent(&path->local) ||
		    tquic_cidset_remote_next_retire(&path->remote, &seq))
			return true;
	}
	return false;
}

/**
 * tquic_ctrl_build_early() - put control frames of streams and credit into a packet
 * @conn: client's connection in its handshake
 * @bld: 0-RTT packet under construction
 */
void tquic_ctrl_build_early(struct tquic_conn *conn, struct tquic_build *bld)
{
	tquic_ctrl_build_conn(conn, bld);
	if (!bld->full)
		tquic_ctrl_build_max_streams(conn, bld);
	if (!bld->full)
		tquic_ctrl_build_streams(conn, bld);
}

/**
 * tquic_ctrl_build() - put as many control frames as fit into a 1-RTT packet
 * @conn: connection
 * @bld: packet under construction
 *
 * What does not fit stays flagged for the next packet.
 */
void tquic_ctrl_build(struct tquic_conn *conn, struct tquic_build *bld)
{
	struct tquic_path *path;
	unsigned int i;

	tquic_ctrl_build_conn(conn, bld);
	/* Ids of higher paths come before spares of path 0: some peers look
	 * for path 1 once, and early.
	 */
	for (i = TQUIC_PATHS_MAX; i-- && !bld->full;) {
		path = tquic_conn_path(conn, i);
		if (!path)
			continue;
		tquic_ctrl_build_path(conn, path, bld);
		if (path->state != TQUIC_PATH_ABANDONED && !bld->full)
			tquic_ctrl_build_cids(conn, path, bld);
	}
	if (!bld->full)
		tquic_ctrl_build_max_streams(conn, bld);
	if (!bld->full)
		tquic_ctrl_build_streams(conn, bld);
}

/* A stream's frame was lost: have what is still wanted of it sent again */
static void tquic_ctrl_stream_lost(struct tquic_conn *conn,
				   struct tquic_rec *rec)
{
	struct tquic_stream *s = tquic_streams_find(&conn->streams, rec->id);
	u8 bit = 0;

	if (!s) {
		tquic_rec_free(rec);
		return;
	}
	switch (rec->kind) {
	case TQUIC_REC_STREAM:
		conn->stats.bytes_retransmitted += rec->len;
		tquic_send_on_lost(&s->tx, rec);
		if (!tquic_stream_is_ready(s))
			tquic_streams_update_ready(&conn->streams, s);
		return;
	case TQUIC_REC_RESET_STREAM:
		tquic_send_reset_lost(&s->tx, rec->off);
		if (s->tx.reset_pending)
			bit = TQUIC_STREAM_CTL_RESET;
		break;
	case TQUIC_REC_STOP_SENDING:
		if (tquic_recv_stop_lost(&s->rx))
			bit = TQUIC_STREAM_CTL_STOP;
		break;
	case TQUIC_REC_MAX_STREAM_DATA:
		if (rec->off == s->rx.flow.max &&
		    tquic_recv_wants_credit(&s->rx))
			bit = TQUIC_STREAM_CTL_MAX_DATA;
		break;
	case TQUIC_REC_STREAM_DATA_BLOCKED:
		tquic_send_blocked_lost(&s->tx, rec->off);
		if (tquic_send_blocked_report(&s->tx))
			bit = TQUIC_STREAM_CTL_BLOCKED;
		break;
	}
	if (bit)
		tquic_streams_ctl_set(&conn->streams, s, bit);
	tquic_rec_free(rec);
}

/* A frame about a path was lost */
static void tquic_ctrl_path_lost(struct tquic_conn *conn, struct tquic_rec *rec)
{
	struct tquic_path *path = tquic_path_find(conn, rec->id);

	if (path) {
		switch (rec->kind) {
		case TQUIC_REC_NEW_CID:
			tquic_cidset_local_lost(&path->local, rec->off);
			break;
		case TQUIC_REC_RETIRE_CID:
			tquic_cidset_remote_retire_lost(&path->remote, rec->off);
			break;
		case TQUIC_REC_PATH_ABANDON:
			path->ctl |= TQUIC_PATH_CTL_ABANDON;
			break;
		case TQUIC_REC_PATH_CHALLENGE:
			if (path->validate_end_ns)
				path->ctl |= TQUIC_PATH_CTL_CHALLENGE;
			break;
		case TQUIC_REC_MTU_PROBE:
			tquic_path_mtu_probe_lost(path, rec->off);
			break;
		case TQUIC_REC_PATH_STATUS:
			if (rec->off == path->status_seq &&
			    path->state != TQUIC_PATH_ABANDONED)
				path->ctl |= TQUIC_PATH_CTL_STATUS;
			break;
		case TQUIC_REC_PATH_CIDS_BLOCKED:
			if (!path->remote.count &&
			    path->state == TQUIC_PATH_UNUSED)
				path->ctl |= TQUIC_PATH_CTL_CIDS_BLOCKED;
			break;
		}
	}
	tquic_rec_free(rec);
}

static void tquic_ctrl_rec_lost(struct tquic_conn *conn, struct tquic_rec *rec)
{
	struct tquic_streams *t = &conn->streams;

	switch (rec->kind) {
	case TQUIC_REC_STREAM:
	case TQUIC_REC_RESET_STREAM:
	case TQUIC_REC_STOP_SENDING:
	case TQUIC_REC_MAX_STREAM_DATA:
	case TQUIC_REC_STREAM_DATA_BLOCKED:
		tquic_ctrl_stream_lost(conn, rec);
		return;
	case TQUIC_REC_CRYPTO:
		tquic_send_on_lost(&tquic_conn_crypto(conn, rec->level)->tx, rec);
		return;
	case TQUIC_REC_NEW_CID:
	case TQUIC_REC_RETIRE_CID:
	case TQUIC_REC_PATH_ABANDON:
	case TQUIC_REC_PATH_STATUS:
	case TQUIC_REC_PATH_CIDS_BLOCKED:
	case TQUIC_REC_PATH_CHALLENGE:
	case TQUIC_REC_MTU_PROBE:
		tquic_ctrl_path_lost(conn, rec);
		return;
	case TQUIC_REC_MAX_DATA:
		if (rec->off == conn->flow_rx.max)
			conn->ctl |= TQUIC_CONN_CTL_MAX_DATA;
		break;
	case TQUIC_REC_MAX_STREAMS_BIDI:
		if (rec->off == t->max_remote[0])
			t->grant_due |= BIT(0);
		break;
	case TQUIC_REC_MAX_STREAMS_UNI:
		if (rec->off == t->max_remote[1])
			t->grant_due |= BIT(1);
		break;
	case TQUIC_REC_DATA_BLOCKED:
		tquic_flow_tx_report_lost(&conn->flow_tx, rec->off);
		if (!list_empty(&t->parked) && tquic_flow_tx_report(&conn->flow_tx))
			conn->ctl |= TQUIC_CONN_CTL_DATA_BLOCKED;
		break;
	case TQUIC_REC_STREAMS_BLOCKED_BIDI:
		tquic_streams_blocked_lost(t, false, rec->off);
		break;
	case TQUIC_REC_STREAMS_BLOCKED_UNI:
		tquic_streams_blocked_lost(t, true, rec->off);
		break;
	case TQUIC_REC_HANDSHAKE_DONE:
		conn->ctl |= TQUIC_CONN_CTL_HANDSHAKE_DONE;
		break;
	case TQUIC_REC_NEW_TOKEN:
		conn->ctl |= TQUIC_CONN_CTL_NEW_TOKEN;
		break;
	case TQUIC_REC_MAX_PATH_ID:
		if (rec->off == conn->max_path_id_local)
			conn->ctl |= TQUIC_CONN_CTL_MAX_PATH_ID;
		break;
	case TQUIC_REC_PATHS_BLOCKED:
		if (rec->off == conn->max_path_id_peer)
			conn->ctl |= TQUIC_CONN_CTL_PATHS_BLOCKED;
		break;
	case TQUIC_REC_ACK_FREQUENCY:
		tquic_ackfreq_lost(conn, rec->off);
		break;
	case TQUIC_REC_DATAGRAM:
		conn->stats.datagrams_dropped++;
		break;
	}
	tquic_rec_free(rec);
}

/**
 * tquic_ctrl_on_lost() - packets were lost or given up: repeat what matters
 * @conn: connection
 * @list: their frames; consumed
 *
 * RFC 9000 §13.3 says which frames are worth repeating; they go out in new
 * packets, on whatever path is best then.
 */
void tquic_ctrl_on_lost(struct tquic_conn *conn, struct tquic_rec *list)
{
	struct tquic_rec *rec;

	while ((rec = tquic_rec_pop(&list)))
		tquic_ctrl_rec_lost(conn, rec);
}

static void tquic_ctrl_stream_acked(struct tquic_conn *conn,
				    struct tquic_rec *rec, u64 now)
{
	struct tquic_stream *s = tquic_streams_find(&conn->streams, rec->id);
	u64 una;

	if (!s) {
		tquic_rec_free(rec);
		return;
	}
	if (rec->kind == TQUIC_REC_STREAM) {
		una = s->tx.una;
		tquic_send_on_acked(&s->tx, rec);
		if (s->tx.una != una || !s->head_ns)
			s->head_ns = max(s->head_ns, now);
	} else {
		tquic_send_reset_acked(&s->tx, rec->off);
		tquic_rec_free(rec);
	}
	conn->todo |= TQUIC_TODO_WRITE;
	tquic_streams_update_ready(&conn->streams, s);
	tquic_streams_reap(&conn->streams, s);
}

/* An ACK of ours arrived: ranges the peer knows of need no repeating */
static void tquic_ctrl_ack_acked(struct tquic_conn *conn,
				 struct tquic_rec *rec)
{
	struct tquic_path *path;

	if (rec->level == TQUIC_LEVEL_APP) {
		path = tquic_path_find(conn, rec->id);
		if (path)
			tquic_ranges_drop_below(&path->space.rx, rec->off);
	} else {
		tquic_ranges_drop_below(&tquic_conn_space(conn, NULL, rec->level)->rx,
					rec->off);
	}
}

/**
 * tquic_ctrl_on_acked() - packets arrived: settle their frames
 * @conn: connection
 * @list: their frames; consumed
 * @now: time in ns; of a hint when the path's own word, which brings the next news, is due
 */
void tquic_ctrl_on_acked(struct tquic_conn *conn, struct tquic_rec *list, u64 now)
{
	struct tquic_path *path;
	struct tquic_rec *rec;

	while ((rec = tquic_rec_pop(&list))) {
		switch (rec->kind) {
		case TQUIC_REC_STREAM:
		case TQUIC_REC_RESET_STREAM:
			tquic_ctrl_stream_acked(conn, rec, now);
			continue;
		case TQUIC_REC_CRYPTO:
			tquic_send_on_acked(&tquic_conn_crypto(conn, rec->level)->tx, rec);
			continue;
		case TQUIC_REC_ACK:
			tquic_ctrl_ack_acked(conn, rec);
			break;
		case TQUIC_REC_RETIRE_CID:
			path = tquic_path_find(conn, rec->id);
			if (path)
				tquic_cidset_remote_retire_acked(&path->remote,
								 rec->off);
			break;
		case TQUIC_REC_MTU_PROBE:
			path = tquic_path_find(conn, rec->id);
			if (path)
				tquic_path_mtu_probe_acked(path, rec->off);
			break;
		case TQUIC_REC_PATH_ABANDON:
			path = tquic_path_find(conn, rec->id);
			if (path)
				path->abandon_acked = true;
			break;
		case TQUIC_REC_ACK_FREQUENCY:
			tquic_ackfreq_acked(conn, rec->off, now);
			break;
		}
		tquic_rec_free(rec);
	}
}
