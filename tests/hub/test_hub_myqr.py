"""My QR: alive once a person, dead at once when drawn anew, and tied to the card its owner gets later."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from declared import DOCUMENT, ME, NOW, OTHER, OTHER_PHONE, child, form
from hub_stand import journal_of

from core import wire
from core.codes import identity
from core.model import Scheme, Subject
from hub.journals import intake, reading
from hub.register import declaring, myqr, relatives
from hub.register.standings import Standings
from hub.storage.tables import visits


def knows(store, ring, subject):
    asked = Standings(store.reader(), ring)
    try:
        found = asked.of(subject, NOW + timedelta(hours=1), NOW + timedelta(hours=1))
    finally:
        asked.close()
    return found and found.person


def token(text):
    return identity.token(text.encode())


@pytest.fixture
def mine(store, ring):
    """Somebody with a declaration and a My QR: ``(person, token)``."""
    with store.writing() as connection:
        made = declaring.declare(connection, ring, form(), NOW, by=ME)
    return made.person, made.my_qr


def test_a_token_has_128_random_bits_and_stays_the_same_until_it_is_drawn_anew(store, ring, mine):
    person, first = mine
    with store.writing() as connection:
        assert myqr.of(connection, ring, person) == first
    assert len(first) == 22


def test_drawn_anew_the_old_one_is_dead_at_once_and_for_good(store, ring, mine):
    person, first = mine
    with store.writing() as connection:
        second = myqr.reissue(connection, ring, person, NOW)
        assert myqr.of(connection, ring, person) == second
    assert knows(store, ring, token(first)) is None
    assert knows(store, ring, token(second)) == knows(store, ring, Subject(Scheme.CITIZEN, DOCUMENT)) is not None


def test_a_scan_made_before_the_token_died_stays_its_persons_when_it_comes_late(store, ring, mine):
    person, first = mine
    with store.writing() as connection:
        myqr.reissue(connection, ring, person, NOW)
    book = journal_of(ring)
    for at in (NOW - timedelta(minutes=1), NOW + timedelta(minutes=1)):
        book.write_who(wire.Who(Scheme.TOKEN, first), at=at)
    with store.writing() as connection:
        intake.take(connection, book.batch(), NOW + timedelta(minutes=2))
        reading.read_pending(connection, ring, 10, NOW + timedelta(minutes=2))
        people = connection.scalars(sa.select(visits.c.person).order_by(visits.c.at)).all()
    assert people == [person, None]


def test_a_card_is_tied_to_the_person_behind_a_token(store, ring):
    with store.writing() as connection:
        made = declaring.declare(connection, ring, child(), NOW, by=ME)
        assert myqr.link(connection, ring, made.person, "046 220 990 009", by_staff=False) == made.person
    assert knows(store, ring, Subject(Scheme.CITIZEN, "046220990009")) == knows(store, ring, token(made.my_qr))


@pytest.mark.parametrize("typed", ["000000000", "12", "0462*****009"])
def test_what_is_no_document_is_never_tied(store, ring, mine, typed):
    with store.writing() as connection, pytest.raises(myqr.NotLinked):
        myqr.link(connection, ring, mine[0], typed, by_staff=True)


def test_staff_make_two_records_of_one_person_one_and_every_code_goes_on(store, ring, mine):
    with store.writing() as connection:
        nameless = form(document="", insurance="", child_without_document=True, phone=OTHER_PHONE)
        other = declaring.declare(connection, ring, nameless, NOW - timedelta(minutes=1), by=OTHER)
        with pytest.raises(myqr.NotLinked):
            myqr.link(connection, ring, other.person, DOCUMENT, by_staff=False)
        assert myqr.link(connection, ring, other.person, DOCUMENT, by_staff=True) == mine[0]
        assert len(declaring.of_phone(connection, ring, OTHER_PHONE, NOW)) == 1
    joined = {knows(store, ring, token(text)) for text in (mine[1], other.my_qr)}
    assert joined == {knows(store, ring, Subject(Scheme.CITIZEN, DOCUMENT))}


def test_staff_do_not_join_people_of_different_names(store, ring, mine):
    with store.writing() as connection:
        other = declaring.declare(connection, ring, child(), NOW, by=OTHER)
        with pytest.raises(myqr.NotLinked):
            myqr.link(connection, ring, other.person, DOCUMENT, by_staff=True)


def test_only_the_records_own_phone_and_staff_hold_it(store, mine):
    with store.reading() as connection:
        held = [relatives.holds(connection, mine[0], by) for by in (ME, OTHER, declaring.By.staff("b"))]
    assert held == [True, False, True]
