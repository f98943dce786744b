"""Look-ups of anybody among a million people, beside a bare Litestar handler with one indexed SELECT.

Ours: a hub's process as it is served, with the token checked, the three groups joined and the log of look-ups on
(stations' own look-ups are recorded by their check-ins, people's by the log).  Bare: ``bench.bare_lookup``.  wrk, a
compiled client, asks them in turn, a slice each; a third handler that does nothing shows that the client could drive
more, and its own share of a core is taken down.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import requests

from bench import hubs
from bench.centre import number
from bench.hubs import Furnished
from bench.rows import Row
from core import wire
from core.model import GateKind, Scheme

PEOPLE = 1_000_000
ROUNDS, SECONDS, LINES = 12, 4, 8
THROUGHPUT, SLOWEST = 0.7, 1.5
CLIENT_AT_MOST = 0.5  # of one core: above that the client might be what is measured
SCRIPT = Path(__file__).with_name("ask.lua")


class Slice(msgspec.Struct, frozen=True):
    """What wrk saw of one address for a few seconds; ``client`` is its own share of one core."""

    requests: int
    microseconds: int
    p50: int
    p99: int
    failed: int
    client: float = 0.0

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.requests / self.microseconds * 1e6


def measure(
    folder: Path, told: Callable[[str], None], people: int = PEOPLE, rounds: int = ROUNDS, seconds: int = SECONDS
) -> list[Row]:
    """Two rows for each database."""
    if shutil.which("wrk") is None:
        told("NOT MEASURED: no wrk; provisioning/setup.sh dev installs it")
        return []
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    rows = []
    with hubs.databases(told) as kinds:
        for kind, make in kinds.items():
            told(f"{people:,} people on {kind}")
            hub = hubs.furnish(folder / kind, make("lookups"), ("gate-0",), people, told)
            sides = _alternate(hub, people, rounds, seconds)
            told("  " + "; ".join(f"{side} {_told(slices)}" for side, slices in sides.items()))
            rows += _rows(kind, sides, people)
            shutil.rmtree(folder / kind)
    return rows


def _alternate(hub: Furnished, people: int, rounds: int, seconds: int) -> dict[str, list[Slice]]:
    token = hub.tokens["gate-0"]
    sides: dict[str, list[Slice]] = {"ours": [], "bare": [], "nothing": []}
    with hubs.serving(hub) as (http, _), _bare(hub, _size(http, token)) as bare:
        addresses = {"ours": f"{http}/v1/lookup", "bare": f"{bare}/v1/lookup", "nothing": f"{bare}/nothing"}
        for address in addresses.values():
            _ask(address, token, people, 1)
        for _ in range(rounds):
            for side, address in addresses.items():
                sides[side].append(_ask(address, token, people, seconds))
    return sides


def _size(http: str, token: str) -> int:
    """How many bytes the hub's answer has."""
    ask = wire.Ask(wire.Who(Scheme.CITIZEN, number(1)), GateKind.VENUE, datetime.now(UTC))
    headers = {"Authorization": f"Bearer {token}"}
    answer = requests.post(f"http://{http}/v1/lookup", data=wire.encode(ask), headers=headers, timeout=60)
    answer.raise_for_status()
    assert msgspec.json.decode(answer.content, type=wire.Answer).standing is not None
    return len(answer.content)


def _ask(address: str, token: str, people: int, seconds: int) -> Slice:
    now = datetime.now(UTC).isoformat()
    told = {"PEOPLE": str(people - 1), "TOKEN": token, "AT": now}
    spans = (f"-d{seconds}s", "--timeout", "60s")  # a slow answer shows in the slowest, and is none that failed
    command = ["wrk", "-t1", f"-c{LINES}", *spans, "-s", str(SCRIPT), f"http://{address}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, **told}) as process:
        assert process.stdout is not None
        said = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seen = msgspec.json.decode(said.splitlines()[-1], type=Slice)
    if process.returncode or seen.failed:
        raise SystemExit(f"{address}: {seen.failed} of {seen.requests} requests failed")
    return msgspec.structs.replace(seen, client=(used.ru_utime + used.ru_stime) / seen.microseconds * 1e6)


@contextmanager
def _bare(hub: Furnished, size: int) -> Iterator[str]:
    where = hub.settings.database or str(hub.file)
    command = [sys.executable, "-m", "bench.bare_lookup", where, str(hub.settings.folder / "keys"), str(size)]
    with hubs.running(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield f"127.0.0.1:{int(process.stdout.readline())}"


def _told(slices: list[Slice]) -> str:
    rate, slowest, client = _median(slices, "rate"), _median(slices, "p99") / 1000, _median(slices, "client")
    return f"{rate:,.0f}/s, p99 {slowest:.1f} ms, client {client:.0%} of a core"


def _median(slices: list[Slice], name: str) -> float:
    return statistics.median(getattr(each, name) for each in slices)


def _rows(kind: str, sides: dict[str, list[Slice]], people: int) -> list[Row]:
    ours, bare = sides["ours"], sides["bare"]
    idle = max(each.client for each in ours + bare) < CLIENT_AT_MOST
    faster = _median(sides["nothing"], "rate") > _median(bare, "rate")
    rate = statistics.median(own.rate / peer.rate for own, peer in zip(ours, bare, strict=True))
    slowest = statistics.median(own.p99 / peer.p99 for own, peer in zip(ours, bare, strict=True))
    answers = sum(each.requests for each in ours)
    return [
        Row(
            name=f"look-ups among {people:,} people on {kind}",
            unit="answers/s",
            ours=round(_median(ours, "rate")),
            against=round(_median(bare, "rate")),
            ratio=round(rate, 3),
            bar=THROUGHPUT,
            sense="at_least",
            n=answers,
            holds=rate >= THROUGHPUT and idle and faster,
        ),
        Row(
            name=f"look-ups among {people:,} people on {kind}, 99th percentile",
            unit="ms",
            ours=round(_median(ours, "p99") / 1000, 2),
            against=round(_median(bare, "p99") / 1000, 2),
            ratio=round(slowest, 3),
            bar=SLOWEST,
            sense="at_most",
            n=answers,
            holds=slowest <= SLOWEST and idle and faster,
        ),
    ]
