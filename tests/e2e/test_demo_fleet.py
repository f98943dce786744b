"""A demo with an invented fleet: the wall can be looked at as it says, and however it ends nothing stays."""

from __future__ import annotations

import re
import signal
import subprocess

import pytest
import requests
from demos import STATION
from gates import wait

pytestmark = pytest.mark.broker


def test_a_demo_with_a_fleet_says_how_to_see_its_wall_and_leaves_nothing_running(make_demo):
    demo = make_demo("--fleet", "6")
    demo.start()
    demo.await_url()
    wall = demo.process.stdout.readline().strip()
    signing_in = re.compile(r"sign in as (\S+) with the password (\S+)\n")
    wait(lambda: signing_in.search(demo.said))  # told behind the address
    account, password = signing_in.search(demo.said).groups()
    with requests.Session() as visitor:
        visitor.trust_env = False
        page = visitor.get(wall, timeout=120)
        assert page.url.endswith("/officers/sign-in")
        token = re.search(r'name="_csrf_token" value="([^"]+)"', page.text).group(1)
        signed = {"_csrf_token": token, "account": account, "password": password}
        visitor.post(page.url, data=signed, timeout=120)
        shown = visitor.get(wall, timeout=120)
        assert shown.url == wall
        assert set(re.findall(r'<tr id="s-([^"]+)"', shown.text)) == {"demo-1", *(f"sim-000{n}" for n in range(1, 7))}
    programs = demo.commands
    assert all(name in programs for name in ("serve", "mosquitto", "run", "simulate"))
    assert demo.end(signal.SIGINT) == 0
    demo.await_nobody()
    assert list(demo.folder.iterdir()) == []


def test_a_scripted_crowd_and_a_fleet_are_not_to_be_had_together():
    done = subprocess.run([STATION, "demo", "--once", "--fleet", "6"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert "not allowed with argument --once" in done.stderr
