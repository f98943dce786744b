import sys
import time

import pytest
from picamera2_standin import Bench

from drivers import camera_picamera2
from drivers.camera_picamera2 import Picamera2Camera
from drivers.errors import DeviceError


@pytest.fixture
def bench(monkeypatch):
    bench = Bench()
    for name, module in bench.modules().items():
        monkeypatch.setitem(sys.modules, name, module)
    yield bench
    bench.stop_hangs.set()


def fast(camera):
    """Let a camera that was lost be tried again at once."""
    camera._plug._first_pause = camera._plug._pause = 0.01
    return camera


def wait(camera):
    while camera.frame(0.2) is None:
        pass


@pytest.mark.parametrize("width", [640, 648])
def test_the_luminance_plane_comes_as_it_is_with_its_stride(bench, width):
    with Picamera2Camera(width=width, height=480) as camera:
        frame = camera.frame(30)
    assert (frame.width, frame.height, frame.stride) == (width, 480, -(-width // 64) * 64)
    assert len(frame.pixels) == frame.stride * 480
    assert frame.packed() == bytes((x + y) & 0xFF for y in range(480) for x in range(width))


def test_a_frame_tells_exposure_gain_and_light(bench):
    with Picamera2Camera() as camera:
        first, second = camera.frame(30), camera.frame(30)
    assert first.info == {"exposure_us": 8000.0, "gain": 2.5, "lux": 120.5}
    assert (first.sequence, second.sequence) == (0, 1)
    assert first.at_monotonic <= second.at_monotonic <= time.monotonic()


def test_every_buffer_goes_back_to_the_camera(bench):
    with Picamera2Camera() as camera:
        frames = [camera.frame(30) for _ in range(20)]
    assert all(frames)
    assert bench.outstanding == 0


def test_options_are_set_when_the_camera_has_them(bench):
    with Picamera2Camera(rate=20, autofocus="manual", focus=7.5, exposure_us=4000, gain=3.0):
        assert bench.opened[0].controls == {
            "FrameDurationLimits": (50000, 50000),
            "AfMode": "manual",
            "LensPosition": 7.5,
            "ExposureTime": 4000,
            "AnalogueGain": 3.0,
        }


def test_a_camera_with_a_fixed_lens_is_not_asked_to_focus(bench):
    del bench.advertised["AfMode"], bench.advertised["LensPosition"]
    with Picamera2Camera(exposure_us=4000) as camera:
        assert camera.frame(30) is not None
    assert bench.opened[0].controls == {"FrameDurationLimits": (66667, 66667), "ExposureTime": 4000}


def test_a_late_frame_is_not_lost_and_nothing_waits_for_ever(bench):
    bench.silent = True
    with Picamera2Camera() as camera:
        began = time.monotonic()
        assert camera.frame(0.02) is None
        assert camera.frame(0) is None
        assert time.monotonic() - began < 30
        bench.opened[0].wake()
        assert camera.frame(30) is not None
    assert len(bench.opened) == 1
    assert bench.outstanding == 0


def test_a_camera_that_falls_silent_is_lost_once_and_opened_again(bench):
    with fast(Picamera2Camera(patience=1)) as camera:
        began = time.monotonic()
        assert camera.frame(30) is not None
        bench.silent = True
        with pytest.raises(DeviceError, match="no frame for"):
            wait(camera)
        assert time.monotonic() - began >= 1
        assert bench.opened[0].closed
        bench.silent = False
        assert camera.frame(30) is not None
    assert len(bench.opened) == 2


def test_a_camera_that_is_unplugged_is_told_of_once_until_it_is_back(bench):
    with fast(Picamera2Camera()) as camera:
        bench.breaks, bench.cameras = True, 0
        with pytest.raises(DeviceError, match="timed out"):
            camera.frame(30)
        assert [camera.frame(0.03) for _ in range(3)] == [None] * 3
        bench.breaks, bench.cameras = False, 1
        assert next(filter(None, (camera.frame(0.1) for _ in range(200))))


def test_a_missing_camera_is_told_of_with_its_cure_and_leaves_the_station_running(bench):
    bench.cameras = 0
    with Picamera2Camera() as camera:
        with pytest.raises(DeviceError, match="No camera number 0") as caught:
            camera.frame(0.01)
        assert "rpicam-hello" in caught.value.cure
        assert camera.frame(0.01) is None


def test_without_picamera2_the_cure_names_the_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "picamera2", None)
    with Picamera2Camera() as camera, pytest.raises(DeviceError) as caught:
        camera.frame(0.01)
    assert "python3-picamera2" in caught.value.cure


def test_a_camera_that_will_not_stop_is_left_behind(bench, monkeypatch):
    monkeypatch.setattr(camera_picamera2, "_CLOSING_SECONDS", 0.05)
    bench.stop_hangs.clear()
    began = time.monotonic()
    with Picamera2Camera() as camera:
        assert camera.frame(30) is not None
    assert time.monotonic() - began < 30


@pytest.mark.parametrize(
    "options",
    [
        {"number": 9},
        {"width": 8},
        {"width": 641},
        {"rate": 0},
        {"autofocus": "never"},
        {"focus": 99},
        {"exposure_us": 0},
        {"gain": 0.5},
        {"patience": 0},
    ],
)
def test_a_wrong_option_is_refused_by_name_without_any_hardware(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        Picamera2Camera(**options)
