"""What one event of the wall costs the hub with one browser looking on and with fifty: it is drawn and encoded once.

A real hub with its broker and an invented fleet whose stations tell their health every second; the viewers read real
streams of events over HTTP.  Processor time is the hub's whole process's, less what it spends with nobody looking on.
What sending the same bytes to forty-nine more costs is measured beside it, on the same web server with nothing behind
it, and taken off: the claim is about what is done for an event, not about the bytes that go out.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import requests

from bench import centre
from bench.centre import HUB
from bench.rows import Row

STATIONS, MANY, ROUNDS, SECONDS = 200, 50, 3, 12.0
ACCOUNT, PASSWORD = "bench", "ba con vịt trời"
LIVE = "/officers/fleet-live"
PLAIN = "GET / HTTP/1.1\r\nhost: bench\r\n\r\n"
PATTERN = f"""
[boards]
health_seconds = 1
[people]
count = 200
[crowd.venue]
share = 1.0
busiest = 60
hours = [{", ".join(["1"] * 24)}]
"""

BARE = """
import asyncio, sys
import uvicorn
size, many = int(sys.argv[1]), set()
async def tick():
    while True:
        await asyncio.sleep(1)
        event = b"data: " + b"x" * size + b"\\n\\n"
        for queue in many:
            queue.put_nowait(event)
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            kind = (await receive())["type"]
            if kind == "lifespan.startup":
                app.task = asyncio.create_task(tick())
            await send({"type": kind + ".complete"})
            if kind == "lifespan.shutdown":
                return
    queue = asyncio.Queue()
    many.add(queue)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
    while True:
        await send({"type": "http.response.body", "body": await queue.get(), "more_body": True})
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), log_level="critical", access_log=False)
"""


@dataclass
class Seen:
    """What one window brought: seconds of processor time, events to one viewer, and their bytes."""

    spent: float
    events: int
    size: int

    @property
    def each(self) -> float:
        """Milliseconds an event."""
        return 1_000 * self.spent / max(1, self.events)


class Viewers:
    """Open streams, read by a thread; events and bytes are counted on the first."""

    def __init__(self, port: int, head: str, count: int) -> None:
        self.events = self.size = 0
        self._stop = threading.Event()
        self._selector = selectors.DefaultSelector()
        for number in range(count):
            line = socket.create_connection(("127.0.0.1", port))
            line.sendall(head.encode())
            self._selector.register(line, selectors.EVENT_READ, number)
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        while not self._stop.is_set():
            for key, _ in self._selector.select(0.2):
                raw = key.fileobj.recv(1 << 18)  # type: ignore[union-attr]
                if not raw:
                    raise SystemExit("a viewer was let go")
                if key.data == 0:
                    self.events += raw.count(b"data: ")
                    self.size += len(raw)

    def close(self) -> None:
        """Ends them all."""
        self._stop.set()
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]
        self._selector.close()


def measure(folder: Path, told: Callable[[str], None]) -> list[Row]:
    """One row."""
    shutil.rmtree(folder, ignore_errors=True)
    with centre.running(folder, 5) as hub, _fleet(hub):
        pid = json.loads((folder / "ready.json").read_text())["pid"]
        port, head = _signed_in(hub)
        idle, one, many, bare_one, bare_many = [], [], [], [], []
        for _ in range(ROUNDS):
            idle.append(_window(pid, port, head, 0))
            one.append(_window(pid, port, head, 1))
            many.append(_window(pid, port, head, MANY))
            size = one[-1].size // max(1, one[-1].events)
            with _bare(size) as (bare_pid, bare_port):
                bare_one.append(_window(bare_pid, bare_port, PLAIN, 1))
                bare_many.append(_window(bare_pid, bare_port, PLAIN, MANY))
            told(f"1 viewer {one[-1].each:.1f} ms, {MANY} {many[-1].each:.1f} ms, bare {bare_many[-1].each:.1f} ms")
    resting = statistics.median(each.spent for each in idle)
    sending = _median(bare_many) - _median(bare_one)
    alone, together = _median(one, resting), _median(many, resting) - sending
    told(f"nobody looking on: {resting / SECONDS:.1%} of a core; {STATIONS} stations, a message of each a second")
    return [
        Row(
            name=f"an event of the wall with {MANY} viewers beside one, beyond the bytes sent",
            unit="ms of processor time",
            ours=round(together, 2),
            against=round(alone, 2),
            ratio=round(together / alone, 3),
            bar=1.5,
            sense="at_most",
            n=sum(each.events for each in many),
            holds=together / alone <= 1.5,
        )
    ]


def _median(seen: list[Seen], resting: float = 0.0) -> float:
    return statistics.median(Seen(each.spent - resting, each.events, each.size).each for each in seen)


def _window(pid: int, port: int, head: str, count: int) -> Seen:
    viewers = Viewers(port, head, count)
    process = psutil.Process(pid)
    try:
        time.sleep(3)  # everybody is there, and the first whole look is drawn
        before, events, size = _spent(process), viewers.events, viewers.size
        time.sleep(SECONDS)
        return Seen(_spent(process) - before, viewers.events - events, viewers.size - size)
    finally:
        viewers.close()
        time.sleep(1.5)  # whoever looked on is forgotten with the next tick


def _spent(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


@contextlib.contextmanager
def _fleet(hub: centre.Centre) -> Iterator[None]:
    (hub.folder / "pattern.toml").write_text(PATTERN)
    up = hub.folder / "up.json"
    own = ("--data", hub.folder / "hub", "--hub", hub.folder / "ready.json", "--ready", up)
    words = (HUB, "simulate", "--stations", str(STATIONS), "--crowd", hub.folder / "pattern.toml", *own)
    with (hub.folder / "fleet.log").open("wb") as log, subprocess.Popen(words, stderr=log, stdout=log) as process:
        try:
            while not up.exists():
                if process.poll() is not None:
                    raise SystemExit(f"the fleet did not start: {(hub.folder / 'fleet.log').read_text()}")
                time.sleep(0.1)
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def _signed_in(hub: centre.Centre) -> tuple[int, str]:
    """The hub's port, and a request for its stream by somebody who may look."""
    command = [HUB, "account", "add", ACCOUNT, "--role", "technician", "--own", "--data", hub.folder / "hub"]
    subprocess.run(command, input=PASSWORD + "\n", text=True, check=True, capture_output=True, env=dict(os.environ))
    with requests.Session() as visitor:
        visitor.trust_env = False
        visitor.get(f"{hub.http}/officers/sign-in", timeout=30)
        fields = {"_csrf_token": visitor.cookies["tq_csrf"], "account": ACCOUNT, "password": PASSWORD}
        visitor.post(f"{hub.http}/officers/sign-in", data=fields, timeout=30)
        cookies = "; ".join(f"{each.name}={each.value}" for each in visitor.cookies)
    host, _, port = hub.http.removeprefix("http://").partition(":")
    return int(port), f"GET {LIVE} HTTP/1.1\r\nhost: {host}:{port}\r\ncookie: {cookies}\r\naccept-language: vi\r\n\r\n"


@contextlib.contextmanager
def _bare(size: int) -> Iterator[tuple[int, int]]:
    """A web server that sends so many bytes a second to everybody, and does nothing else."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with subprocess.Popen([sys.executable, "-c", BARE, str(size), str(port)], stderr=subprocess.DEVNULL) as process:
        try:
            for _ in range(500):
                with contextlib.suppress(OSError):
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                time.sleep(0.02)
            yield process.pid, port
        finally:
            process.kill()
