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
#include "tquic-sysctl-gen.h"
#include "core/bucket.h"
#include "crypto/token.h"
#include "tquic_cidtab.h"
#include "tquic_mib.h"
#include "tquic_pm.h"

struct ctl_table_header;
struct proc_dir_entry;
struct tquic_udp_ops;

/* Kinds of datagrams sent without a connection */
enum tquic_answer {
	TQUIC_ANSWER_RESET,
	TQUIC_ANSWER_VERSION,
	TQUIC_ANSWER_CLOSE,
	TQUIC_ANSWER_KINDS
};

/**
 * struct tquic_net - state of one network namespace
 * @net: the namespace; no reference is held, it outlives this struct
 * @mib: counters
 * @cids: connection ID table
 * @proc_dir: /proc/net/tquic; NULL without procfs
 * @sysctls: values of the sysctls; strings under @lock, others by READ_ONCE()
 * @sysctl_header: their files
 * @udp_ops: where received datagrams and ICMP errors go
 * @udp_lock: protects @udps and @udp_ephemeral; sleeps inside socket calls
 * @udps: all UDP sockets, struct tquic_udp.node
 * @udp_ephemeral: how many of them have a port the kernel chose
 * @udp_gc: closes sockets whose last reference is gone
 * @conns: connections by token; read under RCU
 * @next_token: where the search for the next one begins
 * @lock: protects @listeners, @listener_last, @handshakes, @answers and strings
 *	in @sysctls
 * @listeners: struct tquic_listener.node, by number; read under RCU
 * @listener_last: number of the last of them
 * @handshakes: connections that wait for an agent, struct tquic_sock.handshake
 * @answers: rate limits of what is sent without a connection
 * @reset_key: what stateless reset tokens derive from; one namespace must not
 *	tell the tokens of another
 * @tokens: address validation tokens
 * @half_open: connections of servers whose handshake is under way
 * @pm: kernel path manager
 */
struct tquic_net {
	struct net *net;
	struct tquic_mib __percpu *mib;
	struct tquic_cidtab cids;
	struct proc_dir_entry *proc_dir;
	struct tquic_sysctls sysctls;
	struct ctl_table_header *sysctl_header;

	const struct tquic_udp_ops *udp_ops;
	struct mutex udp_lock;		/* udps, udp_ephemeral */
	struct list_head udps;
	unsigned int udp_ephemeral;
	struct work_struct udp_gc;

	struct xarray conns;
	u32 next_token;

	spinlock_t lock;
	struct list_head listeners;
	u64 listener_last;
	struct list_head handshakes;
	struct tquic_bucket answers[TQUIC_ANSWER_KINDS];
	siphash_key_t reset_key;
	struct tquic_tokens tokens;
	atomic_t half_open;

	struct tquic_pm pm;
};

extern unsigned int tquic_net_id;

static inline struct tquic_net *tquic_pernet(const struct net *net)
{
	return net_generic(net, tquic_net_id);
}

/*
 * Called from the pernet operations in tquic_main.c. Exit in this order:
 * connections, sysctl, udp (no datagram comes after it), cidtab, mib.
 */
int tquic_mib_net_init(struct tquic_net *tn);
void tquic_mib_net_exit(struct tquic_net *tn);
bool tquic_proc_conns_create(struct tquic_net *tn);
int tquic_sysctl_net_init(struct tquic_net *tn);
void tquic_sysctl_net_exit(struct tquic_net *tn);
void tquic_udp_net_init(struct tquic_net *tn, const struct tquic_udp_ops *ops);
void tquic_udp_net_exit(struct tquic_net *tn);

#endif /* TQUIC_NET_H */
