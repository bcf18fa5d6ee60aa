/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints of TQUIC. Documentation/networking/tquic-trace.rst tells what
 * each field means; "tquic trace" reads them all.
 *
 * @conn names a connection: the inode of its network namespace in the upper
 * half, its token in the lower.  Times are in ns unless a name says otherwise.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM tquic

#if !defined(_TRACE_TQUIC_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_TQUIC_H

#include <linux/tracepoint.h>
#include "core/conn.h"
#include "core/trace.h"

#define TQUIC_TRACE_CONN	"conn=%u:%u"
#define tquic_trace_conn(c)	((u32)((c) >> 32)), ((u32)(c))

#define tquic_trace_show_level(l) __print_symbolic(l,		\
	{ TQUIC_LEVEL_INITIAL, "initial" },			\
	{ TQUIC_LEVEL_EARLY, "early" },				\
	{ TQUIC_LEVEL_HANDSHAKE, "handshake" },			\
	{ TQUIC_LEVEL_APP, "app" })

TRACE_EVENT(tquic_conn_state,
	TP_PROTO(const struct tquic_conn *conn, u8 from),
	TP_ARGS(conn, from),
	TP_STRUCT__entry(
		__field(u64, conn)
		__field(u64, sent_bytes)
		__field(u64, retransmitted_bytes)
		__field(u64, received_bytes)
		__field(u64, delivered_bytes)
		__field(u8, server)
		__field(u8, from)
		__field(u8, to)
	),
	TP_fast_assign(
		__entry->conn = conn->trace_id;
		__entry->sent_bytes = conn->stats.bytes_sent;
		__entry->retransmitted_bytes = conn->stats.bytes_retransmitted;
		__entry->received_bytes = conn->stats.bytes_received;
		__entry->delivered_bytes = conn->stats.bytes_delivered;
		__entry->server = conn->server;
		__entry->from = from;
		__entry->to = conn->state;
	),
	TP_printk(TQUIC_TRACE_CONN " server=%u from=%u to=%u sent=%llu received=%llu",
		  tquic_trace_conn(__entry->conn), __entry->server,
		  __entry->from, __entry->to, __entry->sent_bytes,
		  __entry->received_bytes)
);

TRACE_EVENT(tquic_close,
	TP_PROTO(const struct tquic_conn *conn),
	TP_ARGS(conn),
	TP_STRUCT__entry(
		__field(u64, conn)
		__field(u64, error)
		__field(u64, frame_type)
		__field(u32, flags)
	),
	TP_fast_assign(
		__entry->conn = conn->trace_id;
		__entry->error = conn->closed.error_code;
		__entry->frame_type = conn->closed.frame_type;
		__entry->flags = conn->closed.flags;
	),
	TP_printk(TQUIC_TRACE_CONN " error=%#llx frame_type=%#llx flags=%#x",
		  tquic_trace_conn(__entry->conn), __entry->error,
		  __entry->frame_type, __entry->flags)
);

TRACE_EVENT(tquic_handshake,
	TP_PROTO(const struct tquic_conn *conn, enum tquic_trace_step step),
	TP_ARGS(conn, step),
	TP_STRUCT__entry(
		__field(u64, conn)
		__field(u8, server)
		__field(u8, step)
	),
	TP_fast_assign(
		__entry->conn = conn->trace_id;
		__entry->server = conn->server;
		__entry->step = step;
	),
	TP_printk(TQUIC_TRACE_CONN " server=%u step=%s",
		  tquic_trace_conn(__entry->conn), __entry->server,
		  __print_symbolic(__entry->step,
				   { TQUIC_STEP_START, "start" },
				   { TQUIC_STEP_AGENT_ASKED, "agent_asked" },
				   { TQUIC_STEP_AGENT_TOOK, "agent_took" },
				   { TQUIC_STEP_KEYS_HANDSHAKE, "keys_handshake" },
				   { TQUIC_STEP_KEYS_APP, "keys_app" },
				   { TQUIC_STEP_PARAMS, "params" },
				   { TQUIC_STEP_TLS_DONE, "tls_done" },
				   { TQUIC_STEP_CONFIRMED, "confirmed" }))
);

TRACE_EVENT(tquic_packet_sent,
	TP_PROTO(const struct tquic_conn *conn, const struct tquic_tx_pkt *pkt,
		 u8 flags),
	TP_ARGS(conn, pkt, flags),
	TP_STRUCT__entry(
		__field(u64, conn)
		__field(u64, pn)
		__field(u64, in_flight_bytes)
		__field(u32, path)
		__field(u32, bytes)
		__field(u8, level)
		__field(u8, flags)
	),
	TP_fast_assign(
		__entry->conn = conn->trace_id;
		__entry->pn = pkt->pn;
		__entry->in_flight_bytes = pkt->path->cc.in_flight;
		__entry->path = pkt->path->id;
		__entry->bytes = pkt->len + TQUIC_AEAD_TAG_LEN;
		__entry->level = pkt->level;
		__entry->flags = flags;
	),
	TP_printk(TQUIC_TRACE_CONN " path=%u level=%s pn=%llu bytes=%u flags=%#x in_flight=%llu",
		  tquic_trace_conn(__entry->conn), __entry->path,
		  tquic_trace_show_level(__entry->level), __entry->pn,
		  __entry->bytes, __entry->flags, __entry->in_flight_bytes)
);

TRACE_EVENT(tquic_packet_received,
	TP_PROTO(const struct tquic_conn *conn, const struct tquic_rx_pkt *pkt,
		 enum tquic_level level),
	TP_ARGS(conn, pkt, level),
	TP_STRUCT__entry(
		__field(u64, conn)
		__field(u64, pn)
		__field(u32, path)
		__field(u32, bytes)
		__field(u8, level)
		__field(u8, ecn)
	),
	TP_fast_assign(
		__entry->conn = conn->trace_id;
		__entry->pn = pkt->pn;
		__entry->path = pkt->path->id;
		__entry->bytes = pkt->dgram_bytes;
		__entry->level = level;
		__entry->ecn = pkt->ecn;
	),
	TP_printk(TQUIC_TRACE_CONN " path=%u level=%s pn=%llu bytes=%u ecn=%u",
		  tquic_trace_conn(__entry->conn), __entry->path,
		  tquic_trace_show_level(__entry->level), __entry->pn,
		  __entry->bytes, __entry->ecn)
);

TRACE_EVENT(tquic_packet_dropped,
	TP_PROTO(const struct tquic_conn *conn, u32 path,
		 enum tquic_trace_drop reason, u32 bytes),
	TP_ARGS(conn, path, reason, bytes),
	TP_STRUCT__entry(
		__field(u64, conn)
		__field(u32, path)
		__field(u32, bytes)
		__field(u8, reason)
	),
	TP_fast_assign(
		__entry->conn = conn ? conn->trace_id : 0;
		__entry->path = path;
		__entry->bytes = bytes;
		__entry->reason = reason;
	),
	TP_printk(TQUIC_TRACE_CONN " path=%u bytes=%u reason=%s",
		  tquic_trace_conn(__entry->conn), __entry->path, __entry->bytes,
		  __print_symbolic(__entry->reason,
				   { TQUIC_DROP_HEADER, "header" },
				   { TQUIC_DROP_NO_CONN, "no_conn" },
				   { TQUIC_DROP_NO_KEYS, "no_keys" },
				   { TQUIC_DROP_DECRYPT, "decrypt" },
				   { TQUIC_DROP_RESERVED, "reserved" },
				   { TQUIC_DROP_DUPLICATE, "duplicate" },
				   { TQUIC_DROP_BACKLOG, "backlog" },
				   { TQUIC_DROP_MEMORY, "memory" },
				   { TQUIC_DROP_SEAL, "seal" },
				   { TQUIC_DROP_ADDRESS, "address" }))
);

TRACE_EVENT(tquic_packet_lost,
	TP_PROTO(const struct tquic_space *space, u64 pn,
		 const struct tquic_sent_pkt *pkt, u64 now),
	TP_ARGS(space, pn, pkt, now),
	TP_STRUCT__entry(
		__field(u64, conn)
		__field(u64, pn)
		__field(u64, age_ns)
		__field(s64, largest_acked)
		__field(u32, path)
		__field(u32, bytes)
		__field(u8, level)
		__field(u8, flags)
	),
	TP_fast_assign(
		__entry->conn = space->trace_id;
		__entry->pn = pn;
		__entry->age_ns = now - pkt->sent_ns;
		__entry->largest_acked = space->largest_acked;
		__entry->path = space->path_id;
		__entry->bytes = pkt->bytes;
		__entry->level = space->level;
		__entry->flags = pkt->flags;
	),
	TP_printk(TQUIC_TRACE_CONN " path=%u level=%s pn=%llu bytes=%u flags=%#x age=%llu largest_acked=%lld",
		  tquic_trace_conn(__entry->conn), __entry->path,
		  tquic_trace_show_level(__entry->level), __entry->pn,
		  __entry->bytes, __entry->flags, __entry->age_ns,
		  __entry->largest_acked)
);

TRACE_EVENT(tquic_packet_spurious,
	TP_PROTO(const struct tquic_space *space, u64 pn,
		 const struct tquic_sent_pkt *pkt),
	TP_ARGS(space, pn, pkt),
	TP_STRUCT__entry(
		__field(u64, conn)
		__field(u64, pn)
		__field(u32, path)
		__field(u32, bytes)
		__field(u8, level)
		__field(u8, flags)
	),
	TP_fast_assign(
		__entry->conn = space->trace_id;
		__entry->pn = pn;
		__entry->path = space->path_id;
		__entry->bytes = pkt->bytes;
		__entry->level = space->level;
		__entry->flags = pkt->flags;
	),
	TP_printk(TQUIC_TRACE_CONN " path=%u level=%s pn=%llu bytes=%u flags=%#x",
		  tquic_trace_conn(__entry->conn), __entry->path,
		  tquic_trace_show_level(__entry->level), __entry->pn,
		  __entry->bytes, __entry->flags)
);

TRACE_EVENT(tquic_frame,
	TP_PROTO(const struct tquic_conn *conn, const struct tquic_path *path,
		 enum tquic_level level, bool sent,
		 const struct tquic_frame *f, u32 len),
	TP_ARGS(conn, path, level, sent, f, len),
	TP_STRUCT__entry(
		__field(u64, conn)
		__field(u64, type)
		__field(u64, id)
		__field(u64, value)
		__field(u32, path)
		__field(u32, len)
		__field(u8, level)
		__field(u8, sent)
	),
	TP_fast_assign(
		__entry->conn = conn->trace_id;
		__entry->type = f->type;
		tquic_trace_operands(f, &__entry->id, &__entry->value);
		__entry->path = path->id;
		__entry->len = len;
		__entry->level = level;
		__entry->sent = sent;
	),
	TP_printk(TQUIC_TRACE_CONN " path=%u level=%s %s type=%#llx id=%llu value=%llu len=%u",
		  tquic_trace_conn(__entry->conn), __entry->path,
		  tquic_trace_show_level(__entry->level),
		  __entry->sent ? "sent" : "received", __entry->type,
		  __entry->id, __entry->value, __entry->len)
);

TRACE_EVENT(tquic_path_state,
	TP_PROTO(const struct tquic_conn *conn, const struct tquic_path *path,
		 u8 from),
	TP_ARGS(conn, path, from),
	TP_STRUCT__entry(
		__field(u64, conn)
		__field(u32, path)
		__field(u8, from)
		__field(u8, to)
		__field(u8, backup)
		__field(u8, validated)
	),
	TP_fast_assign(
		__entry->conn = conn->trace_id;
		__entry->path = path->id;
		__entry->from = from;
		__entry->to = path->state;
		__entry->backup = path->backup || path->peer_backup;
		__entry->validated = path->validated;
	),
	TP_printk(TQUIC_TRACE_CONN " path=%u from=%u to=%u backup=%u validated=%u",
		  tquic_trace_conn(__entry->conn), __entry->path, __entry->from,
		  __entry->to, __entry->backup, __entry->validated)
);

TRACE_EVENT(tquic_sched_candidate,
	TP_PROTO(const struct tquic_conn *conn, const struct tquic_path *path,
		 bool room, bool paced),
	TP_ARGS(conn, path, room, paced),
	TP_STRUCT__entry(
		__field(u64, conn)
		__field(u64, srtt_ns)
		__field(u64, cwnd_bytes)
		__field(u64, in_flight_bytes)
		__field(u32, path)
		__field(u8, backup)
		__field(u8, room)
		__field(u8, paced)
	),
	TP_fast_assign(
		__entry->conn = conn->trace_id;
		__entry->srtt_ns = path->rtt.srtt_ns;
		__entry->cwnd_bytes = path->cc.cwnd;
		__entry->in_flight_bytes = path->cc.in_flight;
		__entry->path = path->id;
		__entry->backup = path->backup || path->peer_backup;
		__entry->room = room;
		__entry->paced = paced;
	),
	TP_printk(TQUIC_TRACE_CONN " path=%u srtt=%llu cwnd=%llu in_flight=%llu backup=%u room=%u paced=%u",
		  tquic_trace_conn(__entry->conn), __entry->path,
		  __entry->srtt_ns, __entry->cwnd_bytes,
		  __entry->in_flight_bytes, __entry->backup, __entry->room,
		  __entry->paced)
);

TRACE_EVENT(tquic_sched_decision,
	TP_PROTO(const struct tquic_conn *conn, const struct tquic_path *path,
		 u8 why),
	TP_ARGS(conn, path, why),
	TP_STRUCT__entry(
		__field(u64, conn)
		__field(s64, path)
		__field(u8, why)
	),
	TP_fast_assign(
		__entry->conn = conn->trace_id;
		__entry->path = path ? (s64)path->id : -1;
		__entry->why = why;
	),
	TP_printk(TQUIC_TRACE_CONN " path=%lld why=%s",
		  tquic_trace_conn(__entry->conn), __entry->path,
		  __print_symbolic(__entry->why,
				   { TQUIC_WHY_PATH, "path" },
				   { TQUIC_WHY_ACK, "ack" },
				   { TQUIC_WHY_PROBE, "probe" },
				   { TQUIC_WHY_DATA, "data" },
				   { TQUIC_WHY_MTU, "mtu" },
				   { TQUIC_WHY_REINJECT, "reinject" }))
);

TRACE_EVENT(tquic_cc_update,
	TP_PROTO(const struct tquic_conn *conn, const struct tquic_path *path),
	TP_ARGS(conn, path),
	TP_STRUCT__entry(
		__field(u64, conn)
		__field(u64, cwnd_bytes)
		__field(u64, ssthresh_bytes)
		__field(u64, in_flight_bytes)
		__field(u64, latest_ns)
		__field(u64, srtt_ns)
		__field(u64, rttvar_ns)
		__field(u64, min_ns)
		__field(u64, pacing_rate)
		__field(u64, sent_packets)
		__field(u64, lost_packets)
		__field(u32, path)
		__field(u32, ptos)
	),
	TP_fast_assign(
		__entry->conn = conn->trace_id;
		__entry->cwnd_bytes = path->cc.cwnd;
		__entry->ssthresh_bytes = path->cc.ssthresh;
		__entry->in_flight_bytes = path->cc.in_flight;
		__entry->latest_ns = path->rtt.latest_ns;
		__entry->srtt_ns = path->rtt.srtt_ns;
		__entry->rttvar_ns = path->rtt.rttvar_ns;
		__entry->min_ns = path->rtt.min_ns;
		__entry->pacing_rate = tquic_cc_pacing_rate(&path->cc, &path->rtt);
		__entry->sent_packets = path->stats.tx_packets;
		__entry->lost_packets = path->stats.lost_packets;
		__entry->path = path->id;
		__entry->ptos = path->stats.ptos;
	),
	TP_printk(TQUIC_TRACE_CONN " path=%u cwnd=%llu ssthresh=%llu in_flight=%llu srtt=%llu min_rtt=%llu pacing_rate=%llu sent=%llu lost=%llu",
		  tquic_trace_conn(__entry->conn), __entry->path,
		  __entry->cwnd_bytes, __entry->ssthresh_bytes,
		  __entry->in_flight_bytes, __entry->srtt_ns, __entry->min_ns,
		  __entry->pacing_rate, __entry->sent_packets,
		  __entry->lost_packets)
);

#endif /* _TRACE_TQUIC_H */

#include <trace/define_trace.h>
