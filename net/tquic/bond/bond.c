// SPDX-License-Identifier: GPL-2.0
/* The bond: whether a connection's paths together are what they should be */
#include <linux/minmax.h>
#include <linux/string.h>

#include "bond/bond.h"

/**
 * tquic_bond_init() - a connection begins, with one path
 * @bond: bond
 * @now: time in ns
 */
void tquic_bond_init(struct tquic_bond *bond, u64 now)
{
	memset(bond, 0, sizeof(*bond));
	bond->state = TQUIC_BOND_SINGLE_PATH;
	bond->since_ns = now;
}

/*
 * A lost leg counts until it is back or was removed, however many others there
 * are: what the operator meant to have is not there.  One that never answered
 * was not part of the bond yet.  A minimum that is asked for is missed as long as
 * even those that have yet to answer would not make it up.
 */
static enum tquic_bond_state tquic_bond_judge(const struct tquic_bond_legs *legs)
{
	unsigned int coming = legs->active + legs->validating;

	if (legs->min > 1 && coming < legs->min)
		return TQUIC_BOND_DEGRADED;
	if (coming + legs->lost < 2)
		return TQUIC_BOND_SINGLE_PATH;
	if (legs->lost)
		return TQUIC_BOND_DEGRADED;
	return legs->active < max(2, legs->min) ? TQUIC_BOND_PENDING : TQUIC_BOND_BONDED;
}

/**
 * tquic_bond_update() - paths came, went or changed their state
 * @bond: bond
 * @legs: the paths now
 * @now: time in ns
 *
 * Return: true when the bond is in another state than before.
 */
bool tquic_bond_update(struct tquic_bond *bond,
		       const struct tquic_bond_legs *legs, u64 now)
{
	enum tquic_bond_state state = tquic_bond_judge(legs);

	if (state == bond->state)
		return false;
	bond->time_ns[bond->state] += now - bond->since_ns;
	bond->state = state;
	bond->since_ns = now;
	bond->entered[state]++;
	return true;
}

/* Time spent in a state so far, the current stay included */
u64 tquic_bond_time_ns(const struct tquic_bond *bond,
		       enum tquic_bond_state state, u64 now)
{
	u64 ns = bond->time_ns[state];

	return state == bond->state ? ns + now - bond->since_ns : ns;
}
