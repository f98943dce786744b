"""The Pi's camera driver on the real picamera2 and libcamera, whose virtual camera holds a code up."""

import gc
import time

import pytest
import zxingcpp
from PIL import Image, ImageChops
from waiting import told_loss, wait_for

from core.model import Symbology
from drivers.camera_picamera2 import Picamera2Camera
from drivers.errors import DeviceError
from station.reading.camera_reader import CameraReader
from station.reading.ladder import Ladder

# picamera2 starts its threads as older Pythons did, and leaves a pipe open when a camera cannot be had.
pytestmark = [
    pytest.mark.filterwarnings("ignore:setDaemon:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:Exception ignored in. <_io.FileIO:pytest.PytestUnraisableExceptionWarning"),
]

CODE = b"https://example.vn/khai-bao?ma=TQ-0001"


def scene(data: bytes) -> Image.Image:
    """A QR code on a grey wall, 640x480."""
    drawn = zxingcpp.create_barcode(data, zxingcpp.BarcodeFormat.QRCode).to_image(scale=8, add_quiet_zones=True)
    height, width = drawn.shape
    wall = Image.new("L", (640, 480), 128)
    wall.paste(Image.frombytes("L", (width, height), bytes(memoryview(drawn).cast("B"))), (90, 60))
    return wall


RAMP = Image.linear_gradient("L").resize((640, 480))


@pytest.fixture(scope="module")
def cameras():
    """The numbers of two cameras: the first sees a code held up, the second a ramp from black to white."""
    import virtual_camera

    return virtual_camera.install(scene(CODE), RAMP)


@pytest.fixture(autouse=True)
def nothing_left_behind():
    """What a test leaves open is found in it and not in a later one."""
    yield
    gc.collect()


def frames(camera, count=1):
    """The next frames of a camera, as many as asked for."""
    found = []
    for _ in range(count):
        found.append(wait_for(lambda: camera.frame(5), "a frame"))
    return found


def picture(frame):
    return Image.frombytes("L", (frame.width, frame.height), frame.packed())


@pytest.mark.parametrize(("width", "height"), [(640, 480), (1280, 720)])
def test_a_frame_is_the_picture_in_luminance_row_by_row(cameras, width, height):
    with Picamera2Camera(width=width, height=height, number=cameras[1]) as camera:
        (frame,) = frames(camera)
    assert (frame.width, frame.height) == (width, height)
    assert frame.stride >= width
    assert len(frame.pixels) == frame.stride * height
    ramp = RAMP.resize((width, height))
    worst = ImageChops.difference(picture(frame), ramp).getextrema()[1]
    assert worst <= 24, f"a pixel is off by {worst} grey levels"


def test_the_stations_reader_reads_the_code_that_is_held_up(cameras):
    reader = CameraReader(Ladder(("zxing",), (Symbology.QR,)))
    with Picamera2Camera(cameras[0]) as camera:
        read = wait_for(lambda: reader.on_frame(frames(camera)[0], time.monotonic()), "the code to be read")
    assert [one.data for one in read] == [CODE]


def test_frames_are_counted_and_each_outlives_the_next(cameras):
    with Picamera2Camera(cameras[0]) as camera:
        first, *others = frames(camera, 12)
        kept = first.packed()
    assert [frame.sequence for frame in (first, *others)] == list(range(12))
    assert first.packed() == kept


def test_a_camera_that_another_holds_is_told_and_taken_when_it_is_free(cameras):
    with Picamera2Camera(cameras[0]) as first:
        frames(first)
        with Picamera2Camera(cameras[0]) as second:
            with pytest.raises(DeviceError) as caught:
                second.frame(1)
            assert second.frame(0.1) is None
            first.__exit__()
            frames(second)
    assert "close other programs" in caught.value.cure


def test_a_number_without_a_camera_is_told_once():
    with Picamera2Camera(number=5) as camera:
        with pytest.raises(DeviceError) as caught:
            camera.frame(1)
        assert camera.frame(0.1) is None
    assert caught.value.device == "camera picamera2 5"


def test_a_camera_that_falls_silent_is_told_once_and_opened_anew(cameras):
    with Picamera2Camera(cameras[0], patience=1.0) as camera:
        frames(camera)
        camera._plug._device.stop()  # no frame comes any more, as with a sensor that hangs
        began = time.monotonic()
        loss = told_loss(camera.frame)
        assert time.monotonic() - began >= 0.5
        frames(camera, 3)
    assert loss.problem == "it sent no frame for 1.0 seconds"


def test_it_can_be_opened_and_closed_again_and_again(cameras):
    camera = Picamera2Camera(cameras[0])
    for _ in range(4):
        with camera:
            frames(camera)
