"""The machines' doors described as OpenAPI 3.1, from the same structs that read and write what passes through them."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import msgspec

from core import health, orders, shown, snapshot, wire
from hub.doors.sheets import FormProblem, Receipt, Sheet
from hub.journals import messages

REFERENCE = "#/components/schemas/{name}"
BODY_REFUSED = (HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
AT_EVERY_DOOR = (HTTPStatus.UNAUTHORIZED, HTTPStatus.SERVICE_UNAVAILABLE)
"""The last: the database is busy or away, or a province system stands behind the hub and could not be asked."""

JSON = "application/json"
PROBLEM = "application/problem+json"
DESCRIPTION = "application/vnd.oai.openapi+json"


class Door(msgspec.Struct, frozen=True):
    """One operation: what goes in, what comes out, and every problem it may answer with instead."""

    method: str
    path: str
    about: str
    answer: type[msgspec.Struct] | None
    body: type[msgspec.Struct] | None = None
    status: HTTPStatus = HTTPStatus.OK
    problems: tuple[HTTPStatus, ...] = ()
    parameters: tuple[dict[str, Any], ...] = ()
    who: str = "station"
    """Whose token is needed; empty: nobody's."""
    media: str = ""
    """What comes out when it is no JSON of ours."""
    nothing: bool = False
    """Whether it may also answer 204: there is nothing new."""


_LIMITS: dict[tuple[str, str], dict[str, Any]] = {
    ("Batch", "epoch"): {"pattern": "^[0-9a-f]{16}$"},
    ("Batch", "rows"): {"maxItems": messages.ROWS_AT_MOST, "items": {"$ref": REFERENCE.format(name="Row")}},
    ("Who", "value"): {"minLength": 1, "maxLength": messages.TEXT_AT_MOST},
}
"""What the hub asks of a field beyond what its struct says."""


def _query(name: str, about: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": about, "schema": schema}


_EPOCH = {
    "name": "epoch",
    "in": "query",
    "description": "the journal asked about; without it the station's newest",
    "schema": {"type": "string", "pattern": "^([0-9a-f]{16})?$"},
}
_HELD_SNAPSHOT = (
    _query("have", "the version that is held, 0 for none", {"type": "integer"}),
    _query("key", "the short name of the key it was sealed with", {"type": "string"}),
    _query("need_key", "whether the station needs that key again", {"type": "boolean"}),
)
_HELD_POLICIES = {
    "name": "have",
    "in": "query",
    "description": "the highest version held of each scope, such as all:3,station/gate-1:7; empty: none is held",
    "schema": {"type": "string", "pattern": messages.HELD_VERSIONS},
}
_PIECE = (
    {**_query("name", "of the snapshot as it was offered", {"type": "string"}), "required": True},
    {**_query("number", "of the piece, from 0", {"type": "integer"}), "required": True},
)
_ORDER = {
    "name": "order",
    "in": "path",
    "description": "the order's id",
    "required": True,
    "schema": {"type": "string", "pattern": "^[0-9a-f]{16}$"},
}
_REQUEST = {
    "name": "X-Request-Id",
    "in": "header",
    "description": "names this request in the hub's log: 16 to 64 letters, digits and hyphens, else it is not taken",
    "schema": {"type": "string"},
}
_GIVEN_BACK = {
    "X-Request-Id": {
        "description": "the name that the request goes by in the hub's log",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9-]{16,64}$"},
        "required": True,
    }
}
_LATER = {
    "Retry-After": {
        "description": "after how many seconds to send it again",
        "schema": {"type": "integer", "minimum": 1},
        "required": True,
    }
}
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "the sender's own name for this request; sent again within a day it gets the same answer",
    "schema": {"type": "string", "pattern": "^[!-~]{1,128}$"},
}

DOORS = (
    Door("post", "/v1/lookup", "Look a person up.", wire.Answer, wire.Ask, problems=BODY_REFUSED),
    Door("post", "/v1/lookups", "Look many people up at once.", wire.Answers, wire.Asks, problems=BODY_REFUSED),
    Door(
        "post",
        "/v1/checkins",
        "Bring rows in; answered once they are on disk, and sending them again changes nothing.",
        wire.HeldMark,
        wire.Batch,
        problems=BODY_REFUSED,
    ),
    Door("post", "/v1/health", "Say how the station is.", health.Taken, health.Health, problems=BODY_REFUSED),
    Door(
        "post",
        "/v1/settings",
        "Say which settings it runs with.",
        health.Taken,
        shown.RunningSettings,
        problems=BODY_REFUSED,
    ),
    Door(
        "get",
        "/v1/held",
        "Ask how far a journal is held.",
        wire.HeldMark,
        problems=(HTTPStatus.BAD_REQUEST,),
        parameters=(_EPOCH,),
    ),
    Door(
        "get",
        "/v1/snapshot",
        "Ask what follows the snapshot of everybody's standing that the station holds.",
        snapshot.Offer,
        problems=(HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND),
        parameters=_HELD_SNAPSHOT,
    ),
    Door(
        "get",
        "/v1/snapshot/piece",
        "Fetch one piece of a snapshot.",
        None,
        problems=(HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND),
        parameters=_PIECE,
        media="application/octet-stream",
    ),
    Door("get", "/v1/orders", "Ask for the orders that stand for this station, oldest first.", orders.Waiting),
    Door(
        "post",
        "/v1/orders/{order}/result",
        "Say what became of an order; the first final word stands.",
        health.Taken,
        orders.Result,
        problems=(*BODY_REFUSED, HTTPStatus.NOT_FOUND),
        parameters=(_ORDER,),
    ),
    Door(
        "get",
        "/v1/policy",
        "Fetch the policy in force; by what is held, the next document beyond that.",
        wire.Signed,
        problems=(HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND),
        parameters=(_HELD_POLICIES,),
        nothing=True,
    ),
    Door(
        "get",
        "/v1/keys",
        "Fetch whose declaration codes are to be believed, and the key to seal to.",
        wire.Signed,
        problems=(HTTPStatus.NOT_FOUND,),
    ),
    Door(
        "post",
        "/v1/declarations",
        "Take a declaration whose phone another system has proven.",
        Receipt,
        Sheet,
        HTTPStatus.CREATED,
        (*BODY_REFUSED, HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY),
        (_KEY,),
        who="client",
    ),
    Door("get", "/schema/openapi.json", "Fetch this description.", None, who="", media=DESCRIPTION),
)


def document() -> dict[str, Any]:
    """The whole description, ready for JSON."""
    types = {kind for door in DOORS for kind in (door.answer, door.body) if kind is not None}
    every = [*sorted(types, key=lambda kind: kind.__name__), wire.Row, wire.Problem, FormProblem]
    _, schemas = msgspec.json.schema_components(every, ref_template=REFERENCE)
    for (name, key), limits in _LIMITS.items():
        schemas[name]["properties"][key].update(limits)
    tokens = {who: {"type": "http", "scheme": "bearer", "description": about} for who, about in _TOKENS.items()}
    paths: dict[str, dict[str, Any]] = {}
    for door in DOORS:
        paths.setdefault(door.path, {})[door.method] = _operation(door)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Trạm Quét hub", "version": "1"},
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": tokens},
    }


_TOKENS = {
    "station": "a station's token, printed by `hub station add`",
    "client": "another system's token, printed by `hub client add`",
}


def _operation(door: Door) -> dict[str, Any]:
    refused = {
        status: _content(FormProblem if status is HTTPStatus.UNPROCESSABLE_ENTITY else wire.Problem, PROBLEM, status)
        for status in (AT_EVERY_DOOR if door.who else ()) + door.problems
    }
    responses = {door.status: _content(door.answer, door.media or JSON, door.status), **refused}
    if door.nothing:
        responses[HTTPStatus.NO_CONTENT] = {"description": "nothing beyond what is held", "headers": _GIVEN_BACK}
    told: dict[str, Any] = {
        "operationId": door.path.rpartition("/")[2].partition(".")[0],
        "summary": door.about,
        "security": [{door.who: []}] if door.who else [],
        "parameters": [*door.parameters, _REQUEST],
        "responses": {str(int(status)): content for status, content in responses.items()},
    }
    if door.body is not None:
        schema = {"$ref": REFERENCE.format(name=door.body.__name__)}
        told["requestBody"] = {"required": True, "content": {JSON: {"schema": schema}}}
    return told


def _content(kind: type[msgspec.Struct] | None, media: str, status: HTTPStatus) -> dict[str, Any]:
    schema = {"$ref": REFERENCE.format(name=kind.__name__)} if kind is not None else {}
    headers = _GIVEN_BACK | (_LATER if status is HTTPStatus.SERVICE_UNAVAILABLE else {})
    return {"description": status.phrase, "headers": headers, "content": {media: {"schema": schema}}}
