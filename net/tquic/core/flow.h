/* SPDX-License-Identifier: GPL-2.0 */
/* Flow-control credit of connections and streams (RFC 9000 section 4) and memory budgets. */
#ifndef TQUIC_CORE_FLOW_H
#define TQUIC_CORE_FLOW_H

#include <linux/types.h>

/**
 * struct tquic_mem - memory that the buffers of one connection hold
 * @used: true size in bytes, bookkeeping included
 * @max: above this, data that could wait is refused
 * @unsent: sending only: payload that has never been sent
 * @tight: receiving only: the machine has no more for it, and only what a reader
 *	waits for is taken
 *
 * One for sending, one for receiving; shared by all streams of a connection.
 */
struct tquic_mem {
	u64 used;
	u64 max;
	union {
		u64 unsent;
		bool tight;
	};
};

/**
 * struct tquic_flow_rx - credit we give to the peer
 * @max: limit granted, absolute; the value of the next MAX_* frame
 * @highest: bytes the peer has used (a stream's highest offset, or their sum)
 * @consumed: bytes the application has taken or that were thrown away
 * @window: credit kept open beyond @consumed
 * @window_max: @window never grows beyond this
 * @epoch_ns: time of the last grant
 * @epoch_consumed: @consumed at the last grant
 */
struct tquic_flow_rx {
	u64 max;
	u64 highest;
	u64 consumed;
	u64 window;
	u64 window_max;
	u64 epoch_ns;
	u64 epoch_consumed;
};

/**
 * struct tquic_flow_tx - credit the peer gave us
 * @max: the peer's limit, absolute
 * @used: bytes of it used by first transmissions
 * @blocked_at: last limit reported by a *_BLOCKED frame, U64_MAX for none
 */
struct tquic_flow_tx {
	u64 max;
	u64 used;
	u64 blocked_at;
};

void tquic_flow_rx_init(struct tquic_flow_rx *f, u64 window, u64 window_max, u64 now);

/* Change the bound of the window; a window that is larger shrinks, what was granted stays. */
void tquic_flow_rx_set_cap(struct tquic_flow_rx *f, u64 window_max);

/**
 * tquic_flow_rx_received() - account bytes the peer has used
 * @f: the credit
 * @delta: growth of the highest offset(s)
 *
 * Return: 0, or TQUIC_ERR_FLOW_CONTROL when the limit does not allow them.
 */
int tquic_flow_rx_received(struct tquic_flow_rx *f, u64 delta);

/**
 * tquic_flow_rx_consumed() - account bytes that left the receive buffer
 * @f: the credit
 * @n: bytes
 * @now: in ns
 * @srtt_ns: smoothed RTT, the largest one of all paths; 0 when unknown
 *
 * Raises @f->max when half the window is used, and doubles the window when it
 * was used up in less than two round trips.
 *
 * Return: true when @f->max rose and a MAX_* frame should be sent.
 */
bool tquic_flow_rx_consumed(struct tquic_flow_rx *f, u64 n, u64 now, u64 srtt_ns);

void tquic_flow_tx_init(struct tquic_flow_tx *f, u64 max);

/* The peer's MAX_* frame. Return: true when the limit rose; lower ones are ignored. */
bool tquic_flow_tx_raise(struct tquic_flow_tx *f, u64 max);

/* Should a *_BLOCKED frame with @f->max be sent? True once per limit. */
bool tquic_flow_tx_report(struct tquic_flow_tx *f);

/* A *_BLOCKED frame was lost: report again if @limit still blocks. */
void tquic_flow_tx_report_lost(struct tquic_flow_tx *f, u64 limit);

static inline u64 tquic_flow_tx_credit(const struct tquic_flow_tx *f)
{
	return f->max > f->used ? f->max - f->used : 0;
}

static inline void tquic_flow_tx_use(struct tquic_flow_tx *f, u64 n)
{
	f->used += n;
}

#endif
