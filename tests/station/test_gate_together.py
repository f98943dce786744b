"""Several presentations that wait at a gate are recorded at one go, and each is what it would have been alone."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from loopback_hub import answer_with
from rig import Registry, Rig, now
from test_gate import AN, BINH, CHI, declared

from core.model import Capture, Outcome, Reason, Source, Symbology
from drivers.led import SimLight
from station.arrivals import Arrivals
from station.journal.reading import JournalReader
from station.sources import Burst, Captures, Errand, Pressed

CROWD = [f"0460900001{number:02}" for number in range(40)]


@pytest.fixture
def registry() -> Registry:
    return Registry({AN: declared("aa"), BINH: declared("bb"), CHI: declared("cc")})


@pytest.fixture
def rig(tmp_path: Path, registry: Registry) -> Iterator[Rig]:
    rig = Rig(tmp_path, registry)
    yield rig
    rig.close()


def dump(rig: Rig, numbers: list[str]) -> None:
    """A scanner that was carried about gives what it has kept."""
    rig.settings.scanners[0].device.send("".join(f"{number}\r" for number in numbers).encode())


def outcomes(rig: Rig, count: int) -> list[Outcome]:
    return [rig.next().outcome for _ in range(count)]


def on_disk_at_each_lamp(rig: Rig) -> list[int]:
    """Fills with the rows on disk whenever the lamp begins to shine for somebody."""
    seen: list[int] = []
    light = rig.settings.led
    assert isinstance(light, SimLight)
    show = light.show

    def watched(colour, blink):
        if colour != "off":
            seen.append(len(JournalReader(rig.settings.data / "journal.db").latest(1000)))
        show(colour, blink)

    light.show = watched
    return seen


def test_what_a_scanner_dumps_is_on_disk_in_few_commits_and_always_before_the_lamps(rig):
    rig.wait(lambda: rig.station.clock.hub_offset is not None)  # or an amendment might come in between
    rig.hub.behave = answer_with(b"{}", "500 Internal Server Error")
    rig.scan(CROWD[0])  # the hub is found out not to answer, and skipped
    assert rig.station.lookups.skipping
    seen = on_disk_at_each_lamp(rig)
    dump(rig, CROWD[1:])
    assert outcomes(rig, 39) == [Outcome.UNVERIFIED] * 39
    assert all(count >= number for number, count in enumerate(seen[:39], 2))
    assert len(set(seen[:39])) < 20
    assert [row.seq for row in rig.rows if row.type == "checkin"] == list(range(1, 41))
    assert JournalReader(rig.settings.data / "journal.db").prove()[0].broken is None


def test_one_person_twice_in_a_dump_is_a_repeat_by_code_and_by_person(rig, registry):
    registry.people["HS4460000000001"] = registry.people["C1234567"] = registry.people[AN]
    dump(rig, [AN, BINH, AN, "C1234567", CHI])
    assert outcomes(rig, 5) == [Outcome.PASS, Outcome.PASS, Outcome.REPEAT, Outcome.REPEAT, Outcome.PASS]
    assert rig.outcomes == [Outcome.PASS] * 3


def test_when_the_journal_is_full_each_of_them_is_told_so_and_none_is_recorded(tmp_path, registry):
    rig = Rig(tmp_path, registry, more="[journal]\nmax_bytes = 262144\nkeep_days = 0\n")
    try:
        registry.down = True
        rig.scan(CROWD[0])
        rig.station.journal.limit(1)
        dump(rig, CROWD[1:9])
        done = [rig.next() for _ in range(8)]
        assert {(one.outcome, one.reasons, one.seq) for one in done} == {(Outcome.FAULT, (Reason.JOURNAL_FULL,), 0)}
        rig.station.journal.limit(262144)
        rig.wait(lambda: rig.station.journal.trouble is None)
        dump(rig, CROWD[1:9])
        assert outcomes(rig, 8) == [Outcome.UNVERIFIED] * 8
        assert len(rig.outcomes) == 9
    finally:
        rig.close()


def test_nobody_waits_for_a_slow_hub_to_answer_about_the_next_one(rig, registry):
    answer, binh_has_passed = registry._look_up, threading.Event()

    def slowly(body: bytes) -> bytes:
        time.sleep(0.2)
        if CHI.encode() in body:
            binh_has_passed.wait(60)
        return answer(body)

    registry._look_up = slowly
    rig.scan(AN)
    dump(rig, [BINH, CHI])
    assert rig.next().outcome is Outcome.PASS
    binh_has_passed.set()
    assert rig.next().outcome is Outcome.PASS, "it was asked about while somebody waited, until its time was up"


def test_a_guard_decides_about_the_last_warn_of_a_dump(rig, registry):
    registry.people[BINH] = registry.people[CHI] = declared("bb", symptoms=("fever",))
    dump(rig, [AN, CHI])
    assert outcomes(rig, 2) == [Outcome.PASS, Outcome.WARN]
    warned = next(row for row in rig.rows if row.outcome is Outcome.WARN)
    rig.settings.buttons.press("admitted")
    rig.wait(lambda: any(row.type == "decision" for row in rig.rows))
    assert next(row for row in rig.rows if row.type == "decision").about == warned.seq


def capture(number: str) -> Capture:
    return Capture(number.encode(), Symbology.KEYS, Source.SERIAL, now())


def test_somebody_at_the_gate_waits_for_no_more_than_one_group_of_a_dump():
    queue = Captures()
    arrivals = Arrivals(queue)
    burst = Burst(capture(number) for number in CROWD)
    queue.put(burst)
    assert arrivals.next(0.1) == tuple(burst.captures)
    arrivals.took(3)
    live = capture(AN)
    queue.put(live)
    assert arrivals.next(0.1) == (live,)
    arrivals.took(1)
    assert arrivals.next(0.1) == tuple(burst.captures)
    assert not burst.taken.is_set()
    arrivals.took(37)
    assert burst.taken.is_set()
    assert arrivals.next(0.01) is None


def test_what_is_no_capture_keeps_its_place_in_the_line():
    queue, ran = Captures(), threading.Event()
    arrivals = Arrivals(queue)
    first, last, pressed, errand = capture(AN), capture(BINH), Pressed("admitted"), Errand(ran.set)
    for item in (first, pressed, errand, last):
        queue.put(item)
    assert arrivals.next(0.1) == (first,)
    arrivals.took(1)
    assert [arrivals.next(0.1), arrivals.next(0.1)] == [pressed, errand]
    assert arrivals.next(0.1) == (last,)
