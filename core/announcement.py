"""What a hub tells its stations of keys: whose declaration codes to believe, and to which key to seal from now on.

On the way it is a ``wire.Signed`` over the JSON of ``Announcement``, by the key that stations have pinned for policy.
Its version strictly rises: an older one that is played again is refused.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from core import keys, wire
from core.model import Moment

KEYS_AT_MOST = 64

KeyId = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{16}$")]
PublicKey = Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9+/]{43}=$")]
"""32 raw bytes as base64."""


class DeclaringKey(msgspec.Struct, frozen=True, omit_defaults=True):
    """An Ed25519 key that signs declaration codes; ``ends`` is when the last code that a retired one signed expires."""

    id: KeyId
    public: PublicKey
    ends: Moment | None = None


class SealingKey(msgspec.Struct, frozen=True):
    """The X25519 key that rows and look-ups are to be sealed to."""

    id: KeyId
    public: PublicKey


class Announcement(msgspec.Struct, frozen=True):
    """All keys a station needs to know; what is not named any more is not to be believed on the hub's word."""

    what: Literal["keys"]
    version: Annotated[int, msgspec.Meta(ge=1, lt=1 << 53)]
    issued: Moment
    declaring: Annotated[tuple[DeclaringKey, ...], msgspec.Meta(min_length=1, max_length=KEYS_AT_MOST)]
    sealing: SealingKey


def read(public: bytes, document: bytes) -> Announcement:
    """The announcement that the holder of this key signed; ``ValueError`` says why it is refused."""
    signed = wire.decode(document, wire.Signed)
    try:
        found = wire.decode(keys.verify(public, signed), Announcement)
    except msgspec.ValidationError as error:
        raise ValueError("signed, but no list of keys") from error
    named = {each.id: each.public for each in found.declaring} | {found.sealing.id: found.sealing.public}
    for name, public_key in named.items():
        if keys.key_id(keys.decode_key(public_key)) != name:
            raise ValueError(f"key {name} is not the one its id names")
    return found
