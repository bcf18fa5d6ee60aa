// SPDX-License-Identifier: GPL-2.0
/*
 * Fuzz target: a connection whose peer has valid keys and whose program, links and clock
 * do what the input says.  The input is a header of four bytes and then steps: a byte with
 * what to do in its low five bits and mostly a path in the others, and its operands.
 * After each step the connection's accounts have to agree (peer_check()).
 */
#include <stdlib.h>
#include <kunit/test.h>
#include <linux/random.h>

#include "core/deadline.h"
#include "core/dgram.h"
#include "core/early.h"
#include "core/migrate.h"
#include "fuzz.h"
#include "peer.h"
#include "sched/sched.h"

#define FUZZ_STEPS_MAX		120
#define FUZZ_READS_MAX		10000
#define FUZZ_WRITE_MAX		16384U
#define FUZZ_LINKS		3

/**
 * struct fuzz - one run
 * @in: what is left of the input
 * @peer: the peer, and the connection under test
 * @paused: the program reads nothing
 */
struct fuzz {
	struct tquic_rbuf in;
	struct peer peer;
	bool paused;
};

static u8 fuzz_byte(struct fuzz *f)
{
	u8 v = 0;

	tquic_get_u8(&f->in, &v);
	return v;
}

/* Small numbers, and those next to the powers of two */
static u64 fuzz_value(struct fuzz *f)
{
	u8 v = fuzz_byte(f);

	return v < 0xc0 ? v : BIT_ULL(v & 0x3f) - 1;
}

static struct tquic_conn *fuzz_conn(struct fuzz *f)
{
	return &f->peer.e->conn;
}

/* The program */

static void fuzz_read_stream(struct fuzz *f, struct tquic_stream *s, u32 max)
{
	struct tquic_streams *t = &fuzz_conn(f)->streams;
	const u8 *data;
	u32 i, n;

	s->users++;
	while (max && (n = tquic_recv_peek(&s->rx, &data))) {
		n = min(n, max);
		max -= n;
		for (i = 0; i < n; i++)
			BUG_ON(data[i] != pair_byte(s->id, s->rx.flow.consumed + i));
		tquic_conn_read_done(fuzz_conn(f), s, n, f->peer.p->now);
	}
	if (tquic_recv_was_reset(&s->rx) || tquic_recv_eof(&s->rx))
		tquic_recv_told(&s->rx);
	tquic_streams_update_readable(t, s);
	s->users--;
	tquic_streams_reap(t, s);
}

static void fuzz_read(struct fuzz *f, u32 max)
{
	struct tquic_conn *conn = fuzz_conn(f);
	struct tquic_stream *s;
	struct tquic_event ev;
	struct sk_buff *skb;
	u32 reads = 0;

	while ((s = tquic_streams_next_readable(&conn->streams))) {
		fuzz_read_stream(f, s, max);
		if (max != U32_MAX)
			break;
		BUG_ON(++reads > FUZZ_READS_MAX);
	}
	while ((skb = __skb_dequeue(&conn->dgram_rx))) {
		conn->dgram_rx_bytes -= skb->truesize;
		kfree_skb(skb);
	}
	while (tquic_conn_event_pop(conn, &ev))
		;
}

/* One of the live streams */
static struct tquic_stream *fuzz_stream(struct fuzz *f)
{
	return tquic_streams_find(&fuzz_conn(f)->streams, fuzz_byte(f));
}

static void fuzz_write(struct fuzz *f, struct tquic_stream *s, u32 bytes, bool fin)
{
	struct tquic_conn *conn = fuzz_conn(f);
	u8 *dst;
	int i, n;

	for (; bytes; bytes -= n) {
		n = tquic_send_reserve(&s->tx, bytes, GFP_KERNEL, &dst);
		if (n <= 0)
			break;
		for (i = 0; i < n; i++)
			dst[i] = pair_byte(s->id, s->tx.end + i);
		tquic_send_commit(&s->tx, n);
	}
	if (fin)
		tquic_send_finish(&s->tx);
	tquic_streams_update_ready(&conn->streams, s);
}

/* What programs ask of streams, and of the connection */
static void fuzz_program(struct fuzz *f, u8 what)
{
	struct tquic_conn *conn = fuzz_conn(f);
	u64 now = f->peer.p->now, value;
	struct tquic_stream *s = NULL;
	struct sk_buff *skb;

	if (!tquic_conn_is_open(conn))
		return;
	if (what <= 1)
		tquic_streams_open(&conn->streams, what, now, GFP_KERNEL, &s);
	else if (what <= 6)
		s = fuzz_stream(f);
	value = fuzz_value(f);
	switch (what) {
	case 0 ... 2:
		if (s && s->tx.state != TQUIC_SEND_NONE)
			fuzz_write(f, s, min(value >> 1, FUZZ_WRITE_MAX), value & 1);
		break;
	case 3:
		if (s && s->tx.state != TQUIC_SEND_NONE)
			tquic_conn_stream_reset(conn, s, value);
		break;
	case 4:
		if (s && s->rx.state != TQUIC_RECV_NONE)
			tquic_conn_stream_stop(conn, s, value, now);
		break;
	case 5:
		if (s)
			tquic_streams_set_priority(&conn->streams, s, value >> 1, value & 1);
		break;
	case 6:
		if (s && s->tx.state != TQUIC_SEND_NONE) {
			s->deadline_drop = value & 1;
			tquic_streams_set_deadline(&conn->streams, s,
						   now + (value >> 1) * NSEC_PER_MSEC);
		}
		break;
	default:
		skb = conn->state == TQUIC_STATE_ESTABLISHED ?
		      alloc_skb(min(value, 1500), GFP_KERNEL) : NULL;
		if (!skb)
			break;
		memset(skb_put(skb, min(value, 1500)), 0, min(value, 1500));
		tquic_dgram_queue(conn, skb, value & 1 ? now + PAIR_MS(fuzz_byte(f)) :
				  TQUIC_DEADLINE_NONE, value & 2);
	}
}

/* What the adapter, path managers and operators do to a path */
static void fuzz_path(struct fuzz *f, u32 path_id, u8 what)
{
	struct tquic_conn *conn = fuzz_conn(f);
	struct tquic_path *path = tquic_path_find(conn, path_id);
	struct pair *p = f->peer.p;
	struct pair_link *other = &p->link[what >> 4 & 1];

	if (!(what & 15)) {
		if (!conn->server && conn->confirmed && conn->multipath &&
		    conn->state == TQUIC_STATE_ESTABLISHED &&
		    !pair_open_path(p, other - p->link, what & 32))
			tquic_path_ask(conn);
		return;
	}
	if (!path || conn->state != TQUIC_STATE_ESTABLISHED)
		return;
	switch (what & 15) {
	case 1:
		if (conn->multipath)
			tquic_path_close(conn, path, what, p->now);
		break;
	case 2:
		if (conn->multipath)
			tquic_path_set_flags(conn, path, (what & 16 ? TQUIC_PATH_BACKUP : 0) |
							 (what & 32 ? TQUIC_PATH_METERED : 0));
		break;
	case 3:
		if (path->link)
			tquic_path_link_down(conn, path, p->now);
		break;
	case 4:
		if (path->link)
			tquic_path_link_up(conn, path, p->now);
		break;
	case 5:
		if (conn->server || !path->link || path->link == other || path->trial_end_ns)
			break;
		f->peer.e->other_link[path->index] = other;
		tquic_migrate_try(conn, path, p->now);
		break;
	case 6:
		if (path->link)
			tquic_path_set_mtu(conn, path, 1200 + (what >> 4) * 100);
		break;
	case 7:
		if (path->link)
			tquic_path_too_big(path, 1100 + (what >> 4) * 50);
		break;
	case 8:
		path->rate_cap = (what >> 4) * 100000;
		break;
	case 9:
		path->weight = what >> 4;
		break;
	default:
		tquic_path_ask(conn);
	}
}

static const struct tquic_cc_ops *const fuzz_ccs[] = {
	&tquic_cc_cubic, &tquic_cc_bbr, &tquic_cc_newreno, &tquic_cc_lia,
	&tquic_cc_olia, &tquic_cc_balia,
};

static const struct tquic_sched *const fuzz_scheds[] = {
	&tquic_sched_minrtt, &tquic_sched_roundrobin, &tquic_sched_redundant,
	&tquic_sched_weighted, &tquic_sched_blest, &tquic_sched_ecf, &tquic_sched_deadline,
};

/* What is asked of the connection as a whole */
static void fuzz_control(struct fuzz *f, u8 what)
{
	struct tquic_conn *conn = fuzz_conn(f);
	u64 now = f->peer.p->now;
	u8 token[TQUIC_RESET_TOKEN_LEN] = { };
	u8 arg = fuzz_byte(f);

	switch (what) {
	case 0:
		tquic_conn_close(conn, arg, 0, true, token, arg & 15, now);
		break;
	case 1:
		tquic_conn_assign_cc(conn, fuzz_ccs[arg % ARRAY_SIZE(fuzz_ccs)], now);
		break;
	case 2:
		tquic_sched_assign(conn, fuzz_scheds[arg % ARRAY_SIZE(fuzz_scheds)]);
		break;
	case 3:
		/* As a key update does, ours or the peer's */
		if (!conn->confirmed)
			break;
		conn->tx_phase = !conn->tx_phase;
		conn->key_drop_prev_ns = arg & 1 ? now + 3 * tquic_conn_pto_max_ns(conn) : 0;
		conn->ctl |= TQUIC_CONN_CTL_PING;
		break;
	case 4:
		token[0] = arg >> 4;
		token[1] = arg & 15;
		tquic_conn_on_reset(conn, token, now);
		break;
	case 5:
		conn->keepalive_ns = PAIR_MS(arg);
		break;
	case 6:
		f->paused = arg & 1;
		break;
	default:
		fuzz_read(f, arg);
	}
}

/* The peer */

static const struct {
	u16 type;
	u8 values;
} fuzz_frames[] = {
	{ TQUIC_FRAME_PING, 0 }, { TQUIC_FRAME_HANDSHAKE_DONE, 0 },
	{ TQUIC_FRAME_MAX_DATA, 1 }, { TQUIC_FRAME_MAX_STREAM_DATA, 2 },
	{ TQUIC_FRAME_MAX_STREAMS_BIDI, 1 }, { TQUIC_FRAME_MAX_STREAMS_UNI, 1 },
	{ TQUIC_FRAME_DATA_BLOCKED, 1 }, { TQUIC_FRAME_STREAM_DATA_BLOCKED, 2 },
	{ TQUIC_FRAME_STREAMS_BLOCKED_BIDI, 1 }, { TQUIC_FRAME_STREAMS_BLOCKED_UNI, 1 },
	{ TQUIC_FRAME_RESET_STREAM, 3 }, { TQUIC_FRAME_STOP_SENDING, 2 },
	{ TQUIC_FRAME_RETIRE_CONNECTION_ID, 1 }, { TQUIC_FRAME_PATH_RETIRE_CONNECTION_ID, 2 },
	{ TQUIC_FRAME_PATH_ABANDON, 2 }, { TQUIC_FRAME_PATH_STATUS_BACKUP, 2 },
	{ TQUIC_FRAME_PATH_STATUS_AVAILABLE, 2 }, { TQUIC_FRAME_MAX_PATH_ID, 1 },
	{ TQUIC_FRAME_PATHS_BLOCKED, 1 }, { TQUIC_FRAME_PATH_CIDS_BLOCKED, 2 },
};

/* A well-formed frame of a kind whose operands are numbers */
static void fuzz_frame(struct fuzz *f, u32 path_id)
{
	u32 i, kind = fuzz_byte(f) % ARRAY_SIZE(fuzz_frames);
	u8 buf[32];
	struct tquic_wbuf b = { buf, buf + sizeof(buf) };

	tquic_put_varint(&b, fuzz_frames[kind].type);
	for (i = 0; i < fuzz_frames[kind].values; i++)
		tquic_put_varint(&b, min(fuzz_value(f), TQUIC_VARINT_MAX));
	peer_frames(&f->peer, path_id, buf, b.p - buf);
}

static void fuzz_challenge(struct fuzz *f, u32 path_id)
{
	u8 buf[9] = { TQUIC_FRAME_PATH_CHALLENGE, fuzz_byte(f) };

	peer_frames(&f->peer, path_id, buf, sizeof(buf));
}

static void fuzz_raw(struct fuzz *f, u32 path_id)
{
	u32 len = min_t(size_t, fuzz_byte(f), tquic_rbuf_left(&f->in));

	peer_frames(&f->peer, path_id, f->in.p, len);
	f->in.p += len;
}

/* How packets are sent from now on */
static void fuzz_set(struct fuzz *f, u8 set)
{
	static const enum tquic_pkt_type types[] = {
		TQUIC_PKT_1RTT, TQUIC_PKT_0RTT, TQUIC_PKT_INITIAL, TQUIC_PKT_HANDSHAKE,
	};

	peer_flush(&f->peer);
	f->peer.set = (struct peer_set) {
		.type = types[set & 3],
		.link = set >> 2 & 3,
		.ecn = set >> 4 & 3,
		.hold = set & 64,
	};
}

/* Ids for a path, and a first packet on it: as a peer opens one or has it opened */
static void fuzz_meet(struct fuzz *f, u32 path_id, u8 link)
{
	struct peer *peer = &f->peer;
	u8 was = peer->set.link;

	peer_new_cid(peer, 0, path_id, 0);
	if (!fuzz_conn(f)->server)
		return;
	peer->set.link = link & 3;
	fuzz_challenge(f, path_id);
	peer_flush(peer);
	peer_response(peer, path_id, path_id, 0);
	peer->set.link = was;
}

/* Numbers of packets: one that came already, or one much higher */
static void fuzz_number(struct fuzz *f, u32 path_id, u8 how)
{
	struct peer *peer = &f->peer;
	u64 *pn = peer->set.type == TQUIC_PKT_INITIAL ? &peer->hs_pn[0] :
		  peer->set.type == TQUIC_PKT_HANDSHAKE ? &peer->hs_pn[1] : &peer->pn[path_id];

	peer->dcid = how >> 6;
	if (how & 32)
		*pn += how & 31;
	else
		*pn -= min_t(u64, how & 31, *pn);
}

/* Where the peer goes on, if it has left nothing out */
static u64 fuzz_highest(struct fuzz *f, u64 id)
{
	const struct tquic_stream *s = tquic_streams_find(&fuzz_conn(f)->streams, id);

	return s ? s->rx.flow.highest : 0;
}

static void fuzz_data(struct fuzz *f, u32 path_id, bool fin)
{
	u64 id = fuzz_byte(f), off = fuzz_value(f);
	u8 len = fuzz_byte(f);

	if (off > TQUIC_VARINT_MAX)
		off = fuzz_highest(f, id);
	peer_stream(&f->peer, path_id, id, off, len < 128 ? len : (len & 127) * 12, fin);
}

/* Memory is short until the next step */
static void fuzz_shortage(struct fuzz *f, u32 path_id)
{
	f->peer.nomem = true;
	tquic_shim_fail_after = fuzz_byte(f);
	fuzz_frame(f, path_id);
}

static void fuzz_time(struct fuzz *f, u32 scale)
{
	peer_flush(&f->peer);
	pair_run(f->peer.p, (fuzz_byte(f) + 1ULL) << (2 * scale + 17));
}

static void fuzz_step(struct fuzz *f)
{
	u8 step = fuzz_byte(f), arg;
	u32 path = step >> 5;
	struct peer *peer = &f->peer;

	switch (step & 31) {
	case 0 ... 1:
		fuzz_time(f, path);
		break;
	case 2 ... 4:
		fuzz_raw(f, path);
		break;
	case 5 ... 6:
		fuzz_data(f, path, step & 2);
		break;
	case 7 ... 9:
		arg = fuzz_byte(f);
		peer_ack(peer, path, arg & 15, arg >> 4 & 7, arg & 128);
		break;
	case 10:
		peer_tls(peer);
		break;
	case 11:
		peer_handshake(peer);
		break;
	case 12 ... 13:
		arg = fuzz_byte(f);
		peer_response(peer, path, arg & 7, arg >> 3);
		break;
	case 14:
		arg = fuzz_byte(f);
		peer_new_cid(peer, path, arg & 15, arg >> 4);
		break;
	case 15:
		fuzz_meet(f, path, fuzz_byte(f));
		break;
	case 16 ... 18:
		fuzz_frame(f, path);
		break;
	case 19:
		fuzz_challenge(f, path);
		break;
	case 20:
		fuzz_set(f, fuzz_byte(f));
		break;
	case 21:
		fuzz_number(f, path, fuzz_byte(f));
		break;
	case 22:
		fuzz_control(f, path);
		break;
	case 23 ... 25:
		fuzz_path(f, path, fuzz_byte(f));
		break;
	case 26:
		fuzz_shortage(f, path);
		break;
	default:
		fuzz_program(f, path);
	}
}

/* Narrow ones are reached by small inputs */
static void fuzz_limits(struct tquic_params *params, u8 narrow)
{
	if (narrow & 1)
		params->max_data = 3000;
	if (narrow & 2) {
		params->max_stream_data_uni = 1000;
		params->max_stream_data_bidi_local = 1000;
		params->max_stream_data_bidi_remote = 1000;
	}
	if (narrow & 4) {
		params->max_streams_bidi = 2;
		params->max_streams_uni = 2;
	}
}

/* The header: who is who, what both sides announce, and how we are set up */
static bool fuzz_start(struct fuzz *f, struct pair *p)
{
	u8 who = fuzz_byte(f), ours = fuzz_byte(f), theirs = fuzz_byte(f), how = fuzz_byte(f);
	bool server = who & 1;
	struct tquic_conn *conn = &p->end[server].conn;
	struct tquic_params *params = &f->peer.params;

	*params = p->end[!server].conn.local;
	fuzz_limits(params, theirs);
	params->has_max_path_id = !(theirs & 8);
	params->max_path_id = params->has_max_path_id ? theirs & 16 ? 1 : 7 : 0;
	params->active_cid_limit = theirs & 32 ? 2 : 4;
	params->max_ack_delay_ms = theirs & 64 ? 1000 : 25;
	params->max_idle_timeout_ms = theirs & 128 ? 500 : 30000;

	fuzz_limits(&conn->local, ours);
	conn->local.has_max_path_id = !(ours & 8);
	if (ours & 16)
		conn->tune.rx_mem_max_bytes = 4096;
	conn->tune.pacing = !(ours & 32);
	conn->tune.ecn = !(ours & 64);
	conn->tune.min_legs = ours & 128 ? 2 : 1;

	conn->want_events = how & 1;
	f->paused = how & 2;
	p->nat = how & 4;
	p->end[server].flight_bytes = 10;
	conn->cc_ops = fuzz_ccs[(how >> 3) % ARRAY_SIZE(fuzz_ccs)];
	conn->sched = fuzz_scheds[(who >> 2) % ARRAY_SIZE(fuzz_scheds)];
	p->early = who & 128 ? who & 64 ? PAIR_EARLY_TAKEN : PAIR_EARLY_REFUSED : PAIR_EARLY_NONE;
	p->remembered = *params;
	return peer_start(&f->peer, p, server);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t len)
{
	struct kunit test = { .name = "fuzz" };
	struct fuzz f = { .in = { data, data + len } };
	long live = tquic_shim_live;
	u32 steps = 0;
	bool hs;

	if (len < 5)
		return 0;
	tquic_shim_random = 1;
	if (setjmp(test.abort))
		abort();
	hs = data[0] & 2;
	if (fuzz_start(&f, pair_create(&test, FUZZ_LINKS))) {
		if (hs)
			peer_handshake(&f.peer);
		while (tquic_rbuf_left(&f.in) && steps++ < FUZZ_STEPS_MAX) {
			fuzz_step(&f);
			pair_kick(f.peer.e);
			if (!f.paused)
				fuzz_read(&f, U32_MAX);
			pair_kick(f.peer.e);
			tquic_shim_fail_after = -1;
			peer_check(&f.peer);
		}
		peer_flush(&f.peer);
		peer_check(&f.peer);
	}
	tquic_shim_run_actions(&test);
	BUG_ON(test.failed);
	BUG_ON(tquic_shim_live != live);
	return 0;
}
