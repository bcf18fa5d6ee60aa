// SPDX-License-Identifier: GPL-2.0
/* Connection state: start, parameters, keys, loss of handshake packets, timers, close */
#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <trace/events/tquic.h>
#include "core/conn.h"
#include "core/copies.h"
#include "core/ctrl.h"
#include "core/early.h"
#include "core/loss.h"
#include "core/negotiate.h"
#include "core/path.h"
#include "core/reinject.h"
#include "sched/sched.h"

/* Defaults of what we announce and of struct tquic_tuning; whoever starts a connection may
 * change both. The adapter has its own copy of them, which a test compares.
 */
#define TQUIC_IDLE_TIMEOUT_MS		30000
#define TQUIC_MAX_DATA			(4 * 1024 * 1024)
#define TQUIC_MAX_STREAM_DATA		(4 * 1024 * 1024)
#define TQUIC_WINDOW_MAX		(16 * 1024 * 1024)
#define TQUIC_RX_MEM_MAX		(4 * TQUIC_WINDOW_MAX)
#define TQUIC_MAX_STREAMS_DEFAULT	128
#define TQUIC_ACTIVE_CIDS		4
#define TQUIC_MIN_ACK_DELAY_US		1000	/* less is not worth a timer */
#define TQUIC_MAX_PATH_ID_DEFAULT	7
#define TQUIC_DATAGRAM_BYTES		65535
#define TQUIC_DGRAMS_RX_BYTES_MAX	(1024 * 1024)
#define TQUIC_PATH_PROBE_MAX_NS		(500 * NSEC_PER_MSEC)

/* Datagrams per probe timeout of the handshake, the most that RFC 9002 §6.2.4
 * allows: one more lost doubles the wait for the whole connection.
 */
#define TQUIC_HS_PROBES			2

/**
 * tquic_conn_init() - blank connection with default settings
 * @conn: connection, any content
 * @ops: upward calls
 */
void tquic_conn_init(struct tquic_conn *conn, const struct tquic_conn_ops *ops)
{
	struct tquic_params *p = &conn->local;

	memset(conn, 0, sizeof(*conn));
	conn->ops = ops;
	tquic_cc_group_init(&conn->cc_group);
	skb_queue_head_init(&conn->dgram_tx);
	skb_queue_head_init(&conn->dgram_rx);
	tquic_params_default(p);
	tquic_params_default(&conn->peer);
	p->max_idle_timeout_ms = TQUIC_IDLE_TIMEOUT_MS;
	p->max_data = TQUIC_MAX_DATA;
	p->max_stream_data_bidi_local = TQUIC_MAX_STREAM_DATA;
	p->max_stream_data_bidi_remote = TQUIC_MAX_STREAM_DATA;
	p->max_stream_data_uni = TQUIC_MAX_STREAM_DATA;
	p->max_streams_bidi = TQUIC_MAX_STREAMS_DEFAULT;
	p->max_streams_uni = TQUIC_MAX_STREAMS_DEFAULT;
	p->active_cid_limit = TQUIC_ACTIVE_CIDS;
	p->max_datagram_frame_size = TQUIC_DATAGRAM_BYTES;
	p->reset_stream_at = true;
	p->has_min_ack_delay = true;
	p->min_ack_delay_us = TQUIC_MIN_ACK_DELAY_US;
	p->has_max_path_id = true;
	p->max_path_id = TQUIC_MAX_PATH_ID_DEFAULT;
	conn->tune = (struct tquic_tuning) {
		.rx_window_max_bytes = TQUIC_WINDOW_MAX,
		.rx_mem_max_bytes = TQUIC_RX_MEM_MAX,
		.rtt_initial_ns = TQUIC_RTT_INITIAL_NS,
		.probe_max_ns = TQUIC_PATH_PROBE_MAX_NS,
		.reinject_percent = TQUIC_REINJECT_PERCENT,
		.min_legs = 1,
		.mtu_max_bytes = TQUIC_MAX_UDP_PAYLOAD,
		.dgram_rx_max_bytes = TQUIC_DGRAMS_RX_BYTES_MAX,
		.ecn = true,
		.pacing = true,
	};
}

/* The limits of streams among transport parameters */
void tquic_conn_limits(const struct tquic_params *p, struct tquic_stream_limits *l)
{
	l->data_bidi_local = p->max_stream_data_bidi_local;
	l->data_bidi_remote = p->max_stream_data_bidi_remote;
	l->data_uni = p->max_stream_data_uni;
	l->streams[0] = p->max_streams_bidi;
	l->streams[1] = p->max_streams_uni;
}

/**
 * tquic_conn_set_state() - enter a state
 * @conn: connection
 * @state: the new one
 */
void tquic_conn_set_state(struct tquic_conn *conn, enum tquic_state state)
{
	u8 from = conn->state;

	conn->state = state;
	if (from != state)
		trace_tquic_conn_state(conn, from);
}

/* A preferred address goes with the id to reach it by, whose number is 1 (RFC 9000 §5.1.1) */
static int tquic_conn_tell_preferred(struct tquic_conn *conn, struct tquic_path *path)
{
	struct tquic_preferred_addr *a = &conn->local.preferred_addr;
	int ret;

	if (!conn->local.has_preferred_addr)
		return 0;
	ret = tquic_path_issue_cid(conn, path, false);
	if (ret)
		return ret;
	a->cid = path->local.e[1].cid;
	conn->ops->reset_token(conn, &a->cid, a->reset_token);
	return 0;
}

/**
 * tquic_conn_start() - begin the handshake
 * @conn: connection from tquic_conn_init(), settings made, cc_ops and sched set
 * @server: our role
 * @v: version
 * @odcid: destination id of the client's first Initial
 * @peer_scid: server: the client's source id
 * @now: time in ns
 *
 * Return: 0, -ENOMEM, -EEXIST.
 */
int tquic_conn_start(struct tquic_conn *conn, bool server,
		     const struct tquic_version *v, const struct tquic_cid *odcid,
		     const struct tquic_cid *peer_scid, u64 now)
{
	struct tquic_stream_limits limits;
	struct tquic_path *path;
	struct tquic_hs *hs;
	int ret;

	conn->server = server;
	conn->version = v;
	conn->first_version = v;
	conn->odcid = *odcid;
	tquic_conn_tell_versions(conn);
	/* Every id we allow needs a place for its state. */
	conn->local.max_path_id = min(conn->local.max_path_id,
				      TQUIC_PATHS_MAX - 1U);
	conn->max_path_id_local = conn->local.has_max_path_id ?
				  conn->local.max_path_id : 0;
	tquic_ackfreq_start(conn);
	tquic_conn_limits(&conn->local, &limits);
	tquic_streams_init(&conn->streams, server, &limits,
			   conn->tune.rx_window_max_bytes,
			   conn->tune.rx_mem_max_bytes);
	tquic_crypto_stream_init(&conn->crypto, &conn->streams.rx_mem);
	tquic_flow_rx_init(&conn->flow_rx, conn->local.max_data,
			   conn->tune.rx_window_max_bytes, now);
	tquic_flow_tx_init(&conn->flow_tx, 0);
	tquic_conn_set_state(conn, TQUIC_STATE_HANDSHAKE);
	trace_tquic_handshake(conn, TQUIC_STEP_START);
	conn->idle_ns = conn->local.max_idle_timeout_ms * NSEC_PER_MSEC;
	conn->idle_start_ns = now;

	tquic_bond_init(&conn->bond, now);
	hs = tquic_hs_create(conn->trace_id, &conn->streams.rx_mem);
	if (!hs)
		return -ENOMEM;
	rcu_assign_pointer(conn->hs, hs);
	path = tquic_path_create(conn, 0, now);
	if (!path)
		return -ENOMEM;
	ret = tquic_path_issue_cid(conn, path, false);
	if (ret)
		return ret;
	tquic_path_set_state(conn, path, TQUIC_PATH_ACTIVE);
	tquic_cc_join(&path->cc, &conn->cc_group, &path->rtt);
	path->validated = !server;
	conn->local.iscid = path->local.e[0].cid;
	conn->local.has_iscid = true;
	if (server) {
		conn->iscid = *peer_scid;
		conn->iscid_set = true;
		conn->local.odcid = *odcid;
		conn->local.has_odcid = true;
		conn->ops->reset_token(conn, &conn->local.iscid, conn->local.reset_token);
		conn->local.has_reset_token = true;
		tquic_cidset_remote_set_initial(&path->remote, peer_scid);
		return tquic_conn_tell_preferred(conn, path);
	}
	tquic_cidset_remote_set_initial(&path->remote, odcid);
	return 0;
}

/* Nothing of the handshake is needed any more */
static void tquic_conn_end_hs(struct tquic_conn *conn)
{
	tquic_hs_destroy(rcu_replace_pointer(conn->hs, NULL, true));
}

/**
 * tquic_conn_destroy() - free everything a connection holds
 * @conn: connection, started or not
 */
void tquic_conn_destroy(struct tquic_conn *conn)
{
	struct tquic_path *path;

	kfree(conn->token);
	conn->token = NULL;
	kfree(conn->new_token);
	conn->new_token = NULL;
	kfree(conn->events);
	conn->events = NULL;
	if (!conn->version)
		return;
	tquic_for_each_path(conn, path)
		tquic_path_destroy(conn, path);
	tquic_conn_end_hs(conn);
	tquic_crypto_stream_destroy(&conn->crypto);
	tquic_streams_destroy(&conn->streams);
	__skb_queue_purge(&conn->dgram_tx);
	__skb_queue_purge(&conn->dgram_rx);
	conn->version = NULL;
}

/**
 * tquic_conn_local_params() - encode our transport parameters for TLS
 * @conn: started connection
 * @buf: destination
 * @len: bytes at @buf
 *
 * Return: bytes written, or -ENOBUFS.
 */
ssize_t tquic_conn_local_params(struct tquic_conn *conn, u8 *buf, size_t len)
{
	return tquic_params_encode(&conn->local, conn->server, buf, len,
				   get_random_u32());
}

/**
 * tquic_conn_peer_params() - take over the peer's transport parameters
 * @conn: connection in its handshake
 * @buf: content of the TLS extension
 * @len: its length
 * @now: time in ns
 *
 * Return: 0, or a transport error the connection was closed with.
 */
int tquic_conn_peer_params(struct tquic_conn *conn, const u8 *buf, size_t len,
			   u64 now)
{
	struct tquic_path *path = tquic_conn_path(conn, 0);
	struct tquic_stream_limits limits;
	struct tquic_params *p;
	u64 idle;
	int ret;

	p = kzalloc(sizeof(*p), GFP_ATOMIC);
	if (!p)
		return -ENOMEM;
	ret = tquic_params_parse(buf, len, !conn->server, p);
	if (!ret)
		ret = tquic_params_check_cids(p, !conn->server, &conn->odcid,
					      &conn->iscid,
					      conn->retry_seen ?
					      &conn->local.rscid : NULL);
	if (!ret)
		ret = tquic_conn_check_versions(conn, p);
	if (!ret)
		ret = tquic_early_settle(conn, p, now);
	if (ret) {
		kfree(p);
		tquic_conn_close(conn, ret, 0, false, NULL, 0, now);
		return ret;
	}
	conn->peer = *p;
	kfree(p);
	p = &conn->peer;
	tquic_conn_upgrade(conn, p);
	conn->peer_params_set = true;
	trace_tquic_handshake(conn, TQUIC_STEP_PARAMS);

	idle = p->max_idle_timeout_ms * NSEC_PER_MSEC;
	if (idle && (!conn->idle_ns || idle < conn->idle_ns))
		conn->idle_ns = idle;
	tquic_conn_limits(p, &limits);
	tquic_streams_set_peer(&conn->streams, &limits);
	/* More than a client remembered when it sent early data, perhaps */
	if (tquic_flow_tx_raise(&conn->flow_tx, p->max_data))
		tquic_streams_unpark(&conn->streams);
	conn->multipath = conn->local.has_max_path_id && p->has_max_path_id;
	conn->max_path_id_peer = p->max_path_id;
	/* RFC 10069 §2.1: multipath needs ids that tell paths apart. */
	if (conn->multipath && !conn->iscid.len) {
		tquic_conn_close(conn, TQUIC_ERR_PROTOCOL_VIOLATION, 0, false,
				 NULL, 0, now);
		return TQUIC_ERR_PROTOCOL_VIOLATION;
	}
	if (path) {
		tquic_cidset_local_set_limit(&path->local, p->active_cid_limit);
		if (p->has_reset_token)
			tquic_cidset_remote_set_token(&path->remote,
						      p->reset_token);
		ret = p->has_preferred_addr && conn->iscid.len ?
		      tquic_cidset_remote_add(&path->remote, 1, 0, &p->preferred_addr.cid,
					      p->preferred_addr.reset_token) : 0;
		if (ret) {
			tquic_conn_close(conn, ret, 0, false, NULL, 0, now);
			return ret;
		}
		tquic_path_set_mtu(conn, path, path->pmtu.max_bytes);
	}
	conn->todo |= TQUIC_TODO_WRITE;
	return 0;
}

/* Keys of a level can be used in one direction from now on */
void tquic_conn_keys_ready(struct tquic_conn *conn, enum tquic_level level,
			   bool tx)
{
	if (tx)
		conn->keys_tx |= BIT(level);
	else
		conn->keys_rx |= BIT(level);
	if (level == TQUIC_LEVEL_EARLY)
		tquic_early_begin(conn);
	/* RFC 9001 §4.9.3 */
	if (level == TQUIC_LEVEL_APP && tx && !conn->server)
		tquic_early_over(conn);
	if (level == TQUIC_LEVEL_HANDSHAKE)
		trace_tquic_handshake(conn, TQUIC_STEP_KEYS_HANDSHAKE);
	else if (level == TQUIC_LEVEL_APP)
		trace_tquic_handshake(conn, TQUIC_STEP_KEYS_APP);
}

/**
 * tquic_conn_discard_level() - RFC 9001 §4.9: keys and packets of a level go
 * @conn: connection
 * @level: INITIAL or HANDSHAKE
 * @now: time in ns
 */
void tquic_conn_discard_level(struct tquic_conn *conn, enum tquic_level level,
			      u64 now)
{
	struct tquic_space *space = tquic_conn_space(conn, NULL, level);
	struct tquic_path *path = tquic_conn_path(conn, 0);
	struct tquic_send *tx;
	struct tquic_drain_result dr = {};

	if (!((conn->keys_tx | conn->keys_rx) & BIT(level)))
		return;
	conn->keys_tx &= ~BIT(level);
	conn->keys_rx &= ~BIT(level);
	tquic_space_drain(space, &dr);
	tquic_rec_free_list(dr.recs);
	if (path)
		tquic_cc_on_discard(&path->cc, dr.bytes, now);
	tx = &tquic_conn_crypto(conn, level)->tx;
	tquic_send_destroy(tx);
	tquic_send_init(tx, U64_MAX, NULL);
	conn->hs_pto_count = 0;
	conn->hs_probes[tquic_hs_index(level)] = 0;
	space->ack_deadline_ns = 0;
	space->ack_now = false;
	conn->ops->keys_discard(conn, level);
}

/* RFC 9001 §4.1.2: the handshake is confirmed */
void tquic_conn_confirm(struct tquic_conn *conn, u64 now)
{
	if (conn->confirmed)
		return;
	/* TLS ran elsewhere, and its end may be told to us after the peer's
	 * answer to it has arrived.
	 */
	if (!conn->tls_done) {
		conn->done_rcvd = true;
		return;
	}
	conn->confirmed = true;
	trace_tquic_handshake(conn, TQUIC_STEP_CONFIRMED);
	conn->peer_validated_us = true;
	tquic_early_over(conn);
	tquic_conn_discard_level(conn, TQUIC_LEVEL_INITIAL, now);
	tquic_conn_discard_level(conn, TQUIC_LEVEL_HANDSHAKE, now);
	tquic_conn_end_hs(conn);
	conn->todo |= TQUIC_TODO_STATE | TQUIC_TODO_PATHS;
}

/**
 * tquic_conn_tls_end() - TLS is complete on our side
 * @conn: connection
 * @verified: the peer's identity was checked
 * @now: time in ns
 */
void tquic_conn_tls_end(struct tquic_conn *conn, bool verified, u64 now)
{
	WRITE_ONCE(conn->tls_done, true);
	conn->verified = verified;
	tquic_conn_set_state(conn, TQUIC_STATE_ESTABLISHED);
	trace_tquic_handshake(conn, TQUIC_STEP_TLS_DONE);
	conn->todo |= TQUIC_TODO_STATE | TQUIC_TODO_WRITE;
	if (conn->server) {
		conn->ctl |= TQUIC_CONN_CTL_HANDSHAKE_DONE;
		tquic_conn_confirm(conn, now);
	} else if (conn->done_rcvd) {
		tquic_conn_confirm(conn, now);
	}
	tquic_path_replenish(conn, now);
	tquic_conn_event(conn, TQUIC_EVENT_ESTABLISHED, 0, 0);
	/* One path may be fewer than the operator's minimum. */
	tquic_path_bond(conn, now);
}

/* Tell readers of events, and whoever monitors */
void tquic_conn_event(struct tquic_conn *conn, u32 type, u64 id, u64 error)
{
	struct tquic_event ev = { .type = type, .id = id, .error_code = error };

	/* event_head and event_count */
	BUILD_BUG_ON(TQUIC_EVENTS_MAX > U8_MAX);
	conn->ops->event(conn, &ev);
	if (!conn->want_events)
		return;
	conn->todo |= TQUIC_TODO_READ;
	if (!conn->events)
		conn->events = kcalloc(TQUIC_EVENTS_MAX, sizeof(ev),
				       GFP_ATOMIC | __GFP_NOWARN | __GFP_ACCOUNT);
	if (!conn->events || conn->event_count == TQUIC_EVENTS_MAX) {
		conn->event_lost++;
		return;
	}
	conn->events[(conn->event_head + conn->event_count) % TQUIC_EVENTS_MAX] = ev;
	conn->event_count++;
}

/* Oldest event; one about those that did not fit comes last */
bool tquic_conn_event_pop(struct tquic_conn *conn, struct tquic_event *ev)
{
	if (conn->event_count) {
		*ev = conn->events[conn->event_head];
		conn->event_head = (conn->event_head + 1) % TQUIC_EVENTS_MAX;
		conn->event_count--;
		return true;
	}
	if (!conn->event_lost)
		return false;
	*ev = (struct tquic_event){
		.type = TQUIC_EVENT_LOST, .error_code = conn->event_lost,
	};
	conn->event_lost = 0;
	return true;
}

/**
 * tquic_conn_buffer_bytes() - send buffer that keeps all paths busy
 * @conn: connection
 *
 * While the slowest path's bytes are on their way, and once more when they were
 * lost, all paths go on at their rates, and none of it is let go of before those
 * bytes are acknowledged.
 *
 * Return: bytes for three round trips of the slowest path.
 */
u64 tquic_conn_buffer_bytes(const struct tquic_conn *conn)
{
	u64 slowest_ns = 0, rate = 0;
	const struct tquic_path *path;

	tquic_for_each_path(conn, path) {
		if (path->state != TQUIC_PATH_ACTIVE)
			continue;
		slowest_ns = max(slowest_ns, path->rtt.srtt_ns);
		rate += tquic_path_rate(path);
	}
	return mul_u64_u64_div_u64(rate, 3 * slowest_ns, NSEC_PER_SEC);
}

/* Largest PTO of all open paths: what three of must pass before state goes */
u64 tquic_conn_pto_max_ns(const struct tquic_conn *conn)
{
	u64 delay = tquic_ackfreq_peer_delay_ns(conn);
	const struct tquic_path *path;
	u64 pto = 0;

	tquic_for_each_path(conn, path) {
		if (path->state != TQUIC_PATH_UNUSED)
			pto = max(pto, tquic_rtt_pto_ns(&path->rtt, delay));
	}
	return pto;
}

static void tquic_conn_shut(struct tquic_conn *conn, u64 error, u64 frame_type,
			    u32 flags, const u8 *reason, u32 reason_len, u64 now)
{
	struct tquic_close *c = &conn->closed;

	if (conn->state != TQUIC_STATE_HANDSHAKE &&
	    conn->state != TQUIC_STATE_ESTABLISHED)
		return;
	c->error_code = error;
	c->frame_type = frame_type;
	c->flags = flags;
	c->reason_len = min_t(u32, reason_len, TQUIC_REASON_MAX);
	if (c->reason_len)
		memcpy(c->reason, reason, c->reason_len);
	trace_tquic_close(conn);
	tquic_conn_set_state(conn, TQUIC_STATE_CLOSING);
	/* Of what only 0-RTT packets carried the server may know nothing. */
	conn->close_levels = conn->keys_tx & ~BIT(TQUIC_LEVEL_EARLY);
	conn->close_paths = U16_MAX;
	conn->close_rx_next = 1;
	conn->close_end_ns = now + 3 * tquic_conn_pto_max_ns(conn);
	conn->todo |= TQUIC_TODO_STATE | TQUIC_TODO_READ | TQUIC_TODO_WRITE;
	tquic_conn_event(conn, TQUIC_EVENT_CLOSED, 0, error);
}

/**
 * tquic_conn_close() - close the connection with an error or without
 * @conn: connection
 * @error: transport error code, or the application's
 * @frame_type: frame that is to blame, 0 for none
 * @app: @error is of the application
 * @reason: text for the peer, cut to TQUIC_REASON_MAX bytes
 * @reason_len: its length
 * @now: time in ns
 *
 * The first close counts.  A CONNECTION_CLOSE goes out with the next datagrams.
 */
void tquic_conn_close(struct tquic_conn *conn, u64 error, u64 frame_type,
		      bool app, const u8 *reason, u32 reason_len, u64 now)
{
	tquic_conn_shut(conn, error, frame_type, app ? TQUIC_CLOSE_APP : 0,
			reason, reason_len, now);
}

/* The peer's CONNECTION_CLOSE: say nothing more (RFC 9000 §10.2.2) */
void tquic_conn_closed_by_peer(struct tquic_conn *conn,
			       const struct tquic_frame *f, u64 now)
{
	tquic_conn_shut(conn, f->close.code, f->close.frame_type,
			TQUIC_CLOSE_PEER | (f->close.app ? TQUIC_CLOSE_APP : 0),
			f->close.reason, f->close.reason_len, now);
	conn->closed.flags |= TQUIC_CLOSE_PEER;
	tquic_conn_set_state(conn, TQUIC_STATE_DRAINING);
}

/**
 * tquic_conn_on_reset() - a packet that nobody could open came from the peer
 * @conn: connection
 * @token: its last 16 bytes
 * @now: time in ns
 *
 * When they are the stateless reset token of an id that packets go to, the
 * peer knows nothing of the connection any more (RFC 9000 §10.3.1). All ids are
 * compared, so that the time taken tells nothing.
 *
 * Context: connection lock held. Sets conn->todo.
 * Return: true when it was a stateless reset.
 */
bool tquic_conn_on_reset(struct tquic_conn *conn, const u8 *token, u64 now)
{
	const struct tquic_path *path;
	bool found = false;

	tquic_for_each_path(conn, path) {
		/* The ids of a path that is given up are retired (RFC 10069 §3.4). */
		if (path->state != TQUIC_PATH_ABANDONED)
			found |= tquic_cidset_remote_is_reset(&path->remote, token);
	}
	if (!found || conn->state > TQUIC_STATE_CLOSING)
		return false;
	if (conn->state < TQUIC_STATE_CLOSING) {
		tquic_conn_close(conn, 0, 0, false, NULL, 0, now);
		conn->closed.flags = TQUIC_CLOSE_PEER | TQUIC_CLOSE_RESET;
	}
	tquic_conn_set_state(conn, TQUIC_STATE_DRAINING);
	conn->todo |= TQUIC_TODO_STATE;
	return true;
}

/**
 * tquic_conn_vanish() - end without a word: nobody is there, or the last waiting is over
 * @conn: connection in any state
 * @error: of what it was that ended it; TQUIC_ERR_NO_ERROR for time
 * @flags: TQUIC_CLOSE_*
 *
 * Context: connection lock held. Sets conn->todo.
 */
void tquic_conn_vanish(struct tquic_conn *conn, u64 error, u32 flags)
{
	if (conn->state < TQUIC_STATE_CLOSING) {
		conn->closed.error_code = error;
		conn->closed.flags = flags;
		trace_tquic_close(conn);
		tquic_conn_event(conn, TQUIC_EVENT_CLOSED, 0, error);
	}
	tquic_conn_set_state(conn, TQUIC_STATE_CLOSED);
	conn->todo |= TQUIC_TODO_STATE | TQUIC_TODO_READ | TQUIC_TODO_WRITE;
}

/**
 * tquic_conn_touch_idle() - restart the idle timer (RFC 9000 §10.1)
 * @conn: connection
 * @received: a packet was processed; else an ack-eliciting one is sent
 * @now: time in ns
 */
void tquic_conn_touch_idle(struct tquic_conn *conn, bool received, u64 now)
{
	if (received) {
		conn->last_rx_ns = now;
		conn->idle_restarted = false;
		conn->idle_start_ns = now;
	} else if (!conn->idle_restarted) {
		conn->idle_restarted = true;
		conn->idle_start_ns = now;
	}
}

static void tquic_conn_lost(struct tquic_conn *conn, struct tquic_path *path,
			    const struct tquic_loss_result *res, u64 now)
{
	struct tquic_cc_loss loss = {
		.now = now,
		.bytes = res->bytes,
		.sent_ns = res->largest_sent_ns,
		.rate_pkt = res->rate_pkt,
		.pkts = res->pkts,
		.sampled = res->sampled,
		.persistent = res->persistent,
	};

	path->stats.lost_packets += res->pkts + res->mtu_probe_pkts;
	if (res->mtu_probe_bytes)
		tquic_cc_on_discard(&path->cc, res->mtu_probe_bytes, now);
	if (res->pkts)
		tquic_cc_on_lost(&path->cc, &loss);
	if (res->persistent) {
		path->stats.persistent++;
		tquic_rtt_reset_min(&path->rtt);
	}
	tquic_copies_on_lost(conn, res->lost);
	tquic_ctrl_on_lost(conn, res->lost);
	if (res->pkts)
		trace_tquic_cc_update(conn, path);
}

/* Declare what is lost among a path's 1-RTT packets */
void tquic_conn_detect_loss(struct tquic_conn *conn, struct tquic_path *path,
			    u64 now)
{
	struct tquic_loss_result res = {};

	tquic_loss_detect(&path->space, &path->rtt,
			  tquic_ackfreq_peer_delay_ns(conn), now, &res);
	if (res.large_sent_ns)
		tquic_path_doubt_mtu(path, res.large_sent_ns, now);
	tquic_conn_lost(conn, path, &res, now);
}

/* Declare what is lost among Initial or Handshake packets */
void tquic_conn_detect_loss_hs(struct tquic_conn *conn, enum tquic_level level,
			       u64 now)
{
	struct tquic_space *space = tquic_conn_space(conn, NULL, level);
	struct tquic_path *path = tquic_conn_path(conn, 0);
	struct tquic_loss_result res = {};

	if (!path)
		return;
	tquic_loss_detect(space, &path->rtt, 0, now, &res);
	tquic_conn_lost(conn, path, &res, now);
}

/* An acknowledgment of Initial or Handshake packets came */
void tquic_conn_on_ack_hs(struct tquic_conn *conn, enum tquic_level level,
			  u32 acked_pkts)
{
	/* RFC 9002 §6.2.2.1: the server has the client's address proven once
	 * it acknowledges a Handshake packet.
	 */
	if (level == TQUIC_LEVEL_HANDSHAKE)
		conn->peer_validated_us = true;
	if (acked_pkts && (conn->server || conn->peer_validated_us))
		conn->hs_pto_count = 0;
}

/* Its state while the handshake goes on, else NULL */
static struct tquic_hs *tquic_conn_in_handshake(const struct tquic_conn *conn)
{
	return conn->state < TQUIC_STATE_CLOSING ? tquic_conn_hs(conn) : NULL;
}

/* When the handshake's probe timeout expires; 0: not armed (RFC 9002 §6.2) */
static u64 tquic_conn_hs_pto_ns(const struct tquic_conn *conn)
{
	struct tquic_path *path = tquic_conn_path(conn, 0);
	struct tquic_hs *hs = tquic_conn_in_handshake(conn);
	u64 t, due = 0;
	unsigned int i;

	if (!path || !hs ||
	    conn->hs_probes[0] || conn->hs_probes[1])
		return 0;
	if (tquic_path_tx_room(path) < TQUIC_MIN_UDP_PAYLOAD)
		return 0;
	for (i = 0; i < 2; i++) {
		t = tquic_loss_pto_deadline_ns(&hs->space[i], &path->rtt, 0,
					       conn->hs_pto_count);
		due = min_not_zero(due, t);
	}
	/* A client whose address the server cannot trust yet has to give it
	 * more bytes to answer with (RFC 9002 §6.2.2.1).
	 */
	if (!due && !conn->server && !conn->peer_validated_us && conn->keys_tx) {
		t = max(hs->space[0].last_eliciting_ns,
			hs->space[1].last_eliciting_ns);
		if (t)
			due = t + tquic_loss_pto_period_ns(&path->rtt, 0,
							   conn->hs_pto_count);
	}
	return due;
}

/* Packets that have to be answered, with what is still without an answer (RFC 9002 §6.2.4) */
static void tquic_conn_probe_hs(struct tquic_conn *conn, const struct tquic_hs *hs)
{
	bool any = false;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		if (!hs->space[i].eliciting_in_flight)
			continue;
		conn->hs_probes[i] = TQUIC_HS_PROBES;
		any = true;
	}
	if (any)
		return;
	i = conn->keys_tx & BIT(TQUIC_LEVEL_HANDSHAKE) ? 1 : 0;
	conn->hs_probes[i] = TQUIC_HS_PROBES;
}

static void tquic_conn_on_hs_pto(struct tquic_conn *conn, const struct tquic_hs *hs)
{
	struct tquic_path *path = tquic_conn_path(conn, 0);

	path->stats.ptos++;
	conn->hs_pto_count = min(conn->hs_pto_count + 1, 16);
	if (conn->hs_pto_count >= TQUIC_PATH_ECN_PTOS)
		path->ecn = false;
	tquic_conn_probe_hs(conn, hs);
}

/**
 * tquic_conn_hs_again() - an outage seems to be over: go on with the handshake
 * @conn: connection
 * @since_ns: what was sent after this time is still waited for
 *
 * The probe timeouts have backed off, and the peer does not wait for ever (RFC 9002 §6.2.3).
 */
void tquic_conn_hs_again(struct tquic_conn *conn, u64 since_ns)
{
	const struct tquic_hs *hs = tquic_conn_in_handshake(conn);

	if (hs && max(hs->space[0].last_eliciting_ns, hs->space[1].last_eliciting_ns) <= since_ns)
		tquic_conn_probe_hs(conn, hs);
}

/* Idle for so long that the connection ends; never below 3 PTO */
static u64 tquic_conn_idle_end_ns(const struct tquic_conn *conn)
{
	if (!conn->idle_ns)
		return 0;
	return conn->idle_start_ns +
	       max(conn->idle_ns, 3 * tquic_conn_pto_max_ns(conn));
}

/*
 * When the next keep-alive is due; those sent do not count as signs of life.  A program
 * that waits for the peer's credit has something to say and may not: the connection is
 * kept open for it (RFC 9000 4.1), with a few tries before it ends at @idle_end_ns.
 */
static u64 tquic_conn_keepalive_ns(const struct tquic_conn *conn, u64 idle_end_ns)
{
	u64 pause_ns = conn->keepalive_ns;

	if (conn->streams.tx_mem.unsent && idle_end_ns)
		pause_ns = min_not_zero(pause_ns, (idle_end_ns - conn->idle_start_ns) / 4);
	if (!pause_ns || conn->state != TQUIC_STATE_ESTABLISHED ||
	    conn->ctl & TQUIC_CONN_CTL_PING)
		return 0;
	return max(conn->idle_start_ns, conn->keepalive_sent_ns) + pause_ns;
}

/**
 * tquic_conn_deadline_ns() - when tquic_conn_on_timeout() wants to be called
 * @conn: connection
 *
 * Return: time in ns, 0: never.
 */
u64 tquic_conn_deadline_ns(const struct tquic_conn *conn)
{
	const struct tquic_hs *hs = tquic_conn_in_handshake(conn);
	struct tquic_path *path;
	unsigned int i;
	u64 t;

	switch (conn->state) {
	case TQUIC_STATE_HANDSHAKE:
	case TQUIC_STATE_ESTABLISHED:
		break;
	case TQUIC_STATE_CLOSING:
		return min_not_zero(conn->close_end_ns, conn->pace_due_ns);
	case TQUIC_STATE_DRAINING:
		return conn->close_end_ns;
	default:
		return 0;
	}
	t = tquic_conn_idle_end_ns(conn);
	t = min_not_zero(t, tquic_conn_keepalive_ns(conn, t));
	t = min_not_zero(t, conn->pace_due_ns);
	t = min_not_zero(t, conn->key_drop_prev_ns);
	t = min_not_zero(t, conn->replenish_ns);
	/* Acknowledgments of the handshake never wait for a timer. */
	if (hs) {
		for (i = 0; i < 2; i++)
			t = min_not_zero(t, hs->space[i].loss_time_ns);
		t = min_not_zero(t, tquic_conn_hs_pto_ns(conn));
	}
	tquic_for_each_path(conn, path)
		t = min_not_zero(t, tquic_path_deadline_ns(conn, path));
	/* What is due can do nothing before there is memory again. */
	return conn->tx_nomem ? max(t, conn->pace_due_ns) : t;
}

static void tquic_conn_hs_timeout(struct tquic_conn *conn, u64 now)
{
	const struct tquic_hs *hs = tquic_conn_in_handshake(conn);
	unsigned int i;
	u64 t;

	if (!hs)
		return;
	for (i = 0; i < 2; i++) {
		t = hs->space[i].loss_time_ns;
		if (t && now >= t)
			tquic_conn_detect_loss_hs(conn, hs->space[i].level, now);
	}
	t = tquic_conn_hs_pto_ns(conn);
	if (t && now >= t)
		tquic_conn_on_hs_pto(conn, hs);
}

/**
 * tquic_conn_on_timeout() - do everything that is due
 * @conn: connection
 * @now: time in ns
 *
 * The caller then sends what tquic_conn_output() gives.
 */
void tquic_conn_on_timeout(struct tquic_conn *conn, u64 now)
{
	struct tquic_path *path;
	u64 t;

	if (conn->state == TQUIC_STATE_CLOSING ||
	    conn->state == TQUIC_STATE_DRAINING) {
		if (now >= conn->close_end_ns)
			tquic_conn_vanish(conn, 0, 0);
		return;
	}
	if (conn->state != TQUIC_STATE_HANDSHAKE &&
	    conn->state != TQUIC_STATE_ESTABLISHED)
		return;
	t = tquic_conn_idle_end_ns(conn);
	if (t && now >= t) {
		tquic_conn_vanish(conn, 0, TQUIC_CLOSE_IDLE);
		return;
	}
	t = tquic_conn_keepalive_ns(conn, t);
	if (t && now >= t) {
		conn->ctl |= TQUIC_CONN_CTL_PING;
		conn->keepalive_sent_ns = now;
	}
	if (conn->key_drop_prev_ns && now >= conn->key_drop_prev_ns) {
		conn->key_drop_prev_ns = 0;
		conn->todo |= TQUIC_TODO_KEYS;
	}
	if (conn->replenish_ns && now >= conn->replenish_ns)
		tquic_path_replenish(conn, now);
	tquic_conn_hs_timeout(conn, now);
	tquic_for_each_path(conn, path)
		tquic_path_on_timeout(conn, path, now);
}

static u64 tquic_conn_srtt_max_ns(const struct tquic_conn *conn)
{
	const struct tquic_path *path;
	u64 srtt = 0;

	tquic_for_each_path(conn, path) {
		if (tquic_path_is_open(path) && path->rtt.first_sample_ns)
			srtt = max(srtt, path->rtt.srtt_ns);
	}
	return srtt;
}

/**
 * tquic_conn_read_done() - the program took bytes of a stream
 * @conn: connection
 * @s: stream; may be freed when it is done
 * @bytes: how many
 * @now: time in ns
 */
void tquic_conn_read_done(struct tquic_conn *conn, struct tquic_stream *s,
			  u32 bytes, u64 now)
{
	/* A loss holds delivery up for one more round trip, on whatever path
	 * it was: the window has to last for that too.
	 */
	u64 srtt = 2 * tquic_conn_srtt_max_ns(conn);

	if (tquic_recv_consume(&s->rx, bytes, now, srtt))
		tquic_streams_ctl_set(&conn->streams, s,
				      TQUIC_STREAM_CTL_MAX_DATA);
	if (tquic_flow_rx_consumed(&conn->flow_rx, bytes, now, srtt))
		conn->ctl |= TQUIC_CONN_CTL_MAX_DATA;
	conn->stats.bytes_delivered += bytes;
	tquic_streams_read(&conn->streams, s);
	tquic_streams_reap(&conn->streams, s);
}

/**
 * tquic_conn_stream_finish() - the program has said on a stream all it has to say
 * @conn: connection
 * @s: stream
 *
 * Return: 0, or -EPIPE when it may not write on it.
 */
int tquic_conn_stream_finish(struct tquic_conn *conn, struct tquic_stream *s)
{
	int ret = tquic_send_finish(&s->tx);

	/* Who waits for room on another stream will say so again. */
	if (!ret)
		conn->tx_full = false;
	tquic_streams_update_ready(&conn->streams, s);
	return ret;
}

/**
 * tquic_conn_stream_reset() - stop sending on a stream, drop what is queued
 * @conn: connection
 * @s: stream
 * @error: application error code
 *
 * Return: 0, or -EPIPE when there is nothing left to reset.
 */
int tquic_conn_stream_reset(struct tquic_conn *conn, struct tquic_stream *s,
			    u64 error)
{
	if (!tquic_send_reset(&s->tx, error))
		return -EPIPE;
	tquic_streams_ctl_set(&conn->streams, s, TQUIC_STREAM_CTL_RESET);
	tquic_streams_update_ready(&conn->streams, s);
	tquic_streams_notify(&conn->streams, s);
	conn->stats.streams_reset++;
	conn->todo |= TQUIC_TODO_WRITE;
	return 0;
}

/**
 * tquic_conn_stream_reset_at() - stop sending on a stream after its first bytes
 * @conn: connection
 * @s: stream
 * @error: application error code
 * @reliable: bytes from its beginning that the peer shall get nevertheless
 *
 * What is written of them goes on being sent, and sent again; what is behind them is
 * dropped. tquic_conn_stream_reset() may follow and gives up these, too.
 *
 * Return: 0; -EOPNOTSUPP when the peer did not offer it, or not yet; -EPIPE when there
 * is nothing left to reset; -EINVAL when less was written.
 */
int tquic_conn_stream_reset_at(struct tquic_conn *conn, struct tquic_stream *s,
			       u64 error, u64 reliable)
{
	int ret;

	if (!conn->peer_params_set || !conn->peer.reset_stream_at)
		return -EOPNOTSUPP;
	ret = tquic_send_reset_at(&s->tx, error, reliable);
	if (ret)
		return ret;
	if (s->tx.reset_pending)
		tquic_streams_ctl_set(&conn->streams, s, TQUIC_STREAM_CTL_RESET);
	tquic_streams_update_ready(&conn->streams, s);
	tquic_streams_notify(&conn->streams, s);
	conn->stats.streams_reset++;
	conn->todo |= TQUIC_TODO_WRITE;
	return 0;
}

/**
 * tquic_conn_stream_stop() - ask the peer to stop sending, drop what came
 * @conn: connection
 * @s: stream; may be freed when it is done
 * @error: application error code
 * @now: time in ns
 *
 * Return: 0, or -EPIPE when all had come already.
 */
int tquic_conn_stream_stop(struct tquic_conn *conn, struct tquic_stream *s,
			   u64 error, u64 now)
{
	struct tquic_recv_delta delta = {};
	bool stop = tquic_recv_stop(&s->rx, error, &delta);

	if (delta.dropped &&
	    tquic_flow_rx_consumed(&conn->flow_rx, delta.dropped, now, 0))
		conn->ctl |= TQUIC_CONN_CTL_MAX_DATA;
	if (stop)
		tquic_streams_ctl_set(&conn->streams, s, TQUIC_STREAM_CTL_STOP);
	tquic_streams_update_readable(&conn->streams, s);
	tquic_streams_reap(&conn->streams, s);
	return stop ? 0 : -EPIPE;
}

/**
 * tquic_conn_assign_cc() - hand all paths over to another congestion control
 * @conn: connection, at any time of its life
 * @ops: what tquic_cc_get() returned; the reference goes with it
 * @now: time in ns
 *
 * Paths to come use it, too.  The old one's module is let go of.
 *
 * Context: connection lock held.
 */
void tquic_conn_assign_cc(struct tquic_conn *conn,
			  const struct tquic_cc_ops *ops, u64 now)
{
	struct tquic_path *path;

	tquic_for_each_path(conn, path) {
		tquic_cc_switch(&path->cc, ops, now);
		path->space.sent.rated = ops->sampled;
	}
	tquic_cc_put(conn->cc_ops);
	conn->cc_ops = ops;
}
