/* SPDX-License-Identifier: GPL-2.0 */
/* HyStart++ slow start exit (RFC 9406), shared by the loss-based controllers. */
#ifndef TQUIC_CC_HYSTART_H
#define TQUIC_CC_HYSTART_H

#include <linux/types.h>

enum tquic_hystart_phase {
	TQUIC_HYSTART_SLOW_START,
	TQUIC_HYSTART_CSS,		/* conservative slow start: a quarter of the growth */
	TQUIC_HYSTART_DONE,		/* leave slow start now */
};

/**
 * struct tquic_hystart - state of one slow start
 * @round_ns: packets sent from here on end the running round when acked
 * @last_min_ns: smallest RTT of the round before, U64_MAX for unknown
 * @cur_min_ns: smallest RTT of this round, U64_MAX for unknown
 * @css_base_ns: RTT at which CSS began, valid in CSS
 * @samples: RTT samples in this round
 * @css_rounds: rounds spent in CSS, the one it began in included; valid in CSS
 * @phase: enum tquic_hystart_phase
 */
struct tquic_hystart {
	u64 round_ns;
	u64 last_min_ns;
	u64 cur_min_ns;
	u64 css_base_ns;
	u32 samples;
	u8 css_rounds;
	u8 phase;
};

void tquic_hystart_init(struct tquic_hystart *hs, u64 now);
enum tquic_hystart_phase tquic_hystart_on_ack(struct tquic_hystart *hs, u64 now,
					      u64 sent_ns, u64 rtt_ns);

#endif /* TQUIC_CC_HYSTART_H */
