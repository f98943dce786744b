"""What the benches write down: nothing stale, nothing wrong passed over, nothing unmeasured called measured."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench import __main__ as benches
from bench import reading
from bench.rows import NotMeasured, Row, write
from core.model import Symbology
from station.reading.decoders import Read
from station.reading.plane import Plane


def row(name: str) -> Row:
    return Row(name=name, unit="ms", ours=1, against=None, ratio=None, bar=2, sense="at_most", n=1, holds=True)


def names(path: Path) -> list[str]:
    return [one["name"] for one in json.loads(path.read_text())]


def test_a_bench_leaves_no_row_of_an_earlier_run_and_those_of_others_stay(tmp_path: Path):
    path = tmp_path / "bench.json"
    write("reading", [row("photographs"), row("empty")], path)
    write("gate", [row("lamp")], path)
    write("reading", [row("empty")], path)
    assert names(path) == ["lamp", "empty"]


def test_what_could_not_be_measured_ends_with_66_and_its_name(tmp_path: Path, monkeypatch, capsys):
    monkeypatch.setattr(reading, "SHARED", tmp_path)
    monkeypatch.setattr(reading, "_empty_gate", lambda *_: [row("empty")])
    with pytest.raises(NotMeasured, match=r"truth\.json") as missing:
        reading.measure(tmp_path, lambda _: None)
    assert missing.value.rows == (row("empty"), row("empty"))
    monkeypatch.setattr(benches, "write", lambda *_: None)
    monkeypatch.setattr(sys, "argv", ["bench", "reading"])
    assert benches.main() == 66
    assert "NOT MEASURED" in capsys.readouterr().err


def test_a_wrong_text_beside_a_right_one_counts(tmp_path: Path, monkeypatch):
    folder = tmp_path / "data" / "qr"
    folder.mkdir(parents=True)
    (folder / "truth.json").write_text(
        json.dumps({"a.png": {"text": "right", "hex": ""}, "b.png": None, "c.png": None})
    )
    white = np.full((40, 40), 255, np.uint8)
    reads = tuple(Read(text.encode(), Symbology.QR, ((0, 0),) * 4, text) for text in ("right", "wrong"))

    class Ladder:
        def climb(self, _plane: Plane) -> tuple[Read, ...]:
            return reads

    monkeypatch.setattr(reading, "SHARED", tmp_path)
    monkeypatch.setattr(reading, "Ladder", Ladder)
    monkeypatch.setattr(reading, "read_picture", lambda _: Plane(memoryview(white.tobytes()), 40, 40, 40))
    monkeypatch.setattr(reading, "_plain", lambda _: [(b"right", "right")])
    found = {one.name: one for one in reading._photographs(lambda _: None)}
    assert (found["photographs read"].ours, found["photographs read wrongly"].ours) == (100, 1)
    assert found["photographs without a code in which one was read"].ours == 2
