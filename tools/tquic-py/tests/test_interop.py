# SPDX-License-Identifier: GPL-2.0
"""The interop harness without sockets: trouble, what packets show, plans and the report."""

from __future__ import annotations

import io
import shutil
import ssl
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.tls import CipherSuite
from click.testing import CliRunner
from tls_certs import Authority

from tquic import cmd_interop
from tquic.interop import caddy_end, checks, decoder, hello, pcap, run
from tquic.interop.capture import V1, V2, Kind, Packet, long_headers
from tquic.interop.cases import CASES
from tquic.interop.network import PORT
from tquic.interop.opened import Frame, Opened, Space, Wire, read_keylog
from tquic.interop.peers import PEERS, Role, protocol
from tquic.interop.plan import Feature, Plan, Protocol
from tquic.interop.report import Outcome, Result, load, merge, rst, save
from tquic.interop.trouble import Corruption, LoseNth, Loss, Outages, Rebinding, Trouble
from tquic.record import Address


def fates(trouble: Trouble, count: int, to_server: bool = True) -> list[bool]:
    """Which of so many packets arrive."""
    return [trouble.carry(b"data", to_server=to_server, time_s=0) is not None for _ in range(count)]


def test_loss_has_its_share_and_short_bursts() -> None:
    arrived = fates(Loss(30), 10_000)
    assert 0.6 < sum(arrived) / len(arrived) < 0.8
    text = "".join("." if ok else "x" for ok in arrived)
    assert "xxx" in text
    assert "xxxx" not in text
    assert fates(Loss(30), 100) == fates(Loss(30), 100)


def test_corruption_flips_one_bit() -> None:
    corruption = Corruption(50)
    out = [corruption.carry(bytes(100), to_server=False, time_s=0) for _ in range(400)]
    ones = [sum(byte.bit_count() for byte in data or b"") for data in out]
    assert set(ones) == {0, 1}
    assert 100 < sum(ones) < 300


def test_numbered_losses_are_the_clients() -> None:
    trouble = LoseNth(range(2, 4))
    assert fates(trouble, 3, to_server=False) == [True] * 3
    assert fates(trouble, 5) == [True, False, False, True, True]


@pytest.mark.parametrize(
    ("time_s", "passes"), [(0, True), (4.9, True), (5, False), (6.9, False), (7, True), (12, False)]
)
def test_outages(time_s: float, passes: bool) -> None:
    out = Outages(5, 2).carry(b"x", to_server=True, time_s=time_s)
    assert (out is not None) == passes


def test_rebinding() -> None:
    nat = Rebinding(1, 5, address=True)
    assert [nat.mapping(t) for t in (0, 0.9, 1, 5.9, 6, 11)] == [0, 0, 1, 1, 2, 3]
    assert nat.moves_address
    assert not Trouble.moves_address


def long_packet(kind: Kind, version: int = V1, token: bytes = b"", size: int = 40) -> bytes:
    """A long header packet from 'them' to 'us' whose payload is zeroes."""
    bits = (kind.value + 1) % 4 if version == V2 else kind.value
    head = bytes([0xC0 | bits << 4]) + version.to_bytes(4, "big") + b"\x04them\x02us"
    if kind is Kind.RETRY:
        return head + token + bytes(16)
    if kind is Kind.INITIAL:
        head += bytes([len(token)]) + token
    return head + (0x4000 | size).to_bytes(2, "big") + bytes(size)


def packet(data: bytes, *, to_server: bool, mapping: int = 0, passed: bool = True) -> Packet:
    """A packet of a capture."""
    return Packet(0.0, to_server, mapping, 0, data, passed)


@pytest.mark.parametrize("version", [V1, V2])
def test_long_headers_of_a_datagram(version: int) -> None:
    data = long_packet(Kind.INITIAL, version, b"tok") + long_packet(Kind.HANDSHAKE, version)
    heads = list(long_headers(data + b"\x40short"))
    assert [head.kind for head in heads] == [Kind.INITIAL, Kind.HANDSHAKE]
    assert [(head.dcid, head.scid, head.token) for head in heads] == [
        (b"them", b"us", b"tok"),
        (b"them", b"us", b""),
    ]
    assert sum(head.size for head in heads) == len(data)
    for cut in range(len(data)):
        assert len(list(long_headers(data[:cut]))) <= 2


def test_retry_is_seen_and_answered() -> None:
    retry = packet(long_packet(Kind.RETRY, token=b"token"), to_server=False)
    # The Retry's source id is "us", the Initial goes to "them": another id.
    stray = packet(long_packet(Kind.INITIAL, token=b"token"), to_server=True)
    answer = packet(stray.data.replace(b"\x04them\x02us", b"\x02us\x04them"), to_server=True)
    assert checks.retried(Wire([])) != []
    assert checks.retried(Wire([retry, stray])) != []
    assert checks.retried(Wire([retry, answer])) == []
    assert checks.no_retry(Wire([retry])) != []
    assert checks.no_retry(Wire([answer])) == []


def test_handshakes_are_counted() -> None:
    one = packet(long_packet(Kind.HANDSHAKE), to_server=False)
    other = packet(one.data.replace(b"us", b"me"), to_server=False)
    assert checks.handshakes(1)(Wire([one, one])) == []
    assert checks.handshakes(1)(Wire([one, other])) == ["2 handshakes, not 1"]
    assert checks.handshakes(2)(Wire([one, other])) == []


def test_a_resumed_handshake_is_small() -> None:
    first = packet(long_packet(Kind.HANDSHAKE, size=900), to_server=False)
    small = packet(long_packet(Kind.HANDSHAKE, size=300).replace(b"us", b"me", 1), to_server=False)
    large = packet(long_packet(Kind.HANDSHAKE, size=700).replace(b"us", b"me", 1), to_server=False)
    assert checks.resumed(Wire([first, small])) == []
    assert checks.resumed(Wire([first, large])) != []
    assert checks.resumed(Wire([first, small, small])) != []
    assert checks.resumed(Wire([first])) != []
    assert checks.resumed(Wire([])) != []


def test_early_data_is_seen() -> None:
    early = packet(long_packet(Kind.EARLY), to_server=True)
    assert checks.early_used(Wire([early])) == []
    lost = packet(early.data, to_server=True, passed=False)
    answer = packet(long_packet(Kind.HANDSHAKE), to_server=True)
    assert checks.early_used(Wire([lost, answer])) != []


def test_versions() -> None:
    asked = packet(long_packet(Kind.INITIAL), to_server=True)
    answered = packet(long_packet(Kind.INITIAL, V2), to_server=False)
    finished = packet(long_packet(Kind.HANDSHAKE, V2), to_server=True)
    assert checks.version_2_negotiated(Wire([asked, answered, finished])) == []
    assert len(checks.version_2_negotiated(Wire([answered]))) == 2
    in_1 = packet(long_packet(Kind.HANDSHAKE), to_server=False)
    assert checks.version_2_negotiated(Wire([asked, answered, finished, in_1])) != []
    assert checks.only_version_1(Wire([asked, in_1])) == []
    assert checks.only_version_1(Wire([asked, finished])) != []


def test_initial_again() -> None:
    asked = packet(long_packet(Kind.INITIAL), to_server=True)
    answered = replace(packet(long_packet(Kind.INITIAL), to_server=False), time_s=0.8)
    in_time, late = replace(asked, time_s=1.0), replace(asked, time_s=1.6)
    sent_again = checks.initial_sent_again(0.75)
    assert sent_again(Wire([asked, answered, in_time])) == []
    assert sent_again(Wire([asked, answered, late])) != []
    assert sent_again(Wire([asked, in_time])) != []


def test_amplification() -> None:
    asked = packet(long_packet(Kind.INITIAL, size=1180), to_server=True)
    lost = packet(asked.data, to_server=True, passed=False)
    flight = packet(long_packet(Kind.HANDSHAKE, size=1180), to_server=False)
    proof = packet(long_packet(Kind.HANDSHAKE), to_server=True)
    early = Wire([asked, lost, *[flight] * 4])
    assert "before the address" in checks.amplification_limited(early)[0]
    assert checks.amplification_limited(Wire([asked, *[flight] * 3, proof, *[flight] * 5])) == []
    assert "nothing was limited" in checks.amplification_limited(Wire([asked, flight, proof]))[0]


def app(frames: tuple[int, ...], to_server: bool, *, mapping: int = 0, phase: int = 0) -> Opened:
    """A 1-RTT packet that was opened."""
    outer = packet(b"", to_server=to_server, mapping=mapping)
    return Opened(outer, Space.APP, phase, frames)


class Read(Wire):
    """A capture whose packets are open already."""

    def __init__(self, *opened: Opened) -> None:
        super().__init__([item.packet for item in opened])
        self.__dict__["_read"] = (list(opened), None)


def test_rebound() -> None:
    def move(mapping: int) -> list[Opened]:
        return [
            app((Frame.PATH_CHALLENGE,), False, mapping=mapping),
            app((Frame.PATH_RESPONSE,), True, mapping=mapping),
        ]

    assert checks.rebound(2)(Read(app((1,), False), *move(1), *move(2))) == []
    assert checks.rebound(2)(Read(*move(1))) == ["1 new mappings were answered"]
    early = app((0x02,), False, mapping=1)
    assert checks.rebound(1)(Read(early, *move(1))) == [
        "mapping 1 was used before it was challenged"
    ]
    assert checks.rebound(1)(Read(move(1)[0])) == ["mapping 1 was not confirmed by the client"]


NEAR, AWAY = Address("10.0.0.1", 1), Address("10.0.0.1", 2)
FAR, BEYOND = Address("10.0.0.2", 4433), Address("10.0.0.9", 4433)


def sent(
    frames: tuple[int, ...], to_server: bool, dcid: bytes, near: Address = NEAR, far: Address = FAR
) -> Opened:
    """A 1-RTT packet between two addresses."""
    item = app(frames, to_server)
    return replace(item, packet=replace(item.packet, near=near, far=far), dcid=dcid)


def moving(near: Address, far: Address) -> list[Opened]:
    """A connection that goes on between two other addresses."""
    return [
        sent((0x08,), True, b"a"),
        sent((0x08,), False, b"b"),
        sent((Frame.PATH_CHALLENGE,), True, b"c", near, far),
        sent((Frame.PATH_RESPONSE,), False, b"d", near, far),
    ]


@pytest.mark.parametrize(
    ("check", "near", "far", "who"),
    [
        (checks.moved_to_preferred, NEAR, BEYOND, "server"),
        (checks.client_moved, AWAY, FAR, "client"),
    ],
)
def test_moves(check: checks.Check, near: Address, far: Address, who: str) -> None:
    items = moving(near, far)
    assert check(Read(*items)) == []
    assert check(Read(*items[:2])) == [f"the {who}'s address stayed the same"]
    assert check(Read()) == ["nothing could be opened"]
    assert check(Read(*items, items[0])) == ["the end was seen on the old path"]
    assert check(Read(*items[:3])) == [
        "the server sent nothing on the new path",
        "the new path was not validated",
    ]
    same = replace(items[2], dcid=b"a")
    assert check(Read(*items[:2], same, items[3])) == ["the client used an id on both paths"]
    # An end without ids of its own has none to change.
    bare = [replace(item, dcid=b"") for item in items]
    assert check(Read(*bare)) == []


def test_extensions_are_asked_for_first() -> None:
    def talk(offered: dict[int, bytes] | None, *kinds: int) -> list[str]:
        wire = Read(app(kinds, to_server=True))
        wire.__dict__["parameters"] = lambda *, of_server: offered if of_server else {}
        return checks.extensions_agreed(wire)

    assert talk({}, *range(0x1F)) == []
    assert talk({}, Frame.IMMEDIATE_ACK) != []
    assert len(talk({}, Frame.ACK_FREQUENCY, 0x31, 0x3E)) == 3
    assert talk({checks.MIN_ACK_DELAY: b""}, Frame.IMMEDIATE_ACK, Frame.ACK_FREQUENCY) == []
    assert talk({checks.MIN_ACK_DELAY: b""}, 0x31) != []
    # Parameters that could not be read accuse nobody.
    assert talk(None, Frame.IMMEDIATE_ACK) == []


def test_marks() -> None:
    def both(tos: int, frame: int) -> list[Opened]:
        items = [app((frame,), side) for side in (True, False)]
        return [replace(item, packet=replace(item.packet, tos=tos)) for item in items]

    assert checks.marks_counted(Read(*both(2, Frame.ACK_ECN))) == []
    assert len(checks.marks_counted(Read(*both(0, Frame.ACK_ECN)))) == 2
    assert len(checks.marks_counted(Read(*both(2, 0x02)))) == 2
    assert len(checks.marks_counted(Read(*both(2, Frame.ACK_ECN), *both(3, 1)))) == 2


class Talk:
    """Two ends of aioquic without a network between them; what they say is captured."""

    def __init__(self, folder: Path, suite: CipherSuite) -> None:
        leaf = Authority(folder).issue("server.test")
        self.log = io.StringIO()
        ours = QuicConfiguration(is_client=True, alpn_protocols=["x"], secrets_log_file=self.log)
        ours.verify_mode = ssl.CERT_NONE
        ours.cipher_suites = [suite]
        ours.server_name = "server.test"
        theirs = QuicConfiguration(is_client=False, alpn_protocols=["x"])
        theirs.load_cert_chain(leaf.cert_file, leaf.key_file)
        self.client = QuicConnection(configuration=ours)
        self.client.connect(("server", 1), now=0)
        self.packets: list[Packet] = []
        self.now_s = 0.0
        data = self.client.datagrams_to_send(now=0)[0][0]
        dcid = data[6 : 6 + data[5]]
        self.server = QuicConnection(configuration=theirs, original_destination_connection_id=dcid)
        self._deliver([data], to_server=True)
        self.settle()

    def _deliver(self, datagrams: list[bytes], *, to_server: bool) -> None:
        end = self.server if to_server else self.client
        for data in datagrams:
            self.packets.append(packet(data, to_server=to_server))
            end.receive_datagram(data, ("server", 1), now=self.now_s)

    def settle(self) -> None:
        """Exchange datagrams for a while: half a second of both ends' time."""
        for _ in range(10):
            self.now_s += 0.05
            for end in (self.client, self.server):
                if (timer := end.get_timer()) is not None and timer <= self.now_s:
                    end.handle_timer(now=self.now_s)
                sent = [data for data, _ in end.datagrams_to_send(now=self.now_s)]
                self._deliver(sent, to_server=end is self.client)

    @property
    def wire(self) -> Wire:
        """All that was said."""
        return Wire(self.packets, read_keylog(self.log.getvalue()))


def test_parameters_are_read(tmp_path: Path) -> None:
    talk = Talk(tmp_path, CipherSuite.AES_256_GCM_SHA384)
    for of_server in (True, False):
        found = talk.wire.parameters(of_server=of_server)
        # initial_source_connection_id; and what only a server sends.
        assert found is not None
        assert len(found[0x0F]) == 8
        assert (0x00 in found) == of_server
    assert len(talk.wire.start(1).opened) == 1
    assert len(talk.wire.start(1000).opened) == len(talk.wire.opened)
    # Half of a ClientHello says nothing.
    first = talk.wire.opened[0]
    assert first.space is Space.INITIAL
    whole = hello.start(first.crypto)
    assert hello.parameters(whole) is not None
    assert all(hello.parameters(whole[:size]) is None for size in range(40))
    assert hello.start([(0, b"ab"), (3, b"d")]) == b"ab"
    assert hello.start([(1, b"bcd"), (0, b"ab"), (1, b"b")]) == b"abcd"


@pytest.mark.parametrize("hosts", [("192.0.2.1", "192.0.2.2"), ("2001:db8::1", "2001:db8::2")])
def test_tshark_reads_captures(tmp_path: Path, hosts: tuple[str, str]) -> None:
    if shutil.which("tshark") is None:
        pytest.skip(decoder.NOT_INSTALLED)
    talk = Talk(tmp_path, CipherSuite.AES_256_GCM_SHA384)
    near, far = Address(hosts[0], 5000), Address(hosts[1], PORT)
    packets = [replace(item, near=near, far=far, tos=2) for item in talk.packets]
    capture, keys, none = (tmp_path / name for name in ("a.pcap", "keys", "none"))
    pcap.save(capture, packets)
    keys.write_text(talk.log.getvalue())
    none.touch()
    assert decoder.confirm(capture, keys, 1) == decoder.CONFIRMED
    assert decoder.confirm(capture, keys, 2) == "tshark sees 1 confirmed handshakes, not 2"
    assert "0 confirmed handshakes" in decoder.confirm(capture, none, 1)
    assert decoder.confirm(tmp_path / "missing", keys, 1).startswith("tshark: ")
    words = ["tshark", "-r", str(capture), "-o", "ip.check_checksum:TRUE"]
    words += ["-o", "udp.check_checksum:TRUE", "-Y", "ip.checksum_bad.expert or udp.checksum.bad"]
    assert subprocess.run(words, capture_output=True, text=True, check=True).stdout == ""


def test_the_decoders_words() -> None:
    good = "0\t6,18\t\t\n0,0\t30\t\t\n\t\t\t\n"
    assert decoder.judge(good, 1) == decoder.CONFIRMED
    assert decoder.judge(good + "1\t30,1\t\t\n", 2) == decoder.CONFIRMED
    bad = decoder.judge(good + "0\t8\t8388608\tMalformed Packet\n", 1)
    assert bad == "tshark sees 1 packets of 4, 1 x Malformed Packet"
    note = "0\t8\t4194304\tsomething to note\n"
    assert decoder.judge(good + note, 1) == decoder.CONFIRMED
    assert "0 confirmed" in decoder.judge("0\t6\t\t\n", 1)


@pytest.mark.parametrize(
    "suite", [CipherSuite.AES_256_GCM_SHA384, CipherSuite.CHACHA20_POLY1305_SHA256]
)
def test_packets_are_opened(tmp_path: Path, suite: CipherSuite) -> None:
    talk = Talk(tmp_path, suite)
    wire = talk.wire
    assert wire.suite is suite
    assert (checks.chacha20_used(wire) == []) == (suite is CipherSuite.CHACHA20_POLY1305_SHA256)
    assert {item.space for item in wire.opened} == set(Space)
    assert all(item.crypto for item in wire.opened if Frame.CRYPTO in item.frames)
    assert len(checks.keys_updated(wire)) == 2
    talk.client.request_key_update()
    talk.client.send_ping(1)
    talk.settle()
    assert checks.keys_updated(talk.wire) == []
    # Nothing is opened with keys of others, and a flipped bit costs one packet.
    assert {item.space for item in Wire(talk.packets).opened} == {Space.INITIAL}
    last = talk.packets[-1]
    bad = replace(last, data=last.data[:-1] + bytes([last.data[-1] ^ 1]))
    broken = Wire([*talk.packets[:-1], bad], talk.wire.secrets)
    assert len(broken.opened) == len(talk.wire.opened) - 1


def test_plans_survive_the_way() -> None:
    plan = Plan(
        "10.0.0.1", 4433, "name", Protocol.H3, "www", "ca", "cert", "key", "log",
        requests=(("a", "b"), ("c",)), features=(Feature.RETRY,),
    )  # fmt: skip
    assert Plan.load(plan.dump()) == plan
    assert plan.wants(Feature.RETRY)
    assert not plan.wants(Feature.V2)


def test_pairings() -> None:
    every = run.pairings([], [], [])
    assert len(every) == len(CASES) * (2 * len(PEERS) - 1)
    assert len(set(every)) == len(every)
    assert all("tquic" in (item.client, item.server) for item in every)
    (one,) = run.pairings(["retry"], ["ngtcp2"], [Role.SERVER])
    assert (one.client, one.server) == ("ngtcp2", "tquic")


def test_files_divide_evenly() -> None:
    for case in CASES.values():
        assert len(case.files) % case.connections == 0


def test_peers() -> None:
    assert protocol(PEERS["tquic"], PEERS["ngtcp2"]) is Protocol.H3
    assert protocol(PEERS["aioquic"], PEERS["tquic"]) is Protocol.HQ
    assert PEERS["aioquic"].reason(Role.CLIENT, (Feature.ECN,)) != ""
    assert PEERS["ngtcp2"].reason(Role.CLIENT, (Feature.ECN,)) == ""
    assert PEERS["caddy"].reason(Role.CLIENT, ()) != ""
    assert PEERS["caddy"].reason(Role.SERVER, ()) == ""
    assert PEERS["caddy"].reason(Role.SERVER, (Feature.RETRY,)) != ""
    assert PEERS["caddy"].reason(Role.SERVER, CASES["rebind-addr"].features) != ""
    assert PEERS["ngtcp2"].reason(Role.SERVER, CASES["rebind-addr"].features) == ""
    assert protocol(PEERS["tquic"], PEERS["caddy"]) is Protocol.H3


def test_commands(tmp_path: Path) -> None:
    plan = Plan(
        "10.0.0.1", 4433, "name", Protocol.H3, "/www", "ca", "cert", "key", "log",
        requests=(("a",),), preferred="10.0.0.9", other="10.0.0.8",
    )  # fmt: skip
    for name in ("tquic", "aioquic", "caddy"):
        words = PEERS[name].commands(Role.SERVER, plan, tmp_path / "plan")
        assert [words[0][2].partition("_end")[0], *words[0][3:]] == [
            f"tquic.interop.{name}",
            "server",
            str(tmp_path / "plan"),
        ]
    (client,) = PEERS["ngtcp2"].commands(Role.CLIENT, plan, tmp_path)
    assert "--change-local-addr=500ms" in client
    (server,) = PEERS["ngtcp2"].commands(Role.SERVER, plan, tmp_path)
    assert "--preferred-ipv4-addr=10.0.0.9:4433" in server
    config = caddy_end.configuration(plan, tmp_path)
    (files,) = config["apps"]["http"]["servers"].values()
    assert files["listen"] == ["10.0.0.1:4433"]
    assert files["routes"][0]["handle"][0]["root"] == "/www"
    assert config["admin"]["disabled"]


def test_the_role_is_an_option(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[run.Pairing] = []

    def fake(wanted: list[run.Pairing], *_others: object) -> list[Result]:
        asked.extend(wanted)
        return []

    monkeypatch.setattr(run, "run", fake)
    words = ["run", "--case", "retry", "--peer", "caddy", "--role", "client"]
    done = CliRunner().invoke(cmd_interop.group, words)
    assert done.exit_code == 0, done.output
    assert asked == [run.Pairing("retry", "tquic", "caddy")]


def test_reports_are_merged_and_kept(tmp_path: Path) -> None:
    failed = Result("retry", "tquic", "aioquic", Outcome.FAILED, "no Retry was sent")
    passed = Result("retry", "tquic", "aioquic", Outcome.PASSED, seconds=1.5)
    other = Result("retry", "aioquic", "tquic", Outcome.UNSUPPORTED, "because")
    merged = merge([failed, other], [passed])
    assert merged == [passed, other]
    path = tmp_path / "report.json"
    assert load(path) == []
    save(path, merged)
    assert load(path) == merged


def test_the_page() -> None:
    results = [
        Result("retry", "tquic", "aioquic", Outcome.PASSED),
        Result("retry", "aioquic", "tquic", Outcome.FAILED, "no Retry was sent"),
        Result("v2", "tquic", "aioquic", Outcome.UNSUPPORTED, "because"),
        Result("v2", "aioquic", "tquic", Outcome.PASSED, kbit_s=9000),
        Result("ipv6", "tquic", "aioquic", Outcome.PASSED, kbit_s=5000, beside_kbit_s=4000),
        Result("ipv6", "aioquic", "tquic", Outcome.PASSED, decoded="tshark sees ghosts"),
        Result("ecn", "tquic", "aioquic", Outcome.PASSED, decoded=decoder.CONFIRMED),
    ]
    titles = [("retry", "a Retry"), ("v2", "another version"), ("ipv6", "six"), ("ecn", "marks")]
    titles.append(("late", "not run yet"))
    lines = rst(results, titles).splitlines()
    assert "retry passed                  FAILED [1]" in lines
    assert "v2    no [2]                  9000 kbit/s" in lines
    assert "ipv6  5000 kbit/s (TCP: 4000) passed [3]" in lines
    assert "ecn   passed                  -" in lines
    assert "late  -                       -" in lines
    assert "1. no Retry was sent" in lines
    assert "2. because" in lines
    assert "3. tshark sees ghosts" in lines
