/* SPDX-License-Identifier: GPL-2.0 */
/* Userspace stand-in for <linux/refcount.h>: plain counters. */
#ifndef TQUIC_SHIM_LINUX_REFCOUNT_H
#define TQUIC_SHIM_LINUX_REFCOUNT_H

#include <linux/types.h>

typedef struct {
	int refs;
} refcount_t;

#define REFCOUNT_INIT(n)	{ (n) }
#define refcount_set(r, n)	((void)((r)->refs = (n)))
#define refcount_read(r)	((r)->refs)
#define refcount_inc(r)		((void)(r)->refs++)
#define refcount_inc_not_zero(r)	((r)->refs ? (r)->refs++, true : false)
#define refcount_dec_and_test(r)	(!--(r)->refs)

#endif /* TQUIC_SHIM_LINUX_REFCOUNT_H */
