/* SPDX-License-Identifier: GPL-2.0 */
/* HKDF over HMAC-SHA2: Extract and the Expand-Label of TLS 1.3. */
#ifndef TQUIC_CRYPTO_KDF_H
#define TQUIC_CRYPTO_KDF_H

#include <linux/types.h>

struct crypto_shash;

/* "tls13 " and the longest label have to fit (RFC 8446 §7.1). */
#define TQUIC_HKDF_LABEL_MAX_LEN	32

/**
 * struct tquic_hkdf - one HMAC transform; owned by its caller, not shared
 * @tfm: keyed anew by every call
 * @hash_len: bytes of a secret
 */
struct tquic_hkdf {
	struct crypto_shash *tfm;
	u8 hash_len;
};

int tquic_hkdf_init(struct tquic_hkdf *h, const char *hmac);
void tquic_hkdf_destroy(struct tquic_hkdf *h);
int tquic_hkdf_extract(struct tquic_hkdf *h, const u8 *salt, size_t salt_len,
		       const u8 *ikm, size_t ikm_len, u8 *prk);
int tquic_hkdf_expand_label(struct tquic_hkdf *h, const u8 *secret,
			    const char *label, u8 *out, size_t len);

#endif /* TQUIC_CRYPTO_KDF_H */
