"""Codes a gate meets: one file a family, tried in order; ``parse`` is total and keeps the least identity needed.

All but the two signed families identify and prove nothing: they are printed text that anybody can copy.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from core.codes import (
    bhyt,
    cccd,
    contact,
    dcc,
    declaration,
    link,
    national,
    number,
    opaque,
    payment,
    place,
    wifi,
)
from core.codes.text import LONGEST, Text, clean
from core.codes.trust import Trust
from core.model import CodeKind, Credential, Reason

SIGNED: dict[str, Callable[[str, Trust, datetime], Credential]] = {
    declaration.PREFIX: declaration.read,
    dcc.PREFIX: dcc.read,
}
"""Families that prove something: their prefix (of four letters) decides, what follows it is verified or refused."""

PLAIN: tuple[Callable[[Text], Credential | None], ...] = (
    payment.read,
    place.read,  # before links, because other systems' place codes are links
    link.read,
    wifi.read,
    contact.read,
    national.read,
    cccd.read,
    bhyt.read,
    number.read,
    opaque.read,
)
"""Families that only identify, and codes that are for something else; the first that knows a code has it."""

UNREADABLE = Credential(CodeKind.UNREADABLE, wrong=Reason.IS_UNREADABLE)


def parse(data: bytes, trust: Trust, now: datetime) -> Credential:
    """What a code says at ``now``, for any bytes at all; never raises.

    Time and memory are bounded by ``text.LONGEST``.  A signed code keeps the subject it claims even when its
    signature is refused, so that the row can be sealed: whoever looks people up asks ``signed.state`` first.
    """
    if len(data) > LONGEST:
        return UNREADABLE
    text = clean(data)
    signed = SIGNED.get(text.text[:4])
    if signed is not None:
        return signed(text.text[4:], trust, now)
    return next((found for read in PLAIN if (found := read(text)) is not None), UNREADABLE)
