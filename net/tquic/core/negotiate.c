// SPDX-License-Identifier: GPL-2.0
/* Which version of QUIC a connection speaks: RFC 9000 §6, RFC 9368 */
#include <linux/compiler.h>
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
 * tquic_conn_tell_versions() - fill in our version_information (RFC 9368 §3)
 * @conn: connection that is started
 *
 * A server tells all it speaks. A client tells which versions its first flight
 * may be answered in, the one it prefers first: all are compatible with each other
 * (RFC 9369 §4.1).
 */
void tquic_conn_tell_versions(struct tquic_conn *conn)
{
	struct tquic_params *p = &conn->local;
	unsigned int i;

	p->has_version_info = true;
	p->version_chosen = conn->version->version;
	p->version_count = 0;
	if (!conn->server)
		p->versions[p->version_count++] = conn->version->version;
	for (i = 0; i < TQUIC_VERSION_COUNT; i++)
		if (conn->server || &tquic_versions[i] != conn->version)
			p->versions[p->version_count++] = tquic_versions[i].version;
}

/* What Initial keys are derived from: the client's first id, or a Retry's (RFC 9001 §5.2) */
const struct tquic_cid *tquic_conn_initial_cid(const struct tquic_conn *conn)
{
	return conn->retry_seen || conn->local.has_rscid ? &conn->local.rscid : &conn->odcid;
}

/**
 * tquic_conn_upgrade() - a server goes on in the version it prefers, if the client can
 * @conn: connection whose client's parameters were checked
 * @p: those parameters
 *
 * Compatible version negotiation (RFC 9368 §2.3): nothing is lost by it. The caller
 * derives Initial keys anew when conn->version is not conn->first_version.
 */
void tquic_conn_upgrade(struct tquic_conn *conn, const struct tquic_params *p)
{
	u32 i;

	if (!conn->server || !conn->prefer || conn->prefer == conn->version)
		return;
	for (i = 0; i < p->version_count; i++) {
		if (p->versions[i] != conn->prefer->version)
			continue;
		conn->version = conn->prefer;
		conn->local.version_chosen = conn->version->version;
		return;
	}
}

/**
 * tquic_conn_takes_version() - may the server answer in another version?
 * @conn: connection
 * @v: version of the server's packet
 *
 * Only once, and before any of its handshake messages came.
 *
 * Context: connection lock held, or as a hint.
 * Return: true when a client is to go on in it.
 */
bool tquic_conn_takes_version(const struct tquic_conn *conn, const struct tquic_version *v)
{
	const struct tquic_hs *hs;
	bool before;

	if (conn->server || READ_ONCE(conn->state) != TQUIC_STATE_HANDSHAKE ||
	    v == READ_ONCE(conn->version) ||
	    READ_ONCE(conn->version) != conn->first_version)
		return false;
	rcu_read_lock();
	hs = rcu_dereference(conn->hs);
	before = hs && !READ_ONCE(hs->crypto[tquic_hs_index(TQUIC_LEVEL_INITIAL)].rx.flow.highest);
	rcu_read_unlock();
	return before;
}

/* A client goes on in the version the server answers in; Initial keys are those of it */
void tquic_conn_switch_version(struct tquic_conn *conn, const struct tquic_version *v)
{
	WRITE_ONCE(conn->version, v);
}

/**
 * tquic_conn_check_versions() - is the version the peer's choice too?
 * @conn: connection
 * @p: the peer's parameters
 *
 * Long headers are not authentic until TLS is complete: what it carries shows
 * when the version was tampered with (RFC 9368 §4). Only a peer that speaks
 * nothing but version 1 may say nothing (RFC 9369 §4).
 *
 * Return: 0 or %TQUIC_ERR_VERSION_NEGOTIATION.
 */
int tquic_conn_check_versions(const struct tquic_conn *conn,
			      const struct tquic_params *p)
{
	u32 chosen = p->has_version_info ? p->version_chosen : TQUIC_VERSION_1;

	return chosen == conn->version->version ? 0 : TQUIC_ERR_VERSION_NEGOTIATION;
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
	tquic_conn_vanish(conn, TQUIC_ERR_VERSION_NEGOTIATION, 0);
	return true;
}
