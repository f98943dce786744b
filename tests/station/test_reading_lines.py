from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.reading.lines import LONGEST, TOO_LONG, Line, LineDecoder


def scans(data, **options):
    return [line.data for line in LineDecoder(**options).feed(data)]


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n", b"\t", b"\x03", b"\x00\r\n", b"\x00\x00\n"])
def test_every_suffix_ends_a_scan(end):
    assert scans(b"046099123456" + end + "Ngô Ễ".encode() + end) == [b"046099123456", "Ngô Ễ".encode()]


def test_a_frame_of_stx_and_etx_drops_what_came_before_it():
    assert scans(b"half\x02whole\x03") == [b"whole"]


def test_the_group_separator_and_inner_nuls_stay():
    assert scans(b"a\x1db\x00c\n") == [b"a\x1db\x00c"]


def test_a_scan_may_come_in_pieces():
    decoder = LineDecoder()
    assert decoder.feed("Ễ".encode()[:1]) == ()
    assert decoder.feed("Ễ".encode()[1:] + b"\n") == (Line("Ễ".encode()),)


def test_a_silence_ends_a_scan_without_suffix():
    decoder = LineDecoder(gap=0.1)
    decoder.feed(b"abc")
    assert decoder.silence(0.06) == ()
    assert decoder.silence(0.06) == (Line(b"abc"),)
    assert decoder.silence(9.0) == ()


def test_only_silence_that_was_waited_for_ends_a_scan():
    decoder = LineDecoder(gap=0.1)
    decoder.feed(b"046")
    decoder.silence(0.09)
    decoder.feed(b"093")
    decoder.silence(0.09)
    assert decoder.feed(b"000001\r") == (Line(b"046093000001"),)


def test_a_scan_that_is_held_says_how_much_silence_would_end_it():
    decoder = LineDecoder(gap=0.1)
    assert decoder.patience == inf
    decoder.feed(b"abc")
    decoder.silence(0.04)
    assert decoder.patience == pytest.approx(0.06)
    assert decoder.silence(decoder.patience) == (Line(b"abc"),)
    assert decoder.patience == inf


def test_a_person_who_types_is_waited_for():
    decoder = LineDecoder(gap=None)
    decoder.feed(b"046")
    assert (decoder.silence(60.0), decoder.patience) == ((), inf)
    assert decoder.feed(b"099\n") == (Line(b"046099"),)


def test_the_last_line_needs_no_newline():
    decoder = LineDecoder(gap=None)
    decoder.feed(b"046")
    assert decoder.end() == (Line(b"046"),)
    assert decoder.end() == ()


def test_a_scan_that_never_ends_is_one_too_long_and_the_next_one_is_whole():
    decoder = LineDecoder(gap=None)
    assert decoder.feed(b"9" * 1_000_000) == ()
    assert decoder.feed(b"\nabc\n") == (TOO_LONG, Line(b"abc"))


def test_the_longest_scan_with_a_tail_of_nuls_is_not_too_long():
    assert scans(b"9" * LONGEST + b"\x00\x00\n") == [b"9" * LONGEST]


def test_an_unplugged_scanner_leaves_no_half_scan():
    decoder = LineDecoder()
    decoder.feed(b"half")
    decoder.drop()
    assert decoder.feed(b"whole\n") == (Line(b"whole"),)


@given(st.lists(st.tuples(st.binary(max_size=200), st.floats(0, 1))))
def test_no_bytes_make_it_fail_or_grow(pieces):
    decoder = LineDecoder()
    lines = [line for data, quiet in pieces for line in (*decoder.feed(data), *decoder.silence(quiet))]
    assert all(len(line.data) <= LONGEST for line in (*lines, *decoder.silence(9.0)))


@given(st.lists(st.binary(min_size=1, max_size=30), max_size=8), st.integers(1, 7))
def test_how_bytes_are_cut_up_changes_nothing(lines, size):
    stream = b"".join(line + b"\n" for line in lines)
    decoder = LineDecoder(gap=None)
    cut = [line for at in range(0, len(stream), size) for line in decoder.feed(stream[at : at + size])]
    assert cut == list(LineDecoder(gap=None).feed(stream))
