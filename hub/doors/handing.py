"""Snapshots handed out: what follows the version a station holds, and its pieces; the same for HTTP and MQTT."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from core import keys, snapshot
from core.snapshot import Offer
from hub.centre import Centre
from hub.snapshots import secrets
from hub.snapshots.shelf import Shelf, name_of
from hub.storage.snapshot_tables import snapshot_versions, snapshot_withheld


class NotHandedOut(Exception):
    """No snapshots are kept here, or none for this station."""


class Handing:
    """Who gets what; without a shelf nobody gets anything."""

    def __init__(self, centre: Centre, shelf: Shelf | None) -> None:
        self._centre, self._shelf = centre, shelf

    def offer(self, station: str, have: int, key: str, *, need_key: bool) -> Offer:
        """What a station goes on with that holds version ``have`` under the key of this name; ``NotHandedOut``."""
        shelf = self._open_to(station)
        following = shelf.after(key, have)
        wanted = following.key if following is not None else key
        is_new = following is not None and following.base == 0
        told = self._key_named(wanted) if need_key or is_new else ""
        if following is None:
            return Offer(key=told)
        return Offer(shelf.document(following), name_of(following), told)

    def piece(self, station: str, name: str, number: int, offset: int = 0, most: int | None = None) -> bytes | None:
        """A piece, or some of it, as ``Shelf.piece`` gives it; ``NotHandedOut``."""
        return self._open_to(station).piece(name, number, offset, most)

    def _open_to(self, station: str) -> Shelf:
        with self._centre.store.reading() as connection:
            withheld = connection.execute(sa.select(snapshot_withheld).where(snapshot_withheld.c.station == station))
            if self._shelf is None or withheld.first() is not None:
                raise NotHandedOut
        return self._shelf

    def _key_named(self, name: str) -> str:
        """A generation's key by its short name, or nothing: only the newest is handed out."""
        newest: Any = snapshot_versions.c.built.desc()
        with self._centre.store.reading() as connection:
            generation = connection.scalar(sa.select(snapshot_versions.c.generation).order_by(newest).limit(1))
        if generation is None:
            return ""
        group_key = secrets.group_key(self._centre.ring, generation)
        return keys.encode_key(group_key) if snapshot.key_name(group_key) == name else ""
