// SPDX-License-Identifier: GPL-2.0
/* Connections that share the queue of a link with the one that is watched. */
#include <stdio.h>
#include <stdlib.h>
#include <linux/random.h>

#include "cc/cc.h"
#include "sim.h"

#define SIM_ENDLESS_BYTES	BIT_ULL(50)

/* A connection with one path whose server sends as much as it can, from when it is confirmed */
const char *sim_rival_add(struct sim *s, u32 over, const char *cc)
{
	struct sim_rival *r = calloc(1, sizeof(*r));
	struct pair_link *link = &s->pair->link[over];
	const struct tquic_cc_ops *ops;
	u32 i;

	if (!r)
		abort();
	r->pair = pair_create(s->pair->test, 1);
	r->pair->now = s->pair->now;
	r->pair->rnd = get_random_u64() | 1;
	r->pair->link[0].delay_ns = link->delay_ns;
	r->pair->link[0].neck = link->neck ?: link;
	r->next = s->rivals;
	s->rivals = r;
	for (i = 0; i < 2; i++) {
		ops = tquic_cc_get(cc);
		if (!ops)
			return "no such congestion control";
		tquic_conn_assign_cc(&r->pair->end[i].conn, ops, r->pair->now);
	}
	if (!pair_start(r->pair))
		return "a rival does not start";
	r->next_ns = pair_next(r->pair);
	return NULL;
}

static void sim_rival_send(struct sim_rival *r)
{
	if (r->flow || !r->pair->end[0].conn.confirmed || !r->pair->end[1].conn.confirmed)
		return;
	r->flow = pair_flow_open(pair_server(r->pair), true, SIM_ENDLESS_BYTES);
}

/*
 * The next thing that happens to any of the connections, not after @until_ns: they meet in the
 * queues of links, which must be asked in order of time.  False when nothing does.
 */
bool sim_step(struct sim *s, u64 until_ns)
{
	struct sim_rival *r, *first = NULL;
	u64 best;

	if (!s->rivals)
		return pair_step(s->pair, until_ns);
	best = pair_next(s->pair);
	for (r = s->rivals; r; r = r->next) {
		if (!r->next_ns || (best && r->next_ns >= best))
			continue;
		best = r->next_ns;
		first = r;
	}
	if (!best || best > until_ns) {
		for (r = s->rivals; r; r = r->next)
			pair_step(r->pair, until_ns);
		return pair_step(s->pair, until_ns);
	}
	if (!first)
		return pair_step(s->pair, best);
	pair_step(first->pair, best);
	sim_rival_send(first);
	first->next_ns = pair_next(first->pair);
	s->pair->broken |= first->pair->broken;
	return !s->pair->broken;
}

/* Stream bytes that each has read, the last that was added first */
void sim_rivals_report(const struct sim *s, FILE *out)
{
	const struct sim_rival *r;

	fputs("\"rivals\":[", out);
	for (r = s->rivals; r; r = r->next)
		fprintf(out, "%s%llu", r == s->rivals ? "" : ",",
			(unsigned long long)(r->flow ? r->flow->read : 0));
	fputs("]", out);
}

void sim_rivals_free(struct sim *s)
{
	struct sim_rival *r;

	while ((r = s->rivals)) {
		s->rivals = r->next;
		free(r);
	}
}
