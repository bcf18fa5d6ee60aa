// SPDX-License-Identifier: GPL-2.0
/* Fuzz target: what parses as transport parameters is written and read back unchanged. */
#include "core/params.h"
#include "fuzz.h"

/* The first byte of an input says who sent the rest. */
int LLVMFuzzerTestOneInput(const u8 *data, size_t len)
{
	struct tquic_params in, out;
	u8 buf[TQUIC_PARAMS_MAX_LEN];
	bool server;
	ssize_t n;
	int err;

	if (!len)
		return 0;
	server = *data & 1;
	err = tquic_params_parse(data + 1, len - 1, server, &in);
	BUG_ON(err < 0);
	if (err)
		return 0;
	/* Only versions spoken here are kept: others cannot be written again. */
	if (in.has_version_info && !tquic_version_find(in.version_chosen))
		return 0;
	n = tquic_params_encode(&in, server, buf, sizeof(buf), len);
	BUG_ON(n < 0);
	BUG_ON(tquic_params_parse(buf, n, server, &out));
	/* Read, never sent. */
	in.grease_quic_bit = false;
	BUG_ON(memcmp(&in, &out, sizeof(in)));
	return 0;
}
