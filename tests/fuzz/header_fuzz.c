// SPDX-License-Identifier: GPL-2.0
/* Fuzz target: walks the coalesced packets of a datagram; answers unknown versions, reads tokens. */
#include <linux/errno.h>

#include "core/header.h"
#include "core/token.h"
#include "fuzz.h"

static void check_packet(const u8 *p, size_t len, const struct tquic_hdr *h)
{
	BUG_ON(!h->pkt_len || h->pkt_len > len);
	BUG_ON(h->body + h->body_len != p + h->pkt_len);
	BUG_ON(h->pn_off && p + h->pn_off != h->body);
	BUG_ON(h->dcid.len > TQUIC_CID_MAX_LEN || h->scid.len > TQUIC_CID_MAX_LEN);
	fuzz_touch(h->token, h->token_len);
	fuzz_touch(h->dcid_view, h->dcid_view_len);
	fuzz_touch(h->scid_view, h->scid_view_len);
}

/* What is taken for a token of ours is written in the same bytes. */
static void check_token(const struct tquic_hdr *h)
{
	u8 buf[TQUIC_TOKEN_OWN_MAX_LEN];
	struct tquic_wbuf w = { buf, buf + sizeof(buf) };
	struct tquic_token t;

	if (!h->token_len || !tquic_token_get(h->token, h->token_len, &t))
		return;
	BUG_ON(!tquic_token_put(&w, &t));
	BUG_ON(w.p - buf + TQUIC_TOKEN_MAC_LEN != h->token_len);
	BUG_ON(memcmp(buf, h->token, w.p - buf));
}

static void check_vn(const struct tquic_hdr *rx)
{
	u8 buf[1 + 4 + 2 * 256 + 4 * (TQUIC_VERSION_COUNT + 1)];
	struct tquic_wbuf w = { buf, buf + sizeof(buf) };
	struct tquic_hdr h;
	size_t n;

	n = tquic_hdr_put_vn(&w, rx, rx->version);
	BUG_ON(!n);
	BUG_ON(tquic_hdr_parse(buf, n, 8, &h) || h.type != TQUIC_PKT_VN);
	BUG_ON(h.dcid_view_len != rx->scid_view_len);
	BUG_ON(memcmp(h.dcid_view, rx->scid_view, rx->scid_view_len));
	BUG_ON(memcmp(h.scid_view, rx->dcid_view, rx->dcid_view_len));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t len)
{
	struct tquic_hdr h;
	int err;

	while (len) {
		err = tquic_hdr_parse(data, len, 8, &h);
		if (err == -EPROTONOSUPPORT)
			check_vn(&h);
		if (err)
			break;
		check_packet(data, len, &h);
		check_token(&h);
		data += h.pkt_len;
		len -= h.pkt_len;
	}
	return 0;
}
