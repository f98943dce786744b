"""The snapshot's entries: small, opened by nothing but the identity, and exact."""

import base64
import contextlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from core import packing, snapshot
from core.model import (
    Area,
    DestinationGroup,
    Direction,
    EntryGroup,
    HealthGroup,
    Scheme,
    Standing,
    Subject,
)
from core.packing import AreaWord, PlaceWord, Word
from core.rules import EXPOSURES, SYMPTOMS, UNSPECIFIED
from core.snapshot import Manifest, Piece, Record, Stretch

NOW = datetime(2021, 6, 1, 2, 3, 4, tzinfo=UTC)
HOW = Stretch(base64.b64encode(bytes(range(16))).decode(), cost=1 << 10)
GROUP_KEY = bytes(range(32))
PERSON = "0123456789abcdef" * 2
SOMEBODY = Subject(Scheme.CITIZEN, "046090000001")
HUE = Area("63", "46", "474", "19750", hamlet="Tổ 3")
FULL = Standing(
    PERSON,
    NOW,
    "",
    DestinationGroup(NOW - timedelta(hours=3), "dong-ba", "Chợ Đông Ba", Direction.OUT),
    HealthGroup(NOW - timedelta(days=2), ("fever", UNSPECIFIED), ("animals",), paper=True),
    EntryGroup(
        NOW - timedelta(days=5),
        arrival=(NOW - timedelta(days=4)).replace(second=0),
        origin=Area("63", "48"),
        destination=HUE,
        before_return=True,
        symptoms=("rash",),
    ),
)


class Words:
    """Numbers for words, as both sides keep them."""

    def __init__(self) -> None:
        self.known: list[Word] = []

    def number(self, word: Word) -> int:
        if word not in self.known:
            self.known.append(word)
        return self.known.index(word) + 1

    def word(self, number: int) -> Word | None:
        return self.known[number - 1] if 0 < number <= len(self.known) else None


def again(standing: Standing) -> Standing:
    words = Words()
    return packing.unpack(packing.pack(standing, words.number), words.word, standing.as_of)


def subset(of: tuple[str, ...]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.sets(st.sampled_from(of)).map(lambda some: tuple(mark for mark in of if mark in some))


moments = st.integers(1_577_836_800, 2_524_608_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
areas = st.builds(Area, st.sampled_from(["63", "34"]), st.text(max_size=3), hamlet=st.text(max_size=9))
entries = st.builds(
    EntryGroup,
    moments,
    origin=st.none() | areas,
    destination=st.none() | areas,
    symptoms=subset(SYMPTOMS),
    exposures=subset(EXPOSURES),
).flatmap(
    lambda entry: (
        st.just(entry)
        | moments.map(lambda at: replace(entry, arrival=at.replace(second=0), before_return=entry.at <= at))
    )
)
standings = st.builds(
    Standing,
    st.binary(min_size=16, max_size=16).map(bytes.hex),
    st.just(NOW),
    st.text(st.characters(exclude_categories=("Cs",)), max_size=15),
    st.none() | st.builds(DestinationGroup, moments, st.text(), st.text(), st.sampled_from(list(Direction)[:2])),
    st.none() | st.builds(HealthGroup, moments, subset((*SYMPTOMS, UNSPECIFIED)), subset(EXPOSURES), st.booleans()),
    st.none() | entries,
)


@given(standings)
def test_a_standing_comes_back_as_it_was(standing: Standing):
    assert again(standing) == standing


def test_a_full_standing_takes_fewer_bytes_than_a_card_has_for_it():
    """1.2 million people with three codes each in 250 MB: 69 bytes a code, of which a row of the file takes 14."""
    entry = snapshot.seal(snapshot.slot(b"s" * 32, GROUP_KEY), 1, packing.pack(FULL, Words().number))
    assert len(entry) + 14 <= 250_000_000 // 3_600_000


def test_a_mark_from_a_newer_form_is_never_lost():
    newer = replace(FULL, health=HealthGroup(NOW, ("no-taste",)))
    assert again(newer).health == HealthGroup(NOW, (UNSPECIFIED,))


def test_a_long_name_is_cut_at_a_character():
    name = again(replace(FULL, name_masked="Ộ" * 40)).name_masked
    assert name == "Ộ" * 20


@pytest.mark.parametrize("standing", [replace(FULL, person="00"), replace(FULL, health=HealthGroup(NOW.replace(1969)))])
def test_what_does_not_fit_is_refused(standing: Standing):
    with pytest.raises(ValueError, match=r"16 bytes|does not fit"):
        packing.pack(standing, Words().number)


@given(st.binary(max_size=90))
def test_no_bytes_do_more_than_be_refused(raw: bytes):
    with contextlib.suppress(ValueError):
        packing.unpack(raw, lambda number: PlaceWord("p") if number % 2 else AreaWord(HUE), NOW)


def test_an_entry_opens_for_its_identity_and_for_no_other():
    place = snapshot.slot(snapshot.stretch(SOMEBODY, HOW), GROUP_KEY)
    entry = snapshot.seal(place, 7, b"standing")
    assert snapshot.open_entry(place, entry) == b"standing"
    for other in (
        snapshot.slot(snapshot.stretch(replace(SOMEBODY, value="046090000002"), HOW), GROUP_KEY),
        snapshot.slot(snapshot.stretch(replace(SOMEBODY, scheme=Scheme.CMND), HOW), GROUP_KEY),
        snapshot.slot(snapshot.stretch(SOMEBODY, HOW), bytes(32)),
        snapshot.slot(snapshot.stretch(SOMEBODY, replace(HOW, salt="AAAA")), GROUP_KEY),
    ):
        assert other.index != place.index
        with pytest.raises(ValueError, match="does not open"):
            snapshot.open_entry(other, entry)


@given(st.integers(0, 8 * 18 - 1))
def test_a_changed_entry_does_not_open(bit: int):
    place = snapshot.slot(b"s" * 32, GROUP_KEY)
    entry = bytearray(snapshot.seal(place, 7, b"standing"))
    entry[bit // 8] ^= 1 << bit % 8
    with pytest.raises(ValueError, match="does not open"):
        snapshot.open_entry(place, bytes(entry))


def test_a_new_version_of_the_same_text_looks_like_another_one():
    place = snapshot.slot(b"s" * 32, GROUP_KEY)
    assert snapshot.seal(place, 1, b"standing")[2:] != snapshot.seal(place, 2, b"standing")[2:]


def test_a_token_is_not_stretched_and_a_number_is():
    token = Subject(Scheme.TOKEN, "a" * 32)
    dear = replace(HOW, cost=1 << 11)
    assert snapshot.stretch(token, HOW) == snapshot.stretch(token, dear)
    assert snapshot.stretch(SOMEBODY, HOW) != snapshot.stretch(SOMEBODY, dear)


@given(st.lists(st.builds(Record, st.integers(0, (1 << 63) - 1), st.binary(max_size=255))), st.integers(1, 8))
def test_records_come_back_and_half_a_record_is_refused(records: list[Record], cut: int):
    raw = snapshot.write_records(records)
    assert list(snapshot.read_records(raw)) == [(record.index, record.entry) for record in records]
    if records:
        with pytest.raises(ValueError, match="within a record"):
            list(snapshot.read_records(raw[:-cut] if records[-1].entry == b"" else raw[:-1]))


def test_an_entry_too_long_for_a_record_is_refused():
    with pytest.raises(ValueError, match="at most 255"):
        snapshot.seal(snapshot.slot(b"s" * 32, GROUP_KEY), 1, bytes(300))


def test_a_manifest_knows_the_size_of_its_content():
    pieces = (Piece(5, "0" * 64), Piece(7, "1" * 64))
    assert Manifest("all", 1, 0, NOW, "k", HOW, 2, 1, pieces).size == 12


def test_neither_key_nor_place_is_shown():
    assert "key" not in repr(snapshot.slot(b"s" * 32, GROUP_KEY))
    assert len(snapshot.key_name(GROUP_KEY)) == 16
