"""What a 12-digit citizen number says of its owner, compared with what the card says: hints, never a refusal.

Digits 1-3 are the province, digit 4 century and sex (1900s: 0 male, 1 female; 2000s: 2, 3; and so on), digits 5-6 the
year, the rest a serial; there is no check digit.
"""

from __future__ import annotations

from core.model import Hint, Scheme, Subject


def hints(subject: Subject | None, year: str, male: bool | None) -> frozenset[Hint]:
    """How the number of ``subject`` differs from a year of birth (four digits, else unknown) and a sex."""
    if subject is None or subject.scheme is not Scheme.CITIZEN:
        return frozenset()
    code = int(subject.value[3])
    born = 1900 + 100 * (code // 2) + int(subject.value[4:6])
    found = set()
    if len(year) == 4 and year.isascii() and year.isdigit() and int(year) != born:
        found.add(Hint.BIRTH_DIFFERS)
    if male is not None and male != (code % 2 == 0):
        found.add(Hint.SEX_DIFFERS)
    return frozenset(found)
