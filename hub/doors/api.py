"""The hub over HTTP: look-ups, check-ins and policy under the station's own bearer token, and the pages beside."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Litestar, MediaType, Request, Response, Router, get, post
from litestar.datastructures import State
from litestar.exceptions import HTTPException, NotAuthorizedException
from litestar.handlers import HTTPRouteHandler
from litestar.params import RawBody
from litestar.types import Scope

from core import wire
from core.health import Taken
from hub.centre import Centre
from hub.doors import openapi, order_doors, sheets
from hub.doors import snapshot_doors as snapshots
from hub.journals import intake, messages
from hub.journals.messages import BadMessage
from hub.journals.writer import Delivery, Message, NotKept, Result, Writer
from hub.province.doors import Inquiries
from hub.province.line import NotAnswered
from hub.register.standings import Standings
from hub.stations.fleet import Gate
from hub.storage.weather import AWAY
from hub.web import safety
from hub.web.page import SECURE
from hub.web.parts import routers
from hub.web.site import Site

PROBLEM = "application/problem+json"

LATER = {"Retry-After": "5"}
"""When to come again, in seconds, goes with every 503."""

StationRequest = Request[None, Gate, State]


class _Unavailable(HTTPException):
    status_code = HTTPStatus.SERVICE_UNAVAILABLE


class Doors:
    """The handlers, and what they stand on; look-ups run on the server's own loop, on its own connection.

    A look-up is one indexed statement of a tenth of a millisecond, less than handing it to another thread.
    """

    def __init__(self, centre: Centre, writer: Writer) -> None:
        self.centre = centre
        self._writer = writer
        self._standings: Standings | None = None
        self._inquiries: Inquiries | None = None

    @asynccontextmanager
    async def lifespan(self, app: Litestar) -> AsyncIterator[None]:
        """Opens the look-ups' connection in the server's thread and closes it there."""
        self._standings = self.centre.standings()
        if self.centre.province is not None:
            self._inquiries = Inquiries(self.centre.store, self.centre.province)
        try:
            yield
        finally:
            self._standings.close()
            if self._inquiries is not None:
                self._inquiries.close()

    async def lookups(self, body: bytes) -> Response[bytes]:
        """Many people's standings, on a thread and a connection of their own so that gates need not wait."""
        asks = messages.asks(body)
        if self._inquiries is not None:
            return _json(await self._inquiries.answer_all(asks))
        return _json(await asyncio.to_thread(self._answer_all, asks))

    def _answer_all(self, asks: wire.Asks) -> wire.Answers:
        with self.centre.store.reading() as connection:
            return Standings(connection, self.centre.ring).answer_all(asks, datetime.now(UTC))

    def lookup(self, body: bytes) -> bytes:
        """A person's standing."""
        assert self._standings is not None
        return wire.encode(self._standings.answer(messages.ask(body), datetime.now(UTC)))

    async def inquire(self, body: bytes) -> Response[bytes]:
        """The same where a province system is asked, too."""
        assert self._inquiries is not None
        return _json(await self._inquiries.answer(messages.ask(body)))

    async def checkins(self, gate: Gate, body: bytes) -> Response[bytes]:
        """Rows in; answers how far the journal is held once they are on disk."""
        result = await self.deliver(messages.batch(body, gate.name))
        if isinstance(result, wire.HeldMark):
            return _json(result)
        if isinstance(result, NotKept) and result.poisoned:
            raise BadMessage("the database refuses this batch")
        raise _Unavailable("nothing can be written now; send it again later")

    async def deliver(self, message: Message) -> Result:
        """Brings something to the writer and waits until it is on disk, or is not."""
        loop = asyncio.get_running_loop()
        written: asyncio.Future[Result] = loop.create_future()

        def done(result: Result) -> None:
            loop.call_soon_threadsafe(_settle, written, result)

        if not self._writer.deliver(Delivery(message, done)):
            raise _Unavailable("too much waits to be written; send it again later")
        return await written

    def health(self, gate: Gate, body: bytes) -> Response[bytes]:
        """A station's health in; answers the hub's clock."""
        now = datetime.now(UTC)
        self.centre.hear(body, gate.name, now, via="http")
        return _json(Taken(now))

    async def settings(self, gate: Gate, body: bytes) -> Response[bytes]:
        """The settings a station runs with, in."""
        if isinstance(await self.deliver(messages.settings(body, gate.name)), NotKept):
            raise _Unavailable("nothing can be written now; send it again later")
        return _json(Taken(datetime.now(UTC)))

    def held(self, gate: Gate, epoch: str) -> Response[bytes]:
        """How far a journal is held: the one asked for, else the newest."""
        if epoch and not intake.is_epoch(epoch):
            raise BadMessage("epoch: 16 hex digits")
        with self.centre.store.reading() as connection:
            wanted = epoch or intake.newest_epoch(connection, gate.name)
            return _json(intake.mark(connection, gate.name, wanted, datetime.now(UTC)))

    def policy(self, gate: Gate, have: str | None) -> Response[bytes]:
        """The narrowest signed policy in force for the station; with what it has, the next document beyond that."""
        published = self.centre.policy_for(gate)
        if have is not None:
            beyond = self.centre.policy_after(gate, messages.versions(have))
            if beyond is None and published is not None:
                return Response(b"", status_code=HTTPStatus.NO_CONTENT)
            published = beyond
        if published is None:
            raise HTTPException("no policy is published for this station", status_code=HTTPStatus.NOT_FOUND)
        return Response(published.document, media_type=MediaType.JSON)


def _announced(centre: Centre) -> Response[bytes]:
    if centre.announced is None:
        raise HTTPException("no keys are announced yet", status_code=HTTPStatus.NOT_FOUND)
    return Response(centre.announced.document, media_type=MediaType.JSON)


def _settle(future: asyncio.Future[Result], result: Result) -> None:
    if not future.done():
        future.set_result(result)


def _json(message: object) -> Response[bytes]:
    return Response(wire.encode(message), media_type=MediaType.JSON, status_code=HTTPStatus.OK)


def build(doors: Doors, site: Site) -> Litestar:
    """The application: the stations' doors under their tokens, and the pages for people."""
    return Litestar(
        [_stations(doors), sheets.router(doors.centre), _description(), *routers(site)],
        lifespan=[doors.lifespan],
        request_max_body_size=messages.BYTES_AT_MOST,
        csrf_config=safety.csrf(site.ring, site.settings.web.is_https),
        before_send=[safety.put_headers, *([safety.put_https_only] if site.settings.web.is_https else [])],
        after_exception=[safety.note],
        exception_handlers={
            HTTPException: _told,
            BadMessage: _dropped(doors.centre),
            NotAnswered: _cannot_say,
            **dict.fromkeys(AWAY, _away(doors.centre)),
            500: _broken,
        },
        state=State({SECURE: site.settings.web.is_https}),
        logging_config=None,
        openapi_config=None,
    )


def _stations(doors: Doors) -> Router:
    @post("/lookup", status_code=HTTPStatus.OK)
    async def lookup(body: RawBody) -> Response[bytes]:
        """Look a person up (``wire.Ask`` → ``wire.Answer``)."""
        if doors.centre.province is None:  # with a fault, or it would have gone the short way
            return Response(doors.lookup(body), media_type=MediaType.JSON, status_code=HTTPStatus.OK)
        return await doors.inquire(body)

    @post("/lookups", status_code=HTTPStatus.OK)
    async def lookups(body: RawBody) -> Response[bytes]:
        """Look many people up (``wire.Asks`` → ``wire.Answers``)."""
        return await doors.lookups(body)

    @post("/checkins", status_code=HTTPStatus.OK)
    async def checkins(request: StationRequest, body: RawBody) -> Response[bytes]:
        """Bring rows in (``wire.Batch`` → ``wire.HeldMark``)."""
        return await doors.checkins(request.auth, body)

    @post("/health", status_code=HTTPStatus.OK)
    async def health(request: StationRequest, body: RawBody) -> Response[bytes]:
        """Say how the station is (``health.Health`` → ``health.Taken``)."""
        return doors.health(request.auth, body)

    @post("/settings", status_code=HTTPStatus.OK)
    async def settings(request: StationRequest, body: RawBody) -> Response[bytes]:
        """Say which settings the station runs with (``shown.RunningSettings`` → ``health.Taken``)."""
        return await doors.settings(request.auth, body)

    @get("/held")
    async def held(request: StationRequest, epoch: str = "") -> Response[bytes]:
        """Ask how far a journal is held (→ ``wire.HeldMark``)."""
        return doors.held(request.auth, epoch)

    @get("/policy")
    async def policy(request: StationRequest, have: str | None = None) -> Response[bytes]:
        """Fetch the policy in force, or what follows those held (→ ``wire.Signed``)."""
        return doors.policy(request.auth, have)

    @get("/keys")
    async def keys() -> Response[bytes]:
        """Fetch what is to be known of the hub's keys (→ ``wire.Signed``)."""
        return _announced(doors.centre)

    handlers = [
        lookup,
        lookups,
        checkins,
        health,
        settings,
        held,
        policy,
        keys,
        *snapshots.handlers(doors.centre, doors.centre.shelf),
    ]
    handlers += order_doors.handlers(doors.centre, doors.deliver)
    return Router("/v1", route_handlers=handlers, before_request=_by_token(doors.centre))


def _description() -> HTTPRouteHandler:
    text = msgspec.json.encode(openapi.document())

    @get("/schema/openapi.json", sync_to_thread=False)
    def described() -> Response[bytes]:
        """What this is, for machines."""
        return Response(text, media_type=openapi.DESCRIPTION)

    return described


def _by_token(centre: Centre) -> Callable[[Request[Any, Any, Any]], Awaitable[None]]:
    async def let_in(request: Request[Any, Any, Any]) -> None:
        # No guard: Litestar copies a handler that has guards at every request.  Asynchronous although it waits for
        # nothing: a plain function would be handed to another thread.
        gate = centre.gate(authorization(request.scope))
        if gate is None:
            raise NotAuthorizedException("a station's bearer token is needed")
        request.scope["auth"] = gate

    return let_in


def authorization(scope: Scope) -> str:
    """What a request says of who asks, or nothing."""
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == b"authorization"), "")


def _told(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    wants_page = safety.is_page(request.url.path) and "text/html" in request.headers.get("accept", "")
    return safety.error_page(request, error) if wants_page else _problem(request, error)


def _broken(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    if not isinstance(error, HTTPException):
        error = HTTPException(status_code=HTTPStatus.INTERNAL_SERVER_ERROR)
    return _told(request, error)


def _problem(_request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    status = HTTPStatus(error.status_code)
    body = wire.Problem(
        title=status.phrase, status=status, detail=error.detail if error.detail != status.phrase else ""
    )
    headers = dict(error.headers or {})
    if status is HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    elif status is HTTPStatus.SERVICE_UNAVAILABLE:
        headers |= LATER
    return Response(wire.encode(body), media_type=PROBLEM, status_code=status, headers=headers)


def _cannot_say(request: Request[Any, Any, Any], _error: NotAnswered) -> Response[bytes]:
    return _problem(request, _Unavailable("the province system could not be asked; ask again later"))


def _away(centre: Centre) -> Callable[[Request[Any, Any, Any], Exception], Response[Any]]:
    def come_again(request: Request[Any, Any, Any], _error: Exception) -> Response[Any]:
        centre.tally.add("request: the database is busy or away")
        return _told(request, _Unavailable("the database is busy or away; send it again later", headers=LATER))

    return come_again


def _dropped(centre: Centre) -> Callable[[Request[Any, Any, Any], BadMessage], Response[bytes]]:
    def drop(request: Request[Any, Any, Any], error: BadMessage) -> Response[bytes]:
        gate = request.scope.get("auth")
        sender = {"station": gate.name} if isinstance(gate, Gate) else {}
        centre.tally.add(f"{request.scope['path'].rpartition('/')[2]}: {error}", **sender)
        return _problem(request, HTTPException(str(error), status_code=HTTPStatus.BAD_REQUEST))

    return drop
