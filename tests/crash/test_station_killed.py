"""The station is killed with SIGKILL at random moments under load: every row that lit a lamp is at the hub, once.

``make crash RUNS=1000`` goes on for longer; ``SEED=N`` gives the same moments again.
"""

from __future__ import annotations

import time

import pytest
from load import Crowd, asked, drained, present, whole

RUNS = asked("RUNS", 8)
AT_ONCE = (1, 1, 1, 1, 40)
"""How many codes come at one go: now and then a scanner gives all that it has kept, which is recorded together."""


@pytest.mark.broker
@pytest.mark.timeout(900 + 15 * RUNS)
@pytest.mark.parametrize("transport", ["http", "mqtt"])
def test_whatever_lit_a_lamp_is_at_the_hub_once_however_often_the_station_is_killed(centre, open_gate, luck, transport):
    centre.start()
    gate, crowd = open_gate("gate-1", transport, deadline_ms=800), Crowd()
    for _ in range(max(1, RUNS // 2)):
        gate.start()
        until = time.monotonic() + luck.uniform(0.3, 4.0)  # also while it starts
        while time.monotonic() < until:
            gate.show(*(crowd.number() for _ in range(luck.choice(AT_ONCE))))
            time.sleep(luck.uniform(0, 0.05))
        gate.kill()
    gate.start()
    present(gate, crowd.number())
    drained(centre, gate)
    gate.kill()
    assert gate.lit, "it recorded nothing"
    whole(centre, gate)
