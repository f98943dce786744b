"""The keeping pages: how long what stays, what was erased when, and what one person asked for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
from litestar import MediaType, Response, Router, get, post
from litestar.response import Redirect

from core.model import Scheme
from hub.custody import erasing, holds, keeping, own_data, retention
from hub.custody.retention import LIMITS
from hub.erasure import station_erasing
from hub.errors import DataError
from hub.officials import audit
from hub.officials.audit import Ruling
from hub.officials.rights import Right
from hub.policy.preview import day
from hub.register.people import IdentityRecord
from hub.storage.tables import people
from hub.web import reason
from hub.web.form import Form, Visit
from hub.web.officials import caller, now, official, officials, show
from hub.web.page import Page, see_other
from hub.web.site import Site

KEEPING = "/officers/keeping"
SCHEMES = (Scheme.CITIZEN, Scheme.CMND, Scheme.PASSPORT, Scheme.INSURANCE)
RECORD_AT_MOST = 50
VERSIONS_AT_MOST = 20


def router(site: Site) -> Router:
    """Everything about how long records stay."""

    @get(KEEPING, sync_to_thread=True)
    def overview(request: Visit) -> Page:
        return _page(site, request)

    @post(f"{KEEPING}/person", sync_to_thread=True)
    def person(request: Visit, form: Form) -> Page | Redirect | Response[bytes]:
        return _asked(site, request, form)

    @post(f"{KEEPING}/release", sync_to_thread=True)
    def release(request: Visit, form: Form) -> Redirect:
        number = form.number("hold") or 0
        with site.store.writing() as connection:
            released = holds.release(connection, number, official(request).name, now())
            _note(connection, request, "release", {"hold": number})
        return see_other(request, KEEPING, told="keeping-released" if released else "")

    @get(f"{KEEPING}/processing", sync_to_thread=True)
    def processing(request: Visit) -> Page:
        with site.store.reading() as connection:
            version = retention.current(connection, site.settings.keeping, now())
        return show(request, "officers/processing.html", days=version.days)

    return officials(site, Right.KEEPING, [overview, person, release, processing])


def _page(site: Site, request: Visit, *, status: int = 200, **shown: Any) -> Page:  # noqa: ANN401  # the form's own
    moment = now()
    with site.store.reading() as connection:
        version = retention.current(connection, site.settings.keeping, moment)
        known: dict[str, Any] = {
            "record": keeping.recorded(connection, RECORD_AT_MOST),
            "last_run": keeping.last_run(connection),
            "standing": holds.standing(connection, moment),
            "versions": retention.history(connection, VERSIONS_AT_MOST),
            "lines": station_erasing.listing(connection, moment, at_most=RECORD_AT_MOST),
        }
    shown["overtaken"] = retention.overtaken(known["versions"])
    page = "officers/keeping.html"
    shown |= {"version": version, "days": version.days, "limits": LIMITS, "moment": moment, "schemes": SCHEMES}
    return show(request, page, status=status, day=day, **known, **shown)


def _asked(site: Site, request: Visit, form: Form) -> Page | Redirect | Response[bytes]:
    values = {name: form.text(name) for name in ("scheme", "reason", "until", "why")}  # the number is never shown again
    found = _found(site, form)
    if found is None:
        return _page(site, request, values=values, faults={"number": "fault-nobody"}, status=422)
    do = form.text("do")
    if do == "export":
        if faults := reason.faults(form):
            return _page(site, request, values=values, faults=faults, status=422)
        return _export(site, request, found, form.text("why"))
    if do == "hold":
        return _hold(site, request, form, found, values)
    if do != "erase" or form.text("sure") != "yes":
        return _page(site, request, values=values, faults={"sure": "fault-sure"}, status=422)
    return _erase(site, request, found, values)


def _found(site: Site, form: Form) -> int | None:
    try:
        subject = IdentityRecord(Scheme(form.text("scheme")), form.text("number")).subject
        with site.store.reading() as connection:
            return erasing.person_by(connection, site.ring, subject)
    except (ValueError, erasing.Unknown):
        return None


def _export(site: Site, request: Visit, person: int, why: str) -> Response[bytes]:
    with site.store.writing() as connection:
        _note(connection, request, "own-data", {}, person, why)
    with site.store.snapshot() as reader:
        own = own_data.export(reader, site.ring, person)
    body = msgspec.json.format(msgspec.json.encode(own))
    headers = {"content-disposition": 'attachment; filename="person.json"'}
    return Response(body, media_type=MediaType.JSON, headers=headers)


def _hold(site: Site, request: Visit, form: Form, person: int, values: dict[str, str]) -> Page | Redirect:
    last = form.moment("until")
    try:
        if last is None:
            raise DataError(["until: no day"])
        until = last + timedelta(days=1)
        with site.store.writing() as connection:
            holds.place(connection, person, official(request).name, form.text("reason"), until, now())
            _note(connection, request, "hold", {}, person)
    except DataError:
        return _page(site, request, values=values, faults={"reason": "fault-hold"}, status=422)
    return see_other(request, KEEPING, told="keeping-held")


def _erase(site: Site, request: Visit, person: int, values: dict[str, str]) -> Page | Redirect:
    try:
        with site.store.writing() as connection:
            _note(connection, request, "erase", {}, person)
            erasing.erase(connection, site.ring, person, official(request).name, now())
    except holds.OnHold as held:
        return _page(site, request, values=values, refused=held.hold, status=409)
    erasing.settle(site.store, site.ring, site.settings.erasures)
    return see_other(request, KEEPING, told="keeping-erased")


def _note(
    connection: sa.Connection,
    request: Visit,
    action: Ruling,
    detail: dict[str, object],
    person: int = 0,
    why: str = "",
) -> None:
    key = connection.scalar(sa.select(people.c.key).where(people.c.id == person))
    whom = key.hex() if key is not None else ""
    account, own = official(request), {"address": caller(request), "person": whom, "why": why}
    audit.append(connection, account, action, now(), detail=detail, **own)
