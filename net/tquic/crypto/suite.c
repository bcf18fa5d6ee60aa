// SPDX-License-Identifier: GPL-2.0
/* Cipher suites: sizes, algorithm names and usage limits. */
#include <linux/kernel.h>
#include <linux/limits.h>

#include "crypto/suite.h"

/* The limits hold for packets of any size (RFC 9001 §6.6, §B.1, §B.2). */
const struct tquic_suite tquic_suites[TQUIC_SUITE_COUNT] = {
	{
		.id		= TQUIC_SUITE_AES_128_GCM,
		.key_len	= 16,
		.hash_len	= 32,
		.hp		= TQUIC_HP_AES,
		.aead		= "gcm(aes)",
		.hmac		= "hmac(sha256)",
		.seal_limit	= 1ULL << 23,
		.fail_limit	= 1ULL << 52,
	},
	{
		.id		= TQUIC_SUITE_AES_256_GCM,
		.key_len	= 32,
		.hash_len	= 48,
		.hp		= TQUIC_HP_AES,
		.aead		= "gcm(aes)",
		.hmac		= "hmac(sha384)",
		.seal_limit	= 1ULL << 23,
		.fail_limit	= 1ULL << 52,
	},
	{
		.id		= TQUIC_SUITE_CHACHA20_POLY1305,
		.key_len	= 32,
		.hash_len	= 32,
		.hp		= TQUIC_HP_CHACHA20,
		.aead		= "rfc7539(chacha20,poly1305)",
		.hmac		= "hmac(sha256)",
		.seal_limit	= U64_MAX,
		.fail_limit	= 1ULL << 36,
	},
};

/**
 * tquic_suite_find() - constants of a cipher suite
 * @id: TLS number
 *
 * Return: the suite, or NULL if it is not spoken here.
 */
const struct tquic_suite *tquic_suite_find(u16 id)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(tquic_suites); i++)
		if (tquic_suites[i].id == id)
			return &tquic_suites[i];
	return NULL;
}
