"""Writes ``units.json`` from the data of the ``vietnamadminunits`` package (MIT, its notice is beside this file).

    python -m venv /tmp/units && /tmp/units/bin/pip install vietnamadminunits
    python -m hub.register.areas.generate /tmp/units/lib/python3.*/site-packages/vietnamadminunits

The package is needed for this alone; nothing reads it at run time.  One unit is one line of text:
``code``, a letter for its kind, name; then ``>`` and the codes it became part of in 2025 (the usual one first), and
``@`` and its middle in degrees.
"""

from __future__ import annotations

import argparse
import json
import re
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from core.zones import bare
from hub.register.areas import KINDS, UNITS

_DIGITS = re.compile(r"[0-9]+")

Row = Mapping[str, Any]


def main(given: Sequence[str] | None = None) -> int:
    """Reads the package's folder and writes the file."""
    parser = argparse.ArgumentParser("python -m hub.register.areas.generate", description="Makes the map's data anew.")
    parser.add_argument("package", type=Path, help="the folder of the vietnamadminunits package")
    parser.add_argument("--to", type=Path, default=UNITS, metavar="FILE")
    chosen = parser.parse_args(given)
    made = build(chosen.package / "data")
    chosen.to.write_text(json.dumps(made, ensure_ascii=False, indent=0, separators=(",", ":")) + "\n", "utf-8")
    return 0


def build(data: Path) -> dict[str, list[dict[str, Any]]]:
    """Both editions as JSON will hold them."""
    with closing(sqlite3.connect(data / "dataset.db")) as database:
        database.row_factory = sqlite3.Row
        old = database.execute("SELECT * FROM admin_units_legacy").fetchall()
        new = database.execute("SELECT * FROM admin_units").fetchall()
    became = _became(json.loads((data / "converter_2025.json").read_text("utf-8")), new)
    return {
        "63": [
            {
                "unit": _line(rows[0], "province"),
                "districts": [
                    {"unit": _district(each, became), "communes": _old(each, became)}
                    for each in _ordered(rows, "district")
                ],
            }
            for rows in _ordered(old, "province")
        ],
        "34": [{"unit": _line(rows[0], "province"), "communes": _new(rows)} for rows in _ordered(new, "province")],
    }


def _ordered(rows: Iterable[Row], level: str) -> list[list[Row]]:
    """The units of one level, each with its rows, as a reader looks for them: by name, numbers by size."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row[f"{level}Code"], []).append(row)
    return sorted(groups.values(), key=lambda each: _sorting(each[0][level]))


def _sorting(name: str) -> tuple[str, str]:
    _, short = _split(name)
    return _DIGITS.sub(lambda digits: digits[0].zfill(4), bare(short)), name


def _split(name: str) -> tuple[str, str]:
    for letter, kind in KINDS.items():
        if name.casefold().startswith(f"{kind} ".casefold()):
            return letter, name[len(kind) + 1 :]
    raise ValueError(f"a kind of unit that this program does not know: {name}")


def _line(row: Row, level: str) -> str:
    letter, short = _split(row[level])
    return f"{row[f'{level}Code']}{letter}{short}"


def _middle(row: Row, level: str) -> str:
    return f"@{row[f'{level}Lat']:.2f},{row[f'{level}Lon']:.2f}"


def _lines(rows: Iterable[Row], tail: Callable[[Row], str]) -> str:
    whole = sorted((row for row in rows if row["wardCode"]), key=lambda row: _sorting(row["ward"]))
    return "\n".join(_line(row, "ward") + tail(row) for row in whole)


def _district(rows: Iterable[Row], became: Mapping[str, list[str]]) -> str:
    """A district; one of the islands that has no communes says itself what it became."""
    first, *_ = rows
    island = "" if first["wardCode"] else ">" + ",".join(became[_old_key(first)])
    return _line(first, "district") + island + _middle(first, "district")


def _old(rows: Iterable[Row], became: Mapping[str, list[str]]) -> str:
    return _lines(rows, lambda row: ">" + ",".join(became[_old_key(row)]))


def _new(rows: Iterable[Row]) -> str:
    return _lines(rows, lambda row: _middle(row, "ward"))


def _old_key(row: Row) -> str:
    return f"{row['provinceKey']}_{row['districtKey']}_{row['wardKey'] or ''}"


def _became(converter: Mapping[str, Any], new: Iterable[Row]) -> dict[str, list[str]]:
    codes = {(row["provinceKey"], row["wardKey"]): row["wardCode"] for row in new}
    became: dict[str, list[str]] = {}
    for province, wards in converter["DICT_PROVINCE_WARD_NO_DIVIDED"].items():
        for ward, parts in wards.items():
            for part in parts:
                became.setdefault(part, []).append(codes[province, ward])
    for province, divided in converter["DICT_PROVINCE_WARD_DIVIDED"].items():
        for part, wards in divided.items():
            usual_first = sorted(wards, key=lambda ward: not ward["isDefaultNewWard"])
            became.setdefault(part, []).extend(codes[province, ward["newWardKey"]] for ward in usual_first)
    return became


if __name__ == "__main__":
    raise SystemExit(main())
