/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of a pair call of each other. */
#ifndef TQUIC_TEST_PAIR_PARTS_H
#define TQUIC_TEST_PAIR_PARTS_H

#include "test/pair.h"

/* ECN field a datagram was sent with */
#define PAIR_ECN(skb)	((skb)->cb[0])
#define PAIR_ECT0	2

void pair_fail(struct pair *p, const char *why);
void pair_blame(struct pair *p, const char *why);
void pair_link_send(struct pair *p, u32 i, u32 to, struct sk_buff *skb);
u64 pair_link_arrival(const struct pair *p, u32 *link, u32 *to);
struct sk_buff *pair_link_take(struct pair_link *link, u32 to);
void pair_flow_write(struct pair_end *e, struct pair_flow *f);
void pair_flow_read(struct pair_end *e, struct pair_flow *f);

#endif /* TQUIC_TEST_PAIR_PARTS_H */
