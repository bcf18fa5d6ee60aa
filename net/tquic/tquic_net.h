/* SPDX-License-Identifier: GPL-2.0 */
/* What the module keeps per network namespace. */
#ifndef TQUIC_NET_H
#define TQUIC_NET_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/siphash.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>
#include "core/bucket.h"
#include "crypto/token.h"
#include "tquic_cidtab.h"
#include "tquic_mib.h"

struct proc_dir_entry;
struct tquic_udp_ops;

/* Half-open connections from which on clients have to prove their address: half
 * the usual backlog
 */
#define TQUIC_RETRY_THRESHOLD	64

/* Kinds of datagrams sent without a connection */
enum tquic_answer {
	TQUIC_ANSWER_RESET,
	TQUIC_ANSWER_VERSION,
	TQUIC_ANSWER_KINDS
};

/**
 * struct tquic_net - state of one network namespace
 * @net: the namespace; no reference is held, it outlives this struct
 * @mib: counters
 * @cids: connection ID table
 * @proc_dir: /proc/net/tquic; NULL without procfs
 * @udp_ops: where received datagrams and ICMP errors go
 * @udp_lock: protects @udps and @udp_ephemeral; sleeps inside socket calls
 * @udps: all UDP sockets, struct tquic_udp.node
 * @udp_ephemeral: how many of them have a port the kernel chose
 * @udp_gc: closes sockets whose last reference is gone
 * @conns: connections by token; read under RCU
 * @next_token: where the search for the next one begins
 * @lock: protects @listeners, @handshakes and @answers
 * @listeners: struct tquic_listener.node; read under RCU
 * @handshakes: connections that wait for an agent, struct tquic_sock.handshake
 * @answers: rate limits of what is sent without a connection
 * @reset_key: what stateless reset tokens derive from; one namespace must not
 *	tell the tokens of another
 * @tokens: address validation tokens
 * @half_open: connections of servers whose handshake is under way
 * @retry_threshold: from so many of them on, first packets are answered by a
 *	Retry
 */
struct tquic_net {
	struct net *net;
	struct tquic_mib __percpu *mib;
	struct tquic_cidtab cids;
	struct proc_dir_entry *proc_dir;

	const struct tquic_udp_ops *udp_ops;
	struct mutex udp_lock;		/* udps, udp_ephemeral */
	struct list_head udps;
	unsigned int udp_ephemeral;
	struct work_struct udp_gc;

	struct xarray conns;
	u32 next_token;

	spinlock_t lock;
	struct list_head listeners;
	struct list_head handshakes;
	struct tquic_bucket answers[TQUIC_ANSWER_KINDS];
	siphash_key_t reset_key;
	struct tquic_tokens tokens;
	atomic_t half_open;
	u32 retry_threshold;
};

extern unsigned int tquic_net_id;

static inline struct tquic_net *tquic_pernet(const struct net *net)
{
	return net_generic(net, tquic_net_id);
}

/*
 * Called from the pernet operations in tquic_main.c. Exit in this order:
 * connections, udp (no datagram comes after it), cidtab, mib.
 */
int tquic_mib_net_init(struct tquic_net *tn);
void tquic_mib_net_exit(struct tquic_net *tn);
void tquic_udp_net_init(struct tquic_net *tn, const struct tquic_udp_ops *ops);
void tquic_udp_net_exit(struct tquic_net *tn);

#endif /* TQUIC_NET_H */
