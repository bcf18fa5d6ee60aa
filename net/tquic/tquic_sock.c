// SPDX-License-Identifier: GPL-2.0
/* Life of a connection's socket: start, what the engine asks for, end */
#include <linux/filter.h>
#include <net/inet_common.h>
#include <net/proto_memory.h>
#include <net/tcp_states.h>
#include <net/xfrm.h>
#include <trace/events/tquic.h>
#include <uapi/linux/tquic_netlink.h>
#include "cc/cc.h"
#include "sched/sched.h"
#include "tquic_answer.h"
#include "tquic_handshake.h"
#include "tquic_netlink.h"
#include "tquic_sock.h"
#include "tquic_stream.h"
#include "tquic_sysctl.h"

static int tquic_sock_cid_add(struct tquic_conn *conn,
			      const struct tquic_cid *cid, u32 path_id)
{
	struct sock *sk = tquic_conn_sk(conn);
	struct tquic_net *tn = tquic_sock_net(sk);
	int ret;

	ret = tquic_cidtab_add(&tn->cids, TQUIC_CID_LOCAL, cid, sk, path_id, GFP_ATOMIC);
	if (ret == -EEXIST)
		TQUIC_INC(tn, CID_COLLISION);
	return ret;
}

static void tquic_sock_cid_del(struct tquic_conn *conn,
			       const struct tquic_cid *cid)
{
	struct sock *sk = tquic_conn_sk(conn);

	tquic_cidtab_del(&tquic_sock_net(sk)->cids, TQUIC_CID_LOCAL,
			 cid, sk);
}

static void tquic_sock_reset_token(struct tquic_conn *conn,
				   const struct tquic_cid *cid, u8 token[16])
{
	tquic_answer_token(tquic_sock_net(tquic_conn_sk(conn)), cid, token);
}

static void tquic_sock_keys_discard(struct tquic_conn *conn,
				    enum tquic_level level)
{
	struct tquic_sock *tsk = tquic_sk(tquic_conn_sk(conn));

	tquic_keyring_discard(&tsk->keys, level);
}

static void tquic_sock_path_free(struct tquic_conn *conn,
				 struct tquic_path *path)
{
	struct sock *sk = tquic_conn_sk(conn);
	const struct tquic_path_stats *st = &path->stats;
	struct tquic_net *tn = tquic_sock_net(sk);

	TQUIC_ADD(tn, PKTS_LOST, st->lost_packets);
	TQUIC_ADD(tn, PKTS_SPURIOUS, st->spurious_packets);
	TQUIC_ADD(tn, PERSISTENT, st->persistent);
	TQUIC_ADD(tn, PTOS, st->ptos);
	TQUIC_ADD(tn, ECN_CE, st->ce_marks);
	TQUIC_ADD(tn, MTU_PROBES, st->mtu_probes);
	TQUIC_ADD(tn, MTU_PROBES_LOST, st->mtu_probes_lost);
	TQUIC_ADD(tn, MTU_BLACK_HOLES, st->mtu_black_holes);
	if (conn->tune.ecn && !path->ecn)
		TQUIC_INC(tn, ECN_FAILED);
	tquic_link_free(sk, path);
}

static int tquic_sock_path_move(struct tquic_conn *conn, struct tquic_path *path,
				const struct sk_buff *skb)
{
	return tquic_link_move(tquic_conn_sk(conn), path, skb);
}

static void tquic_sock_path_other(struct tquic_conn *conn, struct tquic_path *path,
				  const struct sk_buff *skb)
{
	tquic_link_probed(path, skb);
}

static void tquic_sock_path_back(struct tquic_conn *conn, struct tquic_path *path)
{
	if (conn->server)
		tquic_link_back(tquic_conn_sk(conn), path);
	else
		tquic_link_forsake(path);
}

static void tquic_sock_path_switch(struct tquic_conn *conn, struct tquic_path *path)
{
	tquic_link_switch(tquic_conn_sk(conn), path);
}

static int tquic_sock_acked(struct tquic_conn *conn,
			    const struct tquic_path *path, u64 largest)
{
	struct tquic_sock *tsk = tquic_sk(tquic_conn_sk(conn));

	return tquic_phase_on_ack(&path->phase, &tsk->keys, largest,
				  tsk->rx_gen);
}

static void tquic_sock_event(struct tquic_conn *conn,
			     const struct tquic_event *ev)
{
	struct sock *sk = tquic_conn_sk(conn);
	struct tquic_net *tn = tquic_sock_net(sk);

	switch (ev->type) {
	case TQUIC_EVENT_STREAM_RESET:
		TQUIC_INC(tn, STREAMS_RESET_RX);
		break;
	case TQUIC_EVENT_ESTABLISHED:
		TQUIC_INC(tn, CONNS_ESTABLISHED);
		tquic_netlink_conn_event(sk, TQUIC_CMD_CONN_ESTABLISHED);
		break;
	case TQUIC_EVENT_CLOSED:
		if (conn->closed.flags & TQUIC_CLOSE_IDLE)
			TQUIC_INC(tn, CONNS_IDLE);
		TQUIC_INC(tn, CONNS_CLOSED);
		/* Who closed is known when the engine is done. */
		tquic_sk(sk)->tell_closed = true;
		break;
	case TQUIC_EVENT_PATH_VALIDATED:
		TQUIC_INC(tn, PATHS_VALIDATED);
		tquic_pm_validated(sk, ev->id);
		tquic_netlink_path_event(sk, TQUIC_CMD_PATH_VALIDATED, ev->id);
		break;
	case TQUIC_EVENT_PATH_SUSPECT:
		TQUIC_INC(tn, PATHS_FAILED);
		tquic_netlink_path_event(sk, TQUIC_CMD_PATH_SUSPECT, ev->id);
		break;
	case TQUIC_EVENT_PATH_RECOVERED:
		tquic_netlink_path_event(sk, TQUIC_CMD_PATH_RECOVERED, ev->id);
		break;
	case TQUIC_EVENT_PATH_ABANDONED:
		TQUIC_INC(tn, PATHS_ABANDONED);
		tquic_pm_abandoned(sk, ev->id);
		tquic_netlink_path_event(sk, TQUIC_CMD_PATH_ABANDONED, ev->id);
		break;
	case TQUIC_EVENT_PATH_MIGRATED:
		if (ev->error_code == TQUIC_MIGRATED_STAYED)
			break;
		TQUIC_INC(tn, MIGRATIONS);
		tquic_netlink_path_event(sk, TQUIC_CMD_PATH_MIGRATED, ev->id);
		break;
	case TQUIC_EVENT_BOND:
		tquic_netlink_bond_event(sk, ev->error_code);
		break;
	}
}

const struct tquic_conn_ops tquic_sock_conn_ops = {
	.cid_add	= tquic_sock_cid_add,
	.cid_del	= tquic_sock_cid_del,
	.reset_token	= tquic_sock_reset_token,
	.keys_discard	= tquic_sock_keys_discard,
	.path_free	= tquic_sock_path_free,
	.path_move	= tquic_sock_path_move,
	.path_other	= tquic_sock_path_other,
	.path_back	= tquic_sock_path_back,
	.path_switch	= tquic_sock_path_switch,
	.acked		= tquic_sock_acked,
	.event		= tquic_sock_event,
};

/* The key phase bit follows the send keys */
static void tquic_sock_tx_phase(struct tquic_sock *tsk)
{
	const struct tquic_keys *tx = tquic_keyring_tx(&tsk->keys, TQUIC_LEVEL_APP);

	if (tx)
		tsk->conn.tx_phase = tquic_keys_phase(tx);
}

/*
 * The peer may use the next keys at any time, and waits for ours when it has: when there
 * is no memory for them now, it is tried again when old keys would go.  Context: process,
 * lock held
 */
static void tquic_sock_next_keys(struct sock *sk)
{
	struct tquic_sock *tsk = tquic_sk(sk);
	struct tquic_conn *conn = &tsk->conn;

	if (tquic_keyring_precompute(&tsk->keys) && !conn->key_drop_prev_ns)
		conn->key_drop_prev_ns = tquic_now_ns() + 3 * tquic_conn_pto_max_ns(conn);
	tquic_sock_tx_phase(tsk);
	/* RFC 9001 §6.6: before they wear out; tried again when refused */
	if (tquic_keyring_update_due(&tsk->keys))
		tquic_sock_update_keys(sk);
}

/*
 * Next keys are computed, packets whose seal went through cryptd are sent, and
 * paths are opened, where sleeping is allowed and the lock can be waited for.
 */
static void tquic_sock_work(struct work_struct *work)
{
	struct tquic_sock *tsk = container_of(work, struct tquic_sock, work);
	struct sock *sk = &tsk->inet.sk;

	lock_sock(sk);
	if (tsk->alive) {
		tquic_sock_next_keys(sk);
		tquic_rx_retry(sk);
		tquic_rx_upgrade(sk);
		tquic_rx_undec(sk);
		tquic_tx_sealed(sk);
		tquic_link_prefer(sk);
		if (test_and_clear_bit(TQUIC_DEFER_PM, &tsk->deferred))
			tquic_pm_look_at(sk);
		if (tsk->pm_due) {
			tsk->pm_due = false;
			tquic_pm_run(sk);
		}
		tquic_sock_kick(sk);
	}
	release_sock(sk);
	sock_put(sk);
}

/* Have the work item run. Context: any; the caller has a reference */
void tquic_sock_queue_work(struct sock *sk)
{
	sock_hold(sk);
	if (!queue_work(tquic_wq, &tquic_sk(sk)->work))
		__sock_put(sk);
}

/**
 * tquic_sock_filtered() - do programs of its cgroup, a filter or an LSM refuse a datagram?
 * @sk: socket it is for
 * @skb: datagram; its data is the QUIC packet, and none of them makes it shorter
 *
 * Context: softirq or BH off, RCU; the lock need not be held.
 * Return: true, and it is counted, when they do.
 */
bool tquic_sock_filtered(struct sock *sk, struct sk_buff *skb)
{
	int ret;

	/* The queue of the UDP socket has taken it; programs ask where it came in. */
	skb->dev = dev_get_by_index_rcu(sock_net(sk), TQUIC_SKB_CB(skb)->ifindex);
	ret = sk_filter_trim_cap(sk, skb, skb->len);
	skb->dev = NULL;
	if (ret)
		TQUIC_INC(tquic_sock_net(sk), RX_FILTERED);
	return ret;
}

/*
 * There is room in the connection's own queues.  Not asked for is what sock_def_write_space()
 * waits for, that packets have left: those of one link may be held up while others are free.
 */
static void tquic_sock_write_space(struct sock *sk)
{
	struct socket_wq *wq;

	rcu_read_lock();
	wq = rcu_dereference(sk->sk_wq);
	if (skwq_has_sleeper(wq))
		wake_up_interruptible_sync_poll(&wq->wait, EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND);
	sk_wake_async_rcu(sk, SOCK_WAKE_SPACE, POLL_OUT);
	rcu_read_unlock();
}

/**
 * tquic_sock_init() - set up the part of a socket that is ours
 * @sk: fresh socket
 *
 * Return: 0
 */
int tquic_sock_init(struct sock *sk)
{
	struct tquic_sock *tsk = tquic_sk(sk);

	tquic_conn_init(&tsk->conn, &tquic_sock_conn_ops);
	tquic_sysctl_socket(tquic_sock_net(sk), &tsk->conn);
	tquic_keyring_init(&tsk->keys);
	tsk->version = tquic_version_find(TQUIC_VERSION_1);
	tquic_timer_init(tsk);
	INIT_WORK(&tsk->work, tquic_sock_work);
	skb_queue_head_init(&tsk->sealed);
	skb_queue_head_init(&tsk->undec);
	skb_queue_head_init(&tsk->others);
	INIT_LIST_HEAD(&tsk->child);
	INIT_LIST_HEAD(&tsk->claims);
	INIT_LIST_HEAD(&tsk->starved);
	INIT_LIST_HEAD(&tsk->handshake);
	sock_set_flag(sk, SOCK_RCU_FREE);
	/* Who waits to write waits for windows, not for packets to leave */
	sock_set_flag(sk, SOCK_USE_WRITE_QUEUE);
	sk->sk_write_space = tquic_sock_write_space;
	/* We set DF ourselves and look after the MTU */
	WRITE_ONCE(inet_sk(sk)->pmtudisc, IP_PMTUDISC_INTERFACE);
	sk->sk_destruct = tquic_sock_destruct;
	sk_sockets_allocated_inc(sk);
	return 0;
}

/* The last reference is gone. Context: process or RCU callback */
void tquic_sock_destruct(struct sock *sk)
{
	struct tquic_sock *tsk = tquic_sk(sk);

	tquic_timer_destroy(tsk);
	tquic_conn_destroy(&tsk->conn);
	tquic_keyring_destroy(&tsk->keys);
	if (tsk->listener)
		tquic_listen_free(tsk->listener);
	skb_queue_purge(&tsk->undec);
	skb_queue_purge(&tsk->others);
	skb_queue_purge(&tsk->sealed);
	tquic_cc_put(tsk->conn.cc_ops);
	tquic_sched_put(tsk->conn.sched);
	kfree(tsk->pm.wishes);
	kfree(tsk->alpn);
	kfree(tsk->server_name);
	xfrm_sk_free_policy(sk);
	atomic_sub(tsk->rx_charged, &sk->sk_rmem_alloc);
	sk_mem_uncharge(sk, tsk->rx_charged + tsk->tx_charged);
	sk->sk_wmem_queued = 0;
	sk_mem_reclaim_final(sk);
	sk_sockets_allocated_dec(sk);
	if (sk->sk_family == AF_INET6)
		inet6_sock_destruct(sk);
	else
		inet_sock_destruct(sk);
}

/* The peer may not send more at first than the program wants buffered */
static void tquic_sock_cap_credit(struct tquic_params *p, u64 bytes)
{
	p->max_data = min(p->max_data, bytes);
	p->max_stream_data_bidi_local = min(p->max_stream_data_bidi_local, bytes);
	p->max_stream_data_bidi_remote = min(p->max_stream_data_bidi_remote, bytes);
	p->max_stream_data_uni = min(p->max_stream_data_uni, bytes);
}

/**
 * tquic_sock_start() - the socket becomes a connection
 * @sk: socket with its settings made
 * @server: our role
 * @v: QUIC version
 * @odcid: destination id of the client's first packet
 * @peer_scid: server: the client's id
 * @rscid: server: id our Retry told the client to use, NULL without one
 *
 * Context: process, lock held, may sleep.
 * Return: 0, -ENOMEM, -ENOENT when the default scheduler or congestion
 * controller has been removed, or what key derivation says. On failure the caller calls
 * tquic_sock_end().
 */
int tquic_sock_start(struct sock *sk, bool server, const struct tquic_version *v,
		     const struct tquic_cid *odcid,
		     const struct tquic_cid *peer_scid,
		     const struct tquic_cid *rscid)
{
	struct tquic_net *tn = tquic_sock_net(sk);
	struct tquic_sock *tsk = tquic_sk(sk);
	struct tquic_conn *conn = &tsk->conn;
	u64 now = tquic_now_ns();
	int ret;

	ret = tquic_sysctl_start(tn, conn);
	if (ret)
		return ret;
	conn->want_events = tsk->recv_mask & TQUIC_RECV_EVENT;

	ret = xa_alloc_cyclic_bh(&tn->conns, &tsk->token, tsk,
				 XA_LIMIT(1, INT_MAX), &tn->next_token,
				 GFP_KERNEL);
	if (ret < 0)
		return ret;
	tsk->alive = true;
	conn->trace_id = (u64)sock_net(sk)->ns.inum << 32 | tsk->token;
	sock_hold(sk);
	if (sk->sk_userlocks & SOCK_RCVBUF_LOCK)
		tquic_sock_cap_credit(&conn->local, sk->sk_rcvbuf);
	/* A client that sends a packet now and then does not hold its place for ever. */
	tsk->handshake_end_ns = server ? now + TQUIC_SYSCTL_NS(tn, handshake_timeout_ms) : 0;
	ret = tquic_conn_start(conn, server, v, odcid, peer_scid, now);
	if (ret)
		return ret;
	if (sk->sk_userlocks & SOCK_RCVBUF_LOCK) {
		tquic_flow_rx_set_cap(&conn->flow_rx, sk->sk_rcvbuf);
		conn->streams.rx_window_max = sk->sk_rcvbuf;
		conn->streams.rx_mem.max = 2 * (u64)sk->sk_rcvbuf;
	}
	if (rscid) {
		conn->local.rscid = *rscid;
		conn->local.has_rscid = true;
	}
	ret = tquic_keyring_install_initial(&tsk->keys, v, rscid ?: odcid, server);
	if (ret)
		return ret;
	tquic_conn_keys_ready(conn, TQUIC_LEVEL_INITIAL, true);
	tquic_conn_keys_ready(conn, TQUIC_LEVEL_INITIAL, false);
	return 0;
}

/* The handshake is over, one way or the other */
static void tquic_sock_opened(struct tquic_sock *tsk)
{
	if (!tsk->half_open)
		return;
	tsk->half_open = false;
	atomic_dec(&tquic_sock_net(&tsk->inet.sk)->half_open);
}

/**
 * tquic_sock_new_token() - give the client a token for its next connection
 * @sk: server's socket whose handshake is complete
 *
 * Without one the next connection may have to take a Retry, no more.
 *
 * Context: process, lock held, may sleep.
 */
void tquic_sock_new_token(struct sock *sk)
{
	struct tquic_net *tn = tquic_sock_net(sk);
	struct tquic_sock *tsk = tquic_sk(sk);
	struct tquic_conn *conn = &tsk->conn;
	u8 token[TQUIC_TOKEN_OWN_MAX_LEN];
	struct tquic_token_bind bind;
	int len;

	tquic_answer_bind(&bind, conn->version, &tsk->peer, NULL);
	len = tquic_tokens_make(&tn->tokens, TQUIC_TOKEN_NEW, NULL, &bind,
				ktime_get_seconds(), token);
	if (len > 0 && !tquic_conn_set_token(&conn->new_token,
					     &conn->new_token_len, token, len,
					     GFP_KERNEL))
		conn->ctl |= TQUIC_CONN_CTL_NEW_TOKEN;
}

/**
 * tquic_sock_end() - the connection is over: nothing more comes or goes
 * @sk: socket; what was received can still be read
 *
 * Context: lock held, softirq or process.
 */
void tquic_sock_end(struct sock *sk)
{
	struct tquic_net *tn = tquic_sock_net(sk);
	struct tquic_sock *tsk = tquic_sk(sk);
	struct tquic_conn *conn = &tsk->conn;
	struct tquic_path *path;

	if (!tsk->alive)
		return;
	tsk->alive = false;
	tquic_conn_set_state(conn, TQUIC_STATE_CLOSED);
	tquic_timer_cancel(sk);
	tquic_for_each_path(conn, path)
		tquic_path_destroy(conn, path);
	if (conn->server)
		tquic_cidtab_del(&tn->cids, TQUIC_CID_INITIAL,
				 conn->local.has_rscid ? &conn->local.rscid :
							 &conn->odcid, sk);
	tquic_sock_opened(tsk);
	kfree_skb(tsk->retry);
	tsk->retry = NULL;
	tquic_keyring_destroy(&tsk->keys);
	skb_queue_purge(&tsk->undec);
	skb_queue_purge(&tsk->others);
	xa_erase_bh(&tn->conns, tsk->token);
	tquic_handshake_over(sk);
	inet_sk_set_state(sk, TCP_CLOSE);
	sk->sk_shutdown = SHUTDOWN_MASK;
	if (!sock_flag(sk, SOCK_DEAD))
		sk->sk_state_change(sk);
	tquic_stream_wake_all(sk);
	tquic_listen_child_gone(sk);
	sock_put(sk);
}

/**
 * tquic_sock_renew() - a start that failed leaves the socket as it was
 * @sk: socket on which tquic_sock_start() or what follows failed
 * @local: parameters it had before
 *
 * Context: process, lock held.
 */
void tquic_sock_renew(struct sock *sk, const struct tquic_params *local)
{
	struct tquic_sock *tsk = tquic_sk(sk);
	struct tquic_conn *conn = &tsk->conn;
	const struct tquic_cc_ops *cc_ops = conn->cc_ops;
	const struct tquic_version *prefer = conn->prefer;
	const struct tquic_sched *sched = conn->sched;
	u64 keepalive_ns = conn->keepalive_ns;
	u16 token_len = conn->token_len;
	u8 *token = conn->token;

	tquic_sock_end(sk);
	conn->token = NULL;
	tquic_conn_destroy(conn);
	tquic_conn_init(conn, &tquic_sock_conn_ops);
	conn->token = token;
	conn->token_len = token_len;
	conn->local = *local;
	conn->cc_ops = cc_ops;
	conn->sched = sched;
	conn->prefer = prefer;
	conn->keepalive_ns = keepalive_ns;
	memset(&tsk->peer, 0, sizeof(tsk->peer));
	tquic_sock_mirror(sk);
	sk->sk_shutdown = 0;
}

/* What a program learns from an error of the connection (SO_ERROR) */
int tquic_sock_errno(const struct tquic_conn *conn)
{
	const struct tquic_sock *tsk = tquic_sk(tquic_conn_sk(conn));
	const struct tquic_close *c = &conn->closed;

	if (tsk->abort_errno)
		return tsk->abort_errno;
	if (c->flags & TQUIC_CLOSE_IDLE)
		return ETIMEDOUT;
	if (c->flags & TQUIC_CLOSE_RESET)
		return ECONNRESET;
	if (c->flags & TQUIC_CLOSE_APP || !c->error_code)
		return c->error_code && c->flags & TQUIC_CLOSE_PEER ?
		       ECONNRESET : 0;
	if (c->error_code == TQUIC_ERR_CONNECTION_REFUSED)
		return ECONNREFUSED;
	if (c->error_code == TQUIC_ERR_VERSION_NEGOTIATION &&
	    !(c->flags & TQUIC_CLOSE_PEER))
		return EPROTOTYPE;
	return c->flags & TQUIC_CLOSE_PEER ? ECONNRESET : EPROTO;
}

static void tquic_sock_state(struct sock *sk)
{
	struct tquic_sock *tsk = tquic_sk(sk);
	struct tquic_conn *conn = &tsk->conn;

	switch (conn->state) {
	case TQUIC_STATE_ESTABLISHED:
		tquic_sock_opened(tsk);
		tquic_handshake_over(sk);
		if (sk->sk_state == TCP_SYN_SENT || sk->sk_state == TCP_SYN_RECV) {
			inet_sk_set_state(sk, TCP_ESTABLISHED);
			sk->sk_state_change(sk);
			tquic_listen_child_ready(sk);
		}
		break;
	case TQUIC_STATE_CLOSING:
	case TQUIC_STATE_DRAINING:
	case TQUIC_STATE_CLOSED:
		tquic_sock_opened(tsk);
		tquic_handshake_over(sk);
		if (sk->sk_state == TCP_CLOSING || sk->sk_state == TCP_CLOSE)
			break;
		inet_sk_set_state(sk, TCP_CLOSING);
		sk->sk_shutdown = SHUTDOWN_MASK;
		WRITE_ONCE(sk->sk_err, tquic_sock_errno(conn));
		if (!sock_flag(sk, SOCK_DEAD)) {
			sk->sk_state_change(sk);
			if (sk->sk_err)
				sk_error_report(sk);
		}
		tquic_stream_wake_all(sk);
		break;
	}
}

/*
 * The buffers have changed, each within its own bound: what cannot be reserved
 * is charged all the same, so that the accounts stay true. False as long as not
 * all that is charged is reserved, and they should not grow further.
 */
static bool tquic_sock_account(struct sock *sk, s64 delta, int kind)
{
	if (delta < 0)
		sk_mem_uncharge(sk, -delta);
	else
		sk_mem_charge(sk, delta);
	return sk->sk_forward_alloc >= 0 ||
	       __sk_mem_schedule(sk, -sk->sk_forward_alloc, kind);
}

/* Keep the socket's memory accounts in step with the buffers and with the number of streams */
static void tquic_sock_charge(struct sock *sk)
{
	struct tquic_sock *tsk = tquic_sk(sk);
	struct tquic_conn *conn = &tsk->conn;
	u64 rx = conn->streams.rx_mem.used + conn->dgram_rx_bytes +
		 conn->streams.count * sizeof(struct tquic_stream);
	u64 tx = conn->streams.tx_mem.used + conn->dgram_tx_bytes;

	if (tx != tsk->tx_charged)
		tquic_sock_account(sk, tx - tsk->tx_charged, SK_MEM_SEND);
	/* Where nothing is taken any more nothing changes: ask again whether that is over. */
	if (rx != tsk->rx_charged || conn->streams.rx_mem.tight) {
		conn->streams.rx_mem.tight = !tquic_sock_account(sk, rx - tsk->rx_charged,
								 SK_MEM_RECV);
		atomic_add(rx - tsk->rx_charged, &sk->sk_rmem_alloc);
	}
	WRITE_ONCE(sk->sk_wmem_queued, tx);
	tsk->tx_charged = tx;
	tsk->rx_charged = rx;
}

/*
 * All that sockets of the machine may have is in use, or the share of one: it
 * gets more when it has none.  The kernel refuses what is beyond a socket's
 * share while others could still get theirs.
 */
bool tquic_sock_mem_full(const struct sock *sk)
{
	return READ_ONCE(sk->sk_forward_alloc) < 0 ||
	       sk_memory_allocated(sk) >= sk_prot_mem_limits(sk, 2);
}

/* Send buffer limit: what the program set, or enough for all its paths; little in need */
u64 tquic_sock_send_limit(const struct sock *sk)
{
	const struct tquic_conn *conn = &tquic_sk(sk)->conn;
	u64 limit = READ_ONCE(sk->sk_sndbuf), max;

	if (tquic_sock_mem_full(sk))
		return min_t(u64, limit, SOCK_MIN_SNDBUF);
	if (sk->sk_userlocks & SOCK_SNDBUF_LOCK || sk_under_memory_pressure(sk))
		return limit;
	max = TQUIC_SYSCTL(tquic_sock_net(sk), sndbuf_max_bytes);
	return max(limit, min(tquic_conn_buffer_bytes(conn), max));
}

/* Everything sent was delivered: a lingering close can be finished */
static bool tquic_sock_delivered(struct tquic_conn *conn)
{
	struct tquic_stream *s;
	unsigned long index;
	unsigned int i;

	if (conn->streams.tx_mem.used || !skb_queue_empty(&conn->dgram_tx))
		return false;
	tquic_for_each_stream(&conn->streams, i, index, s)
		if (s->tx.fin && !tquic_send_terminal(&s->tx))
			return false;
	return true;
}

/* Nobody will read what still comes: have the peer stop, free what came */
static void tquic_sock_stop_streams(struct tquic_conn *conn, u64 now)
{
	struct tquic_stream *s;
	unsigned long index;
	unsigned int i;

	tquic_for_each_stream(&conn->streams, i, index, s)
		if (!s->user && !tquic_recv_terminal(&s->rx))
			tquic_conn_stream_stop(conn, s, 0, now);
}

/* Streams whose data came after that, while others have owners */
static void tquic_sock_stop_more(struct sock *sk)
{
	struct tquic_conn *conn = &tquic_sk(sk)->conn;
	struct tquic_stream *s;
	bool told = false;

	while ((s = tquic_streams_next_readable(&conn->streams))) {
		list_del_init(&s->readable);
		told |= !tquic_conn_stream_stop(conn, s, 0, tquic_now_ns());
	}
	if (told)
		tquic_tx_push(sk);
}

/**
 * tquic_sock_abandon() - the program closed an established connection
 * @sk: socket
 *
 * The sockets of streams can still be used.
 *
 * Context: process, lock held.
 */
void tquic_sock_abandon(struct sock *sk)
{
	struct tquic_sock *tsk = tquic_sk(sk);
	struct tquic_conn *conn = &tsk->conn;

	if (tsk->stream)
		tquic_conn_stream_finish(conn, tsk->stream);
	tquic_sock_stop_streams(conn, tquic_now_ns());
}

/*
 * What was written still has to arrive; then, or when the peer takes nothing
 * any more, the connection is closed.
 */
static void tquic_sock_linger(struct sock *sk)
{
	struct tquic_sock *tsk = tquic_sk(sk);
	struct tquic_conn *conn = &tsk->conn;
	struct tquic_net *tn = tquic_sock_net(sk);
	u64 max_ns = TQUIC_SYSCTL_NS(tn, linger_max_ms);
	u64 now = tquic_now_ns();

	if (sock_flag(sk, SOCK_LINGER))
		max_ns = min(min_t(u64, sk->sk_lingertime / HZ, U32_MAX) * NSEC_PER_SEC,
			     max_ns);
	if (!max_ns) {
		tquic_conn_close(conn, 0, 0, true, NULL, 0, now);
		return;
	}
	tquic_sock_abandon(sk);
	conn->keepalive_ns = 0;
	tsk->lingering = true;
	tsk->linger_max_ns = now + max_ns;
	tsk->linger_end_ns = min(now + TQUIC_SYSCTL_NS(tn, linger_stall_ms),
				 tsk->linger_max_ns);
	tsk->linger_left = conn->streams.tx_mem.used;
}

/**
 * tquic_sock_leave() - no program holds the connection or a stream of it any more
 * @sk: socket
 *
 * Context: process, lock held; the caller kicks.
 */
void tquic_sock_leave(struct sock *sk)
{
	struct tquic_sock *tsk = tquic_sk(sk);

	if (!tsk->alive)
		return;
	if (tsk->conn.state == TQUIC_STATE_ESTABLISHED)
		tquic_sock_linger(sk);
	else
		tquic_conn_close(&tsk->conn, 0, 0, true, NULL, 0, tquic_now_ns());
}

/* A lingering socket: is all delivered, or at least something? */
static void tquic_sock_linger_on(struct sock *sk)
{
	struct tquic_net *tn = tquic_sock_net(sk);
	struct tquic_sock *tsk = tquic_sk(sk);
	struct tquic_conn *conn = &tsk->conn;
	u64 now = tquic_now_ns();

	if (conn->streams.tx_mem.used < tsk->linger_left) {
		tsk->linger_left = conn->streams.tx_mem.used;
		tsk->linger_end_ns = min(now + TQUIC_SYSCTL_NS(tn, linger_stall_ms),
					 tsk->linger_max_ns);
	}
	if (conn->state != TQUIC_STATE_ESTABLISHED || !tquic_sock_delivered(conn))
		return;
	tsk->lingering = false;
	tquic_conn_close(conn, 0, 0, true, NULL, 0, now);
	tquic_tx_push(sk);
	tquic_sock_state(sk);
	conn->todo = 0;
}

/* When this side gives the connection up whatever the engine says; 0: never */
static u64 tquic_sock_limit_ns(const struct tquic_sock *tsk)
{
	const struct tquic_conn *conn = &tsk->conn;

	if (conn->state == TQUIC_STATE_HANDSHAKE)
		return tsk->handshake_end_ns;
	if (tsk->lingering && conn->state == TQUIC_STATE_ESTABLISHED)
		return tsk->linger_end_ns;
	return 0;
}

/**
 * tquic_sock_deadline_ns() - when tquic_timer_expired() wants to be called
 * @sk: socket
 *
 * Context: lock held.
 * Return: time in ns, 0: never.
 */
u64 tquic_sock_deadline_ns(const struct sock *sk)
{
	const struct tquic_sock *tsk = tquic_sk(sk);
	u64 deadline = tquic_conn_deadline_ns(&tsk->conn);
	u64 limit = tquic_sock_limit_ns(tsk);

	deadline = min_not_zero(deadline, tsk->pm.retry.due_ns);
	return min_not_zero(limit, deadline);
}

/**
 * tquic_sock_on_limit() - give up when the time for it has come
 * @sk: socket
 * @now: time in ns
 *
 * The caller then calls tquic_sock_kick().
 *
 * Context: lock held, softirq or process.
 */
void tquic_sock_on_limit(struct sock *sk, u64 now)
{
	struct tquic_sock *tsk = tquic_sk(sk);
	struct tquic_conn *conn = &tsk->conn;
	u64 limit = tquic_sock_limit_ns(tsk);

	if (!limit || now < limit)
		return;
	if (tsk->lingering) {
		tsk->lingering = false;
		TQUIC_INC(tquic_sock_net(sk), CONNS_ABORTED);
		tquic_conn_close(conn, 0, 0, true, NULL, 0, now);
		return;
	}
	TQUIC_INC(tquic_sock_net(sk), HS_TIMEOUT);
	/* Perhaps nobody is there: no word goes out. */
	tquic_conn_vanish(conn, 0, TQUIC_CLOSE_IDLE);
}

/* What the engine counted since the last time goes to the namespace's counters */
static void tquic_sock_count(struct sock *sk)
{
	const struct tquic_conn_stats *now = &tquic_sk(sk)->conn.stats;
	struct tquic_conn_stats *was = &tquic_sk(sk)->counted;
	struct tquic_net *tn = tquic_sock_net(sk);

	TQUIC_ADD(tn, STREAMS_OPENED, now->streams_opened - was->streams_opened);
	TQUIC_ADD(tn, STREAMS_RESET_TX, now->streams_reset - was->streams_reset);
	TQUIC_ADD(tn, DGRAMS_RX, now->datagrams_received - was->datagrams_received);
	TQUIC_ADD(tn, DGRAMS_TX, now->datagrams_sent - was->datagrams_sent);
	TQUIC_ADD(tn, DGRAMS_DROP, now->datagrams_dropped - was->datagrams_dropped);
	TQUIC_ADD(tn, DEADLINES_MISSED, now->deadlines_missed - was->deadlines_missed);
	TQUIC_ADD(tn, BYTES_RETRANS, now->bytes_retransmitted - was->bytes_retransmitted);
	*was = *now;
}

/**
 * tquic_sock_actions() - do what the engine left in conn->todo
 * @sk: socket
 *
 * Context: lock held, softirq or process.
 */
void tquic_sock_actions(struct sock *sk)
{
	struct tquic_sock *tsk = tquic_sk(sk);
	struct tquic_conn *conn = &tsk->conn;
	u32 todo = conn->todo;

	conn->todo = 0;
	tquic_sock_charge(sk);
	tquic_sock_count(sk);
	if (tsk->tell_closed) {
		tsk->tell_closed = false;
		/*
		 * Ours, and the transport's: the peer did something wrong, unless nobody
		 * was there, or we take no more.
		 */
		if (!conn->closed.flags && conn->closed.error_code != TQUIC_ERR_NO_ERROR &&
		    conn->closed.error_code != TQUIC_ERR_CONNECTION_REFUSED)
			TQUIC_INC(tquic_sock_net(sk), RX_PROTO_ERR);
		tquic_netlink_conn_event(sk, TQUIC_CMD_CONN_CLOSED);
	}
	if (todo & TQUIC_TODO_STATE)
		tquic_sock_state(sk);
	if ((todo & TQUIC_TODO_READ) && !sock_flag(sk, SOCK_DEAD)) {
		sk->sk_data_ready(sk);
		tquic_handshake_wake(sk);
		/* The first CRYPTO bytes: TLS can begin. */
		if (tsk->parent && tquic_handshake_child(sk)) {
			tquic_sock_kick(sk);
			return;
		}
	}
	if (((todo & TQUIC_TODO_DGRAM) ||
	     ((todo & TQUIC_TODO_WRITE) && tquic_sock_writable(sk))) &&
	    !sock_flag(sk, SOCK_DEAD))
		sk->sk_write_space(sk);
	if (!list_empty(&tsk->claims)) {
		if (sock_flag(sk, SOCK_DEAD))
			tquic_sock_stop_more(sk);
		tquic_stream_wake(sk);
	}
	if (todo & TQUIC_TODO_KEYS || (todo & TQUIC_TODO_PATHS && tquic_link_prefers(sk)))
		tquic_sock_queue_work(sk);
	if (todo & TQUIC_TODO_PATHS)
		tquic_pm_wake(sk);
	if (tsk->lingering)
		tquic_sock_linger_on(sk);
	if (conn->state == TQUIC_STATE_CLOSED)
		tquic_sock_end(sk);
	else
		tquic_timer_update(sk);
}

/**
 * tquic_sock_update_keys() - go on with the next generation of send keys
 * @sk: socket
 *
 * Context: process, may sleep; lock held.
 * Return: 0; -ENOTCONN before the handshake is confirmed; -EBUSY within three
 * PTO of the last update or while it is not acknowledged; -EAGAIN while the
 * keys to receive with next are being made; -ENOMEM.
 */
int tquic_sock_update_keys(struct sock *sk)
{
	struct tquic_sock *tsk = tquic_sk(sk);
	struct tquic_conn *conn = &tsk->conn;
	int ret;

	if (conn->state != TQUIC_STATE_ESTABLISHED || !conn->confirmed)
		return -ENOTCONN;
	if (conn->key_drop_prev_ns)
		return -EBUSY;
	ret = tquic_keyring_update_tx(&tsk->keys);
	if (ret)
		return ret;
	tquic_sock_tx_phase(tsk);
	conn->stats.key_updates++;
	conn->ctl |= TQUIC_CONN_CTL_PING;
	TQUIC_INC(tquic_sock_net(sk), KEY_UPDATES);
	return 0;
}

/**
 * tquic_sock_find_next() - walk the connections of a namespace without their locks
 * @tn: namespace
 * @token: where to begin; afterwards the token of the connection returned
 * @max: the last token that counts
 *
 * Context: any.
 * Return: the first connection from there on, referenced; NULL when there is none.
 */
struct sock *tquic_sock_find_next(struct tquic_net *tn, unsigned long *token,
				  unsigned long max)
{
	struct tquic_sock *tsk;
	struct sock *sk = NULL;

	rcu_read_lock();
	while ((tsk = xa_find(&tn->conns, token, max, XA_PRESENT))) {
		sk = &tsk->inet.sk;
		if (refcount_inc_not_zero(&sk->sk_refcnt))
			break;
		sk = NULL;
		if (*token == max)
			break;
		++*token;
	}
	rcu_read_unlock();
	return sk;
}

/**
 * tquic_sock_next() - walk the connections of a namespace
 * @tn: namespace
 * @token: where to begin; afterwards the token of the connection returned
 * @max: the last token that counts
 *
 * Context: process, may sleep.
 * Return: the first connection from there on that is not gone, referenced and
 * its lock held; NULL when there is none.
 */
struct sock *tquic_sock_next(struct tquic_net *tn, unsigned long *token,
			     unsigned long max)
{
	struct sock *sk;

	while ((sk = tquic_sock_find_next(tn, token, max))) {
		lock_sock(sk);
		if (tquic_sk(sk)->alive)
			break;
		release_sock(sk);
		sock_put(sk);
		if (*token == max)
			return NULL;
		++*token;
	}
	return sk;
}

/* Send what can be sent, then look after everything else; lock held */
void tquic_sock_kick(struct sock *sk)
{
	if (!tquic_sk(sk)->alive)
		return;
	tquic_tx_push(sk);
	tquic_sock_actions(sk);
}

/* The program lets go of the lock. Context: slock held, BH off */
void tquic_sock_release_cb(struct sock *sk)
{
	struct tquic_sock *tsk = tquic_sk(sk);

	bool kick = test_and_clear_bit(TQUIC_DEFER_KICK, &tsk->deferred);

	if (test_and_clear_bit(TQUIC_DEFER_TIMER, &tsk->deferred))
		tquic_timer_expired(sk);
	else if (kick)
		tquic_sock_kick(sk);
	/* What is over has no paths, and its work item would come by here again and again. */
	if (tsk->alive && test_bit(TQUIC_DEFER_PM, &tsk->deferred))
		tquic_sock_queue_work(sk);
}
