// SPDX-License-Identifier: GPL-2.0
/* One generation of packet protection keys for one direction. */
#include <crypto/aead.h>
#include <linux/err.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "crypto/kdf.h"
#include "crypto/keys.h"

/* Freeing a transform may sleep, the last reference may go in softirq. */
static struct workqueue_struct *tquic_keys_wq;

static void tquic_keys_free(struct tquic_keys *keys)
{
	if (!IS_ERR_OR_NULL(keys->aead))
		crypto_free_aead(keys->aead);
	if (!IS_ERR_OR_NULL(keys->hp))
		tquic_hp_put(keys->hp);
	kfree_sensitive(keys);
}

static void tquic_keys_free_work(struct work_struct *work)
{
	struct tquic_keys *keys = container_of(to_rcu_work(work),
					       struct tquic_keys, free_work);

	tquic_keys_free(keys);
}

static struct tquic_keys *tquic_keys_alloc(const struct tquic_suite *suite,
					   const struct tquic_version *v)
{
	struct tquic_keys *keys;

	keys = kzalloc(sizeof(*keys), GFP_KERNEL);
	if (!keys)
		return NULL;
	keys->suite = suite;
	keys->version = v;
	refcount_set(&keys->ref, 1);
	return keys;
}

/* Derives packet key and IV from keys->secret: RFC 9001 §5.1. */
static int tquic_keys_derive(struct tquic_keys *keys, struct tquic_hkdf *h)
{
	const struct tquic_suite *suite = keys->suite;
	u8 key[TQUIC_KEY_MAX_LEN];
	int err;

	err = tquic_hkdf_expand_label(h, keys->secret, keys->version->label_iv,
				      keys->iv, sizeof(keys->iv));
	if (err)
		return err;
	err = tquic_hkdf_expand_label(h, keys->secret, keys->version->label_key,
				      key, suite->key_len);
	if (err)
		goto out;

	keys->aead = crypto_alloc_aead(suite->aead, 0, 0);
	err = PTR_ERR_OR_ZERO(keys->aead);
	if (err)
		goto out;
	err = crypto_aead_setkey(keys->aead, key, suite->key_len);
	if (err)
		goto out;
	err = crypto_aead_setauthsize(keys->aead, TQUIC_AEAD_TAG_LEN);
out:
	memzero_explicit(key, sizeof(key));
	return err;
}

static int tquic_keys_derive_hp(struct tquic_keys *keys, struct tquic_hkdf *h)
{
	u8 key[TQUIC_KEY_MAX_LEN];
	int err;

	err = tquic_hkdf_expand_label(h, keys->secret, keys->version->label_hp,
				      key, keys->suite->key_len);
	if (!err) {
		keys->hp = tquic_hp_create(keys->suite, key);
		err = PTR_ERR_OR_ZERO(keys->hp);
	}
	memzero_explicit(key, sizeof(key));
	return err;
}

/**
 * tquic_keys_create() - make the first generation of keys from a secret
 * @suite: cipher suite
 * @v: version, whose labels are used
 * @secret: traffic secret, @suite->hash_len bytes
 *
 * Context: process, may sleep.
 * Return: keys with one reference, or an ERR_PTR.
 */
struct tquic_keys *tquic_keys_create(const struct tquic_suite *suite,
				     const struct tquic_version *v,
				     const u8 *secret)
{
	struct tquic_keys *keys;
	struct tquic_hkdf h;
	int err;

	err = tquic_hkdf_init(&h, suite->hmac);
	if (err)
		return ERR_PTR(err);
	keys = tquic_keys_alloc(suite, v);
	if (!keys) {
		err = -ENOMEM;
		goto out;
	}
	memcpy(keys->secret, secret, suite->hash_len);
	err = tquic_keys_derive(keys, &h);
	if (!err)
		err = tquic_keys_derive_hp(keys, &h);
	if (err)
		tquic_keys_free(keys);
out:
	tquic_hkdf_destroy(&h);
	return err ? ERR_PTR(err) : keys;
}

/**
 * tquic_keys_next() - make the generation after a key update
 * @keys: generation before it
 *
 * The header protection key stays the same (RFC 9001 §6.1).
 *
 * Context: process, may sleep.
 * Return: keys with one reference, or an ERR_PTR.
 */
struct tquic_keys *tquic_keys_next(const struct tquic_keys *keys)
{
	struct tquic_keys *next;
	struct tquic_hkdf h;
	int err;

	err = tquic_hkdf_init(&h, keys->suite->hmac);
	if (err)
		return ERR_PTR(err);
	next = tquic_keys_alloc(keys->suite, keys->version);
	if (!next) {
		err = -ENOMEM;
		goto out;
	}
	next->gen = keys->gen + 1;
	next->hp = tquic_hp_get(keys->hp);
	err = tquic_hkdf_expand_label(&h, keys->secret,
				      keys->version->label_ku, next->secret,
				      keys->suite->hash_len);
	if (!err)
		err = tquic_keys_derive(next, &h);
	if (err)
		tquic_keys_free(next);
out:
	tquic_hkdf_destroy(&h);
	return err ? ERR_PTR(err) : next;
}

/**
 * tquic_keys_get() - take a reference
 * @keys: keys found under RCU, or already referenced
 *
 * Context: any.
 * Return: false if the keys are being freed.
 */
bool tquic_keys_get(struct tquic_keys *keys)
{
	return refcount_inc_not_zero(&keys->ref);
}

/**
 * tquic_keys_put() - drop a reference
 * @keys: keys, may be NULL
 *
 * Context: any.
 */
void tquic_keys_put(struct tquic_keys *keys)
{
	if (!keys || !refcount_dec_and_test(&keys->ref))
		return;
	/* Readers that still find the keys look no further than the count. */
	INIT_RCU_WORK(&keys->free_work, tquic_keys_free_work);
	queue_rcu_work(tquic_keys_wq, &keys->free_work);
}

/**
 * tquic_keys_update_due() - is it time to update these keys?
 * @keys: send keys
 *
 * True for the last eighth of what the cipher allows, so that an update has
 * time to happen before the limit stops the connection (RFC 9001 §6.6).
 *
 * Return: true if a key update should be started.
 */
bool tquic_keys_update_due(const struct tquic_keys *keys)
{
	u64 limit = keys->suite->seal_limit;

	return (u64)atomic64_read(&keys->sealed) >= limit - limit / 8;
}

/**
 * tquic_keys_cache_init() - prepare what all keys share
 *
 * Context: process, may sleep; once per module load.
 * Return: 0 or -ENOMEM.
 */
int tquic_keys_cache_init(void)
{
	tquic_keys_wq = alloc_workqueue("tquic_keys", WQ_UNBOUND, 0);
	return tquic_keys_wq ? 0 : -ENOMEM;
}

/**
 * tquic_keys_cache_exit() - wait until every key is freed
 *
 * All references have to be gone.
 *
 * Context: process, may sleep.
 */
void tquic_keys_cache_exit(void)
{
	/* rcu_work enters the queue from an RCU callback */
	rcu_barrier();
	destroy_workqueue(tquic_keys_wq);
}
