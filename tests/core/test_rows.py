"""The chain: whatever is changed, left out, inserted, doubled or moved is found, at the row where it shows."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import rows, wire
from core.model import GateKind, Outcome

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
CLOCK = wire.RowClock("ntp", "boot", 1.0)
EPOCH = "00" * 8


def chain(count: int, station: str = "gate-1", epoch: str = EPOCH) -> list[bytes]:
    raws: list[bytes] = []
    previous = rows.genesis(station, epoch)
    for seq in range(1, count + 1):
        row = wire.Row(
            station=station,
            epoch=epoch,
            seq=seq,
            type="checkin",
            at=NOW,
            clock=CLOCK,
            previous=previous,
            gate=GateKind.VENUE,
            outcome=Outcome.PASS,
        )
        raws.append(wire.encode(row))
        previous = rows.digest(raws[-1])
    return raws


WHOLE = chain(12)


def proven(raws: list[bytes]) -> rows.Link | rows.Break:
    return rows.walk(raws, "gate-1", EPOCH)


def test_a_whole_chain_is_proven_to_its_last_row_and_none_at_all_to_its_beginning():
    assert proven(WHOLE) == rows.Link(12, rows.digest(WHOLE[-1]))
    assert proven([]) == rows.Link(0, rows.genesis("gate-1", EPOCH))


def test_a_stretch_is_proven_from_the_row_before_it_or_by_itself():
    assert rows.walk(WHOLE[5:], "gate-1", EPOCH, rows.Link(5, rows.digest(WHOLE[4]))) == proven(WHOLE)
    assert rows.walk(WHOLE[5:], "gate-1", EPOCH, rows.Link(5, None)) == proven(WHOLE)
    assert isinstance(rows.walk(WHOLE[5:], "gate-1", EPOCH, rows.Link(5, "0" * 64)), rows.Break)


@given(st.integers(0, 11), st.data())
def test_any_changed_byte_shows_there_or_at_the_next_row(place, data):
    raws = list(WHOLE)
    at = data.draw(st.integers(0, len(raws[place]) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda byte: byte != raws[place][at]))
    raws[place] = raws[place][:at] + bytes([other]) + raws[place][at + 1 :]
    found = proven(raws)
    if place == 11 and not isinstance(found, rows.Break):
        assert found != proven(WHOLE)  # nobody follows the last row: only its hash tells
    else:
        assert isinstance(found, rows.Break)


@given(st.integers(0, 10), st.sampled_from(["left out", "doubled", "swapped", "another's"]))
def test_a_row_left_out_doubled_moved_or_of_another_journal_breaks_the_chain_at_its_place(place, how):
    raws = list(WHOLE)
    if how == "left out":
        del raws[place]
    elif how == "doubled":
        raws.insert(place, raws[place])
    elif how == "swapped":
        raws[place], raws[place + 1] = raws[place + 1], raws[place]
    else:
        raws[place] = chain(12, epoch="11" * 8)[place]
    found = proven(raws)
    assert isinstance(found, rows.Break)


@pytest.mark.parametrize("raw", [b"", b"{}", b"\xff", b"[" * 100_000, b'{"station":"\xff\xfe"}', b"null"])
def test_bytes_that_are_no_row_are_a_break_and_nothing_worse(raw):
    assert proven([WHOLE[0], raw]) == rows.Break(2, "the row cannot be read")


@pytest.mark.parametrize("deep", [b'{"x":' + b"[" * 100_000, b"\xff\xfe", b"", b"{"])
@pytest.mark.parametrize("kind", [wire.HeldMark, wire.Answer, wire.SealedAnswer, wire.Signed])
def test_a_message_of_any_bytes_is_decoded_or_refused_with_a_value_error(deep, kind):
    try:
        wire.decode(deep, kind)
    except ValueError:
        return
    raise AssertionError("that is no message")


@given(st.sets(st.integers(0, 11)))
def test_a_chain_is_proven_across_rows_that_were_emptied(places):
    raws = [rows.emptied(raw) if place in places else raw for place, raw in enumerate(WHOLE)]
    assert proven(raws) == proven(WHOLE)
    assert [rows.hash_of(raw) for raw in raws] == [rows.digest(raw) for raw in WHOLE]


def test_an_emptied_row_says_nothing_but_its_place_and_its_hash():
    assert rows.decode_emptied(rows.emptied(WHOLE[3])) == rows.Emptied(
        emptied=rows.digest(WHOLE[3]), station="gate-1", epoch=EPOCH, seq=4, previous=rows.digest(WHOLE[2])
    )
    with pytest.raises(ValueError, match=r"unknown field|missing required"):
        rows.emptied(rows.emptied(WHOLE[3]))


def test_an_emptied_row_with_another_hash_is_a_break_at_the_next_row():
    other = rows.emptied(WHOLE[3]).replace(rows.digest(WHOLE[3]).encode(), b"0" * 64)
    assert proven([*WHOLE[:3], other, *WHOLE[4:]]) == rows.Break(
        5, "the row before it was changed, or this row was inserted"
    )
