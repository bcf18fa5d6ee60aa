/* SPDX-License-Identifier: GPL-2.0 */
/* Userspace stand-in for <linux/kref.h>: reference counts. */
#ifndef TQUIC_SHIM_LINUX_KREF_H
#define TQUIC_SHIM_LINUX_KREF_H

#include <linux/refcount.h>

struct kref {
	refcount_t refcount;
};

#define kref_init(k)		refcount_set(&(k)->refcount, 1)
#define kref_get(k)		refcount_inc(&(k)->refcount)
#define kref_get_unless_zero(k)	refcount_inc_not_zero(&(k)->refcount)
#define kref_read(k)		refcount_read(&(k)->refcount)

static inline int kref_put(struct kref *k, void (*release)(struct kref *k))
{
	if (!refcount_dec_and_test(&k->refcount))
		return 0;
	release(k);
	return 1;
}

#endif /* TQUIC_SHIM_LINUX_KREF_H */
