// SPDX-License-Identifier: GPL-2.0
/* What <kunit/test.h> does in userspace: failures, memory and actions of a test. */
#include <stdio.h>
#include <stdlib.h>

#include <kunit/test.h>

struct kunit_action {
	struct kunit_action *next;
	void (*fn)(void *ctx);
	void *ctx;
};

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

void tquic_shim_run_actions(struct kunit *test)
{
	struct kunit_action *a;

	while ((a = test->actions)) {
		test->actions = a->next;
		a->fn(a->ctx);
		free(a);
	}
}
