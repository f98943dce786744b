"""What is sent to the province system: the mapping's templates filled with one number and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import quote, urlencode

import msgspec

from core.discreet import Discreet
from core.model import Subject
from hub.province.mapping import Request

PLACES = ("value", "scheme", "now")
_PLACE = re.compile(r"\{([a-z_]*)\}")
_OWN_HEADERS = frozenset({"host", "content-length", "transfer-encoding", "connection", "content-type"})


class Letter(Discreet, frozen=True):
    """One request, without the token."""

    secret: ClassVar = frozenset({"path", "content"})

    method: str
    path: str
    headers: Mapping[str, str]
    content: bytes


def write(request: Request, subject: Subject, now: datetime) -> Letter:
    """The request that asks for this person."""
    scheme = request.words.get(subject.scheme, subject.scheme.value)
    filled = {"value": subject.value, "scheme": scheme, "now": now.isoformat(timespec="seconds")}
    path = _fill(request.path, {name: quote(text, safe="") for name, text in filled.items()})
    if request.method == "GET":
        return Letter(request.method, path, dict(request.headers), b"")
    body = _filled(request.body, filled)
    is_json = request.encoding == "json"
    content = msgspec.json.encode(body) if is_json else urlencode(body).encode()
    kind = "application/json" if is_json else "application/x-www-form-urlencoded"
    return Letter(request.method, path, {**request.headers, "Content-Type": kind}, content)


def _fill(template: str, filled: Mapping[str, str]) -> str:
    return _PLACE.sub(lambda found: filled[found[1]], template)


def _filled(template: Any, filled: Mapping[str, str]) -> Any:  # noqa: ANN401  # whatever TOML holds
    if isinstance(template, str):
        return _fill(template, filled)
    if isinstance(template, dict):
        return {key: _filled(value, filled) for key, value in template.items()}
    return [_filled(each, filled) for each in template] if isinstance(template, list) else template


def faults_of(request: Request) -> Iterator[str]:
    """What a request may not be, by key."""
    yield from _places(request)
    if not request.path.isascii() or not request.path.isprintable() or " " in request.path:
        yield "request.path: letters, digits and signs of ASCII only; write others as %XX"
    in_path = "{value}" in request.path
    if in_path and not request.allow_in_url:
        yield (
            "request.path: a number in an address ends in the logs of every machine between; put {value} into "
            "request.body, or write allow_in_url = true when that system knows no other way"
        )
    if request.method == "GET" and request.body:
        yield "request.body: a GET has none; use POST"
    if not in_path and not _holds_value(request.body):
        yield "request.body: nowhere says {value}, the number that is asked for"
    if request.encoding == "form":
        yield from (
            f"request.body.{key}: a form holds texts only"
            for key, value in request.body.items()
            if not isinstance(value, str)
        )
    for name, value in request.headers.items():
        yield from _header(name, value)


def _places(request: Request) -> Iterator[str]:
    given = {"path": request.path, **{f"body.{key}": value for key, value in request.body.items()}}
    for key, template in given.items():
        for text in _texts(template):
            for name in _PLACE.findall(text):
                if name not in PLACES:
                    yield f"request.{key}: {{{name}}} is none of {', '.join(f'{{{each}}}' for each in PLACES)}"


def _header(name: str, value: str) -> Iterator[str]:
    if not re.fullmatch(r"[A-Za-z0-9-]+", name) or not value.isascii() or not value.isprintable():
        yield f"request.headers.{name}: plain ASCII only"
    if name.lower() in _OWN_HEADERS:
        yield f"request.headers.{name}: is set by the hub itself"
    if name.lower() == "authorization":
        yield f"request.headers.{name}: a secret belongs into [province] token_file of the hub's settings"
    if _PLACE.search(value):
        yield f"request.headers.{name}: nothing is filled in here; put it into request.body"


def _holds_value(template: object) -> bool:
    return any("{value}" in text for text in _texts(template))


def _texts(template: object) -> Iterator[str]:
    if isinstance(template, str):
        yield template
    elif isinstance(template, dict):
        for value in template.values():
            yield from _texts(value)
    elif isinstance(template, list):
        for value in template:
            yield from _texts(value)
