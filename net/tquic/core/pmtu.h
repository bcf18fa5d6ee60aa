/* SPDX-License-Identifier: GPL-2.0 */
/* Datagram size of a path: packetization layer path MTU discovery, RFC 8899, RFC 9000 §14 */
#ifndef TQUIC_CORE_PMTU_H
#define TQUIC_CORE_PMTU_H

#include <linux/time64.h>
#include <linux/types.h>

#define TQUIC_PMTU_TRIES	3	/* probes lost until a size counts as too large */
#define TQUIC_PMTU_DOUBTS	3	/* flights of large packets lost until the size does */
#define TQUIC_PMTU_RAISE_NS	(600ULL * NSEC_PER_SEC)

/**
 * struct tquic_pmtu - what is known of the size a path carries, all in UDP payload
 * @bytes: largest size known to arrive; what is sent
 * @max_bytes: what the route, the peer and the operator allow
 * @fails_bytes: smallest size that counts as too large, or one above @max_bytes
 * @test_bytes: size to probe for; 0: the search is complete
 * @probe_bytes: size of the probe under way; 0: none
 * @tries: probes of @test_bytes lost
 * @doubts: flights of large packets lost since one has arrived
 * @probed_ns: when a probe was last sent
 * @doubt_ns: when a flight was last found to be lost
 * @arrived: number of the newest large packet acknowledged at that time
 *
 * RFC 8899 §5.2: BASE is @bytes at its least, SEARCHING is @test_bytes set.  There
 * is no ERROR state, as a path that does not carry 1200 bytes fails validation.
 */
struct tquic_pmtu {
	u32 bytes;
	u32 max_bytes;
	u32 fails_bytes;
	u32 test_bytes;
	u32 probe_bytes;
	u8 tries;
	u8 doubts;
	u64 probed_ns;
	u64 doubt_ns;
	s64 arrived;
};

void tquic_pmtu_init(struct tquic_pmtu *m);
void tquic_pmtu_restart(struct tquic_pmtu *m);
void tquic_pmtu_set_max(struct tquic_pmtu *m, u32 max_bytes);
void tquic_pmtu_on_too_big(struct tquic_pmtu *m, u32 fits_bytes);
u32 tquic_pmtu_wanted(const struct tquic_pmtu *m, u64 now);
void tquic_pmtu_on_probe(struct tquic_pmtu *m, u32 bytes, u64 now);
void tquic_pmtu_on_probe_acked(struct tquic_pmtu *m, u32 bytes);
void tquic_pmtu_on_probe_lost(struct tquic_pmtu *m, u32 bytes);
bool tquic_pmtu_doubt(struct tquic_pmtu *m, s64 arrived, u64 sent_ns, u64 now);

#endif /* TQUIC_CORE_PMTU_H */
