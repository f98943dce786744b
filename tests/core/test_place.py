"""Gates of one place: what they believe of each other, and that the merge is one whatever came in which order."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import keys, place, wire
from core.model import Direction
from core.place import Dropped, Seen, Step, Word
from core.rules import GateRules

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
KEY, OTHER = b"k" * 32, b"o" * 32
LATER = NOW + timedelta(hours=1)
IN, OUT = Direction.IN, Direction.OUT
HOURS = 16 * 3600.0


def step(station: str, minutes: float, direction: Direction = IN, *, turn: int = 0, tags=("c" * 32,)) -> Step:
    at = NOW + timedelta(minutes=minutes)
    return Step(station, Seen("ab" * 8, max(1, turn), at, direction, tags), turn)


def seen(at: datetime = NOW, direction: Direction = IN) -> Seen:
    return Seen("ab" * 8, 1, at, direction, ("c" * 32,))


def test_a_word_is_heard_by_who_holds_the_places_key_and_by_nobody_else():
    word = Word("cho", "gate-a", (seen(),))
    raw = place.vouch(KEY, word)
    assert place.heard(KEY, "cho", raw) == word
    for key, code, cause in ((OTHER, "cho", "strange"), (KEY, "ga", "foreign")):
        with pytest.raises(Dropped, match=cause):
            place.heard(key, code, raw)


def test_gates_of_before_and_of_today_hear_each_other():
    class WordOfBefore(msgspec.Struct, frozen=True, omit_defaults=True):
        place: str
        station: str
        seen: tuple[Seen, ...] = ()
        asks: bool = False

    today = Word("cho", "gate-a", (seen(),), True, (place.Held("gate-b", "ab" * 8, 0, 1, 1),), place.SPEAKS)
    assert wire.decode(wire.encode(today), WordOfBefore) == WordOfBefore("cho", "gate-a", (seen(),), True)
    before = wire.decode(wire.encode(WordOfBefore("cho", "gate-a", (seen(),), True)), Word)
    assert (before.has, before.speaks, before.asks) == (None, 1, True)


def test_the_longest_that_a_gate_can_say_it_holds_is_a_message_that_is_heard():
    part = place.Held("g" * 63, "ab" * 8, (1 << 53) // place.PART, place.PART, sum(range(place.PART)))
    word = Word("cho", "g" * 63, (), True, (part,) * place.MOST_HELD, place.SPEAKS)
    assert place.heard(KEY, "cho", place.vouch(KEY, word)) == word


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"[" * 60_000,
        b'{"payload": "%%%", "mac": "x"}',
        b'{"payload": "", "mac": "\xc3\xa9"}',
        b" " * 70_000,
    ],
    ids=range(7),
)
def test_rubbish_is_dropped(raw):
    with pytest.raises(Dropped):
        place.heard(KEY, "cho", raw)


@pytest.mark.parametrize("payload", [b"", b"{}", b'{"place": "cho", "station": "A B"}', b"\xff"])
def test_rubbish_that_is_vouched_for_is_dropped_too(payload):
    import base64

    from core import wire

    raw = wire.encode(place.Vouched(base64.b64encode(payload).decode(), keys.place_mac(KEY, payload)))
    with pytest.raises(Dropped, match="rubbish"):
        place.heard(KEY, "cho", raw)


@pytest.mark.parametrize(
    ("at", "doubt"),
    [
        (NOW, ""),
        (NOW + timedelta(minutes=5), ""),
        (NOW + timedelta(minutes=6), "ahead"),
        (datetime.max.replace(tzinfo=UTC), "ahead"),
        (datetime.min.replace(tzinfo=UTC), "old"),
        (NOW - timedelta(hours=20), ""),
        (NOW - timedelta(days=2), "old"),
    ],
)
def test_what_is_dated_ahead_or_days_ago_is_not_believed(at, doubt):
    assert place.doubt(seen(at), NOW) == doubt


def test_nobody_goes_both_ways_at_once():
    assert place.doubt(seen(direction=Direction.TOGGLE), NOW) == "rubbish"


def test_tags_match_across_gates_within_a_day_and_say_nothing_across_days_keys_or_names():
    day, name = place.day_of(NOW), ("citizen", "046090000001")
    tag = place.tags(KEY, day, [name])
    assert place.tags(KEY, day, [name]) == tag
    assert place.tags(KEY, place.days_of(NOW)[1], [name]) != tag
    assert place.tags(OTHER, day, [name]) != tag
    assert place.tags(KEY, day, [("citizen", "046090000002")]) != tag


def test_the_newest_counts_and_of_two_at_one_moment_that_of_the_later_name():
    older, newer = step("gate-z", 0), step("gate-a", 1, OUT)
    assert place.newest([newer, older], LATER) is newer
    one, other = step("gate-a", 0), step("gate-b", 0, OUT)
    assert place.newest([one, other], NOW) is place.newest([other, one], NOW) is other
    assert place.newest([], NOW) is None


def test_what_a_clock_that_was_ahead_has_dated_does_not_hide_what_came_since():
    ahead, since = step("gate-a", 180), step("gate-b", 0, OUT)
    assert place.newest([ahead, since], NOW) is since
    assert place.newest([ahead, since], NOW + timedelta(hours=3)) is ahead


@pytest.mark.parametrize(
    ("gate", "anti_passback", "seconds"),
    [(IN, False, 600), (OUT, False, 600), (IN, True, HOURS), (Direction.TOGGLE, False, HOURS)],
)
def test_a_conflict_is_only_what_the_gate_would_have_done_otherwise(gate, anti_passback, seconds):
    assert place.window(gate, GateRules(anti_passback=anti_passback)) == seconds


def test_the_same_way_at_two_gates_that_did_not_know_of_each_other_is_a_conflict_at_the_later_one_alone():
    at_b = [step("gate-b", 5, turn=1), step("gate-a", 0, turn=2)]  # gate-b hears of gate-a's afterwards
    at_a = [step("gate-a", 0, turn=1), step("gate-b", 5, turn=2)]
    assert len(place.conflicts(at_b, "gate-b", HOURS)) == 1
    assert place.conflicts(at_a, "gate-a", HOURS) == []
    assert place.conflicts(at_b, "gate-c", HOURS) == []


def test_with_the_other_way_in_between_or_with_knowledge_or_after_too_long_it_is_none():
    between = [step("gate-b", 5, turn=1), step("gate-a", 0, turn=2), step("gate-c", 3, OUT, turn=3)]
    knowing = [step("gate-a", 0, turn=1), step("gate-b", 5, turn=2)]
    old = [step("gate-b", 5, turn=1), step("gate-a", -20 * 60, turn=2)]
    own = [step("gate-b", 5, turn=2), step("gate-b", 0, turn=3)]
    for steps in (between, knowing, old, own):
        assert place.conflicts(steps, "gate-b", HOURS) == []


def test_a_persons_two_codes_are_one_person_where_any_gate_knew_it():
    one, two, person = "1" * 32, "2" * 32, "f" * 32
    steps = [
        step("gate-a", 0, tags=(one, person)),
        step("gate-b", 1, OUT, tags=(two, person)),
        step("gate-c", 2, tags=(two,)),
    ]
    assert [len(goings) for goings in place.people(steps)] == [3]
    assert place.inside(steps, HOURS, NOW) == 1
    assert place.inside(steps[:2], HOURS, NOW) == 0


def test_who_never_went_out_counts_as_gone_after_a_while():
    assert place.inside([step("gate-a", 0)], HOURS, NOW + timedelta(hours=16)) == 1
    assert place.inside([step("gate-a", 0)], HOURS, NOW + timedelta(hours=16, seconds=1)) == 0


goings = st.lists(
    st.tuples(
        st.sampled_from(["gate-a", "gate-b", "gate-c"]),
        st.integers(0, 30),
        st.sampled_from([IN, OUT]),
        st.sampled_from([("1" * 32,), ("2" * 32,), ("1" * 32, "f" * 32), ("2" * 32, "f" * 32), ("3" * 32,)]),
    ),
    max_size=12,
)


@given(goings, st.randoms(use_true_random=False))
def test_the_merge_is_one_whatever_came_in_which_order(found, luck: random.Random):
    steps = [step(name, at, way, turn=turn, tags=tags) for turn, (name, at, way, tags) in enumerate(found, 1)]
    mixed = luck.sample(steps, len(steps))
    assert place.newest(mixed, LATER) == place.newest(steps, LATER)
    assert place.inside(mixed, HOURS, NOW) == place.inside(steps, HOURS, NOW)
    for own in ("gate-a", "gate-b"):
        assert len(place.conflicts(mixed, own, HOURS)) == len(place.conflicts(steps, own, HOURS))
    assert sorted(len(each) for each in place.people(mixed)) == sorted(len(each) for each in place.people(steps))
