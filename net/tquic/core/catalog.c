// SPDX-License-Identifier: GPL-2.0
/* Catalogs: what there is to choose from by name */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/lockdep.h>
#include <linux/rculist.h>
#include <linux/string.h>
#include "core/catalog.h"

/* Context: lock held, or an RCU read-side section */
static struct tquic_entry *__tquic_catalog_find(struct tquic_catalog *c, const char *name)
{
	struct tquic_entry *e;

	list_for_each_entry_rcu(e, &c->list, list, lockdep_is_held(&c->lock))
		if (!strcmp(e->name, name))
			return e;
	return NULL;
}

/**
 * tquic_catalog_add() - offer something by its name
 * @c: catalog
 * @e: what; must live until tquic_catalog_del()
 *
 * Context: any.
 * Return: 0, -EINVAL for what is no name, -EEXIST when it is taken.
 */
int tquic_catalog_add(struct tquic_catalog *c, struct tquic_entry *e)
{
	int ret = 0;

	if (!e->name[0] || strnlen(e->name, sizeof(e->name)) == sizeof(e->name))
		return -EINVAL;
	spin_lock_bh(&c->lock);
	if (__tquic_catalog_find(c, e->name))
		ret = -EEXIST;
	else
		list_add_tail_rcu(&e->list, &c->list);
	spin_unlock_bh(&c->lock);
	return ret;
}

/**
 * tquic_catalog_del() - withdraw it
 * @c: catalog
 * @e: what; users hold its module, so none are left, or itself
 *
 * Context: process, sleeps for a grace period.
 */
void tquic_catalog_del(struct tquic_catalog *c, struct tquic_entry *e)
{
	spin_lock_bh(&c->lock);
	list_del_rcu(&e->list);
	spin_unlock_bh(&c->lock);
	synchronize_rcu();
}

/**
 * tquic_catalog_empty() - withdraw several
 * @c: catalog
 * @e: what
 * @n: how many
 *
 * Context: process, sleeps for grace periods.
 */
void tquic_catalog_empty(struct tquic_catalog *c, struct tquic_entry *const *e, unsigned int n)
{
	while (n--)
		tquic_catalog_del(c, e[n]);
}

/**
 * tquic_catalog_fill() - offer several, all or none
 * @c: catalog
 * @e: what
 * @n: how many
 *
 * Context: process, may sleep for grace periods.
 * Return: as tquic_catalog_add().
 */
int tquic_catalog_fill(struct tquic_catalog *c, struct tquic_entry *const *e, unsigned int n)
{
	unsigned int i;
	int ret;

	for (i = 0; i < n; i++) {
		ret = tquic_catalog_add(c, e[i]);
		if (ret) {
			tquic_catalog_empty(c, e, i);
			return ret;
		}
	}
	return 0;
}

/* Context: RCU read-side section */
static bool tquic_entry_hold(struct tquic_entry *e)
{
	if (!try_module_get(e->owner))
		return false;
	if (!e->free || refcount_inc_not_zero(&e->users))
		return true;
	module_put(e->owner);
	return false;
}

/**
 * tquic_catalog_get() - look a name up and keep its module loaded
 * @c: catalog
 * @name: what the user asked for
 *
 * Context: any.
 * Return: the entry, to be given back with tquic_catalog_put(), or NULL.
 */
struct tquic_entry *tquic_catalog_get(struct tquic_catalog *c, const char *name)
{
	struct tquic_entry *e;

	rcu_read_lock();
	e = __tquic_catalog_find(c, name);
	if (e && !tquic_entry_hold(e))
		e = NULL;
	rcu_read_unlock();
	return e;
}

/**
 * tquic_catalog_put() - give an entry back
 * @held: what tquic_catalog_get() returned
 *
 * Context: any.
 */
void tquic_catalog_put(const struct tquic_entry *held)
{
	struct tquic_entry *e = (struct tquic_entry *)held;
	struct module *owner = e->owner;

	if (e->free && refcount_dec_and_test(&e->users))
		e->free(e);
	module_put(owner);
}

/**
 * tquic_catalog_name() - list what there is to choose from
 * @c: catalog
 * @i: position in the list
 * @name: the name found there
 *
 * Context: any.
 * Return: false behind the last one.
 */
bool tquic_catalog_name(struct tquic_catalog *c, unsigned int i,
			char name[TQUIC_NAME_LEN])
{
	const struct tquic_entry *e;
	bool found = false;

	rcu_read_lock();
	list_for_each_entry_rcu(e, &c->list, list) {
		if (i--)
			continue;
		memcpy(name, e->name, TQUIC_NAME_LEN);
		found = true;
		break;
	}
	rcu_read_unlock();
	return found;
}

/**
 * tquic_catalog_names() - all names, with blanks between them
 * @c: catalog
 * @buf: destination, ends with a zero
 * @size: bytes at @buf, at least 1; names that do not fit are cut off
 *
 * Context: any.
 * Return: length of the text.
 */
size_t tquic_catalog_names(struct tquic_catalog *c, char *buf, size_t size)
{
	char name[TQUIC_NAME_LEN];
	unsigned int i;
	size_t len = 0;

	buf[0] = 0;
	for (i = 0; tquic_catalog_name(c, i, name); i++)
		len += scnprintf(buf + len, size - len, "%s%s", len ? " " : "", name);
	return len;
}
