"""A station's own page: its figures now and over a day, its alarms, its orders and its last check-ins without names."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Any

import msgspec
import sqlalchemy as sa
from litestar import Response, Router, get, post
from litestar.exceptions import NotFoundException, ServiceUnavailableException
from litestar.response import Redirect, Stream

from core.orders import KINDS
from hub.errors import DataError
from hub.health import health_history
from hub.journals.intake import newest_epoch
from hub.officials.rights import Right
from hub.register import places
from hub.stations import alarms, orders
from hub.stations import fleet as stations
from hub.stations.alarms import Event
from hub.storage.tables import journals, visits
from hub.web import words
from hub.web.fleet import commanding, histories, standing, wording
from hub.web.fleet.commanding import OFFERED, REASONED, WHY_AT_MOST
from hub.web.fleet.faces import Faces, drawn
from hub.web.fleet.lines import Look
from hub.web.fleet.wall import LIVE, prover
from hub.web.form import Form, Visit
from hub.web.officials import FLEET, now, official, officials, show
from hub.web.page import Page, language, see_other
from hub.web.site import Site

AGAIN_SECONDS = 30
OPEN_SECONDS = 3
ORDERS_AT_MOST = 20
ALARMS_AT_MOST = 60
CHECKINS_AT_MOST = 100


class Passage(msgspec.Struct, frozen=True):
    """One check-in: nothing of it says who it was."""

    at: datetime
    outcome: str
    direction: str
    went_in: int
    known: bool


def router(site: Site) -> Router:
    """The page itself, and the stream of what its gate shows."""
    faces = Faces(site.centre.fleet, site.ending.is_set) if site.centre is not None else None

    @get(f"{FLEET}/{{name:str}}", sync_to_thread=True)
    def station(request: Visit, name: str) -> Page:
        return _page(site, request, name)

    @get(f"{FLEET}/{{name:str}}/face", sync_to_thread=False)
    def face(request: Visit, name: str) -> Stream:
        if site.centre.tokens.named(name) is None:
            raise NotFoundException
        if faces is None or faces.full:
            raise ServiceUnavailableException
        events = faces.stream(name, language(request), prover(site, request, Right.FLEET))
        return Stream(events, media_type="text/event-stream", headers={"x-accel-buffering": "no"})

    return officials(site, Right.FLEET, [station, face])


def ordering(site: Site) -> Router:
    """The forms that tell it what to do, and what an order brought."""

    @post(f"{FLEET}/{{name:str}}", sync_to_thread=True)
    def order(request: Visit, form: Form, name: str) -> Page | Redirect:
        kind, why = form.text("do"), form.text("why")[:WHY_AT_MOST]
        if site.centre.tokens.named(name) is None or kind not in OFFERED:
            raise NotFoundException
        if kind in REASONED and not why:
            return _page(site, request, name, kind, {"why": "fault-why"}, form)
        try:
            with site.store.writing() as connection:
                orders.issue(
                    connection, site.ring, name, commanding.task(kind, form), now(), official(request).name, why=why
                )
        except (DataError, ValueError):
            return _page(site, request, name, kind, {"do": "fault-order"}, form)
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


def _page(
    site: Site,
    request: Visit,
    name: str,
    kind: str = "",
    faults: dict[str, str] | None = None,
    form: Form | None = None,
) -> Page:
    """The page; with the kind of order whose form was not filled in as it must be, and what was wrong."""
    look, moment = site.board.look(), now()
    line = look.named(name)
    if line is None:
        raise NotFoundException
    days = next((each for each in histories.DAYS if request.query_params.get("days") == str(each)), histories.DAYS[0])
    fleet = site.centre.fleet
    fleet.look_on(name)
    told: dict[str, Any] = {
        "line": line,
        "look": look,
        "health": line.health,
        "hour": fleet.hour(name, moment),
        "lasting": histories.lasting(fleet.hour(name, moment)),
        "face": drawn(fleet.face(name), language(request)),
        "groups": standing.grouped(look, [each for each in look.alarms if each.station == name]),
        "title": wording.title,
        "length": wording.length,
        "detail": partial(_happened, request, look),
        "back": f"{FLEET}/{name}",
        "live": LIVE,
        "all_days": histories.DAYS,
        **_kept(site, name, days, moment),
    }
    told |= _orders(site, request, kind)
    told["again"] = OPEN_SECONDS if any(each.is_open for each in told["orders"]) else AGAIN_SECONDS
    status = 422 if faults else 200
    return show(request, "officers/fleet_station.html", values=form, faults=faults, status=status, context=told)


def _kept(site: Site, name: str, days: int, moment: datetime) -> dict[str, Any]:
    """What the database has of it."""
    with site.store.reading() as connection:
        points = health_history.points(connection, name, moment - timedelta(days=days), histories.span(days))
        return {
            "history": histories.history(points, days, moment),
            "orders": orders.listing(connection, moment, station=name, at_most=ORDERS_AT_MOST),
            "events": alarms.history(connection, name, ALARMS_AT_MOST),
            "checkins": _checkins(connection, name),
            "running": stations.settings_of(connection, name),
            "journals": list(
                connection.scalars(
                    sa.select(journals.c.epoch).where(journals.c.station == name).order_by(journals.c.born.desc())
                )
            ),
        }


def _orders(site: Site, request: Visit, kind: str) -> dict[str, Any]:
    """What its forms offer."""
    if not official(request).may(Right.ORDERS):
        return {"may_order": False, "known_orders": KINDS.keys()}
    with site.store.reading() as connection:
        known = places.named(connection)
    return {
        "may_order": True,
        "known_orders": KINDS.keys(),
        "at_once": commanding.AT_ONCE,
        "offered": {each: commanding.fields(each) for each in OFFERED},
        "reasoned": REASONED,
        "opened": kind,
        "places": known,
    }


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
