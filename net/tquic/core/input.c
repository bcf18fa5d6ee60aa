// SPDX-License-Identifier: GPL-2.0
/* What the frames of a received packet do to the connection */
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <trace/events/tquic.h>
#include "core/conn.h"
#include "core/ctrl.h"
#include "core/hint.h"
#include "core/loss.h"
#include "core/migrate.h"
#include "core/path.h"
#include "core/token.h"

/* A packet on its way through the frame handlers */
struct tquic_in {
	struct tquic_conn *conn;
	const struct tquic_rx_pkt *pkt;
	struct tquic_path *path;
	enum tquic_level level;
	bool non_probing;
	bool ack_now;
	u64 now;
};

/*
 * The path a path id operand names.  0 with *@path NULL: known no more, the
 * frame is to be ignored (RFC 10069 §4).  An id we allowed but never met gets
 * its state here.
 */
static int tquic_input_path_id(struct tquic_in *in, u32 id,
			       struct tquic_path **path)
{
	struct tquic_conn *conn = in->conn;

	*path = NULL;
	if (id > conn->max_path_id_local)
		return TQUIC_ERR_PROTOCOL_VIOLATION;
	while (conn->next_path_id <= id)
		if (!tquic_path_create(conn, conn->next_path_id, in->now))
			return -ENOMEM;
	*path = tquic_path_find(conn, id);
	if (*path && (*path)->state == TQUIC_PATH_ABANDONED &&
	    (*path)->abandon_rcvd)
		*path = NULL;
	return 0;
}

/*
 * An ACK measured a round trip; how much of it the peer waited stands in it (RFC 9002 5.3).
 * What arrived before an outage may be told by another path long after: that says nothing.
 */
static void tquic_input_rtt(const struct tquic_in *in, struct tquic_path *path,
			    const struct tquic_frame *f, u64 rtt_ns)
{
	u64 exponent = in->conn->peer.ack_delay_exponent;
	u64 delay_ns, max_delay_ns = 0;

	if (in->level != TQUIC_LEVEL_APP)
		exponent = TQUIC_DEFAULT_ACK_DELAY_EXPONENT;
	if (in->conn->confirmed)
		max_delay_ns = tquic_ackfreq_peer_delay_ns(in->conn);
	delay_ns = min_t(u64, f->ack.delay, U32_MAX) << exponent;
	delay_ns = in->level == TQUIC_LEVEL_INITIAL ? 0 : delay_ns * NSEC_PER_USEC;
	if (max_delay_ns && delay_ns > max_delay_ns && in->path != path)
		return;
	tquic_rtt_update(&path->rtt, in->now, rtt_ns, delay_ns,
			 max_delay_ns ? max_delay_ns : U64_MAX);
}

static int tquic_input_ack(struct tquic_in *in, const struct tquic_frame *f)
{
	struct tquic_conn *conn = in->conn;
	struct tquic_ack_result res = {};
	struct tquic_path *path = in->path;
	struct tquic_cc_ack ack = {};
	struct tquic_space *space;
	bool hs = in->level != TQUIC_LEVEL_APP;
	u64 due_ns;
	int ret;

	if (hs) {
		space = tquic_conn_space(conn, NULL, in->level);
		path = tquic_conn_path(conn, 0);
	} else {
		/* A plain ACK is about path 0 */
		ret = tquic_input_path_id(in, f->ack.path_id, &path);
		if (ret)
			return ret;
		space = path ? &path->space : NULL;
	}
	if (!path || !space)
		return 0;

	if (!hs && in->path == path)
		space->own_ack_ns = in->now;
	else if (!hs && tquic_hint_is_one(in->path, path, in->now))
		return tquic_hint_on_ack(conn, path, f, in->now);
	ack.cwnd_limited = tquic_cc_limited(&path->cc);
	ret = tquic_space_on_ack(space, f, in->now, &res);
	if (ret)
		return ret;
	if (res.rtt_ns)
		tquic_input_rtt(in, path, f, res.rtt_ns);
	if (res.spurious_pkts) {
		path->stats.spurious_packets += res.spurious_pkts;
		tquic_loss_on_spurious(space, &path->rtt, in->now);
		tquic_cc_on_spurious(&path->cc, res.spurious_pkts,
				     res.spurious_oldest_ns, in->now);
	}
	if (res.pkts) {
		ack.now = in->now;
		ack.bytes = res.bytes;
		ack.sent_ns = res.largest_sent_ns;
		ack.rtt_ns = res.rtt_ns;
		ack.rtt = &path->rtt;
		ack.rate_pkt = res.rate_pkt;
		ack.rate_sent_ns = res.rate_sent_ns;
		tquic_cc_on_ack(&path->cc, &ack);
	}
	if (res.ecn_failed)
		path->ecn = false;
	if (res.ce_pkts && !res.ecn_failed) {
		path->stats.ce_marks += res.ce_pkts;
		tquic_cc_on_ecn(&path->cc, res.largest_sent_ns, in->now);
	}
	if (res.pkts)
		trace_tquic_cc_update(conn, path);
	tquic_ctrl_on_acked(conn, res.acked, in->now);

	if (hs) {
		tquic_conn_on_ack_hs(conn, in->level, res.pkts);
		tquic_conn_detect_loss_hs(conn, in->level, in->now);
		return 0;
	}
	if (res.late_ns)
		tquic_path_on_late(path, res.late_ns, in->path == path);
	if (res.pkts) {
		/* What another path tells is older than it seems. */
		due_ns = in->path == path ? in->now : res.largest_sent_ns + path->rtt.srtt_ns;
		tquic_path_on_progress(conn, path, due_ns, in->now);
		ret = conn->ops->acked(conn, path, f->ack.largest);
		if (ret)
			return ret;
	}
	tquic_conn_detect_loss(conn, path, in->now);
	if (res.pkts)
		tquic_ackfreq_judge(conn, in->now);
	return 0;
}

static int tquic_input_crypto(struct tquic_in *in, const struct tquic_frame *f)
{
	struct tquic_recv *rx = &tquic_conn_crypto(in->conn, in->level)->rx;
	struct tquic_recv_delta delta = {};
	struct tquic_recv_in data = {
		.off = f->crypto.off,
		.data = f->crypto.data,
		.len = f->crypto.len,
		.skb = in->pkt->skb,
	};
	int ret;

	ret = tquic_recv_insert(rx, &data, GFP_ATOMIC, &delta);
	if (!ret && tquic_recv_readable(rx))
		in->conn->todo |= TQUIC_TODO_READ;
	return ret;
}

/* Account connection credit; what is dropped comes back at once */
static int tquic_input_credit(struct tquic_in *in,
			      const struct tquic_recv_delta *d)
{
	struct tquic_conn *conn = in->conn;
	int ret;

	ret = tquic_flow_rx_received(&conn->flow_rx, d->fresh);
	if (ret)
		return ret;
	conn->stats.bytes_received += d->fresh;
	if (d->dropped &&
	    tquic_flow_rx_consumed(&conn->flow_rx, d->dropped, in->now,
				   in->path->rtt.srtt_ns))
		conn->ctl |= TQUIC_CONN_CTL_MAX_DATA;
	return 0;
}

static void tquic_input_news(struct tquic_in *in, struct tquic_stream *s)
{
	struct tquic_streams *t = &in->conn->streams;

	tquic_streams_update_readable(t, s);
	tquic_streams_notify(t, s);
	if (tquic_streams_next_readable(t) || s->user)
		in->conn->todo |= TQUIC_TODO_READ;
}

/* The stream of a frame.  The first is what a server of one stream waits for to write to. */
static int tquic_input_get_stream(struct tquic_in *in, u64 id, enum tquic_stream_half half,
				  struct tquic_stream **out)
{
	struct tquic_streams *t = &in->conn->streams;
	u32 count = t->count;
	int ret;

	ret = tquic_streams_get(t, id, half, in->now, GFP_ATOMIC, out);
	if (!id && t->count != count)
		in->conn->todo |= TQUIC_TODO_WRITE;
	return ret;
}

static int tquic_input_stream(struct tquic_in *in, const struct tquic_frame *f)
{
	struct tquic_streams *t = &in->conn->streams;
	struct tquic_recv_delta delta = {};
	struct tquic_recv_in data = {
		.off = f->stream.off,
		.data = f->stream.data,
		.len = f->stream.len,
		.fin = f->stream.fin,
		.skb = in->pkt->skb,
	};
	struct tquic_stream *s;
	int ret, err;

	ret = tquic_input_get_stream(in, f->stream.id, TQUIC_STREAM_RX, &s);
	if (ret || !s)
		return ret;
	ret = tquic_recv_insert(&s->rx, &data, GFP_ATOMIC, &delta);
	if (ret <= 0) {
		err = tquic_input_credit(in, &delta);
		if (err)
			return err;
	}
	tquic_input_news(in, s);
	if (!ret)
		tquic_streams_reap(t, s);
	return ret;
}

static int tquic_input_reset_stream(struct tquic_in *in,
				    const struct tquic_frame *f)
{
	struct tquic_streams *t = &in->conn->streams;
	struct tquic_recv_delta delta = {};
	struct tquic_stream *s;
	bool reset_at;
	int ret;
	u8 was;

	ret = tquic_input_get_stream(in, f->reset_stream.id, TQUIC_STREAM_RX, &s);
	if (ret || !s)
		return ret;
	was = s->rx.state;
	reset_at = s->rx.reset_at;
	ret = tquic_recv_reset(&s->rx, f->reset_stream.code, f->reset_stream.final_size,
			       f->reset_stream.reliable, &delta);
	if (ret)
		return ret;
	ret = tquic_input_credit(in, &delta);
	if (ret)
		return ret;
	/* One that was lost or taken for lost comes again. */
	if (s->rx.state != was || s->rx.reset_at != reset_at)
		tquic_conn_event(in->conn, TQUIC_EVENT_STREAM_RESET, s->id,
				 f->reset_stream.code);
	tquic_input_news(in, s);
	tquic_streams_reap(t, s);
	return 0;
}

static int tquic_input_stop_sending(struct tquic_in *in,
				    const struct tquic_frame *f)
{
	struct tquic_streams *t = &in->conn->streams;
	struct tquic_stream *s;
	int ret;

	ret = tquic_input_get_stream(in, f->stop_sending.id, TQUIC_STREAM_TX, &s);
	if (ret || !s)
		return ret;
	if (tquic_send_on_stop(&s->tx, f->stop_sending.code)) {
		tquic_streams_ctl_set(t, s, TQUIC_STREAM_CTL_RESET);
		tquic_streams_update_ready(t, s);
		tquic_streams_notify(t, s);
		tquic_conn_event(in->conn, TQUIC_EVENT_STREAM_STOP, s->id,
				 f->stop_sending.code);
		in->conn->todo |= TQUIC_TODO_WRITE;
	}
	return 0;
}

/* MAX_DATA, MAX_STREAM_DATA, MAX_STREAMS; *_BLOCKED only has to be legal */
static int tquic_input_max(struct tquic_in *in, const struct tquic_frame *f)
{
	struct tquic_conn *conn = in->conn;
	struct tquic_streams *t = &conn->streams;
	struct tquic_stream *s;
	int ret;

	switch (f->type) {
	case TQUIC_FRAME_MAX_DATA:
		if (tquic_flow_tx_raise(&conn->flow_tx, f->max.val)) {
			tquic_streams_unpark(t);
			conn->todo |= TQUIC_TODO_WRITE;
		}
		return 0;
	case TQUIC_FRAME_MAX_STREAM_DATA:
		ret = tquic_input_get_stream(in, f->max.id, TQUIC_STREAM_TX, &s);
		if (ret || !s)
			return ret;
		if (tquic_send_set_max(&s->tx, f->max.val)) {
			tquic_streams_update_ready(t, s);
			conn->todo |= TQUIC_TODO_WRITE;
		}
		return 0;
	case TQUIC_FRAME_MAX_STREAMS_BIDI:
	case TQUIC_FRAME_MAX_STREAMS_UNI:
		if (tquic_streams_on_max(t, f->type == TQUIC_FRAME_MAX_STREAMS_UNI,
					 f->max.val))
			conn->todo |= TQUIC_TODO_WRITE;
		return 0;
	case TQUIC_FRAME_STREAM_DATA_BLOCKED:
		return tquic_input_get_stream(in, f->max.id, TQUIC_STREAM_RX, &s);
	default:
		return 0;
	}
}

static int tquic_input_new_cid(struct tquic_in *in, const struct tquic_frame *f)
{
	struct tquic_path *path;
	int ret;

	ret = tquic_input_path_id(in, f->new_cid.path_id, &path);
	if (ret || !path)
		return ret;
	/* A peer that asked us to use zero-length ids cannot add any. */
	if (!in->conn->iscid.len)
		return TQUIC_ERR_PROTOCOL_VIOLATION;
	ret = tquic_cidset_remote_add(&path->remote, f->new_cid.seq,
				      f->new_cid.retire_prior_to,
				    &f->new_cid.cid, f->new_cid.token);
	if (ret || path->state != TQUIC_PATH_UNUSED)
		return ret;
	in->conn->todo |= TQUIC_TODO_PATHS;
	/* The peer was first to name this path id. */
	if (!path->local.count)
		tquic_path_replenish(in->conn, in->now);
	return 0;
}

static int tquic_input_retire_cid(struct tquic_in *in,
				  const struct tquic_frame *f)
{
	struct tquic_conn *conn = in->conn;
	struct tquic_path *path;
	struct tquic_cid gone;
	int ret;

	ret = tquic_input_path_id(in, f->retire_cid.path_id, &path);
	if (ret || !path)
		return ret;
	ret = tquic_cidset_local_retire(&path->local, f->retire_cid.seq,
					path == in->path ? in->pkt->dcid : NULL,
				      &gone);
	if (ret)
		return ret;
	if (gone.len)
		conn->ops->cid_del(conn, &gone);
	tquic_path_replenish(conn, in->now);
	return 0;
}

static int tquic_input_path_data(struct tquic_in *in,
				 const struct tquic_frame *f)
{
	if (f->type == TQUIC_FRAME_PATH_CHALLENGE && in->pkt->moved)
		tquic_migrate_on_probe(in->conn, in->pkt, f->path_data.data);
	else if (f->type == TQUIC_FRAME_PATH_CHALLENGE)
		tquic_path_on_challenge(in->path, f->path_data.data);
	else
		tquic_path_on_response(in->conn, f->path_data.data, in->now);
	return 0;
}

static int tquic_input_close(struct tquic_in *in, const struct tquic_frame *f)
{
	tquic_conn_closed_by_peer(in->conn, f, in->now);
	return 0;
}

static int tquic_input_handshake_done(struct tquic_in *in,
				      const struct tquic_frame *f)
{
	if (in->conn->server)
		return TQUIC_ERR_PROTOCOL_VIOLATION;
	tquic_conn_confirm(in->conn, in->now);
	return 0;
}

/* For a later connection; the newest counts, and one too large is not needed */
static int tquic_input_new_token(struct tquic_in *in,
				 const struct tquic_frame *f)
{
	struct tquic_conn *conn = in->conn;

	if (conn->server)
		return TQUIC_ERR_PROTOCOL_VIOLATION;
	tquic_conn_set_token(&conn->new_token, &conn->new_token_len,
			     f->new_token.data, f->new_token.len, GFP_ATOMIC);
	return 0;
}

static int tquic_input_datagram(struct tquic_in *in,
				const struct tquic_frame *f)
{
	struct tquic_conn *conn = in->conn;
	u64 max = conn->local.max_datagram_frame_size, overhead = 1;
	struct sk_buff *skb;

	/* RFC 9221 §3: the limit counts type, length and data. */
	if (f->type == TQUIC_FRAME_DATAGRAM_LEN)
		overhead += tquic_varint_len(f->datagram.len);
	if (f->datagram.len + overhead > max)
		return TQUIC_ERR_PROTOCOL_VIOLATION;
	skb = conn->streams.rx_mem.tight ? NULL : alloc_skb(f->datagram.len, GFP_ATOMIC);
	if (!skb || conn->dgram_rx_bytes + skb->truesize > conn->tune.dgram_rx_max_bytes) {
		kfree_skb(skb);
		conn->stats.datagrams_dropped++;
		return 0;
	}
	skb_put_data(skb, f->datagram.data, f->datagram.len);
	__skb_queue_tail(&conn->dgram_rx, skb);
	conn->dgram_rx_bytes += skb->truesize;
	conn->stats.datagrams_received++;
	conn->todo |= TQUIC_TODO_READ;
	return 0;
}

static int tquic_input_path_abandon(struct tquic_in *in,
				    const struct tquic_frame *f)
{
	struct tquic_conn *conn = in->conn;
	struct tquic_path *path;
	int ret;

	ret = tquic_input_path_id(in, f->path.path_id, &path);
	if (ret || !path)
		return ret;
	path->abandon_rcvd = true;
	if (tquic_path_is_open(path) && !tquic_path_open_others(conn, path)) {
		tquic_conn_close(conn, TQUIC_ERR_NO_VIABLE_PATH, f->type, false,
				 NULL, 0, in->now);
		return 0;
	}
	tquic_path_abandon(conn, path, f->path.val, in->now);
	return 0;
}

static int tquic_input_path_status(struct tquic_in *in,
				   const struct tquic_frame *f)
{
	bool backup = f->type == TQUIC_FRAME_PATH_STATUS_BACKUP;
	struct tquic_path *path;
	int ret;

	ret = tquic_input_path_id(in, f->path.path_id, &path);
	if (ret || !path || f->path.val < path->peer_status_next)
		return ret;
	path->peer_status_next = f->path.val + 1;
	if (path->peer_backup != backup)
		tquic_path_on_status(in->conn, path, backup, in->now);
	return 0;
}

/* MAX_PATH_ID, PATHS_BLOCKED, PATH_CIDS_BLOCKED (RFC 10069 §4.6 to §4.8) */
static int tquic_input_path_limits(struct tquic_in *in,
				   const struct tquic_frame *f)
{
	struct tquic_conn *conn = in->conn;
	struct tquic_path *path;
	int ret;

	switch (f->type) {
	case TQUIC_FRAME_MAX_PATH_ID:
		if (f->path.val < conn->peer.max_path_id)
			return TQUIC_ERR_PROTOCOL_VIOLATION;
		if (f->path.val > conn->max_path_id_peer) {
			conn->max_path_id_peer = f->path.val;
			conn->todo |= TQUIC_TODO_PATHS;
			tquic_path_replenish(conn, in->now);
		}
		return 0;
	case TQUIC_FRAME_PATHS_BLOCKED:
		return f->path.val > conn->max_path_id_local ?
		       TQUIC_ERR_PROTOCOL_VIOLATION : 0;
	default:
		ret = tquic_input_path_id(in, f->path.path_id, &path);
		if (ret || !path)
			return ret;
		return f->path.val > path->local.next_seq ?
		       TQUIC_ERR_PROTOCOL_VIOLATION : 0;
	}
}

/* Frames of an extension that was not agreed on are unknown ones */
static bool tquic_input_knows(const struct tquic_conn *conn, u64 type)
{
	switch (type) {
	case TQUIC_FRAME_IMMEDIATE_ACK:
	case TQUIC_FRAME_ACK_FREQUENCY:
		return conn->local.has_min_ack_delay;
	case TQUIC_FRAME_RESET_STREAM_AT:
		return conn->local.reset_stream_at;
	default:
		return type < TQUIC_FRAME_PATH_ACK || conn->multipath;
	}
}

static int tquic_input_frame(struct tquic_in *in, const struct tquic_frame *f)
{
	if (!tquic_input_knows(in->conn, f->type))
		return TQUIC_ERR_FRAME_ENCODING;
	switch (f->type) {
	case TQUIC_FRAME_PADDING:
	case TQUIC_FRAME_PING:
		return 0;
	case TQUIC_FRAME_ACK:
	case TQUIC_FRAME_ACK_ECN:
	case TQUIC_FRAME_PATH_ACK:
	case TQUIC_FRAME_PATH_ACK_ECN:
		return tquic_input_ack(in, f);
	case TQUIC_FRAME_RESET_STREAM:
	case TQUIC_FRAME_RESET_STREAM_AT:
		return tquic_input_reset_stream(in, f);
	case TQUIC_FRAME_STOP_SENDING:
		return tquic_input_stop_sending(in, f);
	case TQUIC_FRAME_CRYPTO:
		return tquic_input_crypto(in, f);
	case TQUIC_FRAME_NEW_TOKEN:
		return tquic_input_new_token(in, f);
	case TQUIC_FRAME_STREAM ... TQUIC_FRAME_STREAM_LAST:
		return tquic_input_stream(in, f);
	case TQUIC_FRAME_MAX_DATA ... TQUIC_FRAME_STREAMS_BLOCKED_UNI:
		return tquic_input_max(in, f);
	case TQUIC_FRAME_NEW_CONNECTION_ID:
	case TQUIC_FRAME_PATH_NEW_CONNECTION_ID:
		return tquic_input_new_cid(in, f);
	case TQUIC_FRAME_RETIRE_CONNECTION_ID:
	case TQUIC_FRAME_PATH_RETIRE_CONNECTION_ID:
		return tquic_input_retire_cid(in, f);
	case TQUIC_FRAME_PATH_CHALLENGE:
	case TQUIC_FRAME_PATH_RESPONSE:
		return tquic_input_path_data(in, f);
	case TQUIC_FRAME_CONNECTION_CLOSE:
	case TQUIC_FRAME_CONNECTION_CLOSE_APP:
		return tquic_input_close(in, f);
	case TQUIC_FRAME_HANDSHAKE_DONE:
		return tquic_input_handshake_done(in, f);
	case TQUIC_FRAME_DATAGRAM:
	case TQUIC_FRAME_DATAGRAM_LEN:
		return tquic_input_datagram(in, f);
	case TQUIC_FRAME_PATH_ABANDON:
		return tquic_input_path_abandon(in, f);
	case TQUIC_FRAME_PATH_STATUS_BACKUP:
	case TQUIC_FRAME_PATH_STATUS_AVAILABLE:
		return tquic_input_path_status(in, f);
	case TQUIC_FRAME_MAX_PATH_ID:
	case TQUIC_FRAME_PATHS_BLOCKED:
	case TQUIC_FRAME_PATH_CIDS_BLOCKED:
		return tquic_input_path_limits(in, f);
	case TQUIC_FRAME_ACK_FREQUENCY:
		return tquic_ackfreq_on_frame(in->conn, f);
	case TQUIC_FRAME_IMMEDIATE_ACK:
		in->ack_now = true;
		return 0;
	default:
		return TQUIC_ERR_FRAME_ENCODING;
	}
}

/*
 * All frames of the payload.  After a local shortage (negative) the packet is not
 * acknowledged.  What else is in it is taken nevertheless, credit and acknowledgments
 * among it, and is harmless to get again; a datagram is not.
 */
static int tquic_input_frames(struct tquic_in *in, bool *eliciting,
			      u64 *frame_type)
{
	struct tquic_rbuf b = {
		.p = in->pkt->payload,
		.end = in->pkt->payload + in->pkt->len,
	};
	struct tquic_frame f;
	int ret, refused = 0;

	if (!in->pkt->len)
		return TQUIC_ERR_PROTOCOL_VIOLATION;
	while (tquic_rbuf_left(&b)) {
		const u8 *start = b.p;

		*frame_type = 0;
		ret = tquic_frame_parse(&b, &f);
		if (ret)
			return ret;
		trace_tquic_frame(in->conn, in->path, in->level, false, &f,
				  b.p - start);
		*frame_type = f.type;
		if (!tquic_frame_allowed(f.type, in->pkt->type))
			return TQUIC_ERR_PROTOCOL_VIOLATION;
		if (tquic_frame_is_eliciting(f.type))
			*eliciting = true;
		in->non_probing |= !tquic_frame_is_probing(f.type);
		if (refused && (f.type == TQUIC_FRAME_DATAGRAM ||
				f.type == TQUIC_FRAME_DATAGRAM_LEN))
			continue;
		ret = tquic_input_frame(in, &f);
		if (ret > 0)
			return ret;
		if (ret)
			refused = ret;
		if (in->conn->state > TQUIC_STATE_ESTABLISHED)
			return 0;
	}
	return refused;
}

/* A closed connection only counts what comes, and repeats itself ever less */
static void tquic_input_closing(struct tquic_in *in)
{
	struct tquic_conn *conn = in->conn;
	struct tquic_rbuf b = {
		.p = in->pkt->payload,
		.end = in->pkt->payload + in->pkt->len,
	};
	struct tquic_frame f;

	while (tquic_rbuf_left(&b) && !tquic_frame_parse(&b, &f)) {
		if (f.type != TQUIC_FRAME_CONNECTION_CLOSE &&
		    f.type != TQUIC_FRAME_CONNECTION_CLOSE_APP)
			continue;
		tquic_conn_set_state(conn, TQUIC_STATE_DRAINING);
		conn->todo |= TQUIC_TODO_STATE;
		return;
	}
	if (++conn->close_rx < conn->close_rx_next)
		return;
	conn->close_rx = 0;
	conn->close_rx_next *= 2;
	conn->close_levels |= BIT(in->level);
	conn->close_paths |= BIT(in->path->index);
}

/*
 * There was no memory for a packet.  It shows that the peer is there (RFC 9000 10.1), which
 * learns the same of us from an acknowledgment of what came before: else both would give
 * up.  These leave no more often than for packets that are taken.
 */
static void tquic_input_refused(const struct tquic_in *in, struct tquic_space *space,
				bool eliciting)
{
	tquic_conn_touch_idle(in->conn, true, in->now);
	/* Those of the handshake wait for no timer. */
	if (eliciting && !tquic_hs_level(in->level) &&
	    tquic_ranges_largest(&space->rx) >= 0 && !space->ack_deadline_ns)
		space->ack_deadline_ns = in->now + in->conn->ackfreq.rx.delay_ns;
}

/**
 * tquic_conn_input() - process a packet that was opened
 * @conn: connection
 * @pkt: the packet
 * @now: time in ns
 *
 * Context: connection lock held; softirq or process. Sets conn->todo.
 *
 * Return: 0; -EALREADY for a duplicate; -ENOKEY for one of the handshake after that was
 * confirmed, which was opened before its keys went; -ENOMEM or -ENOBUFS when the packet
 * had to be dropped unacknowledged.
 */
int tquic_conn_input(struct tquic_conn *conn, const struct tquic_rx_pkt *pkt,
		     u64 now)
{
	struct tquic_in in = {
		.conn = conn,
		.pkt = pkt,
		.path = pkt->path,
		.level = tquic_hdr_level(pkt->type),
		.now = now,
	};
	struct tquic_space *space = tquic_conn_space(conn, pkt->path, in.level);
	bool eliciting = false, newest;
	u64 frame_type = 0;
	int ret;

	if (!space)
		return -ENOKEY;
	if (tquic_ranges_has(&space->rx, pkt->pn))
		return -EALREADY;
	tquic_path_on_packet(conn, in.path, now);
	if (conn->state == TQUIC_STATE_CLOSING) {
		tquic_input_closing(&in);
		return 0;
	}
	if (conn->state != TQUIC_STATE_HANDSHAKE &&
	    conn->state != TQUIC_STATE_ESTABLISHED)
		return 0;

	ret = tquic_input_frames(&in, &eliciting, &frame_type);
	trace_tquic_packet_received(conn, pkt, in.level);
	if (ret < 0) {
		tquic_input_refused(&in, space, eliciting);
		return ret;
	}
	tquic_conn_touch_idle(conn, true, now);
	/* RFC 9000 §8.1: only the real peer can produce a Handshake packet.
	 * RFC 9001 §4.9.1: it also ends the server's use of Initial keys.
	 */
	if (in.level == TQUIC_LEVEL_HANDSHAKE && conn->server) {
		tquic_path_set_validated(conn, in.path, now);
		tquic_conn_discard_level(conn, TQUIC_LEVEL_INITIAL, now);
	}
	newest = (s64)pkt->pn > space->largest_rx;
	tquic_space_on_rx(space, pkt->pn, eliciting, pkt->ecn, now,
			  &conn->ackfreq.rx);
	space->ack_now |= in.ack_now;
	if (!ret && newest && in.non_probing && pkt->type == TQUIC_PKT_1RTT)
		tquic_migrate_on_packet(conn, pkt, now);
	if (conn->hs_pto_count > 1)
		tquic_conn_hs_again(conn, now - in.path->rtt.srtt_ns);
	if (ret > 0)
		tquic_conn_close(conn, ret, frame_type, false, NULL, 0, now);
	return 0;
}
