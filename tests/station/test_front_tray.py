"""The tray: its pictures are the exact codes, its cards what a gate must say, its faults told in words."""

import io

import msgspec
import pytest
from front_rig import CAST_OF_TWO
from msgspec.structs import replace
from PIL import Image

from core.model import Direction, GateKind, Outcome, Reason
from station.front.tray import CAST, CastError, Expected, Tray, picture_of, read_cast
from station.pictures import read_picture
from station.reading.ladder import Ladder

CODES = [
    b"046090000001",
    "046090000001|199000001|Nguyễn Văn Ảnh|01011990|Nam|Tổ 3, Phường Phú Hội|02022021".encode(),
    b"\x00\x01\x02\x03",
    b"HC1:" + b"6BF+70790T9WJWG.FKY*4GO0." * 24,
    b"A" * 1800,
]


@pytest.mark.parametrize("code", CODES, ids=["number", "card", "bytes", "certificate", "dense"])
def test_a_picture_reads_back_as_the_exact_bytes(code: bytes):
    reads = Ladder(("zxing",), ("qr",)).climb(read_picture(io.BytesIO(picture_of(code))))
    assert [read.data for read in reads] == [code]


def test_a_picture_fits_the_demo_cameras_view():
    for code in CODES:
        with Image.open(io.BytesIO(picture_of(code))) as picture:
            assert max(picture.size) <= 720


def test_a_card_says_what_its_gate_must_say_and_nothing_at_another():
    at_venue, elsewhere = Tray.of(CAST_OF_TWO, GateKind.VENUE), Tray.of(CAST_OF_TWO, GateKind.CHECKPOINT)
    assert (at_venue.people[0].outcome, at_venue.people[0].shape) == ("warn", "bang")
    assert (elsewhere.people[0].outcome, elsewhere.people[0].shape) == ("", "")


@pytest.mark.parametrize(
    ("how", "first"), [({}, ""), ({"showing": 2}, "twice"), ({"online": False}, "cut"), ({"full": True}, "full")]
)
def test_a_card_says_what_must_be_done_before_it_is_held_up(how, first):
    expected = Expected(GateKind.VENUE, Outcome.WARN, (Reason.NOT_FOUND,), **how)
    plain = Expected(GateKind.VENUE, Outcome.PASS)
    member = replace(CAST_OF_TWO.members[0], expected=(expected,))
    (card,) = Tray.of(replace(CAST_OF_TWO, members=(member,)), GateKind.VENUE).people
    assert (card.outcome, card.first) == ("warn", first)
    either = replace(member, expected=(expected, plain))
    assert either.at(GateKind.VENUE, Direction.TOGGLE) == (plain if first else expected)


def test_a_card_for_the_page_does_not_carry_its_code():
    assert b"HUE-S-0001" not in msgspec.json.encode(Tray.of(CAST_OF_TWO, GateKind.VENUE).people)


@pytest.mark.parametrize("text", [None, b"", b"{}", b'{"places": {}, "members": [{"label": "x"}]}'])
def test_a_tray_that_cannot_be_read_names_the_file_and_the_cure(tmp_path, text):
    if text is not None:
        (tmp_path / CAST).write_bytes(text)
    with pytest.raises(CastError, match=r"cast\.json: .*hub demo-province"):
        read_cast(tmp_path)
