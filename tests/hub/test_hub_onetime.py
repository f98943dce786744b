"""One-time codes, visits and unfinished forms: how they end, and what the tables never tell."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
import sqlalchemy as sa

from core.model import DeclarationKind
from hub.citizens import drafts, guests, onetime
from hub.citizens.onetime import Asked, Proven, TooOften, Unproven
from hub.officials import accounts
from hub.officials.accounts import Account
from hub.officials.rights import Role
from hub.storage.citizen_tables import drafts as drafts_table
from hub.storage.citizen_tables import guests as guests_table
from hub.storage.citizen_tables import onetime_codes

NOW = datetime(2026, 3, 3, 3, tzinfo=UTC)
PHONE = "0912345678"


def ask(store, ring, phone=PHONE, address="10.0.0.1", now=NOW):
    with store.writing() as connection:
        return onetime.ask(connection, ring, phone, address, now)


def prove(store, ring, asked, code=None, now=NOW):
    with store.writing() as connection:
        return onetime.prove(connection, ring, asked.handle, code or asked.code, now)


def other(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06}"


def test_a_code_proves_its_phone_once(store, ring):
    asked = ask(store, ring)
    assert prove(store, ring, asked) == Proven(PHONE)
    assert prove(store, ring, asked) is Unproven.OVER


def test_a_code_is_over_after_five_wrong_tries_even_for_the_right_one(store, ring):
    asked = ask(store, ring)
    tries = [prove(store, ring, asked, other(asked.code)) for _ in range(onetime.TRIES)]
    assert tries == [Unproven.WRONG] * (onetime.TRIES - 1) + [Unproven.OVER]
    assert prove(store, ring, asked) is Unproven.OVER


def test_a_code_is_over_after_five_minutes(store, ring):
    asked = ask(store, ring)
    assert prove(store, ring, asked, now=NOW + onetime.LIVES) is Unproven.OVER


def test_a_code_proves_nothing_in_another_browser(store, ring):
    first, second = ask(store, ring), ask(store, ring, "0987654321")
    if first.code != second.code:
        assert prove(store, ring, second, first.code) is Unproven.WRONG
    assert prove(store, ring, Asked("made-up", first.code)) is Unproven.OVER


def test_a_phone_waits_between_codes_and_has_so_many_an_hour_and_a_day(store, ring):
    assert isinstance(ask(store, ring), Asked)
    assert ask(store, ring, now=NOW + timedelta(seconds=5)) is TooOften.WAIT
    later = [ask(store, ring, now=NOW + timedelta(minutes=minute)) for minute in range(1, 5)]
    assert [type(each) for each in later] == [Asked] * (onetime.PHONE_AN_HOUR - 1) + [TooOften]
    assert later[-1] is TooOften.PHONE
    hours = [ask(store, ring, now=NOW + timedelta(hours=hour)) for hour in range(2, 12)]
    assert hours[-1] is TooOften.PHONE
    assert isinstance(ask(store, ring, now=NOW + timedelta(hours=36)), Asked)


def test_an_address_has_so_many_codes_an_hour(store, ring):
    for number in range(onetime.ADDRESS_AN_HOUR):
        assert isinstance(ask(store, ring, f"09{number:08}"), Asked)
    assert ask(store, ring, "0999999999") is TooOften.ADDRESS
    assert isinstance(ask(store, ring, "0999999999", address="10.0.0.2"), Asked)


def test_neither_code_nor_phone_is_in_the_table_or_in_words(store, ring):
    asked = ask(store, ring)
    with store.reading() as connection:
        row = connection.execute(sa.select(onetime_codes)).one()
    kept = b"".join(value for value in row if isinstance(value, bytes))
    assert PHONE.encode() not in kept
    assert asked.code.encode() not in kept
    assert asked.code not in repr(asked)
    assert PHONE not in repr(Proven(PHONE))


@pytest.fixture
def guest(store, ring):
    with store.writing() as connection:
        return guests.welcome(connection, ring, NOW, phone=PHONE)


def test_a_visit_ends_by_itself_sooner_on_a_shared_computer(store, ring, guest):
    with store.writing() as connection:
        shared = guests.welcome(connection, ring, NOW, phone=PHONE, shared=True)
        assert guests.known(connection, ring, guest.token, NOW + timedelta(days=1)) == guest
        assert guests.known(connection, ring, shared.token, NOW + guests.SHARED) is None
        assert guests.known(connection, ring, guest.token, NOW + guests.OWN) is None


def test_an_unfinished_form_is_its_phones_and_sealed(store, ring, guest):
    draft = drafts.begin(DeclarationKind.HEALTH, {"name": ("Trần Thị Thử",)})
    with store.writing() as connection:
        drafts.save(connection, ring, guest, draft, NOW)
        again = guests.welcome(connection, ring, NOW, phone=PHONE)
        stranger = guests.welcome(connection, ring, NOW, phone="0987654321")
        assert drafts.find(connection, ring, again, draft.id, NOW) == draft
        assert drafts.unfinished(connection, ring, again, NOW) == [draft]
        assert drafts.find(connection, ring, stranger, draft.id, NOW) is None
        assert drafts.find(connection, ring, again, draft.id, NOW + drafts.KEPT) is None
        assert "Thử".encode() not in connection.scalar(sa.select(drafts_table.c.sealed))
    assert "Thử" not in repr(draft)


def test_nobody_overwrites_a_form_of_somebody_elses(store, ring, guest):
    draft = drafts.begin(DeclarationKind.HEALTH, {"name": ("Trần Thị Thử",)})
    with store.writing() as connection:
        drafts.save(connection, ring, guest, draft, NOW)
        stranger = guests.welcome(connection, ring, NOW, phone="0987654321")
        drafts.save(connection, ring, stranger, draft.filled({"name": ("Khác",)}), NOW)
        assert drafts.find(connection, ring, guest, draft.id, NOW) == draft


def test_leaving_a_shared_computer_takes_the_unfinished_forms_along(store, ring):
    with store.writing() as connection:
        shared = guests.welcome(connection, ring, NOW, phone=PHONE, shared=True)
        drafts.save(connection, ring, shared, drafts.begin(DeclarationKind.ENTRY, {}), NOW)
        guests.leave(connection, ring, shared)
        assert connection.scalar(sa.select(sa.func.count()).select_from(drafts_table)) == 0
        assert connection.scalar(sa.select(sa.func.count()).select_from(guests_table)) == 0


def test_a_shared_computers_visit_goes_on_while_it_is_used(store, ring):
    with store.writing() as connection:
        shared = guests.welcome(connection, ring, NOW, phone=PHONE, shared=True)
        draft = drafts.begin(DeclarationKind.HEALTH, {})
        drafts.save(connection, ring, shared, draft, NOW)
        later = NOW + guests.SHARED - timedelta(minutes=1)
        assert guests.is_stale(connection, shared, later)
        guests.use(connection, ring, shared, later)
        assert not guests.is_stale(connection, shared, later)
        much_later = later + guests.SHARED - timedelta(minutes=1)
        assert guests.known(connection, ring, shared.token, much_later) == shared
        assert drafts.find(connection, ring, shared, draft.id, much_later) is not None
        assert guests.known(connection, ring, shared.token, later + guests.SHARED) is None


@pytest.mark.parametrize("end", [accounts.disable, "role", "sign-out"])
def test_an_officials_help_ends_with_their_right_to_help(store, ring, end):
    own = Account("lan", "Lan", Role.HEALTH_POST)
    with store.writing() as connection:
        accounts.add(connection, own, accounts.Password("ba con vịt trời"), NOW)
        guest = guests.welcome(connection, ring, NOW, account="lan")
        assert guests.known(connection, ring, guest.token, NOW) == guest
        if end == "role":
            accounts.correct(connection, msgspec.structs.replace(own, role=Role.AUDITOR))
        elif end == "sign-out":
            guests.end_help(connection, "lan")
        else:
            end(connection, "lan", NOW)
        assert guests.known(connection, ring, guest.token, NOW) is None
