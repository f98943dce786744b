"""Proving a phone: the number, the code that was sent to it, and the end of the visit."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import unquote

from litestar import Router, get, post
from litestar.response import Redirect

from core import phones
from hub.citizens import guests, onetime
from hub.citizens.gateway import NotSent, open_gateway
from hub.citizens.onetime import Asked, Proven, TooOften
from hub.web import words
from hub.web.citizens import visits
from hub.web.form import Form, Visit
from hub.web.officials import caller
from hub.web.page import Page, cookie, language, render, see_other
from hub.web.site import Site, local, pages

log = logging.getLogger(__name__)

CHALLENGE_COOKIE = "tq_challenge"
SHARED_COOKIE = "tq_shared"
CHALLENGE_SECONDS = int(onetime.LIVES.total_seconds())


def router(site: Site) -> Router:
    """The pages."""
    gateway = open_gateway(site.settings.sms)
    can_send = site.settings.sms.gateway != "none"

    @get("/phone", sync_to_thread=True)
    def ask(request: Visit) -> Page:
        return render(request, "citizens/phone.html", can_send=can_send)

    @post("/phone", sync_to_thread=True)
    def asked(request: Visit, form: Form) -> Page | Redirect:
        number = phones.spell(form.text("phone"))
        fault = "wrong-not-a-phone" if number is None else ""
        drawn: Asked | TooOften | None = None
        if number is not None:
            with site.store.writing() as connection:
                drawn = onetime.ask(connection, site.ring, number, caller(request), visits.now())
            if isinstance(drawn, TooOften):
                fault = f"too-often-{drawn}"
            elif not _sent(request, number, drawn):
                fault = "not-sent"
        if not isinstance(drawn, Asked) or fault:
            status = 429 if isinstance(drawn, TooOften) else 503 if drawn else 422
            wrong = {"phone": fault}
            return render(request, "citizens/phone.html", values=form, faults=wrong, status=status, can_send=can_send)
        shared = cookie(request, SHARED_COOKIE, "yes" if form.text("shared") else "no", seconds=CHALLENGE_SECONDS)
        challenge = cookie(request, CHALLENGE_COOKIE, drawn.handle, seconds=CHALLENGE_SECONDS)
        return see_other(request, "/code", cookies=(challenge, shared))

    def _sent(request: Visit, number: str, drawn: Asked) -> bool:
        minutes = CHALLENGE_SECONDS // 60
        try:
            gateway.send(number, words.word(language(request), "sms", code=drawn.code, minutes=minutes))
        except NotSent as error:
            log.warning("a one-time code was not sent", extra={"why": str(error)})
            return False
        return True

    return pages([ask, asked, *_proving(site)])


def _proving(site: Site) -> list[Any]:
    @get("/code", sync_to_thread=True)
    def code(request: Visit) -> Page | Redirect:
        if not request.cookies.get(CHALLENGE_COOKIE):
            return see_other(request, "/phone")
        return render(request, "citizens/code.html")

    @post("/code", sync_to_thread=True)
    def proven(request: Visit, form: Form) -> Page | Redirect:
        given = "".join(char for char in form.text("code") if char.isdecimal())
        with site.store.writing() as connection:
            handle = request.cookies.get(CHALLENGE_COOKIE, "")
            found = onetime.prove(connection, site.ring, handle, given, visits.now())
        if not isinstance(found, Proven):
            return render(request, "citizens/code.html", faults={"code": f"code-{found}"}, status=422)
        shared = request.cookies.get(SHARED_COOKIE) == "yes"
        with site.store.writing() as connection:
            guest = guests.welcome(connection, site.ring, visits.now(), phone=found.phone, shared=shared)
        wanted = local(unquote(request.cookies.get(visits.WANTED_COOKIE, "")) or "/mine")
        answer = see_other(request, wanted, cookies=(visits.remember(request, guest),))
        for name in (CHALLENGE_COOKIE, SHARED_COOKIE, visits.WANTED_COOKIE):
            answer.delete_cookie(name)
        return answer

    @post("/leave", sync_to_thread=True)
    def leave(request: Visit) -> Redirect:
        guest = visits.guest_of(site, request)
        if guest is not None:
            with site.store.writing() as connection:
                guests.leave(connection, site.ring, guest)
        to = "/officers/assist" if guest is not None and guest.account else "/"
        return visits.forget(see_other(request, to, told="left"))

    return [code, proven, leave]
