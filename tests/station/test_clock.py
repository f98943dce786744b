"""What a row says of the clock that dated it."""

from __future__ import annotations

import ctypes
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from station import clock
from station.clock import BUILT, Clock


class Kernel:
    """adjtimex(2) as a board's kernel would answer it."""

    def __init__(self, state: int, maxerror: int) -> None:
        self.state, self.maxerror, self.asked = state, maxerror, 0

    def adjtimex(self, timex: ctypes._Pointer) -> int:
        self.asked += 1
        timex._obj.maxerror = self.maxerror
        return self.state


UNSYNCHRONISED = Kernel(5, 16_000_000)
REFUSED = Kernel(-1, 0)


@pytest.fixture
def board(monkeypatch, tmp_path: Path):
    """A board with this kernel, with or without a clock chip, whose wall clock shows ``now``."""

    def made(kernel: Kernel, *, rtc: bool = False, now: datetime = BUILT + timedelta(days=300)) -> Clock:
        monkeypatch.setattr(clock, "_RTC", tmp_path if rtc else tmp_path / "absent")
        monkeypatch.setattr(Clock, "now", lambda _: now)
        made = Clock()
        made._libc = kernel
        return made

    return made


def test_a_clock_kept_by_a_time_server_says_by_how_much_it_may_be_off(board):
    worth = board(Kernel(0, 12_345)).worth()
    assert (worth.source, worth.error) == ("ntp", 0.012)


@pytest.mark.parametrize("kernel", [UNSYNCHRONISED, REFUSED])
def test_without_a_time_server_a_chip_is_worth_something_and_nothing_is_a_guess(board, kernel):
    assert board(kernel, rtc=True).worth().source == "rtc"
    assert board(kernel).worth().source == "guess"


def test_a_chip_that_shows_a_time_before_this_program_was_made_is_a_guess(board):
    before = board(UNSYNCHRONISED, rtc=True, now=BUILT - timedelta(seconds=1))
    assert before.worth().source == "guess"
    assert not before.sure


@pytest.mark.parametrize(("apart", "source"), [(0.2, "hub"), (-4.0, "hub"), (5.2, "guess"), (-3600, "guess")])
def test_a_hub_that_agrees_makes_a_guess_better_and_one_that_does_not_leaves_it(board, apart, source):
    here = board(UNSYNCHRONISED)
    here.heard(here.now() + timedelta(seconds=apart), 0.0)
    assert here.worth().source == source
    assert here.hub_offset == apart


def test_half_of_what_an_answer_took_is_allowed_for(board):
    here = board(UNSYNCHRONISED)
    here.heard(here.now(), 0.8)
    assert here.hub_offset == 0.4


def test_the_kernel_is_not_asked_for_every_row(board):
    kernel = Kernel(0, 1000)
    here = board(kernel)
    rows = [here.worth() for _ in range(100)]
    assert kernel.asked == 1
    assert rows[0].boot == rows[99].boot != ""
    assert rows[0].monotonic <= rows[99].monotonic


def test_this_boards_kernel_can_be_asked():
    worth = Clock().worth()
    assert worth.source in {"ntp", "hub", "rtc", "guess"}
    assert Clock().now().tzinfo is UTC
