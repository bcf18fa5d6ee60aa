/* SPDX-License-Identifier: GPL-2.0 */
/* Userspace stand-in for <linux/bug.h>: warnings and bugs end the test run. */
#ifndef TQUIC_SHIM_LINUX_BUG_H
#define TQUIC_SHIM_LINUX_BUG_H

#include <stdio.h>
#include <stdlib.h>

#include <linux/build_bug.h>
#include <linux/compiler.h>

#define __TQUIC_SHIM_DIE(what) do {					\
	fprintf(stderr, "%s at %s:%d\n", what, __FILE__, __LINE__);	\
	abort();							\
} while (0)

#define BUG()			__TQUIC_SHIM_DIE("BUG")
#define BUG_ON(cond)		do { if (cond) BUG(); } while (0)
#define WARN_ON(cond) ({						\
	bool __warn_cond = !!(cond);					\
	if (__warn_cond)						\
		__TQUIC_SHIM_DIE("WARN_ON(" #cond ")");			\
	__warn_cond;							\
})
#define WARN_ON_ONCE(cond)	WARN_ON(cond)
#define WARN(cond, ...)		WARN_ON(cond)
#define WARN_ONCE(cond, ...)	WARN_ON(cond)
#define DEBUG_NET_WARN_ON_ONCE(cond)	((void)WARN_ON(cond))

#endif /* TQUIC_SHIM_LINUX_BUG_H */
