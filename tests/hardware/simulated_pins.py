"""A GPIO chip of the kernel's own gpio-sim: driven through /dev/gpiochipN, looked at from the other side."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

LINES = 54
TRACING = Path("/sys/kernel/tracing")


class Change(NamedTuple):
    """A line was driven to a level at a time in seconds, by the kernel's clock."""

    at: float
    line: int
    level: int


class Board:
    """A chip with a Pi's lines; ``chip`` is its N in /dev/gpiochipN."""

    def __init__(self) -> None:
        folder = Path("/sys/kernel/config/gpio-sim/board")
        (folder / "bank").mkdir(parents=True)
        (folder / "bank/num_lines").write_text(str(LINES))
        (folder / "live").write_text("1")
        name = (folder / "bank/chip_name").read_text().strip()
        self.chip = int(name.removeprefix("gpiochip"))
        self._lines = Path("/sys/devices/platform", (folder / "dev_name").read_text().strip(), name)
        self._first = int(next(self._lines.parent.glob("gpio/gpiochip*/base")).read_text())

    def level(self, line: int) -> int:
        """The level that a line is at now, 0 or 1, whoever drives or pulls it."""
        return int((self._lines / f"sim_gpio{line}" / "value").read_text())

    def pull(self, line: int, way: str) -> None:
        """Pull a line ``up`` or ``down`` from outside, as a contact or a finger does."""
        (self._lines / f"sim_gpio{line}" / "pull").write_text(f"pull-{way}")

    @contextmanager
    def watched(self) -> Iterator["Watch"]:
        """Have the kernel note every level that a program drives."""
        switch = TRACING / "events/gpio/gpio_value/enable"
        (TRACING / "trace_clock").write_text("mono")  # the clock that the drivers go by
        (TRACING / "trace").write_text("")
        switch.write_text("1")
        try:
            yield Watch(self._first)
        finally:
            switch.write_text("0")


class Watch:
    """The kernel's notes of levels driven, which it makes as they happen."""

    def __init__(self, first: int) -> None:
        self._first = first

    def changes(self, line: int) -> list[Change]:
        """The changes of a line so far; driving it to the level that it has is none."""
        changes: list[Change] = []
        for change in filter(None, map(self._read, (TRACING / "trace").read_text().splitlines())):
            if change.line == line and (not changes or changes[-1].level != change.level):
                changes.append(change)
        return changes

    def levels(self, line: int) -> list[int]:
        """The levels of a line so far."""
        return [change.level for change in self.changes(line)]

    def _read(self, note: str) -> Change | None:
        before, found, after = note.partition(": gpio_value: ")
        if not found:
            return None
        number, verb, level = after.split()
        return Change(float(before.split()[-1]), int(number) - self._first, int(level)) if verb == "set" else None
