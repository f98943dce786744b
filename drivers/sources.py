"""The ways by which a code reaches the station, and how much of it one reading may bring."""

from __future__ import annotations

from typing import Final, Literal, get_args

Source = Literal["hid", "serial", "stdin", "panel"]

MOST_KEYS: Final = 64
"""The most keys that one ``read`` of a scanner returns."""

MOST_BYTES: Final = 4096
"""The most bytes that one ``read`` of a scanner returns."""


def check_source(source: str) -> None:
    """Refuse a source that the station does not know."""
    if source not in get_args(Source):
        raise ValueError(f"source = {source!r} must be one of {', '.join(get_args(Source))}")
