"""A declaration that somebody wrote on paper, typed in afterwards: one page, marked with who typed it and when."""

from __future__ import annotations

import re
import secrets
from datetime import datetime, timedelta

import msgspec
import sqlalchemy as sa
from litestar import Router, get, post
from litestar.response import Redirect

from core.model import Area, DeclarationKind
from core.rules import EXPOSURES, SYMPTOMS
from core.zones import bare
from hub.inquiries.movements import HUE
from hub.officials import audit
from hub.officials.rights import Right
from hub.register import areas, declaring
from hub.register.declaring import By, Refused
from hub.storage.tables import people
from hub.web.form import Form, Visit
from hub.web.officials import caller, now, official, officials, show
from hub.web.page import Page, see_other
from hub.web.site import Site

PAPER = "/officers/paper"
PLACES = ("address", "origin", "destination")
FOUND_AT_MOST = 12
_DAY_FIRST = re.compile(r"([0-9]{1,2})[/.-]([0-9]{1,2})[/.-]([0-9]{4})")
_NOON = timedelta(hours=12)


def router(site: Site) -> Router:
    """The sheet, and what takes it."""

    @get(PAPER, sync_to_thread=True)
    def empty(request: Visit) -> Page:
        today = f"{now().astimezone(HUE):%d/%m/%Y}"
        return _page(site, request, {"kind": "health", "nationality": "VN", "signed": today})

    @post(PAPER, sync_to_thread=True)
    def sent(request: Visit, form: Form) -> Page | Redirect:
        paper, wrong = _read(site, form)
        moment, account = now(), official(request)
        found = {_field(name): f"wrong-{word}" for name, word in declaring.check(paper, moment).items()}
        if faults := found | wrong:
            return _page(site, request, form, faults)
        try:
            with site.store.writing() as connection:
                by = By.staff(account.name, paper=True)
                done = declaring.declare(connection, site.ring, paper, moment, by=by, once=form.text("once"))
                key = connection.scalar(sa.select(people.c.key).where(people.c.id == done.person)) or b""
                own = {"kind": paper.kind.value}
                audit.append(
                    connection, account, "paper", moment, address=caller(request), person=key.hex(), detail=own
                )
        except Refused as refused:
            return _page(site, request, form, {_field(name): f"wrong-{word}" for name, word in refused.wrong.items()})
        return see_other(request, PAPER, told="paper-taken")

    return officials(site, Right.PAPER, [empty, sent])


def _page(site: Site, request: Visit, form: Form | dict[str, str], faults: dict[str, str] | None = None) -> Page:
    many = form.all if isinstance(form, Form) else lambda name: ()
    chosen = {"symptoms": many("symptoms"), "exposures": many("exposures")}
    matches = {name: _matches(site, form.get(name, "")) for name in PLACES}
    own = {"chosen": chosen, "matches": matches, "area": areas.title, "once": form.get("once") or secrets.token_hex(16)}
    status = 422 if faults else 200
    return show(request, "officers/paper.html", values=form, faults=faults, status=status, context=own)


def _field(name: str) -> str:
    return name if name else "name"


def _matches(site: Site, typed: str) -> tuple[Area, ...]:
    """Communes that the words may mean; those that are called exactly so, if there are any."""
    found = areas.search(typed, site.edition, limit=FOUND_AT_MOST) if typed else ()
    whole = tuple(each for each in found if areas.is_whole(each))
    own_name = f" {bare(typed.partition(',')[0])}"
    exact = tuple(each for each in whole if bare(areas.title(each).partition(",")[0]).endswith(own_name))
    return exact or whole


def _area(site: Site, form: Form, name: str) -> tuple[Area | None, str]:
    """The commune that was typed, and what is wrong with it: several have that name until one is chosen."""
    matches = _matches(site, form.text(name))
    chosen = [each for each in matches if each.commune == form.text(f"{name}_commune")]
    if not chosen and len(matches) > 1:
        return None, "wrong-several"
    if not (chosen or matches):
        return None, "wrong-no-such-area" if form.text(name) else "wrong-required"
    found = (chosen or list(matches))[0]
    hamlet = form.text(f"{name}_hamlet")
    return Area(found.edition, found.province, found.district, found.commune, hamlet), ""


def _read(site: Site, form: Form) -> tuple[declaring.Form, dict[str, str]]:
    kind = DeclarationKind.ENTRY if form.text("kind") == "entry" else DeclarationKind.HEALTH
    entry = kind is DeclarationKind.ENTRY
    found, wrong = {}, {}
    for name in PLACES if entry else PLACES[:1]:
        found[name], fault = _area(site, form, name)
        if fault:
            wrong[name] = fault
    signed, arrival = _day(form.text("signed")), _day(form.text("arrival"))
    wrong |= {"signed": "wrong-not-a-date"} if signed is None else {}
    wrong |= {"arrival": "wrong-not-a-date"} if entry and arrival is None else {}
    paper = declaring.Form(
        kind=kind,
        name=form.text("name"),
        born=_born(form.text("born")),
        nationality=form.text("nationality").upper(),
        child_without_document=form.text("child_without_document") == "yes",
        for_another=not form.text("phone"),
        symptoms=tuple(each for each in SYMPTOMS if each in form.all("symptoms")),
        exposures=tuple(each for each in EXPOSURES if each in form.all("exposures")),
        arrival=arrival if entry else None,
        signed=None if signed is None else min(signed, now()),
    )
    texts = ("sex", "document", "insurance", "phone", "street", "transport", "vehicle", "seat", "places_been")
    paper = msgspec.structs.replace(paper, **found, **{name: form.text(name) for name in texts})
    return paper, wrong


def _born(typed: str) -> str:
    day = _DAY_FIRST.fullmatch(typed)
    return f"{day[3]}-{int(day[2]):02}-{int(day[1]):02}" if day else typed


def _day(typed: str) -> datetime | None:
    """Noon of a day that was written, in the province."""
    try:
        return datetime.fromisoformat(_born(typed)).replace(tzinfo=HUE) + _NOON
    except ValueError:
        return None
