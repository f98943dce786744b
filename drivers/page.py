"""What a 128×64 display can be asked to show: a handful of layouts with places for words, and nothing of a gate."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

WIDTH: Final = 128
HEIGHT: Final = 64

HEADLINE_COLUMNS: Final = 9
"""Characters of a headline (10x20), beside its shape."""

NOTE_COLUMNS: Final = 15
"""Characters of a line of the note (6x13), under the headline."""

TEXT_COLUMNS: Final = 14
"""Characters of a line of large text (9x15), across the display."""

SMALL_COLUMNS: Final = 21
AGE_COLUMNS: Final = 7
"""Characters of an answer's age, 6x13, between a text and its mark."""
"""Characters of a line of small text (6x13), across the display."""

BANNER_COLUMNS: Final = 12
"""Characters of a line of the largest running text (10x20), across the display."""

Mark = Literal["live", "held", "code", "none"]


class VerdictPage(msgspec.Struct, frozen=True):
    """A shape, one large word, two small lines (or one long one) under it and a line along the foot.

    ``more`` says how many further texts follow on other pages ("+2").
    """

    shape: str
    headline: str
    notes: tuple[str, ...] = ()
    foot: str = ""
    more: int = 0


class GroupRow(msgspec.Struct, frozen=True):
    """One line of a table: a letter in a box, a text, how old it is, a mark; ``flagged`` turns the line white.

    Beside an ``age``, of up to ``AGE_COLUMNS`` characters, the text has 8.
    """

    letter: str
    text: str
    mark: Mark
    flagged: bool = False
    age: str = ""


class GroupsPage(msgspec.Struct, frozen=True):
    """A table of up to three lines."""

    rows: tuple[GroupRow, ...]


class TextPage(msgspec.Struct, frozen=True):
    """A text of two lines over its translation, the ``number``-th of ``count``; ``inverted`` is black on white."""

    text: str
    second: str = ""
    number: int = 1
    count: int = 1
    inverted: bool = False


class BannerPage(msgspec.Struct, frozen=True):
    """Up to three lines of the largest text, centred."""

    text: str


class AlarmPage(msgspec.Struct, frozen=True):
    """One word over the whole display, black on white, beside a shape."""

    shape: str
    word: str


class IdlePage(msgspec.Struct, frozen=True):
    """A name, a large clock, the date, and at the foot whether a line is up (None: there is none) and what waits.

    ``sign`` is a small shape at the foot, empty for none.  ``shift`` moves the clock sideways by so many pixels, so
    that it does not burn itself into the panel.
    """

    place: str
    clock: str
    date: str
    linked: bool | None
    backlog: str = ""
    shift: int = 0
    sign: str = ""


class BlankPage(msgspec.Struct, frozen=True):
    """A dark display."""


Page = VerdictPage | GroupsPage | TextPage | BannerPage | AlarmPage | IdlePage | BlankPage
