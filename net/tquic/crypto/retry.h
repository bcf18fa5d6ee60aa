/* SPDX-License-Identifier: GPL-2.0 */
/* Integrity tag of Retry packets: RFC 9001 §5.8. */
#ifndef TQUIC_CRYPTO_RETRY_H
#define TQUIC_CRYPTO_RETRY_H

#include <linux/types.h>

#include "core/proto.h"
#include "core/version.h"

int tquic_retry_init(void);
void tquic_retry_exit(void);
int tquic_retry_tag(const struct tquic_version *v,
		    const struct tquic_cid *odcid, const u8 *pkt, size_t len,
		    u8 tag[TQUIC_RETRY_TAG_LEN]);
int tquic_retry_check(const struct tquic_version *v,
		      const struct tquic_cid *odcid, const u8 *pkt,
		      size_t len);

#endif /* TQUIC_CRYPTO_RETRY_H */
