/* SPDX-License-Identifier: GPL-2.0 */
/* Userspace stand-in for <linux/prandom.h>: see random.h. */
#ifndef TQUIC_SHIM_LINUX_PRANDOM_H
#define TQUIC_SHIM_LINUX_PRANDOM_H

#include <linux/random.h>

struct rnd_state {
	u64 s;
};

static inline void prandom_seed_state(struct rnd_state *state, u64 seed)
{
	state->s = seed * 0x9e3779b97f4a7c15ULL + 1;
}

static inline u32 prandom_u32_state(struct rnd_state *state)
{
	state->s = state->s * 6364136223846793005ULL + 1442695040888963407ULL;
	return state->s >> 32;
}

#endif /* TQUIC_SHIM_LINUX_PRANDOM_H */
