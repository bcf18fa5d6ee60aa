// SPDX-License-Identifier: GPL-2.0
/* HyStart++ slow start exit (RFC 9406), shared by the loss-based controllers. */
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/time64.h>

#include "cc/hystart.h"

/* RFC 9406 section 4.3. */
#define TQUIC_HYSTART_MIN_THRESH_NS	(4 * NSEC_PER_MSEC)
#define TQUIC_HYSTART_MAX_THRESH_NS	(16 * NSEC_PER_MSEC)
#define TQUIC_HYSTART_DIVISOR		8
#define TQUIC_HYSTART_SAMPLES		8
#define TQUIC_HYSTART_CSS_ROUNDS	5

/**
 * tquic_hystart_init() - begin a slow start
 * @hs: state
 * @now: time; the first round ends with a packet sent from now on
 */
void tquic_hystart_init(struct tquic_hystart *hs, u64 now)
{
	hs->round_ns = now;
	hs->last_min_ns = U64_MAX;
	hs->cur_min_ns = U64_MAX;
	hs->samples = 0;
	hs->phase = TQUIC_HYSTART_SLOW_START;
}

/* Has the RTT of this round risen so much that the queue must be growing. */
static bool tquic_hystart_rtt_rose(const struct tquic_hystart *hs)
{
	u64 thresh_ns;

	if (hs->last_min_ns == U64_MAX)
		return false;
	thresh_ns = clamp_t(u64, hs->last_min_ns / TQUIC_HYSTART_DIVISOR,
			    TQUIC_HYSTART_MIN_THRESH_NS, TQUIC_HYSTART_MAX_THRESH_NS);
	return hs->cur_min_ns >= hs->last_min_ns + thresh_ns;
}

static void tquic_hystart_judge(struct tquic_hystart *hs)
{
	if (hs->phase == TQUIC_HYSTART_SLOW_START) {
		if (tquic_hystart_rtt_rose(hs)) {
			hs->phase = TQUIC_HYSTART_CSS;
			hs->css_base_ns = hs->cur_min_ns;
			hs->css_rounds = 0;
		}
	} else if (hs->cur_min_ns < hs->css_base_ns) {
		hs->phase = TQUIC_HYSTART_SLOW_START;
	}
}

static void tquic_hystart_end_round(struct tquic_hystart *hs, u64 now)
{
	hs->last_min_ns = hs->cur_min_ns;
	hs->cur_min_ns = U64_MAX;
	hs->samples = 0;
	hs->round_ns = now;
	if (hs->phase != TQUIC_HYSTART_CSS)
		return;
	hs->css_rounds++;
	if (hs->css_rounds >= TQUIC_HYSTART_CSS_ROUNDS)
		hs->phase = TQUIC_HYSTART_DONE;
}

/**
 * tquic_hystart_on_ack() - judge an ACK received in slow start
 * @hs: state
 * @now: time
 * @sent_ns: send time of the largest newly acknowledged packet
 * @rtt_ns: RTT sample, 0 for none
 *
 * A round lasts until a packet sent after its beginning is acknowledged.
 *
 * Return: how to go on.
 */
enum tquic_hystart_phase tquic_hystart_on_ack(struct tquic_hystart *hs, u64 now,
					      u64 sent_ns, u64 rtt_ns)
{
	if (hs->phase == TQUIC_HYSTART_DONE)
		return TQUIC_HYSTART_DONE;
	if (rtt_ns) {
		hs->cur_min_ns = min(hs->cur_min_ns, rtt_ns);
		hs->samples++;
		if (hs->samples >= TQUIC_HYSTART_SAMPLES)
			tquic_hystart_judge(hs);
	}
	if (sent_ns >= hs->round_ns)
		tquic_hystart_end_round(hs, now);
	return hs->phase;
}
