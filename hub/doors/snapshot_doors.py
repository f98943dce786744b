"""Snapshots over HTTP: what follows the version a station holds, and the pieces of it."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any

import sqlalchemy as sa
from litestar import MediaType, Request, Response, get
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler

from core import keys, snapshot, wire
from core.snapshot import Offer
from hub.centre import Centre
from hub.snapshots import secrets
from hub.snapshots.shelf import Shelf, name_of
from hub.stations.fleet import Gate
from hub.storage.snapshot_tables import snapshot_versions, snapshot_withheld

BYTES = "application/octet-stream"


def handlers(centre: Centre, shelf: Shelf | None) -> list[HTTPRouteHandler]:
    """The two doors; without a shelf nobody gets anything."""

    @get("/snapshot")
    async def offered(
        request: Request[None, Gate, State], have: int = 0, key: str = "", need_key: bool = False
    ) -> Response[bytes]:
        """Ask what follows the snapshot that the station holds (→ ``snapshot.Offer``)."""
        offer = await asyncio.to_thread(_offer, centre, _open_to(centre, shelf, request.auth), have, key, need_key)
        return Response(wire.encode(offer), media_type=MediaType.JSON)

    @get("/snapshot/piece")
    async def piece(request: Request[None, Gate, State], name: str, number: int) -> Response[bytes]:
        """Fetch one piece of a snapshot."""
        raw = await asyncio.to_thread(_open_to(centre, shelf, request.auth).piece, name, number)
        if raw is None:
            raise HTTPException("there is no such piece any more", status_code=HTTPStatus.NOT_FOUND)
        return Response(raw, media_type=BYTES)

    return [offered, piece]


def _open_to(centre: Centre, shelf: Shelf | None, gate: Gate) -> Shelf:
    with centre.store.reading() as connection:
        withheld = connection.execute(sa.select(snapshot_withheld).where(snapshot_withheld.c.station == gate.name))
        if shelf is None or withheld.first() is not None:
            raise HTTPException("no snapshots are handed out here", status_code=HTTPStatus.NOT_FOUND)
    return shelf


def _offer(centre: Centre, shelf: Shelf, have: int, key: str, need_key: bool) -> Offer:
    following = shelf.after(key, have)
    wanted = following.key if following is not None else key
    is_new = following is not None and following.base == 0
    told = _key_named(centre, wanted) if need_key or is_new else ""
    if following is None:
        return Offer(key=told)
    return Offer(shelf.document(following), name_of(following), told)


def _key_named(centre: Centre, name: str) -> str:
    """A generation's key by its short name, or nothing: only the newest is handed out."""
    newest: Any = snapshot_versions.c.built.desc()
    with centre.store.reading() as connection:
        generation = connection.scalar(sa.select(snapshot_versions.c.generation).order_by(newest).limit(1))
    if generation is None:
        return ""
    group_key = secrets.group_key(centre.ring, generation)
    return keys.encode_key(group_key) if snapshot.key_name(group_key) == name else ""
