// SPDX-License-Identifier: GPL-2.0
/* Address validation before a connection: Retry packets and tokens (RFC 9000 §8.1) */
#include <linux/errno.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "core/conn.h"
#include "core/path.h"
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

/**
 * tquic_conn_set_token() - replace a token
 * @token: where it is kept
 * @token_len: its length
 * @p: the new one
 * @len: its length, 0 for none
 * @gfp: how to allocate
 *
 * Return: 0, -EMSGSIZE or -ENOMEM; then the old one stays.
 */
int tquic_conn_set_token(u8 **token, u16 *token_len, const u8 *p, u32 len, gfp_t gfp)
{
	u8 *copy = NULL;

	if (len > TQUIC_TOKEN_MAX_LEN)
		return -EMSGSIZE;
	if (len) {
		copy = kmemdup(p, len, gfp);
		if (!copy)
			return -ENOMEM;
	}
	kfree(*token);
	*token = copy;
	*token_len = len;
	return 0;
}

/**
 * tquic_conn_wants_retry() - would a Retry packet count, if it is genuine?
 * @conn: connection
 * @h: the packet
 *
 * One per connection, before anything else came from the server, with another
 * id than the client chose (RFC 9000 §17.2.5.2).
 *
 * Context: connection lock held.
 * Return: true when its integrity tag is worth a look.
 */
bool tquic_conn_wants_retry(const struct tquic_conn *conn, const struct tquic_hdr *h)
{
	return !conn->server && conn->state == TQUIC_STATE_HANDSHAKE &&
	       !conn->iscid_set && !conn->retry_seen &&
	       h->type == TQUIC_PKT_RETRY && h->ver == conn->version &&
	       h->token_len <= TQUIC_TOKEN_MAX_LEN &&
	       !tquic_cid_equal(&h->scid, &conn->odcid);
}

/**
 * tquic_conn_on_retry() - start over as a Retry packet says
 * @conn: connection for which tquic_conn_wants_retry() is true
 * @h: the packet, whose tag was right
 * @now: time in ns
 *
 * Initial keys have to be derived anew, from the packet's source id. What was
 * sent is sent again, in packets whose numbers go on (RFC 9000 §17.2.5.3).
 *
 * Context: connection lock held.
 * Return: 0, or -ENOMEM: the packet is dropped.
 */
int tquic_conn_on_retry(struct tquic_conn *conn, const struct tquic_hdr *h, u64 now)
{
	struct tquic_path *path = tquic_conn_path(conn, 0);
	struct tquic_drain_result dr;
	int ret;

	ret = tquic_conn_set_token(&conn->token, &conn->token_len, h->token,
				   h->token_len, GFP_ATOMIC);
	if (ret)
		return ret;
	conn->retry_seen = true;
	conn->local.rscid = h->scid;
	tquic_cidset_remote_set_initial(&path->remote, &h->scid);
	tquic_space_drain(&conn->hs[0], &dr);
	tquic_ctrl_on_lost(conn, dr.recs);
	tquic_cc_on_discard(&path->cc, dr.bytes, now);
	conn->hs_pto_count = 0;
	conn->hs_probes[0] = 0;
	return 0;
}
