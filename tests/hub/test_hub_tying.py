"""Tying a record to its owner in person: a card and a My QR, or a phone that declared, and nothing less."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from declared import DOCUMENT, ME, NOW, OTHER, OTHER_PHONE, PHONE, child, form

from core.codes import identity
from core.model import Scheme
from hub.custody import own_data
from hub.register import declaring, mending, myqr, registry, relatives, tying
from hub.register.people import parse
from hub.register.standings import Standings
from hub.register.tying import Card, NotTied
from hub.storage.tables import people

CARD = Card(DOCUMENT, "NGUYEN VAN AN", "1990")
LATER = NOW + timedelta(hours=1)
IMPORTED = b"""{"places":[{"code":"cho","name":"Cho","kind":"venue","area":{"edition":"63","province":"46"}}],
"people":[{"ref":"x1","name":"Nguyen Van An","born":"1990-02-03","sex":"male",
"identities":[{"scheme":"citizen","value":"046090990001"}],"visits":[{"at":"2026-03-01T03:00:00Z","place":"cho"}]}]}"""


@pytest.fixture
def tie(store, ring):
    """Ties in a transaction of its own."""

    def act(code, card=CARD):
        with store.writing() as connection:
            return tying.tie(connection, ring, code, card, LATER, "le-thi-b")

    return act


def declare(store, ring, given, by, at=NOW):
    with store.writing() as connection:
        return declaring.declare(connection, ring, given, at, by=by)


def held(store, person, by):
    with store.reading() as connection:
        return relatives.holds(connection, person, by)


def knows(store, ring, text):
    asked = Standings(store.reader(), ring)
    try:
        return asked.of(identity.token(text.encode()), LATER, LATER) is not None
    finally:
        asked.close()


def test_an_imported_record_goes_to_the_phone_that_declared_once_staff_saw_the_card(store, ring, tie):
    registry.import_people(store, ring, parse(IMPORTED, "people.json"))
    made = declare(store, ring, form(), ME)
    assert not held(store, made.person, ME)
    assert tie("0905 000 001") == made.person
    assert held(store, made.person, ME)
    with store.reading() as connection:
        copy = own_data.export(connection, ring, made.person, to_phone=True)
        assert declaring.about(connection, ring, made.person, by=ME) == []  # it was their own word
    assert len(copy["checkins"]) == 1


def test_a_phone_that_did_not_declare_for_the_number_gets_nothing(store, ring, tie):
    made = declare(store, ring, form(), ME)
    with pytest.raises(NotTied) as refused:
        tie(OTHER_PHONE)
    assert (refused.value.field, refused.value.word) == ("code", "tie-no-declaration")
    assert held(store, made.person, ME)


def test_the_owner_gets_a_record_back_from_a_phone_that_took_their_number_first(store, ring, tie):
    squatted = declare(store, ring, form(phone=OTHER_PHONE), OTHER)
    mine = declare(store, ring, form(), ME, LATER)
    assert (mine.person, mine.my_qr) == (squatted.person, None)
    tie(PHONE)
    assert [held(store, mine.person, by) for by in (ME, OTHER)] == [True, False]
    assert not knows(store, ring, squatted.my_qr)  # the other phone has a picture of it
    with store.reading() as connection:
        former = mending.former(connection, ring, mine.person)
    assert former == [{"at": LATER, "account": "le-thi-b", "was": {"phone": OTHER_PHONE}}]


def test_a_card_is_tied_to_the_my_qr_that_is_shown(store, ring, tie):
    made = declare(store, ring, child(), ME)
    assert tie(made.my_qr, Card("046220990009", "Nguyễn Thị Bé", "06/05/2020"[-4:])) == made.person
    with store.reading() as connection:
        scheme = relatives.numbers(connection, ring, made.person)
    assert scheme[Scheme.CITIZEN] == "046220990009"


def test_a_my_qr_and_a_record_of_the_same_name_become_one_and_the_shown_code_goes_on(store, ring, tie):
    squatted = declare(store, ring, form(phone=OTHER_PHONE), OTHER)
    nameless = form(document="", insurance="", child_without_document=True)
    mine = declare(store, ring, nameless, ME, LATER)
    assert tie(mine.my_qr) == squatted.person
    assert [knows(store, ring, each.my_qr) for each in (mine, squatted)] == [True, False]
    assert [held(store, squatted.person, by) for by in (ME, OTHER)] == [True, False]


@pytest.mark.parametrize(
    ("code", "card", "fault"),
    [
        (PHONE, Card("12", "Nguyễn Văn An", "1990"), ("document", "wrong-not-a-number")),
        (PHONE, Card("046090990999", "Nguyễn Văn An", "1990"), ("document", "tie-nobody")),
        (PHONE, Card(DOCUMENT, "Lê Khác", "1990"), ("name", "tie-differs")),
        (PHONE, Card(DOCUMENT, "Nguyễn Văn An", "1991"), ("name", "tie-differs")),
        ("A" * 22, CARD, ("code", "tie-unknown-code")),
    ],
)
def test_what_does_not_fit_together_is_not_tied(store, ring, tie, code, card, fault):
    made = declare(store, ring, form(), ME)
    with pytest.raises(NotTied) as refused:
        tie(code, card)
    assert (refused.value.field, refused.value.word) == fault
    with store.reading() as connection:
        assert connection.scalar(sa.select(people.c.phone).where(people.c.id == made.person)) == PHONE
        assert myqr.exists(connection, made.person)


def test_nothing_of_a_card_shows_in_what_is_handed_about():
    assert repr(CARD) == "Card()"
