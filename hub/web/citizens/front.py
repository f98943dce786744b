"""The front page, and the poster that brings people to it."""

from __future__ import annotations

from litestar import Router, get

from hub.web.citizens import pictures, visits
from hub.web.form import Visit
from hub.web.page import Page, render
from hub.web.site import Site, pages


def router(site: Site) -> Router:
    """The pages."""

    @get("/", sync_to_thread=True)
    def front(request: Visit) -> Page:
        return render(request, "citizens/front.html", guest=visits.guest_of(site, request))

    @get("/poster", sync_to_thread=False)
    def poster(request: Visit) -> Page:
        to = address(site, request)
        return render(request, "citizens/poster.html", to=to, place=None, picture=pictures.inline(to))

    return pages([front, poster])


def address(site: Site, request: Visit) -> str:
    """Where people reach the site: as the settings say, else as this browser asked."""
    return site.settings.web.address.rstrip("/") or str(request.base_url).rstrip("/")
