// SPDX-License-Identifier: GPL-2.0
/* One stream: life and state as the sum of its two halves. */
#include <linux/slab.h>

#include "core/deadline.h"
#include "core/stream.h"

struct tquic_stream *tquic_stream_alloc(u64 id, gfp_t gfp)
{
	struct tquic_stream *s = kzalloc(sizeof(*s), gfp);

	if (!s)
		return NULL;
	s->id = id;
	s->urgency = TQUIC_URGENCY_DEFAULT;
	s->incremental = true;
	s->deadline_ns = TQUIC_DEADLINE_NONE;
	tquic_send_init(&s->tx, 0, NULL);
	s->tx.state = TQUIC_SEND_NONE;
	tquic_recv_init(&s->rx, 0, 0, 0, NULL);
	s->rx.state = TQUIC_RECV_NONE;
	INIT_LIST_HEAD(&s->readable);
	INIT_LIST_HEAD(&s->ctl_list);
	return s;
}

void tquic_stream_free(struct tquic_stream *s)
{
	tquic_send_destroy(&s->tx);
	tquic_recv_destroy(&s->rx);
	kfree(s);
}

bool tquic_stream_done(const struct tquic_stream *s)
{
	return !s->users && tquic_send_terminal(&s->tx) && tquic_recv_terminal(&s->rx);
}

bool tquic_stream_has_news(const struct tquic_stream *s)
{
	return tquic_recv_readable(&s->rx) || s->rx.state == TQUIC_RECV_DATA_RECVD ||
	       s->rx.state == TQUIC_RECV_RESET_RECVD;
}
