"""Keyboard layouts: which character a key gives, as the scanners' own country settings know them.

Each layout is written as it lies on the desk, one string a row, for the four planes plain, Shift, AltGr and
AltGr+Shift; a blank is a key that gives nothing there.  The tables follow the layouts of Windows (Unicode CLDR,
``keyboards/windows``), because that is what a scanner's manual means by "French" or "Vietnamese".
"""

from __future__ import annotations

from collections.abc import Mapping
from unicodedata import normalize

import msgspec

ROWS = (
    (41, *range(2, 14)),  # grave, 1 ... 0, minus, equal
    tuple(range(16, 28)),  # Q ... P, left and right bracket
    (*range(30, 41), 43),  # A ... L, semicolon, apostrophe, backslash
    (86, *range(44, 54)),  # the key left of Z (ISO only), Z ... slash
)
"""Linux key codes (``linux/input-event-codes.h``) of the four rows, left to right."""

SPACE = 57

DEAD = {"^": "\u0302", "¨": "\u0308", "´": "\u0301", "`": "\u0300", "~": "\u0303"}
"""Spacing sign of a dead key → the combining mark it puts on the next letter."""

Plane = tuple[str, str, str, str]
Stroke = tuple[int, bool, bool]  # key code, Shift, AltGr


class Layout(msgspec.Struct, frozen=True):
    """One layout; ``dead`` names strokes that wait for a letter, ``locked`` the keys that Caps Lock shifts."""

    name: str
    characters: Mapping[Stroke, str]
    dead: frozenset[Stroke]
    locked: frozenset[int]
    point: str = "."  # what the keypad's decimal key gives

    def character(self, code: int, shift: bool, altgr: bool, caps: bool) -> str:
        """Return what a key gives, or "" for a key or a plane that gives nothing."""
        return self.characters.get((code, shift ^ (caps and not altgr and code in self.locked), altgr), "")

    def is_dead(self, code: int, shift: bool, altgr: bool, caps: bool) -> bool:
        """Say whether the stroke only marks the next letter."""
        return (code, shift ^ (caps and not altgr and code in self.locked), altgr) in self.dead


def compose(mark: str, letter: str) -> str:
    """Put the dead key ``mark`` (its spacing sign) on ``letter``: "^" and "a" give "â", "^" and " " give "^"."""
    if letter == " ":
        return mark
    whole = normalize("NFC", letter + DEAD[mark])
    return whole if len(whole) == 1 else mark + letter


def _lay(
    name: str,
    plain: Plane,
    shift: Plane,
    altgr: Plane = ("", "", "", ""),
    altgr_shift: Plane = ("", "", "", ""),
    *,
    dead: str = "",
    locked: frozenset[int] = frozenset(),
    point: str = ".",
) -> Layout:
    """Turn rows of characters into a layout; ``dead`` lists the signs that are dead in the plain and Shift planes."""
    characters: dict[Stroke, str] = {(SPACE, shifted, False): " " for shifted in (False, True)}
    for rows, shifted, third in (
        (plain, False, False),
        (shift, True, False),
        (altgr, False, True),
        (altgr_shift, True, True),
    ):
        for codes, row in zip(ROWS, rows, strict=True):
            characters |= {(code, shifted, third): sign for code, sign in zip(codes, row, strict=False) if sign != " "}
    letters = frozenset(code for (code, _, third), sign in characters.items() if not third and _has_case(sign))
    waiting = frozenset(stroke for stroke, sign in characters.items() if not stroke[2] and sign in dead)
    return Layout(name, characters, waiting, locked or letters, point)


def _has_case(sign: str) -> bool:
    return sign.upper() != sign.lower() and sign != "µ"


_DIGITS = frozenset(range(2, 12))
_LETTERS = frozenset((*range(16, 26), *range(30, 39), *range(44, 51)))

US = _lay(
    "us",
    ("`1234567890-=", "qwertyuiop[]", "asdfghjkl;'\\", "\\zxcvbnm,./"),
    ("~!@#$%^&*()_+", "QWERTYUIOP{}", 'ASDFGHJKL:"|', "|ZXCVBNM<>?"),
)
UK = _lay(
    "uk",
    ("`1234567890-=", "qwertyuiop[]", "asdfghjkl;'#", "\\zxcvbnm,./"),
    ('¬!"£$%^&*()_+', "QWERTYUIOP{}", "ASDFGHJKL:@~", "|ZXCVBNM<>?"),
    ("¦   €", "  é   úíó", "á", ""),
    ("", "  É   ÚÍÓ", "Á", ""),
)
FR = _lay(
    "fr",
    ("²&é\"'(-è_çà)=", "azertyuiop^$", "qsdfghjklmù*", "<wxcvbn,;:!"),
    (" 1234567890°+", "AZERTYUIOP¨£", "QSDFGHJKLM%µ", ">WXCVBN?./§"),
    ("  ~#{[|`\\^@]}", "  €        ¤", "", ""),
    dead="^¨",
    locked=_DIGITS | _LETTERS | {12, 13, 26, 27, 39, 40, 43, 51, 52, 53},
)
DE = _lay(
    "de",
    ("^1234567890ß´", "qwertzuiopü+", "asdfghjklöä#", "<yxcvbnm,.-"),
    ('°!"§$%&/()=?`', "QWERTZUIOPÜ*", "ASDFGHJKLÖÄ'", ">YXCVBNM;:_"),
    ("  ²³   {[]}\\", "@ €        ~", "", "|      µ"),
    dead="^´`",
    locked=_DIGITS | _LETTERS | {12, 26, 27, 39, 40, 43, 51, 52},
    point=",",
)
VN = _lay(
    "vn",
    ("`ăâêô\u0300\u0309\u0303\u0301\u0323đ-₫", "qwertyuiopươ", "asdfghjkl;'\\", "\\zxcvbnm,./"),
    ("~ĂÂÊÔ\u0300\u0309\u0303\u0301\u0323Đ_+", "QWERTYUIOPƯƠ", 'ASDFGHJKL:"|', "|ZXCVBNM<>?"),
    ("`1234567890-=", "qwertyuiop[]", "asdfghjkl;'\\", "\\zxcvbnm,./"),
    ("~!@#$%^&*()_+", "QWERTYUIOP{}", 'ASDFGHJKL:"|', "|ZXCVBNM<>?"),
)

LAYOUTS: Mapping[str, Layout] = {layout.name: layout for layout in (US, UK, FR, DE, VN)}
"""Every layout by the name that ``config.toml`` gives it."""
