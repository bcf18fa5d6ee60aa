// SPDX-License-Identifier: GPL-2.0
/* Integrity tag of Retry packets: RFC 9001 §5.8. */
#include <crypto/aead.h>
#include <crypto/utils.h>
#include <linux/err.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "crypto/retry.h"
#include "crypto/suite.h"

/* One keyed transform per version: the keys are constants. */
static struct crypto_aead *tquic_retry_aead[TQUIC_VERSION_COUNT];

/**
 * tquic_retry_init() - prepare the keys of all versions
 *
 * Context: process, may sleep; once per module load.
 * Return: 0 or a negative errno.
 */
int tquic_retry_init(void)
{
	struct crypto_aead *aead;
	int err, i;

	for (i = 0; i < TQUIC_VERSION_COUNT; i++) {
		aead = crypto_alloc_aead("gcm(aes)", 0, 0);
		if (IS_ERR(aead)) {
			err = PTR_ERR(aead);
			goto err_free;
		}
		tquic_retry_aead[i] = aead;
		err = crypto_aead_setkey(aead, tquic_versions[i].retry_key,
					 TQUIC_RETRY_KEY_LEN);
		if (!err)
			err = crypto_aead_setauthsize(aead,
						      TQUIC_RETRY_TAG_LEN);
		if (err)
			goto err_free;
	}
	return 0;

err_free:
	tquic_retry_exit();
	return err;
}

/**
 * tquic_retry_exit() - free what tquic_retry_init() made
 *
 * Context: process, may sleep.
 */
void tquic_retry_exit(void)
{
	int i;

	for (i = 0; i < TQUIC_VERSION_COUNT; i++) {
		crypto_free_aead(tquic_retry_aead[i]);
		tquic_retry_aead[i] = NULL;
	}
}

/* Tag of an empty plaintext, with @len bytes in @buf as associated data. */
static int tquic_retry_seal(const struct tquic_version *v, u8 *buf, size_t len)
{
	struct crypto_aead *aead = tquic_retry_aead[v - tquic_versions];
	struct aead_request *req;
	struct scatterlist sg;
	DECLARE_CRYPTO_WAIT(wait);
	u8 *nonce;
	int err;

	req = aead_request_alloc(aead, GFP_KERNEL);
	if (!req)
		return -ENOMEM;
	nonce = kmemdup(v->retry_nonce, TQUIC_RETRY_NONCE_LEN, GFP_KERNEL);
	if (!nonce) {
		aead_request_free(req);
		return -ENOMEM;
	}
	sg_init_one(&sg, buf, len + TQUIC_RETRY_TAG_LEN);
	aead_request_set_callback(req, CRYPTO_TFM_REQ_MAY_BACKLOG |
				  CRYPTO_TFM_REQ_MAY_SLEEP, crypto_req_done,
				  &wait);
	aead_request_set_ad(req, len);
	aead_request_set_crypt(req, &sg, &sg, 0, nonce);
	err = crypto_wait_req(crypto_aead_encrypt(req), &wait);
	kfree(nonce);
	aead_request_free(req);
	return err;
}

/**
 * tquic_retry_tag() - compute the tag of a Retry packet
 * @v: version of the packet, an element of tquic_versions
 * @odcid: DCID of the Initial that the Retry answers
 * @pkt: the packet without its tag
 * @len: bytes of @pkt
 * @tag: result
 *
 * Context: process, may sleep.
 * Return: 0, -EINVAL if @len is out of range, or another errno.
 */
int tquic_retry_tag(const struct tquic_version *v,
		    const struct tquic_cid *odcid, const u8 *pkt, size_t len,
		    u8 tag[TQUIC_RETRY_TAG_LEN])
{
	size_t ad_len = 1 + odcid->len + len;
	u8 *buf;
	int err;

	if (len > TQUIC_MAX_UDP_PAYLOAD || odcid->len > TQUIC_CID_MAX_LEN)
		return -EINVAL;
	buf = kmalloc(ad_len + TQUIC_RETRY_TAG_LEN, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	buf[0] = odcid->len;
	memcpy(buf + 1, odcid->id, odcid->len);
	memcpy(buf + 1 + odcid->len, pkt, len);
	err = tquic_retry_seal(v, buf, ad_len);
	if (!err)
		memcpy(tag, buf + ad_len, TQUIC_RETRY_TAG_LEN);
	kfree(buf);
	return err;
}

/**
 * tquic_retry_check() - verify the tag of a received Retry packet
 * @v: version of the packet, an element of tquic_versions
 * @odcid: DCID of the Initial that the Retry answers
 * @pkt: the packet with its tag
 * @len: bytes of @pkt
 *
 * Context: process, may sleep.
 * Return: 0, -EBADMSG if the tag is missing or wrong, or another errno.
 */
int tquic_retry_check(const struct tquic_version *v,
		      const struct tquic_cid *odcid, const u8 *pkt,
		      size_t len)
{
	u8 tag[TQUIC_RETRY_TAG_LEN];
	int err;

	if (len < TQUIC_RETRY_TAG_LEN)
		return -EBADMSG;
	len -= TQUIC_RETRY_TAG_LEN;
	err = tquic_retry_tag(v, odcid, pkt, len, tag);
	if (err)
		return err;
	return crypto_memneq(tag, pkt + len, sizeof(tag)) ? -EBADMSG : 0;
}
