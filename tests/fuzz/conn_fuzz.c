// SPDX-License-Identifier: GPL-2.0
/* Fuzz target: two connections, one of which sends whatever the input says, with valid keys. */
#include <stdlib.h>
#include <kunit/test.h>
#include <linux/random.h>

#include "core/path.h"
#include "fuzz.h"
#include "test/pair.h"

#define FUZZ_RX_MEM_MAX		(80 << 20)
#define FUZZ_RECORDS_MAX	200

/* What a program may do, chosen by one byte */
static void fuzz_program(struct pair *p, struct pair_end *e, u8 what)
{
	struct tquic_path *path = tquic_path_find(&e->conn, what >> 5);
	struct tquic_stream *s = tquic_streams_find(&e->conn.streams, what >> 4);

	if (e->conn.state != TQUIC_STATE_ESTABLISHED)
		return;
	switch (what & 7) {
	case 0:
		pair_flow_open(e, what & 8, 1 << (what >> 4));
		break;
	case 1:
		if (!e->conn.server && e->conn.confirmed && e->conn.multipath)
			pair_open_path(p, 1, what & 8);
		break;
	case 2:
		if (path)
			tquic_path_close(&e->conn, path, what, p->now);
		break;
	case 3:
		if (path)
			tquic_path_set_flags(path, what & 8 ? TQUIC_PATH_METERED : 0);
		break;
	case 4:
		if (s)
			tquic_conn_stream_reset(&e->conn, s, what);
		break;
	case 5:
		if (s)
			tquic_conn_stream_stop(&e->conn, s, what, p->now);
		break;
	case 6:
		p->link[what >> 7].cut = what & 8;
		break;
	case 7:
		e->paused = what & 8;
		break;
	}
}

/*
 * A record: who receives and on which path, how many bytes, the bytes. Two
 * bits say what it is: frames of a 1-RTT packet, the same in an Initial or a
 * Handshake packet, time that passes, something a program does.
 */
static const u8 *fuzz_record(struct pair *p, const u8 *in, const u8 *end)
{
	static const enum tquic_pkt_type types[] = {
		TQUIC_PKT_1RTT, TQUIC_PKT_1RTT, TQUIC_PKT_INITIAL, TQUIC_PKT_HANDSHAKE,
	};
	u8 head = *in++, len = in < end ? *in++ : 0;
	struct pair_end *e = &p->end[head & 1];
	enum tquic_pkt_type type;
	u8 path_id = head >> 1 & 3;

	switch (head >> 6) {
	case 0:
	case 1:
		len = min_t(size_t, len, end - in);
		type = types[head >> 4 & 3];
		if (e->started && pair_peer(e)->started &&
		    (type == TQUIC_PKT_1RTT ||
		     e->conn.keys_rx & BIT(type == TQUIC_PKT_HANDSHAKE ?
					   TQUIC_LEVEL_HANDSHAKE : TQUIC_LEVEL_INITIAL)))
			pair_inject_next(e, type, type == TQUIC_PKT_1RTT ? path_id : 0,
					 in, len);
		pair_kick(e);
		return in + len;
	case 2:
		pair_run(p, PAIR_MS(len));
		return in;
	default:
		fuzz_program(p, e, len);
		pair_kick(e);
		return in;
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t len)
{
	const u8 *in = data, *end = data + len;
	struct kunit test = { .name = "fuzz" };
	u32 i, records = 0;
	long live = tquic_shim_live;
	struct pair *p;

	if (len < 2)
		return 0;
	tquic_shim_random = 1;
	if (setjmp(test.abort))
		abort();
	p = pair_create(&test, 2);
	p->hostile = true;
	p->end[0].conn.want_events = true;
	pair_start(p);
	pair_run(p, PAIR_MS(*in++ & 0x7f));
	while (in < end && records++ < FUZZ_RECORDS_MAX) {
		in = fuzz_record(p, in, end);
		pair_check(p);
		for (i = 0; i < 2; i++)
			BUG_ON(p->end[i].conn.streams.rx_mem.used > FUZZ_RX_MEM_MAX);
	}
	pair_run(p, PAIR_MS(500));
	tquic_shim_run_actions(&test);
	BUG_ON(test.failed);
	BUG_ON(tquic_shim_live != live);
	return 0;
}
