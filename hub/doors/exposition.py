"""The fleet and the hub in the text format that Prometheus reads (version 0.0.4): figures and names of stations only.

Names end in their unit, counters in ``_total``.  What a station cannot say is left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping

from core.health import Health
from hub.web.fleet.lines import Line, Look

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

DROPPED_AT_MOST = 200
"""So many reasons of dropped messages at most have a line of their own."""

Number = float | int | bool | None


def exposition(look: Look, dropped: Mapping[str, int], *, stations: bool) -> str:
    """The whole page; without ``stations`` no line is of a single one."""
    lines = [*_of_fleet(look), *_of_dropped(dropped)]
    if stations:
        lines += _of_stations(look)
    return "\n".join(lines) + "\n"


def _of_fleet(look: Look) -> Iterator[str]:
    sums = look.sums()
    states = [({"state": state}, count) for state, count in sums.items() if state not in ("all", "troubled")]
    yield from _metric("hub_stations", "gauge", "Stations by how they are.", states)
    yield from _metric("hub_stations_troubled", "gauge", "Stations in trouble.", [({}, sums["troubled"])])
    kinds = Counter(each.kind for each in look.alarms)
    unseen = sum(each.acknowledged is None for each in look.alarms)
    yield from _metric("hub_alarms", "gauge", "Alarms that stand.", [({"kind": kind}, kinds[kind]) for kind in kinds])
    yield from _metric("hub_alarms_unseen", "gauge", "Alarms that nobody has acknowledged.", [({}, unseen)])
    backlog = sum(each.health.journal.backlog for each in look.lines if each.health is not None)
    yield from _metric("hub_backlog_rows", "gauge", "Rows that wait at all stations together.", [({}, backlog)])


def _of_dropped(dropped: Mapping[str, int]) -> Iterator[str]:
    most = sorted(dropped.items(), key=lambda each: (-each[1], each[0]))[:DROPPED_AT_MOST]
    about = "Messages dropped since the start."
    yield from _metric("hub_dropped_total", "counter", about, [({"what": what}, count) for what, count in most])


Figure = Callable[[Line], Number]


def _said(figure: Callable[[Health], Number]) -> Figure:
    return lambda line: None if line.health is None else figure(line.health)


def _seen(figure: str) -> Figure:
    return lambda line: getattr(line.health.camera, figure, None) if line.health is not None else None


def _free(health: Health) -> Number:
    board = health.board
    return (board.disk_free or 0) / board.disk_total if board.disk_total else None


GAUGES: tuple[tuple[str, str, Figure], ...] = (
    ("hub_station_online", "Whether it is heard as it should be.", lambda line: line.state == "online"),
    ("hub_station_trouble", "How grave its worst trouble is, 0 none, 100 the worst.", lambda line: line.gravest),
    ("hub_station_silence_seconds", "Since it was heard.", lambda line: line.quiet),
    ("hub_station_clock_ahead_seconds", "Its clock minus the hub's.", lambda line: line.view.ahead),
    ("hub_station_backlog_rows", "Rows that wait.", _said(lambda health: health.journal.backlog)),
    ("hub_station_oldest_seconds", "How long the oldest of them waits.", _said(lambda health: health.journal.oldest)),
    ("hub_station_policy_version", "The policy it holds.", _said(lambda health: health.versions.policy)),
    ("hub_station_temperature_celsius", "Its board's.", _said(lambda health: health.board.temperature)),
    ("hub_station_under_voltage", "Whether its power is weak.", _said(lambda health: health.board.under_voltage)),
    ("hub_station_disk_free_ratio", "Of its card.", _said(_free)),
    ("hub_station_disk_wear_ratio", "Of its card's life.", _said(lambda health: health.board.disk_wear)),
    ("hub_station_camera_sharpness", "What its camera sees.", _seen("sharpness")),
    ("hub_station_camera_fps", "Pictures a second.", _seen("fps")),
    ("hub_station_radio_level_dbm", "Its wireless network's.", _said(lambda health: health.link.dbm)),
)


def _of_stations(look: Look) -> Iterator[str]:
    about = "Which station stands where."
    named = [
        ({"station": line.name, "place": line.view.place, "district": line.view.district, "kind": line.view.kind}, 1)
        for line in look.lines
    ]
    yield from _metric("hub_station_info", "gauge", about, named)
    for name, about, figure in GAUGES:
        yield from _metric(name, "gauge", about, [({"station": line.name}, figure(line)) for line in look.lines])
    refused = [({"station": line.name}, line.view.refusals) for line in look.lines]
    yield from _metric("hub_station_dropped_total", "counter", "Its messages that were dropped.", refused)
    outcomes = [
        ({"station": line.name, "outcome": outcome}, count)
        for line in look.lines
        if line.health is not None
        for outcome, count in sorted(line.health.outcomes.items())
    ]
    yield from _metric("hub_station_presentations_total", "counter", "Presentations by how they ended.", outcomes)


def _metric(name: str, kind: str, about: str, samples: Iterable[tuple[Mapping[str, str], Number]]) -> Iterator[str]:
    yield f"# HELP {name} {about}"
    yield f"# TYPE {name} {kind}"
    for labels, value in samples:
        if value is not None:
            inside = ",".join(f'{label}="{_quoted(text)}"' for label, text in labels.items())
            yield f"{name}{{{inside}}} {float(value):.10g}" if inside else f"{name} {float(value):.10g}"


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
