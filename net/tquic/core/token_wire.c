// SPDX-License-Identifier: GPL-2.0
/* Tokens of ours as bytes, whatever protects them (RFC 9000 §8.1) */
#include <linux/string.h>
#include "core/token.h"

/**
 * tquic_token_put() - write a token without its MAC
 * @b: write cursor
 * @t: the token
 *
 * Return: false if it does not fit.
 */
bool tquic_token_put(struct tquic_wbuf *b, const struct tquic_token *t)
{
	return tquic_put_u8(b, t->kind) && tquic_put_u8(b, t->gen) &&
	       tquic_put_u32(b, t->time_s >> 32) && tquic_put_u32(b, t->time_s) &&
	       (t->kind != TQUIC_TOKEN_RETRY || tquic_put_cid(b, &t->odcid));
}

/**
 * tquic_token_get() - read a token; whether it is genuine its MAC has to tell
 * @p: the token
 * @len: its length, with the MAC
 * @t: result
 *
 * Return: false when it is no token of ours.
 */
bool tquic_token_get(const u8 *p, size_t len, struct tquic_token *t)
{
	struct tquic_rbuf b = { .p = p, .end = p + len };
	u32 high, low;
	u8 cid_len;

	memset(t, 0, sizeof(*t));
	if (len > TQUIC_TOKEN_OWN_MAX_LEN || !tquic_get_u8(&b, &t->kind) ||
	    !tquic_get_u8(&b, &t->gen) || !tquic_get_u32(&b, &high) ||
	    !tquic_get_u32(&b, &low))
		return false;
	t->time_s = (u64)high << 32 | low;
	if (t->kind == TQUIC_TOKEN_RETRY) {
		if (!tquic_get_u8(&b, &cid_len) || cid_len > TQUIC_CID_MAX_LEN ||
		    !tquic_get_cid(&b, &t->odcid, cid_len))
			return false;
	} else if (t->kind != TQUIC_TOKEN_NEW) {
		return false;
	}
	return tquic_rbuf_left(&b) == TQUIC_TOKEN_MAC_LEN;
}
