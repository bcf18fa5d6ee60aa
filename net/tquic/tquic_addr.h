/* SPDX-License-Identifier: GPL-2.0 */
/* An IPv4 or IPv6 address with its port, always in its plain family. */
#ifndef TQUIC_ADDR_H
#define TQUIC_ADDR_H

#include <linux/errno.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/socket.h>
#include <linux/string.h>
#include <net/ipv6.h>

/**
 * struct tquic_addr - address and port
 * @sa: for the family
 * @v4: valid when the family is AF_INET
 * @v6: valid when the family is AF_INET6; never holds a v4-mapped address
 *
 * A zeroed one has family AF_UNSPEC. v6.sin6_scope_id is 0 unless the address
 * is link-local; sin6_flowinfo is always 0.
 */
struct tquic_addr {
	union {
		struct sockaddr sa;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	};
};

static inline int tquic_addr_family(const struct tquic_addr *a)
{
	return a->sa.sa_family;
}

static inline __be16 tquic_addr_port(const struct tquic_addr *a)
{
	return a->sa.sa_family == AF_INET ? a->v4.sin_port : a->v6.sin6_port;
}

static inline void tquic_addr_set_port(struct tquic_addr *a, __be16 port)
{
	if (a->sa.sa_family == AF_INET)
		a->v4.sin_port = port;
	else
		a->v6.sin6_port = port;
}

static inline int tquic_addr_len(const struct tquic_addr *a)
{
	return a->sa.sa_family == AF_INET ? sizeof(a->v4) : sizeof(a->v6);
}

static inline void tquic_addr_set_v4(struct tquic_addr *a, __be32 ip, __be16 port)
{
	memset(a, 0, sizeof(*a));
	a->v4.sin_family = AF_INET;
	a->v4.sin_addr.s_addr = ip;
	a->v4.sin_port = port;
}

/**
 * tquic_addr_set_v6() - fill in an IPv6 address
 * @a: destination
 * @ip: address; a v4-mapped one makes @a an AF_INET address
 * @port: port
 * @ifindex: scope, kept only where @ip needs one
 */
static inline void tquic_addr_set_v6(struct tquic_addr *a, const struct in6_addr *ip,
				     __be16 port, int ifindex)
{
	if (ipv6_addr_v4mapped(ip)) {
		tquic_addr_set_v4(a, ip->s6_addr32[3], port);
		return;
	}
	memset(a, 0, sizeof(*a));
	a->v6.sin6_family = AF_INET6;
	a->v6.sin6_addr = *ip;
	a->v6.sin6_port = port;
	if (__ipv6_addr_needs_scope_id(__ipv6_addr_type(ip)))
		a->v6.sin6_scope_id = ifindex;
}

/* The wildcard address of its family, or AF_UNSPEC. */
static inline bool tquic_addr_is_any(const struct tquic_addr *a)
{
	if (a->sa.sa_family == AF_INET)
		return a->v4.sin_addr.s_addr == htonl(INADDR_ANY);
	if (a->sa.sa_family == AF_INET6)
		return ipv6_addr_any(&a->v6.sin6_addr);
	return true;
}

static inline bool tquic_addr_is_multicast(const struct tquic_addr *a)
{
	if (a->sa.sa_family == AF_INET)
		return ipv4_is_multicast(a->v4.sin_addr.s_addr) ||
		       ipv4_is_lbcast(a->v4.sin_addr.s_addr);
	return ipv6_addr_is_multicast(&a->v6.sin6_addr);
}

static inline bool tquic_addr_is_loopback(const struct tquic_addr *a)
{
	if (a->sa.sa_family == AF_INET)
		return ipv4_is_loopback(a->v4.sin_addr.s_addr);
	return ipv6_addr_loopback(&a->v6.sin6_addr);
}

/* Same host address, whatever the ports are. */
static inline bool tquic_addr_equal_ip(const struct tquic_addr *a, const struct tquic_addr *b)
{
	if (a->sa.sa_family != b->sa.sa_family)
		return false;
	if (a->sa.sa_family == AF_INET)
		return a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
	return ipv6_addr_equal(&a->v6.sin6_addr, &b->v6.sin6_addr) &&
	       a->v6.sin6_scope_id == b->v6.sin6_scope_id;
}

static inline bool tquic_addr_equal(const struct tquic_addr *a, const struct tquic_addr *b)
{
	return tquic_addr_equal_ip(a, b) && tquic_addr_port(a) == tquic_addr_port(b);
}

/**
 * tquic_addr_from_sa() - take over an address that a user or the kernel gave
 * @a: destination, in normal form
 * @sa: source; readable for @len bytes
 * @len: bytes at @sa
 *
 * A v4-mapped IPv6 address becomes AF_INET; the wildcard :: stays IPv6.
 *
 * Return: 0, -EINVAL if @len is too short, -EAFNOSUPPORT for another family.
 */
static inline int tquic_addr_from_sa(struct tquic_addr *a, const void *sa, int len)
{
	const struct sockaddr_in6 *v6 = sa;
	const struct sockaddr_in *v4 = sa;

	if (len < (int)offsetofend(struct sockaddr_in, sin_family))
		return -EINVAL;
	if (v4->sin_family == AF_INET) {
		if (len < (int)sizeof(*v4))
			return -EINVAL;
		tquic_addr_set_v4(a, v4->sin_addr.s_addr, v4->sin_port);
		return 0;
	}
	if (v4->sin_family != AF_INET6)
		return -EAFNOSUPPORT;
	if (len < SIN6_LEN_RFC2133)
		return -EINVAL;
	tquic_addr_set_v6(a, &v6->sin6_addr, v6->sin6_port,
			  len >= (int)sizeof(*v6) ? v6->sin6_scope_id : 0);
	return 0;
}

#endif /* TQUIC_ADDR_H */
