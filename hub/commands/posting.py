"""``hub place``: what is registered, and the code to post at a place."""

from __future__ import annotations

import argparse
import os

import msgspec
import segno

from hub.commands.answering import note, who
from hub.commands.opening import opened
from hub.errors import ConfigError, DataError
from hub.register import areas, places, registry
from hub.register.people import PlaceRecord

SIDE_MM = 50.0
"""The width that people know from paper codes, quiet zone included."""

QUIET = 4


def list_places(given: argparse.Namespace) -> int:
    """``hub place list``."""
    with opened(given) as (store, _), store.reading() as connection:
        known = places.listed(connection)
    if given.json:
        print(msgspec.json.encode(known).decode())
    for each in [] if given.json else known:
        print(f"{each.code}  {each.kind.value}  {each.name}  {each.posted or 'this id cannot be posted'}")
    return os.EX_OK


def put(given: argparse.Namespace) -> int:
    """``hub place put``."""
    edition, _, code = given.area.partition("/")
    area = areas.area(edition, code, given.hamlet)
    if area is None:
        raise DataError([f"--area {given.area}: EDITION/CODE of a commune, district or province, such as 34/19804"])
    places.posted(given.place)
    texts = {"address": given.address, "hours": given.hours, "contact": given.contact}
    try:
        own = {**texts, "capacity": given.capacity, "kind": given.kind, "area": area}
        record = PlaceRecord(given.place, given.name, **own)
    except ValueError as error:
        raise DataError([str(error)]) from error
    with opened(given) as (store, _), store.writing() as connection:
        old = places.find(connection, given.place)
        if old is not None:
            record = msgspec.structs.replace(record, latitude=old.latitude, longitude=old.longitude)
        is_new = registry.put_place(connection, record)
        detail = {"place": record.code, "what": "added" if is_new else "changed"}
        note(connection, who(connection, given), "site", detail=detail)
    told = {"place": record.code, "new": is_new, "text": places.posted(record.code)}
    print(msgspec.json.encode(told).decode() if given.json else f"{record.code}: {detail['what']}")
    return os.EX_OK


def print_code(given: argparse.Namespace) -> int:
    """``hub place code``."""
    with opened(given) as (store, _), store.reading() as connection:
        place = places.find(connection, given.place)
    if place is None:
        raise DataError([f"place {given.place!r} is not registered; import it first"])
    text = places.posted(place.code)
    if given.svg:
        code = segno.make(text, micro=False, error="q")
        scale = SIDE_MM / code.symbol_size(border=QUIET)[0]
        try:
            code.save(str(given.svg), kind="svg", unit="mm", scale=scale, border=QUIET, light="white", title=place.name)
        except OSError as error:
            raise ConfigError(f"{given.svg}: {error.strerror or error}") from error
    told = {"place": place.code, "name": place.name, "text": text}
    print(msgspec.json.encode(told).decode() if given.json else text)
    return os.EX_OK
