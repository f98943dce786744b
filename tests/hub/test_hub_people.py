"""``hub import``: everything wrong is said at once, nothing personal is said, and importing again changes nothing."""

import json

import pytest
import sqlalchemy as sa
from drawn import drawn
from hub_stand import CITIZEN, PEOPLE, now
from hypothesis import given
from hypothesis import strategies as st

from core.model import Scheme, Subject
from hub.errors import DataError
from hub.register import people, registry
from hub.register.standings import Standings
from hub.storage.tables import declarations, identities
from hub.storage.tables import people as people_table


def parse(**parts: object) -> people.PeopleFile:
    return people.parse(json.dumps({**PEOPLE, **parts}).encode(), "f.json")


def faults(**parts: object) -> list[str]:
    with pytest.raises(DataError) as raised:
        parse(**parts)
    return raised.value.faults


def person(**changed: object) -> dict[str, object]:
    return {**PEOPLE["people"][0], **changed}


def test_a_file_that_is_no_json_is_said_to_be_none():
    with pytest.raises(DataError, match=r"^f\.json: JSON is malformed"):
        people.parse(b"{]", "f.json")


def test_every_fault_is_named_by_file_record_and_field():
    wrong = [person(ref="a", born="1.1.90"), person(ref="b", sxe="male"), person(ref="a", identities=[])]
    assert faults(people=wrong) == [
        "f.json: people[0]: Expected `str` matching regex '^([0-9]{4}(-[0-9]{2}-[0-9]{2})?)?$' - at `$.born`",
        "f.json: people[1]: Object contains unknown field `sxe`",
    ]


def test_no_fault_repeats_a_value():
    number = "046193990042"
    wrong = person(identities=[{"scheme": number, "value": "x"}], declarations=[{"kind": number, "at": number}])
    assert number not in "\n".join(faults(people=[wrong]))


@pytest.mark.parametrize(
    ("scheme", "value", "fault"),
    [
        ("cmnd", "000000000", "a placeholder number is never a key; leave the identity out"),
        ("citizen", "1234", "not a whole citizen"),
        ("citizen", "191234567", "looks like a cmnd, not a citizen"),
        ("citizen", "0461939*****", "not a whole citizen"),
    ],
)
def test_an_identity_that_names_nobody_is_refused(scheme, value, fault):
    wrong = person(identities=[{"scheme": scheme, "value": value}])
    assert faults(people=[wrong]) == [f"f.json: people[0].identities[0].value: {fault}"]


def test_one_code_cannot_be_two_peoples():
    same = [{"scheme": "citizen", "value": "046 193 990 042"}, {"scheme": "citizen", "value": "046193990042"}]
    two = [person(ref="a", identities=same[:1]), person(ref="b", identities=same[1:])]
    assert faults(people=two) == ["f.json: people[1].identities[0].value: already people[0]'s"]


def test_a_guardian_must_be_in_the_file():
    assert faults(people=[person(guardian="x")]) == ["f.json: people[0].guardian: no person in this file has that ref"]


def test_a_visit_or_declaration_without_a_time_zone_is_refused():
    wrong = person(declarations=[{"kind": "health", "at": "2026-01-02T03:04:05"}])
    assert faults(people=[wrong]) == ["f.json: people[0]: Expected `datetime` with a timezone component - at `$.declarations[0].at`"]  # fmt: skip # noqa: E501


def test_importing_again_changes_nothing(store, ring):
    first = registry.import_people(store, ring, parse())
    again = registry.import_people(store, ring, parse())
    assert (first.people, first.places, first.identities, first.declarations) == (1, 2, 2, 1)
    assert set(vars(again).values()) == {0}


def test_a_corrected_person_is_found_by_ref_or_code_and_keeps_the_key(peopled, ring):
    def look() -> tuple[str, str]:
        standings = Standings(peopled.reader(), ring)
        standing = standings.of(Subject(Scheme.CITIZEN, CITIZEN), now(), now())
        standings.close()
        return standing.person, standing.name_masked

    key, _ = look()
    renamed = person(ref="other-system-7", name="Nguyễn Thị Ánh Tuyết")
    assert registry.import_people(peopled, ring, parse(people=[renamed])).people == 0
    assert look() == (key, "N***** T** Á** Tuyết")


def test_codes_of_two_people_in_one_record_are_refused(peopled, ring):
    registry.import_people(peopled, ring, parse(people=[person(ref="p2", identities=[], declarations=[])]))
    both = person(ref="p2")
    with pytest.raises(DataError, match=r"people\[0\] \(ref p2\): these codes already belong to 2 different people"):
        registry.import_people(peopled, ring, parse(people=[both]))


def test_children_without_documents_are_people_with_a_guardian(store, ring):
    child = person(ref="c1", guardian="p1", identities=[])
    registry.import_people(store, ring, parse(people=[PEOPLE["people"][0], child]))
    with store.reading() as connection:
        guardian = connection.scalar(sa.select(people_table.c.guardian).where(people_table.c.ref == "c1"))
        assert guardian == connection.scalar(sa.select(people_table.c.id).where(people_table.c.ref == "p1"))


def test_the_database_holds_no_number_in_clear(peopled, ring):
    with peopled.reading() as connection:
        kept = connection.execute(sa.select(identities)).all()
    assert len(kept) == 3
    assert CITIZEN not in repr(kept)
    opened = {row.scheme: ring.open_value(row.sealed, row.digest) for row in kept}
    assert opened["citizen"] == CITIZEN


@pytest.mark.parametrize("value", ["GD4469900000001", "9900000001"])
def test_both_forms_of_an_insurance_card_are_one_identity(value):
    assert people.IdentityRecord(Scheme.INSURANCE, value).subject == Subject(Scheme.INSURANCE, "9900000001")


@drawn(200)
@given(raw=st.binary(max_size=200) | st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["people", "places", "policies", "ref", "name", "identities"]), inner)).map(lambda tree: json.dumps(tree).encode()))  # fmt: skip # noqa: E501
def test_any_file_is_read_or_refused_in_words(raw):
    try:
        faults = [] if people.parse(raw, "f.json") else ["f.json: "]
    except DataError as error:
        faults = error.faults or [""]
    assert all(fault.startswith("f.json: ") for fault in faults)


@drawn(15, shared=True)
@given(days=st.lists(st.tuples(st.sampled_from(["health", "entry"]), st.integers(1, 28)), max_size=6))
def test_the_newest_declaration_of_each_kind_is_the_standing(store, ring, days):
    with store.writing() as connection:
        connection.execute(sa.delete(declarations))
    declared = [{"kind": kind, "at": f"2026-02-{day:02d}T00:00:00Z"} for kind, day in days]
    registry.import_people(store, ring, parse(people=[person(declarations=declared)]))
    standings = Standings(store.reader(), ring)
    standing = standings.of(Subject(Scheme.CITIZEN, CITIZEN), now(), now())
    standings.close()
    newest = {kind: max((day for which, day in days if which == kind), default=None) for kind in ("health", "entry")}
    assert {"health": standing.health and standing.health.at.day, "entry": standing.entry and standing.entry.at.day} == newest  # fmt: skip # noqa: E501
