/* SPDX-License-Identifier: GPL-2.0 */
/* Userspace stand-in for <linux/xarray.h>: a sorted array of entries. */
#ifndef TQUIC_SHIM_LINUX_XARRAY_H
#define TQUIC_SHIM_LINUX_XARRAY_H

#include <limits.h>

#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/limits.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/types.h>

#define XA_FLAGS_LOCK_IRQ	1U
#define XA_FLAGS_LOCK_BH	2U

struct tquic_shim_xa_slot {
	unsigned long index;
	void *entry;
};

struct xarray {
	struct tquic_shim_xa_slot *slots;
	size_t count;
	size_t size;
};

static inline void xa_init_flags(struct xarray *xa, gfp_t flags)
{
	*xa = (struct xarray) { };
}

static inline void xa_init(struct xarray *xa)
{
	xa_init_flags(xa, 0);
}

static inline bool xa_is_err(const void *entry)
{
	return IS_ERR(entry);
}

static inline int xa_err(void *entry)
{
	return xa_is_err(entry) ? PTR_ERR(entry) : 0;
}

static inline bool xa_empty(const struct xarray *xa)
{
	return !xa->count;
}

/* Place of the first entry whose index is not below @index. */
static inline size_t tquic_shim_xa_place(const struct xarray *xa, unsigned long index)
{
	size_t lo = 0, hi = xa->count, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (xa->slots[mid].index < index)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static inline void *xa_load(const struct xarray *xa, unsigned long index)
{
	size_t i = tquic_shim_xa_place(xa, index);

	return i < xa->count && xa->slots[i].index == index ? xa->slots[i].entry : NULL;
}

static inline void *xa_erase(struct xarray *xa, unsigned long index)
{
	size_t i = tquic_shim_xa_place(xa, index);
	void *old;

	if (i == xa->count || xa->slots[i].index != index)
		return NULL;
	old = xa->slots[i].entry;
	xa->count--;
	memmove(&xa->slots[i], &xa->slots[i + 1], (xa->count - i) * sizeof(*xa->slots));
	if (!xa->count) {
		kfree(xa->slots);
		*xa = (struct xarray) { };
	}
	return old;
}

static inline void *xa_store(struct xarray *xa, unsigned long index, void *entry, gfp_t gfp)
{
	struct tquic_shim_xa_slot *slots;
	size_t i, size;
	void *old;

	if (!entry)
		return xa_erase(xa, index);
	i = tquic_shim_xa_place(xa, index);
	if (i < xa->count && xa->slots[i].index == index) {
		old = xa->slots[i].entry;
		xa->slots[i].entry = entry;
		return old;
	}
	if (xa->count == xa->size) {
		size = xa->size ? 2 * xa->size : 4;
		slots = kmalloc_array(size, sizeof(*slots), gfp);
		if (!slots)
			return ERR_PTR(-ENOMEM);
		if (xa->count)
			memcpy(slots, xa->slots, xa->count * sizeof(*slots));
		kfree(xa->slots);
		xa->slots = slots;
		xa->size = size;
	}
	memmove(&xa->slots[i + 1], &xa->slots[i], (xa->count - i) * sizeof(*xa->slots));
	xa->slots[i] = (struct tquic_shim_xa_slot) { index, entry };
	xa->count++;
	return NULL;
}

static inline void xa_destroy(struct xarray *xa)
{
	kfree(xa->slots);
	*xa = (struct xarray) { };
}

static inline void *xa_find(struct xarray *xa, unsigned long *index, unsigned long max,
			    unsigned int filter)
{
	size_t i = tquic_shim_xa_place(xa, *index);

	if (i == xa->count || xa->slots[i].index > max)
		return NULL;
	*index = xa->slots[i].index;
	return xa->slots[i].entry;
}

static inline void *xa_find_after(struct xarray *xa, unsigned long *index, unsigned long max,
				  unsigned int filter)
{
	if (*index == ULONG_MAX)
		return NULL;
	++*index;
	return xa_find(xa, index, max, filter);
}

#define XA_PRESENT	0U
#define xa_for_each(xa, index, entry)						\
	for (index = 0, entry = xa_find(xa, &index, ULONG_MAX, XA_PRESENT); entry; \
	     entry = xa_find_after(xa, &index, ULONG_MAX, XA_PRESENT))
#define xa_store_bh	xa_store
#define xa_erase_bh	xa_erase

#endif /* TQUIC_SHIM_LINUX_XARRAY_H */
