"""For the auditor: the log of look-ups, and the proof that nothing in it was changed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import cast

import sqlalchemy as sa
from litestar import Router, get, post

from core import words as gate_words
from core.words import Key, Language
from hub.inquiries import searching
from hub.officials import audit
from hub.officials.audit import HERE, Entry
from hub.officials.rights import Right
from hub.web import words
from hub.web.form import Form, Visit, number
from hub.web.officials import caller, now, official, officials, show
from hub.web.page import Page, language
from hub.web.site import Site

AUDIT = "/officers/audit"
LINES = 50
PROVEN = 20_000
"""So many of the newest entries are proven each time the page opens; ``hub account log`` proves them all."""

ACTIONS = frozenset(key.removeprefix("action-") for key in words.CATALOGUES["vi"] if key.startswith("action-"))
"""Those that have words; other parts may write entries of their own."""

DETAILS = frozenset(key.removeprefix("detail-") for key in words.CATALOGUES["vi"] if key.startswith("detail-"))
_NOT_TOLD = frozenset({"listed", "people"})
"""Those that stand elsewhere on the line."""

_WORDED = {"box": "box-", "kind": "kind-"}
"""Where the words of a detail's values are; others' are under ``what-``, and a check's are those of the gates."""

_KEY = re.compile(r"[0-9a-f]{32}")


def router(site: Site) -> Router:
    """The log, whole or narrowed down; reading it is an entry too."""

    @get(AUDIT, sync_to_thread=True)
    def newest(request: Visit) -> Page:
        return _page(site, request, {})

    @post(AUDIT, sync_to_thread=True, status_code=200)
    def chosen(request: Visit, form: Form) -> Page:
        return _page(site, request, form)

    return officials(site, Right.AUDIT, [newest, chosen])


def _page(site: Site, request: Visit, asked: Mapping[str, str]) -> Page:
    account, typed = asked.get("account", ""), asked.get("person", "")
    before, list_of = number(asked.get("before", "")) or 0, number(asked.get("list", "")) or 0
    with site.store.reading() as reader:
        person = _key_of(reader, site, typed)
    numbers = (("before", before), ("list", list_of))
    detail = {name: value for name, value in (("account", account), *numbers) if value}
    with site.store.writing() as connection:
        audit.append(
            connection, official(request), "audit", now(), address=caller(request), person=person, detail=detail
        )
    faults = {"person": "fault-unknown"} if typed and not person else {}
    with site.store.reading() as reader:
        proof = audit.prove(reader, PROVEN)
        found = audit.entries(reader, before=before, at_most=LINES + 1, account=account, person=person)
        members = audit.shown(reader, list_of) if list_of else []
    lines, more = found[:LINES], len(found) > LINES
    own = {
        "entries": lines,
        "proof": proof,
        "older": lines[-1].seq if more else 0,
        "actions": ACTIONS,
        "spoken": _spoken(language(request)),
        "console": HERE,
        "whom": person,
        "list_of": list_of,
        "members": members,
    }
    status = 422 if faults else 200
    values = {"account": account, "person": person or (typed if _KEY.fullmatch(typed) else "")}
    return show(request, "officers/audit.html", values=values, faults=faults, status=status, context=own)


def _spoken(shown_in: str) -> Callable[[Entry], list[tuple[str, str]]]:
    """An entry's details, each with its words."""

    def value_of(name: str, value: object) -> str:
        if isinstance(value, list):
            return ", ".join(value_of(name, each) for each in value)
        if isinstance(value, bool):
            return words.word(shown_in, "yes" if value else "no")
        if name in ("since", "until", "made"):
            return str(value).replace("T", " ")
        key = f"{_WORDED.get(name, 'what-')}{value}"
        if key in words.CATALOGUES["vi"]:
            return words.word(shown_in, key)
        at_gates = gate_words.CATALOGUES[cast("Language", shown_in)]
        return at_gates.get(cast("Key", value), str(value)) if name in ("outcome", "reasons") else str(value)

    def told(entry: Entry) -> list[tuple[str, str]]:
        given = {name: value for name, value in entry.detail.items() if value not in ("", [], None)}
        named = ((name, words.word(shown_in, f"detail-{name}") if name in DETAILS else name) for name in given)
        return [(said, value_of(name, given[name])) for name, said in named if name not in _NOT_TOLD]

    return told


def _key_of(connection: sa.Connection, site: Site, typed: str) -> str:
    """The person key that was typed, or that of whoever a number names: people who complain know their number."""
    return typed.casefold() if _KEY.fullmatch(typed.casefold()) else searching.by_number(connection, site.ring, typed)
