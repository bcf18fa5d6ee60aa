// SPDX-License-Identifier: GPL-2.0
/* Flow-control credit of connections and streams (RFC 9000 section 4). */
#include <linux/limits.h>
#include <linux/minmax.h>

#include "core/flow.h"
#include "core/proto.h"

void tquic_flow_rx_init(struct tquic_flow_rx *f, u64 window, u64 window_max, u64 now)
{
	*f = (struct tquic_flow_rx) {
		.max = min(window, TQUIC_VARINT_MAX),
		.window = window,
		.window_max = max(window, window_max),
		.epoch_ns = now,
	};
}

void tquic_flow_rx_set_cap(struct tquic_flow_rx *f, u64 window_max)
{
	f->window_max = window_max;
	f->window = min(f->window, window_max);
}

int tquic_flow_rx_received(struct tquic_flow_rx *f, u64 delta)
{
	if (f->highest > f->max || delta > f->max - f->highest)
		return TQUIC_ERR_FLOW_CONTROL;
	f->highest += delta;
	return 0;
}

/* A sender held back by the window uses half of it in half a round trip. */
static void flow_rx_tune(struct tquic_flow_rx *f, u64 now, u64 srtt_ns)
{
	u64 used = f->consumed - f->epoch_consumed;
	u64 fast_ns = used >= f->window ? 2 * srtt_ns : srtt_ns;

	if (now - f->epoch_ns < fast_ns && f->window < f->window_max)
		f->window = min(2 * f->window, f->window_max);
}

bool tquic_flow_rx_consumed(struct tquic_flow_rx *f, u64 n, u64 now, u64 srtt_ns)
{
	u64 target;

	f->consumed += n;
	target = min(f->consumed + f->window, TQUIC_VARINT_MAX);
	if (target <= f->max || target - f->max < f->window / 2)
		return false;
	flow_rx_tune(f, now, srtt_ns);
	f->max = min(f->consumed + f->window, TQUIC_VARINT_MAX);
	f->epoch_ns = now;
	f->epoch_consumed = f->consumed;
	return true;
}

void tquic_flow_tx_init(struct tquic_flow_tx *f, u64 max)
{
	*f = (struct tquic_flow_tx) { .max = max, .blocked_at = U64_MAX };
}

bool tquic_flow_tx_raise(struct tquic_flow_tx *f, u64 max)
{
	if (max <= f->max)
		return false;
	f->max = max;
	return true;
}

bool tquic_flow_tx_report(struct tquic_flow_tx *f)
{
	if (tquic_flow_tx_credit(f) || f->blocked_at == f->max)
		return false;
	f->blocked_at = f->max;
	return true;
}

void tquic_flow_tx_report_lost(struct tquic_flow_tx *f, u64 limit)
{
	if (f->blocked_at == limit)
		f->blocked_at = U64_MAX;
}
