// SPDX-License-Identifier: GPL-2.0
/* Parses, writes and checks transport parameters (RFC 9000 §7.3, §7.4, §18). */
#include <linux/array_size.h>
#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/stddef.h>
#include <linux/string.h>
#include <linux/time64.h>

#include "core/params.h"
#include "core/varint.h"

/* No grease parameter carries more than this many bytes. */
#define TQUIC_TP_GREASE_MAX_LEN	8

/* Largest N whose reserved id 31 * N + 27 is a varint. */
#define TQUIC_TP_GREASE_MAX_N	((TQUIC_VARINT_MAX - 27) / 31)

/* How a value is laid out. */
enum tp_kind {
	TP_VARINT,	/* u64 at @off, from @min to @max */
	TP_FLAG,	/* empty; bool at @off */
	TP_CID,		/* struct tquic_cid at @off */
	TP_TOKEN,	/* TQUIC_RESET_TOKEN_LEN bytes at @off */
	TP_PREFERRED,	/* struct tquic_preferred_addr */
	TP_VERSIONS,	/* version_information */
	TP_PATH_ID,	/* initial_max_path_id */
};

/**
 * struct tp_desc - one known transport parameter
 * @id: identifier
 * @kind: layout
 * @server: only a server may send it
 * @off: where struct tquic_params keeps the value
 * @has: where it keeps the presence flag; 0 if there is none
 * @min: smallest valid integer
 * @max: largest valid integer
 */
struct tp_desc {
	u32 id;
	u8 kind;
	bool server;
	u16 off;
	u16 has;
	u64 min;
	u64 max;
};

#define TP_OFF(field)	offsetof(struct tquic_params, field)
#define TP_INT(tp_id, field, lo, hi) \
	{ .id = tp_id, .kind = TP_VARINT, .off = TP_OFF(field), \
	  .min = lo, .max = hi }
#define TP_BYTES(tp_id, tp_kind, field, srv) \
	{ .id = tp_id, .kind = tp_kind, .off = TP_OFF(field), \
	  .has = TP_OFF(has_##field), .server = srv }

static const struct tp_desc tp_known[] = {
	TP_BYTES(TQUIC_TP_ORIGINAL_DCID, TP_CID, odcid, true),
	TP_INT(TQUIC_TP_MAX_IDLE_TIMEOUT, max_idle_timeout_ms, 0,
	       TQUIC_VARINT_MAX),
	TP_BYTES(TQUIC_TP_STATELESS_RESET_TOKEN, TP_TOKEN, reset_token, true),
	TP_INT(TQUIC_TP_MAX_UDP_PAYLOAD_SIZE, max_udp_payload_size,
	       TQUIC_MIN_UDP_PAYLOAD, TQUIC_VARINT_MAX),
	TP_INT(TQUIC_TP_MAX_DATA, max_data, 0, TQUIC_VARINT_MAX),
	TP_INT(TQUIC_TP_MAX_STREAM_DATA_BIDI_LOCAL, max_stream_data_bidi_local,
	       0, TQUIC_VARINT_MAX),
	TP_INT(TQUIC_TP_MAX_STREAM_DATA_BIDI_REMOTE,
	       max_stream_data_bidi_remote, 0, TQUIC_VARINT_MAX),
	TP_INT(TQUIC_TP_MAX_STREAM_DATA_UNI, max_stream_data_uni, 0,
	       TQUIC_VARINT_MAX),
	TP_INT(TQUIC_TP_MAX_STREAMS_BIDI, max_streams_bidi, 0,
	       TQUIC_MAX_STREAMS),
	TP_INT(TQUIC_TP_MAX_STREAMS_UNI, max_streams_uni, 0, TQUIC_MAX_STREAMS),
	TP_INT(TQUIC_TP_ACK_DELAY_EXPONENT, ack_delay_exponent, 0,
	       TQUIC_MAX_ACK_DELAY_EXPONENT),
	TP_INT(TQUIC_TP_MAX_ACK_DELAY, max_ack_delay_ms, 0,
	       TQUIC_MAX_ACK_DELAY_MS),
	{ .id = TQUIC_TP_DISABLE_ACTIVE_MIGRATION, .kind = TP_FLAG,
	  .off = TP_OFF(disable_active_migration) },
	TP_BYTES(TQUIC_TP_PREFERRED_ADDRESS, TP_PREFERRED, preferred_addr, true),
	TP_INT(TQUIC_TP_ACTIVE_CID_LIMIT, active_cid_limit,
	       TQUIC_MIN_ACTIVE_CID_LIMIT, TQUIC_VARINT_MAX),
	TP_BYTES(TQUIC_TP_INITIAL_SCID, TP_CID, iscid, false),
	TP_BYTES(TQUIC_TP_RETRY_SCID, TP_CID, rscid, true),
	{ .id = TQUIC_TP_VERSION_INFORMATION, .kind = TP_VERSIONS,
	  .has = TP_OFF(has_version_info) },
	TP_INT(TQUIC_TP_MAX_DATAGRAM_FRAME_SIZE, max_datagram_frame_size, 0,
	       TQUIC_VARINT_MAX),
	{ .id = TQUIC_TP_INITIAL_MAX_PATH_ID, .kind = TP_PATH_ID,
	  .has = TP_OFF(has_max_path_id) },
	{ .id = TQUIC_TP_MIN_ACK_DELAY, .kind = TP_VARINT,
	  .off = TP_OFF(min_ack_delay_us), .has = TP_OFF(has_min_ack_delay),
	  .max = TQUIC_MAX_ACK_DELAY_MS * USEC_PER_MSEC },
	{ .id = TQUIC_TP_RESET_STREAM_AT, .kind = TP_FLAG,
	  .off = TP_OFF(reset_stream_at) },
	{ .id = TQUIC_TP_GREASE_QUIC_BIT, .kind = TP_FLAG,
	  .off = TP_OFF(grease_quic_bit) },
};

/**
 * tquic_params_default() - what holds for a parameter that is absent
 * @p: parameters
 */
void tquic_params_default(struct tquic_params *p)
{
	memset(p, 0, sizeof(*p));
	p->max_udp_payload_size = TQUIC_MAX_UDP_PAYLOAD;
	p->ack_delay_exponent = TQUIC_DEFAULT_ACK_DELAY_EXPONENT;
	p->max_ack_delay_ms = TQUIC_DEFAULT_MAX_ACK_DELAY_MS;
	p->active_cid_limit = TQUIC_MIN_ACTIVE_CID_LIMIT;
}

static bool tp_get_preferred(struct tquic_rbuf *b,
			     struct tquic_preferred_addr *a)
{
	u8 len;

	return tquic_get_bytes(b, a->ipv4, sizeof(a->ipv4)) &&
	       tquic_get_u16(b, &a->ipv4_port) &&
	       tquic_get_bytes(b, a->ipv6, sizeof(a->ipv6)) &&
	       tquic_get_u16(b, &a->ipv6_port) &&
	       tquic_get_u8(b, &len) && len && tquic_get_cid(b, &a->cid, len) &&
	       tquic_get_bytes(b, a->reset_token, sizeof(a->reset_token));
}

/* RFC 9368 §4: no version 0; a client lists its Chosen Version. */
static bool tp_get_versions(struct tquic_rbuf *b, struct tquic_params *p,
			    bool from_server)
{
	bool listed = from_server;
	unsigned int i;
	u32 v;

	if (!tquic_get_u32(b, &p->version_chosen) || !p->version_chosen)
		return false;
	while (tquic_rbuf_left(b)) {
		if (!tquic_get_u32(b, &v) || !v)
			return false;
		listed |= v == p->version_chosen;
		for (i = 0; i < p->version_count && p->versions[i] != v; i++)
			;
		/* Each version spoken here is kept once, so there is room. */
		if (i == p->version_count && tquic_version_find(v))
			p->versions[p->version_count++] = v;
	}
	return listed;
}

static bool tp_get_int(struct tquic_rbuf *b, u64 min, u64 max, u64 *v)
{
	return tquic_get_varint(b, v) && *v >= min && *v <= max;
}

static bool tp_get_value(struct tquic_rbuf *b, const struct tp_desc *d,
			 bool from_server, struct tquic_params *p)
{
	void *field = (u8 *)p + d->off;
	u64 v;

	switch (d->kind) {
	case TP_VARINT:
		return tp_get_int(b, d->min, d->max, field);
	case TP_FLAG:
		*(bool *)field = true;
		return true;
	case TP_CID:
		return tquic_get_cid(b, field, tquic_rbuf_left(b));
	case TP_TOKEN:
		return tquic_get_bytes(b, field, TQUIC_RESET_TOKEN_LEN);
	case TP_PREFERRED:
		return tp_get_preferred(b, field);
	case TP_VERSIONS:
		return tp_get_versions(b, p, from_server);
	default: /* TP_PATH_ID */
		if (!tp_get_int(b, 0, TQUIC_MAX_PATH_ID, &v))
			return false;
		p->max_path_id = v;
		return true;
	}
}

/* One known parameter; @b holds exactly its value. */
static bool tp_parse_one(struct tquic_rbuf *b, const struct tp_desc *d,
			 bool from_server, struct tquic_params *p)
{
	if (d->server && !from_server)
		return false;
	if (!tp_get_value(b, d, from_server, p) || tquic_rbuf_left(b))
		return false;
	if (d->has)
		*((bool *)p + d->has) = true;
	return true;
}

/* What can be judged only once all parameters are known. */
static int tp_check_all(const struct tquic_params *p)
{
	if (p->has_min_ack_delay &&
	    p->min_ack_delay_us > p->max_ack_delay_ms * USEC_PER_MSEC)
		return TQUIC_ERR_TRANSPORT_PARAMETER;
	if (!p->has_iscid || p->iscid.len)
		return 0;
	/* RFC 9000 §18.2: no preferred address with a zero-length CID. */
	if (p->has_preferred_addr)
		return TQUIC_ERR_TRANSPORT_PARAMETER;
	/* RFC 10069 §2.1: no multipath with a zero-length CID. */
	if (p->has_max_path_id)
		return TQUIC_ERR_PROTOCOL_VIOLATION;
	return 0;
}

/**
 * tquic_params_parse() - parse the quic_transport_parameters extension
 * @p: the extension's content
 * @len: bytes at @p
 * @from_server: whether a server sent it
 * @out: result: defaults where a parameter is absent
 *
 * Unknown parameters are skipped. Which connection IDs have to be present, and
 * their values, are for tquic_params_check_cids().
 *
 * Return: 0 or an error of &enum tquic_err.
 */
int tquic_params_parse(const u8 *p, size_t len, bool from_server,
		       struct tquic_params *out)
{
	struct tquic_rbuf b = { .p = p, .end = p + len };
	struct tquic_rbuf val;
	u64 id, val_len;
	unsigned int i;
	u32 seen = 0;

	BUILD_BUG_ON(ARRAY_SIZE(tp_known) > 32);
	tquic_params_default(out);
	while (tquic_rbuf_left(&b)) {
		if (!tquic_get_varint(&b, &id) ||
		    !tquic_get_varint(&b, &val_len) ||
		    !tquic_get_view(&b, &val.p, val_len))
			return TQUIC_ERR_TRANSPORT_PARAMETER;
		val.end = b.p;
		for (i = 0; i < ARRAY_SIZE(tp_known); i++)
			if (tp_known[i].id == id)
				break;
		if (i == ARRAY_SIZE(tp_known))
			continue;
		if (seen & 1U << i ||
		    !tp_parse_one(&val, &tp_known[i], from_server, out))
			return TQUIC_ERR_TRANSPORT_PARAMETER;
		seen |= 1U << i;
	}
	/* Keeps the conversion to ns within 64 bits; 49 days are as good as off. */
	out->max_idle_timeout_ms = min_t(u64, out->max_idle_timeout_ms, U32_MAX);
	return tp_check_all(out);
}

static bool tp_put_blob(struct tquic_wbuf *b, u64 id, const void *p, size_t len)
{
	return tquic_put_varint(b, id) && tquic_put_varint(b, len) &&
	       tquic_put_bytes(b, p, len);
}

static bool tp_put_int(struct tquic_wbuf *b, u64 id, u64 v)
{
	return tquic_put_varint(b, id) &&
	       tquic_put_varint(b, tquic_varint_len(v)) &&
	       tquic_put_varint(b, v);
}

static bool tp_put_preferred(struct tquic_wbuf *b, u64 id,
			     const struct tquic_preferred_addr *a)
{
	size_t len = sizeof(a->ipv4) + sizeof(a->ipv6) + 2 * sizeof(u16) + 1 +
		     a->cid.len + sizeof(a->reset_token);

	return tquic_put_varint(b, id) && tquic_put_varint(b, len) &&
	       tquic_put_bytes(b, a->ipv4, sizeof(a->ipv4)) &&
	       tquic_put_u16(b, a->ipv4_port) &&
	       tquic_put_bytes(b, a->ipv6, sizeof(a->ipv6)) &&
	       tquic_put_u16(b, a->ipv6_port) && tquic_put_cid(b, &a->cid) &&
	       tquic_put_bytes(b, a->reset_token, sizeof(a->reset_token));
}

static bool tp_put_versions(struct tquic_wbuf *b, u64 id,
			    const struct tquic_params *p)
{
	unsigned int i;

	if (!tquic_put_varint(b, id) ||
	    !tquic_put_varint(b, (1 + p->version_count) * sizeof(u32)) ||
	    !tquic_put_u32(b, p->version_chosen))
		return false;
	for (i = 0; i < p->version_count; i++)
		if (!tquic_put_u32(b, p->versions[i]))
			return false;
	return true;
}

static bool tp_put_one(struct tquic_wbuf *b, const struct tp_desc *d,
		       const struct tquic_params *p,
		       const struct tquic_params *defaults)
{
	const void *field = (const u8 *)p + d->off;
	const struct tquic_cid *cid = field;

	switch (d->kind) {
	case TP_VARINT:
		/* An absent parameter says the default in fewer bytes. */
		if (!d->has && !memcmp(field, (const u8 *)defaults + d->off, sizeof(u64)))
			return true;
		return tp_put_int(b, d->id, *(const u64 *)field);
	case TP_FLAG:
		if (!*(const bool *)field ||
		    d->id == TQUIC_TP_GREASE_QUIC_BIT)
			return true;
		return tp_put_blob(b, d->id, NULL, 0);
	case TP_CID:
		return tp_put_blob(b, d->id, cid->id, cid->len);
	case TP_TOKEN:
		return tp_put_blob(b, d->id, field, TQUIC_RESET_TOKEN_LEN);
	case TP_PREFERRED:
		return tp_put_preferred(b, d->id, field);
	case TP_VERSIONS:
		return tp_put_versions(b, d->id, p);
	default: /* TP_PATH_ID */
		return tp_put_int(b, d->id, p->max_path_id);
	}
}

/* RFC 9000 §18.1: an id no one may give a meaning, so that peers skip it. */
static bool tp_put_grease(struct tquic_wbuf *b, u64 grease)
{
	static const u8 zero[TQUIC_TP_GREASE_MAX_LEN];

	return tp_put_blob(b, 31 * (grease % TQUIC_TP_GREASE_MAX_N) + 27, zero,
			   grease % (TQUIC_TP_GREASE_MAX_LEN + 1));
}

/**
 * tquic_params_encode() - write the quic_transport_parameters extension
 * @p: our parameters; values equal to the default are left out
 * @as_server: whether we are the server; a client leaves server parameters out
 * @buf: where to write
 * @len: bytes at @buf; %TQUIC_PARAMS_MAX_LEN always suffices
 * @grease: random; picks the reserved parameter that is added
 *
 * Return: bytes written, or -ENOSPC.
 */
ssize_t tquic_params_encode(const struct tquic_params *p, bool as_server,
			    u8 *buf, size_t len, u64 grease)
{
	struct tquic_wbuf b = { .p = buf, .end = buf + len };
	struct tquic_params defaults;
	const struct tp_desc *d;

	tquic_params_default(&defaults);
	for (d = tp_known; d < tp_known + ARRAY_SIZE(tp_known); d++) {
		if ((d->server && !as_server) ||
		    (d->has && !*((const bool *)p + d->has)))
			continue;
		if (!tp_put_one(&b, d, p, &defaults))
			return -ENOSPC;
	}
	if (!tp_put_grease(&b, grease))
		return -ENOSPC;
	return b.p - buf;
}

static bool tp_cid_matches(bool has, const struct tquic_cid *got,
			   const struct tquic_cid *want)
{
	if (!want)
		return !has;
	return has && tquic_cid_equal(got, want);
}

/**
 * tquic_params_check_cids() - authenticate connection IDs (RFC 9000 §7.3)
 * @p: the peer's parameters
 * @from_server: whether the peer is the server; else only @iscid is looked at
 * @odcid: DCID of the first Initial the client sent
 * @iscid: SCID of the peer's first Initial
 * @rscid: SCID of the Retry, or NULL if there was none
 *
 * Return: 0 or %TQUIC_ERR_TRANSPORT_PARAMETER.
 */
int tquic_params_check_cids(const struct tquic_params *p, bool from_server,
			    const struct tquic_cid *odcid,
			    const struct tquic_cid *iscid,
			    const struct tquic_cid *rscid)
{
	if (!tp_cid_matches(p->has_iscid, &p->iscid, iscid))
		return TQUIC_ERR_TRANSPORT_PARAMETER;
	if (!from_server)
		return 0;
	if (!tp_cid_matches(p->has_odcid, &p->odcid, odcid) ||
	    !tp_cid_matches(p->has_rscid, &p->rscid, rscid))
		return TQUIC_ERR_TRANSPORT_PARAMETER;
	return 0;
}
