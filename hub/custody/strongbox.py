"""A file that only its passphrase opens: scrypt for the key, ChaCha20-Poly1305 for each chunk, its end sealed too.

Layout: ``MAGIC``, a salt of 16 bytes, then chunks of a four-byte length and a box.  A chunk's nonce is its number and
whether it is the last, and the head is bound into each: chunks cannot be swapped, left out or cut off unseen.  The
passphrase's cost (RFC 7914: N = 2^17, r = 8, p = 1; 128 MiB) is what stands against guessing it.
"""

from __future__ import annotations

import secrets
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

MAGIC = b"tram-quet backup 2\n"
SALT_BYTES = 16
CHUNK = 1 << 20
SHORTEST_PASSPHRASE = 12
_TAG_BYTES = 16
_COST = 1 << 17


class Shut(ValueError):
    """Why a box does not open."""


class BoxWriter:
    """Takes bytes and writes them sealed; ``close`` writes the last chunk, without which nothing opens."""

    def __init__(self, file: BinaryIO, passphrase: str) -> None:
        self._file = file
        self._head = MAGIC + secrets.token_bytes(SALT_BYTES)
        self._cipher = _cipher(passphrase, self._head)
        self._number = 0
        self._left = bytearray()
        file.write(self._head)

    def write(self, data: bytes) -> int:
        """Keeps less than a chunk back."""
        self._left += data
        while len(self._left) > CHUNK:
            self._seal(bytes(self._left[:CHUNK]), last=False)
            del self._left[:CHUNK]
        return len(data)

    def close(self) -> None:
        """Seals what is left as the end; the file itself stays open."""
        self._seal(bytes(self._left), last=True)
        self._left.clear()

    def _seal(self, plain: bytes, *, last: bool) -> None:
        box = self._cipher.encrypt(_nonce(self._number, last=last), plain, self._head)
        self._file.write(len(box).to_bytes(4, "big") + box)
        self._number += 1


class BoxReader:
    """Gives back what ``BoxWriter`` took; ``Shut`` for a wrong passphrase, another file, or one cut off or changed."""

    def __init__(self, file: BinaryIO, passphrase: str) -> None:
        self._file = file
        self._head = file.read(len(MAGIC) + SALT_BYTES)
        if not self._head.startswith(MAGIC) or len(self._head) != len(MAGIC) + SALT_BYTES:
            raise Shut("this is no backup of a hub")
        self._cipher = _cipher(passphrase, self._head)
        self._number = 0
        self._ready = bytearray()
        self.ended = False
        """Whether the sealed end was reached; until then nothing read may be relied on as whole."""
        self._open_next()

    def read(self, size: int) -> bytes:
        """Up to ``size`` bytes; empty only at the end."""
        while len(self._ready) < size and not self.ended:
            self._open_next()
        given = bytes(self._ready[:size])
        del self._ready[:size]
        return given

    def _open_next(self) -> None:
        length = int.from_bytes(self._file.read(4), "big")
        box = self._file.read(length) if _TAG_BYTES <= length <= CHUNK + _TAG_BYTES else b""
        ahead = self._file.read(1)
        self.ended = not ahead
        if ahead:
            self._file.seek(-1, 1)
        try:
            self._ready += self._cipher.decrypt(_nonce(self._number, last=self.ended), box, self._head)
        except InvalidTag as error:
            first = self._number == 0
            raise Shut("the passphrase is wrong" if first else "the file was changed or cut off") from error
        self._number += 1


def _cipher(passphrase: str, head: bytes) -> ChaCha20Poly1305:
    salt = head[len(MAGIC) :]
    return ChaCha20Poly1305(Scrypt(salt, 32, _COST, 8, 1).derive(passphrase.encode()))


def _nonce(number: int, *, last: bool) -> bytes:
    return bytes(3) + last.to_bytes(1, "big") + number.to_bytes(8, "big")
