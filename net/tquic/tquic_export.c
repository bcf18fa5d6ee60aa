// SPDX-License-Identifier: GPL-2.0
/* What other modules may ask about sockets: <net/tquic.h> */
#include <linux/export.h>
#include <linux/rculist.h>
#include <net/tcp_states.h>
#include <net/tquic.h>
#include "tquic_sock.h"

static_assert(TQUIC_SK_PATHS_MAX == TQUIC_PATHS_MAX);

/* The first listener after number @after, referenced */
static struct sock *tquic_listener_after(struct tquic_net *tn, u64 after,
					 u64 *number)
{
	struct tquic_listener *l;
	struct sock *sk = NULL;

	rcu_read_lock();
	/* New ones join at the tail: the numbers rise. */
	list_for_each_entry_rcu(l, &tn->listeners, node) {
		if (l->number <= after ||
		    !refcount_inc_not_zero(&l->sk->sk_refcnt))
			continue;
		*number = l->number;
		sk = l->sk;
		break;
	}
	rcu_read_unlock();
	return sk;
}

/**
 * tquic_sk_next() - walk the sockets of a namespace: listeners, then connections
 * @net: namespace
 * @iter: where the walk is; moves on to the socket returned
 *
 * The addresses in struct inet_sock are those of the first path as it is now.
 *
 * Context: process, may sleep.
 * Return: a socket, referenced and its lock held, for tquic_sk_put(); NULL at
 * the end.
 */
struct sock *tquic_sk_next(struct net *net, struct tquic_sk_iter *iter)
{
	struct tquic_net *tn = tquic_pernet(net);
	unsigned long token = iter->token + 1;
	struct sock *sk;

	while (!iter->token) {
		sk = tquic_listener_after(tn, iter->listener, &iter->listener);
		if (!sk)
			break;
		lock_sock(sk);
		if (sk->sk_state == TCP_LISTEN)
			goto found;
		tquic_sk_put(sk);
	}
	if (token > INT_MAX)
		return NULL;
	sk = tquic_sock_next(tn, &token, INT_MAX);
	if (!sk)
		return NULL;
	iter->token = token;
found:
	tquic_sock_mirror(sk);
	return sk;
}
EXPORT_SYMBOL_NS_GPL(tquic_sk_next, "TQUIC");

/**
 * tquic_sk_put() - let go of a socket that tquic_sk_next() returned
 * @sk: socket
 *
 * Context: process.
 */
void tquic_sk_put(struct sock *sk)
{
	release_sock(sk);
	sock_put(sk);
}
EXPORT_SYMBOL_NS_GPL(tquic_sk_put, "TQUIC");

/**
 * tquic_sk_info() - what TQUIC_SOCKOPT_INFO tells
 * @sk: socket
 * @info: destination
 *
 * Context: lock held.
 */
void tquic_sk_info(struct sock *sk, struct tquic_info *info)
{
	tquic_info_fill(sk, info);
}
EXPORT_SYMBOL_NS_GPL(tquic_sk_info, "TQUIC");

/**
 * tquic_sk_path_info() - what TQUIC_SOCKOPT_PATH_INFO tells
 * @sk: socket
 * @slot: below TQUIC_SK_PATHS_MAX
 * @info: destination
 *
 * Context: lock held.
 * Return: false when no path that was ever opened is in this slot.
 */
bool tquic_sk_path_info(const struct sock *sk, unsigned int slot,
			struct tquic_path_info *info)
{
	const struct tquic_path *path = tquic_conn_path(&tquic_sk(sk)->conn, slot);

	if (!path || path->state == TQUIC_PATH_UNUSED)
		return false;
	tquic_path_info_fill(path, info);
	return true;
}
EXPORT_SYMBOL_NS_GPL(tquic_sk_path_info, "TQUIC");

/**
 * tquic_sk_queues() - what waits in a socket
 * @sk: socket
 * @rqueue: bytes not read yet; of a listener: connections not accepted yet
 * @wqueue: bytes not acknowledged yet; of a listener: how many may wait
 *
 * Context: lock held.
 */
void tquic_sk_queues(const struct sock *sk, u32 *rqueue, u32 *wqueue)
{
	const struct tquic_sock *tsk = tquic_sk(sk);

	if (tsk->listener) {
		*rqueue = READ_ONCE(tsk->listener->count);
		*wqueue = READ_ONCE(sk->sk_max_ack_backlog);
		return;
	}
	*rqueue = min_t(u64, tsk->conn.streams.rx_mem.used, U32_MAX);
	*wqueue = min_t(u64, tsk->conn.streams.tx_mem.used, U32_MAX);
}
EXPORT_SYMBOL_NS_GPL(tquic_sk_queues, "TQUIC");
