// SPDX-License-Identifier: GPL-2.0
/* Datagrams sent without a connection, in answer to one that has none */
#include <linux/completion.h>
#include <linux/random.h>
#include <linux/siphash.h>
#include <linux/skbuff.h>
#include <net/inet_ecn.h>
#include "core/frame.h"
#include "core/header.h"
#include "crypto/keyring.h"
#include "crypto/retry.h"
#include "crypto/seal.h"
#include "crypto/token.h"
#include "tquic_answer.h"
#include "tquic_sock.h"

/* Answers of one kind per namespace, and how many at once */
#define TQUIC_ANSWER_INTERVAL_NS	NSEC_PER_MSEC
#define TQUIC_ANSWER_BURST		100

/* Bytes of a stateless reset: fewer than a packet has, more than 41 when what
 * it answers allows (RFC 9000 §10.3).
 */
#define TQUIC_RESET_BYTES	43

/* Room of a Retry packet with the longest ids and token */
#define TQUIC_RETRY_BYTES_MAX	(1 + 4 + 2 * (1 + TQUIC_CID_MAX_LEN) + \
				 TQUIC_TOKEN_OWN_MAX_LEN + TQUIC_RETRY_TAG_LEN)

/* Room of a Version Negotiation packet with the longest ids */
#define TQUIC_VN_BYTES_MAX	(1 + 4 + 2 * (1 + TQUIC_CID_MAX_LEN_ANY) + \
				 (TQUIC_VERSION_COUNT + 1) * 4)

/* Room of an Initial packet with the longest ids that closes for a reason of RFC 9000 */
#define TQUIC_CLOSE_BYTES_MAX	(1 + 4 + 2 * (1 + TQUIC_CID_MAX_LEN) + 1 + 2 + 1 + \
				 4 + TQUIC_AEAD_TAG_LEN)

static bool tquic_answer_allowed(struct tquic_net *tn, enum tquic_answer kind)
{
	bool ok;

	spin_lock_bh(&tn->lock);
	ok = tquic_bucket_take(&tn->answers[kind], TQUIC_ANSWER_INTERVAL_NS,
			       TQUIC_ANSWER_BURST, tquic_now_ns());
	spin_unlock_bh(&tn->lock);
	if (!ok)
		TQUIC_INC(tn, TX_ANSWERS_LIMITED);
	return ok;
}

static struct sk_buff *tquic_answer_alloc(struct tquic_net *tn, u32 bytes)
{
	struct sk_buff *skb;

	skb = alloc_skb(TQUIC_UDP_HEADROOM + bytes, GFP_ATOMIC | __GFP_NOWARN);
	if (!skb) {
		TQUIC_INC(tn, TX_NO_MEM);
		return NULL;
	}
	skb_reserve(skb, TQUIC_UDP_HEADROOM);
	return skb;
}

/*
 * Send the @len bytes written at the start of @skb back to where @in came from; 0
 * when they could not be written.  Nothing is kept, so the way there is looked up
 * each time.
 */
static bool tquic_answer_send(struct tquic_net *tn, struct tquic_udp *udp,
			      const struct sk_buff *in, struct sk_buff *skb, int len)
{
	struct tquic_route rt = {};
	int ret;

	if (!len)
		TQUIC_INC(tn, TX_NO_MEM);
	if (!len || !tquic_udp_hold(udp)) {
		kfree_skb(skb);
		return false;
	}
	skb_put(skb, len);
	tquic_skb_addrs(in, &rt.local, &rt.peer);
	local_bh_disable();
	ret = tquic_udp_xmit(udp, &rt, skb, INET_ECN_NOT_ECT, 0);
	local_bh_enable();
	tquic_udp_route_release(&rt);
	tquic_udp_put(udp);
	return !ret;
}

/**
 * tquic_answer_token() - stateless reset token of one of our ids
 * @tn: namespace
 * @cid: the id
 * @token: destination
 *
 * The same id has the same token as long as the namespace lives, so that none
 * has to be remembered (RFC 9000 §10.3.2).
 */
void tquic_answer_token(const struct tquic_net *tn, const struct tquic_cid *cid,
			u8 token[16])
{
	u64 half[2];

	half[0] = siphash(cid->id, cid->len, &tn->reset_key);
	half[1] = siphash_2u64(half[0], cid->len, &tn->reset_key);
	memcpy(token, half, sizeof(half));
}

/**
 * tquic_answer_reset() - tell the sender that its connection is not known here
 * @tn: namespace
 * @udp: socket the datagram came to
 * @skb: the datagram
 * @h: its header, a short one
 *
 * The answer is smaller than what it answers, so two ends that know nothing of
 * each other fall silent (RFC 9000 §10.3.3).
 *
 * Context: softirq or BH off, under rcu_read_lock().
 */
void tquic_answer_reset(struct tquic_net *tn, struct tquic_udp *udp,
			const struct sk_buff *skb, const struct tquic_hdr *h)
{
	u32 bytes = min_t(u32, skb->len - 1, TQUIC_RESET_BYTES);
	struct sk_buff *out;
	u8 *p;

	if (bytes < TQUIC_RESET_BYTES_MIN ||
	    !tquic_answer_allowed(tn, TQUIC_ANSWER_RESET))
		return;
	out = tquic_answer_alloc(tn, bytes);
	if (!out)
		return;
	p = out->data;
	get_random_bytes(p, bytes - TQUIC_RESET_TOKEN_LEN);
	*p = (*p & ~TQUIC_HDR_LONG) | TQUIC_HDR_FIXED;
	tquic_answer_token(tn, &h->dcid, p + bytes - TQUIC_RESET_TOKEN_LEN);
	if (tquic_answer_send(tn, udp, skb, out, bytes))
		TQUIC_INC(tn, TX_RESET);
}

/**
 * tquic_answer_bind() - who a token is good for
 * @bind: destination
 * @v: version it is given out in
 * @peer: address of the client
 * @rscid: id a Retry tells it to use, NULL for a NEW_TOKEN
 */
void tquic_answer_bind(struct tquic_token_bind *bind, const struct tquic_version *v,
		       const struct tquic_addr *peer, const struct tquic_cid *rscid)
{
	struct in6_addr ip;

	if (tquic_addr_family(peer) == AF_INET)
		ipv6_addr_set_v4mapped(peer->v4.sin_addr.s_addr, &ip);
	else
		ip = peer->v6.sin6_addr;
	memset(bind, 0, sizeof(*bind));
	bind->version = v->version;
	memcpy(bind->ip, &ip, sizeof(bind->ip));
	bind->port = tquic_addr_port(peer);
	if (rscid)
		bind->rscid = *rscid;
}

/* The packet at @b, whole; 0 when that fails */
static int tquic_answer_put_retry(struct tquic_net *tn, struct tquic_wbuf b,
				  const struct sk_buff *skb,
				  const struct tquic_hdr *h)
{
	u8 token[TQUIC_TOKEN_OWN_MAX_LEN];
	struct tquic_token_bind bind;
	struct tquic_addr local, peer;
	struct tquic_cid rscid;
	u8 *start = b.p;
	int len;

	tquic_skb_addrs(skb, &local, &peer);
	tquic_cid_generate(&rscid);
	tquic_answer_bind(&bind, h->ver, &peer, &rscid);
	len = tquic_tokens_make(&tn->tokens, TQUIC_TOKEN_RETRY, &h->dcid, &bind,
				ktime_get_seconds(), token);
	if (len < 0)
		return 0;
	len = tquic_hdr_put_retry(&b, h->ver, &h->scid, &rscid, token, len,
				  get_random_u8());
	if (!len || tquic_retry_tag(h->ver, &h->dcid, start, len, b.p))
		return 0;
	return len + TQUIC_RETRY_TAG_LEN;
}

/**
 * tquic_answer_retry() - have a client prove that it gets what is sent to it
 * @tn: namespace
 * @udp: socket the datagram came to
 * @skb: the datagram
 * @h: header of its first packet, an Initial
 *
 * All there is to know comes back in the token; no state is kept. The answer
 * is a fraction of what it answers.
 *
 * Context: process, may sleep.
 */
void tquic_answer_retry(struct tquic_net *tn, struct tquic_udp *udp,
			const struct sk_buff *skb, const struct tquic_hdr *h)
{
	struct sk_buff *out;
	struct tquic_wbuf b;
	int len;

	out = tquic_answer_alloc(tn, TQUIC_RETRY_BYTES_MAX);
	if (!out)
		return;
	b.p = out->data;
	b.end = out->data + TQUIC_RETRY_BYTES_MAX - TQUIC_RETRY_TAG_LEN;
	len = tquic_answer_put_retry(tn, b, skb, h);
	if (tquic_answer_send(tn, udp, skb, out, len))
		TQUIC_INC(tn, TX_RETRY);
}

/* A seal somebody waits for */
struct tquic_answer_seal {
	struct completion done;
	int err;
};

static void tquic_answer_sealed(void *arg, int err)
{
	struct tquic_answer_seal *seal = arg;

	seal->err = err;
	complete(&seal->done);
}

/* The packet at @b, sealed with @keys; 0 when that fails */
static int tquic_answer_put_close(struct tquic_keys *keys, struct tquic_wbuf b,
				  const struct tquic_hdr *h, u64 code)
{
	u8 *start = b.p, *len_field, *pn, *payload;
	struct tquic_answer_seal seal;
	int ret;

	init_completion(&seal.done);
	if (!tquic_hdr_put_long(&b, h->ver, TQUIC_PKT_INITIAL, &h->scid, &h->dcid, NULL, 0, 1,
				&len_field))
		return 0;
	pn = b.p;
	if (!tquic_hdr_put_pn(&b, 0, 1))
		return 0;
	payload = b.p;
	if (!tquic_frame_put_close(&b, false, code, 0, NULL, 0))
		return 0;
	tquic_hdr_patch_len(len_field, b.p - pn + TQUIC_AEAD_TAG_LEN);
	ret = tquic_pkt_seal(keys, 0, 0, start, payload - start, b.p - payload,
			     tquic_answer_sealed, &seal);
	if (ret == -EINPROGRESS) {
		wait_for_completion(&seal.done);
		ret = seal.err;
	}
	return ret ? 0 : b.p - start + TQUIC_AEAD_TAG_LEN;
}

/**
 * tquic_answer_close() - refuse a connection before there is one
 * @tn: namespace
 * @udp: socket the datagram came to
 * @skb: the datagram
 * @h: header of its first packet, an Initial
 * @code: why, an error of the transport
 *
 * Whoever can compute the keys of the Initial can read it: it is as good as
 * anything that is said before the handshake.
 *
 * Context: process, may sleep.
 */
void tquic_answer_close(struct tquic_net *tn, struct tquic_udp *udp,
			const struct sk_buff *skb, const struct tquic_hdr *h, u64 code)
{
	struct tquic_keyring keys;
	struct tquic_wbuf b;
	struct sk_buff *out;
	int len = 0;

	if (!tquic_answer_allowed(tn, TQUIC_ANSWER_CLOSE))
		return;
	out = tquic_answer_alloc(tn, TQUIC_CLOSE_BYTES_MAX);
	if (!out)
		return;
	tquic_keyring_init(&keys);
	b.p = out->data;
	b.end = out->data + TQUIC_CLOSE_BYTES_MAX - TQUIC_AEAD_TAG_LEN;
	if (!tquic_keyring_install_initial(&keys, h->ver, &h->dcid, true))
		len = tquic_answer_put_close(tquic_keyring_tx(&keys, TQUIC_LEVEL_INITIAL), b, h,
					     code);
	tquic_keyring_destroy(&keys);
	if (tquic_answer_send(tn, udp, skb, out, len))
		TQUIC_INC(tn, TX_REFUSED);
}

/**
 * tquic_answer_version() - tell a client which versions are spoken here
 * @tn: namespace
 * @udp: socket the datagram came to
 * @skb: the datagram; its first packet has a version that is not known
 * @h: that packet's header
 *
 * Only where somebody listens, and only for a datagram that could hold an
 * Initial of some version (RFC 9000 §5.2.2, §6.1): the answer is smaller.
 *
 * Context: softirq or BH off, under rcu_read_lock().
 */
void tquic_answer_version(struct tquic_net *tn, struct tquic_udp *udp,
			  const struct sk_buff *skb, const struct tquic_hdr *h)
{
	struct sk_buff *out;
	struct tquic_wbuf b;

	if (skb->len < TQUIC_MIN_UDP_PAYLOAD || !tquic_listen_on(tn, udp) ||
	    !tquic_answer_allowed(tn, TQUIC_ANSWER_VERSION))
		return;
	out = tquic_answer_alloc(tn, TQUIC_VN_BYTES_MAX);
	if (!out)
		return;
	b.p = out->data;
	b.end = out->data + TQUIC_VN_BYTES_MAX;
	if (tquic_answer_send(tn, udp, skb, out, tquic_hdr_put_vn(&b, h, get_random_u32())))
		TQUIC_INC(tn, TX_VN);
}
