// SPDX-License-Identifier: GPL-2.0
/*
 * Seeds for conn_fuzz.c: normal runs of two connections, written down as programs that have the
 * fuzzer's peer say to one of them what the other one said.  One hex line each on stdout.
 */
#include <setjmp.h>
#include <stdio.h>
#include <kunit/test.h>
#include <linux/random.h>

#include "core/dgram.h"
#include "core/deadline.h"
#include "core/migrate.h"
#include "core/path.h"
#include "fuzz.h"
#include "test/pair.h"

#define SEED_MAX		1400
#define SEED_TIME_SHIFT		17

/* Steps of conn_fuzz.c */
enum {
	STEP_TIME = 0, STEP_RAW = 2, STEP_STREAM = 5, STEP_STREAM_FIN = 6, STEP_ACK = 7,
	STEP_TLS = 10, STEP_RESPONSE = 12, STEP_NEW_CID = 14, STEP_SET = 20, STEP_CONTROL = 22,
	STEP_PATH = 23, STEP_PROGRAM = 27,
};

static struct {
	u8 data[SEED_MAX];
	u32 len;
	struct pair_end *victim;
	u64 last_ns;
} seed;

static void seed_put(u8 v)
{
	if (seed.len < SEED_MAX)
		seed.data[seed.len++] = v;
}

static void seed_step(u8 step, u8 path)
{
	seed_put(step | path << 5);
}

static void seed_time(u64 now)
{
	u64 ns = now - seed.last_ns;
	u32 scale = 0;

	if (ns >> SEED_TIME_SHIFT == 0)
		return;
	while (scale < 7 && ns >> (2 * scale + SEED_TIME_SHIFT) > 256)
		scale++;
	seed_step(STEP_TIME, scale);
	seed_put(min_t(u64, ns >> (2 * scale + SEED_TIME_SHIFT), 256) - 1);
	seed.last_ns = now;
}

static void seed_frame(const struct tquic_frame *f, u8 path, const u8 *start, u32 len)
{
	const struct tquic_path *tried = tquic_path_find(&seed.victim->conn, path);

	switch (f->type) {
	case TQUIC_FRAME_PADDING:
		return;
	case TQUIC_FRAME_ACK:
	case TQUIC_FRAME_ACK_ECN:
	case TQUIC_FRAME_PATH_ACK:
	case TQUIC_FRAME_PATH_ACK_ECN:
		seed_step(STEP_ACK, f->ack.path_id);
		seed_put(0);
		return;
	case TQUIC_FRAME_CRYPTO:
		if (!f->crypto.off)
			seed_step(STEP_TLS, 0);
		return;
	case TQUIC_FRAME_STREAM ... TQUIC_FRAME_STREAM_LAST:
		seed_step(f->stream.fin ? STEP_STREAM_FIN : STEP_STREAM, path);
		seed_put(f->stream.id);
		seed_put(0xff);
		seed_put(f->stream.len < 128 ? f->stream.len : 0x80 | min(f->stream.len / 12, 127));
		return;
	case TQUIC_FRAME_PATH_RESPONSE:
		seed_step(STEP_RESPONSE, path);
		seed_put(path | (tried && tried->trial_end_ns ? 1 << 3 : 0));
		return;
	case TQUIC_FRAME_NEW_CONNECTION_ID:
	case TQUIC_FRAME_PATH_NEW_CONNECTION_ID:
		seed_step(STEP_NEW_CID, path);
		seed_put(f->new_cid.path_id | min(f->new_cid.retire_prior_to, 15) << 4);
		return;
	default:
		seed_step(STEP_RAW, path);
		seed_put(len);
		while (len--)
			seed_put(*start++);
	}
}

static bool seed_tap(struct pair *p, struct pair_end *from, const struct tquic_tx_pkt *pkts, int n)
{
	static const u8 types[] = { 2, 1, 3, 0 };
	const struct pair_link *link;
	struct tquic_frame f;
	struct tquic_rbuf b;
	const u8 *start;
	int i;

	if (from == seed.victim)
		return true;
	seed_time(p->now);
	for (i = 0; i < n; i++) {
		link = pkts[i].other ? from->other_link[pkts[i].path->index] : pkts[i].path->link;
		seed_step(STEP_SET, 0);
		seed_put(types[pkts[i].level] | (link - p->link) << 2 | 64);
		b = (struct tquic_rbuf) { pkts[i].data + pkts[i].hdr_len,
					  pkts[i].data + pkts[i].len };
		for (start = b.p; tquic_rbuf_left(&b) && !tquic_frame_parse(&b, &f); start = b.p)
			seed_frame(&f, pkts[i].path->id, start, b.p - start);
	}
	return true;
}

/* What the program under test does is written down as well. */

static void seed_write(struct pair *p, bool uni)
{
	seed_time(p->now);
	seed_step(STEP_PROGRAM, uni);
	seed_put(0xcf);
	pair_flow_open(seed.victim, uni, 16383);
}

static void seed_transfer(struct pair *p)
{
	seed_write(p, false);
	seed_write(p, true);
	pair_flow_open(pair_peer(seed.victim), false, 9000);
	pair_flow_open(pair_peer(seed.victim), true, 3000);
	pair_run(p, PAIR_MS(300));
}

static void seed_open_path(struct pair *p)
{
	pair_run(p, PAIR_MS(100));
	if (seed.victim == pair_client(p)) {
		seed_time(p->now);
		seed_step(STEP_PATH, 0);
		seed_put(1 << 4);
	}
	pair_open_path(p, 1, false);
	pair_run(p, PAIR_MS(100));
}

static void seed_multipath(struct pair *p)
{
	seed_open_path(p);
	seed_transfer(p);
	p->link[0].cut = true;
	seed_write(p, false);
	pair_run(p, PAIR_MS(2000));
	p->link[0].cut = false;
	pair_run(p, PAIR_MS(2000));
}

static void seed_abandon(struct pair *p)
{
	struct tquic_conn *conn = &pair_client(p)->conn;

	seed_open_path(p);
	if (seed.victim == pair_client(p)) {
		seed_step(STEP_PATH, 1);
		seed_put(2 | 16);
		seed_step(STEP_PATH, 0);
		seed_put(1);
	}
	tquic_path_set_flags(&p->end[0].conn, pair_path(p, 0, 1), TQUIC_PATH_BACKUP);
	pair_run(p, PAIR_MS(100));
	tquic_path_close(conn, pair_path(p, 0, 0), 0, p->now);
	pair_kick(pair_client(p));
	seed_transfer(p);
}

static void seed_migrate(struct pair *p)
{
	struct pair_end *e = pair_client(p);
	struct tquic_path *path = pair_path(p, 0, 0);

	pair_run(p, PAIR_MS(100));
	if (seed.victim == e) {
		seed_time(p->now);
		seed_step(STEP_PATH, 0);
		seed_put(5 | 1 << 4);
	}
	e->other_link[path->index] = &p->link[1];
	tquic_migrate_try(&e->conn, path, p->now);
	pair_kick(e);
	pair_run(p, PAIR_MS(200));
	seed_transfer(p);
}

static void seed_rebind(struct pair *p)
{
	pair_run(p, PAIR_MS(100));
	pair_path(p, 0, 0)->link = &p->link[1];
	seed_transfer(p);
}

static void seed_aborts(struct pair *p)
{
	struct pair_end *peer = pair_peer(seed.victim);
	struct pair_flow *f = pair_flow_open(peer, false, 50000);
	struct tquic_stream *s;

	pair_run(p, PAIR_MS(12));
	s = f ? tquic_streams_find(&peer->conn.streams, f->id) : NULL;
	if (s) {
		tquic_conn_stream_reset(&peer->conn, s, 7);
		tquic_conn_stream_stop(&peer->conn, s, 8, p->now);
		pair_kick(peer);
	}
	pair_run(p, PAIR_MS(100));
	tquic_conn_close(&peer->conn, 3, 0, true, (const u8 *)"bye", 3, p->now);
	pair_kick(peer);
	pair_run(p, PAIR_MS(3000));
}

static void seed_close(struct pair *p)
{
	pair_run(p, PAIR_MS(100));
	seed_time(p->now);
	seed_step(STEP_CONTROL, 0);
	seed_put(0);
	tquic_conn_close(&seed.victim->conn, 0, 0, true, NULL, 0, p->now);
	pair_kick(seed.victim);
	pair_run(p, PAIR_MS(3000));
	seed_time(p->now);
}

static const struct {
	void (*run)(struct pair *p);
	enum pair_early early;
} seed_runs[] = {
	{ seed_transfer }, { seed_multipath }, { seed_abandon }, { seed_migrate },
	{ seed_rebind }, { seed_aborts }, { seed_close },
	{ seed_transfer, PAIR_EARLY_TAKEN }, { seed_transfer, PAIR_EARLY_REFUSED },
};

static void seed_make(u32 run, bool server)
{
	struct kunit test = { .name = "seed" };
	enum pair_early early = seed_runs[run].early;
	struct pair *p;
	u32 i;

	if (setjmp(test.abort))
		abort();
	tquic_shim_random = 1;
	p = pair_create(&test, 2);
	seed.len = 0;
	seed.victim = &p->end[server];
	seed.last_ns = p->now;
	seed_put(server | (early == PAIR_EARLY_NONE ? 0 : early == PAIR_EARLY_TAKEN ? 0xc0 : 0x80));
	for (i = 0; i < 3; i++)
		seed_put(0);
	p->tap = seed_tap;
	p->early = early;
	p->hostile = true;
	pair_start(p);
	if (early != PAIR_EARLY_NONE) {
		if (!server)
			seed_write(p, false);
		else
			pair_flow_open(pair_client(p), false, 3000);
	}
	pair_run(p, PAIR_MS(80));
	seed_runs[run].run(p);
	for (i = 0; i < seed.len; i++)
		printf("%02x", seed.data[i]);
	putchar('\n');
	tquic_shim_run_actions(&test);
}

int main(void)
{
	u32 i;

	for (i = 0; i < 2 * ARRAY_SIZE(seed_runs); i++)
		seed_make(i / 2, i & 1);
	return 0;
}
