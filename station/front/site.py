"""The page's addresses: files, a stream of what happens, and what may be presented, pressed or switched."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from functools import wraps
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import msgspec
from flask import Flask, Response, request, send_from_directory
from werkzeug.exceptions import HTTPException

from station.front import visitors, words
from station.front.broadcast import END, Crowded, Event, Queue
from station.front.front import Front
from station.front.presenting import HELD_UP, Refused
from station.front.showing import show_verdict
from station.front.tray import NOT_HELD_UP
from station.gate import Presented

FILES: Final = Path(__file__).with_name("page")
"""The page itself: one document, its style and its script, as they are written."""

LARGEST_BODY: Final = 16 << 20
"""Bytes of the largest picture that may be sent."""

HEARTBEAT: Final = 2.0
"""Seconds of silence after which a page is told that all is well, and a page that has gone is noticed."""

_LONGEST_HOLD: Final = 10.0

_decode_keys = msgspec.json.Decoder(list[tuple[int, int]]).decode


class _Text(msgspec.Struct, forbid_unknown_fields=True):
    text: str


class _Network(msgspec.Struct, forbid_unknown_fields=True):
    whole: bool


class _Card(msgspec.Struct, forbid_unknown_fields=True):
    full: bool


def site(front: Front) -> Flask:
    """The page as an application; what the station cannot take has no address."""
    app = Flask("station.front", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    app.before_request(_check_visitor)
    app.after_request(_with_headers)
    app.register_error_handler(HTTPException, _answer_error)
    app.register_error_handler(Refused, _answer_refusal)
    _add_views(app, front)
    _add_ways(app, front)
    return app


def _add_views(app: Flask, front: Front) -> None:
    app.add_url_rule("/", view_func=lambda: send_from_directory(FILES, "index.html"), endpoint="page")
    app.add_url_rule("/page/<name>", view_func=lambda name: send_from_directory(FILES, name), endpoint="file")
    app.add_url_rule("/words", view_func=lambda: _json(words.catalogue()), endpoint="words")
    app.add_url_rule("/facts", view_func=lambda: _json(_facts(front)), endpoint="facts")
    app.add_url_rule("/events", view_func=lambda: _events(front), endpoint="events")


def _add_ways(app: Flask, front: Front) -> None:
    """Only the ways there are: on a real station there is nothing here to find."""
    hands, tray = front.presenting, front.tray
    ways = hands.ways

    def post(rule: str, act: Callable[..., object], methods: tuple[str, ...] = ("POST",)) -> None:
        app.add_url_rule(rule, endpoint=f"{methods[0]} {rule}", view_func=_acting(act), methods=methods)

    if ways["camera"]:
        post("/present/picture", lambda: hands.picture(request.get_data(), _seconds()))
        post("/present/picture", hands.take_down, ("DELETE",))
    if ways["keys"]:
        post("/present/keys", lambda: hands.press_keys(_decode_keys(request.get_data())))
    if ways["text"]:
        post("/present/text", lambda: hands.type_text(_body(_Text).text))
    if ways["buttons"]:
        post("/press/<any(admitted,'turned-away'):choice>", hands.press)
    if tray is not None:
        pictures = tray.pictures
        app.add_url_rule("/tray/<name>.png", view_func=lambda name: _png(pictures.get(name)), endpoint="tray")
        if ways["camera"]:
            post("/present/tray/<name>", lambda name: hands.picture(_found(pictures.get(name)), _seconds()))
    if front.switch is not None:
        post("/network", lambda: front.set_network(_body(_Network).whole), ("PUT",))
        post("/card", lambda: front.fill_card(_body(_Card).full), ("PUT",))


def _facts(front: Front) -> dict[str, Any]:
    doorway, tray = front.parts.doorway, front.tray
    return {
        "place": doorway.place_name or doorway.place,
        "kind": doorway.kind,
        "direction": doorway.direction,
        "ways": front.presenting.ways,
        "network": front.switch is not None,
        "tray": tray.people if tray is not None else [],
        "not_held_up": NOT_HELD_UP if tray is not None else [],
    }


def _events(front: Front) -> Response:
    gate = front.parts.doorway.kind.value

    def stream() -> Iterator[bytes]:
        try:
            with front.broadcast.listener() as happened:
                yield b"retry: 1000\n\n"
                for event in front.beginning():
                    yield _message(event, gate)
                yield from _messages(happened, gate)
        except Crowded:
            yield b"event: crowded\ndata: {}\n\n"

    return Response(stream(), mimetype="text/event-stream")


def _messages(happened: Queue, gate: str) -> Iterator[bytes]:
    while True:
        try:
            event = happened.get(timeout=HEARTBEAT)
        except queue.Empty:
            yield b": all is well\n\n"
            continue
        if event is END:
            return
        yield _message(event, gate)


def _message(event: Event, gate: str) -> bytes:
    said = show_verdict(event.said, gate) if isinstance(event.said, Presented) else event.said
    return b"event: %s\ndata: %s\n\n" % (event.name.encode(), msgspec.json.encode(said))


def _check_visitor() -> Response | None:
    problem = visitors.refusal(request.method, request.headers)
    return _problem(HTTPStatus.FORBIDDEN, "Trang khác không được dùng trang này", problem) if problem else None


def _with_headers(response: Response) -> Response:
    response.headers.update(visitors.HEADERS)
    return response


def _acting(act: Callable[..., object]) -> Callable[..., Response]:
    @wraps(act)
    def answer(**given: str) -> Response:
        try:
            return _json({"done": act(**given)})
        except msgspec.MsgspecError as error:
            return _problem(HTTPStatus.UNPROCESSABLE_ENTITY, "Dữ liệu gửi lên không hợp lệ", str(error))
        except OSError as error:
            return _problem(
                HTTPStatus.SERVICE_UNAVAILABLE, "Không cắt được mạng", f"The cable does not answer: {error}"
            )

    return answer


def _answer_error(error: HTTPException) -> Response:
    status = error.code or 500
    words_vi = {404: "Không có trang này", 405: "Không làm được như vậy", 413: "Ảnh quá lớn"}
    return _problem(status, words_vi.get(status, "Yêu cầu không hợp lệ"), error.description or error.name)


def _answer_refusal(error: Refused) -> Response:
    return _problem(error.status, error.vi, error.en)


def _problem(status: int, vi: str, en: str) -> Response:
    return _json({"vi": vi, "en": en}, status)


def _json(said: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(said), status, mimetype="application/json")


def _png(picture: bytes | None) -> Response:
    return Response(_found(picture), mimetype="image/png")


def _found(picture: bytes | None) -> bytes:
    if picture is None:
        raise Refused(404, "Không có người này", "Nobody of this name is in the tray")
    return picture


def _seconds() -> float:
    return min(max(request.args.get("seconds", HELD_UP, float), 0.1), _LONGEST_HOLD)


Body = type[_Text] | type[_Network] | type[_Card]


def _body(kind: type[Any]) -> Any:  # noqa: ANN401  # a ``kind``
    return msgspec.json.decode(request.get_data(), type=kind)
