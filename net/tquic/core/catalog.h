/* SPDX-License-Identifier: GPL-2.0 */
/* Catalogs: what there is to choose from by name */
#ifndef TQUIC_CORE_CATALOG_H
#define TQUIC_CORE_CATALOG_H

#include <linux/list.h>
#include <linux/module.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#define TQUIC_NAME_LEN		16	/* with the zero at its end */

/**
 * struct tquic_entry - one choice, part of its ops
 * @name: what users ask for
 * @owner: module the code lives in
 * @list: link in the catalog
 * @users: references, its creator's among them, when it has a @free
 * @free: frees what may go before its module does, NULL for what may not
 */
struct tquic_entry {
	char name[TQUIC_NAME_LEN];
	struct module *owner;
	struct list_head list;
	refcount_t users;
	void (*free)(struct tquic_entry *e);
};

/**
 * struct tquic_catalog - choices of one kind
 * @list: entries, for RCU readers
 * @lock: orders writers
 */
struct tquic_catalog {
	struct list_head list;
	spinlock_t lock;
};

#define TQUIC_CATALOG(n) \
	struct tquic_catalog n = { LIST_HEAD_INIT((n).list), __SPIN_LOCK_UNLOCKED((n).lock) }

int tquic_catalog_add(struct tquic_catalog *c, struct tquic_entry *e);
int tquic_catalog_fill(struct tquic_catalog *c, struct tquic_entry *const *e, unsigned int n);
void tquic_catalog_empty(struct tquic_catalog *c, struct tquic_entry *const *e, unsigned int n);
void tquic_catalog_del(struct tquic_catalog *c, struct tquic_entry *e);
struct tquic_entry *tquic_catalog_get(struct tquic_catalog *c, const char *name);
void tquic_catalog_put(const struct tquic_entry *held);
bool tquic_catalog_name(struct tquic_catalog *c, unsigned int i,
			char name[TQUIC_NAME_LEN]);
size_t tquic_catalog_names(struct tquic_catalog *c, char *buf, size_t size);

#endif /* TQUIC_CORE_CATALOG_H */
