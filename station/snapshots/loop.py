"""Brings the province's standings onto the card: asks the hub now and then, fetches what is missing, puts it in use.

One piece at a time, over a line of its own or in small chunks by the broker, so that no look-up waits for it.
Manifests are signed with the hub's pinned key and versions only rise, so that nobody in between can put an older state
back.

In the place of a damaged one the newest whole is asked for, which may be some days older; the deltas since follow it at
once, and each answer says of when it is.
"""

from __future__ import annotations

import contextlib
import logging
import os
import random
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final, Literal, Protocol

from core import keys, snapshot, wire
from core.snapshot import Manifest, Offer
from station.errors import HubUnreachable, SnapshotDamaged, SnapshotError
from station.health import HeldSnapshot
from station.settings import Settings
from station.snapshots.held import Loading, Snapshot
from station.snapshots.news import News

log = logging.getLogger(__name__)

_OFFER_DEADLINE: Final = 60.0
_PIECE_DEADLINE: Final = 120.0
_AGAIN: Final = 30.0
_LONGEST: Final = 900.0
_TOLD_EVERY: Final = 30.0
_GLANCE: Final = 15.0
_SPREAD: Final = 600.0
"""Seconds within which a fleet asks for a snapshot of which it has heard."""
_SOONEST: Final = 0.9
_KEY_FILE: Final = "group.key"


class Source(Protocol):
    """Where snapshots come from; every call raises ``HubUnreachable``."""

    def offer(self, have: int, key: str, *, need_key: bool, deadline: float) -> Offer:
        """What follows version ``have`` under the key of this name, and that key itself when it is needed."""

    def piece(self, name: str, number: int, size: int, deadline: float) -> bytes:
        """One piece of an offered content, of as many bytes as its manifest says."""


class SnapshotLoop:
    """Runs beside the gate; ``progress`` is how far the content under way has come, 0 to 1, or None."""

    name = "snapshot"

    def __init__(
        self,
        held: Snapshot,
        source: Source,
        signer: bytes,
        *,
        every: float,
        keep_key: Literal["card", "boot"],
        announced: Callable[[], bytes] = bytes,
    ) -> None:
        self.progress: float | None = None
        self._held, self._source, self._signer = held, source, signer
        self._every, self._keep_key = every, keep_key
        self._news = News(announced, signer)
        self._failures = 0
        self._problem = ""
        self._mended = float("-inf")

    def run(self, stop: threading.Event) -> None:
        """Goes on until ``stop``; the key that is kept on the card is there before the first look-up."""
        while not stop.is_set():
            wait = self._every * random.uniform(_SOONEST, 1.1)  # noqa: S311  # jitter, no secret
            damage = self._held.damage
            try:
                if self.step(stop):
                    wait = 0.0
                self._told("")
                self._failures = 0
            except (HubUnreachable, SnapshotError) as error:
                self._told(error.problem if isinstance(error, HubUnreachable) else str(error))
                self._failures += 1
                wait = min(_LONGEST, _AGAIN * 2.0**self._failures) * random.uniform(0.5, 1)  # noqa: S311  # jitter
            self._rest(stop, wait, damage)

    def _rest(self, stop: threading.Event, seconds: float, damage: str) -> None:
        """Until the next time to ask; shorter when there is news of a newer one, by a time of each station's own, or
        when what is held turns out damaged, but not again and again.

        ``damage`` is what was known before it was asked last: what the gate has met since then was asked about by
        nobody.
        """
        until = time.monotonic() + seconds
        while not stop.wait(max(0.0, min(_GLANCE, until - time.monotonic()))):
            now = time.monotonic()
            if now >= until or (self._held.damage and not damage and self._may_mend(now)):
                return
            manifest = self._held.manifest
            if self._news.of_newer(manifest.as_of if manifest is not None else None):
                until = min(until, now + min(_SPREAD, self._every) * random.random())  # noqa: S311  # jitter

    def _may_mend(self, now: float) -> bool:
        """Whether a damaged one may be fetched whole: a card that spoils each one is not filled again and again."""
        return now >= self._mended + self._every * _SOONEST

    def step(self, stop: threading.Event) -> bool:
        """Asks once and takes in what is offered; True when there may be more, such as the next delta."""
        try:
            return self._step(stop)
        except SnapshotDamaged as error:
            self._held.distrust(str(error))
            raise

    def _step(self, stop: threading.Event) -> bool:
        self._held.tidy()
        damage, need_key = self._held.damage, self._held.usable is None
        if damage and not self._may_mend(time.monotonic()):
            return False
        have = self._held.manifest if not damage else None
        version, name = (have.version, have.key) if have is not None else (0, "")
        offer = self._source.offer(version, name, need_key=need_key, deadline=_OFFER_DEADLINE)
        manifest = self._believed(offer.manifest, have) if offer.manifest is not None else have
        if offer.key and manifest is not None:
            self._take_key(offer.key, manifest)
        if manifest is None or manifest is have:
            return False
        loading = Loading(self._held.folder, manifest)
        try:
            whole = self._fetch(loading, offer.name, stop)
        finally:
            loading.close()
            self.progress = None
        if whole:
            self._mended = time.monotonic() if damage else self._mended
            self._held.open()
            self._held.tidy()
            log.info("snapshot in use", extra={"version": manifest.version, "entries": manifest.entries})
        return whole

    def _believed(self, offered: wire.Signed, have: Manifest | None) -> Manifest:
        """The manifest, if the hub signed it and it goes on from what is held."""
        if not self._signer:
            raise SnapshotError("no [hub] policy_key is configured, so no snapshot can be believed")
        try:
            manifest = wire.decode(keys.verify(self._signer, offered), Manifest)
        except ValueError as error:
            raise SnapshotError(f"the offered snapshot is refused: {error}") from error
        if have is not None and manifest.as_of <= have.as_of:
            raise SnapshotError(
                f"the offered snapshot is of {manifest.as_of:%Y-%m-%d %H:%M}, no newer than what is held"
            )
        if manifest.base and (have is None or (manifest.base, manifest.key) != (have.version, have.key)):
            raise SnapshotError("the offered delta does not go on from what is held")
        return manifest

    def _fetch(self, loading: Loading, name: str, stop: threading.Event) -> bool:
        pieces, told = len(loading.manifest.pieces), time.monotonic()
        while (number := loading.missing) is not None:
            if stop.is_set():
                return False
            loading.take(self._source.piece(name, number, loading.manifest.pieces[number].size, _PIECE_DEADLINE))
            self.progress = (number + 1) / pieces
            if time.monotonic() - told > _TOLD_EVERY:
                told = time.monotonic()
                log.info("snapshot is coming", extra={"pieces": number + 1, "of": pieces})
        loading.finish()
        return True

    def _take_key(self, text: str, manifest: Manifest) -> None:
        key = keys.decode_key(text)
        if snapshot.key_name(key) != manifest.key:
            raise SnapshotError("the key that came with the snapshot is not the one it was sealed with")
        self._held.key = key
        path = self._held.folder / _KEY_FILE
        if self._keep_key == "card":
            write_key(path, key)
        else:
            path.unlink(missing_ok=True)

    def _told(self, problem: str) -> None:
        if problem and problem != self._problem:
            log.warning("the snapshot waits", extra={"problem": problem})
        self._problem = self._held.problem = problem


def held_by(settings: Settings, stack: ExitStack) -> Snapshot | None:
    """What a station holds as it starts, with the key that the card keeps; None when it is to hold nothing."""
    if not settings.holds_snapshot:
        return None
    held = Snapshot(settings.data / "snapshot")
    held.key = held_key(held.folder) if settings.snapshot.key == "card" else None
    held.open()
    stack.callback(held.close)
    return held


def bringer(
    settings: Settings, held: Snapshot | None, source: Source | None, announced: Callable[[], bytes] = bytes
) -> tuple[SnapshotLoop, ...]:
    """The loop that brings snapshots, where there is somebody to bring them."""
    if held is None or source is None:
        return ()
    every, keep = settings.snapshot.every_minutes * 60, settings.snapshot.key
    signer = settings.hub.policy_key
    return (SnapshotLoop(held, source, signer, every=every, keep_key=keep, announced=announced),)


def held_now(held: Snapshot | None) -> HeldSnapshot | None:
    """What is held, of when, and whether it can be opened."""
    manifest = held.manifest if held is not None else None
    if held is None or manifest is None:
        return None
    return HeldSnapshot(manifest.version, manifest.as_of, held.usable is not None)


def trouble(held: Snapshot | None, of_lookups: str) -> str:
    """What is wrong with what is held, else what look-ups in it say, or nothing."""
    return (held.damage if held is not None else "") or of_lookups


def told(held: Snapshot | None, bringers: Sequence[SnapshotLoop]) -> str:
    """What is held and what is coming, in a few words; nothing where nothing is to be held."""
    if held is None:
        return ""
    manifest = held.manifest
    said = "none" if manifest is None else f"{manifest.version} of {manifest.as_of:%Y-%m-%d %H:%M} UTC"
    if manifest is not None and held.usable is None:
        said += ", locked: no key yet"
    if held.damage:
        said += ", damaged"
    coming = [loop.progress for loop in bringers if loop.progress is not None]
    return f"{said}, another {coming[0]:.0%} here" if coming else said


def held_key(folder: Path) -> bytes | None:
    """The group's key as the card keeps it, or None."""
    try:
        return keys.decode_key((folder / _KEY_FILE).read_text("ascii"))
    except (OSError, ValueError):
        return None


def write_key(path: Path, key: bytes) -> None:
    """Keeps a key on the card, readable for the service alone."""
    fresh = path.with_name(path.name + ".new")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            fresh.unlink()
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(keys.encode_key(key))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        raise SnapshotError(f"the snapshot's key cannot be kept: {error}") from error
