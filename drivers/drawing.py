"""Pages as pictures: 128×64, one bit, the same for a real panel, the front-panel page and the manual.

Fonts are X11 misc-fixed, which tells all 134 Vietnamese letters apart at these sizes; see ``drivers/fonts/NOTICE``.
"""

from __future__ import annotations

import gzip
import io
import textwrap
import unicodedata
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal

from PIL import Image, ImageChops, ImageDraw, ImageFont

from drivers.page import (
    AGE_COLUMNS,
    BANNER_COLUMNS,
    HEADLINE_COLUMNS,
    HEIGHT,
    NOTE_COLUMNS,
    SMALL_COLUMNS,
    TEXT_COLUMNS,
    WIDTH,
    AlarmPage,
    BannerPage,
    BlankPage,
    GroupRow,
    GroupsPage,
    IdlePage,
    Page,
    TextPage,
    VerdictPage,
)
from drivers.shapes import shape

Face = Literal["10x20", "9x15", "6x13"]

LIT: Final = 255  # 1 looks the same in mode "1" until the picture is inverted
DARK: Final = 0
SHAPE: Final = 36
"""The side of a verdict's shape."""

_FOLDER: Final = Path(__file__).with_name("fonts")
_NOWHERE: Final = "\uffff"  # no character at all, so every font draws its box for strangers
_MARK: Final = 11
_SIGN_AT: Final = 58
_BESIDE_AN_AGE: Final = 5


@lru_cache(maxsize=16)
def draw(page: Page) -> Image.Image:
    """The picture of a page, mode ``1``; equal pages give the same object, so nobody may draw on it."""
    sheet = Sheet()
    match page:
        case VerdictPage():
            _verdict(sheet, page)
        case GroupsPage():
            _groups(sheet, page)
        case TextPage():
            _text(sheet, page)
        case BannerPage():
            _banner(sheet, page)
        case AlarmPage():
            _alarm(sheet, page)
        case IdlePage():
            _idle(sheet, page)
        case BlankPage():
            pass
    return sheet.image


class Sheet:
    """An empty picture and the few ways we put things on it.  A text's ``y`` is the top of its cell."""

    def __init__(self) -> None:
        self.image = Image.new("1", (WIDTH, HEIGHT))
        self._draw = ImageDraw.Draw(self.image)
        self._draw.fontmode = "1"

    def write(self, x: int, y: int, text: str, face: Face, *, ink: int = LIT) -> None:
        """Put a line of text with its left edge at ``x``."""
        self._draw.text((x, y), text, font=font(face), fill=ink)

    def centre(self, y: int, text: str, face: Face) -> None:
        """Put a line of text in the middle."""
        self.write((WIDTH - width(text, face) + 1) // 2, y, text, face)

    def right(self, y: int, text: str, face: Face) -> None:
        """Put a line of text against the right edge."""
        self.write(WIDTH - width(text, face), y, text, face)

    def fill(self, left: int, top: int, right: int, bottom: int, *, ink: int = LIT) -> None:
        """Fill a box; all four edges are inside it."""
        self._draw.rectangle((left, top, right, bottom), fill=ink)

    def put(self, x: int, y: int, picture: Image.Image, *, ink: int = LIT) -> None:
        """Lay a picture's lit pixels on the sheet."""
        self._draw.bitmap((x, y), picture, fill=ink)

    def invert(self, left: int = 0, top: int = 0, right: int = WIDTH, bottom: int = HEIGHT) -> None:
        """Swap black and white in a box; right and bottom are outside it."""
        box = (left, top, right, bottom)
        self.image.paste(ImageChops.invert(self.image.crop(box)), box)


@lru_cache(maxsize=3)
def font(face: Face) -> ImageFont.FreeTypeFont:
    """One of the shipped bitmap fonts."""
    # FreeType would read the packed file too, but unpacks it anew for every character: 3 ms a line instead of 0.03.
    unpacked = gzip.decompress((_FOLDER / f"{face}.pcf.gz").read_bytes())
    return ImageFont.truetype(io.BytesIO(unpacked), int(face.split("x")[1]))


def width(text: str, face: Face) -> int:
    """How many pixels a line takes; every character takes the same."""
    return len(text) * int(face.split("x")[0])


@lru_cache(maxsize=1024)
def has_glyph(char: str, face: Face) -> bool:
    """Whether the font draws this character as itself and not as its box for strangers."""
    if unicodedata.category(char)[0] in "CM":
        return False
    mask, box = font(face).getmask(char, "1"), font(face).getmask(_NOWHERE, "1")
    return (mask.size, bytes(mask)) != (box.size, bytes(box))


def plain(text: str, face: Face) -> str:
    """Text as the font can show it: composed (NFC), controls and loose accents gone, strangers as «?»."""
    composed = unicodedata.normalize("NFC", text)
    seen = (char for char in composed if unicodedata.category(char)[0] not in "CM" or char in "\t\n")
    return "".join(char if has_glyph(char, face) else "?" for char in " ".join("".join(seen).split()))


def cut(text: str, columns: int, face: Face) -> str:
    """One line of at most ``columns`` characters; what is cut off ends in an ellipsis."""
    text = plain(text, face)
    return text if len(text) <= columns else text[: columns - 1].rstrip() + "…"


def wrap(text: str, columns: int, lines: int, face: Face) -> list[str]:
    """At most ``lines`` lines broken between words; what does not fit ends in an ellipsis."""
    made = textwrap.wrap(plain(text, face), columns, max_lines=lines, placeholder="…", break_on_hyphens=False)
    return _without_widow(made, columns)


def _without_widow(lines: list[str], columns: int) -> list[str]:
    """Give a single last word company from the line above when the two lines come out about even."""
    if len(lines) < 2 or " " in lines[-1] or " " not in lines[-2]:
        return lines
    above, _, word = lines[-2].rpartition(" ")
    last = f"{word} {lines[-1]}"
    return [*lines[:-2], above, last] if len(last) <= min(columns, len(above) + 2) else lines


def _verdict(sheet: Sheet, page: VerdictPage) -> None:
    """Shape at the left, headline and two note lines right of it, the foot across."""
    left, top = WIDTH - HEADLINE_COLUMNS * 10, 0 if page.foot else 8
    sheet.put(0, top + 5, shape(page.shape, SHAPE))
    sheet.write(left, top, cut(page.headline, HEADLINE_COLUMNS, "10x20"), "10x20")
    for number, line in enumerate(_notes(page.notes)):
        sheet.write(left, top + 20 + 13 * number, line, "6x13")
    if page.more:
        text = f"+{page.more}"
        sheet.right(top + 33, text, "6x13")
        sheet.invert(WIDTH - width(text, "6x13") - 1, top + 34, WIDTH, top + 46)
    if page.foot:
        _foot(sheet, page.foot)


def _notes(notes: tuple[str, ...]) -> list[str]:
    """Two lines: a single note may take both."""
    if len(notes) == 1:
        return wrap(notes[0], TEXT_COLUMNS, 2, "6x13")
    return [cut(note, NOTE_COLUMNS, "6x13") for note in notes[:2]]


def _foot(sheet: Sheet, text: str) -> None:
    """A name: large when it fits, else small."""
    if len(plain(text, "9x15")) <= TEXT_COLUMNS:
        sheet.centre(48, plain(text, "9x15"), "9x15")
    else:
        sheet.centre(49, cut(text, SMALL_COLUMNS, "6x13"), "6x13")


def _groups(sheet: Sheet, page: GroupsPage) -> None:
    for number, row in enumerate(page.rows[:3]):
        _group(sheet, 22 * number, row)


def _group(sheet: Sheet, top: int, row: GroupRow) -> None:
    """Letter in a box, text, age, mark; 20 rows high.  A text that an age leaves no room for is written smaller."""
    sheet.fill(0, top, 12, top + 19)
    sheet.write(2, top + 2, cut(row.letter, 1, "9x15"), "9x15", ink=DARK)
    if row.age and len(row.text) > _BESIDE_AN_AGE:
        sheet.write(15, top + 4, cut(row.text, 8, "6x13"), "6x13")
    else:
        sheet.write(15, top + 2, cut(row.text, 11, "9x15"), "9x15")
    age = cut(row.age, AGE_COLUMNS, "6x13")
    sheet.write(WIDTH - _MARK - 4 - width(age, "6x13"), top + 4, age, "6x13")
    sheet.put(WIDTH - _MARK - 1, top + 5, shape(row.mark, _MARK))
    if row.flagged:
        sheet.invert(14, top, WIDTH, top + 20)


def _text(sheet: Sheet, page: TextPage) -> None:
    """Two large lines, a rule that also counts the pages, two small lines."""
    large = wrap(page.text, TEXT_COLUMNS, 2, "9x15")
    for number, line in enumerate(large):
        sheet.write(1, (8 if len(large) == 1 else 0) + 15 * number, line, "9x15")
    _rule(sheet, page.number, page.count)
    small = wrap(page.second, SMALL_COLUMNS, 2, "6x13")
    for number, line in enumerate(small):
        sheet.write(1, (43 if len(small) == 1 else 37) + 13 * number, line, "6x13")
    if page.inverted:
        sheet.invert()


def _rule(sheet: Sheet, number: int, count: int) -> None:
    """A line in as many pieces as there are pages, this page's piece thick."""
    gap, piece = 3, (WIDTH - 2 - 3 * (count - 1)) // count
    for index in range(count):
        left = 1 + index * (piece + gap)
        sheet.fill(left, 33 - (index + 1 == number), left + piece - 1, 33 + (index + 1 == number))


def _banner(sheet: Sheet, page: BannerPage) -> None:
    lines = wrap(page.text, BANNER_COLUMNS, 3, "10x20")
    top = (HEIGHT - 21 * len(lines)) // 2
    for number, line in enumerate(lines):
        sheet.centre(top + 21 * number, line, "10x20")


def _alarm(sheet: Sheet, page: AlarmPage) -> None:
    """The word as large as it goes: three times for three letters, twice for up to five."""
    word = cut(page.word, 5, "10x20")
    size = 3 if len(word) <= 3 else 2
    picture = _enlarged(word, size)
    side = min(SHAPE, WIDTH - picture.width - 2)
    sheet.put(1, (HEIGHT - side) // 2, shape(page.shape, side))
    sheet.put(WIDTH - picture.width, (HEIGHT - picture.height) // 2, picture)
    sheet.invert()


def _enlarged(text: str, times: int) -> Image.Image:
    """A line of 10x20 with every pixel repeated."""
    line = Image.new("1", (width(text, "10x20"), 20))
    pen = ImageDraw.Draw(line)
    pen.fontmode = "1"
    pen.text((0, 0), text, font=font("10x20"), fill=LIT)
    return line.resize((line.width * times, line.height * times), Image.Resampling.NEAREST)


def _idle(sheet: Sheet, page: IdlePage) -> None:
    """Place at the top, clock in the middle, date and link at the foot."""
    if len(plain(page.place, "9x15")) <= TEXT_COLUMNS:
        sheet.centre(0, plain(page.place, "9x15"), "9x15")
    else:
        sheet.centre(1, cut(page.place, SMALL_COLUMNS, "6x13"), "6x13")
    clock = _enlarged(plain(page.clock, "10x20"), 2)
    sheet.put((WIDTH - clock.width) // 2 + page.shift, 12, clock)
    sheet.write(0, 51, cut(page.date, 9, "6x13"), "6x13")
    if page.linked is not None:
        sheet.put(WIDTH - _MARK, 52, shape("linked" if page.linked else "unlinked", _MARK))
    if page.sign:
        sheet.put(_SIGN_AT, 52, shape(page.sign, _MARK))
    waiting = cut(page.backlog, 7 if page.sign else 9, "6x13")
    sheet.write(WIDTH - _MARK - 3 - width(waiting, "6x13"), 51, waiting, "6x13")
