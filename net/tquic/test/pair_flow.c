// SPDX-License-Identifier: GPL-2.0
/* Programs at both ends that send each other streams. */
#include <linux/minmax.h>

#include "test/pair.h"
#include "test/pair_parts.h"

u8 pair_byte(u64 id, u64 off)
{
	return (off * 31 + (off >> 8) * 7 + id) & 0xff;
}

struct pair_flow *pair_flow_open(struct pair_end *from, bool uni, u64 total)
{
	struct pair *p = from->pair;
	struct tquic_stream *s;
	struct pair_flow *f;

	for (f = p->flow; f < p->flow + PAIR_FLOWS_MAX && f->from; f++)
		;
	if (f == p->flow + PAIR_FLOWS_MAX ||
	    tquic_streams_open(&from->conn.streams, uni, p->now, GFP_KERNEL, &s))
		return NULL;
	*f = (struct pair_flow) {
		.from = from,
		.id = s->id,
		.total = total,
		.start_ns = p->now,
		.last_ns = p->now,
	};
	from->conn.todo |= TQUIC_TODO_WRITE;
	pair_kick(from);
	return f;
}

bool pair_flows_done(struct pair *p)
{
	struct pair_flow *f;

	for (f = p->flow; f < p->flow + PAIR_FLOWS_MAX; f++)
		if (f->from && !f->ended)
			return false;
	return true;
}

/* As the socket has it, which grows with the windows, unless the test says otherwise */
static u64 pair_sndbuf(const struct pair_end *e)
{
	return e->pair->sndbuf ?: clamp_t(u64, tquic_conn_buffer_bytes(&e->conn),
					  PAIR_SNDBUF_MIN, PAIR_SNDBUF_MAX);
}

/* The sender's program fills the send buffer */
void pair_flow_write(struct pair_end *e, struct pair_flow *f)
{
	struct tquic_streams *t = &e->conn.streams;
	struct tquic_stream *s = tquic_streams_find(t, f->id);
	u8 *dst;
	int i, n;

	if (!s || s->tx.fin)
		return;
	while (f->written < f->total && t->tx_mem.used < pair_sndbuf(e)) {
		n = tquic_send_reserve(&s->tx, min_t(u64, f->total - f->written, 65536),
				       GFP_KERNEL, &dst);
		if (n <= 0)
			return;
		for (i = 0; i < n; i++)
			dst[i] = pair_byte(f->id, f->written + i);
		tquic_send_commit(&s->tx, n);
		f->written += n;
	}
	e->conn.tx_full = f->written < f->total;
	if (f->written == f->total)
		tquic_send_finish(&s->tx);
	tquic_streams_update_ready(t, s);
}

static void pair_flow_progress(struct pair *p, struct pair_flow *f)
{
	f->gap_ns = max(f->gap_ns, p->now - f->last_ns);
	f->last_ns = p->now;
}

/* The receiver's reads all there is, and knows what it has to be */
void pair_flow_read(struct pair_end *e, struct pair_flow *f)
{
	struct tquic_streams *t = &e->conn.streams;
	struct tquic_stream *s = tquic_streams_find(t, f->id);
	const u8 *data;
	u32 i, n;

	if (!s || f->ended)
		return;
	while ((n = tquic_recv_peek(&s->rx, &data))) {
		for (i = 0; i < n; i++)
			if (data[i] != pair_byte(f->id, f->read + i))
				pair_blame(e->pair, "a stream's bytes are wrong");
		f->read += n;
		pair_flow_progress(e->pair, f);
		tquic_conn_read_done(&e->conn, s, n, e->pair->now);
	}
	f->was_reset = tquic_recv_was_reset(&s->rx);
	if (!f->was_reset && !tquic_recv_eof(&s->rx))
		return;
	pair_flow_progress(e->pair, f);
	f->ended = true;
	f->end_ns = e->pair->now;
	if (!f->was_reset && f->read != f->total)
		pair_blame(e->pair, "a stream has lost bytes");
	tquic_recv_told(&s->rx);
	tquic_streams_update_readable(t, s);
	tquic_streams_reap(t, s);
}
