"""Whose record it is: a stranger sees only what they typed, clears nothing, overwrites nothing and owns nothing."""

from datetime import timedelta

import msgspec
import pytest
import sqlalchemy as sa
from declared import DOCUMENT, ME, NOW, OTHER, OTHER_PHONE, PHONE, STAFF, entry, form

from core.model import Scheme, Subject
from hub.custody import own_data
from hub.register import declaring, mending, registry, relatives, sheets
from hub.register.people import PeopleFile, parse
from hub.register.standings import Standings
from hub.storage.tables import identities, people, visits

CITIZEN = Subject(Scheme.CITIZEN, DOCUMENT)
LATER = NOW + timedelta(hours=2)


@pytest.fixture
def desk(store, ring):
    """The functions of declaring, each in a transaction of its own."""

    class Desk:
        def __getattr__(self, name):
            def call(*args, **named):
                with store.writing() as connection:
                    return getattr(declaring, name)(connection, ring, *args, **named)

            return call

    return Desk()


def standing(store, ring, at=LATER):
    asked = Standings(store.reader(), ring)
    try:
        return asked.of(CITIZEN, at, at)
    finally:
        asked.close()


def record(store, person):
    with store.reading() as connection:
        return connection.execute(sa.select(people).where(people.c.id == person)).one()


def strangers(**changed):
    """What somebody else sends about him who has his number, his name and the year of his birth."""
    own = {"born": "1990", "phone": "", "for_another": True, "insurance": "", "symptoms": (), "exposures": ()}
    return form(**(own | changed))


GUESS = {"name": "Kẻ Gian", "born": "2000", "sex": "female", "nationality": "LA", "street": "", "vehicle": ""}


def test_a_stranger_sees_of_a_declaration_only_what_they_typed_themselves(desk):
    desk.declare(form(), NOW, by=ME)
    typed = strangers(**GUESS)
    made = desk.declare(typed, NOW + timedelta(minutes=1), by=OTHER)
    assert desk.form_of(made.declaration, by=OTHER) == typed
    assert desk.given(made.declaration, LATER, by=OTHER).name == "Kẻ Gian"
    assert [each.name for each in desk.of_phone(OTHER_PHONE, LATER)] == ["Kẻ Gian"]


def test_a_relative_corrects_what_they_typed_and_still_sees_nothing_else(desk):
    desk.declare(form(), NOW, by=ME)
    typed = strangers(symptoms=("cough",))
    made = desk.declare(typed, NOW + timedelta(minutes=1), by=OTHER)
    mended = desk.correct(made.declaration, strangers(symptoms=("rash",)), LATER, by=OTHER)
    assert desk.form_of(mended.declaration, by=OTHER) == strangers(symptoms=("rash",))


def test_another_phones_clean_declaration_does_not_clear_a_fever(desk, store, ring):
    desk.declare(form(), NOW, by=ME)
    desk.declare(strangers(), NOW + timedelta(minutes=5), by=OTHER)
    health = standing(store, ring).health
    assert (health.symptoms, health.exposures) == (("fever",), ("case",))


def test_nor_does_another_phones_declaration_of_entry(desk, store, ring):
    desk.declare(form(), NOW, by=ME)
    coming = entry(phone="", for_another=True, insurance="")
    desk.declare(coming, NOW + timedelta(minutes=5), by=OTHER)
    found = standing(store, ring)
    assert (found.entry.symptoms, found.health.symptoms) == (("fever",), ("fever",))


def test_what_a_relative_reports_is_added_until_the_person_says_otherwise(desk, store, ring):
    desk.declare(form(symptoms=("cough",), exposures=()), NOW, by=ME)
    desk.declare(strangers(symptoms=("fever",)), NOW + timedelta(minutes=5), by=OTHER)
    assert standing(store, ring).health.symptoms == ("fever", "cough")
    desk.declare(form(symptoms=(), exposures=()), NOW + timedelta(minutes=9), by=ME)
    assert standing(store, ring).health.symptoms == ()


def test_symptoms_of_long_ago_are_not_carried_into_a_relatives_declaration(desk, store, ring):
    desk.declare(form(), NOW - timedelta(days=30), by=ME)
    desk.declare(strangers(), NOW, by=OTHER)
    assert standing(store, ring).health.symptoms == ()


def test_what_was_withdrawn_is_carried_no_further(desk, store, ring):
    mine = desk.declare(form(), NOW, by=ME)
    desk.declare(strangers(), NOW + timedelta(minutes=5), by=OTHER)
    desk.withdraw(mine.declaration, LATER, by=ME)
    health = standing(store, ring).health
    assert (health.at, health.symptoms) == (NOW + timedelta(minutes=5), ())


def test_another_phone_does_not_replace_where_somebody_said_they_come_from(desk, store, ring):
    desk.declare(entry(), NOW, by=ME)
    elsewhere = msgspec.structs.replace(entry().origin, province="48", district="490", commune="20194")
    desk.declare(entry(phone="", for_another=True, insurance="", origin=elsewhere), LATER, by=OTHER)
    assert standing(store, ring, LATER + timedelta(hours=1)).entry.origin == entry().origin


def test_another_phone_declares_the_entry_of_somebody_who_did_not(desk, store, ring):
    desk.declare(form(symptoms=(), exposures=()), NOW, by=ME)
    desk.declare(entry(phone="", for_another=True, insurance=""), NOW + timedelta(minutes=5), by=OTHER)
    assert standing(store, ring).entry.origin == entry().origin


@pytest.mark.parametrize("wrong", [{"name": "Lê Khác"}, {"born": "1991"}])
def test_a_strangers_declaration_with_another_name_or_year_counts_for_nobody(desk, store, ring, wrong):
    desk.declare(form(symptoms=(), exposures=()), NOW, by=ME)
    made = desk.declare(strangers(symptoms=("fever",), **wrong), NOW + timedelta(minutes=5), by=OTHER)
    health = standing(store, ring).health
    assert (health.at, health.symptoms) == (NOW, ())
    assert made.code.startswith("TQ1:")  # the stranger cannot tell: the name is no answer to a guess


def test_the_person_sees_who_declared_about_them_and_takes_it_back(desk, store, ring):
    mine = desk.declare(form(symptoms=(), exposures=()), NOW, by=ME)
    theirs = desk.declare(strangers(symptoms=("fever",)), NOW + timedelta(minutes=5), by=OTHER)
    seen = desk.about(mine.person, by=ME)
    assert [(each.declaration, each.phone, each.symptoms) for each in seen] == [
        (theirs.declaration, "090•••••02", ("fever",))
    ]
    desk.dispute(theirs.declaration, LATER, by=ME)
    assert standing(store, ring).health.symptoms == ()
    assert desk.about(mine.person, by=ME) == []
    assert desk.of_phone(OTHER_PHONE, LATER) == []


def test_nobody_else_sees_or_takes_back_what_was_declared_about_a_person(desk):
    mine = desk.declare(form(), NOW, by=ME)
    theirs = desk.declare(strangers(), NOW + timedelta(minutes=5), by=OTHER)
    for number in (mine.declaration, theirs.declaration):
        with pytest.raises(declaring.Refused):
            desk.dispute(number, LATER, by=OTHER)
    with pytest.raises(declaring.Refused):
        desk.dispute(mine.declaration, LATER, by=ME)  # one's own is withdrawn, not disputed
    with pytest.raises(declaring.Refused):
        desk.about(mine.person, by=OTHER)


def test_one_phone_declares_for_so_many_strangers_a_day_and_no_more(desk):
    for number in range(declaring.OTHERS_A_DAY + 1):
        own = form(document=f"0460909{number:05}", insurance="", phone=f"09061{number:05}")
        desk.declare(own, NOW, by=declaring.By.citizen(own.phone))
    for number in range(declaring.OTHERS_A_DAY):
        desk.declare(strangers(document=f"0460909{number:05}"), NOW, by=OTHER)
    one_more = strangers(document=f"0460909{declaring.OTHERS_A_DAY:05}")
    with pytest.raises(declaring.Refused) as refused:
        desk.declare(one_more, NOW, by=OTHER)
    assert refused.value.wrong == {"document": declaring.Wrong.TOO_MANY}
    desk.declare(strangers(document="046090900000"), NOW, by=OTHER)  # one of the same people is none more
    desk.declare(one_more, NOW + timedelta(days=1, seconds=1), by=OTHER)


CARD = Subject(Scheme.INSURANCE, "9900000001")


def filled(store, ring, by, number=CARD):
    with store.reading() as connection:
        return sheets.prefill(connection, ring, number, by)


def test_an_insurance_number_fills_the_personal_fields_of_its_own_phone_and_no_number(desk, store, ring):
    desk.declare(form(), NOW, by=ME)
    known = filled(store, ring, ME)
    assert (known.name, known.born, known.sex, known.address) == ("Nguyễn Văn An", "1990-02-03", "male", form().address)
    assert not {"document", "phone", "insurance"} & set(known.__struct_fields__)
    assert filled(store, ring, ME, Subject(Scheme.INSURANCE, "9900000999")) is None


def test_for_another_phone_it_fills_what_that_phone_typed_with_it_and_nothing_else(desk, store, ring):
    desk.declare(form(), NOW, by=ME)
    assert filled(store, ring, OTHER) is None
    desk.declare(strangers(), LATER, by=OTHER)
    assert filled(store, ring, OTHER) is None  # that sheet had no insurance number on it
    desk.declare(strangers(insurance=form().insurance), LATER, by=OTHER)
    found = filled(store, ring, OTHER)
    assert (found.born, found.person) == ("1990", 0)
    assert filled(store, ring, declaring.By.staff("b", paper=False)).born == "1990-02-03"


# staff and one's own later declarations


def test_a_paper_of_another_name_or_year_is_no_correction_until_somebody_says_so(desk, store, ring):
    mine = desk.declare(form(), NOW, by=ME)
    slip = strangers(name="Người Khác Hẳn", born="1950", sex="female", phone="")
    with pytest.raises(declaring.Refused) as refused:
        desk.declare(slip, LATER, by=STAFF)
    assert refused.value.wrong == {"name": declaring.Wrong.DIFFERS, "born": declaring.Wrong.DIFFERS}
    assert refused.value.person == mine.person
    assert record(store, mine.person).name == "Nguyễn Văn An"
    mended = desk.declare(slip, LATER, by=STAFF, confirmed=True)
    row = record(store, mine.person)
    assert (row.name, row.born, row.sex, row.phone) == ("Người Khác Hẳn", "1950", "female", PHONE)
    assert mended.changed == ("name", "born", "sex")


def test_what_a_record_said_before_is_kept_with_who_mended_it_and_when(desk, store, ring):
    mine = desk.declare(form(), NOW, by=ME)
    desk.declare(strangers(name="Nguyễn Văn Ân Cần"), LATER, by=STAFF, confirmed=True)
    with store.reading() as connection:
        was = mending.former(connection, ring, mine.person)
        assert own_data.export(connection, ring, mine.person)["corrections"] == was
    assert was == [{"at": LATER, "account": "le-thi-b", "was": {"name": "Nguyễn Văn An"}}]


def test_a_paper_with_another_phone_does_not_move_the_record_to_it(desk, store):
    mine = desk.declare(form(), NOW, by=ME)
    with pytest.raises(declaring.Refused) as refused:
        desk.declare(form(phone=OTHER_PHONE), LATER, by=STAFF)
    assert refused.value.wrong == {"phone": declaring.Wrong.DIFFERS}
    assert record(store, mine.person).phone == PHONE


def test_declaring_again_with_less_takes_nothing_away(desk, store):
    deep = msgspec.structs.replace(form().address, hamlet="Tổ 9", point="Nhà văn hóa")
    mine = desk.declare(form(address=deep), NOW, by=ME)
    before = record(store, mine.person)
    for by in (ME, STAFF):
        less = form(name="NGUYEN VAN  AN", born="1990", phone="", for_another=True)
        assert desk.declare(less, LATER, by=by).changed == ()
    assert record(store, mine.person) == before


def test_declaring_again_with_more_adds_it(desk, store):
    mine = desk.declare(form(name="Nguyen Van An", born="1990"), NOW, by=ME)
    desk.declare(form(), LATER, by=ME)
    row = record(store, mine.person)
    assert (row.name, row.born) == ("Nguyễn Văn An", "1990-02-03")


def test_a_slip_in_the_number_does_not_make_one_relative_another(desk, store):
    mine = desk.declare(form(), NOW, by=ME)
    with pytest.raises(declaring.Refused):
        desk.declare(form(name="Nguyễn Thị Bé", born="2020"), LATER, by=ME)
    assert record(store, mine.person).name == "Nguyễn Văn An"


def test_correcting_ones_own_declaration_mends_the_name(desk, store):
    mine = desk.declare(form(name="Nguyễn Văn Anh"), NOW, by=ME)
    desk.correct(mine.declaration, form(), LATER, by=ME)
    assert record(store, mine.person).name == "Nguyễn Văn An"


# who had a record before any phone did

IMPORTED = b"""{"places":[{"code":"cho","name":"Cho","kind":"venue","area":{"edition":"63","province":"46"}}],
"people":[{"ref":"x1","name":"Nguyen Van An","born":"1990-02-03","sex":"male",
"identities":[{"scheme":"citizen","value":"046090990001"}],"visits":[{"at":"2026-03-01T03:00:00Z","place":"cho"}]}]}"""


def test_a_record_without_a_phone_is_nobodys_who_types_its_name_and_number(desk, store, ring):
    file = parse(IMPORTED, "people.json")
    assert isinstance(file, PeopleFile)
    registry.import_people(store, ring, file)
    made = desk.declare(form(), NOW, by=ME)
    assert made.my_qr is None
    with store.reading() as connection:
        assert not relatives.holds(connection, made.person, ME)
        schemes = set(connection.scalars(sa.select(identities.c.scheme)))
    assert record(store, made.person).phone == ""
    assert schemes == {"citizen", "person"}
    assert standing(store, ring).health.at == NOW  # it counts at the gates all the same


def test_who_claims_a_number_is_told_no_scans_from_before(desk, store, ring):
    with store.writing() as connection:
        seen = {"place": "cho", "direction": "in", "outcome": "pass", "went_in": 1, "identity": ring.digest(CITIZEN)}
        for at in (NOW - timedelta(days=1), NOW + timedelta(minutes=1)):
            connection.execute(sa.insert(visits).values(at=at, **seen))
    made = desk.declare(form(), NOW, by=ME)
    with store.reading() as connection:
        mine = own_data.export(connection, ring, made.person, to_phone=True)["checkins"]
        every = own_data.export(connection, ring, made.person)["checkins"]
    assert [each["at"] for each in mine] == [NOW + timedelta(minutes=1)]
    assert len(every) == 2
