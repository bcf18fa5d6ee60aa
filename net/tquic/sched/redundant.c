// SPDX-License-Identifier: GPL-2.0
/* Redundant scheduler: every path sends everything; the first copy to arrive counts */
#include "core/conn.h"
#include "sched/sched.h"

/* Which path leads hardly matters: the others follow with copies first (core/copies.c). */
struct tquic_sched tquic_sched_redundant = {
	.entry.name	= "redundant",
	.entry.owner	= THIS_MODULE,
	.copies		= true,
	.get_path	= tquic_minrtt_get_path,
};
