"""A province of synthetic people, written straight into the hub's own tables in one go.

Everybody has the citizen number that ``number`` gives for them, a My QR and the hub's own person key, a declaration
(every fifth one of entry as well) and a scan at a place.  The same seed gives the same people.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import sqlalchemy as sa
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from psycopg import sql

from bench.centre import PLACE, number
from core.model import Area, Scheme, Subject
from hub.storage.keyring import Keyring
from hub.storage.tables import declarations, identities, people, visits

SEED = 46
NOW = datetime.now(UTC)
CHUNK = 10_000
HOME = msgspec.json.encode(Area("63", "46", "474", "19777")).decode()
ORIGIN = msgspec.json.encode(Area("63", "01", "005", "00175")).decode()
NAMES = ("Nguyễn Thị Ánh", "Trần Văn Bình", "Lê Hữu Phước", "Phạm Thùy Diễm", "Tôn Thất Quang Khải", "Võ Như Hạnh")
SYMPTOMS = ("[]",) * 15 + ('["fever"]',)
CACHE_KIB = 2_000_000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = 86_400_000_000

Values = tuple[Any, ...]
TABLES: dict[str, tuple[str, ...]] = {
    people.name: ("id", "key", "ref", "name", "born", "sex", "nationality", "phone", "address"),
    identities.name: ("digest", "person", "scheme", "sealed"),
    declarations.name: (
        *("id", "person", "kind", "at", "symptoms", "exposures", "paper"),
        *("arrival", "origin", "destination", "details"),
    ),
    visits.name: ("id", "person", "at", "place", "direction", "outcome", "went_in"),
}
"""Which columns are filled, in this order."""


class Crowd:
    """Draws people's rows for each table, one person after another."""

    def __init__(self, ring: Keyring, now: datetime) -> None:
        self._ring = ring
        self._dice = random.Random(SEED)
        self._cipher = ChaCha20Poly1305(ring.registry)
        self._now = (now - _EPOCH) // timedelta(microseconds=1)

    def people(self, how_many: int) -> Iterator[dict[str, list[Values]]]:
        """Rows by table, a chunk of people at a time."""
        numbers = iter(range(how_many))
        while chunk := list(islice(numbers, CHUNK)):
            rows: dict[str, list[Values]] = {name: [] for name in TABLES}
            for person in chunk:
                self._draw(person, rows)
            rows[identities.name].sort()
            yield rows

    def _draw(self, person: int, rows: dict[str, list[Values]]) -> None:
        id, dice = person + 1, self._dice
        key, token = dice.randbytes(16), dice.randbytes(16).hex()
        rows[people.name].append((id, key, f"p{person}", dice.choice(NAMES), "1990-05-17", "male", "VN", "", HOME))
        codes = ((Scheme.CITIZEN, number(person)), (Scheme.TOKEN, token), (Scheme.PERSON, key.hex()))
        rows[identities.name] += [self._identity(id, Subject(*code)) for code in codes]
        at = self._now - dice.randrange(_DAY // 24, 5 * _DAY)
        said = (dice.choice(SYMPTOMS), "[]", False)
        rows[declarations.name].append((2 * id, id, "health", at, *said, None, "", "", "{}"))
        if person % 5 == 0:
            rows[declarations.name].append((2 * id + 1, id, "entry", at, *said, at + _DAY, ORIGIN, HOME, "{}"))
        rows[visits.name].append((id, id, at + _DAY // 48, PLACE, "in", "pass", 1))

    def _identity(self, person: int, subject: Subject) -> Values:
        digest, nonce = self._ring.digest(subject), self._dice.randbytes(12)
        box = nonce + self._cipher.encrypt(nonce, subject.value.encode(), digest)
        return digest, person, subject.scheme.value, box


def fill(path: Path, ring: Keyring, how_many: int, told: Callable[[str], None]) -> None:
    """Puts people into a hub's SQLite file that no hub has open; it is not safe against power cuts while it runs."""
    with sqlite3.connect(path, isolation_level=None) as file:
        for pragma in ("journal_mode = OFF", "synchronous = OFF", f"cache_size = -{CACHE_KIB}"):
            file.execute(f"PRAGMA {pragma}")
        file.execute("BEGIN")
        for done, rows in enumerate(Crowd(ring, NOW).people(how_many)):
            for name, columns in TABLES.items():
                marks = ", ".join("?" * len(columns))
                file.executemany(f"INSERT INTO {name} ({', '.join(columns)}) VALUES ({marks})", rows[name])
            if done % 10 == 9:
                told(f"  {(done + 1) * CHUNK:,} people written")
        file.execute("COMMIT")
        file.execute("PRAGMA journal_mode = WAL")


def copy(path: Path, url: str) -> None:
    """Brings the people of a SQLite file into a PostgreSQL database that has the hub's schema and nothing in it."""
    where = sa.make_url(url)
    with sqlite3.connect(path) as file, _connect(where) as target:
        for name, columns in TABLES.items():
            listed = sql.SQL(", ").join(map(sql.Identifier, columns))
            into = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(name), listed)
            with target.cursor().copy(into) as stream:
                for row in file.execute(f"SELECT {', '.join(columns)} FROM {name}"):
                    stream.write_row(_booleans(name, row))
            if "id" in columns:  # those that the hub adds go on from there
                target.execute(f"SELECT setval('{name}_id_seq', (SELECT max(id) FROM {name}))".encode())
        target.commit()
        target.autocommit = True
        target.execute("VACUUM ANALYZE")


def _booleans(table: str, row: Values) -> Values:
    return (*row[:6], bool(row[6]), *row[7:]) if table == declarations.name else row


def _connect(url: sa.URL) -> psycopg.Connection:
    return psycopg.connect(dbname=url.database, user=url.username, host=str(url.query["host"]))
