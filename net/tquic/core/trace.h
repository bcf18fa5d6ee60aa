/* SPDX-License-Identifier: GPL-2.0 */
/* Codes that tracepoints carry; include/trace/events/tquic.h prints their names */
#ifndef TQUIC_CORE_TRACE_H
#define TQUIC_CORE_TRACE_H

#include "core/frame.h"

/**
 * enum tquic_output_why - why a 1-RTT packet is sent; the lowest wins
 * @TQUIC_WHY_PATH: PATH_CHALLENGE or PATH_RESPONSE
 * @TQUIC_WHY_ACK: an acknowledgment is due
 * @TQUIC_WHY_PROBE: a probe timeout
 * @TQUIC_WHY_DATA: there is data; the scheduler chose the path
 * @TQUIC_WHY_MTU: a probe of the size
 * @TQUIC_WHY_REINJECT: what is under way on a slower path goes again
 */
enum tquic_output_why {
	TQUIC_WHY_PATH = 1,
	TQUIC_WHY_ACK = 2,
	TQUIC_WHY_PROBE = 4,
	TQUIC_WHY_DATA = 8,
	TQUIC_WHY_MTU = 16,
	TQUIC_WHY_REINJECT = 32,
};

/**
 * enum tquic_trace_step - milestones of a handshake, in their usual order
 * @TQUIC_STEP_START: the connection came into being
 * @TQUIC_STEP_AGENT_ASKED: an agent was told that a handshake waits
 * @TQUIC_STEP_AGENT_TOOK: an agent took it
 * @TQUIC_STEP_KEYS_HANDSHAKE: a direction's Handshake keys are there
 * @TQUIC_STEP_KEYS_APP: a direction's 1-RTT keys are there
 * @TQUIC_STEP_PARAMS: the peer's transport parameters came
 * @TQUIC_STEP_TLS_DONE: TLS is complete on this side
 * @TQUIC_STEP_CONFIRMED: confirmed, RFC 9001 §4.1.2
 */
enum tquic_trace_step {
	TQUIC_STEP_START,
	TQUIC_STEP_AGENT_ASKED,
	TQUIC_STEP_AGENT_TOOK,
	TQUIC_STEP_KEYS_HANDSHAKE,
	TQUIC_STEP_KEYS_APP,
	TQUIC_STEP_PARAMS,
	TQUIC_STEP_TLS_DONE,
	TQUIC_STEP_CONFIRMED,
};

/**
 * enum tquic_trace_drop - why a packet was dropped
 * @TQUIC_DROP_HEADER: malformed, an unknown version, or ids that do not fit
 * @TQUIC_DROP_NO_CONN: its connection id is nobody's
 * @TQUIC_DROP_NO_KEYS: no keys for it, now or ever
 * @TQUIC_DROP_DECRYPT: it did not authenticate
 * @TQUIC_DROP_RESERVED: reserved bits are set, RFC 9000 §17
 * @TQUIC_DROP_DUPLICATE: received before
 * @TQUIC_DROP_BACKLOG: too many wait for a busy connection
 * @TQUIC_DROP_MEMORY: memory was short for what it carries
 * @TQUIC_DROP_SEAL: to be sent, but keys or memory to seal it were missing
 * @TQUIC_DROP_ADDRESS: from an address that the server does not have
 */
enum tquic_trace_drop {
	TQUIC_DROP_HEADER,
	TQUIC_DROP_NO_CONN,
	TQUIC_DROP_NO_KEYS,
	TQUIC_DROP_DECRYPT,
	TQUIC_DROP_RESERVED,
	TQUIC_DROP_DUPLICATE,
	TQUIC_DROP_BACKLOG,
	TQUIC_DROP_MEMORY,
	TQUIC_DROP_SEAL,
	TQUIC_DROP_ADDRESS,
};

/**
 * tquic_trace_operands() - the numbers that tell most about a frame
 * @f: parsed frame
 * @id: stream or path it is about, 0 for none
 * @value: offset, limit, largest packet number, sequence number or code
 */
static inline void tquic_trace_operands(const struct tquic_frame *f, u64 *id,
					u64 *value)
{
	*id = 0;
	*value = 0;
	switch (f->type) {
	case TQUIC_FRAME_ACK:
	case TQUIC_FRAME_ACK_ECN:
	case TQUIC_FRAME_PATH_ACK:
	case TQUIC_FRAME_PATH_ACK_ECN:
		*id = f->ack.path_id;
		*value = f->ack.largest;
		break;
	case TQUIC_FRAME_CRYPTO:
		*value = f->crypto.off;
		break;
	case TQUIC_FRAME_STREAM ... TQUIC_FRAME_STREAM_LAST:
		*id = f->stream.id;
		*value = f->stream.off;
		break;
	case TQUIC_FRAME_RESET_STREAM:
	case TQUIC_FRAME_RESET_STREAM_AT:
	case TQUIC_FRAME_STOP_SENDING:
		*id = f->stop_sending.id;
		*value = f->stop_sending.code;
		break;
	case TQUIC_FRAME_MAX_DATA ... TQUIC_FRAME_STREAMS_BLOCKED_UNI:
		*id = f->max.id;
		*value = f->max.val;
		break;
	case TQUIC_FRAME_NEW_CONNECTION_ID:
	case TQUIC_FRAME_PATH_NEW_CONNECTION_ID:
		*id = f->new_cid.path_id;
		*value = f->new_cid.seq;
		break;
	case TQUIC_FRAME_RETIRE_CONNECTION_ID:
	case TQUIC_FRAME_PATH_RETIRE_CONNECTION_ID:
		*id = f->retire_cid.path_id;
		*value = f->retire_cid.seq;
		break;
	case TQUIC_FRAME_ACK_FREQUENCY:
		*id = f->ack_frequency.seq;
		*value = f->ack_frequency.threshold;
		break;
	case TQUIC_FRAME_CONNECTION_CLOSE:
	case TQUIC_FRAME_CONNECTION_CLOSE_APP:
		*value = f->close.code;
		break;
	case TQUIC_FRAME_PATH_ABANDON ... TQUIC_FRAME_PATH_STATUS_AVAILABLE:
	case TQUIC_FRAME_MAX_PATH_ID ... TQUIC_FRAME_PATH_CIDS_BLOCKED:
		*id = f->path.path_id;
		*value = f->path.val;
		break;
	}
}

#endif /* TQUIC_CORE_TRACE_H */
