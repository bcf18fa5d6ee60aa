// SPDX-License-Identifier: GPL-2.0
/* 0-RTT: data before the handshake, under what an earlier connection was told */
#include <linux/errno.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "core/conn.h"
#include "core/ctrl.h"
#include "core/early.h"
#include "core/path.h"

/*
 * 0-RTT packets share the number space of path 0 with the 1-RTT packets that
 * follow, and their frames are followed like all others.  The client sends them
 * from the time it has their keys until it has those of 1-RTT packets; by then
 * TLS has told whether the server took them.
 */

/**
 * tquic_early_remember() - take over the parameters of an earlier connection
 * @conn: client's connection in its handshake
 * @buf: the server's parameters then, as TLS carried them
 * @len: their length
 *
 * Those that RFC 9000 §7.4.1, RFC 9221 §3 and the drafts say are remembered rule what 0-RTT
 * packets carry, until the server's new ones come.
 *
 * Context: connection lock held; may sleep.
 * Return: 0; -EINVAL; -EALREADY; -EPROTO for parameters that no server sent;
 * -ENOMEM.
 */
int tquic_early_remember(struct tquic_conn *conn, const u8 *buf, size_t len)
{
	struct tquic_params *was, *p = &conn->peer;
	struct tquic_stream_limits limits;
	int ret;

	if (conn->server)
		return -EINVAL;
	if (conn->peer_params_set || conn->early_known)
		return -EALREADY;
	was = kzalloc(sizeof(*was), GFP_KERNEL);
	if (!was)
		return -ENOMEM;
	ret = tquic_params_parse(buf, len, true, was);
	if (ret) {
		kfree(was);
		return -EPROTO;
	}
	p->max_data = was->max_data;
	p->max_stream_data_bidi_local = was->max_stream_data_bidi_local;
	p->max_stream_data_bidi_remote = was->max_stream_data_bidi_remote;
	p->max_stream_data_uni = was->max_stream_data_uni;
	p->max_streams_bidi = was->max_streams_bidi;
	p->max_streams_uni = was->max_streams_uni;
	p->active_cid_limit = was->active_cid_limit;
	p->max_datagram_frame_size = was->max_datagram_frame_size;
	p->reset_stream_at = was->reset_stream_at;
	kfree(was);
	tquic_conn_limits(p, &limits);
	tquic_streams_set_peer(&conn->streams, &limits);
	tquic_flow_tx_raise(&conn->flow_tx, p->max_data);
	conn->early_known = true;
	return 0;
}

/**
 * tquic_early_takes_keys() - are keys of 0-RTT packets of any use now?
 * @conn: connection in its handshake
 * @tx: to send with
 *
 * Context: connection lock held.
 * Return: false when they are of the wrong direction, too late, or a client's
 * without what is remembered of an earlier connection.
 */
bool tquic_early_takes_keys(const struct tquic_conn *conn, bool tx)
{
	return tx != conn->server && conn->early == TQUIC_EARLY_NONE &&
	       !((conn->keys_tx | conn->keys_rx) &
		 (BIT(TQUIC_LEVEL_HANDSHAKE) | BIT(TQUIC_LEVEL_APP))) &&
	       (conn->server || conn->early_known);
}

/* A client that has the keys offers early data, a server that has them accepts it */
void tquic_early_begin(struct tquic_conn *conn)
{
	conn->early = conn->server ? TQUIC_EARLY_ACCEPTED : TQUIC_EARLY_OFFERED;
	conn->todo |= TQUIC_TODO_WRITE;
}

/**
 * tquic_early_accept() - TLS says that the server took the early data
 * @conn: client's connection whose peer's parameters have not come yet
 *
 * Context: connection lock held.
 * Return: 0, or -EINVAL when none was offered or it is too late.
 */
int tquic_early_accept(struct tquic_conn *conn)
{
	if (conn->early != TQUIC_EARLY_OFFERED || conn->peer_params_set)
		return -EINVAL;
	conn->early = TQUIC_EARLY_ACCEPTED;
	return 0;
}

/* RFC 9000 §7.4.1: limits a server remembers it may only raise */
static bool tquic_early_lowered(const struct tquic_params *was,
				const struct tquic_params *now)
{
	return now->max_data < was->max_data ||
	       now->max_stream_data_bidi_local < was->max_stream_data_bidi_local ||
	       now->max_stream_data_bidi_remote < was->max_stream_data_bidi_remote ||
	       now->max_stream_data_uni < was->max_stream_data_uni ||
	       now->max_streams_bidi < was->max_streams_bidi ||
	       now->max_streams_uni < was->max_streams_uni ||
	       now->active_cid_limit < was->active_cid_limit ||
	       now->max_datagram_frame_size < was->max_datagram_frame_size ||
	       now->reset_stream_at < was->reset_stream_at;
}

/**
 * tquic_early_over() - no more 0-RTT packets are sent or received
 * @conn: connection
 *
 * Context: connection lock held.
 */
void tquic_early_over(struct tquic_conn *conn)
{
	if (!((conn->keys_tx | conn->keys_rx) & BIT(TQUIC_LEVEL_EARLY)))
		return;
	conn->keys_tx &= ~BIT(TQUIC_LEVEL_EARLY);
	conn->keys_rx &= ~BIT(TQUIC_LEVEL_EARLY);
	conn->ops->keys_discard(conn, TQUIC_LEVEL_EARLY);
}

/**
 * tquic_early_give_up() - the server has not got the 0-RTT packets sent so far
 * @conn: client's connection, no 1-RTT packet was sent yet
 * @now: time in ns
 *
 * Their frames go out again.  Nothing is lost in the sense of RFC 9002.
 *
 * Context: connection lock held.
 */
void tquic_early_give_up(struct tquic_conn *conn, u64 now)
{
	struct tquic_path *path = tquic_conn_path(conn, 0);
	struct tquic_drain_result dr;

	tquic_space_drain(&path->space, &dr);
	tquic_ctrl_on_lost(conn, dr.recs);
	tquic_cc_on_discard(&path->cc, dr.bytes, now);
}

/**
 * tquic_early_settle() - the server's parameters came: was early data taken?
 * @conn: connection, conn->peer still as it was
 * @fresh: the parameters
 * @now: time in ns
 *
 * A rejection is what nobody told to be an acceptance; then all that was written
 * is sent again in 1-RTT packets (RFC 9001 §4.6.2), under the fresh limits and as
 * if it had never been sent.  Streams that were opened and are not allowed now have
 * no place to go.
 *
 * Context: connection lock held.
 * Return: 0, or a transport error to close the connection with.
 */
int tquic_early_settle(struct tquic_conn *conn, const struct tquic_params *fresh,
		       u64 now)
{
	if (!conn->early_known || conn->server)
		return 0;
	if (conn->early == TQUIC_EARLY_ACCEPTED)
		return tquic_early_lowered(&conn->peer, fresh) ?
		       TQUIC_ERR_PROTOCOL_VIOLATION : 0;
	if (tquic_streams_opened(&conn->streams, false) > fresh->max_streams_bidi ||
	    tquic_streams_opened(&conn->streams, true) > fresh->max_streams_uni)
		return TQUIC_ERR_INTERNAL;
	if (conn->early == TQUIC_EARLY_OFFERED)
		conn->early = TQUIC_EARLY_REJECTED;
	tquic_early_over(conn);
	tquic_early_give_up(conn, now);
	tquic_streams_rewind(&conn->streams);
	conn->stats.bytes_sent -= conn->flow_tx.used;
	tquic_flow_tx_init(&conn->flow_tx, 0);
	return 0;
}

/* May 0-RTT packets be sent now? */
bool tquic_early_can_send(const struct tquic_conn *conn)
{
	return (conn->keys_tx & BIT(TQUIC_LEVEL_EARLY)) &&
	       !(conn->keys_tx & BIT(TQUIC_LEVEL_APP));
}

/* Can the program write and open streams? With early data before the handshake's end. */
bool tquic_conn_is_open(const struct tquic_conn *conn)
{
	return conn->state == TQUIC_STATE_ESTABLISHED ||
	       (conn->state == TQUIC_STATE_HANDSHAKE && conn->early != TQUIC_EARLY_NONE);
}
