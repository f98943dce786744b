"""The one loop that writes: deliveries wait in a bounded queue, everything that waits is committed together.

While one transaction commits the next gathers, so that a single row waits for nobody and a backlog is taken in large
bites.  Whoever delivered hears of it only after the commit.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
import sqlalchemy as sa

from core.orders import Result as OrderResult
from core.shown import RunningSettings
from core.wire import Batch, HeldMark, Refused, State
from hub.journals import intake, reading
from hub.stations import fleet, orders
from hub.storage import singly
from hub.storage.keyring import Keyring
from hub.storage.store import Store
from hub.storage.weather import AWAY, Weather

log = logging.getLogger(__name__)

QUEUE_AT_MOST = 2_000
DELIVERIES_A_COMMIT = 64
READ_A_COMMIT = 64
"""Rows opened in a transaction that nobody waits for."""
READ_BESIDE = 16
"""Rows opened in a transaction that takes something in: in light traffic all that come, of a backlog the fewest."""
DATED_A_COMMIT = 500
"""Visits dated by a word of their boot in a transaction that nobody waits for."""
DATED_BESIDE = 50
"""The same in one that takes something in or opens all the rows it may."""
IDLE_SECONDS = 0.5
NEXT_SECONDS = 0.005
"""How long the next batch of a backlog is waited for before its rows are opened: its station has one under way."""
LARGE = 100
"""Rows of a batch behind which more are to come."""


@dataclass(frozen=True, slots=True)
class NotKept:
    """A delivery that is not on disk; ``poisoned`` when trying it again would end the same way."""

    poisoned: bool


Result = HeldMark | NotKept | None
Message = Batch | State | OrderResult | orders.Sent | RunningSettings


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message for the database and who is to hear that it is on disk."""

    message: Message
    done: Callable[[Result], None]
    fresh: bool = True  # False: the broker remembered it


class Writer:
    """The writing loop; ``run`` is its thread's body and ends after ``stop`` with an empty queue.

    ``patience``: seconds for which the batch after a large one is waited for before rows are opened.
    """

    def __init__(self, store: Store, ring: Keyring, patience: float = NEXT_SECONDS) -> None:
        self._store = store
        self._ring = ring
        self.moved: Callable[[HeldMark], None] = lambda mark: None
        """Hears of journals whose refused rows were found after their batch had been answered."""
        self._weather = Weather("nothing can be written")
        self._queue: queue.Queue[Delivery] = queue.Queue(QUEUE_AT_MOST)
        self._stop = threading.Event()
        self._unread = True
        self._more_comes, self._waits_for_more = False, patience

    @property
    def busy(self) -> bool:
        """Whether something waits to be committed or read."""
        return self._unread or self._queue.unfinished_tasks > 0  # also what was taken out and is being committed

    def deliver(self, delivery: Delivery) -> bool:
        """Takes a delivery unless too much waits already."""
        try:
            self._queue.put_nowait(delivery)
        except queue.Full:
            return False
        return True

    def stop(self) -> None:
        """Lets the loop end when everything delivered is on disk."""
        self._stop.set()

    def run(self) -> None:
        """Commits what is delivered until stopped; opens rows that wait to be read whenever there is time."""
        while not (self._stop.is_set() and self._queue.empty()):
            deliveries = self._gather(self._patience)
            if deliveries or self._unread:
                self._unread = self._commit(deliveries)
            for _ in deliveries:
                self._queue.task_done()  # only now: what is still to be read of them is known
            self._more_comes = any(_is_large(each.message) for each in deliveries)

    @property
    def _patience(self) -> float:
        if self._unread:
            return self._waits_for_more if self._more_comes else 0.0
        return IDLE_SECONDS

    def _gather(self, patience: float) -> list[Delivery]:
        gathered: list[Delivery] = []
        try:
            gathered.append(self._queue.get(timeout=patience) if patience else self._queue.get_nowait())
            while len(gathered) < DELIVERIES_A_COMMIT:
                gathered.append(self._queue.get_nowait())
        except queue.Empty:
            pass
        return gathered

    def _commit(self, deliveries: list[Delivery]) -> bool:
        at_most = READ_BESIDE if deliveries else READ_A_COMMIT
        try:
            with self._store.writing() as connection:
                now = datetime.now(UTC)
                kept = [_keep(connection, self._ring, delivery, now) for delivery in deliveries]
                read, troubled = reading.read_pending(connection, self._ring, at_most, now)
                more = read >= at_most
                at_once = DATED_BESIDE if deliveries or more else DATED_A_COMMIT
                undated = reading.date_held(connection, self._ring, at_once, now)
                pairs = list(zip(deliveries, kept, strict=True))
                told = {
                    _asked(each.message)
                    for each, was in pairs
                    if isinstance(each.message, Batch) and not isinstance(was, NotKept)
                }
                moved = {(*journal, 0) for journal in troubled}
                marks = {
                    (station, epoch, before): intake.mark(connection, station, epoch, now, before)
                    for station, epoch, before in sorted(moved | told)
                }
        except AWAY as error:
            self._weather.struck(error)
            self._stop.wait(IDLE_SECONDS)
            _tell(deliveries, [NotKept(poisoned=False)] * len(deliveries))
            return not self._stop.is_set()
        self._weather.passed()
        _tell(deliveries, [_answer(each.message, was, marks) for each, was in pairs])
        for asked in sorted(moved - told):
            self.moved(marks[asked])
        return more or undated


Kept = tuple[Refused, ...] | NotKept
Asked = tuple[str, str, int]
"""Station, epoch, and the number below which refused rows are asked for."""


def _keep(connection: sa.Connection, ring: Keyring, delivery: Delivery, now: datetime) -> Kept:
    message = delivery.message
    try:
        with connection.begin_nested():
            if isinstance(message, Batch):
                return intake.take(connection, message, now)
            if isinstance(message, State):
                fleet.hear(connection, message, now, fresh=delivery.fresh)
            elif isinstance(message, RunningSettings):
                fleet.keep_settings(connection, message, now)
            elif isinstance(message, orders.Sent):
                orders.note_sent(connection, message.ids, now)
            elif not orders.take(connection, ring, message, now):
                return NotKept(poisoned=True)  # nobody gave this station such an order
            return ()
    except singly.UNKEPT as error:
        log.error("a delivery cannot be kept", extra={"station": message.station, "cause": singly.cause(error)})
        return NotKept(poisoned=True)


def _is_large(message: Message) -> bool:
    return isinstance(message, Batch) and len(message.rows) >= LARGE


def _asked(batch: Batch) -> Asked:
    return batch.station, batch.epoch, 0 if batch.rows else batch.refused_before


def _answer(message: Message, kept: Kept, marks: Mapping[Asked, HeldMark]) -> Result:
    if isinstance(kept, NotKept) or not isinstance(message, Batch):
        return kept if isinstance(kept, NotKept) else None
    mark = marks[_asked(message)]
    return msgspec.structs.replace(mark, refused=(*mark.refused, *kept)) if kept else mark


def _tell(deliveries: list[Delivery], results: list[Result] | list[NotKept]) -> None:
    for delivery, result in zip(deliveries, results, strict=True):
        delivery.done(result)
