"""What the fault tests stand on: a centre, gates that are killed, a proxy that misbehaves, a network namespace.

How long they go on is set from outside, so that the same tests are short by themselves and long under ``make crash``
and ``make soak``.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "hub"))
sys.path.insert(0, str(Path(__file__).parents[1] / "e2e"))

from databases import postgres  # noqa: F401  # a fixture
from gates import Centre, furnish
from load import Battered, asked, enrol_battered


@pytest.fixture
def luck(request: pytest.FixtureRequest) -> random.Random:
    """Random, and the same again with ``SEED``."""
    seed = asked("SEED", random.SystemRandom().randrange(1 << 30))
    request.node.add_report_section("setup", "seed", f"SEED={seed} gives the same moments again")
    return random.Random(seed)


# What goes on for an hour or holds a million rows does so on the hub's own file.
IS_LONG = asked("RUNS", 0) > 100 or asked("ROWS", 0) > 100_000


@pytest.fixture(params=["sqlite"] if IS_LONG else ["sqlite", "postgres"])
def centre(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Centre]:
    """A hub on either database with a broker of its own, people and a policy; not started."""
    server = request.getfixturevalue("postgres") if request.param == "postgres" else None
    centre = Centre(tmp_path / "hub", database=server.make() if server is not None else "")
    centre.folder.mkdir()
    furnish(centre)
    yield centre
    centre.stop()
    if server is not None:
        server.drop(centre.database)


@pytest.fixture
def open_gate(centre: Centre, tmp_path: Path) -> Iterator[Callable[..., Battered]]:
    """Gates that survive being killed; they end with the test."""
    gates: list[Battered] = []

    def open_one(name: str, transport: str, **more: object) -> Battered:
        gates.append(enrol_battered(centre, tmp_path / name, name, transport, **more))
        return gates[-1]

    yield open_one
    for gate in gates:
        gate.kill()
