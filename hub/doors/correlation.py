"""Which request a line of the log belongs to: an id that the caller may choose and gets back with the answer."""

from __future__ import annotations

import re
import secrets

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from hub.logs import of_request

HEADER = "x-request-id"

_MAY_BE = re.compile(rb"[A-Za-z0-9-]{16,64}")
"""What is taken from a caller: nothing that could end a line of the log, and too long to be anybody's number."""

_NAME = HEADER.encode()


class Correlated:
    """The application, with every request named: by its caller, or by 16 hex digits drawn here."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, and its id back in the answer's head."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        given = _given(scope)

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (_NAME, given)]
            await send(message)

        token = of_request.set(given.decode())
        try:
            await self._app(scope, receive, answer)
        finally:
            of_request.reset(token)


def _given(scope: Scope) -> bytes:
    chosen = next((value for name, value in scope["headers"] if name == _NAME), b"")
    return chosen if _MAY_BE.fullmatch(chosen) else secrets.token_hex(8).encode()
