/* SPDX-License-Identifier: GPL-2.0 */
/* What one frame of a sent packet carried, so that it can be acked or repeated. */
#ifndef TQUIC_CORE_REC_H
#define TQUIC_CORE_REC_H

#include <linux/rbtree.h>
#include <linux/types.h>

/* The operands of each kind; a kind without operands needs only its name. */
enum tquic_rec_kind {
	TQUIC_REC_STREAM,		/* id = stream, off, len, fin */
	TQUIC_REC_CRYPTO,		/* level, off, len */
	TQUIC_REC_DATAGRAM,		/* len */
	TQUIC_REC_ACK,			/* id = path id, off = largest acked in it */
	TQUIC_REC_PING,
	TQUIC_REC_MTU_PROBE,		/* id = path id, off = size */
	TQUIC_REC_RESET_STREAM,		/* id = stream, off = bytes to deliver before it */
	TQUIC_REC_STOP_SENDING,		/* id = stream */
	TQUIC_REC_MAX_DATA,		/* off = limit */
	TQUIC_REC_MAX_STREAM_DATA,	/* id = stream, off = limit */
	TQUIC_REC_MAX_STREAMS_BIDI,	/* off = limit */
	TQUIC_REC_MAX_STREAMS_UNI,	/* off = limit */
	TQUIC_REC_DATA_BLOCKED,		/* off = limit */
	TQUIC_REC_STREAM_DATA_BLOCKED,	/* id = stream, off = limit */
	TQUIC_REC_STREAMS_BLOCKED_BIDI,	/* off = limit */
	TQUIC_REC_STREAMS_BLOCKED_UNI,	/* off = limit */
	TQUIC_REC_NEW_CID,		/* id = path id, off = sequence number */
	TQUIC_REC_RETIRE_CID,		/* id = path id, off = sequence number */
	TQUIC_REC_NEW_TOKEN,
	TQUIC_REC_HANDSHAKE_DONE,
	TQUIC_REC_PATH_CHALLENGE,	/* id = path id */
	TQUIC_REC_PATH_ABANDON,		/* id = path id, off = error code */
	TQUIC_REC_PATH_STATUS,		/* id = path id, off = sequence number */
	TQUIC_REC_MAX_PATH_ID,		/* off = limit */
	TQUIC_REC_PATHS_BLOCKED,	/* off = limit */
	TQUIC_REC_PATH_CIDS_BLOCKED,	/* id = path id, off = next sequence number */
	TQUIC_REC_ACK_FREQUENCY,	/* off = sequence number */
	TQUIC_REC_KINDS
};

/**
 * struct tquic_rec - one frame of a sent packet
 * @next: next frame of the same packet, or of the list handed over on ack/loss
 * @rb: node of a stream's acked or lost set once the packet's fate is known
 * @id: first operand, see enum tquic_rec_kind
 * @off: second operand
 * @len: payload bytes
 * @kind: enum tquic_rec_kind
 * @level: enum tquic_level of a CRYPTO frame
 * @fin: the STREAM frame carried FIN
 * @again: the STREAM frame repeated what had been lost, and is no copy
 *
 * Moving the object from the packet to the stream means that neither an
 * acknowledgment nor a loss has to allocate.
 */
struct tquic_rec {
	union {
		struct tquic_rec *next;
		struct rb_node rb;
	};
	u64 id;
	u64 off;
	u32 len;
	u8 kind;
	u8 level;
	u8 fin;
	u8 again;
};

int tquic_rec_cache_init(void);
void tquic_rec_cache_exit(void);
struct tquic_rec *tquic_rec_alloc(gfp_t gfp);
void tquic_rec_free(struct tquic_rec *rec);
void tquic_rec_free_list(struct tquic_rec *list);

/**
 * tquic_rec_push() - put a record in front of a list
 * @list: head of the list
 * @rec: record owned by nobody else
 */
static inline void tquic_rec_push(struct tquic_rec **list, struct tquic_rec *rec)
{
	rec->next = *list;
	*list = rec;
}

/**
 * tquic_rec_pop() - take the first record of a list
 * @list: head of the list
 *
 * Return: the record, now owned by the caller, or NULL.
 */
static inline struct tquic_rec *tquic_rec_pop(struct tquic_rec **list)
{
	struct tquic_rec *rec = *list;

	if (rec)
		*list = rec->next;
	return rec;
}

/* All records of a list go over to another */
static inline void tquic_rec_splice(struct tquic_rec **to, struct tquic_rec **from)
{
	struct tquic_rec *rec;

	while ((rec = tquic_rec_pop(from)))
		tquic_rec_push(to, rec);
}

/* Those of stream data do, the others stay */
static inline void tquic_rec_take_stream(struct tquic_rec **to, struct tquic_rec **from)
{
	struct tquic_rec *rec, *list = *from;

	*from = NULL;
	while ((rec = tquic_rec_pop(&list)))
		tquic_rec_push(rec->kind == TQUIC_REC_STREAM ? to : from, rec);
}

#endif /* TQUIC_CORE_REC_H */
