"""What Home Assistant is told of a station, in the documents of its MQTT discovery by device: plain arithmetic.

One document describes a station with everything that is shown of it; another has the figures, as the wall has them.
Whether a station is there is the hub's word.  Nothing in any of them is about people.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec

from core.health import Health, shortened
from hub.config import HomeAssistantSettings
from hub.web import words
from hub.web.fleet.lines import Line
from hub.web.fleet.wording import Words

MAKER = "Trạm Quét"
THERE = ("online", "late")
ONLINE, OFFLINE = b"online", b"offline"
STATE_AT_MOST = 255
"""Characters of a state; Home Assistant takes no more."""


class Said(msgspec.Struct, frozen=True):
    """The document of a station's figures; None where it cannot say, which Home Assistant shows as unknown."""

    online: str
    troubled: str
    trouble: str
    alarms: int
    backlog: int | None = None
    oldest: int | None = None
    temperature: int | None = None
    weak_power: str | None = None
    scans: int | None = None


class _Figure(msgspec.Struct, frozen=True, omit_defaults=True):
    """One of the things shown of a station, as Home Assistant's documents name its keys."""

    platform: str
    name: str
    unique_id: str
    value_template: str
    device_class: str | None = None
    unit_of_measurement: str | None = None
    state_class: str | None = None
    entity_category: str | None = None
    availability: list[dict[str, str]] | None = None


class _Described(msgspec.Struct):
    state_topic: str
    origin: dict[str, str]


class Topics:
    """Where everything is published."""

    def __init__(self, settings: HomeAssistantSettings) -> None:
        self._prefix, self.root = settings.prefix, settings.topic

    @property
    def hub(self) -> str:
        """Whether the hub is there; its last will says that it is not."""
        return f"{self.root}/hub"

    @property
    def every(self) -> str:
        """All descriptions that there are, of whomever."""
        return f"{self._prefix}/device/+/config"

    def described(self, station: str) -> str:
        """A station's description."""
        return f"{self._prefix}/device/{self.root}-{station}/config"

    def figures(self, station: str) -> str:
        """A station's figures."""
        return f"{self.root}/{station}/state"

    def there(self, station: str) -> str:
        """Whether a station is there."""
        return f"{self.root}/{station}/there"

    def own(self, station: str) -> tuple[str, str, str]:
        """All of a station's."""
        return self.described(station), self.figures(station), self.there(station)

    def station_of(self, description: bytes) -> str:
        """The station that a description of ours is of; nothing for another's."""
        try:
            told = msgspec.json.decode(description, type=_Described)
        except msgspec.MsgspecError:
            return ""
        root, _, station = told.state_topic.removesuffix("/state").partition("/")
        return station if told.origin.get("name") == MAKER and root == self.root else ""


def description(line: Line, topics: Topics, language: str) -> bytes:
    """A station with everything that is shown of it; the same until it moves or runs other software."""
    t, view, name = partial(words.word, language), line.view, line.name
    hub = {"topic": topics.hub}
    software = view.health.versions.software if view.health is not None else ""
    about = {
        "device": {
            "identifiers": [f"{topics.root}-{name}"],
            "name": name,
            "manufacturer": MAKER,
            "model": t(f"gate-{view.kind}") if f"gate-{view.kind}" in words.CATALOGUES[language] else view.kind,
            **({"sw_version": software} if software else {}),
            **({"suggested_area": view.place_name} if view.place_name else {}),
        },
        "origin": {"name": MAKER},
        "state_topic": topics.figures(name),
        "availability": [hub, {"topic": topics.there(name)}],
        "availability_mode": "all",
        "components": _figures(t, f"{topics.root}-{name}", hub),
    }
    return msgspec.json.encode(about)


def _figures(t: Words, own: str, hub: dict[str, str]) -> dict[str, _Figure]:
    """By their names in ``Said``; those that say that a station is not there must be had when it is not."""

    def one(key: str, platform: str, word: str, **more: Any) -> _Figure:  # noqa: ANN401  # fields of a struct
        return _Figure(platform, t(word), f"{own}-{key}", f"{{{{ value_json.{key} }}}}", **more)

    always: dict[str, Any] = {"availability": [hub]}
    counted: dict[str, Any] = {"state_class": "measurement"}
    return {
        "online": one("online", "binary_sensor", "state-online", device_class="connectivity", **always),
        "troubled": one("troubled", "binary_sensor", "wall-troubled", device_class="problem", **always),
        "trouble": one("trouble", "sensor", "wall-trouble", **always),
        "alarms": one("alarms", "sensor", "alarm-title", **counted, **always),
        "backlog": one("backlog", "sensor", "wall-backlog", **counted),
        "oldest": one(
            "oldest", "sensor", "assistant-oldest", device_class="duration", unit_of_measurement="s", **counted
        ),
        "temperature": one(
            "temperature",
            "sensor",
            "station-temperature",
            device_class="temperature",
            unit_of_measurement="°C",
            entity_category="diagnostic",
            **counted,
        ),
        "weak_power": one(
            "weak_power", "binary_sensor", "trouble-power", device_class="problem", entity_category="diagnostic"
        ),
        "scans": one("scans", "sensor", "wall-scans", **counted),
    }


def said(line: Line, alarms: int, language: str) -> bytes:
    """A station's figures, rounded as the wall rounds them, so that they are news only when they changed."""
    t = partial(words.word, language)
    trouble = shortened(" · ".join(line.said(t)), STATE_AT_MOST) if line.troubled else "–"
    own = Said(_switch(line.state in THERE), _switch(line.troubled), trouble, alarms, scans=line.scans)
    return msgspec.json.encode(own if line.health is None else _of_health(own, line.health))


def _of_health(own: Said, health: Health) -> Said:
    board, journal = health.board, health.journal
    waits = journal.oldest if journal.backlog and journal.oldest is not None else 0
    return msgspec.structs.replace(
        own,
        backlog=journal.backlog,
        oldest=round(waits),
        temperature=None if board.temperature is None else round(board.temperature),
        weak_power=None if board.under_voltage is None else _switch(board.under_voltage),
    )


def _switch(on: bool) -> str:
    return "ON" if on else "OFF"
