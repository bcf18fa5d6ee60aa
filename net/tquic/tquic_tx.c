// SPDX-License-Identifier: GPL-2.0
/* From the engine's packets to UDP: seal, protect, send */
#include <linux/skbuff.h>
#include <trace/events/tquic.h>
#include <net/inet_ecn.h>
#include "crypto/seal.h"
#include "crypto/hp.h"
#include "tquic_sock.h"

/* Datagrams one call may send; the timer or the next ACK goes on */
#define TQUIC_TX_BUDGET		256

/**
 * struct tquic_tx_seal - a packet in the sealing; lies behind the datagram
 * @keys: what it is sealed with, referenced
 * @off: where the packet starts in the datagram
 * @len: header, payload and tag
 * @pn_off: packet number's offset in the packet
 * @pn_len: its length
 */
struct tquic_tx_seal {
	struct tquic_keys *keys;
	u16 off;
	u16 len;
	u16 pn_off;
	u8 pn_len;
};

/**
 * struct tquic_tx_ctx - a datagram on its way; lies at the end of its buffer
 * @sk: socket, referenced while an asynchronous seal is under way
 * @pending: seals not ended, plus one for the submitter
 * @err: a seal failed: the datagram is dropped, loss recovery repeats it
 * @path_id: path it leaves on
 * @ecn: its ECN bits
 * @n: packets
 * @seal: the packets
 */
struct tquic_tx_ctx {
	struct sock *sk;
	atomic_t pending;
	int err;
	u32 path_id;
	u8 ecn;
	int n;
	struct tquic_tx_seal seal[TQUIC_LEVEL_COUNT];
};

static struct tquic_tx_ctx *tquic_tx_ctx(const struct sk_buff *skb)
{
	return (struct tquic_tx_ctx *)(skb_end_pointer(skb) -
				       ALIGN(sizeof(struct tquic_tx_ctx), 8));
}

/* All seals have ended: protect the headers and let go of the keys */
static void tquic_tx_protect(struct sk_buff *skb, struct tquic_tx_ctx *ctx)
{
	int i;

	for (i = 0; i < ctx->n; i++) {
		struct tquic_tx_seal *s = &ctx->seal[i];

		if (!ctx->err)
			ctx->err = tquic_pkt_protect(s->keys, skb->data + s->off,
						     s->len, s->pn_off, s->pn_len);
		tquic_keys_put(s->keys);
	}
}

/*
 * An asynchronous seal has ended.  The route belongs to the lock, so the rest
 * is done by the work item.  Context: softirq or BH off.
 */
static void tquic_tx_done(void *arg, int err)
{
	struct sk_buff *skb = arg;
	struct tquic_tx_ctx *ctx = tquic_tx_ctx(skb);
	struct sock *sk = ctx->sk;

	if (err)
		WRITE_ONCE(ctx->err, err);
	if (!atomic_dec_and_test(&ctx->pending))
		return;
	tquic_tx_protect(skb, ctx);
	skb_queue_tail(&tquic_sk(sk)->sealed, skb);
	/* The datagram's reference on the socket goes to the work item. */
	if (!queue_work(tquic_wq, &tquic_sk(sk)->work))
		sock_put(sk);
}

static void tquic_tx_xmit(struct sock *sk, struct tquic_path *path,
			  struct sk_buff *skb)
{
	struct tquic_link *link = path->link;
	struct tquic_net *tn = tquic_sock_net(sk);
	int ret;

	TQUIC_ADD(tn, TX_PKTS, tquic_tx_ctx(skb)->n);
	ret = tquic_udp_xmit(link->udp, &link->route, skb,
			     tquic_tx_ctx(skb)->ecn, 0);
	/* The route learnt a smaller MTU: what was too big is lost. */
	if (ret == -EMSGSIZE && !tquic_udp_route(link->udp, &link->route))
		tquic_path_set_mtu(&tquic_sk(sk)->conn, path,
				   tquic_udp_route_payload(&link->route));
}

/* Send packets whose seals ended asynchronously. Context: process, lock held */
void tquic_tx_sealed(struct sock *sk)
{
	struct tquic_sock *tsk = tquic_sk(sk);
	struct tquic_path *path;
	struct sk_buff *skb;

	while ((skb = skb_dequeue(&tsk->sealed))) {
		struct tquic_tx_ctx *ctx = tquic_tx_ctx(skb);

		path = tquic_path_find(&tsk->conn, ctx->path_id);
		if (ctx->err || !path || !path->link) {
			trace_tquic_packet_dropped(&tsk->conn, ctx->path_id,
						   TQUIC_DROP_SEAL, skb->len);
			kfree_skb(skb);
			continue;
		}
		local_bh_disable();
		tquic_tx_xmit(sk, path, skb);
		local_bh_enable();
	}
}

/* Seal the @n packets of a datagram and send it when that is done at once */
static void tquic_tx_seal(struct sock *sk, struct sk_buff *skb,
			  const struct tquic_tx_pkt *pkts, int n)
{
	struct tquic_sock *tsk = tquic_sk(sk);
	struct tquic_conn *conn = &tsk->conn;
	struct tquic_path *path = pkts[0].path;
	struct tquic_tx_ctx *ctx = tquic_tx_ctx(skb);
	int i, ret;

	ctx->sk = sk;
	atomic_set(&ctx->pending, 1);
	ctx->err = 0;
	ctx->path_id = path->id;
	ctx->ecn = pkts[0].ect0 ? INET_ECN_ECT_0 : INET_ECN_NOT_ECT;
	ctx->n = 0;
	/* For the seals under way, if there will be any */
	sock_hold(sk);
	for (i = 0; i < n; i++) {
		const struct tquic_tx_pkt *p = &pkts[i];
		struct tquic_tx_seal *s = &ctx->seal[ctx->n];

		s->keys = tquic_keyring_tx(&tsk->keys, p->level);
		if (!s->keys || !tquic_keys_get(s->keys)) {
			ctx->err = -ENOKEY;
			continue;
		}
		s->off = p->data - skb->data;
		s->len = p->len + TQUIC_AEAD_TAG_LEN;
		s->pn_off = p->pn_off;
		s->pn_len = p->pn_len;
		ctx->n++;
		if (p->level == TQUIC_LEVEL_APP)
			tquic_phase_on_tx(&tsk->phase[path->index],
					  s->keys->gen, p->pn);
		atomic_inc(&ctx->pending);
		ret = tquic_aead_seal(s->keys,
				      p->level == TQUIC_LEVEL_APP &&
				      conn->multipath ? path->id : 0,
				      p->pn, p->data, p->hdr_len,
				      p->len - p->hdr_len, tquic_tx_done, skb);
		if (ret == -EINPROGRESS)
			continue;
		if (ret)
			WRITE_ONCE(ctx->err, ret);
		if (ret == -EKEYEXPIRED)
			tquic_conn_close(conn, TQUIC_ERR_AEAD_LIMIT_REACHED, 0,
					 false, NULL, 0, tquic_now_ns());
		atomic_dec(&ctx->pending);
	}
	if (!atomic_dec_and_test(&ctx->pending))
		return;
	__sock_put(sk);
	tquic_tx_protect(skb, ctx);
	if (ctx->err || !path->link) {
		TQUIC_INC(tquic_sock_net(sk), TX_NO_MEM);
		trace_tquic_packet_dropped(conn, path->id, TQUIC_DROP_SEAL, skb->len);
		kfree_skb(skb);
		return;
	}
	tquic_tx_xmit(sk, path, skb);
}

/* Largest datagram any path may be asked to carry now */
static u32 tquic_tx_room(const struct tquic_conn *conn)
{
	u32 room = TQUIC_MIN_UDP_PAYLOAD;
	unsigned int i;

	for (i = 0; i < TQUIC_PATHS_MAX; i++) {
		const struct tquic_path *path = tquic_conn_path(conn, i);

		if (path)
			room = max(room, path->ctl & TQUIC_PATH_CTL_MTU_PROBE ?
					 path->mtu_max_bytes : path->mtu_bytes);
	}
	return room;
}

/* Buffer for a datagram of *@room bytes, or of fewer when memory is short */
static struct sk_buff *tquic_tx_alloc(u32 *room)
{
	u32 around = TQUIC_UDP_HEADROOM + ALIGN(sizeof(struct tquic_tx_ctx), 8);
	struct sk_buff *skb;

	skb = alloc_skb(around + ALIGN(*room, 8), GFP_ATOMIC | __GFP_NOWARN);
	if (!skb && *room > TQUIC_MIN_UDP_PAYLOAD) {
		*room = TQUIC_MIN_UDP_PAYLOAD;
		skb = alloc_skb(around + ALIGN(*room, 8),
				GFP_ATOMIC | __GFP_NOWARN);
	}
	if (skb)
		skb_reserve(skb, TQUIC_UDP_HEADROOM);
	return skb;
}

/**
 * tquic_tx_push() - send everything that may be sent now
 * @sk: socket
 *
 * Context: lock held, softirq or process.
 */
void tquic_tx_push(struct sock *sk)
{
	struct tquic_tx_pkt pkts[TQUIC_LEVEL_COUNT];
	struct tquic_conn *conn = &tquic_sk(sk)->conn;
	int n, budget = TQUIC_TX_BUDGET;
	struct sk_buff *skb = NULL;
	u64 now = tquic_now_ns();
	u32 room;

	local_bh_disable();
	while (budget--) {
		if (!skb) {
			room = tquic_tx_room(conn);
			skb = tquic_tx_alloc(&room);
			if (!skb) {
				TQUIC_INC(tquic_sock_net(sk), TX_NO_MEM);
				conn->pace_due_ns = now + NSEC_PER_MSEC;
				break;
			}
		}
		n = tquic_conn_output(conn, skb->data, room, now, pkts);
		if (!n)
			break;
		skb_put(skb, pkts[n - 1].data + pkts[n - 1].len +
			     TQUIC_AEAD_TAG_LEN - skb->data);
		tquic_tx_seal(sk, skb, pkts, n);
		skb = NULL;
	}
	if (budget < 0)
		conn->pace_due_ns = now + NSEC_PER_USEC;
	local_bh_enable();
	kfree_skb(skb);
	/* RFC 9001 §6.6: before the keys wear out; tried again when refused */
	if (conn->keys_tx & BIT(TQUIC_LEVEL_APP) &&
	    tquic_keyring_update_due(&tquic_sk(sk)->keys))
		tquic_sock_update_keys(sk);
}
