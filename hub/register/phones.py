"""Phone numbers in one spelling: ten digits from 0 for Vietnam, ``+`` and country code for the rest."""

from __future__ import annotations

import re

LONGEST_TYPED = 32
_BLANKS = re.compile(r"[\s.()-]")
_MOBILE = re.compile(r"0[35789][0-9]{8}")
_LANDLINE = re.compile(r"02[0-9]{9}")
_FOREIGN = re.compile(r"\+[1-9][0-9]{7,14}")


def spell(typed: str) -> str | None:
    """The one spelling of a number as somebody typed it, or None when it is no whole phone number."""
    if len(typed) > LONGEST_TYPED or not typed.isascii():
        return None
    number = _BLANKS.sub("", typed)
    if number.startswith("00"):
        number = "+" + number[2:]
    for prefix in ("+840", "+84"):
        if number.startswith(prefix):
            number = "0" + number.removeprefix(prefix)
            return number if _MOBILE.fullmatch(number) or _LANDLINE.fullmatch(number) else None
    known = any(shape.fullmatch(number) for shape in (_MOBILE, _LANDLINE, _FOREIGN))
    return number if known else None


def mask(number: str) -> str:
    """As much of a number as tells its owner's acquaintances whose it is: the first three figures and the last two."""
    return f"{number[:3]}•••••{number[-2:]}" if number else ""
