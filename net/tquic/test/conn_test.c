// SPDX-License-Identifier: GPL-2.0
/* Connections from the first packet to the last: handshake, parameters, timers, close. */
#include <kunit/test.h>
#include <linux/math64.h>

#include "core/path.h"
#include "test/pair.h"

#define SEC	((u64)NSEC_PER_SEC)

static bool conn_is_closed(const struct pair_end *e)
{
	return e->conn.state == TQUIC_STATE_CLOSED;
}

static bool conn_both_closed(struct pair *p)
{
	return conn_is_closed(&p->end[0]) && conn_is_closed(&p->end[1]);
}

static bool conn_one_closed(struct pair *p)
{
	return conn_is_closed(&p->end[0]) || conn_is_closed(&p->end[1]);
}

static void conn_handshake_clean(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_conn *c;
	u32 i;

	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	/* Two round trips: client, server, client, HANDSHAKE_DONE. */
	KUNIT_EXPECT_EQ(test, p->now - PAIR_START_NS, PAIR_MS(40));
	pair_run(p, PAIR_MS(500));
	for (i = 0; i < 2; i++) {
		c = &p->end[i].conn;
		KUNIT_EXPECT_EQ(test, c->state, TQUIC_STATE_ESTABLISHED);
		KUNIT_EXPECT_TRUE(test, c->multipath);
		KUNIT_EXPECT_EQ(test, p->end[i].discarded,
				BIT(TQUIC_LEVEL_INITIAL) | BIT(TQUIC_LEVEL_HANDSHAKE));
		KUNIT_EXPECT_EQ(test, c->keys_tx, BIT(TQUIC_LEVEL_APP));
		KUNIT_EXPECT_EQ(test, c->keys_rx, BIT(TQUIC_LEVEL_APP));
		KUNIT_EXPECT_EQ(test, tquic_conn_path(c, 0)->cc.in_flight, 0);
		KUNIT_EXPECT_EQ(test, tquic_conn_path(c, 0)->stats.ptos, 0);
		KUNIT_EXPECT_EQ(test, tquic_conn_path(c, 0)->pmtu.bytes, PAIR_MTU);
		KUNIT_EXPECT_EQ(test, p->end[i].events[TQUIC_EVENT_ESTABLISHED], 1);
		KUNIT_EXPECT_EQ(test, p->end[i].rx_dup, 0);
		KUNIT_EXPECT_EQ(test, c->hs_pto_count, 0);
		KUNIT_EXPECT_EQ(test, p->end[i].todo & (TQUIC_TODO_STATE | TQUIC_TODO_PATHS),
				TQUIC_TODO_STATE | TQUIC_TODO_PATHS);
	}
	KUNIT_EXPECT_EQ(test, p->end[0].tls.ticket_bytes, 250);
	pair_check(p);
}

/* With a third of all datagrams lost it takes longer, but it always ends. */
static void conn_handshake_lossy(struct kunit *test)
{
	struct pair *p;
	u32 seed;

	for (seed = 1; seed <= 20; seed++) {
		p = pair_create(test, 1);
		p->rnd *= seed;
		p->link[0].loss_ppm = 300000;
		p->end[1].flight_bytes = 2000 + 200 * seed;
		KUNIT_ASSERT_TRUE(test, pair_handshake(p));
		p->link[0].loss_ppm = 0;
		pair_run(p, 5 * SEC);
		KUNIT_EXPECT_EQ(test, p->end[0].conn.keys_tx, BIT(TQUIC_LEVEL_APP));
		KUNIT_EXPECT_EQ(test, p->end[1].conn.keys_tx, BIT(TQUIC_LEVEL_APP));
		KUNIT_EXPECT_EQ(test, p->end[0].tls.ticket_bytes, 250);
		pair_check(p);
	}
}

/* A flight of more than three times the client's first: it has to ask for the rest. */
static void conn_amplification(struct kunit *test)
{
	struct pair *p;
	u32 lost;

	for (lost = 0; lost < 4; lost++) {
		p = pair_create(test, 1);
		p->end[1].flight_bytes = 9000;
		KUNIT_ASSERT_TRUE(test, pair_start(p));
		/* The server's first datagrams arrive, or none of what it may send. */
		p->link[0].drop_next[0] = lost;
		/* The bounds themselves are watched by the pair. */
		KUNIT_ASSERT_TRUE(test, pair_handshake(p));
		KUNIT_EXPECT_TRUE(test, p->end[1].conn.confirmed);
		pair_check(p);
	}
}

/* What the server wants is lost; a client without anything to repeat sends on (RFC 9002 §6.2.2.1) */
static void conn_client_unblocks_server(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_conn *c = &p->end[0].conn;

	p->end[1].flight_bytes = 9000;
	KUNIT_ASSERT_TRUE(test, pair_start(p));
	/* All the server may send arrives; the client's answers vanish. */
	p->link[0].drop_next[1] = 5;
	pair_run(p, PAIR_MS(22));
	KUNIT_EXPECT_TRUE(test, c->keys_tx & BIT(TQUIC_LEVEL_HANDSHAKE));
	KUNIT_EXPECT_FALSE(test, c->peer_validated_us);
	KUNIT_EXPECT_EQ(test, tquic_conn_hs(c)->space[1].eliciting_in_flight, 0);
	KUNIT_EXPECT_TRUE(test, pair_handshake(p));
	KUNIT_EXPECT_GE(test, tquic_conn_path(c, 0)->stats.ptos, 1);
}

/* The token of an id in use ends the connection; of one never used, or nearly right, not */
static void conn_stateless_reset(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_conn *c = &p->end[0].conn;
	struct tquic_cidset_remote *r;
	u8 token[16];
	u32 i, unused = 0;
	u64 sent;

	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	pair_run(p, PAIR_MS(500));
	r = &tquic_conn_path(c, 0)->remote;
	KUNIT_ASSERT_TRUE(test, r->e[r->cur].has_token);
	for (i = 0; i < 16; i++) {
		memcpy(token, r->e[r->cur].token, 16);
		token[i] ^= 0x80;
		KUNIT_EXPECT_FALSE(test, tquic_conn_on_reset(c, token, p->now));
	}
	for (i = 0; i < r->count; i++) {
		if (r->e[i].used)
			continue;
		unused++;
		KUNIT_EXPECT_FALSE(test, tquic_conn_on_reset(c, r->e[i].token, p->now));
	}
	KUNIT_EXPECT_GT(test, unused, 0);
	KUNIT_EXPECT_EQ(test, c->state, TQUIC_STATE_ESTABLISHED);

	memcpy(token, r->e[r->cur].token, 16);
	sent = p->link[0].pipe[1].sent;
	KUNIT_EXPECT_TRUE(test, tquic_conn_on_reset(c, token, p->now));
	KUNIT_EXPECT_EQ(test, c->state, TQUIC_STATE_DRAINING);
	KUNIT_EXPECT_EQ(test, c->closed.flags, TQUIC_CLOSE_PEER | TQUIC_CLOSE_RESET);
	KUNIT_EXPECT_EQ(test, c->closed.error_code, 0);
	KUNIT_EXPECT_EQ(test, c->closed.frame_type, 0);
	KUNIT_EXPECT_EQ(test, p->end[0].events[TQUIC_EVENT_CLOSED], 1);
	KUNIT_EXPECT_TRUE(test, c->todo & TQUIC_TODO_STATE);
	KUNIT_EXPECT_FALSE(test, tquic_conn_on_reset(c, token, p->now));
	pair_kick(&p->end[0]);
	pair_run(p, 5 * SEC);
	KUNIT_EXPECT_TRUE(test, conn_is_closed(&p->end[0]));
	KUNIT_EXPECT_EQ(test, p->link[0].pipe[1].sent, sent);
}

/* Each connection id is told with the token that resets what is sent to it. */
static void conn_reset_tokens(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_conn *client = &p->end[0].conn, *server = &p->end[1].conn;
	struct tquic_cid_remote *e;
	struct tquic_path *path;
	u32 i, told = 0;
	u8 token[16];

	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	pair_run(p, PAIR_MS(500));
	tquic_for_each_path(client, path) {
		for (i = 0; i < path->remote.count; i++) {
			e = &path->remote.e[i];
			server->ops->reset_token(server, &e->cid, token);
			KUNIT_EXPECT_TRUE(test, e->has_token);
			KUNIT_EXPECT_MEMEQ(test, e->token, token, sizeof(token));
			told++;
		}
	}
	/* two of path 0, two of the spare one */
	KUNIT_EXPECT_EQ(test, told, 4);
}

/* HANDSHAKE_DONE overtakes the program that runs TLS */
static void conn_done_before_tls_end(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);

	p->end[0].tls_late = true;
	KUNIT_ASSERT_TRUE(test, pair_start(p));
	pair_run(p, PAIR_MS(200));
	KUNIT_EXPECT_TRUE(test, p->end[1].conn.confirmed);
	KUNIT_EXPECT_FALSE(test, p->end[0].conn.confirmed);
	KUNIT_EXPECT_EQ(test, p->end[0].conn.state, TQUIC_STATE_HANDSHAKE);
	p->end[0].conn.todo = 0;
	pair_tls_end(&p->end[0]);
	KUNIT_EXPECT_EQ(test, p->end[0].conn.todo & (TQUIC_TODO_STATE | TQUIC_TODO_WRITE),
			TQUIC_TODO_STATE | TQUIC_TODO_WRITE);
	KUNIT_EXPECT_TRUE(test, p->end[0].conn.confirmed);
	KUNIT_EXPECT_EQ(test, p->end[0].conn.state, TQUIC_STATE_ESTABLISHED);
}

static void conn_params_refused(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	u8 buf[TQUIC_PARAMS_MAX_LEN];
	ssize_t n;

	KUNIT_ASSERT_TRUE(test, pair_start(p));
	pair_run(p, PAIR_MS(15));
	/* Its own parameters name the wrong connection ids. */
	n = tquic_conn_local_params(&p->end[0].conn, buf, sizeof(buf));
	KUNIT_ASSERT_GT(test, n, 0);
	KUNIT_EXPECT_EQ(test, tquic_conn_peer_params(&p->end[0].conn, buf, n, p->now),
			TQUIC_ERR_TRANSPORT_PARAMETER);
	KUNIT_EXPECT_EQ(test, p->end[0].conn.state, TQUIC_STATE_CLOSING);
	KUNIT_EXPECT_EQ(test, p->end[0].conn.closed.error_code,
			TQUIC_ERR_TRANSPORT_PARAMETER);
	KUNIT_EXPECT_EQ(test, p->end[0].conn.closed.frame_type, 0);
}

/* The id of a preferred address is not one that has another number already (RFC 9000 §19.15) */
static void conn_preferred_id_refused(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_conn *client = &p->end[0].conn, *server = &p->end[1].conn;
	u8 buf[TQUIC_PARAMS_MAX_LEN];
	ssize_t n;

	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	server->local.has_preferred_addr = true;
	server->local.preferred_addr.cid = server->local.iscid;
	n = tquic_conn_local_params(server, buf, sizeof(buf));
	KUNIT_ASSERT_GT(test, n, 0);
	KUNIT_EXPECT_EQ(test, tquic_conn_peer_params(client, buf, n, p->now),
			TQUIC_ERR_PROTOCOL_VIOLATION);
	KUNIT_EXPECT_EQ(test, client->state, TQUIC_STATE_CLOSING);
	KUNIT_EXPECT_EQ(test, client->closed.error_code, TQUIC_ERR_PROTOCOL_VIOLATION);
	KUNIT_EXPECT_FALSE(test, client->closed.flags & TQUIC_CLOSE_APP);
}

/* One side does not offer multipath: plain RFC 9000 */
static void conn_without_multipath(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);

	p->end[1].conn.local.has_max_path_id = false;
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	pair_run(p, PAIR_MS(200));
	KUNIT_EXPECT_FALSE(test, p->end[0].conn.multipath);
	KUNIT_EXPECT_FALSE(test, p->end[1].conn.multipath);
	KUNIT_EXPECT_EQ(test, p->end[1].conn.max_path_id_local, 0);
	KUNIT_EXPECT_NULL(test, tquic_path_spare(&p->end[0].conn));
	KUNIT_EXPECT_EQ(test, tquic_cidset_remote_spare(&tquic_conn_path(&p->end[0].conn, 0)->remote), 1);
	KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(&p->end[0], false, 30000));
	KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 5 * SEC));
	KUNIT_EXPECT_EQ(test, tquic_path_close(&p->end[0].conn, tquic_conn_path(&p->end[0].conn, 0), 0, p->now),
			-EOPNOTSUPP);
	/* An id that is retired is replaced. */
	KUNIT_ASSERT_EQ(test, tquic_cidset_remote_rotate(&tquic_conn_path(&p->end[0].conn, 0)->remote), 0);
	pair_kick(&p->end[0]);
	pair_run(p, PAIR_MS(200));
	KUNIT_EXPECT_EQ(test, p->end[1].conn.state, TQUIC_STATE_ESTABLISHED);
	KUNIT_EXPECT_EQ(test, tquic_cidset_remote_spare(&tquic_conn_path(&p->end[0].conn, 0)->remote), 1);
}

/* More path ids than there is room for are not offered */
static void conn_path_ids_bounded(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);

	p->end[1].conn.local.max_path_id = 1000000;
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	KUNIT_EXPECT_EQ(test, p->end[0].conn.max_path_id_peer, TQUIC_PATHS_MAX - 1);
}

static void conn_idle(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	u64 start;
	u32 i;

	p->end[1].conn.local.max_idle_timeout_ms = 2000;
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	start = p->now;
	KUNIT_ASSERT_TRUE(test, pair_until(p, conn_both_closed, 10 * SEC));
	KUNIT_EXPECT_GE(test, p->now - start, 2 * SEC);
	KUNIT_EXPECT_LE(test, p->now - start, 2 * SEC + PAIR_MS(500));
	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_EQ(test, p->end[i].conn.closed.flags, TQUIC_CLOSE_IDLE);
		KUNIT_EXPECT_EQ(test, p->end[i].events[TQUIC_EVENT_CLOSED], 1);
	}
}

/* Nobody answers: the client tries less and less often, and gives up */
static void conn_no_server(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);

	p->link[0].cut = true;
	p->end[0].conn.local.max_idle_timeout_ms = 20000;
	KUNIT_ASSERT_TRUE(test, pair_start(p));
	KUNIT_EXPECT_TRUE(test, pair_until(p, conn_one_closed, 60 * SEC));
	/* The timer runs from the first packet: 20 s. Probes after 1, 3, 7 and 15 s. */
	KUNIT_EXPECT_EQ(test, p->now - PAIR_START_NS, 20 * SEC);
	KUNIT_EXPECT_EQ(test, tquic_conn_path(&p->end[0].conn, 0)->stats.ptos, 4);
	KUNIT_EXPECT_EQ(test, p->end[0].conn.closed.flags, TQUIC_CLOSE_IDLE);
}

/* The first ack-eliciting packet after the last received one restarts the timer, no other */
static void conn_idle_restarts(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_conn *conn = &p->end[0].conn;
	u64 start;

	conn->local.max_idle_timeout_ms = 2000;
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	pair_run(p, PAIR_MS(500));
	p->link[0].cut = true;
	pair_run(p, PAIR_MS(500));
	start = p->now;
	conn->ctl |= TQUIC_CONN_CTL_PING;
	pair_kick(&p->end[0]);
	pair_run(p, SEC);
	conn->ctl |= TQUIC_CONN_CTL_PING;
	pair_kick(&p->end[0]);
	KUNIT_EXPECT_TRUE(test, pair_until(p, conn_both_closed, 10 * SEC));
	KUNIT_EXPECT_EQ(test, p->now - start, 2 * SEC);
}

/* A keep-alive holds the connection, but not one whose peer is gone */
static void conn_keepalive(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	u64 start;

	p->end[0].conn.local.max_idle_timeout_ms = 3000;
	p->end[0].conn.keepalive_ns = SEC;
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	pair_run(p, 30 * SEC);
	KUNIT_EXPECT_EQ(test, p->end[0].conn.state, TQUIC_STATE_ESTABLISHED);
	KUNIT_EXPECT_EQ(test, p->end[1].conn.state, TQUIC_STATE_ESTABLISHED);
	KUNIT_EXPECT_EQ(test, tquic_conn_path(&p->end[0].conn, 0)->stats.ptos, 0);
	p->link[0].cut = true;
	start = p->now;
	KUNIT_EXPECT_TRUE(test, pair_until(p, conn_both_closed, 20 * SEC));
	KUNIT_EXPECT_LE(test, p->now - start, 5 * SEC);
}

/* Who waits for credit holds the connection however long that takes, if the peer is there */
static void conn_blocked_stays(struct kunit *test)
{
	struct tquic_params *local;
	struct tquic_conn *conn;
	struct pair *p;
	u64 start;
	u32 i;

	for (i = 0; i < 3; i++) {
		p = pair_create(test, 1);
		conn = &p->end[0].conn;
		local = &p->end[1].conn.local;
		local->max_idle_timeout_ms = 2000;
		/* Credit of the connection, of the stream; a keep-alive that comes too late */
		if (i)
			local->max_stream_data_bidi_remote = 10000;
		else
			local->max_data = 10000;
		conn->keepalive_ns = i == 2 ? 5 * SEC : 0;
		KUNIT_ASSERT_TRUE(test, pair_handshake(p));
		p->end[1].paused = true;
		KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(&p->end[0], false, 30000));
		pair_run(p, 20 * SEC);
		KUNIT_EXPECT_EQ(test, conn->streams.tx_mem.unsent, 20000);
		KUNIT_EXPECT_EQ(test, conn->state, TQUIC_STATE_ESTABLISHED);
		KUNIT_EXPECT_EQ(test, p->end[1].conn.state, TQUIC_STATE_ESTABLISHED);
		KUNIT_EXPECT_EQ(test, tquic_conn_path(conn, 0)->stats.ptos, 0);
		if (i) {
			p->link[0].cut = true;
		} else {
			pair_resume(&p->end[1]);
			KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 5 * SEC));
		}
		start = p->now;
		KUNIT_EXPECT_TRUE(test, pair_until(p, conn_both_closed, 10 * SEC));
		KUNIT_EXPECT_LE(test, p->now - start, 3 * SEC);
	}
}

/* Where silence does not end the connection nobody has to break it */
static void conn_blocked_never_idle(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_conn *conn = &p->end[0].conn;
	u64 sent;

	conn->local.max_idle_timeout_ms = 0;
	p->end[1].conn.local.max_idle_timeout_ms = 0;
	p->end[1].conn.local.max_data = 10000;
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	p->end[1].paused = true;
	KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(&p->end[0], false, 30000));
	pair_run(p, SEC);
	sent = tquic_conn_path(conn, 0)->stats.tx_packets;
	KUNIT_EXPECT_EQ(test, conn->streams.tx_mem.unsent, 20000);
	pair_run(p, 100 * SEC);
	KUNIT_EXPECT_EQ(test, tquic_conn_path(conn, 0)->stats.tx_packets, sent);
}

/* CONNECTION_CLOSE, the answer, and the time until all is forgotten */
static void conn_close_by_program(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_conn *c = &p->end[0].conn, *s = &p->end[1].conn;
	u64 start;

	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	start = p->now;
	tquic_conn_close(c, 77, 0, true, "good bye", 8, p->now);
	KUNIT_EXPECT_EQ(test, c->state, TQUIC_STATE_CLOSING);
	pair_kick(&p->end[0]);
	/* A second close changes nothing. */
	tquic_conn_close(c, 78, 0, false, NULL, 0, p->now);
	pair_run(p, PAIR_MS(15));
	KUNIT_EXPECT_EQ(test, s->state, TQUIC_STATE_DRAINING);
	KUNIT_EXPECT_EQ(test, s->closed.error_code, 77);
	KUNIT_EXPECT_EQ(test, s->closed.flags, TQUIC_CLOSE_APP | TQUIC_CLOSE_PEER);
	KUNIT_EXPECT_EQ(test, s->closed.reason_len, 8);
	KUNIT_EXPECT_MEMEQ(test, s->closed.reason, "good bye", 8);
	KUNIT_EXPECT_EQ(test, c->closed.error_code, 77);
	KUNIT_EXPECT_TRUE(test, pair_until(p, conn_both_closed, 10 * SEC));
	KUNIT_EXPECT_GE(test, p->now - start, PAIR_MS(100));
	KUNIT_EXPECT_LE(test, p->now - start, 2 * SEC);
	/* A draining connection says nothing. */
	KUNIT_EXPECT_EQ(test, p->end[1].events[TQUIC_EVENT_CLOSED], 1);
}

/* The close is lost: what the peer goes on sending is answered, ever more rarely */
static void conn_close_repeated(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_conn *c = &p->end[0].conn;
	static const u8 ping[] = { 0x01 };
	u64 sent;
	u32 i;

	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	pair_run(p, PAIR_MS(200));
	sent = p->link[0].pipe[1].sent;
	tquic_conn_close(c, 5, 0x1c, false, NULL, 0, p->now);
	p->link[0].drop_next[1] = 100;
	pair_kick(&p->end[0]);
	for (i = 0; i < 64; i++) {
		KUNIT_EXPECT_EQ(test, pair_inject(&p->end[0], TQUIC_PKT_1RTT, 0, 1000 + i, ping, 1),
				0);
		pair_kick(&p->end[0]);
	}
	/* At once, and after 1, 2, 4, 8, 16 and 32 packets. */
	KUNIT_EXPECT_EQ(test, p->link[0].pipe[1].sent - sent, 7);
	KUNIT_EXPECT_EQ(test, p->end[1].conn.state, TQUIC_STATE_ESTABLISHED);
	p->link[0].drop_next[1] = 0;
	c->todo = 0;
	KUNIT_EXPECT_EQ(test, pair_inject(&p->end[0], TQUIC_PKT_1RTT, 0, 2000,
					  (const u8 *)"\x1c\0\0\0", 4), 0);
	KUNIT_EXPECT_EQ(test, c->state, TQUIC_STATE_DRAINING);
	KUNIT_EXPECT_TRUE(test, c->todo & TQUIC_TODO_STATE);
	KUNIT_EXPECT_TRUE(test, pair_until(p, conn_one_closed, 5 * SEC));
}

/* It leaves on each path that is open, for some may be dead, and is answered where it is asked for. */
static void conn_close_on_each_path(struct kunit *test)
{
	static const u8 ping[] = { 0x01 };
	struct pair *p = pair_create(test, 3);
	struct tquic_conn *c = &p->end[0].conn;
	u64 sent[3];
	u32 i;

	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	KUNIT_ASSERT_TRUE(test, pair_open_paths(p));
	KUNIT_ASSERT_EQ(test, tquic_path_close(c, pair_path(p, 0, 1), 0, p->now), 0);
	pair_run(p, PAIR_MS(200));
	p->link[0].cut = true;
	for (i = 0; i < 3; i++)
		sent[i] = p->link[i].pipe[1].sent;
	tquic_conn_close(c, 5, 0x1c, false, NULL, 0, p->now);
	pair_kick(&p->end[0]);
	KUNIT_EXPECT_EQ(test, p->link[0].pipe[1].sent, sent[0] + 1);
	KUNIT_EXPECT_EQ(test, p->link[1].pipe[1].sent, sent[1]);
	KUNIT_EXPECT_EQ(test, p->link[2].pipe[1].sent, sent[2] + 1);
	KUNIT_EXPECT_EQ(test, pair_inject(&p->end[0], TQUIC_PKT_1RTT, 2, 1000, ping, 1), 0);
	pair_kick(&p->end[0]);
	KUNIT_EXPECT_EQ(test, p->link[0].pipe[1].sent, sent[0] + 1);
	KUNIT_EXPECT_EQ(test, p->link[2].pipe[1].sent, sent[2] + 2);
	pair_run(p, PAIR_MS(50));
	KUNIT_EXPECT_EQ(test, p->end[1].conn.state, TQUIC_STATE_DRAINING);
}

/* Before 1-RTT no application words leave (RFC 9000 §10.2.3) */
static void conn_close_in_handshake(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_conn *s = &p->end[1].conn, *c = &p->end[0].conn;

	KUNIT_ASSERT_TRUE(test, pair_start(p));
	pair_run(p, PAIR_MS(11));
	KUNIT_ASSERT_EQ(test, s->state, TQUIC_STATE_HANDSHAKE);
	tquic_conn_close(s, 1234, 0, true, "secret", 6, p->now);
	pair_kick(&p->end[1]);
	pair_run(p, PAIR_MS(15));
	KUNIT_EXPECT_EQ(test, c->state, TQUIC_STATE_DRAINING);
	KUNIT_EXPECT_EQ(test, c->closed.error_code, TQUIC_ERR_APPLICATION);
	KUNIT_EXPECT_EQ(test, c->closed.reason_len, 0);
	KUNIT_EXPECT_TRUE(test, pair_until(p, conn_both_closed, 20 * SEC));

	/* And from the client's very first state */
	p = pair_create(test, 1);
	KUNIT_ASSERT_TRUE(test, pair_start(p));
	tquic_conn_close(&p->end[0].conn, 3, 0, true, NULL, 0, p->now);
	pair_kick(&p->end[0]);
	pair_run(p, PAIR_MS(15));
	KUNIT_EXPECT_EQ(test, p->end[1].conn.state, TQUIC_STATE_DRAINING);
	KUNIT_EXPECT_EQ(test, p->end[1].conn.closed.error_code, TQUIC_ERR_APPLICATION);
	KUNIT_EXPECT_TRUE(test, pair_until(p, conn_both_closed, 20 * SEC));
}

/* Events: told in order, and how many did not fit */
static void conn_events(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_conn *c = &p->end[0].conn;
	struct tquic_event ev;
	u32 i;

	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	KUNIT_EXPECT_FALSE(test, tquic_conn_event_pop(c, &ev));
	c->want_events = true;
	c->todo = 0;
	for (i = 0; i < TQUIC_EVENTS_MAX + 3; i++)
		tquic_conn_event(c, TQUIC_EVENT_STREAM_RESET, i, 2 * i);
	KUNIT_EXPECT_EQ(test, c->todo, TQUIC_TODO_READ);
	for (i = 0; i < TQUIC_EVENTS_MAX; i++) {
		KUNIT_ASSERT_TRUE(test, tquic_conn_event_pop(c, &ev));
		KUNIT_EXPECT_EQ(test, ev.id, i);
		KUNIT_EXPECT_EQ(test, ev.error_code, 2 * i);
	}
	KUNIT_ASSERT_TRUE(test, tquic_conn_event_pop(c, &ev));
	KUNIT_EXPECT_EQ(test, ev.type, TQUIC_EVENT_LOST);
	KUNIT_EXPECT_EQ(test, ev.error_code, 3);
	KUNIT_EXPECT_FALSE(test, tquic_conn_event_pop(c, &ev));
}

static void conn_key_drop_timer(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_conn *c = &p->end[0].conn;

	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	pair_run(p, PAIR_MS(100));
	c->key_drop_prev_ns = p->now + PAIR_MS(30);
	KUNIT_EXPECT_EQ(test, tquic_conn_deadline_ns(c), c->key_drop_prev_ns);
	tquic_conn_on_timeout(c, p->now + PAIR_MS(29));
	KUNIT_EXPECT_FALSE(test, c->todo & TQUIC_TODO_KEYS);
	tquic_conn_on_timeout(c, p->now + PAIR_MS(30));
	KUNIT_EXPECT_TRUE(test, c->todo & TQUIC_TODO_KEYS);
	KUNIT_EXPECT_EQ(test, c->key_drop_prev_ns, 0);
}

/* All paths are handed over in mid-transfer, and the one that comes later starts with it */
static void conn_congestion_changes(struct kunit *test)
{
	struct pair *p = pair_create(test, 2);
	struct tquic_conn *c = &pair_server(p)->conn;
	struct tquic_path *path;
	u64 cwnd;

	pair_link_set(&p->link[0], 20000000, PAIR_MS(10), 50000);
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	KUNIT_ASSERT_NOT_NULL(test, pair_flow_open(pair_server(p), false, 1 << 20));
	pair_run(p, PAIR_MS(200));
	path = tquic_conn_path(c, 0);
	cwnd = path->cc.cwnd;
	c->cc_ops = NULL;	/* the pair holds no reference to the first one */
	tquic_conn_assign_cc(c, &tquic_cc_lia, p->now);
	KUNIT_EXPECT_PTR_EQ(test, path->cc.ops, &tquic_cc_lia);
	KUNIT_EXPECT_EQ(test, path->cc.cwnd, cwnd);
	KUNIT_EXPECT_TRUE(test, pair_open_paths(p));
	KUNIT_EXPECT_PTR_EQ(test, tquic_path_find(c, 1)->cc.ops, &tquic_cc_lia);
	KUNIT_EXPECT_TRUE(test, pair_until(p, pair_flows_done, 10 * SEC));
	pair_check(p);
}

/* Three round trips of the slowest path at the rate of all that are active */
static void conn_buffer_follows_paths(struct kunit *test)
{
	struct pair *p = pair_create(test, 2);
	struct tquic_conn *c = &p->end[0].conn;
	struct tquic_path *a, *b;

	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	KUNIT_ASSERT_TRUE(test, pair_open_paths(p));
	a = pair_path(p, 0, 0);
	b = pair_path(p, 0, 1);
	a->rtt.srtt_ns = PAIR_MS(20);
	b->rtt.srtt_ns = PAIR_MS(100);
	KUNIT_ASSERT_GT(test, tquic_path_rate(a), 0);
	KUNIT_EXPECT_EQ(test, tquic_conn_buffer_bytes(c),
			div_u64((tquic_path_rate(a) + tquic_path_rate(b)) * 3, 10));
	b->state = TQUIC_PATH_SUSPECT;
	KUNIT_EXPECT_EQ(test, tquic_conn_buffer_bytes(c),
			div_u64(tquic_path_rate(a) * 6, 100));
	b->state = TQUIC_PATH_ACTIVE;
}

/* A Handshake packet that asks for an acknowledgment has left */
static struct tquic_sent_pkt *conn_sent_handshake(struct tquic_conn *c, u64 now)
{
	return tquic_space_on_sent(&tquic_conn_hs(c)->space[1], 0, 100,
				   TQUIC_SENT_F_ELICITING | TQUIC_SENT_F_IN_FLIGHT, now);
}

/* Of the handshake's levels the one whose timeout comes first decides. */
static void conn_hs_pto_earliest(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_conn *c = &p->end[0].conn;
	u64 due;

	KUNIT_ASSERT_TRUE(test, pair_start(p));
	due = tquic_conn_deadline_ns(c);
	KUNIT_EXPECT_EQ(test, due, p->now + 999 * NSEC_PER_MSEC);
	/* As if Handshake keys were there and a packet had been sent with them since. */
	c->keys_tx |= BIT(TQUIC_LEVEL_HANDSHAKE);
	KUNIT_ASSERT_NOT_NULL(test, conn_sent_handshake(c, p->now + 1000));
	KUNIT_EXPECT_EQ(test, tquic_conn_deadline_ns(c), due);
}

/* A probe timeout is about what is missing; the other level has nothing to repeat. */
static void conn_hs_pto_one_level(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_conn *c = &p->end[0].conn;

	KUNIT_ASSERT_TRUE(test, pair_start(p));
	c->keys_tx |= BIT(TQUIC_LEVEL_HANDSHAKE);
	tquic_conn_on_timeout(c, tquic_conn_deadline_ns(c));
	KUNIT_EXPECT_EQ(test, c->hs_probes[0], 2);
	KUNIT_EXPECT_EQ(test, c->hs_probes[1], 0);
}

/* Bytes dropped unread say nothing about how fast the program reads. */
static void conn_stop_keeps_window(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_conn *s = &p->end[1].conn;
	struct tquic_stream *stream;
	struct pair_flow *f;
	u64 max;

	s->local.max_data = 65536;
	p->end[1].paused = true;
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	f = pair_flow_open(&p->end[0], false, 200000);
	KUNIT_ASSERT_NOT_NULL(test, f);
	pair_run(p, SEC);
	KUNIT_ASSERT_EQ(test, s->flow_rx.highest, 65536);
	stream = tquic_streams_find(&s->streams, f->id);
	KUNIT_ASSERT_NOT_NULL(test, stream);
	max = s->flow_rx.max;
	s->flow_rx.epoch_ns = p->now;
	KUNIT_EXPECT_EQ(test, tquic_conn_stream_stop(s, stream, 1, p->now), 0);
	KUNIT_EXPECT_TRUE(test, s->ctl & TQUIC_CONN_CTL_MAX_DATA);
	KUNIT_EXPECT_EQ(test, s->flow_rx.max, max + 65536);
}

/* Bytes of the handshake that wait for those before them go with the connection. */
static void conn_destroy_frees_crypto(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	u8 frame[4] = { TQUIC_FRAME_CRYPTO, 40, 1, 'x' };
	struct tquic_conn *s = &p->end[1].conn;

	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	pair_run(p, PAIR_MS(100));
	frame[1] = s->crypto.rx.contig + 20;
	pair_inject_next(&p->end[1], TQUIC_PKT_1RTT, 0, frame, sizeof(frame));
	KUNIT_EXPECT_EQ(test, s->crypto.rx.chunk_count, 1);
	KUNIT_EXPECT_GT(test, s->streams.rx_mem.used, 0);
	tquic_conn_destroy(s);
	KUNIT_EXPECT_EQ(test, s->streams.rx_mem.used, 0);
}

/* What a connection announces and goes by unless somebody says otherwise */
static void conn_defaults(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_conn *c = kunit_kzalloc(test, sizeof(*c), GFP_KERNEL);
	const struct tquic_conn_ops *ops = p->end[0].conn.ops;

	KUNIT_ASSERT_NOT_NULL(test, c);
	memset(c, 0xa5, sizeof(*c));
	tquic_conn_init(c, ops);
	KUNIT_EXPECT_PTR_EQ(test, c->ops, ops);
	KUNIT_EXPECT_EQ(test, c->state, 0);
	KUNIT_EXPECT_EQ(test, c->todo, 0);
	KUNIT_EXPECT_NULL(test, tquic_conn_path(c, 0));
	KUNIT_EXPECT_EQ(test, c->local.max_idle_timeout_ms, 30000);
	KUNIT_EXPECT_EQ(test, c->local.max_data, 4 << 20);
	KUNIT_EXPECT_EQ(test, c->local.max_stream_data_bidi_local, 4 << 20);
	KUNIT_EXPECT_EQ(test, c->local.max_stream_data_bidi_remote, 4 << 20);
	KUNIT_EXPECT_EQ(test, c->local.max_stream_data_uni, 4 << 20);
	KUNIT_EXPECT_EQ(test, c->local.max_streams_bidi, 128);
	KUNIT_EXPECT_EQ(test, c->local.max_streams_uni, 128);
	KUNIT_EXPECT_EQ(test, c->local.active_cid_limit, 4);
	KUNIT_EXPECT_EQ(test, c->local.max_datagram_frame_size, 65535);
	KUNIT_EXPECT_TRUE(test, c->local.has_max_path_id);
	KUNIT_EXPECT_EQ(test, c->local.max_path_id, 7);
	/* RFC 9000 §18.2: what holds of a peer that says nothing */
	KUNIT_EXPECT_EQ(test, c->peer.max_ack_delay_ms, 25);
	KUNIT_EXPECT_EQ(test, c->peer.ack_delay_exponent, 3);
	KUNIT_EXPECT_EQ(test, c->peer.active_cid_limit, 2);
	tquic_conn_destroy(c);
}

/* A level's end takes its probes and its timeouts with it (RFC 9002 §6.2.2). */
static void conn_discard_rearms(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_conn *c = &p->end[0].conn;

	KUNIT_ASSERT_TRUE(test, pair_start(p));
	c->keys_tx |= BIT(TQUIC_LEVEL_HANDSHAKE);
	KUNIT_ASSERT_NOT_NULL(test, conn_sent_handshake(c, p->now));
	c->hs_pto_count = 3;
	c->hs_probes[0] = 2;
	tquic_conn_hs(c)->space[0].ack_now = true;
	tquic_conn_discard_level(c, TQUIC_LEVEL_INITIAL, p->now);
	KUNIT_EXPECT_FALSE(test, tquic_conn_hs(c)->space[0].ack_now);
	KUNIT_EXPECT_EQ(test, tquic_conn_path(c, 0)->cc.in_flight, 0);
	KUNIT_EXPECT_EQ(test, tquic_conn_deadline_ns(c), p->now + 999 * NSEC_PER_MSEC);
}

/* Once confirmed, nothing is kept of the handshake, and what is late of it finds nothing. */
static void conn_confirm_frees_hs(struct kunit *test)
{
	static const enum tquic_pkt_type late[] = { TQUIC_PKT_INITIAL, TQUIC_PKT_HANDSHAKE };
	struct tquic_recv_in ahead = { .off = 5000, .data = (const u8 *)"x", .len = 1 };
	u8 frame[] = { TQUIC_FRAME_CRYPTO, 0, 1, 'x' };
	struct pair *p = pair_create(test, 1);
	struct tquic_recv_delta delta = {};
	struct tquic_conn *conn;
	u64 rx_packets;
	u32 i, k;

	KUNIT_ASSERT_TRUE(test, pair_start(p));
	conn = &p->end[0].conn;
	KUNIT_ASSERT_NOT_NULL(test, tquic_conn_hs(conn));
	/* What is missing before it never comes. */
	KUNIT_ASSERT_EQ(test, tquic_recv_insert(&tquic_conn_crypto(conn, TQUIC_LEVEL_INITIAL)->rx,
						&ahead, GFP_KERNEL, &delta), 0);
	KUNIT_EXPECT_GT(test, conn->streams.rx_mem.used, 0);
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	pair_run(p, PAIR_MS(200));
	for (i = 0; i < 2; i++) {
		conn = &p->end[i].conn;
		KUNIT_ASSERT_TRUE(test, conn->confirmed);
		KUNIT_EXPECT_NULL(test, tquic_conn_hs(conn));
		KUNIT_EXPECT_EQ(test, conn->streams.rx_mem.used, 0);
		KUNIT_EXPECT_NULL(test, tquic_conn_crypto(conn, TQUIC_LEVEL_INITIAL));
		KUNIT_EXPECT_NULL(test, tquic_conn_crypto(conn, TQUIC_LEVEL_HANDSHAKE));
		rx_packets = tquic_conn_path(conn, 0)->stats.rx_packets;
		for (k = 0; k < ARRAY_SIZE(late); k++)
			KUNIT_EXPECT_EQ(test, pair_inject(&p->end[i], late[k], 0, 2000, frame,
							  sizeof(frame)), -ENOKEY);
		KUNIT_EXPECT_EQ(test, conn->state, TQUIC_STATE_ESTABLISHED);
		KUNIT_EXPECT_EQ(test, tquic_conn_path(conn, 0)->stats.rx_packets, rx_packets);
		KUNIT_EXPECT_FALSE(test, tquic_conn_unheard(conn));
	}
	/* A closed one does not answer them either. */
	tquic_conn_close(conn, 0, 0, false, NULL, 0, p->now);
	conn->close_levels = 0;
	KUNIT_EXPECT_EQ(test, pair_inject(&p->end[1], TQUIC_PKT_HANDSHAKE, 0, 2001, frame,
					  sizeof(frame)), -ENOKEY);
	KUNIT_EXPECT_EQ(test, conn->close_levels, 0);
}

/* DATAGRAMs that were not sent, or not read, are freed with the connection. */
static void conn_destroy_frees_datagrams(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_conn *c = &p->end[0].conn;
	struct sk_buff *skb[2];
	u32 i;

	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	for (i = 0; i < 2; i++) {
		skb[i] = alloc_skb(100, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, skb[i]);
		__skb_queue_tail(i ? &c->dgram_rx : &c->dgram_tx, skb_get(skb[i]));
	}
	tquic_conn_destroy(c);
	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_FALSE(test, skb_shared(skb[i]));
		kfree_skb(skb[i]);
	}
}

/* How long a closed connection is kept, and by which close: three PTO of the first */
static void conn_close_kept(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_conn *c = &p->end[0].conn;
	struct tquic_event ev;
	u64 end;

	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	pair_run(p, PAIR_MS(200));
	p->link[0].cut = true;
	c->want_events = true;
	end = p->now + 3 * tquic_rtt_pto_ns(&tquic_conn_path(c, 0)->rtt, PAIR_MS(25));
	tquic_conn_close(c, 5, 6, false, NULL, 0, p->now);
	KUNIT_EXPECT_EQ(test, c->closed.frame_type, 6);
	KUNIT_EXPECT_EQ(test, tquic_conn_deadline_ns(c), end);
	KUNIT_ASSERT_TRUE(test, tquic_conn_event_pop(c, &ev));
	KUNIT_EXPECT_EQ(test, ev.type, TQUIC_EVENT_CLOSED);
	KUNIT_EXPECT_EQ(test, ev.error_code, 5);
	tquic_conn_on_timeout(c, end - 1);
	KUNIT_EXPECT_EQ(test, c->state, TQUIC_STATE_CLOSING);
	tquic_conn_on_timeout(c, end);
	KUNIT_EXPECT_EQ(test, c->state, TQUIC_STATE_CLOSED);
	KUNIT_EXPECT_EQ(test, c->closed.flags, 0);
	KUNIT_EXPECT_FALSE(test, tquic_conn_event_pop(c, &ev));
}

/* The end for want of any word is no error. */
static void conn_idle_is_no_error(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_conn *c = &p->end[0].conn;
	struct tquic_event ev;

	c->local.max_idle_timeout_ms = 1000;
	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	c->want_events = true;
	KUNIT_ASSERT_TRUE(test, pair_until(p, conn_both_closed, 10 * SEC));
	KUNIT_ASSERT_TRUE(test, tquic_conn_event_pop(c, &ev));
	KUNIT_EXPECT_EQ(test, ev.type, TQUIC_EVENT_CLOSED);
	KUNIT_EXPECT_EQ(test, ev.error_code, 0);
	KUNIT_EXPECT_EQ(test, ev.id, 0);
}

/* Both levels of the handshake have a timer for what is about to count as lost. */
static void conn_hs_loss_timer(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_conn *c = &p->end[0].conn;
	u32 i;

	KUNIT_ASSERT_TRUE(test, pair_start(p));
	for (i = 0; i < 2; i++) {
		tquic_conn_hs(c)->space[i].loss_time_ns = p->now + PAIR_MS(5);
		KUNIT_EXPECT_EQ(test, tquic_conn_deadline_ns(c), p->now + PAIR_MS(5));
		tquic_conn_on_timeout(c, p->now + PAIR_MS(5) - 1);
		KUNIT_EXPECT_NE(test, tquic_conn_hs(c)->space[i].loss_time_ns, 0);
		tquic_conn_on_timeout(c, p->now + PAIR_MS(5));
		KUNIT_EXPECT_EQ(test, tquic_conn_hs(c)->space[i].loss_time_ns, 0);
	}
}

/* The client's last packet of the handshake and four seconds more are lost */
static struct pair *conn_hs_outage_pair(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);

	KUNIT_ASSERT_TRUE(test, pair_start(p));
	pair_run(p, PAIR_MS(25));
	KUNIT_EXPECT_EQ(test, p->end[0].conn.state, TQUIC_STATE_ESTABLISHED);
	KUNIT_EXPECT_EQ(test, p->end[1].conn.state, TQUIC_STATE_HANDSHAKE);
	p->link[0].cut = true;
	pair_run(p, 4 * NSEC_PER_SEC);
	KUNIT_EXPECT_GT(test, p->end[0].conn.hs_pto_count, 3);
	return p;
}

/* Whose host saw the outage sends when it is over; what arrives has the other one send, too. */
static void conn_hs_outage(struct kunit *test)
{
	struct pair *p;
	u32 i;

	for (i = 0; i < 2; i++) {
		p = conn_hs_outage_pair(test);
		p->link[0].cut = false;
		tquic_path_link_up(&p->end[i].conn, pair_path(p, i, 0), p->now);
		pair_kick(&p->end[i]);
		/* A round trip, and half of one before when the server begins. */
		pair_run(p, PAIR_MS(i ? 31 : 21));
		KUNIT_EXPECT_TRUE(test, p->end[0].conn.confirmed);
		KUNIT_EXPECT_TRUE(test, p->end[1].conn.confirmed);
	}
}

/* What has just been sent does not go again because something comes. */
static void conn_hs_again_once(struct kunit *test)
{
	struct pair *p = conn_hs_outage_pair(test);
	struct tquic_conn *c = &p->end[0].conn;
	u64 sent_ns = tquic_conn_hs(c)->space[1].last_eliciting_ns;

	tquic_conn_hs_again(c, sent_ns - 1);
	KUNIT_EXPECT_EQ(test, c->hs_probes[1], 0);
	tquic_conn_hs_again(c, sent_ns);
	KUNIT_EXPECT_EQ(test, c->hs_probes[1], 2);
	KUNIT_EXPECT_EQ(test, c->hs_probes[0], 0);
	p->link[0].cut = false;
	pair_kick(&p->end[0]);
	pair_run(p, PAIR_MS(21));
	KUNIT_EXPECT_TRUE(test, c->confirmed);
	tquic_conn_hs_again(c, p->now);
	KUNIT_EXPECT_EQ(test, c->hs_probes[1], 0);
}

/* However often nobody answers, the count stops somewhere. */
static void conn_hs_pto_count(struct kunit *test)
{
	struct pair *p = pair_create(test, 1);
	struct tquic_conn *c = &p->end[0].conn;
	u32 i;

	KUNIT_ASSERT_TRUE(test, pair_start(p));
	c->idle_ns = 0;
	for (i = 1; i <= 20; i++) {
		c->hs_probes[0] = 0;
		tquic_conn_on_timeout(c, tquic_conn_deadline_ns(c));
		KUNIT_EXPECT_EQ(test, c->hs_pto_count, min_t(u32, i, 16));
		KUNIT_EXPECT_EQ(test, tquic_conn_path(c, 0)->ecn, i < TQUIC_PATH_ECN_PTOS);
	}
}

/* Which parameter limits which streams */
static void conn_stream_limits(struct kunit *test)
{
	struct tquic_params *params = kunit_kzalloc(test, sizeof(*params), GFP_KERNEL);
	struct tquic_stream_limits l = {};

	KUNIT_ASSERT_NOT_NULL(test, params);
	params->max_stream_data_bidi_local = 1;
	params->max_stream_data_bidi_remote = 2;
	params->max_stream_data_uni = 3;
	params->max_streams_bidi = 4;
	params->max_streams_uni = 5;
	tquic_conn_limits(params, &l);
	KUNIT_EXPECT_EQ(test, l.data_bidi_local, 1);
	KUNIT_EXPECT_EQ(test, l.data_bidi_remote, 2);
	KUNIT_EXPECT_EQ(test, l.data_uni, 3);
	KUNIT_EXPECT_EQ(test, l.streams[0], 4);
	KUNIT_EXPECT_EQ(test, l.streams[1], 5);
}

/* The ids of a path that was given up are retired: what they stood for resets nothing. */
static void conn_reset_of_abandoned_path(struct kunit *test)
{
	struct pair *p = pair_create(test, 2);
	struct tquic_conn *c = &p->end[0].conn;
	struct tquic_cidset_remote *r;
	u8 token[16];

	KUNIT_ASSERT_TRUE(test, pair_handshake(p));
	KUNIT_ASSERT_TRUE(test, pair_open_paths(p));
	r = &pair_path(p, 0, 1)->remote;
	memcpy(token, r->e[r->cur].token, 16);
	KUNIT_ASSERT_EQ(test, tquic_path_close(c, pair_path(p, 0, 1), 0, p->now), 0);
	KUNIT_EXPECT_FALSE(test, tquic_conn_on_reset(c, token, p->now));
	KUNIT_EXPECT_EQ(test, c->state, TQUIC_STATE_ESTABLISHED);
	r = &pair_path(p, 0, 0)->remote;
	KUNIT_EXPECT_TRUE(test, tquic_conn_on_reset(c, r->e[r->cur].token, p->now));
}

static struct kunit_case conn_cases[] = {
	KUNIT_CASE(conn_handshake_clean),
	KUNIT_CASE(conn_handshake_lossy),
	KUNIT_CASE(conn_amplification),
	KUNIT_CASE(conn_client_unblocks_server),
	KUNIT_CASE(conn_stateless_reset),
	KUNIT_CASE(conn_reset_tokens),
	KUNIT_CASE(conn_done_before_tls_end),
	KUNIT_CASE(conn_params_refused),
	KUNIT_CASE(conn_preferred_id_refused),
	KUNIT_CASE(conn_without_multipath),
	KUNIT_CASE(conn_path_ids_bounded),
	KUNIT_CASE(conn_idle),
	KUNIT_CASE(conn_idle_restarts),
	KUNIT_CASE(conn_no_server),
	KUNIT_CASE(conn_keepalive),
	KUNIT_CASE(conn_blocked_stays),
	KUNIT_CASE(conn_blocked_never_idle),
	KUNIT_CASE(conn_close_by_program),
	KUNIT_CASE(conn_close_repeated),
	KUNIT_CASE(conn_close_on_each_path),
	KUNIT_CASE(conn_close_in_handshake),
	KUNIT_CASE(conn_events),
	KUNIT_CASE(conn_key_drop_timer),
	KUNIT_CASE(conn_congestion_changes),
	KUNIT_CASE(conn_buffer_follows_paths),
	KUNIT_CASE(conn_hs_pto_earliest),
	KUNIT_CASE(conn_hs_pto_one_level),
	KUNIT_CASE(conn_stop_keeps_window),
	KUNIT_CASE(conn_destroy_frees_crypto),
	KUNIT_CASE(conn_defaults),
	KUNIT_CASE(conn_discard_rearms),
	KUNIT_CASE(conn_confirm_frees_hs),
	KUNIT_CASE(conn_destroy_frees_datagrams),
	KUNIT_CASE(conn_close_kept),
	KUNIT_CASE(conn_idle_is_no_error),
	KUNIT_CASE(conn_hs_loss_timer),
	KUNIT_CASE(conn_hs_outage),
	KUNIT_CASE(conn_hs_again_once),
	KUNIT_CASE(conn_hs_pto_count),
	KUNIT_CASE(conn_stream_limits),
	KUNIT_CASE(conn_reset_of_abandoned_path),
	{}
};

static struct kunit_suite conn_suite = {
	.name = "tquic-conn",
	.test_cases = conn_cases,
};

kunit_test_suites(&conn_suite);
