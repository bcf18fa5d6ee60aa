# SPDX-License-Identifier: GPL-2.0
"""`tquic doctor` on hosts that lack something: it names what, and what it says mends it."""

from __future__ import annotations

import json
import subprocess
import time
from typing import Any

import pytest
from conftest import LabMaker
from running import as_nobody, opened
from test_netlink import tquic

from tquic.lab import Link, TwoLinks
from tquic.netlink import Endpoint

pytestmark = [pytest.mark.usefixtures("module"), pytest.mark.timeout(300)]


@pytest.fixture
def lab(make_lab: LabMaker) -> TwoLinks:
    return make_lab(Link(), Link())


def seen(lab: TwoLinks, *words: str) -> list[dict[str, Any]]:
    """The findings in the client's namespace; the exit code agrees with them."""
    command = tquic("doctor", "--peer", "10.66.0.2", "--json", *words)
    done = lab.client.run(command, capture_output=True, text=True)
    findings: list[dict[str, Any]] = json.loads(done.stdout)
    assert done.returncode == any(item["level"] == "problem" for item in findings), done.stderr
    # The test machine loads the module from a file of its own, without dkms.
    return [item for item in findings if "built for" not in item["what"]]


def texts(lab: TwoLinks) -> list[str]:
    """What is wrong, agents apart."""
    return [item["what"] for item in seen(lab) if "agent" not in item["what"]]


def test_agent(lab: TwoLinks) -> None:
    """Without an agent it says so; with one it does not."""
    assert any("no agent" in item["what"] for item in seen(lab))
    with lab.client.entered():
        agent = subprocess.Popen(tquic("agent"), stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while any("no agent" in item["what"] for item in seen(lab)):
            assert time.monotonic() < deadline
            assert agent.poll() is None
    finally:
        agent.terminate()
        agent.wait()
    assert any("no agent" in item["what"] for item in seen(lab))


def test_endpoints(lab: TwoLinks) -> None:
    """Endpoints that work are fine; each thing that is taken away is named, and mended as told."""
    assert texts(lab) == []
    with opened(lab.client) as netlink:
        before = netlink.limits().extra_paths
        netlink.set_limits(extra_paths=0)
        netlink.add_endpoint(Endpoint(addr=lab.client_address(0)))
        second = netlink.add_endpoint(Endpoint(addr=lab.client_address(1)))
        try:
            assert ["limit of paths" in text for text in texts(lab)] == [True]
            netlink.set_limits(extra_paths=2)
            assert texts(lab) == []

            lab.client.ip("rule del from 10.66.1.1 lookup 101")
            (found,) = texts(lab)
            assert "10.66.1.1: what is sent from it leaves by c0, not by c1" in found
            strict = "net.ipv4.conf.c1.rp_filter=1"
            lab.client.run(["/sbin/sysctl", "-qw", strict], check=True)
            (found,) = texts(lab)
            assert "reverse path filter" in found
            lab.client.ip("rule add from 10.66.1.1 lookup 101")
            assert texts(lab) == []

            lab.device_down(1)
            assert ["c1 is down" in text for text in texts(lab)] == [True]
            lab.device_up(1)
            assert texts(lab) == []

            lab.client.ip("addr del 10.66.1.1/24 dev c1")
            (item,) = [item for item in seen(lab) if "no interface" in item["what"]]
            assert f"tquic endpoint del {second}" in item["mend"]
        finally:
            lab.device_up(1)
            weak = "net.ipv4.conf.c1.rp_filter=0"
            lab.client.run(["/sbin/sysctl", "-qw", weak], check=True)
            netlink.flush_endpoints()
            netlink.set_limits(extra_paths=before)


def test_settings_that_forbid_a_bond(lab: TwoLinks) -> None:
    """One path only while there are endpoints."""
    with opened(lab.client) as netlink:
        netlink.add_endpoint(Endpoint(addr=lab.client_address(1)))
        try:
            lab.client.run(tquic("sysctl", "set", "multipath=0"), check=True)
            found = [item["mend"] for item in seen(lab)]
            assert "tquic sysctl set multipath=1" in found
        finally:
            lab.client.run(tquic("sysctl", "set", "multipath=1"), check=True)
            netlink.flush_endpoints()


def test_nobody_is_told_what_it_cannot_see(lab: TwoLinks) -> None:
    """Without rights it says so and judges the rest."""
    command = as_nobody("from tquic.cli import main; main()", "doctor", "--json")
    done = lab.client.run(command, capture_output=True, text=True)
    assert any("CAP_NET_ADMIN" in item["what"] for item in json.loads(done.stdout)), done.stderr
