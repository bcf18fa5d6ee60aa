/* SPDX-License-Identifier: GPL-2.0 */
/* Userspace stand-in for <linux/build_bug.h>: compile-time checks. */
#ifndef TQUIC_SHIM_LINUX_BUILD_BUG_H
#define TQUIC_SHIM_LINUX_BUILD_BUG_H

#define BUILD_BUG_ON(cond)	_Static_assert(!(cond), "BUILD_BUG_ON: " #cond)
#define static_assert(expr, ...) _Static_assert(expr, "" #expr)
#define BUILD_BUG_ON_ZERO(e)	((int)(sizeof(struct { int : (-!!(e)); })))

#endif /* TQUIC_SHIM_LINUX_BUILD_BUG_H */
