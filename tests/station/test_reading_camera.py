import gc
import random
from collections.abc import Iterator
from types import FunctionType, ModuleType

import pytest
from drawn_codes import other, padded, qr, scene
from PIL import Image, ImageChops, ImageFilter
from zxingcpp import BarcodeFormat

from core.model import Symbology
from station.reading.camera_reader import STILL_LOOK, STILL_RUNG, CameraReader
from station.reading.decoders import Read
from station.reading.framegate import FrameGate, sharpness
from station.reading.ladder import Ladder
from station.reading.plane import Plane, plane_of

FRAME = 1 / 30
CHANCE = random.Random(7)


@pytest.fixture(autouse=True)
def same_chance():
    """What shakes and what is grainy is the same for each test, whichever ran before it."""
    CHANCE.seed(7)


class Stream:
    """A camera at 30 frames a second in front of one reader, on a made-up clock."""

    def __init__(self, ladder: Ladder | None = None) -> None:
        self.reader = CameraReader(ladder or Ladder())
        self.now = 100.0

    def show(self, image: Image.Image, seconds: float = FRAME, noise: int = 0) -> list[bytes]:
        """Return what was presented while ``image`` was in view."""
        presented = []
        for _ in range(max(1, round(seconds / FRAME))):
            self.now += FRAME
            plane = plane_of(grainy(image, noise) if noise else image)
            presented += [read.data for read in self.reader.on_frame(plane, self.now)]
        return presented


def grainy(image: Image.Image, noise: int) -> Image.Image:
    grain = Image.frombytes("L", image.size, CHANCE.randbytes(image.width * image.height))
    return ImageChops.add(image, grain.point([level * noise // 255 for level in range(256)]), offset=-noise // 2)


EMPTY = scene()
ONE = scene((qr("one"), (100, 100)))
TWO = scene((qr("two"), (350, 250)))
BOTH = scene((qr("one"), (100, 100)), (qr("two"), (350, 250)))
DIM = ONE.point([8 + level // 20 for level in range(256)])


def test_a_code_held_up_is_one_presentation_however_long_it_stays():
    assert Stream().show(ONE, seconds=30) == [b"one"]


def test_a_code_in_a_shaking_hand_is_one_presentation():
    stream = Stream()
    shaken = [scene((qr("one"), (100 + CHANCE.randrange(60), 100 + CHANCE.randrange(60)))) for _ in range(60)]
    assert [data for image in shaken for data in stream.show(image)] == [b"one"]


def test_a_code_is_presented_again_after_two_seconds_out_of_view():
    stream = Stream()
    assert stream.show(ONE, 1) == [b"one"]
    assert stream.show(EMPTY, 2.1) == []
    assert stream.show(ONE, 1) == [b"one"]


def test_a_code_that_was_away_for_less_is_not():
    stream = Stream()
    assert stream.show(ONE, 1) == [b"one"]
    assert stream.show(EMPTY, 1.8) == []
    assert stream.show(ONE, 1) == []


@pytest.mark.parametrize("seconds", [2.5, 5.0])
def test_a_code_that_stays_while_the_board_stands_still_is_one_presentation(seconds):
    stream = Stream()
    assert stream.show(BOTH, 1)
    stream.now += seconds
    assert stream.show(BOTH, 1) == []
    stream.now += 60  # as long as a cable takes to be put in again
    assert sorted(stream.show(BOTH, 1)) == [b"one", b"two"]


def test_a_code_that_left_before_the_board_stood_still_is_presented_again():
    stream = Stream()
    assert stream.show(ONE, 1) == [b"one"]
    assert stream.show(TWO, 0.5) == [b"two"]
    stream.now += 2.5
    assert stream.show(ONE, 1) == [b"one"]


def test_two_codes_in_view_are_two_presentations():
    assert sorted(Stream().show(BOTH, 3)) == [b"one", b"two"]


def test_a_second_code_beside_the_first_is_presented_alone():
    stream = Stream()
    assert stream.show(ONE, 1) == [b"one"]
    assert stream.show(BOTH, 1) == [b"two"]


def test_a_code_that_nobody_had_room_for_is_presented_again_at_the_next_frame():
    stream = Stream()
    (refused,) = stream.reader.on_frame(plane_of(ONE), stream.now)
    stream.reader.forget(refused)
    assert stream.show(ONE) == [b"one"]
    assert stream.show(ONE, 1) == []


def test_a_code_that_needs_a_further_rung_is_read_while_it_is_held_up():
    stream = Stream()
    stream.show(EMPTY, 1)
    assert stream.show(DIM, seconds=0.5) == [b"one"]


def test_a_code_that_needs_a_further_rung_stays_one_presentation():
    assert Stream().show(DIM, seconds=30, noise=3) == [b"one"]


def test_a_code_that_was_there_before_the_camera_is_not_given_up():
    assert Stream(Ladder()).show(DIM, seconds=STILL_LOOK * STILL_RUNG * 11 * FRAME) == [b"one"]


def test_a_code_that_appears_slowly_is_read():
    stream = Stream()
    presented = []
    for step in range(40):
        presented += stream.show(Image.blend(EMPTY, ONE, step / 39))
    assert presented == [b"one"]


def test_an_empty_still_gate_is_hardly_looked_at():
    stream = Stream()
    stream.show(EMPTY, 10, noise=8)
    figures = stream.reader.figures
    assert figures.frames == 300
    assert figures.decoded <= 300 / STILL_LOOK + 1


def test_every_moving_frame_is_decoded():
    stream = Stream()
    for step in range(40):
        stream.show(scene((Image.new("L", (80, 200)), (step * 14, 100))))
    assert stream.reader.figures.decoded == 40


def test_a_bar_code_must_be_read_twice():
    bars = scene((other(BarcodeFormat.Code128, "046099123456"), (50, 50)))
    stream = Stream(Ladder(symbologies=[Symbology.QR, Symbology.CODE_128]))
    assert stream.show(bars) == []
    assert stream.show(bars, 1) == [b"046099123456"]
    assert stream.show(bars, 5) == []


@pytest.mark.parametrize("rate", [0.8, 1, 2, 5, 8, 15, 60])
def test_a_bar_code_held_still_is_one_presentation_at_any_rate_of_frames(rate):
    bars = plane_of(scene((other(BarcodeFormat.Code128, "046099123456"), (50, 50))))
    reader = CameraReader(Ladder(symbologies=[Symbology.QR, Symbology.CODE_128]))
    reader.on_frame(plane_of(EMPTY), 0.0)
    presented = [read.data for frame in range(1, round(rate * 8)) for read in reader.on_frame(bars, frame / rate)]
    assert presented == [b"046099123456"]


def test_padded_frames_are_no_different():
    reader = CameraReader(Ladder())
    assert [read.data for read in reader.on_frame(padded(ONE, 704), 1.0)] == [b"one"]


def test_a_camera_that_changes_its_size_is_followed():
    stream = Stream()
    assert stream.show(ONE, 1) == [b"one"]
    assert stream.show(scene((qr("two"), (600, 300)), size=(1280, 720)), 1) == [b"two"]


def test_a_broken_frame_is_refused_and_the_next_one_read():
    reader = CameraReader(Ladder())
    with pytest.raises(ValueError, match="holds only"):
        reader.on_frame(Plane(memoryview(bytes(100)), 640, 480, 640), 1.0)
    assert [read.data for read in reader.on_frame(plane_of(ONE), 1.1)] == [b"one"]


def test_figures_tell_what_was_done():
    stream = Stream()
    stream.show(ONE, 1)
    figures = stream.reader.figures
    assert (figures.frames, figures.presented) == (30, 1)
    assert figures.read >= 1
    timed = stream.reader.timings.histogram()
    assert timed.count == figures.decoded
    assert timed.total > 0


def test_no_payload_stays_behind():
    stream = Stream()
    assert stream.show(scene((qr("046099123456-very-personal"), (100, 100))), 1)
    assert b"very-personal" not in b"".join(held_by(stream.reader))


def held_by(thing) -> Iterator[bytes]:
    """Every text and every bytes that a thing holds, however deep."""
    seen, waiting = set(), [thing]
    while waiting:
        held = waiting.pop()
        if id(held) in seen or isinstance(held, type | ModuleType | FunctionType | memoryview):
            continue
        seen.add(id(held))
        if isinstance(held, bytes | bytearray | str):
            yield held.encode() if isinstance(held, str) else bytes(held)
        waiting += gc.get_referents(held)


def test_the_search_for_payloads_finds_one_that_is_held():
    stream = Stream()
    stream.reader.kept = Read(b"very-personal", Symbology.QR, ((0, 0),) * 4)
    assert b"very-personal" in b"".join(held_by(stream.reader))


def test_noise_is_no_movement_and_a_small_code_is():
    gate = FrameGate()
    assert gate.moved(plane_of(grainy(EMPTY, 12)))
    assert not any(gate.moved(plane_of(grainy(EMPTY, 12))) for _ in range(50))
    assert gate.moved(plane_of(scene((qr("a", scale=3), (300, 200)))))


def test_a_blurred_picture_is_less_sharp():
    clear = scene((qr("one"), (260, 180)))
    assert sharpness(plane_of(clear)) > 2 * sharpness(plane_of(clear.filter(ImageFilter.GaussianBlur(4))))
