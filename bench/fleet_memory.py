"""What a station takes of the hub's memory: its last message with every figure in it, what is kept beside it to judge
it by, and its line on a wall that is open in both languages; as ``tracemalloc`` counts it, for a fleet of 2,000.
"""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from msgspec.structs import replace

from bench.health import said
from bench.rows import Row
from core.health import BoardFigures, CameraFigures, Device, Health, JournalFigures, PlaceFigures, Versions
from core.model import GateKind
from hub.health.fleet_health import Fleet
from hub.health.health_history import Recorder
from hub.register import areas
from hub.stations.fleet import Gate
from hub.web.fleet import figures
from hub.web.fleet.lines import Look, lines
from hub.web.fleet.live import Painter
from hub.web.words import LANGUAGES

MEMBERS = 2_000
APART = timedelta(minutes=40)
"""From one message to the next, so that every mark of an hour is kept."""

MESSAGES = 4
SESSIONS = 2
_DEVICES = ("camera", "scanner 1 (hid)", "scanner 2 (serial)", "lamp", "buzzer", "display", "relay", "door", "button")
_GIB = 1 << 30


def measure(_folder: Path, told: Callable[[str], None]) -> list[Row]:
    """One row."""
    fleet, shown = held(MEMBERS)
    told(f"{fleet:.0f} bytes a station of {MEMBERS}, and {shown - fleet:.0f} for its line on an open wall")
    return [
        Row(
            name="memory per station at the hub",
            unit="bytes",
            ours=round(shown),
            against=None,
            ratio=None,
            bar=8_192,
            sense="at_most",
            n=MEMBERS,
            holds=shown <= 8_192,
        )
    ]


def held(members: int) -> tuple[float, float]:
    """Bytes a station, without a wall that somebody looks at and with one."""
    names = [f"gate-{number}" for number in range(members)]
    gates = [Gate(name, GateKind.VENUE, "cho", "Chợ Đông Ba", areas.EDITIONS[1], "474") for name in names]
    moments = [datetime.now(UTC) + APART * turn for turn in range(SESSIONS * MESSAGES)]
    raws = [
        [msgspec.json.encode(_every_figure(name, f"{turn // MESSAGES:016x}", turn % MESSAGES + 1)) for name in names]
        for turn in range(len(moments))
    ]
    painters = [Painter(language) for language in LANGUAGES]
    areas.find(areas.EDITIONS[1], "474")  # reads the map, which is no station's
    tracemalloc.start()
    fleet = Fleet()
    fleet.know(gates)
    recorder = Recorder()
    for now, several in zip(moments, raws, strict=True):
        for raw in several:
            fleet.take(msgspec.json.decode(raw, type=Health), now)
        recorder.points(fleet.members(), now)
    alone = _traced() / members
    look = _look(fleet, names, moments[-1])
    for painter in painters:
        painter.draw(look)
    shown = _traced() / members
    tracemalloc.stop()
    return alone, shown


def _traced() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


def _look(fleet: Fleet, names: list[str], now: datetime) -> Look:
    lately = {name: figures.lately(fleet.hour(name, now)) for name in names}
    return Look(now, lines(fleet.views(lambda _: 400), (), dict.fromkeys(names, 4), now, lately), ())


def _every_figure(station: str, session: str, number: int) -> Health:
    """A message of a station with every device, at a place with other gates, that has troubles of its own."""
    return replace(
        said(station, session, number),
        devices=tuple(map(Device, _DEVICES)),
        versions=Versions(software="0.1.0", policy=317, snapshot="2026-03-02", certificate_ends=datetime.now(UTC)),
        journal=JournalFigures(backlog=312, oldest=345.8, seq=98_765, refused=300, epoch="61706c6f4af8483f"),
        camera=CameraFigures(
            frames=900_000, fps=14.9, sharpness=31.2, best=33.3, brightness=0.4, contrast=0.2, dark=0.11, glare=0.012
        ),
        board=BoardFigures(
            temperature=61.2,
            under_voltage=True,
            under_voltage_ever=True,
            throttled=False,
            throttled_ever=False,
            memory_total=_GIB,
            memory_free=_GIB // 2,
            memory_used=70 << 20,
            cpu=0.2,
            disk_total=14 * _GIB,
            disk_free=7 * _GIB,
            disk_wear=0.1,
            disk_worn=1,
            up=1e6,
        ),
        orders=dict.fromkeys(("succeeded", "rejected", "failed"), 300),
        place=PlaceFigures(gates=3, inside=300, capacity=1_000),
    )
