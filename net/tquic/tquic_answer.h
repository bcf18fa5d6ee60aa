/* SPDX-License-Identifier: GPL-2.0 */
/* Datagrams sent without a connection, in answer to one that has none */
#ifndef TQUIC_ANSWER_H
#define TQUIC_ANSWER_H

#include <linux/types.h>
#include "core/proto.h"

/* No stateless reset is smaller (RFC 9000 §10.3) */
#define TQUIC_RESET_BYTES_MIN	(5 + TQUIC_RESET_TOKEN_LEN)

struct sk_buff;
struct tquic_addr;
struct tquic_cid;
struct tquic_hdr;
struct tquic_net;
struct tquic_token_bind;
struct tquic_version;
struct tquic_udp;

void tquic_answer_bind(struct tquic_token_bind *bind, const struct tquic_version *v,
		       const struct tquic_addr *peer, const struct tquic_cid *rscid);
void tquic_answer_retry(struct tquic_net *tn, struct tquic_udp *udp,
			const struct sk_buff *skb, const struct tquic_hdr *h);
void tquic_answer_close(struct tquic_net *tn, struct tquic_udp *udp,
			const struct sk_buff *skb, const struct tquic_hdr *h, u64 code);
void tquic_answer_token(const struct tquic_net *tn, const struct tquic_cid *cid,
			u8 token[16]);
void tquic_answer_reset(struct tquic_net *tn, struct tquic_udp *udp,
			const struct sk_buff *skb, const struct tquic_hdr *h);
void tquic_answer_version(struct tquic_net *tn, struct tquic_udp *udp,
			  const struct sk_buff *skb, const struct tquic_hdr *h);

#endif /* TQUIC_ANSWER_H */
