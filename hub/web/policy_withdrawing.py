"""Taking a narrower scope's policy back: what its stations would go by instead, tried on the last day, then asked."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa
from litestar import Router, get, post
from litestar.exceptions import NotFoundException
from litestar.response import Redirect

from hub.errors import DataError
from hub.journals import rehearsal
from hub.journals.rehearsal import Rehearsal
from hub.officials import audit
from hub.officials.rights import Right
from hub.policy import policies, withdrawing
from hub.policy.withdrawing import Heir, Withdrawal
from hub.web.form import Form, Visit
from hub.web.officials import caller, now, official, officials, show
from hub.web.page import Page, see_other
from hub.web.policy import POLICY, said_at_gates, scopes_of, words_of
from hub.web.policy_form import NOTE_AT_MOST
from hub.web.site import Site


def router(site: Site) -> Router:
    """The question with its consequences, and what answers it."""

    @get(f"{POLICY}/{{number:int}}/withdraw", sync_to_thread=True)
    def ask(request: Visit, number: int) -> Page:
        return _ask(site, request, number)

    @post(f"{POLICY}/{{number:int}}/withdraw", sync_to_thread=True)
    def withdraw(request: Visit, number: int, form: Form) -> Page | Redirect:
        return _withdraw(site, request, number, form)

    return officials(site, Right.POLICY, [ask, withdraw])


def _ask(site: Site, request: Visit, number: int, *, status: int = 200) -> Page:
    with site.store.reading() as connection:
        would = _plan(connection, site, number)
        scopes = dict(scopes_of(connection, words_of(request)))
        trials = [(heir, _trial(connection, site, would, heir)) for heir in would.heirs]
    own = {
        "number": number,
        "would": would,
        "taken": _listed(would),
        "trials": trials,
        "scopes": scopes,
        "said": said_at_gates(request),
    }
    return show(request, "officers/policy_withdraw.html", status=status, values={}, context=own)


def _plan(connection: sa.Connection, site: Site, number: int) -> Withdrawal:
    found = policies.version(connection, site.ring, number)
    if found is None:
        raise NotFoundException
    try:
        would = withdrawing.plan(connection, found.policy.scope, now())
    except DataError:
        raise NotFoundException from None
    if number not in would.taken:
        raise NotFoundException
    return would


def _trial(connection: sa.Connection, site: Site, would: Withdrawal, heir: Heir) -> Rehearsal | None:
    """The last day's check-ins at the stations that this document would decide at, judged by it."""
    wider = policies.version(connection, site.ring, heir.published.version)
    if wider is None:
        return None
    draft = msgspec.structs.replace(wider.policy, scope=would.scope)
    return rehearsal.rehearse(connection, site.ring, draft, now(), heir.stations)


def _withdraw(site: Site, request: Visit, number: int, form: Form) -> Page | Redirect:
    """Takes back what the question named; asked again when somebody published for the scope meanwhile."""
    moment, account = now(), official(request)
    with site.store.writing() as connection:
        would = _plan(connection, site, number)
        meant = form.text("taken") == _listed(would) and not would.bare
        if meant:
            note = form.text("note")[:NOTE_AT_MOST]
            word = withdrawing.withdraw(connection, site.ring, would.scope, moment, account.name, note)
            detail = {"version": word.version, "scope": word.scope, "withdrawn": _listed(would)}
            audit.append(connection, account, "policy", moment, address=caller(request), detail=detail)
    if not meant:
        return _ask(site, request, number, status=409)
    site.centre.refresh()
    return see_other(request, POLICY, told="policy-withdrawn-told")


def _listed(would: Withdrawal) -> str:
    return ", ".join(map(str, would.taken))
