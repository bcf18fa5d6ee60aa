/* SPDX-License-Identifier: GPL-2.0 */
/* Which connection a connection ID belongs to, per network namespace. */
#ifndef TQUIC_CIDTAB_H
#define TQUIC_CIDTAB_H

#include <linux/rhashtable-types.h>
#include <linux/types.h>
#include "core/proto.h"

/**
 * enum tquic_cid_kind - name spaces of the table
 * @TQUIC_CID_LOCAL: issued by us
 * @TQUIC_CID_INITIAL: destination ID that a client chose for its first flight,
 *	so that repeated Initial and 0-RTT packets find the connection
 * @TQUIC_CID_TUPLE: no ID but a port of ours and an address of the peer, see
 *	tquic_link_tuple(), so that a stateless reset finds the connection
 */
enum tquic_cid_kind {
	TQUIC_CID_LOCAL,
	TQUIC_CID_INITIAL,
	TQUIC_CID_TUPLE,
};

/* The bytes behind cid.len are zero. */
struct tquic_cid_key {
	u8 kind;
	struct tquic_cid cid;
};

/**
 * struct tquic_cid_entry - one connection ID in use
 * @node: link in the hash table
 * @owner: the connection's socket; the entry holds no reference on it
 * @path_id: RFC 10069 path the ID belongs to
 * @key: name space and ID
 * @rcu: for freeing
 *
 * Everything is constant from add to del. A reader under rcu_read_lock() may
 * follow @owner only if the owner deletes its entries before its last
 * reference goes and is itself freed after an RCU grace period
 * (SOCK_RCU_FREE); it takes its reference with refcount_inc_not_zero().
 */
struct tquic_cid_entry {
	struct rhash_head node;
	void *owner;
	u32 path_id;
	struct tquic_cid_key key;
	struct rcu_head rcu;
};

/**
 * struct tquic_cidtab - table of one network namespace
 * @ht: resizable hash table keyed by a secret siphash
 */
struct tquic_cidtab {
	struct rhashtable ht;
};

int tquic_cidtab_init(struct tquic_cidtab *tab);
void tquic_cidtab_destroy(struct tquic_cidtab *tab);
int tquic_cidtab_add(struct tquic_cidtab *tab, enum tquic_cid_kind kind,
		     const struct tquic_cid *cid, void *owner, u32 path_id,
		     gfp_t gfp);
bool tquic_cidtab_del(struct tquic_cidtab *tab, enum tquic_cid_kind kind,
		      const struct tquic_cid *cid, const void *owner);
const struct tquic_cid_entry *tquic_cidtab_lookup(struct tquic_cidtab *tab,
						  enum tquic_cid_kind kind,
						  const struct tquic_cid *cid);
const struct tquic_cid_entry *tquic_cidtab_lookup_bytes(struct tquic_cidtab *tab,
							enum tquic_cid_kind kind,
							const u8 *id, u8 len);
void tquic_cid_generate(struct tquic_cid *cid);

#endif /* TQUIC_CIDTAB_H */
