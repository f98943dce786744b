"""The tray: one invented person, or one code, for every outcome and reason, each with what must come of it.

The expectations are written out by hand against ``policy`` below, never worked out by the program under test.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.codes import identity, place
from core.model import Area, CodeKind, DeclarationKind, Direction, GateKind, Outcome, Reason, Scheme
from core.rules import DAY, FlaggedPlace, GateRules, MaxAge, Policy, Zone
from hub.cast import Cast, Expected, Member
from hub.register.people import DeclarationRecord, IdentityRecord, PersonRecord, VisitRecord
from hub.synthetic import cards, map
from hub.synthetic.crowd import Crowd, Draft
from hub.synthetic.titles import TITLES

V, C, H = GateKind.VENUE, GateKind.CHECKPOINT, GateKind.HEALTH_POST
PLACES = {V: map.MARKET, C: map.CHECKPOINT, H: map.HEALTH_POST}


def policy(at: datetime) -> Policy:
    """The rules that the expectations are written against."""
    begun = at - timedelta(days=30)
    post = GateRules(
        required=("destination", "health"),
        max_age=MaxAge(destination=3 * DAY, health=7 * DAY, entry=14 * DAY),
        anti_passback=True,
        reentry_window=900,
    )
    da_nang, quang_tri = map.HOA_CUONG_BAC, map.TRIEU_THUONG
    return Policy(
        version=1,
        issued=begun,
        effective=begun,
        gates={V: GateRules(), C: GateRules(required=("entry",)), H: post},
        zones=(
            Zone(da_nang.edition, da_nang.province, da_nang.district, da_nang.commune, since=begun),
            Zone(quang_tri.edition, quang_tri.province, quang_tri.district, quang_tri.commune, map.ZONE_HAMLET),
        ),
        places=(FlaggedPlace(map.FLAGGED, since=at - timedelta(days=14)),),
        note="demonstration",
    )


@dataclass(frozen=True)
class Signers:
    """Who signs the tray's codes: the hub's own key, a stranger's, and an invented health authority."""

    hub: bytes
    stranger: bytes
    authority: cards.HealthAuthority


class Tray:
    """Collects members and the people behind them."""

    def __init__(self, crowd: Crowd, at: datetime, signers: Signers) -> None:
        self.people: list[PersonRecord] = []
        self._members: list[Member] = []
        self._crowd, self._at, self._signers = crowd, at, signers

    def fill(self) -> Cast:
        """Everything there is to show."""
        for group in (self._families, self._groups, self._said, self._travelled, self._moved, self._signed):
            group()
        self._nobody()
        self._in_trouble()
        return Cast(PLACES, tuple(self._members))

    # the pieces

    def _ago(self, **span: float) -> datetime:
        return self._at - timedelta(**span)

    def _health(self, *symptoms: str, days: float = 1, exposures: tuple[str, ...] = ()) -> DeclarationRecord:
        return DeclarationRecord(DeclarationKind.HEALTH, self._ago(days=days), symptoms, exposures)

    def _entry(self, days: float = 3, arrived: float = 2.5, origin: Area = map.CAU_GIAY) -> DeclarationRecord:
        at, arrival = self._ago(days=days), self._ago(days=arrived)
        return DeclarationRecord(DeclarationKind.ENTRY, at, arrival=arrival, origin=origin)

    def _person(self, *declared: DeclarationRecord, visits: tuple[VisitRecord, ...] | None = None) -> Draft:
        """Somebody who was at the library yesterday, unless ``visits`` say otherwise."""
        draft = self._crowd.draft()
        self.people.append(draft.record(*declared, visits=self._yesterday if visits is None else visits))
        return draft

    @property
    def _yesterday(self) -> tuple[VisitRecord, ...]:
        return (VisitRecord(self._ago(days=1), map.LIBRARY),)

    def _show(
        self, label: str, family: CodeKind, code: str | bytes, *expected: Expected, who: Draft | None = None
    ) -> None:
        text = code if isinstance(code, str) else ""
        data = base64.b64encode(code).decode() if isinstance(code, bytes) else ""
        ref = f"demo-{who.serial}" if who else ""
        self._members.append(Member(label, *TITLES[label], family.value, expected, text, data, ref))

    def _card(self, label: str, who: Draft, *expected: Expected) -> None:
        code = cards.cccd(who.number, who.name, who.born, who.female, who.address)
        self._show(label, CodeKind.CCCD, code, *expected, who=who)

    # the groups of the tray

    def _families(self) -> None:
        """Everything in order, once in every family of codes."""
        twice = Expected(V, Outcome.REPEAT, (Reason.ALREADY_SCANNED,), showing=2)
        self._card("pass-cccd", self._person(self._health(), self._entry()), *_PASSES, twice)
        families: list[tuple[str, CodeKind, Callable[[Draft], str]]] = [
            ("bhyt", CodeKind.BHYT, lambda p: cards.bhyt(p.insurance, p.name, p.born, p.female)),
            ("national", CodeKind.NATIONAL, lambda p: cards.national(p.number, p.name, p.born, p.qid)),
            ("number", CodeKind.CITIZEN_NUMBER, lambda p: p.number),
            ("my-qr", CodeKind.OPAQUE, lambda p: p.token),
        ]
        for name, family, code in families:
            who = self._person(self._health(), self._entry())
            self._show(f"pass-{name}", family, code(who), *_PASSES, who=who)
        self._with_number("cmnd", CodeKind.CMND, Scheme.CMND, "199{:06d}")
        self._with_number("passport", CodeKind.PASSPORT, Scheme.PASSPORT, "X99{:05d}")

    def _with_number(self, name: str, family: CodeKind, scheme: Scheme, shape: str) -> None:
        draft = self._crowd.draft()
        number = shape.format(draft.serial)
        draft.extra.append(IdentityRecord(scheme, number))
        self.people.append(draft.record(self._health(), self._entry(), visits=self._yesterday))
        self._show(f"pass-{name}", family, number, *_PASSES, who=draft)

    def _groups(self) -> None:
        """Declarations that are missing, too old, late or dated in the future."""
        no_entry = _warns(C, Reason.NO_ENTRY)
        fresh, old, tomorrow = self._health(), self._health(days=9), self._health(days=-1)
        past, late = self._entry(20, 19), self._entry(2, 3)
        tomorrow_at = [
            _warns(V, Reason.NO_HEALTH, Reason.DATE_IN_FUTURE),
            _warns(C, Reason.NO_ENTRY, Reason.DATE_IN_FUTURE),
            _warns(H, Reason.NO_HEALTH, Reason.DATE_IN_FUTURE),
        ]
        none, aged = Reason.NO_HEALTH, Reason.HEALTH_EXPIRED
        self._card("no-health", self._person(), _warns(V, none), no_entry, _warns(H, none))
        self._card("health-expired", self._person(old), _warns(V, aged), no_entry, _warns(H, aged))
        # Where nobody asks for an entry they would lie among those in order, under a title that says otherwise.
        self._card("no-entry", self._person(fresh), no_entry)
        self._card("entry-expired", self._person(fresh, past), _warns(C, Reason.ENTRY_EXPIRED))
        self._card("entry-late", self._person(fresh, late), *_anywhere(Reason.ENTRY_LATE))
        self._card("date-in-future", self._person(tomorrow), *tomorrow_at)

    def _said(self) -> None:
        """What the declaration says of the person's health."""
        ill = self._person(self._health("fever", "cough"), self._entry())
        self._card("symptoms", ill, *_anywhere(Reason.SYMPTOMS))
        exposed = self._person(self._health(exposures=("case",)), self._entry())
        self._card("exposures", exposed, *_anywhere(Reason.EXPOSURES))

    def _travelled(self) -> None:
        """Where the person has been."""
        zone = self._person(self._health(), self._entry(origin=map.HOA_CUONG_BAC))
        self._card("zone", zone, *_anywhere(Reason.ZONE))
        unclear = self._person(self._health(), self._entry(origin=map.TRIEU_THUONG))
        self._card("origin-unclear", unclear, *_anywhere(Reason.ORIGIN_UNCLEAR))
        visit = VisitRecord(self._ago(days=2), map.FLAGGED)
        guest = self._person(self._health(), self._entry(), visits=(visit,))
        self._card("place", guest, *_anywhere(Reason.PLACE))

    def _moved(self) -> None:
        """In and out at the health post, which asks where people were last."""
        here, away = map.HEALTH_POST, map.LIBRARY
        out = Direction.OUT
        for label, visits, expected in (
            ("no-destination", (), _warns(H, Reason.NO_DESTINATION)),
            ("destination-expired", (VisitRecord(self._ago(days=5), away),), _warns(H, Reason.DESTINATION_EXPIRED)),
            ("not-inside", (VisitRecord(self._ago(hours=2), away),), _warns(H, Reason.NOT_INSIDE, direction=out)),
            ("reentry-too-soon", (VisitRecord(self._ago(minutes=5), here, out),), _warns(H, Reason.REENTRY_TOO_SOON)),
        ):
            self._card(label, self._person(self._health(), visits=visits), expected)
        inside = self._person(self._health(), visits=(VisitRecord(self._ago(hours=2), here),))
        self._card("already-inside", inside, _warns(H, Reason.ALREADY_INSIDE), Expected(H, Outcome.PASS, (), out))

    def _signed(self) -> None:
        """Codes that vouch for themselves, and those whose signature does not hold."""
        issued, expires = self._ago(days=1), self._ago(days=-6)
        health, entry = DeclarationKind.HEALTH, DeclarationKind.ENTRY
        sign, tq1 = cards.signed_declaration, CodeKind.DECLARATION
        hub, held = self._signers.hub, Expected(V, Outcome.PASS, (Reason.HELD_ANSWER,), online=False)
        who = self._person(self._health(), self._entry())
        code = sign(hub, who.key, health, issued, expires)
        self._show("pass-tq1-health", tq1, code, *_PASSES, held, who=who)
        self._show("signature-refused", tq1, cards.spoilt(code), *_always(Reason.SIGNATURE_REFUSED))
        forged = sign(self._signers.stranger, who.key, health, issued, expires)
        self._show("signer-unknown", tq1, forged, *_always(Reason.SIGNER_UNKNOWN))
        who = self._person(self._health(), self._entry())
        code = sign(hub, who.key, entry, self._ago(days=3), expires, origin=map.CAU_GIAY)
        self._show("pass-tq1-entry", tq1, code, *_PASSES, who=who)
        who = self._person()
        old = sign(hub, who.key, health, self._ago(days=9), self._ago(days=2))
        late = [_cut(gate, Outcome.WARN, Reason.CODE_EXPIRED, Reason.HUB_UNREACHABLE) for gate in (V, C, H)]
        asked = [_warns(gate, Reason.NO_HEALTH, Reason.CODE_EXPIRED) for gate in (V, H)]
        self._show("code-expired", tq1, old, *asked, *late, who=who)
        early = [_cut(gate, Outcome.WARN, Reason.CODE_NOT_YET_VALID, Reason.HUB_UNREACHABLE) for gate in (V, C, H)]
        self._certificate("pass-dcc", issued, *_PASSES)
        self._certificate("code-not-yet-valid", self._ago(days=-1), *early)

    def _certificate(self, label: str, issued: datetime, *expected: Expected) -> None:
        draft = self._crowd.draft()
        identifier = f"URN:UVCI:01:VN:DEMO{draft.serial:06d}"
        subject = identity.certificate(identifier)
        assert subject is not None
        draft.extra.append(IdentityRecord(subject.scheme, subject.value))
        self.people.append(draft.record(self._health(), self._entry(), visits=self._yesterday))
        expires = issued + timedelta(days=300)
        code = self._signers.authority.issue(identifier, draft.name, draft.born, issued, expires)
        self._show(label, CodeKind.EU_DCC, code, *expected, who=draft)

    def _nobody(self) -> None:
        """Codes that name nobody, or are not a person's at all."""
        spare = self._crowd.draft()
        masked = cards.national("0460990*****", spare.name, spare.born, "9900********")
        child = cards.national("000000000", spare.name, spare.born, "", declared_for=True)
        cut = _cut(V, Outcome.UNVERIFIED, Reason.HUB_UNREACHABLE)
        self._show("not-found", CodeKind.OPAQUE, spare.token, *_anywhere(Reason.NOT_FOUND), cut)
        self._show("placeholder-number", CodeKind.NATIONAL, child, *_always(Reason.PLACEHOLDER_NUMBER))
        self._show("masked-number", CodeKind.NATIONAL, masked, *_always(Reason.MASKED_NUMBER))
        wrong: tuple[tuple[str, CodeKind, str | bytes, Reason], ...] = (
            ("wrong-payment", CodeKind.PAYMENT, _PAYMENT, Reason.IS_PAYMENT),
            ("wrong-link", CodeKind.URL, "https://example.vn/thuc-don", Reason.IS_LINK),
            ("wrong-wifi", CodeKind.WIFI, "WIFI:T:WPA;S:Quan Ca Phe;P:12345678;;", Reason.IS_WIFI),
            ("wrong-contact", CodeKind.VCARD, _VCARD, Reason.IS_CONTACT),
            ("wrong-place", CodeKind.PLACE, place.issue(map.MARKET), Reason.IS_PLACE),
            ("wrong-unreadable", CodeKind.UNREADABLE, b"\x00\x01\x02\x03", Reason.IS_UNREADABLE),
        )
        for label, family, code, reason in wrong:
            expected = [Expected(gate, Outcome.WRONG_CODE, (reason,), way) for gate in (V, C, H) for way in _WAYS]
            self._show(label, family, code, *expected)

    def _in_trouble(self) -> None:
        """What takes more than holding a card up: again, with the network cut, with the station's card full."""
        again = [Expected(gate, Outcome.REPEAT, (Reason.ALREADY_SCANNED,), showing=2) for gate in (V, C, H)]
        self._card("repeat", self._person(self._health(), self._entry()), *again)
        cut = [_cut(gate, Outcome.UNVERIFIED, Reason.HUB_UNREACHABLE) for gate in (V, C, H)]
        self._card("unverified", self._person(self._health(), self._entry()), *cut)
        who = self._person(self._health("fever"), self._entry())
        issued, expires = self._ago(hours=20), self._ago(days=-6)
        code = cards.signed_declaration(
            self._signers.hub, who.key, DeclarationKind.HEALTH, issued, expires, symptoms=True
        )
        held = [_cut(gate, Outcome.WARN, Reason.SYMPTOMS, Reason.HELD_ANSWER) for gate in (V, C, H)]
        self._show("held-answer", CodeKind.DECLARATION, code, *held, who=who)
        full = [
            Expected(gate, Outcome.FAULT, (Reason.JOURNAL_FULL,), way, full=True) for gate in (V, C, H) for way in _WAYS
        ]
        self._card("fault", self._person(self._health(), self._entry()), *full)


def _warns(gate: GateKind, *reasons: Reason, direction: Direction = Direction.IN) -> Expected:
    return Expected(gate, Outcome.WARN, reasons, direction)


def _anywhere(*reasons: Reason) -> list[Expected]:
    """On the way in at every kind of gate: on the way out nobody asks for declarations."""
    return [_warns(gate, *reasons) for gate in (V, C, H)]


def _always(*reasons: Reason) -> list[Expected]:
    return [_warns(gate, *reasons, direction=way) for gate in (V, C, H) for way in _WAYS]


def _cut(gate: GateKind, outcome: Outcome, *reasons: Reason) -> Expected:
    return Expected(gate, outcome, reasons, online=False)


_WAYS = (Direction.IN, Direction.OUT)
_PASSES = (
    *(Expected(gate, Outcome.PASS) for gate in (V, C, H)),
    *(Expected(gate, Outcome.PASS, (), Direction.OUT) for gate in (V, C)),
)
_PAYMENT = "00020101021138540010A00000072701240006970436011001234567890208QRIBFTTA53037045802VN6304ABCD"
_VCARD = "BEGIN:VCARD\nVERSION:3.0\nN:An;Binh\nEND:VCARD"
