"""The hub over HTTP: keep-alive, no redirects, no proxies, every answer bounded in size and in total time.

The only module that says requests.  Whatever goes wrong is ``HubUnreachable`` with the problem in words, never with
the person in it.
"""

from __future__ import annotations

import contextlib
import queue
import secrets
import socket
import threading
from collections.abc import Mapping
from datetime import datetime
from http.client import responses
from pathlib import Path
from typing import ClassVar, TypeVar
from urllib.parse import quote

import msgspec
import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from core import health, shown, wire
from core.discreet import Discreet
from core.model import GateKind
from core.orders import Result, Waiting
from core.snapshot import Offer
from station.errors import HubCannotSay, HubUnreachable
from station.handover import Handover

Message = TypeVar("Message")

MOST_BYTES = 1 << 20
"""No answer of a hub is larger."""


class HttpHub:
    """One station's connection to its hub; used by the gate for look-ups or by the sync loop, each has its own.

    A request runs in a thread of its own, so that a hub that drips one byte a second, or a name that is never
    resolved, cannot hold the gate past its deadline: the line is then hung up and left to end by itself.
    """

    def __init__(self, url: str, token: str, kind: GateKind, ca_file: Path | None = None) -> None:
        self.url = url.rstrip("/")
        self._kind = kind
        self._token, self._ca_file = token, ca_file
        self._call: _Call | None = None

    def __enter__(self) -> HttpHub:
        """Nothing is connected until the first request."""
        return self

    def __exit__(self, *_: object) -> None:
        """Hangs up."""
        self._hang_up()

    def ask(self, who: wire.Who, at: datetime, deadline: float) -> wire.Answer:
        """``POST /v1/lookup``."""
        return self._post("/v1/lookup", wire.encode(wire.Ask(who, self._kind, at)), wire.Answer, deadline)

    def bring(self, batch: wire.Batch, deadline: float) -> wire.HeldMark:
        """``POST /v1/checkins``."""
        return self._post("/v1/checkins", wire.encode(batch), wire.HeldMark, deadline)

    def policy(self, held: Mapping[str, int], deadline: float) -> bytes | None:
        """``GET /v1/policy``: a signed document beyond the versions that are held by scope, None when there is none.

        A hub that does not know of ``have`` answers the narrowest one, held or not.
        """
        have = ",".join(f"{scope}:{version}" for scope, version in held.items())
        url = f"{self.url}/v1/policy?have={quote(have)}"
        answer = self._within(deadline, _Request("GET", url, b"", deadline, empty=(204, 404)))
        if not answer:
            return None
        self._read(answer, wire.Signed)  # a login page is told as one
        return answer

    def keys(self, deadline: float) -> bytes | None:
        """``GET /v1/keys``: the signed list of the hub's keys, None from one that announces none."""
        return self._within(deadline, _Request("GET", f"{self.url}/v1/keys", b"", deadline, empty=(404,))) or None

    def held(self, epoch: str, deadline: float) -> wire.HeldMark | None:
        """``GET /v1/held``: how far the hub holds a journal; None from one that cannot say."""
        asked = f"{self.url}/v1/held?epoch={epoch}"
        answer = self._within(deadline, _Request("GET", asked, b"", deadline, empty=(404,)))
        return self._read(answer, wire.HeldMark) if answer else None

    def orders(self, deadline: float) -> Waiting | None:
        """``GET /v1/orders``: what waits for this station; None from a hub that knows no orders."""
        answer = self._within(deadline, _Request("GET", f"{self.url}/v1/orders", b"", deadline, empty=(404,)))
        return _understood(self.url, answer, Waiting) if answer else None

    def tell_done(self, result: Result, deadline: float) -> None:
        """``POST /v1/orders/{id}/result``; a hub that gave no such order has nothing to hear."""
        url = f"{self.url}/v1/orders/{result.order}/result"
        self._within(deadline, _Request("POST", url, wire.encode(result), deadline, empty=(400, 404)))

    def report(self, figures: health.Health, deadline: float) -> datetime | None:
        """``POST /v1/health``: the hub's clock; None when this hub takes no health, or not this."""
        body = wire.encode(figures)
        request = _Request("POST", f"{self.url}/v1/health", body, deadline, empty=(400, 404, 405, 413))
        answer = self._within(deadline, request)
        return self._read(answer, health.Taken).hub_time if answer else None

    def tell_settings(self, settings: shown.RunningSettings, deadline: float) -> None:
        """``POST /v1/settings``: those in force; a hub that does not want them is not asked why."""
        body = wire.encode(settings)
        request = _Request("POST", f"{self.url}/v1/settings", body, deadline, empty=(400, 404, 405, 413))
        self._within(deadline, request)

    def offer(self, have: int, key: str, *, need_key: bool, deadline: float) -> Offer:
        """``GET /v1/snapshot``: what follows the snapshot that is held; nothing when this hub hands none out."""
        asked = f"{self.url}/v1/snapshot?have={have}&key={key}&need_key={int(need_key)}"
        answer = self._within(deadline, _Request("GET", asked, b"", deadline, empty=(404,)))
        return self._read(answer, Offer) if answer else Offer()

    def piece(self, name: str, number: int, size: int, deadline: float) -> bytes:
        """``GET /v1/snapshot/piece``; ``size`` is what its manifest will be held against."""
        asked = f"{self.url}/v1/snapshot/piece?name={quote(name, safe='')}&number={number}"
        return self._within(deadline, _Request("GET", asked, b"", deadline))

    def _post(self, path: str, body: bytes, kind: type[Message], deadline: float) -> Message:
        return self._read(self._within(deadline, _Request("POST", self.url + path, body, deadline)), kind)

    def _read(self, answer: bytes, kind: type[Message]) -> Message:
        try:
            return wire.decode(answer, kind)
        except ValueError as error:
            raise HubUnreachable(
                self.url, "answers in words that are not a hub's; is a login page in between?"
            ) from error

    def _within(self, deadline: float, request: _Request) -> bytes:
        call = self._call
        if call is None:
            call = self._call = _Call(self._token, self._ca_file)
        try:
            status, answer = call.send(request, deadline)
        except queue.Empty:
            self._hang_up()
            raise HubUnreachable(self.url, f"did not answer within {deadline:g} s", request.id) from None
        except (requests.RequestException, HTTPError, OSError) as error:
            raise HubUnreachable(self.url, _problem(error), request.id) from error
        if status in request.empty:
            return b""
        if status == requests.codes.service_unavailable:
            raise HubCannotSay(self.url, _refusal(status), request.id)
        if status != requests.codes.ok:
            raise HubUnreachable(self.url, _refusal(status), request.id)
        if len(answer) > MOST_BYTES:
            raise HubUnreachable(self.url, "sends more than any hub does", request.id)
        return answer

    def _hang_up(self) -> None:
        call, self._call = self._call, None
        if call is not None:
            call.hang_up()


def _understood(url: str, answer: bytes, kind: type[Message]) -> Message:
    try:
        return wire.decode(answer, kind)
    except ValueError as error:
        raise HubUnreachable(url, "answers in words that are not a hub's; is a login page in between?") from error


class _Request(Discreet, frozen=True):
    """What is asked; answers with a status in ``empty`` count as nothing said.  ``id`` names it in the hub's log."""

    secret: ClassVar = frozenset({"body"})

    method: str
    url: str
    body: bytes
    timeout: float
    empty: tuple[int, ...] = ()
    id: str = msgspec.field(default_factory=lambda: secrets.token_hex(8))


_Answered = tuple[int, bytes] | Exception


class _Call:
    """One line to the hub and the thread that talks on it; after a hang-up nobody hears what it still says.

    The thread is a daemon: waiting for a name server cannot be cut short, and must not hold up the end of the service.
    """

    def __init__(self, token: str, ca_file: Path | None) -> None:
        self._token, self._ca_file = token, ca_file
        self._lines: list[HTTPConnection] = []
        self._requests: queue.SimpleQueue[_Request | None] = queue.SimpleQueue()
        self._answers: Handover[_Answered] = Handover()
        threading.Thread(target=self._talk, name="hub", daemon=True).start()

    def send(self, request: _Request, deadline: float) -> tuple[int, bytes]:
        """Status and body, at most a byte more than allowed; ``queue.Empty`` when it took too long."""
        self._requests.put(request)
        answered = self._answers.get(deadline)
        if isinstance(answered, Exception):
            raise answered
        return answered

    def hang_up(self) -> None:
        """Cuts the line, so that the thread ends as soon as it can."""
        self._requests.put(None)
        for line in list(self._lines):
            sock = line.sock
            if sock is not None:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)

    def _talk(self) -> None:
        with _session(self._token, self._ca_file, self._lines) as session:
            while (request := self._requests.get()) is not None:
                try:
                    self._answers.put(_answer(session, request))
                except (requests.RequestException, HTTPError, OSError) as error:
                    self._answers.put(error)


def _answer(session: requests.Session, request: _Request) -> tuple[int, bytes]:
    response = session.request(
        request.method,
        request.url,
        data=request.body or None,
        headers={"X-Request-Id": request.id},
        timeout=request.timeout,
        stream=True,
        allow_redirects=False,
    )
    with contextlib.closing(response):
        return response.status_code, bytes(response.raw.read(MOST_BYTES + 1, decode_content=True))


def _session(token: str, ca_file: Path | None, lines: list[HTTPConnection]) -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.verify = str(ca_file) if ca_file is not None else True
    session.headers.update(
        {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Accept-Encoding": "identity"}
    )
    line = _Line(lines)
    session.mount("http://", line)
    session.mount("https://", line)
    return session


class _Line(HTTPAdapter):
    """Keeps one connection, and remembers it so that it can be hung up from another thread."""

    def __init__(self, lines: list[HTTPConnection]) -> None:
        self._lines = lines
        super().__init__(pool_connections=1, pool_maxsize=1)

    def init_poolmanager(self, *args: object, **kwargs: object) -> None:
        """As requests does, with connections that report themselves."""
        super().init_poolmanager(*args, **kwargs)  # type: ignore[arg-type]  # requests' own words
        lines = self._lines

        class Http(HTTPConnection):
            def connect(self) -> None:
                lines[:] = [self]
                super().connect()

        class Https(HTTPSConnection):
            def connect(self) -> None:
                lines[:] = [self]
                super().connect()

        classes = self.poolmanager.pool_classes_by_scheme
        self.poolmanager.pool_classes_by_scheme = {
            scheme: type(pool.__name__, (pool,), {"ConnectionCls": {"http": Http, "https": Https}[scheme]})
            for scheme, pool in classes.items()
        }


def _problem(error: Exception) -> str:
    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate is not trusted; check ca_file and the board's clock"
    if isinstance(error, requests.Timeout):
        return "did not answer in time"
    if isinstance(error, requests.ConnectionError):
        return "cannot be reached; check the network and [hub] url"
    return f"broke off ({type(error).__name__})"


def _refusal(status: int) -> str:
    """In our own words: a hub's may repeat whom it was asked about."""
    if status in (401, 403):
        return f"refuses this station's token ({status}); enrol it again or correct [hub] token_file"
    return f"answers {status} {responses.get(status, '')}".rstrip()
