"""``hub serve``: the settings, with what the command line says on top."""

from __future__ import annotations

import argparse
from typing import TypeVar

import msgspec

from hub import service
from hub.commands.opening import settings_of
from hub.errors import ConfigError
from hub.storage.store import not_opened
from hub.storage.weather import AWAY

Section = TypeVar("Section", bound=msgspec.Struct)


def serve(given: argparse.Namespace) -> int:
    """``hub serve``."""
    settings = settings_of(given)
    changed = {
        "http": _changed(settings.http, host=given.host, port=given.port),
        "mqtt": _changed(settings.mqtt, **_host_and_port(given.mqtt)),
        "broker": _changed(settings.broker, start=given.broker or None, port=given.broker_port),
        "sms": _changed(settings.sms, gateway="console" if given.print_codes else None),
    }
    settings = msgspec.structs.replace(settings, **changed)
    try:
        return service.serve(settings, given.ready)
    except AWAY as error:  # while it began: once it runs, each loop outlasts it
        raise not_opened(settings.database_url, error) from error


def _changed(section: Section, **values: object) -> Section:
    return msgspec.structs.replace(section, **{key: value for key, value in values.items() if value is not None})


def _host_and_port(text: str | None) -> dict[str, object]:
    if not text:
        return {}
    host, colon, port = text.rpartition(":")
    if not colon:
        return {"host": text}
    if not port.isdecimal() or int(port) > 65_535:
        raise ConfigError(f"--mqtt {text}: write HOST:PORT, such as 127.0.0.1:1883")
    return {"host": host.strip("[]"), "port": int(port)}
