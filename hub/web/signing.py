"""Signing in and out, and one's own account: password and second factor."""

from __future__ import annotations

import hashlib
import hmac

import segno
from litestar import Router, get, post
from litestar.datastructures import Cookie
from litestar.response import Redirect

from hub.citizens import guests
from hub.errors import DataError
from hub.officials import accounts, audit, sessions, totp
from hub.officials.accounts import Account
from hub.officials.rights import Role
from hub.officials.sessions import SignedIn
from hub.web.citizens import visits
from hub.web.form import Form, Visit
from hub.web.officials import OWN_ACCOUNT, SESSION_COOKIE, SIGN_IN, caller, front, now, official, officials, show
from hub.web.page import Page, cookie, render, see_other
from hub.web.site import Site, pages

ISSUER = "Trạm Quét"
SECOND_FACTOR = f"{OWN_ACCOUNT}/second-factor"


def router(site: Site) -> Router:
    """Everything about who one is."""
    return Router("/", route_handlers=[_door(site), _own(site)])


def _door(site: Site) -> Router:
    @get(SIGN_IN, sync_to_thread=True)
    def form_in(request: Visit) -> Page:
        return render(request, "officers/sign_in.html")

    @post(SIGN_IN, sync_to_thread=True)
    def sign_in(request: Visit, form: Form) -> Page | Redirect:
        name, moment = form.text("account").casefold(), now()
        given = (name, form.text("password"), form.text("code"))
        came = sessions.sign_in(site.store, site.ring, *given, caller(request), moment)
        known = isinstance(came, SignedIn)
        with site.store.writing() as connection:
            known_name = accounts.find(connection, name)
            who: Account | str = known_name or ""
            audit.append(connection, who, "sign-in" if known else "sign-in-refused", moment, address=caller(request))
        if isinstance(came, SignedIn):
            return see_other(request, front(came.account), cookies=(_kept(request, came.account, came.token),))
        wait = max(1, round(came.wait.total_seconds())) if came.wait else 0
        return render(request, "officers/sign_in.html", values={"account": name}, status=422, refused=True, wait=wait)

    return pages([form_in, sign_in])


def _own(site: Site) -> Router:
    @get("/officers", sync_to_thread=True)
    def begin(request: Visit) -> Redirect:
        return see_other(request, front(official(request)))

    @post(f"{OWN_ACCOUNT}/sign-out", sync_to_thread=True)
    def sign_out(request: Visit) -> Redirect:
        sessions.sign_out(site.store, request.cookies.get(SESSION_COOKIE, ""))
        helped = visits.guest_of(site, request)
        with site.store.writing() as connection:
            if helped is not None and helped.account:
                guests.leave(connection, site.ring, helped)  # with what was unfinished in this browser
            guests.end_help(connection, official(request).name)
            audit.append(connection, official(request), "sign-out", now(), address=caller(request))
        ended = (cookie(request, SESSION_COOKIE, "", seconds=0),)
        answer = see_other(request, SIGN_IN, told="signed-out", cookies=ended)
        return visits.forget(answer) if helped is not None and helped.account else answer

    @get(OWN_ACCOUNT, sync_to_thread=True)
    def own(request: Visit) -> Page:
        return show(request, "officers/account.html")

    @post(OWN_ACCOUNT, sync_to_thread=True)
    def change(request: Visit, form: Form) -> Page | Redirect:
        if form.text("do") == "second-factor-off":
            return _second_factor_off(site, request, form)
        faults = _password_faults(site, official(request), form)
        if faults:
            return show(request, "officers/account.html", faults=faults, status=422)
        return _changed(site, request, accounts.Password(form.text("fresh")))

    @get(SECOND_FACTOR, sync_to_thread=True)
    def second_factor(request: Visit) -> Page:
        return _second_factor_page(site, request)

    @post(SECOND_FACTOR, sync_to_thread=True)
    def second_factor_on(request: Visit, form: Form) -> Page | Redirect:
        secret = _drawn(site, request)
        step = totp.accept(secret, form.text("code"), now(), 0)
        if step is None:
            return _second_factor_page(site, request, {"code": "fault-code"}, status=422)
        return _set_second_factor(site, request, secret, step)

    return officials(site, None, [begin, sign_out, own, change, second_factor, second_factor_on])


def _kept(request: Visit, account: Account, token: str) -> Cookie:
    """The session's cookie; a screen's outlives its browser, which comes back by itself after a power cut."""
    lasting = int(sessions.ON_SCREEN.total_seconds()) if account.role is Role.SCREEN else None
    return cookie(request, SESSION_COOKIE, token, seconds=lasting)


def _password_faults(site: Site, account: Account, form: Form) -> dict[str, str]:
    with site.store.reading() as connection:
        if not accounts.knows(connection, account.name, form.text("current")):
            return {"current": "fault-password"}
    fresh = form.text("fresh")
    if fresh == form.text("current"):
        return {"fresh": "fault-same-password"}
    if accounts.password_faults(fresh, account.name):
        return {"fresh": "fault-weak-password"}
    return {} if fresh == form.text("again") else {"again": "fault-not-the-same"}


def _changed(site: Site, request: Visit, password: accounts.Password) -> Redirect:
    account, moment = official(request), now()
    try:
        with site.store.writing() as connection:
            accounts.set_password(connection, account.name, password, must_change=False)
            audit.append(connection, account, "password", moment, address=caller(request))
    except DataError:
        return see_other(request, OWN_ACCOUNT)
    token = sessions.reopen(site.store, account.name, caller(request), moment)
    own = _kept(request, account, token)
    return see_other(request, front(account) if account.must_change else OWN_ACCOUNT, told="saved", cookies=(own,))


def _second_factor_off(site: Site, request: Visit, form: Form) -> Page | Redirect:
    with site.store.reading() as connection:
        is_own = accounts.knows(connection, official(request).name, form.text("password"))
    if not is_own:
        return show(request, "officers/account.html", faults={"password": "fault-password"}, status=422)
    return _set_second_factor(site, request, None, 0)


def _drawn(site: Site, request: Visit) -> bytes:
    """A secret that is this session's until the app has proven it: worked out again, so that it rests nowhere."""
    drawn = b"second factor\0" + request.cookies[SESSION_COOKIE].encode()
    return hmac.digest(site.ring.registry, drawn, hashlib.sha256)[: totp.SECRET_BYTES]


def _second_factor_page(site: Site, request: Visit, faults: dict[str, str] | None = None, status: int = 200) -> Page:
    secret = _drawn(site, request)
    picture = segno.make_qr(totp.uri(secret, official(request).name, ISSUER), error="m")
    drawing = picture.svg_inline(scale=5, border=4, dark="#000", light="#fff", omitsize=False)
    own = {"picture": drawing, "secret": totp.spelt(secret)}
    return show(request, "officers/second_factor.html", faults=faults, status=status, context=own)


def _set_second_factor(site: Site, request: Visit, secret: bytes | None, step: int) -> Redirect:
    account = official(request)
    with site.store.writing() as connection:
        accounts.set_second_factor(connection, site.ring, account.name, secret, step)
        detail = {"on": secret is not None}
        audit.append(connection, account, "second-factor", now(), address=caller(request), detail=detail)
    return see_other(request, OWN_ACCOUNT, told="saved")
