/* SPDX-License-Identifier: GPL-2.0 */
/* Userspace stand-in for <linux/compiler.h>: annotations and single accesses. */
#ifndef TQUIC_SHIM_LINUX_COMPILER_H
#define TQUIC_SHIM_LINUX_COMPILER_H

#define likely(x)		__builtin_expect(!!(x), 1)
#define unlikely(x)		__builtin_expect(!!(x), 0)
#define READ_ONCE(x)		(*(const volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, v)	(*(volatile typeof(x) *)&(x) = (v))
#define barrier()		__asm__ __volatile__("" ::: "memory")

#ifndef __always_inline
#define __always_inline		inline __attribute__((__always_inline__))
#endif
#define noinline		__attribute__((__noinline__))
#define __maybe_unused		__attribute__((__unused__))
#define __always_unused		__attribute__((__unused__))
#define __must_check		__attribute__((__warn_unused_result__))
#define __packed		__attribute__((__packed__))
#define __aligned(x)		__attribute__((__aligned__(x)))
#define __printf(a, b)		__attribute__((__format__(printf, a, b)))
#define __pure			__attribute__((__pure__))
#define __counted_by(m)
#define __read_mostly
#define __ro_after_init
#define ____cacheline_aligned_in_smp
#define __rcu
#define __user
#define __force
#define __must_hold(x)
#define __acquires(x)
#define __releases(x)
#ifndef fallthrough
#define fallthrough		__attribute__((__fallthrough__))
#endif

#endif /* TQUIC_SHIM_LINUX_COMPILER_H */
