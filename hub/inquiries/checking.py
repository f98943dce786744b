"""An official's look-up of one person: by any code or number, with the three groups and the verdict of their gate."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec
import sqlalchemy as sa

from core import answers, codes, keys, wire
from core.codes.trust import Trust, read_pem
from core.model import (
    Credential,
    DeclarationKind,
    Direction,
    GateKind,
    Lookup,
    Reason,
    SignatureState,
    Standing,
    Verdict,
)
from core.policy import Rules, decide
from core.rules import Policy
from hub.centre import Centre
from hub.officials import audit
from hub.officials.accounts import Account
from hub.policy import policies
from hub.policy.policies import Published
from hub.province.joining import Joined
from hub.province.kept import Answered
from hub.province.line import NotAnswered
from hub.register import signers, voices
from hub.register.standings import Standings
from hub.storage.keyring import Keyring
from hub.storage.tables import places

Box = Literal["health", "entry"]
"""The guidance's two boxes: in-province and entry."""

_signed = msgspec.json.Decoder(wire.Signed)
_policy = msgspec.json.Decoder(Policy)


class Checked(msgspec.Struct, frozen=True):
    """What a look-up found; ``standing`` is None when nobody is known by this code or it names nobody.

    ``unasked``: the province system could not be asked, so that what is missing is not known.  ``others``: what other
    phones declared since the person's own last word.
    """

    credential: Credential
    standing: Standing | None
    verdict: Verdict
    policy_version: int
    unasked: bool = False
    others: frozenset[DeclarationKind] = frozenset()


def rules_of(connection: sa.Connection, ring: Keyring, published: dict[str, Published], account: Account) -> Rules:
    """What the official's own gate asks: that of their place if the account names one, else of their role."""
    place = connection.execute(sa.select(places).where(places.c.code == account.place)).first()
    kind = account.gate if place is None else GateKind(place.kind)
    district = (f"district/{place.edition}/{place.district}",) if place is not None and place.district else ()
    found = policies.narrowest(published, (*district, f"kind/{kind.value}", "all"))
    return Rules.of(_document(ring, found), kind, account.place, Direction.IN)


def _document(ring: Keyring, found: Published | None) -> Policy | None:
    payload = None if found is None else keys.verify(ring.policy_public, _signed.decode(found.document))
    return None if payload is None else _policy.decode(payload)


def ask(centre: Centre, typed: str, now: datetime) -> Answered | None:
    """What a province system says of whoever the text names; it takes its time, so ask before anything is locked."""
    if centre.province is None:
        return None
    with centre.store.reading() as connection:
        credential = _read(connection, centre.ring, typed, now)
    if credential.subject is None or not _may_be_asked(credential):
        return None
    return centre.province.ask(credential.subject).result()


def check(
    connection: sa.Connection,
    ring: Keyring,
    typed: str,
    rules: Rules,
    now: datetime,
    *,
    told: Answered | None = None,
    joined: Joined | None = None,
) -> Checked:
    """Looks up whoever the typed or scanned text names, and decides by the rules as a gate would.

    ``told`` is what ``ask`` gave, and ``joined`` makes it one with the hub's own.
    """
    credential = _read(connection, ring, typed, now)
    lookup = _look_up(connection, ring, credential, told, joined, now)
    verdict = decide(credential, lookup, rules, now)
    key = bytes.fromhex(lookup.standing.person) if lookup.standing is not None else b""
    others = voices.spoken(connection, key)
    return Checked(credential, lookup.standing, verdict, rules.version, lookup.trouble is not None, others)


def _read(connection: sa.Connection, ring: Keyring, typed: str, now: datetime) -> Credential:
    pems = signers.pems(connection, ring, now)
    trust = Trust(dict(pair for name, pem in pems.items() for pair in read_pem(pem, name)))
    return codes.parse(typed.encode(), trust, now)


def _look_up(
    connection: sa.Connection,
    ring: Keyring,
    credential: Credential,
    told: Answered | None,
    joined: Joined | None,
    now: datetime,
) -> Lookup:
    standing, held = None, False
    try:
        if credential.subject is not None and _may_be_asked(credential):
            if joined is None:
                standing = Standings(connection, ring).of(credential.subject, now, now)
            else:
                standing, held = joined.of(credential.subject, told, now, now)
    except NotAnswered:
        return Lookup(None, trouble=Reason.HUB_UNREACHABLE)
    return answers.lookup(wire.Answer(standing, now, held=held))


def _may_be_asked(credential: Credential) -> bool:
    """A code whose signature does not hold names nobody."""
    return credential.signed is None or credential.signed.state is SignatureState.VERIFIED


def record(
    connection: sa.Connection, account: Account, box: Box, checked: Checked, rules: Rules, now: datetime, address: str
) -> None:
    """Writes down that this was looked up."""
    detail = {
        "box": box,
        "code": checked.credential.kind.value,
        "found": checked.standing is not None,
        "outcome": checked.verdict.outcome.value,
        "reasons": [reason.value for reason in checked.verdict.reasons],
    }
    person = checked.standing.person if checked.standing is not None else ""
    why = f"gate: {rules.place or account.gate.value}"
    audit.append(connection, account, "check", now, address=address, person=person, why=why, detail=detail)
