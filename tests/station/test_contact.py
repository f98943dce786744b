"""What counts as having heard the hub, and what only looks like it: a login page, somebody else's signature."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from loopback_hub import Hub, answer_with
from test_sync import SIGNING, Running, wait

from core import keys, wire
from core.health import Health
from core.model import GateKind
from core.rules import Policy
from station.clock import Clock
from station.http import HttpHub
from station.http_carrier import HttpCarrier
from station.sync import NoCarrier


def a_report() -> Health:
    return Health(station="gate-1", session="s", number=1, at=Clock().now(), up=1.0)


PORTAL = b"<html>Sign in to the hotel</html>"


@pytest.mark.parametrize("status", ["200 OK", "404 Not Found", "511 Network Authentication Required"])
@pytest.mark.parametrize("page", [PORTAL, b"{}", b"", wire.encode(keys.sign(keys.new_signing_key()[0], b"{}"))])
def test_a_login_page_in_between_that_answers_everything_is_no_contact_and_holds_no_row(tmp_path, page, status):
    hub = Hub(answer_with(page, status))
    line = HttpHub(hub.url, "token", GateKind.VENUE)
    with line, Running(tmp_path, HttpCarrier(line), threading.Event()) as running:
        running.record(3)
        running.sync.mail.listens = True
        running.sync.reports.offer(a_report())
        wait(lambda: running.sync.carrier.problem and hub.requests)
        assert (running.sync.last_contact, running.heard, running.waiting) == (None, 0, 3)
        assert running.sync.clock.hub_offset is None
    hub.close()


def test_a_policy_that_our_hub_signed_is_contact_and_one_of_somebody_elses_is_not(tmp_path):
    running = Running(tmp_path, NoCarrier(), threading.Event())
    before = Clock().now() - timedelta(days=1)
    document = wire.encode(Policy(7, before, before))
    stranger, _ = keys.new_signing_key()
    running.sync.take_policy(wire.encode(keys.sign(stranger, document)))
    assert running.heard == 0
    running.sync.take_policy(wire.encode(keys.sign(SIGNING, document)))
    running.sync.take_policy(wire.encode(keys.sign(SIGNING, document)))
    assert (running.heard, running.policies.newest) == (2, 7)
