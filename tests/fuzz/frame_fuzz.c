// SPDX-License-Identifier: GPL-2.0
/* Fuzz target: walks the frames of a payload and every range of every ACK. */
#include "core/frame.h"
#include "fuzz.h"

static void check_ack(const struct tquic_frame *f)
{
	u64 lo, hi, below = f->ack.largest + 2, n = 0;
	struct tquic_ack_iter it;

	tquic_ack_iter_init(&it, f);
	while (tquic_ack_iter_next(&it, &lo, &hi)) {
		BUG_ON(lo > hi || hi + 1 >= below);
		below = lo;
		n++;
	}
	BUG_ON(n != f->ack.range_count + 1);
}

static void check_frame(const struct tquic_frame *f)
{
	switch (f->type) {
	case TQUIC_FRAME_ACK:
	case TQUIC_FRAME_ACK_ECN:
	case TQUIC_FRAME_PATH_ACK:
	case TQUIC_FRAME_PATH_ACK_ECN:
		check_ack(f);
		break;
	case TQUIC_FRAME_STREAM ... TQUIC_FRAME_STREAM_LAST:
		BUG_ON(f->stream.off + f->stream.len > TQUIC_VARINT_MAX);
		fuzz_touch(f->stream.data, f->stream.len);
		break;
	case TQUIC_FRAME_CRYPTO:
		BUG_ON(f->crypto.off + f->crypto.len > TQUIC_VARINT_MAX);
		fuzz_touch(f->crypto.data, f->crypto.len);
		break;
	case TQUIC_FRAME_NEW_TOKEN:
		BUG_ON(!f->new_token.len);
		fuzz_touch(f->new_token.data, f->new_token.len);
		break;
	case TQUIC_FRAME_NEW_CONNECTION_ID:
	case TQUIC_FRAME_PATH_NEW_CONNECTION_ID:
		BUG_ON(!f->new_cid.cid.len);
		BUG_ON(f->new_cid.cid.len > TQUIC_CID_MAX_LEN);
		BUG_ON(f->new_cid.retire_prior_to > f->new_cid.seq);
		break;
	case TQUIC_FRAME_CONNECTION_CLOSE:
	case TQUIC_FRAME_CONNECTION_CLOSE_APP:
		fuzz_touch(f->close.reason, f->close.reason_len);
		break;
	case TQUIC_FRAME_DATAGRAM:
	case TQUIC_FRAME_DATAGRAM_LEN:
		fuzz_touch(f->datagram.data, f->datagram.len);
		break;
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t len)
{
	struct tquic_rbuf b = { data, data + len };
	struct tquic_frame f;
	const u8 *before;

	while (tquic_rbuf_left(&b)) {
		before = b.p;
		if (tquic_frame_parse(&b, &f))
			break;
		BUG_ON(b.p <= before || b.p > b.end);
		BUG_ON(!tquic_frame_allowed(f.type, TQUIC_PKT_1RTT));
		check_frame(&f);
	}
	return 0;
}
