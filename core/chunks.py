"""How snapshots travel where only MQTT passes: sealed asks for an offer, and pieces in chunks of plain bytes.

An ask for an offer travels as a look-up does (``wire.SealedAsk``), for the answer may hold the group's key.  What a
piece holds is sealed entry by entry and verified by the signed manifest, so its bytes go as they are.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from core.model import Moment
from core.snapshot import LAST_VERSION

ASK: Final = "snapshot/ask"
OFFER: Final = "snapshot/offer"
WANT: Final = "snapshot/want"
CHUNK: Final = "snapshot/chunk"
NEWEST: Final = "snapshot"
"""Topics: the first four under a station's own, the last one of all stations."""

MOST_BYTES: Final = 128 << 10
"""No chunk is longer."""

PIECE_AT_MOST: Final = 1 << 22
ROOM_FOR_HEADS: Final = 1024
"""What a packet may need beside the bytes of a chunk: topic, properties, head."""

_ID_BYTES: Final = 8
_HEAD: Final = _ID_BYTES + 1
_HERE, _NONE = 0, 1

ChunkId = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{16}$", max_length=16)]


class OfferAsk(msgspec.Struct, frozen=True):
    """In the box on ``snapshot/ask``: what follows version ``have`` under the key of this name (nothing: 0 and "")."""

    have: Annotated[int, msgspec.Meta(ge=0, le=LAST_VERSION)]
    key: Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{16})?$", max_length=16)] = ""
    need_key: bool = False


class ChunkAsk(msgspec.Struct, frozen=True):
    """On ``snapshot/want``: at most so many bytes of a piece, from ``offset`` on; ``id`` is drawn anew for each ask."""

    id: ChunkId
    name: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{16}-[0-9]{5}-[0-9]{5}$", max_length=28)]
    number: Annotated[int, msgspec.Meta(ge=0, lt=4_000)]
    offset: Annotated[int, msgspec.Meta(ge=0, lt=PIECE_AT_MOST)]
    most: Annotated[int, msgspec.Meta(ge=1, le=MOST_BYTES)]
    not_after: Moment


class Chunk(msgspec.Struct, frozen=True):
    """On ``snapshot/chunk``: the bytes for the ask with this id, None when there is no such piece for this station."""

    id: str
    raw: bytes | None


class Newest(msgspec.Struct, frozen=True):
    """On ``tq/v1/snapshot``, signed and retained: which version a hub hands out now."""

    group: Annotated[str, msgspec.Meta(max_length=64)]
    version: Annotated[int, msgspec.Meta(ge=1, le=LAST_VERSION)]
    key: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{16}$", max_length=16)]
    as_of: Moment


def write_chunk(chunk: Chunk) -> bytes:
    """A chunk as it travels: the id (8 bytes), 0, and the bytes; or the id, 1, and nothing."""
    said = _NONE if chunk.raw is None else _HERE
    return bytes.fromhex(chunk.id) + bytes((said,)) + (chunk.raw or b"")


def read_chunk(payload: bytes) -> Chunk:
    """What ``write_chunk`` wrote; ``ValueError`` for what is no chunk."""
    said = payload[_ID_BYTES:_HEAD]
    if said not in (b"\0", b"\1") or len(payload) > _HEAD + MOST_BYTES:
        raise ValueError("not a chunk of a snapshot")
    raw = payload[_HEAD:]
    if (said == b"\0") != bool(raw):
        raise ValueError("a chunk has bytes, or says that there are none")
    return Chunk(payload[:_ID_BYTES].hex(), raw or None)
