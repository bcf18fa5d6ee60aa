/* SPDX-License-Identifier: GPL-2.0 */
/* Userspace stand-in for <linux/minmax.h>: minimum and maximum. */
#ifndef TQUIC_SHIM_LINUX_MINMAX_H
#define TQUIC_SHIM_LINUX_MINMAX_H

#define min(a, b) ({ \
	__auto_type __min_a = (a); __auto_type __min_b = (b); \
	__min_a < __min_b ? __min_a : __min_b; })
#define max(a, b) ({ \
	__auto_type __max_a = (a); __auto_type __max_b = (b); \
	__max_a > __max_b ? __max_a : __max_b; })
#define min_t(t, a, b)		({ t __mt_a = (a); t __mt_b = (b); min(__mt_a, __mt_b); })
#define max_t(t, a, b)		({ t __mt_a = (a); t __mt_b = (b); max(__mt_a, __mt_b); })
#define min3(a, b, c)		min(min(a, b), c)
#define max3(a, b, c)		max(max(a, b), c)
#define umin(a, b)		min((unsigned long long)(a), (unsigned long long)(b))
#define umax(a, b)		max((unsigned long long)(a), (unsigned long long)(b))
#define min_not_zero(a, b) ({ \
	__auto_type __nz_a = (a); __auto_type __nz_b = (b); \
	!__nz_a ? __nz_b : (!__nz_b ? __nz_a : min(__nz_a, __nz_b)); })
#define clamp(v, lo, hi)	min(max(v, lo), hi)
#define clamp_t(t, v, lo, hi)	min_t(t, max_t(t, v, lo), hi)
#define clamp_val(v, lo, hi)	clamp_t(typeof(v), v, lo, hi)
#define swap(a, b) \
	do { typeof(a) __swap = (a); (a) = (b); (b) = __swap; } while (0)

#endif /* TQUIC_SHIM_LINUX_MINMAX_H */
