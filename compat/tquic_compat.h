/* SPDX-License-Identifier: GPL-2.0 */
/* Newer kernel names for older kernels; included before every file of an out-of-tree build. */
#ifndef _TQUIC_COMPAT_H
#define _TQUIC_COMPAT_H

#include <crypto/chacha.h>
#include <linux/export.h>
#include <linux/hrtimer.h>
#include <linux/inet_diag.h>
#include <linux/module.h>
#include <linux/timer.h>
#include <net/inet_dscp.h>

#ifndef TQUIC_HAVE_HRTIMER_SETUP
static inline void hrtimer_setup(struct hrtimer *timer,
				 enum hrtimer_restart (*function)(struct hrtimer *),
				 clockid_t clock_id, enum hrtimer_mode mode)
{
	hrtimer_init(timer, clock_id, mode);
	timer->function = function;
}
#endif

#ifndef TQUIC_HAVE_SOCKADDR_UNSIZED
#define sockaddr_unsized sockaddr
#endif

/* Same byte, other type: the older field holds the traffic class with its ECN bits clear. */
#ifndef TQUIC_HAVE_FLOWI4_DSCP
#define flowi4_dscp flowi4_tos
#define inet_dsfield_to_dscp(dsfield) inet_dscp_to_dsfield(inet_dsfield_to_dscp(dsfield))
#endif

#ifndef TQUIC_HAVE_CHACHA_STATE
struct chacha_state {
	u32 x[CHACHA_BLOCK_SIZE / sizeof(u32)];
};

static inline void tquic_chacha_init(struct chacha_state *state, const u32 *key, const u8 *iv)
{
	chacha_init(state->x, key, iv);
}

static inline void tquic_chacha20_block(struct chacha_state *state, u8 *out)
{
	chacha20_block(state->x, out);
}

#define chacha_init tquic_chacha_init
#define chacha20_block tquic_chacha20_block
#endif

#ifndef TQUIC_HAVE_DIAG_BC_DATA
#define inet_diag_bc_sk(data, sk) inet_diag_bc_sk((data)->inet_diag_nla_bc, sk)
#endif

/* Arguments of kfuncs are to be trusted ones always; it used to be said of each. */
#ifndef TQUIC_HAVE_KF_TRUSTED_ARGS
#define KF_TRUSTED_ARGS 0
#endif

/* A namespace used to be a bare word, and is a string now. */
#ifndef TQUIC_HAVE_NS_STRING
#undef EXPORT_SYMBOL_NS_GPL
#define EXPORT_SYMBOL_NS_GPL(sym, ns) __EXPORT_SYMBOL(sym, "GPL", ns)
#undef MODULE_IMPORT_NS
#define MODULE_IMPORT_NS(ns) MODULE_INFO(import_ns, ns)
#endif

#ifndef timer_container_of
#define timer_container_of(var, callback_timer, timer_fieldname) \
	from_timer(var, callback_timer, timer_fieldname)
#endif

#endif
