"""A document number alone, typed by a guard or printed as a bar code."""

from __future__ import annotations

from core.codes import identity
from core.codes.text import Text
from core.model import CodeKind, Credential, Reason, Scheme, Subject

KINDS = {
    Scheme.CITIZEN: CodeKind.CITIZEN_NUMBER,
    Scheme.CMND: CodeKind.CMND,
    Scheme.PASSPORT: CodeKind.PASSPORT,
}


def read(text: Text) -> Credential | None:
    """A citizen number, CMND or passport number, or None."""
    scheme = identity.scheme(identity.compact(text.text))
    if scheme is None:
        return None
    found = identity.document(text.text)
    if isinstance(found, Subject):
        return Credential(KINDS[scheme], subject=found)
    return Credential(KINDS[scheme], remark=Reason.PLACEHOLDER_NUMBER)
