"""The site: what its pages stand on, and what no part of it owns."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from litestar import Response, Router, get, post
from litestar.di import Provide
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.response import Redirect
from litestar.types import ExceptionHandler

from hub.centre import Centre
from hub.config import Settings
from hub.register import places
from hub.storage.keyring import Keyring
from hub.storage.store import Store
from hub.web import assets, words
from hub.web.fleet.lines import Board
from hub.web.form import Form, Visit, read_form
from hub.web.page import LANGUAGE_COOKIE, YEAR_SECONDS, cookie, see_other


@dataclass(frozen=True)
class Site:
    """What the handlers of every part reach for."""

    centre: Centre
    settings: Settings
    ending: threading.Event = field(default_factory=threading.Event)
    """Set when the hub is about to end: what streams to browsers ends then."""

    @cached_property
    def board(self) -> Board:
        """The fleet as every page sees it: what one was told of, no other shows from before."""
        return Board(self.centre)

    @property
    def store(self) -> Store:
        """The database."""
        return self.centre.store

    @property
    def ring(self) -> Keyring:
        """The hub's keys."""
        return self.centre.ring

    @property
    def edition(self) -> str:
        """The map whose provinces and communes the forms offer."""
        if self.settings.web.map_edition:
            return self.settings.web.map_edition
        with self.store.reading() as connection:
            return places.edition(connection)


def pages(
    handlers: Sequence[HTTPRouteHandler],
    path: str = "/",
    exception_handlers: Mapping[int | type[Exception], ExceptionHandler[Any]] | None = None,
) -> Router:
    """A router of pages: their handlers may take ``form``, and the machines' description leaves them out."""
    return Router(
        path,
        route_handlers=handlers,
        dependencies={"form": Provide(read_form)},
        exception_handlers=dict(exception_handlers or {}),
        include_in_schema=False,
    )


def common(_site: Site) -> Router:
    """What no part owns: files, and the choice of a language."""

    @get(f"{assets.STATIC}/{{name:str}}", sync_to_thread=False)
    def static(name: str) -> Response[bytes]:
        body = assets.read(name)
        if body is None:
            raise NotFoundException
        return Response(body, media_type=assets.media_type(name), headers={"cache-control": assets.FOREVER})

    @post("/language", sync_to_thread=False)
    def choose(request: Visit, form: Form) -> Redirect:
        chosen = form.text("language")
        kept = cookie(request, LANGUAGE_COOKIE, chosen, seconds=YEAR_SECONDS) if chosen in words.LANGUAGES else None
        return see_other(request, local(form.text("back")), cookies=(kept,) if kept else ())

    return pages([static, choose])


def local(path: str) -> str:
    """A path of this site out of what a browser sent; the front page instead of anywhere else."""
    is_local = path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable()
    return path if is_local else "/"
