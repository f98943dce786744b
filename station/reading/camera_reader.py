"""Frames of a camera → presentations: which frames to look at, from which rung, and what is new in view."""

from __future__ import annotations

from time import perf_counter

import msgspec
from msgspec.structs import replace

from station.reading.decoders import Read
from station.reading.eyesight import Eyesight
from station.reading.framegate import FrameGate
from station.reading.ladder import Ladder
from station.reading.plane import Luma
from station.reading.sightings import AWAY, Sightings
from station.timings import Timings

STILL_LOOK = 10
"""Of the frames in which nothing moves, every how many-th is decoded all the same."""

STILL_RUNG = 6
"""Of those that show nothing, every how many-th is also tried from the next rung."""


UNWATCHED = AWAY / 2
"""Seconds between two frames from which on the camera or the board stood still, and not the people before it left."""


class Figures(msgspec.Struct, frozen=True):
    """What a camera's reader has done, for the station's health."""

    frames: int = 0
    decoded: int = 0
    read: int = 0  # decoded frames that showed a code
    presented: int = 0


class CameraReader:
    """Turns the frames of one camera into presentations; keeps no frame and no payload.

    A frame in which something moved is decoded bare, and if that shows nothing from one further rung, another each
    time.  When the scene has come to rest every further rung is tried once, then one now and then: an empty gate costs
    next to nothing, and a code held still is never given up.
    """

    def __init__(self, ladder: Ladder) -> None:
        self.figures = Figures()
        self.timings = Timings()
        self.eyesight = Eyesight()
        self._ladder = ladder
        self._gate = FrameGate()
        self._sightings = Sightings()
        self._last = float("inf")  # when a frame was seen last
        self._rung = 0  # the further rung tried last
        self._lucky = 0  # the further rung that last read something
        self._untried = 0  # further rungs to try before resting
        self._rested = 0  # still frames since the last look
        self._looks = 0  # looks at a scene at rest that showed nothing

    def on_frame(self, frame: Luma, now: float) -> tuple[Read, ...]:
        """Take a frame seen at ``now`` (monotonic seconds) and return the codes that it newly presents.

        Raises ``ValueError`` for a frame whose numbers do not fit its memory.
        """
        self.figures = replace(self.figures, frames=self.figures.frames + 1)
        if now - self._last > UNWATCHED:
            self._sightings.unwatched(now - self._last, now)
        self._last = now
        moved = self._gate.moved(frame)
        if moved:
            self._untried = len(self._ladder.rungs) - 1 if self.figures.frames > 1 else 0  # the first is no movement
        elif self._may_rest(now):
            self._sightings.stay(now)
            return ()
        reads = self._look(frame)
        if reads:
            self._untried = 0
        elif not moved:
            self._sightings.stay(now)
        fresh = self._sightings.see(reads, now, moved=moved)
        self.figures = replace(self.figures, presented=self.figures.presented + len(fresh))
        return fresh

    def forget(self, read: Read) -> None:
        """Present a code again at the next frame: nobody had room for it."""
        self._sightings.forget(read)
        self._rested = STILL_LOOK

    def _may_rest(self, now: float) -> bool:
        """Say whether a still frame can be passed over."""
        self._rested += 1
        return self._untried == 0 and self._rested < STILL_LOOK and not self._sightings.half_believed(now)

    def _look(self, frame: Luma) -> tuple[Read, ...]:
        started = perf_counter()
        reads = self._ladder.decode(frame) or self._climb(frame)
        self.timings.note((perf_counter() - started) * 1000)
        self._rested = 0
        self.figures = replace(
            self.figures,
            decoded=self.figures.decoded + 1,
            read=self.figures.read + bool(reads),
        )
        return reads

    def _climb(self, frame: Luma) -> tuple[Read, ...]:
        """Try what the bare look missed: the rung that helped last, and the next one in turn."""
        if self._lucky:
            if reads := self._ladder.decode(frame, self._lucky):
                return reads
            self._lucky = 0
        further = len(self._ladder.rungs) - 1
        if not further or not self._is_turn():
            return ()
        self._rung = self._rung % further + 1
        reads = self._ladder.decode(frame, self._rung)
        self._lucky = self._rung if reads else 0
        return reads

    def _is_turn(self) -> bool:
        """Say whether a further rung is due: always before coming to rest, then now and then."""
        if self._untried:
            self._untried -= 1
            self._looks = 0
            return True
        self._looks += 1
        return self._looks % STILL_RUNG == 0
