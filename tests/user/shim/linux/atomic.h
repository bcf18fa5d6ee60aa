/* SPDX-License-Identifier: GPL-2.0 */
/* Userspace stand-in for <linux/atomic.h>: plain counters; tests run in one thread. */
#ifndef TQUIC_SHIM_LINUX_ATOMIC_H
#define TQUIC_SHIM_LINUX_ATOMIC_H

#include <linux/types.h>

#define ATOMIC_INIT(n)		{ (n) }
#define ATOMIC64_INIT(n)	{ (n) }

#define atomic_read(v)		((v)->counter)
#define atomic_set(v, n)	((void)((v)->counter = (n)))
#define atomic_inc(v)		((void)(v)->counter++)
#define atomic_dec(v)		((void)(v)->counter--)
#define atomic_add(n, v)	((void)((v)->counter += (n)))
#define atomic_sub(n, v)	((void)((v)->counter -= (n)))
#define atomic_inc_return(v)	(++(v)->counter)
#define atomic_dec_return(v)	(--(v)->counter)
#define atomic_dec_and_test(v)	(!--(v)->counter)
#define atomic64_read(v)	((v)->counter)
#define atomic64_set(v, n)	((void)((v)->counter = (n)))
#define atomic64_inc(v)		((void)(v)->counter++)
#define atomic64_add(n, v)	((void)((v)->counter += (n)))
#define atomic64_sub(n, v)	((void)((v)->counter -= (n)))

#endif /* TQUIC_SHIM_LINUX_ATOMIC_H */
