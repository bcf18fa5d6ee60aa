/* SPDX-License-Identifier: GPL-2.0 */
/* Sealing and opening packets in place. */
#ifndef TQUIC_CRYPTO_SEAL_H
#define TQUIC_CRYPTO_SEAL_H

#include <linux/types.h>

#include "crypto/keys.h"
#include "crypto/suite.h"

/**
 * typedef tquic_aead_done_t - an operation that was under way has ended
 * @arg: what the caller gave
 * @err: 0, -EBADMSG, or another errno
 *
 * Context: softirq or process with BH off; may not sleep. On another CPU it
 * can run before the call that started the operation has returned.
 */
typedef void (*tquic_aead_done_t)(void *arg, int err);

void tquic_aead_nonce(const struct tquic_keys *keys, u32 path_id, u64 pn,
		      u8 nonce[TQUIC_IV_LEN]);
int tquic_aead_open(struct tquic_keys *keys, u32 path_id, u64 pn, u8 *pkt,
		    u32 hdr_len, u32 pkt_len, tquic_aead_done_t done,
		    void *arg);
int tquic_pkt_seal(struct tquic_keys *keys, u32 path_id, u64 pn, u8 *pkt,
		   u32 hdr_len, u32 plain_len, tquic_aead_done_t done, void *arg);

#endif /* TQUIC_CRYPTO_SEAL_H */
