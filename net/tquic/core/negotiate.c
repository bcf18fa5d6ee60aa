// SPDX-License-Identifier: GPL-2.0
/* Which version of QUIC a connection speaks: RFC 9000 §6, RFC 9368 */
#include <linux/string.h>
#include <linux/unaligned.h>
#include "core/conn.h"
#include "core/negotiate.h"

static bool tquic_vn_lists(const struct tquic_hdr *h, u32 version)
{
	u32 i;

	for (i = 0; i + sizeof(u32) <= h->body_len; i += sizeof(u32))
		if (get_unaligned_be32(h->body + i) == version)
			return true;
	return false;
}

static bool tquic_vn_cid_is(const u8 *view, u8 len, const struct tquic_cid *cid)
{
	return len == cid->len && !memcmp(view, cid->id, len);
}

/**
 * tquic_conn_on_vn() - a Version Negotiation packet for a connection
 * @conn: connection
 * @h: the packet
 *
 * Nothing protects these packets. One counts only while nothing else came from
 * the server, when it repeats the ids of our Initial, and when it does not
 * offer the version we have tried (RFC 9000 §6.2). The connection then ends;
 * another version is for the program to try.
 *
 * Context: connection lock held. Sets conn->todo.
 * Return: false when the packet is to be dropped.
 */
bool tquic_conn_on_vn(struct tquic_conn *conn, const struct tquic_hdr *h)
{
	if (conn->server || conn->state != TQUIC_STATE_HANDSHAKE ||
	    conn->iscid_set || conn->retry_seen)
		return false;
	if (!tquic_vn_cid_is(h->dcid_view, h->dcid_view_len, &conn->local.iscid) ||
	    !tquic_vn_cid_is(h->scid_view, h->scid_view_len, &conn->odcid))
		return false;
	if (tquic_vn_lists(h, conn->version->version))
		return false;
	conn->state = TQUIC_STATE_CLOSED;
	conn->closed.error_code = TQUIC_ERR_VERSION_NEGOTIATION;
	conn->todo |= TQUIC_TODO_STATE | TQUIC_TODO_READ | TQUIC_TODO_WRITE;
	tquic_conn_event(conn, TQUIC_EVENT_CLOSED, 0,
			 TQUIC_ERR_VERSION_NEGOTIATION);
	return true;
}
