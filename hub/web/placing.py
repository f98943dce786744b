"""For the administrator: places, added and corrected, with their opening hours, and the codes to print for them."""

from __future__ import annotations

from typing import Any

from litestar import Router, get, post
from litestar.exceptions import NotFoundException
from litestar.response import Redirect

from core.model import GateKind
from hub.officials import audit
from hub.officials.rights import Right
from hub.register import areas, places, registry
from hub.register.people import PlaceRecord
from hub.register.places import Place
from hub.web.citizens import pictures
from hub.web.form import Form, Visit
from hub.web.officials import caller, now, official, officials, show
from hub.web.page import Page, see_other
from hub.web.placing_form import FIELDS, found_areas, read, values_of
from hub.web.site import Site

PLACES = "/officers/places"
NEW = f"{PLACES}/new"


def router(site: Site) -> Router:
    """The list, the form of one place, and its code."""

    @get(PLACES, sync_to_thread=True)
    def listed(request: Visit) -> Page:
        with site.store.reading() as connection:
            found = places.listed(connection)
        unread = {each.code for each in found if not places.has_clear_hours(each)}
        return show(request, "officers/places.html", found=found, unread=unread, area=areas.title)

    @get(NEW, sync_to_thread=True)
    def blank(request: Visit) -> Page:
        return _page(request, {})

    @post(NEW, sync_to_thread=True)
    def add(request: Visit, form: Form) -> Page | Redirect:
        return _sent(site, request, form, None)

    @get(f"{PLACES}/{{code:str}}", sync_to_thread=True)
    def one(request: Visit, code: str) -> Page:
        place = _place(site, code)
        return _page(request, values_of(place), place)

    @post(f"{PLACES}/{{code:str}}", sync_to_thread=True)
    def correct(request: Visit, form: Form, code: str) -> Page | Redirect:
        return _sent(site, request, form, _place(site, code))

    return officials(site, Right.PLACES, [listed, blank, add, one, correct])


def _place(site: Site, code: str) -> Place:
    with site.store.reading() as connection:
        place = places.find(connection, code)
    if place is None:
        raise NotFoundException
    return place


def _page(request: Visit, values: Form | dict[str, str], place: Place | None = None, **shown: Any) -> Page:  # noqa: ANN401  # the form's own
    found = shown.pop("found", None)
    if found is None and place is not None:
        found = [(values_of(place)["area"], areas.title(place.area))]
    own = {
        "place": place,
        "kinds": list(GateKind),
        "found": found,
        "picture": pictures.inline(place.posted) if place is not None and place.posted else "",
        "labels": {name: f"place-{name}" for name in FIELDS},
    }
    return show(request, "officers/place.html", values=values, context=own, **shown)


def _sent(site: Site, request: Visit, form: Form, place: Place | None) -> Page | Redirect:
    found = [(each, areas.title(area)) for each, area in found_areas(form.text("where"), site.edition).items()]
    if form.text("do") == "find":
        return _page(request, form, place, found=found)
    record, faults = read(form, place, site.edition)
    if record is None or faults:
        return _page(request, form, place, faults=faults, found=found, status=422)
    if not _put(site, request, record, is_new=place is None):
        return _page(request, form, place, faults={"code": "fault-place-taken"}, found=found, status=422)
    return see_other(request, f"{PLACES}/{record.code}", told="saved")


def _put(site: Site, request: Visit, record: PlaceRecord, *, is_new: bool) -> bool:
    """Keeps the place and who wrote it; False when another place has the code of a new one."""
    with site.store.writing() as connection:
        if is_new and places.find(connection, record.code) is not None:
            return False
        registry.put_place(connection, record)
        detail = {"place": record.code, "what": "added" if is_new else "changed"}
        audit.append(connection, official(request), "site", now(), address=caller(request), detail=detail)
    return True
