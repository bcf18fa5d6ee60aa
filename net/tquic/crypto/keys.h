/* SPDX-License-Identifier: GPL-2.0 */
/* One generation of packet protection keys for one direction. */
#ifndef TQUIC_CRYPTO_KEYS_H
#define TQUIC_CRYPTO_KEYS_H

#include <linux/atomic.h>
#include <linux/refcount.h>
#include <linux/workqueue.h>

#include "core/version.h"
#include "crypto/hp.h"
#include "crypto/suite.h"

struct crypto_aead;

/**
 * struct tquic_keys - one generation of keys, immutable but for its counters
 * @aead: keyed transform
 * @hp: header protection, shared by all generations of a direction
 * @suite: cipher suite
 * @version: whose labels a key update uses
 * @gen: number of key updates before this one; its low bit is the key phase
 * @ref: users; the last one frees after a grace period, in process context
 * @sealed: packets protected so far, over all paths
 * @iv: mixed with path id and packet number into the nonce
 * @secret: what the next generation derives from
 * @free_work: how it is freed: once there are no users, who alone look at the rest
 *
 * Four of them are what an idle connection has: it is worth while that one fits
 * 128 bytes.
 */
struct tquic_keys {
	/* const after creation */
	struct crypto_aead *aead;
	struct tquic_hp *hp;
	const struct tquic_suite *suite;
	const struct tquic_version *version;
	u32 gen;

	refcount_t ref;
	atomic64_t sealed;
	union {
		struct {
			u8 iv[TQUIC_IV_LEN];
			u8 secret[TQUIC_HASH_MAX_LEN];
		};
		struct rcu_work free_work;
	};
};

struct tquic_keys *tquic_keys_create(const struct tquic_suite *suite,
				     const struct tquic_version *v,
				     const u8 *secret);
struct tquic_keys *tquic_keys_next(const struct tquic_keys *keys);
bool tquic_keys_get(struct tquic_keys *keys);
void tquic_keys_put(struct tquic_keys *keys);

/**
 * tquic_keys_phase() - key phase bit of packets under these keys
 * @keys: a generation
 *
 * Return: the bit of RFC 9001 §6.
 */
static inline bool tquic_keys_phase(const struct tquic_keys *keys)
{
	return keys->gen & 1;
}

bool tquic_keys_update_due(const struct tquic_keys *keys);

int tquic_keys_cache_init(void);
void tquic_keys_cache_exit(void);

#endif /* TQUIC_CRYPTO_KEYS_H */
