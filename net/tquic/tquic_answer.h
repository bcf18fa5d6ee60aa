/* SPDX-License-Identifier: GPL-2.0 */
/* Datagrams sent without a connection, in answer to one that has none */
#ifndef TQUIC_ANSWER_H
#define TQUIC_ANSWER_H

#include <linux/types.h>

struct sk_buff;
struct tquic_hdr;
struct tquic_net;
struct tquic_udp;

void tquic_answer_version(struct tquic_net *tn, struct tquic_udp *udp,
			  const struct sk_buff *skb, const struct tquic_hdr *h);

#endif /* TQUIC_ANSWER_H */
