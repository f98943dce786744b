"""What a simulated board says of itself: figures that drift as a real one's do, and how each fault changes them."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from datetime import datetime, timedelta

from msgspec.structs import replace

from core.health import (
    BUCKETS,
    BoardFigures,
    CameraFigures,
    ClockFigures,
    Device,
    Health,
    Histogram,
    JournalFigures,
    LinkFigures,
    Look,
    Versions,
    blindness,
    bucket,
)
from core.model import Outcome
from hub.simulation.plan import Post, Trouble

_GIB = 1 << 30
_DEVICES = ("camera", "scanner", "lamp", "buzzer", "display", "relay")
_BEST = 32.0
_LOOKS = {
    "covered": Look(0.3, 0.005, 0.0, 0.0, 2.0),
    "dark": Look(0.01, 0.02, 0.99, 0.0, 1.0),
    "white": Look(0.98, 0.05, 0.0, 0.97, 1.5),
    "unsharp": Look(0.42, 0.15, 0.01, 0.01, 3.0),
}
_CLEAR = Look(0.42, 0.2, 0.01, 0.01, 31.0)
_OLD_VERSION = "0.0.1"


class Times:
    """One histogram as it grows."""

    def __init__(self) -> None:
        self._counts, self._total = [0] * BUCKETS, 0.0

    def add(self, ms: float) -> None:
        """One more, in milliseconds."""
        self._counts[bucket(ms)] += 1
        self._total += ms

    def histogram(self) -> Histogram:
        """As it stands."""
        return Histogram(tuple(self._counts), round(self._total, 3))


class Board:
    """Counters and figures of one session; everything random comes from the station's own dice."""

    def __init__(self, post: Post, version: str, interval: float, dice: random.Random) -> None:
        self._post, self._version, self._interval, self._dice = post, version, interval, dice
        self._warmth = dice.uniform(48, 62)
        self._free = dice.uniform(0.45, 0.8)
        self._radio = dice.randint(-75, -48)
        self._begin(0.0, "")

    def _begin(self, mono: float, session: str) -> None:
        self.begun, self.session, self.number = mono, session, 0
        self.outcomes = {each.value: 0 for each in Outcome if each is not Outcome.FAULT}
        self.orders: dict[str, int] = {}
        self._decode, self._lookup, self._signal = Times(), Times(), Times()

    def restart(self, mono: float, session: str) -> None:
        """Begins a session: counters at 0."""
        self._begin(mono, session)

    def count(self, outcome: Outcome, lookup: float | None = None) -> None:
        """One more presentation, with how long each part of it took; ``lookup`` is the real one's milliseconds."""
        self.outcomes[outcome.value] += 1
        self._decode.add(self._dice.lognormvariate(2.7, 0.5))
        if lookup is not None:
            self._lookup.add(lookup)
        self._signal.add(self._dice.lognormvariate(0.7, 0.4))

    def health(
        self, mono: float, at: datetime, journal: JournalFigures, policy: int, off: float, standing: tuple[Trouble, ...]
    ) -> Health:
        """The next message; ``off`` is by how much the clock is ahead of the hub's, seconds."""
        self.number += 1
        up = max(0.0, mono - self.begun)
        said = Health(
            station=self._post.name,
            session=self.session,
            boot=self.session,
            number=self.number,
            at=at,
            up=round(up, 1),
            interval=self._interval,
            versions=Versions(software=self._version, policy=policy),
            clock=self._clock(off),
            journal=journal,
            link=LinkFigures(last_contact=round(self._dice.uniform(0.1, 9), 1), dbm=self._radio, radio=0.7),
            outcomes=dict(self.outcomes),
            decode=self._decode.histogram(),
            lookup=self._lookup.histogram(),
            signal=self._signal.histogram(),
            camera=self._camera(_CLEAR, up),
            scanner=True,
            devices=tuple(map(Device, _DEVICES)),
            board=self._board(up),
            orders=dict(self.orders),
        )
        for trouble in standing:
            change = _CHANGES.get(trouble.kind)
            said = said if change is None else change(said, trouble)
        return said

    def _clock(self, off: float) -> ClockFigures:
        if not self._post.clock.is_set:
            return ClockFigures(source="guess")
        return ClockFigures(source="ntp", error=0.02, offset=round(-off, 3))

    def _camera(self, look: Look, up: float) -> CameraFigures:
        sharpness = round(look.sharpness + self._dice.gauss(0, 0.01) * look.sharpness, 1)
        return _seen(CameraFigures(frames=int(up * 15), fps=15.0, best=_BEST), look, sharpness)

    def _board(self, up: float) -> BoardFigures:
        warmth = self._warmth + 3 * math.sin(up / 900) + self._dice.gauss(0, 0.3)
        return BoardFigures(
            temperature=round(warmth, 1),
            under_voltage=False,
            under_voltage_ever=False,
            throttled=False,
            throttled_ever=False,
            memory_total=_GIB,
            memory_free=600 << 20,
            memory_used=70 << 20,
            cpu=0.2,
            disk_total=14 * _GIB,
            disk_free=int(14 * _GIB * self._free),
            disk_wear=0.1,
            up=round(up + 60, 1),
        )


def _seen(camera: CameraFigures, look: Look, sharpness: float) -> CameraFigures:
    own = {"brightness": look.brightness, "contrast": look.contrast, "dark": look.dark, "glare": look.glare}
    return replace(camera, sharpness=sharpness, **own)


# what each fault changes


def _blind(said: Health, trouble: Trouble) -> Health:
    look = _LOOKS[trouble.how or "covered"]
    assert said.camera is not None
    camera = _seen(said.camera, look, look.sharpness)
    return replace(said, camera=replace(camera, blind=blindness(look, _BEST)))


def _device(said: Health, trouble: Trouble) -> Health:
    broken = trouble.how or "display"
    devices = tuple(Device(one.name, "no answer" if one.name == broken else "") for one in said.devices)
    return replace(said, devices=devices, scanner=broken != "scanner")


def _journal(said: Health, _: Trouble) -> Health:
    return replace(said, journal=replace(said.journal, problem="the card is read-only"))


def _power(said: Health, _: Trouble) -> Health:
    return replace(said, board=replace(said.board, under_voltage=True, under_voltage_ever=True, throttled=True))


def _disk(said: Health, trouble: Trouble) -> Health:
    return replace(said, board=replace(said.board, disk_free=int(14 * _GIB * trouble.size)))


def _heat(said: Health, trouble: Trouble) -> Health:
    return replace(said, board=replace(said.board, temperature=trouble.size))


def _wear(said: Health, trouble: Trouble) -> Health:
    return replace(said, board=replace(said.board, disk_wear=trouble.size))


def _certificate(said: Health, trouble: Trouble) -> Health:
    ends = said.at + timedelta(days=trouble.size)
    return replace(said, versions=replace(said.versions, certificate_ends=ends))


def _version(said: Health, _: Trouble) -> Health:
    return replace(said, versions=replace(said.versions, software=_OLD_VERSION))


def _policy(said: Health, _: Trouble) -> Health:
    return replace(said, versions=replace(said.versions, policy=max(0, said.versions.policy - 1)))


_CHANGES: dict[str, Callable[[Health, Trouble], Health]] = {
    "blind": _blind,
    "device": _device,
    "journal": _journal,
    "power": _power,
    "disk": _disk,
    "heat": _heat,
    "wear": _wear,
    "certificate": _certificate,
    "version": _version,
    "policy": _policy,
}
"""Those that show in the message only; the others change what the station does."""
