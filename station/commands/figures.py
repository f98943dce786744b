"""A station's health laid out for a person at a terminal: what is wrong first, then the figures by their part."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from core.health import BOUNDS, Health, Histogram
from station.plain import harmless

_LABEL = 12
_MEBI, _GIBI = 1 << 20, 1 << 30


def laid_out(health: Health, also: Iterable[str] = (), snapshots_age: str = "") -> Iterator[str]:
    """The lines of the page; ``also`` is what else is wrong, ``snapshots_age`` that of the snapshot held."""
    versions = health.versions
    policy = f"policy {versions.policy or 'none'}"
    yield f"{health.station}  running {_spoken(health.up)}, version {versions.software or '?'}, {policy}"
    wrong = [*_wrong(health), *also]
    yield from (f"  ! {harmless(each)}" for each in wrong)
    if not wrong:
        yield "  all is well"
    yield ""
    for name, told in _parts(health, snapshots_age):
        yield f"{name:<{_LABEL}}{harmless(told)}"


def _wrong(health: Health) -> Iterator[str]:
    if health.journal.problem:
        yield f"cannot record: {health.journal.problem}"
    yield from (f"{device.name}: {device.problem}" for device in health.devices if device.problem)
    if health.link.problem:
        yield f"hub: {health.link.problem}"
    if health.camera is not None and health.camera.blind:
        yield f"the camera sees nothing: {health.camera.blind}; clean the lens and look at the light"
    if health.board.under_voltage:
        yield "under-voltage: use a stronger power supply and a shorter cable"
    if health.clock.source == "guess":
        yield "nothing vouches for the clock"
    if health.journal.refused:
        yield f"the hub refused {health.journal.refused} rows"
    if health.place is not None and health.place.problem:
        yield f"the place's other gates: {health.place.problem}"
    if health.place is not None and health.place.conflicts:
        again = f"{health.place.conflicts} people the same way again"
        yield f"cut off from other gates of the place, this one let {again}"


def _parts(health: Health, snapshots_age: str) -> Iterator[tuple[str, str]]:
    journal, link, clock = health.journal, health.link, health.clock
    oldest = f", the oldest for {_spoken(journal.oldest)}" if journal.oldest is not None else ""
    yield "journal", f"row {journal.seq}, {journal.backlog} wait{oldest}"
    heard = "never heard" if link.last_contact is None else f"heard {_spoken(link.last_contact)} ago"
    radio = f", radio {link.dbm} dBm" if link.dbm is not None else ""
    yield "hub", heard + radio
    if health.place is not None:
        place = health.place
        of = f" of {place.capacity}" if place.capacity else ""
        inside = "" if place.inside is None else f", {place.inside}{of} inside"
        yield "place", f"{place.gates} other gates heard{inside}, {place.dropped} words dropped"
    if health.versions.snapshot:
        yield "snapshot", health.versions.snapshot + (f", {snapshots_age}" if snapshots_age else "")
    error = f" ± {clock.error:g} s" if clock.error is not None else ""
    offset = f", the hub's is {clock.offset:+.2f} s off it" if clock.offset is not None else ""
    yield "clock", f"{clock.source}{error}{offset}"
    ended = ", ".join(f"{name} {count}" for name, count in sorted(health.outcomes.items()))
    yield "scans", ended or "none yet"
    for name, histogram in (("decode", health.decode), ("look-up", health.lookup), ("lamp", health.signal)):
        yield name, _times(histogram)
    if health.camera is not None:
        camera = health.camera
        seen = f"{camera.fps:.1f} frames/s, sharpness {camera.sharpness:.1f} (usual {camera.best:.1f})"
        yield "camera", f"{seen}, light {camera.brightness:.0%}, glare {camera.glare:.0%}, dark {camera.dark:.0%}"
    yield "devices", ", ".join(f"{one.name}{' (!)' if one.problem else ''}" for one in health.devices) or "none"
    yield from _board(health)
    if health.orders:
        yield "orders", ", ".join(f"{name} {count}" for name, count in sorted(health.orders.items()))


def _board(health: Health) -> Iterator[tuple[str, str]]:
    board = health.board
    said = []
    if board.temperature is not None:
        said.append(f"{board.temperature:.0f} °C")
    if board.throttled is not None:
        said.append("throttled" if board.throttled else "not throttled")
    if board.under_voltage_ever:
        said.append("under-voltage since its start")
    if board.up is not None:
        said.append(f"up {_spoken(board.up)}")
    if board.cpu is not None:
        said.append(f"service {board.cpu:.1%} of a core")
    yield "board", ", ".join(said) or "says nothing"
    if board.memory_total is not None and board.memory_free is not None:
        own = f", service {board.memory_used // _MEBI} MiB" if board.memory_used is not None else ""
        yield "memory", f"{board.memory_free // _MEBI} of {board.memory_total // _MEBI} MiB free{own}"
    if board.disk_total is not None and board.disk_free is not None:
        wear = f", {board.disk_wear:.0%} worn" if board.disk_wear is not None else ""
        yield "disk", f"{board.disk_free / _GIBI:.1f} of {board.disk_total / _GIBI:.1f} GiB free{wear}"


def _times(histogram: Histogram) -> str:
    """How often, and under which bounds half and nearly all of them stayed."""
    half, most = histogram.quantile(0.5), histogram.quantile(0.95)
    if half is None or most is None:
        return "none yet"
    return f"{histogram.count}: half within {_bound(half)}, 95 % within {_bound(most)}"


def _bound(ms: float) -> str:
    return f"{ms:g} ms" if ms <= BOUNDS[-1] else f"more than {BOUNDS[-1]} ms"


def _spoken(seconds: float) -> str:
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
