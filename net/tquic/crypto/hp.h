/* SPDX-License-Identifier: GPL-2.0 */
/* Header protection: RFC 9001 §5.4. */
#ifndef TQUIC_CRYPTO_HP_H
#define TQUIC_CRYPTO_HP_H

#include <linux/types.h>

#include "crypto/suite.h"

#define TQUIC_HP_MASK_LEN	5

struct tquic_hp;
struct tquic_keys;

struct tquic_hp *tquic_hp_create(const struct tquic_suite *suite,
				 const u8 *key);
struct tquic_hp *tquic_hp_get(struct tquic_hp *hp);
void tquic_hp_put(struct tquic_hp *hp);
void tquic_hp_mask(const struct tquic_hp *hp, const u8 *sample,
		   u8 mask[TQUIC_HP_MASK_LEN]);

int tquic_pkt_unprotect(const struct tquic_keys *keys, u8 *pkt, u32 pkt_len,
			u32 pn_off, u8 *first, u64 *trunc_pn, u8 *pn_len);
int tquic_pkt_protect(const struct tquic_keys *keys, u8 *pkt, u32 pkt_len,
		      u32 pn_off, u8 pn_len);

#endif /* TQUIC_CRYPTO_HP_H */
