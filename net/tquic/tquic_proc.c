// SPDX-License-Identifier: GPL-2.0
/* /proc/net/tquic/conns: a line for each connection of the namespace */
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/seq_file_net.h>
#include "tquic_sock.h"

/**
 * struct tquic_proc_iter - one reader of the file
 * @p: its namespace; must be first
 * @sk: connection to be shown, referenced and locked, or NULL
 *
 * The file position is the connection's token, so that a reader who comes back
 * goes on where it was, whatever began and ended meanwhile. Nothing is copied
 * to the reader between start and stop, and the lock is held no longer.
 */
struct tquic_proc_iter {
	struct seq_net_private p;
	struct sock *sk;
};

static void tquic_proc_put(struct tquic_proc_iter *iter)
{
	if (!iter->sk)
		return;
	release_sock(iter->sk);
	sock_put(iter->sk);
	iter->sk = NULL;
}

static void *tquic_proc_get(struct seq_file *seq, loff_t *pos)
{
	struct tquic_proc_iter *iter = seq->private;
	unsigned long token = *pos;

	if (*pos > INT_MAX)
		return NULL;
	iter->sk = tquic_sock_next(tquic_pernet(seq_file_net(seq)), &token,
				   INT_MAX);
	/* The end has a position too, or the last line would come again. */
	*pos = iter->sk ? token : INT_MAX + 1LL;
	return iter->sk;
}

static void *tquic_proc_start(struct seq_file *seq, loff_t *pos)
{
	return *pos ? tquic_proc_get(seq, pos) : SEQ_START_TOKEN;
}

static void *tquic_proc_next(struct seq_file *seq, void *v, loff_t *pos)
{
	tquic_proc_put(seq->private);
	++*pos;
	return tquic_proc_get(seq, pos);
}

static void tquic_proc_stop(struct seq_file *seq, void *v)
{
	tquic_proc_put(seq->private);
}

/* There is no local address once the first path has gone. */
static void tquic_proc_show_addr(struct seq_file *seq, struct sock *sk, bool peer)
{
	struct tquic_addr addr;

	tquic_sock_addr(sk, &addr, peer);
	if (tquic_addr_family(&addr))
		seq_printf(seq, " %pISpc", &addr.sa);
	else
		seq_puts(seq, " -");
}

static int tquic_proc_show(struct seq_file *seq, void *v)
{
	struct tquic_info info;
	struct sock *sk = v;

	if (v == SEQ_START_TOKEN) {
		seq_puts(seq, "token state role local peer uid inode paths bond tx_queue rx_queue sent received congestion scheduler\n");
		return 0;
	}
	tquic_info_fill(sk, &info);
	seq_printf(seq, "%u %u %s", info.token, info.state,
		   info.server ? "server" : "client");
	tquic_proc_show_addr(seq, sk, false);
	tquic_proc_show_addr(seq, sk, true);
	seq_printf(seq, " %u %lu %u %u %llu %llu %llu %llu %s %s\n",
		   from_kuid_munged(seq_user_ns(seq), READ_ONCE(sk->sk_uid)),
		   sock_i_ino(sk), info.paths, info.bond_state,
		   info.send_queue_bytes, info.recv_queue_bytes,
		   info.bytes_sent, info.bytes_received, info.congestion,
		   info.scheduler);
	return 0;
}

static const struct seq_operations tquic_proc_ops = {
	.start	= tquic_proc_start,
	.next	= tquic_proc_next,
	.stop	= tquic_proc_stop,
	.show	= tquic_proc_show,
};

/**
 * tquic_proc_conns_create() - make the file; it goes with its directory
 * @tn: namespace with @tn->proc_dir made
 *
 * Return: false without memory.
 */
bool tquic_proc_conns_create(struct tquic_net *tn)
{
	return proc_create_net("conns", 0444, tn->proc_dir, &tquic_proc_ops,
			       sizeof(struct tquic_proc_iter));
}
