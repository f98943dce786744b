"""What a row says of the clock that dated it."""

from __future__ import annotations

import ctypes
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

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
def board(tmp_path: Path):
    """A board with this kernel, with or without a clock chip, whose wall clock shows ``now``."""

    def made(kernel: Kernel, *, rtc: bool = False, now: datetime = BUILT + timedelta(days=300)) -> Clock:
        chip = tmp_path if rtc else tmp_path / "absent"
        return Clock(wall=lambda: now, monotonic=lambda: 50.0, kernel=kernel, chip=chip)

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


class Board:
    """A board whose two clocks are turned by hand; nobody keeps the wall clock."""

    def __init__(self, folder: Path, **options) -> None:
        self.wall, self.up = BUILT + timedelta(days=300), 1000.0
        self.clock = Clock(wall=lambda: self.wall, monotonic=lambda: self.up, kernel=UNSYNCHRONISED, **options)

    def passes(self, seconds: float, leap: timedelta = timedelta(0)) -> None:
        self.up += seconds
        self.wall += timedelta(seconds=seconds) + leap


@pytest.fixture
def turned(tmp_path: Path) -> Board:
    return Board(tmp_path, chip=tmp_path / "absent")


LEAPS = [timedelta(days=days) for days in (1, -1, 30, -30)]


@pytest.mark.parametrize("leap", LEAPS)
def test_what_the_hub_said_of_a_clock_is_void_when_somebody_sets_it(turned, leap):
    turned.clock.heard(turned.wall, 0.0)
    assert turned.clock.worth().source == "hub"
    assert turned.clock.agreed
    turned.passes(2.0, leap)
    assert turned.clock.hub_offset is None
    assert turned.clock.judged() is None
    assert turned.clock.worth().source == "guess"
    assert not turned.clock.agreed
    turned.passes(2.0)
    turned.clock.heard(turned.wall - leap, 0.0)
    assert turned.clock.worth().source == "guess"
    assert turned.clock.judged() == turned.wall - leap


def test_a_board_that_stands_still_between_the_readings_of_its_two_clocks_has_not_been_set(turned):
    turned.clock.heard(turned.wall, 0.0)

    def read() -> datetime:
        seen, turned.clock._wall = turned.wall, lambda: turned.wall
        turned.passes(3.0)  # right after the wall clock was read, and before the other one is
        return seen

    turned.clock._wall = read
    assert turned.clock.hub_offset == 0.0
    turned.clock._wall = read
    assert turned.clock.worth().offset == 0.0


def test_a_thread_that_stood_still_over_a_leap_does_not_undo_it(turned):
    turned.clock.heard(turned.wall, 0.0)
    reads, goes_on = threading.Event(), threading.Event()

    def read() -> datetime:
        seen = turned.wall
        if threading.current_thread() is late:
            reads.set()
            goes_on.wait(60)
        return seen

    turned.clock._wall = read
    late = threading.Thread(target=turned.clock.worth)
    late.start()
    assert reads.wait(60)
    turned.passes(0.0, timedelta(days=30))
    gate = threading.Thread(target=lambda: turned.clock.heard(turned.wall, 0.0))
    gate.start()
    gate.join(0.2)  # it waits for the other one, or has been through
    goes_on.set()
    gate.join(60)
    late.join(60)
    assert turned.clock.hub_offset == 0.0


def test_a_clock_that_runs_on_keeps_what_the_hub_said_and_is_less_sure_of_it_by_the_hour(turned):
    turned.clock.heard(turned.wall + timedelta(seconds=0.5), 0.0)
    turned.passes(86_400.0)
    worth = turned.clock.worth()
    assert (worth.source, worth.offset) == ("hub", 0.5)
    assert worth.error == pytest.approx(9.14)


def test_a_chip_that_the_hub_contradicts_is_a_guess(tmp_path):
    board = Board(tmp_path, chip=tmp_path)
    assert board.clock.worth().source == "rtc"
    board.clock.heard(board.wall - timedelta(days=30), 0.0)
    assert board.clock.worth().source == "guess"


def test_a_time_server_that_has_not_confirmed_a_leap_yet_is_not_believed_from_memory(tmp_path):
    kernel = Kernel(0, 1000)
    board = Board(tmp_path, chip=tmp_path / "absent")
    board.clock._kernel = kernel
    assert board.clock.worth().source == "ntp"
    kernel.state = 5  # as Linux says as soon as somebody sets the clock
    board.passes(1.0, timedelta(days=30))
    assert board.clock.worth().source == "guess"
