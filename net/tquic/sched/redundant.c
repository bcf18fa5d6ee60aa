// SPDX-License-Identifier: GPL-2.0
/* Redundant scheduler: every path sends everything; the first copy to arrive counts */
#include "core/conn.h"
#include "sched/sched.h"

/*
 * Which path leads hardly matters: the others follow with copies before they get
 * anything new (core/copies.c).
 */
static struct tquic_path *tquic_redundant_get_path(struct tquic_conn *conn, u64 now)
{
	return tquic_sched_minrtt.get_path(conn, now);
}

struct tquic_sched tquic_sched_redundant = {
	.entry.name	= "redundant",
	.entry.owner	= THIS_MODULE,
	.copies		= true,
	.get_path	= tquic_redundant_get_path,
};
