/* SPDX-License-Identifier: GPL-2.0 */
/* All keys of a connection: levels, directions, key update. */
#ifndef TQUIC_CRYPTO_KEYRING_H
#define TQUIC_CRYPTO_KEYRING_H

#include <linux/atomic.h>
#include <linux/rcupdate.h>

#include "core/phase.h"
#include "core/proto.h"
#include "core/version.h"
#include "crypto/hp.h"
#include "crypto/keys.h"
#include "crypto/seal.h"

/**
 * enum tquic_rx_gen - which generation of 1-RTT keys may open a packet
 * @TQUIC_RX_CUR: the current one
 * @TQUIC_RX_PREV: the one before, for packets that were overtaken
 * @TQUIC_RX_NEXT: the one after: the peer updates its keys
 */
enum tquic_rx_gen {
	TQUIC_RX_CUR,
	TQUIC_RX_PREV,
	TQUIC_RX_NEXT,
};

/**
 * struct tquic_keyring - the keys of one connection
 * @level: current keys per level
 * @rx_first: a server's Initial ones of the version the client began with, after a change
 * @rx_prev: 1-RTT, kept for reordered packets
 * @rx_next: 1-RTT, made before they are needed
 * @failures: packets that failed authentication (RFC 9001 §6.6)
 * @tx_acked: the peer acked a packet of the current 1-RTT tx generation
 *
 * Pointers are written under the connection lock. Receive keys are read under
 * RCU without it.
 */
struct tquic_keyring {
	struct {
		struct tquic_keys __rcu *rx;
		struct tquic_keys __rcu *tx;
	} level[TQUIC_LEVEL_COUNT];
	struct tquic_keys __rcu *rx_first;
	struct tquic_keys __rcu *rx_prev;
	struct tquic_keys __rcu *rx_next;
	atomic64_t failures;
	bool tx_acked;
};

void tquic_keyring_init(struct tquic_keyring *kr);
void tquic_keyring_destroy(struct tquic_keyring *kr);

int tquic_keyring_install_initial(struct tquic_keyring *kr,
				  const struct tquic_version *v,
				  const struct tquic_cid *dcid, bool server);
int tquic_keyring_upgrade_initial(struct tquic_keyring *kr, const struct tquic_version *v,
				  const struct tquic_cid *dcid);
int tquic_keyring_install(struct tquic_keyring *kr, enum tquic_level level,
			  bool tx, u16 suite, const u8 *secret, size_t len,
			  const struct tquic_version *v);
void tquic_keyring_discard(struct tquic_keyring *kr, enum tquic_level level);
bool tquic_keyring_has(const struct tquic_keyring *kr, enum tquic_level level,
		       bool tx);

struct tquic_keys *tquic_keyring_tx(const struct tquic_keyring *kr,
				    enum tquic_level level);
struct tquic_keys *tquic_keyring_rx_get(const struct tquic_keyring *kr,
					enum tquic_level level);
struct tquic_keys *tquic_keyring_rx_first_get(const struct tquic_keyring *kr);
struct tquic_keys *tquic_keyring_rx_select(const struct tquic_keyring *kr,
					   bool phase, u64 pn,
					   const struct tquic_phase *ph,
					   enum tquic_rx_gen *which);

/* key update, RFC 9001 §6 */
int tquic_keyring_rx_commit(struct tquic_keyring *kr, u32 gen);
int tquic_keyring_update_tx(struct tquic_keyring *kr);
bool tquic_keyring_update_due(const struct tquic_keyring *kr);
bool tquic_keyring_tx_behind(const struct tquic_keyring *kr);
int tquic_keyring_precompute(struct tquic_keyring *kr);
void tquic_keyring_drop_prev(struct tquic_keyring *kr);

/* integrity limit, RFC 9001 §6.6 */
int tquic_keyring_count_failure(struct tquic_keyring *kr,
				const struct tquic_keys *keys);

int tquic_phase_on_rx(struct tquic_phase *ph, u32 gen, u64 pn);
void tquic_phase_on_tx(struct tquic_phase *ph, u32 gen, u64 pn);
int tquic_phase_on_ack(const struct tquic_phase *ph, struct tquic_keyring *kr,
		       u64 largest_acked, u32 rx_gen);

int tquic_crypto_init(void);
void tquic_crypto_exit(void);

#endif /* TQUIC_CRYPTO_KEYRING_H */
