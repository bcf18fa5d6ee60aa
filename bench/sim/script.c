// SPDX-License-Identifier: GPL-2.0
/* What a script of the simulator can say. */
#include <stdio.h>
#include <stdlib.h>

#include "cc/cc.h"
#include "core/path.h"
#include "sched/sched.h"
#include "sim.h"

struct sim_verb {
	const char *name;
	int args;
	const char *(*fn)(struct sim *s, const struct sim_cmd *cmd);
};

static struct pair_link *sim_link(struct sim *s, const struct sim_cmd *cmd)
{
	return cmd->arg[0] < s->pair->links ? &s->pair->link[cmd->arg[0]] : NULL;
}

/* link I RATE DELAY QUEUE LOSS REORDER DUP: before the start */
static const char *sim_do_link(struct sim *s, const struct sim_cmd *cmd)
{
	struct pair_link *link = sim_link(s, cmd);

	if (!link)
		return "no such link";
	pair_link_set(link, cmd->arg[1], cmd->arg[2], cmd->arg[3]);
	link->loss_ppm = cmd->arg[4];
	link->reorder_ppm = cmd->arg[5];
	link->dup_ppm = cmd->arg[6];
	return NULL;
}

/* At any time; the connection takes the reference of the name. */
static const char *sim_do_sched(struct sim *s, const struct sim_cmd *cmd)
{
	const struct tquic_sched *ops;
	u32 i;

	for (i = 0; i < 2; i++) {
		ops = tquic_sched_get(cmd->name);
		if (!ops)
			return "no such scheduler";
		tquic_sched_assign(&s->pair->end[i].conn, ops);
		pair_kick(&s->pair->end[i]);
	}
	return NULL;
}

static const char *sim_do_cc(struct sim *s, const struct sim_cmd *cmd)
{
	const struct tquic_cc_ops *ops;
	u32 i;

	for (i = 0; i < 2; i++) {
		ops = tquic_cc_get(cmd->name);
		if (!ops)
			return "no such congestion control";
		tquic_conn_assign_cc(&s->pair->end[i].conn, ops, s->pair->now);
		pair_kick(&s->pair->end[i]);
	}
	return NULL;
}

static const char *sim_do_rate(struct sim *s, const struct sim_cmd *cmd)
{
	struct pair_link *link = sim_link(s, cmd);

	if (!link || !link->rate_bps || !cmd->arg[1])
		return "a link without a rate";
	if (link->neck || s->rivals)
		return "a rate that is shared stays";
	pair_link_rate(s->pair, link, cmd->arg[1]);
	return NULL;
}

static const char *sim_do_delay(struct sim *s, const struct sim_cmd *cmd)
{
	struct pair_link *link = sim_link(s, cmd);

	if (!link)
		return "no such link";
	link->delay_ns = cmd->arg[1];
	return NULL;
}

static const char *sim_do_loss(struct sim *s, const struct sim_cmd *cmd)
{
	struct pair_link *link = sim_link(s, cmd);

	if (!link)
		return "no such link";
	link->loss_ppm = cmd->arg[1];
	return NULL;
}

static const char *sim_do_cut(struct sim *s, const struct sim_cmd *cmd)
{
	struct pair_link *link = sim_link(s, cmd);

	if (!link)
		return "no such link";
	link->cut = cmd->arg[1];
	return NULL;
}

/* The client's path over a link, NULL when it has none */
static struct tquic_path *sim_path(struct sim *s, const struct pair_link *link)
{
	struct tquic_path *path;
	u32 k;

	for (k = 0; k < TQUIC_PATHS_MAX; k++) {
		path = tquic_conn_path(&s->pair->end[0].conn, k);
		if (path && path->link == link && tquic_path_is_open(path))
			return path;
	}
	return NULL;
}

/* The client's interface of a link goes down or comes back: its own host knows. */
static const char *sim_do_iface(struct sim *s, const struct sim_cmd *cmd)
{
	struct tquic_conn *conn = &s->pair->end[0].conn;
	struct pair_link *link = sim_link(s, cmd);
	struct tquic_path *path;

	if (!link)
		return "no such link";
	link->cut = !cmd->arg[1];
	path = sim_path(s, link);
	if (path && link->cut)
		tquic_path_link_down(conn, path, s->pair->now);
	else if (path)
		tquic_path_link_up(conn, path, s->pair->now);
	pair_kick(&s->pair->end[0]);
	return NULL;
}

/* The client wants a path spared, or used again. */
static const char *sim_do_backup(struct sim *s, const struct sim_cmd *cmd)
{
	struct pair_link *link = sim_link(s, cmd);
	struct tquic_path *path;

	if (!link)
		return "no such link";
	path = sim_path(s, link);
	if (path)
		tquic_path_set_flags(&s->pair->end[0].conn, path,
				     cmd->arg[1] ? TQUIC_PATH_BACKUP : 0);
	pair_kick(&s->pair->end[0]);
	return NULL;
}

/* Both ends give the path over a link a share for the scheduler that goes by weights. */
static const char *sim_do_weight(struct sim *s, const struct sim_cmd *cmd)
{
	struct pair_link *link = sim_link(s, cmd);
	struct tquic_path *path;
	u32 i, k;

	if (!link || cmd->arg[1] > U16_MAX)
		return "no such link, or too large a weight";
	for (i = 0; i < 2; i++) {
		for (k = 0; k < TQUIC_PATHS_MAX; k++) {
			path = tquic_conn_path(&s->pair->end[i].conn, k);
			if (path && path->link == link)
				path->weight = cmd->arg[1];
		}
	}
	return NULL;
}

/* window BYTES: credit that both ends give, for all streams and for each; before the start */
static const char *sim_do_window(struct sim *s, const struct sim_cmd *cmd)
{
	struct tquic_params *local;
	u32 i;

	if (s->start_ns || !cmd->arg[0])
		return "a window is set before the start";
	for (i = 0; i < 2; i++) {
		local = &s->pair->end[i].conn.local;
		local->max_data = cmd->arg[0];
		local->max_stream_data_bidi_local = cmd->arg[0];
		local->max_stream_data_bidi_remote = cmd->arg[0];
		local->max_stream_data_uni = cmd->arg[0];
		s->pair->end[i].conn.tune.rx_window_max_bytes = cmd->arg[0];
	}
	return NULL;
}

/* The client abandons a path; the link soon gets another. */
static const char *sim_do_close(struct sim *s, const struct sim_cmd *cmd)
{
	struct pair_link *link = sim_link(s, cmd);
	struct tquic_path *path;

	if (!link)
		return "no such link";
	path = sim_path(s, link);
	if (path)
		tquic_path_close(&s->pair->end[0].conn, path, 0, s->pair->now);
	pair_kick(&s->pair->end[0]);
	return NULL;
}

/* Larger datagrams vanish without a word. */
static const char *sim_do_mtu(struct sim *s, const struct sim_cmd *cmd)
{
	struct pair_link *link = sim_link(s, cmd);

	if (!link || cmd->arg[1] < TQUIC_MIN_UDP_PAYLOAD)
		return "a link carries 1200 bytes at least";
	link->mtu_bytes = cmd->arg[1];
	return NULL;
}

/* The program at an end stops reading, or goes on. */
static const char *sim_do_pause(struct sim *s, const struct sim_cmd *cmd)
{
	if (cmd->arg[0] > 1)
		return "ends are 0 and 1";
	if (cmd->arg[1])
		s->pair->end[cmd->arg[0]].paused = true;
	else
		pair_resume(&s->pair->end[cmd->arg[0]]);
	return NULL;
}

static struct pair_flow *sim_flow_open(struct sim *s, u32 from, u64 bytes)
{
	struct pair *p = s->pair;
	struct sim_flow *old;
	struct pair_flow *f;

	for (f = p->flow; f < p->flow + PAIR_FLOWS_MAX; f++) {
		if (!f->from || !f->ended)
			continue;
		old = malloc(sizeof(*old));
		if (!old)
			abort();
		*old = (struct sim_flow) { s->flows, f->from - p->end, *f };
		s->flows = old;
		f->from = NULL;
	}
	/* One way: a stream that nobody writes back on would stay open. */
	return pair_flow_open(&p->end[from], true, bytes);
}

static const char *sim_do_share(struct sim *s, const struct sim_cmd *cmd)
{
	struct pair_link *neck;

	if (s->start_ns || cmd->arg[0] >= s->pair->links || cmd->arg[1] >= cmd->arg[0])
		return "a link shares the queue of one before it, before the start";
	neck = &s->pair->link[cmd->arg[1]];
	s->pair->link[cmd->arg[0]].neck = neck->neck ?: neck;
	return NULL;
}

/* rival I CC */
static const char *sim_do_rival(struct sim *s, const struct sim_cmd *cmd)
{
	if (!s->start_ns || !sim_link(s, cmd) || !cmd->name)
		return "a rival comes after the start, over a link, with a congestion control";
	return sim_rival_add(s, cmd->arg[0], cmd->name);
}

static const char *sim_do_flow(struct sim *s, const struct sim_cmd *cmd)
{
	if (cmd->arg[0] > 1)
		return "ends are 0 and 1";
	return sim_flow_open(s, cmd->arg[0], cmd->arg[1]) ? NULL : "too many flows at once";
}

/* dgrams END BYTES INTERVAL COUNT DEADLINE, 0 for none */
static const char *sim_do_dgrams(struct sim *s, const struct sim_cmd *cmd)
{
	struct sim_dgrams *d;

	if (cmd->arg[0] > 1 || cmd->arg[1] < SIM_DGRAM_MIN_BYTES || cmd->arg[1] > 1100 ||
	    !cmd->arg[2])
		return "datagrams have 8 to 1100 bytes and an interval";
	d = &s->end[cmd->arg[0]].dgrams;
	d->bytes = cmd->arg[1];
	d->every_ns = cmd->arg[2];
	d->left = cmd->arg[3];
	d->after_ns = cmd->arg[4];
	d->next_ns = s->pair->now;
	return NULL;
}

static const struct sim_verb sim_verbs[] = {
	{ "link", 7, sim_do_link },
	{ "sched", 0, sim_do_sched },
	{ "cc", 0, sim_do_cc },
	{ "rate", 2, sim_do_rate },
	{ "delay", 2, sim_do_delay },
	{ "loss", 2, sim_do_loss },
	{ "cut", 2, sim_do_cut },
	{ "iface", 2, sim_do_iface },
	{ "backup", 2, sim_do_backup },
	{ "close", 1, sim_do_close },
	{ "weight", 2, sim_do_weight },
	{ "share", 2, sim_do_share },
	{ "rival", 1, sim_do_rival },
	{ "window", 1, sim_do_window },
	{ "mtu", 2, sim_do_mtu },
	{ "pause", 2, sim_do_pause },
	{ "flow", 2, sim_do_flow },
	{ "dgrams", 5, sim_do_dgrams },
};

/* Returns what is wrong with @cmd, NULL when it was done */
const char *sim_do(struct sim *s, const struct sim_cmd *cmd)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(sim_verbs); i++) {
		if (strcmp(sim_verbs[i].name, cmd->verb))
			continue;
		if (sim_verbs[i].args != cmd->args || (!cmd->args && !cmd->name))
			return "wrong number of arguments";
		return sim_verbs[i].fn(s, cmd);
	}
	return "unknown word";
}
