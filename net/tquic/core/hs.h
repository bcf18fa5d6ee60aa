/* SPDX-License-Identifier: GPL-2.0 */
/* What only the handshake needs: Initial and Handshake packets and the bytes of TLS in them */
#ifndef TQUIC_CORE_HS_H
#define TQUIC_CORE_HS_H

#include <linux/types.h>
#include "core/proto.h"
#include "core/recv.h"
#include "core/send.h"
#include "core/space.h"

/* CRYPTO bytes of one level, both ways */
struct tquic_crypto_stream {
	struct tquic_send tx;
	struct tquic_recv rx;
};

/**
 * struct tquic_hs - state of the levels that end with the handshake
 * @space: packet numbers of Initial and Handshake packets, on path 0
 * @crypto: their CRYPTO bytes
 * @rcu: freed after a grace period
 *
 * A connection has it from its start until the handshake is confirmed. Under the
 * connection lock; the receive path reads @space.largest_rx under RCU.
 */
struct tquic_hs {
	struct tquic_space space[2];
	struct tquic_crypto_stream crypto[2];
	struct rcu_head rcu;
};

/* Place of a level in its arrays */
static inline unsigned int tquic_hs_index(enum tquic_level level)
{
	return level == TQUIC_LEVEL_HANDSHAKE;
}

/* Is it one of the two? */
static inline bool tquic_hs_level(enum tquic_level level)
{
	return level == TQUIC_LEVEL_INITIAL || level == TQUIC_LEVEL_HANDSHAKE;
}

void tquic_crypto_stream_init(struct tquic_crypto_stream *c, struct tquic_mem *rx_mem);
void tquic_crypto_stream_destroy(struct tquic_crypto_stream *c);
struct tquic_hs *tquic_hs_create(u64 trace_id, struct tquic_mem *rx_mem);
void tquic_hs_destroy(struct tquic_hs *hs);

#endif /* TQUIC_CORE_HS_H */
