"""The crowd's hands and eyes: they use the front-panel page as a browser would, and a real serial line."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import threading
from collections.abc import Callable, Iterator
from http.client import HTTPConnection, HTTPException
from typing import Any, Final, Self
from urllib.parse import quote

from station.front.cable import Address
from station.front.demo.processes import DemoError
from station.front.visitors import MARK
from station.reading.layouts import US

WITHIN: Final = 30.0
"""Seconds in which a presentation must come to something."""

_HELD_UP: Final = 25.0
_ENTER: Final = 28
_SHIFT: Final = 42
_SILENT: Final = 30.0
_AT_ONCE: Final = 1000

Told = dict[str, Any]


class Page:
    """The page as its own script sees it: what it is told, and what it may ask for; a context manager."""

    def __init__(self, address: Address, serial: int) -> None:
        self._address, self._serial = address, serial
        self._verdicts: queue.Queue[Told] = queue.Queue()
        self._latest: dict[str, Any] = {}
        self._changed = threading.Condition()
        self._trouble = ""
        self._line = HTTPConnection(*address, timeout=_SILENT)
        self._thread = threading.Thread(target=self._listen, name="eyes", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._line.close()

    def wait(self, what: str, holds: Callable[[Any], bool], within: float = WITHIN) -> Any:  # noqa: ANN401  # JSON
        """The newest telling of one sort once it is as wished; ``DemoError`` when it is not in time."""
        with self._changed:
            told = self._changed.wait_for(lambda: what in self._latest and holds(self._latest[what]), within)
            if not told:
                raise DemoError(f"the station's {what} was not as it should be within {within:g} s {self._trouble}")
            return self._latest[what]

    def verdict(self, within: float = WITHIN) -> Told | None:
        """What became of the presentation under way, or None when nothing did in time."""
        with contextlib.suppress(queue.Empty):
            return self._verdicts.get(timeout=within)
        return None

    def forget(self) -> None:
        """Drop what became of earlier presentations that nobody waited for."""
        while self.verdict(0) is not None:
            pass

    @contextlib.contextmanager
    def holding_up(self, card: str) -> Iterator[None]:
        """Hold a card of the tray up to the camera while the block lasts."""
        self._ask("POST", f"/present/tray/{quote(card)}?seconds={_HELD_UP:g}")
        try:
            yield
        finally:
            self._ask("DELETE", "/present/picture")

    def type_keys(self, text: str) -> None:
        """Type a text on a USB scanner with a US layout, as it would lie under its keys."""
        keys = [*keystrokes(text), (_ENTER, 1), (_ENTER, 0)]
        for first in range(0, len(keys), _AT_ONCE):
            self._ask("POST", "/present/keys", keys[first : first + _AT_ONCE])

    def type_number(self, text: str) -> None:
        """Type a number into the page's own field."""
        self._ask("POST", "/present/text", {"text": text})

    def send_serial(self, data: bytes) -> None:
        """Send a scan over the serial line."""
        left = data + b"\r"
        while left:
            left = left[os.write(self._serial, left) :]

    def press(self, choice: str) -> None:
        """Press one of the guard's buttons."""
        self._ask("POST", f"/press/{choice}")

    def set_network(self, whole: bool) -> None:
        """Cut the network or mend it."""
        self._ask("PUT", "/network", {"whole": whole})

    def fill_card(self, full: bool) -> None:
        """Leave no room on the station's card, or give it back."""
        self._ask("PUT", "/card", {"full": full})

    def _ask(self, method: str, path: str, said: object = None) -> None:
        with contextlib.closing(HTTPConnection(*self._address, timeout=_SILENT)) as line:
            try:
                line.request(method, path, None if said is None else json.dumps(said), {MARK: "1"})
                answer = line.getresponse()
                told = answer.read().decode("utf-8", "replace")
            except (OSError, HTTPException) as error:
                raise DemoError(f"the page does not answer: {error}") from error
        if answer.status != 200:
            raise DemoError(f"the page refuses {method} {path}: {told}")

    def _listen(self) -> None:
        try:
            self._line.request("GET", "/events")
            answer = self._line.getresponse()
            name = ""
            while line := answer.readline():
                word, _, said = line.decode().rstrip("\n").partition(": ")
                if word == "event":
                    name = said
                elif word == "data":
                    self._take(name, json.loads(said))
            self._trouble = "(the page has ended)"
        except (OSError, HTTPException, ValueError, AttributeError) as error:  # the last when it is closed while read
            self._trouble = f"(the page cannot be heard: {error})"

    def _take(self, name: str, said: Any) -> None:  # noqa: ANN401  # JSON
        if name == "verdict":
            self._verdicts.put(said)
        with self._changed:
            self._latest[name] = said
            self._changed.notify_all()


_STROKES: Final = {
    sign: (code, shift)
    for (code, shift, third), sign in reversed(list(US.characters.items()))
    if not third and code != 86
}


def keystrokes(text: str) -> Iterator[tuple[int, int]]:
    """Key codes with 1 for down and 0 for up; ``ValueError`` for a letter that a US layout has no key for."""
    for sign in text:
        if sign not in _STROKES:
            raise ValueError(f"no key of a US layout gives U+{ord(sign):04X}")
        code, shift = _STROKES[sign]
        pressed = [(_SHIFT, 1)] if shift else []
        yield from (*pressed, (code, 1), (code, 0), *((key, 0) for key, _ in pressed))
