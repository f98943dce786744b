"""What a phone has: its declarations with their QR, the My QR of its people, and the way to change or end them."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from litestar import Response, Router, get, post
from litestar.exceptions import NotFoundException
from litestar.response import Redirect

from hub.citizens import drafts
from hub.citizens.guests import Guest
from hub.register import declaring, myqr
from hub.register.declaring import Given, Refused
from hub.storage.tables import people
from hub.web.citizens import pictures, sheets, visits
from hub.web.citizens.own import person_of
from hub.web.form import Visit
from hub.web.page import Page, render, see_other
from hub.web.site import Site, pages

MEDIA = {"svg": "image/svg+xml", "png": "image/png"}


def router(site: Site) -> Router:
    """The pages."""

    @get("/mine", sync_to_thread=True)
    def mine(request: Visit) -> Page:
        guest = visits.needed(site, request)
        now = visits.now()
        with site.store.reading() as connection:
            found = declaring.of_phone(connection, site.ring, guest.phone, now) if guest.phone else []
            unfinished = drafts.unfinished(connection, site.ring, guest, now)
            held = _held(connection, guest)
            about = [(name, declaring.about(connection, site.ring, person, by=guest.by)) for person, name in held]
        return render(
            request,
            "citizens/mine.html",
            guest=guest,
            found=[(visits.hide(site, guest, each.declaration), each) for each in found],
            unfinished=unfinished,
            held=[(visits.hide(site, guest, person), name) for person, name in held],
            others=bool({each.person for each in found} - {person for person, _ in held}),
            about=[
                (whose, [(visits.hide(site, guest, each.declaration), each) for each in declared])
                for whose, declared in about
                if declared
            ],
        )

    @get("/shown/{name:str}", sync_to_thread=True)
    def shown(request: Visit, name: str) -> Page:
        guest = visits.needed(site, request)
        given = _given(site, guest, name)
        picture = pictures.inline(given.code) if given.code else ""
        return render(request, "citizens/shown.html", guest=guest, given=given, name=name, picture=picture)

    @get("/shown/{name:str}/qr/{ending:str}", sync_to_thread=True)
    def picture(request: Visit, name: str, ending: str) -> Response[bytes]:
        given = _given(site, visits.needed(site, request), name)
        return _file(given.code, ending, f"khai-bao-{given.at:%Y%m%d}")

    return pages(
        [mine, shown, picture, *_changes(site), *_my_qr(site)],
        exception_handlers={visits.NobodyHere: visits.to_phone},
    )


def _changes(site: Site) -> list[Any]:
    @get("/shown/{name:str}/withdraw", sync_to_thread=True)
    def ask_withdraw(request: Visit, name: str) -> Page:
        guest = visits.needed(site, request)
        return render(request, "citizens/withdraw.html", guest=guest, given=_given(site, guest, name), name=name)

    @post("/shown/{name:str}/withdraw", sync_to_thread=True)
    def withdraw(request: Visit, name: str) -> Redirect:
        guest = visits.needed(site, request)
        number = visits.reveal(site, guest, name)
        try:
            with site.store.writing() as connection:
                declaring.withdraw(connection, site.ring, number, visits.now(), by=guest.by)
        except Refused as error:
            raise NotFoundException from error
        return see_other(request, "/mine", told="withdrawn")

    @post("/shown/{name:str}/correct", sync_to_thread=True)
    def correct(request: Visit, name: str) -> Redirect:
        guest = visits.needed(site, request)
        number = visits.reveal(site, guest, name)
        try:
            with site.store.writing() as connection:
                old = declaring.form_of(connection, site.ring, number, by=guest.by)
                draft = drafts.begin(old.kind, sheets.of_form(old, site.edition), number)
                drafts.save(connection, site.ring, guest, draft, visits.now())
        except Refused as error:
            raise NotFoundException from error
        return see_other(request, f"/sheet/{draft.id}/who")

    @post("/about/{name:str}/dispute", sync_to_thread=True)
    def dispute(request: Visit, name: str) -> Redirect:
        guest = visits.needed(site, request)
        number = visits.reveal(site, guest, name)
        try:
            with site.store.writing() as connection:
                declaring.dispute(connection, site.ring, number, visits.now(), by=guest.by)
        except Refused as error:
            raise NotFoundException from error
        return see_other(request, "/mine", told="disputed")

    return [ask_withdraw, withdraw, correct, dispute]


def _my_qr(site: Site) -> list[Any]:
    @get("/my-qr/{name:str}", sync_to_thread=True)
    def shown(request: Visit, name: str) -> Page:
        guest, person = person_of(site, request, name)
        with site.store.writing() as connection:
            token = myqr.of(connection, site.ring, person)
            whose = connection.scalar(sa.select(people.c.name).where(people.c.id == person))
        picture = pictures.inline(token)
        return render(request, "citizens/my-qr.html", guest=guest, name=name, whose=whose, picture=picture)

    @get("/my-qr/{name:str}/qr/{ending:str}", sync_to_thread=True)
    def picture(request: Visit, name: str, ending: str) -> Response[bytes]:
        _, person = person_of(site, request, name)
        with site.store.writing() as connection:
            token = myqr.of(connection, site.ring, person)
        return _file(token, ending, "ma-qr-cua-toi")

    @post("/my-qr/{name:str}/reissue", sync_to_thread=True)
    def reissue(request: Visit, name: str) -> Redirect:
        _, person = person_of(site, request, name)
        with site.store.writing() as connection:
            myqr.reissue(connection, site.ring, person, visits.now())
        return see_other(request, f"/my-qr/{name}", told="reissued")

    return [shown, picture, reissue]


def _held(connection: sa.Connection, guest: Guest) -> list[tuple[int, str]]:
    """The people whose record carries this phone."""
    if not guest.phone:
        return []
    own = sa.select(people.c.id, people.c.name).where(people.c.phone == guest.phone).order_by(people.c.id)
    return [(row.id, row.name) for row in connection.execute(own)]


def _given(site: Site, guest: Guest, name: str) -> Given:
    number = visits.reveal(site, guest, name)
    try:
        with site.store.writing() as connection:
            return declaring.given(connection, site.ring, number, visits.now(), by=guest.by)
    except Refused as error:
        raise NotFoundException from error


def _file(text: str, ending: str, stem: str) -> Response[bytes]:
    if not text or ending not in MEDIA:
        raise NotFoundException
    body = pictures.png(text) if ending == "png" else pictures.svg(text)
    saved = f'attachment; filename="{stem}.{ending}"'
    return Response(body, media_type=MEDIA[ending], headers={"content-disposition": saved})
