// SPDX-License-Identifier: GPL-2.0
/* Sealing and opening packets in place. */
#include <crypto/aead.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/unaligned.h>

#include "core/proto.h"
#include "crypto/hp.h"
#include "crypto/seal.h"

/**
 * struct tquic_aead_op - one operation, freed when it ends
 * @keys: reference held while it runs
 * @done: whom to tell if it ends later
 * @arg: for @done
 * @pkt: the packet
 * @pkt_len: its bytes, tag included
 * @hdr_len: bytes of header with packet number
 * @seal: the header is to be protected when the rest is sealed
 * @sg: the packet
 * @iv: nonce
 * @req: request; the transform's context follows it
 */
struct tquic_aead_op {
	struct tquic_keys *keys;
	tquic_aead_done_t done;
	void *arg;
	u8 *pkt;
	u32 pkt_len;
	u32 hdr_len;
	bool seal;
	struct scatterlist sg;
	u8 iv[TQUIC_IV_LEN] __aligned(8);
	struct aead_request req;
};

/**
 * tquic_aead_nonce() - nonce of a packet
 * @keys: keys
 * @path_id: path id; 0 unless multipath is in use and the packet is 1-RTT
 * @pn: full packet number
 * @nonce: result
 *
 * Path id and packet number are mixed into the IV (RFC 10069 §2.4); on path 0
 * this is the nonce of RFC 9001 §5.3.
 */
void tquic_aead_nonce(const struct tquic_keys *keys, u32 path_id, u64 pn,
		      u8 nonce[TQUIC_IV_LEN])
{
	put_unaligned_be32(get_unaligned_be32(keys->iv) ^ path_id, nonce);
	put_unaligned_be64(get_unaligned_be64(keys->iv + 4) ^ pn, nonce + 4);
}

/* What is left to do when the cipher is through; returns the final result */
static int tquic_aead_end(struct tquic_aead_op *op, int err)
{
	u8 pn_len;

	if (!err && op->seal) {
		pn_len = (op->pkt[0] & TQUIC_HDR_PN_LEN_MASK) + 1;
		err = tquic_pkt_protect(op->keys, op->pkt, op->pkt_len,
					op->hdr_len - pn_len, pn_len);
	}
	tquic_keys_put(op->keys);
	kfree(op);
	return err;
}

/* Called by asynchronous transforms only. */
static void tquic_aead_complete(void *data, int err)
{
	struct tquic_aead_op *op = data;
	tquic_aead_done_t done = op->done;
	void *arg = op->arg;

	/* a notice that a backlogged request starts, not an end */
	if (err == -EINPROGRESS)
		return;
	err = tquic_aead_end(op, err);
	done(arg, err);
}

static struct tquic_aead_op *
tquic_aead_begin(struct tquic_keys *keys, u32 path_id, u64 pn, u8 *pkt,
		 u32 pkt_len, u32 hdr_len, u32 crypt_len)
{
	struct tquic_aead_op *op;

	op = kmalloc(sizeof(*op) + crypto_aead_reqsize(keys->aead),
		     GFP_ATOMIC);
	if (!op)
		return NULL;
	refcount_inc(&keys->ref);
	op->keys = keys;
	op->pkt = pkt;
	op->pkt_len = pkt_len;
	op->hdr_len = hdr_len;
	tquic_aead_nonce(keys, path_id, pn, op->iv);
	sg_init_one(&op->sg, pkt, pkt_len);
	aead_request_set_tfm(&op->req, keys->aead);
	aead_request_set_ad(&op->req, hdr_len);
	aead_request_set_crypt(&op->req, &op->sg, &op->sg, crypt_len, op->iv);
	aead_request_set_callback(&op->req, 0, tquic_aead_complete, op);
	return op;
}

/* A full queue has not taken the request: nobody will complete it. */
static int tquic_aead_result(struct tquic_aead_op *op, int err)
{
	if (err == -EINPROGRESS)
		return err;
	err = tquic_aead_end(op, err);
	return err == -ENOSPC ? -EBUSY : err;
}

/**
 * tquic_aead_open() - authenticate and decrypt a packet in place
 * @keys: receive keys, the caller holds a reference
 * @path_id: path id; 0 unless multipath is in use and the packet is 1-RTT
 * @pn: full packet number
 * @pkt: the packet, header protection removed; in the kernel's linear mapping
 * @hdr_len: bytes of header with packet number
 * @pkt_len: bytes of the packet, tag included
 * @done: told the result if this returns -EINPROGRESS
 * @arg: for @done
 *
 * The plaintext is @pkt_len - @hdr_len - %TQUIC_AEAD_TAG_LEN bytes. After a
 * failure the bytes behind the header are undefined.
 *
 * Context: any; @done may run before this has returned -EINPROGRESS.
 * Return: 0, -EBADMSG if the packet is not authentic, -EINPROGRESS, -EBUSY or
 * -ENOMEM if it could not be tried.
 */
int tquic_aead_open(struct tquic_keys *keys, u32 path_id, u64 pn, u8 *pkt,
		    u32 hdr_len, u32 pkt_len, tquic_aead_done_t done,
		    void *arg)
{
	struct tquic_aead_op *op;

	if (hdr_len > pkt_len || pkt_len - hdr_len < TQUIC_AEAD_TAG_LEN)
		return -EBADMSG;
	op = tquic_aead_begin(keys, path_id, pn, pkt, pkt_len, hdr_len,
			      pkt_len - hdr_len);
	if (!op)
		return -ENOMEM;
	op->seal = false;
	op->done = done;
	op->arg = arg;
	return tquic_aead_result(op, crypto_aead_decrypt(&op->req));
}

/**
 * tquic_pkt_seal() - encrypt a packet in place, append the tag, protect the header
 * @keys: send keys, the caller holds a reference or the connection lock
 * @path_id: path id; 0 unless multipath is in use and the packet is 1-RTT
 * @pn: full packet number, never used before with these keys and path
 * @pkt: the packet, with %TQUIC_AEAD_TAG_LEN bytes of room behind it; in the
 *	kernel's linear mapping
 * @hdr_len: bytes of header; the packet number is the last of it
 * @plain_len: bytes of plaintext; with the packet number 4 at least (RFC 9001
 *	§5.4.2)
 * @done: told the result if this returns -EINPROGRESS
 * @arg: for @done
 *
 * Context: any; @done may run before this has returned -EINPROGRESS.
 * Return: 0, -EINPROGRESS, -EKEYEXPIRED at the confidentiality limit (RFC 9001
 * §6.6), -EINVAL for a packet too short, -EBUSY or -ENOMEM if it could not be
 * tried, or another errno.
 */
int tquic_pkt_seal(struct tquic_keys *keys, u32 path_id, u64 pn, u8 *pkt,
		   u32 hdr_len, u32 plain_len, tquic_aead_done_t done, void *arg)
{
	struct tquic_aead_op *op;

	if ((u64)atomic64_inc_return(&keys->sealed) > keys->suite->seal_limit) {
		atomic64_dec(&keys->sealed);
		return -EKEYEXPIRED;
	}
	op = tquic_aead_begin(keys, path_id, pn, pkt,
			      hdr_len + plain_len + TQUIC_AEAD_TAG_LEN,
			      hdr_len, plain_len);
	if (!op)
		return -ENOMEM;
	op->seal = true;
	op->done = done;
	op->arg = arg;
	return tquic_aead_result(op, crypto_aead_encrypt(&op->req));
}
