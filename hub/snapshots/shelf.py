"""The folder of snapshots that can be fetched: for each a content and its signed manifest, whole ones and deltas.

A name is key, version and base: ``0123456789abcdef-00007-00006`` changes version 6 into 7, base 0 is a whole one.
What has a manifest here is complete.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Final

import msgspec

from core import keys, wire
from core.model import Moment
from core.snapshot import Manifest, Piece
from hub.errors import ConfigError, Unavailable
from hub.storage.keyring import Keyring

NAME: Final = re.compile(r"[0-9a-f]{16}-[0-9]{5}-[0-9]{5}")
WHOLE_KEPT: Final = 2


class Shelf:
    """Reads and fills the folder."""

    def __init__(self, folder: Path, ring: Keyring) -> None:
        self.folder = folder
        self._ring = ring
        self._read = lru_cache(64)(self._read_document)

    @contextlib.contextmanager
    def building(self) -> Iterator[None]:
        """Alone among all who build here; ``Unavailable`` when somebody does already."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self.folder / "building.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise ConfigError(f"snapshot folder {self.folder}: {error.strerror or error}") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._sweep()
            yield
        except BlockingIOError as error:
            raise Unavailable("a snapshot is being built already; wait for its end") from error
        finally:
            os.close(lock)

    def known(self) -> list[Manifest]:
        """Every complete one, oldest first."""
        found = [self._read(path.name)[0] for path in self.folder.glob("*.json") if NAME.fullmatch(path.stem)]
        return sorted(found, key=lambda manifest: (manifest.as_of, manifest.base))

    def newest(self) -> Manifest | None:
        """The one handed out last, or None while there is none."""
        return max(self.known(), key=lambda manifest: manifest.as_of, default=None)

    def after(self, key: str, have: int) -> Manifest | None:
        """What a station goes on with: the next delta, or a whole one when there is no way by deltas; None: it is
        current.  ``key`` is the key of what it holds, ``have`` its version, 0 for nothing."""
        known = self.known()
        if not known:
            return None
        newest = known[-1]
        if key == newest.key:
            if have == newest.version:
                return None
            delta = next((one for one in known if have and (one.key, one.base) == (key, have)), None)
            if delta is not None:
                return delta
        return next((one for one in reversed(known) if one.base == 0 and one.key == newest.key), None)

    def document(self, manifest: Manifest) -> wire.Signed:
        """A manifest as it was signed."""
        return self._read(f"{name_of(manifest)}.json")[1]

    def piece(self, name: str, number: int, offset: int = 0, most: int | None = None) -> bytes | None:
        """One piece of a content, or ``most`` bytes of it from ``offset`` on; None: there are none here (any more)."""
        if not NAME.fullmatch(name):
            return None
        try:
            pieces = self._read(f"{name}.json")[0].pieces
            if not (0 <= number < len(pieces) and 0 <= offset < pieces[number].size):
                return None
            left = pieces[number].size - offset
            with (self.folder / f"{name}.bin").open("rb") as file:
                file.seek(sum(piece.size for piece in pieces[:number]) + offset)
                return file.read(left if most is None else min(left, most))
        except FileNotFoundError:
            return None

    def put(self, manifest: Manifest) -> None:
        """Makes a content that was written under its name complete."""
        document = keys.sign(self._ring.signing, wire.encode(manifest))
        path = self.folder / f"{name_of(manifest)}.json"
        fresh = path.with_suffix(".json.new")
        with fresh.open("wb") as file:
            file.write(wire.encode(document))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)

    def prune(self) -> None:
        """Keeps two whole ones of the newest key and every delta since the older of them."""
        known = self.known()
        whole = [one for one in known if one.base == 0 and one.key == known[-1].key][-WHOLE_KEPT:]
        for one in known:
            if whole and (one.key != known[-1].key or one.version < whole[0].version):
                self._remove(one)

    def _remove(self, manifest: Manifest) -> None:
        for ending in ("json", "bin"):
            (self.folder / f"{name_of(manifest)}.{ending}").unlink(missing_ok=True)
        self._read.cache_clear()

    def _sweep(self) -> None:
        """Throws away contents that a crash left without a manifest."""
        for path in self.folder.iterdir():
            is_content = path.suffix == ".bin" and not path.with_suffix(".json").exists()
            if is_content or path.suffix in (".new", ".part"):
                path.unlink(missing_ok=True)

    def _read_document(self, file: str) -> tuple[Manifest, wire.Signed]:
        document = wire.decode((self.folder / file).read_bytes(), wire.Signed)
        return wire.decode(keys.verify(self._ring.policy_public, document), Manifest), document


def name_of(manifest: Manifest) -> str:
    """Under which name its files stand."""
    return f"{manifest.key}-{manifest.version:05d}-{manifest.base:05d}"


def write_content(path: Path, pieces: Iterable[bytes]) -> tuple[Piece, ...]:
    """Writes pieces one after the other, durably; what the manifest says of them."""
    written = []
    with path.open("wb") as file:
        for raw in pieces:
            file.write(raw)
            written.append(Piece(len(raw), hashlib.sha256(raw).hexdigest()))
        file.flush()
        os.fsync(file.fileno())
    return tuple(written)


class Told(msgspec.Struct, frozen=True):
    """One snapshot at a glance."""

    name: str
    version: int
    base: int
    as_of: Moment
    entries: int
    bytes: int


def told(manifest: Manifest) -> Told:
    """A manifest at a glance."""
    as_of, entries = manifest.as_of, manifest.entries
    return Told(name_of(manifest), manifest.version, manifest.base, as_of, entries, manifest.size)
