"""Erasing a person and giving them their own data: nothing is left behind, and what stays is still proven."""

import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa
from hub_stand import CITIZEN, Journal, journal_of, now
from kept import DAYS, NAME, STRANGER, count, erase, person_of, proven, take

from core.model import DeclarationKind, Scheme, Subject
from hub.citizens import drafts, guests
from hub.custody import erasing, holds, own_data
from hub.custody.keeping import keep
from hub.journals import intake, reading
from hub.register import registry
from hub.register.people import DeclarationRecord, FormDetails
from hub.register.standings import Standings
from hub.storage import citizen_tables, replies
from hub.storage.store import Store
from hub.storage.tables import declarations, identities, journal_rows, metadata, people, visits
from hub.storage.tables import replies as kept_answers


@pytest.fixture
def journal(ring):
    return journal_of(ring)


# erasing a person


def furnished_life(store, ring, journal):
    """A person with scans read, unread, waiting beside a gap and in conflict, and a child they declare for."""
    journal.write()
    journal.write(STRANGER)
    take(store, ring, journal)
    twin = Journal(journal.sealing_key)
    twin.write()
    take(store, ring, twin)
    for _ in range(3):
        journal.write()
    with store.writing() as connection:
        intake.take(connection, journal.batch(3, 3), now())
        intake.take(connection, journal.batch(5), now())
        child = {"key": bytes(16), "ref": "child", "name": "Bé", "born": "", "sex": "", "nationality": "VN"}
        added = connection.execute(
            sa.insert(people).values(**child, phone="", address="", guardian=person_of(store, ring))
        )
        for_child = DeclarationRecord(DeclarationKind.HEALTH, at=now(), details=FormDetails(declared_by="p1"))
        registry.declare(connection, added.inserted_primary_key[0], for_child)


def bytes_of(store, folder) -> bytes:
    """All that lies on disk, or for a server all that its tables say."""
    if store.url.startswith("sqlite"):
        return b"".join(path.read_bytes() for path in sorted(folder.glob("hub.sqlite*")))
    with store.reading() as connection:
        every = [tuple(row) for table in metadata.sorted_tables for row in connection.execute(sa.select(table))]
    return repr(every).encode()


def test_erasing_leaves_no_trace_of_a_person_in_the_files(peopled, ring, journal, tmp_path):
    furnished_life(peopled, ring, journal)
    person = person_of(peopled, ring)
    with peopled.reading() as connection:
        key = connection.scalar(sa.select(people.c.key).where(people.c.id == person))
        digest = ring.digest(Subject(Scheme.CITIZEN, CITIZEN))
        sealed = [raw for number, raw in enumerate(journal.raws, 1) if number != 2]
    secrets = [NAME.encode(), b"nguyen thi anh", key, key.hex().encode(), digest, b'"fever"', b"MYQR-ANH-0001"]
    secrets += [raw[raw.index(b'"sealed":"') + 10 :][:60] for raw in sealed]
    before = bytes_of(peopled, tmp_path)
    if peopled.url.startswith("sqlite"):
        assert all(secret in before for secret in (NAME.encode(), key, digest, b'"fever"'))
    counts = erase(peopled, ring, person)
    assert counts["people"] == 1
    assert peopled.settle()
    after = bytes_of(peopled, tmp_path)
    assert [secret for secret in secrets if secret in after] == []


def test_erasing_counts_every_row_that_named_the_person(peopled, ring, journal):
    furnished_life(peopled, ring, journal)
    counts = erase(peopled, ring, person_of(peopled, ring))
    assert counts == {
        "rows": 4,  # one read, one unread, one waiting, one in conflict
        "check-ins": 1,
        "declarations": 1,
        "former values": 0,
        "replies": 0,
        "made for others": 1,
        "phone": 0,
        "identities": 3,
        "holds": 0,
        "people": 1,
    }


def test_the_chain_holds_after_rows_were_emptied_and_those_that_waited_join_it(peopled, ring, journal):
    furnished_life(peopled, ring, journal)
    erase(peopled, ring, person_of(peopled, ring))
    take(peopled, ring, journal, first=4, last=4)
    held = proven(peopled)
    assert (held.missing, held.broken, held.through, held.emptied) == ((), (), 5, 4)  # row 4 came after the erasure


def test_a_changed_row_before_an_emptied_one_is_seen(peopled, ring, journal):
    journal.write(STRANGER)
    journal.write()
    journal.write(STRANGER)
    take(peopled, ring, journal)
    erase(peopled, ring, person_of(peopled, ring))
    with peopled.writing() as connection:
        raw = connection.scalar(sa.select(journal_rows.c.raw).where(journal_rows.c.seq == 1))
        forged = raw.replace(b'"pass"', b'"warn"')
        connection.execute(sa.update(journal_rows).where(journal_rows.c.seq == 1).values(raw=forged))
    assert [fault.problem for fault in proven(peopled).broken] == ["the row before this emptied one was changed"]


def with_a_phone(store, ring, person, number="0905123456"):
    """What a person's phone leaves: their number, a declaration by it, a code, an unfinished form, a kept answer."""
    with store.writing() as connection:
        connection.execute(sa.update(people).where(people.c.id == person).values(phone=number))
        own = sa.update(declarations).where(declarations.c.person == person).values(phone=ring.phone_digest(number))
        connection.execute(own)
        one = connection.scalar(sa.select(declarations.c.id).where(declarations.c.person == person))
        guest = guests.welcome(connection, ring, now(), phone=number)
        drafts.save(connection, ring, guest, drafts.begin(DeclarationKind.HEALTH, {"name": (NAME,)}), now())
        answer = f'{{"declaration":{one},"code":"TQ1:"}}'.encode()
        replies.keep(connection, ring, "client/x", "once", b"request", answer, now())
        other = f'{{"declaration":{one + 1},"code":"TQ1:"}}'.encode()
        replies.keep(connection, ring, "client/x", "twice", b"request", other, now())


def test_erasing_reaches_what_the_phone_left(peopled, ring):
    person = person_of(peopled, ring)
    with_a_phone(peopled, ring, person)
    counts = erase(peopled, ring, person)
    assert (counts["phone"], counts["replies"]) == (2, 1)
    left = [count(peopled, table) for table in (citizen_tables.drafts, citizen_tables.guests, kept_answers)]
    assert left == [0, 0, 1]


def test_a_phone_that_a_relative_carries_too_stays_with_them(peopled, ring):
    person = person_of(peopled, ring)
    with_a_phone(peopled, ring, person)
    with peopled.writing() as connection:
        relative = {"key": bytes(16), "name": "Bé", "born": "", "sex": "", "nationality": "VN", "address": ""}
        connection.execute(sa.insert(people).values(**relative, phone="0905123456"))
    assert erase(peopled, ring, person)["phone"] == 0
    assert count(peopled, citizen_tables.guests) == 1


def test_what_has_expired_goes_without_anybody_asking(peopled, ring):
    with_a_phone(peopled, ring, person_of(peopled, ring))
    counts = keep(peopled, DAYS, now() + timedelta(days=8))
    assert (counts["visits"], counts["drafts"], counts["replies"]) == (1, 1, 2)


def test_nobody_is_known_by_an_erased_persons_code(peopled, ring, journal):
    person = person_of(peopled, ring)
    erase(peopled, ring, person)
    standings = Standings(peopled.reader(), ring)
    assert standings.of(Subject(Scheme.CITIZEN, CITIZEN), now(), now()) is None
    standings.close()
    with peopled.writing() as connection, pytest.raises(erasing.Unknown):
        erasing.erase(connection, ring, person, "admin", now())


def test_a_row_that_is_read_while_its_person_is_being_erased_waits_and_then_names_nobody(peopled, ring, journal):
    person = person_of(peopled, ring)
    journal.write()
    with peopled.writing() as connection:
        intake.take(connection, journal.batch(), now())
    other = Store(peopled.url)
    failed = []

    def read():
        try:
            with other.writing() as connection:
                reading.read_pending(connection, ring, 10, now())
        except sa.exc.DBAPIError as error:
            failed.append(error)

    reader = threading.Thread(target=read, daemon=True)
    with peopled.writing() as connection:
        connection.execute(sa.select(people.c.id).where(people.c.id == person).with_for_update())
        reader.start()
        reader.join(0.5)
        assert reader.is_alive()
        connection.execute(sa.delete(declarations).where(declarations.c.person == person))
        connection.execute(sa.delete(identities).where(identities.c.person == person))
        connection.execute(sa.delete(people).where(people.c.id == person))
    reader.join(60)
    assert not reader.is_alive()
    other.close()
    assert failed == []
    with peopled.reading() as connection:
        assert connection.execute(sa.select(visits.c.person, visits.c.seq)).all() == [(None, 1)]


def test_every_table_that_points_at_a_person_is_reached_by_erasing():
    reached = {"identities", "declarations", "visits", "holds", "people", "corrections"}
    pointing = {
        table.name
        for table in metadata.sorted_tables
        for key in table.foreign_keys
        if key.column.table is people and key.ondelete != "CASCADE"  # which goes with the person by itself
    }
    assert pointing - reached == set()


# one's own data


def test_a_persons_own_data_is_whole_and_in_clear(peopled, ring, journal):
    journal.write()
    take(peopled, ring, journal)
    with peopled.writing() as connection:
        holds.place(connection, person_of(peopled, ring), "admin", "court order 7", now() + timedelta(days=1), now())
        mine = own_data.export(connection, ring, person_of(peopled, ring))
    assert mine["person"]["name"] == NAME
    assert {each["value"] for each in mine["identities"] if each["scheme"] != "person"} == {CITIZEN, "MYQR-ANH-0001"}
    assert [each["symptoms"] for each in mine["declarations"]] == [["fever"]]
    assert [each["place_name"] for each in mine["checkins"]] == ["Chợ Đông Ba"]
    assert [each["reason"] for each in mine["holds"]] == ["court order 7"]


def test_nobodys_data_is_given_out_for_a_number_that_is_not_registered(peopled, ring):
    with peopled.reading() as connection, pytest.raises(erasing.Unknown):
        own_data.export(connection, ring, 0)
