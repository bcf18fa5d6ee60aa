# SPDX-License-Identifier: GPL-2.0
"""The soak's pure parts: what rounds are made of, what ends say of a transfer, what is judged."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import islice, pairwise
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tquic import soak_plan, soak_report
from tquic.lab import Link, TwoLinks
from tquic.mux import StreamRefusedError
from tquic.record import Address
from tquic.soak_links import TroubledLink
from tquic.soak_peers import ClientExchange, Log, ServerExchange
from tquic.soak_plan import (
    OUTAGES,
    QUIET_S,
    RESTARTS,
    Kind,
    Pattern,
    Round,
    Transfer,
    round_of,
    round_trip_s,
    rounds,
    slow_link,
    transfers,
)
from tquic.soak_report import Wait, growth, judge, judge_all, stall
from tquic.soak_timeline import Span, Timeline, without

SEEDS = st.integers(0, 100_000)


@given(SEEDS)
def test_a_round_follows_from_its_seed_and_ends_in_quiet(seed: int) -> None:
    plan = round_of(seed)
    assert plan == round_of(seed)
    assert 120 <= plan.seconds <= 300
    assert all(item.at_s <= plan.quiet_s for item in plan.troubles)
    assert [item.at_s for item in plan.troubles] == sorted(item.at_s for item in plan.troubles)
    for link in range(len(plan.links)):
        lasting = {}
        for item in plan.troubles:
            if item.link != link or item.kind in (Kind.RATE, Kind.DELAY, Kind.NEW_ADDRESS):
                continue
            # Nothing begins on a link before what was there is over, or ends unbegun
            assert lasting.get("kind", item.kind if item.on else None) == item.kind
            assert item.on != bool(lasting)
            lasting = {"kind": item.kind} if item.on else {}
        assert not lasting


@given(SEEDS)
def test_restarts_leave_time_to_be_noticed(seed: int) -> None:
    plan = round_of(seed)
    at = [item.at_s for item in plan.troubles if item.kind in RESTARTS]
    assert at
    assert all(b - a >= 40 for a, b in pairwise(at))


def test_all_kinds_of_trouble_occur() -> None:
    found = {item.kind for seed in range(20) for item in round_of(seed).troubles}
    assert found == set(Kind)
    assert {plan.own_paths for plan in map(round_of, range(20))} == {True, False}


def test_rounds_make_up_the_time_and_each_is_to_be_had_alone() -> None:
    plans = rounds(30, 7)
    assert sum(plan.seconds for plan in plans) >= 1800
    assert sum(plan.seconds for plan in plans[:-1]) < 1800
    assert rounds(1, plans[3].seed) == [plans[3]]


def test_links_have_short_queues() -> None:
    slow, fast = slow_link(0.3, 5), slow_link(4, 100)
    assert slow.queue_packets == 17
    assert round_trip_s(slow) == pytest.approx(0.01 + 0.686, abs=0.05)
    assert round_trip_s(slow, both=True) == pytest.approx(0.01 + 2 * 0.686, abs=0.1)
    assert round_trip_s(fast) == pytest.approx(0.2 + 0.2, abs=0.01)


def test_transfers_go_on_at_any_number() -> None:
    first = list(islice(transfers(5), 30))
    assert [item.number for item in first] == list(range(30))
    assert list(islice(transfers(5, 10), 20)) == first[10:]
    assert {(bool(item.up_bytes), bool(item.down_bytes)) for item in first} == {
        (True, True),
        (True, False),
        (False, True),
    }


@given(st.integers(0, 20_000), st.integers(1, 9000))
def test_a_pattern_is_the_same_however_it_is_read(offset: int, size: int) -> None:
    pattern = Pattern(1, 2, up=True)
    whole = Pattern(1, 2, up=True).read(0, offset + size)
    assert pattern.read(offset, size) == whole[offset:]
    assert pattern.differs_at(offset, whole[offset:]) is None
    wrong = bytearray(whole[offset:])
    wrong[size // 2] ^= 1
    assert pattern.differs_at(offset, bytes(wrong)) == offset + size // 2


def test_patterns_differ_by_place_number_way_and_seed() -> None:
    some = Pattern(1, 2, up=True).read(0, 64)
    others = [
        Pattern(1, 2, up=True).read(4096, 64),
        Pattern(1, 3, up=True).read(0, 64),
        Pattern(1, 2, up=False).read(0, 64),
        Pattern(2, 2, up=True).read(0, 64),
    ]
    assert some not in others


class Ends:
    """A client's and a server's exchange, joined without a network."""

    def __init__(self, folder: Path, transfer: Transfer, seed: int = 9) -> None:
        self.file = folder / "log"
        self.client = ClientExchange(Log(str(self.file), 0, "client"), seed, transfer)
        self.server = ServerExchange(Log(str(self.file), 0, "server"), 9)

    def lines(self) -> list[dict[str, Any]]:
        """What both wrote down."""
        return [json.loads(line) for line in self.file.read_text().splitlines()]

    @staticmethod
    def pump(source: Any, target: Any, *, spoil: bool = False) -> None:
        """Everything one side has to send, in small pieces."""
        while (piece := source.pull(1000)) is not None:
            data = bytes(piece[0])
            if spoil and len(data) > 100:
                data = data[:-1] + bytes([data[-1] ^ 1])
            target.on_data(data, piece[1])
            if piece[1]:
                return


@pytest.mark.parametrize(("up", "down"), [(5000, 0), (0, 5000), (3000, 3000), (1, 0)])
def test_both_ends_compare_every_byte(tmp_path: Path, up: int, down: int) -> None:
    ends = Ends(tmp_path, Transfer(4, up, down, 0))
    ends.pump(ends.client, ends.server)
    ends.pump(ends.server, ends.client)
    assert ends.client.complete
    assert {line["what"] for line in ends.lines()} <= {"first", "all", "got"}


@pytest.mark.parametrize("upwards", [True, False])
def test_a_wrong_byte_is_told_and_refused(tmp_path: Path, upwards: bool) -> None:
    ends = Ends(tmp_path, Transfer(4, 3000 * upwards, 3000 * (not upwards), 0))
    if not upwards:
        ends.pump(ends.client, ends.server)
    way = (ends.client, ends.server) if upwards else (ends.server, ends.client)
    with pytest.raises(StreamRefusedError):
        ends.pump(*way, spoil=True)
    (wrong,) = [line for line in ends.lines() if line["what"] == "wrong"]
    assert (wrong["n"], wrong["at"]) == (4, 999)


def test_bytes_of_another_round_are_wrong(tmp_path: Path) -> None:
    ends = Ends(tmp_path, Transfer(4, 300, 0, 0), seed=10)
    with pytest.raises(StreamRefusedError):
        ends.pump(ends.client, ends.server)


def test_an_end_that_is_early_is_wrong(tmp_path: Path) -> None:
    ends = Ends(tmp_path, Transfer(4, 3000, 0, 0))
    head = ends.client.pull(1000)
    assert head
    with pytest.raises(StreamRefusedError):
        ends.server.on_data(bytes(head[0]), True)


class FakeLab:
    """Notes what is done to the network."""

    def __init__(self, *links: Link) -> None:
        self.links = list(links)
        self.done: list[str] = []
        self.client = self.server = self

    def client_address(self, index: int) -> Address:
        return Address(f"10.66.{index}.1")

    def ip(self, *lines: str) -> None:
        self.done += lines

    def sysctl(self, name: str, value: int) -> None:
        self.done.append(f"{name} {value}")

    def is_running(self, device: str) -> bool:
        self.done.append(f"{device} running")
        return self.done.count(f"{device} running") > 1

    def cut(self, index: int) -> None:
        self.done.append(f"cut {index}")

    def device_down(self, index: int) -> None:
        self.done.append(f"c{index} down")

    def server_device_down(self, index: int) -> None:
        self.done.append(f"s{index} down")

    def server_device_up(self, index: int) -> None:
        self.done.append(f"s{index} up")

    def change(self, index: int, link: Link) -> None:
        self.links[index] = link
        self.done.append(f"change {index} {link.rate_mbit:g} {link.delay_ms:g} {link.loss:g}")


def test_a_link_stays_cut_until_no_reason_is_left() -> None:
    lab = FakeLab(slow_link(1, 50))
    link = TroubledLink(0, cast(TwoLinks, lab))
    lab.done.clear()
    link.cut(Kind.CUT, True)
    link.change(rate_mbit=2, loss=1)
    link.cut(Kind.LOSE_SERVER, True)
    link.cut(Kind.CUT, False)
    assert lab.done == ["cut 0"] * 4
    link.cut(Kind.LOSE_SERVER, False)
    assert lab.done[4:] == ["change 0 2 50 1"]
    assert lab.links[0] == slow_link(2, 50, 1)


def test_addresses_are_replaced_one_by_one_and_come_back_as_they_were() -> None:
    lab = FakeLab(slow_link(1, 50))
    link = TroubledLink(0, cast(TwoLinks, lab))
    lab.done.clear()
    assert [link.readdress(), link.readdress()] == ["10.66.0.10", "10.66.0.11"]
    lab.done.clear()
    link.away(True)
    link.away(False)
    assert lab.done[0] == "addr del 10.66.0.11/24 dev c0"
    assert "addr replace 10.66.0.11/24 dev c0" in lab.done
    assert lab.done[-1].startswith("c0 running")


def test_an_interface_is_back_when_it_takes_packets() -> None:
    lab = FakeLab(slow_link(1, 50))
    link = TroubledLink(0, cast(TwoLinks, lab))
    neighbours = {"retrans_time_ms": 50, "mcast_solicit": 40, "ucast_solicit": 40}
    assert lab.done == [
        f"net.ipv4.neigh.{end}0.{name} {value}"
        for end in "cs"
        for name, value in neighbours.items()
    ]
    lab.done.clear()
    link.peer_iface(True)
    assert lab.done == ["s0 down"]
    link.peer_iface(False)
    assert lab.done[1:] == ["s0 up", "s0 running", "s0 running"]
    lab.done.clear()
    link.iface(True)
    link.iface(False)
    assert lab.done[:2] == ["c0 down", "link set c0 up"]
    assert lab.done[-3].startswith("route replace default via 10.66.0.2 dev c0")
    assert lab.done[-2:] == ["c0 running"] * 2


# --- judging

PLAN = Round(
    seed=3,
    seconds=100,
    links=(slow_link(1, 50), slow_link(1, 50)),
    troubles=(),
    own_paths=True,
    scheduler="minrtt",
    congestion="cubic",
)
TRIP_S = round_trip_s(PLAN.links[0])


def news(at_s: float, event: str, link: int = 0, **values: Any) -> dict[str, Any]:
    """What the client's kernel tells of connection 7."""
    line = {"t": at_s, "what": "news", "side": "client", "token": 7, "id": link, "event": event}
    return {**line, "local": f"10.66.{link}.1", **values}


def trouble(at_s: float, kind: Kind, link: int, on: bool = True, **values: Any) -> dict[str, Any]:
    """Something that was done to a link."""
    line = {"t": at_s, "since": at_s, "what": "trouble", "kind": kind, "link": link, "on": on}
    return {"note": "", "value": 0, "name": "", **line, **values}


BOTH = [news(0.1, "conn_established", 0), news(0.2, "path_validated", 1)]


def waited(a: float, b: float, lines: list[dict[str, Any]]) -> soak_report.Stall | None:
    """A wait judged."""
    return stall(Wait(1, Span(a, b), False, 7), Timeline(PLAN, [*lines, {"t": 99, "what": "x"}]))


def test_spans_without_holes() -> None:
    span = Span(0, 10)
    assert without(span, [Span(2, 3), Span(9, 12)]) == [Span(0, 2), Span(3, 9)]
    assert without(span, [Span(-1, 11)]) == []
    assert without(span, []) == [span]


def test_a_wait_with_a_link_usable_may_last_three_round_trips() -> None:
    found = waited(10, 11, BOTH)
    assert found
    assert found.counted_s == pytest.approx(1)
    assert found.limit_s == pytest.approx(3 * TRIP_S)
    assert found.share == pytest.approx(1 / (3 * TRIP_S))


def test_no_wait_counts_while_all_links_are_out() -> None:
    lines = [
        *BOTH,
        trouble(9, Kind.CUT, 0),
        trouble(9, Kind.IFACE, 1),
        trouble(20, Kind.CUT, 0, False),
        trouble(20, Kind.IFACE, 1, False),
    ]
    assert waited(10, 19, lines) is None
    found = waited(10, 22, lines)
    assert found
    # Backoff may have been as long as the outage.
    assert found.counted_s == pytest.approx(2)
    assert found.limit_s == pytest.approx(3 * TRIP_S + 11, abs=0.2)


def test_timeouts_back_off_as_well_on_a_link_that_is_out_from_the_beginning() -> None:
    lines = [trouble(9, Kind.CUT, 0), news(10, "conn_established", 0)]
    found = waited(10, 22, [*lines, trouble(16, Kind.CUT, 0, False)])
    assert found
    assert found.counted_s == pytest.approx(6)
    assert found.limit_s == pytest.approx(3 * TRIP_S + 6)


def test_a_link_that_works_throughout_is_enough_to_blame() -> None:
    lines = [*BOTH, trouble(10, Kind.CUT, 0), trouble(19, Kind.CUT, 0, False)]
    found = waited(9.9, 18, lines)
    assert found
    assert (found.link, found.counted_s) == (1, pytest.approx(8.1))
    assert found.share > 1
    assert found.during == ("10.0 s cut 0",) or list(found.during) == ["10.0 s cut 0"]


def test_links_that_take_turns_count_one_by_one() -> None:
    lines = [
        *BOTH,
        trouble(10, Kind.CUT, 0),
        trouble(12, Kind.CUT, 0, False),
        trouble(12, Kind.ADDRESS, 1),
        trouble(15, Kind.ADDRESS, 1, False),
    ]
    found = waited(10.5, 13, lines)
    assert found
    assert found.counted_s == pytest.approx(1.5)


def test_a_link_that_came_back_beside_another_is_probed_soon() -> None:
    lines = [*BOTH, trouble(10, Kind.CUT, 1), trouble(12, Kind.CUT, 1, False)]
    timeline = Timeline(PLAN, [*lines, news(13, "path_abandoned", 0), {"t": 99, "what": "x"}])
    found = stall(Wait(1, Span(11.9, 20), False, 7), timeline)
    assert found
    assert found.link == 1
    assert found.limit_s == pytest.approx(3 * TRIP_S + soak_report.PROBE_S)


def test_without_a_path_on_it_a_link_is_of_no_use() -> None:
    lines = [news(0.1, "conn_established", 0), trouble(5, Kind.CUT, 0)]
    assert waited(6, 50, lines) is None
    assert waited(6, 50, [*lines, news(1, "path_validated", 1)])
    assert waited(6, 50, [*lines, news(1, "path_validated", 1, token=8)]) is None
    gone = [news(1, "path_validated", 1), news(4, "path_abandoned", 1)]
    assert waited(6, 50, [*lines, *gone]) is None


def test_a_path_from_an_address_that_is_no_more_is_of_no_use() -> None:
    lines = [news(0.1, "conn_established", 0), trouble(5, Kind.NEW_ADDRESS, 0)]
    assert waited(6, 50, lines) is None
    assert waited(6, 50, [*lines, news(7, "path_validated", 1, local="10.66.0.10")])
    assert waited(6, 50, [*lines, news(7, "path_migrated", 0, local="10.66.0.10")])


def test_a_path_that_moved_counts_where_it_is_now() -> None:
    lines = [
        news(0.1, "conn_established", 0),
        news(3, "path_migrated", 0, local="10.66.1.9"),
        trouble(5, Kind.CUT, 0),
    ]
    found = waited(6, 9, lines)
    assert found
    assert found.link == 1


def test_slower_links_and_loss_stretch_the_limit() -> None:
    slow = [*BOTH, trouble(8, Kind.RATE, 1, value=0.3)]
    found = waited(10, 12, slow)
    assert found
    assert found.limit_s == pytest.approx(3 * round_trip_s(slow_link(0.3, 50)))
    lossy = [*BOTH, trouble(8, Kind.LOSS, 1, value=2)]
    found = waited(10, 12, lossy)
    assert found
    assert found.limit_s == pytest.approx(9 * TRIP_S)
    over = [*lossy, trouble(9, Kind.LOSS, 1, False)]
    found = waited(10, 12, over)
    assert found
    assert found.limit_s == pytest.approx(3 * TRIP_S)


def test_a_link_whose_end_nobody_noticed_stretches_the_limit() -> None:
    slow = [*BOTH, trouble(1, Kind.RATE, 1, value=0.2), trouble(2, Kind.CUT, 1)]
    trip_s = round_trip_s(slow_link(0.2, 50))
    found = waited(20, 22, slow)
    assert found
    assert found.limit_s == pytest.approx(2 * trip_s + TRIP_S)
    gone = [*slow, news(3, "path_abandoned", 1)]
    found = waited(20, 22, gone)
    assert found
    assert found.limit_s == pytest.approx(3 * TRIP_S)


def good(**changes: Any) -> dict[str, Any]:
    """The record of a round in which all went well."""
    lines = [
        {"t": 0.0, "who": "client", "what": "start"},
        {"t": 0.1, "who": "client", "what": "connected", "token": 7, "host": "10.66.0.1"},
        *BOTH,
        {"t": 1.0, "who": "client", "what": "begin", "n": 0, "up": 100, "down": 0},
        {"t": 1.2, "who": "server", "what": "first", "n": 0},
        {"t": 1.3, "who": "server", "what": "all", "n": 0},
        {"t": 1.5, "who": "client", "what": "end", "n": 0},
        {"t": 98.0, "what": "addresses", "hosts": ["10.66.0.1", "10.66.1.1"]},
    ]
    for side in ("client", "server"):
        for link in range(2):
            host = f"10.66.{link}.1"
            line = {"t": 98.0, "what": "path", "side": side, "token": 7, "id": link}
            lines.append({**line, "client": host, "state": "active"})
    record = {
        "seed": 3,
        "late": False,
        "codes": [0, 0],
        "left": [],
        "took_s": 102.0,
        "counters": {"client": {"RxDatagrams": 5}, "server": {}},
        "memory_kb": 1000,
        "lines": lines + changes.pop("more", []),
    }
    return {**record, **changes}


def broken(record: dict[str, Any]) -> str:
    """The rules that did not hold."""
    return " | ".join(judge(PLAN, record).broken)


def test_a_good_round() -> None:
    judged = judge(PLAN, good())
    assert judged.broken == []
    assert (judged.transfers, judged.waits) == (1, 2)
    assert judged.worst[0].share < 1
    assert "ok" in judged.line()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"late": True}, "did not end"),
        ({"failed": "LabError: no"}, "could not be gone through:\nLabError: no"),
        ({"codes": [1, 0]}, "the client ended with 1"),
        ({"codes": [0, -11]}, "the server ended with -11"),
        ({"left": ["server: 4 established"]}, "still there: server: 4"),
        ({"counters": {"client": {"RxDecryptErrors": 2}}}, "the client counts 2 RxDecryptErrors"),
    ],
)
def test_what_an_end_may_not_leave(changes: dict[str, Any], words: str) -> None:
    assert words in broken(good(**changes))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ({"what": "wrong", "who": "server", "n": 3, "at": 17}, "transfer 3 is wrong at 17"),
        ({"what": "broken", "text": "idle"}, "no end was killed, yet: idle"),
        ({"what": "given-up", "n": 0}, "a transfer was given up"),
        ({"what": "wait", "who": "server", "n": 0, "a": 10, "b": 30}, "waited 20.00 s"),
    ],
)
def test_what_may_not_happen(line: dict[str, Any], words: str) -> None:
    assert words in broken(good(more=[{"t": 30.0, **line}]))


def test_a_connection_without_any_link_may_end_by_silence() -> None:
    out = [trouble(30, Kind.CUT, 0), trouble(31, Kind.CUT, 1)]
    ended = {"t": 46.0, "what": "broken", "text": "idle"}
    again = {"t": 47.0, "what": "connected", "token": 7, "host": "10.66.0.1"}
    record = good(more=[*out, ended, again])
    judged = judge(PLAN, record)
    assert (judged.broken, judged.lost) == ([], 1)
    record = good(more=[out[0], ended, again])
    assert "no end was killed, yet: idle" in broken(record)
    assert "yet: idle" in broken(good(more=[*out, {**ended, "t": 40.0}, again]))


def test_a_handshake_ends_early_only_with_its_client() -> None:
    line = {"t": 30.0, "what": "refused", "text": "the peer closed"}
    gave_up = {"t": 29.0, "what": "unconnected", "text": "no complete handshake within 8 s"}
    assert "the server says: the peer closed" in broken(good(more=[line]))
    assert "the server says" not in broken(good(more=[gave_up, line]))
    assert "the server says" in broken(good(more=[{**gave_up, "t": 31.0}, line]))


def test_a_path_that_stays_away_is_told() -> None:
    record = good()
    record["lines"] = [
        line for line in record["lines"] if line["what"] != "path" or line["client"] != "10.66.1.1"
    ]
    assert "the client has no path back over link 1" in broken(record)
    assert "the server has no path back over link 1" in broken(record)


def test_a_path_that_answers_a_moment_later_is_there() -> None:
    answered = {"what": "news", "event": "path_recovered", "side": "server", "token": 7}
    for at_s, number, back in ((97.9, 1, False), (98.1, 1, True), (98.1, 0, False)):
        record = good(more=[{**answered, "t": at_s, "id": number, "state": "active"}])
        for line in record["lines"]:
            if line["what"] == "path" and (line["side"], line["id"]) == ("server", 1):
                line["state"] = "suspect"
        assert ("the server has no path back over link 1" in broken(record)) is not back


def test_a_round_whose_trouble_came_late_says_nothing_of_paths() -> None:
    record = good(more=[trouble(PLAN.quiet_s + 1.9, Kind.CUT, 1, on=False)])
    record["lines"] = [line for line in record["lines"] if line["what"] != "path"]
    assert "no path back" in broken(record)
    record["lines"].append(trouble(PLAN.quiet_s + 2.1, Kind.CUT, 1, on=False))
    assert "no path back" not in broken(record)
    assert "the machine was too busy for this round" in broken(record)


def test_a_path_that_comes_and_goes_all_the_time_is_told() -> None:
    flaps = [news(30 + n / 10, "path_suspect", 1) for n in range(6)]
    assert "path 1 of the client became suspect 6 times" in broken(good(more=flaps))
    slower = [news(30 + n / 4, "path_suspect", 1) for n in range(9)]
    others = [news(31 + n / 10, "path_suspect", 0) for n in range(5)]
    assert broken(good(more=slower + others)) == ""


def killed(at_s: float, kind: Kind) -> dict[str, Any]:
    return trouble(at_s, kind, -1)


def test_a_killed_server_must_be_noticed_in_time() -> None:
    kill = killed(20, Kind.KILL_SERVER)
    lost = {"t": 21.0, "what": "broken", "text": "10.66.0.2: the peer has lost the connection"}
    again = {"t": 23.0, "what": "connected", "token": 7, "host": "10.66.0.1"}
    judged = judge(PLAN, good(more=[kill, lost, again]))
    assert judged.broken == []
    assert judged.notices == {"client: the peer has lost the connection": 1}
    assert judged.slowest_connect_s == pytest.approx(2)
    assert "never noticed kill-server" in broken(good(more=[kill]))
    late = [{**lost, "t": 70.0}, {**again, "t": 71.0}]
    assert "noticed after 50 s" in broken(good(more=[kill, *late]))
    assert "connected after 46 s" in broken(good(more=[kill, lost, {**again, "t": 67.5}]))


def test_a_killed_client_must_be_noticed_in_time() -> None:
    kill = killed(20, Kind.KILL_CLIENT)
    there = {**news(0.1, "conn_established"), "side": "server", "token": 4}
    gone = {**news(22, "conn_closed"), "side": "server", "token": 4, "flags": 4}
    again = [
        {"t": 22.0, "what": "start"},
        {"t": 23.0, "what": "connected", "token": 7, "host": "10.66.0.1"},
    ]
    judged = judge(PLAN, good(more=[there, kill, gone, *again]))
    assert judged.broken == []
    assert judged.notices == {"server: idle timeout": 1}
    assert "never noticed kill-client" in broken(good(more=[there, kill, *again]))


def test_a_wait_ends_with_who_would_have_ended_it() -> None:
    wait = {"t": 40.0, "what": "wait", "who": "client", "n": 0, "a": 19.9, "b": 40.0}
    kill = killed(20, Kind.KILL_SERVER)
    lost = {"t": 40.0, "what": "broken", "text": "a: b"}
    again = {"t": 42.0, "what": "connected", "token": 7, "host": "10.66.0.1"}
    assert broken(good(more=[wait, kill, lost, again])) == ""
    # Begun before the client knew
    begin = {"t": 21.0, "what": "begin", "n": 1, "up": 0, "down": 9}
    later = {**wait, "n": 1, "a": 21.0}
    assert broken(good(more=[begin, later, kill, lost, again])) == ""
    # The next connection's waits count again.
    begin = {"t": 43.0, "what": "begin", "n": 2, "up": 0, "down": 9}
    next_one = {**wait, "t": 60.0, "n": 2, "a": 43.0, "b": 60.0}
    assert "waited 17.00 s" in broken(good(more=[begin, next_one, kill, lost, again]))


def test_memory_that_grows_is_told() -> None:
    flat = [50_000, 52_000, 51_000, 53_000] * 4
    assert growth(flat) == []
    assert "grew" in growth([*flat, *(65_000 + n for n in range(4))])[0]
    assert growth([1000, 90_000]) == []


def test_all_rounds_name_seed_and_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soak_report, "round_of", lambda seed: replace(PLAN, seed=seed))
    bad = good(seed=4, late=True)
    judged, texts = judge_all([good(), bad])
    assert [item.at_min for item in judged] == [0, pytest.approx(100 / 60)]
    assert texts == ["seed 4, minute 2: at 100.0 s: the transfers did not end"]


def test_outages_are_what_a_link_is_missing_for() -> None:
    assert not set(OUTAGES) & set(RESTARTS)
    assert QUIET_S > soak_plan.QUIET_S / 2
