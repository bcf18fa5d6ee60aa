/* SPDX-License-Identifier: GPL-2.0 */
/* Tracepoints are always off in userspace: arguments are checked and not computed */
#ifndef _TRACE_TQUIC_H
#define _TRACE_TQUIC_H

#include "core/conn.h"
#include "core/trace.h"

#define TQUIC_SHIM_TRACE(name, ...)					\
	static inline void trace_##name(__VA_ARGS__) { }		\
	static inline bool trace_##name##_enabled(void) { return false; }

TQUIC_SHIM_TRACE(tquic_conn_state, const struct tquic_conn *conn, u8 from)
TQUIC_SHIM_TRACE(tquic_close, const struct tquic_conn *conn)
TQUIC_SHIM_TRACE(tquic_handshake, const struct tquic_conn *conn,
		 enum tquic_trace_step step)
TQUIC_SHIM_TRACE(tquic_packet_sent, const struct tquic_conn *conn,
		 const struct tquic_tx_pkt *pkt, u8 flags)
TQUIC_SHIM_TRACE(tquic_packet_received, const struct tquic_conn *conn,
		 const struct tquic_rx_pkt *pkt, enum tquic_level level)
TQUIC_SHIM_TRACE(tquic_packet_lost, const struct tquic_space *space, u64 pn,
		 const struct tquic_sent_pkt *pkt, u64 now)
TQUIC_SHIM_TRACE(tquic_packet_spurious, const struct tquic_space *space, u64 pn,
		 const struct tquic_sent_pkt *pkt)
TQUIC_SHIM_TRACE(tquic_frame, const struct tquic_conn *conn,
		 const struct tquic_path *path, enum tquic_level level,
		 bool sent, const struct tquic_frame *f, u32 len)
TQUIC_SHIM_TRACE(tquic_path_state, const struct tquic_conn *conn,
		 const struct tquic_path *path, u8 from)
TQUIC_SHIM_TRACE(tquic_sched_candidate, const struct tquic_conn *conn,
		 const struct tquic_path *path, bool room, bool paced)
TQUIC_SHIM_TRACE(tquic_sched_decision, const struct tquic_conn *conn,
		 const struct tquic_path *path, u8 why)
TQUIC_SHIM_TRACE(tquic_cc_update, const struct tquic_conn *conn,
		 const struct tquic_path *path)

#endif /* _TRACE_TQUIC_H */
