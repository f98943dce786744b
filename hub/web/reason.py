"""The reason that a page asks for before it shows or gives anybody's data."""

from __future__ import annotations

from collections.abc import Mapping

SHORTEST = 5


def faults(form: Mapping[str, str]) -> dict[str, str]:
    """What is wrong with the field of the reason."""
    return {} if len(form.get("why", "")) >= SHORTEST else {"why": "fault-reason"}
