"""Reading codes: the photographs, the rendered phone screens, and what an empty gate costs, each beside its peer.

The peer of the photographs and of the empty frames is zxing-cpp as it comes; that of the rendered screens is the
obvious ladder built on OpenCV (zxing-cpp as it is, by a global threshold, on CLAHE, at twice the size, on an adaptive
threshold, each on a miss only).  Both sides see the same pixels, one after the other.
"""

from __future__ import annotations

import importlib.util
import json
import os
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import zxingcpp

from bench.rows import NotMeasured, Row
from drivers.camera import NullCamera
from drivers.frame import Frame
from station.clock import Clock
from station.pictures import read_picture
from station.reading.camera_reader import CameraReader
from station.reading.decoders import Read
from station.reading.ladder import Ladder
from station.reading.plane import Luma, Plane
from station.sources import CameraLoop, Captures

SHARED = Path(os.environ.get("TQ_SHARED", Path(__file__).resolve().parents[2] / "shared"))
SEED, PER_STEP = 7000, 6
SIZES = ((640, 480), (1280, 720))
DOCUMENTED = {640: 91.1, 1280: 86.2}
"""The peer ladder's rates where it was first measured, in per cent: a floor under the bar."""

ALSO_SHOWN = {"zxing/qrcode-2/16.png": "[内側QRコード]\r\n\r\n*ダブルQR*\r\nhttp://d-qr.net/ex/".encode("shift-jis")}
"""What a photograph shows beside the one code that its truth names: this one has a code within a code."""

FRAMES, ROUNDS = 300, 7
Picture = np.ndarray[Any, np.dtype[np.uint8]]


def measure(_folder: Path, told: Callable[[str], None]) -> list[Row]:
    """Measure everything whose pictures are at hand; ``NotMeasured`` names what is not."""
    rows = [row for size in SIZES for row in _empty_gate(size, told)]
    missing = []
    for part, needed in ((_photographs, "data/qr/truth.json"), (_screens, "tools/qr_synth.py")):
        if (SHARED / needed).is_file():
            rows += part(told)
        else:
            missing.append(str(SHARED / needed))
    if missing:
        raise NotMeasured(rows, f"no {' and no '.join(missing)}; TQ_SHARED names the folder")
    return rows


def _bare(picture: Picture | Luma, binarizer: zxingcpp.Binarizer = zxingcpp.Binarizer.LocalAverage) -> list[bytes]:
    """zxing-cpp as it comes, for QR codes."""
    return [
        found.bytes
        for found in zxingcpp.read_barcodes(_array(picture), zxingcpp.BarcodeFormat.QRCode, binarizer=binarizer)
    ]


def _array(picture: Picture | Luma) -> Picture:
    if isinstance(picture, np.ndarray):
        return picture
    return np.frombuffer(picture.pixels, np.uint8).reshape(picture.height, picture.stride)


def _photographs(told: Callable[[str], None]) -> list[Row]:
    folder = SHARED / "data" / "qr"
    truth = json.loads((folder / "truth.json").read_text())
    ladder = Ladder()
    ours = bare = wrong = false = 0
    seconds: list[float] = []
    for name, said in truth.items():
        plane = read_picture(folder / name)
        began = time.process_time()
        reads = ladder.climb(plane)
        seconds.append(time.process_time() - began)
        if said is None:
            false += bool(reads)
            continue
        right = [_says(read, said) for read in reads]
        ours += any(right)
        wrong += sum(not one and read.data != ALSO_SHOWN.get(name) for read, one in zip(reads, right, strict=True))
        bare += any(_says(read, said) for read in _plain(plane))
    shown = sum(said is not None for said in truth.values())
    told(f"photographs: {ours} of {shown}, bare {bare}; {_spread([1000 * took for took in seconds])} ms of CPU")
    rate, peer = 100 * ours / shown, 100 * bare / shown
    return [
        _ratio_row("photographs read", "%", rate, peer, 1.0, "at_least", shown),
        _count_row("photographs read wrongly", "texts", wrong, shown),
        _count_row("photographs without a code in which one was read", "pictures", false, len(truth) - shown),
    ]


def _plain(plane: Plane) -> Iterator[tuple[bytes, str]]:
    """The peer of the photographs: bytes and text of one call with nothing of ours around it."""
    for found in zxingcpp.read_barcodes(_array(plane), formats=zxingcpp.BarcodeFormat.QRCode):
        yield found.bytes, found.text


def _says(read: Read | tuple[bytes, str], said: dict[str, str]) -> bool:
    """Judge by bytes where the truth knows them; its texts have their last newlines cut."""
    data, text = read if isinstance(read, tuple) else (read.data, read.text or "")
    if said["hex"]:
        return data.hex() == said["hex"]
    return text.rstrip("\r\n") == said["text"].rstrip("\r\n")


def _screens(told: Callable[[str], None]) -> list[Row]:
    rows = []
    for size in SIZES:
        ladder = Ladder()
        ours = peer = wrong = n = 0
        milliseconds: tuple[list[float], list[float]] = ([], [])
        for picture, text in _rendered(size):
            plane = Plane(memoryview(picture.tobytes()), size[0], size[1], size[0])
            marks = [time.process_time()]
            reads = [read.data for read in ladder.climb(plane)]
            marks.append(time.process_time())
            theirs = next(filter(None, _opencv_ladder(picture)), [])
            marks.append(time.process_time())
            ours, peer, n = ours + (text in reads), peer + (text in theirs), n + 1
            wrong += sum(read != text for read in reads)
            milliseconds[0].append(1000 * (marks[1] - marks[0]))
            milliseconds[1].append(1000 * (marks[2] - marks[1]))
        told(
            f"screens {size[0]}: ours {_spread(milliseconds[0])}, OpenCV's ladder {_spread(milliseconds[1])} ms of CPU"
        )
        rows += [_points_row(size[0], 100 * ours / n, 100 * peer / n, n)]
        rows += [_count_row(f"rendered screens at {size[0]} read wrongly", "texts", wrong, n)]
    return rows


def _rendered(size: tuple[int, int]) -> Iterator[tuple[Picture, bytes]]:
    spec = importlib.util.spec_from_file_location("qr_synth", SHARED / "tools" / "qr_synth.py")
    assert spec is not None
    assert spec.loader is not None
    generator = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generator)
    for one in generator.dataset(PER_STEP, (size,), SEED):
        yield one["img"], one["gt"].encode()


def _opencv_ladder(picture: Picture) -> Iterator[list[bytes]]:
    """The peer: what OpenCV offers, each step on a miss only."""
    yield _bare(picture)
    yield _bare(picture, zxingcpp.Binarizer.GlobalHistogram)
    yield _bare(cv2.createCLAHE(2.0, (8, 8)).apply(picture))
    yield _bare(cv2.resize(picture, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC))
    yield _bare(cv2.adaptiveThreshold(picture, 255, cv2.ADAPTIVE_THRESH_GAUSSIAN_C, cv2.THRESH_BINARY, 31, 2))


def _empty_gate(size: tuple[int, int], told: Callable[[str], None]) -> list[Row]:
    """A still camera at an empty gate: a whole stream each, in turn, with the noise of a good sensor.

    Ours is all that the camera's loop does with a frame: the look, the movement, the sharpness, the picture at hand.
    """
    frames = list(_still_frames(size))
    ours, bare = [], []
    for _ in range(ROUNDS):
        bare.append(_cpu(lambda frame, _at: _bare(frame), frames))
        loop = CameraLoop(NullCamera(), CameraReader(Ladder()), Captures(), Clock())
        ours.append(_cpu(loop.take, frames))
    ratios = [mine / theirs for mine, theirs in zip(ours, bare, strict=True)]
    told(f"empty gate {size[0]}: ours {_spread(ours)} ms, bare {_spread(bare)} ms, ratio {_spread(ratios)}")
    name = f"CPU per empty frame at {size[0]}x{size[1]}, camera still"
    mine, theirs = statistics.median(ours), statistics.median(bare)
    return [_ratio_row(name, "ms", mine, theirs, 1.2, "at_most", FRAMES * ROUNDS)]


def _still_frames(size: tuple[int, int]) -> Iterator[Frame]:
    width, height = size
    chance = np.random.default_rng(SEED)
    scene = np.full((height, width), 100, np.float32)
    for _ in range(25):
        x, y, wide, high = chance.integers(0, (width, height, width // 3, height // 3))
        scene[y : y + high, x : x + wide] = chance.uniform(20, 200)
    scene = cv2.GaussianBlur(scene, (0, 0), 3)
    for number in range(FRAMES):
        frame = np.clip(scene + chance.normal(0, 2, scene.shape), 0, 255).astype(np.uint8)
        yield Frame(memoryview(frame.tobytes()), width, height, width, number)


def _cpu(take: Callable[[Frame, float], object], frames: list[Frame]) -> float:
    """Milliseconds of CPU a frame."""
    began = time.process_time()
    for number, frame in enumerate(frames):
        take(frame, number / 30)
    return 1000 * (time.process_time() - began) / len(frames)


def _ratio_row(name: str, unit: str, ours: float, against: float, bar: float, sense: str, n: int) -> Row:
    ratio = ours / against
    holds = ratio >= bar if sense == "at_least" else ratio <= bar
    return Row(
        name=name,
        unit=unit,
        ours=round(ours, 3),
        against=round(against, 3),
        ratio=round(ratio, 3),
        bar=bar,
        sense="at_least" if sense == "at_least" else "at_most",
        n=n,
        holds=holds,
    )


def _count_row(name: str, unit: str, count: int, n: int) -> Row:
    return Row(
        name=name, unit=unit, ours=count, against=None, ratio=None, bar=0, sense="at_most", n=n, holds=count == 0
    )


def _points_row(width: int, ours: float, against: float, n: int) -> Row:
    bar = max(against, DOCUMENTED[width]) - 1
    return Row(
        name=f"rendered screens at {width} read",
        unit="%",
        ours=round(ours, 1),
        against=round(against, 1),
        ratio=None,
        bar=round(bar, 1),
        sense="at_least",
        n=n,
        holds=ours >= bar,
    )


def _spread(values: list[float]) -> str:
    """Median, and the 10th and 90th percentile."""
    tenths = statistics.quantiles(values, n=10)
    return f"{statistics.median(values):.2f} ({tenths[0]:.2f} to {tenths[-1]:.2f})"
