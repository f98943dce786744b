"""Charts of scans by hour, place and district, and how many are inside a place now: counts, for who runs the fleet."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa
from litestar import Router, get

from hub.inquiries import charting
from hub.inquiries.charting import Chart, Part, added
from hub.inquiries.occupancy import Recent
from hub.officials.rights import Right
from hub.register import areas
from hub.register.naming import in_order
from hub.storage.tables import places, stations
from hub.web.fleet.choosing import LONGEST
from hub.web.form import Visit
from hub.web.officials import now, officials, show
from hub.web.page import Page
from hub.web.site import Site

CHARTS = "/officers/charts"
DAYS = (1, 7, 30)


class Drawn(msgspec.Struct, frozen=True):
    """What the script draws: unix times and a list a curve."""

    times: tuple[int, ...]
    scans: tuple[int, ...]
    passes: tuple[int, ...]
    warns: tuple[int, ...]


def router(site: Site) -> Router:
    """The page."""
    recent = Recent()

    @get(CHARTS, sync_to_thread=True)
    def charts(request: Visit) -> Page:
        asked = request.query_params
        days = next((each for each in DAYS if asked.get("days") == str(each)), DAYS[0])
        district, place = (asked.get(name, "")[:LONGEST] for name in ("district", "place"))
        with site.store.reading() as connection:
            chart = charting.chart(connection, now(), days, district, place)
            inside = recent.of(connection, place, now()) if place else None
            known = sorted(connection.execute(_KNOWN), key=lambda row: (in_order(row.name), row.code))
        by_code = {row.code: f"{row.edition}/{row.district}" if row.district else "" for row in known}
        districts = {(code, _named(code)) for code in by_code.values() if code}
        told = {
            "chart": chart,
            "drawn": msgspec.json.encode(_drawn(chart)).decode(),
            "inside": inside,
            "days": days,
            "all_days": DAYS,
            "asked": {"district": district, "place": place},
            "places": [(row.code, row.name) for row in known],
            "districts": sorted(districts, key=lambda each: in_order(each[1])),
            "by_place": chart.places[: charting.PLACES_AT_MOST],
            "by_district": _by_district(chart.places, by_code),
        }
        return show(request, "officers/charts.html", context=told)

    return officials(site, Right.FLEET, [charts])


_KNOWN = sa.select(places.c.code, places.c.name, places.c.edition, places.c.district).where(
    places.c.code.in_(sa.select(stations.c.place))
)


def _drawn(chart: Chart) -> Drawn:
    counts = [each.counts for each in chart.buckets]
    return Drawn(
        tuple(int(each.begins.timestamp()) for each in chart.buckets),
        tuple(each.scans for each in counts),
        tuple(each.passes for each in counts),
        tuple(each.warns for each in counts),
    )


def _named(code: str) -> str:
    edition, _, number = code.partition("/")
    unit = areas.find(edition, number)
    return unit.name if unit is not None else code


def _by_district(parts: tuple[Part, ...], by_code: dict[str, str]) -> list[Part]:
    found: dict[str, list[Part]] = {}
    for each in parts:
        if district := by_code.get(each.code, ""):
            found.setdefault(district, []).append(each)
    sums = [Part(code, _named(code), added(each.counts for each in several)) for code, several in found.items()]
    return sorted(sums, key=lambda each: (-each.counts.scans, in_order(each.name)))
