/* SPDX-License-Identifier: GPL-2.0 */
/* Userspace stand-in for <linux/math.h>: rounding. */
#ifndef TQUIC_SHIM_LINUX_MATH_H
#define TQUIC_SHIM_LINUX_MATH_H

#include <stdlib.h>	/* before abs() becomes a macro */

#include <linux/types.h>

#define DIV_ROUND_UP(n, d)	(((n) + (d) - 1) / (d))
#define DIV_ROUND_UP_ULL(n, d)	DIV_ROUND_UP((unsigned long long)(n), d)
#define DIV_ROUND_CLOSEST(n, d)	(((n) + (d) / 2) / (d))
#define roundup(x, y)		((((x) + (y) - 1) / (y)) * (y))
#define rounddown(x, y)		((x) - ((x) % (y)))
#define round_up(x, y)		((((x) - 1) | ((typeof(x))(y) - 1)) + 1)
#define round_down(x, y)	((x) & ~((typeof(x))(y) - 1))
#define abs(x) ({ \
	__auto_type __abs_x = (x); \
	__abs_x < 0 ? -__abs_x : __abs_x; })
#define abs_diff(a, b) ({ \
	__auto_type __ad_a = (a); __auto_type __ad_b = (b); \
	__ad_a > __ad_b ? __ad_a - __ad_b : __ad_b - __ad_a; })

#endif /* TQUIC_SHIM_LINUX_MATH_H */
