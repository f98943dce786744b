"""An official helps somebody at a post who has no phone: the citizens' own sheet, and nothing left behind after it."""

from __future__ import annotations

from litestar import Router, get, post
from litestar.response import Redirect

from hub.citizens import guests
from hub.officials import audit
from hub.officials.rights import Right
from hub.web.citizens import visits
from hub.web.form import Form, Visit
from hub.web.officials import caller, official, officials, show
from hub.web.page import Page, see_other
from hub.web.site import Site

ASSIST = "/officers/assist"


def router(site: Site) -> Router:
    """The page, and the visit it begins: on behalf of one person; it ends with the official's own session."""

    @get(ASSIST, sync_to_thread=True)
    def ready(request: Visit) -> Page:
        return show(request, "citizens/assist.html")

    @post(ASSIST, sync_to_thread=True)
    def begin(request: Visit, form: Form) -> Redirect:
        kind = "entry" if form.text("kind") == "entry" else "health"
        before = visits.guest_of(site, request)
        with site.store.writing() as connection:
            if before is not None:
                guests.leave(connection, site.ring, before)
            account, moment = official(request), visits.now()
            guest = guests.welcome(connection, site.ring, moment, account=account.name)
            audit.append(connection, account, "assist", moment, address=caller(request), detail={"kind": kind})
        return see_other(request, f"/declare/{kind}", cookies=(visits.remember(request, guest),))

    return officials(site, Right.PAPER, [ready, begin])
