"""For the administrator: officials' accounts, opened, shut, opened again and given a new password."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa
from litestar import Router, get, post
from litestar.exceptions import NotFoundException
from litestar.response import Redirect

from hub.errors import DataError
from hub.officials import accounts, audit
from hub.officials.accounts import Account
from hub.officials.rights import Right, Role
from hub.register import places
from hub.web.form import Form, Visit
from hub.web.officials import caller, now, official, officials, show
from hub.web.page import Page, see_other
from hub.web.site import Site

ACCOUNTS = "/officers/accounts"
_FIELDS = {
    "account name": "name",
    "account": "name",
    "shown name": "shown",
    "place": "place",
    "commune": "communes",
    "communes": "communes",
    "password": "password",
}
_WORDS = {"name": "fault-account", "communes": "fault-communes", "password": "fault-weak-password"}


def router(site: Site) -> Router:
    """The list, and what changes it."""

    @get(ACCOUNTS, sync_to_thread=True)
    def listed(request: Visit) -> Page:
        return _page(site, request)

    @post(ACCOUNTS, sync_to_thread=True)
    def change(request: Visit, form: Form) -> Page | Redirect:
        if form.text("do") == "add":
            return _add(site, request, form)
        return _change(site, request, form)

    @post(f"{ACCOUNTS}/one", sync_to_thread=True)
    def one(request: Visit, form: Form) -> Page | Redirect:
        return _one(site, request, form)

    return officials(site, Right.ACCOUNTS, [listed, change, one])


def _one(site: Site, request: Visit, form: Form) -> Page | Redirect:
    """One account to be corrected: whose it is comes in the form, so that no address has anybody's name."""
    with site.store.reading() as connection:
        found, known = accounts.find(connection, form.text("name")), places.named(connection)
    if found is None or found.name == official(request).name:
        raise NotFoundException
    faults: dict[str, str] = {}
    values: Form | dict[str, str] = form
    if form.text("do") == "correct":
        faults = _corrected(site, request, form, found)
        if not faults:
            return see_other(request, ACCOUNTS, told="account-changed")
    else:
        communes = ", ".join(found.communes)
        values = {"shown": found.shown, "role": found.role.value, "place": found.place, "communes": communes}
    own = {"one": found, "roles": list(Role), "places": known}
    status = 422 if faults else 200
    return show(request, "officers/account_one.html", values=values, faults=faults, status=status, context=own)


def _corrected(site: Site, request: Visit, form: Form, found: Account) -> dict[str, str]:
    """Changes what an account is for, and writes down from what to what; or what is wrong by field."""
    if form.text("role") not in list(Role):
        return {"role": "fault-choose"}
    corrected = msgspec.structs.replace(
        found,
        shown=form.text("shown"),
        role=Role(form.text("role")),
        place=form.text("place"),
        communes=accounts.communes_of(form.text("communes")),
    )
    try:
        with site.store.writing() as connection:
            accounts.correct(connection, corrected)
            _record(connection, request, found.name, f"{found.role.value} > {corrected.role.value}")
    except DataError as error:
        return _faults(error)
    return {}


def _page(site: Site, request: Visit, form: Form | None = None, faults: dict[str, str] | None = None) -> Page:
    with site.store.reading() as connection:
        found = accounts.listed(connection)
        known = places.named(connection)
    own = {"found": found, "roles": list(Role), "places": known}
    status = 422 if faults else 200
    return show(request, "officers/accounts.html", values=form, faults=faults, status=status, context=own)


def _add(site: Site, request: Visit, form: Form) -> Page | Redirect:
    if form.text("role") not in list(Role):
        return _page(site, request, form, {"role": "fault-choose"})
    account = Account(
        name=form.text("name").casefold(),
        shown=form.text("shown"),
        role=Role(form.text("role")),
        place=form.text("place"),
        communes=accounts.communes_of(form.text("communes")),
        must_change=True,
    )
    password = accounts.Password(form.text("password"))
    try:
        with site.store.writing() as connection:
            accounts.add(connection, account, password, now())
            _record(connection, request, account.name, "added")
    except DataError as error:
        return _page(site, request, form, _faults(error))
    return see_other(request, ACCOUNTS, told="account-added")


def _faults(error: DataError) -> dict[str, str]:
    """The fields that an account's faults speak of, in the order of the form."""
    named = [_FIELDS[next(part for part in _FIELDS if fault.startswith(part))] for fault in error.faults]
    return {field: _WORDS.get(field, "fault-empty") for field in named}


def _change(site: Site, request: Visit, form: Form) -> Page | Redirect:
    name, what = form.text("name"), form.text("do")
    if what == "disable" and name == official(request).name:
        return _page(site, request, None, {"which": "fault-own-account"})
    fresh = accounts.Password(form.text("fresh")) if what == "reset" else None
    try:
        with site.store.writing() as connection:
            if what == "disable":
                accounts.disable(connection, name, now())
            elif what == "enable":
                accounts.enable(connection, name)
            elif fresh is not None:
                accounts.reset(connection, site.ring, name, fresh)
            else:
                raise NotFoundException
            _record(connection, request, name, what)
    except DataError:
        return _page(site, request, None, {"fresh": "fault-weak-password"})
    return see_other(request, ACCOUNTS, told="account-changed")


def _record(connection: sa.Connection, request: Visit, name: str, what: str) -> None:
    detail = {"account": name[:63], "what": what}
    audit.append(connection, official(request), "account", now(), address=caller(request), detail=detail)
