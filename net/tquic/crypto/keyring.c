// SPDX-License-Identifier: GPL-2.0
/* All keys of a connection: levels, directions, key update. */
#include <linux/err.h>
#include <linux/kmod.h>
#include <linux/string.h>

#include "crypto/kdf.h"
#include "crypto/keyring.h"
#include "crypto/retry.h"

/* Readers run concurrently with a key update: how often to look again. */
#define TQUIC_RX_SELECT_TRIES	3

static struct tquic_keys *
tquic_keys_locked(struct tquic_keys __rcu *const *slot)
{
	/* the connection lock, which this file does not know */
	return rcu_dereference_protected(*slot, true);
}

/* Publishes @keys, which may be NULL, and drops what was there. */
static void tquic_keys_replace(struct tquic_keys __rcu **slot,
			       struct tquic_keys *keys)
{
	tquic_keys_put(rcu_replace_pointer(*slot, keys, true));
}

/* Moves keys from one slot to another, with their reference. */
static void tquic_keys_move(struct tquic_keys __rcu **to,
			    struct tquic_keys __rcu **from)
{
	struct tquic_keys *keys = tquic_keys_locked(from);

	tquic_keys_replace(to, keys);
	RCU_INIT_POINTER(*from, NULL);
}

/**
 * tquic_keyring_init() - start without keys
 * @kr: keyring of a new connection
 */
void tquic_keyring_init(struct tquic_keyring *kr)
{
	memset(kr, 0, sizeof(*kr));
}

/**
 * tquic_keyring_discard() - drop the keys of a level, both directions
 * @kr: keyring
 * @level: level
 *
 * Context: any, under the connection lock. Readers that hold a reference
 * finish with the keys they have.
 */
void tquic_keyring_discard(struct tquic_keyring *kr, enum tquic_level level)
{
	tquic_keys_replace(&kr->level[level].rx, NULL);
	tquic_keys_replace(&kr->level[level].tx, NULL);
	if (level == TQUIC_LEVEL_INITIAL)
		tquic_keys_replace(&kr->rx_first, NULL);
	if (level != TQUIC_LEVEL_APP)
		return;
	tquic_keys_replace(&kr->rx_prev, NULL);
	tquic_keys_replace(&kr->rx_next, NULL);
}

/**
 * tquic_keyring_destroy() - drop all keys
 * @kr: keyring of a connection that ends
 *
 * Context: any; the connection's memory has to survive an RCU grace period if
 * the receive path can still find it.
 */
void tquic_keyring_destroy(struct tquic_keyring *kr)
{
	int level;

	for (level = 0; level < TQUIC_LEVEL_COUNT; level++)
		tquic_keyring_discard(kr, level);
}

/**
 * tquic_keyring_install_initial() - derive Initial keys (RFC 9001 §5.2)
 * @kr: keyring
 * @v: version
 * @dcid: DCID of the client's first Initial, or of the one after a Retry
 * @server: which side we are
 *
 * Replaces Initial keys that exist already.
 *
 * Context: process, may sleep; under the connection lock.
 * Return: 0 or a negative errno, then nothing has changed.
 */
int tquic_keyring_install_initial(struct tquic_keyring *kr,
				  const struct tquic_version *v,
				  const struct tquic_cid *dcid, bool server)
{
	const struct tquic_suite *suite =
		tquic_suite_find(TQUIC_SUITE_AES_128_GCM);
	u8 initial[TQUIC_HASH_MAX_LEN], secret[TQUIC_HASH_MAX_LEN];
	struct tquic_keys *keys[2] = {};
	struct tquic_hkdf h;
	int err, i;

	err = tquic_hkdf_init(&h, suite->hmac);
	if (err)
		return err;
	err = tquic_hkdf_extract(&h, v->salt, sizeof(v->salt), dcid->id,
				 dcid->len, initial);
	for (i = 0; !err && i < 2; i++) {
		err = tquic_hkdf_expand_label(&h, initial,
					      i ? "server in" : "client in",
					      secret, suite->hash_len);
		if (err)
			break;
		keys[i] = tquic_keys_create(suite, v, secret);
		if (IS_ERR(keys[i])) {
			err = PTR_ERR(keys[i]);
			keys[i] = NULL;
		}
	}
	memzero_explicit(initial, sizeof(initial));
	memzero_explicit(secret, sizeof(secret));
	tquic_hkdf_destroy(&h);
	if (err) {
		tquic_keys_put(keys[0]);
		return err;
	}
	tquic_keys_replace(&kr->level[TQUIC_LEVEL_INITIAL].tx, keys[server]);
	tquic_keys_replace(&kr->level[TQUIC_LEVEL_INITIAL].rx, keys[!server]);
	return 0;
}

/**
 * tquic_keyring_upgrade_initial() - a server's Initial keys are of another version now
 * @kr: keyring with Initial keys
 * @v: version
 * @dcid: DCID of the client's first Initial, or of the one after a Retry
 *
 * A client that has heard nothing yet repeats its first packets in the version before:
 * keys to open them stay as long as the level's (RFC 9369 §4.1).
 *
 * Context: process, may sleep; under the connection lock.
 * Return: 0 or a negative errno, then nothing has changed.
 */
int tquic_keyring_upgrade_initial(struct tquic_keyring *kr, const struct tquic_version *v,
				  const struct tquic_cid *dcid)
{
	struct tquic_keys *first = tquic_keyring_rx_get(kr, TQUIC_LEVEL_INITIAL);
	int err = tquic_keyring_install_initial(kr, v, dcid, true);

	if (err)
		tquic_keys_put(first);
	else
		tquic_keys_replace(&kr->rx_first, first);
	return err;
}

/* Makes the 1-RTT receive keys that come after @rx. */
static int tquic_keyring_make_next(struct tquic_keyring *kr, const struct tquic_keys *rx)
{
	struct tquic_keys *next = tquic_keys_next(rx);

	if (IS_ERR(next))
		return PTR_ERR(next);
	tquic_keys_replace(&kr->rx_next, next);
	return 0;
}

/**
 * tquic_keyring_install() - install the secret of one level and direction
 * @kr: keyring
 * @level: %TQUIC_LEVEL_EARLY, %TQUIC_LEVEL_HANDSHAKE or %TQUIC_LEVEL_APP
 * @tx: send direction
 * @suite: TLS cipher suite number
 * @secret: traffic secret
 * @len: bytes of @secret
 * @v: version
 *
 * 1-RTT receive keys come with their successors, which open the first packets
 * of a key update.
 *
 * Context: process, may sleep; under the connection lock.
 * Return: 0, -EOPNOTSUPP for an unknown suite, -EINVAL for a secret of the
 * wrong length or the Initial level, -EEXIST if the keys are there already, or
 * another errno.
 */
int tquic_keyring_install(struct tquic_keyring *kr, enum tquic_level level,
			  bool tx, u16 suite, const u8 *secret, size_t len,
			  const struct tquic_version *v)
{
	const struct tquic_suite *s = tquic_suite_find(suite);
	struct tquic_keys *keys;
	int err;

	if (!s)
		return -EOPNOTSUPP;
	if (len != s->hash_len || level <= TQUIC_LEVEL_INITIAL ||
	    level >= TQUIC_LEVEL_COUNT)
		return -EINVAL;
	if (tquic_keyring_has(kr, level, tx))
		return -EEXIST;

	keys = tquic_keys_create(s, v, secret);
	if (IS_ERR(keys))
		return PTR_ERR(keys);
	if (level == TQUIC_LEVEL_APP && !tx) {
		err = tquic_keyring_make_next(kr, keys);
		if (err) {
			tquic_keys_put(keys);
			return err;
		}
	}
	if (tx)
		tquic_keys_replace(&kr->level[level].tx, keys);
	else
		tquic_keys_replace(&kr->level[level].rx, keys);
	return 0;
}

/**
 * tquic_keyring_has() - are there keys?
 * @kr: keyring
 * @level: level
 * @tx: send direction
 *
 * Context: any; a hint unless the connection lock is held.
 * Return: true if there are.
 */
bool tquic_keyring_has(const struct tquic_keyring *kr, enum tquic_level level,
		       bool tx)
{
	return tx ? rcu_access_pointer(kr->level[level].tx) :
		    rcu_access_pointer(kr->level[level].rx);
}

/**
 * tquic_keyring_tx() - current send keys of a level
 * @kr: keyring
 * @level: level
 *
 * Context: under the connection lock.
 * Return: keys that stay as long as the lock is held, or NULL.
 */
struct tquic_keys *tquic_keyring_tx(const struct tquic_keyring *kr,
				    enum tquic_level level)
{
	return tquic_keys_locked(&kr->level[level].tx);
}

static struct tquic_keys *tquic_keyring_get(struct tquic_keys __rcu *const *slot)
{
	struct tquic_keys *keys;

	rcu_read_lock();
	keys = rcu_dereference(*slot);
	if (keys && !tquic_keys_get(keys))
		keys = NULL;
	rcu_read_unlock();
	return keys;
}

/**
 * tquic_keyring_rx_get() - current receive keys of a level
 * @kr: keyring
 * @level: level
 *
 * Any generation removes header protection; to open a 1-RTT packet ask
 * tquic_keyring_rx_select().
 *
 * Context: any.
 * Return: keys with a reference for the caller to put, or NULL.
 */
struct tquic_keys *tquic_keyring_rx_get(const struct tquic_keyring *kr,
					enum tquic_level level)
{
	return tquic_keyring_get(&kr->level[level].rx);
}

/**
 * tquic_keyring_rx_first_get() - Initial receive keys of the version the client began with
 * @kr: keyring
 *
 * Context: any.
 * Return: keys with a reference for the caller to put; NULL unless a server has changed
 * the version and still takes Initial packets.
 */
struct tquic_keys *tquic_keyring_rx_first_get(const struct tquic_keyring *kr)
{
	return tquic_keyring_get(&kr->rx_first);
}

/* Which generation relative to @cur a packet of the other phase belongs to.
 * It is an old one as long as old keys are kept and no packet of the current
 * phase with a lower number has come in its packet number space. On a path
 * where no packet of the current phase came at all, old is the better guess:
 * the peer has to wait three PTOs before it may update again, and we drop old
 * keys after that time.
 */
static enum tquic_rx_gen tquic_rx_guess(const struct tquic_keys *cur, u64 pn,
					const struct tquic_phase *ph,
					bool has_prev)
{
	u64 lowest = TQUIC_PHASE_NO_PN;

	if (READ_ONCE(ph->rx_gen) == cur->gen)
		lowest = READ_ONCE(ph->rx_lowest_pn);
	if (lowest == TQUIC_PHASE_NO_PN)
		return has_prev ? TQUIC_RX_PREV : TQUIC_RX_NEXT;
	return pn < lowest ? TQUIC_RX_PREV : TQUIC_RX_NEXT;
}

/**
 * tquic_keyring_rx_select() - choose keys for a received 1-RTT packet
 * @kr: keyring
 * @phase: key phase bit, after header protection was removed
 * @pn: full packet number
 * @ph: key phases of the packet number space, that is of the path
 * @which: which generation it is; for %TQUIC_RX_NEXT call
 *	tquic_keyring_rx_commit() once the packet proved authentic
 *
 * Context: any, without the connection lock.
 * Return: keys with a reference for the caller to put; NULL if there are none
 * (any more, or yet), the packet is dropped and does not count as forged.
 */
struct tquic_keys *tquic_keyring_rx_select(const struct tquic_keyring *kr,
					   bool phase, u64 pn,
					   const struct tquic_phase *ph,
					   enum tquic_rx_gen *which)
{
	struct tquic_keys *cur, *prev, *keys = NULL;
	int tries;

	rcu_read_lock();
	for (tries = 0; !keys && tries < TQUIC_RX_SELECT_TRIES; tries++) {
		cur = rcu_dereference(kr->level[TQUIC_LEVEL_APP].rx);
		if (!cur)
			break;
		if (tquic_keys_phase(cur) == phase) {
			*which = TQUIC_RX_CUR;
			keys = cur;
		} else {
			prev = rcu_dereference(kr->rx_prev);
			*which = tquic_rx_guess(cur, pn, ph, prev);
			keys = *which == TQUIC_RX_PREV ? prev :
			       rcu_dereference(kr->rx_next);
			/* a commit came between the two loads */
			if (keys && tquic_keys_phase(keys) != phase)
				keys = NULL;
		}
		if (keys && !tquic_keys_get(keys))
			keys = NULL;
	}
	rcu_read_unlock();
	return keys;
}

/**
 * tquic_keyring_rx_commit() - a packet opened with the next keys
 * @kr: keyring
 * @gen: generation that opened it
 *
 * Next keys become current, current ones previous. Packets of one phase that
 * were opened at the same time may all call this; the first one counts.
 *
 * Afterwards tquic_keyring_precompute() is due, and tquic_keyring_drop_prev()
 * three times the largest PTO later. If the peer started the update, the former
 * brings the send keys along as well, see tquic_keyring_tx_behind().
 *
 * Context: any, under the connection lock.
 * Return: 0; %TQUIC_ERR_KEY_UPDATE if the peer updated twice without waiting
 * for us; -EAGAIN if keys are missing, then the packet is to be dropped.
 */
int tquic_keyring_rx_commit(struct tquic_keyring *kr, u32 gen)
{
	struct tquic_keys *cur =
		tquic_keys_locked(&kr->level[TQUIC_LEVEL_APP].rx);
	struct tquic_keys *tx = tquic_keyring_tx(kr, TQUIC_LEVEL_APP);
	struct tquic_keys *next = tquic_keys_locked(&kr->rx_next);

	if (cur && gen <= cur->gen)
		return 0;
	if (!cur || !tx || !next || next->gen != gen)
		return -EAGAIN;
	/* it cannot have seen an ack under the current keys */
	if (tx->gen < gen && !atomic64_read(&tx->sealed))
		return TQUIC_ERR_KEY_UPDATE;
	tquic_keys_move(&kr->rx_prev, &kr->level[TQUIC_LEVEL_APP].rx);
	tquic_keys_move(&kr->level[TQUIC_LEVEL_APP].rx, &kr->rx_next);
	return 0;
}

/**
 * tquic_keyring_tx_behind() - has the peer updated its keys and we have not?
 * @kr: keyring
 *
 * As long as it is so nothing may be acknowledged, because that has to happen
 * under new keys (RFC 9001 §6.2).
 *
 * Context: any, under the connection lock.
 * Return: true until tquic_keyring_precompute() has worked.
 */
bool tquic_keyring_tx_behind(const struct tquic_keyring *kr)
{
	const struct tquic_keys *rx =
		tquic_keys_locked(&kr->level[TQUIC_LEVEL_APP].rx);
	const struct tquic_keys *tx = tquic_keyring_tx(kr, TQUIC_LEVEL_APP);

	return rx && tx && tx->gen < rx->gen;
}

static int tquic_keyring_advance_tx(struct tquic_keyring *kr)
{
	struct tquic_keys *next =
		tquic_keys_next(tquic_keyring_tx(kr, TQUIC_LEVEL_APP));

	if (IS_ERR(next))
		return PTR_ERR(next);
	tquic_keys_replace(&kr->level[TQUIC_LEVEL_APP].tx, next);
	kr->tx_acked = false;
	return 0;
}

/**
 * tquic_keyring_update_tx() - start a key update (RFC 9001 §6.1)
 * @kr: keyring
 *
 * The caller makes sure that the handshake is confirmed and that three times
 * the largest PTO have passed since the last update was acknowledged.
 *
 * Context: process, may sleep; under the connection lock.
 * Return: 0; -EBUSY if the last update is not finished or nothing sent with
 * the current keys was acknowledged; -EAGAIN if tquic_keyring_precompute() has
 * not run yet: the peer's answer could not be read; -ENOMEM.
 */
int tquic_keyring_update_tx(struct tquic_keyring *kr)
{
	struct tquic_keys *rx =
		tquic_keys_locked(&kr->level[TQUIC_LEVEL_APP].rx);
	struct tquic_keys *tx = tquic_keyring_tx(kr, TQUIC_LEVEL_APP);

	if (!rx || !tx || rx->gen != tx->gen || !kr->tx_acked)
		return -EBUSY;
	if (!rcu_access_pointer(kr->rx_next))
		return -EAGAIN;
	return tquic_keyring_advance_tx(kr);
}

/**
 * tquic_keyring_update_due() - do the 1-RTT send keys wear out?
 * @kr: keyring
 *
 * Context: any, under the connection lock.
 * Return: true if tquic_keyring_update_tx() should be called as soon as it is
 * allowed.
 */
bool tquic_keyring_update_due(const struct tquic_keyring *kr)
{
	const struct tquic_keys *tx = tquic_keyring_tx(kr, TQUIC_LEVEL_APP);

	return tx && tquic_keys_update_due(tx);
}

/**
 * tquic_keyring_precompute() - make the 1-RTT keys that an update asks for
 * @kr: keyring
 *
 * Send keys that are behind first, then the next ones to receive with: so the
 * peer cannot update again before we have followed. Nothing to do is fine.
 *
 * Context: process, may sleep; under the connection lock.
 * Return: 0 or a negative errno; then try again later.
 */
int tquic_keyring_precompute(struct tquic_keyring *kr)
{
	struct tquic_keys *rx =
		tquic_keys_locked(&kr->level[TQUIC_LEVEL_APP].rx);
	int err = 0;

	if (tquic_keyring_tx_behind(kr))
		err = tquic_keyring_advance_tx(kr);
	if (err || !rx || rcu_access_pointer(kr->rx_next))
		return err;
	return tquic_keyring_make_next(kr, rx);
}

/**
 * tquic_keyring_drop_prev() - forget the receive keys before the last update
 * @kr: keyring
 *
 * Context: any, under the connection lock.
 */
void tquic_keyring_drop_prev(struct tquic_keyring *kr)
{
	tquic_keys_replace(&kr->rx_prev, NULL);
}

/**
 * tquic_keyring_count_failure() - a packet was not authentic
 * @kr: keyring
 * @keys: keys it was tried with
 *
 * Counts over all keys of the connection (RFC 9001 §6.6).
 *
 * Context: any, without the connection lock.
 * Return: 0, or %TQUIC_ERR_AEAD_LIMIT_REACHED: close and open no more packets.
 */
int tquic_keyring_count_failure(struct tquic_keyring *kr,
				const struct tquic_keys *keys)
{
	u64 n = atomic64_inc_return(&kr->failures);

	return n < keys->suite->fail_limit ? 0 : TQUIC_ERR_AEAD_LIMIT_REACHED;
}

/* The first of an algorithm has the kernel look for modules and test it, which
 * takes longer than many a round trip: no connection shall wait for that. What
 * cannot be had is refused to the connection that wants it.
 */
static void tquic_crypto_warm(void)
{
	static const u8 secret[TQUIC_HASH_MAX_LEN];
	struct tquic_keys *keys;
	int i;

	for (i = 0; i < TQUIC_SUITE_COUNT; i++) {
		keys = tquic_keys_create(&tquic_suites[i], &tquic_versions[0], secret);
		if (!IS_ERR(keys))
			tquic_keys_put(keys);
	}
}

/**
 * tquic_crypto_init() - prepare what all connections share
 *
 * Context: process, may sleep; module init.
 * Return: 0 or a negative errno, -ENOENT without AES-GCM in the kernel.
 */
int tquic_crypto_init(void)
{
	int err;

	/* The first lookup of gcm(aes) settles for the generic one unless the
	 * accelerated ciphers are there; it is fine if they are built in.
	 */
	request_module("crypto-aes");
	err = tquic_keys_cache_init();
	if (err)
		return err;
	err = tquic_retry_init();
	if (err) {
		tquic_keys_cache_exit();
		return err;
	}
	tquic_crypto_warm();
	return 0;
}

/**
 * tquic_crypto_exit() - undo tquic_crypto_init(), once no connection is left
 *
 * Context: process, may sleep; module exit.
 */
void tquic_crypto_exit(void)
{
	tquic_retry_exit();
	tquic_keys_cache_exit();
}
