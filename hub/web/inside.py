"""For a venue's guard: how many are inside the guard's own place, how full it is, how the day goes.  Counts only."""

from __future__ import annotations

from litestar import Router, get

from hub.inquiries.occupancy import Recent
from hub.officials.rights import Right
from hub.web.form import Visit
from hub.web.officials import now, official, officials, show
from hub.web.page import Page
from hub.web.site import Site

INSIDE = "/officers/inside"
AGAIN_SECONDS = 20


def router(site: Site) -> Router:
    """The one page; it counts again by itself, with a script or without, until its reader asks it to stand still."""
    recent = Recent()

    @get(INSIDE, sync_to_thread=True)
    def counted(request: Visit, still: bool = False) -> Page:
        with site.store.reading() as connection:
            found = recent.of(connection, official(request).place, now())
        most = max((hour.passed + hour.warned for hour in found.hours), default=0) if found is not None else 0
        own = {"found": found, "most": max(most, 1), "again": 0 if still else AGAIN_SECONDS}
        return show(request, "officers/inside.html", context=own)

    return officials(site, Right.INSIDE, [counted])
