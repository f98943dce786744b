"""What the display says about one presentation, and when: the verdict, then the groups and the reasons in turn."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from typing import ClassVar

import msgspec

from core.discreet import Discreet
from core.model import Direction, Held, Hint, Lookup, Origin, Outcome, Reason, Standing, Verdict
from core.signals import SIGNALS, Sign, Signal
from core.words import Key, Label, Language, Note, word
from drivers.page import (
    TEXT_COLUMNS,
    AlarmPage,
    BannerPage,
    GroupRow,
    GroupsPage,
    IdlePage,
    Mark,
    Page,
    TextPage,
    VerdictPage,
)

VERDICT_SECONDS = 2.0
"""For how long the verdict stands before the groups."""

TURN_SECONDS = 2.5
"""For how long each page after it stands."""

_CLOCK_SECONDS = 8.0
_BANNER_SECONDS = 4.0


NOTHING_ASKED = Lookup(None)


class Shown(Discreet, frozen=True):
    """One presentation as people at the gate may see it; ``first_at`` is when a repeat was first seen."""

    secret: ClassVar = frozenset({"name_masked"})

    verdict: Verdict
    direction: Direction
    at: datetime
    lookup: Lookup = NOTHING_ASKED
    name_masked: str = ""
    first_at: datetime | None = None
    hints: frozenset[Hint] = frozenset()


class IdleFacts(msgspec.Struct, frozen=True):
    """What a station says when nobody is there.

    ``linked`` None: it has no hub.  ``troubles`` are standing faults and take the display and the lamp over;
    ``twin`` is this station's name when another station answers to it too; ``lost`` are ways to read that are gone
    while another one is left.  ``inside`` of ``capacity`` people are inside, as all gates of the place know; None:
    nobody counts them.
    """

    place: str
    at: datetime
    linked: bool | None = None
    backlog: int = 0
    troubles: tuple[Reason, ...] = ()
    twin: str = ""
    lost: tuple[Label, ...] = ()
    inside: int | None = None
    capacity: int = 0


class Reel(msgspec.Struct, frozen=True):
    """Pages in time: ``first`` for two seconds, then ``rest`` in turn without end."""

    first: Page
    rest: tuple[Page, ...] = ()

    def at(self, seconds: float) -> Page:
        """The page to show so many seconds after the beginning."""
        if seconds < VERDICT_SECONDS or not self.rest:
            return self.first
        return self.rest[int((seconds - VERDICT_SECONDS) / TURN_SECONDS) % len(self.rest)]


class Speaker:
    """Puts facts into words in the station's languages, the first one large."""

    def __init__(self, languages: Sequence[Language], zone: tzinfo) -> None:
        self._first = languages[0]
        self._second = languages[1] if len(languages) > 1 else None
        self._languages = languages
        self._zone = zone

    def reel(self, shown: Shown, signal: Signal) -> Reel:
        """All pages of a presentation."""
        reasons, sign = shown.verdict.reasons, signal.sign
        if sign is Sign.FAULT:
            return self.alarm(reasons)
        first = self._verdict(shown, signal)
        if sign in (Sign.REPEAT, Sign.WRONG_CODE):
            return Reel(first)
        return Reel(first, (self._groups(shown), *self._texts((*_said(shown.verdict), *sorted(shown.hints)))))

    def alarm(self, reasons: Sequence[Reason]) -> Reel:
        """A fault: one word over the whole display, then why and what to do, and again."""
        big = AlarmPage(SIGNALS[Sign.FAULT].shape, word(Label.ALARM, self._first))
        texts = tuple(self._texts((*reasons, Label.FAULT_CURE), inverted=True))
        return Reel(big, (*texts, big))

    def decision(self, sign: Sign) -> Reel:
        """What the guard decided."""
        return Reel(self._plain(SIGNALS[sign].shape, sign, Note(sign)))

    def starting(self) -> Page:
        """The station has begun and cannot read yet."""
        return self._plain("hourglass", Label.STARTING, Label.STARTING_NOTE)

    def named(self, name: str, place: str) -> Page:
        """Which station this is; a long name is broken at its hyphens and goes on in the small lines."""
        lines = textwrap.wrap(name, TEXT_COLUMNS)
        return TextPage(" ".join(lines[:2]), " ".join([*lines[2:], place]).strip())

    def trial(self, signal: Signal, number: int, count: int) -> Page:
        """What a signal looks like, for whoever tries the devices: the foot says that it is a test."""
        foot = word(Label.TRIAL, self._first).format(number=number, count=count)
        notes = (word(Note(signal.sign), self._first), self._also(signal.sign))
        return VerdictPage(signal.shape, word(signal.sign, self._first), notes, foot)

    def aiming(self) -> Page:
        """The camera is being aimed."""
        return self._plain("aim", Label.AIMING, Label.AIMING_NOTE)

    def idle(self, facts: IdleFacts, seconds: float) -> Page:
        """The page so many seconds after the last presentation: the clock, and in turn an invitation a language."""
        turn = int(seconds / (_CLOCK_SECONDS + _BANNER_SECONDS))
        if seconds % (_CLOCK_SECONDS + _BANNER_SECONDS) < _CLOCK_SECONDS:
            return self._clock(facts)
        if facts.twin:
            return self._plain("twins", Label.TWIN, Label.TWIN_NOTE, foot=facts.twin)
        if facts.lost:  # in turn with the invitation, which still holds
            again, turn = turn % 2, turn // 2
            if not again:
                key = facts.lost[turn % len(facts.lost)]
                return TextPage(word(key, self._first), self._also(key))
        if facts.inside is not None and facts.capacity:  # the same
            again, turn = turn % 2, turn // 2
            if again:
                counted = {"inside": facts.inside, "capacity": facts.capacity}
                return TextPage(
                    word(Label.INSIDE, self._first).format(**counted), self._also(Label.INSIDE).format(**counted)
                )
        return BannerPage(word(Label.INVITATION, self._languages[turn % len(self._languages)]))

    def _clock(self, facts: IdleFacts) -> IdlePage:
        local = facts.at.astimezone(self._zone)
        weekday = word(Label.WEEKDAYS, self._first).split()[local.weekday()]
        return IdlePage(
            facts.place,
            f"{local:%H:%M}",
            f"{weekday} {local:%d/%m}",
            facts.linked,
            f"↑{facts.backlog}" if facts.backlog else "",
            shift=local.minute % 5 - 2,
            sign="wrench" if facts.lost else "",
        )

    def _plain(self, shape: str, headline: Key, note: Key, foot: str = "") -> VerdictPage:
        return VerdictPage(shape, word(headline, self._first), (word(note, self._first), self._also(headline)), foot)

    def _also(self, key: Key) -> str:
        return word(key, self._second) if self._second else ""

    def _verdict(self, shown: Shown, signal: Signal) -> VerdictPage:
        sign, reasons = signal.sign, shown.verdict.reasons
        headline = word(sign, self._first)
        if sign is Sign.WRONG_CODE and reasons:
            kind = reasons[0]
            return VerdictPage(signal.shape, headline, (word(kind, self._first),), self._also(kind))
        said = _said(shown.verdict)
        if shown.verdict.outcome in (Outcome.PASS, Outcome.WARN) and said:
            text = word(said[0], self._first)
            return VerdictPage(signal.shape, headline, (text,), shown.name_masked, more=len(said) - 1)
        note = word(Note(sign), self._first)
        if sign is Sign.REPEAT and shown.first_at is not None:
            note = word(Label.FIRST, self._first).format(time=self._time(shown.first_at, shown.at))
        return VerdictPage(signal.shape, headline, (note, self._also(sign)), shown.name_masked)

    def _texts(self, keys: Sequence[Key], *, inverted: bool = False) -> Iterator[TextPage]:
        for number, key in enumerate(keys, 1):
            yield TextPage(word(key, self._first), self._also(key), number, len(keys), inverted)

    def _groups(self, shown: Shown) -> GroupsPage:
        lookup, standing = shown.lookup, shown.lookup.standing
        flagged = _flagged(shown.verdict.reasons, standing)
        dated: tuple[tuple[Label, Held, datetime | None], ...] = (
            (Label.DESTINATION, lookup.destination, _at(standing.destination if standing else None)),
            (Label.HEALTH, lookup.health, _at(standing.health if standing else None)),
            (Label.ENTRY, lookup.entry, _at(standing.entry if standing else None)),
        )
        return GroupsPage(
            tuple(self._group(label, held, at, shown, flagged=label in flagged) for label, held, at in dated)
        )

    def _group(self, label: Label, held: Held, at: datetime | None, shown: Shown, *, flagged: bool) -> GroupRow:
        """One group: its date to the minute when the hub said it now, to the day beside the age of a held answer."""
        mark = _MARKS[held.origin]
        age = self._age(shown.at - held.as_of) if mark == "held" and held.as_of is not None else ""
        if at is None:
            text = self._absent(held, shown.lookup)
        else:
            text = self._day(at, shown.at) if age else self._date(at, shown.at)
        return GroupRow(word(label, self._first), text, mark, flagged, age)

    def _age(self, age: timedelta) -> str:
        hours = int(age.total_seconds() // 3600)
        if hours < 1:
            return word(Label.AGE_FRESH, self._first)
        if hours < 48:
            return word(Label.AGE_HOURS, self._first).format(count=hours)
        return word(Label.AGE_DAYS, self._first).format(count=min(99, hours // 24))

    def _absent(self, held: Held, lookup: Lookup) -> str:
        answered = held.origin is not Origin.NONE or lookup.found is False
        return word(Label.NOTHING if answered else Label.UNKNOWN, self._first)

    def _local(self, at: datetime) -> datetime:
        """The wall time here; a date at the very end of the calendar, which a zone would push over it, stays."""
        try:
            return at.astimezone(self._zone)
        except OverflowError:
            return at

    def _day(self, at: datetime, now: datetime) -> str:
        local, today = self._local(at), self._local(now)
        return f"{local:%d/%m}" if local.year == today.year else f"{local:%m/%Y}"

    def _date(self, at: datetime, now: datetime) -> str:
        local, today = self._local(at), self._local(now)
        return f"{local:%d/%m %H:%M}" if local.year == today.year else f"{local:%d/%m/%Y}"

    def _time(self, at: datetime, now: datetime) -> str:
        local, today = self._local(at), self._local(now)
        return f"{local:%H:%M}" if local.date() == today.date() else f"{local:%d/%m %H:%M}"


def _said(verdict: Verdict) -> tuple[Reason, ...]:
    """The reasons to be put into words; on a pass the held answer's badge and note say that one already."""
    if verdict.outcome is Outcome.PASS:
        return tuple(reason for reason in verdict.reasons if reason is not Reason.HELD_ANSWER)
    return verdict.reasons


def _at(group: object) -> datetime | None:
    at: datetime | None = getattr(group, "at", None)
    return at


_MARKS: Mapping[Origin, Mark] = {
    Origin.HUB: "live",
    Origin.SNAPSHOT: "held",
    Origin.MEMORY: "held",
    Origin.CODE: "code",
    Origin.NONE: "none",
}

_ABOUT: Mapping[Reason, Label] = {
    Reason.NO_DESTINATION: Label.DESTINATION,
    Reason.DESTINATION_EXPIRED: Label.DESTINATION,
    Reason.PLACE: Label.DESTINATION,
    Reason.ALREADY_INSIDE: Label.DESTINATION,
    Reason.NOT_INSIDE: Label.DESTINATION,
    Reason.REENTRY_TOO_SOON: Label.DESTINATION,
    Reason.NO_HEALTH: Label.HEALTH,
    Reason.HEALTH_EXPIRED: Label.HEALTH,
    Reason.NO_ENTRY: Label.ENTRY,
    Reason.ENTRY_EXPIRED: Label.ENTRY,
    Reason.ENTRY_LATE: Label.ENTRY,
    Reason.ZONE: Label.ENTRY,
    Reason.ORIGIN_UNCLEAR: Label.ENTRY,
}


def _flagged(reasons: Sequence[Reason], standing: Standing | None) -> frozenset[Label]:
    """The groups that the reasons are about."""
    found = {_ABOUT[reason] for reason in reasons if reason in _ABOUT}
    health, entry = (standing.health, standing.entry) if standing else (None, None)
    for label, group in ((Label.HEALTH, health), (Label.ENTRY, entry)):
        symptoms = Reason.SYMPTOMS in reasons and group is not None and group.symptoms
        exposures = Reason.EXPOSURES in reasons and group is not None and group.exposures
        if symptoms or exposures:
            found.add(label)
    return frozenset(found)
