// SPDX-License-Identifier: GPL-2.0
/*
 * Schedulers in BPF: a struct_ops type, and kfuncs to look at paths
 *
 * A program sees connections and paths as they are and changes nothing itself: the
 * verifier lets it read, and what it may write, its own area and the wish for a
 * copy, goes through kfuncs.  It is asked under the connection lock.
 *
 * Connections hold a struct tquic_bpf_sched, which outlives the program: when that
 * is taken away they go on as with minrtt until they are given another scheduler.
 */
#include <linux/bits.h>
#include <linux/bpf.h>
#include <linux/bpf_verifier.h>
#include <linux/btf.h>
#include <linux/btf_ids.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include "core/conn.h"
#include "core/path.h"
#include "sched/sched.h"
#include "tquic_bpf.h"

/**
 * struct tquic_bpf_sched - a scheduler whose decisions a program takes
 * @sched: as the engine sees it
 * @ops: the program, NULL when it is gone
 * @list: in tquic_bpf_scheds while the program is there
 */
struct tquic_bpf_sched {
	struct tquic_sched sched;
	const struct tquic_sched_ops __rcu *ops;
	struct list_head list;
};

static LIST_HEAD(tquic_bpf_scheds);
static DEFINE_MUTEX(tquic_bpf_lock);

/* The state of an iterator, in the program's stack */
struct tquic_bpf_iter {
	struct tquic_conn *conn;
	u16 left;
};

__bpf_kfunc_start_defs();

/**
 * bpf_iter_tquic_path_new() - begin to walk the paths that may be chosen
 * @it: iterator
 * @conn: connection
 *
 * Return: 0.
 */
__bpf_kfunc int bpf_iter_tquic_path_new(struct bpf_iter_tquic_path *it,
					struct tquic_conn *conn)
{
	struct tquic_bpf_iter *i = (struct tquic_bpf_iter *)it;

	BUILD_BUG_ON(sizeof(struct tquic_bpf_iter) > sizeof(struct bpf_iter_tquic_path));
	BUILD_BUG_ON(__alignof__(struct tquic_bpf_iter) > __alignof__(struct bpf_iter_tquic_path));
	i->conn = conn;
	i->left = tquic_sched_candidates(conn);
	return 0;
}

/**
 * bpf_iter_tquic_path_next() - go on to the next path
 * @it: iterator
 *
 * Return: path, NULL behind the last one.
 */
__bpf_kfunc struct tquic_path *bpf_iter_tquic_path_next(struct bpf_iter_tquic_path *it)
{
	struct tquic_bpf_iter *i = (struct tquic_bpf_iter *)it;
	unsigned int slot;

	if (!i->left)
		return NULL;
	slot = __ffs(i->left);
	i->left &= ~BIT(slot);
	return tquic_conn_path(i->conn, slot);
}

/**
 * bpf_iter_tquic_path_destroy() - end the walk
 * @it: iterator
 */
__bpf_kfunc void bpf_iter_tquic_path_destroy(struct bpf_iter_tquic_path *it)
{
}

/**
 * bpf_tquic_path_slot() - the answer that chooses a path
 * @path: path
 */
__bpf_kfunc s32 bpf_tquic_path_slot(struct tquic_path *path)
{
	return path->index;
}

/**
 * bpf_tquic_path_id() - number of a path as both ends and all tools know it
 * @path: path
 */
__bpf_kfunc u32 bpf_tquic_path_id(struct tquic_path *path)
{
	return path->id;
}

/**
 * bpf_tquic_path_weight() - weight that the operator gave a path
 * @path: path
 *
 * Return: 1 to 1000, 0: none was given.
 */
__bpf_kfunc u32 bpf_tquic_path_weight(struct tquic_path *path)
{
	return path->weight;
}

/**
 * bpf_tquic_path_srtt_ns() - smoothed round trip time
 * @path: path
 */
__bpf_kfunc u64 bpf_tquic_path_srtt_ns(struct tquic_path *path)
{
	return path->rtt.srtt_ns;
}

/**
 * bpf_tquic_path_room_bytes() - what the congestion window still takes
 * @path: path
 *
 * Return: bytes, 0 when it takes no packet.
 */
__bpf_kfunc u64 bpf_tquic_path_room_bytes(struct tquic_path *path)
{
	return tquic_sched_room(path) ? tquic_cc_room_bytes(&path->cc) : 0;
}

/**
 * bpf_tquic_path_wait_ns() - how long the pacer has a path wait
 * @path: path
 * @now: as it was told to the program
 */
__bpf_kfunc u64 bpf_tquic_path_wait_ns(struct tquic_path *path, u64 now)
{
	return tquic_sched_next_ns(path, now) - now;
}

/**
 * bpf_tquic_unsent_bytes() - stream data that waits for its first transmission
 * @conn: connection
 */
__bpf_kfunc u64 bpf_tquic_unsent_bytes(struct tquic_conn *conn)
{
	return conn->streams.tx_mem.unsent;
}

/**
 * bpf_tquic_copy() - have the stream data of the packet go on all other paths too
 * @conn: connection
 *
 * For schedulers with the copies member set.
 */
__bpf_kfunc void bpf_tquic_copy(struct tquic_conn *conn)
{
	conn->tx_copy = conn->sched->copies;
}

/**
 * bpf_tquic_sched_area() - the program's memory for a connection
 * @conn: connection
 * @rdwr_buf_size: bytes wanted, a constant, up to TQUIC_BPF_AREA_BYTES
 *
 * It is all zero when the connection is handed over to the scheduler.
 *
 * Return: the memory, NULL when that is too much.
 */
__bpf_kfunc u64 *bpf_tquic_sched_area(struct tquic_conn *conn, u32 rdwr_buf_size)
{
	BUILD_BUG_ON(sizeof(conn->sched_priv) != TQUIC_BPF_AREA_BYTES);
	return rdwr_buf_size <= sizeof(conn->sched_priv) ? conn->sched_priv : NULL;
}

__bpf_kfunc_end_defs();

BTF_KFUNCS_START(tquic_bpf_kfunc_ids)
BTF_ID_FLAGS(func, bpf_iter_tquic_path_new, KF_ITER_NEW | KF_TRUSTED_ARGS)
BTF_ID_FLAGS(func, bpf_iter_tquic_path_next, KF_ITER_NEXT | KF_RET_NULL)
BTF_ID_FLAGS(func, bpf_iter_tquic_path_destroy, KF_ITER_DESTROY)
BTF_ID_FLAGS(func, bpf_tquic_path_slot, KF_TRUSTED_ARGS)
BTF_ID_FLAGS(func, bpf_tquic_path_id, KF_TRUSTED_ARGS)
BTF_ID_FLAGS(func, bpf_tquic_path_weight, KF_TRUSTED_ARGS)
BTF_ID_FLAGS(func, bpf_tquic_path_srtt_ns, KF_TRUSTED_ARGS)
BTF_ID_FLAGS(func, bpf_tquic_path_room_bytes, KF_TRUSTED_ARGS)
BTF_ID_FLAGS(func, bpf_tquic_path_wait_ns, KF_TRUSTED_ARGS)
BTF_ID_FLAGS(func, bpf_tquic_unsent_bytes, KF_TRUSTED_ARGS)
BTF_ID_FLAGS(func, bpf_tquic_copy, KF_TRUSTED_ARGS)
BTF_ID_FLAGS(func, bpf_tquic_sched_area, KF_TRUSTED_ARGS | KF_RET_NULL)
BTF_KFUNCS_END(tquic_bpf_kfunc_ids)

static const struct btf_kfunc_id_set tquic_bpf_kfuncs = {
	.owner	= THIS_MODULE,
	.set	= &tquic_bpf_kfunc_ids,
};

/*
 * Will something that is under way come back and have the program asked again?  Probes
 * of a path that does not answer may not.
 */
static bool tquic_bpf_busy(const struct tquic_conn *conn)
{
	const struct tquic_path *path;

	tquic_for_each_path(conn, path) {
		if (tquic_sched_usable(path) && path->cc.in_flight)
			return true;
	}
	return false;
}

/* The path a program chose, if it can send */
static struct tquic_path *tquic_bpf_path(const struct tquic_conn *conn, s32 slot, u64 now)
{
	struct tquic_path *path;

	if (slot < 0 || slot >= TQUIC_PATHS_MAX || !(tquic_sched_candidates(conn) & BIT(slot)))
		return NULL;
	path = tquic_conn_path(conn, slot);
	return tquic_sched_room(path) && !tquic_sched_paced(path, now) ? path : NULL;
}

static struct tquic_path *tquic_bpf_get_path(struct tquic_conn *conn, u64 now)
{
	const struct tquic_bpf_sched *b = container_of(conn->sched, struct tquic_bpf_sched, sched);
	const struct tquic_sched_ops *ops;
	struct tquic_path *path = NULL;

	conn->tx_copy = false;
	rcu_read_lock();
	ops = rcu_dereference(b->ops);
	if (ops)
		path = tquic_bpf_path(conn, ops->get_path(conn, now), now);
	rcu_read_unlock();
	if (path || (ops && tquic_bpf_busy(conn)))
		return path;
	return tquic_minrtt_get_path(conn, now);
}

static void tquic_bpf_free(struct tquic_entry *e)
{
	kfree(container_of(e, struct tquic_bpf_sched, sched.entry));
}

/* Context: process */
static int tquic_bpf_reg(void *kdata, struct bpf_link *link)
{
	const struct tquic_sched_ops *ops = kdata;
	struct tquic_bpf_sched *b;
	int ret;

	if (!ops->get_path)
		return -EINVAL;
	b = kzalloc(sizeof(*b), GFP_KERNEL);
	if (!b)
		return -ENOMEM;
	strscpy(b->sched.entry.name, ops->name);
	b->sched.entry.owner = THIS_MODULE;
	b->sched.entry.free = tquic_bpf_free;
	refcount_set(&b->sched.entry.users, 1);
	b->sched.copies = ops->copies;
	b->sched.get_path = tquic_bpf_get_path;
	RCU_INIT_POINTER(b->ops, ops);
	mutex_lock(&tquic_bpf_lock);
	ret = tquic_sched_register(&b->sched);
	if (ret)
		kfree(b);
	else
		list_add(&b->list, &tquic_bpf_scheds);
	mutex_unlock(&tquic_bpf_lock);
	return ret;
}

/* @kdata is freed after a grace period. Context: process */
static void tquic_bpf_unreg(void *kdata, struct bpf_link *link)
{
	struct tquic_bpf_sched *b;

	mutex_lock(&tquic_bpf_lock);
	list_for_each_entry(b, &tquic_bpf_scheds, list) {
		if (rcu_access_pointer(b->ops) != kdata)
			continue;
		list_del(&b->list);
		RCU_INIT_POINTER(b->ops, NULL);
		tquic_sched_unregister(&b->sched);
		if (refcount_dec_and_test(&b->sched.entry.users))
			tquic_bpf_free(&b->sched.entry);
		break;
	}
	mutex_unlock(&tquic_bpf_lock);
}

/* It is called in softirq: a program must not sleep */
static int tquic_bpf_check_member(const struct btf_type *t, const struct btf_member *member,
				  const struct bpf_prog *prog)
{
	return prog->sleepable ? -EINVAL : 0;
}

static int tquic_bpf_init_member(const struct btf_type *t, const struct btf_member *member,
				 void *kdata, const void *udata)
{
	const struct tquic_sched_ops *from = udata;
	struct tquic_sched_ops *ops = kdata;

	switch (__btf_member_bit_offset(t, member) / BITS_PER_BYTE) {
	case offsetof(struct tquic_sched_ops, name):
		if (!from->name[0] || strnlen(from->name, TQUIC_NAME_LEN) == TQUIC_NAME_LEN)
			return -EINVAL;
		memcpy(ops->name, from->name, TQUIC_NAME_LEN);
		return 1;
	case offsetof(struct tquic_sched_ops, copies):
		if (from->copies > 1)
			return -EINVAL;
		ops->copies = from->copies;
		return 1;
	}
	return 0;
}

static int tquic_bpf_init_type(struct btf *btf)
{
	return 0;
}

static const struct bpf_func_proto *tquic_bpf_func_proto(enum bpf_func_id id,
							 const struct bpf_prog *prog)
{
	return bpf_base_func_proto(id, prog);
}

static const struct bpf_verifier_ops tquic_bpf_verifier_ops = {
	.get_func_proto		= tquic_bpf_func_proto,
	.is_valid_access	= bpf_tracing_btf_ctx_access,
};

/* What the verifier checks a program against, and calls without one land in */
static s32 tquic_bpf_get_path_stub(struct tquic_conn *conn, u64 now)
{
	return -1;
}

static struct tquic_sched_ops tquic_bpf_stubs = {
	.get_path	= tquic_bpf_get_path_stub,
};

static struct bpf_struct_ops tquic_bpf_type = {
	.verifier_ops	= &tquic_bpf_verifier_ops,
	.init		= tquic_bpf_init_type,
	.check_member	= tquic_bpf_check_member,
	.init_member	= tquic_bpf_init_member,
	.reg		= tquic_bpf_reg,
	.unreg		= tquic_bpf_unreg,
	.cfi_stubs	= &tquic_bpf_stubs,
	.owner		= THIS_MODULE,
	.name		= "tquic_sched_ops",
};

/**
 * tquic_bpf_init() - offer the type to BPF
 *
 * There is nothing to take back: both belong to the module's BTF, and programs
 * hold the module.
 *
 * Context: process.
 * Return: 0 or an errno; 0 also without BTF, when no program can be loaded.
 */
int tquic_bpf_init(void)
{
	int ret;

	ret = register_btf_kfunc_id_set(BPF_PROG_TYPE_STRUCT_OPS, &tquic_bpf_kfuncs);
	return ret ?: register_bpf_struct_ops(&tquic_bpf_type, tquic_sched_ops);
}
