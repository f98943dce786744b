"""Declaring: one phone for several relatives, once however often it is sent, and a code that a gate believes."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from declared import DOCUMENT, HANOI, ME, NOW, OTHER, OTHER_PHONE, PHONE, STAFF, child, entry, form

from core import codes
from core.codes import identity
from core.codes.trust import Trust, read_pem
from core.model import DeclarationKind, Scheme, SignatureState, Subject
from hub.register import declaring, signers
from hub.register.declaring import Declared, Refused, Wrong
from hub.register.standings import Standings
from hub.storage.tables import declarations, identities, people


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


def standing(store, ring, subject, at=NOW + timedelta(hours=1)):
    asked = Standings(store.reader(), ring)
    try:
        return asked.of(subject, at, at)
    finally:
        asked.close()


def read(store, ring, code, at=NOW):
    with store.reading() as connection:
        pems = signers.pems(connection, ring, at)
    trust = Trust(dict(key for name, pem in pems.items() for key in read_pem(pem, name)))
    return codes.parse(code.encode(), trust, at)


def count(store, table):
    with store.reading() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(table))


def test_a_declaration_is_the_standing_by_every_number_and_by_its_own_code(desk, store, ring):
    made = desk.declare(form(), NOW, by=ME)
    credential = read(store, ring, made.code)
    assert (credential.signed.state, credential.signed.declares) == (SignatureState.VERIFIED, DeclarationKind.HEALTH)
    assert credential.signed.symptoms is True
    subjects = (
        credential.subject,
        Subject(Scheme.CITIZEN, DOCUMENT),
        Subject(Scheme.INSURANCE, "9900000001"),
        identity.token(made.my_qr.encode()),
    )
    found = [standing(store, ring, subject) for subject in subjects]
    assert len({each.person for each in found}) == 1
    assert (found[0].health.at, found[0].health.symptoms, found[0].health.exposures) == (NOW, ("fever",), ("case",))


def test_an_entry_says_where_from_and_whether_before_the_return(desk, store, ring):
    made = desk.declare(entry(), NOW, by=ME)
    group = standing(store, ring, Subject(Scheme.CITIZEN, DOCUMENT)).entry
    assert (group.origin, group.before_return) == (HANOI, True)
    signed = read(store, ring, made.code).signed
    assert (signed.declares, signed.origin.commune, signed.origin.hamlet) == (DeclarationKind.ENTRY, "00175", "")


def test_every_field_of_the_form_is_kept_and_comes_back(desk):
    for given in (form(), entry()):
        made = desk.declare(given, NOW, by=ME)
        back = desk.form_of(made.declaration, by=ME)
        assert back.numbers == given.numbers
        same = {"document": "", "insurance": ""}
        assert {k: v for k, v in as_dict(back).items() if k not in same} == {
            k: v for k, v in as_dict(given).items() if k not in same
        }


def as_dict(given):
    return {name: getattr(given, name) for name in given.__struct_fields__}


def test_a_form_that_is_wrong_is_refused_and_nothing_is_written(desk, store):
    with pytest.raises(Refused) as refused:
        desk.declare(form(name=""), NOW, by=ME)
    assert refused.value.wrong == {"name": Wrong.REQUIRED}
    assert count(store, people) == 0


def test_a_sheet_sent_twice_is_one_declaration(desk, store):
    first, again = (desk.declare(form(), NOW, by=ME, once="sheet-1") for _ in range(2))
    assert (again.declaration, again.person, again.code) == (first.declaration, first.person, first.code)
    assert again.my_qr is None
    assert (count(store, declarations), count(store, people)) == (1, 1)


def test_two_declarations_of_one_moment_are_both_kept(desk, store):
    made = [desk.declare(form(), NOW, by=ME, once=once) for once in ("a", "b")]
    assert len({each.declaration for each in made}) == 2
    assert count(store, declarations) == 2


def test_one_phone_declares_for_several_relatives_and_finds_them_all_again(desk):
    desk.declare(form(), NOW, by=ME)
    desk.declare(child(), NOW + timedelta(minutes=1), by=ME)
    desk.declare(form(document="046090990777", insurance="", phone=OTHER_PHONE), NOW, by=OTHER)
    found = desk.of_phone("+84 905 000 001", NOW + timedelta(hours=1))
    assert [each.name for each in found] == ["Nguyễn Thị Bé", "Nguyễn Văn An"]
    assert all(each.code.startswith("TQ1:") for each in found)
    assert desk.of_phone("nonsense", NOW) == []


def test_a_child_without_a_document_is_one_person_by_phone_name_and_year(desk, store, ring):
    first = desk.declare(child(), NOW, by=ME)
    again = desk.declare(child(name="NGUYEN THI BE", born="2020-05-06"), NOW + timedelta(days=1), by=ME)
    another_phones = desk.declare(child(), NOW, by=OTHER)
    assert first.person == again.person != another_phones.person
    with store.reading() as connection:
        schemes = set(connection.scalars(sa.select(identities.c.scheme)))
    assert schemes == {"person", "token"}
    assert standing(store, ring, Subject(Scheme.CMND, "000000000")) is None


def test_a_child_that_gets_a_document_stays_the_same_person(desk):
    first = desk.declare(child(), NOW, by=ME)
    grown = child(child_without_document=False, document="046220990009")
    assert desk.declare(grown, NOW + timedelta(days=1), by=ME).person == first.person


def test_the_child_knows_who_declares_for_it(desk, store):
    father = desk.declare(form(), NOW, by=ME)
    made = desk.declare(child(), NOW, by=ME)
    with store.reading() as connection:
        guardian = connection.scalar(sa.select(people.c.guardian).where(people.c.id == made.person))
    assert guardian == father.person


def test_another_phone_declares_for_a_person_but_changes_nothing_about_them(desk, store, ring):
    desk.declare(form(), NOW, by=ME)
    relative = form(born="1990", sex="female", phone="", for_another=True, insurance="9900000555", symptoms=("cough",))
    made = desk.declare(relative, NOW + timedelta(minutes=5), by=OTHER)
    found = standing(store, ring, Subject(Scheme.CITIZEN, DOCUMENT))
    assert (found.health.at, found.health.symptoms) == (NOW + timedelta(minutes=5), ("fever", "cough"))
    assert made.my_qr is None
    assert standing(store, ring, Subject(Scheme.INSURANCE, "9900000555")) is None
    with store.reading() as connection:
        row = connection.execute(sa.select(people)).one()
    assert (row.born, row.sex, row.phone) == ("1990-02-03", "male", PHONE)


def test_numbers_of_two_people_in_one_form_are_refused(desk):
    desk.declare(form(), NOW, by=ME)
    other = form(document="046090990777", insurance="", phone=OTHER_PHONE)
    desk.declare(other, NOW, by=OTHER)
    with pytest.raises(Refused) as refused:
        desk.declare(form(document="046090990777"), NOW, by=ME)
    assert refused.value.wrong == {"insurance": Wrong.ANOTHERS}


def test_a_correction_takes_the_place_and_the_time_of_the_first(desk, store, ring):
    made = desk.declare(form(), NOW, by=ME)
    later = NOW + timedelta(minutes=30)
    mended = desk.correct(made.declaration, form(symptoms=()), later, by=ME)
    health = standing(store, ring, Subject(Scheme.CITIZEN, DOCUMENT)).health
    assert (health.symptoms, health.at - NOW) == ((), timedelta(microseconds=1))
    assert [each.declaration for each in desk.of_phone(PHONE, later)] == [mended.declaration]


def test_a_refused_correction_leaves_the_first_as_it_was(desk):
    made = desk.declare(form(), NOW, by=ME)
    with pytest.raises(Refused):
        desk.correct(made.declaration, form(name=""), NOW, by=ME)
    assert [each.declaration for each in desk.of_phone(PHONE, NOW)] == [made.declaration]


def test_what_was_withdrawn_counts_no_more_and_is_withdrawn_once(desk, store, ring):
    made = desk.declare(form(), NOW, by=ME)
    desk.withdraw(made.declaration, NOW, by=ME)
    assert standing(store, ring, Subject(Scheme.CITIZEN, DOCUMENT)).health is None
    with pytest.raises(Refused):
        desk.withdraw(made.declaration, NOW, by=ME)


@pytest.mark.parametrize("act", ["withdraw", "correct", "form_of", "given"])
def test_nobody_touches_what_another_phone_declared(desk, act):
    made = desk.declare(form(), NOW, by=ME)
    arguments = {"withdraw": (NOW,), "correct": (form(), NOW), "form_of": (), "given": (NOW,)}[act]
    with pytest.raises(Refused) as refused:
        getattr(desk, act)(made.declaration, *arguments, by=OTHER)
    assert refused.value.wrong == {"": Wrong.NOT_YOURS}


def test_a_paper_is_marked_with_who_typed_it_and_when_and_counts_from_its_signing(desk, store, ring):
    written = NOW - timedelta(hours=20)
    made = desk.declare(form(signed=written), NOW, by=STAFF)
    health = standing(store, ring, Subject(Scheme.CITIZEN, DOCUMENT)).health
    assert (health.paper, health.at) == (True, written)
    with store.reading() as connection:
        row = connection.execute(sa.select(declarations)).one()
    assert (row.id, row.typed_by, row.typed) == (made.declaration, "le-thi-b", NOW)
    assert [each.paper for each in desk.of_phone(PHONE, NOW)] == [True]


def test_a_code_ends_and_is_not_given_again(desk):
    made = desk.declare(form(), NOW, by=ME)
    ended = NOW + signers.CODE_LIVES
    assert desk.given(made.declaration, ended - timedelta(seconds=1), by=ME).code
    assert desk.given(made.declaration, ended, by=ME).code == ""


def test_a_rotated_key_signs_no_more_and_is_believed_until_its_codes_have_ended(desk, store, ring):
    old = desk.declare(form(), NOW, by=ME)
    with store.writing() as connection:
        name = signers.rotate(connection, ring, NOW)
    new = desk.given(old.declaration, NOW, by=ME).code
    states = [read(store, ring, code).signed for code in (old.code, new)]
    assert [each.state for each in states] == [SignatureState.VERIFIED] * 2
    assert states[1].signer == name != states[0].signer
    after = NOW + signers.CODE_LIVES + timedelta(hours=2)
    assert read(store, ring, old.code, after).signed.state is SignatureState.SIGNER_UNKNOWN
    with store.reading() as connection:
        assert list(signers.trusted(connection, ring, after)) == [name]


def test_a_retired_keys_private_half_is_gone(store, ring):
    for turn in range(3):
        with store.writing() as connection:
            signers.rotate(connection, ring, NOW + timedelta(days=turn))
    with store.reading() as connection:
        kept = connection.execute(sa.text("SELECT sealed FROM declaring_keys ORDER BY begins")).all()
    assert [row.sealed is None for row in kept] == [True, True, True, False]


def test_nothing_of_a_person_shows_in_what_is_handed_about():
    made = Declared(1, 2, "TQ1:SECRET", "token")
    assert repr(made) == "Declared(person=1, declaration=2)"
    assert PHONE not in repr(ME)
