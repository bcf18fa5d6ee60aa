// SPDX-License-Identifier: GPL-2.0
/* What one frame of a sent packet carried, so that it can be acked or repeated. */
#include <linux/errno.h>
#include <linux/slab.h>

#include "core/rec.h"

static struct kmem_cache *tquic_rec_cache;
static unsigned int tquic_rec_users;

/**
 * tquic_rec_cache_init() - create the slab cache of records
 *
 * The module and each test suite that needs records call it; the first one
 * creates the cache.
 *
 * Context: module or suite setup, one at a time.
 * Return: 0 or -ENOMEM.
 */
int tquic_rec_cache_init(void)
{
	if (!tquic_rec_users) {
		tquic_rec_cache = kmem_cache_create("tquic_rec", sizeof(struct tquic_rec),
						    0, SLAB_ACCOUNT, NULL);
		if (!tquic_rec_cache)
			return -ENOMEM;
	}
	tquic_rec_users++;
	return 0;
}

/**
 * tquic_rec_cache_exit() - undo one tquic_rec_cache_init()
 *
 * The last one destroys the cache; all records must be free by then.
 */
void tquic_rec_cache_exit(void)
{
	tquic_rec_users--;
	if (tquic_rec_users)
		return;
	kmem_cache_destroy(tquic_rec_cache);
	tquic_rec_cache = NULL;
}

/**
 * tquic_rec_alloc() - allocate a zeroed record
 * @gfp: allocation context
 *
 * Return: the record, or NULL.
 */
struct tquic_rec *tquic_rec_alloc(gfp_t gfp)
{
	return kmem_cache_zalloc(tquic_rec_cache, gfp);
}

/**
 * tquic_rec_free() - free a record
 * @rec: record or NULL
 */
void tquic_rec_free(struct tquic_rec *rec)
{
	if (rec)
		kmem_cache_free(tquic_rec_cache, rec);
}

/**
 * tquic_rec_free_list() - free a list of records
 * @list: first record or NULL
 */
void tquic_rec_free_list(struct tquic_rec *list)
{
	struct tquic_rec *rec;

	while ((rec = tquic_rec_pop(&list)))
		tquic_rec_free(rec);
}
