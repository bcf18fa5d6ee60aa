// SPDX-License-Identifier: GPL-2.0
/* Runs the clock of a simulation and watches what the engine does meanwhile. */
#include <stdio.h>
#include <stdlib.h>
#include <linux/unaligned.h>

#include "core/deadline.h"
#include "core/dgram.h"
#include "core/frame.h"
#include "core/path.h"
#include "core/streams.h"
#include "sim.h"

#define SIM_DGRAM_QUEUE_MAX	64	/* as the sysctl datagram_queue_max has it */

/* pair->engine has no argument of its own. */
static struct sim *sim_watched;

static u32 sim_index(const struct sim *s, const struct pair_end *e)
{
	return e - s->pair->end;
}

static void sim_before(struct pair *p, bool enter)
{
	struct tquic_path *path;
	u32 i, k;

	if (!enter)
		return;
	for (i = 0; i < 2; i++) {
		for (k = 0; k < TQUIC_PATHS_MAX; k++) {
			path = p->end[i].started ? tquic_conn_path(&p->end[i].conn, k) : NULL;
			sim_watched->end[i].in_flight[k] = path ? path->cc.in_flight : 0;
		}
	}
}

/* Does a packet validate a path?  Such packets wait for no window. */
static bool sim_validates(const struct tquic_tx_pkt *pkt)
{
	struct tquic_rbuf b = {
		.p = pkt->data + pkt->hdr_len,
		.end = pkt->data + pkt->len,
	};
	struct tquic_frame f;

	while (tquic_rbuf_left(&b) && !tquic_frame_parse(&b, &f))
		if (f.type == TQUIC_FRAME_PATH_CHALLENGE || f.type == TQUIC_FRAME_PATH_RESPONSE)
			return true;
	return false;
}

/* Were paths given up, and have no two packets left yet for the sake of each? */
static bool sim_handed_over(struct sim_end *e, const struct tquic_conn *conn)
{
	u64 handed_ns = e->handed_ns;
	struct tquic_path *path;
	u32 given_up = 0;

	tquic_for_each_path(conn, path)
		e->handed_ns = max3(e->handed_ns, path->suspect_ns, path->spared_ns);
	tquic_for_each_path(conn, path)
		given_up += e->handed_ns && max(path->suspect_ns, path->spared_ns) == e->handed_ns;
	if (handed_ns < e->handed_ns)
		e->handed = 0;
	return e->handed++ < 2 * given_up;
}

/*
 * Nothing that counts may leave through a full window but what validates paths, probes
 * after a timeout, and two packets when others take over from a path.
 */
static bool sim_sent(struct pair *p, struct pair_end *from, const struct tquic_tx_pkt *pkts,
		     int n)
{
	struct sim_end *e = &sim_watched->end[sim_index(sim_watched, from)];
	const struct tquic_path *path = pkts[0].path;
	u64 before = e->in_flight[path->index];

	if (pkts[0].level == TQUIC_LEVEL_APP && path->state == TQUIC_PATH_ACTIVE &&
	    !path->pto_count && path->cc.in_flight > before && before >= path->cc.cwnd &&
	    !sim_validates(&pkts[0]) && !sim_handed_over(e, &from->conn))
		e->over++;
	return true;
}

void sim_watch(struct sim *s)
{
	sim_watched = s;
	s->pair->engine = sim_before;
	s->pair->tap = sim_sent;
}

static void sim_dgrams_read(struct sim *s, struct pair_end *pe)
{
	struct sim_end *e = &s->end[sim_index(s, pe)];
	u64 after_ns = s->end[sim_index(s, pair_peer(pe))].dgrams.after_ns;
	struct sk_buff *skb;
	u64 delay_ns;

	while ((skb = __skb_dequeue(&pe->conn.dgram_rx))) {
		pe->conn.dgram_rx_bytes -= skb->truesize;
		e->delay_ns = realloc(e->delay_ns, (e->delays + 1) * sizeof(u64));
		if (!e->delay_ns)
			abort();
		delay_ns = s->pair->now - get_unaligned_be64(skb->data);
		e->delay_ns[e->delays++] = delay_ns;
		e->in_time += !after_ns || delay_ns <= after_ns;
		kfree_skb(skb);
	}
}

static void sim_dgrams_write(struct sim *s, struct pair_end *pe)
{
	struct sim_dgrams *d = &s->end[sim_index(s, pe)].dgrams;
	struct sk_buff *skb;

	while (d->left && d->next_ns <= s->pair->now) {
		d->left--;
		d->next_ns += d->every_ns;
		if (skb_queue_len(&pe->conn.dgram_tx) >= SIM_DGRAM_QUEUE_MAX) {
			d->refused++;
			continue;
		}
		skb = alloc_skb(d->bytes, GFP_KERNEL);
		if (!skb)
			abort();
		memset(skb_put(skb, d->bytes), 0, d->bytes);
		put_unaligned_be64(s->pair->now, skb->data);
		tquic_dgram_queue(&pe->conn, skb, d->after_ns ? s->pair->now + d->after_ns :
							       TQUIC_DEADLINE_NONE, true);
		d->sent++;
		pair_kick(pe);
	}
}

/* Data that waits while nothing is under way: the engine owes a reason */
static void sim_idle(struct sim *s, struct pair_end *pe)
{
	struct sim_end *e = &s->end[sim_index(s, pe)];
	struct tquic_path *path;
	u64 in_flight = 0;
	u32 k;

	for (k = 0; k < TQUIC_PATHS_MAX; k++) {
		path = tquic_conn_path(&pe->conn, k);
		in_flight += path ? path->cc.in_flight : 0;
	}
	if (in_flight || !tquic_streams_next_ready(&pe->conn.streams, 0)) {
		e->idle_since_ns = 0;
		return;
	}
	if (!e->idle_since_ns)
		e->idle_since_ns = s->pair->now;
	e->idle_ns = max(e->idle_ns, s->pair->now - e->idle_since_ns);
}

/* As the kernel's path manager does: a link without a path gets one. */
static void sim_paths(struct sim *s)
{
	struct tquic_path *path;
	u32 i, k, have = 0;

	for (k = 0; k < TQUIC_PATHS_MAX; k++) {
		path = tquic_conn_path(&s->pair->end[0].conn, k);
		if (path && path->link && tquic_path_is_open(path))
			have |= BIT(pair_link_index(s->pair, path));
	}
	for (i = 0; i < s->pair->links; i++)
		if (!(have & BIT(i)) && !s->pair->link[i].cut)
			pair_open_path(s->pair, i, false);
}

static u64 sim_read(const struct sim *s)
{
	const struct sim_flow *f;
	u64 sum = 0;
	u32 i;

	for (f = s->flows; f; f = f->next)
		sum += f->flow.read;
	for (i = 0; i < PAIR_FLOWS_MAX; i++)
		sum += s->pair->flow[i].from ? s->pair->flow[i].read : 0;
	return sum;
}

static void sim_sample(struct sim *s)
{
	struct tquic_path *path;
	const char *sep = "";
	u32 k;

	if (s->sample_count == SIM_SAMPLES_MAX)
		return;
	fprintf(s->samples, "%s{\"at_ns\":%llu,\"read_bytes\":%llu,\"paths\":[",
		s->sample_count++ ? "," : "",
		(unsigned long long)(s->pair->now - s->start_ns),
		(unsigned long long)sim_read(s));
	for (k = 0; k < TQUIC_PATHS_MAX; k++) {
		path = tquic_conn_path(&s->pair->end[1].conn, k);
		if (!path || !path->link)
			continue;
		fprintf(s->samples,
			"%s{\"link\":%u,\"state\":%u,\"srtt_ns\":%llu,\"cwnd_bytes\":%llu,\"in_flight_bytes\":%llu,\"tx_bytes\":%llu}",
			sep, pair_link_index(s->pair, path), path->state,
			(unsigned long long)path->rtt.srtt_ns,
			(unsigned long long)path->cc.cwnd,
			(unsigned long long)path->cc.in_flight,
			(unsigned long long)path->stats.tx_bytes);
		sep = ",";
	}
	fputs("],", s->samples);
	sim_rivals_report(s, s->samples);
	fputs("}", s->samples);
}

static u64 sim_next(const struct sim *s, u64 until_ns)
{
	u32 i;

	if (s->sample_ns)
		until_ns = min(until_ns, s->next_sample_ns);
	for (i = 0; i < 2; i++)
		if (s->end[i].dgrams.left)
			until_ns = min(until_ns, s->end[i].dgrams.next_ns);
	return max(until_ns, s->pair->now);
}

void sim_run(struct sim *s, u64 until_ns)
{
	struct pair *p = s->pair;
	bool moved;
	u64 next;
	u32 i;

	do {
		next = sim_next(s, until_ns);
		do {
			moved = sim_step(s, next);
			for (i = 0; i < 2; i++) {
				sim_dgrams_read(s, &p->end[i]);
				sim_idle(s, &p->end[i]);
			}
		} while (moved);
		for (i = 0; i < 2; i++)
			sim_dgrams_write(s, &p->end[i]);
		if (s->sample_ns && s->next_sample_ns <= p->now) {
			sim_sample(s);
			s->next_sample_ns += s->sample_ns;
		}
		sim_paths(s);
	} while (p->now < until_ns && !p->broken);
}
