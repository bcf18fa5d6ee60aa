// SPDX-License-Identifier: GPL-2.0
/* What a run was like, as one line of JSON. */
#include <stdio.h>
#include <stdlib.h>

#include "core/path.h"
#include "sim.h"

static int sim_compare(const void *a, const void *b)
{
	u64 l = *(const u64 *)a, r = *(const u64 *)b;

	return l < r ? -1 : l > r;
}

static u64 sim_quantile(const struct sim_end *e, u32 percent)
{
	return e->delays ? e->delay_ns[(u64)(e->delays - 1) * percent / 100] : 0;
}

static void sim_report_flow(const struct sim *s, FILE *out, u32 from, const struct pair_flow *f,
			    const char *sep)
{
	u64 gap_ns = f->ended ? f->gap_ns : max(f->gap_ns, s->pair->now - f->last_ns);

	fprintf(out, "%s{\"end\":%u,\"total_bytes\":%llu,\"read_bytes\":%llu,\"start_ns\":%llu,\"took_ns\":%llu,\"gap_ns\":%llu,\"done\":%s}",
		sep, from, (unsigned long long)f->total, (unsigned long long)f->read,
		(unsigned long long)(f->start_ns - s->start_ns),
		(unsigned long long)(f->ended ? f->end_ns - f->start_ns : 0),
		(unsigned long long)gap_ns, f->ended ? "true" : "false");
}

static void sim_report_flows(const struct sim *s, FILE *out)
{
	const struct sim_flow *old;
	const struct pair_flow *f;
	const char *sep = "";

	for (old = s->flows; old; old = old->next, sep = ",")
		sim_report_flow(s, out, old->from, &old->flow, sep);
	for (f = s->pair->flow; f < s->pair->flow + PAIR_FLOWS_MAX; f++) {
		if (!f->from)
			continue;
		sim_report_flow(s, out, f->from - s->pair->end, f, sep);
		sep = ",";
	}
}

static void sim_report_paths(const struct sim *s, FILE *out, u32 end)
{
	const struct tquic_path *path;
	const char *sep = "";
	u32 k;

	for (k = 0; k < TQUIC_PATHS_MAX; k++) {
		path = tquic_conn_path(&s->pair->end[end].conn, k);
		if (!path || !path->link)
			continue;
		fprintf(out, "%s{\"link\":%u,\"state\":%u,\"srtt_ns\":%llu,\"lost_packets\":%llu,\"spurious_packets\":%llu,\"ptos\":%llu}",
			sep, pair_link_index(s->pair, path), path->state,
			(unsigned long long)path->rtt.srtt_ns,
			(unsigned long long)path->stats.lost_packets,
			(unsigned long long)path->stats.spurious_packets,
			(unsigned long long)path->stats.ptos);
		sep = ",";
	}
}

static void sim_report_end(struct sim *s, FILE *out, u32 i)
{
	const struct tquic_conn *conn = &s->pair->end[i].conn;
	struct sim_end *e = &s->end[i];

	if (e->delays)
		qsort(e->delay_ns, e->delays, sizeof(u64), sim_compare);
	fprintf(out, "%s{\"state\":%u,\"sent_bytes\":%llu,\"retransmitted_bytes\":%llu,\"reinjected_bytes\":%llu,\"over_window_packets\":%llu,\"idle_ns\":%llu,",
		i ? "," : "", conn->state, (unsigned long long)conn->stats.bytes_sent,
		(unsigned long long)conn->stats.bytes_retransmitted,
		(unsigned long long)conn->stats.bytes_reinjected,
		(unsigned long long)e->over, (unsigned long long)e->idle_ns);
	fprintf(out, "\"datagrams_sent\":%llu,\"datagrams_refused\":%llu,\"datagrams_came\":%u,\"datagrams_in_time\":%u,\"delay_p50_ns\":%llu,\"delay_p99_ns\":%llu,\"delay_max_ns\":%llu,\"paths\":[",
		(unsigned long long)e->dgrams.sent, (unsigned long long)e->dgrams.refused,
		e->delays, e->in_time, (unsigned long long)sim_quantile(e, 50),
		(unsigned long long)sim_quantile(e, 99),
		(unsigned long long)sim_quantile(e, 100));
	sim_report_paths(s, out, i);
	fputs("]}", out);
}

void sim_report(struct sim *s, bool opened, FILE *out)
{
	const struct pair_link *link;
	u32 i;

	fprintf(out, "{\"opened\":%s,\"broken\":%s,\"took_ns\":%llu,\"flows\":[",
		opened ? "true" : "false", s->pair->broken ? "true" : "false",
		(unsigned long long)(s->pair->now - s->start_ns));
	sim_report_flows(s, out);
	fputs("],\"ends\":[", out);
	for (i = 0; i < 2; i++)
		sim_report_end(s, out, i);
	fputs("],\"links\":[", out);
	for (i = 0; i < s->pair->links; i++) {
		link = &s->pair->link[i];
		fprintf(out, "%s{\"bytes\":[%llu,%llu],\"full\":[%llu,%llu]}", i ? "," : "",
			(unsigned long long)link->pipe[0].bytes,
			(unsigned long long)link->pipe[1].bytes,
			(unsigned long long)link->pipe[0].full,
			(unsigned long long)link->pipe[1].full);
	}
	fputs("],", out);
	sim_rivals_report(s, out);
}
