/* SPDX-License-Identifier: GPL-2.0 */
/* What a connection asks of the layers above it */
#ifndef TQUIC_CORE_OPS_H
#define TQUIC_CORE_OPS_H

#include <linux/types.h>
#include <linux/tquic.h>
#include "core/proto.h"

struct sk_buff;
struct tquic_conn;
struct tquic_path;

/**
 * struct tquic_conn_ops - what the engine asks of the layers above
 * @cid_add: register one of our connection ids; -EEXIST: choose another
 * @cid_del: forget it
 * @reset_token: stateless reset token of one of our ids
 * @keys_discard: drop both directions' keys of a level
 * @path_free: release path->link
 * @path_move: from now on the path leads to where the datagram came from; 0,
 *	1 when that is the address it had before, or an errno
 * @path_other: until it moves, the path's other address is where the datagram
 *	came from
 * @path_back: it leads to the address it had before @path_move; of a client: it
 *	goes on as it is, what was tried is let go of
 * @path_switch: of a client: from now on the path is the way that was tried
 * @acked: 1-RTT packets of a path up to @largest were acknowledged by the
 *	packet being processed; 0 or a transport error
 * @event: a path or the connection changed, for monitors
 *
 * Context: under the connection lock, softirq; may not sleep.
 */
struct tquic_conn_ops {
	int (*cid_add)(struct tquic_conn *conn, const struct tquic_cid *cid,
		       u32 path_id);
	void (*cid_del)(struct tquic_conn *conn, const struct tquic_cid *cid);
	void (*reset_token)(struct tquic_conn *conn,
			    const struct tquic_cid *cid, u8 token[16]);
	void (*keys_discard)(struct tquic_conn *conn, enum tquic_level level);
	void (*path_free)(struct tquic_conn *conn, struct tquic_path *path);
	int (*path_move)(struct tquic_conn *conn, struct tquic_path *path,
			 const struct sk_buff *skb);
	void (*path_other)(struct tquic_conn *conn, struct tquic_path *path,
			   const struct sk_buff *skb);
	void (*path_back)(struct tquic_conn *conn, struct tquic_path *path);
	void (*path_switch)(struct tquic_conn *conn, struct tquic_path *path);
	int (*acked)(struct tquic_conn *conn, const struct tquic_path *path,
		     u64 largest);
	void (*event)(struct tquic_conn *conn, const struct tquic_event *ev);
};

#endif /* TQUIC_CORE_OPS_H */
