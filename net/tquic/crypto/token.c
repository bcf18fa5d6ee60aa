// SPDX-License-Identifier: GPL-2.0
/* Tokens of a namespace: made, checked, under keys that change */
#include <crypto/utils.h>
#include <linux/errno.h>
#include <linux/random.h>
#include <linux/string.h>

#include "crypto/suite.h"
#include "crypto/token.h"

/**
 * tquic_tokens_init() - prepare the keys of a namespace
 * @ts: object to fill
 *
 * Context: process, may sleep.
 * Return: 0 or a negative errno.
 */
int tquic_tokens_init(struct tquic_tokens *ts)
{
	memset(ts, 0, sizeof(*ts));
	mutex_init(&ts->lock);
	return tquic_hkdf_init(&ts->hmac, "hmac(sha256)");
}

/**
 * tquic_tokens_destroy() - forget the keys
 * @ts: prepared object
 *
 * Context: process, may sleep.
 */
void tquic_tokens_destroy(struct tquic_tokens *ts)
{
	tquic_hkdf_destroy(&ts->hmac);
	memzero_explicit(ts->key, sizeof(ts->key));
}

static void __tquic_tokens_rotate(struct tquic_tokens *ts, u64 now_s)
{
	lockdep_assert_held(&ts->lock);
	if (now_s < ts->rotate_s)
		return;
	/* Nobody came for long: the key before is too old as well. */
	if (now_s >= ts->rotate_s + TQUIC_TOKEN_NEW_S)
		get_random_bytes(ts->key, sizeof(ts->key));
	ts->gen++;
	get_random_bytes(ts->key[ts->gen & 1], TQUIC_TOKEN_KEY_LEN);
	ts->rotate_s = now_s + TQUIC_TOKEN_NEW_S;
}

/* MAC over the @len bytes of a token and over who it is good for */
static int __tquic_tokens_mac(struct tquic_tokens *ts, const struct tquic_token *t,
			      const u8 *p, size_t len,
			      const struct tquic_token_bind *bind,
			      u8 mac[TQUIC_TOKEN_MAC_LEN])
{
	u8 buf[TQUIC_TOKEN_OWN_MAX_LEN + sizeof(*bind)];
	struct tquic_wbuf b = { .p = buf, .end = buf + sizeof(buf) };
	u8 full[TQUIC_HASH_MAX_LEN];
	int err;

	tquic_put_bytes(&b, p, len);
	tquic_put_u32(&b, bind->version);
	tquic_put_bytes(&b, bind->ip, sizeof(bind->ip));
	if (t->kind == TQUIC_TOKEN_RETRY) {
		tquic_put_bytes(&b, (const u8 *)&bind->port, sizeof(bind->port));
		tquic_put_cid(&b, &bind->rscid);
	}
	/* HKDF-Extract is HMAC (RFC 5869 §2.2). */
	err = tquic_hkdf_extract(&ts->hmac, ts->key[t->gen & 1],
				 TQUIC_TOKEN_KEY_LEN, buf, b.p - buf, full);
	if (!err)
		memcpy(mac, full, TQUIC_TOKEN_MAC_LEN);
	return err;
}

/**
 * tquic_tokens_make() - make a token
 * @ts: keys
 * @kind: what it is for
 * @odcid: Retry: destination id of the client's Initial; else not used
 * @bind: who it is good for
 * @now_s: seconds since whenever
 * @out: the token
 *
 * Context: process, may sleep.
 * Return: its length, or a negative errno.
 */
int tquic_tokens_make(struct tquic_tokens *ts, enum tquic_token_kind kind,
		      const struct tquic_cid *odcid,
		      const struct tquic_token_bind *bind, u64 now_s,
		      u8 out[TQUIC_TOKEN_OWN_MAX_LEN])
{
	struct tquic_wbuf b = { .p = out, .end = out + TQUIC_TOKEN_OWN_MAX_LEN };
	struct tquic_token t = { .kind = kind, .time_s = now_s };
	int ret;

	if (kind == TQUIC_TOKEN_RETRY)
		t.odcid = *odcid;
	mutex_lock(&ts->lock);
	__tquic_tokens_rotate(ts, now_s);
	t.gen = ts->gen;
	tquic_token_put(&b, &t);
	ret = __tquic_tokens_mac(ts, &t, out, b.p - out, bind, b.p);
	mutex_unlock(&ts->lock);
	return ret ?: b.p - out + TQUIC_TOKEN_MAC_LEN;
}

/**
 * tquic_tokens_check() - is a token ours, of this client, and fresh?
 * @ts: keys
 * @p: token from a client's Initial
 * @len: its length
 * @bind: where the Initial came from, and the id it was sent to
 * @now_s: seconds, on the clock it was made with
 * @t: what it says
 *
 * Context: process, may sleep.
 * Return: 0; -ENOENT when it is no token of ours; -EBADMSG when it is forged
 * or somebody else's; -ETIME when it is too old; or another errno.
 */
int tquic_tokens_check(struct tquic_tokens *ts, const u8 *p, size_t len,
		       const struct tquic_token_bind *bind, u64 now_s,
		       struct tquic_token *t)
{
	u8 mac[TQUIC_TOKEN_MAC_LEN];
	u64 life_s;
	int ret;

	if (!tquic_token_get(p, len, t))
		return -ENOENT;
	len -= TQUIC_TOKEN_MAC_LEN;
	mutex_lock(&ts->lock);
	__tquic_tokens_rotate(ts, now_s);
	ret = -ETIME;
	if ((u8)(ts->gen - t->gen) <= 1)
		ret = __tquic_tokens_mac(ts, t, p, len, bind, mac);
	mutex_unlock(&ts->lock);
	if (ret)
		return ret;
	if (crypto_memneq(mac, p + len, sizeof(mac)))
		return -EBADMSG;
	life_s = t->kind == TQUIC_TOKEN_RETRY ? TQUIC_TOKEN_RETRY_S :
						TQUIC_TOKEN_NEW_S;
	return now_s - t->time_s <= life_s ? 0 : -ETIME;
}
