"""The pages of how long records stay: a form for the next version, what it would erase, and the way back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from litestar import Router, get, post
from litestar.exceptions import NotFoundException
from litestar.response import Redirect

from hub import localtime
from hub.custody import keeping, retention
from hub.custody.retention import LIMITS, Days
from hub.errors import DataError
from hub.officials import audit
from hub.officials.rights import Right
from hub.policy.preview import day
from hub.web.form import Form, Visit, number
from hub.web.officials import caller, now, official, officials, show
from hub.web.page import Page, see_other
from hub.web.site import Site

KEEPING = "/officers/keeping"
DAYS = f"{KEEPING}/days"
COUNTED = {
    "checkins": ("check-ins", "rows"),
    "declarations": ("declarations",),
    "withdrawn": (),
    "codes": ("codes",),
    "erasures": ("erasures",),
}
"""What ``keeping.due`` counts for each kind; withdrawn declarations are counted among the declarations."""


def router(site: Site) -> Router:
    """Everything about the days."""

    @get(DAYS, sync_to_thread=True)
    def blank(request: Visit) -> Page:
        with site.store.reading() as connection:
            version = retention.current(connection, site.settings.keeping, now())
        return _form(request, _values(version.days))

    @post(DAYS, sync_to_thread=True)
    def fill(request: Visit, form: Form) -> Page:
        values = {name: form.text(name) for name in (*LIMITS, "note", "effective")}
        if form.text("do") == "edit":
            return _form(request, values)
        days, effective, faults = _read(values)
        if faults:
            return _form(request, values, faults=faults, status=422)
        return _check(site, request, days, values, effective)

    @post(f"{DAYS}/{{number:int}}/again", sync_to_thread=True)
    def again(request: Visit, number: int) -> Page:
        with site.store.reading() as connection:
            version = retention.version(connection, number)
        if version is None:
            raise NotFoundException
        return _check(site, request, version.days, _values(version.days), now(), rolled_back=number)

    @post(f"{DAYS}/publish", sync_to_thread=True)
    def publish(request: Visit, form: Form) -> Redirect:
        values = {name: form.text(name) for name in (*LIMITS, "note", "effective")}
        days, effective, faults = _read(values)
        if faults:
            raise NotFoundException
        return _publish(site, request, days, values["note"], effective)

    return officials(site, Right.KEEPING, [blank, fill, again, publish])


def _values(days: Days) -> dict[str, str]:
    return {name: str(count) for name, count in msgspec.structs.asdict(days).items()}


def _read(values: dict[str, str]) -> tuple[Days, datetime, dict[str, str]]:
    """The days the fields say, when they begin, and what is wrong by field."""
    given = {name: -1 if (count := number(values[name])) is None else count for name in LIMITS}
    faults = dict.fromkeys(retention.faults(given), "fault-days")
    moment = localtime.read(values["effective"]) if values["effective"] else now()
    if moment is None:
        faults["effective"] = "fault-unknown"
    return Days(**given), moment or now(), faults


def _form(request: Visit, values: dict[str, str], **shown: Any) -> Page:  # noqa: ANN401  # the page's own
    return show(request, "officers/retention_form.html", values=values, limits=LIMITS, **shown)


def _check(
    site: Site, request: Visit, days: Days, values: dict[str, str], effective: datetime, rolled_back: int = 0
) -> Page:
    with site.store.reading() as connection:
        former = retention.current(connection, site.settings.keeping, now())
        due = keeping.due(connection, days, now())
    return show(
        request,
        "officers/retention_check.html",
        values=values,
        days=msgspec.structs.asdict(days),
        former=msgspec.structs.asdict(former.days),
        due={kind: sum(due[name] for name in names) for kind, names in COUNTED.items() if names},
        effective=effective,
        rolled_back=rolled_back,
        day=day,
    )


def _publish(site: Site, request: Visit, days: Days, note: str, effective: datetime) -> Redirect:
    moment, account = now(), official(request)
    try:
        with site.store.writing() as connection:
            number = retention.publish(connection, days, account.name, moment, effective=effective, note=note)
            audit.append(connection, account, "keep", moment, address=caller(request), detail={"version": number})
    except DataError:
        raise NotFoundException from None
    return see_other(request, KEEPING, told="retention-published")
