"""``hub import`` takes and refuses the same files on either database, names every fault first, and never stumbles."""

from __future__ import annotations

import copy
import json
import os

import pytest
import sqlalchemy as sa
from hub_stand import PEOPLE, journal_of, now
from spoilt import spoilt

from core.model import Area
from core.rules import Policy
from hub.commands.records import bring_in
from hub.errors import DataError
from hub.journals import carried
from hub.register import people, registry
from hub.register.people import DeclarationRecord, FormDetails, PersonRecord, PlaceRecord, VisitRecord
from hub.storage.tables import people as people_table
from hub.storage.tables import places

HUGE = "x" * 65
AREA = {"edition": "63", "province": "46", "district": "475"}


def person(**changed: object) -> dict[str, object]:
    return {**PEOPLE["people"][0], **changed}


def place(**changed: object) -> dict[str, object]:
    return {"code": "ga", "name": "Ga Huế", "kind": "venue", "area": AREA, **changed}


def declared(**changed: object) -> dict[str, object]:
    return person(declarations=[{"kind": "entry", "at": "2026-01-01T00:00:00Z", **changed}])


LONG = {**AREA, "commune": "1" * 20}
VISITED = [{"at": "2026-01-01T00:00:00Z", "place": HUGE}]
OLD = {**AREA, "edition": "63-old"}

WRONG = {
    "name": ({"people": [person(name="Nguyễn\0 Ánh")]}, "people[0].name (ref p1): holds a control character"),
    "ref": ({"people": [person(ref="p\0")]}, "people[0].ref: holds a control character"),
    "born": ({"people": [person(born="1990-01-01\n")]}, "people[0].born (ref p1): holds a control character"),
    "visit": ({"people": [person(visits=VISITED)]}, "people[0].visits[0].place (ref p1): 1 to 64"),
    "home": ({"people": [person(address=LONG)]}, "people[0].address.commune (ref p1): the official"),
    "destination": ({"people": [declared(destination=LONG)]}, ".declarations[0].destination.commune"),
    "symptom": ({"people": [declared(symptoms=["a\0"])]}, ".declarations[0].symptoms[0] (ref p1): holds a control"),
    "seat": ({"people": [declared(details={"seat": "1\0"})]}, ".declarations[0].details.seat (ref p1): holds"),
    "place name": ({"places": [place(name="Ga\0")]}, "places[0].name (code ga): holds a control character"),
    "capacity": ({"places": [place(capacity=3_000_000_000)]}, "places[0].capacity (code ga): a whole number below"),
    "capacity beyond": ({"places": [place(capacity=1 << 63)]}, "places[0].capacity (code ga): a whole number below"),
    "edition": ({"places": [place(area=OLD)]}, "places[0].area.edition (code ga): one of 34, 63"),
    "district": ({"places": [place(area={**AREA, "district": "123456789"})]}, "places[0].area.district (code ga): the"),
    "code": ({"places": [place(code="a" * 64 + "\n")]}, "places[0].code (code "),
}


@pytest.mark.parametrize(("parts", "told"), WRONG.values(), ids=WRONG)
def test_what_some_database_cannot_keep_is_named_with_its_record_and_field(parts, told):
    with pytest.raises(DataError) as raised:
        people.parse(json.dumps(parts).encode(), "f.json")
    (fault,) = raised.value.faults
    assert told in fault
    assert fault.startswith("f.json: ")


def test_a_ref_that_could_be_a_number_is_not_repeated():
    with pytest.raises(DataError) as raised:
        people.parse(json.dumps({"people": [person(ref="046193990042", name="a\0")]}).encode(), "f.json")
    assert "046193990042" not in str(raised.value)


def test_several_lines_of_an_address_or_a_contact_are_no_fault(store, ring):
    lines = {"address": "1 Lê Lợi\nHuế", "contact": "Bà Lan\r\n0234"}
    file = people.parse(json.dumps({"places": [place(**lines)]}).encode(), "f.json")
    assert registry.import_people(store, ring, file).places == 1


def test_whatever_a_file_says_it_is_imported_or_refused_by_name_on_either_database(store, ring):
    area = Area("63", "46", "475", "19777", "Tổ 1")
    said = DeclarationRecord("entry", now(), ("fever",), (), False, now(), area, area, FormDetails(seat="1"))
    been = (VisitRecord(now(), "ga"),)
    whole = {
        "people": PersonRecord("p9", "Trần Thị Bình", address=area, declarations=(said,), visits=been),
        "places": PlaceRecord("ga", "Ga Huế", "venue", area, capacity=9),
        "policies": Policy(1, now(), now()),
    }
    taken, refused = [], []
    for part, record in whole.items():
        for where, raw in spoilt(type(record), record):
            number = len(taken) + len(refused) + 1  # versions must rise
            raw = raw.replace(b'"version":1,', b'"version":%d,' % number)
            try:
                bring_in(store, ring, people.parse(b'{"%s":[%s]}' % (part.encode(), raw), "f.json"))
                taken.append(where)
            except DataError as error:
                refused.append((where, error.faults))
    assert min(len(taken), len(refused)) > 50
    unnamed = [(where, faults) for where, faults in refused if where.split("/")[0] not in "".join(faults)]
    assert unnamed == []


def test_a_refused_file_leaves_nothing_behind_and_the_command_says_so_without_a_traceback(desk, tmp_path):
    path, parts = tmp_path / "f.json", copy.deepcopy(PEOPLE)
    parts["people"] += [person(ref="b", name="x\0", identities=[]), person(ref="c", identities=[], phone="\0")]
    path.write_text(json.dumps(parts))
    said = desk.run("import", str(path), code=os.EX_DATAERR)
    assert "Traceback" not in said
    assert "people[1].name (ref b): holds a control character; take it out" in said
    assert "people[2].phone (ref c): holds a control character; take it out" in said
    store, _ = desk.open()
    with store.reading() as connection:
        assert connection.scalar(sa.select(people_table.c.id).limit(1)) is None
        assert connection.scalar(sa.select(places.c.code).limit(1)) is None
    store.close()


def test_every_record_whose_codes_are_two_peoples_is_named_before_anything_is_written(peopled, ring):
    number = [{"scheme": "citizen", "value": "046193990099"}]
    first = [person(ref="b", identities=number, declarations=[]), person(ref="d", identities=[], declarations=[])]
    registry.import_people(peopled, ring, people.parse(json.dumps({"people": first}).encode(), "f.json"))
    mixed = [person(ref="new", identities=[]), person(ref="p1", identities=number), person(ref="d", identities=number)]
    mixed[2]["identities"] = [{"scheme": "citizen", "value": "046 193 990 099"}]
    mixed[1]["identities"] = [{"scheme": "token", "value": "MYQR-ANH-0002"}]
    file = people.parse(json.dumps({"people": mixed}).encode(), "f.json")
    with pytest.raises(DataError) as raised:
        registry.import_people(peopled, ring, file)
    assert raised.value.faults == ["people[2] (ref d): these codes already belong to 2 different people"]
    with peopled.reading() as connection:
        assert connection.scalar(sa.select(people_table.c.id).where(people_table.c.ref == "new")) is None


def test_what_only_the_database_refuses_is_named_with_its_record(peopled, ring):
    with peopled.writing() as connection:
        if connection.dialect.name == "sqlite":
            when = "BEFORE INSERT ON people WHEN NEW.born = '1999' BEGIN SELECT RAISE(ABORT, 'no'); END"
            connection.exec_driver_sql(f"CREATE TRIGGER forbidden {when}")
        else:
            connection.exec_driver_sql("ALTER TABLE people ADD CONSTRAINT forbidden CHECK (born <> '1999')")
    some = [person(ref="x", identities=[]), person(ref="y", identities=[], born="1999")]
    with pytest.raises(DataError, match=r"people\[1\] \(ref y\): holds what the database cannot keep"):
        registry.import_people(peopled, ring, people.parse(json.dumps({"people": some}).encode(), "f.json"))


def test_a_carried_row_of_a_number_beyond_all_measure_ends_the_import_with_its_line(peopled, ring, tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(journal_of(ring).write().replace(b'"seq":1', b'"seq":%d' % (1 << 70)) + b"\n")
    with pytest.raises(DataError, match="line 1 is no row of any station's"):
        carried.take(peopled, ring, path, now(), lambda done: None)
