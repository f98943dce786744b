"""Drivers by name, each module fetched when it is asked for: a board pays at every start only for what it has."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

Device = TypeVar("Device")


class Shelf(Mapping[str, type[Device]]):
    """A mapping from a driver's name to its class; ``fetch`` gives a class when its turn comes."""

    def __init__(self, fetch: Mapping[str, Callable[[], type[Device]]]) -> None:
        self._fetch = fetch

    def __getitem__(self, name: str) -> type[Device]:
        return self._fetch[name]()

    def __contains__(self, name: object) -> bool:
        return name in self._fetch

    def __iter__(self) -> Iterator[str]:
        return iter(self._fetch)

    def __len__(self) -> int:
        return len(self._fetch)
