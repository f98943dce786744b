"""A person's standing: from the hub within its deadline, else from the snapshot or from memory, whichever is newer,
else from a signed code, else from nobody.

Each group says where it came from and how old it is.  After a failure the hub is skipped for a while, so that a gate
without a network is as fast as one with it.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from msgspec.structs import replace

from core import answers, wire
from core.model import (
    NOT_HELD,
    Credential,
    DeclarationKind,
    EntryGroup,
    HealthGroup,
    Held,
    Lookup,
    Origin,
    Reason,
    SignatureState,
    Signed,
    Standing,
    Subject,
)
from core.rules import UNSPECIFIED, GateRules
from core.snapshot import Manifest
from station.errors import HubCannotSay, HubUnreachable, SnapshotDamaged, SnapshotError
from station.timings import Timings

log = logging.getLogger(__name__)

_REMEMBERED = 2000
_AT_ONCE = 0.02
_AHEAD = timedelta(seconds=GateRules().future_tolerance)  # by which two clocks may differ


class Asker(Protocol):
    """A way to the hub."""

    def ask(self, who: wire.Who, at: datetime, deadline: float) -> wire.Answer:
        """The hub's answer within ``deadline`` seconds; ``HubUnreachable`` otherwise."""


class Holding(Protocol):
    """The province's standings as this station holds them."""

    @property
    def usable(self) -> Manifest | None:
        """What they are and of when; None when there are none, or none that can be opened."""

    def look_up(self, subject: Subject) -> Standing | None:
        """The standing of an identity, None when nobody was known by it; ``SnapshotError`` when that cannot be said."""


class Memory:
    """The last standings the hub gave, in RAM only, under a key that dies with the process."""

    def __init__(self, most: int = _REMEMBERED) -> None:
        self._key = secrets.token_bytes(32)
        self._most = most
        self._held: OrderedDict[bytes, Standing] = OrderedDict()

    def keep(self, subject: Subject, standing: Standing) -> None:
        """Remembers one, forgetting the oldest when there are too many."""
        place = self._place(subject)
        self._held[place] = standing
        self._held.move_to_end(place)
        while len(self._held) > self._most:
            self._held.popitem(last=False)

    def forget(self, subject: Subject) -> None:
        """The hub knows nobody by this code (any more)."""
        self._held.pop(self._place(subject), None)

    def clear(self) -> None:
        """Forgets everybody: somebody among them is to be forgotten, and none of them can be told apart."""
        self._held.clear()

    def recall(self, subject: Subject) -> Standing | None:
        """What was last known of this code, or None."""
        return self._held.get(self._place(subject))

    def _place(self, subject: Subject) -> bytes:
        named = f"{subject.scheme.value}\0{subject.value}".encode()
        return hashlib.blake2b(named, key=self._key, digest_size=16).digest()


class Lookups:
    """Asks in order; ``monotonic`` gives seconds, ``heard`` is told the hub's clock and how long the answer took."""

    def __init__(
        self,
        asker: Asker | None,
        *,
        deadline: float,
        skip_seconds: float,
        monotonic: Callable[[], float],
        heard: Callable[[datetime, float], None] = lambda hub_time, seconds: None,
        holding: Holding | None = None,
    ) -> None:
        self._asker, self._deadline, self._skip = asker, deadline, skip_seconds
        self._monotonic, self._heard, self._holding = monotonic, heard, holding
        self._skip_until = float("-inf")
        self._hurried = self._under_way = False
        self._took = float("inf")  # seconds, of the last ask, answered or not
        self.memory = Memory()
        self.timings = Timings()  # of every ask, answered or not
        self.last_answer: float | None = None  # monotonic
        self.problem = "" if asker is not None else "no hub is configured"
        self.snapshot_problem = ""
        """Why the snapshot does not answer although it is sound, or nothing."""

    def look_up(self, credential: Credential, now: datetime) -> Lookup:
        """What is known of this person; never raises for weather."""
        subject, signed = credential.subject, credential.signed
        if subject is None or (signed is not None and signed.state is not SignatureState.VERIFIED):
            return Lookup(None)
        answer = self._ask(subject, now)
        if answer is None:
            return self._without_hub(subject, signed, now)
        lookup = answers.lookup(answer)
        if answer.standing is None:
            self.memory.forget(subject)
        elif not answer.held:
            self.memory.keep(subject, answer.standing)
        elif signed is not None:
            return with_code(lookup, signed, now)
        return lookup

    def reachable(self) -> None:
        """The hub was heard by another way: the next presentation may ask again.

        Once: when that is in vain, too, it takes rows but answers no look-ups, and gates do not wait for it each time.
        """
        if self.skipping and not self._hurried:
            self._hurried = True
            self._skip_until = float("-inf")

    @property
    def asking(self) -> bool:
        """Whether the hub is being asked at this moment."""
        return self._under_way

    @property
    def skipping(self) -> bool:
        """Whether the hub is being skipped after a failure."""
        return self._monotonic() < self._skip_until

    @property
    def prompt(self) -> bool:
        """Whether nobody is likely to wait for the next answer: the hub is not asked, or its last word came at once."""
        return self._asker is None or self.skipping or self._took <= _AT_ONCE

    def _ask(self, subject: Subject, now: datetime) -> wire.Answer | None:
        begun = self._monotonic()
        if self._asker is None or begun < self._skip_until:
            return None
        self._under_way = True
        try:
            answer = self._asker.ask(wire.Who(subject.scheme, subject.value), now, self._deadline)
        except HubUnreachable as error:
            self._note_ask(begun)
            if self.problem != error.problem:
                log.warning("hub does not answer", extra=_about(error))
            self.problem = error.problem
            if isinstance(error, HubCannotSay):  # of this person; it may know the next one
                return None
            if self._skip_until > float("-inf"):  # the last skip ran out by itself
                self._hurried = False
            self._skip_until = self._monotonic() + self._skip
            return None
        finally:
            self._under_way = False
        self.last_answer = self._note_ask(begun)
        self._hurried = False
        if self.problem:
            log.warning("hub answers again", extra={"after": self.problem})
            self.problem = ""
        self._heard(answer.hub_time, self.last_answer - begun)
        return answer

    def _note_ask(self, begun: float) -> float:
        """The moment when an ask was over, whose time is noted."""
        now = self._monotonic()
        self._took = now - begun
        self.timings.note(self._took * 1000)
        return now

    def _without_hub(self, subject: Subject, signed: Signed | None, now: datetime) -> Lookup:
        remembered = self.memory.recall(subject)
        lookup = self._from_snapshot(subject, remembered, signed)
        if lookup is None:
            held = Held(Origin.MEMORY, remembered.as_of) if remembered is not None else NOT_HELD
            lookup = Lookup(remembered, held, held, held, trouble=Reason.HUB_UNREACHABLE)
        return with_code(lookup, signed, now) if signed is not None else lookup

    def _from_snapshot(self, subject: Subject, remembered: Standing | None, signed: Signed | None) -> Lookup | None:
        """What the snapshot says, unless what is remembered is newer; None when it says nothing.

        That nobody was known is an answer as well, but for a code that speaks for itself.
        """
        manifest = self._holding.usable if self._holding is not None else None
        if self._holding is None or manifest is None or (remembered is not None and remembered.as_of >= manifest.as_of):
            return None
        try:
            standing = self._holding.look_up(subject)
        except SnapshotDamaged:  # told once, and mended, where it is held
            return None
        except SnapshotError as error:
            if self.snapshot_problem != str(error):
                log.error("the snapshot does not answer", extra={"problem": str(error)})
            self.snapshot_problem = str(error)
            return None
        self.snapshot_problem = ""
        held = Held(Origin.SNAPSHOT, manifest.as_of)
        found = True if standing is not None else None if signed is not None else False
        return Lookup(standing, held, held, held, found=found, trouble=Reason.HUB_UNREACHABLE)


def with_code(lookup: Lookup, signed: Signed, now: datetime) -> Lookup:
    """A look-up completed by what a verified declaration code that is in date says for itself, where that is newer."""
    if signed.declares is None or signed.issued is None or signed.expires is None or signed.expires <= now:
        return lookup
    if signed.issued - now > _AHEAD:
        return lookup
    standing = lookup.standing or Standing(person="", as_of=signed.issued)
    held = Held(Origin.CODE, signed.issued)
    symptoms = (UNSPECIFIED,) if signed.symptoms else ()
    if signed.declares is DeclarationKind.HEALTH:
        if standing.health is not None and standing.health.at >= signed.issued:
            return lookup
        return replace(lookup, standing=replace(standing, health=HealthGroup(signed.issued, symptoms)), health=held)
    if standing.entry is not None and standing.entry.at >= signed.issued:
        return lookup
    entry = EntryGroup(signed.issued, origin=signed.origin, symptoms=symptoms)
    return replace(lookup, standing=replace(standing, entry=entry), entry=held)


def _about(error: HubUnreachable) -> dict[str, str]:
    named = {"request": error.request} if error.request else {}
    return {"hub": error.hub, "problem": error.problem, **named}
