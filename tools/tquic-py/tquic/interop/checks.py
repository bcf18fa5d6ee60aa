# SPDX-License-Identifier: GPL-2.0
"""What the packets of a case must show, beside the right bytes: each check names what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from aioquic.tls import CipherSuite

from ..record import Address
from .capture import V1, V2, Kind, LongHeader, Packet, long_headers
from .opened import Frame, Opened, Space, Wire

__all__ = [
    "Check",
    "amplification_limited",
    "chacha20_used",
    "client_moved",
    "early_used",
    "extensions_agreed",
    "handshakes",
    "initial_sent_again",
    "keys_updated",
    "marks_counted",
    "moved_to_preferred",
    "no_retry",
    "only_version_1",
    "rebound",
    "resumed",
    "retried",
    "version_2_negotiated",
]

#: draft-ietf-quic-ack-frequency: acknowledgments may be asked for in this way.
MIN_ACK_DELAY = 0xFF04DE1B
#: Bytes a server may send for each one received before the address is validated (RFC 9000 8.1).
_AMPLIFICATION = 3

_START_PACKETS = 1000
#: RFC 9000 19.
_CORE_FRAMES = frozenset(range(0x1F))
#: The transport parameter that a frame of an extension needs: RFC 9221, ACK frequency.
_NEEDS = {
    0x30: 0x20,
    0x31: 0x20,
    Frame.IMMEDIATE_ACK: MIN_ACK_DELAY,
    Frame.ACK_FREQUENCY: MIN_ACK_DELAY,
}

#: Given what was seen, what is wrong with them: nothing, or a line for each fault.
Check = Callable[[Wire], list[str]]


def _headers(packets: Sequence[Packet], kind: Kind, to_server: bool) -> Iterator[LongHeader]:
    for packet in packets:
        if packet.to_server == to_server and packet.passed:
            yield from (head for head in long_headers(packet.data) if head.kind is kind)


def handshakes(wanted: int) -> Check:
    """Exactly so many handshakes: ids that servers chose for themselves in Handshake packets."""

    def check(wire: Wire) -> list[str]:
        seen = len({head.scid for head in _headers(wire.packets, Kind.HANDSHAKE, False)})
        return [] if seen == wanted else [f"{seen} handshakes, not {wanted}"]

    return check


def extensions_agreed(wire: Wire) -> list[str]:
    """Neither end sends a frame that is of an extension which the other has not offered.

    Only the start of the connection is opened for it, as that takes long.
    """
    out = []
    wire = wire.start(_START_PACKETS)
    for who, to_server in (("client", True), ("server", False)):
        offered = wire.parameters(of_server=to_server)
        kinds = {
            k for item in wire.opened if item.packet.to_server == to_server for k in item.frames
        }
        for kind in sorted(kinds - _CORE_FRAMES):
            needs = _NEEDS.get(kind)
            if offered is not None and needs not in offered:
                out.append(f"the {who} sent frames of type {kind:#x}, which were not asked for")
    return out


def no_retry(wire: Wire) -> list[str]:
    """No Retry packet."""
    return ["a Retry was sent"] if any(_headers(wire.packets, Kind.RETRY, False)) else []


def retried(wire: Wire) -> list[str]:
    """A Retry packet, whose token comes back in an Initial to the id that the Retry chose."""
    retries = list(_headers(wire.packets, Kind.RETRY, False))
    if not retries:
        return ["no Retry was sent"]
    wanted = {(head.token, head.scid) for head in retries}
    came = {(head.token, head.dcid) for head in _headers(wire.packets, Kind.INITIAL, True)}
    return [] if wanted & came else ["no Initial carries the token of the Retry"]


def only_version_1(wire: Wire) -> list[str]:
    """Every long header is of version 1."""
    heads = [head for packet in wire.packets for head in long_headers(packet.data)]
    return ["version 2 was used"] if any(head.version != V1 for head in heads) else []


def version_2_negotiated(wire: Wire) -> list[str]:
    """The client begins with version 1; Initials of the server and all that follows are of 2."""
    out = []
    first = next(_headers(wire.packets, Kind.INITIAL, True), None)
    if first is None or first.version != V1:
        out.append("the client did not begin with version 1")
    if any(head.version != V2 for head in _headers(wire.packets, Kind.INITIAL, False)):
        out.append("the server answered in version 1")
    both = [h for side in (True, False) for h in _headers(wire.packets, Kind.HANDSHAKE, side)]
    if not both or any(head.version != V2 for head in both):
        out.append("Handshake packets are not all of version 2")
    return out


def resumed(wire: Wire) -> list[str]:
    """The server's second handshake is without a certificate: less than half of the first."""
    sizes: dict[bytes, int] = {}
    for head in _headers(wire.packets, Kind.HANDSHAKE, False):
        sizes[head.scid] = sizes.get(head.scid, 0) + head.size
    first, *others = sizes.values() or [0]
    if others and all(2 * size < first for size in others):
        return []
    return [f"the session was not resumed: handshakes of {list(sizes.values())} bytes"]


def early_used(wire: Wire) -> list[str]:
    """The client sends 0-RTT packets, and none of its requests has to go out again."""
    early = sum(head.size for head in _headers(wire.packets, Kind.EARLY, True))
    return [] if early else ["no 0-RTT packet was sent"]


def initial_sent_again(way_s: float) -> Check:
    """The client sends a second Initial before anything of the server's can have come, which is
    ``way_s`` after it passed the middle.
    """

    def check(wire: Wire) -> list[str]:
        heard_s = min((p.time_s + way_s for p in wire.packets if not p.to_server), default=0)
        count = sum(
            any(head.kind is Kind.INITIAL for head in long_headers(packet.data))
            for packet in wire.packets
            if packet.to_server and packet.time_s < heard_s
        )
        return [] if count >= 2 else ["the client did not send its Initial again"]

    return check


def amplification_limited(wire: Wire) -> list[str]:
    """Until a Handshake packet of the client's has come, the server sends at most 3 x as much."""
    received = sent = total = 0
    validated = False
    for packet in wire.packets:
        heads = list(long_headers(packet.data))
        if packet.to_server:
            received += len(packet.data) if packet.passed else 0
            validated |= packet.passed and any(head.kind is Kind.HANDSHAKE for head in heads)
            continue
        total += sum(head.size for head in heads)
        sent += len(packet.data)
        if not validated and sent > _AMPLIFICATION * received:
            return [f"{sent} bytes sent for {received} received before the address was validated"]
    return [] if total > 7500 else [f"only {total} bytes of handshake: nothing was limited"]


def rebound(wanted: int) -> Check:
    """At least ``wanted`` new mappings of the NAT, each challenged before anything else is sent.

    The client answers each challenge by the way it came (RFC 9000 8.2, 9.3).
    """

    def check(wire: Wire) -> list[str]:
        out = []
        used = sorted({packet.mapping for packet in wire.packets if not packet.to_server} - {0})
        if len(used) < wanted:
            out.append(f"{len(used)} new mappings were answered")
        for mapping in used:
            here = [item for item in wire.opened if item.packet.mapping == mapping]
            first = next((item for item in here if not item.packet.to_server), None)
            if first is None or Frame.PATH_CHALLENGE not in first.frames:
                out.append(f"mapping {mapping} was used before it was challenged")
            if not any(Frame.PATH_RESPONSE in i.frames for i in here if i.packet.to_server):
                out.append(f"mapping {mapping} was not confirmed by the client")
        return out

    return check


def _moved(items: Sequence[Opened], who: str, address: Callable[[Packet], Address]) -> list[str]:
    """One end came to another address, where the path was tried and has ids of its own."""
    if not items:
        return ["nothing could be opened"]
    before = address(items[0].packet)
    there = [item for item in items if address(item.packet) != before]
    if not there:
        return [f"the {who}'s address stayed the same"]
    out = []
    sides = {True: "client", False: "server"}
    for side, name in sides.items():
        sent = [item for item in items if item.packet.to_server == side]
        old = {item.dcid for item in sent if address(item.packet) == before}
        new = {item.dcid for item in sent if address(item.packet) != before}
        if not new:
            out.append(f"the {name} sent nothing on the new path")
        elif (old & new) - {b""}:
            out.append(f"the {name} used an id on both paths")
    frames = {kind for item in there for kind in item.frames}
    if not {Frame.PATH_CHALLENGE, Frame.PATH_RESPONSE} <= frames:
        out.append("the new path was not validated")
    if address(items[-1].packet) == before:
        out.append("the end was seen on the old path")
    return out


def _app_packets(wire: Wire) -> list[Opened]:
    return [item for item in wire.opened if item.space is Space.APP]


def moved_to_preferred(wire: Wire) -> list[str]:
    """The client goes on with the server's other address (RFC 9000 9.6)."""
    return _moved(_app_packets(wire), "server", lambda packet: packet.far)


def client_moved(wire: Wire) -> list[str]:
    """The client goes on from another address of its own (RFC 9000 9.2 to 9.5)."""
    return _moved(_app_packets(wire), "client", lambda packet: packet.near)


def chacha20_used(wire: Wire) -> list[str]:
    """The handshake agreed on ChaCha20-Poly1305."""
    used = wire.suite is CipherSuite.CHACHA20_POLY1305_SHA256
    return [] if used else [f"the suite is {wire.suite}"]


def _app(wire: Wire, to_server: bool) -> list[Opened]:
    return [i for i in wire.opened if i.space is Space.APP and i.packet.to_server == to_server]


def keys_updated(wire: Wire) -> list[str]:
    """Both ends send packets of the next key phase."""
    return [
        f"the {who} did not send with new keys"
        for who, to_server in (("client", True), ("server", False))
        if not any(item.phase == 1 for item in _app(wire, to_server))
    ]


def marks_counted(wire: Wire) -> list[str]:
    """Both ends mark packets as ECN-capable and report the marks they saw; none is CE."""
    out = []
    for who, to_server in (("client", True), ("server", False)):
        marks = {packet.tos & 3 for packet in wire.packets if packet.to_server == to_server}
        if not marks & {1, 2}:
            out.append(f"the {who} marked nothing")
        if 3 in marks:
            out.append(f"the {who} sent congestion marks")
        if not any(Frame.ACK_ECN in item.frames for item in _app(wire, to_server)):
            out.append(f"the {who} reported no marks")
    return out
