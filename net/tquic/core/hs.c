// SPDX-License-Identifier: GPL-2.0
/* What only the handshake needs: Initial and Handshake packets and the bytes of TLS in them */
#include <linux/array_size.h>
#include <linux/container_of.h>
#include <linux/limits.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include "core/hs.h"

/**
 * tquic_crypto_stream_init() - no bytes yet
 * @c: to fill
 * @rx_mem: what received bytes are charged to
 */
void tquic_crypto_stream_init(struct tquic_crypto_stream *c, struct tquic_mem *rx_mem)
{
	tquic_send_init(&c->tx, U64_MAX, NULL);
	tquic_recv_init_crypto(&c->rx, rx_mem);
}

/**
 * tquic_crypto_stream_destroy() - free what is buffered
 * @c: may be initialised again
 */
void tquic_crypto_stream_destroy(struct tquic_crypto_stream *c)
{
	tquic_send_destroy(&c->tx);
	tquic_recv_destroy(&c->rx);
}

/**
 * tquic_hs_create() - begin a handshake
 * @trace_id: connection, for tracepoints
 * @rx_mem: what received CRYPTO bytes are charged to
 *
 * Context: any.
 * Return: the state, or NULL without memory.
 */
struct tquic_hs *tquic_hs_create(u64 trace_id, struct tquic_mem *rx_mem)
{
	static const enum tquic_level levels[] = {
		TQUIC_LEVEL_INITIAL, TQUIC_LEVEL_HANDSHAKE,
	};
	struct tquic_hs *hs = kzalloc(sizeof(*hs), GFP_ATOMIC | __GFP_ACCOUNT);
	unsigned int i;

	if (!hs)
		return NULL;
	for (i = 0; i < ARRAY_SIZE(levels); i++) {
		tquic_space_init(&hs->space[i], levels[i]);
		hs->space[i].trace_id = trace_id;
		tquic_crypto_stream_init(&hs->crypto[i], rx_mem);
	}
	return hs;
}

static void tquic_hs_free(struct rcu_head *rcu)
{
	kfree(container_of(rcu, struct tquic_hs, rcu));
}

/**
 * tquic_hs_destroy() - the handshake is over
 * @hs: state nobody can find any more, or NULL; freed after a grace period
 *
 * kfree_rcu() may take its time, seconds: the state of all handshakes of a burst would
 * be there at once.
 *
 * Context: any.
 */
void tquic_hs_destroy(struct tquic_hs *hs)
{
	unsigned int i;

	if (!hs)
		return;
	for (i = 0; i < ARRAY_SIZE(hs->space); i++) {
		tquic_space_destroy(&hs->space[i]);
		tquic_crypto_stream_destroy(&hs->crypto[i]);
	}
	call_rcu(&hs->rcu, tquic_hs_free);
}
