/* SPDX-License-Identifier: GPL-2.0 */
/* Userspace stand-in for <linux/slab.h>: allocation, with failures on demand. */
#ifndef TQUIC_SHIM_LINUX_SLAB_H
#define TQUIC_SHIM_LINUX_SLAB_H

#include <linux/gfp.h>
#include <linux/overflow.h>
#include <linux/types.h>

#define SLAB_HWCACHE_ALIGN	0x1U
#define SLAB_ACCOUNT		0x2U
#define SLAB_TYPESAFE_BY_RCU	0x4U
#define SLAB_RECLAIM_ACCOUNT	0x8U
#define ARCH_KMALLOC_MINALIGN	8

/* This many allocations succeed, all later ones fail; negative: none fails.
 * The runner sets it back to -1 after every case.
 */
extern long tquic_shim_fail_after;
/* Objects allocated here and not yet freed; a case that ends with more than it
 * began with has failed.
 */
extern long tquic_shim_live;

struct kmem_cache {
	size_t size;
	void (*ctor)(void *obj);
};

void *tquic_shim_alloc(size_t size, gfp_t gfp);
void *krealloc(const void *p, size_t size, gfp_t gfp);
void *kmemdup(const void *src, size_t len, gfp_t gfp);
char *kstrdup(const char *s, gfp_t gfp);
void kfree(const void *p);
void kfree_sensitive(const void *p);
size_t ksize(const void *p);
struct kmem_cache *kmem_cache_create(const char *name, unsigned int size,
				     unsigned int align, unsigned int flags,
				     void (*ctor)(void *obj));
void kmem_cache_destroy(struct kmem_cache *cache);
void *kmem_cache_alloc(struct kmem_cache *cache, gfp_t gfp);

#define KMEM_CACHE(s, flags) \
	kmem_cache_create(#s, sizeof(struct s), __alignof__(struct s), flags, NULL)
#define kmem_cache_zalloc(cache, gfp)	kmem_cache_alloc(cache, (gfp) | __GFP_ZERO)
#define kmem_cache_free(cache, p)	((void)(cache), kfree(p))
#define kmalloc(size, gfp)		tquic_shim_alloc(size, gfp)
#define kzalloc(size, gfp)		tquic_shim_alloc(size, (gfp) | __GFP_ZERO)
#define kmalloc_array(n, size, gfp)	tquic_shim_alloc(size_mul(n, size), gfp)
#define kcalloc(n, size, gfp) \
	tquic_shim_alloc(size_mul(n, size), (gfp) | __GFP_ZERO)
#define kmalloc_node(size, gfp, node)	kmalloc(size, gfp)
#define kvmalloc(size, gfp)		kmalloc(size, gfp)
#define kvzalloc(size, gfp)		kzalloc(size, gfp)
#define kvmalloc_array(n, size, gfp)	kmalloc_array(n, size, gfp)
#define kvcalloc(n, size, gfp)		kcalloc(n, size, gfp)
#define kvfree(p)			kfree(p)
#define kvfree_sensitive(p, len)	kfree_sensitive(p)

#endif /* TQUIC_SHIM_LINUX_SLAB_H */
