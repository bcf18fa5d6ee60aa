// SPDX-License-Identifier: GPL-2.0
/* Runs the KUnit suites in userspace; arguments pick suites by part of their name. */
#include <stdio.h>
#include <stdlib.h>

#include <kunit/test.h>
#include <linux/random.h>

#define MAX_SUITES	256

static struct kunit_suite *suites[MAX_SUITES];
static size_t suite_count;
static unsigned int passed, failed, skipped;

void tquic_shim_suites_add(struct kunit_suite *const *add, size_t n)
{
	while (n--) {
		if (suite_count == MAX_SUITES)
			abort();
		suites[suite_count++] = *add++;
	}
}

static void run_case(struct kunit_suite *suite, struct kunit_case *c,
		     const void *param, const char *desc)
{
	struct kunit test = { .name = c->name, .param_value = param };
	long live = tquic_shim_live;
	int err;

	/* No case hangs on how much chance those before it used up. */
	tquic_shim_random = 0;
	if (!setjmp(test.abort)) {
		err = suite->init ? suite->init(&test) : 0;
		if (err)
			tquic_shim_fail(&test, true, __FILE__, __LINE__,
					"init returned %d", err);
		c->run_case(&test);
	}
	tquic_shim_fail_after = -1;
	if (suite->exit && !setjmp(test.abort))
		suite->exit(&test);
	tquic_shim_run_actions(&test);
	if (tquic_shim_live != live) {
		printf("    # %s: %ld objects leaked\n", c->name,
		       tquic_shim_live - live);
		test.failed = true;
	}
	printf("    %s %s%s%s%s\n", test.failed ? "not ok" : "ok", c->name,
	       desc ? "/" : "", desc ? desc : "",
	       test.skipped && !test.failed ? " # SKIP" : "");
	fflush(stdout);
	if (test.failed)
		failed++;
	else if (test.skipped)
		skipped++;
	else
		passed++;
}

static void run_param_case(struct kunit_suite *suite, struct kunit_case *c)
{
	char desc[KUNIT_PARAM_DESC_SIZE];
	const void *param = NULL;

	for (;;) {
		desc[0] = '\0';
		param = c->generate_params(param, desc);
		if (!param)
			return;
		run_case(suite, c, param, desc);
	}
}

static void run_suite(struct kunit_suite *suite)
{
	struct kunit_case *c;

	printf("    # Subtest: %s\n", suite->name);
	if (suite->suite_init && suite->suite_init(suite)) {
		printf("not ok %s # suite_init\n", suite->name);
		failed++;
		return;
	}
	for (c = suite->test_cases; c->run_case; c++) {
		if (c->generate_params)
			run_param_case(suite, c);
		else
			run_case(suite, c, NULL, NULL);
	}
	if (suite->suite_exit)
		suite->suite_exit(suite);
}

static bool wanted(const struct kunit_suite *suite, int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		if (strstr(suite->name, argv[i]))
			return true;
	return argc < 2;
}

int main(int argc, char **argv)
{
	unsigned int before;
	size_t i;

	puts("KTAP version 1");
	for (i = 0; i < suite_count; i++) {
		if (!wanted(suites[i], argc, argv))
			continue;
		before = failed;
		run_suite(suites[i]);
		printf("%s %s\n", failed == before ? "ok" : "not ok",
		       suites[i]->name);
	}
	if (skipped)
		printf("%u skipped\n", skipped);
	printf("%u passed, %u failed\n", passed, failed);
	return failed || !passed;
}
