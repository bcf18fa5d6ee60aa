// SPDX-License-Identifier: GPL-2.0
/* From UDP to the engine: find the connection, open the packet, hand it over */
#include <crypto/utils.h>
#include <linux/skbuff.h>
#include <trace/events/tquic.h>
#include "core/header.h"
#include "core/negotiate.h"
#include "core/token.h"
#include "crypto/retry.h"
#include "crypto/seal.h"
#include "crypto/hp.h"
#include "tquic_answer.h"
#include "tquic_sock.h"
#include "tquic_sysctl.h"

/**
 * enum tquic_rx_kind - what there is to do with a packet under the lock
 * @TQUIC_RX_OPENED: it is authentic and holds the keys it was opened with
 * @TQUIC_RX_SEALED: keep it until there are keys
 * @TQUIC_RX_RETRY: keep it until its tag can be checked
 * @TQUIC_RX_RESET: it is of no known id, perhaps a stateless reset
 * @TQUIC_RX_OTHER: a whole datagram in another version, that a client may take
 * @TQUIC_RX_SPOILT: it is no good; its datagram has still to be counted
 */
enum tquic_rx_kind {
	TQUIC_RX_OPENED,
	TQUIC_RX_SEALED,
	TQUIC_RX_RETRY,
	TQUIC_RX_RESET,
	TQUIC_RX_OTHER,
	TQUIC_RX_SPOILT,
};

/**
 * struct tquic_rx_cb - a packet between lookup and engine; in skb->cb
 * @udp: what the UDP layer knows
 * @sk: its connection's socket, referenced
 * @keys: what it is being opened with, referenced
 * @pn: packet number; before header protection is off: nothing
 * @path_id: path its destination id belongs to
 * @hdr_len: header with packet number
 * @type: enum tquic_pkt_type
 * @gen: enum tquic_rx_gen
 * @first: first byte without header protection
 * @kind: enum tquic_rx_kind
 * @dgram_bytes: UDP payload that is to be counted with the packet: the first one
 *	of a datagram stands for all of it, padding behind the packets included
 */
struct tquic_rx_cb {
	struct tquic_skb_cb udp;
	struct sock *sk;
	struct tquic_keys *keys;
	u64 pn;
	u32 path_id;
	u16 hdr_len;
	u8 type:4;
	u8 gen:3;
	u8 first;
	u8 kind;
	u16 dgram_bytes;
};

#define TQUIC_RX_CB(skb) ((struct tquic_rx_cb *)(skb)->cb)
static_assert(sizeof(struct tquic_rx_cb) <= sizeof_field(struct sk_buff, cb));

/* True size of the packets that may wait for a busy lock */
#define TQUIC_RX_BACKLOG_BYTES	(16 * 1024 * 1024)

/*
 * Socket the datagram of a new path came to: all paths of a server use the
 * port the client knows, as the listener did.
 */
static struct tquic_udp *tquic_rx_path_udp(const struct tquic_conn *conn,
					   __be16 port)
{
	const struct tquic_link *link;
	const struct tquic_path *path;

	tquic_for_each_path(conn, path) {
		link = path->link;
		if (link && tquic_addr_port(&link->udp->local) == port)
			return link->udp;
	}
	return NULL;
}

/* Server's answer to the first packet of an unused path id (RFC 10069 §3.1) */
static int tquic_rx_open_path(struct sock *sk, struct tquic_path *path,
			      struct sk_buff *skb, u64 now)
{
	struct tquic_conn *conn = &tquic_sk(sk)->conn;
	struct tquic_addr local, peer;
	struct tquic_udp *udp;
	int ret;

	if (!conn->server || !conn->confirmed)
		return -EPERM;
	tquic_skb_addrs(skb, &local, &peer);
	udp = tquic_rx_path_udp(conn, tquic_addr_port(&local));
	if (!udp)
		return -ENODEV;
	ret = tquic_link_accept(sk, path, udp, &local, &peer);
	if (ret)
		return ret;
	ret = tquic_path_start(conn, path, now);
	if (ret)
		tquic_link_free(sk, path);
	else
		TQUIC_INC(tquic_sock_net(sk), PATHS_OPENED);
	return ret;
}

/* The peer's new keys proved right, or its packets fit no phase */
static int tquic_rx_phase(struct sock *sk, struct tquic_path *path,
			  const struct tquic_rx_cb *cb)
{
	struct tquic_sock *tsk = tquic_sk(sk);
	struct tquic_conn *conn = &tsk->conn;
	u32 gen = cb->keys->gen;
	int ret;

	if (cb->gen == TQUIC_RX_NEXT) {
		ret = tquic_keyring_rx_commit(&tsk->keys, gen);
		if (ret)
			return ret;
		conn->stats.key_updates++;
		conn->key_drop_prev_ns = tquic_now_ns() +
					 3 * tquic_conn_pto_max_ns(conn);
		conn->todo |= TQUIC_TODO_KEYS;
		TQUIC_INC(tquic_sock_net(sk), KEY_UPDATES);
	}
	return tquic_phase_on_rx(&path->phase, gen, cb->pn);
}

static u64 tquic_rx_reserved_bits(const struct tquic_rx_cb *cb)
{
	return cb->first & (cb->type == TQUIC_PKT_1RTT ?
			    TQUIC_HDR_SHORT_RESERVED : TQUIC_HDR_LONG_RESERVED);
}

/*
 * The server's first packet tells the id to reach it by; later ones may not
 * change their source id (RFC 9000 §7.2).
 */
static bool tquic_rx_scid(struct tquic_conn *conn, struct tquic_path *path,
			  const struct sk_buff *skb)
{
	const u8 *p = skb->data + 5;	/* first byte and version */
	struct tquic_cid scid;

	p += 1 + *p;
	scid.len = *p++;
	memcpy(scid.id, p, scid.len);
	if (!conn->iscid_set) {
		conn->iscid = scid;
		conn->iscid_set = true;
		tquic_cidset_remote_set_initial(&path->remote, &scid);
	}
	return tquic_cid_equal(&conn->iscid, &scid);
}

/* The connection has no use for an opened packet: tell why */
static void tquic_rx_unused(struct sock *sk, const struct sk_buff *skb, int err)
{
	struct tquic_net *tn = tquic_sock_net(sk);
	enum tquic_trace_drop why = TQUIC_DROP_MEMORY;

	if (err == -EALREADY) {
		TQUIC_INC(tn, RX_DUP);
		why = TQUIC_DROP_DUPLICATE;
	} else if (err == -ENOKEY) {
		TQUIC_INC(tn, RX_NO_KEY);
		why = TQUIC_DROP_NO_KEYS;
	} else {
		TQUIC_INC(tn, MEM_DROP);
	}
	trace_tquic_packet_dropped(&tquic_sk(sk)->conn, TQUIC_RX_CB(skb)->path_id, why,
				   skb->len);
}

/*
 * Before the address is validated all of a datagram counts, once, and whatever
 * becomes of its packets (RFC 9000 §8.1). Context: lock held
 */
static void tquic_rx_count(struct tquic_path *path, struct sk_buff *skb)
{
	tquic_path_on_rx(path, TQUIC_RX_CB(skb)->dgram_bytes);
	TQUIC_RX_CB(skb)->dgram_bytes = 0;
}

/* The same for a packet that is not processed, or not yet. Context: lock held */
static void tquic_rx_count_sealed(struct sock *sk, struct sk_buff *skb)
{
	struct tquic_path *path;

	if (!tquic_sk(sk)->alive)
		return;
	path = tquic_path_find(&tquic_sk(sk)->conn, TQUIC_RX_CB(skb)->path_id);
	if (path && path->link && !tquic_link_moved(path, skb))
		tquic_rx_count(path, skb);
}

/* An opened packet meets its connection. Context: lock held */
static void tquic_rx_deliver(struct sock *sk, struct sk_buff *skb)
{
	struct tquic_rx_cb *cb = TQUIC_RX_CB(skb);
	struct tquic_conn *conn = &tquic_sk(sk)->conn;
	struct tquic_path *path = tquic_path_find(conn, cb->path_id);
	struct tquic_net *tn = tquic_sock_net(sk);
	struct tquic_rx_pkt pkt = {};
	struct tquic_cid dcid;
	u64 now = tquic_now_ns();
	int ret;

	if (!tquic_sk(sk)->alive || !path)
		return;
	if (tquic_rx_reserved_bits(cb)) {
		TQUIC_INC(tn, RX_BAD_RESERVED);
		trace_tquic_packet_dropped(conn, path->id, TQUIC_DROP_RESERVED, skb->len);
		tquic_conn_close(conn, TQUIC_ERR_PROTOCOL_VIOLATION, 0, false,
				 NULL, 0, now);
		return;
	}
	if (cb->type == TQUIC_PKT_1RTT) {
		tquic_sk(sk)->rx_gen = cb->keys->gen;
		ret = tquic_rx_phase(sk, path, cb);
		if (ret > 0)
			tquic_conn_close(conn, ret, 0, false, NULL, 0, now);
		if (ret)
			return;
		dcid.len = TQUIC_LOCAL_CID_LEN;
		memcpy(dcid.id, skb->data + 1, dcid.len);
		pkt.dcid = &dcid;
	}
	if (path->state == TQUIC_PATH_UNUSED && tquic_rx_open_path(sk, path, skb, now))
		return;
	pkt.moved = path->link ? tquic_link_moved(path, skb) : TQUIC_MOVED_NOT;
	if (path->link && !conn->server && tquic_link_tried(path, skb))
		pkt.moved = TQUIC_MOVED_ADDRESS;
	else if (pkt.moved && !conn->server && tquic_link_was(path, skb))
		pkt.moved = TQUIC_MOVED_NOT;
	/* A server's address does not change (RFC 9000 §9). */
	else if (pkt.moved && !conn->server) {
		TQUIC_INC(tn, RX_BAD_ADDR);
		trace_tquic_packet_dropped(conn, path->id, TQUIC_DROP_ADDRESS, skb->len);
		return;
	}
	if (!pkt.moved)
		tquic_rx_count(path, skb);
	if (cb->type != TQUIC_PKT_1RTT && !tquic_rx_scid(conn, path, skb)) {
		TQUIC_INC(tn, RX_BAD_HDR);
		trace_tquic_packet_dropped(conn, path->id, TQUIC_DROP_HEADER, skb->len);
		return;
	}
	pkt.type = cb->type;
	pkt.path = path;
	pkt.skb = skb;
	pkt.payload = skb->data + cb->hdr_len;
	pkt.len = skb->len - cb->hdr_len - TQUIC_AEAD_TAG_LEN;
	pkt.dgram_bytes = skb->len;
	pkt.pn = cb->pn;
	pkt.ecn = cb->udp.ecn;
	ret = tquic_conn_input(conn, &pkt, now);
	TQUIC_INC(tn, RX_PKTS);
	if (cb->type == TQUIC_PKT_0RTT)
		TQUIC_INC(tn, RX_EARLY);
	if (ret)
		tquic_rx_unused(sk, skb, ret);
}

/* Will there be keys for packets of this type that has none now? */
static bool tquic_rx_keys_come(const struct tquic_sock *tsk,
			       enum tquic_pkt_type type)
{
	if (!tsk->alive || tsk->conn.confirmed)
		return false;
	if (type == TQUIC_PKT_HANDSHAKE)
		return !tquic_keyring_has(&tsk->keys, TQUIC_LEVEL_APP, false);
	/* Those of 0-RTT packets are the first that TLS gives a server, if at all. */
	if (type == TQUIC_PKT_0RTT)
		return tsk->conn.server &&
		       !tquic_keyring_has(&tsk->keys, TQUIC_LEVEL_HANDSHAKE, true);
	/* Those of Initial packets were there from the start. */
	return type == TQUIC_PKT_1RTT;
}

/*
 * Can packets of this type be opened now?  A server reads nothing of a client whose
 * Finished has not come (RFC 9001 §5.7).
 */
static bool tquic_rx_opens(const struct tquic_sock *tsk, enum tquic_pkt_type type)
{
	if (type == TQUIC_PKT_1RTT && tsk->conn.server && !READ_ONCE(tsk->conn.tls_done))
		return false;
	return tquic_keyring_has(&tsk->keys, tquic_hdr_level(type), false);
}

/* The work item looks at a Retry: its tag cannot be checked here. Context: lock held */
static void tquic_rx_keep_retry(struct sock *sk, struct sk_buff *skb)
{
	struct tquic_sock *tsk = tquic_sk(sk);

	if (!tsk->alive || tsk->conn.server || tsk->retry) {
		TQUIC_INC(tquic_sock_net(sk), RX_RETRY_BAD);
		kfree_skb(skb);
		return;
	}
	tsk->retry = skb;
	tquic_sock_queue_work(sk);
}

/**
 * tquic_rx_retry() - start over when a Retry packet that came is genuine
 * @sk: socket
 *
 * Context: process, lock held, may sleep.
 */
void tquic_rx_retry(struct sock *sk)
{
	struct tquic_sock *tsk = tquic_sk(sk);
	struct tquic_conn *conn = &tsk->conn;
	struct sk_buff *skb = tsk->retry;
	struct tquic_hdr h;
	int ret = -EBADMSG;

	if (!skb)
		return;
	tsk->retry = NULL;
	if (!tquic_hdr_parse(skb->data, skb->len, TQUIC_LOCAL_CID_LEN, &h) &&
	    tquic_conn_wants_retry(conn, &h))
		ret = tquic_retry_check(h.ver, &conn->odcid, skb->data, skb->len);
	if (!ret)
		ret = tquic_conn_on_retry(conn, &h, tquic_now_ns());
	if (!ret && tquic_keyring_install_initial(&tsk->keys, h.ver, &h.scid, false))
		tquic_conn_close(conn, TQUIC_ERR_INTERNAL, 0, false, NULL, 0, tquic_now_ns());
	if (ret)
		TQUIC_INC(tquic_sock_net(sk), RX_RETRY_BAD);
	else
		TQUIC_INC(tquic_sock_net(sk), RX_RETRY);
	kfree_skb(skb);
}

static void tquic_rx_dgram(struct tquic_net *tn, struct tquic_udp *udp,
			   struct sk_buff *skb, struct tquic_udp_burst *burst);
static void tquic_rx_end(struct tquic_udp_burst *burst);

/* Keep what the server sent in another version for the work item. Context: lock held */
static void tquic_rx_keep_other(struct sock *sk, struct sk_buff *skb)
{
	struct tquic_net *tn = tquic_sock_net(sk);
	struct tquic_sock *tsk = tquic_sk(sk);

	if (!tsk->alive || skb_queue_len(&tsk->others) >= TQUIC_SYSCTL(tn, undecryptable_max)) {
		TQUIC_INC(tn, RX_UNDECRYPTABLE);
		kfree_skb(skb);
		return;
	}
	__skb_queue_tail(&tsk->others, skb);
	tquic_sock_queue_work(sk);
}

/**
 * tquic_rx_upgrade() - go on in the version the server answers in
 * @sk: socket
 *
 * The datagrams that waited are received once more; those that are of another
 * version even so are dropped there.
 *
 * Context: process, lock held, may sleep.
 */
void tquic_rx_upgrade(struct sock *sk)
{
	struct sk_buff *skb = skb_peek(&tquic_sk(sk)->others);
	struct tquic_sock *tsk = tquic_sk(sk);
	struct tquic_conn *conn = &tsk->conn;
	struct tquic_udp_burst burst = {};
	struct tquic_path *path;
	struct tquic_hdr h;
	int ret = 0;

	if (!skb)
		return;
	path = tquic_conn_path(conn, 0);
	if (!tquic_hdr_parse(skb->data, skb->len, TQUIC_LOCAL_CID_LEN, &h) && h.ver &&
	    tquic_conn_takes_version(conn, h.ver)) {
		ret = tquic_keyring_install_initial(&tsk->keys, h.ver,
						    tquic_conn_initial_cid(conn), false);
		if (!ret)
			tquic_conn_switch_version(conn, h.ver);
	}
	if (ret || !path || !path->link) {
		__skb_queue_purge(&tsk->others);
		return;
	}
	local_bh_disable();
	rcu_read_lock();
	while ((skb = __skb_dequeue(&tsk->others)))
		tquic_rx_dgram(tquic_sock_net(sk), ((struct tquic_link *)path->link)->udp,
			       skb, &burst);
	tquic_rx_end(&burst);
	rcu_read_unlock();
	local_bh_enable();
}

/* Keep a packet until its keys come. Context: lock held */
static void tquic_rx_keep(struct sock *sk, struct sk_buff *skb)
{
	enum tquic_pkt_type type = TQUIC_RX_CB(skb)->type;
	struct tquic_net *tn = tquic_sock_net(sk);
	struct tquic_sock *tsk = tquic_sk(sk);
	bool ready = tsk->alive && tquic_rx_opens(tsk, type);

	TQUIC_INC(tn, RX_NO_KEY);
	tquic_rx_count_sealed(sk, skb);
	if ((!ready && !tquic_rx_keys_come(tsk, type)) ||
	    skb_queue_len(&tsk->undec) >= TQUIC_SYSCTL(tn, undecryptable_max)) {
		TQUIC_INC(tn, RX_UNDECRYPTABLE);
		trace_tquic_packet_dropped(&tsk->conn, TQUIC_RX_CB(skb)->path_id,
					   TQUIC_DROP_NO_KEYS, skb->len);
		kfree_skb(skb);
		return;
	}
	__skb_queue_tail(&tsk->undec, skb);
	/* They came between the look for them and the lock. */
	if (ready)
		tquic_sock_queue_work(sk);
}

/* Has the peer lost the connection? Context: lock held */
static void tquic_rx_reset(struct sock *sk, struct sk_buff *skb)
{
	struct tquic_sock *tsk = tquic_sk(sk);
	const u8 *token = skb_tail_pointer(skb) - TQUIC_RESET_TOKEN_LEN;

	if (tsk->alive && tquic_conn_on_reset(&tsk->conn, token, tquic_now_ns())) {
		TQUIC_INC(tquic_sock_net(sk), RX_RESET);
		consume_skb(skb);
		tquic_sock_kick(sk);
		return;
	}
	TQUIC_INC(tquic_sock_net(sk), RX_NO_CONN);
	kfree_skb(skb);
}

/*
 * With the lock held: a sealed packet is kept, an opened one processed.
 * Consumes the skb, not the socket.
 */
static void tquic_rx_locked(struct sock *sk, struct sk_buff *skb)
{
	struct tquic_rx_cb *cb = TQUIC_RX_CB(skb);

	switch (cb->kind) {
	case TQUIC_RX_OPENED:
		tquic_rx_deliver(sk, skb);
		tquic_keys_put(cb->keys);
		consume_skb(skb);
		break;
	case TQUIC_RX_SEALED:
		tquic_rx_keep(sk, skb);
		break;
	case TQUIC_RX_RETRY:
		tquic_rx_keep_retry(sk, skb);
		break;
	case TQUIC_RX_RESET:
		tquic_rx_reset(sk, skb);
		break;
	case TQUIC_RX_OTHER:
		tquic_rx_keep_other(sk, skb);
		break;
	case TQUIC_RX_SPOILT:
		tquic_rx_count_sealed(sk, skb);
		kfree_skb(skb);
		break;
	}
}

/* sk_backlog_rcv: the program holds the lock and works off what waited */
int tquic_rx_backlog(struct sock *sk, struct sk_buff *skb)
{
	tquic_rx_locked(sk, skb);
	set_bit(TQUIC_DEFER_KICK, &tquic_sk(sk)->deferred);
	return 0;
}

/*
 * The packets of a burst are all in: one acknowledgment, one wake-up and one
 * look for what may be sent now serve them all.  Context: softirq or BH off.
 */
static void tquic_rx_end(struct tquic_udp_burst *burst)
{
	struct sock *sk = burst->sk;

	if (!sk)
		return;
	burst->sk = NULL;
	bh_lock_sock_nested(sk);
	if (!sock_owned_by_user(sk))
		tquic_sock_kick(sk);
	else
		set_bit(TQUIC_DEFER_KICK, &tquic_sk(sk)->deferred);
	bh_unlock_sock(sk);
	sock_put(sk);
}

/* A packet that never reached its connection lets go of what it holds */
static void tquic_rx_drop(struct sk_buff *skb)
{
	struct tquic_rx_cb *cb = TQUIC_RX_CB(skb);

	if (cb->kind == TQUIC_RX_OPENED)
		tquic_keys_put(cb->keys);
	kfree_skb(skb);
}

/*
 * Hand a packet to the connection, now or through the backlog.  Consumes the
 * skb and the reference on the socket.  Context: softirq or BH off.
 */
static void tquic_rx_submit(struct sock *sk, struct sk_buff *skb,
			    struct tquic_udp_burst *burst)
{
	int limit = atomic_read(&sk->sk_rmem_alloc) + TQUIC_RX_BACKLOG_BYTES;

	if (burst->sk != sk) {
		tquic_rx_end(burst);
		sock_hold(sk);
		burst->sk = sk;
	}
	bh_lock_sock_nested(sk);
	if (!sock_owned_by_user(sk)) {
		tquic_rx_locked(sk, skb);
	} else if (sk_add_backlog(sk, skb, limit)) {
		TQUIC_INC(tquic_sock_net(sk), RX_BACKLOG_DROP);
		trace_tquic_packet_dropped(&tquic_sk(sk)->conn,
					   TQUIC_RX_CB(skb)->path_id,
					   TQUIC_DROP_BACKLOG, skb->len);
		tquic_rx_drop(skb);
	}
	bh_unlock_sock(sk);
	sock_put(sk);
}

/* A path as it is without the lock. Context: under rcu_read_lock() */
static const struct tquic_path *tquic_rx_path(const struct tquic_conn *conn,
					      u32 path_id)
{
	const struct tquic_path *path;
	unsigned int i;

	for (i = 0; i < TQUIC_PATHS_MAX; i++) {
		path = rcu_dereference(conn->paths[i]);
		if (path && path->id == path_id)
			return path;
	}
	return NULL;
}

/*
 * A packet of a known connection is no good, which holds no keys now: the lock is
 * taken for it only if its bytes matter.  Consumes the skb and the reference on the
 * socket.  Context: softirq or BH off
 */
static void tquic_rx_spoilt(struct sock *sk, struct sk_buff *skb,
			    struct tquic_udp_burst *burst)
{
	struct tquic_rx_cb *cb = TQUIC_RX_CB(skb);
	const struct tquic_path *path;
	bool counts;

	rcu_read_lock();
	path = tquic_rx_path(&tquic_sk(sk)->conn, cb->path_id);
	counts = path && !READ_ONCE(path->validated) && cb->dgram_bytes;
	rcu_read_unlock();
	if (!counts) {
		kfree_skb(skb);
		sock_put(sk);
		return;
	}
	cb->kind = TQUIC_RX_SPOILT;
	tquic_rx_submit(sk, skb, burst);
}

/* Opening has ended. Context: softirq or BH off */
static void tquic_rx_opened(struct sk_buff *skb, int err,
			    struct tquic_udp_burst *burst)
{
	struct tquic_rx_cb *cb = TQUIC_RX_CB(skb);
	struct sock *sk = cb->sk;

	if (!err) {
		tquic_rx_submit(sk, skb, burst);
		return;
	}
	TQUIC_INC(tquic_sock_net(sk), RX_DECRYPT_ERR);
	trace_tquic_packet_dropped(&tquic_sk(sk)->conn, cb->path_id,
				   TQUIC_DROP_DECRYPT, skb->len);
	/* Only what did not authenticate counts, not what found no memory. */
	if (err == -EBADMSG && tquic_keyring_count_failure(&tquic_sk(sk)->keys, cb->keys) > 0) {
		bh_lock_sock_nested(sk);
		if (!sock_owned_by_user(sk)) {
			tquic_conn_close(&tquic_sk(sk)->conn,
					 TQUIC_ERR_AEAD_LIMIT_REACHED, 0, false,
					 NULL, 0, tquic_now_ns());
			tquic_sock_kick(sk);
		}
		bh_unlock_sock(sk);
	}
	tquic_keys_put(cb->keys);
	tquic_rx_spoilt(sk, skb, burst);
}

/* It ended later, when the burst was over. Context: softirq or BH off */
static void tquic_rx_opened_async(void *arg, int err)
{
	struct tquic_udp_burst burst = {};

	tquic_rx_opened(arg, err, &burst);
	tquic_rx_end(&burst);
}

/* What the receive path reads of a path without the lock */
static s64 tquic_rx_largest(const struct tquic_sock *tsk,
			    enum tquic_level level, u32 path_id,
			    struct tquic_phase *phase)
{
	const struct tquic_conn *conn = &tsk->conn;
	const struct tquic_path *path;
	const struct tquic_hs *hs;

	if (tquic_hs_level(level)) {
		hs = rcu_dereference(conn->hs);
		return hs ? READ_ONCE(hs->space[tquic_hs_index(level)].largest_rx) : -1;
	}
	path = tquic_rx_path(conn, path_id);
	if (!path)
		return -1;
	*phase = path->phase;
	return READ_ONCE(path->space.largest_rx);
}

/* Keys to open a packet with, referenced; NULL: there are none yet, or no more */
static struct tquic_keys *tquic_rx_keys(const struct tquic_sock *tsk, enum tquic_pkt_type type,
					const struct tquic_version *ver)
{
	if (type == TQUIC_PKT_INITIAL && ver != READ_ONCE(tsk->conn.version))
		return tquic_keyring_rx_first_get(&tsk->keys);
	return tquic_rx_opens(tsk, type) ?
	       tquic_keyring_rx_get(&tsk->keys, tquic_hdr_level(type)) : NULL;
}

/*
 * Open one packet of a known connection: skb->data is its first byte, skb->len
 * its length.  Consumes the skb and the reference on the socket.
 * Context: softirq or BH off, under rcu_read_lock(); connection lock not held.
 */
static void tquic_rx_packet(struct sock *sk, struct sk_buff *skb,
			    enum tquic_pkt_type type, const struct tquic_version *ver,
			    u32 pn_off, u32 path_id, struct tquic_udp_burst *burst)
{
	struct tquic_rx_cb *cb = TQUIC_RX_CB(skb);
	enum tquic_level level = tquic_hdr_level(type);
	struct tquic_sock *tsk = tquic_sk(sk);
	struct tquic_keys *keys, *use;
	struct tquic_phase phase;
	enum tquic_rx_gen gen = TQUIC_RX_CUR;
	u8 pn_len, first;
	u64 trunc;
	s64 largest;
	u32 nonce_path;
	int ret;

	cb->sk = sk;
	cb->type = type;
	cb->path_id = path_id;
	cb->kind = TQUIC_RX_OPENED;
	keys = tquic_rx_keys(tsk, type, ver);
	if (!keys) {
		cb->kind = TQUIC_RX_SEALED;
		cb->hdr_len = pn_off;
		tquic_rx_submit(sk, skb, burst);
		return;
	}
	if (tquic_pkt_unprotect(keys, skb->data, skb->len, pn_off, &first,
				&trunc, &pn_len)) {
		TQUIC_INC(tquic_sock_net(sk), RX_TOO_SHORT);
		trace_tquic_packet_dropped(&tsk->conn, path_id, TQUIC_DROP_HEADER,
					   skb->len);
		tquic_keys_put(keys);
		tquic_rx_spoilt(sk, skb, burst);
		return;
	}
	tquic_phase_init(&phase);
	largest = tquic_rx_largest(tsk, level, path_id, &phase);
	cb->first = first;
	cb->hdr_len = pn_off + pn_len;
	cb->pn = tquic_pn_decode(trunc, pn_len, largest);
	if (level == TQUIC_LEVEL_APP) {
		use = tquic_keyring_rx_select(&tsk->keys,
					      first & TQUIC_HDR_KEY_PHASE,
					      cb->pn, &phase, &gen);
		tquic_keys_put(keys);
		keys = use;
		if (!keys) {
			TQUIC_INC(tquic_sock_net(sk), RX_NO_KEY);
			trace_tquic_packet_dropped(&tsk->conn, path_id,
						   TQUIC_DROP_NO_KEYS, skb->len);
			tquic_rx_spoilt(sk, skb, burst);
			return;
		}
	}
	cb->keys = keys;
	cb->gen = gen;
	nonce_path = level == TQUIC_LEVEL_APP && READ_ONCE(tsk->conn.multipath) ?
		     path_id : 0;
	ret = tquic_aead_open(keys, nonce_path, cb->pn, skb->data, cb->hdr_len,
			      skb->len, tquic_rx_opened_async, skb);
	if (ret != -EINPROGRESS)
		tquic_rx_opened(skb, ret, burst);
}

/*
 * Keys came: open what waited for them, drop what waited in vain.
 * Context: process, lock held
 */
void tquic_rx_undec(struct sock *sk)
{
	struct tquic_sock *tsk = tquic_sk(sk);
	struct tquic_udp_burst burst = {};
	struct sk_buff_head todo;
	struct sk_buff *skb;

	__skb_queue_head_init(&todo);
	skb_queue_splice_init(&tsk->undec, &todo);
	local_bh_disable();
	rcu_read_lock();
	while ((skb = __skb_dequeue(&todo))) {
		struct tquic_rx_cb *cb = TQUIC_RX_CB(skb);

		if (!tquic_rx_opens(tsk, cb->type)) {
			if (tquic_rx_keys_come(tsk, cb->type))
				__skb_queue_tail(&tsk->undec, skb);
			else
				kfree_skb(skb);
			continue;
		}
		/* The lock is ours: opened or not, it goes to the backlog
		 * and is worked off when the lock is released.
		 */
		sock_hold(sk);
		tquic_rx_packet(sk, skb, cb->type, tsk->conn.version, cb->hdr_len,
				cb->path_id, &burst);
	}
	tquic_rx_end(&burst);
	rcu_read_unlock();
	local_bh_enable();
}

/* Socket of the connection a packet is for, referenced, or NULL */
static struct sock *tquic_rx_lookup(struct tquic_net *tn,
				    const struct tquic_hdr *h, u32 *path_id)
{
	const struct tquic_cid_entry *e;

	e = tquic_cidtab_lookup(&tn->cids, TQUIC_CID_LOCAL, &h->dcid);
	if (!e && (h->type == TQUIC_PKT_INITIAL || h->type == TQUIC_PKT_0RTT))
		e = tquic_cidtab_lookup(&tn->cids, TQUIC_CID_INITIAL, &h->dcid);
	if (e)
		*path_id = e->path_id;
	return tquic_sock_owner(e);
}

/*
 * A short header with an id of no connection: the peer of a connection on that
 * address has lost it, or we have. True when the skb was consumed.
 */
static bool tquic_rx_stray(struct tquic_net *tn, struct tquic_udp *udp,
			   struct sk_buff *skb, const struct tquic_hdr *h,
			   struct tquic_udp_burst *burst)
{
	struct tquic_addr local, peer;
	struct tquic_cid tuple;
	struct sock *sk;

	if (skb->len < TQUIC_RESET_BYTES_MIN)
		return false;
	tquic_skb_addrs(skb, &local, &peer);
	tquic_link_tuple(&tuple, udp, &peer);
	sk = tquic_sock_owner(tquic_cidtab_lookup(&tn->cids, TQUIC_CID_TUPLE, &tuple));
	if (!sk) {
		tquic_answer_reset(tn, udp, skb, h);
		return false;
	}
	TQUIC_RX_CB(skb)->kind = TQUIC_RX_RESET;
	tquic_rx_submit(sk, skb, burst);
	return true;
}

/*
 * A long header belongs to path 0's handshake, in the version of that; what a client sends
 * before it knows that is of the one it began with (RFC 9369 §4.1).  A client's Initial
 * fills its datagram (RFC 9000 §14.1), a server's has no token (§17.2.2).
 */
static bool tquic_rx_long_ok(const struct sock *sk, const struct tquic_hdr *h,
			     u32 path_id, u32 dgram_bytes)
{
	const struct tquic_conn *conn = &tquic_sk(sk)->conn;

	if (h->type == TQUIC_PKT_1RTT)
		return true;
	if (path_id)
		return false;
	if (h->type == TQUIC_PKT_INITIAL &&
	    (conn->server ? dgram_bytes < TQUIC_MIN_UDP_PAYLOAD : h->token_len > 0))
		return false;
	return h->ver == READ_ONCE(conn->version) ||
	       (conn->server && h->type != TQUIC_PKT_HANDSHAKE && h->ver == conn->first_version);
}

/* A Version Negotiation packet. Context: softirq or BH off, RCU */
static void tquic_rx_vn(struct tquic_net *tn, const struct tquic_hdr *h)
{
	bool taken = false;
	struct sock *sk;

	sk = tquic_sock_owner(tquic_cidtab_lookup(&tn->cids, TQUIC_CID_LOCAL, &h->dcid));
	if (sk) {
		bh_lock_sock_nested(sk);
		/* With the lock taken: the next Initial meets the same answer. */
		if (!sock_owned_by_user(sk) && tquic_sk(sk)->alive)
			taken = tquic_conn_on_vn(&tquic_sk(sk)->conn, h);
		if (taken)
			tquic_sock_kick(sk);
		bh_unlock_sock(sk);
		sock_put(sk);
	}
	if (taken)
		TQUIC_INC(tn, RX_VN);
	else
		TQUIC_INC(tn, RX_VN_BAD);
}

/* A Retry packet. True when the skb was consumed. Context: as tquic_rx_vn() */
static bool tquic_rx_hand_retry(struct tquic_net *tn, struct sk_buff *skb,
				const struct tquic_hdr *h,
				struct tquic_udp_burst *burst)
{
	struct sock *sk;

	sk = tquic_sock_owner(tquic_cidtab_lookup(&tn->cids, TQUIC_CID_LOCAL, &h->dcid));
	if (!sk)
		return false;
	TQUIC_RX_CB(skb)->kind = TQUIC_RX_RETRY;
	tquic_rx_submit(sk, skb, burst);
	return true;
}

/* What is not one of our packets. Context: as tquic_rx_dgram() */
static void tquic_rx_malformed(struct tquic_net *tn, struct tquic_udp *udp,
			       struct sk_buff *skb, const struct tquic_hdr *h,
			       bool first, int err)
{
	trace_tquic_packet_dropped(NULL, 0, TQUIC_DROP_HEADER, skb->len);
	if (err != -EPROTONOSUPPORT) {
		TQUIC_INC(tn, RX_BAD_HDR);
		return;
	}
	TQUIC_INC(tn, RX_BAD_VERSION);
	if (first)
		tquic_answer_version(tn, udp, skb, h);
}

/*
 * One datagram: each of its packets goes its own way (RFC 9000 §12.2).
 * Context: softirq or BH off, under rcu_read_lock().
 */
static void tquic_rx_dgram(struct tquic_net *tn, struct tquic_udp *udp,
			   struct sk_buff *skb, struct tquic_udp_burst *burst)
{
	u32 dgram_bytes = skb->len;
	struct tquic_cid dcid;
	bool first = true;

	while (skb) {
		struct sk_buff *rest = NULL;
		struct tquic_hdr h;
		struct sock *sk;
		u32 path_id;
		int ret;

		ret = tquic_hdr_parse(skb->data, skb->len, TQUIC_LOCAL_CID_LEN,
				      &h);
		if (ret) {
			tquic_rx_malformed(tn, udp, skb, &h, first, ret);
			break;
		}
		if (h.type == TQUIC_PKT_VN && first) {
			tquic_rx_vn(tn, &h);
			break;
		}
		if (h.type == TQUIC_PKT_RETRY && first &&
		    tquic_rx_hand_retry(tn, skb, &h, burst))
			return;
		if (h.type == TQUIC_PKT_VN || h.type == TQUIC_PKT_RETRY) {
			TQUIC_INC(tn, RX_BAD_HDR);
			trace_tquic_packet_dropped(NULL, 0, TQUIC_DROP_HEADER, skb->len);
			break;
		}
		if (first)
			dcid = h.dcid;
		else if (!tquic_cid_equal(&dcid, &h.dcid))
			break;
		sk = tquic_rx_lookup(tn, &h, &path_id);
		if (!sk) {
			/* Consumed when it may begin a connection */
			if (first && (h.type == TQUIC_PKT_INITIAL ||
				      h.type == TQUIC_PKT_0RTT) &&
			    tquic_listen_input(tn, udp, skb, h.type))
				return;
			if (first && h.type == TQUIC_PKT_1RTT &&
			    tquic_rx_stray(tn, udp, skb, &h, burst))
				return;
			TQUIC_INC(tn, RX_NO_CONN);
			trace_tquic_packet_dropped(NULL, 0, TQUIC_DROP_NO_CONN, skb->len);
			break;
		}
		if (first && tquic_sock_filtered(sk, skb)) {
			sock_put(sk);
			break;
		}
		if (first && (h.type == TQUIC_PKT_INITIAL || h.type == TQUIC_PKT_HANDSHAKE) &&
		    tquic_conn_takes_version(&tquic_sk(sk)->conn, h.ver)) {
			TQUIC_RX_CB(skb)->kind = TQUIC_RX_OTHER;
			tquic_rx_submit(sk, skb, burst);
			return;
		}
		TQUIC_RX_CB(skb)->dgram_bytes = first ? dgram_bytes : 0;
		TQUIC_RX_CB(skb)->path_id = path_id;
		first = false;
		if (h.pkt_len < skb->len) {
			rest = skb_clone(skb, GFP_ATOMIC);
			if (rest)
				__skb_pull(rest, h.pkt_len);
			__skb_trim(skb, h.pkt_len);
		}
		if (!tquic_rx_long_ok(sk, &h, path_id, dgram_bytes)) {
			TQUIC_INC(tn, RX_BAD_HDR);
			trace_tquic_packet_dropped(&tquic_sk(sk)->conn, path_id,
						   TQUIC_DROP_HEADER, skb->len);
			tquic_rx_spoilt(sk, skb, burst);
		} else {
			tquic_rx_packet(sk, skb, h.type, h.ver, h.pn_off, path_id,
					burst);
		}
		skb = rest;
	}
	kfree_skb(skb);
}

/* A client that has heard nothing yet gives up. Context: softirq, RCU */
static void tquic_rx_refused(struct sock *sk, const struct tquic_udp_err *e)
{
	struct tquic_sock *tsk = tquic_sk(sk);
	struct tquic_conn *conn = &tsk->conn;

	bh_lock_sock_nested(sk);
	/* With the lock taken: the next packet meets the same answer. */
	if (!sock_owned_by_user(sk) && tsk->alive && !conn->server &&
	    conn->state == TQUIC_STATE_HANDSHAKE &&
	    tquic_conn_unheard(conn) &&
	    tquic_addr_equal(&tsk->peer, &e->peer)) {
		tquic_conn_vanish(conn, TQUIC_ERR_CONNECTION_REFUSED, 0);
		tquic_sock_kick(sk);
	}
	bh_unlock_sock(sk);
}

/*
 * UDP payload that fits a path, as said by a router; 0: the report cannot be believed.
 * It has to quote a packet of the path's addresses, to the id its packets have now
 * (RFC 9000 §14.2.1), with the short header of all that are large.  Where the peer
 * uses no ids there is nothing to tell an honest one by.
 */
static u32 tquic_rx_fits(const struct tquic_path *path, const struct tquic_udp_err *e)
{
	const struct tquic_cid *cid = tquic_cidset_remote_current(&path->remote);
	const struct tquic_link *link = path->link;

	if (!link || !cid || !cid->len || e->payload_len <= cid->len ||
	    e->payload[0] & TQUIC_HDR_LONG ||
	    !tquic_addr_equal(&link->route.local, &e->local) ||
	    !tquic_addr_equal(&link->route.peer, &e->peer) ||
	    crypto_memneq(e->payload + 1, cid->id, cid->len) ||
	    e->mtu_bytes < link->route.hdr_bytes + TQUIC_MIN_UDP_PAYLOAD)
		return 0;
	return e->mtu_bytes - link->route.hdr_bytes;
}

/*
 * A packet was too big for a router.  While a program has the lock it is not heard:
 * the path's own probes find out without it.  Context: softirq, RCU
 */
static void tquic_rx_too_big(struct tquic_net *tn, struct tquic_udp *udp,
			     const struct tquic_udp_err *e)
{
	const struct tquic_cid_entry *entry;
	struct tquic_path *path;
	struct tquic_cid tuple;
	struct sock *sk;
	u32 fits;

	tquic_link_tuple(&tuple, udp, &e->peer);
	entry = tquic_cidtab_lookup(&tn->cids, TQUIC_CID_TUPLE, &tuple);
	sk = tquic_sock_owner(entry);
	if (!sk) {
		TQUIC_INC(tn, ICMP_TOO_BIG_BAD);
		return;
	}
	bh_lock_sock_nested(sk);
	if (!sock_owned_by_user(sk) && tquic_sk(sk)->alive) {
		path = tquic_path_find(&tquic_sk(sk)->conn, entry->path_id);
		fits = path ? tquic_rx_fits(path, e) : 0;
		if (fits) {
			tquic_path_too_big(path, fits);
			tquic_sock_kick(sk);
		} else {
			TQUIC_INC(tn, ICMP_TOO_BIG_BAD);
		}
	}
	bh_unlock_sock(sk);
	sock_put(sk);
}

/*
 * ICMP errors.  One that says that nobody is there is believed if it quotes the id
 * that only the peer and those on the way can have seen.
 */
static void tquic_rx_err(struct tquic_net *tn, struct tquic_udp *udp,
			 const struct tquic_udp_err *e)
{
	struct tquic_hdr h;
	struct sock *sk;

	if (e->mtu_bytes) {
		tquic_rx_too_big(tn, udp, e);
		return;
	}
	if (e->err != ECONNREFUSED)
		return;
	/* Only the start of the packet is quoted: the ids are read all the same. */
	tquic_hdr_parse(e->payload, e->payload_len, TQUIC_LOCAL_CID_LEN, &h);
	if (!(h.first & TQUIC_HDR_LONG) || h.scid.len != TQUIC_LOCAL_CID_LEN)
		return;
	sk = tquic_sock_owner(tquic_cidtab_lookup(&tn->cids, TQUIC_CID_LOCAL, &h.scid));
	if (!sk)
		return;
	tquic_rx_refused(sk, e);
	sock_put(sk);
}

const struct tquic_udp_ops tquic_rx_ops = {
	.rx	= tquic_rx_dgram,
	.rx_end	= tquic_rx_end,
	.err	= tquic_rx_err,
};
