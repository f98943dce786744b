"""Who is signed in: what every official's page asks before it opens, and what all of them show."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from litestar import Router
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import HTTPException, PermissionDeniedException
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.response import Redirect

from hub.officials import sessions
from hub.officials.accounts import Account
from hub.officials.rights import Right
from hub.web.form import Visit, read_form
from hub.web.page import Page, render, see_other
from hub.web.site import Site

SESSION_COOKIE = "tq_official"
SIGN_IN = "/officers/sign-in"
OWN_ACCOUNT = "/officers/account"
LONGEST_ADDRESS = 64

Entry = tuple[Right, str, str]

GROUPS: tuple[tuple[str, tuple[Entry, ...]], ...] = (
    (
        "menu-gate",
        (
            (Right.CHECK, "/officers/check", "menu-check"),
            (Right.INSIDE, "/officers/inside", "menu-inside"),
            (Right.PAPER, "/officers/assist", "menu-assist"),
            (Right.PAPER, "/officers/paper", "menu-paper"),
            (Right.LINK, "/officers/link", "menu-link"),
        ),
    ),
    (
        "menu-people",
        (
            (Right.SEARCH, "/officers/search", "menu-search"),
            (Right.TRACE, "/officers/trace", "menu-trace"),
            (Right.ARRIVALS, "/officers/arrivals", "menu-arrivals"),
        ),
    ),
    (
        "menu-hub",
        (
            (Right.FLEET, "/officers/fleet", "menu-fleet"),
            (Right.PLACES, "/officers/places", "menu-places"),
            (Right.POLICY, "/officers/policy", "menu-policy"),
            (Right.KEEPING, "/officers/keeping", "menu-keeping"),
            (Right.AUDIT, "/officers/audit", "menu-audit"),
            (Right.ACCOUNTS, "/officers/accounts", "menu-accounts"),
        ),
    ),
)
"""What the top of a page offers, in groups: only what the account may do."""

MENU: tuple[Entry, ...] = tuple(entry for _, entries in GROUPS for entry in entries)

Asking = ASGIConnection[HTTPRouteHandler, object, object, State]


class SignInNeeded(HTTPException):
    """Nobody is signed in, or their session has ended."""

    status_code = 401


class NoRight(PermissionDeniedException):
    """The page belongs to another role."""


class PasswordIsGiven(HTTPException):
    """The account's password was chosen by somebody else and must be changed first."""

    status_code = 403


def officials(site: Site, right: Right | None, handlers: Sequence[HTTPRouteHandler]) -> Router:
    """A router of pages for whoever is signed in and has the right (None: anybody signed in)."""
    return Router(
        "/",
        route_handlers=handlers,
        dependencies={"form": Provide(read_form)},
        guards=[_guard(site, right)],
        exception_handlers={SignInNeeded: _to_sign_in, PasswordIsGiven: _to_own_account, NoRight: _refused},
        include_in_schema=False,
    )


def _guard(site: Site, right: Right | None) -> Callable[[Asking, BaseRouteHandler], None]:
    def ask(connection: Asking, _handler: BaseRouteHandler) -> None:
        account = sessions.resume(site.store, connection.cookies.get(SESSION_COOKIE, ""), now())
        if account is None:
            raise SignInNeeded
        connection.scope["user"] = account
        path = connection.url.path
        if account.must_change and not path.startswith(OWN_ACCOUNT):
            raise PasswordIsGiven
        if right is not None and not account.may(right):
            raise NoRight

    return ask


def _to_sign_in(request: Visit, _error: SignInNeeded) -> Redirect:
    return see_other(request, SIGN_IN, told="sign-in-needed" if request.cookies.get(SESSION_COOKIE) else "")


def _to_own_account(request: Visit, _error: PasswordIsGiven) -> Redirect:
    return see_other(request, OWN_ACCOUNT, told="password-is-given")


def _refused(request: Visit, error: NoRight) -> Page:
    return show(request, "officers/refused.html", status=error.status_code)


def official(request: Visit) -> Account:
    """The account that opened this page."""
    assert isinstance(request.user, Account), "the guard puts it there"
    return request.user


def caller(request: Visit) -> str:
    """The address a request comes from."""
    return request.client.host[:LONGEST_ADDRESS] if request.client else ""


def now() -> datetime:
    """The hub's clock."""
    return datetime.now(UTC)


def show(
    request: Visit,
    template: str,
    *,
    values: Mapping[str, object] | None = None,
    faults: Mapping[str, str] | None = None,
    status: int = 200,
    context: Mapping[str, object] | None = None,
    **more: object,
) -> Page:
    """An official's page, with a menu and whose account it is; ``context`` and ``more`` are the template's own."""
    account = official(request)
    mine = [(title, [(path, word) for right, path, word in own if account.may(right)]) for title, own in GROUPS]
    menu = [(title, entries) for title, entries in mine if entries]
    offered: dict[str, Any] = {"account": account, "menu": menu, **(context or {}), **more}
    return render(request, template, values=values, faults=faults, status=status, **offered)


def front(account: Account) -> str:
    """The page that an account begins on."""
    return next((path for right, path, _ in MENU if account.may(right)), OWN_ACCOUNT)
