"""The one place that joins the parts of a station: settings in, a service that can be run out."""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from datetime import UTC, datetime

from core import keys
from core.health import Health, PlaceFigures
from core.model import Reason
from core.shown import RunningSettings
from station import __version__, health
from station.arrivals import Arrivals
from station.certificates import Certificates
from station.checkup import Checkup, Parts
from station.clock import Clock
from station.errors import ConfigError, JournalError
from station.faces import Faces
from station.gate import Gate, Presented
from station.hub_keys import held_by
from station.journal.orders import OrderBook
from station.journal.record import Backlog, Journal
from station.lookup import Lookups
from station.orders.desk import Desk
from station.orders.doing import Doer
from station.orders.logbook import Logbook
from station.orders.overrides import Overrides
from station.orders.overriding import Override
from station.outfit import Outfit
from station.pages import IdleFacts
from station.place.neighbours import neighbours
from station.policies import Policies, scopes
from station.reach import reach
from station.reports import Reporter
from station.running import running
from station.service import Service, stopped_by_signals
from station.settings import Settings
from station.snapshots import loop as snapshot_loop
from station.sources import Errand, Moved, Pressed, put
from station.sync import Sync
from station.vitals import Vitals

log = logging.getLogger(__name__)

_TICK = 0.1
_FACTS_EVERY = 1.0
_STATUS_EVERY = 10.0
_NO_ROOM = 1


class Station:
    """A joined station; ``turn`` is the main loop's body, everything else is for who watches."""

    def __init__(self, settings: Settings, stack: ExitStack, clock: Clock | None = None) -> None:
        self.settings = settings
        self.clock = clock if clock is not None else Clock()
        self.figures = health.Figures()
        self.listeners: list[Callable[[Presented], None]] = []
        data = settings.data
        data.mkdir(parents=True, exist_ok=True)
        self.overrides = Overrides(settings)
        own = scopes(settings.station.name, self.overrides.district, settings.station.kind)
        self.policies = Policies(data / "policies.json", settings.hub.policy_key, own)
        self.journal = stack.enter_context(_journal(settings))
        self._reach = reach(settings, own, self.policies, self.clock, stack)
        self.snapshot = snapshot_loop.held_by(settings, stack)
        self.lookups = Lookups(
            self._reach.asker,
            deadline=settings.hub.deadline,
            skip_seconds=settings.hub.skip_seconds,
            monotonic=time.monotonic,
            heard=self.clock.heard,
            holding=self.snapshot,
        )
        self.sync = Sync(
            self.journal,
            self.policies,
            self.clock,
            self._reach.carrier,
            self._reach.wake,
            self.lookups.reachable,
            asking=lambda: self.lookups.asking,
        )
        self.sync.keys = self.keys = held_by(settings)
        line = self._reach.line
        self.keys.seal_by([self.journal.seal_to, *([line.asks.seal_to] if line is not None else [])])
        self.outfit = Outfit(settings, self.clock, stack)
        self.panel, self.captures = self.outfit.panel, self.outfit.captures
        self._arrivals = Arrivals(self.captures)
        self._show_itself()
        self.panel.quiet = self.overrides.quiet
        self.neighbours = neighbours(settings, self.policies, self.clock, lambda: self.gate.doorway.direction, stack)
        self.gate = self._gate()
        self._backlog = Backlog(0, None)
        self._facts_next = self._status_next = 0.0
        self.status_path = health.status_path(data)
        self.desk = self._desk(stack.enter_context(Logbook()))
        self.checkup = self._checkup()
        beside = [self.neighbours] if self.neighbours is not None else []
        self.figures_now: Health | None = None
        reporter = Reporter(self.checkup.look, self.sync.reports, self._reach.wake.set, self._look_at)
        announced = (lambda: line.newest) if line is not None else bytes
        self.bringer = snapshot_loop.bringer(settings, self.snapshot, self._reach.snapshots, announced)
        loops = [*self.outfit.loops, _SyncLoop(self.sync), reporter, self.desk, *self.bringer, *beside]
        wakes = [self._reach.wake, *(each.wake for each in beside)]
        self.service = Service(self.turn, loops, wakes, self.outfit.sight, self._reach.stop)

    def turn(self) -> None:
        """Takes what comes next, or nothing within a tick; keeps the panel and the figures current."""
        item = self._arrivals.next(_TICK)
        if isinstance(item, tuple):
            self._arrivals.took(len(self.gate.present_together(item)))
        elif isinstance(item, Pressed):
            self.gate.decide_by_hand(item.choice)
        elif isinstance(item, Moved) and item.event.open:
            self.gate.note_opening(self.clock.now(), emergency=item.event.cause == "alarm")
        elif isinstance(item, Errand):
            item.run()
        self._look_around(time.monotonic())
        if not self._arrivals.waiting:
            self.journal.make_ready()

    @property
    def hub_problem(self) -> str:
        """Why the hub is not reached, or nothing."""
        return self._reach.carrier.problem or (self.lookups.problem if self.lookups.skipping else "")

    def status(self) -> health.Status:
        """The figures of this moment."""
        now, monotonic = self.clock.now(), time.monotonic()
        worth, trouble = self.clock.worth(), self.journal.trouble
        contact = max(filter(None, (self.sync.last_contact, self.lookups.last_answer)), default=None)
        oldest = self._backlog.oldest
        return health.Status(
            station=self.settings.station.name,
            place=self.gate.doorway.place,
            version=__version__,
            pid=os.getpid(),
            at=now,
            up=round(monotonic - self.figures.begun, 1),
            clock=worth.source,
            clock_error=worth.error,
            hub_offset=self.clock.hub_offset,
            policy_version=self.policies.newest,
            believed_keys=self.keys.ids,
            keys_version=self.keys.version,
            hub_problem=self.hub_problem,
            last_contact=round(monotonic - contact, 1) if contact is not None else None,
            backlog=self._backlog.rows,
            oldest=datetime.fromtimestamp(oldest, UTC) if oldest is not None else None,
            journal_problem=trouble.problem if trouble is not None else "",
            journal_set_aside=str(self.journal.set_aside or ""),
            named_twice=self.sync.named_twice,
            devices=self.outfit.states(),
            outcomes=self.figures.outcomes(),
            presentation_ms=dict(self.figures.latency()),
            front=self.settings.front.listen if self.settings.front.enabled else "",
            figures=self.figures_now,
            refused=self._backlog.refused,
            snapshot=snapshot_loop.held_now(self.snapshot),
            snapshot_problem=snapshot_loop.trouble(self.snapshot, self.lookups.snapshot_problem),
            orders=self.desk.state(),
            ordered=self.overrides.now if self.overrides.now != Override() else None,
        )

    def _desk(self, logbook: Logbook) -> Desk:
        """Where the hub's orders come in."""
        doer = Doer(
            settings=self.settings,
            panel=self.panel,
            gate=self.gate,
            journal=self.journal,
            overrides=self.overrides,
            logbook=logbook,
            shutter=self.outfit.shutter,
            errand=lambda run: put(Errand(run), self.captures, self.service.stop),
            resend=self.sync.bring_again,
            forget=self.lookups.memory.clear,
            end=lambda code: self.service.end(code),
            moved=self._move,
        )
        book, wake = OrderBook(self.settings.data / "orders.db"), self._reach.wake.set
        name, key = self.settings.station.name, self.settings.command_key
        return Desk(name, key, book, self.sync.mail, doer, self.clock, wake)

    def _gate(self) -> Gate:
        return Gate(
            self.overrides.doorway,
            trust=self.keys.trust,
            policies=self.policies,
            lookups=self.lookups,
            journal=self.journal,
            panel=self.panel,
            clock=self.clock,
            recorded=self._recorded,
            presented=self._note,
            place=self.neighbours.book if self.neighbours is not None else None,
        )

    def _recorded(self) -> None:
        self._reach.wake.set()
        if self.neighbours is not None:
            self.neighbours.wake.set()

    def _checkup(self) -> Checkup:
        checkup = Checkup(self._parts())
        checkup.orders, checkup.snapshot = self.desk.counts, self._snapshot_told
        if self.neighbours is not None:
            checkup.place = self.neighbours.figures
        checkup.certificate_ends = Certificates([self.settings.hub.ca_file, self.settings.mqtt.ca_file]).ends
        return checkup

    def _show_itself(self) -> None:
        """What the hub may see beside health and rows."""
        faces = Faces(self.settings.station.name, self.panel, self.clock, self._reach.wake.set)
        self.sync.showing.settings, self.sync.showing.faces = self._running, faces
        self.listeners.append(faces.note)

    def _running(self) -> RunningSettings:
        return running(self.settings, self.overrides.now, self._reach.session, self.clock.now())

    def _move(self) -> None:
        """Has the policies of the district where the gate stands now speak to it."""
        station = self.settings.station
        self.policies.want(scopes(station.name, self.overrides.district, station.kind))
        self.sync.showing.changed()
        self._reach.wake.set()

    def _snapshot_told(self) -> str:
        return snapshot_loop.told(self.snapshot, self.bringer)

    def _parts(self) -> Parts:
        return Parts(
            station=self.settings.station.name,
            session=self._reach.session,
            clock=self.clock,
            journal=self.journal,
            policies=self.policies,
            lookups=self.lookups,
            sync=self.sync,
            outfit=self.outfit,
            figures=self.figures,
            vitals=Vitals(self.settings.data),
            backlog=lambda: self._backlog,
            problem=lambda: self.hub_problem,
        )

    def _look_at(self, figures: Health) -> None:
        """Takes a look of the health loop's; the status file is written there, off the way to the lamp."""
        self.figures_now = figures
        monotonic = time.monotonic()
        if monotonic >= self._status_next:
            self._status_next = monotonic + _STATUS_EVERY
            health.write_status(self.status_path, self.status())

    def _note(self, presented: Presented) -> None:
        self.figures.note(presented.outcome, presented.ms)
        log.info(
            "presentation",
            extra={
                "source": presented.source,
                "code_kind": presented.code_kind,
                "outcome": presented.outcome,
                "reasons": presented.reasons,
                "origin": presented.origin,
                "ms": presented.ms,
                "seq": presented.seq,
            },
        )
        for listener in self.listeners:
            listener(presented)

    def _look_around(self, monotonic: float) -> None:
        if monotonic >= self._facts_next:
            self._facts_next = monotonic + _FACTS_EVERY
            self.journal.look_after()
            self.gate.look_back()
            with contextlib.suppress(JournalError):
                self._backlog = self.journal.backlog()
        self.panel.tick(self._idle(), monotonic)

    def _idle(self) -> IdleFacts:
        station, here = self.settings.station, self.gate.doorway
        counted = self.neighbours.figures() if self.neighbours is not None else PlaceFigures()
        return IdleFacts(
            place=here.place_name or here.place or station.name,
            at=self.clock.now(),
            linked=not self.hub_problem if self.settings.has_hub else None,
            backlog=self._backlog.rows,
            troubles=self._troubles(),
            twin=station.name if self.sync.named_twice else "",
            lost=self.outfit.lost,
            inside=counted.inside,
            capacity=counted.capacity,
        )

    def _troubles(self) -> tuple[Reason, ...]:
        """What keeps this gate from working at all: it cannot record, or nothing is left to read with."""
        journal = self.journal.trouble
        recording = () if journal is None else (Reason(journal.reason),)
        return (*recording, Reason.CANNOT_READ) if self.outfit.blind else recording


def run(settings: Settings) -> int:
    """Runs a station until a signal; exit code 0, or 70 when a loop died."""
    with ExitStack() as stack:
        station = Station(settings, stack)
        if settings.front.enabled:
            stack.enter_context(_front(station))
        if settings.metrics.enabled:
            from station.metrics import serving  # few stations have it

            stack.enter_context(serving(settings.metrics, lambda: station.figures_now))
        with stopped_by_signals(station.service.stop):
            return station.service.run()


def _front(station: Station) -> AbstractContextManager[object]:
    """The front-panel page of a station; ``ConfigError`` when its libraries, an optional extra, are not installed."""
    try:
        from station.front.parts import FrontParts
        from station.front.server import start
    except ImportError as error:
        cure = f"{error.name} is not installed; install the extra `front`, or leave the page off"
        raise ConfigError("config.toml", [f"[front] enabled: {cure}"]) from error
    settings = station.settings
    parts = FrontParts(
        where=lambda: station.gate.doorway,
        panel=station.panel,
        journal=settings.journal_path,
        status=station.status,
        listeners=station.listeners,
        captures=station.captures,
        now=station.clock.now,
        camera=settings.camera,
        scanners=[one.device for one in settings.scanners],
        buttons=settings.buttons,
        fill=lambda full: station.journal.limit(_NO_ROOM if full else settings.journal.max_bytes),
    )
    return start(settings.front, parts)


class _SyncLoop:
    name = "sync"

    def __init__(self, sync: Sync) -> None:
        self.run = sync.run


def _journal(settings: Settings) -> Journal:
    sealing = settings.hub.sealing_key
    if not sealing:
        log.warning("no [hub] sealing_key: identities are sealed to a key that nobody has")
        _, sealing = keys.new_sealing_key()
    return Journal(
        settings.data / "journal.db",
        settings.station.name,
        sealing,
        max_bytes=settings.journal.max_bytes,
        keep_days=settings.journal.keep_days,
    )
