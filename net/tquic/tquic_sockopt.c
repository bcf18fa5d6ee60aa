// SPDX-License-Identifier: GPL-2.0
/* Socket options and information structs */
#include <linux/sockptr.h>
#include <net/ip.h>
#include "cc/cc.h"
#include "core/dgram.h"
#include "core/early.h"
#include "core/negotiate.h"
#include "core/token.h"
#include "sched/sched.h"
#include "tquic_sock.h"
#include "tquic_stream.h"
#include "tquic_sysctl.h"

#define TQUIC_IDLE_MS_MAX	(24ULL * 3600 * 1000)
#define TQUIC_CREDIT_MAX	(1ULL << 30)
#define TQUIC_STREAMS_MAX	65536

static_assert(TQUIC_ENC_INITIAL == TQUIC_LEVEL_INITIAL);
static_assert(TQUIC_ENC_EARLY == TQUIC_LEVEL_EARLY);
static_assert(TQUIC_ENC_HANDSHAKE == TQUIC_LEVEL_HANDSHAKE);
static_assert(TQUIC_ENC_APP == TQUIC_LEVEL_APP);
static_assert(TQUIC_TOKEN_MAX_LEN <= TQUIC_PARAMS_MAX_LEN);
static_assert(TQUIC_URGENCY_MAX + 1 == TQUIC_URGENCY_COUNT);

/* Exactly @size bytes, or -EINVAL */
static int tquic_opt_copy(void *dst, size_t size, sockptr_t optval,
			  unsigned int optlen)
{
	if (optlen != size)
		return -EINVAL;
	return copy_from_sockptr(dst, optval, size) ? -EFAULT : 0;
}

static bool tquic_opt_started(const struct tquic_sock *tsk)
{
	return tsk->conn.state != TQUIC_STATE_IDLE;
}

static int tquic_opt_check_config(const struct tquic_config *c)
{
	if (c->mask & ~TQUIC_CONFIG_ALL || c->own_paths > 1 || c->no_migration > 1 ||
	    c->reserved)
		return -EINVAL;
	if (c->mask & TQUIC_CONFIG_IDLE_TIMEOUT && c->idle_timeout_ms > TQUIC_IDLE_MS_MAX)
		return -ERANGE;
	if (c->mask & TQUIC_CONFIG_MAX_DATA && c->max_data > TQUIC_CREDIT_MAX)
		return -ERANGE;
	if (c->mask & TQUIC_CONFIG_STREAM_DATA && c->max_stream_data > TQUIC_CREDIT_MAX)
		return -ERANGE;
	if (c->mask & TQUIC_CONFIG_STREAMS_BIDI && c->max_streams_bidi > TQUIC_STREAMS_MAX)
		return -ERANGE;
	if (c->mask & TQUIC_CONFIG_STREAMS_UNI && c->max_streams_uni > TQUIC_STREAMS_MAX)
		return -ERANGE;
	if (c->mask & TQUIC_CONFIG_DATAGRAM && c->max_datagram_bytes > U16_MAX)
		return -ERANGE;
	if (c->mask & TQUIC_CONFIG_MAX_PATH_ID && c->max_path_id >= TQUIC_PATHS_MAX &&
	    c->max_path_id != TQUIC_NO_MULTIPATH)
		return -ERANGE;
	if (c->mask & TQUIC_CONFIG_ACK_DELAY && c->max_ack_delay_ms > TQUIC_MAX_ACK_DELAY_MS)
		return -ERANGE;
	return 0;
}

static int tquic_opt_set_config(struct sock *sk, sockptr_t optval,
				unsigned int optlen)
{
	struct tquic_sock *tsk = tquic_sk(sk);
	struct tquic_params *p = &tsk->conn.local;
	struct tquic_config c;
	int ret;

	ret = tquic_opt_copy(&c, sizeof(c), optval, optlen);
	if (ret)
		return ret;
	ret = tquic_opt_check_config(&c);
	if (ret)
		return ret;
	if (c.mask & ~TQUIC_CONFIG_KEEPALIVE && tquic_opt_started(tsk))
		return -EISCONN;
	if (c.mask & TQUIC_CONFIG_IDLE_TIMEOUT)
		p->max_idle_timeout_ms = c.idle_timeout_ms;
	if (c.mask & TQUIC_CONFIG_MAX_DATA)
		p->max_data = c.max_data;
	if (c.mask & TQUIC_CONFIG_STREAM_DATA) {
		p->max_stream_data_bidi_local = c.max_stream_data;
		p->max_stream_data_bidi_remote = c.max_stream_data;
		p->max_stream_data_uni = c.max_stream_data;
	}
	if (c.mask & TQUIC_CONFIG_STREAMS_BIDI)
		p->max_streams_bidi = c.max_streams_bidi;
	if (c.mask & TQUIC_CONFIG_STREAMS_UNI)
		p->max_streams_uni = c.max_streams_uni;
	if (c.mask & TQUIC_CONFIG_DATAGRAM)
		p->max_datagram_frame_size = c.max_datagram_bytes;
	if (c.mask & TQUIC_CONFIG_MAX_PATH_ID) {
		p->has_max_path_id = c.max_path_id != TQUIC_NO_MULTIPATH;
		p->max_path_id = p->has_max_path_id ? c.max_path_id : 0;
	}
	if (c.mask & TQUIC_CONFIG_ACK_DELAY)
		p->max_ack_delay_ms = c.max_ack_delay_ms;
	if (c.mask & TQUIC_CONFIG_OWN_PATHS)
		tsk->own_paths = c.own_paths;
	if (c.mask & TQUIC_CONFIG_NO_MIGRATION)
		p->disable_active_migration = c.no_migration;
	if (c.mask & TQUIC_CONFIG_KEEPALIVE) {
		tsk->conn.keepalive_ns = (u64)c.keepalive_ms * NSEC_PER_MSEC;
		/* The first may be due before anything else is. */
		tquic_sock_kick(sk);
	}
	return 0;
}

static void tquic_opt_get_config(struct sock *sk, struct tquic_config *c)
{
	const struct tquic_sock *tsk = tquic_sk(sk);
	const struct tquic_params *p = &tsk->conn.local;

	memset(c, 0, sizeof(*c));
	c->mask = TQUIC_CONFIG_ALL;
	c->max_path_id = p->has_max_path_id ? p->max_path_id : TQUIC_NO_MULTIPATH;
	c->idle_timeout_ms = p->max_idle_timeout_ms;
	c->max_data = p->max_data;
	c->max_stream_data = p->max_stream_data_bidi_remote;
	c->max_streams_bidi = p->max_streams_bidi;
	c->max_streams_uni = p->max_streams_uni;
	c->max_datagram_bytes = p->max_datagram_frame_size;
	c->keepalive_ms = div_u64(tsk->conn.keepalive_ns, NSEC_PER_MSEC);
	c->max_ack_delay_ms = p->max_ack_delay_ms;
	c->own_paths = tsk->own_paths;
	c->no_migration = p->disable_active_migration;
}

static int tquic_opt_set_mode(struct sock *sk, sockptr_t optval,
			      unsigned int optlen)
{
	struct tquic_sock *tsk = tquic_sk(sk);
	u32 mode;
	int ret;

	ret = tquic_opt_copy(&mode, sizeof(mode), optval, optlen);
	if (ret)
		return ret;
	if (mode > TQUIC_HANDSHAKE_SELF)
		return -EINVAL;
	if (tquic_opt_started(tsk))
		return -EISCONN;
	tsk->handshake_mode = mode;
	if (mode == TQUIC_HANDSHAKE_SELF)
		tsk->recv_mask |= TQUIC_RECV_CRYPTO;
	return 0;
}

static int tquic_opt_set_retry(struct sock *sk, sockptr_t optval,
			       unsigned int optlen)
{
	u32 on;
	int ret;

	ret = tquic_opt_copy(&on, sizeof(on), optval, optlen);
	if (ret)
		return ret;
	if (on > 1)
		return -EINVAL;
	WRITE_ONCE(tquic_sk(sk)->retry_always, on);
	return 0;
}

/* Where a server wants its clients to go after the handshake */
static int tquic_opt_set_preferred(struct sock *sk, sockptr_t optval, unsigned int optlen)
{
	struct tquic_sock *tsk = tquic_sk(sk);
	struct tquic_preferred_addr *a = &tsk->conn.local.preferred_addr;
	struct tquic_addr v4 = {}, v6 = {};
	struct tquic_preferred p;
	__be16 port;
	int ret;

	ret = tquic_opt_copy(&p, sizeof(p), optval, optlen);
	if (ret)
		return ret;
	if (tsk->listener || tquic_opt_started(tsk))
		return -EISCONN;
	if (p.v4.ss_family)
		ret = tquic_addr_from_sa(&v4, &p.v4, sizeof(p.v4));
	if (!ret && p.v6.ss_family)
		ret = tquic_addr_from_sa(&v6, &p.v6, sizeof(p.v6));
	if (ret)
		return ret;
	if ((tquic_addr_family(&v4) && tquic_addr_family(&v4) != AF_INET) ||
	    (tquic_addr_family(&v6) && tquic_addr_family(&v6) != AF_INET6))
		return -EINVAL;
	memset(a, 0, sizeof(*a));
	if (tquic_addr_family(&v4)) {
		port = v4.v4.sin_port ?: tquic_addr_port(&tsk->local);
		memcpy(a->ipv4, &v4.v4.sin_addr, sizeof(a->ipv4));
		a->ipv4_port = ntohs(port);
	}
	if (tquic_addr_family(&v6)) {
		port = v6.v6.sin6_port ?: tquic_addr_port(&tsk->local);
		memcpy(a->ipv6, &v6.v6.sin6_addr, sizeof(a->ipv6));
		a->ipv6_port = ntohs(port);
	}
	tsk->conn.local.has_preferred_addr = a->ipv4_port || a->ipv6_port;
	return 0;
}

static void tquic_opt_get_preferred(const struct tquic_sock *tsk, struct tquic_preferred *p)
{
	const struct tquic_preferred_addr *a = &tsk->conn.local.preferred_addr;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&p->v6;
	struct sockaddr_in *v4 = (struct sockaddr_in *)&p->v4;

	memset(p, 0, sizeof(*p));
	if (a->ipv4_port) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(a->ipv4_port);
		memcpy(&v4->sin_addr, a->ipv4, sizeof(a->ipv4));
	}
	if (a->ipv6_port) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(a->ipv6_port);
		memcpy(&v6->sin6_addr, a->ipv6, sizeof(a->ipv6));
	}
}

/* The version a client begins with; a server goes on in it if the client can */
static int tquic_opt_set_version(struct sock *sk, sockptr_t optval,
				 unsigned int optlen)
{
	const struct tquic_version *v;
	u32 version;
	int ret;

	ret = tquic_opt_copy(&version, sizeof(version), optval, optlen);
	if (ret)
		return ret;
	if (tquic_opt_started(tquic_sk(sk)))
		return -EISCONN;
	v = tquic_version_find(version);
	if (!v)
		return -EPROTOTYPE;
	tquic_sk(sk)->version = v;
	tquic_sk(sk)->conn.prefer = v;
	return 0;
}

/* A token that an earlier connection got from the server */
static int tquic_opt_set_token(struct sock *sk, sockptr_t optval,
			       unsigned int optlen)
{
	struct tquic_conn *conn = &tquic_sk(sk)->conn;
	u8 token[TQUIC_TOKEN_MAX_LEN];

	if (optlen > sizeof(token))
		return -EMSGSIZE;
	if (tquic_opt_started(tquic_sk(sk)))
		return -EISCONN;
	if (copy_from_sockptr(token, optval, optlen))
		return -EFAULT;
	return tquic_conn_set_token(&conn->token, &conn->token_len, token,
				    optlen, GFP_KERNEL);
}

static int tquic_opt_set_recv_mask(struct sock *sk, sockptr_t optval,
				   unsigned int optlen)
{
	struct tquic_sock *tsk = tquic_sk(sk);
	u32 mask;
	int ret;

	ret = tquic_opt_copy(&mask, sizeof(mask), optval, optlen);
	if (ret)
		return ret;
	if (mask & ~TQUIC_RECV_ALL)
		return -EINVAL;
	tsk->recv_mask = mask;
	tsk->conn.want_events = mask & TQUIC_RECV_EVENT;
	return 0;
}

/* The server answers in another version: from now on its Initial packets are of that */
static int tquic_opt_upgraded(struct sock *sk)
{
	struct tquic_sock *tsk = tquic_sk(sk);
	struct tquic_conn *conn = &tsk->conn;
	int ret;

	ret = tquic_keyring_upgrade_initial(&tsk->keys, conn->version,
					    tquic_conn_initial_cid(conn));
	if (ret)
		tquic_conn_close(conn, TQUIC_ERR_INTERNAL, 0, false, NULL, 0, tquic_now_ns());
	return ret;
}

/* The peer's parameters, of this connection or what is remembered of an earlier one */
static int tquic_opt_set_params(struct sock *sk, int optname, sockptr_t optval,
				unsigned int optlen)
{
	struct tquic_conn *conn = &tquic_sk(sk)->conn;
	u8 *buf;
	int ret;

	if (conn->state != TQUIC_STATE_HANDSHAKE)
		return -ENOTCONN;
	if (conn->peer_params_set)
		return -EALREADY;
	if (!optlen || optlen > U16_MAX)
		return -EINVAL;
	buf = memdup_sockptr(optval, optlen);
	if (IS_ERR(buf))
		return PTR_ERR(buf);
	if (optname == TQUIC_SOCKOPT_EARLY_PARAMS)
		ret = tquic_early_remember(conn, buf, optlen);
	else
		ret = tquic_conn_peer_params(conn, buf, optlen, tquic_now_ns());
	if (!ret && conn->server && conn->version != conn->first_version)
		ret = tquic_opt_upgraded(sk);
	kfree(buf);
	tquic_sock_kick(sk);
	return ret > 0 ? -EPROTO : ret;
}

/* What became of the early data, as TLS tells a client */
static int tquic_opt_set_early(struct sock *sk, sockptr_t optval, unsigned int optlen)
{
	u32 state;
	int ret;

	ret = tquic_opt_copy(&state, sizeof(state), optval, optlen);
	if (ret)
		return ret;
	return state == TQUIC_EARLY_ACCEPTED ?
	       tquic_early_accept(&tquic_sk(sk)->conn) : -EINVAL;
}

static int tquic_opt_set_secret(struct sock *sk, sockptr_t optval,
				unsigned int optlen)
{
	struct tquic_sock *tsk = tquic_sk(sk);
	struct tquic_conn *conn = &tsk->conn;
	struct tquic_secret s;
	int ret;

	ret = tquic_opt_copy(&s, sizeof(s), optval, optlen);
	if (ret)
		return ret;
	ret = -EINVAL;
	if (s.send > 1 || s.secret_len > sizeof(s.secret) ||
	    s.level == TQUIC_LEVEL_INITIAL || s.level >= TQUIC_LEVEL_COUNT)
		goto out;
	ret = -ENOTCONN;
	if (conn->state != TQUIC_STATE_HANDSHAKE)
		goto out;
	ret = -EINVAL;
	if (s.level == TQUIC_LEVEL_EARLY && !tquic_early_takes_keys(conn, s.send))
		goto out;
	/* RFC 9369 §4.1: 0-RTT packets are of the version the client began with. */
	ret = tquic_keyring_install(&tsk->keys, s.level, s.send, s.cipher, s.secret,
				    s.secret_len, s.level == TQUIC_LEVEL_EARLY ?
				    conn->first_version : conn->version);
	if (ret)
		goto out;
	conn->cipher = s.cipher;
	tquic_conn_keys_ready(conn, s.level, s.send);
	if (!s.send)
		tquic_rx_undec(sk);
	tquic_sock_kick(sk);
out:
	memzero_explicit(&s, sizeof(s));
	return ret;
}

static int tquic_opt_set_end(struct sock *sk, sockptr_t optval,
			     unsigned int optlen)
{
	struct tquic_sock *tsk = tquic_sk(sk);
	struct tquic_conn *conn = &tsk->conn;
	struct tquic_handshake_end end;
	int ret;

	ret = tquic_opt_copy(&end, sizeof(end), optval, optlen);
	if (ret)
		return ret;
	if (end.failed > 1 || end.alert > U8_MAX || end.verified > 1 ||
	    end.reserved)
		return -EINVAL;
	if (conn->state != TQUIC_STATE_HANDSHAKE)
		return -ENOTCONN;
	if (end.failed) {
		TQUIC_INC(tquic_sock_net(sk), HS_FAILED);
		tquic_conn_close(conn, TQUIC_ERR_CRYPTO + end.alert,
				 TQUIC_FRAME_CRYPTO, false, NULL, 0,
				 tquic_now_ns());
	} else {
		if (!conn->peer_params_set ||
		    !(conn->keys_tx & conn->keys_rx & BIT(TQUIC_LEVEL_APP)))
			return -EINVAL;
		tquic_conn_tls_end(conn, end.verified, tquic_now_ns());
		if (conn->early == TQUIC_EARLY_ACCEPTED)
			TQUIC_INC(tquic_sock_net(sk), EARLY_ACCEPTED);
		else if (conn->early == TQUIC_EARLY_REJECTED)
			TQUIC_INC(tquic_sock_net(sk), EARLY_REJECTED);
		if (conn->server) {
			tquic_sock_new_token(sk);
			tquic_rx_undec(sk);
		}
		tsk->recv_mask &= ~TQUIC_RECV_CRYPTO;
	}
	tquic_sock_kick(sk);
	return 0;
}

static int tquic_opt_set_string(char **dst, size_t max, sockptr_t optval,
				unsigned int optlen)
{
	char *s;

	if (!optlen || optlen >= max)
		return -EINVAL;
	s = memdup_sockptr_nul(optval, optlen);
	if (IS_ERR(s))
		return PTR_ERR(s);
	kfree(*dst);
	*dst = s;
	return 0;
}

/* The stream that an option names */
static int tquic_opt_stream(struct tquic_conn *conn, u64 id, struct tquic_stream **out)
{
	if (!tquic_conn_is_open(conn))
		return -ENOTCONN;
	*out = tquic_streams_find(&conn->streams, id);
	return *out ? 0 : -ENOENT;
}

static int tquic_opt_stream_abort(struct sock *sk, int optname, sockptr_t optval,
				  unsigned int optlen)
{
	struct tquic_conn *conn = &tquic_sk(sk)->conn;
	struct tquic_stream_abort a;
	struct tquic_stream *s;
	int ret;

	ret = tquic_opt_copy(&a, sizeof(a), optval, optlen);
	if (ret)
		return ret;
	if (a.error_code > TQUIC_VARINT_MAX)
		return -ERANGE;
	ret = tquic_opt_stream(conn, a.stream_id, &s);
	if (ret)
		return ret;
	if (optname == TQUIC_SOCKOPT_STREAM_RESET)
		ret = tquic_conn_stream_reset(conn, s, a.error_code);
	else
		ret = tquic_conn_stream_stop(conn, s, a.error_code,
					     tquic_now_ns());
	tquic_sock_kick(sk);
	return ret;
}

/* The stream whose order of sending an option is about */
static int tquic_opt_sender(struct tquic_conn *conn, u64 id, struct tquic_stream **out)
{
	int ret = tquic_opt_stream(conn, id, out);

	if (!ret && (*out)->tx.state == TQUIC_SEND_NONE)
		return -EPIPE;
	return ret;
}

static int tquic_opt_set_priority(struct sock *sk, sockptr_t optval, unsigned int optlen)
{
	struct tquic_conn *conn = &tquic_sk(sk)->conn;
	struct tquic_stream_priority p;
	struct tquic_stream *s;
	int ret;

	ret = tquic_opt_copy(&p, sizeof(p), optval, optlen);
	if (ret)
		return ret;
	if (p.incremental > 1)
		return -EINVAL;
	if (p.urgency > TQUIC_URGENCY_MAX)
		return -ERANGE;
	ret = tquic_opt_sender(conn, p.stream_id, &s);
	if (!ret)
		tquic_streams_set_priority(&conn->streams, s, p.urgency, p.incremental);
	return ret;
}

static int tquic_opt_stream_reset_at(struct sock *sk, sockptr_t optval,
				     unsigned int optlen)
{
	struct tquic_conn *conn = &tquic_sk(sk)->conn;
	struct tquic_stream_reset_at a;
	struct tquic_stream *s;
	int ret;

	ret = tquic_opt_copy(&a, sizeof(a), optval, optlen);
	if (ret)
		return ret;
	if (a.error_code > TQUIC_VARINT_MAX)
		return -ERANGE;
	ret = tquic_opt_stream(conn, a.stream_id, &s);
	if (ret)
		return ret;
	ret = tquic_conn_stream_reset_at(conn, s, a.error_code, a.reliable_bytes);
	tquic_sock_kick(sk);
	return ret;
}

static int tquic_opt_close(struct sock *sk, sockptr_t optval, unsigned int optlen)
{
	struct tquic_conn *conn = &tquic_sk(sk)->conn;
	struct tquic_close c;
	int ret;

	ret = tquic_opt_copy(&c, sizeof(c), optval, optlen);
	if (ret)
		return ret;
	if (c.error_code > TQUIC_VARINT_MAX || c.frame_type ||
	    c.flags & ~TQUIC_CLOSE_APP || c.reason_len > TQUIC_REASON_MAX)
		return -EINVAL;
	if (conn->state != TQUIC_STATE_HANDSHAKE &&
	    conn->state != TQUIC_STATE_ESTABLISHED)
		return -ENOTCONN;
	tquic_conn_close(conn, c.error_code, 0, c.flags & TQUIC_CLOSE_APP,
			 c.reason, c.reason_len, tquic_now_ns());
	tquic_sock_kick(sk);
	return 0;
}

#define TQUIC_PATH_FLAGS	(TQUIC_PATH_BACKUP | TQUIC_PATH_METERED)

static int tquic_opt_path_add(struct sock *sk, sockptr_t optval,
			      unsigned int optlen)
{
	struct tquic_addr local, peer = {};
	struct tquic_path_addr a;
	u32 path_id;
	int ret;

	ret = tquic_opt_copy(&a, sizeof(a), optval, optlen);
	if (ret)
		return ret;
	if (a.flags & ~TQUIC_PATH_FLAGS || a.ifindex > INT_MAX)
		return -EINVAL;
	ret = tquic_addr_from_sa(&local, &a.local, sizeof(a.local));
	if (!ret && a.peer.ss_family)
		ret = tquic_addr_from_sa(&peer, &a.peer, sizeof(a.peer));
	if (ret)
		return ret;
	return tquic_link_add_path(sk, &local, &peer, a.ifindex, a.flags, &path_id);
}

static int tquic_opt_path_move(struct sock *sk, sockptr_t optval, unsigned int optlen)
{
	struct tquic_addr local, peer = {};
	struct tquic_path_move m;
	struct tquic_path *path;
	int ret;

	ret = tquic_opt_copy(&m, sizeof(m), optval, optlen);
	if (ret)
		return ret;
	if (m.ifindex > INT_MAX)
		return -EINVAL;
	ret = tquic_addr_from_sa(&local, &m.local, sizeof(m.local));
	if (!ret && m.peer.ss_family)
		ret = tquic_addr_from_sa(&peer, &m.peer, sizeof(m.peer));
	if (ret)
		return ret;
	if (tquic_sk(sk)->conn.state != TQUIC_STATE_ESTABLISHED)
		return -ENOTCONN;
	if (tquic_sk(sk)->conn.server)
		return -EOPNOTSUPP;
	path = tquic_path_find(&tquic_sk(sk)->conn, m.path_id);
	if (!path || !path->link)
		return -ENOENT;
	return tquic_link_try(sk, path, &local, &peer, m.ifindex);
}

static int tquic_opt_path_ref(struct sock *sk, int optname, sockptr_t optval,
			      unsigned int optlen)
{
	struct tquic_conn *conn = &tquic_sk(sk)->conn;
	struct tquic_path_ref ref;
	struct tquic_path *path;
	int ret;

	ret = tquic_opt_copy(&ref, sizeof(ref), optval, optlen);
	if (ret)
		return ret;
	if (ref.flags & ~TQUIC_PATH_FLAGS || ref.error_code > TQUIC_VARINT_MAX)
		return -EINVAL;
	if (conn->state != TQUIC_STATE_ESTABLISHED)
		return -ENOTCONN;
	path = tquic_path_find(conn, ref.path_id);
	if (!path || path->state == TQUIC_PATH_UNUSED)
		return -ENOENT;
	if (optname == TQUIC_SOCKOPT_PATH_DEL) {
		ret = tquic_path_close(conn, path, ref.error_code,
				       tquic_now_ns());
	} else if (!conn->multipath) {
		ret = -EOPNOTSUPP;
	} else if (!tquic_path_is_open(path)) {
		ret = -EALREADY;
	} else {
		tquic_path_set_flags(conn, path, ref.flags);
	}
	tquic_sock_kick(sk);
	return ret;
}

static int tquic_opt_key_update(struct sock *sk)
{
	int ret = tquic_sock_update_keys(sk);

	if (!ret)
		tquic_sock_kick(sk);
	return ret;
}

/* Names of registry entries; a connection is handed over whatever its state */
static int tquic_opt_set_name(struct sock *sk, int optname, sockptr_t optval,
			      unsigned int optlen)
{
	struct tquic_conn *conn = &tquic_sk(sk)->conn;
	const struct tquic_sched *sched;
	const struct tquic_cc_ops *cc_ops;
	char name[TQUIC_NAME_LEN];

	sock_owned_by_me(sk);
	if (!optlen || optlen >= sizeof(name))
		return -EINVAL;
	if (copy_from_sockptr(name, optval, optlen))
		return -EFAULT;
	name[optlen] = 0;
	if (optname == TQUIC_SOCKOPT_CONGESTION) {
		cc_ops = tquic_cc_get(name);
		if (!cc_ops)
			return -ENOENT;
		tquic_conn_assign_cc(conn, cc_ops, tquic_now_ns());
	} else {
		sched = tquic_sched_get(name);
		if (!sched)
			return -ENOENT;
		tquic_sched_assign(conn, sched);
	}
	tquic_sock_kick(sk);
	return 0;
}

static int tquic_do_setsockopt(struct sock *sk, int optname, sockptr_t optval,
			       unsigned int optlen)
{
	struct tquic_sock *tsk = tquic_sk(sk);

	switch (optname) {
	case TQUIC_SOCKOPT_CONFIG:
		return tquic_opt_set_config(sk, optval, optlen);
	case TQUIC_SOCKOPT_HANDSHAKE_MODE:
		return tquic_opt_set_mode(sk, optval, optlen);
	case TQUIC_SOCKOPT_PEER_PARAMS:
	case TQUIC_SOCKOPT_EARLY_PARAMS:
		return tquic_opt_set_params(sk, optname, optval, optlen);
	case TQUIC_SOCKOPT_EARLY_DATA:
		return tquic_opt_set_early(sk, optval, optlen);
	case TQUIC_SOCKOPT_SECRET:
		return tquic_opt_set_secret(sk, optval, optlen);
	case TQUIC_SOCKOPT_HANDSHAKE_END:
		return tquic_opt_set_end(sk, optval, optlen);
	case TQUIC_SOCKOPT_RECV_MASK:
		return tquic_opt_set_recv_mask(sk, optval, optlen);
	case TQUIC_SOCKOPT_ALPN:
		return tquic_opt_set_string(&tsk->alpn, TQUIC_ALPN_MAX, optval,
					    optlen);
	case TQUIC_SOCKOPT_SERVER_NAME:
		return tquic_opt_set_string(&tsk->server_name, TQUIC_NAME_MAX,
					    optval, optlen);
	case TQUIC_SOCKOPT_STREAM_RESET:
	case TQUIC_SOCKOPT_STREAM_STOP:
		return tquic_opt_stream_abort(sk, optname, optval, optlen);
	case TQUIC_SOCKOPT_STREAM_PRIORITY:
		return tquic_opt_set_priority(sk, optval, optlen);
	case TQUIC_SOCKOPT_STREAM_RESET_AT:
		return tquic_opt_stream_reset_at(sk, optval, optlen);
	case TQUIC_SOCKOPT_CLOSE:
		return tquic_opt_close(sk, optval, optlen);
	case TQUIC_SOCKOPT_PATH_ADD:
		return tquic_opt_path_add(sk, optval, optlen);
	case TQUIC_SOCKOPT_PATH_MOVE:
		return tquic_opt_path_move(sk, optval, optlen);
	case TQUIC_SOCKOPT_PREFERRED:
		return tquic_opt_set_preferred(sk, optval, optlen);
	case TQUIC_SOCKOPT_PATH_DEL:
	case TQUIC_SOCKOPT_PATH_STATUS:
		return tquic_opt_path_ref(sk, optname, optval, optlen);
	case TQUIC_SOCKOPT_KEY_UPDATE:
		return tquic_opt_key_update(sk);
	case TQUIC_SOCKOPT_CONGESTION:
	case TQUIC_SOCKOPT_SCHEDULER:
		return tquic_opt_set_name(sk, optname, optval, optlen);
	case TQUIC_SOCKOPT_RETRY:
		return tquic_opt_set_retry(sk, optval, optlen);
	case TQUIC_SOCKOPT_TOKEN:
		return tquic_opt_set_token(sk, optval, optlen);
	case TQUIC_SOCKOPT_VERSION:
		return tquic_opt_set_version(sk, optval, optlen);
	default:
		return -ENOPROTOOPT;
	}
}

int tquic_setsockopt(struct sock *sk, int level, int optname, sockptr_t optval,
		     unsigned int optlen)
{
	int ret;

	if (level != SOL_TQUIC)
		return sk->sk_family == AF_INET6 ?
		       ipv6_setsockopt(sk, level, optname, optval, optlen) :
		       ip_setsockopt(sk, level, optname, optval, optlen);
	lock_sock(sk);
	ret = tquic_do_setsockopt(sk, optname, optval, optlen);
	release_sock(sk);
	return ret;
}

/**
 * tquic_setsockopt_stream() - an option set on the socket of a stream
 * @sk: its connection
 * @id: the stream
 * @optname: one of those about a stream, whose values begin with its id
 * @optval: value
 * @optlen: its size
 *
 * Context: process, lock not held.
 * Return: 0; -ENOPROTOOPT; -ENOENT when the value names another stream; or what the
 * option says on the connection's socket.
 */
int tquic_setsockopt_stream(struct sock *sk, u64 id, int optname, sockptr_t optval,
			    unsigned int optlen)
{
	union {
		u64 id;
		struct tquic_stream_abort abort;
		struct tquic_stream_priority priority;
	} value;
	int ret;

	if (optname != TQUIC_SOCKOPT_STREAM_RESET && optname != TQUIC_SOCKOPT_STREAM_STOP &&
	    optname != TQUIC_SOCKOPT_STREAM_PRIORITY)
		return -ENOPROTOOPT;
	if (optlen != sizeof(value))
		return -EINVAL;
	/* What is checked is what is used: the program may hold no other stream. */
	if (copy_from_sockptr(&value, optval, sizeof(value)))
		return -EFAULT;
	if (value.id != id)
		return -ENOENT;
	lock_sock(sk);
	ret = tquic_do_setsockopt(sk, optname, KERNEL_SOCKPTR(&value), optlen);
	release_sock(sk);
	return ret;
}

/**
 * tquic_info_datagram_bytes() - largest datagram that can be sent now
 * @conn: connection
 *
 * Return: payload that every usable path carries, and the peer takes; 0: none.
 */
u32 tquic_info_datagram_bytes(const struct tquic_conn *conn)
{
	u32 best = 0, room;
	const struct tquic_path *path;

	tquic_for_each_path(conn, path) {
		const struct tquic_cid *dcid;

		if (path->state != TQUIC_PATH_ACTIVE)
			continue;
		dcid = tquic_cidset_remote_current(&path->remote);
		/* short header, packet number, tag, frame type */
		room = path->pmtu.bytes - 1 - (dcid ? dcid->len : 0) -
		       TQUIC_PN_MAX_LEN - TQUIC_AEAD_TAG_LEN - 1;
		/* A datagram may meet any path: the narrowest counts. */
		best = best ? min(best, room) : room;
	}
	return min_t(u64, best, tquic_dgram_peer_bytes(conn));
}

static void tquic_info_bond(const struct tquic_bond *bond, u64 now,
			    struct tquic_info *info)
{
	unsigned int i;

	info->bond_state = bond->state;
	for (i = 0; i < TQUIC_BOND_STATES; i++) {
		info->bond_time_ns[i] = tquic_bond_time_ns(bond, i, now);
		info->bond_entered[i] = bond->entered[i];
	}
}

/**
 * tquic_info_fill() - what TQUIC_SOCKOPT_INFO tells
 * @sk: socket, lock held
 * @info: destination
 */
void tquic_info_fill(struct sock *sk, struct tquic_info *info)
{
	struct tquic_sock *tsk = tquic_sk(sk);
	struct tquic_conn *conn = &tsk->conn;
	const struct tquic_conn_stats *st = &conn->stats;
	const struct tquic_path *path;

	memset(info, 0, sizeof(*info));
	info->state = conn->state;
	info->version = conn->version ? conn->version->version : 0;
	info->cipher = conn->cipher;
	info->server = conn->server;
	info->confirmed = conn->confirmed;
	info->verified = conn->verified;
	info->multipath = conn->multipath;
	info->token = tsk->token;
	info->bytes_sent = st->bytes_sent;
	info->bytes_received = st->bytes_received;
	info->bytes_retransmitted = st->bytes_retransmitted;
	info->bytes_reinjected = st->bytes_reinjected;
	info->bytes_delivered = st->bytes_delivered;
	info->streams_opened = st->streams_opened;
	info->datagrams_sent = st->datagrams_sent;
	info->datagrams_received = st->datagrams_received;
	info->datagrams_dropped = st->datagrams_dropped;
	info->deadlines_missed = st->deadlines_missed;
	info->max_data_local = conn->flow_rx.max;
	info->max_data_peer = conn->flow_tx.max;
	info->send_queue_bytes = conn->streams.tx_mem.used;
	info->recv_queue_bytes = conn->streams.rx_mem.used;
	info->max_datagram_bytes = tquic_info_datagram_bytes(conn);
	info->key_updates = st->key_updates;
	if (tquic_opt_started(tsk) && !tsk->listener)
		tquic_info_bond(&conn->bond, tquic_now_ns(), info);
	tquic_for_each_path(conn, path)
		info->paths += tquic_path_is_open(path);
	if (conn->cc_ops)
		strscpy(info->congestion, conn->cc_ops->entry.name);
	if (conn->sched)
		strscpy(info->scheduler, conn->sched->entry.name);
}

/**
 * tquic_path_info_fill() - what TQUIC_SOCKOPT_PATH_INFO tells
 * @path: path; its connection's lock is held
 * @info: destination
 */
void tquic_path_info_fill(const struct tquic_path *path,
			  struct tquic_path_info *info)
{
	const struct tquic_link *link = path->link;
	struct tquic_addr local;

	memset(info, 0, sizeof(*info));
	info->path_id = path->id;
	info->state = path->state;
	info->flags = (path->backup ? TQUIC_PATH_BACKUP : 0) |
		      (path->metered ? TQUIC_PATH_METERED : 0);
	info->peer_flags = path->peer_backup ? TQUIC_PATH_BACKUP : 0;
	info->mtu_bytes = path->pmtu.bytes;
	info->srtt_ns = path->rtt.srtt_ns;
	info->rttvar_ns = path->rtt.rttvar_ns;
	info->min_rtt_ns = path->rtt.min_ns;
	info->cwnd_bytes = path->cc.cwnd;
	info->ssthresh_bytes = path->cc.ssthresh;
	info->in_flight_bytes = path->cc.in_flight;
	info->pacing_rate = tquic_path_pacing_rate(path);
	info->packets_sent = path->stats.tx_packets;
	info->packets_received = path->stats.rx_packets;
	info->packets_lost = path->stats.lost_packets;
	info->packets_spurious = path->stats.spurious_packets;
	info->bytes_sent = path->stats.tx_bytes;
	info->bytes_received = path->stats.rx_bytes;
	info->ptos = path->stats.ptos;
	info->ce_marks = path->stats.ce_marks;
	if (!link)
		return;
	info->ifindex = link->route.ifindex;
	local = link->route.local;
	if (tquic_addr_family(&local))
		tquic_addr_set_port(&local, tquic_addr_port(&link->udp->local));
	memcpy(&info->local, &local, sizeof(local));
	memcpy(&info->peer, &link->route.peer, sizeof(link->route.peer));
}

union tquic_opt_out {
	u32 u;
	struct tquic_config config;
	struct tquic_stream_info stream;
	struct tquic_stream_priority priority;
	struct tquic_close close;
	struct tquic_info info;
	struct tquic_path_info path;
	struct tquic_preferred preferred;
	u8 params[TQUIC_PARAMS_MAX_LEN];
};

static int tquic_opt_get_path(struct sock *sk, union tquic_opt_out *out,
			      char __user *optval, int len)
{
	struct tquic_path *path;
	u32 id;

	if (len < sizeof(id))
		return -EINVAL;
	if (copy_from_user(&id, optval, sizeof(id)))
		return -EFAULT;
	path = tquic_path_find(&tquic_sk(sk)->conn, id);
	if (!path)
		return -ENOENT;
	tquic_path_info_fill(path, &out->path);
	return sizeof(out->path);
}

static int tquic_opt_stream_open(struct sock *sk, union tquic_opt_out *out,
				 char __user *optval, int len)
{
	struct tquic_conn *conn = &tquic_sk(sk)->conn;
	struct tquic_stream *s;
	int ret;

	if (len < sizeof(out->stream))
		return -EINVAL;
	if (copy_from_user(&out->stream, optval, sizeof(out->stream)))
		return -EFAULT;
	if (out->stream.flags & ~TQUIC_MSG_UNI || out->stream.reserved)
		return -EINVAL;
	if (!tquic_conn_is_open(conn))
		return -ENOTCONN;
	ret = tquic_streams_open(&conn->streams,
				 out->stream.flags & TQUIC_MSG_UNI,
				 tquic_now_ns(), GFP_KERNEL_ACCOUNT, &s);
	tquic_sock_kick(sk);
	if (ret)
		return ret;
	conn->stats.streams_opened++;
	out->stream.stream_id = s->id;
	return sizeof(out->stream);
}

static int tquic_opt_get_priority(struct sock *sk, union tquic_opt_out *out,
				  char __user *optval, int len)
{
	struct tquic_stream_priority *p = &out->priority;
	struct tquic_stream *s;
	int ret;

	if (len < sizeof(*p))
		return -EINVAL;
	if (copy_from_user(&p->stream_id, optval, sizeof(p->stream_id)))
		return -EFAULT;
	ret = tquic_opt_sender(&tquic_sk(sk)->conn, p->stream_id, &s);
	if (ret)
		return ret;
	p->urgency = s->urgency;
	p->incremental = s->incremental;
	return sizeof(*p);
}

static int tquic_opt_get_string(union tquic_opt_out *out, const char *s)
{
	return s ? strscpy(out->params, s, sizeof(out->params)) : 0;
}

/* Fills @out; returns its length or an errno */
static int tquic_do_getsockopt(struct sock *sk, int optname,
			       union tquic_opt_out *out, char __user *optval,
			       int len)
{
	struct tquic_net *tn = tquic_sock_net(sk);
	struct tquic_sock *tsk = tquic_sk(sk);
	struct tquic_conn *conn = &tsk->conn;

	switch (optname) {
	case TQUIC_SOCKOPT_CONFIG:
		tquic_opt_get_config(sk, &out->config);
		return sizeof(out->config);
	case TQUIC_SOCKOPT_HANDSHAKE_MODE:
		out->u = tsk->handshake_mode;
		return sizeof(out->u);
	case TQUIC_SOCKOPT_LOCAL_PARAMS:
		if (conn->state != TQUIC_STATE_HANDSHAKE)
			return -ENOTCONN;
		return tquic_conn_local_params(conn, out->params,
					       sizeof(out->params));
	case TQUIC_SOCKOPT_RECV_MASK:
		out->u = tsk->recv_mask;
		return sizeof(out->u);
	case TQUIC_SOCKOPT_ALPN:
		return tquic_opt_get_string(out, tsk->alpn);
	case TQUIC_SOCKOPT_SERVER_NAME:
		return tquic_opt_get_string(out, tsk->server_name);
	case TQUIC_SOCKOPT_STREAM_OPEN:
		return tquic_opt_stream_open(sk, out, optval, len);
	case TQUIC_SOCKOPT_STREAM_PRIORITY:
		return tquic_opt_get_priority(sk, out, optval, len);
	case TQUIC_SOCKOPT_CLOSE:
		if (conn->state <= TQUIC_STATE_ESTABLISHED)
			return -ENOTCONN;
		out->close = conn->closed;
		return sizeof(out->close);
	case TQUIC_SOCKOPT_CONGESTION:
		if (conn->cc_ops)
			return tquic_opt_get_string(out, conn->cc_ops->entry.name);
		return tquic_sysctl_copy(tn, tn->sysctls.congestion_control,
					 out->params);
	case TQUIC_SOCKOPT_SCHEDULER:
		if (conn->sched)
			return tquic_opt_get_string(out, conn->sched->entry.name);
		return tquic_sysctl_copy(tn, tn->sysctls.scheduler, out->params);
	case TQUIC_SOCKOPT_INFO:
		tquic_info_fill(sk, &out->info);
		return sizeof(out->info);
	case TQUIC_SOCKOPT_PATH_INFO:
		return tquic_opt_get_path(sk, out, optval, len);
	case TQUIC_SOCKOPT_RETRY:
		out->u = tsk->retry_always;
		return sizeof(out->u);
	case TQUIC_SOCKOPT_TOKEN:
		if (conn->state == TQUIC_STATE_IDLE || conn->server)
			return -ENOTCONN;
		memcpy(out->params, conn->new_token, conn->new_token_len);
		return conn->new_token_len;
	case TQUIC_SOCKOPT_PREFERRED:
		tquic_opt_get_preferred(tsk, &out->preferred);
		return sizeof(out->preferred);
	case TQUIC_SOCKOPT_EARLY_DATA:
		out->u = conn->early;
		return sizeof(out->u);
	case TQUIC_SOCKOPT_VERSION:
		out->u = conn->version ? conn->version->version :
					 tsk->version->version;
		return sizeof(out->u);
	default:
		return -ENOPROTOOPT;
	}
}

/* Who does not learn a stream's id cannot use it */
static void tquic_opt_stream_unopen(struct sock *sk, u64 id)
{
	struct tquic_conn *conn = &tquic_sk(sk)->conn;
	struct tquic_stream *s;

	lock_sock(sk);
	s = tquic_streams_find(&conn->streams, id);
	if (s && !s->users && tquic_streams_unopen(&conn->streams, s))
		conn->stats.streams_opened--;
	release_sock(sk);
}

int tquic_getsockopt(struct sock *sk, int level, int optname,
		     char __user *optval, int __user *optlen)
{
	union tquic_opt_out *out;
	int len, ret;

	if (level != SOL_TQUIC)
		return sk->sk_family == AF_INET6 ?
		       ipv6_getsockopt(sk, level, optname, optval, optlen) :
		       ip_getsockopt(sk, level, optname, optval, optlen);
	if (get_user(len, optlen))
		return -EFAULT;
	if (len < 0)
		return -EINVAL;
	if (optname == TQUIC_SOCKOPT_STREAM_FD)
		return tquic_stream_open(sk, optval, optlen, len);
	out = kzalloc(sizeof(*out), GFP_KERNEL);
	if (!out)
		return -ENOMEM;
	lock_sock(sk);
	ret = tquic_do_getsockopt(sk, optname, out, optval, len);
	release_sock(sk);
	if (ret >= 0) {
		len = min(len, ret);
		ret = put_user(len, optlen) || copy_to_user(optval, out, len) ?
		      -EFAULT : 0;
		if (ret && optname == TQUIC_SOCKOPT_STREAM_OPEN)
			tquic_opt_stream_unopen(sk, out->stream.stream_id);
	}
	kfree(out);
	return ret;
}
