"""The display's own loop: a page takes a tenth of a second on a slow bus, and no gate waits for that."""

from __future__ import annotations

import threading
from typing import Self

from drivers.oled import Display
from drivers.page import Page
from station.guard import Guard


class Screen:
    """Shows the newest page as soon as the display has finished with the one before; older ones are skipped."""

    def __init__(self, display: Display) -> None:
        self.guard = Guard("display")
        self._display = display
        self._wake = threading.Condition()
        self._wanted: Page | None = None
        self._tried: Page | None = None
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="screen", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._wake:
            self._stopped = True
            self._wake.notify_all()
        self._thread.join()

    def show(self, page: Page) -> None:
        """Have a page shown; returns at once.  RuntimeError when the loop has died, so that the service notices."""
        if not self._thread.is_alive():
            raise RuntimeError("the display's loop has died")
        with self._wake:
            self._wanted = page
            self._wake.notify_all()

    def settle(self, seconds: float) -> bool:
        """Wait until the newest page is on the display, or was refused; False when that takes longer."""
        with self._wake:
            return self._wake.wait_for(lambda: self._tried is self._wanted, seconds)

    def _run(self) -> None:
        while (page := self._next()) is not None:
            self.guard.attempt(lambda page=page: self._display.show(page))  # type: ignore[misc]  # mypy#15459
            with self._wake:
                self._tried = page
                self._wake.notify_all()

    def _next(self) -> Page | None:
        """The page to paint: a newer one at once, the same one again after a refusal; None when it is over."""
        with self._wake:
            pause = self.guard.pause if self.guard.trouble else None
            self._wake.wait_for(lambda: self._stopped or self._wanted is not self._tried, pause)
            return None if self._stopped else self._wanted
