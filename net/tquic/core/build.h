/* SPDX-License-Identifier: GPL-2.0 */
/* A packet under construction */
#ifndef TQUIC_CORE_BUILD_H
#define TQUIC_CORE_BUILD_H

#include "core/rec.h"
#include "core/varint.h"

struct tquic_path;

/**
 * struct tquic_build - frames being put into one packet
 * @b: write cursor over the payload
 * @frame: where the frame at hand begins
 * @recs: what was put in, so that its fate can be followed
 * @path: path the packet leaves on
 * @eliciting: the peer has to acknowledge it
 * @full: a frame did not fit, or memory for its record was short
 * @nomem: it was the memory
 * @told: by path slot: its PATH_STATUS_* is in it, and is to go in the next packet too
 * @now: time in ns
 */
struct tquic_build {
	struct tquic_wbuf b;
	u8 *frame;
	struct tquic_rec *recs;
	struct tquic_path *path;
	bool eliciting;
	bool full;
	bool nomem;
	u16 told;
	u64 now;
};

struct tquic_rec *tquic_build_rec(struct tquic_build *bld, u8 kind);
void tquic_build_commit(struct tquic_build *bld, struct tquic_rec *rec);
void tquic_build_undo(struct tquic_build *bld, struct tquic_rec *rec);

#endif /* TQUIC_CORE_BUILD_H */
