/* SPDX-License-Identifier: GPL-2.0 */
/* Which version of QUIC a connection speaks: RFC 9000 §6, RFC 9368 */
#ifndef TQUIC_CORE_NEGOTIATE_H
#define TQUIC_CORE_NEGOTIATE_H

#include <linux/types.h>

struct tquic_cid;
struct tquic_conn;
struct tquic_hdr;
struct tquic_params;
struct tquic_version;

bool tquic_conn_on_vn(struct tquic_conn *conn, const struct tquic_hdr *h);
void tquic_conn_tell_versions(struct tquic_conn *conn);
int tquic_conn_check_versions(const struct tquic_conn *conn,
			      const struct tquic_params *p);
const struct tquic_cid *tquic_conn_initial_cid(const struct tquic_conn *conn);
void tquic_conn_upgrade(struct tquic_conn *conn, const struct tquic_params *p);
bool tquic_conn_takes_version(const struct tquic_conn *conn, const struct tquic_version *v);
void tquic_conn_switch_version(struct tquic_conn *conn, const struct tquic_version *v);

#endif /* TQUIC_CORE_NEGOTIATE_H */
