"""Everything that stations were told to do, by whom, why, and what became of it: one log with filters."""

from __future__ import annotations

from datetime import datetime
from typing import get_args
from urllib.parse import urlencode

import msgspec
from litestar import Router, get

from core.orders import KINDS
from hub.officials.rights import Right
from hub.stations import orders
from hub.stations.orders import Given, Status, Wanted
from hub.web.form import Visit
from hub.web.officials import now, officials, show
from hub.web.page import Page
from hub.web.site import Site

ORDERS = "/officers/orders"
AT_ONCE = 100
LONGEST = 64
NAMES = ("station", "kind", "by", "status")


def router(site: Site) -> Router:
    """The page."""

    @get(ORDERS, sync_to_thread=True)
    def listed(request: Visit) -> Page:
        wanted = _wanted(request)
        with site.store.reading() as connection:
            found = orders.log(connection, now(), wanted, AT_ONCE + 1)
            givers = orders.givers(connection)
        names = tuple(gate.name for gate in site.centre.tokens.all)
        told = {
            "found": found[:AT_ONCE],
            "asked": {name: getattr(wanted, name) for name in NAMES},
            "offered": {"station": sorted(names), "kind": sorted(KINDS), "by": givers, "status": get_args(Status)},
            "known_orders": KINDS.keys(),
            "older": _older(wanted, found),
        }
        return show(request, "officers/orders.html", context=told)

    return officials(site, Right.FLEET, [listed])


def _wanted(request: Visit) -> Wanted:
    asked = request.query_params
    texts = {name: value for name in NAMES if len(value := asked.get(name, "")) <= LONGEST}
    before = None
    if text := asked.get("before", ""):
        try:
            before = msgspec.convert(text, datetime)
        except msgspec.ValidationError:
            before = None
    return Wanted(**texts, before=before if before is None or before.tzinfo is not None else None)


def _older(wanted: Wanted, found: list[Given]) -> str:
    """Where the log goes on, if it does."""
    if len(found) <= AT_ONCE:
        return ""
    own = {name: getattr(wanted, name) for name in NAMES if getattr(wanted, name)}
    return f"{ORDERS}?{urlencode(own | {'before': found[AT_ONCE - 1].issued.isoformat()})}"
