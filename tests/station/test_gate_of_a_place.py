"""A whole station whose place's broker is not there: what neighbours told before counts as if it were its own."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace
from ports import free_port
from rig import Registry, Rig, now

from core import keys, place
from core.model import Direction, HealthGroup, Outcome, Reason, Standing
from core.place import Seen
from core.rules import GateRules

KEY = secrets.token_bytes(32)
AN, BINH = "046090000001", "046090000002"
PERSON = "aa" * 16


@pytest.fixture
def registry() -> Registry:
    declared = HealthGroup(now() - timedelta(days=1))
    return Registry(
        {AN: Standing(PERSON, now(), "N*** A", health=declared), BINH: Standing("bb" * 16, now(), "N*** B")}
    )


@pytest.fixture
def rig(tmp_path: Path, registry: Registry) -> Iterator[Rig]:
    section = f'[place]\nhost = "127.0.0.1"\nport = {free_port()}\nplace_key = "{keys.encode_key(KEY)}"\n'
    rig = Rig(tmp_path, registry, more=section)
    yield rig
    rig.close()


def told(rig: Rig, *names: tuple[str, str], seconds: float = 60, way: Direction = Direction.IN) -> None:
    """A neighbour lets somebody through, known there by these names."""
    at = now() - timedelta(seconds=seconds)
    seen = Seen("cd" * 8, 1, at, way, place.tags(KEY, place.day_of(at), names))
    assert rig.station.neighbours.book.take([("gate-b", seen)]) == 1


def test_a_neighbours_pass_is_a_repeat_here_before_anybody_is_asked(rig, registry):
    told(rig, ("citizen", AN))
    assert rig.scan(AN).outcome is Outcome.REPEAT
    assert AN not in registry.asked


def test_another_code_of_the_same_person_is_a_repeat_once_the_hub_has_said_who_it_is(rig, registry):
    told(rig, ("insurance", "HS4010100000001"), ("person", PERSON))
    assert rig.scan(AN).outcome is Outcome.REPEAT
    assert AN in registry.asked
    assert rig.rows == []


def test_passing_back_that_only_a_neighbour_knows_of_warns(tmp_path, registry):
    registry.rules = GateRules(anti_passback=True, repeat_window=0)
    section = f'[place]\nhost = "127.0.0.1"\nport = {free_port()}\nplace_key = "{keys.encode_key(KEY)}"\n'
    rig = Rig(tmp_path / "other", registry, more=section)
    try:
        told(rig, ("citizen", AN), seconds=900)
        assert rig.scan(AN).reasons == (Reason.ALREADY_INSIDE,)
        rig.station.neighbours.book.take(
            [
                (
                    "gate-c",
                    Seen("ef" * 8, 1, now(), Direction.OUT, place.tags(KEY, place.day_of(now()), [("citizen", AN)])),
                )
            ]
        )
        assert rig.scan(AN).outcome is Outcome.PASS
    finally:
        rig.close()


def test_only_who_went_through_is_told_a_guards_admitted_as_such(rig):
    assert rig.scan(AN).outcome is Outcome.PASS
    assert rig.scan(BINH).outcome is Outcome.WARN
    book = rig.station.neighbours.book
    assert [(step.seen.seq, step.seen.passed) for step in book.own_after(0)] == [(1, True)]
    warned = rig.rows[-1].seq
    rig.settings.buttons.press("admitted")
    rig.wait(lambda: len(book.own_after(0)) == 2)
    (_, admitted) = book.own_after(0)
    assert (admitted.seen.passed, admitted.seen.seq > warned, len(admitted.seen.tags)) == (False, True, 2)


def test_a_gate_that_the_hub_has_sent_to_another_place_goes_by_itself_there(rig):
    told(rig, ("citizen", AN))
    rig.station.gate.doorway = replace(rig.station.gate.doorway, place="ga-hue")
    assert rig.scan(AN).outcome is Outcome.PASS
    assert rig.station.neighbours.book.own_after(0) == []


def test_the_gate_says_in_its_health_that_nobody_of_the_place_is_reached(rig):
    rig.wait(lambda: "cannot be reached" in rig.station.checkup.look().place.problem)
    assert rig.scan(AN).outcome is Outcome.PASS
