"""One presentation, from capture to lamp: parse → repeat? → look up → decide → record → signal.

Record comes before signal: a lamp that lit means that the row is on disk.  Weather never stops a presentation; it
becomes an outcome.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence, Set
from datetime import datetime
from typing import Literal

import msgspec

from core import codes, movement, policy, presenting, rows, wire
from core.codes.trust import Trust
from core.model import (
    Capture,
    CodeKind,
    Credential,
    Direction,
    GateKind,
    Lookup,
    Origin,
    Outcome,
    Reason,
    SignatureState,
    Source,
    Subject,
    Verdict,
)
from core.movement import Passage
from core.rules import Policy
from station.clock import BUILT, Clock
from station.errors import JournalError
from station.hindsight import LOOKED_BACK, Hindsight
from station.journal.place import PlaceBook
from station.journal.record import Entry, Journal
from station.lookup import Lookups
from station.pages import Shown
from station.panel import Panel
from station.policies import Policies

_DECIDABLE = frozenset({Outcome.WARN, Outcome.UNVERIFIED})
_DECIDE_WITHIN = 120.0
_TOGETHER_WITHIN = 0.05
"""Seconds after which the first of several that are recorded at one go waits for no other."""


class Doorway(msgspec.Struct, frozen=True):
    """Which gate this is."""

    kind: GateKind
    place: str
    place_name: str
    direction: Direction


class Presented(msgspec.Struct, frozen=True):
    """What became of one presentation, without whom it was; ``ms`` is from capture to lamp, ``seq`` 0 without a row."""

    at: datetime
    source: Source
    code_kind: CodeKind
    direction: Direction
    outcome: Outcome
    reasons: tuple[Reason, ...]
    origin: Origin
    ms: float
    seq: int = 0


class _Seen(msgspec.Struct, frozen=True):
    """One presentation on its way through the gate."""

    capture: Capture
    credential: Credential
    policy: Policy | None
    begun: float
    moment: datetime  # by the hub's clock where that is known: what ages are counted from


class _Judged(msgspec.Struct, frozen=True):
    """A presentation that only waits to be recorded, when there is an ``entry``, and signalled."""

    seen: _Seen
    verdict: Verdict
    direction: Direction
    lookup: Lookup
    entry: Entry | None = None
    first_at: datetime | None = None

    @property
    def names(self) -> set[Subject | str]:
        """Whom its row will speak of: by the code, and by the person key where that is known."""
        if self.entry is None or self.entry.who is None or self.entry.seen is None:
            return set()
        return {self.entry.seen, *filter(None, (self.entry.who.person,))}


class _Undecided(msgspec.Struct, frozen=True):
    """The last warn or unverified row, for the guard's buttons."""

    row: wire.Row
    seen: _Seen
    who: wire.Who | None
    until: float


class Gate:
    """The door's own loop body; used by one thread."""

    def __init__(
        self,
        doorway: Doorway,
        *,
        trust: Trust,
        policies: Policies,
        lookups: Lookups,
        journal: Journal,
        panel: Panel,
        clock: Clock,
        recorded: Callable[[], None],
        presented: Callable[[Presented], None],
        place: PlaceBook | None = None,
    ) -> None:
        self.doorway = doorway
        self._trust, self._policies, self._lookups = trust, policies, lookups
        self._journal, self._panel, self._clock = journal, panel, clock
        self._recorded, self._presented = recorded, presented
        self._hindsight = Hindsight(clock, _last_rows(journal))
        self._place = place
        self._undecided: _Undecided | None = None
        self._opens_for: Literal["pass", "admitted"] = "pass"
        self._recorded_openings = 0  # of those the relay has still to tell

    def present(self, capture: Capture) -> Presented:
        """Takes one capture all the way to the lamp."""
        return self.present_together([capture])[0]

    def present_together(self, captures: Sequence[Capture]) -> list[Presented]:
        """Takes the first capture all the way to the lamp, and as many behind it as may be recorded at one go with it.

        Those are on disk together before the first lamp lights.  Nobody waits long for others: a capture stays behind
        when the first has waited for long enough, when the hub is slow, and when what it is depends on a row before it.
        """
        until = time.monotonic() + _TOGETHER_WITHIN
        judged: list[_Judged] = []
        before: set[Subject | str] = set()
        for capture in captures:
            if judged and (not self._lookups.prompt or time.monotonic() > until):
                break
            one = self._judge(capture, before)
            if one is None:
                break
            judged.append(one)
            before |= one.names
        return self._conclude(judged)

    def _judge(self, capture: Capture, before: Set[Subject | str]) -> _Judged | None:
        """What to record and to signal; None for somebody ``before``, whose row must be written first."""
        begun = time.monotonic()
        moment = self._clock.corrected(capture.at)
        credential = codes.parse(capture.data, self._trust, moment)
        if credential.subject in before:
            return None
        seen = _Seen(capture, credential, self._policies.current(moment), begun, moment)
        passage = self._last_passage(credential, capture.at)
        direction, repeat = self._movement(seen, passage)
        if credential.wrong is not None:
            return _Judged(seen, Verdict(Outcome.WRONG_CODE, (credential.wrong,)), direction, Lookup(None))
        if repeat is not None:
            return _repeat(seen, direction, repeat)
        lookup = self._lookups.look_up(credential, moment)
        if lookup.standing is not None and (person := lookup.standing.person):
            if person in before:
                return None
            passage = self._last_passage(credential, capture.at, person)
            direction, repeat = self._movement(seen, passage)
            if repeat is not None:
                return _repeat(seen, direction, repeat)
        return self._decide(self._dated(seen), lookup, direction, passage)

    def decide_by_hand(self, choice: Literal["admitted", "turned-away"]) -> bool:
        """Records what the guard did after a warn; False when there is nothing to decide about."""
        undecided, self._undecided = self._undecided, None
        if undecided is None or time.monotonic() > undecided.until:
            return False
        row, seen = undecided.row, undecided.seen
        entry = Entry(
            "decision",
            self._clock.now(),
            self._clock.worth(),
            row.gate,
            row.place,
            row.direction,
            who=undecided.who,
            seen=seen.credential.subject,
            about=row.seq,
            decision=choice,
        )
        if self._append_one(entry) is None:
            self._undecided = undecided
            return False
        self._opens_for = "admitted"
        self._panel.decided(choice)
        self._recorded()
        return True

    def open_by_order(self, seconds: float | None) -> str:
        """Opens the door because the hub said so, recorded first; why it did not, or nothing."""
        if self._panel.door.emergency:
            return "the emergency input has opened the door for good"
        if not self._note_opening(self._clock.now(), "command"):
            trouble = self._journal.trouble
            return f"it cannot be recorded: {trouble.problem if trouble is not None else 'the journal fails'}"
        if not self._panel.open_door(seconds):
            return "the relay does not answer"
        self._recorded_openings += 1
        self._recorded()
        return ""

    def note_opening(self, at: datetime, *, emergency: bool) -> None:
        """Records that the door was opened, and why; an ordered opening was recorded before it was made."""
        if self._recorded_openings and not emergency:
            self._recorded_openings -= 1
        else:
            self._note_opening(at, "emergency" if emergency else self._opens_for)

    def _note_opening(self, at: datetime, cause: str) -> bool:
        doorway, worth = self.doorway, self._clock.worth()
        entry = Entry("opening", at, worth, doorway.kind, doorway.place, self._steady(), cause=cause)
        return self._append_one(entry) is not None

    def look_back(self) -> None:
        """To be called now and then: has an amendment say by how much the rows before were off, once that is known."""
        if self._hindsight.look(self.doorway.kind, self.doorway.place, self._append_one):
            self._recorded()

    def _last_passage(self, credential: Credential, now: datetime, person: str = "") -> Passage | None:
        signed = credential.signed
        if credential.subject is None or (signed is not None and signed.state is not SignatureState.VERIFIED):
            return None
        own = self._journal.last_passage(credential.subject, now, person=person)
        book = self._book
        here = book.last(credential.subject, now, person=person) if book is not None else None
        return own if here is None or (own is not None and own.at > here.at) else here

    @property
    def _book(self) -> PlaceBook | None:
        """What the gates of this place know; None without such a book, and where the hub has sent this gate away."""
        return self._place if self._place is not None and self._place.place == self.doorway.place else None

    def _movement(self, seen: _Seen, passage: Passage | None) -> tuple[Direction, Passage | None]:
        rules = policy.Rules.of(seen.policy, self.doorway.kind, self.doorway.place, self._steady()).gate
        now = seen.capture.at
        direction = movement.resolve(self.doorway.direction, passage, rules, now)
        return direction, movement.repeated(passage, direction, rules, now)

    def _dated(self, seen: _Seen) -> _Seen:
        """The same by the hub's clock, when its answer has just told that ours is wrong."""
        moment = self._clock.corrected(seen.capture.at)
        if moment == seen.moment:
            return seen
        return msgspec.structs.replace(seen, moment=moment, policy=self._policies.current(moment))

    def _decide(self, seen: _Seen, lookup: Lookup, direction: Direction, passage: Passage | None) -> _Judged:
        credential, at, moment = seen.credential, seen.capture.at, seen.moment
        if passage is not None:
            passage = Passage(self._clock.corrected(passage.at), passage.direction)
        lookup = presenting.with_passage(lookup, passage, self.doorway.place, self.doorway.place_name, moment)
        rules = policy.Rules.of(seen.policy, self.doorway.kind, self.doorway.place, direction)
        verdict = policy.decide(credential, lookup, rules, moment)
        if moment < BUILT or self._clock.adrift:
            verdict = presenting.doubted(verdict)
        who = None
        if credential.subject is not None:
            person = lookup.standing.person if lookup.standing is not None else ""
            who = wire.Who(credential.subject.scheme, credential.subject.value, person)
        entry = Entry(
            "checkin",
            at,
            self._clock.worth(),
            self.doorway.kind,
            self.doorway.place,
            direction,
            source=seen.capture.source,
            code_kind=credential.kind,
            outcome=verdict.outcome,
            reasons=verdict.reasons,
            groups=presenting.groups_of(lookup),
            policy_version=rules.version,
            who=who,
            seen=credential.subject,
        )
        return _Judged(seen, verdict, direction, lookup, entry)

    def _conclude(self, judged: Sequence[_Judged]) -> list[Presented]:
        """Records all, then signals one after another; a fault to each that should have had a row and has none."""
        rows = self._append([one.entry for one in judged if one.entry is not None])
        recorded = iter(rows)
        done = [self._show(one, next(recorded, None) if one.entry is not None else None) for one in judged]
        if rows:
            self._recorded()
        return done

    def _show(self, one: _Judged, row: wire.Row | None) -> Presented:
        if one.entry is None:
            return self._signal(one)
        self._undecided = None
        if row is None:
            trouble = self._journal.trouble
            reason = Reason(trouble.reason) if trouble is not None else Reason.JOURNAL_BROKEN
            return self._signal(msgspec.structs.replace(one, verdict=Verdict(Outcome.FAULT, (reason,))))
        if one.verdict.outcome in _DECIDABLE:
            self._undecided = _Undecided(row, one.seen, one.entry.who, time.monotonic() + _DECIDE_WITHIN)
        return self._signal(one, seq=row.seq)

    def _append_one(self, entry: Entry) -> wire.Row | None:
        return next(iter(self._append([entry])), None)

    def _append(self, entries: Sequence[Entry]) -> Sequence[wire.Row]:
        """The rows, on disk; none when they could not be written."""
        try:
            rows = self._journal.append_all(entries)
        except JournalError:
            return ()  # told by the journal, once; the panel shows it
        for row in rows:
            self._hindsight.note(row)
        if self._book is not None:
            self._book.note_all(
                (row, entry.seen, entry.who.person if entry.who is not None else "")
                for row, entry in zip(rows, entries, strict=True)
                if entry.admits and entry.seen is not None
            )
        return rows

    def _signal(self, one: _Judged, *, seq: int = 0) -> Presented:
        seen, verdict, lookup = one.seen, one.verdict, one.lookup
        name = lookup.standing.name_masked if lookup.standing is not None else ""
        shown = Shown(
            verdict,
            one.direction,
            seen.capture.at,
            lookup=lookup,
            name_masked=name or seen.credential.name_masked,
            first_at=one.first_at,
            hints=seen.credential.hints,
        )
        self._opens_for = "pass"
        self._panel.present(shown)
        done = Presented(
            seen.capture.at,
            seen.capture.source,
            seen.credential.kind,
            one.direction,
            verdict.outcome,
            verdict.reasons,
            presenting.origin_of(lookup),
            round((time.monotonic() - seen.begun) * 1000, 2),
            seq,
        )
        self._presented(done)
        return done

    def _steady(self) -> Direction:
        return Direction.IN if self.doorway.direction is Direction.TOGGLE else self.doorway.direction


def _repeat(seen: _Seen, direction: Direction, first: Passage) -> _Judged:
    verdict = Verdict(Outcome.REPEAT, (Reason.ALREADY_SCANNED,))
    return _Judged(seen, verdict, direction, Lookup(None), first_at=first.at)


def _last_rows(journal: Journal) -> Iterator[wire.Row]:
    """What was recorded before this start, as far as it can be read."""
    try:
        found = journal.between(journal.epoch, journal.seq - LOOKED_BACK, journal.seq, LOOKED_BACK + 1, 1 << 24)
    except JournalError:
        return
    for raw in found.raws if found is not None else ():
        with contextlib.suppress(ValueError):  # one that was emptied
            yield rows.decode(raw)
