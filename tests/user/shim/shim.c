// SPDX-License-Identifier: GPL-2.0
/* What the userspace shims cannot do in a header: allocation, random numbers, strings. */
#include <malloc.h>
#include <stdlib.h>

#include <linux/kernel.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/string.h>

long tquic_shim_fail_after = -1;
long tquic_shim_live;
u64 tquic_shim_random;

static bool shim_fails(void)
{
	if (tquic_shim_fail_after < 0)
		return false;
	if (!tquic_shim_fail_after)
		return true;
	tquic_shim_fail_after--;
	return false;
}

void *tquic_shim_alloc(size_t size, gfp_t gfp)
{
	void *p;

	if (shim_fails() || size > SIZE_MAX / 2)
		return NULL;
	p = malloc(size);
	if (!p)
		return NULL;
	tquic_shim_live++;
	memset(p, gfp & __GFP_ZERO ? 0 : 0xa5, size);
	return p;
}

void kfree(const void *p)
{
	if (!p)
		return;
	tquic_shim_live--;
	free((void *)p);
}

size_t ksize(const void *p)
{
	return malloc_usable_size((void *)p);
}

void kfree_sensitive(const void *p)
{
	if (p)
		memzero_explicit((void *)p, ksize(p));
	kfree(p);
}

void *krealloc(const void *p, size_t size, gfp_t gfp)
{
	void *n = tquic_shim_alloc(size, gfp);

	if (!n || !p)
		return n;
	memcpy(n, p, min(size, ksize(p)));
	kfree(p);
	return n;
}

void *kmemdup(const void *src, size_t len, gfp_t gfp)
{
	void *p = tquic_shim_alloc(len, gfp);

	if (p && len)
		memcpy(p, src, len);
	return p;
}

char *kstrdup(const char *s, gfp_t gfp)
{
	return s ? kmemdup(s, strlen(s) + 1, gfp) : NULL;
}

struct kmem_cache *kmem_cache_create(const char *name, unsigned int size,
				     unsigned int align, unsigned int flags,
				     void (*ctor)(void *obj))
{
	struct kmem_cache *cache = shim_fails() ? NULL : malloc(sizeof(*cache));

	if (cache) {
		cache->size = size;
		cache->ctor = ctor;
	}
	return cache;
}

void kmem_cache_destroy(struct kmem_cache *cache)
{
	free(cache);
}

void *kmem_cache_alloc(struct kmem_cache *cache, gfp_t gfp)
{
	void *p = tquic_shim_alloc(cache->size, gfp);

	if (p && cache->ctor)
		cache->ctor(p);
	return p;
}

u64 get_random_u64(void)
{
	const char *seed;
	u64 z;

	if (!tquic_shim_random) {
		seed = getenv("TQUIC_SEED");
		tquic_shim_random = seed ? strtoull(seed, NULL, 0) | 1 : 1;
	}
	tquic_shim_random += 0x9e3779b97f4a7c15ULL;
	z = tquic_shim_random;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

void get_random_bytes(void *buf, size_t len)
{
	u8 *p = buf;

	while (len--)
		*p++ = get_random_u64();
}

ssize_t strscpy(char *dst, const char *src, size_t size)
{
	size_t n = strnlen(src, size);

	if (!size)
		return -E2BIG;
	if (n == size) {
		memcpy(dst, src, size - 1);
		dst[size - 1] = '\0';
		return -E2BIG;
	}
	memcpy(dst, src, n + 1);
	return n;
}

void *memchr_inv(const void *p, int c, size_t n)
{
	const u8 *b = p;

	for (; n; b++, n--)
		if (*b != (u8)c)
			return (void *)b;
	return NULL;
}

int scnprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return n < (int)size ? n : (int)size - 1;
}
