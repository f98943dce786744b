"""The declaration form: every field of it, and what is wrong with each as a word for the page's catalogue."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

import msgspec

from core import phones
from core.codes import identity
from core.codes.identity import Found
from core.model import Area, DeclarationKind, Moment, Reason, Subject
from core.rules import EXPOSURES, SYMPTOMS
from hub.register import areas

NAME_AT_MOST = 200
LINE_AT_MOST = 120
TEXT_AT_MOST = 2_000
EARLIEST_BIRTH = 1900
ARRIVED_AT_MOST = timedelta(days=30)
ARRIVES_WITHIN = timedelta(days=60)
PAPER_AT_MOST = timedelta(days=60)
LOCAL = timedelta(hours=7)
"""Vietnam's clock ahead of UTC; it has no summer time."""

_BORN = re.compile(r"[0-9]{4}(-[0-9]{2}-[0-9]{2})?")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_NATION = re.compile(r"[A-Z]{2}")


class Wrong(StrEnum):
    """What can be wrong with a field; each has words in every catalogue of the pages."""

    REQUIRED = "required"
    TOO_LONG = "too-long"
    NOT_TEXT = "not-text"  # control characters
    NOT_A_NAME = "not-a-name"
    NOT_A_DATE = "not-a-date"
    IN_FUTURE = "in-future"
    TOO_LONG_AGO = "too-long-ago"
    NOT_A_NUMBER = "not-a-number"  # not a whole document or insurance number
    PLACEHOLDER = "placeholder"
    MASKED = "masked"
    NOT_A_PHONE = "not-a-phone"
    NOT_ONE_OF = "not-one-of"
    NO_SUCH_AREA = "no-such-area"
    ANOTHERS = "anothers"  # the number already belongs to somebody else
    DIFFERS = "differs"  # the record of this number has another: to be confirmed
    TOO_MANY = "too-many"  # this phone declared for too many people who are not its own
    NOT_YOURS = "not-yours"  # declared by another phone, or withdrawn already


class Form(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One declaration as it was filled in.  Its ``repr`` shows nothing of it."""

    kind: DeclarationKind
    name: str
    born: str = ""  # yyyy or yyyy-mm-dd
    sex: str = ""  # male, female
    nationality: str = "VN"  # ISO 3166, two letters
    document: str = ""  # citizen number, CMND or passport, as typed
    child_without_document: bool = False
    insurance: str = ""
    phone: str = ""  # the person's own; empty for a relative without one
    for_another: bool = False  # the declaring phone is a relative's
    address: Area | None = None
    street: str = ""
    transport: str = ""
    vehicle: str = ""  # number plate, flight or train
    seat: str = ""
    places_been: str = ""  # in the last 14 days
    symptoms: tuple[str, ...] = ()
    exposures: tuple[str, ...] = ()
    arrival: Moment | None = None  # this and the next two: entry only
    origin: Area | None = None
    destination: Area | None = None
    signed: Moment | None = None  # paper only: when the person wrote it

    def __repr__(self) -> str:
        return f"Form({self.kind.value})"

    @property
    def numbers(self) -> tuple[Subject, ...]:
        """The document and insurance numbers that name this person; never a placeholder, none of a child without."""
        typed = () if self.child_without_document else (identity.document(self.document),)
        found = (*typed, identity.insurance(self.insurance))
        return tuple(each for each in found if isinstance(each, Subject))


def check(form: Form, now: datetime) -> dict[str, Wrong]:
    """What is wrong, by field name; empty when the form can be taken."""
    wrong: dict[str, Wrong] = {}
    for rule in (_texts, _person, _numbers, _answers, _areas, _times):
        for field, word in rule(form, now):
            wrong.setdefault(field, word)
    return wrong


Faults = Iterator[tuple[str, Wrong]]


def _person(form: Form, now: datetime) -> Faults:
    if not form.name.strip():
        yield "name", Wrong.REQUIRED
    elif len(form.name) > NAME_AT_MOST:
        yield "name", Wrong.TOO_LONG
    elif sum(letter.isalpha() for letter in form.name) < 2 or any(letter.isdigit() for letter in form.name):
        yield "name", Wrong.NOT_A_NAME
    if word := _birth(form.born, (now.astimezone(UTC) + LOCAL).date()):
        yield "born", word
    if form.sex not in ("male", "female"):
        yield "sex", Wrong.NOT_ONE_OF if form.sex else Wrong.REQUIRED
    if not _NATION.fullmatch(form.nationality):
        yield "nationality", Wrong.NOT_ONE_OF if form.nationality else Wrong.REQUIRED
    if not form.phone.strip():
        if not form.for_another:
            yield "phone", Wrong.REQUIRED
    elif phones.spell(form.phone) is None:
        yield "phone", Wrong.NOT_A_PHONE


def _birth(born: str, today: date) -> Wrong | None:
    if not born:
        return Wrong.REQUIRED
    if not _BORN.fullmatch(born):
        return Wrong.NOT_A_DATE
    try:
        first = date.fromisoformat(born if len(born) > 4 else f"{born}-01-01")
    except ValueError:
        return Wrong.NOT_A_DATE
    if first > today:
        return Wrong.IN_FUTURE
    return Wrong.TOO_LONG_AGO if first.year < EARLIEST_BIRTH else None


def _numbers(form: Form, _now: datetime) -> Faults:
    if form.child_without_document:
        if form.document.strip() and isinstance(identity.document(form.document), Subject):
            yield "child_without_document", Wrong.NOT_ONE_OF  # a number is given after all
    elif not form.document.strip():
        yield "document", Wrong.REQUIRED
    elif word := _number(identity.document(form.document)):
        yield "document", word
    if form.insurance.strip() and (word := _number(identity.insurance(form.insurance))):
        yield "insurance", word


def _number(found: Found) -> Wrong | None:
    if isinstance(found, Subject):
        return None
    if found is Reason.PLACEHOLDER_NUMBER:
        return Wrong.PLACEHOLDER
    return Wrong.MASKED if found is Reason.MASKED_NUMBER else Wrong.NOT_A_NUMBER


def _texts(form: Form, _now: datetime) -> Faults:
    for field in form.__struct_fields__:
        given = getattr(form, field)
        if isinstance(given, Area):
            given = given.hamlet + given.point
        if isinstance(given, str) and _CONTROL.search(given):
            yield field, Wrong.NOT_TEXT
    for field in ("street", "transport", "vehicle", "seat"):
        if len(getattr(form, field)) > LINE_AT_MOST:
            yield field, Wrong.TOO_LONG
    if len(form.places_been) > TEXT_AT_MOST:
        yield "places_been", Wrong.TOO_LONG


def _answers(form: Form, _now: datetime) -> Faults:
    if not set(form.symptoms) <= set(SYMPTOMS):
        yield "symptoms", Wrong.NOT_ONE_OF
    if not set(form.exposures) <= set(EXPOSURES):
        yield "exposures", Wrong.NOT_ONE_OF


def _areas(form: Form, _now: datetime) -> Faults:
    entry = form.kind is DeclarationKind.ENTRY
    for field, area, hamlet in (
        ("address", form.address, False),
        ("origin", form.origin, True),
        ("destination", form.destination, True),
    ):
        if area is None:
            if entry or field == "address":
                yield field, Wrong.REQUIRED
        elif field != "address" and not entry:
            yield field, Wrong.NOT_ONE_OF
        elif not areas.is_whole(area):
            yield field, Wrong.NO_SUCH_AREA
        elif hamlet and not area.hamlet.strip():
            yield f"{field}_hamlet", Wrong.REQUIRED
        else:
            texts = {"hamlet": area.hamlet, "point": area.point}
            yield from ((f"{field}_{name}", Wrong.TOO_LONG) for name, text in texts.items() if len(text) > LINE_AT_MOST)


def _times(form: Form, now: datetime) -> Faults:
    if form.kind is DeclarationKind.ENTRY:
        yield from _moment("arrival", form.arrival, now - ARRIVED_AT_MOST, now + ARRIVES_WITHIN)
    elif form.arrival is not None:
        yield "arrival", Wrong.NOT_ONE_OF
    if form.signed is not None:
        yield from _moment("signed", form.signed, now - PAPER_AT_MOST, now)


def _moment(field: str, given: datetime | None, first: datetime, last: datetime) -> Faults:
    if given is None:
        yield field, Wrong.REQUIRED
    elif given > last:
        yield field, Wrong.IN_FUTURE
    elif given < first:
        yield field, Wrong.TOO_LONG_AGO
