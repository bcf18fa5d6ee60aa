/* SPDX-License-Identifier: GPL-2.0 */
/* Tokens of a namespace: made, checked, under keys that change */
#ifndef TQUIC_CRYPTO_TOKEN_H
#define TQUIC_CRYPTO_TOKEN_H

#include <linux/mutex.h>
#include <linux/types.h>
#include "core/token.h"
#include "crypto/kdf.h"

#define TQUIC_TOKEN_KEY_LEN	32

/* How long a client may take to come back after a Retry */
#define TQUIC_TOKEN_RETRY_S	15
/* Life of a NEW_TOKEN, and of a key: tokens of the key before are good too */
#define TQUIC_TOKEN_NEW_S	(6 * 3600)

/**
 * struct tquic_token_bind - who a token is good for
 * @version: QUIC version it was given out in (RFC 9369 §5)
 * @ip: address of the client, v4-mapped for IPv4
 * @port: Retry: its port, network order
 * @rscid: Retry: id that the Retry told the client to use
 */
struct tquic_token_bind {
	u32 version;
	u8 ip[16];
	__be16 port;
	struct tquic_cid rscid;
};

/**
 * struct tquic_tokens - keys of a namespace
 * @lock: protects all else; a leaf, taken in process context only
 * @hmac: HMAC-SHA256
 * @gen: number of the current key
 * @rotate_s: when the next one takes over; 0: there are none yet
 * @key: current and previous key, by the low bit of their number
 */
struct tquic_tokens {
	struct mutex lock;
	struct tquic_hkdf hmac;
	u8 gen;
	u64 rotate_s;
	u8 key[2][TQUIC_TOKEN_KEY_LEN];
};

int tquic_tokens_init(struct tquic_tokens *ts);
void tquic_tokens_destroy(struct tquic_tokens *ts);
int tquic_tokens_make(struct tquic_tokens *ts, enum tquic_token_kind kind,
		      const struct tquic_cid *odcid,
		      const struct tquic_token_bind *bind, u64 now_s,
		      u8 out[TQUIC_TOKEN_OWN_MAX_LEN]);
int tquic_tokens_check(struct tquic_tokens *ts, const u8 *p, size_t len,
		       const struct tquic_token_bind *bind, u64 now_s,
		       struct tquic_token *t);

#endif /* TQUIC_CRYPTO_TOKEN_H */
