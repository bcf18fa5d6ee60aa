/* SPDX-License-Identifier: GPL-2.0 */
/* The bond: whether a connection's paths together are what they should be */
#ifndef TQUIC_BOND_BOND_H
#define TQUIC_BOND_BOND_H

#include <linux/tquic.h>
#include <linux/types.h>

/**
 * struct tquic_bond_legs - the open paths of a connection, by their state
 * @active: carry data, or stand by
 * @validating: have not been answered yet
 * @lost: were active and no longer answer
 * @min: how many the operator wants at least; 0 and 1: no matter
 */
struct tquic_bond_legs {
	u8 active;
	u8 validating;
	u8 lost;
	u8 min;
};

/**
 * struct tquic_bond - state of a bond, and its history
 * @state: enum tquic_bond_state
 * @since_ns: when that began
 * @time_ns: time spent in each state before
 * @entered: how often each state was entered, the first not counted
 */
struct tquic_bond {
	u8 state;
	u64 since_ns;
	u64 time_ns[TQUIC_BOND_STATES];
	u32 entered[TQUIC_BOND_STATES];
};

void tquic_bond_init(struct tquic_bond *bond, u64 now);
bool tquic_bond_update(struct tquic_bond *bond,
		       const struct tquic_bond_legs *legs, u64 now);
u64 tquic_bond_time_ns(const struct tquic_bond *bond,
		       enum tquic_bond_state state, u64 now);

#endif /* TQUIC_BOND_BOND_H */
