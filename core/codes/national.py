"""The national personal QR code (decision 1405/QĐ-BTTTT of 11 September 2021), unsigned and copyable.

``document|NAME WITHOUT MARKS|YYYY-MM-DD|0 or 1|QID|EXT`` with 0 for oneself and 1 for a person one declared for; EXT is
``proxy's QID<sex<insurance number<phone<signature``.  Any field may be masked with stars.
"""

from __future__ import annotations

import re

from core.codes import birth, card, identity
from core.codes.identity import Found
from core.codes.text import Text
from core.model import CodeKind, Credential, Hint, Reason, Subject

KIND = CodeKind.NATIONAL
FIELDS = 6
DECLARED_FOR = {"0": frozenset[Hint](), "1": frozenset({Hint.DECLARED_FOR_ANOTHER})}
MALE = {"1": True, "2": False}
"""Sex in EXT; the decision's own table is not public, the published sample and the insurance card agree on this."""

_BORN = re.compile(r"([0-9*]{4})-[0-9*]{2}-[0-9*]{2}|\*+")


def read(text: Text) -> Credential | None:
    """A national personal QR code, or None."""
    if len(text.fields) < FIELDS:
        return None
    document, name, born, declared_for, qid, ext = text.fields[:FIELDS]
    date = _BORN.fullmatch(born)
    if declared_for not in DECLARED_FOR or not (date or (not born and len(text.fields) == FIELDS)):
        return None
    found = _identity(document, qid)
    sex = ext.split("<", 2)[1:2]
    hints = birth.hints(
        found if isinstance(found, Subject) else None,
        (date[1] or "") if date else "",
        MALE.get(sex[0]) if sex else None,
    )
    extra = frozenset({Hint.EXTRA_FIELDS}) if any(text.fields[FIELDS:]) else frozenset[Hint]()
    return card.credential(KIND, text, found, name, DECLARED_FOR[declared_for] | hints | extra)


def _identity(document: str, qid: str) -> Found:
    """The document number, which other codes of the same person carry too; where it names nobody, the QID."""
    by_document, by_qid = identity.document(document), identity.national(qid)
    for found in (by_document, by_qid):
        if isinstance(found, Subject):
            return found
    masked = Reason.MASKED_NUMBER in (by_document, by_qid)
    return Reason.MASKED_NUMBER if masked else Reason.PLACEHOLDER_NUMBER
