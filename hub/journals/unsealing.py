"""One row opened: what it says, whom its seal holds, or why neither can be read.

A row may hold anything at all.  What can be wrong with one ends here, as ``Unreadable``: whatever is read of a row that
was decoded can be reckoned with and written into any database.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from datetime import UTC, datetime

from core import rows, wire
from core.model import Scheme, Subject
from core.wire import Row, Who
from hub.journals import boots
from hub.storage.keyring import Keyring
from hub.storage.seals import ErasedKey

ROW_BYTES_AT_MOST = 16_384
PLACE_AT_MOST = 64
_POLICIES_END = 1 << 31
_CLOCKS = (datetime(1969, 12, 31, tzinfo=UTC), datetime(3000, 1, 1, tzinfo=UTC))
"""What a board's clock can show however wrong it is: it begins in 1970, and no hardware clock counts past 2199."""


class Unreadable(Exception):
    """Why a row goes to the dead letters; no personal data in it."""


def decode(raw: bytes, station: str, epoch: str, seq: int) -> Row:
    """A row that is what its place in the journal says; ``Unreadable`` says why not."""
    if len(raw) > ROW_BYTES_AT_MOST:
        raise Unreadable(f"longer than {ROW_BYTES_AT_MOST} bytes")
    try:
        row = rows.decode(raw)
    except ValueError as error:
        _, _, where = str(error).partition(" - at ")
        raise Unreadable(f"not a row this hub can read{f', at {where}' if where else ''}") from error
    if (row.station, row.epoch, row.seq) != (station, epoch, seq):
        raise Unreadable("says it is another journal's row or number")
    if any("\0" in text for text in _texts(row)):
        raise Unreadable("holds a character that is none")
    if len(row.clock.boot) > boots.BOOT_AT_MOST:
        raise Unreadable("names a boot that cannot be")
    if len(row.place) > PLACE_AT_MOST or not 0 <= row.about <= seq:
        raise Unreadable("its place or the row it speaks of cannot be")
    if not 0 <= row.policy_version < _POLICIES_END:
        raise Unreadable("the policy it names cannot be")
    if not all(_CLOCKS[0] < at < _CLOCKS[1] for at in _moments(row)):
        raise Unreadable("says a time that no clock shows")
    return row


def _texts(row: Row) -> Iterable[str]:
    """Those that its struct does not bound."""
    return row.clock.boot, row.place, row.tag, row.cause, row.sealed, row.sealed_to


def _moments(row: Row) -> Iterable[datetime]:
    yield row.at
    for group in row.groups:
        yield from (at for at in (group.at, group.as_of) if at is not None)


def open_who(ring: Keyring, row: Row) -> Who | None:
    """Whom a row's seal holds; None when nothing is sealed, ``Unreadable`` when it was not sealed for this hub."""
    if not row.sealed:
        return None
    first = row.was[0] if row.was else row
    context = rows.context(row.station, first.epoch, first.seq)
    try:
        plain = ring.seals.open(base64.b64decode(row.sealed, validate=True), context, row.sealed_to)
    except ErasedKey as error:
        raise Unreadable(str(error)) from error
    except (ValueError, binascii.Error) as error:
        raise Unreadable("the seal does not open with this hub's key") from error
    try:
        return wire.decode(plain, Who)
    except ValueError as error:
        raise Unreadable("what is sealed names nobody") from error


def subjects(who: Who) -> Iterable[Subject]:
    """The identities that may name the person: the hub's own key first, if the station was told it."""
    if who.person:
        yield Subject(Scheme.PERSON, who.person)
    yield Subject(who.scheme, who.value)
