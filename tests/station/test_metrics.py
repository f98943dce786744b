"""The page for Prometheus: every line by the format's law, nothing about people, nobody but this board unless said."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from datetime import UTC, datetime

import pytest

from core.health import (
    BOUNDS,
    BoardFigures,
    CameraFigures,
    ClockFigures,
    Device,
    Health,
    Histogram,
    JournalFigures,
    LinkFigures,
    Versions,
)
from station import config
from station.errors import ConfigError
from station.exposition import CONTENT_TYPE, exposition
from station.metrics import serving
from station.sections import Metrics

AT = datetime(2026, 3, 2, tzinfo=UTC)
HEALTH = Health(
    station="cho-1",
    session="one",
    number=3,
    at=AT,
    up=61.5,
    versions=Versions(software="0.1.0", policy=7, certificate_ends=AT),
    clock=ClockFigures(source="ntp", error=0.01, offset=-0.2),
    journal=JournalFigures(backlog=4, oldest=12.0, seq=99, refused=1),
    link=LinkFigures(last_contact=3.0, dbm=-61, radio=0.8),
    outcomes={"pass": 9, "warn": 2},
    decode=Histogram((1,) * 13, 1000.0),
    camera=CameraFigures(frames=900, fps=15.0, sharpness=20.0, best=21.0, brightness=0.5, blind='da"rk\n'),
    scanner=True,
    devices=(Device("camera"), Device('scanner "1"', "is not plugged in")),
    board=BoardFigures(temperature=51.2, under_voltage=False, memory_used=1 << 26, disk_free=1 << 33, cpu=0.02, up=1e5),
    orders={"done": 1},
)

NAME = r"[a-zA-Z_][a-zA-Z0-9_]*"
SAMPLE = re.compile(rf'({NAME})(\{{{NAME}="(?:[^"\\\n]|\\["\\n])*"(?:,{NAME}="(?:[^"\\\n]|\\["\\n])*")*\}})? (\S+)')
SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "gauge": ("",), "counter": ("",)}


def read(page: str) -> dict[str, dict[str, float]]:
    """Reads a page strictly: every family announced once, its samples right below it, in the format's own words."""
    assert page.endswith("\n")
    families: dict[str, dict[str, float]] = {}
    name = kind = ""
    for line in page.splitlines():
        if line.startswith("# HELP "):
            _, _, name, about = line.split(" ", 3)
            assert name not in families
            assert about.endswith(".")
            families[name] = {}
        elif line.startswith("# TYPE "):
            assert line.split(" ")[2] == name
            kind = line.split(" ")[3]
        else:
            found = SAMPLE.fullmatch(line)
            assert found, line
            assert found[1] in [name + suffix for suffix in SUFFIXES[kind]]
            assert (found[1] + (found[2] or "")) not in families[name]
            families[name][found[1] + (found[2] or "")] = float(found[3])
            assert name.endswith("_total") is (kind == "counter")
    return families


def test_every_line_is_in_the_formats_own_words():
    families = read(exposition(HEALTH))
    assert families["station_presentations_total"]['station_presentations_total{outcome="pass"}'] == 9
    assert families["station_device_works"][r'station_device_works{device="scanner \"1\""}'] == 0
    assert families["station_camera_blind"][r'station_camera_blind{why="da\"rk\n"}'] == 1
    assert families["station_board_temperature_celsius"]["station_board_temperature_celsius"] == 51.2


def test_histograms_count_up_to_their_bounds_in_seconds():
    decode = read(exposition(HEALTH))["station_decode_seconds"]
    buckets = [value for name, value in decode.items() if "_bucket" in name]
    assert buckets == list(range(1, 14))
    assert f'station_decode_seconds_bucket{{le="{BOUNDS[0] / 1000:g}"}}' in decode
    assert 'station_decode_seconds_bucket{le="+Inf"}' in decode
    assert (decode["station_decode_seconds_sum"], decode["station_decode_seconds_count"]) == (1.0, 13)


def test_what_the_board_cannot_say_is_left_out():
    bare = read(exposition(Health(station="a", session="b", number=1, at=AT, up=1.0)))
    assert not any(name.startswith(("station_camera", "station_board", "station_disk")) for name in bare)
    assert bare["station_hub_reached"] == {"station_hub_reached": 1.0}


def fetch(address: tuple[str, int], path: str = "/metrics"):
    return urllib.request.urlopen(f"http://{address[0]}:{address[1]}{path}", timeout=30)


def test_the_page_is_fetched_over_http_and_there_is_no_other():
    figures = [HEALTH]
    with serving(Metrics(enabled=True, listen="127.0.0.1:0"), lambda: figures[0]) as address:
        with fetch(address) as answer:
            assert answer.headers["Content-Type"] == CONTENT_TYPE
            assert answer.read().decode() == exposition(HEALTH)
        with pytest.raises(urllib.error.HTTPError, match="404") as refused:
            fetch(address, "/")
        refused.value.close()
        figures[0] = None
        with pytest.raises(urllib.error.HTTPError, match="503") as refused:
            fetch(address)
        refused.value.close()


def test_an_address_that_is_taken_is_told_with_its_cure():
    with serving(Metrics(listen="127.0.0.1:0"), lambda: None) as (host, port):
        taken = Metrics(listen=f"{host}:{port}")
        with pytest.raises(ConfigError, match=r"\[metrics\] listen"), serving(taken, lambda: None):
            pass


def test_the_network_reads_it_only_when_that_is_said():
    text = '[station]\nname = "a"\n[metrics]\nlisten = "192.0.2.1:9101"\n'
    with pytest.raises(ConfigError, match="anywhere = true"):
        config.read(text)
    assert config.read(f"{text}anywhere = true\n").metrics.address == ("192.0.2.1", 9101)
