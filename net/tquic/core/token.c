// SPDX-License-Identifier: GPL-2.0
/* Address validation before a connection: Retry packets and tokens (RFC 9000 §8.1) */
#include <linux/errno.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "core/conn.h"
#include "core/ctrl.h"
#include "core/early.h"
#include "core/path.h"
#include "core/token.h"

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
	tquic_space_drain(tquic_conn_space(conn, NULL, TQUIC_LEVEL_INITIAL), &dr);
	tquic_ctrl_on_lost(conn, dr.recs);
	tquic_cc_on_discard(&path->cc, dr.bytes, now);
	tquic_early_give_up(conn, now);
	conn->hs_pto_count = 0;
	conn->hs_probes[0] = 0;
	return 0;
}
