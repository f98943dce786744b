"""The hub's own knowledge and the province system's made one standing.

Group 1 is always the hub's own record of scans, the system's only where that is later.  Groups 2 and 3 are the
system's alone (``registry = "province"``) or the newer of both (``"both"``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal, TypeVar

import sqlalchemy as sa

from core.model import DestinationGroup, Direction, EntryGroup, HealthGroup, Scheme, Standing, Subject
from core.wire import Answer, Answers, Ask, Asks
from hub.province.answers import Foreign
from hub.province.kept import Answered, Told
from hub.province.line import NotAnswered
from hub.province.ties import person_key
from hub.register.settled import settled
from hub.register.standings import Standings, moment
from hub.storage.keyring import Keyring
from hub.storage.store import mended
from hub.storage.tables import places, visits

Authority = Literal["province", "both"]
Group = TypeVar("Group", DestinationGroup, HealthGroup, EntryGroup)

_LOOSE = (
    sa.select(visits.c.at, visits.c.place, places.c.name, visits.c.direction)
    .outerjoin_from(visits, places, places.c.code == visits.c.place)
    .where(
        visits.c.identity == sa.bindparam("digest"),
        visits.c.person.is_(None),
        visits.c.went_in == 1,
        visits.c.at < sa.bindparam("before", type_=visits.c.at.type),
        settled(visits),
    )
    .order_by(visits.c.at.desc())
    .limit(1)
)


class Joined:
    """Answers look-ups from both on one connection; belongs to one thread."""

    def __init__(self, reader: sa.Connection, ring: Keyring, authority: Authority) -> None:
        self._reader = reader
        self._ring = ring
        self._authority = authority
        self._own = Standings(reader, ring)

    def close(self) -> None:
        """Lets go of the connection."""
        self._reader.close()

    def answer(self, ask: Ask, told: Answered | None, now: datetime) -> Answer:
        """The standing of the person an ask names; ``NotAnswered`` when nobody can say."""
        subject = Subject(ask.who.scheme, ask.who.value)
        standing, held = self.of(subject, told, moment(ask.at, now), now)
        return Answer(standing, now, held=held)

    def answer_all(self, asks: Asks, told: Sequence[Answered | None], now: datetime) -> Answers:
        """Everybody's standings; ``NotAnswered`` when of one of them nobody can say, for None means nobody known."""
        before = moment(asks.at, now)
        subjects = (Subject(who.scheme, who.value) for who in asks.who)
        found = [self.of(subject, each, before, now) for subject, each in zip(subjects, told, strict=True)]
        held = tuple(number for number, (_, is_held) in enumerate(found) if is_held)
        return Answers(tuple(standing for standing, _ in found), now, held=held)

    def of(
        self, subject: Subject, told: Answered | None, before: datetime, now: datetime
    ) -> tuple[Standing | None, bool]:
        """A person's standing, and whether the system could not be asked for it; ``told`` None: it need not be.

        Raises ``NotAnswered`` when it could not and the hub's own record says nothing of the person's health either.
        """
        own = self._own.of(subject, before, now)
        if told is None:
            return own, False
        if isinstance(told, NotAnswered):
            if own is None or self._authority == "province" or not (own.health or own.entry):
                raise told
            return own, True
        if told.found is None:
            return (own if self._authority == "both" else None), False
        return self._joined(subject, own, told, told.found, before, now), told.held

    def _joined(
        self, subject: Subject, own: Standing | None, told: Told, found: Foreign, before: datetime, now: datetime
    ) -> Standing:
        key = person_key(self._ring, found.number)
        tied = self._own.of(Subject(Scheme.PERSON, key), before, now)
        known = [each for each in (tied, own) if each is not None]
        scans = [each.destination for each in known]
        scans += [found.destination] if found.destination is not None and found.destination.at < before else []
        scans += [self._loose_visit(subject, before)] if own is None else []
        told_by = known if self._authority == "both" else []
        return Standing(
            person=tied.person if tied is not None else key,  # an untied key, so that the next row ties it
            as_of=told.as_of,
            name_masked=found.name_masked or next((each.name_masked for each in known if each.name_masked), ""),
            destination=_newest(scans),
            health=_newest([found.health, *(each.health for each in told_by)]),
            entry=_newest([found.entry, *(each.entry for each in told_by)]),
        )

    def _loose_visit(self, subject: Subject, before: datetime) -> DestinationGroup | None:
        """The last scan of this code that no person could be tied to, because nobody could be asked then."""
        given = {"digest": self._ring.digest(subject), "before": before}
        row = mended(self._reader).execute(_LOOSE, given).first()
        return None if row is None else DestinationGroup(row.at, row.place, row.name or "", Direction(row.direction))


def _newest(groups: Iterable[Group | None]) -> Group | None:
    return max((each for each in groups if each is not None), key=lambda each: each.at, default=None)
