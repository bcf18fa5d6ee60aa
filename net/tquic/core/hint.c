// SPDX-License-Identifier: GPL-2.0
/*
 * Hints: what a faster path says of the packets of a slower one
 *
 * A reader waits for what a slow path has lost, and the slow path's own acknowledgment
 * takes as long as the data did.  Where another is much faster, a receiver says there, too,
 * what has arrived and what has not: RFC 10069 has PATH_ACK go on any path.  Of the data
 * that counts at once: what is missing goes again, and what has arrived need not.  Of the
 * path it counts for nothing but that it works: its round trip, rate and window are those
 * of packets and acknowledgments that both went its way, and each packet is under way until
 * its own acknowledgment says otherwise.  A peer that sends none there is taken at its word.
 */
#include <linux/minmax.h>
#include "core/conn.h"
#include "core/ctrl.h"
#include "core/frame.h"
#include "core/hint.h"
#include "core/loss.h"
#include "core/rec.h"

/**
 * tquic_hint_is_one() - is what was said of a path no more than a hint
 * @on: other path that the acknowledgment came on
 * @path: path that it is about
 * @now: time in ns
 *
 * Return: true when the path's own acknowledgment is on its way, as far as can be known.
 */
bool tquic_hint_is_one(const struct tquic_path *on, const struct tquic_path *path, u64 now)
{
	return path->state == TQUIC_PATH_ACTIVE && !path->peer_backup &&
	       tquic_hint_is_faster(on, path, TQUIC_HINT_TENTHS_TAKEN) &&
	       now - path->space.own_ack_ns < 2 * path->rtt.srtt_ns;
}

/**
 * tquic_hint_on_ack() - take in an acknowledgment that is a hint
 * @conn: connection
 * @path: path that it is about
 * @f: parsed PATH_ACK frame
 * @now: time in ns
 *
 * Each packet is looked at once, but for the newest, which may only be late.
 *
 * Return: 0, or TQUIC_ERR_PROTOCOL_VIOLATION when it is about packets that were never sent.
 */
int tquic_hint_on_ack(struct tquic_conn *conn, struct tquic_path *path,
		      const struct tquic_frame *f, u64 now)
{
	u64 delay_ns = tquic_loss_delay_ns(&path->space, &path->rtt);
	u64 largest = f->ack.largest, above = largest + 1;
	struct tquic_rec *acked = NULL, *lost = NULL;
	struct tquic_space *space = &path->space;
	u64 pn, from, lo, hi, due_ns, newest_ns = 0;
	struct tquic_sent_pkt *pkt;
	struct tquic_ack_iter it;
	int ret = 0;

	if (largest >= space->next_pn)
		return TQUIC_ERR_PROTOCOL_VIOLATION;
	from = max(space->hint_pn, space->sent.head);
	tquic_ack_iter_init(&it, f);
	while (above > from && tquic_ack_iter_next(&it, &lo, &hi)) {
		for (pn = max(hi + 1, from); pn < above; pn++) {
			pkt = tquic_sent_get(&space->sent, pn);
			if (pkt->state == TQUIC_SENT_OUTSTANDING &&
			    tquic_loss_is_lost(space, pn, largest, pkt, delay_ns, now))
				tquic_rec_take_stream(&lost, &pkt->recs);
		}
		for (pn = max(lo, from); pn <= hi; pn++) {
			pkt = tquic_sent_get(&space->sent, pn);
			if (pkt->state == TQUIC_SENT_SKIPPED)
				ret = TQUIC_ERR_PROTOCOL_VIOLATION;
			if (pkt->state != TQUIC_SENT_OUTSTANDING)
				continue;
			newest_ns = max(newest_ns, pkt->sent_ns);
			tquic_rec_splice(&acked, &pkt->recs);
		}
		above = lo;
	}
	if (largest >= TQUIC_LOSS_PKT_THRESHOLD)
		space->hint_pn = max(space->hint_pn, largest + 1 - TQUIC_LOSS_PKT_THRESHOLD);
	due_ns = newest_ns + path->rtt.srtt_ns;
	tquic_ctrl_on_acked(conn, acked, max(due_ns, now));
	tquic_ctrl_on_lost(conn, lost);
	if (newest_ns)
		tquic_path_on_progress(conn, path, due_ns, now);
	return ret;
}
