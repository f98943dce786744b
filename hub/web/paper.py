"""A declaration that somebody wrote on paper, typed in afterwards: one page, marked with who typed it and when."""

from __future__ import annotations

import re
import secrets
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
from litestar import Router, get, post
from litestar.response import Redirect

from core.codes import identity
from core.model import Area, DeclarationKind, Subject
from core.rules import EXPOSURES, SYMPTOMS
from core.zones import bare
from hub import localtime
from hub.localtime import HUE
from hub.officials import audit
from hub.officials.rights import Right
from hub.register import areas, declaring, mending, sheets
from hub.register.declaring import By, Refused
from hub.register.mending import Recorded
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
        if form.text("do") == "fill":
            return _page(site, request, _filled(site, request, form))
        paper, wrong = _read(site, form)
        found = {_field(name): f"wrong-{word}" for name, word in declaring.check(paper, now()).items()}
        if faults := found | wrong:
            return _page(site, request, form, faults)
        try:
            _take(site, request, form, paper)
        except Refused as refused:
            faults = {_field(name): f"wrong-{word}" for name, word in refused.wrong.items()}
            recorded = _looked_at(site, request, refused.person) if refused.person else None
            return _page(site, request, form, faults, recorded)
        return see_other(request, PAPER, told="paper-taken")

    return officials(site, Right.PAPER, [empty, sent])


def _take(site: Site, request: Visit, form: Form, paper: declaring.Form) -> None:
    moment, account = now(), official(request)
    by, confirmed = By.staff(account.name, paper=True), form.text("same_person") == "yes"
    with site.store.writing() as connection:
        once = form.text("once")
        done = declaring.declare(connection, site.ring, paper, moment, by=by, once=once, confirmed=confirmed)
        key = connection.scalar(sa.select(people.c.key).where(people.c.id == done.person)) or b""
        own = {"kind": paper.kind.value, "changed": list(done.changed)}
        audit.append(connection, account, "paper", moment, address=caller(request), person=key.hex(), detail=own)


def _looked_at(site: Site, request: Visit, person: int) -> Recorded:
    """The record that the paper differs from; that it was shown is written down."""
    with site.store.snapshot() as reader:
        recorded = mending.recorded(reader, person)
    with site.store.writing() as connection:
        audit.append(connection, official(request), "record", now(), address=caller(request), person=recorded.key)
    return recorded


def _filled(site: Site, request: Visit, form: Form) -> Form:
    """The personal fields of an insurance number that the registry knows; that they were shown is written down."""
    insurance = identity.insurance(form.text("insurance"))
    if not isinstance(insurance, Subject):
        return form
    with site.store.reading() as connection:
        known = sheets.prefill(connection, site.ring, insurance, By.staff(official(request).name))
    if known is None:
        return form
    _looked_at(site, request, known.person)
    filled = {"name": known.name, "born": _written(known.born), "sex": known.sex, "nationality": known.nationality}
    if known.address is not None and known.address.edition == site.edition:
        unit = msgspec.structs.replace(known.address, hamlet="", point="")
        filled |= {"address": areas.title(unit), "address_commune": known.address.commune}
        filled |= {"address_hamlet": known.address.hamlet, "address_point": known.address.point}
    return form.filled(filled)


def _page(
    site: Site,
    request: Visit,
    form: Form | dict[str, str],
    faults: dict[str, str] | None = None,
    recorded: Recorded | None = None,
) -> Page:
    many = form.all if isinstance(form, Form) else lambda name: ()
    chosen = {"symptoms": many("symptoms"), "exposures": many("exposures")}
    matches = {name: _matches(site, form.get(name, "")) for name in PLACES}
    own: dict[str, Any] = {
        "chosen": chosen,
        "matches": matches,
        "area": areas.title,
        "once": form.get("once") or secrets.token_hex(16),
    }
    own |= {"recorded": recorded, "written": _written}
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
    hamlet, point = form.text(f"{name}_hamlet"), form.text(f"{name}_point")
    return Area(found.edition, found.province, found.district, found.commune, hamlet, point), ""


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


def _written(born: str) -> str:
    return "/".join(reversed(born.split("-")))


def _day(typed: str) -> datetime | None:
    """Noon of a day that was written, in the province."""
    day = localtime.read(_born(typed))
    return day and day + _NOON
