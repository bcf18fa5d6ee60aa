/* SPDX-License-Identifier: GPL-2.0 */
/* One run of the simulator: a connection, what happens to its links, what is measured. */
#ifndef TQUIC_SIM_H
#define TQUIC_SIM_H

#include "test/pair.h"

#define SIM_SAMPLES_MAX		100000
#define SIM_DGRAM_MIN_BYTES	8	/* when it was sent */

/**
 * struct sim_flow - a transfer that is over, or was when the run ended
 * @from: index of the end that sent
 */
struct sim_flow {
	struct sim_flow *next;
	u32 from;
	struct pair_flow flow;
};

/**
 * struct sim_dgrams - datagrams of a program, one every so often
 * @every_ns: interval
 * @next_ns: when the next is due
 * @left: how many are to be sent
 * @bytes: size of each
 * @after_ns: when it is due, from when it is sent; what is late is dropped; 0: any time
 */
struct sim_dgrams {
	u64 every_ns;
	u64 next_ns;
	u32 left;
	u32 bytes;
	u64 after_ns;
	u64 sent;
	u64 refused;
};

/**
 * struct sim_end - what is watched of one end
 * @dgrams: those it sends
 * @delay_ns: one-way delays of those that came to it
 * @in_time: those of them that came before they were due
 * @in_flight: by path slot, before the engine was called
 * @over: packets sent though the window was full
 * @handed_ns: when a path was given up, as of the last packet that went because of that
 * @handed: packets that went
 * @idle_since_ns: data waits and nothing is under way since, 0: not so
 * @idle_ns: longest such time
 */
struct sim_end {
	struct sim_dgrams dgrams;
	u64 *delay_ns;
	u32 delays;
	u32 in_time;
	u64 in_flight[TQUIC_PATHS_MAX];
	u64 over;
	u64 handed_ns;
	u32 handed;
	u64 idle_since_ns;
	u64 idle_ns;
};

/**
 * struct sim_rival - a connection that shares the queue of a link
 * @flow: what its server sends, NULL until it may
 * @next_ns: when the next thing happens to it, 0: nothing will; nobody else changes that
 */
struct sim_rival {
	struct sim_rival *next;
	struct pair *pair;
	struct pair_flow *flow;
	u64 next_ns;
};

/**
 * struct sim - a run
 * @pair: both ends of the connection
 * @start_ns: when all paths were open; times of the script count from here
 * @sample_ns: interval of samples, 0: none
 * @end: by end of @pair
 * @flows: those whose slot is used again
 * @rivals: other connections
 * @samples: memory of the text of the samples
 */
struct sim {
	struct pair *pair;
	u64 start_ns;
	u64 sample_ns;
	u64 next_sample_ns;
	struct sim_end end[2];
	struct sim_flow *flows;
	struct sim_rival *rivals;
	FILE *samples;
	u32 sample_count;
};

/* One word of the script and its arguments */
struct sim_cmd {
	u64 at_ns;
	const char *verb;
	const char *name;
	u64 arg[8];
	int args;
};

void sim_watch(struct sim *s);
void sim_run(struct sim *s, u64 until_ns);
void sim_report(struct sim *s, bool opened, FILE *out);
const char *sim_do(struct sim *s, const struct sim_cmd *cmd);
const char *sim_rival_add(struct sim *s, u32 over, const char *cc);
bool sim_step(struct sim *s, u64 until_ns);
void sim_rivals_report(const struct sim *s, FILE *out);
void sim_rivals_free(struct sim *s);

#endif /* TQUIC_SIM_H */
