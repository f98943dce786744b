"""A whole station on simulated devices, beside a listening hub that answers as a test says."""

from __future__ import annotations

import queue
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from loopback_hub import Hub, answer_with

from core import keys, wire
from core.health import Health, Taken
from core.model import GateKind, Outcome, Standing
from core.orders import Result, Waiting
from core.rules import GateRules, Policy
from core.wire import Signed
from station import config
from station.app import Station
from station.clock import Clock
from station.gate import Presented
from station.journal.reading import JournalReader

SECONDS = 60.0
"""What a busy machine may take for anything that must happen."""
SEALING_PRIVATE, SEALING = keys.new_sealing_key()
SIGNING_PRIVATE, SIGNING = keys.new_signing_key()

DEVICES = """
[camera]
driver = "sim"
rate = 60.0
[[scanner]]
driver = "sim-serial"
[[scanner]]
driver = "sim"
[led]
driver = "sim"
[buzzer]
driver = "sim"
[display]
driver = "sim"
[relay]
driver = "sim"
[buttons]
driver = "sim"
"""


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Registry:
    """Who the hub knows: number → standing; ``down`` makes it answer nothing but 503."""

    people: dict[str, Standing] = field(default_factory=dict)
    rules: GateRules = field(default_factory=GateRules)
    held: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    healths: list[Health] = field(default_factory=list)
    orders: list[Signed] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    down: bool = False
    ahead: timedelta = timedelta(0)
    """By how much its clock is before this machine's."""

    def now(self) -> datetime:
        return now() + self.ahead

    def behave(self, line, request: bytes) -> None:
        head, _, body = request.partition(b"\r\n\r\n")
        path = head.split(b" ")[1].decode().partition("?")[0]
        if self.down:
            answer_with(b"{}", "503 Service Unavailable")(line, request)
        else:
            doors = {
                "/v1/lookup": self._look_up,
                "/v1/checkins": self._take,
                "/v1/policy": self._policy,
                "/v1/health": self._hear,
                "/v1/orders": self._wait,
            }
            if path.startswith("/v1/orders/"):
                doors[path] = self._be_told
            if path in doors:
                answer_with(doors[path](body))(line, request)
            else:
                answer_with(b"{}", "404 Not Found")(line, request)

    def _look_up(self, body: bytes) -> bytes:
        ask = msgspec.json.decode(body, type=wire.Ask)
        self.asked.append(ask.who.value)
        return wire.encode(wire.Answer(self.people.get(ask.who.value), self.now()))

    def _take(self, body: bytes) -> bytes:
        batch = msgspec.json.decode(body, type=wire.Batch)
        for seq, raw in enumerate(batch.rows, start=batch.first):
            self.held[f"{batch.epoch}/{seq}"] = bytes(raw)
        return wire.encode(wire.HeldMark(batch.station, batch.epoch, batch.first + len(batch.rows) - 1, self.now()))

    def _hear(self, body: bytes) -> bytes:
        self.healths.append(wire.decode(body, Health))
        return wire.encode(Taken(self.now()))

    def _wait(self, _: bytes) -> bytes:
        return wire.encode(Waiting(tuple(self.orders), self.now()))

    def _be_told(self, body: bytes) -> bytes:
        self.results.append(wire.decode(body, Result))
        return b"{}"

    def _policy(self, _: bytes) -> bytes:
        before = now() - timedelta(days=1)
        policy = Policy(1, before, before, gates={GateKind.VENUE: self.rules})
        return wire.encode(keys.sign(SIGNING_PRIVATE, wire.encode(policy)))


class Rig:
    """Starts the station in a thread of its own; ``next`` waits for what became of a presentation."""

    def __init__(
        self, folder: Path, registry: Registry, *, more: str = "", devices: str = DEVICES, clock: Clock | None = None
    ) -> None:
        self.registry = registry
        self.hub = Hub(registry.behave)
        text = f"""
[station]
name = "gate-1"
place = "dong-ba"
place_name = "Chợ Đông Ba"
data = "{folder}"
[hub]
url = "{self.hub.url}"
token = "token"
sealing_key = "{keys.encode_key(SEALING)}"
policy_key = "{keys.encode_key(SIGNING)}"
deadline_ms = 10000
skip_seconds = 30
{devices}{more}"""
        self.settings = config.read(text)
        self._stack = ExitStack()
        self.station = Station(self.settings, self._stack, clock)
        self._done: queue.Queue[Presented] = queue.Queue()
        self.station.listeners.append(self._done.put)
        self.code: int | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        try:
            self.wait(lambda: self.station.policies.newest == 1 or registry.down)
        except AssertionError:
            self.close()
            raise

    def _run(self) -> None:
        self.code = self.station.service.run()

    def wait(self, happened, seconds: float = SECONDS) -> None:
        """Waits until ``happened()``; fails after ``seconds``."""
        until = time.monotonic() + seconds
        while not happened():
            assert time.monotonic() < until, "it did not happen in time"
            time.sleep(0.01)

    def scan(self, text: str | bytes) -> Presented:
        data = text.encode() if isinstance(text, str) else text
        self.settings.scanners[0].device.send(data + b"\r")
        return self.next()

    def next(self, seconds: float = SECONDS) -> Presented:
        return self._done.get(timeout=seconds)

    def nothing_more(self, seconds: float = 0.3) -> bool:
        try:
            self._done.get(timeout=seconds)
        except queue.Empty:
            return True
        return False

    @property
    def rows(self) -> list[wire.Row]:
        return JournalReader(self.settings.data / "journal.db").latest(1000)

    @property
    def outcomes(self) -> list[Outcome | None]:
        return [row.outcome for row in self.rows if row.type == "checkin"]

    def close(self) -> None:
        self.station.service.stop.set()
        self._thread.join(SECONDS)
        self._stack.close()
        self.hub.close()
