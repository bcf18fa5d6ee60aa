/* SPDX-License-Identifier: GPL-2.0 */
/* A path: one 4-tuple with its own packet numbers, RTT and window, RFC 10069 */
#ifndef TQUIC_CORE_PATH_H
#define TQUIC_CORE_PATH_H

#include <linux/limits.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/rcupdate.h>
#include <linux/types.h>
#include <linux/tquic.h>
#include "core/proto.h"
#include "core/phase.h"
#include "core/space.h"
#include "core/rtt.h"
#include "core/pacer.h"
#include "core/pmtu.h"
#include "core/cidset.h"
#include "core/copies.h"
#include "cc/cc.h"

struct tquic_conn;

#define TQUIC_PATHS_MAX		16
#define TQUIC_PATH_RESPONSES	4	/* queued PATH_RESPONSEs; the oldest falls out */
#define TQUIC_PATH_CHALLENGES	16	/* that may still be answered: those of a validation */
#define TQUIC_PATH_ECN_PTOS	3	/* cast doubt on ECN, unless it has worked */
#define TQUIC_PATH_RETRY_NS	(10 * NSEC_PER_MSEC)	/* after lack of memory */
#define TQUIC_PATH_SPARE_IDS	3	/* unused ids kept ready by a bond */
#define TQUIC_PATH_SPARE_IDS_LONE 1	/* the same while there is one path */
#define TQUIC_PATH_PROBES_MAX	16	/* under way on a path that does not answer */
#define TQUIC_PATH_PATIENCE_MAX	2	/* doublings of what is granted for variation */
#define TQUIC_PATH_PATIENCE_NS	(3 * (u64)NSEC_PER_SEC)	/* without doubt: it ends */
#define TQUIC_PATH_RELAPSES_MAX	3	/* round trips of answers asked for after so many */
#define TQUIC_PATH_RELAPSE_NS	(10 * (u64)NSEC_PER_SEC)	/* from silence to silence */
#define TQUIC_PATH_CIDS		2	/* connection ids per path we give out */
#define TQUIC_PATH_RATE_MAX	1000000000000ULL /* that can be asked for, bytes per second */

/**
 * struct tquic_path_stats - what a path did; read without the lock
 */
struct tquic_path_stats {
	u64 tx_packets, rx_packets;
	u64 tx_bytes, rx_bytes;
	u64 lost_packets, spurious_packets, persistent;
	u64 ptos, ce_marks;
	u64 mtu_probes, mtu_probes_lost, mtu_black_holes;
};

/* Control frames a path has to send; path->ctl */
enum tquic_path_ctl {
	TQUIC_PATH_CTL_CHALLENGE = 1,	/* PATH_CHALLENGE, on this path */
	TQUIC_PATH_CTL_ABANDON = 2,	/* PATH_ABANDON, on any path */
	TQUIC_PATH_CTL_STATUS = 4,	/* PATH_STATUS_*, on any path */
	TQUIC_PATH_CTL_CIDS_BLOCKED = 8, /* PATH_CIDS_BLOCKED, on any path */
	TQUIC_PATH_CTL_CHALLENGE_OTHER = 16, /* PATH_CHALLENGE, to the other address */
	TQUIC_PATH_CTL_RESPONSE_OTHER = 32, /* PATH_RESPONSE, to the other address */
};

/**
 * struct tquic_path - one path of a connection; under the connection lock
 * @id: path id on the wire, the same in both directions
 * @index: slot in conn->paths
 * @state: enum tquic_path_state
 * @validated: the peer's address is proven to answer (RFC 9000 §8.2)
 * @backup: we asked the peer not to use it, and do not either, while others work
 * @metered: the same, and backups come before it
 * @peer_backup: the peer asked so
 * @spare_due: and there was no other path for what was under way then
 * @told_backup: what our last PATH_STATUS_* said
 * @tells: packets more that are to say the same
 * @abandon_rcvd: the peer abandoned it
 * @abandon_acked: the peer knows that we did
 * @cids_blocked: the peer was told that connection ids are missing
 * @ecn: packets leave as ECT(0); no more once that has failed
 * @down: its interface or address is gone: as it seems nothing can come or go
 * @pacing: packets are spread over time
 * @acked_here: what it received is acknowledged on itself, not yet on its carrier
 * @moving: enum tquic_moved: how far the peer's address, not yet validated, is
 *	from the one before
 * @ctl: enum tquic_path_ctl bits
 * @responses: valid entries of @response
 * @pto_count: probe timeouts since the last progress
 * @probes: ack-eliciting packets to send whatever the window says
 * @overdue: its acknowledgments are, and its oldest data went elsewhere, too
 * @patience: how often silence lately was none but a longer round trip
 * @late: what was sent before it became suspect has been acknowledged since
 * @relapses: how often it went silent again soon after it had come back
 * @rate_cap: the operator's limit for what we send on it, bytes per second; 0: none
 * @weight: share of the data it gets from schedulers that go by weights;
 *	0: as much as it can carry
 * @link: UDP socket and route, owned by the adapter; NULL while UNUSED
 * @space: packet numbers of 1-RTT packets
 * @phase: key phases of these
 * @rtt: round-trip time
 * @cc: congestion window; on path 0 also for Initial and Handshake packets
 * @pacer: departure clock
 * @local: connection ids we gave out for this path
 * @remote: connection ids the peer gave us for this path
 * @rx_dcid: id of ours the newest packet was addressed to
 * @other_dcid: a server's: id of the peer's that what goes to the other address has
 * @probe_dcid: and id of ours that the client's newest trial came to
 * @other_response: data of the PATH_RESPONSE to the other address
 * @trial: data of the PATH_CHALLENGE to where a client may move to
 * @other_room_bytes: how large the datagram with it may be (RFC 9000 §8.1)
 * @told_pn: newest packet that a slower path told about, low bits
 * @tx_allowed_bytes: before validation, what the anti-amplification limit
 *	still lets us send (RFC 9000 §8.1)
 * @status_seq: of the last PATH_STATUS_* we sent
 * @peer_status_next: lowest sequence number of a PATH_STATUS_* that counts
 * @abandon_error: code of our PATH_ABANDON
 * @challenge: data of the PATH_CHALLENGEs in flight, newest first; NULL: there is none
 * @response: data of the PATH_RESPONSEs to send, oldest first
 * @challenge_due_ns: when to challenge again; 0: not validating
 * @validate_end_ns: when validation is given up
 * @gone_ns: when an abandoned path's state is freed
 * @suspect_ns: since when nothing comes back, or came the last time
 * @good_ns: since when a suspect path's probes are answered; 0: they are not
 * @progress_ns: when something sent on it was last acknowledged
 * @spared_ns: when what was under way was last sent again at the peer's wish
 * @copies: what it owes of what others sent
 * @reinject_lo: its packets below have been judged by reinjection, oldest first
 * @reinject_hi: its packets from here to @reinject_top, newest first
 * @reinject_top: next number when that began
 * @pmtu: size of the datagrams
 * @stats: counters
 * @rcu: freed after a grace period
 * @trial_due_ns: when it is sent again
 * @trial_end_ns: when the client stays where it is; 0: it does not try
 */
struct tquic_path {
	u32 id;
	u8 index;
	u8 state;
	bool validated;
	bool backup;
	bool metered;
	bool peer_backup;
	bool spare_due;
	bool told_backup;
	u8 tells;
	bool abandon_rcvd;
	bool abandon_acked;
	bool cids_blocked;
	bool ecn;
	bool down;
	bool pacing;
	bool acked_here;
	u8 moving;
	u8 ctl;
	u8 responses;
	u8 pto_count;
	u8 probes;
	bool overdue;
	u8 patience;
	bool late;
	u8 relapses;
	u16 weight;
	u64 rate_cap;
	void *link;

	struct tquic_space space;
	struct tquic_phase phase;
	struct tquic_rtt rtt;
	struct tquic_cc cc;
	struct tquic_pacer pacer;
	struct tquic_cidset_local local;
	struct tquic_cidset_remote remote;

	struct tquic_cid rx_dcid, other_dcid, probe_dcid;
	u8 other_response[TQUIC_PATH_DATA_LEN];
	u8 trial[TQUIC_PATH_DATA_LEN];
	u32 other_room_bytes;
	u32 told_pn;
	u64 tx_allowed_bytes;
	u64 status_seq;
	u64 peer_status_next;
	u64 abandon_error;

	struct {
		u8 count;
		u8 data[TQUIC_PATH_CHALLENGES][TQUIC_PATH_DATA_LEN];
	} *challenge;
	u8 response[TQUIC_PATH_RESPONSES][TQUIC_PATH_DATA_LEN];
	u64 challenge_due_ns;
	u64 validate_end_ns;
	u64 gone_ns;
	u64 suspect_ns;
	u64 good_ns;
	u64 progress_ns;
	u64 spared_ns;

	struct tquic_copies copies;
	u64 reinject_lo, reinject_hi, reinject_top;

	struct tquic_pmtu pmtu;

	struct tquic_path_stats stats;
	union {
		struct rcu_head rcu;
		struct {
			u64 trial_due_ns, trial_end_ns;
		};
	};
};

int tquic_path_cache_init(void);
void tquic_path_cache_exit(void);
struct tquic_path *tquic_path_create(struct tquic_conn *conn, u32 id, u64 now);
void tquic_path_set_state(struct tquic_conn *conn, struct tquic_path *path,
			  enum tquic_path_state state);
void tquic_path_bond(struct tquic_conn *conn, u64 now);
void tquic_path_destroy(struct tquic_conn *conn, struct tquic_path *path);
struct tquic_path *tquic_path_find(const struct tquic_conn *conn, u32 id);
struct tquic_path *tquic_path_spare(const struct tquic_conn *conn);
void tquic_path_ask(struct tquic_conn *conn);
int tquic_path_issue_cid(struct tquic_conn *conn, struct tquic_path *path, bool announce);
void tquic_path_replenish(struct tquic_conn *conn, u64 now);
int tquic_path_start(struct tquic_conn *conn, struct tquic_path *path, u64 now);
int tquic_path_close(struct tquic_conn *conn, struct tquic_path *path, u64 error, u64 now);
void tquic_path_abandon(struct tquic_conn *conn, struct tquic_path *path, u64 error, u64 now);
void tquic_path_link_down(struct tquic_conn *conn, struct tquic_path *path, u64 now);
void tquic_path_link_up(struct tquic_conn *conn, struct tquic_path *path, u64 now);
void tquic_path_set_flags(struct tquic_conn *conn, struct tquic_path *path, u32 flags);
void tquic_path_set_rate_cap(struct tquic_path *path, u64 rate);
bool tquic_path_told(struct tquic_path *path);
void tquic_path_on_status(struct tquic_conn *conn, struct tquic_path *path, bool backup, u64 now);
void tquic_path_set_mtu(struct tquic_conn *conn, struct tquic_path *path, u32 mtu_max_bytes);
void tquic_path_drain(struct tquic_conn *conn, struct tquic_path *path, u64 now);
void tquic_path_revalidate(struct tquic_conn *conn, struct tquic_path *path, u64 now);
void tquic_path_restart_mtu(struct tquic_path *path);
void tquic_path_too_big(struct tquic_path *path, u32 fits_bytes);
void tquic_path_set_validated(struct tquic_conn *conn, struct tquic_path *path, u64 now);
void tquic_path_stay(struct tquic_conn *conn, struct tquic_path *path, u64 now);
void tquic_path_on_challenge(struct tquic_path *path, const u8 *data);
void tquic_path_on_response(struct tquic_conn *conn, const u8 *data, u64 now);
void tquic_path_on_rx(struct tquic_path *path, u32 bytes);
void tquic_path_on_packet(struct tquic_conn *conn, struct tquic_path *path, u64 now);
const u8 *tquic_path_new_challenge(struct tquic_path *path, u64 now);
void tquic_path_on_late(struct tquic_path *path, u64 sent_ns, bool itself);
void tquic_path_on_progress(struct tquic_conn *conn, struct tquic_path *path, u64 due, u64 now);
u32 tquic_path_mtu_probe(const struct tquic_conn *conn, const struct tquic_path *path, u64 now);
void tquic_path_mtu_probe_lost(struct tquic_path *path, u32 bytes);
void tquic_path_mtu_probe_acked(struct tquic_path *path, u32 bytes);
void tquic_path_doubt_mtu(struct tquic_path *path, u64 sent_ns, u64 now);
u64 tquic_path_pto_deadline_ns(const struct tquic_conn *conn, struct tquic_path *path);
u64 tquic_path_deadline_ns(const struct tquic_conn *conn, struct tquic_path *path);
void tquic_path_on_timeout(struct tquic_conn *conn, struct tquic_path *path, u64 now);
bool tquic_path_others(const struct tquic_conn *conn, const struct tquic_path *path);
bool tquic_path_open_others(const struct tquic_conn *conn, const struct tquic_path *path);

/* Room under the anti-amplification limit, in bytes */
static inline u64 tquic_path_tx_room(const struct tquic_path *path)
{
	return path->validated ? U64_MAX : path->tx_allowed_bytes;
}

/* What it carries according to its window, bytes per second */
static inline u64 tquic_path_rate(const struct tquic_path *path)
{
	u64 rate = div64_u64(path->cc.cwnd * USEC_PER_SEC,
			     max_t(u64, div_u64(path->rtt.srtt_ns, NSEC_PER_USEC), 1));

	return min(min_not_zero(rate, path->rate_cap), TQUIC_RATE_MAX);
}

/* Time to the peer, as far as we know: queues are on the way there, not on the way back */
static inline u64 tquic_path_one_way_ns(const struct tquic_path *path)
{
	return path->rtt.srtt_ns - min(path->rtt.min_ns, path->rtt.srtt_ns) / 2;
}

/* Rate that packets are spread at, bytes per second; 0: they are not */
static inline u64 tquic_path_pacing_rate(const struct tquic_path *path)
{
	u64 rate = path->pacing ? tquic_cc_pacing_rate(&path->cc, &path->rtt) : 0;

	return min_not_zero(rate, path->rate_cap);
}

/*
 * Does its pacer and not its window say when it is full?  So it is with a controller
 * that has a rate of its own and keeps the window far above what is in flight, and
 * where the operator allows less than the window does.
 */
static inline bool tquic_path_rated(const struct tquic_path *path)
{
	return (path->pacing && path->cc.ops->pacing_rate) ||
	       (path->rate_cap && tquic_path_pacing_rate(path) == path->rate_cap);
}

/* May packets travel on it?  From the first packet until it is abandoned */
static inline bool tquic_path_is_open(const struct tquic_path *path)
{
	return path->state == TQUIC_PATH_VALIDATING ||
	       path->state == TQUIC_PATH_ACTIVE ||
	       path->state == TQUIC_PATH_SUSPECT;
}

#endif /* TQUIC_CORE_PATH_H */
