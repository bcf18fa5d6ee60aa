// SPDX-License-Identifier: GPL-2.0
/* The keys of a connection: levels, and key update between two ends. */
#include <linux/kthread.h>

#include "core/proto.h"
#include "crypto/hp.h"
#include "crypto/keyring.h"
#include "test/crypto_test.h"
#include "test/crypto_vectors.h"

#define KR_HDR_LEN	11
#define KR_PLAIN_LEN	8
#define KR_PKT_LEN	(KR_HDR_LEN + KR_PLAIN_LEN + TQUIC_AEAD_TAG_LEN)

/* Two ends; ph[i] is what an end knows of phases on path i. */
struct kr_end {
	struct tquic_keyring kr;
	struct tquic_phase ph[2];
};

struct kr_pair {
	struct kr_end a;
	struct kr_end b;
};

static void kr_free(void *arg)
{
	struct kr_pair *p = arg;

	tquic_keyring_destroy(&p->a.kr);
	tquic_keyring_destroy(&p->b.kr);
}

static void kr_end_init(struct kr_end *e)
{
	tquic_keyring_init(&e->kr);
	tquic_phase_init(&e->ph[0]);
	tquic_phase_init(&e->ph[1]);
}

static int kr_install(struct kr_end *e, bool tx, const u8 *secret)
{
	return tquic_keyring_install(&e->kr, TQUIC_LEVEL_APP, tx,
				     TQUIC_SUITE_AES_128_GCM, secret, 32,
				     tquic_version_find(TQUIC_VERSION_1));
}

static struct kr_pair *kr_pair(struct kunit *test)
{
	struct kr_pair *p = kunit_kzalloc(test, sizeof(*p), GFP_KERNEL);
	static const u8 from_a[32] = "secret of end a, 32 bytes long!";
	static const u8 from_b[32] = "secret of end b, 32 bytes long!";

	KUNIT_ASSERT_NOT_NULL(test, p);
	kr_end_init(&p->a);
	kr_end_init(&p->b);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, kr_free, p), 0);
	KUNIT_ASSERT_EQ(test, kr_install(&p->a, true, from_a), 0);
	KUNIT_ASSERT_EQ(test, kr_install(&p->b, false, from_a), 0);
	KUNIT_ASSERT_EQ(test, kr_install(&p->a, false, from_b), 0);
	KUNIT_ASSERT_EQ(test, kr_install(&p->b, true, from_b), 0);
	return p;
}

/* A packet on its way, and the phase bit in its header. */
struct kr_pkt {
	u8 data[KR_PKT_LEN];
	u32 path;
	u64 pn;
	bool phase;
};

static struct kr_pkt *kr_send(struct kunit *test, struct kr_end *e, u32 path,
			      u64 pn)
{
	struct tquic_keys *keys = tquic_keyring_tx(&e->kr, TQUIC_LEVEL_APP);
	struct kr_pkt *p = kunit_kzalloc(test, sizeof(*p), GFP_KERNEL);
	u8 first, pn_len;
	u64 trunc;

	KUNIT_ASSERT_NOT_NULL(test, keys);
	KUNIT_ASSERT_NOT_NULL(test, p);
	memset(p->data, 0x42, sizeof(p->data));
	p->path = path;
	p->pn = pn;
	p->phase = tquic_keys_phase(keys);
	tquic_phase_on_tx(&e->ph[path], keys->gen, pn);
	KUNIT_ASSERT_EQ(test, tquic_test_seal(keys, path, pn, p->data,
					      KR_HDR_LEN, KR_PLAIN_LEN), 0);
	KUNIT_ASSERT_EQ(test, tquic_pkt_unprotect(keys, p->data, KR_PKT_LEN,
						  KR_HDR_LEN - 3, &first,
						  &trunc, &pn_len), 0);
	return p;
}

/* What the receive path does. Returns the result of the first step that
 * fails, -ENOKEY without keys.
 */
static int kr_recv(struct kr_end *e, struct kr_pkt *p, enum tquic_rx_gen *which)
{
	struct tquic_keys *keys;
	u32 gen;
	int err;

	keys = tquic_keyring_rx_select(&e->kr, p->phase, p->pn,
				       &e->ph[p->path], which);
	if (!keys)
		return -ENOKEY;
	gen = keys->gen;
	err = tquic_test_open(keys, p->path, p->pn, p->data, KR_HDR_LEN,
			      KR_PKT_LEN);
	tquic_keys_put(keys);
	if (!err && *which == TQUIC_RX_NEXT)
		err = tquic_keyring_rx_commit(&e->kr, gen);
	return err ?: tquic_phase_on_rx(&e->ph[p->path], gen, p->pn);
}

#define KR_EXPECT_RECV(test, e, p, want_err, want_which) do { \
	enum tquic_rx_gen __which; \
	KUNIT_EXPECT_EQ(test, kr_recv(e, p, &__which), want_err); \
	KUNIT_EXPECT_EQ(test, __which, want_which); \
} while (0)

static u32 kr_rx_gen(struct kr_end *e)
{
	struct tquic_keys *keys = tquic_keyring_rx_get(&e->kr, TQUIC_LEVEL_APP);
	u32 gen = keys->gen;

	tquic_keys_put(keys);
	return gen;
}

static u32 kr_tx_gen(struct kr_end *e)
{
	return tquic_keyring_tx(&e->kr, TQUIC_LEVEL_APP)->gen;
}

static void level_test_initial(struct kunit *test)
{
	const struct tquic_version *v = tquic_version_find(TQUIC_VERSION_1);
	struct kr_pair *p = kunit_kzalloc(test, sizeof(*p), GFP_KERNEL);
	struct tquic_cid dcid = { .len = 8 };
	struct tquic_keys *keys;
	int round;

	KUNIT_ASSERT_NOT_NULL(test, p);
	kr_end_init(&p->a);
	kr_end_init(&p->b);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, kr_free, p), 0);
	memcpy(dcid.id, tquic_test_hex(test, VEC_DCID), 8);
	KUNIT_EXPECT_FALSE(test, tquic_keyring_has(&p->a.kr,
						   TQUIC_LEVEL_INITIAL, true));
	/* the second round is what a client does after a Retry */
	for (round = 0; round < 2; round++) {
		KUNIT_ASSERT_EQ(test, tquic_keyring_install_initial(&p->a.kr,
								    v, &dcid, false), 0);
		KUNIT_ASSERT_EQ(test, tquic_keyring_install_initial(&p->b.kr,
								    v, &dcid, true), 0);
	}
	/* RFC 9001 §A.1 */
	keys = tquic_keyring_tx(&p->a.kr, TQUIC_LEVEL_INITIAL);
	TQUIC_TEST_EXPECT_HEX(test, keys->iv, "fa044b2f42a3fd3b46fb255c");
	keys = tquic_keyring_tx(&p->b.kr, TQUIC_LEVEL_INITIAL);
	TQUIC_TEST_EXPECT_HEX(test, keys->iv, "0ac1493ca1905853b0bba03e");
	keys = tquic_keyring_rx_get(&p->b.kr, TQUIC_LEVEL_INITIAL);
	TQUIC_TEST_EXPECT_HEX(test, keys->iv, "fa044b2f42a3fd3b46fb255c");
	tquic_keys_put(keys);
	keys = tquic_keyring_rx_get(&p->a.kr, TQUIC_LEVEL_INITIAL);
	TQUIC_TEST_EXPECT_HEX(test, keys->iv, "0ac1493ca1905853b0bba03e");
	/* discarded keys stay usable for whoever holds them */
	tquic_keyring_discard(&p->a.kr, TQUIC_LEVEL_INITIAL);
	KUNIT_EXPECT_FALSE(test, tquic_keyring_has(&p->a.kr,
						   TQUIC_LEVEL_INITIAL, true));
	KUNIT_EXPECT_NULL(test, tquic_keyring_rx_get(&p->a.kr,
						     TQUIC_LEVEL_INITIAL));
	KUNIT_EXPECT_NULL(test, tquic_keyring_tx(&p->a.kr,
						 TQUIC_LEVEL_INITIAL));
	TQUIC_TEST_EXPECT_HEX(test, keys->iv, "0ac1493ca1905853b0bba03e");
	tquic_keys_put(keys);
}

/* A server changes the version: what the client repeats in the one before can be opened. */
static void level_test_upgrade(struct kunit *test)
{
	const struct tquic_cid dcid = { .len = 8, .id = { 1, 2, 3, 4, 5, 6, 7, 8 } };
	const struct tquic_version *v1 = tquic_version_find(TQUIC_VERSION_1);
	const struct tquic_version *v2 = tquic_version_find(TQUIC_VERSION_2);
	struct tquic_keys *was, *first;
	struct kr_pair *p = kr_pair(test);
	struct tquic_keyring *kr = &p->a.kr;

	KUNIT_ASSERT_EQ(test, tquic_keyring_install_initial(kr, v1, &dcid, true), 0);
	was = tquic_keyring_rx_get(kr, TQUIC_LEVEL_INITIAL);
	KUNIT_ASSERT_NOT_NULL(test, was);
	KUNIT_EXPECT_NULL(test, tquic_keyring_rx_first_get(kr));
	KUNIT_ASSERT_EQ(test, tquic_keyring_upgrade_initial(kr, v2, &dcid), 0);
	first = tquic_keyring_rx_first_get(kr);
	KUNIT_EXPECT_PTR_EQ(test, first, was);
	tquic_keys_put(first);
	first = tquic_keyring_rx_get(kr, TQUIC_LEVEL_INITIAL);
	KUNIT_EXPECT_NOT_NULL(test, first);
	KUNIT_EXPECT_PTR_NE(test, first, was);
	tquic_keys_put(first);
	tquic_keyring_discard(kr, TQUIC_LEVEL_INITIAL);
	KUNIT_EXPECT_NULL(test, tquic_keyring_rx_first_get(kr));
	tquic_keys_put(was);
}

static void level_test_install(struct kunit *test)
{
	const struct tquic_version *v = tquic_version_find(TQUIC_VERSION_1);
	struct kr_pair *p = kr_pair(test);
	struct tquic_keyring *kr = &p->a.kr;
	u8 secret[48] = {};
	int level, tx;

	KUNIT_EXPECT_EQ(test, tquic_keyring_install(kr, TQUIC_LEVEL_APP, true,
						    0x1301, secret, 32, v), -EEXIST);
	KUNIT_EXPECT_EQ(test, tquic_keyring_install(kr, TQUIC_LEVEL_HANDSHAKE,
						    true, 0x1304, secret, 32, v), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, tquic_keyring_install(kr, TQUIC_LEVEL_HANDSHAKE,
						    true, 0x1301, secret, 31, v), -EINVAL);
	KUNIT_EXPECT_EQ(test, tquic_keyring_install(kr, TQUIC_LEVEL_HANDSHAKE,
						    true, 0x1301, secret, 48, v), -EINVAL);
	KUNIT_EXPECT_EQ(test, tquic_keyring_install(kr, TQUIC_LEVEL_INITIAL,
						    true, 0x1301, secret, 32, v), -EINVAL);
	KUNIT_EXPECT_EQ(test, tquic_keyring_install(kr, TQUIC_LEVEL_COUNT,
						    true, 0x1301, secret, 32, v), -EINVAL);
	for (level = TQUIC_LEVEL_EARLY; level < TQUIC_LEVEL_APP; level++) {
		for (tx = 0; tx < 2; tx++) {
			KUNIT_EXPECT_FALSE(test, tquic_keyring_has(kr, level,
								   tx));
			KUNIT_EXPECT_EQ(test, tquic_keyring_install(kr, level,
								    tx, 0x1302, secret, 48, v), 0);
			KUNIT_EXPECT_TRUE(test, tquic_keyring_has(kr, level,
								  tx));
			KUNIT_EXPECT_EQ(test, tquic_keyring_has(kr, level,
								!tx), tx);
		}
	}
	tquic_keyring_discard(kr, TQUIC_LEVEL_HANDSHAKE);
	KUNIT_EXPECT_TRUE(test, tquic_keyring_has(kr, TQUIC_LEVEL_EARLY,
						  false));
	KUNIT_EXPECT_TRUE(test, tquic_keyring_has(kr, TQUIC_LEVEL_APP, true));
	tquic_keyring_discard(kr, TQUIC_LEVEL_APP);
	KUNIT_EXPECT_FALSE(test, tquic_keyring_tx_behind(kr));
	KUNIT_EXPECT_EQ(test, tquic_keyring_precompute(kr), 0);
	KUNIT_EXPECT_FALSE(test, tquic_keyring_has(kr, TQUIC_LEVEL_APP, true));
}

static void level_test_failures(struct kunit *test)
{
	struct kr_pair *p = kr_pair(test);
	struct tquic_keyring *kr = &p->a.kr;
	struct tquic_keys *keys = tquic_keyring_tx(kr, TQUIC_LEVEL_APP);

	KUNIT_EXPECT_EQ(test, tquic_keyring_count_failure(kr, keys), 0);
	KUNIT_EXPECT_EQ(test, atomic64_read(&kr->failures), 1LL);
	atomic64_set(&kr->failures, (1LL << 52) - 2);
	KUNIT_EXPECT_EQ(test, tquic_keyring_count_failure(kr, keys), 0);
	KUNIT_EXPECT_EQ(test, tquic_keyring_count_failure(kr, keys),
			TQUIC_ERR_AEAD_LIMIT_REACHED);
	KUNIT_EXPECT_EQ(test, tquic_keyring_count_failure(kr, keys),
			TQUIC_ERR_AEAD_LIMIT_REACHED);
	/* the cipher with the lower limit */
	keys = tquic_test_keys(test, TQUIC_SUITE_CHACHA20_POLY1305,
			       TQUIC_VERSION_1, TQUIC_TEST_SECRET);
	atomic64_set(&kr->failures, (1LL << 36) - 1);
	KUNIT_EXPECT_EQ(test, tquic_keyring_count_failure(kr, keys),
			TQUIC_ERR_AEAD_LIMIT_REACHED);
}

/* a starts three updates, b follows; numbers go on, phases alternate. */
static void update_test_rounds(struct kunit *test)
{
	struct kr_pair *p = kr_pair(test);
	struct kr_pkt *pkt;
	u64 pn = 0;
	u32 gen;

	for (gen = 0; gen < 3; gen++) {
		pkt = kr_send(test, &p->a, 0, pn);
		KR_EXPECT_RECV(test, &p->b, pkt, 0, TQUIC_RX_CUR);
		pkt = kr_send(test, &p->b, 0, pn);
		KR_EXPECT_RECV(test, &p->a, pkt, 0, TQUIC_RX_CUR);
		KUNIT_EXPECT_EQ(test, tquic_keyring_update_tx(&p->a.kr), -EBUSY);
		KUNIT_EXPECT_EQ(test, tquic_phase_on_ack(&p->a.ph[0], &p->a.kr,
							 pn, gen), 0);
		KUNIT_EXPECT_EQ(test, tquic_keyring_update_tx(&p->a.kr), 0);
		/* not again before the peer has followed */
		KUNIT_EXPECT_EQ(test, tquic_keyring_update_tx(&p->a.kr), -EBUSY);

		pkt = kr_send(test, &p->a, 0, ++pn);
		KUNIT_EXPECT_EQ(test, pkt->phase, !(gen & 1));
		KR_EXPECT_RECV(test, &p->b, pkt, 0, TQUIC_RX_NEXT);
		KUNIT_EXPECT_EQ(test, kr_rx_gen(&p->b), gen + 1);
		KUNIT_EXPECT_EQ(test, kr_rx_gen(&p->a), gen);
		/* it has to follow before it acknowledges that */
		KUNIT_EXPECT_TRUE(test, tquic_keyring_tx_behind(&p->b.kr));
		KUNIT_EXPECT_FALSE(test, tquic_keyring_tx_behind(&p->a.kr));
		p->b.kr.tx_acked = true;
		KUNIT_EXPECT_EQ(test, tquic_keyring_precompute(&p->b.kr), 0);
		KUNIT_EXPECT_FALSE(test, tquic_keyring_tx_behind(&p->b.kr));
		KUNIT_EXPECT_FALSE(test, p->b.kr.tx_acked);
		KUNIT_EXPECT_EQ(test, kr_tx_gen(&p->b), gen + 1);

		pkt = kr_send(test, &p->b, 0, pn);
		KR_EXPECT_RECV(test, &p->a, pkt, 0, TQUIC_RX_NEXT);
		KUNIT_EXPECT_EQ(test, kr_rx_gen(&p->a), gen + 1);
		KUNIT_EXPECT_EQ(test, kr_tx_gen(&p->a), gen + 1);

		KUNIT_EXPECT_EQ(test, tquic_keyring_precompute(&p->a.kr), 0);
		KUNIT_EXPECT_EQ(test, kr_tx_gen(&p->a), gen + 1);
		tquic_keyring_drop_prev(&p->a.kr);
		tquic_keyring_drop_prev(&p->b.kr);
		pn++;
	}
}

/* Both ends update at the same moment: one update, not two. */
static void update_test_simultaneous(struct kunit *test)
{
	struct kr_pair *p = kr_pair(test);
	struct kr_pkt *pa, *pb;

	KR_EXPECT_RECV(test, &p->b, kr_send(test, &p->a, 0, 0), 0,
		       TQUIC_RX_CUR);
	KR_EXPECT_RECV(test, &p->a, kr_send(test, &p->b, 0, 0), 0,
		       TQUIC_RX_CUR);
	KUNIT_EXPECT_EQ(test, tquic_phase_on_ack(&p->a.ph[0], &p->a.kr, 0, 0),
			0);
	KUNIT_EXPECT_EQ(test, tquic_phase_on_ack(&p->b.ph[0], &p->b.kr, 0, 0),
			0);
	KUNIT_EXPECT_EQ(test, tquic_keyring_update_tx(&p->a.kr), 0);
	KUNIT_EXPECT_EQ(test, tquic_keyring_update_tx(&p->b.kr), 0);
	pa = kr_send(test, &p->a, 0, 1);
	pb = kr_send(test, &p->b, 0, 1);
	KR_EXPECT_RECV(test, &p->b, pa, 0, TQUIC_RX_NEXT);
	KR_EXPECT_RECV(test, &p->a, pb, 0, TQUIC_RX_NEXT);
	KUNIT_EXPECT_EQ(test, kr_tx_gen(&p->a), 1U);
	KUNIT_EXPECT_EQ(test, kr_rx_gen(&p->a), 1U);
	KUNIT_EXPECT_EQ(test, kr_tx_gen(&p->b), 1U);
	KUNIT_EXPECT_EQ(test, kr_rx_gen(&p->b), 1U);
}

/* Starts an update of @a after packets 0 to 3 were sent on both paths; packet
 * 0 has arrived on both.
 */
static void update_begin(struct kunit *test, struct kr_pair *p,
			 struct kr_pkt *late[2])
{
	int path;

	for (path = 0; path < 2; path++) {
		KR_EXPECT_RECV(test, &p->b, kr_send(test, &p->a, path, 0), 0,
			       TQUIC_RX_CUR);
		late[path] = kr_send(test, &p->a, path, 1);
	}
	kr_send(test, &p->b, 0, 0);
	p->a.kr.tx_acked = true;
	KUNIT_ASSERT_EQ(test, tquic_keyring_update_tx(&p->a.kr), 0);
}

/* Old packets that were overtaken open, on every path, until old keys go. */
static void update_test_reordered(struct kunit *test)
{
	struct kr_pair *p = kr_pair(test);
	struct kr_pkt *late[2], *later;
	enum tquic_rx_gen which;

	update_begin(test, p, late);
	KR_EXPECT_RECV(test, &p->b, kr_send(test, &p->a, 0, 5), 0,
		       TQUIC_RX_NEXT);
	KUNIT_ASSERT_EQ(test, tquic_keyring_precompute(&p->b.kr), 0);
	/* path 0 has seen the new phase at 5; path 1 has not seen it */
	KR_EXPECT_RECV(test, &p->b, late[0], 0, TQUIC_RX_PREV);
	KR_EXPECT_RECV(test, &p->b, late[1], 0, TQUIC_RX_PREV);
	KR_EXPECT_RECV(test, &p->b, kr_send(test, &p->a, 1, 3), 0,
		       TQUIC_RX_CUR);
	KR_EXPECT_RECV(test, &p->b, kr_send(test, &p->a, 0, 4), 0,
		       TQUIC_RX_CUR);
	KUNIT_EXPECT_EQ(test, p->b.ph[0].rx_lowest_pn, 4ULL);
	KUNIT_EXPECT_EQ(test, p->b.ph[1].rx_lowest_pn, 3ULL);

	tquic_keyring_drop_prev(&p->b.kr);
	later = kunit_kzalloc(test, sizeof(*later), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, later);
	later->pn = 2;
	later->phase = false;
	/* too old: no keys, and not counted as a forgery */
	KUNIT_EXPECT_EQ(test, kr_recv(&p->b, later, &which), -ENOKEY);
	/* above what the new phase started with: can only be the next one */
	later->pn = 6;
	KUNIT_EXPECT_EQ(test, kr_recv(&p->b, later, &which), -EBADMSG);
	KUNIT_EXPECT_EQ(test, which, TQUIC_RX_NEXT);
	KUNIT_EXPECT_EQ(test, kr_rx_gen(&p->b), 1U);
}

/* A forged phase bit changes nothing. */
static void update_test_forged(struct kunit *test)
{
	struct kr_pair *p = kr_pair(test);
	struct kr_pkt *pkt = kr_send(test, &p->a, 0, 0);

	pkt->phase = true;
	KR_EXPECT_RECV(test, &p->b, pkt, -EBADMSG, TQUIC_RX_NEXT);
	KUNIT_EXPECT_EQ(test, kr_rx_gen(&p->b), 0U);
	KUNIT_EXPECT_EQ(test, kr_tx_gen(&p->b), 0U);
	KUNIT_EXPECT_FALSE(test, tquic_keyring_tx_behind(&p->b.kr));
	KUNIT_EXPECT_EQ(test, p->b.ph[0].rx_lowest_pn, TQUIC_PHASE_NO_PN);
}

/* Packets opened at the same time with the next keys commit once. */
static void update_test_commit_once(struct kunit *test)
{
	struct kr_pair *p = kr_pair(test);
	struct kr_pkt *late[2];

	KUNIT_EXPECT_EQ(test, tquic_keyring_rx_commit(&p->b.kr, 0), 0);
	update_begin(test, p, late);
	KUNIT_EXPECT_EQ(test, tquic_keyring_rx_commit(&p->b.kr, 1), 0);
	KUNIT_EXPECT_EQ(test, tquic_keyring_rx_commit(&p->b.kr, 1), 0);
	KUNIT_EXPECT_EQ(test, kr_rx_gen(&p->b), 1U);
	KUNIT_EXPECT_EQ(test, kr_tx_gen(&p->b), 0U);
	/* no next keys yet: nor can the peer be ahead of us by two */
	KUNIT_EXPECT_EQ(test, tquic_keyring_rx_commit(&p->b.kr, 2), -EAGAIN);
	KR_EXPECT_RECV(test, &p->b, late[0], 0, TQUIC_RX_PREV);
	tquic_keyring_discard(&p->b.kr, TQUIC_LEVEL_APP);
	KUNIT_EXPECT_EQ(test, tquic_keyring_rx_commit(&p->b.kr, 2), -EAGAIN);
}

/* The peer updates again before we sent anything it could have acked. */
static void update_test_too_fast(struct kunit *test)
{
	struct kr_pair *p = kr_pair(test);
	struct kr_pkt *late[2], *pkt;
	enum tquic_rx_gen which;

	update_begin(test, p, late);
	KR_EXPECT_RECV(test, &p->b, kr_send(test, &p->a, 0, 2), 0,
		       TQUIC_RX_NEXT);
	KUNIT_ASSERT_EQ(test, tquic_keyring_precompute(&p->b.kr), 0);
	KUNIT_ASSERT_EQ(test, tquic_keyring_precompute(&p->a.kr), 0);
	/* a misbehaves: pretends that b followed */
	KUNIT_ASSERT_EQ(test, tquic_keyring_rx_commit(&p->a.kr, 1), 0);
	KUNIT_ASSERT_EQ(test, tquic_keyring_precompute(&p->a.kr), 0);
	p->a.kr.tx_acked = true;
	KUNIT_ASSERT_EQ(test, tquic_keyring_update_tx(&p->a.kr), 0);
	pkt = kr_send(test, &p->a, 0, 3);
	KUNIT_EXPECT_EQ(test, kr_recv(&p->b, pkt, &which),
			TQUIC_ERR_KEY_UPDATE);
	KUNIT_EXPECT_EQ(test, which, TQUIC_RX_NEXT);
	KUNIT_EXPECT_EQ(test, kr_rx_gen(&p->b), 1U);
}

static void update_test_order(struct kunit *test)
{
	struct kr_pair *p = kr_pair(test);
	struct kr_pkt *late[2];

	/* without the next keys no update starts */
	tquic_keyring_discard(&p->b.kr, TQUIC_LEVEL_APP);
	KUNIT_EXPECT_EQ(test, tquic_keyring_update_tx(&p->b.kr), -EBUSY);
	KUNIT_EXPECT_FALSE(test, tquic_keyring_update_due(&p->b.kr));

	p = kr_pair(test);
	update_begin(test, p, late);
	KR_EXPECT_RECV(test, &p->b, kr_send(test, &p->a, 0, 2), 0,
		       TQUIC_RX_NEXT);
	p->b.kr.tx_acked = true;
	KUNIT_EXPECT_EQ(test, tquic_keyring_update_tx(&p->b.kr), -EBUSY);
	KUNIT_EXPECT_EQ(test, tquic_keyring_precompute(&p->b.kr), 0);
	KR_EXPECT_RECV(test, &p->a, kr_send(test, &p->b, 0, 1), 0,
		       TQUIC_RX_NEXT);
	p->a.kr.tx_acked = true;
	KUNIT_EXPECT_EQ(test, tquic_keyring_update_tx(&p->a.kr), -EAGAIN);
	KUNIT_EXPECT_EQ(test, tquic_keyring_precompute(&p->a.kr), 0);
	KUNIT_EXPECT_EQ(test, tquic_keyring_update_tx(&p->a.kr), 0);
	KUNIT_EXPECT_FALSE(test, p->a.kr.tx_acked);
}

static void update_test_due(struct kunit *test)
{
	struct kr_pair *p = kr_pair(test);
	struct tquic_keys *keys = tquic_keyring_tx(&p->a.kr, TQUIC_LEVEL_APP);

	KUNIT_EXPECT_FALSE(test, tquic_keyring_update_due(&p->a.kr));
	atomic64_set(&keys->sealed, 1LL << 23);
	KUNIT_EXPECT_TRUE(test, tquic_keyring_update_due(&p->a.kr));
	p->a.kr.tx_acked = true;
	KUNIT_EXPECT_EQ(test, tquic_keyring_update_tx(&p->a.kr), 0);
	KUNIT_EXPECT_FALSE(test, tquic_keyring_update_due(&p->a.kr));
}

struct kr_reader {
	struct kr_end *e;
	struct task_struct *task;
	struct completion begun;
	unsigned long wrong;
};

static int kr_reader_run(void *arg)
{
	struct kr_reader *r = arg;
	enum tquic_rx_gen which;
	struct tquic_keys *keys;
	bool phase = false;

	while (!kthread_should_stop()) {
		phase = !phase;
		keys = tquic_keyring_rx_select(&r->e->kr, phase, 0,
					       &r->e->ph[0], &which);
		if (keys) {
			complete(&r->begun);
			r->wrong += tquic_keys_phase(keys) != phase;
			tquic_keys_put(keys);
		}
		cond_resched();
	}
	return 0;
}

/* Readers see matching keys or none while generations come and go. */
static void update_test_concurrent(struct kunit *test)
{
	struct kr_pair *p = kr_pair(test);
	struct kr_reader *r;
	u32 gen;

	r = kunit_kzalloc(test, sizeof(*r), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, r);
	init_completion(&r->begun);
	r->e = &p->b;
	r->task = kthread_run(kr_reader_run, r, "tquic_reader");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, r->task);
	KUNIT_EXPECT_GT(test, wait_for_completion_timeout(&r->begun, 60 * HZ), 0UL);
	for (gen = 1; gen <= 200; gen++) {
		atomic64_set(&tquic_keyring_tx(&p->b.kr,
					       TQUIC_LEVEL_APP)->sealed, 1);
		KUNIT_EXPECT_EQ(test, tquic_keyring_rx_commit(&p->b.kr, gen),
				0);
		KUNIT_EXPECT_EQ(test, tquic_keyring_precompute(&p->b.kr), 0);
		if (gen & 1)
			tquic_keyring_drop_prev(&p->b.kr);
		cond_resched();
	}
	tquic_keyring_discard(&p->b.kr, TQUIC_LEVEL_APP);
	kthread_stop(r->task);
	KUNIT_EXPECT_EQ(test, r->wrong, 0UL);
}

static struct kunit_case level_cases[] = {
	KUNIT_CASE(level_test_initial),
	KUNIT_CASE(level_test_upgrade),
	KUNIT_CASE(level_test_install),
	KUNIT_CASE(level_test_failures),
	{}
};

static struct kunit_suite level_suite = {
	.name = "tquic_keyring_levels",
	.test_cases = level_cases,
};

static struct kunit_case update_cases[] = {
	KUNIT_CASE(update_test_rounds),
	KUNIT_CASE(update_test_simultaneous),
	KUNIT_CASE(update_test_reordered),
	KUNIT_CASE(update_test_forged),
	KUNIT_CASE(update_test_commit_once),
	KUNIT_CASE(update_test_too_fast),
	KUNIT_CASE(update_test_order),
	KUNIT_CASE(update_test_due),
	KUNIT_CASE(update_test_concurrent),
	{}
};

static struct kunit_suite update_suite = {
	.name = "tquic_key_update",
	.test_cases = update_cases,
};

kunit_test_suites(&level_suite, &update_suite);
