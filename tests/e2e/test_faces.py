"""What a gate shows, seen on its page at the hub: over a real broker, while somebody looks on, and without names."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
import requests
from gates import number, wait
from insides import Inside

from core.model import Capture, Source, Symbology
from hub.officials import accounts, sessions
from hub.officials.accounts import Account
from hub.officials.rights import Role
from hub.stations import fleet

PASSWORD = "ba con vịt trời"


@pytest.fixture
def technician(centre):
    """The cookie of somebody who may look."""
    store, _ = centre.opened()
    now = datetime.now(UTC)
    with store.writing() as connection:
        accounts.add(connection, Account("ky-thuat", "Kỹ thuật", Role.TECHNICIAN), accounts.Password(PASSWORD), now)
    yield store, {"tq_official": sessions.reopen(store, "ky-thuat", "", now)}
    store.close()


def settings_of(store):
    """What the gate said it runs with; None before it did."""
    with store.reading() as connection:
        known = fleet.settings_of(connection, "gate-1")
    return known and known[0]


@pytest.mark.broker
def test_a_page_that_is_open_shows_the_lamp_and_what_became_of_the_next_one_and_no_name(centre, open_gate, technician):
    store, cookies = technician
    gate = Inside(open_gate("gate-1").config)
    wait(lambda: gate.station.policies.newest)
    page = f"http://127.0.0.1:{centre.http}/officers/fleet/gate-1/face"
    try:
        assert gate.station.sync.showing.faces.take() is None, "nobody looks on: nothing is told"
        with requests.get(page, cookies=cookies, stream=True, timeout=120) as answer:
            assert answer.status_code == 200
            drawn = (json.loads(line[6:])["face"] for line in answer.iter_lines() if line.startswith(b"data: {"))
            assert "Chưa có lượt nào" in next(drawn)
            now = gate.station.clock.now()
            gate.station.captures.put(Capture(number(1).encode(), Symbology.QR, Source.SERIAL, now))
            shown = next(each for each in drawn if "<li>" in each)
        assert "Qua" in shown
        assert "Nguyễn" not in shown
        assert number(1) not in shown
        wait(lambda: settings_of(store))
        assert settings_of(store).sections["hub"]["token"] == "•••"
    finally:
        gate.close()
