"""Finding people and where they were: every page asks for the reason first, and writes it down."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
import sqlalchemy as sa
from litestar import Response, Router, get, post

from hub.inquiries import searching, tracing
from hub.localtime import HUE
from hub.officials import audit
from hub.officials.accounts import Account
from hub.officials.rights import Right
from hub.register import areas
from hub.register import places as registered
from hub.storage.tables import places
from hub.web import takeaway
from hub.web.form import Form, Visit
from hub.web.officials import NoRight, caller, now, official, officials, show
from hub.web.page import Page
from hub.web.reason import faults as _reason_faults
from hub.web.site import Site

SEARCH = "/officers/search"
TRACE = "/officers/trace"
LONGEST_WINDOW = timedelta(days=60)
LONGEST_MARGIN = 240
LINES_AT_MOST = 500


class Window(msgspec.Struct, frozen=True):
    """What a trace is about: from, to, and how near counts as together."""

    since: datetime
    until: datetime
    margin: timedelta = timedelta()


def router(site: Site) -> Router:
    """Searching and tracing."""
    return Router("/", route_handlers=[_search(site), _trace(site)])


def _search(site: Site) -> Router:
    @get(SEARCH, sync_to_thread=True)
    def empty(request: Visit) -> Page:
        return show(request, "officers/search.html")

    @post(SEARCH, sync_to_thread=True, status_code=200)
    def find(request: Visit, form: Form) -> Page:
        faults = _reason_faults(form)
        if len(form.text("who")) < 2:
            faults["who"] = "fault-empty"
        if faults:
            return show(request, "officers/search.html", values=form, faults=faults, status=422)
        account, why = official(request), form.text("why")
        with site.store.snapshot() as reader:
            found = searching.find(reader, site.ring, form.text("who"), form.text("born"))
        shown, detail = [one.key for one in found.people], {"people": len(found.people)}
        own = {"address": caller(request), "why": why}
        with site.store.writing() as connection:
            audit.append(connection, account, "search", now(), detail=detail, shown=shown, **own)
        said = {"found": found, "area": areas.title, "why": why, "may_trace": account.may(Right.TRACE)}
        return show(request, "officers/search.html", values=form, context=said)

    return officials(site, Right.SEARCH, [empty, find])


def _trace(site: Site) -> Router:
    @get(TRACE, sync_to_thread=True)
    def empty(request: Visit) -> Page:
        return _page(site, request, _usual())

    @post(TRACE, sync_to_thread=True, status_code=200)
    def find(request: Visit, form: Form) -> Page | Response[bytes]:
        if form.text("about") == "open":
            return _page(site, request, {**_usual(), **{name: form.text(name) for name in ("person", "why")}})
        window, faults = _window(form)
        faults |= _reason_faults(form)
        about = form.text("about")
        if form.text("as"):
            must_export(official(request))
        if about == "place" and not _place_name(site, form.text("place")):
            faults["place"] = "fault-choose"
        if faults or window is None:
            return _page(site, request, form, faults=faults, status=422)
        moment, account = now(), official(request)
        with site.store.snapshot() as reader:  # it takes its time, and nobody's check-in waits for it
            found = _found(reader, form, window, moment)
        if found is None:
            return _page(site, request, form, faults={"about": "fault-unknown"}, status=422)
        with site.store.writing() as connection:
            _write_down(connection, account, form, found, caller(request), moment)
        if form.text("as"):
            return takeaway.file(form.text("as"), found.lines(), found.what)
        return _page(site, request, form, found=found)

    return officials(site, Right.TRACE, [empty, find])


def must_export(account: Account) -> None:
    """Raises ``NoRight`` for whoever may look and not take away."""
    if not account.may(Right.EXPORT):
        raise NoRight


class Trace(msgspec.Struct, frozen=True):
    """What was found; only the lists that the question is about are filled.  Its ``repr`` names nobody."""

    what: str
    person: tracing.Person | None = None
    place_name: str = ""
    presences: list[tracing.Presence] = []
    contacts: list[tracing.Contact] = []
    doubted: list[tracing.Passage] = []
    inside: int | None = None

    def __repr__(self) -> str:
        return f"Trace({self.what})"

    @property
    def people(self) -> int:
        """How many different people are in it."""
        return len({one.person.who for one in self.presences} | {one.person.who for one in self.contacts})

    @property
    def shown(self) -> set[str]:
        """The keys of everybody whom the page names."""
        named = ([one.person for one in listed] for listed in (self.presences, self.contacts, self.doubted))
        return {person.key for each in named for person in each}

    def lines(self) -> list[dict[str, object]]:
        """The same for a file: every line, with people by key and name."""
        return [takeaway.presence(one) for one in self.presences] + [takeaway.contact(one) for one in self.contacts]


def _found(connection: sa.Connection, form: Form, window: Window, moment: datetime) -> Trace | None:
    since, until = window.since, min(window.until, moment)
    if form.text("about") == "place":
        place = form.text("place")
        return Trace(
            "place",
            place_name=connection.scalar(sa.select(places.c.name).where(places.c.code == place)) or place,
            presences=tracing.at_place(connection, place, since, until, moment),
            doubted=tracing.passages(connection, tracing.doubted(place, None, since, until), LINES_AT_MOST),
            inside=tracing.occupancy(connection, place, moment),
        )
    person = tracing.person_by_key(connection, form.text("person"))
    if person is None:
        return None
    who = tracing.named(connection, person)
    if form.text("about") == "contacts":
        met = tracing.contacts(connection, person, since, until, window.margin, moment)
        return Trace("contacts", person=who, contacts=met)
    return Trace(
        "trace",
        person=who,
        presences=tracing.of_person(connection, person, since, until, moment),
        doubted=tracing.passages(connection, tracing.doubted(None, person, since, until), LINES_AT_MOST),
    )


def _write_down(
    connection: sa.Connection, account: Account, form: Form, found: Trace, address: str, moment: datetime
) -> None:
    action: audit.Looking = "place" if found.what == "place" else "contacts" if found.what == "contacts" else "trace"
    detail = {name: form.text(name) for name in ("since", "until", "margin")} | {"people": found.people}
    if found.what == "place":
        detail["place"] = form.text("place")
    own = {"address": address, "person": found.person.key if found.person else "", "why": form.text("why")}
    audit.append(connection, account, action, moment, detail=detail, shown=found.shown, **own)
    if form.text("as"):
        taken = {**detail, "what": found.what, "as": form.text("as"), "lines": len(found.lines())}
        audit.append(connection, account, "export", moment, detail=taken, shown=found.shown, **own)


def _page(
    site: Site,
    request: Visit,
    form: Form | dict[str, str],
    *,
    faults: dict[str, str] | None = None,
    found: Trace | None = None,
    status: int = 200,
) -> Page:
    with site.store.reading() as connection:
        known = registered.named(connection)
        person = tracing.person_by_key(connection, form.get("person", ""))
        who = tracing.named(connection, person) if person is not None and not _reason_faults(form) else None
    if who is not None and found is None:  # a name is shown, and nothing else has written that down
        own_line = {"address": caller(request), "person": who.key, "why": form.get("why", "")}
        with site.store.writing() as connection:
            audit.append(connection, official(request), "search", now(), detail={"found": True}, **own_line)
    own = {"places": known, "found": found, "who": who, "most": LINES_AT_MOST}
    own["may_export"] = official(request).may(Right.EXPORT)
    return show(request, "officers/trace.html", values=form, faults=faults, status=status, context=own)


def _usual() -> dict[str, str]:
    today = now().astimezone(HUE)
    begun = (today - timedelta(days=1)).replace(hour=0, minute=0)
    return {"since": f"{begun:%Y-%m-%dT%H:%M}", "until": f"{today:%Y-%m-%dT%H:%M}", "margin": "15"}


def _place_name(site: Site, code: str) -> str:
    with site.store.reading() as connection:
        return connection.scalar(sa.select(places.c.name).where(places.c.code == code)) or ""


def _window(form: Form) -> tuple[Window | None, dict[str, str]]:
    since, until = form.moment("since"), form.moment("until")
    margin = form.number("margin") if form.text("margin") else 0
    faults = {name: "fault-moment" for name, moment in (("since", since), ("until", until)) if moment is None}
    if margin is None or margin > LONGEST_MARGIN:
        faults["margin"] = "fault-margin"
    if since is None or until is None or margin is None or faults:
        return None, faults
    if not since < until <= since + LONGEST_WINDOW:
        return None, {"until": "fault-window"}
    return Window(since, until, timedelta(minutes=margin)), {}
