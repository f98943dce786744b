"""A phone number has one spelling, however it was typed, printed, copied or imported."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import phones

ONE = "0905000001"


@pytest.mark.parametrize(
    "typed",
    [
        "0905000001",
        "0905 000 001",
        "0905.000.001",
        "0905-000-001",
        "+84905000001",
        "+84 905 000 001",
        "+84 (0) 905.000.001",
        "0084905000001",
        "00 84 905 000 001",
        "84905000001",
        "84 905 000 001",
        "840905000001",
        "\u202a+84 905 000 001\u202c",  # as a phone's list of contacts copies it
        "0905\u00a0000\u2013001",
        "\uff10\uff19\uff10\uff15\uff10\uff10\uff10\uff10\uff10\uff11",  # full width
    ],
)
def test_a_phone_number_has_one_spelling(typed):
    assert phones.spell(typed) == phones.kept(typed) == ONE
    assert phones.same(typed, ONE)


@pytest.mark.parametrize("typed", ["+84 234 3822 000", "0084 2343822000", "842343822000", "0234 3 822 000"])
def test_so_has_a_landline(typed):
    assert phones.spell(typed) == "02343822000"


@pytest.mark.parametrize(
    "typed",
    ["", "905000001", "0105000001", "+849050", "8490500000", "849050000011", "o905000001", "٠٩٠٥٠٠٠٠٠١", "0" * 40],
)
def test_what_is_no_phone_number_is_none_and_like_nothing(typed):
    assert phones.spell(typed) is None
    assert not phones.same(typed, typed)


def test_a_record_keeps_what_is_no_number_as_it_was_written():
    assert phones.kept("  hỏi trưởng thôn ") == "hỏi trưởng thôn"


def test_numbers_from_abroad_keep_their_country():
    assert phones.spell("+856 20 5555 0001") == phones.spell("00856 2055550001") == "+8562055550001"


@given(st.text(alphabet="0123456789+-. ()8４", max_size=34))
def test_a_spelling_is_its_own_spelling(typed):
    number = phones.spell(typed)
    assert number is None or phones.spell(number) == number
