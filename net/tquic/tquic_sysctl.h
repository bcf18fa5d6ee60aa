/* SPDX-License-Identifier: GPL-2.0 */
/* Sysctls below net.tquic; Documentation/networking/specs/tquic-sysctl.yaml describes them */
#ifndef TQUIC_SYSCTL_H
#define TQUIC_SYSCTL_H

#include "tquic_net.h"

struct tquic_conn;

/* Value of a u32 or bool sysctl now. @tn: struct tquic_net; @name: its name. Any context. */
#define TQUIC_SYSCTL(tn, name)		READ_ONCE((tn)->sysctls.name)
#define TQUIC_SYSCTL_NS(tn, name)	(TQUIC_SYSCTL(tn, name) * (u64)NSEC_PER_MSEC)

size_t tquic_sysctl_copy(struct tquic_net *tn, const char *value, char *name);
void tquic_sysctl_socket(struct tquic_net *tn, struct tquic_conn *conn);
int tquic_sysctl_start(struct tquic_net *tn, struct tquic_conn *conn);

#endif /* TQUIC_SYSCTL_H */
