"""Tying a record to the identity card that somebody shows, in person and written down."""

from __future__ import annotations

import sqlalchemy as sa
from litestar import Router, get, post
from litestar.response import Redirect

from hub.officials import audit
from hub.officials.rights import Right
from hub.register import tying
from hub.register.tying import Card, NotTied
from hub.storage.tables import people
from hub.web.citizens.sheets import birth
from hub.web.form import Form, Visit
from hub.web.officials import caller, now, official, officials, show
from hub.web.page import Page, see_other
from hub.web.site import Site

LINK = "/officers/link"
INVALID = 422


def router(site: Site) -> Router:
    """The page, and what ties."""

    @get(LINK, sync_to_thread=False)
    def empty(request: Visit) -> Page:
        return show(request, "officers/link.html")

    @post(LINK, sync_to_thread=True)
    def tied(request: Visit, form: Form) -> Page | Redirect:
        faults = {name: "wrong-required" for name in ("code", "document", "name", "born") if not form.text(name)}
        if form.text("seen") != "yes":
            faults["seen"] = "tie-unseen"
        if faults:
            return show(request, "officers/link.html", values=form, faults=faults, status=INVALID)
        try:
            _tie(site, request, form)
        except NotTied as problem:
            faults = {problem.field: problem.word}
            _note(site, request, problem.word)
            return show(request, "officers/link.html", values=form, faults=faults, status=INVALID)
        return see_other(request, LINK, told="link-done")

    return officials(site, Right.LINK, [empty, tied])


def _note(site: Site, request: Visit, why: str) -> None:
    """A card that was not tied: the answer told something of a number, too."""
    with site.store.writing() as connection:
        detail = {"refused": why.removeprefix("tie-")}
        audit.append(connection, official(request), "link", now(), address=caller(request), detail=detail)


def _tie(site: Site, request: Visit, form: Form) -> None:
    moment, account = now(), official(request)
    card = Card(form.text("document"), form.text("name"), birth(form.text("born")))
    with site.store.writing() as connection:
        person = tying.tie(connection, site.ring, form.text("code"), card, moment, account.name)
        key = connection.execute(sa.select(people.c.key).where(people.c.id == person)).scalar_one()
        audit.append(connection, account, "link", moment, address=caller(request), person=key.hex())
