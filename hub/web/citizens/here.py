"""A person's own scan of a place's posted code: one tap, and the poster that carries the code."""

from __future__ import annotations

import sqlalchemy as sa
from litestar import Router, get, post
from litestar.exceptions import NotFoundException
from litestar.response import Redirect

from core.model import Direction
from hub.citizens import own_scans
from hub.register import places, relatives
from hub.register.places import NoPlace, Place
from hub.storage.tables import people
from hub.web.citizens import pictures, visits
from hub.web.citizens.front import address
from hub.web.form import Form, Visit
from hub.web.page import Page, render, see_other
from hub.web.site import Site, pages


def router(site: Site) -> Router:
    """The pages; an address ends in the place's posted code, whose check letters catch slips of typing."""

    @get("/at", sync_to_thread=False)
    def enter(request: Visit) -> Page:
        return render(request, "citizens/enter.html")

    @post("/at", sync_to_thread=True)
    def entered(request: Visit, form: Form) -> Page | Redirect:
        typed = form.text("at-code")
        with site.store.reading() as connection:
            try:
                place = places.of_posted(connection, typed)
            except NoPlace:
                wrong = {"at-code": "at-unknown"}
                return render(request, "citizens/enter.html", values=form, faults=wrong, status=422)
        return see_other(request, f"{'/poster' if form.text('do') == 'poster' else '/at'}/{place.posted}")

    @get("/at/{code:str}", sync_to_thread=True)
    def at(request: Visit, code: str) -> Page:
        guest = visits.needed(site, request)
        with site.store.reading() as connection:
            held = sa.select(people.c.id, people.c.name).where(people.c.phone == guest.phone).order_by(people.c.id)
            found = list(connection.execute(held)) if guest.phone else []
        whom = [(visits.hide(site, guest, row.id), row.name) for row in found]
        return render(request, "citizens/at.html", guest=guest, place=_place(site, code), code=code, whom=whom)

    @post("/at/{code:str}", sync_to_thread=True)
    def scanned(request: Visit, form: Form, code: str) -> Redirect:
        guest = visits.needed(site, request)
        place = _place(site, code)
        way = Direction.OUT if form.text("way") == "out" else Direction.IN
        with site.store.writing() as connection:
            for name in form.all("whom"):
                person = visits.reveal(site, guest, name)
                if not guest.phone or not relatives.holds(connection, person, guest.by):
                    raise NotFoundException
                own_scans.scan(connection, site.ring, person, place.posted, visits.now(), way)
        return see_other(request, f"/at/{code}", told=f"scanned-{way}" if form.all("whom") else "scanned-nobody")

    @get("/poster/{code:str}", sync_to_thread=True)
    def poster(request: Visit, code: str) -> Page:
        place = _place(site, code)
        to = f"{address(site, request)}/at/{place.posted}"
        return render(request, "citizens/poster.html", to=to, place=place, picture=pictures.inline(to))

    return pages([enter, entered, at, scanned, poster], exception_handlers={visits.NobodyHere: visits.to_phone})


def _place(site: Site, code: str) -> Place:
    with site.store.reading() as connection:
        try:
            return places.of_posted(connection, code)
        except NoPlace as error:
            raise NotFoundException from error
