"""Snapshots as the hub builds them, held against what its own look-ups say."""

from datetime import datetime, timedelta

import msgspec
import pytest
import sqlalchemy as sa
from hub_stand import now

from core import keys, packing, snapshot, wire
from core.model import Scheme, Standing, Subject
from core.snapshot import Manifest
from hub.custody import erasing
from hub.errors import Unavailable
from hub.register import registry
from hub.register.standings import Standings
from hub.snapshots import building, secrets
from hub.snapshots.building import build
from hub.snapshots.shelf import Shelf
from hub.storage.snapshot_tables import snapshot_codes, snapshot_versions
from hub.storage.tables import identities, people
from hub.synthetic import province


def quiet(what: str, done: int, of: int) -> None:
    pass


class Card:
    """A station's card, as a dictionary."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf
        self.entries: dict[int, bytes] = {}
        self.words: dict[int, packing.Word] = {}
        self.manifest: Manifest | None = None

    def catch_up(self) -> list[int]:
        bases = []
        while True:
            have = self.manifest
            following = self.shelf.after(have.key if have else "", have.version if have else 0)
            if following is None:
                return bases
            bases.append(following.base)
            if following.base == 0:
                self.entries, self.words = {}, {}
            self._apply(following)
            self.manifest = following

    def _apply(self, manifest: Manifest) -> None:
        name = f"{manifest.key}-{manifest.version:05d}-{manifest.base:05d}"
        for number, piece in enumerate(manifest.pieces):
            raw = self.shelf.piece(name, number)
            assert raw is not None
            assert len(raw) == piece.size
            if number < manifest.words:
                self.words.update(msgspec.json.decode(raw, type=list[tuple[int, packing.Word]]))
                continue
            for place, entry in snapshot.read_records(raw):
                if entry:
                    self.entries[place] = entry
                else:
                    del self.entries[place]
        assert len(self.entries) == manifest.entries

    def look_up(self, ring, generation: bytes, subject: Subject) -> Standing | None:
        assert self.manifest is not None
        place = snapshot.slot(snapshot.stretch(subject, self.manifest.stretch), secrets.group_key(ring, generation))
        entry = self.entries.get(place.index)
        if entry is None:
            return None
        return packing.unpack(snapshot.open_entry(place, entry), self.words.get, self.manifest.as_of)


@pytest.fixture
def peopled(store, ring, monkeypatch):
    """A small province with every kind of standing in it, and a cheap stretching."""
    monkeypatch.setattr(secrets, "COST", 1 << 10)
    registry.import_people(store, ring, province.invent(1, 7, now(), ring.declaring).file)
    return store


@pytest.fixture
def shelf(tmp_path, ring):
    return Shelf(tmp_path / "snapshots", ring)


def generation_of(store) -> bytes:
    with store.reading() as connection:
        return building.newest(connection).generation


def subjects_of(store, ring) -> list[Subject]:
    with store.reading() as connection:
        rows = connection.execute(sa.select(identities).where(identities.c.retired.is_(None))).all()
    return [Subject(Scheme(row.scheme), ring.open_value(row.sealed, row.digest)) for row in rows]


def as_asked(store, ring, subject: Subject, at: datetime) -> Standing | None:
    with store.reading() as connection:
        said = Standings(connection, ring).of(subject, at, at)
    if said is None or subject.scheme is Scheme.TOKEN:
        return said
    return msgspec.structs.replace(said, name_masked="")


def whole_seconds(said: Standing | None) -> Standing | None:
    """As an entry keeps it: without fractions of a second, an arrival without seconds."""
    if said is None:
        return None
    groups = {}
    for name in ("destination", "health", "entry"):
        group = getattr(said, name)
        if group is not None:
            group = msgspec.structs.replace(group, at=group.at.replace(microsecond=0))
            if name == "entry" and group.arrival is not None:
                group = msgspec.structs.replace(group, arrival=group.arrival.replace(second=0, microsecond=0))
        groups[name] = group
    return msgspec.structs.replace(said, **groups)


def test_a_snapshot_says_of_everybody_what_a_look_up_says(peopled, ring, shelf):
    at = now()
    built = build(peopled, ring, shelf, at, quiet)
    card = Card(shelf)
    assert card.catch_up() == [0]
    everybody = subjects_of(peopled, ring)
    assert built.entries == len(everybody) == len(card.entries)
    for subject in everybody:
        said = card.look_up(ring, generation_of(peopled), subject)
        assert said == whole_seconds(as_asked(peopled, ring, subject, at))
        assert said is not None
    assert card.look_up(ring, generation_of(peopled), Subject(Scheme.CITIZEN, "046000000099")) is None


def test_a_second_version_brings_only_what_changed(peopled, ring, shelf):
    build(peopled, ring, shelf, now(), quiet)
    card = Card(shelf)
    card.catch_up()
    assert build(peopled, ring, shelf, now() + timedelta(minutes=1), quiet).changed == 0
    everybody = subjects_of(peopled, ring)
    with peopled.writing() as connection:
        gone = erasing.person_by(connection, ring, everybody[0])
        erasing.erase(connection, ring, gone, "test", now())
    left = subjects_of(peopled, ring)
    built = build(peopled, ring, shelf, now() + timedelta(minutes=2), quiet)
    assert built.changed == len(everybody) - len(left)
    assert card.catch_up() == [1, 2]
    assert card.look_up(ring, generation_of(peopled), everybody[0]) is None
    assert card.look_up(ring, generation_of(peopled), left[0]) is not None
    assert build(peopled, ring, shelf, now() + timedelta(minutes=3), quiet).changed == 0
    with peopled.reading() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(snapshot_codes)) == len(left)


def test_a_version_that_was_broken_off_loses_no_change(peopled, ring, shelf, monkeypatch):
    build(peopled, ring, shelf, now(), quiet)
    card = Card(shelf)
    card.catch_up()
    everybody = subjects_of(peopled, ring)
    with peopled.writing() as connection:
        erasing.erase(connection, ring, erasing.person_by(connection, ring, everybody[0]), "test", now())
    monkeypatch.setattr(building, "_publish", lambda *given: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        build(peopled, ring, shelf, now() + timedelta(minutes=1), quiet)
    monkeypatch.undo()
    assert build(peopled, ring, shelf, now() + timedelta(minutes=2), quiet).version == 2
    assert card.catch_up() == [1]
    assert card.look_up(ring, generation_of(peopled), everybody[0]) is None


def test_a_database_that_went_back_begins_a_new_generation(peopled, ring, shelf):
    for minute in range(3):
        build(peopled, ring, shelf, now() + timedelta(minutes=minute), quiet)
    card = Card(shelf)
    card.catch_up()
    before = generation_of(peopled)
    with peopled.writing() as connection:
        connection.execute(sa.delete(snapshot_versions).where(snapshot_versions.c.version > 1))
    built = build(peopled, ring, shelf, now() + timedelta(minutes=5), quiet)
    assert built.version == 1
    assert generation_of(peopled) != before
    assert card.catch_up() == [0]


def test_a_new_generation_opens_with_a_new_key_only(peopled, ring, shelf):
    build(peopled, ring, shelf, now(), quiet)
    card = Card(shelf)
    card.catch_up()
    before = generation_of(peopled)
    with peopled.writing() as connection:
        connection.execute(sa.insert(snapshot_versions).values(building.fresh(now() + timedelta(minutes=1))))
    assert build(peopled, ring, shelf, now() + timedelta(minutes=2), quiet).version == 1
    assert card.catch_up() == [0]
    subject = subjects_of(peopled, ring)[0]
    assert card.look_up(ring, before, subject) is None
    assert card.look_up(ring, generation_of(peopled), subject) is not None


def test_a_station_far_behind_gets_a_whole_one(peopled, ring, shelf):
    for minute in range(8):
        build(peopled, ring, shelf, now() + timedelta(minutes=minute), quiet, whole=minute % 3 == 0)
    late = Card(shelf)
    late.catch_up()
    assert late.manifest is not None
    assert late.manifest.version == 8
    assert [one.version for one in shelf.known() if one.base == 0] == [4, 7]
    assert all(one.version >= 4 for one in shelf.known())
    assert shelf.after(late.manifest.key, 2).base == 0


def test_two_never_build_at_once(peopled, ring, shelf):
    with shelf.building(), pytest.raises(Unavailable, match="already"):
        build(peopled, ring, shelf, now(), quiet)


def test_a_manifest_is_signed_and_nothing_else_is_served(peopled, ring, shelf, tmp_path):
    (name,) = build(peopled, ring, shelf, now(), quiet).names
    document = shelf.document(shelf.known()[0])
    assert wire.decode(keys.verify(ring.policy_public, document), Manifest) == shelf.known()[0]
    assert [shelf.piece(name, 999), shelf.piece("../keys/signing", 0), shelf.piece(name.replace("1", "2"), 0)] == [
        None
    ] * 3


def test_no_name_and_no_number_is_in_the_content(peopled, ring, shelf):
    build(peopled, ring, shelf, now(), quiet)
    raw = b"".join(path.read_bytes() for path in shelf.folder.iterdir())
    with peopled.reading() as connection:
        names = connection.scalars(sa.select(people.c.name)).all()
    assert not [name for name in names if name.encode() in raw]
    assert not [subject for subject in subjects_of(peopled, ring) if subject.value.encode() in raw]
