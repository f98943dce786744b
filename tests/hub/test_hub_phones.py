"""Phones that come from elsewhere are looked for and found in any spelling, those of years ago too."""

import json

import pytest
import sqlalchemy as sa
from hub_stand import PEOPLE

from hub.inquiries import searching
from hub.register import people, registry, relatives
from hub.register.relatives import By
from hub.storage.store import Store, build
from hub.storage.tables import people as people_table

ONE = "0905000001"
WRITTEN = ["+84905000001", "0084 905 000 001", "84905000001", "0905.000.001", ONE]


def import_with(store, ring, phone: str) -> int:
    record = {**PEOPLE["people"][0], "phone": phone}
    registry.import_people(store, ring, people.parse(json.dumps({"people": [record]}).encode(), "f.json"))
    with store.reading() as connection:
        return connection.scalar(sa.select(people_table.c.id))


@pytest.mark.parametrize("written", WRITTEN)
def test_an_imported_record_is_its_phones_however_that_was_written(store, ring, written):
    person = import_with(store, ring, written)
    with store.reading() as connection:
        assert connection.scalar(sa.select(people_table.c.phone)) == ONE
        assert relatives.holds(connection, person, By.citizen("+84 905 000 001"))
        for typed in WRITTEN:
            assert [each.person for each in searching.find(connection, ring, typed).people] == [person]


def test_a_phone_that_is_none_stays_as_it_was_written_and_holds_nothing(store, ring):
    person = import_with(store, ring, "12 34")
    with store.reading() as connection:
        assert connection.scalar(sa.select(people_table.c.phone)) == "12 34"
        assert not relatives.holds(connection, person, By.citizen(ONE))


def test_records_from_before_are_spelled_anew_when_the_schema_is_brought_up(bare_database):
    former = [*WRITTEN, "+856 20 5555 0001", "", "hỏi trưởng thôn", "+84 234 3822 000"]
    store = Store(bare_database)
    with store.writing() as connection:
        build(connection, "0019")
        own = {"born": "1990", "sex": "", "nationality": "VN", "address": ""}
        rows = [{**own, "key": bytes([number]) * 16, "name": "A", "phone": each} for number, each in enumerate(former)]
        connection.execute(sa.insert(people_table), rows)
    store.upgrade()
    with store.reading() as connection:
        found = list(connection.scalars(sa.select(people_table.c.phone).order_by(people_table.c.id)))
    store.close()
    assert found == [ONE] * 5 + ["+8562055550001", "", "hỏi trưởng thôn", "02343822000"]
