"""Snapshots over HTTP: what follows the version a station holds, and the pieces of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from litestar import MediaType, Request, Response, get
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler

from core import wire
from hub.centre import Centre
from hub.doors.handing import Handing, NotHandedOut
from hub.snapshots.shelf import Shelf
from hub.stations.fleet import Gate

BYTES = "application/octet-stream"


def handlers(centre: Centre, shelf: Shelf | None) -> list[HTTPRouteHandler]:
    """The two doors; without a shelf nobody gets anything."""
    handing = Handing(centre, shelf)

    @get("/snapshot")
    async def offered(
        request: Request[None, Gate, State], have: int = 0, key: str = "", need_key: bool = False
    ) -> Response[bytes]:
        """Ask what follows the snapshot that the station holds (→ ``snapshot.Offer``)."""
        with _told():
            offer = await asyncio.to_thread(handing.offer, request.auth.name, have, key, need_key=need_key)
        return Response(wire.encode(offer), media_type=MediaType.JSON)

    @get("/snapshot/piece")
    async def piece(request: Request[None, Gate, State], name: str, number: int) -> Response[bytes]:
        """Fetch one piece of a snapshot."""
        with _told():
            raw = await asyncio.to_thread(handing.piece, request.auth.name, name, number)
        if raw is None:
            raise HTTPException("there is no such piece any more", status_code=HTTPStatus.NOT_FOUND)
        return Response(raw, media_type=BYTES)

    return [offered, piece]


@contextmanager
def _told() -> Iterator[None]:
    """Who gets none is told so."""
    try:
        yield
    except NotHandedOut as error:
        raise HTTPException("no snapshots are handed out here", status_code=HTTPStatus.NOT_FOUND) from error
