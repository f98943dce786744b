"""The map: where the stations stand, as the hub sees them now, without a server of maps."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlencode

import sqlalchemy as sa
from litestar import Router, get

from core.model import Area
from hub.officials.rights import Right
from hub.register.areas import Point
from hub.storage.tables import places
from hub.web.fleet import choosing, ground
from hub.web.fleet.choosing import NAMES, Choice
from hub.web.fleet.ground import Mark
from hub.web.fleet.lines import Board
from hub.web.fleet.wall import AGAIN_SECONDS, LIVE
from hub.web.form import Visit
from hub.web.officials import FLEET, official, officials, show
from hub.web.page import Page
from hub.web.site import Site

MAP = "/officers/fleet-map"


def router(site: Site) -> Router:
    """The page."""
    board = Board(site.centre)

    @get(MAP, sync_to_thread=True)
    def drawn(request: Visit) -> Page:
        look = board.look()
        choice = choosing.chosen(request.query_params)
        found = [line for line in look.lines if choice.admits(line)]
        with site.store.reading() as connection:
            where = _where(connection, {line.view.place for line in found})
        may_look = official(request).may(Right.FLEET)
        own = {
            "look": look,
            "ground": ground.drawn(found, where),
            "found": len(found),
            "reached": _reached,
            "choice": choice,
            "chosen_of": {name: getattr(choice, name) for name in NAMES},
            "offered": choosing.offered(look.lines),
            "kiosk": choice.kiosk,
            "may_look": may_look,
            "again": AGAIN_SECONDS,
            "live": LIVE,
            "wall": _address(FLEET, choice),
        }
        return show(request, "officers/fleet_map.html", context=own)

    return officials(site, Right.WALL, [drawn])


def _where(connection: sa.Connection, codes: Iterable[str]) -> dict[str, Point]:
    """Each place's point, those that have one."""
    table, wanted = places.c, set(codes)
    columns = (table.code, table.latitude, table.longitude, table.edition, table.province, table.district)
    rows = connection.execute(sa.select(*columns, table.commune))
    found = {
        row.code: ground.stands(row.latitude, row.longitude, Area(row.edition, row.province, row.district, row.commune))
        for row in rows
        if row.code in wanted
    }
    return {code: point for code, point in found.items() if point is not None}


def _address(path: str, choice: Choice) -> str:
    asked = choice.query()
    return f"{path}?{urlencode(asked)}" if asked else path


def _reached(mark: Mark) -> str:
    """Where a mark leads: a station's page, or the list of those that it stands for."""
    if len(mark.lines) == 1:
        return f"{FLEET}/{mark.line.name}"
    shared = {"place": mark.place} if mark.place else {"district": mark.district} if mark.district else {}
    return f"{FLEET}?{urlencode(shared)}"
