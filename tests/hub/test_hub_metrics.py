"""What Prometheus reads from the hub, strictly, and the dashboard that asks for nothing that is not there."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests
from hub_stand import ROOT

from core.health import BoardFigures, CameraFigures, Health, JournalFigures, LinkFigures
from core.model import GateKind
from hub.centre import Centre
from hub.config import MetricsSettings, load
from hub.doors.exposition import exposition
from hub.doors.metrics import serving
from hub.errors import ConfigError, Unavailable
from hub.health.fleet_health import Fleet
from hub.stations.alarms import Alarm
from hub.stations.fleet import Gate
from hub.web.fleet.lines import Board, Look, lines

AT = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
SAMPLE = re.compile(r'([a-z_]+)(\{([a-z]+="([^"\\\n]|\\["\\n])*",?)+\})? (-?[0-9.e+-]+)')
WORDS = re.compile(r"hub_[a-z_]+")


def look() -> Look:
    """Two stations, one with everything, and an alarm."""
    fleet = Fleet()
    fleet.know([Gate(name, GateKind.VENUE, 'chợ "A"', "Chợ", "63", "474") for name in ("s1", "s2")])
    board = BoardFigures(
        temperature=61.5, under_voltage=True, disk_total=100, disk_free=25, disk_wear=0.2, memory_total=1
    )
    said = Health(
        station="s1",
        session="one",
        number=1,
        at=AT,
        up=1.0,
        board=board,
        camera=CameraFigures(sharpness=7.0, fps=15.0),
        journal=JournalFigures(backlog=4, oldest=30.0),
        link=LinkFigures(dbm=-60),
        outcomes={"pass": 7, "warn": 2},
    )
    fleet.take(said, AT)
    fleet.refuse("s1", "played again")
    standing = (Alarm("power", "s1", "", "weak", AT, AT, 1),)
    return Look(AT, lines(fleet.views(lambda _: 0), standing, {}, AT), standing)


def read(text: str) -> dict[str, list[tuple[str, float]]]:
    """Every metric with its samples; each line must be one that the format knows, each metric told of once."""
    found: dict[str, list[tuple[str, float]]] = {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name not in found
            assert kind == ("counter" if name.endswith("_total") else "gauge")
            found[name] = []
        elif not line.startswith("# HELP "):
            sample = SAMPLE.fullmatch(line)
            assert sample, line
            found[sample[1]].append((sample[2] or "", float(sample[5])))
    return found


def test_the_fleet_is_told_in_figures_that_a_strict_reader_takes():
    found = read(exposition(look(), {"health: played again": 3, 'ask: "x"\\': 1}, stations=True))
    assert dict(found["hub_stations"])['{state="online"}'] == 1
    assert found["hub_alarms"] == [('{kind="power"}', 1)]
    assert found["hub_dropped_total"][0] == ('{what="health: played again"}', 3)
    assert found["hub_station_backlog_rows"] == [('{station="s1"}', 4)]
    assert found["hub_station_disk_free_ratio"] == [('{station="s1"}', 0.25)]
    assert found["hub_station_presentations_total"] == [
        ('{station="s1",outcome="pass"}', 7),
        ('{station="s1",outcome="warn"}', 2),
    ]
    assert dict(found["hub_station_dropped_total"])['{station="s1"}'] == 1
    assert next(labels for labels, _ in found["hub_station_info"]).startswith('{station="s1",place="chợ \\"A\\""')


def test_single_stations_are_left_out_when_nobody_wants_them():
    assert "hub_station_" not in exposition(look(), {}, stations=False)


def test_every_panel_of_the_dashboard_asks_for_what_there_is():
    dashboard = json.loads((ROOT / "docs" / "grafana" / "fleet.json").read_text("utf-8"))
    there = read(exposition(look(), {"x": 1}, stations=True))
    asked = {panel["title"]: WORDS.findall(str(panel["targets"])) for panel in dashboard["panels"]}
    assert [title for title, names in asked.items() if not names or not set(names) <= there.keys()] == []
    assert {name for name, samples in there.items() if not samples} == set(), "the test's fleet has every figure"


def test_the_page_is_given_to_who_has_the_token_and_to_nobody_else(peopled, ring, tmp_path: Path):
    (tmp_path / "token").write_text("abc\n")
    settings = MetricsSettings(enabled=True, port=0, token_file=str(tmp_path / "token"))
    with serving(settings, Board(Centre(peopled, ring))) as port, requests.Session() as line:
        line.trust_env = False
        page = f"http://127.0.0.1:{port}/metrics"
        assert line.get(page, timeout=60).status_code == 401
        assert line.get(page, timeout=60, headers={"Authorization": "Bearer nobody"}).status_code == 401
        answer = line.get(page, timeout=60, headers={"Authorization": "Bearer abc"})
        assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (200, "text/plain")
        assert read(answer.text)["hub_station_info"]
        with pytest.raises(Unavailable, match=r"metrics\.port"), serving(MetricsSettings(port=port), None):
            pass


def test_a_network_may_read_it_with_a_token_only(tmp_path: Path):
    (tmp_path / "hub.toml").write_text('[metrics]\nenabled = true\nhost = "0.0.0.0"\n')
    with pytest.raises(ConfigError, match=r"metrics\.token_file"):
        load(tmp_path / "hub.toml")
