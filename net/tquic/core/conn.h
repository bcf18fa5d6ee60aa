/* SPDX-License-Identifier: GPL-2.0 */
/* A connection: the state machine behind a socket, without the socket */
#ifndef TQUIC_CORE_CONN_H
#define TQUIC_CORE_CONN_H

#include <linux/types.h>
#include <linux/skbuff.h>
#include <linux/tquic.h>
#include "core/proto.h"
#include "core/ops.h"
#include "core/version.h"
#include "core/frame.h"
#include "core/header.h"
#include "core/hs.h"
#include "core/params.h"
#include "core/path.h"
#include "core/pkt.h"
#include "core/flow.h"
#include "core/streams.h"
#include "bond/bond.h"
#include "core/tuning.h"
#include "core/ackfreq.h"

struct tquic_sched;

#define TQUIC_EVENTS_MAX		64
#define TQUIC_RECORD_ROOM_MIN		64
#define TQUIC_TX_RETRY_NS		NSEC_PER_MSEC	/* after lack of memory */

/* What the caller of the engine still has to do; conn->todo */
#define TQUIC_TODO_READ		BIT(0)	/* something to read came */
#define TQUIC_TODO_WRITE	BIT(1)	/* room to write opened */
#define TQUIC_TODO_STATE	BIT(2)	/* conn->state changed */
#define TQUIC_TODO_PATHS	BIT(3)	/* a path was validated or lost, or could be opened */
#define TQUIC_TODO_KEYS		BIT(4)	/* next keys have to be computed */
#define TQUIC_TODO_DGRAM	BIT(5)	/* there may be room for datagrams */

/* Control frames of the connection as a whole; conn->ctl */
enum tquic_conn_ctl {
	TQUIC_CONN_CTL_MAX_DATA = 1,
	TQUIC_CONN_CTL_DATA_BLOCKED = 2,
	TQUIC_CONN_CTL_HANDSHAKE_DONE = 4,
	TQUIC_CONN_CTL_MAX_PATH_ID = 8,
	TQUIC_CONN_CTL_PING = 16,	/* keep-alive */
	TQUIC_CONN_CTL_PATHS_BLOCKED = 32,
	TQUIC_CONN_CTL_NEW_TOKEN = 64,
	TQUIC_CONN_CTL_ACK_FREQUENCY = 128,
};

struct tquic_conn_stats {
	u64 bytes_sent, bytes_received, bytes_delivered;
	u64 bytes_retransmitted, bytes_reinjected;	/* the latter are among the former */
	u64 streams_opened, streams_reset;
	u64 datagrams_sent, datagrams_received, datagrams_dropped;
	u64 deadlines_missed;		/* datagrams dropped, streams reset */
	u32 key_updates;
};

/**
 * struct tquic_conn - one connection
 * @ops: upward calls
 * @version: in use
 * @first_version: of the client's first packets
 * @prefer: server: which one to go on in if the client can, NULL: as it began
 * @trace_id: what tracepoints call it; 0 outside a socket
 * @state: enum tquic_state
 * @early: enum tquic_early_state
 * @keys_tx: bit per level: packets can be sealed
 * @keys_rx: bit per level: packets can be opened
 * @confirmed: handshake confirmed, RFC 9001 §4.1.2
 * @multipath: both sides sent initial_max_path_id
 * @local: parameters we announce
 * @peer: parameters of the peer, defaults until they arrive
 * @tune: operator's settings
 * @hs: what Initial and Handshake packets need, until the handshake is confirmed
 * @crypto: CRYPTO bytes of 1-RTT packets
 * @ctl: control frames to send
 * @tx_full: the program was refused room in the send buffer and wrote nothing since
 * @tx_copy: other paths owe copies of what the packet at hand carries
 * @todo: TQUIC_TODO_* for whoever called the engine
 *
 * Everything is under the connection lock unless its group says otherwise.
 */
struct tquic_conn {
	const struct tquic_conn_ops *ops;
	const struct tquic_version *version;
	const struct tquic_version *first_version;
	const struct tquic_version *prefer;
	u64 trace_id;
	u8 state;
	u8 early;
	bool server;
	u8 keys_tx, keys_rx;
	bool tls_done;
	bool confirmed;
	bool multipath;
	bool verified;
	bool peer_params_set;
	bool early_known;	/* client: @peer holds what is remembered */
	bool peer_validated_us;	/* client: the server saw our address */
	bool done_rcvd;		/* client: HANDSHAKE_DONE came, TLS is not done */
	bool tx_nomem;		/* the last output lacked memory */
	bool tx_full;
	bool tx_copy;
	bool retry_seen;
	bool idle_restarted;		/* by a send since the last receive */
	u16 cipher;
	u32 todo;

	struct tquic_params local, peer;
	struct tquic_tuning tune;
	struct tquic_cid odcid;		/* first DCID the client chose */
	struct tquic_cid iscid;		/* peer's first SCID */
	bool iscid_set;
	u16 token_len, new_token_len;
	u8 *token;			/* for client Initials */
	u8 *new_token;			/* for a later connection */

	/* handshake */
	struct tquic_hs __rcu *hs;
	struct tquic_crypto_stream crypto;

	/* paths: writers under the lock, readers by RCU */
	struct tquic_path __rcu *paths[TQUIC_PATHS_MAX];
	u32 next_path_id;		/* ids below have or had a path */
	u32 max_path_id_local;		/* what we let the peer use */
	u32 max_path_id_peer;		/* what the peer lets us use */
	u32 paths_blocked;		/* limit told to be too low, plus 1; 0: none */
	struct tquic_bond bond;
	struct tquic_ackfreq ackfreq;

	/* application data */
	struct tquic_streams streams;
	struct tquic_flow_rx flow_rx;
	struct tquic_flow_tx flow_tx;
	struct sk_buff_head dgram_tx, dgram_rx;
	u32 dgram_rx_bytes;
	u32 dgram_tx_bytes;

	const struct tquic_sched *sched;
	u64 sched_priv[8];
	const struct tquic_cc_ops *cc_ops;
	struct tquic_cc_group cc_group;	/* ACTIVE paths */

	/* timers, ns; 0: not set */
	u64 idle_ns;			/* negotiated, 0: never */
	u64 idle_start_ns;
	u64 last_rx_ns;
	u64 keepalive_ns;		/* interval */
	u64 keepalive_sent_ns;
	u64 replenish_ns;		/* memory for new ids was short */
	u64 close_end_ns;
	u64 pace_due_ns;		/* data waits for a pacer */

	/* key update, RFC 9001 §6 */
	u64 key_drop_prev_ns;
	bool tx_phase;			/* key phase bit of what we send */

	/* closing */
	u8 close_levels;		/* levels a CONNECTION_CLOSE is due at, */
	u16 close_paths;		/* and slots of the paths it has yet to leave on */
	u32 close_rx;			/* packets since the last one sent */
	u32 close_rx_next;

	u32 event_lost;
	u8 event_head, event_count;
	bool want_events;
	u8 ctl;				/* enum tquic_conn_ctl bits */
	bool drop_initial;		/* its keys, at the next datagram */
	u8 hs_pto_count, hs_probes[2];	/* of the handshake's timeouts */
	struct tquic_event *events;	/* TQUIC_EVENTS_MAX, once there was one */

	struct tquic_close closed;

	struct tquic_conn_stats stats;
};

/* conn.c */
void tquic_conn_init(struct tquic_conn *conn, const struct tquic_conn_ops *ops);
void tquic_conn_destroy(struct tquic_conn *conn);
void tquic_conn_vanish(struct tquic_conn *conn, u64 error, u32 flags);
void tquic_conn_set_state(struct tquic_conn *conn, enum tquic_state state);
void tquic_conn_limits(const struct tquic_params *p, struct tquic_stream_limits *l);
int tquic_conn_start(struct tquic_conn *conn, bool server,
		     const struct tquic_version *v, const struct tquic_cid *odcid,
		     const struct tquic_cid *peer_scid, u64 now);
ssize_t tquic_conn_local_params(struct tquic_conn *conn, u8 *buf, size_t len);
int tquic_conn_peer_params(struct tquic_conn *conn, const u8 *buf, size_t len,
			   u64 now);
void tquic_conn_keys_ready(struct tquic_conn *conn, enum tquic_level level,
			   bool tx);
void tquic_conn_tls_end(struct tquic_conn *conn, bool verified, u64 now);
void tquic_conn_confirm(struct tquic_conn *conn, u64 now);
void tquic_conn_discard_level(struct tquic_conn *conn, enum tquic_level level,
			      u64 now);
void tquic_conn_on_ack_hs(struct tquic_conn *conn, enum tquic_level level,
			  u32 acked_pkts);
void tquic_conn_hs_again(struct tquic_conn *conn, u64 since_ns);
void tquic_conn_close(struct tquic_conn *conn, u64 error, u64 frame_type,
		      bool app, const u8 *reason, u32 reason_len, u64 now);
void tquic_conn_closed_by_peer(struct tquic_conn *conn,
			       const struct tquic_frame *f, u64 now);
bool tquic_conn_on_reset(struct tquic_conn *conn, const u8 *token, u64 now);
void tquic_conn_event(struct tquic_conn *conn, u32 type, u64 id, u64 error);
bool tquic_conn_event_pop(struct tquic_conn *conn, struct tquic_event *ev);
u64 tquic_conn_buffer_bytes(const struct tquic_conn *conn);
u64 tquic_conn_pto_max_ns(const struct tquic_conn *conn);
u64 tquic_conn_deadline_ns(const struct tquic_conn *conn);
void tquic_conn_detect_loss(struct tquic_conn *conn, struct tquic_path *path,
			    u64 now);
void tquic_conn_detect_loss_hs(struct tquic_conn *conn, enum tquic_level level,
			       u64 now);
void tquic_conn_on_timeout(struct tquic_conn *conn, u64 now);
void tquic_conn_assign_cc(struct tquic_conn *conn,
			  const struct tquic_cc_ops *ops, u64 now);
void tquic_conn_touch_idle(struct tquic_conn *conn, bool received, u64 now);

/* input.c */
int tquic_conn_input(struct tquic_conn *conn, const struct tquic_rx_pkt *pkt,
		     u64 now);

/* output.c */
int tquic_conn_output(struct tquic_conn *conn, u8 *buf, u32 room, u64 now,
		      struct tquic_tx_pkt pkts[TQUIC_LEVEL_COUNT]);
bool tquic_output_has_data(const struct tquic_conn *conn, u64 floor_ns);

void tquic_conn_read_done(struct tquic_conn *conn, struct tquic_stream *s,
			  u32 bytes, u64 now);
int tquic_conn_stream_finish(struct tquic_conn *conn, struct tquic_stream *s);
int tquic_conn_stream_reset(struct tquic_conn *conn, struct tquic_stream *s, u64 error);
int tquic_conn_stream_reset_at(struct tquic_conn *conn, struct tquic_stream *s,
			       u64 error, u64 reliable);
int tquic_conn_stream_stop(struct tquic_conn *conn, struct tquic_stream *s,
			   u64 error, u64 now);

static inline struct tquic_path *tquic_conn_path(const struct tquic_conn *conn,
						 unsigned int i)
{
	return rcu_dereference_protected(conn->paths[i], true);
}

/* The first path in one of @slots from slot *@i on, where *@i ends up; NULL: there is none */
static inline struct tquic_path *tquic_conn_path_from(const struct tquic_conn *conn,
						      u16 slots, unsigned int *i)
{
	struct tquic_path *path;

	for (; *i < TQUIC_PATHS_MAX; ++*i) {
		path = slots & BIT(*i) ? tquic_conn_path(conn, *i) : NULL;
		if (path)
			return path;
	}
	return NULL;
}

/* @path may be destroyed meanwhile.  Context: under the connection lock */
#define tquic_for_each_slot(conn, slots, path)	\
	for (unsigned int _i = 0; ((path) = tquic_conn_path_from(conn, slots, &_i)); _i++)

#define tquic_for_each_path(conn, path)	tquic_for_each_slot(conn, U16_MAX, path)

/* State of the handshake, NULL once that is confirmed */
static inline struct tquic_hs *tquic_conn_hs(const struct tquic_conn *conn)
{
	return rcu_dereference_protected(conn->hs, true);
}

/* Packet-number space of packets of a level that are on @path; NULL: it is over */
static inline struct tquic_space *tquic_conn_space(const struct tquic_conn *conn,
						   struct tquic_path *path,
						   enum tquic_level level)
{
	struct tquic_hs *hs = tquic_conn_hs(conn);

	if (!tquic_hs_level(level))
		return &path->space;
	return hs ? &hs->space[tquic_hs_index(level)] : NULL;
}

/* Has no packet of the peer been opened yet? */
static inline bool tquic_conn_unheard(const struct tquic_conn *conn)
{
	struct tquic_hs *hs = tquic_conn_hs(conn);

	return hs && tquic_ranges_largest(&hs->space[0].rx) < 0;
}

/* CRYPTO bytes of a level, NULL when there cannot be any (any more) */
static inline struct tquic_crypto_stream *
tquic_conn_crypto(struct tquic_conn *conn, enum tquic_level level)
{
	struct tquic_hs *hs = tquic_conn_hs(conn);

	if (level == TQUIC_LEVEL_APP)
		return &conn->crypto;
	return hs && tquic_hs_level(level) ? &hs->crypto[tquic_hs_index(level)] : NULL;
}

#endif /* TQUIC_CORE_CONN_H */
