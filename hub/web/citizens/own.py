"""What a person may ask of their own record: a copy of all that is known, and its end."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa
from litestar import Response, Router, get, post
from litestar.exceptions import NotFoundException
from litestar.response import Redirect

from hub.citizens.guests import Guest, owner
from hub.custody import erasing, holds, own_data
from hub.register import relatives
from hub.storage.citizen_tables import drafts
from hub.storage.tables import people
from hub.web.citizens import visits
from hub.web.form import Form, Visit
from hub.web.page import Page, render, see_other
from hub.web.site import Site, pages

HELD = 409


def person_of(site: Site, request: Visit, name: str) -> tuple[Guest, int]:
    """The visitor and the person behind a name, when that person's record is the visitor's; 404 when it is not."""
    guest = visits.needed(site, request)
    person = visits.reveal(site, guest, name)
    with site.store.reading() as connection:
        if not guest.phone or not relatives.holds(connection, person, guest.by):
            raise NotFoundException
    return guest, person


def router(site: Site) -> Router:
    """The pages."""

    @get("/own/{name:str}", sync_to_thread=True)
    def own(request: Visit, name: str) -> Page:
        return _shown(site, request, name)

    @get("/own/{name:str}/copy", sync_to_thread=True)
    def copy(request: Visit, name: str) -> Response[bytes]:
        _, person = person_of(site, request, name)
        with site.store.reading() as connection:
            known = own_data.export(connection, site.ring, person, to_phone=True)
        text = msgspec.json.format(msgspec.json.encode(known))
        saved = 'attachment; filename="du-lieu-cua-toi.json"'
        return Response(text, media_type="application/json", headers={"content-disposition": saved})

    @post("/own/{name:str}/erase", sync_to_thread=True)
    def erase(request: Visit, form: Form, name: str) -> Page | Redirect:
        guest, person = person_of(site, request, name)
        if not form.text("sure"):
            return _shown(site, request, name, faults={"sure": "wrong-sure"}, status=422)
        try:
            with site.store.writing() as connection:
                erasing.erase(connection, site.ring, person, "", visits.now())
                connection.execute(sa.delete(drafts).where(drafts.c.owner == owner(site.ring, guest)))
        except holds.OnHold as held:
            return _shown(site, request, name, hold=held.hold, status=HELD)
        erasing.settle(site.store, site.ring, site.settings.erasures)
        return see_other(request, "/mine", told="erased")

    return pages([own, copy, erase], exception_handlers={visits.NobodyHere: visits.to_phone})


def _shown(
    site: Site,
    request: Visit,
    name: str,
    *,
    hold: holds.Hold | None = None,
    faults: dict[str, str] | None = None,
    status: int = 200,
) -> Page:
    guest, person = person_of(site, request, name)
    with site.store.reading() as connection:
        whose: Any = connection.scalar(sa.select(people.c.name).where(people.c.id == person))
    return render(
        request, "citizens/own.html", faults=faults, status=status, guest=guest, name=name, whose=whose, hold=hold
    )
