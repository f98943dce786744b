"""Payment codes (EMVCo merchant-presented, of which VietQR is one): tag 00, length 02, version 01."""

from __future__ import annotations

from core.codes.text import Text
from core.model import CodeKind, Credential, Reason

KIND = CodeKind.PAYMENT
PREFIX = "000201"
SHORTEST = 20
"""Letters: the mandatory parts alone are longer, every document number is shorter."""


def read(text: Text) -> Credential | None:
    """A payment code, or None."""
    if text.text.startswith(PREFIX) and len(text.text) >= SHORTEST:
        return Credential(KIND, wrong=Reason.IS_PAYMENT)
    return None
