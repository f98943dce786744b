"""Which stations a reader wants to see, as the address bar says it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from hub.register.naming import in_order
from hub.web.fleet.lines import Line, Look

NAMES = ("district", "place", "kind")
LONGEST = 64
TICKS = ("trouble", "all", "kiosk")
SHOWN_AT_MOST = 200
"""So many lines at once, the gravest; a link shows the rest."""


class Choice(msgspec.Struct, frozen=True):
    """Empty fields choose everything."""

    district: str = ""
    place: str = ""
    kind: str = ""
    trouble: bool = False
    everything: bool = False
    kiosk: bool = False
    group: str = ""

    def admits(self, line: Line) -> bool:
        """Whether a station belongs to what was chosen."""
        view = line.view
        if self.trouble and not line.troubled:
            return False
        asked = ((self.district, view.district), (self.place, view.place), (self.kind, view.kind))
        return all(not wanted or wanted == had for wanted, had in asked)

    def query(self, **changed: str) -> dict[str, str]:
        """The same for an address, with some of it changed; what is empty is left out."""
        ticked = zip(TICKS, (self.trouble, self.everything, self.kiosk), strict=True)
        own = {name: getattr(self, name) for name in NAMES} | {name: "1" if on else "" for name, on in ticked}
        own["group"] = self.group
        return {name: value for name, value in (own | changed).items() if value}


def chosen(asked: Mapping[str, str]) -> Choice:
    """What an address asks for; too long is nothing."""
    texts = {name: value for name in NAMES if len(value := asked.get(name, "")) <= LONGEST}
    trouble, everything, kiosk = (asked.get(name) == "1" for name in TICKS)
    group = asked.get("group", "")
    grouped = group if group in NAMES else ""
    return Choice(**texts, trouble=trouble, everything=everything, kiosk=kiosk, group=grouped)


class Group(msgspec.Struct, frozen=True):
    """Stations that share a district, place or kind: how many, how they are, and their worst."""

    code: str
    name: str
    sums: dict[str, int]
    worst: Line
    backlog: int
    scans: int


def grouped(look: Look, lines: Iterable[Line], by: str) -> list[Group]:
    """The chosen lines by what they share, the group with the gravest trouble first."""
    found: dict[str, list[Line]] = {}
    for line in lines:
        found.setdefault(getattr(line.view, by), []).append(line)
    groups = [_group(look, code, several, by) for code, several in found.items()]
    return sorted(groups, key=lambda each: (each.worst.rank, in_order(each.name)))


def _group(look: Look, code: str, several: list[Line], by: str) -> Group:
    worst = min(several, key=lambda each: each.rank)
    backlog = sum(each.health.journal.backlog for each in several if each.health is not None)
    name = getattr(worst.view, f"{by}_name", "") or code
    sums = msgspec.structs.replace(look, lines=tuple(several)).sums()
    return Group(code, name, sums, worst, backlog, sum(each.scans or 0 for each in several))


def offered(lines: Iterable[Line]) -> dict[str, list[tuple[str, str]]]:
    """What can be chosen: codes with their names, by name."""
    found: dict[str, dict[str, str]] = {name: {} for name in NAMES}
    for line in lines:
        view = line.view
        found["district"][view.district] = view.district_name or view.district
        found["place"][view.place] = view.place_name or view.place
        found["kind"][view.kind] = view.kind
    return {
        name: sorted(((code, words) for code, words in of.items() if code), key=lambda each: in_order(each[1]))
        for name, of in found.items()
    }
