// SPDX-License-Identifier: GPL-2.0
/* Key phases of one packet number space. */
#include "core/proto.h"
#include "crypto/keyring.h"
#include "test/crypto_test.h"

static void phase_test_rx(struct kunit *test)
{
	struct tquic_phase ph;

	tquic_phase_init(&ph);
	KUNIT_EXPECT_EQ(test, ph.rx_lowest_pn, TQUIC_PHASE_NO_PN);
	KUNIT_EXPECT_EQ(test, tquic_phase_on_rx(&ph, 0, 7), 0);
	KUNIT_EXPECT_EQ(test, tquic_phase_on_rx(&ph, 0, 9), 0);
	KUNIT_EXPECT_EQ(test, ph.rx_lowest_pn, 7ULL);
	KUNIT_EXPECT_EQ(test, tquic_phase_on_rx(&ph, 0, 3), 0);
	KUNIT_EXPECT_EQ(test, ph.rx_lowest_pn, 3ULL);
	/* a new phase starts anew */
	KUNIT_EXPECT_EQ(test, tquic_phase_on_rx(&ph, 1, 20), 0);
	KUNIT_EXPECT_EQ(test, ph.rx_gen, 1U);
	KUNIT_EXPECT_EQ(test, ph.rx_lowest_pn, 20ULL);
	/* overtaken packets are fine, also after the new phase went lower */
	KUNIT_EXPECT_EQ(test, tquic_phase_on_rx(&ph, 0, 19), 0);
	KUNIT_EXPECT_EQ(test, tquic_phase_on_rx(&ph, 1, 15), 0);
	KUNIT_EXPECT_EQ(test, ph.rx_lowest_pn, 15ULL);
	KUNIT_EXPECT_EQ(test, tquic_phase_on_rx(&ph, 0, 14), 0);
	KUNIT_EXPECT_EQ(test, ph.rx_gen, 1U);
	KUNIT_EXPECT_EQ(test, ph.rx_lowest_pn, 15ULL);
	/* RFC 9001 §6.4: old keys for a higher number */
	KUNIT_EXPECT_EQ(test, tquic_phase_on_rx(&ph, 0, 16),
			TQUIC_ERR_KEY_UPDATE);
}

/* A path whose first packet comes after several updates. */
static void phase_test_late_path(struct kunit *test)
{
	struct tquic_phase ph;

	tquic_phase_init(&ph);
	KUNIT_EXPECT_EQ(test, tquic_phase_on_rx(&ph, 4, 0), 0);
	KUNIT_EXPECT_EQ(test, ph.rx_gen, 4U);
	KUNIT_EXPECT_EQ(test, ph.rx_lowest_pn, 0ULL);
	KUNIT_EXPECT_EQ(test, tquic_phase_on_rx(&ph, 3, 1),
			TQUIC_ERR_KEY_UPDATE);
}

static void phase_test_tx(struct kunit *test)
{
	struct tquic_phase ph;

	tquic_phase_init(&ph);
	KUNIT_EXPECT_EQ(test, ph.tx_first_pn, TQUIC_PHASE_NO_PN);
	tquic_phase_on_tx(&ph, 0, 4);
	tquic_phase_on_tx(&ph, 0, 5);
	KUNIT_EXPECT_EQ(test, ph.tx_first_pn, 4ULL);
	tquic_phase_on_tx(&ph, 1, 6);
	tquic_phase_on_tx(&ph, 1, 7);
	KUNIT_EXPECT_EQ(test, ph.tx_gen, 1U);
	KUNIT_EXPECT_EQ(test, ph.tx_first_pn, 6ULL);
}

static void phase_test_ack(struct kunit *test)
{
	struct tquic_keyring kr;
	struct tquic_keys *keys;
	struct tquic_phase ph;

	tquic_phase_init(&ph);
	tquic_keyring_init(&kr);
	keys = tquic_test_keys(test, TQUIC_SUITE_AES_128_GCM, TQUIC_VERSION_1,
			       TQUIC_TEST_SECRET);
	keys = tquic_keys_next(keys);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, keys);
	RCU_INIT_POINTER(kr.level[TQUIC_LEVEL_APP].tx, keys);

	/* nothing was sent */
	KUNIT_EXPECT_EQ(test, tquic_phase_on_ack(&ph, &kr, 5, 0), 0);
	KUNIT_EXPECT_FALSE(test, kr.tx_acked);
	/* old packets say nothing of the current phase */
	tquic_phase_on_tx(&ph, 0, 0);
	KUNIT_EXPECT_EQ(test, tquic_phase_on_ack(&ph, &kr, 5, 0), 0);
	KUNIT_EXPECT_FALSE(test, kr.tx_acked);
	tquic_phase_on_tx(&ph, 1, 6);
	KUNIT_EXPECT_EQ(test, tquic_phase_on_ack(&ph, &kr, 5, 0), 0);
	KUNIT_EXPECT_FALSE(test, kr.tx_acked);
	/* RFC 9001 §6.2: new keys acknowledged under old ones */
	KUNIT_EXPECT_EQ(test, tquic_phase_on_ack(&ph, &kr, 6, 0),
			TQUIC_ERR_KEY_UPDATE);
	KUNIT_EXPECT_FALSE(test, kr.tx_acked);
	KUNIT_EXPECT_EQ(test, tquic_phase_on_ack(&ph, &kr, 6, 1), 0);
	KUNIT_EXPECT_TRUE(test, kr.tx_acked);
	tquic_keyring_destroy(&kr);
}

static struct kunit_case phase_cases[] = {
	KUNIT_CASE(phase_test_rx),
	KUNIT_CASE(phase_test_late_path),
	KUNIT_CASE(phase_test_tx),
	KUNIT_CASE(phase_test_ack),
	{}
};

static struct kunit_suite phase_suite = {
	.name = "tquic_key_phase",
	.test_cases = phase_cases,
};

kunit_test_suites(&phase_suite);
