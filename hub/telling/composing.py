"""Alarms in words for somebody far from the wall: one message for all that began or ended together, by kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial

import msgspec

from hub.stations.alarms import Event
from hub.web import words
from hub.web.fleet import wording

TITLES_AT_MOST = 3


class Told(msgspec.Struct, frozen=True):
    """One alarm that began, or is over (``what``); ``id`` is its event's: the same when it is told again."""

    id: int
    what: str
    kind: str
    title: str
    station: str
    place: str
    place_name: str
    subject: str
    at: datetime
    detail: str


class Message(msgspec.Struct, frozen=True):
    """What a webhook is sent: a headline, the whole as text, and each alarm."""

    title: str
    text: str
    alarms: tuple[Told, ...]
    trial: bool = False


def compose(
    events: Iterable[Event], places: Mapping[str, tuple[str, str]], names: Mapping[str, str], language: str
) -> Message:
    """One message; ``places`` gives a station's place and its name, ``names`` those of places by their codes."""
    t = partial(words.word, language)
    alarms = tuple(_told(each, places, names, t) for each in events)
    begun = [each for each in alarms if each.what == "began"]
    title = t("tell-title", count=len(begun)) if begun else t("tell-title-over", count=len(alarms) - len(begun))
    kinds = list(dict.fromkeys(each.title for each in begun or alarms))
    more = f" (+{len(kinds) - TITLES_AT_MOST})" if len(kinds) > TITLES_AT_MOST else ""
    return Message(f"{title}: {', '.join(kinds[:TITLES_AT_MOST])}{more}", "\n".join(_lines(alarms, t)), alarms)


def trial(language: str, now: datetime) -> Message:
    """A message that says that messages arrive."""
    t = partial(words.word, language)
    return Message(t("tell-trial-title"), t("tell-trial", at=wording.clock(now, now)), (), trial=True)


def _told(event: Event, places: Mapping[str, tuple[str, str]], names: Mapping[str, str], t: wording.Words) -> Told:
    place, place_name = places.get(event.station, ("", ""))
    detail = wording.detail(t, event.kind, event.subject, event.facts, names, event.at) or event.detail
    own = (event.station, place, place_name, event.subject, event.at)
    return Told(event.id, event.what, event.kind, wording.title(t, event.kind), *own, detail)


def _lines(alarms: Iterable[Told], t: wording.Words) -> Iterable[str]:
    kinds: dict[tuple[str, str], list[Told]] = {}
    for each in alarms:
        kinds.setdefault((each.what, each.title), []).append(each)
    for (what, title), several in kinds.items():
        yield f"{title} ({len(several)})" if what == "began" else t("tell-over", what=title, count=len(several))
        for each in several:
            where = " · ".join(filter(None, (each.station, each.place_name)))
            yield "  " + " – ".join(filter(None, (wording.clock(each.at, each.at), where, each.detail)))
