// SPDX-License-Identifier: GPL-2.0
/* Header protection: RFC 9001 §5.4. */
#include <crypto/aes.h>
#include <crypto/chacha.h>
#include <linux/err.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/unaligned.h>

#include "core/proto.h"
#include "crypto/hp.h"
#include "crypto/keys.h"

/**
 * struct tquic_hp - header protection key
 * @ref: key generations that share it
 * @kind: which cipher
 * @aes: expanded AES key
 * @chacha: ChaCha20 key, as state words
 */
struct tquic_hp {
	refcount_t ref;
	enum tquic_hp_kind kind;
	union {
		struct crypto_aes_ctx aes;
		u32 chacha[CHACHA_KEY_SIZE / sizeof(u32)];
	};
};

/**
 * tquic_hp_create() - make a header protection key
 * @suite: cipher suite
 * @key: the key, @suite->key_len bytes
 *
 * Context: process, may sleep.
 * Return: an object with one reference, or an ERR_PTR.
 */
struct tquic_hp *tquic_hp_create(const struct tquic_suite *suite,
				 const u8 *key)
{
	struct tquic_hp *hp;
	size_t i;
	int err;

	hp = kzalloc(sizeof(*hp), GFP_KERNEL);
	if (!hp)
		return ERR_PTR(-ENOMEM);
	refcount_set(&hp->ref, 1);
	hp->kind = suite->hp;
	if (hp->kind == TQUIC_HP_AES) {
		err = aes_expandkey(&hp->aes, key, suite->key_len);
		if (err) {
			kfree_sensitive(hp);
			return ERR_PTR(err);
		}
	} else {
		for (i = 0; i < ARRAY_SIZE(hp->chacha); i++)
			hp->chacha[i] = get_unaligned_le32(key + 4 * i);
	}
	return hp;
}

/**
 * tquic_hp_get() - share a header protection key
 * @hp: object the caller holds a reference to
 *
 * Return: @hp with one more reference.
 */
struct tquic_hp *tquic_hp_get(struct tquic_hp *hp)
{
	refcount_inc(&hp->ref);
	return hp;
}

/**
 * tquic_hp_put() - drop a reference
 * @hp: object
 */
void tquic_hp_put(struct tquic_hp *hp)
{
	if (refcount_dec_and_test(&hp->ref))
		kfree_sensitive(hp);
}

static void tquic_hp_mask_chacha(const struct tquic_hp *hp, const u8 *sample,
				 u8 mask[TQUIC_HP_MASK_LEN])
{
	u8 stream[CHACHA_BLOCK_SIZE];
	struct chacha_state state;

	/* the sample is counter and nonce, in the order of the state */
	chacha_init(&state, hp->chacha, sample);
	chacha20_block(&state, stream);
	memcpy(mask, stream, TQUIC_HP_MASK_LEN);
	memzero_explicit(&state, sizeof(state));
	memzero_explicit(stream, sizeof(stream));
}

/**
 * tquic_hp_mask() - mask for a sample of ciphertext
 * @hp: header protection key
 * @sample: %TQUIC_HP_SAMPLE_LEN bytes
 * @mask: result; byte 0 for the first byte, the others for the packet number
 *
 * Context: any.
 */
void tquic_hp_mask(const struct tquic_hp *hp, const u8 *sample,
		   u8 mask[TQUIC_HP_MASK_LEN])
{
	u8 block[AES_BLOCK_SIZE];

	if (hp->kind == TQUIC_HP_CHACHA20) {
		tquic_hp_mask_chacha(hp, sample, mask);
		return;
	}
	aes_encrypt(&hp->aes, block, sample);
	memcpy(mask, block, TQUIC_HP_MASK_LEN);
}

static u8 tquic_hp_first_bits(u8 first)
{
	return first & TQUIC_HDR_LONG ? TQUIC_HDR_LONG_PROTECTED :
					TQUIC_HDR_SHORT_PROTECTED;
}

/**
 * tquic_pkt_unprotect() - remove header protection in place
 * @keys: keys of the packet's level; any generation
 * @pkt: the packet
 * @pkt_len: its bytes, tag included
 * @pn_off: where the packet number starts
 * @first: plain first byte
 * @trunc_pn: truncated packet number
 * @pn_len: bytes of the packet number, 1 to 4
 *
 * The packet is not authentic yet. When it succeeds, the packet holds
 * @pn_off + @pn_len bytes of header and at least a tag after it.
 *
 * Context: any.
 * Return: 0, or -EBADMSG if the packet is too short for a sample.
 */
int tquic_pkt_unprotect(const struct tquic_keys *keys, u8 *pkt, u32 pkt_len,
			u32 pn_off, u8 *first, u64 *trunc_pn, u8 *pn_len)
{
	u8 mask[TQUIC_HP_MASK_LEN];
	u64 pn = 0;
	u8 i, n;

	if (!pn_off || pn_off > pkt_len ||
	    pkt_len - pn_off < TQUIC_PN_MAX_LEN + TQUIC_HP_SAMPLE_LEN)
		return -EBADMSG;

	tquic_hp_mask(keys->hp, pkt + pn_off + TQUIC_PN_MAX_LEN, mask);
	pkt[0] ^= mask[0] & tquic_hp_first_bits(pkt[0]);
	n = (pkt[0] & TQUIC_HDR_PN_LEN_MASK) + 1;
	for (i = 0; i < n; i++) {
		pkt[pn_off + i] ^= mask[1 + i];
		pn = pn << 8 | pkt[pn_off + i];
	}
	*first = pkt[0];
	*trunc_pn = pn;
	*pn_len = n;
	return 0;
}

/**
 * tquic_pkt_protect() - apply header protection in place
 * @keys: keys the packet was sealed with
 * @pkt: the sealed packet
 * @pkt_len: its bytes, tag included
 * @pn_off: where the packet number starts
 * @pn_len: bytes of the packet number, 1 to 4
 *
 * Context: any.
 * Return: 0, or -EINVAL if the packet is too short for a sample: packet number
 * and plaintext have to make 4 bytes together (RFC 9001 §5.4.2).
 */
int tquic_pkt_protect(const struct tquic_keys *keys, u8 *pkt, u32 pkt_len,
		      u32 pn_off, u8 pn_len)
{
	u8 mask[TQUIC_HP_MASK_LEN];
	u8 i;

	if (!pn_off || pn_off > pkt_len || pn_len > TQUIC_PN_MAX_LEN ||
	    pkt_len - pn_off < TQUIC_PN_MAX_LEN + TQUIC_HP_SAMPLE_LEN)
		return -EINVAL;

	tquic_hp_mask(keys->hp, pkt + pn_off + TQUIC_PN_MAX_LEN, mask);
	pkt[0] ^= mask[0] & tquic_hp_first_bits(pkt[0]);
	for (i = 0; i < pn_len; i++)
		pkt[pn_off + i] ^= mask[1 + i];
	return 0;
}
