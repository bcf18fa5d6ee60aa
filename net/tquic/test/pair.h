/* SPDX-License-Identifier: GPL-2.0 */
/* Two connections joined in memory by links with a virtual clock, for the suites of the engine. */
#ifndef TQUIC_TEST_PAIR_H
#define TQUIC_TEST_PAIR_H

#include <kunit/test.h>
#include <linux/list.h>
#include <linux/skbuff.h>
#include <linux/types.h>

#include "core/conn.h"

#define PAIR_LINKS_MAX		4
#define PAIR_CIDS_MAX		96
#define PAIR_FLOWS_MAX		64
#define PAIR_UNDEC_MAX		16
#define PAIR_TLS_MAX		16384
#define PAIR_EVENT_TYPES	16
#define PAIR_START_NS		NSEC_PER_SEC	/* the engine takes 0 for "never" */
#define PAIR_MTU		1472
#define PAIR_SNDBUF_MIN		(1024 * 1024)
#define PAIR_SNDBUF_MAX		(32 * 1024 * 1024)

#define PAIR_MS(n)		((u64)(n) * NSEC_PER_MSEC)

/**
 * struct pair_pipe - one direction of a link
 * @queue: datagrams on their way, by arrival
 * @free_ns: when the last one has left the sender
 * @sent: datagrams given to it
 * @delivered: datagrams that arrived
 * @bytes: of those that arrived
 * @full: dropped because the queue was full
 */
struct pair_pipe {
	struct list_head queue;
	u64 free_ns;
	u64 sent;
	u64 delivered;
	u64 bytes;
	u64 full;
};

#define PAIR_ECN_KEEP	4

/* What the fake TLS does about early data */
enum pair_early {
	PAIR_EARLY_NONE,
	PAIR_EARLY_TAKEN,	/* the client offers it, the server accepts it */
	PAIR_EARLY_REFUSED,
};

/**
 * struct pair_link - a pair of pipes; settings may change at any time, the rate
 *	with pair_link_rate()
 * @rate_bps: bits of UDP payload per second, 0: no limit
 * @delay_ns: one way
 * @queue_bytes: what may wait to be sent, 0: no limit
 * @loss_ppm: datagrams lost, per million
 * @reorder_ppm: datagrams held back by a quarter of the delay, per million
 * @dup_ppm: datagrams that arrive twice, per million
 * @mtu_bytes: larger ones vanish
 * @ecn: every datagram arrives with this ECN field; PAIR_ECN_KEEP: with its own
 * @cut: nothing comes through, not even what is under way
 * @neck: its datagrams go through the queue of that link, at the rate of that, which may be one
 *	of another pair; NULL: through its own
 * @drop_next: the next so many datagrams vanish, by direction
 * @pipe: by receiver
 */
struct pair_link {
	u64 rate_bps;
	u64 delay_ns;
	u32 queue_bytes;
	u32 loss_ppm;
	u32 reorder_ppm;
	u32 dup_ppm;
	u32 mtu_bytes;
	u8 ecn;
	bool cut;
	struct pair_link *neck;
	u32 drop_next[2];
	struct pair_pipe pipe[2];
};

struct pair_cid {
	struct tquic_cid cid;
	u32 path_id;
	bool used;
};

/* A fake TLS: one message per level and direction, then the keys of the next. */
struct pair_tls {
	u8 msg[PAIR_TLS_MAX];
	u32 have;
	u32 step;
	u64 ticket_bytes;
};

struct pair;

/**
 * struct pair_end - one of the two connections
 * @conn: the connection
 * @pair: both
 * @started: tquic_conn_start() was called
 * @tls: handshake
 * @flight_bytes: size of its first flight
 * @cids: ids it may be reached by
 * @undec: packets without keys
 * @undec_link: where they came in
 * @rx_bytes: received by path slot, since @slot_id had it
 * @tx_bytes: sent by path slot
 * @slot_id: path id in the slot
 * @rx_link: where the datagram at hand came over
 * @other_link: other address of the path in the slot
 * @events: how often each event was told
 * @event_id: id of the last one
 * @discarded: bit per level
 * @freed: paths whose link was let go of
 * @todo: all that conn->todo ever held
 * @paused: the program reads nothing
 * @tls_late: the end of TLS is told by the test, with pair_tls_end()
 * @rx_err: last negative answer of tquic_conn_input()
 * @rx_dup: packets told to be duplicates
 * @acked: largest number of the last acknowledgment with news
 */
struct pair_end {
	struct tquic_conn conn;
	struct pair *pair;
	bool started;
	struct pair_tls tls;
	u32 flight_bytes;
	struct pair_cid cids[PAIR_CIDS_MAX];
	struct sk_buff *undec[PAIR_UNDEC_MAX];
	u8 undec_link[PAIR_UNDEC_MAX];
	u32 undec_count;
	u64 rx_bytes[TQUIC_PATHS_MAX];
	u64 tx_bytes[TQUIC_PATHS_MAX];
	u32 slot_id[TQUIC_PATHS_MAX];
	struct pair_link *rx_link;
	struct pair_link *other_link[TQUIC_PATHS_MAX];
	u32 events[PAIR_EVENT_TYPES];
	u64 event_id[PAIR_EVENT_TYPES];
	u8 discarded;
	u32 freed;
	u32 todo;
	bool paused;
	bool tls_late;
	int rx_err;
	u64 rx_dup;
	u64 acked;
};

/**
 * struct pair_flow - bytes one program sends the other on a stream
 * @from: sender, NULL: slot unused
 * @id: stream
 * @total: bytes
 * @written: given to the sending stream
 * @read: taken from the receiving one
 * @ended: its end was read
 * @was_reset: it was reset by the sender
 * @start_ns: when it was opened
 * @last_ns: last progress
 * @end_ns: when the end was read
 * @gap_ns: longest time without any
 */
struct pair_flow {
	struct pair_end *from;
	u64 id;
	u64 total;
	u64 written;
	u64 read;
	bool ended;
	bool was_reset;
	u64 start_ns;
	u64 last_ns;
	u64 end_ns;
	u64 gap_ns;
};

/**
 * struct pair - the whole
 * @test: where failures are told
 * @end: client and server
 * @link: links; the first carries the handshake
 * @links: how many
 * @now: virtual time
 * @rnd: state of the links' random numbers
 * @sndbuf: bytes a program keeps in the send buffers, 0: what the paths want
 * @flow: transfers
 * @engine: called with true before and with false after each call of the engine
 * @tap: sees each datagram sent; false swallows it
 * @spare: buffer for the next datagram
 * @spin: timers that fired without the clock moving
 * @kicks: number of calls
 * @early: 0-RTT; the client remembers what @remembered holds, a server's parameters
 * @remembered: may be changed before pair_start()
 * @nat: links are ports of one address of the client, not addresses
 * @hostile: frames of the test's own making are among the packets: what
 *	programs and TLS receive is not judged
 * @broken: a rule was broken: the run ends
 */
struct pair {
	struct kunit *test;
	struct pair_end end[2];
	struct pair_link link[PAIR_LINKS_MAX];
	u32 links;
	u64 now;
	u64 rnd;
	u64 sndbuf;
	struct pair_flow flow[PAIR_FLOWS_MAX];
	void (*engine)(struct pair *p, bool enter);
	bool (*tap)(struct pair *p, struct pair_end *from,
		    const struct tquic_tx_pkt *pkts, int n);
	struct sk_buff *spare;
	u32 spin;
	u64 kicks;
	enum pair_early early;
	struct tquic_params remembered;
	bool nat;
	bool hostile;
	bool broken;
};

struct pair *pair_create(struct kunit *test, u32 links);
void pair_link_set(struct pair_link *link, u64 rate_bps, u64 delay_ns,
		   u32 queue_bytes);
void pair_link_rate(struct pair *p, struct pair_link *link, u64 rate_bps);
bool pair_start(struct pair *p);
u64 pair_next(const struct pair *p);
bool pair_step(struct pair *p, u64 end_ns);
void pair_run(struct pair *p, u64 ns);
void pair_tls_end(struct pair_end *e);
bool pair_until(struct pair *p, bool (*done)(struct pair *p), u64 ns);
bool pair_handshake(struct pair *p);
void pair_kick(struct pair_end *e);
void pair_resume(struct pair_end *e);
void pair_check(struct pair *p);
struct tquic_path *pair_open_path(struct pair *p, u32 link, bool backup);
bool pair_open_paths(struct pair *p);
struct pair *pair_bonded(struct kunit *test, u32 links);
struct pair_flow *pair_flow_open(struct pair_end *from, bool uni, u64 total);
bool pair_flows_done(struct pair *p);
u8 pair_byte(u64 id, u64 off);
int pair_inject(struct pair_end *to, enum tquic_pkt_type type, u32 path_id,
		u64 pn, const u8 *payload, u32 len);
int pair_inject_over(struct pair_end *to, u32 link, const struct tquic_rx_pkt *pkt);
int pair_inject_next(struct pair_end *to, enum tquic_pkt_type type, u32 path_id,
		     const u8 *payload, u32 len);
struct tquic_path *pair_path(struct pair *p, u32 end, u32 id);
void pair_link_down(struct pair *p, u32 link);
void pair_link_up(struct pair *p, u32 link);
u32 pair_link_index(const struct pair *p, const struct tquic_path *path);

static inline struct pair_end *pair_peer(struct pair_end *e)
{
	return &e->pair->end[e == &e->pair->end[0]];
}

static inline struct pair_end *pair_client(struct pair *p)
{
	return &p->end[0];
}

static inline struct pair_end *pair_server(struct pair *p)
{
	return &p->end[1];
}

#endif /* TQUIC_TEST_PAIR_H */
