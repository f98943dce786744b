"""Unfinished declarations: kept sealed from step to step, found again by their owner, gone after a day."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any, ClassVar

import msgspec
import sqlalchemy as sa

from core.discreet import Discreet
from core.model import DeclarationKind
from hub.citizens import guests
from hub.citizens.guests import Guest
from hub.storage.citizen_tables import drafts
from hub.storage.keyring import Keyring
from hub.storage.store import insert

KEPT = timedelta(hours=24)
AT_MOST = 20
"""Unfinished forms of one owner; the oldest makes room."""

_CONTEXT = b"draft"


class Draft(Discreet, frozen=True):
    """One unfinished form: ``fields`` as the browser sent them, ``corrects`` the declaration it is to replace.

    ``turn`` is the page's own number of what it sent last; the page counts up, so a lower one was sent before.
    """

    secret: ClassVar = frozenset({"fields"})

    id: str
    kind: DeclarationKind
    fields: dict[str, tuple[str, ...]]
    corrects: int = 0
    turn: int = 0

    def filled(self, fields: dict[str, tuple[str, ...]]) -> Draft:
        """The same with more filled in."""
        return msgspec.structs.replace(self, fields={**self.fields, **fields})

    def sent(self, turn: int) -> Draft:
        """The same, sent in this turn."""
        return msgspec.structs.replace(self, turn=turn)


class _Kept(msgspec.Struct, frozen=True):
    id: str
    kind: DeclarationKind
    fields: dict[str, tuple[str, ...]]
    corrects: int = 0
    turn: int = 0


def begin(kind: DeclarationKind, fields: dict[str, tuple[str, ...]], corrects: int = 0) -> Draft:
    """A new form, not kept anywhere yet."""
    return Draft(secrets.token_urlsafe(24), kind, fields, corrects)


def save(connection: sa.Connection, ring: Keyring, guest: Guest, draft: Draft, now: datetime) -> None:
    """Keeps a form as it is now."""
    digest, owner = _digest(draft.id), guests.owner(ring, guest)
    kept = msgspec.json.encode(_Kept(draft.id, draft.kind, draft.fields, draft.corrects, draft.turn))
    lasts = min(KEPT, guests.lasts(guest))
    values: dict[str, Any] = {"sealed": ring.seal(kept, _CONTEXT + digest), "saved": now, "expires": now + lasts}
    statement = insert(connection, drafts).values(id=digest, owner=owner, **values)
    own = drafts.c.owner == owner
    connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=values, where=own))
    newest = sa.select(drafts.c.id).where(own).order_by(drafts.c.saved.desc()).limit(AT_MOST)
    connection.execute(sa.delete(drafts).where(own, drafts.c.id.not_in(newest)))


def find(
    connection: sa.Connection, ring: Keyring, guest: Guest, name: str, now: datetime, *, held: bool = False
) -> Draft | None:
    """A form of this visitor's; None when it is another's, sent or too old.  ``held``: nobody saves it meanwhile."""
    own = sa.and_(drafts.c.owner == guests.owner(ring, guest), drafts.c.expires > now)
    wanted = sa.select(drafts.c.sealed).where(own, drafts.c.id == _digest(name))
    sealed = connection.scalar(wanted.with_for_update() if held else wanted)
    return None if sealed is None else _open(ring, _digest(name), sealed)


def unfinished(connection: sa.Connection, ring: Keyring, guest: Guest, now: datetime) -> list[Draft]:
    """Every form that this visitor left unfinished, the last one first."""
    own = sa.and_(drafts.c.owner == guests.owner(ring, guest), drafts.c.expires > now)
    wanted = sa.select(drafts.c.id, drafts.c.sealed).where(own).order_by(drafts.c.saved.desc())
    return [_open(ring, row.id, row.sealed) for row in connection.execute(wanted)]


def drop(connection: sa.Connection, ring: Keyring, guest: Guest, name: str) -> None:
    """Throws a form away."""
    own = drafts.c.owner == guests.owner(ring, guest)
    connection.execute(sa.delete(drafts).where(own, drafts.c.id == _digest(name)))


def _open(ring: Keyring, digest: bytes, sealed: bytes) -> Draft:
    kept = msgspec.json.decode(ring.open(sealed, _CONTEXT + digest), type=_Kept)
    return Draft(kept.id, kept.kind, kept.fields, kept.corrects, kept.turn)


def _digest(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()
