"""What of the wall is drawn anew: a line whose figures, as they are shown, have changed; and no other."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from functools import partial

import msgspec
import pytest

from core.health import BoardFigures, CameraFigures, ClockFigures, Device, Health, Histogram, JournalFigures, Versions
from hub.health.hours import Hour
from hub.stations.trouble import View
from hub.web import words
from hub.web.fleet import figures, wording
from hub.web.fleet.lines import NOTHING, Line, Look, lines
from hub.web.fleet.live import BEGUN, Painter
from hub.web.page import templates

NOON = datetime(2026, 3, 2, 5, 0, tzinfo=UTC)

SAID: dict[str, dict[str, object]] = {
    "as before": {},
    "another number": {"number": 2, "up": 31.0},
    "a backlog": {"journal": JournalFigures(backlog=3, oldest=4.0)},
    "an older backlog": {"journal": JournalFigures(backlog=3, oldest=9.0)},
    "too large a backlog": {"journal": JournalFigures(backlog=30, oldest=9.0)},
    "a warmer board": {"board": BoardFigures(temperature=51.4, disk_total=100, disk_free=50, under_voltage=False)},
    "a little warmer": {"board": BoardFigures(temperature=51.3, disk_total=100, disk_free=50, under_voltage=False)},
    "a weak supply": {"board": BoardFigures(temperature=50.0, disk_total=100, disk_free=50, under_voltage=True)},
    "a fuller card": {"board": BoardFigures(temperature=50.0, disk_total=100, disk_free=49, under_voltage=False)},
    "a blind camera": {"camera": CameraFigures(sharpness=30.0, blind="dark")},
    "another blindness": {"camera": CameraFigures(sharpness=30.0, blind="covered")},
    "a sharper picture": {"camera": CameraFigures(sharpness=31.0)},
    "a little sharper": {"camera": CameraFigures(sharpness=30.2)},
    "no camera": {"camera": None},
    "more frames": {"camera": CameraFigures(sharpness=30.0, fps=15.0)},
    "a brighter picture": {"camera": CameraFigures(sharpness=30.0, brightness=0.4)},
    "a little brighter": {"camera": CameraFigures(sharpness=30.0, brightness=0.41)},
    "a supply that was weak": {
        "board": BoardFigures(
            temperature=50.0, disk_total=100, disk_free=50, under_voltage=False, under_voltage_ever=True
        )
    },
    "a worn card": {
        "board": BoardFigures(temperature=50.0, disk_total=100, disk_free=50, under_voltage=False, disk_wear=0.3)
    },
    "a clock set by the hub": {"clock": ClockFigures(source="hub", error=0.02)},
    "a surer clock": {"clock": ClockFigures(source="hub", error=0.004)},
    "a little surer": {"clock": ClockFigures(source="hub", error=0.0045)},
    "a clock of another kind": {"clock": ClockFigures(source="gps")},
    "a broken lamp": {"devices": (Device("lamp", "no answer"),)},
    "another version": {"versions": Versions(software="0.2.0", policy=1)},
    "another policy": {"versions": Versions(software="0.1.0", policy=2)},
}
SEEN: dict[str, dict[str, object]] = {
    "never heard": {"heard": None, "health": None},
    "late": {"heard": NOON - timedelta(seconds=50)},
    "silent": {"heard": NOON - timedelta(minutes=5)},
    "gone": {"online": False},
    "a clock ahead": {"ahead": 3.0},
    "a clock a little ahead": {"ahead": 0.01},
    "another place": {"place": "ga", "place_name": "Ga Huế"},
    "another district": {"district": "63/475", "district_name": "Quận Phú Xuân"},
    "another kind": {"kind": "checkpoint"},
}


def took(*counts: int) -> Histogram:
    """So many in each bucket, from the quickest on."""
    return Histogram((*counts, *(0 for _ in range(13 - len(counts)))))


def lasted(decode: Histogram, lookup: Histogram) -> figures.Lately:
    return figures.lately(Hour(NOON, decode, lookup, Histogram()))


LASTED = {
    "codes read quickly": lasted(took(0, 90, 9), took()),
    "a few more read as quickly": lasted(took(0, 91, 9), took()),
    "codes read slowly": lasted(took(0, 90, 90), took()),
    "look-ups": lasted(took(0, 90, 9), took(5)),
    "late look-ups": lasted(took(0, 90, 9), took(*(0,) * 12, 5)),
}


def line(said: dict[str, object], seen: dict[str, object], scans: int = 4, lately: figures.Lately = NOTHING) -> Line:
    usual = {
        "number": 1,
        "up": 1.0,
        "versions": Versions(software="0.1.0", policy=1),
        "camera": CameraFigures(sharpness=30.0),
        "board": BoardFigures(temperature=50.0, disk_total=100, disk_free=50, under_voltage=False),
    }
    health = Health(**{"station": "s1", "session": "one", "at": NOON, **usual, **said})
    view = {"station": "s1", "kind": "venue", "place": "cho", "place_name": "Chợ", "health": health, "heard": NOON}
    return lines([View(**{**view, "ahead": 0.0, **seen})], (), {"s1": scans}, NOON, {"s1": lately})[0]


EVERY = {
    **{name: line(said, {}) for name, said in SAID.items()},
    **{name: line({}, seen) for name, seen in SEEN.items()},
    **{name: line({}, {}, lately=lately) for name, lately in LASTED.items()},
    "more scans": line({}, {}, scans=5),
}


@pytest.mark.parametrize("language", ["vi", "en"])
def test_two_lines_are_drawn_alike_exactly_when_their_keys_are_equal(language):
    told = partial(words.word, language)
    parts = templates.get_template("officers/fleet_parts.html").make_module({"t": told, "title": wording.title})
    drawn = {name: str(parts.row(each)) for name, each in EVERY.items()}
    for one, other in itertools.combinations(EVERY, 2):
        assert (EVERY[one].key == EVERY[other].key) == (drawn[one] == drawn[other]), (one, other)


def test_a_message_that_changes_no_figure_by_as_much_as_is_shown_is_no_news():
    painter = Painter("vi")
    assert painter.draw(Look(NOON, (EVERY["as before"],), ())) == BEGUN
    for name in ("another number", "a little sharper", "a clock a little ahead"):
        assert painter.draw(Look(NOON, (EVERY[name],), ())) == b"", name
    news = painter.draw(Look(NOON, (EVERY["a blind camera"],), ()))
    assert msgspec.json.decode(news.split(b"data: ")[1])["names"] == ["s1"]


def test_a_bar_is_as_high_as_its_share_and_one_step_at_least_and_the_slow_ones_are_apart():
    bars = figures.lately(Hour(NOON, took(1, 100, *(0,) * 8, 60), took(), Histogram())).decode
    assert bars is not None
    assert tuple(bars.steps) == (1, 8, *(0,) * 8, 5, 0, 0)
    assert bars.quick == "M0 8v-1h4v1zM5 8v-8h4v8z"
    assert bars.slow == "M50 8v-5h4v5z"
    assert bars.within == 1_600


def test_the_wall_says_of_a_station_what_its_own_page_does():
    told = partial(words.word, "en")
    parts = templates.get_template("officers/fleet_parts.html").make_module({"t": told, "title": wording.title})
    said = {
        "journal": JournalFigures(backlog=3, oldest=4.0),
        "clock": ClockFigures(source="rtc", error=0.3),
        "camera": CameraFigures(sharpness=30.0, fps=14.6, brightness=0.42),
        "board": BoardFigures(
            temperature=50.0, disk_total=100, disk_free=50, under_voltage=False, under_voltage_ever=True, disk_wear=0.31
        ),
    }
    row = str(parts.row(line(said, {"ahead": -3.0}, lately=LASTED["look-ups"])))
    for told_of in (
        *("3<span", "4 s", "−3 s", "own clock ±400 ms", "sharp 30 · 15/s", "light 40 %", "50 °C", "was weak", "50 %"),
        *("worn 31 %", "0.1.0", "policy 1", "≤ 5 ms", "≤ 1 ms"),
    ):
        assert told_of in row, told_of
