"""Retention and legal holds: what is due goes for good, what is held stays, and chains hold all the while."""

import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa
from hub_stand import Journal, command, furnish, journal_of, now, until
from kept import DAYS, count, days_ago, erase, old_and_new, person_of, proven, take

from core.model import DeclarationKind
from hub.config import Settings
from hub.custody import holds, keeping
from hub.custody.keeper import Keeper
from hub.custody.keeping import keep
from hub.errors import DataError
from hub.journals import intake
from hub.opening import open_store
from hub.register import registry
from hub.register.people import DeclarationRecord, VisitRecord
from hub.storage.keeping_tables import erasures
from hub.storage.tables import conflicting_rows, declarations, journal_rows, people, visits, waiting_rows


@pytest.fixture
def journal(ring):
    return journal_of(ring)


def test_check_ins_past_their_days_go_with_their_rows_and_younger_ones_stay(peopled, ring, journal):
    old_and_new(peopled, ring, journal)
    counts = keep(peopled, DAYS, now())
    assert (counts["rows"], counts["check-ins"]) == (3, 3)
    assert (count(peopled, journal_rows), count(peopled, visits)) == (2, 2)


def test_the_chain_is_proven_from_the_kept_anchor_on(peopled, ring, journal):
    old_and_new(peopled, ring, journal)
    keep(peopled, DAYS, now())
    held = proven(peopled)
    assert (held.whole, held.first, held.through) == (True, 4, 5)


def test_a_changed_row_behind_the_anchor_is_still_seen(peopled, ring, journal):
    old_and_new(peopled, ring, journal)
    keep(peopled, DAYS, now())
    with peopled.writing() as connection:
        raw = connection.scalar(sa.select(journal_rows.c.raw).where(journal_rows.c.seq == 4))
        forged = raw.replace(b'"pass"', b'"warn"')
        connection.execute(sa.update(journal_rows).where(journal_rows.c.seq == 4).values(raw=forged))
    assert [fault.seq for fault in proven(peopled).broken] == [5]


def test_a_missing_row_right_behind_the_anchor_is_named(peopled, ring, journal):
    old_and_new(peopled, ring, journal)
    keep(peopled, DAYS, now())
    with peopled.writing() as connection:
        connection.execute(sa.delete(journal_rows).where(journal_rows.c.seq == 4))
    assert proven(peopled).missing == ((4, 4),)


def test_a_row_that_is_gone_and_comes_again_changes_nothing(peopled, ring, journal):
    old_and_new(peopled, ring, journal)
    keep(peopled, DAYS, now())
    take(peopled, ring, journal)
    assert (count(peopled, journal_rows), count(peopled, conflicting_rows)) == (2, 0)


def test_an_unread_row_is_never_erased_before_it_was_opened(peopled, ring, journal):
    journal.write(at=days_ago(30))
    with peopled.writing() as connection:
        intake.take(connection, journal.batch(), days_ago(30))
    assert keep(peopled, DAYS, now())["rows"] == 0
    assert count(peopled, journal_rows) == 1


def test_dead_letters_conflicts_and_waiting_rows_go_too(peopled, ring, journal):
    journal.keep(b'"no row"')
    twin = Journal(journal.sealing_key)
    twin.write()
    take(peopled, ring, journal, days_ago(30))
    take(peopled, ring, twin, days_ago(30))
    journal.write()
    journal.write()
    take(peopled, ring, journal, days_ago(30), first=3)
    assert (count(peopled, conflicting_rows), count(peopled, waiting_rows)) == (1, 1)
    counts = keep(peopled, DAYS, now())
    assert (counts["rows"], counts["conflicts"], counts["waiting"]) == (1, 1, 1)
    assert [count(peopled, each) for each in (journal_rows, conflicting_rows, waiting_rows)] == [0, 0, 0]


def test_a_row_that_arrived_late_is_emptied_with_its_scan(peopled, ring, journal):
    journal.write(at=days_ago(30))
    journal.write()
    take(peopled, ring, journal, days_ago(1))
    keep(peopled, DAYS, now())
    held = proven(peopled)
    assert (held.whole, held.emptied, held.through) == (True, 1, 2)
    assert count(peopled, visits) == 1


def test_old_and_long_withdrawn_declarations_go(peopled, ring):
    person = person_of(peopled, ring)
    with peopled.writing() as connection:
        connection.execute(sa.delete(declarations))
        for days in (1, 30, 100):
            registry.declare(connection, person, DeclarationRecord(DeclarationKind.HEALTH, at=days_ago(days)))
        withdrawn = sa.update(declarations).where(declarations.c.at < days_ago(20), declarations.c.at > days_ago(50))
        connection.execute(withdrawn.values(withdrawn=days_ago(25)))
    assert keep(peopled, DAYS, now())["declarations"] == 2
    assert count(peopled, declarations) == 1


def test_more_than_one_transactions_worth_is_erased_in_one_run(peopled, ring, monkeypatch):
    monkeypatch.setattr(keeping, "A_TRANSACTION", 2)
    person = person_of(peopled, ring)
    with peopled.writing() as connection:
        for minute in range(7):
            registry.visited(connection, person, VisitRecord(days_ago(30) + timedelta(minutes=minute), "cho"))
    assert keep(peopled, DAYS, now())["check-ins"] == 7
    assert count(peopled, visits) == 0


def test_the_record_says_how_many_went_and_when_and_names_nobody(peopled, ring, journal):
    old_and_new(peopled, ring, journal)
    keep(peopled, DAYS, now())
    with peopled.reading() as connection:
        (line,) = keeping.recorded(connection)
    assert (line.cause, line.by, line.counts) == ("retention", "hub", {"rows": 3, "check-ins": 3})
    keep(peopled, DAYS, now())
    assert count(peopled, erasures) == 1


def test_a_held_persons_check_ins_and_declarations_outlast_their_days(peopled, ring, journal):
    old_and_new(peopled, ring, journal)
    with peopled.writing() as connection:
        connection.execute(sa.update(declarations).values(at=days_ago(100)))
        holds.place(connection, person_of(peopled, ring), "admin", "court order 7", now() + timedelta(days=30), now())
    keep(peopled, DAYS, now())
    assert (count(peopled, visits), count(peopled, declarations)) == (5, 1)
    keep(peopled, DAYS, now() + timedelta(days=31))
    assert (count(peopled, visits), count(peopled, declarations)) == (0, 0)


def test_a_running_hub_erases_by_itself(tmp_path, serving):
    furnish(tmp_path)
    store, ring = open_store(Settings(data=str(tmp_path)))
    old_and_new(store, ring, journal_of(ring))
    serving()
    until(lambda: count(store, visits) == 2, "old check-ins erased")
    store.close()


def test_the_keeper_ends_when_it_is_told_to(peopled, ring, tmp_path):
    keeper = Keeper(peopled, ring, Settings(data=str(tmp_path)))
    thread = threading.Thread(target=keeper.run, daemon=True)
    thread.start()
    keeper.stop()
    thread.join(60)
    assert not thread.is_alive()


@pytest.mark.parametrize("days", [13, 61])
def test_days_outside_14_to_60_are_refused_by_name(tmp_path, days):
    settings = tmp_path / "hub.toml"
    settings.write_text(f"[keeping]\ncheckin_days = {days}\n")
    assert "keeping.checkin_days" in command(tmp_path, "keep", "now", "--config", settings, code=78)


# legal hold


def test_a_legal_hold_stops_erasing_and_says_who_why_and_until_when(peopled, ring):
    person = person_of(peopled, ring)
    with peopled.writing() as connection:
        holds.place(connection, person, "admin", "court order 7", now() + timedelta(days=30), now())
    with pytest.raises(holds.OnHold, match=r"by admin until \d{4}-\d\d-\d\d: court order 7"):
        erase(peopled, ring, person)
    assert count(peopled, people) == 1


def test_a_released_or_ended_hold_lets_go(peopled, ring):
    person = person_of(peopled, ring)
    with peopled.writing() as connection:
        hold = holds.place(connection, person, "admin", "court order 7", now() + timedelta(days=1), now())
        holds.check(connection, person, now() + timedelta(days=2))
        assert holds.release(connection, hold, "chief", now())
        assert not holds.release(connection, hold, "chief", now())
        assert [each.released_by for each in holds.of(connection, person)] == ["chief"]
    assert erase(peopled, ring, person)["people"] == 1


@pytest.mark.parametrize(("reason", "days"), [("", 5), (" ", 5), ("x" * 501, 5), ("why", -1), ("why", 400)])
def test_a_hold_needs_a_reason_and_an_end(peopled, ring, reason, days):
    with peopled.writing() as connection, pytest.raises(DataError, match="legal hold"):
        holds.place(connection, person_of(peopled, ring), "admin", reason, now() + timedelta(days=days), now())
