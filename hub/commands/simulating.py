"""``hub simulate``: a fleet of invented stations on real lines, for trying a hub, a broker and a wall."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from core import keys
from hub.commands.answering import OPERATOR, note
from hub.commands.opening import opened, settings_of
from hub.errors import ConfigError, DataError, MissingFile, Unavailable
from hub.register.people import PersonRecord
from hub.simulation import founding, pattern, plan, visitors, world
from hub.simulation.founding import Founded
from hub.simulation.line import Broker
from hub.simulation.pattern import Pattern
from hub.simulation.plan import Plan
from hub.simulation.running import Fleet, Summary
from hub.simulation.visitors import Visitors
from hub.simulation.world import Agenda, Policies, Tally, World


class Standing(msgspec.Struct, frozen=True):
    """One fault of a run, as ``--ready`` lists it; seconds after the start, ``lasts`` None: to the end."""

    station: str
    kind: str
    after: float
    lasts: float | None


class Up(msgspec.Struct, frozen=True):
    """What ``--ready`` writes when every station is connected."""

    stations: tuple[str, ...]
    faults: tuple[Standing, ...]


def simulate(given: argparse.Namespace) -> int:
    """``hub simulate``."""
    wanted = pattern.load(given.crowd or pattern.EXAMPLE)
    drawn = plan.draw(wanted, given.stations, given.seed, given.prefix, strict=given.crowd is not None)
    if given.plan:
        print(msgspec.json.encode(drawn).decode())
        return os.EX_OK
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    broker, now = _broker(given), datetime.now(UTC)
    people = visitors.invent(wanted.people.count, given.seed, now)
    founded = _founded(given, drawn, people, now)
    common = _world(given, wanted, founded, Visitors(people))
    fleet = Fleet(common, drawn, founded, broker)
    until = common.time.mono + given.span.total_seconds() if given.span else float("inf")
    fleet.run(lambda mono: stop.is_set() or mono >= until, lambda: _tell_up(given, drawn), _told)
    summary = fleet.summary(time.monotonic())
    if not summary.connects and not stop.is_set():
        why = next(fleet.problems(), "no answer")
        raise Unavailable(f"no station reached the broker at {broker.host}:{broker.port}: {why}")
    print(msgspec.json.encode(summary).decode() if given.json else _spoken(summary))
    return os.EX_OK


def _world(given: argparse.Namespace, wanted: Pattern, founded: Founded, people: Visitors) -> World:
    policy_key, sealing_key = keys.decode_key(founded.policy_key), keys.decode_key(founded.sealing_key)
    return World(
        pattern=wanted,
        time=world.begin(wanted.day.begins, time.monotonic(), datetime.now(UTC), given.speed),
        agenda=Agenda(),
        sealer=keys.Sealer(sealing_key),
        sealing_key=sealing_key,
        policy_key=policy_key,
        policies=Policies(policy_key),
        visitors=people,
        tally=Tally(),
        seed=given.seed,
        said=_told,
    )


def _founded(given: argparse.Namespace, drawn: Plan, people: tuple[PersonRecord, ...], now: datetime) -> Founded:
    """The tokens of an earlier run where there are some, else the whole fleet registered with the hub's data."""
    if given.tokens and given.tokens.exists():
        return founding.kept(given.tokens, drawn)
    with opened(given) as (store, ring):
        with store.writing() as connection:
            note(connection, OPERATOR, "station", detail={"what": "simulated", "stations": len(drawn.posts)})
        founded = founding.found(store, ring, drawn, people, now, _told)
    if given.tokens:
        founding.keep(given.tokens, founded)
    return founded


def _broker(given: argparse.Namespace) -> Broker:
    """From ``--mqtt``, else the file that ``hub serve --ready`` wrote, else the settings."""
    text = given.mqtt or (_of_hub(given.hub) if given.hub else "")
    if text:
        host, _, port = text.rpartition(":")
        if not host or not port.isdecimal() or int(port) > 65_535:
            raise ConfigError(f"--mqtt {text}: write HOST:PORT, such as 127.0.0.1:1883")
        return Broker(host.strip("[]"), int(port))
    mqtt = settings_of(given).mqtt
    if not mqtt.host:
        cure = "give --mqtt HOST:PORT, or --hub FILE as `hub serve --ready FILE` wrote it"
        raise ConfigError(f"no broker is named: {cure}")
    return Broker(mqtt.host, mqtt.port)


def _of_hub(path: Path) -> str:
    try:
        said: Mapping[str, object] = msgspec.json.decode(path.read_bytes(), type=dict)
    except OSError as error:
        raise MissingFile(f"--hub {path}: {error.strerror or error}") from error
    except msgspec.MsgspecError as error:
        raise DataError([f"--hub {path}: not what `hub serve --ready` writes: {error}"]) from error
    if not said.get("mqtt"):
        raise ConfigError(f"--hub {path}: that hub has no broker; start it with --broker or --mqtt HOST:PORT")
    return str(said["mqtt"])


def described(drawn: Plan) -> Up:
    """A fleet's names and faults."""
    faults = [
        Standing(post.name, each.kind, each.begins, None if each.ends == float("inf") else each.ends - each.begins)
        for post in drawn.posts
        for each in post.troubles
    ]
    return Up(tuple(post.name for post in drawn.posts), tuple(faults))


def _tell_up(given: argparse.Namespace, drawn: Plan) -> None:
    _told(f"all {len(drawn.posts)} stations are connected")
    if given.ready:
        beside = given.ready.with_name(given.ready.name + ".new")
        beside.write_bytes(msgspec.json.encode(described(drawn)))
        beside.replace(given.ready)


def _told(said: str) -> None:
    print(f"simulate: {said}", file=sys.stderr, flush=True)


def _spoken(summary: Summary) -> str:
    rows = f"{summary.rows} rows written, {summary.held} held by the hub, {summary.waiting} not yet"
    outcomes = ", ".join(f"{count} {name}" for name, count in sorted(summary.outcomes.items())) or "nobody came"
    return (
        f"{summary.stations} stations for {summary.seconds:.0f} s: {summary.people} people ({outcomes})\n{rows}\n"
        f"{summary.asked} look-ups, {summary.answered} answered in time\n"
        f"{summary.health} health messages, {summary.connects} connections, {summary.lost} lost\n"
        f"{summary.memory:.0f} MiB of memory, {summary.processor:.1f} s of processor time"
    )
