/* SPDX-License-Identifier: GPL-2.0 */
/* Address validation before a connection: Retry packets and tokens (RFC 9000 §8.1) */
#ifndef TQUIC_CORE_TOKEN_H
#define TQUIC_CORE_TOKEN_H

#include <linux/types.h>
#include "core/proto.h"
#include "core/varint.h"

struct tquic_conn;
struct tquic_hdr;

/* A client keeps and sends no longer ones: its first packet has other things to carry. */
#define TQUIC_TOKEN_MAX_LEN	512
#define TQUIC_TOKEN_MAC_LEN	16
/* The longest we make: kind, key, time, id, MAC */
#define TQUIC_TOKEN_OWN_MAX_LEN	(1 + 1 + 8 + 1 + TQUIC_CID_MAX_LEN + TQUIC_TOKEN_MAC_LEN)

/* First byte of a token of ours: what it came in (RFC 9000 §8.1.1) */
enum tquic_token_kind {
	TQUIC_TOKEN_RETRY = 0x52,
	TQUIC_TOKEN_NEW = 0x4e,
};

/**
 * struct tquic_token - what a token of ours says
 * @kind: Retry packet or NEW_TOKEN frame
 * @gen: low bits of the number of the key it is protected with
 * @time_s: when it was made
 * @odcid: Retry: destination id of the client's first Initial
 */
struct tquic_token {
	u8 kind;
	u8 gen;
	u64 time_s;
	struct tquic_cid odcid;
};

bool tquic_token_put(struct tquic_wbuf *b, const struct tquic_token *t);
bool tquic_token_get(const u8 *p, size_t len, struct tquic_token *t);

bool tquic_conn_wants_retry(const struct tquic_conn *conn, const struct tquic_hdr *h);
int tquic_conn_on_retry(struct tquic_conn *conn, const struct tquic_hdr *h, u64 now);
int tquic_conn_set_token(u8 **token, u16 *token_len, const u8 *p, u32 len, gfp_t gfp);

#endif /* TQUIC_CORE_TOKEN_H */
