/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * sock_diag of TQUIC sockets: protocol 253 (IPPROTO_TQUIC) of AF_INET and
 * AF_INET6, as <linux/inet_diag.h> describes it.
 *
 * INET_DIAG_INFO holds struct tquic_info. Who asks for it also gets, for a
 * connection, TQUIC_DIAG_PATHS: one TQUIC_DIAG_PATH for each of its paths,
 * each a struct tquic_path_info.
 */
#ifndef _UAPI_LINUX_TQUIC_DIAG_H
#define _UAPI_LINUX_TQUIC_DIAG_H

#include <linux/tquic.h>

/* Far from the numbers that INET_DIAG_* will grow into */
#define TQUIC_DIAG_PATHS		0x1000	/* nested */

/* In TQUIC_DIAG_PATHS */
#define TQUIC_DIAG_PATH			1	/* struct tquic_path_info */

#endif /* _UAPI_LINUX_TQUIC_DIAG_H */
