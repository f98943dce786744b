"""The tray at each kind of gate: every card comes to what the hub's side wrote down for it, and says so itself."""

import json
import time
from urllib.request import urlopen

import msgspec
import pytest

from core.model import Direction, GateKind, Outcome, Reason
from station.front.demo.hands import Page
from station.front.tray import CAST, NOT_HELD_UP, Cast

pytestmark = pytest.mark.broker

V, C, H = GateKind.VENUE, GateKind.CHECKPOINT, GateKind.HEALTH_POST
OUT_OF_VIEW = 5.0
"""Seconds after which the camera takes a code for a new showing, and some more for a camera that is looked at late."""

MOVING = {Reason.ALREADY_INSIDE, Reason.NOT_INSIDE, Reason.REENTRY_TOO_SOON}
LAST_SEEN = {Reason.NO_DESTINATION, Reason.DESTINATION_EXPIRED}
NOT_ASKED = {
    V: {Reason.NO_ENTRY, Reason.ENTRY_EXPIRED} | MOVING | LAST_SEEN,
    C: {Reason.NO_HEALTH, Reason.HEALTH_EXPIRED} | MOVING | LAST_SEEN,
    H: {Reason.NO_ENTRY, Reason.ENTRY_EXPIRED, Reason.NOT_INSIDE},
}
"""What the demo's policy does not ask for on the way in at each kind of gate."""


class Walk:
    """A demo whose cards are held up one after another."""

    def __init__(self, demo, page: Page) -> None:
        with urlopen(f"{demo.url}facts", timeout=120) as answer:
            cards = json.load(answer)["tray"]
        self.cards = sorted(
            (card for card in cards if card["outcome"]), key=lambda card: card["first"] in ("cut", "full")
        )
        self._page = page

    def come(self) -> dict[str, tuple]:
        """What became of each card, after what it says must be done first."""
        return {card["name"]: self._show(card) for card in self.cards}

    def _show(self, card: dict) -> tuple:
        page = self._page
        cut, full = card["first"] == "cut", card["first"] == "full"
        page.set_network(not cut)
        page.fill_card(full)
        if card["first"] == "twice":
            self._hold_up(card["name"])
            time.sleep(OUT_OF_VIEW)
        return self._hold_up(card["name"])

    def _hold_up(self, name: str) -> tuple:
        self._page.forget()
        with self._page.holding_up(name):
            verdict = self._page.verdict() or {"outcome": None, "reasons": []}
        return verdict["outcome"], verdict["reasons"]


@pytest.mark.parametrize(
    ("gate", "direction"), [(V, Direction.IN), (C, Direction.IN), (H, Direction.IN), (H, Direction.OUT)]
)
def test_every_card_comes_to_what_it_says_and_what_was_written_down_for_its_gate(make_demo, gate, direction):
    demo = make_demo("--gate", gate.value, "--direction", direction.value)
    demo.start()
    address = demo.await_url().removeprefix("http://").rstrip("/").partition(":")
    (folder,) = demo.folder.iterdir()
    members = msgspec.json.decode((folder / CAST).read_bytes(), type=Cast).members
    with Page((address[0], int(address[2])), -1) as page:
        page.wait("status", lambda status: status["policy_version"] and not status["hub_problem"], 180)
        walk = Walk(demo, page)
        came = walk.come()
    assert came == {card["name"]: (card["outcome"], card["reasons"]) for card in walk.cards}
    written = {member.label: expected for member in members if (expected := member.at(gate, direction)) is not None}
    assert came == {
        label: (one.outcome.value, [reason.value for reason in one.reasons]) for label, one in written.items()
    }
    if direction is Direction.IN:
        assert {outcome for outcome, _ in came.values()} == set(Outcome)
        reasons = {reason for _, reasons in came.values() for reason in reasons}
        assert reasons == set(Reason) - set(NOT_HELD_UP) - NOT_ASKED[gate]
