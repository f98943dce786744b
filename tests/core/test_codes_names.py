"""Masked names: what a guard can check, and nothing that a hostile name could do to a display."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.codes import names

NAMES = {
    "Nguyễn Văn An": "N***** V** An",
    "NGUYEN VAN AN": "N***** V** AN",
    "Đặng Thị Ửng": "Đ*** T** Ửng",
    "Công Tằng Tôn Nữ Thị Ngọc Bích": "C*** T*** T** T** N*** Bích",
    "An": "A*",
    "Madonna": "M*****",
    "A": "A",
    "": "",
    "John O'Brien-Smith": "J*** O'Brien-Smith",
    "Wolfeschlegelsteinhausen Bergerdorff": "W***** Bergerdorff",
    "Hubert Wolfeschlegelsteinhausen": "H***** Wolfeschlegelste",
    "N*** V** An": "N*** V** An",
    "  Nguyễn\tVăn\u00a0 An\n": "N***** V** An",
    "\u202eNguyễn\u202c Văn\u200b An": "N***** V** An",
    "\x1b[31mNguyễn Văn An": "m***** V** An",
    "An\u0300\u0301\u0302\u0303" * 3: "A*****",
    "<b>An</b>": "b A* b",
    "Nguy\ufffdn An": "N***** An",
}


@pytest.mark.parametrize(("name", "masked"), NAMES.items())
def test_a_name_is_masked(name, masked):
    assert names.mask(name) == masked


def test_decomposed_letters_are_masked_as_one():
    assert names.mask(unicodedata.normalize("NFD", "Nguyễn Đức Tuệ")) == "N***** Đ** Tuệ"


def test_a_huge_name_is_cut():
    assert len(names.mask("a" * 10_000)) <= names.LONGEST
    assert len(names.mask("ab " * 10_000)) <= names.LONGEST


@given(st.text(max_size=400))
def test_masking_twice_changes_nothing_and_stays_in_bounds(name):
    masked = names.mask(name)
    assert names.mask(masked) == masked
    assert len(masked) <= names.LONGEST
    assert all(letter.isalpha() or letter in " '-*" for letter in masked)


@given(st.lists(st.text("aăâbcdđeêghiklmnoôơpqrstuưvxyáàảãạ", min_size=2, max_size=7), min_size=2, max_size=6))
def test_no_word_but_the_last_shows_more_than_its_first_letter(words):
    shown = names.mask(" ".join(words)).split(" ")
    assert shown == [word[0] + "*" * min(len(word) - 1, 5) for word in words[:-1]] + [words[-1]]


@pytest.mark.parametrize(
    ("name", "damaged"),
    [("Nguyễn Văn An", False), ("Lê Hà", False), ("NGUYEN VAN A", False), ("Nguy?n", True), ("LÃª", True), ("", False)],
)
def test_lost_and_mistaken_letters_are_noticed(name, damaged):
    assert names.damaged(name) is damaged
