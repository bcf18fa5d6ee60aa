/* SPDX-License-Identifier: GPL-2.0 */
/* The handshake agent: TLS for programs that hold none */
#ifndef TQUIC_HANDSHAKE_H
#define TQUIC_HANDSHAKE_H

#include <linux/types.h>

struct sock;

int tquic_handshake_init(void);
void tquic_handshake_exit(void);
int tquic_handshake_request(struct sock *sk);
bool tquic_handshake_child(struct sock *child);
void tquic_handshake_over(struct sock *sk);
void tquic_handshake_wake(struct sock *sk);

#endif /* TQUIC_HANDSHAKE_H */
