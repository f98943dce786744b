"""The board itself: its clock, and the disk that the journal lies on."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from station.clock import BUILT, Clock
from station.config import Settings
from station.doctor.findings import Finding, fail, ok, warn

SLOW = 0.25
"""Seconds that a durable write may take before people at the gate feel it."""

MEBI = 1 << 20


def find_clock() -> Iterator[Finding]:
    """Whether the time can be right, and who says so."""
    clock = Clock()
    yield judge_clock(clock.now(), clock.worth().source)


def judge_clock(now: datetime, source: str) -> Finding:
    """The finding for a time and its source (``ntp``, ``rtc``, ``hub`` or ``guess``)."""
    told, cure = now.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC"), "let this board reach a time server"
    if now < BUILT:
        return fail(
            "clock", f"shows {told}, which is past", f"{cure} (timedatectl set-ntp true), or fit a clock module"
        )
    if source == "ntp":
        return ok("clock", f"{told}, kept by a time server")
    if source == "rtc":
        return warn("clock", f"{told}, from the board's own clock module", f"{cure} (timedatectl status)")
    return warn("clock", f"{told}, and nothing vouches for it", f"{cure} (timedatectl status), or fit a clock module")


def find_disk(settings: Settings) -> Iterator[Finding]:
    """Whether the journal can grow and a row survives a power cut: the folder, a durable write, room, the kind."""
    folder = settings.data
    if not folder.exists():
        cure = "let the service make it at its first start, or name another with --data"
        yield warn(f"disk {folder}", "there is no such folder yet", cure)
        return
    try:
        took = _write_durably(folder)
    except OSError as error:
        cure = "mount it writable, or give the folder to the service's user; --data names another"
        yield fail(f"disk {folder}", error.strerror or str(error), cure)
        return
    yield judge_write(folder, took)
    free, journal = shutil.disk_usage(folder).free, _size(settings.journal_path)
    yield judge_room(folder, free, journal, settings.journal.max_bytes, settings.journal.min_free)
    if _kind(folder) in ("tmpfs", "ramfs"):
        yield warn(f"disk {folder}", "lies in memory: rows are gone after a restart", "put the data folder on the card")


def judge_write(folder: Path, took: float) -> Finding:
    """The finding for a durable write of ``took`` seconds."""
    if took > SLOW:
        cure = "use a faster card (class A1 or A2), or an SSD"
        return warn(f"disk {folder}", f"a durable write takes {took * 1000:.0f} ms", cure)
    return ok(f"disk {folder}", f"a durable write takes {took * 1000:.1f} ms")


def judge_room(folder: Path, free: int, journal: int, quota: int, min_free: int) -> Finding:
    """The finding for ``free`` bytes beside a journal of ``journal`` bytes that may grow to ``quota``."""
    told = f"{free // MEBI} MiB free, journal {journal / MEBI:.1f} of {quota // MEBI} MiB"
    if journal >= quota * 9 // 10:
        return fail(f"room in {folder}", told, "let the hub take the rows, or raise [journal] max_bytes")
    if free < min_free:
        return fail(f"room in {folder}", told, f"free space: [journal] min_free asks for {min_free // MEBI} MiB")
    if free < min_free + quota - journal:
        return warn(f"room in {folder}", told, "the disk is full before the quota; lower [journal] max_bytes")
    return ok(f"room in {folder}", told)


def _write_durably(folder: Path) -> float:
    begun = time.monotonic()
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".doctor-") as file:
        file.write(b"\0" * 4096)
        file.flush()
        os.fsync(file.fileno())
        return time.monotonic() - begun


def _size(journal: Path) -> int:
    parts = (journal, journal.with_name(journal.name + "-wal"))
    return sum(part.stat().st_size for part in parts if part.exists())


def _kind(folder: Path) -> str:
    """The kind of file system that a folder lies on, from the longest mount point above it."""
    inside = folder.resolve()
    mounts = (line.split() for line in Path("/proc/mounts").read_text("utf-8").splitlines())
    above = {where: kind for _, where, kind, *_ in mounts if inside.is_relative_to(where.replace("\\040", " "))}
    return above[max(above, key=len)] if above else ""
