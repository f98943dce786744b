"""Rows to the hub over MQTT: one batch under way, the next one ready to go at the hub's word for it."""

from __future__ import annotations

import logging
import random
import time
from collections import deque

import msgspec

from core import wire
from station.broker import Connected, Disconnected, Message
from station.journal.record import Pending
from station.link import MqttHub
from station.pace import Pace
from station.sync import HELD_WITHIN, MOST_BYTES, MOST_ROWS, NOT_HELD, Sync, batch_of, moves_on, size_of

log = logging.getLogger(__name__)

_TIME_AGAIN = 10.0
_ASK_EVERY = 600.0
_PROMPT = 2.0
"""Seconds within which an answer says what time it is: of a slow line nobody knows which way took how long."""
_ROOM_FOR_HEADS = 1024
_GIVE_WAY = 20.0


class _Ready(msgspec.Struct, frozen=True):
    """Rows as the message that brings them, and how many bytes of rows they are."""

    pending: Pending
    message: bytes
    size: int

    @staticmethod
    def of(pending: Pending) -> _Ready:
        """These rows made ready to go."""
        return _Ready(pending, wire.encode(batch_of(pending)), size_of(pending))


class _UnderWay(msgspec.Struct, frozen=True):
    """A batch that the hub has not spoken of yet: since when, and until when it may (monotonic seconds)."""

    pending: Pending
    size: int
    at: float
    until: float


class MqttCarrier:
    """Rows by publishing a batch and waiting for *held*; policies and states as they are retained."""

    def __init__(self, hub: MqttHub, state: wire.State, *, brings: bool = True, patience: float = HELD_WITHIN) -> None:
        self._hub, self._state, self._brings = hub, state, brings
        self._pace = Pace(MOST_BYTES, patience)
        self._sent: _UnderWay | None = None
        self._next: _Ready | None = None  # goes when the hub holds all of what is under way
        self._time_asked = float("-inf")  # monotonic
        self._most_bytes = MOST_BYTES
        self._settings_told = -1
        self._greeted = False
        self._unasked: deque[str] = deque()
        self._ask_next = float("inf")  # monotonic
        self._asking: str = ""
        self._asking_until = 0.0  # monotonic
        self.problem = "not connected yet"

    def step(self, sync: Sync) -> bool:
        """Takes in every event, then brings the next batch unless one is under way; *held* comes as an event."""
        self.listen(sync)
        if self._sent is not None and time.monotonic() >= self._sent.until:
            self._pace.lost(self._sent.size, time.monotonic() - self._sent.at)
            self._sent = self._next = None
            self._told("rows wait", NOT_HELD)
        if self._stands and (report := sync.reports.take()) is not None:
            self._hub.tell_health(report)
        if self._stands:
            self._settings_told = sync.showing.tell(self._hub, self._settings_told)
        self._answer_orders(sync)
        if self._sent is None and self._stands:
            self._ask_held(sync)
        if self._sent is None and self._stands and not (self._asking or self._unasked or sync.asking()):
            self._bring_next(sync)
        if self._sent is None and self._stands and not self._asking:
            self._ask_refused(sync)
        self._make_ready(sync)
        return False

    @property
    def _room(self) -> int:
        """Bytes of rows that a batch may have now."""
        return min(self._most_bytes, self._pace.size)

    @property
    def _stands(self) -> bool:
        """Whether the line is up and that it came up has been taken in: until then nothing was asked over it."""
        return self._greeted and self._hub.connected

    def listen(self, sync: Sync) -> None:
        """Takes in every event; a new line hears this station's state first."""
        self._hub.follow(sync.policies.scopes)
        for event in self._hub.events():
            self._take(event, sync)

    def _ask_held(self, sync: Sync) -> None:
        """Asks of each journal of this card how far it is held, on every new line and now and then.

        What a hub tells by itself is of the newest journal that it knows: one restored from a backup knows less.  Rows
        wait for the answer, for they may have to be recorded anew before any is sent.
        """
        if time.monotonic() >= self._ask_next:
            self._unasked = deque(sync.journal.epochs())
            self._ask_next = time.monotonic() + _ASK_EVERY * random.uniform(1, 1.5)  # noqa: S311  # jitter
        if self._asking and time.monotonic() >= self._asking_until:
            self._asking = ""
            self._told("rows wait", NOT_HELD)
        asking = wire.Batch(sync.journal.station, self._unasked[0], 1, ()) if self._unasked else None
        if asking is not None and not self._asking and self._hub.bring(asking):
            self._asking, self._asking_until = asking.epoch, time.monotonic() + self._pace.patience

    def _ask_refused(self, sync: Sync) -> None:
        """Asks for the refused rows that no mark named, while nothing else is to be sent."""
        question = sync.next_question()
        if question is not None and self._hub.bring(question):
            self._asking, self._asking_until = question.epoch, time.monotonic() + self._pace.patience

    def _bring_next(self, sync: Sync) -> None:
        pending = sync.next_batch(self._room)
        if pending is not None:
            self._bring(_Ready.of(pending))

    def _bring(self, ready: _Ready) -> None:
        if self._hub.bring_encoded(ready.message):
            now = time.monotonic()
            until = now + self._pace.deadline(ready.size) * random.uniform(1, 1.5)  # noqa: S311  # jitter
            self._sent = _UnderWay(ready.pending, ready.size, now, until)

    def _make_ready(self, sync: Sync) -> None:
        """Reads the next batch of a backlog while the hub has the one before; of live rows more may come until then."""
        sent = self._sent
        if sent is None or self._next is not None or not self._is_full(sent.pending, sent.size):
            return
        following = sync.following(sent.pending, self._room)
        ready = _Ready.of(following) if following is not None else None
        self._next = ready if ready is not None and self._is_full(ready.pending, ready.size) else None

    def _is_full(self, pending: Pending, size: int) -> bool:
        return len(pending.raws) == MOST_ROWS or size > self._room / 2

    def _go_on(self, mark: wire.HeldMark, sync: Sync) -> None:
        """Sends the batch that is ready when the hub holds the one before it, row for row, and nothing comes first.

        The card notes the hub's word while the hub has the next rows already: they are the same whatever it notes.
        """
        ready, sent = self._next, self._sent
        self._next = None
        if ready is None or sent is None or not sent.pending.is_held_whole(mark):
            return
        waits = self._asking or self._unasked or time.monotonic() >= self._ask_next
        if self._stands and not waits and not sync.asking() and not sync.wanted_again and ready.size <= self._room:
            self._bring(ready)

    def _answer_orders(self, sync: Sync) -> None:
        """Says what became of orders; and has the hub say the time when one waits for it, by asking what it holds."""
        while self._hub.connected and (result := sync.mail.next_result()) is not None:
            if not self._hub.tell_done(result):
                sync.mail.give_back(result)
                break
        if sync.mail.waits_for_time and self._sent is None and time.monotonic() > self._time_asked + _TIME_AGAIN:
            asking = wire.Batch(sync.journal.station, sync.journal.epoch, 1, ())
            if self._hub.bring(asking):
                self._time_asked = time.monotonic()

    def close(self) -> None:
        """Publishes that the station is offline by its own will."""
        self._hub.say_goodbye(msgspec.structs.replace(self._state, online=False), 1.0)

    def give_way(self) -> None:
        """Comes back less eagerly."""
        self._hub.give_way(random.uniform(_GIVE_WAY / 2, _GIVE_WAY))  # noqa: S311  # jitter, no secret

    def _take(self, event: Connected | Disconnected | Message, sync: Sync) -> None:
        if isinstance(event, Connected):
            log.info("broker connected", extra={"broker": self._hub.name})
            self.problem, self._greeted = "", True
            self._most_bytes = event.largest - _ROOM_FOR_HEADS
            self._ask_next, self._asking = float("-inf"), ""
            self._next = None
            if not self._hub.under_way("checkins"):
                self._sent = None
            self._hub.tell_state(msgspec.structs.replace(self._state, policy_version=sync.policies.newest))
            sync.reports.ask_anew()
            self._settings_told = -1
        elif isinstance(event, Disconnected):
            self._greeted = False
            self._told("broker lost", event.problem)
        elif event.topic == "held":
            if self._brings:
                self._held(event, sync)
        elif event.topic == "watched":
            sync.showing.look_on(event.payload)
        elif event.topic == "do":
            sync.mail.offer(event.payload)
        elif event.topic == "keys" and event.payload and sync.keys is not None:
            sync.contact()
            sync.keys.offer(event.payload)
        elif event.topic.startswith("policy/") and event.payload:
            sync.take_policy(event.payload)

    def _held(self, said: Message, sync: Sync) -> None:
        try:
            mark = wire.decode(said.payload, wire.HeldMark)
        except ValueError:
            log.warning("rubbish on the held topic dropped", extra={"bytes": len(said.payload)})
            return
        sent, now = self._sent, time.monotonic()
        arrived = sent is not None and moves_on(mark, sent.pending)
        if arrived and not said.retained:
            self._go_on(mark, sync)
        sync.take_mark(mark)
        if mark.epoch == self._asking and not said.retained:
            self._asking = self.problem = ""
            if self._unasked and self._unasked[0] == mark.epoch:
                self._unasked.popleft()
        took = time.monotonic() - self._time_asked
        if took < _TIME_AGAIN and not said.retained and mark.station == sync.journal.station:
            self._time_asked = float("-inf")
            sync.clock.heard(mark.at, took)
        if arrived and sent is not None:
            sync.brought(sent.pending)
            if self._sent is sent:
                self._sent = self._next = None
            self._pace.arrived(sent.size, now - sent.at)
            if now - sent.at < _PROMPT and not said.retained:
                sync.clock.heard(mark.at, now - sent.at)
            self.problem = ""

    def _told(self, what: str, problem: str) -> None:
        if problem != self.problem:
            log.warning(what, extra={"broker": self._hub.name, "problem": problem})
        self.problem = problem
