/* SPDX-License-Identifier: GPL-2.0 */
/* Cgroups: whose a socket is that no task of it has made, and what their programs say */
#ifndef TQUIC_CGROUP_H
#define TQUIC_CGROUP_H

#include <linux/bpf-cgroup.h>
#include <linux/cgroup.h>
#include <net/sock.h>

#ifdef CONFIG_SOCK_CGROUP_DATA
/* As cgroup_sk_clone(), which modules have not, for a socket that nobody uses yet */
static inline void __tquic_cgroup_move(struct sock *sk, const struct sock_cgroup_data *to)
{
	struct cgroup *from = sock_cgroup_ptr(&sk->sk_cgrp_data);

	cgroup_get(to->cgroup);
	cgroup_bpf_get(to->cgroup);
	sk->sk_cgrp_data = *to;
	cgroup_bpf_put(from);
	cgroup_put(from);
}

/* A worker has made it in the name of another socket */
static inline void tquic_cgroup_join(struct sock *sk, const struct sock *other)
{
	__tquic_cgroup_move(sk, &other->sk_cgrp_data);
}

/* What it carries is others': programs of their cgroups are run when it is known whose */
static inline void tquic_cgroup_leave(struct sock *sk)
{
	const struct sock_cgroup_data root = { .cgroup = &cgrp_dfl_root.cgrp };

	__tquic_cgroup_move(sk, &root);
}
#else
static inline void tquic_cgroup_join(struct sock *sk, const struct sock *other)
{
}

static inline void tquic_cgroup_leave(struct sock *sk)
{
}
#endif

/*
 * Programs may refuse the address a socket is bound or connected to, or write another in
 * its place. Context: lock held
 */
static inline int tquic_cgroup_bind(struct sock *sk, struct sockaddr_unsized *sa, int len)
{
	return sa->sa_family == AF_INET6 ?
	       BPF_CGROUP_RUN_SA_PROG(sk, sa, &len, CGROUP_INET6_BIND) :
	       BPF_CGROUP_RUN_SA_PROG(sk, sa, &len, CGROUP_INET4_BIND);
}

static inline int tquic_cgroup_connect(struct sock *sk, struct sockaddr_unsized *sa, int len)
{
	return sa->sa_family == AF_INET6 ?
	       BPF_CGROUP_RUN_PROG_INET6_CONNECT(sk, sa, &len) :
	       BPF_CGROUP_RUN_PROG_INET4_CONNECT(sk, sa, &len);
}

#endif /* TQUIC_CGROUP_H */
