// SPDX-License-Identifier: GPL-2.0
/* Module init and exit, and what each network namespace gets */
#include <linux/module.h>
#include <linux/random.h>
#include "cc/cc.h"
#include "core/rec.h"
#include "crypto/keyring.h"
#include "sched/sched.h"
#include "tquic_bpf.h"
#include "tquic_handshake.h"
#include "tquic_netlink.h"
#include "tquic_sock.h"

unsigned int tquic_net_id;
struct workqueue_struct *tquic_wq;
struct workqueue_struct *tquic_urgent_wq;

static int __net_init tquic_net_init(struct net *net)
{
	struct tquic_net *tn = tquic_pernet(net);
	int ret;

	tn->net = net;
	spin_lock_init(&tn->lock);
	xa_init_flags(&tn->conns, XA_FLAGS_ALLOC1 | XA_FLAGS_LOCK_BH);
	INIT_LIST_HEAD(&tn->listeners);
	INIT_LIST_HEAD(&tn->handshakes);
	tquic_pm_net_init(&tn->pm);
	get_random_bytes(&tn->reset_key, sizeof(tn->reset_key));
	tquic_udp_net_init(tn, &tquic_rx_ops);
	ret = tquic_mib_net_init(tn);
	if (ret)
		goto err_udp;
	ret = tquic_cidtab_init(&tn->cids);
	if (ret)
		goto err_mib;
	ret = tquic_tokens_init(&tn->tokens);
	if (ret)
		goto err_cidtab;
	ret = tquic_sysctl_net_init(tn);
	if (ret)
		goto err_tokens;
	return 0;

err_tokens:
	tquic_tokens_destroy(&tn->tokens);
err_cidtab:
	tquic_cidtab_destroy(&tn->cids);
err_mib:
	tquic_mib_net_exit(tn);
err_udp:
	tquic_udp_net_exit(tn);
	return ret;
}

/* Every connection holds the namespace, so none is left */
static void __net_exit tquic_net_exit(struct net *net)
{
	struct tquic_net *tn = tquic_pernet(net);

	tquic_pm_net_exit(&tn->pm);
	tquic_sysctl_net_exit(tn);
	tquic_udp_net_exit(tn);
	tquic_tokens_destroy(&tn->tokens);
	tquic_cidtab_destroy(&tn->cids);
	tquic_mib_net_exit(tn);
}

static struct pernet_operations tquic_net_ops = {
	.init	= tquic_net_init,
	.exit	= tquic_net_exit,
	.id	= &tquic_net_id,
	.size	= sizeof(struct tquic_net),
};

static int __init tquic_init(void)
{
	int ret;

	ret = tquic_rec_cache_init();
	if (ret)
		return ret;
	ret = tquic_path_cache_init();
	if (ret)
		goto err_rec;
	ret = tquic_crypto_init();
	if (ret)
		goto err_path;
	ret = -ENOMEM;
	tquic_wq = alloc_workqueue("tquic", WQ_UNBOUND, 0);
	if (!tquic_wq)
		goto err_crypto;
	tquic_urgent_wq = alloc_workqueue("tquic_urgent", WQ_UNBOUND | WQ_HIGHPRI, 0);
	if (!tquic_urgent_wq)
		goto err_wq;
	ret = tquic_ccs_init();
	if (ret)
		goto err_urgent_wq;
	ret = tquic_scheds_init();
	if (ret)
		goto err_ccs;
	ret = register_pernet_subsys(&tquic_net_ops);
	if (ret)
		goto err_scheds;
	ret = tquic_handshake_init();
	if (ret)
		goto err_pernet;
	ret = tquic_pm_init();
	if (ret)
		goto err_handshake;
	ret = tquic_netlink_init();
	if (ret)
		goto err_pm;
	ret = tquic_bpf_init();
	if (ret)
		goto err_netlink;
	ret = tquic_proto_init();
	if (ret)
		goto err_netlink;
	return 0;

err_netlink:
	tquic_netlink_exit();
err_pm:
	tquic_pm_exit();
err_handshake:
	tquic_handshake_exit();
err_pernet:
	unregister_pernet_subsys(&tquic_net_ops);
err_scheds:
	tquic_scheds_exit();
err_ccs:
	tquic_ccs_exit();
err_urgent_wq:
	destroy_workqueue(tquic_urgent_wq);
err_wq:
	destroy_workqueue(tquic_wq);
err_crypto:
	tquic_crypto_exit();
err_path:
	tquic_path_cache_exit();
err_rec:
	tquic_rec_cache_exit();
	return ret;
}

static void __exit tquic_exit(void)
{
	tquic_proto_exit();
	tquic_netlink_exit();
	tquic_pm_exit();
	tquic_handshake_exit();
	unregister_pernet_subsys(&tquic_net_ops);
	/* Sockets and listeners are freed by RCU callbacks of ours. */
	rcu_barrier();
	/*
	 * The last socket may have gone in a work item that has not returned. Callbacks
	 * of its own are waited for in tquic_crypto_exit().
	 */
	destroy_workqueue(tquic_urgent_wq);
	destroy_workqueue(tquic_wq);
	tquic_tx_exit();
	tquic_scheds_exit();
	tquic_ccs_exit();
	tquic_crypto_exit();
	tquic_path_cache_exit();
	tquic_rec_cache_exit();
}

module_init(tquic_init);
module_exit(tquic_exit);

MODULE_DESCRIPTION("QUIC transport with native multipath");
MODULE_LICENSE("GPL");
/* sock_diag loads no module for protocols below 256 that IP does not know. */
MODULE_SOFTDEP("post: tquic_diag");
MODULE_ALIAS_NET_PF_PROTO_TYPE(PF_INET, 253, 1);
MODULE_ALIAS_NET_PF_PROTO_TYPE(PF_INET, 253, 2);
MODULE_ALIAS_NET_PF_PROTO_TYPE(PF_INET6, 253, 1);
MODULE_ALIAS_NET_PF_PROTO_TYPE(PF_INET6, 253, 2);
