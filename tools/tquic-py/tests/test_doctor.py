# SPDX-License-Identifier: GPL-2.0
"""What `tquic doctor` makes of what it sees; what it sees is tested in a machine."""

from __future__ import annotations

import dataclasses
import json

import pytest
from click.testing import CliRunner

from tquic import cmd_doctor
from tquic.doctor import Facts, Finding, Level, Way, judge
from tquic.record import Address

GOOD_WAY = Way(
    id=1,
    address=Address("10.66.0.1"),
    device="eth0",
    up=True,
    leaves_by="eth0",
    bound_route=True,
    rp_filter=1,
)
GOOD = Facts(
    release="6.12.1-amd64",
    vermagic="6.12.1-amd64 SMP preempt mod_unload modversions",
    loaded=True,
    usable=True,
    extra_paths=2,
    ways=(GOOD_WAY,),
    settings=(("multipath", "1"), ("max_path_id", "7")),
)


def one(**changes: object) -> Finding:
    """The only finding there is after a change to what is good."""
    (found,) = judge(dataclasses.replace(GOOD, **changes))  # type: ignore[arg-type]
    return found


def way(**changes: object) -> Finding:
    """The same after a change to the endpoint's way."""
    return one(ways=(dataclasses.replace(GOOD_WAY, **changes),))  # type: ignore[arg-type]


def test_all_is_well() -> None:
    assert judge(GOOD) == []
    assert judge(dataclasses.replace(GOOD, ways=(), extra_paths=0)) == []


def test_module() -> None:
    missing = Facts(release="6.12.1-amd64")
    assert [item.what for item in judge(missing)] == ["there is no module for kernel 6.12.1-amd64"]
    (found,) = judge(dataclasses.replace(missing, vermagic="6.12.1-amd64 SMP"))
    assert found.mend == "modprobe tquic"
    stale = judge(dataclasses.replace(missing, vermagic="6.12.0-amd64 SMP"))
    assert "built for kernel 6.12.0-amd64" in stale[0].what
    assert stale[0].mend == "dkms autoinstall -k 6.12.1-amd64"
    assert "protocol 253" in one(usable=False, agent=False).what


def test_type_information_and_rights_are_notes() -> None:
    for changes, words in (
        ({"kernel_btf": False, "module_btf": False}, "the kernel has no type"),
        ({"module_btf": False}, "without pahole"),
        ({"admin": False}, "CAP_NET_ADMIN"),
    ):
        found = one(**changes)
        assert found.level is Level.NOTE
        assert words in found.what


def test_agent_and_settings() -> None:
    assert one(agent=False).mend == "systemctl start tquicd"
    assert one(extra_paths=0).mend == "tquic limits set extra-paths 2"
    off = one(settings=(("multipath", "0"), ("max_path_id", "7")))
    assert off.mend == "tquic sysctl set multipath=1"
    single = one(settings=(("multipath", "1"), ("max_path_id", "0")))
    assert single.mend == "tquic sysctl set max_path_id=7"


@pytest.mark.parametrize(
    ("changes", "words", "mend"),
    [
        ({"device": ""}, "no interface has this address", "tquic endpoint del 1"),
        ({"up": False}, "eth0 is down", "ip link set eth0 up"),
        (
            {"leaves_by": "", "bound_route": False},
            "no route to the peer",
            "rule add from 10.66.0.1",
        ),
        ({"leaves_by": "eth1"}, "reverse path filter", "conf.eth0.rp_filter=2"),
        ({"leaves_by": "eth1", "rp_filter": 2}, "leaves by eth1, not by eth0", "dev eth0 table"),
        ({"leaves_by": "", "rp_filter": 0}, "leaves by no interface", "lookup 101"),
    ],
)
def test_ways(changes: dict[str, object], words: str, mend: str) -> None:
    found = way(**changes)
    assert found.level is Level.PROBLEM
    assert words in found.what
    assert mend in found.mend


def test_one_link_is_no_bond() -> None:
    other = dataclasses.replace(GOOD_WAY, id=2, address=Address("10.66.0.9"))
    found = one(ways=(GOOD_WAY, other))
    assert found.level is Level.NOTE
    assert "eth0" in found.what
    elsewhere = dataclasses.replace(other, device="eth1", leaves_by="eth1")
    assert judge(dataclasses.replace(GOOD, ways=(GOOD_WAY, elsewhere))) == []


def test_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """Words and the command that mends for people, the same for programs, exit code 1 and 0."""
    bad = dataclasses.replace(GOOD, agent=False)
    monkeypatch.setattr(cmd_doctor, "gather", lambda peer: bad)
    text = CliRunner().invoke(cmd_doctor.command, [])
    assert text.exit_code == 1
    assert "EPROTONOSUPPORT" in text.output
    assert "    systemctl start tquicd" in text.output
    data = CliRunner().invoke(cmd_doctor.command, ["--json"])
    assert data.exit_code == 1
    assert json.loads(data.output)[0]["level"] == "problem"
    monkeypatch.setattr(cmd_doctor, "gather", lambda peer: dataclasses.replace(GOOD, admin=False))
    fine = CliRunner().invoke(cmd_doctor.command, [])
    assert fine.exit_code == 0
    assert "note: without CAP_NET_ADMIN" in fine.output
    assert "nothing keeps TQUIC from working" in fine.output


def test_a_peer_is_an_address() -> None:
    refused = CliRunner().invoke(cmd_doctor.command, ["--peer", "example"])
    assert refused.exit_code == 1
    assert "example" in refused.output
