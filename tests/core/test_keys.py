"""Seals open for the right key in the right context, and for nobody else; signatures and tags likewise."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import msgspec
import pytest

from core import keys


@dataclass(frozen=True)
class Pair:
    private: bytes
    public: bytes


@pytest.fixture
def hub() -> Pair:
    return Pair(*keys.new_sealing_key())


def test_only_the_hub_opens_a_row(hub):
    box = keys.seal(hub.public, b"whoever", b"station 1")
    assert keys.open_sealed(hub.private, box, b"station 1") == b"whoever"
    other, _ = keys.new_sealing_key()
    for private, sealed, context in (
        (other, box, b"station 1"),
        (hub.private, box, b"station 2"),
        (hub.private, box[:-1], b"station 1"),
        (hub.private, b"", b"station 1"),
    ):
        with pytest.raises(ValueError, match="not sealed to this key"):
            keys.open_sealed(private, sealed, context)


def test_the_same_person_seals_to_different_bytes_every_time(hub):
    assert keys.seal(hub.public, b"whoever", b"") != keys.seal(hub.public, b"whoever", b"")


def test_rows_sealed_together_open_each_by_itself_and_in_its_own_place_only(hub):
    together = keys.Sealer(hub.public).together()
    boxes = [together.seal(b"person %d" % row, b"row %d" % row) for row in range(3)]
    for row, box in enumerate(boxes):
        assert keys.open_sealed(hub.private, box, b"row %d" % row) == b"person %d" % row
        with pytest.raises(ValueError, match="not sealed to this key"):
            keys.open_sealed(hub.private, box, b"row %d" % (row + 1))


def test_no_two_rows_are_ever_sealed_with_the_same_key_and_nonce(hub):
    together, other = keys.Sealer(hub.public).together(), keys.Sealer(hub.public).together()
    same = {made.seal(b"same", context)[32:] for made in (together, other) for context in (b"1", b"2")}
    assert len(same) == 4
    with pytest.raises(ValueError, match="once only"):
        together.seal(b"another", b"1")


def test_an_ask_and_its_answer_travel_sealed_and_bound_to_each_other(hub):
    private, public = keys.new_sealing_key()
    station = keys.AskingChannel.station(private, hub.public)
    centre = keys.AskingChannel.hub(hub.private, public)
    assert centre.open_ask(station.seal_ask(b"who?", "7"), "7") == b"who?"
    assert station.open_answer(centre.seal_answer(b"them", "7"), "7") == b"them"
    for opened, box, ask_id in (
        (centre.open_ask, station.seal_ask(b"who?", "7"), "8"),
        (station.open_answer, centre.seal_answer(b"them", "7"), "8"),
        (station.open_answer, station.seal_ask(b"who?", "7"), "7"),
        (centre.open_ask, b"short", "7"),
    ):
        with pytest.raises(ValueError, match="not sealed for this ask"):
            opened(box, ask_id)


def test_a_signed_document_holds_to_the_byte():
    private, public = keys.new_signing_key()
    document = keys.sign(private, b'{"version":1}')
    assert keys.verify(public, document) == b'{"version":1}'
    changed = msgspec.structs.replace(document, payload="eyJ2ZXJzaW9uIjoyfQ==")
    with pytest.raises(ValueError, match="signature does not match"):
        keys.verify(public, changed)
    with pytest.raises(ValueError, match="signature does not match"):
        keys.verify(public, msgspec.structs.replace(document, signature="*"))
    _, stranger = keys.new_signing_key()
    with pytest.raises(ValueError, match="signed by key"):
        keys.verify(stranger, document)


def test_a_tag_says_same_as_before_today_and_nothing_else():
    day_key, other = keys.new_day_key(), keys.new_day_key()
    today, tomorrow = date(2026, 11, 23), date(2026, 11, 24)
    tag = keys.tag(day_key, today, "citizen", "046000000001")
    assert tag == keys.tag(day_key, today, "citizen", "046000000001")
    assert len(tag) == 32
    assert tag not in {
        keys.tag(other, today, "citizen", "046000000001"),
        keys.tag(day_key, tomorrow, "citizen", "046000000001"),
        keys.tag(day_key, today, "cmnd", "046000000001"),
    }


@pytest.mark.parametrize("text", ["", "AAAA", "*" * 44, "Å" * 44])
def test_a_key_that_is_none_is_refused_without_being_repeated(text):
    with pytest.raises(ValueError, match="32 bytes written as base64") as refusal:
        keys.decode_key(text)
    assert not text or text not in str(refusal.value)
    private, _ = keys.new_sealing_key()
    assert keys.decode_key(keys.encode_key(private)) == private
