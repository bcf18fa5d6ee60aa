// SPDX-License-Identifier: GPL-2.0
/*
 * Datagram size of a path.  The largest size allowed is tried at once, for it mostly
 * works; then the sizes that links and tunnels really have, by bisection.  Nothing here
 * knows of packets: the path says what became of its probes and of its large packets.
 */
#include <linux/array_size.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "core/pmtu.h"
#include "core/proto.h"

/* Payloads for common MTUs, less 28 bytes of IPv4 and UDP headers or 48 of IPv6 and UDP */
static const u16 tquic_pmtu_sizes[] = {
	1232, 1252,			/* 1280 */
	1332, 1352, 1372, 1392, 1412,	/* tunnels: 1380 to 1440, WireGuard at 1420 */
	1432, 1444, 1452, 1464, 1472,	/* 1480, 1492 (PPPoE), 1500 */
	1952, 4048, 7952,		/* 2000, 4096, 8000 */
	8848, 8868, 8952, 8972,		/* 8896, 9000 */
	16336, 32720, 65487,
};

/* Size to probe for next between what arrives and what does not; 0: none */
static u32 tquic_pmtu_step(const struct tquic_pmtu *m)
{
	unsigned int i, lo = 0, n = 0;

	for (i = 0; i < ARRAY_SIZE(tquic_pmtu_sizes); i++) {
		if (tquic_pmtu_sizes[i] <= m->bytes)
			lo = i + 1;
		else if (tquic_pmtu_sizes[i] < m->fails_bytes)
			n++;
	}
	return n ? tquic_pmtu_sizes[lo + n / 2] : 0;
}

/* Search up to a size that may pass */
static void tquic_pmtu_search(struct tquic_pmtu *m, u32 top_bytes)
{
	m->fails_bytes = top_bytes + 1;
	m->test_bytes = top_bytes > m->bytes ? top_bytes : 0;
	m->tries = 0;
}

/* Nothing is known of the size, but what every path has to carry */
void tquic_pmtu_init(struct tquic_pmtu *m)
{
	memset(m, 0, sizeof(*m));
	m->bytes = TQUIC_MIN_UDP_PAYLOAD;
	m->max_bytes = TQUIC_MIN_UDP_PAYLOAD;
	m->arrived = -1;
}

/* Another way through the network, or one that came to carry less: begin small again */
void tquic_pmtu_restart(struct tquic_pmtu *m)
{
	m->bytes = TQUIC_MIN_UDP_PAYLOAD;
	m->probe_bytes = 0;
	m->doubts = 0;
	tquic_pmtu_search(m, m->max_bytes);
}

/**
 * tquic_pmtu_set_max() - the largest size allowed is (perhaps) another
 * @m: size
 * @max_bytes: UDP payload
 *
 * Less applies at once, more after a probe.  The floor is QUIC's (RFC 9000 §14.2).
 */
void tquic_pmtu_set_max(struct tquic_pmtu *m, u32 max_bytes)
{
	max_bytes = max_t(u32, max_bytes, TQUIC_MIN_UDP_PAYLOAD);
	if (max_bytes == m->max_bytes)
		return;
	m->max_bytes = max_bytes;
	m->bytes = min(m->bytes, max_bytes);
	tquic_pmtu_search(m, max_bytes);
}

/**
 * tquic_pmtu_on_too_big() - a router said what fits, about a packet of ours
 * @m: size
 * @fits_bytes: UDP payload that fits, at least %TQUIC_MIN_UDP_PAYLOAD
 *
 * Only the top of the search comes from it: what it says is sent when a probe has
 * arrived, and until then, if it is less than before, the least (RFC 8899 §4.6.2).
 */
void tquic_pmtu_on_too_big(struct tquic_pmtu *m, u32 fits_bytes)
{
	if (fits_bytes + 1 >= m->fails_bytes)
		return;
	if (fits_bytes < m->bytes)
		tquic_pmtu_restart(m);
	if (m->probe_bytes > fits_bytes)
		m->probe_bytes = 0;
	tquic_pmtu_search(m, fits_bytes);
}

/**
 * tquic_pmtu_wanted() - does a size want to be probed for
 * @m: size
 * @now: time in ns
 *
 * A search that found less than is allowed is made again after a while, when there
 * is something to send: no timer wakes an idle connection for it.
 *
 * Return: UDP payload of the probe, 0: none now.
 */
u32 tquic_pmtu_wanted(const struct tquic_pmtu *m, u64 now)
{
	if (m->probe_bytes)
		return 0;
	if (!m->test_bytes && m->bytes < m->max_bytes &&
	    now - m->probed_ns >= TQUIC_PMTU_RAISE_NS)
		return m->max_bytes;
	return m->test_bytes;
}

/* A probe of the size wanted was sent */
void tquic_pmtu_on_probe(struct tquic_pmtu *m, u32 bytes, u64 now)
{
	if (!m->test_bytes)
		tquic_pmtu_search(m, m->max_bytes);
	m->probe_bytes = bytes;
	m->probed_ns = now;
}

/* A probe has arrived; if it was given up before, its size is as good as any */
void tquic_pmtu_on_probe_acked(struct tquic_pmtu *m, u32 bytes)
{
	if (bytes == m->probe_bytes)
		m->probe_bytes = 0;
	if (bytes <= m->bytes || bytes >= m->fails_bytes)
		return;
	m->bytes = bytes;
	m->tries = 0;
	m->test_bytes = tquic_pmtu_step(m);
}

/* A probe was lost, which may have had other reasons than its size */
void tquic_pmtu_on_probe_lost(struct tquic_pmtu *m, u32 bytes)
{
	if (bytes != m->probe_bytes)
		return;
	m->probe_bytes = 0;
	if (bytes != m->test_bytes || ++m->tries < TQUIC_PMTU_TRIES)
		return;
	m->fails_bytes = bytes;
	m->tries = 0;
	m->test_bytes = tquic_pmtu_step(m);
}

/**
 * tquic_pmtu_doubt() - large packets were lost and none after them has arrived
 * @m: size
 * @arrived: number of the newest large packet acknowledged, -1: none
 * @sent_ns: when the newest of those lost was sent
 * @now: time in ns
 *
 * RFC 8899 §4.3: a path that swallows several flights in a row, while it may carry
 * what is small, has become a black hole for the size.  What was sent before the
 * last flight was found to be lost belongs to that one.
 *
 * Return: true when it did; the search begins again, from the least.
 */
bool tquic_pmtu_doubt(struct tquic_pmtu *m, s64 arrived, u64 sent_ns, u64 now)
{
	if (m->bytes == TQUIC_MIN_UDP_PAYLOAD)
		return false;
	if (arrived != m->arrived)
		m->doubts = 0;
	else if (sent_ns < m->doubt_ns)
		return false;
	m->arrived = arrived;
	m->doubt_ns = now;
	if (++m->doubts < TQUIC_PMTU_DOUBTS)
		return false;
	tquic_pmtu_restart(m);
	return true;
}
