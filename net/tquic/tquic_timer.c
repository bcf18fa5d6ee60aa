// SPDX-License-Identifier: GPL-2.0
/* One hrtimer per connection, at the earliest of all its deadlines */
#include <linux/hrtimer.h>
#include "tquic_sock.h"

#define TQUIC_TIMER_RETRY_NS	NSEC_PER_MSEC

/* The timers of a due connection have run; lock held */
void tquic_timer_expired(struct sock *sk)
{
	struct tquic_sock *tsk = tquic_sk(sk);
	struct tquic_conn *conn = &tsk->conn;
	u64 now = tquic_now_ns();

	if (!tsk->alive)
		return;
	tsk->timer_ns = 0;
	/* The engine takes note of it, and has the next keys made if they are not. */
	if (conn->key_drop_prev_ns && now >= conn->key_drop_prev_ns)
		tquic_keyring_drop_prev(&tsk->keys);
	tquic_conn_on_timeout(conn, now);
	tquic_sock_on_limit(sk, now);
	tquic_pm_on_timeout(sk, now);
	tquic_sock_kick(sk);
}

/*
 * Context: softirq.  The timer holds no reference: the socket's destructor
 * waits for it, and memory goes an RCU grace period after the last reference,
 * which a softirq holds up.
 */
static enum hrtimer_restart tquic_timer_fn(struct hrtimer *timer)
{
	struct tquic_sock *tsk = container_of(timer, struct tquic_sock, timer);
	struct sock *sk = &tsk->inet.sk;

	bh_lock_sock(sk);
	if (sock_owned_by_user(sk))
		set_bit(TQUIC_DEFER_TIMER, &tsk->deferred);
	else
		tquic_timer_expired(sk);
	bh_unlock_sock(sk);
	return HRTIMER_NORESTART;
}

void tquic_timer_init(struct tquic_sock *tsk)
{
	hrtimer_setup(&tsk->timer, tquic_timer_fn, CLOCK_MONOTONIC,
		      HRTIMER_MODE_ABS_SOFT);
}

/* Context: lock held. Stops the timer; a callback under way finds nothing due */
void tquic_timer_cancel(struct sock *sk)
{
	struct tquic_sock *tsk = tquic_sk(sk);

	tsk->timer_ns = 0;
	hrtimer_try_to_cancel(&tsk->timer);
}

/* Context: the socket's destructor; no callback runs when this returns */
void tquic_timer_destroy(struct tquic_sock *tsk)
{
	hrtimer_cancel(&tsk->timer);
}

/*
 * Context: lock held.  Sets the timer to the connection's deadline.  A timer
 * that is set too early stays: it finds nothing due and sets itself anew,
 * which costs less than moving it with every packet.
 */
void tquic_timer_update(struct sock *sk)
{
	struct tquic_sock *tsk = tquic_sk(sk);
	u64 deadline = tquic_sock_deadline_ns(sk);
	u64 now = tquic_now_ns();

	/* What is due but could not be done must not keep the CPU busy. */
	if (deadline && deadline <= now)
		deadline = now + TQUIC_TIMER_RETRY_NS;
	if (!deadline) {
		tquic_timer_cancel(sk);
		return;
	}
	if (tsk->timer_ns && tsk->timer_ns <= deadline)
		return;
	tsk->timer_ns = deadline;
	hrtimer_start(&tsk->timer, ns_to_ktime(deadline),
		      HRTIMER_MODE_ABS_SOFT);
}
