/* SPDX-License-Identifier: GPL-2.0 */
/* Copies: stream data that goes on every path, for schedulers that want it so */
#ifndef TQUIC_CORE_COPIES_H
#define TQUIC_CORE_COPIES_H

#include <linux/types.h>

struct tquic_build;
struct tquic_conn;
struct tquic_path;
struct tquic_rec;

#define TQUIC_COPIES_MAX	4096	/* frames that wait for one path */

/**
 * struct tquic_copies - frames sent on other paths that are to go on this one too
 * @head: oldest
 * @tail: newest
 * @count: how many
 * @again: of the frames that the path sends again so many go twice
 * @again_end_ns: if that is before then
 */
struct tquic_copies {
	struct tquic_rec *head;
	struct tquic_rec *tail;
	u32 count;
	u32 again;
	u64 again_end_ns;
};

void tquic_copies_add(struct tquic_conn *conn, const struct tquic_path *path,
		      const struct tquic_rec *rec);
struct tquic_path *tquic_copies_path(struct tquic_conn *conn, bool *owed, u64 now);
void tquic_copies_build(struct tquic_conn *conn, struct tquic_build *bld);
void tquic_copies_owe(struct tquic_path *path, const struct tquic_rec *rec);
void tquic_copies_repeat(struct tquic_path *path, const struct tquic_rec *rec, u64 now);
void tquic_copies_on_lost(struct tquic_conn *conn, const struct tquic_rec *rec);
void tquic_copies_drop(struct tquic_path *path);

#endif /* TQUIC_CORE_COPIES_H */
