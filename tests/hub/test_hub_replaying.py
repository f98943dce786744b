"""Whoever was erased stays erased: after a restore, and when stations bring rows of before."""

import shutil
from datetime import timedelta

import pytest
import sqlalchemy as sa
from hub_stand import CITIZEN, furnish, journal_of, now
from kept import STRANGER, count, person_of, proven, take

from core.model import Scheme, Subject
from hub.config import KeepingSettings, Settings
from hub.custody import backups, erasing, holds, keeper, replaying, restoring
from hub.custody.keeping import recorded
from hub.erasure import ledger
from hub.errors import DataError
from hub.opening import open_store
from hub.register import people, registry
from hub.storage.keeping_tables import erased
from hub.storage.store import Store
from hub.storage.tables import identities, journal_rows, visits
from hub.storage.tables import people as people_table

PASSPHRASE = "twelve letters at least"
AGAIN = b"""{"people": [{"ref": "p1", "name": "Nguy\xe1\xbb\x85n Th\xe1\xbb\x8b \xc3\x81nh",
    "identities": [{"scheme": "citizen", "value": "046193990001"}]}]}"""


@pytest.fixture(params=["sqlite", "postgres"])
def hubs(request, tmp_path):
    """Settings of a hub and of an empty one; the list of erasures lies on another disk."""
    given = [Settings(data=str(tmp_path / name), keeping=KeepingSettings(erasures=str(tmp_path / f"{name}.jsonl")))
             for name in ("old", "new")]  # fmt: skip
    if request.param == "sqlite":
        yield given
        return
    server = request.getfixturevalue("postgres")
    urls = [server.make() for _ in given]
    yield [Settings(each.data, url, keeping=each.keeping) for each, url in zip(given, urls, strict=True)]
    for url in urls:
        server.drop(url)


@pytest.fixture
def old(hubs):
    """A hub with a person who checked in; its store, keys and the station's journal."""
    furnish(hubs[0].folder, "s1", database=hubs[0].database)
    store, ring = open_store(hubs[0])
    journal = journal_of(ring)
    journal.write()
    journal.write(STRANGER)
    take(store, ring, journal)
    yield store, ring, journal
    store.close()


def erase(settings, store, ring):
    person = person_of(store, ring)
    with store.writing() as connection:
        counts = erasing.erase(connection, ring, person, "admin", now())
    erasing.settle(store, ring, settings.erasures)
    return counts


def whose(store):
    """Whom each visit names, in the order of its row."""
    with store.reading() as connection:
        return [
            tuple(row)
            for row in connection.execute(sa.select(visits.c.person, visits.c.identity).order_by(visits.c.seq))
        ]


def test_whoever_was_erased_after_the_backup_is_erased_again_at_restore(hubs, old, tmp_path):
    store, ring, journal = old
    backups.write(hubs[0], tmp_path / "b", PASSPHRASE, now())
    journal.write()
    take(store, ring, journal)
    erase(hubs[0], store, ring)
    restored = restoring.read(hubs[1], tmp_path / "b", PASSPHRASE, now(), [hubs[0].erasures])
    assert (restored.label.people, restored.erased_again) == (1, 1)
    new, ring = open_store(hubs[1])
    assert [count(new, table) for table in (people_table, identities)] == [0, 0]
    take(new, ring, journal)  # the station sends again what the backup did not have
    assert [person for person, _ in whose(new)] == [None, None]
    assert [identity for _, identity in whose(new)] == [whose(store)[0][1], None]  # the stranger's, and nobody's
    held = proven(new)
    assert (held.whole, held.emptied, held.through) == (True, 2, 3)
    assert [line.cause for line in _record(new)] == ["repeated"]
    assert ledger.read(hubs[1].erasures, ring) == ledger.read(hubs[0].erasures, ring)
    new.close()


def _record(store):
    with store.reading() as connection:
        return recorded(connection)


def test_the_list_in_a_newer_backup_does_as_well(hubs, old, tmp_path):
    store, ring, _ = old
    backups.write(hubs[0], tmp_path / "evening", PASSPHRASE, now())
    erase(hubs[0], store, ring)
    backups.write(hubs[0], tmp_path / "night", PASSPHRASE, now())
    assert restoring.read(hubs[1], tmp_path / "evening", PASSPHRASE, now(), [tmp_path / "night"]).erased_again == 1


def test_whoever_came_back_after_being_erased_is_not_erased_again(hubs, old, tmp_path):
    store, ring, journal = old
    erase(hubs[0], store, ring)
    registry.import_people(store, ring, people.parse(AGAIN, "again.json"))
    backups.write(hubs[0], tmp_path / "b", PASSPHRASE, now())
    assert restoring.read(hubs[1], tmp_path / "b", PASSPHRASE, now(), [hubs[0].erasures]).erased_again == 0
    new, ring = open_store(hubs[1])
    journal.write(at=now() + timedelta(seconds=1))
    take(new, ring, journal)
    assert [person is None for person, _ in whose(new)] == [True, False]  # a new scan is the new record's
    new.close()


def test_a_hold_that_was_lifted_before_the_erasure_does_not_bring_anybody_back(hubs, old, tmp_path):
    store, ring, _ = old
    with store.writing() as connection:
        hold = holds.place(
            connection, person_of(store, ring), "admin", "court order 7", now() + timedelta(days=9), now()
        )
    backups.write(hubs[0], tmp_path / "b", PASSPHRASE, now())
    with store.writing() as connection:
        holds.release(connection, hold, "admin", now())
    erase(hubs[0], store, ring)
    assert restoring.read(hubs[1], tmp_path / "b", PASSPHRASE, now(), [hubs[0].erasures]).erased_again == 1


def test_a_database_put_back_by_other_means_catches_up_when_the_hub_starts(peopled, ring, tmp_path):
    settings = Settings(data=str(tmp_path))
    erase(settings, peopled, ring)
    registry.import_people(peopled, ring, people.parse(AGAIN, "again.json"))
    assert keeper.catch_up(peopled, ring, settings, now()) == 0  # this database went through it
    with peopled.writing() as connection:
        connection.execute(sa.delete(erased))  # as one of last night would be
    assert keeper.catch_up(peopled, ring, settings, now()) == 1
    assert count(peopled, people_table) == 0
    assert keeper.catch_up(peopled, ring, settings, now()) == 0


def test_a_row_of_before_an_erasure_that_comes_late_counts_and_names_nobody(peopled, ring):
    journal = journal_of(ring)
    journal.write()
    journal.write(STRANGER)
    with peopled.writing() as connection:
        erasing.erase(connection, ring, person_of(peopled, ring), "admin", now())
    journal.write(at=now() + timedelta(seconds=1))
    take(peopled, ring, journal)
    assert [identity is None for _, identity in whose(peopled)] == [True, False, False]
    with peopled.reading() as connection:
        assert [not raw for raw in connection.scalars(sa.select(journal_rows.c.raw).order_by(journal_rows.c.seq))] == [
            True,
            False,
            False,
        ]


def test_the_list_names_nobody_and_is_only_its_owners_to_read(peopled, ring, tmp_path):
    settings = Settings(data=str(tmp_path))
    digest = ring.digest(Subject(Scheme.CITIZEN, CITIZEN))
    erase(settings, peopled, ring)
    raw = settings.erasures.read_bytes()
    assert [word for word in (CITIZEN.encode(), digest.hex().encode(), digest) if word in raw] == []
    assert settings.erasures.stat().st_mode & 0o777 == 0o600
    assert len(ledger.read(settings.erasures, ring)) == 1


def test_a_list_that_was_changed_or_is_anothers_is_refused_and_one_half_written_is_mended(peopled, ring, tmp_path):
    settings = Settings(data=str(tmp_path))
    erase(settings, peopled, ring)
    raw = settings.erasures.read_bytes()
    known = ledger.decode(raw, ring, "list")
    (entry,) = known.values()
    flipped = raw.replace(entry.digests[0].encode(), b"0" * 32)
    for spoilt, problem in (
        (flipped, "line 2: was changed"),
        (b"{}\n", "no list of erasures"),
        (raw + b"x\n", "line 3"),
    ):
        with pytest.raises(DataError, match=problem):
            ledger.decode(spoilt, ring, "list")
    assert ledger.decode(raw + b'{"erasu', ring, "list") == known  # the power went
    settings.erasures.write_bytes(raw + b'{"erasu')
    with peopled.writing() as connection:
        ledger.note(connection, [ledger.entry(ring, [bytes(16)], now())])
    ledger.copy(peopled, ring, settings.erasures)
    assert len(ledger.read(settings.erasures, ring)) == 2


def test_an_erasure_is_kept_for_its_days_and_then_goes_from_table_and_file(peopled, ring, tmp_path):
    settings = Settings(data=str(tmp_path))
    erase(settings, peopled, ring)
    counts = keeper.carry_out(peopled, ring, settings, now() + timedelta(days=181))
    assert counts["erasures"] == 1
    assert ledger.read(settings.erasures, ring) == {}
    assert count(peopled, erased) == 0


def test_an_erasure_that_is_too_old_to_be_kept_is_not_repeated(peopled, ring, tmp_path):
    settings = Settings(data=str(tmp_path))
    old = ledger.entry(ring, [ring.digest(Subject(Scheme.CITIZEN, CITIZEN))], now() - timedelta(days=200))
    settings.erasures.write_bytes(ledger.encode([old]))
    assert keeper.catch_up(peopled, ring, settings, now()) == 0
    assert replaying.catch_up(peopled, ring, settings.erasures, now() - timedelta(days=300), now()) == 1


def test_a_restore_without_its_list_is_refused_by_name(hubs, old, tmp_path):
    backups.write(hubs[0], tmp_path / "b", PASSPHRASE, now())
    (tmp_path / "list").write_text("nonsense")
    with pytest.raises(DataError, match="no list of erasures"):
        restoring.read(hubs[1], tmp_path / "b", PASSPHRASE, now(), [tmp_path / "list"])
    assert not (hubs[1].folder / "keys").exists()
    shutil.rmtree(hubs[1].folder)
    store = Store(hubs[1].database_url) if hubs[1].database else None
    if store is not None:
        with store.reading() as connection:
            assert sa.inspect(connection).get_table_names() == []
        store.close()
