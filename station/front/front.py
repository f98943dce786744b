"""The page's side of a running station: it watches the panel and the journal and tells every open page.

Watching costs nothing while no page is open, and never holds the gate up: presentations are handed over in passing.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import Final, Self

from station.errors import JournalError
from station.front.broadcast import Broadcast, Event
from station.front.cable import Switch
from station.front.parts import FrontParts
from station.front.presenting import Presenting
from station.front.showing import show_face, show_row
from station.front.tray import Tray
from station.gate import Presented
from station.journal.reading import JournalReader

log = logging.getLogger(__name__)

ROWS: Final = 12
"""How many rows of the journal the page shows."""

_LOOK: Final = 0.25
_FIGURES_EVERY: Final = 1.0


class Front:
    """What every page is told and what may be asked of the station; a context manager with one watching thread."""

    def __init__(self, parts: FrontParts, tray: Tray | None = None, switch: Switch | None = None) -> None:
        self.parts, self.tray, self.switch = parts, tray, switch
        self.presenting = Presenting(parts, typing=tray is not None)
        self.broadcast = Broadcast()
        self._journal = JournalReader(parts.journal)
        self._rows_due = threading.Event()
        self._full = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="front", daemon=True)

    def __enter__(self) -> Self:
        self.parts.listeners.append(self._note)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self.broadcast.end()
        self._thread.join()
        self.parts.listeners.remove(self._note)

    def beginning(self) -> list[Event]:
        """What a page that has just opened must know."""
        events = [Event("face", show_face(self.parts.panel.face)), *self._figures(), Event("rows", self._rows())]
        return [*events, self.network(), self.card()] if self.switch is not None else events

    def network(self) -> Event:
        """How the network cable is."""
        return Event("network", {"whole": self.switch is None or self.switch.is_whole()})

    def set_network(self, whole: bool) -> None:
        """Cut the network cable or mend it; ``OSError`` when there is none."""
        if self.switch is None:
            raise FileNotFoundError("there is no cable to cut")
        self.switch.set(whole)
        self.broadcast.tell("network", {"whole": whole})

    def card(self) -> Event:
        """Whether the demo has left no room on the card that the journal is on."""
        return Event("card", {"full": self._full})

    def fill_card(self, full: bool) -> None:
        """Leave no room on the card, or give it back."""
        self.parts.fill(full)
        self._full = full
        self.broadcast.tell("card", {"full": full})

    def _note(self, presented: Presented) -> None:
        """The gate's thread passes by: leave the presentation with whoever listens."""
        self.broadcast.tell("verdict", presented)
        self._rows_due.set()

    def _watch(self) -> None:
        seq, figures_next, rows = -1, 0.0, self._rows()
        while not self._stop.is_set():
            face = self.parts.panel.face_after(seq, _LOOK)
            if face.seq != seq:
                seq = face.seq
                if self.broadcast.count:
                    self.broadcast.tell("face", show_face(face))
            if not self.broadcast.count:
                continue
            due = time.monotonic() >= figures_next
            if self._rows_due.is_set() or due:
                self._rows_due.clear()
                if (now := self._rows()) != rows:
                    self.broadcast.tell("rows", rows := now)
            if due:
                figures_next = time.monotonic() + _FIGURES_EVERY
                for event in self._figures():
                    self.broadcast.tell(event.name, event.said)

    def _figures(self) -> list[Event]:
        return [Event("status", self.parts.status())]

    def _rows(self) -> list[object]:
        try:
            return [show_row(row) for row in reversed(self._journal.latest(ROWS))]
        except JournalError:
            return []
