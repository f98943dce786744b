"""Which parts the site has; each is a function from ``Site`` to its router."""

from __future__ import annotations

from collections.abc import Callable

from litestar import Router

from hub.web import (
    accounting,
    arriving,
    auditing,
    check,
    inside,
    keeping,
    linking,
    paper,
    placing,
    policy,
    policy_withdrawing,
    retention,
    signing,
    trace,
)
from hub.web.citizens import assisting, declare, front, here, mine, own, phone
from hub.web.fleet import charts, command_log, mapped, wall
from hub.web.fleet import station as fleet_station
from hub.web.safety import Turnstile, refusing
from hub.web.site import Site, common

ROUTERS: tuple[Callable[[Site], Router], ...] = (
    common,
    front.router,
    phone.router,
    declare.router,
    mine.router,
    own.router,
    here.router,
    assisting.router,
    signing.router,
    check.router,
    inside.router,
    paper.router,
    linking.router,
    trace.router,
    arriving.router,
    auditing.router,
    accounting.router,
    placing.router,
    policy.router,
    policy_withdrawing.router,
    keeping.router,
    retention.router,
    wall.router,
    mapped.router,
    fleet_station.router,
    fleet_station.ordering,
    command_log.router,
    charts.router,
)


def routers(site: Site) -> list[Router]:
    """Every part of the site, and the turnstile before all of them."""
    limit = refusing(Turnstile(site.settings.web.requests_per_minute))
    return [Router("/", route_handlers=[part(site) for part in ROUTERS], before_request=limit)]
