/* SPDX-License-Identifier: GPL-2.0 */
/* Spreads the packets of one path over time (RFC 9002 section 7.7). */
#ifndef TQUIC_CORE_PACER_H
#define TQUIC_CORE_PACER_H

#include <linux/types.h>

/**
 * struct tquic_pacer - virtual clock of a path's departures
 * @next_ns: when everything sent so far has left at the pacing rate
 */
struct tquic_pacer {
	u64 next_ns;
};

void tquic_pacer_init(struct tquic_pacer *p);
u64 tquic_pacer_budget_bytes(const struct tquic_pacer *p, u64 now, u64 rate, u32 mss);
void tquic_pacer_on_sent(struct tquic_pacer *p, u64 bytes, u64 now, u64 rate, u32 mss);
u64 tquic_pacer_next_ns(const struct tquic_pacer *p, u64 now, u64 rate, u32 mss);

#endif /* TQUIC_CORE_PACER_H */
