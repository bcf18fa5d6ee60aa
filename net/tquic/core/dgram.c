// SPDX-License-Identifier: GPL-2.0
/* Datagrams to send (RFC 9221): the one due first goes first */
#include <linux/build_bug.h>
#include <linux/skbuff.h>
#include "core/build.h"
#include "core/conn.h"
#include "core/deadline.h"
#include "core/dgram.h"
#include "core/frame.h"

/**
 * struct tquic_dgram - what is known of a datagram that waits, in skb->cb
 * @deadline_ns: when it is due, or TQUIC_DEADLINE_NONE
 * @drop: it is of no use later
 */
struct tquic_dgram {
	u64 deadline_ns;
	bool drop;
};

static struct tquic_dgram *tquic_dgram(const struct sk_buff *skb)
{
	BUILD_BUG_ON(sizeof(struct tquic_dgram) > sizeof(skb->cb));
	return (struct tquic_dgram *)skb->cb;
}

/**
 * tquic_dgram_peer_bytes() - what the peer takes in a datagram
 * @conn: connection
 *
 * Return: payload of a frame with type and length, which count too; 0: it takes none.
 */
u64 tquic_dgram_peer_bytes(const struct tquic_conn *conn)
{
	u64 max_bytes = conn->peer.max_datagram_frame_size;

	return max_bytes - min_t(u64, max_bytes, 1 + 2);
}

/**
 * tquic_dgram_queue() - have a datagram sent
 * @conn: connection, established
 * @skb: its payload; goes with the call
 * @deadline_ns: when it is due, or TQUIC_DEADLINE_NONE
 * @drop: do not send it when it would be late
 *
 * Context: connection lock held.
 */
void tquic_dgram_queue(struct tquic_conn *conn, struct sk_buff *skb, u64 deadline_ns, bool drop)
{
	struct sk_buff *before;

	*tquic_dgram(skb) = (struct tquic_dgram) { deadline_ns, drop };
	conn->dgram_tx_bytes += skb->truesize;
	skb_queue_reverse_walk(&conn->dgram_tx, before)
		if (tquic_dgram(before)->deadline_ns <= deadline_ns) {
			__skb_queue_after(&conn->dgram_tx, before, skb);
			return;
		}
	__skb_queue_head(&conn->dgram_tx, skb);
}

/**
 * tquic_dgram_last_due_ns() - when the last of those that wait is due
 * @conn: connection
 *
 * Return: time in ns, TQUIC_DEADLINE_NONE when it may take any; 0: none waits.
 */
u64 tquic_dgram_last_due_ns(const struct tquic_conn *conn)
{
	struct sk_buff *skb = skb_peek_tail(&conn->dgram_tx);

	return skb ? tquic_dgram(skb)->deadline_ns : 0;
}

/* Wide as it is no packet of the path carries it, or it is too late for it */
static bool tquic_dgram_useless(struct tquic_conn *conn, const struct sk_buff *skb,
				u32 max_bytes, u64 now)
{
	const struct tquic_dgram *d = tquic_dgram(skb);

	return skb->len > max_bytes ||
	       (d->drop && tquic_deadline_missed(conn, d->deadline_ns, now));
}

/* False: it has to wait for another packet */
static bool tquic_dgram_put(struct tquic_build *bld, const struct sk_buff *skb)
{
	struct tquic_rec *rec = tquic_build_rec(bld, TQUIC_REC_DATAGRAM);
	bool last = tquic_wbuf_left(&bld->b) == 1 + skb->len;
	u8 *start = bld->b.p;

	if (!rec)
		return false;
	if (!tquic_frame_put_datagram_hdr(&bld->b, skb->len, last) ||
	    !tquic_put_bytes(&bld->b, skb->data, skb->len)) {
		bld->b.p = start;
		tquic_build_undo(bld, rec);
		return false;
	}
	rec->len = skb->len;
	tquic_build_commit(bld, rec);
	if (last)
		bld->full = true;
	return true;
}

/**
 * tquic_dgram_build() - put datagrams that wait into a packet
 * @conn: connection
 * @bld: packet under construction
 * @max_bytes: payload that fits into a packet of the path with nothing else in it
 * @fits_bytes: the same of this one, which may be smaller
 * @floor_ns: those due before are left to another path
 *
 * Drops what cannot be sent any more.
 */
void tquic_dgram_build(struct tquic_conn *conn, struct tquic_build *bld, u32 max_bytes,
		       u32 fits_bytes, u64 floor_ns)
{
	struct sk_buff *skb, *next;

	skb_queue_walk_safe(&conn->dgram_tx, skb, next) {
		bool useless = tquic_dgram_useless(conn, skb, max_bytes, bld->now);

		/* What has to wait for a larger packet is not in the way of the rest. */
		if (!useless && (tquic_dgram(skb)->deadline_ns < floor_ns ||
				 skb->len > fits_bytes))
			continue;
		if (!useless && !tquic_dgram_put(bld, skb))
			return;
		__skb_unlink(skb, &conn->dgram_tx);
		conn->dgram_tx_bytes -= skb->truesize;
		conn->todo |= TQUIC_TODO_DGRAM;
		if (useless) {
			conn->stats.datagrams_dropped++;
			kfree_skb(skb);
		} else {
			conn->stats.datagrams_sent++;
			consume_skb(skb);
		}
		if (bld->full)
			return;
	}
}
