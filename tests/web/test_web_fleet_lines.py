"""What of the wall is drawn anew: a line whose figures, as they are shown, have changed; and no other."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from functools import partial

import msgspec
import pytest

from core.health import BoardFigures, CameraFigures, Device, Health, JournalFigures, Versions
from hub.stations.trouble import View
from hub.web import words
from hub.web.fleet import wording
from hub.web.fleet.lines import Line, Look, lines
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


def line(said: dict[str, object], seen: dict[str, object], scans: int = 4) -> Line:
    usual = {
        "number": 1,
        "up": 1.0,
        "versions": Versions(software="0.1.0", policy=1),
        "camera": CameraFigures(sharpness=30.0),
        "board": BoardFigures(temperature=50.0, disk_total=100, disk_free=50, under_voltage=False),
    }
    health = Health(**{"station": "s1", "session": "one", "at": NOON, **usual, **said})
    view = {"station": "s1", "kind": "venue", "place": "cho", "place_name": "Chợ", "health": health, "heard": NOON}
    return lines([View(**{**view, "ahead": 0.0, **seen})], (), {"s1": scans}, NOON)[0]


EVERY = {
    **{name: line(said, {}) for name, said in SAID.items()},
    **{name: line({}, seen) for name, seen in SEEN.items()},
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
