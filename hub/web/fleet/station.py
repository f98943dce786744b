"""A station's own page: its figures now and over a day, its alarms, its orders and its last check-ins without names."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Any

import msgspec
import sqlalchemy as sa
from litestar import Response, Router, get, post
from litestar.exceptions import NotFoundException
from litestar.response import Redirect

from core.orders import Identify, Logs, Restart, Task, TrySignals
from hub.errors import DataError
from hub.health import health_history
from hub.journals.intake import newest_epoch
from hub.officials.rights import Right
from hub.stations import alarms, orders
from hub.stations.alarms import Event
from hub.storage.tables import visits
from hub.web import words
from hub.web.fleet import standing, wording
from hub.web.fleet.lines import Board, Look
from hub.web.fleet.sparks import sparks
from hub.web.fleet.wall import LIVE
from hub.web.form import Form, Visit
from hub.web.officials import FLEET, now, official, officials, show
from hub.web.page import Page, language, see_other
from hub.web.site import Site

TASKS: dict[str, Task] = {"identify": Identify(), "test-signal": TrySignals(), "restart": Restart(), "logs": Logs()}
"""What the page's buttons order; the rest is ``hub order``'s."""

DAY = timedelta(days=1)
AGAIN_SECONDS = 30
OPEN_SECONDS = 3
ORDERS_AT_MOST = 20
ALARMS_AT_MOST = 60
CHECKINS_AT_MOST = 100
KNOWN = frozenset(
    {*TASKS, "reboot", "aim", "snapshot", "place", "hold-open", "open", "close", "quiet", "resend", "erase"}
)


class Passage(msgspec.Struct, frozen=True):
    """One check-in: nothing of it says who it was."""

    at: datetime
    outcome: str
    direction: str
    went_in: int
    known: bool


def router(site: Site) -> Router:
    """The page itself."""
    board = Board(site.centre)

    @get(f"{FLEET}/{{name:str}}", sync_to_thread=True)
    def station(request: Visit, name: str) -> Page:
        return _page(site, board, request, name)

    return officials(site, Right.FLEET, [station])


def ordering(site: Site) -> Router:
    """The buttons that tell it what to do, and what an order brought."""

    @post(f"{FLEET}/{{name:str}}", sync_to_thread=True)
    def order(request: Visit, form: Form, name: str) -> Redirect:
        task = TASKS.get(form.text("do"))
        if task is None:
            raise NotFoundException
        try:
            with site.store.writing() as connection:
                orders.issue(connection, site.ring, name, task, now(), official(request).name)
        except DataError as error:
            raise NotFoundException from error
        return see_other(request, f"{FLEET}/{name}", told="order-given")

    @get(f"{FLEET}/{{name:str}}/orders/{{order_id:str}}", sync_to_thread=True)
    def brought(name: str, order_id: str) -> Response[bytes]:
        with site.store.reading() as connection:
            given = orders.find(connection, order_id, now())
            body = orders.data(connection, site.ring, order_id) if given is not None else b""
        if given is None or given.station != name or not body:
            raise NotFoundException
        ending = "log.gz" if given.kind == "logs" else "data"
        headers = {"content-disposition": f'attachment; filename="{name}-{order_id}.{ending}"'}
        return Response(body, media_type="application/octet-stream", headers=headers)

    return officials(site, Right.ORDERS, [order, brought])


def _page(site: Site, board: Board, request: Visit, name: str) -> Page:
    look, moment = board.look(), now()
    line = look.named(name)
    if line is None:
        raise NotFoundException
    with site.store.reading() as connection:
        points = health_history.points(connection, name, moment - DAY)
        given = orders.listing(connection, moment, station=name, at_most=ORDERS_AT_MOST)
        own = [each for each in look.alarms if each.station == name]
        events = alarms.history(connection, name, ALARMS_AT_MOST)
        checkins = _checkins(connection, name)
    told: dict[str, Any] = {
        "line": line,
        "look": look,
        "health": line.health,
        "sparks": sparks(points, moment - DAY, moment),
        "orders": given,
        "known_orders": KNOWN,
        "tasks": tuple(TASKS),
        "may_order": official(request).may(Right.ORDERS),
        "groups": standing.grouped(look, own),
        "events": events,
        "detail": partial(_happened, request, look),
        "title": wording.title,
        "checkins": checkins,
        "again": OPEN_SECONDS if any(each.is_open for each in given) else AGAIN_SECONDS,
        "back": f"{FLEET}/{name}",
        "live": LIVE,
    }
    return show(request, "officers/fleet_station.html", context=told)


def _happened(request: Visit, look: Look, event: Event) -> str:
    """What was the matter when an alarm began."""
    if event.what != "began":
        return ""
    t = partial(words.word, language(request))
    names = {line.view.place: line.view.place_name for line in look.lines}
    return wording.detail(t, event.kind, event.subject, event.facts, names, event.at) or event.detail


def _checkins(connection: sa.Connection, station: str) -> list[Passage]:
    """The newest of its newest journal."""
    epoch = newest_epoch(connection, station)
    table = visits.c
    columns = (table.at, table.outcome, table.direction, table.went_in, table.person.is_not(None))
    mine = sa.select(*columns).where(table.station == station, table.epoch == epoch)
    return [Passage(*row) for row in connection.execute(mine.order_by(table.seq.desc()).limit(CHECKINS_AT_MOST))]
