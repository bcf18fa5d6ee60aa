// SPDX-License-Identifier: GPL-2.0
/* Spreads the packets of one path over time (RFC 9002 section 7.7). */
#include <linux/limits.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/time64.h>

#include "core/pacer.h"

/*
 * A burst is the initial window, or what the rate gives in a millisecond if
 * that is more, so that fast paths can fill GSO buffers. A path that has used
 * its burst up waits until a quantum is due, not just one packet: at high rates
 * a timer per packet costs more than it smooths.
 */
#define TQUIC_PACER_BURST_PKTS		10
#define TQUIC_PACER_BURST_NS		NSEC_PER_MSEC
#define TQUIC_PACER_BURST_BYTES_MAX	(256 * 1024)
#define TQUIC_PACER_QUANTUM_NS		(250 * NSEC_PER_USEC)

/**
 * tquic_pacer_init() - let the next burst go at once
 * @p: pacer
 */
void tquic_pacer_init(struct tquic_pacer *p)
{
	p->next_ns = 0;
}

/* Time @bytes take at @rate; both are far from overflow: a burst is 32 bit. */
static u64 tquic_pacer_span_ns(u64 bytes, u64 rate)
{
	return div64_u64(bytes * NSEC_PER_SEC, rate);
}

static u64 tquic_pacer_burst_ns(u64 rate, u32 mss)
{
	u64 bytes = div_u64(rate, NSEC_PER_SEC / TQUIC_PACER_BURST_NS);

	bytes = min_t(u64, bytes, TQUIC_PACER_BURST_BYTES_MAX);
	bytes = max_t(u64, bytes, TQUIC_PACER_BURST_PKTS * (u64)mss);
	return tquic_pacer_span_ns(bytes, rate);
}

/* The virtual clock runs at most a burst behind: idle time saves no more. */
static u64 tquic_pacer_clock_ns(const struct tquic_pacer *p, u64 now, u64 rate, u32 mss)
{
	u64 burst_ns = tquic_pacer_burst_ns(rate, mss);

	return max(p->next_ns, now > burst_ns ? now - burst_ns : 0);
}

/**
 * tquic_pacer_budget_bytes() - what may leave now
 * @p: pacer
 * @now: time
 * @rate: bytes per second; 0 for no pacing
 * @mss: size of a full packet
 *
 * Return: bytes; 0 until tquic_pacer_next_ns(). The last packet may exceed it.
 */
u64 tquic_pacer_budget_bytes(const struct tquic_pacer *p, u64 now, u64 rate, u32 mss)
{
	u64 clock_ns;

	if (!rate)
		return U64_MAX;
	clock_ns = tquic_pacer_clock_ns(p, now, rate, mss);
	if (clock_ns > now)
		return 0;
	return max_t(u64, 1, mul_u64_u64_div_u64(now - clock_ns, rate, NSEC_PER_SEC));
}

/**
 * tquic_pacer_on_sent() - account for bytes that left
 * @p: pacer
 * @bytes: how many
 * @now: time
 * @rate: bytes per second; 0 for no pacing
 * @mss: size of a full packet
 */
void tquic_pacer_on_sent(struct tquic_pacer *p, u64 bytes, u64 now, u64 rate, u32 mss)
{
	if (rate)
		p->next_ns = tquic_pacer_clock_ns(p, now, rate, mss) +
			     tquic_pacer_span_ns(bytes, rate);
}

/**
 * tquic_pacer_next_ns() - when to try again
 * @p: pacer
 * @now: time
 * @rate: bytes per second; 0 for no pacing
 * @mss: size of a full packet
 *
 * Return: @now if something may leave now, else a later time.
 */
u64 tquic_pacer_next_ns(const struct tquic_pacer *p, u64 now, u64 rate, u32 mss)
{
	u64 wait_ns;

	if (tquic_pacer_budget_bytes(p, now, rate, mss))
		return now;
	wait_ns = min_t(u64, TQUIC_PACER_QUANTUM_NS, tquic_pacer_burst_ns(rate, mss) / 2);
	return p->next_ns + (tquic_pacer_span_ns(mss, rate) < wait_ns ? wait_ns : 0);
}
