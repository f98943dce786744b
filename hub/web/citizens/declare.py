"""Declaring, step by step: each step is kept when it is sent, and nothing counts before the last one."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from litestar import Router, get, post
from litestar.exceptions import NotFoundException
from litestar.response import Redirect

from core.codes import identity
from core.model import DeclarationKind, Subject
from hub.citizens import drafts
from hub.citizens.drafts import Draft
from hub.citizens.guests import Guest
from hub.officials import audit
from hub.register import areas, declaring, mending
from hub.register import sheets as kept
from hub.register.declaring import Declared, Refused
from hub.register.mending import Recorded
from hub.storage.tables import people
from hub.web.citizens import sheets, visits
from hub.web.form import Form, Visit
from hub.web.officials import caller
from hub.web.page import Page, render, see_other
from hub.web.site import Site, pages

FULL_PROMISE = "wrong-promise"
INVALID = 422
TURN_DIGITS = 15


def router(site: Site) -> Router:
    """The pages."""

    @get("/declare/{kind:str}", sync_to_thread=True)
    def ready(request: Visit, kind: str) -> Page:
        visits.needed(site, request)
        return render(request, "citizens/begin.html", kind=_kind(kind))

    @post("/declare/{kind:str}", sync_to_thread=True)
    def begin(request: Visit, kind: str) -> Redirect:
        guest = visits.needed(site, request)
        draft = drafts.begin(_kind(kind), sheets.fresh(_kind(kind), guest, site.edition))
        _save(site, guest, draft)
        return see_other(request, _at(draft, "who"))

    @get("/sheet/{name:str}/{step:str}", sync_to_thread=True)
    def step_of(request: Visit, name: str, step: str, check: bool = False) -> Page:
        guest = visits.needed(site, request)
        _known(step)
        draft = _found(site, guest, name)
        wrong = _of_step(sheets.faults(draft, guest, visits.now()), step) if check else {}
        return _shown(request, guest, draft, step, wrong)

    @post("/sheet/{name:str}/{step:str}", sync_to_thread=True)
    def sent(request: Visit, form: Form, name: str, step: str) -> Page | Redirect:
        guest = visits.needed(site, request)
        _known(step)
        draft, told = _taken(site, guest, name, step, form), ""
        if form.text("do") == "fill":
            draft, told = _filled(site, guest, draft, caller(request))
            _save(site, guest, draft)
        if form.text("do") == "next":
            return _next(site, request, guest, draft, step, form)
        return see_other(request, _after(draft, step, form.text("do")), told=told)

    @post("/sheet/{name:str}/drop", sync_to_thread=True)
    def drop(request: Visit, name: str) -> Redirect:
        guest = visits.needed(site, request)
        with site.store.writing() as connection:
            drafts.drop(connection, site.ring, guest, name)
        return see_other(request, "/mine", told="dropped")

    return pages([ready, begin, step_of, sent, drop], exception_handlers={visits.NobodyHere: visits.to_phone})


def _taken(site: Site, guest: Guest, name: str, step: str, form: Form) -> Draft:
    """The form with what was sent of one step, kept; ``NotFoundException`` when there is none.

    Read and kept in one transaction: a page sends again before it has an answer, and neither may undo the other.
    """
    turn = _turn(form.text("turn"))
    with site.store.writing() as connection:
        draft = drafts.find(connection, site.ring, guest, name, visits.now(), held=True)
        if draft is None:
            raise NotFoundException
        if form.text("do") == "keep" and turn < draft.turn:
            return draft  # overtaken on its way by what was sent after it
        draft = sheets.take(draft, step, {field: form.all(field) for field in form}).sent(turn)
        drafts.save(connection, site.ring, guest, draft, visits.now())
    return draft


def _turn(typed: str) -> int:
    """What a page counts with, milliseconds of its own clock; 0 from one that does not."""
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) <= TURN_DIGITS else 0


def _next(site: Site, request: Visit, guest: Guest, draft: Draft, step: str, form: Form) -> Page | Redirect:
    wrong = sheets.faults(draft, guest, visits.now())
    if step != "send":
        here = _of_step(wrong, step)
        if here:
            return _shown(request, guest, draft, step, here, status=INVALID)
        return see_other(request, _at(draft, sheets.STEPS[sheets.STEPS.index(step) + 1]))
    if not form.text("promise"):
        wrong["promise"] = FULL_PROMISE
    if wrong:
        return _shown(request, guest, draft, step, wrong, status=INVALID)
    try:
        done = _declared(site, guest, draft, caller(request), confirmed=form.text("same_person") == "yes")
    except Refused as refused:
        wrong = {field or "promise": f"wrong-{word}" for field, word in refused.wrong.items()}
        recorded = _recorded(site, guest, refused.person, caller(request)) if refused.person else None
        return _shown(request, guest, draft, step, wrong, status=INVALID, recorded=recorded)
    told = "corrected" if draft.corrects else "declared"
    return see_other(request, f"/shown/{visits.hide(site, guest, done.declaration)}", told=told)


def _declared(site: Site, guest: Guest, draft: Draft, address: str, *, confirmed: bool) -> Declared:
    """The declaration; ``Refused`` with what the registry has against it."""
    given, _ = sheets.form(draft, guest)
    now, by, once = visits.now(), guest.by, draft.id
    with site.store.writing() as connection:
        on = (connection, site.ring)
        if draft.corrects:
            done = declaring.correct(*on, draft.corrects, given, now, by=by, once=once, confirmed=confirmed)
        else:
            done = declaring.declare(*on, given, now, by=by, once=once, confirmed=confirmed)
        drafts.drop(connection, site.ring, guest, draft.id)
        if guest.account:
            key = connection.scalar(sa.select(people.c.key).where(people.c.id == done.person)) or b""
            detail = {"kind": given.kind.value, "changed": list(done.changed)}
            audit.append(connection, guest.account, "assisted", now, address=address, person=key.hex(), detail=detail)
    return done


def _recorded(site: Site, guest: Guest, person: int, address: str) -> Recorded:
    """What the record says that the form differs from; an official's look at it is written down."""
    with site.store.writing() as connection:
        recorded = mending.recorded(connection, person)
        if guest.account:
            key = recorded.key
            audit.append(connection, guest.account, "record", visits.now(), address=address, person=key)
    return recorded


def _filled(site: Site, guest: Guest, draft: Draft, address: str) -> tuple[Draft, str]:
    """The personal fields of an insurance number, for whoever may see them; everybody else learns nothing."""
    insurance = identity.insurance(sheets.text(draft, "insurance"))
    if not isinstance(insurance, Subject):
        return draft, "fill-nothing"
    with site.store.writing() as connection:
        known = kept.prefill(connection, site.ring, insurance, guest.by)
        if known is not None and guest.account:
            key = mending.recorded(connection, known.person).key
            audit.append(connection, guest.account, "record", visits.now(), address=address, person=key)
    if known is None:
        return draft, "fill-nothing"
    found: sheets.Fields = {"name": (known.name,), "born": (sheets.shown_birth(known.born),), "sex": (known.sex,)}
    found |= {"nationality": (known.nationality,)}
    if known.address is not None and known.address.edition == sheets.text(draft, "edition"):
        found |= sheets.known_area("address", known.address)
    return draft.filled(found), "fill-done"


def _after(draft: Draft, step: str, wish: str) -> str:
    """Where a button other than "next" leads."""
    at = sheets.STEPS.index(step)
    if wish == "back":
        return _at(draft, sheets.STEPS[at - 1]) if at else "/mine"
    if wish == "later":
        return "/mine"
    opened = wish.removeprefix("open-")
    return _at(draft, step) + (f"#{opened}" if opened in sheets.fields(step, draft.kind) else "")


def _shown(
    request: Visit,
    guest: Guest,
    draft: Draft,
    step: str,
    wrong: dict[str, str],
    *,
    status: int = 200,
    recorded: Recorded | None = None,
) -> Page:
    more: dict[str, Any] = {}
    if step == "where":
        more["units"] = {name: _units(draft, name) for name in sheets.addresses(draft.kind)}
    if step == "send":
        given, _ = sheets.form(draft, guest)
        more |= {"given": given, "title": areas.title, "faulty": sheets.faults(draft, guest, visits.now())}
        more |= {
            "recorded": recorded,
            "page_of": lambda field: f"{_at(draft, sheets.step_of(field))}?check=true",
            "shown_birth": sheets.shown_birth,
        }
    return render(
        request,
        f"citizens/sheet-{step}.html",
        values=sheets.values(draft),
        faults=wrong,
        status=status,
        draft=draft,
        guest=guest,
        step=step,
        steps=sheets.STEPS,
        nations=(*sheets.NATIONS, sheets.OTHER_NATION),
        **more,
    )


def _units(draft: Draft, name: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """The lists of one address, as far down as it was chosen: level, and pairs of code and name."""
    edition, above, lists = sheets.text(draft, "edition"), "", []
    for level in sheets.levels(edition):
        known = [] if level != "province" and not above else areas.under(edition, above)
        lists.append((level, [(unit.code, unit.name) for unit in known]))
        above = sheets.text(draft, f"{name}_{level}")
    return lists


def _of_step(wrong: dict[str, str], step: str) -> dict[str, str]:
    return {field: word for field, word in wrong.items() if sheets.step_of(field) == step}


def _at(draft: Draft, step: str) -> str:
    return f"/sheet/{draft.id}/{step}"


def _known(step: str) -> None:
    if step not in sheets.STEPS:
        raise NotFoundException


def _kind(kind: str) -> DeclarationKind:
    if kind not in {each.value for each in DeclarationKind}:
        raise NotFoundException
    return DeclarationKind(kind)


def _found(site: Site, guest: Guest, name: str) -> Draft:
    with site.store.reading() as connection:
        draft = drafts.find(connection, site.ring, guest, name, visits.now())
    if draft is None:
        raise NotFoundException
    return draft


def _save(site: Site, guest: Guest, draft: Draft) -> None:
    with site.store.writing() as connection:
        drafts.save(connection, site.ring, guest, draft, visits.now())
