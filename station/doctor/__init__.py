"""The doctor: everything a station needs, tried one after the other, each with what is wrong and the cure."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from station.config import Settings, remarks
from station.doctor import board, broker, devices, hub, signers
from station.doctor.findings import Finding, ok, tried, warn
from station.presence import at_work

__all__ = ["Finding", "examine"]


def examine(settings: Settings) -> Iterator[Finding]:
    """Try everything and tell it as it goes; what a running service holds is left alone."""
    yield from (warn("config", *remark.rsplit("; ", 1)) for remark in remarks(settings))
    if at_work(settings.journal_path):
        cure = "stop it for a full examination: sudo systemctl stop station"
        yield warn("devices", "busy: the station service holds them", cure)
    else:
        yield from _devices(settings)
    yield from tried("clock", board.find_clock)
    yield from tried("disk", partial(board.find_disk, settings))
    yield from tried("signers", partial(signers.find, settings))
    yield from _network(settings)


def _devices(settings: Settings) -> Iterator[Finding]:
    yield from tried("pins", partial(devices.find_pins, settings))
    yield from tried("camera", partial(devices.find_camera, settings))
    for scanner in settings.scanners:
        found = list(tried(f"scanner ({scanner.device.source})", partial(devices.find_scanner, scanner)))
        yield from found
        if any(finding.state == "fail" for finding in found):
            yield devices.find_plugged()
    yield from tried("lamp", partial(devices.find_light, settings))
    yield from tried("buzzer", partial(devices.find_buzzer, settings))
    yield from tried("display", partial(devices.find_display, settings))
    yield from tried("buttons", partial(devices.find_buttons, settings))
    yield from tried("relay", partial(devices.find_relay, settings))


def _network(settings: Settings) -> Iterator[Finding]:
    if settings.uses_mqtt and not at_work(settings.journal_path):
        yield from tried("broker", partial(broker.find, broker.hubs(settings)))
    elif settings.uses_mqtt:
        yield ok("broker", "left to the running service; see `station status`")
    else:
        yield ok("broker", "none configured")
    if settings.place.host:
        yield from tried("the place's broker", partial(broker.find, broker.of_place(settings)))
    if settings.hub.url:
        yield from tried("hub", partial(hub.find, settings))
    else:
        yield ok("hub", "none configured")
