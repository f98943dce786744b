"""What comes in from stations, checked before anybody believes it; the same checks for HTTP and MQTT."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

import msgspec

from core.health import MOST_BYTES as HEALTH_BYTES
from core.health import Health
from core.orders import Result
from core.shown import FACE_BYTES, SETTINGS_BYTES, Face, RunningSettings
from core.wire import Ask, Asks, Batch, SealedAsk, State, Who
from hub.journals.intake import is_epoch

BYTES_AT_MOST = 1 << 20
RECEIVED_AT_MOST = 2 * BYTES_AT_MOST
"""What is larger than a message may be still reaches the hub up to here, and is counted; past this the broker drops it.
"""

ROWS_AT_MOST = 1_000
_SEQ_AT_MOST = 1 << 53
TEXT_AT_MOST = 256
_ONE_VERSION = r"[a-z0-9/-]{1,96}:[0-9]{1,10}"
HELD_VERSIONS = f"^({_ONE_VERSION}(,{_ONE_VERSION}){{0,7}})?$"
"""How a station says which policies it holds: the highest version of each scope."""

_batch = msgspec.json.Decoder(Batch)
_ask = msgspec.json.Decoder(Ask)
_asks = msgspec.json.Decoder(Asks)
_sealed_ask = msgspec.json.Decoder(SealedAsk)
_state = msgspec.json.Decoder(State)
_done = msgspec.json.Decoder(Result)
_health = msgspec.json.Decoder(Health)
_face = msgspec.json.Decoder(Face)
_settings = msgspec.json.Decoder(RunningSettings)


Message = TypeVar("Message")


class BadMessage(ValueError):
    """Why a message is not taken; never holds what was in it."""


def batch(raw: bytes, station: str) -> Batch:
    """A batch of rows that this station may send; an empty one asks how far its journal is held."""
    message = _decode(_batch, raw)
    if message.station != station:
        raise BadMessage("the batch is another station's")
    if not is_epoch(message.epoch):
        raise BadMessage("epoch: 16 hex digits")
    if len(message.rows) > ROWS_AT_MOST or message.first + len(message.rows) > _SEQ_AT_MOST:
        raise BadMessage(f"at most {ROWS_AT_MOST} rows a batch")
    if message.rows and message.gone >= message.first:
        raise BadMessage("gone: rows that the batch brings")
    if max(message.gone, message.refused_before) >= _SEQ_AT_MOST:
        raise BadMessage("gone or refused_before: out of bounds")
    return message


def versions(text: str) -> dict[str, int]:
    """The highest version held of each scope, from ``scope:version,…``."""
    if re.fullmatch(HELD_VERSIONS, text) is None:
        raise BadMessage("have: scope:version, with commas between")
    parts = (each.rpartition(":") for each in text.split(",") if each)
    return {scope: int(version) for scope, _, version in parts}


def ask(raw: bytes) -> Ask:
    """A look-up."""
    message = _decode(_ask, raw)
    _check_who(message.who)
    return message


def asks(raw: bytes) -> Asks:
    """A batch of look-ups."""
    message = _decode(_asks, raw)
    for who in message.who:
        _check_who(who)
    return message


def _check_who(who: Who) -> None:
    if len(who.value) > TEXT_AT_MOST or not who.value:
        raise BadMessage(f"who.value: 1 to {TEXT_AT_MOST} characters")


def sealed_ask(raw: bytes, station: str, reply: str = "answer") -> SealedAsk:
    """A sealed ask whose answer goes to the station's own topic and nowhere else."""
    message = _decode(_sealed_ask, raw)
    if message.reply != f"tq/v1/s/{station}/{reply}":
        raise BadMessage("reply: must be the station's own answer topic")
    if len(message.id) > TEXT_AT_MOST:
        raise BadMessage("id: too long")
    return message


def state(raw: bytes, station: str) -> State:
    """What a station says of itself."""
    message = _decode(_state, raw)
    if message.station != station:
        raise BadMessage("the state is another station's")
    texts = message.session, message.version
    if max(map(len, texts)) > 64 or "\0" in "".join(texts) or not 0 <= message.policy_version < 1 << 31:
        raise BadMessage("session, version or policy_version: out of bounds")
    return message


def health(raw: bytes, station: str) -> Health:
    """How a station is; every part of it is bounded by the struct itself."""
    if len(raw) > HEALTH_BYTES:
        raise BadMessage(f"longer than {HEALTH_BYTES} bytes")
    message = _decode(_health, raw)
    if message.station != station:
        raise BadMessage("the health is another station's")
    return message


def face(raw: bytes, station: str) -> Face:
    """What a station shows now."""
    if len(raw) > FACE_BYTES:
        raise BadMessage(f"longer than {FACE_BYTES} bytes")
    message = _decode(_face, raw)
    if message.station != station:
        raise BadMessage("the face is another station's")
    return message


def settings(raw: bytes, station: str) -> RunningSettings:
    """The settings a station runs with."""
    if len(raw) > SETTINGS_BYTES:
        raise BadMessage(f"longer than {SETTINGS_BYTES} bytes")
    message = _decode(_settings, raw)
    if message.station != station:
        raise BadMessage("the settings are another station's")
    return message


def done(raw: bytes, station: str) -> Result:
    """What became of an order."""
    message = _decode(_done, raw)
    if message.station != station:
        raise BadMessage("the result is another station's")
    return message


def decoded(raw: bytes, kind: type[Message]) -> Message:
    """Anything else that comes as JSON."""
    return _decode(msgspec.json.Decoder(kind), raw)


def _decode(decoder: msgspec.json.Decoder[Message], raw: bytes) -> Message:
    if len(raw) > BYTES_AT_MOST:
        raise BadMessage(f"longer than {BYTES_AT_MOST} bytes")
    try:
        return decoder.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        _, _, where = str(error).partition(" - at ")
        raise BadMessage(f"not what it should be{f', at {where}' if where else ''}") from error


Kept = Batch | State | Result | RunningSettings
KEPT: dict[str, Callable[[bytes, str], Kept]] = {"checkins": batch, "done": done, "state": state, "settings": settings}
"""What is written down, by the topic that brings it."""
