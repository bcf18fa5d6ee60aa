// SPDX-License-Identifier: GPL-2.0
/* Which connection a connection ID belongs to, per network namespace. */
#include <linux/once.h>
#include <linux/random.h>
#include <linux/rhashtable.h>
#include <linux/siphash.h>
#include <linux/slab.h>
#include "tquic_cidtab.h"

static siphash_aligned_key_t tquic_cidtab_secret;

/* Peers choose Initial IDs, so the hash must not be predictable. */
static u32 tquic_cidtab_hash(const void *data, u32 len, u32 seed)
{
	return siphash(data, len, &tquic_cidtab_secret) ^ seed;
}

static const struct rhashtable_params tquic_cidtab_params = {
	.key_len = sizeof(struct tquic_cid_key),
	.key_offset = offsetof(struct tquic_cid_entry, key),
	.head_offset = offsetof(struct tquic_cid_entry, node),
	.hashfn = tquic_cidtab_hash,
	.automatic_shrinking = true,
};

static bool tquic_cidtab_key_init(struct tquic_cid_key *key, enum tquic_cid_kind kind,
				  const u8 *id, u8 len)
{
	if (len > TQUIC_CID_MAX_LEN)
		return false;
	memset(key, 0, sizeof(*key));
	key->kind = kind;
	key->cid.len = len;
	memcpy(key->cid.id, id, len);
	return true;
}

/**
 * tquic_cidtab_init() - an empty table
 * @tab: table
 *
 * Context: process, may sleep.
 * Return: 0 or -ENOMEM.
 */
int tquic_cidtab_init(struct tquic_cidtab *tab)
{
	BUILD_BUG_ON(sizeof(struct tquic_cid_key) != 2 + TQUIC_CID_MAX_LEN);

	get_random_once(&tquic_cidtab_secret, sizeof(tquic_cidtab_secret));
	return rhashtable_init(&tab->ht, &tquic_cidtab_params);
}

static void tquic_cidtab_free_entry(void *ptr, void *unused)
{
	kfree(ptr);
}

/**
 * tquic_cidtab_destroy() - the end of a table
 * @tab: table; no reader or writer is left
 *
 * Context: process, may sleep.
 */
void tquic_cidtab_destroy(struct tquic_cidtab *tab)
{
	rhashtable_free_and_destroy(&tab->ht, tquic_cidtab_free_entry, NULL);
}

/**
 * tquic_cidtab_add() - register a connection ID
 * @tab: table
 * @kind: name space
 * @cid: the ID
 * @owner: the connection's socket, see struct tquic_cid_entry for its lifetime
 * @path_id: path the ID is for
 * @gfp: how to allocate
 *
 * Context: any but hard interrupt.
 * Return: 0, -EEXIST if the ID is taken, -EINVAL if it is too long, -ENOMEM,
 *	-E2BIG or -EBUSY if the table cannot grow now.
 */
int tquic_cidtab_add(struct tquic_cidtab *tab, enum tquic_cid_kind kind,
		     const struct tquic_cid *cid, void *owner, u32 path_id,
		     gfp_t gfp)
{
	struct tquic_cid_entry *e;
	int err;

	e = kmalloc(sizeof(*e), gfp);
	if (!e)
		return -ENOMEM;
	if (!tquic_cidtab_key_init(&e->key, kind, cid->id, cid->len)) {
		kfree(e);
		return -EINVAL;
	}
	e->owner = owner;
	e->path_id = path_id;
	err = rhashtable_lookup_insert_fast(&tab->ht, &e->node, tquic_cidtab_params);
	if (err)
		kfree(e);
	return err;
}

/**
 * tquic_cidtab_del() - forget a connection ID
 * @tab: table
 * @kind: name space
 * @cid: the ID
 * @owner: who registered it
 *
 * Context: any but hard interrupt.
 * Return: true if @owner had registered it.
 */
bool tquic_cidtab_del(struct tquic_cidtab *tab, enum tquic_cid_kind kind,
		      const struct tquic_cid *cid, const void *owner)
{
	struct tquic_cid_entry *e;
	struct tquic_cid_key key;
	bool gone = false;

	if (!tquic_cidtab_key_init(&key, kind, cid->id, cid->len))
		return false;
	rcu_read_lock();
	e = rhashtable_lookup(&tab->ht, &key, tquic_cidtab_params);
	if (e && e->owner == owner)
		gone = !rhashtable_remove_fast(&tab->ht, &e->node, tquic_cidtab_params);
	rcu_read_unlock();
	if (gone)
		kfree_rcu(e, rcu);
	return gone;
}

/**
 * tquic_cidtab_lookup_bytes() - whose connection ID is this
 * @tab: table
 * @kind: name space
 * @id: the ID as it is in a packet
 * @len: its length in bytes, whatever the packet claims
 *
 * Context: under rcu_read_lock(), which also protects the result.
 * Return: the entry or NULL.
 */
const struct tquic_cid_entry *tquic_cidtab_lookup_bytes(struct tquic_cidtab *tab,
							enum tquic_cid_kind kind,
							const u8 *id, u8 len)
{
	struct tquic_cid_key key;

	if (!tquic_cidtab_key_init(&key, kind, id, len))
		return NULL;
	return rhashtable_lookup(&tab->ht, &key, tquic_cidtab_params);
}

/**
 * tquic_cidtab_lookup() - whose connection ID is this
 * @tab: table
 * @kind: name space
 * @cid: the ID
 *
 * Context: under rcu_read_lock(), which also protects the result.
 * Return: the entry or NULL.
 */
const struct tquic_cid_entry *tquic_cidtab_lookup(struct tquic_cidtab *tab,
						  enum tquic_cid_kind kind,
						  const struct tquic_cid *cid)
{
	return tquic_cidtab_lookup_bytes(tab, kind, cid->id, cid->len);
}

/**
 * tquic_cid_generate() - choose a connection ID of our own
 * @cid: result; unpredictable, as RFC 9000 §5.1 asks
 */
void tquic_cid_generate(struct tquic_cid *cid)
{
	memset(cid, 0, sizeof(*cid));
	cid->len = TQUIC_LOCAL_CID_LEN;
	get_random_bytes(cid->id, cid->len);
}
