"""Every language has every word, and the province's own wordings stay as they are."""

from __future__ import annotations

import unicodedata

import pytest

from core.model import Hint, Outcome, Reason
from core.signals import Sign
from core.words import CATALOGUES, LANGUAGES, Label, Note, word

KEYS = [*Sign, *map(Note, Sign), *Label, *Outcome, *Reason, *Hint]


def test_no_two_keys_are_taken_for_each_other():
    assert len(set(KEYS)) == len(KEYS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_word_and_no_other(language):
    assert set(CATALOGUES[language]) == set(KEYS)
    assert all(CATALOGUES[language].values())


def test_every_catalogue_is_a_language():
    assert set(CATALOGUES) == set(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_are_composed_and_tidy(language):
    for text in CATALOGUES[language].values():
        assert text == unicodedata.normalize("NFC", " ".join(text.split()))


@pytest.mark.parametrize(
    ("key", "attested"),
    [
        (Reason.NO_HEALTH, "Chưa khai báo y tế"),
        (Reason.HEALTH_EXPIRED, "Tờ khai đã hết hiệu lực"),
        (Reason.NOT_FOUND, "Không tìm thấy thông tin"),
        (Reason.HUB_UNREACHABLE, "Lỗi kết nối máy chủ"),
        (Label.INVITATION, "Xin mời quét mã QR tại đây"),
    ],
)
def test_attested_wordings_are_kept(key, attested):
    assert word(key, "vi") == attested


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", [Outcome, Reason, Hint])
def test_different_things_are_told_in_different_words(language, kind):
    texts = [word(key, language).casefold() for key in kind]
    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize("language", LANGUAGES)
def test_signs_differ_in_their_words(language):
    texts = [(word(sign, language), word(Note(sign), language)) for sign in Sign]
    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_letters_of_the_groups_differ(language):
    letters = {word(label, language) for label in (Label.DESTINATION, Label.HEALTH, Label.ENTRY)}
    assert len(letters) == 3


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_week_has_seven_days(language):
    assert len(set(word(Label.WEEKDAYS, language).split())) == 7


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_first_time_has_its_place(language):
    assert word(Label.FIRST, language).format(time="14:05").endswith("14:05")
