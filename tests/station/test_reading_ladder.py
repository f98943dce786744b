import json
from pathlib import Path

import pytest
from drawn_codes import qr, scene
from PIL import Image

from core.model import Symbology
from station.pictures import read_picture
from station.reading.decoders import ZxingDecoder
from station.reading.ladder import RUNGS, Ladder
from station.reading.plane import Plane, plane_of

RUNG = pytest.mark.parametrize("rung", range(len(RUNGS)), ids=[rung.name for rung in Ladder().rungs])


@RUNG
def test_every_rung_reads_a_clear_code_and_says_where_it_is(rung):
    code = qr("gate", scale=5)
    (read,) = Ladder().decode(plane_of(scene((code, (300, 100)))), rung)
    assert (read.data, read.symbology) == (b"gate", Symbology.QR)
    assert read.centre == pytest.approx((300 + code.width / 2, 100 + code.height / 2), abs=6)


@RUNG
def test_every_rung_says_where_a_code_is_in_a_large_picture(rung):
    code = qr("gate", scale=14)
    (read,) = Ladder().decode(plane_of(scene((code, (1500, 900)), size=(3400, 2000))), rung)
    assert read.centre == pytest.approx((1500 + code.width / 2, 900 + code.height / 2), abs=12)


@RUNG
def test_every_rung_finds_nothing_where_nothing_is(rung):
    assert Ladder().decode(plane_of(scene(grey=120)), rung) == ()


@RUNG
def test_every_rung_bears_the_smallest_picture(rung):
    assert Ladder().decode(Plane(memoryview(b"\x80"), 1, 1, 1), rung) == ()


@pytest.mark.parametrize("engine", ["zxing", "zbar"])
def test_each_engine_works_alone(engine):
    ladder = Ladder([engine])
    assert {rung.engine for rung in ladder.rungs} == {engine}
    assert ladder.rungs[0].prepare is None
    assert [read.data for read in ladder.climb(plane_of(scene((qr("gate"), (30, 40)))))] == [b"gate"]


def test_no_engine_or_no_symbology_is_refused():
    with pytest.raises(ValueError, match="name at least one"):
        Ladder([])
    with pytest.raises(ValueError, match="name at least one"):
        Ladder(symbologies=[])


def test_the_first_look_is_bare_zxing():
    assert (Ladder().rungs[0].engine, Ladder().rungs[0].prepare, Ladder().rungs[0].binarizer) == (
        "zxing",
        None,
        "local",
    )


def dim(image: Image.Image) -> Image.Image:
    """A screen at its darkest: a dozen levels between black and white."""
    return image.point([8 + level // 20 for level in range(256)])


def test_a_further_rung_reads_what_a_bare_look_cannot():
    plane = plane_of(dim(scene((qr("gate"), (200, 150)), grey=90)))
    assert ZxingDecoder().decode(plane) == ()
    assert [read.data for read in Ladder().climb(plane)] == [b"gate"]


@pytest.mark.shared
def test_the_photographs_are_read_at_least_as_well_as_by_bare_zxing(photographs: Path):
    truth = json.loads((photographs / "truth.json").read_text())
    ladder, bare = Ladder(), ZxingDecoder()
    ours = theirs = 0
    wrong, false = [], []
    for name, said in truth.items():
        plane = read_picture(photographs / name)
        reads = ladder.climb(plane)
        if said is None:
            false += [name] * bool(reads)
            continue
        ours += _is_right(reads, said)
        theirs += _is_right(bare.decode(plane), said)
        wrong += [name] * (bool(reads) and not _is_right(reads, said))
    assert (wrong, false) == ([], [])
    assert ours >= theirs


def _is_right(reads, said):
    """The truth has its trailing newlines cut; texts whose bytes it does not know are judged as text."""
    if said["hex"]:
        return any(read.data.hex() == said["hex"] for read in reads)
    return any((read.text or "").rstrip("\r\n") == said["text"].rstrip("\r\n") for read in reads)
