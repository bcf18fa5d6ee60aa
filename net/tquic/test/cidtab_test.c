// SPDX-License-Identifier: GPL-2.0
/* Connection ID table: owners, name spaces, collisions, growth. */
#include <kunit/test.h>
#include "tquic_cidtab.h"

#define CIDTAB_TEST_MANY	20000

/* Two owners; the table never looks behind the pointer. */
static int cidtab_test_a, cidtab_test_b;

static int cidtab_test_init(struct kunit *test)
{
	struct tquic_cidtab *tab = kunit_kzalloc(test, sizeof(*tab), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, tab);
	KUNIT_ASSERT_EQ(test, tquic_cidtab_init(tab), 0);
	test->priv = tab;
	return 0;
}

static void cidtab_test_exit(struct kunit *test)
{
	if (test->priv)
		tquic_cidtab_destroy(test->priv);
}

static struct tquic_cid cidtab_test_cid(u32 n, u8 len)
{
	struct tquic_cid cid = { .len = len };

	memcpy(cid.id, &n, sizeof(n));
	return cid;
}

static void *cidtab_test_owner(struct tquic_cidtab *tab, enum tquic_cid_kind kind,
			       const struct tquic_cid *cid)
{
	const struct tquic_cid_entry *e;
	void *owner;

	rcu_read_lock();
	e = tquic_cidtab_lookup(tab, kind, cid);
	owner = e ? e->owner : NULL;
	rcu_read_unlock();
	return owner;
}

static void cidtab_test_add_del(struct kunit *test)
{
	struct tquic_cidtab *tab = test->priv;
	struct tquic_cid cid = cidtab_test_cid(7, 8);
	const struct tquic_cid_entry *e;

	KUNIT_EXPECT_NULL(test, cidtab_test_owner(tab, TQUIC_CID_LOCAL, &cid));
	KUNIT_ASSERT_EQ(test, tquic_cidtab_add(tab, TQUIC_CID_LOCAL, &cid, &cidtab_test_a, 3,
					       GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&tab->ht.nelems), 1);
	rcu_read_lock();
	e = tquic_cidtab_lookup(tab, TQUIC_CID_LOCAL, &cid);
	if (e) {
		KUNIT_EXPECT_PTR_EQ(test, e->owner, (void *)&cidtab_test_a);
		KUNIT_EXPECT_EQ(test, e->path_id, 3);
		KUNIT_EXPECT_TRUE(test, tquic_cid_equal(&e->key.cid, &cid));
	}
	rcu_read_unlock();
	KUNIT_EXPECT_NOT_NULL(test, e);

	/* only the owner can take it away, and only once */
	KUNIT_EXPECT_FALSE(test, tquic_cidtab_del(tab, TQUIC_CID_LOCAL, &cid, &cidtab_test_b));
	KUNIT_EXPECT_TRUE(test, tquic_cidtab_del(tab, TQUIC_CID_LOCAL, &cid, &cidtab_test_a));
	KUNIT_EXPECT_FALSE(test, tquic_cidtab_del(tab, TQUIC_CID_LOCAL, &cid, &cidtab_test_a));
	KUNIT_EXPECT_NULL(test, cidtab_test_owner(tab, TQUIC_CID_LOCAL, &cid));
	KUNIT_EXPECT_EQ(test, atomic_read(&tab->ht.nelems), 0);
}

static void cidtab_test_collision(struct kunit *test)
{
	struct tquic_cidtab *tab = test->priv;
	struct tquic_cid cid = cidtab_test_cid(7, 8);

	KUNIT_ASSERT_EQ(test, tquic_cidtab_add(tab, TQUIC_CID_LOCAL, &cid, &cidtab_test_a, 0,
					       GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test, tquic_cidtab_add(tab, TQUIC_CID_LOCAL, &cid, &cidtab_test_b, 0,
					       GFP_KERNEL), -EEXIST);
	KUNIT_EXPECT_PTR_EQ(test, cidtab_test_owner(tab, TQUIC_CID_LOCAL, &cid),
			    (void *)&cidtab_test_a);
	KUNIT_EXPECT_EQ(test, atomic_read(&tab->ht.nelems), 1);
}

static void cidtab_test_kinds(struct kunit *test)
{
	struct tquic_cidtab *tab = test->priv;
	struct tquic_cid cid = cidtab_test_cid(9, 8);

	KUNIT_ASSERT_EQ(test, tquic_cidtab_add(tab, TQUIC_CID_INITIAL, &cid, &cidtab_test_a, 0,
					       GFP_KERNEL), 0);
	KUNIT_EXPECT_NULL(test, cidtab_test_owner(tab, TQUIC_CID_LOCAL, &cid));
	KUNIT_ASSERT_EQ(test, tquic_cidtab_add(tab, TQUIC_CID_LOCAL, &cid, &cidtab_test_b, 0,
					       GFP_KERNEL), 0);
	KUNIT_EXPECT_TRUE(test, tquic_cidtab_del(tab, TQUIC_CID_INITIAL, &cid, &cidtab_test_a));
	KUNIT_EXPECT_PTR_EQ(test, cidtab_test_owner(tab, TQUIC_CID_LOCAL, &cid),
			    (void *)&cidtab_test_b);
}

static void cidtab_test_lengths(struct kunit *test)
{
	struct tquic_cidtab *tab = test->priv;
	struct tquic_cid short_cid = cidtab_test_cid(5, 8);
	struct tquic_cid long_cid = cidtab_test_cid(5, 20);
	struct tquic_cid bad_cid = cidtab_test_cid(5, 21);
	u8 bytes[255] = { 5 };

	/* zeros at the end are part of an ID */
	KUNIT_ASSERT_EQ(test, tquic_cidtab_add(tab, TQUIC_CID_LOCAL, &short_cid, &cidtab_test_a,
					       0, GFP_KERNEL), 0);
	KUNIT_EXPECT_NULL(test, cidtab_test_owner(tab, TQUIC_CID_LOCAL, &long_cid));
	KUNIT_ASSERT_EQ(test, tquic_cidtab_add(tab, TQUIC_CID_LOCAL, &long_cid, &cidtab_test_b,
					       0, GFP_KERNEL), 0);

	/* bytes behind the length are not */
	short_cid.id[8] = 0xff;
	KUNIT_EXPECT_PTR_EQ(test, cidtab_test_owner(tab, TQUIC_CID_LOCAL, &short_cid),
			    (void *)&cidtab_test_a);

	KUNIT_EXPECT_EQ(test, tquic_cidtab_add(tab, TQUIC_CID_LOCAL, &bad_cid, &cidtab_test_a,
					       0, GFP_KERNEL), -EINVAL);
	KUNIT_EXPECT_FALSE(test, tquic_cidtab_del(tab, TQUIC_CID_LOCAL, &bad_cid,
						  &cidtab_test_a));
	rcu_read_lock();
	KUNIT_EXPECT_NOT_NULL(test, tquic_cidtab_lookup_bytes(tab, TQUIC_CID_LOCAL, bytes, 20));
	KUNIT_EXPECT_NULL(test, tquic_cidtab_lookup_bytes(tab, TQUIC_CID_LOCAL, bytes, 21));
	KUNIT_EXPECT_NULL(test, tquic_cidtab_lookup_bytes(tab, TQUIC_CID_LOCAL, bytes, 255));
	KUNIT_EXPECT_NULL(test, tquic_cidtab_lookup_bytes(tab, TQUIC_CID_LOCAL, bytes, 0));
	rcu_read_unlock();
}

static void cidtab_test_growth(struct kunit *test)
{
	struct tquic_cidtab *tab = test->priv;
	struct tquic_cid cid;
	u32 i, wrong = 0;

	for (i = 0; i < CIDTAB_TEST_MANY; i++) {
		cid = cidtab_test_cid(i, 8);
		wrong += !!tquic_cidtab_add(tab, TQUIC_CID_LOCAL, &cid,
					    i & 1 ? &cidtab_test_a : &cidtab_test_b, 0,
					    GFP_KERNEL);
	}
	KUNIT_EXPECT_EQ(test, wrong, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&tab->ht.nelems), CIDTAB_TEST_MANY);
	for (i = 0; i < CIDTAB_TEST_MANY; i++) {
		cid = cidtab_test_cid(i, 8);
		wrong += cidtab_test_owner(tab, TQUIC_CID_LOCAL, &cid) !=
			 (i & 1 ? &cidtab_test_a : &cidtab_test_b);
	}
	KUNIT_EXPECT_EQ(test, wrong, 0);
	/* the rest is freed with the table */
	for (i = 0; i < CIDTAB_TEST_MANY; i += 2) {
		cid = cidtab_test_cid(i, 8);
		wrong += !tquic_cidtab_del(tab, TQUIC_CID_LOCAL, &cid, &cidtab_test_b);
	}
	KUNIT_EXPECT_EQ(test, wrong, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&tab->ht.nelems), CIDTAB_TEST_MANY / 2);
}

static void cidtab_test_generate(struct kunit *test)
{
	struct tquic_cidtab *tab = test->priv;
	struct tquic_cid cid;
	u32 i, wrong = 0;

	for (i = 0; i < 1000; i++) {
		tquic_cid_generate(&cid);
		wrong += cid.len != TQUIC_LOCAL_CID_LEN;
		wrong += !!tquic_cidtab_add(tab, TQUIC_CID_LOCAL, &cid, &cidtab_test_a, 0,
					    GFP_KERNEL);
	}
	KUNIT_EXPECT_EQ(test, wrong, 0);
}

static struct kunit_case cidtab_test_cases[] = {
	KUNIT_CASE(cidtab_test_add_del),
	KUNIT_CASE(cidtab_test_collision),
	KUNIT_CASE(cidtab_test_kinds),
	KUNIT_CASE(cidtab_test_lengths),
	KUNIT_CASE(cidtab_test_growth),
	KUNIT_CASE(cidtab_test_generate),
	{}
};

static struct kunit_suite cidtab_test_suite = {
	.name = "tquic-cidtab",
	.init = cidtab_test_init,
	.exit = cidtab_test_exit,
	.test_cases = cidtab_test_cases,
};

kunit_test_suites(&cidtab_test_suite);
