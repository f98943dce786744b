import threading
import time

import pytest
from PIL import Image

from drivers.camera import DRIVERS
from drivers.camera_sim import SimCamera
from drivers.errors import DeviceError
from drivers.frame import Frame


def picture(width, height, grey):
    return Frame(memoryview(bytes([grey]) * (width * height)), width, height, width)


def as_image(frame):
    return Image.frombytes("L", (frame.width, frame.height), frame.packed())


@pytest.fixture
def camera():
    with SimCamera(width=64, height=48, rate=100, background=100) as camera:
        yield camera


def test_nothing_held_up_shows_a_still_wall(camera):
    first, second = camera.frame(30), camera.frame(30)
    assert first.packed() == second.packed() == bytes([100]) * 64 * 48
    assert second.sequence > first.sequence
    assert second.at_monotonic > first.at_monotonic


def test_a_picture_is_shown_from_the_next_frame_until_it_is_taken_down(camera):
    camera.hold_up(picture(64, 48, 7))
    assert set(camera.frame(30).packed()) == {7}
    assert set(camera.frame(30).packed()) == {7}
    camera.take_down()
    assert set(camera.frame(30).packed()) == {100}


def test_a_picture_is_shown_for_its_time_from_the_first_frame_that_somebody_looks_at(camera):
    camera.hold_up(picture(64, 48, 7), seconds=0.2)
    time.sleep(0.3)
    began = time.monotonic()
    first = frame = camera.frame(30)
    assert frame.pixels[0] == 7
    while time.monotonic() < first.at_monotonic + 0.2:
        assert frame.pixels[0] == 7 or frame.at_monotonic >= began + 0.2
        frame = camera.frame(30)
    assert camera.frame(30).pixels[0] == 100


def test_a_newer_picture_outlives_the_older_ones_time(camera):
    camera.hold_up(picture(64, 48, 7), seconds=0.01)
    camera.hold_up(picture(64, 48, 8))
    assert [camera.frame(30).pixels[0] for _ in range(4)] == [8] * 4


def test_a_small_picture_is_shown_in_the_middle_as_it_is(camera):
    camera.hold_up(picture(10, 8, 255))
    assert as_image(camera.frame(30)).point(lambda grey: grey == 255 and 255).getbbox() == (27, 20, 37, 28)


def test_a_large_picture_is_made_to_fit_in_its_proportions(camera):
    camera.hold_up(picture(400, 100, 255))
    assert as_image(camera.frame(30)).point(lambda grey: grey == 255 and 255).getbbox() == (0, 16, 64, 32)


def test_padding_at_the_end_of_rows_is_not_shown(camera):
    rows = (bytes([9]) * 64 + bytes([200]) * 16) * 48
    camera.hold_up(Frame(memoryview(rows), 64, 48, 80))
    assert set(camera.frame(30).packed()) == {9}


def test_it_keeps_its_rate_and_never_gives_more():
    began = time.monotonic()
    with SimCamera(width=64, height=48, rate=50) as camera:
        assert all(camera.frame(30) for _ in range(6))
        assert 0.09 <= time.monotonic() - began < 30


def test_a_busy_gate_misses_frames_and_gets_the_newest(camera):
    first = camera.frame(30)
    time.sleep(0.1)
    camera.hold_up(picture(64, 48, 3))
    frame = camera.frame(30)
    assert frame.sequence >= first.sequence + 9
    assert frame.pixels[0] == 3


def test_no_frame_within_the_time_is_none():
    with SimCamera(width=64, height=48, rate=0.1) as camera:
        assert camera.frame(30) is not None
        began = time.monotonic()
        assert camera.frame(0.02) is None
        assert time.monotonic() - began < 30


def test_grain_is_faint_fresh_in_each_frame_and_the_same_for_the_same_seed():
    def film(seed):
        with SimCamera(width=64, height=48, rate=200, background=100, noise=3, seed=seed) as camera:
            return [camera.frame(30).packed() for _ in range(3)]

    first = film(seed=5)
    assert {grey for frame in first for grey in frame} == set(range(97, 104))
    assert len(set(first)) == 3
    assert film(seed=5) == first
    assert film(seed=6) != first


def test_it_is_held_up_from_another_thread_while_frames_are_taken(camera):
    done = threading.Event()

    def hold():
        for grey in range(1, 60):
            camera.hold_up(picture(64, 48, grey))
            camera.take_down()
        camera.hold_up(picture(64, 48, 60))
        done.set()

    thread = threading.Thread(target=hold, daemon=True)
    thread.start()
    while not done.is_set():
        assert len(set(camera.frame(30).packed())) == 1
    thread.join()
    assert camera.frame(30).pixels[0] == 60


def test_unplugged_it_says_so_once_and_comes_back(camera):
    camera.unplug()
    with pytest.raises(DeviceError):
        camera.frame(30)
    assert camera.frame(30) is None
    camera.plug_in()
    assert camera.frame(30) is not None


@pytest.mark.parametrize("options", [{"width": 0}, {"height": 9000}, {"rate": 0}, {"background": 256}, {"noise": -1}])
def test_a_wrong_option_is_refused_by_name(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        SimCamera(**options)


def test_no_camera_waits_as_long_as_asked_for_no_frame():
    with DRIVERS["null"]() as camera:
        began = time.monotonic()
        assert camera.frame(0.02) is None
        assert 0.02 <= time.monotonic() - began < 30


@pytest.mark.parametrize("size", [(0, 4, 4), (5, 4, 4), (4, 0, 4), (4, 5, 4), (4, 4, 8)])
def test_a_frame_whose_pixels_do_not_suffice_is_refused(size):
    width, height, stride = size
    with pytest.raises(ValueError, match="pixels"):
        Frame(memoryview(bytes(16)), width, height, stride)


def test_the_last_row_of_a_frame_needs_no_padding():
    assert Frame(memoryview(bytes(range(14))), 4, 2, 10).packed() == bytes([0, 1, 2, 3, 10, 11, 12, 13])
