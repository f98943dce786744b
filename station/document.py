"""A parsed ``config.toml`` → the parts of ``Settings``, and every fault in words on the way."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from station.faults import listed, meant, misfit, shown, wanted
from station.options import Option, options
from station.settings import COMPANIONS, DEVICES, SECTIONS, Scanner


class Reader:
    """Collects parts and ``faults`` while it walks through a document; ``broken`` names the sections with faults."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.faults: list[str] = []
        self.broken: set[str] = set()

    def fault(self, section: str, text: str) -> None:
        """Note what is wrong with a section."""
        self.broken.add(section)
        self.faults.append(text)

    def expect_name(self, station: object) -> None:
        """A file must name its station: two of one name would be one station to the hub."""
        if station is None or (isinstance(station, dict) and "name" not in station):
            self.fault("station", '[station] name: missing; the hub knows the station by it; give one like "dong-ba-1"')

    def sections(self, document: dict[str, Any]) -> dict[str, Any]:
        """The arguments of ``Settings``; a broken or absent section is left out and keeps its default."""
        known = [*SECTIONS, *DEVICES]
        for name in [name for name in document if name not in known]:
            self.fault(name, f"[{name}]: no such section{meant(name, known)}; the sections are {listed(known)}")
        parts: dict[str, Any] = {"scanners": self._scanners(document.get("scanner", []))}
        for name in SECTIONS:
            if (table := self._table(name, document)) is not None:
                parts[name] = self._fill(SECTIONS[name], name, f"[{name}]", table)
        for name in [name for name in DEVICES if name != "scanner"]:
            if (table := self._table(name, document)) is not None:
                parts[name] = self._device(name, f"[{name}]", table)
                if name == "relay":
                    parts["release"] = self._companion(name, f"[{name}]", table)
        return {name: part for name, part in parts.items() if part is not None}

    def _table(self, name: str, document: dict[str, Any]) -> dict[str, Any] | None:
        value = document.get(name)
        if value is None or isinstance(value, dict):
            return value
        cure = f"there is one; write [{name}] with single brackets" if isinstance(value, list) else f"write [{name}]"
        self.fault(name, f"[{name}]: not a section; {cure}")
        return None

    def _scanners(self, value: object) -> tuple[Any, ...]:
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            self.fault("scanner", "[[scanner]]: a station may have several; write [[scanner]] with double brackets")
            return ()
        found = (self._scanner(f"[[scanner]] no. {number}", table) for number, table in enumerate(value, 1))
        return tuple(one for one in found if one is not None)

    def _scanner(self, where: str, table: dict[str, Any]) -> Scanner | None:
        device, framing = self._device("scanner", where, table), self._companion("scanner", where, table)
        return Scanner(device=device, framing=framing) if device is not None and framing is not None else None

    def _companion(self, name: str, where: str, table: dict[str, Any]) -> Any:  # noqa: ANN401  # one of COMPANIONS
        """The station's own keys in a device's section."""
        own = {option.name for option in options(COMPANIONS[name])}
        return self._fill(COMPANIONS[name], name, where, {key: table[key] for key in table if key in own})

    def _device(self, name: str, where: str, table: dict[str, Any]) -> Any:  # noqa: ANN401  # one of DEVICES
        """The driver that a section chooses, made from the keys that are the driver's."""
        drivers, chosen = DEVICES[name], table.get("driver")
        if chosen is None:
            self.fault(name, f"{where} driver: missing; choose one of {listed(map(shown, drivers))}")
            return None
        if chosen not in list(drivers):
            known = listed(map(shown, drivers))
            self.fault(name, f"{where} driver: {shown(chosen)} is not one of {known}{meant(chosen, drivers)}")
            return None
        also = ["driver", *(option.name for option in options(COMPANIONS[name]))] if name in COMPANIONS else ["driver"]
        rest = {key: value for key, value in table.items() if key not in also}
        return self._fill(drivers[chosen], name, f"{where} ({chosen})", rest, also)

    def _fill(self, cls: type, name: str, where: str, table: dict[str, Any], also: Iterable[str] = ()) -> Any:  # noqa: ANN401  # a ``cls``, or None when it has a fault
        known = {option.name: option for option in options(cls)}
        names, before = [*also, *known], len(self.faults)
        for key in [key for key in table if key not in known]:
            self.fault(name, f"{where} {key}: no such key{meant(key, names)}; the keys are {listed(names)}")
        for option in known.values():
            if option.required and option.name not in table:
                self.fault(name, f"{where} {option.name}: missing; give {wanted(option.kind)}")
        given = [option for key, option in known.items() if key in table]
        values = {option.name: self._value(name, where, option, table[option.name]) for option in given}
        return self._build(cls, name, where, values) if len(self.faults) == before else None

    def _value(self, name: str, where: str, option: Option, value: object) -> object:
        try:
            if isinstance(value, float) and not math.isfinite(value):
                raise msgspec.ValidationError
            return msgspec.convert(value, option.kind, dec_hook=self._own_type)
        except msgspec.ValidationError:
            kept = f"what is there does not fit; give {wanted(option.kind)}"
            self.fault(name, f"{where} {option.name}: {kept if option.secret else misfit(value, option.kind)}")
            return None

    def _own_type(self, kind: type, value: object) -> object:
        if kind is Path and isinstance(value, str) and value:
            return self.base / value
        raise ValueError

    def _build(self, cls: type, name: str, where: str, values: dict[str, object]) -> object:
        try:
            return cls(**values)
        except ValueError as error:
            self.fault(name, f"{where} {error}")
            return None
