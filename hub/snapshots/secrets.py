"""What snapshots are keyed with, drawn from the hub's own keys so that there is nothing more to keep."""

from __future__ import annotations

import base64
import hashlib
import hmac

from core.snapshot import Stretch
from hub.storage.keyring import Keyring

MARK_BYTES = 8
COST = 1 << 12
"""scrypt's N: 4 MiB and some 10 ms of a desktop core, 40 to 90 ms of a small board's, for every guess."""


def group_key(ring: Keyring, generation: bytes) -> bytes:
    """The 32 bytes that stations are given for one generation of snapshots."""
    return hmac.digest(ring.registry, b"tram-quet snapshot group 1\0" + generation, hashlib.sha256)


def how_stretched(ring: Keyring) -> Stretch:
    """How identities are stretched here: once for all generations, because it is what costs."""
    salt = hmac.digest(ring.index, b"tram-quet snapshot salt 1", hashlib.sha256)[:16]
    return Stretch(base64.b64encode(salt).decode(), COST)


def mark(ring: Keyring, plain: bytes) -> bytes:
    """The keyed hash by which the hub sees that an entry has changed."""
    return hashlib.blake2b(plain, key=ring.index, digest_size=MARK_BYTES, person=b"tq-snap-mark-1").digest()
