/* SPDX-License-Identifier: GPL-2.0 */
/* What differs between the QUIC versions: type bits, salts, labels, Retry keys. */
#ifndef TQUIC_CORE_VERSION_H
#define TQUIC_CORE_VERSION_H

#include <linux/types.h>

#include "core/proto.h"

#define TQUIC_VERSION_COUNT	2
#define TQUIC_INITIAL_SALT_LEN	20
#define TQUIC_RETRY_KEY_LEN	16
#define TQUIC_RETRY_NONCE_LEN	12

/**
 * struct tquic_version - constants of one QUIC version
 * @version: the number on the wire
 * @type_bits: long packet type, indexed by %TQUIC_PKT_INITIAL, %TQUIC_PKT_0RTT,
 *	%TQUIC_PKT_HANDSHAKE and %TQUIC_PKT_RETRY
 * @salt: HKDF salt of the Initial secret (RFC 9001 §5.2, RFC 9369 §3.3.1)
 * @retry_key: AES-128-GCM key of the Retry integrity tag
 * @retry_nonce: nonce of the Retry integrity tag
 * @label_key: HKDF label of the packet key, without the "tls13 " prefix
 * @label_iv: HKDF label of the IV
 * @label_hp: HKDF label of the header protection key
 * @label_ku: HKDF label of a key update
 */
struct tquic_version {
	u32 version;
	u8 type_bits[4];
	u8 salt[TQUIC_INITIAL_SALT_LEN];
	u8 retry_key[TQUIC_RETRY_KEY_LEN];
	u8 retry_nonce[TQUIC_RETRY_NONCE_LEN];
	const char *label_key;
	const char *label_iv;
	const char *label_hp;
	const char *label_ku;
};

/* Every version spoken here, the preferred one first. */
extern const struct tquic_version tquic_versions[TQUIC_VERSION_COUNT];

const struct tquic_version *tquic_version_find(u32 version);

#endif /* TQUIC_CORE_VERSION_H */
