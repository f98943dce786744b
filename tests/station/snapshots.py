"""A centre that offers snapshots of invented people, and what brings them to a station's folder."""

import base64
import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec

from core import keys, packing, snapshot, wire
from core.model import CodeKind, Credential, HealthGroup, Scheme, Standing, Subject
from core.packing import Word
from core.snapshot import Manifest, Offer, Piece, Record, Stretch
from station.errors import HubUnreachable
from station.lookup import Lookups
from station.snapshots.held import Snapshot
from station.snapshots.loop import SnapshotLoop

SIGNER, PINNED = keys.new_signing_key()
GROUP_KEY = bytes(range(32))
HOW = Stretch(base64.b64encode(b"salt" * 4).decode(), cost=1 << 10)
NOW = datetime(2021, 6, 1, 2, 3, 4, tzinfo=UTC)


def name_of(number: int) -> str:
    return hashlib.blake2b(b"%d" % number, digest_size=16).hexdigest()


def somebody(number: int) -> Subject:
    return Subject(Scheme.PERSON, name_of(number))


def standing(number: int, *, day: int = 0) -> Standing:
    return Standing(name_of(number), NOW, health=HealthGroup(NOW - timedelta(days=2 - day)))


@dataclass
class Centre:
    """What a hub offers, and a line to it that can be cut."""

    offers: dict[tuple[int, str], tuple[Manifest, list[bytes]]] = field(default_factory=dict)
    words: list[Word] = field(default_factory=list)
    cut_after: int | None = None
    fetched: list[int] = field(default_factory=list)
    spoil: bool = False
    signer: bytes = SIGNER
    key: bytes = GROUP_KEY
    asked: list[tuple[int, str]] = field(default_factory=list)
    asking: Callable[[], object] | None = None
    between: Callable[[], object] | None = None

    def publish(self, version: int, base: int, changes: dict[int, Standing | None], *, day: int = 0, entries: int = 0):
        records = []
        for number, known in changes.items():
            place = snapshot.slot(snapshot.stretch(somebody(number), HOW), self.key)
            packed = b"" if known is None else snapshot.seal(place, version, packing.pack(known, self.number))
            records.append(Record(place.index, packed))
        records.sort(key=lambda record: record.index)
        half = len(records) // 2
        words = msgspec.json.encode(list(enumerate(self.words, 1)))
        pieces = [words, *(snapshot.write_records(some) for some in (records[:half], records[half:]) if some)]
        manifest = Manifest(
            "all",
            version,
            base,
            NOW + timedelta(days=day),
            snapshot.key_name(self.key),
            HOW,
            entries or len(records),
            1,
            tuple(Piece(len(raw), hashlib.sha256(raw).hexdigest()) for raw in pieces),
        )
        self.offers[(base, snapshot.key_name(self.key) if base else "")] = (manifest, pieces)

    def number(self, word: Word) -> int:
        if word not in self.words:
            self.words.append(word)
        return self.words.index(word) + 1

    def offer(self, have: int, key: str, *, need_key: bool, deadline: float) -> Offer:
        self.asked.append((have, key))
        if self.asking is not None:
            self.asking()
        found = self.offers.get((have, key))
        told = keys.encode_key(self.key) if need_key else ""
        if found is None:
            return Offer(key=told)
        return Offer(keys.sign(self.signer, wire.encode(found[0])), f"{have}/{key}", told)

    def piece(self, name: str, number: int, size: int, deadline: float) -> bytes:
        if self.between is not None:
            self.between()
        if self.cut_after is not None and len(self.fetched) >= self.cut_after:
            raise HubUnreachable("hub", "the line was cut")
        self.fetched.append(number)
        have, _, key = name.partition("/")
        raw = self.offers[(int(have), key)][1][number]
        return raw[:-1] + bytes([raw[-1] ^ 1]) if self.spoil else raw


def loop_of(held: Snapshot, centre: Centre, *, keep: str = "card") -> SnapshotLoop:
    return SnapshotLoop(held, centre, PINNED, every=1, keep_key=keep)


def bring(held: Snapshot, centre: Centre) -> bool:
    return loop_of(held, centre).step(threading.Event())


def credential(number: int) -> Credential:
    return Credential(CodeKind.OPAQUE, somebody(number))


def lookups_over(held: Snapshot) -> Lookups:
    return Lookups(None, deadline=1, skip_seconds=1, monotonic=lambda: 0.0, holding=held)
