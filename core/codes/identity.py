"""Identities in one spelling each: the hub files people under exactly what a gate asks for.

Every function takes a number as somebody wrote it and returns a ``Subject``, or the reason why it is nobody's
(placeholder, masked), or None when it is not a number of that sort at all.
"""

from __future__ import annotations

import re
from hashlib import sha256

from core.model import Reason, Scheme, Subject

Found = Subject | Reason | None

_SHAPES = (
    (Scheme.CITIZEN, re.compile(r"[0-9]{12}")),
    (Scheme.CMND, re.compile(r"[0-9]{9}")),
    (Scheme.PASSPORT, re.compile(r"[A-Z0-9]{6,9}")),
)
_INSURANCE = re.compile(r"(?:[A-Z]{2}[0-9]{3})?([0-9]{10})")
_NATIONAL = re.compile(r"[0-9A-Z]{8,40}")
_MASKED = re.compile(r"[0-9A-Z*]*\*[0-9A-Z*]*")
_TYPED = re.compile(r"[0-9][0-9 .-]*|[A-Z]{1,2} ?[0-9][0-9 ]*")
_UVCI = "URN:UVCI:"

_FULL_WIDTH = {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)}
LONGEST_TYPED = 40
LONGEST_TOKEN = 512
HASHED = "sha256:"


def compact(typed: str) -> str:
    """A number in capitals of ordinary width, without the blanks, dots and dashes that people type between digits.

    A passport's blanks go only where a letter or two precede digits; any other text stays as it is, in capitals.
    """
    if len(typed) > LONGEST_TYPED:
        return ""
    text = typed.translate(_FULL_WIDTH).strip().upper()
    return re.sub(r"[ .-]", "", text) if _TYPED.fullmatch(text) else text


def scheme(number: str) -> Scheme | None:
    """Which kind of document number this compact text looks like."""
    return next((scheme for scheme, shape in _SHAPES if shape.fullmatch(number)), None)


def document(typed: str) -> Found:
    """A citizen number (12 digits), CMND (9 digits) or passport number."""
    number = compact(typed)
    kind = scheme(number)
    return _found(kind, number) if kind else _masked(number)


def insurance(typed: str) -> Found:
    """A health-insurance code: the ten digits that a person keeps when the letters before them change.

    Cards from 2017 on print two letters, a digit, two digits of the province and then those ten (1313/QĐ-BHXH);
    cards from 2021 on print the ten alone (1666/QĐ-BHXH).
    """
    number = compact(typed)
    digits = _INSURANCE.fullmatch(number)
    return _found(Scheme.INSURANCE, digits[1]) if digits else _masked(number)


def national(typed: str) -> Found:
    """The QID of a national personal QR."""
    number = compact(typed)
    return _found(Scheme.NATIONAL, number) if _NATIONAL.fullmatch(number) else _masked(number)


def certificate(identifier: str) -> Subject | None:
    """An EU DCC by its unique certificate identifier, hashed; prefix, checksum and case do not count."""
    if not 0 < len(identifier) <= 200:
        return None
    bare = identifier.strip().upper().removeprefix(_UVCI).split("#")[0]
    return Subject(Scheme.CERTIFICATE, sha256(bare.encode()).hexdigest()) if bare else None


def token(data: bytes) -> Subject:
    """A My QR: its text when that is printable ASCII of at most 512 letters, else ``sha256:`` and the hash in hex.

    Only ASCII is kept as it stands, because what counts as printable beyond it changes with the edition of Unicode.
    """
    text = data.decode("latin-1")
    plain = text.isascii() and text.isprintable() and len(text) <= LONGEST_TOKEN and not text.startswith(HASHED)
    return Subject(Scheme.TOKEN, text if plain else HASHED + sha256(data).hexdigest())


def _found(kind: Scheme, number: str) -> Found:
    """All digits the same is what people enter who have no number: taken as a key it would make strangers one person.

    A real number of that shape is at most one in a hundred million, and its owner has other codes to show.
    """
    return Reason.PLACEHOLDER_NUMBER if len(set(number)) == 1 else Subject(kind, number)


def _masked(number: str) -> Found:
    return Reason.MASKED_NUMBER if _MASKED.fullmatch(number) else None
