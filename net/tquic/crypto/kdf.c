// SPDX-License-Identifier: GPL-2.0
/* HKDF over HMAC-SHA2: Extract and the Expand-Label of TLS 1.3. */
#include <crypto/hash.h>
#include <linux/err.h>
#include <linux/string.h>
#include <linux/unaligned.h>

#include "crypto/kdf.h"
#include "crypto/suite.h"

#define TQUIC_HKDF_PREFIX	"tls13 "
#define TQUIC_HKDF_PREFIX_LEN	(sizeof(TQUIC_HKDF_PREFIX) - 1)

/**
 * tquic_hkdf_init() - prepare key derivation
 * @h: object to fill
 * @hmac: name of the HMAC
 *
 * Context: process, may sleep.
 * Return: 0 or a negative errno.
 */
int tquic_hkdf_init(struct tquic_hkdf *h, const char *hmac)
{
	struct crypto_shash *tfm;

	tfm = crypto_alloc_shash(hmac, 0, 0);
	if (IS_ERR(tfm))
		return PTR_ERR(tfm);
	if (crypto_shash_digestsize(tfm) > TQUIC_HASH_MAX_LEN) {
		crypto_free_shash(tfm);
		return -EINVAL;
	}
	h->tfm = tfm;
	h->hash_len = crypto_shash_digestsize(tfm);
	return 0;
}

/**
 * tquic_hkdf_destroy() - forget keys and free the transform
 * @h: prepared object
 *
 * Context: process, may sleep.
 */
void tquic_hkdf_destroy(struct tquic_hkdf *h)
{
	crypto_free_shash(h->tfm);
	h->tfm = NULL;
}

/**
 * tquic_hkdf_extract() - HKDF-Extract (RFC 5869 §2.2)
 * @h: prepared object
 * @salt: salt
 * @salt_len: bytes of @salt
 * @ikm: input keying material
 * @ikm_len: bytes of @ikm
 * @prk: result, @h->hash_len bytes
 *
 * Return: 0 or a negative errno.
 */
int tquic_hkdf_extract(struct tquic_hkdf *h, const u8 *salt, size_t salt_len,
		       const u8 *ikm, size_t ikm_len, u8 *prk)
{
	int err;

	err = crypto_shash_setkey(h->tfm, salt, salt_len);
	if (err)
		return err;
	return crypto_shash_tfm_digest(h->tfm, ikm, ikm_len, prk);
}

/**
 * tquic_hkdf_expand_label() - HKDF-Expand-Label with empty context
 * @h: prepared object
 * @secret: secret, @h->hash_len bytes
 * @label: label without its "tls13 " prefix
 * @out: result
 * @len: bytes wanted, at most @h->hash_len: one HMAC suffices for QUIC
 *
 * See RFC 8446 §7.1 and RFC 5869 §2.3.
 *
 * Return: 0, -EINVAL for a label or length out of range, or another errno.
 */
int tquic_hkdf_expand_label(struct tquic_hkdf *h, const u8 *secret,
			    const char *label, u8 *out, size_t len)
{
	/* length, label, context length 0, block counter 1 */
	u8 info[2 + 1 + TQUIC_HKDF_LABEL_MAX_LEN + 1 + 1];
	size_t label_len = strlen(label);
	u8 block[TQUIC_HASH_MAX_LEN];
	u8 *p = info;
	int err;

	if (len > h->hash_len ||
	    label_len > TQUIC_HKDF_LABEL_MAX_LEN - TQUIC_HKDF_PREFIX_LEN)
		return -EINVAL;

	put_unaligned_be16(len, p);
	p += 2;
	*p++ = TQUIC_HKDF_PREFIX_LEN + label_len;
	memcpy(p, TQUIC_HKDF_PREFIX, TQUIC_HKDF_PREFIX_LEN);
	p += TQUIC_HKDF_PREFIX_LEN;
	memcpy(p, label, label_len);
	p += label_len;
	*p++ = 0;
	*p++ = 1;

	err = crypto_shash_setkey(h->tfm, secret, h->hash_len);
	if (!err)
		err = crypto_shash_tfm_digest(h->tfm, info, p - info, block);
	if (!err)
		memcpy(out, block, len);
	memzero_explicit(block, sizeof(block));
	return err;
}
