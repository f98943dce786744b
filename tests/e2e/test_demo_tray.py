"""The tray at each kind of gate: every card, held up once, comes to what the hub's side wrote down for it."""

import msgspec
import pytest

from core.model import Direction, GateKind
from station.front.demo.hands import Page
from station.front.tray import CAST, Cast

pytestmark = [pytest.mark.broker, pytest.mark.timeout(400)]


@pytest.mark.parametrize(
    ("gate", "direction"),
    [
        (GateKind.CHECKPOINT, Direction.IN),
        (GateKind.HEALTH_POST, Direction.IN),
        (GateKind.HEALTH_POST, Direction.OUT),
    ],
)
def test_every_card_comes_to_what_was_written_down_for_its_gate(make_demo, gate: GateKind, direction: Direction):
    demo = make_demo("--gate", gate.value, "--direction", direction.value)
    demo.start()
    address = demo.await_url().removeprefix("http://").rstrip("/").partition(":")
    (folder,) = demo.folder.iterdir()
    members = msgspec.json.decode((folder / CAST).read_bytes(), type=Cast).members
    wanted = {member.label: expected for member in members if (expected := member.at(gate, direction)) is not None}
    assert wanted
    came = {}
    with Page((address[0], int(address[2])), -1) as page:
        page.wait("status", lambda status: status["policy_version"] and not status["hub_problem"], 60)
        for label in wanted:
            page.forget()
            with page.holding_up(label):
                verdict = page.verdict() or {"outcome": None, "reasons": []}
            came[label] = (verdict["outcome"], verdict["reasons"])
    assert came == {
        label: (one.outcome.value, [reason.value for reason in one.reasons]) for label, one in wanted.items()
    }
