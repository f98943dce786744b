"""The declaration form: what is wrong is said beside the field, and nothing that is right is refused."""

from datetime import timedelta

import pytest
from declared import DOCUMENT, HANOI, NOW, VY_DA, child, entry, form

from core.model import Area, Scheme, Subject
from hub.register.forms import Wrong, check


@pytest.mark.parametrize("given", [form(), entry(), child(), entry(name="Trần B", for_another=True, phone="")])
def test_a_form_filled_in_as_people_do_is_taken(given):
    assert check(given, NOW) == {}


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({"name": " "}, {"name": Wrong.REQUIRED}),
        ({"name": "7 An"}, {"name": Wrong.NOT_A_NAME}),
        ({"name": "A" * 201}, {"name": Wrong.TOO_LONG}),
        ({"born": ""}, {"born": Wrong.REQUIRED}),
        ({"born": "1990-02-30"}, {"born": Wrong.NOT_A_DATE}),
        ({"born": "03/02/1990"}, {"born": Wrong.NOT_A_DATE}),
        ({"born": "2026-03-05"}, {"born": Wrong.IN_FUTURE}),
        ({"born": "1889"}, {"born": Wrong.TOO_LONG_AGO}),
        ({"sex": ""}, {"sex": Wrong.REQUIRED}),
        ({"nationality": "Vietnam"}, {"nationality": Wrong.NOT_ONE_OF}),
        ({"document": ""}, {"document": Wrong.REQUIRED}),
        ({"document": "000000000"}, {"document": Wrong.PLACEHOLDER}),
        ({"document": "046*****0001"}, {"document": Wrong.MASKED}),
        ({"document": "12345"}, {"document": Wrong.NOT_A_NUMBER}),
        ({"insurance": "GD1"}, {"insurance": Wrong.NOT_A_NUMBER}),
        ({"child_without_document": True}, {"child_without_document": Wrong.NOT_ONE_OF}),
        ({"phone": ""}, {"phone": Wrong.REQUIRED}),
        ({"phone": "12"}, {"phone": Wrong.NOT_A_PHONE}),
        ({"address": None}, {"address": Wrong.REQUIRED}),
        ({"address": Area("34", "46", "474", "19777")}, {"address": Wrong.NO_SUCH_AREA}),
        ({"seat": "x" * 121}, {"seat": Wrong.TOO_LONG}),
        ({"symptoms": ("headache",)}, {"symptoms": Wrong.NOT_ONE_OF}),
        ({"exposures": ("fever",)}, {"exposures": Wrong.NOT_ONE_OF}),
        ({"origin": HANOI}, {"origin": Wrong.NOT_ONE_OF}),
        ({"arrival": NOW}, {"arrival": Wrong.NOT_ONE_OF}),
        ({"signed": NOW + timedelta(days=1)}, {"signed": Wrong.IN_FUTURE}),
    ],
    ids=str,
)
def test_what_is_wrong_is_said_beside_the_field(changed, wrong):
    assert check(form(**changed), NOW) == wrong


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({"arrival": None}, {"arrival": Wrong.REQUIRED}),
        ({"arrival": NOW - timedelta(days=31)}, {"arrival": Wrong.TOO_LONG_AGO}),
        ({"origin": None}, {"origin": Wrong.REQUIRED}),
        ({"origin": Area("63", "01", "005", "00175")}, {"origin_hamlet": Wrong.REQUIRED}),
        ({"destination": VY_DA}, {"destination_hamlet": Wrong.REQUIRED}),
        ({"destination": Area("63", "46", "474")}, {"destination": Wrong.NO_SUCH_AREA}),
    ],
    ids=str,
)
def test_an_entry_needs_where_from_and_where_to_down_to_the_hamlet(changed, wrong):
    assert check(entry(**changed), NOW) == wrong


def test_a_birthday_is_today_by_the_clock_of_vietnam():
    assert check(form(born="2026-03-05"), NOW + timedelta(hours=12)) == {}


def test_a_placeholder_names_nobody_and_numbers_have_one_spelling():
    assert child().numbers == ()
    assert form(document="046 090 990 001").numbers == (
        Subject(Scheme.CITIZEN, DOCUMENT),
        Subject(Scheme.INSURANCE, "9900000001"),
    )


def test_a_form_shows_nothing_of_anybody_in_a_log():
    assert repr(form()) == "Form(health)"
