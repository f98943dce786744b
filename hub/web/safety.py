"""What guards every page: headers, a limit on requests by address, and the page that tells of an error."""

from __future__ import annotations

import hashlib
import hmac
import logging
import threading
import time
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path

from litestar.config.csrf import CSRFConfig
from litestar.datastructures import MutableScopeHeaders
from litestar.exceptions import HTTPException, NotFoundException, TooManyRequestsException
from litestar.types import Message, Scope

from hub.journals.messages import BadMessage
from hub.storage.keyring import Keyring
from hub.storage.weather import AWAY
from hub.web.assets import STATIC
from hub.web.form import Visit
from hub.web.page import Page, render

log = logging.getLogger(__name__)

NOT_PAGES = ("/v1", "/schema")

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "media-src 'self' blob:; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(self), microphone=(), geolocation=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
HTTPS_ONLY = "max-age=31536000"
WINDOW_SECONDS = 60.0
ADDRESSES_AT_MOST = 50_000


def is_page(path: str) -> bool:
    """Whether a path is for people, not for machines."""
    return not any(path == part or path.startswith(f"{part}/") for part in NOT_PAGES)


async def put_headers(message: Message, scope: Scope) -> None:
    """Puts the security headers on every answer to people, errors too; a page is kept by no cache."""
    if message["type"] == "http.response.start" and is_page(scope["path"]):
        headers = MutableScopeHeaders.from_message(message)
        for name, value in HEADERS.items():
            headers.setdefault(name, value)
        headers.setdefault("cache-control", "no-store")


async def put_https_only(message: Message, _scope: Scope) -> None:
    """Tells browsers to come here by HTTPS alone from now on: for a hub whose public address is one of HTTPS.

    Only its own name is bound: others below the same domain may be somebody else's.
    """
    if message["type"] == "http.response.start":
        headers = MutableScopeHeaders.from_message(message)
        for name, value in https_only(True):
            headers.setdefault(name.decode(), value.decode())


def https_only(is_https: bool) -> list[tuple[bytes, bytes]]:
    """The same as headers for an answer that does not pass here."""
    return [(b"strict-transport-security", HTTPS_ONLY.encode())] if is_https else []


def csrf(ring: Keyring, secure: bool) -> CSRFConfig:
    """CSRF protection whose secret is the same in every process of this hub."""
    return CSRFConfig(
        secret=hmac.digest(ring.index, b"tram-quet csrf", hashlib.sha256).hex(),
        cookie_name="tq_csrf",
        cookie_httponly=True,
        cookie_secure=secure,
        exclude=[f"^{part}(/|$)" for part in (*NOT_PAGES, STATIC)],
    )


class Turnstile:
    """Lets so many requests of one address through a minute; many people may share an address."""

    def __init__(self, at_most: int) -> None:
        self._at_most = at_most
        self._counts: dict[str, int] = {}
        self._began = time.monotonic()
        self._lock = threading.Lock()

    def admit(self, address: str) -> bool:
        """Counts one request; whether it may go on."""
        with self._lock:
            now = time.monotonic()
            if now - self._began >= WINDOW_SECONDS or len(self._counts) > ADDRESSES_AT_MOST:
                self._counts.clear()
                self._began = now
            self._counts[address] = self._counts.get(address, 0) + 1
            return self._counts[address] <= self._at_most


def refusing(turnstile: Turnstile) -> Callable[[Visit], Awaitable[None]]:
    """What answers before a handler runs: 429 when an address has had its share, 404 where no text is in an address."""

    async def refuse(request: Visit) -> None:  # a function: Litestar copies routers with all they hold, but no function
        if not all(str(each).isprintable() for each in request.path_params.values()):
            raise NotFoundException
        if any("\0" in each for each in request.query_params.values()):  # no database can look for it
            raise NotFoundException
        if not turnstile.admit(request.client.host if request.client else ""):
            raise TooManyRequestsException(headers={"Retry-After": str(int(WINDOW_SECONDS))})

    return refuse


async def note(error: Exception, scope: Scope) -> None:
    """Logs a fault of our own: its kind and where, never its words, which could quote somebody."""
    if not isinstance(error, (HTTPException, BadMessage, *AWAY)):  # no message, and weather: tallied where it is told
        frames = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
        log.error("a request failed", extra={"error": type(error).__name__, "where": frames[-6:]})


def error_page(request: Visit, error: HTTPException) -> Page:
    """An error in words for people; it never repeats what was sent."""
    known = {500: "error-500", 403: "error-403", 404: "error-404", 429: "error-429", 503: "error-503"}
    page = render(request, "error.html", status=error.status_code, reason=known.get(error.status_code, "error-other"))
    if retry := (error.headers or {}).get("Retry-After"):
        page.headers["Retry-After"] = retry
    return page
