// SPDX-License-Identifier: GPL-2.0
/* Runs the KUnit suites in userspace; arguments pick suites by part of their name. */
#include <stdio.h>
#include <stdlib.h>

#include <kunit/test.h>

#define MAX_SUITES	256

struct kunit_action {
	struct kunit_action *next;
	void (*fn)(void *ctx);
	void *ctx;
};

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

static void test_failed(struct kunit *test, bool fatal)
{
	test->failed = true;
	if (fatal)
		longjmp(test->abort, 1);
}

void tquic_shim_fail(struct kunit *test, bool fatal, const char *file, int line,
		     const char *fmt, ...)
{
	va_list ap;

	printf("    # %s: %s:%d: ", test->name, file, line);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	test_failed(test, fatal);
}

void tquic_shim_fail_cmp(struct kunit *test, bool fatal, const char *file,
			 int line, const char *expr, long long l, long long r)
{
	tquic_shim_fail(test, fatal, file, line,
			"%s: left %lld (0x%llx), right %lld (0x%llx)", expr, l, l,
			r, r);
}

static void dump(const char *name, const void *p, size_t n)
{
	const u8 *b = p;

	printf("    # %s:", name);
	while (n--)
		printf(" %02x", *b++);
	putchar('\n');
}

void tquic_shim_fail_mem(struct kunit *test, bool fatal, const char *file,
			 int line, const char *expr, const void *l,
			 const void *r, size_t n)
{
	dump("left", l, n);
	dump("right", r, n);
	tquic_shim_fail(test, fatal, file, line, "bytes of %s", expr);
}

void tquic_shim_skip(struct kunit *test, const char *fmt, ...)
{
	va_list ap;

	printf("    # %s skipped: ", test->name);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	test->skipped = true;
	longjmp(test->abort, 1);
}

int kunit_add_action(struct kunit *test, void (*fn)(void *ctx), void *ctx)
{
	struct kunit_action *a = malloc(sizeof(*a));

	if (!a)
		abort();
	*a = (struct kunit_action){ test->actions, fn, ctx };
	test->actions = a;
	return 0;
}

int kunit_add_action_or_reset(struct kunit *test, void (*fn)(void *ctx),
			      void *ctx)
{
	return kunit_add_action(test, fn, ctx);
}

void *tquic_shim_test_alloc(struct kunit *test, size_t size)
{
	void *p = calloc(1, size);

	if (!p)
		abort();
	kunit_add_action(test, free, p);
	return p;
}

static void run_actions(struct kunit *test)
{
	struct kunit_action *a;

	while ((a = test->actions)) {
		test->actions = a->next;
		a->fn(a->ctx);
		free(a);
	}
}

static void run_case(struct kunit_suite *suite, struct kunit_case *c,
		     const void *param, const char *desc)
{
	struct kunit test = { .name = c->name, .param_value = param };
	long live = tquic_shim_live;
	int err;

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
	run_actions(&test);
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
