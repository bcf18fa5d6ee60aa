/* SPDX-License-Identifier: GPL-2.0 */
/* Userspace stand-in for <kunit/test.h>: the part of KUnit that the suites use. */
#ifndef TQUIC_SHIM_KUNIT_TEST_H
#define TQUIC_SHIM_KUNIT_TEST_H

#include <setjmp.h>
#include <stdarg.h>

#include <linux/array_size.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/types.h>

#define KUNIT_PARAM_DESC_SIZE	128

struct kunit_action;

struct kunit {
	void *priv;
	const char *name;
	const void *param_value;
	bool failed;
	bool skipped;
	jmp_buf abort;
	struct kunit_action *actions;
};

struct kunit_case {
	void (*run_case)(struct kunit *test);
	const char *name;
	const void *(*generate_params)(const void *prev, char *desc);
};

struct kunit_suite {
	const char name[256];
	int (*suite_init)(struct kunit_suite *suite);
	void (*suite_exit)(struct kunit_suite *suite);
	int (*init)(struct kunit *test);
	void (*exit)(struct kunit *test);
	struct kunit_case *test_cases;
};

void tquic_shim_suites_add(struct kunit_suite *const *suites, size_t n);
void tquic_shim_fail(struct kunit *test, bool fatal, const char *file, int line,
		     const char *fmt, ...) __printf(5, 6);
void tquic_shim_fail_cmp(struct kunit *test, bool fatal, const char *file,
			 int line, const char *expr, long long l, long long r);
void tquic_shim_fail_mem(struct kunit *test, bool fatal, const char *file,
			 int line, const char *expr, const void *l,
			 const void *r, size_t n);
void tquic_shim_skip(struct kunit *test, const char *fmt, ...) __printf(2, 3);
void *tquic_shim_test_alloc(struct kunit *test, size_t size);
void tquic_shim_run_actions(struct kunit *test);
int kunit_add_action(struct kunit *test, void (*fn)(void *ctx), void *ctx);
int kunit_add_action_or_reset(struct kunit *test, void (*fn)(void *ctx),
			      void *ctx);

#define kunit_test_suites(...)						\
static __attribute__((constructor)) void tquic_shim_register_suites(void) \
{									\
	static struct kunit_suite *const suites[] = { __VA_ARGS__ };	\
									\
	tquic_shim_suites_add(suites, ARRAY_SIZE(suites));		\
}									\
struct kunit_suite
#define kunit_test_suite(suite)	kunit_test_suites(&suite)

#define KUNIT_CASE(fn)			{ .run_case = fn, .name = #fn }
#define KUNIT_CASE_SLOW(fn)		KUNIT_CASE(fn)
#define KUNIT_CASE_PARAM(fn, gen) \
	{ .run_case = fn, .name = #fn, .generate_params = gen }
#define KUNIT_ARRAY_PARAM(name, array, get_desc)			\
static const void *name##_gen_params(const void *prev, char *desc)	\
{									\
	typeof((array)[0]) *__next = prev ?				\
		((typeof(__next))prev) + 1 : (array);			\
	void (*__get_desc)(typeof(__next), char *) = get_desc;		\
									\
	if (__next - (array) >= (long)ARRAY_SIZE(array))		\
		return NULL;						\
	if (__get_desc)							\
		__get_desc(__next, desc);				\
	return __next;							\
}

/* Memory that goes with the test; not subject to failure injection. */
#define kunit_kzalloc(test, size, gfp)	tquic_shim_test_alloc(test, size)
#define kunit_kmalloc(test, size, gfp)	tquic_shim_test_alloc(test, size)
#define kunit_kcalloc(test, n, size, gfp) \
	tquic_shim_test_alloc(test, size_mul(n, size))
#define kunit_kmalloc_array(test, n, size, gfp)	kunit_kcalloc(test, n, size, gfp)

#define kunit_info(test, fmt, ...) \
	((void)(test), printf("    # " fmt "\n", ##__VA_ARGS__))
#define kunit_skip(test, fmt, ...)	tquic_shim_skip(test, fmt, ##__VA_ARGS__)
#define KUNIT_SUCCEED(test)		((void)(test))
#define KUNIT_FAIL(test, fmt, ...) \
	tquic_shim_fail(test, false, __FILE__, __LINE__, fmt, ##__VA_ARGS__)

/* As in the kernel, integers only: a pointer here is an error. */
#define __KUNIT_CMP(test, fatal, l, op, r) do {				\
	typeof(l) __kl = (l);						\
	typeof(r) __kr = (r);						\
									\
	if (!(__kl op __kr))						\
		tquic_shim_fail_cmp(test, fatal, __FILE__, __LINE__,	\
				    #l " " #op " " #r, __kl, __kr);	\
} while (0)
#define __KUNIT_PTR(test, fatal, l, op, r) do {				\
	const void *__kl = (l);						\
	const void *__kr = (r);						\
									\
	if (!(__kl op __kr))						\
		tquic_shim_fail_cmp(test, fatal, __FILE__, __LINE__,	\
				    #l " " #op " " #r, (long)__kl,	\
				    (long)__kr);			\
} while (0)
#define __KUNIT_TRUE(test, fatal, cond, text) do {			\
	if (!(cond))							\
		tquic_shim_fail(test, fatal, __FILE__, __LINE__, "%s",	\
				text);					\
} while (0)
#define __KUNIT_MEM(test, fatal, l, r, n, want) do {			\
	const void *__kl = (l);						\
	const void *__kr = (r);						\
	size_t __kn = (n);						\
									\
	if ((!__kn || !memcmp(__kl, __kr, __kn)) != (want))		\
		tquic_shim_fail_mem(test, fatal, __FILE__, __LINE__,	\
				    #l ", " #r, __kl, __kr, __kn);	\
} while (0)

#define KUNIT_EXPECT_TRUE(test, c)	__KUNIT_TRUE(test, false, c, #c)
#define KUNIT_EXPECT_FALSE(test, c)	__KUNIT_TRUE(test, false, !(c), "!(" #c ")")
#define KUNIT_EXPECT_EQ(test, l, r)	__KUNIT_CMP(test, false, l, ==, r)
#define KUNIT_EXPECT_NE(test, l, r)	__KUNIT_CMP(test, false, l, !=, r)
#define KUNIT_EXPECT_LT(test, l, r)	__KUNIT_CMP(test, false, l, <, r)
#define KUNIT_EXPECT_LE(test, l, r)	__KUNIT_CMP(test, false, l, <=, r)
#define KUNIT_EXPECT_GT(test, l, r)	__KUNIT_CMP(test, false, l, >, r)
#define KUNIT_EXPECT_GE(test, l, r)	__KUNIT_CMP(test, false, l, >=, r)
#define KUNIT_EXPECT_PTR_EQ(test, l, r)	__KUNIT_PTR(test, false, l, ==, r)
#define KUNIT_EXPECT_PTR_NE(test, l, r)	__KUNIT_PTR(test, false, l, !=, r)
#define KUNIT_EXPECT_NULL(test, p)	__KUNIT_TRUE(test, false, !(p), #p " is NULL")
#define KUNIT_EXPECT_NOT_NULL(test, p)	__KUNIT_TRUE(test, false, p, #p " not NULL")
#define KUNIT_EXPECT_MEMEQ(test, l, r, n)	__KUNIT_MEM(test, false, l, r, n, true)
#define KUNIT_EXPECT_MEMNEQ(test, l, r, n)	__KUNIT_MEM(test, false, l, r, n, false)
#define KUNIT_EXPECT_STREQ(test, l, r) \
	__KUNIT_TRUE(test, false, !strcmp(l, r), #l " equals " #r)
#define KUNIT_EXPECT_NOT_ERR_OR_NULL(test, p) \
	__KUNIT_TRUE(test, false, !IS_ERR_OR_NULL(p), #p " is valid")

#define KUNIT_ASSERT_TRUE(test, c)	__KUNIT_TRUE(test, true, c, #c)
#define KUNIT_ASSERT_FALSE(test, c)	__KUNIT_TRUE(test, true, !(c), "!(" #c ")")
#define KUNIT_ASSERT_EQ(test, l, r)	__KUNIT_CMP(test, true, l, ==, r)
#define KUNIT_ASSERT_NE(test, l, r)	__KUNIT_CMP(test, true, l, !=, r)
#define KUNIT_ASSERT_LT(test, l, r)	__KUNIT_CMP(test, true, l, <, r)
#define KUNIT_ASSERT_LE(test, l, r)	__KUNIT_CMP(test, true, l, <=, r)
#define KUNIT_ASSERT_GT(test, l, r)	__KUNIT_CMP(test, true, l, >, r)
#define KUNIT_ASSERT_GE(test, l, r)	__KUNIT_CMP(test, true, l, >=, r)
#define KUNIT_ASSERT_PTR_EQ(test, l, r)	__KUNIT_PTR(test, true, l, ==, r)
#define KUNIT_ASSERT_PTR_NE(test, l, r)	__KUNIT_PTR(test, true, l, !=, r)
#define KUNIT_ASSERT_NULL(test, p)	__KUNIT_TRUE(test, true, !(p), #p " is NULL")
#define KUNIT_ASSERT_NOT_NULL(test, p)	__KUNIT_TRUE(test, true, p, #p " not NULL")
#define KUNIT_ASSERT_MEMEQ(test, l, r, n)	__KUNIT_MEM(test, true, l, r, n, true)
#define KUNIT_ASSERT_STREQ(test, l, r) \
	__KUNIT_TRUE(test, true, !strcmp(l, r), #l " equals " #r)
#define KUNIT_ASSERT_NOT_ERR_OR_NULL(test, p) \
	__KUNIT_TRUE(test, true, !IS_ERR_OR_NULL(p), #p " is valid")

#define __KUNIT_MSG(test, fatal, cond, fmt, ...) do {			\
	if (!(cond))							\
		tquic_shim_fail(test, fatal, __FILE__, __LINE__,	\
				#cond ": " fmt, ##__VA_ARGS__);		\
} while (0)
#define KUNIT_EXPECT_TRUE_MSG(test, c, ...)	__KUNIT_MSG(test, false, c, __VA_ARGS__)
#define KUNIT_EXPECT_FALSE_MSG(test, c, ...)	__KUNIT_MSG(test, false, !(c), __VA_ARGS__)
#define KUNIT_EXPECT_EQ_MSG(test, l, r, ...)	__KUNIT_MSG(test, false, (l) == (r), __VA_ARGS__)
#define KUNIT_EXPECT_NE_MSG(test, l, r, ...)	__KUNIT_MSG(test, false, (l) != (r), __VA_ARGS__)
#define KUNIT_EXPECT_LT_MSG(test, l, r, ...)	__KUNIT_MSG(test, false, (l) < (r), __VA_ARGS__)
#define KUNIT_EXPECT_LE_MSG(test, l, r, ...)	__KUNIT_MSG(test, false, (l) <= (r), __VA_ARGS__)
#define KUNIT_EXPECT_GT_MSG(test, l, r, ...)	__KUNIT_MSG(test, false, (l) > (r), __VA_ARGS__)
#define KUNIT_EXPECT_GE_MSG(test, l, r, ...)	__KUNIT_MSG(test, false, (l) >= (r), __VA_ARGS__)
#define KUNIT_ASSERT_TRUE_MSG(test, c, ...)	__KUNIT_MSG(test, true, c, __VA_ARGS__)
#define KUNIT_ASSERT_FALSE_MSG(test, c, ...)	__KUNIT_MSG(test, true, !(c), __VA_ARGS__)
#define KUNIT_ASSERT_EQ_MSG(test, l, r, ...)	__KUNIT_MSG(test, true, (l) == (r), __VA_ARGS__)
#define KUNIT_ASSERT_NOT_NULL_MSG(test, p, ...)	__KUNIT_MSG(test, true, (p) != NULL, __VA_ARGS__)

#endif /* TQUIC_SHIM_KUNIT_TEST_H */
