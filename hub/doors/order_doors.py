"""Orders over HTTP, for stations without a broker: what waits for the one that asks, and what became of one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from http import HTTPStatus

from litestar import MediaType, Request, Response, get, post
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler
from litestar.params import RawBody

from core import wire
from core.health import Taken
from core.orders import Result, Waiting
from hub.centre import Centre
from hub.journals import messages
from hub.journals.messages import BadMessage
from hub.journals.writer import NotKept
from hub.journals.writer import Result as Written
from hub.stations import orders
from hub.stations.fleet import Gate
from hub.stations.orders import Sent

Deliver = Callable[[Result | Sent], Awaitable[Written]]


def handlers(centre: Centre, deliver: Deliver) -> list[HTTPRouteHandler]:
    """The two doors; ``deliver`` brings something to the writer and waits until it is on disk."""

    @get("/orders")
    async def waiting(request: Request[None, Gate, State]) -> Response[bytes]:
        """Ask for the orders that stand for this station (→ ``orders.Waiting``)."""
        station = request.auth.name
        due = await asyncio.to_thread(_due, centre, station)
        if due:
            await deliver(Sent(station, tuple(each.id for each in due)))
        documents = tuple(wire.decode(each.document, wire.Signed) for each in due)
        return _json(Waiting(documents, datetime.now(UTC)))

    @post("/orders/{order:str}/result", status_code=HTTPStatus.OK)
    async def result(request: Request[None, Gate, State], order: str, body: RawBody) -> Response[bytes]:
        """Say what became of an order (``orders.Result`` → ``health.Taken``)."""
        said = messages.done(body, request.auth.name)
        if said.order != order:
            raise BadMessage("order: not the one in the address")
        kept = await deliver(said)
        if isinstance(kept, NotKept):
            if kept.poisoned:
                raise HTTPException("no such order was given to this station", status_code=HTTPStatus.NOT_FOUND)
            raise HTTPException("nothing can be written now", status_code=HTTPStatus.SERVICE_UNAVAILABLE)
        return _json(Taken(datetime.now(UTC)))

    return [waiting, result]


def _due(centre: Centre, station: str) -> list[orders.Due]:
    with centre.store.reading() as connection:
        return orders.due(connection, datetime.now(UTC), station)


def _json(message: object) -> Response[bytes]:
    return Response(wire.encode(message), media_type=MediaType.JSON, status_code=HTTPStatus.OK)
