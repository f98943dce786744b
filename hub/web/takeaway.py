"""Lists as files: JSON, or CSV that spreadsheets open with their letters whole and run nothing from."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
from litestar import Response

from hub.inquiries.tracing import Contact, Person, Presence
from hub.localtime import HUE

_RUNS = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula."""


def presence(one: Presence) -> dict[str, object]:
    """One stay as a line."""
    stay = one.stay
    times = {"since": _local(stay.since), "until": _local(stay.until), "end": stay.end}
    return {**_person(one.person), "place": stay.place, "place_name": one.place_name, **times}


def contact(one: Contact) -> dict[str, object]:
    """One meeting as a line."""
    met = one.overlap
    times = {"since": _local(met.since), "until": _local(met.until), "minutes": met.seconds // 60}
    return {**_person(one.person), "place": met.place, "place_name": one.place_name, **times}


def _local(moment: datetime) -> str:
    return moment.astimezone(HUE).isoformat(timespec="seconds")


def _person(person: Person) -> dict[str, object]:
    return {"person": person.key, "name": person.name, "born": person.born, "phone": person.phone}


def file(kind: str, lines: Sequence[Mapping[str, object]], name: str) -> Response[bytes]:
    """The lines as an attachment; ``kind`` is ``csv``, anything else is JSON."""
    ending, body = ("csv", _csv(lines)) if kind == "csv" else ("json", msgspec.json.encode(list(lines)))
    media = "text/csv; charset=utf-8" if kind == "csv" else "application/json"
    headers = {"content-disposition": f'attachment; filename="{name}.{ending}"'}
    return Response(body, media_type=media, headers=headers, status_code=200)


def _csv(lines: Sequence[Mapping[str, object]]) -> bytes:
    written = io.StringIO()
    if lines:
        writer = csv.DictWriter(written, fieldnames=list(lines[0]))
        writer.writeheader()
        writer.writerows({key: _harmless(value) for key, value in line.items()} for line in lines)
    return b"\xef\xbb\xbf" + written.getvalue().encode()


def _harmless(value: object) -> str:
    text = str(value)
    return f"'{text}" if text.startswith(_RUNS) else text
