/* SPDX-License-Identifier: GPL-2.0 */
/* The socket around a connection */
#ifndef TQUIC_SOCK_H
#define TQUIC_SOCK_H

#include <linux/hrtimer.h>
#include <linux/timekeeping.h>
#include <linux/workqueue.h>
#include <net/inet_sock.h>
#include <net/ipv6.h>
#include <net/sock.h>
#include "core/conn.h"
#include "crypto/keyring.h"
#include "tquic_addr.h"
#include "tquic_link.h"
#include "tquic_net.h"
#include "tquic_udp.h"

#define TQUIC_ALPN_MAX		256
#define TQUIC_NAME_MAX		256

/* tsk->deferred: what the owner of the lock has to do before it lets go */
enum tquic_deferred {
	TQUIC_DEFER_TIMER,
	TQUIC_DEFER_KICK,
	TQUIC_DEFER_PM,		/* then by the work item */
};

/**
 * struct tquic_listener - what a listening socket has besides; freed with it
 * @sk: the listening socket
 * @udp: socket the Initial packets come to, with a reference
 * @node: in tn->listeners
 * @number: its place there, never given again
 * @lock: protects @children and @count
 * @children: connections not accepted yet, struct tquic_sock.child
 * @count: how many those are
 * @initials: first packets of connections to be made
 * @work: makes them; holds a reference on @sk while queued
 */
struct tquic_listener {
	struct sock *sk;
	struct tquic_udp *udp;
	struct list_head node;
	u64 number;
	spinlock_t lock;
	struct list_head children;
	u32 count;
	struct sk_buff_head initials;
	struct work_struct work;
};

/**
 * struct tquic_sock - a connection's or listener's socket
 * @inet: must be first
 * @conn: the connection
 * @keys: its packet protection
 * @timer: fires at tquic_conn_deadline_ns()
 * @timer_ns: what it is set to
 * @work: key precomputation and packets sealed asynchronously
 * @sealed: packets whose asynchronous seal has ended
 * @undec: packets whose keys are not there yet
 * @others: datagrams of a server in another version than its client began with
 * @retry: a Retry packet whose tag is still to be checked, or NULL
 * @deferred: enum tquic_deferred bits
 * @alive: the connection holds a reference on the socket
 * @half_open: counted in tn->half_open
 * @retry_always: listener: every client has to prove its address
 * @preferred_done: client: the server's preferred address was tried, or could not be
 * @lingering: closed by the program; ends when the rest is delivered
 * @child_ready: accept() may return it
 * @agent_asked: an agent has the handshake, or is to take it
 * @handshake_mode: TQUIC_HANDSHAKE_*
 * @linger_left: least that was left to deliver so far, bytes
 * @linger_end_ns: when it ends unless the peer takes something
 * @linger_max_ns: when it ends in any case
 * @abort_errno: what its program is told when somebody else ended it, else 0
 * @tell_closed: listeners on netlink do not know yet that it closed
 * @own_paths: the program opens all paths itself
 * @pm_due: the path manager is to look at the paths, in @work
 * @pm: what else the path manager knows of it
 * @counted: conn.stats as far as the counters of the namespace have them
 * @token: name on netlink, key in tn->conns
 * @rx_gen: key generation of the packet being processed
 * @local: address given to bind()
 * @peer: address of the first path
 * @version: what connect() begins with
 * @handshake: in tn->handshakes while no agent has taken it
 * @handshake_end_ns: when the handshake has to be done; 0: any time
 * @agent: the agent's socket of this handshake, or NULL; no reference
 * @recv_mask: TQUIC_RECV_*
 * @stream: the stream of a SOCK_STREAM socket, once it exists
 * @claims: sockets of streams, struct tquic_stream_sock.claims
 * @starved: those of them that wait for room in the send buffer
 * @tx_charged: part of streams.tx_mem charged to the socket
 * @rx_charged: part of streams.rx_mem charged to the socket
 * @udp: socket taken by bind(), with a reference
 * @alpn: TQUIC_SOCKOPT_ALPN
 * @server_name: TQUIC_SOCKOPT_SERVER_NAME
 * @child: in the parent's list until accepted
 * @parent: listener, referenced, until accepted
 * @listener: state of a listening socket, NULL for others
 */
struct tquic_sock {
	struct inet_sock inet;
	struct tquic_conn conn;
	struct tquic_keyring keys;

	struct hrtimer timer;
	u64 timer_ns;
	struct work_struct work;
	struct sk_buff_head sealed;
	struct sk_buff_head undec;
	struct sk_buff_head others;
	struct sk_buff *retry;
	unsigned long deferred;
	bool alive;
	bool half_open;
	bool retry_always;
	bool preferred_done;
	bool lingering;
	bool child_ready;
	bool agent_asked;
	u8 handshake_mode;
	u64 linger_end_ns;
	u64 linger_max_ns;
	struct tquic_conn_stats counted;
	u32 rx_gen;
	int abort_errno;
	bool tell_closed;
	bool own_paths;
	bool pm_due;
	u32 token;
	struct tquic_pm_sock pm;

	struct tquic_addr local;
	struct tquic_addr peer;
	u32 recv_mask;
	u32 tx_charged;
	u32 rx_charged;
	u32 linger_left;
	struct tquic_udp *udp;
	const struct tquic_version *version;
	struct list_head handshake;
	u64 handshake_end_ns;
	struct sock *agent;
	struct tquic_stream *stream;
	struct list_head claims;
	struct list_head starved;
	char *alpn;
	char *server_name;

	struct list_head child;
	struct sock *parent;
	struct tquic_listener *listener;
};

/* IPv6 sockets have their own part at the end, as inet6_create() expects */
struct tquic6_sock {
	struct tquic_sock tquic;
	struct ipv6_pinfo inet6;
};

static inline struct tquic_sock *tquic_sk(const struct sock *sk)
{
	return (struct tquic_sock *)sk;
}

static inline struct sock *tquic_conn_sk(const struct tquic_conn *conn)
{
	return (struct sock *)container_of(conn, struct tquic_sock, conn);
}

/* Who an id that may be NULL belongs to, referenced, or NULL. Context: rcu_read_lock() */
static inline struct sock *tquic_sock_owner(const struct tquic_cid_entry *e)
{
	struct sock *sk = e ? e->owner : NULL;

	return sk && refcount_inc_not_zero(&sk->sk_refcnt) ? sk : NULL;
}

static inline struct tquic_net *tquic_sock_net(const struct sock *sk)
{
	return tquic_pernet(sock_net(sk));
}

/* For all that sleeps, and for what readers wait for: a link went; tquic_main.c */
extern struct workqueue_struct *tquic_wq;
extern struct workqueue_struct *tquic_urgent_wq;

static inline u64 tquic_now_ns(void)
{
	return ktime_get_ns();
}

/* tquic_sock.c: life of a connection's socket */
extern const struct tquic_conn_ops tquic_sock_conn_ops;
int tquic_sock_init(struct sock *sk);
bool tquic_sock_filtered(struct sock *sk, struct sk_buff *skb);
void tquic_sock_destruct(struct sock *sk);
int tquic_sock_start(struct sock *sk, bool server, const struct tquic_version *v,
		     const struct tquic_cid *odcid, const struct tquic_cid *peer_scid,
		     const struct tquic_cid *rscid);
void tquic_sock_new_token(struct sock *sk);
void tquic_sock_end(struct sock *sk);
void tquic_sock_renew(struct sock *sk, const struct tquic_params *local);
int tquic_sock_errno(const struct tquic_conn *conn);
void tquic_sock_abandon(struct sock *sk);
void tquic_sock_leave(struct sock *sk);
u64 tquic_sock_deadline_ns(const struct sock *sk);
void tquic_sock_on_limit(struct sock *sk, u64 now);
void tquic_sock_actions(struct sock *sk);
void tquic_sock_kick(struct sock *sk);
void tquic_sock_release_cb(struct sock *sk);
void tquic_sock_queue_work(struct sock *sk);
bool tquic_sock_mem_full(const struct sock *sk);
u64 tquic_sock_send_limit(const struct sock *sk);
struct sock *tquic_sock_find_next(struct tquic_net *tn, unsigned long *token, unsigned long max);
struct sock *tquic_sock_next(struct tquic_net *tn, unsigned long *token, unsigned long max);
int tquic_sock_update_keys(struct sock *sk);

/* tquic_rx.c, tquic_tx.c */
extern const struct tquic_udp_ops tquic_rx_ops;
int tquic_rx_backlog(struct sock *sk, struct sk_buff *skb);
void tquic_rx_retry(struct sock *sk);
void tquic_rx_undec(struct sock *sk);
void tquic_rx_upgrade(struct sock *sk);
void tquic_rx_unref(struct sk_buff *skb);
void tquic_tx_push(struct sock *sk);
void tquic_tx_sealed(struct sock *sk);
void tquic_tx_exit(void);

/* tquic_listen.c */
int tquic_listen_start(struct sock *sk, int backlog);
void tquic_listen_stop(struct sock *sk);
void tquic_listen_free(struct tquic_listener *l);
bool tquic_listen_on(struct tquic_net *tn, const struct tquic_udp *udp);
bool tquic_listen_input(struct tquic_net *tn, struct tquic_udp *udp,
			struct sk_buff *skb, enum tquic_pkt_type type);
struct sock *tquic_listen_accept(struct sock *sk, struct proto_accept_arg *arg);
bool tquic_listen_readable(struct sock *sk);
void tquic_listen_child_ready(struct sock *child);
void tquic_listen_child_gone(struct sock *child);

/* tquic_timer.c */
void tquic_timer_init(struct tquic_sock *tsk);
void tquic_timer_update(struct sock *sk);
void tquic_timer_cancel(struct sock *sk);
void tquic_timer_destroy(struct tquic_sock *tsk);
void tquic_timer_expired(struct sock *sk);

/* Flags of sendmsg(), and what sendmmsg() and splice() set themselves */
#define TQUIC_SEND_FLAGS	(MSG_DONTWAIT | MSG_NOSIGNAL | MSG_MORE |	\
				 MSG_CMSG_COMPAT | MSG_EOR | MSG_BATCH |	\
				 MSG_SPLICE_PAGES | MSG_WAITALL)

/* tquic_socket.c: data */
int tquic_sendmsg(struct sock *sk, struct msghdr *msg, size_t len);
int tquic_recvmsg(struct sock *sk, struct msghdr *msg, size_t len, int flags, int *addr_len);
int tquic_sock_sleep(struct sock *sk, struct wait_queue_entry *wait, long *timeo);
int tquic_sock_wait(struct sock *sk, struct sock *who, long *timeo);
int tquic_send_data(struct sock *sk, struct sock *who, struct tquic_stream *s,
		    struct msghdr *msg, size_t len, bool fin);
int tquic_recv_bytes(struct sock *sk, struct tquic_stream *s, struct msghdr *msg,
		     size_t len, int flags);
int tquic_recv_cut(const struct tquic_conn *conn, const struct tquic_stream *s);
int tquic_socket_shutdown(struct sock *sk, int how);
bool tquic_sock_readable(struct sock *sk);
bool tquic_sock_writable(struct sock *sk);
bool tquic_sock_dgram_room(struct sock *sk);
bool tquic_socket_has_stream(struct sock *sk);
int tquic_sendmsg_crypto(struct sock *sk, struct msghdr *msg, size_t len);
int tquic_recvmsg_crypto(struct sock *sk, struct msghdr *msg, size_t len);
bool tquic_recv_crypto_ready(struct sock *sk);

/* tquic_sockopt.c */
int tquic_setsockopt(struct sock *sk, int level, int optname, sockptr_t optval,
		     unsigned int optlen);
int tquic_setsockopt_stream(struct sock *sk, u64 id, int optname, sockptr_t optval,
			    unsigned int optlen);
int tquic_getsockopt(struct sock *sk, int level, int optname,
		     char __user *optval, int __user *optlen);
void tquic_info_fill(struct sock *sk, struct tquic_info *info);
void tquic_path_info_fill(const struct tquic_path *path, struct tquic_path_info *info);
u32 tquic_info_datagram_bytes(const struct tquic_conn *conn);

/* tquic_proto.c */
extern struct proto tquic_prot;
extern struct proto tquicv6_prot;
void tquic_sock_addr(struct sock *sk, struct tquic_addr *addr, bool peer);
void tquic_sock_mirror(struct sock *sk);
int tquic_sock_getname(struct sock *sk, struct sockaddr *uaddr, bool peer);
int tquic_proto_init(void);
void tquic_proto_exit(void);

#endif /* TQUIC_SOCK_H */
