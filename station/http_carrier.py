"""Rows to the hub by POST, and its words by asking: alone, or beside a line to a broker that the gate asks over."""

from __future__ import annotations

import logging
import random
import time

from core import wire
from station.errors import HubUnreachable
from station.http import HttpHub
from station.journal.record import Pending
from station.mqtt_carrier import MqttCarrier
from station.pace import Pace
from station.sync import HELD_WITHIN, MOST_BYTES, NOT_HELD, Sync, batch_of, moves_on, size_of

log = logging.getLogger(__name__)

_HTTP_DEADLINE = 20.0
_REPORT_DEADLINE = 5.0
_POLICY_EVERY = 60.0
_POLICY_AGAIN = 10.0
_DOCUMENTS_AT_ONCE = 8
"""More than there are scopes that speak to one gate."""
_HELD_EVERY = 60.0
_ORDERS_EVERY = 15.0
_LONGEST_PAUSE = 60.0
_QUESTIONS_AT_ONCE = 4
_LINE_AT_FAULT = 0.25
"""Part of the deadline after which a failure is the line's, which carried too little, and not a hub's that is down."""


class Pause:
    """Growing pauses with jitter after failures, so that a fleet returning together does not topple the hub."""

    def __init__(self) -> None:
        self._failures = 0
        self._until = float("-inf")

    @property
    def over(self) -> bool:
        """Whether it is time to try again."""
        return time.monotonic() >= self._until

    def fail(self) -> None:
        """Lengthens the pause."""
        self._failures += 1
        longest = min(_LONGEST_PAUSE, 2.0 ** min(self._failures, 6))
        self._until = time.monotonic() + random.uniform(longest / 2, longest)  # noqa: S311  # jitter, no secret

    def end(self) -> None:
        """Things go well."""
        self._failures, self._until = 0, float("-inf")


class HttpCarrier:
    """Rows by POST; policies, and how far the rows are held, by asking once a minute."""

    def __init__(self, hub: HttpHub, *, patience: float = HELD_WITHIN) -> None:
        self._hub = hub
        self._pause, self._pace = Pause(), Pace(MOST_BYTES, patience)
        self._settings_told = -1
        self._scopes: tuple[str, ...] = ()
        self._policy_next = self._orders_next = self._held_next = 0.0
        self.problem = ""

    def step(self, sync: Sync) -> bool:
        """Sees whether policy or keys are new, then brings a batch; pauses when the hub does not say it holds that."""
        if not self._pause.over:
            return False
        try:
            self._ask_policy(sync)
            self._ask_held(sync)
            self._ask_refused(sync)
            self._report(sync)
            self._tell_settings(sync)
            self._exchange_orders(sync)
            pending = None if sync.asking() else sync.next_batch(self._pace.size)
            if pending is not None:
                self._bring(sync, pending)
        except HubUnreachable as error:
            self._told(error.problem, error.request)
            self._pause.fail()
            self._held_next = 0.0  # before any row is brought: rows may have to be recorded anew
            return False
        self._told("")
        self._pause.end()
        return pending is not None

    def close(self) -> None:
        """Nothing to say over HTTP."""

    def give_way(self) -> None:
        """Two boards of one name do not disturb each other over HTTP."""

    def _bring(self, sync: Sync, pending: Pending) -> None:
        size, begun = size_of(pending), time.monotonic()
        deadline = self._pace.deadline(size)
        try:
            mark = self._hub.bring(batch_of(pending), deadline)
        except HubUnreachable:
            waited = time.monotonic() - begun
            if waited > _LINE_AT_FAULT * deadline:
                self._pace.lost(size, waited)
            raise
        self._pace.arrived(size, time.monotonic() - begun)
        sync.take_mark(mark)
        if not moves_on(mark, pending):
            raise HubUnreachable(self._hub.url, NOT_HELD)
        sync.brought(pending)
        self._held_next = time.monotonic() + _HELD_EVERY

    def _ask_policy(self, sync: Sync) -> None:
        moved, self._scopes = sync.policies.scopes != self._scopes, sync.policies.scopes
        if time.monotonic() < self._policy_next and not moved:
            return
        self._policy_next = time.monotonic() + _POLICY_AGAIN  # a hub that cannot say its policy may still take rows
        for _ in range(_DOCUMENTS_AT_ONCE):
            document = self._hub.policy(sync.policies.held, _HTTP_DEADLINE)
            if document is None or not sync.take_policy(document):
                break
        self._policy_next = time.monotonic() + _POLICY_EVERY
        announced = self._hub.keys(_HTTP_DEADLINE) if sync.keys is not None else None
        if announced is not None and sync.keys is not None:
            sync.keys.offer(announced)

    def _ask_held(self, sync: Sync) -> None:
        """Asks while nothing is brought: a hub restored from a backup wants rows again that it held before."""
        if time.monotonic() < self._held_next:
            return
        self._held_next = time.monotonic() + _HELD_EVERY
        for epoch in sync.journal.epochs():
            mark = self._hub.held(epoch, _HTTP_DEADLINE)
            if mark is not None:
                sync.take_mark(mark)

    def _ask_refused(self, sync: Sync) -> None:
        """Asks for refused rows that no mark named, a few answers' worth at a time: rows come first."""
        for _ in range(_QUESTIONS_AT_ONCE):
            if (question := sync.next_question()) is None:
                return
            sync.take_mark(self._hub.bring(question, _HTTP_DEADLINE))

    def _exchange_orders(self, sync: Sync) -> None:
        """Says what became of orders, and asks now and then for new ones."""
        while (result := sync.mail.next_result()) is not None:
            try:
                self._hub.tell_done(result, _HTTP_DEADLINE)
            except HubUnreachable:
                sync.mail.give_back(result)
                raise
        if not sync.mail.listens or time.monotonic() < self._orders_next:
            return
        begun = time.monotonic()
        self._orders_next = begun + _ORDERS_EVERY
        waiting = self._hub.orders(_HTTP_DEADLINE)
        if waiting is not None:
            sync.clock.heard(waiting.hub_time, time.monotonic() - begun)
            sync.contact()
            for document in waiting.orders:
                sync.mail.offer(wire.encode(document))

    def _report(self, sync: Sync) -> None:
        report = sync.reports.take()
        if report is None:
            return
        begun = time.monotonic()
        hub_time = self._hub.report(report, _REPORT_DEADLINE)
        if hub_time is not None:
            sync.clock.heard(hub_time, time.monotonic() - begun)
            sync.contact()

    def _tell_settings(self, sync: Sync) -> None:
        number, settings = sync.showing.number, sync.showing.settings
        if settings is not None and self._settings_told != number:
            self._hub.tell_settings(settings(), _REPORT_DEADLINE)
            self._settings_told = number

    def _told(self, problem: str, request: str = "") -> None:
        if problem and problem != self.problem:
            log.warning("rows wait", extra={"hub": self._hub.url, "problem": problem, "request": request})
        self.problem = problem


class HttpBesideMqtt:
    """Rows by POST while look-ups go over a broker: there the station says that it is online, and hears its hub.

    What the broker remembers of rows held may be long past: it is heard from the hub itself alone.
    """

    def __init__(self, http: HttpCarrier, mqtt: MqttCarrier) -> None:
        self._http, self._mqtt = http, mqtt

    @property
    def problem(self) -> str:
        """Why rows wait, or nothing; what keeps look-ups is theirs to tell."""
        return self._http.problem

    def step(self, sync: Sync) -> bool:
        """Takes in what came over the broker, then does as over HTTP alone."""
        self._mqtt.listen(sync)
        return self._http.step(sync)

    def close(self) -> None:
        """Publishes that the station is offline by its own will."""
        self._mqtt.close()

    def give_way(self) -> None:
        """Comes back to the broker less eagerly."""
        self._mqtt.give_way()
