"""The policy pages: what gates ask now, a form for the next version, its preview and trial, and the way back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import partial
from typing import Any, cast

import msgspec
import sqlalchemy as sa
from litestar import Router, get, post
from litestar.exceptions import NotFoundException
from litestar.response import Redirect

from core import words as gate_words
from core.model import Area, GateKind
from core.rules import EXPOSURES, SYMPTOMS, FlaggedPlace, Policy, Zone
from core.words import Language
from core.zones import bare
from hub.errors import DataError
from hub.journals import rehearsal
from hub.officials import audit
from hub.officials.rights import Right
from hub.policy import editions, policies, withdrawing
from hub.policy.policies import Version
from hub.policy.preview import Words, day, on_map, sections
from hub.register import areas, places
from hub.stations.fleet import Tokens
from hub.web import words
from hub.web.form import Form, Visit
from hub.web.officials import caller, now, official, officials, show
from hub.web.page import Page, language, see_other
from hub.web.policy_form import (
    GROUPS,
    LENGTHS,
    YES_NO,
    fields_of,
    new_place,
    new_zone,
    pack,
    read,
    sent_values,
    unpack,
    values_of,
)
from hub.web.site import Site

POLICY = "/officers/policy"
NEW = f"{POLICY}/new"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STARTING = Policy(version=1, issued=EPOCH, effective=EPOCH)


def router(site: Site) -> Router:
    """Everything about policy."""

    @get(POLICY, sync_to_thread=True)
    def overview(request: Visit) -> Page:
        return _overview(site, request)

    @get(f"{POLICY}/{{number:int}}", sync_to_thread=True)
    def one(request: Visit, number: int) -> Page:
        version = _version(site, number)
        with site.store.reading() as connection:
            scopes = dict(scopes_of(connection, words_of(request)))
            told = sections(_chosen(version.policy), words_of(request), areas.title, _names(connection))
            may = number in _may_be_withdrawn(connection)
        both = editions.on_both_maps(version.policy)
        own = {"version": version, "sections": told, "scopes": scopes, "day": day, "both": both, "may": may}
        return show(request, "officers/policy_version.html", context=own)

    @post(f"{POLICY}/{{number:int}}/again", sync_to_thread=True)
    def again(request: Visit, number: int) -> Page:
        with site.store.reading() as connection:
            draft = policies.again(connection, _with_rules(_version(site, number).policy), now())
        return _check(site, request, draft, rolled_back=number)

    @get(NEW, sync_to_thread=True)
    def blank(request: Visit, start: int = 0) -> Page:
        base = _version(site, start).policy if start else _STARTING
        return _form(site, request, values_of(base, words_of(request)), start=start)

    @post(NEW, sync_to_thread=True)
    def fill(request: Visit, form: Form) -> Page:
        return _filled(site, request, form)

    @post(f"{POLICY}/publish", sync_to_thread=True)
    def publish(request: Visit, form: Form) -> Page | Redirect:
        draft = unpack(form.all("document"), Policy)
        if draft is None:
            raise NotFoundException
        return _publish(site, request, _with_rules(draft))

    @post(f"{POLICY}/edit", sync_to_thread=True)
    def edit(request: Visit, form: Form) -> Page:
        draft = unpack(form.all("document"), Policy)
        if draft is None:
            raise NotFoundException
        return _form(site, request, values_of(draft, words_of(request)), start=0)

    return officials(site, Right.POLICY, [overview, one, again, blank, fill, edit, publish])


def _overview(site: Site, request: Visit) -> Page:
    with site.store.reading() as connection:
        history = policies.history(connection, site.ring)
        current = {each.version for each in policies.in_force(connection, now()).values()}
        scopes = dict(scopes_of(connection, words_of(request)))
        may = _may_be_withdrawn(connection)
    one_map = [each.policy.version for each in history if each.policy.version in current and _is_of_one_map(each)]
    own = {"history": history, "current": current, "scopes": scopes, "day": day, "moment": now(), "one_map": one_map}
    return show(request, "officers/policy.html", overtaken=policies.overtaken(history), may=may, context=own)


def _may_be_withdrawn(connection: sa.Connection) -> set[int]:
    """The numbers whose scope has a wider one and rules that can be taken back."""
    found = withdrawing.standing(connection, now())
    return {number for scope, numbers in found.items() if scope != withdrawing.EVERYBODY for number in numbers}


def _with_rules(policy: Policy) -> Policy:
    """The same, unless it only takes rules back: that has a question of its own."""
    if policy.is_withdrawn:
        raise NotFoundException
    return policy


def _is_of_one_map(version: Version) -> bool:
    """Whether a policy has zones that the other map's addresses never match: published by an older program."""
    return editions.expanded(version.policy).zones != version.policy.zones


def _chosen(policy: Policy) -> Policy:
    """The policy with the zones that somebody chose, each once."""
    return msgspec.structs.replace(policy, zones=editions.originals(policy.zones))


def words_of(request: Visit) -> Words:
    """The pages' words in the reader's language."""
    return partial(words.word, language(request))


def said_at_gates(request: Visit) -> Callable[[str], str]:
    """The words of the gates' displays for outcomes and reasons, in the page's language."""
    return partial(gate_words.word, language=cast("Language", language(request)))


def _version(site: Site, number: int) -> Version:
    with site.store.reading() as connection:
        found = policies.version(connection, site.ring, number)
    if found is None:
        raise NotFoundException
    return found


def _filled(site: Site, request: Visit, form: Form) -> Page:
    start = form.number("start") or 0
    base = _version(site, start).policy if start else _STARTING
    with site.store.reading() as connection:
        draft = read(form, base, policies.next_version(connection), now())
        scopes = dict(scopes_of(connection, words_of(request)))
        codes = list(_names(connection))
    values = sent_values(form) | {"zones": pack(draft.policy.zones), "places": pack(draft.policy.places)}
    show_form = partial(_form, site, request, start=start)
    do = form.text("do")
    if do == "find-zone":
        return show_form(values, found=_found(form, words_of(request)))
    if do in ("add-zone", "add-place"):
        added, faults = new_zone(form) if do == "add-zone" else new_place(form, codes)
        if added is None:
            return show_form(values, faults=faults, status=422, found=_found(form, words_of(request)))
        return show_form(_with(values, draft.policy, added))
    if do == "leave-out":
        return show_form(values)
    if draft.policy.scope not in scopes:
        draft.faults["scope"] = "fault-choose"
    if draft.faults:
        return show_form(values, faults=draft.faults, status=422)
    return _check(site, request, draft.policy)


def _with(values: dict[str, Any], policy: Policy, added: Zone | FlaggedPlace) -> dict[str, Any]:
    done = {name: "" for name in values if name.startswith(("zone-", "place-"))}
    if isinstance(added, Zone):
        return values | done | {"zones": pack((*policy.zones, added))}
    return values | done | {"places": pack((*policy.places, added))}


def _found(form: Form, t: Words) -> list[tuple[str, str]]:
    """Areas that the typed words may mean, both editions, each as a code with its name."""
    typed = form.text("zone-words")[:100]
    provinces = [
        areas.area(edition, unit.code)
        for edition in areas.EDITIONS
        for unit in areas.provinces(edition)
        if typed and bare(typed) in bare(unit.name)
    ]
    below = [area for edition in areas.EDITIONS for area in areas.search(typed, edition, limit=8)]
    every = [area for area in (*provinces, *below) if area is not None]
    return [
        (f"{area.edition}/{area.commune or area.district or area.province}", on_map(area, t, areas.title))
        for area in every
    ]


def _form(
    site: Site,
    request: Visit,
    values: dict[str, Any],
    *,
    start: int,
    faults: dict[str, str] | None = None,
    status: int = 200,
    found: Iterable[tuple[str, str]] | None = None,
) -> Page:
    t = words_of(request)
    with site.store.reading() as connection:
        scopes = list(scopes_of(connection, t))
        names = _names(connection)
    zones = unpack(values["zones"], tuple[Zone, ...]) or ()
    flagged = unpack(values["places"], tuple[FlaggedPlace, ...]) or ()
    return show(
        request,
        "officers/policy_form.html",
        values=values,
        faults=faults,
        status=status,
        start=start,
        found=None if found is None else list(found),
        scopes=scopes,
        places=list(names.items()),
        zones=[(on_map(_area_of(zone), t, areas.title), zone) for zone in zones],
        flagged=[(names.get(each.place, each.place), each) for each in flagged],
        kinds=list(GateKind),
        fields={kind: fields_of(kind) for kind in GateKind},
        day=day,
        options=_options(t),
    )


def _options(t: Words) -> dict[str, list[tuple[str, str]]]:
    """What can be ticked, each value with its words."""
    return {
        "required": [(name, t(f"policy-group-{name}")) for name in GROUPS],
        "symptoms": [(name, t(f"symptom-{name}")) for name in SYMPTOMS],
        "exposures": [(name, t(f"exposure-{name}")) for name in EXPOSURES],
        "rules": [(name, t(f"policy-rule-{name}")) for name in YES_NO],
        "unasked": [(name, t(f"policy-unasked-{name}")) for name in ("unverified", "warn", "pass")],
        "lengths": [(name, t(f"policy-length-{name}")) for name in LENGTHS],
        "ages": [(name, t(f"policy-age-{name}")) for name in GROUPS],
    }


def _area_of(zone: Zone) -> Area:
    return Area(zone.edition, zone.province, zone.district, zone.commune, zone.hamlet, zone.point)


def _names(connection: sa.Connection) -> dict[str, str]:
    """Every place by its code, in the order of the names."""
    return dict(places.named(connection))


def scopes_of(connection: sa.Connection, t: Words) -> list[tuple[str, str]]:
    """Every scope that can be chosen: all, the gate kinds, and the districts and stations that there are."""
    tokens = Tokens()
    tokens.reload(connection)
    gates = sorted(tokens.all, key=lambda gate: gate.name)
    districts = {(gate.edition, gate.district) for gate in gates if gate.district}
    named = [(f"district/{edition}/{code}", areas.find(edition, code)) for edition, code in sorted(districts)]
    return [
        ("all", t("policy-scope-all")),
        *((f"kind/{kind.value}", t("policy-scope-kind", kind=t(f"gate-{kind.value}"))) for kind in GateKind),
        *((scope, t("policy-scope-district", name=unit.name if unit else scope)) for scope, unit in named),
        *(
            (f"station/{gate.name}", t("policy-scope-station", name=f"{gate.name} ({gate.place_name})"))
            for gate in gates
        ),
    ]


def _check(site: Site, request: Visit, draft: Policy, rolled_back: int = 0) -> Page:
    t, draft = words_of(request), _chosen(draft)
    with site.store.reading() as connection:
        trial = rehearsal.rehearse(connection, site.ring, editions.expanded(draft), now())
        scopes = dict(scopes_of(connection, t))
        published = policies.in_force(connection, now()).get(draft.scope)
        ruling = published is not None and not published.withdrawn
        former = policies.version(connection, site.ring, published.version) if published and ruling else None
        names = _names(connection)
    before = (
        {each.kind: each.sentences for each in sections(_chosen(former.policy), t, areas.title, names)}
        if former
        else {}
    )
    changes = [
        (each.kind, [(sentence, sentence in before.get(each.kind, ())) for sentence in each.sentences],
         [sentence for sentence in before.get(each.kind, ()) if sentence not in each.sentences])
        for each in sections(draft, t, areas.title, names)
    ]  # fmt: skip
    return show(
        request,
        "officers/policy_check.html",
        draft=draft,
        document=pack(draft),
        changes=changes,
        both=editions.on_both_maps(draft),
        former=former,
        withdrawn=published is not None and published.withdrawn,
        trial=trial,
        scopes=scopes,
        rolled_back=rolled_back,
        day=day,
        said=said_at_gates(request),
    )


def _publish(site: Site, request: Visit, draft: Policy) -> Page | Redirect:
    """Gives the draft its number now: somebody else may have published since the preview."""
    moment, account = now(), official(request)
    try:
        with site.store.writing() as connection:
            policies.alone(connection)
            number = policies.next_version(connection)
            effective = max(draft.effective, moment)
            policy = msgspec.structs.replace(draft, version=number, issued=moment, effective=effective)
            policies.must_reach(connection, policy.scope)
            policies.publish(connection, site.ring, policy, moment, account.name)
            detail = {"version": number, "scope": policy.scope}
            audit.append(connection, account, "policy", moment, address=caller(request), detail=detail)
    except DataError:
        raise NotFoundException from None
    site.centre.refresh()
    return see_other(request, POLICY, told="policy-published")
