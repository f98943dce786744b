"""What the sections of a configuration say against each other, and what is allowed but hardly meant."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

from drivers.camera import NullCamera
from drivers.led import NullLight
from drivers.oled import NullDisplay
from drivers.scanner import NullScanner
from drivers.scanner_sim import SimBytes, SimKeys
from station.options import options
from station.sections import host_of, is_near
from station.settings import Settings

Fault = tuple[frozenset[str], str]
"""The sections that a fault speaks of, and the fault."""


PIN_OPTIONS = frozenset(("pin", "red", "green", "blue"))
"""Options of drivers that are GPIO numbers, beside those whose name ends in ``_pin``."""

BUS_PINS = {"i2c": (2, 3), "spi": (10, 11)}
"""What a display's bus takes of the header: data and clock of I2C 1 and of SPI 0."""

_SHARED = (NullScanner, SimBytes, SimKeys)
"""Scanners of which there may be any number."""

SPI_ONLY = frozenset(("dc_pin", "reset_pin"))


def contradictions(settings: Settings) -> Iterator[Fault]:
    """Faults that only show when sections are held against each other."""
    yield from _hub(settings)
    yield from _place(settings)
    yield from _pins(settings)
    yield from _formats(settings)
    yield from _scanners(settings)
    yield from _ports(settings)


def _hub(settings: Settings) -> Iterator[Fault]:
    hub, mqtt = settings.hub, settings.mqtt
    both = frozenset(("hub", "mqtt"))
    for key in ("lookups", "checkins"):
        if getattr(hub, key) == "mqtt" and not mqtt.host:
            yield both, f'[hub] {key}: "mqtt" needs a broker; give [mqtt] host, or write {key} = "http"'
        if getattr(hub, key) == "http" and not hub.url and mqtt.host:
            yield both, f'[hub] {key}: "http" needs an address; give [hub] url, or write {key} = "mqtt"'
    if hub.ca_file is not None and not hub.url.startswith("https:"):
        yield frozenset(("hub",)), "[hub] ca_file: it is only for https; correct url, or leave ca_file out"
    if not settings.has_hub:
        return
    for key, why in (("sealing_key", "rows are sealed to it"), ("policy_key", "the policy is verified with it")):
        if not getattr(hub, key):
            yield both, f"[hub] {key}: missing; {why}; `hub keys show` at the hub prints it"
    if not hub.token and hub.token_file is None:
        yield both, "[hub] token_file: missing; the hub answers nobody without a token; name the file that holds it"


def _place(settings: Settings) -> Iterator[Fault]:
    """What the gates of a place need to agree: the place, named as a topic can be, and the key that they share."""
    place, both = settings.place, frozenset(("place", "station"))
    if not place.host:
        return
    if not settings.station.place:
        yield both, "[station] place: missing; [place] host is the broker of a place; `hub station add` prints its code"
    if set(settings.station.place) & set("/+#"):
        yield both, f"[station] place: {settings.station.place} cannot be in a topic; leave out / + and #"
    if not place.place_key:
        told = "missing; the place's gates know each other by it; `hub station add` at the hub prints it"
        yield frozenset(("place",)), f"[place] place_key: {told}"


def _formats(settings: Settings) -> Iterator[Fault]:
    """Formats that no chosen engine reads; zxing reads them all."""
    reading = settings.reading
    if "zxing" in reading.engines or isinstance(settings.camera, NullCamera):
        return
    from station.reading.zbar import ZbarDecoder

    unread = [one.value for one in reading.formats if one not in ZbarDecoder.SYMBOLS]
    if unread:
        told = f'{", ".join(unread)}: zbar alone does not read that; add "zxing" to engines, or leave it out'
        yield frozenset(("reading",)), f"[reading] formats: {told}"


def _scanners(settings: Settings) -> Iterator[Fault]:
    """Two scanners that would find the same device: the second never gets it."""
    numbered = [(number, one.device) for number, one in enumerate(settings.scanners, start=1)]
    real = [(number, device) for number, device in numbered if not isinstance(device, _SHARED)]
    for (first, one), (second, other) in combinations(real, 2):
        if type(one) is type(other) and _match(one) == _match(other):
            keys = " and ".join(_match(one))
            told = f"finds the same device as [[scanner]] {first} does; give each its own {keys}, or leave one out"
            yield frozenset(("scanner",)), f"[[scanner]] {second}: {told}"


def _match(device: Any) -> dict[str, object]:  # noqa: ANN401  # a scanner of any kind
    """The options by which a scanner is found, as far as they are given."""
    given = ((name, getattr(device, name, None)) for name in ("name", "id", "port", "descriptor"))
    return {name: value for name, value in given if value not in (None, "")}


def _ports(settings: Settings) -> Iterator[Fault]:
    front, metrics = settings.front, settings.metrics
    if not (front.enabled and metrics.enabled) or front.address[1] != metrics.address[1]:
        return
    hosts = {front.address[0], metrics.address[0]}
    if len(hosts) == 1 or hosts & {"0.0.0.0", "::"}:  # noqa: S104  # compared, not listened on
        told = f"[metrics] listen: port {metrics.address[1]} is [front] listen already; give each its own port"
        yield frozenset(("front", "metrics")), told


def _pins(settings: Settings) -> Iterator[Fault]:
    taken = list(pins(settings))
    for (section, option, (chip, pin)), (other, its, (its_chip, its_pin)) in combinations(taken, 2):
        # No chip given is the board's own, which may well be the one that was given elsewhere.
        if pin == its_pin and (chip is None or its_chip is None or chip == its_chip):
            both = frozenset((section, other))
            yield both, f"[{other}] {its}: GPIO{pin} is [{section}] {option} already; give each its own pin"


def pins(settings: Settings) -> Iterator[tuple[str, str, tuple[int | None, int]]]:
    """Section, option and (chip, GPIO number) of every pin that a chosen driver takes."""
    for section in ("led", "buzzer", "display", "relay", "buttons"):
        device: Any = getattr(settings, section)
        bus = getattr(device, "bus", "")
        yield from ((section, f'bus = "{bus}"', (None, pin)) for pin in BUS_PINS.get(bus, ()))
        for option in options(type(device)):
            pin = getattr(device, option.name)
            if _is_pin(option.name) and pin is not None and not (bus == "i2c" and option.name in SPI_ONLY):
                yield section, option.name, (device.chip, pin)


def _is_pin(option: str) -> bool:
    return option in PIN_OPTIONS or option.endswith("_pin")


def remarks(settings: Settings) -> Iterator[str]:
    """What a configuration may say and is probably not meant to, each with what would be better."""
    hub, mqtt, front, place = settings.hub, settings.mqtt, settings.front, settings.place
    blind = isinstance(settings.camera, NullCamera)
    if blind and all(isinstance(one.device, NullScanner) for one in settings.scanners) and not front.enabled:
        yield "[camera], [[scanner]]: there is nothing to read codes with; choose a driver for one of them"
    if isinstance(settings.led, NullLight) and isinstance(settings.display, NullDisplay) and not front.enabled:
        yield "[led], [display]: nobody will see a verdict; choose a driver for one of them"
    if not settings.has_hub:
        yield "[hub] url: there is no hub; nobody can be looked up and no row leaves this board"
    if hub.url.startswith("http:") and not is_near(host_of(hub.url)):
        yield "[hub] url: the token crosses the network in the clear; use https"
    if mqtt.host and not mqtt.tls and not is_near(mqtt.host):
        yield "[mqtt] tls: the password crosses the network in the clear; write tls = true"
    if place.host and not place.tls and not is_near(place.host):
        yield "[place] tls: the password crosses the place's network in the clear; write tls = true"
    if front.enabled and not is_near(front.address[0]):
        yield "[front] listen: anybody in the network can open the front panel; listen on 127.0.0.1"
