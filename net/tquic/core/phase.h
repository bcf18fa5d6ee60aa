/* SPDX-License-Identifier: GPL-2.0 */
/* What a packet number space remembers of key updates (RFC 9001 §6); crypto/phase.c goes by it */
#ifndef TQUIC_CORE_PHASE_H
#define TQUIC_CORE_PHASE_H

#include <linux/limits.h>
#include <linux/types.h>

/* rx_lowest_pn and tx_first_pn before the first packet */
#define TQUIC_PHASE_NO_PN	U64_MAX

/**
 * struct tquic_phase - what one packet number space knows of key phases
 * @rx_gen: newest generation a packet of this space was opened with
 * @tx_gen: newest generation a packet of this space was sealed with
 * @rx_lowest_pn: lowest packet number opened with @rx_gen
 * @tx_first_pn: first packet number sealed with @tx_gen
 *
 * Each path has its own space (RFC 10069). Written under the connection lock;
 * the receive path reads it without, a torn value costs one packet.
 */
struct tquic_phase {
	u32 rx_gen;
	u32 tx_gen;
	u64 rx_lowest_pn;
	u64 tx_first_pn;
};

/* A new space */
static inline void tquic_phase_init(struct tquic_phase *ph)
{
	*ph = (struct tquic_phase) {
		.rx_lowest_pn = TQUIC_PHASE_NO_PN,
		.tx_first_pn = TQUIC_PHASE_NO_PN,
	};
}

#endif /* TQUIC_CORE_PHASE_H */
