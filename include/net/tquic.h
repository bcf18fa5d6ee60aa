/* SPDX-License-Identifier: GPL-2.0 */
/* What tquic.ko offers other modules, in the export namespace "TQUIC" */
#ifndef _NET_TQUIC_H
#define _NET_TQUIC_H

#include <linux/types.h>
#include <linux/tquic.h>

struct net;
struct sock;

/* Paths a connection can have at a time */
#define TQUIC_SK_PATHS_MAX	16

/**
 * struct tquic_sk_iter - where a walk over the sockets of a namespace is
 * @listener: number of the last listener seen
 * @token: token of the last connection seen
 *
 * A zeroed one is at the beginning. It holds no reference and may be kept as
 * long as wanted: sockets that are there all the time are seen exactly once.
 */
struct tquic_sk_iter {
	u64 listener;
	unsigned long token;
};

struct sock *tquic_sk_next(struct net *net, struct tquic_sk_iter *iter);
void tquic_sk_put(struct sock *sk);
void tquic_sk_info(struct sock *sk, struct tquic_info *info);
bool tquic_sk_path_info(const struct sock *sk, unsigned int slot,
			struct tquic_path_info *info);
void tquic_sk_queues(const struct sock *sk, u32 *rqueue, u32 *wqueue);

#endif /* _NET_TQUIC_H */
