"""The short way of a look-up: a gate asks for everybody who comes, and is answered before the framework begins.

What is no plain question of a station that is let in goes the long way from its first byte, which has the words for
whatever is wrong with it.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPReceiveMessage, Receive, Scope, Send, WebSocketReceiveMessage

from hub.doors.api import Doors, authorization
from hub.journals.messages import BadMessage
from hub.storage.weather import AWAY

Heard = list[HTTPReceiveMessage | WebSocketReceiveMessage]

PATH = "/v1/lookup"
BYTES_AT_MOST = 1 << 14
"""Bytes of a question that are waited for here; the largest that a station asks has some three hundred."""

_JSON = (b"content-type", b"application/json")


class ShortWay:
    """The application, with look-ups answered in front of it; ``headers`` go out with each of those."""

    def __init__(self, app: ASGIApp, doors: Doors, headers: Sequence[tuple[bytes, bytes]] = ()) -> None:
        self._app, self._doors, self._headers = app, doors, headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a look-up, or passes a request on."""
        if scope["type"] != ScopeType.HTTP or scope["path"] != PATH or not self._is_let_in(scope):
            await self._app(scope, receive, send)
            return
        heard: Heard = []
        body = await _body(receive, heard)
        answer = None if body is None else self._answer(body)
        if answer is None:
            await self._app(scope, _once_more(heard, receive), send)
            return
        head = [_JSON, (b"content-length", str(len(answer)).encode()), *self._headers]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": answer, "more_body": False})

    def _is_let_in(self, scope: Scope) -> bool:
        centre = self._doors.centre
        if centre.province is not None or scope.get("method") != "POST":
            return False
        try:
            return centre.gate(authorization(scope)) is not None
        except AWAY:
            return False  # the long way has the words for it

    def _answer(self, body: bytes) -> bytes | None:
        try:
            return self._doors.lookup(body)
        except (BadMessage, sa.exc.SQLAlchemyError):
            return None  # happens on the long way once more, and is told there


async def _body(receive: Receive, heard: Heard) -> bytes | None:
    """A request's body, None when it is too long or breaks off; what came is in ``heard``."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        heard.append(message)
        if message["type"] != "http.request":
            return None
        part = message["body"]
        size += len(part)
        if size > BYTES_AT_MOST:
            return None
        parts.append(part)
        if not message["more_body"]:
            return parts[0] if len(parts) == 1 else b"".join(parts)


def _once_more(heard: Heard, receive: Receive) -> Receive:
    """What was heard already, and then what comes."""
    waiting = iter(heard)

    async def again() -> HTTPReceiveMessage | WebSocketReceiveMessage:
        message = next(waiting, None)
        return message if message is not None else await receive()

    return again
