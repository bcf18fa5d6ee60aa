# SPDX-License-Identifier: GPL-2.0
"""The demo's guest without a guest: when links are cut and restored, and what is written down."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tquic import demo_guest, demo_peers, demo_plan, demo_record, demo_report, demo_sampler
from tquic.demo_guest import Beat, Director
from tquic.demo_trace import Reading
from tquic.http09 import Url
from tquic.lab import Counters
from tquic.record import Address
from tquic.uapi import PathInfo, PathState

PLAN = demo_plan.Plan("/x/file.bin", 1000, "ab" * 32, "name", "ca", "crt", "key", 0.5, 0.03)
LINKS = {"10.66.0.1": "A", "10.66.1.1": "B"}


class FakeNetwork:
    """Remembers what was done to its links."""

    def __init__(self) -> None:
        self.done: list[str] = []

    def cut(self, index: int) -> None:
        self.done.append(f"cut {index}")

    def restore(self, index: int) -> None:
        self.done.append(f"restore {index}")

    def counters(self, index: int) -> Counters:
        return Counters(0, 0, 1000 + index, 10)


def beat(total: int, received: int = 0) -> Beat:
    """A line of the client, now."""
    return Beat(time.monotonic(), total, {"A": received, "B": received})


def test_link_is_cut_at_its_share_and_restored_in_time() -> None:
    network = FakeNetwork()
    director = Director(PLAN, network)
    director.on_beat(beat(499))
    assert network.done == []
    director.on_beat(beat(500))
    assert network.done == ["cut 0"]
    director.on_beat(beat(510))
    assert network.done == ["cut 0"]
    time.sleep(PLAN.cut_s)
    director.on_beat(beat(520))
    director.on_beat(beat(900))
    assert network.done == ["cut 0", "restore 0"]
    assert director.cut_s is not None
    assert director.restore_s is not None
    assert director.restore_s - director.cut_s >= PLAN.cut_s
    assert [item.received_bytes for item in director.wire[:2]] == [1000, 1001]


def test_progress_is_shown_every_half_second() -> None:
    director = Director(PLAN, FakeNetwork())
    assert director.on_beat(Beat(10.0, 0, {})) is None
    assert director.on_beat(Beat(10.4, 100, {"A": 9, "B": 9})) is None
    step = director.on_beat(Beat(10.5, 250, {"A": 1_000_000, "B": 500_000}))
    assert str(step) == "25 % of 0 MB, 0.5 s: A 16.0 + B 8.0 Mbit/s, both links"


@pytest.mark.parametrize("line", ["", "oops", "{}", "[1]", '{"t_s": 1}'])
def test_nonsense_of_the_client_is_refused(line: str) -> None:
    with pytest.raises(demo_guest.GuestError):
        Beat.parse(line)
    assert Beat.parse('{"t_s": 1.5, "total_bytes": 2, "received": {}}') == Beat(1.5, 2, {})


def test_file_is_staged_by_size(tmp_path: Path) -> None:
    source = tmp_path / "data.bin"
    source.write_bytes(bytes(range(200)))
    place = demo_plan.Workplace(tmp_path / "work")
    place.folder.mkdir()
    plan = demo_plan.Plan(str(source), 150, "", "name", "ca", "crt", "key")
    demo_guest.stage(plan, place)
    assert (place.served / "data.bin").read_bytes() == bytes(range(150))
    longer = demo_plan.Plan(str(source), 201, "", "name", "ca", "crt", "key")
    place = demo_plan.Workplace(tmp_path)
    with pytest.raises(demo_guest.GuestError, match="1 bytes shorter"):
        demo_guest.stage(longer, place)


def client_record() -> dict[str, Any]:
    """What the client writes down, in short."""
    path = make_reading("client", "A", 101.0)
    return {
        "origin_s": 100.0,
        "received_bytes": 1000,
        "sha256": "ab" * 32,
        "deliveries": [{"t_s": 0.1, "total_bytes": 0}, {"t_s": 9.0, "total_bytes": 1000}],
        "gaps": [{"start_s": 0.2, "length_s": 0.3}],
        "readings": [path],
        "connection": {
            "cipher": "AES-128-GCM",
            "verified": True,
            "multipath": True,
            "congestion": "cubic",
            "scheduler": "minrtt",
        },
    }


def make_reading(side: str, link: str, t_s: float) -> dict[str, Any]:
    """A path's counters as JSON."""
    names = ("sent_bytes", "received_bytes", "sent_packets", "received_packets", "lost_packets")
    head = {"t_s": t_s, "side": side, "link": link, "path_id": 0, "state": "active"}
    return head | dict.fromkeys(names, 5) | {"srtt_ms": 20.0, "cwnd_bytes": 9}


def test_records_are_put_on_one_clock() -> None:
    director = Director(PLAN, FakeNetwork())
    server = {"readings": [make_reading("server", "A", 102.0)]}
    with pytest.raises(demo_guest.GuestError, match="before the link was cut"):
        demo_guest.make_trace(PLAN, client_record(), server, director)
    director.cut_s, director.restore_s = 104.0, 107.0
    trace = demo_guest.make_trace(PLAN, client_record(), server, director)
    assert (trace.transfer.cut_s, trace.transfer.restore_s) == (4.0, 7.0)
    assert (trace.transfer.first_byte_s, trace.transfer.last_byte_s) == (0.1, 9.0)
    assert [item.t_s for item in trace.readings] == [1.0, 2.0]
    assert isinstance(trace.readings[0], Reading)
    assert [(link.rate_mbit_s, link.rtt_ms) for link in trace.links] == [(50, 20), (30, 60)]
    assert demo_report.build(trace, "6.12", "virtual", 1.0, []).sha256_match


def make_info(path_id: int, host: str) -> PathInfo:
    """A path from the client's side."""
    return PathInfo(
        path_id=path_id,
        state=int(PathState.ACTIVE),
        srtt_ns=21_500_000,
        bytes_received=7,
        packets_lost=2,
        local=Address(host, 40000),
        peer=Address("10.66.0.2", 4433),
    )


def test_paths_are_named_by_the_clients_address() -> None:
    info = make_info(1, "10.66.1.1")
    found = demo_sampler.reading(info, "client", LINKS, 5.0)
    assert found is not None
    assert (found.link, found.path_id, found.srtt_ms, found.received_bytes) == ("B", 1, 21.5, 7)
    assert found.state == "active"
    assert demo_sampler.reading(info, "server", LINKS, 5.0) is None
    assert demo_sampler.reading(make_info(1, "10.9.9.9"), "client", LINKS, 5.0) is None


def test_sampler_survives_a_connection_that_ends() -> None:
    class Dying:
        """Answers twice, then is gone."""

        calls = 0

        def paths(self) -> list[PathInfo]:
            self.calls += 1
            if self.calls > 2:
                raise OSError("gone")
            return [make_info(0, "10.66.0.1")]

    seen: list[list[Reading]] = []
    with demo_sampler.Sampler(Dying(), "client", LINKS, seen.append) as sampler:
        time.sleep(4.5 * demo_sampler.INTERVAL_S)
    assert len(sampler.readings) == 2
    assert [len(item) for item in seen][:3] == [1, 1, 0]
    json.dumps([item.__dict__ for item in sampler.readings])


def test_client_and_director_speak_the_same_language() -> None:
    found = demo_sampler.reading(make_info(1, "10.66.1.1"), "client", LINKS, 5.0)
    assert found is not None
    assert Beat.parse(demo_peers.beat_line(5.0, 123, [found])) == Beat(5.0, 123, {"B": 7})


class FakePaths:
    """A socket whose second path becomes active at the third look."""

    looks = 0

    def paths(self) -> list[PathInfo]:
        self.looks += 1
        first, second = make_info(0, "10.66.0.1"), make_info(1, "10.66.1.1")
        if self.looks < 3:
            second = replace(second, state=int(PathState.VALIDATING))
        return [first, second]


def test_client_waits_for_all_paths() -> None:
    sock: Any = FakePaths()
    demo_peers.wait_active(sock, 2)
    assert sock.looks == 3
    with pytest.raises(demo_peers.PeerError, match="active, active"):
        demo_peers.wait_active(sock, 3, timeout_s=0.02)


def test_download_is_recorded_and_hashed(tmp_path: Path) -> None:
    recorder = demo_record.Recorder()
    url = Url.parse("https://server.demo.test:4433/file.bin")
    item = demo_peers.RecordedDownload(url, tmp_path / "received", recorder)
    assert item.pull(1000) == (b"GET /file.bin\r\n", True)
    item.on_data(b"abc", False)
    item.on_data(b"", False)
    item.on_data(b"def", True)
    assert item.ended
    assert recorder.total_bytes == 6
    assert len(recorder.gaps(0.0)) == 1
    assert demo_peers.file_sha256(tmp_path / "received") == hashlib.sha256(b"abcdef").hexdigest()
