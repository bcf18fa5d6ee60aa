// SPDX-License-Identifier: GPL-2.0
/* A peer that says whatever it is told to, with valid keys, to one connection under test. */
#include <linux/unaligned.h>

#include "core/early.h"
#include "fuzz.h"
#include "peer.h"

#define PEER_RANGES_MAX		32

/* What the connection says has to be sound whatever was said to it */

static const char *peer_judge_frame(const struct tquic_frame *f, enum tquic_level level)
{
	static const enum tquic_pkt_type types[] = {
		TQUIC_PKT_INITIAL, TQUIC_PKT_0RTT, TQUIC_PKT_HANDSHAKE, TQUIC_PKT_1RTT,
	};
	u32 i;

	if (!tquic_frame_allowed(f->type, types[level]))
		return "a frame in the wrong packet";
	if (f->type < TQUIC_FRAME_STREAM || f->type > TQUIC_FRAME_STREAM_LAST)
		return NULL;
	for (i = 0; i < f->stream.len; i++)
		if (f->stream.data[i] != pair_byte(f->stream.id, f->stream.off + i))
			return "a stream's bytes are wrong";
	return NULL;
}

static const char *peer_judge(const struct tquic_tx_pkt *pkt)
{
	struct tquic_rbuf b = { pkt->data + pkt->hdr_len, pkt->data + pkt->len };
	struct tquic_frame f;
	const char *bad = NULL;

	if (!tquic_rbuf_left(&b))
		return "a packet without frames";
	while (!bad && tquic_rbuf_left(&b))
		bad = tquic_frame_parse(&b, &f) ? "a frame that cannot be read" :
						   peer_judge_frame(&f, pkt->level);
	return bad;
}

static struct peer *tap_peer;

/* Nothing of it arrives: what the peer knows of it, it takes from the connection's records */
static bool peer_tap(struct pair *p, struct pair_end *from, const struct tquic_tx_pkt *pkts, int n)
{
	struct peer *peer = tap_peer;
	int i;

	for (i = 0; i < n; i++) {
		peer->sent_bytes += pkts[i].len + TQUIC_AEAD_TAG_LEN;
		peer->bad = peer->bad ?: peer_judge(&pkts[i]);
	}
	if (p->end[0].conn.state == TQUIC_STATE_CLOSED || p->end[1].conn.state == TQUIC_STATE_CLOSED)
		peer->bad = "a packet of a closed connection";
	return false;
}

static bool peer_start_server(struct peer *peer)
{
	const struct tquic_cid odcid = { .len = 8, .id = "original" };
	const struct tquic_cid scid = { .len = PEER_CID_LEN, .id = "client--" };
	struct pair_end *e = peer->e;
	struct tquic_path *path;

	if (tquic_conn_start(&e->conn, true, &tquic_versions[0], &odcid, &scid, peer->p->now))
		return false;
	e->started = true;
	path = tquic_conn_path(&e->conn, 0);
	path->link = &peer->p->link[0];
	tquic_path_set_mtu(&e->conn, path, PAIR_MTU);
	tquic_conn_keys_ready(&e->conn, TQUIC_LEVEL_INITIAL, true);
	tquic_conn_keys_ready(&e->conn, TQUIC_LEVEL_INITIAL, false);
	return true;
}

/* @peer: zeroed, but for its parameters */
bool peer_start(struct peer *peer, struct pair *p, bool server)
{
	u32 i;

	peer->p = p;
	peer->e = &p->end[server];
	peer->set.type = TQUIC_PKT_1RTT;
	peer->b = (struct tquic_wbuf) { peer->buf, peer->buf + sizeof(peer->buf) };
	for (i = 0; i < TQUIC_PATHS_MAX; i++)
		peer->cid_seq[i] = !i;
	p->hostile = true;
	p->tap = peer_tap;
	tap_peer = peer;
	if (server ? !peer_start_server(peer) : !pair_start(p))
		return false;
	peer->state = peer->e->conn.state;
	return true;
}

/* Sending */

static struct tquic_path *peer_path(const struct peer *peer, u32 id)
{
	return tquic_path_find(&peer->e->conn, id);
}

/* Our data is known to the reader by its offset: so it is in frames made by the input, too. */
static void peer_paint(u8 *data, u32 len)
{
	struct tquic_rbuf b = { data, data + len };
	struct tquic_frame f;
	u32 i;

	while (tquic_rbuf_left(&b) && !tquic_frame_parse(&b, &f)) {
		if (f.type < TQUIC_FRAME_STREAM || f.type > TQUIC_FRAME_STREAM_LAST)
			continue;
		for (i = 0; i < f.stream.len; i++)
			((u8 *)f.stream.data)[i] = pair_byte(f.stream.id, f.stream.off + i);
	}
}

static u64 *peer_next_pn(struct peer *peer)
{
	switch (peer->set.type) {
	case TQUIC_PKT_INITIAL:
		return &peer->hs_pn[0];
	case TQUIC_PKT_HANDSHAKE:
		return &peer->hs_pn[1];
	default:
		return &peer->pn[peer->path_id % TQUIC_PATHS_MAX];
	}
}

/* The first packet of a server tells its id */
static void peer_tell_scid(struct peer *peer, struct tquic_path *path)
{
	struct tquic_cid scid = { .len = PEER_CID_LEN, .id = "server--" };
	struct tquic_conn *conn = &peer->e->conn;

	if (conn->iscid_set || peer->set.type == TQUIC_PKT_1RTT)
		return;
	conn->iscid = scid;
	conn->iscid_set = true;
	tquic_cidset_remote_set_initial(&path->remote, &scid);
}

/* The packet under construction arrives, and what it leads to is done */
void peer_flush(struct peer *peer)
{
	u32 len = peer->b.p - peer->buf;
	struct tquic_path *path = peer_path(peer, peer->path_id);
	struct tquic_rx_pkt pkt = { .type = peer->set.type, .path = path, .ecn = peer->set.ecn };

	peer->b.p = peer->buf;
	if (!len || !path || (pkt.type != TQUIC_PKT_1RTT && path->id))
		return;
	peer_tell_scid(peer, path);
	peer_paint(peer->buf, len);
	pkt.payload = peer->buf;
	pkt.len = len;
	pkt.dgram_bytes = max_t(u32, len + 30, pkt.type == TQUIC_PKT_1RTT ? 0 : 1200);
	pkt.pn = (*peer_next_pn(peer))++;
	if (pkt.type == TQUIC_PKT_1RTT && path->local.count)
		pkt.dcid = &path->local.e[peer->dcid % path->local.count].cid;
	pair_inject_over(peer->e, peer->set.link % peer->p->links, &pkt);
	pair_kick(peer->e);
}

/* A frame was added, or did not fit; a packet is on one path */
static void peer_added(struct peer *peer)
{
	if (!peer->set.hold)
		peer_flush(peer);
}

static void peer_on_path(struct peer *peer, u32 path_id)
{
	if (peer->b.p != peer->buf && peer->path_id != path_id)
		peer_flush(peer);
	peer->path_id = path_id;
}

void peer_frames(struct peer *peer, u32 path_id, const u8 *data, u32 len)
{
	peer_on_path(peer, path_id);
	tquic_put_bytes(&peer->b, data, len);
	peer_added(peer);
}

void peer_stream(struct peer *peer, u32 path_id, u64 id, u64 off, u32 len, bool fin)
{
	peer_on_path(peer, path_id);
	len = min(len, tquic_frame_stream_room(tquic_wbuf_left(&peer->b), id, off, false));
	if (off + len <= TQUIC_VARINT_MAX && tquic_wbuf_left(&peer->b) > len &&
	    tquic_frame_put_stream(&peer->b, id, off, len, fin, false)) {
		memset(peer->b.p, 0, len);
		peer->b.p += len;
	}
	peer_added(peer);
}

static struct tquic_space *peer_space(struct peer *peer, u32 path_id, enum tquic_level *level)
{
	struct tquic_path *path = peer_path(peer, path_id);

	*level = peer->set.type == TQUIC_PKT_INITIAL ? TQUIC_LEVEL_INITIAL :
		 peer->set.type == TQUIC_PKT_HANDSHAKE ? TQUIC_LEVEL_HANDSHAKE : TQUIC_LEVEL_APP;
	if (*level == TQUIC_LEVEL_APP && !path)
		return NULL;
	return tquic_conn_space(&peer->e->conn, path, *level);
}

/*
 * What the connection sent on a path is acknowledged, but for the newest @skip packets and,
 * below those, every @nth one.
 */
void peer_ack(struct peer *peer, u32 path_id, u32 skip, u32 nth, bool ecn)
{
	u64 lo[PEER_RANGES_MAX], hi[PEER_RANGES_MAX], pn;
	enum tquic_level level;
	struct tquic_space *space = peer_space(peer, path_id, &level);
	bool multi = path_id && level == TQUIC_LEVEL_APP;
	u64 tx_ect0;
	u32 i, n = 0;

	if (!space || space->next_pn <= skip)
		return;
	for (pn = space->next_pn - skip; pn-- && n < PEER_RANGES_MAX;) {
		if (pn < space->sent.base && n)
			break;
		if ((nth && !(pn % nth)) ||
		    (pn >= space->sent.base && pn < space->sent.next &&
		     tquic_sent_get(&space->sent, pn)->state == TQUIC_SENT_SKIPPED))
			continue;
		if (n && lo[n - 1] == pn + 1) {
			lo[n - 1] = pn;
			continue;
		}
		if (n == PEER_RANGES_MAX)
			break;
		lo[n] = pn;
		hi[n++] = pn;
	}
	if (!n)
		return;
	peer_on_path(peer, peer->path_id);
	tquic_put_varint(&peer->b, (multi ? TQUIC_FRAME_PATH_ACK : TQUIC_FRAME_ACK) + ecn);
	if (multi)
		tquic_put_varint(&peer->b, path_id);
	tquic_put_varint(&peer->b, hi[0]);
	tquic_put_varint(&peer->b, 10);
	tquic_put_varint(&peer->b, n - 1);
	tquic_put_varint(&peer->b, hi[0] - lo[0]);
	for (i = 1; i < n; i++) {
		tquic_put_varint(&peer->b, lo[i - 1] - hi[i] - 2);
		tquic_put_varint(&peer->b, hi[i] - lo[i]);
	}
	tx_ect0 = ecn ? space->tx_ect0 : 0;
	if (ecn) {
		tquic_put_varint(&peer->b, tx_ect0);
		tquic_put_varint(&peer->b, 0);
		tquic_put_varint(&peer->b, skip);
	}
	peer_added(peer);
}

/* Messages of the fake TLS in pair.c */
static u32 peer_tls_message(struct peer *peer, enum tquic_level level, u8 *msg, u32 size)
{
	struct tquic_conn *conn = &peer->e->conn;
	struct tquic_params *params = &peer->params;
	ssize_t n = 0;

	if (level == (conn->server ? TQUIC_LEVEL_INITIAL : TQUIC_LEVEL_HANDSHAKE)) {
		params->iscid = conn->iscid;
		params->has_iscid = true;
		params->odcid = conn->odcid;
		params->has_odcid = !conn->server;
		params->has_reset_token = !conn->server;
		n = tquic_params_encode(params, !conn->server, msg + 6, size - 6, 0);
		n = max_t(ssize_t, n, 0);
	}
	msg[0] = level;
	msg[1] = 0;
	put_unaligned_be16(n + 6, msg + 2);
	put_unaligned_be16(n, msg + 4);
	return n + 6;
}

/* The next message of the handshake, in a packet of its own */
void peer_tls(struct peer *peer)
{
	static const enum tquic_level levels[] = {
		TQUIC_LEVEL_INITIAL, TQUIC_LEVEL_HANDSHAKE, TQUIC_LEVEL_APP,
	};
	static const enum tquic_pkt_type types[] = {
		TQUIC_PKT_INITIAL, TQUIC_PKT_HANDSHAKE, TQUIC_PKT_1RTT,
	};
	struct peer_set set = peer->set;
	u32 step = peer->tls_step, len;
	enum tquic_level level = levels[step];
	u8 msg[512];

	if (peer->b.p != peer->buf)
		peer_flush(peer);
	peer->set.type = types[step];
	peer->path_id = 0;
	len = peer_tls_message(peer, level, msg, sizeof(msg));
	if (tquic_frame_put_crypto(&peer->b, peer->crypto_off[level], len) &&
	    tquic_put_bytes(&peer->b, msg, len))
		peer->crypto_off[level] += len;
	peer->tls_step = min(step + 1, 2);
	peer_flush(peer);
	peer->set = set;
}

/* One of the challenges the connection asks @of_path with is answered on @path_id */
void peer_response(struct peer *peer, u32 path_id, u32 of_path, u32 which)
{
	struct tquic_path *path = peer_path(peer, of_path);
	u8 data[TQUIC_PATH_DATA_LEN];

	if (!path)
		return;
	memcpy(data, which & 1 || !path->challenge ? path->trial :
	       path->challenge->data[which / 2 % path->challenge->count], sizeof(data));
	peer_on_path(peer, path_id);
	tquic_frame_put_path_response(&peer->b, data);
	peer_added(peer);
}

void peer_new_cid(struct peer *peer, u32 path_id, u32 for_path, u64 retire_prior_to)
{
	u64 *seq = &peer->cid_seq[for_path % TQUIC_PATHS_MAX];
	struct tquic_cid cid = { .len = PEER_CID_LEN };
	u8 token[TQUIC_RESET_TOKEN_LEN] = { for_path, *seq };

	cid.id[0] = for_path;
	put_unaligned_be32(*seq, cid.id + 4);
	peer_on_path(peer, path_id);
	if (tquic_frame_put_new_cid(&peer->b, for_path ? for_path : TQUIC_PATH_ID_NONE, *seq,
				    min(retire_prior_to, *seq), &cid, token))
		++*seq;
	peer_added(peer);
}

/* All of it, as peers do it that mean well */
void peer_handshake(struct peer *peer)
{
	static const u8 done = TQUIC_FRAME_HANDSHAKE_DONE;
	struct peer_set set = peer->set;

	peer->set.hold = false;
	while (peer->tls_step < 2)
		peer_tls(peer);
	peer->set.type = TQUIC_PKT_1RTT;
	if (!peer->e->conn.server)
		peer_frames(peer, 0, &done, 1);
	peer->set = set;
}

/* What has to hold, whatever was said */

static bool peer_may_cause(const struct peer *peer, u64 error)
{
	switch (error) {
	case TQUIC_ERR_INTERNAL:
		/* Streams opened on trust in what was remembered, and not allowed now */
		return peer->nomem || peer->p->early == PAIR_EARLY_REFUSED;
	case TQUIC_ERR_FLOW_CONTROL ... TQUIC_ERR_PROTOCOL_VIOLATION:
	case TQUIC_ERR_CRYPTO_BUFFER_EXCEEDED:
	case TQUIC_ERR_NO_VIABLE_PATH:
	case TQUIC_ERR_VERSION_NEGOTIATION:
	case TQUIC_ERR_KEY_UPDATE:
	case TQUIC_ERR_NO_ERROR:
		return true;
	default:
		return false;
	}
}

static const char *peer_check_state(struct peer *peer)
{
	const struct tquic_conn *conn = &peer->e->conn;
	const struct tquic_close *c = &conn->closed;

	if (conn->state < peer->state)
		return "the connection came back";
	if (peer->state > TQUIC_STATE_ESTABLISHED && c->error_code != peer->closed.error_code)
		return "another reason of a close";
	if (conn->state > TQUIC_STATE_ESTABLISHED && !c->flags &&
	    !peer_may_cause(peer, c->error_code))
		return "a close that is not the peer's fault";
	if (conn->state == TQUIC_STATE_CLOSED && tquic_conn_deadline_ns(conn))
		return "a closed connection has a timer";
	peer->state = conn->state;
	peer->closed = *c;
	return NULL;
}

static const char *peer_check_paths(struct peer *peer)
{
	const struct tquic_conn *conn = &peer->e->conn;
	const struct tquic_path *path;
	u64 in_flight = 0;
	u32 i, seen = 0;

	for (i = 0; i < TQUIC_PATHS_MAX; i++) {
		path = tquic_conn_path(conn, i);
		if (!path)
			continue;
		if (path->id >= 32 || path->id > conn->max_path_id_local || seen & BIT(path->id))
			return "a path that nobody allowed";
		seen |= BIT(path->id);
		in_flight += path->cc.in_flight;
		if (tquic_path_is_open(path) && !path->link)
			return "an open path without a link";
	}
	return in_flight > peer->sent_bytes ? "more in flight than was sent" : NULL;
}

static const char *peer_check_memory(struct peer *peer)
{
	const struct tquic_conn *conn = &peer->e->conn;
	const struct tquic_mem *mem = &conn->streams.rx_mem;
	struct sk_buff *skb, *next;
	u32 bytes = 0;

	if (mem->used > 2 * mem->max + 4 * (conn->flow_rx.max - conn->flow_rx.consumed) + 131072)
		return "more memory than allowed";
	skb_queue_walk_safe(&conn->dgram_rx, skb, next)
		bytes += skb->truesize;
	if (bytes != conn->dgram_rx_bytes || bytes > conn->tune.dgram_rx_max_bytes)
		return "datagrams are miscounted";
	return NULL;
}

/* Stops the run when a rule is broken. */
void peer_check(struct peer *peer)
{
	pair_check(peer->p);
	peer->bad = peer->bad ?: peer_check_state(peer);
	peer->bad = peer->bad ?: peer_check_paths(peer);
	peer->bad = peer->bad ?: peer_check_memory(peer);
	if (peer->bad)
		fprintf(stderr, "broken: %s\n", peer->bad);
	fflush(stdout);
	BUG_ON(peer->bad || peer->p->broken);
}
