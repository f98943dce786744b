"""A panel that is not there: what lamp, buzzer and display of a simulated station show, and until when."""

from __future__ import annotations

import msgspec

from core.model import Direction, Outcome
from core.signals import Colour


class Face(msgspec.Struct, frozen=True):
    """What stands there; ``until`` is monotonic seconds, ``lines`` name nobody."""

    colour: Colour | None = None
    flashes: bool = False
    beeps: bool = False
    lines: tuple[str, ...] = ()
    until: float = float("-inf")


_COLOURS: dict[Outcome, Colour] = {Outcome.PASS: "green", Outcome.WARN: "red", Outcome.UNVERIFIED: "amber"}
_SIGNAL_SECONDS = 2.0
DARK = Face()


class Panel:
    """One station's; a notice that was ordered stands until its time is over, whoever comes meanwhile."""

    def __init__(self, station: str) -> None:
        self._station = station
        self._notice = DARK
        self._signal = DARK
        self.notices = 0

    def face(self, mono: float) -> Face:
        """What it shows now."""
        return next((each for each in (self._notice, self._signal) if each.until > mono), DARK)

    def signal(self, outcome: Outcome, direction: Direction, mono: float) -> None:
        """Shows what became of a presentation."""
        line = "OUT" if direction is Direction.OUT else "IN"
        self._signal = Face(_COLOURS.get(outcome, "white"), False, True, (line,), mono + _SIGNAL_SECONDS)

    def identify(self, place: str, seconds: float, mono: float) -> None:
        """Flashes, beeps and says which station this is."""
        self._announce(Face("blue", True, True, (self._station, place), mono + seconds))

    def try_signals(self, each: float, mono: float) -> int:
        """Shows every signal in turn; how many."""
        self._announce(Face("white", False, True, ("TEST", self._station), mono + each * len(Outcome)))
        return len(Outcome)

    def aim(self, seconds: float, mono: float) -> None:
        """Says that aiming mode is on; 0 ends it."""
        self._announce(Face("white", False, False, ("AIM", self._station), mono + seconds))

    def _announce(self, face: Face) -> None:
        self._notice = face
        self.notices += 1
