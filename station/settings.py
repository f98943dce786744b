"""The frozen settings of one station: sections, and drivers as chosen but not opened."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct, field

from drivers import buttons, buzzer, camera, led, oled, relay, scanner
from station import sections

SECTIONS: Final[Mapping[str, type]] = {
    "station": sections.Station,
    "hub": sections.Hub,
    "mqtt": sections.Mqtt,
    "place": sections.Place,
    "reading": sections.Reading,
    "quiet": sections.Quiet,
    "journal": sections.Journal,
    "snapshot": sections.Snapshot,
    "orders": sections.Orders,
    "front": sections.Front,
    "metrics": sections.Metrics,
    "log": sections.Log,
    "trust": sections.Trust,
}
"""The sections without a driver, by name."""

DEVICES: Final[Mapping[str, Mapping[str, type]]] = {
    "camera": camera.DRIVERS,
    "scanner": scanner.DRIVERS,
    "led": led.DRIVERS,
    "buzzer": buzzer.DRIVERS,
    "display": oled.DRIVERS,
    "relay": relay.DRIVERS,
    "buttons": buttons.DRIVERS,
}
"""The sections that choose a driver, by name; ``scanner`` is a list of such sections."""


JOURNAL: Final = "journal.db"
"""The journal's name in its folder."""

COMPANIONS: Final[Mapping[str, type]] = {"scanner": sections.Framing, "relay": sections.Release}
"""Keys of a device's section that are the station's business and not the driver's."""


class Scanner(Struct, frozen=True, kw_only=True):
    """One ``[[scanner]]``: its driver, not opened, and how what it sends becomes texts."""

    device: scanner.Scanner
    framing: sections.Framing = field(default_factory=sections.Framing)


class Settings(Struct, frozen=True, kw_only=True):
    """Everything a station is told; ``Settings()`` is one without a wire and without a hub."""

    station: sections.Station = field(default_factory=sections.Station)
    hub: sections.Hub = field(default_factory=sections.Hub)
    mqtt: sections.Mqtt = field(default_factory=sections.Mqtt)
    place: sections.Place = field(default_factory=sections.Place)
    reading: sections.Reading = field(default_factory=sections.Reading)
    quiet: sections.Quiet = field(default_factory=sections.Quiet)
    journal: sections.Journal = field(default_factory=sections.Journal)
    snapshot: sections.Snapshot = field(default_factory=sections.Snapshot)
    orders: sections.Orders = field(default_factory=sections.Orders)
    front: sections.Front = field(default_factory=sections.Front)
    metrics: sections.Metrics = field(default_factory=sections.Metrics)
    log: sections.Log = field(default_factory=sections.Log)
    trust: sections.Trust = field(default_factory=sections.Trust)
    camera: camera.Camera = field(default_factory=camera.NullCamera)
    scanners: tuple[Scanner, ...] = ()
    led: led.Light = field(default_factory=led.NullLight)
    buzzer: buzzer.Buzzer = field(default_factory=buzzer.NullBuzzer)
    display: oled.Display = field(default_factory=oled.NullDisplay)
    relay: relay.Relay = field(default_factory=relay.NullRelay)
    release: sections.Release = field(default_factory=sections.Release)
    buttons: buttons.Buttons = field(default_factory=buttons.NullButtons)

    @property
    def data(self) -> Path:
        """The folder that holds the journal and the status file."""
        return self.station.data

    @property
    def journal_path(self) -> Path:
        """The journal's file."""
        return self.data / JOURNAL

    @property
    def policies_path(self) -> Path:
        """The file of signed policies that the station holds."""
        return self.data / "policies.json"

    @property
    def holds_snapshot(self) -> bool:
        """Whether the province's standings are to be held: they come over HTTP, or by the broker without a url."""
        return self.snapshot.enabled and (bool(self.hub.url) or self.uses_mqtt)

    @property
    def mqtt_username(self) -> str:
        """The name given to the broker: the station's, unless another is configured."""
        return self.mqtt.username or self.station.name

    @property
    def mqtt_password(self) -> str:
        """The password given to the broker: the hub's token, unless another is configured."""
        return self.mqtt.password or self.hub.token

    @property
    def command_key(self) -> bytes:
        """The key that orders are believed by: a key of their own, else the policy's; empty when nobody may order."""
        return (self.hub.command_key or self.hub.policy_key) if self.orders.enabled else b""

    @property
    def has_hub(self) -> bool:
        """Whether there is anybody to ask or to bring rows to."""
        return bool(self.hub.url or self.mqtt.host)

    @property
    def uses_mqtt(self) -> bool:
        """Whether look-ups or check-ins go over the broker."""
        return "mqtt" in (self.hub.lookups, self.hub.checkins)
