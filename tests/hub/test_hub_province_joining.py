"""The province system's word and the hub's own made one standing, and its people's check-ins kept and joined."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from hub_stand import CITIZEN, Journal, now

from core import keys, wire
from core.model import DestinationGroup, EntryGroup, GateKind, HealthGroup, Scheme, Subject
from hub.custody import erasing
from hub.inquiries import searching, tracing
from hub.journals.intake import take
from hub.journals.reading import read_pending
from hub.province import ties
from hub.province.answers import Foreign
from hub.province.joining import Joined
from hub.province.kept import Told
from hub.province.line import NotAnswered
from hub.register import registry
from hub.register.people import PersonRecord
from hub.storage import keyring
from hub.storage.tables import identities, people, visits

BINH, BINHS_OLD_CARD = "046193990777", "191234567"
DOWN = NotAnswered("cannot be reached")
OWN = Subject(Scheme.CITIZEN, CITIZEN)


def told(number: str = "CD-1", **said: object) -> Told:
    return Told(Foreign(number, "T*** V** Bình", **said), now())


class Stand:
    """A hub's database, asked about people and brought rows."""

    def __init__(self, store, ring):
        self.store, self.ring = store, ring
        self.book = Journal(ring.sealing_public)

    def of(self, subject, said, authority="both", before=None):
        with self.store.reading() as connection:
            return Joined(connection, self.ring, authority).of(subject, said, before or now(), now())

    def key(self, number="CD-1"):
        return ties.person_key(self.ring, number)

    def pass_by(self, value, person="", place="cho", scheme=Scheme.CITIZEN, minutes=1):
        """Somebody goes in; ``person`` is the key that the hub answered with, none while nobody could be asked."""
        at = now() - timedelta(minutes=minutes)
        self.book.write_who(wire.Who(scheme, value, person), place=place, at=at)
        with self.store.writing() as connection:
            take(connection, self.book.batch(), now())
            read_pending(connection, self.ring, 100, now())

    def count(self, table):
        with self.store.reading() as connection:
            return connection.scalar(sa.select(sa.func.count()).select_from(table))


@pytest.fixture
def stand(peopled, ring):
    return Stand(peopled, ring)


def citizen(value=BINH):
    return Subject(Scheme.CITIZEN, value)


def card(value=BINHS_OLD_CARD):
    return Subject(Scheme.CMND, value)


def test_in_the_provinces_registry_its_word_on_declarations_stands_alone(stand):
    standing, held = stand.of(OWN, told(entry=EntryGroup(now())), "province")
    assert (standing.health, standing.entry is not None, held) == (None, True, False)
    assert stand.of(OWN, Told(None, now()), "province") == (None, False)


def test_of_both_registries_the_newer_declaration_counts_and_who_is_known_to_one_is_known(stand):
    own = stand.of(OWN, Told(None, now()))[0]
    assert own.health.symptoms == ("fever",)
    newer, older = HealthGroup(now()), HealthGroup(now() - timedelta(days=9))
    assert stand.of(OWN, told(health=newer))[0].health == newer
    assert stand.of(OWN, told(health=older))[0].health == own.health
    assert stand.of(citizen(), told(health=older))[0].health == older


def test_the_age_of_an_answer_is_when_it_was_given(stand):
    said = Told(Foreign("CD-1"), now() - timedelta(hours=5), held=True)
    standing, held = stand.of(citizen(), said)
    assert (standing.as_of, held) == (said.as_of, True)


def test_in_an_outage_nobody_is_unknown(stand):
    for authority in ("province", "both"):
        with pytest.raises(NotAnswered):
            stand.of(citizen(), DOWN, authority)
    with pytest.raises(NotAnswered):
        stand.of(OWN, DOWN, "province")
    standing, held = stand.of(OWN, DOWN, "both")
    assert (standing.health.symptoms, held) == (("fever",), True)


def test_a_code_that_the_system_does_not_know_is_the_hubs_own_affair(stand):
    token = Subject(Scheme.TOKEN, "MYQR-ANH-0001")
    for authority in ("province", "both"):
        standing, held = stand.of(token, None, authority)
        assert (standing.health.symptoms, held) == (("fever",), False)


def test_a_look_up_writes_nothing(stand):
    before = stand.count(people), stand.count(identities)
    stand.of(citizen(), told())
    assert (stand.count(people), stand.count(identities)) == before


def test_check_ins_of_somebody_known_there_alone_are_joined_over_all_their_codes(stand):
    stand.pass_by(BINH, stand.of(citizen(), told())[0].person, minutes=9)
    by_card = stand.of(card(), told())[0]
    assert (by_card.person, by_card.destination.place, by_card.destination.place_name) == (
        stand.key(),
        "cho",
        "Chợ Đông Ba",
    )
    stand.pass_by(BINHS_OLD_CARD, by_card.person, "chot", Scheme.CMND, minutes=5)
    assert stand.of(citizen(), told())[0].destination.place == "chot"
    assert stand.count(people) == 2  # Ánh and Bình


def test_check_ins_from_before_anybody_could_be_asked_are_found_and_then_joined(stand):
    stand.pass_by(BINH, minutes=30)
    assert stand.of(card(), told())[0].destination is None
    standing = stand.of(citizen(), told())[0]
    assert standing.destination.place == "cho"
    stand.pass_by(BINH, standing.person, "chot", minutes=20)
    assert stand.of(card(), told())[0].destination.place == "chot"
    assert stand.of(card(), told(), before=now() - timedelta(minutes=25))[0].destination.place == "cho"


def test_somebody_known_to_both_becomes_one_person_by_the_first_check_in(stand):
    own = stand.of(OWN, Told(None, now()))[0].person
    first = stand.of(OWN, told())[0]
    assert first.person == stand.key()
    stand.pass_by(CITIZEN, first.person)
    assert {stand.of(subject, told())[0].person for subject in (OWN, card())} == {own}
    assert stand.of(card(), told())[0].destination.place == "cho"
    assert stand.count(people) == 1


def test_the_later_of_both_systems_scans_counts_and_none_after_the_moment_asked_about(stand):
    stand.pass_by(BINH, stand.key(), minutes=10)
    theirs = DestinationGroup(now() - timedelta(minutes=3), "ben-xe", "Bến xe phía Nam")
    assert stand.of(citizen(), told(destination=theirs))[0].destination == theirs
    earlier = now() - timedelta(minutes=5)
    assert stand.of(citizen(), told(destination=theirs), before=earlier)[0].destination.place == "cho"


def test_a_key_that_this_hub_did_not_make_names_nobody_of_the_provinces(stand, tmp_path):
    other = keyring.load(tmp_path / "other")
    assert ties.person_key(stand.ring, "CD-1") != ties.person_key(stand.ring, "CD-2")
    for key in ("", "00" * 16, "zz", ties.person_key(other, "CD-1"), keys.new_sealing_key()[0][:16].hex()):
        assert not ties.is_person_key(stand.ring, key)
        stand.pass_by(BINH, key)
    assert stand.count(people) == 1
    assert ties.is_person_key(stand.ring, stand.key())


def test_erasing_by_any_of_their_numbers_reaches_the_check_ins_of_all(stand):
    stand.pass_by(BINH, stand.key())
    stand.pass_by(BINHS_OLD_CARD, stand.key(), scheme=Scheme.CMND)
    with stand.store.writing() as connection:
        person = erasing.person_by(connection, stand.ring, card())
        counts = erasing.erase(connection, stand.ring, person, "le-thi-b", now())
    assert (counts["check-ins"], counts["rows"], counts["identities"]) == (2, 2, 3)
    assert stand.count(visits) == 0


def test_tracing_and_searching_find_them_by_any_shown_number_and_list_them_by_key(stand):
    stand.pass_by(BINH, stand.key(), minutes=5)
    with stand.store.reading() as connection:
        there = tracing.at_place(connection, "cho", now() - timedelta(hours=1), now(), now())
        found = searching.find(connection, stand.ring, BINH).people
    called = f"#{stand.key()[:8]}"
    assert [each.person.name for each in there] == [called]
    assert [(each.name, each.key) for each in found] == [(called, stand.key())]


def test_a_record_made_for_a_check_in_goes_with_the_last_of_them(stand):
    stand.pass_by(BINH, stand.key())
    with stand.store.writing() as connection:
        assert ties.let_go(connection, 100) == 0
        connection.execute(sa.delete(visits))
        assert ties.let_go(connection, 100) == 1
    assert stand.count(people) == 1


def test_that_record_goes_also_from_a_database_that_orders_text_by_language(vietnamese_store, ring):
    key = Subject(Scheme.PERSON, ties.person_key(ring, "CD-1"))
    with vietnamese_store.writing() as connection:
        assert connection.scalar(sa.text("SELECT 'province:0' < 'province;'")) is False  # where ':' comes after ';'
        ties.tie(connection, ring, [wire.Who(Scheme.CITIZEN, BINH, key.value)], {})
        registry.put_person(connection, ring, PersonRecord(ref="provinces", name=""), "test")
        assert ties.let_go(connection, 100) == 1
        assert connection.scalars(sa.select(people.c.ref)).all() == ["provinces"]


def test_a_batch_is_answered_whole_or_not_at_all(stand):
    who = (wire.Who(Scheme.CITIZEN, CITIZEN), wire.Who(Scheme.CITIZEN, BINH))
    asks = wire.Asks(who, GateKind.VENUE, now())
    with stand.store.reading() as connection:
        joined = Joined(connection, stand.ring, "both")
        told_all = joined.answer_all(asks, [DOWN, Told(None, now())], now())
        assert (told_all.standings[0] is None, told_all.standings[1], told_all.held) == (False, None, (0,))
        with pytest.raises(NotAnswered):
            joined.answer_all(asks, [Told(None, now()), DOWN], now())
