// SPDX-License-Identifier: GPL-2.0
/* Two connections joined in memory by links with a virtual clock, for the suites of the engine. */
#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/unaligned.h>

#include "core/early.h"
#include "core/negotiate.h"
#include "core/path.h"
#include "core/rec.h"
#include "sched/sched.h"
#include "test/pair.h"
#include "test/pair_parts.h"

#define PAIR_SPIN_MAX		64
#define PAIR_BURST_MAX		100000
#define PAIR_ROOM		9216
#define PAIR_CHECK_EVERY	64
#define PAIR_TLS_HEAD		6

void pair_fail(struct pair *p, const char *why)
{
	if (!p->broken)
		KUNIT_FAIL(p->test, "at %llu us: %s", div_u64(p->now, 1000), why);
	p->broken = true;
}

static struct pair_end *pair_of(struct tquic_conn *conn)
{
	return container_of(conn, struct pair_end, conn);
}

static void pair_enter(struct pair *p)
{
	if (p->engine)
		p->engine(p, true);
}

static void pair_leave(struct pair *p)
{
	if (p->engine)
		p->engine(p, false);
}

/* What the peer is to blame for, unless the test took its place */
void pair_blame(struct pair *p, const char *why)
{
	if (!p->hostile)
		pair_fail(p, why);
}

/* Upward calls of the engine */

static struct pair_cid *pair_cid_find(struct pair_end *e, const struct tquic_cid *cid)
{
	u32 i;

	for (i = 0; i < PAIR_CIDS_MAX; i++)
		if (e->cids[i].used && tquic_cid_equal(&e->cids[i].cid, cid))
			return &e->cids[i];
	return NULL;
}

static int pair_cid_add(struct tquic_conn *conn, const struct tquic_cid *cid,
			u32 path_id)
{
	struct pair_end *e = pair_of(conn);
	u32 i;

	if (pair_cid_find(e, cid))
		return -EEXIST;
	for (i = 0; i < PAIR_CIDS_MAX; i++) {
		if (e->cids[i].used)
			continue;
		e->cids[i] = (struct pair_cid) { *cid, path_id, true };
		return 0;
	}
	return -ENOMEM;
}

static void pair_cid_del(struct tquic_conn *conn, const struct tquic_cid *cid)
{
	struct pair_cid *entry = pair_cid_find(pair_of(conn), cid);

	if (entry)
		entry->used = false;
	else
		pair_fail(pair_of(conn)->pair, "an unknown id is deleted");
}

static void pair_reset_token(struct tquic_conn *conn, const struct tquic_cid *cid,
			     u8 token[16])
{
	memcpy(token, cid->id, TQUIC_LOCAL_CID_LEN);
	memcpy(token + TQUIC_LOCAL_CID_LEN, cid->id, 16 - TQUIC_LOCAL_CID_LEN);
}

static void pair_keys_discard(struct tquic_conn *conn, enum tquic_level level)
{
	pair_of(conn)->discarded |= BIT(level);
}

static void pair_path_free(struct tquic_conn *conn, struct tquic_path *path)
{
	pair_of(conn)->freed += !!path->link;
	path->link = NULL;
}

/* The datagram of the packet at hand came over e->rx_link. */
static int pair_path_move(struct tquic_conn *conn, struct tquic_path *path,
			  const struct sk_buff *skb)
{
	struct pair_end *e = pair_of(conn);
	struct pair_link **other = &e->other_link[path->index];

	if (!path->moving)
		*other = path->link;
	path->link = e->rx_link;
	if (path->moving && *other == path->link)
		return 1;
	/* What came from elsewhere allows nothing to be sent here. */
	e->slot_id[path->index] = path->id;
	e->rx_bytes[path->index] = skb->len;
	e->tx_bytes[path->index] = 0;
	return 0;
}

static void pair_path_other(struct tquic_conn *conn, struct tquic_path *path,
			    const struct sk_buff *skb)
{
	struct pair_end *e = pair_of(conn);

	e->other_link[path->index] = e->rx_link;
}

static void pair_path_back(struct tquic_conn *conn, struct tquic_path *path)
{
	if (conn->server)
		path->link = pair_of(conn)->other_link[path->index];
}

static void pair_path_switch(struct tquic_conn *conn, struct tquic_path *path)
{
	path->link = pair_of(conn)->other_link[path->index];
}

static int pair_acked(struct tquic_conn *conn, const struct tquic_path *path,
		      u64 largest)
{
	pair_of(conn)->acked = largest;
	return 0;
}

static void pair_event(struct tquic_conn *conn, const struct tquic_event *ev)
{
	struct pair_end *e = pair_of(conn);

	if (ev->type >= PAIR_EVENT_TYPES)
		return;
	e->events[ev->type]++;
	e->event_id[ev->type] = ev->id;
}

static const struct tquic_conn_ops pair_ops = {
	.cid_add	= pair_cid_add,
	.cid_del	= pair_cid_del,
	.reset_token	= pair_reset_token,
	.keys_discard	= pair_keys_discard,
	.path_free	= pair_path_free,
	.path_move	= pair_path_move,
	.path_other	= pair_path_other,
	.path_back	= pair_path_back,
	.path_switch	= pair_path_switch,
	.acked		= pair_acked,
	.event		= pair_event,
};

/* Fake TLS: type, three bytes of length, two of the parameters' length, parameters, filling */

static void pair_tls_send(struct pair_end *e, enum tquic_level level, u32 len,
			  bool params)
{
	struct tquic_send *tx = &tquic_conn_crypto(&e->conn, level)->tx;
	u8 *msg = kzalloc(PAIR_TLS_MAX, GFP_KERNEL), *dst;
	ssize_t n = 0;
	u32 done = 0;
	int room;

	if (!msg)
		return;
	if (params) {
		n = tquic_conn_local_params(&e->conn, msg + PAIR_TLS_HEAD,
					    PAIR_TLS_MAX - PAIR_TLS_HEAD);
		if (n < 0)
			pair_fail(e->pair, "parameters cannot be encoded");
		n = max_t(ssize_t, n, 0);
	}
	len = clamp_t(u32, len, n + PAIR_TLS_HEAD, PAIR_TLS_MAX);
	msg[0] = level;
	put_unaligned_be16(len, msg + 2);
	put_unaligned_be16(n, msg + 4);
	while (done < len) {
		room = tquic_send_reserve(tx, len - done, GFP_KERNEL, &dst);
		if (room <= 0)
			break;
		memcpy(dst, msg + done, room);
		tquic_send_commit(tx, room);
		done += room;
	}
	kfree(msg);
}

static void pair_deliver(struct pair_end *e, struct sk_buff *skb, u32 link);

static void pair_replay(struct pair_end *e)
{
	struct sk_buff *skb[PAIR_UNDEC_MAX];
	u8 link[PAIR_UNDEC_MAX];
	u32 i, n = e->undec_count;

	memcpy(skb, e->undec, sizeof(skb));
	memcpy(link, e->undec_link, sizeof(link));
	e->undec_count = 0;
	for (i = 0; i < n; i++) {
		pair_deliver(e, skb[i], link[i]);
		kfree_skb(skb[i]);
	}
}

static void pair_keys(struct pair_end *e, enum tquic_level level)
{
	tquic_conn_keys_ready(&e->conn, level, true);
	tquic_conn_keys_ready(&e->conn, level, false);
}

void pair_tls_end(struct pair_end *e)
{
	tquic_conn_tls_end(&e->conn, true, e->pair->now);
	if (e->conn.server)
		pair_tls_send(e, TQUIC_LEVEL_APP, 250, false);
}

/* One message of the peer is complete */
static void pair_tls_message(struct pair_end *e, u32 step)
{
	struct tquic_conn *conn = &e->conn;
	u64 now = e->pair->now;
	u32 n = get_unaligned_be16(e->tls.msg + 4);
	int ret = 0;

	if (n && !conn->server && e->pair->early == PAIR_EARLY_TAKEN &&
	    tquic_early_accept(conn))
		pair_blame(e->pair, "early data that was taken was never offered");
	if (n)
		ret = tquic_conn_peer_params(conn, e->tls.msg + PAIR_TLS_HEAD, n, now);
	if (ret || conn->state != TQUIC_STATE_HANDSHAKE)
		return;
	if (conn->server && !step) {
		if (e->pair->early == PAIR_EARLY_TAKEN)
			tquic_conn_keys_ready(conn, TQUIC_LEVEL_EARLY, false);
		pair_tls_send(e, TQUIC_LEVEL_INITIAL, 122, false);
		pair_keys(e, TQUIC_LEVEL_HANDSHAKE);
		pair_tls_send(e, TQUIC_LEVEL_HANDSHAKE, e->flight_bytes, true);
		tquic_conn_keys_ready(conn, TQUIC_LEVEL_APP, true);
	} else if (conn->server) {
		tquic_conn_keys_ready(conn, TQUIC_LEVEL_APP, false);
		if (!e->tls_late)
			pair_tls_end(e);
	} else if (!step) {
		pair_keys(e, TQUIC_LEVEL_HANDSHAKE);
	} else {
		pair_tls_send(e, TQUIC_LEVEL_HANDSHAKE, 52, false);
		pair_keys(e, TQUIC_LEVEL_APP);
		if (!e->tls_late)
			pair_tls_end(e);
	}
	pair_replay(e);
}

static bool pair_tls_sound(const struct pair_tls *t, enum tquic_level level)
{
	u32 len = get_unaligned_be16(t->msg + 2), n = get_unaligned_be16(t->msg + 4);

	return t->msg[0] == level && len <= PAIR_TLS_MAX && n + PAIR_TLS_HEAD <= len;
}

static bool pair_tls_read(struct pair_end *e, enum tquic_level level)
{
	struct tquic_recv *rx = &tquic_conn_crypto(&e->conn, level)->rx;
	struct pair_tls *t = &e->tls;
	const u8 *p;
	u32 n, want;

	while ((n = tquic_recv_peek(rx, &p))) {
		want = t->have < PAIR_TLS_HEAD ? PAIR_TLS_HEAD : get_unaligned_be16(t->msg + 2);
		n = min(n, want - t->have);
		memcpy(t->msg + t->have, p, n);
		t->have += n;
		tquic_recv_consume(rx, n, e->pair->now, 0);
		if (t->have < PAIR_TLS_HEAD)
			continue;
		if (!pair_tls_sound(t, level)) {
			pair_blame(e->pair, "a handshake message is broken");
			t->have = 0;
			return false;
		}
		if (t->have == get_unaligned_be16(t->msg + 2)) {
			t->have = 0;
			return true;
		}
	}
	return false;
}

static void pair_tls_pump(struct pair_end *e)
{
	static const enum tquic_level levels[] = {
		TQUIC_LEVEL_INITIAL, TQUIC_LEVEL_HANDSHAKE, TQUIC_LEVEL_APP,
	};
	struct pair_tls *t = &e->tls;

	while (t->step < ARRAY_SIZE(levels) && pair_tls_read(e, levels[t->step])) {
		if (levels[t->step] == TQUIC_LEVEL_APP) {
			t->ticket_bytes += get_unaligned_be16(t->msg + 2);
			continue;
		}
		t->step++;
		pair_tls_message(e, t->step - 1);
	}
}

/* Receiving */

static void pair_undec(struct pair_end *e, const struct sk_buff *dgram,
		       const u8 *data, u32 len, u32 link)
{
	struct sk_buff *skb;

	if (e->conn.confirmed || e->undec_count == PAIR_UNDEC_MAX)
		return;
	skb = alloc_skb(len, GFP_KERNEL);
	if (!skb)
		return;
	skb_put_data(skb, data, len);
	PAIR_ECN(skb) = PAIR_ECN(dgram);
	e->undec_link[e->undec_count] = link;
	e->undec[e->undec_count++] = skb;
}

/* The client's first packet makes the server */
static void pair_accept(struct pair_end *e, const struct tquic_hdr *h, u32 link)
{
	struct tquic_conn *conn = &e->conn;
	struct tquic_path *path;

	if (h->type != TQUIC_PKT_INITIAL)
		return;
	if (tquic_conn_start(conn, true, h->ver, &h->dcid, &h->scid, e->pair->now)) {
		pair_fail(e->pair, "the server does not start");
		return;
	}
	e->started = true;
	path = tquic_conn_path(conn, 0);
	path->link = &e->pair->link[link];
	tquic_path_set_mtu(conn, path, PAIR_MTU);
	pair_keys(e, TQUIC_LEVEL_INITIAL);
}

static struct tquic_path *pair_lookup(struct pair_end *e, const struct tquic_hdr *h)
{
	const struct pair_cid *entry = pair_cid_find(e, &h->dcid);

	if (entry)
		return tquic_path_find(&e->conn, entry->path_id);
	if (e->conn.server && h->type != TQUIC_PKT_1RTT &&
	    tquic_cid_equal(&h->dcid, &e->conn.odcid))
		return tquic_path_find(&e->conn, 0);
	return NULL;
}

static bool pair_open_rx(struct pair_end *e, struct tquic_path *path, u32 link)
{
	if (path->state != TQUIC_PATH_UNUSED)
		return true;
	if (!e->conn.server || !e->conn.confirmed)
		return false;
	path->link = &e->pair->link[link];
	tquic_path_set_mtu(&e->conn, path, PAIR_MTU);
	return !tquic_path_start(&e->conn, path, e->pair->now);
}

/* The tag is not used: it carries what the peer has to find out by itself. */
static void pair_tag_put(u8 *tag, u32 path_id, u64 pn)
{
	put_unaligned_be64(pn, tag);
	put_unaligned_be64(path_id, tag + 8);
}

static void pair_account(struct pair_end *e, const struct tquic_path *path,
			 u32 rx, u32 tx)
{
	u32 i = path->index;

	if (e->slot_id[i] != path->id) {
		e->slot_id[i] = path->id;
		e->rx_bytes[i] = 0;
		e->tx_bytes[i] = 0;
	}
	e->rx_bytes[i] += rx;
	e->tx_bytes[i] += tx;
}

static u8 pair_link_ecn(const struct pair_link *link, const struct sk_buff *skb)
{
	return link->ecn == PAIR_ECN_KEEP ? PAIR_ECN(skb) : link->ecn;
}

/*
 * The number that was sent, as far as its low @pn_len bytes tell: one that was
 * overtaken by half of what they can count is decoded wrongly, and does not open.
 */
static bool pair_opens(struct pair_end *e, const struct tquic_rx_pkt *pkt, u8 pn_len,
		       s64 largest_rx, const u8 *tag)
{
	u64 pn = get_unaligned_be64(tag), half = BIT_ULL(8 * pn_len - 1);

	if (pkt->pn == pn && pkt->path->id == get_unaligned_be64(tag + 8))
		return true;
	if (largest_rx < (s64)(pn + half - 1))
		pair_blame(e->pair, "a packet number or path id is decoded wrongly");
	return e->pair->hostile;
}

static void pair_packet(struct pair_end *e, struct sk_buff *skb, const u8 *data,
			const struct tquic_hdr *h, u32 link)
{
	struct tquic_path *path = pair_lookup(e, h);
	enum tquic_level level = tquic_hdr_level(h->type);
	struct tquic_conn *conn = &e->conn;
	struct tquic_rx_pkt pkt = {};
	struct tquic_space *space;
	const u8 *tag = data + h->pkt_len - TQUIC_AEAD_TAG_LEN;
	u8 i, pn_len = (data[0] & TQUIC_HDR_PN_LEN_MASK) + 1;
	u64 trunc = 0;
	int ret;

	if (!path)
		return;
	if (h->ver && tquic_conn_takes_version(conn, h->ver))
		tquic_conn_switch_version(conn, h->ver);
	if (!(conn->keys_rx & BIT(level))) {
		pair_undec(e, skb, data, h->pkt_len, link);
		return;
	}
	if (!pair_open_rx(e, path, link))
		return;
	if (!conn->iscid_set && !conn->server) {
		conn->iscid = h->scid;
		conn->iscid_set = true;
		tquic_cidset_remote_set_initial(&path->remote, &h->scid);
	}
	space = tquic_conn_space(conn, path, level);
	for (i = 0; i < pn_len; i++)
		trunc = trunc << 8 | data[h->pn_off + i];
	pkt.type = h->type;
	pkt.path = path;
	pkt.skb = skb;
	pkt.dcid = h->type == TQUIC_PKT_1RTT ? &h->dcid : NULL;
	pkt.payload = data + h->pn_off + pn_len;
	pkt.len = tag - pkt.payload;
	pkt.dgram_bytes = h->pkt_len;
	pkt.pn = tquic_pn_decode(trunc, pn_len, space->largest_rx);
	pkt.ecn = pair_link_ecn(&e->pair->link[link], skb);
	e->rx_link = &e->pair->link[link];
	if (path->link != e->rx_link)
		pkt.moved = e->pair->nat ? TQUIC_MOVED_PORT : TQUIC_MOVED_ADDRESS;
	if (!pair_opens(e, &pkt, pn_len, space->largest_rx, tag))
		return;
	pair_account(e, path, h->pkt_len, 0);
	tquic_path_on_rx(path, h->pkt_len);
	pair_enter(e->pair);
	ret = tquic_conn_input(conn, &pkt, e->pair->now);
	pair_leave(e->pair);
	if (ret == -EALREADY)
		e->rx_dup++;
	else if (ret)
		e->rx_err = ret;
}

static void pair_deliver(struct pair_end *e, struct sk_buff *skb, u32 link)
{
	const u8 *data = skb->data;
	u32 left = skb->len;
	struct tquic_hdr h;

	while (left) {
		if (tquic_hdr_parse(data, left, TQUIC_LOCAL_CID_LEN, &h)) {
			pair_fail(e->pair, "a header cannot be parsed");
			return;
		}
		if (!e->started)
			pair_accept(e, &h, link);
		if (!e->started)
			return;
		pair_packet(e, skb, data, &h, link);
		data += h.pkt_len;
		left -= h.pkt_len;
	}
}

/* A packet of arbitrary frames, as if it had been opened; as tquic_conn_input() */
int pair_inject(struct pair_end *to, enum tquic_pkt_type type, u32 path_id,
		u64 pn, const u8 *payload, u32 len)
{
	struct tquic_path *path = tquic_path_find(&to->conn, path_id);
	struct sk_buff *skb = alloc_skb(len, GFP_KERNEL);
	struct tquic_rx_pkt pkt = { .type = type, .path = path, .pn = pn };
	int ret;

	if (!path || !skb) {
		kfree_skb(skb);
		return -ENOENT;
	}
	skb_put_data(skb, payload, len);
	pkt.skb = skb;
	pkt.payload = skb->data;
	pkt.len = len;
	pkt.dgram_bytes = len;
	pkt.dcid = path->local.count ? &path->local.e[0].cid : NULL;
	pair_enter(to->pair);
	ret = tquic_conn_input(&to->conn, &pkt, to->pair->now);
	pair_leave(to->pair);
	kfree_skb(skb);
	return ret;
}

/*
 * A packet that was opened and came over @link, as the adapter has it: there are keys, a
 * server takes new paths and follows those that move, a client does where it tries to.
 */
int pair_inject_over(struct pair_end *to, u32 link, const struct tquic_rx_pkt *pkt)
{
	struct pair_link *from = &to->pair->link[link];
	enum tquic_level level = tquic_hdr_level(pkt->type);
	struct tquic_conn *conn = &to->conn;
	struct tquic_path *path = pkt->path;
	struct tquic_rx_pkt copy = *pkt;
	int ret;

	if (conn->state >= TQUIC_STATE_CLOSED || !(conn->keys_rx & BIT(level)) ||
	    !pair_open_rx(to, path, link))
		return -EPERM;
	if (path->link != from && !conn->server &&
	    (!path->trial_end_ns || to->other_link[path->index] != from))
		return -EXDEV;
	copy.skb = alloc_skb(pkt->dgram_bytes, GFP_KERNEL);
	if (!copy.skb)
		return -ENOMEM;
	/* Frames are at the end, behind the header and its padding. */
	memset(skb_put(copy.skb, pkt->dgram_bytes - pkt->len), 0, pkt->dgram_bytes - pkt->len);
	copy.payload = skb_put_data(copy.skb, pkt->payload, pkt->len);
	to->rx_link = from;
	if (path->link != from) {
		copy.moved = to->pair->nat ? TQUIC_MOVED_PORT : TQUIC_MOVED_ADDRESS;
	} else {
		pair_account(to, path, pkt->dgram_bytes, 0);
		tquic_path_on_rx(path, pkt->dgram_bytes);
	}
	pair_enter(to->pair);
	ret = tquic_conn_input(conn, &copy, to->pair->now);
	pair_leave(to->pair);
	kfree_skb(copy.skb);
	return ret;
}

/* As pair_inject(), with the number the peer would use next, so that its acknowledgment is legal */
int pair_inject_next(struct pair_end *to, enum tquic_pkt_type type, u32 path_id,
		     const u8 *payload, u32 len)
{
	struct tquic_conn *peer = &pair_peer(to)->conn;
	struct tquic_path *path = tquic_path_find(peer, path_id);
	enum tquic_level level = tquic_hdr_level(type);
	struct tquic_space *space;
	u64 pn;

	if (!path)
		return -ENOENT;
	space = tquic_conn_space(peer, path, level);
	if (!space)
		return -ENOENT;
	pn = space->next_pn;
	if (!tquic_space_on_sent(space, pn, len, 0, to->pair->now))
		return -ENOENT;
	return pair_inject(to, type, path_id, pn, payload, len);
}

/* Sending */

u32 pair_link_index(const struct pair *p, const struct tquic_path *path)
{
	return (const struct pair_link *)path->link - p->link;
}

static void pair_check_datagram(struct pair_end *e, const struct tquic_tx_pkt *pkts,
				int n, u32 len)
{
	const struct tquic_path *path = pkts[0].path;
	bool initial = false;
	int i;

	for (i = 0; i < n; i++) {
		initial |= pkts[i].level == TQUIC_LEVEL_INITIAL;
		if (pkts[i].path != path)
			pair_fail(e->pair, "a datagram on two paths");
		if (pkts[i].ect0 != pkts[0].ect0)
			pair_fail(e->pair, "a datagram with two ECN fields");
		if (i && pkts[i].data != pkts[i - 1].data + pkts[i - 1].len +
					 TQUIC_AEAD_TAG_LEN)
			pair_fail(e->pair, "packets do not follow each other");
	}
	if (initial && !e->conn.server && len < TQUIC_MIN_UDP_PAYLOAD)
		pair_fail(e->pair, "an Initial without its padding");
	if (len > path->pmtu.max_bytes)
		pair_fail(e->pair, "a datagram larger than the path carries");
	if (pkts[0].other)
		return;
	pair_account(e, path, 0, len);
	if (e->conn.server && !path->validated &&
	    e->tx_bytes[path->index] > 3 * e->rx_bytes[path->index])
		pair_fail(e->pair, "more than three times what came in");
}

static bool pair_push_one(struct pair_end *e)
{
	struct tquic_tx_pkt pkts[TQUIC_LEVEL_COUNT];
	struct sk_buff *skb = e->pair->spare ?: alloc_skb(PAIR_ROOM, GFP_KERNEL);
	u32 len, link;
	int i, n;

	if (!skb)
		return false;
	e->pair->spare = NULL;
	pair_enter(e->pair);
	n = tquic_conn_output(&e->conn, skb->data, PAIR_ROOM, e->pair->now, pkts);
	pair_leave(e->pair);
	if (!n || !pkts[0].path->link) {
		e->pair->spare = skb;
		return n;
	}
	len = pkts[n - 1].data + pkts[n - 1].len + TQUIC_AEAD_TAG_LEN - skb->data;
	skb_put(skb, len);
	PAIR_ECN(skb) = pkts[0].ect0 ? PAIR_ECT0 : 0;
	for (i = 0; i < n; i++)
		pair_tag_put(pkts[i].data + pkts[i].len, pkts[i].path->id, pkts[i].pn);
	link = (pkts[0].other ? e->other_link[pkts[0].path->index] :
		(struct pair_link *)pkts[0].path->link) - e->pair->link;
	pair_check_datagram(e, pkts, n, len);
	if (!e->pair->tap || e->pair->tap(e->pair, e, pkts, n)) {
		pair_link_send(e->pair, link, pair_peer(e) == pair_server(e->pair), skb);
		return true;
	}
	skb_trim(skb, 0);
	e->pair->spare = skb;
	return true;
}

/* Programs do what conn->todo wakes them up for, and nothing else. */
static void pair_app(struct pair_end *e, u32 todo)
{
	struct pair_flow *f;

	if (todo & TQUIC_TODO_READ)
		pair_tls_pump(e);
	if (!tquic_conn_is_open(&e->conn))
		return;
	for (f = e->pair->flow; f < e->pair->flow + PAIR_FLOWS_MAX; f++) {
		if (f->from == e && todo & TQUIC_TODO_WRITE)
			pair_flow_write(e, f);
		else if (f->from && f->from != e && todo & TQUIC_TODO_READ && !e->paused)
			pair_flow_read(e, f);
	}
}

/* As the adapter does after each call of the engine: send, then look at what is to be done */
void pair_kick(struct pair_end *e)
{
	u32 todo, budget = PAIR_BURST_MAX;

	if (!e->started)
		return;
	do {
		while (!e->pair->broken && pair_push_one(e))
			if (!--budget)
				pair_fail(e->pair, "the engine never stops sending");
		todo = e->conn.todo;
		e->todo |= todo;
		e->conn.todo = 0;
		pair_app(e, todo);
	} while (todo && !e->pair->broken);
	if (!(++e->pair->kicks % PAIR_CHECK_EVERY))
		pair_check(e->pair);
}

/* The program reads again */
void pair_resume(struct pair_end *e)
{
	e->paused = false;
	e->conn.todo |= TQUIC_TODO_READ;
	pair_kick(e);
}

/* The clock */

static void pair_arrive(struct pair *p, u32 i, u32 to)
{
	struct pair_link *link = &p->link[i];
	struct sk_buff *skb = pair_link_take(link, to);

	if (!link->cut) {
		link->pipe[to].delivered++;
		link->pipe[to].bytes += skb->len;
		pair_deliver(&p->end[to], skb, i);
	}
	kfree_skb(skb);
	pair_kick(&p->end[to]);
}

static void pair_expire(struct pair_end *e)
{
	u64 t = e->started ? tquic_conn_deadline_ns(&e->conn) : 0;

	if (!t || t > e->pair->now)
		return;
	pair_enter(e->pair);
	tquic_conn_on_timeout(&e->conn, e->pair->now);
	pair_leave(e->pair);
	pair_kick(e);
}

/* When the next thing happens, a datagram arriving at @next or a timer; 0: nothing will */
static u64 pair_or_timer(const struct pair *p, u64 next)
{
	u32 i;
	u64 t;

	for (i = 0; i < 2; i++) {
		t = p->end[i].started ? tquic_conn_deadline_ns(&p->end[i].conn) : 0;
		if (t && (!next || t < next))
			next = t;
	}
	return next;
}

u64 pair_next(const struct pair *p)
{
	u32 link, to;

	return pair_or_timer(p, pair_link_arrival(p, &link, &to));
}

/* Next thing that happens, not after @end_ns; false when nothing does */
bool pair_step(struct pair *p, u64 end_ns)
{
	u32 i, link, to;
	u64 next, at;

	if (p->broken)
		return false;
	at = pair_link_arrival(p, &link, &to);
	next = pair_or_timer(p, at);
	if (!next || next > end_ns) {
		p->now = max(p->now, end_ns);
		return false;
	}
	if (next > p->now) {
		p->now = next;
		p->spin = 0;
	}
	if (at && at <= p->now) {
		pair_arrive(p, link, to);
		return true;
	}
	if (++p->spin > PAIR_SPIN_MAX) {
		pair_fail(p, "a timer fires again and again");
		return false;
	}
	for (i = 0; i < 2; i++)
		pair_expire(&p->end[i]);
	return true;
}

void pair_run(struct pair *p, u64 ns)
{
	u64 end_ns = p->now + ns;

	while (pair_step(p, end_ns))
		;
}

bool pair_until(struct pair *p, bool (*done)(struct pair *p), u64 ns)
{
	u64 end_ns = p->now + ns;

	while (!done(p))
		if (!pair_step(p, end_ns))
			return done(p);
	return true;
}

static bool pair_confirmed(struct pair *p)
{
	return p->end[0].conn.confirmed && p->end[1].conn.confirmed;
}

/* Run until both sides have confirmed the handshake */
bool pair_handshake(struct pair *p)
{
	return (p->end[0].started || pair_start(p)) &&
	       pair_until(p, pair_confirmed, 60 * (u64)NSEC_PER_SEC);
}

/* The client remembers an earlier connection, and has keys of it */
static bool pair_offer_early(struct pair_end *e)
{
	u8 buf[512];
	ssize_t n;

	n = tquic_params_encode(&e->pair->remembered, true, buf, sizeof(buf), 0);
	if (n < 0 || tquic_early_remember(&e->conn, buf, n) ||
	    !tquic_early_takes_keys(&e->conn, true))
		return false;
	tquic_conn_keys_ready(&e->conn, TQUIC_LEVEL_EARLY, true);
	return true;
}

/* Start the client; its first flight is under way then */
bool pair_start(struct pair *p)
{
	struct pair_end *e = pair_client(p);
	struct tquic_cid odcid = { .len = 8 };
	struct tquic_path *path;

	get_random_bytes(odcid.id, odcid.len);
	if (tquic_conn_start(&e->conn, false, &tquic_versions[0], &odcid, NULL, p->now))
		return false;
	e->started = true;
	path = tquic_conn_path(&e->conn, 0);
	path->link = &p->link[0];
	tquic_path_set_mtu(&e->conn, path, PAIR_MTU);
	pair_keys(e, TQUIC_LEVEL_INITIAL);
	pair_tls_send(e, TQUIC_LEVEL_INITIAL, e->flight_bytes, true);
	if (p->early != PAIR_EARLY_NONE && !pair_offer_early(e))
		return false;
	pair_kick(e);
	return true;
}

/* Client: open one more path over @link; NULL while there is no id for it */
struct tquic_path *pair_open_path(struct pair *p, u32 link, bool backup)
{
	struct pair_end *e = pair_client(p);
	struct tquic_path *path = tquic_path_spare(&e->conn);

	if (!path)
		return NULL;
	path->link = &p->link[link];
	tquic_path_set_mtu(&e->conn, path, PAIR_MTU);
	path->backup = backup;
	if (tquic_path_start(&e->conn, path, p->now)) {
		path->link = NULL;
		return NULL;
	}
	pair_kick(e);
	return path;
}

static bool pair_has_spare(struct pair *p)
{
	return tquic_path_spare(&pair_client(p)->conn);
}

static bool pair_all_active(struct pair *p)
{
	const struct tquic_path *path;
	u32 i, k, n;

	for (i = 0; i < 2; i++) {
		for (k = 0, n = 0; k < TQUIC_PATHS_MAX; k++) {
			path = tquic_conn_path(&p->end[i].conn, k);
			n += path && path->state == TQUIC_PATH_ACTIVE;
		}
		if (n < p->links)
			return false;
	}
	return true;
}

/* One path over each link; true when all are in use on both sides */
bool pair_open_paths(struct pair *p)
{
	u32 i;

	for (i = 1; i < p->links; i++)
		if (!pair_until(p, pair_has_spare, 10 * (u64)NSEC_PER_SEC) ||
		    !pair_open_path(p, i, false))
			return false;
	return pair_until(p, pair_all_active, 10 * (u64)NSEC_PER_SEC);
}

static void pair_destroy(void *ctx)
{
	struct pair *p = ctx;
	struct sk_buff *skb;
	u32 i, k;

	for (i = 0; i < 2; i++) {
		if (p->end[i].started)
			tquic_conn_destroy(&p->end[i].conn);
		for (k = 0; k < p->end[i].undec_count; k++)
			kfree_skb(p->end[i].undec[k]);
		for (k = 0; k < PAIR_CIDS_MAX; k++)
			if (p->end[i].cids[k].used)
				pair_fail(p, "an id outlives its connection");
	}
	for (i = 0; i < 2 * p->links; i++)
		while ((skb = pair_link_take(&p->link[i / 2], i % 2)))
			kfree_skb(skb);
	kfree_skb(p->spare);
	tquic_path_cache_exit();
	tquic_rec_cache_exit();
}

/* Both ends with their settings at default, @links links without limits and 10 ms one way */
struct pair *pair_create(struct kunit *test, u32 links)
{
	struct pair *p = kunit_kzalloc(test, sizeof(*p), GFP_KERNEL);
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_ASSERT_EQ(test, tquic_rec_cache_init(), 0);
	KUNIT_ASSERT_EQ(test, tquic_path_cache_init(), 0);
	p->test = test;
	p->now = PAIR_START_NS;
	p->rnd = 0x2545f4914f6cdd1dULL;
	p->links = links;
	for (i = 0; i < PAIR_LINKS_MAX; i++) {
		p->link[i].delay_ns = PAIR_MS(10);
		p->link[i].mtu_bytes = PAIR_MTU;
		INIT_LIST_HEAD(&p->link[i].pipe[0].queue);
		INIT_LIST_HEAD(&p->link[i].pipe[1].queue);
	}
	for (i = 0; i < 2; i++) {
		p->end[i].pair = p;
		p->end[i].flight_bytes = i ? 2500 : 350;
		tquic_conn_init(&p->end[i].conn, &pair_ops);
		p->end[i].conn.cc_ops = &tquic_cc_cubic;
		p->end[i].conn.sched = &tquic_sched_ecf;
	}
	p->remembered = p->end[1].conn.local;
	kunit_add_action(test, pair_destroy, p);
	return p;
}

struct tquic_path *pair_path(struct pair *p, u32 end, u32 id)
{
	return tquic_path_find(&p->end[end].conn, id);
}

/* The client's interface of a link goes down: its own host knows, the server does not. */
void pair_link_down(struct pair *p, u32 link)
{
	p->link[link].cut = true;
	tquic_path_link_down(&p->end[0].conn, pair_path(p, 0, link), p->now);
	pair_kick(&p->end[0]);
}

void pair_link_up(struct pair *p, u32 link)
{
	p->link[link].cut = false;
	tquic_path_link_up(&p->end[0].conn, pair_path(p, 0, link), p->now);
	pair_kick(&p->end[0]);
}

/* A connection with a path over each link: 20 Mbit/s and 20 ms, the next 40 ms, ... */
struct pair *pair_bonded(struct kunit *test, u32 links)
{
	struct pair *p = pair_create(test, links);
	u32 i;

	for (i = 0; i < links; i++)
		pair_link_set(&p->link[i], 20000000, PAIR_MS(10 + 10 * i), 100000);
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	KUNIT_ASSERT_TRUE(test, pair_open_paths(p));
	pair_run(p, PAIR_MS(200));
	return p;
}
