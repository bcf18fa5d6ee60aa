// SPDX-License-Identifier: GPL-2.0
/* Listening sockets: first packets become connections, accept() takes them */
#include <linux/rculist.h>
#include <linux/sched/mm.h>
#include <linux/security.h>
#include <linux/slab.h>
#include <net/tcp_states.h>
#include <trace/events/tquic.h>
#include "cc/cc.h"
#include "core/header.h"
#include "sched/sched.h"
#include "tquic_answer.h"
#include "tquic_cgroup.h"
#include "tquic_sock.h"
#include "tquic_sysctl.h"

/* Listener whose UDP socket a datagram came to. Context: RCU */
static struct tquic_listener *tquic_listen_find(struct tquic_net *tn,
						const struct tquic_udp *udp)
{
	struct tquic_listener *l;

	list_for_each_entry_rcu(l, &tn->listeners, node,
				lockdep_is_held(&tn->lock))
		if (l->udp == udp)
			return l;
	return NULL;
}

/**
 * tquic_listen_on() - does anybody listen on a UDP socket?
 * @tn: namespace
 * @udp: the socket
 *
 * Context: RCU.
 * Return: true when datagrams that come to it may begin connections.
 */
bool tquic_listen_on(struct tquic_net *tn, const struct tquic_udp *udp)
{
	return tquic_listen_find(tn, udp);
}

/**
 * tquic_listen_input() - a datagram of no known connection may begin one
 * @tn: namespace
 * @udp: socket it came to
 * @skb: the datagram
 * @type: of its first packet: Initial, or 0-RTT
 *
 * Connections are made by a work item: their keys cannot be set up here.  0-RTT
 * packets have to wait for the connection that the Initial before them makes, and
 * get half the room at most.
 *
 * Context: softirq or BH off, RCU.
 * Return: true when the skb was consumed.
 */
bool tquic_listen_input(struct tquic_net *tn, struct tquic_udp *udp,
			struct sk_buff *skb, enum tquic_pkt_type type)
{
	struct tquic_listener *l = tquic_listen_find(tn, udp);
	u32 room = TQUIC_SYSCTL(tn, initials_max);

	if (!l)
		return false;
	if (type == TQUIC_PKT_0RTT)
		room /= 2;
	/* RFC 9000 §14.1 */
	else if (skb->len < TQUIC_MIN_UDP_PAYLOAD) {
		TQUIC_INC(tn, RX_SHORT_INITIAL);
		return false;
	}
	if (skb_queue_len_lockless(&l->initials) >= room) {
		TQUIC_INC(tn, LISTEN_DROP);
		return false;
	}
	if (tquic_sock_filtered(l->sk, skb) || !refcount_inc_not_zero(&l->sk->sk_refcnt))
		return false;
	skb_queue_tail(&l->initials, skb);
	if (!queue_work(tquic_wq, &l->work))
		sock_put(l->sk);
	return true;
}

#if defined(CONFIG_MEMCG) && !defined(TQUIC_HAVE_SK_CHARGE)
/*
 * It was not made by a task of the listener's cgroup, but its memory is that one's.  Newer
 * kernels charge whoever accepts it, and would do so once more.
 */
static void tquic_listen_memcg(struct sock *sk, const struct sock *parent)
{
	if (!mem_cgroup_sockets_enabled || !parent->sk_memcg)
		return;
	css_get(&parent->sk_memcg->css);
	sk->sk_memcg = parent->sk_memcg;
}
#else
static void tquic_listen_memcg(struct sock *sk, const struct sock *parent)
{
}
#endif

#ifdef CONFIG_MEMCG
#define tquic_sock_memcg(sk)	((sk)->sk_memcg)
#else
#define tquic_sock_memcg(sk)	NULL
#endif

/* A socket like its parent, without a file yet. Context: parent's lock held */
static struct sock *tquic_listen_clone(struct sock *parent)
{
	const struct tquic_sock *from = tquic_sk(parent);
	struct tquic_sock *tsk;
	struct sock *sk;

	sk = sk_alloc(sock_net(parent), parent->sk_family, GFP_KERNEL,
		      READ_ONCE(parent->sk_prot), 0);
	if (!sk)
		return NULL;
	sock_init_data(NULL, sk);
	sk->sk_type = parent->sk_type;
	sk->sk_protocol = parent->sk_protocol;
	sk->sk_backlog_rcv = sk->sk_prot->backlog_rcv;
	sk->sk_priority = READ_ONCE(parent->sk_priority);
	sk->sk_mark = READ_ONCE(parent->sk_mark);
	sk->sk_bound_dev_if = parent->sk_bound_dev_if;
	tquic_listen_memcg(sk, parent);
	tquic_cgroup_join(sk, parent);
	sk->sk_uid = parent->sk_uid;
	security_sk_clone(parent, sk);
	inet_sk(sk)->tos = READ_ONCE(inet_sk(parent)->tos);
	inet_sk(sk)->uc_ttl = READ_ONCE(inet_sk(parent)->uc_ttl);
	if (sk->sk_family == AF_INET6) {
		inet_sk(sk)->pinet6 = &((struct tquic6_sock *)sk)->inet6;
		inet6_sk(sk)->tclass = READ_ONCE(inet6_sk(parent)->tclass);
		inet6_sk(sk)->hop_limit = READ_ONCE(inet6_sk(parent)->hop_limit);
	}
	tquic_sock_init(sk);
	sk->sk_userlocks = parent->sk_userlocks &
			   (SOCK_SNDBUF_LOCK | SOCK_RCVBUF_LOCK);
	sk->sk_sndbuf = parent->sk_sndbuf;
	sk->sk_rcvbuf = parent->sk_rcvbuf;

	tsk = tquic_sk(sk);
	tsk->conn.local = from->conn.local;
	tsk->conn.keepalive_ns = from->conn.keepalive_ns;
	tsk->conn.prefer = from->conn.prefer;
	tsk->handshake_mode = from->handshake_mode;
	tsk->recv_mask = from->recv_mask;
	tsk->local = from->local;
	if (from->alpn)
		tsk->alpn = kstrdup(from->alpn, GFP_KERNEL);
	if (from->conn.cc_ops)
		tsk->conn.cc_ops = tquic_cc_get(from->conn.cc_ops->entry.name);
	if (from->conn.sched)
		tsk->conn.sched = tquic_sched_get(from->conn.sched->entry.name);
	return sk;
}

/*
 * Make the connection a first packet asks for. @token: the one it carries, if
 * that is good. Context: process, no lock
 */
static int tquic_listen_child(struct tquic_listener *l, struct sk_buff *skb,
			      const struct tquic_hdr *h,
			      const struct tquic_token *token)
{
	bool retried = token && token->kind == TQUIC_TOKEN_RETRY;
	struct tquic_net *tn = tquic_sock_net(l->sk);
	struct tquic_addr local, peer;
	struct tquic_sock *tsk;
	struct sock *sk;
	int ret;

	lock_sock(l->sk);
	sk = tquic_listen_clone(l->sk);
	release_sock(l->sk);
	if (!sk)
		return -ENOMEM;
	tsk = tquic_sk(sk);
	tquic_skb_addrs(skb, &local, &peer);
	tsk->peer = peer;
	lock_sock_nested(sk, SINGLE_DEPTH_NESTING);
	ret = tquic_sock_start(sk, true, h->ver,
			       retried ? &token->odcid : &h->dcid, &h->scid,
			       retried ? &h->dcid : NULL);
	if (ret)
		goto err;
	ret = tquic_link_accept(sk, tquic_conn_path(&tsk->conn, 0), l->udp,
				&local, &peer);
	if (ret)
		goto err;
	ret = tquic_cidtab_add(&tn->cids, TQUIC_CID_INITIAL, &h->dcid, sk, 0,
			       GFP_KERNEL);
	if (ret)
		goto err;
	tquic_conn_path(&tsk->conn, 0)->validated = token;
	tquic_sock_mirror(sk);
	inet_sk_set_state(sk, TCP_SYN_RECV);

	spin_lock_bh(&l->lock);
	if (l->sk->sk_state != TCP_LISTEN) {
		spin_unlock_bh(&l->lock);
		ret = -ECONNREFUSED;
		goto err;
	}
	/* The list owns the first reference from here on. */
	sock_hold(l->sk);
	tsk->parent = l->sk;
	list_add_tail(&tsk->child, &l->children);
	l->count++;
	spin_unlock_bh(&l->lock);
	tsk->half_open = true;
	atomic_inc(&tn->half_open);
	tquic_timer_update(sk);
	release_sock(sk);
	TQUIC_INC(tn, CONNS_PASSIVE);
	return 0;

err:
	sock_set_flag(sk, SOCK_DEAD);
	tquic_sock_end(sk);
	release_sock(sk);
	sock_put(sk);
	return ret;
}

/*
 * The packet that made a connection did not open: it was no Initial after
 * all, and no state is kept for it. One that is still being opened leaves
 * this to the handshake's time limit.
 */
static void tquic_listen_check(struct tquic_net *tn, const struct tquic_cid *cid)
{
	struct sock *sk;

	rcu_read_lock();
	sk = tquic_sock_owner(tquic_cidtab_lookup(&tn->cids, TQUIC_CID_INITIAL, cid));
	rcu_read_unlock();
	if (!sk)
		return;
	lock_sock(sk);
	if (tquic_conn_unheard(&tquic_sk(sk)->conn) &&
	    atomic64_read(&tquic_sk(sk)->keys.failures))
		tquic_sock_end(sk);
	release_sock(sk);
	sock_put(sk);
}

/*
 * Has the client proved its address, or has it to? True when a connection may
 * be made; else the packet was answered, or is not to be.
 */
static bool tquic_listen_admit(struct tquic_listener *l, const struct sk_buff *skb,
			       const struct tquic_hdr *h, struct tquic_token *t,
			       bool *proved)
{
	struct tquic_net *tn = tquic_sock_net(l->sk);
	struct tquic_addr local, peer;
	struct tquic_token_bind bind;
	int ret = -ENOENT;

	if (h->token_len) {
		tquic_skb_addrs(skb, &local, &peer);
		tquic_answer_bind(&bind, h->ver, &peer, &h->dcid);
		ret = tquic_tokens_check(&tn->tokens, h->token, h->token_len,
					 &bind, ktime_get_seconds(), t);
	}
	*proved = !ret;
	if (*proved)
		return true;
	if (ret != -ENOENT) {
		TQUIC_INC(tn, TOKEN_BAD);
		/* A client takes one Retry only: there is no use in another (RFC 9000 §8.1.3) */
		if (t->kind == TQUIC_TOKEN_RETRY) {
			tquic_answer_close(tn, l->udp, skb, h, TQUIC_ERR_INVALID_TOKEN);
			return false;
		}
	}
	/* Whoever lies about his address cannot fill more than half of the backlog. */
	if (!READ_ONCE(tquic_sk(l->sk)->retry_always) &&
	    atomic_read(&tn->half_open) < TQUIC_SYSCTL(tn, retry_threshold) &&
	    READ_ONCE(l->count) <= READ_ONCE(l->sk->sk_max_ack_backlog) / 2)
		return true;
	tquic_answer_retry(tn, l->udp, skb, h);
	return false;
}

/* Now that somebody owns its id the datagram finds its way */
static void tquic_listen_replay(struct tquic_listener *l, struct sk_buff *skb)
{
	struct tquic_net *tn = tquic_sock_net(l->sk);
	struct tquic_udp_burst burst = {};

	local_bh_disable();
	rcu_read_lock();
	tquic_rx_ops.rx(tn, l->udp, skb, &burst);
	tquic_rx_ops.rx_end(&burst);
	rcu_read_unlock();
	local_bh_enable();
}

/* Is there a connection that a client's first id leads to? */
static bool tquic_listen_knows(struct tquic_net *tn, const struct tquic_cid *cid)
{
	bool found;

	rcu_read_lock();
	found = tquic_cidtab_lookup(&tn->cids, TQUIC_CID_INITIAL, cid);
	rcu_read_unlock();
	return found;
}

static void tquic_listen_one(struct tquic_listener *l, struct sk_buff *skb)
{
	struct tquic_net *tn = tquic_sock_net(l->sk);
	struct tquic_token token;
	struct mem_cgroup *memcg;
	struct tquic_hdr h;
	struct tquic_cid cid;
	bool proved = false;
	int ret;

	if (tquic_hdr_parse(skb->data, skb->len, TQUIC_LOCAL_CID_LEN, &h) ||
	    h.pkt_len - h.pn_off < TQUIC_PN_MAX_LEN + TQUIC_HP_SAMPLE_LEN ||
	    h.dcid.len < TQUIC_FIRST_DCID_MIN_LEN) {
		TQUIC_INC(tn, RX_BAD_HDR);
		goto drop;
	}
	cid = h.dcid;
	if (tquic_listen_knows(tn, &cid)) {
		tquic_listen_replay(l, skb);
		return;
	}
	if (h.type != TQUIC_PKT_INITIAL) {
		TQUIC_INC(tn, RX_NO_CONN);
		trace_tquic_packet_dropped(NULL, 0, TQUIC_DROP_NO_CONN, skb->len);
		goto drop;
	}
	if (!tquic_listen_admit(l, skb, &h, &token, &proved))
		goto drop;
	if (READ_ONCE(l->count) > READ_ONCE(l->sk->sk_max_ack_backlog)) {
		TQUIC_INC(tn, LISTEN_OVERFLOW);
		goto drop;
	}
	/* No task of the listener's cgroup allocates what a connection needs. */
	memcg = set_active_memcg(tquic_sock_memcg(l->sk));
	ret = tquic_listen_child(l, skb, &h, proved ? &token : NULL);
	set_active_memcg(memcg);
	if (ret) {
		TQUIC_INC(tn, LISTEN_DROP);
		goto drop;
	}
	tquic_listen_replay(l, skb);
	tquic_listen_check(tn, &cid);
	return;

drop:
	kfree_skb(skb);
}

static void tquic_listen_work(struct work_struct *work)
{
	struct tquic_listener *l = container_of(work, struct tquic_listener, work);
	struct sock *sk = l->sk;
	struct sk_buff *skb;

	while ((skb = skb_dequeue(&l->initials))) {
		if (READ_ONCE(sk->sk_state) == TCP_LISTEN)
			tquic_listen_one(l, skb);
		else
			kfree_skb(skb);
		cond_resched();
	}
	sock_put(sk);
}

/**
 * tquic_listen_start() - listen(2)
 * @sk: socket
 * @backlog: connections that may wait for accept()
 *
 * Context: process, lock held.
 * Return: 0; -EINVAL in a wrong state; -EADDRINUSE when another socket listens
 * there; an errno of tquic_udp_get().
 */
int tquic_listen_start(struct sock *sk, int backlog)
{
	struct tquic_net *tn = tquic_sock_net(sk);
	struct tquic_sock *tsk = tquic_sk(sk);
	struct tquic_listener *l;

	if (tsk->listener) {
		WRITE_ONCE(sk->sk_max_ack_backlog, backlog);
		return 0;
	}
	if (sk->sk_state != TCP_CLOSE || tsk->alive || !tsk->udp ||
	    tsk->conn.state != TQUIC_STATE_IDLE)
		return -EINVAL;
	l = kzalloc(sizeof(*l), GFP_KERNEL);
	if (!l)
		return -ENOMEM;
	if (!tquic_udp_hold(tsk->udp)) {
		kfree(l);
		return -EINVAL;
	}
	l->sk = sk;
	l->udp = tsk->udp;
	spin_lock_init(&l->lock);
	INIT_LIST_HEAD(&l->children);
	skb_queue_head_init(&l->initials);
	INIT_WORK(&l->work, tquic_listen_work);
	WRITE_ONCE(sk->sk_max_ack_backlog, backlog);

	spin_lock_bh(&tn->lock);
	if (tquic_listen_find(tn, l->udp)) {
		spin_unlock_bh(&tn->lock);
		tquic_listen_free(l);
		return -EADDRINUSE;
	}
	tsk->listener = l;
	tsk->conn.state = TQUIC_STATE_LISTEN;
	inet_sk_set_state(sk, TCP_LISTEN);
	l->number = ++tn->listener_last;
	list_add_tail_rcu(&l->node, &tn->listeners);
	spin_unlock_bh(&tn->lock);
	return 0;
}

static struct tquic_sock *tquic_listen_pop(struct tquic_listener *l, bool ready)
{
	struct tquic_sock *tsk, *found = NULL;

	spin_lock_bh(&l->lock);
	list_for_each_entry(tsk, &l->children, child) {
		if (ready && !READ_ONCE(tsk->child_ready))
			continue;
		found = tsk;
		list_del_init(&tsk->child);
		l->count--;
		break;
	}
	spin_unlock_bh(&l->lock);
	return found;
}

/**
 * tquic_listen_free() - the listening socket is gone
 * @l: its listener, which nobody can find any more
 *
 * Context: any.
 */
void tquic_listen_free(struct tquic_listener *l)
{
	skb_queue_purge(&l->initials);
	tquic_udp_put(l->udp);
	kfree(l);
}

/**
 * tquic_listen_stop() - the listener closes; what waits is refused
 * @sk: listening socket, or one that was
 *
 * A work item that is queued or running finds the state changed.
 *
 * Context: process, lock held.
 */
void tquic_listen_stop(struct sock *sk)
{
	struct tquic_net *tn = tquic_sock_net(sk);
	struct tquic_listener *l = tquic_sk(sk)->listener;
	struct tquic_sock *tsk;

	if (sk->sk_state != TCP_LISTEN)
		return;
	spin_lock_bh(&tn->lock);
	list_del_rcu(&l->node);
	spin_unlock_bh(&tn->lock);
	spin_lock_bh(&l->lock);
	inet_sk_set_state(sk, TCP_CLOSE);
	spin_unlock_bh(&l->lock);

	skb_queue_purge(&l->initials);
	while ((tsk = tquic_listen_pop(l, false))) {
		struct sock *child = &tsk->inet.sk;

		lock_sock_nested(child, SINGLE_DEPTH_NESTING);
		sock_set_flag(child, SOCK_DEAD);
		if (tsk->parent) {
			tsk->parent = NULL;
			__sock_put(sk);
		}
		tquic_conn_close(&tsk->conn, TQUIC_ERR_CONNECTION_REFUSED, 0,
				 false, NULL, 0, tquic_now_ns());
		tquic_sock_kick(child);
		release_sock(child);
		sock_put(child);
	}
}

/* The child may be accepted. Context: child's lock held */
void tquic_listen_child_ready(struct sock *child)
{
	struct tquic_sock *tsk = tquic_sk(child);

	if (!tsk->parent || tsk->child_ready)
		return;
	WRITE_ONCE(tsk->child_ready, true);
	tsk->parent->sk_data_ready(tsk->parent);
}

/*
 * The child ended before it was accepted. One that was established waits on, as TCP's do:
 * its bytes have been acknowledged. Context: child's lock held
 */
void tquic_listen_child_gone(struct sock *child)
{
	struct tquic_sock *tsk = tquic_sk(child);
	struct sock *parent = tsk->parent;
	struct tquic_listener *l;
	bool listed = false;

	if (!parent || (tsk->child_ready && tsk->conn.tls_done))
		return;
	l = tquic_sk(parent)->listener;
	spin_lock_bh(&l->lock);
	if (!list_empty(&tsk->child)) {
		list_del_init(&tsk->child);
		l->count--;
		listed = true;
	}
	spin_unlock_bh(&l->lock);
	if (!listed)
		return;
	tsk->parent = NULL;
	sock_set_flag(child, SOCK_DEAD);
	sock_put(parent);
	sock_put(child);
}

/* Is a connection waiting that accept() may return? */
bool tquic_listen_readable(struct sock *sk)
{
	struct tquic_listener *l = tquic_sk(sk)->listener;
	struct tquic_sock *tsk;
	bool ready = false;

	if (!l)
		return false;
	spin_lock_bh(&l->lock);
	list_for_each_entry(tsk, &l->children, child)
		ready |= READ_ONCE(tsk->child_ready);
	spin_unlock_bh(&l->lock);
	return ready;
}

/**
 * tquic_listen_accept() - accept(2)
 * @sk: listening socket
 * @arg: flags, and where the errno goes
 *
 * Context: process, may sleep.
 * Return: the connection's socket, or NULL with @arg->err set.
 */
struct sock *tquic_listen_accept(struct sock *sk, struct proto_accept_arg *arg)
{
	DEFINE_WAIT_FUNC(wait, woken_wake_function);
	struct tquic_sock *tsk = NULL;
	struct sock *child;
	long timeo;

	lock_sock(sk);
	timeo = sock_rcvtimeo(sk, arg->flags & O_NONBLOCK);
	/* A child becomes ready under its own lock, at any time. */
	add_wait_queue(sk_sleep(sk), &wait);
	do {
		arg->err = -EINVAL;
		if (sk->sk_state != TCP_LISTEN)
			break;
		arg->err = 0;
		tsk = tquic_listen_pop(tquic_sk(sk)->listener, true);
		if (tsk)
			break;
		arg->err = tquic_sock_sleep(sk, &wait, &timeo);
	} while (!arg->err);
	remove_wait_queue(sk_sleep(sk), &wait);
	release_sock(sk);
	if (!tsk)
		return NULL;

	child = &tsk->inet.sk;
	lock_sock(child);
	if (tsk->parent) {
		tsk->parent = NULL;
		sock_put(sk);
	}
	release_sock(child);
	return child;
}
