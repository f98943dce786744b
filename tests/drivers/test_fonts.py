"""The shipped fonts hold every Vietnamese letter, each its own."""

from __future__ import annotations

import string
import unicodedata

import pytest
from PIL import Image, ImageDraw

from drivers.drawing import cut, font, has_glyph, plain, wrap

FACES = ["10x20", "9x15", "6x13"]
TONES = ["", "\u0300", "\u0301", "\u0309", "\u0303", "\u0323"]
SMALL = [unicodedata.normalize("NFC", vowel + tone) for vowel in "aăâeêioôơuưy" for tone in TONES]
LETTERS = [letter for letter in [*SMALL, "đ"] if not letter.isascii()]
VIETNAMESE = [*LETTERS, *(letter.upper() for letter in LETTERS)]


def picture(char: str, face: str) -> Image.Image:
    """One character on a sheet with room around it."""
    sheet = Image.new("1", (40, 40))
    pen = ImageDraw.Draw(sheet)
    pen.fontmode = "1"
    pen.text((10, 10), char, font=font(face), fill=255)
    return sheet


def test_the_alphabet_has_134_letters_beyond_ascii():
    assert len(VIETNAMESE) == len(set(VIETNAMESE)) == 134


@pytest.mark.parametrize("face", FACES)
def test_every_vietnamese_letter_is_there_and_no_two_look_alike(face):
    chars = VIETNAMESE + list(string.ascii_letters + string.digits)
    assert [char for char in chars if not has_glyph(char, face)] == []
    assert len({picture(char, face).tobytes() for char in chars}) == len(chars)


@pytest.mark.parametrize("face", FACES)
def test_no_letter_leaves_its_cell(face):
    wide, high = map(int, face.split("x"))
    for char in VIETNAMESE:
        left, top, right, bottom = picture(char, face).getbbox()
        assert 10 <= left < right <= 10 + wide, char
        assert 10 <= top < bottom <= 10 + high, char


def test_capitals_of_the_headline_stand_under_two_free_rows():
    for char in string.ascii_uppercase:
        assert picture(char, "10x20").getbbox()[1] - 10 >= 2


@pytest.mark.parametrize("face", FACES)
def test_strangers_are_known_as_such(face):
    assert not has_glyph("\U0001f600", face)
    assert not has_glyph("\u202e", face)
    assert not has_glyph("\x1b", face)


def test_hostile_text_becomes_plain():
    assert plain("A\u202eB\x1b[2J\x00\n  C\U0001f600", "9x15") == "AB[2J C?"


def test_decomposed_text_is_composed():
    assert plain(unicodedata.normalize("NFD", "Ẫm thực Huế"), "9x15") == "Ẫm thực Huế"


def test_long_text_ends_in_an_ellipsis():
    assert cut("Trung tâm thương mại", 10, "9x15") == "Trung tâm…"
    assert wrap("một hai ba bốn năm sáu", 7, 2, "9x15") == ["một hai", "ba bốn…"]


def test_a_single_last_word_gets_company():
    assert wrap("Xin mời quét mã QR tại đây", 12, 3, "10x20") == ["Xin mời quét", "mã QR", "tại đây"]
    assert wrap("Chưa khai báo y tế", 14, 2, "9x15") == ["Chưa khai báo", "y tế"]
