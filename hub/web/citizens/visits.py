"""Who is at the page: the guest behind the cookie, records under names that only this visit knows, moments in words."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime
from typing import Any

from litestar import Response
from litestar.datastructures import Cookie
from litestar.exceptions import HTTPException, NotFoundException
from litestar.response import Redirect

from hub.citizens import guests
from hub.citizens.guests import Guest
from hub.errors import ConfigError
from hub.web.form import Visit
from hub.web.page import cookie, see_other
from hub.web.site import Site

GUEST_COOKIE = "tq_guest"
WANTED_COOKIE = "tq_wanted"
_NUMBER_BYTES = 8


class NobodyHere(HTTPException):
    """A page that needs a proven phone was asked for without one."""

    status_code = 401


def now() -> datetime:
    """The present moment."""
    return datetime.now(UTC)


def guest_of(site: Site, request: Visit) -> Guest | None:
    """The visitor, or None before a phone was proven and after the visit has ended."""
    token = request.cookies.get(GUEST_COOKIE, "")
    if not token:
        return None
    moment = now()
    with site.store.reading() as connection:
        guest = guests.known(connection, site.ring, token, moment)
        stale = guest is not None and guests.is_stale(connection, guest, moment)
    if guest is not None and stale:
        with site.store.writing() as connection:
            guests.use(connection, site.ring, guest, moment)
    return guest


def needed(site: Site, request: Visit) -> Guest:
    """The visitor; ``NobodyHere`` sends whoever is not known yet to the phone page."""
    guest = guest_of(site, request)
    if guest is None:
        raise NobodyHere
    return guest


def to_phone(request: Visit, _nobody: NobodyHere) -> Response[Any]:
    """On to the phone page, and from there back to where a page was asked for."""
    wanted = cookie(request, WANTED_COOKIE, request.url.path, seconds=900)
    return see_other(request, "/phone", cookies=(wanted,) if request.method == "GET" else ())


def remember(request: Visit, guest: Guest) -> Cookie:
    """The guest's cookie; on a shared computer it ends with the browser too."""
    seconds = None if guest.shared else int(guests.lasts(guest).total_seconds())
    return cookie(request, GUEST_COOKIE, guest.token, seconds=seconds)


def forget(answer: Redirect) -> Redirect:
    """Takes every cookie of the visit away."""
    for name in (GUEST_COOKIE, WANTED_COOKIE):
        answer.delete_cookie(name)
    return answer


def hide(site: Site, guest: Guest, number: int) -> str:
    """A record's name for an address: sealed, another one each time, and nothing to any other visit."""
    box = site.ring.seal(number.to_bytes(_NUMBER_BYTES), guest.token.encode())
    return base64.urlsafe_b64encode(box).decode()


def reveal(site: Site, guest: Guest, name: str) -> int:
    """The record behind a name of this visit's; 404 for any other."""
    try:
        return int.from_bytes(site.ring.open(base64.urlsafe_b64decode(name), guest.token.encode()))
    except (binascii.Error, ConfigError, ValueError) as error:
        raise NotFoundException from error
