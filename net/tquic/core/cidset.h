/* SPDX-License-Identifier: GPL-2.0 */
/* Connection ids of one path id: ours and the peer's (RFC 9000 section 5.1). */
#ifndef TQUIC_CORE_CIDSET_H
#define TQUIC_CORE_CIDSET_H

#include <linux/types.h>

#include "core/proto.h"

/* Bound of the peer's active ids of one path id, and of our active_connection_id_limit. */
#define TQUIC_CID_ACTIVE_MAX	4U
/* Bound of our own ids of one path id: two, one of a preferred address, one to spare. */
#define TQUIC_CID_ISSUED_MAX	4U
/* Retirements waiting for an acknowledgment (RFC 9000 section 5.1.2: at least twice the limit). */
#define TQUIC_CID_RETIRE_MAX	(2U * TQUIC_CID_ACTIVE_MAX)

/**
 * struct tquic_cid_local - an id we issued
 * @seq: its sequence number
 * @cid: the id
 * @unsent: a NEW_CONNECTION_ID frame has to be sent
 * @told: the peer may know of it
 */
struct tquic_cid_local {
	u64 seq;
	struct tquic_cid cid;
	bool unsent;
	bool told;
};

/**
 * struct tquic_cidset_local - ids we issued
 * @next_seq: sequence number of the next one
 * @limit: how many the peer takes, and we issue, at a time
 * @count: ids in @e
 * @zero_len: we use zero-length ids: none are issued or retired
 * @e: active ids in order of issue
 */
struct tquic_cidset_local {
	u64 next_seq;
	u8 limit;
	u8 count;
	bool zero_len;
	struct tquic_cid_local e[TQUIC_CID_ISSUED_MAX];
};

void tquic_cidset_local_init(struct tquic_cidset_local *c);

/* The peer's active_connection_id_limit. */
void tquic_cidset_local_set_limit(struct tquic_cidset_local *c, u64 limit);

/* How many more ids may be issued now. */
u32 tquic_cidset_local_room(const struct tquic_cidset_local *c);

/**
 * tquic_cidset_local_add() - issue an id
 * @c: the set
 * @cid: the id
 * @unsent: announce it with a NEW_CONNECTION_ID frame
 *
 * Return: the entry with its sequence number, NULL when there is no room.
 */
struct tquic_cid_local *tquic_cidset_local_add(struct tquic_cidset_local *c,
					       const struct tquic_cid *cid, bool unsent);

/* Entry to announce next, or NULL; clear its unsent flag once the frame is in a packet. */
struct tquic_cid_local *tquic_cidset_local_next_unsent(struct tquic_cidset_local *c);

/* NEW_CONNECTION_ID was lost. Return: true when it has to be sent again. */
bool tquic_cidset_local_lost(struct tquic_cidset_local *c, u64 seq);

/**
 * tquic_cidset_local_retire() - the peer's RETIRE_CONNECTION_ID
 * @c: the set
 * @seq: sequence number from the frame
 * @dcid: id the packet was addressed to, NULL when it is of another path id
 * @gone: the id to forget; length 0 when it had been retired before
 *
 * Return: 0 or TQUIC_ERR_PROTOCOL_VIOLATION.
 */
int tquic_cidset_local_retire(struct tquic_cidset_local *c, u64 seq, const struct tquic_cid *dcid,
			      struct tquic_cid *gone);

/* An id of the peer. @used: packets were sent to it. */
struct tquic_cid_remote {
	u64 seq;
	struct tquic_cid cid;
	u8 token[TQUIC_RESET_TOKEN_LEN];
	bool has_token;
	bool used;
};

/* A sequence number to retire. @unsent: a RETIRE_CONNECTION_ID frame has to be sent. */
struct tquic_cid_retired {
	u64 seq : 62;
	u64 unsent : 1;
};

/**
 * struct tquic_cidset_remote - ids the peer issued
 * @retire_prior_to: largest value seen
 * @seen_base: sequence numbers below were all seen
 * @seen: bit i: seen_base + i was seen
 * @limit: our active_connection_id_limit
 * @count: ids in @e
 * @retired_count: entries in @retired
 * @cur: index in @e of the id in use, -1 for none
 * @e: active ids, unordered
 * @retired: retirements not acknowledged yet
 */
struct tquic_cidset_remote {
	u64 retire_prior_to;
	u64 seen_base;
	u64 seen;
	u8 limit;
	u8 count;
	u8 retired_count;
	s8 cur;
	struct tquic_cid_remote e[TQUIC_CID_ACTIVE_MAX];
	struct tquic_cid_retired retired[TQUIC_CID_RETIRE_MAX];
};

/* @limit: our active_connection_id_limit, 2 to TQUIC_CID_ACTIVE_MAX. */
void tquic_cidset_remote_init(struct tquic_cidset_remote *c, u64 limit);

/* The id learnt in the handshake (sequence number 0); replaces an earlier one. */
void tquic_cidset_remote_set_initial(struct tquic_cidset_remote *c, const struct tquic_cid *cid);

/* The stateless_reset_token parameter: belongs to sequence number 0. */
void tquic_cidset_remote_set_token(struct tquic_cidset_remote *c, const u8 *token);

/**
 * tquic_cidset_remote_add() - the peer's NEW_CONNECTION_ID, or its preferred address
 * @c: the set
 * @seq: sequence number
 * @retire_prior_to: at most @seq (checked by the frame parser)
 * @cid: the id
 * @token: its stateless reset token
 *
 * When the id in use has to go, another one takes its place.
 *
 * Return: 0, TQUIC_ERR_PROTOCOL_VIOLATION, TQUIC_ERR_CONNECTION_ID_LIMIT.
 */
int tquic_cidset_remote_add(struct tquic_cidset_remote *c, u64 seq, u64 retire_prior_to,
			    const struct tquic_cid *cid, const u8 *token);

/* Id to send to, NULL while none is in use. */
const struct tquic_cid *tquic_cidset_remote_current(const struct tquic_cidset_remote *c);

/* The id that takes its place, NULL while there is none. */
const struct tquic_cid *tquic_cidset_remote_next(const struct tquic_cidset_remote *c);

/* Number of ids never used. */
u32 tquic_cidset_remote_spare(const struct tquic_cidset_remote *c);

/**
 * tquic_cidset_remote_rotate() - use the next unused id; the one in use is retired
 * @c: the set
 *
 * Return: 0; -ENOENT without an unused id, -ENOBUFS when too many retirements
 * wait for acknowledgments: the one in use stays.
 */
int tquic_cidset_remote_rotate(struct tquic_cidset_remote *c);

/* The next unused id was seen on a way that is not taken: retire it. */
void tquic_cidset_remote_spend(struct tquic_cidset_remote *c);

/* Sequence number to retire next; false when there is none. */
bool tquic_cidset_remote_next_retire(const struct tquic_cidset_remote *c, u64 *seq);
void tquic_cidset_remote_retire_sent(struct tquic_cidset_remote *c, u64 seq);
void tquic_cidset_remote_retire_acked(struct tquic_cidset_remote *c, u64 seq);
void tquic_cidset_remote_retire_lost(struct tquic_cidset_remote *c, u64 seq);

/* Is @token (16 bytes) the reset token of an id we sent to? Takes the same time for any answer. */
bool tquic_cidset_remote_is_reset(const struct tquic_cidset_remote *c, const u8 *token);

#endif
