// SPDX-License-Identifier: GPL-2.0
/* Key phases of one packet number space: RFC 9001 §6. */
#include <linux/compiler.h>
#include <linux/minmax.h>

#include "crypto/keyring.h"

/**
 * tquic_phase_on_rx() - an authentic 1-RTT packet was received
 * @ph: its space
 * @gen: generation it was opened with
 * @pn: its packet number
 *
 * Context: under the connection lock.
 * Return: 0, or %TQUIC_ERR_KEY_UPDATE if a packet with a lower number came
 * with newer keys (RFC 9001 §6.4).
 */
int tquic_phase_on_rx(struct tquic_phase *ph, u32 gen, u64 pn)
{
	if (gen < ph->rx_gen)
		return pn > ph->rx_lowest_pn ? TQUIC_ERR_KEY_UPDATE : 0;
	if (gen == ph->rx_gen && pn >= ph->rx_lowest_pn)
		return 0;
	WRITE_ONCE(ph->rx_lowest_pn, pn);
	WRITE_ONCE(ph->rx_gen, gen);
	return 0;
}

/**
 * tquic_phase_on_tx() - a 1-RTT packet was sealed
 * @ph: its space
 * @gen: generation it was sealed with
 * @pn: its packet number
 *
 * Context: under the connection lock.
 */
void tquic_phase_on_tx(struct tquic_phase *ph, u32 gen, u64 pn)
{
	if (gen == ph->tx_gen && ph->tx_first_pn != TQUIC_PHASE_NO_PN)
		return;
	ph->tx_gen = gen;
	ph->tx_first_pn = pn;
}

/**
 * tquic_phase_on_ack() - packets of a space were acknowledged
 * @ph: the space that is acknowledged
 * @kr: keyring; learns that its current send keys are in use at the peer
 * @largest_acked: largest number acknowledged, known to have been sent
 * @rx_gen: generation of the packet that carried the acknowledgment
 *
 * Context: under the connection lock.
 * Return: 0, or %TQUIC_ERR_KEY_UPDATE if the peer acknowledged new keys with
 * a packet under old ones (RFC 9001 §6.2).
 */
int tquic_phase_on_ack(const struct tquic_phase *ph, struct tquic_keyring *kr,
		       u64 largest_acked, u32 rx_gen)
{
	const struct tquic_keys *tx = tquic_keyring_tx(kr, TQUIC_LEVEL_APP);

	if (ph->tx_first_pn == TQUIC_PHASE_NO_PN ||
	    largest_acked < ph->tx_first_pn)
		return 0;
	if (rx_gen < ph->tx_gen)
		return TQUIC_ERR_KEY_UPDATE;
	if (tx && tx->gen == ph->tx_gen)
		kr->tx_acked = true;
	return 0;
}
