"""Tying a record to its owner in person: staff see an identity card and a My QR, or a phone that declared, together.

A name and a number are no secret, so neither a form nor a message gives a record to anybody; a card in somebody's hand
does.  From then on the phone holds the record: My QR, the copy of what is known, the way to erase it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

import sqlalchemy as sa

from core import phones
from core.codes import identity
from core.discreet import Discreet
from core.model import Subject
from hub.register import mending, myqr, voices
from hub.register.voices import Voice
from hub.storage.keyring import Keyring
from hub.storage.store import serialize
from hub.storage.tables import declarations, identities, people


class Card(Discreet, frozen=True):
    """What stands on the identity card that was seen."""

    secret: ClassVar = frozenset({"document", "name", "born"})

    document: str
    name: str
    born: str


class NotTied(Exception):
    """A card that cannot be tied; ``field`` of the page and the catalogue's ``word`` for why."""

    def __init__(self, field: str, word: str) -> None:
        super().__init__(f"{field}: {word}")
        self.field, self.word = field, word


def tie(connection: sa.Connection, ring: Keyring, code: str, card: Card, now: datetime, account: str) -> int:
    """Ties a card to whoever shows a My QR, or to a phone that declared for them; gives the person.

    ``code`` is the text of the My QR or a phone number, ``account`` the staff that saw both.  Raises ``NotTied``.
    """
    subject = identity.document(card.document.partition("|")[0])
    if not isinstance(subject, Subject):
        raise NotTied("document", "wrong-not-a-number")
    phone = phones.spell(code)
    locks = [ring.digest(subject), *([ring.phone_digest(phone)] if phone else [])]
    serialize(connection, locks)
    if phone is not None:
        return _tie_phone(connection, ring, phone, subject, card, now, account)
    return _tie_token(connection, ring, code, subject, card, now, account)


def _tie_phone(
    connection: sa.Connection, ring: Keyring, phone: str, subject: Subject, card: Card, now: datetime, account: str
) -> int:
    owner = _owner(connection, ring, subject)
    if owner is None:
        raise NotTied("document", "tie-nobody")
    _compare(owner, card)
    digest = ring.phone_digest(phone)
    made = sa.and_(declarations.c.person == owner.id, declarations.c.phone == digest)
    live = sa.select(declarations.c.id).where(made, declarations.c.withdrawn.is_(None))
    if connection.scalar(live.limit(1)) is None:
        raise NotTied("code", "tie-no-declaration")
    _give(connection, ring, owner, phone, now, account)
    return int(owner.id)


def _tie_token(
    connection: sa.Connection, ring: Keyring, code: str, subject: Subject, card: Card, now: datetime, account: str
) -> int:
    token = identity.token(code.encode())
    shown = _owner(connection, ring, token) if isinstance(token, Subject) else None
    if shown is None:
        raise NotTied("code", "tie-unknown-code")
    _compare(shown, card)
    owner = _owner(connection, ring, subject)
    if owner is None or owner.id == shown.id:
        myqr.link(connection, ring, shown.id, subject.value, by_staff=True)
        return int(shown.id)
    _compare(owner, card)
    voices.hold(connection, shown.id, owner.id)  # before what follows changes a row of theirs
    if shown.phone and owner.phone and not phones.same(owner.phone, shown.phone):
        myqr.retire(connection, owner.id, now)  # the other phone's; the one that was shown goes on
    myqr.link(connection, ring, shown.id, subject.value, by_staff=True)
    if shown.phone:
        _give(connection, ring, owner, shown.phone, now, account, keep_codes=True)
    return int(owner.id)


def _owner(connection: sa.Connection, ring: Keyring, subject: Subject) -> sa.Row[Any] | None:
    named = sa.and_(identities.c.digest == ring.digest(subject), identities.c.retired.is_(None))
    of_person = sa.select(people).join_from(identities, people, people.c.id == identities.c.person)
    return connection.execute(of_person.where(named)).first()


def _compare(record: sa.Row[Any], card: Card) -> None:
    if not mending.is_same(record.name, record.born, card):
        raise NotTied("name", "tie-differs")


def _give(
    connection: sa.Connection,
    ring: Keyring,
    owner: sa.Row[Any],
    phone: str,
    now: datetime,
    account: str,
    *,
    keep_codes: bool = False,
) -> None:
    """Makes the record the phone's; what the phone had declared about it was the person's own word."""
    voices.hold(connection, owner.id)
    before = phones.spell(owner.phone)
    if before and before != phone:
        mending.keep(connection, ring, owner.id, {"phone": owner.phone}, now, account)
        if not keep_codes:
            myqr.retire(connection, owner.id, now)
    connection.execute(sa.update(people).where(people.c.id == owner.id).values(phone=phone, claimed=None))
    own = sa.and_(declarations.c.person == owner.id, declarations.c.phone == ring.phone_digest(phone))
    own = sa.and_(own, declarations.c.voice == Voice.OTHER.value)
    connection.execute(sa.update(declarations).where(own).values(voice=Voice.OWN.value, aside=False))
    voices.weigh(connection, owner.id)
