"""The province's standings on a card: how large, how fast taken in, how fast asked, how large a day's change.

1.2 million people with three codes each, in believable proportions of what is known of them, sealed as a hub seals
them (stretched identities are random bytes: stretching has a row of its own).  The bare table holds the same bytes
under the same keys.  ``TQ_BENCH_PEOPLE`` measures fewer; sizes are then told in proportion.
"""

from __future__ import annotations

import base64
import hashlib
import os
import random
import shutil
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path

import msgspec

from bench.rows import Row
from core import packing, snapshot
from core.model import (
    Area,
    DestinationGroup,
    EntryGroup,
    HealthGroup,
    Scheme,
    Standing,
    Subject,
)
from core.packing import Word
from core.snapshot import Manifest, Piece, Record, Slot, Stretch
from hub.snapshots.sorting import Heaps
from station.snapshot import Loading, Snapshot

PEOPLE = int(os.environ.get("TQ_BENCH_PEOPLE", "1200000"))
WHOLE_PROVINCE = 1_200_000
CODES = 3
CHANGED = 0.05
ASKED = 2_000
ROUNDS = 7
GROUP_KEY = bytes(range(32))
HOW = Stretch(base64.b64encode(b"bench" * 4).decode())
NOW = datetime(2021, 6, 1, tzinfo=UTC)
_PLACES = 5_000
_AREAS = 2_000


def measure(folder: Path, told: Callable[[str], None]) -> list[Row]:
    """Six rows."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    begun = time.process_time()
    whole = _content(folder / "whole.bin", 1, range(PEOPLE), 0)
    delta = _content(folder / "delta.bin", 2, range(0, PEOPLE, round(1 / CHANGED)), 1)
    sealed = time.process_time() - begun
    told(
        f"{PEOPLE} people: {whole.size / 1e6:.1f} MB to fetch, {sealed / PEOPLE * 1e6:.0f} µs of a core a person sealed"
    )
    bare_seconds = _bare_insert(folder / "bare.db", folder / "whole.bin", whole)
    begun = time.perf_counter()
    _load(folder / "card", folder / "whole.bin", whole)
    took = time.perf_counter() - begun
    told(f"taken in within {took:.1f} s, a bare bulk insert of the same rows {bare_seconds:.1f} s")
    size = sum(path.stat().st_size for path in (folder / "card").iterdir()) * WHOLE_PROVINCE / PEOPLE / 1e6
    ours, bare = _ask(folder, told)
    rows = [
        _row("card taken by 1.2 million people with three codes each", "MB", size, None, 250, "at_most", PEOPLE),
        _row("whole snapshot taken in, seconds", "s", took, bare_seconds, 2.0, "at_most", 1),
        _row("a day's change of 5 %, part of the whole", "MB", delta.size / 1e6, whole.size / 1e6, 0.06, "at_most", 1),
        _row(
            "snapshot look-ups a second without the stretching", "1/s", 1e6 / ours, 1e6 / bare, 0.5, "at_least", ASKED
        ),
        _row("memory that looking up takes", "MiB", _memory(folder / "card"), None, 16, "at_most", ASKED),
        _row("one stretching on this machine", "ms", _stretching(), None, 150, "at_most", ROUNDS),
    ]
    shutil.rmtree(folder)
    return rows


def _row(name: str, unit: str, ours: float, against: float | None, bar: float, sense: str, n: int) -> Row:
    ratio = None if against is None else ours / against
    judged = ours if ratio is None else ratio
    return Row(
        name=name,
        unit=unit,
        ours=round(ours, 3),
        against=None if against is None else round(against, 3),
        ratio=None if ratio is None else round(ratio, 3),
        bar=bar,
        sense="at_most" if sense == "at_most" else "at_least",
        n=n,
        holds=judged <= bar if sense == "at_most" else judged >= bar,
    )


def _stretched(person: int, code: int) -> bytes:
    return hashlib.blake2b(b"%d/%d" % (person, code), digest_size=32).digest()


def _slot(person: int, code: int) -> Slot:
    return snapshot.slot(_stretched(person, code), GROUP_KEY)


def _standing(person: int, version: int) -> Standing:
    """Nine in ten declared, seven in ten were somewhere, one in four came from elsewhere."""
    luck = random.Random(person * 7 + version)  # believable, not secret
    at = NOW - timedelta(seconds=luck.randrange(14 * 86_400))
    place = luck.randrange(_PLACES)
    return Standing(
        hashlib.blake2b(b"%d" % person, digest_size=16).hexdigest(),
        NOW,
        destination=DestinationGroup(at, f"place-{place}", f"Địa điểm {place}") if luck.random() < 0.7 else None,
        health=HealthGroup(at) if luck.random() < 0.9 else None,
        entry=EntryGroup(at, at, _area(luck), _area(luck)) if luck.random() < 0.25 else None,
    )


def _area(luck: random.Random) -> Area:
    return Area("63", "46", "474", f"{luck.randrange(_AREAS):05d}")


class _Words:
    """Numbers of words, as a hub's."""

    def __init__(self) -> None:
        self.known: dict[Word, int] = {}

    def number(self, word: Word) -> int:
        return self.known.setdefault(word, len(self.known) + 1)


_words = _Words()


def _content(path: Path, version: int, people: range, base: int) -> Manifest:
    pieces = []
    with Heaps(path.parent) as heaps, path.open("wb") as file:
        for person in people:
            plain = packing.pack(_standing(person, version), _words.number)
            for code in range(CODES):
                place = _slot(person, code)
                heaps.add(Record(place.index, snapshot.seal(place, version, plain)))
        words = [msgspec.json.encode([(number, word) for word, number in _words.known.items()])] if base == 0 else []
        for raw in chain(words, heaps.pieces()):
            file.write(raw)
            pieces.append(Piece(len(raw), hashlib.sha256(raw).hexdigest()))
    entries = PEOPLE * CODES
    key = snapshot.key_name(GROUP_KEY)
    return Manifest("all", version, base, NOW + timedelta(days=version), key, HOW, entries, len(words), tuple(pieces))


def _pieces(path: Path, manifest: Manifest, *, words: bool = True) -> Iterator[bytes]:
    with path.open("rb") as file:
        for number, piece in enumerate(manifest.pieces):
            raw = file.read(piece.size)
            if words or number >= manifest.words:
                yield raw


def _load(folder: Path, content: Path, manifest: Manifest) -> None:
    loading = Loading(folder, manifest)
    for raw in _pieces(content, manifest):
        loading.take(raw)
    loading.finish()


def _bare_insert(path: Path, content: Path, manifest: Manifest) -> float:
    """The same rows in one transaction; reading the content is not counted."""
    took = 0.0
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    db.execute("CREATE TABLE entries (place INTEGER PRIMARY KEY, entry BLOB NOT NULL)")
    db.execute("BEGIN")
    for raw in _pieces(content, manifest, words=False):
        records = list(snapshot.read_records(raw))
        begun = time.perf_counter()
        db.executemany("INSERT INTO entries VALUES (?, ?)", records)
        took += time.perf_counter() - begun
    begun = time.perf_counter()
    db.execute("COMMIT")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    return took + time.perf_counter() - begun


def _ask(folder: Path, told: Callable[[str], None]) -> tuple[float, float]:
    """Microseconds of a core for a look-up and for a bare SELECT by primary key, alternating, on the same rows."""
    held = Snapshot(folder / "card")
    held.key = GROUP_KEY
    held.open()
    bare = sqlite3.connect(folder / "bare.db", isolation_level=None)
    luck = random.Random(1)  # which people
    ours_taken, bare_taken = [], []
    for _ in range(2 * (_PLACES + _AREAS)):  # until the words are known, as at a gate after its first hours
        held.find(_slot(luck.randrange(PEOPLE), 0))
    for _ in range(ROUNDS):
        asked = [_stretched(luck.randrange(PEOPLE), luck.randrange(CODES)) for _ in range(ASKED)]
        places = [snapshot.slot(stretched, GROUP_KEY).index for stretched in asked]
        begun = time.thread_time()
        for place in places:
            bare.execute("SELECT entry FROM entries WHERE place = ?", (place,)).fetchone()
        bare_taken.append((time.thread_time() - begun) / ASKED * 1e6)
        begun = time.thread_time()
        for stretched in asked:
            held.find(snapshot.slot(stretched, GROUP_KEY))
        ours_taken.append((time.thread_time() - begun) / ASKED * 1e6)
    bare.close()
    held.close()
    ours, against = statistics.median(ours_taken), statistics.median(bare_taken)
    told(f"a look-up takes {ours:.1f} µs, a bare SELECT {against:.1f} µs")
    return ours, against


def _memory(card: Path) -> float:
    """MiB that opening the snapshot and many look-ups add to a process of its own."""
    script = f"from pathlib import Path\nimport bench.offline as b\nprint(b.asked_memory(Path({str(card)!r})))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return float(done.stdout)


def asked_memory(card: Path) -> float:
    """In a fresh process: resident memory after many look-ups, less what it was before the snapshot was opened."""
    before = _resident()
    held = Snapshot(card)
    held.open()
    luck = random.Random(2)  # which people
    for _ in range(ASKED):
        held.find(_slot(luck.randrange(PEOPLE), luck.randrange(CODES)))
    grown = _resident() - before
    held.close()
    return grown


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def _stretching() -> float:
    taken = []
    for number in range(ROUNDS):
        begun = time.perf_counter()
        snapshot.stretch(Subject(Scheme.CITIZEN, f"{number:012d}"), HOW)
        taken.append((time.perf_counter() - begun) * 1000)
    return statistics.median(taken)
