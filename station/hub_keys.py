"""Whose signed codes this gate believes: the trust folder's keys, and those that the hub announces, kept over restarts.

Announcements are believed when the key pinned for policy signed them and their version rises.  They lie in one file of
the data folder, replaced whole; the trust folder itself is the owner's and left alone.  A key of the folder stays
believed whatever the hub says; one that the hub alone named goes when it names it no more.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from types import MappingProxyType

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from core import announcement, keys
from core.announcement import Announcement
from core.codes.trust import Trust, TrustedKey, Usage
from station.settings import Settings
from station.trust import read_folder

log = logging.getLogger(__name__)

FILE = "announced-keys.json"


class HubKeys:
    """What is held; ``offer`` takes documents in, ``trust`` is always what is believed at the moment."""

    def __init__(self, path: Path, policy_key: bytes, owned: Trust) -> None:
        self._path, self._key, self._owned = path, policy_key, owned
        self._believed = dict(owned.keys)
        self.trust = Trust(MappingProxyType(self._believed))
        self.announced: Announcement | None = None
        self.sealed_to: Callable[[bytes, str], None] = lambda public, name: None
        """Hears to which key to seal from now on, and its id; told at once when one was announced before."""
        self._refused = ""
        self._load()

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids in hex of the keys whose declaration codes are believed."""
        return tuple(sorted(name.hex() for name, key in list(self._believed.items()) if key.usage is Usage.DECLARATION))

    @property
    def version(self) -> int:
        """The announcement that is held, 0 when there is none."""
        return self.announced.version if self.announced is not None else 0

    def seal_by(self, sealers: Iterable[Callable[[bytes, str], None]]) -> None:
        """Has everything that seals use the announced key, now and whenever another one is announced."""
        listening = tuple(sealers)

        def tell(public: bytes, name: str) -> None:
            for each in listening:
                each(public, name)

        self.sealed_to = tell
        if self.announced is not None:
            self._tell_sealers(self.announced)

    def offer(self, document: bytes) -> bool:
        """Takes an announcement that is signed and newer; True when it is now held.

        What is refused is logged once, and what is held stays.
        """
        try:
            offered = self._verified(document)
        except ValueError as error:
            self._refuse(str(error))
            return False
        if offered.version <= self.version:
            if self.announced != offered:
                self._refuse(f"version {offered.version} is not above {self.version}, which is held")
            return False
        self._take(offered)
        self._save(document)
        self._tell_sealers(offered)
        log.info("keys taken", extra={"version": offered.version, "declaring": len(offered.declaring)})
        return True

    def _verified(self, document: bytes) -> Announcement:
        if not self._key:
            raise ValueError("no [hub] policy_key is configured, so no list of keys can be believed")
        return announcement.read(self._key, document)

    def _take(self, offered: Announcement) -> None:
        named = {bytes.fromhex(each.id): each for each in offered.declaring}
        for name, each in named.items():
            if name not in self._owned.keys:
                public = Ed25519PublicKey.from_public_bytes(keys.decode_key(each.public))
                self._believed[name] = TrustedKey(public, Usage.DECLARATION, until=each.ends)
        for name in set(self._believed) - set(named) - set(self._owned.keys):
            del self._believed[name]
        self.announced, self._refused = offered, ""

    def _tell_sealers(self, held: Announcement) -> None:
        self.sealed_to(keys.decode_key(held.sealing.public), held.sealing.id)

    def _refuse(self, problem: str) -> None:
        if problem != self._refused:
            log.warning("list of keys refused", extra={"problem": problem})
        self._refused = problem

    def _load(self) -> None:
        try:
            self._take(self._verified(self._path.read_bytes()))
        except FileNotFoundError:
            return
        except OSError as error:
            self._refuse(f"{self._path}: {error.strerror}")
        except ValueError as error:
            self._refuse(f"{self._path}: {error}; the hub will send it again")

    def _save(self, document: bytes) -> None:
        fresh = self._path.with_name(self._path.name + ".new")
        try:
            with fresh.open("wb") as file:
                file.write(document)
                file.flush()
                os.fsync(file.fileno())
            os.replace(fresh, self._path)
        except OSError as error:
            log.error("keys cannot be kept over a restart", extra={"file": str(self._path), "problem": str(error)})
            with contextlib.suppress(OSError):
                fresh.unlink()


def held_by(settings: Settings) -> HubKeys:
    """The keys of a configured station; ``ConfigError`` for a trust folder that cannot be read."""
    owned = read_folder(settings.trust.folder) if settings.trust.folder is not None else Trust()
    return HubKeys(settings.data / FILE, settings.hub.policy_key, owned)
