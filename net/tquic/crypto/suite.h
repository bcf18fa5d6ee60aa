/* SPDX-License-Identifier: GPL-2.0 */
/* Cipher suites: sizes, algorithm names and usage limits. */
#ifndef TQUIC_CRYPTO_SUITE_H
#define TQUIC_CRYPTO_SUITE_H

#include <linux/types.h>

/* TLS cipher suite numbers: RFC 8446 §B.4, RFC 9001 §5.3. */
#define TQUIC_SUITE_AES_128_GCM		0x1301
#define TQUIC_SUITE_AES_256_GCM		0x1302
#define TQUIC_SUITE_CHACHA20_POLY1305	0x1303

#define TQUIC_SUITE_COUNT		3

/* Upper bounds over all suites, in bytes. */
#define TQUIC_KEY_MAX_LEN	32
#define TQUIC_HASH_MAX_LEN	48
#define TQUIC_IV_LEN		12

/**
 * enum tquic_hp_kind - how the header protection mask is made
 * @TQUIC_HP_AES: one AES block (RFC 9001 §5.4.3)
 * @TQUIC_HP_CHACHA20: the start of a ChaCha20 key stream (RFC 9001 §5.4.4)
 */
enum tquic_hp_kind {
	TQUIC_HP_AES,
	TQUIC_HP_CHACHA20,
};

/**
 * struct tquic_suite - constants of one cipher suite
 * @id: TLS number
 * @key_len: bytes of the packet key and of the header protection key
 * @hash_len: bytes of a secret
 * @hp: header protection
 * @aead: name of the AEAD in the kernel's crypto API
 * @hmac: name of the HMAC in the kernel's crypto API
 * @seal_limit: packets one key may protect (RFC 9001 §6.6)
 * @fail_limit: forged packets one connection may see (RFC 9001 §6.6)
 */
struct tquic_suite {
	u16 id;
	u8 key_len;
	u8 hash_len;
	enum tquic_hp_kind hp;
	const char *aead;
	const char *hmac;
	u64 seal_limit;
	u64 fail_limit;
};

extern const struct tquic_suite tquic_suites[TQUIC_SUITE_COUNT];

const struct tquic_suite *tquic_suite_find(u16 id);

#endif /* TQUIC_CRYPTO_SUITE_H */
