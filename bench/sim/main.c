// SPDX-License-Identifier: GPL-2.0
/*
 * tquic-sim: reads a script, runs it in virtual time, prints what came of it
 *
 * The script has one command a line; all numbers are whole.  Rates are bits per
 * second of UDP payload, times nanoseconds, ratios millionths.
 *
 *	links N				1 to 4, first of all
 *	link I RATE DELAY QUEUE LOSS REORDER DUP
 *	share I J			packets of link I wait in the queue of link J; before open
 *	window BYTES			credit both ends give, which does not grow; before open
 *	sched NAME, cc NAME		of both ends, at any time
 *	sample TIME			every so often; 0: never
 *	open				handshake, one path for each link
 *	at TIME WORD ...		in order of time, from when all paths were open:
 *	   rate I BPS, delay I TIME, loss I PPM, cut I 0|1,
 *	   mtu I BYTES			larger datagrams vanish
 *	   iface I 0|1			the client's interface, which its host notices
 *	   backup I 0|1			the client wants the path spared
 *	   weight I N			share of the path, 0: none given
 *	   close I			the client abandons the path, the link gets another
 *	   pause END 0|1		its program reads nothing
 *	   flow END BYTES		END sends: 0 client, 1 server
 *	   dgrams END BYTES INTERVAL COUNT DEADLINE
 *	   rival I CC			another connection sends all it can through the queue of link I,
 *					whose rate then has to stay
 *	settle TIME			until then, or until all flows are done
 *	rest TIME			goes on for so long
 *	run TIME			until then
 *
 * TQUIC_SEED in the environment seeds all random numbers.  Lines that begin with
 * "    #" tell which rule of the engine was broken; the last line is JSON.
 */
#include <stdio.h>
#include <stdlib.h>

#include <linux/random.h>

#include "cc/cc.h"
#include "sched/sched.h"
#include "sim.h"

#define SIM_LINE_MAX	256

static void sim_die(u32 line, const char *why)
{
	fprintf(stderr, "line %u: %s\n", line, why);
	exit(2);
}

/* Cuts @text into @cmd, which points into it */
static bool sim_parse(char *text, struct sim_cmd *cmd)
{
	char *word = strtok(text, " \t\n"), *end;

	*cmd = (struct sim_cmd) {};
	if (!word || *word == '#')
		return false;
	if (!strcmp(word, "at")) {
		word = strtok(NULL, " \t\n");
		cmd->at_ns = word ? strtoull(word, NULL, 10) : 0;
		word = strtok(NULL, " \t\n");
		if (!word)
			return false;
	}
	cmd->verb = word;
	while ((word = strtok(NULL, " \t\n")) && cmd->args < ARRAY_SIZE(cmd->arg)) {
		cmd->arg[cmd->args] = strtoull(word, &end, 10);
		if (*end)
			cmd->name = word;
		else
			cmd->args++;
	}
	return true;
}

static bool sim_open(struct sim *s)
{
	bool opened;

	/* The links' luck is part of the seed. */
	s->pair->rnd = get_random_u64() | 1;
	sim_watch(s);
	opened = pair_handshake(s->pair) && pair_open_paths(s->pair);
	s->start_ns = s->pair->now;
	s->next_sample_ns = s->start_ns;
	return opened;
}

/* Runs the script in @in; false when the paths could not be opened */
static bool sim_script(struct sim *s, struct kunit *test, FILE *in)
{
	char text[SIM_LINE_MAX];
	struct sim_cmd cmd;
	const char *why;
	u32 line = 0;
	u64 end_ns;

	while (fgets(text, sizeof(text), in)) {
		line++;
		if (!sim_parse(text, &cmd))
			continue;
		if (!strcmp(cmd.verb, "links")) {
			if (s->pair || !cmd.args || !cmd.arg[0] || cmd.arg[0] > PAIR_LINKS_MAX)
				sim_die(line, "1 to 4 links");
			s->pair = pair_create(test, cmd.arg[0]);
			continue;
		}
		if (!s->pair)
			sim_die(line, "links come first");
		if (!strcmp(cmd.verb, "sample")) {
			s->sample_ns = cmd.arg[0];
			continue;
		}
		if (!strcmp(cmd.verb, "open")) {
			if (!sim_open(s))
				return false;
			continue;
		}
		if (s->start_ns)
			sim_run(s, s->start_ns + cmd.at_ns);
		if (!strcmp(cmd.verb, "run")) {
			sim_run(s, s->start_ns + cmd.arg[0]);
			continue;
		}
		if (!strcmp(cmd.verb, "rest")) {
			sim_run(s, s->pair->now + cmd.arg[0]);
			continue;
		}
		if (!strcmp(cmd.verb, "settle")) {
			end_ns = s->start_ns + cmd.arg[0];
			while (!pair_flows_done(s->pair) && s->pair->now < end_ns &&
			       !s->pair->broken)
				sim_run(s, min(s->pair->now + PAIR_MS(10), end_ns));
			continue;
		}
		why = sim_do(s, &cmd);
		if (why)
			sim_die(line, why);
	}
	if (!s->start_ns)
		sim_die(line, "nothing was opened");
	return true;
}

int main(void)
{
	struct kunit test = { .name = "sim" };
	struct sim_flow *f, *next;
	char *samples = NULL;
	struct sim s = {};
	size_t len;
	bool opened;

	s.samples = open_memstream(&samples, &len);
	if (!s.samples || tquic_ccs_init() || tquic_scheds_init() || setjmp(test.abort))
		return 2;
	opened = sim_script(&s, &test, stdin);
	if (!s.pair->broken)
		pair_check(s.pair);
	fclose(s.samples);
	sim_report(&s, opened, stdout);
	printf(",\"samples\":[%s]}\n", samples);
	tquic_shim_run_actions(&test);
	for (f = s.flows; f; f = next) {
		next = f->next;
		free(f);
	}
	sim_rivals_free(&s);
	free(s.end[0].delay_ns);
	free(s.end[1].delay_ns);
	free(samples);
	return test.failed || !opened;
}
