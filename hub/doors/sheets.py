"""The door for other systems: a declaration in, its code back, once however often it is sent."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from http import HTTPStatus
from typing import ClassVar

import msgspec
from litestar import MediaType, Request, Response, Router, post
from litestar.datastructures import State
from litestar.exceptions import HTTPException, NotAuthorizedException
from litestar.params import RawBody

from core import phones, wire
from core.discreet import Discreet
from core.model import Moment
from hub.centre import Centre
from hub.doors import clients
from hub.journals import messages
from hub.register import declaring
from hub.register.declaring import By, Form, Refused, Wrong
from hub.storage import replies

PROBLEM = "application/problem+json"
KEY_HEADER = "idempotency-key"

ClientRequest = Request[None, None, State]


class Sheet(msgspec.Struct, frozen=True):
    """A declaration as another system sends it: the phone that it has proven, and the form.

    ``confirmed``: that the phone's own record is to have the form's name or year of birth instead of its own.
    """

    phone: str
    form: Form
    confirmed: bool = False

    def __repr__(self) -> str:
        return "Sheet()"


class Receipt(Discreet, frozen=True):
    """What came of it: the ``TQ1:`` text for the QR and its end; ``my_qr`` for somebody who was nobody's before."""

    secret: ClassVar = frozenset({"code", "my_qr"})

    declaration: int
    code: str
    expires: Moment | None
    my_qr: str = ""


class FormProblem(wire.Problem, frozen=True, omit_defaults=True):
    """A form that cannot be taken: what is wrong, by field."""

    wrong: dict[str, Wrong] = msgspec.field(default_factory=dict)


class Counter:
    """Takes sheets in; its methods run on a thread of the server's."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre

    def client(self, authorization: str) -> str:
        """Who sends; ``NotAuthorizedException`` when nobody known."""
        with self._centre.store.reading() as connection:
            name = clients.named(connection, authorization)
        if name is None:
            raise NotAuthorizedException("a client's bearer token is needed")
        return name

    def take(self, authorization: str, key: str, body: bytes) -> Response[bytes]:
        """One declaration."""
        client, now = self.client(authorization), datetime.now(UTC)
        if key and not replies.is_key(key):
            raise messages.BadMessage(f"Idempotency-Key: 1 to {replies.KEY_AT_MOST} visible ASCII characters")
        sheet = messages.decoded(body, Sheet)
        try:
            return _told(self._answer(client, key, body, sheet, now))
        except replies.Clash as clash:
            detail = "this Idempotency-Key named another request before"
            raise HTTPException(detail, status_code=HTTPStatus.CONFLICT) from clash
        except Refused as refused:
            return _refusal(refused.wrong)

    def _answer(self, client: str, key: str, body: bytes, sheet: Sheet, now: datetime) -> bytes:
        ring, owner = self._centre.ring, f"client/{client}"
        phone = phones.spell(sheet.phone)
        if phone is None:
            raise Refused({"phone": Wrong.NOT_A_PHONE})
        with self._centre.store.writing() as connection:
            if key and (known := replies.kept(connection, ring, owner, key, body)) is not None:
                return known
            by = By.citizen(phone)
            made = declaring.declare(connection, ring, sheet.form, now, by=by, confirmed=sheet.confirmed)
            given = declaring.given(connection, ring, made.declaration, now, by=by)
            answer = wire.encode(Receipt(made.declaration, made.code, given.expires, made.my_qr or ""))
            if key:
                replies.keep(connection, ring, owner, key, body, answer, now)
            return answer


def router(centre: Centre) -> Router:
    """``POST /v1/declarations``."""
    counter = Counter(centre)

    @post("/declarations", status_code=HTTPStatus.CREATED)
    async def declare(request: ClientRequest, body: RawBody) -> Response[bytes]:
        """Take a declaration (``Sheet`` → ``Receipt``)."""
        headers = request.headers
        sent = (headers.get("authorization", ""), headers.get(KEY_HEADER, ""), body)
        return await asyncio.to_thread(counter.take, *sent)

    return Router("/v1", route_handlers=[declare], include_in_schema=False)


def _told(answer: bytes) -> Response[bytes]:
    return Response(answer, media_type=MediaType.JSON, status_code=HTTPStatus.CREATED)


def _refusal(wrong: dict[str, Wrong]) -> Response[bytes]:
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    problem = FormProblem(status.phrase, status, "the form cannot be taken", wrong=wrong)
    return Response(wire.encode(problem), media_type=PROBLEM, status_code=status)
