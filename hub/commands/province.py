"""``hub province check``: is the mapping whole, does the system answer, and how is its answer read."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import msgspec

from core.model import Subject
from hub.commands.opening import settings_of
from hub.config import ProvinceSettings
from hub.errors import ConfigError, DataError
from hub.province import line, mapping_file, trial
from hub.province.mapping import Mapping
from hub.province.trial import SYNTHETIC, Trial
from hub.register.people import IdentityRecord

MISFIT = 1
STATIONS_WAIT_MS = 800
"""A station's look-up deadline unless its own settings say otherwise; some of it goes to the way there and back."""
ON_THE_WAY_MS = 100
_LONGEST = 512


def check(given: argparse.Namespace) -> int:
    """``hub province check``."""
    settings = settings_of(given).province
    if not settings.is_asked:
        raise ConfigError('province.registry: is "own", so no system is asked; write "province" or "both"')
    mapping = mapping_file.load(Path(settings.mapping))
    line.check_token(settings)
    subject = _subject(given, mapping)
    if not given.json:
        print(f"mapping  {settings.mapping}: whole", flush=True)
    told = trial.ask(settings, mapping, subject)
    if given.json:
        print(msgspec.json.encode(told).decode())
    else:
        _print(told, settings, mapping)
    return {"not-answered": os.EX_UNAVAILABLE, "misfit": MISFIT}.get(told.outcome, os.EX_OK)


def _subject(given: argparse.Namespace, mapping: Mapping) -> Subject:
    schemes = mapping.request.schemes
    scheme = given.scheme or next((each for each in schemes if each in SYNTHETIC), schemes[0])
    if scheme not in schemes:
        raise ConfigError(f"--scheme {scheme.value}: request.schemes of the mapping leaves it out")
    typed = given.who
    if typed == "-":
        typed = sys.stdin.readline(_LONGEST).strip()
    elif typed:
        print("hub: others on this machine can read this number in the list of processes; --who - does not show it",
              file=sys.stderr)  # fmt: skip
    if not typed and scheme not in SYNTHETIC:
        raise ConfigError(f"--who: no number of the kind {scheme.value} is made up; give one, or another --scheme")
    if not typed:
        return Subject(scheme, SYNTHETIC[scheme])
    try:
        return IdentityRecord(scheme, typed).subject
    except ValueError as error:
        raise DataError([f"--who: {error}"]) from error


def _print(told: Trial, settings: ProvinceSettings, mapping: Mapping) -> None:
    where = f"{mapping.request.method} {settings.url.rstrip('/')}{mapping.request.path}"
    answered = f"{told.status} in {told.ms} ms, {told.bytes} bytes" if told.status else f"nothing, {told.ms} ms"
    print(f"asked    {where} for a {told.scheme.value}: {answered}")
    print(f"answer   {_WORDS[told.outcome]}{': ' if told.problem else ''}{told.problem}")
    wide = [max((len(getattr(each, name)) for each in told.places), default=0) for name in ("key", "at", "found")]
    for each in told.places:
        row = (f"{text:<{width}}" for text, width in zip((each.key, each.at, each.found), wide, strict=True))
        print(f"  {'  '.join(row)}  {'→ ' + each.read if each.read else ''}".rstrip())
    if settings.whole_ms > STATIONS_WAIT_MS - ON_THE_WAY_MS:
        print(
            f"hub: province.whole_ms = {settings.whole_ms}: a station waits {STATIONS_WAIT_MS} ms unless its [hub] "
            f"deadline_ms says more; {STATIONS_WAIT_MS - ON_THE_WAY_MS} or less leaves room for the way",
            file=sys.stderr,
        )


_WORDS = {
    "known": "somebody is known",
    "unknown": "nobody is known by this number",
    "misfit": "it does not fit the mapping",
    "not-answered": "it could not be asked",
}
