/* SPDX-License-Identifier: GPL-2.0 */
/* Do not edit: `make gen` makes this from Documentation/networking/specs/tquic-counters.yaml */
#ifndef TQUIC_MIB_GEN_H
#define TQUIC_MIB_GEN_H

/* X(constant, name shown to users), in the order they are shown. */
#define TQUIC_MIB_LIST(X)						\
	/* UDP side */							\
	X(RX_DGRAMS, "RxDatagrams")					\
	X(RX_BYTES, "RxBytes")						\
	X(RX_GRO, "RxGroBatches")					\
	X(RX_CSUM_ERR, "RxChecksumErrors")				\
	X(RX_NOT_UNICAST, "RxNotUnicast")				\
	X(RX_FILTERED, "RxFiltered")					\
	X(RX_NO_MEM, "RxNoMemory")					\
	X(RX_RCVBUF_ERR, "RxSocketBufferErrors")			\
	X(TX_DGRAMS, "TxDatagrams")					\
	X(TX_BYTES, "TxBytes")						\
	X(TX_GSO, "TxGsoBatches")					\
	X(TX_ERR, "TxErrors")						\
	X(TX_NO_ROUTE, "TxNoRoute")					\
	X(TX_TOO_BIG, "TxTooBig")					\
	X(ICMP_UNREACH, "IcmpUnreachable")				\
	X(ICMP_TOO_BIG, "IcmpPacketTooBig")				\
	X(ICMP_TOO_BIG_BAD, "IcmpPacketTooBigInvalid")			\
	X(ICMP_OTHER, "IcmpOther")					\
	/* packets */							\
	X(RX_PKTS, "RxPackets")						\
	X(RX_EARLY, "RxEarlyPackets")					\
	X(TX_PKTS, "TxPackets")						\
	X(RX_TOO_SHORT, "RxTooShort")					\
	X(RX_BAD_HDR, "RxBadHeader")					\
	X(RX_BAD_VERSION, "RxUnknownVersion")				\
	X(RX_NO_CONN, "RxNoConnection")					\
	X(RX_SHORT_INITIAL, "RxInitialTooSmall")			\
	X(RX_BACKLOG_DROP, "RxBacklogDrops")				\
	X(RX_UNDECRYPTABLE, "RxUndecryptable")				\
	X(RX_NO_KEY, "RxKeyMissing")					\
	X(RX_DECRYPT_ERR, "RxDecryptErrors")				\
	X(RX_BAD_RESERVED, "RxReservedBits")				\
	X(RX_BAD_ADDR, "RxAddressInvalid")				\
	X(RX_DUP, "RxDuplicates")					\
	X(RX_PROTO_ERR, "RxProtocolErrors")				\
	X(RX_RETRY, "RxRetry")						\
	X(RX_RETRY_BAD, "RxRetryInvalid")				\
	X(RX_VN, "RxVersionNegotiation")				\
	X(RX_VN_BAD, "RxVersionNegotiationInvalid")			\
	X(RX_RESET, "RxStatelessResets")				\
	X(TX_RETRY, "TxRetry")						\
	X(TX_REFUSED, "TxRefused")					\
	X(TX_VN, "TxVersionNegotiation")				\
	X(TX_RESET, "TxStatelessResets")				\
	X(TX_ANSWERS_LIMITED, "TxAnswersLimited")			\
	X(TX_NO_MEM, "TxNoMemory")					\
	/* loss recovery and paths */					\
	X(PKTS_LOST, "PacketsLost")					\
	X(PKTS_SPURIOUS, "PacketsSpuriouslyLost")			\
	X(PTOS, "ProbeTimeouts")					\
	X(PERSISTENT, "PersistentCongestion")				\
	X(ECN_CE, "EcnCeMarks")						\
	X(ECN_FAILED, "EcnValidationFailed")				\
	X(MTU_PROBES, "MtuProbes")					\
	X(MTU_PROBES_LOST, "MtuProbesLost")				\
	X(MTU_BLACK_HOLES, "MtuBlackHoles")				\
	X(PATHS_OPENED, "PathsOpened")					\
	X(PATHS_VALIDATED, "PathsValidated")				\
	X(PATHS_FAILED, "PathsFailed")					\
	X(PATHS_ABANDONED, "PathsAbandoned")				\
	X(MIGRATIONS, "Migrations")					\
	/* connections */						\
	X(CONNS_ACTIVE, "ConnectionsActiveOpened")			\
	X(CONNS_PASSIVE, "ConnectionsPassiveOpened")			\
	X(CONNS_ESTABLISHED, "ConnectionsEstablished")			\
	X(CONNS_CLOSED, "ConnectionsClosed")				\
	X(CONNS_IDLE, "ConnectionsIdleTimeouts")			\
	X(CONNS_ABORTED, "ConnectionsAborted")				\
	X(HS_FAILED, "HandshakesFailed")				\
	X(HS_TIMEOUT, "HandshakesTimedOut")				\
	X(EARLY_ACCEPTED, "EarlyDataAccepted")				\
	X(EARLY_REJECTED, "EarlyDataRejected")				\
	X(LISTEN_OVERFLOW, "ListenOverflows")				\
	X(LISTEN_DROP, "ListenDrops")					\
	X(TOKEN_BAD, "TokensInvalid")					\
	X(KEY_UPDATES, "KeyUpdates")					\
	X(CID_COLLISION, "CidCollisions")				\
	X(MEM_DROP, "MemoryDrops")					\
	/* streams and datagrams */					\
	X(STREAMS_OPENED, "StreamsOpened")				\
	X(STREAMS_RESET_RX, "StreamsResetReceived")			\
	X(STREAMS_RESET_TX, "StreamsResetSent")				\
	X(DGRAMS_RX, "QuicDatagramsReceived")				\
	X(DGRAMS_TX, "QuicDatagramsSent")				\
	X(DGRAMS_DROP, "QuicDatagramsDropped")				\
	X(DEADLINES_MISSED, "DeadlinesMissed")				\
	X(BYTES_RETRANS, "BytesRetransmitted")

#endif /* TQUIC_MIB_GEN_H */
