"""The check page: two boxes, one person at a time, the answer above the box that asked."""

from __future__ import annotations

from functools import partial
from typing import cast, get_args

from litestar import Router, get, post

from core import words as gate_words
from core.words import Language
from hub.inquiries import checking
from hub.inquiries.checking import Box
from hub.officials.rights import Right, Role
from hub.register import areas
from hub.web.form import Form, Visit
from hub.web.officials import caller, now, official, officials, show
from hub.web.page import Page, language
from hub.web.site import Site

BOXES: tuple[Box, ...] = get_args(Box)
CHECK = "/officers/check"
ASKS_ENTRY_FIRST = frozenset({Role.CHECKPOINT_OFFICER, Role.COMMUNE_OFFICER})


def router(site: Site) -> Router:
    """The page, empty and with an answer; an answer is kept nowhere, so asking again is another look-up."""

    @get(CHECK, sync_to_thread=True)
    def empty(request: Visit) -> Page:
        return _page(request, "entry" if official(request).role in ASKS_ENTRY_FIRST else "health")

    @post(CHECK, sync_to_thread=True, status_code=200)
    def answer(request: Visit, form: Form) -> Page:
        box: Box = "entry" if form.text("box") == "entry" else "health"
        if not form.text("code"):
            return _page(request, box, faults={f"code-{box}": "fault-empty"}, status=422)
        moment, account = now(), official(request)
        published, typed, province = site.centre.published, form.text("code"), site.centre.province
        told = checking.ask(site.centre, typed, moment)
        with site.store.snapshot() as reader:
            rules = checking.rules_of(reader, site.ring, published, account)
            joined = province.joined(reader) if province is not None else None
            found = checking.check(reader, site.ring, typed, rules, moment, told=told, joined=joined)
        with site.store.writing() as connection:
            checking.record(connection, account, box, found, rules, moment, caller(request))
        return _page(request, box, found=found, rules=rules, at=moment)

    return officials(site, Right.CHECK, [empty, answer])


def _page(
    request: Visit, box: Box, *, faults: dict[str, str] | None = None, status: int = 200, **context: object
) -> Page:
    said = partial(gate_words.word, language=cast("Language", language(request)))
    own = {"box": box, "boxes": BOXES, "said": said, "area": areas.title}
    return show(request, "officers/check.html", faults=faults, status=status, context={**own, **context})
