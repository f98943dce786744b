"""The wall: every station by trouble, the alarms that stand, and both live."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

from litestar import Response, Router, get, post
from litestar.exceptions import ServiceUnavailableException
from litestar.response import Redirect, Stream

from hub.officials import sessions
from hub.officials.rights import Right
from hub.stations import alarms
from hub.web.fleet import choosing, standing, wording
from hub.web.fleet.choosing import NAMES, SHOWN_AT_MOST
from hub.web.fleet.lines import Board
from hub.web.fleet.live import Live
from hub.web.form import Form, Visit
from hub.web.officials import FLEET, SESSION_COOKIE, now, official, officials, show
from hub.web.page import Page, language, see_other
from hub.web.site import Site, local

LIVE = "/officers/fleet-live"
AGAIN_SECONDS = 15


def router(site: Site) -> Router:
    """The wall, its stream of events, and the button that says an alarm was seen."""
    board = site.board
    live = Live(board, site.centre.fleet.listeners if site.centre is not None else [], site.ending)

    @get(FLEET, sync_to_thread=True)
    def wall(request: Visit) -> Page:
        return _page(board, request)

    @post(FLEET, sync_to_thread=True)
    def acknowledge(request: Visit, form: Form) -> Redirect:
        return _acknowledged(site, board, request, form)

    @get(LIVE, sync_to_thread=False)
    def news(request: Visit) -> Response[bytes] | Stream:
        if live.full:
            raise ServiceUnavailableException
        events = live.stream(language(request), prover(site, request, Right.WALL))
        return Stream(events, media_type="text/event-stream", headers={"x-accel-buffering": "no"})

    looking, seeing = officials(site, Right.WALL, [wall, news]), officials(site, Right.FLEET, [acknowledge])
    return Router("/", route_handlers=[looking, seeing])


def prover(site: Site, request: Visit, right: Right) -> Callable[[], bool]:
    """Says, whenever it is asked, whether whoever opened a stream may still see it."""
    token = request.cookies.get(SESSION_COOKIE, "")

    def proven() -> bool:
        account = sessions.resume(site.store, token, now())
        return account is not None and account.may(right)

    return proven


def _page(board: Board, request: Visit) -> Page:
    look = board.look()
    choice = choosing.chosen(request.query_params)
    found = [line for line in look.lines if choice.admits(line)]
    own = {
        "look": look,
        "lines": found if choice.everything else found[:SHOWN_AT_MOST],
        "found": len(found),
        "most": len(look.lines) + SHOWN_AT_MOST if choice.everything else SHOWN_AT_MOST,
        "groups": standing.grouped(look, look.alarms),
        "shared": choosing.grouped(look, found, choice.group) if choice.group else [],
        "by": [(each, f"{FLEET}?{urlencode(choice.query(group=each))}") for each in ("", *NAMES)],
        "choice": choice,
        "chosen_of": {name: getattr(choice, name) for name in NAMES},
        "title": wording.title,
        "offered": choosing.offered(look.lines),
        "kiosk": choice.kiosk,
        "may_look": official(request).may(Right.FLEET),
        "again": AGAIN_SECONDS,
        "back": f"{FLEET}?{urlencode(choice.query())}",
        "big": f"{FLEET}?{urlencode(choice.query(kiosk='1'))}",
        "whole": f"{FLEET}?{urlencode(choice.query(all='1'))}",
        "map": f"{FLEET}-map?{urlencode(choice.query(kiosk='', group='', all=''))}",
        "live": LIVE,
    }
    return show(request, "officers/fleet.html", context=own)


def _acknowledged(site: Site, board: Board, request: Visit, form: Form) -> Redirect:
    """Notes who saw an alarm; somebody may have been faster, and then nothing changes."""
    name = standing.named(form.text("seen"))
    if name is not None:
        with site.store.writing() as connection:
            alarms.acknowledge(connection, *name, official(request).name, now())
        board.look(fresh=True)
    return see_other(request, local(form.text("back") or FLEET))
