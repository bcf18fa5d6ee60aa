# SPDX-License-Identifier: GPL-2.0
"""A short round of the soak, with each kind of trouble once: what makes it does what it says."""

from __future__ import annotations

from pathlib import Path

from tquic.demo_content import make_identity
from tquic.soak_guest import Job, run_round
from tquic.soak_plan import QUIET_S, Kind, Round, Trouble, slow_link
from tquic.soak_report import judge

SERVER_NAME = "soak.test"


def one_of_each() -> tuple[Trouble, ...]:
    """All within 26 s."""
    out: list[Trouble] = []

    def add(at_s: float, kind: Kind, link: int, lasts_s: float = 0, value: float = 0) -> None:
        out.append(Trouble(at_s, kind, link, value=value))
        if lasts_s:
            out.append(Trouble(at_s + lasts_s, kind, link, on=False))

    add(2, Kind.CUT, 0, 1.5)
    add(2, Kind.RATE, 1, value=2)
    add(3, Kind.LOSS, 1, 1, value=1)
    add(4.5, Kind.IFACE, 1, 1)
    add(6, Kind.DELAY, 0, value=40)
    add(7, Kind.PEER_IFACE, 0, 1)
    add(8.5, Kind.KILL_CLIENT, -1, value=0.5)
    add(12, Kind.ADDRESS, 1, 1)
    add(14, Kind.NEW_ADDRESS, 1)
    add(15, Kind.BACKUP, 0, 1)
    add(16.5, Kind.KILL_SERVER, -1, value=0.5)
    add(20, Kind.LOSE_SERVER, -1, value=0.5)
    out.append(Trouble(5, Kind.SCHEDULER, name="redundant", server=True))
    out.append(Trouble(6, Kind.CONGESTION, name="bbr"))
    return tuple(sorted(out, key=lambda item: item.at_s))


def test_a_round_with_one_of_each(module: None, tmp_path: Path) -> None:
    made = make_identity(tmp_path, SERVER_NAME)
    job = Job(1, 1, SERVER_NAME, str(made.ca), str(made.certificate), str(made.key))
    troubles = one_of_each()
    assert {item.kind for item in troubles} == set(Kind)
    plan = Round(
        seed=1,
        seconds=26 + QUIET_S,
        links=(slow_link(1, 15), slow_link(1, 40)),
        troubles=troubles,
        own_paths=True,
        scheduler="minrtt",
        congestion="cubic",
    )
    record = run_round(job, plan)
    judged = judge(plan, record)
    lines = [line for line in record["lines"] if line["what"] == "trouble"]
    assert [line for line in lines if "ip " in line["note"] or "tc " in line["note"]] == []
    # How long waits are depends on how busy the machine is: here the clock is real. That all
    # paths are back in time is for `make soak` to say.
    timed = ("waited", "no path back")
    assert [text for text in judged.broken if not any(word in text for word in timed)] == []
    assert judged.troubles == dict.fromkeys(map(str, Kind), 1)
    assert judged.transfers > 5
    assert any(how.startswith("client: ") for how in judged.notices)
