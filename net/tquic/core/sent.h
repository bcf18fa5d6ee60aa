/* SPDX-License-Identifier: GPL-2.0 */
/* Ring of the packets sent in one packet number space, indexed by number. */
#ifndef TQUIC_CORE_SENT_H
#define TQUIC_CORE_SENT_H

#include <linux/types.h>

#include "cc/rate.h"
#include "core/rec.h"

#define TQUIC_SENT_MAX		32768	/* packet numbers tracked at once */
#define TQUIC_SENT_SPARE	1024	/* of these, kept for probes and acknowledgments */
#define TQUIC_SENT_CHUNK	16	/* slots of one allocation */

enum tquic_sent_state {
	TQUIC_SENT_FREE,
	TQUIC_SENT_OUTSTANDING,
	TQUIC_SENT_ACKED,
	TQUIC_SENT_LOST,
	TQUIC_SENT_GIVEN_UP,		/* not lost: its frames went elsewhere */
	TQUIC_SENT_SKIPPED,		/* number left out on purpose */
};

#define TQUIC_SENT_F_ELICITING	0x01
#define TQUIC_SENT_F_IN_FLIGHT	0x02	/* counts against the congestion window */
#define TQUIC_SENT_F_ECT0	0x04
#define TQUIC_SENT_F_MTU_PROBE	0x08	/* its loss says nothing about congestion */
#define TQUIC_SENT_F_KEPT	0x10	/* given up, and keeps a copy of what it held */

/**
 * struct tquic_sent_pkt - what is remembered of a sent packet
 * @sent_ns: when it left (all but acked packets)
 * @run_lo: acked packets: all numbers from here to this one are acked
 * @recs: outstanding packets: frames whose fate follows the packet's; packets given
 *	up with %TQUIC_SENT_F_KEPT: what need not be sent again if they are acknowledged
 * @lost_ns: other packets lost or given up: since when
 * @bytes: datagram bytes, as counted by congestion control
 * @state: enum tquic_sent_state
 * @flags: TQUIC_SENT_F_*
 */
struct tquic_sent_pkt {
	union {
		u64 sent_ns;
		u64 run_lo;
	};
	union {
		struct tquic_rec *recs;
		u64 lost_ns;
	};
	u32 bytes;
	u8 state;
	u8 flags;
};

struct tquic_sent_chunk;

/**
 * struct tquic_sent - the ring
 * @base: lowest number remembered
 * @head: no packet below is outstanding
 * @eliciting: no packet below is outstanding and eliciting
 * @next: one above the highest number added
 * @kept_ns: when packets that keep their frames were given up the last time
 * @dir: chunks, indexed by (number / TQUIC_SENT_CHUNK) & @dir_mask
 * @dir_mask: size of @dir less one
 * @rated: new chunks have room for what rates are computed from
 */
struct tquic_sent {
	u64 base;
	u64 head;
	u64 eliciting;
	u64 next;
	u64 kept_ns;
	struct tquic_sent_chunk **dir;
	u32 dir_mask;
	bool rated;
};

/* Do so many wait for their fate that what is left is for probes and acknowledgments? */
static inline bool tquic_sent_crowded(const struct tquic_sent *s)
{
	return s->next - s->head > TQUIC_SENT_MAX - TQUIC_SENT_SPARE;
}

void tquic_sent_init(struct tquic_sent *s);
void tquic_sent_clear(struct tquic_sent *s);
int tquic_sent_reserve(struct tquic_sent *s, u64 pn);
struct tquic_sent_pkt *tquic_sent_add(struct tquic_sent *s, u64 pn);
struct tquic_sent_pkt *tquic_sent_get(const struct tquic_sent *s, u64 pn);
struct tquic_sent_pkt *tquic_sent_oldest_eliciting(struct tquic_sent *s);
struct tquic_rate_pkt *tquic_sent_rate(const struct tquic_sent *s, u64 pn);
void tquic_sent_advance(struct tquic_sent *s, u64 horizon_ns);

#endif /* TQUIC_CORE_SENT_H */
