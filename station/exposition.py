"""A station's health in the text format that Prometheus reads (version 0.0.4).

Names end in their unit, counters in ``_total``; times are seconds and bytes are bytes, whatever the message has.  What
the board cannot say is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from core.health import BOUNDS, Health, Histogram

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_Kind = Literal["gauge", "counter", "histogram"]
_Number = float | int | bool | None
_Labels = Mapping[str, str]


def exposition(health: Health) -> str:
    """The whole page."""
    lines = [*_of_service(health), *_of_work(health), *_of_place(health), *_of_camera(health), *_of_board(health)]
    return "\n".join(lines) + "\n"


def _of_service(health: Health) -> Iterator[str]:
    named = {"station": health.station, "version": health.versions.software, "session": health.session}
    yield from _metric("station_info", "gauge", "Which station this is.", (named, 1))
    yield from _gauge("station_up_seconds", "How long the service has run.", health.up)
    yield from _gauge("station_policy_version", "The newest policy that is held; 0 is none.", health.versions.policy)
    ends = health.versions.certificate_ends
    about = "When the station's certificate ends, unix time."
    yield from _gauge("station_certificate_end_seconds", about, ends.timestamp() if ends is not None else None)
    clock, link, journal = health.clock, health.link, health.journal
    yield from _metric("station_clock_info", "gauge", "Who keeps the clock.", ({"source": clock.source}, 1))
    yield from _gauge("station_clock_error_seconds", "The bound of the clock's error.", clock.error)
    yield from _gauge("station_clock_offset_seconds", "The hub's clock minus this one.", clock.offset)
    yield from _gauge("station_hub_reached", "Whether the hub is reached.", not link.problem)
    yield from _gauge("station_hub_last_contact_seconds", "How long ago the hub was heard.", link.last_contact)
    yield from _gauge("station_radio_level_dbm", "The level of the wireless network.", link.dbm)
    yield from _gauge("station_radio_quality_ratio", "The quality of the wireless network.", link.radio)
    yield from _gauge("station_journal_rows", "The number of the last row.", journal.seq)
    yield from _gauge("station_journal_backlog_rows", "Rows that wait for the hub.", journal.backlog)
    yield from _gauge("station_journal_oldest_seconds", "How long the oldest of them has waited.", journal.oldest)
    yield from _gauge("station_journal_refused_rows", "Rows that the hub refused.", journal.refused)
    yield from _gauge("station_journal_works", "Whether rows can be recorded.", not journal.problem)


def _of_work(health: Health) -> Iterator[str]:
    outcomes = [({"outcome": name}, count) for name, count in sorted(health.outcomes.items())]
    yield from _metric("station_presentations_total", "counter", "Presentations by how they ended.", *outcomes)
    orders = [({"result": name}, count) for name, count in sorted(health.orders.items())]
    yield from _metric("station_orders_total", "counter", "The hub's orders by how they ended.", *orders)
    yield from _histogram("station_decode_seconds", "Looking for codes in one picture.", health.decode)
    yield from _histogram("station_lookup_seconds", "Asking the hub for one standing.", health.lookup)
    yield from _histogram("station_signal_seconds", "From a presentation to its lamp.", health.signal)
    devices = [({"device": device.name}, not device.problem) for device in health.devices]
    yield from _metric("station_device_works", "gauge", "Whether a device works.", *devices)
    yield from _gauge("station_scanner_present", "Whether every scanner is there.", health.scanner)


def _of_camera(health: Health) -> Iterator[str]:
    camera = health.camera
    if camera is None:
        return
    about = "Pictures that the camera gave."
    yield from _metric("station_camera_frames_total", "counter", about, ({}, camera.frames))
    yield from _gauge("station_camera_frames_per_second", "Pictures a second of late.", camera.fps)
    yield from _gauge("station_camera_sharpness", "The spread of edges in the middle of the picture.", camera.sharpness)
    yield from _gauge("station_camera_sharpness_usual", "What is usual for this camera.", camera.best)
    yield from _gauge("station_camera_brightness_ratio", "Mean brightness.", camera.brightness)
    yield from _gauge("station_camera_dark_ratio", "The share of dark pixels.", camera.dark)
    yield from _gauge("station_camera_glare_ratio", "The share of saturated pixels.", camera.glare)
    blind = ({"why": camera.blind}, bool(camera.blind))
    yield from _metric("station_camera_blind", "gauge", "Whether the camera sees nothing, and why.", blind)


def _of_place(health: Health) -> Iterator[str]:
    place = health.place
    if place is None:
        return
    yield from _gauge("station_place_well", "Whether the place's broker is reached.", not place.problem)
    yield from _gauge("station_place_gates", "Other gates of the place that were heard.", place.gates)
    yield from _gauge("station_place_inside", "How many are inside by what all gates know.", place.inside)
    yield from _gauge(
        "station_place_conflicts", "Who went the same way again while gates were cut off.", place.conflicts
    )
    about = "Words in the place that were not believed."
    yield from _metric("station_place_dropped_total", "counter", about, ({}, place.dropped))


def _of_board(health: Health) -> Iterator[str]:
    board = health.board
    yield from _gauge("station_board_temperature_celsius", "The processor's heat.", board.temperature)
    yield from _gauge("station_board_under_voltage", "Whether the supply is too weak now.", board.under_voltage)
    yield from _gauge("station_board_throttled", "Whether the processor is slowed down now.", board.throttled)
    yield from _gauge("station_board_up_seconds", "How long the board has run.", board.up)
    yield from _gauge("station_memory_total_bytes", "The board's memory.", board.memory_total)
    yield from _gauge("station_memory_free_bytes", "What is left of it.", board.memory_free)
    yield from _gauge("station_memory_used_bytes", "What the service takes of it.", board.memory_used)
    yield from _gauge("station_processor_ratio", "The service's share of one core since its start.", board.cpu)
    yield from _gauge("station_disk_total_bytes", "The card that the journal lies on.", board.disk_total)
    yield from _gauge("station_disk_free_bytes", "What is left of it.", board.disk_free)
    yield from _gauge("station_disk_wear_ratio", "The share of its life that the card has used.", board.disk_wear)


def _gauge(name: str, about: str, value: _Number) -> Iterator[str]:
    if value is not None:
        yield from _metric(name, "gauge", about, ({}, value))


def _metric(name: str, kind: _Kind, about: str, *samples: tuple[_Labels, _Number]) -> Iterator[str]:
    yield f"# HELP {name} {about}"
    yield f"# TYPE {name} {kind}"
    for labels, value in samples:
        yield _sample(name, labels, value)


def _histogram(name: str, about: str, histogram: Histogram) -> Iterator[str]:
    """Buckets count everything up to their bound, as the format has it."""
    yield from _metric(name, "histogram", about)
    seen = 0
    for bound, count in zip((*BOUNDS, None), histogram.counts, strict=True):
        seen += count
        yield _sample(f"{name}_bucket", {"le": "+Inf" if bound is None else f"{bound / 1000:g}"}, seen)
    yield _sample(f"{name}_sum", {}, histogram.total / 1000)
    yield _sample(f"{name}_count", {}, seen)


def _sample(name: str, labels: _Labels, value: _Number) -> str:
    inside = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
    told = f"{value:d}" if isinstance(value, int) else f"{value:.12g}"
    return f"{name}{{{inside}}} {told}" if inside else f"{name} {told}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
