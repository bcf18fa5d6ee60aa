/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/* Do not edit: `make gen` makes this from Documentation/networking/specs/tquic-socket.yaml */
/*
 * TQUIC sockets: options, control messages and information structs.
 *
 * Every struct has the same layout for 32 and 64 bit programs: fixed-width
 * fields, explicit padding, 64-bit fields on 8-byte offsets.  Reserved fields
 * must be zero when set and are zero when read.  Structs returned by
 * getsockopt() only grow at the end; the kernel writes what fits.
 */
#ifndef _UAPI_LINUX_TQUIC_H
#define _UAPI_LINUX_TQUIC_H

#include <linux/types.h>
#include <linux/socket.h>

#ifndef IPPROTO_TQUIC
#define IPPROTO_TQUIC			253
#endif
#ifndef SOL_TQUIC
#define SOL_TQUIC			289
#endif

/* Socket options at level SOL_TQUIC */
#define TQUIC_SOCKOPT_CONFIG		1	/* get/set struct tquic_config */
#define TQUIC_SOCKOPT_HANDSHAKE_MODE	2	/* get/set __u32 TQUIC_HANDSHAKE_* */
#define TQUIC_SOCKOPT_LOCAL_PARAMS	3	/* get: our encoded transport parameters */
#define TQUIC_SOCKOPT_PEER_PARAMS	4	/* set: the peer's encoded parameters */
#define TQUIC_SOCKOPT_SECRET		5	/* set struct tquic_secret */
#define TQUIC_SOCKOPT_HANDSHAKE_END	6	/* set struct tquic_handshake_end */
#define TQUIC_SOCKOPT_RECV_MASK		7	/* get/set __u32 TQUIC_RECV_* */
#define TQUIC_SOCKOPT_ALPN		8	/* get/set: names joined by commas */
#define TQUIC_SOCKOPT_SERVER_NAME	9	/* get/set: name to verify and send as SNI */
#define TQUIC_SOCKOPT_STREAM_OPEN	10	/* get struct tquic_stream_info: flags in, id out */
#define TQUIC_SOCKOPT_STREAM_RESET	11	/* set struct tquic_stream_abort */
#define TQUIC_SOCKOPT_STREAM_STOP	12	/* set struct tquic_stream_abort */
#define TQUIC_SOCKOPT_CLOSE		13	/* set: close with a code; get: why it closed */
#define TQUIC_SOCKOPT_PATH_ADD		14	/* set struct tquic_path_addr */
#define TQUIC_SOCKOPT_PATH_DEL		15	/* set struct tquic_path_ref */
#define TQUIC_SOCKOPT_PATH_STATUS	16	/* set struct tquic_path_ref */
#define TQUIC_SOCKOPT_KEY_UPDATE	17	/* set: no value; start a key update */
#define TQUIC_SOCKOPT_CONGESTION	18	/* get/set: name, for all paths */
#define TQUIC_SOCKOPT_SCHEDULER		19	/* get/set: name */
#define TQUIC_SOCKOPT_INFO		20	/* get struct tquic_info */
#define TQUIC_SOCKOPT_PATH_INFO		21	/* get struct tquic_path_info: path_id in */
#define TQUIC_SOCKOPT_RETRY		30	/* get/set __u32 1: listener answers with Retry */
#define TQUIC_SOCKOPT_TOKEN		31	/* get: for a later connection; set: for this one */
#define TQUIC_SOCKOPT_VERSION		32	/* get/set __u32: QUIC version to connect with */
#define TQUIC_SOCKOPT_EARLY_PARAMS	33	/* set: what PEER_PARAMS got at an earlier time */
#define TQUIC_SOCKOPT_EARLY_DATA	34	/* get: enum tquic_early_state; set: ACCEPTED */
#define TQUIC_SOCKOPT_PATH_MOVE		35	/* set struct tquic_path_move, on a client */
#define TQUIC_SOCKOPT_PREFERRED		36	/* get/set struct tquic_preferred, on a server */
#define TQUIC_SOCKOPT_STREAM_PRIORITY	37	/* get/set struct tquic_stream_priority */
#define TQUIC_SOCKOPT_STREAM_RESET_AT	38	/* set struct tquic_stream_reset_at */
#define TQUIC_SOCKOPT_STREAM_FD		39	/* get struct tquic_stream_fd: id in, fd out */

/* Who drives TLS: the agent of this network namespace, or the program itself */
#define TQUIC_HANDSHAKE_AGENT		0
#define TQUIC_HANDSHAKE_SELF		1

/* Encryption levels, as in TLS */
#define TQUIC_ENC_INITIAL		0
#define TQUIC_ENC_EARLY			1
#define TQUIC_ENC_HANDSHAKE		2
#define TQUIC_ENC_APP			3

/* What recvmsg() reports besides stream data */
#define TQUIC_RECV_CRYPTO		0x1	/* CRYPTO bytes, with TQUIC_CMSG_HANDSHAKE */
#define TQUIC_RECV_DATAGRAM		0x2	/* RFC 9221 datagrams, with TQUIC_CMSG_DATAGRAM */
#define TQUIC_RECV_EVENT		0x4	/* struct tquic_event, with TQUIC_CMSG_EVENT */
#define TQUIC_RECV_ALL			0x7

/* Control messages at level SOL_TQUIC */
#define TQUIC_CMSG_STREAM		1	/* struct tquic_stream_info */
#define TQUIC_CMSG_HANDSHAKE		2	/* struct tquic_handshake_info */
#define TQUIC_CMSG_DATAGRAM		3	/* no payload: send or got a datagram */
#define TQUIC_CMSG_EVENT		4	/* no payload: the data is a struct tquic_event */
#define TQUIC_CMSG_DEADLINE		5	/* sendmsg(): struct tquic_deadline */

/* Flags of struct tquic_stream_info */
#define TQUIC_MSG_FIN			0x1	/* last bytes of this direction */
#define TQUIC_MSG_NEW			0x2	/* sendmsg(): open a stream, id is ignored */
#define TQUIC_MSG_UNI			0x4	/* with NEW or OPEN: unidirectional */
#define TQUIC_MSG_RESET			0x8	/* recvmsg(): the peer reset it, see error_code */

struct tquic_stream_info {
	__u64	stream_id;
	__u64	error_code;
	__u32	flags;
	__u32	reserved;
};

/* Flags of struct tquic_deadline */
#define TQUIC_DEADLINE_DROP		0x1	/* what would be late is not sent */

/*
 * When what is sent has to be at the peer.  Of a datagram: it goes before those
 * that are due later, and with DROP it is dropped when no path brings it there in
 * time.  Of a stream: from now on, in place of what was said before; it goes
 * before streams of its urgency that are due later, and with DROP it is reset,
 * TQUIC_EVENT_STREAM_LATE tells so, when what it sends next would be late.
 */
struct tquic_deadline {
	__u64	after_ns;		/* from now; 0, with a stream only: none */
	__u64	error_code;		/* DROP, of a stream: sent in RESET_STREAM */
	__u32	flags;			/* TQUIC_DEADLINE_DROP */
	__u32	reserved;
};

struct tquic_handshake_info {
	__u8	level;
	__u8	reserved[7];
};

struct tquic_stream_abort {
	__u64	stream_id;
	__u64	error_code;
};

#define TQUIC_URGENCY_MAX		7

/*
 * When a stream of ours may send, as RFC 9218 has it; also what waits and what is sent
 * again.  A lower urgency goes before a higher one; within one, streams that are not
 * incremental go one after the other by id, and incremental ones take turns.
 */
struct tquic_stream_priority {
	__u64	stream_id;		/* get: in and out */
	__u32	urgency;		/* 0: first, to 7; of a new stream 3 */
	__u32	incremental;		/* 1: takes turns, as a new stream does; 0: does not */
};

/*
 * Give up sending behind the first @reliable_bytes of a stream: the peer reads these,
 * and is told of the reset then. EINVAL: fewer were written. EOPNOTSUPP: the peer did
 * not offer it (draft-ietf-quic-reliable-stream-reset), or its parameters have not come.
 * EPIPE: the stream was reset already, or is complete. TQUIC_SOCKOPT_STREAM_RESET may
 * follow and gives up all; the first @error_code stays.
 */
struct tquic_stream_reset_at {
	__u64	stream_id;
	__u64	error_code;
	__u64	reliable_bytes;
};

/* Flags of struct tquic_stream_fd */
#define TQUIC_FD_CLOEXEC		0x1	/* as O_CLOEXEC */
#define TQUIC_FD_NONBLOCK		0x2	/* as O_NONBLOCK */

/* A socket of its own for one stream, which then is written and read there only */
struct tquic_stream_fd {
	__u64	stream_id;
	__u32	flags;			/* TQUIC_FD_* */
	__u32	fd;			/* out */
};

#define TQUIC_SECRET_MAX		48

struct tquic_secret {
	__u8	level;
	__u8	send;			/* 1: we protect with it, 0: the peer does */
	__u16	cipher;			/* TLS suite: 0x1301, 0x1302, 0x1303 */
	__u32	secret_len;
	__u8	secret[TQUIC_SECRET_MAX];
};

struct tquic_handshake_end {
	__u32	failed;			/* 0: complete and verified */
	__u32	alert;			/* TLS alert when failed */
	__u32	verified;		/* 1: the peer's identity was checked */
	__u32	reserved;
};

/* Which fields of struct tquic_config are meant; the others stay */
#define TQUIC_CONFIG_IDLE_TIMEOUT	0x0001
#define TQUIC_CONFIG_MAX_DATA		0x0002
#define TQUIC_CONFIG_STREAM_DATA	0x0004
#define TQUIC_CONFIG_STREAMS_BIDI	0x0008
#define TQUIC_CONFIG_STREAMS_UNI	0x0010
#define TQUIC_CONFIG_DATAGRAM		0x0020
#define TQUIC_CONFIG_MAX_PATH_ID	0x0040
#define TQUIC_CONFIG_KEEPALIVE		0x0080
#define TQUIC_CONFIG_ACK_DELAY		0x0100
#define TQUIC_CONFIG_OWN_PATHS		0x0200
#define TQUIC_CONFIG_NO_MIGRATION	0x0400
#define TQUIC_CONFIG_ALL		0x07ff

#define TQUIC_NO_MULTIPATH		0xffffffffU	/* value of max_path_id */

/* Only before connect() or listen(); keepalive at any time */
struct tquic_config {
	__u32	mask;
	__u32	max_path_id;		/* highest path id we accept, RFC 10069 */
	__u64	idle_timeout_ms;	/* 0: never */
	__u64	max_data;		/* initial connection credit, bytes */
	__u64	max_stream_data;	/* initial credit of each stream, bytes */
	__u64	max_streams_bidi;
	__u64	max_streams_uni;
	__u32	max_datagram_bytes;	/* largest datagram frame, 0: none */
	__u32	keepalive_ms;		/* PING after this silence, 0: never */
	__u32	max_ack_delay_ms;
	__u32	own_paths;		/* 1: the kernel path manager opens none */
	__u32	no_migration;		/* 1: ask the peer not to move, nor to open paths */
	__u32	reserved;
};

/* Error space of a close */
#define TQUIC_CLOSE_APP			0x1	/* application code, else transport */
#define TQUIC_CLOSE_PEER		0x2	/* get: the peer closed */
#define TQUIC_CLOSE_IDLE		0x4	/* get: idle timeout */
#define TQUIC_CLOSE_RESET		0x8	/* get: the peer has lost the connection */

#define TQUIC_REASON_MAX		64

struct tquic_close {
	__u64	error_code;
	__u64	frame_type;		/* get: frame that caused it, or 0 */
	__u32	flags;
	__u32	reason_len;
	__u8	reason[TQUIC_REASON_MAX];
};

#define TQUIC_PATH_BACKUP		0x1	/* only while no other path works */
#define TQUIC_PATH_METERED		0x2	/* only while no path of another kind works */

struct tquic_path_addr {
	struct __kernel_sockaddr_storage local;	/* address to bind, port 0: any */
	struct __kernel_sockaddr_storage peer;	/* family 0: the first path's */
	__u32	ifindex;		/* bind to this interface, 0: any */
	__u32	flags;			/* TQUIC_PATH_BACKUP, TQUIC_PATH_METERED */
};

/*
 * A path goes on from another address, or to another one of the server, once it was
 * tried: TQUIC_EVENT_PATH_MIGRATED tells how that ended.
 */
struct tquic_path_move {
	struct __kernel_sockaddr_storage local;	/* address to bind, port 0: any */
	struct __kernel_sockaddr_storage peer;	/* family 0: the one it has */
	__u32	path_id;
	__u32	ifindex;		/* bind to this interface, 0: any */
};

/*
 * Where clients are asked to move to after the handshake (preferred_address); addresses
 * that the listener's socket receives at. Only before listen().
 */
struct tquic_preferred {
	struct __kernel_sockaddr_storage v4;	/* family 0: none; port 0: that of bind() */
	struct __kernel_sockaddr_storage v6;
};

struct tquic_path_ref {
	__u32	path_id;
	__u32	flags;			/* PATH_STATUS: TQUIC_PATH_* */
	__u64	error_code;		/* PATH_DEL: sent in PATH_ABANDON */
};

/* States of a connection */
enum tquic_state {
	TQUIC_STATE_IDLE,
	TQUIC_STATE_LISTEN,
	TQUIC_STATE_HANDSHAKE,
	TQUIC_STATE_ESTABLISHED,
	TQUIC_STATE_CLOSING,
	TQUIC_STATE_DRAINING,
	TQUIC_STATE_CLOSED,
};

/*
 * Early data (0-RTT).  A client that resumes a session sets EARLY_PARAMS and then the
 * secret of TQUIC_ENC_EARLY; from then on it may write, and what it writes leaves before
 * the handshake is complete.  Who records it on its way can send it once more to another
 * server: only what does no harm twice belongs there.  When TLS says that the server took
 * it, EARLY_DATA is set to ACCEPTED, before PEER_PARAMS; else all is sent again after the
 * handshake.  A server's program that sets the secret accepts it.
 */
enum tquic_early_state {
	TQUIC_EARLY_NONE,
	TQUIC_EARLY_OFFERED,
	TQUIC_EARLY_ACCEPTED,
	TQUIC_EARLY_REJECTED,
};

/* States of a path */
enum tquic_path_state {
	TQUIC_PATH_UNUSED,		/* id reserved, connection ids exchanged */
	TQUIC_PATH_VALIDATING,
	TQUIC_PATH_ACTIVE,
	TQUIC_PATH_SUSPECT,		/* probe timeouts; traffic went elsewhere */
	TQUIC_PATH_ABANDONED,
};

/* What the paths of a connection are together */
enum tquic_bond_state {
	TQUIC_BOND_SINGLE_PATH,		/* one path */
	TQUIC_BOND_PENDING,		/* one works, others have not answered yet */
	TQUIC_BOND_BONDED,		/* two or more, all of them work */
	TQUIC_BOND_DEGRADED,		/* one was lost, or there are fewer than min_legs */
};

#define TQUIC_BOND_STATES		4

struct tquic_info {
	__u32	state;			/* enum tquic_state */
	__u32	version;
	__u32	cipher;
	__u32	paths;			/* open paths */
	__u8	server;
	__u8	confirmed;
	__u8	verified;		/* the peer's identity was checked */
	__u8	multipath;
	__u32	token;			/* names the connection on netlink */
	__u64	bytes_sent;		/* stream payload, first transmissions */
	__u64	bytes_received;		/* stream payload, in the right order or not */
	__u64	bytes_retransmitted;
	__u64	bytes_delivered;	/* read by the program */
	__u64	streams_opened;
	__u64	datagrams_sent;
	__u64	datagrams_received;
	__u64	datagrams_dropped;
	__u64	max_data_local;		/* credit we gave */
	__u64	max_data_peer;		/* credit we got */
	__u64	send_queue_bytes;
	__u64	recv_queue_bytes;
	__u32	max_datagram_bytes;	/* largest payload that can be sent now */
	__u32	key_updates;
	char	congestion[16];
	char	scheduler[16];
	__u32	bond_state;		/* enum tquic_bond_state */
	__u32	reserved;
	__u64	bond_time_ns[TQUIC_BOND_STATES];	/* spent in each state */
	__u32	bond_entered[TQUIC_BOND_STATES];	/* how often each was entered */
	__u64	bytes_reinjected;	/* of bytes_retransmitted: copies for a faster path */
	__u64	deadlines_missed;	/* datagrams dropped and streams reset for it */
};

struct tquic_path_info {
	__u32	path_id;		/* in: which; out: the same */
	__u32	state;			/* enum tquic_path_state */
	__u32	flags;			/* TQUIC_PATH_* as set here */
	__u32	peer_flags;		/* as the peer asked */
	__u32	ifindex;
	__u32	mtu_bytes;		/* UDP payload */
	__u64	srtt_ns;
	__u64	rttvar_ns;
	__u64	min_rtt_ns;
	__u64	cwnd_bytes;
	__u64	ssthresh_bytes;
	__u64	in_flight_bytes;
	__u64	pacing_rate;		/* bytes per second */
	__u64	packets_sent;
	__u64	packets_received;
	__u64	packets_lost;
	__u64	packets_spurious;
	__u64	bytes_sent;		/* UDP payload */
	__u64	bytes_received;
	__u64	ptos;
	__u64	ce_marks;
	struct __kernel_sockaddr_storage local;
	struct __kernel_sockaddr_storage peer;
};

/* Events; read with TQUIC_RECV_EVENT */
enum tquic_event_type {
	TQUIC_EVENT_STREAM_RESET = 1,	/* id, error_code */
	TQUIC_EVENT_STREAM_STOP,	/* id, error_code: the peer reads no more */
	TQUIC_EVENT_ESTABLISHED,
	TQUIC_EVENT_CLOSED,		/* error_code */
	TQUIC_EVENT_PATH_VALIDATED,	/* id: path */
	TQUIC_EVENT_PATH_SUSPECT,
	TQUIC_EVENT_PATH_RECOVERED,
	TQUIC_EVENT_PATH_ABANDONED,	/* id, error_code */
	TQUIC_EVENT_PATH_STATUS,	/* id, error_code: TQUIC_PATH_* of the peer */
	TQUIC_EVENT_LOST,		/* error_code: events that did not fit */
	TQUIC_EVENT_BOND,		/* id: new state, error_code: the one before */
	TQUIC_EVENT_PATH_MIGRATED,	/* id, error_code: enum tquic_migrated */
	TQUIC_EVENT_STREAM_LATE,	/* id, error_code: we reset it for its deadline */
};

/* What became of a move */
enum tquic_migrated {
	TQUIC_MIGRATED_PORT,		/* the peer has another port */
	TQUIC_MIGRATED_ADDRESS,		/* the peer, or we, have another address */
	TQUIC_MIGRATED_STAYED,		/* where we wanted to move to nobody answered */
};

struct tquic_event {
	__u32	type;
	__u32	reserved;
	__u64	id;
	__u64	error_code;
};

#endif /* _UAPI_LINUX_TQUIC_H */
