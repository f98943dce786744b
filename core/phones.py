"""Phone numbers in one spelling: ten digits from 0 for Vietnam, ``+`` and country code for the rest.

The one rule for what is typed, imported, stored and compared.  +84, 0084 and 84 before a number of this country are its
0; blanks, dots, dashes, brackets and what cannot be seen count for nothing.
"""

from __future__ import annotations

import re
import unicodedata

LONGEST_TYPED = 32
_BLANKS = re.compile(r"[\s.()-]")
_UNSEEN = frozenset({"Cf", "Pd", "Zs"})  # marks of direction, every dash, every width of space
_MOBILE = re.compile(r"0[35789][0-9]{8}")
_LANDLINE = re.compile(r"02[0-9]{9}")
_FOREIGN = re.compile(r"\+[1-9][0-9]{7,14}")
_HOME = re.compile(r"\+840?([0-9]*)")
_WITHOUT_PLUS = re.compile(r"840?(?:[35789][0-9]{8}|2[0-9]{9})")


def spell(typed: str) -> str | None:
    """The one spelling of a number as somebody wrote it, or None when it is no whole phone number."""
    if len(typed) > LONGEST_TYPED:
        return None
    plain = "".join(each for each in unicodedata.normalize("NFKC", typed) if unicodedata.category(each) not in _UNSEEN)
    number = _BLANKS.sub("", plain)
    if number.startswith("00"):
        number = "+" + number[2:]
    elif _WITHOUT_PLUS.fullmatch(number):
        number = "+" + number
    at_home = _HOME.fullmatch(number)
    if at_home is not None:
        number = "0" + at_home[1]
    known = any(shape.fullmatch(number) for shape in (_MOBILE, _LANDLINE, _FOREIGN))
    return number if known else None


def kept(written: str) -> str:
    """What a record keeps of a number from elsewhere: its one spelling, or the words as they are when it is none."""
    return spell(written) or written.strip()


def same(one: str, other: str) -> bool:
    """Whether two spellings are one number; what is no number is nobody's."""
    number = spell(one)
    return number is not None and number == spell(other)


def mask(number: str) -> str:
    """As much of a number as tells its owner's acquaintances whose it is: the first three figures and the last two."""
    return f"{number[:3]}•••••{number[-2:]}" if number else ""
