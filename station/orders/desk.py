"""Where orders come in: believed, noted on disk, carried out once, and answered.

A loop of its own, so that no presentation and no row waits for an order.  An order that comes again gets the answer it
got; one over which the station went down is told as failed, or finished when doing it twice changes nothing.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable

import msgspec

from core import orders
from core.health import shortened
from core.orders import Header, NotKnown, NotOurs, Order, Result
from drivers.errors import DeviceError
from station.clock import Clock
from station.errors import OrderBookError, StationError
from station.journal.orders import Noted, OrderBook
from station.orders.doing import Doer, Outcome, after_start
from station.orders.mailbox import Mailbox
from station.orders.state import LastOrder, OrderState

log = logging.getLogger(__name__)

PIECE = 48 << 10
"""Bytes of data in one message: every broker takes that."""

_TURN = 0.5
_TIME_WITHIN = 30.0
_DATA_AT_MOST = 2


class Desk:
    """One station's orders: ``run`` is the loop, ``state`` and ``counts`` are for everybody; ``wake`` sends results."""

    name = "orders"

    def __init__(
        self,
        station: str,
        key: bytes,
        book: OrderBook,
        mail: Mailbox,
        doer: Doer,
        clock: Clock,
        wake: Callable[[], None],
    ) -> None:
        self._station, self._key, self._book, self._mail = station, key, book, mail
        self._doer, self._clock, self._wake = doer, clock, wake
        self._undated: list[tuple[float, bytes]] = []
        self._data: dict[str, Outcome] = {}
        self._ended: Counter[str] = Counter()
        self._dropped = 0
        self._problem = ""
        self._last: LastOrder | None = None
        mail.listens = bool(key)

    def counts(self) -> dict[str, int]:
        """How many orders ended how since the start, and how many documents were none of ours."""
        return {**self._ended, **({"dropped": self._dropped} if self._dropped else {})}

    def state(self) -> OrderState:
        """What is to be said of orders."""
        told = OrderState(dropped=self._dropped, aiming=round(self._doer.aiming, 1))
        return told if self._last is None else msgspec.structs.replace(told, last=self._last)

    def run(self, stop: threading.Event) -> None:
        """Takes orders until ``stop``; first those over which the service went down."""
        if not self._key:
            stop.wait()
            return
        self._take_up()
        while not stop.is_set():
            document = self._mail.take(_TURN)
            if document is not None:
                self._take(document)
            self._date()
        self._book.close()

    def _take_up(self) -> None:
        try:
            last, unfinished = self._book.latest(), self._book.unfinished()
        except OrderBookError as error:
            log.error("orders begun before cannot be taken up", extra={"problem": str(error)})
            return
        if last is not None:
            self._last = LastOrder(last.id, last.kind, last.status, last.words, last.at)
        for noted in unfinished:
            self._finish(noted.id, noted.kind, self._resumed(noted))

    def _resumed(self, noted: Noted) -> Outcome:
        outcome = after_start(noted.kind, noted.boot, self._clock.boot)
        if outcome is not None:
            return outcome
        try:
            return self._do(orders.read(self._key, noted.document, self._station))
        except ValueError as error:
            return Outcome("failed", str(error)[:500])

    def _date(self) -> None:
        """Takes those again that waited for the time; after half a minute whether it is known or not."""
        if self._undated and self._clock.judged() is not None:
            waiting, self._undated = self._undated, []
            for _, document in waiting:
                self._take(document)
        elif self._undated and time.monotonic() > self._undated[0][0]:
            self._take(self._undated.pop(0)[1], patient=False)
        self._mail.waits_for_time = bool(self._undated)

    def _take(self, document: bytes, *, patient: bool = True) -> None:
        try:
            order = orders.read(self._key, document, self._station)
        except NotKnown as problem:
            self._say(problem.header.id, Outcome("rejected", str(problem)))
        except NotOurs as problem:
            self._drop(str(problem))
        else:
            self._carry_out(order, document, patient=patient)

    def _drop(self, problem: str) -> None:
        self._dropped += 1
        if problem != self._problem:
            log.warning("no order of ours: dropped", extra={"problem": problem, "dropped": self._dropped})
        self._problem = problem

    def _carry_out(self, order: Order, document: bytes, *, patient: bool) -> None:
        now, kind = self._clock.judged(), orders.kind_of(order.task)
        try:
            before = self._book.find(order.nonce)
            if before is not None:
                self._say(before.id, self._data.get(before.id, Outcome(before.status, before.words)))
                return
            if now is None and patient:
                self._undated.append((time.monotonic() + _TIME_WITHIN, document))
                self._mail.waits_for_time = True
                self._wake()
                return
            objection = orders.objection(order, now)
            if not objection and now is not None:
                objection = self._book.begin(order, kind, document, self._clock.boot, now)
        except OrderBookError as error:
            objection = f"it cannot be noted, so it is not done: {error.problem}"[:500]
        if objection:
            self._refuse(order, kind, objection)
            return
        log.warning("order", extra={"order": order.id, "kind": kind})
        self._say(order.id, Outcome("in-progress"))
        self._finish(order.id, kind, self._do(order))

    def _refuse(self, header: Header, kind: str, objection: str) -> None:
        self._ended["rejected"] += 1
        log.warning("order refused", extra={"order": header.id, "kind": kind, "problem": objection})
        self._last = LastOrder(header.id, kind, "rejected", objection, self._clock.now())
        self._say(header.id, Outcome("rejected", objection))

    def _do(self, order: Order) -> Outcome:
        try:
            return self._doer.do(order.task)
        except (StationError, DeviceError, OSError) as error:
            return Outcome("failed", str(error)[:500])

    def _finish(self, order: str, kind: str, outcome: Outcome) -> None:
        if outcome.status is None:
            return  # told after the next start
        words = shortened(outcome.words, 500)
        self._ended[outcome.status] += 1
        self._last = LastOrder(order, kind, outcome.status, words, self._clock.now())
        try:
            self._book.finish(order, outcome.status, words, self._clock.now())
        except OrderBookError as error:
            log.error("what became of an order cannot be noted", extra={"order": order, "problem": str(error)})
        log.warning("order done", extra={"order": order, "kind": kind, "status": outcome.status, "words": words})
        if outcome.data:
            self._data[order] = outcome
            while len(self._data) > _DATA_AT_MOST:
                self._data.pop(next(iter(self._data)))
        self._say(order, outcome)

    def _say(self, order: str, outcome: Outcome) -> None:
        assert outcome.status is not None
        result = Result(
            station=self._station,
            order=order,
            status=outcome.status,
            at=self._clock.now(),
            words=shortened(outcome.words, 500),
            media=outcome.media,
        )
        self._mail.answer(orders.in_parts(result, outcome.data, PIECE) if outcome.data else (result,))
        self._wake()
