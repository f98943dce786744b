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
from typing import Literal

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
from station.snapshots.held import Loading, Snapshot

PEOPLE = int(os.environ.get("TQ_BENCH_PEOPLE", "1200000"))
WHOLE_PROVINCE = 1_200_000
CODES = 3
CHANGED = 0.05
ASKED = 2_000
ROUNDS = 11
LOADS = 3
PROCESSES = 3
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
    taken, bare = _alternate_loads(folder, whole, told)
    size = sum(path.stat().st_size for path in (folder / "card").iterdir()) * WHOLE_PROVINCE / PEOPLE / 1e6
    asked, selected = _ask(folder, told)
    memory = statistics.median(_memory(folder / "card") for _ in range(PROCESSES))
    part = delta.size / 1e6, whole.size / 1e6
    changed = len(range(0, PEOPLE, round(1 / CHANGED))) * CODES
    rows = [
        _row("card taken by 1.2 million people with three codes each", "MB", size, None, 250, "at_most", PEOPLE),
        _against(
            "whole snapshot taken in, beside a bare bulk insert of the same entries", "s", taken, bare, 2.0, LOADS
        ),
        _row("a day's change of 5 %, part of the whole", "MB", *part, 0.06, "at_most", changed),
        _rate("snapshot look-ups a second without the stretching", asked, selected, 0.5, ROUNDS * ASKED),
        _row("memory that looking up takes", "MiB", memory, None, 16, "at_most", PROCESSES),
        _row("one stretching on this machine", "ms", _stretching(), None, 150, "at_most", ROUNDS),
    ]
    shutil.rmtree(folder)
    return rows


def _row(
    name: str,
    unit: str,
    ours: float,
    against: float | None,
    bar: float,
    sense: Literal["at_most", "at_least"],
    n: int,
    ratio: float | None = None,
) -> Row:
    ratio = ours / against if ratio is None and against is not None else ratio
    judged = ours if ratio is None else ratio
    return Row(
        name=name,
        unit=unit,
        ours=round(ours, 3),
        against=None if against is None else round(against, 3),
        ratio=None if ratio is None else round(ratio, 3),
        bar=bar,
        sense=sense,
        n=n,
        holds=judged <= bar if sense == "at_most" else judged >= bar,
    )


def _against(name: str, unit: str, ours: list[float], bare: list[float], bar: float, n: int) -> Row:
    """At most ``bar`` times what the bare one took in the same round, in the middle of all rounds."""
    ratio = statistics.median(one / other for one, other in zip(ours, bare, strict=True))
    return _row(name, unit, statistics.median(ours), statistics.median(bare), bar, "at_most", n, ratio)


def _rate(name: str, ours: list[float], bare: list[float], bar: float, n: int) -> Row:
    """At least ``bar`` times as many a second as the bare one's, from microseconds each."""
    ratio = statistics.median(other / one for one, other in zip(ours, bare, strict=True))
    return _row(name, "1/s", 1e6 / statistics.median(ours), 1e6 / statistics.median(bare), bar, "at_least", n, ratio)


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


def _alternate_loads(folder: Path, whole: Manifest, told: Callable[[str], None]) -> tuple[list[float], list[float]]:
    """Seconds of ours and of the bare bulk insert, taking turns at being first; the last of each stays."""
    ours: list[float] = []
    bare: list[float] = []
    for number in range(LOADS):
        for is_ours in (number % 2 == 0, number % 2 == 1):
            if is_ours:
                shutil.rmtree(folder / "card", ignore_errors=True)
                begun = time.perf_counter()
                _load(folder / "card", folder / "whole.bin", whole)
                ours.append(time.perf_counter() - begun)
            else:
                (folder / "bare.db").unlink(missing_ok=True)
                bare.append(_bare_insert(folder / "bare.db", folder / "whole.bin", whole))
        told(f"taken in within {ours[-1]:.1f} s, a bare bulk insert of the same entries {bare[-1]:.1f} s")
    return ours, bare


def _bare_insert(path: Path, content: Path, manifest: Manifest) -> float:
    """The same entries in one transaction, as fast as SQLite does that: a new file needs no log.

    Reading the content and taking it apart is not counted; that it is on the disk at the end is.
    """
    took = 0.0
    db = sqlite3.connect(path, isolation_level=None)
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
    db.close()
    return took + time.perf_counter() - begun


def _ask(folder: Path, told: Callable[[str], None]) -> tuple[list[float], list[float]]:
    """Microseconds of a core for a look-up and for a bare SELECT by primary key, taking turns, on the same entries."""
    held = Snapshot(folder / "card")
    held.key = GROUP_KEY
    held.open()
    bare = sqlite3.connect(folder / "bare.db", isolation_level=None)
    luck = random.Random(1)  # which people
    ours: list[float] = []
    selected: list[float] = []
    for _ in range(2 * (_PLACES + _AREAS)):  # until the words are known, as at a gate after its first hours
        held.find(_slot(luck.randrange(PEOPLE), 0))
    for number in range(ROUNDS):
        asked = [_stretched(luck.randrange(PEOPLE), luck.randrange(CODES)) for _ in range(ASKED)]
        places = [snapshot.slot(stretched, GROUP_KEY).index for stretched in asked]
        for is_ours in (number % 2 == 0, number % 2 == 1):
            begun = time.thread_time()
            if is_ours:
                for stretched in asked:
                    held.find(snapshot.slot(stretched, GROUP_KEY))
            else:
                for place in places:
                    bare.execute("SELECT entry FROM entries WHERE place = ?", (place,)).fetchone()
            (ours if is_ours else selected).append((time.thread_time() - begun) / ASKED * 1e6)
    bare.close()
    held.close()
    told(f"a look-up takes {_spread(ours)} µs, a bare SELECT {_spread(selected)} µs")
    return ours, selected


def _spread(taken: list[float]) -> str:
    return f"{statistics.median(taken):.1f} ({min(taken):.1f} to {max(taken):.1f})"


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
