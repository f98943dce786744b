"""Places as people meet them: what they are, where they stand, and the code that is posted there."""

from __future__ import annotations

import math

import msgspec
import sqlalchemy as sa

from core.codes import place as place_code
from core.model import Area, GateKind
from hub.errors import DataError
from hub.register import areas, hours, naming
from hub.storage.tables import places

EARTH_KM = 6371.0


class Place(msgspec.Struct, frozen=True):
    """A registered venue, checkpoint or health post; ``posted`` is the text of the code to print for it."""

    code: str
    name: str
    kind: GateKind
    area: Area
    address: str
    hours: str
    capacity: int | None
    contact: str
    posted: str
    latitude: float | None = None
    longitude: float | None = None


class NoPlace(Exception):
    """A code that is no registered place's, or was mistyped."""


def listed(connection: sa.Connection) -> list[Place]:
    """Every place, by name."""
    every = [_place(row) for row in connection.execute(sa.select(places))]
    return sorted(every, key=lambda place: (naming.in_order(place.name), place.code))


def named(connection: sa.Connection) -> list[tuple[str, str]]:
    """Every place's code and name, by name."""
    every = [(row.code, row.name) for row in connection.execute(sa.select(places.c.code, places.c.name))]
    return sorted(every, key=lambda place: (naming.in_order(place[1]), place[0]))


def find(connection: sa.Connection, code: str) -> Place | None:
    """A place by its id."""
    row = connection.execute(sa.select(places).where(places.c.code == code)).first()
    return None if row is None else _place(row)


def edition(connection: sa.Connection) -> str:
    """Which map's codes most places are registered with: the 34 provinces' where there are none."""
    times = sa.func.count()
    counted = sa.select(places.c.edition).group_by(places.c.edition).order_by(times.desc(), places.c.edition).limit(1)
    return connection.scalar(counted) or areas.EDITIONS[0]


def posted(place: str) -> str:
    """The text to print for a place id; ``DataError`` when such an id cannot be printed."""
    try:
        return place_code.issue(place)
    except ValueError as error:
        raise DataError([f"place {place!r}: {error}; register it under such an id to post a code for it"]) from error


def of_posted(connection: sa.Connection, text: str) -> Place:
    """The place whose posted code somebody scanned or typed; ``NoPlace`` when there is none."""
    found = place_code.place_of(text)
    place = find(connection, found) if found else None
    if place is None:
        raise NoPlace("no place has this code")
    return place


def position(place: Place) -> areas.Point | None:
    """Where a place stands: its own coordinates, else about the middle of its commune or district."""
    if place.latitude is not None and place.longitude is not None:
        return place.latitude, place.longitude
    return areas.middle(place.area)


def kilometres(one: areas.Point, other: areas.Point) -> float:
    """The distance between two points as the crow flies."""
    north, east = (math.radians(b - a) for a, b in zip(one, other, strict=True))
    chord = math.sin(north / 2) ** 2 + math.cos(math.radians(one[0])) * math.cos(math.radians(other[0])) * (
        math.sin(east / 2) ** 2
    )
    return 2 * EARTH_KM * math.asin(math.sqrt(min(1.0, chord)))


def has_clear_hours(place: Place) -> bool:
    """Whether its hours say when it closes, or that it never does; older ones may say neither."""
    return hours.spell(place.hours) is not None


def _place(row: sa.Row[tuple[object, ...]]) -> Place:
    area = Area(row.edition, row.province, row.district, row.commune, row.hamlet)
    try:
        text = place_code.issue(row.code)
    except ValueError:  # an id from before posted codes, with capitals or dots
        text = ""
    return Place(
        code=row.code,
        name=row.name,
        kind=GateKind(row.kind),
        area=area,
        address=row.address,
        hours=row.hours,
        capacity=row.capacity,
        contact=row.contact,
        posted=text,
        latitude=row.latitude,
        longitude=row.longitude,
    )
