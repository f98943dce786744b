"""A whole station with its front-panel page on a free port, and a browser's view of it without a browser."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from rig import DEVICES, Registry, Rig

from core.model import CodeKind, GateKind, Outcome, Reason
from station.front.cable import Cable
from station.front.parts import FrontParts
from station.front.server import Opened, start
from station.front.tray import CABLE, CAST, Cast, Expected, Member
from station.sections import Front

MARKED = {"X-Front-Panel": "1"}
CAST_OF_TWO = Cast(
    {GateKind.VENUE: "dong-ba"},
    (
        Member(
            "stranger",
            "Người lạ",
            "A stranger",
            CodeKind.OPAQUE,
            (Expected(GateKind.VENUE, Outcome.WARN, (Reason.NOT_FOUND,)),),
            "HUE-S-0001",
        ),
        Member("bytes", "Mã hỏng", "Control bytes", CodeKind.UNREADABLE, (), "", base64.b64encode(b"\0\1\2").decode()),
    ),
)


class Browser:
    """Asks the page as a browser would; ``events`` reads its stream."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port

    def ask(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> tuple[int, Any]:
        """Status and what was answered, JSON or bytes."""
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        with closing(HTTPConnection(self.host, self.port, timeout=30)) as line:
            line.request(method, path, data, MARKED if headers is None else headers)
            answer = line.getresponse()
            said = answer.read()
            return answer.status, json.loads(said) if answer.headers.get_content_type() == "application/json" else said

    @contextmanager
    def events(self) -> Iterator[Iterator[tuple[str, Any]]]:
        """The stream of events; each wait is bounded."""
        with closing(HTTPConnection(self.host, self.port, timeout=30)) as line:
            line.request("GET", "/events")
            yield self._events(line.getresponse())

    def _events(self, answer) -> Iterator[tuple[str, Any]]:
        name, until = "", time.monotonic() + 60  # the page's heartbeats keep every single wait short
        while read := answer.readline():
            assert time.monotonic() < until, "the event did not come"
            word, _, said = read.decode().rstrip("\n").partition(": ")
            if word == "event":
                name = said
            elif word == "data":
                yield name, json.loads(said)


def next_of(events: Iterator[tuple[str, Any]], name: str, holds=lambda said: True) -> Any:
    """The next event of a name that is as wished; what came before it is lost."""
    return next(said for what, said in events if what == name and holds(said))


def told_of(events: Iterator[tuple[str, Any]], *names: str) -> dict[str, Any]:
    """The next event with something in it of each name, in whatever order they come."""
    told: dict[str, Any] = {}
    for what, said in events:
        if what in names and said:
            told.setdefault(what, said)
        if len(told) == len(names):
            break
    return told


def parts_of(rig: Rig) -> FrontParts:
    """What the page is given of a station."""
    station, settings = rig.station, rig.settings
    return FrontParts(
        where=lambda: station.gate.doorway,
        panel=station.panel,
        journal=settings.journal_path,
        status=station.status,
        listeners=station.listeners,
        captures=station.captures,
        now=station.clock.now,
        camera=settings.camera,
        scanners=[one.device for one in settings.scanners],
        buttons=settings.buttons,
        fill=lambda full: station.journal.limit(1 if full else settings.journal.max_bytes),
    )


class Panel:
    """The station, its page and a browser; ``cable`` is cut by the page's switch."""

    def __init__(self, rig: Rig, opened: Opened) -> None:
        self.rig, self.opened = rig, opened
        self.browser = Browser(opened.host, opened.port)


@contextmanager
def panel_of(folder: Path, *, demo: bool = True, devices: str = DEVICES) -> Iterator[Panel]:
    """A station whose page is open while the block lasts."""
    import msgspec

    tray = folder / "demo"
    tray.mkdir()
    (tray / CAST).write_bytes(msgspec.json.encode(CAST_OF_TWO))
    rig = Rig(folder / "data", Registry(), devices=devices)
    section = Front(enabled=True, listen="127.0.0.1:0", demo=tray if demo else None)
    try:
        with Cable(tray / CABLE), start(section, parts_of(rig)) as opened:
            assert opened is not None
            yield Panel(rig, opened)
    finally:
        rig.close()
