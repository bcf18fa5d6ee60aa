// SPDX-License-Identifier: GPL-2.0
/* From the engine's packets to UDP: seal in place, gather into batches, send */
#include <linux/local_lock.h>
#include <linux/percpu.h>
#include <linux/skbuff.h>
#include <trace/events/tquic.h>
#include <net/inet_ecn.h>
#include "crypto/seal.h"
#include "tquic_sock.h"

/* Datagrams one call may send; the timer or the next ACK goes on */
#define TQUIC_TX_BUDGET		256
/* After that many others get the CPU.  Long enough to be ahead when the timer is set */
#define TQUIC_TX_BREATH_NS	(50 * NSEC_PER_USEC)

/* Bytes of UDP payload in one skb: an IP packet with its headers holds them */
#define TQUIC_TX_BATCH_BYTES	65000

/**
 * struct tquic_tx_ctx - a batch of datagrams on its way; at the end of skb->head
 * @sk: socket, referenced while an asynchronous seal is under way
 * @pending: seals not ended, plus one for the submitter
 * @err: a seal failed: the batch is dropped, loss recovery repeats it
 * @path_id: path it leaves on
 * @seg_bytes: size of all its datagrams but the last, which may be shorter
 * @pkts: QUIC packets in it
 * @ecn: ECN bits of its datagrams
 * @closed: no datagram can follow
 * @other: to the path's other address
 */
struct tquic_tx_ctx {
	struct sock *sk;
	atomic_t pending;
	int err;
	u32 path_id;
	u16 seg_bytes;
	u16 pkts;
	u8 ecn;
	bool closed;
	bool other;
};

#define TQUIC_TX_CTX_BYTES	ALIGN(sizeof(struct tquic_tx_ctx), 8)

/**
 * struct tquic_tx_mem - where datagrams that follow others in a batch are built
 * @bh_lock: orders its users where softirqs do not
 * @frag: page they come from, one after the other
 */
struct tquic_tx_mem {
	local_lock_t bh_lock;
	struct page_frag frag;
};

static DEFINE_PER_CPU(struct tquic_tx_mem, tquic_tx_mem) = {
	.bh_lock = INIT_LOCAL_LOCK(bh_lock),
};

/**
 * struct tquic_tx_run - one call of tquic_tx_push()
 * @sk: socket
 * @frag: this CPU's memory for datagrams
 * @skb: batch being filled, or NULL; without packets only until its first one is built
 * @now: time in ns
 */
struct tquic_tx_run {
	struct sock *sk;
	struct page_frag *frag;
	struct sk_buff *skb;
	u64 now;
};

static struct tquic_tx_ctx *tquic_tx_ctx(const struct sk_buff *skb)
{
	return (struct tquic_tx_ctx *)(skb_end_pointer(skb) -
				       TQUIC_TX_CTX_BYTES);
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
	skb_queue_tail(&tquic_sk(sk)->sealed, skb);
	/* The batch's reference on the socket goes to the work item. */
	if (!queue_work(tquic_wq, &tquic_sk(sk)->work))
		sock_put(sk);
}

/* All is sealed. Context: lock held, BH off */
static void tquic_tx_xmit(struct sock *sk, struct sk_buff *skb)
{
	const struct tquic_tx_ctx *ctx = tquic_tx_ctx(skb);
	struct tquic_net *tn = tquic_sock_net(sk);
	struct tquic_path *path;
	struct tquic_link *link;
	int ret;

	path = tquic_path_find(&tquic_sk(sk)->conn, ctx->path_id);
	link = path ? path->link : NULL;
	if (ctx->err || !link) {
		TQUIC_INC(tn, TX_NO_MEM);
		trace_tquic_packet_dropped(&tquic_sk(sk)->conn, ctx->path_id,
					   TQUIC_DROP_SEAL, skb->len);
		kfree_skb(skb);
		return;
	}
	TQUIC_ADD(tn, TX_PKTS, ctx->pkts);
	if (ctx->other) {
		if (link->next)
			tquic_udp_xmit(link->next->udp, &link->next->route, skb, ctx->ecn,
				       ctx->seg_bytes);
		else
			tquic_udp_xmit(link->udp, &link->other, skb, ctx->ecn,
				       ctx->seg_bytes);
		return;
	}
	ret = tquic_udp_xmit(link->udp, &link->route, skb, ctx->ecn,
			     ctx->seg_bytes);
	/* The route learnt a smaller MTU: what was too big is lost. */
	if (ret == -EMSGSIZE && !tquic_udp_route(link->udp, &link->route))
		tquic_path_set_mtu(&tquic_sk(sk)->conn, path,
				   tquic_udp_route_payload(&link->route));
}

/* Send packets whose seals ended asynchronously. Context: process, lock held */
void tquic_tx_sealed(struct sock *sk)
{
	struct sk_buff *skb;

	while ((skb = skb_dequeue(&tquic_sk(sk)->sealed))) {
		local_bh_disable();
		tquic_tx_xmit(sk, skb);
		local_bh_enable();
	}
}

/* The batch gets no more datagrams: it leaves when all its seals have ended */
static void tquic_tx_flush(struct tquic_tx_run *run)
{
	struct sk_buff *skb = run->skb;
	struct tquic_tx_ctx *ctx;

	run->skb = NULL;
	if (!skb)
		return;
	ctx = tquic_tx_ctx(skb);
	if (!atomic_dec_and_test(&ctx->pending))
		return;
	__sock_put(run->sk);
	if (ctx->pkts)
		tquic_tx_xmit(run->sk, skb);
	else
		kfree_skb(skb);
}

/* Start a batch, with @room bytes for its first datagram in the buffer itself */
static bool tquic_tx_start(struct tquic_tx_run *run, u32 room)
{
	u32 around = TQUIC_UDP_HEADROOM + TQUIC_TX_CTX_BYTES;
	struct tquic_tx_ctx *ctx;

	run->skb = alloc_skb(around + ALIGN(room, 8), GFP_ATOMIC | __GFP_NOWARN);
	if (!run->skb)
		return false;
	skb_reserve(run->skb, TQUIC_UDP_HEADROOM);
	ctx = tquic_tx_ctx(run->skb);
	memset(ctx, 0, sizeof(*ctx));
	ctx->sk = run->sk;
	atomic_set(&ctx->pending, 1);
	/* For the seals under way, if there will be any */
	sock_hold(run->sk);
	return true;
}

/* The batch will be dropped: nothing more is to go down with it */
static void tquic_tx_fail(struct tquic_tx_ctx *ctx, int err)
{
	WRITE_ONCE(ctx->err, err);
	ctx->closed = true;
}

/* Seal the @n packets of a datagram that has its place in the batch */
static void tquic_tx_seal(struct tquic_tx_run *run,
			  const struct tquic_tx_pkt *pkts, int n)
{
	struct tquic_sock *tsk = tquic_sk(run->sk);
	struct tquic_tx_ctx *ctx = tquic_tx_ctx(run->skb);
	struct tquic_conn *conn = &tsk->conn;
	struct tquic_keys *keys;
	bool app;
	int ret;

	ctx->pkts += n;
	for (; n--; pkts++) {
		app = pkts->level == TQUIC_LEVEL_APP;
		keys = tquic_keyring_tx(&tsk->keys, pkts->level);
		if (!keys) {
			tquic_tx_fail(ctx, -ENOKEY);
			continue;
		}
		if (app)
			tquic_phase_on_tx(&pkts->path->phase, keys->gen, pkts->pn);
		atomic_inc(&ctx->pending);
		ret = tquic_pkt_seal(keys, app && conn->multipath ?
					   pkts->path->id : 0,
				     pkts->pn, pkts->data, pkts->hdr_len,
				     pkts->len - pkts->hdr_len,
				     tquic_tx_done, run->skb);
		if (ret == -EINPROGRESS)
			continue;
		if (ret)
			tquic_tx_fail(ctx, ret);
		if (ret == -EKEYEXPIRED)
			tquic_conn_close(conn, TQUIC_ERR_AEAD_LIMIT_REACHED, 0,
					 false, NULL, 0, run->now);
		atomic_dec(&ctx->pending);
	}
}

static u32 tquic_tx_dgram_bytes(const struct tquic_tx_pkt *pkts, int n)
{
	return pkts[n - 1].data + pkts[n - 1].len + TQUIC_AEAD_TAG_LEN -
	       pkts[0].data;
}

static u8 tquic_tx_ecn(const struct tquic_tx_pkt *pkts)
{
	return pkts[0].ect0 ? INET_ECN_ECT_0 : INET_ECN_NOT_ECT;
}

/* Enter the first datagram of a batch; probes of the size leave alone */
static void tquic_tx_lead(struct tquic_tx_run *run,
			  const struct tquic_tx_pkt *pkts, u32 bytes)
{
	struct tquic_tx_ctx *ctx = tquic_tx_ctx(run->skb);

	ctx->path_id = pkts[0].path->id;
	ctx->seg_bytes = bytes;
	ctx->ecn = tquic_tx_ecn(pkts);
	ctx->other = pkts[0].other;
	ctx->closed = ctx->other || bytes > pkts[0].path->pmtu.bytes;
}

/* Append bytes of the page at hand, next to those before if they adjoin */
static void tquic_tx_append(struct tquic_tx_run *run, u32 bytes)
{
	struct sk_buff *skb = run->skb;
	int i = skb_shinfo(skb)->nr_frags;

	if (skb_can_coalesce(skb, i, run->frag->page, run->frag->offset)) {
		skb_frag_size_add(&skb_shinfo(skb)->frags[i - 1], bytes);
	} else {
		get_page(run->frag->page);
		skb_fill_page_desc(skb, i, run->frag->page, run->frag->offset,
				   bytes);
	}
	skb->len += bytes;
	skb->data_len += bytes;
	skb->truesize += bytes;
	run->frag->offset += bytes;
}

/* Do the batch and a datagram of @bytes go together? (struct tquic_tx_ctx) */
static bool tquic_tx_fits(const struct tquic_tx_run *run,
			  const struct tquic_tx_pkt *pkts, u32 bytes)
{
	const struct tquic_tx_ctx *ctx = tquic_tx_ctx(run->skb);

	return !ctx->closed && !pkts[0].other && ctx->path_id == pkts[0].path->id &&
	       ctx->ecn == tquic_tx_ecn(pkts) && bytes <= ctx->seg_bytes &&
	       run->skb->len + bytes <= TQUIC_TX_BATCH_BYTES &&
	       run->skb->len / ctx->seg_bytes < TQUIC_UDP_GSO_SEGS_MAX &&
	       skb_shinfo(run->skb)->nr_frags < MAX_SKB_FRAGS;
}

/* Largest datagram any path may be asked to carry now */
static u32 tquic_tx_room(const struct tquic_conn *conn, u64 now)
{
	u32 room = TQUIC_MIN_UDP_PAYLOAD;
	const struct tquic_path *path;

	tquic_for_each_path(conn, path)
		room = max3(room, path->pmtu.bytes, tquic_path_mtu_probe(conn, path, now));
	return room;
}

/*
 * Memory for the next datagram: the buffer of a new batch, or behind the batch
 * there is.  When memory is short *@room comes out smaller.
 */
static u8 *tquic_tx_place(struct tquic_tx_run *run, u32 *room)
{
	struct page_frag *frag = run->frag;

	if (run->skb && !tquic_tx_ctx(run->skb)->closed &&
	    skb_page_frag_refill(*room, frag, GFP_ATOMIC | __GFP_NOWARN) &&
	    frag->size - frag->offset >= *room)
		return page_address(frag->page) + frag->offset;
	tquic_tx_flush(run);
	if (!tquic_tx_start(run, *room)) {
		*room = TQUIC_MIN_UDP_PAYLOAD;
		if (!tquic_tx_start(run, *room))
			return NULL;
	}
	return run->skb->data;
}

/* Build one datagram and make it part of a batch; false: nothing more to send */
static bool tquic_tx_dgram(struct tquic_tx_run *run)
{
	struct tquic_tx_pkt pkts[TQUIC_LEVEL_COUNT];
	struct tquic_conn *conn = &tquic_sk(run->sk)->conn;
	u32 bytes, room = tquic_tx_room(conn, run->now);
	u8 *data;
	int n;

	data = tquic_tx_place(run, &room);
	if (!data) {
		TQUIC_INC(tquic_sock_net(run->sk), TX_NO_MEM);
		conn->pace_due_ns = run->now + NSEC_PER_MSEC;
		return false;
	}
	n = tquic_conn_output(conn, data, room, run->now, pkts);
	if (!n)
		return false;
	bytes = tquic_tx_dgram_bytes(pkts, n);
	if (data == run->skb->data) {
		skb_put(run->skb, bytes);
		tquic_tx_lead(run, pkts, bytes);
	} else {
		if (!tquic_tx_fits(run, pkts, bytes)) {
			tquic_tx_flush(run);
			if (!tquic_tx_start(run, 0)) {
				/* As if it were lost on the way */
				TQUIC_INC(tquic_sock_net(run->sk), TX_NO_MEM);
				conn->pace_due_ns = run->now + NSEC_PER_MSEC;
				return false;
			}
			tquic_tx_lead(run, pkts, bytes);
		}
		tquic_tx_append(run, bytes);
	}
	tquic_tx_ctx(run->skb)->closed |= bytes < tquic_tx_ctx(run->skb)->seg_bytes;
	tquic_tx_seal(run, pkts, n);
	return true;
}

/**
 * tquic_tx_push() - send everything that may be sent now
 * @sk: socket
 *
 * Context: lock held, softirq or process.
 */
void tquic_tx_push(struct sock *sk)
{
	struct tquic_conn *conn = &tquic_sk(sk)->conn;
	struct tquic_keyring *keys = &tquic_sk(sk)->keys;
	struct tquic_tx_run run = { .sk = sk, .now = tquic_now_ns() };
	int budget = TQUIC_TX_BUDGET;

	/* Nothing may be acknowledged until there are new keys: a CONNECTION_CLOSE does not */
	if (tquic_keyring_tx_behind(keys) && conn->state != TQUIC_STATE_CLOSING)
		return;
	local_bh_disable();
	local_lock_nested_bh(&tquic_tx_mem.bh_lock);
	run.frag = this_cpu_ptr(&tquic_tx_mem.frag);
	while (budget && tquic_tx_dgram(&run))
		budget--;
	tquic_tx_flush(&run);
	if (!budget)
		conn->pace_due_ns = tquic_now_ns() + TQUIC_TX_BREATH_NS;
	local_unlock_nested_bh(&tquic_tx_mem.bh_lock);
	local_bh_enable();
	if (!conn->key_drop_prev_ns && tquic_keyring_update_due(keys))
		tquic_sock_queue_work(sk);
}

/* Let go of every CPU's page; no socket is left */
void tquic_tx_exit(void)
{
	struct page_frag *frag;
	int cpu;

	for_each_possible_cpu(cpu) {
		frag = &per_cpu_ptr(&tquic_tx_mem, cpu)->frag;
		if (frag->page)
			put_page(frag->page);
	}
}
