"""For the officer of a ward or commune: who is coming, hamlet by hamlet, and who passed a checkpoint today."""

from __future__ import annotations

from datetime import timedelta

from litestar import Router, get, post

from hub.inquiries import arrivals
from hub.localtime import HUE
from hub.officials import audit
from hub.officials.rights import Right
from hub.register import areas
from hub.web.form import Form, Visit
from hub.web.officials import caller, now, official, officials, show
from hub.web.page import Page
from hub.web.site import Site

ARRIVALS = "/officers/arrivals"
USUAL_DAYS = 3
MOST_DAYS = 30


def router(site: Site) -> Router:
    """The one page, for the usual days and for others."""

    @get(ARRIVALS, sync_to_thread=True)
    def usual(request: Visit) -> Page:
        return _page(site, request, USUAL_DAYS)

    @post(ARRIVALS, sync_to_thread=True, status_code=200)
    def others(request: Visit, form: Form) -> Page:
        return _page(site, request, min(form.number("days") or USUAL_DAYS, MOST_DAYS))

    return officials(site, Right.ARRIVALS, [usual, others])


def _page(site: Site, request: Visit, days: int) -> Page:
    account, moment = official(request), now()
    today = moment.astimezone(HUE).replace(hour=0, minute=0, second=0, microsecond=0)
    with site.store.snapshot() as reader:
        coming = arrivals.declared(reader, account, today, today + timedelta(days=days))
        passed = arrivals.passed(reader, account, today, moment)
    own = {"communes": list(account.communes)}
    where = caller(request)
    shown = [one.key for hamlet in coming for one in hamlet.people]
    told = {"days": days, **own, "people": len(shown)}
    with site.store.writing() as connection:
        audit.append(connection, account, "arrivals", moment, address=where, detail=told, shown=shown)
        if passed:
            shown = [one.key for one in passed]
            told = {**own, "people": len(set(shown))}
            audit.append(connection, account, "passages", moment, address=where, detail=told, shown=shown)
    communes = [areas.find(*code.split("/")) for code in account.communes]
    said = {"coming": coming, "passed": passed, "area": areas.title, "communes": [c.name for c in communes if c]}
    return show(request, "officers/arrivals.html", values={"days": str(days)}, context=said)
