"""Stations: who they are, where their gate stands, what they say of themselves."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
import sqlalchemy as sa

from core.model import Direction, GateKind
from core.shown import RunningSettings
from core.wire import State
from hub.errors import DataError
from hub.stations.alarms import raise_alarm
from hub.storage.alarm_tables import running_settings
from hub.storage.store import insert
from hub.storage.tables import journals, places, sessions, states, stations

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
RESERVED = frozenset({"hub"})  # the hub's own name at the broker
BROKER_ROUNDS = 101  # mosquitto's own default; a token has 192 random bits, so that stretching it gains nothing
SESSION_MEMORY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Gate:
    """One station as the hub knows it."""

    name: str
    kind: GateKind
    place: str
    place_name: str
    edition: str
    district: str
    direction: str = ""

    @property
    def scopes(self) -> tuple[str, ...]:
        """The policy scopes that speak to it, narrowest first."""
        district = (f"district/{self.edition}/{self.district}",) if self.district else ()
        return (f"station/{self.name}", *district, f"kind/{self.kind.value}", "all")


def add_station(connection: sa.Connection, name: str, place: str, kind: GateKind | None, now: datetime) -> str:
    """Registers a station at a place and gives its token, which is kept nowhere in clear.

    A name that exists gets a new token and the old one is dead.  ``kind`` None: the place's own kind.
    """
    if not _NAME.fullmatch(name) or name in RESERVED:
        raise DataError([f"station name {name!r}: lower-case letters, digits and hyphens, and not 'hub'"])
    of_place = connection.scalar(sa.select(places.c.kind).where(places.c.code == place))
    if of_place is None:
        raise DataError([f"place {place!r} is not registered; import it first"])
    token = secrets.token_urlsafe(24)
    values = {
        "place": place,
        "kind": kind.value if kind else of_place,
        "token": token_digest(token),
        "broker_hash": broker_hash(token),
        "changed": now,
    }
    values |= {"home": None, "direction": ""}
    statement = insert(connection, stations).values(name=name, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))
    return token


def move(connection: sa.Connection, name: str, place: str, direction: Direction | None, now: datetime) -> None:
    """Notes where a station stands, and which way it lets people through, since it has carried out an order.

    Neither: it is as its own configuration says again, which is where it was registered.
    """
    home = sa.func.coalesce(stations.c.home, stations.c.place)
    values: dict[str, object] = {"changed": now}
    if place:
        values |= {"place": place, "home": home}
    if direction is not None:
        values["direction"] = direction.value
    if not place and direction is None:
        values |= {"place": home, "home": None, "direction": ""}
    connection.execute(sa.update(stations).where(stations.c.name == name).values(values))


def keep_settings(connection: sa.Connection, settings: RunningSettings, now: datetime) -> None:
    """Keeps the settings that a station says it runs with."""
    values = {"heard": now, "message": msgspec.json.encode(settings)}
    statement = insert(connection, running_settings).values(station=settings.station, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["station"], set_=values))


def settings_of(connection: sa.Connection, name: str) -> tuple[RunningSettings, datetime] | None:
    """The settings that a station said it runs with, and when; None when it never did."""
    row = connection.execute(sa.select(running_settings).where(running_settings.c.station == name)).first()
    try:
        return None if row is None else (msgspec.json.decode(row.message, type=RunningSettings), row.heard)
    except msgspec.MsgspecError:
        return None  # of another version of this program


def token_digest(token: str) -> bytes:
    """What the registry keeps of a token: BLAKE2b, which costs a look-up less than OpenSSL's hashes do."""
    return hashlib.blake2b(token.encode(), digest_size=32).digest()


def broker_hash(password: str) -> str:
    """A password as mosquitto's password file holds it: ``$7$``, rounds, salt, PBKDF2-SHA512."""
    salt = secrets.token_bytes(12)
    derived = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, BROKER_ROUNDS)
    return f"$7${BROKER_ROUNDS}${base64.b64encode(salt).decode()}${base64.b64encode(derived).decode()}"


def stamp(connection: sa.Connection) -> tuple[int, datetime | None]:
    """Changes whenever a station is added, changed or removed."""
    row = connection.execute(sa.select(sa.func.count(), sa.func.max(stations.c.changed)).select_from(stations)).one()
    return row[0], row[1]


def broker_hashes(connection: sa.Connection) -> dict[str, str]:
    """Every station's password hash for the broker, by name."""
    return {row.name: row.broker_hash for row in connection.execute(sa.select(stations.c.name, stations.c.broker_hash))}


def at_places(connection: sa.Connection) -> dict[str, str]:
    """Every station's place, by the station's name."""
    return {row.name: row.place for row in connection.execute(sa.select(stations.c.name, stations.c.place))}


def names_at(connection: sa.Connection, place: str) -> list[str]:
    """The stations of one place, by name."""
    here = sa.select(stations.c.name).where(stations.c.place == place).order_by(stations.c.name)
    return list(connection.scalars(here))


class Tokens:
    """The stations' tokens in memory; ``reload`` when the table has changed."""

    def __init__(self) -> None:
        self._gates: dict[bytes, Gate] = {}
        self._by_name: dict[str, Gate] = {}

    def reload(self, connection: sa.Connection) -> None:
        """Reads all stations."""
        gates = dict(_gates(connection))
        self._by_name = {gate.name: gate for gate in gates.values()}
        self._gates = gates

    def gate(self, authorization: str) -> Gate | None:
        """The station that a ``Bearer`` header proves to be, or None.

        What is looked up is the token's hash, so that the time it takes says nothing about any token.
        """
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            return None
        digest = token_digest(token)
        gate = self._gates.get(digest)
        known = digest if gate is not None else bytes(len(digest))
        return gate if hmac.compare_digest(known, digest) else None

    def named(self, name: str) -> Gate | None:
        """A station by its name."""
        return self._by_name.get(name)

    @property
    def all(self) -> tuple[Gate, ...]:
        """Every station."""
        return tuple(self._by_name.values())


def _gates(connection: sa.Connection) -> list[tuple[bytes, Gate]]:
    place = (places.c.name.label("place_name"), places.c.edition, places.c.district)
    columns = (stations.c.token, stations.c.name, stations.c.kind, stations.c.place, stations.c.direction, *place)
    joined = sa.select(*columns).join_from(stations, places, places.c.code == stations.c.place)
    return [
        (
            row.token,
            Gate(row.name, GateKind(row.kind), row.place, row.place_name, row.edition, row.district, row.direction),
        )
        for row in connection.execute(joined)
    ]


class Overview(msgspec.Struct, frozen=True):
    """A station at a glance; ``heard`` is by the hub's clock, None when it never spoke over MQTT."""

    name: str
    kind: str
    place: str
    rows: int
    online: bool
    heard: datetime | None
    version: str
    policy_version: int


def overview(connection: sa.Connection) -> list[Overview]:
    """Every station with what it last said and how many rows of it are held."""
    held = (
        sa.select(sa.func.coalesce(sa.func.sum(journals.c.through), 0))
        .where(journals.c.station == stations.c.name)
        .scalar_subquery()
    )
    said = (states.c.online, states.c.heard, states.c.version, states.c.policy_version)
    wanted = sa.select(stations.c.name, stations.c.kind, stations.c.place, held.label("rows"), *said)
    joined = wanted.select_from(stations.outerjoin(states, states.c.station == stations.c.name))
    return [
        Overview(
            row.name,
            row.kind,
            row.place,
            int(row.rows),
            bool(row.online),
            row.heard,
            row.version or "",
            row.policy_version or 0,
        )
        for row in connection.execute(joined.order_by(stations.c.name))
    ]


def hear(connection: sa.Connection, state: State, now: datetime, *, fresh: bool = True) -> None:
    """Takes in what a station says of itself; a session that comes back after another one is two stations.

    Not ``fresh``: the broker remembered it, which says nothing about when the station was last heard.

    A station draws a session when it starts and never returns to an earlier one; two boards with one name throw each
    other off the broker and do.  A last will speaks only for its own session.
    """
    row = connection.execute(sa.select(states.c.session).where(states.c.station == state.station)).first()
    if not state.online and row is not None and row.session != state.session:
        return
    if state.online and (row is None or row.session != state.session):
        _change_session(connection, state, now)
    values: dict[str, object] = {
        "online": state.online,
        "session": state.session,
        "since": state.since,
        "version": state.version,
        "policy_version": state.policy_version,
    }
    if fresh:
        values["heard"] = now
    statement = insert(connection, states).values({"station": state.station, "heard": now, **values})
    connection.execute(statement.on_conflict_do_update(index_elements=["station"], set_=values))


def _change_session(connection: sa.Connection, state: State, now: datetime) -> None:
    own = sa.and_(sessions.c.station == state.station, sessions.c.session == state.session)
    former = connection.execute(sa.select(sessions.c.superseded).where(own)).first()
    if former is not None and former.superseded is not None and now - former.superseded < SESSION_MEMORY:
        detail = "a session came back after another one of the same name: two boards share this station's token"
        raise_alarm(connection, "two-stations", state.station, "sessions", detail, now)
    others = sa.and_(sessions.c.station == state.station, sessions.c.superseded.is_(None))
    connection.execute(sa.update(sessions).where(others).values(superseded=now))
    statement = insert(connection, sessions).values(station=state.station, session=state.session, first_heard=now)
    connection.execute(
        statement.on_conflict_do_update(index_elements=["station", "session"], set_={"superseded": None})
    )
    old = sa.and_(sessions.c.station == state.station, sessions.c.superseded < now - SESSION_MEMORY)
    connection.execute(sa.delete(sessions).where(old))
