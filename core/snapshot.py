"""The province's standings for gates without a network: entries that open only for the code that is presented.

An identity is stretched once by a memory-hard function (random ones have 128 bits and need none).  From the
stretched identity and the key of the group of stations that holds the snapshot come an entry's place (63 bits) and
the key that seals it.  Whoever steals a card learns how many entries it has and how long they are; to learn more they
must present, or guess, an identity, one stretching a guess, and have the group's key, which need not be on the card.

An entry is two bytes of the version it was sealed in, then AES-128-CCM with an 8-byte tag (NIST SP 800-38C) over the
bytes of ``core.packing``.  A key seals at most one text a version, so the version is nonce enough.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator
from typing import Annotated, Final, Literal

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from core.model import Moment, Scheme, Subject
from core.wire import Sha256Hex, Signed

KEY_BYTES: Final = 32
TAG_BYTES: Final = 8
UNGUESSABLE: Final = frozenset({Scheme.TOKEN, Scheme.PERSON})
"""Identities of 128 random bits: nobody guesses them, however fast a guess is."""

LAST_VERSION: Final = (1 << 16) - 1
"""Versions are two bytes; after the last one a group needs a new key, and so a whole snapshot."""

_NONCE_BYTES: Final = 13
_VERSION_BYTES: Final = 2
_ENTRY_KEY_BYTES: Final = 16
_INDEX_BYTES: Final = 8
_LARGEST_ENTRY: Final = 255
_RANDOM: Final = b"tq-snap-random-1"  # personalisation of BLAKE2b, 16 bytes at most
_SLOT: Final = b"tq-snap-slot-1"

Version = Annotated[int, msgspec.Meta(ge=1, le=LAST_VERSION)]
Pieces = Annotated[int, msgspec.Meta(ge=0, le=4_000)]


class Stretch(msgspec.Struct, frozen=True):
    """How identities are stretched: scrypt (RFC 7914) with ``cost`` N, block size r 8, no parallelism.

    N = 4,096 takes 4 MiB and about 10 ms of a desktop core; the cost bounds keep a bad manifest from stopping a gate.
    """

    salt: str  # base64, the province's; it changes when everybody is stretched anew
    cost: Annotated[int, msgspec.Meta(ge=1 << 10, le=1 << 15)] = 1 << 12


class Piece(msgspec.Struct, frozen=True):
    """A stretch of the content that is verified, and may be applied, by itself: whole records or whole words."""

    size: Annotated[int, msgspec.Meta(ge=1, le=1 << 22)]
    sha256: Sha256Hex


class Manifest(msgspec.Struct, frozen=True):
    """What a snapshot or a delta is; travels signed (``wire.Signed``).

    ``base`` is the version that a delta is applied to, 0 for a whole snapshot.  The content is the pieces one after
    the other; the first ``words`` of them hold words, the rest records in rising order of their places.
    """

    group: str
    version: Version
    base: Annotated[int, msgspec.Meta(ge=0, le=LAST_VERSION)]
    as_of: Moment
    key: str  # id of the group's key: first 8 bytes of its SHA-256, hex
    stretch: Stretch
    entries: Annotated[int, msgspec.Meta(ge=0)]  # after it is applied
    words: Pieces
    pieces: Annotated[tuple[Piece, ...], msgspec.Meta(max_length=4_000)]
    format: Literal[1] = 1

    @property
    def size(self) -> int:
        """Bytes of the whole content."""
        return sum(piece.size for piece in self.pieces)


class Offer(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the hub offers a station: what follows the version it holds, and the key of what it holds or shall hold."""

    manifest: Signed | None = None  # None: nothing newer
    name: str = ""  # under which its pieces are fetched
    key: str = ""  # base64; only when it was asked for or is a new one

    def __repr__(self) -> str:
        return f"Offer({self.name!r})"


class Slot(msgspec.Struct, frozen=True):
    """Where one code's entry is and what opens it."""

    index: int  # 63 bits
    key: bytes

    def __repr__(self) -> str:
        return "Slot()"


class Record(msgspec.Struct, frozen=True):
    """One entry on its way; an empty ``entry`` says that there is none at this place any more."""

    index: int
    entry: bytes


def stretch(subject: Subject, how: Stretch) -> bytes:
    """32 bytes that take as long to compute as ``how`` says, once for each guess at an identity."""
    named = f"{subject.scheme.value}\0{subject.value}".encode()
    salt = base64.b64decode(how.salt)
    if subject.scheme in UNGUESSABLE:
        return hashlib.blake2b(named, key=salt[:64], digest_size=KEY_BYTES, person=_RANDOM).digest()
    memory = 128 * 8 * how.cost
    return hashlib.scrypt(named, salt=salt, n=how.cost, r=8, p=1, maxmem=2 * memory, dklen=KEY_BYTES)


def slot(stretched: bytes, group_key: bytes) -> Slot:
    """The place and the key of the entry of a stretched identity, in one keyed hash (BLAKE2b, RFC 7693)."""
    size = _INDEX_BYTES + _ENTRY_KEY_BYTES
    digest = hashlib.blake2b(stretched, key=group_key, digest_size=size, person=_SLOT).digest()
    return Slot(int.from_bytes(digest[:_INDEX_BYTES], "big") >> 1, digest[_INDEX_BYTES:])


def seal(place: Slot, version: int, plain: bytes) -> bytes:
    """An entry; ``ValueError`` when it would be longer than a record may be."""
    named = version.to_bytes(_VERSION_BYTES, "big")
    cipher = AESCCM(place.key, tag_length=TAG_BYTES)
    entry = named + cipher.encrypt(named.rjust(_NONCE_BYTES, b"\0"), plain, None)
    if len(entry) > _LARGEST_ENTRY:
        raise ValueError(f"an entry has at most {_LARGEST_ENTRY} bytes, this one would have {len(entry)}")
    return entry


def open_entry(place: Slot, entry: bytes) -> bytes:
    """What ``seal`` hid; ``ValueError`` when the entry was not sealed for this place or has been changed."""
    named = entry[:_VERSION_BYTES]
    try:
        cipher = AESCCM(place.key, tag_length=TAG_BYTES)
        return cipher.decrypt(named.rjust(_NONCE_BYTES, b"\0"), entry[_VERSION_BYTES:], None)
    except (InvalidTag, ValueError) as error:
        raise ValueError("the snapshot's entry does not open: it was changed, or the key is another one") from error


def write_records(records: Iterable[Record]) -> bytes:
    """Records as they travel: place (8 bytes, big-endian), length (1), entry."""
    return b"".join(
        record.index.to_bytes(_INDEX_BYTES, "big") + bytes((len(record.entry),)) + record.entry for record in records
    )


def read_records(piece: bytes) -> Iterator[tuple[int, bytes]]:
    """Places and entries of one piece; ``ValueError`` when it does not end with a whole record."""
    at, end = 0, len(piece)
    while at < end:
        body = at + _INDEX_BYTES + 1
        if body > end:
            break
        until = body + piece[body - 1]
        if until > end:
            break
        yield int.from_bytes(piece[at : body - 1], "big"), piece[body:until]
        at = until
    if at != end:
        raise ValueError("a piece of the snapshot ends within a record")


def key_name(group_key: bytes) -> str:
    """The short name of a group's key."""
    return hashlib.sha256(b"tram-quet snapshot key\0" + group_key).digest()[:8].hex()
